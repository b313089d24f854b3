#include "base/histogram.h"

#include <string.h>

#include "base/check.h"

static uint32_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (uint32_t)value;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    return (shift << HISTOGRAM_STEP_BITS) + (uint32_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t bucket_limit(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
    uint64_t first = (uint64_t)(bucket - (shift << HISTOGRAM_STEP_BITS)) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
    uint32_t bucket = bucket_of(value);
    CHECK(bucket < HISTOGRAM_BUCKETS);
    histogram->counts[bucket] += times;
    histogram->count += times;
    histogram->sum += value * times;
    if (times > 0 && value > histogram->max)
        histogram->max = value;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->count += other->count;
    histogram->sum += other->sum;
    if (other->max > histogram->max)
        histogram->max = other->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_million)
{
    CHECK(per_million <= HISTOGRAM_PER_MILLION);
    if (histogram->count == 0)
        return 0;
    /* How many values must be at or below the answer, rounded up; in two parts, so that nothing overflows. */
    uint64_t wanted =
        histogram->count / HISTOGRAM_PER_MILLION * per_million +
        (histogram->count % HISTOGRAM_PER_MILLION * per_million + HISTOGRAM_PER_MILLION - 1) / HISTOGRAM_PER_MILLION;
    if (wanted == 0)
        wanted = 1;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted)
            return bucket_limit(i) < histogram->max ? bucket_limit(i) : histogram->max;
    }
    return histogram->max;
}

uint64_t histogram_count_through(const struct histogram *histogram, uint64_t limit)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && bucket_limit(i) <= limit; i++)
        count += histogram->counts[i];
    return count;
}
