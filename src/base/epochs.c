#include "base/epochs.h"

const struct epochs epochs_first = {.now = EPOCH_FIRST};

const char *epoch_reason_text(enum epoch_reason reason)
{
    switch (reason) {
#define X(name, text)                                                                                                  \
    case EPOCH_##name:                                                                                                 \
        return text;
        EPOCH_REASON_MAP(X)
#undef X
    case EPOCH_REASON_COUNT:
        break;
    }
    return "begun";
}

static void forget_oldest(struct epochs *epochs)
{
    const struct epoch *oldest = &epochs->list[0];
    if (epochs->forgotten == 0 || oldest->parted_seq < epochs->forgotten_seq)
        epochs->forgotten_seq = oldest->parted_seq;
    epochs->forgotten = oldest->epoch;
    for (uint32_t i = 1; i < epochs->count; i++)
        epochs->list[i - 1] = epochs->list[i];
    epochs->count--;
}

bool epochs_begin(struct epochs *epochs, enum epoch_reason reason, uint64_t id, uint64_t parted_seq, int64_t began_us)
{
    uint32_t number = epoch_number(epochs->now);
    if (number == EPOCH_NUMBER_MAX)
        return false;
    uint32_t tag = (uint32_t)id << EPOCH_NUMBER_BITS >> EPOCH_NUMBER_BITS;
    uint32_t epoch = (tag == 0 ? 1 : tag) << EPOCH_NUMBER_BITS | (number + 1);
    if (epochs->count == EPOCHS_MAX)
        forget_oldest(epochs);
    epochs->list[epochs->count++] = (struct epoch){epoch, reason, id, parted_seq, began_us};
    epochs->now = epoch;
    epochs->parted_seq = parted_seq;
    return true;
}

/* Is it the first, or one of those that are not in the list any more? */
static bool is_forgotten(const struct epochs *epochs, uint32_t epoch)
{
    return epoch == EPOCH_FIRST || (epochs->forgotten != 0 && epoch_number(epoch) > EPOCH_FIRST &&
                                    epoch_number(epoch) <= epoch_number(epochs->forgotten));
}

bool epochs_common(const struct epochs *epochs, uint32_t epoch, uint64_t *out_seq)
{
    uint64_t common = UINT64_MAX;
    uint32_t after = epochs->count;
    for (; after > 0 && epochs->list[after - 1].epoch != epoch; after--) {
        if (epochs->list[after - 1].parted_seq < common)
            common = epochs->list[after - 1].parted_seq;
    }
    if (after == 0 && !is_forgotten(epochs, epoch))
        return false;
    if (after == 0 && epochs->forgotten != 0 && epochs->forgotten_seq < common)
        common = epochs->forgotten_seq;
    *out_seq = common;
    return true;
}

uint32_t epochs_before(const struct epochs *epochs, uint64_t seq)
{
    for (uint32_t i = epochs->count; i > 0; i--) {
        if (seq > epochs->list[i - 1].parted_seq)
            return epochs->list[i - 1].epoch;
    }
    /* Behind the earliest parting of those forgotten nobody knows which of them it was; that one has it, too. */
    return epochs->forgotten != 0 && seq > epochs->forgotten_seq ? epochs->forgotten : EPOCH_FIRST;
}

static bool epoch_equal(const struct epoch *a, const struct epoch *b)
{
    return a->epoch == b->epoch && a->reason == b->reason && a->id == b->id && a->parted_seq == b->parted_seq &&
           a->began_us == b->began_us;
}

/* The earliest parting of an epoch that the other history has not. */
static uint64_t own_parting(const struct epochs *epochs, const struct epochs *other)
{
    uint64_t parting = UINT64_MAX;
    for (uint32_t i = 0; i < epochs->count; i++) {
        bool shared = false;
        for (uint32_t j = 0; j < other->count && !shared; j++)
            shared = epoch_equal(&epochs->list[i], &other->list[j]);
        if (!shared && epochs->list[i].parted_seq < parting)
            parting = epochs->list[i].parted_seq;
    }
    if (epochs->forgotten != other->forgotten && epochs->forgotten != 0 && epochs->forgotten_seq < parting)
        parting = epochs->forgotten_seq;
    return parting;
}

uint64_t epochs_meet(const struct epochs *a, const struct epochs *b)
{
    uint64_t parting = own_parting(a, b);
    uint64_t others = own_parting(b, a);
    return parting < others ? parting : others;
}

uint32_t epochs_promoted(const struct epochs *epochs)
{
    for (uint32_t i = epochs->count; i > 0; i--) {
        if (epochs->list[i - 1].reason == EPOCH_promote)
            return epochs->list[i - 1].epoch;
    }
    return 0;
}

bool epochs_extend(const struct epochs *before, const struct epochs *after)
{
    uint32_t gone = 0; /* of those in `before` that `after` has forgotten */
    if (after->forgotten != before->forgotten) {
        while (gone < before->count && before->list[gone].epoch != after->forgotten)
            gone++;
        /* All of them, when many began at once. */
        if (gone == before->count && epoch_number(after->forgotten) < epoch_number(before->now))
            return false;
        gone += gone < before->count;
    }
    if (before->count - gone > after->count)
        return false;
    for (uint32_t i = gone; i < before->count; i++) {
        if (!epoch_equal(&before->list[i], &after->list[i - gone]))
            return false;
    }
    return epoch_number(after->now) >= epoch_number(before->now);
}
