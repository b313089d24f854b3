/*
 * The filler writes zeros ahead of the journal: into the segment in use until it has its full size, then into the next
 * one. A thread of its own does it in small steps with rests between them, unless a frame is waiting.
 *
 * It is where a full disk is met: a place that is filled is surely there. NO_SPACE is told, and tried again by itself
 * after FILL_RETRY_NS; any other failure is final.
 *
 * Owner: the engine thread calls everything here.
 */
#ifndef ONHAND_JOURNAL_FILLER_H
#define ONHAND_JOURNAL_FILLER_H

#include "env/env.h"

struct filler;

#ifndef FILL_STEP_BYTES /* see JOURNAL_SEGMENT_BYTES_MIN */
#define FILL_STEP_BYTES ((uint64_t)1 << 20)
#endif
#define FILL_RETRY_NS   (INT64_C(1000) * 1000 * 1000) /* on a full disk */
/* Beyond its nominal size: the last groups of a segment have a place there when the next one cannot be made. */
#define FILL_BEYOND_BYTES FILL_STEP_BYTES

/* Writes zeros from `from` to `end` and makes them durable. */
enum status fill_zeros(const struct env *env, struct env_file *file, uint64_t from, uint64_t end);

/*
 * active: the segment in use, zero up to filled_bytes; owned by the caller, but closed only after filler_switch or
 * filler_destroy. on_writer: no thread; steps are made inside filler_need and filler_next.
 */
enum status filler_create(const struct env *env, struct env_directory *directory, uint64_t segment_bytes,
                          bool on_writer, struct env_file *active, uint64_t filled_bytes, struct filler **out_filler);
void filler_destroy(struct filler *filler);
/* So far the active segment is filled: what is below has its place on disk. */
uint64_t filler_filled(const struct filler *filler);
/* Returns when the active segment is filled to `end`, at once nearly always. NO_SPACE: not now, ask again. IO is final. */
enum status filler_need(struct filler *filler, uint64_t end);
/* The present write position: filling the next segment begins when a quarter of this one is used. */
void filler_used(struct filler *filler, uint64_t offset);
/* The next segment, under SEGMENT_NEXT_NAME, filled to `end` at least: it is the caller's from here on. NO_SPACE: not now. */
enum status filler_next(struct filler *filler, uint64_t end, struct env_file **out_file, uint64_t *out_filled_bytes);
/* Takes it back: its name could not be given to it. */
void filler_next_back(struct filler *filler, struct env_file *file, uint64_t filled_bytes);
/* `file` is the active segment now; the former one is the caller's to close. */
void filler_switch(struct filler *filler, struct env_file *file, uint64_t filled_bytes);

/* How it stands with the disk. Any thread. */
struct filler_state {
    bool full; /* the segment in use cannot be filled as far as was needed: since then nothing was taken */
    bool low;  /* the last step found no space, here or in the next segment */
};
struct filler_state filler_state(const struct filler *filler);
/* What went wrong last, in words: file, offset, and what the system said; "" for nothing. */
void filler_problem(struct filler *filler, char *out_text, size_t n);

#endif
