/*
 * Where a replay begins: at a checkpoint instead of the first record. The one way from a checkpoint's file into a ledger and
 * an index, for a start and for who asks about the past; and the one way back into the file.
 */
#ifndef ONHAND_JOURNAL_RESUME_H
#define ONHAND_JOURNAL_RESUME_H

#include "journal/checkpoint.h"
#include "journal/index.h"
#include "journal/journal.h"

/*
 * Hands on the checkpoint with this last event: its genesis, its image, the end of that. index: emptied, then filled with what lies before
 * it; NULL for none. DAMAGED, VERSION, NOT_FOUND: another one may do, problem says why not this one. FULL: the receiver has too little
 * room. MEMORY, IO.
 */
MUST_USE enum status resume_read(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                                 const struct journal_replay *replay, struct index *index,
                                 struct checkpoint *out_checkpoint, char *problem, size_t problem_bytes);

/* Begins a checkpoint and writes what the index has before it. AGAIN when the index was thinned meanwhile. */
MUST_USE enum status resume_write(const struct env *env, struct env_directory *directory, struct index *index,
                                  uint32_t segment, struct checkpoint *checkpoint, struct checkpoint_writer **out_writer);

#endif
