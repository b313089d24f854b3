/*
 * The verifier: a running server proves itself. On a thread of low priority it reads back what onhand verify reads of a stopped
 * one: every checkpoint, every segment, frame and record from the disk, up to the end of a group that the engine named; and it replays
 * them into a second ledger, which must have the state hash that the engine's had there, and is audited.
 *
 *     disk     checkpoints | frame | frame | frame ...... | frame 412        all checksums, chain, order
 *     replay                                                    same hash as the engine's at frame 412?  sums
 *
 * One at a time; commands go on meanwhile. It costs a second set of tables while it runs, as a checkpoint does.
 *
 * Owner: its own thread; what it tells is under a mutex.
 */
#ifndef ONHAND_ENGINE_VERIFIER_H
#define ONHAND_ENGINE_VERIFIER_H

#include "engine/checkpoint_check.h"
#include "engine/marker.h"
#include "journal/chain_check.h"

enum verifier_state {
    VERIFIER_NEVER,   /* it was not asked for since the start */
    VERIFIER_RUNNING,
    VERIFIER_RIGHT,
    VERIFIER_WRONG,   /* problem says what, where, and what to do */
    VERIFIER_UNDONE   /* it could not be carried out: no memory, or a read that failed; problem says why */
};

/* Where it is: in the order they come. */
enum verifier_phase { VERIFIER_OF_CHECKPOINTS, VERIFIER_OF_JOURNAL, VERIFIER_OF_SUMS };

struct verifier_report {
    enum verifier_state state;
    enum verifier_phase phase; /* while RUNNING */
    uint64_t runs, runs_wrong; /* that ended since the start; of them WRONG */
    int64_t began_us;          /* UTC wall time, of the last one */
    int64_t took_ns;           /* so far, or in all */
    int64_t age_ns;            /* since it ended; -1 while it runs */
    uint64_t until_ordinal, until_seq; /* what it reads up to: frame and last event; 0 before it is known */
    uint64_t ordinal, last_seq; /* up to here it is */
    uint64_t segments, frames, decisions, bytes;
    uint64_t state_hash;       /* RIGHT: of both ledgers */
    bool has_chain;            /* RIGHT: the head of the chain at until_seq is known, */
    struct chain_head chain;   /* and is this */
    size_t checkpoint_count;   /* those judged */
    struct {
        char name[CHECKPOINT_NAME_BYTES];
        enum checkpoint_verdict verdict;
    } checkpoints[CHECKPOINTS_CHECKED_MAX];
    char problem[1024];
};

struct verifier_options {
    const struct env *env;
    struct journal *journal;     /* borrowed, as is the next */
    struct marker *marker;       /* of the engine */
    struct ledger_limits limits; /* those of the ledger */
    /* Its thread: one ended. May be NULL. */
    void (*ended)(void *argument, const struct verifier_report *report);
    void *argument;
};

struct verifier;

/* NULL when there is no memory. */
struct verifier *verifier_create(const struct verifier_options *options);
/* Ends one that runs, and frees it. NULL is allowed. */
void verifier_destroy(struct verifier *verifier);

/* Begins one, unless one runs. Any thread. */
void verifier_begin(struct verifier *verifier);
/* How it stands. Any thread. */
void verifier_look(struct verifier *verifier, struct verifier_report *out_report);

#endif
