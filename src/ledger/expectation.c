/*
 * Expected goods: expect, redate, cancel_expected, and what fulfils them.
 *
 * An expectation is a document with a direction and a line per cell: units still open, each with the time it is due. in
 * counts in the cell's incoming, out in its outgoing. The same id again, while it is open, replaces all of it, its
 * direction too. It closes when nothing is open, and cannot be expected again while it is kept. Only the hold of its name
 * opens one of direction out again, when something is promised to it anew.
 *
 * A receipt that names an expectation takes what it brings off the line of its cell, whatever the condition; more than
 * was open is flagged. An expectation of direction out with the name of a hold is fulfilled by that hold: committing
 * (and amending to more) takes off, and so does shipping what had not been committed. More than was expected is nothing
 * to speak of there.
 *
 * Expecting is about paper, not goods: guard has no say in what is open, only in whether new names are made.
 */
#include "ledger/decide.h"

static enum figure figure_of(enum direction direction)
{
    return direction == DIRECTION_OUT ? FIGURE_OUTGOING : FIGURE_INCOMING;
}

/* The expectation's line in a draft's cell. */
static const struct document_line *line_in(const struct judge *judge, const struct draft *draft, uint32_t expectation)
{
    const struct ledger *ledger = judge->ledger;
    if (expectation == NUMBER_NONE || draft->cell == NUMBER_NONE)
        return NULL;
    uint32_t line = document_line_find(ledger, DOCUMENT_EXPECTATION, expectation, draft->cell);
    return line == NUMBER_NONE ? NULL : &ledger->document_lines.entries[line];
}

static int64_t open_units(const struct document_line *line)
{
    return line == NULL ? 0 : line->units;
}

/* The expectation's part of an event, of what it has open in the cell and what changes. */
static void fill(const struct judge *judge, uint32_t expectation, const struct document_line *line, int64_t delta,
                 struct event *event)
{
    const struct documents *expectations = &judge->ledger->documents[DOCUMENT_EXPECTATION];
    const struct document *document = &expectations->entries[expectation];
    event->expectation_number = document->number;
    event->expectation = textpool_text(&expectations->names, document->name);
    event->direction = document->direction;
    event->due = line == NULL ? (struct moment){MOMENT_ABSENT, 0} : line->when;
    event->expected_delta = delta;
    event->expected = open_units(line) + delta;
    event->delta.units[figure_of(document->direction)] += delta;
}

/* ---- fulfilment ---- */

bool expectation_in(struct judge *judge, uint32_t *out_expectation)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    *out_expectation = NUMBER_NONE;
    if (command->kind != KIND_RECEIVE || !text_present(command->expectation))
        return true;
    uint32_t expectation = document_find(ledger, DOCUMENT_EXPECTATION, command->expectation, judge->now_us);
    if (expectation == NUMBER_NONE || !document_is_open(ledger, DOCUMENT_EXPECTATION, expectation) ||
        ledger->documents[DOCUMENT_EXPECTATION].entries[expectation].direction != DIRECTION_IN)
        return judge_refuse(judge, CODE_unknown_expectation, command->expectation, TEXT("/expectation"));
    *out_expectation = expectation;
    return true;
}

int64_t expectation_in_open(const struct judge *judge, const struct draft *draft, uint32_t expectation)
{
    return open_units(line_in(judge, draft, expectation));
}

int64_t expectation_in_take(const struct judge *judge, const struct draft *draft, uint32_t expectation, int64_t units,
                            struct event *event)
{
    const struct document_line *line = line_in(judge, draft, expectation);
    int64_t taken = min_i64(units, open_units(line));
    fill(judge, expectation, line, -taken, event);
    return taken;
}

void expectation_out_take(const struct judge *judge, const struct draft *draft, struct text hold, int64_t units,
                          int64_t stays, struct event *event)
{
    const struct ledger *ledger = judge->ledger;
    if (units == 0 || ledger->documents[DOCUMENT_EXPECTATION].open == 0)
        return;
    uint32_t expectation = document_find(ledger, DOCUMENT_EXPECTATION, hold, judge->now_us);
    if (expectation == NUMBER_NONE ||
        ledger->documents[DOCUMENT_EXPECTATION].entries[expectation].direction != DIRECTION_OUT)
        return;
    const struct document_line *line = line_in(judge, draft, expectation);
    if (line != NULL)
        fill(judge, expectation, line, -min_i64(units, line->units - stays), event);
}

/* ---- what was promised for later ---- */

uint32_t expectation_of_hold(const struct judge *judge, bool *out_taken)
{
    const struct documents *expectations = &judge->ledger->documents[DOCUMENT_EXPECTATION];
    uint32_t expectation = document_find(judge->ledger, DOCUMENT_EXPECTATION, judge->command->hold, judge->now_us);
    *out_taken = expectation != NUMBER_NONE && expectations->entries[expectation].direction != DIRECTION_OUT;
    return *out_taken ? NUMBER_NONE : expectation;
}

void expectation_out_set(struct judge *judge, const struct draft *draft, uint32_t expectation, int64_t units,
                         struct event *event)
{
    const struct document_line *line = line_in(judge, draft, expectation);
    if (units == 0 && line == NULL)
        return;
    if (expectation != NUMBER_NONE) {
        fill(judge, expectation, line, units - open_units(line), event);
    } else {
        event->expectation_number = judge->decision->first_seq;
        event->expectation = event->hold;
        event->direction = DIRECTION_OUT;
        event->expected_delta = event->expected = units;
        event->delta.units[FIGURE_OUTGOING] += units;
    }
    if (units != 0)
        event->due = due_promised(judge->ledger, draft->location, event->claim_at);
    judge->documents = true;
}

/* ---- expect ---- */

/* Replaces what the expectation has open in the draft's cell. */
static bool emit_expect(struct judge *judge, struct draft *draft, uint32_t expectation)
{
    const struct command *command = judge->command;
    const struct document_line *line = line_in(judge, draft, expectation);
    struct event *event = judge_event(judge, EVENT_EXPECT);
    event->quantity = draft->asked;
    event->condition = CONDITION_SELLABLE;
    if (expectation == NUMBER_NONE) {
        event->expectation_number = judge->decision->first_seq;
        event->expectation = command->expectation;
        event->expected_delta = event->expected = draft->asked;
    } else {
        fill(judge, expectation, line, draft->asked - open_units(line), event);
        event->delta = (struct figures){{0}};
        event->delta.units[figure_of(event->direction)] -= open_units(line);
    }
    event->direction = command->direction;
    event->due = command->due;
    event->delta.units[figure_of(command->direction)] += draft->asked;
    return judge_cell(judge, draft, event, DISCREPANCY_NONE, 0);
}

/* What a replaced expectation had open in cells the new one does not name. */
static void emit_dropped(struct judge *judge, uint32_t expectation)
{
    const struct ledger *ledger = judge->ledger;
    const struct document_line *lines = ledger->document_lines.entries;
    for (uint32_t l = ledger->documents[DOCUMENT_EXPECTATION].entries[expectation].first_line; l != 0;
         l = lines[l - 1].next) {
        const struct document_line *line = &lines[l - 1];
        bool named = false;
        for (uint32_t i = 0; i < judge->draft_count && !named; i++)
            named = judge_draft(judge, i)->cell == line->cell;
        if (named)
            continue;
        const struct cell *cell = &ledger->cells[line->cell];
        struct draft draft = {
            .item = cell->item,
            .location = cell->location,
            .cell = line->cell,
            .line = LINE_NONE,
            .claim_line = NUMBER_NONE,
            .scale = ledger->items[cell->item].scale,
        };
        struct event *event = judge_event(judge, EVENT_EXPECT);
        event->condition = CONDITION_SELLABLE;
        fill(judge, expectation, line, -line->units, event);
        event->direction = judge->command->direction;
        event->due = judge->command->due;
        CHECK(judge_cell(judge, &draft, event, DISCREPANCY_NONE, 0)); /* giving back leaves no range */
    }
}

/* What a hold for later waits for is the hold's to change: other goods would be promised in its place. */
static bool judge_nobodys(struct judge *judge)
{
    const struct claims *claims = &judge->ledger->claims;
    uint32_t claim = claim_find(judge->ledger, judge->command->expectation, judge->now_us);
    bool later = claim != NUMBER_NONE && claims->entries[claim].at.form != MOMENT_ABSENT;
    for (uint32_t l = later ? claims->entries[claim].first_line : 0; l != 0; l = claims->lines[l - 1].next) {
        if (claims->lines[l - 1].units[CLAIM_WAITING] != 0)
            return judge_refuse(judge, CODE_expectation_promised, judge->command->expectation, TEXT("/expectation"));
    }
    return true;
}

static void decide_expect(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t expectation = document_find(ledger, DOCUMENT_EXPECTATION, command->expectation, judge->now_us);
    if (expectation != NUMBER_NONE && !document_is_open(ledger, DOCUMENT_EXPECTATION, expectation)) {
        (void)judge_refuse(judge, CODE_expectation_closed, command->expectation, TEXT("/expectation"));
        return;
    }
    if (!judge_lines(judge, judge->request ? LINES_KNOWN : LINES_CREATE))
        return;
    judge->documents = true;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (!emit_expect(judge, judge_draft(judge, i), expectation))
            return;
    }
    if (expectation != NUMBER_NONE)
        emit_dropped(judge, expectation);
}

/* ---- redate, cancel_expected ---- */

/* The open expectation the command names, with its drafts: the lines, or all that is open. NUMBER_NONE: objected. */
static uint32_t open_expectation(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t expectation = document_find(ledger, DOCUMENT_EXPECTATION, command->expectation, judge->now_us);
    if (expectation == NUMBER_NONE || !document_is_open(ledger, DOCUMENT_EXPECTATION, expectation)) {
        (void)judge_refuse(judge, CODE_unknown_expectation, command->expectation, TEXT("/expectation"));
        return NUMBER_NONE;
    }
    bool drafted = command->line_count != 0 ? judge_lines(judge, LINES_KNOWN)
                                            : judge_document_lines(judge, DOCUMENT_EXPECTATION, expectation);
    return drafted ? expectation : NUMBER_NONE;
}

/* Lines name cells: all that is open there gets the new time. A cell in which nothing is open cannot be meant. */
static void decide_redate(struct judge *judge)
{
    const struct command *command = judge->command;
    uint32_t expectation = open_expectation(judge);
    if (expectation == NUMBER_NONE)
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (line_in(judge, draft, expectation) == NULL)
            judge_short(judge, draft, draft->asked, 0);
    }
    if (!judge_shorts(judge, CODE_unknown_expectation, command->expectation, TEXT("/lines")))
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct document_line *line = line_in(judge, draft, expectation);
        CHECK(line != NULL); /* a cell without one was noted above */
        struct event *event = judge_event(judge, EVENT_REDATE);
        event->quantity = line->units;
        event->condition = CONDITION_SELLABLE;
        fill(judge, expectation, line, 0, event);
        event->due = command->due;
        CHECK(judge_cell(judge, draft, event, DISCREPANCY_NONE, 0)); /* no figure changes */
    }
}

/* What is cancelled beyond what is open is flagged: one of the two books is wrong. */
static void decide_cancel(struct judge *judge)
{
    uint32_t expectation = open_expectation(judge);
    if (expectation == NUMBER_NONE)
        return;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        const struct document_line *line = line_in(judge, draft, expectation);
        int64_t taken = min_i64(draft->asked, open_units(line));
        struct event *event = judge_event(judge, EVENT_CANCEL_EXPECTED);
        event->quantity = draft->asked;
        event->condition = CONDITION_SELLABLE;
        fill(judge, expectation, line, -taken, event);
        CHECK(judge_cell(judge, draft, event, DISCREPANCY_EXCEEDS_EXPECTATION, draft->asked - taken));
    }
}

void decide_expected(struct judge *judge)
{
    if (!judge_nobodys(judge))
        return;
    if (judge->command->kind == KIND_EXPECT)
        decide_expect(judge);
    else if (judge->command->kind == KIND_REDATE)
        decide_redate(judge);
    else
        decide_cancel(judge);
}
