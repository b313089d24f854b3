/*
 * Any bytes as the journal's stream (journal/stream.h): each item is refused or within what was given, and the place only moves
 * forward. The same bytes as server-sent events, in pieces: the same frames.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "cli/sse.h"
#include "journal/stream.h"

static void as_stream(const uint8_t *data, size_t size)
{
    struct stream_reader reader;
    const struct stream_place nothing = {0};
    stream_reader_init(&reader, &nothing);
    for (size_t at = 0, steps = 0; at < size; steps++) {
        uint8_t *bytes = fuzz_copy(data + at, size - at);
        enum stream_item item = STREAM_MARK;
        size_t n = 0;
        uint64_t seq = reader.place.seq;
        enum status status = stream_reader_next(&reader, bytes, size - at, &item, &n);
        free(bytes);
        if (status != STATUS_OK) {
            CHECK(status == STATUS_AGAIN ? n > size - at && n <= STREAM_ITEM_BYTES_MAX : reader.problem != NULL);
            return;
        }
        CHECK(n != 0 && n <= size - at && reader.place.seq >= seq && steps <= size);
        at += n;
    }
}

static uint64_t sse_sum;

static bool on_frame(void *context, struct text data, const char *id)
{
    (void)context;
    CHECK(strlen(id) < SSE_ID_BYTES_MAX);
    sse_sum = crc32c((uint32_t)sse_sum, data.bytes, data.length) + strlen(id) + 1;
    return true;
}

static uint64_t as_sse(const uint8_t *data, size_t size, size_t step)
{
    struct sse sse;
    sse_sum = 1;
    sse_init(&sse, NULL, on_frame);
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        char *piece = fuzz_copy(data + at, n);
        bool taken = sse_take(&sse, piece, n);
        free(piece);
        if (!taken)
            break;
    }
    sse_deinit(&sse);
    return sse_sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16)
        return 0;
    as_stream(data + 1, size - 1);
    CHECK(as_sse(data + 1, size - 1, size) == as_sse(data + 1, size - 1, 1 + data[0]));
    return 0;
}
