/*
 * Counts: what somebody found there, and what came of it.
 *
 * A count is compared with the books as of the end of its window, on the axis `occurred`, and what it found beyond them,
 * its variance, is booked there: from @found, or to @loss. What occurred since is on top of it. Whoever counts a shelf
 * does not see what lies on trolleys, so that what is picked counts as missing only when it was counted, too.
 *
 * What moved within the window may or may not have been seen by whoever counted. It is taken as seen; the count says how
 * much that is (uncertain).
 *
 * What comes later and occurred before that corrects the variance (mark.c). A variance has one account: one that
 * changes its sign is corrected in two steps, so that @loss and @found are in the end what they would be had everything
 * come in time.
 */
#include "ledger/decide.h"
#include "ledger/reading.h"

static int64_t window_begin(const struct command *command)
{
    return command->counted_from_us == TIME_NONE ? command->occurred_at_us : command->counted_from_us;
}

bool count_corrects(const struct judge *judge, uint32_t cell, enum condition condition)
{
    return judge->late_us != INT64_MAX && cell != NUMBER_NONE &&
           mark_behind(judge->ledger, cell, condition, judge->late_us, judge->late_seq, judge->now_us) != NUMBER_NONE;
}

/* ---- corrections ---- */

/* A count as the decision has left it so far. */
static struct event count_before(const struct judge *judge, const struct draft *draft, const struct mark *mark)
{
    struct event before = {.count_seq = mark->seq,
                           .count_from_us = mark->from_us,
                           .count_to_us = mark->to_us,
                           .count_picked = mark->includes_picked,
                           .net = mark->net,
                           .variance = mark->variance,
                           .uncertain = mark->uncertain};
    for (uint32_t e = draft->count_event; e != 0; e--) {
        const struct event *event = &judge->decision->events[e - 1];
        if (event->count_seq == mark->seq)
            return *event;
    }
    return before;
}

static struct event *count_event(struct judge *judge, enum event_type type, const struct event *of)
{
    struct event *event = judge_event(judge, type);
    event->count_seq = of->count_seq;
    event->count_from_us = of->count_from_us;
    event->count_to_us = of->count_to_us;
    event->count_picked = of->count_picked;
    event->uncertain = of->uncertain;
    return event;
}

enum account variance_account(int64_t variance)
{
    return variance > 0 ? ACCOUNT_FOUND : ACCOUNT_LOSS;
}

/* The variance of a count changes by this much, and so does what is here; by one account for each sign it has. */
static bool correct(struct judge *judge, struct draft *draft, const struct mark *mark, int64_t units, bool uncertain)
{
    struct event count = count_before(judge, draft, mark);
    int64_t after = count.variance + units; /* 2^53 and twice that at most */
    if (uncertain)
        count.uncertain += units < 0 ? -units : units;
    if (!quantity_in_range(after) || !quantity_in_range(count.uncertain))
        return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                             "the variance of a count would leave the range of 2^53-1 base units");
    while (count.variance != after) {
        bool turns = (count.variance < 0 && after > 0) || (count.variance > 0 && after < 0);
        int64_t next = turns ? 0 : after;
        struct event *event = count_event(judge, EVENT_CORRECTION, &count);
        event->variance = next;
        event->quantity = next - count.variance;
        event->condition = mark->condition;
        event->delta.units[mark->condition] = next - count.variance;
        event->account = variance_account(count.variance != 0 ? count.variance : next);
        event->account_units = count.variance - next;
        if (!judge_figures(judge, draft, event))
            return false;
        draft->count_event = judge->decision->event_count;
        count.variance = next;
    }
    return true;
}

/*
 * One condition, from the first count behind it. What is on trolleys, or promised, changes for good: a count of the shelf
 * sets what is on it, one with the trolleys what is here together, so that the next one of another kind finds a
 * difference.
 */
static bool correct_from(struct judge *judge, struct draft *draft, uint32_t number, const struct event *event)
{
    const struct ledger *ledger = judge->ledger;
    const struct mark *mark = &ledger->marks.entries[number];
    struct figures changed = event->delta; /* as it is seen behind the counts that are corrected */
    bool inside = event->count_seq == 0 && mark->from_us < decision_occurred_us(judge->decision);
    for (;;) {
        int64_t units = counted_units(&changed, mark->condition, mark->includes_picked) -
                        (mark->net ? changed.units[FIGURE_COMMITTED] : 0);
        if (!correct(judge, draft, mark, -units, inside))
            return false;
        changed.units[mark->condition] -= units;
        bool seen_alike = mark->condition != CONDITION_SELLABLE ||
                          (changed.units[FIGURE_PICKED] == 0 && changed.units[FIGURE_COMMITTED] == 0);
        number = seen_alike ? NUMBER_NONE : mark_behind_other(ledger, number, judge->now_us);
        if (number == NUMBER_NONE)
            return true;
        if (judge->more_corrections++ == CORRECTIONS_MORE_MAX)
            return judge_invalid(judge, CODE_too_many_lines, draft->line, "lines",
                                 "it corrects too many counts that saw different things: send fewer lines");
        mark = &ledger->marks.entries[number];
        inside = false;
    }
}

bool counts_correct(struct judge *judge, struct draft *draft, const struct event *event)
{
    for (unsigned c = 0; c < CONDITION_COUNT; c++) {
        uint32_t number =
            mark_behind(judge->ledger, draft->cell, (enum condition)c, judge->late_us, judge->late_seq,
                        judge->now_us);
        if (number != NUMBER_NONE && !correct_from(judge, draft, number, event))
            return false;
    }
    return true;
}

/* ---- the decision ---- */

const struct cell_reading *cell_read(const struct judge *judge, const struct draft *draft, uint32_t nth)
{
    const struct reading *reading = judge->command->reading;
    if (!reading_is_known(reading) || nth >= reading->cell_count || reading->cells[nth].cell != draft->cell)
        return NULL;
    const struct cell_reading *read = &reading->cells[nth];
    const struct ledger *ledger = judge->ledger;
    if (read->version == ledger->cells[draft->cell].version)
        return read;
    bool by_position = reading->question.by_position;
    if (by_position && statement_last(ledger, reading->question.source, draft->cell) > read->top.last_seq)
        return NULL;
    int64_t to_us = by_position ? reading->seen_us : reading->question.to_us;
    return cell_oldest_since(ledger, draft->cell, read->version) > to_us ? read : NULL;
}

bool cells_read(struct judge *judge, const struct question *question)
{
    uint32_t nth = 0;
    bool known = true;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->cell == NUMBER_NONE)
            continue; /* the books said nothing of it */
        known = known && cell_read(judge, draft, nth) != NULL;
        judge->ledger->unread->cells[nth++] = draft->cell;
    }
    judge->unread = !known;
    judge->ledger->unread->cell_count = nth;
    judge->ledger->unread->question = *question;
    return known;
}

bool limit_exceeded(const struct limit *limit, int64_t change, int64_t books, unsigned scale)
{
    /* A bound that is beyond all numbers holds nothing. */
    int64_t size = change < 0 ? -change : change;
    int64_t units = limit->units;
    int64_t part;
    bool bounded = true;
    for (unsigned i = 0; i < scale; i++)
        bounded = bounded && checked_mul(units, 10, &units);
    bool beyond_units = bounded && size > units;
    bool beyond_percent = checked_mul(limit->percent, books < 0 ? -books : books, &part) && size * 100 > part;
    return (limit->has_units || limit->has_percent) && (!limit->has_units || beyond_units) &&
           (!limit->has_percent || beyond_percent);
}

/* From what was counted to what that is beyond the books, and whether that is more than its source may find. */
static bool find_variances(struct judge *judge, struct draft *draft, const struct cell_reading *read)
{
    const struct source *source = judge->source;
    for (unsigned rest = draft->named; rest != 0; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctz(rest);
        int64_t books =
            read == NULL ? 0 : counted_units(&read->as_of, (enum condition)c, judge->command->includes_picked);
        draft->asked_by[c] -= books; /* 2^53 and twice that at most */
        if (!quantity_in_range(draft->asked_by[c]))
            return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                                 "the variance would leave the range of 2^53-1 base units");
        if (source != NULL && judge->admitted == 0 &&
            limit_exceeded(&source->count_limit, draft->asked_by[c], books, draft->scale))
            judge_short(judge, draft, draft->asked_by[c], books);
    }
    return true;
}

/* One condition of a cell. */
static bool emit_count(struct judge *judge, struct draft *draft, const struct cell_reading *read,
                       enum condition condition)
{
    const struct command *command = judge->command;
    int64_t variance = draft->asked_by[condition];
    int64_t to_us = decision_occurred_us(judge->decision);
    struct event *event = judge_event(judge, EVENT_STOCK_COUNT);
    event->quantity = variance;
    event->condition = condition;
    event->count_seq = event->seq;
    event->count_from_us = min_i64(to_us, window_begin(command));
    event->count_to_us = to_us;
    event->count_picked = command->includes_picked;
    event->variance = variance;
    event->delta.units[condition] = variance;
    if (read != NULL) {
        event->quantity += counted_units(&read->as_of, condition, command->includes_picked);
        event->uncertain = read->moved[condition];
    }
    if (variance != 0) {
        event->account = variance_account(variance);
        event->account_units = -variance;
    }
    draft->count_event = judge->decision->event_count;
    return judge_cell(judge, draft, event, DISCREPANCY_NONE, 0);
}

void decide_count(struct judge *judge)
{
    judge->states = true;
    if (judge->decision->clock_skew) {
        (void)judge_refuse(judge, CODE_in_future, TEXT_NONE, TEXT("/counted_to"));
        return;
    }
    const struct question question = {.decision_seq = judge->admitted,
                                      .from_us = window_begin(judge->command),
                                      .to_us = judge->command->occurred_at_us,
                                      .includes_picked = judge->command->includes_picked};
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) || !cells_read(judge, &question))
        return;
    const struct reading *reading = judge->command->reading;
    uint32_t named = judge->draft_count;
    uint32_t nth = 0;
    if (reading != NULL && reading->too_large) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, NULL,
                            "what occurred by then sums up beyond 2^53-1 base units");
        return;
    }
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (!find_variances(judge, draft, draft->cell == NUMBER_NONE ? NULL : cell_read(judge, draft, nth++)))
            return;
    }
    if (judge->decision->shortage_count != 0) {
        (void)judge_review(judge, BRAKE_COUNT_LIMIT);
        return;
    }
    if (!bins_come(judge))
        return;
    nth = 0;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct cell_reading *read = draft->cell == NUMBER_NONE ? NULL : cell_read(judge, draft, nth++);
        for (unsigned rest = draft->named; rest != 0; rest &= rest - 1) {
            if (!emit_count(judge, draft, read, (enum condition)__builtin_ctz(rest)))
                return;
        }
    }
    bins_rest(judge);
}
