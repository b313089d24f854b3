/*
 * Goal: times, UTF-8 and the bounded buffer hold at their edges.
 * Method: tables of known values, every second pattern against an independent count, random bytes.
 */
#include "unit.h"

#include "base/buffer.h"
#include "base/prng.h"
#include "base/rfc3339.h"
#include "base/utf8.h"

static void times_parse_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rfc3339_status status;
        int64_t us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", RFC3339_OK, 0},
        {"1970-01-01T00:00:00.000001Z", RFC3339_OK, 1},
        {"1969-12-31T23:59:59.999999Z", RFC3339_OK, -1},
        {"1970-01-01T01:00:00+01:00", RFC3339_OK, 0},
        {"1969-12-31T18:30:00-05:30", RFC3339_OK, 0},
        {"1970-01-01t00:00:00z", RFC3339_OK, 0},
        {"1970-01-01T00:00:00-00:00", RFC3339_OK, 0},
        {"2026-11-22T10:00:00.5Z", RFC3339_OK, INT64_C(1795341600500000)},
        {"2026-11-22T10:00:00.123456789Z", RFC3339_OK, INT64_C(1795341600123456)},
        {"2000-02-29T00:00:00Z", RFC3339_OK, INT64_C(951782400000000)},
        {"0000-01-01T00:00:00Z", RFC3339_OK, INT64_C(-62167219200000000)},
        {"9999-12-31T23:59:59.999999Z", RFC3339_OK, INT64_C(253402300799999999)},
        /* The leap second of 2016 stays in its day. */
        {"2016-12-31T23:59:60Z", RFC3339_OK, INT64_C(1483228799999999)},
        {"2016-12-31T23:59:60.25Z", RFC3339_OK, INT64_C(1483228799999999)},
        {"2017-01-01T00:59:60+01:00", RFC3339_OK, INT64_C(1483228799999999)},
        {"2015-06-30T23:59:60Z", RFC3339_OK, INT64_C(1435708799999999)},
        {"2016-12-31T23:58:60Z", RFC3339_BAD_LEAP, 0},
        {"2016-12-30T23:59:60Z", RFC3339_BAD_LEAP, 0},
        {"2016-12-31T23:59:60+01:00", RFC3339_BAD_LEAP, 0},
        {"2026-11-22T10:00:00", RFC3339_NO_OFFSET, 0},
        {"2026-11-22T10:00:00.5", RFC3339_NO_OFFSET, 0},
        {"", RFC3339_BAD, 0},
        {"2026-11-22", RFC3339_BAD, 0},
        {"2026-11-22 10:00:00Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00.Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00,5Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00.1234567890Z", RFC3339_BAD, 0},
        {"2026-11-22T24:00:00Z", RFC3339_BAD, 0},
        {"2026-11-22T10:60:00Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:61Z", RFC3339_BAD, 0},
        {"2026-00-22T10:00:00Z", RFC3339_BAD, 0},
        {"2026-13-22T10:00:00Z", RFC3339_BAD, 0},
        {"2026-11-00T10:00:00Z", RFC3339_BAD, 0},
        {"2026-11-31T10:00:00Z", RFC3339_BAD, 0},
        {"2025-02-29T10:00:00Z", RFC3339_BAD, 0},
        {"1900-02-29T10:00:00Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00+1:00", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00+0100", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00+24:00", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00+01:60", RFC3339_BAD, 0},
        {"2026-11-22T10:00:00Z ", RFC3339_BAD, 0},
        {" 2026-11-22T10:00:00Z", RFC3339_BAD, 0},
        {"+2026-11-22T10:00:00Z", RFC3339_BAD, 0},
        {"20261122T100000Z", RFC3339_BAD, 0},
        {"2026-11-22T10:00:0\xd9\xa0Z", RFC3339_BAD, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us = -77;
        enum rfc3339_status status = rfc3339_parse(text_of(rows[i].text, strlen(rows[i].text)), &us);
        if (status != rows[i].status || us != (status == RFC3339_OK ? rows[i].us : -77))
            fail_msg("'%s': status %d, %lld us", rows[i].text, (int)status, (long long)us);
    }
}

static void every_day_comes_back(void **state)
{
    (void)state;
    /* Days counted one by one from 0000-01-01, against the formula. */
    int64_t us = INT64_C(-62167219200000000);
    for (unsigned year = 0; year < 10000; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            unsigned days = month == 2                                              ? (leap ? 29 : 28)
                            : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                                    : 31;
            for (unsigned day = 1; day <= days; day++, us += INT64_C(86400000000)) {
                char expected[80], text[RFC3339_TEXT_BYTES];
                (void)snprintf(expected, sizeof(expected), "%04u-%02u-%02uT00:00:00Z", year, month, day);
                unsigned n = rfc3339_format(us, text);
                int64_t parsed = 0;
                if (n != 20 || memcmp(text, expected, 20) != 0 ||
                    rfc3339_parse(text_of(text, n), &parsed) != RFC3339_OK || parsed != us)
                    fail_msg("%s became %.*s", expected, (int)n, text);
            }
        }
    }
    struct prng prng = prng_of(4);
    for (int i = 0; i < 100000; i++) {
        int64_t time = (int64_t)prng_below(&prng, UINT64_C(315569519999999999)) - INT64_C(62167219200000000),
                parsed = 0;
        char text[RFC3339_TEXT_BYTES];
        unsigned n = rfc3339_format(time, text);
        assert_int_equal(rfc3339_parse(text_of(text, n), &parsed), RFC3339_OK);
        assert_true(parsed == time);
    }
    char text[RFC3339_TEXT_BYTES];
    assert_memory_equal(text, "9999-12-31T23:59:59.999999Z", rfc3339_format(INT64_MAX, text));
    assert_memory_equal(text, "0000-01-01T00:00:00Z", rfc3339_format(INT64_MIN, text));
}

static void utf8_is_judged_as_unicode_says(void **state)
{
    (void)state;
    /* Every code point's encoding is accepted, except surrogates; every prefix of it is not. */
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char b[4];
        size_t n = 0;
        if (c < 0x80) {
            b[n++] = (char)c;
        } else if (c < 0x800) {
            b[n++] = (char)(0xc0 | c >> 6);
            b[n++] = (char)(0x80 | (c & 63));
        } else if (c < 0x10000) {
            b[n++] = (char)(0xe0 | c >> 12);
            b[n++] = (char)(0x80 | (c >> 6 & 63));
            b[n++] = (char)(0x80 | (c & 63));
        } else {
            b[n++] = (char)(0xf0 | c >> 18);
            b[n++] = (char)(0x80 | (c >> 12 & 63));
            b[n++] = (char)(0x80 | (c >> 6 & 63));
            b[n++] = (char)(0x80 | (c & 63));
        }
        bool right = (c < 0xd800 || c > 0xdfff) && c <= 0x10ffff;
        if (utf8_valid(b, n) != right)
            fail_msg("U+%04X", (unsigned)c);
        for (size_t cut = 1; cut < n; cut++)
            assert_false(utf8_valid(b, cut));
        if (right) {
            bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
            assert_int_equal(utf8_first_control(b, n), control ? 0 : n);
        }
    }
    static const char *const wrong[] = {"\x80",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xc3\x28",
                                        "\xe2\x28\xa1",
                                        "\xe2\x82\x28",
                                        "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        for (size_t before = 0; before < 20; before++) { /* at every place inside the eight-byte steps */
            char b[40];
            memset(b, 'a', sizeof(b));
            size_t n = strlen(wrong[i]);
            memcpy(b + before, wrong[i], n);
            assert_int_equal(utf8_valid_prefix(b, before + n + 3), before);
        }
    }
}

static void buffers_stop_at_their_maximum(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        buffer_byte(&b, 'x');
    assert_false(b.failed);
    assert_int_equal(b.length, 1000);
    buffer_byte(&b, 'y');
    assert_true(b.failed);
    assert_int_equal(b.length, 1000);
    buffer_reset(&b);
    buffer_literal(&b, "abc");
    buffer_append(&b, NULL, 0);
    buffer_text(&b, TEXT_NONE);
    assert_int_equal(b.length, 3);
    assert_null(buffer_room(&b, SIZE_MAX));
    assert_true(b.failed);
    buffer_literal(&b, "d");
    assert_int_equal(b.length, 3);
    buffer_deinit(&b);
    buffer_init(&b, 0);
    buffer_literal(&b, "");
    assert_false(b.failed);
    buffer_byte(&b, 'x');
    assert_true(b.failed);
    buffer_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_parse_strictly),
        cmocka_unit_test(every_day_comes_back),
        cmocka_unit_test(utf8_is_judged_as_unicode_says),
        cmocka_unit_test(buffers_stop_at_their_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
