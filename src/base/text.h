/*
 * A borrowed run of bytes: UTF-8 text that somebody else owns. Absent is {NULL, 0}; empty is non-NULL with length 0.
 */
#ifndef ONHAND_BASE_TEXT_H
#define ONHAND_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *bytes;
    uint32_t length;
};

#define TEXT(literal) ((struct text){(literal), (uint32_t)(sizeof(literal) - 1)})
#define TEXT_NONE ((struct text){NULL, 0})

static inline struct text text_of(const char *bytes, size_t length)
{
    return (struct text){bytes, (uint32_t)length};
}
/* Of a string that ends with a 0. */
static inline struct text literal_text(const char *string)
{
    return text_of(string, strlen(string));
}
static inline bool text_present(struct text text)
{
    return text.bytes != NULL;
}
static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

#endif
