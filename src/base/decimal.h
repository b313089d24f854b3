/*
 * Quantities as they are written outside: an exact decimal, never a float. Kept in one form per value (no trailing
 * zeros after the point), so that 1, 1.0 and "1.00" are the same quantity and the same command.
 */
#ifndef ONHAND_BASE_DECIMAL_H
#define ONHAND_BASE_DECIMAL_H

#include "base/checked.h"
#include "base/text.h"

#define DECIMAL_PLACES_MAX 6  /* the largest scale an item can have, DESIGN section 2 */
#define DECIMAL_TEXT_BYTES 32 /* room for any decimal written out */

struct decimal {
    int64_t digits; /* the value times 10^places */
    uint8_t places; /* 0 to DECIMAL_PLACES_MAX; the last digit is not 0 unless places is 0 */
};

enum decimal_status {
    DECIMAL_OK,
    DECIMAL_BAD,         /* not a number in JSON's grammar */
    DECIMAL_TOO_LONG,    /* more than DECIMAL_PLACES_MAX decimals are needed */
    DECIMAL_OUT_OF_RANGE /* magnitude above QUANTITY_UNITS_MAX in units of its last decimal */
};

/* Parses a JSON number (exponents are allowed when the value is exact). Writes *out_decimal on DECIMAL_OK only. */
MUST_USE enum decimal_status decimal_parse(struct text text, struct decimal *out_decimal);

/*
 * The value in base units of an item whose scale is `scale` (0 to DECIMAL_PLACES_MAX).
 * DECIMAL_TOO_LONG when it has more decimals than the scale, DECIMAL_OUT_OF_RANGE beyond QUANTITY_UNITS_MAX.
 */
MUST_USE enum decimal_status decimal_to_units(struct decimal decimal, unsigned scale, int64_t *out_units);

/* Writes `units` of an item of this scale as a JSON number ("12", "-0.5", "1.250" as 1.25); returns the length. */
unsigned decimal_format(int64_t units, unsigned scale, char out_text[DECIMAL_TEXT_BYTES]);

#endif
