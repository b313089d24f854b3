/*
 * Goal: what occurred in a closed period and comes later is booked at its end, whatever it is; figures of a closed period, as
 * booked, never change again; a closing changes nothing else (API.md, as of a time).
 * Method: tables in near-prose, see ledger_world.h, where `booked` is a sum over all that happened; and all orders of what
 * comes late behind a closing, with another closing among it.
 */
#include "ledger_world.h"

static void late_facts(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# booked at the bound: not before it, and not what came in time", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"sale 1 A@L occurred=-60", "ok: sale", "booked A@L -60: sellable 9"},
        {"close_period until=-50", "ok: close_period(-50)", "A@L: sellable 9 v2"},
        {"sale 2 A@L occurred=-51", "ok: sale", "past A@L -51: sellable 7; booked A@L -51: sellable 9; booked A@L -50: sellable 7"},
        {"sale 3 A@L occurred=-50", "ok: sale", "booked A@L -51: sellable 9; booked A@L -50: sellable 4"},
        {"sale 1 A@L occurred=-20", "ok: sale", "booked A@L -21: sellable 4; booked A@L -20: sellable 3"},
        {"sale 1 A@L", "ok: sale", "booked A@L -1: sellable 3; booked A@L 0: sellable 2; A@L: sellable 2 v6"},

        {"# a later closing does not move what is booked", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"sale 2 A@L occurred=-90", "ok: sale", NULL},
        {"close_period until=-10", "ok: close_period(-10)", "booked A@L -51: sellable 10; booked A@L -50: sellable 8"},
        {"sale 3 A@L occurred=-90", "ok: sale", "booked A@L -11: sellable 8; booked A@L -10: sellable 5; past A@L -90: sellable 5"},
        {"sale 1 A@L occurred=-40", "ok: sale", "booked A@L -11: sellable 8; booked A@L -10: sellable 4"},

        {"# all that goes on in cells: both ends of a transfer, claims, documents, bins", NULL, NULL},
        {"location location=P", "ok: config", NULL},
        {"location location=P1 parent=P no_promise", "ok: config", NULL},
        {"receive 10 A@L 5 A@P1", "ok: receive receive bins", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"transfer 4 A@L to=P1 occurred=-60", "ok: transfer transfer bins",
         "booked A@L -51: sellable 10; booked A@P1 -51: sellable 5; booked A@P -51: in_bins 5;"
         " booked A@L -50: sellable 6; booked A@P1 -50: sellable 9; booked A@P -50: in_bins 9"},
        {"transfer_out transfer=T 2 A@L to=M occurred=-60", "ok: transfer_out transfer_out",
         "booked A@M -51:; booked A@M -50: in_transit 2"},
        {"hold fact hold=H 3 A@L occurred=-60", "ok: hold", "booked A@L -51: sellable 10; booked A@L -50: sellable 4 held 3"},
        {"sale hold=H 3 A@L occurred=-60", "ok: sale", "booked A@L -51: sellable 10; booked A@L -50: sellable 1"},
        {"adjust -2 A@L occurred=-60", "ok: adjust discrepancy(below_zero 1) oversold(1) out_of_stock",
         "booked A@L -51: sellable 10; booked A@L -50: sellable -1"},
    };
    WORLD_PLAY(rows);
}

static void statements(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a count in a closed period, and what corrects one there", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"count 8 A@L occurred=-60", "ok: count(-2)", "booked A@L -51: sellable 10; booked A@L -50: sellable 8"},
        {"sale 2 A@L occurred=-70", "ok: sale correction(0)",
         "A@L: sellable 8 v4; past A@L -70: sellable 8; booked A@L -51: sellable 10; booked A@L -50: sellable 8"},

        {"# a correction belongs to the count, where that is open", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 8 A@L occurred=-20", "ok: count(-2)", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"sale 2 A@L occurred=-70", "ok: sale correction(0)",
         "A@L: sellable 8 v4; booked A@L -51: sellable 10; booked A@L -50: sellable 8; booked A@L -21: sellable 8;"
         " booked A@L -20: sellable 8"},

        {"# a window over the bound: a count belongs to its end", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"count 7 A@L since=-60 occurred=-40", "ok: count(-3)", "booked A@L -41: sellable 10; booked A@L -40: sellable 7"},

        {"# a reversal, at an original time that is closed", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"sale 4 A@L id=s", "ok: sale", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"reverse of=s", "ok: reverse", "past A@L -100: sellable 10; booked A@L -51: sellable 6; booked A@L -50: sellable 10"},

        {"# a count that is reversed: with what it found now, and what that makes of one that is open", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"count 8 A@L occurred=-60 id=c", "ok: count(-2)", NULL},
        {"count 7 A@L occurred=-20", "ok: count(-1)", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"sale 1 A@L occurred=-70", "ok: sale correction(-1)", NULL},
        {"reverse of=c", "ok: reverse(0) correction(-2)",
         "A@L: sellable 7 v7; past A@L -21: sellable 9; booked A@L -51: sellable 8; booked A@L -50: sellable 9;"
         " booked A@L -21: sellable 9; booked A@L -20: sellable 7"},

        {"# a snapshot of a time that is closed, booked; what corrects it; and what comes with a transfer there", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"snapshot 7 A@L occurred=-60", "ok: snapshot(7 not 10)",
         "past A@L -60: sellable 7; booked A@L -51: sellable 10; booked A@L -50: sellable 7"},
        {"transfer 2 A@L to=M occurred=-70", "ok: transfer correction(-1) transfer",
         "A@L: sellable 7 v4; booked A@L -51: sellable 10; booked A@L -50: sellable 7; booked A@M -51:;"
         " booked A@M -50: sellable 2"},

        {"# a snapshot, by a time that is closed and by a position", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 100", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"snapshot 7 A@L occurred=-60", "ok: snapshot(7 not 10)", "booked A@L -51: sellable 10"},
        {"snapshot source=b 6 A@L seen=2", "ok: snapshot(6 not 10) correction(0) correction(1)", "booked A@L -51: sellable 10"},

        {"# what was held and is admitted", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"close_period until=-50", "ok: close_period(-50)", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(3 too_late)", NULL},
        {"resolve review=3 accept", "ok: resolve(3 too_late) receive",
         "past A@L -604801: sellable 5; booked A@L -51:; booked A@L -50: sellable 5"},
    };
    WORLD_PLAY(rows);
}

static void closings(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# up to now, again, and on; never back", NULL, NULL},
        {"close_period until=-3600 id=c", "ok: close_period(-3600)", NULL},
        {"close_period until=-3600 id=c", "duplicate of 2", NULL},
        {"close_period until=-7200 id=c", "invalid id_reused id", NULL},
        {"close_period until=-3601", "period_closed", NULL},
        {"close_period until=-3600", "ok: close_period(-3600)", NULL},
        {"close_period dry until=+0", "dry ok: close_period(+0)", NULL},
        {"close_period until=-1800", "ok: close_period(-1800)", NULL},
        {"close_period until=+1", "in_future", NULL},
        {"close_period until=+0", "ok: close_period(+0)", NULL},
        {"close_period until=-1", "period_closed", NULL},
        {"wait 1", "ok:", NULL},
        {"close_period until=+0", "ok: close_period(+0)", NULL},

        {"# only a time, and no other one", NULL, NULL},
        {"close_period", "invalid missing_field until", NULL},
        {"close_period until=2023-11-01", "invalid missing_field until", NULL},
        {"close_period until=-1 occurred=-1", "invalid bad_value occurred_at", NULL},
        {"close_period until=-1700000000", "invalid bad_value until", NULL},
        {"close_period until=-1700000001", "invalid bad_value until", NULL},
        {"close_period until=-1699999999", "ok: close_period(-1699999999)", NULL},

        {"# it moved nothing that could come back, and is no sender's order", NULL, NULL},
        {"close_period until=-1 id=c seq=4", "ok: close_period(-1)", NULL},
        {"close_period until=+0 seq=4", "seq_passed", NULL},
        {"close_period until=+0 not_after=-1", "expired_command", NULL},
        {"reverse of=c", "not_reversible c", NULL},

        {"# what was before 1970 while nothing is closed, and what is refused", NULL, NULL},
        {"receive 5 A@L occurred=-1700000001 seq=1", "ok: receive", "booked A@L -1700000001: sellable 5"},
        {"close_period until=-1", "ok: close_period(-1)", NULL},
        {"ship 6 A@L occurred=-2", "insufficient_stock, A@L asked 6 free 5", "A@L: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

/* ---- all orders ---- */

#define THINGS 6
#define BOUND  100 /* seconds after the begin; what is told is told at 200 */

static const char *const things[THINGS] = {
    "sale 3 A@L occurred=-150",  "receive 7 A@L 1 A@M occurred=-120",
    "transfer 2 A@L to=M occurred=-110", "count 20 A@L since=-140 occurred=-130",
    "reverse of=old",            "adjust -1 A@L occurred=-60",
};

static struct figures as_booked(const struct world *world, uint32_t location, int64_t at_us)
{
    struct figures sum = {{0}};
    for (size_t p = 0; p < world->past_count; p++) {
        const struct world_past *past = &world->past[p];
        for (unsigned f = 0; past->location == location && past->booked_us <= at_us && f < FIGURE_COUNT; f++)
            sum.units[f] += past->delta.units[f];
    }
    return sum;
}

static void assert_frozen(const struct world *world, struct figures was[2][BOUND])
{
    for (uint32_t l = 0; l < 2; l++) {
        for (unsigned s = 0; s < BOUND; s++) {
            struct figures now = as_booked(world, l, WORLD_START_US + s * SECOND_US);
            assert_memory_equal(&was[l][s], &now, sizeof(now));
        }
    }
}

static void one_order(const unsigned *order, unsigned again)
{
    static struct world world;
    static struct figures was[2][BOUND];
    world_init(&world, &world_limits);
    world_step(&world, "receive 30 A@L 5 A@M");
    world_step(&world, "wait 40");
    world_step(&world, "sale 4 A@L id=old");
    world_step(&world, "wait 160");
    world_step(&world, "close_period until=-100");
    for (uint32_t l = 0; l < 2; l++) {
        for (unsigned s = 0; s < BOUND; s++)
            was[l][s] = as_booked(&world, l, WORLD_START_US + s * SECOND_US);
    }
    for (unsigned t = 0; t < THINGS; t++) {
        if (t == again) {
            world_step(&world, "close_period until=-30");
            assert_string_equal(world.answer, "ok: close_period(-30)");
        }
        world_step(&world, things[order[t]]);
        assert_true(strncmp(world.answer, "ok: ", 4) == 0);
        assert_frozen(&world, was);
    }
    /* What is here and what is known now do not depend on the order, nor on when it was closed. */
    world_say_state(&world, "A@L");
    assert_true(strncmp(world.answer, "A@L: sellable 24 ", 17) == 0);
    world_say_state(&world, "A@M");
    assert_string_equal(world.answer, "A@M: sellable 8 v3");
    world_say_state(&world, "past A@L -100");
    assert_string_equal(world.answer, "past A@L -100: sellable 25");
    world_deinit(&world);
}

static void all_orders_of_what_comes_late(void **state)
{
    (void)state;
    unsigned order[THINGS];
    for (unsigned n = 0; n < 720; n++) {
        unsigned rest = n;
        for (unsigned t = 0; t < THINGS; t++) { /* the nth of all orders */
            order[t] = t;
            unsigned with = rest % (t + 1);
            rest /= t + 1;
            order[t] = order[with];
            order[with] = t;
        }
        one_order(order, n % (THINGS + 1));
    }
}

/* ---- the state ---- */

static void the_bound_is_state(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    assert_int_equal(ledger_period(world.ledger).closed_us, 0);
    assert_int_equal(ledger_period(world.ledger).closed_seq, 0);
    world_step(&world, "close_period dry until=-10");
    assert_int_equal(ledger_period(world.ledger).closed_us, 0);
    world_step(&world, "close_period until=-10");
    world_step(&world, "close_period until=-11");
    assert_int_equal(ledger_period(world.ledger).closed_us, WORLD_START_US - 10 * SECOND_US);
    assert_int_equal(ledger_period(world.ledger).closed_seq, 2);
    assert_int_equal(ledger_period(world.twin).closed_seq, 2);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_facts), cmocka_unit_test(statements),
        cmocka_unit_test(closings),   cmocka_unit_test(all_orders_of_what_comes_late),
        cmocka_unit_test(the_bound_is_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
