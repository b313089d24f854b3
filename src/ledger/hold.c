/*
 * Holds: hold, extend, release. And what all rules of claims share.
 *
 * A hold is judged on the sum of its lines per cell (I3): what its own holder has there already is given back first, so
 * that nobody is in his own way. Held units can expire; committed ones cannot. What a partly committed hold still holds
 * keeps its end. A hold that may wait and cannot be granted stands in line in each of its cells (serve.c).
 */
#include "ledger/decide.h"

#define EXPIRES_IN_DEFAULT_MS (INT64_C(900) * 1000)                         /* API.md section 3 */
#define EXPIRES_IN_MAX_MS     (INT64_C(100) * 366 * 24 * 60 * 60 * 1000)    /* a century: keeps the sums in range */

/* ---- shared by the rules ---- */

uint32_t judge_claim(const struct judge *judge)
{
    const struct command *command = judge->command;
    uint64_t hash = command->hints.ready ? command->hints.hold : claim_name_hash(judge->ledger, command->hold);
    return claim_find_hashed(judge->ledger, command->hold, hash, judge->now_us);
}

void claim_fill(const struct judge *judge, uint32_t claim, uint32_t claim_line, struct event *event)
{
    const struct claims *claims = &judge->ledger->claims;
    const struct command *command = judge->command;
    if (claim == NUMBER_NONE) {
        event->claim = judge->decision->first_seq;
        event->hold = command->hold;
        event->hints.hold = command->hints.hold;
        event->holder = text_present(command->holder) ? command->holder : command->source;
        event->channel = command->channel;
        event->claim_priority = command->priority;
        event->claim_partial = command->wait && command->mode == HOLD_PARTIAL;
        return;
    }
    const struct claim *entry = &claims->entries[claim];
    event->claim = entry->number;
    event->hold = textpool_text(&claims->texts, entry->name);
    event->holder = textpool_text(&claims->texts, entry->holder);
    event->channel = textpool_text(&claims->texts, entry->channel);
    event->claim_state = entry->state;
    event->expires_at_us = entry->expires_at_us;
    event->claim_priority = entry->priority;
    event->claim_paid = entry->paid;
    event->claim_partial = entry->partial;
    event->claim_at = entry->at;
    if (claim_line != NUMBER_NONE)
        memcpy(event->claim_units, claims->lines[claim_line].units, sizeof(event->claim_units));
}

void claim_conclude(struct judge *judge, uint32_t claim, enum claim_state ended, int64_t expires_at_us)
{
    const struct claims *claims = &judge->ledger->claims;
    int64_t held = 0;
    int64_t committed = 0;
    int64_t waiting = 0;
    uint32_t lines = 0;
    for (uint32_t l = claim == NUMBER_NONE ? 0 : claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        held += claims->lines[l - 1].units[CLAIM_HELD];
        committed += claims->lines[l - 1].units[CLAIM_COMMITTED];
        waiting += claims->lines[l - 1].units[CLAIM_WAITING];
        lines++;
    }
    struct decision *decision = judge->decision;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->claim == 0 || event->location == NUMBER_NONE)
            continue;
        /* Claimed figures of a cell change through this claim alone. */
        held += event->delta.units[FIGURE_HELD];
        committed += event->delta.units[FIGURE_COMMITTED];
        waiting += event->claim_units[CLAIM_WAITING];
        uint32_t line = NUMBER_NONE;
        if (claim != NUMBER_NONE && event->version > 1)
            line = claim_line_find(judge->ledger, claim, cell_find(judge->ledger, event->item, event->location));
        if (line != NUMBER_NONE)
            waiting -= claims->lines[line].units[CLAIM_WAITING];
        lines += line == NUMBER_NONE;
        judge->new_claim_lines += line == NUMBER_NONE;
    }
    judge->new_claim = claim == NUMBER_NONE;
    if (lines > COMMAND_LINES_MAX) {
        (void)judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "lines",
                            "the hold would be on more than 1,000 cells: use another hold");
        return;
    }
    enum claim_state state = held > 0        ? CLAIM_STATE_HELD
                             : committed > 0 ? CLAIM_STATE_COMMITTED
                             : waiting > 0   ? CLAIM_STATE_WAITING
                                             : ended;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct event *event = &decision->events[i];
        if (event->claim == 0)
            continue;
        event->claim_state = state;
        event->expires_at_us = held > 0 || waiting > 0 ? expires_at_us : TIME_NONE;
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
    const struct command *command = judge->command;
    const struct source *source = judge->source;
    int64_t ms = command->expires_in_ms;
    if (ms == EXPIRES_DEFAULT) /* a source may have said it for all of its holds */
        ms = command->kind == KIND_HOLD && source != NULL && source->has_expires_in ? source->expires_in_ms
                                                                                    : EXPIRES_IN_DEFAULT_MS;
    if (ms < 0 || ms > EXPIRES_IN_MAX_MS)
        return judge_invalid(judge, CODE_out_of_range, LINE_NONE, "expires_in", "0 to 100 years");
    *out_expires_at_us = ms == 0 ? TIME_NONE : judge->now_us + ms * 1000;
    return true;
}

void attach_lines(struct judge *judge, uint32_t claim)
{
    for (uint32_t i = 0; claim != NUMBER_NONE && i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        draft->claim_line = draft_claim_line(judge, claim, draft);
    }
}

int64_t draft_claimed(const struct judge *judge, const struct draft *draft, enum claim_figure figure)
{
    return draft->claim_line == NUMBER_NONE ? 0 : judge->ledger->claims.lines[draft->claim_line].units[figure];
}

struct text claim_channel_name(const struct judge *judge, uint32_t claim)
{
    return textpool_text(&judge->ledger->claims.texts, judge->ledger->claims.entries[claim].channel);
}

void claim_channel(struct judge *judge, uint32_t claim)
{
    CHECK(judge_channel(judge, claim_channel_name(judge, claim), false)); /* a label when nobody declared it */
}

int64_t draft_promised(const struct judge *judge, uint32_t claim, const struct draft *draft)
{
    bool later = claim != NUMBER_NONE && judge->ledger->claims.entries[claim].at.form != MOMENT_ABSENT;
    return later ? draft_claimed(judge, draft, CLAIM_WAITING) : 0;
}

bool judge_shorts(struct judge *judge, enum code code, struct text subject, struct text field)
{
    if (judge->decision->shortage_count == 0)
        return true;
    return judge_refuse(judge, code, subject, field);
}

bool judge_promises(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (UNLIKELY(draft->in_bin))
            return judge_refuse(judge, CODE_no_promise, ledger_name(judge->ledger, NAME_LOCATION, draft->location),
                                TEXT("/location"));
    }
    return true;
}

uint32_t live_claim(struct judge *judge)
{
    uint32_t claim = judge_claim(judge);
    if (claim == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_hold, judge->command->hold, TEXT("/hold"));
        return NUMBER_NONE;
    }
    if (claim_state_ended(judge->ledger->claims.entries[claim].state)) {
        (void)judge_hold_ended(judge, claim);
        return NUMBER_NONE;
    }
    claim_channel(judge, claim);
    return claim;
}

/* ---- hold ---- */

/* The event of a hold in one cell: what its claim held or waited for there is given back, and it gets `units`. */
static bool emit_hold(struct judge *judge, uint32_t claim, struct draft *draft, int64_t units, int64_t waiting)
{
    struct event *event = judge_event(judge, EVENT_HOLD);
    event->quantity = units;
    event->condition = CONDITION_SELLABLE;
    claim_fill(judge, claim, draft->claim_line, event);
    int64_t had = event->claim_units[CLAIM_HELD];
    give_back_units(judge, event, had, 0);
    grant_units(judge, draft, event, CLAIM_HELD, units, draft->terms);
    event->claim_units[units >= had ? CLAIM_GRANTED : CLAIM_RELEASED] += units >= had ? units - had : had - units;
    event->claim_units[CLAIM_WAITING] = waiting;
    if (judge->command->priority != 0)
        event->claim_priority = judge->command->priority;
    event->claim_at = judge->command->at;
    event->claim_partial = judge->command->wait && judge->command->mode == HOLD_PARTIAL &&
                           event->claim_at.form == MOMENT_ABSENT;
    expectation_out_set(judge, draft, judge->promised, judge->command->at.form == MOMENT_ABSENT ? 0 : waiting, event);
    return judge_cell(judge, draft, event, DISCREPANCY_NONE, 0);
}

/* What a replaced hold has in cells that the new one does not name. */
static void emit_dropped(struct judge *judge, uint32_t claim)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    uint32_t named_count = judge->draft_count;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        const int64_t *units = claims->lines[l - 1].units;
        bool named = units[CLAIM_HELD] == 0 && units[CLAIM_WAITING] == 0;
        for (uint32_t i = 0; i < named_count && !named; i++)
            named = judge_draft(judge, i)->claim_line == l - 1;
        if (named)
            continue;
        const struct cell *cell = &ledger->cells[claims->lines[l - 1].cell];
        struct draft draft = {
            .item = cell->item,
            .location = cell->location,
            .cell = claims->lines[l - 1].cell,
            .line = LINE_NONE,
            .claim_line = l - 1,
            .scale = ledger->items[cell->item].scale,
        };
        CHECK(emit_hold(judge, claim, &draft, 0, 0)); /* giving back leaves no range */
    }
}

void hold_terms(const struct judge *judge, uint32_t claim, struct draft *draft)
{
    if (draft->claim_line == NUMBER_NONE) {
        draft->terms = grant_terms(judge, draft, NULL);
        return;
    }
    struct event given_back = {.channel_number = NUMBER_NONE};
    claim_fill(judge, claim, draft->claim_line, &given_back);
    int64_t had = given_back.claim_units[CLAIM_HELD];
    int64_t uncovered = given_back.claim_units[CLAIM_BACKORDERED];
    give_back_units(judge, &given_back, had, 0);
    draft->terms = grant_terms(judge, draft, &given_back);
    /* Those it had with cover stay its own, also where more is promised than there is: so much less may lack cover. */
    int64_t beyond = max_i64(0, had - uncovered - draft->terms.free);
    draft->terms.free += beyond;
    draft->terms.room = max_i64(0, draft->terms.room - beyond);
}

struct terms hold_terms_at(const struct judge *judge, uint32_t claim, uint32_t item, uint32_t location,
                           int64_t *out_taken)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->item == item && draft->location == location) {
            *out_taken = draft->asked;
            return draft->terms;
        }
    }
    uint32_t cell = cell_find(judge->ledger, item, location);
    bool claimed = claim != NUMBER_NONE && cell != NUMBER_NONE;
    struct draft draft = {
        .item = item,
        .location = location,
        .cell = cell,
        .claim_line = claimed ? claim_line_find(judge->ledger, claim, cell) : NUMBER_NONE,
    };
    hold_terms(judge, claim, &draft);
    *out_taken = 0;
    return draft.terms;
}

/* Does the claim have something that waiting for the whole would give away? */
static bool has_open(const struct judge *judge, uint32_t claim)
{
    const struct claims *claims = &judge->ledger->claims;
    return claim != NUMBER_NONE && claims->entries[claim].state != CLAIM_STATE_WAITING;
}

static bool judge_holder(struct judge *judge, uint32_t claim)
{
    const struct command *command = judge->command;
    const struct claims *claims = &judge->ledger->claims;
    struct text holder = text_present(command->holder) ? command->holder : command->source;
    if (claim_state_ended(claims->entries[claim].state))
        return judge_hold_ended(judge, claim);
    if (!text_equal(textpool_text(&claims->texts, claims->entries[claim].holder), holder))
        return judge_refuse(judge, CODE_hold_exists, command->hold, TEXT("/hold"));
    claim_channel(judge, claim);
    return true;
}

/* Was the claim promised for a later time, so that what it waits for is expected? */
static bool has_promise(const struct judge *judge, uint32_t claim)
{
    return judge->ledger->claims.entries[claim].at.form != MOMENT_ABSENT;
}

int64_t draft_promisable(const struct judge *judge, const struct draft *draft)
{
    if (draft->cell == NUMBER_NONE)
        return 0;
    struct figures figures = draft_figures(judge, draft);
    return max_i64(0, due_atp(judge->ledger, &figures, draft->cell, judge->promised, judge->command->at, judge->now_us));
}

/* Can all of it be promised? What is free now comes with the rest then. Notes the cells in which it cannot. */
static bool judge_promise(struct judge *judge)
{
    judge->decision->shortage_count = 0;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t most = draft_promisable(judge, draft);
        if (draft->asked > most)
            judge_short(judge, draft, draft->asked, most);
    }
    return judge->decision->shortage_count == 0;
}

/* The drafts' terms, and drafts of the lines that look for a place. */
static bool find_goods(struct judge *judge, uint32_t claim, bool wait)
{
    attach_lines(judge, claim);
    for (uint32_t i = 0; i < judge->draft_count; i++)
        hold_terms(judge, claim, judge_draft(judge, i));
    return judge_sourcing(judge, claim, wait);
}

/* Not all can be had now: the kits, drafted as what is free of them now, become what can be promised of them. */
static bool kits_anew(struct judge *judge, uint32_t claim)
{
    judge->draft_count = 0;
    judge->decision->shortage_count = 0;
    CHECK(judge_lines(judge, LINES_KNOWN) && find_goods(judge, claim, true)); /* as before */
    return judge_kits_granted(judge, claim, KIT_LATER);
}

void decide_hold(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t claim = judge_claim(judge);
    int64_t expires_at_us = TIME_NONE;
    judge->backorder = command->backorder;
    if (claim != NUMBER_NONE ? !judge_holder(judge, claim) : !judge_channel(judge, command->channel, true))
        return;
    if (!judge_expires_in(judge, &expires_at_us) ||
        !judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) || !judge_promises(judge))
        return;
    /* What is promised for a time is promised whole. */
    bool later = command->at.form != MOMENT_ABSENT && judge->request && !has_open(judge, claim);
    bool partial = command->mode == HOLD_PARTIAL && command->at.form == MOMENT_ABSENT;
    bool wait = command->wait && judge->request && (partial || !has_open(judge, claim));
    if (!find_goods(judge, claim, wait || later))
        return;
    bool taken = false;
    if (command->at.form != MOMENT_ABSENT || (claim != NUMBER_NONE && has_promise(judge, claim)))
        judge->promised = expectation_of_hold(judge, &taken);
    bool unsourced = judge->decision->shortage_count != 0;
    if (unsourced && (!partial || judge->draft_count == 0)) {
        (void)judge_refuse(judge, CODE_no_source, TEXT_NONE, TEXT_NONE);
        return;
    }
    bool may_lack = !judge->request || command->backorder || wait;
    bool kits = later && judge_has_kits(judge);
    enum kit_fit fit = may_lack && !later ? KIT_ANYHOW : later || partial ? KIT_PART : KIT_WHOLE;
    if (!judge_kits_granted(judge, claim, fit))
        return;
    int64_t granted_total = 0;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t most = draft->terms.free + draft->terms.room;
        draft->granted = draft->asked;
        if (judge->request && draft->asked > most) {
            judge_short(judge, draft, draft->asked, most);
            draft->granted = partial ? most : 0;
        }
        granted_total += draft->granted;
    }
    bool is_short = judge->decision->shortage_count != 0;
    if (later && is_short) {
        if (kits && !kits_anew(judge, claim))
            return;
        wait = judge_promise(judge);
    }
    if (is_short && !wait && (!partial || granted_total == 0)) {
        (void)judge_refuse(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE);
        return;
    }
    if (is_short && later && taken) {
        (void)judge_refuse(judge, CODE_expectation_closed, command->hold, TEXT("/hold"));
        return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (is_short && !partial)
            draft->granted = 0; /* it waits as a whole */
        int64_t waiting = is_short && wait ? draft->asked - draft->granted : 0;
        if (draft->granted == 0 && waiting == 0 && draft_claimed(judge, draft, CLAIM_HELD) == 0 &&
            draft_claimed(judge, draft, CLAIM_WAITING) == 0)
            continue; /* partial: nothing to be had in this cell */
        if (!emit_hold(judge, claim, draft, draft->granted, waiting))
            return;
    }
    if (claim != NUMBER_NONE)
        emit_dropped(judge, claim);
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, expires_at_us);
}

/* ---- extend ---- */

static bool claim_waits(const struct ledger *ledger, uint32_t claim)
{
    uint32_t l = ledger->claims.entries[claim].first_line;
    while (l != 0 && ledger->claims.lines[l - 1].units[CLAIM_WAITING] == 0)
        l = ledger->claims.lines[l - 1].next;
    return l != 0;
}

void decide_extend(struct judge *judge)
{
    uint32_t claim = live_claim(judge);
    int64_t expires_at_us = TIME_NONE;
    if (claim == NUMBER_NONE || !judge_expires_in(judge, &expires_at_us))
        return;
    const struct claim *entry = &judge->ledger->claims.entries[claim];
    if (entry->state == CLAIM_STATE_COMMITTED && !claim_waits(judge->ledger, claim)) {
        (void)judge_hold_ended(judge, claim); /* nothing of it is held any more: it was committed */
        return;
    }
    if (!judge_precondition(judge))
        return;
    claim_fill(judge, claim, NUMBER_NONE, judge_event(judge, EVENT_EXTEND));
    claim_conclude(judge, claim, CLAIM_STATE_HELD, expires_at_us);
}

/* ---- release ---- */

void decide_release(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t claim = live_claim(judge);
    if (claim == NUMBER_NONE)
        return;
    bool drafted = command->line_count != 0 ? judge_lines(judge, LINES_KNOWN)
                                            : judge_claim_lines(judge, claim, OPEN_UNITS | 1u << CLAIM_WAITING);
    if (!drafted || !judge_promises(judge))
        return;
    attach_lines(judge, claim);
    if (!judge_kits_claimed(judge, claim, OPEN_UNITS | 1u << CLAIM_WAITING))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t open = draft_claimed(judge, draft, CLAIM_HELD) + draft_claimed(judge, draft, CLAIM_COMMITTED) +
                       draft_claimed(judge, draft, CLAIM_WAITING);
        if (draft->asked > open)
            judge_short(judge, draft, draft->asked, open);
    }
    if (!judge_shorts(judge, CODE_exceeds_claim, command->hold, TEXT("/lines")))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_RELEASE);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        /* What is only waited for costs nobody anything: it goes first, then held, then committed. */
        int64_t waiting = min_i64(draft->asked, event->claim_units[CLAIM_WAITING]);
        int64_t held = min_i64(draft->asked - waiting, event->claim_units[CLAIM_HELD]);
        int64_t committed = draft->asked - waiting - held;
        event->claim_units[CLAIM_WAITING] -= waiting;
        give_back_units(judge, event, held, committed);
        event->claim_units[CLAIM_RELEASED] += held + committed;
        if (event->claim_at.form != MOMENT_ABSENT)
            expectation_out_take(judge, draft, event->hold, waiting, 0, event);
        /* Giving back leaves no range, but what was picked and goes back to the shelf can correct a count. */
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, judge->ledger->claims.entries[claim].expires_at_us);
}
