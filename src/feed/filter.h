/*
 * What of the feed a reader wants. Values of one field are alternatives, fields are combined: item A or B, and location L.
 * Refused commands are seen only when asked for; a refused event matches an item or location filter by its short cells. So
 * are reports of partners, which would go back to whoever made them: they match by the cell they are of.
 *
 * A location means all below it, too. Events are matched on I/O threads, the tree of locations belongs to the ledger
 * thread: a filter therefore takes a copy of its part of the tree before it is first used, a bit for each location, and
 * keeps it. What is put into another place in the tree later matters to filters that are made then. In the same way a
 * merged name of an item also means the item that it is a name of when the filter is first used.
 */
#ifndef ONHAND_FEED_FILTER_H
#define ONHAND_FEED_FILTER_H

#include "ledger/ledger.h"

#define FILTER_VALUES_MAX 64 /* values over all fields of one filter */

enum filter_field { FILTER_ITEM, FILTER_LOCATION, FILTER_KIND, FILTER_TYPE, FILTER_SOURCE, FILTER_FIELD_COUNT };

struct filter {
    bool refused; /* refused commands too */
    bool reported; /* and what partners reported */
    struct {
        bool over;
        uint32_t count, next; /* locations that have bits; the next one to be looked at */
        uint64_t *within;     /* NULL when nothing is below those asked for */
        uint64_t *known;      /* while it is being copied: bits of `within` that are right */
    } tree;
    uint32_t count;
    struct {
        enum filter_field field;
        bool prefix; /* item only: matches every name that begins with it */
        uint32_t item; /* whose name it is, be it a merged one; NUMBER_NONE for none */
        uint32_t length;
        char bytes[NAME_BYTES_MAX];
    } values[FILTER_VALUES_MAX];
};

enum filter_status { FILTER_OK, FILTER_TOO_MANY, FILTER_TOO_LONG, FILTER_UNKNOWN_VALUE };

/* Adds a value. An item ending in '*' is a prefix. UNKNOWN_VALUE: no such kind or type. */
MUST_USE enum filter_status filter_add(struct filter *filter, enum filter_field field, struct text value);
/*
 * What its names mean. While wanted says so: filter_names_read on the ledger thread, which looks at a bounded number of
 * locations, then filter_names_prepare on the filter's own; false when memory cannot be had.
 */
bool filter_names_wanted(const struct filter *filter);
void filter_names_read(const struct ledger *ledger, struct filter *filter);
MUST_USE bool filter_names_prepare(struct filter *filter);
void filter_deinit(struct filter *filter);
/* True when some value of this field is asked for. */
bool filter_has(const struct filter *filter, enum filter_field field);
/* True when nothing is filtered but refusals and reports. */
bool filter_is_open(const struct filter *filter);
/* Does this event of this decision pass? Names come from the ledger; any thread, for durable events. */
bool filter_match(const struct filter *filter, const struct ledger *ledger, const struct decision *decision,
                  const struct event *event);
/* Does a cell pass the item and location parts? Any thread, for durable numbers; else the ledger thread. */
bool filter_match_cell(const struct filter *filter, const struct ledger *ledger, uint32_t item, uint32_t location);

#endif
