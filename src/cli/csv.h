/*
 * Rows of comma-separated values (RFC 4180): fields in double quotes may hold separators, line ends and doubled quotes;
 * rows end with LF or CRLF, the last one also with the end of the file.
 *
 * What RFC 4180 does not allow is a bad row, never a guess: a quote inside a bare field, text after a closing quote, a
 * quote that is never closed, a NUL byte, a CR without LF. So that one stray quote does not swallow the rest of a file,
 * a bad row ends at its first LF, inside quotes or not, and reading goes on with the next line.
 *
 * The parser borrows the caller's bytes, keeps no state between rows and never allocates.
 */
#ifndef ONHAND_CLI_CSV_H
#define ONHAND_CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/text.h"

#define CSV_FIELDS_MAX      512           /* columns of one row; the widest exports of ERP systems have about 300 */
#define CSV_FIELD_BYTES_MAX (64 * 1024)   /* one field; a name has 128 bytes, a meta object 1 KiB */
#define CSV_ROW_BYTES_MAX   (1024 * 1024) /* one row with its line ends */

enum csv_status {
    CSV_ROW,   /* a row */
    CSV_BLANK, /* an empty line, which is no row */
    CSV_BAD,   /* bytes that are no row; `problem` says why */
    CSV_MORE,  /* the bytes end inside a row: give more of them */
    CSV_END    /* no bytes are left */
};

struct csv_row {
    struct text fields[CSV_FIELDS_MAX]; /* borrow the input, or scratch where quotes were doubled */
    uint32_t field_count;
    size_t consumed_bytes;   /* the row with its line end */
    uint32_t line_count;     /* lines of the file it takes. 0 with CSV_BAD: an endless line, skip up to its LF */
    const char *problem;     /* CSV_BAD: a constant clause in English, else NULL */
    uint32_t problem_column; /* CSV_BAD: number of the field, from 1 */
    char *scratch;           /* caller's memory of CSV_ROW_BYTES_MAX bytes, reused by every row */
};

/*
 * Reads the row at the start of `bytes`. last: no bytes follow these, so that the end of the bytes ends the row.
 * CSV_MORE is answered only while `last` is false and n < CSV_ROW_BYTES_MAX: give the same bytes again, and more.
 * row->scratch is set by the caller; the rest is written here.
 */
MUST_USE enum csv_status csv_parse(const char *bytes, size_t n, bool last, char separator, struct csv_row *row);

/* Length of a UTF-8 byte order mark at the start of a file: 3, or 0 for none. */
size_t csv_mark_bytes(const char *bytes, size_t n);

/* True when the file starts like UTF-16 or UTF-32, which are not read. */
bool csv_is_wide(const char *bytes, size_t n);

#endif
