/*
 * The feed as text: durable events from a position on, filtered, as elements of a JSON array or as server-sent events.
 * Used on I/O threads while the tail reaches, and on worker threads when the disk must be read.
 */
#ifndef ONHAND_API_FEED_TEXT_H
#define ONHAND_API_FEED_TEXT_H

#include "api/render.h"
#include "api/service.h"

enum feed_format { FEED_JSON, FEED_SSE };

/* Scratch for one reader at a time: a record and its decision. */
struct feed_scratch {
    uint8_t *bytes; /* RECORD_BYTES_MAX */
    struct decision decision;
};
MUST_USE bool feed_scratch_init(struct feed_scratch *scratch);
void feed_scratch_deinit(struct feed_scratch *scratch);

struct feed_cursor {
    uint64_t seq;   /* of the last event looked at */
    uint64_t count; /* events written so far */
};

/*
 * Appends events behind cursor->seq to `out` and moves the cursor, until `count_max` are written, about bytes_max of text
 * or of journal are passed, or nothing more is durable.
 * stamps: before the events of each flush, a comment with the monotonic nanoseconds at which it finished.
 * OK (something was looked at), END (nothing more), AGAIN (memory_only, and the disk is needed), NOT_FOUND (no longer
 * kept), IO, DAMAGED.
 */
MUST_USE enum status feed_text(const struct service *service, const struct filter *filter, enum feed_format format,
                               bool stamps, uint64_t count_max, size_t bytes_max, bool memory_only,
                               struct feed_scratch *scratch, struct feed_cursor *cursor, struct buffer *out);

#endif
