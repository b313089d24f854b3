/*
 * The checkpointer: makes a checkpoint whenever the journal has grown by so many bytes, so that a start has little to replay.
 *
 * It is a second ledger, made by a thread of low priority as a start would make one: of the last checkpoint and the journal behind
 * it. At the end of a group it must have the state hash that the engine's ledger had there, so each checkpoint is a
 * rehearsal of recovery. The engine does nothing for it but say, once, where a group ends and with which hash.
 *
 *     engine    | group | group | group  <- mark: event 900, 12:00:07, hash | group ...
 *     this         checkpoint 500 .... replay .... 900, same hash? -> 900.checkpoint
 *
 * Rejected: docs/decisions/0036. It costs a second set of tables while one is made.
 */
#ifndef ONHAND_ENGINE_CHECKPOINTER_H
#define ONHAND_ENGINE_CHECKPOINTER_H

#include <stdatomic.h>

#include "engine/marker.h"
#include "engine/rebuild.h"
#include "engine/retainer.h"

#define CHECKPOINTER_BYTES_DEFAULT (UINT64_C(1) << 30) /* about ten million decisions: some seconds of replay */
#define CHECKPOINTER_PACE_DEFAULT  (UINT64_C(64) << 20)

struct checkpointer_options {
    const struct env *env;
    struct journal *journal;     /* borrowed, as is the next */
    struct marker *marker;       /* of the engine; not needed by checkpointer_make */
    struct ledger_limits limits; /* those of the ledger */
    uint64_t every_bytes;        /* of journal, from one to the next */
    uint64_t behind_bytes;       /* of journal behind the newest one already */
    uint64_t pace_bytes;         /* written a second, at most; 0 for no bound */
    uint64_t slice_events;       /* replayed by a step, about; 0 for a default */
    const struct retainer *retainer; /* borrowed: has its turn behind each; NULL: all of the journal stays */
    /* The thread that makes them: one was made, of so many bytes, in so long; or none, and why. May be NULL. */
    void (*made)(void *argument, uint64_t last_seq, uint64_t bytes, int64_t took_ns);
    void (*failed)(void *argument, enum status status, const char *problem);
    void *argument;
};

struct checkpointer;

/* NULL when there is no memory. */
struct checkpointer *checkpointer_create(const struct checkpointer_options *options);
/* Runs it on a thread of its own. MEMORY. */
MUST_USE enum status checkpointer_start(struct checkpointer *checkpointer);
/*
 * What that thread does, again and again, for who has none: the next piece of what there is to do, a look at the journal's
 * growth, a slice of replay, a chunk of the file. Returns for how many nanoseconds to rest before the next. One thread.
 */
int64_t checkpointer_step(struct checkpointer *checkpointer);
/* Ends the thread, gives up what it is at, and frees it. NULL is allowed. */
void checkpointer_destroy(struct checkpointer *checkpointer);

/*
 * Makes a checkpoint of what the mark says, now, on this thread. AGAIN when the journal does not have it durably yet, or `stop` became
 * true. DAMAGED: the journal makes another ledger than the engine has. MEMORY, FULL, IO, NO_SPACE. problem: what is wrong, in
 * words, unless OK. *out_bytes: the file's; 0 when there is one of that mark already.
 */
MUST_USE enum status checkpointer_make(const struct checkpointer_options *options, const struct group_mark *mark,
                                       const atomic_bool *stop, uint64_t *out_bytes, char *problem, size_t problem_bytes);

/* Any thread. */
struct checkpointer_counters {
    uint64_t made, failures;
    uint64_t last_seq;    /* of the last one made since the start; 0 for none */
    uint64_t last_bytes;
    int64_t last_took_ns;
    uint64_t behind_bytes; /* of journal, behind the newest one */
};
struct checkpointer_counters checkpointer_counters(const struct checkpointer *checkpointer);

#endif
