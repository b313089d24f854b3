/*
 * The tail: the newest part of the journal in memory. The writer builds frames in it and writes them from it; readers
 * copy durable records out of it.
 *
 * Owner: the engine thread writes (tail_claim, tail_publish); tail_read and tail_flushed_at_ns are for any thread.
 */
#ifndef ONHAND_JOURNAL_TAIL_H
#define ONHAND_JOURNAL_TAIL_H

#include "journal/index.h"

struct tail;

#define TAIL_CHUNK_COUNT_MIN 4
#define TAIL_CHUNK_BYTES_MIN ((size_t)8 << 20)
#define TAIL_CHUNK_BYTES_MAX ((size_t)16 << 20)
#define TAIL_NOWHERE         UINT64_MAX

/* A durable frame that holds decisions. */
struct tail_frame {
    uint64_t first_seq, last_seq;
    uint64_t start;        /* tail offset of its first record */
    uint32_t record_bytes; /* from there */
    uint32_t frame_bytes;  /* of the whole frame, whose header is before the first record */
    uint64_t ordinal;      /* of the frame */
    int64_t flushed_at_ns; /* monotonic */
};

/* NULL when memory or a lock cannot be had. tail_bytes: rounded up to what the chunks need. */
struct tail *tail_create(const struct env *env, size_t tail_bytes);
void tail_destroy(struct tail *tail);

size_t tail_chunk_bytes(const struct tail *tail);
/* Makes the chunk with this number writable, waiting for readers still copying its former content. The first number is
 * 0; afterwards always the next. Returns its memory. Engine thread. */
uint8_t *tail_claim(struct tail *tail, uint64_t chunk_number);
/* The frame is durable: readers may have it. Engine thread. */
void tail_publish(struct tail *tail, const struct tail_frame *frame);

/*
 * Copies decision records of sequence from_seq and later, as journal_read does. NOT_FOUND when the tail does not reach
 * back to from_seq (any more); END when nothing from there on was published; FULL when the first one does not fit.
 * near: a place at or before from_seq.
 */
enum status tail_read(struct tail *tail, uint64_t from_seq, uint64_t hint, const struct index_place *near, uint8_t *bytes,
                      size_t n, size_t *out_bytes);
/*
 * Copies whole frames, from the one with this number on, as they were written: those that follow one another in the tail
 * and fit, up to until_ordinal. Returns how many bytes; 0 when the first is not there or does not fit. A frame without events is
 * not in the tail.
 */
size_t tail_copy_frames(struct tail *tail, uint64_t ordinal, uint64_t until_ordinal, uint8_t *bytes, size_t n);
/* 0 when no longer known. */
int64_t tail_flushed_at_ns(struct tail *tail, uint64_t seq);

/*
 * Picks decision records out of the records of one frame: those whose last event is >= from_seq, in order, as many as
 * fit into room. start: where to begin (a record's beginning). *out_full: stopped for want of room. STATUS_DAMAGED when
 * the bytes are not a row of records.
 */
enum status records_copy(const uint8_t *records, size_t n, size_t start, uint64_t from_seq, uint8_t *out, size_t room,
                         size_t *out_used, bool *out_full);

#endif
