#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"

void buffer_reserve(struct buffer *buffer, size_t n)
{
    if (buffer->capacity - buffer->end >= n)
        return;
    size_t length = buffer_length(buffer);
    if (buffer->start > 0 && length <= buffer->capacity / 2 && buffer->capacity - length >= n) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, length);
    } else {
        size_t capacity = buffer->capacity == 0 ? 4096 : buffer->capacity * 2;
        while (capacity - length < n)
            capacity *= 2;
        if (capacity > BUFFER_BYTES_MAX)
            fail("a buffer would need %zu bytes", capacity);
        char *bytes = malloc(capacity);
        if (bytes == NULL)
            fail("no memory for a buffer of %zu bytes", capacity);
        if (length > 0)
            memcpy(bytes, buffer->bytes + buffer->start, length);
        free(buffer->bytes);
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    buffer->start = 0;
    buffer->end = length;
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(n >= 0 && (size_t)n < sizeof(text));
    buffer_append(buffer, text, (size_t)n);
}

void buffer_json_string(struct buffer *buffer, struct text text)
{
    buffer_literal(buffer, "\"");
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            buffer_append(buffer, escaped, 2);
        } else if (c < 0x20) {
            buffer_print(buffer, "\\u%04x", c);
        } else {
            buffer_append(buffer, &c, 1);
        }
    }
    buffer_literal(buffer, "\"");
}

bool buffer_line(struct buffer *buffer, struct text *out_line)
{
    size_t length = buffer_length(buffer);
    if (length == 0)
        return false;
    const char *front = buffer_front(buffer);
    const char *end = memchr(front, '\n', length);
    if (end == NULL)
        return false;
    *out_line = text_of(front, (size_t)(end - front));
    buffer_take(buffer, (size_t)(end - front) + 1);
    return true;
}
