/*
 * GET of the collections: /v1/stock, /v1/holds, /v1/waiting, /v1/transfers, /v1/expectations, /v1/reviews, /v1/drift, /v1/items, /v1/locations,
 * /v1/channels, /v1/sources, and /v1/availability of a whole channel. A page of rows, and a cursor to the next one.
 *
 * A collection is a table of the ledger whose places are numbered: an entry keeps its place for as long as it is there,
 * and which place it gets depends on the log alone. A listing walks the places upwards, so that a cursor is the place
 * to go on from: whatever happens in between, and after a restart, nothing moves from one side of it to the other.
 * Where places are given anew when their entry has gone (holds, documents), the cursor also says when the listing
 * began, and what came to be later is passed over: it would stand anywhere. A check ties the cursor to its call and
 * filters.
 *
 * The table is looked at in chunks, each a read in its place among the commands, so that the ledger is never held up: a
 * read looks at LOOKS_MAX entries, copies what passes the filters, and the I/O thread renders that before it asks for
 * more. A page therefore is not of one moment: each row is as of a moment between the first and the last read, and
 * `position` is that of the first. What follows it in the feed is either in a row or still to come; versions tell.
 *
 * A new collection is a row of `collections`: its parameters, the places of its table, what takes a row out of the
 * ledger and what renders it. When its places are given anew, it takes nothing that came to be after list->since.
 */
#include "api/cursor.h"
#include "api/explain_drift.h"
#include "api/feed_text.h"
#include "api/routes.h"
#include "base/bytes.h"

#include <stdlib.h>

#define PAGE_DEFAULT   100
#define LIST_PAGE_MAX  1000
#define LIST_BYTES_MAX ((size_t)4 << 20) /* a page ends behind the row that exceeds it; a hold can have 1,000 lines */
#define LOOKS_MAX      1024              /* entries looked at by one read, lines looked at counted: some 100 us */
#define ROWS_MAX       128               /* rows copied by one read */
#define EXPLAINED_MAX  100               /* rows of a page that explains them */
#define EXPLAINED_ROWS 16                /* copied by one read, and explained by one work on the past */
#define FORM_BYTES_MAX ((size_t)64 << 10) /* of bodies copied by one read: it ends behind the one that exceeds it */

enum list_parameter {
    LIST_ITEM,
    LIST_LOCATION,
    LIST_CONDITION,
    LIST_STATE,
    LIST_HOLDER,
    LIST_CHANNEL,
    LIST_Q,
    LIST_SORT,
    LIST_DIRECTION,
    LIST_SOURCE,
    LIST_EXPLAIN,
    LIST_LIMIT,
    LIST_CURSOR,
    LIST_PARAMETER_COUNT
};
#define HAS(parameter)  (1U << (parameter))
#define HAS_PAGES       (HAS(LIST_LIMIT) | HAS(LIST_CURSOR))

static const struct text keys[LIST_PARAMETER_COUNT] = {
    {"item", 4},    {"location", 8}, {"condition", 9}, {"state", 5}, {"holder", 6},
    {"channel", 7}, {"q", 1},        {"sort", 4},      {"direction", 9}, {"source", 6}, {"explain", 7}, {"limit", 5}, {"cursor", 6},
};

struct row {
    uint32_t place;
    union {
        struct {
            struct cell_view view;
            bool has_free; /* for the channel that is asked for */
            int64_t free;
        } cell;
        struct claim_copy claim;
        struct document_copy document;
        struct offer_view offer;
        struct review_view review;
        struct statement_view statement;
        struct config_copy config;
    } of;
};

/* What they are decides what a read needs room for beside them: lines, or bodies. */
enum row_kind { ROWS_PLAIN, ROWS_OF_CLAIMS, ROWS_OF_DOCUMENTS, ROWS_OF_CONFIG };

struct list;

struct collection {
    const char *name;          /* of the member with the rows */
    unsigned parameters;       /* bits of enum list_parameter */
    const char *const *states; /* the words of state=, NULL at the end */
    enum row_kind kind;
    bool of_channel;           /* rows are of the one channel that must be named; it is said before them */
    /* Engine thread. */
    uint32_t (*places)(const struct ledger *ledger);
    bool (*take)(const struct ledger *ledger, struct list *list, struct row *row); /* row->place; false: passed over */
    /* I/O thread. */
    void (*render)(struct buffer *out, const struct render *render, const struct row *row);
};

struct list {
    const struct collection *collection;
    const struct quality *quality;
    struct parameter parameters[LIST_PARAMETER_COUNT];
    struct text values[LIST_PARAMETER_COUNT]; /* of them, TEXT_NONE for those left out */
    enum condition condition;
    uint64_t limit;
    /* Where the listing is. */
    uint32_t place; /* the next to be looked at */
    uint64_t since; /* the ledger's last event when the listing's first page began */
    bool resumed;   /* both come from a cursor */
    bool begun, over, foreign;
    bool channel_unknown;
    uint64_t seq; /* the ledger's last event when this page began */
    uint32_t item, location, channel; /* numbers of those names, looked up by each read */
    bool location_has_children;
    /* One read's rows. */
    struct row *rows;
    struct claim_line_view *claim_lines; /* room for two claims of the largest kind, where the rows are claims */
    struct document_line_view *document_lines; /* the same of documents */
    uint8_t *forms; /* where the rows have bodies */
    size_t form_bytes;
    uint32_t row_count, line_count, looks;
    /* With explain=true: what the rows are explained by, read by a worker. */
    bool explained;
    struct drift *drift; /* NULL without */
    struct drift_row *drift_rows; /* EXPLAINED_ROWS */
    struct past_work work;
    const struct service *service;
    enum status status;
    uint32_t rendered; /* of the read's rows */
    /* The page. */
    uint64_t count;
    struct buffer body;
};

/* ---- engine thread ---- */

/* part: not empty. */
static bool contains(struct text text, struct text part)
{
    for (uint32_t i = 0; part.length <= text.length && i <= text.length - part.length; i++) {
        if (text.bytes[i] == part.bytes[0] && memcmp(text.bytes + i, part.bytes, part.length) == 0)
            return true;
    }
    return false;
}

static bool is_wanted(const struct list *list, enum list_parameter parameter, struct text value)
{
    return !text_present(list->values[parameter]) || text_equal(list->values[parameter], value);
}

static bool name_is_wanted(const struct list *list, struct text name)
{
    return !text_present(list->values[LIST_Q]) || contains(name, list->values[LIST_Q]);
}

static bool number_is_wanted(uint32_t wanted, uint32_t number)
{
    return wanted == NUMBER_NONE || wanted == number;
}

/* The location that is filtered by, or one below it. */
static bool location_is_wanted(const struct ledger *ledger, struct list *list, uint32_t location)
{
    if (list->location == NUMBER_NONE || !list->location_has_children)
        return number_is_wanted(list->location, location);
    for (; location != list->location && location != NUMBER_NONE; list->looks++)
        location = ledger_location_parent(ledger, location);
    return location == list->location;
}

static const char *const stock_states[] = {"in_stock", "out_of_stock", "oversold", "reserved", NULL};

static bool cell_state_is_wanted(const struct list *list, const struct cell_view *cell)
{
    const struct figures *figures = &cell->figures;
    struct text state = list->values[LIST_STATE];
    if (!text_present(state))
        return true;
    if (text_equal(state, TEXT("in_stock")))
        return figures_available(figures) > 0;
    if (text_equal(state, TEXT("out_of_stock")))
        return figures_available(figures) <= 0;
    return text_equal(state, TEXT("oversold")) ? cell_oversold(cell) > 0 : figures_reserved(figures) > 0;
}

static bool take_cell(const struct ledger *ledger, struct list *list, struct row *row)
{
    struct cell_view *cell = &row->of.cell.view;
    ledger_cell(ledger, row->place, cell);
    /* Of a name that was given up nothing is left but zeros. */
    if (ledger_retired(ledger, NAME_ITEM, cell->item) || ledger_retired(ledger, NAME_LOCATION, cell->location))
        return false;
    row->of.cell.has_free = list->channel != NUMBER_NONE;
    if (row->of.cell.has_free) {
        if (!ledger_channel_serves(ledger, list->channel, cell->location))
            return false;
        row->of.cell.free = ledger_free(ledger, row->place, list->channel);
    }
    return location_is_wanted(ledger, list, cell->location) && cell_state_is_wanted(list, cell) &&
           (list->condition == CONDITION_NONE || cell->figures.units[list->condition] != 0) &&
           name_is_wanted(list, ledger_name(ledger, NAME_ITEM, cell->item));
}

static const char *const hold_states[] = {"held",    "committed", "waiting", "released", "consumed",
                                          "expired", "open",      "ended",   NULL};

static bool claim_state_is_wanted(const struct list *list, enum claim_state state)
{
    const char *name = claim_state_name(state);
    return is_wanted(list, LIST_STATE, text_of(name, strlen(name))) ||
           text_equal(list->values[LIST_STATE], claim_state_ended(state) ? TEXT("ended") : TEXT("open"));
}

/* waiting: only lines that wait for something. */
static bool a_line_is_wanted(const struct ledger *ledger, struct list *list, uint32_t line, bool waiting)
{
    if (list->item == NUMBER_NONE && list->location == NUMBER_NONE && !waiting)
        return true;
    struct claim_line_view view;
    for (; line != NUMBER_NONE; line = view.next, list->looks++) {
        ledger_claim_line(ledger, line, &view);
        if (number_is_wanted(list->item, view.item) && location_is_wanted(ledger, list, view.location) &&
            (!waiting || view.units[CLAIM_WAITING] != 0))
            return true;
    }
    return false;
}

static bool take_claim_that(const struct ledger *ledger, struct list *list, struct row *row, bool waiting)
{
    struct claim_view view;
    if (!ledger_claim_at(ledger, row->place, &view) || view.claim > list->since ||
        (waiting && claim_state_ended(view.state)) || !claim_state_is_wanted(list, view.state) ||
        !is_wanted(list, LIST_HOLDER, view.holder) || !is_wanted(list, LIST_CHANNEL, view.channel) ||
        !a_line_is_wanted(ledger, list, view.line, waiting))
        return false;
    struct claim_copy *claim = &row->of.claim;
    claim_copy(ledger, &view, list->claim_lines + list->line_count, claim);
    list->line_count += claim->line_count;
    list->looks += claim->line_count;
    return true;
}

static bool take_claim(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_claim_that(ledger, list, row, false);
}

/* A claim can be held in part and wait for the rest. */
static bool take_waiting(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_claim_that(ledger, list, row, true);
}

static const char *const document_states[] = {"open", "closed", NULL};
static const char *const directions[] = {"in", "out", NULL};

/* Of what is still open: a closed document has no lines. */
static bool a_document_line_is_wanted(const struct ledger *ledger, struct list *list, uint32_t line)
{
    if (list->item == NUMBER_NONE && list->location == NUMBER_NONE)
        return true;
    struct document_line_view view;
    for (; line != NUMBER_NONE; line = view.next, list->looks++) {
        ledger_document_line(ledger, line, &view);
        if (number_is_wanted(list->item, view.item) && location_is_wanted(ledger, list, view.location))
            return true;
    }
    return false;
}

/* number: of the document's first event. */
static bool document_is_wanted(const struct ledger *ledger, struct list *list, uint64_t number, bool open,
                               uint32_t line)
{
    return number <= list->since && is_wanted(list, LIST_STATE, open ? TEXT("open") : TEXT("closed")) &&
           a_document_line_is_wanted(ledger, list, line);
}

static struct document_line_view *document_room(const struct list *list)
{
    return list->document_lines + list->line_count;
}

static void document_taken(struct list *list, const struct document_copy *document)
{
    list->line_count += document->line_count;
    list->looks += document->line_count;
}

static bool take_transfer(const struct ledger *ledger, struct list *list, struct row *row)
{
    struct transfer_view view;
    if (!ledger_transfer_at(ledger, row->place, &view) ||
        !document_is_wanted(ledger, list, view.transfer, view.open, view.line))
        return false;
    document_copy_transfer(ledger, &view, document_room(list), &row->of.document);
    document_taken(list, &row->of.document);
    return true;
}

static bool take_expectation(const struct ledger *ledger, struct list *list, struct row *row)
{
    struct expectation_view view;
    if (!ledger_expectation_at(ledger, row->place, &view) ||
        !is_wanted(list, LIST_DIRECTION, view.direction == DIRECTION_IN ? TEXT("in") : TEXT("out")) ||
        !document_is_wanted(ledger, list, view.expectation, view.open, view.line))
        return false;
    document_copy_expectation(ledger, &view, document_room(list), &row->of.document);
    document_taken(list, &row->of.document);
    return true;
}

static const char *const review_states[] = {"open", "accepted", "rejected", NULL};

static bool take_review(const struct ledger *ledger, struct list *list, struct row *row)
{
    const struct review_view *view = &row->of.review;
    return ledger_review_at(ledger, row->place, &row->of.review) &&
           is_wanted(list, LIST_STATE, view->closed_us == TIME_NONE ? TEXT("open")
                                       : view->accepted             ? TEXT("accepted")
                                                                    : TEXT("rejected"));
}

static const char *const drift_states[] = {"differs", "agrees", "to_count", NULL};

/*
 * What is said of a place that was given up is of no use any more, nor is what was said by a source that was, or what a
 * partner reported that is none any more: it cannot report what would end it.
 */
static bool drift_is_wanted(const struct ledger *ledger, struct list *list, struct row *row)
{
    const struct statement_view *view = &row->of.statement;
    ledger_statement(ledger, row->place, &row->of.statement);
    bool differs = view->stated != view->books;
    bool to_count = view->asked_seq != 0 && view->counted_seq == 0;
    struct text state = list->values[LIST_STATE];
    return !ledger_retired(ledger, NAME_LOCATION, view->location) && !ledger_retired(ledger, NAME_ITEM, view->item) &&
           !ledger_retired(ledger, NAME_SOURCE, view->source) && (view->paired || !view->report) &&
           (text_present(state) ? is_wanted(list, LIST_STATE, differs ? TEXT("differs") : TEXT("agrees")) ||
                                      (to_count && is_wanted(list, LIST_STATE, TEXT("to_count")))
                                : differs) &&
           is_wanted(list, LIST_SOURCE, ledger_name(ledger, NAME_SOURCE, view->source)) &&
           is_wanted(list, LIST_ITEM, ledger_name(ledger, NAME_ITEM, view->item)) &&
           is_wanted(list, LIST_LOCATION, ledger_name(ledger, NAME_LOCATION, view->location));
}

static bool take_drift(const struct ledger *ledger, struct list *list, struct row *row)
{
    if (!drift_is_wanted(ledger, list, row))
        return false;
    if (list->drift != NULL)
        drift_copy(ledger, row->place, &list->drift_rows[list->row_count]);
    return true;
}

/* The server's own names, which begin with '@', are nobody's; neither are those given up. */
static bool take_name(const struct ledger *ledger, const struct list *list, enum name_space space, uint32_t number)
{
    struct text name = ledger_name(ledger, space, number);
    return name.bytes[0] != '@' && !ledger_retired(ledger, space, number) && name_is_wanted(list, name);
}

static bool take_config(const struct ledger *ledger, struct list *list, struct row *row, enum name_space space)
{
    if (!take_name(ledger, list, space, row->place))
        return false;
    config_copy(ledger, list->quality, space, row->place, list->forms + list->form_bytes, &row->of.config);
    list->form_bytes += row->of.config.form.length;
    return true;
}

static bool take_item(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_config(ledger, list, row, NAME_ITEM);
}

static bool take_location(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_config(ledger, list, row, NAME_LOCATION);
}

static bool take_channel(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_config(ledger, list, row, NAME_CHANNEL);
}

static bool take_offer(const struct ledger *ledger, struct list *list, struct row *row)
{
    ledger_offer(ledger, row->place, &row->of.offer);
    return row->of.offer.channel == list->channel && take_name(ledger, list, NAME_ITEM, row->of.offer.item);
}

static bool take_source(const struct ledger *ledger, struct list *list, struct row *row)
{
    return take_config(ledger, list, row, NAME_SOURCE);
}

static uint32_t item_places(const struct ledger *ledger)
{
    return ledger_name_count(ledger, NAME_ITEM);
}

static uint32_t location_places(const struct ledger *ledger)
{
    return ledger_name_count(ledger, NAME_LOCATION);
}

static uint32_t channel_places(const struct ledger *ledger)
{
    return ledger_name_count(ledger, NAME_CHANNEL);
}

static uint32_t source_places(const struct ledger *ledger)
{
    return ledger_name_count(ledger, NAME_SOURCE);
}

/* The number of a name that is filtered by, be it a merged one of an item. False: there is none, and no row with it. */
static bool look_up(const struct ledger *ledger, enum name_space space, struct text name, uint32_t *out_number)
{
    *out_number = !text_present(name) ? NUMBER_NONE
                  : space == NAME_ITEM ? ledger_item_find(ledger, name)
                                       : ledger_number(ledger, space, name);
    return !text_present(name) || *out_number != NUMBER_NONE;
}

static void read_chunk(const struct ledger *ledger, struct request *request)
{
    struct list *list = request->detail;
    const struct collection *collection = list->collection;
    uint32_t end = collection->places(ledger);
    list->row_count = list->line_count = list->looks = 0;
    list->form_bytes = 0;
    if (!list->begun) {
        list->begun = true;
        list->seq = ledger_last_seq(ledger);
        if (!list->resumed)
            list->since = list->seq;
        list->foreign = list->since > list->seq || list->place > end;
    }
    bool channel_known = look_up(ledger, NAME_CHANNEL, list->values[LIST_CHANNEL], &list->channel);
    list->channel_unknown = collection->of_channel && !channel_known;
    /* Of holds the channel is compared as text: it may be none that was ever configured. */
    list->over = list->foreign || (!channel_known && collection->kind != ROWS_OF_CLAIMS) ||
                 !look_up(ledger, NAME_ITEM, list->values[LIST_ITEM], &list->item) ||
                 !look_up(ledger, NAME_LOCATION, list->values[LIST_LOCATION], &list->location);
    if (list->over)
        return;
    list->location_has_children =
        list->location != NUMBER_NONE && ledger_location_has_children(ledger, list->location);
    uint64_t wanted = list->limit + 1 - list->count; /* one more, to know whether there is a next page */
    uint32_t rows_max = list->drift != NULL ? EXPLAINED_ROWS : ROWS_MAX;
    while (list->place < end && list->row_count < wanted && list->row_count < rows_max && list->looks < LOOKS_MAX &&
           list->line_count <= COMMAND_LINES_MAX && list->form_bytes <= FORM_BYTES_MAX) {
        struct row *row = &list->rows[list->row_count];
        row->place = list->place++;
        list->looks++;
        list->row_count += collection->take(ledger, list, row);
    }
    list->over = list->place == end;
}

/* ---- rows ---- */

static void render_cell_row(struct buffer *out, const struct render *render, const struct row *row)
{
    const struct cell_view *cell = &row->of.cell.view;
    render_cell_open(out, render, cell);
    if (row->of.cell.has_free) {
        buffer_literal(out, ",\"free\":");
        json_units(out, row->of.cell.free, cell->scale);
    }
    buffer_byte(out, '}');
}

static void render_claim_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_claim(out, render, &row->of.claim);
}

static void render_transfer_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_transfer(out, render, &row->of.document);
}

static void render_expectation_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_expectation(out, render, &row->of.document);
}

static void render_review_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_review(out, render, &row->of.review, NULL);
}

static void render_drift_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_statement(out, render, &row->of.statement);
}

static void render_config_row(struct buffer *out, const struct render *render, const struct row *row)
{
    render_config(out, render, &row->of.config);
}

static void render_offer_row(struct buffer *out, const struct render *render, const struct row *row)
{
    const struct offer_view *offer = &row->of.offer;
    render_availability(out, ledger_name(render->ledger, NAME_ITEM, offer->item), offer->ats, offer->scale);
}

/* ---- the collections ---- */

#define HAS_NAMES (HAS(LIST_Q) | HAS_PAGES)
#define HAS_LINES (HAS(LIST_ITEM) | HAS(LIST_LOCATION) | HAS_PAGES)
#define HAS_CLAIM (HAS_LINES | HAS(LIST_HOLDER) | HAS(LIST_CHANNEL))

static const struct collection collections[] = {
    [LIST_OF_STOCK] = {"stock",
                       HAS(LIST_LOCATION) | HAS(LIST_CONDITION) | HAS(LIST_STATE) | HAS(LIST_CHANNEL) | HAS(LIST_Q) |
                           HAS(LIST_SORT) | HAS_PAGES,
                       stock_states, ROWS_PLAIN, false, ledger_cell_count, take_cell, render_cell_row},
    [LIST_OF_HOLDS] = {"holds", HAS_CLAIM | HAS(LIST_STATE), hold_states, ROWS_OF_CLAIMS, false, ledger_claim_places,
                       take_claim, render_claim_row},
    [LIST_OF_WAITING] = {"waiting", HAS_CLAIM, NULL, ROWS_OF_CLAIMS, false, ledger_claim_places, take_waiting,
                         render_claim_row},
    [LIST_OF_TRANSFERS] = {"transfers", HAS_LINES | HAS(LIST_STATE), document_states, ROWS_OF_DOCUMENTS, false,
                           ledger_transfer_places, take_transfer, render_transfer_row},
    [LIST_OF_EXPECTATIONS] = {"expectations", HAS_LINES | HAS(LIST_STATE) | HAS(LIST_DIRECTION), document_states,
                              ROWS_OF_DOCUMENTS, false, ledger_expectation_places, take_expectation,
                              render_expectation_row},
    [LIST_OF_REVIEWS] = {"reviews", HAS(LIST_STATE) | HAS_PAGES, review_states, ROWS_PLAIN, false, ledger_review_places,
                         take_review, render_review_row},
    [LIST_OF_DRIFT] = {"drift", HAS_LINES | HAS(LIST_STATE) | HAS(LIST_SOURCE) | HAS(LIST_EXPLAIN), drift_states, ROWS_PLAIN, false,
                       ledger_statement_count, take_drift, render_drift_row},
    [LIST_OF_ITEMS] = {"items", HAS_NAMES, NULL, ROWS_OF_CONFIG, false, item_places, take_item, render_config_row},
    [LIST_OF_LOCATIONS] = {"locations", HAS_NAMES, NULL, ROWS_OF_CONFIG, false, location_places, take_location,
                           render_config_row},
    [LIST_OF_CHANNELS] = {"channels", HAS_NAMES, NULL, ROWS_OF_CONFIG, false, channel_places, take_channel,
                          render_config_row},
    [LIST_OF_SOURCES] = {"sources", HAS_NAMES, NULL, ROWS_OF_CONFIG, false, source_places, take_source,
                         render_config_row},
    [LIST_OF_OFFERS] = {"items", HAS_NAMES | HAS(LIST_CHANNEL), NULL, ROWS_PLAIN, true, ledger_offer_count, take_offer,
                        render_offer_row},
};

/* ---- cursors ---- */

/* Of everything a cursor belongs to. The key is no secret: whoever makes up a cursor sees rows like anybody else. */
static uint64_t cursor_check(const struct list *list, uint32_t epoch, uint64_t since, uint32_t place)
{
    const struct siphash_key key = {UINT64_C(0x6c697374), 1}; /* raise k1 when places come to mean something else */
    uint8_t bytes[16 + LIST_PARAMETER_COUNT * (2 + sizeof(list->parameters[0].bytes))];
    size_t n = 0;
    put_u32(bytes, epoch);
    put_u64(bytes + 4, since);
    put_u32(bytes + 12, place);
    n = 16;
    bytes[n++] = (uint8_t)(list->collection - collections);
    for (unsigned p = 0; p < LIST_LIMIT; p++) {
        struct text value = list->values[p];
        if (!text_present(value))
            continue;
        bytes[n++] = (uint8_t)p;
        memcpy(bytes + n, value.bytes, value.length);
        n += value.length;
        bytes[n++] = 0; /* in no value: label_check */
    }
    return siphash64(&key, bytes, n);
}

static void render_cursor(struct buffer *out, const struct list *list, uint32_t epoch, uint32_t place)
{
    uint8_t bytes[CURSOR_BYTES];
    put_u64(bytes, cursor_check(list, epoch, list->since, place));
    put_u64(bytes + 8, list->since);
    put_u32(bytes + 16, place);
    put_u32(bytes + 20, epoch);
    cursor_write(out, bytes);
}

/* False when this call, with these filters and on this ledger's epoch, has not given it. */
static bool read_cursor(struct list *list, struct text text, uint32_t epoch)
{
    uint8_t bytes[CURSOR_BYTES];
    if (!cursor_read(text, bytes))
        return false;
    list->since = get_u64(bytes + 8);
    list->place = get_u32(bytes + 16);
    list->resumed = true;
    return get_u32(bytes + 20) == epoch && get_u64(bytes) == cursor_check(list, epoch, list->since, list->place);
}

/* ---- I/O thread ---- */

static void refuse_cursor(struct connection *connection)
{
    respond_problem(connection, 422, "bad_value", keys[LIST_CURSOR],
                    TEXT("is no cursor that this call gave for these filters; begin without one"));
}

/* more: there is a next page, which begins at `place`. */
static void finish(struct connection *connection, bool more, uint32_t place)
{
    struct list *list = connection->state;
    const struct epochs *epochs = journal_epochs(connection->io->service->journal);
    struct buffer *body = &list->body;
    buffer_literal(body, "],\"next\":");
    if (more)
        render_cursor(body, list, epochs->now, place);
    else
        buffer_literal(body, "null");
    buffer_literal(body, ",\"position\":");
    render_position(body, epochs, list->seq);
    buffer_literal(body, "}\n");
    if (body->failed)
        respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("memory for the page cannot be had now"));
    else
        respond(connection, 200, "application/json", TEXT_NONE, text_of(body->bytes, body->length));
}

static void ask(struct connection *connection)
{
    io_read(connection->io, connection, read_chunk, connection->state); /* resumed when a batch is free */
}

/* Is there another row that fits on the page? */
static bool row_is_next(const struct list *list)
{
    return list->rendered < list->row_count && list->count < list->limit && list->body.length < LIST_BYTES_MAX;
}

/* Behind the rows of a read. */
static void go_on(struct connection *connection)
{
    struct list *list = connection->state;
    if (list->rendered < list->row_count)
        finish(connection, true, list->rows[list->rendered].place);
    else if (list->over)
        finish(connection, false, 0);
    else
        ask(connection);
}

static void work_run(void *context)
{
    struct list *list = ((struct connection *)context)->state;
    const struct render render = {list->service->ledger, journal_epochs(list->service->journal), 0, NULL};
    struct feed_scratch scratch;
    struct history history;
    list->status = STATUS_MEMORY;
    if (feed_scratch_init(&scratch)) {
        history_init(&history, list->service->journal, scratch.bytes, &scratch.decision, &list->work.stop);
        list->status = STATUS_OK;
        for (; list->status == STATUS_OK && row_is_next(list); list->rendered++) {
            if (list->count++ != 0)
                buffer_byte(&list->body, ',');
            list->status =
                drift_explain(list->drift, &history, &render, &list->drift_rows[list->rendered], &list->body);
        }
    }
    feed_scratch_deinit(&scratch);
}

static void work_done(void *context)
{
    struct connection *connection = context;
    if (!connection_past_done(connection))
        return;
    const struct list *list = connection->state;
    if (list->status == STATUS_OK)
        go_on(connection);
    else
        respond_unreadable(connection);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct list *list = connection->state;
    const struct service *service = connection->io->service;
    const struct render render = {service->ledger, journal_epochs(service->journal), 0, NULL};
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ) {
        respond_unread(connection);
        return;
    }
    if (list->foreign) {
        refuse_cursor(connection);
        return;
    }
    if (list->channel_unknown) {
        respond_problem(connection, 404, "unknown_channel", keys[LIST_CHANNEL], TEXT("no such name"));
        return;
    }
    list->rendered = 0;
    if (list->drift != NULL && list->row_count != 0) {
        list->status = STATUS_AGAIN; /* until it runs */
        connection_past_start(connection, connection->io->service->past, &list->work, work_run, work_done);
        return;
    }
    for (; row_is_next(list); list->rendered++) {
        if (list->count++ != 0)
            buffer_byte(&list->body, ',');
        list->collection->render(&list->body, &render, &list->rows[list->rendered]);
    }
    go_on(connection);
}

static void refuse_word(struct connection *connection, enum list_parameter parameter, const char *const *words)
{
    struct buffer detail;
    buffer_init(&detail, 1024);
    buffer_literal(&detail, "must be one of");
    for (; *words != NULL; words++) {
        buffer_byte(&detail, ' ');
        buffer_append(&detail, *words, strlen(*words));
    }
    respond_problem(connection, 422, "bad_value", keys[parameter], text_of(detail.bytes, detail.length));
    buffer_deinit(&detail);
}

/* The value's place among the words, or of their end. */
static unsigned find_word(const char *const *words, struct text value)
{
    unsigned i = 0;
    while (words[i] != NULL && !text_equal(text_of(words[i], strlen(words[i])), value))
        i++;
    return i;
}

/* Answers and returns false when the value is none for the parameter. */
static bool check_word(struct connection *connection, enum list_parameter parameter, const char *const *words,
                       unsigned *out_word)
{
    struct list *list = connection->state;
    if (!text_present(list->values[parameter]))
        return true;
    *out_word = find_word(words, list->values[parameter]);
    if (words[*out_word] != NULL)
        return true;
    refuse_word(connection, parameter, words);
    return false;
}

static bool check_names(struct connection *connection)
{
    static const enum list_parameter names[] = {LIST_ITEM, LIST_LOCATION, LIST_HOLDER, LIST_CHANNEL, LIST_Q};
    const struct list *list = connection->state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct text value = list->values[names[i]];
        enum name_status status = !text_present(value)  ? NAME_OK
                                  : names[i] == LIST_Q ? label_check(value)
                                                       : name_check(value);
        if (status == NAME_OK)
            continue;
        const char *problem = name_problem(status);
        respond_problem(connection, 422, "bad_value", keys[names[i]], text_of(problem, strlen(problem)));
        return false;
    }
    return true;
}

static bool check_values(struct connection *connection)
{
    static const char *const sorts[] = {"cell", NULL};
    struct list *list = connection->state;
    const char *conditions[CONDITION_COUNT + 1];
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        conditions[c] = condition_name((enum condition)c);
    conditions[CONDITION_COUNT] = NULL;
    unsigned word = CONDITION_NONE;
    unsigned ignored;
    if (!check_names(connection) || !check_word(connection, LIST_CONDITION, conditions, &word) ||
        !check_word(connection, LIST_STATE, list->collection->states, &ignored) ||
        !check_word(connection, LIST_DIRECTION, directions, &ignored) ||
        !check_word(connection, LIST_SORT, sorts, &ignored))
        return false;
    list->condition = (enum condition)word;
    list->values[LIST_SORT] = TEXT_NONE; /* there is one, said or not */
    list->limit = PAGE_DEFAULT;
    struct text limit = list->values[LIST_LIMIT];
    bool explained;
    if (!route_flag(connection, TEXT("explain"), list->values[LIST_EXPLAIN], &explained))
        return false;
    list->explained = explained;
    if (text_present(limit) && !parse_number(limit, 1, explained ? EXPLAINED_MAX : LIST_PAGE_MAX, &list->limit)) {
        respond_problem(connection, 422, "bad_value", keys[LIST_LIMIT],
                        explained ? TEXT("must be a whole number from 1 to 100: each row is explained")
                                  : TEXT("must be a whole number from 1 to 1000"));
        return false;
    }
    if (text_present(list->values[LIST_CURSOR]) &&
        !read_cursor(list, list->values[LIST_CURSOR], journal_epoch(connection->io->service->journal))) {
        refuse_cursor(connection);
        return false;
    }
    return true;
}

/* For one read's rows. */
static bool make_room(struct list *list)
{
    enum row_kind kind = list->collection->kind;
    list->rows = calloc(ROWS_MAX, sizeof(*list->rows));
    if (kind == ROWS_OF_CLAIMS)
        list->claim_lines = malloc(2 * COMMAND_LINES_MAX * sizeof(*list->claim_lines));
    else if (kind == ROWS_OF_DOCUMENTS)
        list->document_lines = malloc(2 * COMMAND_LINES_MAX * sizeof(*list->document_lines));
    else if (kind == ROWS_OF_CONFIG)
        list->forms = malloc(FORM_BYTES_MAX + CONFIG_BYTES_MAX);
    if (list->explained) {
        list->drift = drift_create();
        list->drift_rows = calloc(EXPLAINED_ROWS, sizeof(*list->drift_rows));
        if (list->drift == NULL || list->drift_rows == NULL)
            return false;
    }
    bool has_room = list->claim_lines != NULL || list->document_lines != NULL || list->forms != NULL;
    return list->rows != NULL && (has_room || kind == ROWS_PLAIN);
}

static void on_begin(struct connection *connection)
{
    struct list *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = list;
    list->collection = &collections[connection->call];
    list->service = connection->io->service;
    list->quality = shard_quality(connection->io->service->shard);
    buffer_init(&list->body, CONNECTION_OUT_BYTES);
    uint32_t count = 0;
    for (unsigned p = 0; p < LIST_PARAMETER_COUNT; p++) {
        if ((list->collection->parameters & HAS(p)) != 0)
            list->parameters[count++].key = keys[p];
    }
    if (!route_query(connection, list->parameters, count, NULL))
        return;
    count = 0;
    for (unsigned p = 0; p < LIST_PARAMETER_COUNT; p++) {
        if ((list->collection->parameters & HAS(p)) != 0)
            list->values[p] = list->parameters[count++].value;
    }
    if (list->collection->of_channel && !route_channel(connection, list->values[LIST_CHANNEL]))
        return;
    if (!check_values(connection))
        return;
    if (!make_room(list)) {
        respond_problem(connection, 503, "limit_reached", TEXT_NONE, TEXT("memory for the page cannot be had now"));
        return;
    }
    buffer_literal(&list->body, "{\"");
    if (list->collection->of_channel) {
        buffer_literal(&list->body, "channel\":");
        json_string(&list->body, list->values[LIST_CHANNEL]);
        buffer_literal(&list->body, ",\"");
    }
    buffer_append(&list->body, list->collection->name, strlen(list->collection->name));
    buffer_literal(&list->body, "\":[");
}

static void on_end(struct connection *connection)
{
    struct list *list = connection->state;
    buffer_deinit(&list->body);
    free(list->rows);
    free(list->drift_rows);
    drift_destroy(list->drift);
    free(list->claim_lines);
    free(list->document_lines);
    free(list->forms);
    free(list);
}

const struct handler list_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
