/*
 * The form of a packed segment: the segment's header, its frames in compressed blocks, a table of these. It has the same bytes
 * as the raw one, but for the zeros behind the last frame; docs/format.md has it byte by byte. Encoding and checking
 * only; nothing here reads or writes files.
 *
 * What of a frame follows from the rest of it (magic, checksums, chain, padding, numbers that count on) is left out and made again.
 * The chain at the end of each block is kept: frames made again lead to it only if every byte of them is what it was.
 */
#ifndef ONHAND_JOURNAL_PACKED_H
#define ONHAND_JOURNAL_PACKED_H

#include "base/status.h"
#include "journal/segment.h"

#define PACKED_FORMAT          2 /* in the place of JOURNAL_FORMAT: who does not know it says newer */
#define PACKED_VERSION         1
#define PACKED_HEADER_BYTES    ((size_t)2 * SEGMENT_HEADER_BYTES) /* its own, then the segment's; the first block follows */
#define PACKED_BLOCK_BYTES     ((size_t)256 << 10) /* of frames in a block; more only when one frame is longer */
#define PACKED_BLOCK_HEADER    ((size_t)64)
#define PACKED_ENTRY_BYTES     ((size_t)24) /* of the table, for each block */
#define PACKED_TRAILER_BYTES   ((size_t)64)
#define PACKED_BLOCKS_MAX      ((uint32_t)1 << 24)
/* Of a block before it is compressed: all records, and what is kept of each frame. */
#define PACKED_CONTENT_BYTES_MAX (FRAME_BYTES_MAX + PACKED_BLOCK_BYTES / FRAME_STEP_BYTES * 80)
/* And after it, with its header. */
#define PACKED_STORED_BYTES_MAX (PACKED_BLOCK_HEADER + PACKED_CONTENT_BYTES_MAX + PACKED_CONTENT_BYTES_MAX / 128)

struct packed_block {
    uint32_t stored_bytes;   /* compressed, behind its header */
    uint32_t content_bytes;  /* before that */
    uint32_t bytes;          /* of its frames, as they are in the raw segment */
    uint32_t frames;
    uint64_t offset;         /* of the first of them, there */
    uint64_t first_ordinal;
    uint64_t first_seq;
    uint32_t previous_chain; /* of the frame before */
    uint32_t chain;          /* of its last frame */
    uint32_t stored_crc;
};

struct packed_entry {
    uint64_t at;        /* of the block's header, in the packed file */
    uint64_t offset;    /* of its first frame, in the raw segment */
    uint64_t first_seq; /* the next event's number there */
};

struct packed_trailer {
    uint32_t blocks;
    uint64_t table_at;     /* in the packed file, right behind the last block */
    uint64_t bytes;        /* of the raw segment, to the end of its last frame */
    uint64_t last_ordinal;
    uint64_t last_seq;
    uint32_t chain;        /* of the last frame */
    uint32_t largest;      /* bytes of the block with the longest frames */
    uint32_t table_crc;
};

/* What compressing and its opposite need. One thread at a time. */
struct packed_codec;
/* NULL when memory cannot be had. */
struct packed_codec *packed_codec_create(void);
void packed_codec_destroy(struct packed_codec *codec);

void packed_write_header(uint16_t level, const uint8_t ledger_id[16], uint8_t out_bytes[SEGMENT_HEADER_BYTES]);
/* True for the header of a packed segment that this version can read. All else is for segment_parse to judge. */
bool packed_is(const uint8_t bytes[SEGMENT_HEADER_BYTES]);

/*
 * Packs whole frames, `bytes` of them, which must follow each other and block's first_ordinal, first_seq and previous_chain; its
 * offset is kept as it is. The rest of *block is filled in. out has PACKED_STORED_BYTES_MAX. DAMAGED when they are not such
 * frames, or would not be made again as they are; MEMORY.
 */
MUST_USE enum status packed_block_encode(struct packed_codec *codec, const uint8_t *frames, size_t bytes,
                                         const uint8_t ledger_id[16], struct packed_block *block, uint8_t *out,
                                         size_t *out_bytes);
/* Reads the header of a block. False when it is none. */
bool packed_block_parse(const uint8_t bytes[PACKED_BLOCK_HEADER], struct packed_block *out_block);
/*
 * The frames of the block whose header was read, from its stored bytes (behind the header), into out, which has block->bytes.
 * DAMAGED when anything in them is not as it was: checksum, form, chain; MEMORY.
 */
MUST_USE enum status packed_block_decode(struct packed_codec *codec, const struct packed_block *block, const uint8_t *stored,
                                         const uint8_t ledger_id[16], uint8_t *out);

void packed_write_entry(const struct packed_entry *entry, uint8_t out_bytes[PACKED_ENTRY_BYTES]);
struct packed_entry packed_parse_entry(const uint8_t bytes[PACKED_ENTRY_BYTES]);
void packed_write_trailer(const struct packed_trailer *trailer, uint8_t out_bytes[PACKED_TRAILER_BYTES]);
/* file_bytes: of the packed file. False when it is no trailer, or speaks of another file. */
bool packed_parse_trailer(const uint8_t bytes[PACKED_TRAILER_BYTES], uint64_t file_bytes, struct packed_trailer *out_trailer);

#endif
