/*
 * Blocks of a packed segment.
 *
 *     frames of a raw segment                          block
 *     |header|records|zeros||header|records|zeros|...  header | zstd( what is kept of each header | all records )
 *
 * Of a frame's header are kept: how long its records and the frame are, how many events it has, what was durable, log time,
 * level and epoch. Its number, first sequence number, checksums and chain follow from what is before it; they would be most of
 * what a lonely command costs, because checksums do not compress.
 *
 * Nothing is taken on trust: whoever packs makes the frames again and compares.
 */
#include "journal/packed.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static const uint8_t segment_magic[8] = {0xff, 'o', 'n', 'h', 's', 'e', 'g', 0x0a};
static const uint8_t packed_magic[8] = {0xff, 'o', 'n', 'h', 'p', 'a', 'k', 0x0a};
static const uint8_t block_magic[8] = {0xff, 'o', 'n', 'h', 'b', 'l', 'k', 0x0a};
static const uint8_t trailer_magic[8] = {0xff, 'o', 'n', 'h', 'e', 'n', 'd', 0x0a};

#define LEVEL           9 /* measured: 7 % less than 3, still tens of MB a second */
#define HEADER_CRC_AT   (SEGMENT_HEADER_BYTES - 4)
#define HEADER_END      44
#define BLOCK_CRC_AT    60
#define TRAILER_CRC_AT  60

struct packed_codec {
    ZSTD_CCtx *compressor; /* made when first used */
    ZSTD_DCtx *decompressor;
    uint8_t *content;
    size_t content_room;
};

struct packed_codec *packed_codec_create(void)
{
    return calloc(1, sizeof(struct packed_codec));
}

void packed_codec_destroy(struct packed_codec *codec)
{
    if (codec == NULL)
        return;
    (void)ZSTD_freeCCtx(codec->compressor);
    (void)ZSTD_freeDCtx(codec->decompressor);
    free(codec->content);
    free(codec);
}

static bool content_reserve(struct packed_codec *codec, size_t n)
{
    if (codec->content_room >= n)
        return true;
    free(codec->content);
    codec->content = malloc(n);
    codec->content_room = codec->content == NULL ? 0 : n;
    return codec->content != NULL;
}

/* ---- what is around the blocks ---- */

void packed_write_header(uint16_t level, const uint8_t ledger_id[16], uint8_t out_bytes[SEGMENT_HEADER_BYTES])
{
    memset(out_bytes, 0, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes, segment_magic, sizeof(segment_magic));
    put_u16(out_bytes + 8, PACKED_FORMAT);
    put_u16(out_bytes + 10, level);
    put_u32(out_bytes + 12, SEGMENT_HEADER_BYTES);
    memcpy(out_bytes + 16, ledger_id, 16);
    memcpy(out_bytes + 32, packed_magic, sizeof(packed_magic));
    put_u16(out_bytes + 40, PACKED_VERSION);
    put_u32(out_bytes + HEADER_CRC_AT, crc32c(0, out_bytes, HEADER_CRC_AT));
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

bool packed_is(const uint8_t bytes[SEGMENT_HEADER_BYTES])
{
    return memcmp(bytes, segment_magic, sizeof(segment_magic)) == 0 && get_u16(bytes + 8) == PACKED_FORMAT &&
           get_u32(bytes + 12) == SEGMENT_HEADER_BYTES && memcmp(bytes + 32, packed_magic, sizeof(packed_magic)) == 0 &&
           get_u16(bytes + 40) == PACKED_VERSION && all_zero(bytes + 42, HEADER_CRC_AT - 42) &&
           get_u32(bytes + HEADER_CRC_AT) == crc32c(0, bytes, HEADER_CRC_AT);
}

void packed_write_entry(const struct packed_entry *entry, uint8_t out_bytes[PACKED_ENTRY_BYTES])
{
    put_u64(out_bytes, entry->at);
    put_u64(out_bytes + 8, entry->offset);
    put_u64(out_bytes + 16, entry->first_seq);
}

struct packed_entry packed_parse_entry(const uint8_t bytes[PACKED_ENTRY_BYTES])
{
    return (struct packed_entry){get_u64(bytes), get_u64(bytes + 8), get_u64(bytes + 16)};
}

void packed_write_trailer(const struct packed_trailer *trailer, uint8_t out_bytes[PACKED_TRAILER_BYTES])
{
    memcpy(out_bytes, trailer_magic, sizeof(trailer_magic));
    put_u16(out_bytes + 8, PACKED_VERSION);
    put_u16(out_bytes + 10, 0);
    put_u32(out_bytes + 12, trailer->blocks);
    put_u64(out_bytes + 16, trailer->table_at);
    put_u64(out_bytes + 24, trailer->bytes);
    put_u64(out_bytes + 32, trailer->last_ordinal);
    put_u64(out_bytes + 40, trailer->last_seq);
    put_u32(out_bytes + 48, trailer->chain);
    put_u32(out_bytes + 52, trailer->largest);
    put_u32(out_bytes + 56, trailer->table_crc);
    put_u32(out_bytes + TRAILER_CRC_AT, crc32c(0, out_bytes, TRAILER_CRC_AT));
}

bool packed_parse_trailer(const uint8_t bytes[PACKED_TRAILER_BYTES], uint64_t file_bytes, struct packed_trailer *out_trailer)
{
    if (memcmp(bytes, trailer_magic, sizeof(trailer_magic)) != 0 || get_u16(bytes + 8) != PACKED_VERSION ||
        get_u16(bytes + 10) != 0 || get_u32(bytes + TRAILER_CRC_AT) != crc32c(0, bytes, TRAILER_CRC_AT))
        return false;
    struct packed_trailer trailer = {
        .blocks = get_u32(bytes + 12),
        .table_at = get_u64(bytes + 16),
        .bytes = get_u64(bytes + 24),
        .last_ordinal = get_u64(bytes + 32),
        .last_seq = get_u64(bytes + 40),
        .chain = get_u32(bytes + 48),
        .largest = get_u32(bytes + 52),
        .table_crc = get_u32(bytes + 56),
    };
    if (trailer.blocks == 0 || trailer.blocks > PACKED_BLOCKS_MAX || trailer.table_at < PACKED_HEADER_BYTES ||
        trailer.table_at > file_bytes ||
        file_bytes - trailer.table_at != trailer.blocks * PACKED_ENTRY_BYTES + PACKED_TRAILER_BYTES ||
        trailer.largest == 0 || trailer.largest > FRAME_BYTES_MAX || trailer.bytes < SEGMENT_HEADER_BYTES)
        return false;
    *out_trailer = trailer;
    return true;
}

/* ---- blocks ---- */

static void block_write(const struct packed_block *block, uint8_t *out)
{
    memcpy(out, block_magic, sizeof(block_magic));
    put_u32(out + 8, block->stored_bytes);
    put_u32(out + 12, block->content_bytes);
    put_u32(out + 16, block->bytes);
    put_u32(out + 20, block->frames);
    put_u64(out + 24, block->offset);
    put_u64(out + 32, block->first_ordinal);
    put_u64(out + 40, block->first_seq);
    put_u32(out + 48, block->previous_chain);
    put_u32(out + 52, block->chain);
    put_u32(out + 56, block->stored_crc);
    put_u32(out + BLOCK_CRC_AT, crc32c(0, out, BLOCK_CRC_AT));
}

bool packed_block_parse(const uint8_t bytes[PACKED_BLOCK_HEADER], struct packed_block *out_block)
{
    if (memcmp(bytes, block_magic, sizeof(block_magic)) != 0 ||
        get_u32(bytes + BLOCK_CRC_AT) != crc32c(0, bytes, BLOCK_CRC_AT))
        return false;
    struct packed_block block = {
        .stored_bytes = get_u32(bytes + 8),
        .content_bytes = get_u32(bytes + 12),
        .bytes = get_u32(bytes + 16),
        .frames = get_u32(bytes + 20),
        .offset = get_u64(bytes + 24),
        .first_ordinal = get_u64(bytes + 32),
        .first_seq = get_u64(bytes + 40),
        .previous_chain = get_u32(bytes + 48),
        .chain = get_u32(bytes + 52),
        .stored_crc = get_u32(bytes + 56),
    };
    if (block.stored_bytes > PACKED_STORED_BYTES_MAX - PACKED_BLOCK_HEADER || block.content_bytes > PACKED_CONTENT_BYTES_MAX ||
        block.bytes > FRAME_BYTES_MAX || block.frames == 0 || block.frames > block.bytes / FRAME_STEP_BYTES ||
        block.first_ordinal == 0 || block.first_ordinal > INT64_MAX || block.first_seq == 0 || block.first_seq > INT64_MAX)
        return false;
    *out_block = block;
    return true;
}

/* What is before a frame, from which most of it follows. */
struct before {
    uint64_t ordinal, seq;
    uint32_t chain;
    int64_t log_us;
    uint16_t level;
    uint32_t epoch;
};

static struct before block_before(const struct packed_block *block)
{
    return (struct before){.ordinal = block->first_ordinal - 1, .seq = block->first_seq - 1, .chain = block->previous_chain};
}

static void before_move(struct before *before, const struct frame *frame)
{
    *before = (struct before){frame->ordinal, frame->last_seq, frame->chain, frame->log_us, frame->level, frame->epoch};
}

/* Differences wrap: one number has one form, and each is read back. */
static void keep_write(struct writer *w, const struct before *before, const struct frame *frame)
{
    write_varint(w, frame->record_bytes);
    write_varint(w, frame->frame_bytes / FRAME_STEP_BYTES);
    write_varint(w, frame->last_seq - before->seq);
    write_varint(w, before->ordinal - frame->durable_ordinal);
    write_zigzag(w, (int64_t)(before->seq - frame->durable_seq));
    write_zigzag(w, (int64_t)((uint64_t)frame->log_us - (uint64_t)before->log_us));
    write_zigzag(w, (int64_t)frame->level - before->level);
    write_zigzag(w, (int64_t)frame->epoch - before->epoch);
}

static bool keep_read(struct reader *r, const struct before *before, struct frame *out_frame)
{
    uint64_t record_bytes = read_varint(r);
    uint64_t steps = read_varint(r);
    uint64_t events = read_varint(r);
    uint64_t durable = read_varint(r);
    struct frame frame = {.ordinal = before->ordinal + 1, .first_seq = before->seq + 1};
    frame.durable_seq = before->seq - (uint64_t)read_zigzag(r);
    frame.log_us = (int64_t)((uint64_t)before->log_us + (uint64_t)read_zigzag(r));
    int64_t level = read_zigzag(r), epoch = read_zigzag(r);
    if (r->bad || steps == 0 || steps > FRAME_BYTES_MAX / FRAME_STEP_BYTES || events > UINT32_MAX ||
        durable > before->ordinal || record_bytes > steps * FRAME_STEP_BYTES ||
        record_bytes + FRAME_HEADER_BYTES > steps * FRAME_STEP_BYTES || level < -UINT16_MAX || level > UINT16_MAX ||
        epoch < -(int64_t)UINT32_MAX || epoch > (int64_t)UINT32_MAX)
        return false;
    level += before->level;
    epoch += before->epoch;
    if (level < 0 || level > UINT16_MAX || epoch < 0 || epoch > (int64_t)UINT32_MAX)
        return false;
    frame.record_bytes = (uint32_t)record_bytes;
    frame.frame_bytes = (uint32_t)(steps * FRAME_STEP_BYTES);
    frame.last_seq = before->seq + events;
    frame.durable_ordinal = before->ordinal - durable;
    frame.level = (uint16_t)level;
    frame.epoch = (uint32_t)epoch;
    *out_frame = frame;
    return true;
}

/* A frame that is the next, whole and sound. */
static bool frame_next(const uint8_t *bytes, size_t n, const uint8_t ledger_id[16], const struct before *before,
                       struct frame *out_frame)
{
    return n >= FRAME_STEP_BYTES && frame_parse(bytes, ledger_id, out_frame) == FRAME_OK && out_frame->frame_bytes <= n &&
           frame_payload_sound(out_frame, bytes) && out_frame->ordinal == before->ordinal + 1 &&
           out_frame->first_seq == before->seq + 1 && frame_follows(bytes, out_frame, before->chain);
}

enum status packed_block_encode(struct packed_codec *codec, const uint8_t *frames, size_t bytes,
                                const uint8_t ledger_id[16], struct packed_block *block, uint8_t *out, size_t *out_bytes)
{
    CHECK(bytes <= FRAME_BYTES_MAX);
    if (codec->compressor == NULL)
        codec->compressor = ZSTD_createCCtx();
    if (codec->compressor == NULL || !content_reserve(codec, PACKED_CONTENT_BYTES_MAX))
        return STATUS_MEMORY;
    struct writer w = writer_of(codec->content, PACKED_CONTENT_BYTES_MAX);
    struct before before = block_before(block);
    struct frame frame;
    uint32_t count = 0;
    for (size_t at = 0; at < bytes; at += frame.frame_bytes, count++) {
        if (!frame_next(frames + at, bytes - at, ledger_id, &before, &frame))
            return STATUS_DAMAGED;
        keep_write(&w, &before, &frame);
        before_move(&before, &frame);
    }
    for (size_t at = 0; at < bytes; at += get_u32(frames + at + 32)) /* the frame's bytes; looked at above */
        write_bytes(&w, frames + at + FRAME_HEADER_BYTES, get_u32(frames + at + 28));
    if (w.full || count == 0)
        return STATUS_DAMAGED; /* more frames than there is room for: none that we write */
    size_t room = PACKED_STORED_BYTES_MAX - PACKED_BLOCK_HEADER;
    size_t stored = ZSTD_compressCCtx(codec->compressor, out + PACKED_BLOCK_HEADER, room, codec->content, writer_bytes(&w),
                                      LEVEL);
    if (ZSTD_isError(stored))
        return STATUS_MEMORY; /* there is room for whatever it makes of it */
    block->stored_bytes = (uint32_t)stored;
    block->content_bytes = (uint32_t)writer_bytes(&w);
    block->bytes = (uint32_t)bytes;
    block->frames = count;
    block->chain = before.chain;
    block->stored_crc = crc32c(0, out + PACKED_BLOCK_HEADER, stored);
    block_write(block, out);
    *out_bytes = PACKED_BLOCK_HEADER + stored;
    return STATUS_OK;
}

/* Headers into out, and how many bytes of records they speak of. */
static bool frames_make(const struct packed_block *block, struct reader *r, const uint8_t ledger_id[16], uint8_t *out)
{
    struct before before = block_before(block);
    struct reader records = *r; /* they begin behind what is kept of the last frame */
    struct frame frame;
    for (uint32_t i = 0; i < block->frames; i++)
        (void)keep_read(&records, &before, &frame);
    size_t at = 0;
    for (uint32_t i = 0; i < block->frames; i++) {
        if (!keep_read(r, &before, &frame) || frame.frame_bytes > block->bytes - at ||
            !reader_need(&records, frame.record_bytes))
            return false;
        memcpy(frame.ledger_id, ledger_id, 16);
        memcpy(out + at + FRAME_HEADER_BYTES, records.at, frame.record_bytes);
        records.at += frame.record_bytes;
        frame_finish(out + at, &frame, before.chain);
        before_move(&before, &frame);
        at += frame.frame_bytes;
    }
    return at == block->bytes && reader_left(&records) == 0 && before.chain == block->chain;
}

enum status packed_block_decode(struct packed_codec *codec, const struct packed_block *block, const uint8_t *stored,
                                const uint8_t ledger_id[16], uint8_t *out)
{
    if (crc32c(0, stored, block->stored_bytes) != block->stored_crc)
        return STATUS_DAMAGED;
    if (codec->decompressor == NULL)
        codec->decompressor = ZSTD_createDCtx();
    if (codec->decompressor == NULL || !content_reserve(codec, block->content_bytes))
        return STATUS_MEMORY;
    size_t n = ZSTD_decompressDCtx(codec->decompressor, codec->content, block->content_bytes, stored, block->stored_bytes);
    if (ZSTD_isError(n) || n != block->content_bytes)
        return STATUS_DAMAGED;
    struct reader r = reader_of(codec->content, n);
    return frames_make(block, &r, ledger_id, out) ? STATUS_OK : STATUS_DAMAGED;
}
