#include "base/buffer.h"

#include <stdlib.h>

#define BUFFER_BYTES_FIRST 256 /* most answers fit at once */

void buffer_init(struct buffer *buffer, size_t bytes_max)
{
    *buffer = (struct buffer){.bytes_max = bytes_max};
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->bytes);
    buffer_init(buffer, buffer->bytes_max);
}

void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

bool buffer_grow(struct buffer *buffer, size_t n)
{
    if (buffer->failed)
        return false;
    CHECK(buffer->length <= buffer->capacity);
    if (n > buffer->bytes_max || buffer->length > buffer->bytes_max - n) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + n;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity < BUFFER_BYTES_FIRST ? BUFFER_BYTES_FIRST : buffer->capacity;
    while (capacity < needed && capacity <= buffer->bytes_max / 2)
        capacity *= 2;
    if (capacity < needed || capacity > buffer->bytes_max)
        capacity = buffer->bytes_max;
    char *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}
