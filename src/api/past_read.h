/*
 * A read of the ledger as it was at a time: the function that reads the present one gets a second ledger, into which
 * the journal was replayed up to then (engine/past_ledger.h), on a worker.
 *
 *     past_read_ask -> engine's thread: how far -> answered: past_read_go_on -> its turn, replay, read -> done
 *
 * It first takes its place among the commands, as a read of the present does: that says which events there are, and
 * when it comes back they are durable. When nothing was recorded since the time asked about, the present is the
 * answer, and it is read right there. One replay runs at a time; the others wait (past_work.h).
 *
 * A struct past_read belongs to a handler's state; I/O thread.
 */
#ifndef ONHAND_API_PAST_READ_H
#define ONHAND_API_PAST_READ_H

#include "api/connection.h"
#include "journal/history.h"

/* What as_of= and axis= say. */
struct as_of {
    bool past; /* a time was given */
    enum time_axis axis;
    int64_t us;
};
/* Reads them; answers and returns false when they make no sense. Both texts may be absent. */
MUST_USE bool route_as_of(struct connection *connection, struct text as_of, struct text axis, struct as_of *out_as_of);
/* The same for what only was at a time on `recorded`: what was said then is no different for what is known since. */
MUST_USE bool route_as_of_recorded(struct connection *connection, struct text as_of, struct text axis,
                                   struct as_of *out_as_of);

struct past_read {
    struct as_of as_of;
    read_function read; /* finds `detail` in its request; on the engine's thread or on a worker */
    void *detail;
    /* Its own. */
    uint64_t last_seq;
    bool present; /* was the answer, and is read */
    enum status status;
    struct past_work work;
    const struct service *service;
    void (*done)(struct connection *connection);
};

/* Asks: of the present when no time was given. `read` and `detail` until it is done. False when no batch is free: asked
 * again when the handler is resumed. */
bool past_read_ask(struct connection *connection, struct past_read *read);
/*
 * In `answered`, for a request that was read: goes on. `done` is called, now or later, when it is there to be answered;
 * what cannot be had is answered here, and what nobody waits for is not.
 */
void past_read_go_on(struct connection *connection, struct past_read *read,
                     void (*done)(struct connection *connection));

#endif
