/* SHA-256 of a file's content: the name of an imported file as a source. */
#ifndef ONHAND_CLI_DIGEST_H
#define ONHAND_CLI_DIGEST_H

#include <stdint.h>

#include "base/status.h"

#define DIGEST_HEX_BYTES 65 /* 64 hexadecimal digits and a NUL */

/*
 * Reads the file from its start to its end with pread, leaving its offset alone.
 * out_hex: lower case. *out_bytes: how many bytes were read.
 * STATUS_IO when a read fails (errno says why), STATUS_MEMORY when the library has none.
 */
MUST_USE enum status digest_file(int file, char out_hex[DIGEST_HEX_BYTES], uint64_t *out_bytes);

#endif
