/*
 * Goal: counts of goods and what corrects them (API.md section 3, story S2): what is here now is what was counted and
 * what came since, in whatever order it was told.
 * Method: tables in near-prose, see ledger_world.h; there the books of the past are summed anew for each count.
 */
#include "ledger_world.h"

#include "ledger/state.h"

static void counts(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S2, a count while selling: hours and minutes as seconds from 08:00", NULL, NULL},
        {"wait 14400", "ok:", NULL}, /* 12:00 */
        {"receive 100 A@S1 occurred=-14400", "ok: receive", NULL},
        {"sale 10 A@S1 occurred=-10800", "ok: sale", NULL},
        {"count 85 A@S1 since=-7200 occurred=-6600", "ok: count(-5)",
         "A@S1: sellable 85 v3; $A: supplier -100 customer 10 loss 5"},
        {"sale 4 A@S1 occurred=-5400", "ok: sale", "A@S1: sellable 81 v4"},
        {"sale 5 A@S1 occurred=-9000", "ok: sale correction(0)", "A@S1: sellable 81 v6; $A: supplier -100 customer 19"},
        {"sale 2 A@S1 occurred=-6900", "ok: sale correction(2 uncertain 2)",
         "A@S1: sellable 81 v8; $A: supplier -100 customer 21 found -2; past A@S1 -8100: sellable 85; "
         "past A@S1 -6000: sellable 85"},

        {"# a count of an empty place, of nothing, and of what nobody has heard of", NULL, NULL},
        {"count 0 A@L occurred=0", "ok: count(0)", "A@L: v1; $A:"},
        {"count 7 A@L occurred=0", "ok: count(7) back_in_stock", "A@L: sellable 7 v3; $A: found -7"},
        {"count 7 A@L occurred=0", "ok: count(0)", "A@L: sellable 7 v4; $A: found -7"},
        {"count guard 7 B@L occurred=0", "unknown_item B", NULL},

        {"# lines of a cell are summed, conditions are counted each for itself", NULL, NULL},
        {"receive 10 A@L 3 damaged A@L", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 4 A@L 5 A@L 3 damaged A@L 2 expired A@L 1 A@M occurred=0", "ok: count(-1) count(0) count(2) count(1)",
         "A@L: sellable 9 damaged 3 expired 2 v4; A@M: sellable 1 v1; $A: supplier -13 loss 1 found -3"},

        {"# mistake: goods on trolleys counted as missing", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"pick hold=H 3 A@L", "ok: pick", NULL},
        {"wait 10", "ok:", NULL},
        {"count 7 A@L occurred=0", "ok: count(0)", "A@L: sellable 10 committed 4 picked 3 v5"},
        {"count picked 10 A@L occurred=0", "ok: count(0)", "A@L: sellable 10 committed 4 picked 3 v6"},
        {"count picked 7 A@L occurred=0", "ok: count(-3)", NULL},
    };
    WORLD_PLAY(rows);
}

/* What is late corrects the first count behind it, whatever its kind, and what is here stays. */
static void late_movements(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what comes and goes, before a count of two conditions", NULL, NULL},
        {"wait 1000", "ok:", NULL},
        {"receive 100 A@L occurred=-900", "ok: receive", NULL},
        {"count 90 A@L 4 damaged A@L occurred=-500", "ok: count(-10) count(4)", NULL},
        {"receive 10 A@L occurred=-600", "ok: receive correction(-20)",
         "A@L: sellable 90 damaged 4 v5; $A: supplier -110 loss 20 found -4"},
        {"sale 3 A@L 1 damaged A@L occurred=-550", "ok: sale correction(-17) correction(5)", NULL},
        {"return 2 damaged A@L occurred=-500", "ok: return correction(3)", NULL}, /* the end of a window is in it */
        {"return 1 damaged A@L occurred=-499", "ok: return", NULL},
        {"adjust -5 A@L 2 damaged A@L occurred=-510", "ok: adjust correction(-12) correction(1)", NULL},
        {"reclassify from=sellable to=damaged 6 A@L occurred=-510",
         "ok: reclassify correction(-6) correction(0) correction(-5)", /* and two counts */
         "A@L: sellable 90 damaged 5 v18; $A: supplier -110 customer 1 loss 14; "
         "past A@L -500: sellable 90 damaged 4; past A@L -501: sellable 96 damaged 7"},
        {"sale 1 expired A@L occurred=-510", "ok: sale discrepancy(below_zero 1)", NULL}, /* which nobody has counted */

        {"# from a cell that was counted, to one", NULL, NULL},
        {"wait 1000", "ok:", NULL},
        {"receive 100 A@L occurred=-900", "ok: receive", NULL},
        {"count 90 A@L occurred=-500", "ok: count(-10)", NULL},
        {"transfer to=M 5 A@L occurred=-700", "ok: transfer correction(-5) transfer", NULL},
        {"count 1 A@M occurred=-300", "ok: count(-4)", NULL},
        {"transfer to=M 5 A@L occurred=-700", "ok: transfer correction(0) transfer correction(-9)",
         "A@L: sellable 90 v6; A@M: sellable 1 v4"},
        {"transfer to=M 6 A@L 1 A@X occurred=-400",
         "ok: transfer transfer discrepancy(below_zero 1) oversold(1) transfer correction(-16)",
         NULL},
        {"transfer_out transfer=T to=M 3 A@L occurred=-510", "ok: transfer_out correction(3) transfer_out", NULL},
        {"transfer_in transfer=T 3 A@M occurred=-310", "ok: transfer_in correction(-19)",
         "A@L: sellable 84 v9; A@M: sellable 1 v9; $A: supplier -100 loss 19 found -3"},
        {"transfer_out transfer=T2 to=M 1 A@L occurred=-510", "ok: transfer_out correction(4) transfer_out", NULL},
        {"transfer_loss transfer=T2 occurred=-400", "ok: transfer_loss", "A@M: sellable 1 v11"}, /* on no shelf */

        {"# goods on trolleys", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 1000", "ok:", NULL},
        {"count 15 A@L occurred=-500", "ok: count(-5)", NULL},
        {"pick hold=H 3 A@L occurred=-600", "ok: pick correction(-2)", "A@L: sellable 18 committed 8 picked 3 v6"},
        {"unpick hold=H 1 A@L occurred=-550", "ok: unpick correction(-3)", NULL},
        {"pick hold=H 2 A@L occurred=-510", "ok: pick correction(-1)", NULL},
        {"ship hold=H 4 A@L occurred=-505", "ok: ship", /* as picked: the shelf was as it is */
         "A@L: sellable 15 committed 4 v11; $A: supplier -20 customer 4 loss 1; "
         "past A@L -500: sellable 15 committed 4"},
        {"ship hold=H occurred=-505", "ok: ship correction(0) correction(3)",
         "A@L: sellable 15 v14; $A: supplier -20 customer 8 found -3"},
        {"hold hold=J 4 A@L", "ok: hold", NULL},
        {"commit hold=J", "ok: commit", NULL},
        {"pick hold=J 3 A@L occurred=-500", "ok: pick correction(6)", NULL},
        {"release hold=J occurred=-500", "ok: release correction(3)", "A@L: sellable 15 v20"}, /* back to the shelf */
        {"count picked 16 A@L occurred=-400", "ok: count(1)", NULL},
        {"hold hold=K 2 A@L", "ok: hold", NULL},
        {"commit hold=K", "ok: commit", NULL},
        {"pick hold=K 2 A@L occurred=-450", "ok: pick", NULL},
        {"ship hold=K occurred=-450", "ok: ship correction(3)", "A@L: sellable 16 v26"},

        {"# one count saw the trolleys, the next did not: what was picked corrects both, and so on", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 1000", "ok:", NULL},
        {"count 20 A@L occurred=-500", "ok: count(0)", NULL},
        {"count picked 20 A@L occurred=-450", "ok: count(0)", NULL},
        {"count picked 20 A@L occurred=-420", "ok: count(0)", NULL},
        {"count 20 A@L 3 damaged A@L occurred=-400", "ok: count(0) count(3)", NULL},
        {"count 20 A@L occurred=-390", "ok: count(0)", NULL},
        {"count picked 20 A@L occurred=-300", "ok: count(0)", NULL},
        {"pick hold=H 5 A@L occurred=-600", "ok: pick correction(5) correction(-5) correction(5) correction(-5)",
         "A@L: sellable 20 damaged 3 committed 8 picked 5 v15; "
         "past A@L -500: sellable 25 committed 8 picked 5; past A@L -450: sellable 20 committed 8 picked 5; "
         "past A@L -400: sellable 25 damaged 3 committed 8 picked 5; "
         "past A@L -300: sellable 20 damaged 3 committed 8 picked 5"},
        {"ship hold=H 2 A@L occurred=-430", "ok: ship correction(2) correction(3) correction(-3)",
         "A@L: sellable 20 damaged 3 committed 6 picked 3 v19; "
         "past A@L -500: sellable 25 committed 8 picked 5; past A@L -450: sellable 20 committed 8 picked 5; "
         "past A@L -400: sellable 23 damaged 3 committed 6 picked 3; "
         "past A@L -300: sellable 20 damaged 3 committed 6 picked 3; "
         "$A: supplier -20 customer 2 loss 8 found -13"},
        {"unpick hold=H 1 A@L occurred=-200", "ok: unpick", NULL},
        {"unpick hold=H 1 A@L occurred=-700", "ok: unpick correction(4) correction(-4) correction(2) correction(-2)",
         "A@L: sellable 20 damaged 3 committed 6 picked 1 v25"},

        {"# the same, in time", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"pick hold=H 5 A@L", "ok: pick", NULL},
        {"wait 1", "ok:", NULL},
        {"count 20 A@L occurred=0", "ok: count(5)", NULL},
        {"wait 1", "ok:", NULL},
        {"count picked 20 A@L occurred=0", "ok: count(-5)", NULL},
        {"wait 1", "ok:", NULL},
        {"ship hold=H 2 A@L", "ok: ship", NULL},
        {"wait 1", "ok:", NULL},
        {"count picked 20 A@L occurred=0", "ok: count(2)", NULL},
        {"wait 1", "ok:", NULL},
        {"count 20 A@L 3 damaged A@L occurred=0", "ok: count(3) count(3)", NULL},
        {"wait 1", "ok:", NULL},
        {"count 20 A@L occurred=0", "ok: count(0)", NULL},
        {"wait 1", "ok:", NULL},
        {"count picked 20 A@L occurred=0", "ok: count(-3)", NULL},
        {"unpick hold=H 1 A@L", "ok: unpick",
         "A@L: sellable 20 damaged 3 committed 6 picked 2 v13; $A: supplier -20 customer 2 loss 8 found -13"},

        {"# what is crossed and comes back with a correction is not told", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_policy item=A location=L reorder=3", "ok: set_policy", NULL},
        {"wait 100", "ok:", NULL},
        {"count 5 A@L occurred=-50", "ok: count(-5)", NULL},
        {"sale 5 A@L occurred=-60", "ok: sale correction(0)", NULL},
        {"sale 5 A@L", "ok: sale low_stock out_of_stock", NULL},
        {"sale 5 A@L occurred=-51", "ok: sale correction(5)", "A@L: reorder_point 3 v10"},

        {"# nor does it stay low, where it was not", NULL, NULL},
        {"receive 21 A@L", "ok: receive", NULL},
        {"set_policy item=A location=L reorder=20", "ok: set_policy", NULL},
        {"wait 100", "ok:", NULL},
        {"count 21 A@L occurred=-50", "ok: count(0)", NULL},
        {"sale 5 A@L occurred=-60", "ok: sale correction(5)", NULL},
        {"sale 1 A@L", "ok: sale low_stock", NULL},
        {"receive 1 A@L", "ok: receive", NULL},
        {"sale 5 A@L occurred=-60", "ok: sale correction(10)", NULL},
        {"receive 1 A@L", "ok: receive", NULL},

        {"# nor is what is below zero, until it is so", NULL, NULL},
        {"wait 100", "ok:", NULL},
        {"receive 3 A@L occurred=-90", "ok: receive", NULL},
        {"count 1 A@L occurred=-50", "ok: count(-2)", NULL},
        {"sale 30 A@L occurred=-60", "ok: sale correction(0) correction(28)", NULL},
        {"sale 4 A@L occurred=-40", "ok: sale discrepancy(below_zero 3) oversold(3) out_of_stock", NULL},
        {"sale 40 A@L occurred=-60", "ok: sale correction(68)",
         "A@L: sellable -3 v11; $A: supplier -3 customer 74 found -68"},

        {"# a correction and what follows it, in an order that ships", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 100", "ok:", NULL},
        {"count 10 A@L occurred=-50", "ok: count(0)", NULL},
        {"ship hold=H 4 A@L occurred=-60", "ok: ship correction(4)",
         "A@L: sellable 10 v6; H: consumed of pos-1, A@L granted 4 consumed 4"},
        {"sale hold=H 1 A@L occurred=-60", "ok: sale correction(5) discrepancy(no_claim 1)",
         NULL}, /* recorded, whatever became of the claim */

        {"# a request is judged by what is here, and corrects as well", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 4 A@L occurred=-50", "ok: count(-6)", NULL},
        {"sale guard 5 A@L occurred=-60", "insufficient_stock, A@L asked 5 free 4", NULL},
        {"sale guard 4 A@L occurred=-60", "ok: sale correction(-2)", "A@L: sellable 4 v4"},

        {"# a dry run, the same twice, and another with its id", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count dry 8 A@L occurred=-50", "dry ok: count(-2)", NULL},
        {"count id=c 8 A@L occurred=-50", "ok: count(-2)", NULL},
        {"count id=c 8 A@L occurred=-50", "duplicate of 3", NULL},
        {"count id=c 7 A@L occurred=-50", "invalid id_reused id", NULL},
        {"sale dry 2 A@L occurred=-60", "dry ok: sale correction(0)", NULL},
        {"sale id=s 2 A@L occurred=-60", "ok: sale correction(0)", NULL},
        {"sale id=s 2 A@L occurred=-60", "duplicate of 5", "A@L: sellable 8 v4"},
    };
    WORLD_PLAY(rows);
}

/* A count that comes late is compared with the books of its time, and corrects the next one. */
static void late_counts(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# between two others, before and after them", NULL, NULL},
        {"wait 1000", "ok:", NULL},
        {"receive 50 A@L occurred=-900", "ok: receive", NULL},
        {"count 48 A@L occurred=-800", "ok: count(-2)", NULL},
        {"sale 5 A@L occurred=-700", "ok: sale", NULL},
        {"count 40 A@L occurred=-400", "ok: count(-3)", NULL},
        {"count 42 A@L occurred=-600", "ok: count(-1) correction(-2)",
         "A@L: sellable 40 v6; $A: supplier -50 customer 5 loss 5"},
        {"sale 1 A@L occurred=-500", "ok: sale correction(-1)", NULL},
        {"sale 1 A@L occurred=-650", "ok: sale correction(0)", NULL},
        {"count 50 A@L occurred=-850", "ok: count(0)", NULL},
        {"sale 1 A@L occurred=-860", "ok: sale correction(1)",
         "A@L: sellable 40 v13; $A: supplier -50 customer 8 loss 3 found -1; past A@L -860: sellable 49; "
         "past A@L -850: sellable 50; past A@L -800: sellable 48; past A@L -600: sellable 42; "
         "past A@L -400: sellable 40"},
        {"count 39 A@L occurred=-100", "ok: count(-1)", "A@L: sellable 39 v14"},

        {"# those that end together: the one recorded last is the last", NULL, NULL},
        {"wait 100", "ok:", NULL},
        {"receive 9 A@L occurred=-90", "ok: receive", NULL},
        {"count 8 A@L occurred=-50", "ok: count(-1)", NULL},
        {"count 7 A@L occurred=-50", "ok: count(-1)", NULL},
        {"sale 1 A@L occurred=-50", "ok: sale correction(0)", NULL},
        {"sale 1 A@L occurred=-49", "ok: sale", "A@L: sellable 6 v6"},
        {"count 6 A@L occurred=-50", "ok: count(-1)", NULL},
        {"count 5 A@L occurred=-51", "ok: count(-4) correction(4)",
         "A@L: sellable 5 v9; $A: supplier -9 customer 2 loss 6 found -4"},

        {"# what moves inside a window is uncertain, from its first moment to its end", NULL, NULL},
        {"wait 1000", "ok:", NULL},
        {"receive 50 A@L occurred=-900", "ok: receive", NULL},
        {"receive 5 A@L occurred=-450", "ok: receive", NULL},
        {"sale 2 A@L occurred=-400", "ok: sale", NULL},
        {"sale 1 A@L occurred=-500", "ok: sale", NULL},
        {"count 52 A@L since=-500 occurred=-400", "ok: count(0 uncertain 7)", NULL},
        {"sale 1 A@L occurred=-500", "ok: sale correction(1 uncertain 7)", NULL},
        {"sale 1 A@L occurred=-499", "ok: sale correction(2 uncertain 8)", NULL},
        {"sale 2 A@L occurred=-400", "ok: sale correction(4 uncertain 10)", NULL},
        {"sale 2 A@L occurred=-399", "ok: sale", NULL},
        {"count 40 A@L since=-300 occurred=-200", "ok: count(-10)", NULL},
        {"adjust 3 A@L occurred=-250", "ok: adjust correction(-13 uncertain 3)", NULL},
        {"count 45 A@L since=-460 occurred=-250", "ok: count(-8 uncertain 14) correction(-5 uncertain 3)",
         "A@L: sellable 40 v17; $A: supplier -55 customer 9 loss 13 found -7"}, /* a count is no movement */

        {"# with trolleys, and without", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 1000", "ok:", NULL},
        {"pick hold=H 3 A@L occurred=-500", "ok: pick", NULL},
        {"count 17 A@L since=-600 occurred=-400", "ok: count(0 uncertain 3)", NULL},
        {"count picked 20 A@L since=-600 occurred=-400", "ok: count(0)", NULL},
        {"ship hold=H 3 A@L occurred=-450", "ok: ship correction(3)", NULL},
        {"ship hold=H 2 A@L occurred=-450", "ok: ship correction(2 uncertain 5)", NULL},

        {"# a window that is none", NULL, NULL},
        {"count guard 5 A@L occurred=-250 since=-249", "invalid bad_value counted_from", NULL},
        {"count guard 5 A@L", "invalid missing_field counted_to", NULL},
        {"count guard -5 A@L occurred=-1", "invalid bad_value line 0 quantity", NULL},
        {"receive 3 A@L", "ok: receive", NULL},
        {"count guard 5 B@L occurred=-250", "unknown_item B", NULL},
        {"count guard 5 A@Q occurred=-250", "unknown_location Q", NULL},
        {"count guard 2 A@L occurred=-250", "ok: count(2)", NULL},

        {"# a count of the future, and of a clock that is a little ahead", NULL, NULL},
        {"wait 10", "ok:", NULL},
        {"receive 9 A@L", "ok: receive", NULL},
        {"count 5 A@L occurred=301", "in_future", NULL},
        {"count 5 A@L since=200 occurred=300", "ok: count(-4)", NULL},
        {"count dry 5 A@L occurred=300", "dry ok: count(0)", NULL},
        {"sale 1 A@L occurred=0", "ok: sale", NULL},
        {"sale 1 A@L occurred=-1", "ok: sale correction(-3)", "A@L: sellable 4 v5; past A@L -1: sellable -1"},
        {"count 5 A@L if:version=99 occurred=0", "precondition_failed", NULL},
        {"count 5 A@L occurred=0 IF:on_hand=4", "ok: count(1)", NULL},
        {"count 6 A@L occurred=0 IF:on_hand=9", "precondition_failed", NULL},

        {"# what is counted of a strict source must be known", NULL, NULL},
        {"source name=pos-1 strict", "ok: config", NULL},
        {"count 5 A@L occurred=0", "unknown_item A", NULL},
        {"item item=A", "ok: config", NULL},
        {"location location=L", "ok: config", NULL},
        {"count 5 A@L occurred=0", "ok: count(5)", NULL},

        {"# a count of the past, older than the id window", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"wait 1000", "ok:", NULL},
        {"count 5 A@L occurred=-101", "ok: review(3 too_late)", NULL},
        {"count 5 A@L occurred=-100", "ok: count(5)", NULL},
        {"count guard 4 A@L occurred=-101", "ok: count(4) correction(1)", NULL},
        {"count source=s seq=1 3 A@L occurred=-500", "ok: count(3) correction(1)", NULL},
        {"count source=s seq=1 3 A@L occurred=-500", "seq_passed", NULL},
        {"sale source=s seq=2 1 A@L occurred=-600", "ok: sale correction(4)", NULL},
        {"sale 1 A@L occurred=-200", "ok: review(12 too_late)", "A@L: sellable 5 v7"},
    };
    WORLD_PLAY(rows);
}

/* With the id window, all but the newest of each cell and condition. */
static void what_was_counted_is_forgotten(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what is older than the window corrects the first count that is known", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"receive source=s seq=1 10 A@L occurred=-1000", "ok: receive", NULL},
        {"wait 90", "ok:", NULL},
        {"count 9 A@L occurred=-80", "ok: count(-1)", NULL},
        {"wait 50", "ok:", NULL},
        {"count 8 A@L occurred=-30", "ok: count(-1)", NULL},
        {"wait 60", "ok:", NULL},
        {"sale source=s seq=2 1 A@L occurred=-195", "ok: sale correction(0)",
         NULL}, /* before the count of 9, which is older than that */
        {"sale source=s seq=3 1 A@L occurred=-150", "ok: sale correction(1)", "A@L: sellable 8 v7"},
        {"wait 100", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"sale source=s seq=4 1 A@L occurred=-500", "ok: sale correction(2)", NULL},
        {"sale source=s seq=5 1 A@L occurred=-300", "ok: sale correction(3)", "A@L: sellable 8 v11"},
        {"count 7 A@L occurred=0", "ok: count(-1)", NULL},
        {"wait 1", "ok:", NULL},
        {"sale source=s seq=6 1 A@L occurred=-500", "ok: sale correction(0)", NULL},
        {"count source=s seq=7 5 A@L occurred=-400", "ok: count(-3) correction(3)", NULL},
        {"sale source=s seq=8 1 A@L occurred=-450", "ok: sale correction(-2)", NULL},
        {"sale source=s seq=9 1 A@L occurred=-390", "ok: sale correction(4)", "A@L: sellable 7 v20"},

        {"# each condition has its newest, and one that was told last need not be it", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"receive 10 A@L 5 damaged A@L 5 A@M", "ok: receive receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 9 A@L 4 damaged A@L 5 A@M occurred=0", "ok: count(-1) count(-1) count(0)", NULL},
        {"count 9 A@L occurred=-10", "ok: count(-1) correction(0)", NULL},
        {"count source=s seq=1 9 A@L occurred=-20", "ok: count(-1) correction(0)", NULL},
        {"wait 101", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"count source=s seq=2 9 A@L occurred=-150", "ok: count(-1) correction(1)", NULL},
        {"wait 1", "ok:", NULL},
        {"receive source=s seq=3 1 A@L occurred=-200", "ok: receive correction(-2)", NULL},
        {"receive source=s seq=4 1 A@L 1 damaged A@L 1 A@M occurred=-103",
         "ok: receive correction(0) correction(-2) receive correction(-1)",
         "A@L: sellable 9 damaged 4 v14; A@M: sellable 5 v4"},
        {"wait 101", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"receive source=s seq=5 1 A@L occurred=-300", "ok: receive correction(-1)", NULL},
        {"count 9 A@L 4 A@M occurred=0", "ok: count(0) count(-1)", NULL},
        {"receive source=s seq=6 1 A@L 1 damaged A@L 1 A@M occurred=-300",
         "ok: receive correction(-1) correction(-3) receive correction(-2)",
         "A@L: sellable 9 damaged 4 v20; A@M: sellable 4 v7"},

        {"# counts of the other kind, too: the newest stays", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L expires=0", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 50", "ok:", NULL},
        {"count 20 A@L occurred=-40", "ok: count(0)", NULL},
        {"wait 1", "ok:", NULL},
        {"count picked 20 A@L occurred=-10", "ok: count(0)", NULL},
        {"wait 10", "ok:", NULL},
        {"count 20 A@L occurred=-5", "ok: count(0)", NULL},
        {"count picked 20 A@L occurred=-1", "ok: count(0)", NULL},
        {"wait 91", "ok:", NULL},
        {"pick hold=H source=s seq=1 1 A@L occurred=-140", "ok: pick correction(1) correction(-1)",
         NULL}, /* the first two are out of the window */
        {"wait 50", "ok:", NULL},
        {"pick hold=H source=s seq=2 1 A@L occurred=-190", "ok: pick", NULL}, /* all but the newest */
        {"count 20 A@L occurred=-1", "ok: count(2)", NULL},
        {"pick hold=H source=s seq=3 1 A@L occurred=-190", "ok: pick correction(3)",
         "A@L: sellable 23 committed 8 picked 3 v14"},

        {"# one that is out of the window and ends behind one that is not", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L expires=0", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 50", "ok:", NULL},
        {"count picked 20 A@L occurred=-5", "ok: count(0)", NULL},
        {"count picked 20 A@L occurred=-2", "ok: count(0)", NULL},
        {"wait 60", "ok:", NULL},
        {"count 20 A@L occurred=-80", "ok: count(0)", NULL},
        {"wait 45", "ok:", NULL},
        {"pick hold=H source=s seq=1 1 A@L occurred=-130", "ok: pick correction(1) correction(-1)",
         "past A@L -124: sellable 21 committed 8 picked 1; past A@L -109: sellable 21 committed 8 picked 1; "
         "A@L: sellable 20 committed 8 picked 1 v9"},

        {"# in the middle of the list of a cell", NULL, NULL},
        {"settings source=@ledger id= window=100 capacity=100", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 50", "ok:", NULL},
        {"count 9 A@L occurred=-20", "ok: count(-1)", NULL},
        {"wait 60", "ok:", NULL},
        {"count 8 A@L occurred=-90", "ok: count(-2) correction(0) correction(1)", NULL},
        {"count 7 A@L occurred=0", "ok: count(-2)", NULL},
        {"wait 50", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"sale 1 A@L occurred=-95", "ok: sale correction(-1)", NULL},
        {"wait 60", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"sale source=s seq=1 1 A@L occurred=-400", "ok: sale correction(0)", "A@L: sellable 7 v10"},
    };
    WORLD_PLAY(rows);
}

/* What a bin has stays, and so does what its node has in bins. */
static void counts_in_bins(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# late movements of a bin that was counted", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=B parent=N no_promise", "ok: config", NULL},
        {"location location=C parent=N no_promise", "ok: config", NULL},
        {"receive 10 A@B 4 A@N", "ok: receive receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 8 A@B occurred=-50", "ok: count(-2) bins", "A@N: sellable 4 in_bins 8 v2"},
        {"receive 5 A@B occurred=-60", "ok: receive correction(-7)",
         "A@N: sellable 4 in_bins 8 v2; A@B: sellable 8 v4"},
        {"sale 3 A@B occurred=-60", "ok: sale correction(-4) bins", NULL},
        {"adjust 2 A@B occurred=-60", "ok: adjust correction(-6)", NULL},
        {"return 1 A@B occurred=-60", "ok: return correction(-7)", NULL},
        {"reclassify from=sellable to=damaged 2 A@B occurred=-60", "ok: reclassify correction(-5)", NULL},
        {"reclassify from=damaged to=sellable 1 A@B occurred=-60", "ok: reclassify correction(-6)",
         "A@N: sellable 4 in_bins 8 v3; A@B: sellable 8 damaged 1 v14"},
        {"transfer to=C 4 A@B occurred=-60", "ok: transfer correction(-2) transfer bins",
         "A@N: sellable 4 in_bins 12 v4; A@C: sellable 4 v1"},
        {"transfer to=B 1 A@C 1 A@N occurred=-60", "ok: transfer transfer transfer correction(-4)",
         "A@N: sellable 3 in_bins 11 v5; A@B: sellable 8 damaged 1 v18"},
        {"transfer_out transfer=T to=B 2 A@N occurred=-60", "ok: transfer_out transfer_out", NULL},
        {"transfer_in transfer=T 2 A@B occurred=-60", "ok: transfer_in correction(-6)",
         "A@N: sellable 1 in_bins 11 v6; A@B: sellable 8 damaged 1 v21"},
        {"transfer_out transfer=T2 to=M 1 A@B occurred=-60", "ok: transfer_out correction(-5) bins transfer_out",
         "A@N: sellable 1 in_bins 11 v7"},
        {"transfer to=B 2 A@X occurred=-60",
         "ok: transfer discrepancy(below_zero 2) oversold(2) transfer correction(-7)",
         "A@N: sellable 1 in_bins 11 v7; A@B: sellable 8 damaged 1 v25"}, /* from where nobody has heard of it */
        {"sale 1 A@B occurred=-40", "ok: sale bins", "A@N: sellable 1 in_bins 10 v8"},

        {"# goods of an order, from a bin", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=B parent=N no_promise", "ok: config", NULL},
        {"receive 10 A@B", "ok: receive bins", NULL},
        {"hold hold=H 6 A@N", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 100", "ok:", NULL},
        {"count 8 A@B occurred=-50", "ok: count(-2) bins", NULL},
        {"ship hold=H 4 A@B occurred=-60", "ok: ship correction(0) correction(2) bins",
         "A@N: committed 2 in_bins 8 v5; A@B: sellable 8 v5; "
         "H: committed of pos-1, A@N granted 6 committed 2 consumed 4"},
        {"ship hold=H 2 A@B", "ok: ship bins", "A@N: in_bins 6 v6; $A: supplier -10 customer 6 found -2"},
        {"location location=B parent=N", "ok: config bins out_of_stock bins back_in_stock", NULL},
        {"sale 1 A@B occurred=-60", "ok: sale correction(3)", "A@B: sellable 6 v10"},

        {"# node and bin in one command, and before others", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=B parent=N no_promise", "ok: config", NULL},
        {"receive 10 A@B 4 A@N", "ok: receive receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 8 A@B 5 A@N 1 damaged A@B occurred=-50", "ok: count(-2) count(1) count(1)",
         "A@N: sellable 5 in_bins 8 v2; A@B: sellable 8 damaged 1 v3"},
        {"count 3 A@N 9 A@B 2 damaged A@N occurred=-60",
         "ok: count(-1) correction(2) count(2) count(-1) correction(-1)",
         "A@N: sellable 5 damaged 2 in_bins 8 v5; A@B: sellable 8 damaged 1 v5; $A: supplier -14 loss 3 found -5"},
        {"count 2 A@N occurred=-40", "ok: count(-3)", NULL},
        {"count 2 A@B occurred=-40", "ok: count(-6) bins",
         "A@N: sellable 2 damaged 2 in_bins 2 v7; A@B: sellable 2 damaged 1 v6"},

        {"# between bins of two nodes", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=B parent=N no_promise", "ok: config", NULL},
        {"location location=M", "ok: config", NULL},
        {"location location=C parent=M no_promise", "ok: config", NULL},
        {"location location=D no_promise", "ok: config", NULL},
        {"wait 100", "ok:", NULL},
        {"count 5 A@B 2 A@C occurred=-50", "ok: count(5) count(2) bins bins", NULL},
        {"transfer to=C 3 A@B occurred=-60", "ok: transfer correction(8) transfer correction(0) correction(-1)",
         "A@N: in_bins 5 v1; A@M: in_bins 2 v1"},
        {"transfer to=C 3 A@B occurred=-40", "ok: transfer transfer bins bins", "A@N: in_bins 2 v2; A@M: in_bins 5 v2"},
        {"count 4 A@D occurred=-50", "ok: count(4)", NULL},
        {"transfer to=D 1 A@B occurred=-60", "ok: transfer correction(9) transfer correction(3)", "A@D: sellable 4 v3"},
    };
    WORLD_PLAY(rows);
}

/* No figure leaves 2^53-1, and what would is refused as a whole. */
static void counts_out_of_range(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# the variance, by a late movement and by the count", NULL, NULL},
        {"wait 100", "ok:", NULL},
        {"count 9007199254740991 A@L occurred=-50", "ok: count(9007199254740991)", NULL},
        {"sale 1 A@L occurred=-60", "invalid out_of_range line 0 quantity", NULL},
        {"receive 1 A@L occurred=-60", "invalid out_of_range line 0 quantity", "A@L: sellable 9007199254740991 v1"},
        {"sale 1 A@L", "ok: sale", NULL},
        {"receive 1 A@L occurred=-60", "ok: receive correction(9007199254740990)",
         "A@L: sellable 9007199254740990 v4; $A: supplier -1 customer 1 found -9007199254740990"},
        {"sale 5 B@L occurred=-60", "ok: sale discrepancy(below_zero 5) oversold(5)", NULL},
        {"count 9007199254740991 B@L occurred=-50", "invalid out_of_range line 0 quantity", NULL},

        {"# what is uncertain", NULL, NULL},
        {"wait 100", "ok:", NULL},
        {"receive 9007199254740991 A@L occurred=-70", "ok: receive", NULL},
        {"count 9007199254740991 A@L since=-80 occurred=-50", "ok: count(0 uncertain 9007199254740991)", NULL},
        {"sale 1 A@L occurred=-60", "invalid out_of_range line 0 quantity", NULL},
        {"sale 1 A@L occurred=-90", "ok: sale correction(1 uncertain 9007199254740991)",
         "A@L: sellable 9007199254740991 v4"},

        {"# the account of what was lost", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 5 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"pick hold=H 5 A@L", "ok: pick", NULL},
        {"wait 100", "ok:", NULL},
        {"count 5 A@L occurred=-50", "ok: count(0)", NULL},
        {"adjust -9007199254740990 A@M",
         "ok: adjust discrepancy(below_zero 9007199254740990) oversold(9007199254740990)",
         NULL},
        {"release hold=H 3 A@L occurred=-60", "invalid out_of_range line 0 quantity", NULL},
        {"release hold=H 1 A@L occurred=-60", "ok: release correction(-1)", "A@L: sellable 9 committed 4 picked 4 v7"},

        {"# what is here", NULL, NULL},
        {"receive 9007199254740991 A@L", "ok: receive", NULL},
        {"hold hold=H 5 A@L", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"wait 100", "ok:", NULL},
        {"count 9007199254740991 A@L occurred=-50", "ok: count(0)", NULL},
        {"pick hold=H 5 A@L occurred=-60", "invalid out_of_range line 0 quantity", NULL},
        {"pick hold=H 5 A@L occurred=-40", "ok: pick", "A@L: sellable 9007199254740991 committed 5 picked 5 v5"},

        {"# what was there then, and what moved", NULL, NULL},
        {"receive 9007199254740991 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"sale 9 A@L occurred=-10", "ok: sale", NULL},
        {"return 5 A@L occurred=-90", "ok: return", NULL},
        {"count 1 A@L occurred=-60", "invalid out_of_range", NULL},
        {"count 1 A@L occurred=-9", "ok: count(-9007199254740986)", "A@L: sellable 1 v4"},
        {"sale 9007199254740980 B@L occurred=-50",
         "ok: sale discrepancy(below_zero 9007199254740980) oversold(9007199254740980)",
         NULL},
        {"return 9007199254740980 B@L occurred=-49", "ok: return", NULL},
        {"count 1 B@L since=-60 occurred=-40", "invalid out_of_range", NULL},
        {"count 1 B@L since=-50 occurred=-40", "ok: count(1 uncertain 9007199254740980) back_in_stock", NULL},

        {"# bins: what moves in them, and what the node has", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=B parent=N no_promise", "ok: config", NULL},
        {"location location=C parent=N no_promise", "ok: config", NULL},
        {"wait 100", "ok:", NULL},
        {"count 9007199254740990 A@B occurred=-50", "ok: count(9007199254740990) bins", NULL},
        {"count 5 A@C occurred=-50", "invalid out_of_range line 0 quantity", NULL},
        {"count 1 A@C occurred=-50", "ok: count(1) bins", "A@N: in_bins 9007199254740991 v2"},
        {"count 9007199254740991 B@B 1 B@C occurred=-50", "invalid out_of_range line 1 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

/* A figure that has what is promised off it is a count that sees less: what is late corrects both. */
static void counts_beside_net_figures(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# committed, picked, shipped, and given to another place, before figures of every kind", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"hold hold=H 8 A@L expires=0", "ok: hold", NULL},
        {"hold hold=G 4 A@L expires=0", "ok: hold", NULL},
        {"wait 1000", "ok:", NULL},
        {"snapshot available 12 A@L occurred=-500", "ok: snapshot(12 not 20) out_of_stock", NULL},
        {"count 20 A@L occurred=-450", "ok: count(8) back_in_stock", NULL},
        {"snapshot 18 A@L occurred=-400 contains=shipped", "ok: snapshot(18 not 20)", NULL},
        {"snapshot 20 A@L occurred=-350", "ok: snapshot(20 not 18)", NULL},
        {"snapshot available 10 A@L occurred=-300", "ok: snapshot(10 not 20) oversold(2) out_of_stock", NULL},
        {"commit hold=H occurred=-600", "ok: commit correction(0) correction(0) correction(-2) back_in_stock",
         "A@L: sellable 18 held 4 committed 8 v17; past A@L -500: sellable 20 held 4 committed 8; "
         "past A@L -450: sellable 20 held 4 committed 8; past A@L -300: sellable 18 held 4 committed 8"},
        {"pick hold=H 3 A@L occurred=-600", "ok: pick correction(3) correction(0) correction(-1)",
         "A@L: sellable 18 held 4 committed 8 picked 3 v21"},
        {"ship hold=H 2 A@L occurred=-420", "ok: ship correction(0) correction(1) correction(-4)", /* as picked */
         "A@L: sellable 16 held 4 committed 6 picked 1 v25; "
         "past A@L -500: sellable 20 held 4 committed 8 picked 3; "
         "past A@L -450: sellable 23 held 4 committed 8 picked 3; "
         "past A@L -400: sellable 19 held 4 committed 6 picked 1; "
         "past A@L -350: sellable 20 held 4 committed 6 picked 1; "
         "past A@L -300: sellable 16 held 4 committed 6 picked 1"},
        {"receive 1 A@M", "ok: receive", NULL},
        {"reassign hold=H to=M 1 A@L occurred=-550",
         "ok: reassign correction(-1) correction(4) correction(-5) reassign out_of_stock",
         "A@L: sellable 15 held 4 committed 5 picked 1 v29; A@M: sellable 1 committed 1 v3; "
         "$A: supplier -21 customer 2 loss 8 found -5"},
        {"reclassify from=sellable to=damaged 1 A@L occurred=-460", "ok: reclassify correction(5)", NULL},
        {"snapshot 19 A@L source=erp occurred=-470", "ok: snapshot(19 not 19)",
         "past A@L -470: sellable 19 held 4 committed 7 picked 3; "
         "A@L: sellable 15 damaged 1 held 4 committed 5 picked 1 v32"},

        {"# what is given to another place corrects a figure beyond its range", NULL, NULL},
        {"receive 10 A@L 10 A@M", "ok: receive receive", NULL},
        {"commit hold=H 5 A@L", "ok: commit", NULL},
        {"wait 100", "ok:", NULL},
        {"snapshot available 5 A@L occurred=-50", "ok: snapshot(5 not 5)", NULL},
        {"adjust -9007199254740990 A@N",
         "ok: adjust discrepancy(below_zero 9007199254740990) oversold(9007199254740990)",
         NULL},
        {"reassign hold=H to=M 3 A@L occurred=-60", "invalid out_of_range line 0 quantity", NULL},
        {"reassign hold=H to=M 1 A@L occurred=-60", "ok: reassign correction(-1) reassign",
         "A@L: sellable 9 committed 4 v5"},
    };
    WORLD_PLAY(rows);
}

/* What is beyond all of a source's limits is held, and nothing else. */
static void counts_of_a_source_with_limits(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# units", NULL, NULL},
        {"source name=pos-1 count_units=5", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 4 A@L occurred=0", "ok: review(4 count_limit), A@L asked -6 free 10", NULL},
        {"count 16 A@L occurred=0", "ok: review(5 count_limit), A@L asked 6 free 10", NULL},
        {"count 5 A@L occurred=0", "ok: count(-5)", "A@L: sellable 5 v2"},
        {"count 6 B@L occurred=0", "ok: review(7 count_limit)", /* of what nobody has heard of the books say nothing */
         NULL},

        {"# a share of what the books say", NULL, NULL},
        {"source name=pos-1 count_percent=50", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 4 A@L occurred=0", "ok: review(4 count_limit), A@L asked -6 free 10", NULL},
        {"count 5 A@L occurred=0", "ok: count(-5)", NULL},
        {"sale 15 A@L", "ok: sale discrepancy(below_zero 10) oversold(10) out_of_stock", NULL},
        {"count 0 A@L occurred=0", "ok: review(10 count_limit), A@L asked 10 free -10", NULL},
        {"adjust 7 A@L", "ok: adjust", NULL},
        {"count 1 B@L occurred=0", "ok: review(12 count_limit)", NULL},

        {"# both", NULL, NULL},
        {"source name=pos-1 count_units=5 count_percent=50", "ok: config", NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 9 A@L occurred=0", "ok: review(4 count_limit), A@L asked -11 free 20", NULL},
        {"count 11 A@L occurred=0", "ok: count(-9)", NULL},
        {"count 5 A@L occurred=0", "ok: review(6 count_limit), A@L asked -6 free 11", NULL},
        {"count 4 A@L occurred=0", "ok: review(7 count_limit), A@L asked -7 free 11", NULL},

        {"# limits beyond all numbers", NULL, NULL},
        {"item item=A scale=6", "ok: config", NULL},
        {"source name=pos-1 count_units=9007199254740991", "ok: config", NULL},
        {"wait 10", "ok:", NULL},
        {"count 9007199254 A@L occurred=0", "ok: count(9007199254000000)", NULL},
        {"count 1 A@L occurred=0", "ok: count(-9007199253000000)", NULL},
        {"source name=pos-1 count_percent=1000000", "ok: config", NULL},
        {"receive 9007199254740000 B@L", "ok: receive", NULL},
        {"wait 1", "ok:", NULL},
        {"count 5 B@L occurred=0", "ok: count(-9007199254739995)", NULL},
    };
    WORLD_PLAY(rows);
}

/* ---- readings ---- */

/* What comes between a reading and the decision it is for, at the nth time. */
static const char *between[4];
static unsigned between_repeated;

/* Decides it behind the back of the command that waits. */
static void slip_in(struct world *world, unsigned time)
{
    static struct world before;
    const char *prose = time < 4 ? between[time] : NULL;
    if (prose == NULL)
        return;
    before = *world;
    for (unsigned i = 0; i < between_repeated; i++) {
        world_parse(world, prose);
        world->command.id = TEXT_NONE;
        ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
        assert_int_equal(world->verdict.outcome, OUTCOME_DECIDED);
        world_evolve(world);
    }
    /* The texts of the command lie in the world itself, at the same place. */
    memcpy(world->text, before.text, sizeof(world->text));
    memcpy(world->lines, before.lines, sizeof(world->lines));
    world->command = before.command;
}

static void step(struct world *world, const char *prose, const char *answer, unsigned readings)
{
    unsigned had = world->readings;
    world_step(world, prose);
    if (strcmp(world->answer, answer) != 0)
        fail_msg("%s\n  expected: %s\n  answered: %s", prose, answer, world->answer);
    if (world->readings - had != readings)
        fail_msg("%s: %u readings, not %u", prose, world->readings - had, readings);
}

static void so(struct world *world, const char *what, const char *expected)
{
    world_say_state(world, what);
    assert_string_equal(world->answer, expected);
}

/* A cell with so many old events. */
static void begin(struct world *world, unsigned old)
{
    world_init(world, &world_limits);
    world->read = slip_in;
    memset(between, 0, sizeof(between));
    between_repeated = 1;
    for (unsigned i = 0; i < old; i++)
        world_step(world, "receive 1 A@L");
    world_wait(world, 100);
}

static void a_reading_is_made_again_when_its_past_has_changed(void **state)
{
    (void)state;
    static struct world world;
    /* What came was before the end of the count, ... */
    begin(&world, 8);
    between[1] = "sale 2 A@L occurred=-60";
    step(&world, "count 5 A@L occurred=-50", "ok: count(-1)", 2);
    so(&world, "A@L", "A@L: sellable 5 v10");
    /* ... or at its end, twice, ... */
    between[1] = "sale 1 A@L occurred=-40";
    between[2] = "sale 1 A@L occurred=-45";
    step(&world, "count 5 A@L occurred=-40", "ok: count(2)", 3);
    so(&world, "A@L", "A@L: sellable 5 v13");
    world_deinit(&world);
    /* ... or behind it. */
    begin(&world, 8);
    between[1] = "sale 2 A@L occurred=-49";
    step(&world, "count 5 A@L occurred=-50", "ok: count(-3)", 1);
    so(&world, "A@L", "A@L: sellable 3 v10");
    world_deinit(&world);
}

/* The ladder tells for a block of 8, 64, ...: a reading in the middle of one is made again. */
static void what_came_is_told_by_blocks(void **state)
{
    (void)state;
    static const struct {
        unsigned old, more, readings;
    } rows[] = {
        {8, 1, 1},  /* 9: nothing else since 8 */
        {8, 7, 1},  /* 15 */
        {8, 8, 2},  /* 16: the block is complete, and that of 64 has old ones */
        {7, 1, 2},  /* 8 */
        {6, 1, 2},  /* 7: in its block there are old ones */
        {64, 9, 1}, /* 73: nothing since 64 */
        {64, 63, 1}, {64, 64, 2}, {63, 1, 2}, {63, 2, 2}, {72, 8, 2}, {72, 3, 1},
    };
    static struct world world;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char answer[40];
        begin(&world, rows[i].old);
        between[1] = "receive 1 A@L";
        between_repeated = rows[i].more;
        (void)sprintf(answer, "ok: count(%d)", 5 - (int)rows[i].old);
        step(&world, "count 5 A@L occurred=-50", answer, rows[i].readings);
        (void)sprintf(answer, "A@L: sellable %u v%u", 5 + rows[i].more, rows[i].old + rows[i].more + 1);
        so(&world, "A@L", answer);
        world_deinit(&world);
    }
}

/* A cell that began between the two was not read. */
static void a_reading_is_of_the_cells_there_were(void **state)
{
    (void)state;
    static struct world world;
    begin(&world, 8);
    between[1] = "receive 3 A@K";
    step(&world, "count 5 A@L 2 A@K occurred=-50", "ok: count(-3) count(2)", 2);
    so(&world, "A@K", "A@K: sellable 5 v2");
    between[1] = "receive 3 A@J";
    step(&world, "count 2 A@J 5 A@L occurred=-50", "ok: count(2) count(0)", 2);
    /* Of what nobody has heard of there is nothing to read. */
    step(&world, "count 2 A@I 3 Z@L occurred=-50", "ok: count(2) count(3)", 0);
    /* What refuses it needs no reading; what does while it waits is its answer. */
    step(&world, "count 2 A@I if:version=7 occurred=-50", "precondition_failed", 0);
    between[1] = "receive 3 A@L";
    step(&world, "count 5 A@L if:version=10 occurred=0", "precondition_failed", 1);
    world_deinit(&world);
}

/* As a reader that could not finish, and one that asked about another cell. */
static void a_reading_of_something_else_is_none(void **state)
{
    (void)state;
    static struct world world;
    begin(&world, 8);
    step(&world, "receive 1 A@K", "ok: receive", 0);
    world_parse(&world, "count 5 A@L occurred=-50");
    struct cell_reading cells[2];
    struct reading reading;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.outcome, OUTCOME_UNREAD);
    const struct unread *unread = ledger_unread(world.ledger);
    assert_int_equal(unread->cell_count, 1);
    assert_true(unread->question.to_us == world.command.occurred_at_us);
    assert_true(unread->question.from_us == world.command.occurred_at_us);
    world_read(&world, &reading, cells);
    world.command.reading = &reading;
    for (unsigned what = 0; what < 4; what++) {
        struct reading other = reading;
        struct cell_reading cell = cells[0];
        other.cells = &cell;
        world.command.reading = &other;
        other.complete = what != 0;
        other.cell_count = what != 1;
        cell.cell += what == 2;
        ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
        assert_int_equal(world.verdict.outcome, what == 3 ? OUTCOME_DECIDED : OUTCOME_UNREAD);
    }
    world_deinit(&world);
}

/* On the way to what a correction brings back, too. */
static void a_cell_that_is_brought_back_was_not_low(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    step(&world, "receive 21 A@L", "ok: receive", 0);
    step(&world, "set_policy item=A location=L reorder=20", "ok: set_policy", 0);
    world_wait(&world, 100);
    step(&world, "count 22 A@L occurred=-50", "ok: count(1)", 1);
    step(&world, "sale 5 A@L occurred=-60", "ok: sale correction(6)", 0);
    assert_int_equal(world.decision.events[0].figures.units[CONDITION_SELLABLE], 17);
    assert_false(world.decision.events[0].low || world.decision.events[1].low);
    world_deinit(&world);
}

/* A few with each decision, many with each tick. */
static void counts_are_forgotten_a_few_at_a_time(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    step(&world, "settings source=@ledger id= window=100 capacity=100", "ok: config", 0);
    for (unsigned i = 0; i < 20; i++)
        step(&world, "count id= 5 A@L occurred=0", i == 0 ? "ok: count(5)" : "ok: count(0)", i != 0);
    assert_int_equal(world.ledger->marks.live, 20);
    world_wait(&world, 100);
    assert_false(ledger_stale(world.ledger, world.now_us));
    step(&world, "receive id= 1 A@L", "ok: receive", 0);
    assert_int_equal(world.ledger->marks.live, 20);
    world_wait(&world, 1);
    assert_true(ledger_stale(world.ledger, world.now_us));
    step(&world, "receive id= 1 A@L", "ok: receive", 0);
    assert_int_equal(world.ledger->marks.live, 16);
    step(&world, "tick", "ok:", 0);
    assert_int_equal(world.ledger->marks.live, 1);
    assert_false(ledger_stale(world.ledger, world.now_us));
    world_deinit(&world);
}

/* Of the shelf and with the trolleys by turns, 260 times. */
static void as_many_counts_as_one_command_can_correct(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.mark_count_max = 1000;
    world_init(&world, &limits);
    step(&world, "receive 9 A@L", "ok: receive", 0);
    step(&world, "hold hold=H expires=0 5 A@L", "ok: hold", 0);
    step(&world, "commit hold=H", "ok: commit", 0);
    world_wait(&world, 1000);
    for (unsigned i = 0; i < 260; i++) {
        char text[60];
        (void)sprintf(text, "count %s9 A@L occurred=%d", i % 2 == 1 ? "picked " : "", (int)i - 500);
        step(&world, text, "ok: count(0)", 1);
    }
    step(&world, "pick hold=H 1 A@L occurred=-900", "invalid too_many_lines line 0 lines", 0);
    step(&world, "pick hold=H 1 A@L occurred=-498", "invalid too_many_lines line 0 lines", 0);
    world_parse(&world, "pick hold=H 1 A@L occurred=-497");
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.decision.event_count, 1 + 256); /* the first of 257 saw no difference */
    world_evolve(&world);
    so(&world, "A@L", "A@L: sellable 9 committed 5 picked 1 v520");
    world_deinit(&world);
}

static void a_full_table_takes_no_count(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.mark_count_max = 3;
    world_init(&world, &limits);
    step(&world, "settings source=@ledger id= window=100 capacity=100", "ok: config", 0);
    step(&world, "receive 10 A@L 10 A@M 10 A@N", "ok: receive receive receive", 0);
    step(&world, "count 9 A@L 8 A@M 1 damaged A@L 7 A@N occurred=0", "invalid limit_reached", 1);
    step(&world, "count 9 A@L 8 A@M 1 damaged A@L occurred=0", "ok: count(-1) count(1) count(-2)", 1);
    step(&world, "count 9 A@L occurred=0", "invalid limit_reached", 1);
    /* What corrects one needs no room. */
    step(&world, "sale 1 A@L occurred=-1", "ok: sale correction(0)", 0);
    world_wait(&world, 101);
    step(&world, "tick", "ok:", 0);
    /* All three are the last of their places. A journal that has more than this ledger can hold is not opened. */
    step(&world, "count 9 A@L occurred=0", "invalid limit_reached", 1);
    world_parse(&world, "count 9 A@L 9 A@O occurred=0");
    struct command counted = world.command;
    struct cell_reading cells[2];
    struct reading reading;
    ledger_decide(world.ledger, &counted, world.now_us, &world.decision, &world.verdict);
    world_read(&world, &reading, cells);
    counted.reading = &reading;
    counted.dry_run = true;
    ledger_decide(world.ledger, &counted, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_limit_reached);
    assert_int_equal(world.decision.event_count, 2);
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--counts-max");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(late_movements),
        cmocka_unit_test(late_counts),
        cmocka_unit_test(what_was_counted_is_forgotten),
        cmocka_unit_test(counts_in_bins),
        cmocka_unit_test(counts_out_of_range),
        cmocka_unit_test(counts_beside_net_figures),
        cmocka_unit_test(counts_of_a_source_with_limits),
        cmocka_unit_test(a_reading_is_made_again_when_its_past_has_changed),
        cmocka_unit_test(what_came_is_told_by_blocks),
        cmocka_unit_test(a_reading_is_of_the_cells_there_were),
        cmocka_unit_test(a_reading_of_something_else_is_none),
        cmocka_unit_test(a_cell_that_is_brought_back_was_not_low),
        cmocka_unit_test(counts_are_forgotten_a_few_at_a_time),
        cmocka_unit_test(as_many_counts_as_one_command_can_correct),
        cmocka_unit_test(a_full_table_takes_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
