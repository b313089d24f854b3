/*
 * Replay: records as they lie in frames, made decisions again and handed on in order. The one way from the disk back
 * into a ledger: recovery takes it at a start, journal_replay_until when the past is asked for.
 *
 * They are handed on in small groups, so that the receiver can look ahead: a ledger is larger than any cache, and evolve waits
 * for one miss after the other (ledger/prepare.c). No group is longer than its frame, whose bytes the texts borrow.
 */
#ifndef ONHAND_JOURNAL_REPLAY_H
#define ONHAND_JOURNAL_REPLAY_H

#include <stdatomic.h>

#include "journal/frame.h"
#include "journal/journal.h"

#define REPLAY_AHEAD 16 /* decisions of a group; PREPARE_MAX at most */

struct replay {
    const struct journal_replay *to; /* NULL: only the form is looked at */
    const uint8_t *ledger_id;        /* 16 bytes: of whose journal it is */
    int64_t until_us;                /* decisions and ticks recorded later are not handed on, */
    uint64_t until_seq;              /* nor those with a later event: it ends before the first */
    uint64_t frame_seq;              /* it ends behind the first frame that ends at this event and time, or later, and */
    int64_t frame_us;
    uint64_t frame_ordinal;          /* has this number, or a higher one */
    const atomic_bool *stop;         /* ends before the next when it becomes true; may be NULL */

    /* What was met. */
    uint64_t decision_count;
    struct genesis genesis;
    int64_t log_us;   /* of the last decision or tick */
    bool sealed;      /* the last frame ended with a seal */
    bool ended;       /* it ended before something: `at` is where */
    size_t at;        /* the record that is next or bad, in the records of the frame */
    uint64_t next_seq;
    const char *bad;  /* DAMAGED: why, when the records can be decoded; else NULL */

    /* Its own. */
    const struct env *env;
    void *memory;
    struct decision group[REPLAY_AHEAD]; /* decoded and not handed on yet: group_count of them */
    uint32_t group_count;
    struct event *events; /* theirs: so many are used, and there is room for the largest decision behind them; */
    struct new_name *names;
    struct shortage *shortages;
    uint32_t events_used, names_used, shortages_used;
    uint32_t name_count; /* of the decision to come, behind those that are used */
};

/* Without bounds, and with memory for the largest decision; it is touched as it is needed. MEMORY. */
MUST_USE enum status replay_init(struct replay *replay, const struct env *env, const struct journal_replay *to);
void replay_deinit(struct replay *replay);

/*
 * Hands on the records of a sound frame, from `at` on, where next_seq is the next event: from the beginning both are 0
 * and frame->first_seq. Texts are borrowed from the records. VERSION for a kind of record that this version does not
 * know; DAMAGED.
 */
MUST_USE enum status replay_frame(struct replay *replay, const struct frame *frame, const uint8_t *records, size_t at,
                                  uint64_t next_seq);

#endif
