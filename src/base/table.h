/*
 * An index from 64-bit hashes to entry numbers, by linear hashing (Litwin 1980).
 *
 * The problem: an index over 10 million cells must grow without a pause and without keeping an old copy. A doubling
 * table either stops the world or holds both sizes. Linear hashing splits one bucket per insertion, in turn:
 *
 *     buckets  0 .. split-1          split .. 2^level-1        2^level .. 2^level+split-1
 *              already split         not yet                    their new halves
 *
 * A bucket is one cache line of eight slots {tag, entry}. The tag is the low half of the hash and also chooses the
 * bucket, so that a split never looks at the entries. A full bucket continues in an overflow bucket.
 *
 * Memory comes from a region sized for entry_count_max; it is touched only as the table fills. Nothing here depends on
 * addresses, and nobody iterates over a table: results never see its order.
 */
#ifndef ONHAND_BASE_TABLE_H
#define ONHAND_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"

#define TABLE_NONE UINT32_MAX

struct table_bucket;
#define TABLE_BUCKET_BYTES 64

struct table {
    struct table_bucket *buckets;  /* owned by the region */
    struct table_bucket *overflow; /* owned by the region */
    uint32_t overflow_count;       /* ever used */
    uint32_t overflow_free;        /* head of the free list, TABLE_NONE when empty */
    uint32_t overflow_max;
    uint32_t level; /* 2^level buckets before the present round of splits */
    uint32_t split;
    uint32_t count;
    uint32_t count_max;
};

/* Bytes a table for entry_count_max entries takes from its region. */
size_t table_bytes(uint32_t entry_count_max);
void table_init(struct table *table, struct region *region, uint32_t entry_count_max);

/* Says whether entry number `entry` is the one looked for; `key` is the caller's. */
typedef bool (*table_match)(const void *owner, uint32_t entry, const void *key);

/* The entry number with this hash for which match says yes, or TABLE_NONE. */
uint32_t table_find(const struct table *table, uint64_t hash, table_match match, const void *owner, const void *key);
/* Adds an entry that is not in the table. The caller keeps count below count_max. */
void table_insert(struct table *table, uint64_t hash, uint32_t entry);
/* Removes an entry that is in the table. */
void table_remove(struct table *table, uint64_t hash, uint32_t entry);
/* Where the buckets grow: behind the last one in use, and behind the last there can be. */
void table_frontier(const struct table *table, const void **out_used_end, const void **out_end);
/* Its memory, to be copied as 32-bit numbers: the buckets in use, and how many there can be. Overflow buckets are as many as
 * overflow_count and overflow_max say. */
struct table_memory {
    void *buckets, *overflow;
    uint32_t bucket_count, bucket_count_max;
};
struct table_memory table_memory(const struct table *table);
/* Brings the bucket of this hash towards the cache. */
void table_prefetch(const struct table *table, uint64_t hash);
/* The entry table_find will look at first, or TABLE_NONE: most often the right one, so that it can be prefetched. */
uint32_t table_guess(const struct table *table, uint64_t hash);

#endif
