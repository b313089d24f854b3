/*
 * Goal: the HTTP parser takes what RFC 9112 allows, names everything else, and its answer does not depend on how the
 * bytes were cut.
 * Method: tables of whole requests; each is fed whole, byte by byte and in random cuts, from buffers that move and that
 * end exactly where the bytes end (so that the address sanitizer sees a read behind them).
 */
#include "unit.h"

#include "api/http1.h"
#include "api/url.h"
#include "base/prng.h"

enum { CUT_WHOLE, CUT_BYTES, CUT_RANDOM, CUT_COUNT };

struct outcome {
    enum http1_result head_result;
    enum http1_error error;
    struct http1_head head;
    enum http1_result body_result;
    size_t consumed;
    char body[40000];
    size_t body_bytes;
};

static size_t next_cut(int cut, struct prng *prng, size_t at, size_t n)
{
    if (cut == CUT_WHOLE)
        return n;
    size_t step = cut == CUT_BYTES ? 1 : 1 + prng_below(prng, 40);
    return n - at < step ? n : at + step;
}

/* Reads head and body of the first request in the bytes. `keep` receives the buffer that the head's texts borrow. */
static void run(const char *bytes, size_t n, int cut, uint64_t bytes_max, struct outcome *out, char **keep)
{
    struct prng prng = prng_of(n);
    memset(out, 0, sizeof(*out));
    http1_head_reset(&out->head);
    *keep = NULL;
    size_t given = 0;
    out->head_result = HTTP1_MORE;
    do {
        given = next_cut(cut, &prng, given, n);
        free(*keep);
        *keep = malloc(given + (given == 0));
        memcpy(*keep, bytes, given);
        out->head_result = http1_head_read(&out->head, *keep, given);
    } while (out->head_result == HTTP1_MORE && given < n);
    out->error = out->head_result == HTTP1_BAD ? out->head.error : HTTP1_ERROR_NONE;
    if (out->head_result != HTTP1_DONE)
        return;
    struct http1_body body;
    size_t at = out->head.head_bytes;
    out->body_result = http1_body_begin(&body, &out->head.request, bytes_max);
    given = at > given ? at : given;
    while (out->body_result == HTTP1_MORE) {
        size_t consumed = 0, data = 0;
        size_t piece_bytes = given - at;
        char *piece = malloc(piece_bytes + (piece_bytes == 0));
        memcpy(piece, bytes + at, piece_bytes);
        out->body_result = http1_body_take(&body, piece, piece_bytes, &consumed, &data);
        assert_true(out->body_bytes + data <= sizeof(out->body));
        memcpy(out->body + out->body_bytes, piece, data);
        out->body_bytes += data;
        free(piece);
        at += consumed;
        if (out->body_result == HTTP1_MORE) {
            assert_int_equal(consumed, piece_bytes);
            if (given == n)
                break;
            given = next_cut(cut, &prng, given, n);
        }
    }
    out->consumed = at;
    out->error = out->body_result == HTTP1_BAD ? body.error : HTTP1_ERROR_NONE;
}

static struct outcome whole, cut_up;

/* Runs all cuts and asserts that they agree. The result is in `whole`; *keep must be freed. */
static void run_all(const char *bytes, size_t n, uint64_t bytes_max, char **keep)
{
    run(bytes, n, CUT_WHOLE, bytes_max, &whole, keep);
    for (int cut = CUT_BYTES; cut < CUT_COUNT; cut++) {
        char *other;
        run(bytes, n, cut, bytes_max, &cut_up, &other);
        if (cut_up.head_result != whole.head_result || cut_up.error != whole.error ||
            cut_up.body_result != whole.body_result || cut_up.body_bytes != whole.body_bytes ||
            memcmp(cut_up.body, whole.body, whole.body_bytes) != 0 || cut_up.consumed != whole.consumed)
            fail_msg("cut %d differs: head %d/%d, error %s / %s, body %d/%d", cut, (int)cut_up.head_result,
                     (int)whole.head_result, http1_error_text(cut_up.error), http1_error_text(whole.error),
                     (int)cut_up.body_result, (int)whole.body_result);
        if (whole.head_result == HTTP1_DONE) {
            assert_true(text_equal(cut_up.head.request.path, whole.head.request.path));
            assert_true(text_equal(cut_up.head.request.host, whole.head.request.host));
            assert_true(text_equal(cut_up.head.request.content_type, whole.head.request.content_type));
        }
        free(other);
    }
}

#define GET  "GET /v1/stock HTTP/1.1\r\n"
#define POST "POST /v1/commands HTTP/1.1\r\nHost: shop:4760\r\n"
#define ROW(literal, name)                                                                                             \
    {                                                                                                                  \
        literal, sizeof(literal) - 1, HTTP1_ERROR_##name                                                               \
    }

static void malformed_heads_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum http1_error error;
    } rows[] = {
        /* The request line. */
        ROW("\r\n" GET "Host: a\r\n\r\n", BAD_METHOD),
        ROW("\n" GET "Host: a\r\n\r\n", BARE_LF),
        ROW(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", BAD_METHOD),
        ROW("GET\r\n", BAD_METHOD),
        ROW("G(T / HTTP/1.1\r\n", BAD_METHOD),
        ROW("GET\t/ HTTP/1.1\r\n", BAD_METHOD),
        ROW("GET /\r\n", BAD_REQUEST_LINE),
        ROW("GET  / HTTP/1.1\r\n", BAD_REQUEST_LINE),
        ROW("GET /  HTTP/1.1\r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTP/1.1 \r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTP/1.1\tx\r\n", BAD_REQUEST_LINE),
        ROW("GET / http/1.1\r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTP/1.10\r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTP/1\r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTPS/1.1\r\n", BAD_REQUEST_LINE),
        ROW("GET / HTTP/1.0\r\nHost: a\r\n\r\n", VERSION),
        ROW("GET / HTTP/2.0\r\n", VERSION),
        ROW("GET / HTTP/0.9\r\n", VERSION),
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
        ROW("OPTIONS * HTTP/1.1\r\n", TARGET_FORM),
        ROW("GET http://a/ HTTP/1.1\r\n", TARGET_FORM),
        ROW("CONNECT a:80 HTTP/1.1\r\n", TARGET_FORM),
        ROW("GET v1 HTTP/1.1\r\n", TARGET_FORM),
        ROW("GET ?a HTTP/1.1\r\n", TARGET_FORM),
        ROW("GET /a#b HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /a\"b HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /a<b HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /a\\b HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /\xc3\xa9 HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /a\tb HTTP/1.1\r\n", BAD_TARGET),
        ROW("GET /% HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("GET /%2 HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("GET /%2g HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("GET /%g2 HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("GET /?a=%zz HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("GET /%%41 HTTP/1.1\r\n", BAD_ESCAPE),
        ROW("\x16\x03\x01\x02", CONTROL_BYTE), /* a TLS hello on the plain port */
        ROW("GET /\0 HTTP/1.1\r\n", CONTROL_BYTE),
        /* Line ends. */
        ROW("GET / HTTP/1.1\nHost: a\n\n", BARE_LF),
        ROW(GET "Host: a\n\r\n", BARE_LF),
        ROW(GET "Host: a\r\n\n", BARE_LF),
        ROW(GET "Host: a\r\rX: y\r\n\r\n", BARE_CR),
        ROW(GET "Host: a\r\n\rX", BARE_CR),
        ROW("GET / HTTP/1.1\rHost: a\r\n\r\n", BARE_CR),
        /* Fields. */
        ROW(GET "Host: a\r\n folded\r\n\r\n", FOLDED_FIELD),
        ROW(GET "Host: a\r\n\tfolded\r\n\r\n", FOLDED_FIELD),
        ROW(GET " Host: a\r\n\r\n", FOLDED_FIELD),
        ROW(GET "Host : a\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET "Host\t: a\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET ": a\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET "Host\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET "H@st: a\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET "H\xc3\xb6st: a\r\n\r\n", BAD_FIELD_NAME),
        ROW(GET "Host: a\r\nX: a\0b\r\n\r\n", CONTROL_BYTE),
        ROW(GET "Host: a\r\nX: a\x01\r\n\r\n", CONTROL_BYTE),
        ROW(GET "Host: a\r\nX: a\x7f\r\n\r\n", CONTROL_BYTE),
        ROW(GET "Host: a\r\nX: 12345678\x0b\r\n\r\n", CONTROL_BYTE),
        ROW(GET "Host: a\r\nX\0: y\r\n\r\n", CONTROL_BYTE),
        /* Host. */
        ROW(GET "\r\n", HOST_MISSING),
        ROW(GET "Hosts: a\r\n\r\n", HOST_MISSING),
        ROW(GET "Host: a\r\nHost: a\r\n\r\n", DUPLICATE_FIELD),
        ROW(GET "Host: a\r\nhOST: b\r\n\r\n", DUPLICATE_FIELD),
        ROW(GET "Host:\r\n\r\n", BAD_HOST),
        ROW(GET "Host: \t \r\n\r\n", BAD_HOST),
        ROW(GET "Host: a b\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a/b\r\n\r\n", BAD_HOST),
        ROW(GET "Host: u@a\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a,b\r\nHost: c\r\n\r\n", DUPLICATE_FIELD),
        ROW(GET "Host: a:\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a:65536\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a:000080\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a:8x\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a:80:80\r\n\r\n", BAD_HOST),
        ROW(GET "Host: :80\r\n\r\n", BAD_HOST),
        ROW(GET "Host: [::1\r\n\r\n", BAD_HOST),
        ROW(GET "Host: []\r\n\r\n", BAD_HOST),
        ROW(GET "Host: [::1]x\r\n\r\n", BAD_HOST),
        ROW(GET "Host: [::g]\r\n\r\n", BAD_HOST),
        ROW(GET "Host: a%4\r\n\r\n", BAD_HOST),
        ROW(GET "Host: \xc3\xa9\r\n\r\n", BAD_HOST),
        /* Lengths and codings. */
        ROW(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", LENGTH_AND_CODING),
        ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", LENGTH_AND_CODING),
        ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", LENGTH_AND_CODING),
        ROW(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Content-Length: 5, 5\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: +7\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: -1\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 7abc\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 0x10\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 010\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 1 2\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 1.0\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length:\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 18446744073709551616\r\n\r\n", BAD_LENGTH),
        ROW(POST "Content-Length: 99999999999999999999999\r\n\r\n", BAD_LENGTH),
        ROW(POST "Transfer-Encoding: xchunked\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: chunked;a=b\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: identity\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding:\r\n\r\n", UNKNOWN_CODING),
        ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Content_Length: 5\r\nTransfer-Encoding\x0b: chunked\r\n\r\n", CONTROL_BYTE),
        /* Others. */
        ROW(POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Authorization: a\r\nAuthorization: b\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Origin: a\r\nOrigin: b\r\n\r\n", DUPLICATE_FIELD),
        ROW(POST "Expect: 200-ok\r\n\r\n", EXPECTATION),
        ROW(POST "Connection: a b\r\n\r\n", BAD_CONNECTION),
        ROW(POST "Connection: close;\r\n\r\n", BAD_CONNECTION),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *keep;
        run_all(rows[i].bytes, rows[i].n, UINT64_MAX, &keep);
        free(keep);
        if (whole.head_result != HTTP1_BAD || whole.error != rows[i].error)
            fail_msg("row %zu '%s': %s, expected %s", i, rows[i].bytes, http1_error_text(whole.error),
                     http1_error_text(rows[i].error));
        int http = http1_error_status(whole.error);
        assert_true(http >= 400 && http <= 505);
    }
}

static void right_heads_are_read(void **state)
{
    (void)state;
    static const char bytes[] =
        "POST /v1/items/a%2Fb%C3%A9?x=1&y=%20&x HTTP/1.1\r\nhost:  [::1]:4760 \t\r\nX: "
        "a\r\nCONTENT-TYPE:application/json\r\n"
        "Accept: text/event-stream\r\nLast-Event-ID: 1-12345\r\nIf-Match: \"7\"\r\nIf-None-Match: *\r\n"
        "Authorization: Bearer k\r\nOrigin: http://a\r\nConnection: keep-alive,, Upgrade\r\nconnection: Close\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Key: k=\r\nSec-WebSocket-Version: 13\r\nX-Latin: \xe9\t\xff\r\n"
        "Expect: 100-Continue\r\nEmpty:\r\nUser-Agent:\r\ncontent-length: 18446744073709551615\r\n\r\n";
    char *keep;
    run_all(bytes, sizeof(bytes) - 1, UINT64_MAX, &keep);
    assert_int_equal(whole.error, HTTP1_ERROR_NONE);
    assert_int_equal(whole.head_result, HTTP1_DONE);
    const struct http1_request *r = &whole.head.request;
    assert_int_equal(whole.head.head_bytes, sizeof(bytes) - 1);
    assert_int_equal(r->method, HTTP1_POST);
    assert_true(text_equal(r->method_text, TEXT("POST")));
    assert_true(text_equal(r->path, TEXT("/v1/items/a%2Fb%C3%A9")));
    assert_true(text_equal(r->query, TEXT("x=1&y=%20&x")));
    assert_true(text_equal(r->host, TEXT("[::1]:4760")));
    assert_true(text_equal(r->content_type, TEXT("application/json")));
    assert_true(text_equal(r->accept, TEXT("text/event-stream")));
    assert_true(text_equal(r->last_event_id, TEXT("1-12345")));
    assert_true(text_equal(r->if_match, TEXT("\"7\"")));
    assert_true(text_equal(r->if_none_match, TEXT("*")));
    assert_true(text_equal(r->authorization, TEXT("Bearer k")));
    assert_true(text_equal(r->origin, TEXT("http://a")));
    assert_true(text_equal(r->upgrade, TEXT("websocket")));
    assert_true(text_equal(r->sec_websocket_key, TEXT("k=")));
    assert_true(text_equal(r->sec_websocket_version, TEXT("13")));
    assert_true(text_present(r->user_agent) && r->user_agent.length == 0);
    assert_false(text_present(r->cookie));
    assert_false(text_present(r->content_encoding));
    assert_true(r->has_content_length && r->content_length == UINT64_MAX);
    assert_true(r->expect_continue && r->connection_upgrade && !r->keep_alive && !r->chunked);
    free(keep);

    static const struct {
        const char *bytes;
        enum http1_method method;
    } methods[] = {{"GET", HTTP1_GET},         {"HEAD", HTTP1_HEAD},     {"POST", HTTP1_POST},
                   {"PUT", HTTP1_PUT},         {"DELETE", HTTP1_DELETE}, {"PATCH", HTTP1_PATCH},
                   {"OPTIONS", HTTP1_OPTIONS}, {"TRACE", HTTP1_OTHER},   {"get", HTTP1_OTHER},
                   {"GETX", HTTP1_OTHER},      {"G", HTTP1_OTHER},       {"M-SEARCH", HTTP1_OTHER}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char request[200];
        int n = snprintf(request, sizeof(request), "%s /? HTTP/1.1\r\nHost: a.example\r\n\r\n", methods[i].bytes);
        run_all(request, (size_t)n, UINT64_MAX, &keep);
        assert_int_equal(whole.head_result, HTTP1_DONE);
        assert_int_equal(whole.head.request.method, methods[i].method);
        assert_true(text_present(whole.head.request.query) && whole.head.request.query.length == 0);
        assert_true(whole.head.request.keep_alive);
        assert_int_equal(whole.body_result, HTTP1_DONE);
        free(keep);
    }
}

static void heads_are_bounded(void **state)
{
    (void)state;
    static char bytes[HTTP1_HEAD_BYTES_MAX + 100];
    char *keep;
    /* Exactly the largest head, and one byte more. */
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(bytes, sizeof(bytes), GET "Host: a\r\nX: ");
        size_t fill = HTTP1_HEAD_BYTES_MAX - 4 - n + (size_t)extra;
        memset(bytes + n, 'x', fill);
        memcpy(bytes + n + fill, "\r\n\r\nrest", 8);
        run_all(bytes, n + fill + 8, UINT64_MAX, &keep);
        free(keep);
        assert_int_equal(whole.head_result, extra ? HTTP1_BAD : HTTP1_DONE);
        assert_int_equal(whole.error, extra ? HTTP1_ERROR_HEAD_TOO_LARGE : HTTP1_ERROR_NONE);
    }
    /* 100 fields, and one more. */
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(bytes, sizeof(bytes), GET "Host: a\r\n");
        for (int i = 1; i < HTTP1_FIELDS_MAX + extra; i++)
            n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "X%d: y\r\n", i);
        n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "\r\n");
        run_all(bytes, n, UINT64_MAX, &keep);
        free(keep);
        assert_int_equal(whole.error, extra ? HTTP1_ERROR_TOO_MANY_FIELDS : HTTP1_ERROR_NONE);
    }
    /* The target. */
    for (int extra = 0; extra < 2; extra++) {
        memcpy(bytes, "GET /", 5);
        size_t n = 5 + HTTP1_TARGET_BYTES_MAX - 1 + (size_t)extra;
        memset(bytes + 5, 'a', n - 5);
        n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, " HTTP/1.1\r\nHost: a\r\n\r\n");
        run_all(bytes, n, UINT64_MAX, &keep);
        free(keep);
        assert_int_equal(whole.error, extra ? HTTP1_ERROR_TARGET_TOO_LONG : HTTP1_ERROR_NONE);
    }
    memset(bytes, 'a', sizeof(bytes));
    run_all(bytes, sizeof(bytes), UINT64_MAX, &keep);
    free(keep);
    assert_int_equal(whole.error, HTTP1_ERROR_TARGET_TOO_LONG);
    assert_int_equal(http1_error_status(HTTP1_ERROR_HEAD_TOO_LARGE), 431);
    assert_int_equal(http1_error_status(HTTP1_ERROR_TARGET_TOO_LONG), 414);
    assert_int_equal(http1_error_status(HTTP1_ERROR_UNKNOWN_CODING), 501);
    assert_int_equal(http1_error_status(HTTP1_ERROR_VERSION), 505);
}

#define CHUNKED POST "Transfer-Encoding: Chunked\r\n\r\n"

static void bodies_are_read(void **state)
{
    (void)state;
    char long_extension[400], long_trailer[HTTP1_TRAILER_BYTES_MAX + 400];
    memset(long_extension, 'e', sizeof(long_extension));
    memcpy(long_extension, CHUNKED "1;", sizeof(CHUNKED "1;") - 1);
    memset(long_trailer, 't', sizeof(long_trailer));
    memcpy(long_trailer, CHUNKED "0\r\nX: ", sizeof(CHUNKED "0\r\nX: ") - 1);
    const struct {
        const char *bytes;
        size_t n;
        const char *body;
        enum http1_result result;
        enum http1_error error;
        size_t left; /* bytes that belong to the next request */
    } rows[] = {
#define B(literal, body, result, error, left)                                                                          \
    {literal, sizeof(literal) - 1, body, HTTP1_##result, HTTP1_ERROR_##error, left}
        B(POST "\r\nGET", "", DONE, NONE, 3),
        B(POST "Content-Length: 0\r\n\r\nGET", "", DONE, NONE, 3),
        B(POST "Content-Length: 5\r\n\r\nhelloGET", "hello", DONE, NONE, 3),
        B(POST "Content-Length: 5\r\n\r\nhel", "hel", MORE, NONE, 0),
        B(POST "Content-Length: 101\r\n\r\nhel", "", BAD, BODY_TOO_LARGE, 3),
        B(CHUNKED "5\r\nhello\r\n0\r\n\r\nGET", "hello", DONE, NONE, 3),
        B(CHUNKED "2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n", "hello", DONE, NONE, 0),
        B(CHUNKED "000000000000000a\r\n0123456789\r\n0000\r\n\r\n", "0123456789", DONE, NONE, 0),
        B(CHUNKED "A;x=\"y\"\r\n0123456789\r\n0;z\r\n\r\n", "0123456789", DONE, NONE, 0),
        B(CHUNKED "0\r\nETag: x\r\nOther:\r\n\r\nGET", "", DONE, NONE, 3),
        B(CHUNKED "0\r\n\r\n", "", DONE, NONE, 0),
        B(CHUNKED "1\r\n\r\r\n0\r\n\r\n", "\r", DONE, NONE, 0),
        B(CHUNKED "0\r\n", "", MORE, NONE, 0),
        B(CHUNKED "5\r\nhel", "hel", MORE, NONE, 0),
        B(CHUNKED "5", "", MORE, NONE, 0),
        B(CHUNKED "\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "x\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "0x5\r\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "+5\r\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "-1\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED " 5\r\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "5 \r\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "5\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "5\rhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "5;a\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "5;a\0\r\nhello\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED ";a\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "00000000000000005\r\nhello", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "ffffffffffffffff\r\n", "", BAD, BODY_TOO_LARGE, SIZE_MAX),
        B(CHUNKED "fffffffffffffffff\r\n", "", BAD, BAD_CHUNK_SIZE, SIZE_MAX),
        B(CHUNKED "1\r\na\r\nffffffffffffffff\r\n", "a", BAD, BODY_TOO_LARGE, SIZE_MAX),
        B(CHUNKED "65\r\n", "", BAD, BODY_TOO_LARGE, SIZE_MAX),
        B(CHUNKED "5\r\nhello\r\n60\r\n", "hello", BAD, BODY_TOO_LARGE, SIZE_MAX),
        B(CHUNKED "5\r\nhello\r\n5f\r\n", "hello", MORE, NONE, 0),
        B(CHUNKED "5\r\nhelloX\r\n", "hello", BAD, BAD_CHUNK_END, SIZE_MAX),
        B(CHUNKED "5\r\nhello\n0\r\n\r\n", "hello", BAD, BAD_CHUNK_END, SIZE_MAX),
        B(CHUNKED "5\r\nhello\rX", "hello", BAD, BAD_CHUNK_END, SIZE_MAX),
        B(CHUNKED "5\r\nhello0\r\n\r\n", "hello", BAD, BAD_CHUNK_END, SIZE_MAX),
        B(CHUNKED "0\r\n\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\n\rX", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\nGET / HTTP/1.1\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\n: x\r\n\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\n X: y\r\n\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\nX: y\n\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\nX: y\rz\r\n\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
        B(CHUNKED "0\r\nX: \x01\r\n\r\n", "", BAD, BAD_TRAILER, SIZE_MAX),
#undef B
        {long_extension, sizeof(long_extension), "", HTTP1_BAD, HTTP1_ERROR_CHUNK_LINE_TOO_LONG, SIZE_MAX},
        {long_trailer, sizeof(long_trailer), "", HTTP1_BAD, HTTP1_ERROR_TRAILER_TOO_LARGE, SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *keep;
        run_all(rows[i].bytes, rows[i].n, 100, &keep);
        free(keep);
        if (whole.head_result != HTTP1_DONE || whole.body_result != rows[i].result || whole.error != rows[i].error ||
            whole.body_bytes != strlen(rows[i].body) || memcmp(whole.body, rows[i].body, whole.body_bytes) != 0 ||
            (rows[i].left != SIZE_MAX && rows[i].n - whole.consumed != rows[i].left))
            fail_msg("row %zu '%s': head %d body %d %s, '%.*s', %zu left", i, rows[i].bytes, (int)whole.head_result,
                     (int)whole.body_result, http1_error_text(whole.error), (int)whole.body_bytes, whole.body,
                     rows[i].n - whole.consumed);
    }
}

/* Random bodies in random chunks come back; random damage never crashes and never depends on the cut. */
static void chunks_come_back(void **state)
{
    (void)state;
    struct prng prng = prng_of(11);
    static char bytes[60000], body[20000];
    for (int round = 0; round < 300; round++) {
        size_t n = (size_t)snprintf(bytes, sizeof(bytes), CHUNKED), total = 0;
        for (uint64_t chunks = prng_below(&prng, 20); chunks-- > 0;) {
            size_t size = 1 + prng_below(&prng, 300);
            n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, round % 2 ? "%zx\r\n" : "%zX;q\r\n", size);
            for (size_t k = 0; k < size; k++)
                bytes[n++] = body[total++] = (char)prng_next(&prng);
            n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "\r\n");
        }
        n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "0\r\n\r\n");
        char *keep;
        run_all(bytes, n, UINT64_MAX, &keep);
        free(keep);
        assert_int_equal(whole.body_result, HTTP1_DONE);
        assert_int_equal(whole.body_bytes, total);
        assert_memory_equal(whole.body, body, total);
        assert_int_equal(whole.consumed, n);
        for (int damage = 0; damage < 5; damage++)
            bytes[prng_below(&prng, n)] = (char)prng_next(&prng);
        run_all(bytes, n, 1 << 20, &keep);
        free(keep);
    }
}

static void targets_are_taken_apart(void **state)
{
    (void)state;
    struct text rest = TEXT("/v1/items/a%2Fb/"), segment, key, value;
    static const char *const segments[] = {"v1", "items", "a%2Fb", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(url_segment_next(&rest, &segment));
        assert_true(text_equal(segment, text_of(segments[i], strlen(segments[i]))));
    }
    assert_false(url_segment_next(&rest, &segment));
    rest = TEXT("/");
    assert_true(url_segment_next(&rest, &segment));
    assert_int_equal(segment.length, 0);
    assert_false(url_segment_next(&rest, &segment));
    rest = TEXT_NONE;
    assert_false(url_segment_next(&rest, &segment));

    rest = TEXT("item=A&&item=B=C&flag&=x&");
    static const struct {
        const char *key, *value;
    } parameters[] = {{"item", "A"}, {"item", "B=C"}, {"flag", NULL}, {"", "x"}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(url_parameter_next(&rest, &key, &value));
        assert_true(text_equal(key, text_of(parameters[i].key, strlen(parameters[i].key))));
        assert_int_equal(text_present(value), parameters[i].value != NULL);
        if (parameters[i].value != NULL)
            assert_true(text_equal(value, text_of(parameters[i].value, strlen(parameters[i].value))));
    }
    assert_false(url_parameter_next(&rest, &key, &value));
    rest = TEXT_NONE;
    assert_false(url_parameter_next(&rest, &key, &value));

    static const struct {
        const char *raw;
        enum url_part part;
        const char *decoded; /* NULL: refused */
    } rows[] = {{"a%2Fb", URL_SEGMENT, "a/b"},       {"a+b", URL_SEGMENT, "a+b"}, {"a+b%2b", URL_PARAMETER, "a b+"},
                {"%C3%A9", URL_SEGMENT, "\xc3\xa9"}, {"", URL_SEGMENT, ""},       {"%", URL_SEGMENT, NULL},
                {"%4", URL_SEGMENT, NULL},           {"a%4", URL_SEGMENT, NULL},  {"%4g", URL_SEGMENT, NULL},
                {"%-1", URL_SEGMENT, NULL},          {"%41", URL_SEGMENT, "A"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char bytes[32];
        size_t n = strlen(rows[i].raw);
        char *raw = malloc(n + (n == 0)); /* exactly its length, for the address sanitizer */
        memcpy(raw, rows[i].raw, n);
        struct text decoded;
        bool right = url_decode(rows[i].part, text_of(raw, n), bytes, sizeof(bytes), &decoded);
        assert_int_equal(right, rows[i].decoded != NULL);
        if (right) {
            assert_true(text_equal(decoded, text_of(rows[i].decoded, strlen(rows[i].decoded))));
            assert_int_equal(url_decode(rows[i].part, text_of(raw, n), bytes, decoded.length, &decoded), true);
            if (decoded.length != 0)
                assert_int_equal(url_decode(rows[i].part, text_of(raw, n), bytes, decoded.length - 1, &decoded), false);
        }
        free(raw);
    }
}

static void names_are_checked(void **state)
{
    (void)state;
    static char long_name[200];
    memset(long_name, 'a', sizeof(long_name));
    const struct {
        struct text text;
        enum name_status name, label;
    } rows[] = {
        {TEXT("85123A"), NAME_OK, NAME_OK},
        {TEXT(" a "), NAME_OK, NAME_OK},
        {TEXT("a@b"), NAME_OK, NAME_OK},
        {TEXT("\xc3\xa9"), NAME_OK, NAME_OK},
        {TEXT("\xf0\x9f\x98\x80"), NAME_OK, NAME_OK},
        {TEXT(""), NAME_EMPTY, NAME_EMPTY},
        {TEXT("@ledger"), NAME_RESERVED, NAME_OK},
        {TEXT("a\nb"), NAME_CONTROL, NAME_CONTROL},
        {TEXT("a\0b"), NAME_CONTROL, NAME_CONTROL},
        {TEXT("\x7f"), NAME_CONTROL, NAME_CONTROL},
        {TEXT("a\xc2\x85"), NAME_CONTROL, NAME_CONTROL},
        {TEXT("\xff"), NAME_NOT_UTF8, NAME_NOT_UTF8},
        {TEXT("a\xc3"), NAME_NOT_UTF8, NAME_NOT_UTF8},
        {text_of(long_name, 128), NAME_OK, NAME_OK},
        {text_of(long_name, 129), NAME_TOO_LONG, NAME_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(name_check(rows[i].text), rows[i].name);
        assert_int_equal(label_check(rows[i].text), rows[i].label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_heads_are_named), cmocka_unit_test(right_heads_are_read),
        cmocka_unit_test(heads_are_bounded),         cmocka_unit_test(bodies_are_read),
        cmocka_unit_test(chunks_come_back),          cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
