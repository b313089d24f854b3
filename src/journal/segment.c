/*
 * Names and headers of segments. The header is durable before the file gets its name, so a segment with a bad header
 * is damage, never an accident of starting it.
 */
#include "journal/segment.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 's', 'e', 'g', 0x0a};

#define FIELDS_END 72
#define CRC_AT     (SEGMENT_HEADER_BYTES - 4)

void segment_write_header(const struct segment *segment, uint8_t out_bytes[SEGMENT_HEADER_BYTES])
{
    memset(out_bytes, 0, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes, magic, sizeof(magic));
    put_u16(out_bytes + 8, JOURNAL_FORMAT);
    put_u16(out_bytes + 10, segment->level);
    put_u32(out_bytes + 12, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes + 16, segment->ledger_id, 16);
    put_u32(out_bytes + 32, segment->epoch);
    put_u64(out_bytes + 36, segment->number);
    put_u64(out_bytes + 44, segment->first_seq);
    put_u64(out_bytes + 52, segment->first_ordinal);
    put_u32(out_bytes + 60, segment->previous_chain);
    put_u64(out_bytes + 64, (uint64_t)segment->created_us);
    put_u32(out_bytes + CRC_AT, crc32c(0, out_bytes, CRC_AT));
}

enum segment_verdict segment_parse(const uint8_t bytes[SEGMENT_HEADER_BYTES], struct segment *out_segment)
{
    if (memcmp(bytes, magic, sizeof(magic)) != 0)
        return SEGMENT_FOREIGN;
    if (get_u32(bytes + CRC_AT) != crc32c(0, bytes, CRC_AT))
        return SEGMENT_BROKEN;
    if (get_u16(bytes + 8) != JOURNAL_FORMAT || get_u16(bytes + 10) > JOURNAL_LEVEL ||
        get_u32(bytes + 12) != SEGMENT_HEADER_BYTES)
        return SEGMENT_TOO_NEW;
    for (unsigned i = FIELDS_END; i < CRC_AT; i++) {
        if (bytes[i] != 0)
            return SEGMENT_TOO_NEW;
    }
    struct segment segment = {
        .level = get_u16(bytes + 10),
        .epoch = get_u32(bytes + 32),
        .number = get_u64(bytes + 36),
        .first_seq = get_u64(bytes + 44),
        .first_ordinal = get_u64(bytes + 52),
        .previous_chain = get_u32(bytes + 60),
        .created_us = (int64_t)get_u64(bytes + 64),
    };
    memcpy(segment.ledger_id, bytes + 16, 16);
    if (segment.number == 0 || segment.first_seq == 0 || segment.first_ordinal == 0)
        return SEGMENT_BROKEN;
    *out_segment = segment;
    return SEGMENT_OK;
}

void segment_name(uint64_t first_seq, char out_name[SEGMENT_NAME_BYTES])
{
    (void)snprintf(out_name, SEGMENT_NAME_BYTES, "%020llu" SEGMENT_SUFFIX, (unsigned long long)first_seq);
}

bool segment_name_parse(const char *name, uint64_t *out_first_seq)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(name[i] - '0'), &value))
            return false;
    }
    if (strcmp(name + 20, SEGMENT_SUFFIX) != 0)
        return false;
    *out_first_seq = value;
    return true;
}
