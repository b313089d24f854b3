/*
 * Movements: goods come, go, or change place or condition. Each takes from one account and gives to another (I1).
 *
 * Guarded, a movement that takes goods is judged per cell on the sum of its lines: what it takes of sellable stock must
 * be free (or covered by the claim it names) and physically there; of another condition, there. Not guarded, it is
 * recorded as told, and a figure that falls below zero is flagged as a discrepancy.
 */
#include "ledger/decide.h"

static enum event_type event_of(enum command_kind kind)
{
    /* The movement kinds stand in the same order in both lists. */
    _Static_assert((int)KIND_RECEIVE == (int)EVENT_RECEIVE && (int)KIND_TRANSFER == (int)EVENT_TRANSFER,
                   "kinds and event types of movements have the same numbers");
    return (enum event_type)kind;
}

/* The claim units a movement of this draft may use. */
static int64_t claim_open(const struct judge *judge, const struct draft *draft)
{
    if (draft->claim_line == NUMBER_NONE)
        return 0;
    const struct claim_line *line = &judge->ledger->claims.lines[draft->claim_line];
    return line->units[CLAIM_HELD] + line->units[CLAIM_COMMITTED];
}

/* What of them has cover. */
static int64_t claim_covered(const struct judge *judge, const struct draft *draft)
{
    return claim_open(judge, draft) - draft_claimed(judge, draft, CLAIM_BACKORDERED);
}

/* What of these units may be taken of sellable stock: the claim's part is covered, the rest must be free. */
static int64_t takable(const struct judge *judge, const struct draft *draft, int64_t units)
{
    return min_i64(units, claim_covered(judge, draft)) + draft_free(judge, draft);
}

/* The draft's node, where one is: what leaves its bins, less what comes to them and to itself, must be free there. */
static NEVER_INLINE void judge_node(struct judge *judge, const struct draft *draft, int64_t own)
{
    int64_t units = own - draft->in_bins;
    if (units > 0 && units > takable(judge, draft, units))
        judge_short(judge, draft, units, takable(judge, draft, units));
}

/*
 * Guarded taking. by: units taken by condition (> 0 where taken).
 * All of it must be physically there; of sellable stock it must be free, what lies in a bin at its node.
 */
void judge_taking(struct judge *judge, const struct draft *draft, const int64_t by[CONDITION_COUNT])
{
    struct figures figures = draft_figures(judge, draft);
    bool node = draft->in_bins != 0;
    for (unsigned i = 0; i < CONDITION_COUNT; i++) {
        if (by[i] <= 0)
            continue;
        int64_t there = max_i64(0, figures.units[i]);
        int64_t free_units = there;
        if (i == CONDITION_SELLABLE && !draft->in_bin && !node)
            free_units = min_i64(there, takable(judge, draft, by[i]));
        if (by[i] > free_units) {
            judge_short(judge, draft, by[i], free_units);
            return; /* one row per cell */
        }
    }
    if (node)
        judge_node(judge, draft, by[CONDITION_SELLABLE]);
}

static bool is_short(struct judge *judge)
{
    if (judge->decision->shortage_count == 0)
        return false;
    (void)judge_refuse(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE);
    return true;
}

bool movement_take(struct judge *judge, struct draft *draft, uint32_t claim, enum discrepancy excess,
                   struct event *event)
{
    if (LIKELY(!draft->unnamed)) {
        event->quantity = draft->asked;
        event->condition = draft->condition;
    }
    for (unsigned i = 0; i < CONDITION_COUNT; i++)
        event->delta.units[i] -= draft->asked_by[i];
    int64_t beyond = draft->asked_by[CONDITION_SELLABLE] + draft->below;
    if (draft->claim_line != NUMBER_NONE && beyond > 0) {
        claim_fill(judge, claim, draft->claim_line, event);
        beyond -= claim_consume(event, beyond);
    }
    if (judge->command->kind != KIND_TRANSFER_OUT)
        quota_use(judge, draft, event, beyond); /* sold; what goes to another place is not */
    return judge_cell(judge, draft, event, excess, excess == DISCREPANCY_NONE ? 0 : beyond);
}

/* Goods leave to the customer. What was committed has come off what is expected to go when it was. */
static bool emit_leaving(struct judge *judge, struct draft *draft, uint32_t claim, enum discrepancy excess)
{
    if (draft->unnamed && draft->in_bins == 0 && draft->below == 0)
        return true; /* what left its bins was not sellable */
    struct event *event = judge_draft_event(judge, draft, event_of(judge->command->kind));
    if (LIKELY(!draft->unnamed)) {
        event->account = ACCOUNT_CUSTOMER;
        event->account_units = draft->asked;
    }
    if (text_present(judge->command->hold)) {
        int64_t units = draft->asked_by[CONDITION_SELLABLE] + draft->below;
        int64_t direct = max_i64(0, units - draft_claimed(judge, draft, CLAIM_COMMITTED));
        expectation_out_take(judge, draft, judge->command->hold, direct, draft_promised(judge, claim, draft), event);
    }
    return movement_take(judge, draft, claim, excess, event);
}

bool movement_claim(struct judge *judge, uint32_t *out_claim, enum discrepancy *out_excess)
{
    const struct command *command = judge->command;
    bool shipping = command->kind == KIND_SHIP;
    uint32_t claim = NUMBER_NONE;
    *out_excess = DISCREPANCY_NONE;
    if (text_present(command->hold)) {
        claim = judge_claim(judge);
        bool ended = claim != NUMBER_NONE && claim_state_ended(judge->ledger->claims.entries[claim].state);
        if (shipping && claim == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_hold, command->hold, TEXT("/hold"));
        if (shipping && ended)
            return judge_hold_ended(judge, claim);
        /* Other kinds happened, whatever became of the claim: they are recorded, and the contradiction is flagged. */
        *out_excess = claim == NUMBER_NONE || ended ? DISCREPANCY_NO_CLAIM : DISCREPANCY_EXCEEDS_CLAIM;
        if (ended)
            claim = NUMBER_NONE;
    }
    *out_claim = claim;
    if (claim == NUMBER_NONE)
        return judge_channel(judge, command->channel, command->kind != KIND_TRANSFER_OUT);
    claim_channel(judge, claim);
    return true;
}

bool movement_drafts(struct judge *judge, uint32_t claim)
{
    bool drafted = judge->command->line_count == 0 && claim != NUMBER_NONE
                       ? judge_claim_lines(judge, claim, OPEN_UNITS)
                       : judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE);
    if (!drafted)
        return false;
    if (judge->draft_count == 0) /* the claim waits: it has nothing yet */
        return judge_refuse(judge, CODE_exceeds_claim, judge->command->hold, TEXT("/hold"));
    attach_lines(judge, claim);
    bool leaves = judge->command->kind == KIND_SALE || judge->command->kind == KIND_SHIP;
    return (!leaves || judge_kits_claimed(judge, claim, OPEN_UNITS)) && bins_leave(judge);
}

/* sale and ship: goods leave to the customer. */
static void decide_leaving(struct judge *judge)
{
    const struct command *command = judge->command;
    bool shipping = command->kind == KIND_SHIP;
    uint32_t claim;
    enum discrepancy excess;
    if (!movement_claim(judge, &claim, &excess) || !movement_drafts(judge, claim))
        return;
    if (judge->request && shipping && claim != NUMBER_NONE) {
        for (uint32_t i = 0; i < judge->draft_count; i++) {
            const struct draft *draft = judge_draft(judge, i);
            int64_t asked = draft->asked + draft->below;
            if (asked > claim_open(judge, draft))
                judge_short(judge, draft, asked, claim_open(judge, draft));
        }
        if (judge->decision->shortage_count != 0) {
            (void)judge_refuse(judge, CODE_exceeds_claim, command->hold, TEXT("/lines"));
            return;
        }
    }
    if (judge->request) {
        for (uint32_t i = 0; i < judge->draft_count; i++)
            judge_taking(judge, judge_draft(judge, i), judge_draft(judge, i)->asked_by);
        if (is_short(judge))
            return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!emit_leaving(judge, judge_draft(judge, i), claim, judge->request ? DISCREPANCY_NONE : excess))
            return;
    }
    if (claim != NUMBER_NONE)
        claim_conclude(judge, claim, CLAIM_STATE_CONSUMED, judge->ledger->claims.entries[claim].expires_at_us);
}

/* The other side of goods that come, or go by an adjustment. */
static enum account coming_from(enum command_kind kind, int64_t units)
{
    if (kind == KIND_RECEIVE)
        return ACCOUNT_SUPPLIER;
    if (kind == KIND_RETURN)
        return ACCOUNT_CUSTOMER;
    if (units == 0)
        return ACCOUNT_NONE; /* an adjustment between the conditions of one cell */
    return units > 0 ? ACCOUNT_FOUND : ACCOUNT_LOSS;
}

/* receive and return: goods come; adjust: either way. */
static void decide_coming(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t expectation;
    if (!expectation_in(judge, &expectation) || !judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) ||
        !bins_come(judge) || (expectation != NUMBER_NONE && !bins_expect(judge, expectation)))
        return;
    if (judge->request && command->kind == KIND_ADJUST) {
        for (uint32_t i = 0; i < judge->draft_count; i++) {
            const struct draft *draft = judge_draft(judge, i);
            int64_t taken[CONDITION_COUNT];
            for (unsigned c = 0; c < CONDITION_COUNT; c++)
                taken[c] = -draft->asked_by[c];
            judge_taking(judge, draft, taken);
        }
        if (is_short(judge))
            return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (draft->unnamed && draft->in_bins == 0 && draft->below == 0)
            continue;
        struct event *event = judge_draft_event(judge, draft, event_of(command->kind));
        if (LIKELY(!draft->unnamed)) {
            event->quantity = draft->asked;
            event->condition = draft->condition;
            event->account = coming_from(command->kind, draft->asked);
            event->account_units = -draft->asked;
        }
        for (unsigned c = 0; c < CONDITION_COUNT; c++)
            event->delta.units[c] = draft->asked_by[c];
        int64_t beyond = 0;
        if (expectation != NUMBER_NONE)
            beyond = draft->asked + draft->below -
                     expectation_in_take(judge, draft, expectation, draft->asked + draft->below, event);
        if (!judge_cell(judge, draft, event, DISCREPANCY_EXCEEDS_EXPECTATION, beyond))
            return;
    }
}

static void decide_reclassify(struct judge *judge)
{
    const struct command *command = judge->command;
    if (command->from == command->to_condition) {
        (void)judge_refuse(judge, CODE_same_condition, TEXT_NONE, TEXT("/to"));
        return;
    }
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE))
        return;
    uint32_t named = judge->draft_count;
    for (uint32_t i = 0; i < named; i++) { /* what ceases to be sellable, as if it left */
        struct draft *draft = judge_draft(judge, i);
        draft->asked_by[command->from] = draft->asked;
        if (command->from != CONDITION_SELLABLE)
            draft->asked_by[CONDITION_SELLABLE] = command->to_condition == CONDITION_SELLABLE ? -draft->asked : 0;
    }
    if (!bins_leave(judge))
        return;
    for (uint32_t i = 0; judge->request && i < judge->draft_count; i++)
        judge_taking(judge, judge_draft(judge, i), judge_draft(judge, i)->asked_by);
    if (is_short(judge))
        return;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_RECLASSIFY);
        event->quantity = draft->asked;
        event->condition = command->from;
        event->to_condition = command->to_condition;
        event->delta.units[command->from] = -draft->asked;
        event->delta.units[command->to_condition] = draft->asked;
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
    bins_rest(judge);
}

bool movement_is_later(const struct judge *judge, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (judge_draft(judge, i)->item == judge_draft(judge, index)->item)
            return true;
    }
    return false;
}

bool movement_arrival(struct judge *judge, uint32_t index, uint32_t to, struct draft *out_arrival,
                      uint32_t *out_origin)
{
    const struct ledger *ledger = judge->ledger;
    struct draft arrival = *judge_draft(judge, index);
    uint32_t origin = arrival.location;
    for (uint32_t i = index + 1; i < judge->draft_count; i++) {
        const struct draft *other = judge_draft(judge, i);
        if (other->item != arrival.item || other->unnamed)
            continue;
        origin = NUMBER_NONE; /* several */
        arrival.asked += other->asked;
        for (unsigned c = 0; c < CONDITION_COUNT; c++)
            arrival.asked_by[c] += other->asked_by[c];
        if (arrival.condition != other->condition)
            arrival.condition = CONDITION_NONE;
        if (!quantity_in_range(arrival.asked))
            return judge_invalid(judge, CODE_out_of_range, other->line, "quantity",
                                 "the lines of this item sum beyond 2^53-1");
    }
    /* No line names `to`: a draft of it is there for its bins. */
    struct draft *there = judge_draft_at(judge, arrival.item, to);
    arrival.location = to;
    arrival.in_bin = is_bin(ledger, to);
    arrival.below = 0;
    arrival.last_event = there == NULL ? 0 : there->last_event;
    arrival.in_bins = there == NULL ? 0 : there->in_bins;
    if (there != NULL)
        there->in_bins = 0;
    arrival.cell = arrival.item < ledger->names[NAME_ITEM].count && to < ledger->names[NAME_LOCATION].count
                       ? cell_find(ledger, arrival.item, to)
                       : NUMBER_NONE;
    *out_arrival = arrival;
    *out_origin = origin;
    return true;
}

static bool emit_arrival(struct judge *judge, uint32_t index, uint32_t to)
{
    struct draft arrival;
    uint32_t origin;
    if (!movement_arrival(judge, index, to, &arrival, &origin))
        return false;
    struct event *event = judge_event(judge, EVENT_TRANSFER);
    event->quantity = arrival.asked;
    event->condition = arrival.condition;
    event->other_location = origin;
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        event->delta.units[c] = arrival.asked_by[c];
    return judge_cell(judge, &arrival, event, DISCREPANCY_NONE, 0);
}

uint32_t movement_to(struct judge *judge)
{
    const struct command *command = judge->command;
    bool create = !judge->request && !judge->strict;
    uint32_t to = create ? judge_name(judge, NAME_LOCATION, command->to_location)
                         : ledger_number(judge->ledger, NAME_LOCATION, command->to_location);
    if (to == NUMBER_NONE && !judge->objected)
        (void)judge_refuse(judge, CODE_unknown_location, command->to_location, TEXT("/to"));
    return to;
}

/* What comes at once to the place of a draft that no line names, from those that lines name. */
static int64_t comes_back(const struct judge *judge, const struct draft *draft, uint32_t to)
{
    int64_t sum = 0;
    for (uint32_t i = 0; draft->location == to && i < judge->draft_count; i++) {
        const struct draft *other = judge_draft(judge, i);
        sum += other->item == draft->item ? other->asked_by[CONDITION_SELLABLE] : 0;
    }
    return sum;
}

bool movement_departs(struct judge *judge, uint32_t to)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->location == to && !draft->unnamed)
            return judge_refuse(judge, CODE_same_location, judge->command->to_location, TEXT("/to"));
    }
    for (uint32_t i = 0; judge->request && i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t taken[CONDITION_COUNT];
        memcpy(taken, draft->asked_by, sizeof(taken));
        if (draft->unnamed && judge->command->kind == KIND_TRANSFER)
            taken[CONDITION_SELLABLE] -= comes_back(judge, draft, to);
        judge_taking(judge, draft, taken);
    }
    return !is_short(judge);
}

static void decide_transfer(struct judge *judge)
{
    uint32_t to = movement_to(judge);
    if (to == NUMBER_NONE)
        return;
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE))
        return;
    uint32_t named = judge->draft_count;
    if (!bins_leave(judge) || !bins_arrive(judge, to, named) || !movement_departs(judge, to))
        return;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_TRANSFER);
        event->quantity = draft->asked;
        event->condition = draft->condition;
        event->other_location = to;
        for (unsigned c = 0; c < CONDITION_COUNT; c++)
            event->delta.units[c] = -draft->asked_by[c];
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
    for (uint32_t i = 0; i < named; i++) {
        if (!movement_is_later(judge, i) && !emit_arrival(judge, i, to))
            return;
    }
    bins_rest(judge);
}

void decide_movement(struct judge *judge)
{
    enum command_kind kind = judge->command->kind;
    /* Guarded, what is set apart for others is not free to a movement either; through a channel, what is free to it. */
    if (judge->request && (kind == KIND_TRANSFER || kind == KIND_ADJUST))
        CHECK(judge_channel(judge, judge->command->channel, false));
    if (kind == KIND_TRANSFER)
        decide_transfer(judge);
    else if (kind == KIND_RECLASSIFY)
        decide_reclassify(judge);
    else if (kind == KIND_SALE || kind == KIND_SHIP)
        decide_leaving(judge);
    else
        decide_coming(judge);
}
