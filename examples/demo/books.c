#include "books.h"

#include <stdlib.h>

#include "fail.h"

static uint64_t hash_of(struct text item, struct text location)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a; the feed of our own server, not of an attacker */
    for (uint32_t i = 0; i < item.length; i++)
        hash = (hash ^ (unsigned char)item.bytes[i]) * UINT64_C(1099511628211);
    hash = (hash ^ '\t') * UINT64_C(1099511628211);
    for (uint32_t i = 0; i < location.length; i++)
        hash = (hash ^ (unsigned char)location.bytes[i]) * UINT64_C(1099511628211);
    return hash ^ (hash >> 32);
}

static bool is_of(const struct book *book, uint64_t hash, struct text item, struct text location)
{
    return book->hash == hash && book->item_bytes == item.length &&
           book->name_bytes == item.length + 1 + location.length && memcmp(book->name, item.bytes, item.length) == 0 &&
           memcmp(book->name + item.length + 1, location.bytes, location.length) == 0;
}

static void grow(struct books *books)
{
    struct books larger = {.capacity = books->capacity == 0 ? 8192 : books->capacity * 2, .count = books->count};
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL)
        fail("no memory for %zu books", larger.capacity);
    for (size_t i = 0; i < books->capacity; i++) {
        if (books->slots[i].name == NULL)
            continue;
        size_t at = books->slots[i].hash & (larger.capacity - 1);
        while (larger.slots[at].name != NULL)
            at = (at + 1) & (larger.capacity - 1);
        larger.slots[at] = books->slots[i];
    }
    free(books->slots);
    *books = larger;
}

struct book *books_of(struct books *books, struct text item, struct text location)
{
    if (books->count * 2 >= books->capacity)
        grow(books);
    uint64_t hash = hash_of(item, location);
    size_t at = hash & (books->capacity - 1);
    for (; books->slots[at].name != NULL; at = (at + 1) & (books->capacity - 1))
        if (is_of(&books->slots[at], hash, item, location))
            return &books->slots[at];
    struct book *book = &books->slots[at];
    *book = (struct book){.item_bytes = item.length, .name_bytes = item.length + 1 + location.length, .hash = hash};
    book->name = malloc((size_t)book->name_bytes);
    if (book->name == NULL)
        fail("no memory for a name");
    memcpy(book->name, item.bytes, item.length);
    book->name[item.length] = '\t';
    memcpy(book->name + item.length + 1, location.bytes, location.length);
    books->count++;
    return book;
}

static int compare(const void *a, const void *b)
{
    const struct book *const *x = a, *const *y = b;
    uint32_t shorter = (*x)->item_bytes < (*y)->item_bytes ? (*x)->item_bytes : (*y)->item_bytes;
    int order = memcmp((*x)->name, (*y)->name, shorter);
    return order != 0 ? order : (*x)->item_bytes < (*y)->item_bytes ? -1 : (*x)->item_bytes > (*y)->item_bytes;
}

void books_write(const struct books *books, FILE *file)
{
    if (books->count == 0)
        return;
    const struct book **sorted = calloc(books->count, sizeof(const struct book *));
    if (sorted == NULL)
        fail("no memory for %zu books", books->count);
    size_t n = 0;
    for (size_t i = 0; i < books->capacity; i++)
        if (books->slots[i].name != NULL)
            sorted[n++] = &books->slots[i];
    qsort(sorted, n, sizeof(const struct book *), compare);
    for (size_t i = 0; i < n;) {
        const struct book *first = sorted[i];
        long long units = 0;
        for (; i < n && compare(&sorted[i], &first) == 0; i++)
            units += sorted[i]->on_hand_units;
        (void)fprintf(file, "%.*s\t%lld\n", (int)first->item_bytes, first->name,
                      units); /* the caller looks at ferror */
    }
    free(sorted);
}

void books_deinit(struct books *books)
{
    for (size_t i = 0; i < books->capacity; i++)
        free(books->slots[i].name);
    free(books->slots);
    *books = (struct books){0};
}
