/*
 * Configuration: PUT, GET and DELETE of an item, a location, a channel or a source. PUT of a whole collection as NDJSON is
 * commands_route.c's: its lines are commands like others.
 *
 * A GET takes its place among the commands, as every read does. A PUT is answered from its own record, with what is now
 * set; so is a refusal, with what was in the way.
 */
#include "api/answer.h"
#include "api/config_json.h"
#include "api/routes.h"

#include <stdlib.h>

#define PUT_BYTES_MAX 65536

struct config_call {
    enum name_space space;
    struct text name; /* as asked: of an item, it may be a merged one */
    char name_bytes[3 * NAME_BYTES_MAX];
    struct buffer text; /* of a PUT */
    bool dry_run;
    const struct quality *quality;
    /* Filled by the engine's thread. */
    bool found;
    struct config_copy config;
    uint8_t form_bytes[CONFIG_BYTES_MAX];
};

static const char *const words[NAME_SPACE_COUNT] = {"item", "location", "source", "channel"};
static const char *const unknown_codes[NAME_SPACE_COUNT] = {"unknown_item", "unknown_location", "unknown_source",
                                                            "unknown_channel"};

static struct text constant(const char *string)
{
    return text_of(string, strlen(string));
}

/* ---- engine thread ---- */

static void read_config(const struct ledger *ledger, struct request *request)
{
    struct config_call *call = request->detail;
    uint32_t number = call->space == NAME_ITEM ? ledger_item_find(ledger, call->name)
                                               : ledger_number(ledger, call->space, call->name);
    call->found = number != NUMBER_NONE;
    if (call->found)
        config_copy(ledger, call->quality, call->space, number, call->form_bytes, &call->config);
}

/* ---- I/O thread: answers ---- */

static struct render render_of(const struct connection *connection)
{
    const struct service *service = connection->io->service;
    return (struct render){service->ledger, journal_epochs(service->journal), 0, NULL};
}

static void respond_config(struct connection *connection, const struct config_copy *config)
{
    const struct render render = render_of(connection);
    struct buffer head, body;
    buffer_init(&head, 64);
    buffer_init(&body, CONNECTION_OUT_BYTES);
    buffer_literal(&head, "ETag: \"");
    json_u64(&head, config->stamp);
    buffer_literal(&head, "\"\r\n");
    render_config(&body, &render, config);
    buffer_byte(&body, '\n');
    respond(connection, 200, "application/json", text_of(head.bytes, head.length), text_of(body.bytes, body.length));
    buffer_deinit(&head);
    buffer_deinit(&body);
}

static void respond_refusal(struct connection *connection, const struct config_call *call, const struct event *event)
{
    const struct render render = render_of(connection);
    bool missing = connection->call == CONFIG_DELETE && text_equal(event->subject, call->name) &&
                   strcmp(code_name(event->code), unknown_codes[call->space]) == 0;
    int http = event->code == CODE_precondition_failed ? 412 : missing ? 404 : 409;
    struct buffer body;
    buffer_init(&body, CONNECTION_OUT_BYTES);
    buffer_literal(&body, "{\"type\":\"urn:onhand:problem:");
    buffer_text(&body, constant(code_name(event->code)));
    buffer_literal(&body, "\",\"title\":\"Refused\",\"status\":");
    json_u64(&body, (uint64_t)http);
    render_refusal(&body, &render, event);
    buffer_literal(&body, "}\n");
    respond(connection, http, "application/problem+json", TEXT_NONE, text_of(body.bytes, body.length));
    buffer_deinit(&body);
}

static void respond_deleted(struct connection *connection, const struct config_call *call, uint64_t seq)
{
    struct buffer body;
    buffer_init(&body, CONNECTION_OUT_BYTES);
    buffer_literal(&body, "{\"");
    buffer_text(&body, constant(words[call->space]));
    buffer_literal(&body, "\":");
    json_string(&body, call->name);
    buffer_literal(&body, ",\"deleted\":true,\"position\":");
    render_position(&body, journal_epochs(connection->io->service->journal), seq);
    buffer_literal(&body, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(body.bytes, body.length));
    buffer_deinit(&body);
}

static void read_answered(struct connection *connection, const struct request *request)
{
    const struct config_call *call = connection->state;
    if (request->answer.status != ANSWER_READ)
        respond_unread(connection);
    else if (!call->found)
        respond_problem(connection, 404, unknown_codes[call->space], constant(words[call->space]), TEXT("no such name"));
    else
        respond_config(connection, &call->config);
}

/* What is now set: with `merge`, the other item, in the last event. Behind a location's event are those of its bins,
 * behind a source's may be that it is silent no more. */
static void put_answered(struct connection *connection, const struct decision *decision)
{
    const struct config_call *call = connection->state;
    const struct event *event = &decision->events[call->space == NAME_ITEM ? decision->event_count - 1 : 0];
    uint32_t number = call->space == NAME_ITEM ? event->item : event->config_number;
    struct config_copy config = {.space = call->space,
                                 .name = ledger_name(connection->io->service->ledger, call->space, number),
                                 .stamp = event->seq,
                                 .scale = event->scale,
                                 .form = event->config};
    if (call->space == NAME_CHANNEL)
        ledger_channel_form(event->config, &config.channel);
    respond_config(connection, &config);
}

static void on_answered(struct connection *connection, struct request *request)
{
    const struct answer *answer = &request->answer;
    const struct decision *decision;
    if (connection->closing)
        return;
    if (connection->call == CONFIG_GET) {
        read_answered(connection, request);
        return;
    }
    const struct config_call *call = connection->state;
    if (call->dry_run) {
        answer_respond(connection, request); /* as a command's: there is nothing to read back */
        return;
    }
    if (answer->status == ANSWER_INVALID || answer->status == ANSWER_RETRY) {
        const char *detail = answer->detail != NULL ? answer->detail : code_meaning(answer->code);
        const char *code = answer->code == CODE_none ? "retry" : code_name(answer->code);
        char field[ANSWER_FIELD_BYTES];
        respond_problem(connection, answer->status == ANSWER_RETRY ? answer_retry_http(answer) : 422, code, answer_field(answer, field),
                        constant(detail));
        return;
    }
    if (answer->status == ANSWER_UNKNOWN ||
        io_record(connection->io, answer->last_seq, answer->offset, &decision) != STATUS_OK) {
        respond_problem(connection, 500, "unknown", TEXT_NONE, TEXT("the outcome is not known; read it and try again"));
        return;
    }
    if (answer->status == ANSWER_REFUSED)
        respond_refusal(connection, connection->state, &decision->events[0]);
    else if (connection->call == CONFIG_DELETE)
        respond_deleted(connection, connection->state, answer->last_seq);
    else
        put_answered(connection, decision);
}

/* ---- I/O thread: questions ---- */

static void on_begin(struct connection *connection)
{
    struct config_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = call;
    call->space = (enum name_space)connection->subject;
    call->quality = shard_quality(connection->io->service->shard);
    buffer_init(&call->text, PUT_BYTES_MAX + JSON_PADDING);
    connection->deadline_ns = connection->io->now_ns + CONNECTION_BODY_NS;
    struct parameter dry_run = {.key = TEXT("dry_run")};
    if (route_name(connection, connection->path_first, words[call->space], call->name_bytes, &call->name) &&
        route_query(connection, &dry_run, connection->call != CONFIG_GET, NULL))
        (void)route_flag(connection, dry_run.key, dry_run.value, &call->dry_run);
}

static void on_body(struct connection *connection, const char *bytes, size_t n)
{
    struct config_call *call = connection->state;
    buffer_append(&call->text, bytes, n);
}

/* If-Match: "<stamp>", as ETag gave it. False after an answer. */
static bool read_condition(struct connection *connection, struct command *command)
{
    struct text match = connection->head.request.if_match;
    uint64_t stamp;
    if (!text_present(match))
        return true;
    if (match.length < 3 || match.bytes[0] != '"' || match.bytes[match.length - 1] != '"' ||
        !parse_number(text_of(match.bytes + 1, match.length - 2), 0, INT64_MAX, &stamp)) {
        respond_problem(connection, 422, "bad_value", TEXT("If-Match"), TEXT("is not an ETag this server gave"));
        return false;
    }
    command->precondition.present = PRECONDITION_VERSION;
    command->precondition.version = stamp;
    return true;
}

/* The body as a command. False after an answer. */
static bool read_body(struct connection *connection, struct command *out_command)
{
    struct config_call *call = connection->state;
    struct io *io = connection->io;
    uint32_t count;
    struct json_error json_error = {JSON_TOO_LONG, JSON_OFFSET_NONE};
    struct command_error error;
    (void)buffer_room(&call->text, JSON_PADDING);
    if (call->text.failed || json_parse(io->parser, call->text.bytes, call->text.length, io->nodes, IO_NODES, &count,
                                        &json_error) != JSON_OK) {
        respond_problem(connection, 400, "malformed", TEXT_NONE, constant(json_status_text(json_error.status)));
        return false;
    }
    if (config_from_json(io->nodes, 0, call->space, call->name, io->config_room, out_command, &error))
        return true;
    respond_problem(connection, 422, code_name(error.code), constant(error.field), constant(error.detail));
    return false;
}

static void ask(struct connection *connection)
{
    struct config_call *call = connection->state;
    struct command command;
    if (connection->call == CONFIG_GET) {
        io_read(connection->io, connection, read_config, call); /* resumed when a batch is free */
        return;
    }
    if (connection->call == CONFIG_DELETE)
        command = config_delete(call->space, call->name);
    else if (!read_body(connection, &command))
        return;
    command.dry_run = call->dry_run;
    if (read_condition(connection, &command))
        (void)io_request(connection->io, connection, &command);
}

static void on_end(struct connection *connection)
{
    struct config_call *call = connection->state;
    buffer_deinit(&call->text);
    free(call);
}

const struct handler config_handler = {
    .begin = on_begin,
    .body = on_body,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
    .body_bytes_max = PUT_BYTES_MAX,
};
