/*
 * HTTP/1.1 as a load client needs it: request heads out, responses in. The reader is strict: it takes only responses
 * whose length is given (Content-Length or chunked) and calls anything else bad, so that a server that frames wrongly
 * is noticed. It borrows from the wire's buffer and never copies.
 */
#ifndef ONHAND_BENCH_HTTP_H
#define ONHAND_BENCH_HTTP_H

#include "bytequeue.h"

#define HTTP_HEAD_BYTES_MAX 16384 /* as the server's own limit, DESIGN section 7 */

struct http_reader { /* zeroed memory is a reader before its first response */
    enum { HTTP_AT_HEAD, HTTP_AT_BODY, HTTP_AT_CHUNK, HTTP_AT_CHUNK_END, HTTP_AT_TRAILER, HTTP_AT_END } at;
    unsigned status; /* of the present response */
    bool chunked;    /* its framing */
    bool will_close; /* the server said `Connection: close` */
    uint64_t left;   /* bytes of the body, or of the chunk, still to come */
};

enum http_step {
    HTTP_MORE, /* `in` is used up, or holds the beginning of something */
    HTTP_BODY, /* out_body is the next piece of the body, borrowed until `in` is next written to */
    HTTP_END,  /* the response is complete; the next call begins another */
    HTTP_BAD   /* not HTTP/1.1 with a length: close */
};

/* One step: takes bytes from the front of `in`. */
enum http_step http_read(struct http_reader *reader, struct bytequeue *in, struct text *out_body);

/* `POST target` with a body of known length, which the caller appends. */
void http_post(struct bytequeue *out, const char *target, uint16_t port, const char *content_type, size_t body_bytes);
/* `POST target` whose body follows in chunks. */
void http_post_chunked(struct bytequeue *out, const char *target, uint16_t port, const char *content_type);
void http_get(struct bytequeue *out, const char *target, uint16_t port, const char *accept);

/*
 * A chunk written in place: http_chunk_open leaves room for the length and returns a mark, the caller appends the
 * bytes, http_chunk_close fills the length in (at least 1, at most HTTP_CHUNK_BYTES_MAX bytes).
 */
#define HTTP_CHUNK_BYTES_MAX 0xfffffu
size_t http_chunk_open(struct bytequeue *out);
void http_chunk_close(struct bytequeue *out, size_t mark);
/* The chunk that ends the body. */
void http_chunk_last(struct bytequeue *out);

#endif
