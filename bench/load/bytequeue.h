/*
 * Bytes on their way: appended at the end, taken from the front. Grows by doubling up to BYTEQUEUE_BYTES_MAX; a load
 * program that needs more has lost count, and ends. Owner: one thread.
 */
#ifndef ONHAND_BENCH_BYTEQUEUE_H
#define ONHAND_BENCH_BYTEQUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

#define BYTEQUEUE_BYTES_MAX (1u << 30) /* far above any window of commands in flight */

struct bytequeue {
    char *bytes; /* owned; NULL while empty and never used */
    size_t start;
    size_t end;
    size_t capacity;
};

/* Makes room for n more bytes at the end; bytes already there may move. */
void bytequeue_reserve(struct bytequeue *queue, size_t n);
void bytequeue_deinit(struct bytequeue *queue);
/* printf to the end. */
void bytequeue_print(struct bytequeue *queue, const char *format, ...) PRINTF_LIKE(2, 3);
/* `text` to the end as a JSON string, quotes included. The text is UTF-8 and passed on as it is. */
void bytequeue_json_string(struct bytequeue *queue, struct text text);
/* Takes the next whole line, without its LF, off the front; borrowed until the queue is next written to. */
bool bytequeue_line(struct bytequeue *queue, struct text *out_line);

static inline size_t bytequeue_length(const struct bytequeue *queue)
{
    return queue->end - queue->start;
}
static inline const char *bytequeue_front(const struct bytequeue *queue)
{
    return queue->bytes + queue->start;
}
static inline void bytequeue_take(struct bytequeue *queue, size_t n)
{
    CHECK(n <= bytequeue_length(queue));
    queue->start += n;
    if (queue->start == queue->end)
        queue->start = queue->end = 0;
}
static inline void bytequeue_append(struct bytequeue *queue, const void *bytes, size_t n)
{
    if (queue->capacity - queue->end < n)
        bytequeue_reserve(queue, n);
    memcpy(queue->bytes + queue->end, bytes, n);
    queue->end += n;
}
#define bytequeue_literal(queue, literal) bytequeue_append((queue), (literal), sizeof(literal) - 1)

/* `value` in decimal to the end. */
static inline void bytequeue_number(struct bytequeue *queue, uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do
        digits[sizeof(digits) - ++n] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    bytequeue_append(queue, digits + sizeof(digits) - n, n);
}

#endif
