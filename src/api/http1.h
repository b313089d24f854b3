/*
 * HTTP/1.1 requests, read strictly (RFC 9110, RFC 9112): a byte stream in, one request head at a time out, then its
 * body. Nothing is repaired. Whatever two readers could understand in two ways is refused, because a proxy in front of
 * us may be the other reader. Pure functions on borrowed bytes; one parser and one body per connection, no thread of
 * their own.
 *
 *     http1_head_reset(&head);
 *     switch (http1_head_read(&head, bytes, n)) {          bytes: everything from the request's first byte
 *     case HTTP1_MORE: read more, call again with more bytes (they may have moved);
 *     case HTTP1_BAD:  answer http1_error_status(head.error), close; the stream cannot be used any further
 *     case HTTP1_DONE: head.request is valid while bytes stay; head.head_bytes are consumed, the body follows
 *     }
 *
 * The result does not depend on how the bytes were cut. Each byte is looked at once, however slowly they come.
 *
 * Choices, where the RFC leaves one:
 *   - HTTP/1.0 and every other version is refused with 505: a proxy must be told to speak HTTP/1.1.
 *   - Empty lines before the request line are refused (RFC 9112 section 2.2 would let us skip one).
 *   - Only origin-form targets; absolute-form, authority-form and "*" are refused. No fragment.
 *   - A field that we read and that is not a list (all of struct http1_request's) must come at most once.
 *   - Expect other than 100-continue is 417. Transfer-Encoding other than exactly "chunked" is 501.
 *   - An unknown method is not an error here: HTTP1_OTHER, for the routes to answer.
 */
#ifndef ONHAND_API_HTTP1_H
#define ONHAND_API_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/text.h"

#define HTTP1_HEAD_BYTES_MAX    16384 /* request line and fields, DESIGN section 7 */
#define HTTP1_FIELDS_MAX        100   /* DESIGN section 7 */
#define HTTP1_TARGET_BYTES_MAX  8192  /* RFC 9112 section 3 recommends at least 8,000 */
#define HTTP1_CHUNK_LINE_MAX    256   /* a chunk's size and extensions; real ones have a dozen bytes */
#define HTTP1_TRAILER_BYTES_MAX 4096  /* all trailer fields together; they are checked and thrown away */

enum http1_result {
    HTTP1_MORE, /* right so far, more bytes are needed */
    HTTP1_DONE, /* the head, or the body, is complete */
    HTTP1_DATA, /* body only: here is a run of body bytes, there may be more */
    HTTP1_BAD   /* see the error; the connection must be closed after the answer */
};

/* X(name, HTTP status, text for the answer) */
#define HTTP1_ERROR_MAP(X)                                                                                             \
    X(NONE, 200, "no error")                                                                                           \
    X(BARE_LF, 400, "a line ends in LF without CR")                                                                    \
    X(BARE_CR, 400, "a CR is not followed by LF")                                                                      \
    X(CONTROL_BYTE, 400, "a control byte in the request head")                                                         \
    X(BAD_METHOD, 400, "the method is not a token")                                                                    \
    X(BAD_REQUEST_LINE, 400, "the request line is not 'method target HTTP/1.1'")                                       \
    X(BAD_TARGET, 400, "the target has a byte that must be percent-encoded, or a fragment")                            \
    X(BAD_ESCAPE, 400, "the target has a '%' that two hex digits do not follow")                                       \
    X(TARGET_FORM, 400, "the target must be a path beginning with '/'")                                                \
    X(TARGET_TOO_LONG, 414, "the target is longer than 8,192 bytes")                                                   \
    X(VERSION, 505, "only HTTP/1.1 is spoken here")                                                                    \
    X(FOLDED_FIELD, 400, "a field line begins with a blank")                                                           \
    X(BAD_FIELD_NAME, 400, "a field name is not a token directly followed by ':'")                                     \
    X(HEAD_TOO_LARGE, 431, "the request head is larger than 16,384 bytes")                                             \
    X(TOO_MANY_FIELDS, 431, "the request has more than 100 fields")                                                    \
    X(HOST_MISSING, 400, "the Host field is missing")                                                                  \
    X(BAD_HOST, 400, "the Host field is not a host with an optional port")                                             \
    X(DUPLICATE_FIELD, 400, "a field that may come once came twice")                                                   \
    X(BAD_LENGTH, 400, "Content-Length is not a decimal number")                                                       \
    X(LENGTH_AND_CODING, 400, "Content-Length and Transfer-Encoding together")                                         \
    X(UNKNOWN_CODING, 501, "Transfer-Encoding must be exactly 'chunked'")                                              \
    X(EXPECTATION, 417, "the only expectation known is 100-continue")                                                  \
    X(BAD_CONNECTION, 400, "the Connection field is not a list of tokens")                                             \
    X(BODY_TOO_LARGE, 413, "the body is larger than this call takes")                                                  \
    X(BAD_CHUNK_SIZE, 400, "a chunk size is not a hexadecimal number of at most 16 digits")                            \
    X(BAD_CHUNK_END, 400, "a chunk's bytes are not followed by CR LF")                                                 \
    X(CHUNK_LINE_TOO_LONG, 400, "a chunk's size line is longer than 256 bytes")                                        \
    X(BAD_TRAILER, 400, "a trailer field is malformed")                                                                \
    X(TRAILER_TOO_LARGE, 431, "the trailer fields are larger than 4,096 bytes")

enum http1_error {
#define X(name, http, text) HTTP1_ERROR_##name,
    HTTP1_ERROR_MAP(X)
#undef X
};

/* The HTTP status to answer with. */
int http1_error_status(enum http1_error error);
/* What is wrong, a constant in English. */
const char *http1_error_text(enum http1_error error);

enum http1_method {
    HTTP1_GET,
    HTTP1_HEAD,
    HTTP1_POST,
    HTTP1_PUT,
    HTTP1_DELETE,
    HTTP1_PATCH,
    HTTP1_OPTIONS,
    HTTP1_OTHER /* any other token, also CONNECT and TRACE */
};

/* Fields that are handed on as they came, without the blanks around them. X(member, name in small letters) */
#define HTTP1_FIELD_MAP(X)                                                                                             \
    X(host, "host")                                                                                                    \
    X(content_type, "content-type")                                                                                    \
    X(content_encoding, "content-encoding")                                                                            \
    X(accept, "accept")                                                                                                \
    X(accept_encoding, "accept-encoding")                                                                              \
    X(authorization, "authorization")                                                                                  \
    X(cookie, "cookie")                                                                                                \
    X(origin, "origin")                                                                                                \
    X(user_agent, "user-agent")                                                                                        \
    X(if_match, "if-match")                                                                                            \
    X(if_none_match, "if-none-match")                                                                                  \
    X(last_event_id, "last-event-id")                                                                                  \
    X(upgrade, "upgrade")                                                                                              \
    X(sec_fetch_site, "sec-fetch-site")                                                                                \
    X(sec_websocket_key, "sec-websocket-key")                                                                          \
    X(sec_websocket_version, "sec-websocket-version")                                                                  \
    X(sec_websocket_protocol, "sec-websocket-protocol")                                                                \
    X(sec_websocket_extensions, "sec-websocket-extensions")

/* Texts borrow the bytes given to http1_head_read. An absent field is TEXT_NONE, an empty one has length 0. */
struct http1_request {
    enum http1_method method;
    struct text method_text;
    struct text path;  /* raw, begins with '/'; every escape is well-formed, see url.h */
    struct text query; /* raw, without '?'; absent when there is none */
#define X(member, name) struct text member;
    HTTP1_FIELD_MAP(X)
#undef X
    uint64_t content_length; /* bytes; 0 when left out */
    bool has_content_length;
    bool chunked;
    bool keep_alive;         /* false when the Connection field says close */
    bool connection_upgrade; /* the Connection field says upgrade */
    bool expect_continue;
};

enum {
#define X(member, name) HTTP1_FIELD_##member,
    HTTP1_FIELD_MAP(X)
#undef X
        HTTP1_FIELD_COUNT
};

/* Offsets into the head; they survive when the bytes move between calls. */
struct http1_span {
    uint16_t at;
    uint16_t length;
};

struct http1_head {
    struct http1_request request; /* valid after HTTP1_DONE */
    uint32_t head_bytes;          /* valid after HTTP1_DONE: bytes of the head with its empty line */
    enum http1_error error;       /* valid after HTTP1_BAD */

    /* Inside. 0 <= line_at <= scanned <= bytes given so far. */
    uint32_t line_at; /* first byte of the unfinished line */
    uint32_t scanned; /* bytes looked at */
    uint32_t field_count;
    uint32_t seen; /* bit per HTTP1_FIELD, and those of http1.c */
    struct http1_span method_span, path_span, query_span;
    struct http1_span fields[HTTP1_FIELD_COUNT];
};

/* Ready for the next request of a connection. */
void http1_head_reset(struct http1_head *head);

/*
 * Reads on. bytes: the request from its first byte, n of them, n never less than in the call before. Bytes behind the
 * head (the body, the next request) may be there and are not touched. After HTTP1_DONE or HTTP1_BAD: reset first.
 */
MUST_USE enum http1_result http1_head_read(struct http1_head *head, const char *bytes, size_t n);

/* A body as it comes in, with a length or in chunks. */
struct http1_body {
    uint64_t left;      /* bytes of the body, or of this chunk, still to come */
    uint64_t total;     /* body bytes given out so far */
    uint64_t bytes_max; /* more than this is BODY_TOO_LARGE */
    enum http1_error error;
    uint32_t line_bytes;    /* of the present size line or trailer line */
    uint32_t trailer_bytes; /* of all trailer lines */
    uint8_t state;          /* of http1.c */
};

/*
 * Begins the body of a request. bytes_max: largest body this call takes; UINT64_MAX for a stream of any length.
 * HTTP1_DONE when there is no body, HTTP1_MORE when there is one, HTTP1_BAD when its stated length is above bytes_max.
 */
MUST_USE enum http1_result http1_body_begin(struct http1_body *body, const struct http1_request *request,
                                            uint64_t bytes_max);

/*
 * Reads on: bytes are those not yet consumed. *out_consumed (always written) says how many of them are used up; give
 * the rest, with more behind it, the next time. On HTTP1_DATA *out_data borrows a run of at least one body byte inside
 * those consumed: take it and call again. HTTP1_MORE: all n bytes are consumed. HTTP1_DONE: what is behind the consumed
 * bytes belongs to the next request.
 */
MUST_USE enum http1_result http1_body_read(struct http1_body *body, const char *bytes, size_t n, size_t *out_consumed,
                                           struct text *out_data);

/*
 * The same for all n bytes at once, in place: body bytes are moved together at the start of `bytes`, *out_data_bytes of
 * them (always written). HTTP1_MORE, HTTP1_DONE or HTTP1_BAD.
 */
MUST_USE enum http1_result http1_body_take(struct http1_body *body, char *bytes, size_t n, size_t *out_consumed,
                                           size_t *out_data_bytes);

#endif
