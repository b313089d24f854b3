/*
 * Point reads: stock of an item, of a cell, a hold, an item's configuration. And PUT of the latter.
 *
 * A read takes its place among the commands: the engine's thread copies the figures, and they are answered when what
 * they show is durable, so that no crash can take back what was seen.
 */
#include "api/routes.h"

#include <stdlib.h>

struct stock {
    int call;
    struct text first, second; /* names */
    char first_bytes[3 * NAME_BYTES_MAX], second_bytes[3 * NAME_BYTES_MAX];
    /* Filled by the engine's thread. */
    bool item_found, location_found, found, out_of_memory;
    struct item_view item;
    struct cell_view *cells; /* oldest first */
    uint32_t cell_count;
    uint64_t seq; /* of the ledger's last event when it was read */
    struct claim_copy claim;
    struct claim_line_view *lines;
};

/* ---- engine thread ---- */

static void read_cells(const struct ledger *ledger, struct stock *stock, uint32_t item)
{
    uint32_t count = 0;
    for (uint32_t c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c))
        count++;
    stock->cells = calloc(count == 0 ? 1 : count, sizeof(*stock->cells));
    stock->out_of_memory = stock->cells == NULL;
    if (stock->out_of_memory)
        return;
    stock->cell_count = count;
    for (uint32_t c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c))
        ledger_cell(ledger, c, &stock->cells[--count]);
}

static void read_claim(const struct ledger *ledger, struct stock *stock)
{
    struct claim_view view;
    stock->found = ledger_claim(ledger, stock->first, &view);
    if (!stock->found)
        return;
    stock->lines = calloc(COMMAND_LINES_MAX, sizeof(*stock->lines)); /* a claim has no more */
    stock->out_of_memory = stock->lines == NULL;
    if (!stock->out_of_memory)
        claim_copy(ledger, &view, stock->lines, &stock->claim);
}

static void read_stock(const struct ledger *ledger, struct request *request)
{
    struct stock *stock = request->detail;
    stock->seq = ledger_last_seq(ledger);
    if (stock->call == STOCK_HOLD) {
        read_claim(ledger, stock);
        return;
    }
    uint32_t item = ledger_number(ledger, NAME_ITEM, stock->first);
    stock->item_found = ledger_item(ledger, item, &stock->item);
    if (!stock->item_found || stock->call == STOCK_ITEM_CONFIG)
        return;
    if (stock->call == STOCK_ITEM) {
        read_cells(ledger, stock, item);
        return;
    }
    uint32_t location = ledger_number(ledger, NAME_LOCATION, stock->second);
    stock->location_found = location != NUMBER_NONE;
    uint32_t cell = stock->location_found ? ledger_cell_find(ledger, item, location) : NUMBER_NONE;
    stock->found = cell != NUMBER_NONE;
    stock->cells = calloc(1, sizeof(*stock->cells));
    stock->out_of_memory = stock->cells == NULL;
    if (stock->found && !stock->out_of_memory)
        ledger_cell(ledger, cell, stock->cells);
}

/* ---- I/O thread ---- */

static void render_total(struct buffer *out, const struct stock *stock)
{
    struct figures total = {{0}};
    bool fits = true;
    for (uint32_t i = 0; i < stock->cell_count; i++) {
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            fits = fits && checked_add(total.units[f], stock->cells[i].figures.units[f], &total.units[f]) &&
                   total.units[f] < INT64_MAX / 16 && total.units[f] > -INT64_MAX / 16; /* their sums fit too */
    }
    if (!fits) { /* more than any number can say */
        buffer_literal(out, "\"total\":null");
        return;
    }
    buffer_literal(out, "\"total\":{");
    render_figures(out, &total, stock->item.scale);
    buffer_byte(out, '}');
}

static void render_cells(struct buffer *out, const struct render *render, const struct stock *stock)
{
    buffer_literal(out, "{\"item\":");
    json_string(out, stock->first);
    buffer_byte(out, ',');
    render_total(out, stock);
    buffer_literal(out, ",\"locations\":[");
    for (uint32_t i = 0; i < stock->cell_count; i++) {
        if (i != 0)
            buffer_byte(out, ',');
        render_cell(out, render, &stock->cells[i]);
    }
    buffer_literal(out, "],\"position\":");
    render_position(out, render->epoch, stock->seq);
    buffer_literal(out, "}\n");
}

/* The item is known, the place too, but nothing has ever been there: all figures are zero. */
static void render_empty_cell(struct buffer *out, const struct stock *stock, uint32_t epoch)
{
    const struct figures zero = {{0}};
    buffer_literal(out, "{\"item\":");
    json_string(out, stock->first);
    buffer_literal(out, ",\"location\":");
    json_string(out, stock->second);
    buffer_byte(out, ',');
    render_figures(out, &zero, 0);
    buffer_literal(out, ",\"version\":0,\"position\":");
    render_position(out, epoch, stock->seq);
    buffer_literal(out, "}\n");
}

static void respond_item(struct connection *connection, const struct stock *stock, int http)
{
    struct buffer out;
    struct buffer body;
    buffer_init(&out, 64);
    buffer_init(&body, CONNECTION_OUT_BYTES);
    buffer_literal(&out, "ETag: \"");
    json_u64(&out, stock->item.stamp);
    buffer_literal(&out, "\"\r\n");
    render_item(&body, stock->first, &stock->item);
    buffer_byte(&body, '\n');
    respond(connection, http, "application/json", text_of(out.bytes, out.length), text_of(body.bytes, body.length));
    buffer_deinit(&out);
    buffer_deinit(&body);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct stock *stock = request->detail;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ || stock->out_of_memory) {
        respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("the server cannot read just now"));
        return;
    }
    if (stock->call == STOCK_HOLD ? !stock->found : !stock->item_found) {
        respond_problem(connection, 404, stock->call == STOCK_HOLD ? "unknown_hold" : "unknown_item",
                        stock->call == STOCK_HOLD ? TEXT("hold") : TEXT("item"), TEXT("no such name"));
        return;
    }
    if (stock->call == STOCK_CELL && !stock->location_found) {
        respond_problem(connection, 404, "unknown_location", TEXT("location"), TEXT("no such name"));
        return;
    }
    if (stock->call == STOCK_ITEM_CONFIG) {
        respond_item(connection, stock, 200);
        return;
    }
    const struct render render = {connection->io->service->ledger, journal_epoch(connection->io->service->journal), 0,
                                  NULL};
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    if (stock->call == STOCK_HOLD) {
        render_claim(&out, &render, &stock->claim);
        buffer_byte(&out, '\n');
    } else if (stock->call == STOCK_ITEM) {
        render_cells(&out, &render, stock);
    } else if (stock->found) {
        render_cell(&out, &render, stock->cells);
        buffer_byte(&out, '\n');
    } else {
        render_empty_cell(&out, stock, render.epoch);
    }
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void ask(struct connection *connection)
{
    struct request *request = io_request(connection->io, connection, NULL);
    if (request == NULL)
        return; /* resumed when a batch is free */
    request->read = read_stock;
    request->detail = connection->state;
}

static bool begin_names(struct connection *connection, const char *first, const char *second)
{
    struct stock *stock = calloc(1, sizeof(*stock));
    if (stock == NULL) {
        connection_close(connection);
        return false;
    }
    connection->state = stock;
    stock->call = connection->call;
    return route_name(connection, connection->path_first, first, stock->first_bytes, &stock->first) &&
           (!text_present(connection->path_second) ||
            route_name(connection, connection->path_second, second, stock->second_bytes, &stock->second));
}

static void on_begin(struct connection *connection)
{
    if (!begin_names(connection, connection->call == STOCK_HOLD ? "hold" : "item", "location"))
        return;
    route_query(connection, NULL, 0, NULL);
}

static void on_body_end(struct connection *connection)
{
    ask(connection);
}

static void on_end(struct connection *connection)
{
    struct stock *stock = connection->state;
    free(stock->cells);
    free(stock->lines);
    free(stock);
}

const struct handler stock_handler = {
    .begin = on_begin,
    .body_end = on_body_end,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};

/* ---- PUT /v1/items/{name} ---- */

#define PUT_BYTES_MAX 65536

struct put {
    struct stock stock; /* first: named and answered like a read */
    struct buffer text;
};

static void put_begin(struct connection *connection)
{
    struct put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = put;
    put->stock.call = STOCK_ITEM_CONFIG;
    buffer_init(&put->text, PUT_BYTES_MAX + JSON_PADDING);
    connection->deadline_ns = connection->io->now_ns + CONNECTION_BODY_NS;
    if (route_name(connection, connection->path_first, "item", put->stock.first_bytes, &put->stock.first))
        route_query(connection, NULL, 0, NULL);
}

static void put_body(struct connection *connection, const char *bytes, size_t n)
{
    struct put *put = connection->state;
    buffer_append(&put->text, bytes, n);
}

/* If-Match: "<stamp>", as ETag gave it. */
static bool put_condition(struct connection *connection, struct command *command)
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

static void put_ask(struct connection *connection)
{
    struct put *put = connection->state;
    struct io *io = connection->io;
    struct command command = {
        .kind = KIND_PUT_ITEM,
        .source = TEXT("@api"),
        .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE,
        .expires_in_ms = EXPIRES_DEFAULT,
        .from = CONDITION_NONE,
        .to_condition = CONDITION_NONE,
        .item = put->stock.first,
    };
    uint32_t count;
    struct json_error json_error = {JSON_TOO_LONG, JSON_OFFSET_NONE};
    (void)buffer_room(&put->text, JSON_PADDING);
    if (put->text.failed || json_parse(io->parser, put->text.bytes, put->text.length, io->nodes, IO_NODES, &count,
                                       &json_error) != JSON_OK) {
        const char *problem = json_status_text(json_error.status);
        respond_problem(connection, 400, "malformed", TEXT_NONE, text_of(problem, strlen(problem)));
        return;
    }
    struct command_error error;
    if (!item_body_from_json(io->nodes, 0, &command.scale, &error)) {
        respond_problem(connection, 422, code_name(error.code), text_of(error.field, strlen(error.field)),
                        text_of(error.detail, strlen(error.detail)));
        return;
    }
    if (put_condition(connection, &command))
        (void)io_request(io, connection, &command);
}

static void put_answered(struct connection *connection, struct request *request)
{
    struct put *put = connection->state;
    const struct answer *answer = &request->answer;
    if (connection->closing)
        return;
    const struct decision *decision;
    if (answer->status == ANSWER_INVALID || answer->status == ANSWER_RETRY) {
        const char *detail = answer->detail != NULL ? answer->detail : code_meaning(answer->code);
        const char *code = answer->code == CODE_none ? "retry" : code_name(answer->code);
        respond_problem(connection, answer->status == ANSWER_RETRY ? 503 : 422, code, TEXT_NONE,
                        text_of(detail, strlen(detail)));
        return;
    }
    if (answer->status == ANSWER_UNKNOWN ||
        io_record(connection->io, answer->last_seq, answer->offset, &decision) != STATUS_OK) {
        respond_problem(connection, 500, "unknown", TEXT_NONE, TEXT("the outcome is not known; read it and try again"));
        return;
    }
    const struct event *event = &decision->events[0];
    if (answer->status == ANSWER_REFUSED) {
        const char *meaning = code_meaning(event->code);
        respond_problem(connection, event->code == CODE_precondition_failed ? 412 : 409, code_name(event->code),
                        event->field, text_of(meaning, strlen(meaning)));
        return;
    }
    put->stock.item = (struct item_view){event->item, event->scale, true, event->seq};
    respond_item(connection, &put->stock, 200);
}

static void put_end(struct connection *connection)
{
    struct put *put = connection->state;
    buffer_deinit(&put->text);
    free(put);
}

const struct handler put_item_handler = {
    .begin = put_begin,
    .body = put_body,
    .body_end = put_ask,
    .answered = put_answered,
    .resume = put_ask,
    .end = put_end,
    .body_bytes_max = PUT_BYTES_MAX,
};
