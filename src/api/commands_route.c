/*
 * POST /v1/commands: one command, an array of them, or a stream of lines. And PUT of a collection: a stream of lines, each
 * of which is the command that configures one entry.
 *
 * All three are one machine. Text gathers in `text`; `step` takes the next command out of it, makes it a request of the
 * engine, and comes back when there is nothing more, no batch is free, or too much is under way. Answers come back in the
 * order of the requests; a command that cannot even be parsed takes a request of its own (a read of nothing), so that its
 * answer keeps its place.
 *
 * A command that the engine gives back undecided, because the past is to be read for it, is parked, and so are all behind
 * it, so that they are decided in their order: when nothing of them is with the engine any more, they are read for, and
 * submitted again; meanwhile nothing more is taken out of the text. What stands behind a parked one was with the engine in
 * vain. So at most twice as many are submitted at once as were answered since something was parked last: whatever is in a
 * stream, three times its commands, and some for each that is parked, are all that the engine sees.
 *
 *     object   the body is one command; the answer is one response
 *     array    the body is parsed whole first; a malformed one is 400 and nothing happened
 *     stream   a command per line; answers flow while lines still come
 */
#include "api/answer.h"
#include "api/ndjson.h"
#include "api/parked.h"
#include "api/routes.h"

#include <stdio.h>
#include <stdlib.h>

#define UNDER_WAY_MAX  8192 /* commands of one connection with the engine */
#define UNDER_WAY_MIN  64   /* of them, right after one was parked */
#define PROGRESS_LINES 4096 /* with answers=errors|summary a line says how far it is, at the latest after so many */
#define ARRAY_COMMANDS_MAX 10000 /* API.md section 2 */
/* Answers are made text while less than this waits to be sent; the rest is kept as numbers. The largest answer, of a
 * thousand cells with the longest names, still fits behind it (CONNECTION_OUT_BYTES). */
#define TEXT_WAITING_MAX ((size_t)8 << 20)

enum commands_form { FORM_OBJECT, FORM_ARRAY, FORM_STREAM };
enum answers { ANSWERS_ALL, ANSWERS_ERRORS, ANSWERS_SUMMARY };

/* An answer that came while too much text waited: its record is read when its turn comes. */
struct kept_answer {
    struct kept_answer *next;
    struct request request; /* its detail and dry_bytes are ours, its command is here */
    uint8_t names[];        /* of the command no more than kind, id and source, in canonical form */
};
#define KEPT_NAMES_BYTES 512 /* two names of 128 bytes and some numbers */

struct commands {
    enum commands_form form;
    bool collection; /* its lines are bodies of configuration, of connection->subject */
    bool dry_run;    /* of all of them */
    enum answers answers;
    bool body_over;
    bool stopped;       /* no more is taken out of the text */
    struct buffer text; /* body not yet made commands; JSON_PADDING readable behind it */
    size_t at;          /* of text: taken so far */
    struct stream stream; /* the engine's */
    struct parked_list parked, again; /* to be read for; read for, and not yet with the engine again */
    bool has_parked;
    uint64_t parked_at; /* answered, when something was parked last */
    struct past_work past;
    enum status past_status;
    uint64_t line;      /* commands taken */
    uint64_t number;    /* of the next one, from 1: its line in the text, blank lines counted; its place in an array */
    uint64_t answered;
    uint64_t answered_number; /* number of the last of them */
    uint64_t told;      /* line of the last progress or answer written */
    uint64_t last_seq;
    uint64_t counts[ANSWER_READ + 1];
    uint64_t replayed;
    uint32_t array_count; /* elements; 0 until parsed */
    struct kept_answer *kept_first, *kept_last;
};

static void step(struct connection *connection);
static void go_on(struct connection *connection);

/* ---- out ---- */

static void render_summary(struct connection *connection, struct buffer *out)
{
    const struct commands *commands = connection->state;
    buffer_literal(out, "{\"summary\":{\"lines\":");
    json_u64(out, commands->line);
    buffer_literal(out, ",\"accepted\":");
    json_u64(out, commands->counts[ANSWER_ACCEPTED]);
    buffer_literal(out, ",\"refused\":");
    json_u64(out, commands->counts[ANSWER_REFUSED]);
    buffer_literal(out, ",\"invalid\":");
    json_u64(out, commands->counts[ANSWER_INVALID]);
    buffer_literal(out, ",\"retry\":");
    json_u64(out, commands->counts[ANSWER_RETRY]);
    buffer_literal(out, ",\"unknown\":");
    json_u64(out, commands->counts[ANSWER_UNKNOWN]);
    buffer_literal(out, ",\"replayed\":");
    json_u64(out, commands->replayed);
    buffer_literal(out, ",\"position\":");
    if (commands->last_seq == 0)
        buffer_literal(out, "null");
    else
        render_position(out, journal_epochs(connection->io->service->journal), commands->last_seq);
    buffer_literal(out, "}}\n");
}

/* How far it is, when no line says so. */
static void render_progress(struct connection *connection)
{
    struct commands *commands = connection->state;
    if (commands->answers == ANSWERS_ALL || commands->told >= commands->answered_number)
        return;
    buffer_literal(&connection->body, "{\"progress\":{\"line\":");
    json_u64(&connection->body, commands->answered_number);
    buffer_literal(&connection->body, "}}\n");
    commands->told = commands->answered_number;
}

/* One line of the answer, or none, as `answers` says. */
static void answer_line(struct connection *connection, const struct request *request)
{
    struct commands *commands = connection->state;
    struct buffer *out = &connection->body;
    const struct answer *answer = &request->answer;
    enum answer_status status = answer->status;
    bool plain = request->detail == NULL && !answer->replayed &&
                 (status == ANSWER_ACCEPTED || (status == ANSWER_REFUSED && commands->answers == ANSWERS_SUMMARY));
    if (commands->answers == ANSWERS_ALL || !plain) {
        size_t before = out->length;
        bool comma = commands->form == FORM_ARRAY && commands->answered > 0;
        if (comma)
            buffer_byte(out, ',');
        buffer_literal(out, "{\"line\":");
        json_u64(out, request->number);
        buffer_byte(out, ',');
        status = answer_render(connection->io, out, request, false).status;
        buffer_literal(out, "}\n");
        bool wanted = commands->answers == ANSWERS_ALL ||
                      (commands->answers == ANSWERS_ERRORS && status != ANSWER_ACCEPTED);
        if (!wanted && !out->failed)
            out->length = before;
        if (wanted)
            commands->told = request->number;
    }
    commands->counts[status]++;
    commands->replayed += answer->replayed;
    if (status == ANSWER_ACCEPTED || status == ANSWER_REFUSED)
        commands->last_seq = answer->last_seq > commands->last_seq ? answer->last_seq : commands->last_seq;
    /* A sender that waits for its lines must learn of them: when all that came are answered, and while more come. */
    bool caught_up = commands->answered + 1 == commands->line && !commands->body_over;
    commands->answered_number = request->number;
    if (commands->told < request->number && (caught_up || request->number - commands->told >= PROGRESS_LINES))
        render_progress(connection);
}

static void finish_when_over(struct connection *connection)
{
    struct commands *commands = connection->state;
    if (connection->closing || !connection->streaming || !commands->body_over || !commands->stopped ||
        commands->answered != commands->line)
        return;
    if (commands->form == FORM_ARRAY) {
        buffer_literal(&connection->body, "]\n");
    } else if (commands->answers != ANSWERS_ALL) {
        render_summary(connection, &connection->body);
    }
    stream_end(connection);
}

/*
 * Keeps an answer until there is room for its text. A few bytes of command can have a thousand cells in their answer,
 * and thousands may come back at once (all of them when they are repeated): their texts could not all be held.
 */
static void keep_answer(struct connection *connection, struct request *request)
{
    struct commands *commands = connection->state;
    struct command command;
    uint8_t names[KEPT_NAMES_BYTES];
    size_t n = 0;
    if (request->command != NULL &&
        command_decode(request->command, request->command_bytes, connection->io->lines, &command) == STATUS_OK) {
        struct command named = command_blank(command.kind, NULL);
        named.id = command.id;
        named.source = command.source;
        if (text_present(config_name(&command))) {
            named.item = command.item;
            named.location = command.location;
            named.channel = command.channel;
            named.source_name = command.source_name;
        }
        n = command_encode(&named, names, sizeof(names));
        CHECK(n != 0);
    }
    struct kept_answer *kept = malloc(sizeof(*kept) + n);
    if (kept == NULL) {
        connection_close(connection);
        return;
    }
    kept->next = NULL;
    kept->request = *request;
    kept->request.command = kept->names;
    kept->request.command_bytes = (uint32_t)n;
    memcpy(kept->names, names, n);
    request->detail = NULL;
    request->dry_bytes = NULL;
    if (commands->kept_last != NULL)
        commands->kept_last->next = kept;
    else
        commands->kept_first = kept;
    commands->kept_last = kept;
    connection->drained_wanted = true;
}

static void kept_free(struct kept_answer *kept)
{
    free(kept->request.detail);
    free(kept->request.dry_bytes);
    free(kept);
}

static void write_answer(struct connection *connection, const struct request *request)
{
    struct commands *commands = connection->state;
    answer_line(connection, request);
    commands->answered++;
    connection_dirty(connection);
}

/* Writes kept answers, as many as there is room for. */
static void write_kept(struct connection *connection)
{
    struct commands *commands = connection->state;
    while (commands->kept_first != NULL && connection_waiting(connection) <= TEXT_WAITING_MAX) {
        struct kept_answer *kept = commands->kept_first;
        commands->kept_first = kept->next;
        if (kept->next == NULL)
            commands->kept_last = NULL;
        write_answer(connection, &kept->request);
        kept_free(kept);
    }
    if (commands->kept_first != NULL)
        connection->drained_wanted = true;
}

/* Of commands that are taken and not answered. */
static uint64_t under_way_max(const struct commands *commands)
{
    uint64_t twice = 2 * (commands->answered - commands->parked_at);
    if (!commands->has_parked || twice > UNDER_WAY_MAX)
        return UNDER_WAY_MAX;
    return twice < UNDER_WAY_MIN ? UNDER_WAY_MIN : twice;
}

/* Those that were read for, to the engine again; as many as may be and there are batches for. */
static void submit_again(struct connection *connection)
{
    struct commands *commands = connection->state;
    while (commands->again.count != 0 && commands->parked.count == 0 &&
           commands->line - commands->answered - commands->again.count < under_way_max(commands)) {
        if (io_request_again(connection->io, connection, &commands->again.first->request) == NULL)
            return;
        free(parked_take(&commands->again)); /* the request has what was its own */
    }
}

static void give_answer(struct connection *connection, struct request *request)
{
    struct commands *commands = connection->state;
    if (!connection->closing) {
        if (commands->form == FORM_OBJECT)
            answer_respond(connection, request);
        else if (commands->kept_first != NULL || connection_waiting(connection) > TEXT_WAITING_MAX)
            keep_answer(connection, request);
        else
            write_answer(connection, request);
    }
    free(request->detail);
    request->detail = NULL;
    if (connection->closing || commands->form == FORM_OBJECT)
        return;
    submit_again(connection);
    if (commands->line - commands->answered < under_way_max(commands) / 2)
        go_on(connection);
    else
        finish_when_over(connection);
}

/* ---- parked commands ---- */

static void parked_run(void *context)
{
    struct connection *connection = context;
    struct commands *commands = connection->state;
    commands->past_status = parked_read(&commands->parked, connection->io->service, &commands->past.stop);
}

/* Nothing happened to any of them. */
static void give_up_parked(struct connection *connection)
{
    struct commands *commands = connection->state;
    commands->stream.shed = true;
    /* With the answer of the last one the exchange may be over, and be the next one's. */
    for (uint32_t left = commands->parked.count; left > 0; left--) {
        struct parked *parked = parked_take(&commands->parked);
        parked->request.answer = (struct answer){.status = ANSWER_RETRY, .line = LINE_NONE, .offset = TAIL_UNKNOWN,
                                                 .detail = "what it needs of the past cannot be read now"};
        give_answer(connection, &parked->request);
        parked_free(parked);
    }
}

static void parked_done(void *context)
{
    struct connection *connection = context;
    if (!connection_past_done(connection))
        return;
    struct commands *commands = connection->state;
    commands->stream.parked = false;
    commands->stream.parked_cells = 0;
    if (commands->past_status != STATUS_OK) {
        give_up_parked(connection);
        return;
    }
    parked_move(&commands->again, &commands->parked);
    submit_again(connection);
}

/* Reads for those that are parked, when all that is not answered is. */
static void read_parked(struct connection *connection)
{
    struct commands *commands = connection->state;
    if (commands->parked.count == 0 || connection->past != NULL ||
        commands->parked.count != commands->line - commands->answered - commands->again.count)
        return;
    if (commands->form == FORM_STREAM) {
        render_progress(connection);
        connection_dirty(connection);
    }
    connection_past_start(connection, connection->io->service->past, &commands->past, parked_run, parked_done);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct commands *commands = connection->state;
    bool stays = request->answer.status == ANSWER_UNREAD || commands->parked.count != 0;
    if (stays && commands->parked.count == 0) {
        commands->has_parked = true;
        commands->parked_at = commands->answered;
    }
    if (connection->closing || !stays) {
        give_answer(connection, request);
    } else if (parked_add(&commands->parked, request)) {
        read_parked(connection);
    } else {
        connection_close(connection);
        free(request->detail);
    }
}

/* ---- in: the next command ---- */

static void nothing(const struct ledger *ledger, struct request *request)
{
    (void)ledger;
    (void)request; /* it only keeps its place in the order */
}

/* Hands a malformed command through the engine. False when no batch is free. */
static bool push_malformed(struct connection *connection, const struct malformed *malformed)
{
    struct commands *commands = connection->state;
    struct malformed *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        connection_close(connection);
        return false;
    }
    *copy = *malformed;
    struct request *request = io_request(connection->io, connection, NULL);
    if (request == NULL) {
        free(copy);
        return false;
    }
    request->read = nothing;
    request->detail = copy;
    commands->line++;
    request->number = commands->number;
    return true;
}

/* One parsed command to the engine. False when no batch is free. */
static bool push_command(struct connection *connection, uint32_t node)
{
    struct commands *commands = connection->state;
    struct io *io = connection->io;
    struct command command;
    struct command_error error;
    io->room->epochs = journal_epochs(io->service->journal);
    bool good = commands->collection ? config_from_json(io->nodes, node, (enum name_space)connection->subject, TEXT_NONE,
                                                        io->config_room, &command, &error)
                                     : command_from_json(io->nodes, node, io->room, &command, &error);
    if (!good) {
        struct malformed malformed = {.code = error.code, .line = error.line};
        memcpy(malformed.field, error.field, sizeof(malformed.field));
        memcpy(malformed.detail, error.detail, sizeof(error.detail));
        return push_malformed(connection, &malformed);
    }
    command.dry_run = command.dry_run || commands->dry_run;
    struct request *request = io_request(io, connection, &command);
    if (request == NULL)
        return false;
    request->stream = &commands->stream;
    commands->line++;
    request->number = commands->number;
    return true;
}

static void describe_json_error(struct malformed *malformed, const struct json_error *error)
{
    *malformed = (struct malformed){.code = CODE_bad_value, .not_json = true, .line = -1};
    if (error->offset == JSON_OFFSET_NONE)
        snprintf(malformed->detail, sizeof(malformed->detail), "%s", json_status_text(error->status));
    else
        snprintf(malformed->detail, sizeof(malformed->detail), "%s, at byte %u", json_status_text(error->status),
                 error->offset + 1);
}

/* Takes one line; false when it must be taken again later. */
static bool push_line(struct connection *connection, const char *line, size_t n)
{
    struct io *io = connection->io;
    struct malformed malformed;
    struct json_error error = {JSON_TOO_LONG, JSON_OFFSET_NONE};
    uint32_t count;
    if (n <= IO_OBJECT_BYTES &&
        json_parse(io->parser, line, n, io->nodes, IO_NODES, &count, &error) == JSON_OK)
        return push_command(connection, 0);
    describe_json_error(&malformed, &error);
    return push_malformed(connection, &malformed);
}

static bool must_wait(struct connection *connection)
{
    const struct commands *commands = connection->state;
    if (connection_waiting(connection) > CONNECTION_OUT_HIGH) {
        connection->drained_wanted = true;
        return true;
    }
    return commands->line - commands->answered >= under_way_max(commands) || commands->parked.count != 0 ||
           commands->again.count != 0;
}

/* Lines, as many as there are. */
static bool step_stream(struct connection *connection)
{
    struct commands *commands = connection->state;
    struct buffer *text = &commands->text;
    while (commands->at < text->length) {
        struct text line;
        size_t taken;
        enum ndjson_next next = ndjson_next(text->bytes + commands->at, text->length - commands->at, commands->body_over,
                                            IO_OBJECT_BYTES, &line, &taken);
        if (next == NDJSON_MORE)
            break; /* the rest of it comes later */
        if (next == NDJSON_TOO_LONG) {
            /* Longer than any command: what follows cannot be told from it. */
            const struct malformed malformed = {.code = CODE_bad_value, .line = -1,
                                                .detail = "the line is longer than 1 MiB; the stream ends here"};
            if (!push_malformed(connection, &malformed))
                return false;
            connection->close_after = true;
            commands->body_over = true;
            commands->at = text->length;
            break;
        }
        if (next == NDJSON_LINE && (must_wait(connection) || !push_line(connection, line.bytes, line.length)))
            return false;
        commands->at += taken;
        commands->number++;
    }
    if (commands->at != 0) {
        text->length -= commands->at;
        memmove(text->bytes, text->bytes + commands->at, text->length);
        commands->at = 0;
    }
    return commands->body_over;
}

/* Elements of the array, parsed again after every pause: the nodes are the thread's. */
static bool step_array(struct connection *connection)
{
    struct commands *commands = connection->state;
    struct io *io = connection->io;
    uint32_t count;
    struct json_error error;
    /* Asked first: this is called for every answer that comes back, and to parse 8 MiB each time holds up the thread. */
    if (connection->is_starved || must_wait(connection))
        return false;
    CHECK(json_parse(io->parser, commands->text.bytes, commands->text.length, io->nodes, IO_NODES, &count, &error) ==
          JSON_OK);
    uint32_t node = 1;
    for (uint64_t skip = 0; skip < commands->line; skip++)
        node = io->nodes[node].next;
    while (commands->line < commands->array_count) {
        commands->number = commands->line + 1;
        if (must_wait(connection) || !push_command(connection, node))
            return false;
        node = io->nodes[node].next;
    }
    return true;
}

static void step(struct connection *connection)
{
    struct commands *commands = connection->state;
    if (connection->closing || commands->stopped)
        return;
    bool over = false;
    switch (commands->form) {
    case FORM_STREAM:
        over = step_stream(connection);
        break;
    case FORM_ARRAY:
        over = step_array(connection);
        break;
    case FORM_OBJECT:
        over = push_line(connection, commands->text.bytes, commands->text.length);
        break;
    }
    if (connection->closing)
        return;
    if (over) {
        commands->stopped = true;
        if (commands->form != FORM_OBJECT)
            finish_when_over(connection);
        return;
    }
    /* Take more only when what is here has been taken. */
    bool full = commands->text.length > CONNECTION_IN_BYTES && memchr(commands->text.bytes, '\n', commands->text.length);
    connection->paused = commands->form == FORM_STREAM && full;
}

/*
 * After a pause: commands that wait in the text, then the body again. The last thing a caller does: with the body the
 * exchange may end, and the next one begin.
 */
static void go_on(struct connection *connection)
{
    bool was_paused = connection->paused;
    step(connection);
    finish_when_over(connection);
    if (was_paused && !connection->paused)
        connection_resume(connection);
}

/* A batch is free again, or the output has drained. */
static void on_resume(struct connection *connection)
{
    if (connection->state == NULL)
        return;
    write_kept(connection);
    read_parked(connection);
    submit_again(connection);
    go_on(connection);
}

/* ---- the body ---- */

static void on_begin(struct connection *connection)
{
    enum { ANSWERS, DRY_RUN, PARAMETERS };
    struct parameter parameters[PARAMETERS] = {[ANSWERS] = {.key = TEXT("answers")}, [DRY_RUN] = {.key = TEXT("dry_run")}};
    bool collection = connection->call == COMMANDS_COLLECTION;
    bool dry_run = false;
    if (!route_query(connection, parameters, collection ? PARAMETERS : DRY_RUN, NULL) ||
        !route_flag(connection, TEXT("dry_run"), parameters[DRY_RUN].value, &dry_run))
        return;
    const struct text answers = parameters[ANSWERS].value;
    struct commands *commands = calloc(1, sizeof(*commands));
    if (commands == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = commands;
    commands->number = 1;
    commands->form = connection->call == COMMANDS_BODY ? FORM_OBJECT : FORM_STREAM;
    commands->collection = collection;
    commands->dry_run = dry_run;
    buffer_init(&commands->text, commands->form == FORM_STREAM ? IO_OBJECT_BYTES + 2 * CONNECTION_IN_BYTES + JSON_PADDING
                                                  : IO_ARRAY_BYTES + CONNECTION_IN_BYTES + JSON_PADDING);
    if (text_equal(answers, TEXT("errors")))
        commands->answers = ANSWERS_ERRORS;
    else if (text_equal(answers, TEXT("summary")))
        commands->answers = ANSWERS_SUMMARY;
    else if (text_present(answers) && !text_equal(answers, TEXT("all"))) {
        respond_problem(connection, 422, "bad_value", TEXT("answers"), TEXT("must be one of all, errors, summary"));
        return;
    }
    if (commands->form == FORM_STREAM) {
        stream_begin(connection, "application/x-ndjson");
        return;
    }
    connection->deadline_ns = connection->io->now_ns + CONNECTION_BODY_NS;
    if (commands->answers != ANSWERS_ALL)
        respond_problem(connection, 422, "bad_value", TEXT("answers"), TEXT("is for application/x-ndjson"));
}

static void on_body(struct connection *connection, const char *bytes, size_t n)
{
    struct commands *commands = connection->state;
    if (commands->stopped)
        return; /* the stream was given up; the rest is read and dropped until it is closed */
    buffer_append(&commands->text, bytes, n);
    (void)buffer_room(&commands->text, JSON_PADDING);
    if (commands->text.failed || (commands->form != FORM_STREAM && commands->text.length > IO_ARRAY_BYTES)) {
        respond_fatal(connection, 413, "body_too_large", TEXT("an array may have 8 MiB; stream more as NDJSON"));
        return;
    }
    if (commands->form == FORM_STREAM)
        step(connection);
}

static void begin_array(struct connection *connection)
{
    struct commands *commands = connection->state;
    struct io *io = connection->io;
    commands->array_count = io->nodes[0].count;
    if (commands->array_count > ARRAY_COMMANDS_MAX) {
        respond_problem(connection, 413, "too_many_commands", TEXT_NONE,
                        TEXT("an array may have 10,000 commands; stream more as NDJSON"));
        return;
    }
    commands->form = FORM_ARRAY;
    stream_begin(connection, "application/json");
    buffer_byte(&connection->body, '[');
    step(connection);
}

static void on_body_end(struct connection *connection)
{
    struct commands *commands = connection->state;
    struct io *io = connection->io;
    commands->body_over = true;
    if (commands->form == FORM_STREAM) {
        step(connection);
        finish_when_over(connection);
        return;
    }
    struct json_error error = {JSON_EMPTY, JSON_OFFSET_NONE};
    uint32_t count;
    if (commands->text.length == 0 || json_parse(io->parser, commands->text.bytes, commands->text.length, io->nodes,
                                                 IO_NODES, &count, &error) != JSON_OK) {
        struct malformed malformed;
        describe_json_error(&malformed, &error);
        respond_problem(connection, error.status == JSON_TOO_MANY_VALUES ? 413 : 400, "malformed", TEXT_NONE,
                        literal_text(malformed.detail));
        return;
    }
    if (io->nodes[0].type == JSON_ARRAY) {
        begin_array(connection);
        return;
    }
    if (commands->text.length > IO_OBJECT_BYTES) {
        respond_problem(connection, 413, "body_too_large", TEXT_NONE, TEXT("a command may have 1 MiB"));
        return;
    }
    step(connection);
}

static void on_end(struct connection *connection)
{
    struct commands *commands = connection->state;
    while (commands->kept_first != NULL) {
        struct kept_answer *kept = commands->kept_first;
        commands->kept_first = kept->next;
        kept_free(kept);
    }
    parked_list_free(&commands->parked);
    parked_list_free(&commands->again);
    buffer_deinit(&commands->text);
    free(commands);
}

const struct handler commands_handler = {
    .begin = on_begin,
    .body = on_body,
    .body_end = on_body_end,
    .answered = on_answered,
    .resume = on_resume,
    .end = on_end,
    .body_bytes_max = UINT64_MAX,
};
