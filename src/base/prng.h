/* xoshiro256** (Blackman and Vigna), seeded with splitmix64: for tests, workloads and simulation, never for secrets. */
#ifndef ONHAND_BASE_PRNG_H
#define ONHAND_BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t s[4];
};

static inline struct prng prng_of(uint64_t seed)
{
    struct prng p;
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        p.s[i] = z ^ (z >> 31);
    }
    return p;
}

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t x = p->s[1] * 5;
    uint64_t result = ((x << 7) | (x >> 57)) * 9;
    uint64_t t = p->s[1] << 17;
    p->s[2] ^= p->s[0];
    p->s[3] ^= p->s[1];
    p->s[1] ^= p->s[2];
    p->s[0] ^= p->s[3];
    p->s[2] ^= t;
    p->s[3] = (p->s[3] << 45) | (p->s[3] >> 19);
    return result;
}

/* A number in [0, bound); bound > 0. The bias is below bound / 2^64. */
static inline uint64_t prng_below(struct prng *p, uint64_t bound)
{
    return prng_next(p) % bound;
}

#endif
