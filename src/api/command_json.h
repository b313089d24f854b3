/*
 * Commands in JSON (API.md sections 1 and 3) to struct command.
 *
 * A field that the kind does not have, a kind that the server does not have, a value of the wrong form: each is refused
 * and named, never ignored. Members are looked at in the order they came; the first error wins, a missing field
 * is found last. Pure, no allocation, any thread.
 *
 * One meaning gives one command: a single line at the top level and `lines` with one element are the same;
 * a command's `if` belongs to its line when it has one line only.
 */
#ifndef ONHAND_API_COMMAND_JSON_H
#define ONHAND_API_COMMAND_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "api/json.h"
#include "base/epochs.h"
#include "ledger/code.h"
#include "ledger/command.h"

#define EXPIRES_IN_SECONDS_MAX INT64_C(315576000) /* ten years of 365.25 days: longer is a slip of the keyboard */

#define PRIORITY_MAX           (INT64_C(1) << 31) /* of a claim or a channel; 1 comes first */

/* Room for what a command borrows, about 150 KiB: caller's memory, reused command after command. */
struct command_room {
    struct command_line lines[COMMAND_LINES_MAX];
    char meta[META_BYTES_MAX];
    uint8_t places[COMMAND_PLACES_BYTES];
    /* The moment of a local time (given as if it were UTC) by the source's zone; false when it has none. May be NULL. */
    bool (*to_utc)(void *context, struct text source, int64_t local_us, int64_t *out_utc_us);
    void *context;
    const struct epochs *epochs; /* of the journal, for positions that name something; may be NULL */
};

struct command_error {
    enum code code;    /* a 422 code of ledger/code.h */
    int32_t line;      /* index into `lines` where the error is in one, else -1 */
    char field[192];   /* JSON Pointer (RFC 6901) from the command: "/lines/3/quantity"; UTF-8, ends in NUL */
    char detail[512];  /* a clause for people: "is -1, but must be above 0"; UTF-8, ends in NUL */
};

/*
 * The command in nodes[root]. Its texts borrow the nodes' texts (see json_parse) and `room`. False with *out_error
 * when it is not a command; *out_command is then not usable. occurred_at may lie in the future: the clock is not asked.
 */
MUST_USE bool command_from_json(const struct json_node *nodes, uint32_t root, struct command_room *room,
                                struct command *out_command, struct command_error *out_error);

#endif
