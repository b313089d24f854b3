/*
 * Days from the civil date and back by Howard Hinnant's algorithms ("chrono-Compatible Low-Level Date Algorithms",
 * 2013): the year begins in March, so that the leap day is its last one, and 400 years are one era of 146,097 days.
 */
#include "base/rfc3339.h"

#include <stdbool.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_DAY   INT64_C(86400)
#define DAYS_ERA      146097 /* 400 Gregorian years */
#define DAYS_TO_1970  719468 /* from 0000-03-01 */

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_ERA + day_of_era - DAYS_TO_1970;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Reads exactly `count` digits at *at; false when they are not there. */
static bool digits(struct text text, uint32_t *at, unsigned count, unsigned *out_value)
{
    unsigned value = 0;
    if (text.length - *at < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned)((unsigned char)text.bytes[*at + i]) - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *at += count;
    *out_value = value;
    return true;
}

static bool literal(struct text text, uint32_t *at, char wanted)
{
    if (*at >= text.length || text.bytes[*at] != wanted)
        return false;
    ++*at;
    return true;
}

enum rfc3339_status rfc3339_parse(struct text text, int64_t *out_utc_us)
{
    uint32_t at = 0;
    unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, us = 0;
    if (!digits(text, &at, 4, &year) || !literal(text, &at, '-') || !digits(text, &at, 2, &month) ||
        !literal(text, &at, '-') || !digits(text, &at, 2, &day) ||
        !(literal(text, &at, 'T') || literal(text, &at, 't')) || !digits(text, &at, 2, &hour) ||
        !literal(text, &at, ':') || !digits(text, &at, 2, &minute) || !literal(text, &at, ':') ||
        !digits(text, &at, 2, &second))
        return RFC3339_BAD;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 60)
        return RFC3339_BAD;
    if (literal(text, &at, '.')) {
        unsigned count = 0, digit = 0;
        for (; digits(text, &at, 1, &digit); count++) {
            if (count < 6)
                us = us * 10 + digit;
        }
        if (count < 1 || count > 9)
            return RFC3339_BAD;
        for (; count < 6; count++)
            us *= 10;
    }
    if (at == text.length)
        return RFC3339_NO_OFFSET;
    int64_t offset_seconds = 0;
    if (!literal(text, &at, 'Z') && !literal(text, &at, 'z')) {
        unsigned offset_hours = 0, offset_minutes = 0;
        bool west = literal(text, &at, '-');
        if ((!west && !literal(text, &at, '+')) || !digits(text, &at, 2, &offset_hours) || !literal(text, &at, ':') ||
            !digits(text, &at, 2, &offset_minutes) || offset_hours > 23 || offset_minutes > 59)
            return RFC3339_BAD;
        offset_seconds = (int64_t)(offset_hours * 60 + offset_minutes) * 60 * (west ? -1 : 1);
    }
    if (at != text.length)
        return RFC3339_BAD;
    bool leap = second == 60;
    int64_t seconds = days_from_civil(year, month, day) * SECONDS_DAY + (int64_t)(hour * 3600 + minute * 60) +
                      (leap ? 59 : second) - offset_seconds;
    if (leap) {
        /* The second before it is 23:59:59 UTC, and the day after it the first of January or July. */
        int64_t next = seconds + 1;
        bool placed = false;
        if (next % SECONDS_DAY == 0) {
            for (unsigned y = year == 0 ? 0 : year - 1; y <= year + 1 && !placed; y++)
                placed =
                    next / SECONDS_DAY == days_from_civil(y, 1, 1) || next / SECONDS_DAY == days_from_civil(y, 7, 1);
        }
        if (!placed)
            return RFC3339_BAD_LEAP;
        us = (unsigned)US_PER_SECOND - 1;
    }
    *out_utc_us = seconds * US_PER_SECOND + us;
    return RFC3339_OK;
}

static char *put_digits(char *to, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

unsigned rfc3339_format(int64_t utc_us, char out_text[RFC3339_TEXT_BYTES])
{
    const int64_t first = days_from_civil(0, 1, 1) * SECONDS_DAY * US_PER_SECOND;
    const int64_t last = days_from_civil(10000, 1, 1) * SECONDS_DAY * US_PER_SECOND - 1;
    utc_us = utc_us < first ? first : utc_us > last ? last : utc_us;
    /* Everything counts from 0000-03-01 minus one era, so that the divisions below are of numbers above zero. */
    int64_t since = utc_us + (DAYS_TO_1970 + (int64_t)DAYS_ERA) * SECONDS_DAY * US_PER_SECOND;
    unsigned us = (unsigned)(since % US_PER_SECOND);
    int64_t seconds = since / US_PER_SECOND;
    unsigned of_day = (unsigned)(seconds % SECONDS_DAY);
    unsigned days = (unsigned)(seconds / SECONDS_DAY);
    unsigned era = days / DAYS_ERA, day_of_era = days % DAYS_ERA;
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * march_month + 2) / 5 + 1;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    unsigned year = era * 400 + year_of_era - 400 + (month <= 2 ? 1 : 0);
    char *to = put_digits(out_text, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    to = put_digits(to, day, 2);
    *to++ = 'T';
    to = put_digits(to, of_day / 3600, 2);
    *to++ = ':';
    to = put_digits(to, of_day / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, of_day % 60, 2);
    if (us != 0) {
        unsigned places = 6;
        for (; us % 10 == 0; us /= 10)
            places--;
        *to++ = '.';
        to = put_digits(to, us, places);
    }
    *to++ = 'Z';
    return (unsigned)(to - out_text);
}
