/*
 * Takes the items of a journal, in order, into a data directory: what a restore and a backup write with, and a standby at first. Frames
 * are gathered, so that many are made durable with one write; a segment's header is written with its first frame.
 *
 * Owner: one thread.
 */
#ifndef ONHAND_JOURNAL_TAKER_H
#define ONHAND_JOURNAL_TAKER_H

#include "journal/frame.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/stream.h"

struct taker {
    const struct env *env;
    const char *path;        /* borrowed */
    struct journal *journal; /* NULL before the first frame */
    uint64_t segment_number; /* the last one taken */
    uint8_t *block;          /* frames not yet written; before there is a journal, what it begins with */
    size_t block_bytes;
    struct env_directory *directory; /* while a checkpoint comes; NULL else */
    struct env_file *image;
    enum status status;      /* the first that failed; nothing is taken from then on */
    char problem[1024];      /* what and where, then */
};

/* MEMORY. path: a directory that is empty, or is made. */
MUST_USE enum status taker_init(struct taker *taker, const struct env *env, const char *path);
/* Goes on with the journal that is in the directory. NOT_FOUND: there is none, and it begins with what comes; nothing is written
 * before. Else as journal_open, and problem says what. */
MUST_USE enum status taker_resume(struct taker *taker);
/* Takes an item of a stream, verified. */
void taker_item(struct taker *taker, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes);
/* Takes a sound frame, and the header of its segment when it is the first of it. */
void taker_frame(struct taker *taker, const struct segment *segment, const struct frame *frame, const uint8_t *bytes);
/* Writes what is gathered; OK when everything taken is durable. */
MUST_USE enum status taker_flush(struct taker *taker);
/* Closes the journal. */
void taker_deinit(struct taker *taker);

#endif
