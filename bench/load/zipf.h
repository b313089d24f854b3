/*
 * Zipf-distributed numbers: 0 is drawn most often, number k with weight 1 / (k + 1)^theta. Sales concentrate on few
 * items; theta 0.99 is the usual figure (YCSB, Cooper 2010). Two table look-ups a draw (alias method, Walker 1977,
 * tables after Vose 1991), the same sequence for the same seed.
 */
#ifndef ONHAND_BENCH_ZIPF_H
#define ONHAND_BENCH_ZIPF_H

#include <stdint.h>

#include "base/prng.h"

struct zipf {
    uint32_t count;
    uint64_t *keep;  /* owned; draw k when a random 64-bit number is below keep[k] */
    uint32_t *alias; /* owned; else draw alias[k] */
};

void zipf_init(struct zipf *zipf, uint32_t count, double theta);
void zipf_deinit(struct zipf *zipf);

static inline uint32_t zipf_next(const struct zipf *zipf, struct prng *prng)
{
    uint32_t k = (uint32_t)prng_below(prng, zipf->count);
    return prng_next(prng) < zipf->keep[k] ? k : zipf->alias[k];
}

#endif
