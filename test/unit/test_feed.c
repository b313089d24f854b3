/*
 * Goal: a position is read back exactly as it was written and in no other form; a filter passes what was asked for and
 * nothing else; who reads on among a channel's changes misses none, in however small pieces the way back is walked.
 * Method: tables; and random changes between the pieces of readers, against what each of them must have by then.
 */
#include "ledger_world.h"

#include "base/epochs.h"
#include "feed/changes.h"
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
        {{4095, 7}, "4095-7"},
        {{UINT32_C(0xabcde) << EPOCH_NUMBER_BITS | 2, 900}, "2xabcde-900"},
        {{1 << EPOCH_NUMBER_BITS | 3, 0}, "3x00001-0"},
        {{UINT32_MAX, INT64_MAX}, "4095xfffff-9223372036854775807"},
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
        "4096-1", /* beyond 12 bits */
        "2x-1",
        "2xabcd-1",
        "2xabcdef-1",
        "2xABCDE-1",
        "2xabcdg-1",
        "2x00000-1", /* no tag is none */
        "2xabcde",
        "2xabcde1",
        "xabcde-1",
        "2x abcd-1",
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

static void a_position_within_an_event_has_a_part(void **state)
{
    (void)state;
    char text[POSITION_TEXT_BYTES];
    struct position back;
    uint64_t part;
    unsigned n = position_format_part((struct position){UINT32_MAX, INT64_MAX}, INT64_MAX, text);
    assert_true(text_equal(text_of(text, n), TEXT("4095xfffff-9223372036854775807.9223372036854775807")));
    assert_true(position_parse_part(text_of(text, n), &back, &part));
    assert_true(back.epoch == UINT32_MAX && back.seq == INT64_MAX && part == INT64_MAX);
    n = position_format_part((struct position){1, 2}, 0, text);
    assert_true(text_equal(text_of(text, n), TEXT("1-2")));
    assert_true(position_parse_part(text_of(text, n), &back, &part));
    assert_true(part == 0);
    assert_false(position_parse(TEXT("1-2.3"), &back)); /* of events there are no parts */
    static const char *const rows[] = {"1-2.",    "1-2.0", "1-2.01", "1-2.-1", "1-2.x", "1-2.3.4",
                                       "1-2.3 ", "1.2",   ".1",     "1-.2",   "1-2..3", "1-2.9223372036854775808"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(position_parse_part(text_of(rows[i], strlen(rows[i])), &back, &part));
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
            assert_true(strcmp(word, "refused") == 0 || strcmp(word, "reported") == 0);
            filter->refused = filter->refused || strcmp(word, "refused") == 0;
            filter->reported = filter->reported || strcmp(word, "reported") == 0;
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
        {NULL, "reported", ""},
        {"source name=shop pair=y", "", "config"},
        {"snapshot report 5 ABC-2@M source=shop", "", ""}, /* so are reports, which would come back to who made them */
        {NULL, "refused", ""},
        {NULL, "type=reported", ""},
        {NULL, "item=ABC-2 location=M", ""},
        {NULL, "reported", "reported"},
        {NULL, "reported refused", "reported"},
        {NULL, "reported item=ABC-2 location=M", "reported"},
        {NULL, "reported item=ABC-1", ""},
        {NULL, "reported location=L", ""},
        {NULL, "reported source=shop kind=snapshot", "reported"},
        {NULL, "reported source=pos-1", ""},
        {"item item=Z scale=2", "", "config"},
        {NULL, "item=Z", "config"},
        {NULL, "item=Z location=L", ""}, /* it has no location */
        {NULL, "item=Y", ""},
        {"set_channel channel=web locations=L", "", "set_channel"},
        {NULL, "item=*", ""}, /* it has no item */
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

/* As its owner does it. Returns the reads it took. */
static unsigned names_read(struct world *world, struct filter *filter)
{
    unsigned reads = 0;
    for (; filter_names_wanted(filter); reads++) {
        filter_names_read(world->ledger, filter);
        assert_true(filter_names_prepare(filter));
    }
    return reads;
}

static void a_location_means_all_below_it(void **state)
{
    (void)state;
    static struct world world;
    static struct filter filter;
    /* Each location by its letter; which ones pass. BIN below L, below DC; and N, a name that nobody has yet. */
    static const struct {
        const char *filter, *passes;
    } rows[] = {{"location=DC", "DLBC"}, {"location=L", "LBC"}, {"location=B", "BC"},       {"location=C", "C"},
                {"location=M", "M"},     {"location=N", ""},    {"location=M location=B", "MBC"}, {"item=A", "DLBCM"},
                {"item=B location=DC", ""}};
    static const char letters[] = "BLDMC";
    uint32_t numbers[5];
    world_init(&world, &world_limits);
    /* Those below come first, so that the walk upwards meets what was not looked at. */
    world_step(&world, "receive 5 A@B 1 A@L");
    world_step(&world, "receive 5 A@DC 1 A@M");
    world_step(&world, "receive 5 A@C");
    world_step(&world, "location location=L parent=DC");
    world_step(&world, "location location=B parent=L");
    world_step(&world, "location location=C parent=B");
    for (unsigned i = 0; i < 5; i++) {
        struct text name = letters[i] == 'D' ? TEXT("DC") : text_of(&letters[i], 1);
        numbers[i] = ledger_number(world.ledger, NAME_LOCATION, name);
        assert_int_not_equal(numbers[i], NUMBER_NONE);
    }
    uint32_t a = ledger_number(world.ledger, NAME_ITEM, TEXT("A"));
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        (void)filter_of(&filter, rows[r].filter);
        (void)names_read(&world, &filter);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(filter_match_cell(&filter, world.ledger, a, numbers[i]),
                             strchr(rows[r].passes, letters[i]) != NULL);
        assert_null(filter.tree.known);
        assert_false(filter_match_cell(&filter, world.ledger, NUMBER_NONE, NUMBER_NONE));
        filter_deinit(&filter);
    }
    /* A copy stays as it is. */
    (void)filter_of(&filter, "location=DC");
    assert_int_equal(names_read(&world, &filter), 2);
    world_step(&world, "location location=C parent=M");
    assert_true(filter_match_cell(&filter, world.ledger, a, numbers[4]));
    filter_deinit(&filter);
    (void)filter_of(&filter, "location=C");
    assert_int_equal(names_read(&world, &filter), 1); /* nothing is below: nothing to be copied */
    assert_null(filter.tree.within);
    filter_deinit(&filter);
    world_deinit(&world);
}

static void a_merged_name_means_the_other_item(void **state)
{
    (void)state;
    static struct world world;
    static struct filter filter;
    /* OLD was given up and is a name of NEW, as it is of another item later. */
    static const struct {
        const char *filter;
        bool of_new, of_old, of_other;
    } rows[] = {{"item=OLD", true, true, false},        {"item=NEW", true, false, false}, {"item=OTHER", false, false, true},
                {"item=OL*", false, true, false},       {"item=X", false, false, false},
                {"item=X item=OLD", true, true, false}, {"location=L", true, true, true}};
    world_init(&world, &world_limits);
    world_step(&world, "receive 1 OLD@L 1 OTHER@L");
    world_step(&world, "receive 1 NEW@L");
    world_step(&world, "sale 1 OLD@L");
    uint32_t old = ledger_number(world.ledger, NAME_ITEM, TEXT("OLD"));
    uint32_t new = ledger_number(world.ledger, NAME_ITEM, TEXT("NEW"));
    uint32_t other = ledger_number(world.ledger, NAME_ITEM, TEXT("OTHER"));
    uint32_t l = ledger_number(world.ledger, NAME_LOCATION, TEXT("L"));
    world_step(&world, "item item=OLD merge=NEW");
    assert_string_equal(world.answer, "ok: config config");
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        (void)filter_of(&filter, rows[r].filter);
        assert_int_equal(names_read(&world, &filter), strcmp(rows[r].filter, "item=OL*") != 0);
        assert_int_equal(filter_match_cell(&filter, world.ledger, new, l), rows[r].of_new);
        assert_int_equal(filter_match_cell(&filter, world.ledger, old, l), rows[r].of_old);
        assert_int_equal(filter_match_cell(&filter, world.ledger, other, l), rows[r].of_other);
        filter_deinit(&filter);
    }
    /* What was read stays; who comes later reads what it means then. */
    (void)filter_of(&filter, "item=OLD");
    (void)names_read(&world, &filter);
    world_step(&world, "delete_item item=OLD");
    world_step(&world, "item item=OLD merge=OTHER");
    assert_string_equal(world.answer, "ok: config");
    assert_true(filter_match_cell(&filter, world.ledger, new, l));
    (void)filter_of(&filter, "item=OLD");
    (void)names_read(&world, &filter);
    assert_true(filter_match_cell(&filter, world.ledger, other, l));
    assert_false(filter_match_cell(&filter, world.ledger, new, l));
    world_deinit(&world);
}

/* ---- changes ---- */

#define CHANGING 200 /* items */

static const struct ledger_limits changes_limits = {
    .item_count_max = CHANGING,
    .location_count_max = 4,
    .source_count_max = 4,
    .quota_count_max = 4,
    .offer_count_max = 2 * CHANGING,
    .cell_count_max = CHANGING,
    .claim_count_max = 4,
    .claim_line_count_max = 4,
    .transfer_count_max = 4,
    .expectation_count_max = 4,
    .document_line_count_max = 4, .mark_count_max = 4, .statement_count_max = 4, .review_count_max = 4,
    .config_mib_max = 1,
    .alias_count_max = 4,
    .id_count_max = 1 << 20,
};

struct follower {
    struct change_reader reader;
    int64_t told[CHANGING]; /* what it was told last, 0 for nothing */
};

/* Everything that changed up to the place was told: who is not behind it has the value there is. */
static void assert_up_to_date(const struct world *world, uint32_t channel, const struct follower *follower)
{
    for (uint32_t o = 0; o < ledger_offer_count(world->ledger); o++) {
        struct offer_view view;
        ledger_offer(world->ledger, o, &view);
        const struct change_place *place = &follower->reader.place;
        bool given = view.changed.seq < place->at.seq ||
                     (view.changed.seq == place->at.seq &&
                      (place->offer == NUMBER_NONE || view.changed.turn <= place->at.turn));
        bool ours = text_equal(ledger_name(world->ledger, NAME_CHANNEL, view.channel),
                               ledger_name(world->ledger, NAME_CHANNEL, channel));
        if (ours && given && ledger_offer_stands(world->ledger, o))
            assert_true(follower->told[view.item] == view.ats);
    }
}

/* One read: so many steps, then up to `most` offers. True when there was nothing more. */
static bool follow(const struct world *world, uint32_t channel, struct follower *follower, uint32_t steps, uint32_t most)
{
    uint32_t offer;
    if (!changes_next(world->ledger, channel, &follower->reader, &steps, &offer)) {
        assert_int_equal(steps, 0);
        return false;
    }
    for (; offer != NUMBER_NONE && most != 0; most--) {
        struct offer_view view;
        ledger_offer(world->ledger, offer, &view);
        assert_true(view.channel == channel ||
                    (view.ats == 0 && ledger_retired(world->ledger, NAME_CHANNEL, view.channel)));
        const struct change_place *place = &follower->reader.place;
        bool within = view.changed.seq == place->at.seq && place->offer != NUMBER_NONE;
        assert_true(view.changed.seq > place->at.seq || (within && view.changed.turn > place->at.turn)); /* not twice */
        if (ledger_offer_stands(world->ledger, offer))
            follower->told[view.item] = view.ats;
        follower->reader.place = (struct change_place){view.changed, offer};
        offer = ledger_offer_behind(world->ledger, channel, offer);
    }
    if (offer == NUMBER_NONE)
        follower->reader.place = (struct change_place){{ledger_last_seq(world->ledger), 0}, NUMBER_NONE};
    return offer == NUMBER_NONE;
}

static void change(struct world *world, uint32_t *random)
{
    char command[80];
    *random = *random * 1664525u + 1013904223u;
    unsigned item = (*random >> 8) % CHANGING;
    if ((*random >> 20) % 64 == 0) /* all at once */
        (void)snprintf(command, sizeof(command), "set_channel channel=web buffer=%u", (*random >> 8) % 3);
    else
        (void)snprintf(command, sizeof(command), "receive %u i%u@L", 1 + (*random >> 24) % 9, item);
    world_step(world, command);
}

static void who_reads_on_misses_nothing(void **state)
{
    (void)state;
    static struct world world;
    static struct follower followers[6];
    static const uint32_t steps[6] = {1, 2, 5, 17, 100, 1000};
    uint32_t random = 1;
    world_init(&world, &changes_limits);
    world_step(&world, "set_channel channel=web locations=L");
    world_step(&world, "set_channel channel=amz locations=L");
    uint32_t channel = ledger_number(world.ledger, NAME_CHANNEL, TEXT("web"));
    for (unsigned i = 0; i < 3 * CHANGING; i++)
        change(&world, &random);
    for (unsigned f = 0; f < 6; f++)
        followers[f] = (struct follower){.reader = {.place = {{0, 0}, NUMBER_NONE}}};
    unsigned caught_up = 0;
    for (unsigned round = 0; round < 4000; round++) {
        for (unsigned f = 0; f < 6; f++) {
            struct follower *follower = &followers[f];
            if (follow(&world, channel, follower, steps[f], 1 + (round + f) % 3))
                caught_up++;
            assert_up_to_date(&world, channel, follower);
            /* Who comes with an event alone, as after a new connection, has only that; what he was told he keeps. */
            uint64_t seq = follower->reader.place.at.seq - (follower->reader.place.offer != NUMBER_NONE);
            if ((round + 7 * f) % 97 == 0 && follower->reader.place.at.seq > 0)
                follower->reader = (struct change_reader){.place = {{seq, 0}, NUMBER_NONE}};
        }
        if (round % 3 == 0)
            change(&world, &random);
    }
    assert_true(caught_up > 100);
    for (unsigned f = 0; f < 6; f++) {
        for (unsigned i = 0; i < 10000 && !follow(&world, channel, &followers[f], steps[f], 3); i++)
            assert_true(followers[f].reader.mark_count <= CHANGES_MARKS_MAX);
        assert_up_to_date(&world, channel, &followers[f]);
        assert_true(followers[f].reader.place.at.seq == ledger_last_seq(world.ledger));
    }
    world_deinit(&world);
}

/* Deletes the channel; in three of four cases makes it again, where it may sell something else. */
static void remake(struct world *world, uint32_t *random)
{
    static const char *const places[] = {"L", "M", "L,M"};
    char command[80];
    *random = *random * 1664525u + 1013904223u;
    world_step(world, "delete_channel channel=web");
    if ((*random >> 8) % 4 == 0)
        world_step(world, "receive 1 i1@M");
    (void)snprintf(command, sizeof(command), "set_channel channel=web locations=%s", places[(*random >> 16) % 3]);
    world_step(world, command);
}

static void who_has_followed_a_deleted_channel_is_told_what_it_no_longer_sells(void **state)
{
    (void)state;
    static struct world world;
    static struct follower followers[4];
    static const uint32_t steps[4] = {1, 3, 20, 1000};
    uint32_t random = 7;
    struct ledger_limits limits = changes_limits;
    limits.cell_count_max = 2 * CHANGING;
    limits.offer_count_max = (2000 / 41 + 1) * CHANGING;
    world_init(&world, &limits);
    world_step(&world, "set_channel channel=web locations=L");
    for (unsigned i = 0; i < CHANGING; i++)
        change(&world, &random);
    for (unsigned i = 0; i < CHANGING; i += 3) {
        char command[80];
        (void)snprintf(command, sizeof(command), "receive 3 i%u@M", i);
        world_step(&world, command);
    }
    for (unsigned f = 0; f < 4; f++)
        followers[f] = (struct follower){.reader = {.place = {{0, 0}, NUMBER_NONE}}};
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t channel = ledger_channel_last(world.ledger, TEXT("web"));
        for (unsigned f = 0; f < 4; f++) {
            (void)follow(&world, channel, &followers[f], steps[f], 1 + (round + f) % 5);
            assert_up_to_date(&world, channel, &followers[f]);
            if ((round + 7 * f) % 97 == 0) { /* a new connection that has an event alone */
                const struct change_place place = followers[f].reader.place;
                uint64_t seq = place.at.seq - (place.offer != NUMBER_NONE);
                followers[f].reader = (struct change_reader){.place = {{seq, 0}, NUMBER_NONE}};
            }
        }
        if (round % 41 == 40)
            remake(&world, &random);
        else if (round % 4 == 0)
            change(&world, &random);
    }
    uint32_t channel = ledger_number(world.ledger, NAME_CHANNEL, TEXT("web"));
    assert_int_equal(channel, 2000 / 41);
    for (unsigned f = 0; f < 4; f++) {
        for (unsigned i = 0; i < 100000 && !follow(&world, channel, &followers[f], steps[f], 3); i++)
            continue;
        for (uint32_t item = 0; item < CHANGING; item++)
            assert_true(followers[f].told[item] == ledger_ats(world.ledger, channel, item));
    }
    world_deinit(&world);
}

static void a_channel_without_changes_has_nothing_to_tell(void **state)
{
    (void)state;
    static struct world world;
    struct change_reader reader = {.place = {{0, 0}, NUMBER_NONE}};
    uint32_t steps = 1;
    uint32_t offer = 7;
    world_init(&world, &world_limits);
    world_step(&world, "set_channel channel=web locations=L");
    world_step(&world, "receive 1 A@M");
    assert_true(changes_next(world.ledger, 0, &reader, &steps, &offer));
    assert_int_equal(offer, NUMBER_NONE);
    assert_int_equal(steps, 1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_read_back_as_it_was_written),
        cmocka_unit_test(nothing_else_is_a_position),
        cmocka_unit_test(a_position_within_an_event_has_a_part),
        cmocka_unit_test(a_filter_passes_what_was_asked_for),
        cmocka_unit_test(a_location_means_all_below_it),
        cmocka_unit_test(a_merged_name_means_the_other_item),
        cmocka_unit_test(a_filter_has_bounds_and_knows_kinds_and_types),
        cmocka_unit_test(cells_are_filtered_as_events_are),
        cmocka_unit_test(who_reads_on_misses_nothing),
        cmocka_unit_test(who_has_followed_a_deleted_channel_is_told_what_it_no_longer_sells),
        cmocka_unit_test(a_channel_without_changes_has_nothing_to_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
