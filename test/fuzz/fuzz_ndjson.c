/*
 * Any bytes as a stream of lines, to the server's splitting and to the client's: the same lines, however the bytes come in
 * pieces, and no line longer than it may be. The first byte chooses the pieces.
 */
#include "fuzz.h"

#include <unistd.h>

#include "api/ndjson.h"
#include "cli/lines.h"

#define LINE_MAX 300 /* instead of a megabyte */

static uint64_t fold(uint64_t sum, struct text line)
{
    for (uint32_t i = 0; i < line.length; i++)
        sum = (sum ^ (unsigned char)line.bytes[i]) * UINT64_C(0x100000001b3);
    return (sum ^ 0x100) * UINT64_C(0x100000001b3);
}

/* The lines that are there, as a sum; *out_taken is where the stream ends for it. */
static uint64_t split(const char *bytes, size_t n, size_t step, bool *out_too_long)
{
    uint64_t sum = 1;
    size_t at = 0;
    *out_too_long = false;
    for (size_t given = step < n ? step : n;;) {
        enum ndjson_next next = NDJSON_MORE;
        while (at < given) {
            char *copy = fuzz_copy(bytes + at, given - at);
            struct text line = TEXT_NONE;
            size_t taken = 0;
            next = ndjson_next(copy, given - at, given == n, LINE_MAX, &line, &taken);
            CHECK(taken <= given - at && (next == NDJSON_MORE) == (taken == 0));
            CHECK(next != NDJSON_MORE || (given < n && given - at <= LINE_MAX));
            if (next == NDJSON_LINE || next == NDJSON_BLANK) {
                CHECK(line.bytes == copy && line.length <= taken && memchr(copy, '\n', line.length) == NULL);
                sum = next == NDJSON_LINE ? fold(sum, line) : sum;
            }
            free(copy);
            at += taken;
            if (next == NDJSON_TOO_LONG) {
                *out_too_long = true;
                return sum;
            }
            if (next == NDJSON_MORE)
                break;
        }
        if (given == n)
            return sum;
        given = n - given < step ? n : given + step;
    }
}

static uint64_t split_file(const char *bytes, size_t n)
{
    FILE *file = tmpfile();
    CHECK(file != NULL && fwrite(bytes, 1, n, file) == n && fflush(file) == 0 && lseek(fileno(file), 0, SEEK_SET) == 0);
    struct lines lines;
    CHECK(lines_init(&lines, fileno(file), 0, 0) == STATUS_OK);
    uint64_t sum = 1;
    uint64_t count = 0;
    struct text line;
    while (lines_next(&lines, &line) == LINES_LINE) {
        CHECK(lines.number == ++count && lines.offset <= n);
        bool blank = true;
        for (uint32_t i = 0; i < line.length; i++)
            blank = blank && (line.bytes[i] == ' ' || line.bytes[i] == '\t' || line.bytes[i] == '\r');
        sum = blank ? sum : fold(sum, line);
    }
    CHECK(lines.offset == n);
    lines_deinit(&lines);
    (void)fclose(file);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 14)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    bool too_long = false;
    bool too_long_whole = false;
    uint64_t whole = split(bytes, n, n, &too_long_whole);
    uint64_t pieces = split(bytes, n, 1 + data[0], &too_long);
    /* At the end of the stream a line is a line however long; it is refused when its end does not come soon enough. */
    CHECK(!too_long_whole);
    CHECK(too_long || pieces == whole);
    if (data[0] % 8 == 0)
        CHECK(split_file(bytes, n) == whole);
    return 0;
}
