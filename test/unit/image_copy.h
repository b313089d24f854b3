/* A ledger made again of its image, and held against it. */
#ifndef ONHAND_TEST_UNIT_IMAGE_COPY_H
#define ONHAND_TEST_UNIT_IMAGE_COPY_H

#include <string.h>

#include "ledger/image.h"

/* Reads an image of `from` into a fresh ledger. NULL, or what is wrong: the copy has another hash, or another image. */
static inline const char *image_copy(const struct ledger *from, struct ledger *fresh)
{
    static uint8_t bytes[IMAGE_CHUNK_BYTES_MAX], again[IMAGE_CHUNK_BYTES_MAX];
    const char *limit = NULL;
    struct image_place place = {0}, copied = {0};
    size_t n;
    while ((n = ledger_image_write(from, &place, bytes)) != 0)
        if (ledger_image_read(fresh, bytes, n, &limit) != STATUS_OK)
            return limit != NULL ? limit : "a chunk is not read";
    if (ledger_image_end(fresh) != STATUS_OK)
        return "the image is not whole";
    if (ledger_state_hash(from) != ledger_state_hash(fresh))
        return "the copy has another hash";
    place = (struct image_place){0};
    do {
        n = ledger_image_write(from, &place, bytes);
        if (ledger_image_write(fresh, &copied, again) != n || memcmp(bytes, again, n) != 0)
            return "the copy has another image";
    } while (n != 0);
    return NULL;
}

#endif
