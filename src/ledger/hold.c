/*
 * Claims: hold, extend, commit, release, and the ledger's own expire.
 *
 * A hold is judged on the sum of its lines per cell (I3): what its own holder had there already counts as free to it.
 * Held units can expire; committed ones cannot. What a partly committed hold still holds keeps its end.
 */
#include "ledger/decide.h"

#define EXPIRES_IN_DEFAULT_MS (INT64_C(900) * 1000)                         /* API.md section 3 */
#define EXPIRES_IN_MAX_MS     (INT64_C(100) * 366 * 24 * 60 * 60 * 1000)    /* a century: keeps the sums in range */

/* ---- shared by the rules ---- */

void claim_fill(const struct judge *judge, uint32_t claim, uint32_t claim_line, struct event *event)
{
    const struct claims *claims = &judge->ledger->claims;
    const struct command *command = judge->command;
    if (claim == NUMBER_NONE) {
        event->claim = judge->decision->first_seq;
        event->hold = command->hold;
        event->holder = text_present(command->holder) ? command->holder : command->source;
        event->channel = command->channel;
        return;
    }
    const struct claim *entry = &claims->entries[claim];
    event->claim = entry->number;
    event->hold = textpool_text(&claims->texts, entry->name);
    event->holder = textpool_text(&claims->texts, entry->holder);
    event->channel = textpool_text(&claims->texts, entry->channel);
    event->claim_state = entry->state;
    event->expires_at_us = entry->expires_at_us;
    if (claim_line != NUMBER_NONE)
        memcpy(event->claim_units, claims->lines[claim_line].units, sizeof(event->claim_units));
}

/* Moves units out of held and committed of this event's claim and cell; returns them in *out_held, *out_committed. */
static void claim_take(struct event *event, int64_t from_held, int64_t from_committed)
{
    event->claim_units[CLAIM_HELD] -= from_held;
    event->claim_units[CLAIM_COMMITTED] -= from_committed;
    event->delta.units[FIGURE_HELD] -= from_held;
    event->delta.units[FIGURE_COMMITTED] -= from_committed;
}

int64_t claim_consume(struct event *event, int64_t units)
{
    int64_t from_committed = min_i64(units, event->claim_units[CLAIM_COMMITTED]);
    int64_t from_held = min_i64(units - from_committed, event->claim_units[CLAIM_HELD]);
    /* Units already on a trolley go first. */
    int64_t from_picked = min_i64(from_committed, event->claim_units[CLAIM_PICKED]);
    event->claim_units[CLAIM_PICKED] -= from_picked;
    event->delta.units[FIGURE_PICKED] -= from_picked;
    claim_take(event, from_held, from_committed);
    event->claim_units[CLAIM_CONSUMED] += from_committed + from_held;
    return from_committed + from_held;
}

void claim_conclude(struct judge *judge, uint32_t claim, enum claim_state ended, int64_t expires_at_us)
{
    const struct claims *claims = &judge->ledger->claims;
    int64_t held = 0;
    int64_t committed = 0;
    uint32_t lines = 0;
    if (claim != NUMBER_NONE) {
        for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
            held += claims->lines[l - 1].units[CLAIM_HELD];
            committed += claims->lines[l - 1].units[CLAIM_COMMITTED];
            lines++;
        }
    }
    struct decision *decision = judge->decision;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->claim == 0 || event->location == NUMBER_NONE)
            continue;
        /* Claimed figures of a cell change through this claim alone. */
        held += event->delta.units[FIGURE_HELD];
        committed += event->delta.units[FIGURE_COMMITTED];
        bool had_line = false;
        if (claim != NUMBER_NONE && event->version > 1) {
            uint32_t cell = cell_find(judge->ledger, event->item, event->location);
            had_line = claim_line_find(judge->ledger, claim, cell) != NUMBER_NONE;
        }
        lines += !had_line;
        judge->new_claim_lines += !had_line;
    }
    judge->new_claim = claim == NUMBER_NONE;
    if (lines > COMMAND_LINES_MAX) {
        (void)judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "lines",
                            "the hold would be on more than 1,000 cells: use another hold");
        return;
    }
    enum claim_state state = held > 0 ? CLAIM_STATE_HELD : committed > 0 ? CLAIM_STATE_COMMITTED : ended;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct event *event = &decision->events[i];
        if (event->claim == 0)
            continue;
        event->claim_state = state;
        event->expires_at_us = held > 0 ? expires_at_us : TIME_NONE;
    }
}

static uint8_t line_scale(const struct ledger *ledger, uint32_t line)
{
    return ledger->items[ledger->cells[ledger->claims.lines[line - 1].cell].item].scale;
}

/* sum + units, the latter brought from `from` to `to` decimals; stays at the largest quantity rather than overflow. */
static int64_t sum_at_scale(int64_t sum, int64_t units, uint8_t from, uint8_t to)
{
    for (; from < to; from++) {
        if (!checked_mul(units, 10, &units))
            return QUANTITY_UNITS_MAX;
    }
    return checked_add(sum, units, &sum) ? min_i64(sum, QUANTITY_UNITS_MAX) : QUANTITY_UNITS_MAX;
}

bool judge_hold_ended(struct judge *judge, uint32_t claim)
{
    const struct claims *claims = &judge->ledger->claims;
    const struct ledger *ledger = judge->ledger;
    /* Lines may be of items with different scales: the sums are in the finest one. */
    uint8_t scale = 0;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next)
        scale = line_scale(ledger, l) > scale ? line_scale(ledger, l) : scale;
    int64_t consumed = 0;
    int64_t released = 0;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        const int64_t *units = claims->lines[l - 1].units;
        consumed = sum_at_scale(consumed, units[CLAIM_CONSUMED], line_scale(ledger, l), scale);
        released = sum_at_scale(released, units[CLAIM_RELEASED], line_scale(ledger, l), scale);
    }
    (void)judge_refuse(judge, CODE_hold_ended, judge->command->hold, TEXT("/hold"));
    judge->decision->events[0].scale = scale;
    judge->decision->events[0].consumed = consumed;
    judge->decision->events[0].released = released;
    return false;
}

static bool judge_expires_in(struct judge *judge, int64_t *out_expires_at_us)
{
    int64_t ms = judge->command->expires_in_ms == EXPIRES_DEFAULT ? EXPIRES_IN_DEFAULT_MS
                                                                  : judge->command->expires_in_ms;
    if (ms < 0 || ms > EXPIRES_IN_MAX_MS)
        return judge_invalid(judge, CODE_out_of_range, LINE_NONE, "expires_in", "0 to 100 years");
    *out_expires_at_us = ms == 0 ? TIME_NONE : judge->now_us + ms * 1000;
    return true;
}

/* Finds the drafts' lines in a claim. */
static void attach_lines(struct judge *judge, uint32_t claim)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (claim != NUMBER_NONE && draft->cell != NUMBER_NONE)
            draft->claim_line = claim_line_find(judge->ledger, claim, draft->cell);
    }
}

static int64_t line_units(const struct judge *judge, const struct draft *draft, enum claim_figure figure)
{
    return draft->claim_line == NUMBER_NONE ? 0 : judge->ledger->claims.lines[draft->claim_line].units[figure];
}

/* The live claim the command names; refuses and returns NUMBER_NONE when there is none. */
static uint32_t live_claim(struct judge *judge)
{
    uint32_t claim = claim_find(judge->ledger, judge->command->hold, judge->now_us);
    if (claim == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_hold, judge->command->hold, TEXT("/hold"));
        return NUMBER_NONE;
    }
    if (claim_state_ended(judge->ledger->claims.entries[claim].state)) {
        (void)judge_hold_ended(judge, claim);
        return NUMBER_NONE;
    }
    return claim;
}

/* ---- hold ---- */

/* What a line of a replaced hold held in cells the new one does not name. */
static void emit_dropped(struct judge *judge, uint32_t claim)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        int64_t held = claims->lines[l - 1].units[CLAIM_HELD];
        bool named = held == 0;
        for (uint32_t i = 0; i < judge->draft_count && !named; i++)
            named = judge_draft(judge, i)->claim_line == l - 1;
        if (named)
            continue;
        uint32_t cell = claims->lines[l - 1].cell;
        const struct draft draft = {
            .item = ledger->cells[cell].item,
            .location = ledger->cells[cell].location,
            .cell = cell,
            .line = LINE_NONE,
            .scale = ledger->items[ledger->cells[cell].item].scale,
        };
        struct event *event = judge_event(judge, EVENT_HOLD);
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, l - 1, event);
        claim_take(event, held, 0);
        event->claim_units[CLAIM_RELEASED] += held;
        CHECK(judge_cell(judge, &draft, event, DISCREPANCY_NONE, 0)); /* giving back leaves no range */
    }
}

static void decide_hold(struct judge *judge)
{
    const struct command *command = judge->command;
    const struct claims *claims = &judge->ledger->claims;
    uint32_t claim = claim_find(judge->ledger, command->hold, judge->now_us);
    if (claim != NUMBER_NONE) {
        const struct claim *entry = &claims->entries[claim];
        struct text holder = text_present(command->holder) ? command->holder : command->source;
        if (claim_state_ended(entry->state)) {
            (void)judge_hold_ended(judge, claim);
            return;
        }
        if (!text_equal(textpool_text(&claims->texts, entry->holder), holder)) {
            (void)judge_refuse(judge, CODE_hold_exists, command->hold, TEXT("/hold"));
            return;
        }
    }
    int64_t expires_at_us = TIME_NONE;
    if (!judge_expires_in(judge, &expires_at_us) ||
        !judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE))
        return;
    attach_lines(judge, claim);

    int64_t granted_total = 0;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t free_units = draft_free(judge, draft) + line_units(judge, draft, CLAIM_HELD);
        if (judge->request && draft->asked > free_units) {
            judge_short(judge, draft, draft->asked, free_units);
            if (command->mode == HOLD_PARTIAL)
                draft->asked = free_units;
        }
        granted_total += draft->asked;
    }
    bool refused = judge->decision->shortage_count != 0 &&
                   (command->mode == HOLD_ALL_OR_NOTHING || granted_total == 0);
    if (refused) {
        (void)judge_refuse(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE);
        return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t more = draft->asked - line_units(judge, draft, CLAIM_HELD);
        if (draft->asked == 0) {
            CHECK(more == 0); /* what was held counts as free */
            continue;         /* partial: nothing to be had in this cell */
        }
        struct event *event = judge_event(judge, EVENT_HOLD);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        event->claim_units[CLAIM_HELD] += more;
        event->delta.units[FIGURE_HELD] = more;
        event->claim_units[more >= 0 ? CLAIM_GRANTED : CLAIM_RELEASED] += more >= 0 ? more : -more;
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
    if (claim != NUMBER_NONE)
        emit_dropped(judge, claim);
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, expires_at_us);
}

/* ---- extend ---- */

static void decide_extend(struct judge *judge)
{
    uint32_t claim = live_claim(judge);
    int64_t expires_at_us = TIME_NONE;
    if (claim == NUMBER_NONE || !judge_expires_in(judge, &expires_at_us))
        return;
    if (judge->ledger->claims.entries[claim].state != CLAIM_STATE_HELD) {
        (void)judge_hold_ended(judge, claim); /* nothing of it is held any more: it was committed */
        return;
    }
    if (!judge_precondition(judge))
        return;
    claim_fill(judge, claim, NUMBER_NONE, judge_event(judge, EVENT_EXTEND));
    claim_conclude(judge, claim, CLAIM_STATE_HELD, expires_at_us);
}

/* ---- commit ---- */

/* Commits each draft: held units first, the rest as a new grant. */
static bool emit_commit(struct judge *judge, uint32_t claim)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_COMMIT);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        int64_t from_held = min_i64(draft->asked, event->claim_units[CLAIM_HELD]);
        claim_take(event, from_held, -draft->asked);
        event->claim_units[CLAIM_GRANTED] += draft->asked - from_held;
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return false;
    }
    return true;
}

/* Grants without a hold before it: each cell must have enough free. */
static bool judge_direct(struct judge *judge, enum code code, struct text subject)
{
    for (uint32_t i = 0; judge->request && i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->asked > draft_free(judge, draft))
            judge_short(judge, draft, draft->asked, draft_free(judge, draft));
    }
    if (judge->decision->shortage_count != 0)
        return judge_refuse(judge, code, subject, TEXT_NONE);
    return true;
}

static void decide_commit(struct judge *judge)
{
    const struct command *command = judge->command;
    const struct claims *claims = &judge->ledger->claims;
    enum lines_names names = judge->request ? LINES_KNOWN : LINES_CREATE;
    uint32_t claim = claim_find(judge->ledger, command->hold, judge->now_us);
    if (claim == NUMBER_NONE && command->line_count == 0) {
        (void)judge_refuse(judge, CODE_unknown_hold, command->hold, TEXT("/hold"));
        return;
    }
    bool expired = claim != NUMBER_NONE && claims->entries[claim].state == CLAIM_STATE_EXPIRED;
    if (claim != NUMBER_NONE && !expired && claim_state_ended(claims->entries[claim].state)) {
        (void)judge_hold_ended(judge, claim);
        return;
    }
    bool drafted = command->line_count != 0 ? judge_lines(judge, names)
                                            : judge_claim_lines(judge, claim, !expired, false, expired);
    if (!drafted)
        return;
    attach_lines(judge, claim);
    if (judge->draft_count == 0) {
        /* Everything of it was committed before: nothing held is left to commit. */
        (void)judge_refuse(judge, CODE_exceeds_claim, command->hold, TEXT("/hold"));
        return;
    }
    if (claim == NUMBER_NONE || expired) {
        if (!judge_direct(judge, expired ? CODE_hold_expired : CODE_insufficient_stock,
                          expired ? command->hold : TEXT_NONE))
            return;
    } else if (judge->request) {
        for (uint32_t i = 0; i < judge->draft_count; i++) {
            const struct draft *draft = judge_draft(judge, i);
            if (draft->asked > line_units(judge, draft, CLAIM_HELD))
                judge_short(judge, draft, draft->asked, line_units(judge, draft, CLAIM_HELD));
        }
        if (judge->decision->shortage_count != 0) {
            (void)judge_refuse(judge, CODE_exceeds_claim, command->hold, TEXT("/lines"));
            return;
        }
    }
    if (emit_commit(judge, claim))
        claim_conclude(judge, claim, CLAIM_STATE_RELEASED,
                       claim == NUMBER_NONE ? TIME_NONE : claims->entries[claim].expires_at_us);
}

/* ---- release ---- */

static void decide_release(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t claim = live_claim(judge);
    if (claim == NUMBER_NONE)
        return;
    bool drafted = command->line_count != 0 ? judge_lines(judge, LINES_KNOWN)
                                            : judge_claim_lines(judge, claim, true, true, false);
    if (!drafted)
        return;
    attach_lines(judge, claim);
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t open = line_units(judge, draft, CLAIM_HELD) + line_units(judge, draft, CLAIM_COMMITTED);
        if (draft->asked > open)
            judge_short(judge, draft, draft->asked, open);
    }
    if (judge->decision->shortage_count != 0) {
        (void)judge_refuse(judge, CODE_exceeds_claim, command->hold, TEXT("/lines"));
        return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_RELEASE);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        int64_t from_held = min_i64(draft->asked, event->claim_units[CLAIM_HELD]);
        claim_take(event, from_held, draft->asked - from_held);
        event->claim_units[CLAIM_RELEASED] += draft->asked;
        CHECK(judge_cell(judge, draft, event, DISCREPANCY_NONE, 0)); /* giving back leaves no range */
    }
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, judge->ledger->claims.entries[claim].expires_at_us);
}

void decide_claim(struct judge *judge)
{
    if (judge->command->kind == KIND_HOLD)
        decide_hold(judge);
    else if (judge->command->kind == KIND_EXTEND)
        decide_extend(judge);
    else if (judge->command->kind == KIND_COMMIT)
        decide_commit(judge);
    else
        decide_release(judge);
}

/* ---- expire: the ledger's own ---- */

int64_t ledger_next_due_us(const struct ledger *ledger)
{
    const struct claims *claims = &ledger->claims;
    return claims->heap_count == 0 ? INT64_MAX : claims->entries[claims->heap[0]].expires_at_us;
}

bool ledger_due(const struct ledger *ledger, int64_t now_us, struct decision *out_decision)
{
    if (ledger_next_due_us(ledger) > now_us)
        return false;
    uint32_t claim = ledger->claims.heap[0];
    const struct command command = {
        .kind = KIND_EXPIRE,
        .source = TEXT("@ledger"),
        .hold = textpool_text(&ledger->claims.texts, ledger->claims.entries[claim].name),
    };
    struct verdict verdict;
    struct judge judge = {
        .ledger = ledger,
        .command = &command,
        .now_us = now_us,
        .decision = out_decision,
        .verdict = &verdict,
    };
    decision_begin(&judge, KIND_EXPIRE);
    /* The journal's first decision (settings) reserved this name, so the table cannot be full of others. */
    out_decision->source = judge_name(&judge, NAME_SOURCE, command.source);
    CHECK(out_decision->source != NUMBER_NONE);
    CHECK(judge_claim_lines(&judge, claim, true, false, false));
    for (uint32_t i = 0; i < judge.draft_count; i++) {
        const struct draft *draft = judge_draft(&judge, i);
        struct event *event = judge_event(&judge, EVENT_EXPIRE);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(&judge, claim, draft->claim_line, event);
        claim_take(event, draft->asked, 0);
        event->claim_units[CLAIM_EXPIRED] += draft->asked;
        CHECK(judge_cell(&judge, draft, event, DISCREPANCY_NONE, 0));
    }
    claim_conclude(&judge, claim, CLAIM_STATE_EXPIRED, TIME_NONE);
    return true;
}
