/*
 * What a server is to others: GET /v1/role; POST /v1/fence, which ends its taking in of commands because another one takes
 * over; POST /v1/promote, which makes a standby the one that does.
 */
#include "api/routes.h"
#include "base/bytes.h"
#include "feed/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES_MAX 16
#define LOOK_NS        (INT64_C(100) * 1000 * 1000) /* while a promotion is under way */

struct role_state {
    struct service *service;
    char body[BODY_BYTES_MAX];
    size_t body_bytes;
    bool fence;        /* of a promotion: the primary is to be fenced */
    char by[SERVICE_ADDRESS_BYTES];
    bool asked; /* for the promotion */
    /* The worker's. */
    uv_work_t work;
    enum status status;
    struct fenced_at at;
};

static const char *const role_names[] = {
    [ROLE_PRIMARY] = "primary", [ROLE_STANDBY] = "standby", [ROLE_FENCED] = "fenced"};

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

static void ledger_member(struct buffer *out, const struct service *service)
{
    char text[33];
    bytes_hex(journal_genesis(service->journal)->ledger_id, 16, text);
    member(out, ",\"ledger\":", text);
}

/* An epoch as positions of it begin; there may be none yet. */
static void write_epoch(struct buffer *out, uint32_t epoch)
{
    char text[POSITION_TEXT_BYTES];
    unsigned n = position_format((struct position){epoch, 0}, text);
    json_string(out, text_of(text, n - 2)); /* without "-0" */
}

static void epoch_member(struct buffer *out, const struct service *service)
{
    buffer_literal(out, ",\"epoch\":");
    write_epoch(out, journal_epoch(service->journal));
}

/* ---- what it is ---- */

static void respond_role(struct connection *connection)
{
    struct service *service = connection->io->service;
    enum engine_role role = engine_role(service->engine);
    struct buffer out;
    buffer_init(&out, 16 * 1024);
    member(&out, "{\"role\":", role_names[role]);
    ledger_member(&out, service);
    epoch_member(&out, service);
    uint32_t promoted = epochs_promoted(journal_epochs(service->journal));
    if (promoted != 0) {
        buffer_literal(&out, ",\"promoted\":");
        write_epoch(&out, promoted);
    }
    buffer_literal(&out, ",\"position\":");
    render_position(&out, journal_epochs(service->journal), journal_durable_seq(service->journal));
    if (role == ROLE_STANDBY) {
        struct standby_report report;
        standby_look(service->standby, &report);
        uint64_t here = journal_durable_seq(service->journal);
        member(&out, ",\"primary\":", service->standby->primary);
        buffer_literal(&out, ",\"following\":");
        buffer_append(&out, report.following ? "true" : "false", report.following ? 4 : 5);
        number(&out, ",\"lag_ms\":", (uint64_t)report.lag_us / 1000);
        number(&out, ",\"events_behind\":", report.primary_seq > here ? report.primary_seq - here : 0);
        if (report.problem[0] != 0)
            member(&out, ",\"problem\":", report.problem);
    }
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

/* ---- fence ---- */

static void fence_run(uv_work_t *work)
{
    struct role_state *state = ((struct connection *)work->data)->state;
    const struct service *service = state->service;
    state->status = service->fence(service->fence_context, state->by, &state->at);
}

static void fence_done(uv_work_t *work, int result)
{
    struct connection *connection = work->data;
    struct role_state *state = connection->state;
    struct service *service = state->service;
    (void)result; /* never cancelled */
    connection->outstanding--;
    if (connection->closing) {
        connection_release(connection);
        return;
    }
    if (state->status != STATUS_OK) {
        respond_problem(connection, 503, "journal_failed", TEXT_NONE,
                        TEXT("what it has cannot be made durable, or not be kept from being gone on with; see the log"));
        return;
    }
    struct buffer out;
    buffer_init(&out, 1024);
    buffer_literal(&out, "{\"role\":\"fenced\"");
    ledger_member(&out, service);
    buffer_literal(&out, ",\"position\":");
    render_position(&out, journal_epochs(service->journal), state->at.seq);
    number(&out, ",\"frame\":", state->at.ordinal);
    char chain[9];
    (void)snprintf(chain, sizeof(chain), "%08" PRIx32, state->at.chain);
    member(&out, ",\"chain\":", chain);
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void start_fence(struct connection *connection)
{
    struct role_state *state = connection->state;
    if (engine_role(state->service->engine) == ROLE_STANDBY) {
        respond_problem(connection, 409, "standby", TEXT_NONE, TEXT("a standby takes nothing in: there is nothing to end"));
        return;
    }
    state->work.data = connection;
    connection->outstanding++;
    CHECK(uv_queue_work(&connection->io->loop, &state->work, fence_run, fence_done) == 0);
}

/* ---- promote ---- */

static void look_promotion(struct connection *connection)
{
    struct role_state *state = connection->state;
    struct service *service = state->service;
    struct standby_report report;
    standby_look(service->standby, &report);
    if (report.promotion == PROMOTION_ASKED) {
        connection->wake_at_ns = connection->io->now_ns + LOOK_NS;
        return;
    }
    connection->wake_at_ns = 0;
    if (report.promotion != PROMOTION_DONE) {
        respond_problem(connection, 409, "not_promoted", TEXT_NONE,
                        text_of(report.promotion_problem, strlen(report.promotion_problem)));
        return;
    }
    struct buffer out;
    buffer_init(&out, 16 * 1024);
    buffer_literal(&out, "{\"role\":\"primary\"");
    ledger_member(&out, service);
    epoch_member(&out, service);
    buffer_literal(&out, ",\"position\":");
    render_position(&out, journal_epochs(service->journal), journal_durable_seq(service->journal));
    number(&out, ",\"copied_to\":", report.seq);
    buffer_literal(&out, ",\"fenced\":");
    buffer_append(&out, report.fenced ? "true" : "false", report.fenced ? 4 : 5);
    member(&out, ",\"former\":", service->standby->primary);
    if (report.promotion_problem[0] != 0)
        member(&out, ",\"problem\":", report.promotion_problem);
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void start_promotion(struct connection *connection)
{
    struct role_state *state = connection->state;
    struct service *service = state->service;
    if (service->standby == NULL || engine_role(service->engine) != ROLE_STANDBY) {
        respond_problem(connection, 409, "not_standby", TEXT_NONE,
                        TEXT("this server is no standby: it takes commands, or another one took over from it; see /v1/role"));
        return;
    }
    state->asked = true;
    standby_promote(service->standby, state->fence);
    look_promotion(connection);
}

static void on_timeout(struct connection *connection)
{
    const struct role_state *state = connection->state;
    if (state->asked)
        look_promotion(connection);
}

/* ---- beginning ---- */

/* Who listens on all addresses cannot name one: it is the one that asks. */
static void name_peer(struct connection *connection)
{
    struct role_state *state = connection->state;
    static const char *const any[] = {"http://0.0.0.0:", "http://[::]:"};
    struct sockaddr_storage from;
    int from_bytes = (int)sizeof(from);
    char host[INET6_ADDRSTRLEN];
    for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        size_t n = strlen(any[i]);
        if (strncmp(state->by, any[i], n) != 0)
            continue;
        if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&from, &from_bytes) != 0 ||
            uv_ip_name((const struct sockaddr *)&from, host, sizeof(host)) != 0)
            return;
        char port[SERVICE_ADDRESS_BYTES];
        memcpy(port, state->by + n, sizeof(state->by) - n);
        bool v6 = from.ss_family == AF_INET6;
        (void)snprintf(state->by, sizeof(state->by), "http://%s%s%s:%.8s", v6 ? "[" : "", host, v6 ? "]" : "", port);
        return;
    }
}

static bool read_fence(struct connection *connection, struct text ledger, struct text by)
{
    struct role_state *state = connection->state;
    char text[33];
    bytes_hex(journal_genesis(state->service->journal)->ledger_id, 16, text);
    if (!text_present(ledger) || !text_present(by) || by.length == 0) {
        respond_problem(connection, 422, "missing_field", text_present(ledger) ? TEXT("by") : TEXT("ledger"),
                        TEXT("say of which ledger, and the address of the server that takes over"));
        return false;
    }
    for (uint32_t i = 0; i < by.length; i++) {
        if ((unsigned char)by.bytes[i] <= ' ' || by.length >= sizeof(state->by)) {
            respond_problem(connection, 422, "bad_value", TEXT("by"), TEXT("is no address of a server"));
            return false;
        }
    }
    if (!text_equal(ledger, text_of(text, 32))) {
        respond_problem(connection, 409, "other_ledger", TEXT("ledger"), TEXT("this server has another ledger"));
        return false;
    }
    memcpy(state->by, by.bytes, by.length);
    name_peer(connection);
    return true;
}

static void on_begin(struct connection *connection)
{
    struct role_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = state;
    state->service = connection->io->service;
    state->fence = true;
    if (connection->call == ROLE_GET) {
        (void)route_query(connection, NULL, 0, NULL);
    } else if (connection->call == ROLE_OF_FENCE) {
        struct parameter parameters[] = {{.key = TEXT("ledger")}, {.key = TEXT("by")}};
        if (route_query(connection, parameters, 2, NULL))
            (void)read_fence(connection, parameters[0].value, parameters[1].value);
    } else {
        struct parameter parameters[] = {{.key = TEXT("fence")}};
        if (route_query(connection, parameters, 1, NULL) && text_present(parameters[0].value))
            (void)route_flag(connection, TEXT("fence"), parameters[0].value, &state->fence);
    }
}

static void on_body(struct connection *connection, const char *bytes, size_t n)
{
    struct role_state *state = connection->state;
    size_t room = sizeof(state->body) - state->body_bytes;
    memcpy(state->body + state->body_bytes, bytes, n < room ? n : room);
    state->body_bytes += n < room ? n : room;
}

static void on_body_end(struct connection *connection)
{
    const struct role_state *state = connection->state;
    if (connection->call == ROLE_GET)
        respond_role(connection);
    else if (state->body_bytes != 2 || memcmp(state->body, "{}", 2) != 0)
        respond_problem(connection, 422, "bad_value", TEXT_NONE, TEXT("the body is {}: all else is said in the query"));
    else if (connection->call == ROLE_OF_FENCE)
        start_fence(connection);
    else
        start_promotion(connection);
}

static void on_end(struct connection *connection)
{
    free(connection->state);
}

const struct handler role_handler = {
    .begin = on_begin,
    .body = on_body,
    .body_end = on_body_end,
    .timeout = on_timeout,
    .end = on_end,
    .body_bytes_max = BODY_BYTES_MAX,
};
