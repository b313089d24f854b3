/*
 * Filling with zeros, gently.
 *
 * Problem: a durable write into blocks the file system has not yet written costs two to three times one into blocks
 * that are there: the file's metadata has to be flushed too. Reserving space alone does not help. So segments are
 * written with zeros ahead of use. But a burst of 256 MiB beside commits makes them five times slower for seconds.
 *
 * Idea: steps of FILL_STEP_BYTES, each synced, and a rest as long as the step took. That leaves the disk half to the
 * journal in the worst case, and most of it usually. A frame that finds its place not yet filled makes the filler hurry
 * (no rests) and waits.
 *
 *     active   |header|frames ......|zeros ...............| target: segment_bytes and a step, or what is needed
 *                                   ^ used                ^ filled
 *     next     |zeros ........| begun when a quarter of the active one is used
 *
 * Creating the next one before its time would only cost a small shop its disk space.
 *
 * The thread holds no lock while it works: `busy` says so, and whoever changes the files waits for the step's end.
 * A failure is kept and handed to the writer when it needs the space. A full disk is one that passes: what is filled
 * stays, and the step is made again after a second, and then again. Nothing of these zeros was promised to anybody, so
 * unlike a frame's their writing may be repeated. What else fails is final.
 *
 * The active segment is filled one step further than it is meant to grow. When the next one cannot be had, the last
 * group of this one has its place there, so that no decision is ever left without one.
 *
 * The thread takes its time from env (monotonic_ns must be CLOCK_MONOTONIC's); a simulated world uses on_writer.
 */
#include "journal/filler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "journal/frame.h"
#include "journal/segment.h"

#define WRITE_BYTES 65536 /* of one write: short enough not to hold the file's lock against a commit */

static const uint8_t zeros[WRITE_BYTES];

struct filler {
    const struct env *env;
    struct env_directory *directory;
    uint64_t segment_bytes;
    bool on_writer;
    bool running;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the thread */
    pthread_cond_t step; /* a step has ended */

    /* All below under lock; filled is also read without it by filler_need. */
    bool stop, busy, hurry;
    struct env_file *active;
    _Atomic uint64_t filled;
    uint64_t target;
    enum status active_status;
    uint64_t needed; /* to where the writer wanted it filled, and it was not to be had */
    uint64_t used;
    struct env_file *next; /* NULL until begun */
    uint64_t next_filled;
    enum status next_status;
    int64_t retry_ns; /* after NO_SPACE, not before */
    char problem[320];
    atomic_bool full, low; /* written under lock */
};

enum status fill_zeros(const struct env *env, struct env_file *file, uint64_t from, uint64_t end)
{
    for (uint64_t at = from; at < end;) {
        size_t n = end - at < WRITE_BYTES ? (size_t)(end - at) : WRITE_BYTES;
        enum status status = env->file_write(env->context, file, at, zeros, n);
        if (status != STATUS_OK)
            return status;
        at += n;
    }
    return env->file_sync(env->context, file);
}

/* Creates the next file, empty. A leftover of an earlier run has unknown contents and goes. */
static enum status next_create(struct filler *filler, struct env_file **out_file)
{
    const struct env *env = filler->env;
    enum status status = env->file_remove(env->context, filler->directory, SEGMENT_NEXT_NAME);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return env->file_open(env->context, filler->directory, SEGMENT_NEXT_NAME, ENV_OPEN_CREATE, out_file);
}

enum job { JOB_NONE, JOB_ACTIVE, JOB_NEXT };

/* After a full disk, when it is time to try again. */
static void filler_forgive(struct filler *filler)
{
    bool found_full = filler->active_status == STATUS_NO_SPACE || filler->next_status == STATUS_NO_SPACE;
    if (!found_full || filler->env->monotonic_ns(filler->env->context) < filler->retry_ns)
        return;
    if (filler->active_status == STATUS_NO_SPACE)
        filler->active_status = STATUS_OK;
    if (filler->next_status == STATUS_NO_SPACE)
        filler->next_status = STATUS_OK;
}

static enum job filler_job(const struct filler *filler)
{
    uint64_t filled = atomic_load_explicit(&filler->filled, memory_order_relaxed);
    if (filler->active_status == STATUS_OK && filled < filler->target)
        return JOB_ACTIVE;
    if (filler->next_status == STATUS_OK && filler->used >= filler->segment_bytes / 4 &&
        filler->next_filled < filler->segment_bytes)
        return JOB_NEXT;
    return JOB_NONE;
}

/* How far a segment is filled: without a thread nothing is ahead of its need. */
static uint64_t target_of(const struct filler *filler)
{
    return filler->segment_bytes + (filler->on_writer ? 0 : FILL_BEYOND_BYTES);
}

/* Beyond its size a segment grows by what is needed, in pieces of this: a whole step would be wasted. */
#define BEYOND_PIECE_BYTES ((uint64_t)64 << 10)

static uint64_t step_end(const struct filler *filler, enum job job, uint64_t from)
{
    uint64_t end = round_up(from + 1, FILL_STEP_BYTES);
    if (job == JOB_NEXT || from < filler->segment_bytes)
        return end;
    uint64_t needed = round_up(filler->target > from ? filler->target : from + 1, BEYOND_PIECE_BYTES);
    return needed < end ? needed : end;
}

/* One step. Called with the lock held, which is given up meanwhile. */
static void filler_step(struct filler *filler, enum job job)
{
    const struct env *env = filler->env;
    filler->busy = true;
    struct env_file *file = job == JOB_ACTIVE ? filler->active : filler->next;
    uint64_t from =
        job == JOB_ACTIVE ? atomic_load_explicit(&filler->filled, memory_order_relaxed) : filler->next_filled;
    uint64_t end = step_end(filler, job, from);
    (void)pthread_mutex_unlock(&filler->lock);

    enum status status = file == NULL ? next_create(filler, &file) : STATUS_OK;
    if (status == STATUS_FULL || status == STATUS_MEMORY)
        status = STATUS_NO_SPACE; /* nothing was begun: more files, or memory, may be had later, and this segment grows */
    if (status == STATUS_OK)
        status = fill_zeros(env, file, from, end);
    int64_t now_ns = status == STATUS_NO_SPACE ? env->monotonic_ns(env->context) : 0;

    (void)pthread_mutex_lock(&filler->lock);
    filler->busy = false;
    if (status != STATUS_OK) {
        (void)snprintf(filler->problem, sizeof(filler->problem), "%s, from offset %" PRIu64 ": %.200s",
                       job == JOB_ACTIVE ? "the segment in use" : SEGMENT_NEXT_NAME, from, env_last_error());
        filler->retry_ns = now_ns + FILL_RETRY_NS;
    }
    atomic_store(&filler->low, status == STATUS_NO_SPACE);
    if (job == JOB_ACTIVE) {
        filler->active_status = status;
        if (status == STATUS_OK) {
            atomic_store_explicit(&filler->filled, end, memory_order_release);
            if (end >= filler->needed)
                atomic_store(&filler->full, false);
        }
    } else {
        filler->next = file;
        filler->next_status = status;
        if (status == STATUS_OK)
            filler->next_filled = end;
    }
    (void)pthread_cond_broadcast(&filler->step);
}

/* Until somebody calls or the time is over: false then. */
static bool wait_until(struct filler *filler, int64_t until_ns)
{
    const struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
    return pthread_cond_timedwait(&filler->work, &filler->lock, &until) == 0;
}

static void *filler_main(void *argument)
{
    struct filler *filler = argument;
    const struct env *env = filler->env;
    (void)pthread_mutex_lock(&filler->lock);
    while (!filler->stop) {
        if (filler->busy) { /* the writer makes a step itself */
            (void)pthread_cond_wait(&filler->step, &filler->lock);
            continue;
        }
        filler_forgive(filler);
        enum job job = filler_job(filler);
        if (job == JOB_NONE) {
            if (filler->active_status == STATUS_NO_SPACE || filler->next_status == STATUS_NO_SPACE)
                wait_until(filler, filler->retry_ns);
            else
                (void)pthread_cond_wait(&filler->work, &filler->lock);
            continue;
        }
        int64_t before_ns = env->monotonic_ns(env->context);
        filler_step(filler, job);
        int64_t after_ns = env->monotonic_ns(env->context);
        while (!filler->stop && !filler->hurry) {
            if (!wait_until(filler, after_ns + (after_ns - before_ns)))
                break;
        }
    }
    (void)pthread_mutex_unlock(&filler->lock);
    return NULL;
}

enum status filler_create(const struct env *env, struct env_directory *directory, uint64_t segment_bytes,
                          bool on_writer, struct env_file *active, uint64_t filled_bytes, struct filler **out_filler)
{
    struct filler *filler = calloc(1, sizeof(*filler));
    if (filler == NULL)
        return STATUS_MEMORY;
    filler->env = env;
    filler->directory = directory;
    filler->segment_bytes = segment_bytes;
    filler->on_writer = on_writer;
    filler->active = active;
    filler->target = target_of(filler);
    atomic_init(&filler->filled, filled_bytes);
    pthread_condattr_t monotonic;
    if (pthread_mutex_init(&filler->lock, NULL) != 0)
        goto fail_filler;
    if (pthread_condattr_init(&monotonic) != 0)
        goto fail_lock;
    if (pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&filler->work, &monotonic) != 0)
        goto fail_attributes;
    if (pthread_cond_init(&filler->step, NULL) != 0)
        goto fail_work;
    if (!on_writer) {
        if (pthread_create(&filler->thread, NULL, filler_main, filler) != 0)
            goto fail_step;
        filler->running = true;
    }
    (void)pthread_condattr_destroy(&monotonic);
    *out_filler = filler;
    return STATUS_OK;

fail_step:
    (void)pthread_cond_destroy(&filler->step);
fail_work:
    (void)pthread_cond_destroy(&filler->work);
fail_attributes:
    (void)pthread_condattr_destroy(&monotonic);
fail_lock:
    (void)pthread_mutex_destroy(&filler->lock);
fail_filler:
    free(filler);
    return STATUS_MEMORY;
}

void filler_destroy(struct filler *filler)
{
    if (filler == NULL)
        return;
    const struct env *env = filler->env;
    if (filler->running) {
        (void)pthread_mutex_lock(&filler->lock);
        filler->stop = true;
        (void)pthread_cond_signal(&filler->work);
        (void)pthread_mutex_unlock(&filler->lock);
        (void)pthread_join(filler->thread, NULL);
    }
    if (filler->next != NULL) {
        env->file_close(env->context, filler->next);
        /* What is left of it would only be removed by the next start. */
        (void)env->file_remove(env->context, filler->directory, SEGMENT_NEXT_NAME);
    }
    (void)pthread_cond_destroy(&filler->step);
    (void)pthread_cond_destroy(&filler->work);
    (void)pthread_mutex_destroy(&filler->lock);
    free(filler);
}

uint64_t filler_filled(const struct filler *filler)
{
    return atomic_load_explicit(&filler->filled, memory_order_acquire);
}

enum status filler_need(struct filler *filler, uint64_t end)
{
    if (LIKELY(filler_filled(filler) >= end))
        return STATUS_OK;
    (void)pthread_mutex_lock(&filler->lock);
    if (filler->target < end)
        filler->target = end; /* a segment that may not end yet grows beyond its size */
    filler->hurry = true;
    (void)pthread_cond_signal(&filler->work);
    if (filler->on_writer)
        filler_forgive(filler);
    while (filler->active_status == STATUS_OK && atomic_load_explicit(&filler->filled, memory_order_relaxed) < end) {
        if (filler->on_writer)
            filler_step(filler, JOB_ACTIVE);
        else
            (void)pthread_cond_wait(&filler->step, &filler->lock);
    }
    filler->hurry = false;
    bool there = atomic_load_explicit(&filler->filled, memory_order_relaxed) >= end;
    enum status status = there ? STATUS_OK : filler->active_status;
    if (status == STATUS_NO_SPACE) {
        filler->needed = end;
        atomic_store(&filler->full, true);
    }
    (void)pthread_mutex_unlock(&filler->lock);
    return status;
}

void filler_used(struct filler *filler, uint64_t offset)
{
    /* Only the crossing of the quarter matters: no lock otherwise. filler->used is written by this thread alone. */
    uint64_t begin = filler->segment_bytes / 4;
    if (LIKELY(filler->used >= begin || offset < begin))
        return;
    (void)pthread_mutex_lock(&filler->lock);
    filler->used = offset;
    (void)pthread_cond_signal(&filler->work);
    (void)pthread_mutex_unlock(&filler->lock);
}

enum status filler_next(struct filler *filler, uint64_t end, struct env_file **out_file, uint64_t *out_filled_bytes)
{
    (void)pthread_mutex_lock(&filler->lock);
    while (filler->busy)
        (void)pthread_cond_wait(&filler->step, &filler->lock);
    filler_forgive(filler);
    while (filler->next_status == STATUS_OK && filler->next_filled < end)
        filler_step(filler, JOB_NEXT);
    enum status status = filler->next_filled >= end ? STATUS_OK : filler->next_status;
    if (status == STATUS_OK) {
        *out_file = filler->next;
        *out_filled_bytes = filler->next_filled;
        filler->next = NULL;
        filler->next_filled = 0;
        filler->used = 0;
    }
    (void)pthread_mutex_unlock(&filler->lock);
    return status;
}

void filler_next_back(struct filler *filler, struct env_file *file, uint64_t filled_bytes)
{
    (void)pthread_mutex_lock(&filler->lock);
    filler->next = file;
    filler->next_filled = filled_bytes;
    filler->next_status = STATUS_NO_SPACE;
    filler->retry_ns = filler->env->monotonic_ns(filler->env->context) + FILL_RETRY_NS;
    filler->used = filler->segment_bytes;
    (void)snprintf(filler->problem, sizeof(filler->problem), "%s: %.200s", SEGMENT_NEXT_NAME, env_last_error());
    atomic_store(&filler->low, true);
    (void)pthread_mutex_unlock(&filler->lock);
}

void filler_switch(struct filler *filler, struct env_file *file, uint64_t filled_bytes)
{
    (void)pthread_mutex_lock(&filler->lock);
    while (filler->busy)
        (void)pthread_cond_wait(&filler->step, &filler->lock);
    filler->active = file;
    filler->target = target_of(filler);
    filler->active_status = filler->next_status = STATUS_OK;
    filler->needed = 0;
    atomic_store_explicit(&filler->filled, filled_bytes, memory_order_release);
    atomic_store(&filler->full, false);
    (void)pthread_cond_signal(&filler->work);
    (void)pthread_mutex_unlock(&filler->lock);
}

struct filler_state filler_state(const struct filler *filler)
{
    return (struct filler_state){.full = atomic_load(&filler->full), .low = atomic_load(&filler->low)};
}

void filler_problem(struct filler *filler, char *out_text, size_t n)
{
    (void)pthread_mutex_lock(&filler->lock);
    (void)snprintf(out_text, n, "%s", filler->problem);
    (void)pthread_mutex_unlock(&filler->lock);
}
