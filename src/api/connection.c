/*
 * Output is flushed at the end of a loop turn, so that everything answered in one turn leaves in one system call. What the
 * socket does not take at once is left to uv_write; those bytes must not move, so `out` becomes `sending` and a fresh one
 * takes its place.
 *
 * Input stays in one buffer: a head is copied out when it is complete (its texts must survive the body behind it), body
 * bytes are given to the handler as they come.
 */
#include "api/connection.h"
#include "base/rfc3339.h"
#include "feed/position.h"

#include <stdio.h>
#include <stdlib.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

static void process(struct connection *connection);
static bool is_finished(const struct connection *connection);
static void stop_past(struct connection *connection);

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->uv_closed = true;
    connection_release(connection);
}

static void end_exchange(struct connection *connection)
{
    if (connection->handler != NULL && connection->handler->end != NULL && connection->state != NULL)
        connection->handler->end(connection);
    connection->handler = NULL;
    connection->state = NULL;
}

void connection_release(struct connection *connection)
{
    if (!connection->uv_closed || connection->outstanding != 0 || connection->is_dirty || connection->is_starved)
        return;
    struct io *io = connection->io;
    end_exchange(connection);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        io->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    io->connection_count--;
    atomic_fetch_sub(&io->service->connections, 1);
    buffer_deinit(&connection->out);
    buffer_deinit(&connection->sending);
    buffer_deinit(&connection->body);
    free(connection->in);
    free(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    connection_watch(connection, false);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    stop_past(connection);
}

/* ---- work on the past ---- */

static void stop_past(struct connection *connection)
{
    if (connection->past != NULL)
        past_work_stop(connection->past);
}

/*
 * The peer sends no more. It may still read; or it is gone, and will not say so until something is sent to it. A command is
 * answered soon; for the past that would be when all was read for nobody. So an interim answer is sent that says nothing.
 */
static void probe_peer(struct connection *connection)
{
    buffer_literal(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
    connection_dirty(connection);
}

void connection_past_start(struct connection *connection, struct past_works *works, struct past_work *work,
                           void (*run)(void *connection), void (*done)(void *connection))
{
    work->run = run;
    work->done = done;
    work->context = connection;
    connection->past = work;
    connection->outstanding++;
    if ((connection->close_after || connection->ended) && !connection->reading)
        probe_peer(connection);
    past_work_start(works, work, connection->io);
}

bool connection_past_done(struct connection *connection)
{
    connection->past = NULL;
    connection->outstanding--;
    if (!connection->closing)
        return true;
    connection_release(connection);
    return false;
}

void connection_watch(struct connection *connection, bool watch)
{
    struct io *io = connection->io;
    if (watch == connection->is_watching)
        return;
    connection->is_watching = watch;
    if (watch) {
        connection->watch_next = io->watchers;
        io->watchers = connection;
        atomic_fetch_add(&io->service->subscribers, 1);
        return;
    }
    struct connection **link = &io->watchers;
    while (*link != connection)
        link = &(*link)->watch_next;
    *link = connection->watch_next;
    atomic_fetch_sub(&io->service->subscribers, 1);
}

/* ---- output ---- */

size_t connection_waiting(const struct connection *connection)
{
    return connection->out.length + connection->sending.length - connection->sent + connection->body.length;
}

void connection_dirty(struct connection *connection)
{
    if (connection->is_dirty)
        return;
    connection->is_dirty = true;
    connection->dirty_next = connection->io->dirty;
    connection->io->dirty = connection;
}

/* Makes the stream's text one chunk. */
static void seal_chunk(struct connection *connection)
{
    if (connection->body.length == 0)
        return;
    if (connection->chunked) {
        char size[20];
        int n = snprintf(size, sizeof(size), "%zx\r\n", connection->body.length);
        buffer_append(&connection->out, size, (size_t)n);
    }
    buffer_append(&connection->out, connection->body.bytes, connection->body.length);
    if (connection->chunked)
        buffer_literal(&connection->out, "\r\n");
    buffer_reset(&connection->body);
}

/* Everything that was handed to the socket is out. */
static void after_output(struct connection *connection)
{
    buffer_reset(&connection->sending);
    connection->sent = 0;
    if (connection->out.length != 0 || connection->body.length != 0) {
        connection_dirty(connection);
        return;
    }
    bool answered = connection->phase == PHASE_HEAD || (connection->phase == PHASE_ANSWER && connection->deadline_ns == -1);
    if (connection->close_after && answered && !connection->streaming) {
        connection_close(connection);
        return;
    }
    if (connection->drained_wanted && connection->handler != NULL) {
        connection->drained_wanted = false;
        connection->handler->resume(connection);
    }
    if (connection->phase == PHASE_HEAD && connection->in_length != 0)
        process(connection); /* a request that waited for its turn, see there */
}

static void on_written(uv_write_t *write, int result)
{
    struct connection *connection = write->data;
    connection->writing = false;
    if (connection->closing)
        return;
    if (result < 0) {
        connection_close(connection);
        return;
    }
    connection->progress_ns = connection->io->now_ns;
    after_output(connection);
}

/* Hands `out` to the socket. */
static void send_out(struct connection *connection)
{
    struct buffer empty = connection->sending;
    connection->sending = connection->out;
    connection->out = empty;
    connection->sent = 0;
    struct buffer *sending = &connection->sending;
    uv_buf_t bytes = uv_buf_init(sending->bytes, (unsigned)sending->length);
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        connection_close(connection);
        return;
    }
    connection->progress_ns = connection->io->now_ns;
    if (sent == (int)sending->length) {
        after_output(connection);
        return;
    }
    connection->sent = sent < 0 ? 0 : (size_t)sent;
    bytes = uv_buf_init(sending->bytes + connection->sent, (unsigned)(sending->length - connection->sent));
    connection->writing = true;
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written) != 0) {
        connection->writing = false;
        connection_close(connection);
    }
}

void connection_flush(struct connection *connection)
{
    if (connection->closing)
        return;
    if (!connection->writing) {
        seal_chunk(connection);
        if (connection->out.failed || connection->body.failed) {
            connection_close(connection);
            return;
        }
        if (connection->out.length != 0)
            send_out(connection);
    }
    if (!connection->closing && is_finished(connection))
        process(connection);
}

/* ---- responses ---- */

static const char *reason_phrase(int http)
{
    static const struct {
        int http;
        const char *phrase;
    } phrases[] = {{200, "OK"},
                   {202, "Accepted"},
                   {201, "Created"},
                   {400, "Bad Request"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {411, "Length Required"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {421, "Misdirected Request"},
                   {422, "Unprocessable Content"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"},
                   {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].http == http)
            return phrases[i].phrase;
    }
    return "Status";
}

/* What a standby shows may be old: how far it is, and how old at most. */
static void mark_standby(struct connection *connection)
{
    struct service *service = connection->io->service;
    struct standby_report report;
    char position[POSITION_TEXT_BYTES];
    char lines[128 + POSITION_TEXT_BYTES];
    if (engine_role(service->engine) != ROLE_STANDBY)
        return;
    standby_look(service->standby, &report);
    unsigned length = position_format((struct position){journal_epoch(service->journal),
                                                        journal_durable_seq(service->journal)}, position);
    int n = snprintf(lines, sizeof(lines), "Onhand-Position: %.*s\r\nOnhand-Lag-Ms: %lld\r\n", (int)length, position,
                     (long long)(report.lag_us / 1000));
    buffer_append(&connection->out, lines, (size_t)n);
}

static void begin_head(struct connection *connection, int http, const char *content_type)
{
    if (!connection->head.request.keep_alive && connection->phase != PHASE_HEAD)
        connection->close_after = true;
    struct buffer *out = &connection->out;
    char line[160];
    int n = snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", http, reason_phrase(http),
                     content_type);
    buffer_append(out, line, (size_t)n);
    /* Figures are true at their position only: nobody may keep them. */
    buffer_literal(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (service_is_open(connection->io->service) && connection->io->service->standby != NULL)
        mark_standby(connection);
    if (connection->close_after)
        buffer_literal(out, "Connection: close\r\n");
    if (http == 503 || http == 507 || http == 429)
        buffer_literal(out, "Retry-After: 1\r\n");
}

/* Answered before the body was read: what is still to come belongs to nobody, and the connection ends with the answer. */
static void give_up_body(struct connection *connection)
{
    const struct http1_request *request = &connection->head.request;
    if (connection->phase == PHASE_BODY && (request->chunked || request->content_length != 0))
        connection->close_after = true;
}

void respond(struct connection *connection, int http, const char *content_type, struct text extra, struct text body)
{
    give_up_body(connection); /* before the head, which says so */
    begin_head(connection, http, content_type);
    struct buffer *out = &connection->out;
    buffer_text(out, extra);
    buffer_literal(out, "Content-Length: ");
    json_u64(out, body.length);
    buffer_literal(out, "\r\n\r\n");
    if (connection->phase == PHASE_HEAD || connection->head.request.method != HTTP1_HEAD)
        buffer_text(out, body); /* the answer to HEAD is a head */
    connection_dirty(connection);
    connection_finish(connection);
}

/* members: more of them, as ",\"name\":value", or absent. */
static void problem(struct connection *connection, int http, const char *code, struct text field, struct text detail,
                    struct text members, struct text extra)
{
    struct buffer body;
    buffer_init(&body, 64 * 1024);
    buffer_literal(&body, "{\"type\":\"urn:onhand:problem:");
    buffer_text(&body, text_of(code, strlen(code)));
    buffer_literal(&body, "\",\"title\":\"");
    const char *phrase = reason_phrase(http);
    buffer_text(&body, text_of(phrase, strlen(phrase)));
    buffer_literal(&body, "\",\"status\":");
    json_u64(&body, (uint64_t)http);
    buffer_literal(&body, ",\"code\":\"");
    buffer_text(&body, text_of(code, strlen(code)));
    buffer_literal(&body, "\"");
    if (text_present(field)) {
        buffer_literal(&body, ",\"field\":");
        json_string(&body, field);
    }
    if (text_present(detail)) {
        buffer_literal(&body, ",\"detail\":");
        json_string(&body, detail);
    }
    if (text_present(members))
        buffer_text(&body, members);
    buffer_literal(&body, "}\n");
    respond(connection, http, "application/problem+json", extra, text_of(body.bytes, body.length));
    buffer_deinit(&body);
}

void respond_problem_with(struct connection *connection, int http, const char *code, struct text field,
                          struct text detail, struct text extra)
{
    problem(connection, http, code, field, detail, TEXT_NONE, extra);
}

void respond_problem_members(struct connection *connection, int http, const char *code, struct text detail,
                             struct text members)
{
    problem(connection, http, code, TEXT_NONE, detail, members, TEXT_NONE);
}

void respond_problem(struct connection *connection, int http, const char *code, struct text field, struct text detail)
{
    problem(connection, http, code, field, detail, TEXT_NONE, TEXT_NONE);
}

void respond_forked(struct connection *connection, struct text field, struct text detail, struct text position)
{
    char bytes[80];
    int n = 0;
    if (text_present(position))
        n = snprintf(bytes, sizeof(bytes), ",\"position\":\"%.*s\"", (int)position.length, position.bytes);
    CHECK(n >= 0 && (size_t)n < sizeof(bytes));
    problem(connection, 409, "feed_forked", field, detail, n == 0 ? TEXT_NONE : text_of(bytes, (size_t)n), TEXT_NONE);
}

void respond_unread(struct connection *connection)
{
    respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("the server cannot read just now"));
}

void respond_unreadable(struct connection *connection)
{
    respond_problem(connection, 503, "feed_unreadable", TEXT_NONE, TEXT("the journal cannot be read just now; see the log"));
}

void respond_expired(struct connection *connection, struct text field)
{
    char detail[160];
    char time[RFC3339_TEXT_BYTES];
    int64_t oldest_us = journal_oldest_us(connection->io->service->journal);
    unsigned length = rfc3339_format(oldest_us, time);
    int n = snprintf(detail, sizeof(detail), "the journal that it takes is no longer kept; figures are known as of %.*s and later",
                     (int)length, time);
    CHECK(n > 0 && (size_t)n < sizeof(detail));
    respond_problem(connection, 410, "history_expired", field, text_of(detail, (size_t)n));
}

void respond_fatal(struct connection *connection, int http, const char *code, struct text detail)
{
    connection->close_after = true;
    respond_problem(connection, http, code, TEXT_NONE, detail);
}

void stream_begin(struct connection *connection, const char *content_type)
{
    begin_head(connection, 200, content_type);
    buffer_literal(&connection->out, "Transfer-Encoding: chunked\r\n\r\n");
    connection->streaming = true;
    connection->chunked = true;
    connection_dirty(connection);
}

void stream_end(struct connection *connection)
{
    seal_chunk(connection);
    buffer_literal(&connection->out, "0\r\n\r\n");
    connection->streaming = false;
    connection_dirty(connection);
    connection_finish(connection);
}

/* ---- input ---- */

static void stop_reading(struct connection *connection)
{
    if (connection->reading)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    connection->reading = false;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *buf = uv_buf_init(connection->in + connection->in_length,
                       (unsigned)(CONNECTION_IN_BYTES - connection->in_length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    (void)buf;
    if (n == UV_EOF && connection->phase == PHASE_ANSWER && !connection->is_watching && !connection->closing &&
        (connection->outstanding != 0 || connection_waiting(connection) != 0)) {
        /* The peer sends no more but may still read: it gets what is under way, and what it asked for behind that. */
        stop_reading(connection);
        connection->ended = true;
        connection->close_after = connection->in_length == 0;
        if (connection->past != NULL)
            probe_peer(connection);
        return;
    }
    if (n < 0) {
        connection_close(connection); /* the peer is gone, or in the middle of something it will not finish */
        return;
    }
    if (n == 0 || connection->closing)
        return;
    connection->in_length += (size_t)n;
    process(connection);
}

static void start_reading(struct connection *connection)
{
    if (connection->reading || connection->closing || connection->in_length == CONNECTION_IN_BYTES ||
        connection->io->stopping)
        return;
    connection->reading = uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read) == 0;
    if (!connection->reading)
        connection_close(connection);
}

void connection_stop(struct connection *connection)
{
    stop_reading(connection);
    connection->close_after = true;
}

static void consume(struct connection *connection, size_t n)
{
    connection->in_length -= n;
    memmove(connection->in, connection->in + n, connection->in_length);
}

void connection_finish(struct connection *connection)
{
    give_up_body(connection);
    connection->phase = PHASE_ANSWER;
    connection->deadline_ns = -1; /* finished: process() goes on with the next head */
}

static void next_request(struct connection *connection)
{
    end_exchange(connection);
    http1_head_reset(&connection->head);
    connection->phase = PHASE_HEAD;
    connection->head_started = false;
    connection->paused = false;
    connection->drained_wanted = false; /* it was the last handler's; the next one has its body to wait for */
    connection->wake_at_ns = 0;
    connection->deadline_ns = connection->io->now_ns + CONNECTION_IDLE_NS;
}

static bool is_finished(const struct connection *connection)
{
    return connection->phase == PHASE_ANSWER && connection->deadline_ns == -1 && connection->outstanding == 0;
}

static void body_complete(struct connection *connection)
{
    connection->phase = PHASE_ANSWER;
    connection->deadline_ns = 0;
    if (connection->handler->body_end != NULL)
        connection->handler->body_end(connection);
}

/* Reads a head; false when there is no complete one. */
static bool process_head(struct connection *connection)
{
    if (connection->in_length == 0)
        return false;
    if (!connection->head_started) {
        connection->head_started = true;
        connection->deadline_ns = connection->io->now_ns + CONNECTION_HEAD_NS;
    }
    size_t limit = connection->in_length < HTTP1_HEAD_BYTES_MAX ? connection->in_length : HTTP1_HEAD_BYTES_MAX;
    memcpy(connection->head_copy, connection->in, limit);
    enum http1_result result = http1_head_read(&connection->head, connection->head_copy, limit);
    if (result == HTTP1_MORE)
        return false;
    if (result == HTTP1_BAD) {
        connection->in_length = 0;
        const char *text = http1_error_text(connection->head.error);
        respond_fatal(connection, http1_error_status(connection->head.error), "bad_request",
                      text_of(text, strlen(text)));
        return false;
    }
    atomic_fetch_add_explicit(&connection->io->service->requests, 1, memory_order_relaxed);
    consume(connection, connection->head.head_bytes);
    connection->phase = PHASE_BODY;
    connection->deadline_ns = 0;
    route(connection);
    if (connection->phase != PHASE_BODY) /* answered by the route: no body was wanted */
        return true;
    const struct handler *handler = connection->handler;
    result = http1_body_begin(&connection->body_in, &connection->head.request, handler->body_bytes_max);
    if (result == HTTP1_BAD) {
        const char *text = http1_error_text(connection->body_in.error);
        respond_fatal(connection, http1_error_status(connection->body_in.error), "body_too_large",
                      text_of(text, strlen(text)));
        return true;
    }
    if (connection->head.request.expect_continue && result == HTTP1_MORE) {
        buffer_literal(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
        connection_dirty(connection);
    }
    if (handler->begin != NULL)
        handler->begin(connection);
    if (result == HTTP1_DONE && connection->phase == PHASE_BODY && !connection->closing)
        body_complete(connection);
    return true;
}

/* Reads body bytes; false when more must come first. */
static bool process_body(struct connection *connection)
{
    if (connection->paused || connection->in_length == 0)
        return false;
    size_t consumed = 0;
    size_t data = 0;
    enum http1_result result =
        http1_body_take(&connection->body_in, connection->in, connection->in_length, &consumed, &data);
    if (data != 0)
        connection->handler->body(connection, connection->in, data);
    consume(connection, consumed);
    if (connection->phase != PHASE_BODY)
        return true; /* the handler has answered already */
    if (result == HTTP1_BAD) {
        const char *text = http1_error_text(connection->body_in.error);
        struct text detail = text_of(text, strlen(text));
        if (connection->streaming) /* the answer has begun: all that is left is to close */
            connection_close(connection);
        else
            respond_fatal(connection, http1_error_status(connection->body_in.error),
                          connection->body_in.error == HTTP1_ERROR_BODY_TOO_LARGE ? "body_too_large" : "bad_request",
                          detail);
        return true;
    }
    if (result == HTTP1_DONE)
        body_complete(connection);
    return true;
}

/* The peer has ended, and what had come is looked at: the answer to it is the last. */
static void process_end(struct connection *connection)
{
    bool stuck = connection->phase == PHASE_BODY && !connection->paused; /* the rest of a body will not come */
    if (connection->phase == PHASE_HEAD && connection_waiting(connection) > CONNECTION_OUT_HIGH)
        return; /* the next head is looked at when there is room */
    if (connection->phase == PHASE_HEAD || connection->in_length == 0)
        connection->close_after = true;
    if (stuck || (connection->phase == PHASE_HEAD && connection_waiting(connection) == 0))
        connection_close(connection);
}

static void process(struct connection *connection)
{
    bool more = true;
    while (more && !connection->closing) {
        if (is_finished(connection)) {
            if (connection->close_after) {
                connection->in_length = 0; /* the rest cannot be understood */
                break;
            }
            next_request(connection);
        }
        switch (connection->phase) {
        case PHASE_HEAD:
            /* Answers that are not read: no request is begun before they are, or they would pile up. */
            more = connection_waiting(connection) <= CONNECTION_OUT_HIGH && process_head(connection);
            break;
        case PHASE_BODY:
            more = process_body(connection);
            break;
        case PHASE_ANSWER:
            more = is_finished(connection);
            break;
        }
    }
    if (connection->closing)
        return;
    if (connection->ended)
        process_end(connection);
    else if (connection->in_length == CONNECTION_IN_BYTES)
        stop_reading(connection);
    else
        start_reading(connection);
}

void connection_resume(struct connection *connection)
{
    if (connection->closing)
        return;
    connection->paused = false;
    process(connection);
}

void connection_accept(struct io *io)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    char *in = malloc(CONNECTION_IN_BYTES + JSON_PADDING);
    if (connection == NULL || in == NULL) {
        free(connection);
        free(in);
        /* libuv has taken it from the kernel and looks for no other until somebody wants it: the next tick does. */
        io->accept_owed = true;
        atomic_fetch_add(&io->service->accepts_owed, 1);
        return;
    }
    io->accept_owed = false;
    connection->io = io;
    connection->in = in;
    buffer_init(&connection->out, CONNECTION_OUT_BYTES);
    buffer_init(&connection->sending, CONNECTION_OUT_BYTES);
    buffer_init(&connection->body, CONNECTION_OUT_BYTES);
    CHECK(uv_tcp_init(&io->loop, &connection->tcp) == 0);
    connection->tcp.data = connection;
    connection->next = io->connections;
    if (io->connections != NULL)
        io->connections->previous = connection;
    io->connections = connection;
    io->connection_count++;
    atomic_fetch_add(&io->service->connections, 1);
    next_request(connection);
    connection->progress_ns = io->now_ns;
    bool refuse = io->connection_count > io->service->connection_count_max || io->stopping;
    if (uv_accept((uv_stream_t *)&io->listener, (uv_stream_t *)&connection->tcp) != 0 || refuse) {
        atomic_fetch_add(&io->service->connections_refused, refuse ? 1 : 0);
        connection_close(connection);
        return;
    }
    (void)uv_tcp_nodelay(&connection->tcp, 1); /* answers are written whole; without it they only come later */
    /* A stream of commands has no deadline: a peer that vanished in the middle of one is found by the system's probes. */
    (void)uv_tcp_keepalive(&connection->tcp, 1, CONNECTION_PROBE_S);
    start_reading(connection);
}

/*
 * Output the peer has not taken: what waits here, and what the system has for it. The latter is megabytes of buffer, and
 * the socket is writable again only when a third of them is free: a slow reader would look like a dead one for minutes.
 */
static size_t bytes_not_taken(const struct connection *connection)
{
    int fd;
    int in_system = 0;
    if (uv_fileno((const uv_handle_t *)&connection->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &in_system) != 0)
        in_system = 0;
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp) + (size_t)in_system;
}

/* Whether the peer has answered the probe with a reset. Nothing is read any more that would tell. */
static bool is_reset(const struct connection *connection)
{
    int fd;
    int error = 0;
    socklen_t n = sizeof(error);
    return uv_fileno((const uv_handle_t *)&connection->tcp, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error != 0;
}

void connection_tick(struct connection *connection)
{
    if (connection->closing)
        return;
    if (connection->past != NULL && !connection->reading && is_reset(connection)) {
        connection_close(connection);
        return;
    }
    int64_t now_ns = connection->io->now_ns;
    size_t queued = connection->writing ? bytes_not_taken(connection) : 0;
    if (queued < connection->queued)
        connection->progress_ns = now_ns; /* however little it takes, it reads */
    connection->queued = queued;
    if (connection->writing && now_ns - connection->progress_ns > CONNECTION_STALL_NS) {
        atomic_fetch_add(&connection->io->service->slow_closed, 1);
        connection_close(connection);
        return;
    }
    if (connection->deadline_ns > 0 && now_ns > connection->deadline_ns) {
        bool idle = connection->phase == PHASE_HEAD && !connection->head_started;
        if (idle && connection_waiting(connection) != 0) { /* it still reads the last answer */
            connection->deadline_ns = now_ns + CONNECTION_IDLE_NS;
            return;
        }
        if (idle || connection->streaming)
            connection_close(connection);
        else
            respond_fatal(connection, 408, "too_slow", TEXT("the request did not come in time"));
        return;
    }
    if (connection->wake_at_ns != 0 && now_ns >= connection->wake_at_ns && connection->handler != NULL) {
        connection->wake_at_ns = 0;
        connection->handler->timeout(connection);
    }
}
