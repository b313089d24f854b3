/*
 * Where in the journal a sequence number is: the segments, and one place for every 16 KiB or so, also within a frame that is
 * longer. Rebuilt by recovery, kept up by the writer, searched by readers from any thread.
 *
 * A place knows the checksum of the records from it to the next one in its frame, as it was when the frame was written or
 * recovered: who looks for one record reads and checks these, not a frame of megabytes.
 */
#ifndef ONHAND_JOURNAL_INDEX_H
#define ONHAND_JOURNAL_INDEX_H

#include <pthread.h>

#include "env/env.h"

#define INDEX_SPACING_BYTES ((uint64_t)16 << 10)
#define INDEX_PLACES_MAX    ((size_t)4 << 20) /* 64 GiB of journal; beyond it the spacing doubles */
#define INDEX_SEGMENTS_MAX  ((size_t)1 << 20) /* 256 TiB */

enum index_form {
    INDEX_RAW,
    INDEX_PACKED,
    INDEX_STAYS_RAW /* it could not be packed, and is not tried again */
};

struct index_segment {
    uint64_t first_seq; /* its name */
    uint64_t end;       /* durable frames end here */
    uint64_t record_bytes; /* of those frames that the index was told of; the rest is headers and padding */
    enum index_form form;
};

struct index_place {
    uint64_t seq;     /* of the first event of the first decision here */
    uint64_t offset;  /* of its frame, in the segment */
    uint32_t segment;
    uint32_t start;   /* where among the records of the frame; 0 for its beginning */
    uint32_t bytes;   /* of records, to the next place in the frame or its end; 0 when nothing is known of them */
    uint32_t crc;     /* of these */
};

struct index {
    const struct env *env;
    pthread_mutex_t lock; /* all below */
    struct index_segment *segments; /* by their numbers from 0, which they keep */
    size_t segment_first; /* those before it are gone */
    size_t segment_count; /* the last one's number and 1 */
    struct index_place *places;
    size_t place_first; /* those before it are of segments that are gone */
    size_t place_count, place_max;
    uint64_t spacing_bytes; /* changed by the writer, under the lock */
    uint64_t since_bytes;   /* of frames since the last frame with a place; the writer's */
};

/* MEMORY. */
enum status index_init(struct index *index, const struct env *env, size_t place_max);
void index_deinit(struct index *index);
/* FULL when INDEX_SEGMENTS_MAX are there. */
enum status index_add_segment(struct index *index, uint64_t first_seq, uint64_t end);
/* A frame at offset of the newest segment is durable. has_events: seq is its first event's. records: its records, sound. */
void index_add_frame(struct index *index, uint64_t offset, uint64_t end, bool has_events, uint64_t seq,
                     const uint8_t *records, size_t record_bytes);
/*
 * Copies up to `most` places from number `from` on, as far as they are before an offset of a segment. Returns how many; 0 behind the last.
 * The places were thinned since spacing_bytes was told when it is another now.
 */
size_t index_copy(struct index *index, size_t from, uint32_t segment, uint64_t offset, struct index_place *out_places,
                  size_t most, uint64_t *out_spacing_bytes);
/* Puts places behind those that are there: of a checkpoint, whose index had this spacing. FULL. */
enum status index_load(struct index *index, const struct index_place *places, size_t n, uint64_t spacing_bytes);
/* Empties it: the next segment has this number. Nobody else has it yet. */
void index_clear(struct index *index, uint32_t first);
/* Segments before this one, which is there, are no longer kept. */
void index_drop(struct index *index, uint32_t first);
/* The oldest one kept. */
uint32_t index_first(struct index *index);
/* The last place at or before seq; the beginning of the oldest segment when there is none. False when there are no segments. */
bool index_find(struct index *index, uint64_t seq, struct index_place *out_place);
void index_set_form(struct index *index, uint32_t segment, enum index_form form);
/* Of the raw segments before the newest `keep` ones the one with the smallest share of records, the oldest of equals. False when
 * there is none. */
bool index_sparsest(struct index *index, size_t keep, uint32_t *out_segment, struct index_segment *out_here);
/* False when there is no such segment, or no longer. */
bool index_segment(struct index *index, uint32_t segment, struct index_segment *out_segment);

#endif
