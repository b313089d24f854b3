/*
 * Goal: every rule and refusal of expect, redate and cancel_expected holds, what fulfils an expectation closes it,
 * and ATP is exactly what DESIGN I5 says: overdue supply, days and instants, days in other zones.
 * Method: tables in near-prose, see ledger_world.h. Each step is also replayed into a second ledger, and ledger_check
 * compares incoming and outgoing of every cell with the open documents. ATP is compared with a naive minimum over all
 * times that matter, for random documents.
 */
#include "ledger_world.h"

#include "base/prng.h"
#include "ledger/state.h"

static void goods_are_expected(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# in and out; a fact makes its names", NULL, NULL},
        {"expect expectation=PO9/1 direction=in due=2023-12-01 50 A@DC", "ok: expect",
         "A@DC: incoming 50 v1; expectation PO9/1: open in, A@DC 50 2023-12-01"},
        {"expect expectation=SO1 direction=out due=+60 5 A@DC 1 B@DC 2 A@DC", "ok: expect expect",
         "A@DC: incoming 50 outgoing 7 v2; B@DC: outgoing 1 v1; expectation SO1: open out, A@DC 7 +60, B@DC 1 +60"},

        {"# the same id again replaces all of it", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 5 A@L 6 B@L 7 C@L", "ok: expect expect expect", NULL},
        {"expect expectation=P direction=in due=2023-12-02 8 D@L 9 B@L", "ok: expect expect expect expect",
         "A@L: v2; B@L: incoming 9 v2; C@L: v2; D@L: incoming 8 v1;"
         "expectation P: open in, B@L 9 2023-12-02, D@L 8 2023-12-02"},
        {"expect expectation=P direction=in due=2023-12-02 9 B@L", "ok: expect expect",
         "B@L: incoming 9 v3; D@L: v2; expectation P: open in, B@L 9 2023-12-02"},
        {"expect expectation=P direction=in due=2023-12-02 1 A@L 4 B@L", "ok: expect expect",
         "A@L: incoming 1 v3; B@L: incoming 4 v4; expectation P: open in, B@L 4 2023-12-02, A@L 1 2023-12-02"},

        {"# its direction too", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 5 A@L 6 B@L", "ok: expect expect", NULL},
        {"expect expectation=P direction=out due=+60 3 A@L", "ok: expect expect",
         "A@L: outgoing 3 v2; B@L: v2; expectation P: open out, A@L 3 +60"},
        {"expect expectation=P direction=in due=2023-12-01 4 A@L 1 B@L", "ok: expect expect",
         "A@L: incoming 4 v3; B@L: incoming 1 v3"},

        {"# one that is closed cannot be had again while it is kept", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 5 A@L", "ok: expect", NULL},
        {"cancel_expected expectation=P", "ok: cancel_expected", "A@L: v2; expectation P: closed in"},
        {"expect expectation=P direction=in due=2023-12-01 5 A@L", "expectation_closed P", NULL},
        {"wait 604801", "ok:", NULL},
        {"tick", "ok:", "expectation P: none"},
        {"expect expectation=P direction=out due=2023-12-01 5 A@L", "ok: expect",
         "expectation P: open out, A@L 5 2023-12-01"},

        {"# a transfer and an expectation may have the same name", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"transfer_out transfer=X to=M eta=2023-12-01 5 A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"expect expectation=X direction=in due=2023-12-01 5 A@M", "ok: expect", "A@M: in_transit 5 incoming 10 v2"},
        {"transfer_in transfer=X 5 A@M", "ok: transfer_in back_in_stock",
         "A@M: sellable 5 incoming 5 v4; expectation X: open in, A@M 5 2023-12-01"},

        {"# guarded, it knows its names", NULL, NULL},
        {"expect guard expectation=P direction=in due=2023-12-01 5 A@L", "unknown_item A", "expectation P: none"},
        {"receive 1 A@L", "ok: receive", NULL},
        {"expect guard expectation=P direction=in due=2023-12-01 5 A@L", "ok: expect", NULL},
    };
    WORLD_PLAY(rows);
}

static void a_receipt_closes_what_was_expected(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# in one event: goods in, expectation down; partly, in any condition", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 10 A@L 4 B@L", "ok: expect expect", NULL},
        {"receive expectation=P 6 A@L 1 damaged A@L", "ok: receive back_in_stock",
         "A@L: sellable 6 damaged 1 incoming 3 v3; expectation P: open in, A@L 3 2023-12-01, B@L 4 2023-12-01"},
        {"receive 9 A@L", "ok: receive", "A@L: sellable 15 damaged 1 incoming 3 v4"},
        {"receive expectation=P 3 A@L", "ok: receive",
         "A@L: sellable 18 damaged 1 v5; expectation P: open in, B@L 4 2023-12-01"},
        {"receive expectation=P 4 B@L", "ok: receive back_in_stock", "B@L: sellable 4 v3; expectation P: closed in"},
        {"receive expectation=P 1 B@L", "unknown_expectation P", "B@L: sellable 4 v3"},

        {"# a receipt beyond the expectation is received, and flagged", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 10 A@L", "ok: expect", NULL},
        {"receive expectation=P 2 B@L", "ok: receive discrepancy(exceeds_expectation 2)",
         "B@L: sellable 2 v2; expectation P: open in, A@L 10 2023-12-01; $B: supplier -2"},
        {"receive expectation=P 12 A@L", "ok: receive discrepancy(exceeds_expectation 2) back_in_stock",
         "A@L: sellable 12 v4; expectation P: closed in; $A: supplier -12"},

        {"# only goods that are expected in, and known, can be received", NULL, NULL},
        {"receive expectation=P 1 A@L", "unknown_expectation P", "A@L: none"},
        {"expect expectation=P direction=out due=2023-12-01 10 A@L", "ok: expect", NULL},
        {"receive expectation=P 1 A@L", "unknown_expectation P", "A@L: outgoing 10 v1"},
        {"return expectation=P 1 A@L", "ok: return back_in_stock", "A@L: sellable 1 outgoing 10 v3"},
    };
    WORLD_PLAY(rows);
}

static void a_hold_takes_what_was_expected_to_go(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# shipped from held: off what is expected to go, in that cell", NULL, NULL},
        {"receive 20 A@L 20 B@L", "ok: receive receive", NULL},
        {"expect expectation=O1 direction=out due=2023-12-01 8 A@L", "ok: expect", NULL},
        {"hold hold=O1 6 A@L 2 B@L", "ok: hold hold", "A@L: sellable 20 held 6 outgoing 8 v3"},
        {"ship hold=O1 2 A@L 1 B@L", "ok: ship ship",
         "A@L: sellable 18 held 4 outgoing 6 v4; B@L: sellable 19 held 1 v3;"
         "expectation O1: open out, A@L 6 2023-12-01"},
        {"ship fact hold=O1 7 A@L", "ok: ship discrepancy(exceeds_claim 3)",
         "A@L: sellable 11 v6; expectation O1: closed out"},
        {"ship hold=O1", "ok: ship", "B@L: sellable 18 v4"},

        {"# what was committed has come off then: shipping it takes nothing more", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=O1 6 A@L", "ok: hold", NULL},
        {"commit hold=O1 4 A@L", "ok: commit", NULL},
        {"expect expectation=O1 direction=out due=2023-12-01 8 A@L", "ok: expect", NULL},
        {"ship hold=O1 3 A@L", "ok: ship", "A@L: sellable 17 held 2 committed 1 outgoing 8 v5"},
        {"ship hold=O1 2 A@L", "ok: ship", "A@L: sellable 15 held 1 outgoing 7 v6"},

        {"# committing takes off, directly and from held, and amending to more; less puts nothing back", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"expect expectation=O1 direction=out due=2023-12-01 9 A@L", "ok: expect", NULL},
        {"hold hold=O1 4 A@L", "ok: hold", NULL},
        {"commit hold=O1 3 A@L", "ok: commit", "A@L: sellable 20 held 1 committed 3 outgoing 6 v4"},
        {"amend hold=O1 5 A@L", "ok: amend", "A@L: sellable 20 held 1 committed 5 outgoing 4 v5"},
        {"amend hold=O1 4 A@L", "ok: amend", "A@L: sellable 20 held 1 committed 4 outgoing 4 v6"},
        {"ship hold=O1 4 A@L", "ok: ship", "A@L: sellable 16 held 1 outgoing 4 v7"},
        {"commit hold=O1", "ok: commit", "A@L: sellable 16 committed 1 outgoing 3 v8"},
        {"expect expectation=O2 direction=out due=+60 2 A@L", "ok: expect", NULL},
        {"commit hold=O2 5 A@L", "ok: commit",
         "A@L: sellable 16 committed 6 outgoing 3 v10; expectation O2: closed out"},

        {"# a sale of a hold that never was is an order fulfilled all the same", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"expect expectation=O1 direction=out due=2023-12-01 2 A@L", "ok: expect", NULL},
        {"sale 1 A@L", "ok: sale", "A@L: sellable 19 outgoing 2 v3"},
        {"sale hold=O2 1 A@L", "ok: sale discrepancy(no_claim 1)", "A@L: sellable 18 outgoing 2 v5"},
        {"sale hold=O1 1 damaged A@L", "ok: sale discrepancy(below_zero 1)",
         "A@L: sellable 18 damaged -1 outgoing 2 v7"},
        {"sale hold=O1 3 A@L", "ok: sale discrepancy(no_claim 3)", "expectation O1: closed out"},
        {"sale hold=O1 1 A@L", "ok: sale discrepancy(no_claim 1)", NULL},

        {"# goods expected in by the same name are another matter", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"expect expectation=O1 direction=in due=2023-12-01 2 A@L", "ok: expect", NULL},
        {"sale hold=O1 1 A@L", "ok: sale discrepancy(no_claim 1)", "A@L: sellable 19 incoming 2 v4"},
    };
    WORLD_PLAY(rows);
}

static void expectations_are_moved_and_cancelled(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# redate: all lines, or those of the cells named, with a time of their own", NULL, NULL},
        {"expect expectation=P direction=in due=2023-12-01 5 A@L 6 B@L", "ok: expect expect", NULL},
        {"redate expectation=P due=2023-12-05", "ok: redate redate",
         "A@L: incoming 5 v2; expectation P: open in, A@L 5 2023-12-05, B@L 6 2023-12-05"},
        {"redate expectation=P due=+60 0 B@L", "ok: redate",
         "B@L: incoming 6 v3; expectation P: open in, A@L 5 2023-12-05, B@L 6 +60"},
        {"redate expectation=P due=2023-12-09 1 A@L", "ok: redate",
         "expectation P: open in, A@L 5 2023-12-09, B@L 6 +60"},
        {"receive 1 C@L", "ok: receive", NULL},
        {"redate expectation=P due=+60 1 A@L 2 C@L", "unknown_expectation P, C@L asked 2 free 0",
         "expectation P: open in, A@L 5 2023-12-09, B@L 6 +60"},
        {"redate expectation=P due=+60 1 D@L", "unknown_item D", NULL},
        {"redate expectation=Q due=+60", "unknown_expectation Q", NULL},
        {"redate expectation=P due=+60 IF:version=1", "invalid bad_value if", NULL},
        {"receive expectation=P 5 A@L", "ok: receive back_in_stock", NULL},
        {"redate expectation=P due=+60 1 A@L", "unknown_expectation P, A@L asked 1 free 0", NULL},

        {"# cancel: some, or all; beyond what is open is flagged", NULL, NULL},
        {"expect expectation=P direction=out due=2023-12-01 5 A@L 6 B@L", "ok: expect expect", NULL},
        {"cancel_expected expectation=P 2 A@L", "ok: cancel_expected", "A@L: outgoing 3 v2"},
        {"cancel_expected expectation=P 4 A@L", "ok: cancel_expected discrepancy(exceeds_expectation 1)",
         "A@L: v4; expectation P: open out, B@L 6 2023-12-01"},
        {"cancel_expected expectation=P 1 A@L", "ok: cancel_expected discrepancy(exceeds_expectation 1)", "A@L: v6"},
        {"receive 1 A@M", "ok: receive", NULL},
        {"cancel_expected expectation=P 1 B@M", "ok: cancel_expected discrepancy(exceeds_expectation 1)", "B@M: v2"},
        {"cancel_expected expectation=P", "ok: cancel_expected", "B@L: v2; expectation P: closed out"},
        {"cancel_expected expectation=P", "unknown_expectation P", NULL},
        {"redate expectation=P due=+60", "unknown_expectation P", NULL},
        {"cancel_expected expectation=Q 1 A@L", "unknown_expectation Q", NULL},

        {"# fields that the kinds need", NULL, NULL},
        {"expect direction=in due=+60 1 A@L", "invalid missing_field expectation", NULL},
        {"expect expectation=P due=+60 1 A@L", "invalid missing_field direction", NULL},
        {"expect expectation=P direction=in 1 A@L", "invalid missing_field due", NULL},
        {"expect expectation=P direction=in due=+60", "invalid missing_field lines", NULL},
        {"expect expectation=P direction=in due=+60 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"expect expectation=P direction=in due=+60 0 A@L", "invalid bad_value line 0 quantity", NULL},
        {"redate due=+60", "invalid missing_field expectation", NULL},
        {"redate expectation=P", "invalid missing_field due", NULL},
        {"redate expectation=P due=+60 -1 A@L", "invalid bad_value line 0 quantity", NULL},
        {"cancel_expected", "invalid missing_field expectation", NULL},
        {"cancel_expected expectation=P 0 A@L", "invalid bad_value line 0 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void what_can_be_promised(void **state)
{
    (void)state;
    /* The world begins on 2023-11-14 at 22:13:20; midnight is 6400 seconds away. */
    static const struct world_row rows[] = {
        {"# supply from its time on, demand from its time on, and never below what comes later", NULL, NULL},
        {"receive 10 A@L", "ok: receive",
         "atp A@L: 10; atp A@L +99: 10; atp A@M: 0; atp B@L: 0; atp A@M now 1: 0 never"},
        {"hold hold=H 3 A@L", "ok: hold", "atp A@L: 7"},
        {"expect expectation=P direction=in due=+100 20 A@L", "ok: expect",
         "atp A@L: 7; atp A@L +99: 7; atp A@L +100: 27"},
        {"expect expectation=O direction=out due=+50 5 A@L", "ok: expect",
         "atp A@L: 2; atp A@L +49: 2; atp A@L +50: 2; atp A@L +99: 2; atp A@L +100: 22"},
        {"expect expectation=Q direction=out due=+200 30 A@L", "ok: expect",
         "atp A@L: -8; atp A@L +100: -8; atp A@L +200: -8"},
        {"expect expectation=R direction=in due=+300 15 A@L", "ok: expect",
         "atp A@L: -8; atp A@L +299: -8; atp A@L +300: 7; atp A@L +999: 7;"
         "atp A@L now 7: -8 from +300; atp A@L now 8: -8 never; atp A@L +400 1: 7 from +400"},

        {"# the first time a number can be promised: and kept from then on", NULL, NULL},
        {"receive 5 A@L", "ok: receive", "atp A@L now 5: 5 from +0; atp A@L now 6: 5 never"},
        {"expect expectation=P direction=in due=+100 10 A@L", "ok: expect", "atp A@L now 6: 5 from +100"},
        {"expect expectation=O direction=out due=+200 12 A@L", "ok: expect",
         "atp A@L now 3: 3 from +0; atp A@L now 4: 3 never"},
        {"expect expectation=R direction=in due=+300 10 A@L", "ok: expect",
         "atp A@L now 4: 3 from +300; atp A@L now 13: 3 from +300; atp A@L now 14: 3 never"},
        {"expect expectation=S direction=out due=+300 13 A@L", "ok: expect",
         "atp A@L now 1: 0 never; atp A@L now 0: 0 from +0"},

        {"# overdue supply counts zero until it is re-dated; overdue demand still counts", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"expect expectation=P direction=in due=+100 10 A@L", "ok: expect", "atp A@L +100: 15"},
        {"expect expectation=O direction=out due=+100 2 A@L", "ok: expect", "atp A@L +100: 13"},
        {"wait 100", "ok:", "atp A@L: 13"},
        {"wait 1", "ok:", "atp A@L: 3; atp A@L +1000: 3; A@L: sellable 5 incoming 10 outgoing 2 v3"},
        {"redate expectation=P due=+500", "ok: redate", "atp A@L: 3; atp A@L +499: 3; atp A@L +500: 13"},

        {"# a day: supply from its end, demand from its start, a question about it means its end", NULL, NULL},
        {"expect expectation=P direction=in due=2023-11-15 10 A@L", "ok: expect",
         "atp A@L 2023-11-14: 0; atp A@L 2023-11-15: 10; atp A@L +92798: 0; atp A@L +92800: 10"},
        {"expect expectation=O direction=out due=2023-11-15 4 A@L", "ok: expect",
         "atp A@L 2023-11-14: -4; atp A@L: -4; atp A@L +6399: -4; atp A@L 2023-11-15: 6"},
        {"expect expectation=R direction=in due=+6400 3 A@L", "ok: expect", /* at the stroke of midnight */
         "atp A@L 2023-11-14: -1; atp A@L +6399: -1; atp A@L +6400: -1; atp A@L 2023-11-15: 9"},
        {"expect expectation=S direction=in due=-6400 3 A@L", "ok: expect", "atp A@L 2023-11-20: 9"},
        {"until 2023-11-15", "ok:", "atp A@L: -1; atp A@L 2023-11-15: 9"},
        {"until 2023-11-16", "ok:", "atp A@L: -4; atp A@L 2023-11-16: -4"},

        {"# a transfer with an eta is supply, one without is not", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M eta=2023-11-20 4 A@L", "ok: transfer_out transfer_out",
         "atp A@M 2023-11-19: 0; atp A@M 2023-11-20: 4"},
        {"transfer_out transfer=U to=M 4 A@L", "ok: transfer_out transfer_out", "atp A@M 2023-11-20: 4"},
        {"transfer_in transfer=T 1 A@M", "ok: transfer_in back_in_stock", "atp A@M: 1; atp A@M 2023-11-20: 4"},
        {"transfer_loss transfer=T 1 A@M", "ok: transfer_loss", "atp A@M 2023-11-20: 3"},

        {"# what is not sellable cannot be promised; what was promised too often is below zero", NULL, NULL},
        {"receive 3 damaged A@L", "ok: receive", "atp A@L: 0"},
        {"sale 2 A@L", "ok: sale discrepancy(below_zero 2) oversold(2)", "atp A@L: -2"},
    };
    WORLD_PLAY(rows);
}

#define MAX "9007199254740991"

static void figures_and_times_are_bounded(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a figure cannot leave the range", NULL, NULL},
        {"expect expectation=P direction=in due=+60 " MAX " A@L", "ok: expect", NULL},
        {"expect expectation=Q direction=in due=+60 1 A@L", "invalid out_of_range line 0 quantity",
         "expectation Q: none"},
        {"expect expectation=P direction=out due=+60 " MAX " A@L", "ok: expect", "A@L: outgoing " MAX " v2"},
        {"expect expectation=Q direction=in due=+60 " MAX " A@L", "ok: expect", "atp A@L +60: 0; atp A@L +59: 0"},
        {"sale hold=P " MAX " A@L",
         "ok: sale discrepancy(no_claim " MAX ") discrepancy(below_zero " MAX ") oversold(" MAX ")",
         "A@L: sellable -" MAX " incoming " MAX " v7; expectation P: closed out"},
        {"receive expectation=Q 1 A@L", "ok: receive", NULL},
    };
    WORLD_PLAY(rows);
    static struct world world;
    world_init(&world, &world_limits);
    static const struct {
        struct moment due;
        enum code code;
    } times[] = {
        {{MOMENT_INSTANT, INT64_C(-62167219200000000)}, CODE_none},
        {{MOMENT_INSTANT, INT64_C(-62167219200000001)}, CODE_bad_value},
        {{MOMENT_INSTANT, INT64_C(253402300799999999)}, CODE_none},
        {{MOMENT_INSTANT, INT64_C(253402300800000000)}, CODE_bad_value},
        {{MOMENT_DAY, INT64_C(86400000000)}, CODE_none},
        {{MOMENT_DAY, INT64_C(86400000001)}, CODE_bad_value},
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        world_parse(&world, "expect expectation=P direction=in due=+60 1 A@L");
        world.command.due = times[i].due;
        world_decide(&world);
        assert_int_equal(world.verdict.code, times[i].code);
        world_parse(&world, "hold hold=H at=+60 expires=0 1 A@L");
        world.command.at = times[i].due;
        ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
        assert_true((world.verdict.code == CODE_bad_value) == (times[i].code == CODE_bad_value));
    }
    world_deinit(&world);
}

static void expect_answer(struct world *world, const char *prose, const char *answer)
{
    world_step(world, prose);
    if (strcmp(world->answer, answer) != 0)
        fail_msg("%s\n  expected: %s\n  answered: %s", prose, answer, world->answer);
}

static void a_full_table_takes_no_expectation(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {8, 4, 2, 16, 1, 1, 1, 1, 1, 2, 3, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect_answer(&world, "expect expectation=P direction=in due=+9 1 A@L 1 B@L 1 C@L 1 D@L", "invalid limit_reached");
    expect_answer(&world, "expect expectation=P direction=in due=+9 1 A@L 1 B@L", "ok: expect expect");
    expect_answer(&world, "expect expectation=Q direction=in due=+9 1 A@L", "ok: expect");
    expect_answer(&world, "expect expectation=R direction=in due=+9 1 A@L", "invalid limit_reached");
    /* New lines come before those they replace go. */
    expect_answer(&world, "expect expectation=Q direction=in due=+9 1 B@L", "invalid limit_reached");
    expect_answer(&world, "expect expectation=Q direction=in due=+9 9 A@L", "ok: expect");
    expect_answer(&world, "cancel_expected expectation=Q", "ok: cancel_expected");
    expect_answer(&world, "expect expectation=R direction=in due=+9 1 A@L", "invalid limit_reached");
    expect_answer(&world, "wait 604801", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* by this one alone */
    expect_answer(&world, "expect expectation=R direction=in due=+9 1 A@L", "ok: expect");
    assert_int_equal(ledger_expectation_places(world.ledger), 2);
    struct expectation_view view;
    assert_true(ledger_expectation_at(world.ledger, 1, &view));
    assert_true(text_equal(view.name, TEXT("R")));
    expect_answer(&world, "cancel_expected expectation=R", "ok: cancel_expected");
    expect_answer(&world, "wait 604801", "ok:");
    /* A journal can hold what a smaller ledger cannot take. */
    world_parse(&world, "expect expectation=S direction=in due=+9 1 A@L");
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_null(ledger_overflow(world.ledger, &world.decision));
    struct event *event = &world.decision.events[0];
    world.ledger->documents[DOCUMENT_EXPECTATION].count_max = 1;
    world.decision.recorded_at_us -= 604801 * SECOND_US;
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--expectations-max");
    event->transfer_number = event->expectation_number;
    event->expectation_number = 0;
    world.ledger->documents[DOCUMENT_TRANSFER].count_max = 0;
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--transfers-max");
    event->transfer_number = 0;
    world.ledger->limits.document_line_count_max = world.ledger->document_lines.count;
    world.ledger->document_lines.free_count = 0;
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--document-lines-max");
    world_deinit(&world);
}

/* Closed ones are dropped a few at a time; what is past the window is not shown, dropped or not. */
static void closed_ones_are_forgotten_in_steps(void **state)
{
    (void)state;
    static struct world world;
    struct expectation_view view;
    char prose[100];
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 10; i++) {
        (void)sprintf(prose, "expect id= expectation=E%u direction=in due=+9 1 A@L", i);
        expect_answer(&world, prose, "ok: expect");
    }
    for (unsigned i = 0; i < 10; i++) {
        (void)sprintf(prose, "cancel_expected id= expectation=E%u", i);
        expect_answer(&world, prose, "ok: cancel_expected");
    }
    assert_false(ledger_stale(world.ledger, world.now_us));
    expect_answer(&world, "wait 604801", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* by these alone */
    expect_answer(&world, "expect id= expectation=E9 direction=out due=+9 1 A@L", "ok: expect");
    assert_int_equal(world.ledger->documents[DOCUMENT_EXPECTATION].kept, 5);
    unsigned shown = 0;
    for (uint32_t i = 0; i < ledger_expectation_places(world.ledger); i++)
        shown += ledger_expectation_at(world.ledger, i, &view);
    assert_int_equal(shown, 1);
    expect_answer(&world, "tick", "ok:");
    assert_int_equal(world.ledger->documents[DOCUMENT_EXPECTATION].kept, 0);
    world_deinit(&world);
}

/* ---- ATP against the definition ---- */

struct dated {
    int64_t us, units; /* units < 0: demand */
};

/* min over u >= t, u being every time at which something changes. */
static int64_t naive_atp(const struct dated *dated, size_t count, int64_t available, int64_t from_us, int64_t now_us)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i <= count; i++) {
        int64_t u = i == count ? from_us : dated[i].us;
        if (u < from_us)
            continue;
        int64_t sum = available;
        for (size_t k = 0; k < count; k++) {
            if (dated[k].us <= u && (dated[k].units < 0 || dated[k].us >= now_us))
                sum += dated[k].units;
        }
        least = sum < least ? sum : least;
    }
    return least;
}

#define DAY_US (INT64_C(86400) * SECOND_US)

static void atp_is_the_minimum_over_all_later_times(void **state)
{
    (void)state;
    static struct world world;
    struct prng prng = prng_of(1);
    for (unsigned round = 0; round < 200; round++) {
        world_init(&world, &world_limits);
        int64_t midnight = world.now_us / DAY_US * DAY_US;
        struct dated dated[16];
        int64_t available = (int64_t)(prng_next(&prng) % 20);
        char prose[200];
        (void)sprintf(prose, "receive %" PRId64 " A@L", available + 1);
        world_step(&world, prose);
        world_step(&world, "sale 1 A@L");
        for (unsigned i = 0; i < 16; i++) {
            bool out = prng_next(&prng) % 2 == 0;
            int64_t units = 1 + (int64_t)(prng_next(&prng) % 9);
            (void)sprintf(prose, "expect expectation=E%u direction=%s due=+1 %" PRId64 " A@L", i, out ? "out" : "in",
                          units);
            world_parse(&world, prose);
            int64_t day = midnight + ((int64_t)(prng_next(&prng) % 8) - 3) * DAY_US;
            int64_t edge = (int64_t)(prng_next(&prng) % 3) - 1; /* just before, at, and just after midnight */
            bool is_day = prng_next(&prng) % 2 == 0;
            world.command.due = is_day ? (struct moment){MOMENT_DAY, day} : (struct moment){MOMENT_INSTANT, day + edge};
            world_decide(&world);
            assert_string_equal(world.answer, "ok: expect");
            dated[i] = (struct dated){is_day ? (out ? day : day + DAY_US - 1) : day + edge, out ? -units : units};
        }
        for (int day = -4; day <= 6; day++) {
            for (int edge = -2; edge <= 2; edge++) {
                int64_t at = midnight + day * DAY_US + edge;
                int64_t now = round % 2 == 0 ? world.now_us : midnight + (int64_t)(round % 5) * DAY_US + edge;
                const struct moment instant = {MOMENT_INSTANT, at};
                assert_true(ledger_atp(world.ledger, 0, 0, instant, now) == naive_atp(dated, 16, available, at, now));
                const struct moment whole = {MOMENT_DAY, midnight + day * DAY_US};
                assert_true(ledger_atp(world.ledger, 0, 0, whole, now) ==
                            naive_atp(dated, 16, available, whole.us + DAY_US - 1, now));
            }
        }
        world_deinit(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goods_are_expected),
        cmocka_unit_test(a_receipt_closes_what_was_expected),
        cmocka_unit_test(a_hold_takes_what_was_expected_to_go),
        cmocka_unit_test(expectations_are_moved_and_cancelled),
        cmocka_unit_test(what_can_be_promised),
        cmocka_unit_test(figures_and_times_are_bounded),
        cmocka_unit_test(a_full_table_takes_no_expectation),
        cmocka_unit_test(closed_ones_are_forgotten_in_steps),
        cmocka_unit_test(atp_is_the_minimum_over_all_later_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
