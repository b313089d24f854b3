/*
 * Byte strings of up to 16 KiB that come and go (bodies of configuration): blocks of a few sizes with a free list per
 * size, in memory from a region. Sizes are 16 bytes times 1, 2, 3, 4, 6, 8, 12, ... 1024: at most a third is wasted. A
 * block is never split or joined. References are small numbers, the same on every machine for the same history.
 */
#ifndef ONHAND_BASE_BLOCKPOOL_H
#define ONHAND_BASE_BLOCKPOOL_H

#include <stdbool.h>

#include "base/region.h"
#include "base/text.h"

#define BLOCKPOOL_UNIT_BYTES 16
#define BLOCKPOOL_BYTES_MAX  16384
#define BLOCKPOOL_CLASSES    20 /* sizes */

struct blockref {
    uint32_t unit;   /* number of the first unit */
    uint32_t length; /* bytes; 0 for nothing */
};

struct blockpool {
    uint8_t *units; /* owned by the region */
    uint32_t unit_count;
    uint32_t unit_count_max;
    uint32_t free_heads[BLOCKPOOL_CLASSES]; /* unit number + 1, 0 for none */
};

void blockpool_init(struct blockpool *pool, struct region *region, uint32_t unit_count_max);
/* Which size serves so many bytes (1 to BLOCKPOOL_BYTES_MAX), and how many units one of that size has. */
unsigned blockpool_class(uint32_t length);
uint32_t blockpool_class_units(unsigned size_class);
/* True when so many bytes fit now. */
bool blockpool_room(const struct blockpool *pool, uint32_t length);
/* Copies the bytes in; they must not be in the pool. Nothing for an empty text. The caller made sure of room. */
struct blockref blockpool_add(struct blockpool *pool, struct text bytes);
void blockpool_remove(struct blockpool *pool, struct blockref ref);
/* Borrowed until it is removed. An empty reference gives TEXT_NONE. */
struct text blockpool_text(const struct blockpool *pool, struct blockref ref);

#endif
