#include "engine/past_ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct past_ledger {
    const struct env *env;
    struct journal *journal;
    struct ledger_limits limits;
    int64_t rest_ns;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    bool taken;
    bool kept;          /* there is a ledger: the taker's while it is taken */
    int64_t given_ns;   /* when it was given back last */
    struct rebuild rebuild;
    struct journal_place place; /* what it has is before here */
};

/* ---- the thread: gives back what nobody asked for long enough ---- */

/* Waits until the ledger has rested; false when it is told to stop. Under the mutex. */
static bool wait_for_rest(struct past_ledger *past)
{
    while (!past->stopping) {
        if (past->taken || !past->kept) {
            CHECK(pthread_cond_wait(&past->changed, &past->mutex) == 0);
            continue;
        }
        int64_t until_ns = past->given_ns + past->rest_ns;
        if (past->env->monotonic_ns(past->env->context) >= until_ns)
            return true;
        const struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
        (void)pthread_cond_timedwait(&past->changed, &past->mutex, &until);
    }
    return false;
}

static void *past_ledger_main(void *argument)
{
    struct past_ledger *past = argument;
    CHECK(pthread_mutex_lock(&past->mutex) == 0);
    while (wait_for_rest(past)) {
        struct rebuild rebuild = past->rebuild;
        past->kept = false;
        /* Gigabytes take a while: who asks meanwhile begins anew beside it. */
        CHECK(pthread_mutex_unlock(&past->mutex) == 0);
        rebuild_deinit(&rebuild);
        CHECK(pthread_mutex_lock(&past->mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&past->mutex) == 0);
    return NULL;
}

struct past_ledger *past_ledger_create(const struct env *env, struct journal *journal,
                                       const struct ledger_limits *limits, int64_t rest_ns)
{
    struct past_ledger *past = calloc(1, sizeof(*past));
    if (past == NULL)
        return NULL;
    past->env = env;
    past->journal = journal;
    past->limits = *limits;
    past->rest_ns = rest_ns;
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&past->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    CHECK(pthread_mutex_init(&past->mutex, NULL) == 0);
    if (pthread_create(&past->thread, NULL, past_ledger_main, past) != 0) {
        CHECK(pthread_cond_destroy(&past->changed) == 0);
        CHECK(pthread_mutex_destroy(&past->mutex) == 0);
        free(past);
        return NULL;
    }
    return past;
}

void past_ledger_destroy(struct past_ledger *past)
{
    if (past == NULL)
        return;
    CHECK(pthread_mutex_lock(&past->mutex) == 0);
    CHECK(!past->taken);
    past->stopping = true;
    CHECK(pthread_mutex_unlock(&past->mutex) == 0);
    CHECK(pthread_cond_signal(&past->changed) == 0);
    CHECK(pthread_join(past->thread, NULL) == 0);
    if (past->kept)
        rebuild_deinit(&past->rebuild);
    CHECK(pthread_cond_destroy(&past->changed) == 0);
    CHECK(pthread_mutex_destroy(&past->mutex) == 0);
    free(past);
}

/* ---- the taker ---- */

static void drop(struct past_ledger *past)
{
    rebuild_deinit(&past->rebuild);
    past->kept = false;
}

/* Does it have something that had not been recorded by then? */
static bool is_ahead(const struct past_ledger *past, int64_t at_us, uint64_t last_seq)
{
    return ledger_now_us(past->rebuild.ledger) > at_us || ledger_last_seq(past->rebuild.ledger) > last_seq;
}

/* Begins one with the newest checkpoint that is not ahead, or with the journal. NOT_FOUND when that has no beginning any more. */
static enum status begin(struct past_ledger *past, int64_t at_us, uint64_t last_seq, const struct journal_replay *replay)
{
    enum status status = rebuild_init(&past->rebuild, past->env, &past->limits);
    if (status != STATUS_OK)
        return status;
    past->kept = true;
    status = journal_replay_checkpoint(past->journal, &past->place, at_us, last_seq, replay);
    if (status == STATUS_NOT_FOUND && journal_oldest_us(past->journal) == INT64_MIN) {
        past->place = JOURNAL_BEGIN;
        status = rebuild_begin(&past->rebuild, journal_genesis(past->journal)) ? STATUS_OK : STATUS_MEMORY;
    }
    if (status != STATUS_OK)
        drop(past);
    return status;
}

static enum status bring_up(struct past_ledger *past, int64_t at_us, uint64_t last_seq, const atomic_bool *stop)
{
    const struct journal_replay replay = rebuild_replay(&past->rebuild);
    if (past->kept && is_ahead(past, at_us, last_seq))
        drop(past);
    bool had = past->kept;
    enum status status = had ? STATUS_OK : begin(past, at_us, last_seq, &replay);
    if (status != STATUS_OK)
        return status;
    status = journal_replay_until(past->journal, &past->place, at_us, last_seq, &replay, stop);
    if (status == STATUS_NOT_FOUND && had) { /* what would follow has gone since; a checkpoint is there behind it */
        drop(past);
        status = begin(past, at_us, last_seq, &replay);
        if (status != STATUS_OK)
            return status;
        status = journal_replay_until(past->journal, &past->place, at_us, last_seq, &replay, stop);
    }
    if (past->rebuild.ledger == NULL && (status == STATUS_OK || status == STATUS_AGAIN))
        status = STATUS_MEMORY; /* it was begun anew with the journal, and could not be */
    if (status == STATUS_OK && past->rebuild.limit_too_low != NULL)
        status = STATUS_FULL;
    if (status != STATUS_OK && status != STATUS_AGAIN)
        drop(past); /* where it stands means nothing */
    return status;
}

enum status past_ledger_take(struct past_ledger *past, int64_t at_us, uint64_t last_seq, const atomic_bool *stop,
                             const struct ledger **out_ledger)
{
    CHECK(pthread_mutex_lock(&past->mutex) == 0);
    CHECK(!past->taken);
    past->taken = true;
    CHECK(pthread_mutex_unlock(&past->mutex) == 0);
    enum status status = bring_up(past, at_us, last_seq, stop);
    if (status == STATUS_OK)
        *out_ledger = past->rebuild.ledger;
    else
        past_ledger_give(past);
    return status;
}

void past_ledger_give(struct past_ledger *past)
{
    CHECK(pthread_mutex_lock(&past->mutex) == 0);
    CHECK(past->taken);
    past->taken = false;
    past->given_ns = past->env->monotonic_ns(past->env->context);
    CHECK(pthread_mutex_unlock(&past->mutex) == 0);
    CHECK(pthread_cond_signal(&past->changed) == 0);
}
