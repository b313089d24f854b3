/*
 * Goal: counts of goods and what corrects them (API.md section 3, story S2): what is here now is what was counted and what
 * came since, in whatever order it was told.
 * Method: tables in near-prose, see ledger_world.h; there the books of the past are summed anew for each count.
 */
#include "ledger_world.h"

static void counts(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S2, a count while selling: hours and minutes as seconds from 08:00", NULL, NULL},
        {"wait 14400", "ok:", NULL}, /* 12:00 */
        {"receive 100 A@S1 occurred=-14400", "ok: receive", NULL},
        {"sale 10 A@S1 occurred=-10800", "ok: sale", NULL},
        {"count 85 A@S1 since=-7200 occurred=-6600", "ok: count(-5)", "A@S1: sellable 85 v3; $A: supplier -100 customer 10 loss 5"},
        {"sale 4 A@S1 occurred=-5400", "ok: sale", "A@S1: sellable 81 v4"},
        {"sale 5 A@S1 occurred=-9000", "ok: sale correction(0)", "A@S1: sellable 81 v6; $A: supplier -100 customer 19"},
        {"sale 2 A@S1 occurred=-6900", "ok: sale correction(2 uncertain 2)",
         "A@S1: sellable 81 v8; $A: supplier -100 customer 21 found -2; past A@S1 -8100: sellable 85; past A@S1 -6000: sellable 85"},

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
