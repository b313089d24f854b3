/*
 * Goal: snapshots (API.md section 3, story S3): a figure of another system is compared with the books of what that system
 * had seen; what is newer stays on top, whatever its source's policy books; bad ones are never applied blindly.
 * Method: tables in near-prose, see ledger_world.h. "snapshot(44 not 49)": it said 44, the books said 49.
 */
#include "ledger_world.h"

#include "ledger/state.h"

static void rebased(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S3, an ERP that reports net figures", NULL, NULL},
        {"receive 54 A@L", "ok: receive", NULL},
        {"commit hold=O1 5 A@L", "ok: commit", "A@L: sellable 54 committed 5 v2"},
        {"sale 4 A@L", "ok: sale", NULL},
        {"commit hold=O2 3 A@L", "ok: commit", "A@L: sellable 50 committed 8 v4"},
        {"snapshot available 44 A@L seen=3 contains=committed", "ok: snapshot(44 not 49)",
         "A@L: sellable 45 committed 8 v5; $A: supplier -54 customer 4 loss 5"},
        {"snapshot available 37 A@L seen=6", "ok: snapshot(37 not 37)", "A@L: sellable 45 committed 8 v6"},
        {"snapshot available 37 A@L seen=3", "snapshot_passed, A@L asked 0 free 37", NULL},

        {"# what its source said before is in its figure, seen or not: nothing is found twice", NULL, NULL},
        {"source name=erp", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 8 A@L source=erp seen=3", "ok: snapshot(8 not 10)", "A@L: sellable 8 v2"},
        {"snapshot 8 A@L source=erp seen=3", "ok: snapshot(8 not 8)", "A@L: sellable 8 v3"},
        {"snapshot 9 A@L source=erp seen=3", "ok: snapshot(9 not 8)", "A@L: sellable 9 v4"},
        {"sale 2 A@L", "ok: sale", NULL},
        {"snapshot 9 A@L source=erp seen=5", "ok: snapshot(9 not 9)", "A@L: sellable 7 v6"},
        {"snapshot 7 A@L source=erp seen=7", "ok: snapshot(7 not 7)", "A@L: sellable 7 v7"},
        {"snapshot 6 A@L source=other seen=3", "ok: snapshot(6 not 9)", "A@L: sellable 4 v8"},
        {"source name=erp policy=compare_and_set", "ok: config", NULL},
        {"snapshot 3 A@L source=erp seen=10", "ok: snapshot(3 not 4)", NULL},
        {"snapshot 2 A@L source=erp seen=10", "ok: snapshot(2 not 3)", "A@L: sellable 2 v10"},
        {"snapshot 4 A@L source=erp seen=10", "ok: snapshot(4 not 2)", "A@L: sellable 4 v11"},

        {"# a loss that a count found, too, is found once, in whatever order", NULL, NULL},
        {"receive 20 A@L occurred=-100", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 15 A@L occurred=0", "ok: count(-5)", NULL},
        {"snapshot 15 A@L source=erp seen=2", "ok: snapshot(15 not 20) correction(0)", "A@L: sellable 15 v4; $A: supplier -20 loss 5"},
        {"sale 1 A@L", "ok: sale", NULL},
        {"snapshot 15 A@L source=other seen=2", "ok: snapshot(15 not 15)", "A@L: sellable 14 v6"},
        {"receive 20 B@L occurred=-100", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"snapshot 15 B@L source=erp seen=8", "ok: snapshot(15 not 20)", NULL},
        {"wait 10", "ok:", NULL},
        {"count 15 B@L occurred=-5", "ok: count(0)", "B@L: sellable 15 v3"},
        {"wait 10", "ok:", NULL},
        {"count 15 C@L occurred=0", "ok: count(15)", NULL},
        {"snapshot 20 C@L source=erp seen=10", "ok: snapshot(20 not 0) correction(0) correction(-5)", "C@L: sellable 15 v4"},

        {"# what the source told itself is in its figure, seen or not", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"sale 1 A@L source=erp seq=1", "ok: sale", NULL},
        {"sale 2 A@L", "ok: sale", NULL},
        {"sale 3 A@L source=erp seq=2", "ok: sale", NULL},
        {"snapshot 8 A@L source=erp seq=3 seen=2 own=1", "ok: snapshot(8 not 9)", "A@L: sellable 3 v5"},
        {"snapshot 5 A@L source=erp seq=4 seen=2 own=2", "ok: snapshot(5 not 5)", "A@L: sellable 3 v6"},
        {"snapshot 5 A@L source=erp seq=5 seen=2 own=9", "in_future", NULL},
        {"snapshot 5 A@L source=erp seq=6 seen=99", "in_future", NULL},
        {"snapshot 5 A@L source=erp seq=7 seen=2 epoch=3", "seen_forked", NULL},
        {"snapshot 5 A@L source=erp seq=8", "invalid missing_field seen", NULL},
        {"snapshot 5 A@L source=erp seq=9 seen=2 occurred=0", "invalid missing_field seen", NULL},

        {"# as of a time: what comes late and occurred before it was in the figure", NULL, NULL},
        {"receive 10 A@L occurred=-100", "ok: receive", NULL},
        {"wait 10", "ok:", NULL},
        {"snapshot 7 A@L occurred=-50", "ok: snapshot(7 not 10)", "A@L: sellable 7 v2; $A: supplier -10 loss 3"},
        {"sale 2 A@L occurred=-60", "ok: sale correction(-1)", "A@L: sellable 7 v4; $A: supplier -10 customer 2 loss 1"},
        {"sale 2 A@L occurred=-40", "ok: sale", "A@L: sellable 5 v5"},
        {"snapshot 7 A@L occurred=-55", "snapshot_passed, A@L asked 0 free 7", NULL},
        {"snapshot 7 A@L occurred=301", "in_future", NULL},
        {"snapshot 5 A@L occurred=0", "ok: snapshot(5 not 5)", NULL},

        {"# claims that are off the figure: none, what is picked, what is committed", NULL, NULL},
        {"receive 10 A@L 4 damaged A@L", "ok: receive", NULL},
        {"commit hold=O 5 A@L", "ok: commit", NULL},
        {"pick hold=O 2 A@L", "ok: pick", NULL},
        {"snapshot 10 A@L 4 damaged A@L seen=4", "ok: snapshot(10 not 10) snapshot(4 not 4)", NULL},
        {"snapshot 8 A@L seen=4 contains=shipped", "ok: snapshot(8 not 8)", NULL},
        {"snapshot available 5 A@L seen=4", "ok: snapshot(5 not 5)", NULL},
        {"snapshot available 10 A@L seen=4 contains=none", "ok: snapshot(10 not 10)", NULL},
        {"wait 10", "ok:", NULL},
        {"snapshot available 5 A@L occurred=0", "ok: snapshot(5 not 5)", "A@L: sellable 10 damaged 4 committed 5 picked 2 v9"},
        {"ship fact hold=O 3 A@L occurred=-5", "ok: ship", "A@L: sellable 7 damaged 4 committed 2 v10"},

        {"# what is committed is sellable: of other conditions nothing is off", NULL, NULL},
        {"receive 10 A@L 4 damaged A@L", "ok: receive", NULL},
        {"commit hold=O 5 A@L", "ok: commit", NULL},
        {"snapshot available 5 A@L 4 damaged A@L seen=3", "ok: snapshot(5 not 5) snapshot(4 not 4)", NULL},
        {"wait 10", "ok:", NULL},
        {"snapshot available 5 A@L 4 damaged A@L occurred=-5", "ok: snapshot(5 not 5) snapshot(4 not 4)", NULL},
        {"snapshot available 5 A@L seen=3", "snapshot_passed, A@L asked 0 free 5", NULL},
        {"snapshot available 5 A@L occurred=-6", "snapshot_passed, A@L asked 0 free 5", NULL},
        {"snapshot 10 A@L 4 damaged A@L seen=7 contains=shipped", "ok: snapshot(10 not 10) snapshot(4 not 4)", NULL},

        {"# what no figure can hold is refused", NULL, NULL},
        {"sale 5 A@L", "ok: sale discrepancy(below_zero 5) oversold(5)", NULL},
        {"snapshot 9007199254740991 A@L seen=4", "invalid out_of_range line 0 quantity", NULL},
        {"snapshot 9007199254740991 A@L seen=1", "ok: snapshot(9007199254740991 not 0) back_in_stock", NULL},
        {"receive 5 B@L", "ok: receive", NULL},
        {"snapshot 9007199254740991 B@L seen=1", "invalid out_of_range line 0 quantity", NULL},

        {"# a place nobody has heard of, and a bin", NULL, NULL},
        {"snapshot 3 A@L seen=1", "ok: snapshot(3 not 0)", "A@L: sellable 3 v1; $A: found -3"},
        {"location location=B parent=L no_promise", "ok: config", NULL},
        {"snapshot 4 A@B seen=1", "ok: snapshot(4 not 0) bins", "A@B: sellable 4 v1; A@L: sellable 3 in_bins 4 v2"},
        {"snapshot guard 3 C@L seen=1", "unknown_item C", NULL},
        {"snapshot -3 A@L seen=1", "invalid bad_value line 0 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

/* What is told of a node is with what lies in its bins: of its cell alone nobody can say anything. */
static void nodes(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# who says what it was told would find it twice", NULL, NULL},
        {"location location=N", "ok: config", NULL},
        {"location location=N1 parent=N no_promise", "ok: config", NULL},
        {"location location=N2 parent=N1 no_promise", "ok: config", NULL},
        {"location location=M parent=N", "ok: config", NULL},
        {"receive 7 A@N1 5 A@N2 1 B@X", "ok: receive receive receive bins", NULL},
        {"commit hold=O 8 A@N", "ok: commit", "A@N: committed 8 in_bins 12 v2"},
        {"snapshot available 4 A@N seen=9", "has_bins, A@N asked 4 free 0", "A@N: committed 8 in_bins 12 v2"},
        {"snapshot 12 A@N 1 B@N 1 damaged B@N 7 A@N1 seen=9", "has_bins, A@N asked 12 free 0, B@N asked 2 free 0", NULL},
        {"snapshot 1 A@N seen=9 set=s last", "has_bins, A@N asked 1 free 0", NULL},
        {"snapshot 7 A@N1 4 A@N2 3 A@M 2 A@X seen=9", "ok: snapshot(7 not 7) snapshot(4 not 5) snapshot(3 not 0) snapshot(2 not 0) bins",
         "A@N: committed 8 in_bins 11 v3; A@M: sellable 3 v1"},
        {"location location=N1", "ok: config bins oversold(8) out_of_stock bins back_in_stock", NULL},
        {"snapshot 11 A@N1 source=new seen=15", "has_bins, A@N1 asked 11 free 0", NULL},
        {"snapshot 1 A@N seen=15", "ok: snapshot(1 not 0)", NULL},
        {"delete_location location=N2", "in_use N2, A@N2 asked 4 free 0", NULL},
        {"sale 4 A@N2", "ok: sale bins", NULL},
        {"delete_location location=N2", "ok: config", NULL},
        {"snapshot 11 A@N1 source=new seen=15", "ok: snapshot(11 not 7)", NULL},

        {"# what was told of it before it had bins is not given up while there is something", NULL, NULL},
        {"receive 10 A@L 10 B@L 10 C@L 4 damaged C@L", "ok: receive receive receive", NULL},
        {"snapshot 10 A@L 10 B@L 10 C@L 4 damaged C@L seen=4 set=s",
         "ok: snapshot(10 not 10) snapshot(10 not 10) snapshot(10 not 10) snapshot(4 not 4)", NULL},
        {"location location=B parent=L no_promise", "ok: config", NULL},
        {"snapshot 10 A@B seen=9 set=s last", "ok: snapshot(10 not 0) bins snapshot(last)", "A@L: sellable 10 in_bins 10 v3"},
        {"snapshot 10 A@B seen=9 set=t last", "has_bins, C@L asked 0 free 4, C@L asked 0 free 10, B@L asked 0 free 10, A@L asked 0 free 10",
         "A@B: sellable 10 v1"},
        {"sale 10 A@L 10 B@L 10 C@L", "ok: sale sale out_of_stock sale out_of_stock", NULL},
        {"snapshot 10 A@B seen=15 set=t last", "has_bins, C@L asked 0 free 4", NULL},
        {"adjust -4 damaged C@L reason=x", "ok: adjust", NULL},
        {"snapshot 10 A@B seen=17 set=t last", "ok: snapshot(10 not 10) snapshot(last)", "A@L: in_bins 10 v4; C@L: v6"},
        {"snapshot 3 A@B seen=19 set=u last source=new", "ok: snapshot(3 not 10) bins snapshot(last)", "A@L: in_bins 3 v5"},
    };
    WORLD_PLAY(rows);
}

static void policies(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# compare and set is refused when something is newer", NULL, NULL},
        {"source name=erp policy=compare_and_set", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 9 A@L source=erp seen=3", "ok: snapshot(9 not 10)", "A@L: sellable 9 v2"},
        {"sale 1 A@L", "ok: sale", NULL},
        {"snapshot 9 A@L source=erp seen=4", "precondition_failed", "A@L: sellable 8 v3"},
        {"snapshot 7 A@L source=erp seen=5", "ok: snapshot(7 not 8)", "A@L: sellable 7 v4"},
        {"receive 3 A@L 3 B@L", "ok: receive receive", NULL},
        {"snapshot 7 A@L 3 B@L source=erp seen=6", "precondition_failed", NULL},

        {"# the latest event counts: what is newer stands", NULL, NULL},
        {"source name=erp policy=latest_event_time", "ok: config", NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"sale 1 A@L", "ok: sale", NULL},
        {"snapshot 8 A@L 8 B@L source=erp seen=4", "ok: snapshot(8 not 10) snapshot(8 not 10)", "A@L: sellable 9 v3; B@L: sellable 8 v2"},

        {"# report keeps the difference and books nothing", NULL, NULL},
        {"source name=erp policy=report change_units=1", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 3 A@L source=erp seen=3", "ok: snapshot(3 not 10)", "A@L: sellable 10 v2"},

        {"# review leaves it to a person; what agrees needs none", NULL, NULL},
        {"source name=erp policy=review", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 10 A@L source=erp seen=3", "ok: snapshot(10 not 10)", NULL},
        {"snapshot 7 A@L source=erp seen=3", "ok: review(5 policy), A@L asked -3 free 10", "A@L: sellable 10 v2"},
        {"sale 1 A@L", "ok: sale", NULL},
        {"resolve review=5 accept", "ok: resolve(5 policy) snapshot(7 not 10)", "A@L: sellable 6 v4"},
        {"snapshot 7 A@L source=erp seen=2", "snapshot_passed, A@L asked 0 free 7", NULL},
        {"receive 1 B@L", "ok: receive", NULL},
        {"snapshot 1 A@L 3 B@L source=erp seen=10", "ok: review(11 policy), A@L asked -5 free 6, B@L asked 2 free 1", NULL},

        {"# a location and those below it can have another policy", NULL, NULL},
        {"source name=erp policy:D=report policy:L=review", "ok: config", NULL},
        {"location location=E parent=D", "ok: config", NULL},
        {"location location=F parent=E", "ok: config", NULL},
        {"receive 10 A@L 10 A@M 10 A@D 10 A@F", "ok: receive receive receive receive", NULL},
        {"snapshot 9 A@M 9 A@D 9 A@F source=erp seen=8",
         "ok: snapshot(9 not 10) snapshot(9 not 10) snapshot(9 not 10)", "A@M: sellable 9 v2; A@D: sellable 10 v2; A@F: sellable 10 v2"},
        {"snapshot 9 A@M 9 A@L source=erp seen=11", "ok: review(12 policy), A@L asked -1 free 10", NULL},
        {"resolve review=12 accept", "ok: resolve(12 policy) snapshot(9 not 9) snapshot(9 not 10)", "A@L: sellable 9 v2"},
        {"snapshot 3 A@N source=erp seen=15", "ok: snapshot(3 not 0)", "A@N: sellable 3 v1"},
        {"delete_location location=D", "in_use E", NULL},
        {"delete_location location=L", "in_use erp", NULL},
        {"source name=erp policy=report policy:M=compare_and_set policy:N=review", "ok: config", NULL},
        {"sale 1 A@M 1 A@L", "ok: sale sale", NULL},
        {"snapshot 5 A@L source=erp seen=16", "ok: snapshot(5 not 9)", "A@L: sellable 8 v4"},
        {"snapshot 9 A@M source=erp seen=16", "precondition_failed", NULL},
        {"snapshot 8 A@M 3 A@N source=erp seen=20", "ok: snapshot(8 not 8) snapshot(3 not 3)", NULL},
        {"snapshot source=erp seen=21 set=s last", "ok: review(26 max_change), A@N asked -3 free 3, A@M asked -8 free 8", NULL},

        {"# a brake on what a snapshot may change", NULL, NULL},
        {"source name=erp change_percent=20", "ok: config", NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"snapshot 8 A@L 9 B@L source=erp seen=4", "ok: snapshot(8 not 10) snapshot(9 not 10)", NULL},
        {"snapshot 0 A@L 9 B@L source=erp seen=6", "ok: review(7 max_change), A@L asked -8 free 8", "A@L: sellable 8 v2"},
        {"resolve review=7 reject", "ok: resolve(7 max_change)", "A@L: sellable 8 v2"},
        {"snapshot 0 A@L source=erp seen=6", "ok: review(9 max_change), A@L asked -8 free 8", NULL},
        {"resolve review=9 accept", "ok: resolve(9 max_change) snapshot(0 not 8) out_of_stock", "A@L: v4"},
    };
    WORLD_PLAY(rows);
}

static void sets(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what was told before and is not in the set is 0", NULL, NULL},
        {"receive 10 A@L 10 B@L 10 C@L 10 D@L 10 E@L", "ok: receive receive receive receive receive", NULL},
        {"snapshot 10 A@L 10 B@L 10 E@L seen=6 set=mon", "ok: snapshot(10 not 10) snapshot(10 not 10) snapshot(10 not 10)", NULL},
        {"snapshot 10 C@L seen=6 set=mon last", "ok: snapshot(10 not 10) snapshot(last)", NULL},
        {"snapshot 10 C@L seen=6 set=mon", "set_closed mon", NULL},
        {"snapshot 10 C@L seen=6 set=mon last", "set_closed mon", NULL},
        {"sale 1 B@L", "ok: sale", NULL},
        {"snapshot 11 A@L 10 E@L seen=14 set=tue", "ok: snapshot(11 not 10) snapshot(10 not 10)", "A@L: sellable 11 v3"},
        {"snapshot 10 C@L seen=14 set=tue last", "ok: snapshot(10 not 10) snapshot(0 not 9) out_of_stock snapshot(last)",
         "B@L: v5; D@L: sellable 10 v1"},
        {"snapshot 11 A@L 10 C@L 10 E@L seen=20 set=wed last",
         "ok: snapshot(11 not 11) snapshot(10 not 10) snapshot(10 not 10) snapshot(last)", "B@L: v5"},
        {"snapshot 1 F@L 1 G@L 1 H@L seen=20 set=thu", "ok: snapshot(1 not 0) snapshot(1 not 0) snapshot(1 not 0)", NULL},
        {"snapshot 11 A@L 10 C@L 10 E@L seen=20 set=thu last",
         "ok: snapshot(11 not 11) snapshot(10 not 10) snapshot(10 not 10) snapshot(last)", NULL},
        {"snapshot 11 A@L 10 C@L 10 E@L 1 F@L seen=20 set=fri last", "ok: review(32 max_change), H@L asked -1 free 1, G@L asked -1 free 1", NULL},

        {"# S3: an empty set is held, and so is one that was cut off", NULL, NULL},
        {"receive 10 A@L 10 B@L 20 C@L", "ok: receive receive receive", NULL},
        {"snapshot seen=4 set=none last", "ok: snapshot(last)", NULL},
        {"snapshot 10 A@L 10 B@L 20 C@L seen=4 set=mon last",
         "ok: snapshot(10 not 10) snapshot(10 not 10) snapshot(20 not 20) snapshot(last)", NULL},
        {"snapshot seen=9 set=tue last", "ok: review(10 max_change), C@L asked -20 free 20, B@L asked -10 free 10, A@L asked -10 free 10",
         "A@L: sellable 10 v2"},
        {"snapshot 10 A@L seen=9 set=tue last", "ok: review(11 max_change), C@L asked -20 free 20, B@L asked -10 free 10", NULL},
        {"snapshot 20 C@L seen=9 set=wed last", "ok: review(12 max_change), B@L asked -10 free 10, A@L asked -10 free 10", "A@L: sellable 10 v2"},
        {"snapshot 20 C@L seen=9 last", "invalid missing_field set", NULL},
        {"snapshot seen=9 set=x", "invalid missing_field lines", NULL},
        {"resolve review=10 accept", "ok: resolve(10 max_change) snapshot(0 not 20) out_of_stock snapshot(0 not 10) out_of_stock snapshot(0 not 10) out_of_stock snapshot(last)", NULL},

        {"# a set of a source that nobody has heard of; goods of other conditions, and of what was given up", NULL, NULL},
        {"snapshot seen=1 set=mon last source=new", "ok: snapshot(last)", NULL},
        {"receive 10 A@L 10 damaged A@L 1 B@L 1 C@M 9 D@L", "ok: receive receive receive receive", NULL},
        {"snapshot 10 A@L 10 damaged A@L 1 B@L 1 C@M 9 D@L seen=6", "ok: snapshot(10 not 10) snapshot(10 not 10) snapshot(1 not 1) snapshot(1 not 1) snapshot(9 not 9)", NULL},
        {"sale 1 B@L 1 C@M 9 D@L", "ok: sale out_of_stock sale out_of_stock sale out_of_stock", NULL},
        {"delete_item item=B", "ok: config", NULL},
        {"delete_location location=M", "ok: config", NULL},
        {"snapshot 0 D@L seen=19", "ok: snapshot(0 not 0)", NULL},
        {"snapshot 10 A@L seen=20 set=mon last", "ok: review(21 max_change), A@L asked -10 free 10", NULL},
        {"resolve review=21 accept", "ok: resolve(21 max_change) snapshot(10 not 10) snapshot(0 not 10) snapshot(last)", "A@L: sellable 10 v5"},
        {"snapshot 10 A@L seen=20 set=tue", "ok: snapshot(10 not 10)", NULL},

        {"# a share of what is nearly beyond all numbers", NULL, NULL},
        {"source name=pos-1 change_units=1 change_percent=60", "ok: config", NULL},
        {"receive 9007199254740991 A@L 1 B@L", "ok: receive receive", NULL},
        {"snapshot 9007199254740991 A@L 1 B@L seen=4", "ok: snapshot(9007199254740991 not 9007199254740991) snapshot(1 not 1)", NULL},
        {"snapshot 9007199254740991 A@L seen=4 set=a last", "ok: snapshot(9007199254740991 not 9007199254740991) snapshot(0 not 1) out_of_stock snapshot(last)", NULL},
        {"snapshot 1 B@L seen=4 set=b last", "ok: review(11 max_change), A@L asked -9007199254740991 free 9007199254740991", NULL},
        {"resolve review=11 accept", "ok: resolve(11 max_change) snapshot(1 not 0) back_in_stock snapshot(0 not 9007199254740991) out_of_stock snapshot(last)", NULL},

        {"# a brake is what it was set to last", NULL, NULL},
        {"source name=pos-1 change_units=2", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 7 A@L seen=3", "ok: review(4 max_change), A@L asked -3 free 10", NULL},
        {"source name=pos-1 change_units=2 change_percent=30", "ok: config", NULL},
        {"snapshot 7 A@L seen=3", "ok: snapshot(7 not 10)", NULL},
        {"source name=pos-1 change_units=1 change_percent=30", "ok: config", NULL},
        {"snapshot 5 A@L seen=6", "ok: snapshot(5 not 7)", NULL},
        {"source name=pos-1 change_units=1 change_percent=20", "ok: config", NULL},
        {"snapshot 3 A@L seen=8", "ok: review(10 max_change), A@L asked -2 free 5", NULL},

        {"# how much may go is the source's max_change; a report lets everything go", NULL, NULL},
        {"source name=pos-1 change_percent=100", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 10 A@L seen=3", "ok: snapshot(10 not 10)", NULL},
        {"snapshot seen=4 set=mon last", "ok: snapshot(0 not 10) out_of_stock snapshot(last)", "A@L: v4"},
        {"source name=pos-1 policy=report", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive back_in_stock", NULL},
        {"snapshot 10 A@L seen=10", "ok: snapshot(10 not 10)", NULL},
        {"snapshot seen=11 set=tue last", "ok: snapshot(0 not 10) snapshot(last)", "A@L: sellable 10 v8"},
        {"snapshot seen=13 set=wed last", "ok: snapshot(0 not 10) snapshot(last)", NULL},
    };
    WORLD_PLAY(rows);
}

static void asked_to_be_counted(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a difference asks for a count, once; counted, the same one is no new task, another one is", NULL, NULL},
        {"source name=erp policy=count change_units=1", "ok: config", NULL},
        {"receive 10 A@L 4 B@L occurred=-100", "ok: receive receive", NULL},
        {"count 10 A@L occurred=0", "ok: count(0)", NULL},
        {"snapshot 7 A@L 4 B@L source=erp seen=5", "ok: snapshot(7 not 10) count_asked(-3) snapshot(4 not 4)", "A@L: sellable 10 v4"},
        {"snapshot 7 A@L source=erp seen=5", "ok: snapshot(7 not 10)", NULL},
        {"snapshot 6 A@L source=erp seen=5", "ok: snapshot(6 not 10)", NULL},
        {"count 10 A@L occurred=0", "ok: count(0)", NULL},
        {"snapshot 6 A@L source=erp seen=8", "ok: snapshot(6 not 10)", NULL},
        {"snapshot 5 A@L source=erp seen=8", "ok: snapshot(5 not 10) count_asked(-5)", NULL},
        {"wait 10", "ok:", NULL},
        {"count 10 A@L occurred=-20", "ok: count(0)", NULL},
        {"snapshot 4 A@L source=erp seen=8", "ok: snapshot(4 not 10)", NULL},
        {"count 9 A@L occurred=-5", "ok: count(-1)", NULL},
        {"snapshot 4 A@L source=erp seen=17", "ok: snapshot(4 not 9) count_asked(-5)", NULL},

        {"# each condition of each cell, of what nobody had here, and all that is left out of a set", NULL, NULL},
        {"source name=erp policy=count", "ok: config", NULL},
        {"snapshot 3 A@L 1 damaged A@L 2 B@M source=erp seen=2",
         "ok: snapshot(3 not 0) count_asked(3) snapshot(1 not 0) count_asked(1) snapshot(2 not 0) count_asked(2)", "A@L: v4; B@M: v2"},
        {"count 1 damaged A@L occurred=0", "ok: count(1)", NULL},
        {"snapshot 3 A@L source=erp seen=9 set=mon last", "ok: snapshot(3 not 0) snapshot(0 not 1) count_asked(-1) snapshot(0 not 0) snapshot(last)", NULL},

        {"# in a bin, and as of a time in a period that is closed", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"location location=B parent=DC no_promise", "ok: config", NULL},
        {"source name=erp policy=count", "ok: config", NULL},
        {"receive 10 A@B occurred=-100", "ok: receive bins", NULL},
        {"snapshot 4 A@B 2 A@DC source=erp seen=6", "has_bins, A@DC asked 2 free 0", "A@B: sellable 10 v1"},
        {"snapshot 4 A@B 2 A@X source=erp seen=6", "ok: snapshot(4 not 10) count_asked(-6) snapshot(2 not 0) count_asked(2)",
         "A@B: sellable 10 v3; A@DC: in_bins 10 v1"},
        {"close_period until=-10", "ok: close_period(-10)", NULL},
        {"snapshot 3 A@M source=erp occurred=-50", "ok: snapshot(3 not 0) count_asked(3)", "A@M: v2"},
        {"snapshot 3 A@B source=third occurred=-50", "ok: snapshot(3 not 10) bins", NULL},

        {"# what is under the policy `review` is asked for by nobody, and so is what other sources say", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"source name=erp policy=report", "ok: config", NULL},
        {"snapshot 7 A@L source=erp seen=2", "ok: snapshot(7 not 10)", NULL},
        {"source name=erp policy=count", "ok: config", NULL},
        {"snapshot 7 A@L source=erp seen=2", "ok: snapshot(7 not 10) count_asked(-3)", NULL},
        {"snapshot 7 A@L source=other seen=2", "ok: snapshot(7 not 10)", "A@L: sellable 7 v5"},
    };
    WORLD_PLAY(rows);
}

/* A task is open until it is counted behind it, or needs none any more; and what differs is counted by source. */
static void what_is_to_be_counted(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        uint64_t asked, counted; /* of the first statement, by sequence */
        uint32_t drift;          /* of its source */
    } rows[] = {
        {"source name=erp policy=count", 0, 0, 0},
        {"receive 10 A@L 10 damaged A@L 5 B@L 5 B@M 1 C@M occurred=-100", 0, 0, 0},
        {"snapshot 7 A@L 9 damaged A@L 6 B@L 6 B@M 2 C@M source=erp seen=6", 8, 0, 5},
        {"snapshot 7 A@L source=erp seen=6", 8, 0, 5},
        {"count 10 damaged A@L occurred=0", 8, 0, 5},
        {"wait 10", 8, 0, 5},
        {"count 10 A@L occurred=-1 source=wms id=c", 8, 19, 5},
        {"reverse of=c of_source=wms", 8, 0, 5},
        {"count 10 A@L occurred=-20", 8, 0, 5},
        {"count 10 A@L occurred=0", 8, 22, 5},
        {"snapshot 10 A@L source=erp seen=22", 0, 0, 4},
        {"snapshot 11 A@L source=erp seen=22", 25, 0, 5},
        {"source name=erp policy=report", 25, 0, 5},
        {"snapshot 11 A@L source=erp seen=22", 0, 0, 5},
        {"snapshot 1 A@L source=third seen=22", 0, 0, 5},
        {"sale 5 B@L 5 B@M 1 C@M", 0, 0, 5},
        {"delete_item item=C", 0, 0, 4},
        {"delete_location location=M", 0, 0, 3},
        {"delete_item item=B", 0, 0, 2},
        {"snapshot 0 B@L source=erp seen=28", 0, 0, 2},
    };
    static struct world world;
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct statement_view view = {.seq = 0};
        world_step(&world, rows[i].step);
        if (ledger_statement_count(world.ledger) != 0)
            ledger_statement(world.ledger, 0, &view);
        uint32_t drift = ledger_drift(world.ledger, ledger_number(world.ledger, NAME_SOURCE, TEXT("erp")));
        if (view.asked_seq != rows[i].asked || view.counted_seq != rows[i].counted || drift != rows[i].drift)
            fail_msg("%s: %s: asked at %u, counted at %u, %u differ", rows[i].step, world.answer, (unsigned)view.asked_seq,
                     (unsigned)view.counted_seq, (unsigned)drift);
    }
    world_deinit(&world);
}

/* When a source and the books last said the same, or came to, before what it said last. */
static void the_last_agreement_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        uint64_t seq, position; /* of the agreement before it, by whoever said it */
    } rows[] = {
        {"receive 10 A@L", 0, 0},
        {"source name=erp policy=report", 0, 0},
        {"snapshot 9 A@L source=erp seen=1", 0, 0},
        {"snapshot 10 A@L source=erp seen=2", 0, 0},
        {"snapshot 8 A@L source=erp seen=3", 5, 2},
        {"snapshot 7 A@L source=erp seen=4", 5, 2},
        {"snapshot 10 A@L source=erp seen=5", 5, 2},
        {"source name=erp", 0, 0},
        {"snapshot 9 A@L source=erp seen=6", 8, 5},
        {"snapshot 9 A@L source=erp seen=9", 10, 6},
        {"source name=erp policy=latest_event_time", 0, 0},
        {"sale 1 A@L", 0, 0},
        {"snapshot 5 A@L source=erp seen=10", 11, 9},
        {"wait 10", 0, 0},
        {"snapshot 8 A@L source=erp occurred=-5", 11, 9},
        {"snapshot 8 A@L 1 damaged A@L source=other seen=14", 0, 0},
        {"snapshot 7 A@L source=erp seen=15 contains=shipped", 15, 0},
    };
    static struct world world;
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct statement_view view;
        world_step(&world, rows[i].step);
        if (rows[i].step[0] != 's' || rows[i].step[1] != 'n')
            continue;
        uint32_t source = strstr(rows[i].step, "other") != NULL;
        ledger_statement(world.ledger, source, &view);
        if (view.agreed_seq != rows[i].seq || view.agreed_position != rows[i].position)
            fail_msg("%s: agreed at %u of position %u", rows[i].step, (unsigned)view.agreed_seq, (unsigned)view.agreed_position);
        assert_true(view.shelf == (strstr(rows[i].step, "shipped") != NULL));
        assert_true((view.agreed_us != 0) == (rows[i].seq != 0));
    }
    world_deinit(&world);
}

/* What is open where a statement was made, of documents that were there by then. */
static void what_a_statement_waits_for(void **state)
{
    (void)state;
    static struct world world;
    struct open_line lines[4];
    world_init(&world, &world_limits);
    world_step(&world, "snapshot 1 A@L seen=1");
    assert_int_equal(ledger_statement_open(world.ledger, 0, lines, 4), 0);
    world_step(&world, "expect expectation=PO-1 direction=in due=+100 5 A@L 3 A@M");
    world_step(&world, "expect expectation=SO-1 direction=out due=+50 2 A@L");
    assert_int_equal(ledger_statement_open(world.ledger, 0, lines, 4), 0);
    world_step(&world, "snapshot 1 A@L seen=5");
    assert_int_equal(ledger_statement_open(world.ledger, 0, lines, 4), 2);
    assert_true(!lines[0].transfer && lines[0].direction == DIRECTION_IN && lines[0].units == 5);
    assert_true(lines[1].direction == DIRECTION_OUT && lines[1].units == 2 && text_equal(lines[1].name, TEXT("SO-1")));
    assert_int_equal(ledger_statement_open(world.ledger, 0, lines, 1), 1);
    world_deinit(&world);
}

static enum outcome judged_by(struct world *world, const char *prose, struct reading *reading)
{
    world_parse(world, prose);
    world->command.id = TEXT_NONE;
    world->command.reading = reading;
    ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
    return world->verdict.outcome;
}

/* What was seen does not change, but for what is booked as of then, and what its source said meanwhile. */
static void a_reading_holds_until_more_is_said(void **state)
{
    (void)state;
    static const char repeated[] = "snapshot 8 A@L source=erp seen=9";
    static struct world world;
    struct reading reading;
    struct cell_reading cells[1];
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 8; i++) /* a block, of which is known that nothing is in it that came late */
        world_step(&world, "receive 1 A@L");
    world_step(&world, "source name=erp");
    world_step(&world, "wait 10");
    world_step(&world, "sale 1 A@L");
    assert_int_equal(judged_by(&world, repeated, NULL), OUTCOME_UNREAD);
    world_read(&world, &reading, cells);
    world_step(&world, "sale 1 A@L");
    assert_int_equal(judged_by(&world, repeated, &reading), OUTCOME_DECIDED);
    world_step(&world, "snapshot 9 A@L source=other seen=9");
    assert_int_equal(judged_by(&world, repeated, &reading), OUTCOME_UNREAD);
    world_read(&world, &reading, cells);
    assert_int_equal(judged_by(&world, repeated, &reading), OUTCOME_DECIDED);
    world_step(&world, "snapshot 9 A@L source=erp occurred=0");
    assert_int_equal(judged_by(&world, repeated, &reading), OUTCOME_UNREAD);
    world_deinit(&world);
}

/* What was read of a review is not yet what was read of the position: of new cells nothing else is asked. */
static void a_held_snapshot_of_new_cells_has_the_time_of_its_position(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "source name=erp policy=review");
    world_step(&world, "receive 1 A@L");
    world_step(&world, "receive 1 B@M");
    world_step(&world, "wait 10");
    world_step(&world, "snapshot 3 A@M source=erp seen=3");
    assert_string_equal(world.answer, "ok: review(5 policy), A@M asked 3 free 0");
    world_step(&world, "resolve review=5 accept");
    assert_string_equal(world.answer, "ok: resolve(5 policy) snapshot(3 not 0)");
    assert_true(decision_occurred_us(&world.decision) == WORLD_START_US);
    world_deinit(&world);
}

#define MOST "9007199254740991"

static void bounds(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# the books of then are beyond all numbers, the difference is not", NULL, NULL},
        {"receive " MOST " A@L occurred=-50", "ok: receive", NULL},
        {"commit fact hold=O 5 A@L occurred=0", "ok: commit", NULL},
        {"release hold=O occurred=-40", "ok: release", NULL},
        {"snapshot available " MOST " A@L occurred=-20", "invalid out_of_range line 0 quantity", NULL},

        {"# what then was there is beyond all numbers", NULL, NULL},
        {"receive " MOST " A@L occurred=-50", "ok: receive", NULL},
        {"sale " MOST " A@L occurred=0", "ok: sale out_of_stock", NULL},
        {"adjust " MOST " A@L occurred=-50 reason=x", "ok: adjust back_in_stock", NULL},
        {"snapshot 5 A@L occurred=-20", "invalid out_of_range", NULL},

        {"# bins hold no more together than all numbers", NULL, NULL},
        {"receive " MOST " A@L", "ok: receive", NULL},
        {"location location=B parent=L no_promise", "ok: config", NULL},
        {"snapshot 5 A@B seen=1", "invalid out_of_range line 0 quantity", "A@L: sellable " MOST " v1"},

        {"# nor do they gain more than that", NULL, NULL},
        {"receive 1 C@L", "ok: receive", NULL},
        {"location location=B1 parent=L no_promise", "ok: config", NULL},
        {"location location=B2 parent=L no_promise", "ok: config", NULL},
        {"snapshot " MOST " A@B1 " MOST " A@B2 seen=1", "invalid out_of_range line 1 quantity", NULL},

        {"# nor is less promised of them, at the end of a set", NULL, NULL},
        {"receive 1 C@L", "ok: receive", NULL},
        {"location location=B parent=L no_promise", "ok: config", NULL},
        {"receive 10 A@B", "ok: receive bins", NULL},
        {"sale " MOST " A@B", "ok: sale discrepancy(below_zero 9007199254740981) bins oversold(9007199254740981) out_of_stock", NULL},
        {"commit fact hold=O 9 A@L", "ok: commit oversold(9007199254740990)", NULL},
        {"snapshot 5 A@B seen=5 set=s last", "invalid out_of_range line 0 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void all_of_many(struct world *world, unsigned from, unsigned to, const char *after)
{
    static char text[64 * 1024];
    int n = sprintf(text, "snapshot");
    for (unsigned i = from; i < to; i++)
        n += sprintf(text + n, " " MOST " I%u@L", i);
    (void)sprintf(text + n, " %s", after);
    world_step(world, text);
}

/* So many that their sum is beyond all numbers, and that not all of them can become 0 in one decision. */
static void a_set_that_leaves_very_many_out(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.item_count_max = limits.cell_count_max = limits.statement_count_max = 1200;
    world_init(&world, &limits);
    all_of_many(&world, 0, 600, "seen=1");
    all_of_many(&world, 600, 1100, "seen=1");
    world_step(&world, "snapshot " MOST " I0@L seen=1101 set=a last");
    assert_string_equal(world.answer, "invalid too_many_lines last");
    all_of_many(&world, 0, 200, "seen=1101 set=a");
    world_step(&world, "snapshot " MOST " I0@L seen=1101 set=a last");
    assert_memory_equal(world.answer, "ok: review(", strlen("ok: review("));
    assert_int_equal(world.decision.shortage_count, 900);
    world_deinit(&world);
}

/* The locations that have a policy are names like others. */
static void locations_of_policies_are_names(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.location_count_max = 1;
    world_init(&world, &limits);
    world_step(&world, "source name=erp policy:L=report policy:M=review");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_step(&world, "source name=erp policy:L=report");
    assert_string_equal(world.answer, "ok: config");
    world_deinit(&world);
}

/* What sources say has a table, and a smaller one than the journal's is told. */
static void a_full_table_takes_no_new_statement(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "snapshot 1 A@L 1 damaged A@L 1 expired A@L 1 B@L seen=1");
    world.ledger->limits.statement_count_max = world.twin->limits.statement_count_max = 4;
    world_step(&world, "snapshot 1 C@L seen=1");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_step(&world, "snapshot 2 A@L 1 B@L seen=5"); /* what it said before it may say anew */
    assert_string_equal(world.answer, "ok: snapshot(2 not 1) snapshot(1 not 1)");
    world.ledger->limits.statement_count_max = 5;
    struct reading reading;
    assert_int_equal(judged_by(&world, "snapshot 1 C@L seen=1", NULL), OUTCOME_UNREAD);
    world_read(&world, &reading, NULL);
    assert_int_equal(judged_by(&world, "snapshot 1 C@L seen=1", &reading), OUTCOME_DECIDED);
    reading.complete = false;
    assert_int_equal(judged_by(&world, "snapshot 1 C@L seen=1", &reading), OUTCOME_UNREAD);
    reading.complete = true;
    assert_int_equal(judged_by(&world, "snapshot 1 C@L seen=1", &reading), OUTCOME_DECIDED);
    assert_null(ledger_overflow(world.ledger, &world.decision));
    world.ledger->limits.statement_count_max = 4;
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--statements-max");
    world.ledger->limits.statement_count_max = 5;
    world_parse(&world, "receive 1 A@L occurred=-700000");
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    world.ledger->limits.statement_count_max = 4; /* the others need no room in it */
    assert_null(ledger_overflow(world.ledger, &world.decision));
    world.ledger->limits.review_count_max = 0;
    assert_string_equal(ledger_overflow(world.ledger, &world.decision), "--reviews-max");
    world_step(&world, "snapshot 2 A@L 1 damaged A@L 1 expired A@L 1 B@L seen=7 set=s last");
    assert_string_equal(world.answer, "ok: snapshot(2 not 2) snapshot(1 not 1) snapshot(1 not 1) snapshot(1 not 1) snapshot(last)");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rebased),
        cmocka_unit_test(nodes),
        cmocka_unit_test(policies),
        cmocka_unit_test(sets),
        cmocka_unit_test(asked_to_be_counted),
        cmocka_unit_test(what_is_to_be_counted),
        cmocka_unit_test(the_last_agreement_is_known),
        cmocka_unit_test(what_a_statement_waits_for),
        cmocka_unit_test(a_reading_holds_until_more_is_said),
        cmocka_unit_test(a_held_snapshot_of_new_cells_has_the_time_of_its_position),
        cmocka_unit_test(bounds),
        cmocka_unit_test(locations_of_policies_are_names),
        cmocka_unit_test(a_set_that_leaves_very_many_out),
        cmocka_unit_test(a_full_table_takes_no_new_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
