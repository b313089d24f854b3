/*
 * Serving: what the ledger itself does, before the next command is decided and with nothing between.
 *
 *     short    more is promised than there is, and a rule says who loses cover (shortfall.c)
 *     cover    goods came, or were freed, where claims lack cover: the oldest claim first
 *     hold     units became free where claims wait: in their order, each as soon as all it waits for can be had
 *     expire   the end of a hold has come
 *     silent   a source that is watched has said nothing for too long (silence.c)
 *     heard    it speaks again
 *
 * Each is a decision of its own by @ledger, right behind the one that made it possible. Events note the cells where
 * something may be possible now (pending_consider); what is noted is only a guess, and made sure of here, so that it is
 * no state: a ledger read back from its journal guesses again and finds the same.
 */
#include "ledger/decide.h"

/* So many of those who wait in a cell are looked at when it has something to give: a bound on one step, part of the rule. */
#define WAITING_LOOKED_AT 1024

/* ---- cells to be served ---- */

void pending_init(struct ledger *ledger, struct region *region)
{
    ledger->pending = region_take(region, 1, sizeof(struct pending));
    ledger->pending->served.cells = region_take(region, ledger->limits.cell_count_max, sizeof(uint32_t));
    ledger->pending->shorts.cells = region_take(region, ledger->limits.cell_count_max, sizeof(uint32_t));
    ledger->pending->unserved = region_take(region, ledger->limits.claim_count_max, sizeof(uint64_t));
}

static void heap_push(struct cell_heap *heap, uint32_t cell)
{
    uint32_t place = heap->count++;
    for (; place > 0 && cell < heap->cells[(place - 1) / 2]; place = (place - 1) / 2)
        heap->cells[place] = heap->cells[(place - 1) / 2];
    heap->cells[place] = cell;
}

static void heap_pop(struct cell_heap *heap)
{
    uint32_t cell = heap->cells[--heap->count];
    uint32_t place = 0;
    for (uint32_t child; (child = 2 * place + 1) < heap->count; place = child) {
        if (child + 1 < heap->count && heap->cells[child + 1] < heap->cells[child])
            child++;
        if (cell < heap->cells[child])
            break;
        heap->cells[place] = heap->cells[child];
    }
    heap->cells[place] = cell;
}

/* Each cell of a heap is there once, and says so. */
static void heap_check(const struct ledger *ledger, const struct cell_heap *heap)
{
    for (uint32_t i = 0; i < heap->count; i++) {
        const struct cell_extra *extra = cell_extra(ledger, heap->cells[i]);
        CHECK(extra != NULL && (heap == &ledger->pending->served ? extra->pending : extra->short_pending));
        CHECK(i == 0 || heap->cells[(i - 1) / 2] < heap->cells[i]);
    }
}

void pending_check(const struct ledger *ledger)
{
    const struct pending *pending = ledger->pending;
    uint32_t served = 0, shorts = 0;
    for (uint32_t i = 0; i < ledger->extra_count; i++) {
        served += ledger->extras[i].pending;
        shorts += ledger->extras[i].short_pending;
    }
    CHECK(served == pending->served.count);
    CHECK(shorts == pending->shorts.count);
    heap_check(ledger, &pending->served);
    heap_check(ledger, &pending->shorts);
}

/* What may cover claims of the cell: available + backordered - safety stock. */
static int64_t coverable(const struct ledger *ledger, uint32_t cell)
{
    struct figures figures = cell_figures(ledger, cell);
    return figures_available(&figures) + figures.units[FIGURE_BACKORDERED] - figures.units[FIGURE_SAFETY_STOCK];
}

static NEVER_INLINE void consider_short(struct ledger *ledger, uint32_t cell)
{
    if (shortfall_units(ledger, cell) == 0)
        return;
    struct cell_extra *extra = cell_extra_make(ledger, cell);
    if (extra->short_pending)
        return;
    extra->short_pending = true;
    heap_push(&ledger->pending->shorts, cell);
}

/* No list of what is oversold is kept, it would cost each event: 10 million cells take some 0.1 s. */
void pending_consider_shorts(struct ledger *ledger)
{
    for (uint32_t cell = 0; cell < ledger->cell_count; cell++)
        consider_short(ledger, cell);
}

void pending_look(struct ledger *ledger, uint32_t cell)
{
    if (UNLIKELY(ledger->shortfall_count != 0))
        consider_short(ledger, cell);
    struct cell_extra *extra = cell_extra(ledger, cell);
    if (extra == NULL || extra->pending ||
        (extra->queues[QUEUE_BACKORDERED].first == 0 && extra->queues[QUEUE_WAITING].first == 0) ||
        coverable(ledger, cell) <= 0)
        return;
    extra->pending = true;
    heap_push(&ledger->pending->served, cell);
}

void pending_consider_claim(struct ledger *ledger, uint32_t claim)
{
    const struct claims *claims = &ledger->claims;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        if (claims->lines[l - 1].units[CLAIM_WAITING] != 0)
            pending_consider(ledger, claims->lines[l - 1].cell);
    }
}

/* ---- the ledger's own decisions ---- */

void own_begin(struct judge *judge, enum command_kind kind)
{
    decision_begin(judge, kind);
    /* The journal's first decision (settings) reserved this name, so the table cannot be full of others. */
    judge->decision->source = judge_name(judge, NAME_SOURCE, judge->command->source);
    CHECK(judge->decision->source != NUMBER_NONE);
}

static struct draft draft_of_cell(const struct ledger *ledger, uint32_t cell, uint32_t claim_line)
{
    return (struct draft){
        .item = ledger->cells[cell].item,
        .location = ledger->cells[cell].location,
        .cell = cell,
        .line = LINE_NONE,
        .claim_line = claim_line,
        .scale = ledger->items[ledger->cells[cell].item].scale,
    };
}

static void decide_cover(struct judge *judge, uint32_t cell, int64_t units)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    struct draft draft = draft_of_cell(ledger, cell, NUMBER_NONE);
    uint32_t served = 0;
    for (uint32_t l = cell_extra(ledger, cell)->queues[QUEUE_BACKORDERED].first; l != 0 && units > 0 && served < SERVED_MAX;
         l = claims->lines[l - 1].links[QUEUE_BACKORDERED].next, served++) {
        const struct claim_line *line = &claims->lines[l - 1];
        int64_t covered = min_i64(units, line->units[CLAIM_BACKORDERED]);
        struct event *event = judge_event(judge, EVENT_COVER);
        event->quantity = covered;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, line->claim, l - 1, event);
        lack_less(event, covered);
        CHECK(judge_cell(judge, &draft, event, DISCREPANCY_NONE, 0));
        units -= covered;
    }
}

/* What can be granted now of what this line waits for. */
static int64_t line_servable(const struct judge *judge, const struct claim_line *line)
{
    struct figures figures = cell_figures(judge->ledger, line->cell);
    return min_i64(line->units[CLAIM_WAITING], channel_free(judge->ledger, &figures, line->cell, judge->channel, 0));
}

/* Can the claim be served, all of it, in all of its cells? */
static bool claim_servable(const struct judge *judge, uint32_t claim)
{
    const struct claims *claims = &judge->ledger->claims;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        const struct claim_line *line = &claims->lines[l - 1];
        if (line_servable(judge, line) < line->units[CLAIM_WAITING])
            return false;
    }
    return true;
}

/*
 * The first line in the cell's queue that can be served, with the judge's channel set to its claim's; 0 for none. Of a
 * claim that may come in parts this cell alone is looked at: in its other cells others may stand before it.
 */
static uint32_t find_servable(struct judge *judge, uint32_t cell)
{
    const struct claims *claims = &judge->ledger->claims;
    uint64_t *unserved = judge->ledger->pending->unserved;
    uint32_t looked_at = 0;
    for (uint32_t l = cell_extra(judge->ledger, cell)->queues[QUEUE_WAITING].first; l != 0 && looked_at < WAITING_LOOKED_AT;
         l = claims->lines[l - 1].links[QUEUE_WAITING].next, looked_at++) {
        uint32_t claim = claims->lines[l - 1].claim;
        bool partial = claims->entries[claim].partial;
        if (!partial && unserved[claim] == judge->ledger->last_seq)
            continue; /* looked at in another of its cells, and nothing happened since */
        claim_channel(judge, claim);
        if (partial ? line_servable(judge, &claims->lines[l - 1]) > 0 : claim_servable(judge, claim))
            return l;
        unserved[claim] = judge->ledger->last_seq;
    }
    return 0;
}

/* Serves the claim of this line: all of its lines that wait, or this one where it may come in parts. */
static void decide_served(struct judge *judge, uint32_t first)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    uint32_t claim = claims->lines[first - 1].claim;
    bool partial = claims->entries[claim].partial;
    for (uint32_t l = partial ? first : claims->entries[claim].first_line; l != 0;
         l = partial ? 0 : claims->lines[l - 1].next) {
        const struct claim_line *line = &claims->lines[l - 1];
        if (line->units[CLAIM_WAITING] == 0)
            continue;
        int64_t units = line_servable(judge, line);
        struct draft draft = draft_of_cell(ledger, line->cell, l - 1);
        struct event *event = judge_event(judge, EVENT_HOLD);
        event->quantity = units;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, l - 1, event);
        grant_units(judge, &draft, event, CLAIM_HELD, units, (struct terms){units, 0});
        event->claim_units[CLAIM_GRANTED] += units;
        event->claim_units[CLAIM_WAITING] -= units;
        if (event->claim_at.form != MOMENT_ABSENT)
            expectation_out_take(judge, &draft, event->hold, units, 0, event);
        CHECK(judge_cell(judge, &draft, event, DISCREPANCY_NONE, 0)); /* what is free is in range */
    }
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, claims->entries[claim].expires_at_us);
}

/* The first pending cell where orders lack cover that is there, and how much of it; NUMBER_NONE for none. */
static uint32_t find_coverable(const struct ledger *ledger, int64_t *out_units)
{
    uint32_t first = NUMBER_NONE;
    for (uint32_t i = 0; i < ledger->pending->served.count; i++) {
        uint32_t cell = ledger->pending->served.cells[i];
        if (cell > first || cell_extra(ledger, cell)->queues[QUEUE_BACKORDERED].first == 0)
            continue;
        struct figures figures = cell_figures(ledger, cell);
        int64_t units = min_i64(coverable(ledger, cell), figures.units[FIGURE_BACKORDERED]);
        if (units <= 0)
            continue;
        first = cell;
        *out_units = units;
    }
    return first;
}

/* The first cell where claims really are to lose cover. */
static bool decide_shorts(const struct ledger *ledger, struct judge *judge)
{
    struct cell_heap *shorts = &ledger->pending->shorts;
    while (shorts->count != 0) {
        uint32_t cell = shorts->cells[0];
        int64_t units = shortfall_units(ledger, cell);
        if (units != 0) {
            own_begin(judge, KIND_SHORT);
            decide_short(judge, draft_of_cell(ledger, cell, NUMBER_NONE), units);
            return true;
        }
        cell_extra(ledger, cell)->short_pending = false;
        heap_pop(shorts);
    }
    return false;
}

/*
 * What pending cells really have for somebody. Covers first, in all of them: one who waits for several cells would be
 * passed over in one for the sake of another that is still to be covered.
 */
static bool decide_pending(const struct ledger *ledger, struct judge *judge)
{
    int64_t units;
    struct cell_heap *served = &ledger->pending->served;
    uint32_t covered = served->count == 0 ? NUMBER_NONE : find_coverable(ledger, &units);
    if (covered != NUMBER_NONE) {
        own_begin(judge, KIND_COVER);
        decide_cover(judge, covered, units);
        return true;
    }
    while (served->count != 0) {
        uint32_t cell = served->cells[0];
        struct cell_extra *extra = cell_extra(ledger, cell);
        uint32_t line = find_servable(judge, cell);
        if (line != 0) {
            own_begin(judge, KIND_HOLD);
            decide_served(judge, line);
            return true;
        }
        extra->pending = false;
        heap_pop(served);
    }
    return false;
}

static void decide_expire(struct judge *judge, uint32_t claim)
{
    own_begin(judge, KIND_EXPIRE);
    claim_channel(judge, claim);
    CHECK(judge_claim_lines(judge, claim, 1u << CLAIM_HELD | 1u << CLAIM_WAITING));
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t held = draft_claimed(judge, draft, CLAIM_HELD);
        struct event *event = judge_event(judge, EVENT_EXPIRE);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        give_back_units(judge, event, held, 0);
        event->claim_units[CLAIM_EXPIRED] += held;
        if (event->claim_at.form != MOMENT_ABSENT)
            expectation_out_take(judge, draft, event->hold, event->claim_units[CLAIM_WAITING], 0, event);
        event->claim_units[CLAIM_WAITING] = 0;
        CHECK(judge_cell(judge, draft, event, DISCREPANCY_NONE, 0));
    }
    claim_conclude(judge, claim, CLAIM_STATE_EXPIRED, TIME_NONE);
}

static int64_t expiry_due_us(const struct ledger *ledger)
{
    const struct claims *claims = &ledger->claims;
    return claims->heap_count == 0 ? INT64_MAX : claims->entries[claims->heap[0]].expires_at_us;
}

int64_t ledger_next_due_us(const struct ledger *ledger)
{
    if ((ledger->pending->served.count | ledger->pending->shorts.count) != 0)
        return ledger->now_us;
    return min_i64(expiry_due_us(ledger), ledger->watches.due_us);
}

/* Something is due, it seems. Never inlined: most of the time nothing is, and its command is a large one. */
static NEVER_INLINE bool decide_due(const struct ledger *ledger, int64_t now_us, struct decision *out_decision)
{
    const struct command own = {.kind = KIND_TICK, .source = TEXT("@ledger")};
    struct verdict verdict;
    struct judge judge = {
        .ledger = ledger,
        .command = &own,
        .now_us = now_us,
        .channel = NUMBER_NONE,
        .promised = NUMBER_NONE,
        .late_us = INT64_MAX,
        .decision = out_decision,
        .verdict = &verdict,
    };
    if (decide_shorts(ledger, &judge) || decide_pending(ledger, &judge))
        return true;
    /* In the order of their times; at the same time, holds first. */
    int64_t expiry_us = expiry_due_us(ledger);
    int64_t silence_us = ledger->watches.due_us;
    if (min_i64(expiry_us, silence_us) > now_us)
        return false;
    if (expiry_us <= silence_us)
        decide_expire(&judge, ledger->claims.heap[0]);
    else
        decide_silence(&judge);
    return true;
}

bool ledger_due(const struct ledger *ledger, int64_t now_us, struct decision *out_decision)
{
    return UNLIKELY(ledger_next_due_us(ledger) <= now_us) && decide_due(ledger, now_us, out_decision);
}
