/*
 * Goal: quantiles are within 1/64 of the true ones over the whole range, counts are exact at powers of two.
 * Method: edges of the buckets by hand; random values over many magnitudes against a sorted array.
 */
#include "unit.h"

#include "base/histogram.h"
#include "base/prng.h"

#define VALUE_COUNT 20000

static struct histogram histogram, other;

static void empty_has_no_quantiles(void **state)
{
    (void)state;
    histogram_reset(&histogram);
    assert_int_equal(histogram_quantile(&histogram, 500000), 0);
    assert_int_equal(histogram_quantile(&histogram, HISTOGRAM_PER_MILLION), 0);
    assert_int_equal(histogram_count_through(&histogram, UINT64_MAX), 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    histogram_reset(&histogram);
    for (uint64_t v = 0; v < 128; v++)
        histogram_add(&histogram, v, 1);
    assert_int_equal(histogram_quantile(&histogram, 0), 0);
    assert_int_equal(histogram_quantile(&histogram, 500000), 63);
    assert_int_equal(histogram_quantile(&histogram, HISTOGRAM_PER_MILLION), 127);
    for (uint64_t v = 0; v < 128; v++)
        assert_int_equal(histogram_count_through(&histogram, v), v + 1);
}

static void every_magnitude_has_its_bucket(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t at = UINT64_C(1) << bit;
        histogram_reset(&histogram);
        histogram_add(&histogram, at - 1, 3);
        histogram_add(&histogram, at, 2);
        histogram_add(&histogram, UINT64_MAX, 1);
        assert_int_equal(histogram_count_through(&histogram, at - 1), 3);
        assert_int_equal(histogram_count_through(&histogram, UINT64_MAX), 6);
        assert_true(histogram_quantile(&histogram, HISTOGRAM_PER_MILLION) == UINT64_MAX);
        assert_true(histogram.max == UINT64_MAX);
        uint64_t median = histogram_quantile(&histogram, 500000);
        assert_true(median >= at - 1 && median - (at - 1) <= (at - 1) / HISTOGRAM_STEPS);
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void quantiles_are_within_a_sixty_fourth(void **state)
{
    (void)state;
    static uint64_t values[VALUE_COUNT];
    struct prng prng = prng_of(7);
    histogram_reset(&histogram);
    histogram_reset(&other);
    for (uint32_t i = 0; i < VALUE_COUNT; i++) {
        values[i] = prng_next(&prng) >> prng_below(&prng, 64);
        histogram_add(i % 3 == 0 ? &other : &histogram, values[i], 1);
    }
    histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, VALUE_COUNT);
    qsort(values, VALUE_COUNT, sizeof(values[0]), compare);
    for (uint32_t per_million = 50; per_million <= HISTOGRAM_PER_MILLION; per_million += 50) {
        uint64_t rank = ((uint64_t)VALUE_COUNT * per_million + HISTOGRAM_PER_MILLION - 1) / HISTOGRAM_PER_MILLION;
        uint64_t exact = values[rank - 1];
        uint64_t found = histogram_quantile(&histogram, per_million);
        assert_true(found >= exact && found - exact <= exact / HISTOGRAM_STEPS);
    }
}

static void zero_times_changes_nothing(void **state)
{
    (void)state;
    histogram_reset(&histogram);
    histogram_add(&histogram, 1000, 0);
    assert_int_equal(histogram.count, 0);
    assert_int_equal(histogram.max, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_has_no_quantiles),         cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(every_magnitude_has_its_bucket), cmocka_unit_test(quantiles_are_within_a_sixty_fourth),
        cmocka_unit_test(zero_times_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
