/*
 * Cold segments: the old ones are rewritten packed (packed.h), the sparse ones first. A thread of its own does it, a block at a
 * time with rests three times as long between them.
 *
 * The raw file is there until the packed one is whole, durable, and was read back and compared byte by byte; then the packed one
 * takes its name in one step. At every moment there is one file of that name, and it is complete.
 */
#ifndef ONHAND_JOURNAL_COLD_H
#define ONHAND_JOURNAL_COLD_H

#include "journal/index.h"
#include "journal/reader.h"

struct cold;

/* A packed segment in the making; never read by a start, which removes it. */
#define COLD_NEW_NAME "packed.journal.new"

struct cold_counters {
    uint64_t packed;      /* segments rewritten since the start */
    uint64_t raw_bytes;   /* what their frames took */
    uint64_t bytes;       /* what they take now */
    uint64_t failures;    /* that a segment could not be packed, or not now */
};

/*
 * keep: so many of the newest segments stay raw, with the one in use; at least 1. on_writer: no thread, cold_look and cold_step
 * do it. All else is borrowed. MEMORY; IO when the leftover of an earlier run cannot be removed.
 */
enum status cold_create(const struct env *env, struct env_directory *directory, struct index *index,
                        struct reader_pool *readers, size_t keep, bool on_writer, struct cold **out_cold);
/* Ends what is being done, at the next block. */
void cold_destroy(struct cold *cold);
/* A segment has ended: there may be something to do. Without a thread one is packed now. Engine thread. */
void cold_look(struct cold *cold);
/*
 * Packs one segment on this thread. END when there is none to be packed; AGAIN when it was ended before it was done; NO_SPACE,
 * IO, MEMORY: it is as it was and may be tried again. DAMAGED: it does not read as it should, or would not be the same when packed; it
 * stays raw.
 */
enum status cold_step(struct cold *cold);
/* Any thread. */
struct cold_counters cold_counters(const struct cold *cold);

/* Makes a raw segment of a packed one, in the same way: of the last one, when the journal goes on in it. As cold_step. */
MUST_USE enum status cold_unpack(const struct env *env, struct env_directory *directory, const char *name);

#endif
