/*
 * The books a subscriber keeps from the feed alone: per item and location the sum of every `delta` of on_hand and the
 * version last seen. A hash table with linear probing that grows; texts are copied once. Owner: one thread.
 */
#ifndef ONHAND_DEMO_BOOKS_H
#define ONHAND_DEMO_BOOKS_H

#include <stdio.h>

#include "base/text.h"

struct book {
    char *name; /* owned: item, TAB, location */
    uint32_t item_bytes;
    uint32_t name_bytes;
    uint64_t hash;
    int64_t on_hand_units;
    uint64_t version;
};

struct books {          /* zeroed memory is empty books */
    struct book *slots; /* owned; a free slot has no name */
    size_t capacity;    /* a power of two */
    size_t count;
};

/* The book of this cell, new and empty when it is seen for the first time. Valid until the next call. */
struct book *books_of(struct books *books, struct text item, struct text location);
/* One line per item: item, TAB, on_hand over all its locations, LF; sorted by bytes. */
void books_write(const struct books *books, FILE *file);
void books_deinit(struct books *books);

#endif
