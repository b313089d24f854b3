/*
 * A segment: one file of the journal. Its name is the first sequence number it may contain, its first 4096 bytes are a
 * header, frames follow. docs/format.md has the header byte by byte.
 */
#ifndef ONHAND_JOURNAL_SEGMENT_H
#define ONHAND_JOURNAL_SEGMENT_H

#include "base/epochs.h"
#include "env/env.h"
#include "journal/frame.h"

#define SEGMENT_HEADER_BYTES 4096 /* the largest block: the first frame is aligned everywhere */
#define SEGMENT_NAME_BYTES   29   /* 20 digits, ".journal", NUL */
#define SEGMENT_SUFFIX       ".journal"
/* A segment in the making; never read. */
#define SEGMENT_NEXT_NAME "next.journal.new"
/* What a missing first segment would be called. */
#define SEGMENT_FIRST_SEQ 1

struct segment {
    uint16_t level;
    uint8_t ledger_id[16];
    struct epochs epochs; /* of all its frames the present one, and those before it */
    uint64_t number; /* 1 for the first */
    uint64_t first_seq;
    uint64_t first_ordinal;  /* of its first frame */
    uint32_t previous_chain; /* of the frame before that */
    int64_t created_us;      /* UTC wall time, for people */
};

enum segment_verdict { SEGMENT_OK, SEGMENT_FOREIGN /* no magic */, SEGMENT_BROKEN, SEGMENT_TOO_NEW };

void segment_write_header(const struct segment *segment, uint8_t out_bytes[SEGMENT_HEADER_BYTES]);
enum segment_verdict segment_parse(const uint8_t bytes[SEGMENT_HEADER_BYTES], struct segment *out_segment);

void segment_name(uint64_t first_seq, char out_name[SEGMENT_NAME_BYTES]);
/* True for a segment's name; *out_first_seq is written then. */
bool segment_name_parse(const char *name, uint64_t *out_first_seq);

#endif
