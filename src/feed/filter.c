#include "feed/filter.h"

#include <stdlib.h>

#define TREE_LOOKS_MAX 4096 /* steps of one read: some 50 us */

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
    filter->values[filter->count].item = NUMBER_NONE;
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

/* ---- the tree of locations ---- */

static bool has_bit(const uint64_t *bits, uint32_t number)
{
    return (bits[number / 64] >> number % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, uint32_t number)
{
    bits[number / 64] |= UINT64_C(1) << number % 64;
}

bool filter_names_wanted(const struct filter *filter)
{
    bool any = false;
    for (uint32_t i = 0; i < filter->count; i++)
        any = any || filter->values[i].field == FILTER_LOCATION ||
              (filter->values[i].field == FILTER_ITEM && !filter->values[i].prefix);
    return !filter->tree.over && any;
}

/* Merged names. There are FILTER_VALUES_MAX at most. */
static void read_items(const struct ledger *ledger, struct filter *filter)
{
    for (uint32_t i = 0; i < filter->count; i++) {
        struct text name = text_of(filter->values[i].bytes, filter->values[i].length);
        if (filter->values[i].field == FILTER_ITEM && !filter->values[i].prefix)
            filter->values[i].item = ledger_item_find(ledger, name);
    }
}

/* The next location among the values from *at on that there is, NUMBER_NONE for none. */
static uint32_t next_wanted(const struct ledger *ledger, const struct filter *filter, uint32_t *at)
{
    while (*at < filter->count) {
        uint32_t i = (*at)++;
        if (filter->values[i].field != FILTER_LOCATION)
            continue;
        struct text name = text_of(filter->values[i].bytes, filter->values[i].length);
        uint32_t number = ledger_number(ledger, NAME_LOCATION, name);
        if (number != NUMBER_NONE)
            return number;
    }
    return NUMBER_NONE;
}

/* How many locations there are to be looked at: none when nothing is below those asked for. */
static void tree_measure(const struct ledger *ledger, struct filter *filter)
{
    bool any = false;
    uint32_t at = 0;
    for (uint32_t number; (number = next_wanted(ledger, filter, &at)) != NUMBER_NONE;)
        any = any || ledger_location_has_children(ledger, number);
    filter->tree.count = any ? ledger_name_count(ledger, NAME_LOCATION) : 0;
    filter->tree.over = !any;
}

/* Upwards to the first that is known, and down again: each location is gone through twice in all. Returns the steps. */
static uint32_t tree_climb(const struct ledger *ledger, struct filter *filter, uint32_t location)
{
    uint64_t *known = filter->tree.known;
    uint32_t count = filter->tree.count;
    uint32_t steps = 1;
    uint32_t top = location;
    for (; top != NUMBER_NONE && (top >= count || !has_bit(known, top)); steps++)
        top = ledger_location_parent(ledger, top);
    bool within = top != NUMBER_NONE && has_bit(filter->tree.within, top);
    for (; location != top; location = ledger_location_parent(ledger, location)) {
        if (location >= count)
            continue; /* came to be meanwhile */
        set_bit(known, location);
        if (within)
            set_bit(filter->tree.within, location);
    }
    return steps;
}

void filter_names_read(const struct ledger *ledger, struct filter *filter)
{
    if (filter->tree.within == NULL) {
        read_items(ledger, filter);
        tree_measure(ledger, filter);
        return;
    }
    uint32_t at = 0;
    for (uint32_t number; filter->tree.next == 0 && (number = next_wanted(ledger, filter, &at)) != NUMBER_NONE;) {
        if (number >= filter->tree.count)
            continue;
        set_bit(filter->tree.known, number);
        set_bit(filter->tree.within, number);
    }
    for (uint32_t steps = 0; filter->tree.next < filter->tree.count && steps < TREE_LOOKS_MAX; filter->tree.next++)
        steps += tree_climb(ledger, filter, filter->tree.next);
    filter->tree.over = filter->tree.next == filter->tree.count;
}

bool filter_names_prepare(struct filter *filter)
{
    if (filter->tree.over) {
        free(filter->tree.known);
        filter->tree.known = NULL;
        return true;
    }
    if (filter->tree.within != NULL)
        return true;
    size_t words = ((size_t)filter->tree.count + 63) / 64;
    filter->tree.within = calloc(words, sizeof(uint64_t));
    filter->tree.known = calloc(words, sizeof(uint64_t));
    return filter->tree.within != NULL && filter->tree.known != NULL;
}

void filter_deinit(struct filter *filter)
{
    free(filter->tree.within);
    free(filter->tree.known);
    filter->tree.within = filter->tree.known = NULL;
}

static bool is_below(const struct filter *filter, uint32_t location)
{
    return filter->tree.within != NULL && location < filter->tree.count && has_bit(filter->tree.within, location);
}

/* ---- matching ---- */

/* One of those whose merged names are asked for? */
static bool is_item(const struct filter *filter, uint32_t item)
{
    uint32_t i = 0;
    while (item != NUMBER_NONE && i < filter->count && filter->values[i].item != item)
        i++;
    return item != NUMBER_NONE && i < filter->count;
}

static struct text constant(const char *string)
{
    return text_of(string, strlen(string));
}

bool filter_match_cell(const struct filter *filter, const struct ledger *ledger, uint32_t item, uint32_t location)
{
    struct text item_name = item == NUMBER_NONE ? TEXT_NONE : ledger_name(ledger, NAME_ITEM, item);
    struct text location_name = location == NUMBER_NONE ? TEXT_NONE : ledger_name(ledger, NAME_LOCATION, location);
    /* By name, too: a name that comes to be later is meant, and whatever was there under it before. */
    return (is_item(filter, item) || field_match(filter, FILTER_ITEM, item_name)) &&
           (is_below(filter, location) || field_match(filter, FILTER_LOCATION, location_name));
}

bool filter_match(const struct filter *filter, const struct ledger *ledger, const struct decision *decision,
                  const struct event *event)
{
    bool report = event->type == EVENT_REPORTED;
    if ((event->type == EVENT_REFUSED && !filter->refused) || (report && !filter->reported))
        return false;
    if (filter->count == 0)
        return true;
    if (!field_match(filter, FILTER_KIND, constant(kind_name(decision->kind))) ||
        !field_match(filter, FILTER_TYPE, constant(event_name(event->type))) ||
        !(field_match(filter, FILTER_SOURCE, ledger_name(ledger, NAME_SOURCE, decision->source)) ||
          (event_of_silence(event) &&
           field_match(filter, FILTER_SOURCE, ledger_name(ledger, NAME_SOURCE, event->silent_source)))))
        return false;
    if (filter_match_cell(filter, ledger, event->item, report ? event->other_location : event->location))
        return true;
    for (uint32_t i = 0; i < event->shortage_count; i++) {
        if (filter_match_cell(filter, ledger, event->shortages[i].item, event->shortages[i].location))
            return true;
    }
    return false;
}
