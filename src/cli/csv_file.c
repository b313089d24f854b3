#include "cli/csv_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CAPACITY_BYTES ((size_t)2 * CSV_ROW_BYTES_MAX)

/* Reads more behind what is there. At the end of the file `ended` is set. */
static enum status refill(struct csv_file *csv)
{
    if (csv->start != 0) {
        memmove(csv->bytes, csv->bytes + csv->start, csv->end - csv->start);
        csv->end -= csv->start;
        csv->start = 0;
    }
    while (csv->end < CAPACITY_BYTES && !csv->ended) {
        ssize_t n = pread(csv->file, csv->bytes + csv->end, CAPACITY_BYTES - csv->end, (off_t)csv->read_offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return STATUS_IO;
        csv->ended = n == 0;
        csv->end += (size_t)n;
        csv->read_offset += (uint64_t)n;
    }
    return STATUS_OK;
}

enum status csv_file_init(struct csv_file *csv, int file, char separator)
{
    memset(csv, 0, sizeof(*csv));
    csv->file = file;
    csv->separator = separator;
    csv->line = 1;
    csv->bytes = malloc(CAPACITY_BYTES);
    csv->row.scratch = malloc(CSV_ROW_BYTES_MAX);
    enum status status = csv->bytes == NULL || csv->row.scratch == NULL ? STATUS_MEMORY : refill(csv);
    if (status == STATUS_OK && csv_is_wide(csv->bytes, csv->end))
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        csv->start = csv_mark_bytes(csv->bytes, csv->end);
    else
        csv_file_deinit(csv);
    return status;
}

void csv_file_deinit(struct csv_file *csv)
{
    free(csv->bytes);
    free(csv->row.scratch);
    csv->bytes = NULL;
    csv->row.scratch = NULL;
}

/* Passes over the rest of a line that is longer than a row may be. */
static enum status skip_line(struct csv_file *csv)
{
    for (;;) {
        const char *from = csv->bytes + csv->start;
        const char *lf = memchr(from, '\n', csv->end - csv->start);
        size_t n = lf == NULL ? csv->end - csv->start : (size_t)(lf - from) + 1;
        csv->start += n;
        csv->row_bytes += n;
        if (lf != NULL || csv->ended) {
            csv->line++;
            return STATUS_OK;
        }
        enum status status = refill(csv);
        if (status != STATUS_OK)
            return status;
    }
}

enum status csv_file_next(struct csv_file *csv, enum csv_status *out_status)
{
    for (;;) {
        enum csv_status parsed =
            csv_parse(csv->bytes + csv->start, csv->end - csv->start, csv->ended, csv->separator, &csv->row);
        if (parsed == CSV_MORE) {
            enum status status = refill(csv);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        csv->row_line = csv->line;
        csv->row_offset = csv->read_offset - (csv->end - csv->start);
        csv->row_bytes = csv->row.consumed_bytes;
        csv->start += csv->row.consumed_bytes;
        csv->line += csv->row.line_count;
        if (parsed == CSV_BLANK)
            continue;
        *out_status = parsed;
        return parsed == CSV_BAD && csv->row.line_count == 0 ? skip_line(csv) : STATUS_OK;
    }
}
