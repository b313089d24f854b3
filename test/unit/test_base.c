/*
 * Goal: the building blocks everything else rests on hold their promises at the edges.
 * Method: tables of known values, and random work against a plain array.
 */
#include "unit.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/decimal.h"
#include "base/prng.h"
#include "base/siphash.h"
#include "base/table.h"
#include "base/textpool.h"

static void decimals_parse_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum decimal_status status;
        int64_t digits;
        uint8_t places;
    } rows[] = {
        {"0", DECIMAL_OK, 0, 0},
        {"-0", DECIMAL_OK, 0, 0},
        {"12", DECIMAL_OK, 12, 0},
        {"1.0", DECIMAL_OK, 1, 0},
        {"1.50", DECIMAL_OK, 15, 1},
        {"-0.000001", DECIMAL_OK, -1, 6},
        {"0.0000001", DECIMAL_TOO_LONG, 0, 0},
        {"0.1000000", DECIMAL_OK, 1, 1},
        {"1e3", DECIMAL_OK, 1000, 0},
        {"1200e-2", DECIMAL_OK, 12, 0},
        {"1e-7", DECIMAL_TOO_LONG, 0, 0},
        {"1E+2", DECIMAL_OK, 100, 0},
        {"9007199254740991", DECIMAL_OK, 9007199254740991, 0},
        {"9007199254740992", DECIMAL_OUT_OF_RANGE, 0, 0},
        {"9223372036854775808", DECIMAL_OUT_OF_RANGE, 0, 0},
        {"99999999999999999999999999", DECIMAL_OUT_OF_RANGE, 0, 0},
        {"1e400", DECIMAL_OUT_OF_RANGE, 0, 0},
        {"0e400", DECIMAL_OK, 0, 0},
        {"1e99999999999999999999", DECIMAL_OUT_OF_RANGE, 0, 0},
        {"1000000000000000000000e-21", DECIMAL_OK, 1, 0},
        {"01", DECIMAL_BAD, 0, 0},
        {"1.", DECIMAL_BAD, 0, 0},
        {".5", DECIMAL_BAD, 0, 0},
        {"", DECIMAL_BAD, 0, 0},
        {"-", DECIMAL_BAD, 0, 0},
        {"+1", DECIMAL_BAD, 0, 0},
        {"1e", DECIMAL_BAD, 0, 0},
        {"1x", DECIMAL_BAD, 0, 0},
        {"1.2.3", DECIMAL_BAD, 0, 0},
        {"NaN", DECIMAL_BAD, 0, 0},
        {"0x10", DECIMAL_BAD, 0, 0},
        {"1 ", DECIMAL_BAD, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decimal d = {-1, 99};
        enum decimal_status status = decimal_parse(text_of(rows[i].text, strlen(rows[i].text)), &d);
        if (status != rows[i].status)
            fail_msg("'%s': status %d, expected %d", rows[i].text, (int)status, (int)rows[i].status);
        if (status == DECIMAL_OK) {
            assert_int_equal(d.digits, rows[i].digits);
            assert_int_equal(d.places, rows[i].places);
        }
    }
}

static void decimals_scale_and_print(void **state)
{
    (void)state;
    int64_t units = -1;
    assert_int_equal(decimal_to_units((struct decimal){15, 1}, 3, &units), DECIMAL_OK);
    assert_int_equal(units, 1500);
    assert_int_equal(decimal_to_units((struct decimal){15, 1}, 0, &units), DECIMAL_TOO_LONG);
    assert_int_equal(decimal_to_units((struct decimal){9007199254740991, 0}, 1, &units), DECIMAL_OUT_OF_RANGE);
    assert_int_equal(units, 1500);
    static const struct {
        int64_t units;
        unsigned scale;
        const char *text;
    } rows[] = {{0, 0, "0"},      {0, 3, "0"},     {5, 0, "5"},      {-5, 1, "-0.5"}, {1250, 3, "1.25"},
                {1000, 3, "1"},   {10, 0, "10"},   {-1005, 2, "-10.05"}, {1, 6, "0.000001"},
                {9007199254740991, 6, "9007199254.740991"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[DECIMAL_TEXT_BYTES];
        unsigned n = decimal_format(rows[i].units, rows[i].scale, text);
        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(text, rows[i].text, n);
    }
}

static void checksums_match_published_values(void **state)
{
    (void)state;
    /* RFC 3720 appendix B.4. */
    uint8_t bytes[32] = {0};
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    struct prng prng = prng_of(1);
    for (int i = 0; i < 1000; i++) {
        uint8_t random[67];
        for (size_t k = 0; k < sizeof(random); k++)
            random[k] = (uint8_t)prng_next(&prng);
        size_t n = prng_below(&prng, sizeof(random));
        size_t cut = n == 0 ? 0 : prng_below(&prng, n);
        assert_int_equal(crc32c(0, random, n), crc32c_portable(0, random, n));
        assert_int_equal(crc32c(crc32c(0, random, cut), random + cut, n - cut), crc32c(0, random, n));
    }
    /* Published vectors for key 00..0f: SipHash-1-3 of nothing, the 128-bit SipHash-2-4 of nothing. */
    struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    assert_true(siphash64(&key, "", 0) == UINT64_C(0xabac0158050fc4dc));
    struct hash128 wide = siphash128(&key, "", 0);
    assert_true(wide.low == UINT64_C(0xe6a825ba047f81a3));
    assert_true(wide.high == UINT64_C(0x930255c71472f66d));
}

static void varints_have_one_form(void **state)
{
    (void)state;
    struct prng prng = prng_of(2);
    for (int i = 0; i < 10000; i++) {
        uint8_t bytes[VARINT_BYTES_MAX];
        uint64_t v = prng_next(&prng) >> prng_below(&prng, 64);
        struct writer w = writer_of(bytes, sizeof(bytes));
        write_varint(&w, v);
        assert_false(w.full);
        struct reader r = reader_of(bytes, writer_bytes(&w));
        assert_true(read_varint(&r) == v);
        assert_false(r.bad);
        assert_int_equal(reader_left(&r), 0);
        for (size_t cut = 0; cut < writer_bytes(&w); cut++) {
            struct reader shorter = reader_of(bytes, cut);
            (void)read_varint(&shorter);
            assert_true(shorter.bad);
            struct writer narrow = writer_of(bytes, cut);
            write_varint(&narrow, v);
            assert_true(narrow.full);
        }
    }
    const uint8_t padded[] = {0x81, 0x00};
    struct reader r = reader_of(padded, 2);
    (void)read_varint(&r);
    assert_true(r.bad);
}

struct entries {
    uint64_t hash[20000];
};
static bool same_hash(const void *owner, uint32_t entry, const void *key)
{
    return ((const struct entries *)owner)->hash[entry] == *(const uint64_t *)key;
}

static void a_table_that_was_read_wrong_is_more_than_there_can_be(void **state)
{
    (void)state;
    struct region region = {NULL, table_bytes(1000), 0};
    region.base = aligned_alloc(REGION_ALIGNMENT, region.capacity_bytes);
    assert_non_null(region.base);
    memset(region.base, 0, region.capacity_bytes);
    struct table table;
    table_init(&table, &region, 1000);
    assert_true(table_memory(&table).bucket_count <= table_memory(&table).bucket_count_max);
    static const struct {
        uint32_t level, split;
    } rows[] = {{31, UINT32_MAX}, {32, 0}, {UINT32_MAX, 7}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        table.level = rows[i].level;
        table.split = rows[i].split;
        assert_true(table_memory(&table).bucket_count > table_memory(&table).bucket_count_max);
    }
    free(region.base);
}

static void tables_find_what_was_put_in(void **state)
{
    (void)state;
    static struct entries entries;
    static bool in[20000];
    for (int crowded = 0; crowded < 2; crowded++) {
        size_t bytes = table_bytes(20000);
        struct region region = {aligned_alloc(64, bytes), bytes, 0};
        memset(region.base, 0, bytes);
        struct table table;
        table_init(&table, &region, 20000);
        struct prng prng = prng_of(3);
        memset(in, 0, sizeof(in));
        for (uint32_t i = 0; i < 20000; i++) /* crowded: sixteen entries share each tag */
            entries.hash[i] = crowded ? (uint64_t)i << 32 | (uint32_t)(i / 16 * 2654435761u) : prng_next(&prng);
        uint32_t count = 0;
        for (int step = 0; step < 200000; step++) {
            uint32_t i = (uint32_t)prng_below(&prng, 20000);
            uint32_t found = table_find(&table, entries.hash[i], same_hash, &entries, &entries.hash[i]);
            assert_int_equal(found, in[i] ? i : TABLE_NONE);
            if (in[i] && prng_below(&prng, 3) == 0) {
                table_remove(&table, entries.hash[i], i);
                in[i] = false;
                count--;
            } else if (!in[i]) {
                table_insert(&table, entries.hash[i], i);
                in[i] = true;
                count++;
            }
            assert_int_equal(table.count, count);
        }
        for (uint32_t i = 0; i < 20000; i++)
            assert_int_equal(table_find(&table, entries.hash[i], same_hash, &entries, &entries.hash[i]),
                             in[i] ? i : TABLE_NONE);
        free(region.base);
    }
}

static void text_pools_reuse_space(void **state)
{
    (void)state;
    struct region region = {aligned_alloc(64, 64 * 1024), 64 * 1024, 0};
    struct textpool pool;
    textpool_init(&pool, &region, 4096);
    char name[TEXTPOOL_BYTES_MAX];
    struct textref refs[100];
    for (int round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < 100; i++) {
            memset(name, (int)('a' + (i + (uint32_t)round) % 26), sizeof(name));
            refs[i] = textpool_add(&pool, text_of(name, 1 + i % TEXTPOOL_BYTES_MAX));
        }
        for (uint32_t i = 0; i < 100; i++) {
            struct text text = textpool_text(&pool, refs[i]);
            assert_int_equal(text.length, 1 + i % TEXTPOOL_BYTES_MAX);
            assert_int_equal(text.bytes[text.length - 1], (int)('a' + (i + (uint32_t)round) % 26));
            textpool_remove(&pool, refs[i]);
        }
    }
    assert_true(textpool_room(&pool, 400));
    free(region.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_parse_exactly),     cmocka_unit_test(decimals_scale_and_print),
        cmocka_unit_test(checksums_match_published_values), cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(a_table_that_was_read_wrong_is_more_than_there_can_be),
        cmocka_unit_test(tables_find_what_was_put_in), cmocka_unit_test(text_pools_reuse_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
