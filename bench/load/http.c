#include "http.h"

#include <stdio.h>
#include <strings.h>

static bool is_field(struct text line, const char *name, struct text *out_value)
{
    size_t n = strlen(name);
    if (line.length <= n || line.bytes[n] != ':' || strncasecmp(line.bytes, name, n) != 0)
        return false;
    struct text value = {line.bytes + n + 1, line.length - (uint32_t)n - 1};
    while (value.length > 0 && *value.bytes == ' ')
        value = text_of(value.bytes + 1, value.length - 1);
    while (value.length > 0 && value.bytes[value.length - 1] == ' ')
        value.length--;
    *out_value = value;
    return true;
}

static bool is_token(struct text value, const char *token)
{
    return value.length == strlen(token) && strncasecmp(value.bytes, token, value.length) == 0;
}

static bool parse_number(struct text text, unsigned base, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.length == 0 || text.length > 15)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit >= base)
            return false;
        number = number * base + digit;
    }
    *out_number = number;
    return true;
}

/* A line that ends in CRLF, taken off the front. HTTP_BODY when there is one, HTTP_MORE or HTTP_BAD when not. */
static enum http_step take_line(struct bytequeue *in, struct text *out_line)
{
    if (!bytequeue_line(in, out_line))
        return bytequeue_length(in) > HTTP_HEAD_BYTES_MAX ? HTTP_BAD : HTTP_MORE;
    if (out_line->length == 0 || out_line->bytes[out_line->length - 1] != '\r')
        return HTTP_BAD;
    out_line->length--;
    return HTTP_BODY;
}

/* The whole head at once: nothing is taken before it is complete. */
static enum http_step read_head(struct http_reader *reader, struct bytequeue *in)
{
    size_t length = bytequeue_length(in);
    const char *end = length == 0 ? NULL : memmem(bytequeue_front(in), length, "\r\n\r\n", 4);
    if (end == NULL)
        return length > HTTP_HEAD_BYTES_MAX ? HTTP_BAD : HTTP_MORE;
    struct text line;
    uint64_t status;
    if (take_line(in, &line) != HTTP_BODY || line.length < 12 || memcmp(line.bytes, "HTTP/1.1 ", 9) != 0 ||
        !parse_number(text_of(line.bytes + 9, 3), 10, &status))
        return HTTP_BAD;
    *reader = (struct http_reader){.status = (unsigned)status};
    bool length_given = false;
    for (;;) {
        if (take_line(in, &line) != HTTP_BODY)
            return HTTP_BAD;
        if (line.length == 0)
            break;
        struct text value;
        if (is_field(line, "content-length", &value)) {
            if (length_given || !parse_number(value, 10, &reader->left))
                return HTTP_BAD;
            length_given = true;
        } else if (is_field(line, "transfer-encoding", &value)) {
            if (!is_token(value, "chunked"))
                return HTTP_BAD;
            reader->chunked = true;
        } else if (is_field(line, "connection", &value)) {
            reader->will_close = is_token(value, "close");
        }
    }
    if (status < 200) /* an interim response has no body: the real one follows */
        reader->at = HTTP_AT_HEAD;
    else if (status == 204 || status == 304)
        reader->at = HTTP_AT_END;
    else if (reader->chunked == length_given) /* neither, or both */
        return HTTP_BAD;
    else if (reader->chunked)
        reader->at = HTTP_AT_CHUNK;
    else
        reader->at = reader->left == 0 ? HTTP_AT_END : HTTP_AT_BODY;
    return HTTP_BODY;
}

/* The line before a chunk: its length. Extensions are none of ours. */
static enum http_step read_chunk_head(struct http_reader *reader, struct bytequeue *in)
{
    struct text line;
    enum http_step step = take_line(in, &line);
    if (step != HTTP_BODY)
        return step;
    if (!parse_number(line, 16, &reader->left))
        return HTTP_BAD;
    reader->at = reader->left == 0 ? HTTP_AT_TRAILER : HTTP_AT_BODY;
    return HTTP_BODY;
}

enum http_step http_read(struct http_reader *reader, struct bytequeue *in, struct text *out_body)
{
    for (;;) {
        enum http_step step = HTTP_BODY;
        struct text line;
        switch (reader->at) {
        case HTTP_AT_HEAD:
            step = read_head(reader, in);
            break;
        case HTTP_AT_CHUNK:
            step = read_chunk_head(reader, in);
            break;
        case HTTP_AT_BODY: {
            size_t n = bytequeue_length(in);
            if (n == 0)
                return HTTP_MORE;
            if (n > reader->left)
                n = (size_t)reader->left;
            *out_body = text_of(bytequeue_front(in), n);
            bytequeue_take(in, n);
            reader->left -= n;
            if (reader->left == 0)
                reader->at = reader->chunked ? HTTP_AT_CHUNK_END : HTTP_AT_END;
            return HTTP_BODY;
        }
        case HTTP_AT_CHUNK_END:
        case HTTP_AT_TRAILER:
            step = take_line(in, &line);
            if (step == HTTP_BODY && line.length > 0)
                return HTTP_BAD;
            if (step == HTTP_BODY)
                reader->at = reader->at == HTTP_AT_CHUNK_END ? HTTP_AT_CHUNK : HTTP_AT_END;
            break;
        case HTTP_AT_END:
            reader->at = HTTP_AT_HEAD;
            return HTTP_END;
        }
        if (step != HTTP_BODY)
            return step;
    }
}

void http_post(struct bytequeue *out, const char *target, uint16_t port, const char *content_type, size_t body_bytes)
{
    bytequeue_print(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                    target, port, content_type, body_bytes);
}

void http_post_chunked(struct bytequeue *out, const char *target, uint16_t port, const char *content_type)
{
    bytequeue_print(out,
                    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
                    target, port, content_type);
}

void http_get(struct bytequeue *out, const char *target, uint16_t port, const char *accept)
{
    bytequeue_print(out, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: %s\r\n\r\n", target, port, accept);
}

#define CHUNK_HEAD_BYTES 7 /* five digits, CR, LF */

size_t http_chunk_open(struct bytequeue *out)
{
    size_t mark = bytequeue_length(out);
    bytequeue_literal(out, "00000\r\n");
    return mark;
}

void http_chunk_close(struct bytequeue *out, size_t mark)
{
    size_t n = bytequeue_length(out) - mark - CHUNK_HEAD_BYTES;
    CHECK(n > 0 && n <= HTTP_CHUNK_BYTES_MAX);
    char digits[CHUNK_HEAD_BYTES];
    (void)snprintf(digits, sizeof(digits), "%05zx", n); /* n has at most five digits */
    memcpy(out->bytes + out->start + mark, digits, 5);
    bytequeue_literal(out, "\r\n");
}

void http_chunk_last(struct bytequeue *out)
{
    bytequeue_literal(out, "0\r\n\r\n");
}
