/*
 * Goal: the ledger as it was at a time is the one that was there then, to its state hash; whatever was asked before,
 * and however often a replay was stopped; and it goes when nobody asks. Method: a shard decides random commands, with
 * expiries and ticks between them, and what it is after each is noted. Then it is asked for in every order, to the
 * microsecond, beside decisions that follow, and from the disk alone.
 */
#include "engine_world.h"

#include <pthread.h>

#include "engine/past_ledger.h"
#include "shard_walk.h"

#define LONG_NS     (INT64_C(60) * 1000000000)

/* What was the last by this time, up to this event. NULL: nothing yet. */
static const struct moment_noted *naive(int64_t at_us, uint64_t last_seq)
{
    const struct moment_noted *last = NULL;
    for (size_t i = 0; i < noted_count && noted[i].at_us <= at_us && noted[i].seq <= last_seq; i++)
        last = &noted[i];
    return last;
}

static void compare(struct past_ledger *past, int64_t at_us, uint64_t last_seq)
{
    const struct moment_noted *expected = naive(at_us, last_seq);
    const struct ledger *ledger = NULL;
    assert_int_equal(past_ledger_take(past, at_us, last_seq, NULL, &ledger), STATUS_OK);
    assert_int_equal(ledger_last_seq(ledger), expected == NULL ? 0 : expected->seq);
    if (expected != NULL) {
        assert_true(ledger_state_hash(ledger) == expected->hash);
        assert_int_equal(ledger_now_us(ledger), expected->at_us);
    }
    ledger_check(ledger);
    past_ledger_give(past);
}

static void compare_some(struct past_ledger *past, struct prng *prng, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        size_t some = prng_below(prng, noted_count);
        compare(past, noted[some].at_us + (int64_t)prng_below(prng, 3) - 1, UINT64_MAX);
        for (unsigned n = 0; n < 3 && some < noted_count; n++, some += prng_below(prng, 20)) /* it goes on from there */
            compare(past, noted[some].at_us, noted[some].seq);
    }
    compare(past, 0, UINT64_MAX);
    compare(past, INT64_MAX, UINT64_MAX);
    compare(past, INT64_MAX, 0);
}

static void it_is_what_it_was(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    struct prng prng = prng_of(1);
    watched_init(&watched);
    noted_count = 0;
    struct shard *shard = shard_create(&place, &watched, 30, 65536); /* ids and holds are forgotten on the way */
    note(shard);
    struct past_ledger *past = past_ledger_create(&watched.env, shard_journal(shard), &engine_limits, LONG_NS);
    assert_non_null(past);
    go_on(shard, &prng, 0, 3000);
    compare_some(past, &prng, 60);
    for (unsigned step = 3000; step < 4000; step += 50) {
        go_on(shard, &prng, step, step + 50);
        compare(past, noted[noted_count - 1].at_us, noted[noted_count - 1].seq);
    }
    compare_some(past, &prng, 20);
    past_ledger_destroy(past);
    shard_close(shard);
    shard = shard_create(&place, &watched, 30, 65536);
    past = past_ledger_create(&watched.env, shard_journal(shard), &engine_limits, LONG_NS);
    assert_non_null(past);
    compare_some(past, &prng, 20);
    past_ledger_destroy(past);
    shard_close(shard);
    place_destroy(&place);
}

/* ---- stops ---- */

static void *stop_soon(void *argument)
{
    atomic_bool *stop = argument;
    const struct timespec some = {0, 300000};
    (void)nanosleep(&some, NULL);
    atomic_store(stop, true);
    return NULL;
}

static void a_stopped_replay_goes_on_where_it_was(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    struct prng prng = prng_of(2);
    watched_init(&watched);
    noted_count = 0;
    struct shard *shard = shard_create(&place, &watched, 30, 65536);
    struct past_ledger *past = past_ledger_create(&watched.env, shard_journal(shard), &engine_limits, LONG_NS);
    assert_non_null(past);
    go_on(shard, &prng, 0, 6000);
    const struct moment_noted *last = &noted[noted_count - 1];
    const struct ledger *ledger = NULL;
    atomic_bool stop = true;
    assert_int_equal(past_ledger_take(past, last->at_us, last->seq, &stop, &ledger), STATUS_AGAIN);
    unsigned stopped = 0;
    enum status status = STATUS_AGAIN;
    while (status != STATUS_OK) {
        pthread_t thread;
        atomic_store(&stop, false);
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
        status = past_ledger_take(past, last->at_us, last->seq, &stop, &ledger);
        assert_int_equal(pthread_join(thread, NULL), 0);
        stopped += status == STATUS_AGAIN;
        assert_true(status == STATUS_OK || status == STATUS_AGAIN);
    }
    assert_true(ledger_state_hash(ledger) == last->hash);
    past_ledger_give(past);
    assert_true(stopped > 1);
    past_ledger_destroy(past);
    shard_close(shard);
    place_destroy(&place);
}

/* ---- memory ---- */

static atomic_int reserved; /* pieces of memory there are */

static void *count_reserve(void *context, size_t n)
{
    (void)context;
    atomic_fetch_add(&reserved, 1);
    return linux_env()->memory_reserve(NULL, n);
}

static void count_release(void *context, void *memory, size_t n)
{
    (void)context;
    atomic_fetch_sub(&reserved, memory != NULL);
    linux_env()->memory_release(NULL, memory, n);
}

static void *no_reserve(void *context, size_t n)
{
    (void)context;
    (void)n;
    return NULL;
}

static void it_is_given_back_when_nobody_asks(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    struct prng prng = prng_of(3);
    watched_init(&watched);
    noted_count = 0;
    struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
    note(shard);
    go_on(shard, &prng, 0, 100);
    struct env env = watched.env;
    env.memory_reserve = count_reserve;
    env.memory_release = count_release;
    struct past_ledger *past = past_ledger_create(&env, shard_journal(shard), &engine_limits, 20 * 1000 * 1000);
    assert_non_null(past);
    for (unsigned i = 0; i < 3; i++) {
        compare(past, noted[i * 10].at_us, noted[i * 10].seq);
        const struct timespec some = {0, 1000000};
        for (unsigned waited = 0; atomic_load(&reserved) > 0 && waited < 10000; waited++)
            (void)nanosleep(&some, NULL);
        assert_int_equal(atomic_load(&reserved), 0);
    }
    compare(past, INT64_MAX, noted[noted_count - 1].seq);
    past_ledger_destroy(past);
    assert_int_equal(atomic_load(&reserved), 0);
    env.memory_reserve = no_reserve;
    past = past_ledger_create(&env, shard_journal(shard), &engine_limits, LONG_NS);
    assert_non_null(past);
    const struct ledger *ledger = NULL;
    assert_int_equal(past_ledger_take(past, INT64_MAX, UINT64_MAX, NULL, &ledger), STATUS_MEMORY);
    past_ledger_destroy(past);
    shard_close(shard);
    place_destroy(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_it_was),
        cmocka_unit_test(a_stopped_replay_goes_on_where_it_was),
        cmocka_unit_test(it_is_given_back_when_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
