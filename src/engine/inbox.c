/*
 * The embedded sequencer: batches of all I/O threads, in the order they arrived, stamped by the wall clock.
 *
 * Time (I6): a stamp never goes back, and never runs ahead of the last stamp by more than the monotonic clock has run
 * since, plus a step. A clock that was set forward would otherwise expire every hold at once and forget every id. While
 * it stands too far ahead, batches are handed out with STATUS_CLOCK, to be shed, until it is set right. The clock that runs
 * beside it counts the time for which the machine slept: that time has passed for the goods, too.
 */
#include "engine/sequencer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct inbox {
    struct inbox_options options;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct batch **ring;
    uint32_t first, count;
    bool closed;
    bool asleep;               /* the engine waits on `filled` */
    atomic_uint_fast32_t seen; /* count, for a look without the lock */
    atomic_bool jumped;
    atomic_int_fast64_t ahead_us; /* as told */
    /* Engine thread only. */
    int64_t last_stamp_us;
    int64_t last_elapsed_ns; /* when last_stamp_us was given */
    bool started;         /* the first stamp after a start may jump (the server judged it before) */
};

struct inbox *inbox_create(const struct inbox_options *options)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox));
    if (inbox == NULL)
        return NULL;
    inbox->ring = calloc(options->batch_count_max, sizeof(struct batch *));
    if (inbox->ring == NULL) {
        free(inbox);
        return NULL;
    }
    inbox->options = *options;
    inbox->last_stamp_us = options->log_time_us;
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&inbox->filled, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    CHECK(pthread_mutex_init(&inbox->mutex, NULL) == 0);
    return inbox;
}

void inbox_destroy(struct inbox *inbox)
{
    CHECK(inbox->count == 0);
    CHECK(pthread_cond_destroy(&inbox->filled) == 0);
    CHECK(pthread_mutex_destroy(&inbox->mutex) == 0);
    free(inbox->ring);
    free(inbox);
}

bool inbox_submit(struct inbox *inbox, struct batch *batch)
{
    CHECK(pthread_mutex_lock(&inbox->mutex) == 0);
    bool taken = !inbox->closed && inbox->count < inbox->options.batch_count_max;
    if (taken) {
        inbox->ring[(inbox->first + inbox->count) % inbox->options.batch_count_max] = batch;
        inbox->count++;
        atomic_store_explicit(&inbox->seen, inbox->count, memory_order_relaxed);
    }
    bool wake = taken && inbox->asleep;
    CHECK(pthread_mutex_unlock(&inbox->mutex) == 0);
    if (wake)
        CHECK(pthread_cond_signal(&inbox->filled) == 0);
    return taken;
}

void inbox_close(struct inbox *inbox)
{
    CHECK(pthread_mutex_lock(&inbox->mutex) == 0);
    inbox->closed = true;
    CHECK(pthread_mutex_unlock(&inbox->mutex) == 0);
    CHECK(pthread_cond_signal(&inbox->filled) == 0);
}

bool inbox_clock_jumped(const struct inbox *inbox)
{
    return atomic_load(&inbox->jumped);
}

int64_t inbox_clock_ahead_us(const struct inbox *inbox)
{
    return atomic_load(&inbox->ahead_us);
}

static struct timespec deadline_after(int64_t mono_ns, int64_t wait_ns)
{
    int64_t at = mono_ns + wait_ns;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000)};
}

/* Waits until something is in the ring, it is closed, or the time is over. The mutex is held. */
static void wait_filled(struct inbox *inbox, int64_t wait_ns)
{
    const struct env *env = inbox->options.env;
    int64_t start_ns = env->monotonic_ns(env->context);
    int64_t spin_ns = min_i64(inbox->options.spin_ns, wait_ns);
    if (spin_ns > 0 && inbox->count == 0 && !inbox->closed) {
        CHECK(pthread_mutex_unlock(&inbox->mutex) == 0);
        while (atomic_load_explicit(&inbox->seen, memory_order_relaxed) == 0 &&
               env->monotonic_ns(env->context) - start_ns < spin_ns) {
        }
        CHECK(pthread_mutex_lock(&inbox->mutex) == 0);
    }
    struct timespec deadline = deadline_after(start_ns, wait_ns);
    int result = 0;
    inbox->asleep = true;
    while (inbox->count == 0 && !inbox->closed && result == 0)
        result = pthread_cond_timedwait(&inbox->filled, &inbox->mutex, &deadline);
    inbox->asleep = false;
}

static enum status stamp(struct inbox *inbox, int64_t *out_stamp_us)
{
    const struct env *env = inbox->options.env;
    int64_t wall_us = env->wall_us(env->context);
    int64_t elapsed_ns = env->elapsed_ns != NULL ? env->elapsed_ns(env->context) : env->monotonic_ns(env->context);
    int64_t ahead_us = wall_us - inbox->last_stamp_us - (elapsed_ns - inbox->last_elapsed_ns) / 1000;
    bool jumped = inbox->started && ahead_us > inbox->options.clock_step_max_us;
    atomic_store_explicit(&inbox->jumped, jumped, memory_order_relaxed);
    /* Behind is what log time has to stand for; ahead, what it does not follow. */
    atomic_store_explicit(&inbox->ahead_us, jumped ? ahead_us : min_i64(0, wall_us - inbox->last_stamp_us), memory_order_relaxed);
    if (jumped)
        return STATUS_CLOCK;
    if (wall_us > inbox->last_stamp_us || !inbox->started) {
        inbox->last_stamp_us = max_i64(inbox->last_stamp_us, wall_us);
        inbox->last_elapsed_ns = elapsed_ns;
        inbox->started = true;
    }
    *out_stamp_us = inbox->last_stamp_us;
    return STATUS_OK;
}

static enum status inbox_next(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
{
    struct inbox *inbox = context;
    struct batch *batch = NULL;
    CHECK(pthread_mutex_lock(&inbox->mutex) == 0);
    if (inbox->count == 0 && !inbox->closed && wait_ns > 0)
        wait_filled(inbox, wait_ns);
    if (inbox->count > 0) {
        batch = inbox->ring[inbox->first];
        inbox->first = (inbox->first + 1) % inbox->options.batch_count_max;
        inbox->count--;
        atomic_store_explicit(&inbox->seen, inbox->count, memory_order_relaxed);
    }
    bool end = batch == NULL && inbox->closed;
    CHECK(pthread_mutex_unlock(&inbox->mutex) == 0);
    if (end)
        return STATUS_END;
    *out_batch = batch;
    enum status status = stamp(inbox, out_stamp_us);
    /* Nothing came and the time is not told: nothing to shed either. */
    return status != STATUS_OK && batch == NULL ? STATUS_AGAIN : status;
}

struct sequencer inbox_sequencer(struct inbox *inbox)
{
    return (struct sequencer){inbox, inbox_next};
}
