/* The model, see model.h. Each rule cites the sentence of API.md or DESIGN it comes from. */
#include "model.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define RANGE INT64_C(9007199254740991) /* "magnitude <= 2^53-1 base units" */
#define SECONDS INT64_C(1000000)

static bool in_range(int64_t n)
{
    return n >= -RANGE && n <= RANGE;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least_zero(int64_t n)
{
    return n < 0 ? 0 : n;
}

void model_init(struct model *model, int64_t window_us, struct model_remembered *room, int64_t room_count)
{
    memset(model, 0, sizeof(*model));
    model->window_us = window_us;
    model->remembered = room;
    model->remembered_max = room_count;
}

/* ---- finding ---- */

static int64_t find_item(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->item_count; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return i;
    return -1;
}

static int64_t find_location(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->location_count; i++)
        if (strcmp(s->locations[i], name) == 0)
            return i;
    return -1;
}

static int64_t find_source(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->source_count; i++)
        if (strcmp(s->sources[i].name, name) == 0)
            return i;
    return -1;
}

static int64_t find_cell(const struct model_state *s, const char *item, const char *location)
{
    for (int64_t i = 0; i < s->cell_count; i++)
        if (strcmp(s->cells[i].item, item) == 0 && strcmp(s->cells[i].location, location) == 0)
            return i;
    return -1;
}

static int64_t find_line(const struct model_claim *claim, int64_t cell)
{
    for (int64_t i = 0; i < claim->line_count; i++)
        if (claim->lines[i].cell == cell)
            return i;
    return -1;
}

static bool has_ended(const struct model_claim *claim)
{
    return claim->ended_at_us != MODEL_TIME_NONE;
}

/* "An ended claim is kept for the id window, then it is unknown_hold and the name is free." */
static int64_t find_claim(const struct model *model, const char *name, int64_t now_us)
{
    const struct model_state *s = &model->now;
    for (int64_t i = 0; i < s->claim_count; i++)
        if (strcmp(s->claims[i].name, name) == 0 &&
            !(has_ended(&s->claims[i]) && s->claims[i].ended_at_us < now_us - model->window_us))
            return i;
    return -1;
}

const struct model_claim *model_claim_named(const struct model *model, const char *name, int64_t now_us)
{
    int64_t i = find_claim(model, name, now_us);
    return i < 0 ? NULL : &model->now.claims[i];
}

/* ---- figures ---- */

int64_t model_held(const struct model_state *s, int64_t cell)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < s->claim_count; c++)
        for (int64_t l = 0; l < s->claims[c].line_count; l++)
            if (s->claims[c].lines[l].cell == cell)
                sum += s->claims[c].lines[l].held;
    return sum;
}

int64_t model_committed(const struct model_state *s, int64_t cell)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < s->claim_count; c++)
        for (int64_t l = 0; l < s->claims[c].line_count; l++)
            if (s->claims[c].lines[l].cell == cell)
                sum += s->claims[c].lines[l].committed;
    return sum;
}

static int64_t reserved(const struct model_state *s, int64_t cell)
{
    return model_held(s, cell) + model_committed(s, cell);
}

/* A cell that does not exist has zeros: cell < 0. */
static int64_t on(const struct model_state *s, int64_t cell, int64_t condition)
{
    return cell < 0 ? 0 : s->cells[cell].on[condition];
}

static int64_t on_hand(const struct model_state *s, int64_t cell)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < MODEL_CONDITIONS; c++)
        sum += on(s, cell, c);
    return sum;
}

static int64_t available(const struct model_state *s, int64_t cell)
{
    return on(s, cell, 0) - reserved(s, cell);
}

static int64_t oversold(const struct model_state *s, int64_t cell)
{
    return at_least_zero(-available(s, cell));
}

/* I3 without channels, safety stock and backorders. */
static int64_t free_units(const struct model_state *s, int64_t cell)
{
    return at_least_zero(available(s, cell));
}

/* ---- the work on one command ---- */

/* "quantities summed per cell before anything is judged" */
struct sum {
    model_name item, location;
    int64_t total, by[MODEL_CONDITIONS];
    int64_t exceeds; /* units beyond the document, flagged */
};

struct work {
    const struct model *model;
    const struct model_command *command;
    int64_t now_us;
    bool request;
    struct model_state next; /* the copy */
    struct model_answer answer;
    int64_t sum_count;
    struct sum sums[MODEL_CELLS_MAX];
    bool touched[MODEL_CELLS_MAX]; /* cells that get an event */
    int64_t exceeds[MODEL_CELLS_MAX];
};

static bool refuse(struct work *w, const char *code)
{
    w->answer.outcome = MODEL_REFUSED;
    w->answer.code = code;
    return false;
}

static bool invalid(struct work *w, const char *code)
{
    w->answer.outcome = MODEL_INVALID;
    w->answer.code = code;
    return false;
}

static void note_short(struct work *w, const struct sum *sum, int64_t asked, int64_t free)
{
    assert(w->answer.shortage_count < MODEL_LINES_MAX);
    struct model_shortage *shortage = &w->answer.shortages[w->answer.shortage_count++];
    memcpy(shortage->item, sum->item, sizeof(model_name));
    memcpy(shortage->location, sum->location, sizeof(model_name));
    shortage->asked = asked;
    shortage->free = free;
}

/* Parsed exactly; "at most the item's scale in decimals, magnitude <= 2^53-1 base units". */
static bool to_units(struct work *w, struct model_decimal decimal, const char *item, int64_t *units)
{
    int64_t i = find_item(&w->next, item);
    int64_t scale = i < 0 ? 0 : w->next.items[i].scale;
    if (decimal.places > scale)
        return invalid(w, "too_many_decimals");
    *units = decimal.digits;
    for (int64_t p = decimal.places; p < scale; p++) {
        if (!in_range(*units))
            return invalid(w, "out_of_range");
        *units *= 10;
    }
    return in_range(*units) ? true : invalid(w, "out_of_range");
}

/* "if: {version | on_hand | available | reserved}" */
static bool met(struct work *w, const struct model_if *p, const char *item, const char *location, bool *out_met)
{
    const struct model_state *s = &w->model->now;
    int64_t cell = find_cell(s, item, location);
    int64_t units;
    *out_met = true;
    if (p->has_version && p->version != (cell < 0 ? 0 : s->cells[cell].version))
        *out_met = false;
    if (p->has_on_hand) {
        if (!to_units(w, p->on_hand, item, &units))
            return false;
        if (units != on_hand(s, cell))
            *out_met = false;
    }
    if (p->has_available) {
        if (!to_units(w, p->available, item, &units))
            return false;
        if (units != available(s, cell))
            *out_met = false;
    }
    if (p->has_reserved) {
        if (!to_units(w, p->reserved, item, &units))
            return false;
        if (units != reserved(s, cell))
            *out_met = false;
    }
    return true;
}

static bool has_if(const struct model_if *p)
{
    return p->has_version || p->has_on_hand || p->has_available || p->has_reserved;
}

/* "on the command when it touches one cell (else 422); unmet: 409 precondition_failed" */
static bool command_if(struct work *w)
{
    const struct model_if *p = &w->command->precondition;
    bool is_met;
    if (!has_if(p))
        return true;
    if (w->sum_count != 1)
        return invalid(w, "bad_value");
    if (!met(w, p, w->sums[0].item, w->sums[0].location, &is_met))
        return false;
    return is_met || refuse(w, "precondition_failed");
}

/* "facts create provisional items and locations (strict refuses); requests never do" */
static bool know_item(struct work *w, const char *name, bool create)
{
    if (find_item(&w->next, name) >= 0)
        return true;
    if (!create)
        return refuse(w, "unknown_item");
    assert(w->next.item_count < MODEL_NAMES_MAX);
    struct model_item *item = &w->next.items[w->next.item_count++];
    memset(item, 0, sizeof(*item));
    memcpy(item->name, name, sizeof(model_name));
    return true;
}

static bool know_location(struct work *w, const char *name, bool create)
{
    if (find_location(&w->next, name) >= 0)
        return true;
    if (!create)
        return refuse(w, "unknown_location");
    assert(w->next.location_count < MODEL_NAMES_MAX);
    memcpy(w->next.locations[w->next.location_count++], name, sizeof(model_name));
    return true;
}

static struct sum *sum_of(struct work *w, const char *item, const char *location)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (strcmp(w->sums[i].item, item) == 0 && strcmp(w->sums[i].location, location) == 0)
            return &w->sums[i];
    struct sum *sum = &w->sums[w->sum_count++];
    memset(sum, 0, sizeof(*sum));
    memcpy(sum->item, item, sizeof(model_name));
    memcpy(sum->location, location, sizeof(model_name));
    return sum;
}

static bool sum_lines(struct work *w, bool may_create)
{
    bool create = may_create && !w->next.strict;
    bool all_met = true;
    if (w->command->line_count == 0)
        return invalid(w, "missing_field");
    for (int64_t i = 0; i < w->command->line_count; i++) {
        const struct model_line *line = &w->command->lines[i];
        int64_t units;
        bool is_met;
        if (!know_item(w, line->item, create) || !know_location(w, line->location, create) ||
            !to_units(w, line->quantity, line->item, &units))
            return false;
        struct sum *sum = sum_of(w, line->item, line->location);
        int64_t condition = line->condition == MODEL_CONDITIONS ? 0 : line->condition;
        sum->total += units;
        sum->by[condition] += units;
        if (!in_range(sum->total) || !in_range(sum->by[condition]))
            return invalid(w, "out_of_range");
        if (!met(w, &line->precondition, line->item, line->location, &is_met))
            return false;
        all_met = all_met && is_met;
    }
    if (!command_if(w))
        return false;
    return all_met || refuse(w, "precondition_failed");
}

static int64_t sum_cell(const struct work *w, const struct sum *sum)
{
    return find_cell(&w->next, sum->item, sum->location);
}

/* The cell of a sum in the copy, made when it is not there; it gets an event. */
static int64_t touch(struct work *w, const char *item, const char *location)
{
    int64_t cell = find_cell(&w->next, item, location);
    if (cell < 0) {
        assert(w->next.cell_count < MODEL_CELLS_MAX);
        cell = w->next.cell_count++;
        memset(&w->next.cells[cell], 0, sizeof(w->next.cells[cell]));
        memcpy(w->next.cells[cell].item, item, sizeof(model_name));
        memcpy(w->next.cells[cell].location, location, sizeof(model_name));
    }
    w->touched[cell] = true;
    return cell;
}

static struct model_item *item_of(struct work *w, const char *name)
{
    return &w->next.items[find_item(&w->next, name)];
}

/*
 * Counts the events, each of which is a version of its cell (I7): one for what happened; `discrepancy` when a document
 * is exceeded and for each condition that falls below zero; `oversold` when that figure rises. Checks every range.
 */
static bool finish_cells(struct work *w)
{
    struct model_state *s = &w->next;
    const struct model_state *before = &w->model->now;
    for (int64_t c = 0; c < s->cell_count; c++) {
        if (!w->touched[c])
            continue;
        int64_t old = find_cell(before, s->cells[c].item, s->cells[c].location);
        int64_t events = 1 + (w->exceeds[c] > 0);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            if (!in_range(on(s, c, k)))
                return invalid(w, "out_of_range");
            if (on(s, c, k) < 0 && on(s, c, k) < on(before, old, k))
                events++;
        }
        if (!in_range(on_hand(s, c)) || !in_range(on_hand(s, c) - on(s, c, 0)) || !in_range(model_held(s, c)) ||
            !in_range(model_committed(s, c)) || !in_range(reserved(s, c)) || !in_range(available(s, c)))
            return invalid(w, "out_of_range");
        if (oversold(s, c) > (old < 0 ? 0 : oversold(before, old)))
            events++;
        s->cells[c].version += events;
        s->seq += events;
    }
    for (int64_t i = 0; i < s->item_count; i++)
        if (!in_range(s->items[i].supplier) || !in_range(s->items[i].customer) || !in_range(s->items[i].loss) ||
            !in_range(s->items[i].found))
            return invalid(w, "out_of_range");
    return true;
}

/* ---- claims ---- */

static struct model_claim *claim_for(struct work *w, int64_t claim)
{
    if (claim >= 0)
        return &w->next.claims[claim];
    /* A claim of this name past the window makes way. */
    int64_t old = -1;
    for (int64_t i = 0; i < w->next.claim_count; i++)
        if (strcmp(w->next.claims[i].name, w->command->hold) == 0)
            old = i;
    assert(old >= 0 || w->next.claim_count < MODEL_CLAIMS_MAX);
    struct model_claim *made = &w->next.claims[old >= 0 ? old : w->next.claim_count++];
    memset(made, 0, sizeof(*made));
    memcpy(made->name, w->command->hold, sizeof(model_name));
    memcpy(made->holder, w->command->holder[0] != '\0' ? w->command->holder : w->command->source, sizeof(model_name));
    memcpy(made->channel, w->command->channel, sizeof(model_name));
    made->made = w->next.seq + 1;
    made->expires_at_us = made->ended_at_us = MODEL_TIME_NONE;
    return made;
}

static struct model_claim_line *line_for(struct model_claim *claim, int64_t cell)
{
    int64_t l = find_line(claim, cell);
    if (l < 0) {
        l = claim->line_count++;
        assert(l < MODEL_CELLS_MAX / 2);
        memset(&claim->lines[l], 0, sizeof(claim->lines[l]));
        claim->lines[l].cell = cell;
    }
    return &claim->lines[l];
}

/* What the present claim has in this cell; zeros for none. */
static struct model_claim_line line_now(const struct work *w, int64_t claim, const struct sum *sum)
{
    static const struct model_claim_line none;
    int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
    if (claim < 0 || cell < 0)
        return none;
    int64_t l = find_line(&w->model->now.claims[claim], cell);
    return l < 0 ? none : w->model->now.claims[claim].lines[l];
}

/* "held, then committed, released, expired or consumed"; "commit: expiry stops", what stays held keeps its end. */
static void settle(struct model_claim *claim, const char *ended, int64_t now_us)
{
    int64_t held = 0, committed = 0;
    for (int64_t l = 0; l < claim->line_count; l++) {
        held += claim->lines[l].held;
        committed += claim->lines[l].committed;
    }
    claim->state = held > 0 ? "held" : committed > 0 ? "committed" : ended;
    if (held == 0)
        claim->expires_at_us = MODEL_TIME_NONE;
    claim->ended_at_us = held + committed > 0 ? MODEL_TIME_NONE : now_us;
}

static bool refuse_ended(struct work *w, int64_t claim)
{
    const struct model_claim *c = &w->model->now.claims[claim];
    /* Items of different scales: the sums are in the finest of them. */
    int64_t finest = 0;
    for (int64_t l = 0; l < c->line_count; l++) {
        int64_t scale = item_of(w, w->model->now.cells[c->lines[l].cell].item)->scale;
        finest = scale > finest ? scale : finest;
    }
    for (int64_t l = 0; l < c->line_count; l++) {
        int64_t factor = 1;
        for (int64_t p = item_of(w, w->model->now.cells[c->lines[l].cell].item)->scale; p < finest; p++)
            factor *= 10;
        w->answer.consumed += factor * c->lines[l].consumed;
        w->answer.released += factor * c->lines[l].released;
    }
    /* No figure of ours is larger than 2^53-1. */
    if (w->answer.consumed > INT64_C(9007199254740991))
        w->answer.consumed = INT64_C(9007199254740991);
    if (w->answer.released > INT64_C(9007199254740991))
        w->answer.released = INT64_C(9007199254740991);
    return refuse(w, "hold_ended");
}

/* "Where lines may be left out, it means all that is open." */
static void sum_claim(struct work *w, int64_t claim, bool held, bool committed, bool expired)
{
    const struct model_claim *c = &w->model->now.claims[claim];
    for (int64_t l = 0; l < c->line_count; l++) {
        int64_t units = (held ? c->lines[l].held : 0) + (committed ? c->lines[l].committed : 0) +
                        (expired ? c->lines[l].expired : 0);
        if (units == 0)
            continue;
        const struct model_cell *cell = &w->model->now.cells[c->lines[l].cell];
        struct sum *sum = sum_of(w, cell->item, cell->location);
        sum->total = sum->by[0] = units;
    }
}

/* "default 900; 0 = none"; beyond a century is no number of seconds anybody means. */
static bool end_of(struct work *w, int64_t *out_end)
{
    int64_t ms = w->command->has_expires_in ? w->command->expires_in_ms : 900 * 1000;
    if (ms > INT64_C(100) * 366 * 24 * 60 * 60 * 1000)
        return invalid(w, "out_of_range");
    *out_end = ms == 0 ? MODEL_TIME_NONE : w->now_us + ms * 1000;
    return true;
}

/* ---- the kinds ---- */

static bool do_coming(struct work *w)
{
    bool adjusts = w->command->kind == MODEL_ADJUST;
    if (!sum_lines(w, !w->request))
        return false;
    for (int64_t i = 0; i < w->sum_count && w->request && adjusts; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            int64_t takes = -sum->by[k];
            int64_t there = at_least_zero(on(&w->model->now, cell, k));
            int64_t can = k == 0 ? smaller(there, free_units(&w->model->now, cell)) : there;
            if (takes > 0 && takes > can) {
                note_short(w, sum, takes, can);
                break;
            }
        }
    }
    if (w->answer.shortage_count > 0)
        return refuse(w, "insufficient_stock");
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] += sum->by[k];
        struct model_item *item = item_of(w, sum->item);
        if (w->command->kind == MODEL_RECEIVE)
            item->supplier -= sum->total;
        else if (w->command->kind == MODEL_RETURN)
            item->customer -= sum->total;
        else if (sum->total > 0)
            item->found -= sum->total;
        else
            item->loss -= sum->total;
    }
    return finish_cells(w);
}

/* Guarded taking: what the claim covers and what is free beyond, as far as it is there. One row per cell. */
static void judge_taking(struct work *w, int64_t claim)
{
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
        struct model_claim_line line = line_now(w, claim, sum);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            int64_t there = at_least_zero(on(&w->model->now, cell, k));
            int64_t can = there;
            if (k == 0) {
                int64_t covered = smaller(sum->by[0], line.held + line.committed);
                can = smaller(there, covered + free_units(&w->model->now, cell));
            }
            if (sum->by[k] > can) {
                note_short(w, sum, sum->by[k], can);
                break;
            }
        }
    }
}

static bool do_leaving(struct work *w)
{
    const struct model_command *c = w->command;
    bool ships = c->kind == MODEL_SHIP;
    bool named = c->hold[0] != '\0';
    int64_t claim = named ? find_claim(w->model, c->hold, w->now_us) : -1;
    bool ended = claim >= 0 && has_ended(&w->model->now.claims[claim]);
    if (named && ships && claim < 0)
        return refuse(w, "unknown_hold");
    if (ships && ended)
        return refuse_ended(w, claim);
    if (ended)
        claim = -1; /* a sale happened all the same */
    if (claim >= 0 && c->line_count == 0) {
        sum_claim(w, claim, true, true, false);
        if (!command_if(w))
            return false;
    } else if (!sum_lines(w, !w->request)) {
        return false;
    }
    if (ships && claim >= 0 && w->request) {
        for (int64_t i = 0; i < w->sum_count; i++) {
            struct model_claim_line line = line_now(w, claim, &w->sums[i]);
            if (w->sums[i].total > line.held + line.committed)
                note_short(w, &w->sums[i], w->sums[i].total, line.held + line.committed);
        }
        if (w->answer.shortage_count > 0)
            return refuse(w, "exceeds_claim");
    }
    if (w->request) {
        judge_taking(w, claim);
        if (w->answer.shortage_count > 0)
            return refuse(w, "insufficient_stock");
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] -= sum->by[k];
        item_of(w, sum->item)->customer += sum->total;
        int64_t rest = sum->by[0];
        if (claim >= 0 && find_line(&w->next.claims[claim], cell) >= 0) {
            /* "consumes picked, committed, then held" */
            struct model_claim_line *line = line_for(&w->next.claims[claim], cell);
            int64_t from_committed = smaller(rest, line->committed);
            int64_t from_held = smaller(rest - from_committed, line->held);
            line->committed -= from_committed;
            line->held -= from_held;
            line->consumed += from_committed + from_held;
            rest -= from_committed + from_held;
        }
        /* "with guard:false an excess ships from stock, flagged" */
        w->exceeds[cell] = named && !w->request ? rest : 0;
    }
    if (claim >= 0)
        settle(&w->next.claims[claim], "consumed", w->now_us);
    return finish_cells(w);
}

static bool do_reclassify(struct work *w)
{
    const struct model_command *c = w->command;
    if (c->from == c->to_condition)
        return refuse(w, "same_condition");
    if (!sum_lines(w, !w->request))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        memset(w->sums[i].by, 0, sizeof(w->sums[i].by));
        w->sums[i].by[c->from] = w->sums[i].total;
    }
    if (w->request) {
        judge_taking(w, -1);
        if (w->answer.shortage_count > 0)
            return refuse(w, "insufficient_stock");
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = touch(w, w->sums[i].item, w->sums[i].location);
        w->next.cells[cell].on[c->from] -= w->sums[i].total;
        w->next.cells[cell].on[c->to_condition] += w->sums[i].total;
    }
    return finish_cells(w);
}

static bool do_transfer(struct work *w)
{
    const struct model_command *c = w->command;
    if (!know_location(w, c->to, !w->request && !w->next.strict) || !sum_lines(w, !w->request))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (strcmp(w->sums[i].location, c->to) == 0)
            return refuse(w, "same_location");
    if (w->request) {
        judge_taking(w, -1);
        if (w->answer.shortage_count > 0)
            return refuse(w, "insufficient_stock");
    }
    int64_t arriving[MODEL_CELLS_MAX] = {0};
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t origin = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[origin].on[k] -= sum->by[k];
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, c->to);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] += sum->by[k];
        arriving[cell] += sum->total;
        if (!in_range(arriving[cell]))
            return invalid(w, "out_of_range");
    }
    return finish_cells(w);
}

static bool do_hold(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim = find_claim(w->model, c->hold, w->now_us);
    const char *holder = c->holder[0] != '\0' ? c->holder : c->source;
    int64_t end;
    if (claim >= 0 && has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (claim >= 0 && strcmp(w->model->now.claims[claim].holder, holder) != 0)
        return refuse(w, "hold_exists");
    if (!end_of(w, &end) || !sum_lines(w, !w->request))
        return false;
    int64_t granted = 0;
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct sum *sum = &w->sums[i];
        int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
        /* What its holder holds there counts as free to it. */
        int64_t can = (cell < 0 ? 0 : free_units(&w->model->now, cell)) + line_now(w, claim, sum).held;
        if (w->request && sum->total > can) {
            note_short(w, sum, sum->total, can);
            if (c->partial)
                sum->total = can;
        }
        granted += sum->total;
    }
    if (w->answer.shortage_count > 0 && (!c->partial || granted == 0))
        return refuse(w, "insufficient_stock");
    struct model_claim *next = claim_for(w, claim);
    bool named[MODEL_CELLS_MAX] = {false};
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        if (sum->total == 0)
            continue;
        int64_t cell = touch(w, sum->item, sum->location);
        named[cell] = true;
        struct model_claim_line *line = line_for(next, cell);
        if (sum->total > line->held)
            line->granted += sum->total - line->held;
        else
            line->released += line->held - sum->total;
        line->held = sum->total;
    }
    /* "Same holder: replaces": what it does not name is given back. */
    for (int64_t l = 0; l < next->line_count; l++) {
        struct model_claim_line *line = &next->lines[l];
        if (line->held > 0 && !named[line->cell]) {
            w->touched[line->cell] = true;
            line->released += line->held;
            line->held = 0;
        }
    }
    next->expires_at_us = end;
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

static bool do_extend(struct work *w)
{
    int64_t claim = find_claim(w->model, w->command->hold, w->now_us);
    int64_t end;
    if (claim < 0)
        return refuse(w, "unknown_hold");
    if (has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (!end_of(w, &end))
        return false;
    if (strcmp(w->model->now.claims[claim].state, "held") != 0)
        return refuse_ended(w, claim);
    if (!command_if(w))
        return false;
    w->next.claims[claim].expires_at_us = end;
    w->next.seq++;
    return true;
}

static bool do_commit(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim = find_claim(w->model, c->hold, w->now_us);
    if (claim < 0 && c->line_count == 0)
        return refuse(w, "unknown_hold");
    bool expired = claim >= 0 && strcmp(w->model->now.claims[claim].state, "expired") == 0;
    if (claim >= 0 && !expired && has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (c->line_count > 0) {
        if (!sum_lines(w, !w->request))
            return false;
    } else {
        sum_claim(w, claim, !expired, false, expired);
        if (!command_if(w))
            return false;
        if (w->sum_count == 0)
            return refuse(w, "exceeds_claim");
    }
    for (int64_t i = 0; i < w->sum_count && w->request; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
        int64_t can = claim < 0 || expired ? (cell < 0 ? 0 : free_units(&w->model->now, cell))
                                           : line_now(w, claim, sum).held;
        if (sum->total > can)
            note_short(w, sum, sum->total, can);
    }
    if (w->answer.shortage_count > 0)
        return refuse(w, claim < 0 ? "insufficient_stock" : expired ? "hold_expired" : "exceeds_claim");
    struct model_claim *next = claim_for(w, claim);
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        struct model_claim_line *line = line_for(next, cell);
        int64_t from_held = smaller(sum->total, line->held);
        line->held -= from_held;
        line->committed += sum->total;
        line->granted += sum->total - from_held;
    }
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

static bool do_release(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim = find_claim(w->model, c->hold, w->now_us);
    if (claim < 0)
        return refuse(w, "unknown_hold");
    if (has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (c->line_count > 0) {
        if (!sum_lines(w, false))
            return false;
    } else {
        sum_claim(w, claim, true, true, false);
        if (!command_if(w))
            return false;
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        if (w->sums[i].total > line.held + line.committed)
            note_short(w, &w->sums[i], w->sums[i].total, line.held + line.committed);
    }
    if (w->answer.shortage_count > 0)
        return refuse(w, "exceeds_claim");
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = sum_cell(w, &w->sums[i]);
        w->touched[cell] = true;
        struct model_claim_line *line = line_for(&w->next.claims[claim], cell);
        /* "held, then committed" */
        int64_t from_held = smaller(w->sums[i].total, line->held);
        line->held -= from_held;
        line->committed -= w->sums[i].total - from_held;
        line->released += w->sums[i].total;
    }
    settle(&w->next.claims[claim], "released", w->now_us);
    return finish_cells(w);
}

static bool do_item(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t i = find_item(&w->next, c->item);
    bool used = false;
    for (int64_t k = 0; k < w->next.cell_count; k++)
        used = used || strcmp(w->next.cells[k].item, c->item) == 0;
    if (c->precondition.has_version && c->precondition.version != (i < 0 ? 0 : w->next.items[i].config_seq))
        return refuse(w, "precondition_failed");
    if (used && w->next.items[i].scale != c->scale)
        return refuse(w, "scale_in_use");
    if (!know_item(w, c->item, true))
        return false;
    w->next.seq++;
    item_of(w, c->item)->scale = c->scale;
    item_of(w, c->item)->config_seq = w->next.seq;
    return true;
}

static bool do_settings(struct work *w)
{
    w->next.strict = w->command->strict;
    w->next.seq++;
    return true;
}

/* ---- one command ---- */

/* "Possible always: missing_field, bad_value": the command itself is wrong. */
static bool well_formed(struct work *w)
{
    const struct model_command *c = w->command;
    bool of_claim = c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND || c->kind == MODEL_COMMIT ||
                    c->kind == MODEL_RELEASE;
    if (of_claim && c->hold[0] == '\0')
        return invalid(w, "missing_field");
    if (c->kind == MODEL_TRANSFER && c->to[0] == '\0')
        return invalid(w, "missing_field");
    if (c->kind == MODEL_RECLASSIFY && (c->from == MODEL_CONDITIONS || c->to_condition == MODEL_CONDITIONS))
        return invalid(w, "missing_field");
    if (c->kind == MODEL_ITEM && c->item[0] == '\0')
        return invalid(w, "missing_field");
    if (c->has_seq && c->seq == 0)
        return invalid(w, "bad_value");
    for (int64_t i = 0; i < c->line_count; i++) {
        const struct model_line *line = &c->lines[i];
        if (line->quantity.digits == 0 || (line->quantity.digits < 0 && c->kind != MODEL_ADJUST))
            return invalid(w, "bad_value"); /* "quantities > 0"; "signed" for adjust */
        bool given = line->condition != MODEL_CONDITIONS;
        if ((of_claim || c->kind == MODEL_SHIP) && given && line->condition != 0)
            return invalid(w, "bad_value"); /* claims and shipments are of sellable goods */
        if (c->kind == MODEL_RECLASSIFY && given && line->condition != c->from)
            return invalid(w, "bad_value");
    }
    return true;
}

/* seq_passed, expired_command, too_late: API.md section 1. */
static bool in_time(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t source = find_source(&w->model->now, c->source);
    if (c->has_seq && source >= 0 && c->seq <= w->model->now.sources[source].seq_mark)
        return refuse(w, "seq_passed");
    if (c->not_after_us != MODEL_TIME_NONE && w->now_us > c->not_after_us)
        return refuse(w, "expired_command");
    if (!w->request && !c->has_seq && c->occurred_at_us != MODEL_TIME_NONE &&
        c->occurred_at_us < w->now_us - w->model->window_us)
        return refuse(w, "too_late");
    return true;
}

static bool decide(struct work *w)
{
    if (!well_formed(w) || !in_time(w))
        return false;
    switch ((enum model_kind)w->command->kind) {
    case MODEL_RECEIVE:
    case MODEL_RETURN:
    case MODEL_ADJUST:
        return do_coming(w);
    case MODEL_SALE:
    case MODEL_SHIP:
        return do_leaving(w);
    case MODEL_RECLASSIFY:
        return do_reclassify(w);
    case MODEL_TRANSFER:
        return do_transfer(w);
    case MODEL_HOLD:
        return do_hold(w);
    case MODEL_EXTEND:
        return do_extend(w);
    case MODEL_COMMIT:
        return do_commit(w);
    case MODEL_RELEASE:
        return do_release(w);
    case MODEL_ITEM:
        return do_item(w);
    case MODEL_SETTINGS:
        return do_settings(w);
    case MODEL_KIND_COUNT:
        break;
    }
    return false;
}

/* Requests (marked G): ship, hold, extend, commit. "guard overrules either way." */
static bool is_request(const struct model_command *c)
{
    if (c->guard != MODEL_GUARD_DEFAULT)
        return c->guard == MODEL_GUARD_ON;
    return c->kind == MODEL_SHIP || c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND || c->kind == MODEL_COMMIT;
}

struct model_answer model_command(struct model *model, const struct model_command *command, int64_t now_us,
                                  bool old_is_known)
{
    static struct work w;
    memset(&w, 0, sizeof(w));
    w.model = model;
    w.command = command;
    w.now_us = now_us;
    w.request = is_request(command);
    w.answer.code = "none";
    bool remembers = command->id[0] != '\0' && !command->dry_run;
    for (int64_t i = model->remembered_count - 1; i >= 0 && remembers; i--) {
        const struct model_remembered *r = &model->remembered[i];
        if (strcmp(r->command.id, command->id) != 0 || strcmp(r->command.source, command->source) != 0)
            continue;
        if (r->at_us < now_us - model->window_us && !old_is_known)
            break;
        if (memcmp(&r->command, command, sizeof(*command)) != 0) {
            (void)invalid(&w, "id_reused");
            return w.answer;
        }
        w.answer.outcome = MODEL_DUPLICATE;
        w.answer.seq = r->seq;
        return w.answer;
    }
    w.next = model->now;
    bool accepted = decide(&w);
    /* "More than 5 minutes ahead of the server: accepted, flagged" */
    w.answer.clock_skew = accepted && command->occurred_at_us != MODEL_TIME_NONE &&
                          command->occurred_at_us > now_us + 300 * SECONDS;
    if (w.answer.outcome == MODEL_INVALID || command->dry_run)
        return w.answer;
    if (accepted) {
        model->now = w.next;
    } else {
        model->now.seq++; /* "Refusals are decisions": one event */
    }
    int64_t source = find_source(&model->now, command->source);
    if (source < 0) {
        assert(model->now.source_count < MODEL_NAMES_MAX);
        source = model->now.source_count++;
        memset(&model->now.sources[source], 0, sizeof(model->now.sources[source]));
        memcpy(model->now.sources[source].name, command->source, sizeof(model_name));
    }
    if (command->has_seq && command->seq > model->now.sources[source].seq_mark)
        model->now.sources[source].seq_mark = command->seq;
    if (remembers) {
        assert(model->remembered_count < model->remembered_max);
        struct model_remembered *r = &model->remembered[model->remembered_count++];
        memcpy(&r->command, command, sizeof(*command));
        r->seq = model->now.seq;
        r->at_us = now_us;
    }
    return w.answer;
}

/* Held units end by log time; committed ones never do. The earliest first, then the oldest claim. */
const char *model_expire(struct model *model, int64_t now_us)
{
    struct model_state *s = &model->now;
    struct model_claim *due = NULL;
    for (int64_t i = 0; i < s->claim_count; i++) {
        struct model_claim *c = &s->claims[i];
        if (c->expires_at_us == MODEL_TIME_NONE || c->expires_at_us > now_us)
            continue;
        if (due == NULL || c->expires_at_us < due->expires_at_us ||
            (c->expires_at_us == due->expires_at_us && c->made < due->made))
            due = c;
    }
    if (due == NULL)
        return NULL;
    for (int64_t l = 0; l < due->line_count; l++) {
        if (due->lines[l].held == 0)
            continue;
        due->lines[l].expired += due->lines[l].held;
        due->lines[l].held = 0;
        s->cells[due->lines[l].cell].version++;
        s->seq++;
    }
    settle(due, "expired", now_us);
    return due->name;
}
