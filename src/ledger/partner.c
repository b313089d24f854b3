/*
 * Partners: systems that are told our figures, and report their own.
 *
 * A shop follows the feed and sets its stock to each `available` it is told. It sells from that stock at once, and sends the
 * order later. And it reports each change of its figure, whoever made it: late, twice, in any order.
 *
 *     told       40 (event 7), 37 (event 9)
 *     reported   37     it is so now, or was told lately: a confirmation of event 9
 *                40     the same of event 7. It has been passed: no news
 *                36     never told: the shop has sold one more, and the order is under way
 *
 * A report is never booked. The order behind 36 is still to come, and the goods would leave twice. It is kept as what the
 * partner said last (statement.c): a difference, until the figure is told, or the partner reports one that was. Nor does it
 * change the cell, or make an event of it: that would be pushed to the partner, which would report it, and so on; and 37
 * pushed over its 36 would take its sale back.
 *
 * What was told is in the journal: it is read for a report of another figure than the present one (reading.h), not further
 * back than reports come late.
 */
#include "ledger/decide.h"
#include "ledger/reading.h"

/* One figure of each cell, which has been told of. */
static bool judge_figures_reported(struct judge *judge)
{
    bool available = judge->command->measure == MEASURE_AVAILABLE;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->condition == CONDITION_NONE || (available && draft->condition != CONDITION_SELLABLE))
            return judge_invalid(judge, CODE_bad_value, draft->line, "condition",
                                 available ? "what is available is sellable" : "a report has one condition of a cell");
        if (draft->cell == NUMBER_NONE)
            judge_short(judge, draft, draft->asked, 0);
    }
    if (judge->decision->shortage_count == 0)
        return true;
    return judge_refuse(judge, CODE_unknown_cell, TEXT_NONE, TEXT_NONE);
}

static int64_t present_units(const struct judge *judge, const struct draft *draft)
{
    struct figures figures = draft_figures(judge, draft);
    return told_units(&figures, judge->command->measure, draft->condition);
}

static bool is_present(const struct judge *judge, const struct draft *draft)
{
    struct figures figures = draft_figures(judge, draft);
    return is_told(&figures, judge->command->measure, &(struct reported){draft->condition, draft->asked});
}

/* What was read for a draft, unless the figure may have been told since; NULL for nothing. */
static const struct cell_reading *told_read(const struct judge *judge, const struct draft *draft, uint32_t index)
{
    const struct reading *reading = judge->command->reading;
    if (!reading_is_known(reading) || !reading->question.told || index >= reading->cell_count)
        return NULL;
    const struct cell_reading *read = &reading->cells[index]; /* all drafts were named */
    if (read->cell != draft->cell || read->reported.units != draft->asked)
        return NULL;
    return read->told_seq != 0 || read->version == judge->ledger->cells[draft->cell].version ? read : NULL;
}

/* Whether it is known of all drafts if and when they were told; else they are named. */
static bool all_read(struct judge *judge)
{
    struct unread *unread = judge->ledger->unread;
    bool known = true;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        known = known && (is_present(judge, draft) || told_read(judge, draft, i) != NULL);
        unread->cells[i] = draft->cell;
        unread->reported[i] = (struct reported){draft->condition, draft->asked};
    }
    judge->unread = !known;
    unread->cell_count = judge->draft_count;
    unread->question = (struct question){.decision_seq = judge->admitted, .told = true,
                                         .measure = judge->command->measure, .from_us = judge->now_us - TOLD_AGE_US};
    return known;
}

/* The event that told it, 0 for none. */
static uint64_t confirmed_by(const struct judge *judge, const struct draft *draft, uint32_t index)
{
    if (is_present(judge, draft))
        return judge->ledger->cells[draft->cell].last_seq;
    return told_read(judge, draft, index)->told_seq;
}

/* Has the partner told of the cell as of later? It says when that was, or what it confirms says so. */
static bool is_passed(const struct judge *judge, const struct draft *draft, uint64_t confirmed_seq)
{
    const struct ledger *ledger = judge->ledger;
    const struct decision *decision = judge->decision;
    uint32_t entry = statement_find(ledger, stated_by(judge), draft->cell, draft->condition,
                                    said_by(judge->command->measure));
    if (entry == NUMBER_NONE)
        return false;
    const struct statement *last = &ledger->statements.entries[entry];
    if (judge->command->occurred_at_us != TIME_NONE && decision->occurred_at_us != last->seen_us)
        return decision->occurred_at_us < last->seen_us;
    return confirmed_seq != 0 && confirmed_seq < (last->settled ? last->seen_position : last->agreed.seen_position);
}

static void emit_report(struct judge *judge, const struct draft *draft, uint64_t confirmed_seq)
{
    struct event *event = judge_event(judge, EVENT_REPORTED);
    event->item = draft->item;
    event->other_location = draft->location;
    event->scale = draft->scale;
    event->quantity = draft->asked;
    event->condition = draft->condition;
    event->stated_by = stated_by(judge);
    event->measure = judge->command->measure;
    event->books = confirmed_seq != 0 ? draft->asked : present_units(judge, draft);
    event->confirmed_seq = confirmed_seq;
    event->late = is_passed(judge, draft, confirmed_seq);
}

void decide_report(struct judge *judge)
{
    if (judge->admitted == 0 && (judge->source == NULL || !judge->source->pair)) {
        (void)judge_invalid(judge, CODE_missing_field, LINE_NONE, "seen", "the source has no `pair`");
        return;
    }
    if (!judge_lines(judge, LINES_KNOWN) || !judge_figures_reported(judge) || !all_read(judge))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        int64_t books = present_units(judge, draft);
        uint64_t confirmed_seq = confirmed_by(judge, draft, i);
        if (!quantity_in_range(draft->asked - books)) {
            (void)judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                                "the difference would leave the range of 2^53-1 base units");
            return;
        }
        bool reviewed = snapshot_policy_at(judge, draft->location) == SNAPSHOT_REVIEW;
        if (reviewed && confirmed_seq == 0 && !is_passed(judge, draft, 0))
            judge_short(judge, draft, draft->asked - books, books);
        emit_report(judge, draft, confirmed_seq);
    }
    if (judge->decision->shortage_count != 0)
        (void)judge_review(judge, BRAKE_POLICY);
}
