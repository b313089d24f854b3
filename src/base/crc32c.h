/* CRC-32C (Castagnoli), the check of every frame: hardware instruction where the processor has it, table otherwise. */
#ifndef ONHAND_BASE_CRC32C_H
#define ONHAND_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC of n bytes, continuing from `crc` (0 to begin). Both forms below give the same value. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);
/* The portable form, for tests and for processors without the instruction. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t n);

#endif
