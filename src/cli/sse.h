/*
 * Server-sent events (WHATWG HTML, section 9.2), as far as the feed uses them: frames of id, event and data, ended by
 * an empty line; comments are passed over. Bytes come in any pieces.
 */
#ifndef ONHAND_CLI_SSE_H
#define ONHAND_CLI_SSE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/text.h"

#define SSE_FRAME_BYTES_MAX (4 * 1024 * 1024) /* one event; the largest has a meta object of 1 KiB and 24 figures */
#define SSE_ID_BYTES_MAX    128

struct sse {
    struct buffer line; /* the line begun */
    struct buffer data; /* of the frame begun, without its last LF */
    bool has_data;
    char id[SSE_ID_BYTES_MAX]; /* of the frame begun; kept for the next one, as the standard says */
    void *context;
    /* A whole frame; the data is borrowed, JSON_PADDING more bytes of it can be read. False stops. */
    bool (*frame)(void *context, struct text data, const char *id);
};

void sse_init(struct sse *sse, void *context, bool (*frame)(void *context, struct text data, const char *id));
void sse_deinit(struct sse *sse);
/* A new connection: what was begun on the old one is forgotten. */
void sse_reset(struct sse *sse);
/* Takes bytes. False when a frame stopped it or is larger than SSE_FRAME_BYTES_MAX. */
MUST_USE bool sse_take(struct sse *sse, const char *bytes, size_t n);

#endif
