/*
 * Names and headers of segments. The header is durable before the file gets its name, so a segment with a bad header
 * is damage, never an accident of starting it.
 */
#include "journal/segment.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 's', 'e', 'g', 0x0a};

#define EPOCHS_AT   72 /* u32 count, u32 the last one forgotten, u64 the earliest parting of these; then the list */
#define EPOCHS_LIST (EPOCHS_AT + 16)
#define EPOCH_BYTES 32
#define CRC_AT      (SEGMENT_HEADER_BYTES - 4)
_Static_assert(EPOCHS_LIST + EPOCHS_MAX * EPOCH_BYTES <= CRC_AT, "all epochs have room in a header");

static void write_epochs(const struct epochs *epochs, uint8_t *bytes)
{
    put_u32(bytes + EPOCHS_AT, epochs->count);
    put_u32(bytes + EPOCHS_AT + 4, epochs->forgotten);
    put_u64(bytes + EPOCHS_AT + 8, epochs->forgotten_seq);
    for (uint32_t i = 0; i < epochs->count; i++) {
        const struct epoch *epoch = &epochs->list[i];
        uint8_t *at = bytes + EPOCHS_LIST + i * EPOCH_BYTES;
        put_u32(at, epoch->epoch);
        put_u32(at + 4, (uint32_t)epoch->reason);
        put_u64(at + 8, epoch->id);
        put_u64(at + 16, epoch->parted_seq);
        put_u64(at + 24, (uint64_t)epoch->began_us);
    }
}

/* FOREIGN is never one of its verdicts. */
static enum segment_verdict parse_epochs(const uint8_t *bytes, struct epochs *epochs)
{
    *epochs = (struct epochs){.now = get_u32(bytes + 32),
                              .count = get_u32(bytes + EPOCHS_AT),
                              .forgotten = get_u32(bytes + EPOCHS_AT + 4),
                              .forgotten_seq = get_u64(bytes + EPOCHS_AT + 8)};
    if (epochs->count > EPOCHS_MAX)
        return SEGMENT_TOO_NEW;
    uint32_t number = epochs->forgotten == 0 ? EPOCH_FIRST : epoch_number(epochs->forgotten);
    for (uint32_t i = 0; i < epochs->count; i++) {
        const uint8_t *at = bytes + EPOCHS_LIST + i * EPOCH_BYTES;
        if (get_u32(at + 4) >= EPOCH_REASON_COUNT)
            return SEGMENT_TOO_NEW;
        epochs->list[i] = (struct epoch){get_u32(at), (enum epoch_reason)get_u32(at + 4), get_u64(at + 8), get_u64(at + 16),
                                         (int64_t)get_u64(at + 24)};
        if (epoch_number(epochs->list[i].epoch) != ++number)
            return SEGMENT_BROKEN;
        epochs->parted_seq = epochs->list[i].parted_seq;
    }
    uint32_t last = epochs->count == 0 ? EPOCH_FIRST : epochs->list[epochs->count - 1].epoch;
    return epochs->now == last && (epochs->count > 0 || epochs->forgotten == 0) ? SEGMENT_OK : SEGMENT_BROKEN;
}

void segment_write_header(const struct segment *segment, uint8_t out_bytes[SEGMENT_HEADER_BYTES])
{
    memset(out_bytes, 0, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes, magic, sizeof(magic));
    put_u16(out_bytes + 8, JOURNAL_FORMAT);
    put_u16(out_bytes + 10, segment->level);
    put_u32(out_bytes + 12, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes + 16, segment->ledger_id, 16);
    put_u32(out_bytes + 32, segment->epochs.now);
    put_u64(out_bytes + 36, segment->number);
    put_u64(out_bytes + 44, segment->first_seq);
    put_u64(out_bytes + 52, segment->first_ordinal);
    put_u32(out_bytes + 60, segment->previous_chain);
    put_u64(out_bytes + 64, (uint64_t)segment->created_us);
    write_epochs(&segment->epochs, out_bytes);
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
    struct segment segment = {
        .level = get_u16(bytes + 10),
        .number = get_u64(bytes + 36),
        .first_seq = get_u64(bytes + 44),
        .first_ordinal = get_u64(bytes + 52),
        .previous_chain = get_u32(bytes + 60),
        .created_us = (int64_t)get_u64(bytes + 64),
    };
    memcpy(segment.ledger_id, bytes + 16, 16);
    enum segment_verdict verdict = parse_epochs(bytes, &segment.epochs);
    if (verdict != SEGMENT_OK)
        return verdict;
    for (size_t i = EPOCHS_LIST + segment.epochs.count * EPOCH_BYTES; i < CRC_AT; i++) {
        if (bytes[i] != 0)
            return SEGMENT_TOO_NEW;
    }
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
