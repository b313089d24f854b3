/*
 * Configuration as events: items (their scale) and the journalled settings of the ledger.
 */
#include "ledger/decide.h"

static void decide_item(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    if (command->scale > DECIMAL_PLACES_MAX) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "scale", "0 to 6");
        return;
    }
    uint32_t number = judge_name(judge, NAME_ITEM, command->item);
    if (number == NUMBER_NONE)
        return;
    const struct item blank = {{0}, 0, 0, 0, 0};
    const struct item *item = number < ledger->names[NAME_ITEM].count ? &ledger->items[number] : &blank;
    const struct precondition *wanted = &command->precondition;
    if ((wanted->present & PRECONDITION_VERSION) && wanted->version != item->config_seq) {
        (void)judge_refuse(judge, CODE_precondition_failed, command->item, TEXT("If-Match"));
        return;
    }
    if (item->first_cell != 0 && item->scale != command->scale) {
        (void)judge_refuse(judge, CODE_scale_in_use, command->item, TEXT("/scale"));
        return;
    }
    struct event *event = judge_event(judge, EVENT_CONFIG);
    event->item = number;
    event->scale = command->scale;
}

static void decide_settings(struct judge *judge)
{
    const struct command *command = judge->command;
    if (command->id_capacity > judge->ledger->limits.id_count_max || command->id_capacity == 0) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "id_capacity", "1 to the size of the id table");
        return;
    }
    if (command->id_window_ms <= 0 || command->id_window_ms > INT64_MAX / 4000) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "id_window", "more than 0");
        return;
    }
    judge->decision->id_window_ms = command->id_window_ms;
    judge->decision->id_capacity = command->id_capacity;
    judge->decision->strict = command->strict;
    (void)judge_event(judge, EVENT_CONFIG);
}

void decide_config(struct judge *judge)
{
    if (judge->command->kind == KIND_PUT_ITEM)
        decide_item(judge);
    else
        decide_settings(judge);
}
