#include "base/siphash.h"

#include <stdbool.h>

#include "base/bytes.h"

#define ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND                                                                                                          \
    do {                                                                                                               \
        v0 += v1;                                                                                                      \
        v1 = ROTATE(v1, 13) ^ v0;                                                                                      \
        v0 = ROTATE(v0, 32);                                                                                           \
        v2 += v3;                                                                                                      \
        v3 = ROTATE(v3, 16) ^ v2;                                                                                      \
        v0 += v3;                                                                                                      \
        v3 = ROTATE(v3, 21) ^ v0;                                                                                      \
        v2 += v1;                                                                                                      \
        v1 = ROTATE(v1, 17) ^ v2;                                                                                      \
        v2 = ROTATE(v2, 32);                                                                                           \
    } while (0)

/* The last bytes, fewer than 8, as a number. Two reads that overlap cost less than one for each byte. */
static inline uint64_t tail(const uint8_t *in, size_t left)
{
    if (left >= 4)
        return get_u32(in) | (uint64_t)get_u32(in + left - 4) << (8 * (left - 4));
    if (left >= 2)
        return get_u16(in) | (uint64_t)in[left - 1] << (8 * (left - 1));
    return left == 0 ? 0 : in[0];
}

/* Both share everything but the numbers of rounds, two constants and the second output word; `wide` is a constant. */
static inline struct hash128 siphash(const struct siphash_key *key, const void *bytes, size_t n, bool wide)
{
    const uint8_t *in = bytes;
    uint64_t v0 = key->k0 ^ UINT64_C(0x736f6d6570736575);
    uint64_t v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d) ^ (wide ? 0xee : 0);
    uint64_t v2 = key->k0 ^ UINT64_C(0x6c7967656e657261);
    uint64_t v3 = key->k1 ^ UINT64_C(0x7465646279746573);
    size_t left = n;
    for (; left >= 8; left -= 8, in += 8) {
        uint64_t m = get_u64(in);
        v3 ^= m;
        ROUND;
        if (wide)
            ROUND;
        v0 ^= m;
    }
    uint64_t last = (uint64_t)n << 56 | tail(in, left);
    v3 ^= last;
    ROUND;
    if (wide)
        ROUND;
    v0 ^= last;
    v2 ^= wide ? 0xee : 0xff;
    ROUND;
    ROUND;
    ROUND;
    if (wide)
        ROUND;
    struct hash128 result = {v0 ^ v1 ^ v2 ^ v3, 0};
    if (wide) {
        v1 ^= 0xdd;
        ROUND;
        ROUND;
        ROUND;
        ROUND;
        result.high = v0 ^ v1 ^ v2 ^ v3;
    }
    return result;
}

uint64_t siphash64(const struct siphash_key *key, const void *bytes, size_t n)
{
    return siphash(key, bytes, n, false).low;
}

struct hash128 siphash128(const struct siphash_key *key, const void *bytes, size_t n)
{
    return siphash(key, bytes, n, true);
}
