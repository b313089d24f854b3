/*
 * A segment's file, raw or packed, for reading: the door through which both look the same. Offsets are those of the raw segment;
 * a packed one ends behind its last frame.
 *
 * Of a packed one the blocks last read are kept in memory, SEGMENT_FILE_KEPT_BYTES of frames or one block. One thread at a time.
 */
#ifndef ONHAND_JOURNAL_SEGMENT_FILE_H
#define ONHAND_JOURNAL_SEGMENT_FILE_H

#include "journal/packed.h"

struct segment_file;

#define SEGMENT_FILE_KEPT_BYTES ((size_t)8 << 20)

/*
 * name: in the directory. NOT_FOUND, IO, MEMORY; DAMAGED when it is packed and what describes its blocks is not what was written. What
 * is not a packed segment of this version is raw, and read as it is.
 */
MUST_USE enum status segment_file_open(const struct env *env, struct env_directory *directory, const char *name,
                                       struct segment_file **out_file);
void segment_file_close(struct segment_file *file);

bool segment_file_packed(const struct segment_file *file);
/* Of the raw segment; of a packed one, to the end of its frames. IO. */
MUST_USE enum status segment_file_size(struct segment_file *file, uint64_t *out_bytes);
/* As env's file_read: less than n only at the end, and before a block that is not what was written. IO, MEMORY; DAMAGED when such a
 * block is at offset. */
MUST_USE enum status segment_file_read(struct segment_file *file, uint64_t offset, void *bytes, size_t n, size_t *out_bytes);

/* Of a packed segment: where the block behind the one of this offset begins, or where all ends. */
uint64_t segment_file_behind(const struct segment_file *file, uint64_t offset);
/* Is what lies at this offset of a packed segment in memory? */
bool segment_file_holds(const struct segment_file *file, uint64_t offset);

/*
 * Of a packed segment: the last block whose first event's number is at most seq, or the first one. Its `at` is of no use here. The
 * blocks are an index that needs nothing to be read but this: frames are read from out_entry->offset on.
 */
struct packed_entry segment_file_find(const struct segment_file *file, uint64_t seq);
/* Of a packed segment: how it ends. */
const struct packed_trailer *segment_file_trailer(const struct segment_file *file);

#endif
