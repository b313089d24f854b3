/*
 * The server's proof of itself: POST /v1/verify begins one, GET /v1/verify says how far it is and what came out (engine/verifier.h).
 * Neither waits for it, or for the engine.
 */
#include "api/routes.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES_MAX 16

struct verify_state {
    char body[BODY_BYTES_MAX];
    size_t body_bytes;
};

static const char *const states[] = {[VERIFIER_NEVER] = "never",
                                     [VERIFIER_RUNNING] = "running",
                                     [VERIFIER_RIGHT] = "right",
                                     [VERIFIER_WRONG] = "wrong",
                                     [VERIFIER_UNDONE] = "undone"};
static const char *const phases[] = {
    [VERIFIER_OF_CHECKPOINTS] = "checkpoints", [VERIFIER_OF_JOURNAL] = "journal", [VERIFIER_OF_SUMS] = "sums"};

static void member(struct buffer *out, const char *key, const char *value)
{
    buffer_append(out, key, strlen(key));
    json_string(out, text_of(value, strlen(value)));
}

static void number(struct buffer *out, const char *key, uint64_t value)
{
    buffer_append(out, key, strlen(key));
    json_u64(out, value);
}

/* What is known from its beginning on. */
static void write_read(struct buffer *out, const struct service *service, const struct verifier_report *report)
{
    if (report->until_ordinal != 0) {
        buffer_literal(out, ",\"position\":");
        render_position(out, journal_epochs(service->journal), report->until_seq);
        number(out, ",\"until_frame\":", report->until_ordinal);
    }
    number(out, ",\"frame\":", report->ordinal);
    number(out, ",\"segments\":", report->segments);
    number(out, ",\"frames\":", report->frames);
    number(out, ",\"decisions\":", report->decisions);
    number(out, ",\"bytes\":", report->bytes);
}

static void write_checkpoints(struct buffer *out, const struct verifier_report *report)
{
    buffer_literal(out, ",\"checkpoints\":[");
    for (size_t i = 0; i < report->checkpoint_count; i++) {
        member(out, i == 0 ? "{\"name\":" : ",{\"name\":", report->checkpoints[i].name);
        member(out, ",\"verdict\":", checkpoint_verdict_name(report->checkpoints[i].verdict));
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

static void respond_report(struct connection *connection, int http)
{
    struct service *service = connection->io->service;
    struct verifier_report report;
    struct buffer out;
    buffer_init(&out, 64 * 1024);
    verifier_look(service->verifier, &report);
    member(&out, "{\"state\":", states[report.state]);
    if (report.state != VERIFIER_NEVER) {
        if (report.state == VERIFIER_RUNNING)
            member(&out, ",\"phase\":", phases[report.phase]);
        buffer_literal(&out, ",\"began_at\":");
        json_time(&out, report.began_us);
        number(&out, ",\"took_ms\":", (uint64_t)report.took_ns / 1000000);
        if (report.age_ns >= 0)
            number(&out, ",\"age_ms\":", (uint64_t)report.age_ns / 1000000);
        write_read(&out, service, &report);
        if (report.state == VERIFIER_RIGHT) {
            char hash[17];
            (void)snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)report.state_hash);
            member(&out, ",\"state_hash\":", hash);
            if (report.has_chain) {
                char hex[CHAIN_HEX_BYTES];
                chain_format(&report.chain, hex);
                buffer_literal(&out, ",\"chain\":{\"position\":");
                render_position(&out, journal_epochs(service->journal), report.chain.seq);
                member(&out, ",\"head\":", hex);
                buffer_byte(&out, '}');
            }
        }
        write_checkpoints(&out, &report);
        if (report.problem[0] != 0)
            member(&out, ",\"problem\":", report.problem);
    }
    buffer_literal(&out, "}\n");
    respond(connection, http, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void on_begin(struct connection *connection)
{
    connection->state = calloc(1, sizeof(struct verify_state));
    if (connection->state == NULL)
        connection_close(connection);
    else
        (void)route_query(connection, NULL, 0, NULL);
}

static void on_body(struct connection *connection, const char *bytes, size_t n)
{
    struct verify_state *state = connection->state;
    size_t room = sizeof(state->body) - state->body_bytes;
    memcpy(state->body + state->body_bytes, bytes, n < room ? n : room);
    state->body_bytes += n < room ? n : room;
}

static void on_body_end(struct connection *connection)
{
    const struct verify_state *state = connection->state;
    if (connection->call == VERIFY_LOOK) {
        respond_report(connection, 200);
    } else if (state->body_bytes != 2 || memcmp(state->body, "{}", 2) != 0) {
        respond_problem(connection, 422, "bad_value", TEXT_NONE, TEXT("the body is {}: there is nothing to say"));
    } else {
        verifier_begin(connection->io->service->verifier); /* when one runs it is told of that */
        respond_report(connection, 202);
    }
}

static void on_end(struct connection *connection)
{
    free(connection->state);
}

const struct handler verify_handler = {
    .begin = on_begin,
    .body = on_body,
    .body_end = on_body_end,
    .end = on_end,
    .body_bytes_max = BODY_BYTES_MAX,
};
