/*
 * The filler writes zeros ahead of the journal: into the segment in use until it has its full size, then into the next
 * one. A thread of its own does it in small steps with rests between them, unless a frame is waiting.
 *
 * Owner: the engine thread calls everything here.
 */
#ifndef ONHAND_JOURNAL_FILLER_H
#define ONHAND_JOURNAL_FILLER_H

#include "env/env.h"

struct filler;

#define FILL_STEP_BYTES ((uint64_t)1 << 20)

/* Writes zeros from `from` to `end` and makes them durable. */
enum status fill_zeros(const struct env *env, struct env_file *file, uint64_t from, uint64_t end);

/*
 * active: the segment in use, zero up to filled_bytes; owned by the caller, but closed only after filler_switch or
 * filler_destroy. on_writer: no thread; steps are made inside filler_need and filler_next.
 */
enum status filler_create(const struct env *env, struct env_directory *directory, uint64_t segment_bytes,
                          bool on_writer, struct env_file *active, uint64_t filled_bytes, struct filler **out_filler);
void filler_destroy(struct filler *filler);
/* Returns when the active segment is filled to `end`, at once nearly always. IO and NO_SPACE are final. */
enum status filler_need(struct filler *filler, uint64_t end);
/* The present write position: filling the next segment begins when a quarter of this one is used. */
void filler_used(struct filler *filler, uint64_t offset);
/* The next segment, under SEGMENT_NEXT_NAME, with at least one step filled: it is the caller's from here on. */
enum status filler_next(struct filler *filler, struct env_file **out_file, uint64_t *out_filled_bytes);
/* `file` is the active segment now; the former one is the caller's to close. */
void filler_switch(struct filler *filler, struct env_file *file, uint64_t filled_bytes);

#endif
