#include "cli/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/bytes.h"

#define READ_BYTES (256 * 1024) /* large enough that the system call no longer counts */

static enum status digest_bytes(int file, EVP_MD_CTX *context, uint8_t *buffer, uint64_t *out_bytes)
{
    uint64_t at = 0;
    for (;;) {
        ssize_t n = pread(file, buffer, READ_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return STATUS_IO;
        if (n == 0)
            break;
        if (EVP_DigestUpdate(context, buffer, (size_t)n) != 1)
            return STATUS_MEMORY;
        at += (uint64_t)n;
    }
    *out_bytes = at;
    return STATUS_OK;
}

enum status digest_file(int file, char out_hex[DIGEST_HEX_BYTES], uint64_t *out_bytes)
{
    enum status status = STATUS_MEMORY;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes_count = 0;
    uint8_t *buffer = malloc(READ_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (buffer == NULL || context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        goto done;
    status = digest_bytes(file, context, buffer, out_bytes);
    if (status != STATUS_OK)
        goto done;
    if (EVP_DigestFinal_ex(context, digest, &digest_bytes_count) != 1 || digest_bytes_count != 32) {
        status = STATUS_MEMORY;
        goto done;
    }
    bytes_hex(digest, 32, out_hex);
done:
    EVP_MD_CTX_free(context);
    free(buffer);
    return status;
}
