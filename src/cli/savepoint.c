#include "cli/savepoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096 /* PATH_MAX of Linux */

enum status savepoint_read(const char *path, struct savepoint *out_savepoint)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    struct savepoint read = {0, 0};
    int found = fscanf(file, "onhand-send 1\nlines %" SCNu64 "\nbytes %" SCNu64, &read.line_count, &read.bytes);
    (void)fclose(file); /* nothing was written */
    if (found != 2)
        return STATUS_INVALID;
    *out_savepoint = read;
    return STATUS_OK;
}

enum status savepoint_write(const char *path, const struct savepoint *savepoint)
{
    char beside[PATH_BYTES_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(beside))
        return STATUS_INVALID;
    FILE *file = fopen(beside, "w");
    if (file == NULL)
        return STATUS_IO;
    bool written = fprintf(file, "onhand-send 1\nlines %" PRIu64 "\nbytes %" PRIu64 "\n", savepoint->line_count,
                           savepoint->bytes) > 0 &&
                   fflush(file) == 0 && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    return written && rename(beside, path) == 0 ? STATUS_OK : STATUS_IO;
}
