/*
 * Short texts that come and go (names of claims and their holders): blocks of 16-byte multiples with a free list per
 * size, in memory from a region. A text has at most TEXTPOOL_BYTES_MAX bytes. References are small numbers, stable for
 * the life of the text, the same on every machine for the same history.
 */
#ifndef ONHAND_BASE_TEXTPOOL_H
#define ONHAND_BASE_TEXTPOOL_H

#include <stdbool.h>

#include "base/region.h"
#include "base/text.h"

#define TEXTPOOL_BYTES_MAX   128 /* the longest name, API.md section 1 */
#define TEXTPOOL_UNIT_BYTES  16
#define TEXTPOOL_SIZES       (TEXTPOOL_BYTES_MAX / TEXTPOOL_UNIT_BYTES)

struct textref {
    uint32_t unit;   /* number of the first unit */
    uint32_t length; /* bytes; 0 for no text */
};

struct textpool {
    uint8_t *units; /* owned by the region */
    uint32_t unit_count;
    uint32_t unit_count_max;
    uint32_t free_heads[TEXTPOOL_SIZES]; /* unit number + 1, 0 for none */
};

void textpool_init(struct textpool *pool, struct region *region, uint32_t unit_count_max);
/* True when `n` texts of the longest kind still fit. */
bool textpool_room(const struct textpool *pool, uint32_t n);
/* Copies the text in. The caller made sure of room. */
struct textref textpool_add(struct textpool *pool, struct text text);
void textpool_remove(struct textpool *pool, struct textref ref);
/* Borrowed until the text is removed. An empty reference gives TEXT_NONE. */
struct text textpool_text(const struct textpool *pool, struct textref ref);
/* True when a text can be where this says. */
bool textpool_holds(const struct textpool *pool, struct textref ref);

#endif
