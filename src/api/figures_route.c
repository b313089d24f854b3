/*
 * GET /v1/figures: the present figures of every cell that passes a filter, and the position to follow the feed from,
 * without hole or overlap.
 *
 * The cells are copied in chunks, each a read in its place among the commands, so that the ledger is never held up. The
 * first chunk is as of position S, the last as of E: cells that changed between were copied too early. The feed from S to E
 * says which and to what, because events carry the figures after them; with those put in, all is as of E, and following
 * from E misses nothing and repeats nothing.
 */
#include "api/feed_text.h"
#include "api/routes.h"

#include <stdlib.h>

#define CHUNK_CELLS     1024                   /* looked at by one read */
#define CELLS_MAX       (4 * 1024 * 1024)      /* answered at once; a filter makes it fewer */
#define RENDER_BYTES    ((size_t)128 * 1024)   /* rendered before the socket is waited for */

struct figures_call {
    struct filter filter;
    struct cell_view *cells; /* in order of creation */
    uint32_t count, capacity;
    uint32_t next;      /* cell number the next chunk begins with */
    bool over, too_many, out_of_memory;
    uint64_t first_seq, last_seq; /* S and E */
    uint32_t rendered;
    bool working;
    uv_work_t work;
    const struct service *service;
    enum status status;
};

/* ---- engine thread ---- */

static void read_chunk(const struct ledger *ledger, struct request *request)
{
    struct figures_call *call = request->detail;
    uint32_t end = ledger_cell_count(ledger);
    if (call->next == 0)
        call->first_seq = ledger_last_seq(ledger);
    call->last_seq = ledger_last_seq(ledger);
    uint32_t stop = end - call->next > CHUNK_CELLS ? call->next + CHUNK_CELLS : end;
    for (; call->next < stop && call->count < call->capacity; call->next++) {
        struct cell_view *view = &call->cells[call->count];
        ledger_cell(ledger, call->next, view);
        if (ledger_retired(ledger, NAME_ITEM, view->item) || ledger_retired(ledger, NAME_LOCATION, view->location))
            continue; /* of an earlier use of the name: nothing is left there */
        if (filter_match_cell(&call->filter, ledger, view->item, view->location))
            call->count++;
    }
    call->over = call->next == end;
}

/* Before the first chunk. */
static void read_names(const struct ledger *ledger, struct request *request)
{
    struct figures_call *call = request->detail;
    filter_names_read(ledger, &call->filter);
}

/* ---- worker: bring every cell to E ---- */

static int compare_cells(const void *a, const void *b)
{
    const struct cell_view *left = a;
    const struct cell_view *right = b;
    if (left->item != right->item)
        return left->item < right->item ? -1 : 1;
    return left->location < right->location ? -1 : left->location > right->location;
}

/* A name was given up after its cells were copied: they go, before a new one of that name may stand beside them. */
static void drop_cells(struct figures_call *call, const struct event *event)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < call->count; i++) {
        const struct cell_view *cell = &call->cells[i];
        if (event->config_number != (event->config_space == NAME_ITEM ? cell->item : cell->location))
            call->cells[kept++] = *cell;
    }
    call->count = kept;
}

static void apply_record(struct figures_call *call, const struct decision *decision)
{
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->config_deleted && event->seq <= call->last_seq &&
            (event->config_space == NAME_ITEM || event->config_space == NAME_LOCATION))
            drop_cells(call, event);
        if (event->location == NUMBER_NONE || event->seq > call->last_seq || call->count == 0)
            continue;
        const struct cell_view key = {.item = event->item, .location = event->location};
        struct cell_view *cell = bsearch(&key, call->cells, call->count, sizeof(key), compare_cells);
        if (cell == NULL || cell->version >= event->version)
            continue;
        cell->figures = event->figures;
        cell->version = event->version;
        cell->last_seq = event->seq;
    }
}

static void work_run(uv_work_t *work)
{
    struct figures_call *call = ((struct connection *)work->data)->state;
    /* By item and location number: fit to be searched, and a stable order of rows. */
    qsort(call->cells, call->count, sizeof(*call->cells), compare_cells);
    struct feed_scratch scratch;
    call->status = feed_scratch_init(&scratch) ? STATUS_OK : STATUS_MEMORY;
    for (uint64_t seq = call->first_seq; call->status == STATUS_OK && seq < call->last_seq;) {
        size_t n = 0;
        call->status = journal_read(call->service->journal, seq + 1, TAIL_UNKNOWN, false, scratch.bytes,
                                    RECORD_BYTES_MAX, &n);
        for (size_t at = 0; call->status == STATUS_OK && at < n;) {
            struct record record;
            call->status = record_decode(scratch.bytes + at, n - at, &scratch.decision, &record);
            if (call->status != STATUS_OK)
                break;
            at += record.bytes;
            seq = scratch.decision.first_seq + scratch.decision.event_count - 1;
            apply_record(call, &scratch.decision);
        }
    }
    feed_scratch_deinit(&scratch);
}

/* ---- I/O thread ---- */

static void render_some(struct connection *connection)
{
    struct figures_call *call = connection->state;
    struct buffer *out = &connection->body;
    const struct render render = {call->service->ledger, journal_epochs(call->service->journal), 0, NULL};
    if (connection->closing || call->working || !connection->streaming)
        return;
    while (call->rendered < call->count) {
        if (connection_waiting(connection) > CONNECTION_OUT_HIGH || out->length > RENDER_BYTES) {
            connection->drained_wanted = true;
            connection_dirty(connection);
            return;
        }
        if (call->rendered != 0)
            buffer_byte(out, ',');
        render_cell(out, &render, &call->cells[call->rendered++]);
    }
    buffer_literal(out, "],\"position\":");
    render_position(out, render.epochs, call->last_seq);
    buffer_literal(out, "}\n");
    stream_end(connection);
}

static void work_done(uv_work_t *work, int result)
{
    struct connection *connection = work->data;
    struct figures_call *call = connection->state;
    (void)result; /* never cancelled */
    call->working = false;
    connection->outstanding--;
    if (connection->closing) {
        connection_release(connection);
        return;
    }
    if (call->status == STATUS_NOT_FOUND) {
        respond_problem(connection, 503, "feed_unreadable", TEXT_NONE,
                        TEXT("what changed since it began is no longer kept; ask again, or for less"));
        return;
    }
    if (call->status != STATUS_OK) {
        respond_unreadable(connection);
        return;
    }
    stream_begin(connection, "application/json");
    buffer_literal(&connection->body, "{\"figures\":[");
    render_some(connection);
}

static void ask(struct connection *connection)
{
    struct figures_call *call = connection->state;
    if (call->capacity - call->count < CHUNK_CELLS && !call->too_many) {
        uint32_t capacity = call->capacity == 0 ? 4 * CHUNK_CELLS : 2 * call->capacity;
        struct cell_view *cells = capacity > CELLS_MAX ? NULL : realloc(call->cells, capacity * sizeof(*cells));
        call->too_many = capacity > CELLS_MAX;
        if (cells == NULL) {
            respond_problem(connection, call->too_many ? 413 : 503, call->too_many ? "too_many_cells" : "limit_reached",
                            TEXT_NONE, TEXT("more cells than one answer holds; filter by item= or location="));
            return;
        }
        call->cells = cells;
        call->capacity = capacity;
    }
    read_function read = filter_names_wanted(&call->filter) ? read_names : read_chunk;
    io_read(connection->io, connection, read, call); /* resumed when a batch is free */
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct figures_call *call = connection->state;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ) {
        respond_unread(connection);
        return;
    }
    if (!filter_names_prepare(&call->filter)) {
        respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("memory for the filter cannot be had now"));
        return;
    }
    if (!call->over) {
        ask(connection);
        return;
    }
    call->working = true;
    call->work.data = connection;
    connection->outstanding++;
    CHECK(uv_queue_work(&connection->io->loop, &call->work, work_run, work_done) == 0);
}

static void on_resume(struct connection *connection)
{
    if (connection->streaming)
        render_some(connection);
    else
        ask(connection);
}

static bool on_parameter(struct connection *connection, struct text key, struct text value, bool *out_known)
{
    struct figures_call *call = connection->state;
    bool item = text_equal(key, TEXT("item"));
    *out_known = item || text_equal(key, TEXT("location"));
    if (!*out_known || filter_add(&call->filter, item ? FILTER_ITEM : FILTER_LOCATION, value) == FILTER_OK)
        return true;
    respond_problem(connection, 422, "bad_value", key, TEXT("a filter has at most 64 values of at most 128 bytes"));
    return false;
}

static void on_begin(struct connection *connection)
{
    struct figures_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = call;
    call->service = connection->io->service;
    route_query(connection, NULL, 0, on_parameter);
}

static void on_end(struct connection *connection)
{
    struct figures_call *call = connection->state;
    filter_deinit(&call->filter);
    free(call->cells);
    free(call);
}

const struct handler figures_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = on_resume,
    .end = on_end,
};
