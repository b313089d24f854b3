/*
 * Goal: kits are exact: what can be had of them, what they take, and what a channel may sell of them, with built ones and
 * components together. Method: tables in near-prose (ledger_world.h). Mistakes others made carry the mistake's name.
 */
#include "ledger_world.h"

/* Four screws and a board make a shelf. */
#define STOCK {"receive 1 SHELF@L 1 BOARD@L 3 SCREW@L", "ok: receive receive receive", NULL}
#define SHELF {"item item=SHELF scale=0 part:BOARD=1 part:SCREW=4", "ok: config", NULL}

static void a_kit_takes_built_ones_first(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# assemble to order and built stock together", NULL, NULL},
        {"receive 1 SHELF@L 5 BOARD@L 10 SCREW@L", "ok: receive receive receive", NULL},
        SHELF,
        {"hold hold=H 3 SHELF@L", "ok: hold out_of_stock hold hold",
         "H: held of pos-1, SHELF@L granted 1 held 1, BOARD@L granted 2 held 2, SCREW@L granted 8 held 8, ends +900"},
        {"hold hold=I 1 SHELF@L", "insufficient_stock, SHELF@L asked 1 free 0", NULL},
        {"commit hold=H 3 SHELF@L", "ok: commit commit commit",
         "H: committed of pos-1, SHELF@L granted 1 committed 1, BOARD@L granted 2 committed 2, SCREW@L granted 8 committed 8"},
        {"pick hold=H 2 SHELF@L", "ok: pick pick pick", "SCREW@L: sellable 10 committed 8 picked 4 v4"},
        {"unpick hold=H 1 SHELF@L", "ok: unpick", "SHELF@L: sellable 1 committed 1 v6"},
        {"ship hold=H 2 SHELF@L", "ok: ship ship ship",
         "H: committed of pos-1, SHELF@L granted 1 consumed 1, BOARD@L granted 2 committed 1 consumed 1, SCREW@L granted 8 "
         "committed 4 consumed 4"},
        {"ship hold=H 2 SHELF@L", "exceeds_claim H, BOARD@L asked 2 free 1, SCREW@L asked 8 free 4", NULL},
        {"release hold=H 1 SHELF@L", "ok: release release", "H: released of pos-1, SHELF@L granted 1 consumed 1, BOARD@L granted 2 "
         "consumed 1 released 1, SCREW@L granted 8 consumed 4 released 4"},
        {"amend hold=H 1 SHELF@L", "hold_ended H, consumed 6 released 5", NULL},
        {"commit hold=J 1 SHELF@L", "ok: commit commit", NULL},
        {"amend hold=J 2 SHELF@L", "invalid bad_value line 0 item", NULL},
        {"commit hold=K 1 SHELF@L", "insufficient_stock, SCREW@L asked 4 free 2", NULL},
        {"# a sale of a kit takes what is there; damaged ones are built ones", NULL, NULL},
        {"receive 1 SHELF@L 5 BOARD@L 10 SCREW@L 1 damaged SHELF@L", "ok: receive receive receive", NULL},
        SHELF,
        {"sale 2 SHELF@L", "ok: sale out_of_stock sale sale", "BOARD@L: sellable 4 v2; SCREW@L: sellable 6 v2"},
        {"sale guard 2 SHELF@L", "insufficient_stock, SCREW@L asked 8 free 6", NULL},
        {"sale 1 damaged SHELF@L", "ok: sale", "SHELF@L: v4"},
        {"sale 2 SHELF@L", "ok: sale sale discrepancy(below_zero 2) oversold(2) out_of_stock", NULL},
        {"# a damaged one beside it leaves a sale of a kit what it is", NULL, NULL},
        {"receive 1 SHELF@L 5 BOARD@L 10 SCREW@L 1 damaged SHELF@L 1 expired SHELF@L", "ok: receive receive receive", NULL},
        SHELF,
        {"sale 2 SHELF@L 1 damaged SHELF@L", "ok: sale out_of_stock sale sale",
         "SHELF@L: expired 1 v3; BOARD@L: sellable 4 v2; SCREW@L: sellable 6 v2"},
        {"sale guard 1 SHELF@L 1 expired SHELF@L", "ok: sale sale sale", "SHELF@L: v4; SCREW@L: sellable 2 v3"},
        {"return 1 damaged SHELF@L 1 expired SHELF@L", "ok: return", NULL},
        {"sale 1 SHELF@L 1 damaged SHELF@L 1 expired SHELF@L",
         "ok: sale sale sale discrepancy(below_zero 2) oversold(2) out_of_stock", "SHELF@L: v6; BOARD@L: sellable 2 v4"},
        {"# goods that come and move are built ones", NULL, NULL},
        {"receive 9 BOARD@L 9 SCREW@L", "ok: receive receive", NULL},
        SHELF,
        {"receive 2 SHELF@L", "ok: receive", "SHELF@L: sellable 2 v1; BOARD@L: sellable 9 v1"},
        {"transfer to=M 1 SHELF@L", "ok: transfer transfer", "BOARD@L: sellable 9 v1"},
        {"adjust -1 SHELF@L reason=x", "ok: adjust out_of_stock", NULL},
        {"return 1 SHELF@L", "ok: return back_in_stock", "SHELF@L: sellable 1 v6; SCREW@L: sellable 9 v1"},
    };
    WORLD_PLAY(rows);
}

static void lines_are_judged_together(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# mistake: a kit and its component in one order", NULL, NULL},
        {"receive 5 BOARD@L 10 SCREW@L", "ok: receive receive", NULL},
        SHELF,
        {"hold hold=H 2 SHELF@L 3 SCREW@L", "insufficient_stock, SHELF@L asked 2 free 1", NULL},
        {"hold hold=H 3 SCREW@L 2 SHELF@L", "insufficient_stock, SHELF@L asked 2 free 1", NULL},
        {"hold hold=H 2 SHELF@L 2 SCREW@L", "ok: hold out_of_stock hold",
         "H: held of pos-1, SCREW@L granted 10 held 10, BOARD@L granted 2 held 2, ends +900"},
        {"# kits that share a component", NULL, NULL},
        {"receive 5 BOARD@L 10 SCREW@L 5 LEG@L", "ok: receive receive receive", NULL},
        SHELF,
        {"item item=TABLE scale=0 part:LEG=1 part:SCREW=3", "ok: config", NULL},
        {"hold hold=H 1 SHELF@L 3 TABLE@L", "insufficient_stock, TABLE@L asked 3 free 2", NULL},
        {"hold hold=H partial 1 SHELF@L 3 TABLE@L", "ok: hold hold out_of_stock hold, TABLE@L asked 3 free 2",
         "H: held of pos-1, BOARD@L granted 1 held 1, SCREW@L granted 10 held 10, LEG@L granted 2 held 2, ends +900"},
        {"hold hold=I partial 1 SHELF@L", "insufficient_stock, SHELF@L asked 1 free 0", NULL},
        {"hold hold=H 1 SHELF@L 2 TABLE@L", "ok: hold hold hold", NULL}, /* its own holder is not in its way */
        {"# who waits for a kit waits for all of it", NULL, NULL},
        {"receive 1 BOARD@L 2 SCREW@L", "ok: receive receive", NULL},
        SHELF,
        {"hold hold=W wait 1 SHELF@L", "ok: hold hold, SCREW@L asked 4 free 2", "W: waiting of pos-1, BOARD@L waiting 1, SCREW@L waiting 4, "
         "ends +900"},
        {"receive 1 SCREW@L", "ok: receive", NULL},
        {"receive 1 SCREW@L", "ok: receive | hold out_of_stock hold out_of_stock", NULL},
        {"release hold=W 1 SHELF@L", "ok: release back_in_stock release back_in_stock", NULL},
        {"# what lacks cover is a component", NULL, NULL},
        {"receive 1 BOARD@L 2 SCREW@L", "ok: receive receive", NULL},
        {"set_policy item=SCREW location=L backorders=10", "ok: set_policy", NULL},
        SHELF,
        {"hold hold=H backorder 1 SHELF@L", "ok: hold out_of_stock hold out_of_stock", "H: held of pos-1, BOARD@L granted 1 held 1, "
         "SCREW@L granted 4 held 4 backordered 2, ends +900"},
        {"hold hold=I backorder 1 SHELF@L", "insufficient_stock, BOARD@L asked 1 free 0", NULL},
        {"# what is free goes to all lines before anything may lack cover", NULL, NULL},
        {"receive 4 SCREW@L", "ok: receive", NULL},
        {"set_policy item=SCREW location=L backorders=16", "ok: set_policy", NULL},
        {"item item=BOX scale=0 part:SCREW=3", "ok: config", NULL},
        {"hold hold=H backorder locations=L 8 BOX@ 3 SCREW@", "no_source, BOX@? asked 8 free 5", NULL},
        {"hold hold=H backorder locations=L 5 BOX@ 3 SCREW@", "ok: hold out_of_stock", "H: held of pos-1, SCREW@L granted 18 held 18 backordered 14, ends +900"},
        {"# a kit moves with its claim", NULL, NULL},
        {"receive 2 BOARD@L 8 SCREW@L 1 BOARD@M 4 SCREW@M", "ok: receive receive receive receive", NULL},
        SHELF,
        {"hold hold=H 1 SHELF@L", "ok: hold hold", NULL},
        {"reassign hold=H to=M 1 SHELF@L", "ok: reassign reassign reassign out_of_stock reassign out_of_stock",
         "BOARD@L: sellable 2 v3; SCREW@M: sellable 4 held 4 v3"},
        {"# what of it is on a trolley stays: the rest moves by its components", NULL, NULL},
        {"receive 1 SHELF@L 2 BOARD@L 8 SCREW@L 1 BOARD@M 4 SCREW@M", "ok: receive receive receive receive receive", NULL},
        SHELF,
        {"commit hold=H 2 SHELF@L", "ok: commit out_of_stock commit commit", NULL},
        {"pick hold=H 1 SHELF@L", "ok: pick", "SHELF@L: sellable 1 committed 1 picked 1 v4"},
        {"reassign hold=H to=M 1 SHELF@L", "ok: reassign reassign reassign out_of_stock reassign out_of_stock",
         "SHELF@L: sellable 1 committed 1 picked 1 v4; SCREW@M: sellable 4 committed 4 v3"},
        {"# a kit is looked for where it was built, then where its first component is", NULL, NULL},
        {"receive 1 BOARD@L 4 SCREW@L 1 BOARD@M 8 SCREW@M", "ok: receive receive receive receive", NULL},
        SHELF,
        {"hold hold=G 1 SHELF@", "ok: hold out_of_stock hold out_of_stock",
         "G: held of pos-1, BOARD@L granted 1 held 1, SCREW@L granted 4 held 4, ends +900"},
        {"release hold=G", "ok: release back_in_stock release back_in_stock", NULL},
        {"receive 1 SHELF@N", "ok: receive", NULL},
        {"hold hold=H 3 SHELF@ rule=fewest_splits", "ok: hold out_of_stock hold out_of_stock hold out_of_stock hold out_of_stock hold",
         NULL},
        {"hold hold=I wait 1 SHELF@", "ok: hold hold, BOARD@N asked 1 free 0, SCREW@N asked 4 free 0",
         "I: waiting of pos-1, BOARD@N waiting 1, SCREW@N waiting 4, ends +900"},
        {"# of what was nowhere ever none can be waited for", NULL, NULL},
        {"item item=NUT scale=0", "ok: config", NULL},
        {"item item=BOX scale=0 part:NUT=2", "ok: config", NULL},
        {"hold hold=H wait 1 BOX@", "no_source, BOX@? asked 1 free 0", NULL},
        {"# where its components may lack cover a kit may, whatever its own cell allows", NULL, NULL},
        {"receive 1 SHELF@L 1 BOARD@L 2 SCREW@L 3 BOARD@M 5 SCREW@M", "ok: receive receive receive receive receive", NULL},
        {"set_policy item=SHELF location=L backorders=10", "ok: set_policy", NULL},
        {"set_policy item=SCREW location=M backorders=7", "ok: set_policy", NULL},
        SHELF,
        {"hold hold=H backorder 4 SHELF@ locations=L,M", "ok: hold out_of_stock hold out_of_stock hold out_of_stock",
         "H: held of pos-1, SHELF@L granted 1 held 1, BOARD@M granted 3 held 3, SCREW@M granted 12 held 12 backordered 7, ends +900"},
        {"hold hold=I backorder 1 SHELF@ locations=L,M", "no_source, SHELF@? asked 1 free 0", NULL},
        {"# a kit finds its place", NULL, NULL},
        {"receive 1 BOARD@L 3 SCREW@L 2 BOARD@M 8 SCREW@M", "ok: receive receive receive receive", NULL},
        SHELF,
        {"receive 1 SHELF@M", "ok: receive", NULL},
        {"hold hold=H locations=L,M 2 SHELF@", "ok: hold out_of_stock hold hold",
         "H: held of pos-1, SHELF@M granted 1 held 1, BOARD@M granted 1 held 1, SCREW@M granted 4 held 4, ends +900"},
        {"hold hold=I locations=L,M 2 SHELF@", "no_source, SHELF@? asked 2 free 1", NULL},
    };
    WORLD_PLAY(rows);
}

static void channels_sell_kits(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# mistake: availability as a difference of minimums", NULL, NULL},
        {"set_channel channel=web locations=L,M", "ok: set_channel", NULL},
        {"receive 5 BOARD@L 10 SCREW@L 9 BOARD@M 3 SCREW@M", "ok: receive receive receive receive", NULL},
        SHELF,
        {"extend hold=X expires=5", "unknown_hold X", "web/SHELF: ats 2"},
        {"receive 1 SCREW@M 2 SHELF@L", "ok: receive receive", "web/SHELF: ats 5"},
        {"hold hold=H channel=web 1 SHELF@L", "ok: hold", "web/SHELF: ats 4; web/SCREW: ats 14"},
        {"hold hold=I channel=web 3 SHELF@L", "ok: hold out_of_stock hold hold", "web/SHELF: ats 1; web/SCREW: ats 6; web/BOARD: ats 12"},
        {"sale 6 SCREW@L", "ok: sale oversold(4) out_of_stock", "web/SHELF: ats 1"},
        {"set_channel channel=web locations=M buffer=1", "claims_open web, claims 2: H I", NULL},
        {"release hold=H", "ok: release back_in_stock", "web/SHELF: ats 2"},
        {"release hold=I", "ok: release release release back_in_stock", "web/SHELF: ats 4"},
        {"set_channel channel=web locations=M", "ok: set_channel", "web/SHELF: ats 1"},
        {"item item=SHELF scale=0 part:BOARD=2", "ok: config", "web/SHELF: ats 4"},
        {"item item=SHELF scale=0", "ok: config", "web/SHELF: ats 0"},
        {"# quotas of components", NULL, NULL},
        {"set_channel channel=web locations=L shares=no", "ok: set_channel", NULL},
        {"receive 5 BOARD@L 10 SCREW@L", "ok: receive receive", NULL},
        SHELF,
        {"allocate channel=web item=BOARD location=L units=3", "ok: allocate", "web/SHELF: ats 0"},
        {"allocate channel=web item=SCREW location=L units=8", "ok: allocate", "web/SHELF: ats 2"},
        {"hold hold=H channel=web 2 SHELF@L", "ok: hold hold", "web/SHELF: ats 0; web/BOARD@L: free 1 quota 1"},
    };
    WORLD_PLAY(rows);
}

static void kits_have_bounds(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# no kit in a kit, and whole ones alone", NULL, NULL},
        {"receive 5 BOARD@L 10 SCREW@L", "ok: receive receive", NULL},
        SHELF,
        {"item item=ROOM scale=0 part:SHELF=2", "kit_in_kit SHELF", NULL},
        {"item item=BOARD scale=0 part:SCREW=2", "kit_in_kit BOARD", NULL},
        {"item item=SHELF scale=0 part:SHELF=2", "circular SHELF", NULL},
        {"item item=BOX scale=1 part:SCREW=2", "invalid bad_value scale", NULL},
        {"item item=BOX scale=0 part:SCREW=9007199254740991", "ok: config", NULL},
        {"hold fact hold=H 2 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"hold fact hold=H 1 BOX@L 1 SCREW@L", "invalid out_of_range line 0 quantity", NULL},
        {"hold hold=H 1 BOX@L", "insufficient_stock, BOX@L asked 1 free 0", NULL},
        {"delete_item item=SCREW", "in_use BOX", NULL},
        {"# what a kit takes is in range, whatever takes it", NULL, NULL},
        {"receive 5 NUT@L", "ok: receive", NULL},
        {"item item=BOX scale=0 part:NUT=2", "ok: config", NULL},
        {"item item=TON scale=0 part:NUT=2000", "ok: config", NULL},
        {"hold hold=H 1 BOX@L", "ok: hold", NULL},
        {"release hold=H 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"release hold=H 9007199254740991 TON@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit hold=H 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit fact hold=I 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit hold=H 1 BOX@L", "ok: commit", NULL},
        {"pick hold=H 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"reassign fact hold=H to=M 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"sale 9007199254740991 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"# a component that is not there yet", NULL, NULL},
        {"receive 5 NUT@L 1 BOLT@M", "ok: receive receive", NULL},
        {"item item=BOX scale=0 part:BOLT=1 part:NUT=2", "ok: config", NULL},
        {"hold hold=H 2 NUT@L", "ok: hold", NULL},
        {"release hold=H 1 BOX@L", "exceeds_claim H, BOLT@L asked 1 free 0", NULL},
        {"# a kit that is none any more leaves the others as they are", NULL, NULL},
        {"receive 6 NUT@L", "ok: receive", NULL},
        {"item item=BOX scale=0 part:NUT=2", "ok: config", NULL},
        {"item item=BAG scale=0 part:NUT=3", "ok: config", NULL},
        {"item item=BOX scale=0", "ok: config", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", "web/BAG: ats 2; web/BOX: ats 0"},
        {"sale 1 NUT@L", "ok: sale", "web/BAG: ats 1"},
    };
    WORLD_PLAY(rows);
}

static void a_kit_is_not_in_its_own_way(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# looked for again, with its own components given back", NULL, NULL},
        {"receive 4 C@L", "ok: receive", NULL},
        {"item item=KIT part:C=2", "ok: config", NULL},
        {"hold hold=H 2 KIT@ locations=L", "ok: hold out_of_stock", "H: held of pos-1, C@L granted 4 held 4, ends +900"},
        {"hold hold=H 2 KIT@ locations=L", "ok: hold", "H: held of pos-1, C@L granted 4 held 4, ends +900"},
        {"hold hold=H 3 KIT@ locations=L", "no_source, KIT@? asked 3 free 2", NULL},
        {"# picked one by one: the built one first, then the parts of the other", NULL, NULL},
        {"receive 2 C@L 1 KIT@L", "ok: receive receive", NULL},
        {"item item=KIT part:C=2", "ok: config", NULL},
        {"commit hold=H 2 KIT@L", "ok: commit out_of_stock commit out_of_stock", NULL},
        {"pick hold=H 1 KIT@L", "ok: pick", "H: committed of pos-1, KIT@L granted 1 committed 1 picked 1, C@L granted 2 committed 2"},
        {"pick hold=H 1 KIT@L", "ok: pick",
         "H: committed of pos-1, KIT@L granted 1 committed 1 picked 1, C@L granted 2 committed 2 picked 2"},
        {"pick hold=H 1 KIT@L", "exceeds_claim H, C@L asked 2 free 0", NULL},
    };
    WORLD_PLAY(rows);
}

/* The world begins on 2023-11-14 at 22:13:20. */
static void what_can_be_promised_of_a_kit(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# built ones, and what the components will do for", NULL, NULL},
        STOCK,
        SHELF,
        {"receive 1 BOARD@M", "ok: receive",
         "atp SHELF@L: 1; atp SHELF@L now 1: 1 from +0; atp SHELF@L now 2: 1 never; atp SHELF@M: 0"},
        {"expect expectation=B direction=in due=+100 3 BOARD@L", "ok: expect", "atp SHELF@L +100: 1"},
        {"expect expectation=S direction=in due=+200 9 SCREW@L", "ok: expect",
         "atp SHELF@L +199: 1; atp SHELF@L +200: 4; atp SHELF@L now 4: 1 from +200; atp SHELF@L +500 2: 4 from +500"},
        {"expect expectation=K direction=in due=+150 2 SHELF@L", "ok: expect",
         "atp SHELF@L +149: 1; atp SHELF@L +150: 3; atp SHELF@L +200: 6; atp SHELF@L now 3: 1 from +150;"
         "atp SHELF@L now 4: 1 from +200; atp SHELF@L now 6: 1 from +200; atp SHELF@L now 7: 1 never"},
        {"expect expectation=O direction=out due=+300 7 SCREW@L", "ok: expect",
         "atp SHELF@L +200: 4; atp SHELF@L +300: 4; atp SHELF@L now 4: 1 from +200; atp SHELF@L now 5: 1 never"},
        {"hold hold=H at=+200 expires=0 2 SHELF@L", "ok: hold", "atp SHELF@L +200: 2"},
        {"expect expectation=L direction=in due=+600 5 SHELF@L", "ok: expect",
         "atp SHELF@L +599: 2; atp SHELF@L +600: 7; atp SHELF@L now 7: 1 from +600"},
        {"# one that is short takes nothing from the others", NULL, NULL},
        STOCK,
        SHELF,
        {"receive 6 SCREW@L 2 BOARD@L", "ok: receive receive", "atp SHELF@L: 3"},
        {"adjust -3 SHELF@L reason=x", "ok: adjust discrepancy(below_zero 2) oversold(2) out_of_stock",
         "atp SHELF@L: 2; atp SHELF@L now 2: 2 from +0"},
        {"expect expectation=O direction=out due=+50 30 SCREW@L", "ok: expect", "atp SHELF@L: -2; atp SHELF@L now 1: -2 never"},
        {"# days, and a component without a cell", NULL, NULL},
        {"item item=BOARD scale=0", "ok: config", NULL},
        {"item item=SCREW scale=0", "ok: config", NULL},
        SHELF,
        {"receive 8 SCREW@L", "ok: receive", "atp SHELF@L: 0; atp SHELF@L now 1: 0 never"},
        {"expect expectation=B direction=in due=2023-12-01 9 BOARD@L", "ok: expect",
         "atp SHELF@L 2023-11-30: 0; atp SHELF@L 2023-12-01: 2; atp SHELF@L 2023-12-01 2: 2 from +1475199"},
        {"# what comes and goes at one time, and what is overdue", NULL, NULL},
        STOCK,
        SHELF,
        {"expect expectation=I direction=in due=+100 5 SHELF@L", "ok: expect", NULL},
        {"expect expectation=O direction=out due=+100 5 SHELF@L", "ok: expect",
         "atp SHELF@L now 1: 1 from +0; atp SHELF@L now 2: 1 never"},
        {"expect expectation=J direction=in due=+200 2 SHELF@L", "ok: expect", "atp SHELF@L now 3: 1 from +200"},
        {"expect expectation=K direction=in due=-100 9 SHELF@L", "ok: expect",
         "atp SHELF@L -200 1: 1 from -200; atp SHELF@L -200 3: 1 from +200; atp SHELF@L now 4: 1 never"},
        {"cancel_expected expectation=I", "ok: cancel_expected", "atp SHELF@L -200 1: -4 never"},
        {"receive 3 SHELF@L", "ok: receive", "atp SHELF@L now 1: -1 from +200"},
        {"cancel_expected expectation=O", "ok: cancel_expected", "atp SHELF@L -200 4: 4 from -200"},
        {"# with the largest numbers", NULL, NULL},
        {"item item=ONE scale=0", "ok: config", NULL},
        {"item item=KIT scale=0 part:ONE=1", "ok: config", NULL},
        {"receive 9007199254740991 ONE@L 9007199254740991 KIT@L", "ok: receive receive", "atp KIT@L: 9007199254740991"},
    };
    WORLD_PLAY(rows);
}

static void kits_are_promised_for_later(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# built ones that are expected are promised, and no more than all", NULL, NULL},
        {"receive 1 BOARD@L", "ok: receive", NULL},
        {"item item=SCREW scale=0", "ok: config", NULL},
        SHELF,
        {"expect expectation=K direction=in due=+100 5 SHELF@L", "ok: expect", "atp SHELF@L +200: 5"},
        {"hold hold=H at=+200 6 SHELF@L", "insufficient_stock, SCREW@L asked 4 free 0", NULL},
        {"hold hold=H at=+99 5 SHELF@L", "insufficient_stock, BOARD@L asked 5 free 1, SCREW@L asked 20 free 0", NULL},
        {"hold hold=H at=+200 5 SHELF@L", "ok: hold", "H: waiting of pos-1, SHELF@L waiting 5, ends +900; atp SHELF@L +200: 0"},
        {"hold hold=I at=+200 1 SHELF@L", "insufficient_stock, SCREW@L asked 4 free 0", NULL},
        {"# built ones and components together, as many as there will be of both", NULL, NULL},
        STOCK,
        SHELF,
        {"expect expectation=E direction=in due=+100 2 SHELF@L 1 BOARD@L 6 SCREW@L", "ok: expect expect expect",
         "atp SHELF@L +100: 5"},
        {"hold hold=H at=+100 6 SHELF@L", "insufficient_stock, BOARD@L asked 3 free 2, SCREW@L asked 12 free 9", NULL},
        {"hold hold=H at=+100 5 SHELF@L", "ok: hold hold hold",
         "H: waiting of pos-1, SHELF@L waiting 3, BOARD@L waiting 2, SCREW@L waiting 8, ends +900"},
        {"hold hold=H at=+100 4 SHELF@L 5 SCREW@L", "ok: hold hold hold",
         "H: waiting of pos-1, SHELF@L waiting 3, BOARD@L waiting 1, SCREW@L waiting 9, ends +900"},
        {"# what is all free now is granted, whatever goes later", NULL, NULL},
        {"receive 3 SHELF@L 1 BOARD@L 4 SCREW@L", "ok: receive receive receive", NULL},
        SHELF,
        {"expect expectation=O direction=out due=+100 2 SHELF@L", "ok: expect", NULL},
        {"expect expectation=I direction=in due=+100 4 BOARD@L 20 SCREW@L", "ok: expect expect", "atp SHELF@L +100: 6"},
        {"hold hold=H at=+100 7 SHELF@L", "insufficient_stock, BOARD@L asked 6 free 5", NULL},
        {"hold hold=H at=+100 6 SHELF@L", "ok: hold hold hold",
         "H: waiting of pos-1, SHELF@L waiting 1, BOARD@L waiting 5, SCREW@L waiting 20, ends +900"},
        {"hold hold=H at=+100 4 SHELF@L", "ok: hold out_of_stock hold out_of_stock hold out_of_stock",
         "H: held of pos-1, SHELF@L granted 3 held 3, BOARD@L granted 1 held 1, SCREW@L granted 4 held 4, ends +900"},
        {"# where another line has to wait, the kits are judged for its time with it", NULL, NULL},
        {"receive 3 SHELF@L 2 BOARD@L", "ok: receive receive", NULL},
        {"item item=SCREW scale=0", "ok: config", NULL},
        SHELF,
        {"expect expectation=O direction=out due=+100 3 SHELF@L", "ok: expect", NULL},
        {"expect expectation=I direction=in due=+100 4 BOARD@L 20 SCREW@L", "ok: expect expect", NULL},
        {"hold hold=H at=+100 3 SHELF@L 1 SCREW@L", "ok: hold hold",
         "H: waiting of pos-1, SCREW@L waiting 13, BOARD@L waiting 3, ends +900"},
        {"# granted now also without cover; a place is found as for any hold", NULL, NULL},
        {"receive 1 BOARD@L 2 SCREW@L 1 SHELF@L", "ok: receive receive receive", NULL},
        {"set_policy item=SCREW location=L backorders=2", "ok: set_policy", NULL},
        SHELF,
        {"expect expectation=K direction=in due=+100 5 SHELF@L", "ok: expect", NULL},
        {"hold hold=H at=+100 backorder 2 SHELF@L", "ok: hold out_of_stock hold out_of_stock hold out_of_stock",
         "H: held of pos-1, SHELF@L granted 1 held 1, BOARD@L granted 1 held 1, SCREW@L granted 4 held 4 backordered 2, ends +900"},
        {"hold hold=I at=+100 5 SHELF@", "ok: hold", "I: waiting of pos-1, SHELF@L waiting 5, ends +900"},
        {"# components beyond all numbers are not asked for where built ones will do", NULL, NULL},
        {"receive 1 NUT@L", "ok: receive", NULL},
        {"item item=BOX scale=0 part:NUT=9007199254740991", "ok: config", NULL},
        {"expect expectation=K direction=in due=+100 2 BOX@L", "ok: expect", NULL},
        {"hold hold=H at=+100 4 BOX@L", "invalid out_of_range line 0 quantity", NULL},
        {"hold hold=H at=+100 2 BOX@L", "ok: hold", "H: waiting of pos-1, BOX@L waiting 2, ends +900"},
    };
    WORLD_PLAY(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kit_takes_built_ones_first),
        cmocka_unit_test(lines_are_judged_together),
        cmocka_unit_test(channels_sell_kits),
        cmocka_unit_test(kits_have_bounds),
        cmocka_unit_test(a_kit_is_not_in_its_own_way),
        cmocka_unit_test(what_can_be_promised_of_a_kit),
        cmocka_unit_test(kits_are_promised_for_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
