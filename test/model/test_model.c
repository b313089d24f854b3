/*
 * Goal: the ledger and the model (model.h) never disagree, whatever comes.
 * Method: many small worlds of few names, so that commands collide; random commands of all kinds at both sides, with
 * time that runs and jumps (ends of holds, the id window), kits that are made and unmade, repeats, reused ids, guards,
 * partial holds, preconditions, decimals, dry runs, ordered sources, malformed commands; counts of goods and what comes
 * late before them, commands between what is read for a count and its decision; snapshots of other systems, by
 * position and by time; reversals of all that; and periods that are closed. After EACH command the answer, the events
 * of its lines, of counts and of what corrects them, every figure, account, claim, document, statement, version and
 * name is compared; a copy of every decision is evolved by a second ledger, whose state hash must be equal.
 * Counts per kind and outcome, of kits and per code are printed; each must pass a floor, or the test has not tested it.
 *
 * One seed is one run: test_model [--commands N] [--seed S]. A failure prints the seed, the world and the
 * command. With --alone the model runs without a ledger, with every kind it knows: is it right in itself, and do the
 * commands reach all of it?
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "base/siphash.h"
#include "ledger/config_form.h"
#include "ledger/ledger.h"
#include "ledger/reading.h"
#include "model.h"

#define COMMANDS_DEFAULT   200000
#define WORLD_COMMANDS     1500 /* a world long enough for an id window to pass, short enough to stay small */
#define WORLD_ROOM         (2 * WORLD_COMMANDS + 1) /* and those that come between a reading and its decision */
#define HOLDS              12   /* names of holds */
#define PAPERS             6    /* names of transfers, and of expected documents */
#define HISTORY            64   /* commands that can be repeated */
#define WINDOW_US          (INT64_C(3600) * 1000 * 1000)
#define START_US           (INT64_C(1700000000) * 1000 * 1000)
#define SECOND_US          INT64_C(1000000)
#define DAY_US             (INT64_C(24) * 60 * 60 * SECOND_US)
#define FLOOR_SHARE        20000 /* each count must pass commands / this: 10 of 200,000 */

struct run {
    uint64_t seed;
    struct prng prng;
    uint64_t world_number, command_number;
    uint64_t passes; /* of the audit in this world */
    bool alone; /* the model without a ledger */
    bool huge;  /* this world has quantities near 2^53 */
    bool tree;  /* in this one some locations are bins of others */
    bool rules; /* this one has rules of who loses cover */
    bool kits;  /* this one has kits, i3 and i4 most of all */
    bool late;  /* in this one goods are counted, and much comes late */
    int64_t now_us;
    struct model model;
    struct ledger *ledger, *twin;
    struct decision decision;
    struct verdict verdict;
    struct past *past; /* of all events of cells, in their order */
    uint64_t past_count;
    struct decision *kept; /* those of commands, without their texts */
    int64_t *kept_order;   /* which command of the model each was */
    uint64_t kept_count, kept_events;
    struct model_command history[HISTORY];
    uint64_t history_count;
    int64_t seqs[MODEL_NAMES_MAX]; /* next seq per source */
    uint64_t ids;
};

/* What an event of a cell changed, when it occurred, and when it is booked. */
struct past {
    uint32_t item, location;
    bool moves; /* it is no count, and corrects none */
    int64_t occurred_us, booked_us;
    struct figures delta;
    uint64_t seq;
    uint32_t source, stated_by; /* the latter NUMBER_NONE but of a snapshot */
    uint64_t seen_position;     /* of that */
    uint64_t own;               /* what its source numbered it; 0 for none */
};
#define PAST_MAX 65536
#define KEPT_EVENTS_MAX 32768

static struct run run;

static const char *const kind_names[MODEL_KIND_COUNT] = {"receive", "sale",   "ship",   "return",  "adjust",
                                                         "reclassify", "transfer", "hold", "extend", "commit",
                                                         "release", "item",   "settings", "amend", "reassign",
                                                         "pick", "unpick", "set_policy", "set_channel", "allocate",
                                                         "transfer_out", "transfer_in", "transfer_loss", "expect",
                                                         "redate", "cancel_expected", "count", "close_period",
                                                         "reverse", "snapshot"};

/*
 * How often each kind comes, in shares of all; 0 for what the ledger does not serve yet. What it does not serve yet of
 * the fields of a kind is left out of the commands in the same way.
 */
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
enum { AMENDS, CHANNELS, POLICIES, BACKORDERS, WAITS, SOURCES, TRANSFERS, EXPECTS, PROMISES, FEATURE_COUNT };
static bool served[FEATURE_COUNT] = {[AMENDS] = true,    [CHANNELS] = true, [POLICIES] = true,
                                     [BACKORDERS] = true, [WAITS] = true,    [SOURCES] = true,
                                     [TRANSFERS] = true, [EXPECTS] = true,  [PROMISES] = true};

static bool is_served(int64_t kind)
{
    switch (kind) {
    case MODEL_AMEND:
    case MODEL_REASSIGN:
    case MODEL_PICK:
    case MODEL_UNPICK:
        return served[AMENDS];
    case MODEL_SET_POLICY:
        return served[POLICIES];
    case MODEL_SET_CHANNEL:
    case MODEL_ALLOCATE:
        return served[CHANNELS];
    case MODEL_TRANSFER_OUT:
    case MODEL_TRANSFER_IN:
    case MODEL_TRANSFER_LOSS:
        return served[TRANSFERS];
    case MODEL_EXPECT:
    case MODEL_REDATE:
    case MODEL_CANCEL_EXPECTED:
        return served[EXPECTS];
    default:
        return true;
    }
}

/* ---- failing ---- */

static void print_option(const char *option_name, const struct model_option *option)
{
    if (option->given)
        fprintf(stderr, "    %s %" PRId64 "e-%" PRId64 "\n", option_name, option->value.digits,
                option->value.places);
}

static void print_command(const struct model_command *c)
{
    fprintf(stderr, "  %s id=%s source=%s hold=%s holder=%s channel=%s to=%s item=%s location=%s guard=%d dry=%d "
            "partial=%d seq=%" PRId64 " from=%d to=%d scale=%d backorder=%d wait=%d priority=%d sourcing=%d "
            "shares=%d\n",
            kind_names[c->kind], c->id, c->source, c->hold, c->holder, c->channel, c->to, c->item, c->location,
            (int)c->guard, (int)c->dry_run, (int)c->partial, c->has_seq ? c->seq : -1, (int)c->from,
            (int)c->to_condition, (int)c->scale, (int)c->backorder, (int)c->wait, (int)c->priority, (int)c->sourcing,
            (int)c->shares_rest);
    if (c->occurred_at_us != MODEL_TIME_NONE)
        fprintf(stderr, "    occurred=%" PRId64 " since=%" PRId64 " picked=%d now=%" PRId64 "\n", c->occurred_at_us,
                c->counted_from_us, (int)c->includes_picked, run.now_us);
    if (c->transfer[0] != '\0' || c->expectation[0] != '\0' || c->at.form != 0)
        fprintf(stderr, "    transfer=%s expectation=%s direction=%d due=%d %" PRId64 " at=%d %" PRId64 "\n",
                c->transfer, c->expectation, (int)c->direction, (int)c->due.form, c->due.us, (int)c->at.form, c->at.us);
    if (c->of_id[0] != '\0')
        fprintf(stderr, "    of=%s %s\n", c->of_source, c->of_id);
    print_option("safety_stock", &c->safety_stock);
    print_option("backorder_limit", &c->backorder_limit);
    print_option("reorder_point", &c->reorder_point);
    print_option("buffer", &c->buffer);
    print_option("cap", &c->cap);
    print_option("add", &c->add);
    print_option("to", &c->set_to);
    for (int64_t i = 0; i < c->place_count; i++)
        fprintf(stderr, "    place %s\n", c->places[i]);
    for (int64_t i = 0; i < c->part_count; i++)
        fprintf(stderr, "    made of %" PRId64 "e-%" PRId64 " of %s\n", c->parts[i].quantity.digits,
                c->parts[i].quantity.places, c->parts[i].item);
    for (int64_t i = 0; i < c->line_count; i++)
        fprintf(stderr, "    %" PRId64 "e-%" PRId64 " of %s@%s condition %d\n", c->lines[i].quantity.digits,
                c->lines[i].quantity.places, c->lines[i].item, c->lines[i].location, (int)c->lines[i].condition);
}

/* Where the model stands: what is open of its claims, cells and channels. */
static void print_model(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->item_count; i++)
        for (int64_t p = 0; p < s->items[i].part_count; p++)
            fprintf(stderr, "  %s has %" PRId64 " units of %s\n", s->items[i].name, s->items[i].parts[p].units,
                    s->items[i].parts[p].item);
    for (int64_t i = 0; i < s->claim_count; i++) {
        const struct model_claim *claim = &s->claims[i];
        fprintf(stderr, "  %s %s made %" PRId64 " channel %s priority %" PRId64 " partial %" PRId64 "\n",
                claim->name, claim->state, claim->made, claim->channel, claim->priority, claim->partial);
        for (int64_t l = 0; l < claim->line_count; l++) {
            const struct model_claim_line *line = &claim->lines[l];
            const struct model_cell *cell = &s->cells[line->cell];
            if (line->held + line->committed + line->waiting > 0)
                fprintf(stderr, "    %s@%s held %" PRId64 " committed %" PRId64 " picked %" PRId64
                        " backordered %" PRId64 " quota %" PRId64 " waiting %" PRId64 "\n", cell->item,
                        cell->location, line->held, line->committed, line->picked, line->backordered, line->quota,
                        line->waiting);
        }
    }
    for (int64_t c = 0; c < s->cell_count; c++) {
        const struct model_cell *cell = &s->cells[c];
        fprintf(stderr, "  %s@%s sellable %" PRId64 " reserved %" PRId64 " backordered %" PRId64 " safety %" PRId64
                " limit %" PRId64 " reorder %" PRId64 " low %" PRId64, cell->item, cell->location, cell->on[0],
                model_held(s, c) + model_committed(s, c), model_backordered(s, c), cell->safety_stock,
                cell->backorder_limit, cell->reorder_point, cell->low);
        for (int64_t k = 0; k < s->channel_count; k++)
            fprintf(stderr, ", %s has %" PRId64 " of %" PRId64, s->channels[k].name, cell->quota[k],
                    model_free(s, c, s->channels[k].name));
        fprintf(stderr, "\n");
    }
}

static struct text decision_name(enum name_space space, uint32_t number);

static void print_decision(void)
{
    fprintf(stderr, "  the ledger's last decision:\n");
    for (uint32_t i = 0; i < run.decision.event_count && !run.alone; i++) {
        const struct event *event = &run.decision.events[i];
        struct text item = decision_name(NAME_ITEM, event->item);
        struct text location = decision_name(NAME_LOCATION, event->location);
        fprintf(stderr, "    %" PRIu64 " %s %" PRId64 " of %.*s@%.*s, sellable %" PRId64 " variance %" PRId64 "\n",
                event->seq, event_name(event->type), event->quantity, (int)item.length, item.bytes,
                (int)location.length, location.bytes, event->figures.units[CONDITION_SELLABLE], event->variance);
    }
}

_Noreturn static void disagree(const char *what, const char *name, int64_t model, int64_t ledger)
{
    fprintf(stderr, "not ok - %s of %s: the model has %" PRId64 ", the ledger %" PRId64 "\n", what, name, model,
            ledger);
    print_model();
    print_decision();
    fprintf(stderr, "  seed %" PRIu64 ", world %" PRIu64 ", command %" PRIu64 "; the last commands, newest first:\n",
            run.seed, run.world_number, run.command_number);
    for (uint64_t i = 0; i < 12 && i < run.history_count; i++)
        print_command(&run.history[(run.history_count - 1 - i) % HISTORY]);
    exit(1);
}

static void same(const char *what, const char *name, int64_t model, int64_t ledger)
{
    if (model != ledger)
        disagree(what, name, model, ledger);
}

static bool is_text(const char *model, struct text ledger)
{
    return strlen(model) == ledger.length && (ledger.length == 0 || memcmp(model, ledger.bytes, ledger.length) == 0);
}

static void same_text(const char *what, const char *model, struct text ledger)
{
    if (!is_text(model, ledger)) {
        fprintf(stderr, "%s: '%s' and '%.*s'\n", what, model, (int)ledger.length,
                ledger.bytes == NULL ? "" : ledger.bytes);
        disagree(what, model, 0, 0);
    }
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    disagree("assertion", condition, 0, 0);
}

/* ---- making commands ---- */

static uint64_t below(uint64_t bound)
{
    return prng_below(&run.prng, bound);
}

static bool one_in(uint64_t n)
{
    return below(n) == 0;
}

static void name(model_name out, const char *prefix, uint64_t count)
{
    (void)snprintf(out, sizeof(model_name), "%s%u", prefix, (unsigned)below(count));
}

/* Three that are common; in a world with kits those, too. */
static void some_item(model_name out)
{
    name(out, "i", one_in(run.kits ? 2 : 20) ? 5 : 3);
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
        name(line->location, "l", one_in(20) ? 4 : 3);
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
    if (served[SOURCES] && one_in(300))
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
        sum += is_served(k) ? weights[k] : 0;
    uint64_t at = below(sum);
    for (int64_t k = 0; k < MODEL_KIND_COUNT; k++) {
        uint64_t weight = is_served(k) ? weights[k] : 0;
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
static void some_late_time(int64_t *out_us)
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
        some_late_time(&c->occurred_at_us);
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
    name(c->set, "m", one_in(8) ? 3 : 2);
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
        name(c->places[i], "l", one_in(20) ? 4 : 3);
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
    name(c->hold, "h", HOLDS);
    bool later = served[PROMISES] && c->kind != MODEL_PICK && c->kind != MODEL_UNPICK && one_in(3);
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
            name(c->hold, "h", HOLDS);
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
        name(c->holder, "o", one_in(4) ? 2 : 1);
    if (same != NULL && one_in(2))
        memcpy(c->holder, same->holder, sizeof(c->holder));
    c->partial = one_in(4);
    c->backorder = served[BACKORDERS] && one_in(4);
    if (c->kind != MODEL_HOLD) {
        c->backorder = 0;
        c->paid = one_in(4);
        return;
    }
    if (served[WAITS]) {
        c->wait = c->guard != MODEL_GUARD_OFF && one_in(4); /* whoever reads JSON refuses a fact that waits */
        c->priority = one_in(2) ? 0 : 1 + (int64_t)below(2);
    }
    if (run.kits && one_in(6)) { /* as many kits as there are, and no more */
        c->partial = 1;
        c->wait = c->backorder = 0;
    }
    if (served[SOURCES] && one_in(4)) {
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
        name(c->location, "l", one_in(20) ? 4 : 3);
    if (c->kind == MODEL_ALLOCATE) {
        if (!one_in(100))
            name(c->channel, one_in(20) ? "x" : "c", 3);
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
        name(c->channel, "c", 3);
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
    name(out, "h", one_in(6) ? PAPERS : 3);
    if (!served[PROMISES] || one_in(2))
        return;
    if (one_in(4))
        name(out, "h", HOLDS);
    else if (!some_promised(out) && s->expectation_count > 0)
        memcpy(out, s->expectations[below((uint64_t)s->expectation_count)].name, sizeof(model_name));
}

static void make_paper(struct model_command *c)
{
    bool transfers = c->kind == MODEL_TRANSFER_OUT || c->kind == MODEL_TRANSFER_IN || c->kind == MODEL_TRANSFER_LOSS;
    if (transfers && !one_in(100))
        name(c->transfer, "t", one_in(6) ? PAPERS : 3);
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
        some_late_time(&c->at.us);
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
    name(c->source, "s", 4);
    (void)snprintf(c->id, sizeof(c->id), "%u", (unsigned)(run.ids++ % 1000000));
    if (one_in(6))
        c->guard = 1 + (int64_t)below(2);
    c->dry_run = one_in(25);
    if (one_in(12))
        some_time(&c->occurred_at_us);
    else if (run.late && one_in(c->kind == MODEL_PICK || c->kind == MODEL_UNPICK ? 1 : 3))
        some_late_time(&c->occurred_at_us);
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
    if (served[CHANNELS] ? one_in(2) : c->guard == MODEL_GUARD_OFF && one_in(2))
        name(c->channel, one_in(12) ? "x" : "c", 3);
    if (c->kind == MODEL_HOLD || c->kind == MODEL_COMMIT)
        make_claim_terms(c);
    if ((c->kind == MODEL_AMEND || c->kind == MODEL_REASSIGN) && served[BACKORDERS])
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
        name(c->to, "l", one_in(20) ? 4 : 3);
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
            name(c->item, "i", 6);
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
    if (c->kind == MODEL_RECEIVE && served[EXPECTS] && one_in(3)) {
        name(c->expectation, "h", one_in(6) ? PAPERS : 3);
        has_lines = !lines_of_paper(c);
    }
    const struct model_paper *before = model_paper_named(&run.model, false, c->hold, run.now_us);
    const struct model_claim *promised = model_claim_named(&run.model, c->hold, run.now_us);
    bool anew = (before != NULL && before->closed_at_us != MODEL_TIME_NONE) ||
                (promised != NULL && promised->at.form != MODEL_MOMENT_NONE && !one_in(3));
    if (c->kind == MODEL_HOLD && served[PROMISES] && c->guard != MODEL_GUARD_OFF && (anew || one_in(2)))
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
static void next_command(struct model_command *c)
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

/* ---- the adapter ---- */

static struct text text(const char *bytes)
{
    return bytes[0] == '\0' ? TEXT_NONE : text_of(bytes, strlen(bytes));
}

static struct decimal decimal(struct model_decimal d)
{
    return (struct decimal){d.digits, (uint8_t)d.places};
}

static struct precondition adapt_if(const struct model_if *p)
{
    return (struct precondition){
        .present = (uint8_t)((p->has_version ? PRECONDITION_VERSION : 0) | (p->has_on_hand ? PRECONDITION_ON_HAND : 0) |
                             (p->has_available ? PRECONDITION_AVAILABLE : 0) |
                             (p->has_reserved ? PRECONDITION_RESERVED : 0)),
        .version = (uint64_t)p->version,
        .on_hand = decimal(p->on_hand),
        .available = decimal(p->available),
        .reserved = decimal(p->reserved),
    };
}

static const enum command_kind kinds_of[MODEL_KIND_COUNT] = {
    KIND_RECEIVE, KIND_SALE, KIND_SHIP, KIND_RETURN, KIND_ADJUST, KIND_RECLASSIFY, KIND_TRANSFER,
    KIND_HOLD, KIND_EXTEND, KIND_COMMIT, KIND_RELEASE, KIND_PUT_ITEM, KIND_SETTINGS, KIND_AMEND, KIND_REASSIGN,
    KIND_PICK, KIND_UNPICK, KIND_SET_POLICY, KIND_SET_CHANNEL, KIND_ALLOCATE, KIND_TRANSFER_OUT, KIND_TRANSFER_IN,
    KIND_TRANSFER_LOSS, KIND_EXPECT, KIND_REDATE, KIND_CANCEL_EXPECTED, KIND_STOCK_COUNT,
    KIND_CLOSE_PERIOD, KIND_REVERSE, KIND_SNAPSHOT};

static struct moment adapt_moment(const struct model_moment *moment)
{
    return (struct moment){(enum moment_form)moment->form, moment->us};
}

static struct optional_decimal adapt_option(const struct model_option *option)
{
    return (struct optional_decimal){option->given != 0, decimal(option->value)};
}

static struct command adapt(const struct model_command *c)
{
    static struct command_line adapted[MODEL_LINES_MAX];
    static uint8_t places[COMMAND_PLACES_BYTES];
    size_t place_bytes = 0;
    for (int64_t i = 0; i < c->place_count; i++)
        place_bytes += command_place_put(places + place_bytes, text(c->places[i]));
    for (int64_t i = 0; i < c->line_count; i++) {
        adapted[i] = (struct command_line){
            .item = text(c->lines[i].item),
            .location = text(c->lines[i].location),
            .quantity = decimal(c->lines[i].quantity),
            .condition = (enum condition)c->lines[i].condition,
            .precondition = adapt_if(&c->lines[i].precondition),
        };
    }
    struct command command = {
        .kind = kinds_of[c->kind],
        .guard = (enum guard)c->guard,
        .dry_run = c->dry_run != 0,
        .mode = c->partial ? HOLD_PARTIAL : HOLD_ALL_OR_NOTHING,
        .has_seq = c->has_seq != 0,
        .seq = (uint64_t)c->seq,
        .source = text(c->source),
        .id = text(c->id),
        .occurred_at_us = c->occurred_at_us,
        .not_after_us = c->not_after_us,
        .counted_from_us = c->counted_from_us,
        .includes_picked = c->includes_picked != 0,
        .epochs = &epochs_first,
        .has_position = c->has_position != 0,
        .seen_epoch = (uint32_t)c->seen_epoch,
        .seen_position = (uint64_t)c->seen_position,
        .seen_seq = (uint64_t)c->seen_seq,
        .set = text(c->set),
        .last = c->last != 0,
        .measure = (enum measure)c->measure,
        .contains = (enum contains)c->contains,
        .channel = text(c->channel),
        .precondition = adapt_if(&c->precondition),
        .hold = text(c->hold),
        .holder = text(c->holder),
        .expires_in_ms = c->has_expires_in ? c->expires_in_ms : EXPIRES_DEFAULT,
        .from = (enum condition)c->from,
        .to_condition = (enum condition)c->to_condition,
        .to_location = text(c->to),
        .line_count = (uint32_t)c->line_count,
        .lines = adapted,
        .item = text(c->item),
        .location = text(c->location),
        .scale = (uint8_t)c->scale,
        .backorder = c->backorder != 0,
        .wait = c->wait != 0,
        .paid = c->paid != 0,
        .priority = (uint32_t)c->priority,
        .sourcing = (enum sourcing_rule)c->sourcing,
        .place_count = (uint32_t)c->place_count,
        .places = c->place_count > 0 ? text_of((const char *)places, place_bytes) : TEXT_NONE,
        .transfer = text(c->transfer),
        .expectation = text(c->expectation),
        .direction = (enum direction)c->direction,
        .of_source = text(c->of_source),
        .of_id = text(c->of_id),
        .at = adapt_moment(&c->at),
        .due = adapt_moment(&c->due),
        .safety_stock = adapt_option(&c->safety_stock),
        .backorder_limit = adapt_option(&c->backorder_limit),
        .reorder_point = adapt_option(&c->reorder_point),
        .buffer = adapt_option(&c->buffer),
        .cap = adapt_option(&c->cap),
        .shares_rest = (enum choice)c->shares_rest,
        .add = adapt_option(&c->add),
        .to = adapt_option(&c->set_to),
    };
    if (c->kind == MODEL_SETTINGS) {
        command.id_window_ms = WINDOW_US / 1000;
        command.id_capacity = 4096;
        command.strict = c->strict != 0;
    }
    if (c->part_count > 0) {
        static struct item_config config;
        static uint8_t body[CONFIG_BYTES_MAX];
        bool fits;
        config.component_count = (uint32_t)c->part_count;
        for (int64_t p = 0; p < c->part_count; p++)
            config.components[p] = (struct config_component){text(c->parts[p].item), decimal(c->parts[p].quantity)};
        command.config = text_of((const char *)body, item_config_write(&config, body, &fits));
        assert(fits);
    }
    static uint8_t form[COMMAND_BYTES_MAX];
    static const struct siphash_key key = {3, 4};
    size_t n = command_encode(&command, form, sizeof(form));
    command.fingerprint = siphash64(&key, form, n);
    return command;
}

/* ---- the two ledgers ---- */

static const struct ledger_limits limits = {
    .item_count_max = 16, .location_count_max = 16, .source_count_max = 8, .quota_count_max = 512,
    .offer_count_max = 512, .cell_count_max = 128,
    .claim_count_max = 16, .claim_line_count_max = 256,
    .transfer_count_max = 16, .expectation_count_max = 16, .document_line_count_max = 512,
    .mark_count_max = 1024, .statement_count_max = 512, .review_count_max = 512, .id_count_max = 4096,
    .config_mib_max = 1, .part_count_max = 64, .alias_count_max = 64,
};

static struct ledger *fresh(struct ledger **out)
{
    static const struct siphash_key key = {5, 6};
    size_t bytes = ledger_bytes(&limits);
    if (*out == NULL)
        *out = aligned_alloc(REGION_ALIGNMENT, bytes);
    if (*out == NULL)
        exit(2);
    struct region region = {(uint8_t *)*out, bytes, 0};
    memset(region.base, 0, bytes);
    struct ledger *ledger = ledger_init(&region, &limits, &key);
    assert((void *)ledger == (void *)*out);
    return ledger;
}

static void copy_text(struct text *text, char *room, size_t *used)
{
    if (!text_present(*text))
        return;
    memcpy(room + *used, text->bytes, text->length);
    text->bytes = room + *used;
    *used += text->length;
}

static uint64_t audited; /* passes */

/* Some entries more, so that every pass meets decisions in the middle of it. */
static void audit(void)
{
    struct audit_view view;
    bool right = ledger_audit(run.ledger, (uint32_t)(ledger_last_seq(run.ledger) * 17 % 64));
    ledger_audit_look(run.ledger, &view);
    audited += view.passes - run.passes;
    run.passes = view.passes;
    if (!right)
        disagree(view.finding.what, view.finding.table, view.finding.expected, view.finding.found);
}

/* Those of cells that fall into what is closed; all others say nothing. */
static void compare_booked(void)
{
    int64_t closed_us = model_closed_us(&run.model);
    for (uint32_t i = 0; i < run.decision.event_count; i++) {
        const struct event *event = &run.decision.events[i];
        bool falls = event->location != NUMBER_NONE && event_occurred_us(&run.decision, event) < closed_us;
        if (event->type != EVENT_CLOSE_PERIOD)
            same("booked", event_name(event->type), falls ? closed_us : 0, event->booked_us);
    }
}

/* For who wants to reverse it. */
static void keep_decision(void)
{
    static struct event events[KEPT_EVENTS_MAX];
    const struct decision *d = &run.decision;
    if (!d->has_id_hash || d->event_count == 0) /* a tick */
        return;
    assert(run.kept_count < WORLD_ROOM && run.kept_events + d->event_count <= KEPT_EVENTS_MAX);
    run.kept_order[run.kept_count] = run.model.order;
    struct decision *kept = &run.kept[run.kept_count++];
    *kept = (struct decision){.kind = d->kind, .first_seq = d->first_seq, .event_count = d->event_count,
                              .recorded_at_us = d->recorded_at_us, .occurred_at_us = d->occurred_at_us,
                              .events = &events[run.kept_events]};
    memcpy(kept->events, d->events, d->event_count * sizeof(events[0]));
    run.kept_events += d->event_count;
}

static void evolve(void)
{
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    static char room[64 * 1024];
    size_t used = 0;
    struct decision copy = run.decision;
    copy.events = events;
    copy.names = names;
    copy.shortages = NULL;
    copy_text(&copy.id, room, &used);
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i] = run.decision.events[i];
        copy_text(&events[i].hold, room, &used);
        copy_text(&events[i].holder, room, &used);
        copy_text(&events[i].channel, room, &used);
        copy_text(&events[i].config, room, &used);
        copy_text(&events[i].transfer, room, &used);
        copy_text(&events[i].expectation, room, &used);
        events[i].subject = events[i].field = TEXT_NONE;
        events[i].shortages = NULL;
        events[i].mentions = NULL;
    }
    for (uint32_t i = 0; i < copy.name_count; i++) {
        names[i] = run.decision.names[i];
        copy_text(&names[i].name, room, &used);
    }
    assert(used <= sizeof(room));
    ledger_evolve(run.ledger, &run.decision);
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i].skip_count = events[i].seq % 2 == 0 ? run.decision.events[i].skip_count : 0;
        memcpy(events[i].skips, run.decision.events[i].skips, sizeof(events[i].skips));
    }
    ledger_evolve(run.twin, &copy);
    for (uint32_t i = 0; i < copy.event_count; i++)
        same("skips after replay", event_name(events[i].type), run.decision.events[i].skip_count, events[i].skip_count);
    memset(room, 0x5a, used);
    if (ledger_state_hash(run.ledger) != ledger_state_hash(run.twin))
        disagree("state hash after replay", "the twin", 0, 0);
    audit();
    compare_booked();
    keep_decision();
    for (uint32_t i = 0; i < run.decision.event_count; i++) {
        const struct event *event = &run.decision.events[i];
        if (event->location == NUMBER_NONE)
            continue;
        assert(run.past_count < PAST_MAX);
        run.past[run.past_count++] =
            (struct past){event->item, event->location,
                          event->count_seq == 0,
                          event_occurred_us(&run.decision, event), event_booked_us(&run.decision, event), event->delta,
                          event->seq, run.decision.source,
                          event->type == EVENT_SNAPSHOT ? event->stated_by : NUMBER_NONE, event->seen_position,
                          run.decision.has_seq ? run.decision.source_seq : 0};
    }
}

/* Is it in the figures that a question is about? */
static bool is_asked(const struct past *past, const struct question *question)
{
    if (!question->by_position)
        return past->occurred_us <= question->to_us;
    bool told = past->source == question->source && past->own != 0 && past->own <= question->source_seq;
    bool said = past->stated_by == question->source ||
                (past->stated_by != NUMBER_NONE && past->seen_position != 0 && past->seen_position <= question->at_seq);
    return past->seq <= question->at_seq || told || said;
}

/* What the journal's reader finds out about the cells that the ledger has named. */
static void read_past(struct reading *reading, struct cell_reading *cells)
{
    const struct unread *unread = ledger_unread(run.ledger);
    *reading = (struct reading){.question = unread->question, .complete = true, .cell_count = unread->cell_count,
                                .cells = cells};
    for (uint64_t k = 0; k < run.kept_count && unread->question.by_position; k++)
        if (run.kept[k].first_seq <= unread->question.at_seq)
            reading->seen_us = run.kept[k].recorded_at_us;
    for (uint64_t k = 0; k < run.kept_count && unread->question.decision_seq != 0; k++)
        if (run.kept[k].first_seq + run.kept[k].event_count - 1 == unread->question.decision_seq)
            reading->decision = &run.kept[k];
    for (uint32_t i = 0; i < unread->cell_count; i++) {
        struct cell_view view;
        ledger_cell(run.ledger, unread->cells[i], &view);
        cells[i] = (struct cell_reading){.cell = unread->cells[i], .version = view.version};
        ledger_cell_top(run.ledger, unread->cells[i], &cells[i].top);
        for (uint64_t p = 0; p < run.past_count; p++) {
            const struct past *past = &run.past[p];
            if (past->item != view.item || past->location != view.location || !is_asked(past, &reading->question))
                continue;
            for (unsigned f = 0; f < FIGURE_COUNT; f++)
                cells[i].as_of.units[f] += past->delta.units[f];
            for (unsigned c = 0; c < CONDITION_COUNT; c++) {
                int64_t units = counted_units(&past->delta, (enum condition)c, reading->question.includes_picked);
                if (past->moves && past->occurred_us > reading->question.from_us)
                    cells[i].moved[c] += units < 0 ? -units : units;
            }
        }
    }
}

/* ---- comparing ---- */

static void compare_items(void)
{
    const struct model_state *s = &run.model.now;
    struct ledger_counts counts = ledger_counts(run.ledger);
    same("items", "the ledger", s->item_count, counts.items);
    same("locations", "the ledger", s->location_count, counts.locations);
    same("sources", "the ledger", s->source_count + 1, counts.sources); /* and @ledger */
    same("cells", "the ledger", s->cell_count, counts.cells);
    same("events", "the ledger", s->seq, (int64_t)ledger_last_seq(run.ledger));
    for (int64_t i = 0; i < s->item_count; i++) {
        const struct model_item *item = &s->items[i];
        struct item_view view;
        uint32_t number = ledger_number(run.ledger, NAME_ITEM, text(item->name));
        if (!ledger_item(run.ledger, number, &view))
            disagree("item", item->name, 1, 0);
        same("scale", item->name, item->scale, view.scale);
        same("stamp", item->name, item->config_seq, (int64_t)view.stamp);
        same("declared", item->name, item->config_seq != 0, view.declared);
        same("@supplier", item->name, item->supplier, ledger_account(run.ledger, number, ACCOUNT_SUPPLIER));
        same("@customer", item->name, item->customer, ledger_account(run.ledger, number, ACCOUNT_CUSTOMER));
        same("@loss", item->name, item->loss, ledger_account(run.ledger, number, ACCOUNT_LOSS));
        same("@found", item->name, item->found, ledger_account(run.ledger, number, ACCOUNT_FOUND));
    }
}

static uint32_t cell_of(const struct model_cell *cell)
{
    uint32_t item = ledger_number(run.ledger, NAME_ITEM, text(cell->item));
    uint32_t location = ledger_number(run.ledger, NAME_LOCATION, text(cell->location));
    uint32_t number = item == NUMBER_NONE || location == NUMBER_NONE ? NUMBER_NONE
                                                                      : ledger_cell_find(run.ledger, item, location);
    if (number == NUMBER_NONE)
        disagree("cell", cell->item, 1, 0);
    return number;
}

static uint32_t cell_numbers[MODEL_CELLS_MAX]; /* the ledger's, for the model's */

/* The claims of a cell, by its own list: each open one once. */
static void compare_cell_claims(int64_t cell)
{
    const struct model_state *s = &run.model.now;
    int64_t wanted = 0, listed = 0, units = 0;
    for (int64_t i = 0; i < s->claim_count; i++)
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_claim_line *line = &s->claims[i].lines[l];
            wanted += line->cell == cell && line->held + line->committed + line->waiting > 0;
        }
    for (uint32_t l = NUMBER_NONE; (l = ledger_cell_claim_next(run.ledger, cell_numbers[cell], l)) != NUMBER_NONE;) {
        struct claim_line_view view;
        struct claim_view claim;
        ledger_claim_line(run.ledger, l, &view);
        if (!ledger_claim_at(run.ledger, view.claim, &claim))
            disagree("claim of", s->cells[cell].item, 1, 0);
        listed++;
        units += view.units[CLAIM_HELD] + view.units[CLAIM_COMMITTED];
    }
    same("claims of", s->cells[cell].item, wanted, listed);
    same("claimed of", s->cells[cell].item, model_held(s, cell) + model_committed(s, cell), units);
}

static void compare_cells(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t c = 0; c < s->cell_count; c++) {
        struct cell_view view;
        cell_numbers[c] = cell_of(&s->cells[c]);
        ledger_cell(run.ledger, cell_numbers[c], &view);
        for (unsigned k = 0; k < MODEL_CONDITIONS; k++)
            same(condition_name((enum condition)k), s->cells[c].item, s->cells[c].on[k], view.figures.units[k]);
        same("held", s->cells[c].item, model_held(s, c), view.figures.units[FIGURE_HELD]);
        same("committed", s->cells[c].item, model_committed(s, c), view.figures.units[FIGURE_COMMITTED]);
        same("picked", s->cells[c].item, model_picked(s, c), view.figures.units[FIGURE_PICKED]);
        same("backordered", s->cells[c].item, model_backordered(s, c), view.figures.units[FIGURE_BACKORDERED]);
        same("in_transit", s->cells[c].item, model_in_transit(s, c), view.figures.units[FIGURE_IN_TRANSIT]);
        same("incoming", s->cells[c].item, model_incoming(s, c), view.figures.units[FIGURE_INCOMING]);
        same("outgoing", s->cells[c].item, model_outgoing(s, c), view.figures.units[FIGURE_OUTGOING]);
        same("safety_stock", s->cells[c].item, s->cells[c].safety_stock, view.figures.units[FIGURE_SAFETY_STOCK]);
        same("backorder_limit", s->cells[c].item, s->cells[c].backorder_limit,
             view.figures.units[FIGURE_BACKORDER_LIMIT]);
        same("in_bins", s->cells[c].item, model_in_bins(s, c), view.figures.units[FIGURE_IN_BINS]);
        same("reorder_point", s->cells[c].item, s->cells[c].reorder_point, view.figures.units[FIGURE_REORDER_POINT]);
        /* For another time after each command: days, and instants around now. */
        int64_t turn = (int64_t)(run.command_number % 8);
        struct model_moment at = {MODEL_MOMENT_DAY, (run.now_us / DAY_US + turn - 1) * DAY_US};
        if (turn > 4)
            at = (struct model_moment){MODEL_MOMENT_INSTANT, run.now_us + (turn - 6) * DAY_US};
        same("atp", s->cells[c].item, model_atp(s, c, &at, run.now_us),
                 ledger_atp(run.ledger, view.item, view.location, adapt_moment(&at), run.now_us));
        same("version", s->cells[c].item, s->cells[c].version, (int64_t)view.version);
        compare_cell_claims(c);
    }
}

static uint64_t pasts_compared, booked_apart;

/* What was there then, of one cell and condition, on both axes, for another time after each command. */
static void compare_past(void)
{
    const struct model_state *s = &run.model.now;
    if (s->cell_count == 0 || !run.late)
        return;
    int64_t c = (int64_t)below((uint64_t)s->cell_count);
    int64_t condition = one_in(2) ? 0 : (int64_t)below(MODEL_CONDITIONS);
    int64_t closings_there = s->closing_count, at_us, sum = 0, booked = 0;
    some_late_time(&at_us);
    if (closings_there > 0 && one_in(2)) /* around the end of what is, or was, closed */
        at_us = s->closings[below((uint64_t)closings_there)].until_us - (int64_t)below(2) * (one_in(2) ? 1 : SECOND_US);
    struct cell_view view;
    ledger_cell(run.ledger, cell_numbers[c], &view);
    for (uint64_t p = 0; p < run.past_count; p++) {
        if (run.past[p].item != view.item || run.past[p].location != view.location)
            continue;
        sum += run.past[p].occurred_us <= at_us ? run.past[p].delta.units[condition] : 0;
        booked += run.past[p].booked_us <= at_us ? run.past[p].delta.units[condition] : 0;
    }
    same("as of", s->cells[c].item,
         model_as_of(&run.model, s->cells[c].item, s->cells[c].location, condition, at_us), sum);
    same("as booked", s->cells[c].item,
         model_as_booked(&run.model, s->cells[c].item, s->cells[c].location, condition, at_us), booked);
    pasts_compared++;
    booked_apart += sum != booked;
}

static uint64_t earliest_later;

/* Of one cell after each command, for so many: the earliest time is one that will do, and no earlier one does. */
static void compare_earliest(void)
{
    const struct model_state *s = &run.model.now;
    if (s->cell_count == 0)
        return;
    int64_t c = (int64_t)(run.command_number / 7) % s->cell_count;
    int64_t units = 1 + (int64_t)(run.command_number % 16);
    struct model_moment at = {MODEL_MOMENT_INSTANT, run.now_us + (int64_t)(run.command_number % 3 - 1) * DAY_US};
    struct model_moment then = {MODEL_MOMENT_INSTANT, INT64_MAX / 8};
    struct cell_view view;
    ledger_cell(run.ledger, cell_numbers[c], &view);
    bool ever = ledger_atp_earliest(run.ledger, view.item, view.location, adapt_moment(&at), run.now_us, units,
                                    &then.us);
    same("earliest: enough", s->cells[c].item, model_atp(s, c, &then, run.now_us) >= units, ever);
    earliest_later += ever && then.us > at.us;
    if (!ever || then.us == at.us)
        return;
    then.us--;
    same("earliest: before, too little", s->cells[c].item, model_atp(s, c, &then, run.now_us) < units, 1);
}

enum asked { ASKED_DENIED, ASKED_GIVEN, ASKED_NOTHING };

/* Would a hold of so many be granted or promised? at absent: granted alone. Nothing comes of it. */
static enum asked ask_hold(const struct model_cell *cell, struct moment at, int64_t units)
{
    struct command_line line = {.item = text(cell->item), .location = text(cell->location),
                                .quantity = {units, 0}, .condition = CONDITION_NONE};
    const struct command command = {.kind = KIND_HOLD, .source = TEXT("asks"), .hold = TEXT("asked"), .at = at,
                                    .occurred_at_us = TIME_NONE, .not_after_us = TIME_NONE, .lines = &line,
                                    .line_count = 1};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (run.verdict.code == CODE_none)
        return ASKED_GIVEN;
    /* Else a bin, or beyond the figures' range. */
    return run.verdict.code == CODE_insufficient_stock ? ASKED_DENIED : ASKED_NOTHING;
}

static uint64_t kits_asked_later;

/* What can be promised of a kit is what a hold for that time gets, unless more is free now. */
static void compare_promises(void)
{
    const struct model_state *s = &run.model.now;
    int64_t turn = (int64_t)(run.command_number % 8);
    struct model_moment at = {MODEL_MOMENT_DAY, (run.now_us / DAY_US + turn) * DAY_US};
    if (turn > 4)
        at = (struct model_moment){MODEL_MOMENT_INSTANT, run.now_us + (turn - 6) * DAY_US};
    for (int64_t c = 0; c < s->cell_count; c++) {
        int64_t atp = model_is_kit(s, s->cells[c].item) ? model_atp(s, c, &at, run.now_us) : -1;
        for (int64_t units = atp; units <= atp + 1; units++) {
            if (units <= 0 || units > QUANTITY_UNITS_MAX)
                continue;
            enum asked now = ask_hold(&s->cells[c], (struct moment){.form = MOMENT_ABSENT}, units);
            enum asked then = ask_hold(&s->cells[c], adapt_moment(&at), units);
            if (then == ASKED_NOTHING)
                continue;
            same("hold at", s->cells[c].item, now == ASKED_GIVEN || units <= atp, then == ASKED_GIVEN);
            kits_asked_later += now == ASKED_DENIED && then == ASKED_GIVEN;
        }
    }
}

static void compare_channels(void)
{
    const struct model_state *s = &run.model.now;
    same("channels", "the ledger", s->channel_count, ledger_counts(run.ledger).channels);
    for (int64_t i = 0; i < s->channel_count; i++) {
        const struct model_channel *channel = &s->channels[i];
        struct channel_view view;
        uint32_t number = ledger_number(run.ledger, NAME_CHANNEL, text(channel->name));
        if (!ledger_channel(run.ledger, number, &view))
            disagree("channel", channel->name, 1, 0);
        same("priority", channel->name, channel->priority, view.priority);
        same("shares_rest", channel->name, channel->shares_rest, view.shares_rest);
        same("buffer", channel->name, channel->buffer, view.buffer);
        same("has a cap", channel->name, channel->has_cap, view.has_cap);
        same("cap", channel->name, channel->cap, view.cap);
        same("places", channel->name, channel->place_count, view.place_count);
        for (int64_t p = 0; p < channel->place_count; p++)
            same_text("place", channel->places[p], ledger_name(run.ledger, NAME_LOCATION, view.places[p]));
        for (int64_t c = 0; c < s->cell_count; c++) {
            uint32_t cell = cell_numbers[c];
            same("quota", channel->name, s->cells[c].quota[i], ledger_quota(run.ledger, cell, number));
            same("free", channel->name, model_free(s, c, channel->name), ledger_free(run.ledger, cell, number));
        }
        for (int64_t k = 0; k < s->item_count; k++)
            same("ats", channel->name, model_ats(s, i, k),
                 ledger_ats(run.ledger, number, ledger_number(run.ledger, NAME_ITEM, text(s->items[k].name))));
    }
    for (int64_t c = 0; c < s->cell_count; c++)
        same("free", "no channel", model_free(s, c, ""), ledger_free(run.ledger, cell_numbers[c], NUMBER_NONE));
}

static void compare_claim(const char *hold)
{
    const struct model_claim *claim = model_claim_named(&run.model, hold, ledger_now_us(run.ledger));
    struct claim_view view;
    bool there = ledger_claim(run.ledger, text(hold), &view);
    same("claim", hold, claim != NULL, there);
    if (claim == NULL)
        return;
    same_text("state", claim->state, text_of(claim_state_name(view.state), strlen(claim_state_name(view.state))));
    same_text("holder", claim->holder, view.holder);
    same_text("channel", claim->channel, view.channel);
    same("paid", hold, claim->paid, view.paid);
    same("priority", hold, claim->priority, view.priority);
    same("at", hold, claim->at.us, view.at.us);
    same("made", hold, claim->made, (int64_t)view.claim);
    same("end", hold, claim->expires_at_us, view.expires_at_us);
    /* In which order the cells of a claim stand is of no account. */
    int64_t lines = 0;
    for (uint32_t number = view.line; number != NUMBER_NONE; lines++) {
        struct claim_line_view have;
        ledger_claim_line(run.ledger, number, &have);
        number = have.next;
        const struct model_claim_line *line = NULL;
        for (int64_t l = 0; l < claim->line_count; l++) {
            const struct model_cell *cell = &run.model.now.cells[claim->lines[l].cell];
            if (is_text(cell->item, ledger_name(run.ledger, NAME_ITEM, have.item)) &&
                is_text(cell->location, ledger_name(run.ledger, NAME_LOCATION, have.location)))
                line = &claim->lines[l];
        }
        if (line == NULL)
            disagree("lines", hold, claim->line_count, lines + 1);
        same("granted", hold, line->granted, have.units[CLAIM_GRANTED]);
        same("held", hold, line->held, have.units[CLAIM_HELD]);
        same("committed", hold, line->committed, have.units[CLAIM_COMMITTED]);
        same("picked", hold, line->picked, have.units[CLAIM_PICKED]);
        same("consumed", hold, line->consumed, have.units[CLAIM_CONSUMED]);
        same("released", hold, line->released, have.units[CLAIM_RELEASED]);
        same("expired", hold, line->expired, have.units[CLAIM_EXPIRED]);
        same("short", hold, line->lost, have.units[CLAIM_SHORT]);
        same("backordered", hold, line->backordered, have.units[CLAIM_BACKORDERED]);
        same("quota", hold, line->quota, have.units[CLAIM_QUOTA]);
        same("waiting", hold, line->waiting, have.units[CLAIM_WAITING]);
    }
    same("lines", hold, claim->line_count, lines);
}

/* Transfers and expected documents: what is open of them in each cell, and for when. */
static void compare_paper(bool transfer, const char *paper_name)
{
    const struct model_paper *paper = model_paper_named(&run.model, transfer, paper_name, ledger_now_us(run.ledger));
    struct transfer_view under_way = {.line = NUMBER_NONE};
    struct expectation_view expected = {.line = NUMBER_NONE};
    bool there = transfer ? ledger_transfer(run.ledger, text(paper_name), &under_way)
                          : ledger_expectation(run.ledger, text(paper_name), &expected);
    same("document", paper_name, paper != NULL, there);
    if (paper == NULL)
        return;
    same("open", paper_name, paper->closed_at_us == MODEL_TIME_NONE, transfer ? under_way.open : expected.open);
    if (!transfer)
        same("direction", paper_name, paper->direction, expected.direction);
    for (int64_t l = 0; l < paper->line_count; l++) {
        const struct model_cell *cell = &run.model.now.cells[paper->lines[l].cell];
        int64_t units = 0;
        struct document_line_view have;
        for (uint32_t n = transfer ? under_way.line : expected.line; n != NUMBER_NONE; n = have.next) {
            ledger_document_line(run.ledger, n, &have);
            if (!is_text(cell->item, ledger_name(run.ledger, NAME_ITEM, have.item)) ||
                !is_text(cell->location, ledger_name(run.ledger, NAME_LOCATION, have.location)))
                continue;
            units = have.units;
            if (paper->lines[l].open > 0) {
                same("form of the time", paper_name, paper->lines[l].due.form, have.when.form);
                same("time", paper_name, paper->lines[l].due.us, have.when.us);
            }
        }
        int64_t open = 0;
        for (int64_t k = 0; k < paper->line_count; k++)
            open += paper->lines[k].cell == paper->lines[l].cell ? paper->lines[k].open : 0;
        same("open units", paper_name, open, units);
    }
}

static void compare_papers(void)
{
    for (unsigned n = 0; n < HOLDS; n++) {
        model_name paper_name;
        (void)snprintf(paper_name, sizeof(paper_name), "h%u", n);
        compare_paper(false, paper_name);
        (void)snprintf(paper_name, sizeof(paper_name), "t%u", n);
        if (n < PAPERS)
            compare_paper(true, paper_name);
    }
}

static void compare_sources(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->source_count; i++) {
        const struct model_source *source = &s->sources[i];
        uint32_t number = ledger_number(run.ledger, NAME_SOURCE, text(source->name));
        if (number == NUMBER_NONE)
            disagree("source", source->name, 1, 0);
        struct silence_view view = ledger_silence(run.ledger, number);
        same("watched", source->name, source->silence.after_s != 0, view.watched);
        same("silent since", source->name, source->silent_since_us, view.since_us);
    }
}

static const enum snapshot_policy policies[MODEL_POLICIES] = {SNAPSHOT_REBASE, SNAPSHOT_COMPARE_AND_SET,
                                                              SNAPSHOT_LATEST_EVENT_TIME, SNAPSHOT_REPORT};

static void compare_statements(void)
{
    const struct model *model = &run.model;
    same("statements", "the ledger", model->statement_count, ledger_statement_count(run.ledger));
    for (uint32_t n = 0; n < ledger_statement_count(run.ledger); n++) {
        struct statement_view view;
        ledger_statement(run.ledger, n, &view);
        const struct model_statement *said = NULL;
        for (int64_t i = 0; i < model->statement_count && said == NULL; i++) {
            const struct model_statement *other = &model->statements[i];
            if (other->condition == (int64_t)view.condition &&
                is_text(other->source, ledger_name(run.ledger, NAME_SOURCE, view.source)) &&
                is_text(other->item, ledger_name(run.ledger, NAME_ITEM, view.item)) &&
                is_text(other->location, ledger_name(run.ledger, NAME_LOCATION, view.location)))
                said = other;
        }
        if (said == NULL)
            disagree("statement", "the ledger", 0, n);
        same("stated last", said->item, said->stated, view.stated);
        same("books then", said->item, said->books, view.books);
        same("policy", said->item, (int64_t)policies[said->policy], (int64_t)view.policy);
        same("seen position", said->item, said->seen_position, (int64_t)view.seen_position);
        same("seen time", said->item, said->seen_us, view.seen_us);
        same("net", said->item, said->net, view.net);
        same("of the shelf", said->item, said->shelf, view.shelf);
    }
}

static void compare_state(void)
{
    compare_items();
    compare_sources();
    compare_cells();
    compare_earliest();
    compare_channels();
    for (unsigned h = 0; h < HOLDS; h++) {
        model_name hold;
        (void)snprintf(hold, sizeof(hold), "h%u", h);
        compare_claim(hold);
    }
    compare_papers();
    compare_statements();
    same("closed until", "the ledger", model_closed_us(&run.model), ledger_period(run.ledger).closed_us);
}

static void copy_name(model_name out, struct text name)
{
    memset(out, 0, sizeof(model_name));
    if (text_present(name) && name.length < sizeof(model_name))
        memcpy(out, name.bytes, name.length);
}

/* What holds in the model at any time (I1, I2); a model that breaks it is wrong in itself. */
static void check_model(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->claim_count; i++) {
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_claim_line *line = &s->claims[i].lines[l];
            int64_t open = line->held + line->committed;
            if (line->granted != line->consumed + line->released + line->expired + open || line->held < 0 ||
                line->picked < 0 || line->picked > line->committed || line->backordered < 0 ||
                line->lost < 0 || line->lost > line->backordered || line->backordered > open || line->quota < 0 ||
                line->quota > open || line->waiting < 0)
                disagree("claim in itself", s->claims[i].name, l, 0);
        }
    }
    for (int64_t i = 0; i < s->item_count; i++) {
        const struct model_item *item = &s->items[i];
        int64_t sum = item->supplier + item->customer + item->loss + item->found;
        for (int64_t c = 0; c < s->cell_count; c++) {
            if (strcmp(s->cells[c].item, item->name) != 0)
                continue;
            sum += model_in_transit(s, c);
            for (unsigned k = 0; k < MODEL_CONDITIONS; k++)
                sum += s->cells[c].on[k];
        }
        if (sum != 0)
            disagree("all accounts (I1)", item->name, sum, 0);
    }
    for (int64_t c = 0; c < s->cell_count; c++)
        for (int64_t q = 0; q < s->channel_count; q++)
            if (s->cells[c].quota[q] < 0)
                disagree("quota in itself", s->cells[c].item, s->cells[c].quota[q], 0);
}

static struct text decision_name(enum name_space space, uint32_t number)
{
    for (uint32_t i = 0; i < run.decision.name_count; i++)
        if (run.decision.names[i].space == space && run.decision.names[i].number == number)
            return run.decision.names[i].name;
    return number == NUMBER_NONE ? TEXT_NONE : ledger_name(run.ledger, space, number);
}

enum { COUNTS_MADE, COUNTS_LATE, COUNTS_FOUND, COUNTS_MISSING, CORRECTED, SIGN_TURNS, UNCERTAIN, UNCERTAIN_LATE,
       BY_TURNS, COUNTS_FORGOTTEN, COUNTS_LAST, COUNTS_TOO_LATE, COUNTS_OF_PICKED, CORRECTED_IN_BINS, READ, READ_AGAIN,
       READ_STILL, COUNT_FATES };
static const char *const count_names[COUNT_FATES] = {
    "counts: made", "counts: late ones", "counts: too much", "counts: missing", "counts: corrected",
    "counts: sign turned", "counts: uncertain", "counts: late uncertain", "counts: by turns", "counts: forgotten",
    "counts: older, last", "counts: too late", "counts: with trolleys", "counts: in bins", "counts: read",
    "counts: read again", "counts: read, still so"};
static uint64_t count_fates[COUNT_FATES];

static bool is_of(const struct event *event, const struct model_count *count)
{
    return event->condition == (enum condition)count->condition &&
           is_text(count->item, decision_name(NAME_ITEM, event->item)) &&
           is_text(count->location, decision_name(NAME_LOCATION, event->location));
}

/* A count that was made, or all corrections of one. */
static void compare_told(const struct model_told *told)
{
    const struct model_count *count = &told->after;
    int64_t events = 0, units = 0;
    const struct event *last = NULL;
    for (uint32_t k = 0; k < run.decision.event_count; k++) {
        const struct event *event = &run.decision.events[k];
        enum event_type made = count->snapshot ? EVENT_SNAPSHOT : EVENT_STOCK_COUNT;
        if (told->made ? event->type != made || !is_of(event, count)
                       : event->type != EVENT_CORRECTION || (int64_t)event->count_seq != count->seq)
            continue;
        events++;
        units += event->quantity;
        last = event;
    }
    same("events of a count", count->item, told->events, events);
    if (!is_of(last, count))
        disagree("correction of a count", count->item, 1, 0);
    same("quantity of a count", count->item,
         told->made ? count->counted : count->variance - told->before.variance, units);
    same("variance", count->item, count->variance, last->variance);
    same("uncertain", count->item, count->uncertain, last->uncertain);
    same("begin of the window", count->item, count->from_us, last->count_from_us);
    same("end of the window", count->item, count->to_us, last->count_to_us);
    same("includes picked", count->item, count->includes_picked, last->count_picked);
    if (run.verdict.outcome == OUTCOME_DECIDED && told->made)
        run.model.counts[told->number].seq = (int64_t)last->seq;
}

/* What was said of each condition of a cell, one event of each, and none besides. */
static void compare_said(const struct model_command *c, const struct model_answer *answer)
{
    int64_t there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++) {
        const struct event *event = &run.decision.events[k];
        there += event->type == EVENT_SNAPSHOT;
        same("end of a set", c->set, event->type == EVENT_SNAPSHOT && event->location == NUMBER_NONE,
             event->set_closed);
    }
    same("events of a snapshot", "the command", answer->said_count + c->last, there);
    for (int64_t i = 0; i < answer->said_count; i++) {
        const struct model_statement *said = &answer->said[i];
        const struct event *event = NULL;
        for (uint32_t k = 0; k < run.decision.event_count; k++) {
            const struct event *other = &run.decision.events[k];
            if (other->type == EVENT_SNAPSHOT && !other->set_closed &&
                other->condition == (enum condition)said->condition &&
                is_text(said->item, decision_name(NAME_ITEM, other->item)) &&
                is_text(said->location, decision_name(NAME_LOCATION, other->location)))
                event = other;
        }
        if (event == NULL)
            disagree("an event of what was said", said->item, 1, 0);
        same("stated", said->item, said->stated, event->quantity);
        same("books of that moment", said->item, said->books, event->books);
        same("booked", said->item, said->booked, event->delta.units[said->condition]);
        same("net", said->item, said->net, event->net);
        same("of the shelf", said->item, said->shelf, event->shelf);
    }
}

static void compare_counts(const struct model_answer *answer)
{
    int64_t wanted = 0, there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++)
        there += run.decision.events[k].count_seq != 0;
    for (int64_t i = 0; i < answer->told_count; i++) {
        compare_told(&answer->told[i]);
        wanted += answer->told[i].events;
    }
    for (int64_t i = 0; i < answer->undone_count; i++) {
        const struct model_count *count = &answer->undone[i];
        int64_t events = 0;
        for (uint32_t k = 0; k < run.decision.event_count; k++) {
            const struct event *event = &run.decision.events[k];
            events += event->type == EVENT_REVERSE && (int64_t)event->count_seq == count->seq && is_of(event, count) &&
                      event->quantity == -count->variance;
        }
        same("reversals of a count", count->item, 1, events);
        wanted++;
    }
    same("events of counts", "the command", wanted, there);
}

/* One event of the command's own kind for each cell that its lines came to, with as many units, and none besides. */
static void compare_events(const struct model_command *c, const struct model_answer *answer)
{
    static const enum event_type types[MODEL_KIND_COUNT] = {
        [MODEL_SALE] = EVENT_SALE, [MODEL_SHIP] = EVENT_SHIP, [MODEL_HOLD] = EVENT_HOLD, [MODEL_COMMIT] = EVENT_COMMIT,
        [MODEL_RELEASE] = EVENT_RELEASE, [MODEL_AMEND] = EVENT_AMEND, [MODEL_PICK] = EVENT_PICK,
        [MODEL_UNPICK] = EVENT_UNPICK};
    if (types[c->kind] == 0)
        return;
    int64_t wanted = 0, there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++)
        there += run.decision.events[k].type == types[c->kind] && run.decision.events[k].quantity > 0;
    for (int64_t i = 0; i < answer->taken_count; i++) {
        const struct model_taken *taken = &answer->taken[i];
        bool found = taken->units == 0;
        for (uint32_t k = 0; k < run.decision.event_count && !found; k++) {
            const struct event *event = &run.decision.events[k];
            found = event->type == types[c->kind] && event->quantity == taken->units &&
                    is_text(taken->item, decision_name(NAME_ITEM, event->item)) &&
                    is_text(taken->location, decision_name(NAME_LOCATION, event->location));
        }
        if (!found)
            disagree("an event of this quantity", taken->item, taken->units, 0);
        wanted += taken->units > 0;
    }
    same("events of the kind", c->id, wanted, there);
}

static bool is_held(enum brake brake)
{
    return run.verdict.outcome <= OUTCOME_DRY && run.decision.events[0].type == EVENT_REVIEW &&
           run.decision.event_count == 1 && run.decision.events[0].brake == brake;
}

/* What the ledger answered. To the model a fact that is held for being too late is one that is refused: nothing changes. */
static enum code ledger_code(void)
{
    return is_held(BRAKE_TOO_LATE) ? CODE_too_late : run.verdict.code;
}

static const char *ledger_said(void)
{
    return is_held(BRAKE_MAX_CHANGE) ? "held" : code_name(ledger_code());
}

static void compare_answer(const struct model_command *c, const struct model_answer *answer)
{
    const struct verdict *v = &run.verdict;
    const char *code = ledger_said();
    static const char *const words[] = {"accepted", "refused", "invalid", "duplicate"};
    unsigned outcome = v->outcome == OUTCOME_INVALID     ? MODEL_INVALID
                       : v->outcome == OUTCOME_DUPLICATE ? MODEL_DUPLICATE
                       : strcmp(code, "none") == 0       ? MODEL_ACCEPTED
                                                         : MODEL_REFUSED;
    if (outcome != (unsigned)answer->outcome || strcmp(answer->code, code) != 0) {
        fprintf(stderr, "the model: %s %s, the ledger: %s %s\n", words[answer->outcome], answer->code, words[outcome],
                code);
        disagree("answer", kind_names[c->kind], answer->outcome, (int64_t)outcome);
    }
    if (outcome == MODEL_DUPLICATE)
        same("position of the first answer", c->id, answer->seq, (int64_t)v->duplicate_seq);
    if (outcome == MODEL_DUPLICATE || outcome == MODEL_INVALID)
        return;
    same("dry", c->id, c->dry_run, v->outcome == OUTCOME_DRY);
    if (outcome == MODEL_REFUSED) {
        same("shortages", c->id, answer->shortage_count, run.decision.shortage_count);
        same("claims in the way", c->id, answer->mentions, run.decision.events[0].mention_total);
    }
    for (int64_t i = 0; outcome == MODEL_REFUSED && i < answer->shortage_count; i++) {
        const struct model_shortage *row = &answer->shortages[i];
        bool there = false;
        for (uint32_t k = 0; k < run.decision.shortage_count; k++) {
            const struct shortage *s = &run.decision.shortages[k];
            there = there || (is_text(row->item, decision_name(NAME_ITEM, s->item)) &&
                              is_text(row->location, decision_name(NAME_LOCATION, s->location)) &&
                              row->asked == s->asked && row->free == s->free);
        }
        if (!there) {
            fprintf(stderr, "of %s@%s: the model asked %" PRId64 ", free %" PRId64 "\n", row->item, row->location,
                    row->asked, row->free);
            for (uint32_t k = 0; k < run.decision.shortage_count; k++) {
                const struct shortage *s = &run.decision.shortages[k];
                struct text item = decision_name(NAME_ITEM, s->item);
                fprintf(stderr, "  the ledger: of %.*s asked %" PRId64 ", free %" PRId64 "\n", (int)item.length,
                        item.bytes, s->asked, s->free);
            }
            disagree("shortage", c->id, i, 0);
        }
    }
    if (outcome == MODEL_ACCEPTED) {
        same("clock skew", c->id, answer->clock_skew, run.decision.clock_skew);
        compare_events(c, answer);
        compare_counts(answer);
        compare_said(c, answer);
    }
    if (v->code == CODE_hold_ended) {
        same("consumed", c->hold, answer->consumed, run.decision.events[0].consumed);
        same("released", c->hold, answer->released, run.decision.events[0].released);
    }
}

/* ---- counting ---- */

enum { ACCEPTED, REFUSED, INVALID, DUPLICATE, DRY, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"accepted", "refused", "invalid", "duplicate", "dry"};
static uint64_t counts[MODEL_KIND_COUNT][OUTCOMES];
static uint64_t codes[CODE_COUNT];
static uint64_t places_set, places_refused, bins_told, bins_shipped;
static uint64_t sources_set, sources_refused, silent_told, heard_told, heard_by_settings, shown_less;
static uint64_t claims_expired, ticks, forgotten, skewed, cells_covered, claims_served, claims_short;
static int64_t trolleys_short, others_short;

/* What became of holds for later (PROMISES). */
enum {
    PROMISED, PROMISED_CHANNEL, PROMISED_SOURCED, PROMISED_DAY, GRANTED_AT_ONCE, NOT_PROMISED, NAME_TAKEN, REOPENED,
    OTHER_AT, WITHOUT_AT, PROMISED_DRY, PROMISED_SERVED, PROMISED_EXPIRED, PROMISED_RELEASED, PROMISED_EXTENDED,
    BESIDE_COMMIT, BESIDE_AMEND, BESIDE_SHIP, KEPT_EXPECT, KEPT_REDATE, KEPT_CANCEL, PROMISE_COUNT
};
static const char *const promise_names[PROMISE_COUNT] = {
    "at: promised", "at: in a channel", "at: sourced", "at: for a day", "at: granted at once", "at: refused",
    "at: name taken", "at: document reopened", "at: for another time", "at: no longer", "at: dry", "at: served",
    "at: expired", "at: released", "at: extended", "at: commit beside", "at: amend beside", "at: ship beside",
    "at: kept from expect", "at: kept from redate", "at: kept from cancel"};
static uint64_t promises[PROMISE_COUNT];

static enum code code_of(const char *name)
{
    for (unsigned c = 0; c < CODE_COUNT; c++)
        if (strcmp(code_name((enum code)c), name) == 0)
            return (enum code)c;
    disagree("code", name, 1, 0);
}

/* Commands with lines of kits, and what became of the kits in those that were accepted. */
static uint64_t kit_counts[MODEL_KIND_COUNT][OUTCOMES];
enum { KIT_BUILT, KIT_PARTS, KIT_BOTH, KIT_SHARED, KIT_SOURCED, KIT_PARTIAL, KIT_WAITS, KIT_BACKORDERED, KIT_CHANNEL,
       KIT_ANEW, KIT_LATER, KIT_FATES };
static const char *const kit_fate_names[KIT_FATES] = {
    "kits built", "kits put together", "built and together", "parts of two lines", "kits sourced", "kits in part",
    "kits that wait", "kits backordered", "kits of a channel", "kits of expired", "kits for later"};
static uint64_t kit_fates[KIT_FATES];

static void count_kits(const struct model_command *c, const struct model_answer *answer, unsigned outcome)
{
    bool any = false, seeks = false;
    for (int64_t i = 0; i < c->line_count; i++) {
        bool kit = model_is_kit(&run.model.now, c->lines[i].item);
        any = any || kit;
        seeks = seeks || (kit && c->lines[i].location[0] == '\0');
    }
    kit_counts[c->kind][outcome] += any;
    const struct model_claim *claim = model_claim_named(&run.model, c->hold, run.now_us);
    if (outcome != ACCEPTED || answer->built + answer->put_together == 0)
        return;
    int64_t waiting = 0, backordered = 0, expired = 0;
    for (int64_t l = 0; claim != NULL && l < claim->line_count; l++) {
        waiting += claim->lines[l].waiting;
        backordered += claim->lines[l].backordered;
        expired += claim->lines[l].expired;
    }
    bool together = answer->put_together > 0;
    kit_fates[KIT_BUILT] += answer->built > 0;
    kit_fates[KIT_PARTS] += together;
    kit_fates[KIT_BOTH] += answer->built > 0 && together;
    kit_fates[KIT_SHARED] += answer->shared > 0;
    kit_fates[KIT_SOURCED] += seeks && together;
    bool partial = c->kind == MODEL_HOLD && c->partial && !c->wait && !c->backorder;
    kit_fates[KIT_PARTIAL] += partial && answer->shortage_count > 0;
    kit_fates[KIT_WAITS] += c->kind == MODEL_HOLD && together && waiting > 0;
    kit_fates[KIT_BACKORDERED] += together && backordered > 0;
    kit_fates[KIT_CHANNEL] += together && claim != NULL && claim->channel[0] != '\0';
    kit_fates[KIT_ANEW] += c->kind == MODEL_COMMIT && expired > 0;
    kit_fates[KIT_LATER] += c->kind == MODEL_HOLD && together && c->at.form != MODEL_MOMENT_NONE;
}

static int64_t open_units(const struct model_paper *paper)
{
    int64_t sum = 0;
    for (int64_t l = 0; paper != NULL && l < paper->line_count; l++)
        sum += paper->lines[l].open;
    return sum;
}

static bool waits(const struct model_claim *claim)
{
    return claim != NULL && strcmp(claim->state, "waiting") == 0;
}

/* What a command was about, of holds for later, before and after it. */
struct promise {
    bool there, at, waits; /* the claim; has it a time; does all of it wait */
    struct model_moment when;
    bool paper, closed, out;
    int64_t open;
};

static struct promise promise_of(const struct model_command *c)
{
    const char *of = c->expectation[0] != '\0' ? c->expectation : c->hold;
    const struct model_claim *claim = model_claim_named(&run.model, of, run.now_us);
    const struct model_paper *paper = model_paper_named(&run.model, false, of, run.now_us);
    struct promise p = {.there = claim != NULL && claim->ended_at_us == MODEL_TIME_NONE, .paper = paper != NULL};
    if (p.there) {
        p.at = claim->at.form != MODEL_MOMENT_NONE;
        p.when = claim->at;
        p.waits = waits(claim);
    }
    if (p.paper) {
        p.closed = paper->closed_at_us != MODEL_TIME_NONE;
        p.out = paper->direction == MODEL_DIRECTION_OUT;
        p.open = open_units(paper);
    }
    return p;
}

static void count_hold(const struct model_command *c, const struct model_answer *answer, const struct promise *before)
{
    struct promise after = promise_of(c);
    bool accepted = answer->outcome == MODEL_ACCEPTED;
    bool at = c->at.form != MODEL_MOMENT_NONE;
    bool later = at && (!before->there || before->waits);
    if (c->dry_run) {
        promises[PROMISED_DRY] += at && accepted;
        return;
    }
    promises[NOT_PROMISED] += later && strcmp(answer->code, "insufficient_stock") == 0;
    promises[NAME_TAKEN] += later && strcmp(answer->code, "expectation_closed") == 0;
    if (!accepted)
        return;
    promises[WITHOUT_AT] += !at && before->at && before->waits;
    promises[GRANTED_AT_ONCE] += at && !after.waits;
    if (!at || !after.waits)
        return;
    promises[PROMISED]++;
    promises[PROMISED_CHANNEL] += c->channel[0] != '\0';
    promises[PROMISED_SOURCED] += c->sourcing != 0;
    promises[PROMISED_DAY] += c->at.form == MODEL_MOMENT_DAY;
    promises[REOPENED] += before->paper && before->closed;
    promises[OTHER_AT] += before->at && before->when.us != c->at.us;
}

static void count_promise(const struct model_command *c, const struct model_answer *answer,
                          const struct promise *before)
{
    if (c->kind == MODEL_HOLD) {
        count_hold(c, answer, before);
        return;
    }
    if (strcmp(answer->code, "expectation_promised") == 0) {
        promises[KEPT_EXPECT] += c->kind == MODEL_EXPECT;
        promises[KEPT_REDATE] += c->kind == MODEL_REDATE;
        promises[KEPT_CANCEL] += c->kind == MODEL_CANCEL_EXPECTED;
    }
    if (answer->outcome != MODEL_ACCEPTED || c->dry_run || !before->at)
        return;
    struct promise after = promise_of(c);
    bool less = before->out && after.open < before->open;
    promises[PROMISED_RELEASED] += c->kind == MODEL_RELEASE && less;
    promises[PROMISED_EXTENDED] += c->kind == MODEL_EXTEND && before->waits;
    promises[BESIDE_COMMIT] += c->kind == MODEL_COMMIT && before->waits;
    promises[BESIDE_AMEND] += c->kind == MODEL_AMEND && before->waits;
    promises[BESIDE_SHIP] += (c->kind == MODEL_SHIP || c->kind == MODEL_SALE) && before->waits;
}

enum { BY_POSITION, BY_TIME, BY_OWN, NET, LEFT, REPORTED, HELD, HELD_SETS, SETS, LEFT_OUT, SNAPSHOT_FATES };
static const char *const snapshot_names[SNAPSHOT_FATES] = {
    "snapshots: by position", "snapshots: by time", "snapshots: own seq", "snapshots: net", "snapshots: left",
    "snapshots: reported", "snapshots: held", "sets: held", "sets: told", "sets: left out"};
static uint64_t snapshot_fates[SNAPSHOT_FATES];
static uint64_t counts_reversed, reversed_under, reversed_inside;

static void count_counts(const struct model_command *c, const struct model_answer *answer)
{
    int64_t by_turns = 0;
    count_fates[COUNTS_TOO_LATE] += c->kind == MODEL_COUNT && strcmp(answer->code, "too_late") == 0;
    if (answer->outcome != MODEL_ACCEPTED || c->dry_run)
        return;
    counts_reversed += answer->undone_count > 0;
    snapshot_fates[LEFT] += (uint64_t)answer->left;
    snapshot_fates[SETS] += c->last != 0;
    snapshot_fates[LEFT_OUT] += (uint64_t)answer->left_out;
    for (int64_t i = 0; i < answer->said_count; i++) {
        const struct model_statement *said = &answer->said[i];
        snapshot_fates[REPORTED] += said->policy == MODEL_REPORT && said->stated != said->books;
        snapshot_fates[BY_POSITION] += c->has_position && said->booked != 0;
        snapshot_fates[BY_TIME] += !c->has_position && said->booked != 0;
        snapshot_fates[BY_OWN] += c->has_position && c->seen_seq > 0 && said->booked != 0;
        snapshot_fates[NET] += said->net && said->booked != 0;
    }
    reversed_under += c->kind == MODEL_REVERSE && answer->told_count > 0;
    for (int64_t i = 0; i < answer->told_count; i++) {
        const struct model_told *told = &answer->told[i];
        const struct model_count *after = &told->after;
        reversed_inside += c->kind == MODEL_REVERSE && after->uncertain != told->before.uncertain;
        bool old = after->recorded_us < run.now_us - WINDOW_US;
        count_fates[COUNTS_MADE] += told->made != 0;
        count_fates[COUNTS_FOUND] += told->made && after->variance > 0;
        count_fates[COUNTS_MISSING] += told->made && after->variance < 0;
        count_fates[COUNTS_OF_PICKED] += told->made && after->includes_picked && after->condition == 0;
        count_fates[UNCERTAIN] += told->made && after->uncertain > 0;
        count_fates[CORRECTED] += !told->made;
        count_fates[COUNTS_LATE] += !told->made && c->kind == MODEL_COUNT;
        count_fates[SIGN_TURNS] += told->events == 2;
        count_fates[UNCERTAIN_LATE] += !told->made && after->uncertain != told->before.uncertain;
        count_fates[COUNTS_LAST] += !told->made && old;
        for (int64_t l = 0; l < run.model.now.location_count; l++)
            count_fates[CORRECTED_IN_BINS] += !told->made && run.model.now.bins[l] &&
                                              strcmp(run.model.now.locations[l], after->location) == 0;
        by_turns += !told->made && c->kind != MODEL_COUNT && i > 0 && !answer->told[i - 1].made &&
                    answer->told[i - 1].after.condition == 0 && after->condition == 0 &&
                    strcmp(answer->told[i - 1].after.item, after->item) == 0 &&
                    strcmp(answer->told[i - 1].after.location, after->location) == 0;
    }
    count_fates[BY_TURNS] += by_turns > 0;
}

static void count(const struct model_command *c, const struct model_answer *answer)
{
    count_counts(c, answer);
    unsigned outcome = c->dry_run && answer->outcome <= MODEL_REFUSED ? DRY : (unsigned)answer->outcome;
    counts[c->kind][outcome]++;
    if (strcmp(answer->code, "held") == 0)
        snapshot_fates[answer->left_out > 0 ? HELD_SETS : HELD]++;
    else
        codes[run.alone ? code_of(answer->code) : ledger_code()]++;
    skewed += answer->clock_skew;
    count_kits(c, answer, outcome);
}

/* Lines of kits in each kind that has any, and what became of them. */
static bool report_kits(uint64_t floor)
{
    static const struct {
        int64_t kind;
        bool accepted, refused;
    } rows[] = {{MODEL_RECEIVE, true, true}, {MODEL_SALE, true, true}, {MODEL_SHIP, true, true},
                {MODEL_RETURN, true, true}, {MODEL_ADJUST, true, true}, {MODEL_RECLASSIFY, true, true},
                {MODEL_TRANSFER, true, true}, {MODEL_HOLD, true, true}, {MODEL_COMMIT, true, true},
                {MODEL_RELEASE, true, true}, {MODEL_AMEND, false, true}, {MODEL_REASSIGN, true, true},
                {MODEL_PICK, true, true}, {MODEL_UNPICK, false, true}, {MODEL_TRANSFER_OUT, true, true},
                {MODEL_TRANSFER_IN, true, true}, {MODEL_EXPECT, true, true}};
    bool good = true;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint64_t *of = kit_counts[rows[i].kind];
        printf("# kits: %-12s", kind_names[rows[i].kind]);
        for (unsigned o = 0; o < OUTCOMES; o++)
            printf("%11" PRIu64, of[o]);
        printf("\n");
        good = good && (of[ACCEPTED] >= floor || !rows[i].accepted) && (of[REFUSED] >= floor || !rows[i].refused) &&
               of[INVALID] >= floor;
    }
    for (unsigned f = 0; f < KIT_FATES; f++) {
        printf("# %-22s%9" PRIu64 "\n", kit_fate_names[f], kit_fates[f]);
        good = good && kit_fates[f] >= floor;
    }
    return good;
}

static bool report(uint64_t commands)
{
    static const enum code expected[] = {
        CODE_missing_field, CODE_bad_value, CODE_too_many_decimals, CODE_out_of_range, CODE_id_reused,
        CODE_insufficient_stock, CODE_precondition_failed, CODE_unknown_item, CODE_unknown_location,
        CODE_expired_command, CODE_seq_passed, CODE_too_late, CODE_unknown_hold, CODE_hold_exists, CODE_hold_ended,
        CODE_hold_expired, CODE_exceeds_claim, CODE_same_condition, CODE_same_location, CODE_scale_in_use,
        CODE_kit_in_kit, CODE_circular, CODE_in_future, CODE_period_closed,
        CODE_unknown_command, CODE_already_reversed, CODE_not_reversible, CODE_snapshot_passed, CODE_seen_forked,
        CODE_set_closed, CODE_has_bins};
    static const struct {
        unsigned feature;
        enum code code;
    } more[] = {{AMENDS, CODE_below_consumed}, {CHANNELS, CODE_unknown_channel}, {CHANNELS, CODE_claims_open},
                {CHANNELS, CODE_negative_quota}, {TRANSFERS, CODE_transfer_exists}, {TRANSFERS, CODE_unknown_transfer},
                {TRANSFERS, CODE_exceeds_transit}, {EXPECTS, CODE_unknown_expectation},
                {EXPECTS, CODE_expectation_closed}, {SOURCES, CODE_no_source}};
    uint64_t floor = commands / FLOOR_SHARE;
    bool good = true;
    printf("# floor of each count: %" PRIu64 "\n# %-12s", floor, "");
    for (unsigned o = 0; o < OUTCOMES; o++)
        printf("%11s", outcome_names[o]);
    for (unsigned k = 0; k < MODEL_KIND_COUNT; k++) {
        if (!is_served(k))
            continue;
        printf("\n# %-12s", kind_names[k]);
        for (unsigned o = 0; o < OUTCOMES; o++) {
            printf("%11" PRIu64, counts[k][o]);
            good = good && counts[k][o] >= floor;
        }
    }
    printf("\n");
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        printf("# %-22s%9" PRIu64 "\n", code_name(expected[i]), codes[expected[i]]);
        good = good && codes[expected[i]] >= floor;
    }
    for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (!served[more[i].feature])
            continue;
        printf("# %-22s%9" PRIu64 "\n", code_name(more[i].code), codes[more[i].code]);
        good = good && codes[more[i].code] >= floor;
    }
    good = report_kits(floor) && good;
    for (unsigned p = 0; p < PROMISE_COUNT && served[PROMISES]; p++) {
        if (run.alone && (p == PROMISED_SERVED || p == PROMISED_EXPIRED))
            continue; /* told by the ledger's events */
        printf("# %-22s%9" PRIu64 "\n", promise_names[p], promises[p]);
        good = good && promises[p] >= floor;
    }
    for (unsigned f = 0; f < COUNT_FATES; f++) {
        if (run.alone && f >= READ)
            continue; /* the ledger's */
        printf("# %-22s%9" PRIu64 "\n", count_names[f], count_fates[f]);
        good = good && count_fates[f] >= floor;
    }
    for (unsigned f = 0; f < SNAPSHOT_FATES; f++) {
        printf("# %-22s%9" PRIu64 "\n", snapshot_names[f], snapshot_fates[f]);
        good = good && snapshot_fates[f] >= floor;
    }
    const struct {
        const char *name;
        uint64_t count;
        bool expected;
    } others[] = {{"pasts compared", pasts_compared, !run.alone},
                  {"booked, not so then", booked_apart, !run.alone},
                  {"counts reversed", counts_reversed, true}, {"reversed under counts", reversed_under, true},
                  {"reversed in windows", reversed_inside, true},
                  {"claims expired", claims_expired, true}, {"ticks", ticks, !run.alone},
                  {"ids forgotten", forgotten, !run.alone},
                  {"clock skew", skewed, true}, {"cells covered", cells_covered, served[BACKORDERS]},
                  {"claims short", claims_short, true}, {"short of trolleys", (uint64_t)trolleys_short, true},
                  {"short, not the newest", (uint64_t)others_short, true},
                  {"claims served", claims_served, served[WAITS]}, {"trees changed", places_set, true},
                  {"trees kept", places_refused, true}, {"sources watched", sources_set, true},
                  {"sources not watched", sources_refused, true}, {"sources silent", silent_told, true},
                  {"sources heard again", heard_told, true}, {"heard by settings", heard_by_settings, true},
                  {"silences shown less", shown_less, true}, {"changes in bins told", bins_told, !run.alone},
                  {"claims shipped of bins", bins_shipped, !run.alone},
                  {"passes of the audit", audited, !run.alone},
                  {"earliest: later", earliest_later, !run.alone},
                  {"kits for later asked", kits_asked_later, !run.alone}};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!others[i].expected)
            continue;
        printf("# %-22s%9" PRIu64 "\n", others[i].name, others[i].count);
        good = good && others[i].count >= floor;
    }
    return good;
}

/* ---- running ---- */

static void attach(void)
{
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    static struct shortage shortages[COMMAND_LINES_MAX];
    run.decision = (struct decision){.events = events, .names = names, .shortages = shortages};
}

static void settle(void);

/* PUT of a location. */
static void place(const char *location, const char *parent, bool bin, const struct model_rule *rule)
{
    static uint8_t form[CONFIG_BYTES_MAX];
    bool fits;
    const char *code = model_place(&run.model, location, parent, bin, rule, run.now_us);
    places_set += strcmp(code, "none") == 0;
    places_refused += strcmp(code, "none") != 0;
    if (run.alone)
        return;
    static const uint8_t criteria[MODEL_CRITERIA] = {
        [MODEL_NEWEST] = SHORTFALL_NEWEST, [MODEL_LOWEST_PRIORITY] = SHORTFALL_LOWEST_PRIORITY,
        [MODEL_UNPAID] = SHORTFALL_UNPAID, [MODEL_OTHER_PLACE] = SHORTFALL_OTHER_PLACE};
    struct location_config config = {.parent = text(parent), .no_promise = bin};
    for (int64_t i = 0; i < rule->count; i++)
        config.shortfall.criteria[config.shortfall.count++] = criteria[rule->by[i]];
    size_t n = location_config_write(&config, form, &fits);
    const struct command command = {
        .kind = KIND_PUT_LOCATION, .source = TEXT("@ledger"), .location = text(location), .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE, .config = n == 0 ? TEXT_NONE : text_of((const char *)form, n)};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (strcmp(code, code_name(run.verdict.code)) != 0)
        disagree("place", code_name(run.verdict.code), 0, 1);
    evolve();
    compare_state();
}

/* PUT of a source: it is watched, and what is shown of some locations while it is silent; or it is not. */
static void change_source(void)
{
    static uint8_t form[CONFIG_BYTES_MAX];
    static struct source_config config;
    static const char *const places[] = {"l0", "l1", "l2"};
    struct model_silence silence = {0};
    model_name source;
    bool fits, ended;
    struct model_stating stating = {.policy = (int64_t)below(MODEL_POLICIES)};
    static const int64_t percents[] = {5, 50, 100, 1000};
    stating.has_units = one_in(4);
    stating.units = stating.has_units ? (int64_t)below(20) : 0;
    stating.has_percent = one_in(2);
    stating.percent = stating.has_percent ? percents[below(4)] : 0;
    name(source, "s", 4);
    if (!one_in(4)) {
        silence.after_s = 1 + (int64_t)below(60);
        silence.buffer = one_in(2) ? 0 : 1 + (int64_t)below(4);
        for (unsigned i = 0; i < 3; i++)
            if (one_in(i < 2 ? 2 : 8))
                memcpy(silence.places[silence.place_count++], places[i], 3);
        if (silence.place_count == 0)
            silence.buffer = 0;
    }
    const char *code = model_listen(&run.model, source, &silence, &stating, run.now_us, &ended);
    sources_set += strcmp(code, "none") == 0;
    sources_refused += strcmp(code, "none") != 0;
    heard_by_settings += ended;
    if (run.alone)
        return;
    if (!source_config_read(TEXT_NONE, &config))
        exit(2);
    config.silence.after_s = silence.after_s;
    config.snapshot_policy = policies[stating.policy];
    config.max_change = (struct limit){stating.has_units != 0, stating.has_percent != 0, stating.units,
                                       (uint32_t)stating.percent};
    config.silence.buffer = silence.buffer;
    config.silence.place_count = (uint32_t)silence.place_count;
    for (int64_t p = 0; p < silence.place_count; p++)
        config.silence.places[p] = text(silence.places[p]);
    size_t n = source_config_write(&config, form, &fits);
    const struct command command = {
        .kind = KIND_PUT_SOURCE, .source = TEXT("@ledger"), .source_name = text(source), .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE, .config = n == 0 ? TEXT_NONE : text_of((const char *)form, n)};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (strcmp(code, code_name(run.verdict.code)) != 0)
        disagree("source", code_name(run.verdict.code), 0, 1);
    same("events of a source", source, ended ? 2 : 1, run.decision.event_count);
    evolve();
    compare_state();
}

/* What all channels show of everything. */
static int64_t all_shown(void)
{
    const struct model_state *s = &run.model.now;
    int64_t sum = 0;
    for (int64_t c = 0; c < s->channel_count && !run.huge; c++)
        for (int64_t i = 0; i < s->item_count; i++)
            sum += model_ats(s, c, i);
    return sum;
}

/* What is to be said of a source, by the model. Its name, or NULL. */
static const char *say_next(bool *out_silent, int64_t *out_since_us)
{
    int64_t before = all_shown();
    const char *source = model_say(&run.model, run.now_us, out_silent, out_since_us);
    if (source == NULL)
        return NULL;
    silent_told += *out_silent;
    heard_told += !*out_silent;
    shown_less += *out_silent && all_shown() < before;
    return source;
}

/* Some of the criteria in any order; in a third of the cases none. */
static struct model_rule some_rule(void)
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

/* Another rule of who loses cover for a location that is there. */
static void change_rule(void)
{
    const struct model_state *s = &run.model.now;
    if (s->location_count == 0)
        return;
    uint64_t l = below((uint64_t)s->location_count);
    model_name location, parent;
    memcpy(location, s->locations[l], sizeof(location));
    memcpy(parent, s->parents[l], sizeof(parent));
    struct model_rule rule = some_rule();
    place(location, parent, s->bins[l] != 0, &rule);
    settle();
}

/* The tree of a world: l2 and l3 are bins most of the time, l1 is now and then. */
static void change_tree(void)
{
    static const char *const parents[][3] = {{"", "l0", "l0"}, {"l0", "l1", ""}, {"l2", "l0", ""}};
    uint64_t which = below(3);
    model_name location;
    (void)snprintf(location, sizeof(location), "l%u", (unsigned)which + 1);
    const char *parent = parents[which][below(3)];
    bool bin = which == 0 ? one_in(6) : !one_in(4);
    struct model_rule rule = some_rule();
    place(location, parent, bin, &rule);
    settle();
}

static void begin_tree(void)
{
    struct model_rule rules[4] = {{0, {0}}};
    for (unsigned i = 0; run.rules && i < 4; i++)
        rules[i] = some_rule();
    for (unsigned i = 0; (run.tree || run.rules) && i < 2; i++)
        place(i == 0 ? "l0" : "l1", "", false, &rules[i]);
    if (run.tree) {
        place("l2", "l0", true, &rules[2]);
        place("l3", "l2", true, &rules[3]);
    }
}

static void begin_world(uint64_t number)
{
    static struct ledger *memory, *twin_memory;
    static struct model_remembered remembered[WORLD_ROOM];
    static struct model_move moves[MODEL_MOVES_MAX];
    static struct model_count counted[MODEL_COUNTS_MAX];
    static struct model_change changes[MODEL_MOVES_MAX];
    static struct model_statement statements[MODEL_STATEMENTS_MAX];
    static struct past past[PAST_MAX];
    static struct decision kept[WORLD_ROOM];
    static int64_t kept_order[WORLD_ROOM];
    for (int64_t i = 0; i < run.model.count_count; i++)
        count_fates[COUNTS_FORGOTTEN] += run.model.counts[i].forgotten != 0;
    run.world_number = number;
    run.prng = prng_of(run.seed + number * UINT64_C(0x9e3779b97f4a7c15));
    run.huge = one_in(8);
    run.kits = !one_in(3);
    run.tree = one_in(2);
    run.rules = !one_in(3);
    run.now_us = START_US;
    run.history_count = 0;
    run.passes = 0;
    run.ids = 0;
    memset(run.seqs, 0, sizeof(run.seqs));
    run.late = !run.huge && !one_in(3);
    run.past = past;
    run.past_count = 0;
    run.kept = kept;
    run.kept_order = kept_order;
    run.kept_count = run.kept_events = 0;
    model_init(&run.model, WINDOW_US, remembered, WORLD_ROOM, moves, counted, changes, statements);
    run.model.now.seq = 1;
    if (run.alone) {
        begin_tree();
        return;
    }
    run.ledger = fresh(&memory);
    run.twin = fresh(&twin_memory);
    attach();
    const struct command settings = {
        .kind = KIND_SETTINGS, .source = TEXT("@ledger"), .occurred_at_us = TIME_NONE, .not_after_us = TIME_NONE,
        .id_window_ms = WINDOW_US / 1000, .id_capacity = 4096};
    ledger_decide(run.ledger, &settings, run.now_us, &run.decision, &run.verdict);
    evolve();
    begin_tree();
}

/* What the ledger itself does next, done by the model too. */
static void follow(void)
{
    const struct event *event = &run.decision.events[0];
    const char *what = kind_name(run.decision.kind);
    model_name item, location, hold;
    bool of_cell = event->item != NUMBER_NONE;
    copy_name(item, of_cell ? ledger_name(run.ledger, NAME_ITEM, event->item) : TEXT_NONE);
    copy_name(location, of_cell ? ledger_name(run.ledger, NAME_LOCATION, event->location) : TEXT_NONE);
    copy_name(hold, event->hold);
    if (run.decision.kind == KIND_SHORT) {
        if (!model_short(&run.model, item, location, &trolleys_short, &others_short))
            disagree(what, item, 0, 1);
        claims_short += run.decision.event_count;
    } else if (run.decision.kind == KIND_COVER) {
        if (!model_cover(&run.model, item, location))
            disagree(what, item, 0, 1);
        cells_covered++;
    } else if (run.decision.kind == KIND_HOLD) {
        if (!model_serve(&run.model, hold, item, location, run.now_us))
            disagree(what, hold, 0, 1);
        claims_served++;
        promises[PROMISED_SERVED] += event->claim_at.form != MOMENT_ABSENT;
    } else if (event_of_silence(event)) {
        bool silent;
        int64_t since_us;
        const char *source = say_next(&silent, &since_us);
        if (source == NULL)
            disagree(what, "a source", 0, 1);
        same_text("source of which something is said", source, ledger_name(run.ledger, NAME_SOURCE, event->silent_source));
        same("silent", source, silent, event->type == EVENT_SILENT);
        same("since", source, since_us, event->silent_since_us);
    } else {
        const char *expired = model_expire(&run.model, run.now_us);
        if (expired == NULL)
            disagree(what, hold, 0, 1);
        same_text("hold that expires", expired, event->hold);
        claims_expired++;
        promises[PROMISED_EXPIRED] += event->claim_at.form != MOMENT_ABSENT && event->expected_delta < 0;
    }
    evolve();
    compare_state();
}

/* The model left alone does what it may do, cells and claims in their order. */
static bool follow_alone(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t c = 0; c < s->cell_count; c++)
        if (model_short(&run.model, s->cells[c].item, s->cells[c].location, &trolleys_short, &others_short)) {
            claims_short++;
            return true;
        }
    for (int64_t c = 0; c < s->cell_count; c++)
        if (model_cover(&run.model, s->cells[c].item, s->cells[c].location)) {
            cells_covered++;
            return true;
        }
    for (int64_t i = 0; i < s->claim_count; i++)
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_cell *cell = &s->cells[s->claims[i].lines[l].cell];
            if (model_serve(&run.model, s->claims[i].name, cell->item, cell->location, run.now_us)) {
                claims_served++;
                return true;
            }
        }
    bool silent;
    int64_t since_us;
    if (model_expire(&run.model, run.now_us) != NULL)
        claims_expired++;
    else if (say_next(&silent, &since_us) == NULL)
        return false;
    return true;
}

static void settle(void)
{
    if (run.alone)
        while (follow_alone())
            check_model();
    else
        while (ledger_due(run.ledger, run.now_us, &run.decision))
            follow();
    if (!model_idle(&run.model, run.now_us))
        disagree("something to do", "the ledger", 1, 0);
}

static void pass_time(void)
{
    if (!one_in(4))
        run.now_us += (int64_t)below(4) * SECOND_US;
    if (one_in(40))
        run.now_us += (int64_t)below(1000) * SECOND_US;
    if (one_in(100))
        run.now_us += WINDOW_US - SECOND_US + (int64_t)below(3) * SECOND_US;
    settle();
    if (one_in(60) && !run.alone) {
        run.decision.kind = KIND_TICK;
        run.decision.recorded_at_us = run.now_us;
        run.decision.event_count = run.decision.name_count = 0;
        run.decision.id = TEXT_NONE;
        evolve();
        ticks++;
    }
}

static void remember(const struct model_command *c)
{
    memcpy(&run.history[run.history_count % HISTORY], c, sizeof(*c));
    run.history_count++;
}

static void one_command_alone(void)
{
    struct model_command c;
    pass_time();
    if (run.tree && one_in(60))
        change_tree();
    if (one_in(40))
        change_source();
    if (run.rules && one_in(60))
        change_rule();
    next_command(&c);
    remember(&c);
    struct promise before = promise_of(&c);
    struct model_answer answer = model_command(&run.model, &c, run.now_us, true);
    count(&c, &answer);
    count_promise(&c, &answer, &before);
    check_model();
}

static void decide(const struct model_command *c);

/* Changes nothing yet. */
static void judge(const struct command *command)
{
    uint64_t before = ledger_state_hash(run.ledger);
    ledger_decide(run.ledger, command, run.now_us, &run.decision, &run.verdict);
    if (ledger_state_hash(run.ledger) != before)
        disagree("state hash", "a decision not yet evolved", 0, 0);
}

/* Decides it with what is read of the past for it; now and then something comes between. */
static void decide_read(const struct model_command *c, const struct command *command)
{
    static bool inside; /* of another one that waits for its reading */
    struct cell_reading cells[MODEL_CELLS_MAX];
    struct reading reading;
    judge(command);
    for (unsigned times = 0; run.verdict.outcome == OUTCOME_UNREAD; times++) {
        read_past(&reading, cells);
        bool slips = times < 2 && one_in(3);
        if (slips) {
            struct model_command other;
            do
                next_command(&other);
            while (other.kind == MODEL_COUNT || other.kind == MODEL_REVERSE ||
                   (other.kind == MODEL_SNAPSHOT && inside));
            if (other.kind == MODEL_SNAPSHOT && c->kind == MODEL_SNAPSHOT) /* it says the same, or another thing */
                memcpy(other.source, c->source, sizeof(model_name));
            if (other.line_count > 0 && other.lines[0].location[0] != '\0' && c->line_count > 0 && one_in(2)) {
                memcpy(other.lines[0].item, c->lines[0].item, sizeof(model_name));
                memcpy(other.lines[0].location, c->lines[0].location, sizeof(model_name));
            }
            bool outside = !inside;
            inside = true;
            decide(&other);
            inside = !outside;
        }
        struct command again = adapt(c);
        again.reading = &reading;
        judge(&again);
        count_fates[READ]++;
        count_fates[READ_AGAIN] += slips && run.verdict.outcome == OUTCOME_UNREAD;
        count_fates[READ_STILL] += slips && run.verdict.outcome != OUTCOME_UNREAD;
    }
}

static void one_command(void)
{
    struct model_command c;
    pass_time();
    if (run.tree && !run.huge && one_in(60))
        change_tree();
    if (one_in(40))
        change_source();
    if (run.rules && one_in(60))
        change_rule();
    next_command(&c);
    decide(&c);
}

static void decide(const struct model_command *of)
{
    struct model_command c = *of;
    struct command command = adapt(&c);
    decide_read(&c, &command);
    /* The model asks for it when the id is past the window. */
    bool known = run.verdict.outcome == OUTCOME_DUPLICATE || run.verdict.code == CODE_id_reused;
    bool repeated = model_remembers(&run.model, &c);
    run.model.old_is_reversible = run.verdict.code != CODE_unknown_command;
    remember(&c);
    struct promise promised = promise_of(&c);
    struct model_answer answer = model_command(&run.model, &c, run.now_us, known);
    forgotten += repeated && !known && !c.dry_run;
    compare_answer(&c, &answer);
    count(&c, &answer);
    count_promise(&c, &answer, &promised);
    for (uint32_t i = 0; i < run.decision.event_count && run.verdict.outcome == OUTCOME_DECIDED; i++) {
        bins_told += run.decision.events[i].type == EVENT_BINS;
        bins_shipped += run.decision.events[i].type == EVENT_BINS && run.decision.events[i].claim != 0;
    }
    if (run.verdict.outcome == OUTCOME_DECIDED)
        evolve();
    compare_state();
    if (one_in(4))
        compare_past();
    if (one_in(8))
        compare_promises();
    if (one_in(3))
        settle(); /* at once, or when time has passed: nothing comes between */
    if (one_in(64))
        ledger_check(run.ledger);
}

static uint64_t number_of(const char *argument)
{
    char *end;
    uint64_t number = strtoull(argument, &end, 10);
    if (*argument == '\0' || *end != '\0') {
        fprintf(stderr, "not a number: %s\n", argument);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    uint64_t commands = COMMANDS_DEFAULT;
    run.seed = 1;
    if (argc > 1 && strcmp(argv[argc - 1], "--alone") == 0) {
        run.alone = true;
        for (unsigned f = 0; f < FEATURE_COUNT; f++)
            served[f] = true;
        argc--;
    }
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--commands") == 0)
            commands = number_of(argv[i + 1]);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            run.seed = number_of(argv[i + 1]);
        else {
            fprintf(stderr, "usage: %s [--commands N] [--seed S] [--alone]\n", argv[0]);
            return 2;
        }
    }
    printf("1..1\n# seed %" PRIu64 ", %" PRIu64 " commands\n", run.seed, commands);
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (run.command_number = 0; run.command_number < commands; run.command_number++) {
        if (run.command_number % WORLD_COMMANDS == 0)
            begin_world(run.command_number / WORLD_COMMANDS);
        if (run.alone)
            one_command_alone();
        else
            one_command();
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("# %.1f s, %.0f commands/s\n", seconds, (double)commands / seconds);
    bool good = report(commands);
    printf("%s 1 - the ledger and the model agree\n", good ? "ok" : "not ok");
    free(run.ledger);
    free(run.twin);
    return good ? 0 : 1;
}
