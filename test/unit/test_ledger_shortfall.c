/*
 * Goal: where more is promised than there is, the location's rule says whose units lose cover, in a decision right behind
 * the one that made it so; what lost cover is covered again, released, used or expired with what else lacks it.
 * Method: tables in near-prose, a row per rule; ledger_world.h checks the ledger after each step.
 */
#include "ledger/state.h" /* SERVED_MAX */
#include "ledger_world.h"

static void the_newest_claim_loses_cover_first(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# no rule: more is promised than there is, and stays so", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"commit hold=O1 6 A@L", "ok: commit", NULL},
        {"commit hold=O2 4 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -3 A@L", "ok: adjust oversold(3)", "A@L: sellable 7 committed 10 v6; O2: committed of pos-1, A@L granted 4 committed 4"},
        {"# a rule: the newest claim is short, the command says what is oversold before", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"commit hold=O1 6 A@L", "ok: commit", NULL},
        {"commit hold=O2 4 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -3 A@L", "ok: adjust oversold(3) | short(O2 3)",
         "A@L: sellable 7 committed 10 backordered 3 v7; O2: committed of pos-1, A@L granted 4 committed 4 short 3 backordered 3; "
         "O1: committed of pos-1, A@L granted 6 committed 6"},
        {"adjust -3 A@L", "ok: adjust oversold(3) | short(O2 1) short(O1 2)",
         "A@L: sellable 4 committed 10 backordered 6 v11; O2: committed of pos-1, A@L granted 4 committed 4 short 4 backordered 4; "
         "O1: committed of pos-1, A@L granted 6 committed 6 short 2 backordered 2"},
        {"# what is promised without cover loses none", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"set_policy item=A location=L backorders=9", "ok: set_policy", NULL},
        {"receive 5 A@L", "ok: receive back_in_stock", NULL},
        {"hold hold=H1 expires=0 5 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=H2 expires=0 backorder 4 A@L", "ok: hold", "H2: held of pos-1, A@L granted 4 held 4 backordered 4"},
        {"adjust -2 A@L", "ok: adjust oversold(2) | short(H1 2)", "H1: held of pos-1, A@L granted 5 held 5 short 2 backordered 2"},
        {"# goods below zero: the claims lose all they have, the rest stays oversold", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 2 A@L", "ok: hold", NULL},
        {"sale 7 A@L", "ok: sale discrepancy(below_zero 2) oversold(4) out_of_stock | short(H1 2)",
         "A@L: sellable -2 held 2 backordered 2 v7; H1: held of pos-1, A@L granted 2 held 2 short 2 backordered 2"},
        {"sale 1 A@L", "ok: sale discrepancy(below_zero 3) oversold(3)", NULL},
        {"# nobody has a claim: there is nobody to lose", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"sale 1 A@L", "ok: sale discrepancy(below_zero 1) oversold(1)", NULL},
        {"# who waits has no cover to lose", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 2 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=W expires=0 wait 3 A@L", "ok: hold, A@L asked 3 free 0", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1) | short(H1 1)", "W: waiting of pos-1, A@L waiting 3"},
        {"# an order that was sold elsewhere (S4)", NULL, NULL},
        {"location location=DC shortfall=newest", "ok: config", NULL},
        {"set_channel channel=web locations=DC priority=1", "ok: set_channel", NULL},
        {"set_channel channel=amz locations=DC buffer=3 cap=20 priority=2", "ok: set_channel", NULL},
        {"set_policy item=A location=DC safety=5", "ok: set_policy", NULL},
        {"receive 100 A@DC", "ok: receive back_in_stock", NULL},
        {"allocate channel=web item=A location=DC units=40", "ok: allocate", NULL},
        {"allocate channel=amz item=A location=DC units=30", "ok: allocate", NULL},
        {"hold hold=W channel=web expires=0 50 A@DC", "ok: hold", "web/A: ats 15; amz/A: ats 20"},
        {"adjust -40 A@DC", "ok: adjust", "web/A: ats 0; amz/A: ats 2"},
        {"commit fact hold=Z channel=amz 12 A@DC", "ok: commit oversold(2) out_of_stock | short(Z 2)",
         "A@DC: sellable 60 held 50 committed 12 backordered 2 safety_stock 5 v11; W: held of pos-1 through web, A@DC granted 50 held 50 quota 40; "
         "Z: committed of pos-1 through amz, A@DC granted 12 committed 12 short 2 backordered 2 quota 12; web/A: ats 0; amz/A: ats 0"},
    };
    WORLD_PLAY(rows);
}

static void each_criterion_decides_what_those_before_it_do_not(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# unpaid first, then the newest", NULL, NULL},
        {"location location=L shortfall=unpaid", "ok: config", NULL},
        {"receive 9 A@L", "ok: receive", NULL},
        {"commit hold=O1 2 A@L", "ok: commit", NULL},
        {"commit hold=O2 paid 3 A@L", "ok: commit", NULL},
        {"commit hold=O3 1 A@L", "ok: commit", NULL},
        {"commit hold=O4 paid 3 A@L", "ok: commit out_of_stock", NULL},
        {"reclassify from=sellable to=damaged 2 A@L", "ok: reclassify oversold(2) | short(O3 1) short(O1 1)", NULL},
        {"reclassify from=sellable to=damaged 5 A@L", "ok: reclassify oversold(5) | short(O1 1) short(O4 3) short(O2 1)",
         "O2: committed of pos-1, A@L granted 3 committed 3 short 1 backordered 1; A@L: sellable 2 damaged 7 committed 9 backordered 7 v15"},
        {"# the lowest priority first: none, then the largest number", NULL, NULL},
        {"location location=L shortfall=lowest_priority", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 priority=1 2 A@L", "ok: hold", NULL},
        {"hold hold=H2 expires=0 2 A@L", "ok: hold", NULL},
        {"hold hold=H3 expires=0 priority=7 2 A@L", "ok: hold", NULL},
        {"hold hold=H4 expires=0 2 A@L", "ok: hold", NULL},
        {"hold hold=H5 expires=0 priority=1 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -9 A@L", "ok: adjust oversold(9) | short(H4 2) short(H2 2) short(H3 2) short(H5 2) short(H1 1)", NULL},
        {"# what stands behind the newest decides nothing", NULL, NULL},
        {"location location=L shortfall=newest,unpaid,lowest_priority", "ok: config", NULL},
        {"receive 4 A@L", "ok: receive", NULL},
        {"commit hold=O1 2 A@L", "ok: commit", NULL},
        {"commit hold=O2 paid 2 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -3 A@L", "ok: adjust oversold(3) | short(O2 2) short(O1 1)", NULL},
        {"# unpaid, and of those the lowest priority", NULL, NULL},
        {"location location=L shortfall=unpaid,lowest_priority,newest", "ok: config", NULL},
        {"receive 8 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 2 A@L", "ok: hold", NULL},
        {"hold hold=H2 expires=0 priority=3 2 A@L", "ok: hold", NULL},
        {"hold hold=O expires=0 2 A@L", "ok: hold", NULL},
        {"commit hold=O paid", "ok: commit", NULL},
        {"hold hold=H4 expires=0 priority=3 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -7 A@L", "ok: adjust oversold(7) | short(H1 2) short(H4 2) short(H2 2) short(O 1)", NULL},
        {"# the lowest priority, and of those the unpaid", NULL, NULL},
        {"location location=L shortfall=lowest_priority,unpaid", "ok: config", NULL},
        {"receive 8 A@L", "ok: receive", NULL},
        {"commit hold=O1 2 A@L", "ok: commit", NULL},
        {"commit hold=O2 paid 2 A@L", "ok: commit", NULL},
        {"hold hold=H3 expires=0 priority=3 2 A@L", "ok: hold", NULL},
        {"hold hold=H4 expires=0 priority=4 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -7 A@L", "ok: adjust oversold(7) | short(O1 2) short(O2 2) short(H4 2) short(H3 1)", NULL},
    };
    WORLD_PLAY(rows);
}

static void who_can_be_served_elsewhere_loses_cover_here(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# as much as the claim has with cover must be free at one other location", NULL, NULL},
        {"location location=DC shortfall=other_place", "ok: config", NULL},
        {"receive 9 A@DC 3 A@S1 3 A@S2 100 B@S1", "ok: receive receive receive receive", NULL},
        {"commit hold=O1 3 A@DC", "ok: commit", NULL},
        {"commit hold=O2 4 A@DC", "ok: commit", NULL},
        {"commit hold=O3 2 A@DC", "ok: commit out_of_stock", NULL},
        {"adjust -6 A@DC", "ok: adjust oversold(6) | short(O3 2) short(O1 3) short(O2 1)", NULL},
        {"# goods that are held, kept back or in bins of no node are not free", NULL, NULL},
        {"location location=DC shortfall=other_place", "ok: config", NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"receive 4 A@DC 9 A@S1 9 A@S2 9 A@X", "ok: receive receive receive receive", NULL},
        {"hold hold=K expires=0 9 A@S1", "ok: hold out_of_stock", NULL},
        {"set_policy item=A location=S2 safety=8", "ok: set_policy", NULL},
        {"commit hold=O1 1 A@DC", "ok: commit", NULL},
        {"commit hold=O2 3 A@DC", "ok: commit out_of_stock", NULL},
        {"adjust -2 A@DC", "ok: adjust oversold(2) | short(O1 1) short(O2 1)", NULL},
        {"# a location that was given up is no place", NULL, NULL},
        {"location location=DC shortfall=other_place", "ok: config", NULL},
        {"receive 4 A@DC 9 A@S1", "ok: receive receive", NULL},
        {"commit hold=O1 1 A@DC", "ok: commit", NULL},
        {"commit hold=O2 3 A@DC", "ok: commit out_of_stock", NULL},
        {"adjust -9 A@S1", "ok: adjust out_of_stock", NULL},
        {"delete_location location=S1", "ok: config", NULL},
        {"adjust -1 A@DC", "ok: adjust oversold(1) | short(O2 1)", NULL},
        {"# through its own channel, where that sells", NULL, NULL},
        {"location location=DC shortfall=other_place,newest", "ok: config", NULL},
        {"set_channel channel=web locations=DC,S1", "ok: set_channel", NULL},
        {"set_channel channel=amz locations=DC", "ok: set_channel", NULL},
        {"set_channel channel=any", "ok: set_channel", NULL},
        {"receive 8 A@DC 5 A@S1 9 A@S2", "ok: receive receive receive", NULL},
        {"allocate channel=any item=A location=S1 units=4", "ok: allocate", NULL},
        {"allocate channel=amz item=A location=S2 units=9", "ok: allocate", NULL},
        {"commit hold=O1 channel=web 1 A@DC", "ok: commit", NULL},
        {"commit hold=O2 channel=any 2 A@DC", "ok: commit", NULL},
        {"commit hold=O3 1 A@DC", "ok: commit", NULL},
        {"commit hold=O4 fact channel=label 1 A@DC", "ok: commit", NULL},
        {"commit hold=O5 channel=web 2 A@DC", "ok: commit", NULL},
        {"commit hold=O6 channel=amz 1 A@DC", "ok: commit out_of_stock", NULL},
        {"adjust -8 A@DC", "ok: adjust oversold(8) | short(O4 1) short(O3 1) short(O2 2) short(O1 1) short(O6 1) short(O5 2)", NULL},
    };
    WORLD_PLAY(rows);
}

static void units_on_trolleys_lose_cover_last(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# all that is not picked first, then what is, each by the rule", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"commit hold=O1 4 A@L", "ok: commit", NULL},
        {"commit hold=O2 3 A@L", "ok: commit", NULL},
        {"commit hold=O3 3 A@L", "ok: commit out_of_stock", NULL},
        {"pick hold=O3 3 A@L", "ok: pick", NULL},
        {"pick hold=O2 2 A@L", "ok: pick", NULL},
        {"pick hold=O1 1 A@L", "ok: pick", NULL},
        {"adjust -2 A@L", "ok: adjust oversold(2) | short(O2 1) short(O1 1)", NULL},
        {"adjust -4 A@L", "ok: adjust oversold(4) | short(O3 2) short(O1 2)",
         "O3: committed of pos-1, A@L granted 3 committed 3 picked 3 short 2 backordered 2; "
         "O1: committed of pos-1, A@L granted 4 committed 4 picked 1 short 3 backordered 3"},
        {"pick hold=O3 1 A@L", "exceeds_claim O3, A@L asked 1 free 0", NULL},
        {"adjust -2 A@L", "ok: adjust oversold(2) | short(O3 1) short(O2 1)", NULL},
        {"unpick hold=O3 2 A@L", "ok: unpick", NULL},
        {"ship hold=O3 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"ship fact hold=O3 1 A@L", "ok: ship oversold(1) | short(O2 1)",
         "O3: committed of pos-1, A@L granted 3 committed 2 consumed 1 short 2 backordered 2; A@L: sellable 1 committed 9 picked 3 backordered 8 v24"},
        {"# one who has units on trolleys alone is passed over when enough is there", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"commit hold=O1 2 A@L", "ok: commit", NULL},
        {"commit hold=O2 1 A@L", "ok: commit", NULL},
        {"commit hold=O3 2 A@L", "ok: commit out_of_stock", NULL},
        {"pick hold=O1 2 A@L", "ok: pick", NULL},
        {"pick hold=O2 1 A@L", "ok: pick", NULL},
        {"adjust -3 A@L", "ok: adjust oversold(3) | short(O3 2) short(O2 1)", NULL},
    };
    WORLD_PLAY(rows);
}

static void a_rule_holds_for_all_below_it(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# inherited from the nearest above, as it is now", NULL, NULL},
        {"location location=TOP shortfall=newest", "ok: config", NULL},
        {"location location=MID parent=TOP", "ok: config", NULL},
        {"location location=L parent=MID", "ok: config", NULL},
        {"location location=OTHER", "ok: config", NULL},
        {"receive 4 A@L 4 A@OTHER", "ok: receive receive", NULL},
        {"hold hold=H1 expires=0 2 A@L", "ok: hold", NULL},
        {"hold hold=H2 expires=0 2 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=K expires=0 4 A@OTHER", "ok: hold out_of_stock", NULL},
        {"adjust -1 A@L -1 A@OTHER", "ok: adjust oversold(1) adjust oversold(1) | short(H2 1)", NULL},
        {"location location=MID parent=TOP shortfall=unpaid", "ok: config", NULL},
        {"commit hold=H2 paid", "ok: commit", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1) | short(H1 1)", NULL},
        {"location location=MID parent=TOP", "ok: config", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1) | short(H2 1)", NULL},
        {"# a rule that comes where more is promised than there is does its work then", NULL, NULL},
        {"receive 4 A@L 5 B@L 6 A@M", "ok: receive receive receive", NULL},
        {"hold hold=H1 expires=0 2 A@L 5 B@L 6 A@M", "ok: hold hold out_of_stock hold out_of_stock", NULL},
        {"hold hold=H2 expires=0 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -1 A@L -2 B@L -3 A@M", "ok: adjust oversold(1) adjust oversold(2) adjust oversold(3)", NULL},
        {"location location=TOP", "ok: config", NULL},
        {"location location=L parent=TOP", "ok: config", NULL},
        {"location location=TOP shortfall=newest", "ok: config | short(H2 1) | short(H1 2)", NULL},
        {"location location=M parent=TOP", "ok: config | short(H1 3)", NULL},
        {"location location=M", "ok: config", NULL},
        {"adjust -1 A@M", "ok: adjust oversold(1)", NULL},
        {"# without a rule any longer", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 4 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 4 A@L", "ok: hold out_of_stock", NULL},
        {"location location=L", "ok: config", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1)", NULL},
        {"# bins: the rule of the node counts", NULL, NULL},
        {"location location=N shortfall=newest", "ok: config", NULL},
        {"location location=B parent=N no_promise shortfall=unpaid", "ok: config", NULL},
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H1 expires=0 3 A@N", "ok: hold", NULL},
        {"hold hold=H2 expires=0 2 A@N", "ok: hold out_of_stock", NULL},
        {"commit hold=H2 paid", "ok: commit", NULL},
        {"adjust -1 A@B", "ok: adjust bins oversold(1) | short(H2 1)", NULL},
        {"adjust -9 A@B", "ok: adjust discrepancy(below_zero 5) bins oversold(9) | short(H2 1) short(H1 3)", NULL},
    };
    WORLD_PLAY(rows);
}

static void what_lost_cover_goes_with_what_lacks_it(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# covered again, the oldest claim first: of a claim, what lost cover", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"set_policy item=A location=L backorders=3", "ok: set_policy", NULL},
        {"receive 6 A@L", "ok: receive back_in_stock", NULL},
        {"hold hold=H1 expires=0 2 A@L", "ok: hold", NULL},
        {"hold hold=H2 backorder expires=0 6 A@L", "ok: hold out_of_stock", "H2: held of pos-1, A@L granted 6 held 6 backordered 2"},
        {"adjust -5 A@L", "ok: adjust oversold(5) | short(H2 4) short(H1 1)",
         "H2: held of pos-1, A@L granted 6 held 6 short 4 backordered 6; H1: held of pos-1, A@L granted 2 held 2 short 1 backordered 1"},
        {"receive 4 A@L", "ok: receive | cover cover",
         "H1: held of pos-1, A@L granted 2 held 2; H2: held of pos-1, A@L granted 6 held 6 short 1 backordered 3"},
        {"receive 2 A@L", "ok: receive | cover", "H2: held of pos-1, A@L granted 6 held 6 backordered 1"},
        {"# released and expired, what lacks cover first", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 6 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=10 6 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -4 A@L", "ok: adjust oversold(4) | short(H1 4)", NULL},
        {"release hold=H1 1 A@L", "ok: release", "H1: held of pos-1, A@L granted 6 held 5 released 1 short 3 backordered 3, ends +10"},
        {"commit hold=H1 1 A@L", "ok: commit", "H1: held of pos-1, A@L granted 6 held 4 committed 1 released 1 short 3 backordered 3, ends +10"},
        {"wait 10", "ok: expire back_in_stock",
         "H1: committed of pos-1, A@L granted 6 committed 1 released 1 expired 4; A@L: sellable 2 committed 1 v10"},
        {"# shipped, what has cover first", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 6 A@L", "ok: receive", NULL},
        {"commit hold=O 6 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -2 A@L", "ok: adjust oversold(2) | short(O 2)", NULL},
        {"ship hold=O", "insufficient_stock, A@L asked 6 free 4", NULL},
        {"ship hold=O 4 A@L", "ok: ship", "O: committed of pos-1, A@L granted 6 committed 2 consumed 4 short 2 backordered 2"},
        {"sale hold=O 1 A@L", "ok: sale discrepancy(below_zero 1) oversold(1)",
         "O: committed of pos-1, A@L granted 6 committed 1 consumed 5 short 1 backordered 1"},
        {"# lowered, moved elsewhere, asked for again", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 6 A@L 9 A@M", "ok: receive receive", NULL},
        {"commit hold=O 6 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -4 A@L", "ok: adjust oversold(4) | short(O 4)", NULL},
        {"amend hold=O 5 A@L", "ok: amend", "O: committed of pos-1, A@L granted 6 committed 5 released 1 short 3 backordered 3"},
        {"reassign hold=O to=M 2 A@L", "ok: reassign reassign",
         "O: committed of pos-1, A@L granted 4 committed 3 released 1 short 1 backordered 1, A@M granted 2 committed 2"},
        {"hold hold=H expires=0 5 A@M", "ok: hold", NULL},
        {"adjust -3 A@M", "ok: adjust oversold(1) out_of_stock", NULL},
        {"location location=M shortfall=newest", "ok: config | short(H 1)", NULL},
        {"hold hold=H expires=0 5 A@M", "insufficient_stock, A@M asked 5 free 4", NULL},
        {"hold hold=H expires=0 4 A@M", "ok: hold", "H: held of pos-1, A@M granted 5 held 4 released 1"},
        {"# ended, and had again", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"hold hold=H expires=10 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1) | short(H 1)", NULL},
        {"wait 10", "ok: expire back_in_stock", "H: expired of pos-1, A@L granted 2 expired 2; A@L: sellable 1 v8"},
        {"commit hold=H 1 A@L", "ok: commit out_of_stock", NULL},
        {"adjust -1 A@L", "ok: adjust oversold(1) | short(H 1)", NULL},
        {"# shorts come before covers, both before those who wait", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 4 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=0 4 A@L", "ok: hold out_of_stock", NULL},
        {"set_policy item=A location=M backorders=2", "ok: set_policy", NULL},
        {"hold hold=H2 expires=0 backorder 1 A@M", "ok: hold", NULL},
        {"hold hold=H3 expires=0 wait 1 A@M", "ok: hold, A@M asked 1 free 0", NULL},
        {"transfer to=M 2 A@L", "ok: transfer oversold(2) transfer back_in_stock | short(H1 2) | cover | hold out_of_stock", NULL},
        {"# a claim that lost cover is not asked for more than it has by a dry run", NULL, NULL},
        {"location location=L shortfall=newest", "ok: config", NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"hold hold=H expires=0 2 A@L", "ok: hold out_of_stock", NULL},
        {"adjust dry -1 A@L", "dry ok: adjust oversold(1)", "H: held of pos-1, A@L granted 2 held 2"},
    };
    WORLD_PLAY(rows);
}

/* ---- more than one decision may have ---- */

#define MANY (2 * SERVED_MAX + 40)

static uint32_t decisions, shorts;
static int64_t order[MANY];

static void note_short(const struct decision *decision)
{
    if (decision->kind != KIND_SHORT)
        return;
    decisions++;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        assert_int_equal(decision->events[i].type, EVENT_SHORT);
        order[shorts++] = atoi(decision->events[i].hold.bytes + 1);
    }
}

/* Of many claims, in decisions of SERVED_MAX with nothing between: by the rule over all of them. */
static void many_claims_lose_cover_in_more_decisions(const char *rule, unsigned picked)
{
    struct ledger_limits limits = world_limits;
    struct world world;
    char step[80];
    limits.claim_count_max = limits.claim_line_count_max = MANY + 1;
    world_init(&world, &limits);
    world_step(&world, rule);
    (void)snprintf(step, sizeof(step), "receive %d A@L", MANY);
    world_step(&world, step);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(step, sizeof(step), "commit hold=O%u %s 1 A@L", i, i % 2 == 0 ? "paid" : "");
        world_step(&world, step);
        (void)snprintf(step, sizeof(step), "pick hold=O%u 1 A@L", i);
        if (i % 4 < picked)
            world_step(&world, step);
    }
    decisions = shorts = 0;
    world.told = note_short;
    (void)snprintf(step, sizeof(step), "adjust -%d A@L", MANY);
    world_step(&world, step);
    world_wait(&world, 0);
    assert_int_equal(shorts, MANY);
    world_deinit(&world);
}

static void what_exceeds_a_decision_goes_on_in_the_next(void **state)
{
    (void)state;
    many_claims_lose_cover_in_more_decisions("location location=L shortfall=newest", 0);
    assert_int_equal(decisions, 3);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(order[i], MANY - 1 - i);
    many_claims_lose_cover_in_more_decisions("location location=L shortfall=unpaid,newest", 0);
    assert_int_equal(decisions, 3);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(order[i], i < MANY / 2 ? MANY - 1 - 2 * i : 2 * MANY - 2 - 2 * i);
    /* Where all of it is lost, trolleys make no difference. */
    many_claims_lose_cover_in_more_decisions("location location=L shortfall=newest", 1);
    assert_int_equal(decisions, 3);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(order[i], MANY - 1 - i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_claim_loses_cover_first),
        cmocka_unit_test(each_criterion_decides_what_those_before_it_do_not),
        cmocka_unit_test(who_can_be_served_elsewhere_loses_cover_here),
        cmocka_unit_test(units_on_trolleys_lose_cover_last),
        cmocka_unit_test(a_rule_holds_for_all_below_it),
        cmocka_unit_test(what_lost_cover_goes_with_what_lacks_it),
        cmocka_unit_test(what_exceeds_a_decision_goes_on_in_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
