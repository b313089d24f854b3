/*
 * Any bytes as requests on one connection, heads and bodies, cut at a place that the first byte chooses: no crash, and the
 * same requests however they are cut.
 */
#include "fuzz.h"

#include "api/http1.h"

/* What the stream was understood as: a sum over results, texts and body bytes. */
static uint64_t fold(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static uint64_t understand(const char *bytes, size_t n, size_t step)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    size_t at = 0;
    for (;;) {
        struct http1_head head;
        http1_head_reset(&head);
        enum http1_result result = HTTP1_MORE;
        char *copy = NULL;
        for (size_t given = 0; result == HTTP1_MORE && given < n - at;) {
            given = n - at - given < step ? n - at : given + step;
            free(copy);
            copy = malloc(given); /* exactly, and at another place each time */
            CHECK(copy != NULL);
            memcpy(copy, bytes + at, given);
            result = http1_head_read(&head, copy, given);
        }
        sum = fold(sum, &result, sizeof(result));
        if (result != HTTP1_DONE) {
            free(copy);
            return result == HTTP1_BAD ? fold(sum, &head.error, sizeof(head.error)) : sum;
        }
        sum = fold(sum, head.request.path.bytes, head.request.path.length);
        sum = fold(sum, head.request.host.bytes, head.request.host.length);
        free(copy);
        at += head.head_bytes;
        struct http1_body body;
        result = http1_body_begin(&body, &head.request, UINT64_MAX);
        for (size_t given = at; result == HTTP1_MORE;) {
            if (at == given && given == n)
                return sum;
            given = n - given < step ? n : given + step;
            char *piece = malloc(given - at + (given == at));
            CHECK(piece != NULL);
            memcpy(piece, bytes + at, given - at);
            size_t consumed = 0, data = 0;
            result = http1_body_take(&body, piece, given - at, &consumed, &data);
            sum = fold(sum, piece, data);
            at += consumed;
            CHECK(result != HTTP1_MORE || at == given);
            free(piece);
        }
        sum = fold(sum, &result, sizeof(result));
        if (result == HTTP1_BAD)
            return fold(sum, &body.error, sizeof(body.error));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 15)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    uint64_t sum = understand(bytes, n, n + 1);
    CHECK(sum == understand(bytes, n, 1 + data[0]));
    return 0;
}
