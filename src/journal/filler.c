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
 *     active   |header|frames ......|zeros ...............| target: segment_bytes, or what is needed
 *                                   ^ used                ^ filled
 *     next     |zeros ........| begun when a quarter of the active one is used
 *
 * Creating the next one before its time would only cost a small shop its disk space.
 *
 * The thread holds no lock while it works: `busy` says so, and whoever changes the files waits for the step's end.
 * A failure is kept and handed to the writer when it needs the space. The next file's failure is tried once more then,
 * because space may have been freed; the active file's is final.
 *
 * The thread takes its time from env (monotonic_ns must be CLOCK_MONOTONIC's); a simulated world uses on_writer.
 */
#include "journal/filler.h"

#include <pthread.h>
#include <stdatomic.h>
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
    uint64_t used;
    struct env_file *next; /* NULL until begun */
    uint64_t next_filled;
    enum status next_status;
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

/* One step. Called with the lock held, which is given up meanwhile. */
static void filler_step(struct filler *filler, enum job job)
{
    const struct env *env = filler->env;
    filler->busy = true;
    struct env_file *file = job == JOB_ACTIVE ? filler->active : filler->next;
    uint64_t from =
        job == JOB_ACTIVE ? atomic_load_explicit(&filler->filled, memory_order_relaxed) : filler->next_filled;
    uint64_t end = round_up(from + 1, FILL_STEP_BYTES);
    (void)pthread_mutex_unlock(&filler->lock);

    enum status status = file == NULL ? next_create(filler, &file) : STATUS_OK;
    if (status == STATUS_OK)
        status = fill_zeros(env, file, from, end);

    (void)pthread_mutex_lock(&filler->lock);
    filler->busy = false;
    if (job == JOB_ACTIVE) {
        filler->active_status = status;
        if (status == STATUS_OK)
            atomic_store_explicit(&filler->filled, end, memory_order_release);
    } else {
        filler->next = file;
        filler->next_status = status;
        if (status == STATUS_OK)
            filler->next_filled = end;
    }
    (void)pthread_cond_broadcast(&filler->step);
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
        enum job job = filler_job(filler);
        if (job == JOB_NONE) {
            (void)pthread_cond_wait(&filler->work, &filler->lock);
            continue;
        }
        int64_t before_ns = env->monotonic_ns(env->context);
        filler_step(filler, job);
        int64_t after_ns = env->monotonic_ns(env->context);
        int64_t until_ns = after_ns + (after_ns - before_ns);
        struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
        while (!filler->stop && !filler->hurry) {
            if (pthread_cond_timedwait(&filler->work, &filler->lock, &until) != 0)
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
    filler->target = segment_bytes;
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

enum status filler_need(struct filler *filler, uint64_t end)
{
    if (LIKELY(atomic_load_explicit(&filler->filled, memory_order_acquire) >= end))
        return STATUS_OK;
    (void)pthread_mutex_lock(&filler->lock);
    if (filler->target < end)
        filler->target = end; /* a segment that may not end yet grows beyond its size */
    filler->hurry = true;
    (void)pthread_cond_signal(&filler->work);
    while (filler->active_status == STATUS_OK && atomic_load_explicit(&filler->filled, memory_order_relaxed) < end) {
        if (filler->on_writer)
            filler_step(filler, JOB_ACTIVE);
        else
            (void)pthread_cond_wait(&filler->step, &filler->lock);
    }
    filler->hurry = false;
    enum status status = filler->active_status;
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

enum status filler_next(struct filler *filler, struct env_file **out_file, uint64_t *out_filled_bytes)
{
    const struct env *env = filler->env;
    (void)pthread_mutex_lock(&filler->lock);
    while (filler->busy)
        (void)pthread_cond_wait(&filler->step, &filler->lock);
    if (filler->next != NULL && filler->next_status != STATUS_OK) {
        env->file_close(env->context, filler->next);
        filler->next = NULL;
        filler->next_filled = 0;
    }
    filler->next_status = STATUS_OK;
    if (filler->next_filled == 0)
        filler_step(filler, JOB_NEXT);
    enum status status = filler->next_status;
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

void filler_switch(struct filler *filler, struct env_file *file, uint64_t filled_bytes)
{
    (void)pthread_mutex_lock(&filler->lock);
    while (filler->busy)
        (void)pthread_cond_wait(&filler->step, &filler->lock);
    filler->active = file;
    filler->target = filler->segment_bytes;
    filler->active_status = STATUS_OK;
    atomic_store_explicit(&filler->filled, filled_bytes, memory_order_release);
    (void)pthread_cond_signal(&filler->work);
    (void)pthread_mutex_unlock(&filler->lock);
}
