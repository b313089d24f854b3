/*
 * Goal: a position is read back exactly as it was written and in no other form; a filter passes what was asked for and
 * nothing else.
 * Method: tables.
 */
#include "ledger_world.h"

#include "feed/filter.h"
#include "feed/position.h"

/* ---- positions ---- */

static void a_position_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    static const struct {
        struct position position;
        const char *text;
    } rows[] = {
        {{0, 0}, "0-0"},
        {{1, 0}, "1-0"},
        {{1, 1}, "1-1"},
        {{10, 1000000000000}, "10-1000000000000"},
        {{UINT32_MAX, INT64_MAX}, "4294967295-9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[POSITION_TEXT_BYTES];
        unsigned n = position_format(rows[i].position, text);
        assert_true(text_equal(text_of(text, n), text_of(rows[i].text, strlen(rows[i].text))));
        struct position back = {77, 77};
        assert_true(position_parse(text_of(text, n), &back));
        assert_int_equal(back.epoch, rows[i].position.epoch);
        assert_true(back.seq == rows[i].position.seq);
    }
}

static void nothing_else_is_a_position(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "-",
        "1",
        "1-",
        "-1",
        "--1",
        "1--1",
        "1-1-1",
        "1-1 ",
        " 1-1",
        "+1-1",
        "1-+1",
        "1-0x1",
        "1.0-1",
        "a-1",
        "1-a",
        "1_1",
        "01-1", /* one text for one position */
        "1-01",
        "1-00",
        "00-0",
        "4294967296-1", /* beyond 32 bits */
        "99999999999999999999-1",
        "1-9223372036854775808", /* beyond 63 bits */
        "1-18446744073709551616",
        "1-99999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct position position = {77, 77};
        if (position_parse(text_of(rows[i], strlen(rows[i])), &position))
            fail_msg("'%s' is taken for a position", rows[i]);
        assert_true(position.epoch == 77 && position.seq == 77);
    }
    struct position position;
    assert_false(position_parse(TEXT_NONE, &position));
    assert_false(position_parse(text_of("1-1\0", 4), &position));
    assert_true(position_parse(text_of("1-12", 3), &position)); /* its own bytes only */
    assert_true(position.seq == 1);
}

/* ---- filters ---- */

/* A filter in near-prose: `item=A kind=hold refused`. What filter_add says of its last value. */
static enum filter_status filter_of(struct filter *filter, const char *prose)
{
    static const char *const names[FILTER_FIELD_COUNT] = {"item", "location", "kind", "type", "source"};
    char words[4096];
    char *rest = NULL;
    enum filter_status status = FILTER_OK;
    assert_true(strlen(prose) < sizeof(words));
    strcpy(words, prose);
    *filter = (struct filter){0};
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        if (equals == NULL) {
            assert_string_equal(word, "refused");
            filter->refused = true;
            continue;
        }
        *equals = '\0';
        unsigned field = 0;
        while (strcmp(names[field], word) != 0)
            assert_true(++field < FILTER_FIELD_COUNT);
        status = filter_add(filter, (enum filter_field)field, text_of(equals + 1, strlen(equals + 1)));
    }
    return status;
}

/* Types of the events of the last decision that pass. */
static void passing(const struct world *world, const struct filter *filter, char *out, size_t n)
{
    out[0] = '\0';
    for (uint32_t i = 0; i < world->decision.event_count; i++) {
        const struct event *event = &world->decision.events[i];
        if (!filter_match(filter, world->ledger, &world->decision, event))
            continue;
        size_t at = strlen(out);
        (void)snprintf(out + at, n - at, "%s%s", at > 0 ? " " : "", event_name(event->type));
    }
}

static void a_filter_passes_what_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *command; /* NULL: the one before */
        const char *filter;
        const char *passes;
    } rows[] = {
        {"receive 5 A@L", "", "receive"},
        {NULL, "refused", "receive"},
        {NULL, "item=A", "receive"},
        {NULL, "item=a", ""}, /* as it is written */
        {NULL, "item=AB", ""},
        {NULL, "item=B", ""},
        {NULL, "item=B item=A", "receive"}, /* alternatives */
        {NULL, "item=A location=L", "receive"},
        {NULL, "item=A location=M", ""}, /* both */
        {NULL, "location=M location=L", "receive"},
        {NULL, "kind=receive", "receive"},
        {NULL, "kind=sale", ""},
        {NULL, "kind=sale kind=receive type=receive", "receive"},
        {NULL, "type=hold", ""},
        {NULL, "source=pos-1", "receive"},
        {NULL, "source=pos-2", ""},
        {NULL, "source=pos-1 item=B", ""},
        {NULL, "item=*", "receive"}, /* every item */
        {NULL, "item=A*", "receive"},
        {NULL, "item=B*", ""},
        {NULL, "location=L*", ""}, /* a prefix for items only */
        {"receive 5 ABC-1@L 3 ABC-2@M", "item=ABC*", "receive receive"},
        {NULL, "item=ABC-*", "receive receive"},
        {NULL, "item=ABC-1*", "receive"},
        {NULL, "item=ABC-10*", ""},
        {NULL, "item=ABC", ""},
        {NULL, "location=M", "receive"},
        {NULL, "item=ABC-1 location=M", ""}, /* of one cell */
        {"receive 1 A*@L", "item=A*", "receive"},
        {NULL, "item=A**", "receive"}, /* a name that has a star in it */
        {"sale 100 A@L", "item=A", "sale discrepancy oversold out_of_stock"},
        {NULL, "type=oversold", "oversold"},
        {NULL, "kind=sale", "sale discrepancy oversold out_of_stock"}, /* of the command */
        {NULL, "type=sale type=discrepancy", "sale discrepancy"},
        {"transfer 1 ABC-1@L to=M", "location=M", "transfer"},
        {NULL, "location=L", "transfer"},
        {NULL, "kind=transfer", "transfer transfer"},
        {"hold 100 ABC-1@L 100 ABC-2@M hold=h", "", ""}, /* refused: only for who asks for it */
        {NULL, "refused", "refused"},
        {NULL, "item=ABC-1", ""},
        {NULL, "refused item=ABC-1", "refused"}, /* by what was short */
        {NULL, "refused item=ABC-2 location=M", "refused"},
        {NULL, "refused item=ABC-1 location=M", ""},
        {NULL, "refused item=A", ""},
        {NULL, "refused kind=hold", "refused"},
        {NULL, "refused kind=ship", ""},
        {NULL, "refused type=refused", "refused"},
        {NULL, "type=refused", ""},
        {"item item=Z scale=2", "", "config"},
        {NULL, "item=Z", "config"},
        {NULL, "item=Z location=L", ""}, /* it has no location */
        {NULL, "item=Y", ""},
    };
    static struct world world;
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[200];
        struct filter filter;
        if (rows[i].command != NULL)
            world_step(&world, rows[i].command);
        assert_int_equal(filter_of(&filter, rows[i].filter), FILTER_OK);
        assert_int_equal(filter_is_open(&filter), strchr(rows[i].filter, '=') == NULL);
        passing(&world, &filter, got, sizeof(got));
        if (strcmp(got, rows[i].passes) != 0)
            fail_msg("row %zu: filter '%s' on '%s' passes '%s', not '%s'", i, rows[i].filter, world.answer, got,
                     rows[i].passes);
    }
    world_deinit(&world);
}

static void a_filter_has_bounds_and_knows_kinds_and_types(void **state)
{
    (void)state;
    static struct filter filter;
    assert_int_equal(filter_of(&filter, "kind=hold"), FILTER_OK);
    assert_int_equal(filter_of(&filter, "kind=Hold"), FILTER_UNKNOWN_VALUE);
    assert_int_equal(filter_of(&filter, "kind=hol"), FILTER_UNKNOWN_VALUE);
    assert_int_equal(filter_of(&filter, "kind=oversold"), FILTER_UNKNOWN_VALUE); /* a type */
    assert_int_equal(filter_of(&filter, "type=oversold"), FILTER_OK);
    assert_int_equal(filter_of(&filter, "type=put_item"), FILTER_UNKNOWN_VALUE);
    assert_int_equal(filter_of(&filter, "kind="), FILTER_UNKNOWN_VALUE);
    assert_int_equal(filter.count, 0); /* what is not added leaves nothing behind */

    char name[NAME_BYTES_MAX + 2];
    memset(name, 'n', sizeof(name));
    filter = (struct filter){0};
    assert_int_equal(filter_add(&filter, FILTER_ITEM, text_of(name, NAME_BYTES_MAX)), FILTER_OK);
    assert_int_equal(filter_add(&filter, FILTER_ITEM, text_of(name, NAME_BYTES_MAX + 1)), FILTER_TOO_LONG);
    name[NAME_BYTES_MAX] = '*'; /* a prefix of the longest name there is */
    assert_int_equal(filter_add(&filter, FILTER_ITEM, text_of(name, NAME_BYTES_MAX + 1)), FILTER_OK);
    assert_int_equal(filter_add(&filter, FILTER_LOCATION, text_of(name, NAME_BYTES_MAX + 1)), FILTER_TOO_LONG);
    assert_int_equal(filter.count, 2);
    while (filter.count < FILTER_VALUES_MAX)
        assert_int_equal(filter_add(&filter, FILTER_SOURCE, TEXT("s")), FILTER_OK);
    assert_int_equal(filter_add(&filter, FILTER_SOURCE, TEXT("s")), FILTER_TOO_MANY);
    assert_int_equal(filter.count, FILTER_VALUES_MAX);
}

static void cells_are_filtered_as_events_are(void **state)
{
    (void)state;
    static struct world world;
    static struct filter filter;
    world_init(&world, &world_limits);
    world_step(&world, "receive 5 A@L 1 B@M");
    uint32_t a = ledger_number(world.ledger, NAME_ITEM, TEXT("A"));
    uint32_t l = ledger_number(world.ledger, NAME_LOCATION, TEXT("L"));
    uint32_t m = ledger_number(world.ledger, NAME_LOCATION, TEXT("M"));
    assert_int_equal(filter_of(&filter, "item=A location=L kind=sale source=nobody"), FILTER_OK); /* not of a cell */
    assert_true(filter_match_cell(&filter, world.ledger, a, l));
    assert_false(filter_match_cell(&filter, world.ledger, a, m));
    assert_int_equal(filter_of(&filter, "item=B*"), FILTER_OK);
    assert_false(filter_match_cell(&filter, world.ledger, a, l));
    assert_false(filter_match_cell(&filter, world.ledger, NUMBER_NONE, l));
    assert_int_equal(filter_of(&filter, "refused"), FILTER_OK);
    assert_true(filter_match_cell(&filter, world.ledger, a, l));
    assert_true(filter_match_cell(&filter, world.ledger, NUMBER_NONE, NUMBER_NONE));
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_read_back_as_it_was_written),
        cmocka_unit_test(nothing_else_is_a_position),
        cmocka_unit_test(a_filter_passes_what_was_asked_for),
        cmocka_unit_test(a_filter_has_bounds_and_knows_kinds_and_types),
        cmocka_unit_test(cells_are_filtered_as_events_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
