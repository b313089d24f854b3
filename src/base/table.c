#include "base/table.h"

#include <string.h>

#define BUCKET_SLOTS 7 /* seven slots and the link fill one cache line */

/* A new bucket is split off when there are more entries than this many per bucket on average. */
#define ENTRIES_PER_BUCKET 5

#define LEVEL_FIRST 3

struct table_slot {
    uint32_t tag;
    uint32_t entry;
};

struct table_bucket {
    struct table_slot slots[BUCKET_SLOTS];
    uint32_t used; /* filled slots of this bucket, from the front */
    uint32_t next; /* overflow bucket number + 1, 0 for none: zeroed memory is an empty table */
};

_Static_assert(sizeof(struct table_bucket) == TABLE_BUCKET_BYTES, "a bucket is one cache line");

/* Hashes from callers are keyed and good in every bit, so the tag's low bits choose the bucket as they are. */
static uint32_t bucket_number(const struct table *table, uint32_t tag)
{
    uint32_t mask = ((uint32_t)1 << table->level) - 1;
    uint32_t number = tag & mask;
    return number >= table->split ? number : tag & (mask << 1 | 1);
}

static uint32_t bucket_count_max(uint32_t entry_count_max)
{
    return entry_count_max / ENTRIES_PER_BUCKET + ((uint32_t)1 << LEVEL_FIRST) + 1;
}

/*
 * Overflow buckets: with a mean of at most 5, and up to 10 in a bucket about to be split, under a third of the buckets
 * overflow; as many overflow buckets as buckets leaves room for an unlucky key.
 */
size_t table_bytes(uint32_t entry_count_max)
{
    return 2 * region_round((size_t)bucket_count_max(entry_count_max) * sizeof(struct table_bucket));
}

void table_init(struct table *table, struct region *region, uint32_t entry_count_max)
{
    uint32_t buckets = bucket_count_max(entry_count_max);
    *table = (struct table){
        .buckets = region_take(region, buckets, sizeof(struct table_bucket)),
        .overflow = region_take(region, buckets, sizeof(struct table_bucket)),
        .overflow_free = TABLE_NONE,
        .overflow_max = buckets,
        .level = LEVEL_FIRST,
        .count_max = entry_count_max,
    };
}

uint32_t table_find(const struct table *table, uint64_t hash, table_match match, const void *owner, const void *key)
{
    uint32_t tag = (uint32_t)hash;
    const struct table_bucket *bucket = &table->buckets[bucket_number(table, tag)];
    for (;;) {
        for (uint32_t i = 0; i < bucket->used; i++) {
            if (bucket->slots[i].tag == tag && match(owner, bucket->slots[i].entry, key))
                return bucket->slots[i].entry;
        }
        if (bucket->next == 0)
            return TABLE_NONE;
        bucket = &table->overflow[bucket->next - 1];
    }
}

static void bucket_add(struct table *table, struct table_bucket *bucket, struct table_slot slot)
{
    while (bucket->used == BUCKET_SLOTS) {
        if (bucket->next == 0) {
            uint32_t number = table->overflow_free;
            if (number != TABLE_NONE) {
                uint32_t next = table->overflow[number].next;
                table->overflow_free = next == 0 ? TABLE_NONE : next - 1;
            } else {
                CHECK(table->overflow_count < table->overflow_max);
                number = table->overflow_count++;
            }
            memset(&table->overflow[number], 0, sizeof(struct table_bucket));
            bucket->next = number + 1;
        }
        bucket = &table->overflow[bucket->next - 1];
    }
    bucket->slots[bucket->used++] = slot;
}

static void overflow_release(struct table *table, uint32_t number)
{
    table->overflow[number].next = table->overflow_free == TABLE_NONE ? 0 : table->overflow_free + 1;
    table->overflow_free = number;
}

/* Deals the slots of the next bucket in turn between itself and its new half. */
static void split_one(struct table *table)
{
    uint32_t from_number = table->split;
    uint32_t to_number = from_number + ((uint32_t)1 << table->level);
    struct table_bucket *from = &table->buckets[from_number];
    struct table_bucket chain = *from;
    memset(from, 0, sizeof(*from));
    uint32_t bit = (uint32_t)1 << table->level;
    if (++table->split == bit) {
        table->level++;
        table->split = 0;
    }
    for (;;) {
        for (uint32_t i = 0; i < chain.used; i++)
            bucket_add(table, &table->buckets[chain.slots[i].tag & bit ? to_number : from_number], chain.slots[i]);
        if (chain.next == 0)
            break;
        uint32_t number = chain.next - 1;
        chain = table->overflow[number];
        overflow_release(table, number);
    }
    __builtin_prefetch(&table->buckets[table->split]); /* the next to be split, a few insertions from here */
}

void table_insert(struct table *table, uint64_t hash, uint32_t entry)
{
    CHECK(table->count < table->count_max);
    struct table_slot slot = {(uint32_t)hash, entry};
    bucket_add(table, &table->buckets[bucket_number(table, slot.tag)], slot);
    table->count++;
    uint32_t buckets = ((uint32_t)1 << table->level) + table->split;
    if (table->count / ENTRIES_PER_BUCKET >= buckets)
        split_one(table);
}

void table_remove(struct table *table, uint64_t hash, uint32_t entry)
{
    struct table_bucket *first = &table->buckets[bucket_number(table, (uint32_t)hash)];
    struct table_slot *hole = NULL;
    struct table_bucket *last = first;
    struct table_bucket *before_last = NULL;
    for (struct table_bucket *bucket = first;;) {
        for (uint32_t i = 0; i < bucket->used; i++) {
            if (bucket->slots[i].entry == entry && bucket->slots[i].tag == (uint32_t)hash)
                hole = &bucket->slots[i];
        }
        last = bucket;
        if (bucket->next == 0)
            break;
        before_last = bucket;
        bucket = &table->overflow[bucket->next - 1];
    }
    CHECK(hole != NULL);
    *hole = last->slots[--last->used];
    if (last->used == 0 && before_last != NULL) {
        uint32_t number = before_last->next - 1;
        before_last->next = 0;
        overflow_release(table, number);
    }
    table->count--;
}

void table_frontier(const struct table *table, const void **out_used_end, const void **out_end)
{
    *out_used_end = table->buckets + ((uint32_t)1 << table->level) + table->split;
    *out_end = table->buckets + bucket_count_max(table->count_max);
}

struct table_memory table_memory(const struct table *table)
{
    /* Level and split may just have been read from somewhere: then they are no table's, and more than there can be. */
    uint64_t count = table->level < 32 ? ((uint64_t)1 << table->level) + table->split : UINT32_MAX;
    return (struct table_memory){table->buckets, table->overflow, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX,
                                 bucket_count_max(table->count_max)};
}

void table_prefetch(const struct table *table, uint64_t hash)
{
    __builtin_prefetch(&table->buckets[bucket_number(table, (uint32_t)hash)]);
}

uint32_t table_guess(const struct table *table, uint64_t hash)
{
    const struct table_bucket *bucket = &table->buckets[bucket_number(table, (uint32_t)hash)];
    for (uint32_t i = 0; i < bucket->used; i++) {
        if (bucket->slots[i].tag == (uint32_t)hash)
            return bucket->slots[i].entry;
    }
    return TABLE_NONE; /* not there, or in an overflow bucket: nothing is guessed */
}
