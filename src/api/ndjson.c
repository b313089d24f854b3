#include "api/ndjson.h"

#include <string.h>

static bool is_blank(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
            return false;
    }
    return true;
}

enum ndjson_next ndjson_next(const char *bytes, size_t n, bool over, size_t bytes_max, struct text *out_line,
                             size_t *out_bytes)
{
    const char *end = memchr(bytes, '\n', n);
    *out_bytes = 0;
    if (end == NULL && !over) {
        if (n <= bytes_max)
            return NDJSON_MORE;
        *out_bytes = n;
        return NDJSON_TOO_LONG;
    }
    size_t length = end == NULL ? n : (size_t)(end - bytes);
    *out_line = text_of(bytes, length);
    *out_bytes = end == NULL ? length : length + 1;
    return is_blank(bytes, length) ? NDJSON_BLANK : NDJSON_LINE;
}
