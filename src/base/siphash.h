/*
 * SipHash (Aumasson and Bernstein 2012): keyed hashes of names and ids from outside, so that nobody can choose names that
 * collide. The key is in the journal's first record, so every machine computes the same values.
 *
 * For places in an index one round and three are enough (SipHash-1-3, as language runtimes use it); where the hash itself
 * stands for the id it is two and four, in 128 bits.
 */
#ifndef ONHAND_BASE_SIPHASH_H
#define ONHAND_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};
struct hash128 {
    uint64_t low, high;
};

/* 64-bit SipHash-1-3 of n bytes. */
uint64_t siphash64(const struct siphash_key *key, const void *bytes, size_t n);
/* 128-bit SipHash-2-4 of n bytes. */
struct hash128 siphash128(const struct siphash_key *key, const void *bytes, size_t n);

#endif
