/*
 * Reversals: what moved goods and should not have, such as a sale that was keyed twice.
 *
 * `reverse` names a command by its source and id. The decision is read from the journal (reading.h), and for each of its
 * events that moved goods there is one in the same cell that moves them back, from the same account, at the time the
 * first one occurred. So the axis `occurred` is from then on as if it had not been, and a count that came after it is
 * corrected as by any late movement (count.c): what was counted stays what is here.
 *
 *     10:00 receive 10   11:00 count 7: -3   12:00 sale 4     here: 3
 *     reverse the receipt: -10 at 10:00, and the count found +7     here: 3
 *
 * A count is taken back with the variance it has now, and corrected no more: its mark goes.
 *
 * Goods alone come back. Claims, quotas and expected documents stay what they became: others have relied on them since.
 * So goods of a transfer under way are not reversed at all, its document would say they are still, or not, on the way.
 * What a snapshot booked is neither: its source says anew what is there.
 *
 * That a command was reversed is a bit of its entry in the id table, so it is known for as long as the command is.
 */
#include "ledger/decide.h"
#include "ledger/reading.h"

static bool refuse(struct judge *judge, enum code code)
{
    return judge_refuse(judge, code, judge->command->of_id, TEXT("/of"));
}

/* Is this one of the events that are reversed? What corrects a count is not: its movement's opposite does so, too. */
static bool moves_goods(const struct event *event)
{
    if (event->location == NUMBER_NONE || event->type == EVENT_CORRECTION)
        return false;
    bool moves = event->type == EVENT_STOCK_COUNT;
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        moves = moves || event->delta.units[c] != 0;
    return moves;
}

static bool is_final(const struct event *event)
{
    return event->type == EVENT_REVERSE || event->type == EVENT_SNAPSHOT || event->type == EVENT_TRANSFER_OUT ||
           event->type == EVENT_TRANSFER_IN || event->type == EVENT_TRANSFER_LOSS;
}

/* The count of an event, which is a count; NUMBER_NONE when it was forgotten. */
static uint32_t mark_of_event(const struct judge *judge, const struct event *event)
{
    return mark_of(judge->ledger, cell_find(judge->ledger, event->item, event->location), event->seq);
}

static bool judge_reversible(struct judge *judge, const struct decision *past)
{
    const struct ledger *ledger = judge->ledger;
    bool moved = false;
    for (uint32_t i = 0; i < past->event_count; i++) {
        const struct event *event = &past->events[i];
        if (is_final(event))
            return refuse(judge, CODE_not_reversible);
        if (!moves_goods(event))
            continue;
        moved = true;
        if (ledger->names[NAME_ITEM].retired[event->item])
            return judge_refuse(judge, CODE_unknown_item, ledger_name(ledger, NAME_ITEM, event->item), TEXT("/of"));
        if (ledger->names[NAME_LOCATION].retired[event->location])
            return judge_refuse(judge, CODE_unknown_location, ledger_name(ledger, NAME_LOCATION, event->location),
                                TEXT("/of"));
        if (event->type == EVENT_STOCK_COUNT && mark_of_event(judge, event) == NUMBER_NONE)
            return refuse(judge, CODE_not_reversible);
    }
    if (!moved)
        return refuse(judge, CODE_not_reversible);
    return true;
}

/* It belongs to the time of what it reverses, and corrects counts that had that in their books. */
static void take_time(struct judge *judge, const struct decision *past, uint64_t last_seq)
{
    bool late = decision_occurred_us(past) < past->recorded_at_us;
    for (uint32_t i = 0; i < past->event_count; i++)
        late = late && past->events[i].type != EVENT_STOCK_COUNT;
    judge->decision->occurred_at_us = decision_occurred_us(past);
    judge->late_us = decision_occurred_us(past);
    judge->late_seq = late ? 0 : last_seq;
}

/* What an event of this one's cell changes to reverse it. */
static struct figures opposite(const struct judge *judge, const struct event *event)
{
    struct figures delta = {{0}};
    if (event->type == EVENT_STOCK_COUNT) {
        delta.units[event->condition] = -judge->ledger->marks.entries[mark_of_event(judge, event)].variance;
        return delta;
    }
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        delta.units[c] = -event->delta.units[c];
    return delta;
}

static void fill_count(const struct judge *judge, const struct event *past, struct event *event)
{
    const struct mark *mark = &judge->ledger->marks.entries[mark_of_event(judge, past)];
    event->quantity = -mark->variance;
    event->account = mark->variance == 0 ? ACCOUNT_NONE : variance_account(mark->variance);
    event->count_seq = mark->seq;
    event->count_from_us = mark->from_us;
    event->count_to_us = mark->to_us;
    event->count_picked = mark->includes_picked;
}

static bool emit_reversed(struct judge *judge, const struct event *past, uint64_t last_seq)
{
    struct draft *draft = judge_draft_at(judge, past->item, past->location);
    struct event *event = judge_event(judge, EVENT_REVERSE);
    event->reversed_seq = last_seq;
    event->of_source = judge->command->of_source;
    event->of_id = judge->command->of_id;
    event->quantity = past->quantity;
    event->condition = past->condition;
    event->to_condition = past->to_condition;
    event->other_location = past->other_location;
    event->account = past->account;
    event->delta = opposite(judge, past);
    if (past->type == EVENT_STOCK_COUNT)
        fill_count(judge, past, event);
    if (event->account != ACCOUNT_NONE)
        event->account_units = -figures_on_hand(&event->delta);
    return judge_cell(judge, draft, event, DISCREPANCY_NONE, 0);
}

void decide_reverse(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    struct hash128 hash = id_hash(ledger, command->of_source, command->of_id);
    const struct id_entry *entry = id_find_kept(ledger, hash, judge->now_us);
    if (entry == NULL) {
        (void)refuse(judge, CODE_unknown_command);
        return;
    }
    if (id_reversed(entry)) {
        (void)refuse(judge, CODE_already_reversed);
        return;
    }
    uint64_t last_seq = id_last_seq(entry);
    const struct decision *past = command->reading == NULL ? NULL : command->reading->decision;
    if (past == NULL || past->first_seq + past->event_count - 1 != last_seq) {
        ledger->unread->question = (struct question){.decision_seq = last_seq};
        ledger->unread->cell_count = 0;
        judge->unread = true;
        return;
    }
    if (!judge_reversible(judge, past))
        return;
    take_time(judge, past, last_seq);
    for (uint32_t i = 0; i < past->event_count; i++) {
        const struct event *event = &past->events[i];
        if (!moves_goods(event))
            continue;
        struct draft *draft = judge_draft_of(judge, event->item, event->location, LINE_NONE);
        struct figures delta = opposite(judge, event);
        for (unsigned c = 0; c < CONDITION_COUNT; c++)
            draft->asked_by[c] += delta.units[c];
    }
    if (!judge_precondition(judge) || !bins_come(judge))
        return;
    for (uint32_t i = 0; i < past->event_count; i++) {
        if (moves_goods(&past->events[i]) && !emit_reversed(judge, &past->events[i], last_seq))
            return;
    }
    bins_rest(judge);
}
