/*
 * Point reads of documents: a transfer, an expectation, a review; what is closed; and what can be promised from what is
 * there and expected (ATP).
 *
 * A read takes its place among the commands, see stock_route.c; as of a time it is one of the ledger as it was
 * (past_read.h). Supply is overdue by the later of log time and the wall clock when the call came, so that a quiet
 * ledger does not promise what should have been here long ago; as of a time, by that.
 */
#include "api/explain.h"
#include "api/past_read.h"
#include "api/routes.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/rfc3339.h"
#include "feed/position.h"

enum { AT_AS_OF, AT_AXIS, AT_PAST_COUNT, AT_LOCATION = AT_PAST_COUNT, AT_AT, AT_QUANTITY, AT_EXPLAIN, AT_COUNT };

#define EXPLAINED_LINES_MAX 100 /* named; what is due later is told in one */

/* What an ATP is made of. */
struct atp_parts {
    bool in_bin;
    struct figures figures;
    uint32_t count;
    int64_t rest;
    struct atp_line lines[EXPLAINED_LINES_MAX];
    char names[EXPLAINED_LINES_MAX][NAME_BYTES_MAX];
};

struct read {
    int call;
    struct text name; /* of the document or the item */
    char name_bytes[3 * NAME_BYTES_MAX];
    struct parameter parameters[AT_COUNT]; /* the first AT_PAST_COUNT of documents, all of ATP */
    struct moment at;
    struct decimal quantity;
    int64_t now_us;
    const struct epochs *epochs; /* of the journal */
    struct past_read past;
    /* Filled by the engine's thread, or a worker. */
    uint32_t item;
    bool found, location_found, out_of_memory, ever;
    enum decimal_status quantity_status;
    uint64_t seq;
    uint8_t scale;
    int64_t atp, units, earliest_us;
    struct atp_parts *parts; /* NULL when it is not to be explained */
    struct document_copy document;
    struct document_line_view *lines;
    struct review_view review;
    struct period_view period;
};

/* ---- engine thread; of the past on a worker ---- */

static void read_parts(const struct ledger *ledger, uint32_t item, uint32_t location, const struct read *read)
{
    struct atp_parts *parts = read->parts;
    struct cell_view view = {.in_bin = false};
    uint32_t cell = ledger_cell_find(ledger, item, location);
    if (cell != NUMBER_NONE)
        ledger_cell(ledger, cell, &view);
    parts->in_bin = view.in_bin;
    parts->figures = view.figures;
    parts->count = ledger_atp_lines(ledger, item, location, read->at, read->now_us, parts->lines, EXPLAINED_LINES_MAX,
                                    &parts->rest);
    for (uint32_t i = 0; i < parts->count; i++) {
        struct text *name = &parts->lines[i].name;
        memcpy(parts->names[i], name->bytes, name->length);
        name->bytes = parts->names[i];
    }
}

static void read_atp(const struct ledger *ledger, struct read *read)
{
    struct item_view item;
    uint32_t number = ledger_item_find(ledger, read->name);
    uint32_t location = ledger_number(ledger, NAME_LOCATION, read->parameters[AT_LOCATION].value);
    read->found = ledger_item(ledger, number, &item);
    read->location_found = location != NUMBER_NONE;
    if (!read->found || !read->location_found)
        return;
    read->item = number;
    read->scale = item.scale;
    read->now_us = max_i64(read->now_us, ledger_now_us(ledger));
    read->atp = ledger_atp(ledger, number, location, read->at, read->now_us);
    if (read->parts != NULL)
        read_parts(ledger, number, location, read);
    if (!text_present(read->parameters[AT_QUANTITY].value))
        return;
    read->quantity_status = decimal_to_units(read->quantity, item.scale, &read->units);
    if (read->quantity_status == DECIMAL_OK)
        read->ever = ledger_atp_earliest(ledger, number, location, read->at, read->now_us, read->units,
                                         &read->earliest_us);
}

static void read_document(const struct ledger *ledger, struct request *request)
{
    struct read *read = request->detail;
    struct transfer_view transfer;
    struct expectation_view expectation;
    read->seq = ledger_last_seq(ledger);
    if (read->call == DOCUMENT_ATP) {
        read_atp(ledger, read);
        return;
    }
    if (read->call == DOCUMENT_PERIODS) {
        read->period = ledger_period(ledger);
        read->found = true;
        return;
    }
    if (read->call == DOCUMENT_OF_REVIEW) {
        struct position position;
        read->found = position_parse(read->name, &position) && epochs_has(read->epochs, position.epoch, position.seq) &&
                      ledger_review(ledger, position.seq, &read->review);
        return;
    }
    read->found = read->call == DOCUMENT_OF_TRANSFER ? ledger_transfer(ledger, read->name, &transfer)
                                                     : ledger_expectation(ledger, read->name, &expectation);
    if (!read->found)
        return;
    read->lines = calloc(COMMAND_LINES_MAX, sizeof(*read->lines));
    read->out_of_memory = read->lines == NULL;
    if (read->out_of_memory)
        return;
    if (read->call == DOCUMENT_OF_TRANSFER)
        document_copy_transfer(ledger, &transfer, read->lines, &read->document);
    else
        document_copy_expectation(ledger, &expectation, read->lines, &read->document);
}

/* ---- I/O thread ---- */

/* The lines in the order of their times, then what of a kit can be put together. */
static void render_parts(struct buffer *out, const struct render *render, const struct read *read)
{
    const struct atp_parts *parts = read->parts;
    const struct tree tree = {out, render, read->scale};
    const int64_t *units = parts->figures.units;
    int64_t left = read->atp;
    bool comma = false;
    bool part = false;
    buffer_literal(out, ",\"explain\":[");
    tree_begin(&tree, &comma, "figure", TEXT("atp"));
    tree_value(&tree, read->atp);
    buffer_literal(out, ",\"sum\":[");
    if (!parts->in_bin) {
        tree_leaf(&tree, &part, "figure", "sellable", units[CONDITION_SELLABLE]);
        tree_leaf(&tree, &part, "figure", "in_bins", units[FIGURE_IN_BINS]);
        tree_leaf(&tree, &part, "figure", "held", -units[FIGURE_HELD]);
        tree_leaf(&tree, &part, "figure", "committed", -units[FIGURE_COMMITTED]);
        tree_leaf(&tree, &part, "figure", "safety_stock", -units[FIGURE_SAFETY_STOCK]);
        left -= figures_available(&parts->figures) - units[FIGURE_SAFETY_STOCK];
    }
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct atp_line *line = &parts->lines[i];
        tree_begin(&tree, &part, line->transfer ? "transfer" : "expectation", line->name);
        tree_value(&tree, line->counted);
        buffer_literal(out, ",\"due\":");
        json_time(out, line->due_us);
        buffer_literal(out, ",\"units\":");
        json_units(out, line->units, read->scale);
        buffer_literal(out, ",\"overdue\":");
        json_bool(out, line->counted == 0);
        buffer_byte(out, '}');
        left -= line->counted;
    }
    if (parts->rest != 0)
        tree_leaf(&tree, &part, "rest", "documents", parts->rest);
    left -= parts->rest;
    if (left != 0)
        tree_leaf(&tree, &part, "rule", "kits", left);
    buffer_literal(out, "]}]");
}

static void render_atp(struct buffer *out, const struct render *render, const struct read *read)
{
    buffer_literal(out, "{\"item\":");
    json_string(out, render_name(render, NAME_ITEM, read->item)); /* it may have been asked for by a merged name */
    buffer_literal(out, ",\"location\":");
    json_string(out, read->parameters[AT_LOCATION].value);
    buffer_literal(out, ",\"at\":");
    if (read->at.form == MOMENT_ABSENT)
        json_time(out, read->now_us);
    else
        render_moment(out, read->at);
    buffer_literal(out, ",\"atp\":");
    json_units(out, read->atp, read->scale);
    if (text_present(read->parameters[AT_QUANTITY].value)) {
        buffer_literal(out, ",\"quantity\":");
        json_units(out, read->units, read->scale);
        buffer_literal(out, ",\"earliest\":");
        if (read->ever)
            json_time(out, read->earliest_us);
        else
            buffer_literal(out, "null");
    }
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, read->seq);
    if (read->parts != NULL)
        render_parts(out, render, read);
    buffer_byte(out, '}');
}

/* closing: the decision that closed it, NULL while nothing is. */
static void render_periods(struct buffer *out, const struct render *render, const struct read *read,
                           const struct decision *closing)
{
    buffer_literal(out, "{\"closed_until\":");
    if (read->period.closed_seq == 0)
        buffer_literal(out, "null");
    else
        json_time(out, read->period.closed_us);
    buffer_literal(out, ",\"closing\":");
    if (closing == NULL)
        buffer_literal(out, "null");
    else
        render_event(out, render, closing, 0);
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, read->seq);
    buffer_byte(out, '}');
}

/* Answers what was asked for and is not there. */
static bool respond_missing(struct connection *connection, const struct read *read)
{
    static const struct {
        const char *code;
        struct text what;
    } missing[] = {[DOCUMENT_OF_TRANSFER] = {"unknown_transfer", {"transfer", 8}},
                   [DOCUMENT_OF_EXPECTATION] = {"unknown_expectation", {"expectation", 11}},
                   [DOCUMENT_OF_REVIEW] = {"unknown_review", {"review", 6}},
                   [DOCUMENT_ATP] = {"unknown_item", {"item", 4}}};
    struct text detail = read->past.as_of.past ? TEXT("no such name then") : TEXT("no such name");
    if (!read->found) {
        respond_problem(connection, 404, missing[read->call].code, missing[read->call].what, detail);
        return true;
    }
    if (read->call == DOCUMENT_ATP && !read->location_found) {
        respond_problem(connection, 404, "unknown_location", TEXT("location"), detail);
        return true;
    }
    if (read->quantity_status != DECIMAL_OK) {
        respond_problem(connection, 422, "bad_value", TEXT("quantity"),
                        TEXT("has more decimals than the item's scale, or is beyond 2^53-1 of its base units"));
        return true;
    }
    return false;
}

static void answer(struct connection *connection)
{
    const struct read *read = connection->state;
    if (read->out_of_memory) {
        respond_unread(connection);
        return;
    }
    if (respond_missing(connection, read))
        return;
    const struct render render = {connection->io->service->ledger, journal_epochs(connection->io->service->journal), 0,
                                  NULL};
    /* What a review holds is in its event, which is the only one of its decision; so is who closed a period. */
    const struct decision *decision = NULL;
    uint64_t seq = read->call == DOCUMENT_OF_REVIEW ? read->review.review : read->period.closed_seq;
    enum status status = seq == 0 ? STATUS_NOT_FOUND : io_record(connection->io, seq, TAIL_UNKNOWN, &decision);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        respond_unreadable(connection);
        return;
    }
    if (status == STATUS_NOT_FOUND) /* the journal does not keep it for this */
        decision = NULL;
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    if (read->call == DOCUMENT_PERIODS)
        render_periods(&out, &render, read, decision);
    else if (read->call == DOCUMENT_OF_REVIEW)
        render_review(&out, &render, &read->review, decision == NULL ? NULL : &decision->events[0]);
    else if (read->call == DOCUMENT_ATP)
        render_atp(&out, &render, read);
    else if (read->call == DOCUMENT_OF_TRANSFER)
        render_transfer(&out, &render, &read->document);
    else
        render_expectation(&out, &render, &read->document);
    buffer_byte(&out, '\n');
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct read *read = connection->state;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ)
        respond_unread(connection);
    else
        past_read_go_on(connection, &read->past, answer);
}

static void ask(struct connection *connection)
{
    struct read *read = connection->state;
    past_read_ask(connection, &read->past);
}

/* "2026-12-01", or a time of RFC 3339. */
static bool parse_moment(struct text text, struct moment *out)
{
    char midnight[] = "YYYY-MM-DDT00:00:00Z";
    if (text.length != 10) {
        out->form = MOMENT_INSTANT;
        return rfc3339_parse(text, &out->us) == RFC3339_OK;
    }
    memcpy(midnight, text.bytes, 10);
    out->form = MOMENT_DAY;
    return rfc3339_parse(text_of(midnight, sizeof(midnight) - 1), &out->us) == RFC3339_OK;
}

/* The first `count` of the parameters, and the time; false: answered. */
static bool take_query(struct connection *connection, struct read *read, uint32_t count)
{
    static const struct text keys[AT_COUNT] = {{"as_of", 5}, {"axis", 4}, {"location", 8},
                                               {"at", 2}, {"quantity", 8}, {"explain", 7}};
    for (unsigned i = 0; i < count; i++)
        read->parameters[i].key = keys[i];
    if (!route_query(connection, read->parameters, count, NULL) ||
        !route_as_of_recorded(connection, read->parameters[AT_AS_OF].value, read->parameters[AT_AXIS].value,
                              &read->past.as_of))
        return false;
    if (read->past.as_of.past)
        read->now_us = read->past.as_of.us;
    return true;
}

/* The parameters of ATP; false: answered. */
static bool take_parameters(struct connection *connection, struct read *read)
{
    if (!take_query(connection, read, AT_COUNT))
        return false;
    const struct text *at = &read->parameters[AT_AT].value;
    const struct text *quantity = &read->parameters[AT_QUANTITY].value;
    if (!text_present(read->parameters[AT_LOCATION].value)) {
        respond_problem(connection, 422, "missing_field", TEXT("location"),
                        TEXT("what is promised is promised somewhere"));
        return false;
    }
    enum name_status status = name_check(read->parameters[AT_LOCATION].value);
    if (status != NAME_OK) {
        const char *problem = name_problem(status);
        respond_problem(connection, 422, "bad_value", TEXT("location"), text_of(problem, strlen(problem)));
        return false;
    }
    if (text_present(*at) && !parse_moment(*at, &read->at)) {
        respond_problem(connection, 422, "bad_value", TEXT("at"),
                        TEXT("must be a day such as 2026-12-01 or a time such as 2026-12-01T10:00:00Z"));
        return false;
    }
    if (text_present(*quantity) &&
        (decimal_parse(*quantity, &read->quantity) != DECIMAL_OK || read->quantity.digits <= 0)) {
        respond_problem(connection, 422, "bad_value", TEXT("quantity"), TEXT("must be a number above 0"));
        return false;
    }
    bool explain;
    if (!route_flag(connection, TEXT("explain"), read->parameters[AT_EXPLAIN].value, &explain))
        return false;
    read->parts = explain ? calloc(1, sizeof(*read->parts)) : NULL;
    if (explain && read->parts == NULL) {
        respond_unread(connection);
        return false;
    }
    return true;
}

static void on_begin(struct connection *connection)
{
    static const char *const what[] = {[DOCUMENT_OF_TRANSFER] = "transfer", [DOCUMENT_OF_EXPECTATION] = "expectation",
                                       [DOCUMENT_ATP] = "item", [DOCUMENT_OF_REVIEW] = "review"};
    struct read *read = calloc(1, sizeof(*read));
    if (read == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = read;
    read->call = connection->call;
    read->quantity_status = DECIMAL_OK;
    read->past.read = read_document;
    read->past.detail = read;
    read->epochs = journal_epochs(connection->io->service->journal);
    const struct env *env = connection->io->service->env;
    read->now_us = env->wall_us(env->context);
    if (read->call != DOCUMENT_PERIODS &&
        !route_name(connection, connection->path_first, what[read->call], read->name_bytes, &read->name))
        return;
    if (read->call == DOCUMENT_ATP)
        (void)take_parameters(connection, read);
    else
        (void)take_query(connection, read, read->call == DOCUMENT_OF_REVIEW ? 0 : AT_PAST_COUNT);
}

static void on_end(struct connection *connection)
{
    struct read *read = connection->state;
    free(read->lines);
    free(read->parts);
    free(read);
}

const struct handler document_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
