/*
 * Transfers that take their time: transfer_out, transfer_in, transfer_loss.
 *
 * Goods that have left their origin are counted in the cell they go to: item x destination, figure in_transit, and with
 * an eta in incoming too. A transfer has one destination and a line per item, the units still under way. It closes when
 * none are, and its name cannot be used again while it is kept: late arrivals would be counted for the wrong one.
 *
 * Goods arrive where they arrive. What comes off the line is what was under way, wherever it is received; the rest is
 * too much: it comes from @found and is flagged. Lines of one item take from what is under way in their order. So the
 * sum over cells and accounts stays zero (I1), and a transfer closes to exactly nothing under way.
 *
 * Each cell has one event: where goods are received at the destination, the same event takes them off its in_transit.
 */
#include "ledger/decide.h"

/* The transfer part of an event; line: of the transfer in this event's cell, NUMBER_NONE for none. */
static void fill(const struct judge *judge, uint32_t transfer, uint32_t line, int64_t delta, struct event *event)
{
    const struct ledger *ledger = judge->ledger;
    const struct documents *transfers = &ledger->documents[DOCUMENT_TRANSFER];
    event->transfer_number = transfers->entries[transfer].number;
    event->transfer = textpool_text(&transfers->names, transfers->entries[transfer].name);
    if (line == NUMBER_NONE)
        return;
    const struct document_line *under_way = &ledger->document_lines.entries[line];
    event->transit_delta = delta;
    event->transit = under_way->units + delta;
    event->eta = under_way->when;
    event->delta.units[FIGURE_IN_TRANSIT] = delta;
    if (under_way->when.form != MOMENT_ABSENT)
        event->delta.units[FIGURE_INCOMING] = delta;
}

/* The transfer's line of an item. */
static uint32_t line_of(const struct judge *judge, uint32_t transfer, uint32_t item)
{
    const struct ledger *ledger = judge->ledger;
    if (item >= ledger->names[NAME_ITEM].count)
        return NUMBER_NONE;
    uint32_t cell = cell_find(ledger, item, ledger->documents[DOCUMENT_TRANSFER].entries[transfer].to);
    return cell == NUMBER_NONE ? NUMBER_NONE : document_line_find(ledger, DOCUMENT_TRANSFER, transfer, cell);
}

static int64_t units_of(const struct judge *judge, uint32_t line)
{
    return line == NUMBER_NONE ? 0 : judge->ledger->document_lines.entries[line].units;
}

/* ---- transfer_out ---- */

static bool emit_departure(struct judge *judge, struct draft *draft, uint32_t to, uint32_t claim,
                           enum discrepancy excess)
{
    struct event *event = judge_draft_event(judge, draft, EVENT_TRANSFER_OUT);
    if (LIKELY(!draft->unnamed)) {
        event->other_location = to;
        event->transfer_number = judge->decision->first_seq;
        event->transfer = judge->command->transfer;
        event->eta = judge->command->due;
    }
    return movement_take(judge, draft, claim, excess, event);
}

static bool emit_announcement(struct judge *judge, uint32_t index, uint32_t to)
{
    struct draft arrival;
    uint32_t origin;
    if (!movement_arrival(judge, index, to, &arrival, &origin))
        return false;
    struct event *event = judge_event(judge, EVENT_TRANSFER_OUT);
    event->quantity = arrival.asked;
    event->condition = CONDITION_SELLABLE;
    event->other_location = origin;
    event->transfer_number = judge->decision->first_seq;
    event->transfer = judge->command->transfer;
    event->eta = judge->command->due;
    event->transit = event->transit_delta = arrival.asked;
    event->delta.units[FIGURE_IN_TRANSIT] = arrival.asked;
    if (event->eta.form != MOMENT_ABSENT)
        event->delta.units[FIGURE_INCOMING] = arrival.asked;
    return judge_cell(judge, &arrival, event, DISCREPANCY_NONE, 0);
}

static void decide_out(struct judge *judge)
{
    const struct command *command = judge->command;
    if (document_find(judge->ledger, DOCUMENT_TRANSFER, command->transfer, judge->now_us) != NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_transfer_exists, command->transfer, TEXT("/transfer"));
        return;
    }
    uint32_t claim;
    enum discrepancy excess;
    CHECK(movement_claim(judge, &claim, &excess)); /* it happened, whatever became of the claim */
    uint32_t to = movement_to(judge);
    if (to == NUMBER_NONE || !movement_drafts(judge, claim))
        return;
    if (!movement_departs(judge, to))
        return;
    judge->documents = true;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!emit_departure(judge, judge_draft(judge, i), to, claim, judge->request ? DISCREPANCY_NONE : excess))
            return;
    }
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!movement_is_later(judge, i) && !emit_announcement(judge, i, to))
            return;
    }
    if (claim != NUMBER_NONE)
        claim_conclude(judge, claim, CLAIM_STATE_CONSUMED, judge->ledger->claims.entries[claim].expires_at_us);
}

/* ---- transfer_in ---- */

/* What the draft's lines take of the item's units under way, after those before it. */
static int64_t taken_by(const struct judge *judge, uint32_t index, int64_t under_way)
{
    const struct draft *draft = judge_draft(judge, index);
    for (uint32_t i = 0; i < index; i++) {
        if (judge_draft(judge, i)->item == draft->item)
            under_way -= min_i64(under_way, judge_draft(judge, i)->asked);
    }
    return min_i64(under_way, draft->asked);
}

/* What all lines of the item take. out_here: one of them is at the destination. out_from: where they are, NUMBER_NONE
 * for several places. */
static int64_t taken_together(const struct judge *judge, uint32_t index, uint32_t to, int64_t under_way, bool *out_here,
                              uint32_t *out_from)
{
    uint32_t item = judge_draft(judge, index)->item;
    int64_t taken = 0;
    *out_here = false;
    *out_from = judge_draft(judge, index)->location;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->item != item || draft->unnamed)
            continue;
        taken += min_i64(under_way - taken, draft->asked);
        *out_here = *out_here || draft->location == to;
        if (draft->location != *out_from)
            *out_from = NUMBER_NONE;
    }
    return taken;
}

/* Goods are received in the draft's cell. At the destination what others of the item take comes off here too. */
static bool emit_in(struct judge *judge, uint32_t index, uint32_t transfer, uint32_t to)
{
    struct draft *draft = judge_draft(judge, index);
    uint32_t line = line_of(judge, transfer, draft->item);
    int64_t excess = draft->asked - taken_by(judge, index, units_of(judge, line));
    bool here;
    uint32_t from;
    int64_t together = taken_together(judge, index, to, units_of(judge, line), &here, &from);
    struct event *event = judge_event(judge, EVENT_TRANSFER_IN);
    event->quantity = draft->asked;
    event->condition = draft->condition;
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        event->delta.units[c] = draft->asked_by[c];
    fill(judge, transfer, draft->location == to ? line : NUMBER_NONE, -together, event);
    if (draft->location != to)
        event->other_location = to;
    if (excess > 0) {
        event->account = ACCOUNT_FOUND;
        event->account_units = -excess;
    }
    return judge_cell(judge, draft, event, DISCREPANCY_EXCEEDS_TRANSFER, excess);
}

/* All of an item was received elsewhere: it comes off what the destination waits for. */
static bool emit_diverted(struct judge *judge, uint32_t index, uint32_t transfer, uint32_t to)
{
    const struct ledger *ledger = judge->ledger;
    struct draft arrival = *judge_draft(judge, index);
    uint32_t line = line_of(judge, transfer, arrival.item);
    bool here;
    uint32_t from;
    int64_t together = taken_together(judge, index, to, units_of(judge, line), &here, &from);
    if (here || together == 0)
        return true;
    struct draft *there = judge_draft_at(judge, arrival.item, to); /* for its bins */
    arrival.location = to;
    arrival.in_bin = is_bin(ledger, to);
    arrival.in_bins = there == NULL ? 0 : there->in_bins;
    if (there != NULL)
        there->in_bins = 0;
    arrival.last_event = 0;
    arrival.cell = cell_find(ledger, arrival.item, to);
    struct event *event = judge_event(judge, EVENT_TRANSFER_IN);
    event->quantity = together;
    event->other_location = from;
    fill(judge, transfer, line, -together, event);
    return judge_cell(judge, &arrival, event, DISCREPANCY_NONE, 0);
}

static void decide_in(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t transfer = document_find(judge->ledger, DOCUMENT_TRANSFER, command->transfer, judge->now_us);
    if (transfer == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_transfer, command->transfer, TEXT("/transfer"));
        return;
    }
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE))
        return;
    uint32_t named = judge->draft_count;
    if (!bins_come(judge))
        return;
    uint32_t to = judge->ledger->documents[DOCUMENT_TRANSFER].entries[transfer].to;
    for (uint32_t i = 0; i < named; i++) {
        if (!emit_in(judge, i, transfer, to))
            return;
    }
    for (uint32_t i = 0; i < named; i++) {
        if (!movement_is_later(judge, i) && !emit_diverted(judge, i, transfer, to))
            return;
    }
    bins_rest(judge);
}

/* ---- transfer_loss ---- */

static void decide_loss(struct judge *judge)
{
    const struct command *command = judge->command;
    const struct ledger *ledger = judge->ledger;
    uint32_t transfer = document_find(ledger, DOCUMENT_TRANSFER, command->transfer, judge->now_us);
    if (transfer == NUMBER_NONE || !document_is_open(ledger, DOCUMENT_TRANSFER, transfer)) {
        (void)judge_refuse(judge, CODE_unknown_transfer, command->transfer, TEXT("/transfer"));
        return;
    }
    bool drafted = command->line_count != 0 ? judge_lines(judge, LINES_KNOWN)
                                            : judge_document_lines(judge, DOCUMENT_TRANSFER, transfer);
    if (!drafted)
        return;
    uint32_t to = ledger->documents[DOCUMENT_TRANSFER].entries[transfer].to;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t under_way = draft->location == to ? units_of(judge, line_of(judge, transfer, draft->item)) : 0;
        if (draft->asked > under_way)
            judge_short(judge, draft, draft->asked, under_way);
    }
    if (!judge_shorts(judge, CODE_exceeds_transit, command->transfer, TEXT("/lines")))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        struct event *event = judge_event(judge, EVENT_TRANSFER_LOSS);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        event->account = ACCOUNT_LOSS;
        event->account_units = draft->asked;
        fill(judge, transfer, line_of(judge, transfer, draft->item), -draft->asked, event);
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
    }
}

void decide_transit(struct judge *judge)
{
    if (judge->command->kind == KIND_TRANSFER_OUT)
        decide_out(judge);
    else if (judge->command->kind == KIND_TRANSFER_IN)
        decide_in(judge);
    else
        decide_loss(judge);
}
