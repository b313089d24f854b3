/*
 * Bytes on their way: appended at the end, taken from the front. Grows by doubling up to BUFFER_BYTES_MAX; a load
 * program that needs more has lost count, and ends. Owner: one thread.
 */
#ifndef ONHAND_BENCH_BUFFER_H
#define ONHAND_BENCH_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

#define BUFFER_BYTES_MAX (1u << 30) /* far above any window of commands in flight */

struct buffer {
    char *bytes; /* owned; NULL while empty and never used */
    size_t start;
    size_t end;
    size_t capacity;
};

/* Makes room for n more bytes at the end; bytes already there may move. */
void buffer_reserve(struct buffer *buffer, size_t n);
void buffer_deinit(struct buffer *buffer);
/* printf to the end. */
void buffer_print(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* `text` to the end as a JSON string, quotes included. The text is UTF-8 and passed on as it is. */
void buffer_json_string(struct buffer *buffer, struct text text);
/* Takes the next whole line, without its LF, off the front; borrowed until the buffer is next written to. */
bool buffer_line(struct buffer *buffer, struct text *out_line);

static inline size_t buffer_length(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}
static inline const char *buffer_front(const struct buffer *buffer)
{
    return buffer->bytes + buffer->start;
}
static inline void buffer_take(struct buffer *buffer, size_t n)
{
    CHECK(n <= buffer_length(buffer));
    buffer->start += n;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t n)
{
    if (buffer->capacity - buffer->end < n)
        buffer_reserve(buffer, n);
    memcpy(buffer->bytes + buffer->end, bytes, n);
    buffer->end += n;
}
#define buffer_literal(buffer, literal) buffer_append((buffer), (literal), sizeof(literal) - 1)

/* `value` in decimal to the end. */
static inline void buffer_number(struct buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do
        digits[sizeof(digits) - ++n] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    buffer_append(buffer, digits + sizeof(digits) - n, n);
}

#endif
