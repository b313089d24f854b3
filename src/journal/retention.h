/*
 * Retention: old segments are dropped, from the oldest on, when they are older or the journal is larger than is wanted, and
 * nobody may need them any more. What is needed goes before what is wanted:
 *
 *     | 1 | 2 | 3 | 4 | 5 | 6 |            5 and 6 are not older than wanted
 *       x   x   x   ^                      a checkpoint is begun with in 4: it and all behind it stay
 *
 * A segment goes whole or not at all. The order, so that a crash at any moment leaves a journal that a start can tell from a
 * damaged one: the checkpoints are read back, each segment is archived, then kept.beginning (beginning.h) is made durable, then the
 * files are removed, and the next start removes what was left of them.
 *
 * One thread at a time.
 */
#ifndef ONHAND_JOURNAL_RETENTION_H
#define ONHAND_JOURNAL_RETENTION_H

#include "journal/beginning.h"
#include "journal/index.h"
#include "journal/journal.h"

/* What may go. */
struct retention_choice {
    uint32_t first, end;      /* numbers of the segments, from 0; none when they are equal */
    uint64_t over_bytes;      /* by so much all that stays is still more than is wanted */
    enum retained_for reason; /* why the oldest that stays does */
};

/*
 * OK, also when nothing may go. DAMAGED: a checkpoint that a start may need is not good, so nothing may.
 * problem: what it is, in words, unless OK. IO, MEMORY.
 */
MUST_USE enum status retention_choose(const struct env *env, struct env_directory *directory, struct index *index,
                                      const struct journal_retention *wanted,
                                      struct retention_choice *out_choice, char *problem, size_t problem_bytes);
/*
 * The head of the chain at the last event before this segment, into its beginning; all before it is read, packed or not. When something of
 * it is damaged, or the head before was not known, it is not. AGAIN when *stop became true; stop may be NULL. MEMORY, IO.
 */
MUST_USE enum status retention_chain(const struct env *env, struct env_directory *directory, struct index *index,
                                     uint32_t segment, const atomic_bool *stop, struct beginning *beginning);
/* What the journal's beginning is, and how many bytes are before it that are there, when the segment of this number is the oldest kept.
 * genesis: as of the present beginning. IO, DAMAGED, MEMORY. */
MUST_USE enum status retention_beginning(const struct env *env, struct env_directory *directory, struct index *index,
                                         uint32_t segment, const struct genesis *genesis, struct beginning *out_beginning,
                                         uint64_t *out_bytes);
/* Removes the files of segments before this event. What cannot be removed is tried again at the next start. */
void retention_remove(const struct env *env, struct env_directory *directory, uint64_t first_seq);

#endif
