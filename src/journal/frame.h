/*
 * A frame: one flush group on disk, a header and records, padded with zeros to the block. docs/format.md has it byte
 * by byte. Encoding and checking only; nothing here reads or writes files.
 */
#ifndef ONHAND_JOURNAL_FRAME_H
#define ONHAND_JOURNAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define JOURNAL_FORMAT     1 /* of frames and segments */
#define JOURNAL_LEVEL      2 /* of the behaviour that decided: DESIGN section 1 */
#define FRAME_HEADER_BYTES 128
#define FRAME_STEP_BYTES   512       /* every frame begins at a multiple: the smallest block there is */
#define FRAME_BYTES_MAX    (7 << 20) /* the soft limit of a group, and behind it one decision of the largest kind */

struct frame {
    uint16_t level;
    uint8_t ledger_id[16]; /* the first eight bytes are kept */
    uint32_t epoch;
    uint32_t record_bytes;    /* behind the header */
    uint32_t frame_bytes;     /* with header and padding */
    uint32_t payload_crc;     /* of everything behind the header */
    uint32_t chain;           /* of this frame: its header, and through the chain all before it */
    uint64_t ordinal;         /* 1 for the first frame of the journal, then without a gap */
    uint64_t first_seq;       /* the sequence number its first event has, or would have */
    uint64_t last_seq;        /* of its last event; first_seq - 1 when it has none */
    uint64_t durable_ordinal; /* the last frame known durable when this one was written */
    uint64_t durable_seq;     /* and the last event of that */
    int64_t log_us;           /* log time at its end */
};

enum frame_verdict {
    FRAME_OK,
    FRAME_ABSENT, /* no frame of this ledger begins here: zeros, or other bytes */
    FRAME_BROKEN, /* the magic is there, but the header fails its checksum or its bounds */
    FRAME_TOO_NEW /* a sound header of a later format */
};

/*
 * Fills the header before records that stand at bytes + FRAME_HEADER_BYTES, and the padding behind them. Computes
 * payload_crc and chain (from the chain of the frame before). frame->frame_bytes is a multiple of FRAME_STEP_BYTES.
 */
void frame_finish(uint8_t *bytes, struct frame *frame, uint32_t previous_chain);

/* Judges a header. Writes *out_frame on FRAME_OK only (of ledger_id the first eight bytes). */
enum frame_verdict frame_parse(const uint8_t header[FRAME_HEADER_BYTES], const uint8_t ledger_id[16],
                               struct frame *out_frame);
/* The payload matches its checksum. bytes: the whole frame. */
bool frame_payload_sound(const struct frame *frame, const uint8_t *bytes);
/* The chain follows from the frame before. */
bool frame_follows(const uint8_t header[FRAME_HEADER_BYTES], const struct frame *frame, uint32_t previous_chain);

static inline uint64_t round_up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

#endif
