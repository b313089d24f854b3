/*
 * Point reads: stock of an item, of a cell, a hold.
 *
 * A read takes its place among the commands: the engine's thread copies the figures, and they are answered when what
 * they show is durable, so that no crash can take back what was seen.
 *
 * With as_of= the figures are as they were. The engine's thread then says which cells there are and where the events
 * of each begin; a worker reads the journal from there (journal/history.h), and no command is held up. So it does for
 * explain=true, which names the newest entries behind the figures of a cell (explain.h). A hold is in no cell's
 * events: it is read of the ledger as it was (past_read.h).
 */
#include "api/explain.h"
#include "api/feed_text.h"
#include "api/past_read.h"
#include "api/routes.h"

#include <stdlib.h>

#include "journal/history.h"

enum { STOCK_AS_OF, STOCK_AXIS, STOCK_EXPLAIN, STOCK_PARAMETERS };

struct stock {
    int call;
    struct text first, second; /* names */
    char first_bytes[3 * NAME_BYTES_MAX], second_bytes[3 * NAME_BYTES_MAX];
    /* Filled by the engine's thread. */
    bool item_found, location_found, found, out_of_memory;
    bool summed; /* the location has others below it: cells has all of them */
    struct item_view item;
    struct cell_view *cells; /* oldest first */
    struct cell_top *tops;   /* of the same cells, when the journal is read for it */
    uint32_t cell_count;
    uint64_t seq; /* of the ledger's last event when it was read */
    struct claim_copy claim;
    struct claim_line_view *lines;
    /* As of a time. */
    struct parameter parameters[STOCK_PARAMETERS];
    bool past;
    enum time_axis axis;
    int64_t as_of_us;
    struct explain *explain; /* NULL when it is not asked for */
    struct past_read read;   /* of a hold */
    struct past_work work;
    const struct service *service;
    enum status status;
};

/* ---- engine thread ---- */

/* Whether a worker reads the journal for it. */
static bool reads_journal(const struct stock *stock)
{
    return stock->past || (stock->explain != NULL && stock->call == STOCK_CELL && !stock->summed && stock->found);
}

static bool make_room(struct stock *stock, uint32_t count)
{
    stock->cells = calloc(count, sizeof(*stock->cells));
    stock->tops = reads_journal(stock) ? calloc(count, sizeof(*stock->tops)) : NULL;
    stock->out_of_memory = stock->cells == NULL || (reads_journal(stock) && stock->tops == NULL);
    return !stock->out_of_memory;
}

/* The item's cells within a location, or all of them (NUMBER_NONE). */
static void read_cells(const struct ledger *ledger, struct stock *stock, uint32_t item, uint32_t within)
{
    uint32_t count = 0;
    for (uint32_t c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c))
        count++;
    if (!make_room(stock, count == 0 ? 1 : count))
        return;
    for (uint32_t c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c)) {
        struct cell_view *view = &stock->cells[count - 1 - stock->cell_count];
        ledger_cell(ledger, c, view);
        if (stock->past)
            ledger_cell_top(ledger, c, &stock->tops[count - 1 - stock->cell_count]);
        stock->cell_count += within == NUMBER_NONE || ledger_location_within(ledger, view->location, within);
    }
    /* They were filled from the end. */
    memmove(stock->cells, stock->cells + (count - stock->cell_count), stock->cell_count * sizeof(*stock->cells));
    if (stock->past)
        memmove(stock->tops, stock->tops + (count - stock->cell_count), stock->cell_count * sizeof(*stock->tops));
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
    uint32_t item = ledger_item_find(ledger, stock->first);
    stock->item_found = ledger_item(ledger, item, &stock->item);
    if (!stock->item_found)
        return;
    stock->first = ledger_name(ledger, NAME_ITEM, item); /* it may have been asked for by a merged name */
    if (stock->call == STOCK_ITEM) {
        read_cells(ledger, stock, item, NUMBER_NONE);
        return;
    }
    uint32_t location = ledger_number(ledger, NAME_LOCATION, stock->second);
    stock->location_found = location != NUMBER_NONE;
    if (stock->location_found && ledger_location_has_children(ledger, location)) {
        stock->summed = true;
        read_cells(ledger, stock, item, location);
        return;
    }
    uint32_t cell = stock->location_found ? ledger_cell_find(ledger, item, location) : NUMBER_NONE;
    stock->found = cell != NUMBER_NONE;
    if (!make_room(stock, 1) || !stock->found)
        return;
    ledger_cell(ledger, cell, stock->cells);
    if (reads_journal(stock))
        ledger_cell_top(ledger, cell, stock->tops);
    if (stock->explain != NULL && !stock->past)
        explain_claims(stock->explain, ledger, cell);
}

/* ---- I/O thread ---- */

/* The sum of all figures; false when it is more than any number can say. What lies in bins is among what is sellable
 * and not counted again. What is oversold at one place is so whatever is left at another. */
static bool sum_cells(const struct stock *stock, struct figures *out_total, int64_t *out_oversold)
{
    struct figures total = {{0}};
    int64_t oversold = 0;
    bool fits = true;
    for (uint32_t i = 0; i < stock->cell_count; i++) {
        fits = fits && checked_add(oversold, cell_oversold(&stock->cells[i]), &oversold);
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            fits = fits && checked_add(total.units[f], stock->cells[i].figures.units[f], &total.units[f]) &&
                   total.units[f] < INT64_MAX / 16 && total.units[f] > -INT64_MAX / 16; /* their sums fit too */
    }
    total.units[FIGURE_IN_BINS] = 0;
    *out_total = total;
    *out_oversold = oversold;
    return fits;
}

static void render_total(struct buffer *out, const struct stock *stock)
{
    struct figures total;
    int64_t oversold;
    if (!sum_cells(stock, &total, &oversold)) {
        buffer_literal(out, "\"total\":null");
        return;
    }
    buffer_literal(out, "\"total\":{");
    render_figures(out, &total, oversold, stock->item.scale);
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
    render_position(out, render->epochs, stock->seq);
    struct figures total;
    int64_t oversold;
    if (stock->explain != NULL && sum_cells(stock, &total, &oversold))
        explain_cells(out, render, stock->cells, stock->cell_count);
    buffer_literal(out, "}\n");
}

/* The item is known, the place too, but nothing has ever been there: all figures are zero. */
static void render_empty_cell(struct buffer *out, const struct stock *stock, const struct render *render)
{
    const struct cell_view nothing = {.scale = 0};
    buffer_literal(out, "{\"item\":");
    json_string(out, stock->first);
    buffer_literal(out, ",\"location\":");
    json_string(out, stock->second);
    buffer_byte(out, ',');
    render_figures(out, &nothing.figures, 0, 0);
    buffer_literal(out, ",\"version\":0,\"position\":");
    render_position(out, render->epochs, stock->seq);
    if (stock->explain != NULL)
        explain_cell(out, render, stock->explain, &nothing);
    buffer_literal(out, "}\n");
}

/* A location with others below it: the sum of what is there and in all of them. Its version is the sum of theirs. */
static void render_sum(struct buffer *out, const struct stock *stock, const struct render *render)
{
    struct figures total;
    int64_t oversold;
    uint64_t version = 0;
    uint64_t seq = 0;
    bool fits = sum_cells(stock, &total, &oversold);
    for (uint32_t i = 0; i < stock->cell_count; i++) {
        version += stock->cells[i].version;
        seq = stock->cells[i].last_seq > seq ? stock->cells[i].last_seq : seq;
    }
    buffer_literal(out, "{\"item\":");
    json_string(out, stock->first);
    buffer_literal(out, ",\"location\":");
    json_string(out, stock->second);
    buffer_byte(out, ',');
    if (fits) {
        render_figures(out, &total, oversold, stock->item.scale);
        buffer_byte(out, ',');
    }
    buffer_literal(out, "\"cells\":");
    json_u64(out, stock->cell_count);
    buffer_literal(out, ",\"version\":");
    json_u64(out, version);
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, stock->cell_count == 0 ? stock->seq : seq);
    if (stock->explain != NULL && fits)
        explain_cells(out, render, stock->cells, stock->cell_count);
    buffer_literal(out, "}\n");
}

static void answer(struct connection *connection)
{
    const struct stock *stock = connection->state;
    const struct render render = {connection->io->service->ledger, journal_epochs(connection->io->service->journal), 0,
                                  NULL};
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    if (stock->call == STOCK_HOLD) {
        render_claim(&out, &render, &stock->claim);
        buffer_byte(&out, '\n');
    } else if (stock->call == STOCK_ITEM) {
        render_cells(&out, &render, stock);
    } else if (stock->summed) {
        render_sum(&out, stock, &render);
    } else if (stock->found) {
        render_cell_open(&out, &render, stock->cells);
        if (stock->explain != NULL)
            explain_cell(&out, &render, stock->explain, stock->cells);
        buffer_literal(&out, "}\n");
    } else {
        render_empty_cell(&out, stock, &render);
    }
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

/* ---- as of a time ---- */

/* Puts each cell back to what it was; one that had nothing yet goes. The position is that of the newest event that is
 * in the figures, 0 for none: nothing before it is missing in them. */
static void put_back(struct stock *stock, struct history *history)
{
    uint32_t kept = 0;
    uint32_t count = stock->call == STOCK_CELL && !stock->summed ? stock->found : stock->cell_count;
    stock->seq = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct history_figures was;
        struct cell_view cell = stock->cells[i];
        stock->status = history_as_of(history, stock->axis, &stock->tops[i], stock->as_of_us, &was);
        if (stock->status != STATUS_OK)
            return;
        if (was.seq == 0)
            continue;
        cell.figures = was.figures;
        cell.version = was.version;
        cell.last_seq = was.seq;
        stock->cells[kept++] = cell;
        stock->seq = was.seq > stock->seq ? was.seq : stock->seq;
    }
    stock->cell_count = kept;
    stock->found = kept > 0;
}

/* The entries behind the figures of one cell: those that are in them. */
static enum status find_entries(struct stock *stock, struct history *history)
{
    const struct render render = {stock->service->ledger, journal_epochs(stock->service->journal), 0, NULL};
    struct history_place before = {stock->as_of_us + 1, 0};
    if (stock->axis == AXIS_RECORDED)
        before = (struct history_place){0, stock->cells[0].last_seq + 1};
    return explain_entries(stock->explain, history, &render, stock->axis, &stock->tops[0], before);
}

static void work_run(void *context)
{
    struct stock *stock = ((struct connection *)context)->state;
    struct feed_scratch scratch;
    struct history history;
    stock->status = STATUS_MEMORY;
    if (feed_scratch_init(&scratch)) {
        history_init(&history, stock->service->journal, scratch.bytes, &scratch.decision, &stock->work.stop);
        stock->status = STATUS_OK;
        bool one_cell = stock->explain != NULL && stock->call == STOCK_CELL && !stock->summed;
        if (stock->past)
            put_back(stock, &history);
        if (one_cell && stock->found && stock->status == STATUS_OK)
            stock->status = find_entries(stock, &history);
    }
    feed_scratch_deinit(&scratch);
}

static void work_done(void *context)
{
    struct connection *connection = context;
    if (!connection_past_done(connection))
        return;
    const struct stock *stock = connection->state;
    if (stock->status == STATUS_FULL)
        respond_problem(connection, 422, "out_of_range", TEXT("as_of"),
                        TEXT("what occurred by then sums up beyond what a figure can hold; ask on axis=recorded"));
    else if (stock->status == STATUS_NOT_FOUND)
        respond_expired(connection, TEXT("as_of"));
    else if (stock->status != STATUS_OK)
        respond_unreadable(connection);
    else
        answer(connection);
}

static void answer_hold(struct connection *connection)
{
    const struct stock *stock = connection->state;
    if (stock->out_of_memory)
        respond_unread(connection);
    else if (!stock->found)
        respond_problem(connection, 404, "unknown_hold", TEXT("hold"),
                        stock->read.as_of.past ? TEXT("no such name then") : TEXT("no such name"));
    else
        answer(connection);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct stock *stock = connection->state;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ || stock->out_of_memory) {
        respond_unread(connection);
        return;
    }
    if (stock->call == STOCK_HOLD) {
        past_read_go_on(connection, &stock->read, answer_hold);
        return;
    }
    if (!stock->item_found) {
        respond_problem(connection, 404, "unknown_item", TEXT("item"), TEXT("no such name"));
        return;
    }
    if (stock->call == STOCK_CELL && !stock->location_found) {
        respond_problem(connection, 404, "unknown_location", TEXT("location"), TEXT("no such name"));
        return;
    }
    if (!reads_journal(stock)) {
        answer(connection);
        return;
    }
    stock->status = STATUS_AGAIN; /* until it runs */
    connection_past_start(connection, connection->io->service->past, &stock->work, work_run, work_done);
}

/* Resumed when a batch is free. */
static void ask(struct connection *connection)
{
    struct stock *stock = connection->state;
    if (stock->call == STOCK_HOLD)
        past_read_ask(connection, &stock->read);
    else
        io_read(connection->io, connection, read_stock, stock);
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

/* as_of and axis. Answers when they make no sense. */
static void take_time(struct connection *connection)
{
    struct stock *stock = connection->state;
    struct as_of as_of;
    struct text time = stock->parameters[STOCK_AS_OF].value;
    struct text axis = stock->parameters[STOCK_AXIS].value;
    bool sound = stock->call == STOCK_HOLD ? route_as_of_recorded(connection, time, axis, &as_of)
                                           : route_as_of(connection, time, axis, &as_of);
    if (!sound)
        return;
    stock->read.as_of = as_of;
    stock->past = as_of.past;
    stock->axis = as_of.axis;
    stock->as_of_us = as_of.us;
}

/* True: the time is to be looked at, too. */
static bool take_explain(struct connection *connection)
{
    struct stock *stock = connection->state;
    bool wanted;
    if (!route_flag(connection, TEXT("explain"), stock->parameters[STOCK_EXPLAIN].value, &wanted))
        return false;
    stock->explain = wanted ? explain_create() : NULL;
    if (!wanted || stock->explain != NULL)
        return true;
    respond_unread(connection);
    return false;
}

static void on_begin(struct connection *connection)
{
    if (!begin_names(connection, connection->call == STOCK_HOLD ? "hold" : "item", "location"))
        return;
    struct stock *stock = connection->state;
    stock->service = connection->io->service;
    stock->read.read = read_stock;
    stock->read.detail = stock;
    stock->parameters[STOCK_AS_OF].key = TEXT("as_of");
    stock->parameters[STOCK_AXIS].key = TEXT("axis");
    stock->parameters[STOCK_EXPLAIN].key = TEXT("explain");
    unsigned count = connection->call == STOCK_HOLD ? STOCK_EXPLAIN : STOCK_PARAMETERS; /* a hold is not explained */
    if (route_query(connection, stock->parameters, count, NULL) &&
        take_explain(connection))
        take_time(connection);
}

static void on_end(struct connection *connection)
{
    struct stock *stock = connection->state;
    explain_destroy(stock->explain);
    free(stock->cells);
    free(stock->tops);
    free(stock->lines);
    free(stock);
}

const struct handler stock_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
