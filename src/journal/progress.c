#include "journal/progress.h"

bool journal_progress_event(const struct journal_progress *progress, uint32_t *out_epoch, uint64_t *out_seq)
{
    uint64_t seq;
    do {
        seq = atomic_load(&progress->last_seq);
        *out_epoch = (uint32_t)atomic_load(&progress->epoch);
    } while (seq != atomic_load(&progress->last_seq));
    *out_seq = seq;
    return seq != 0;
}

void journal_progress_to(struct journal_progress *progress, uint32_t epoch, uint64_t last_seq)
{
    if (epoch != atomic_load_explicit(&progress->epoch, memory_order_relaxed)) {
        atomic_store(&progress->last_seq, 0); /* no reader sees an event with another's epoch */
        atomic_store(&progress->epoch, epoch);
    }
    atomic_store(&progress->last_seq, last_seq);
}
