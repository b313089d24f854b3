#include "api/answer.h"

#include <stdio.h>

#include "api/connection.h"

const char *answer_word(enum answer_status status)
{
    static const char *const words[] = {"unknown", "accepted", "refused", "invalid", "retry", "unknown", "accepted"};
    return words[status];
}

int answer_retry_http(const struct answer *answer)
{
    return answer->code == CODE_none ? 503 : code_http(answer->code);
}

static void render_objection(struct buffer *out, bool single, int http, enum answer_status status, enum code code,
                             struct text field, struct text detail)
{
    render_status(out, answer_word(status), single ? http : 0);
    if (code != CODE_none) {
        buffer_literal(out, ",\"code\":\"");
        buffer_text(out, literal_text(code_name(code)));
        buffer_byte(out, '"');
    }
    if (text_present(field)) {
        buffer_literal(out, ",\"field\":");
        json_string(out, field);
    }
    buffer_literal(out, ",\"detail\":");
    json_string(out, detail);
}

static void render_identity(struct io *io, struct buffer *out, const struct request *request)
{
    struct command command;
    if (command_decode(request->command, request->command_bytes, io->lines, &command) != STATUS_OK)
        return;
    struct text configured = config_name(&command);
    if (text_present(configured)) {
        buffer_literal(out, "\"name\":");
        json_string(out, configured);
    } else {
        buffer_literal(out, "\"id\":");
        json_string(out, command.id);
    }
    buffer_literal(out, ",\"source\":");
    json_string(out, command.source);
    buffer_byte(out, ',');
}

struct text answer_field(const struct answer *answer, char bytes[ANSWER_FIELD_BYTES])
{
    if (answer->field == NULL)
        return TEXT_NONE;
    int n = answer->line == LINE_NONE
                ? snprintf(bytes, ANSWER_FIELD_BYTES, "/%s", answer->field)
                : snprintf(bytes, ANSWER_FIELD_BYTES, "/lines/%u/%s", answer->line, answer->field);
    return text_of(bytes, (size_t)n);
}

struct rendered answer_render(struct io *io, struct buffer *out, const struct request *request, bool single)
{
    const struct answer *answer = &request->answer;
    const struct malformed *malformed = request->detail;
    if (malformed != NULL) {
        /* Whatever became of the read that kept its place: it is no command, and nothing happened. */
        render_objection(out, single, malformed->not_json ? 400 : 422, ANSWER_INVALID, malformed->code,
                         malformed->field[0] == 0 ? TEXT_NONE : literal_text(malformed->field),
                         literal_text(malformed->detail));
        return (struct rendered){ANSWER_INVALID, malformed->not_json ? 400 : 422, malformed->code};
    }
    char field[ANSWER_FIELD_BYTES];
    switch (answer->status) {
    case ANSWER_ACCEPTED:
    case ANSWER_REFUSED: {
        struct render render = {io->service->ledger, journal_epochs(io->service->journal), 0, NULL};
        const struct decision *decision = NULL;
        bool dry = request->dry_bytes != NULL;
        enum status status = STATUS_OK;
        if (dry) {
            /* The names that only the dry run would have made stand before its decision. */
            size_t at = 0;
            struct record record = {.type = RECORD_NAME};
            while (status == STATUS_OK && record.type == RECORD_NAME) {
                status = record_decode(request->dry_bytes + at, request->dry_length - at, &io->cursor.decision, &record);
                at += record.bytes;
                if (record.type == RECORD_NAME && render.name_count < DECISION_NAMES_MAX)
                    io->cursor.decision.names[render.name_count++] = record.name;
            }
            render.names = io->cursor.decision.names;
            decision = &io->cursor.decision;
            io->cursor.at = io->cursor.length = 0;
        } else {
            status = io_record(io, answer->last_seq, answer->offset, &decision);
        }
        if (status != STATUS_OK) {
            /* It is decided and durable, only its words cannot be read now. */
            render_identity(io, out, request);
            render_objection(out, single, 500, ANSWER_UNKNOWN, CODE_none, TEXT_NONE,
                             status == STATUS_NOT_FOUND
                                 ? TEXT("decided before, and what came of it is no longer kept; it is not decided again")
                                 : TEXT("decided, but its record cannot be read; send it again with the same id"));
            return (struct rendered){ANSWER_UNKNOWN, 500, CODE_none};
        }
        bool refused = decision_refused(decision);
        struct command command;
        struct text configured = TEXT_NONE;
        if (config_is(decision->kind) &&
            command_decode(request->command, request->command_bytes, io->lines, &command) == STATUS_OK)
            configured = config_name(&command);
        render_answer(out, &render, decision, configured, answer->replayed, dry, single);
        enum code code = refused ? decision->events[0].code : CODE_none;
        return (struct rendered){refused ? ANSWER_REFUSED : ANSWER_ACCEPTED, code_http(code), code};
    }
    case ANSWER_INVALID:
        render_identity(io, out, request);
        render_objection(out, single, code_http(answer->code), ANSWER_INVALID, answer->code, answer_field(answer, field),
                         literal_text(answer->detail != NULL ? answer->detail : code_meaning(answer->code)));
        return (struct rendered){ANSWER_INVALID, code_http(answer->code), answer->code};
    case ANSWER_RETRY:
        render_identity(io, out, request);
        render_objection(out, single, answer_retry_http(answer), ANSWER_RETRY, answer->code, TEXT_NONE,
                         literal_text(answer->detail != NULL ? answer->detail : code_meaning(answer->code)));
        return (struct rendered){ANSWER_RETRY, answer_retry_http(answer), answer->code};
    case ANSWER_UNKNOWN:
    case ANSWER_PENDING:
    case ANSWER_READ:
    case ANSWER_UNREAD:
        break;
    }
    render_identity(io, out, request);
    render_objection(out, single, 500, ANSWER_UNKNOWN, CODE_none, TEXT_NONE,
                     TEXT("the journal could not be written; send it again with the same id when the server is back"));
    return (struct rendered){ANSWER_UNKNOWN, 500, CODE_none};
}

void answer_respond(struct connection *connection, const struct request *request)
{
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    buffer_byte(&out, '{');
    const struct rendered rendered = answer_render(connection->io, &out, request, true);
    if (rendered.http != 200) {
        const char *code = rendered.code != CODE_none ? code_name(rendered.code) : answer_word(rendered.status);
        buffer_literal(&out, ",\"type\":\"urn:onhand:problem:");
        buffer_text(&out, literal_text(code));
        buffer_literal(&out, "\",\"title\":\"");
        buffer_text(&out, rendered.status == ANSWER_REFUSED   ? TEXT("Refused")
                          : rendered.status == ANSWER_INVALID ? TEXT("Invalid command")
                          : rendered.status == ANSWER_RETRY   ? TEXT("Try again")
                                                              : TEXT("Outcome unknown"));
        buffer_byte(&out, '"');
        if (rendered.code == CODE_none) {
            buffer_literal(&out, ",\"code\":\"");
            buffer_text(&out, literal_text(code));
            buffer_byte(&out, '"');
        }
    }
    buffer_literal(&out, "}\n");
    respond(connection, rendered.http, rendered.http != 200 ? "application/problem+json" : "application/json", TEXT_NONE,
            text_of(out.bytes, out.length));
    buffer_deinit(&out);
}
