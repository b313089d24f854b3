/*
 * Times as they are written outside (RFC 3339 section 5.6), to and from microseconds since 1970-01-01T00:00:00Z.
 * The calendar is computed (Gregorian, proleptic); no time zone database, no locale, no libc time function is asked.
 * Pure, any thread.
 */
#ifndef ONHAND_BASE_RFC3339_H
#define ONHAND_BASE_RFC3339_H

#include <stdint.h>

#include "base/check.h"
#include "base/text.h"

#define RFC3339_TEXT_BYTES 32 /* room for any time written out */

enum rfc3339_status {
    RFC3339_OK,
    RFC3339_BAD,       /* not a time in RFC 3339's grammar, or no such day, hour, minute or second */
    RFC3339_NO_OFFSET, /* a well-formed local time without an offset: whose zone is meant is not known */
    RFC3339_BAD_LEAP   /* a second 60 that is not 23:59:60 UTC on the last day of June or December */
};

/*
 * Parses "2026-11-22T23:59:59.123456+01:00". `T` and `Z` may be small (section 5.6); the separator is `T` only; the
 * offset is `Z` or +hh:mm / -hh:mm, where -00:00 counts as UTC; a fraction has 1 to 9 digits, those behind
 * the microsecond are cut off. Years 0000 to 9999.
 * A leap second becomes the last microsecond of 23:59:59, so that it stays in its day and time never goes back.
 * Writes *out_utc_us on RFC3339_OK only.
 */
MUST_USE enum rfc3339_status rfc3339_parse(struct text text, int64_t *out_utc_us);

/*
 * Writes utc_us as "2026-11-22T22:59:59.123456Z": the fraction has no trailing zeros and is left out when it is zero.
 * Returns the length. Outside the years 0000 to 9999 the nearest time inside is written.
 */
unsigned rfc3339_format(int64_t utc_us, char out_text[RFC3339_TEXT_BYTES]);

#endif
