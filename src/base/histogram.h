/*
 * Counts of values (latencies, sizes) in buckets that grow with the value, so that every quantile is known within
 * 1/64 of itself whatever the range, in a fixed 30 KB (the idea of HdrHistogram, Tene).
 *
 *     values 0..63            one bucket each
 *     values 64·2^s..128·2^s  64 buckets of 2^s values, for s = 0..57
 *
 * A histogram is a plain value: zeroed memory is an empty one, sums of two are taken with histogram_merge. No function
 * allocates. Owner: one thread at a time.
 */
#ifndef ONHAND_BASE_HISTOGRAM_H
#define ONHAND_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS   6 /* 64 buckets per doubling: error at most 1/64 */
#define HISTOGRAM_STEPS       (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_BUCKETS     ((64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)
#define HISTOGRAM_PER_MILLION 1000000u

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count; /* of all values */
    uint64_t sum;   /* of all values; wraps beyond 2^64 */
    uint64_t max;   /* exact; 0 when empty */
};

void histogram_reset(struct histogram *histogram);
/* Adds `times` values equal to `value`. Any value is allowed. */
void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times);
/* Adds everything `other` has counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/*
 * The smallest bucket limit with at least per_million / 1,000,000 of all values at or below it, never above the exact
 * maximum: 500000 is the median, 990000 the 99th percentile, 1000000 the maximum. 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_million);

/*
 * How many values are certainly at or below `limit`: those of all buckets that end there or earlier. Exact when limit
 * is 2^n - 1, which is what cumulative exports (`le` in Prometheus) should ask for.
 */
uint64_t histogram_count_through(const struct histogram *histogram, uint64_t limit);

#endif
