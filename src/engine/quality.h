/*
 * How good what a source sends is, counted as it is decided: what was taken and refused, said twice, contradicted the
 * books, came late or from a clock that is ahead; and when it was heard last.
 *
 * Counts are since the start of the process; `heard` is as the journal has it. Of the first QUALITY_SOURCES_MAX sources
 * by number alone, so that memory and pages of metrics have a bound whoever makes up names.
 *
 * Owner: the engine's thread. What says so may be asked from any thread.
 */
#ifndef ONHAND_ENGINE_QUALITY_H
#define ONHAND_ENGINE_QUALITY_H

#include "base/histogram.h"
#include "env/env.h"
#include "ledger/ledger.h"

#define QUALITY_SOURCES_MAX 1024 /* 31 MiB of address space, used as sources say when what they report happened */

/* Bounds of lateness for metrics, seconds, beside one for all that is later: X(seconds). */
#define QUALITY_LATENESS_MAP(X) X(1) X(10) X(60) X(600) X(3600) X(86400) X(604800)
enum {
#define X(seconds) QUALITY_LATENESS_##seconds,
    QUALITY_LATENESS_MAP(X)
#undef X
        QUALITY_LATENESS_COUNT
};

struct quality;

struct quality_counts {
    uint64_t accepted, refused;
    uint64_t invalid;        /* answered 422: nothing was decided */
    uint64_t replayed;       /* the first answer given again */
    uint64_t contradictions; /* events `discrepancy` and `oversold` that its accepted commands caused */
    uint64_t clock_skew;     /* its clock was more than 5 minutes ahead */
    int64_t heard_us;        /* log time of the last decision of it, 0 for none */
    bool silent;             /* silence.c */
    uint32_t drift;          /* what it said last that differs (statement.c) */
    /* Of accepted and refused commands that said when it happened: those within each bound and beyond the one before,
     * those beyond all; and the sum, microseconds. */
    uint64_t late[QUALITY_LATENESS_COUNT + 1];
    uint64_t late_sum_us;
};

/* Microseconds from when it happened to when it was decided, 0 for what had not happened yet. */
struct quality_lateness {
    uint64_t count; /* commands that said when */
    uint64_t p50_us, p99_us, max_us;
};

/* NULL when there is no memory. */
struct quality *quality_create(const struct env *env);
void quality_destroy(struct quality *quality);

/* A decision that was applied to the ledger, in a replay too: who was heard, who is silent, which name was given up. */
void quality_follow(struct quality *quality, const struct decision *decision);
/* The same for a command that was decided now. timed: it said when it happened. */
void quality_decided(struct quality *quality, const struct decision *decision, bool timed);
/* What the ledger knows of a source, after it was made of an image: when it was heard, that it is silent, or gone, and its drift. */
void quality_restore(struct quality *quality, const struct ledger *ledger, uint32_t source);
/* So much of what this source said last differs from the books. */
void quality_drift(struct quality *quality, uint32_t source, uint32_t count);
/* A command of this source (NUMBER_NONE for one that is not known) was answered without a decision. */
void quality_replayed(struct quality *quality, uint32_t source);
void quality_invalid(struct quality *quality, uint32_t source);

/* False when nothing is counted of it. Walks a histogram: some microseconds. */
bool quality_lateness(const struct quality *quality, uint32_t source, struct quality_lateness *out_lateness);
/* So many sources may have something, numbered from 0; their names can be read. Any thread. */
uint32_t quality_count(const struct quality *quality);
/* False when its name was given up, or nothing is counted of it. Any thread; from another than the engine's, counts may
 * be of different moments. */
bool quality_counts(const struct quality *quality, uint32_t source, struct quality_counts *out_counts);

#endif
