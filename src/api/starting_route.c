/*
 * While the journal is read the door is open and the shard is not there: /readyz and /metrics tell how far it is, everything else
 * is told to come again. A body that is short is taken first, so that the connection lives on.
 */
#include "api/routes.h"
#include "feed/position.h"

#include <inttypes.h>
#include <stdio.h>

#define BODY_BYTES_MAX (UINT64_C(64) * 1024) /* of a body that is taken to be dropped */

static void write_member(struct buffer *out, const char *key, uint64_t number)
{
    buffer_append(out, key, strlen(key));
    json_u64(out, number);
}

static void respond_ready(struct connection *connection)
{
    const struct journal_progress *progress = connection->io->service->progress;
    struct buffer members;
    char detail[160];
    uint32_t epoch;
    uint64_t seq;
    uint64_t whole = atomic_load(&progress->bytes_to_read);
    uint64_t read = atomic_load(&progress->bytes_read);
    uint64_t decisions = atomic_load(&progress->decisions);
    int n = snprintf(detail, sizeof(detail),
                     "the journal is being read: %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 " decisions replayed", read >> 20,
                     whole >> 20, decisions);
    buffer_init(&members, 1024);
    buffer_literal(&members, ",\"state\":\"recovering\"");
    write_member(&members, ",\"bytes_read\":", read);
    write_member(&members, ",\"bytes_to_read\":", whole);
    write_member(&members, ",\"decisions\":", decisions);
    if (journal_progress_event(progress, &epoch, &seq)) {
        char position[POSITION_TEXT_BYTES];
        unsigned length = position_format((struct position){epoch, seq}, position);
        buffer_literal(&members, ",\"position\":");
        json_string(&members, text_of(position, length));
    }
    respond_problem_members(connection, 503, "starting", text_of(detail, (size_t)n),
                            text_of(members.bytes, members.length));
    buffer_deinit(&members);
}

static void write_metric(struct buffer *out, const char *name, const char *help, uint64_t number)
{
    char text[320];
    int n = snprintf(text, sizeof(text), "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name, name, number);
    buffer_append(out, text, (size_t)n);
}

static void respond_metrics(struct connection *connection)
{
    const struct journal_progress *progress = connection->io->service->progress;
    struct buffer out;
    buffer_init(&out, 4096);
    write_metric(&out, "onhand_ready", "1 while commands are taken in.", 0);
    write_metric(&out, "onhand_recovery_bytes", "Bytes of files that this start reads, while it reads them.",
                 atomic_load(&progress->bytes_to_read));
    write_metric(&out, "onhand_recovery_read_bytes", "Bytes of these that were read.", atomic_load(&progress->bytes_read));
    write_metric(&out, "onhand_recovery_decisions", "Decisions that were replayed.", atomic_load(&progress->decisions));
    respond(connection, 200, "text/plain; version=0.0.4; charset=utf-8", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void respond_starting(struct connection *connection)
{
    respond_problem(connection, 503, "starting", TEXT_NONE,
                    TEXT("the server reads its journal: send it again; /readyz says how far it is"));
}

static void on_begin(struct connection *connection)
{
    const struct http1_request *request = &connection->head.request;
    if (connection->call != STARTING_OTHER)
        route_query(connection, NULL, 0, NULL);
    else if (request->chunked || request->content_length > BODY_BYTES_MAX)
        respond_starting(connection); /* and the connection closes: who sends without end is not listened to */
    else
        connection->deadline_ns = connection->io->now_ns + CONNECTION_BODY_NS;
}

static void on_body(struct connection *connection, const char *bytes, size_t n)
{
    (void)connection;
    (void)bytes;
    (void)n;
}

static void on_body_end(struct connection *connection)
{
    switch ((enum starting_call)connection->call) {
    case STARTING_READY:
        respond_ready(connection);
        return;
    case STARTING_METRICS:
        respond_metrics(connection);
        return;
    case STARTING_OTHER:
        respond_starting(connection);
        return;
    }
}

const struct handler starting_handler = {
    .begin = on_begin, .body = on_body, .body_end = on_body_end, .body_bytes_max = UINT64_MAX};
