/*
 * Arithmetic on numbers from outside: the check comes before the sum. Each function returns true and writes
 * *out_result on success; it returns false and writes nothing when the result does not fit.
 */
#ifndef ONHAND_BASE_CHECKED_H
#define ONHAND_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* Largest magnitude of a quantity in base units: 2^53 - 1, so that JavaScript reads it whole (API.md section 1). */
#define QUANTITY_UNITS_MAX INT64_C(9007199254740991)

MUST_USE static inline bool checked_add(int64_t a, int64_t b, int64_t *out_result)
{
    int64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *out_result = result;
    return true;
}

MUST_USE static inline bool checked_sub(int64_t a, int64_t b, int64_t *out_result)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return false;
    *out_result = result;
    return true;
}

MUST_USE static inline bool checked_mul(int64_t a, int64_t b, int64_t *out_result)
{
    int64_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *out_result = result;
    return true;
}

/* True when |units| <= QUANTITY_UNITS_MAX. Any sum of two such quantities fits int64_t. */
static inline bool quantity_in_range(int64_t units)
{
    return units >= -QUANTITY_UNITS_MAX && units <= QUANTITY_UNITS_MAX;
}

/* Narrowing with the range asserted. */
static inline uint32_t narrow_u32(uint64_t value)
{
    CHECK(value <= UINT32_MAX);
    return (uint32_t)value;
}
static inline uint16_t narrow_u16(uint64_t value)
{
    CHECK(value <= UINT16_MAX);
    return (uint16_t)value;
}
static inline uint8_t narrow_u8(uint64_t value)
{
    CHECK(value <= UINT8_MAX);
    return (uint8_t)value;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of numbers that are not both 0 and not negative. */
static inline int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
