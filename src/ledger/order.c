/*
 * Orders: what is committed for good. commit makes it of a hold, or of nothing when a marketplace has sold already; amend
 * changes its totals, pick and unpick say what lies on a trolley, reassign moves what is claimed to another place.
 */
#include "ledger/decide.h"

/* ---- commit ---- */

/* Commits each draft: held units first, the rest as a new grant. */
static bool emit_commit(struct judge *judge, uint32_t claim)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_COMMIT);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        event->claim_paid = event->claim_paid || judge->command->paid;
        int64_t from_held = min_i64(draft->asked, event->claim_units[CLAIM_HELD]);
        event->claim_units[CLAIM_HELD] -= from_held;
        event->claim_units[CLAIM_COMMITTED] += from_held;
        event->delta.units[FIGURE_HELD] -= from_held;
        event->delta.units[FIGURE_COMMITTED] += from_held;
        if (draft->asked > from_held) {
            grant_units(judge, draft, event, CLAIM_COMMITTED, draft->asked - from_held, grant_terms(judge, draft, NULL));
            event->claim_units[CLAIM_GRANTED] += draft->asked - from_held;
        }
        expectation_out_take(judge, draft, judge->command->hold, draft->asked, draft_promised(judge, claim, draft), event);
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
        struct terms terms = grant_terms(judge, draft, NULL);
        if (draft->asked > terms.free + terms.room)
            judge_short(judge, draft, draft->asked, terms.free + terms.room);
    }
    return judge_shorts(judge, code, subject, TEXT_NONE);
}

void decide_commit(struct judge *judge)
{
    const struct command *command = judge->command;
    const struct claims *claims = &judge->ledger->claims;
    enum lines_names names = judge->request ? LINES_KNOWN : LINES_CREATE;
    uint32_t claim = judge_claim(judge);
    judge->backorder = command->backorder;
    if (claim == NUMBER_NONE && command->line_count == 0) {
        (void)judge_refuse(judge, CODE_unknown_hold, command->hold, TEXT("/hold"));
        return;
    }
    bool expired = claim != NUMBER_NONE && claims->entries[claim].state == CLAIM_STATE_EXPIRED;
    if (claim != NUMBER_NONE && !expired && claim_state_ended(claims->entries[claim].state)) {
        (void)judge_hold_ended(judge, claim);
        return;
    }
    /* What is granted anew needs its channel; what was granted keeps it as a label when the channel is gone. */
    struct text channel = claim == NUMBER_NONE ? command->channel : claim_channel_name(judge, claim);
    if (!judge_channel(judge, channel, claim == NUMBER_NONE || expired))
        return;
    bool drafted = command->line_count != 0
                       ? judge_lines(judge, names)
                       : judge_claim_lines(judge, claim, expired ? LAPSED_UNITS : 1u << CLAIM_HELD);
    if (!drafted || !judge_promises(judge))
        return;
    attach_lines(judge, claim);
    if (judge->draft_count == 0) {
        /* Everything of it was committed before, or it waits: nothing held is left to commit. */
        (void)judge_refuse(judge, CODE_exceeds_claim, command->hold, TEXT("/hold"));
        return;
    }
    bool granted_anew = claim == NUMBER_NONE || expired;
    for (uint32_t i = 0; granted_anew && i < judge->draft_count; i++)
        judge_draft(judge, i)->terms = grant_terms(judge, judge_draft(judge, i), NULL);
    if (granted_anew ? !judge_kits_granted(judge, NUMBER_NONE, KIT_ANYHOW)
                     : !judge_kits_claimed(judge, claim, 1u << CLAIM_HELD))
        return;
    attach_lines(judge, claim);
    if (granted_anew) {
        if (!judge_direct(judge, expired ? CODE_hold_expired : CODE_insufficient_stock,
                          expired ? command->hold : TEXT_NONE))
            return;
    } else if (judge->request) {
        for (uint32_t i = 0; i < judge->draft_count; i++) {
            const struct draft *draft = judge_draft(judge, i);
            if (draft->asked > draft_claimed(judge, draft, CLAIM_HELD))
                judge_short(judge, draft, draft->asked, draft_claimed(judge, draft, CLAIM_HELD));
        }
        if (!judge_shorts(judge, CODE_exceeds_claim, command->hold, TEXT("/lines")))
            return;
    }
    if (emit_commit(judge, claim))
        claim_conclude(judge, claim, CLAIM_STATE_RELEASED,
                       claim == NUMBER_NONE ? TIME_NONE : claims->entries[claim].expires_at_us);
}

/* ---- amend ---- */

/* What must be granted anew for the draft's new total; negative for what is given back. */
static int64_t amend_more(const struct judge *judge, const struct draft *draft)
{
    return draft->asked - draft_claimed(judge, draft, CLAIM_CONSUMED) - draft_claimed(judge, draft, CLAIM_COMMITTED);
}

void decide_amend(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t claim = live_claim(judge);
    judge->backorder = command->backorder;
    if (claim == NUMBER_NONE || !judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) ||
        !judge_promises(judge))
        return;
    attach_lines(judge, claim);
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (item_is_kit(judge->ledger, draft->item)) {
            (void)judge_invalid(judge, CODE_bad_value, draft->line, "item",
                                "is a kit: what an order has of its components can be amended, by their lines");
            return;
        }
        int64_t gone = draft_claimed(judge, draft, CLAIM_CONSUMED) + draft_claimed(judge, draft, CLAIM_PICKED);
        if (draft->asked < gone)
            judge_short(judge, draft, draft->asked, gone);
    }
    if (!judge_shorts(judge, CODE_below_consumed, command->hold, TEXT("/lines")))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t more = amend_more(judge, draft);
        draft->terms = grant_terms(judge, draft, NULL);
        if (judge->request && more > draft->terms.free + draft->terms.room)
            judge_short(judge, draft, more, draft->terms.free + draft->terms.room);
    }
    if (!judge_shorts(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t more = amend_more(judge, draft);
        struct event *event = judge_event(judge, EVENT_AMEND);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        if (more > 0)
            grant_units(judge, draft, event, CLAIM_COMMITTED, more, draft->terms);
        else
            give_back_units(judge, event, 0, -more);
        event->claim_units[more > 0 ? CLAIM_GRANTED : CLAIM_RELEASED] += more > 0 ? more : -more;
        expectation_out_take(judge, draft, command->hold, max_i64(0, more), draft_promised(judge, claim, draft), event);
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
    const struct claim *entry = &judge->ledger->claims.entries[claim];
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, entry->expires_at_us);
}

/* ---- pick and unpick ---- */

void decide_picking(struct judge *judge)
{
    const struct command *command = judge->command;
    bool picking = command->kind == KIND_PICK;
    uint32_t claim = live_claim(judge);
    if (claim == NUMBER_NONE || !judge_lines(judge, LINES_KNOWN) || !judge_promises(judge))
        return;
    attach_lines(judge, claim);
    if (!judge_kits_claimed(judge, claim, picking ? 1u << CLAIM_COMMITTED : 1u << CLAIM_PICKED))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t picked = draft_claimed(judge, draft, CLAIM_PICKED);
        int64_t committed = draft_claimed(judge, draft, CLAIM_COMMITTED);
        /* What has no cover is on no shelf. */
        int64_t covered = committed + draft_claimed(judge, draft, CLAIM_HELD) -
                          draft_claimed(judge, draft, CLAIM_BACKORDERED);
        int64_t most = picking ? max_i64(0, min_i64(committed, covered) - picked) : picked;
        if (draft->asked > most)
            judge_short(judge, draft, draft->asked, most);
    }
    if (!judge_shorts(judge, CODE_exceeds_claim, command->hold, TEXT("/lines")))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, picking ? EVENT_PICK : EVENT_UNPICK);
        int64_t change = picking ? draft->asked : -draft->asked;
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, claim, draft->claim_line, event);
        event->claim_units[CLAIM_PICKED] += change;
        event->delta.units[FIGURE_PICKED] = change;
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0)) /* a count it corrects can leave its range */
            return;
    }
    claim_conclude(judge, claim, CLAIM_STATE_COMMITTED, judge->ledger->claims.entries[claim].expires_at_us);
}

/* ---- reassign ---- */

static struct event *emit_reassign(struct judge *judge, uint32_t claim, const struct draft *draft, uint32_t other)
{
    struct event *event = judge_event(judge, EVENT_REASSIGN);
    event->quantity = draft->asked;
    event->condition = CONDITION_SELLABLE;
    event->other_location = other;
    claim_fill(judge, claim, draft->claim_line, event);
    return event;
}

/* What of a draft's units is held in its cell: those move first. */
static int64_t moves_held(const struct judge *judge, const struct draft *here)
{
    return min_i64(here->asked, draft_claimed(judge, here, CLAIM_HELD));
}

/* The draft leaves its cell. */
static bool emit_departure(struct judge *judge, uint32_t claim, struct draft *here, uint32_t to)
{
    struct event *event = emit_reassign(judge, claim, here, to);
    int64_t held = moves_held(judge, here);
    give_back_units(judge, event, held, here->asked - held);
    event->claim_units[CLAIM_GRANTED] -= here->asked;
    return judge_cell(judge, here, event, DISCREPANCY_NONE, 0); /* what it corrects can leave its range */
}

/* All that the command moves of the draft's item comes to `to`, wherever it was: one grant. */
static bool emit_regrant(struct judge *judge, uint32_t claim, uint32_t index, uint32_t to)
{
    struct draft there;
    uint32_t origin;
    if (!movement_arrival(judge, index, to, &there, &origin))
        return false;
    there.claim_line = there.cell == NUMBER_NONE ? NUMBER_NONE : claim_line_find(judge->ledger, claim, there.cell);
    int64_t held = 0;
    for (uint32_t i = index; i < judge->draft_count; i++) {
        if (judge_draft(judge, i)->item == there.item)
            held += moves_held(judge, judge_draft(judge, i));
    }
    struct terms terms = grant_terms(judge, &there, NULL);
    struct event *event = emit_reassign(judge, claim, &there, origin);
    grant_units(judge, &there, event, CLAIM_HELD, held, terms);
    /* What the held part leaves of the terms is the committed part's. */
    terms.room -= min_i64(max_i64(0, held - terms.free), terms.room);
    terms.free = max_i64(0, terms.free - held);
    grant_units(judge, &there, event, CLAIM_COMMITTED, there.asked - held, terms);
    event->claim_units[CLAIM_GRANTED] += there.asked;
    return judge_cell(judge, &there, event, DISCREPANCY_NONE, 0);
}

static bool judge_reassign(struct judge *judge, uint32_t to)
{
    const struct command *command = judge->command;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (judge_draft(judge, i)->location == to)
            return judge_refuse(judge, CODE_same_location, command->to_location, TEXT("/to"));
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *here = judge_draft(judge, i);
        int64_t movable = draft_claimed(judge, here, CLAIM_HELD) + draft_claimed(judge, here, CLAIM_COMMITTED) -
                          draft_claimed(judge, here, CLAIM_PICKED);
        if (here->asked > movable)
            judge_short(judge, here, here->asked, movable);
    }
    if (!judge_shorts(judge, CODE_exceeds_claim, command->hold, TEXT("/lines")))
        return false;
    for (uint32_t i = 0; judge->request && i < judge->draft_count; i++) {
        struct draft there;
        uint32_t origin;
        if (movement_is_later(judge, i))
            continue;
        if (!movement_arrival(judge, i, to, &there, &origin))
            return false;
        struct terms terms = grant_terms(judge, &there, NULL);
        if (there.asked > terms.free + terms.room)
            judge_short(judge, &there, there.asked, terms.free + terms.room);
    }
    return judge_shorts(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE);
}

void decide_reassign(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t claim = live_claim(judge);
    judge->backorder = command->backorder;
    if (claim == NUMBER_NONE)
        return;
    bool create = !judge->request && !judge->strict;
    uint32_t to = create ? judge_name(judge, NAME_LOCATION, command->to_location)
                         : ledger_number(judge->ledger, NAME_LOCATION, command->to_location);
    if (to == NUMBER_NONE) {
        if (!judge->objected)
            (void)judge_refuse(judge, CODE_unknown_location, command->to_location, TEXT("/to"));
        return;
    }
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) || !judge_promises(judge))
        return;
    attach_lines(judge, claim);
    if (!judge_kits_claimed(judge, claim, OPEN_UNITS))
        return;
    if (is_bin(judge->ledger, to)) {
        (void)judge_refuse(judge, CODE_no_promise, command->to_location, TEXT("/to"));
        return;
    }
    if (!judge_reassign(judge, to))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!emit_departure(judge, claim, judge_draft(judge, i), to))
            return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!movement_is_later(judge, i) && !emit_regrant(judge, claim, i, to))
            return;
    }
    claim_conclude(judge, claim, CLAIM_STATE_RELEASED, judge->ledger->claims.entries[claim].expires_at_us);
}
