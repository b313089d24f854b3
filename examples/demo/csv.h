/* Records of a CSV text in memory (RFC 4180: commas, double quotes, LF or CRLF). */
#ifndef ONHAND_DEMO_CSV_H
#define ONHAND_DEMO_CSV_H

#include "bytequeue.h"

#define CSV_FIELDS_MAX 16 /* the widest file here has 8 */

struct csv {
    const char *at; /* borrowed text */
    const char *end;
    uint64_t line; /* of the record last read, counted from 1 as an editor does */
    uint64_t next_line;
    struct bytequeue scratch; /* fields that had doubled quotes */
};

struct csv csv_of(const char *bytes, size_t n);
void csv_deinit(struct csv *csv);
/*
 * Reads the next record; false at the end. Fields borrow the text, or the reader until its next record. Ends the
 * program on a record that breaks the grammar, naming its line.
 */
bool csv_next(struct csv *csv, struct text out_fields[CSV_FIELDS_MAX], unsigned *out_count);

#endif
