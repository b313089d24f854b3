/*
 * Goal: every rule and every refusal of hold, extend, commit, release and expire holds (API.md section 3, DESIGN
 * invariants I2 and I3), and story S1 of API.md with every number of its text.
 * Method: tables in near-prose, see ledger_world.h. Each step is also replayed into a second ledger.
 */
#include "ledger_world.h"

static void story_s1(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S1 claims, at LON", NULL, NULL},
        {"receive 10 A@LON", "ok: receive", "A@LON: sellable 10 v1"},
        {"hold hold=H0 6 A@LON 6 A@LON", "insufficient_stock, A@LON asked 12 free 10", "A@LON: sellable 10 v1; H0: none"},
        {"hold hold=H1 4 A@LON 3 A@LON", "ok: hold",
         "A@LON: sellable 10 held 7 v2; H1: held of pos-1, A@LON granted 7 held 7, ends +900"},
        {"commit hold=H1 5 A@LON", "ok: commit", "A@LON: sellable 10 held 2 committed 5 v3"},
        {"ship id=s hold=H1 3 A@LON", "ok: ship", "A@LON: sellable 7 held 2 committed 2 v4"},
        {"ship id=s hold=H1 3 A@LON", "duplicate of 6", "A@LON: sellable 7 held 2 committed 2 v4"},
        {"release hold=H1", "ok: release",
         "A@LON: sellable 7 v5; H1: released of pos-1, A@LON granted 7 consumed 3 released 4"},
        {"release hold=H1", "hold_ended H1, consumed 3 released 4", "A@LON: sellable 7 v5"},
    };
    WORLD_PLAY(rows);
}

static void holds_are_granted_or_refused(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a hold is judged on the sum of its lines per cell: all or nothing", NULL, NULL},
        {"hold hold=H 1 A@L", "unknown_item A", NULL},
        {"receive 10 A@L 2 B@L", "ok: receive receive", NULL},
        {"hold hold=H 1 A@M", "unknown_location M", NULL},
        {"hold hold=H", "invalid missing_field lines", NULL},
        {"hold hold=H 5 A@L 3 B@L 6 A@L", "insufficient_stock, A@L asked 11 free 10, B@L asked 3 free 2", "H: none"},
        {"set_channel channel=web", "ok: set_channel", NULL},
        {"hold hold=H holder=ann channel=web 5 A@L 2 B@L 5 A@L", "ok: hold out_of_stock hold out_of_stock",
         "A@L: sellable 10 held 10 v3; B@L: sellable 2 held 2 v3;"
         "H: held of ann through web, A@L granted 10 held 10, B@L granted 2 held 2, ends +900"},
        {"hold hold=I 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},

        {"# what is not sellable is not free", NULL, NULL},
        {"receive 3 A@L 9 damaged A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"hold hold=H 3 A@L", "ok: hold out_of_stock", NULL},

        {"# a known item at a known location without a cell has nothing", NULL, NULL},
        {"receive 3 A@L 1 B@M", "ok: receive receive", NULL},
        {"hold hold=H 1 A@M", "insufficient_stock, A@M asked 1 free 0", "A@M: none"},

        {"# partial: what fits, named; nothing at all is refused", NULL, NULL},
        {"receive 10 A@L 1 B@L", "ok: receive receive", NULL},
        {"sale 1 B@L", "ok: sale out_of_stock", NULL},
        {"hold hold=H partial 12 A@L 2 B@L", "ok: hold out_of_stock, A@L asked 12 free 10, B@L asked 2 free 0",
         "H: held of pos-1, A@L granted 10 held 10, ends +900; B@L: v3"},
        {"hold hold=I partial 1 A@L 2 B@L", "insufficient_stock, A@L asked 1 free 0, B@L asked 2 free 0", "I: none"},
        {"receive 1 A@L", "ok: receive back_in_stock", NULL},
        {"hold hold=I partial 1 A@L", "ok: hold out_of_stock", "I: held of pos-1, A@L granted 1 held 1, ends +900"},

        {"# a hold as a fact is granted beyond what is free, and flagged", NULL, NULL},
        {"hold fact hold=H 4 A@L", "ok: hold oversold(4)", "A@L: held 4 v2; H: held of pos-1, A@L granted 4 held 4, ends +900"},

        {"# the end: the default, none, and beyond reason", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H expires=0 1 A@L", "ok: hold", "H: held of pos-1, A@L granted 1 held 1"},
        {"hold hold=I expires=60 1 A@L", "ok: hold", "I: held of pos-1, A@L granted 1 held 1, ends +60"},
        {"hold hold=J expires=99999999999 1 A@L", "invalid out_of_range expires_in", "J: none"},
        {"wait 59", "ok:", NULL},
        {"wait 1", "ok: expire", "I: expired of pos-1, A@L granted 1 expired 1; H: held of pos-1, A@L granted 1 held 1"},
        {"wait 99999999", "ok:", NULL},
        {"tick", "ok:", "I: none; H: held of pos-1, A@L granted 1 held 1"},
    };
    WORLD_PLAY(rows);
}

static void holds_are_replaced(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# the same holder replaces; what it held counts as free to it; unnamed cells are released", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"hold hold=H expires=100 8 A@L 1 B@L", "ok: hold hold", NULL},
        {"wait 50", "ok:", NULL},
        {"hold hold=H 11 A@L", "insufficient_stock, A@L asked 11 free 10", "A@L: sellable 10 held 8 v2"},
        {"hold hold=H 10 A@L", "ok: hold out_of_stock hold",
         "A@L: sellable 10 held 10 v4; B@L: sellable 10 v3;"
         "H: held of pos-1, A@L granted 10 held 10, B@L granted 1 released 1, ends +900"},
        {"hold hold=H 3 A@L", "ok: hold back_in_stock",
         "A@L: sellable 10 held 3 v6; H: held of pos-1, A@L granted 10 held 3 released 7, B@L granted 1 released 1, ends +900"},
        {"hold hold=H 3 A@L", "ok: hold", "A@L: sellable 10 held 3 v7"},
        {"hold hold=H holder=ann 1 A@L", "hold_exists H", NULL},
        {"hold hold=H source=web 1 A@L", "hold_exists H", NULL},
        {"hold hold=H source=web holder=pos-1 1 B@L", "ok: hold hold", "A@L: sellable 10 v8; B@L: sellable 10 held 1 v4"},
        {"hold hold=H partial 1 A@L 12 B@L", "ok: hold hold out_of_stock, B@L asked 12 free 10", "A@L: sellable 10 held 1 v9; B@L: sellable 10 held 10 v6"},

        {"# replacing touches the held part alone", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"hold hold=H 4 A@L 2 B@L", "ok: hold hold", NULL},
        {"commit hold=H 3 A@L 2 B@L", "ok: commit commit", NULL},
        {"hold hold=H 7 A@L", "ok: hold out_of_stock",
         "A@L: sellable 10 held 7 committed 3 v5; B@L: sellable 10 committed 2 v3;"
         "H: held of pos-1, A@L granted 10 held 7 committed 3, B@L granted 2 committed 2, ends +900"},
        {"hold hold=H 1 A@L 9 B@L", "insufficient_stock, B@L asked 9 free 8", NULL},

        {"# whoever holds keeps it, and may shrink it, while others are oversold", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H 3 A@L", "ok: hold", NULL},
        {"sale 4 A@L", "ok: sale oversold(2) out_of_stock", NULL},
        {"hold hold=H 4 A@L", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"hold hold=H 3 A@L", "ok: hold", NULL},
        {"hold hold=H 2 A@L", "ok: hold", "A@L: sellable 1 held 2 v7"},

        {"# an ended hold is not replaced", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H 3 A@L", "ok: hold", NULL},
        {"release hold=H", "ok: release", NULL},
        {"hold hold=H 3 A@L", "hold_ended H, consumed 0 released 3", NULL},
        {"wait 604800", "ok:", NULL},
        {"hold hold=H 3 A@L", "hold_ended H, consumed 0 released 3", NULL},
        {"wait 1", "ok:", NULL},
        {"release hold=H", "unknown_hold H", NULL},
        {"hold hold=H holder=bob 1 A@L", "ok: hold", "H: held of bob, A@L granted 1 held 1, ends +900"},
    };
    WORLD_PLAY(rows);
}

static void holds_are_extended(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# extend sets the end, counted from now", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"extend hold=H expires=60", "unknown_hold H", NULL},
        {"hold hold=H expires=60 4 A@L", "ok: hold", NULL},
        {"wait 30", "ok:", NULL},
        {"extend hold=H expires=60", "ok: extend", "A@L: sellable 10 held 4 v2; H: held of pos-1, A@L granted 4 held 4, ends +60"},
        {"extend hold=H expires=10", "ok: extend", "H: held of pos-1, A@L granted 4 held 4, ends +10"},
        {"extend hold=H expires=99999999999", "invalid out_of_range expires_in", NULL},
        {"extend hold=H expires=60 IF:version=2", "invalid bad_value if", NULL},
        {"extend hold=H expires=0", "ok: extend", "H: held of pos-1, A@L granted 4 held 4"},
        {"wait 9999", "ok:", NULL},
        {"extend hold=H expires=1", "ok: extend", NULL},
        {"wait 1", "ok: expire", NULL},
        {"extend hold=H expires=60", "hold_ended H, consumed 0 released 0", NULL},

        {"# committed units have no end to extend", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"commit hold=H 3 A@L", "ok: commit", NULL},
        {"extend hold=H expires=60", "ok: extend", "H: held of pos-1, A@L granted 4 held 1 committed 3, ends +60"},
        {"commit hold=H", "ok: commit", "H: committed of pos-1, A@L granted 4 committed 4"},
        {"extend hold=H expires=60", "hold_ended H, consumed 0 released 0", NULL},
    };
    WORLD_PLAY(rows);
}

static void holds_are_committed(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# commit turns held into committed; what stays held keeps its end", NULL, NULL},
        {"receive 10 A@L 5 B@L", "ok: receive receive", NULL},
        {"commit hold=H", "unknown_hold H", NULL},
        {"hold hold=H 6 A@L 2 B@L", "ok: hold hold", NULL},
        {"commit hold=H 7 A@L", "exceeds_claim H, A@L asked 7 free 6", NULL},
        {"commit hold=H 3 A@L 4 A@L 1 B@L", "exceeds_claim H, A@L asked 7 free 6", NULL},
        {"commit hold=H 1 A@M", "unknown_location M", NULL},
        {"commit hold=H 4 A@L", "ok: commit",
         "H: held of pos-1, A@L granted 6 held 2 committed 4, B@L granted 2 held 2, ends +900"},
        {"wait 900", "ok: expire expire",
         "A@L: sellable 10 committed 4 v4; H: committed of pos-1, A@L granted 6 committed 4 expired 2, B@L granted 2 expired 2"},
        {"commit hold=H", "exceeds_claim H", NULL},
        {"commit hold=H 1 A@L", "exceeds_claim H, A@L asked 1 free 0", NULL},
        {"wait 99999999", "ok:", "H: committed of pos-1, A@L granted 6 committed 4 expired 2, B@L granted 2 expired 2"},

        {"# commit without lines takes all that is held, and leaves what was committed", NULL, NULL},
        {"receive 10 A@L 5 B@L", "ok: receive receive", NULL},
        {"hold hold=H 6 A@L 2 B@L", "ok: hold hold", NULL},
        {"commit hold=H 2 B@L", "ok: commit", NULL},
        {"commit hold=H", "ok: commit",
         "H: committed of pos-1, A@L granted 6 committed 6, B@L granted 2 committed 2; B@L: sellable 5 committed 2 v3"},
        {"commit hold=H", "exceeds_claim H", NULL},

        {"# an unknown hold with lines is committed directly, if it is free", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_channel channel=web", "ok: set_channel", NULL},
        {"commit hold=O1 holder=ann channel=web 11 A@L", "insufficient_stock, A@L asked 11 free 10", "O1: none"},
        {"commit hold=O1 1 B@L", "unknown_item B", NULL},
        {"commit hold=O1 holder=ann channel=web 4 A@L 3 A@L", "ok: commit",
         "A@L: sellable 10 committed 7 v2; O1: committed of ann through web, A@L granted 7 committed 7"},
        {"commit fact hold=O2 5 A@L", "ok: commit oversold(2) out_of_stock", "O2: committed of pos-1, A@L granted 5 committed 5"},
        {"commit fact hold=O2 1 A@L 2 B@L", "ok: commit oversold(3) commit oversold(2)",
         "O2: committed of pos-1, A@L granted 6 committed 6, B@L granted 2 committed 2"},
        {"commit fact hold=O2", "exceeds_claim O2", NULL},
        {"commit fact hold=O3", "unknown_hold O3", NULL},
        {"release hold=O2", "ok: release back_in_stock release", NULL},
        {"commit hold=O2 1 A@L", "hold_ended O2, consumed 0 released 8", NULL},
        {"commit fact hold=O2 1 A@L", "hold_ended O2, consumed 0 released 8", NULL},

        {"# as a fact, commit takes what is held first and grants the rest", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"commit fact hold=H 6 A@L", "ok: commit",
         "A@L: sellable 10 committed 6 v3; H: committed of pos-1, A@L granted 6 committed 6"},

        {"# an expired hold is had again as a new grant, or refused", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H expires=10 6 A@L", "ok: hold", NULL},
        {"wait 10", "ok: expire", "H: expired of pos-1, A@L granted 6 expired 6"},
        {"hold hold=H 6 A@L", "hold_ended H, consumed 0 released 0", NULL},
        {"sale 5 A@L", "ok: sale", NULL},
        {"commit hold=H", "hold_expired H, A@L asked 6 free 5", "H: expired of pos-1, A@L granted 6 expired 6"},
        {"commit hold=H 6 A@L", "hold_expired H, A@L asked 6 free 5", NULL},
        {"commit hold=H 2 A@L", "ok: commit", "H: committed of pos-1, A@L granted 8 committed 2 expired 6"},
        {"release hold=H", "ok: release", "H: released of pos-1, A@L granted 8 released 2 expired 6"},

        {"# an expired hold is had again without lines", NULL, NULL},
        {"receive 10 A@L 3 B@L", "ok: receive receive", NULL},
        {"hold hold=H expires=10 6 A@L 1 B@L", "ok: hold hold", NULL},
        {"wait 10", "ok: expire expire", NULL},
        {"sale 8 A@L", "ok: sale", NULL},
        {"commit fact hold=H", "ok: commit oversold(4) out_of_stock commit",
         "H: committed of pos-1, A@L granted 12 committed 6 expired 6, B@L granted 2 committed 1 expired 1"},
        {"ship hold=H 1 B@L", "ok: ship", NULL},

        {"# as a fact, a commit after the end is recorded", NULL, NULL},
        {"receive 1 A@L", "ok: receive", NULL},
        {"hold hold=H expires=10 1 A@L", "ok: hold out_of_stock", NULL},
        {"wait 604811", "ok: expire back_in_stock", NULL},
        {"commit hold=H", "ok: commit out_of_stock", "H: committed of pos-1, A@L granted 2 committed 1 expired 1"},
    };
    WORLD_PLAY(rows);
}

static void holds_are_released(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# release gives back held, then committed", NULL, NULL},
        {"receive 10 A@L 5 B@L", "ok: receive receive", NULL},
        {"release hold=H", "unknown_hold H", NULL},
        {"hold hold=H 6 A@L 2 B@L", "ok: hold hold", NULL},
        {"commit hold=H 4 A@L", "ok: commit", NULL},
        {"release hold=H 1 A@L 6 A@L", "exceeds_claim H, A@L asked 7 free 6", NULL},
        {"release hold=H 1 C@L", "unknown_item C", NULL},
        {"release hold=H 3 A@L", "ok: release",
         "A@L: sellable 10 committed 3 v4; H: held of pos-1, A@L granted 6 committed 3 released 3, B@L granted 2 held 2, ends +900"},
        {"release hold=H 2 B@L", "ok: release",
         "B@L: sellable 5 v3; H: committed of pos-1, A@L granted 6 committed 3 released 3, B@L granted 2 released 2"},
        {"release hold=H 1 B@L", "exceeds_claim H, B@L asked 1 free 0", NULL},
        {"release hold=H", "ok: release", "A@L: sellable 10 v5"},
        {"release hold=H", "hold_ended H, consumed 0 released 8", NULL},
        {"release fact hold=H", "hold_ended H, consumed 0 released 8", NULL},
    };
    WORLD_PLAY(rows);
}

static void holds_expire(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# holds expire by log time, those that end together in the order they were made", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"hold hold=H expires=30 1 A@L", "ok: hold", NULL},
        {"hold hold=I expires=20 2 A@L", "ok: hold", NULL},
        {"hold hold=J expires=20 3 A@L 1 B@L", "ok: hold hold", NULL},
        {"hold hold=K expires=10 4 A@L", "ok: hold out_of_stock", NULL},
        {"release hold=K", "ok: release back_in_stock", NULL},
        {"wait 19", "ok:", "A@L: sellable 10 held 6 v8"},
        {"wait 1", "ok: expire expire expire", "A@L: sellable 10 held 1 v10; J: expired of pos-1, A@L granted 3 expired 3, B@L granted 1 expired 1"},
        {"release hold=I", "hold_ended I, consumed 0 released 0", NULL},
        {"wait 9", "ok:", NULL},
        {"wait 1", "ok: expire", "A@L: sellable 10 v11"},

        {"# expiry in an oversold cell raises nothing", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H expires=30 8 A@L", "ok: hold", NULL},
        {"sale 12 A@L", "ok: sale discrepancy(below_zero 2) oversold(10) out_of_stock", NULL},
        {"wait 30", "ok: expire", "A@L: sellable -2 v7"},
    };
    WORLD_PLAY(rows);
}

/* Ties break on the claim's number: nothing depends on where an entry lies. */
static void holds_that_end_together_expire_oldest_first(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 99 A@L");
    /* H9 .. H0 in an order that an unstable heap would turn round; H5 ends earlier, H3 is extended to the same end. */
    static const char *const holds[] = {"H9", "H4", "H7", "H1", "H3", "H8", "H2", "H6", "H0"};
    for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
        char prose[64];
        (void)sprintf(prose, "hold hold=%s expires=%d 1 A@L", holds[i], strcmp(holds[i], "H3") == 0 ? 7 : 60);
        world_step(&world, prose);
    }
    world_step(&world, "hold hold=H5 expires=59 1 A@L");
    world_step(&world, "extend hold=H3 expires=60");
    world.now_us += 60 * SECOND_US;
    assert_true(ledger_due(world.ledger, world.now_us, &world.decision));
    assert_true(text_equal(world.decision.events[0].hold, TEXT("H5")));
    world_evolve(&world);
    for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
        assert_true(ledger_due(world.ledger, world.now_us, &world.decision));
        assert_true(text_equal(world.decision.events[0].hold, text_of(holds[i], 2)));
        world_evolve(&world);
    }
    assert_false(ledger_due(world.ledger, world.now_us, &world.decision));
    world_deinit(&world);
}

/* A claim on a thousand cells is the most there is; the table is walked in the order lines were claimed. */
static void a_claim_has_at_most_a_thousand_cells(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {2048, 4, 4, 2048, 8, 4096, 8, 8, 1, 1, 1, 1, 1, 1, 64, 0, 0, 0};
    static char prose[64 * 1024];
    world_init(&world, &limits);
    for (unsigned part = 0; part < 3; part++) {
        char *end = stpcpy(prose, "receive");
        for (unsigned i = 0; i < 500; i++)
            end += sprintf(end, " 2 i%u@L", part * 500 + i);
        world_step(&world, prose);
        end = prose + sprintf(prose, "commit hold=H");
        for (unsigned i = 0; i < 500; i++)
            end += sprintf(end, " 1 i%u@L", part * 500 + i);
        if (part > 0)
            (void)sprintf(end, " fact");
        world_step(&world, prose);
        if (part < 2)
            assert_int_equal(strncmp(world.answer, "ok:", 3), 0);
        else
            assert_string_equal(world.answer, "invalid too_many_lines lines");
    }
    world_step(&world, "release hold=H");
    assert_int_equal(strncmp(world.answer, "ok: release", 11), 0);
    assert_int_equal(world.decision.event_count, 1000);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story_s1),
        cmocka_unit_test(holds_are_granted_or_refused),
        cmocka_unit_test(holds_are_replaced),
        cmocka_unit_test(holds_are_extended),
        cmocka_unit_test(holds_are_committed),
        cmocka_unit_test(holds_are_released),
        cmocka_unit_test(holds_expire),
        cmocka_unit_test(holds_that_end_together_expire_oldest_first),
        cmocka_unit_test(a_claim_has_at_most_a_thousand_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
