#include "base/decimal.h"

/* 10^n for n in 0..18: all that fit int64_t. */
static const int64_t power_of_ten[19] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000,
                                         100000000000000000,
                                         1000000000000000000};

#define EXPONENT_MAX 1000 /* beyond this every non-zero value is out of range or too long; it stops the sum early */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum decimal_status decimal_parse(struct text text, struct decimal *out_decimal)
{
    const char *at = text.bytes;
    const char *end = text.bytes + text.length;
    bool negative = at < end && *at == '-';
    if (negative)
        at++;
    if (at == end || !is_digit(*at) || (*at == '0' && at + 1 < end && is_digit(at[1])))
        return DECIMAL_BAD;

    /* Digits, with the trailing zeros held back, so that "1000000000000000000000e-21" still parses exactly. */
    int64_t digits = 0;
    int64_t exponent = 0; /* value = digits * 10^exponent */
    int64_t zeros = 0;
    bool fraction = false;
    bool too_big = false;
    for (; at < end; at++) {
        if (*at == '.') {
            if (fraction || at + 1 == end || !is_digit(at[1]))
                return DECIMAL_BAD;
            fraction = true;
            continue;
        }
        if (!is_digit(*at))
            break;
        if (fraction)
            exponent--;
        if (*at == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0 && digits != 0; zeros--) {
            if (digits > QUANTITY_UNITS_MAX / 10)
                too_big = true;
            else
                digits *= 10;
        }
        zeros = 0;
        if (digits > (QUANTITY_UNITS_MAX - (*at - '0')) / 10)
            too_big = true;
        else
            digits = digits * 10 + (*at - '0');
    }
    exponent += zeros;
    if (at < end) {
        if (*at != 'e' && *at != 'E')
            return DECIMAL_BAD;
        at++;
        bool down = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if (at == end)
            return DECIMAL_BAD;
        int64_t written = 0;
        for (; at < end && is_digit(*at); at++)
            written = written > EXPONENT_MAX ? written : written * 10 + (*at - '0');
        if (at != end)
            return DECIMAL_BAD;
        exponent += down ? -written : written;
    }
    if (digits == 0 && !too_big) {
        *out_decimal = (struct decimal){0, 0};
        return DECIMAL_OK;
    }
    if (too_big)
        return DECIMAL_OUT_OF_RANGE;
    if (exponent < -DECIMAL_PLACES_MAX)
        return DECIMAL_TOO_LONG;
    if (exponent > 0) {
        if (exponent > 18 || !checked_mul(digits, power_of_ten[exponent], &digits) || digits > QUANTITY_UNITS_MAX)
            return DECIMAL_OUT_OF_RANGE;
        exponent = 0;
    }
    *out_decimal = (struct decimal){negative ? -digits : digits, (uint8_t)-exponent};
    return DECIMAL_OK;
}

enum decimal_status decimal_to_units(struct decimal decimal, unsigned scale, int64_t *out_units)
{
    CHECK(scale <= DECIMAL_PLACES_MAX);
    if (decimal.places > scale)
        return DECIMAL_TOO_LONG;
    int64_t units;
    if (!checked_mul(decimal.digits, power_of_ten[scale - decimal.places], &units) || !quantity_in_range(units))
        return DECIMAL_OUT_OF_RANGE;
    *out_units = units;
    return DECIMAL_OK;
}

unsigned decimal_format(int64_t units, unsigned scale, char out_text[DECIMAL_TEXT_BYTES])
{
    char reversed[DECIMAL_TEXT_BYTES];
    unsigned n = 0;
    uint64_t rest = units < 0 ? -(uint64_t)units : (uint64_t)units;
    while (scale > 0 && rest % 10 == 0) {
        rest /= 10;
        scale--;
    }
    for (unsigned place = 0; rest != 0 || place <= scale; place++) {
        if (place == scale && scale != 0)
            reversed[n++] = '.';
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (units < 0)
        reversed[n++] = '-';
    for (unsigned i = 0; i < n; i++)
        out_text[i] = reversed[n - 1 - i];
    return n;
}
