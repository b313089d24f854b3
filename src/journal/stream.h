/*
 * The journal as a stream: segment headers and frames byte for byte as they lie on disk, and marks between them. What
 * GET /v1/journal sends, what a backup into one file is, and what a standby copies. docs/format.md has it.
 *
 * The magic of each item says what it is, so that a receiver needs no framing of its own, and each is covered by
 * checksums and the chain, so that it verifies every byte before it keeps any.
 */
#ifndef ONHAND_JOURNAL_STREAM_H
#define ONHAND_JOURNAL_STREAM_H

#include "journal/beginning.h"
#include "journal/frame.h"
#include "journal/segment.h"

#define STREAM_MARK_BYTES 64
/* The longest item: who has room for so many bytes gets any. */
#define STREAM_ITEM_BYTES_MAX ((size_t)FRAME_BYTES_MAX)

/* What the sender knows at a moment. It is in the stream alone, never on disk. */
struct stream_mark {
    bool end;     /* what was asked for ends here; a stream without it was cut off */
    bool current; /* all that was durable at wall_us is before this mark */
    uint32_t epoch;
    uint8_t ledger_id[16];
    uint64_t ordinal; /* of the last durable frame */
    uint64_t seq;     /* and its last event; of a standby, the last that it knows the primary to have */
    int64_t wall_us;  /* the sender's clock; of a standby, as of when it has what the primary had, by that one's */
};

void stream_mark_write(const struct stream_mark *mark, uint8_t out_bytes[STREAM_MARK_BYTES]);

/*
 * Of a checkpoint's file, where the journal's beginning is no longer kept: a copy could not be started from else. Pieces of one file come
 * one behind the other, before the first segment, and the last one ends at `total`.
 */
#define STREAM_PIECE_HEADER    64
#define STREAM_PIECE_BYTES_MAX ((size_t)192 << 10)
struct stream_piece {
    uint64_t seq;    /* of the last event in the checkpoint: its name */
    uint64_t offset; /* in the file */
    uint64_t total;  /* bytes of the file */
    uint32_t n;      /* bytes here, behind the header */
};

/* Writes the header of a piece, whose bytes are behind it already. */
void stream_piece_write(const struct stream_piece *piece, uint8_t *bytes);

enum stream_item { STREAM_SEGMENT, STREAM_FRAME, STREAM_MARK, STREAM_BEGINNING, STREAM_PIECE };

/* How far a receiver is. All zero: it has nothing yet. */
struct stream_place {
    bool begun;             /* the ledger is known */
    uint8_t ledger_id[16];
    uint64_t segment_number; /* of the last one; 0 for none */
    bool segment_empty;     /* no frame of it has come */
    uint32_t epoch;         /* of that segment */
    uint64_t ordinal;       /* of the last frame */
    uint64_t seq;           /* its last event */
    uint32_t chain;
};

struct stream_reader {
    struct stream_place place;
    bool in_segment; /* a header came, in this stream */
    bool in_image;   /* pieces of a checkpoint came, and more have to */
    /* The item last met. */
    struct segment segment;
    struct frame frame;
    struct stream_mark mark;
    struct beginning beginning;
    struct stream_piece piece; /* its bytes are behind STREAM_PIECE_HEADER bytes of the item */
    const char *problem; /* DAMAGED, INVALID and VERSION: what is wrong, a constant */
};

/* Begins a stream that goes on behind what the receiver has. */
void stream_reader_init(struct stream_reader *reader, const struct stream_place *place);

/*
 * The item at the beginning of bytes, verified, and what it is: one of reader->segment, frame, mark, beginning and piece holds it, and the
 * place moves behind it. A segment that the receiver has already is handed on, too: its number says so.
 *
 * OK; AGAIN when more bytes are needed (out_bytes: so many at least, from its beginning); DAMAGED when something fails
 * its checksum or does not follow; INVALID when it is sound, but of another ledger; VERSION.
 */
MUST_USE enum status stream_reader_next(struct stream_reader *reader, const uint8_t *bytes, size_t n, enum stream_item *out_item,
                                 size_t *out_bytes);

#endif
