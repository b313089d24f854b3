#include "journal/stream.h"

#include "base/bytes.h"
#include "base/crc32c.h"

/*
 *     0     8      10    12    16        32      40   48      56       60
 *     magic|format|flags|epoch|ledger id|ordinal|seq |wall us|reserved|crc
 */
static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'm', 'r', 'k', 0x0a};

#define FLAG_END     1
#define FLAG_CURRENT 2
#define CRC_AT       60

void stream_mark_write(const struct stream_mark *mark, uint8_t out_bytes[STREAM_MARK_BYTES])
{
    memcpy(out_bytes, magic, sizeof(magic));
    put_u16(out_bytes + 8, JOURNAL_FORMAT);
    put_u16(out_bytes + 10, (uint16_t)((mark->end ? FLAG_END : 0) | (mark->current ? FLAG_CURRENT : 0)));
    put_u32(out_bytes + 12, mark->epoch);
    memcpy(out_bytes + 16, mark->ledger_id, 16);
    put_u64(out_bytes + 32, mark->ordinal);
    put_u64(out_bytes + 40, mark->seq);
    put_u64(out_bytes + 48, (uint64_t)mark->wall_us);
    put_u32(out_bytes + 56, 0);
    put_u32(out_bytes + CRC_AT, crc32c(0, out_bytes, CRC_AT));
}

void stream_reader_init(struct stream_reader *reader, const struct stream_place *place)
{
    *reader = (struct stream_reader){.place = *place};
}

static enum status wrong(struct stream_reader *reader, enum status status, const char *problem)
{
    reader->problem = problem;
    return status;
}

static enum status take_mark(struct stream_reader *reader, const uint8_t *bytes)
{
    if (get_u32(bytes + CRC_AT) != crc32c(0, bytes, CRC_AT))
        return wrong(reader, STATUS_DAMAGED, "a mark fails its checksum");
    uint16_t flags = get_u16(bytes + 10);
    if (get_u16(bytes + 8) != JOURNAL_FORMAT || (flags & ~(FLAG_END | FLAG_CURRENT)) != 0 || get_u32(bytes + 56) != 0)
        return wrong(reader, STATUS_VERSION, "a mark is of a newer version");
    struct stream_mark mark = {.end = (flags & FLAG_END) != 0,
                               .current = (flags & FLAG_CURRENT) != 0,
                               .epoch = get_u32(bytes + 12),
                               .ordinal = get_u64(bytes + 32),
                               .seq = get_u64(bytes + 40),
                               .wall_us = (int64_t)get_u64(bytes + 48)};
    memcpy(mark.ledger_id, bytes + 16, 16);
    if (reader->place.begun && memcmp(mark.ledger_id, reader->place.ledger_id, 16) != 0)
        return wrong(reader, STATUS_INVALID, "it is of another ledger");
    reader->mark = mark;
    return STATUS_OK;
}

static enum status take_segment(struct stream_reader *reader, const uint8_t *bytes)
{
    struct stream_place *place = &reader->place;
    struct segment segment;
    switch (segment_parse(bytes, &segment)) {
    case SEGMENT_OK:
        break;
    case SEGMENT_TOO_NEW:
        return wrong(reader, STATUS_VERSION, "a segment is of a newer version");
    case SEGMENT_FOREIGN:
    case SEGMENT_BROKEN:
        return wrong(reader, STATUS_DAMAGED, "a segment's header fails its checksum");
    }
    if (place->begun && memcmp(segment.ledger_id, place->ledger_id, 16) != 0)
        return wrong(reader, STATUS_INVALID, "it is of another ledger");
    bool same = place->segment_number != 0 && segment.number == place->segment_number && !reader->in_segment;
    bool behind = segment.first_ordinal == place->ordinal + 1 && segment.previous_chain == place->chain &&
                  segment.first_seq == place->seq + 1 &&
                  (!place->begun || epochs_has(&segment.epochs, place->epoch, place->seq));
    /* One without frames never has another behind it, but an epoch that begins there takes its place. */
    bool right = same && place->segment_empty ? behind
                 : same                       ? segment.epochs.now == place->epoch
                                              : behind && !place->segment_empty && segment.number == place->segment_number + 1;
    if (!right)
        return wrong(reader, STATUS_DAMAGED, "a segment does not follow what is there");
    memcpy(place->ledger_id, segment.ledger_id, 16);
    place->begun = true;
    place->segment_empty = segment.first_ordinal > place->ordinal;
    place->segment_number = segment.number;
    place->epoch = segment.epochs.now;
    reader->segment = segment;
    reader->in_segment = true;
    return STATUS_OK;
}

static enum status frame_problem(struct stream_reader *reader, enum frame_verdict verdict)
{
    if (verdict == FRAME_TOO_NEW)
        return wrong(reader, STATUS_VERSION, "a frame is of a newer version");
    return wrong(reader, STATUS_DAMAGED, "there is no item, or it fails its checksum");
}

/* n: at least a frame's header. AGAIN: *out_bytes is what is needed. */
static enum status take_frame(struct stream_reader *reader, const uint8_t *bytes, size_t n, size_t *out_bytes)
{
    struct stream_place *place = &reader->place;
    struct frame frame;
    if (!reader->in_segment)
        return wrong(reader, STATUS_DAMAGED, "it does not begin with a segment's header");
    enum frame_verdict verdict = frame_parse(bytes, place->ledger_id, &frame);
    if (verdict != FRAME_OK)
        return frame_problem(reader, verdict);
    if (frame.ordinal != place->ordinal + 1 || frame.epoch != place->epoch || frame.first_seq != place->seq + 1 ||
        !frame_follows(bytes, &frame, place->chain))
        return wrong(reader, STATUS_DAMAGED, "a frame is not the one that follows");
    *out_bytes = frame.frame_bytes;
    if (n < frame.frame_bytes)
        return STATUS_AGAIN;
    if (!frame_payload_sound(&frame, bytes))
        return wrong(reader, STATUS_DAMAGED, "a frame's payload fails its checksum");
    place->segment_empty = false;
    place->ordinal = frame.ordinal;
    place->seq = frame.last_seq;
    place->chain = frame.chain;
    reader->frame = frame;
    return STATUS_OK;
}

enum status stream_reader_next(struct stream_reader *reader, const uint8_t *bytes, size_t n, enum stream_item *out_item,
                        size_t *out_bytes)
{
    *out_bytes = sizeof(magic);
    if (n < sizeof(magic))
        return STATUS_AGAIN;
    uint8_t third = bytes[4]; /* s, f or m: the magics differ there */
    size_t needed = third == 's' ? SEGMENT_HEADER_BYTES : third == 'f' ? FRAME_HEADER_BYTES : STREAM_MARK_BYTES;
    if (third == 'm' && memcmp(bytes, magic, sizeof(magic)) != 0)
        return wrong(reader, STATUS_DAMAGED, "there is no item");
    if (third != 's' && third != 'f' && third != 'm')
        return wrong(reader, STATUS_DAMAGED, "there is no item");
    *out_bytes = needed;
    if (n < needed)
        return STATUS_AGAIN;
    if (third == 's') {
        *out_item = STREAM_SEGMENT;
        return take_segment(reader, bytes);
    }
    if (third == 'm') {
        *out_item = STREAM_MARK;
        return take_mark(reader, bytes);
    }
    *out_item = STREAM_FRAME;
    return take_frame(reader, bytes, n, out_bytes);
}
