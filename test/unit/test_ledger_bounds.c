/*
 * Goal: every bound holds: scales and decimals, 2^53-1 of every figure, full tables, settings. What does not fit is
 * answered with its code and changes nothing; what needs no room is never refused for want of it.
 * Method: tables in near-prose and small worlds, see ledger_world.h.
 */
#include "ledger_world.h"

#define MAX "9007199254740991"

static void scales_are_declared(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# an undeclared item has scale 0; a declared one its own", NULL, NULL},
        {"receive 0.5 A@L", "invalid too_many_decimals line 0 quantity", "A@L: none"},
        {"item item=A scale=2", "ok: config", NULL},
        {"receive 0.5 A@L 1.25 A@L", "ok: receive", "A@L: sellable 175 v1"},
        {"receive 0.125 A@L", "invalid too_many_decimals line 0 quantity", NULL},
        {"receive 1 A@L 0.125 A@L", "invalid too_many_decimals line 1 quantity", "A@L: sellable 175 v1"},
        {"hold hold=H 1.75 A@L if:available=1.75", "ok: hold out_of_stock", NULL},
        {"ship 0.01 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},

        {"# a scale can change while the item has no entries", NULL, NULL},
        {"item item=A scale=2", "ok: config", NULL},
        {"item item=A scale=3", "ok: config", NULL},
        {"item item=A scale=6 IF:version=2", "precondition_failed A", NULL},
        {"item item=A scale=6 IF:version=3", "ok: config", NULL},
        {"item item=B IF:version=1", "precondition_failed B", NULL},
        {"item item=B IF:version=0", "ok: config", NULL},
        {"receive 0.000001 A@L", "ok: receive", "A@L: sellable 1 v1"},
        {"item item=A scale=5", "scale_in_use A", NULL},
        {"item item=A scale=6", "ok: config", NULL},
        {"receive 1 C@L", "ok: receive", NULL},
        {"item item=C scale=1", "scale_in_use C", NULL},
    };
    WORLD_PLAY(rows);
}

static void figures_stay_in_range(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# on_hand, of one condition and of all", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", "A@L: sellable " MAX " v1"},
        {"receive 1 A@L", "invalid out_of_range line 0 quantity", "A@L: sellable " MAX " v1"},
        {"receive 1 damaged A@L", "invalid out_of_range line 0 quantity", NULL},
        {"receive " MAX " B@L 1 B@L", "invalid out_of_range line 1 quantity", "B@L: none"},
        {"receive " MAX " damaged B@L 1 B@L", "invalid out_of_range line 1 quantity", NULL},
        {"adjust -1 damaged B@L " MAX " B@L 1 B@L", "invalid out_of_range line 2 quantity", NULL},
        {"item item=S scale=1", "ok: config", NULL},
        {"receive " MAX " S@L", "invalid out_of_range line 0 quantity", NULL},

        {"# a full cell can be held whole", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", NULL},
        {"hold hold=H " MAX " A@L", "ok: hold out_of_stock", NULL},
        {"hold fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"ship hold=H", "ok: ship", "A@L: v5; $A: supplier -" MAX " customer " MAX},

        {"# available and unavailable", NULL, NULL},
        {"sale " MAX " A@L", "ok: sale discrepancy(below_zero " MAX ") oversold(" MAX ")", NULL},
        {"hold fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"transfer to=M 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"receive " MAX " damaged A@L", "ok: receive", NULL},
        {"adjust 1 recalled A@L", "invalid out_of_range line 0 quantity", NULL},
        {"reclassify from=sellable to=recalled 1 A@L", "invalid out_of_range line 0 quantity", NULL},

        {"# what went outside", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", NULL},
        {"receive 1 A@M", "invalid out_of_range line 0 quantity", "A@M: none"},
        {"sale " MAX " A@L", "ok: sale out_of_stock", NULL},
        {"sale 1 A@M", "invalid out_of_range line 0 quantity", NULL},

        {"# what arrives", NULL, NULL},
        {"adjust " MAX " A@L", "ok: adjust", NULL},
        {"transfer to=N " MAX " A@L 1 A@M", "invalid out_of_range line 1 quantity", "A@N: none"},
        {"receive " MAX " A@N", "ok: receive", NULL},
        {"transfer to=N 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"transfer to=M " MAX " A@L", "ok: transfer out_of_stock transfer", NULL},
        {"transfer to=L " MAX " A@M", "ok: transfer out_of_stock transfer back_in_stock", NULL},
        {"transfer to=M " MAX " A@L 1 A@N", "invalid out_of_range line 1 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void settings_are_bounded(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# settings", NULL, NULL},
        {"settings window=60 capacity=0", "invalid out_of_range id_capacity", NULL},
        {"settings window=60 capacity=4097", "invalid out_of_range id_capacity", NULL},
        {"settings window=0 capacity=4096", "invalid out_of_range id_window", NULL},
        {"settings window=9223372036854774 capacity=4096", "invalid out_of_range id_window", NULL},
        {"settings window=60 capacity=4096 strict", "ok: config", NULL},
    };
    WORLD_PLAY(rows);
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "settings window=60 capacity=100 strict");
    assert_int_equal(ledger_id_window_ms(world.ledger), 60000);
    assert_int_equal(ledger_id_capacity(world.ledger), 100);
    assert_true(ledger_strict(world.ledger));
    /* The canonical form has no such scale; decide does not rely on that. */
    world_parse(&world, "item item=A scale=6");
    world.command.scale = 7;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_out_of_range);
    world_step(&world, "settings window=60 capacity=100");
    world_step(&world, "receive 1 A@L");
    world_parse(&world, "hold hold=H 1 A@L");
    world.command.expires_in_ms = -1;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_out_of_range);
    world.command.kind = KIND_COUNT;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_bad_value);
    world_deinit(&world);
}

static void expect(struct world *world, const char *prose, const char *answer)
{
    world_step(world, prose);
    if (strcmp(world->answer, answer) != 0)
        fail_msg("%s\n  expected: %s\n  answered: %s", prose, answer, world->answer);
}

static void full_tables_refuse_what_needs_room(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {2, 2, 2, 3, 2, 3, 8, 8, 1, 1, 1, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "receive 10 A@L 10 B@L", "ok: receive receive");
    expect(&world, "receive source=web 1 A@L", "invalid limit_reached");
    expect(&world, "receive 1 C@L", "invalid limit_reached");
    expect(&world, "item item=C", "invalid limit_reached");
    expect(&world, "receive 1 A@M", "ok: receive");
    expect(&world, "receive 1 A@N", "invalid limit_reached");
    expect(&world, "transfer to=N 1 A@L", "invalid limit_reached");
    expect(&world, "receive 1 B@M", "invalid limit_reached");
    expect(&world, "ship 11 B@L", "insufficient_stock, B@L asked 11 free 10");
    expect(&world, "hold hold=H1 1 A@L 1 B@L", "ok: hold hold");
    expect(&world, "hold hold=H2 1 A@L 1 B@L", "invalid limit_reached");
    expect(&world, "hold hold=H2 1 A@L", "ok: hold");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    expect(&world, "hold hold=H2 1 B@L", "invalid limit_reached");
    /* What a claim has already needs no room. */
    expect(&world, "hold hold=H2 2 A@L", "ok: hold");
    expect(&world, "commit hold=H2", "ok: commit");
    expect(&world, "extend hold=H1 expires=9", "ok: extend");
    expect(&world, "ship hold=H1 1 B@L", "ok: ship");
    expect(&world, "release hold=H2", "ok: release");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    /* The window makes room, at the time of the command. */
    expect(&world, "wait 604800", "ok: expire");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    expect(&world, "wait 1", "ok:");
    expect(&world, "hold hold=H3 expires=0 1 A@L", "ok: hold");
    expect(&world, "hold hold=H4 1 A@L", "invalid limit_reached");
    expect(&world, "wait 604801", "ok:");
    /* H1 ended with its expiry and leaves with its two lines: three are free. */
    expect(&world, "hold hold=H4 1 A@L 1 B@L 1 A@M", "invalid limit_reached");
    expect(&world, "hold hold=H4 1 A@L 1 B@L", "ok: hold hold");
    world_deinit(&world);
}

/* Long commands: text is put to their end. */
static char long_prose[200 * 1024];

PRINTF_LIKE(1, 2) static void put(const char *format, ...)
{
    size_t have = strlen(long_prose);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(long_prose + have, sizeof(long_prose) - have, format, arguments);
    va_end(arguments);
    assert_true(n > 0 && (size_t)n < sizeof(long_prose) - have);
}

/* Sends it, and begins a new one. */
static void send(struct world *world)
{
    world_step(world, long_prose);
    long_prose[0] = '\0';
}

/* Decides and evolves alone, for many of a kind: the caller checks at the end. */
static void send_unchecked(struct world *world)
{
    world_parse(world, long_prose);
    world->command.id = TEXT_NONE;
    ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
    assert_int_equal(world->verdict.code, CODE_none);
    world_evolve(world);
    long_prose[0] = '\0';
}

static void expect_full(struct world *world, const char *prose, const char *option)
{
    expect(world, prose, "invalid limit_reached");
    if (strstr(world->verdict.detail, option) == NULL)
        fail_msg("%s\n  says: %s", prose, world->verdict.detail);
}

static void every_full_table_is_named(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.source_count_max = 2;
    limits.location_count_max = 1;
    world_init(&world, &limits);
    expect(&world, "receive 5 A@L", "ok: receive");
    expect_full(&world, "item item=A scale=0 alias:new=x", "--sources-max");
    expect_full(&world, "source name=new", "--sources-max");
    expect_full(&world, "location location=M", "--locations-max");
    expect_full(&world, "set_policy item=A location=M safety=1", "--locations-max");
    expect_full(&world, "set_channel channel=web locations=L,M", "--locations-max");
    expect(&world, "hold hold=H 1 A@L", "ok: hold");
    expect_full(&world, "reassign fact hold=H to=M 1 A@L", "--locations-max");
    world_deinit(&world);

    limits = world_limits;
    limits.quota_count_max = 1;
    limits.offer_count_max = 1;
    limits.part_count_max = 1;
    world_init(&world, &limits);
    expect(&world, "receive 5 A@L 5 B@L", "ok: receive receive");
    expect(&world, "set_channel channel=web", "ok: set_channel");
    expect_full(&world, "set_channel channel=web locations=L", "--offers-max");
    expect(&world, "set_channel channel=amz", "ok: set_channel");
    expect(&world, "allocate channel=web item=A location=L units=1", "ok: allocate");
    expect_full(&world, "allocate channel=amz item=A location=L units=1", "--quotas-max");
    expect(&world, "allocate channel=web item=A location=L units=2", "ok: allocate");
    world_deinit(&world);

    limits = world_limits;
    limits.part_count_max = 1;
    world_init(&world, &limits);
    expect(&world, "receive 5 A@L 5 B@L", "ok: receive receive");
    expect_full(&world, "item item=K scale=0 part:A=1 part:B=1", "--parts-max");
    expect(&world, "item item=K scale=0 part:A=1", "ok: config");
    expect(&world, "item item=K scale=0 part:B=1", "ok: config"); /* in the place of the other */
    expect_full(&world, "item item=J scale=0 part:B=1", "--parts-max");
    world_deinit(&world);

    limits = world_limits;
    limits.offer_count_max = 1000;
    world_init(&world, &limits);
    expect(&world, "receive 5 A@L", "ok: receive");
    for (unsigned i = 0; i < 256; i++) {
        put("set_channel channel=c%u", i);
        send(&world);
        assert_string_equal(world.answer, "ok: set_channel");
    }
    expect_full(&world, "set_channel channel=one-more", "at most 256");
    expect(&world, "channel channel=c255 locations=L", "ok: set_channel");
    world_deinit(&world);
}

/* Replay with smaller limits: the option to raise is named before anything is evolved. */
static void a_smaller_ledger_names_the_limit(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        size_t limit; /* offset */
        uint32_t most;
        const char *steps[3], *last, *option;
    } rows[] = {
        {offsetof(struct ledger_limits, item_count_max), 1, {"receive 1 A@L"}, "receive 1 B@L", "--items-max"},
        {offsetof(struct ledger_limits, cell_count_max), 1, {"receive 1 A@L"}, "receive 1 A@M", "--cells-max"},
        {offsetof(struct ledger_limits, quota_count_max), 1,
         {"set_channel channel=web", "set_channel channel=amz", "allocate channel=web item=A location=L units=1"},
         "allocate channel=amz item=A location=L units=1", "--quotas-max"},
        {offsetof(struct ledger_limits, offer_count_max), 1, {"set_channel channel=web locations=L", "receive 1 A@L"},
         "receive 1 B@L", "--offers-max"},
        {offsetof(struct ledger_limits, claim_count_max), 1, {"receive 9 A@L", "hold hold=H 1 A@L"},
         "hold hold=I 1 A@L", "--holds-max or --hold-lines-max"},
        {offsetof(struct ledger_limits, claim_line_count_max), 1, {"receive 9 A@L 9 B@L", "hold hold=H 1 A@L"},
         "hold hold=H 1 A@L 1 B@L", "--holds-max or --hold-lines-max"},
        {offsetof(struct ledger_limits, alias_count_max), 1, {"item item=A scale=0 alias:s=1"},
         "item item=B scale=0 alias:s=2", "--aliases-max"},
        {offsetof(struct ledger_limits, part_count_max), 1, {"receive 1 A@L"}, "item item=K scale=0 part:A=1",
         NULL},
        {offsetof(struct ledger_limits, part_count_max), 0, {"receive 1 A@L"}, "item item=K scale=0 part:A=1",
         "--parts-max"},
        {offsetof(struct ledger_limits, config_mib_max), 0, {NULL}, "item item=A scale=0 unit:case=12", "--config-mib"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ledger_limits smaller = world_limits;
        memcpy((char *)&smaller + rows[i].limit, &rows[i].most, sizeof(uint32_t));
        world_init(&world, &world_limits);
        free(world.twin_memory);
        world.twin = world_ledger(&smaller, &world.twin_memory);
        ledger_evolve(world.twin, &world.decision); /* the settings */
        for (size_t s = 0; s < 3 && rows[i].steps[s] != NULL; s++) {
            world_step(&world, rows[i].steps[s]);
            assert_memory_equal(world.answer, "ok:", 3);
        }
        world_parse(&world, rows[i].last);
        ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
        assert_int_equal(world.verdict.code, CODE_none);
        const char *option = ledger_overflow(world.twin, &world.decision);
        if (rows[i].option == NULL)
            assert_null(option);
        else if (option == NULL || strcmp(option, rows[i].option) != 0)
            fail_msg("%s\n  expected: %s\n  said: %s", rows[i].last, rows[i].option,
                     option == NULL ? "it fits" : option);
        world_deinit(&world);
    }
}

/* A refusal names 16 claims and 1,000 cells at most. */
static void refusals_name_so_many(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.location_count_max = limits.cell_count_max = limits.quota_count_max = 1001;
    world_init(&world, &limits);
    put("receive");
    for (unsigned i = 0; i < 1000; i++)
        put(" 20 A@L%u", i);
    send(&world);
    assert_int_equal(world.decision.event_count, 1000);
    expect(&world, "receive 20 A@L1000", "ok: receive");
    world_step(&world, "delete_item item=A");
    assert_memory_equal(world.answer, "in_use A, A@L1000 asked 20 free 0, A@L999", 41);
    assert_int_equal(world.decision.events[0].shortage_count, 1000);
    expect(&world, "set_channel channel=web", "ok: set_channel");
    for (unsigned i = 0; i < 1001; i++) {
        put("allocate channel=web item=A location=L%u units=3", i);
        send_unchecked(&world);
    }
    ledger_check(world.ledger);
    world_step(&world, "delete_channel channel=web");
    assert_memory_equal(world.answer, "in_use web, A@L0 asked 3 free 0, A@L1 ", 38);
    assert_int_equal(world.decision.events[0].shortage_count, 1000);
    for (unsigned i = 0; i < 17; i++) {
        put("hold hold=H%u 1 A@L7", i);
        send(&world);
        assert_string_equal(world.answer, "ok: hold");
    }
    expect(&world, "delete_item item=A",
           "claims_open A, claims 17: H0 H1 H2 H3 H4 H5 H6 H7 H8 H9 H10 H11 H12 H13 H14 H15");
    world_deinit(&world);
}

/* Lines that become more of them, by kits or by the places they come from, are bounded like any others. */
static void lines_and_places_are_bounded(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.item_count_max = 128;
    limits.location_count_max = 1000;
    limits.cell_count_max = 1200;
    world_init(&world, &limits);
    put("receive");
    for (unsigned i = 0; i < 1000; i++)
        put(" 1 A@L%u", i);
    send(&world);
    assert_int_equal(world.decision.event_count, 1000);
    expect(&world, "receive 1 B@L997 1 B@L998 1 B@L999", "ok: receive receive receive");
    expect(&world, "item item=K scale=0 part:B=1", "ok: config");
    put("hold hold=H");
    for (unsigned i = 0; i < 999; i++)
        put(" 1 A@L%u", i);
    put(" 1 K@L999");
    send(&world);
    assert_string_equal(world.answer, "invalid too_many_lines lines");
    put("hold hold=H locations=L997,L998,L999");
    for (unsigned i = 0; i < 999; i++)
        put(" 1 A@L%u", i);
    put(" 3 B@");
    send(&world);
    assert_string_equal(world.answer, "invalid too_many_lines lines");
    /* The oldest 64 places of an item are asked: they leave no room for those of the next. */
    expect(&world, "hold hold=H rule=fewest_splits 64 A@ 1 B@", "no_source, B@? asked 1 free 0");
    expect(&world, "hold hold=H 65 A@", "no_source, A@? asked 65 free 64");
    put("receive");
    for (unsigned i = 0; i < 101; i++)
        put(" 1 I%u@L0", i);
    send(&world);
    for (unsigned most = 100; most <= 101; most++) {
        put("hold dry hold=H locations=L0");
        for (unsigned i = 0; i < most; i++)
            put(" 1 I%u@", i);
        send(&world);
        if (most == 100)
            assert_memory_equal(world.answer, "dry ok: hold", 12);
        else
            assert_string_equal(world.answer, "invalid too_many_lines lines");
    }
    world_deinit(&world);
}

/* How often the word stands in the text. */
static unsigned occurrences(const char *text, const char *word)
{
    unsigned count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

/* One step covers 256 claims, and looks at the first 1,024 who wait. */
static void one_step_serves_so_many(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.claim_count_max = limits.claim_line_count_max = 1500;
    world_init(&world, &limits);
    expect(&world, "set_policy item=A location=L backorders=300", "ok: set_policy");
    for (unsigned i = 0; i < 300; i++) {
        put("hold hold=H%u backorder expires=0 1 A@L", i);
        send_unchecked(&world);
    }
    world_step(&world, "receive 300 A@L");
    const char *second = strstr(world.answer, "cover |");
    assert_non_null(second);
    assert_int_equal(occurrences(world.answer, " cover"), 300);
    assert_int_equal(occurrences(second, " cover"), 44);
    expect(&world, "receive 1 B@M", "ok: receive");
    expect(&world, "sale 1 B@M", "ok: sale out_of_stock");
    for (unsigned i = 0; i < 1025; i++) {
        put("hold hold=W%u wait expires=0 %u B@M", i, i < 1024 ? 2 : 1);
        send_unchecked(&world);
    }
    expect(&world, "receive 1 B@M", "ok: receive back_in_stock"); /* W1024 is too far behind */
    expect(&world, "release hold=W7", "ok: release | hold out_of_stock");
    world_say_state(&world, "W1024");
    assert_string_equal(world.answer, "W1024: held of pos-1, B@M granted 1 held 1");
    world_deinit(&world);
}

/* Names come to an item by merging, too: its body stays in its bounds. */
static void merged_bodies_are_bounded(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.alias_count_max = 1000;
    world_init(&world, &limits);
    /* In number. */
    put("item item=A scale=0");
    for (unsigned i = 0; i < 256; i++)
        put(" alias:s=%03u", i);
    char most[8192];
    strcpy(most, long_prose);
    send(&world);
    assert_string_equal(world.answer, "ok: config");
    expect(&world, "item item=a merge=A", "invalid out_of_range aliases");
    expect(&world, "item item=b scale=0 alias:s=x", "ok: config");
    expect(&world, "item item=b merge=A", "invalid out_of_range aliases");
    expect(&world, "item item=A scale=0", "ok: config");
    expect(&world, "item item=a merge=A", "ok: config");
    expect(&world, most, "invalid out_of_range aliases");
    /* In bytes: 16 KiB, whatever the number. */
    char name[101];
    memset(name, 'n', 100);
    name[100] = '\0';
    expect(&world, "item item=B scale=0", "ok: config");
    put("item item=%s merge=B", name);
    send(&world);
    assert_string_equal(world.answer, "ok: config");
    for (char item = 'B'; item <= 'C'; item++) {
        put("item item=%c scale=0", item);
        for (unsigned i = 0; i < 247; i++)
            put(" alias:%c=%063u", item, i);
        send(&world);
        assert_string_equal(world.answer, item == 'B' ? "invalid out_of_range aliases" : "ok: config");
    }
    name[0] = 'm';
    put("item item=%s merge=C", name);
    send(&world);
    assert_string_equal(world.answer, "invalid out_of_range aliases");
    expect(&world, "item item=m merge=C", "ok: config");
    world_deinit(&world);
}

static void sums_of_ended_holds_stay_in_range(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# of lines with different scales, in the finest one; at most the largest quantity", NULL, NULL},
        {"item item=A scale=6", "ok: config", NULL},
        {"receive 9007199254.740991 A@L 9223372036854 B@L", "ok: receive receive", NULL},
        {"commit hold=H 9007199254.740991 A@L 9223372036854 B@L", "ok: commit out_of_stock commit out_of_stock", NULL},
        {"ship hold=H", "ok: ship ship", NULL},
        {"release hold=H", "hold_ended H, consumed 9007199254740991 released 0", NULL},
        {"item item=D scale=6", "ok: config", NULL},
        {"receive " MAX " C@L 1.5 D@L 2 E@L", "ok: receive receive receive", NULL},
        {"commit hold=I " MAX " C@L 0.5 D@L", "ok: commit out_of_stock commit", NULL},
        {"ship hold=I", "ok: ship ship", NULL},
        {"release hold=I", "hold_ended I, consumed 9007199254740991 released 0", NULL},
        {"commit hold=J 1 E@L 0.5 D@L", "ok: commit commit", NULL},
        {"ship hold=J", "ok: ship ship", NULL},
        {"release hold=J", "hold_ended J, consumed 1500000 released 0", NULL},
    };
    WORLD_PLAY(rows);
}

/* A decision drops at most four claims past the window: no more than their lines are counted on. */
static void room_counts_on_what_leaves_in_time(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {6, 2, 2, 6, 6, 6, 8, 8, 1, 1, 1, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "receive 9 A@L 9 B@L 9 C@L 9 D@L 9 E@L", "ok: receive receive receive receive receive");
    for (unsigned i = 0; i < 6; i++) {
        char prose[64];
        (void)sprintf(prose, "hold hold=H%u 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    expect(&world, "wait 900", "ok: expire expire expire expire expire expire");
    expect(&world, "wait 604801", "ok:");
    expect(&world, "hold hold=I 1 A@L 1 B@L 1 C@L 1 D@L 1 E@L", "invalid limit_reached");
    expect(&world, "hold hold=I 1 A@L 1 B@L 1 C@L 1 D@L", "ok: hold hold hold hold");
    expect(&world, "tick", "ok:");
    expect(&world, "hold hold=J 1 A@L 1 B@L", "ok: hold hold");
    world_deinit(&world);
}

/* Names of every length come and go for ever: the room for them is not used up. */
static void names_of_claims_reuse_their_room(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {2, 2, 2, 2, 3, 3, 8, 8, 1, 1, 1, 1, 1, 1, 2048, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "settings source=@ledger id= window=1 capacity=2048", "ok: config");
    expect(&world, "receive 10 A@L", "ok: receive");
    for (int length = 1; length <= 128; length++) {
        char prose[600];
        for (int i = 0; i < 3; i++) {
            (void)sprintf(prose, "hold hold=%c%0*d holder=%0*d channel=%0*d fact 1 A@L", 'a' + i, length - 1, 7, length, 7,
                          length, 7);
            if (length == 1)
                (void)sprintf(prose, "hold hold=%c holder=x channel=y fact 1 A@L", 'a' + i);
            expect(&world, prose, "ok: hold");
        }
        expect(&world, "wait 900", "ok: expire expire expire");
        expect(&world, "wait 2", "ok:");
    }
    world_deinit(&world);
}

/* A claim whose name is used again by another while the old entry still waits to be dropped. */
static void a_name_past_the_window_is_free_at_once(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive id= 50 A@L", "ok: receive");
    for (unsigned i = 0; i < 10; i++) {
        char prose[64];
        (void)sprintf(prose, "hold id= hold=H%u 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    for (unsigned i = 0; i < 10; i++) {
        char prose[64];
        (void)sprintf(prose, "release id= hold=H%u", (i * 3) % 10);
        expect(&world, prose, "ok: release");
    }
    assert_false(ledger_stale(world.ledger, world.now_us));
    expect(&world, "wait 604801", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* by its claims alone */
    expect(&world, "hold hold=H7 holder=ann 1 A@L", "ok: hold");
    expect(&world, "release hold=H1", "unknown_hold H1");
    assert_int_equal(ledger_counts(world.ledger).claims_live, 1);
    world_deinit(&world);
}

/* Ended claims leave the list from its middle when an expired one is had again. */
static void expired_claims_come_back_from_anywhere(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# first, last and between", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=1 1 A@L", "ok: hold", NULL},
        {"hold hold=H2 expires=2 1 A@L", "ok: hold", NULL},
        {"hold hold=H3 expires=3 1 A@L", "ok: hold", NULL},
        {"wait 3", "ok: expire expire expire", NULL},
        {"commit hold=H2", "ok: commit", NULL},
        {"commit hold=H1", "ok: commit", NULL},
        {"commit hold=H3", "ok: commit", "A@L: sellable 10 committed 3 v10"},
        {"release hold=H2", "ok: release", NULL},
    };
    WORLD_PLAY(rows);
}

/* What an event says, field by field. */
static void events_carry_the_figures(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive 10 A@L", "ok: receive");
    expect(&world, "sale 12 A@L document=D", "ok: sale discrepancy(below_zero 2) oversold(2) out_of_stock");
    const struct decision *d = &world.decision;
    assert_true(text_equal(d->document, TEXT("D")));
    assert_true(d->first_seq == 3 && d->kind == KIND_SALE && !d->forced);
    const struct event *sale = &d->events[0];
    assert_true(sale->quantity == 12 && sale->delta.units[0] == -12 && sale->figures.units[0] == -2);
    assert_true(sale->account == ACCOUNT_CUSTOMER && sale->account_units == 12);
    assert_true(sale->version == 2 && sale->previous_seq == 2 && sale->seq == 3);
    const struct event *below = &d->events[1];
    assert_true(below->version == 3 && below->previous_seq == 3 && below->delta.units[0] == 0);
    assert_true(below->condition == CONDITION_SELLABLE && below->figures.units[0] == -2);
    assert_true(d->events[2].version == 4 && d->events[2].previous_seq == 4);
    expect(&world, "transfer fact to=M 1 A@L", "ok: transfer discrepancy(below_zero 3) oversold(3) transfer");
    assert_true(d->forced);
    assert_int_equal(d->events[0].other_location, ledger_number(world.ledger, NAME_LOCATION, TEXT("M")));
    assert_int_equal(d->events[3].other_location, ledger_number(world.ledger, NAME_LOCATION, TEXT("L")));
    expect(&world, "reclassify from=sellable to=damaged 1 A@M", "ok: reclassify out_of_stock");
    assert_true(d->events[0].condition == CONDITION_SELLABLE && d->events[0].to_condition == CONDITION_DAMAGED);
    expect(&world, "receive 1 A@L 1 damaged A@L 1 A@L", "ok: receive");
    assert_true(d->events[0].condition == CONDITION_NONE && d->events[0].quantity == 3);
    world_deinit(&world);
}

static void views_show_what_is_there(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive 10 A@L 3 B@L 2 A@M", "ok: receive receive receive");
    struct item_view item;
    assert_true(ledger_item(world.ledger, 0, &item));
    assert_false(item.declared);
    assert_false(ledger_item(world.ledger, 2, &item));
    assert_int_equal(ledger_cell_count(world.ledger), 3);
    uint32_t cell = ledger_cell_next(world.ledger, 0, NUMBER_NONE);
    assert_int_equal(cell, 2);
    cell = ledger_cell_next(world.ledger, 0, cell);
    assert_int_equal(cell, 0);
    assert_int_equal(ledger_cell_next(world.ledger, 0, cell), NUMBER_NONE);
    assert_true(ledger_next_due_us(world.ledger) == INT64_MAX);
    struct command nameless = {.id = TEXT_NONE};
    struct command *ahead[] = {&nameless};
    ledger_prepare(world.ledger, ahead, 1);
    struct ledger_counts counts = ledger_counts(world.ledger);
    assert_int_equal(counts.items, 2);
    assert_int_equal(counts.locations, 2);
    assert_int_equal(counts.sources, 2);
    assert_int_equal(counts.cells, 3);
    assert_int_equal(counts.ids, 1);
    world_deinit(&world);
    assert_string_equal(code_name(CODE_hold_ended), "hold_ended");
    assert_int_equal(code_http(CODE_hold_ended), 409);
    assert_int_equal(code_http(CODE_limit_reached), 503);
    assert_string_equal(code_meaning(CODE_unknown_hold), "no such hold");
    assert_string_equal(event_name(EVENT_CONFIG), "config");
}

/* The feed of a channel: its offers in the order of their last change, each once; walked from both ends. */
static void offers_stand_in_the_order_of_their_changes(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "set_channel channel=web locations=L", "ok: set_channel");
    assert_int_equal(ledger_offer_before(world.ledger, 0, NUMBER_NONE), NUMBER_NONE);
    assert_int_equal(ledger_offer_behind(world.ledger, 0, NUMBER_NONE), NUMBER_NONE);
    expect(&world, "receive 1 A@L 2 B@L 3 C@L", "ok: receive receive receive");
    expect(&world, "sale 1 A@L", "ok: sale out_of_stock");
    expect(&world, "receive 4 D@M", "ok: receive"); /* sold nowhere */
    const struct text order[] = {TEXT("B"), TEXT("C"), TEXT("A")};
    static const int64_t ats[] = {2, 3, 0};
    uint32_t offer = NUMBER_NONE;
    uint64_t seq = 0;
    for (size_t i = 0; i < 3; i++) {
        struct offer_view view;
        offer = ledger_offer_behind(world.ledger, 0, offer);
        ledger_offer(world.ledger, offer, &view);
        assert_true(text_equal(ledger_name(world.ledger, NAME_ITEM, view.item), order[i]));
        assert_true(view.channel == 0 && view.ats == ats[i]);
        assert_true(view.changed.seq > seq && ledger_offer_turn(world.ledger, offer).seq == view.changed.seq);
        seq = view.changed.seq;
    }
    assert_int_equal(ledger_offer_behind(world.ledger, 0, offer), NUMBER_NONE);
    assert_int_equal(ledger_offer_before(world.ledger, 0, NUMBER_NONE), offer);
    for (size_t i = 2; i > 0; i--) {
        struct offer_view view;
        offer = ledger_offer_before(world.ledger, 0, offer);
        ledger_offer(world.ledger, offer, &view);
        assert_true(text_equal(ledger_name(world.ledger, NAME_ITEM, view.item), order[i - 1]));
    }
    assert_int_equal(ledger_offer_before(world.ledger, 0, offer), NUMBER_NONE);
    assert_int_equal(ledger_offer_count(world.ledger), 3);
    world_deinit(&world);
}

static void views_show_configuration(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive 1 A@L", "ok: receive");
    uint64_t first = ledger_last_seq(world.ledger);
    expect(&world, "item item=A scale=0 unit:case=12", "ok: config");
    expect(&world, "location location=L zone=3600", "ok: config");
    expect(&world, "source name=web strict", "ok: config");
    expect(&world, "set_channel channel=web priority=3 cap=7 locations=L", "ok: set_channel");
    assert_int_equal(ledger_config_seq(world.ledger, NAME_ITEM, 0), first + 1);
    assert_int_equal(ledger_config_seq(world.ledger, NAME_LOCATION, 0), first + 2);
    uint32_t source = ledger_number(world.ledger, NAME_SOURCE, TEXT("web"));
    assert_int_equal(ledger_config_seq(world.ledger, NAME_SOURCE, source), first + 3);
    assert_int_equal(ledger_config_seq(world.ledger, NAME_SOURCE, 0), 0);
    struct config_unit unit;
    assert_true(item_config_unit(ledger_config(world.ledger, NAME_ITEM, 0), TEXT("case"), &unit));
    assert_int_equal(ledger_item_find(world.ledger, TEXT("A")), 0);
    struct channel_view channel, form;
    assert_true(ledger_channel(world.ledger, 0, &channel));
    assert_true(channel.stamp == first + 4 && channel.priority == 3 && channel.has_cap && channel.cap == 7);
    assert_true(channel.shares_rest && channel.place_count == 1 && channel.places[0] == 0);
    assert_false(ledger_channel(world.ledger, 1, &channel));
    ledger_channel_form(world.decision.events[0].config, &form);
    assert_true(form.stamp == 0 && form.priority == 3 && form.cap == 7 && form.place_count == 1);
    assert_true(ledger_channel_serves(world.ledger, 0, 0));
    expect(&world, "set_channel channel=web item=A buffer=2", "ok: set_channel");
    struct offer_form offer;
    ledger_offer_form(world.decision.events[0].config, &offer);
    assert_true(offer.has_buffer && offer.buffer == 2 && !offer.has_cap);
    world_deinit(&world);
}

/* Where the tables grow moves with what is put in, and stays in what was reserved. */
static void tables_grow_towards_their_ends(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    struct ledger_frontier before[LEDGER_FRONTIERS], after[LEDGER_FRONTIERS];
    ledger_frontiers(world.ledger, before);
    expect(&world, "item item=A scale=0 unit:case=12", "ok: config");
    expect(&world, "receive 9 A@L", "ok: receive");
    expect(&world, "hold hold=H 1 A@L", "ok: hold");
    expect(&world, "set_policy item=A location=L safety=1", "ok: set_policy");
    expect(&world, "transfer_out transfer=T to=M 1 A@L", "ok: transfer_out transfer_out");
    expect(&world, "expect expectation=E direction=in due=+60 1 A@L", "ok: expect");
    ledger_frontiers(world.ledger, after);
    unsigned moved = 0;
    for (size_t i = 0; i < LEDGER_FRONTIERS; i++) {
        assert_true(after[i].used_end <= after[i].end && after[i].end == before[i].end);
        moved += after[i].used_end != before[i].used_end;
    }
    assert_true(moved >= 14); /* every array; an index grows by splits now and then */
    /* The largest limits are a region that can be asked for: below 2^47 bytes, and more than these. */
    struct ledger_limits most = ledger_limits_most();
    assert_true(ledger_bytes(&most) > ledger_bytes(&world_limits) && ledger_bytes(&most) < UINT64_C(1) << 47);
    world_deinit(&world);
}

/* The claims at all places, by name, for lists; "-" where there is none. */
static const char *claims_by_place(const struct world *world)
{
    static char names[256];
    size_t n = 0;
    for (uint32_t i = 0; i < ledger_claim_places(world->ledger); i++) {
        struct claim_view view;
        bool there = ledger_claim_at(world->ledger, i, &view);
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%.*s", i == 0 ? "" : " ",
                              there ? (int)view.hold.length : 1, there ? view.hold.bytes : "-");
        struct claim_view same;
        assert_true(!there || (ledger_claim(world->ledger, view.hold, &same) && same.claim == view.claim));
    }
    return names;
}

/* A claim keeps its place until it is forgotten; past the window it is not shown, dropped or not. */
static void places_of_claims_hold(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive id= 50 A@L", "ok: receive");
    assert_int_equal(ledger_claim_places(world.ledger), 0);
    for (unsigned i = 0; i < 7; i++) {
        char prose[64];
        (void)sprintf(prose, "hold id= hold=H%u expires=0 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    for (unsigned i = 0; i < 6; i++) {
        char prose[64];
        (void)sprintf(prose, "release id= hold=H%u", (i * 5) % 6);
        expect(&world, prose, "ok: release");
    }
    assert_string_equal(claims_by_place(&world), "H0 H1 H2 H3 H4 H5 H6"); /* ended, and kept */
    expect(&world, "wait 604801", "ok:");
    expect(&world, "receive 1 A@L", "ok: receive");
    assert_string_equal(claims_by_place(&world), "- - - - - - H6"); /* all at once, though only four were dropped */
    assert_int_equal(ledger_counts(world.ledger).claims_kept, 2);
    expect(&world, "hold hold=H1 expires=0 1 A@L", "ok: hold");
    expect(&world, "hold hold=K expires=0 1 A@L", "ok: hold");
    const char *places = claims_by_place(&world);
    assert_non_null(strstr(places, " H6")); /* where it was */
    assert_int_equal(strlen(places), strlen("- - - - - H1 K") + 1);
    assert_int_equal(ledger_claim_places(world.ledger), 7);
    assert_int_equal(ledger_name_count(world.ledger, NAME_ITEM), 1);
    assert_int_equal(ledger_source_seq(world.ledger, 0), 0);
    expect(&world, "receive seq=9 1 A@L", "ok: receive");
    uint64_t highest = 0;
    for (uint32_t i = 0; i < ledger_name_count(world.ledger, NAME_SOURCE); i++)
        highest = ledger_source_seq(world.ledger, i) > highest ? ledger_source_seq(world.ledger, i) : highest;
    assert_int_equal(highest, 9);
    world_deinit(&world);
}

/* One unit of every item at every place, as far as they go round. */
static void receive_round(struct world *world, int items, int places)
{
    static char prose[4096];
    int n = snprintf(prose, sizeof(prose), "receive");
    for (int i = 0; i < (items > places ? items : places); i++)
        n += snprintf(prose + n, sizeof(prose) - (size_t)n, " 1 I%d@P%d", i % items, i % places);
    world_step(world, prose);
    assert_int_equal(strncmp(world->answer, "ok: ", 4), 0);
}

static const struct ledger_limits wide_limits = {
    .item_count_max = 2000,
    .location_count_max = 200,
    .source_count_max = 4,
    .cell_count_max = 8192,
    .claim_count_max = 16,
    .claim_line_count_max = 8192,
    .quota_count_max = 16,
    .offer_count_max = 12,
    .transfer_count_max = 4,
    .expectation_count_max = 4,
    .document_line_count_max = 8192, .mark_count_max = 8192, .statement_count_max = 64, .review_count_max = 64,
    .id_count_max = 4096,
    .config_mib_max = 16,
    .part_count_max = 200,
    .alias_count_max = 4,
};

static void lines_of_a_command_find_no_more_cells_than_1000(void **state)
{
    (void)state;
    static const char *const rules[] = {"priority", "most_stock", "fewest_splits"};
    static struct world world;
    static char prose[32768];
    world_init(&world, &wide_limits);
    receive_round(&world, 40, 40);
    expect(&world, "receive 1 Z@X 1 Z@Y", "ok: receive receive");
    for (unsigned rule = 0; rule < 3; rule++) {
        int n = snprintf(prose, sizeof(prose), "hold hold=H rule=%s", rules[rule]);
        for (int i = 0; i < 999; i++)
            n += snprintf(prose + n, sizeof(prose) - (size_t)n, " 1 I%d@P%d", i % 40, i / 40);
        (void)snprintf(prose + n, sizeof(prose) - (size_t)n, " 2 Z@ locations=X,Y");
        expect(&world, prose, "invalid too_many_lines lines");
    }
    world_deinit(&world);
}

static void a_document_has_no_more_lines_than_a_command_but_while_a_hold_waits(void **state)
{
    (void)state;
    static struct world world;
    static char prose[32768];
    world_init(&world, &wide_limits);
    receive_round(&world, 40, 40);
    expect(&world, "expect expectation=S direction=in due=+60 9 Z@X", "ok: expect");
    int n = snprintf(prose, sizeof(prose), "expect expectation=H direction=out due=+60");
    for (int i = 0; i < 1000; i++)
        n += snprintf(prose + n, sizeof(prose) - (size_t)n, " 1 I%d@P%d", i % 40, i / 40);
    world_step(&world, prose);
    assert_int_equal(strncmp(world.answer, "ok: expect", 10), 0);
    expect(&world, "hold hold=H at=+3600 2 Z@X", "ok: hold");
    expect(&world, "cancel_expected expectation=H", "expectation_promised H");
    expect(&world, "release hold=H", "ok: release");
    world_step(&world, "cancel_expected expectation=H");
    assert_int_equal(strncmp(world.answer, "ok: cancel_expected", 19), 0);
    assert_int_equal(world.decision.event_count, 1000);
    expect(&world, "hold hold=X 1 I0@P0", "ok: hold out_of_stock");
    world_deinit(&world);
}

/* More rows than lines: a kit is short once for each place it was looked for at, and once for itself. */
static void a_refusal_names_no_more_than_1000_cells(void **state)
{
    (void)state;
    static struct world world;
    static char prose[32768];
    world_init(&world, &wide_limits);
    expect(&world, "receive 1 C@P0 1 C@P1 1 C@P2 1 C@P3 1 C@P4 1 C@P5 1 C@P6 1 C@P7 1 C@P8",
           "ok: receive receive receive receive receive receive receive receive receive");
    for (int kit = 0; kit < 100; kit++) {
        (void)snprintf(prose, sizeof(prose), "item item=K%d part:C=1", kit);
        expect(&world, prose, "ok: config");
    }
    receive_round(&world, 40, 40);
    int n = snprintf(prose, sizeof(prose), "hold hold=H partial");
    for (int i = 0; i < 82; i++)
        n += snprintf(prose + n, sizeof(prose) - (size_t)n, " 2 I%d@P%d", i % 40, (i + 1 + i / 40) % 40);
    for (int kit = 0; kit < 100; kit++)
        n += snprintf(prose + n, sizeof(prose) - (size_t)n, " 20 K%d@", kit);
    (void)snprintf(prose + n, sizeof(prose) - (size_t)n, " locations=P0,P1,P2,P3,P4,P5,P6,P7,P8");
    world_step(&world, prose);
    assert_int_equal(strncmp(world.answer, "ok: hold", 8), 0);
    assert_int_equal(world.decision.shortage_count, 1000);
    world_deinit(&world);
}

/* A channel without places offers nothing, and needs no room for it. */
static void offers_are_those_counted(void **state)
{
    (void)state;
    static struct world world;
    static char prose[256];
    world_init(&world, &wide_limits); /* 12 offers */
    expect(&world, "receive 1 C@L", "ok: receive");
    for (int kit = 0; kit < 3; kit++) {
        (void)snprintf(prose, sizeof(prose), "item item=K%d part:C=1", kit);
        expect(&world, prose, "ok: config");
    }
    for (int channel = 0; channel < 4; channel++) {
        (void)snprintf(prose, sizeof(prose), "set_channel channel=c%d item=C buffer=1", channel);
        expect(&world, prose, "ok: set_channel");
    }
    expect(&world, "set_channel channel=c4 priority=1", "ok: set_channel");
    assert_int_equal(ledger_offer_count(world.ledger), 4);
    world_deinit(&world);
}

static void channels_of_one_name_follow_each_other(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    assert_int_equal(ledger_channel_last(world.ledger, TEXT("web")), NUMBER_NONE);
    world_step(&world, "set_channel channel=web locations=L");
    assert_int_equal(ledger_offers_changed(world.ledger, 0), 0);
    world_step(&world, "receive 1 A@L");
    assert_int_equal(ledger_offers_changed(world.ledger, 0), ledger_last_seq(world.ledger));
    world_step(&world, "sale 1 A@L");
    world_step(&world, "receive 1 A@M");
    assert_true(ledger_offers_changed(world.ledger, 0) < ledger_last_seq(world.ledger));
    world_step(&world, "delete_channel channel=web");
    assert_int_equal(ledger_offers_changed(world.ledger, 0), ledger_last_seq(world.ledger));
    assert_int_equal(ledger_channel_last(world.ledger, TEXT("web")), 0);
    world_step(&world, "set_channel channel=web locations=M");
    assert_int_equal(ledger_channel_last(world.ledger, TEXT("web")), 1);
    assert_false(ledger_offer_stands(world.ledger, 0)); /* A is told of the new one */
    assert_true(ledger_offer_stands(world.ledger, 1));
    world_step(&world, "delete_channel channel=web");
    world_step(&world, "set_channel channel=web locations=N");
    assert_false(ledger_offer_stands(world.ledger, 0));
    assert_true(ledger_offer_stands(world.ledger, 1)); /* nothing ever was at N */
    assert_int_equal(ledger_offer_before(world.ledger, 2, NUMBER_NONE), 1);
    assert_int_equal(ledger_offer_behind(world.ledger, 2, NUMBER_NONE), 0);
    assert_int_equal(ledger_offer_behind(world.ledger, 2, 0), 1);
    assert_int_equal(ledger_offer_behind(world.ledger, 2, 1), NUMBER_NONE);
    assert_int_equal(ledger_offer_before(world.ledger, 2, 1), 0);
    assert_int_equal(ledger_offer_before(world.ledger, 2, 0), NUMBER_NONE);
    world_step(&world, "receive 1 A@Z");
    world_step(&world, "sale 1 A@Z");
    world_step(&world, "delete_channel channel=web");
    world_step(&world, "set_channel channel=web locations=Z");
    assert_true(ledger_offer_stands(world.ledger, 1)); /* the new one never had a value but 0 */
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_are_declared),
        cmocka_unit_test(figures_stay_in_range),
        cmocka_unit_test(settings_are_bounded),
        cmocka_unit_test(full_tables_refuse_what_needs_room),
        cmocka_unit_test(every_full_table_is_named),
        cmocka_unit_test(a_smaller_ledger_names_the_limit),
        cmocka_unit_test(refusals_name_so_many),
        cmocka_unit_test(lines_and_places_are_bounded),
        cmocka_unit_test(one_step_serves_so_many),
        cmocka_unit_test(merged_bodies_are_bounded),
        cmocka_unit_test(sums_of_ended_holds_stay_in_range),
        cmocka_unit_test(room_counts_on_what_leaves_in_time),
        cmocka_unit_test(names_of_claims_reuse_their_room),
        cmocka_unit_test(a_name_past_the_window_is_free_at_once),
        cmocka_unit_test(expired_claims_come_back_from_anywhere),
        cmocka_unit_test(events_carry_the_figures),
        cmocka_unit_test(views_show_what_is_there),
        cmocka_unit_test(offers_stand_in_the_order_of_their_changes),
        cmocka_unit_test(views_show_configuration),
        cmocka_unit_test(tables_grow_towards_their_ends),
        cmocka_unit_test(places_of_claims_hold),
        cmocka_unit_test(lines_of_a_command_find_no_more_cells_than_1000),
        cmocka_unit_test(a_document_has_no_more_lines_than_a_command_but_while_a_hold_waits),
        cmocka_unit_test(a_refusal_names_no_more_than_1000_cells),
        cmocka_unit_test(offers_are_those_counted),
        cmocka_unit_test(channels_of_one_name_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
