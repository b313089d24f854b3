/*
 * Where on disk a sequence number is: the segments, and one place for every 64 KiB or so of journal. Rebuilt by
 * recovery, kept up by the writer, searched by readers from any thread.
 */
#ifndef ONHAND_JOURNAL_INDEX_H
#define ONHAND_JOURNAL_INDEX_H

#include <pthread.h>

#include "env/env.h"

#define INDEX_SPACING_BYTES ((uint64_t)64 << 10)
#define INDEX_PLACES_MAX    ((size_t)4 << 20) /* 256 GiB of journal; beyond it the spacing doubles */
#define INDEX_SEGMENTS_MAX  ((size_t)1 << 20) /* 256 TiB */

struct index_segment {
    uint64_t first_seq; /* its name */
    uint64_t end;       /* durable frames end here */
};

struct index_place {
    uint64_t seq;    /* the first of a frame that begins here */
    uint64_t offset; /* in the segment */
    uint32_t segment;
};

struct index {
    const struct env *env;
    pthread_mutex_t lock; /* all below */
    struct index_segment *segments;
    size_t segment_count;
    struct index_place *places;
    size_t place_count, place_max;
    uint64_t spacing_bytes;
    uint64_t since_bytes; /* of frames since the last place */
};

/* MEMORY. */
enum status index_init(struct index *index, const struct env *env, size_t place_max);
void index_deinit(struct index *index);
/* FULL when INDEX_SEGMENTS_MAX are there. */
enum status index_add_segment(struct index *index, uint64_t first_seq, uint64_t end);
/* A frame at offset of the newest segment is durable. has_events: seq is its first event's. */
void index_add_frame(struct index *index, uint64_t offset, uint64_t end, bool has_events, uint64_t seq);
/* The place at or before the frame of seq. False when there are no segments. */
bool index_find(struct index *index, uint64_t seq, uint32_t *out_segment, uint64_t *out_offset);
/* False when there is no such segment. */
bool index_segment(struct index *index, uint32_t segment, struct index_segment *out_segment);

#endif
