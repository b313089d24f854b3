#include "api/cursor.h"

static const char digits[] = "0123456789abcdef";

void cursor_write(struct buffer *out, const uint8_t bytes[CURSOR_BYTES])
{
    buffer_byte(out, '"');
    for (unsigned i = 0; i < CURSOR_BYTES; i++) {
        buffer_byte(out, digits[bytes[i] >> 4]);
        buffer_byte(out, digits[bytes[i] & 15]);
    }
    buffer_byte(out, '"');
}

bool cursor_read(struct text text, uint8_t out_bytes[CURSOR_BYTES])
{
    if (text.length != 2 * CURSOR_BYTES)
        return false;
    for (unsigned i = 0; i < CURSOR_BYTES; i++) {
        const char *high = memchr(digits, text.bytes[2 * i], 16);
        const char *low = memchr(digits, text.bytes[2 * i + 1], 16);
        if (high == NULL || low == NULL)
            return false;
        out_bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}
