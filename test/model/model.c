/* The model, see model.h. Each rule cites the sentence of API.md or DESIGN it comes from. */
#include "model_work.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

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

/* By hand: a tenth of all time went into strcmp under a sanitizer. */
static bool is(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    return *a == *b;
}

void model_init(struct model *model, int64_t window_us, struct model_remembered *room, int64_t room_count,
                struct model_move *moves, struct model_count *counts, struct model_change *changes,
                struct model_statement *statements)
{
    memset(model, 0, sizeof(*model));
    model->moves = moves;
    model->counts = counts;
    model->changes = changes;
    model->statements = statements;
    model->window_us = window_us;
    model->remembered = room;
    model->remembered_max = room_count;
}

/* ---- finding ---- */

int64_t find_item(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->item_count; i++)
        if (is(s->items[i].name, name))
            return i;
    return -1;
}

static int64_t find_location(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->location_count; i++)
        if (is(s->locations[i], name))
            return i;
    return -1;
}

static int64_t find_source(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->source_count; i++)
        if (is(s->sources[i].name, name))
            return i;
    return -1;
}

static int64_t find_channel(const struct model_state *s, const char *name)
{
    for (int64_t i = 0; i < s->channel_count; i++)
        if (is(s->channels[i].name, name))
            return i;
    return -1;
}

int64_t find_cell(const struct model_state *s, const char *item, const char *location)
{
    for (int64_t i = 0; i < s->cell_count; i++)
        if (is(s->cells[i].item, item) && is(s->cells[i].location, location))
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
        if (is(s->claims[i].name, name) &&
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

/* The sum over the claims of one counter of theirs in this cell. */
#define SUM_OVER_CLAIMS(s, of_cell, counter)                                                                           \
    int64_t sum = 0;                                                                                                   \
    for (int64_t c = 0; c < (s)->claim_count; c++)                                                                     \
        for (int64_t l = 0; l < (s)->claims[c].line_count; l++)                                                        \
            if ((s)->claims[c].lines[l].cell == (of_cell))                                                             \
                sum += (s)->claims[c].lines[l].counter;                                                                \
    return sum

int64_t model_held(const struct model_state *s, int64_t cell)
{
    SUM_OVER_CLAIMS(s, cell, held);
}

int64_t model_committed(const struct model_state *s, int64_t cell)
{
    SUM_OVER_CLAIMS(s, cell, committed);
}

int64_t model_picked(const struct model_state *s, int64_t cell)
{
    SUM_OVER_CLAIMS(s, cell, picked);
}

int64_t model_backordered(const struct model_state *s, int64_t cell)
{
    SUM_OVER_CLAIMS(s, cell, backordered);
}

static int64_t reserved(const struct model_state *s, int64_t cell)
{
    SUM_OVER_CLAIMS(s, cell, held + (s)->claims[c].lines[l].committed);
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
    return on(s, cell, 0) + (cell < 0 ? 0 : model_in_bins(s, cell)) - reserved(s, cell);
}

/* "max(0, -available - backordered)" */
static int64_t oversold(const struct model_state *s, int64_t cell)
{
    return at_least_zero(-available(s, cell) - model_backordered(s, cell));
}

/* "available + backordered - safety_stock" */
static int64_t above_safety(const struct model_state *s, int64_t cell)
{
    return cell < 0 ? 0 : available(s, cell) + model_backordered(s, cell) - s->cells[cell].safety_stock;
}

/* "cut by priority": 1 first, none last, ties by name. */
static bool channel_is_before(const struct model_channel *a, const struct model_channel *b)
{
    if (a->priority != b->priority)
        return b->priority == 0 || (a->priority != 0 && a->priority < b->priority);
    return strcmp(a->name, b->name) < 0;
}

/*
 * I3: each channel in turn is given its quota out of the pool as far as it goes; who shares the rest has what is left.
 * A request without a channel has no quota and shares the rest; so has a channel that nobody knows.
 */
int64_t model_free(const struct model_state *s, int64_t cell, const char *channel)
{
    int64_t pool = cell < 0 || is_bin(s, s->cells[cell].location) ? 0 : at_least_zero(above_safety(s, cell));
    int64_t own = 0;
    bool shares = true;
    bool done[MODEL_CHANNELS_MAX] = {false};
    for (int64_t turn = 0; turn < s->channel_count; turn++) {
        int64_t next = -1;
        for (int64_t c = 0; c < s->channel_count; c++)
            if (!done[c] && (next < 0 || channel_is_before(&s->channels[c], &s->channels[next])))
                next = c;
        done[next] = true;
        int64_t has = cell < 0 ? 0 : smaller(s->cells[cell].quota[next], pool);
        pool -= has;
        if (is(s->channels[next].name, channel)) {
            own = has;
            shares = s->channels[next].shares_rest != 0;
        }
    }
    return own + (shares ? pool : 0);
}

/* "room = max(0, backorder_limit - backordered + min(0, available + backordered - safety_stock))" */
static int64_t room(const struct model_state *s, int64_t cell)
{
    if (cell < 0)
        return 0;
    return at_least_zero(s->cells[cell].backorder_limit - model_backordered(s, cell) +
                         smaller(0, above_safety(s, cell)));
}

/* Whole units in the item's decimals, as far as anybody could count. */
int64_t scaled(int64_t whole, int64_t scale)
{
    for (int64_t p = 0; p < scale && whole < INT64_C(100000000000000000); p++)
        whole *= 10;
    return whole;
}

/* I4: "max(0, min(cap, sum over its locations of free - buffer))", per item and channel; of what is shown of it. */
int64_t model_ats(const struct model_state *s, int64_t channel, int64_t item)
{
    const struct model_channel *c = &s->channels[channel];
    const struct model_offer *offer = &c->offers[item];
    int64_t sum = 0;
    const char *name = s->items[item].name;
    for (int64_t p = 0; p < c->place_count; p++)
        sum += shown_of(s, name, c->places[p], model_free(s, find_cell(s, name, c->places[p]), c->name));
    for (int64_t p = 0; p < c->place_count && s->items[item].part_count > 0; p++)
        sum += shown_of(s, name, c->places[p], kits_in_channel(s, name, c->places[p], c->name));
    sum -= offer->has_buffer ? offer->buffer : scaled(c->buffer, s->items[item].scale);
    if (offer->has_cap)
        sum = smaller(sum, offer->cap);
    else if (c->has_cap)
        sum = smaller(sum, scaled(c->cap, s->items[item].scale));
    return smaller(at_least_zero(sum), RANGE); /* no figure of ours is larger */
}

/* ---- what is expected ---- */

#define DAY (INT64_C(24) * 60 * 60 * SECONDS)

static int64_t open_of(const struct model_paper *paper, int64_t cell)
{
    int64_t sum = 0;
    for (int64_t l = 0; l < paper->line_count; l++)
        if (paper->lines[l].cell == cell)
            sum += paper->lines[l].open;
    return sum;
}

int64_t model_in_transit(const struct model_state *s, int64_t cell)
{
    int64_t sum = 0;
    for (int64_t t = 0; t < s->transfer_count; t++)
        sum += open_of(&s->transfers[t], cell);
    return sum;
}

/* "date-only supply counts from the end of that day, demand from its start" */
static int64_t end_of_moment(const struct model_moment *moment)
{
    return moment->form == MODEL_MOMENT_DAY ? moment->us + DAY - 1 : moment->us;
}

/* Of one paper in a cell, what is due by then: all of it when `by` says so. */
static int64_t due_by(const struct model_paper *paper, int64_t cell, bool supply, int64_t by_us, int64_t now_us)
{
    int64_t sum = 0;
    for (int64_t l = 0; l < paper->line_count; l++) {
        const struct model_paper_line *line = &paper->lines[l];
        int64_t when = supply ? end_of_moment(&line->due) : line->due.us;
        if (line->cell != cell || line->due.form == MODEL_MOMENT_NONE || when > by_us)
            continue;
        if (supply && when < now_us)
            continue; /* "overdue supply counts zero until re-dated" */
        sum += line->open;
    }
    return sum;
}

static int64_t supply_by(const struct model_state *s, int64_t cell, int64_t by_us, int64_t now_us)
{
    int64_t sum = 0;
    for (int64_t t = 0; t < s->transfer_count; t++)
        sum += due_by(&s->transfers[t], cell, true, by_us, now_us); /* "eta makes it incoming" */
    for (int64_t e = 0; e < s->expectation_count; e++)
        if (s->expectations[e].direction == MODEL_DIRECTION_IN)
            sum += due_by(&s->expectations[e], cell, true, by_us, now_us);
    return sum;
}

/* Of all documents but the one of this name. */
static int64_t demand_by(const struct model_state *s, int64_t cell, int64_t by_us, const char *without)
{
    int64_t sum = 0;
    for (int64_t e = 0; e < s->expectation_count; e++)
        if (s->expectations[e].direction == MODEL_DIRECTION_OUT && !is(s->expectations[e].name, without))
            sum += due_by(&s->expectations[e], cell, false, by_us, 0);
    return sum;
}

int64_t model_incoming(const struct model_state *s, int64_t cell)
{
    return supply_by(s, cell, INT64_MAX, INT64_MIN);
}

int64_t model_outgoing(const struct model_state *s, int64_t cell)
{
    return demand_by(s, cell, INT64_MAX, "");
}

/* I5: "min over u >= t of (available - safety_stock + incoming <= u - outgoing <= u)"; u: t, and each demand later. */
static int64_t atp_without(const struct model_state *s, int64_t cell, const struct model_moment *at, int64_t now_us,
                           const char *without)
{
    int64_t from = end_of_moment(at);
    int64_t stock = available(s, cell) - (cell < 0 ? 0 : s->cells[cell].safety_stock);
    int64_t least = stock + supply_by(s, cell, from, now_us) - demand_by(s, cell, from, without);
    for (int64_t e = 0; e < s->expectation_count; e++)
        for (int64_t l = 0; l < s->expectations[e].line_count; l++) {
            int64_t u = s->expectations[e].lines[l].due.us;
            if (u > from)
                least = smaller(least, stock + supply_by(s, cell, u, now_us) - demand_by(s, cell, u, without));
        }
    return least;
}

/* Of a kit: the built ones, and as many as each of its components will do for. */
int64_t model_atp(const struct model_state *s, int64_t cell, const struct model_moment *at, int64_t now_us)
{
    if (is_bin(s, s->cells[cell].location))
        return 0; /* its goods are promised at its node */
    const struct model_item *item = &s->items[find_item(s, s->cells[cell].item)];
    int64_t built = atp_without(s, cell, at, now_us, "");
    int64_t least = INT64_MAX;
    for (int64_t p = 0; p < item->part_count; p++) {
        int64_t part = find_cell(s, item->parts[p].item, s->cells[cell].location);
        int64_t units = part < 0 ? 0 : atp_without(s, part, at, now_us, "");
        least = smaller(least, units < 0 ? 0 : units / item->parts[p].units);
    }
    return item->part_count == 0 || least == 0 ? built : smaller(least + (built < 0 ? 0 : built), RANGE);
}

/* ---- the work on one command ---- */

bool refuse(struct work *w, const char *code)
{
    w->answer.outcome = MODEL_REFUSED;
    w->answer.code = code;
    return false;
}

bool invalid(struct work *w, const char *code)
{
    w->answer.outcome = MODEL_INVALID;
    w->answer.code = code;
    return false;
}

/* A cell of a name that only this command brought is in no refusal. */
void note_short(struct work *w, const struct sum *sum, int64_t asked, int64_t free)
{
    w->lacking = true;
    if (find_item(&w->model->now, sum->item) < 0 ||
        (sum->location[0] != '\0' && find_location(&w->model->now, sum->location) < 0))
        return;
    assert(w->answer.shortage_count < MODEL_SAID_MAX);
    struct model_shortage *shortage = &w->answer.shortages[w->answer.shortage_count++];
    memcpy(shortage->item, sum->item, sizeof(model_name));
    memcpy(shortage->location, sum->location, sizeof(model_name));
    shortage->asked = asked;
    shortage->free = free;
}

/* Parsed exactly; "at most the item's scale in decimals, magnitude <= 2^53-1 base units". */
bool to_units(struct work *w, struct model_decimal decimal, const char *item, int64_t *units)
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
bool command_if(struct work *w)
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

struct sum *sum_of(struct work *w, const char *item, const char *location)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is(w->sums[i].item, item) && is(w->sums[i].location, location))
            return &w->sums[i];
    struct sum *sum = &w->sums[w->sum_count++];
    memset(sum, 0, sizeof(*sum));
    memcpy(sum->item, item, sizeof(model_name));
    memcpy(sum->location, location, sizeof(model_name));
    return sum;
}

static bool sum_line(struct work *w, const struct model_line *line, bool create, bool *all_met)
{
    int64_t units;
    bool is_met;
    if (!know_item(w, line->item, create) ||
        (line->location[0] != '\0' && !know_location(w, line->location, create)) ||
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
    *all_met = *all_met && is_met;
    return true;
}

bool sum_lines(struct work *w, bool may_create)
{
    const struct model_command *c = w->command;
    bool create = may_create && !w->next.strict;
    bool all_met = true;
    if (c->line_count == 0)
        return invalid(w, "missing_field");
    for (int64_t i = 0; i < c->line_count; i++)
        if (c->lines[i].location[0] != '\0' && !sum_line(w, &c->lines[i], create, &all_met))
            return false;
    for (int64_t i = 0; i < c->line_count; i++)
        if (c->lines[i].location[0] == '\0' && has_if(&c->precondition))
            return invalid(w, "bad_value"); /* "if speaks of a cell and cannot stand beside such a line" */
    if (!command_if(w))
        return false;
    if (!all_met)
        return refuse(w, "precondition_failed");
    bool promises = c->kind == MODEL_HOLD || c->kind == MODEL_COMMIT || c->kind == MODEL_RELEASE ||
                    c->kind == MODEL_AMEND || c->kind == MODEL_REASSIGN || c->kind == MODEL_PICK ||
                    c->kind == MODEL_UNPICK;
    if (promises && !bins_promise_nothing(w))
        return false;
    for (int64_t i = 0; i < c->line_count; i++) /* then those that look for a location */
        if (c->lines[i].location[0] == '\0' && !sum_line(w, &c->lines[i], create, &all_met))
            return false;
    return true;
}

static int64_t sum_cell(const struct work *w, const struct sum *sum)
{
    return find_cell(&w->next, sum->item, sum->location);
}

/* The cell of a sum in the copy, made when it is not there; it gets an event. */
int64_t touch(struct work *w, const char *item, const char *location)
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
 * is exceeded and for each condition that falls below zero; `oversold` when that figure rises; `low_stock`, and not
 * again before the cell was clearly above its reorder point; `out_of_stock` and `back_in_stock`. Checks every range.
 */
static bool finish_cells(struct work *w)
{
    struct model_state *s = &w->next;
    const struct model_state *before = &w->model->now;
    tell_counts(w);
    touch_nodes(w);
    for (int64_t c = 0; c < s->cell_count; c++) {
        if (!w->touched[c])
            continue;
        bool bin = is_bin(s, s->cells[c].location);
        int64_t old = find_cell(before, s->cells[c].item, s->cells[c].location);
        int64_t events = 1 + w->more[c] + (w->exceeds[c] > 0);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            if (!in_range(on(s, c, k)))
                return invalid(w, "out_of_range");
            if (on(s, c, k) < 0 && on(s, c, k) < on(before, old, k))
                events++;
        }
        if (!in_range(on_hand(s, c)) || !in_range(on_hand(s, c) - on(s, c, 0)) || !in_range(model_held(s, c)) ||
            !in_range(model_committed(s, c)) || !in_range(reserved(s, c)) || !in_range(available(s, c)) ||
            !in_range(model_in_bins(s, c)) || !in_range(on(s, c, 0) + model_in_bins(s, c)))
            return invalid(w, "out_of_range");
        if (!in_range(model_in_transit(s, c)) || !in_range(model_incoming(s, c)) || !in_range(model_outgoing(s, c)))
            return invalid(w, "out_of_range");
        bool begins = !bin && old >= 0 && is_bin(before, s->cells[c].location); /* to take promises: as if all came now */
        if (!bin && oversold(s, c) > (old < 0 || begins ? 0 : oversold(before, old)))
            events++;
        int64_t point = s->cells[c].reorder_point;
        int64_t clearly = point + (point + 9) / 10;
        if (point == 0 || available(s, c) >= clearly)
            s->cells[c].low = 0;
        if (point > 0 && s->cells[c].low == 0 && available(s, c) <= point) {
            s->cells[c].low = 1;
            events++;
        }
        if (begins ? available(s, c) > 0
                   : !bin && old >= 0 && (available(before, old) > 0) != (available(s, c) > 0))
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

/* ---- transfers and expected documents ---- */

/* A closed one is found for the id window, like a claim. */
static int64_t find_paper(const struct model *model, const struct model_paper *papers, int64_t count, const char *name,
                          int64_t now_us)
{
    for (int64_t i = 0; i < count; i++)
        if (is(papers[i].name, name) && (papers[i].closed_at_us == MODEL_TIME_NONE ||
                                         papers[i].closed_at_us >= now_us - model->window_us))
            return i;
    return -1;
}

const struct model_paper *model_paper_named(const struct model *model, bool transfer, const char *name, int64_t now_us)
{
    const struct model_paper *papers = transfer ? model->now.transfers : model->now.expectations;
    int64_t count = transfer ? model->now.transfer_count : model->now.expectation_count;
    int64_t i = find_paper(model, papers, count, name, now_us);
    return i < 0 ? NULL : &papers[i];
}

/* An empty one by this name: one that is closed makes way. */
static struct model_paper *paper_for(struct model_paper *papers, int64_t *count, const char *name)
{
    int64_t at = *count;
    for (int64_t i = 0; i < *count; i++)
        if (is(papers[i].name, name))
            at = i;
    assert(at < MODEL_PAPERS_MAX);
    *count += at == *count;
    memset(&papers[at], 0, sizeof(papers[at]));
    memcpy(papers[at].name, name, sizeof(model_name));
    papers[at].closed_at_us = MODEL_TIME_NONE;
    return &papers[at];
}

static void paper_add(struct model_paper *paper, int64_t cell, int64_t units, const struct model_moment *due)
{
    struct model_paper_line *line = &paper->lines[paper->line_count++];
    line->cell = cell;
    line->open = units;
    line->due = *due;
}

/* Takes at most so many units in this cell off what is open; returns how many. Nothing open: closed. */
static int64_t paper_take(struct model_paper *paper, int64_t cell, int64_t units, int64_t now_us)
{
    int64_t taken = 0, open = 0;
    for (int64_t l = 0; l < paper->line_count; l++) {
        if (paper->lines[l].cell == cell) {
            int64_t here = smaller(units - taken, paper->lines[l].open);
            paper->lines[l].open -= here;
            taken += here;
        }
        open += paper->lines[l].open;
    }
    if (open == 0)
        paper->closed_at_us = now_us;
    return taken;
}

/* An open document by the command's name, or the refusal. */
static struct model_paper *open_expectation(struct work *w)
{
    struct model_state *s = &w->next;
    int64_t e = find_paper(w->model, s->expectations, s->expectation_count, w->command->expectation, w->now_us);
    if (e >= 0 && s->expectations[e].closed_at_us == MODEL_TIME_NONE)
        return &s->expectations[e];
    (void)refuse(w, "unknown_expectation");
    return NULL;
}

/* The transfer of the command, open or closed within the window; NULL for none. */
static struct model_paper *transfer_of(struct work *w)
{
    struct model_state *s = &w->next;
    int64_t t = find_paper(w->model, s->transfers, s->transfer_count, w->command->transfer, w->now_us);
    return t < 0 ? NULL : &s->transfers[t];
}

/* The open document of direction out with the name of a hold: what is expected to go for it. NULL for none. */
static struct model_paper *outgoing_of(struct work *w, const char *hold)
{
    for (int64_t e = 0; e < w->next.expectation_count; e++) {
        struct model_paper *paper = &w->next.expectations[e];
        if (is(paper->name, hold) && paper->direction == MODEL_DIRECTION_OUT && paper->closed_at_us == MODEL_TIME_NONE)
            return paper;
    }
    return NULL;
}

/* "a commit or ship its outgoing": "units come off when they are committed, or shipped without that". */
static void less_outgoing(struct work *w, const char *hold, int64_t cell, int64_t units)
{
    struct model_paper *paper = outgoing_of(w, hold);
    if (paper != NULL)
        (void)paper_take(paper, cell, units, w->now_us);
}

/* "A hold for later is counted as long as it waits": what else goes by its name leaves that. */
static void less_outgoing_beside(struct work *w, const struct model_claim *claim, int64_t cell, int64_t units)
{
    struct model_paper *paper = outgoing_of(w, w->command->hold);
    int64_t beside = 0;
    for (int64_t l = 0; paper != NULL && l < paper->line_count; l++)
        beside += paper->lines[l].cell == cell ? paper->lines[l].open : 0;
    for (int64_t l = 0; claim != NULL && claim->at.form != MODEL_MOMENT_NONE && l < claim->line_count; l++)
        beside -= claim->lines[l].cell == cell ? claim->lines[l].waiting : 0;
    less_outgoing(w, w->command->hold, cell, smaller(units, beside));
}

/* "What a hold for later waits for": nothing else changes the document of its name. */
static bool promised_to_nobody(struct work *w)
{
    int64_t i = find_claim(w->model, w->command->expectation, w->now_us);
    const struct model_claim *claim = i < 0 ? NULL : &w->model->now.claims[i];
    for (int64_t l = 0; claim != NULL && claim->at.form != MODEL_MOMENT_NONE && l < claim->line_count; l++)
        if (claim->lines[l].waiting > 0)
            return refuse(w, "expectation_promised");
    return true;
}

/* What waits of a hold for later: "it comes off when it is served, released or expires". */
static void less_promised(struct work *w, const struct model_claim *claim, int64_t cell, int64_t units)
{
    if (claim->at.form != MODEL_MOMENT_NONE)
        less_outgoing(w, claim->name, cell, units);
}

/* "It sets what its expectation has open in each cell to what waits there now": due at `at`, "of a day: at its end". */
static void set_promised(struct work *w, const struct model_claim *claim, int64_t cell, int64_t units)
{
    struct model_paper *paper = outgoing_of(w, claim->name);
    struct model_moment due = {MODEL_MOMENT_INSTANT, end_of_moment(&claim->at)};
    if (paper == NULL && units == 0)
        return;
    if (paper == NULL) { /* "one that has closed opens again" */
        paper = paper_for(w->next.expectations, &w->next.expectation_count, claim->name);
        paper->direction = MODEL_DIRECTION_OUT;
    }
    for (int64_t l = 0; l < paper->line_count && units > 0; l++)
        if (paper->lines[l].cell == cell) {
            paper->lines[l].open = units;
            paper->lines[l].due = due;
            return;
        }
    if (units > 0)
        paper_add(paper, cell, units, &due);
    else
        (void)paper_take(paper, cell, open_of(paper, cell), w->now_us);
}

/* ---- claims ---- */

static struct model_claim *claim_for(struct work *w, int64_t claim)
{
    if (claim >= 0)
        return &w->next.claims[claim];
    /* A claim of this name past the window makes way. */
    int64_t old = -1;
    for (int64_t i = 0; i < w->next.claim_count; i++)
        if (is(w->next.claims[i].name, w->command->hold))
            old = i;
    assert(old >= 0 || w->next.claim_count < MODEL_CLAIMS_MAX);
    struct model_claim *made = &w->next.claims[old >= 0 ? old : w->next.claim_count++];
    memset(made, 0, sizeof(*made));
    memcpy(made->name, w->command->hold, sizeof(model_name));
    memcpy(made->holder, w->command->holder[0] != '\0' ? w->command->holder : w->command->source, sizeof(model_name));
    memcpy(made->channel, w->command->channel, sizeof(model_name));
    made->priority = w->command->priority;
    made->made = w->next.seq + 1;
    made->expires_at_us = made->ended_at_us = MODEL_TIME_NONE;
    return made;
}

static struct model_claim_line *line_for(struct model_claim *claim, int64_t cell)
{
    int64_t l = find_line(claim, cell);
    if (l < 0) {
        l = claim->line_count++;
        assert(l < MODEL_CELLS_MAX);
        memset(&claim->lines[l], 0, sizeof(claim->lines[l]));
        claim->lines[l].cell = cell;
    }
    return &claim->lines[l];
}

/* What the present claim has in this cell; zeros for none. */
struct model_claim_line line_now(const struct work *w, int64_t claim, const struct sum *sum)
{
    static const struct model_claim_line none;
    int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
    if (claim < 0 || cell < 0)
        return none;
    int64_t l = find_line(&w->model->now.claims[claim], cell);
    return l < 0 ? none : w->model->now.claims[claim].lines[l];
}

/* Of its channel's quota in this cell; NULL when it has none, because nobody knows the channel. */
static int64_t *quota_of(struct model_state *s, int64_t cell, const char *channel)
{
    int64_t c = find_channel(s, channel);
    return c < 0 ? NULL : &s->cells[cell].quota[c];
}

/*
 * "Quota: claims use it first"; "what exceeds free is backordered", as far as there is room for it. What a fact takes
 * beyond that is oversold.
 */
static void grant(struct work *w, struct model_claim *claim, int64_t cell, int64_t units, int64_t free)
{
    struct model_claim_line *line = line_for(claim, cell);
    int64_t beyond = at_least_zero(units - free);
    int64_t own = free - model_free(&w->next, cell, claim->channel); /* covered, though not free */
    if (w->command->backorder)
        line->backordered += smaller(beyond, at_least_zero(room(&w->next, cell) - own));
    int64_t *quota = quota_of(&w->next, cell, claim->channel);
    if (quota != NULL) {
        int64_t used = smaller(units, *quota);
        *quota -= used;
        line->quota += used;
    }
}

/* So many lack cover now, as many as before or less: who lost it is the first to lack it no more. */
static void lacks(struct model_claim_line *line, int64_t backordered)
{
    line->lost = at_least_zero(line->lost - (line->backordered - backordered));
    line->backordered = backordered;
}

/* "Release and expiry give back what that claim had taken"; units without cover go first. */
static void give_back(struct model_state *s, const struct model_claim *claim, struct model_claim_line *line,
                      int64_t units)
{
    int64_t back = smaller(units, line->quota);
    int64_t *quota = quota_of(s, line->cell, claim->channel);
    line->quota -= back;
    if (quota != NULL)
        *quota += back;
    lacks(line, at_least_zero(line->backordered - units));
}

/* "consumes picked, committed, then held"; "consumption uses the part of the quota first". Returns what it took. */
static int64_t consume(struct model_claim_line *line, int64_t units)
{
    int64_t from_committed = smaller(units, line->committed);
    int64_t from_held = smaller(units - from_committed, line->held);
    int64_t taken = from_committed + from_held;
    line->committed -= from_committed;
    line->picked = at_least_zero(line->picked - from_committed);
    line->held -= from_held;
    line->consumed += taken;
    line->quota -= smaller(taken, line->quota);
    lacks(line, smaller(line->backordered, line->held + line->committed));
    return taken;
}

/* "held, then committed, released, expired or consumed"; "commit: expiry stops", what stays held keeps its end. */
static void settle(struct model_claim *claim, const char *ended, int64_t now_us)
{
    int64_t held = 0, committed = 0, waiting = 0;
    for (int64_t l = 0; l < claim->line_count; l++) {
        held += claim->lines[l].held;
        committed += claim->lines[l].committed;
        waiting += claim->lines[l].waiting;
    }
    claim->state = held > 0 ? "held" : committed > 0 ? "committed" : waiting > 0 ? "waiting" : ended;
    if (held + waiting == 0)
        claim->expires_at_us = MODEL_TIME_NONE;
    claim->ended_at_us = held + committed + waiting > 0 ? MODEL_TIME_NONE : now_us;
}

static bool may_end(const struct model_claim *claim)
{
    for (int64_t l = 0; l < claim->line_count; l++)
        if (claim->lines[l].held + claim->lines[l].waiting > 0)
            return true;
    return false;
}

/* "A request that names an unknown channel"; on a fact it is only a label. */
static bool know_channel(struct work *w)
{
    if (w->command->channel[0] == '\0' || find_channel(&w->next, w->command->channel) >= 0)
        return true;
    return refuse(w, "unknown_channel");
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
                        (expired ? c->lines[l].lapsed : 0);
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

/* "incoming -", of a bin its own line first, then its node's; what exceeds the document is flagged. */
static void meet_expected(struct work *w, struct model_paper *paper)
{
    int64_t rest[MODEL_CELLS_MAX] = {0};
    for (int64_t turn = 0; turn < 2; turn++) /* first the bins */
        for (int64_t i = 0; i < w->sum_count; i++) {
            const struct sum *sum = &w->sums[i];
            const char *node = node_of(&w->next, sum->location);
            bool passes = is_bin(&w->next, sum->location) && node[0] != '\0';
            int64_t units = sum->total;
            if (turn == 0 && passes)
                units -= paper_take(paper, sum_cell(w, sum), units, w->now_us);
            if (passes ? turn == 0 && units > 0 : turn == 1)
                rest[touch(w, sum->item, passes ? node : sum->location)] += units;
        }
    for (int64_t c = 0; c < w->next.cell_count; c++)
        w->exceeds[c] = rest[c] - paper_take(paper, c, rest[c], w->now_us);
}

static bool do_coming(struct work *w)
{
    bool adjusts = w->command->kind == MODEL_ADJUST;
    struct model_paper *paper = NULL;
    if (w->command->kind == MODEL_RECEIVE && w->command->expectation[0] != '\0') {
        paper = open_expectation(w);
        if (paper == NULL)
            return false;
        if (paper->direction != MODEL_DIRECTION_IN)
            return refuse(w, "unknown_expectation"); /* what comes is not what was to go */
    }
    if (!sum_lines(w, !w->request) || !who_answers(w, 1, ""))
        return false;
    if (w->request && adjusts)
        note_taking(w, 1, -1, w->command->channel);
    if (w->lacking)
        return refuse(w, "insufficient_stock");
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] += sum->by[k];
        struct model_item *item = item_of(w, sum->item);
        if (w->command->kind == MODEL_RECEIVE)
            item->supplier -= sum->total;
        if (w->command->kind == MODEL_RECEIVE)
            continue;
        if (w->command->kind == MODEL_RETURN)
            item->customer -= sum->total;
        else if (sum->total > 0)
            item->found -= sum->total;
        else
            item->loss -= sum->total;
    }
    if (paper != NULL)
        meet_expected(w, paper);
    return finish_cells(w);
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
    /* What goes beyond a claim goes through its channel. */
    const char *channel = claim >= 0 ? w->model->now.claims[claim].channel : c->channel;
    if (w->request && claim < 0 && !know_channel(w))
        return false;
    if (claim >= 0 && c->line_count == 0) {
        sum_claim(w, claim, true, true, false);
        if (!command_if(w))
            return false;
        if (w->sum_count == 0)
            return refuse(w, "exceeds_claim"); /* it waits for all it has */
    } else if (!sum_lines(w, !w->request)) {
        return false;
    }
    if (!kits_claimed(w, claim, channel) || !who_answers(w, -1, ""))
        return false;
    if (ships && claim >= 0 && w->request) {
        for (int64_t i = 0; i < w->answering_count; i++) {
            const struct sum *sum = &w->answering[i].sum;
            struct model_claim_line line = line_now(w, claim, sum);
            if (sum->total > line.held + line.committed)
                note_short(w, sum, sum->total, line.held + line.committed);
        }
        if (w->lacking)
            return refuse(w, "exceeds_claim");
    }
    if (w->request) {
        note_taking(w, -1, claim, channel);
        if (w->lacking)
            return refuse(w, "insufficient_stock");
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] -= sum->by[k];
        item_of(w, sum->item)->customer += sum->total;
    }
    for (int64_t i = 0; i < w->answering_count; i++) {
        const struct sum *sum = &w->answering[i].sum;
        if (sum->total == 0 && !w->answering[i].named)
            continue; /* nothing of it was sellable */
        int64_t cell = touch(w, sum->item, sum->location);
        int64_t rest = sum->total;
        if (claim >= 0 && find_line(&w->next.claims[claim], cell) >= 0)
            rest -= consume(line_for(&w->next.claims[claim], cell), rest);
        if (named)
            less_outgoing_beside(w, claim < 0 ? NULL : &w->next.claims[claim], cell,
                                 at_least_zero(sum->total - line_now(w, claim, sum).committed));
        /* "quota - only beyond the claim" */
        int64_t *quota = quota_of(&w->next, cell, channel);
        if (quota != NULL)
            *quota -= smaller(rest, *quota);
        /* "with guard:false an excess ships from stock, flagged" */
        w->exceeds[cell] = named && !w->request ? rest : 0;
    }
    if (claim >= 0)
        settle(&w->next.claims[claim], "consumed", w->now_us);
    return finish_cells(w);
}

/* "`counted_to` may be 5 minutes ahead and then means now; beyond that the count is refused" */
static bool do_count(struct work *w)
{
    if (w->command->occurred_at_us > w->now_us + 300 * SECONDS)
        return refuse(w, "in_future");
    if (!sum_lines(w, !w->request) || !who_answers(w, 0, ""))
        return false;
    make_counts(w);
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
        if (c->to_condition == 0) /* it comes to what is sellable */
            w->sums[i].by[0] = -w->sums[i].total;
    }
    if (!who_answers(w, -1, ""))
        return false;
    if (w->request) {
        note_taking(w, -1, -1, "");
        if (w->lacking)
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
    if (!know_location(w, c->to, !w->request && !w->next.strict) || !sum_lines(w, !w->request) ||
        !who_answers(w, -1, c->to))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is(w->sums[i].location, c->to))
            return refuse(w, "same_location");
    if (w->request) {
        note_taking(w, -1, -1, c->channel);
        if (w->lacking)
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

/* ---- hold ---- */

/*
 * What is free to a hold in a cell. "Judged as if its held units were given back first": those it had with cover are
 * its own in any case, also where more is promised than there is.
 */
int64_t free_to_hold(const struct work *w, const char *item, const char *location)
{
    int64_t cell = find_cell(&w->next, item, location);
    int64_t free = model_free(&w->next, cell, w->holding->channel);
    int64_t had = cell < 0 ? 0 : w->had[cell];
    return free > had ? free : had;
}

int64_t room_to_hold(const struct work *w, const char *item, const char *location)
{
    int64_t cell = find_cell(&w->next, item, location);
    int64_t beyond = free_to_hold(w, item, location) - model_free(&w->next, cell, w->holding->channel);
    return w->command->backorder ? at_least_zero(room(&w->next, cell) - beyond) : 0;
}

/* What is left of so many units after what other lines have asked in that cell. */
static int64_t less_asked(const struct work *w, const char *item, const char *location, int64_t units)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is(w->sums[i].item, item) && is(w->sums[i].location, location))
            units -= w->sums[i].total;
    return at_least_zero(units);
}

static int64_t free_left(const struct work *w, const char *item, const char *location)
{
    return less_asked(w, item, location, free_to_hold(w, item, location) + kits_beside(w, item, location, false));
}

/* Every location where the item has a cell, the oldest first. */
static void add_cells(struct work *w, const char *item)
{
    for (int64_t cell = 0; cell < w->next.cell_count; cell++) {
        bool there = false;
        for (int64_t p = 0; p < w->place_count; p++)
            there = there || is(w->places[p], w->next.cells[cell].location);
        if (is(item, w->next.cells[cell].item) && !there)
            memcpy(w->places[w->place_count++], w->next.cells[cell].location, sizeof(model_name));
    }
}

/* "sourcing.locations in order, else the channel's in order, else every location where the item has a cell": of these
 * items, one after another. */
static void list_candidates(struct work *w, const struct sum *open, int64_t count)
{
    const struct model_state *s = &w->next;
    int64_t c = find_channel(s, w->holding->channel);
    w->place_count = w->command->place_count;
    memcpy(w->places, w->command->places, sizeof(w->command->places));
    if (w->place_count == 0 && c >= 0) {
        w->place_count = s->channels[c].place_count;
        memcpy(w->places, s->channels[c].places, sizeof(s->channels[c].places));
    }
    if (w->place_count > 0)
        return;
    for (int64_t i = 0; i < count; i++) {
        add_cells(w, open[i].item);
        if (model_is_kit(s, open[i].item)) /* "then where the first of its components has one" */
            add_cells(w, s->items[find_item(s, open[i].item)].parts[0].item);
    }
}

/* "Of named ones, those that take no promises are passed over and nothing takes their place." */
static void find_candidates(struct work *w, const struct sum *open, int64_t count)
{
    int64_t kept = 0;
    list_candidates(w, open, count);
    for (int64_t p = 0; p < w->place_count; p++)
        if (!is_bin(&w->next, w->places[p]))
            memmove(w->places[kept++], w->places[p], sizeof(model_name));
    w->place_count = kept;
}

static void take_at(struct work *w, struct sum *open, int64_t place)
{
    int64_t units = smaller(open->total, free_left(w, open->item, w->places[place]));
    if (units == 0)
        return;
    struct sum *sum = sum_of(w, open->item, w->places[place]);
    sum->total += units;
    sum->by[0] += units;
    open->total -= units;
}

/* Which candidate is next for these open lines: -1 when no one has anything for them. */
static int64_t best_place(const struct work *w, const struct sum *open, int64_t count)
{
    int64_t best = -1, most = 0;
    for (int64_t p = 0; p < w->place_count; p++) {
        int64_t has = 0;
        for (int64_t i = 0; i < count; i++)
            has += smaller(open[i].total, free_left(w, open[i].item, w->places[p]));
        if (has > most) {
            best = p;
            most = has;
        }
    }
    return best;
}

static int64_t place_with_all(const struct work *w)
{
    for (int64_t p = 0; p < w->place_count; p++) {
        bool all = true;
        for (int64_t i = 0; i < w->open_count; i++)
            all = all && free_left(w, w->open[i].item, w->places[p]) >= w->open[i].total;
        if (all)
            return p;
    }
    return -1;
}

/* The candidate where most is free, of those not yet `done`: the first of equals. */
static int64_t place_with_most(const struct work *w, const char *item, const bool *done)
{
    int64_t best = -1;
    for (int64_t p = 0; p < w->place_count; p++)
        if (!done[p] && (best < 0 || free_left(w, item, w->places[p]) >
                                         free_left(w, item, w->places[best])))
            best = p;
    return best;
}

/* Gives the lines without a location their locations as far as units are free; what is left stays open. */
static void source_lines(struct work *w)
{
    int64_t place;
    switch (w->command->sourcing) {
    case MODEL_SOURCING_FEWEST_SPLITS:
        find_candidates(w, w->open, w->open_count);
        place = place_with_all(w);
        while (place >= 0 || (place = best_place(w, w->open, w->open_count)) >= 0) {
            for (int64_t i = 0; i < w->open_count; i++)
                take_at(w, &w->open[i], place);
            place = -1;
        }
        break;
    case MODEL_SOURCING_MOST_STOCK:
        for (int64_t i = 0; i < w->open_count; i++) {
            bool done[MODEL_NAMES_MAX] = {false};
            find_candidates(w, &w->open[i], 1);
            while ((place = place_with_most(w, w->open[i].item, done)) >= 0) {
                done[place] = true;
                take_at(w, &w->open[i], place);
            }
        }
        break;
    default:
        for (int64_t i = 0; i < w->open_count; i++) {
            find_candidates(w, &w->open[i], 1);
            for (int64_t p = 0; p < w->place_count; p++)
                take_at(w, &w->open[i], p);
        }
        break;
    }
}

/* Takes the sums without a location out of the others. */
static void part_open(struct work *w)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < w->sum_count; i++) {
        if (w->sums[i].location[0] == '\0')
            w->open[w->open_count++] = w->sums[i];
        else
            w->sums[kept++] = w->sums[i];
    }
    w->sum_count = kept;
}

/* "Backorder: the rest at the first candidate with room, in order" */
static void backorder_open(struct work *w, struct sum *open)
{
    find_candidates(w, open, 1);
    for (int64_t p = 0; p < w->place_count; p++) {
        int64_t most = free_to_hold(w, open->item, w->places[p]);
        most += model_is_kit(&w->next, open->item) ? kits_beside(w, open->item, w->places[p], true)
                                                   : room_to_hold(w, open->item, w->places[p]);
        int64_t units = smaller(open->total, less_asked(w, open->item, w->places[p], most));
        if (units == 0)
            continue;
        struct sum *sum = sum_of(w, open->item, w->places[p]);
        sum->total += units;
        sum->by[0] += units;
        open->total -= units;
    }
}

/* A line that found a cell where the command asks for something already. */
static bool sums_in_range(const struct work *w)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (!in_range(w->sums[i].total))
            return false;
    return true;
}

/* What is left of the open lines is to wait at their first candidate. Some may have none. */
static bool wait_at_first(struct work *w)
{
    bool all = true;
    for (int64_t i = 0; i < w->open_count; i++) {
        if (w->open[i].total == 0)
            continue;
        find_candidates(w, &w->open[i], 1);
        all = all && w->place_count > 0;
        if (w->place_count == 0)
            continue;
        struct sum *sum = sum_of(w, w->open[i].item, w->places[0]);
        sum->total += w->open[i].total;
        sum->by[0] += w->open[i].total;
        w->open[i].total = 0;
    }
    return all;
}

int64_t promised_then(const struct work *w, const char *item, const char *location)
{
    int64_t cell = find_cell(&w->next, item, location);
    return cell < 0 ? 0 : at_least_zero(atp_without(&w->next, cell, &w->command->at, w->now_us, w->command->hold));
}

/*
 * "It is promised whole or refused, in all of its cells together: each needs what the ATP for that time says, as if
 * nothing had been promised to this hold." Only those that lack something are named then.
 */
static bool may_promise(struct work *w, const int64_t *waits)
{
    const struct model_command *c = w->command;
    w->answer.shortage_count = 0;
    w->lacking = false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t can = promised_then(w, sum->item, sum->location);
        if (waits[i] > can)
            note_short(w, sum, waits[i], can);
    }
    if (w->lacking)
        return refuse(w, "insufficient_stock");
    /* "Where goods are or were expected in by the hold's name, nothing can be promised to it" */
    const struct model_paper *paper = model_paper_named(w->model, false, c->hold, w->now_us);
    return paper == NULL || paper->direction == MODEL_DIRECTION_OUT || refuse(w, "expectation_closed");
}

static bool do_hold(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim = find_claim(w->model, c->hold, w->now_us);
    const char *holder = c->holder[0] != '\0' ? c->holder : c->source;
    int64_t end;
    if (claim >= 0 && has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (claim >= 0 && !is(w->model->now.claims[claim].holder, holder))
        return refuse(w, "hold_exists");
    if (claim < 0 && w->request && !know_channel(w)) /* one that replaces keeps its first channel */
        return false;
    if (!end_of(w, &end))
        return false;
    if (!sum_lines(w, !w->request))
        return false;
    part_open(w);
    for (int64_t p = 0; w->open_count > 0 && p < c->place_count; p++)
        if (!know_location(w, c->places[p], false))
            return false;
    struct model_claim *next = claim_for(w, claim);
    w->holding = next;
    /* "A hold that has something held or committed already is judged by what is free alone." */
    bool nothing_yet = claim < 0 || is(w->model->now.claims[claim].state, "waiting");
    bool later = c->at.form != MODEL_MOMENT_NONE && w->request && nothing_yet;
    bool promises = c->at.form != MODEL_MOMENT_NONE || next->at.form != MODEL_MOMENT_NONE;
    bool partial = c->partial && c->at.form == MODEL_MOMENT_NONE; /* "have no say in that" */
    int64_t before[MODEL_CELLS_MAX] = {0}, waited[MODEL_CELLS_MAX] = {0};
    for (int64_t l = 0; l < next->line_count; l++) {
        struct model_claim_line *line = &next->lines[l];
        before[line->cell] = line->held;
        w->had[line->cell] = line->held - line->backordered;
        waited[line->cell] = line->waiting;
        give_back(&w->next, next, line, line->held);
        line->held = line->waiting = 0;
    }
    struct sum asked_open[MODEL_LINES_MAX];
    memcpy(asked_open, w->open, sizeof(asked_open));
    if (w->open_count > 0)
        source_lines(w);
    bool unsourced = false;
    for (int64_t i = 0; i < w->open_count; i++) {
        if (w->open[i].total > 0 && c->backorder)
            backorder_open(w, &w->open[i]);
        if (w->open[i].total > 0) {
            struct sum *sum = &asked_open[i];
            unsourced = true;
            note_short(w, sum, sum->total, sum->total - w->open[i].total);
        }
    }
    /* Waiting for the whole, a claim that has something would lose it. */
    bool waits_whole = later || (c->wait && !partial && nothing_yet);
    bool waits_any = waits_whole || (c->wait && partial);
    bool homeless = waits_any && !wait_at_first(w);
    if (!sums_in_range(w))
        return invalid(w, "out_of_range");
    if (homeless && (!partial || w->sum_count == 0)) {
        /* Nowhere to wait: those lines are named, and no others. */
        w->answer.shortage_count = 0;
        for (int64_t i = 0; i < w->open_count; i++)
            if (w->open[i].total > 0)
                note_short(w, &asked_open[i], asked_open[i].total, asked_open[i].total - w->open[i].total);
        return refuse(w, "no_source");
    }
    if (unsourced && !waits_any && (!partial || w->sum_count == 0))
        return refuse(w, "no_source");
    /* "One that comes later: what is free now, if that is all of it; else all of it is judged for its time." */
    static struct sum lines[MODEL_CELLS_MAX];
    struct model_answer unmade = w->answer;
    int64_t line_count = w->sum_count;
    memcpy(lines, w->sums, sizeof(lines));
    bool may_lack = !w->request || c->backorder || waits_any;
    enum kit_whole whole = later ? KITS_PART : may_lack ? KITS_ANYHOW : partial ? KITS_PART : KITS_WHOLE;
    if (!kits_granted(w, next->channel, whole))
        return false;
    int64_t granted = 0;
    int64_t waits[MODEL_CELLS_MAX] = {0};
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct sum *sum = &w->sums[i];
        int64_t can = free_to_hold(w, sum->item, sum->location) + room_to_hold(w, sum->item, sum->location);
        if (w->request && sum->total > can) {
            note_short(w, sum, sum->total, can);
            if (partial) {
                waits[i] = sum->total - can;
                sum->total = can;
            }
        }
        granted += sum->total;
    }
    bool fits = !w->lacking;
    if (!fits && !waits_any && (!partial || granted == 0))
        return refuse(w, "insufficient_stock");
    if (!fits && later) {
        memcpy(w->sums, lines, sizeof(lines));
        w->sum_count = line_count;
        w->answer = unmade;
        if (!kits_granted(w, next->channel, KITS_LATER))
            return false;
    }
    if (!fits && waits_whole) {
        /* Nothing is granted, all of it waits: what was found where it was found, the rest at the first candidate. */
        for (int64_t i = 0; i < w->sum_count; i++) {
            waits[i] = w->sums[i].total;
            w->sums[i].total = 0;
        }
    }
    if (!fits && later && !may_promise(w, waits))
        return false;
    next->at = c->at;
    bool named[MODEL_CELLS_MAX] = {false};
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t waiting = waits_any ? waits[i] : 0;
        if (sum->total + waiting == 0)
            continue;
        int64_t cell = touch(w, sum->item, sum->location);
        named[cell] = true;
        grant(w, next, cell, sum->total, free_to_hold(w, sum->item, sum->location));
        struct model_claim_line *line = line_for(next, cell);
        line->held = sum->total;
        line->waiting = waiting;
        if (promises)
            set_promised(w, next, cell, c->at.form != MODEL_MOMENT_NONE ? waiting : 0);
        if (sum->total > before[cell])
            line->granted += sum->total - before[cell];
        else
            line->released += before[cell] - sum->total;
    }
    /* "Same holder: replaces": what it does not name is given back. */
    for (int64_t l = 0; l < next->line_count; l++) {
        struct model_claim_line *line = &next->lines[l];
        if (before[line->cell] + waited[line->cell] > 0 && !named[line->cell]) {
            w->touched[line->cell] = true;
            line->released += before[line->cell];
            if (promises)
                set_promised(w, next, line->cell, 0);
        }
    }
    next->partial = partial;
    if (c->priority != 0)
        next->priority = c->priority;
    next->expires_at_us = end;
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

/* ---- transfers ---- */

static bool do_transfer_out(struct work *w)
{
    const struct model_command *c = w->command;
    bool named = c->hold[0] != '\0';
    int64_t claim = named ? find_claim(w->model, c->hold, w->now_us) : -1;
    if (claim >= 0 && has_ended(&w->model->now.claims[claim]))
        claim = -1;
    if (transfer_of(w) != NULL)
        return refuse(w, "transfer_exists");
    if (!know_location(w, c->to, !w->request && !w->next.strict) || !sum_lines(w, !w->request) ||
        !who_answers(w, -1, ""))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is(w->sums[i].location, c->to))
            return refuse(w, "same_location");
    if (w->request) {
        note_taking(w, -1, claim, claim >= 0 ? w->model->now.claims[claim].channel : c->channel);
        if (w->lacking)
            return refuse(w, "insufficient_stock");
    }
    struct model_paper *paper = paper_for(w->next.transfers, &w->next.transfer_count, c->transfer);
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        w->next.cells[cell].on[0] -= sum->total;
    }
    for (int64_t i = 0; i < w->answering_count; i++) {
        const struct sum *sum = &w->answering[i].sum;
        int64_t cell = touch(w, sum->item, sum->location);
        int64_t rest = sum->total;
        w->more[cell] = is(sum->location, c->to); /* it leaves the bins, and is announced where they are */
        if (claim >= 0 && find_line(&w->next.claims[claim], cell) >= 0)
            rest -= consume(line_for(&w->next.claims[claim], cell), rest);
        w->exceeds[cell] = named && !w->request ? rest : 0;
    }
    for (int64_t i = 0; i < w->sum_count; i++)
        paper_add(paper, touch(w, w->sums[i].item, c->to), w->sums[i].total, &c->due);
    if (claim >= 0)
        settle(&w->next.claims[claim], "consumed", w->now_us);
    return finish_cells(w);
}

/* "@transit -> condition; excess from @found, flagged" */
static bool do_transfer_in(struct work *w)
{
    struct model_paper *paper = transfer_of(w);
    if (paper == NULL)
        return refuse(w, "unknown_transfer");
    if (!sum_lines(w, !w->request) || !who_answers(w, 1, ""))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->next.cells[cell].on[k] += sum->by[k];
        /* "As many as are under way come off them", wherever they arrive: the transfer has one destination. */
        int64_t rest = sum->total;
        for (int64_t l = 0; l < paper->line_count; l++) {
            if (!is(w->next.cells[paper->lines[l].cell].item, sum->item) || paper->lines[l].open == 0)
                continue;
            w->touched[paper->lines[l].cell] = true;
            rest -= paper_take(paper, paper->lines[l].cell, rest, w->now_us);
        }
        w->exceeds[cell] = rest;
        item_of(w, sum->item)->found -= rest;
    }
    return finish_cells(w);
}

/* What is open of a paper in all its cells: for lines left out. */
static void sum_paper(struct work *w, const struct model_paper *paper)
{
    for (int64_t l = 0; l < paper->line_count; l++) {
        const struct model_cell *cell = &w->next.cells[paper->lines[l].cell];
        if (paper->lines[l].open > 0)
            sum_of(w, cell->item, cell->location)->total += paper->lines[l].open;
    }
}

/* "All that is open, or the cells that their lines name" */
static bool sum_lines_or_open(struct work *w, const struct model_paper *paper)
{
    if (w->command->line_count > 0)
        return sum_lines(w, false);
    sum_paper(w, paper);
    return command_if(w);
}

static bool do_transfer_loss(struct work *w)
{
    struct model_paper *paper = transfer_of(w);
    if (paper == NULL || paper->closed_at_us != MODEL_TIME_NONE)
        return refuse(w, "unknown_transfer");
    if (!sum_lines_or_open(w, paper))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = sum_cell(w, &w->sums[i]);
        int64_t open = cell < 0 ? 0 : open_of(paper, cell);
        if (w->sums[i].total > open)
            note_short(w, &w->sums[i], w->sums[i].total, open);
    }
    if (w->lacking)
        return refuse(w, "exceeds_transit");
    for (int64_t i = 0; i < w->sum_count; i++) {
        (void)paper_take(paper, touch(w, w->sums[i].item, w->sums[i].location), w->sums[i].total, w->now_us);
        item_of(w, w->sums[i].item)->loss += w->sums[i].total;
    }
    return finish_cells(w);
}

/* ---- expected documents ---- */

static void touch_paper(struct work *w, const struct model_paper *paper)
{
    for (int64_t l = 0; l < paper->line_count; l++)
        if (paper->lines[l].open > 0)
            w->touched[paper->lines[l].cell] = true;
}

/* "incoming or outgoing +; same id replaces" */
static bool do_expect(struct work *w)
{
    const struct model_command *c = w->command;
    struct model_state *s = &w->next;
    int64_t old = find_paper(w->model, s->expectations, s->expectation_count, c->expectation, w->now_us);
    if (!promised_to_nobody(w))
        return false;
    if (old >= 0 && s->expectations[old].closed_at_us != MODEL_TIME_NONE)
        return refuse(w, "expectation_closed");
    if (!sum_lines(w, !w->request))
        return false;
    if (old >= 0)
        touch_paper(w, &s->expectations[old]);
    struct model_paper *paper = paper_for(s->expectations, &s->expectation_count, c->expectation);
    paper->direction = c->direction;
    for (int64_t i = 0; i < w->sum_count; i++)
        paper_add(paper, touch(w, w->sums[i].item, w->sums[i].location), w->sums[i].total, &c->due);
    return finish_cells(w);
}

static bool do_redate(struct work *w)
{
    struct model_paper *paper = promised_to_nobody(w) ? open_expectation(w) : NULL;
    if (paper == NULL)
        return false;
    if (!sum_lines_or_open(w, paper))
        return false;
    for (int64_t l = 0; l < paper->line_count; l++)
        for (int64_t i = 0; i < w->sum_count; i++)
            if (sum_cell(w, &w->sums[i]) == paper->lines[l].cell && paper->lines[l].open > 0) {
                w->touched[paper->lines[l].cell] = true;
                paper->lines[l].due = w->command->due;
            }
    return finish_cells(w);
}

static bool do_cancel_expected(struct work *w)
{
    struct model_paper *paper = promised_to_nobody(w) ? open_expectation(w) : NULL;
    if (paper == NULL)
        return false;
    if (!sum_lines_or_open(w, paper))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = touch(w, w->sums[i].item, w->sums[i].location);
        w->exceeds[cell] = w->sums[i].total - paper_take(paper, cell, w->sums[i].total, w->now_us);
    }
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
    if (!may_end(&w->model->now.claims[claim]))
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
    bool expired = claim >= 0 && is(w->model->now.claims[claim].state, "expired");
    if (claim >= 0 && !expired && has_ended(&w->model->now.claims[claim]))
        return refuse_ended(w, claim);
    if (claim < 0 && w->request && !know_channel(w))
        return false;
    /* "Granted anew, through its channel, or refused" */
    if (expired && w->request && w->model->now.claims[claim].channel[0] != '\0' &&
        find_channel(&w->next, w->model->now.claims[claim].channel) < 0)
        return refuse(w, "unknown_channel");
    if (c->line_count > 0) {
        if (!sum_lines(w, !w->request))
            return false;
    } else {
        sum_claim(w, claim, !expired, false, expired);
        if (!command_if(w) || !bins_promise_nothing(w)) /* one that expired may have stood where a bin is now */
            return false;
        if (w->sum_count == 0)
            return refuse(w, "exceeds_claim");
    }
    bool anew = claim < 0 || expired;
    const char *channel = claim < 0 ? c->channel : w->model->now.claims[claim].channel;
    if (anew ? !kits_granted(w, channel, KITS_ANYHOW) : !kits_claimed(w, claim, channel))
        return false;
    for (int64_t i = 0; i < w->sum_count && w->request; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = find_cell(&w->model->now, sum->item, sum->location);
        int64_t can = line_now(w, claim, sum).held;
        if (anew)
            can = model_free(&w->model->now, cell, channel) + (c->backorder ? room(&w->model->now, cell) : 0);
        if (sum->total > can)
            note_short(w, sum, sum->total, can);
    }
    if (w->lacking)
        return refuse(w, claim < 0 ? "insufficient_stock" : expired ? "hold_expired" : "exceeds_claim");
    struct model_claim *next = claim_for(w, claim);
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t cell = touch(w, sum->item, sum->location);
        struct model_claim_line *line = line_for(next, cell);
        int64_t from_held = smaller(sum->total, line->held);
        grant(w, next, cell, sum->total - from_held, model_free(&w->next, cell, next->channel));
        line->held -= from_held;
        line->committed += sum->total;
        line->granted += sum->total - from_held;
        less_outgoing_beside(w, next, cell, sum->total);
    }
    if (c->paid)
        next->paid = 1;
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

/* A live claim by the command's name, or the refusal. */
static bool live_claim(struct work *w, int64_t *out_claim)
{
    *out_claim = find_claim(w->model, w->command->hold, w->now_us);
    if (*out_claim < 0)
        return refuse(w, "unknown_hold");
    if (has_ended(&w->model->now.claims[*out_claim]))
        return refuse_ended(w, *out_claim);
    return true;
}

/* "held, then committed"; what only waits goes before both. */
static void release(struct work *w, struct model_claim *claim, struct model_claim_line *line, int64_t units)
{
    int64_t from_waiting = smaller(units, line->waiting);
    line->waiting -= from_waiting;
    less_promised(w, claim, line->cell, from_waiting);
    units -= from_waiting;
    int64_t from_held = smaller(units, line->held);
    line->held -= from_held;
    line->committed -= units - from_held;
    line->picked = smaller(line->picked, line->committed);
    line->released += units;
    give_back(&w->next, claim, line, units);
}

static bool do_release(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim;
    if (!live_claim(w, &claim))
        return false;
    struct model_claim *next = &w->next.claims[claim];
    if (c->line_count > 0) {
        if (!sum_lines(w, false))
            return false;
    } else {
        /* "all that is open", and what waits. */
        sum_claim(w, claim, true, true, false);
        for (int64_t l = 0; l < next->line_count; l++) {
            const struct model_cell *cell = &w->next.cells[next->lines[l].cell];
            if (next->lines[l].waiting > 0)
                sum_of(w, cell->item, cell->location)->total += next->lines[l].waiting;
        }
        if (!command_if(w))
            return false;
    }
    if (!kits_claimed(w, claim, ""))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        if (w->sums[i].total > line.held + line.committed + line.waiting)
            note_short(w, &w->sums[i], w->sums[i].total, line.held + line.committed + line.waiting);
    }
    if (w->lacking)
        return refuse(w, "exceeds_claim");
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = sum_cell(w, &w->sums[i]);
        w->touched[cell] = true;
        release(w, next, line_for(next, cell), w->sums[i].total);
    }
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

/* "lines = new totals per cell; total = consumed + committed of that line" */
static bool do_amend(struct work *w)
{
    int64_t claim;
    if (!live_claim(w, &claim) || !sum_lines(w, !w->request))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (model_is_kit(&w->next, w->sums[i].item))
            return invalid(w, "bad_value"); /* "amend has no kits" */
    struct model_claim *next = &w->next.claims[claim];
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        if (w->sums[i].total < line.consumed + line.picked)
            note_short(w, &w->sums[i], w->sums[i].total, line.consumed + line.picked);
    }
    if (w->lacking)
        return refuse(w, "below_consumed");
    for (int64_t i = 0; i < w->sum_count && w->request; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        int64_t more = w->sums[i].total - line.consumed - line.committed;
        int64_t cell = sum_cell(w, &w->sums[i]);
        int64_t can = model_free(&w->next, cell, next->channel) + (w->command->backorder ? room(&w->next, cell) : 0);
        if (more > can)
            note_short(w, &w->sums[i], more, can);
    }
    if (w->lacking)
        return refuse(w, "insufficient_stock");
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = touch(w, w->sums[i].item, w->sums[i].location);
        struct model_claim_line *line = line_for(next, cell);
        int64_t more = w->sums[i].total - line->consumed - line->committed;
        if (more > 0) {
            grant(w, next, cell, more, model_free(&w->next, cell, next->channel));
            line->granted += more;
            line->committed += more;
            less_outgoing_beside(w, next, cell, more);
        } else {
            line->committed += more;
            line->released -= more;
            give_back(&w->next, next, line, -more);
        }
    }
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

/* "reserved here -> there": no release, but granted anew there. */
static bool do_reassign(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t claim;
    if (!live_claim(w, &claim) || !know_location(w, c->to, !w->request && !w->next.strict) ||
        !sum_lines(w, !w->request) || !kits_claimed(w, claim, ""))
        return false;
    if (is_bin(&w->next, c->to))
        return refuse(w, "no_promise");
    struct model_claim *next = &w->next.claims[claim];
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is(w->sums[i].location, c->to))
            return refuse(w, "same_location");
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        int64_t can = line.held + line.committed - line.picked;
        if (w->sums[i].total > can)
            note_short(w, &w->sums[i], w->sums[i].total, can);
    }
    if (w->lacking)
        return refuse(w, "exceeds_claim");
    /* "There: as a new grant", all lines of one item together. */
    for (int64_t i = 0; i < w->sum_count && w->request; i++) {
        struct sum there = w->sums[i];
        bool seen = false;
        memcpy(there.location, c->to, sizeof(model_name));
        there.total = 0;
        for (int64_t k = 0; k < w->sum_count; k++)
            if (is(w->sums[k].item, there.item)) {
                there.total += w->sums[k].total;
                seen = seen || k < i;
            }
        int64_t cell = sum_cell(w, &there);
        int64_t can = model_free(&w->next, cell, next->channel) + (c->backorder ? room(&w->next, cell) : 0);
        if (!in_range(there.total))
            return invalid(w, "out_of_range");
        if (!seen && there.total > can)
            note_short(w, &there, there.total, can);
    }
    if (w->lacking)
        return refuse(w, "insufficient_stock");
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t units = w->sums[i].total;
        int64_t here = touch(w, w->sums[i].item, w->sums[i].location);
        int64_t there = touch(w, w->sums[i].item, c->to);
        grant(w, next, there, units, model_free(&w->next, there, next->channel));
        struct model_claim_line *to = line_for(next, there);
        struct model_claim_line *from = line_for(next, here);
        int64_t from_held = smaller(units, from->held);
        from->granted -= units;
        from->held -= from_held;
        from->committed -= units - from_held;
        give_back(&w->next, next, from, units);
        to->granted += units;
        to->held += from_held;
        to->committed += units - from_held;
    }
    settle(next, "released", w->now_us);
    return finish_cells(w);
}

/* "picked +- (inside committed)", and no more than the claim has cover for. */
static bool do_pick(struct work *w)
{
    bool picks = w->command->kind == MODEL_PICK;
    int64_t claim;
    if (!live_claim(w, &claim) || !sum_lines(w, false) || !kits_claimed(w, claim, ""))
        return false;
    for (int64_t i = 0; i < w->sum_count; i++) {
        struct model_claim_line line = line_now(w, claim, &w->sums[i]);
        int64_t can = line.picked;
        if (picks)
            can = at_least_zero(smaller(line.committed, line.held + line.committed - line.backordered) - line.picked);
        if (w->sums[i].total > can)
            note_short(w, &w->sums[i], w->sums[i].total, can);
    }
    if (w->lacking)
        return refuse(w, "exceeds_claim");
    for (int64_t i = 0; i < w->sum_count; i++) {
        int64_t cell = sum_cell(w, &w->sums[i]);
        w->touched[cell] = true;
        line_for(&w->next.claims[claim], cell)->picked += picks ? w->sums[i].total : -w->sums[i].total;
    }
    return finish_cells(w);
}

static bool do_item(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t i = find_item(&w->next, c->item);
    bool used = model_is_component(&w->next, c->item);
    for (int64_t k = 0; k < w->next.cell_count; k++)
        used = used || is(w->next.cells[k].item, c->item);
    if (c->precondition.has_version && c->precondition.version != (i < 0 ? 0 : w->next.items[i].config_seq))
        return refuse(w, "precondition_failed");
    if (used && w->next.items[i].scale != c->scale)
        return refuse(w, "scale_in_use");
    if (!know_item(w, c->item, true) || !kit_config(w))
        return false;
    w->next.seq++;
    item_of(w, c->item)->scale = c->scale;
    item_of(w, c->item)->config_seq = w->next.seq;
    return true;
}

static bool do_settings(struct work *w)
{
    w->next.strict = w->command->strict;
    w->next.listening_us = w->now_us;
    w->next.seq++;
    return true;
}

/* The cell a command speaks of beside its lines; "facts create". */
static bool command_cell(struct work *w)
{
    const struct model_command *c = w->command;
    bool create = !w->request && !w->next.strict;
    if (!know_item(w, c->item, create) || !know_location(w, c->location, create))
        return false;
    (void)sum_of(w, c->item, c->location);
    return true;
}

static bool set_option(struct work *w, const struct model_option *option, int64_t *figure)
{
    return option->given == 0 || to_units(w, option->value, w->command->item, figure);
}

static bool do_set_policy(struct work *w)
{
    const struct model_command *c = w->command;
    bool of_promises = c->safety_stock.given || c->backorder_limit.given; /* a bin has none; it can be low */
    if (!command_cell(w) || !command_if(w) || (of_promises && !bins_promise_nothing(w)))
        return false;
    struct model_cell *cell = &w->next.cells[touch(w, c->item, c->location)];
    return set_option(w, &c->safety_stock, &cell->safety_stock) &&
           set_option(w, &c->backorder_limit, &cell->backorder_limit) &&
           set_option(w, &c->reorder_point, &cell->reorder_point) && finish_cells(w);
}

static bool do_allocate(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t units;
    if (!know_channel(w) || !command_cell(w) || !command_if(w) || !bins_promise_nothing(w) ||
        !to_units(w, c->add.given ? c->add.value : c->set_to.value, c->item, &units))
        return false;
    int64_t cell = touch(w, c->item, c->location);
    int64_t *quota = quota_of(&w->next, cell, c->channel);
    int64_t becomes = c->add.given ? *quota + units : units;
    if (becomes < 0) {
        note_short(w, &w->sums[0], -units, *quota);
        return refuse(w, "negative_quota");
    }
    /* What claims took of the quota comes back to it: at most all that is reserved here. */
    if (becomes > *quota && !in_range(becomes + reserved(&w->next, cell)))
        return invalid(w, "out_of_range");
    *quota = becomes;
    return finish_cells(w);
}

/* Open claims through the channel that stand on a location which is no longer one of its own. */
static int64_t claims_in_the_way(const struct work *w, int64_t channel)
{
    const struct model_state *s = &w->next;
    const struct model_channel *c = &s->channels[channel];
    int64_t count = 0;
    for (int64_t i = 0; i < s->claim_count; i++) {
        bool stands = false;
        for (int64_t l = 0; l < s->claims[i].line_count && is(s->claims[i].channel, c->name); l++) {
            const struct model_claim_line *line = &s->claims[i].lines[l];
            bool was = false, stays = false;
            for (int64_t p = 0; p < c->place_count; p++)
                was = was || is(c->places[p], s->cells[line->cell].location);
            for (int64_t p = 0; p < w->command->place_count; p++)
                stays = stays || is(w->command->places[p], s->cells[line->cell].location);
            stands = stands || (was && !stays && line->held + line->committed + line->waiting > 0);
        }
        count += stands;
    }
    return count;
}

static bool whole_units(struct work *w, const struct model_option *option, int64_t *figure)
{
    if (option->given == 0)
        return true;
    if (option->value.places > 0)
        return invalid(w, "bad_value");
    *figure = option->value.digits;
    return true;
}

static bool do_set_channel(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t i = find_channel(&w->next, c->channel);
    if (i < 0) {
        assert(w->next.channel_count < MODEL_CHANNELS_MAX);
        i = w->next.channel_count++;
        memset(&w->next.channels[i], 0, sizeof(w->next.channels[i]));
        memcpy(w->next.channels[i].name, c->channel, sizeof(model_name));
        w->next.channels[i].shares_rest = 1;
    }
    struct model_channel *channel = &w->next.channels[i];
    for (int64_t p = 0; p < c->place_count; p++) {
        if (!know_location(w, c->places[p], true)) /* configuration: a strict ledger, too, learns of locations by it */
            return false;
        if (is_bin(&w->next, c->places[p]))
            return refuse(w, "no_promise");
        for (int64_t q = 0; q < p; q++)
            if (is(c->places[p], c->places[q]))
                return invalid(w, "bad_value"); /* a location twice */
    }
    if (c->item[0] != '\0') {
        if (!know_item(w, c->item, false))
            return false;
        struct model_offer *offer = &channel->offers[find_item(&w->next, c->item)];
        offer->has_buffer = offer->has_buffer || c->buffer.given;
        offer->has_cap = offer->has_cap || c->cap.given;
        if (!set_option(w, &c->buffer, &offer->buffer) || !set_option(w, &c->cap, &offer->cap))
            return false;
    } else {
        channel->has_cap = channel->has_cap || c->cap.given;
        if (!whole_units(w, &c->buffer, &channel->buffer) || !whole_units(w, &c->cap, &channel->cap))
            return false;
    }
    if (c->place_count > 0) {
        w->answer.mentions = claims_in_the_way(w, i);
        if (w->answer.mentions > 0)
            return refuse(w, "claims_open");
        channel->place_count = c->place_count;
        memcpy(channel->places, c->places, sizeof(c->places));
    }
    if (c->priority != 0)
        channel->priority = c->priority;
    if (c->shares_rest != MODEL_CHOICE_NONE)
        channel->shares_rest = c->shares_rest == MODEL_CHOICE_YES;
    w->next.seq++;
    return true;
}

/* ---- one command ---- */

static bool is_negative(const struct model_option *option)
{
    return option->given != 0 && option->value.digits < 0;
}

/* "Possible always: missing_field, bad_value": the command itself is wrong. */
static bool well_formed(struct work *w)
{
    const struct model_command *c = w->command;
    bool of_claim = c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND || c->kind == MODEL_COMMIT ||
                    c->kind == MODEL_RELEASE || c->kind == MODEL_AMEND || c->kind == MODEL_REASSIGN ||
                    c->kind == MODEL_PICK || c->kind == MODEL_UNPICK;
    if (of_claim && c->hold[0] == '\0')
        return invalid(w, "missing_field");
    if ((c->kind == MODEL_TRANSFER || c->kind == MODEL_REASSIGN) && c->to[0] == '\0')
        return invalid(w, "missing_field");
    if (c->kind == MODEL_RECLASSIFY && (c->from == MODEL_CONDITIONS || c->to_condition == MODEL_CONDITIONS))
        return invalid(w, "missing_field");
    if (c->kind == MODEL_ITEM && c->item[0] == '\0')
        return invalid(w, "missing_field");
    if ((c->kind == MODEL_SET_POLICY || c->kind == MODEL_ALLOCATE) && (c->item[0] == '\0' || c->location[0] == '\0'))
        return invalid(w, "missing_field");
    if ((c->kind == MODEL_SET_CHANNEL || c->kind == MODEL_ALLOCATE) && c->channel[0] == '\0')
        return invalid(w, "missing_field");
    if (c->kind == MODEL_ALLOCATE && c->add.given == c->set_to.given)
        return invalid(w, "missing_field"); /* one of them */
    bool transfers = c->kind == MODEL_TRANSFER_OUT || c->kind == MODEL_TRANSFER_IN || c->kind == MODEL_TRANSFER_LOSS;
    bool expects = c->kind == MODEL_EXPECT || c->kind == MODEL_REDATE || c->kind == MODEL_CANCEL_EXPECTED;
    if ((transfers && c->transfer[0] == '\0') || (expects && c->expectation[0] == '\0') ||
        (c->kind == MODEL_TRANSFER_OUT && c->to[0] == '\0') ||
        (c->kind == MODEL_EXPECT && c->direction == MODEL_DIRECTION_NONE) ||
        ((c->kind == MODEL_EXPECT || c->kind == MODEL_REDATE) && c->due.form == MODEL_MOMENT_NONE))
        return invalid(w, "missing_field");
    if (c->kind == MODEL_COUNT && c->occurred_at_us == MODEL_TIME_NONE)
        return invalid(w, "missing_field");
    if (c->kind == MODEL_SNAPSHOT && c->has_position == (c->occurred_at_us != MODEL_TIME_NONE))
        return invalid(w, "missing_field"); /* what it has seen */
    if (c->kind == MODEL_COUNT && c->counted_from_us != MODEL_TIME_NONE && c->counted_from_us > c->occurred_at_us)
        return invalid(w, "bad_value");
    if (c->kind == MODEL_CLOSE_PERIOD && c->at.form != MODEL_MOMENT_INSTANT)
        return invalid(w, "missing_field");
    if (c->kind == MODEL_CLOSE_PERIOD && c->occurred_at_us != MODEL_TIME_NONE)
        return invalid(w, "bad_value"); /* it occurs now */
    if (c->kind == MODEL_REVERSE && (c->of_source[0] == '\0' || c->of_id[0] == '\0'))
        return invalid(w, "missing_field");
    if (c->kind == MODEL_REVERSE && c->occurred_at_us != MODEL_TIME_NONE)
        return invalid(w, "bad_value"); /* it occurs when what it reverses did */
    if (c->has_seq && c->seq == 0)
        return invalid(w, "bad_value");
    for (int64_t i = 0; i < c->line_count; i++) {
        const struct model_line *line = &c->lines[i];
        if ((line->quantity.digits == 0 && c->kind != MODEL_AMEND && c->kind != MODEL_REDATE &&
             c->kind != MODEL_COUNT && c->kind != MODEL_SNAPSHOT) ||
            (line->quantity.digits < 0 && c->kind != MODEL_ADJUST))
            return invalid(w, "bad_value"); /* "quantities > 0"; "signed" for adjust; totals for amend */
        if (line->location[0] == '\0' && !(c->kind == MODEL_HOLD && w->request && !has_if(&line->precondition)))
            return invalid(w, "missing_field"); /* only requests look for a location, and `if` speaks of a cell */
        bool given = line->condition != MODEL_CONDITIONS;
        bool sellable_only = of_claim || expects || c->kind == MODEL_SHIP ||
                             (transfers && c->kind != MODEL_TRANSFER_IN);
        if (sellable_only && given && line->condition != 0)
            return invalid(w, "bad_value"); /* claims and shipments are of sellable goods */
        if (c->kind == MODEL_RECLASSIFY && given && line->condition != c->from)
            return invalid(w, "bad_value");
    }
    if (is_negative(&c->safety_stock) || is_negative(&c->backorder_limit) || is_negative(&c->reorder_point) ||
        is_negative(&c->buffer) || is_negative(&c->cap) || is_negative(&c->set_to))
        return invalid(w, "bad_value");
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
    case MODEL_AMEND:
        return do_amend(w);
    case MODEL_REASSIGN:
        return do_reassign(w);
    case MODEL_PICK:
    case MODEL_UNPICK:
        return do_pick(w);
    case MODEL_SET_POLICY:
        return do_set_policy(w);
    case MODEL_SET_CHANNEL:
        return do_set_channel(w);
    case MODEL_ALLOCATE:
        return do_allocate(w);
    case MODEL_TRANSFER_OUT:
        return do_transfer_out(w);
    case MODEL_TRANSFER_IN:
        return do_transfer_in(w);
    case MODEL_TRANSFER_LOSS:
        return do_transfer_loss(w);
    case MODEL_EXPECT:
        return do_expect(w);
    case MODEL_REDATE:
        return do_redate(w);
    case MODEL_CANCEL_EXPECTED:
        return do_cancel_expected(w);
    case MODEL_COUNT:
        return do_count(w);
    case MODEL_CLOSE_PERIOD:
        return do_close_period(w);
    case MODEL_REVERSE:
        return do_reverse(w) && finish_cells(w);
    case MODEL_SNAPSHOT:
        return do_snapshot(w) && finish_cells(w);
    case MODEL_KIND_COUNT:
        break;
    }
    return false;
}

/* Requests (marked G). "guard overrules either way." */
static bool is_request(const struct model_command *c)
{
    if (c->guard != MODEL_GUARD_DEFAULT)
        return c->guard == MODEL_GUARD_ON;
    return c->kind == MODEL_SHIP || c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND || c->kind == MODEL_COMMIT ||
           c->kind == MODEL_AMEND || c->kind == MODEL_REASSIGN || c->kind == MODEL_PICK || c->kind == MODEL_UNPICK;
}

static void begin(struct work *w, struct model *model, const struct model_command *command, int64_t now_us)
{
    memset(w, 0, sizeof(*w));
    w->model = model;
    w->command = command;
    w->now_us = now_us;
    w->answer.code = "none";
    w->reversed = -1;
    w->next = model->now;
}

static const struct model_command no_command;

const char *model_place(struct model *model, const char *location, const char *parent, bool bin,
                        const struct model_rule *rule, int64_t now_us)
{
    struct work w;
    begin(&w, model, &no_command, now_us);
    const char *code = place_location(&w, location, parent, bin, rule);
    if (code != NULL) {
        model->now.seq++; /* refusals are decisions */
        return code;
    }
    if (finish_cells(&w))
        model->now = w.next;
    return w.answer.code;
}

const char *model_listen(struct model *model, const char *source, const struct model_silence *silence,
                         const struct model_stating *stating, int64_t now_us, bool *out_ended)
{
    static struct work w;
    begin(&w, model, &no_command, now_us);
    struct model_state *s = &w.next;
    *out_ended = false;
    for (int64_t p = 0; p < silence->place_count; p++) {
        if (is_bin(s, silence->places[p])) {
            model->now.seq++;
            return "no_promise";
        }
        (void)know_location(&w, silence->places[p], true);
    }
    if (find_source(s, source) < 0) {
        assert(s->source_count < MODEL_NAMES_MAX);
        memset(&s->sources[s->source_count], 0, sizeof(s->sources[0]));
        memcpy(s->sources[s->source_count++].name, source, strlen(source) + 1);
    }
    *out_ended = listen_to(s, find_source(s, source), silence, now_us);
    s->sources[find_source(s, source)].stating = *stating;
    model->now = w.next;
    return "none";
}

bool model_remembers(const struct model *model, const struct model_command *command)
{
    for (int64_t i = 0; i < model->remembered_count; i++)
        if (is(model->remembered[i].command.id, command->id) &&
            is(model->remembered[i].command.source, command->source))
            return true;
    return false;
}

struct model_answer model_command(struct model *model, const struct model_command *command, int64_t now_us,
                                  bool old_is_known)
{
    static struct work w;
    model->order++;
    forget_counts(model, now_us);
    begin(&w, model, command, now_us);
    w.request = is_request(command);
    bool remembers = command->id[0] != '\0' && !command->dry_run;
    for (int64_t i = model->remembered_count - 1; i >= 0 && remembers; i--) {
        const struct model_remembered *r = &model->remembered[i];
        if (!is(r->command.id, command->id) || !is(r->command.source, command->source))
            continue;
        if (r->at_us < now_us - model->window_us && !old_is_known)
            break;
        if (memcmp(&r->command, command, offsetof(struct model_command, seen_us)) != 0) {
            (void)invalid(&w, "id_reused");
            return w.answer;
        }
        w.answer.outcome = MODEL_DUPLICATE;
        w.answer.seq = r->seq;
        return w.answer;
    }
    bool accepted = decide(&w);
    /* "More than 5 minutes ahead of the server: accepted, flagged" */
    w.answer.clock_skew = accepted && command->occurred_at_us != MODEL_TIME_NONE &&
                          command->occurred_at_us > now_us + 300 * SECONDS;
    for (int64_t i = 0; accepted && i < w.sum_count; i++) {
        struct model_taken *taken = &w.answer.taken[w.answer.taken_count++];
        memcpy(taken->item, w.sums[i].item, sizeof(model_name));
        memcpy(taken->location, w.sums[i].location, sizeof(model_name));
        taken->units = w.sums[i].total;
    }
    if (w.answer.outcome == MODEL_INVALID || command->dry_run)
        return w.answer;
    if (accepted) {
        keep_counts(model, &w);
        keep_changes(model, &w);
        keep_statements(model, &w);
        if (w.reversed >= 0)
            model->remembered[w.reversed].reversed = 1;
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
    model->now.sources[source].heard_us = now_us;
    if (accepted)
        keep_set(&model->now.sources[source], command);
    if (remembers) {
        assert(model->remembered_count < model->remembered_max);
        struct model_remembered *r = &model->remembered[model->remembered_count++];
        memcpy(&r->command, command, sizeof(*command));
        r->seq = model->now.seq;
        r->at_us = now_us;
        r->order = model->order;
        r->reversed = 0;
        memset(r->accounts, 0, sizeof(r->accounts));
        if (accepted)
            memcpy(r->accounts, w.accounts, sizeof(r->accounts));
    }
    return w.answer;
}

/* ---- what the ledger itself must do ---- */

/* "waiting claims: 1 first, none last; then the older claim" */
static bool claim_is_before(const struct model_claim *a, const struct model_claim *b)
{
    if (a->priority != b->priority)
        return b->priority == 0 || (a->priority != 0 && a->priority < b->priority);
    return a->made < b->made;
}

static bool covers(const struct model_state *s, int64_t cell)
{
    return cell >= 0 && model_backordered(s, cell) > 0 && above_safety(s, cell) > 0;
}

/* "Whose whole waiting is grantable"; with `partial` whatever is free in the cell. */
static bool is_servable(const struct model_state *s, const struct model_claim *claim, int64_t cell)
{
    int64_t here = find_line(claim, cell);
    if (here < 0 || claim->lines[here].waiting == 0)
        return false;
    if (claim->partial)
        return model_free(s, cell, claim->channel) > 0;
    for (int64_t l = 0; l < claim->line_count; l++)
        if (model_free(s, claim->lines[l].cell, claim->channel) < claim->lines[l].waiting)
            return false;
    return true;
}

/* First of those who wait in this cell and can be served; -1 for none. */
static int64_t first_servable(const struct model_state *s, int64_t cell)
{
    int64_t first = -1;
    for (int64_t i = 0; i < s->claim_count; i++)
        if (is_servable(s, &s->claims[i], cell) && (first < 0 || claim_is_before(&s->claims[i], &s->claims[first])))
            first = i;
    return first;
}

static bool any_lacks_cover(const struct model_state *s)
{
    for (int64_t c = 0; c < s->cell_count; c++)
        if (lacks_cover(s, c))
            return true;
    return false;
}

/* "in one decision, with a `short` event for each claim" */
bool model_short(struct model *model, const char *item, const char *location, int64_t *trolleys, int64_t *not_newest)
{
    struct model_state *s = &model->now;
    int64_t cell = find_cell(s, item, location);
    if (!lacks_cover(s, cell))
        return false;
    int64_t events = short_of(s, cell, trolleys, not_newest);
    s->cells[cell].version += events;
    s->seq += events;
    return true;
}

/* "covers min(A, b) units oldest claim first, one event per claim line" */
bool model_cover(struct model *model, const char *item, const char *location)
{
    static struct work w;
    begin(&w, model, &no_command, 0);
    struct model_state *s = &w.next;
    int64_t cell = find_cell(s, item, location);
    if (!covers(s, cell) || any_lacks_cover(s))
        return false;
    int64_t left = smaller(above_safety(s, cell), model_backordered(s, cell));
    while (left > 0) {
        struct model_claim *oldest = NULL;
        for (int64_t i = 0; i < s->claim_count; i++) {
            int64_t l = find_line(&s->claims[i], cell);
            if (l >= 0 && s->claims[i].lines[l].backordered > 0 && (oldest == NULL || s->claims[i].made < oldest->made))
                oldest = &s->claims[i];
        }
        struct model_claim_line *line = line_for(oldest, cell);
        int64_t units = smaller(left, line->backordered);
        lacks(line, line->backordered - units);
        left -= units;
        s->cells[cell].version++;
        s->seq++;
    }
    model->now = *s;
    return true;
}

bool model_serve(struct model *model, const char *hold, const char *item, const char *location, int64_t now_us)
{
    static struct work w;
    begin(&w, model, &no_command, now_us);
    struct model_state *s = &w.next;
    struct model_claim *claim = NULL;
    int64_t here = find_cell(s, item, location);
    /* It is the turn of who is first in some cell in which it waits, when all that lacks cover has what there is. */
    for (int64_t c = 0; c < s->cell_count; c++) {
        int64_t i = first_servable(s, c);
        if (covers(s, c) || lacks_cover(s, c))
            return false;
        if (i >= 0 && is(s->claims[i].name, hold) && (c == here || !s->claims[i].partial))
            claim = &s->claims[i];
    }
    if (claim == NULL)
        return false;
    for (int64_t l = 0; l < claim->line_count; l++) {
        struct model_claim_line *line = &claim->lines[l];
        if (line->waiting == 0 || (claim->partial && line->cell != here))
            continue;
        int64_t units = smaller(line->waiting, model_free(s, line->cell, claim->channel));
        grant(&w, claim, line->cell, units, units);
        line->granted += units;
        line->held += units;
        line->waiting -= units;
        less_promised(&w, claim, line->cell, units);
        w.touched[line->cell] = true;
    }
    settle(claim, "released", now_us);
    bool good = finish_cells(&w);
    model->now = w.next;
    return good;
}

/* Held units end by log time; committed ones never do. The earliest first, then the oldest claim. */
static int64_t next_expiry(const struct model_state *s, int64_t now_us)
{
    int64_t due = -1;
    for (int64_t i = 0; i < s->claim_count; i++) {
        const struct model_claim *c = &s->claims[i];
        if (c->expires_at_us == MODEL_TIME_NONE || c->expires_at_us > now_us)
            continue;
        if (due < 0 || c->expires_at_us < s->claims[due].expires_at_us ||
            (c->expires_at_us == s->claims[due].expires_at_us && c->made < s->claims[due].made))
            due = i;
    }
    return due;
}

static bool nothing_to_serve(const struct model_state *s)
{
    for (int64_t c = 0; c < s->cell_count; c++)
        if (covers(s, c) || lacks_cover(s, c) || first_servable(s, c) >= 0)
            return false;
    return true;
}

bool model_idle(const struct model *model, int64_t now_us)
{
    int64_t at_us;
    return nothing_to_serve(&model->now) && next_expiry(&model->now, now_us) < 0 &&
           next_say(&model->now, now_us, &at_us) < 0;
}

const char *model_expire(struct model *model, int64_t now_us)
{
    static struct work w;
    int64_t due = next_expiry(&model->now, now_us);
    int64_t say_at_us;
    if (due < 0 || !nothing_to_serve(&model->now))
        return NULL;
    if (next_say(&model->now, now_us, &say_at_us) >= 0 && say_at_us < model->now.claims[due].expires_at_us)
        return NULL;
    begin(&w, model, &no_command, now_us);
    struct model_claim *claim = &w.next.claims[due];
    for (int64_t l = 0; l < claim->line_count; l++) {
        struct model_claim_line *line = &claim->lines[l];
        line->lapsed = 0; /* what expired another time is not what expires now */
        if (line->held + line->waiting == 0)
            continue;
        give_back(&w.next, claim, line, line->held);
        less_promised(&w, claim, line->cell, line->waiting);
        line->expired += line->held;
        line->lapsed = line->held;
        line->held = line->waiting = 0;
        w.touched[line->cell] = true;
    }
    settle(claim, "expired", now_us);
    if (!finish_cells(&w))
        return NULL;
    model->now = w.next;
    return model->now.claims[due].name;
}

const char *model_say(struct model *model, int64_t now_us, bool *out_silent, int64_t *out_since_us)
{
    struct model_state *s = &model->now;
    int64_t at_us;
    int64_t source = next_say(s, now_us, &at_us);
    int64_t due = next_expiry(s, now_us);
    if (source < 0 || !nothing_to_serve(s) || (due >= 0 && s->claims[due].expires_at_us <= at_us))
        return NULL;
    say(s, source, out_silent, out_since_us);
    return s->sources[source].name;
}
