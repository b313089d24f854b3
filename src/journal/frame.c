/*
 * Frames: what makes a flush group recognisable, complete and in its place.
 *
 *     0    8      10    12    16       24    28      32     36       40      48     56    64       72       80
 *     magic|format|level|flags|ledger.8|epoch|records|frame |payload |ordinal|first |last |durable |durable |log
 *          |      |     |     |        |     |bytes  |bytes |crc     |       |seq   |seq  |ordinal |seq     |time
 *     88 ......................................... 120   124   128 .............................. frame bytes
 *        reserved, zero                            |chain|crc  |  records                |  zeros
 *
 * The header has a checksum of its own, so that a frame is recognised, and its durable_through believed, even when its
 * payload is lost. The payload's checksum covers the padding as well: every bit of a frame is covered by one of the
 * two. The chain runs over the header up to itself, which holds the payload's checksum; so it covers the payload too,
 * without a second pass, and a frame of another history never fits behind this one even with the right number.
 *
 * The magic begins with a byte that UTF-8 never has, and all text in a journal is UTF-8: nobody can send a name that a
 * search for frames would take for one.
 */
#include "journal/frame.h"

#include "base/bytes.h"
#include "base/crc32c.h"

static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'f', 'r', 'm', 0x0a};

#define LEDGER_ID_KEPT 8
#define RESERVED_AT    88
#define CHAIN_AT       120
#define CRC_AT         124

static uint32_t chain_of(const uint8_t *header, uint32_t previous_chain)
{
    uint8_t seed[4];
    put_u32(seed, previous_chain);
    return crc32c(crc32c(0, seed, sizeof(seed)), header, CHAIN_AT);
}

void frame_finish(uint8_t *bytes, struct frame *frame, uint32_t previous_chain)
{
    size_t used = FRAME_HEADER_BYTES + (size_t)frame->record_bytes;
    CHECK(used <= frame->frame_bytes && frame->frame_bytes <= FRAME_BYTES_MAX);
    CHECK(frame->frame_bytes % FRAME_STEP_BYTES == 0);
    CHECK(frame->durable_ordinal < frame->ordinal && frame->last_seq + 1 >= frame->first_seq);
    memset(bytes + used, 0, frame->frame_bytes - used);
    frame->payload_crc = crc32c(0, bytes + FRAME_HEADER_BYTES, frame->frame_bytes - FRAME_HEADER_BYTES);

    memcpy(bytes, magic, sizeof(magic));
    put_u16(bytes + 8, JOURNAL_FORMAT);
    put_u16(bytes + 10, frame->level);
    put_u32(bytes + 12, 0);
    memcpy(bytes + 16, frame->ledger_id, LEDGER_ID_KEPT);
    put_u32(bytes + 24, frame->epoch);
    put_u32(bytes + 28, frame->record_bytes);
    put_u32(bytes + 32, frame->frame_bytes);
    put_u32(bytes + 36, frame->payload_crc);
    put_u64(bytes + 40, frame->ordinal);
    put_u64(bytes + 48, frame->first_seq);
    put_u64(bytes + 56, frame->last_seq);
    put_u64(bytes + 64, frame->durable_ordinal);
    put_u64(bytes + 72, frame->durable_seq);
    put_u64(bytes + 80, (uint64_t)frame->log_us);
    memset(bytes + RESERVED_AT, 0, CHAIN_AT - RESERVED_AT);
    frame->chain = chain_of(bytes, previous_chain);
    put_u32(bytes + CHAIN_AT, frame->chain);
    put_u32(bytes + CRC_AT, crc32c(0, bytes, CRC_AT));
}

enum frame_verdict frame_parse(const uint8_t header[FRAME_HEADER_BYTES], const uint8_t ledger_id[16],
                               struct frame *out_frame)
{
    if (memcmp(header, magic, sizeof(magic)) != 0)
        return FRAME_ABSENT;
    if (get_u32(header + CRC_AT) != crc32c(0, header, CRC_AT))
        return FRAME_BROKEN;
    if (memcmp(header + 16, ledger_id, LEDGER_ID_KEPT) != 0)
        return FRAME_ABSENT;
    /* A later version keeps the magic, the ledger id and the place of the checksum; the rest is its own. */
    if (get_u16(header + 8) != JOURNAL_FORMAT || get_u16(header + 10) > JOURNAL_LEVEL || get_u32(header + 12) != 0)
        return FRAME_TOO_NEW;
    for (unsigned i = RESERVED_AT; i < CHAIN_AT; i++) {
        if (header[i] != 0)
            return FRAME_TOO_NEW;
    }
    struct frame frame = {
        .level = get_u16(header + 10),
        .epoch = get_u32(header + 24),
        .record_bytes = get_u32(header + 28),
        .frame_bytes = get_u32(header + 32),
        .payload_crc = get_u32(header + 36),
        .chain = get_u32(header + CHAIN_AT),
        .ordinal = get_u64(header + 40),
        .first_seq = get_u64(header + 48),
        .last_seq = get_u64(header + 56),
        .durable_ordinal = get_u64(header + 64),
        .durable_seq = get_u64(header + 72),
        .log_us = (int64_t)get_u64(header + 80),
    };
    memcpy(frame.ledger_id, header + 16, LEDGER_ID_KEPT);
    if (frame.frame_bytes > FRAME_BYTES_MAX || frame.frame_bytes % FRAME_STEP_BYTES != 0 ||
        frame.frame_bytes < FRAME_HEADER_BYTES || frame.record_bytes > frame.frame_bytes - FRAME_HEADER_BYTES ||
        frame.durable_ordinal >= frame.ordinal || frame.ordinal == UINT64_MAX || frame.first_seq == 0 ||
        frame.last_seq < frame.first_seq - 1 || frame.last_seq == UINT64_MAX) /* both have a next one */
        return FRAME_BROKEN;
    *out_frame = frame;
    return FRAME_OK;
}

bool frame_payload_sound(const struct frame *frame, const uint8_t *bytes)
{
    return crc32c(0, bytes + FRAME_HEADER_BYTES, frame->frame_bytes - FRAME_HEADER_BYTES) == frame->payload_crc;
}

bool frame_follows(const uint8_t header[FRAME_HEADER_BYTES], const struct frame *frame, uint32_t previous_chain)
{
    return chain_of(header, previous_chain) == frame->chain;
}
