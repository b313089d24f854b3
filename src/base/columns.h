/*
 * Arrays of structs as bytes: each field is a column of numbers, written as narrow as its values in the array allow.
 *
 * The same values give the same bytes on every machine: padding is not looked at, numbers are little-endian. A column is
 *
 *     0                        all values are 0
 *     1  base                  all are base
 *     2, 3, 4  base  deltas    value - base, in 1, 2 or 4 bytes each
 *     5  values                as they are, in 8 bytes each
 *
 * with a base of 8 bytes, the least of the values. Numbers narrower than 8 bytes count as unsigned, the others as signed.
 */
#ifndef ONHAND_BASE_COLUMNS_H
#define ONHAND_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field, or `count` of one size that follow each other. */
struct column {
    uint32_t offset; /* in the struct */
    uint32_t bytes;  /* of one number: 1, 2, 4 or 8 */
    uint32_t count;
};

/* Bytes that n structs take at most. */
size_t columns_bytes_max(const struct column *columns, size_t column_count, size_t n);
/* Writes n structs, which lie stride bytes apart. out has columns_bytes_max bytes. Returns how many were written; 0 when all
 * values are 0. */
size_t columns_write(const struct column *columns, size_t column_count, const void *structs, size_t stride, size_t n,
                     uint8_t *out);
/* Reads them back into structs whose fields are all 0. False when the bytes are not such columns of n values, or the base is too
 * large for its field; some fields are set then. */
bool columns_read(const struct column *columns, size_t column_count, void *structs, size_t stride, size_t n,
                  const uint8_t *bytes, size_t byte_count);

#endif
