/*
 * Policy: what is never offered (safety stock), what may be promised without cover, when stock is low; what is set apart
 * for a channel; and the channels themselves. Facts: somebody has decided, the ledger records it.
 */
#include "ledger/decide.h"

/* ---- set_policy and allocate, in one cell ---- */

/* The draft of the cell that command->item and command->location name. */
static struct draft *judge_named_cell(struct judge *judge)
{
    const struct command *command = judge->command;
    bool create = !judge->request && !judge->strict;
    uint32_t item = judge_item(judge, create, command->item);
    if (item == NUMBER_NONE) {
        if (!judge->objected)
            (void)judge_refuse(judge, CODE_unknown_item, command->item, TEXT("/item"));
        return NULL;
    }
    uint32_t location = create ? judge_name(judge, NAME_LOCATION, command->location)
                               : ledger_number(judge->ledger, NAME_LOCATION, command->location);
    if (location == NUMBER_NONE) {
        if (!judge->objected)
            (void)judge_refuse(judge, CODE_unknown_location, command->location, TEXT("/location"));
        return NULL;
    }
    return judge_draft_of(judge, item, location, LINE_NONE);
}

void decide_policy(struct judge *judge)
{
    const struct command *command = judge->command;
    struct draft *draft = judge_named_cell(judge);
    if (draft == NULL || !judge_precondition(judge))
        return;
    /* A bin can be low, but nothing is promised there that could be kept back or lack cover. */
    bool of_promises = command->safety_stock.present || command->backorder_limit.present;
    if (of_promises && !judge_promises(judge))
        return;
    const struct {
        const struct optional_decimal *value;
        enum figure figure;
        const char *field;
    } rows[] = {
        {&command->safety_stock, FIGURE_SAFETY_STOCK, "safety_stock"},
        {&command->backorder_limit, FIGURE_BACKORDER_LIMIT, "backorder_limit"},
        {&command->reorder_point, FIGURE_REORDER_POINT, "reorder_point"},
    };
    struct figures before = draft_figures(judge, draft);
    struct event *event = judge_event(judge, EVENT_SET_POLICY);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t units;
        if (!rows[i].value->present)
            continue;
        if (!judge_units(judge, rows[i].value->value, draft->scale, LINE_NONE, rows[i].field, &units))
            return;
        event->delta.units[rows[i].figure] = units - before.units[rows[i].figure];
    }
    CHECK(judge_cell(judge, draft, event, DISCREPANCY_NONE, 0)); /* each value is in range, and in no sum */
}

void decide_allocate(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t channel = ledger_number(ledger, NAME_CHANNEL, command->channel);
    if (channel == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_channel, command->channel, TEXT("/channel"));
        return;
    }
    struct draft *draft = judge_named_cell(judge);
    if (draft == NULL || !judge_precondition(judge) || !judge_promises(judge))
        return;
    int64_t units;
    const struct optional_decimal *value = command->to.present ? &command->to : &command->add;
    if (!judge_units(judge, value->value, draft->scale, LINE_NONE, command->to.present ? "to" : "add", &units))
        return;
    const struct quota *quota = quota_find(ledger, draft->cell, channel);
    int64_t has = quota == NULL ? 0 : quota->units;
    int64_t after = command->to.present ? units : has + units; /* both within 2^53: fits */
    if (after < 0) {
        judge_short(judge, draft, -units, has);
        (void)judge_refuse(judge, CODE_negative_quota, command->channel, TEXT("/add"));
        return;
    }
    /* What claims have of it comes back on top of it: no more than all that is reserved here. */
    struct figures figures = draft_figures(judge, draft);
    if (after > has && !quantity_in_range(after + figures_reserved(&figures))) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "add", "the quota would leave the range of 2^53-1");
        return;
    }
    judge->new_quota = quota == NULL;
    struct event *event = judge_event(judge, EVENT_ALLOCATE);
    event->quantity = after;
    event->channel_number = channel;
    event->quota_delta = after - has;
    CHECK(judge_cell(judge, draft, event, DISCREPANCY_NONE, 0)); /* no figure changes */
}

/* ---- channels ---- */

/* Names the open claims through the channel that stand at a location it would no longer sell from. wanted: NULL when it
 * goes altogether. */
static void mention_claims(struct judge *judge, uint32_t number, const struct channel *wanted)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    struct text name = ledger_name(ledger, NAME_CHANNEL, number);
    for (uint32_t i = 0; i < claims->entry_count && ledger->channels[number].claims_live != 0; i++) {
        const struct claim *claim = &claims->entries[i];
        if (claim->number == 0 || claim_state_ended(claim->state) ||
            !text_equal(textpool_text(&claims->texts, claim->channel), name))
            continue;
        bool in_the_way = false;
        for (uint32_t l = claim->first_line; l != 0 && !in_the_way; l = claims->lines[l - 1].next) {
            const struct claim_line *line = &claims->lines[l - 1];
            uint32_t location = ledger->cells[line->cell].location;
            bool open = line->units[CLAIM_HELD] + line->units[CLAIM_COMMITTED] + line->units[CLAIM_WAITING] != 0;
            /* It stood outside before: nothing changes for it, unless the channel goes. */
            bool kept = wanted != NULL && !channel_serves(ledger, number, location);
            for (uint32_t p = 0; wanted != NULL && p < wanted->place_count && !kept; p++)
                kept = wanted->places[p] == location;
            in_the_way = open && !kept;
        }
        if (in_the_way)
            judge_mention(judge, textpool_text(&claims->texts, claim->name));
    }
}

static bool judge_places(struct judge *judge, struct channel *channel)
{
    struct text places = judge->command->places;
    struct text name;
    channel->place_count = 0;
    while (command_place_next(&places, &name)) {
        uint32_t location = judge_name(judge, NAME_LOCATION, name);
        if (location == NUMBER_NONE)
            return false;
        if (is_bin(judge->ledger, location))
            return judge_refuse(judge, CODE_no_promise, name, TEXT("/locations"));
        for (uint32_t i = 0; i < channel->place_count; i++) {
            if (channel->places[i] == location)
                return judge_invalid(judge, CODE_bad_value, LINE_NONE, "locations", "a location is named twice");
        }
        channel->places[channel->place_count++] = location;
    }
    return true;
}

static bool judge_whole(struct judge *judge, const struct optional_decimal *value, const char *field, int64_t *out_units)
{
    if (!value->present)
        return true;
    if (value->value.places != 0)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, field,
                             "must be whole for all items; set it per item for parts of a unit");
    *out_units = value->value.digits;
    return true;
}

/* An item's own buffer and cap in a channel. */
static void decide_offer(struct judge *judge, uint32_t channel)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t item = judge_item(judge, false, command->item);
    if (item == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_item, command->item, TEXT("/item"));
        return;
    }
    const struct offer *have = channel < ledger->names[NAME_CHANNEL].count ? offer_find(ledger, channel, item) : NULL;
    struct offer wanted = have == NULL ? (struct offer){0} : *have;
    uint8_t scale = ledger->items[item].scale;
    if (command->buffer.present) {
        wanted.has_buffer = true;
        if (!judge_units(judge, command->buffer.value, scale, LINE_NONE, "buffer", &wanted.buffer))
            return;
    }
    if (command->cap.present) {
        wanted.has_cap = true;
        if (!judge_units(judge, command->cap.value, scale, LINE_NONE, "cap", &wanted.cap))
            return;
    }
    struct event *event = judge_event(judge, EVENT_SET_CHANNEL);
    event->item = item;
    event->scale = scale;
    event->config_space = NAME_CHANNEL;
    event->config_number = channel;
    event->config = offer_form_write(&wanted, ledger->config_room);
}

void decide_channel(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    bool whole = command->kind == KIND_PUT_CHANNEL; /* what is left out gets its default, not its present value */
    uint32_t number = judge_name(judge, NAME_CHANNEL, command->channel);
    if (number == NUMBER_NONE)
        return;
    bool known = number < ledger->names[NAME_CHANNEL].count;
    const struct precondition *precondition = &command->precondition;
    if ((precondition->present & PRECONDITION_VERSION) &&
        precondition->version != (known ? ledger->channels[number].config_seq : 0)) {
        (void)judge_refuse(judge, CODE_precondition_failed, command->channel, TEXT("If-Match"));
        return;
    }
    if (command->item.length != 0) {
        decide_offer(judge, number);
        return;
    }
    struct channel wanted = known && !whole ? ledger->channels[number] : (struct channel){.shares_rest = true};
    if (text_present(command->places) && !judge_places(judge, &wanted))
        return;
    if (command->priority != 0)
        wanted.priority = command->priority;
    if (command->shares_rest != CHOICE_ABSENT)
        wanted.shares_rest = command->shares_rest == CHOICE_YES;
    if (!judge_whole(judge, &command->buffer, "buffer", &wanted.buffer) ||
        !judge_whole(judge, &command->cap, "cap", &wanted.cap))
        return;
    wanted.has_cap = wanted.has_cap || command->cap.present;
    if (known)
        mention_claims(judge, number, &wanted);
    if (judge->decision->mention_total != 0) {
        (void)judge_refuse(judge, CODE_claims_open, command->channel, TEXT("/locations"));
        return;
    }
    struct event *event = judge_event(judge, EVENT_SET_CHANNEL);
    event->config_space = NAME_CHANNEL;
    event->config_number = number;
    event->config = channel_form_write(&wanted, ledger->config_room);
}

/* Quotas that are left are somebody's plan: they are noted, cell by cell. */
static void note_quotas(struct judge *judge, uint32_t number)
{
    const struct ledger *ledger = judge->ledger;
    for (uint32_t q = 0; q < ledger->quota_count && judge->decision->shortage_count < COMMAND_LINES_MAX; q++) {
        const struct quota *quota = &ledger->quotas[q];
        if (quota->channel != number || quota->units == 0)
            continue;
        const struct cell *cell = &ledger->cells[quota->cell];
        const struct draft draft = {.item = cell->item, .location = cell->location, .scale = ledger->items[cell->item].scale};
        judge_short(judge, &draft, quota->units, 0);
    }
}

void decide_delete_channel(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t number = ledger_number(ledger, NAME_CHANNEL, command->channel);
    if (number == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_channel, command->channel, TEXT_NONE);
        return;
    }
    const struct precondition *precondition = &command->precondition;
    if ((precondition->present & PRECONDITION_VERSION) && precondition->version != ledger->channels[number].config_seq) {
        (void)judge_refuse(judge, CODE_precondition_failed, command->channel, TEXT("If-Match"));
        return;
    }
    mention_claims(judge, number, NULL);
    if (judge->decision->mention_total != 0) {
        (void)judge_refuse(judge, CODE_claims_open, command->channel, TEXT_NONE);
        return;
    }
    note_quotas(judge, number);
    if (!judge_shorts(judge, CODE_in_use, command->channel, TEXT_NONE))
        return;
    struct event *event = judge_event(judge, EVENT_CONFIG);
    event->config_space = NAME_CHANNEL;
    event->config_number = number;
    event->config_deleted = true;
}
