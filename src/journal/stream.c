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
    if (reader->in_image || (reader->beginning.number != 0 && reader->piece.total == 0))
        return wrong(reader, STATUS_DAMAGED, "the checkpoint that stands for the beginning is not whole");
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
    if (reader->beginning.number != 0 && memcmp(segment.ledger_id, reader->beginning.genesis.ledger_id, 16) != 0)
        return wrong(reader, STATUS_DAMAGED, "it begins with another ledger's beginning");
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

/* What the journal begins with, to who has nothing of it. */
static enum status take_beginning(struct stream_reader *reader, const uint8_t *bytes)
{
    struct stream_place *place = &reader->place;
    if (place->begun || place->ordinal != 0 || reader->in_segment)
        return wrong(reader, STATUS_DAMAGED, "it begins a second time");
    if (!beginning_parse(bytes, &reader->beginning))
        return wrong(reader, STATUS_DAMAGED, "what the journal begins with fails its checksum, or is of a newer version");
    place->segment_number = reader->beginning.number - 1;
    place->ordinal = reader->beginning.first_ordinal - 1;
    place->seq = reader->beginning.first_seq - 1;
    place->chain = reader->beginning.previous_chain;
    return STATUS_OK;
}

static const uint8_t piece_magic[8] = {0xff, 'o', 'n', 'h', 'p', 'i', 'e', 0x0a};

void stream_piece_write(const struct stream_piece *piece, uint8_t *bytes)
{
    memset(bytes, 0, STREAM_PIECE_HEADER);
    memcpy(bytes, piece_magic, sizeof(piece_magic));
    put_u16(bytes + 8, JOURNAL_FORMAT);
    put_u32(bytes + 12, piece->n);
    put_u64(bytes + 16, piece->seq);
    put_u64(bytes + 24, piece->offset);
    put_u64(bytes + 32, piece->total);
    put_u32(bytes + CRC_AT, crc32c(crc32c(0, bytes, CRC_AT), bytes + STREAM_PIECE_HEADER, piece->n));
}

/* n: at least a piece's header. AGAIN: *out_bytes is what is needed. */
static enum status take_piece(struct stream_reader *reader, const uint8_t *bytes, size_t n, size_t *out_bytes)
{
    const struct stream_piece before = reader->piece;
    struct stream_piece piece = {.n = get_u32(bytes + 12),
                                 .seq = get_u64(bytes + 16),
                                 .offset = get_u64(bytes + 24),
                                 .total = get_u64(bytes + 32)};
    if (memcmp(bytes, piece_magic, sizeof(piece_magic)) != 0 || get_u16(bytes + 8) != JOURNAL_FORMAT || piece.n == 0 ||
        piece.n > STREAM_PIECE_BYTES_MAX)
        return wrong(reader, STATUS_DAMAGED, "there is no item, or it is of a newer version");
    *out_bytes = STREAM_PIECE_HEADER + (size_t)piece.n;
    if (n < *out_bytes)
        return STATUS_AGAIN;
    if (get_u32(bytes + CRC_AT) != crc32c(crc32c(0, bytes, CRC_AT), bytes + STREAM_PIECE_HEADER, piece.n))
        return wrong(reader, STATUS_DAMAGED, "a piece of a checkpoint fails its checksum");
    bool next = reader->in_image ? piece.seq == before.seq && piece.total == before.total && piece.offset == before.offset + before.n
                                 : piece.offset == 0 && before.total == 0;
    if (reader->beginning.number == 0 || reader->in_segment || !next || piece.total - piece.offset < piece.n ||
        piece.offset >= piece.total)
        return wrong(reader, STATUS_DAMAGED, "a piece of a checkpoint is not the one that follows");
    reader->piece = piece;
    reader->in_image = piece.offset + piece.n < piece.total;
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
    uint8_t third = bytes[4]; /* s, f, m, b or p: the magics differ there */
    size_t needed = third == 's'   ? SEGMENT_HEADER_BYTES
                    : third == 'f' ? FRAME_HEADER_BYTES
                    : third == 'b' ? BEGINNING_BYTES
                    : third == 'p' ? STREAM_PIECE_HEADER
                                   : STREAM_MARK_BYTES;
    if (third == 'm' && memcmp(bytes, magic, sizeof(magic)) != 0)
        return wrong(reader, STATUS_DAMAGED, "there is no item");
    if (third != 's' && third != 'f' && third != 'm' && third != 'b' && third != 'p')
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
    if (third == 'b') {
        *out_item = STREAM_BEGINNING;
        return take_beginning(reader, bytes);
    }
    if (third == 'p') {
        *out_item = STREAM_PIECE;
        return take_piece(reader, bytes, n, out_bytes);
    }
    *out_item = STREAM_FRAME;
    return take_frame(reader, bytes, n, out_bytes);
}
