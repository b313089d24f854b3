/*
 * UTF-8 as Unicode chapter 3.9, table 3-7 and RFC 3629 define it: no overlong forms, no surrogates, nothing above
 * U+10FFFF. Pure, any thread.
 */
#ifndef ONHAND_BASE_UTF8_H
#define ONHAND_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest prefix that is well-formed UTF-8; n when all of it is. U+0000 is well-formed. */
size_t utf8_valid_prefix(const char *bytes, size_t n);

static inline bool utf8_valid(const char *bytes, size_t n)
{
    return utf8_valid_prefix(bytes, n) == n;
}

/*
 * Offset of the first control character (Unicode category Cc: U+0000 to U+001F, U+007F to U+009F) in well-formed
 * UTF-8, or n when there is none.
 */
size_t utf8_first_control(const char *bytes, size_t n);

#endif
