#include "base/crc32c.h"

#include "base/bytes.h"

/* One nibble at a time: 16 entries, computed from the reflected polynomial 0x82F63B78. */
static const uint32_t nibble_table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                          0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                          0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *in = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= in[i];
        crc = (crc >> 4) ^ nibble_table[crc & 15];
        crc = (crc >> 4) ^ nibble_table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *in = bytes;
    uint64_t wide = (uint32_t)~crc;
    for (; n >= 8; n -= 8, in += 8)
        wide = __builtin_ia32_crc32di(wide, get_u64(in));
    uint32_t narrow = (uint32_t)wide;
    for (; n > 0; n--, in++)
        narrow = __builtin_ia32_crc32qi(narrow, *in);
    return ~narrow;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, bytes, n) : crc32c_portable(crc, bytes, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return crc32c_portable(crc, bytes, n);
}
#endif
