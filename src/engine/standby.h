/*
 * What is known of being a standby: of whom, how far it is, and how old what it shows may be. Written by who follows the
 * primary, read by all who answer.
 *
 * Lag: at which time, by the primary's clock, everything that the primary had made durable was here, too. It is as old as the
 * last mark that said so and whose frames are applied, or as the last decision applied. What is shown was true of the primary at
 * most so long ago; the difference of the two machines' clocks is in it. A time ahead of this machine's clock counts as the moment in which it
 * was told. A standby's standby is told by marks of the first one's time: it is the primary's for all of a chain.
 */
#ifndef ONHAND_ENGINE_STANDBY_H
#define ONHAND_ENGINE_STANDBY_H

#include <pthread.h>
#include <stdatomic.h>

#include "env/env.h"

#define STANDBY_ADDRESS_BYTES 256
#define STANDBY_TEXT_BYTES    1024

enum promotion {
    PROMOTION_NONE,
    PROMOTION_ASKED,  /* the follower sees to it */
    PROMOTION_DONE,
    PROMOTION_FAILED  /* it goes on as a standby; report.promotion_problem says why */
};

struct standby_report {
    bool following;       /* a stream is coming in */
    bool gave_up;         /* it cannot go on: see problem */
    int64_t as_of_us;     /* see above */
    int64_t lag_us;       /* from then to now; not negative */
    uint64_t primary_seq; /* the last event known to be durable there */
    char problem[STANDBY_TEXT_BYTES]; /* why nothing comes, "" for nothing */
    enum promotion promotion;
    /* Of the promotion. */
    bool fenced;          /* the former primary takes nothing in any more, and all that it had is here */
    uint64_t seq;         /* the last event that both have */
    char promotion_problem[STANDBY_TEXT_BYTES]; /* why it failed, or the former primary is not fenced; "" for nothing */
};

struct standby {
    const struct env *env;
    char primary[STANDBY_ADDRESS_BYTES]; /* its address; constant */
    char refusal[STANDBY_TEXT_BYTES]; /* what a command is told; constant */
    pthread_mutex_t lock; /* all below */
    int64_t as_of_us;
    struct standby_report report;
    bool fence; /* of the promotion asked for: the primary is to be fenced */
};

/* as_of_us: the log time of what is there. */
void standby_init(struct standby *standby, const struct env *env, const char *primary, int64_t as_of_us);
void standby_deinit(struct standby *standby);

/* ---- the follower's ---- */

/*
 * What came is applied. log_us: of the last decision in it, 0 for none. marked_us: all that was durable at this time is applied, as the last mark
 * says; it counts, also when an earlier one said more; 0 for none. primary_seq: of the last event then.
 */
void standby_current(struct standby *standby, int64_t log_us, int64_t marked_us, uint64_t primary_seq);
void standby_state(struct standby *standby, bool following, bool gave_up, const char *problem);
/* True when a promotion is asked for and not yet seen to. */
bool standby_promotion(struct standby *standby, bool *out_fence);
void standby_promoted(struct standby *standby, enum promotion promotion, bool fenced, uint64_t seq, const char *problem);

/* ---- any thread ---- */

void standby_look(struct standby *standby, struct standby_report *out_report);
/* It was promoted, and its former primary is to be fenced, whenever it is reached. */
bool standby_pursues(struct standby *standby);
/* Asks the follower for it. fence: the primary is asked to take nothing in any more, and what it had until then is copied first. */
void standby_promote(struct standby *standby, bool fence);

#endif
