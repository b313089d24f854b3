/*
 * The problem: bytes come from anybody, cut anywhere, and a proxy before us has read them too. A parser that repairs
 * what it reads (bare LF, folded fields, two lengths) can be made to see other requests than the proxy saw.
 *
 * The idea: one pass over the head, line by line. The scanner runs to the next control byte, eight bytes at a time; in
 * a right head that is the CR of a line's end. A complete line is judged at once and never looked at again, so slow
 * senders cost no more than fast ones, and the first wrong line is answered without waiting for the rest. What was
 * found is kept as offsets until the head is complete, because the connection's buffer may move.
 *
 *     POST /v1/commands?x=1 HTTP/1.1 CR LF    line_at .......... scanned
 *     Host: shop:4760 CR LF                   start of the       bytes looked at
 *     CR LF                                   unfinished line
 *
 * Bodies are a small state machine over single framing bytes; the body bytes themselves are handed on as borrowed runs.
 *
 * References: RFC 9110, RFC 9112 (sections 2.2, 3, 5, 6, 7, 11), RFC 3986 (target and host).
 */
#include "api/http1.h"

#include <string.h>

_Static_assert(HTTP1_HEAD_BYTES_MAX <= UINT16_MAX, "offsets into the head are 16 bits");

/* Fields that we understand ourselves, numbered behind those that are handed on. */
enum {
    FIELD_CONTENT_LENGTH = HTTP1_FIELD_COUNT,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_CONNECTION,
    FIELD_REQUEST_LINE, /* not a field: the request line was read */
    FIELD_OTHER
};
_Static_assert(FIELD_OTHER <= 32, "one bit each in `seen`");

#define NAME_BYTES_KNOWN_MAX 24 /* sec-websocket-extensions */

/* Token bytes (RFC 9110 section 5.6.2) as their small letter; 0 for every other byte. */
static const unsigned char token_small[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
    ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|',   ['~'] = '~', ['0'] = '0',
    ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',   ['7'] = '7', ['8'] = '8',
    ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',   ['f'] = 'f', ['g'] = 'g',
    ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm',   ['n'] = 'n', ['o'] = 'o',
    ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',   ['v'] = 'v', ['w'] = 'w',
    ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c',   ['D'] = 'd', ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',   ['L'] = 'l', ['M'] = 'm',
    ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's',   ['T'] = 't', ['U'] = 'u',
    ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* Classes of bytes in targets and hosts (RFC 3986). */
#define IN_HOST   1u /* unreserved or sub-delims: a registered name, together with escapes */
#define IN_TARGET 2u /* those and ":@/?": path and query, together with escapes */
#define IN_HEX    4u
#define HOST      (IN_HOST | IN_TARGET)
#define HEX       (IN_HOST | IN_TARGET | IN_HEX)

static const unsigned char class_of[256] = {
    ['-'] = HOST,      ['.'] = HOST,  ['_'] = HOST, ['~'] = HOST,      ['!'] = HOST,      ['$'] = HOST,
    ['&'] = HOST,      ['\''] = HOST, ['('] = HOST, [')'] = HOST,      ['*'] = HOST,      ['+'] = HOST,
    [','] = HOST,      [';'] = HOST,  ['='] = HOST, [':'] = IN_TARGET, ['@'] = IN_TARGET, ['/'] = IN_TARGET,
    ['?'] = IN_TARGET, ['0'] = HEX,   ['1'] = HEX,  ['2'] = HEX,       ['3'] = HEX,       ['4'] = HEX,
    ['5'] = HEX,       ['6'] = HEX,   ['7'] = HEX,  ['8'] = HEX,       ['9'] = HEX,       ['a'] = HEX,
    ['b'] = HEX,       ['c'] = HEX,   ['d'] = HEX,  ['e'] = HEX,       ['f'] = HEX,       ['g'] = HOST,
    ['h'] = HOST,      ['i'] = HOST,  ['j'] = HOST, ['k'] = HOST,      ['l'] = HOST,      ['m'] = HOST,
    ['n'] = HOST,      ['o'] = HOST,  ['p'] = HOST, ['q'] = HOST,      ['r'] = HOST,      ['s'] = HOST,
    ['t'] = HOST,      ['u'] = HOST,  ['v'] = HOST, ['w'] = HOST,      ['x'] = HOST,      ['y'] = HOST,
    ['z'] = HOST,      ['A'] = HEX,   ['B'] = HEX,  ['C'] = HEX,       ['D'] = HEX,       ['E'] = HEX,
    ['F'] = HEX,       ['G'] = HOST,  ['H'] = HOST, ['I'] = HOST,      ['J'] = HOST,      ['K'] = HOST,
    ['L'] = HOST,      ['M'] = HOST,  ['N'] = HOST, ['O'] = HOST,      ['P'] = HOST,      ['Q'] = HOST,
    ['R'] = HOST,      ['S'] = HOST,  ['T'] = HOST, ['U'] = HOST,      ['V'] = HOST,      ['W'] = HOST,
    ['X'] = HOST,      ['Y'] = HOST,  ['Z'] = HOST,
};

int http1_error_status(enum http1_error error)
{
    switch (error) {
#define X(name, http, text)                                                                                            \
    case HTTP1_ERROR_##name:                                                                                           \
        return http;
        HTTP1_ERROR_MAP(X)
#undef X
    }
    return 400;
}

const char *http1_error_text(enum http1_error error)
{
    switch (error) {
#define X(name, http, text)                                                                                            \
    case HTTP1_ERROR_##name:                                                                                           \
        return text;
        HTTP1_ERROR_MAP(X)
#undef X
    }
    return "?";
}

static unsigned char byte_at(const char *bytes, size_t at)
{
    return (unsigned char)bytes[at];
}

/* Is this the word `small` (small letters, digits, '-')? Case does not matter. */
static bool is_word(const char *bytes, size_t n, const char *small)
{
    for (size_t i = 0; i < n; i++) {
        if (small[i] == '\0' || token_small[byte_at(bytes, i)] != byte_at(small, i))
            return false;
    }
    return small[n] == '\0';
}

/* ---- The request line ---- */

static enum http1_method method_of(const char *bytes, size_t n)
{
#define IS(word) (n == sizeof(word) - 1 && memcmp(bytes, word, sizeof(word) - 1) == 0)
    switch (bytes[0]) {
    case 'G':
        return IS("GET") ? HTTP1_GET : HTTP1_OTHER;
    case 'H':
        return IS("HEAD") ? HTTP1_HEAD : HTTP1_OTHER;
    case 'P':
        return IS("POST") ? HTTP1_POST : IS("PUT") ? HTTP1_PUT : IS("PATCH") ? HTTP1_PATCH : HTTP1_OTHER;
    case 'D':
        return IS("DELETE") ? HTTP1_DELETE : HTTP1_OTHER;
    case 'O':
        return IS("OPTIONS") ? HTTP1_OPTIONS : HTTP1_OTHER;
    default:
        return HTTP1_OTHER;
    }
#undef IS
}

/* What is wrong with what stands where "HTTP/1.1" should. */
static enum http1_error version_error(const char *bytes, size_t n)
{
    if (n == 8 && memcmp(bytes, "HTTP/1.1", 8) == 0)
        return HTTP1_ERROR_NONE;
    if (n == 8 && memcmp(bytes, "HTTP/", 5) == 0 && bytes[5] >= '0' && bytes[5] <= '9' && bytes[6] == '.' &&
        bytes[7] >= '0' && bytes[7] <= '9')
        return HTTP1_ERROR_VERSION;
    return HTTP1_ERROR_BAD_REQUEST_LINE;
}

static enum http1_error request_line(struct http1_head *head, const char *line, uint32_t n)
{
    uint32_t at = 0;
    while (at < n && token_small[byte_at(line, at)] != 0)
        at++;
    if (at == 0 || at == n || line[at] != ' ')
        return HTTP1_ERROR_BAD_METHOD;
    head->request.method = method_of(line, at);
    head->method_span = (struct http1_span){0, (uint16_t)at};

    uint32_t target_at = at + 1, query_at = 0;
    enum http1_error target_error = HTTP1_ERROR_NONE;
    for (at = target_at; at < n && line[at] != ' '; at++) {
        unsigned char byte = byte_at(line, at);
        if (LIKELY((class_of[byte] & IN_TARGET) != 0)) {
            if (byte == '?' && query_at == 0)
                query_at = at + 1;
        } else if (target_error == HTTP1_ERROR_NONE) {
            if (byte != '%')
                target_error = HTTP1_ERROR_BAD_TARGET;
            else if (n - at <= 2 || (class_of[byte_at(line, at + 1)] & class_of[byte_at(line, at + 2)] & IN_HEX) == 0)
                target_error = HTTP1_ERROR_BAD_ESCAPE;
        }
    }
    if (at == target_at || at == n)
        return HTTP1_ERROR_BAD_REQUEST_LINE;
    /* A foreign version is said first: the rest of its line follows rules of its own ("PRI * HTTP/2.0"). */
    enum http1_error error = version_error(line + at + 1, n - at - 1);
    if (error != HTTP1_ERROR_NONE)
        return error;
    if (line[target_at] != '/')
        return HTTP1_ERROR_TARGET_FORM;
    if (target_error != HTTP1_ERROR_NONE)
        return target_error;
    if (at - target_at > HTTP1_TARGET_BYTES_MAX)
        return HTTP1_ERROR_TARGET_TOO_LONG;
    uint32_t path_end = query_at == 0 ? at : query_at - 1;
    head->path_span = (struct http1_span){(uint16_t)target_at, (uint16_t)(path_end - target_at)};
    head->query_span = (struct http1_span){(uint16_t)query_at, (uint16_t)(query_at == 0 ? 0 : at - query_at)};
    return HTTP1_ERROR_NONE;
}

/* ---- Fields ---- */

/* The field of this name, already in small letters. */
static unsigned field_of(const char *small, size_t n)
{
#define IS(word) (memcmp(small, word, sizeof(word) - 1) == 0)
    switch (n) {
    case 4:
        return IS("host") ? HTTP1_FIELD_host : FIELD_OTHER;
    case 6:
        return IS("accept")   ? HTTP1_FIELD_accept
               : IS("origin") ? HTTP1_FIELD_origin
               : IS("cookie") ? HTTP1_FIELD_cookie
               : IS("expect") ? FIELD_EXPECT
                              : FIELD_OTHER;
    case 7:
        return IS("upgrade") ? HTTP1_FIELD_upgrade : FIELD_OTHER;
    case 8:
        return IS("if-match") ? HTTP1_FIELD_if_match : FIELD_OTHER;
    case 10:
        return IS("user-agent") ? HTTP1_FIELD_user_agent : IS("connection") ? FIELD_CONNECTION : FIELD_OTHER;
    case 12:
        return IS("content-type") ? HTTP1_FIELD_content_type : FIELD_OTHER;
    case 13:
        return IS("authorization")   ? HTTP1_FIELD_authorization
               : IS("last-event-id") ? HTTP1_FIELD_last_event_id
               : IS("if-none-match") ? HTTP1_FIELD_if_none_match
                                     : FIELD_OTHER;
    case 14:
        return IS("content-length")   ? FIELD_CONTENT_LENGTH
               : IS("sec-fetch-site") ? HTTP1_FIELD_sec_fetch_site
                                      : FIELD_OTHER;
    case 15:
        return IS("accept-encoding") ? HTTP1_FIELD_accept_encoding : FIELD_OTHER;
    case 16:
        return IS("content-encoding") ? HTTP1_FIELD_content_encoding : FIELD_OTHER;
    case 17:
        return IS("transfer-encoding")   ? FIELD_TRANSFER_ENCODING
               : IS("sec-websocket-key") ? HTTP1_FIELD_sec_websocket_key
                                         : FIELD_OTHER;
    case 21:
        return IS("sec-websocket-version") ? HTTP1_FIELD_sec_websocket_version : FIELD_OTHER;
    case 22:
        return IS("sec-websocket-protocol") ? HTTP1_FIELD_sec_websocket_protocol : FIELD_OTHER;
    case 24:
        return IS("sec-websocket-extensions") ? HTTP1_FIELD_sec_websocket_extensions : FIELD_OTHER;
    default:
        return FIELD_OTHER;
    }
#undef IS
}

/* host [":" port] (RFC 9110 section 7.2). An empty host and an empty port are no address anybody can mean. */
static bool host_valid(const char *bytes, size_t n)
{
    size_t at = 0;
    if (n != 0 && bytes[0] == '[') { /* an IPv6 address; which one it is, is compared later */
        for (at = 1; at < n && bytes[at] != ']'; at++) {
            if ((class_of[byte_at(bytes, at)] & IN_HEX) == 0 && bytes[at] != ':' && bytes[at] != '.')
                return false;
        }
        if (at < 3 || at == n)
            return false;
        at++;
    } else {
        for (; at < n && bytes[at] != ':'; at++) {
            if ((class_of[byte_at(bytes, at)] & IN_HOST) != 0)
                continue;
            if (bytes[at] != '%' || n - at <= 2 ||
                (class_of[byte_at(bytes, at + 1)] & class_of[byte_at(bytes, at + 2)] & IN_HEX) == 0)
                return false;
        }
        if (at == 0)
            return false;
    }
    if (at == n)
        return true;
    if (bytes[at++] != ':' || at == n || n - at > 5)
        return false;
    unsigned port = 0;
    for (; at < n; at++) {
        if (bytes[at] < '0' || bytes[at] > '9')
            return false;
        port = port * 10 + (unsigned)(bytes[at] - '0');
    }
    return port <= 65535;
}

/* 1*DIGIT. A leading zero is refused: somebody might read it as octal. */
static bool length_parse(const char *bytes, size_t n, uint64_t *out_length)
{
    uint64_t value = 0;
    if (n == 0 || (n > 1 && bytes[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] < '0' || bytes[i] > '9' || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(bytes[i] - '0'), &value))
            return false;
    }
    *out_length = value;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A list of tokens (RFC 9110 section 5.6.1); empty elements are allowed there. */
static bool connection_parse(struct http1_request *request, const char *bytes, size_t n)
{
    size_t at = 0;
    for (;;) {
        while (at < n && (is_blank(bytes[at]) || bytes[at] == ','))
            at++;
        if (at == n)
            return true;
        size_t start = at;
        while (at < n && token_small[byte_at(bytes, at)] != 0)
            at++;
        if (at == start)
            return false;
        if (is_word(bytes + start, at - start, "close"))
            request->keep_alive = false;
        else if (is_word(bytes + start, at - start, "upgrade"))
            request->connection_upgrade = true;
        while (at < n && is_blank(bytes[at]))
            at++;
        if (at < n && bytes[at] != ',')
            return false;
    }
}

static enum http1_error field_line(struct http1_head *head, const char *bytes, uint32_t line_at, uint32_t end)
{
    struct http1_request *request = &head->request;
    if (is_blank(bytes[line_at]))
        return HTTP1_ERROR_FOLDED_FIELD;
    if (++head->field_count > HTTP1_FIELDS_MAX)
        return HTTP1_ERROR_TOO_MANY_FIELDS;
    char small[NAME_BYTES_KNOWN_MAX];
    uint32_t at = line_at;
    for (;; at++) {
        unsigned char letter = at < end ? token_small[byte_at(bytes, at)] : 0;
        if (letter == 0)
            break;
        if (at - line_at < NAME_BYTES_KNOWN_MAX)
            small[at - line_at] = (char)letter;
    }
    uint32_t name_bytes = at - line_at;
    if (name_bytes == 0 || at == end || bytes[at] != ':')
        return HTTP1_ERROR_BAD_FIELD_NAME;
    unsigned field = field_of(small, name_bytes);
    if (field == FIELD_OTHER)
        return HTTP1_ERROR_NONE;
    at++;
    while (at < end && is_blank(bytes[at]))
        at++;
    while (end > at && is_blank(bytes[end - 1]))
        end--;
    const char *value = bytes + at;
    uint32_t n = end - at;
    if (field == FIELD_CONNECTION)
        return connection_parse(request, value, n) ? HTTP1_ERROR_NONE : HTTP1_ERROR_BAD_CONNECTION;
    uint32_t bit = UINT32_C(1) << field;
    if ((head->seen & bit) != 0)
        return HTTP1_ERROR_DUPLICATE_FIELD;
    head->seen |= bit;
    switch (field) {
    case FIELD_CONTENT_LENGTH:
        request->has_content_length = true;
        return length_parse(value, n, &request->content_length) ? HTTP1_ERROR_NONE : HTTP1_ERROR_BAD_LENGTH;
    case FIELD_TRANSFER_ENCODING:
        request->chunked = true;
        return is_word(value, n, "chunked") ? HTTP1_ERROR_NONE : HTTP1_ERROR_UNKNOWN_CODING;
    case FIELD_EXPECT:
        request->expect_continue = true;
        return is_word(value, n, "100-continue") ? HTTP1_ERROR_NONE : HTTP1_ERROR_EXPECTATION;
    case HTTP1_FIELD_host:
        if (!host_valid(value, n))
            return HTTP1_ERROR_BAD_HOST;
        break;
    default:
        break;
    }
    head->fields[field] = (struct http1_span){(uint16_t)at, (uint16_t)n};
    return HTTP1_ERROR_NONE;
}

/* ---- The head ---- */

/* First byte from `at` on that is a control byte other than HTAB, or `end`. */
static uint32_t next_control(const char *bytes, uint32_t at, uint32_t end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    for (;;) {
        while (end - at >= 8) {
            uint64_t v;
            memcpy(&v, bytes + at, 8);
            uint64_t del = v ^ (ones * 0x7f);
            if ((((v - ones * 0x20) & ~v & high) | ((del - ones) & ~del & high)) != 0)
                break;
            at += 8;
        }
        uint32_t stop = end - at >= 8 ? at + 8 : end;
        for (; at < stop; at++) {
            unsigned char byte = byte_at(bytes, at);
            if (UNLIKELY((byte < 0x20 && byte != '\t') || byte == 0x7f))
                return at;
        }
        if (at == end)
            return end;
    }
}

void http1_head_reset(struct http1_head *head)
{
    head->request = (struct http1_request){.keep_alive = true};
    head->head_bytes = 0;
    head->error = HTTP1_ERROR_NONE;
    head->line_at = 0;
    head->scanned = 0;
    head->field_count = 0;
    head->seen = 0;
}

static struct text span_text(const char *bytes, struct http1_span span)
{
    return text_of(bytes + span.at, span.length);
}

static enum http1_result bad(struct http1_head *head, enum http1_error error)
{
    head->error = error;
    return HTTP1_BAD;
}

/* The head is complete: what its fields say together, then texts for offsets. */
static enum http1_result finish(struct http1_head *head, const char *bytes)
{
    struct http1_request *request = &head->request;
    if ((head->seen & (UINT32_C(1) << HTTP1_FIELD_host)) == 0)
        return bad(head, HTTP1_ERROR_HOST_MISSING);
    if (request->chunked && request->has_content_length)
        return bad(head, HTTP1_ERROR_LENGTH_AND_CODING);
    request->method_text = span_text(bytes, head->method_span);
    request->path = span_text(bytes, head->path_span);
    request->query = head->query_span.at == 0 ? TEXT_NONE : span_text(bytes, head->query_span);
#define X(member, name)                                                                                                \
    request->member = (head->seen & (UINT32_C(1) << HTTP1_FIELD_##member)) != 0                                        \
                          ? span_text(bytes, head->fields[HTTP1_FIELD_##member])                                       \
                          : TEXT_NONE;
    HTTP1_FIELD_MAP(X)
#undef X
    head->head_bytes = head->scanned;
    return HTTP1_DONE;
}

enum http1_result http1_head_read(struct http1_head *head, const char *bytes, size_t n)
{
    uint32_t limit = n < HTTP1_HEAD_BYTES_MAX ? (uint32_t)n : HTTP1_HEAD_BYTES_MAX;
    CHECK(head->scanned <= limit);
    for (;;) {
        uint32_t at = next_control(bytes, head->scanned, limit);
        head->scanned = at;
        if (at == limit || (bytes[at] == '\r' && at + 1 == limit)) {
            if (limit < HTTP1_HEAD_BYTES_MAX)
                return HTTP1_MORE;
            bool in_request_line = (head->seen & (UINT32_C(1) << FIELD_REQUEST_LINE)) == 0;
            return bad(head, in_request_line ? HTTP1_ERROR_TARGET_TOO_LONG : HTTP1_ERROR_HEAD_TOO_LARGE);
        }
        if (bytes[at] != '\r')
            return bad(head, bytes[at] == '\n' ? HTTP1_ERROR_BARE_LF : HTTP1_ERROR_CONTROL_BYTE);
        if (bytes[at + 1] != '\n')
            return bad(head, HTTP1_ERROR_BARE_CR);
        uint32_t line_at = head->line_at;
        head->line_at = head->scanned = at + 2;
        enum http1_error error;
        if ((head->seen & (UINT32_C(1) << FIELD_REQUEST_LINE)) == 0) {
            error = request_line(head, bytes, at);
            head->seen |= UINT32_C(1) << FIELD_REQUEST_LINE;
        } else if (at == line_at) {
            return finish(head, bytes);
        } else {
            error = field_line(head, bytes, line_at, at);
        }
        if (error != HTTP1_ERROR_NONE)
            return bad(head, error);
    }
}

/* ---- Bodies ---- */

enum {
    BODY_DONE,
    BODY_LENGTH,    /* `left` bytes of a body with a length */
    BODY_SIZE,      /* in the digits of a chunk's size */
    BODY_EXTENSION, /* behind a ';' */
    BODY_SIZE_LF,   /* CR read */
    BODY_CHUNK,     /* `left` bytes of a chunk */
    BODY_CHUNK_CR,
    BODY_CHUNK_LF,
    BODY_TRAILER_START, /* at the start of a trailer line, or of the empty one */
    BODY_TRAILER_NAME,
    BODY_TRAILER_VALUE,
    BODY_TRAILER_LF,
    BODY_END_LF, /* CR of the empty line read */
    BODY_BAD
};

enum http1_result http1_body_begin(struct http1_body *body, const struct http1_request *request, uint64_t bytes_max)
{
    *body = (struct http1_body){.bytes_max = bytes_max, .state = BODY_DONE};
    if (request->chunked) {
        body->state = BODY_SIZE;
        return HTTP1_MORE;
    }
    if (request->content_length > bytes_max) {
        body->state = BODY_BAD;
        body->error = HTTP1_ERROR_BODY_TOO_LARGE;
        return HTTP1_BAD;
    }
    if (request->content_length == 0)
        return HTTP1_DONE;
    body->left = request->content_length;
    body->state = BODY_LENGTH;
    return HTTP1_MORE;
}

static int hex_digit(unsigned char byte)
{
    if ((class_of[byte] & IN_HEX) == 0)
        return -1;
    return byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

/* Field values and chunk extensions: no control byte but HTAB. */
static bool is_text_byte(unsigned char byte)
{
    return (byte >= 0x20 || byte == '\t') && byte != 0x7f;
}

/* One framing byte. */
static enum http1_error framing_byte(struct http1_body *body, unsigned char byte)
{
    switch (body->state) {
    case BODY_SIZE: {
        int digit = hex_digit(byte);
        if (digit >= 0) {
            if (++body->line_bytes > 16)
                return HTTP1_ERROR_BAD_CHUNK_SIZE;
            body->left = body->left << 4 | (uint64_t)digit;
            return HTTP1_ERROR_NONE;
        }
        if (body->line_bytes == 0 || (byte != ';' && byte != '\r'))
            return HTTP1_ERROR_BAD_CHUNK_SIZE;
        body->line_bytes++;
        body->state = byte == ';' ? BODY_EXTENSION : BODY_SIZE_LF;
        return HTTP1_ERROR_NONE;
    }
    case BODY_EXTENSION:
        if (++body->line_bytes > HTTP1_CHUNK_LINE_MAX)
            return HTTP1_ERROR_CHUNK_LINE_TOO_LONG;
        if (byte == '\r')
            body->state = BODY_SIZE_LF;
        else if (!is_text_byte(byte))
            return HTTP1_ERROR_BAD_CHUNK_SIZE;
        return HTTP1_ERROR_NONE;
    case BODY_SIZE_LF:
        if (byte != '\n')
            return HTTP1_ERROR_BAD_CHUNK_SIZE;
        if (body->left > body->bytes_max - body->total)
            return HTTP1_ERROR_BODY_TOO_LARGE;
        body->state = body->left == 0 ? BODY_TRAILER_START : BODY_CHUNK;
        body->line_bytes = 0;
        return HTTP1_ERROR_NONE;
    case BODY_CHUNK_CR:
        if (byte != '\r')
            return HTTP1_ERROR_BAD_CHUNK_END;
        body->state = BODY_CHUNK_LF;
        return HTTP1_ERROR_NONE;
    case BODY_CHUNK_LF:
        if (byte != '\n')
            return HTTP1_ERROR_BAD_CHUNK_END;
        body->state = BODY_SIZE;
        return HTTP1_ERROR_NONE;
    case BODY_END_LF:
        if (byte != '\n')
            return HTTP1_ERROR_BAD_TRAILER;
        body->state = BODY_DONE;
        return HTTP1_ERROR_NONE;
    default: /* trailers */
        break;
    }
    if (body->state == BODY_TRAILER_START && byte == '\r') {
        body->state = BODY_END_LF;
        return HTTP1_ERROR_NONE;
    }
    if (++body->trailer_bytes > HTTP1_TRAILER_BYTES_MAX)
        return HTTP1_ERROR_TRAILER_TOO_LARGE;
    switch (body->state) {
    case BODY_TRAILER_START:
    case BODY_TRAILER_NAME:
        if (byte == ':' && body->state == BODY_TRAILER_NAME)
            body->state = BODY_TRAILER_VALUE;
        else if (token_small[byte] != 0)
            body->state = BODY_TRAILER_NAME;
        else
            return HTTP1_ERROR_BAD_TRAILER;
        return HTTP1_ERROR_NONE;
    case BODY_TRAILER_VALUE:
        if (byte == '\r')
            body->state = BODY_TRAILER_LF;
        else if (!is_text_byte(byte))
            return HTTP1_ERROR_BAD_TRAILER;
        return HTTP1_ERROR_NONE;
    default:
        CHECK(body->state == BODY_TRAILER_LF);
        if (byte != '\n')
            return HTTP1_ERROR_BAD_TRAILER;
        body->state = BODY_TRAILER_START;
        return HTTP1_ERROR_NONE;
    }
}

enum http1_result http1_body_read(struct http1_body *body, const char *bytes, size_t n, size_t *out_consumed,
                                  struct text *out_data)
{
    size_t at = 0;
    *out_consumed = 0;
    while (body->state != BODY_DONE && body->state != BODY_BAD) {
        if (at == n) {
            *out_consumed = at;
            return HTTP1_MORE;
        }
        if (body->state != BODY_LENGTH && body->state != BODY_CHUNK) {
            body->error = framing_byte(body, byte_at(bytes, at++));
            if (body->error != HTTP1_ERROR_NONE)
                body->state = BODY_BAD;
            continue;
        }
        uint64_t run = n - at < body->left ? n - at : body->left;
        if (run > UINT32_MAX)
            run = UINT32_MAX; /* what a text can say */
        *out_data = text_of(bytes + at, (size_t)run);
        body->left -= run;
        body->total += run;
        if (body->left == 0)
            body->state = body->state == BODY_LENGTH ? BODY_DONE : BODY_CHUNK_CR;
        *out_consumed = at + (size_t)run;
        return HTTP1_DATA;
    }
    *out_consumed = at;
    return body->state == BODY_DONE ? HTTP1_DONE : HTTP1_BAD;
}

enum http1_result http1_body_take(struct http1_body *body, char *bytes, size_t n, size_t *out_consumed,
                                  size_t *out_data_bytes)
{
    *out_consumed = 0;
    *out_data_bytes = 0;
    for (;;) {
        size_t consumed = 0;
        struct text data = TEXT_NONE;
        enum http1_result result = http1_body_read(body, bytes + *out_consumed, n - *out_consumed, &consumed, &data);
        *out_consumed += consumed;
        if (result != HTTP1_DATA)
            return result;
        char *to = bytes + *out_data_bytes;
        if (to != data.bytes) /* a run never lies before the place it moves to */
            memmove(to, data.bytes, data.length);
        *out_data_bytes += data.length;
    }
}
