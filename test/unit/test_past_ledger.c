/*
 * Goal: the ledger as it was at a time is the one that was there then, to its state hash; whatever was asked before,
 * and however often a replay was stopped; and it goes when nobody asks. Method: a shard decides random commands, with
 * expiries and ticks between them, and what it is after each is noted. Then it is asked for in every order, to the
 * microsecond, beside decisions that follow, and from the disk alone.
 */
#include "engine_world.h"

#include <pthread.h>

#include "engine/past_ledger.h"

#define MOMENTS_MAX 20000
#define LONG_NS     (INT64_C(60) * 1000000000)

static struct moment_noted {
    int64_t at_us;
    uint64_t seq, hash;
} noted[MOMENTS_MAX];
static size_t noted_count;

static void note(const struct shard *shard)
{
    const struct ledger *ledger = shard_ledger(shard);
    assert_true(noted_count < MOMENTS_MAX);
    noted[noted_count++] =
        (struct moment_noted){ledger_now_us(ledger), ledger_last_seq(ledger), ledger_state_hash(ledger)};
}

static void some_prose(struct prng *prng, unsigned step, char *prose, size_t n)
{
    unsigned a = (unsigned)prng_below(prng, 4);
    unsigned units = 1 + (unsigned)prng_below(prng, 9);
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        snprintf(prose, n, "receive %u A@L%u id=c%u", units, a, step);
        break;
    case 2:
        snprintf(prose, n, "sale %u A@L%u id=c%u", units, a, step);
        break;
    case 3: /* a name of its own */
        snprintf(prose, n, "receive %u N%u@L%u id=c%u", units, (step / 16) % 48, a, step);
        break;
    case 4:
        snprintf(prose, n, "transfer to=L%u 1 A@L%u 2 damaged A@L%u id=c%u", (a + 1) % 4, a, a, step);
        break;
    case 5:
        snprintf(prose, n, "set_policy item=A location=L%u safety=%u id=c%u", a, units, step);
        break;
    case 6:
        snprintf(prose, n, "hold hold=H%u expires=%u %u A@L%u id=c%u", step, (unsigned)prng_below(prng, 60), units, a,
                 step);
        break;
    default:
        snprintf(prose, n, "release hold=H%u id=c%u", step - (unsigned)prng_below(prng, 40), step);
        break;
    }
}

/* Steps of a shard; all are durable behind them. */
static void go_on(struct shard *shard, struct prng *prng, unsigned from, unsigned to)
{
    static struct recording log;
    static int64_t now_us;
    now_us = from == 0 ? WORLD_START_US : now_us;
    for (unsigned step = from; step < to; step++) {
        char prose[200];
        now_us += prng_below(prng, 3) == 0 ? (int64_t)prng_below(prng, 4000000) : 0;
        while (shard_due(shard, now_us))
            note(shard);
        while (shard_forget(shard, now_us))
            note(shard);
        some_prose(prng, step, prose, sizeof(prose));
        const struct entry *entry = &log.entries[log_add(&log, now_us, prose)];
        struct request request = {.command = entry->form, .command_bytes = entry->bytes};
        shard_prepare(shard, &request, 1);
        shard_request(shard, &request, now_us);
        assert_true(request.answer.status == ANSWER_ACCEPTED || request.answer.status == ANSWER_REFUSED);
        note(shard);
        log_clear(&log);
        if (!shard_room(shard) || prng_below(prng, 20) == 0)
            assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
    }
    assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
}

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
