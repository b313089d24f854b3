/*
 * Any bytes as a frame, as they are and with its checksums set right: what is taken for one is within its bounds, and made
 * again from what was read it is the same. The same bytes as the header of a segment.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/segment.h"

static void one_frame(const uint8_t *bytes, size_t n)
{
    struct frame frame;
    if (frame_parse(bytes, bytes + 16, &frame) != FRAME_OK)
        return;
    CHECK(frame.frame_bytes <= FRAME_BYTES_MAX && frame.frame_bytes % FRAME_STEP_BYTES == 0);
    CHECK(frame.record_bytes <= frame.frame_bytes - FRAME_HEADER_BYTES);
    CHECK(frame.first_seq != 0 && frame.last_seq + 1 >= frame.first_seq && frame.durable_ordinal < frame.ordinal);
    (void)frame_follows(bytes, &frame, 7);
    if (frame.frame_bytes > n || !frame_payload_sound(&frame, bytes))
        return;
    uint8_t *again = fuzz_copy(bytes, frame.frame_bytes);
    struct frame made = frame;
    frame_finish(again, &made, 7);
    CHECK(frame_follows(again, &made, 7) && frame_payload_sound(&made, again));
    CHECK(memcmp(again, bytes, 36) == 0 && memcmp(again + 40, bytes + 40, 80) == 0); /* but checksums and chain */
    free(again);
}

static void one_segment(const uint8_t *bytes)
{
    struct segment segment;
    uint8_t again[SEGMENT_HEADER_BYTES];
    if (segment_parse(bytes, &segment) != SEGMENT_OK)
        return;
    segment_write_header(&segment, again);
    CHECK(memcmp(again, bytes, sizeof(again)) == 0);
    char name[SEGMENT_NAME_BYTES];
    uint64_t first_seq = 0;
    segment_name(segment.first_seq, name);
    CHECK(segment_name_parse(name, &first_seq) && first_seq == segment.first_seq);
}

static void one_name(const uint8_t *data, size_t size)
{
    char *name = malloc(size + 1);
    CHECK(name != NULL);
    memcpy(name, data, size);
    name[size] = 0;
    uint64_t first_seq = 0;
    char again[SEGMENT_NAME_BYTES];
    if (strlen(name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(name, &first_seq)) {
        segment_name(first_seq, again);
        CHECK(strcmp(name, again) == 0);
    }
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    one_name(data, size);
    if (size < FRAME_HEADER_BYTES)
        return 0;
    uint8_t *bytes = fuzz_copy(data, size);
    one_frame(bytes, size);
    uint32_t frame_bytes = get_u32(bytes + 32);
    if (frame_bytes >= FRAME_HEADER_BYTES && frame_bytes <= size)
        put_u32(bytes + 36, crc32c(0, bytes + FRAME_HEADER_BYTES, frame_bytes - FRAME_HEADER_BYTES));
    put_u32(bytes + 124, crc32c(0, bytes, 124));
    one_frame(bytes, size);
    free(bytes);
    /* Its fields are at the front, and zeros behind them. */
    uint8_t header[SEGMENT_HEADER_BYTES] = {0};
    memcpy(header, data, size < 128 ? size : 128);
    put_u32(header + SEGMENT_HEADER_BYTES - 4, crc32c(0, header, SEGMENT_HEADER_BYTES - 4));
    one_segment(header);
    if (size >= SEGMENT_HEADER_BYTES)
        one_segment(data);
    return 0;
}
