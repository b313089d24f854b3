/*
 * Goal: what a brake holds is a review, nothing changes, and a verdict decides it as if it came now, at its own time
 * (API.md sections 1 and 3: too_late, limits of a source, resolve).
 * Method: tables in near-prose, see ledger_world.h.
 */
#include "ledger_world.h"

static void brakes(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a fact older than the window without seq is held; accepted, it is decided at its own time", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(2 too_late)", "A@L: none"},
        {"receive 5 A@L occurred=-604800", "ok: receive", "A@L: sellable 5 v1"},
        {"receive 5 A@L occurred=-604801 source=o seq=1", "ok: receive", "A@L: sellable 10 v2"},
        {"resolve review=2 accept", "ok: resolve(2 too_late) receive", "A@L: sellable 15 v3; past A@L -604801: sellable 10"},
        {"resolve review=2 accept", "already_resolved", NULL},
        {"resolve review=1 reject", "unknown_review", NULL},
        {"resolve review=2", "invalid missing_field verdict", NULL},
        {"resolve accept", "invalid missing_field review", NULL},

        {"# rejected, it is dropped; a verdict can be tried", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"sale 5 B@L occurred=-604801 hold=H", "ok: review(2 too_late)", NULL},
        {"resolve dry review=2 accept", "dry ok: resolve(2 too_late) sale discrepancy(no_claim 5) discrepancy(below_zero 5) oversold(5)", "B@L: none"},
        {"resolve review=2 reject", "ok: resolve(2 too_late)", "B@L: none"},
        {"resolve review=2 accept", "already_resolved", NULL},
        {"wait 604801", "ok:", NULL},
        {"resolve review=2 accept", "unknown_review", NULL},

        {"# a source may be late by so much and no more, also with seq", NULL, NULL},
        {"source name=pos-1 age_limit=60", "ok: config", NULL},
        {"receive 1 A@L occurred=-60", "ok: receive", NULL},
        {"receive 1 A@L occurred=-61 seq=1", "ok: review(4 age_limit)", "A@L: sellable 1 v1"},
        {"hold hold=H 1 A@L occurred=-61 seq=2", "ok: hold out_of_stock", NULL},

        {"# a count that finds too much is held: beyond all bounds that are there", NULL, NULL},
        {"source name=pos-1 count_units=5 count_percent=10", "ok: config", NULL},
        {"receive 100 A@L 20 B@L", "ok: receive receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 90 A@L 15 B@L occurred=0", "ok: count(-10) count(-5)", "A@L: sellable 90 v2; B@L: sellable 15 v2"},
        {"count 80 A@L 15 B@L occurred=0", "ok: review(7 count_limit), A@L asked -10 free 90", "A@L: sellable 90 v2"},
        {"wait 5", "ok:", NULL},
        {"sale 2 A@L", "ok: sale", NULL},
        {"resolve review=7 accept", "ok: resolve(7 count_limit) count(-10) count(0)", "A@L: sellable 78 v4"},
        {"count 6 C@L occurred=0", "ok: review(12 count_limit)", NULL},

        {"# a command that is refused when it is accepted leaves its review open", NULL, NULL},
        {"source name=pos-1 strict", "ok: config", NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(3 too_late)", NULL},
        {"resolve review=3 accept source=boss", "unknown_item A", NULL},
        {"item item=A scale=0", "ok: config", NULL},
        {"location location=L", "ok: config", NULL},
        {"resolve review=3 accept source=boss", "ok: resolve(3 too_late) receive", "A@L: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
