/*
 * What of the feed a reader wants. Values of one field are alternatives, fields are combined: item A or B, and location L.
 * Refused commands are seen only when asked for; a refused event matches an item or location filter by its short cells.
 */
#ifndef ONHAND_FEED_FILTER_H
#define ONHAND_FEED_FILTER_H

#include "ledger/ledger.h"

#define FILTER_VALUES_MAX 64 /* values over all fields of one filter */

enum filter_field { FILTER_ITEM, FILTER_LOCATION, FILTER_KIND, FILTER_TYPE, FILTER_SOURCE, FILTER_FIELD_COUNT };

struct filter {
    bool refused; /* refused commands too */
    uint32_t count;
    struct {
        enum filter_field field;
        bool prefix; /* item only: matches every name that begins with it */
        uint32_t length;
        char bytes[NAME_BYTES_MAX];
    } values[FILTER_VALUES_MAX];
};

enum filter_status { FILTER_OK, FILTER_TOO_MANY, FILTER_TOO_LONG, FILTER_UNKNOWN_VALUE };

/* Adds a value. An item ending in '*' is a prefix. UNKNOWN_VALUE: no such kind or type. */
MUST_USE enum filter_status filter_add(struct filter *filter, enum filter_field field, struct text value);
/* True when some value of this field is asked for. */
bool filter_has(const struct filter *filter, enum filter_field field);
/* True when nothing is filtered but refusals. */
bool filter_is_open(const struct filter *filter);
/* Does this event of this decision pass? Names come from the ledger; any thread, for durable events. */
bool filter_match(const struct filter *filter, const struct ledger *ledger, const struct decision *decision,
                  const struct event *event);
/* Does a cell pass the item and location parts? Ledger thread. */
bool filter_match_cell(const struct filter *filter, const struct ledger *ledger, uint32_t item, uint32_t location);

#endif
