/*
 * A CSV file read from its start to its end, row by row, with the place of each row in the file: its line number (of
 * the line it begins on) is its identity. A byte order mark and empty lines are passed over.
 */
#ifndef ONHAND_CLI_CSV_FILE_H
#define ONHAND_CLI_CSV_FILE_H

#include "base/status.h"
#include "cli/csv.h"

struct csv_file {
    int file; /* borrowed; read with pread */
    char separator;
    bool ended;           /* no bytes behind `end` */
    char *bytes;          /* owned */
    size_t start, end;    /* what is read and not given out */
    uint64_t read_offset; /* in the file, of the byte at `end` */
    uint64_t line;        /* of the byte at `start`, from 1 */
    struct csv_row row;   /* the present row; its fields are borrowed until the next one */
    uint64_t row_line;    /* the line it begins on */
    uint64_t row_offset;  /* where it begins, in bytes */
    uint64_t row_bytes;   /* with its line end */
};

/* STATUS_MEMORY; STATUS_INVALID when the file is UTF-16 or UTF-32; STATUS_IO (errno says why). */
MUST_USE enum status csv_file_init(struct csv_file *csv, int file, char separator);
void csv_file_deinit(struct csv_file *csv);

/* The next row. *out_status: CSV_ROW, CSV_BAD or CSV_END. STATUS_IO when the file cannot be read (errno says why). */
MUST_USE enum status csv_file_next(struct csv_file *csv, enum csv_status *out_status);

#endif
