/*
 * Bodies of configuration in JSON (API.md section 2) to commands: PUT of an item, a location, a channel or a source.
 *
 * Unknown members are refused and named, as in commands. A member that is null counts as left out, and what is left out
 * has its default. Pure but for the zones, which the caller finds; any thread.
 */
#ifndef ONHAND_API_CONFIG_JSON_H
#define ONHAND_API_CONFIG_JSON_H

#include "api/command_json.h"
#include "ledger/config_form.h"
#include "ledger/event.h"

/* Room for what such a command borrows, about 60 KiB: caller's memory, reused body after body. */
struct config_room {
    /* Finds a zone by its name: its changes of a year back and ten ahead. False when there is none. */
    bool (*find_zone)(void *context, struct text name, struct zone *out_zone);
    void *context;
    struct item_config item;
    struct location_config location;
    struct source_config source;
    uint8_t form[CONFIG_BYTES_MAX];
    char attributes[ATTRIBUTES_BYTES_MAX];
    uint8_t places[COMMAND_PLACES_BYTES];
};

/*
 * The body in nodes[root], which must be an object. name: what is configured; absent: the body's own member `name` says,
 * as in a stream. The command is of the source `@api` and has no id. Its texts borrow the nodes' texts and `room`.
 * False with *out_error when it is no such body.
 */
MUST_USE bool config_from_json(const struct json_node *nodes, uint32_t root, enum name_space space, struct text name,
                               struct config_room *room, struct command *out_command, struct command_error *out_error);

/* Does it configure or delete what has a name: a kind of the PUTs and DELETEs? */
bool config_is(enum command_kind kind);
/* What a command configures or deletes; absent for every other kind. */
struct text config_name(const struct command *command);

/* The command that deletes the name. */
struct command config_delete(enum name_space space, struct text name);

#endif
