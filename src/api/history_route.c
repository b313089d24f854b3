/*
 * GET /v1/history/{item}: the events of an item's cells, newest first, in pages; of all its cells, or of those at a
 * location and below it.
 *
 * The engine's thread says which cells there are and where the events of each begin, in a read among the commands; a
 * worker walks the journal back from there (journal/history.h) and renders the page. A cursor is the place of the last
 * entry: what is recorded later is above it on `recorded`. On `occurred` a late fact may come to lie above it or below;
 * below, it is in a page to come. Where the journal's beginning is gone, so are entries: a page says before which position. A check ties a cursor to its item, location, axis and place.
 */
#include "api/cursor.h"
#include "api/feed_text.h"
#include "api/routes.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "journal/history.h"

#define PAGE_DEFAULT      100
#define HISTORY_PAGE_MAX  1000
#define HISTORY_PAGE_BYTES ((size_t)4 << 20) /* a page ends behind the entry that exceeds it */

enum { HISTORY_LOCATION, HISTORY_LIMIT, HISTORY_CURSOR, HISTORY_AXIS, HISTORY_PARAMETERS };

struct history_call {
    const struct service *service;
    struct text item;
    char item_bytes[3 * NAME_BYTES_MAX];
    struct parameter parameters[HISTORY_PARAMETERS];
    struct history_page page;
    uint64_t check; /* the cursor's */
    /* Filled by the engine's thread. */
    bool item_found, location_found, foreign, out_of_memory;
    struct text name; /* of the item: it may have been asked for by a merged one */
    uint64_t seq;
    /* The worker's. */
    struct past_work work;
    enum status status;
    struct buffer body;
    uint32_t count;
};

/* Of everything a cursor belongs to. The key is no secret: whoever makes up a cursor sees entries like anybody else. */
static uint64_t cursor_check(const struct history_call *call, struct history_place place)
{
    const struct siphash_key key = {UINT64_C(0x68697374), 1}; /* raise k1 when places come to mean something else */
    uint8_t bytes[32 + 2 * NAME_BYTES_MAX + 2];
    struct text location = call->parameters[HISTORY_LOCATION].value;
    size_t n = 24;
    put_u32(bytes, journal_epoch(call->service->journal));
    put_u32(bytes + 4, (uint32_t)call->page.axis);
    put_u64(bytes + 8, (uint64_t)place.us);
    put_u64(bytes + 16, place.seq);
    memcpy(bytes + n, call->name.bytes, call->name.length);
    n += call->name.length;
    bytes[n++] = 0; /* in no name */
    if (text_present(location)) {
        memcpy(bytes + n, location.bytes, location.length);
        n += location.length;
        bytes[n++] = 0;
    }
    return siphash64(&key, bytes, n);
}

/* ---- engine thread ---- */

/* Cells of the item at the location or below it; NUMBER_NONE: all. */
static void read_tops(const struct ledger *ledger, struct history_call *call, uint32_t item, uint32_t within)
{
    uint32_t count = 0;
    uint32_t c;
    for (c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c))
        count++;
    call->page.tops = calloc(count == 0 ? 1 : count, sizeof(struct cell_top));
    call->out_of_memory = call->page.tops == NULL;
    if (call->out_of_memory)
        return;
    for (c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c)) {
        struct cell_view view;
        ledger_cell(ledger, c, &view);
        if (within == NUMBER_NONE || ledger_location_within(ledger, view.location, within))
            ledger_cell_top(ledger, c, &call->page.tops[call->page.top_count++]);
    }
}

static void read_history(const struct ledger *ledger, struct request *request)
{
    struct history_call *call = request->detail;
    struct text location = call->parameters[HISTORY_LOCATION].value;
    struct item_view view;
    uint32_t item = ledger_item_find(ledger, call->item);
    uint32_t within = text_present(location) ? ledger_number(ledger, NAME_LOCATION, location) : NUMBER_NONE;
    call->seq = ledger_last_seq(ledger);
    call->item_found = ledger_item(ledger, item, &view);
    call->location_found = !text_present(location) || within != NUMBER_NONE;
    if (!call->item_found || !call->location_found)
        return;
    call->name = ledger_name(ledger, NAME_ITEM, item);
    call->foreign = text_present(call->parameters[HISTORY_CURSOR].value) &&
                    call->check != cursor_check(call, call->page.before);
    if (!call->foreign)
        read_tops(ledger, call, item, within);
}

/* ---- worker ---- */

static bool take_entry(void *context, const struct decision *decision, uint32_t index)
{
    struct history_call *call = context;
    const struct render render = {call->service->ledger, journal_epochs(call->service->journal), 0, NULL};
    if (call->count++ != 0)
        buffer_byte(&call->body, ',');
    render_event(&call->body, &render, decision, index);
    return call->body.length < HISTORY_PAGE_BYTES;
}

static void work_run(void *context)
{
    struct history_call *call = ((struct connection *)context)->state;
    struct feed_scratch scratch;
    struct history history;
    call->status = STATUS_MEMORY;
    call->page.places = malloc((call->page.limit + 1) * sizeof(call->page.places[0]));
    if (feed_scratch_init(&scratch) && call->page.places != NULL) {
        call->page.entry = take_entry;
        call->page.context = call;
        history_init(&history, call->service->journal, scratch.bytes, &scratch.decision, &call->work.stop);
        call->status = history_page(&history, &call->page);
    }
    feed_scratch_deinit(&scratch);
}

/* ---- I/O thread ---- */

static void render_cursor(struct buffer *out, const struct history_call *call)
{
    uint8_t bytes[CURSOR_BYTES];
    put_u64(bytes, cursor_check(call, call->page.last));
    put_u64(bytes + 8, (uint64_t)call->page.last.us);
    put_u64(bytes + 16, call->page.last.seq);
    cursor_write(out, bytes);
}

/* False for what no call gave; whether this one did is known when the item is. */
static bool read_cursor(struct history_call *call, struct text text)
{
    uint8_t bytes[CURSOR_BYTES];
    if (!cursor_read(text, bytes))
        return false;
    call->check = get_u64(bytes);
    call->page.before = (struct history_place){(int64_t)get_u64(bytes + 8), get_u64(bytes + 16)};
    return call->page.before.seq != 0;
}

static void refuse_cursor(struct connection *connection)
{
    respond_problem(connection, 422, "bad_value", TEXT("cursor"),
                    TEXT("is no cursor that this call gave for this item, location and axis; begin without one"));
}

static void work_done(void *context)
{
    struct connection *connection = context;
    if (!connection_past_done(connection))
        return;
    struct history_call *call = connection->state;
    if (call->status != STATUS_OK) {
        respond_unreadable(connection);
        return;
    }
    buffer_literal(&call->body, "],\"next\":");
    if (call->page.more)
        render_cursor(&call->body, call);
    else
        buffer_literal(&call->body, "null");
    if (call->page.expired_before != 0) {
        buffer_literal(&call->body, ",\"expired_before\":");
        render_position(&call->body, journal_epochs(call->service->journal), call->page.expired_before);
    }
    buffer_literal(&call->body, ",\"position\":");
    render_position(&call->body, journal_epochs(call->service->journal), call->seq);
    buffer_literal(&call->body, "}\n");
    if (call->body.failed)
        respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("memory for the page cannot be had now"));
    else
        respond(connection, 200, "application/json", TEXT_NONE, text_of(call->body.bytes, call->body.length));
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct history_call *call = request->detail;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ || call->out_of_memory) {
        respond_unread(connection);
    } else if (!call->item_found) {
        respond_problem(connection, 404, "unknown_item", TEXT("item"), TEXT("no such name"));
    } else if (!call->location_found) {
        respond_problem(connection, 404, "unknown_location", TEXT("location"), TEXT("no such name"));
    } else if (call->foreign) {
        refuse_cursor(connection);
    } else {
        call->status = STATUS_AGAIN; /* until it runs */
        connection_past_start(connection, connection->io->service->past, &call->work, work_run, work_done);
    }
}

static void ask(struct connection *connection)
{
    io_read(connection->io, connection, read_history, connection->state); /* resumed when a batch is free */
}

static void take_parameters(struct connection *connection)
{
    struct history_call *call = connection->state;
    struct text location = call->parameters[HISTORY_LOCATION].value;
    struct text limit = call->parameters[HISTORY_LIMIT].value;
    struct text cursor = call->parameters[HISTORY_CURSOR].value;
    uint64_t number = PAGE_DEFAULT;
    enum name_status name = text_present(location) ? name_check(location) : NAME_OK;
    if (!route_axis(connection, call->parameters[HISTORY_AXIS].value, &call->page.axis))
        return;
    if (name != NAME_OK) {
        const char *problem = name_problem(name);
        respond_problem(connection, 422, "bad_value", TEXT("location"), text_of(problem, strlen(problem)));
    } else if (text_present(limit) && !parse_number(limit, 1, HISTORY_PAGE_MAX, &number)) {
        respond_problem(connection, 422, "bad_value", TEXT("limit"), TEXT("must be a whole number from 1 to 1000"));
    } else if (text_present(cursor) && !read_cursor(call, cursor)) {
        refuse_cursor(connection);
    }
    call->page.limit = (uint32_t)number;
}

static void on_begin(struct connection *connection)
{
    static const struct text keys[HISTORY_PARAMETERS] = {{"location", 8}, {"limit", 5}, {"cursor", 6}, {"axis", 4}};
    struct history_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = call;
    call->service = connection->io->service;
    call->page.before = HISTORY_TOP;
    buffer_init(&call->body, CONNECTION_OUT_BYTES);
    buffer_literal(&call->body, "{\"entries\":[");
    for (unsigned i = 0; i < HISTORY_PARAMETERS; i++)
        call->parameters[i].key = keys[i];
    if (route_name(connection, connection->path_first, "item", call->item_bytes, &call->item) &&
        route_query(connection, call->parameters, HISTORY_PARAMETERS, NULL))
        take_parameters(connection);
}

static void on_end(struct connection *connection)
{
    struct history_call *call = connection->state;
    buffer_deinit(&call->body);
    free(call->page.tops);
    free(call->page.places);
    free(call);
}

const struct handler history_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
