/*
 * Deciding a command: the order of questions every kind shares.
 *
 *   1. Known already?   (source, id) in the table: the same command gets its first answer again, another is id_reused.
 *   2. Well formed?     what the kind needs is there and makes sense, whoever the command came through.
 *   3. In order?        seq at or below the source's mark, not_after passed, fact older than the window.
 *   4. The kind's rule  movement.c, hold.c, transfer.c, expectation.c, config.c.
 *   5. Room?            ids, names, cells, claims: a full table means 503 and nothing decided, never a wrong decision.
 *
 * A 422 objection voids everything; a 409 refusal replaces whatever was written by one refused event.
 */
#include "ledger/decide.h"

static struct text constant(const char *string)
{
    return text_of(string, strlen(string));
}

/* ---- objections ---- */

bool judge_invalid(struct judge *judge, enum code code, uint32_t line, const char *field, const char *detail)
{
    judge->objected = true;
    *judge->verdict = (struct verdict){OUTCOME_INVALID, code, line, field, detail, 0};
    return false;
}

/* The rows of what can be named: a cell whose item or location only the refused command brought is in no book. */
static void keep_named_shortages(struct judge *judge)
{
    struct decision *decision = judge->decision;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < decision->shortage_count; i++) {
        const struct shortage *row = &decision->shortages[i];
        if (row->item < judge->ledger->names[NAME_ITEM].count &&
            (row->location == NUMBER_NONE || row->location < judge->ledger->names[NAME_LOCATION].count))
            decision->shortages[kept++] = *row;
    }
    decision->shortage_count = kept;
}

void judge_forget(struct judge *judge)
{
    struct decision *decision = judge->decision;
    /* Names the command would have created are not created; the source is. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < decision->name_count; i++) {
        if (decision->names[i].space == NAME_SOURCE && decision->names[i].number == decision->source)
            decision->names[kept++] = decision->names[i];
    }
    decision->name_count = kept;
    keep_named_shortages(judge);
    decision->event_count = 0;
}

bool judge_refuse(struct judge *judge, enum code code, struct text subject, struct text field)
{
    const struct decision *decision = judge->decision;
    judge->objected = true;
    judge_forget(judge);
    struct event *event = judge_event(judge, EVENT_REFUSED);
    event->code = code;
    event->subject = subject;
    event->field = field;
    event->shortages = decision->shortages;
    event->shortage_count = decision->shortage_count;
    event->mentions = decision->mentions;
    event->mention_count = decision->mention_count;
    event->mention_total = decision->mention_total;
    judge->verdict->code = code;
    return false;
}

void judge_short(struct judge *judge, const struct draft *draft, int64_t asked, int64_t free_units)
{
    struct decision *decision = judge->decision;
    if (decision->shortage_count == COMMAND_LINES_MAX)
        return; /* those there are say enough: a kit can be short in more places than the command has lines */
    decision->shortages[decision->shortage_count++] =
        (struct shortage){draft->item, draft->location, draft->scale, asked, free_units};
}

void judge_mention(struct judge *judge, struct text hold)
{
    struct decision *decision = judge->decision;
    if (decision->mention_count < MENTIONS_MAX)
        decision->mentions[decision->mention_count++] = hold;
    decision->mention_total++;
}

/* ---- names ---- */

uint32_t judge_name(struct judge *judge, enum name_space space, struct text name)
{
    uint32_t number = ledger_number(judge->ledger, space, name);
    if (number != NUMBER_NONE)
        return number;
    struct decision *decision = judge->decision;
    uint32_t fresh = judge->ledger->names[space].count;
    for (uint32_t i = 0; i < decision->name_count; i++) {
        if (decision->names[i].space != space)
            continue;
        if (text_equal(decision->names[i].name, name))
            return decision->names[i].number;
        fresh++;
    }
    if (fresh >= judge->ledger->names[space].count_max) {
        static const char *const limits[NAME_SPACE_COUNT] = {"the table of items is full: raise --items-max",
                                                             "the table of locations is full: raise --locations-max",
                                                             "the table of sources is full: raise --sources-max",
                                                             "the table of channels is full: there are at most 256"};
        (void)judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL, limits[space]);
        return NUMBER_NONE;
    }
    CHECK(decision->name_count < DECISION_NAMES_MAX);
    decision->names[decision->name_count++] = (struct new_name){space, fresh, name};
    return fresh;
}

uint32_t judge_new_item(struct judge *judge, struct text name)
{
    const struct ledger *ledger = judge->ledger;
    uint32_t number = ledger_number(ledger, NAME_ITEM, name);
    if (number != NUMBER_NONE)
        return number;
    /* The senders who use the alias would be answered by the new item from now on. */
    if (ledger->configs.alias_live != 0 && alias_find_any(ledger, name) != NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_alias_in_use, name, TEXT_NONE);
        return NUMBER_NONE;
    }
    return judge_name(judge, NAME_ITEM, name);
}

uint32_t judge_item(struct judge *judge, bool create, struct text name)
{
    uint32_t source = judge->source == NULL ? NUMBER_NONE : judge->decision->source;
    uint32_t number = item_find(judge->ledger, source, name);
    return number == NUMBER_NONE && create ? judge_new_item(judge, name) : number;
}

/* ---- drafts ---- */

struct draft *judge_draft(const struct judge *judge, uint32_t index)
{
    CHECK(index < judge->draft_count);
    return &judge->ledger->drafts[index];
}

struct figures draft_figures(const struct judge *judge, const struct draft *draft)
{
    if (draft->cell == NUMBER_NONE)
        return (struct figures){{0}};
    return cell_figures(judge->ledger, draft->cell);
}

int64_t draft_free(const struct judge *judge, const struct draft *draft)
{
    struct figures figures = draft_figures(judge, draft);
    return channel_free(judge->ledger, &figures, draft->cell, judge->channel, 0);
}

bool judge_channel(struct judge *judge, struct text name, bool must)
{
    judge->channel = text_present(name) ? ledger_number(judge->ledger, NAME_CHANNEL, name) : NUMBER_NONE;
    if (must && judge->request && text_present(name) && judge->channel == NUMBER_NONE)
        return judge_refuse(judge, CODE_unknown_channel, name, constant("/channel"));
    return true;
}

/* The cell of a line, from the hint when it was found ahead. */
static uint32_t find_cell(const struct judge *judge, uint32_t item, uint32_t location)
{
    const struct command_hints *hints = &judge->command->hints;
    if (judge->hinted && hints->cell != NUMBER_NONE && ((hints->item ^ item) | (hints->location ^ location)) == 0)
        return hints->cell;
    return cell_find(judge->ledger, item, location);
}

static inline struct draft *find_draft(const struct judge *judge, uint32_t item, uint32_t location)
{
    struct draft *drafts = judge->ledger->drafts;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (drafts[i].item == item && drafts[i].location == location)
            return &drafts[i];
    }
    return NULL;
}

struct draft *judge_draft_at(const struct judge *judge, uint32_t item, uint32_t location)
{
    return find_draft(judge, item, location);
}

struct draft *judge_draft_of(struct judge *judge, uint32_t item, uint32_t location, uint32_t line)
{
    struct draft *drafts = judge->ledger->drafts;
    struct draft *have = find_draft(judge, item, location);
    if (have != NULL)
        return have;
    CHECK(judge->draft_count < DRAFTS_MAX);
    const struct ledger *ledger = judge->ledger;
    bool is_new = item >= ledger->names[NAME_ITEM].count || location >= ledger->names[NAME_LOCATION].count;
    drafts[judge->draft_count] = (struct draft){
        .item = item,
        .location = location,
        .cell = is_new ? NUMBER_NONE : find_cell(judge, item, location),
        .line = line,
        .claim_line = NUMBER_NONE,
        .scale = item < ledger->names[NAME_ITEM].count ? ledger->items[item].scale : 0,
        .condition = CONDITION_NONE,
        .in_bin = is_bin(ledger, location),
    };
    return &drafts[judge->draft_count++];
}

bool judge_units(struct judge *judge, struct decimal quantity, unsigned scale, uint32_t line, const char *field,
                 int64_t *out_units)
{
    enum decimal_status status = decimal_to_units(quantity, scale, out_units);
    if (status == DECIMAL_OK)
        return true;
    if (status == DECIMAL_TOO_LONG)
        return judge_invalid(judge, CODE_too_many_decimals, line, field,
                             "more decimals than the item's scale (0 unless declared); declare it or round");
    return judge_invalid(judge, CODE_out_of_range, line, field, "beyond 2^53-1 base units of the item");
}

/* The same in a unit of the item's. */
static NEVER_INLINE bool units_of_unit(struct judge *judge, uint32_t index, uint32_t item, unsigned scale,
                                       int64_t *out_units)
{
    const struct ledger *ledger = judge->ledger;
    const struct command_line *line = &judge->command->lines[index];
    struct config_unit unit;
    bool known = item < ledger->names[NAME_ITEM].count &&
                 item_config_unit(config_body(ledger, NAME_ITEM, item), line->unit, &unit);
    if (!known)
        return judge_invalid(judge, CODE_unknown_unit, index, "unit", "the item has no such unit; declare it there");
    enum unit_status status = unit_to_units(line->quantity, &unit, scale, out_units);
    if (status == UNIT_OK)
        return true;
    if (status == UNIT_UNEVEN)
        return judge_invalid(judge, CODE_uneven_unit, index, "quantity",
                             "does not come out even in base units of the item");
    return judge_invalid(judge, CODE_out_of_range, index, "quantity", "beyond 2^53-1 base units of the item");
}

bool judge_line_units(struct judge *judge, uint32_t index, uint32_t item, unsigned scale, int64_t *out_units)
{
    const struct command_line *line = &judge->command->lines[index];
    if (LIKELY(line->unit.length == 0))
        return judge_units(judge, line->quantity, scale, index, "quantity", out_units);
    return units_of_unit(judge, index, item, scale, out_units);
}

static bool precondition_holds(struct judge *judge, const struct precondition *wanted, const struct draft *draft,
                               uint32_t line, bool *out_holds)
{
    struct figures figures = draft_figures(judge, draft);
    uint64_t version = draft->cell == NUMBER_NONE ? 0 : judge->ledger->cells[draft->cell].version;
    const struct {
        uint8_t bit;
        struct decimal wanted;
        int64_t have;
        const char *field;
    } rows[] = {
        {PRECONDITION_ON_HAND, wanted->on_hand, figures_on_hand(&figures), "if/on_hand"},
        {PRECONDITION_AVAILABLE, wanted->available, figures_available(&figures), "if/available"},
        {PRECONDITION_RESERVED, wanted->reserved, figures_reserved(&figures), "if/reserved"},
    };
    *out_holds = !(wanted->present & PRECONDITION_VERSION) || wanted->version == version;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t units;
        if (!(wanted->present & rows[i].bit))
            continue;
        if (!judge_units(judge, rows[i].wanted, draft->scale, line, rows[i].field, &units))
            return false;
        *out_holds = *out_holds && units == rows[i].have;
    }
    return true;
}

bool command_seeks(const struct command *command)
{
    for (uint32_t i = 0; i < command->line_count; i++) {
        if (command->lines[i].location.length == 0)
            return true;
    }
    return false;
}

bool judge_precondition(struct judge *judge)
{
    const struct precondition *wanted = &judge->command->precondition;
    if (wanted->present == 0)
        return true;
    if (judge->draft_count != 1 || command_seeks(judge->command))
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "if",
                             "the command touches more than one cell: put `if` on the lines");
    bool holds;
    if (!precondition_holds(judge, wanted, judge_draft(judge, 0), LINE_NONE, &holds))
        return false;
    if (!holds)
        return judge_refuse(judge, CODE_precondition_failed, TEXT_NONE, constant("/if"));
    return true;
}

/* The number of a line's name, new when it may be, from the hint when it was known ahead. */
static uint32_t line_number(struct judge *judge, bool create, enum name_space space, struct text name, uint32_t hint)
{
    if (judge->hinted && judge->command->line_count == 1 && hint != NUMBER_NONE)
        return hint;
    if (space == NAME_ITEM)
        return judge_item(judge, create, name);
    return create ? judge_name(judge, space, name) : ledger_number(judge->ledger, space, name);
}

bool judge_lines(struct judge *judge, enum lines_names names)
{
    const struct command *command = judge->command;
    bool create = names == LINES_CREATE && !judge->strict;
    enum condition usual = CONDITION_SELLABLE;
    if (command->kind == KIND_RETURN && judge->source != NULL && judge->source->default_condition != 0)
        usual = (enum condition)(judge->source->default_condition - 1);
    bool unmet = false;
    if (command->line_count == 0)
        return judge_invalid(judge, CODE_missing_field, LINE_NONE, "lines", "the kind needs lines");
    for (uint32_t i = 0; i < command->line_count; i++) {
        const struct command_line *line = &command->lines[i];
        if (line->location.length == 0)
            continue; /* its place is found by judge_sourcing */
        uint32_t item = line_number(judge, create, NAME_ITEM, line->item, command->hints.item);
        if (judge->objected)
            return false; /* no room for its name, or it is another's */
        if (item == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_item, line->item, TEXT_NONE);
        uint32_t location = line_number(judge, create, NAME_LOCATION, line->location, command->hints.location);
        if (judge->objected)
            return false;
        if (location == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_location, line->location, TEXT_NONE);
        uint32_t before = judge->draft_count;
        struct draft *draft = judge_draft_of(judge, item, location, i);
        int64_t units;
        if (!judge_line_units(judge, i, item, draft->scale, &units))
            return false;
        enum condition condition = line->condition == CONDITION_NONE ? usual : line->condition;
        draft->condition = judge->draft_count > before || draft->condition == condition ? condition : CONDITION_NONE;
        /* At most 1,000 terms of 2^53: the sums fit, their range is judged. */
        draft->asked += units;
        draft->asked_by[condition] += units;
        draft->named |= (uint8_t)(1u << condition);
        if (!quantity_in_range(draft->asked) || !quantity_in_range(draft->asked_by[condition]))
            return judge_invalid(judge, CODE_out_of_range, i, "quantity", "the lines of this cell sum beyond 2^53-1");
        bool holds = true;
        if (line->precondition.present != 0 &&
            !precondition_holds(judge, &line->precondition, draft, i, &holds))
            return false;
        unmet = unmet || !holds;
    }
    if (!judge_precondition(judge))
        return false;
    if (unmet)
        return judge_refuse(judge, CODE_precondition_failed, TEXT_NONE, constant("/lines"));
    return true;
}

bool judge_claim_lines(struct judge *judge, uint32_t claim, unsigned wanted)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    for (uint32_t l = claims->entries[claim].first_line; l != 0; l = claims->lines[l - 1].next) {
        const struct claim_line *line = &claims->lines[l - 1];
        int64_t units = wanted == LAPSED_UNITS ? line->lapsed : 0;
        for (unsigned rest = wanted & ~LAPSED_UNITS; rest != 0; rest &= rest - 1)
            units += line->units[__builtin_ctz(rest)];
        if (units == 0)
            continue;
        const struct cell *cell = &ledger->cells[line->cell];
        struct draft *draft = judge_draft_of(judge, cell->item, cell->location, LINE_NONE);
        draft->claim_line = l - 1;
        draft->condition = CONDITION_SELLABLE;
        draft->asked = draft->asked_by[CONDITION_SELLABLE] = units;
    }
    return judge_precondition(judge);
}

bool judge_document_lines(struct judge *judge, enum document_kind kind, uint32_t document)
{
    const struct ledger *ledger = judge->ledger;
    const struct document_line *lines = ledger->document_lines.entries;
    for (uint32_t l = ledger->documents[kind].entries[document].first_line; l != 0; l = lines[l - 1].next) {
        const struct cell *cell = &ledger->cells[lines[l - 1].cell];
        /* As many as a command had, at most: where a hold for later adds its own, nobody but the hold changes them. */
        struct draft *draft = judge_draft_of(judge, cell->item, cell->location, LINE_NONE);
        draft->condition = CONDITION_SELLABLE;
        draft->asked = draft->asked_by[CONDITION_SELLABLE] = lines[l - 1].units;
    }
    return judge_precondition(judge);
}

/* ---- events ---- */

struct event *judge_event(struct judge *judge, enum event_type type)
{
    struct decision *decision = judge->decision;
    CHECK(decision->event_count < DECISION_EVENTS_MAX);
    struct event *event = &decision->events[decision->event_count];
    event_reset(event, decision->first_seq + decision->event_count);
    event->type = type;
    decision->event_count++;
    return event;
}

/* The item's account after the events of this decision so far. */
static int64_t account_before(const struct judge *judge, const struct event *event)
{
    const struct ledger *ledger = judge->ledger;
    for (const struct event *earlier = event; earlier-- > judge->decision->events;) {
        if (earlier->item == event->item && earlier->account == event->account)
            return earlier->account_units;
    }
    return event->item < ledger->names[NAME_ITEM].count ? ledger->items[event->item].accounts[event->account] : 0;
}

struct event *judge_follow(struct judge *judge, const struct event *event, enum event_type type, int64_t quantity)
{
    struct event *next = judge_event(judge, type);
    next->item = event->item;
    next->location = event->location;
    next->scale = event->scale;
    next->hints.cell = event->hints.cell;
    next->figures = event->figures;
    next->low = event->low;
    next->version = judge->decision->events[next->seq - judge->decision->first_seq - 1].version + 1;
    next->previous_seq = next->seq - 1;
    next->quantity = quantity;
    return next;
}

/* The quota of the event's channel after it, and no quota at all where nothing changes. */
static void finish_quota(const struct judge *judge, const struct draft *draft, struct event *event)
{
    if (event->quota_delta == 0 && event->type != EVENT_ALLOCATE) {
        event->channel_number = NUMBER_NONE;
        return;
    }
    const struct quota *quota = quota_find(judge->ledger, draft->cell, event->channel_number);
    event->quota = (quota == NULL ? 0 : quota->units) + event->quota_delta;
    CHECK(quantity_in_range(event->quota)); /* decide_allocate leaves room for what comes back */
}

/* How far above its reorder point a cell is no longer low: a tenth of it, so that it does not flicker. */
static int64_t hysteresis(int64_t reorder_point)
{
    return max_i64(1, (reorder_point + 9) / 10);
}

/* Low from the reorder point down, until clearly above it. */
static bool is_low(const struct figures *figures, int64_t available, bool was_low)
{
    int64_t point = figures->units[FIGURE_REORDER_POINT];
    return point > 0 && (available <= point || (was_low && available < point + hysteresis(point)));
}

/* Events of thresholds that this event has crossed; every change of a cell comes by here, so no path is silent. */
static void follow_thresholds(struct judge *judge, struct event *event, int64_t before, int64_t available, bool was_low,
                              bool in_bin)
{
    if (event->low && !was_low)
        (void)judge_follow(judge, event, EVENT_LOW_STOCK, available);
    if (in_bin)
        return; /* it may need to be filled, but its node says what is to be had */
    if (before > 0 && available <= 0)
        (void)judge_follow(judge, event, EVENT_OUT_OF_STOCK, available);
    if (before <= 0 && available > 0 && event->version > 1)
        (void)judge_follow(judge, event, EVENT_BACK_IN_STOCK, available);
}

/* A cell as the decision has left it so far. */
struct cell_before {
    struct figures figures;
    uint64_t version, seq;
    bool low;
};

static struct cell_before cell_before(const struct judge *judge, const struct draft *draft)
{
    const struct ledger *ledger = judge->ledger;
    if (draft->last_event != 0) {
        const struct event *earlier = &judge->decision->events[draft->last_event - 1];
        return (struct cell_before){earlier->figures, earlier->version, earlier->seq, earlier->low};
    }
    if (draft->cell == NUMBER_NONE)
        return (struct cell_before){{{0}}, 0, 0, false};
    const struct cell_extra *extra = cell_extra(ledger, draft->cell);
    return (struct cell_before){cell_figures(ledger, draft->cell), ledger->cells[draft->cell].version,
                                ledger->cells[draft->cell].last_seq, extra != NULL && extra->low};
}

static inline bool figures_after(struct judge *judge, struct draft *draft, struct event *event,
                                 const struct cell_before *before)
{
    event->item = draft->item;
    event->location = draft->location;
    event->scale = draft->scale;
    event->hints.cell = draft->cell == NUMBER_NONE ? 0 : draft->cell + 1;
    event->figures = before->figures;
    event->version = before->version + 1;
    event->previous_seq = before->seq;
    for (unsigned changed = figures_bits(&event->delta); changed != 0; changed &= changed - 1) {
        unsigned i = (unsigned)__builtin_ctz(changed);
        int64_t after = before->figures.units[i] + event->delta.units[i]; /* both within 2^53: fits */
        CHECK(quantity_in_range(event->delta.units[i])); /* judge_lines and emit_arrival saw to it */
        if (!quantity_in_range(after))
            return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                                 "a figure of the cell would leave the range of 2^53-1 base units");
        event->figures.units[i] = after;
    }
    if (UNLIKELY(draft->in_bins != 0) && !bins_tell(judge, draft, event))
        return false;
    /* Every figure of API.md section 2 that is a sum; `oversold` is in range when `available` is. */
    int64_t on_hand = figures_on_hand(&event->figures);
    int64_t unavailable = on_hand - event->figures.units[CONDITION_SELLABLE];
    int64_t available = figures_available(&event->figures);
    if (!quantity_in_range(on_hand) || !quantity_in_range(unavailable) ||
        !quantity_in_range(figures_reserved(&event->figures)) || !quantity_in_range(available) ||
        (UNLIKELY(event->figures.units[FIGURE_IN_BINS] != 0) &&
         !quantity_in_range(available + figures_reserved(&event->figures)))) /* giving back leads no further */
        return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                             "a sum of the cell's figures would leave the range of 2^53-1 base units");
    event->low = is_low(&event->figures, available, before->low);
    if (event->channel_number != NUMBER_NONE)
        finish_quota(judge, draft, event);
    if (event->account != ACCOUNT_NONE) {
        event->account_units += account_before(judge, event);
        if (!quantity_in_range(event->account_units))
            return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                                 "what went to or came from outside would leave the range of 2^53-1 base units");
    }
    draft->last_event = judge->decision->event_count;
    return true;
}

bool judge_figures(struct judge *judge, struct draft *draft, struct event *event)
{
    const struct cell_before before = cell_before(judge, draft);
    return figures_after(judge, draft, event, &before);
}

bool judge_cell(struct judge *judge, struct draft *draft, struct event *event, enum discrepancy why,
                int64_t discrepancy_units)
{
    const struct cell_before before = cell_before(judge, draft);
    if (!figures_after(judge, draft, event, &before))
        return false;
    /* What crosses a threshold and comes back with a correction has crossed nothing. */
    if (UNLIKELY(judge->late_us != INT64_MAX) && draft->cell != NUMBER_NONE) {
        if (!counts_correct(judge, draft, event))
            return false;
        for (struct event *last = &judge->decision->events[draft->last_event - 1]; event != last; event++)
            event->low = before.low;
        event->low = is_low(&event->figures, figures_available(&event->figures), before.low);
    }
    int64_t available = figures_available(&event->figures);
    if (discrepancy_units > 0)
        judge_follow(judge, event, EVENT_DISCREPANCY, discrepancy_units)->discrepancy = why;
    for (unsigned i = 0; i < CONDITION_COUNT; i++) {
        if (event->figures.units[i] < 0 && event->figures.units[i] < before.figures.units[i]) {
            struct event *next = judge_follow(judge, event, EVENT_DISCREPANCY, -event->figures.units[i]);
            next->discrepancy = DISCREPANCY_BELOW_ZERO;
            next->condition = (enum condition)i;
        }
    }
    if (figures_oversold(&event->figures) > figures_oversold(&before.figures) && !draft->in_bin)
        judge_follow(judge, event, EVENT_OVERSOLD, figures_oversold(&event->figures));
    follow_thresholds(judge, event, figures_available(&before.figures), available, before.low, draft->in_bin);
    draft->last_event = judge->decision->event_count;
    return true;
}

void judge_begins(struct judge *judge, struct event *event)
{
    int64_t available = figures_available(&event->figures);
    if (figures_oversold(&event->figures) > 0)
        (void)judge_follow(judge, event, EVENT_OVERSOLD, figures_oversold(&event->figures));
    if (available > 0 && event->version > 1)
        (void)judge_follow(judge, event, EVENT_BACK_IN_STOCK, available);
}

/* ---- deciding ---- */

const struct unread *ledger_unread(const struct ledger *ledger)
{
    return ledger->unread;
}

void decision_begin(struct judge *judge, enum command_kind kind)
{
    struct decision *decision = judge->decision;
    decision_reset(decision);
    decision->kind = kind;
    decision->recorded_at_us = judge->now_us;
    decision->occurred_at_us = judge->now_us;
    decision->first_seq = judge->ledger->last_seq + 1;
}

/* Who decides a kind; NULL for the ledger's and the engine's own. */
static void (*const rules[KIND_COUNT])(struct judge *judge) = {
    [KIND_RECEIVE] = decide_movement,    [KIND_SALE] = decide_movement,     [KIND_SHIP] = decide_movement,
    [KIND_RETURN] = decide_movement,     [KIND_ADJUST] = decide_movement,   [KIND_RECLASSIFY] = decide_movement,
    [KIND_TRANSFER] = decide_movement,   [KIND_HOLD] = decide_hold,         [KIND_EXTEND] = decide_extend,
    [KIND_COMMIT] = decide_commit,       [KIND_RELEASE] = decide_release,   [KIND_PUT_ITEM] = decide_config,
    [KIND_SETTINGS] = decide_config,     [KIND_AMEND] = decide_amend,       [KIND_REASSIGN] = decide_reassign,
    [KIND_PICK] = decide_picking,        [KIND_UNPICK] = decide_picking,    [KIND_SET_POLICY] = decide_policy,
    [KIND_SET_CHANNEL] = decide_channel, [KIND_PUT_CHANNEL] = decide_channel, [KIND_ALLOCATE] = decide_allocate,
    [KIND_TRANSFER_OUT] = decide_transit, [KIND_TRANSFER_IN] = decide_transit, [KIND_TRANSFER_LOSS] = decide_transit,
    [KIND_EXPECT] = decide_expected,     [KIND_REDATE] = decide_expected,
    [KIND_CANCEL_EXPECTED] = decide_expected,
    [KIND_PUT_LOCATION] = decide_config, [KIND_PUT_SOURCE] = decide_config, [KIND_DELETE_ITEM] = decide_config,
    [KIND_DELETE_LOCATION] = decide_config, [KIND_DELETE_SOURCE] = decide_config,
    [KIND_DELETE_CHANNEL] = decide_delete_channel, [KIND_STOCK_COUNT] = decide_count,
    [KIND_RESOLVE] = decide_resolve, [KIND_SNAPSHOT] = decide_snapshot,
    [KIND_REVERSE] = decide_reverse, [KIND_CLOSE_PERIOD] = decide_period,
};

/* Question 2, the lines: a quantity below zero would turn a rule into its opposite. */
static bool judge_line_form(struct judge *judge, uint32_t index)
{
    const struct command *command = judge->command;
    const struct command_line *line = &command->lines[index];
    /* What is re-dated is all that is open in the cell: the quantity is not looked at. */
    bool zero_is_wrong = line->quantity.digits == 0 && command->kind != KIND_AMEND && command->kind != KIND_REDATE &&
                         command->kind != KIND_STOCK_COUNT && command->kind != KIND_SNAPSHOT;
    if (zero_is_wrong || (line->quantity.digits < 0 && command->kind != KIND_ADJUST))
        return judge_invalid(judge, CODE_bad_value, index, "quantity",
                             command->kind == KIND_ADJUST ? "zero adjusts nothing"
                             : command->kind == KIND_AMEND || command->kind == KIND_STOCK_COUNT ||
                                     command->kind == KIND_SNAPSHOT
                                 ? "must not be below 0"
                                 : "must be above 0");
    if (line->location.length == 0 && (command->kind != KIND_HOLD || !judge->request || line->precondition.present != 0))
        return judge_invalid(judge, CODE_missing_field, index, "location", "the kind needs it");
    /* Claims are on sellable goods, and those are what is shipped; a reclassification says its condition in `from`. */
    enum condition only = command->kind == KIND_RECLASSIFY ? command->from : CONDITION_SELLABLE;
    bool any = command->kind == KIND_RECEIVE || command->kind == KIND_SALE || command->kind == KIND_RETURN ||
               command->kind == KIND_ADJUST || command->kind == KIND_TRANSFER ||
               command->kind == KIND_TRANSFER_IN || command->kind == KIND_STOCK_COUNT || command->kind == KIND_SNAPSHOT;
    if (!any && line->condition != CONDITION_NONE && line->condition != only)
        return judge_invalid(judge, CODE_bad_value, index, "condition", "not a condition this kind moves");
    return true;
}

/* Which kinds need which fields, as bits of kinds. */
_Static_assert(KIND_COUNT <= 64, "a bit for each kind");
#define FOR_CLAIMS                                                                                                     \
    (UINT64_C(1) << KIND_HOLD | UINT64_C(1) << KIND_EXTEND | UINT64_C(1) << KIND_COMMIT | UINT64_C(1) << KIND_RELEASE |  \
     UINT64_C(1) << KIND_AMEND | UINT64_C(1) << KIND_REASSIGN | UINT64_C(1) << KIND_PICK | UINT64_C(1) << KIND_UNPICK)
/* Kinds of what is said of the stock, of what was said, and of times. */
#define SAID                                                                                                           \
    (UINT64_C(1) << KIND_STOCK_COUNT | UINT64_C(1) << KIND_SNAPSHOT | UINT64_C(1) << KIND_RESOLVE |                    \
     UINT64_C(1) << KIND_REVERSE | UINT64_C(1) << KIND_CLOSE_PERIOD)
#define FOR_TRANSFERS                                                                                                  \
    (UINT64_C(1) << KIND_TRANSFER_OUT | UINT64_C(1) << KIND_TRANSFER_IN | UINT64_C(1) << KIND_TRANSFER_LOSS)
#define FOR_EXPECTATIONS                                                                                               \
    (UINT64_C(1) << KIND_EXPECT | UINT64_C(1) << KIND_REDATE | UINT64_C(1) << KIND_CANCEL_EXPECTED)
#define FOR_ITEMS     (UINT64_C(1) << KIND_PUT_ITEM | UINT64_C(1) << KIND_DELETE_ITEM)
#define FOR_LOCATIONS (UINT64_C(1) << KIND_PUT_LOCATION | UINT64_C(1) << KIND_DELETE_LOCATION)
#define FOR_SOURCES   (UINT64_C(1) << KIND_PUT_SOURCE | UINT64_C(1) << KIND_DELETE_SOURCE)
#define FOR_CELLS    (UINT64_C(1) << KIND_SET_POLICY | UINT64_C(1) << KIND_ALLOCATE)
#define FOR_CHANNELS (UINT64_C(1) << KIND_SET_CHANNEL | UINT64_C(1) << KIND_PUT_CHANNEL | UINT64_C(1) << KIND_ALLOCATE |  \
     UINT64_C(1) << KIND_DELETE_CHANNEL)

static bool needs(enum command_kind kind, uint64_t kinds)
{
    return (kinds >> kind & 1) != 0;
}

#define MOMENT_FIRST_US INT64_C(-62167219200000000) /* 0000-01-01 */
#define MOMENT_LAST_US  INT64_C(253402300799999999) /* the end of 9999-12-31 */
#define DAY_US          (INT64_C(24) * 60 * 60 * 1000000)

bool judge_moment(struct judge *judge, struct moment moment, const char *field)
{
    if (moment.us < MOMENT_FIRST_US || moment.us > MOMENT_LAST_US)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, field, "not in the years 0000 to 9999");
    if (moment.form == MOMENT_DAY && moment.us % DAY_US != 0)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, field, "a day is given by its midnight in UTC");
    return true;
}

/* Policies and limits are counts of something. */
static bool judge_not_negative(struct judge *judge)
{
    const struct command *command = judge->command;
    if (LIKELY(!(command->safety_stock.present | command->backorder_limit.present | command->reorder_point.present |
                 command->buffer.present | command->cap.present | command->to.present)))
        return true;
    const struct {
        const struct optional_decimal *value;
        const char *field;
    } rows[] = {{&command->safety_stock, "safety_stock"},   {&command->backorder_limit, "backorder_limit"},
                {&command->reorder_point, "reorder_point"}, {&command->buffer, "buffer"},
                {&command->cap, "cap"},                     {&command->to, "to"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value->present && rows[i].value->value.digits < 0)
            return judge_invalid(judge, CODE_bad_value, LINE_NONE, rows[i].field, "must not be below 0");
    }
    return true;
}

/* What it has seen, in one way; a report says nothing of that, and goes without what speaks of it. */
static bool says_seen(const struct command *command)
{
    if (command->report)
        return !command->has_position && command->contains == CONTAINS_DEFAULT && !text_present(command->set);
    return command->has_position != (command->occurred_at_us != TIME_NONE);
}

/* Question 2 of those kinds. */
static NEVER_INLINE bool judge_said(struct judge *judge)
{
    const struct command *command = judge->command;
    const char *missing = NULL;
    if (command->kind == KIND_STOCK_COUNT && command->occurred_at_us == TIME_NONE)
        missing = "counted_to";
    if (command->kind == KIND_SNAPSHOT && !says_seen(command))
        missing = "seen";
    if (command->last && command->set.length == 0)
        missing = "set";
    if (command->kind == KIND_RESOLVE && command->verdict == VERDICT_NONE)
        missing = "verdict";
    if (command->kind == KIND_RESOLVE && command->review == 0)
        missing = "review";
    if (command->kind == KIND_REVERSE && (command->of_source.length == 0 || command->of_id.length == 0))
        missing = "of";
    if (command->kind == KIND_CLOSE_PERIOD && command->at.form != MOMENT_INSTANT)
        missing = "until";
    if (missing != NULL)
        return judge_invalid(judge, CODE_missing_field, LINE_NONE, missing, "the kind needs it");
    if (command->kind == KIND_STOCK_COUNT && command->counted_from_us != TIME_NONE &&
        command->counted_from_us > command->occurred_at_us)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "counted_from", "must not be after counted_to");
    /* With a time of its own it might be held, and a review reads another decision. */
    if (command->kind == KIND_REVERSE && command->occurred_at_us != TIME_NONE)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "occurred_at", "it occurs when what it reverses did");
    if (command->kind == KIND_CLOSE_PERIOD && command->occurred_at_us != TIME_NONE)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "occurred_at", "it occurs now");
    return true;
}

/*
 * Question 2. The canonical form bounds memory and numbers only, and a command can come from a log that others write:
 * what the rules rely on is made sure of here.
 */
static bool judge_form(struct judge *judge)
{
    const struct command *command = judge->command;
    if (command->kind >= KIND_COUNT || rules[command->kind] == NULL)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "kind", "not for sources to send");
    const char *missing = NULL;
    if (needs(command->kind, FOR_CLAIMS) && command->hold.length == 0)
        missing = "hold";
    if (needs(command->kind, UINT64_C(1) << KIND_TRANSFER | UINT64_C(1) << KIND_TRANSFER_OUT |
                                 UINT64_C(1) << KIND_REASSIGN) &&
        command->to_location.length == 0)
        missing = "to";
    if (needs(command->kind, FOR_ITEMS | FOR_CELLS) && command->item.length == 0)
        missing = "item";
    if (needs(command->kind, FOR_LOCATIONS | FOR_CELLS) && command->location.length == 0)
        missing = "location";
    if (needs(command->kind, FOR_CHANNELS) && command->channel.length == 0)
        missing = "channel";
    if (command->kind == KIND_ALLOCATE && command->to.present == command->add.present)
        missing = "to";
    if (needs(command->kind, FOR_SOURCES) && command->source_name.length == 0)
        missing = "source";
    if (command->kind == KIND_RECLASSIFY && command->to_condition >= CONDITION_COUNT)
        missing = "to";
    if (command->kind == KIND_RECLASSIFY && command->from >= CONDITION_COUNT)
        missing = "from";
    if (needs(command->kind, FOR_TRANSFERS) && command->transfer.length == 0)
        missing = "transfer";
    if (needs(command->kind, UINT64_C(1) << KIND_EXPECT | UINT64_C(1) << KIND_REDATE) &&
        command->due.form == MOMENT_ABSENT)
        missing = "due";
    if (command->kind == KIND_EXPECT && command->direction == DIRECTION_NONE)
        missing = "direction";
    if (needs(command->kind, FOR_EXPECTATIONS) && command->expectation.length == 0)
        missing = "expectation";
    if (missing != NULL)
        return judge_invalid(judge, CODE_missing_field, LINE_NONE, missing, "the kind needs it");
    if (needs(command->kind, SAID) && !judge_said(judge))
        return false;
    if (!judge_moment(judge, command->due, "due") || !judge_moment(judge, command->at, "at"))
        return false;
    if (command->has_seq && command->seq == 0)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "seq", "counts from 1");
    for (uint32_t i = 0; i < command->line_count; i++) {
        if (!judge_line_form(judge, i))
            return false;
    }
    return judge_not_negative(judge);
}

/* Question 3: what can be said before looking at the lines. */
static bool judge_order(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    const struct decision *decision = judge->decision;
    if (command->has_seq && decision->source < ledger->names[NAME_SOURCE].count &&
        command->seq <= ledger->sources[decision->source].seq_mark)
        return judge_refuse(judge, CODE_seq_passed, TEXT_NONE, constant("/seq"));
    if (command->not_after_us != TIME_NONE && command->not_after_us < judge->now_us)
        return judge_refuse(judge, CODE_expired_command, TEXT_NONE, constant("/not_after"));
    if (judge->request || command->occurred_at_us == TIME_NONE)
        return true;
    if (command->kind == KIND_SNAPSHOT && command->report)
        return true; /* it books nothing, however old */
    if (!command->has_seq && command->occurred_at_us < judge->now_us - ledger->id_window_ms * 1000)
        return judge_review(judge, BRAKE_TOO_LATE);
    int64_t age_limit_ms = judge->source == NULL ? 0 : judge->source->age_limit_ms;
    if (age_limit_ms != 0 && command->occurred_at_us < judge->now_us - age_limit_ms * 1000)
        return judge_review(judge, BRAKE_AGE_LIMIT);
    return true;
}

/* The same for what is kept of statements, and of what was held. */
static NEVER_INLINE bool judge_room_said(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct decision *decision = judge->decision;
    if (!reviews_room(ledger, decision))
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of reviews is full: resolve some, or raise --reviews-max");
    if (!statements_room(ledger, decision))
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of what sources said is full: raise --statements-max");
    if (!marks_room(ledger, decision))
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL, "the table of counts is full: raise --counts-max");
    return true;
}

/* Question 5, after the rule has said what it needs: a decision that would not fit is not made. */
static bool judge_room(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct decision *decision = judge->decision;
    if (text_present(decision->id) && !judge->command->dry_run && !ids_room(ledger, judge->now_us))
        return judge_invalid(judge, CODE_id_table_full, LINE_NONE, NULL,
                             "every remembered id is inside the window: raise --id-capacity or shorten --id-window");
    uint32_t new_cells = 0;
    for (uint32_t i = 0; i < decision->event_count; i++)
        new_cells += decision->events[i].location != NUMBER_NONE && decision->events[i].version == 1;
    if (new_cells > ledger->limits.cell_count_max - ledger->cell_count)
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of cells is full: raise --cells-max");
    if (judge->new_quota && ledger->quota_count == ledger->limits.quota_count_max)
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of quotas is full: raise --quotas-max");
    if (!offers_room(ledger, decision))
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of offers (items x channels) is full: raise --offers-max");
    /* What a claim has already needs no room: a full table never stops a release or a shipment. */
    if (judge->new_claim_lines != 0 && !claims_room(ledger, judge->now_us, judge->new_claim, judge->new_claim_lines))
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "the table of holds is full: raise --holds-max or --hold-lines-max");
    if (judge->documents && documents_room(ledger, decision) != NULL)
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             "a table of transfers or expectations is full: raise --transfers-max, --expectations-max "
                             "or --document-lines-max");
    if (UNLIKELY(judge->states) && !judge_room_said(judge))
        return false;
    enum configs_lack lack =
        decision->events[0].type == EVENT_CONFIG ? configs_overflow(ledger, decision) : CONFIGS_FIT;
    if (lack != CONFIGS_FIT)
        return judge_invalid(judge, CODE_limit_reached, LINE_NONE, NULL,
                             lack == CONFIGS_LACK_ALIASES ? "the table of aliases is full: raise --aliases-max"
                             : lack == CONFIGS_LACK_PARTS ? "the table of components is full: raise --parts-max"
                                                          : "the memory for configuration is full: raise --config-mib");
    return true;
}

/* What the command's source asks of it. */
static bool judge_source(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t number = judge->decision->source;
    if (number >= ledger->names[NAME_SOURCE].count)
        return true;
    const struct source *source = &ledger->sources[number];
    judge->source = source;
    judge->strict = judge->strict || source->strict;
    if (source->ordered && !command->has_seq)
        return judge_invalid(judge, CODE_missing_field, LINE_NONE, "seq", "the source is ordered: it numbers its commands");
    return true;
}

void judge_times(struct judge *judge)
{
    const struct command *command = judge->command;
    struct decision *decision = judge->decision;
    if (command->occurred_at_us == TIME_NONE)
        return;
    decision->clock_skew = command->occurred_at_us > judge->now_us + CLOCK_SKEW_MAX_US;
    decision->occurred_at_us = decision->clock_skew ? judge->now_us : command->occurred_at_us;
    /* Of counts whose windows end together, the one recorded last is the last. */
    if (decision->occurred_at_us < judge->now_us)
        judge->late_us =
            decision->occurred_at_us + (command->kind == KIND_STOCK_COUNT || command->kind == KIND_SNAPSHOT);
}

void judge_rule(struct judge *judge)
{
    rules[judge->command->kind](judge);
}

void ledger_decide(const struct ledger *ledger, const struct command *command, int64_t now_us,
                   struct decision *out_decision, struct verdict *out_verdict)
{
    CHECK(now_us >= ledger->now_us);
    *out_verdict = (struct verdict){OUTCOME_DECIDED, CODE_none, LINE_NONE, NULL, NULL, 0};
    if (command->dry_run)
        out_verdict->outcome = OUTCOME_DRY;
    struct judge judge = {
        .ledger = ledger,
        .command = command,
        .now_us = now_us,
        .strict = ledger->strict,
        .hinted = command->hints.ready && command->hints.retired == ledger->retired_count,
        .request = command->guard == GUARD_DEFAULT ? kind_is_request(command->kind) : command->guard == GUARD_ON,
        .channel = NUMBER_NONE,
        .promised = NUMBER_NONE,
        .late_us = INT64_MAX,
        .decision = out_decision,
        .verdict = out_verdict,
    };
    decision_begin(&judge, command->kind);
    out_decision->id = command->id;
    out_decision->fingerprint = command->fingerprint;
    if (text_present(command->id) && !command->dry_run) {
        out_decision->has_id_hash = true;
        out_decision->id_hash = command->hints.ready ? command->hints.id : id_hash(ledger, command->source, command->id);
        const struct id_entry *entry = id_find(ledger, out_decision->id_hash);
        if (entry != NULL && entry->fingerprint != command->fingerprint) {
            (void)judge_invalid(&judge, CODE_id_reused, LINE_NONE, "id", "a different command had this id");
            return;
        }
        if (entry != NULL) {
            *out_verdict = (struct verdict){OUTCOME_DUPLICATE, CODE_none, LINE_NONE, NULL, NULL, id_last_seq(entry)};
            return;
        }
    }
    out_decision->forced = command->guard == GUARD_OFF;
    out_decision->has_seq = command->has_seq;
    out_decision->source_seq = command->seq;
    out_decision->actor = command->actor;
    out_decision->reason = command->reason;
    out_decision->document = command->document;
    out_decision->document_line = command->document_line;
    out_decision->channel = command->channel;
    out_decision->meta = command->meta;
    if (command->occurred_at_us != TIME_NONE)
        judge_times(&judge);
    if (!judge_form(&judge))
        return;
    out_decision->source = judge.hinted && command->hints.source != NUMBER_NONE
                               ? command->hints.source
                               : judge_name(&judge, NAME_SOURCE, command->source);
    if (out_decision->source == NUMBER_NONE || !judge_source(&judge) || !judge_order(&judge)) {
        if (out_verdict->outcome != OUTCOME_INVALID)
            (void)judge_room(&judge);
        return;
    }
    judge_rule(&judge);
    bool unread = !judge.objected && judge.unread;
    if (UNLIKELY(unread && command->reading != NULL && command->reading->expired)) {
        (void)judge_invalid(&judge, CODE_history_expired, LINE_NONE, NULL, NULL);
        return;
    }
    if (unread) {
        *out_verdict = (struct verdict){.outcome = OUTCOME_UNREAD, .line = LINE_NONE};
        return;
    }
    if (UNLIKELY(decision_occurred_us(out_decision) < ledger->closed_us))
        period_book(&judge);
    if (out_verdict->outcome != OUTCOME_INVALID)
        (void)judge_room(&judge);
}
