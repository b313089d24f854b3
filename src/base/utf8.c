#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Bytes of the well-formed sequence at bytes[0], whose first byte is not ASCII; 0 when there is none in n bytes. */
static size_t sequence_bytes(const unsigned char *bytes, size_t n)
{
    unsigned char first = bytes[0];
    unsigned char low = 0x80, high = 0xbf; /* range of the second byte, Unicode table 3-7 */
    size_t length;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if ((first & 0xf0) == 0xe0) {
        length = 3;
        if (first == 0xe0)
            low = 0xa0; /* no overlong form */
        if (first == 0xed)
            high = 0x9f; /* no surrogate */
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0)
            low = 0x90;
        if (first == 0xf4)
            high = 0x8f; /* nothing above U+10FFFF */
    } else {
        return 0;
    }
    if (length > n || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

size_t utf8_valid_prefix(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < n) {
        uint64_t eight;
        if (n - at >= 8 && (memcpy(&eight, bytes + at, 8), (eight & HIGH_BITS) == 0)) {
            at += 8;
            continue;
        }
        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        size_t length = sequence_bytes(bytes + at, n - at);
        if (length == 0)
            return at;
        at += length;
    }
    return n;
}

size_t utf8_first_control(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t at = 0; at < n; at++) {
        unsigned char byte = bytes[at];
        if (byte < 0x20 || byte == 0x7f)
            return at;
        /* U+0080 to U+009F are C2 80 to C2 9F. */
        if (byte == 0xc2 && at + 1 < n && bytes[at + 1] <= 0x9f)
            return at;
    }
    return n;
}
