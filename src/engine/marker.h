/*
 * Where groups end, and with which state hash: what the engine tells those who make the ledger a second time from the journal, so that
 * they have something to compare theirs with. One of them asks; the engine answers once, at the end of its next group; all
 * who wait take the same answer.
 *
 *     engine   | group | group | group  <- mark: frame 412, event 900, 12:00:07, hash | group ...
 *     others     replay .............. 412, same hash?
 *
 * The engine does nothing for it but look at a flag, and only tries the mutex: it never waits for threads of low priority.
 */
#ifndef ONHAND_ENGINE_MARKER_H
#define ONHAND_ENGINE_MARKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* Where the engine's ledger stood at the end of a group. */
struct group_mark {
    uint64_t last_seq;
    int64_t log_us;
    uint64_t state_hash;
    uint64_t ordinal; /* of its frame, which is durable or the next that will be */
};

struct marker {
    atomic_bool wanted;
    pthread_mutex_t mutex;
    uint64_t count; /* marks made, under the mutex, as is the newest */
    struct group_mark mark;
};

void marker_init(struct marker *marker);
void marker_deinit(struct marker *marker);

/* Does somebody wait? Engine thread, before a group is made durable, or when all is; cheap enough for each. */
static inline bool marker_wants(const struct marker *marker)
{
    return marker != NULL && atomic_load_explicit(&marker->wanted, memory_order_relaxed);
}
/* The group that is about to be durable, or is, ends here. Engine thread. */
void marker_put(struct marker *marker, const struct group_mark *mark);

/* Asks for one; the ticket is for marker_take. Any other thread, as the next. */
uint64_t marker_ask(struct marker *marker);
/* Is it there? The engine makes one at the end of its next group, or at once when it is idle. */
MUST_USE bool marker_take(struct marker *marker, uint64_t ticket, struct group_mark *out_mark);

#endif
