/*
 * The routes: which handler serves which call. Each handler is in the file its declaration names.
 */
#ifndef ONHAND_API_ROUTES_H
#define ONHAND_API_ROUTES_H

#include "api/connection.h"
#include "api/url.h"
#include "journal/history.h"

/* Decodes a path segment that must be a name; answers 422 naming `what` and returns false when it is none. */
MUST_USE bool route_name(struct connection *connection, struct text raw, const char *what, char *bytes,
                         struct text *out_name);

/* The value of a query parameter that may come once. */
struct parameter {
    struct text key;   /* a constant */
    struct text value; /* decoded into bytes; TEXT_NONE when absent */
    char bytes[3 * NAME_BYTES_MAX];
};
/*
 * Walks the query: known single parameters are decoded into theirs, all others are handed to `each` (may be NULL), which
 * returns false after it has answered. Unknown or repeated ones are 422 unknown_field or bad_value. False: answered.
 */
bool route_query(struct connection *connection, struct parameter *parameters, uint32_t count,
                          bool (*each)(struct connection *connection, struct text key, struct text value,
                                       bool *out_known));
/* Does the query have this parameter? */
MUST_USE bool query_has(const struct connection *connection, struct text key);
/* Checks the value of a parameter `channel` that must be there; answers and returns false when it is none. */
bool route_channel(struct connection *connection, struct text channel);
/* The axis that a parameter `axis` names, recorded when it is absent; answers and returns false when it is none. */
bool route_axis(struct connection *connection, struct text axis, enum time_axis *out_axis);
/* Whether the value of a parameter is true; it may be false or absent. Answers and returns false when it is neither. */
bool route_flag(struct connection *connection, struct text key, struct text value, bool *out_true);
/* The text as a whole number in [least, most]; false when it is none. */
MUST_USE bool parse_number(struct text text, uint64_t least, uint64_t most, uint64_t *out_number);

extern const struct handler commands_handler;   /* commands_route.c */
extern const struct handler stock_handler;      /* stock_route.c: stock, holds */
extern const struct handler config_handler;     /* config_route.c: items, locations, channels, sources */
extern const struct handler history_handler;    /* history_route.c */
extern const struct handler list_handler;       /* list_route.c: the collections */
extern const struct handler document_handler;   /* document_route.c: transfers, expectations, reviews, periods, ATP */
extern const struct handler availability_handler; /* availability_route.c */
extern const struct handler figures_handler;    /* figures_route.c */
extern const struct handler feed_handler;       /* feed_route.c */
extern const struct handler journal_handler;    /* journal_route.c */
extern const struct handler role_handler;       /* role_route.c: role fence promote */
extern const struct handler verify_handler;     /* verify_route.c */
extern const struct handler operations_handler; /* operations_route.c: livez readyz metrics openapi audit */
extern const struct handler starting_handler;   /* starting_route.c: what is asked for while the journal is read */

/* Which of its calls a handler serves: connection->call, set by the route. */
enum document_call { DOCUMENT_OF_TRANSFER, DOCUMENT_OF_EXPECTATION, DOCUMENT_ATP, DOCUMENT_OF_REVIEW, DOCUMENT_PERIODS };
enum commands_call { COMMANDS_BODY, COMMANDS_STREAM, COMMANDS_COLLECTION };
enum stock_call { STOCK_ITEM, STOCK_CELL, STOCK_HOLD };
enum config_call_kind { CONFIG_GET, CONFIG_PUT, CONFIG_DELETE };
enum list_call {
    LIST_OF_STOCK,
    LIST_OF_HOLDS,
    LIST_OF_WAITING,
    LIST_OF_ITEMS,
    LIST_OF_LOCATIONS,
    LIST_OF_CHANNELS,
    LIST_OF_SOURCES,
    LIST_OF_OFFERS,
    LIST_OF_TRANSFERS,
    LIST_OF_EXPECTATIONS,
    LIST_OF_REVIEWS,
    LIST_OF_DRIFT
}; /* at the end: cursors have the number */
enum role_call { ROLE_GET, ROLE_OF_FENCE, ROLE_OF_PROMOTE };
enum starting_call { STARTING_READY, STARTING_METRICS, STARTING_OTHER };
enum verify_call { VERIFY_LOOK, VERIFY_BEGIN };
enum operations_call { OPERATIONS_LIVE, OPERATIONS_READY, OPERATIONS_METRICS, OPERATIONS_OPENAPI, OPERATIONS_AUDIT };

#endif
