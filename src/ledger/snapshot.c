/*
 * Snapshots: a figure as another system has it, as of what that system had seen.
 *
 * It is compared with what our books said of the same moment: as of a position that its source had read up to, with what
 * the source told itself by its own numbering, or as of a time. The difference is what one of the two does not know; what
 * is newer than that moment is no difference. So nothing that was sold meanwhile is lost, and nothing is taken off twice.
 * What its own snapshots booked is known to the source, whatever it has read: it lags, and says the same once more. So is
 * what others found of no later position, for they spoke of the same goods.
 *
 * What is found of a position was so by the time that was recorded, and is booked then. A count of later that found the
 * same is corrected, as it is by whatever comes late; one that is still to come finds it in the books. Rejected: booked
 * now it stood behind the count, and a loss that both had found was booked twice.
 *
 *     position 900   here: on hand 54, committed 5           the source says: available 44, committed taken off
 *     then           sale 4, order of 3: 50, 8               54 - 5 = 49: the difference is -5
 *     decided        on hand 45, committed 8
 *
 * Which claims are off the source's figure is its `contains`: none, those that are shipped (what is picked counts as
 * such), or all that is committed. What the difference is for is the source's policy: it is booked against @found or
 * @loss (rebase), or so only when nothing newer is there (compare_and_set refuses, latest_event_time does nothing), or
 * kept (report), or kept until it is counted (count), or decided by a person (review). Booked by time it is a mark, as a
 * count: what comes later and occurred before it corrects it, because the source had it in its figure.
 *
 * Whatever comes of it, what the source said is kept (statement.c). What a partner says without `seen` is something else
 * (partner.c).
 *
 * Many snapshots can be a set: a source tells its stock in parts, and with the last of them all that it told of before, and
 * not in this set, is 0. A set that would let go of more than a quarter of it is held, be it of units or of cells: it is a
 * file that was cut off, or one of another place.
 */
#include "ledger/decide.h"
#include "ledger/reading.h"

uint32_t stated_by(const struct judge *judge)
{
    return judge->admitted == 0 ? judge->decision->source
                                : ledger_number(judge->ledger, NAME_SOURCE, judge->command->source);
}

/* That of the nearest location, from this one upwards, that has its own; else the source's. */
static enum snapshot_policy policy_of(const struct ledger *ledger, uint32_t number, uint32_t location)
{
    struct source_config config;
    const struct source *source = &ledger->sources[number];
    if (!source->has_policies)
        return source->snapshot_policy;
    CHECK(source_config_read(config_body(ledger, NAME_SOURCE, number), &config));
    /* One that has no number yet is named nowhere. */
    uint32_t at = location < ledger->names[NAME_LOCATION].count ? location : NUMBER_NONE;
    for (; at != NUMBER_NONE; at = ledger_location_parent(ledger, at)) {
        struct text name = ledger_name(ledger, NAME_LOCATION, at);
        for (uint32_t i = 0; i < config.policies.count; i++) {
            if (text_equal(config.policies.places[i], name))
                return (enum snapshot_policy)config.policies.policies[i];
        }
    }
    return source->snapshot_policy;
}

enum snapshot_policy snapshot_policy_at(const struct judge *judge, uint32_t location)
{
    enum snapshot_policy policy =
        judge->source == NULL ? SNAPSHOT_REBASE : policy_of(judge->ledger, stated_by(judge), location);
    return policy == SNAPSHOT_REVIEW && judge->admitted != 0 ? SNAPSHOT_REBASE : policy;
}

/* Nothing of it is ever booked. */
static bool is_only_kept(enum snapshot_policy policy)
{
    return policy == SNAPSHOT_REPORT || policy == SNAPSHOT_COUNT;
}

static enum contains claims_in(const struct command *command)
{
    if (command->contains != CONTAINS_DEFAULT)
        return command->contains;
    return command->measure == MEASURE_AVAILABLE ? CONTAINS_COMMITTED : CONTAINS_NONE;
}

/* The books' figure that the snapshot's is to be compared with. */
static int64_t measured(const struct command *command, const struct figures *figures, enum condition condition)
{
    enum contains contains = claims_in(command);
    int64_t units = counted_units(figures, condition, contains != CONTAINS_SHIPPED);
    bool net = contains == CONTAINS_COMMITTED && condition == CONDITION_SELLABLE;
    return units - (net ? figures->units[FIGURE_COMMITTED] : 0);
}

/* Has the source seen what there is to be seen, and nothing else? */
static bool judge_seen(struct judge *judge)
{
    const struct command *command = judge->command;
    uint64_t own = judge->source == NULL ? 0 : judge->source->seq_mark;
    if (judge->decision->clock_skew)
        return judge_refuse(judge, CODE_in_future, TEXT_NONE, TEXT("/seen/time"));
    if (command->has_position && !epochs_has(command->epochs, command->seen_epoch, command->seen_position))
        return judge_refuse(judge, CODE_seen_forked, TEXT_NONE, TEXT("/seen/position"));
    if (command->has_position && command->seen_position > judge->ledger->last_seq)
        return judge_refuse(judge, CODE_in_future, TEXT_NONE, TEXT("/seen/position"));
    if (command->seen_seq > own)
        return judge_refuse(judge, CODE_in_future, TEXT_NONE, TEXT("/seen/seq"));
    return true;
}

/* False when the source has told of one of the cells as of later. */
static bool judge_passed(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        for (unsigned rest = draft->cell == NUMBER_NONE ? 0 : draft->named; rest != 0; rest &= rest - 1) {
            uint32_t last = statement_find(ledger, stated_by(judge), draft->cell,
                                           (enum condition)__builtin_ctz(rest), SAID_SNAPSHOT);
            const struct statement *said = last == NUMBER_NONE ? NULL : &ledger->statements.entries[last];
            if (said != NULL && (command->has_position && said->seen_position != 0
                                     ? said->seen_position > command->seen_position
                                     : said->seen_us > decision_occurred_us(judge->decision)))
                judge_short(judge, draft, 0, said->stated);
        }
    }
    if (judge->decision->shortage_count != 0)
        return judge_refuse(judge, CODE_snapshot_passed, TEXT_NONE, TEXT("/seen"));
    return true;
}

/*
 * What is found of a position was so by the time that was recorded. So a count of later that found it, too, is corrected,
 * and one that is still to come finds it in the books.
 */
static void take_seen_time(struct judge *judge)
{
    if (!judge->command->has_position)
        return;
    judge->decision->occurred_at_us = judge->late_us = judge->command->reading->seen_us;
    judge->late_seq = judge->command->seen_position;
}

/* From what was said to what that is beyond the books, as of then; notes what is more than the source may change. */
static bool find_differences(struct judge *judge, struct draft *draft, const struct cell_reading *read)
{
    const struct source *source = judge->source;
    for (unsigned rest = draft->named; rest != 0; rest &= rest - 1) {
        enum condition c = (enum condition)__builtin_ctz(rest);
        int64_t books = read == NULL ? 0 : measured(judge->command, &read->as_of, c);
        draft->asked_by[c] -= books; /* three terms of 2^53 at most */
        if (!quantity_in_range(draft->asked_by[c]) || !quantity_in_range(books))
            return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                                 "the difference would leave the range of 2^53-1 base units");
        bool held = draft->policy == SNAPSHOT_REVIEW
                        ? draft->asked_by[c] != 0
                        : source != NULL && !is_only_kept(draft->policy) &&
                              limit_exceeded(&source->max_change, draft->asked_by[c], books, draft->scale);
        if (held && judge->admitted == 0)
            judge_short(judge, draft, draft->asked_by[c], books);
    }
    return true;
}

/* Is something newer than what the source saw? */
static bool is_changed(const struct judge *judge, const struct draft *draft, const struct cell_reading *read)
{
    struct figures figures = draft_figures(judge, draft);
    for (unsigned rest = read == NULL ? 0 : draft->named; rest != 0; rest &= rest - 1) {
        enum condition c = (enum condition)__builtin_ctz(rest);
        if (measured(judge->command, &figures, c) != measured(judge->command, &read->as_of, c))
            return true;
    }
    return false;
}

static struct event *snapshot_event(struct judge *judge, enum snapshot_policy policy)
{
    const struct command *command = judge->command;
    struct event *event = judge_event(judge, EVENT_SNAPSHOT);
    event->stated_by = stated_by(judge);
    event->policy = policy;
    event->seen_position = command->has_position ? command->seen_position : 0;
    event->set_name = text_present(command->set) ? set_name_hash(judge->ledger, command->set) : 0;
    return event;
}

/* Is this difference a new task? One that is known is asked for already, or was counted: then the source is wrong. */
static bool is_to_count(const struct judge *judge, const struct draft *draft, const struct event *said)
{
    const struct ledger *ledger = judge->ledger;
    int64_t difference = said->quantity - said->books;
    if (said->policy != SNAPSHOT_COUNT || difference == 0)
        return false;
    uint32_t last = statement_find(ledger, said->stated_by, draft->cell, said->condition, SAID_SNAPSHOT);
    const struct statement *before = last == NUMBER_NONE ? NULL : &ledger->statements.entries[last];
    if (before == NULL || before->asked_seq == 0)
        return true;
    return statement_counted(ledger, before) != 0 && before->stated - before->books != difference;
}

/* What the source said of one condition of a cell, and what is booked of it. */
static bool emit_snapshot(struct judge *judge, struct draft *draft, uint32_t index, const struct cell_reading *read,
                          enum condition condition, bool booked)
{
    const struct command *command = judge->command;
    int64_t units = draft->asked_by[condition];
    struct event *event = snapshot_event(judge, draft->policy);
    event->quantity = judge->ledger->stated[index][condition];
    event->condition = condition;
    event->books = read == NULL ? 0 : measured(command, &read->as_of, condition);
    event->delta.units[condition] = units;
    if (units != 0) {
        event->account = variance_account(units);
        event->account_units = -units;
    }
    enum contains contains = claims_in(command);
    event->net = contains == CONTAINS_COMMITTED && condition == CONDITION_SELLABLE;
    event->shelf = contains == CONTAINS_SHIPPED && condition == CONDITION_SELLABLE;
    if (booked && !command->has_position) {
        event->count_seq = event->seq;
        event->count_from_us = event->count_to_us = decision_occurred_us(judge->decision);
        event->count_picked = contains != CONTAINS_SHIPPED;
        event->variance = units;
        draft->count_event = judge->decision->event_count;
    }
    if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
        return false;
    if (is_to_count(judge, draft, event)) {
        struct event *asked = judge_follow(judge, event, EVENT_COUNT_ASKED, event->quantity - event->books);
        asked->stated_by = event->stated_by;
        asked->condition = condition;
        draft->last_event = judge->decision->event_count;
    }
    return true;
}

/* Whether what is found in this cell is booked; what is not leaves its draft. */
static bool is_booked(struct judge *judge, struct draft *draft, const struct cell_reading *read)
{
    bool booked = !is_only_kept(draft->policy) && (draft->policy != SNAPSHOT_LATEST_EVENT_TIME || !is_changed(judge, draft, read));
    for (unsigned c = 0; !booked && c < CONDITION_COUNT; c++)
        draft->asked_by[c] = 0;
    return booked;
}

/* ---- sets ---- */

/* Is this part of a set that is still told? */
static bool judge_set(struct judge *judge)
{
    const struct source *source = judge->source;
    bool same = source != NULL && text_present(judge->command->set) &&
                source->set_name == set_name_hash(judge->ledger, judge->command->set);
    if (same && source->set_closed)
        return judge_refuse(judge, CODE_set_closed, judge->command->set, TEXT("/set"));
    return true;
}

/* Is there anything that its source said, or that is there, to become 0? */
static bool is_left_out(const struct judge *judge, const struct statement *statement)
{
    const struct ledger *ledger = judge->ledger;
    const struct source *source = judge->source;
    const struct cell *cell = &ledger->cells[statement->cell];
    struct figures figures = cell_figures(ledger, statement->cell);
    const struct draft *draft = judge_draft_at(judge, cell->item, cell->location);
    bool told = source->set_name == set_name_hash(ledger, judge->command->set) && statement->seq >= source->set_seq;
    bool named = draft != NULL && (draft->named >> statement->condition & 1) != 0;
    return !told && !named && !ledger->names[NAME_ITEM].retired[cell->item] &&
           !ledger->names[NAME_LOCATION].retired[cell->location] &&
           (statement->stated != 0 || measured(judge->command, &figures, statement->condition) != 0);
}

/* Figures of a node are told with what lies in its bins, and its cell is without it: said of the node, the same goods
 * would be found again. So nothing is said of it. What its source told of the cell before there were bins, it can say
 * no more: at the end of a set, goods of it are neither gone nor left beside what is told of the bins. */
static bool judge_bins(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    uint32_t s = judge->command->last && judge->source != NULL ? judge->source->statement_first : 0;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (has_bins(ledger, draft->location))
            judge_short(judge, draft, draft->asked, 0);
    }
    for (; s != 0; s = ledger->statements.entries[s - 1].next_of_source) {
        const struct statement *statement = &ledger->statements.entries[s - 1];
        const struct cell *cell = &ledger->cells[statement->cell];
        int64_t units = cell->units[statement->condition];
        const struct draft left = {.item = cell->item, .location = cell->location, .line = LINE_NONE,
                                   .scale = ledger->items[cell->item].scale};
        if (statement->said == SAID_SNAPSHOT && units != 0 && has_bins(ledger, cell->location) &&
            is_left_out(judge, statement))
            judge_short(judge, &left, 0, units);
    }
    if (judge->decision->shortage_count == 0)
        return true;
    return judge_refuse(judge, CODE_has_bins, TEXT_NONE, TEXT("/lines"));
}

#define SET_PERCENT 25 /* a set lets go of so much of what its source told, at most, unless max_change says otherwise */

/* Shares of sums: what would not fit is beyond all bounds anyway. */
static int64_t sum_up(int64_t sum, int64_t units)
{
    int64_t more;
    return checked_add(sum, units < 0 ? -units : units, &more) ? more : INT64_MAX;
}

/* Is it so much, of units or of cells, that the set looks cut off, or is of another place? */
static bool is_too_much(const struct judge *judge, int64_t gone, int64_t all, int64_t gone_cells, int64_t all_cells)
{
    const struct limit *limit = &judge->source->max_change;
    int64_t percent = limit->has_percent ? limit->percent : SET_PERCENT;
    while (all > INT64_MAX / LIMIT_PERCENT_MAX) {
        all >>= 10;
        gone >>= 10;
    }
    return judge->admitted == 0 &&
           (gone * 100 > all * percent || gone_cells * 100 > all_cells * percent);
}

/* At the end of a set: drafts of all that is not in it, as if a line said 0; notes them when they are too much. */
static bool take_left_out(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    int64_t all = 0;
    int64_t gone = 0;
    int64_t all_cells = 0;
    int64_t gone_cells = 0;
    uint32_t count = judge->command->line_count;
    for (uint32_t s = judge->source->statement_first; s != 0; s = ledger->statements.entries[s - 1].next_of_source) {
        const struct statement *statement = &ledger->statements.entries[s - 1];
        const struct cell *cell = &ledger->cells[statement->cell];
        if (statement->said != SAID_SNAPSHOT || has_bins(ledger, cell->location))
            continue;
        all = sum_up(all, statement->stated);
        all_cells += statement->stated != 0;
        if (!is_left_out(judge, statement))
            continue;
        if (++count > COMMAND_LINES_MAX)
            return judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "last",
                                 "more than 1,000 cells are not in the set: list them with 0 before its end");
        struct draft *draft = judge_draft_of(judge, cell->item, cell->location, LINE_NONE);
        draft->named |= (uint8_t)(1u << statement->condition);
        if (is_only_kept(snapshot_policy_at(judge, cell->location)))
            continue;
        struct figures figures = draft_figures(judge, draft);
        int64_t units = measured(judge->command, &figures, statement->condition);
        judge_short(judge, draft, -units, units);
        gone = sum_up(gone, statement->stated);
        gone_cells += statement->stated != 0;
    }
    if (is_too_much(judge, gone, all, gone_cells, all_cells))
        return judge_review(judge, BRAKE_MAX_CHANGE);
    judge->decision->shortage_count = 0;
    return true;
}

void decide_snapshot(struct judge *judge)
{
    const struct command *command = judge->command;
    judge->states = true;
    if (judge->admitted != 0 && judge->source == NULL) { /* given up since: nobody says it any more */
        (void)judge_refuse(judge, CODE_unknown_source, command->source, TEXT_NONE);
        return;
    }
    if (command->report) {
        decide_report(judge);
        return;
    }
    if (!judge_seen(judge) || !judge_set(judge))
        return;
    bool lines = command->line_count != 0 || !command->last;
    if (lines ? !judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE) : !judge_precondition(judge))
        return;
    if (!judge_bins(judge) || (command->last && judge->source != NULL && !take_left_out(judge)))
        return;
    struct question question = {.decision_seq = judge->admitted, .from_us = command->occurred_at_us,
                                .to_us = command->occurred_at_us};
    if (command->has_position)
        question = (struct question){.decision_seq = judge->admitted, .by_position = true,
                                     .at_seq = command->seen_position, .source_seq = command->seen_seq,
                                     .source = stated_by(judge), .from_us = INT64_MIN, .to_us = INT64_MIN};
    const struct reading *reading = command->reading;
    /* What was read of a review alone, or not to its end, does not say when its position was recorded. */
    bool timed = !command->has_position || (reading_is_known(reading) && reading->question.by_position);
    if (!cells_read(judge, &question) || !timed) {
        judge->unread = true;
        return;
    }
    if (reading != NULL && reading->too_large) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, NULL,
                            "what it saw sums up beyond 2^53-1 base units");
        return;
    }
    take_seen_time(judge);
    if (!judge_passed(judge))
        return;
    uint32_t named = judge->draft_count;
    uint32_t nth = 0;
    bool changed = false;
    bool reviewed = false;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct cell_reading *read = draft->cell == NUMBER_NONE ? NULL : cell_read(judge, draft, nth++);
        memcpy(judge->ledger->stated[i], draft->asked_by, sizeof(draft->asked_by));
        draft->policy = snapshot_policy_at(judge, draft->location);
        uint32_t held = judge->decision->shortage_count;
        if (!find_differences(judge, draft, read))
            return;
        reviewed = reviewed || (draft->policy == SNAPSHOT_REVIEW && judge->decision->shortage_count > held);
        changed = changed || (draft->policy == SNAPSHOT_COMPARE_AND_SET && is_changed(judge, draft, read));
    }
    if (judge->decision->shortage_count != 0) {
        (void)judge_review(judge, reviewed ? BRAKE_POLICY : BRAKE_MAX_CHANGE);
        return;
    }
    if (changed) {
        (void)judge_refuse(judge, CODE_precondition_failed, TEXT_NONE, TEXT("/seen"));
        return;
    }
    nth = 0;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct cell_reading *read = draft->cell == NUMBER_NONE ? NULL : cell_read(judge, draft, nth++);
        draft->booked = is_booked(judge, draft, read);
    }
    if (!bins_come(judge))
        return;
    nth = 0;
    for (uint32_t i = 0; i < named; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct cell_reading *read = draft->cell == NUMBER_NONE ? NULL : cell_read(judge, draft, nth++);
        for (unsigned rest = draft->named; rest != 0; rest &= rest - 1) {
            if (!emit_snapshot(judge, draft, i, read, (enum condition)__builtin_ctz(rest), draft->booked))
                return;
        }
    }
    bins_rest(judge);
    if (command->last && !judge->objected)
        snapshot_event(judge, snapshot_policy_at(judge, NUMBER_NONE))->set_closed = true;
}
