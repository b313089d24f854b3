#include "bytequeue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"

void bytequeue_reserve(struct bytequeue *queue, size_t n)
{
    if (queue->capacity - queue->end >= n)
        return;
    size_t length = bytequeue_length(queue);
    if (queue->start > 0 && length <= queue->capacity / 2 && queue->capacity - length >= n) {
        memmove(queue->bytes, queue->bytes + queue->start, length);
    } else {
        size_t capacity = queue->capacity == 0 ? 4096 : queue->capacity * 2;
        while (capacity - length < n)
            capacity *= 2;
        if (capacity > BYTEQUEUE_BYTES_MAX)
            fail("a queue would need %zu bytes", capacity);
        char *bytes = malloc(capacity);
        if (bytes == NULL)
            fail("no memory for a queue of %zu bytes", capacity);
        if (length > 0)
            memcpy(bytes, queue->bytes + queue->start, length);
        free(queue->bytes);
        queue->bytes = bytes;
        queue->capacity = capacity;
    }
    queue->start = 0;
    queue->end = length;
}

void bytequeue_deinit(struct bytequeue *queue)
{
    free(queue->bytes);
    *queue = (struct bytequeue){0};
}

void bytequeue_print(struct bytequeue *queue, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(n >= 0 && (size_t)n < sizeof(text));
    bytequeue_append(queue, text, (size_t)n);
}

void bytequeue_json_string(struct bytequeue *queue, struct text text)
{
    bytequeue_literal(queue, "\"");
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            bytequeue_append(queue, escaped, 2);
        } else if (c < 0x20) {
            bytequeue_print(queue, "\\u%04x", c);
        } else {
            bytequeue_append(queue, &c, 1);
        }
    }
    bytequeue_literal(queue, "\"");
}

bool bytequeue_line(struct bytequeue *queue, struct text *out_line)
{
    size_t length = bytequeue_length(queue);
    if (length == 0)
        return false;
    const char *front = bytequeue_front(queue);
    const char *end = memchr(front, '\n', length);
    if (end == NULL)
        return false;
    *out_line = text_of(front, (size_t)(end - front));
    bytequeue_take(queue, (size_t)(end - front) + 1);
    return true;
}
