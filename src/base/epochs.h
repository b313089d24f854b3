/*
 * Epochs: the histories that a journal has been through. A restore to an earlier point, a repair, or a standby that
 * takes over begins a new one: from there on, sequence numbers are given out that may have been given out before, for
 * something else.
 *
 *     epoch 1     1 ....... 800 ........... 1000
 *     epoch 2                \ 801 .............. 1500      parted at 800
 *
 * What was told in epoch 1 up to 800 is still so; what was told behind it is not. An epoch is a number and a tag, drawn
 * when it begins: two copies of one journal that both begin an epoch 2 begin different ones, which nothing takes for each
 * other (but for one in a million, when both draw the same tag). In 32 bits:
 *
 *     epoch = tag (20 bits, 0 for the first epoch alone) | number (12 bits, from 1)
 *
 * Pure. What is here is also kept in the headers of segments (docs/format.md).
 */
#ifndef ONHAND_BASE_EPOCHS_H
#define ONHAND_BASE_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

#define EPOCH_FIRST       UINT32_C(1)
#define EPOCH_NUMBER_BITS 12
#define EPOCH_NUMBER_MAX  ((UINT32_C(1) << EPOCH_NUMBER_BITS) - 1)
#define EPOCHS_MAX        64 /* remembered one by one; of those before, the earliest parting alone */

/* X(name, how a person is told): why an epoch began. Numbers are stored: append only. */
#define EPOCH_REASON_MAP(X)                                                                                            \
    X(restore, "restored")                                                                                             \
    X(repair, "repaired")                                                                                              \
    X(promote, "promoted")

enum epoch_reason {
#define X(name, text) EPOCH_##name,
    EPOCH_REASON_MAP(X)
#undef X
    EPOCH_REASON_COUNT
};

/* One that began, so never the first. */
struct epoch {
    uint32_t epoch;
    enum epoch_reason reason;
    uint64_t id;         /* random; the tag is its lowest bits (1 when those are 0) */
    uint64_t parted_seq; /* the last event it has in common with what was before */
    int64_t began_us;    /* UTC wall time, for people */
};

struct epochs {
    uint32_t now;
    uint32_t count;
    uint64_t parted_seq;      /* of the present one; 0 for the first */
    uint32_t forgotten;       /* the last one that is not in the list any more; 0 for none (the first is never in it) */
    uint64_t forgotten_seq;   /* the earliest parting of these */
    struct epoch list[EPOCHS_MAX]; /* in the order they began; a later one may part before an earlier one did */
};

/* A journal in its first epoch. */
extern const struct epochs epochs_first;

static inline uint32_t epoch_number(uint32_t epoch)
{
    return epoch & EPOCH_NUMBER_MAX;
}

static inline uint32_t epoch_tag(uint32_t epoch)
{
    return epoch >> EPOCH_NUMBER_BITS;
}

/* The word for a reason, "restored". */
const char *epoch_reason_text(enum epoch_reason reason);

/*
 * Begins one behind parted_seq. id: random. False, and nothing done, when there have been EPOCH_NUMBER_MAX; with more
 * than EPOCHS_MAX the oldest is forgotten.
 */
MUST_USE bool epochs_begin(struct epochs *epochs, enum epoch_reason reason, uint64_t id, uint64_t parted_seq,
                           int64_t began_us);

/*
 * Up to which event a history that calls itself `epoch` is this one: UINT64_MAX for the present epoch. False when it
 * never was this one's: of another ledger, or begun by another copy. Of forgotten ones what they surely have in common.
 */
MUST_USE bool epochs_common(const struct epochs *epochs, uint32_t epoch, uint64_t *out_seq);

/* Has the event the same position in that epoch as here? */
static inline bool epochs_has(const struct epochs *epochs, uint32_t epoch, uint64_t seq)
{
    uint64_t common = 0;
    return epoch == epochs->now || (epochs_common(epochs, epoch, &common) && seq <= common);
}

/* The epoch in which an event was decided, other than the present one. */
uint32_t epochs_before(const struct epochs *epochs, uint64_t seq);

/* The epoch in which an event of this history was decided. */
static inline uint32_t epochs_of(const struct epochs *epochs, uint64_t seq)
{
    return seq > epochs->parted_seq ? epochs->now : epochs_before(epochs, seq);
}

/*
 * Up to which event two histories of one ledger are the same, as far as their epochs tell; UINT64_MAX when they are in the same
 * one. Where one of them has forgotten epochs it may be less than that.
 */
uint64_t epochs_meet(const struct epochs *a, const struct epochs *b);

/* The newest epoch in the list that a promotion began; 0 for none. */
uint32_t epochs_promoted(const struct epochs *epochs);

/* Is `after` what `before` became: the same, or with more epochs begun since? */
bool epochs_extend(const struct epochs *before, const struct epochs *after);

#endif
