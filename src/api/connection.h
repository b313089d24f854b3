/*
 * A connection: bytes in, one request at a time, bytes out, and the deadlines of both.
 *
 * The connection reads heads and bodies; a handler, chosen by the route, gives them meaning. A response is either whole
 * (respond_*) or a stream (stream_begin, text appended to `body`, stream_end), sent in chunks.
 *
 *     HEAD --head complete, routed--> BODY --last byte--> ANSWER --connection_finish--> HEAD
 */
#ifndef ONHAND_API_CONNECTION_H
#define ONHAND_API_CONNECTION_H

#include "api/http1.h"
#include "api/io.h"
#include "api/past_work.h"

#define CONNECTION_IN_BYTES   (64 * 1024)
#define CONNECTION_OUT_BYTES  ((size_t)64 << 20) /* bound of one whole response */
#define CONNECTION_OUT_HIGH   ((size_t)512 * 1024) /* handlers produce no more while so much waits to be sent */
#define CONNECTION_HEAD_NS    (INT64_C(10) * 1000000000) /* a head takes at most this long */
#define CONNECTION_IDLE_NS    (INT64_C(75) * 1000000000) /* between requests */
#define CONNECTION_BODY_NS    (INT64_C(30) * 1000000000) /* a whole-body request takes at most this long */
#define CONNECTION_PROBE_S    60 /* a silent peer is asked after so long whether it is still there */
#define CONNECTION_STALL_NS   (INT64_C(30) * 1000000000) /* a peer that reads nothing for so long is closed */

/* What a route does with a request. All run on the connection's I/O thread; any may be NULL where it says so. */
struct handler {
    /* The head is complete. May answer at once, or take the body. */
    void (*begin)(struct connection *connection);
    /* Body bytes, borrowed for the call. */
    void (*body)(struct connection *connection, const char *bytes, size_t n);
    void (*body_end)(struct connection *connection);
    /* A request of this connection came back. */
    void (*answered)(struct connection *connection, struct request *request);
    /* A batch is free again, or output has drained: go on. */
    void (*resume)(struct connection *connection);
    /* More events are durable (watchers only). */
    void (*durable)(struct connection *connection);
    /* The time asked for with `wake_at_ns` has come. */
    void (*timeout)(struct connection *connection);
    /* Give back `state`: the exchange is over, nothing of it is outstanding. */
    void (*end)(struct connection *connection);
    uint64_t body_bytes_max; /* UINT64_MAX for a stream */
};

enum connection_phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER };

struct shared_bytes; /* counted output shared by subscribers */

struct connection {
    uv_tcp_t tcp;
    struct io *io;
    struct connection *next, *previous; /* of all */
    struct connection *dirty_next, *starved_next, *watch_next;
    bool is_dirty, is_starved, is_watching;
    bool closing;       /* no more reading, writing or handling; freed when nothing is outstanding */
    bool close_after;   /* close when the output is sent */
    bool ended;         /* the peer sends no more: what is in `in` is all there will be */
    bool reading;
    bool head_started;  /* a byte of the next head has come */
    bool uv_closed;

    char *in; /* CONNECTION_IN_BYTES and padding */
    size_t in_length;
    struct http1_head head;
    struct http1_body body_in;
    enum connection_phase phase;
    bool paused; /* the handler takes no more body for now */
    char head_copy[HTTP1_HEAD_BYTES_MAX]; /* the head's bytes, as the request borrows them */

    const struct handler *handler;
    int call;             /* which of the handler's calls */
    int subject;          /* of calls for configuration: enum name_space */
    struct text path_first, path_second; /* raw path segments behind the collection, or TEXT_NONE */
    void *state;          /* the handler's */
    uint32_t outstanding; /* requests with the engine, or jobs on other threads */
    struct past_work *past; /* one of these jobs, or NULL; stopped when the connection closes */
    struct past_read *past_read; /* the same, when it is of past_read.c */
    int64_t wake_at_ns;   /* 0 for none */

    struct buffer out;     /* to send, as on the wire */
    struct buffer sending; /* taken from `out`: with the socket, must not move */
    size_t sent;           /* of sending */
    struct buffer body;   /* of a stream: text not yet made a chunk */
    bool streaming;       /* stream_begin was called */
    bool chunked;         /* the stream is sent in chunks */
    bool writing;         /* a uv_write of `sending` is under way */
    bool drained_wanted;  /* resume the handler when the output has drained */
    uv_write_t write;
    int64_t deadline_ns;  /* of the present phase; 0 for none */
    int64_t progress_ns;  /* when the peer last took output, or output began to wait */
    size_t queued;        /* with the socket, when last looked at */
};

/* ---- io.c to connection.c ---- */
void connection_accept(struct io *io);
void connection_flush(struct connection *connection);
/* Deadlines; once a tick. */
void connection_tick(struct connection *connection);
void connection_close(struct connection *connection);
/* The server stops: reads no more, closes when what is under way is answered. */
void connection_stop(struct connection *connection);
/* Frees a closed connection once nothing of it is outstanding. */
void connection_release(struct connection *connection);

/* ---- handlers to connection.c ---- */
/* Marks output for the end of this turn. */
void connection_dirty(struct connection *connection);
/* The response is complete: the next request may come. */
void connection_finish(struct connection *connection);
/* Takes body bytes again after `paused`. */
void connection_resume(struct connection *connection);
/* Bytes waiting to be sent. */
size_t connection_waiting(const struct connection *connection);
void connection_watch(struct connection *connection, bool watch);
/* Works on the past for the present request, among these works (past_work.h); run and done get the connection. */
void connection_past_start(struct connection *connection, struct past_works *works, struct past_work *work,
                           void (*run)(void *connection), void (*done)(void *connection));
/* What `done` does first. False: the connection has closed, and the state may be gone. */
MUST_USE bool connection_past_done(struct connection *connection);

/* ---- responses ---- */
/* A whole response with this body. extra: complete header lines ("ETag: …\r\n") or TEXT_NONE. Finishes the exchange. */
void respond(struct connection *connection, int http, const char *content_type, struct text extra, struct text body);
/* Problem details (RFC 9457). field and detail may be absent. Finishes the exchange. */
void respond_problem(struct connection *connection, int http, const char *code, struct text field, struct text detail);
/* 409 feed_forked, with the last position that is common to both histories, absent when nothing is known of the other. */
void respond_forked(struct connection *connection, struct text field, struct text detail, struct text position);
/* As respond_problem, with header lines before the body. */
void respond_problem_with(struct connection *connection, int http, const char *code, struct text field,
                          struct text detail, struct text extra);
/* As respond_problem, with more members behind the others: ",\"name\":value" each. */
void respond_problem_members(struct connection *connection, int http, const char *code, struct text detail,
                             struct text members);
/* 503: a read came back without having been made, or had no room. */
void respond_unread(struct connection *connection);
/* 503: records that should be there cannot be had from the journal. */
void respond_unreadable(struct connection *connection);
/* 410: what a question takes is no longer in the journal. field: that asks for it. */
void respond_expired(struct connection *connection, struct text field);
/* As respond_problem, and closes: what follows on the connection cannot be understood. */
void respond_fatal(struct connection *connection, int http, const char *code, struct text detail);
/* Begins a stream of this type; its text goes to connection->body. */
void stream_begin(struct connection *connection, const char *content_type);
/* Ends it and finishes the exchange. */
void stream_end(struct connection *connection);

/* Chooses the handler for connection->head.request. Defined in routes.c. */
void route(struct connection *connection);

#endif
