/*
 * Lines of a stream of JSON objects (NDJSON): ended by LF, the last one also by the end of the stream; lines of blanks
 * are nothing. Borrows the caller's bytes, keeps nothing between calls. Pure, any thread.
 */
#ifndef ONHAND_API_NDJSON_H
#define ONHAND_API_NDJSON_H

#include "base/text.h"

enum ndjson_next {
    NDJSON_LINE,    /* a line; CR and blanks around its object are in it */
    NDJSON_BLANK,   /* one of blanks alone */
    NDJSON_MORE,    /* the bytes end inside a line that may still become one: give them again, and more */
    NDJSON_TOO_LONG /* no LF within bytes_max: what follows cannot be told from it */
};

/*
 * The line at the start of n bytes, of which there is at least one. over: nothing follows them, so that their end ends
 * the line, however long it is. out_line is written for LINE and BLANK; *out_bytes is how much the line takes, with its
 * LF, all of it for TOO_LONG, nothing for MORE.
 */
enum ndjson_next ndjson_next(const char *bytes, size_t n, bool over, size_t bytes_max, struct text *out_line,
                             size_t *out_bytes);

#endif
