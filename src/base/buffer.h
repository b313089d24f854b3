/*
 * Bytes that are appended to: grows by doubling up to a stated maximum. What does not fit, or memory that cannot be
 * had, sets `failed` and appends nothing from then on: build a whole answer, then look at `failed` once.
 * Owner: one thread at a time. The bytes move when it grows; keep offsets, not pointers.
 */
#ifndef ONHAND_BASE_BUFFER_H
#define ONHAND_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

struct buffer {
    char *bytes; /* owned; NULL until something was appended */
    size_t length;
    size_t capacity;
    size_t bytes_max; /* capacity never passes this */
    bool failed;
};

/* An empty buffer that never holds more than bytes_max bytes. Allocates nothing yet. */
void buffer_init(struct buffer *buffer, size_t bytes_max);
/* Gives the memory back. */
void buffer_deinit(struct buffer *buffer);
/* Empty again and not failed; keeps the memory. */
void buffer_reset(struct buffer *buffer);
/* Makes room for n more bytes: the slow path of buffer_room. */
bool buffer_grow(struct buffer *buffer, size_t n);

/* Room for n more bytes at bytes + length, or NULL with `failed` set. What is then written is added to `length`. */
static inline char *buffer_room(struct buffer *buffer, size_t n)
{
    if (UNLIKELY(buffer->failed || n > buffer->capacity - buffer->length) && !buffer_grow(buffer, n))
        return NULL;
    return buffer->bytes + buffer->length;
}
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t n)
{
    char *room = n == 0 ? NULL : buffer_room(buffer, n);
    if (room != NULL) {
        memcpy(room, bytes, n);
        buffer->length += n;
    }
}
static inline void buffer_text(struct buffer *buffer, struct text text)
{
    buffer_append(buffer, text.bytes, text.length);
}
static inline void buffer_byte(struct buffer *buffer, char byte)
{
    char *room = buffer_room(buffer, 1);
    if (room != NULL) {
        *room = byte;
        buffer->length++;
    }
}
/* A string literal, without its end. */
#define buffer_literal(buffer, literal) buffer_append((buffer), (literal), sizeof(literal) - 1)

#endif
