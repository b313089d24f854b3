/*
 * The retainer: has the journal drop what nobody may need any more (journal/retention.h), behind each checkpoint, of whose ledger it
 * learns what is still needed. On the thread that makes checkpoints.
 */
#ifndef ONHAND_ENGINE_RETAINER_H
#define ONHAND_ENGINE_RETAINER_H

#include <stdatomic.h>

#include "journal/journal.h"
#include "ledger/ledger.h"

struct retainer {
    int64_t keep_us;     /* what is younger stays, but for most_bytes; INT64_MAX: age is no reason to drop */
    uint64_t most_bytes; /* of journal on disk; UINT64_MAX: size is no reason to drop */
    int64_t history_us;  /* what is younger stays, whatever the size */
    /* Has a complete segment of this name put away; false: not now. Gives up when *stop becomes true. May be NULL. */
    bool (*archive)(void *context, const char *name, const atomic_bool *stop);
    /* Some were dropped, or could not be though the journal is too large. Or nothing was, and why. May be NULL. */
    void (*retained)(void *context, const struct journal_retained *retained);
    void (*failed)(void *context, const char *problem);
    void *context;
};

/* ledger: of a checkpoint just made. stop: that of the thread, or NULL. */
void retainer_run(const struct retainer *retainer, struct journal *journal, const struct ledger *ledger,
                  const atomic_bool *stop);

#endif
