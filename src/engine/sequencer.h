/*
 * The sequencer: decides the order of commands and the log time at which each is decided. The one seam between the
 * engine and where its commands come from (DESIGN section 6): embedded, it is a ring in memory (inbox.c); on an outside
 * log it is a partition read back; in tests it is a recording.
 *
 * What the engine does is a function of what comes out here and nothing else.
 */
#ifndef ONHAND_ENGINE_SEQUENCER_H
#define ONHAND_ENGINE_SEQUENCER_H

#include "engine/batch.h"
#include "env/env.h"

struct sequencer {
    void *context;
    /*
     * The next batch in order and its log time. batch NULL: a tick, time passes. Engine thread only.
     * wait_ns: how long to wait for one; 0 to look only.
     * OK, AGAIN (nothing came), END (closed, everything was handed out), CLOCK (no time can be told: *out_batch must be
     * shed).
     */
    enum status (*next)(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us);
};

/* ---- the embedded one: a bounded ring, stamped by the wall clock ---- */

struct inbox;

struct inbox_options {
    const struct env *env;
    uint32_t batch_count_max;   /* batches waiting; submit answers false beyond */
    int64_t clock_step_max_us;  /* the clock may be ahead of the monotonic one by this much between two stamps */
    int64_t spin_ns;            /* look this long before going to sleep; 0 never */
    int64_t log_time_us;        /* the ledger's, after recovery; 0 for an empty ledger */
};

struct inbox *inbox_create(const struct inbox_options *options);
void inbox_destroy(struct inbox *inbox);
struct sequencer inbox_sequencer(struct inbox *inbox);
/* Any thread. False when the ring is full or closed: nothing happened, the batch is still the caller's. */
MUST_USE bool inbox_submit(struct inbox *inbox, struct batch *batch);
/* Lets what is inside be handed out, takes no more, then ends. Any thread. */
void inbox_close(struct inbox *inbox);
/* True while the clock stands ahead of what the monotonic clock allows: nothing is taken in. Any thread. */
bool inbox_clock_jumped(const struct inbox *inbox);
/* By how much it stands ahead then; below 0: it stands behind the log, whose time waits for it. Microseconds. Any thread. */
int64_t inbox_clock_ahead_us(const struct inbox *inbox);

#endif
