#include "journal/chain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"

struct chain {
    EVP_MD_CTX *context;
    bool begun;
    struct chain_head head;
};

struct chain *chain_create(void)
{
    struct chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL)
        return NULL;
    chain->context = EVP_MD_CTX_new();
    if (chain->context != NULL)
        return chain;
    free(chain);
    return NULL;
}

void chain_destroy(struct chain *chain)
{
    if (chain == NULL)
        return;
    EVP_MD_CTX_free(chain->context);
    free(chain);
}

void chain_set(struct chain *chain, const struct chain_head *head)
{
    chain->head = *head;
    chain->begun = true;
}

bool chain_add(struct chain *chain, const struct frame *frame, const uint8_t *records)
{
    unsigned n = 0;
    uint8_t bytes[EVP_MAX_MD_SIZE];
    if (frame->last_seq < frame->first_seq && frame->ordinal != 1)
        return true;
    if (EVP_DigestInit_ex(chain->context, EVP_sha256(), NULL) != 1 ||
        (chain->begun && EVP_DigestUpdate(chain->context, chain->head.bytes, CHAIN_HEAD_BYTES) != 1) ||
        EVP_DigestUpdate(chain->context, records, frame->record_bytes) != 1 ||
        EVP_DigestFinal_ex(chain->context, bytes, &n) != 1)
        return false;
    CHECK(n == CHAIN_HEAD_BYTES);
    memcpy(chain->head.bytes, bytes, CHAIN_HEAD_BYTES);
    chain->head.seq = frame->last_seq;
    chain->begun = true;
    return true;
}

const struct chain_head *chain_head(const struct chain *chain)
{
    return chain->begun ? &chain->head : NULL;
}

void chain_format(const struct chain_head *head, char out_hex[CHAIN_HEX_BYTES])
{
    bytes_hex(head->bytes, CHAIN_HEAD_BYTES, out_hex);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool chain_parse(const char *hex, size_t n, uint8_t out_bytes[CHAIN_HEAD_BYTES])
{
    uint8_t bytes[CHAIN_HEAD_BYTES];
    if (n != 2 * CHAIN_HEAD_BYTES)
        return false;
    for (unsigned i = 0; i < CHAIN_HEAD_BYTES; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out_bytes, bytes, CHAIN_HEAD_BYTES);
    return true;
}
