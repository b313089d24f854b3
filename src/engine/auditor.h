/*
 * The auditor: takes the ledger's audit (ledger.h) forward at a pace, and tells how far it is.
 *
 * A step looks at so few entries that whoever waits for the engine does not notice (STEP_IDLE and STEP_BUSY in
 * auditor.c); the rate says how many entries a second. A pass does not begin right behind the last one when that was a
 * short one, so that a small ledger is not gone through for ever.
 *
 * Owner: the engine's thread, but for auditor_look and auditor_problem.
 */
#ifndef ONHAND_ENGINE_AUDITOR_H
#define ONHAND_ENGINE_AUDITOR_H

#include <stdatomic.h>

#include "engine/shard.h"

#define AUDITOR_RATE_DEFAULT 50000 /* entries a second: about one percent of the engine's time */
#define AUDITOR_RATE_MAX     10000000
#define AUDITOR_PASS_NS      (INT64_C(10) * 1000 * 1000 * 1000)

struct auditor {
    const struct env *env;
    struct shard *shard;
    uint32_t rate;    /* entries a second, 0 for no audit */
    int64_t pass_ns;
    int64_t due_ns;   /* when the next step is due */
    int64_t began_ns; /* the pass */
    uint64_t passes, entries_seen;
    /* What is told. Written by the engine's thread, read by any. */
    atomic_uint_fast64_t told_passes, told_entries, told_checked[INVARIANT_COUNT];
    atomic_int_fast64_t told_pass_ns, told_done_ns;
    atomic_bool in_pass, found;
    struct finding finding; /* with the text below: not written any more once found is set */
    char problem[1024];
};

/* shard: as the engine's, outlives it. pass_ns: from the beginning of a pass to that of the next, at least. */
void auditor_init(struct auditor *auditor, const struct env *env, struct shard *shard, uint32_t rate, int64_t pass_ns);
/* Looks further when it is time to. busy: somebody waits, or will soon. Nothing may be half done: decided and not yet
 * appended, or appended and not yet handed to the journal. False when a contradiction is found. */
bool auditor_step(struct auditor *auditor, bool busy);
/* How long until the next step is due, at most so long. */
int64_t auditor_wait_ns(const struct auditor *auditor, int64_t most_ns);

enum auditor_state { AUDITOR_OFF, AUDITOR_RUNNING, AUDITOR_RESTING, AUDITOR_FAILED };
struct audit_report {
    enum auditor_state state;
    uint64_t passes;  /* complete ones */
    uint64_t entries; /* looked at since the start */
    uint64_t checked[INVARIANT_COUNT]; /* entries, in the last complete pass */
    int64_t pass_ns;  /* what the last complete pass took; both are -1 before the first */
    int64_t age_ns;   /* since it was complete */
    struct finding finding; /* when it has failed; its text lasts as long as the ledger */
};
/* Any thread. */
void auditor_look(const struct auditor *auditor, struct audit_report *out_report);
/* What was found, where, and what to do, in a sentence or three; NULL while nothing was. Any thread. */
const char *auditor_problem(const struct auditor *auditor);

#endif
