/*
 * The peer: another server that may have taken over from this one, or from which this one took over. It is asked for its role
 * at the start and every few seconds. Of two primaries of one ledger, the one of the older epoch is fenced: this one by itself, the
 * other by being told.
 */
#ifndef ONHAND_SERVER_PEER_H
#define ONHAND_SERVER_PEER_H

#include "api/service.h"

#define PEER_LOOK_S 2

enum peer_found {
    PEER_NOTHING, /* not reached, no primary, or of another ledger */
    PEER_NEWER,   /* it is a primary that was promoted since this one's epoch: it took over */
    PEER_OLDER,   /* it is a primary of an epoch before one in which this one was promoted */
    PEER_PARTED   /* a primary of another epoch, and no promotion tells which is right: one is restored, say, beside the other */
};

/* Asks once, for a second at most. Any thread. */
enum peer_found peer_look(const char *address, const struct journal *journal);

/* Which ledger the server at the address has. False when it does not say. Any thread. */
bool peer_ledger(const char *address, uint8_t out_id[16]);
/*
 * Tells the server at the address to take nothing in any more, because the one that listens at `by` takes over. AGAIN when it is not reached;
 * else OK with any HTTP status, and its answer as pull_call has it.
 */
MUST_USE enum status peer_fence(const char *address, const struct journal *journal, const char *by, char *out_answer, size_t n,
                                long *out_http);

struct peer_watch;

struct peer_options {
    const char *address;     /* of the peer; borrowed */
    const char *own_address; /* that it is told */
    struct standby *standby; /* this server began as one: when it was promoted without a fence nobody is fenced by it. NULL: it did not */
    const struct service *service; /* journal, engine, fence */
};

/* Looks every PEER_LOOK_S while this server is a primary. NULL when memory or a thread cannot be had. */
struct peer_watch *peer_watch_start(const struct peer_options *options);
/* Waits for its thread. NULL is none. Before the engine ends. */
void peer_watch_stop(struct peer_watch *watch);

#endif
