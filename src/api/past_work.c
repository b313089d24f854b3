/*
 * One list of all that wait, under a mutex; whose turn it is starts on its own I/O thread, because libuv wants it so.
 * When the first in the list is another thread's, that one is woken: by who adds, ends or takes out a work, whatever
 * changes what comes first. A thread whose work waits has it in the list, and so sees at least that one when it is
 * woken.
 */
#include "api/past_work.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/io.h"

struct past_works {
    pthread_mutex_t mutex;
    uint32_t running, running_max;
    atomic_uint waiting; /* changed under the mutex; read without it, too */
    struct past_work *first, *last;
};

struct past_works *past_works_create(uint32_t running_max)
{
    struct past_works *works = calloc(1, sizeof(*works));
    if (works != NULL && pthread_mutex_init(&works->mutex, NULL) != 0) {
        free(works);
        return NULL;
    }
    if (works != NULL)
        works->running_max = running_max;
    return works;
}

void past_works_destroy(struct past_works *works)
{
    if (works == NULL)
        return;
    CHECK(works->running == 0 && works->first == NULL);
    (void)pthread_mutex_destroy(&works->mutex);
    free(works);
}

static void take_out(struct past_works *works, struct past_work *work)
{
    *(work->previous != NULL ? &work->previous->next : &works->first) = work->next;
    *(work->next != NULL ? &work->next->previous : &works->last) = work->previous;
    work->next = work->previous = NULL;
    atomic_fetch_sub(&works->waiting, 1);
}

static void on_run(uv_work_t *uv)
{
    struct past_work *work = uv->data;
    work->run(work->context);
}

static void on_done(uv_work_t *uv, int result);

/* Starts those whose turn it is, up to the first of another thread. Under the mutex. */
static void start_first(struct past_works *works, struct io *io)
{
    while (works->running < works->running_max && works->first != NULL) {
        struct past_work *work = works->first;
        if (work->io != io) {
            io_wake(work->io);
            return;
        }
        take_out(works, work);
        works->running++;
        work->state = PAST_RUNNING;
        work->work.data = work;
        CHECK(uv_queue_work(&io->loop, &work->work, on_run, on_done) == 0);
    }
}

static void on_done(uv_work_t *uv, int result)
{
    struct past_work *work = uv->data;
    struct past_works *works = work->works;
    (void)result; /* never cancelled */
    CHECK(pthread_mutex_lock(&works->mutex) == 0);
    works->running--;
    work->state = PAST_IDLE;
    start_first(works, work->io);
    CHECK(pthread_mutex_unlock(&works->mutex) == 0);
    work->done(work->context);
}

void past_work_start(struct past_works *works, struct past_work *work, struct io *io)
{
    CHECK(work->state == PAST_IDLE);
    atomic_store(&work->stop, false);
    work->works = works;
    work->io = io;
    CHECK(pthread_mutex_lock(&works->mutex) == 0);
    work->state = PAST_WAITING;
    work->next = NULL;
    work->previous = works->last;
    *(works->last != NULL ? &works->last->next : &works->first) = work;
    works->last = work;
    atomic_fetch_add(&works->waiting, 1);
    start_first(works, io);
    CHECK(pthread_mutex_unlock(&works->mutex) == 0);
}

void past_work_stop(struct past_work *work)
{
    if (work->state == PAST_IDLE)
        return;
    struct past_works *works = work->works;
    atomic_store(&work->stop, true);
    if (work->state == PAST_RUNNING)
        return;
    CHECK(pthread_mutex_lock(&works->mutex) == 0);
    take_out(works, work);
    work->state = PAST_IDLE;
    start_first(works, work->io);
    CHECK(pthread_mutex_unlock(&works->mutex) == 0);
    work->done(work->context);
}

static void go_on(struct past_works *works, struct io *io)
{
    if (atomic_load(&works->waiting) == 0)
        return; /* none of this thread */
    CHECK(pthread_mutex_lock(&works->mutex) == 0);
    start_first(works, io);
    CHECK(pthread_mutex_unlock(&works->mutex) == 0);
}

void past_works_go_on(struct io *io)
{
    go_on(io->service->past, io);
    go_on(io->service->replays, io);
}
