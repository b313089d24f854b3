/*
 * Work on the past: a request that reads the journal back (journal/history.h) or replays it (engine/past_ledger.h), on
 * a worker of libuv.
 *
 * It may take long, and the workers are there for readers of the feed, too. So there are two lists in a process, of
 * which PAST_WORKS_MAX and REPLAYS_MAX run at once; the others wait, first come, first served, whichever I/O thread
 * they are of. One that nobody waits for any more is stopped: it ends when it looks at its flag, or at once when it
 * still waits.
 *
 * A struct past_work belongs to whoever starts it, and to an I/O thread: it is started, stopped and done there.
 */
#ifndef ONHAND_API_PAST_WORK_H
#define ONHAND_API_PAST_WORK_H

#include <stdatomic.h>
#include <uv.h>

#include "base/check.h"

#define PAST_WORKS_MAX 2 /* of libuv's four workers, */
#define REPLAYS_MAX    1 /* each takes the memory of a ledger; what is left is for readers of the feed */

struct io;
struct past_works; /* a list */

enum past_state { PAST_IDLE, PAST_WAITING, PAST_RUNNING };

struct past_work {
    /* Set by who starts it: */
    void (*run)(void *context);  /* on a worker */
    void (*done)(void *context); /* on the I/O thread, once for each start; may start it again, or free it */
    void *context;
    /* To be read back by run, as the `stop` of a struct history. */
    atomic_bool stop;
    /* Of past_work.c: */
    enum past_state state;
    struct past_works *works;
    struct io *io;
    struct past_work *next, *previous; /* of those that wait */
    uv_work_t work;
};

/* running_max of them at once. NULL when memory cannot be had. */
struct past_works *past_works_create(uint32_t running_max);
/* None waits or runs. NULL is none. */
void past_works_destroy(struct past_works *works);

/* Runs it when its turn comes. It is idle; it stays where it is until it is done. I/O thread `io`. */
void past_work_start(struct past_works *works, struct past_work *work, struct io *io);
/*
 * Nobody waits for it: one that runs is told to stop, and is done soon; one that waits is not run, and is done before
 * this returns. Nothing when it is idle. Its I/O thread.
 */
void past_work_stop(struct past_work *work);
/* I/O thread `io` was woken: it may be the turn of one of its works. */
void past_works_go_on(struct io *io);

#endif
