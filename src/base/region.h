/*
 * A bump allocator over memory the caller reserved once (env_reserve: zeroed, committed when touched). Tables are cut
 * from it at start and never given back; it never grows.
 */
#ifndef ONHAND_BASE_REGION_H
#define ONHAND_BASE_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct region {
    uint8_t *base; /* borrowed, zeroed */
    size_t capacity_bytes;
    size_t used_bytes;
};

#define REGION_ALIGNMENT 64 /* one cache line */

static inline size_t region_round(size_t bytes)
{
    return (bytes + REGION_ALIGNMENT - 1) & ~(size_t)(REGION_ALIGNMENT - 1);
}

/* n elements of element_bytes, zeroed, aligned to a cache line. The caller sized the region: running out is a bug. */
static inline void *region_take(struct region *region, size_t n, size_t element_bytes)
{
    size_t bytes = 0;
    CHECK(!__builtin_mul_overflow(n, element_bytes, &bytes));
    bytes = region_round(bytes);
    CHECK(bytes <= region->capacity_bytes - region->used_bytes);
    void *taken = region->base + region->used_bytes;
    region->used_bytes += bytes;
    return taken;
}

#endif
