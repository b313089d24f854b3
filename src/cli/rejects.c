#include "cli/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES (64 * 1024)

static bool same_file(int file, const char *path)
{
    struct stat a, b;
    return fstat(file, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum status rejects_init(struct rejects *rejects, const char *path, const char *origin_path, int origin,
                         uint64_t header_bytes)
{
    memset(rejects, 0, sizeof(*rejects));
    rejects->origin = origin;
    rejects->header_bytes = header_bytes;
    rejects->named = path != NULL;
    const char *base = path != NULL ? path : origin_path;
    size_t length = strlen(base);
    if (length + sizeof(".rejects-1000.csv") > sizeof(rejects->path))
        return STATUS_INVALID;
    if (rejects->named) {
        memcpy(rejects->path, path, length + 1);
        return same_file(origin, path) ? STATUS_EXISTS : STATUS_OK;
    }
    int stem = (int)(length > 4 && strcmp(base + length - 4, ".csv") == 0 ? length - 4 : length);
    for (int number = 1; number <= REJECTS_NAME_NUMBER_MAX; number++) {
        if (number == 1)
            snprintf(rejects->path, sizeof(rejects->path), "%.*s.rejects.csv", stem, base);
        else
            snprintf(rejects->path, sizeof(rejects->path), "%.*s.rejects-%d.csv", stem, base, number);
        if (access(rejects->path, F_OK) != 0)
            return STATUS_OK;
    }
    return STATUS_EXISTS;
}

/* Copies bytes of the origin. *out_last: the last one, left alone when there are none. */
static bool copy(const struct rejects *rejects, uint64_t offset, uint64_t bytes, char *out_last)
{
    char buffer[COPY_BYTES];
    while (bytes != 0) {
        size_t want = bytes < COPY_BYTES ? (size_t)bytes : COPY_BYTES;
        ssize_t n = pread(rejects->origin, buffer, want, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        if (fwrite(buffer, 1, (size_t)n, rejects->file) != (size_t)n)
            return false;
        *out_last = buffer[n - 1];
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return true;
}

static bool copy_lines(const struct rejects *rejects, uint64_t offset, uint64_t bytes)
{
    char last = '\n';
    return copy(rejects, offset, bytes, &last) && (last == '\n' || putc('\n', rejects->file) != EOF);
}

static bool begin(struct rejects *rejects)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (rejects->named ? O_TRUNC : O_EXCL);
    int file = open(rejects->path, flags, 0666);
    if (file < 0)
        return false;
    rejects->file = fdopen(file, "w");
    if (rejects->file == NULL) {
        (void)close(file); /* nothing was written */
        return false;
    }
    return copy_lines(rejects, 0, rejects->header_bytes);
}

enum status rejects_add(struct rejects *rejects, uint64_t line, struct text reason, uint64_t row_offset,
                        uint64_t row_bytes)
{
    if (rejects->file == NULL && !begin(rejects))
        return STATUS_IO;
    rejects->count++;
    fprintf(rejects->file, "\"" REJECTS_REMARK " line %" PRIu64 ": ", line);
    for (uint32_t i = 0; i < reason.length; i++) {
        char byte = reason.bytes[i];
        bool control = (unsigned char)byte < 0x20 || byte == 0x7f;
        if (byte == '"')
            putc('"', rejects->file);
        putc(control ? ' ' : byte, rejects->file);
    }
    fputs("\"\n", rejects->file);
    return copy_lines(rejects, row_offset, row_bytes) && ferror(rejects->file) == 0 ? STATUS_OK : STATUS_IO;
}

enum status rejects_finish(struct rejects *rejects)
{
    if (rejects->file == NULL && (!rejects->named || !begin(rejects)))
        return rejects->named ? STATUS_IO : STATUS_OK;
    bool whole = fflush(rejects->file) == 0 && ferror(rejects->file) == 0 && fsync(fileno(rejects->file)) == 0;
    whole = fclose(rejects->file) == 0 && whole;
    rejects->file = NULL;
    return whole ? STATUS_OK : STATUS_IO;
}
