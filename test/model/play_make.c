/* Makes commands: random ones, of names and figures that the model has now, so that they meet something. */
#include "play.h"

/* How often each kind comes, in shares of all. */
static const uint8_t weights[MODEL_KIND_COUNT] = {
    [MODEL_RECEIVE] = 12,      [MODEL_SALE] = 8,        [MODEL_SHIP] = 12,         [MODEL_RETURN] = 4,
    [MODEL_ADJUST] = 8,        [MODEL_RECLASSIFY] = 8,  [MODEL_TRANSFER] = 8,      [MODEL_HOLD] = 24,
    [MODEL_EXTEND] = 6,        [MODEL_COMMIT] = 16,     [MODEL_RELEASE] = 8,       [MODEL_ITEM] = 4,
    [MODEL_SETTINGS] = 1,      [MODEL_AMEND] = 8,       [MODEL_REASSIGN] = 8,      [MODEL_PICK] = 8,
    [MODEL_UNPICK] = 4,        [MODEL_SET_POLICY] = 5,  [MODEL_SET_CHANNEL] = 4,   [MODEL_ALLOCATE] = 6,
    [MODEL_TRANSFER_OUT] = 6,  [MODEL_TRANSFER_IN] = 6, [MODEL_TRANSFER_LOSS] = 4, [MODEL_EXPECT] = 6,
    [MODEL_REDATE] = 4,        [MODEL_CANCEL_EXPECTED] = 4, [MODEL_COUNT] = 16,
    [MODEL_CLOSE_PERIOD] = 2,  [MODEL_REVERSE] = 6,
    [MODEL_SNAPSHOT] = 14};

static bool is_played(int64_t kind)
{
    return !run.plain || (kind != MODEL_REVERSE && kind != MODEL_SETTINGS);
}

/* ---- making commands ---- */

/* Three that are common; in a world with kits those, too. */
static void some_item(model_name out)
{
    play_name(out, "i", one_in(run.kits ? 2 : 20) ? 5 : 3);
}

static struct model_decimal quantity(bool is_signed)
{
    struct model_decimal d = {(int64_t)below(12) + 1, 0};
    if (one_in(12)) {
        d.places = 1 + (int64_t)below(one_in(5) ? 6 : 2);
        d.digits = d.digits * 10 + 5; /* no zero at the end */
    }
    if (run.huge && one_in(8))
        d.digits = QUANTITY_UNITS_MAX - (int64_t)below(3);
    if (d.places != 0 && d.digits % 10 == 0)
        d.places = 0;
    if (is_signed && one_in(2))
        d.digits = -d.digits;
    if (one_in(400))
        d = (struct model_decimal){one_in(2) ? 0 : -3, 0};
    return d;
}

/* What is likely to be met: the figures of some cell, or anything. */
static void precondition(struct model_if *p, const struct model_line *line)
{
    const struct model_state *s = &run.model.now;
    int64_t cell = -1;
    for (int64_t i = 0; i < s->cell_count && line != NULL; i++)
        if (strcmp(s->cells[i].item, line->item) == 0 && strcmp(s->cells[i].location, line->location) == 0)
            cell = i;
    int64_t have = 0;
    for (unsigned k = 0; k < MODEL_CONDITIONS && cell >= 0; k++)
        have += s->cells[cell].on[k];
    int64_t reserved = cell < 0 ? 0 : model_held(s, cell) + model_committed(s, cell);
    int64_t off = one_in(3) ? 1 : 0;
    switch (below(4)) {
    case 0:
        p->has_version = 1;
        p->version = (cell < 0 ? 0 : s->cells[cell].version) + off;
        break;
    case 1:
        p->has_on_hand = 1;
        p->on_hand.digits = have + off;
        break;
    case 2:
        p->has_available = 1;
        p->available.digits = cell < 0 ? 0 : s->cells[cell].on[0] - reserved + off;
        break;
    default:
        p->has_reserved = 1;
        p->reserved.digits = reserved + off;
        break;
    }
    if (one_in(30)) {
        p->has_on_hand = 1;
        p->on_hand = (struct model_decimal){5, 6};
    }
    if (one_in(60)) {
        p->has_reserved = 1;
        p->reserved = (struct model_decimal){QUANTITY_UNITS_MAX, 0};
    }
    /* The canonical form has no digits beyond the range. */
    struct model_decimal *decimals[] = {&p->on_hand, &p->available, &p->reserved};
    for (unsigned i = 0; i < 3; i++)
        if (decimals[i]->digits > QUANTITY_UNITS_MAX || decimals[i]->digits < -QUANTITY_UNITS_MAX)
            decimals[i]->digits = 0;
}

static bool of_claim(int64_t kind)
{
    return kind == MODEL_HOLD || kind == MODEL_EXTEND || kind == MODEL_COMMIT || kind == MODEL_RELEASE ||
           kind == MODEL_AMEND || kind == MODEL_REASSIGN || kind == MODEL_PICK || kind == MODEL_UNPICK;
}

static void lines(struct model_command *c)
{
    bool claims = of_claim(c->kind) || c->kind == MODEL_SHIP;
    c->line_count = 1 + (int64_t)(one_in(3) ? below(4) : 0);
    for (int64_t i = 0; i < c->line_count; i++) {
        struct model_line *line = &c->lines[i];
        /* Requests of what nobody has are rarer than facts about it. */
        some_item(line->item);
        play_name(line->location, "l", one_in(20) ? 4 : 3);
        line->quantity = quantity(c->kind == MODEL_ADJUST);
        bool many = line->quantity.digits > 4 && line->quantity.places == 0;
        if (many && model_is_kit(&run.model.now, line->item) && !one_in(4))
            line->quantity.digits = 1 + (int64_t)below(4); /* as many as there may be parts for */
        line->condition = MODEL_CONDITIONS;
        if (one_in(claims || c->kind == MODEL_RECLASSIFY ? 40 : 4))
            line->condition = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        if (one_in(25))
            precondition(&line->precondition, line);
        if (c->kind == MODEL_AMEND && one_in(6))
            line->quantity = (struct model_decimal){0, 0};
        if (c->kind == MODEL_HOLD && c->sourcing != MODEL_SOURCING_NONE && !one_in(4)) {
            memset(line->location, 0, sizeof(line->location));
            memset(&line->precondition, 0, sizeof(line->precondition));
        }
    }
    if (one_in(300))
        memset(c->lines[0].location, 0, sizeof(c->lines[0].location));
    bool looks = false;
    for (int64_t i = 0; i < c->line_count; i++)
        looks = looks || c->lines[i].location[0] == '\0';
    if (!looks) { /* whoever reads JSON refuses to look for nothing */
        c->sourcing = c->place_count = 0;
        memset(c->places, 0, sizeof(c->places));
    }
}

static void line_of_cell(struct model_command *c, int64_t cell_number, int64_t units)
{
    const struct model_state *s = &run.model.now;
    const struct model_cell *cell = &s->cells[cell_number];
    struct model_line *line = &c->lines[c->line_count++];
    memcpy(line->item, cell->item, sizeof(model_name));
    memcpy(line->location, cell->location, sizeof(model_name));
    bool leaves = c->kind == MODEL_SHIP || c->kind == MODEL_SALE || c->kind == MODEL_TRANSFER_OUT;
    if (run.tree && leaves && !one_in(3)) /* what is claimed at a node lies in its bins */
        (void)snprintf(line->location, sizeof(model_name), "l%u", 2 + (unsigned)below(2));
    line->condition = MODEL_CONDITIONS;
    line->quantity.digits = units;
    for (int64_t i = 0; i < s->item_count; i++)
        if (strcmp(s->items[i].name, cell->item) == 0)
            line->quantity.places = s->items[i].scale;
    for (; line->quantity.places > 0 && line->quantity.digits % 10 == 0; line->quantity.places--)
        line->quantity.digits /= 10;
}

/* A line of the kit that this cell's item is a component of, if it is. */
static bool line_of_kit(struct model_command *c, int64_t cell_number, int64_t units)
{
    const struct model_state *s = &run.model.now;
    const struct model_cell *cell = &s->cells[cell_number];
    for (int64_t i = 0; i < s->item_count; i++)
        for (int64_t p = 0; p < s->items[i].part_count; p++) {
            if (strcmp(s->items[i].parts[p].item, cell->item) != 0)
                continue;
            struct model_line *line = &c->lines[c->line_count++];
            memcpy(line->item, s->items[i].name, sizeof(model_name));
            memcpy(line->location, cell->location, sizeof(model_name));
            line->condition = MODEL_CONDITIONS;
            line->quantity.digits = 1 + (int64_t)below((uint64_t)(units / s->items[i].parts[p].units + 1));
            return true;
        }
    return false;
}

/* Lines a claim has open, or nearly: what it takes to use claims up piece by piece. */
static void lines_of_claim(struct model_command *c, const struct model_claim *claim)
{
    for (int64_t l = 0; l < claim->line_count && c->line_count < MODEL_LINES_MAX; l++) {
        int64_t open = claim->lines[l].held + claim->lines[l].committed;
        if (c->kind == MODEL_AMEND)
            open += claim->lines[l].consumed + 3;
        else if (c->kind == MODEL_PICK && !one_in(3))
            open = claim->lines[l].committed - claim->lines[l].picked;
        else if (c->kind == MODEL_UNPICK && !one_in(3))
            open = claim->lines[l].picked;
        if (c->kind == MODEL_RELEASE || c->guard == MODEL_GUARD_OFF)
            open += claim->lines[l].waiting;
        if (open == 0 || one_in(3))
            continue;
        if (run.kits && !one_in(3) && line_of_kit(c, claim->lines[l].cell, open))
            continue;
        line_of_cell(c, claim->lines[l].cell, 1 + (int64_t)below((uint64_t)open));
    }
}

/* Goods lost where several claims stand, so many that one of them loses cover. False when there is no such cell. */
static bool line_too_few(struct model_command *c)
{
    const struct model_state *s = &run.model.now;
    for (int64_t cell = 0; cell < s->cell_count; cell++) {
        int64_t claims = 0;
        for (int64_t i = 0; i < s->claim_count; i++)
            for (int64_t l = 0; l < s->claims[i].line_count; l++) {
                const struct model_claim_line *line = &s->claims[i].lines[l];
                claims += line->cell == cell && line->held + line->committed > line->backordered;
            }
        int64_t promised = model_held(s, cell) + model_committed(s, cell) - model_backordered(s, cell);
        int64_t spare = s->cells[cell].on[0] + model_in_bins(s, cell) - promised;
        if (claims < 2 || spare < 0 || one_in(3))
            continue;
        line_of_cell(c, cell, -(spare + 1 + (int64_t)below((uint64_t)promised)));
        return true;
    }
    return false;
}

/* Lines of cells where goods are expected: what a hold for later may find. False when there are none. */
static bool lines_coming(struct model_command *c)
{
    const struct model_state *s = &run.model.now;
    for (int64_t cell = 0; cell < s->cell_count && c->line_count < MODEL_LINES_MAX; cell++) {
        int64_t incoming = model_incoming(s, cell);
        if (incoming == 0 || one_in(3))
            continue;
        if (run.kits && one_in(2) && line_of_kit(c, cell, incoming))
            continue;
        int64_t more = model_is_kit(s, s->cells[cell].item) ? 1 + (int64_t)below(3) : 0; /* to be put together */
        line_of_cell(c, cell, more + 1 + (int64_t)below((uint64_t)incoming));
    }
    for (int64_t i = 0; i < c->line_count && c->sourcing != MODEL_SOURCING_NONE; i++)
        if (one_in(2))
            memset(c->lines[i].location, 0, sizeof(c->lines[i].location));
    return c->line_count > 0;
}

static void some_time(int64_t *out_us)
{
    static const int64_t seconds[] = {-8000, -3601, -3600, -3599, -60, -1, 0, 1, 60, 299, 300, 301, 4000};
    *out_us = run.now_us + seconds[below(sizeof(seconds) / sizeof(seconds[0]))] * SECOND_US;
}

static int64_t some_kind(void)
{
    uint64_t sum = 0;
    for (int64_t k = 0; k < MODEL_KIND_COUNT; k++)
        sum += is_played(k) ? weights[k] : 0;
    uint64_t at = below(sum);
    for (int64_t k = 0; k < MODEL_KIND_COUNT; k++) {
        uint64_t weight = is_played(k) ? weights[k] : 0;
        if (at < weight)
            return k;
        at -= weight;
    }
    return MODEL_RECEIVE;
}

/*
 * Where goods are counted much comes late: by seconds, inside the window of ids, from before it, and just before one of
 * the last counts ended, or as it did.
 */
void play_late_time(int64_t *out_us)
{
    static const int64_t spans[] = {5, 60, 600, 3700, 8000};
    int64_t counts_there = run.model.count_count;
    *out_us = run.now_us - (int64_t)below((uint64_t)spans[below(5)]) * SECOND_US;
    if (counts_there > 8 && one_in(3))
        *out_us = run.model.counts[counts_there - 1 - (int64_t)below(8)].to_us - (int64_t)below(4) * SECOND_US;
}

/* A cell of which something is committed. */
static void some_committed_cell(struct model_line *line)
{
    const struct model_state *s = &run.model.now;
    int64_t first = (int64_t)below(HOLDS);
    for (int64_t i = 0; i < s->claim_count; i++) {
        const struct model_claim *claim = &s->claims[(first + i) % s->claim_count];
        for (int64_t l = 0; l < claim->line_count; l++) {
            if (claim->lines[l].committed == 0)
                continue;
            memcpy(line->item, s->cells[claim->lines[l].cell].item, sizeof(model_name));
            memcpy(line->location, s->cells[claim->lines[l].cell].location, sizeof(model_name));
            return;
        }
    }
}

/* What somebody found: mostly what is there, or nearly. */
static void make_count(struct model_command *c)
{
    const struct model_state *s = &run.model.now;
    if (!one_in(60))
        play_late_time(&c->occurred_at_us);
    if (one_in(30))
        some_time(&c->occurred_at_us);
    c->includes_picked = one_in(2);
    if (one_in(2) && c->occurred_at_us != MODEL_TIME_NONE)
        c->counted_from_us = c->occurred_at_us - (int64_t)below(one_in(2) ? 30 : 1000) * SECOND_US;
    if (one_in(100))
        c->counted_from_us = run.now_us + 400 * SECOND_US;
    for (int64_t i = 0; i < c->line_count; i++) {
        struct model_line *line = &c->lines[i];
        if (line->location[0] != '\0' && line->precondition.has_version == 0 && one_in(3))
            some_committed_cell(line);
        for (int64_t n = 0; n < s->cell_count; n++) {
            if (strcmp(s->cells[n].item, line->item) != 0 || strcmp(s->cells[n].location, line->location) != 0)
                continue;
            int64_t on = s->cells[n].on[line->condition == MODEL_CONDITIONS ? 0 : line->condition];
            line->quantity.digits = on + (int64_t)below(7) - 3;
            line->quantity.places = 0;
            for (int64_t k = 0; k < s->item_count; k++)
                if (strcmp(s->items[k].name, line->item) == 0)
                    line->quantity.places = s->items[k].scale;
            for (; line->quantity.places > 0 && line->quantity.digits % 10 == 0; line->quantity.places--)
                line->quantity.digits /= 10;
        }
        if (line->quantity.digits < 0 && !one_in(40))
            line->quantity = (struct model_decimal){0, 0};
    }
}

/* A part of a set; its end now and then, mostly with what its source told before. */
static void make_set(struct model_command *c)
{
    const struct model *model = &run.model;
    play_name(c->set, "m", one_in(8) ? 3 : 2);
    c->last = one_in(3);
    if (!c->last || one_in(4))
        return;
    c->line_count = 0;
    for (int64_t i = 0; i < model->statement_count && c->line_count < MODEL_LINES_MAX; i++) {
        const struct model_statement *said = &model->statements[i];
        if (strcmp(said->source, c->source) != 0 || one_in(4))
            continue;
        struct model_line *line = &c->lines[c->line_count++];
        memset(line, 0, sizeof(*line));
        memcpy(line->item, said->item, sizeof(model_name));
        memcpy(line->location, said->location, sizeof(model_name));
        line->condition = said->condition;
        line->quantity.digits = said->stated < 0 ? 0 : said->stated;
        for (int64_t k = 0; k < model->now.item_count; k++)
            if (strcmp(model->now.items[k].name, line->item) == 0)
                line->quantity.places = model->now.items[k].scale;
        for (; line->quantity.places > 0 && line->quantity.digits % 10 == 0; line->quantity.places--)
            line->quantity.digits /= 10;
    }
}

/* What another system has: as of a time, or of a position some commands ago; mostly what is here, or nearly. */
static void make_snapshot(struct model_command *c)
{
    const struct model *model = &run.model;
    make_count(c);
    c->counted_from_us = MODEL_TIME_NONE;
    c->includes_picked = 0;
    c->measure = (int64_t)below(2);
    c->contains = one_in(2) ? MODEL_CONTAINS_DEFAULT : 1 + (int64_t)below(3);
    if (one_in(2))
        make_set(c);
    if (one_in(2) || model->remembered_count == 0)
        return;
    c->has_position = 1;
    if (!one_in(60))
        c->occurred_at_us = MODEL_TIME_NONE;
    c->seen_epoch = one_in(40) ? 2 : 1;
    int64_t back = (int64_t)below(one_in(2) ? 8 : 80);
    if (back >= model->remembered_count || one_in(6))
        back = 0;
    const struct model_remembered *seen = &model->remembered[model->remembered_count - 1 - back];
    c->seen_position = seen->seq;
    c->seen_us = seen->at_us;
    c->seen_order = seen->order;
    if (one_in(40))
        c->seen_position = model->now.seq + 1;
    for (int64_t i = 0; i < model->now.source_count && one_in(2); i++)
        if (strcmp(model->now.sources[i].name, c->source) == 0)
            c->seen_seq = (int64_t)below((uint64_t)model->now.sources[i].seq_mark + (one_in(20) ? 2 : 1));
}

static void some_option(struct model_option *option, uint64_t most)
{
    option->given = 1;
    option->value.digits = (int64_t)below(most + 1);
    if (one_in(40))
        option->value = quantity(false);
    if (one_in(60))
        option->value.digits = -1 - (int64_t)below(3);
}

static void some_places(struct model_command *c)
{
    c->place_count = 1 + (int64_t)below(3);
    for (int64_t i = 0; i < c->place_count; i++)
        play_name(c->places[i], "l", one_in(20) ? 4 : 3);
}

/* Most commands shall find something to do. */
static bool suits(int64_t kind, const struct model_claim *claim)
{
    int64_t held = 0, committed = 0, picked = 0;
    for (int64_t l = 0; l < claim->line_count; l++) {
        held += claim->lines[l].held;
        committed += claim->lines[l].committed;
        picked += claim->lines[l].picked;
    }
    switch (kind) {
    case MODEL_COMMIT:
        return held > 0 || strcmp(claim->state, "expired") == 0;
    case MODEL_PICK:
        return committed > picked;
    case MODEL_UNPICK:
        return picked > 0;
    default:
        return claim->ended_at_us == MODEL_TIME_NONE;
    }
}

/* The name of a claim that waits for later. False when there is none. */
static bool some_promised(model_name out)
{
    const struct model_state *s = &run.model.now;
    int64_t first = (int64_t)below(HOLDS);
    for (int64_t i = 0; i < s->claim_count; i++) {
        const struct model_claim *claim = &s->claims[(first + i) % s->claim_count];
        if (claim->at.form == MODEL_MOMENT_NONE || strcmp(claim->state, "waiting") != 0)
            continue;
        memcpy(out, claim->name, sizeof(model_name));
        return true;
    }
    return false;
}

static void some_hold(struct model_command *c)
{
    const struct model_state *s = &run.model.now;
    play_name(c->hold, "h", HOLDS);
    bool later = c->kind != MODEL_PICK && c->kind != MODEL_UNPICK && one_in(3);
    /* A name whose expected document was closed, which is promised anew. */
    bool anew = later && c->kind == MODEL_HOLD && !one_in(3);
    for (int64_t e = 0; anew && e < s->expectation_count; e++) {
        const struct model_claim *claim = model_claim_named(&run.model, s->expectations[e].name, run.now_us);
        if (s->expectations[e].closed_at_us == MODEL_TIME_NONE || s->expectations[e].direction != MODEL_DIRECTION_OUT ||
            (claim != NULL && claim->ended_at_us != MODEL_TIME_NONE))
            continue;
        memcpy(c->hold, s->expectations[e].name, sizeof(c->hold));
        return;
    }
    /* One that waits for later; what it has not yet can be committed and shipped by facts alone. */
    if (later && some_promised(c->hold)) {
        if (c->kind != MODEL_HOLD && !one_in(4))
            c->guard = MODEL_GUARD_OFF;
        return;
    }
    if (one_in(4))
        return;
    for (unsigned tries = 0; tries < 8; tries++) {
        const struct model_claim *claim = model_claim_named(&run.model, c->hold, run.now_us);
        if (c->kind == MODEL_HOLD) {
            if (claim == NULL || (claim->ended_at_us == MODEL_TIME_NONE && one_in(2)))
                return;
            play_name(c->hold, "h", HOLDS);
        } else if (s->claim_count > 0) {
            claim = &s->claims[below((uint64_t)s->claim_count)];
            memcpy(c->hold, claim->name, sizeof(c->hold));
            if (suits(c->kind, claim))
                return;
        }
    }
}

static void make_claim_terms(struct model_command *c)
{
    const struct model_claim *same = model_claim_named(&run.model, c->hold, run.now_us);
    if (!one_in(4))
        play_name(c->holder, "o", one_in(4) ? 2 : 1);
    if (same != NULL && one_in(2))
        memcpy(c->holder, same->holder, sizeof(c->holder));
    c->partial = one_in(4);
    c->backorder = one_in(4);
    if (c->kind != MODEL_HOLD) {
        c->backorder = 0;
        c->paid = one_in(4);
        return;
    }
    c->wait = c->guard != MODEL_GUARD_OFF && one_in(4); /* whoever reads JSON refuses a fact that waits */
    c->priority = one_in(2) ? 0 : 1 + (int64_t)below(2);
    if (run.kits && one_in(6)) { /* as many kits as there are, and no more */
        c->partial = 1;
        c->wait = c->backorder = 0;
    }
    if (one_in(4)) {
        c->sourcing = 1 + (int64_t)below(3);
        if (one_in(2))
            some_places(c);
    }
}

static void make_policy(struct model_command *c)
{
    if (!one_in(100))
        some_item(c->item);
    if (!one_in(100))
        play_name(c->location, "l", one_in(20) ? 4 : 3);
    if (c->kind == MODEL_ALLOCATE) {
        if (!one_in(100))
            play_name(c->channel, one_in(20) ? "x" : "c", 3);
        if (one_in(2) || one_in(60))
            some_option(&c->set_to, 20);
        if (!c->set_to.given || one_in(60)) {
            c->add.given = 1;
            c->add.value = quantity(true);
        }
        if (one_in(60))
            c->add.given = c->set_to.given = 0;
        return;
    }
    if (one_in(2))
        some_option(&c->safety_stock, 6);
    if (one_in(2))
        some_option(&c->backorder_limit, 20);
    if (one_in(2) || (!c->safety_stock.given && !c->backorder_limit.given)) /* one is required by whoever reads JSON */
        some_option(&c->reorder_point, 15);
}

/* Components by name, each once: as whoever reads JSON has them. Mostly i3 and i4 of the others. */
static void make_kit(struct model_command *c)
{
    unsigned parts = one_in(20) ? 1 + (unsigned)below(31) : 1 + (unsigned)below(7); /* a bit for each item */
    if (!one_in(12))
        (void)snprintf(c->item, sizeof(c->item), "i%u", 3 + (unsigned)below(2));
    if (!one_in(20))
        c->scale = 0;
    for (unsigned i = 0; i < 6 && c->part_count < MODEL_PARTS_MAX; i++) {
        if (!(parts >> i & 1))
            continue;
        struct model_command_part *part = &c->parts[c->part_count++];
        (void)snprintf(part->item, sizeof(part->item), "i%u", i);
        part->quantity.digits = 1 + (int64_t)below(3);
        if (run.huge && one_in(8))
            part->quantity = quantity(false);
        else if (one_in(12))
            part->quantity = (struct model_decimal){5, 1};
        if (part->quantity.digits <= 0) /* neither comes from JSON */
            part->quantity.digits = 1;
    }
}

static void make_channel(struct model_command *c)
{
    if (!one_in(60))
        play_name(c->channel, "c", 3);
    if (one_in(2))
        some_option(&c->buffer, 6);
    if (one_in(2))
        some_option(&c->cap, 30);
    if (one_in(3)) {
        some_item(c->item);
        return;
    }
    if (one_in(2))
        some_places(c);
    c->priority = one_in(2) ? 0 : 1 + (int64_t)below(2);
    c->shares_rest = one_in(2) ? MODEL_CHOICE_NONE : one_in(3) ? MODEL_CHOICE_NO : MODEL_CHOICE_YES;
}

static void some_moment(struct model_moment *moment)
{
    int64_t ahead = (int64_t)below(5) - 1;
    moment->form = one_in(2) ? MODEL_MOMENT_DAY : MODEL_MOMENT_INSTANT;
    if (moment->form == MODEL_MOMENT_DAY)
        moment->us = (run.now_us / DAY_US + ahead) * DAY_US;
    else
        moment->us = run.now_us + ahead * (one_in(2) ? DAY_US : 1000 * SECOND_US);
}

/* For later: rather when all that is expected has come, and rather without an end before that. */
static void make_later(struct model_command *c)
{
    some_moment(&c->at);
    if (one_in(2))
        c->at.us += 4 * DAY_US;
    if (one_in(2)) {
        c->has_expires_in = 1;
        c->expires_in_ms = 0;
    }
}

/* Transfers and expected documents: lines of what is open there, or any. Returns whether it made them. */
static bool lines_of_paper(struct model_command *c)
{
    const struct model_state *s = &run.model.now;
    const struct model_paper *papers = c->transfer[0] != '\0' ? s->transfers : s->expectations;
    int64_t count = c->transfer[0] != '\0' ? s->transfer_count : s->expectation_count;
    for (int64_t p = 0; p < count; p++) {
        if (strcmp(papers[p].name, c->transfer[0] != '\0' ? c->transfer : c->expectation) != 0)
            continue;
        for (int64_t l = 0; l < papers[p].line_count && c->line_count < MODEL_LINES_MAX; l++) {
            int64_t open = papers[p].lines[l].open + (c->kind == MODEL_CANCEL_EXPECTED ? 0 : one_in(3));
            if (open > 0 && !one_in(3))
                line_of_cell(c, papers[p].lines[l].cell, 1 + (int64_t)below((uint64_t)open));
        }
    }
    return c->line_count > 0;
}

/* Half of what is said of expected documents is of those that holds for later have made, and of such that can be. */
static void some_expectation(model_name out)
{
    const struct model_state *s = &run.model.now;
    play_name(out, "h", one_in(6) ? PAPERS : 3);
    if (one_in(2))
        return;
    if (one_in(4))
        play_name(out, "h", HOLDS);
    else if (!some_promised(out) && s->expectation_count > 0)
        memcpy(out, s->expectations[below((uint64_t)s->expectation_count)].name, sizeof(model_name));
}

static void make_paper(struct model_command *c)
{
    bool transfers = c->kind == MODEL_TRANSFER_OUT || c->kind == MODEL_TRANSFER_IN || c->kind == MODEL_TRANSFER_LOSS;
    if (transfers && !one_in(100))
        play_name(c->transfer, "t", one_in(6) ? PAPERS : 3);
    else if (!transfers && !one_in(100))
        some_expectation(c->expectation);
    if (transfers ? c->kind == MODEL_TRANSFER_OUT && one_in(2) : c->kind != MODEL_CANCEL_EXPECTED && !one_in(100))
        some_moment(&c->due);
    if (c->kind == MODEL_EXPECT && !one_in(100))
        c->direction = 1 + (int64_t)below(2);
    if (c->kind == MODEL_TRANSFER_OUT && one_in(3))
        some_hold(c);
}

/* Mostly a little on from what is closed: what is late falls before it, and behind it. */
static void make_closing(struct model_command *c)
{
    int64_t closed_us = model_closed_us(&run.model);
    c->guard = MODEL_GUARD_DEFAULT;
    memset(c->channel, 0, sizeof(c->channel));
    if (!one_in(40))
        c->occurred_at_us = MODEL_TIME_NONE;
    c->at.form = one_in(40) ? MODEL_MOMENT_DAY : MODEL_MOMENT_INSTANT;
    if (closed_us == 0 || one_in(4))
        play_late_time(&c->at.us);
    else
        c->at.us = closed_us + ((int64_t)below(1200) - (one_in(3) ? 400 : 0)) * SECOND_US;
    if (one_in(30))
        some_time(&c->at.us);
    if (one_in(60))
        c->at.us = -(int64_t)below(2);
}

/*
 * Does it reverse a count that may be forgotten by now, or one that made an older one be? The ledger says when that is
 * so, and nobody promises it.
 */
static bool is_forgetful(const struct model_command *c)
{
    const struct model_remembered *past = model_named(&run.model, c->of_source, c->of_id);
    int64_t window_us = run.now_us - WINDOW_US;
    for (int64_t i = 0; past != NULL && i < run.model.count_count; i++) {
        const struct model_count *count = &run.model.counts[i];
        for (int64_t k = 0; count->order == past->order && k < run.model.count_count; k++) {
            const struct model_count *other = &run.model.counts[k];
            if (other->recorded_us < window_us && other->condition == count->condition &&
                strcmp(other->item, count->item) == 0 && strcmp(other->location, count->location) == 0)
                return true;
        }
    }
    return false;
}

/* What another command of the last ones did, most often one that moves goods. */
static void make_reversal(struct model_command *c)
{
    const struct model *model = &run.model;
    c->guard = MODEL_GUARD_DEFAULT;
    memset(c->channel, 0, sizeof(c->channel));
    if (!one_in(40))
        c->occurred_at_us = MODEL_TIME_NONE;
    for (unsigned tries = 0; tries < 8 && model->remembered_count > 0; tries++) {
        int64_t back = (int64_t)below(one_in(8) ? WORLD_COMMANDS : run.late && one_in(2) ? 200 : 30);
        const struct model_remembered *past = &model->remembered[model->remembered_count - 1 - back];
        if (back >= model->remembered_count)
            continue;
        memcpy(c->of_source, past->command.source, sizeof(model_name));
        memcpy(c->of_id, past->command.id, sizeof(model_name));
        if (model_moved(model, past) && (!past->reversed || one_in(2)))
            break;
    }
    if (one_in(40) || is_forgetful(c))
        memcpy(c->of_id, (const model_name){"none"}, sizeof(model_name));
    if (one_in(60))
        memset(one_in(2) ? c->of_id : c->of_source, 0, sizeof(model_name));
}

static void make_command(struct model_command *c)
{
    memset(c, 0, sizeof(*c));
    c->kind = some_kind();
    while ((c->kind == MODEL_COUNT || c->kind == MODEL_SNAPSHOT) && !run.late)
        c->kind = some_kind();
    c->occurred_at_us = c->not_after_us = c->counted_from_us = MODEL_TIME_NONE;
    c->from = c->to_condition = MODEL_CONDITIONS;
    play_name(c->source, "s", 4);
    (void)snprintf(c->id, sizeof(c->id), "%u", (unsigned)(run.ids++ % 1000000));
    if (one_in(6))
        c->guard = 1 + (int64_t)below(2);
    c->dry_run = one_in(25);
    if (one_in(12))
        some_time(&c->occurred_at_us);
    else if (run.late && one_in(c->kind == MODEL_PICK || c->kind == MODEL_UNPICK ? 1 : 3))
        play_late_time(&c->occurred_at_us);
    if (one_in(25))
        some_time(&c->not_after_us);
    /* Half the sources are ordered; now and then they fall back. */
    unsigned source = (unsigned)(c->source[1] - '0');
    if (source < 2 && !one_in(10)) {
        c->has_seq = 1;
        c->seq = one_in(25) ? (int64_t)below((uint64_t)run.seqs[source] + 1) : ++run.seqs[source];
    }
    if (of_claim(c->kind) || ((c->kind == MODEL_SHIP || c->kind == MODEL_SALE) && !one_in(3)))
        some_hold(c);
    if (one_in(2))
        play_name(c->channel, one_in(12) ? "x" : "c", 3);
    if (c->kind == MODEL_HOLD || c->kind == MODEL_COMMIT)
        make_claim_terms(c);
    if ((c->kind == MODEL_AMEND || c->kind == MODEL_REASSIGN))
        c->backorder = one_in(4);
    if (c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND) {
        c->has_expires_in = !one_in(3);
        if (c->has_expires_in)
            c->expires_in_ms = one_in(60)  ? INT64_MAX
                               : one_in(3) ? 0
                                           : (int64_t)below(one_in(2) ? 120 : 4000) * 1000;
    }
    if (c->kind == MODEL_RECLASSIFY) {
        c->from = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        c->to_condition = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        if (one_in(60))
            c->from = MODEL_CONDITIONS;
        if (one_in(60))
            c->to_condition = MODEL_CONDITIONS;
    }
    if ((c->kind == MODEL_TRANSFER || c->kind == MODEL_REASSIGN || c->kind == MODEL_TRANSFER_OUT) && !one_in(60))
        play_name(c->to, "l", one_in(20) ? 4 : 3);
    if (of_claim(c->kind) && one_in(100))
        memset(c->hold, 0, sizeof(c->hold));
    bool has_lines = false;
    switch (c->kind) {
    case MODEL_CLOSE_PERIOD:
        make_closing(c);
        break;
    case MODEL_REVERSE:
        make_reversal(c);
        break;
    case MODEL_SETTINGS:
        c->strict = one_in(2);
        c->guard = MODEL_GUARD_DEFAULT;
        memset(c->channel, 0, sizeof(c->channel));
        break;
    case MODEL_ITEM:
        memset(c->channel, 0, sizeof(c->channel));
        if (!one_in(60))
            play_name(c->item, "i", 6);
        c->scale = one_in(2) ? 0 : (int64_t)below(3);
        if (run.kits && !one_in(4))
            make_kit(c);
        if (one_in(3)) {
            c->precondition.has_version = 1;
            const struct model_state *s = &run.model.now;
            for (int64_t i = 0; i < s->item_count; i++)
                if (strcmp(s->items[i].name, c->item) == 0 && !one_in(3))
                    c->precondition.version = s->items[i].config_seq;
        }
        break;
    case MODEL_SET_POLICY:
    case MODEL_ALLOCATE:
        make_policy(c);
        break;
    case MODEL_SET_CHANNEL:
        memset(c->channel, 0, sizeof(c->channel));
        make_channel(c);
        break;
    case MODEL_EXTEND:
        break;
    case MODEL_TRANSFER_OUT:
    case MODEL_EXPECT:
        make_paper(c);
        lines(c);
        break;
    case MODEL_TRANSFER_IN:
    case MODEL_TRANSFER_LOSS:
    case MODEL_CANCEL_EXPECTED:
        make_paper(c);
        if (!(c->kind != MODEL_TRANSFER_IN && one_in(2)) && !lines_of_paper(c) && c->kind != MODEL_CANCEL_EXPECTED)
            lines(c);
        break;
    case MODEL_REDATE:
        make_paper(c);
        break;
    case MODEL_AMEND:
    case MODEL_REASSIGN:
    case MODEL_PICK:
    case MODEL_UNPICK:
        has_lines = !one_in(50);
        break;
    default:
        has_lines = !(c->hold[0] != '\0' && c->kind != MODEL_HOLD && one_in(2)) && !one_in(100);
        break;
    }
    if (c->kind == MODEL_RECEIVE && one_in(3)) {
        play_name(c->expectation, "h", one_in(6) ? PAPERS : 3);
        has_lines = !lines_of_paper(c);
    }
    const struct model_paper *before = model_paper_named(&run.model, false, c->hold, run.now_us);
    const struct model_claim *promised = model_claim_named(&run.model, c->hold, run.now_us);
    bool anew = (before != NULL && before->closed_at_us != MODEL_TIME_NONE) ||
                (promised != NULL && promised->at.form != MODEL_MOMENT_NONE && !one_in(3));
    if (c->kind == MODEL_HOLD && c->guard != MODEL_GUARD_OFF && (anew || one_in(2)))
        make_later(c); /* whoever reads JSON refuses a fact that is for later */
    if (has_lines) {
        const struct model_claim *claim = model_claim_named(&run.model, c->hold, run.now_us);
        if (claim != NULL && c->kind != MODEL_HOLD && !one_in(4))
            lines_of_claim(c, claim);
        else if (c->kind == MODEL_ADJUST && run.rules && one_in(2) && line_too_few(c))
            c->guard = MODEL_GUARD_DEFAULT;
        else if (c->at.form == MODEL_MOMENT_NONE || one_in(2) || !lines_coming(c))
            lines(c);
    }
    if (c->kind == MODEL_COUNT)
        make_count(c);
    if (c->kind == MODEL_SNAPSHOT)
        make_snapshot(c);
    if (c->kind != MODEL_ITEM && c->kind != MODEL_SETTINGS && c->kind != MODEL_SET_CHANNEL &&
        c->kind != MODEL_CLOSE_PERIOD && c->kind != MODEL_REVERSE && one_in(25)) {
        struct model_line cell = {.condition = MODEL_CONDITIONS};
        memcpy(cell.item, c->item, sizeof(cell.item));
        memcpy(cell.location, c->location, sizeof(cell.location));
        precondition(&c->precondition, c->line_count > 0 ? &c->lines[0] : c->item[0] != '\0' ? &cell : NULL);
    }
}

/* When the position was told that it saw: one that was yet to come when it was first sent may have come since. */
static void look_up_position(struct model_command *c)
{
    for (uint64_t k = run.kept_count; k-- > 0;) {
        if (run.kept[k].first_seq > (uint64_t)c->seen_position)
            continue;
        c->seen_us = run.kept[k].recorded_at_us;
        c->seen_order = run.kept_order[k];
        return;
    }
}

/* A new command, one of the past again, or a new one under an id of the past. */
void play_command(struct model_command *c)
{
    make_command(c);
    if (run.history_count == 0 || !one_in(12))
        return;
    uint64_t kept = run.history_count < HISTORY ? run.history_count : HISTORY;
    const struct model_command *past = &run.history[below(kept)];
    if (one_in(3)) {
        memcpy(c->id, past->id, sizeof(c->id));
        memcpy(c->source, past->source, sizeof(c->source));
    } else {
        memcpy(c, past, sizeof(*c));
        if (c->has_position)
            look_up_position(c);
    }
    if (c->kind == MODEL_REVERSE && is_forgetful(c))
        memcpy(c->of_id, (const model_name){"none"}, sizeof(model_name));
}

void play_remember(const struct model_command *c)
{
    memcpy(&run.history[run.history_count % HISTORY], c, sizeof(*c));
    run.history_count++;
}

struct model_rule play_some_rule(void)
{
    struct model_rule rule = {0, {0}};
    bool taken[MODEL_CRITERIA] = {false};
    for (uint64_t n = one_in(3) ? 0 : 1 + below(MODEL_CRITERIA); n > 0; n--) {
        uint64_t by = below(MODEL_CRITERIA);
        if (!taken[by])
            rule.by[rule.count++] = (int64_t)by;
        taken[by] = true;
    }
    return rule;
}
