/*
 * Goal: the ledger and the model (model.h) never disagree, whatever comes.
 * Method: many small worlds of few names, so that commands collide; random commands of all kinds at both sides, with
 * time that runs and jumps (ends of holds, the id window), repeats, reused ids, guards, partial holds, preconditions,
 * decimals, dry runs, ordered sources, malformed commands. After EACH command the answer, every figure, account, claim,
 * version and name is compared; a copy of every decision is evolved by a second ledger, whose state hash must be equal.
 * Counts per kind and outcome and per code are printed; each must pass a floor, or the test has not tested it.
 *
 * One seed is one run: test_model [--commands N] [--seed S]. A failure prints the seed, the world and the command.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "base/siphash.h"
#include "ledger/ledger.h"
#include "model.h"

#define COMMANDS_DEFAULT   200000
#define WORLD_COMMANDS     1500 /* a world long enough for an id window to pass, short enough to stay small */
#define HOLDS              9    /* names of holds */
#define HISTORY            64   /* commands that can be repeated */
#define WINDOW_US          (INT64_C(3600) * 1000 * 1000)
#define START_US           (INT64_C(1700000000) * 1000 * 1000)
#define SECOND_US          INT64_C(1000000)
#define FLOOR_SHARE        20000 /* each count must pass commands / this: 10 of 200,000 */

struct run {
    uint64_t seed;
    struct prng prng;
    uint64_t world_number, command_number;
    bool huge; /* this world has quantities near 2^53 */
    int64_t now_us;
    struct model model;
    struct ledger *ledger, *twin;
    struct decision decision;
    struct verdict verdict;
    struct model_command history[HISTORY];
    uint64_t history_count;
    int64_t seqs[MODEL_NAMES_MAX]; /* next seq per source */
    uint64_t ids;
};

static struct run run;

static const char *const kind_names[MODEL_KIND_COUNT] = {"receive", "sale",   "ship",   "return",  "adjust",
                                                         "reclassify", "transfer", "hold", "extend", "commit",
                                                         "release", "item",   "settings"};

/* ---- failing ---- */

static void print_command(const struct model_command *c)
{
    fprintf(stderr, "  %s id=%s source=%s hold=%s holder=%s to=%s item=%s guard=%d dry=%d partial=%d seq=%" PRId64
            " from=%d to=%d scale=%d\n", kind_names[c->kind], c->id, c->source, c->hold, c->holder, c->to, c->item,
            (int)c->guard, (int)c->dry_run, (int)c->partial, c->has_seq ? c->seq : -1, (int)c->from,
            (int)c->to_condition, (int)c->scale);
    for (int64_t i = 0; i < c->line_count; i++)
        fprintf(stderr, "    %" PRId64 "e-%" PRId64 " of %s@%s condition %d\n", c->lines[i].quantity.digits,
                c->lines[i].quantity.places, c->lines[i].item, c->lines[i].location, (int)c->lines[i].condition);
}

_Noreturn static void disagree(const char *what, const char *name, int64_t model, int64_t ledger)
{
    fprintf(stderr, "not ok - %s of %s: the model has %" PRId64 ", the ledger %" PRId64 "\n", what, name, model, ledger);
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

static void same_text(const char *what, const char *model, struct text ledger)
{
    if (strlen(model) != ledger.length || (ledger.length != 0 && memcmp(model, ledger.bytes, ledger.length) != 0)) {
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

static void lines(struct model_command *c)
{
    bool claims = c->kind == MODEL_HOLD || c->kind == MODEL_COMMIT || c->kind == MODEL_RELEASE || c->kind == MODEL_SHIP;
    c->line_count = 1 + (int64_t)(one_in(3) ? below(4) : 0);
    for (int64_t i = 0; i < c->line_count; i++) {
        struct model_line *line = &c->lines[i];
        /* Requests of what nobody has are rarer than facts about it. */
        name(line->item, "i", one_in(20) ? 5 : 3);
        name(line->location, "l", one_in(20) ? 4 : 3);
        line->quantity = quantity(c->kind == MODEL_ADJUST);
        line->condition = MODEL_CONDITIONS;
        if (one_in(claims || c->kind == MODEL_RECLASSIFY ? 40 : 4))
            line->condition = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        if (one_in(25))
            precondition(&line->precondition, line);
    }
}

/* Lines a claim has open, or nearly: what it takes to use claims up piece by piece. */
static void lines_of_claim(struct model_command *c, const struct model_claim *claim)
{
    const struct model_state *s = &run.model.now;
    for (int64_t l = 0; l < claim->line_count && c->line_count < MODEL_LINES_MAX; l++) {
        int64_t open = claim->lines[l].held + claim->lines[l].committed;
        if (open == 0 || one_in(3))
            continue;
        const struct model_cell *cell = &s->cells[claim->lines[l].cell];
        struct model_line *line = &c->lines[c->line_count++];
        memcpy(line->item, cell->item, sizeof(model_name));
        memcpy(line->location, cell->location, sizeof(model_name));
        line->condition = MODEL_CONDITIONS;
        line->quantity.digits = 1 + (int64_t)below((uint64_t)open);
        for (int64_t i = 0; i < s->item_count; i++)
            if (strcmp(s->items[i].name, cell->item) == 0)
                line->quantity.places = s->items[i].scale;
        for (; line->quantity.places > 0 && line->quantity.digits % 10 == 0; line->quantity.places--)
            line->quantity.digits /= 10;
    }
}

static void some_time(int64_t *out_us)
{
    static const int64_t seconds[] = {-8000, -3601, -3600, -3599, -60, -1, 0, 1, 60, 299, 300, 301, 4000};
    *out_us = run.now_us + seconds[below(sizeof(seconds) / sizeof(seconds[0]))] * SECOND_US;
}

static void make_command(struct model_command *c)
{
    static const uint8_t kinds[] = {MODEL_RECEIVE,  MODEL_RECEIVE, MODEL_RECEIVE,  MODEL_SALE,   MODEL_SALE,
                                    MODEL_SHIP,     MODEL_SHIP,    MODEL_SHIP,     MODEL_RETURN, MODEL_ADJUST,
                                    MODEL_ADJUST,   MODEL_RECLASSIFY, MODEL_RECLASSIFY, MODEL_TRANSFER, MODEL_TRANSFER,
                                    MODEL_HOLD,     MODEL_HOLD,    MODEL_HOLD,     MODEL_HOLD,   MODEL_HOLD,
                                    MODEL_HOLD,     MODEL_EXTEND,  MODEL_EXTEND,   MODEL_COMMIT, MODEL_COMMIT,
                                    MODEL_COMMIT,   MODEL_COMMIT,  MODEL_RELEASE,  MODEL_RELEASE, MODEL_ITEM};
    memset(c, 0, sizeof(*c));
    c->kind = one_in(150) ? MODEL_SETTINGS : kinds[below(sizeof(kinds))];
    c->occurred_at_us = c->not_after_us = MODEL_TIME_NONE;
    c->from = c->to_condition = MODEL_CONDITIONS;
    name(c->source, "s", 4);
    (void)snprintf(c->id, sizeof(c->id), "%u", (unsigned)(run.ids++ % 1000000));
    if (one_in(6))
        c->guard = 1 + (int64_t)below(2);
    c->dry_run = one_in(25);
    if (one_in(12))
        some_time(&c->occurred_at_us);
    if (one_in(25))
        some_time(&c->not_after_us);
    /* Half the sources are ordered; now and then they fall back. */
    unsigned source = (unsigned)(c->source[1] - '0');
    if (source < 2 && !one_in(10)) {
        c->has_seq = 1;
        c->seq = one_in(25) ? (int64_t)below((uint64_t)run.seqs[source] + 1) : ++run.seqs[source];
    }
    bool of_claim = c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND || c->kind == MODEL_COMMIT ||
                    c->kind == MODEL_RELEASE;
    if (of_claim || ((c->kind == MODEL_SHIP || c->kind == MODEL_SALE) && !one_in(3)))
        name(c->hold, "h", HOLDS);
    if (c->kind == MODEL_HOLD || c->kind == MODEL_COMMIT) {
        if (!one_in(4))
            name(c->holder, "o", one_in(4) ? 2 : 1);
        if (one_in(3))
            name(c->channel, "c", 2);
        c->partial = one_in(4);
    }
    if (c->kind == MODEL_HOLD || c->kind == MODEL_EXTEND) {
        c->has_expires_in = !one_in(3);
        if (c->has_expires_in)
            c->expires_in_ms = one_in(60)  ? INT64_MAX
                               : one_in(5) ? 0
                                           : (int64_t)below(120) * 1000;
    }
    if (c->kind == MODEL_RECLASSIFY) {
        c->from = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        c->to_condition = (int64_t)below(one_in(3) ? MODEL_CONDITIONS : 2);
        if (one_in(60))
            c->from = MODEL_CONDITIONS;
        if (one_in(60))
            c->to_condition = MODEL_CONDITIONS;
    }
    if (c->kind == MODEL_TRANSFER && !one_in(60))
        name(c->to, "l", one_in(20) ? 4 : 3);
    if (of_claim && one_in(100))
        memset(c->hold, 0, sizeof(c->hold));
    if (c->kind == MODEL_SETTINGS) {
        c->strict = one_in(2);
        c->guard = MODEL_GUARD_DEFAULT;
    } else if (c->kind == MODEL_ITEM) {
        if (!one_in(60))
            name(c->item, "i", 6);
        c->scale = one_in(2) ? 0 : (int64_t)below(3);
        if (one_in(3)) {
            c->precondition.has_version = 1;
            const struct model_state *s = &run.model.now;
            for (int64_t i = 0; i < s->item_count; i++)
                if (strcmp(s->items[i].name, c->item) == 0 && !one_in(3))
                    c->precondition.version = s->items[i].config_seq;
        }
    } else if (c->kind != MODEL_EXTEND && !(c->hold[0] != '\0' && c->kind != MODEL_HOLD && one_in(2)) && !one_in(100)) {
        const struct model_claim *claim = model_claim_named(&run.model, c->hold, run.now_us);
        if (claim != NULL && c->kind != MODEL_HOLD && !one_in(4))
            lines_of_claim(c, claim);
        else
            lines(c);
    }
    if (c->kind != MODEL_ITEM && c->kind != MODEL_SETTINGS && one_in(25))
        precondition(&c->precondition, c->line_count > 0 ? &c->lines[0] : NULL);
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
    }
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
    KIND_HOLD, KIND_EXTEND, KIND_COMMIT, KIND_RELEASE, KIND_PUT_ITEM, KIND_SETTINGS};

static struct command adapt(const struct model_command *c)
{
    static struct command_line adapted[MODEL_LINES_MAX];
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
        .scale = (uint8_t)c->scale,
    };
    if (c->kind == MODEL_SETTINGS) {
        command.id_window_ms = WINDOW_US / 1000;
        command.id_capacity = 4096;
        command.strict = c->strict != 0;
    }
    static uint8_t form[COMMAND_BYTES_MAX];
    static const struct siphash_key key = {3, 4};
    size_t n = command_encode(&command, form, sizeof(form));
    command.fingerprint = siphash64(&key, form, n);
    return command;
}

/* ---- the two ledgers ---- */

static const struct ledger_limits limits = {
    .item_count_max = 16, .location_count_max = 16, .source_count_max = 8, .quota_count_max = 512, .offer_count_max = 512, .cell_count_max = 128,
    .claim_count_max = 16, .claim_line_count_max = 256, .id_count_max = 4096,
    .config_mib_max = 1, .alias_count_max = 64,
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
        events[i].subject = events[i].field = TEXT_NONE;
        events[i].shortages = NULL;
    }
    for (uint32_t i = 0; i < copy.name_count; i++) {
        names[i] = run.decision.names[i];
        copy_text(&names[i].name, room, &used);
    }
    assert(used <= sizeof(room));
    ledger_evolve(run.ledger, &run.decision);
    ledger_evolve(run.twin, &copy);
    memset(room, 0x5a, used);
    if (ledger_state_hash(run.ledger) != ledger_state_hash(run.twin))
        disagree("state hash after replay", "the twin", 0, 0);
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

static void compare_cells(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t c = 0; c < s->cell_count; c++) {
        struct cell_view view;
        ledger_cell(run.ledger, cell_of(&s->cells[c]), &view);
        for (unsigned k = 0; k < MODEL_CONDITIONS; k++)
            same(condition_name((enum condition)k), s->cells[c].item, s->cells[c].on[k], view.figures.units[k]);
        same("held", s->cells[c].item, model_held(s, c), view.figures.units[FIGURE_HELD]);
        same("committed", s->cells[c].item, model_committed(s, c), view.figures.units[FIGURE_COMMITTED]);
        same("picked", s->cells[c].item, 0, view.figures.units[FIGURE_PICKED]);
        same("backordered", s->cells[c].item, 0, view.figures.units[FIGURE_BACKORDERED]);
        same("version", s->cells[c].item, s->cells[c].version, (int64_t)view.version);
    }
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
    same("made", hold, claim->made, (int64_t)view.claim);
    same("end", hold, claim->expires_at_us, view.expires_at_us);
    uint32_t number = view.line;
    for (int64_t l = 0; l < claim->line_count; l++) {
        const struct model_claim_line *line = &claim->lines[l];
        if (number == NUMBER_NONE)
            disagree("lines", hold, claim->line_count, l);
        struct claim_line_view have;
        ledger_claim_line(run.ledger, number, &have);
        const struct model_cell *cell = &run.model.now.cells[line->cell];
        same_text("item of a line", cell->item, ledger_name(run.ledger, NAME_ITEM, have.item));
        same_text("location of a line", cell->location, ledger_name(run.ledger, NAME_LOCATION, have.location));
        same("granted", hold, line->granted, have.units[CLAIM_GRANTED]);
        same("held", hold, line->held, have.units[CLAIM_HELD]);
        same("committed", hold, line->committed, have.units[CLAIM_COMMITTED]);
        same("picked", hold, 0, have.units[CLAIM_PICKED]);
        same("consumed", hold, line->consumed, have.units[CLAIM_CONSUMED]);
        same("released", hold, line->released, have.units[CLAIM_RELEASED]);
        same("expired", hold, line->expired, have.units[CLAIM_EXPIRED]);
        same("short", hold, 0, have.units[CLAIM_SHORT]);
        number = have.next;
    }
    if (number != NUMBER_NONE)
        disagree("lines", hold, claim->line_count, claim->line_count + 1);
}

static void compare_state(void)
{
    compare_items();
    compare_cells();
    for (unsigned h = 0; h < HOLDS; h++) {
        model_name hold;
        (void)snprintf(hold, sizeof(hold), "h%u", h);
        compare_claim(hold);
    }
}

static struct text decision_name(enum name_space space, uint32_t number)
{
    for (uint32_t i = 0; i < run.decision.name_count; i++)
        if (run.decision.names[i].space == space && run.decision.names[i].number == number)
            return run.decision.names[i].name;
    return ledger_name(run.ledger, space, number);
}

static void compare_answer(const struct model_command *c, const struct model_answer *answer)
{
    const struct verdict *v = &run.verdict;
    static const char *const words[] = {"accepted", "refused", "invalid", "duplicate"};
    unsigned outcome = v->outcome == OUTCOME_INVALID     ? MODEL_INVALID
                       : v->outcome == OUTCOME_DUPLICATE ? MODEL_DUPLICATE
                       : v->code == CODE_none            ? MODEL_ACCEPTED
                                                         : MODEL_REFUSED;
    if (outcome != (unsigned)answer->outcome || strcmp(answer->code, code_name(v->code)) != 0) {
        fprintf(stderr, "the model: %s %s, the ledger: %s %s\n", words[answer->outcome], answer->code, words[outcome],
                code_name(v->code));
        disagree("answer", kind_names[c->kind], answer->outcome, (int64_t)outcome);
    }
    if (outcome == MODEL_DUPLICATE)
        same("position of the first answer", c->id, answer->seq, (int64_t)v->duplicate_seq);
    if (outcome == MODEL_DUPLICATE || outcome == MODEL_INVALID)
        return;
    same("dry", c->id, c->dry_run, v->outcome == OUTCOME_DRY);
    same("shortages", c->id, answer->shortage_count, run.decision.shortage_count);
    for (int64_t i = 0; i < answer->shortage_count; i++) {
        const struct shortage *s = &run.decision.shortages[i];
        same_text("short item", answer->shortages[i].item, decision_name(NAME_ITEM, s->item));
        same_text("short location", answer->shortages[i].location, decision_name(NAME_LOCATION, s->location));
        same("asked", answer->shortages[i].item, answer->shortages[i].asked, s->asked);
        same("free", answer->shortages[i].item, answer->shortages[i].free, s->free);
    }
    if (outcome == MODEL_ACCEPTED)
        same("clock skew", c->id, answer->clock_skew, run.decision.clock_skew);
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
static uint64_t claims_expired, ticks, forgotten, skewed;

static void count(const struct model_command *c, const struct model_answer *answer)
{
    unsigned outcome = c->dry_run && answer->outcome <= MODEL_REFUSED ? DRY : (unsigned)answer->outcome;
    counts[c->kind][outcome]++;
    codes[run.verdict.code]++;
    skewed += answer->clock_skew;
}

static bool report(uint64_t commands)
{
    static const enum code expected[] = {
        CODE_missing_field, CODE_bad_value, CODE_too_many_decimals, CODE_out_of_range, CODE_id_reused,
        CODE_insufficient_stock, CODE_precondition_failed, CODE_unknown_item, CODE_unknown_location,
        CODE_expired_command, CODE_seq_passed, CODE_too_late, CODE_unknown_hold, CODE_hold_exists, CODE_hold_ended,
        CODE_hold_expired, CODE_exceeds_claim, CODE_same_condition, CODE_same_location, CODE_scale_in_use};
    uint64_t floor = commands / FLOOR_SHARE;
    bool good = true;
    printf("# floor of each count: %" PRIu64 "\n# %-12s", floor, "");
    for (unsigned o = 0; o < OUTCOMES; o++)
        printf("%11s", outcome_names[o]);
    for (unsigned k = 0; k < MODEL_KIND_COUNT; k++) {
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
    const struct {
        const char *name;
        uint64_t count;
    } others[] = {{"claims expired", claims_expired}, {"ticks", ticks}, {"ids forgotten", forgotten},
                  {"clock skew", skewed}};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
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

static void begin_world(uint64_t number)
{
    static struct ledger *memory, *twin_memory;
    static struct model_remembered remembered[WORLD_COMMANDS + 1];
    run.world_number = number;
    run.prng = prng_of(run.seed + number * UINT64_C(0x9e3779b97f4a7c15));
    run.huge = one_in(8);
    run.now_us = START_US;
    run.history_count = 0;
    run.ids = 0;
    memset(run.seqs, 0, sizeof(run.seqs));
    model_init(&run.model, WINDOW_US, remembered, WORLD_COMMANDS + 1);
    run.ledger = fresh(&memory);
    run.twin = fresh(&twin_memory);
    attach();
    const struct command settings = {
        .kind = KIND_SETTINGS, .source = TEXT("@ledger"), .occurred_at_us = TIME_NONE, .not_after_us = TIME_NONE,
        .id_window_ms = WINDOW_US / 1000, .id_capacity = 4096};
    ledger_decide(run.ledger, &settings, run.now_us, &run.decision, &run.verdict);
    evolve();
    run.model.now.seq = 1;
}

static void pass_time(void)
{
    if (!one_in(4))
        run.now_us += (int64_t)below(4) * SECOND_US;
    if (one_in(40))
        run.now_us += (int64_t)below(1000) * SECOND_US;
    if (one_in(60))
        run.now_us += WINDOW_US - SECOND_US + (int64_t)below(3) * SECOND_US;
    while (ledger_due(run.ledger, run.now_us, &run.decision)) {
        const char *hold = model_expire(&run.model, run.now_us);
        if (hold == NULL)
            disagree("expiry", "the ledger", 0, 1);
        same_text("hold that expires", hold, run.decision.events[0].hold);
        evolve();
        claims_expired++;
    }
    if (model_expire(&run.model, run.now_us) != NULL)
        disagree("expiry", "the ledger", 1, 0);
    if (one_in(60)) {
        run.decision.kind = KIND_TICK;
        run.decision.recorded_at_us = run.now_us;
        run.decision.event_count = run.decision.name_count = 0;
        run.decision.id = TEXT_NONE;
        evolve();
        ticks++;
    }
}

static void one_command(void)
{
    struct model_command c;
    pass_time();
    next_command(&c);
    struct command command = adapt(&c);
    /* The model asks for it when the id is past the window. */
    uint64_t before = ledger_state_hash(run.ledger);
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    bool known = run.verdict.outcome == OUTCOME_DUPLICATE || run.verdict.code == CODE_id_reused;
    int64_t remembered = run.model.remembered_count;
    bool repeated = false;
    for (int64_t i = 0; i < remembered; i++)
        repeated = repeated || (strcmp(run.model.remembered[i].command.id, c.id) == 0 &&
                                strcmp(run.model.remembered[i].command.source, c.source) == 0);
    memcpy(&run.history[run.history_count % HISTORY], &c, sizeof(c));
    run.history_count++;
    struct model_answer answer = model_command(&run.model, &c, run.now_us, known);
    forgotten += repeated && !known && !c.dry_run;
    compare_answer(&c, &answer);
    count(&c, &answer);
    if (ledger_state_hash(run.ledger) != before)
        disagree("state hash", "a decision not yet evolved", 0, 0);
    if (run.verdict.outcome == OUTCOME_DECIDED)
        evolve();
    compare_state();
    if (one_in(16))
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
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--commands") == 0)
            commands = number_of(argv[i + 1]);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            run.seed = number_of(argv[i + 1]);
        else {
            fprintf(stderr, "usage: %s [--commands N] [--seed S]\n", argv[0]);
            return 2;
        }
    }
    printf("1..1\n# seed %" PRIu64 ", %" PRIu64 " commands\n", run.seed, commands);
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (run.command_number = 0; run.command_number < commands; run.command_number++) {
        if (run.command_number % WORLD_COMMANDS == 0)
            begin_world(run.command_number / WORLD_COMMANDS);
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
