/*
 * Goal: every rule and every refusal of receive, sale, ship, return, adjust, reclassify and transfer holds (API.md
 * section 3, DESIGN invariants I1 and I3), guarded both ways.
 * Method: tables in near-prose, see ledger_world.h. Each step is also replayed into a second ledger.
 */
#include "ledger_world.h"

static void goods_come(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a fact makes provisional items and locations; goods come from the supplier", NULL, NULL},
        {"receive 10 A@L", "ok: receive", "A@L: sellable 10 v1; $A: supplier -10"},
        {"receive 5 damaged A@L 2 A@M", "ok: receive receive",
         "A@L: sellable 10 damaged 5 v2; A@M: sellable 2 v1; $A: supplier -17"},
        {"receive 1 A@L 2 damaged A@L 3 A@L", "ok: receive", "A@L: sellable 14 damaged 7 v3; $A: supplier -23"},
        {"receive 1 expired B@N", "ok: receive", "B@N: expired 1 v1; $B: supplier -1"},

        {"# a guarded receipt creates nothing", NULL, NULL},
        {"receive guard 10 A@L", "unknown_item A", "A@L: none"},
        {"receive 10 A@L", "ok: receive", NULL},
        {"receive guard 10 A@M", "unknown_location M", "A@M: none"},
        {"receive guard 10 A@L", "ok: receive", "A@L: sellable 20 v2"},

        {"# returns come from the customer", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"sale 4 A@L", "ok: sale", "A@L: sellable 6 v2; $A: supplier -10 customer 4"},
        {"return 1 quality_control A@L", "ok: return",
         "A@L: sellable 6 quality_control 1 v3; $A: supplier -10 customer 3"},
        {"return 5 B@L", "ok: return", "B@L: sellable 5 v1; $B: customer -5"},

        {"# adjustments go to loss and come from found, by the sign of the cell's sum", NULL, NULL},
        {"adjust 5 A@L reason=count", "ok: adjust", "A@L: sellable 5 v1; $A: found -5"},
        {"adjust -2 A@L reason=broken", "ok: adjust", "A@L: sellable 3 v2; $A: loss 2 found -5"},
        {"adjust -2 A@L 2 damaged A@L reason=moved", "ok: adjust", "A@L: sellable 1 damaged 2 v3; $A: loss 2 found -5"},
        {"adjust -3 A@L 1 damaged A@L 4 A@M reason=x", "ok: adjust discrepancy(below_zero 2) oversold(2) out_of_stock adjust",
         "A@L: sellable -2 damaged 3 v7; A@M: sellable 4 v1; $A: loss 4 found -9"},

        {"# a guarded adjustment takes only what is free", NULL, NULL},
        {"receive 10 A@L 3 damaged A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"adjust guard -3 A@L reason=x", "insufficient_stock, A@L asked 3 free 2", "A@L: sellable 10 damaged 3 held 8 v2"},
        {"adjust guard -4 damaged A@L reason=x", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"adjust guard 1 A@L -3 damaged A@L reason=x", "ok: adjust", "A@L: sellable 11 held 8 v3"},
        {"adjust guard -2 A@L reason=x", "ok: adjust", "A@L: sellable 9 held 8 v4"},
        {"adjust guard 1 B@L reason=x", "unknown_item B", NULL},
        {"adjust -2 A@L reason=x", "ok: adjust oversold(1) out_of_stock", "A@L: sellable 7 held 8 v7"},
    };
    WORLD_PLAY(rows);
}

static void goods_leave(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a sale is a fact: recorded even when the books say it cannot be, and flagged", NULL, NULL},
        {"sale 3 A@L", "ok: sale discrepancy(below_zero 3) oversold(3)", "A@L: sellable -3 v3; $A: customer 3"},
        {"sale 1 A@L", "ok: sale discrepancy(below_zero 4) oversold(4)", "A@L: sellable -4 v6"},
        {"receive 2 A@L", "ok: receive", "A@L: sellable -2 v7; $A: supplier -2 customer 4"},
        {"receive 2 A@L", "ok: receive", "A@L: v8"},
        {"sale 1 damaged A@L", "ok: sale discrepancy(below_zero 1)", "A@L: damaged -1 v10"},
        {"sale 1 recalled A@L 1 damaged A@L", "ok: sale discrepancy(below_zero 2) discrepancy(below_zero 1)",
         "A@L: damaged -2 recalled -1 v13"},

        {"# a sale into what is promised to others is flagged as oversold alone", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"sale 5 A@L", "ok: sale oversold(3) out_of_stock", "A@L: sellable 5 held 8 v5"},
        {"sale 1 A@L", "ok: sale oversold(4)", NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"sale 1 A@L", "ok: sale oversold(3)", NULL},

        {"# guarded, a sale and a ship take what is free and there, summed per cell", NULL, NULL},
        {"sale guard 1 A@L", "unknown_item A", NULL},
        {"receive 10 A@L 2 damaged A@L", "ok: receive", NULL},
        {"ship 1 A@M", "unknown_location M", NULL},
        {"ship 1 B@L", "unknown_item B", NULL},
        {"ship 6 A@L 6 A@L", "insufficient_stock, A@L asked 12 free 10", "A@L: sellable 10 damaged 2 v1"},
        {"ship 6 A@L", "ok: ship", "A@L: sellable 4 damaged 2 v2; $A: supplier -12 customer 6"},
        {"sale guard 5 A@L", "insufficient_stock, A@L asked 5 free 4", NULL},
        {"sale guard 3 damaged A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"sale guard 4 A@L 2 damaged A@L", "ok: sale out_of_stock", "A@L: v4"},
        {"sale 1 A@L", "ok: sale discrepancy(below_zero 1) oversold(1)", NULL},
        {"sale guard 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"ship fact 1 A@L", "ok: ship discrepancy(below_zero 2) oversold(2)", NULL},
        {"ship fact 1 C@L", "ok: ship discrepancy(below_zero 1) oversold(1)", "C@L: sellable -1 v3"},

        {"# each short cell is named, in the order of the lines", NULL, NULL},
        {"receive 1 A@L 1 B@L 5 C@L", "ok: receive receive receive", NULL},
        {"ship 3 B@L 5 C@L 2 A@L", "insufficient_stock, B@L asked 3 free 1, A@L asked 2 free 1", "C@L: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

static void claims_are_consumed(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# shipping a hold takes committed before held", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 7 A@L", "ok: hold", NULL},
        {"commit hold=H 4 A@L", "ok: commit", NULL},
        {"ship hold=H 5 A@L", "ok: ship",
         "A@L: sellable 5 held 2 v4; H: held of pos-1, A@L granted 7 held 2 consumed 5, ends +900"},
        {"ship hold=H", "ok: ship", "A@L: sellable 3 v5; H: consumed of pos-1, A@L granted 7 consumed 7"},
        {"ship hold=H 1 A@L", "hold_ended H, consumed 7 released 0", NULL},
        {"ship hold=none 1 A@L", "unknown_hold none", NULL},
        {"ship fact hold=none 1 A@L", "unknown_hold none", NULL},
        {"ship fact hold=H 1 A@L", "hold_ended H, consumed 7 released 0", NULL},

        {"# a guarded ship never exceeds its claim; without guard the excess ships from stock, flagged", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"ship hold=H 5 A@L", "exceeds_claim H, A@L asked 5 free 4", NULL},
        {"ship hold=H 1 A@L 1 B@L", "exceeds_claim H, B@L asked 1 free 0", "A@L: sellable 10 held 4 v2"},
        {"ship fact hold=H 6 A@L 1 B@L", "ok: ship discrepancy(exceeds_claim 2) ship discrepancy(exceeds_claim 1)",
         "A@L: sellable 4 v4; B@L: sellable 9 v3; H: consumed of pos-1, A@L granted 4 consumed 4"},

        {"# a claim is a right, not goods: guarded shipping needs them to be there", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H 5 A@L", "ok: hold out_of_stock", NULL},
        {"sale 3 A@L", "ok: sale oversold(3)", NULL},
        {"ship hold=H", "insufficient_stock, A@L asked 5 free 2", NULL},
        {"ship hold=H 2 A@L", "ok: ship", "A@L: held 3 v6"},
        {"ship hold=H", "insufficient_stock, A@L asked 3 free 0", NULL},
        {"ship fact hold=H", "ok: ship discrepancy(below_zero 3)", "A@L: sellable -3 v8"},

        {"# a claim is covered even while others are oversold", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H 2 A@L", "ok: hold", NULL},
        {"hold fact hold=I 9 A@L", "ok: hold oversold(6) out_of_stock", NULL},
        {"ship 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"ship hold=H", "ok: ship", "A@L: sellable 3 held 9 v6"},

        {"# a sale names a hold, and happened whatever became of it", NULL, NULL},
        {"receive 10 A@L 2 B@L", "ok: receive receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"sale hold=H 1 A@L", "ok: sale", "A@L: sellable 9 held 3 v3"},
        {"sale hold=H 1 damaged A@L", "ok: sale discrepancy(below_zero 1)",
         "H: held of pos-1, A@L granted 4 held 3 consumed 1, ends +900"},
        {"sale hold=H 1 B@L", "ok: sale discrepancy(exceeds_claim 1)", "B@L: sellable 1 v3"},
        {"sale hold=H 5 A@L", "ok: sale discrepancy(exceeds_claim 2)",
         "A@L: sellable 4 damaged -1 v7; H: consumed of pos-1, A@L granted 4 consumed 4"},
        {"sale hold=H 1 A@L", "ok: sale discrepancy(no_claim 1)", NULL},
        {"sale hold=none 1 A@L", "ok: sale discrepancy(no_claim 1)", "none: none"},
        {"sale hold=H", "invalid missing_field lines", NULL},
        {"sale hold=none", "invalid missing_field lines", NULL},

        {"# a sale of a hold without lines sells all that is open", NULL, NULL},
        {"receive 10 A@L 2 B@L", "ok: receive receive", NULL},
        {"hold hold=H 4 A@L 1 B@L", "ok: hold hold", NULL},
        {"commit hold=H 1 A@L", "ok: commit", NULL},
        {"sale hold=H", "ok: sale sale", "A@L: sellable 6 v4; B@L: sellable 1 v3"},

        {"# a guarded sale may go beyond its claim as far as the rest is free", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"hold hold=I 4 A@L", "ok: hold", NULL},
        {"sale guard hold=H 7 A@L", "insufficient_stock, A@L asked 7 free 6", NULL},
        {"sale guard hold=H 6 A@L", "ok: sale out_of_stock", "A@L: sellable 4 held 4 v5"},
        {"sale guard hold=H 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"sale guard hold=I 1 A@M", "unknown_location M", NULL},
    };
    WORLD_PLAY(rows);
}

static void goods_change_condition(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# reclassify moves from one condition to another", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"reclassify from=sellable to=damaged 3 A@L", "ok: reclassify", "A@L: sellable 7 damaged 3 v2; $A: supplier -10"},
        {"reclassify from=damaged to=damaged 3 A@L", "same_condition", NULL},
        {"reclassify from=damaged to=recalled 5 A@L", "ok: reclassify discrepancy(below_zero 2)",
         "A@L: sellable 7 damaged -2 recalled 5 v4"},
        {"reclassify from=sellable to=damaged 9 A@L", "ok: reclassify discrepancy(below_zero 2) oversold(2) out_of_stock", NULL},
        {"reclassify from=sellable to=damaged 1 B@L", "ok: reclassify discrepancy(below_zero 1) oversold(1)", NULL},

        {"# guarded, it takes what is free of sellable stock, or there of another condition", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"reclassify guard from=sellable to=damaged 3 A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"reclassify guard from=sellable to=damaged 2 A@L", "ok: reclassify out_of_stock", "A@L: sellable 8 damaged 2 held 8 v4"},
        {"reclassify guard from=damaged to=sellable 3 A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"reclassify guard from=damaged to=sellable 1 A@L 1 A@L", "ok: reclassify back_in_stock", "A@L: sellable 10 held 8 v6"},
        {"reclassify guard from=damaged to=sellable 1 B@L", "unknown_item B", NULL},
    };
    WORLD_PLAY(rows);
}

static void goods_change_place(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a transfer moves at once, and makes the destination", NULL, NULL},
        {"receive 10 A@L 4 damaged A@L", "ok: receive", NULL},
        {"transfer to=M 3 A@L 1 damaged A@L", "ok: transfer transfer",
         "A@L: sellable 7 damaged 3 v2; A@M: sellable 3 damaged 1 v1; $A: supplier -14"},
        {"transfer to=L 1 A@L", "same_location L", NULL},
        {"transfer to=L 1 A@M 1 A@L", "same_location L", "A@M: sellable 3 damaged 1 v1"},
        {"transfer to=M 8 A@L", "ok: transfer discrepancy(below_zero 1) oversold(1) out_of_stock transfer",
         "A@L: sellable -1 damaged 3 v6; A@M: sellable 11 damaged 1 v2"},
        {"transfer to=P 1 B@O", "ok: transfer discrepancy(below_zero 1) oversold(1) transfer",
         "B@O: sellable -1 v3; B@P: sellable 1 v1"},

        {"# lines of one item from several places arrive together", NULL, NULL},
        {"receive 5 A@L 5 A@M 5 B@L", "ok: receive receive receive", NULL},
        {"transfer to=N 1 A@L 2 B@L 3 damaged A@M", "ok: transfer transfer transfer discrepancy(below_zero 3) transfer transfer",
         "A@N: sellable 1 damaged 3 v1; B@N: sellable 2 v1; A@L: sellable 4 v2; A@M: sellable 5 damaged -3 v3"},
        {"transfer to=N 1 A@L 1 A@M", "ok: transfer transfer transfer", "A@N: sellable 3 damaged 3 v2"},

        {"# guarded, it takes what is free, and knows its places", NULL, NULL},
        {"receive 5 A@L 1 A@M", "ok: receive receive", NULL},
        {"hold hold=H 3 A@L", "ok: hold", NULL},
        {"transfer guard to=N 1 A@L", "unknown_location N", NULL},
        {"transfer guard to=M 1 B@L", "unknown_item B", NULL},
        {"transfer guard to=M 3 A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"transfer guard to=M 1 damaged A@L 9 A@L", "insufficient_stock, A@L asked 9 free 2", NULL},
        {"transfer guard to=M 2 A@L", "ok: transfer out_of_stock transfer", "A@L: sellable 3 held 3 v4; A@M: sellable 3 v2"},

        {"# a strict ledger creates nothing for facts either", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"settings source=@ledger strict window=604800 capacity=4096", "ok: config", NULL},
        {"receive 5 B@L", "unknown_item B", NULL},
        {"receive 5 A@M", "unknown_location M", NULL},
        {"transfer to=M 5 A@L", "unknown_location M", NULL},
        {"hold fact hold=H 9 A@M", "unknown_location M", NULL},
        {"item item=B", "ok: config", NULL},
        {"receive 5 B@L", "ok: receive", "B@L: sellable 5 v1"},
        {"settings source=@ledger window=604800 capacity=4096", "ok: config", NULL},
        {"transfer to=M 5 A@L", "ok: transfer out_of_stock transfer", "A@M: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

static void malformed_commands_decide_nothing(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what the canonical form can say and the rules cannot use is 422, and changes nothing", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 2 A@L", "ok: hold", NULL},
        {"receive", "invalid missing_field lines", NULL},
        {"ship", "invalid missing_field lines", NULL},
        {"sale -1 A@L", "invalid bad_value line 0 quantity", NULL},
        {"receive 1 A@L 0 A@L", "invalid bad_value line 1 quantity", NULL},
        {"adjust 0 A@L", "invalid bad_value line 0 quantity", NULL},
        {"hold hold=I -1 A@L", "invalid bad_value line 0 quantity", NULL},
        {"commit hold=H -1 A@L", "invalid bad_value line 0 quantity", NULL},
        {"reclassify to=damaged 1 A@L", "invalid missing_field from", NULL},
        {"reclassify from=damaged 1 A@L", "invalid missing_field to", NULL},
        {"reclassify from=damaged to=recalled 1 recalled A@L", "invalid bad_value line 0 condition", NULL},
        {"reclassify from=damaged to=sellable 1 damaged A@L", "ok: reclassify discrepancy(below_zero 1)", NULL},
        {"transfer 1 A@L", "invalid missing_field to", NULL},
        {"hold 1 A@L", "invalid missing_field hold", NULL},
        {"extend expires=1", "invalid missing_field hold", NULL},
        {"commit 1 A@L", "invalid missing_field hold", NULL},
        {"release", "invalid missing_field hold", NULL},
        {"hold hold=I 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"hold hold=I 1 sellable A@L", "ok: hold", NULL},
        {"release hold=I 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"commit hold=I 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"ship 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"receive seq=0 1 A@L", "invalid bad_value seq", NULL},
        {"item", "invalid missing_field item", NULL},
        {"expire hold=H", "invalid bad_value kind", NULL},
        {"tick source=@ledger", "invalid bad_value kind", "A@L: sellable 11 damaged -1 held 3 v5"},
    };
    WORLD_PLAY(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goods_come),
        cmocka_unit_test(goods_leave),
        cmocka_unit_test(claims_are_consumed),
        cmocka_unit_test(goods_change_condition),
        cmocka_unit_test(goods_change_place),
        cmocka_unit_test(malformed_commands_decide_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
