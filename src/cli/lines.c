#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPACITY_BYTES ((size_t)2 * LINES_BYTES_MAX)

enum status lines_init(struct lines *lines, int file, uint64_t number, uint64_t offset)
{
    struct stat about;
    *lines = (struct lines){.file = file, .number = number, .offset = offset};
    if (fstat(file, &about) != 0)
        return STATUS_IO;
    lines->pollable = !S_ISREG(about.st_mode);
    lines->bytes = malloc(CAPACITY_BYTES);
    return lines->bytes == NULL ? STATUS_MEMORY : STATUS_OK;
}

void lines_deinit(struct lines *lines)
{
    free(lines->bytes);
    lines->bytes = NULL;
}

static void give(struct lines *lines, size_t line_bytes, size_t taken_bytes, struct text *out_line)
{
    *out_line = text_of(lines->bytes + lines->start, line_bytes);
    lines->start += taken_bytes;
    lines->scanned = lines->start;
    lines->offset += taken_bytes;
    lines->number++;
}

/* Reads once. LINES_LINE when there is something new to look at. */
static enum lines_next refill(struct lines *lines)
{
    if (lines->start == lines->end || lines->end == CAPACITY_BYTES) {
        memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
        lines->scanned -= lines->start;
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->pollable) {
        struct pollfd input = {.fd = lines->file, .events = POLLIN, .revents = 0};
        if (poll(&input, 1, 0) == 0)
            return LINES_LATER;
    }
    for (;;) {
        ssize_t n = read(lines->file, lines->bytes + lines->end, CAPACITY_BYTES - lines->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? LINES_LATER : LINES_FAILED;
        lines->end += (size_t)n;
        lines->ended = n == 0;
        return LINES_LINE;
    }
}

enum lines_next lines_next(struct lines *lines, struct text *out_line)
{
    for (;;) {
        char *from = lines->bytes + lines->scanned;
        const char *end = memchr(from, '\n', lines->end - lines->scanned);
        size_t line_bytes = (end == NULL ? lines->end : (size_t)(end - lines->bytes)) - lines->start;
        if (line_bytes > LINES_BYTES_MAX)
            return LINES_TOO_LONG;
        if (end != NULL) {
            give(lines, line_bytes, line_bytes + 1, out_line);
            return LINES_LINE;
        }
        lines->scanned = lines->end;
        if (lines->ended) {
            if (line_bytes == 0)
                return LINES_END;
            give(lines, line_bytes, line_bytes, out_line);
            return LINES_LINE;
        }
        enum lines_next status = refill(lines);
        if (status != LINES_LINE)
            return status;
    }
}
