#include "feed/filter.h"

static bool is_kind(struct text value)
{
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        const char *name = kind_name((enum command_kind)kind);
        if (text_equal(text_of(name, strlen(name)), value))
            return true;
    }
    return false;
}

static bool is_type(struct text value)
{
    for (unsigned type = 0; type < EVENT_COUNT; type++) {
        const char *name = event_name((enum event_type)type);
        if (text_equal(text_of(name, strlen(name)), value))
            return true;
    }
    return false;
}

enum filter_status filter_add(struct filter *filter, enum filter_field field, struct text value)
{
    if (filter->count == FILTER_VALUES_MAX)
        return FILTER_TOO_MANY;
    bool prefix = field == FILTER_ITEM && value.length > 0 && value.bytes[value.length - 1] == '*';
    uint32_t length = prefix ? value.length - 1 : value.length;
    if (length > NAME_BYTES_MAX)
        return FILTER_TOO_LONG;
    if ((field == FILTER_KIND && !is_kind(value)) || (field == FILTER_TYPE && !is_type(value)))
        return FILTER_UNKNOWN_VALUE;
    filter->values[filter->count].field = field;
    filter->values[filter->count].prefix = prefix;
    filter->values[filter->count].length = length;
    memcpy(filter->values[filter->count].bytes, value.bytes, length);
    filter->count++;
    return FILTER_OK;
}

bool filter_has(const struct filter *filter, enum filter_field field)
{
    bool any = false;
    for (uint32_t i = 0; i < filter->count; i++)
        any = any || filter->values[i].field == field;
    return any;
}

bool filter_is_open(const struct filter *filter)
{
    return filter->count == 0;
}

/* True when the field has no value, or one of its values fits. A name that is not there fits none, "*" neither. */
static bool field_match(const struct filter *filter, enum filter_field field, struct text name)
{
    bool any = false;
    for (uint32_t i = 0; i < filter->count; i++) {
        if (filter->values[i].field != field)
            continue;
        any = true;
        uint32_t length = filter->values[i].length;
        bool fits = text_present(name) && (filter->values[i].prefix ? name.length >= length : name.length == length);
        if (fits && (length == 0 || memcmp(filter->values[i].bytes, name.bytes, length) == 0))
            return true;
    }
    return !any;
}

static struct text constant(const char *string)
{
    return text_of(string, strlen(string));
}

bool filter_match_cell(const struct filter *filter, const struct ledger *ledger, uint32_t item, uint32_t location)
{
    struct text item_name = item == NUMBER_NONE ? TEXT_NONE : ledger_name(ledger, NAME_ITEM, item);
    struct text location_name = location == NUMBER_NONE ? TEXT_NONE : ledger_name(ledger, NAME_LOCATION, location);
    return field_match(filter, FILTER_ITEM, item_name) && field_match(filter, FILTER_LOCATION, location_name);
}

bool filter_match(const struct filter *filter, const struct ledger *ledger, const struct decision *decision,
                  const struct event *event)
{
    if (event->type == EVENT_REFUSED && !filter->refused)
        return false;
    if (filter->count == 0)
        return true;
    if (!field_match(filter, FILTER_KIND, constant(kind_name(decision->kind))) ||
        !field_match(filter, FILTER_TYPE, constant(event_name(event->type))) ||
        !field_match(filter, FILTER_SOURCE, ledger_name(ledger, NAME_SOURCE, decision->source)))
        return false;
    if (filter_match_cell(filter, ledger, event->item, event->location))
        return true;
    for (uint32_t i = 0; i < event->shortage_count; i++) {
        if (filter_match_cell(filter, ledger, event->shortages[i].item, event->shortages[i].location))
            return true;
    }
    return false;
}
