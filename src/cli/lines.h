/*
 * Lines of a file, pipe or terminal, ended by LF (the last one also by the end of the input). A regular file is read
 * as it is; anything else only when bytes are there, so that a reader can do other things meanwhile.
 */
#ifndef ONHAND_CLI_LINES_H
#define ONHAND_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

#define LINES_BYTES_MAX (1024 * 1024) /* one line; the server takes no longer one */

enum lines_next {
    LINES_LINE,
    LINES_LATER, /* nothing now: poll the file */
    LINES_END,
    LINES_TOO_LONG, /* the line is longer than LINES_BYTES_MAX; nothing more can be read */
    LINES_FAILED    /* errno says why */
};

struct lines {
    int file;        /* borrowed */
    bool pollable;   /* not a regular file */
    bool ended;      /* the input has no more bytes */
    char *bytes;     /* owned */
    size_t start;    /* the first byte not given out */
    size_t end;      /* behind the last byte read */
    size_t scanned;  /* no LF before this */
    uint64_t number; /* of the line given out last; 0 before the first */
    uint64_t offset; /* in the input, of the byte at `start` */
};

/* number, offset: where reading starts (lines before, bytes before); the file stands there. STATUS_MEMORY, STATUS_IO.
 */
MUST_USE enum status lines_init(struct lines *lines, int file, uint64_t number, uint64_t offset);
void lines_deinit(struct lines *lines);

/* The next line without its LF, borrowed until the next call. lines->number is its number, lines->offset its end. */
MUST_USE enum lines_next lines_next(struct lines *lines, struct text *out_line);

#endif
