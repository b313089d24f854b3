/*
 * Playing random commands at a ledger and at the model (model.h), and comparing them: what test_model does with a ledger
 * alone, and the simulation with all of the engine.
 *
 * There is one run in a process. play_make.c makes its commands, of the model's present state; play_compare.c compares what
 * a ledger made of them. Whatever differs ends the process, with all there is to know about it.
 */
#ifndef ONHAND_TEST_PLAY_H
#define ONHAND_TEST_PLAY_H

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/siphash.h"
#include "ledger/config_form.h"
#include "ledger/ledger.h"
#include "ledger/reading.h"
#include "model.h"

#define WORLD_COMMANDS     1500 /* a world long enough for an id window to pass, short enough to stay small */
#define WORLD_ROOM         (2 * WORLD_COMMANDS + 1) /* and those that come between a reading and its decision */
#define HOLDS              12   /* names of holds */
#define PAPERS             6    /* names of transfers, and of expected documents */
#define HISTORY            64   /* commands that can be repeated */
#define WINDOW_US          (INT64_C(3600) * 1000 * 1000)
#define START_US           (INT64_C(1700000000) * 1000 * 1000)
#define SECOND_US          INT64_C(1000000)
#define DAY_US             (INT64_C(24) * 60 * 60 * SECOND_US)

/* What became of counts of goods. */
enum { COUNTS_MADE, COUNTS_LATE, COUNTS_FOUND, COUNTS_MISSING, CORRECTED, SIGN_TURNS, UNCERTAIN, UNCERTAIN_LATE,
       BY_TURNS, COUNTS_FORGOTTEN, COUNTS_LAST, COUNTS_TOO_LATE, COUNTS_OF_PICKED, CORRECTED_IN_BINS, READ, READ_AGAIN,
       READ_STILL, COUNT_FATES };

struct run {
    uint64_t seed;
    struct prng prng;
    uint64_t world_number, command_number;
    uint64_t passes; /* of the audit in this world */
    bool alone; /* the model without a ledger */
    bool huge;  /* this world has quantities near 2^53 */
    bool tree;  /* in this one some locations are bins of others */
    bool rules; /* this one has rules of who loses cover */
    bool kits;  /* this one has kits, i3 and i4 most of all */
    bool late;  /* in this one goods are counted, and much comes late */
    bool plain; /* in this one no command asks for what has to be read of the past, and none sets the ledger */
    int64_t now_us;
    struct model model;
    struct ledger *ledger, *twin, *twin_memory;
    struct decision decision;
    struct verdict verdict;
    struct past *past; /* of all events of cells, in their order */
    uint64_t past_count;
    struct decision *kept; /* those of commands, without their texts */
    int64_t *kept_order;   /* which command of the model each was */
    uint64_t kept_count, kept_events;
    struct model_command history[HISTORY];
    uint64_t history_count;
    int64_t seqs[MODEL_NAMES_MAX]; /* next seq per source */
    uint64_t ids;
    struct siphash_key key; /* of the ledgers */
    void (*disagreed)(void); /* says what else there is to know; NULL for nothing */
};

/* What an event of a cell changed, when it occurred, and when it is booked. */
struct past {
    uint32_t item, location;
    bool moves; /* it is no count, and corrects none */
    int64_t occurred_us, booked_us;
    struct figures delta;
    uint64_t seq;
    uint32_t source, stated_by; /* the latter NUMBER_NONE but of a snapshot */
    uint64_t seen_position;     /* of that */
    uint64_t own;               /* what its source numbered it; 0 for none */
};
#define PAST_MAX 65536
#define KEPT_EVENTS_MAX 32768

extern struct run run;

/* What was met, to be counted. */
extern uint64_t play_pasts_compared, play_booked_apart, play_earliest_later, play_kits_asked_later, play_audited;
extern uint64_t play_count_fates[COUNT_FATES];
extern uint64_t play_silent_told, play_heard_told, play_shown_less;
extern uint64_t play_expired, play_covered, play_served, play_short, play_promised_served, play_promised_expired;
extern int64_t play_trolleys_short, play_others_short;
extern const struct ledger_limits play_limits; /* of both ledgers: no command comes near them */
extern const char *const play_kind_names[MODEL_KIND_COUNT];
extern const enum snapshot_policy play_policies[MODEL_POLICIES];


static inline uint64_t below(uint64_t bound)
{
    return prng_below(&run.prng, bound);
}

static inline bool one_in(uint64_t n)
{
    return below(n) == 0;
}

static inline struct text text(const char *bytes)
{
    return bytes[0] == '\0' ? TEXT_NONE : text_of(bytes, strlen(bytes));
}

static inline void play_name(model_name out, const char *prefix, uint64_t count)
{
    (void)snprintf(out, sizeof(model_name), "%s%u", prefix, (unsigned)below(count));
}

/* ---- play_make.c ---- */

/* A new command, one of the past again, or a new one under an id of the past. */
void play_command(struct model_command *c);
/* It may come again. */
void play_remember(const struct model_command *c);
/* PUT of a location: some criteria in any order; in a third of the cases none. */
struct model_rule play_some_rule(void);
/* Before now: by seconds, inside the window of ids, from before it, and around the ends of counts. */
void play_late_time(int64_t *out_us);

/* ---- play_compare.c ---- */

_Noreturn void play_disagree(const char *what, const char *name, int64_t model, int64_t ledger);
void play_same(const char *what, const char *name, int64_t model, int64_t ledger);
bool play_is_text(const char *model, struct text ledger);
void play_same_text(const char *what, const char *model, struct text ledger);
/* Borrowed until the next call. */
struct command play_adapt(const struct model_command *c);
/* An empty world for run.prng: the model, both ledgers (with run.key), and all that is kept of them. run.huge, kits and the
 * like are the caller's. */
void play_begin(void);
/* Applies run.decision to both ledgers, which are then to be the same. */
void play_evolve(void);
/* What the journal's reader finds out about the cells that the ledger has named. */
void play_read_past(struct reading *reading, struct cell_reading *cells);
/* The name in run.decision, or in the ledger. */
struct text play_decision_name(enum name_space space, uint32_t number);
/* All that the ledger and the model have, and some of what they had or will have. */
void play_compare_state(void);
void play_compare_past(void);
void play_compare_promises(void);
/* run.decision and run.verdict against the model's answer, before they are evolved. */
void play_compare_answer(const struct model_command *c, const struct model_answer *answer);
/* run.decision is what a brake keeps for a person. */
bool play_is_held(enum brake brake);
/* What run.verdict says; a fact that is held for being too late is one that is refused, to the model. */
enum code play_ledger_code(void);
/* The code of it, in the model's words. */
const char *play_ledger_said(void);
/* The model is right in itself. */
void play_check_model(void);
/* What is to be said of a source, by the model. Its name, or NULL. */
const char *play_say_next(bool *out_silent, int64_t *out_since_us);
/* run.decision is one of the ledger's own: the model does the same, and both evolve. */
void play_follow(void);

#endif
