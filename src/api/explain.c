#include "api/explain.h"

#include <stdlib.h>

/* ---- figures and what they are made of ---- */

enum sum { SUM_ON_HAND, SUM_UNAVAILABLE, SUM_RESERVED, SUM_AVAILABLE, SUM_COUNT };
static const char *const sum_names[] = {"on_hand", "unavailable", "reserved", "available"};

/* 1, -1 or 0: how a figure counts in a sum. */
static int64_t sign_in(enum sum sum, unsigned figure)
{
    bool condition = figure < CONDITION_COUNT;
    bool claimed = figure == FIGURE_HELD || figure == FIGURE_COMMITTED;
    switch (sum) {
    case SUM_ON_HAND:
        return condition;
    case SUM_UNAVAILABLE:
        return condition && figure != CONDITION_SELLABLE;
    case SUM_RESERVED:
        return claimed;
    case SUM_AVAILABLE:
        return claimed ? -1 : figure == CONDITION_SELLABLE || figure == FIGURE_IN_BINS;
    case SUM_COUNT:
        break;
    }
    return 0;
}

static int64_t sum_of(enum sum sum, const struct figures *figures)
{
    int64_t units = 0;
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        units += sign_in(sum, f) * figures->units[f];
    return units;
}

/* The claims' figure behind one of a cell, CLAIM_FIGURE_COUNT when there is none. */
static enum claim_figure claimed_as(unsigned figure)
{
    switch (figure) {
    case FIGURE_HELD:
        return CLAIM_HELD;
    case FIGURE_COMMITTED:
        return CLAIM_COMMITTED;
    case FIGURE_PICKED:
        return CLAIM_PICKED;
    case FIGURE_BACKORDERED:
        return CLAIM_BACKORDERED;
    default:
        return CLAIM_FIGURE_COUNT;
    }
}

static bool is_policy(unsigned figure)
{
    return figure == FIGURE_SAFETY_STOCK || figure == FIGURE_BACKORDER_LIMIT || figure == FIGURE_REORDER_POINT;
}

/* ---- what was found ---- */

struct explain_entry {
    uint64_t seq, version;
    size_t at, length; /* of its members, rendered */
    struct figures delta;
};

struct explain_claim {
    uint64_t claim;
    uint32_t place;
    enum claim_state state;
    int64_t expires_at_us;
    struct text hold, holder;
    int64_t units[CLAIM_FIGURE_COUNT];
    char hold_bytes[NAME_BYTES_MAX], holder_bytes[NAME_BYTES_MAX];
};

struct explain {
    bool with_claims;
    uint32_t claim_count;
    struct explain_claim claims[EXPLAIN_CLAIMS_MAX]; /* newest first */
    enum time_axis axis;
    uint32_t entry_count;
    bool more; /* there are entries before these */
    uint64_t expired_before; /* and some of them are no longer kept: those before this event; 0 for none */
    struct explain_entry entries[EXPLAIN_LOOK_MAX]; /* newest first */
    struct history_place places[EXPLAIN_LOOK_MAX + 1];
    struct buffer texts;
    const struct render *render;
};

struct explain *explain_create(void)
{
    struct explain *explain = calloc(1, sizeof(*explain));
    if (explain != NULL)
        buffer_init(&explain->texts, (size_t)EXPLAIN_LOOK_MAX << 12);
    return explain;
}

void explain_destroy(struct explain *explain)
{
    if (explain == NULL)
        return;
    buffer_deinit(&explain->texts);
    free(explain);
}

static void copy_name(char *bytes, struct text *name, struct text from)
{
    memcpy(bytes, from.bytes, from.length);
    *name = text_present(from) ? text_of(bytes, from.length) : TEXT_NONE;
}

/* Several claims come in no order; the newest stay. */
static void keep_claim(struct explain *explain, const struct claim_view *view, const struct claim_line_view *line)
{
    uint32_t at = explain->claim_count;
    if (at == EXPLAIN_CLAIMS_MAX && explain->claims[--at].claim > view->claim)
        return;
    explain->claim_count = at + 1;
    for (; at > 0 && explain->claims[at - 1].claim < view->claim; at--)
        explain->claims[at] = explain->claims[at - 1];
    struct explain_claim *claim = &explain->claims[at];
    *claim = (struct explain_claim){.claim = view->claim,
                                    .place = line->claim,
                                    .state = view->state,
                                    .expires_at_us = view->expires_at_us};
    memcpy(claim->units, line->units, sizeof(claim->units));
}

void explain_claims(struct explain *explain, const struct ledger *ledger, uint32_t cell)
{
    explain->with_claims = true;
    uint32_t line = ledger_cell_claim_next(ledger, cell, NUMBER_NONE);
    for (uint32_t looked = 0; line != NUMBER_NONE && looked < EXPLAIN_LINES_MAX; looked++) {
        struct claim_line_view lines;
        struct claim_view view;
        ledger_claim_line(ledger, line, &lines);
        if (ledger_claim_at(ledger, lines.claim, &view))
            keep_claim(explain, &view, &lines);
        line = ledger_cell_claim_next(ledger, cell, line);
    }
    for (uint32_t i = 0; i < explain->claim_count; i++) { /* in their place their names stay */
        struct explain_claim *claim = &explain->claims[i];
        struct claim_view view;
        CHECK(ledger_claim_at(ledger, claim->place, &view));
        copy_name(claim->hold_bytes, &claim->hold, view.hold);
        copy_name(claim->holder_bytes, &claim->holder, view.holder);
    }
}

static void text_member(struct buffer *out, const char *key, struct text value)
{
    if (!text_present(value))
        return;
    buffer_literal(out, ",\"");
    buffer_append(out, key, strlen(key));
    buffer_literal(out, "\":");
    json_string(out, value);
}

static void time_member(struct buffer *out, const char *key, int64_t us)
{
    buffer_literal(out, ",\"");
    buffer_append(out, key, strlen(key));
    buffer_literal(out, "\":");
    json_time(out, us);
}

void explain_members(struct buffer *out, const struct render *render, const struct decision *decision,
                     const struct event *event)
{
    const char *type = event_name(event->type);
    buffer_literal(out, "\"position\":");
    render_position(out, render->epochs, event->seq);
    text_member(out, "type", text_of(type, strlen(type)));
    text_member(out, "source", render_name(render, NAME_SOURCE, decision->source));
    text_member(out, "id", decision->id);
    text_member(out, "hold", event->hold);
    text_member(out, "transfer", event->transfer);
    text_member(out, "expectation", event->expectation);
    text_member(out, "reason", decision->reason);
    text_member(out, "document", decision->document);
    time_member(out, "occurred_at", event_occurred_us(decision, event));
    if (event->booked_us != 0)
        time_member(out, "booked_at", event->booked_us);
    time_member(out, "recorded_at", decision->recorded_at_us);
}

static bool take_entry(void *context, const struct decision *decision, uint32_t index)
{
    struct explain *explain = context;
    const struct event *event = &decision->events[index];
    struct explain_entry *entry = &explain->entries[explain->entry_count++];
    *entry = (struct explain_entry){
        .seq = event->seq, .version = event->version, .at = explain->texts.length, .delta = event->delta};
    explain_members(&explain->texts, explain->render, decision, event);
    entry->length = explain->texts.length - entry->at;
    return true;
}

enum status explain_entries(struct explain *explain, struct history *history, const struct render *render,
                            enum time_axis axis, const struct cell_top *top, struct history_place before)
{
    struct cell_top own = *top;
    struct history_page page = {.axis = axis,
                                .tops = &own,
                                .top_count = 1,
                                .before = before,
                                .limit = EXPLAIN_LOOK_MAX,
                                .places = explain->places,
                                .entry = take_entry,
                                .context = explain};
    explain->axis = axis;
    explain->render = render;
    enum status status = history_page(history, &page);
    explain->render = NULL;
    explain->more = page.more;
    explain->expired_before = page.more ? 0 : page.expired_before;
    return status == STATUS_OK && explain->texts.failed ? STATUS_MEMORY : status;
}

/* ---- rendering ---- */

void tree_value(const struct tree *tree, int64_t units)
{
    buffer_literal(tree->out, ",\"value\":");
    json_units(tree->out, units, tree->scale);
}

void tree_begin(const struct tree *tree, bool *comma, const char *key, struct text name)
{
    if (*comma)
        buffer_byte(tree->out, ',');
    *comma = true;
    buffer_literal(tree->out, "{\"");
    buffer_append(tree->out, key, strlen(key));
    buffer_literal(tree->out, "\":");
    json_string(tree->out, name);
}

void tree_leaf(const struct tree *tree, bool *comma, const char *key, const char *name, int64_t units)
{
    tree_begin(tree, comma, key, text_of(name, strlen(name)));
    tree_value(tree, units);
    buffer_byte(tree->out, '}');
}

/* The claims of a figure. */
static void claims_of(const struct tree *tree, const struct explain *explain, enum claim_figure figure, int64_t sign,
                         int64_t rest)
{
    bool comma = false;
    for (uint32_t i = 0; i < explain->claim_count; i++) {
        const struct explain_claim *claim = &explain->claims[i];
        const char *state = claim_state_name(claim->state);
        int64_t units = claim->units[figure];
        if (units == 0)
            continue;
        tree_begin(tree, &comma, "hold", claim->hold);
        text_member(tree->out, "holder", claim->holder);
        text_member(tree->out, "state", text_of(state, strlen(state)));
        if (claim->expires_at_us != TIME_NONE)
            time_member(tree->out, "expires_at", claim->expires_at_us);
        tree_value(tree, sign * units);
        buffer_byte(tree->out, '}');
        rest -= units;
    }
    if (rest != 0)
        tree_leaf(tree, &comma, "rest", "claims", sign * rest);
}

static void entries_of(const struct tree *tree, const struct explain *explain, unsigned figure, int64_t sign, int64_t rest)
{
    bool comma = false;
    bool more = explain->more;
    uint32_t named = 0;
    const struct explain_entry *last = NULL;
    for (uint32_t i = 0; i < explain->entry_count; i++) {
        const struct explain_entry *entry = &explain->entries[i];
        int64_t units = entry->delta.units[figure];
        if (units == 0) {
            last = entry;
            continue;
        }
        if (named == EXPLAIN_ENTRIES_MAX) {
            more = true;
            break;
        }
        last = entry;
        named++;
        if (comma)
            buffer_byte(tree->out, ',');
        comma = true;
        buffer_byte(tree->out, '{');
        buffer_append(tree->out, explain->texts.bytes + entry->at, entry->length);
        tree_value(tree, sign * units);
        buffer_byte(tree->out, '}');
        rest -= units;
    }
    if (rest == 0 && !more && explain->expired_before == 0)
        return;
    tree_begin(tree, &comma, "rest", TEXT("entries"));
    if (last != NULL) {
        buffer_literal(tree->out, ",\"before\":");
        render_position(tree->out, tree->render->epochs, last->seq);
    }
    if (last != NULL && explain->axis == AXIS_RECORDED) {
        buffer_literal(tree->out, ",\"entries\":");
        json_u64(tree->out, last->version - 1);
    }
    if (explain->expired_before != 0) {
        buffer_literal(tree->out, ",\"expired_before\":");
        render_position(tree->out, tree->render->epochs, explain->expired_before);
    }
    tree_value(tree, sign * rest);
    buffer_byte(tree->out, '}');
}

static bool is_touched(const struct explain *explain, const struct figures *figures, unsigned figure)
{
    bool touched = figures->units[figure] != 0;
    for (uint32_t i = 0; !touched && i < explain->entry_count; i++)
        touched = explain->entries[i].delta.units[figure] != 0;
    return touched;
}

/* A figure that is kept. One that is 0 and was not touched by what was looked at is left out. */
static void figure_node(const struct tree *tree, bool *comma, const struct explain *explain, const struct figures *figures,
                        unsigned figure, int64_t sign)
{
    const char *name = figure_name((enum figure)figure);
    int64_t units = figures->units[figure];
    if (!is_touched(explain, figures, figure))
        return;
    tree_begin(tree, comma, "figure", text_of(name, strlen(name)));
    tree_value(tree, sign * units);
    enum claim_figure claimed = explain->with_claims ? claimed_as(figure) : CLAIM_FIGURE_COUNT;
    if (!is_policy(figure) || explain->axis == AXIS_RECORDED) { /* else policy is what was set by then */
        buffer_literal(tree->out, ",\"sum\":[");
        if (claimed != CLAIM_FIGURE_COUNT)
            claims_of(tree, explain, claimed, sign, units);
        else
            entries_of(tree, explain, figure, sign, units);
        buffer_byte(tree->out, ']');
    }
    buffer_byte(tree->out, '}');
}

static void sum_begin(const struct tree *tree, bool *comma, const char *name, int64_t units)
{
    tree_begin(tree, comma, "figure", text_of(name, strlen(name)));
    tree_value(tree, units);
    buffer_literal(tree->out, ",\"sum\":[");
}

void explain_cell(struct buffer *out, const struct render *render, const struct explain *explain,
                  const struct cell_view *cell)
{
    const struct tree tree = {out, render, cell->scale};
    const struct figures *figures = &cell->figures;
    bool comma = false;
    buffer_literal(out, ",\"explain\":[");
    for (unsigned sum = 0; sum < SUM_COUNT; sum++) {
        bool part = false;
        sum_begin(&tree, &comma, sum_names[sum], sum_of((enum sum)sum, figures));
        for (unsigned f = 0; f < FIGURE_COUNT; f++) {
            if (sign_in((enum sum)sum, f) != 0)
                figure_node(&tree, &part, explain, figures, f, sign_in((enum sum)sum, f));
        }
        buffer_literal(out, "]}");
    }
    int64_t oversold = cell_oversold(cell);
    int64_t without_cover = -figures_available(figures) - figures->units[FIGURE_BACKORDERED];
    bool part = false;
    sum_begin(&tree, &comma, "oversold", oversold);
    tree_leaf(&tree, &part, "figure", "available", -figures_available(figures));
    tree_leaf(&tree, &part, "figure", "backordered", -figures->units[FIGURE_BACKORDERED]);
    if (oversold != without_cover)
        tree_leaf(&tree, &part, "rule", cell->in_bin ? "promised_at_node" : "not_below_zero", oversold - without_cover);
    buffer_literal(out, "]}");
    for (unsigned f = CONDITION_COUNT; f < FIGURE_COUNT; f++) {
        if (sign_in(SUM_AVAILABLE, f) == 0)
            figure_node(&tree, &comma, explain, figures, f, 1);
    }
    buffer_byte(out, ']');
}

/* What a cell gives to a sum over several. */
static int64_t part_of(const struct cell_view *cell, unsigned row)
{
    struct figures figures = cell->figures;
    figures.units[FIGURE_IN_BINS] = 0;
    if (row < SUM_COUNT)
        return sum_of((enum sum)row, &figures);
    if (row == SUM_COUNT)
        return cell_oversold(cell);
    return figures.units[row - SUM_COUNT - 1];
}

void explain_cells(struct buffer *out, const struct render *render, const struct cell_view *cells, uint32_t count)
{
    const struct tree tree = {out, render, count == 0 ? 0 : cells[0].scale};
    bool comma = false;
    buffer_literal(out, ",\"explain\":[");
    for (unsigned row = 0; row <= SUM_COUNT + FIGURE_COUNT; row++) {
        const char *name = row < SUM_COUNT    ? sum_names[row]
                           : row == SUM_COUNT ? "oversold"
                                              : figure_name((enum figure)(row - SUM_COUNT - 1));
        int64_t units = 0;
        bool any = false;
        bool part = false;
        for (uint32_t i = 0; i < count; i++) {
            units += part_of(&cells[i], row);
            any = any || part_of(&cells[i], row) != 0;
        }
        if (!any && row > SUM_COUNT)
            continue;
        sum_begin(&tree, &comma, name, units);
        for (uint32_t i = 0; i < count; i++) {
            if (part_of(&cells[i], row) == 0)
                continue;
            tree_begin(&tree, &part, "location", render_name(render, NAME_LOCATION, cells[i].location));
            tree_value(&tree, part_of(&cells[i], row));
            buffer_byte(out, '}');
        }
        buffer_literal(out, "]}");
    }
    buffer_byte(out, ']');
}
