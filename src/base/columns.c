#include "base/columns.h"

#include <string.h>

#include "base/bytes.h"

enum column_form { COLUMN_ZERO, COLUMN_SAME, COLUMN_1, COLUMN_2, COLUMN_4, COLUMN_8 };
#define BASE_BYTES 8

static const uint8_t form_bytes[] = {0, 0, 1, 2, 4, 8};

size_t columns_bytes_max(const struct column *columns, size_t column_count, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < column_count; i++)
        bytes += columns[i].count * (1 + BASE_BYTES + (size_t)columns[i].bytes * n);
    return bytes;
}

/* ---- one value: small functions that the compiler makes loops of, one for each width ---- */

static inline uint64_t value_get(const uint8_t *field, uint32_t bytes)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (bytes) {
    case 1:
        return field[0];
    case 2:
        memcpy(&two, field, 2);
        return two;
    case 4:
        memcpy(&four, field, 4);
        return four;
    default:
        memcpy(&eight, field, 8);
        return eight;
    }
}

static inline void value_put(uint8_t *field, uint32_t bytes, uint64_t value)
{
    const uint16_t two = (uint16_t)value;
    const uint32_t four = (uint32_t)value;
    switch (bytes) {
    case 1:
        field[0] = (uint8_t)value;
        break;
    case 2:
        memcpy(field, &two, 2);
        break;
    case 4:
        memcpy(field, &four, 4);
        break;
    default:
        memcpy(field, &value, 8);
    }
}

static inline uint64_t delta_get(const uint8_t *at, uint32_t bytes)
{
    switch (bytes) {
    case 1:
        return at[0];
    case 2:
        return get_u16(at);
    case 4:
        return get_u32(at);
    default:
        return get_u64(at);
    }
}

static inline void delta_put(uint8_t *at, uint32_t bytes, uint64_t delta)
{
    switch (bytes) {
    case 1:
        at[0] = (uint8_t)delta;
        break;
    case 2:
        put_u16(at, (uint16_t)delta);
        break;
    case 4:
        put_u32(at, (uint32_t)delta);
        break;
    default:
        put_u64(at, delta);
    }
}

/* Expands to one loop for each width of a field, so that the width is a constant in each. */
#define FOR_WIDTH(bytes, CALL)                                                                                         \
    do {                                                                                                               \
        if ((bytes) == 1)                                                                                              \
            CALL(1);                                                                                                   \
        else if ((bytes) == 2)                                                                                         \
            CALL(2);                                                                                                   \
        else if ((bytes) == 4)                                                                                         \
            CALL(4);                                                                                                   \
        else                                                                                                           \
            CALL(8);                                                                                                   \
    } while (0)

/* ---- writing ---- */

static inline void range_of(const uint8_t *field, uint32_t bytes, size_t stride, size_t n, int64_t *out_least,
                            int64_t *out_most)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        int64_t value = (int64_t)value_get(field + i * stride, bytes);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    *out_least = least;
    *out_most = most;
}

static inline void deltas_write(const uint8_t *field, uint32_t bytes, size_t stride, size_t n, uint64_t base,
                                uint32_t delta_bytes, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        delta_put(out + i * delta_bytes, delta_bytes, value_get(field + i * stride, bytes) - base);
}

static enum column_form form_for(int64_t least, int64_t most)
{
    uint64_t range = (uint64_t)most - (uint64_t)least;
    if (range == 0)
        return least == 0 ? COLUMN_ZERO : COLUMN_SAME;
    return range <= UINT8_MAX ? COLUMN_1 : range <= UINT16_MAX ? COLUMN_2 : range <= UINT32_MAX ? COLUMN_4 : COLUMN_8;
}

static size_t column_write(const uint8_t *field, uint32_t bytes, size_t stride, size_t n, uint8_t *out)
{
    int64_t least = 0, most = 0;
#define RANGE(width) range_of(field, width, stride, n, &least, &most)
    FOR_WIDTH(bytes, RANGE);
#undef RANGE
    enum column_form form = form_for(least, most);
    uint8_t *at = out;
    *at++ = (uint8_t)form;
    if (form == COLUMN_ZERO)
        return 1;
    uint64_t base = form == COLUMN_8 ? 0 : (uint64_t)least;
    if (form != COLUMN_8) {
        put_u64(at, base);
        at += BASE_BYTES;
    }
    uint32_t delta_bytes = form_bytes[form];
    if (form == COLUMN_SAME)
        return (size_t)(at - out);
#define WRITE1(width) deltas_write(field, width, stride, n, base, 1, at)
#define WRITE2(width) deltas_write(field, width, stride, n, base, 2, at)
#define WRITE4(width) deltas_write(field, width, stride, n, base, 4, at)
#define WRITE8(width) deltas_write(field, width, stride, n, base, 8, at)
    if (form == COLUMN_1)
        FOR_WIDTH(bytes, WRITE1);
    else if (form == COLUMN_2)
        FOR_WIDTH(bytes, WRITE2);
    else if (form == COLUMN_4)
        FOR_WIDTH(bytes, WRITE4);
    else
        FOR_WIDTH(bytes, WRITE8);
    return (size_t)(at - out) + n * delta_bytes;
}

size_t columns_write(const struct column *columns, size_t column_count, const void *structs, size_t stride, size_t n,
                     uint8_t *out)
{
    uint8_t *at = out;
    bool any = false;
    for (size_t i = 0; i < column_count; i++) {
        for (uint32_t k = 0; k < columns[i].count; k++) {
            const uint8_t *field = (const uint8_t *)structs + columns[i].offset + (size_t)k * columns[i].bytes;
            size_t bytes = column_write(field, columns[i].bytes, stride, n, at);
            any = any || *at != COLUMN_ZERO;
            at += bytes;
        }
    }
    return any ? (size_t)(at - out) : 0;
}

/* ---- reading ---- */

static inline void deltas_read(uint8_t *field, uint32_t bytes, size_t stride, size_t n, uint64_t base,
                               uint32_t delta_bytes, const uint8_t *at)
{
    for (size_t i = 0; i < n; i++)
        value_put(field + i * stride, bytes, base + delta_get(at + i * delta_bytes, delta_bytes));
}

static inline void same_read(uint8_t *field, uint32_t bytes, size_t stride, size_t n, uint64_t base)
{
    for (size_t i = 0; i < n; i++)
        value_put(field + i * stride, bytes, base);
}

/* The bytes of a column, or 0 when these are none. */
static size_t column_read(uint8_t *field, uint32_t bytes, size_t stride, size_t n, const uint8_t *at, size_t left)
{
    if (left == 0 || at[0] > COLUMN_8)
        return 0;
    enum column_form form = (enum column_form)at[0];
    if (form == COLUMN_ZERO)
        return 1;
    uint32_t delta_bytes = form_bytes[form];
    size_t head = 1 + (form == COLUMN_8 ? 0 : BASE_BYTES);
    if (delta_bytes > bytes || left < head || (left - head) / (delta_bytes == 0 ? 1 : delta_bytes) < n * (delta_bytes != 0))
        return 0;
    uint64_t base = form == COLUMN_8 ? 0 : get_u64(at + 1);
    if (bytes < 8 && base >> (8 * bytes) != 0)
        return 0;
    const uint8_t *deltas = at + head;
#define SAME(width)  same_read(field, width, stride, n, base)
#define READ1(width) deltas_read(field, width, stride, n, base, 1, deltas)
#define READ2(width) deltas_read(field, width, stride, n, base, 2, deltas)
#define READ4(width) deltas_read(field, width, stride, n, base, 4, deltas)
#define READ8(width) deltas_read(field, width, stride, n, base, 8, deltas)
    if (form == COLUMN_SAME)
        FOR_WIDTH(bytes, SAME);
    else if (form == COLUMN_1)
        FOR_WIDTH(bytes, READ1);
    else if (form == COLUMN_2)
        FOR_WIDTH(bytes, READ2);
    else if (form == COLUMN_4)
        FOR_WIDTH(bytes, READ4);
    else
        FOR_WIDTH(bytes, READ8);
    return head + n * delta_bytes;
}

bool columns_read(const struct column *columns, size_t column_count, void *structs, size_t stride, size_t n,
                  const uint8_t *bytes, size_t byte_count)
{
    for (size_t i = 0; i < column_count; i++) {
        for (uint32_t k = 0; k < columns[i].count; k++) {
            uint8_t *field = (uint8_t *)structs + columns[i].offset + (size_t)k * columns[i].bytes;
            size_t used = column_read(field, columns[i].bytes, stride, n, bytes, byte_count);
            if (used == 0)
                return false;
            bytes += used;
            byte_count -= used;
        }
    }
    return byte_count == 0;
}
