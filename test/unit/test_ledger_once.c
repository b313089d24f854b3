/*
 * Goal: each command is decided exactly once, in the order and time its sender allows (API.md section 1): remembered
 * answers, reused ids, ordered sources, not_after, late facts, clock skew, preconditions, dry runs, the id window.
 * Method: tables in near-prose, see ledger_world.h. Each step is also replayed into a second ledger.
 */
#include "ledger_world.h"

static void answers_are_remembered(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# the first answer, accepted or refused, is remembered by source and id", NULL, NULL},
        {"receive id=1 10 A@L", "ok: receive", "A@L: sellable 10 v1"},
        {"receive id=1 10 A@L", "duplicate of 2", "A@L: sellable 10 v1"},
        {"receive id=1 10.0 A@L", "duplicate of 2", NULL},
        {"receive id=1 11 A@L", "invalid id_reused id", "A@L: sellable 10 v1"},
        {"sale id=1 10 A@L", "invalid id_reused id", NULL},
        {"receive id=1 source=web 10 A@L", "ok: receive", "A@L: sellable 20 v2"},
        {"receive id=11 source=we 1 A@L", "ok: receive", NULL},
        {"receive id=1 source=we1 1 A@L", "ok: receive", "A@L: sellable 22 v4"},
        {"ship id=2 30 A@L", "insufficient_stock, A@L asked 30 free 22", NULL},
        {"receive 100 A@L", "ok: receive", NULL},
        {"ship id=2 30 A@L", "duplicate of 6", "A@L: sellable 122 v5"},
        {"sale id=3 200 A@L", "ok: sale discrepancy(below_zero 78) oversold(78) out_of_stock", NULL},
        {"sale id=3 200 A@L", "duplicate of 11", "A@L: sellable -78 v9"},

        {"# what is wrong with the command itself, and dry runs, are not remembered", NULL, NULL},
        {"receive id=1 0.5 A@L", "invalid too_many_decimals line 0 quantity", "A@L: none"},
        {"receive id=1 5 A@L", "ok: receive", "A@L: sellable 5 v1"},
        {"sale id=2 dry 3 A@L", "dry ok: sale", "A@L: sellable 5 v1"},
        {"ship id=2 dry 6 A@L", "dry insufficient_stock, A@L asked 6 free 5", NULL},
        {"sale id=2 4 A@L", "ok: sale", "A@L: sellable 1 v2"},
        {"sale id=2 dry 4 A@L", "dry ok: sale discrepancy(below_zero 3) oversold(3) out_of_stock", "A@L: sellable 1 v2"},
        {"hold hold=H dry 1 A@L", "dry ok: hold out_of_stock", "H: none"},
        {"receive dry 1 B@M", "dry ok: receive", "B@M: none"},

        {"# without an id nothing is remembered", NULL, NULL},
        {"receive id= 5 A@L", "ok: receive", NULL},
        {"receive id= 5 A@L", "ok: receive", "A@L: sellable 10 v2"},

        {"# an id is kept for the window, then forgotten, a few with each decision", NULL, NULL},
        {"receive id=1 5 A@L", "ok: receive", NULL},
        {"wait 604800", "ok:", NULL},
        {"receive id=1 5 A@L", "duplicate of 2", NULL},
        {"receive id=2 5 A@L", "ok: receive", NULL},
        {"receive id=1 5 A@L", "duplicate of 2", NULL},
        {"wait 604801", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"receive id=1 5 A@L", "ok: receive", "A@L: sellable 15 v3"},
    };
    WORLD_PLAY(rows);
}

static void sources_can_be_ordered(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a source becomes ordered with its first seq; one at or below the mark is never applied again", NULL, NULL},
        {"receive id=a 1 A@L", "ok: receive", NULL},
        {"receive id=b seq=5 1 A@L", "ok: receive", NULL},
        {"receive id=b seq=5 1 A@L", "duplicate of 3", "A@L: sellable 2 v2"},
        {"receive id=c seq=5 1 A@L", "seq_passed", "A@L: sellable 2 v2"},
        {"receive id=c seq=5 1 A@L", "duplicate of 4", NULL},
        {"receive id=d seq=4 1 A@L", "seq_passed", NULL},
        {"receive id=e seq=7 1 A@L", "ok: receive", NULL},
        {"receive id=f 1 A@L", "ok: receive", NULL},
        {"receive id=g source=web seq=1 1 A@L", "ok: receive", "A@L: sellable 5 v5"},

        {"# refusals move the mark, what is not decided does not", NULL, NULL},
        {"ship seq=3 1 A@L", "unknown_item A", NULL},
        {"receive seq=3 1 A@L", "seq_passed", NULL},
        {"receive seq=9 0.5 A@L", "invalid too_many_decimals line 0 quantity", NULL},
        {"receive dry seq=9 1 A@L", "dry ok: receive", NULL},
        {"receive seq=4 1 A@L", "ok: receive", "A@L: sellable 1 v1"},

        {"# forgotten answers of an ordered source are not applied again", NULL, NULL},
        {"receive id=1 seq=1 5 A@L", "ok: receive", NULL},
        {"wait 604801", "ok:", NULL},
        {"tick", "ok:", NULL},
        {"receive id=1 seq=1 5 A@L", "seq_passed", "A@L: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

static void times_are_kept(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# not_after is in log time", NULL, NULL},
        {"receive not_after=-1 1 A@L", "expired_command", "A@L: none"},
        {"receive not_after=0 1 A@L", "ok: receive", NULL},
        {"hold hold=H not_after=-1 1 A@L", "expired_command", NULL},
        {"item item=A not_after=-1", "expired_command", NULL},

        {"# a fact older than the window without seq is not applied blindly", NULL, NULL},
        {"receive occurred=-604800 1 A@L", "ok: receive", NULL},
        {"receive occurred=-604801 1 A@L", "ok: review(3 too_late)", "A@L: sellable 1 v1"},
        {"receive occurred=-604801 seq=1 1 A@L", "ok: receive", NULL},
        {"ship occurred=-604801 1 A@L", "ok: ship", "A@L: sellable 1 v3"},
        {"ship fact occurred=-604801 1 A@L", "ok: review(6 too_late)", NULL},

        {"# more than five minutes ahead is accepted and flagged", NULL, NULL},
        {"receive occurred=300 1 A@L", "ok: receive", NULL},
        {"receive occurred=301 1 A@L", "ok: receive clock_skew", "A@L: sellable 2 v2"},
    };
    WORLD_PLAY(rows);
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "receive occurred=300 1 A@L");
    assert_true(world.decision.occurred_at_us == world.now_us + 300 * SECOND_US);
    world_step(&world, "receive occurred=301 1 A@L");
    assert_true(world.decision.occurred_at_us == world.now_us);
    world_step(&world, "receive occurred=-9 1 A@L");
    assert_true(world.decision.occurred_at_us == world.now_us - 9 * SECOND_US);
    assert_true(world.decision.recorded_at_us == world.now_us);
    world_deinit(&world);
}

static void preconditions_hold(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# `if` on a line speaks of its cell", NULL, NULL},
        {"receive 10 A@L if:version=0", "ok: receive", NULL},
        {"receive 10 A@L if:version=0", "precondition_failed", "A@L: sellable 10 v1"},
        {"hold hold=H 4 A@L if:version=1 if:on_hand=10 if:available=10 if:reserved=0", "ok: hold", NULL},
        {"sale 1 A@L if:version=1", "precondition_failed", NULL},
        {"sale 1 A@L if:on_hand=9", "precondition_failed", NULL},
        {"sale 1 A@L if:available=10", "precondition_failed", NULL},
        {"sale 1 A@L if:reserved=0", "precondition_failed", NULL},
        {"sale 1 A@L if:reserved=0.5", "invalid too_many_decimals line 0 if/reserved", NULL},
        {"sale 1 A@L if:available=6", "ok: sale", NULL},
        {"receive 1 B@M if:version=0 1 A@L if:version=2", "precondition_failed", "B@M: none"},
        {"receive 1 B@M if:version=0 1 A@L if:version=3", "ok: receive receive", "B@M: sellable 1 v1"},
        {"sale 1 A@L if:version=9 1 B@L if:on_hand=0.5", "invalid too_many_decimals line 1 if/on_hand", NULL},

        {"# `if` on the command needs it to touch one cell", NULL, NULL},
        {"receive 10 A@L 10 B@L IF:version=0", "invalid bad_value if", NULL},
        {"receive 10 A@L 5 A@L IF:version=0", "ok: receive", NULL},
        {"receive 10 A@L IF:version=0", "precondition_failed", NULL},
        {"receive 10 A@L IF:on_hand=0.5", "invalid too_many_decimals if/on_hand", NULL},
        {"hold hold=H 10 A@L", "ok: hold", NULL},
        {"commit hold=H IF:reserved=9", "precondition_failed", NULL},
        {"commit hold=H IF:reserved=10", "ok: commit", NULL},
        {"commit hold=H IF:reserved=10", "invalid bad_value if", NULL},
        {"ship hold=H IF:on_hand=10", "precondition_failed", NULL},
        {"release hold=H IF:on_hand=10", "precondition_failed", NULL},
        {"release hold=H IF:available=5", "ok: release", "A@L: sellable 15 v4"},
    };
    WORLD_PLAY(rows);
}

/* Ids leave in the order they came, blocks of them together, and the table never forgets early. */
static void a_full_id_table_refuses_new_work(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "settings source=@ledger id= window=100 capacity=3");
    assert_string_equal(world.answer, "ok: config");
    for (unsigned i = 0; i < 3; i++) {
        world_step(&world, "receive 1 A@L");
        assert_string_equal(world.answer, "ok: receive");
    }
    world_step(&world, "receive 1 A@L");
    assert_string_equal(world.answer, "invalid id_table_full");
    world_step(&world, "ship 99 A@L");
    assert_string_equal(world.answer, "invalid id_table_full");
    world_step(&world, "receive dry 1 A@L");
    assert_string_equal(world.answer, "dry ok: receive");
    world_step(&world, "receive id= 1 A@L");
    assert_string_equal(world.answer, "ok: receive");
    world_step(&world, "wait 100");
    world_step(&world, "receive 1 A@L");
    assert_string_equal(world.answer, "invalid id_table_full");
    assert_false(ledger_stale(world.ledger, world.now_us));
    world_step(&world, "wait 1");
    assert_true(ledger_stale(world.ledger, world.now_us));
    world_step(&world, "receive 1 A@L");
    assert_string_equal(world.answer, "ok: receive");
    assert_int_equal(ledger_counts(world.ledger).ids, 1);
    world_deinit(&world);
}

/* Over several blocks and around the ring: what is inside the window is known, what a tick forgot is not. */
static void the_id_window_slides(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {4, 4, 4, 16, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 3100, 0, 0, 0};
    world_init(&world, &limits);
    world_step(&world, "settings source=@ledger id= window=4000 capacity=3100");
    char prose[64];
    for (unsigned i = 0; i < 12000; i++) {
        (void)sprintf(prose, "receive id=n%u 1 A@L", i);
        world_step(&world, prose);
        assert_string_equal(world.answer, "ok: receive");
        world_step(&world, "wait 2");
        if (i >= 2000 && i % 97 == 0) {
            (void)sprintf(prose, "receive id=n%u 1 A@L", i - 1999);
            world_step(&world, prose);
            assert_memory_equal(world.answer, "duplicate", 9);
        }
    }
    assert_in_range(ledger_counts(world.ledger).ids, 2000, 2000 + 1024); /* at most a block more than the window has */
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_remembered),
        cmocka_unit_test(sources_can_be_ordered),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(preconditions_hold),
        cmocka_unit_test(a_full_id_table_refuses_new_work),
        cmocka_unit_test(the_id_window_slides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
