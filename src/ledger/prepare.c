/*
 * Looking ahead: a ledger of millions of entries is larger than any cache, and a command touches half a dozen places of
 * it, each a miss of 50 to 100 ns when taken one after the other. A group of commands is walked in stages instead, each
 * of which asks for the memory that the next will need, so that the misses of the whole group overlap.
 *
 *     1  hashes of the names and ids      -> buckets of the indexes
 *     2  likely number of the item        -> place of its name, entry of the item
 *     3  its name's place                 -> its name
 *     4  numbers of source, item, place   -> bucket of the cell
 *     5  likely number of the cell        -> entry of the cell
 *     6  number of the cell
 *     7  where its claims begin             -> the one that a new claim comes before
 *
 * Sources and locations are few and stay cached. What was found is kept in the command's hints. Nothing is decided
 * here. Decisions that are replayed are looked ahead at in the same way, below.
 */
#include "ledger/state.h"

_Static_assert(TABLE_NONE == NUMBER_NONE, "a guess of nothing is no number");

struct looked_up {
    uint64_t source, item, location; /* hashes of the names */
    uint32_t item_guess;             /* number the item most likely has, or NUMBER_NONE */
};

static uint64_t hash_of(const struct ledger *ledger, struct text name)
{
    return siphash64(&ledger->key, name.bytes, name.length);
}

/* Is it a command of a claim? */
static bool prepare_hashes(const struct ledger *ledger, struct command *command, struct looked_up *looked_up)
{
    struct command_hints *hints = &command->hints;
    *hints = (struct command_hints){.ready = true, .retired = ledger->retired_count, .source = NUMBER_NONE, .item = NUMBER_NONE, .location = NUMBER_NONE,
                                    .cell = NUMBER_NONE};
    if (text_present(command->id)) {
        hints->id = id_hash(ledger, command->source, command->id);
        table_prefetch(&ledger->ids.index, hints->id.low);
    }
    bool claims = text_present(command->hold);
    if (claims) {
        hints->hold = claim_name_hash(ledger, command->hold);
        table_prefetch(&ledger->claims.index, hints->hold);
    }
    looked_up->source = hash_of(ledger, command->source);
    table_prefetch(&ledger->names[NAME_SOURCE].index, looked_up->source);
    if (command->line_count != 1)
        return claims;
    looked_up->item = hash_of(ledger, command->lines[0].item);
    looked_up->location = hash_of(ledger, command->lines[0].location);
    table_prefetch(&ledger->names[NAME_ITEM].index, looked_up->item);
    table_prefetch(&ledger->names[NAME_LOCATION].index, looked_up->location);
    return claims;
}

static void prepare_item(const struct ledger *ledger, const struct command *command, struct looked_up *looked_up)
{
    const struct names *names = &ledger->names[NAME_ITEM];
    looked_up->item_guess = command->line_count == 1 ? table_guess(&names->index, looked_up->item) : NUMBER_NONE;
    if (looked_up->item_guess == NUMBER_NONE)
        return;
    __builtin_prefetch(&names->entries[looked_up->item_guess]);
    __builtin_prefetch(&ledger->items[looked_up->item_guess]);
}

static void prepare_item_name(const struct ledger *ledger, const struct looked_up *looked_up)
{
    if (looked_up->item_guess != NUMBER_NONE)
        __builtin_prefetch(ledger_name(ledger, NAME_ITEM, looked_up->item_guess).bytes);
}

static void prepare_numbers(const struct ledger *ledger, struct command *command, const struct looked_up *looked_up)
{
    struct command_hints *hints = &command->hints;
    hints->source = name_find(ledger, NAME_SOURCE, command->source, looked_up->source);
    if (command->line_count != 1)
        return;
    hints->item = name_find(ledger, NAME_ITEM, command->lines[0].item, looked_up->item);
    hints->location = name_find(ledger, NAME_LOCATION, command->lines[0].location, looked_up->location);
    if (hints->item == NUMBER_NONE || hints->location == NUMBER_NONE)
        return;
    table_prefetch(&ledger->cell_index, cell_key_hash(ledger, hints->item, hints->location));
}

static bool has_cell_key(const struct command_hints *hints)
{
    return hints->item != NUMBER_NONE && hints->location != NUMBER_NONE;
}

static void prepare_cell(const struct ledger *ledger, const struct command *command)
{
    const struct command_hints *hints = &command->hints;
    uint32_t guess = NUMBER_NONE;
    if (has_cell_key(hints))
        guess = table_guess(&ledger->cell_index, cell_key_hash(ledger, hints->item, hints->location));
    if (guess == NUMBER_NONE)
        return;
    const char *cell = (const char *)&ledger->cells[guess];
    __builtin_prefetch(cell);
    __builtin_prefetch(cell + sizeof(struct cell) - 1);
}

static void prepare_cell_number(const struct ledger *ledger, struct command *command)
{
    struct command_hints *hints = &command->hints;
    if (has_cell_key(hints))
        hints->cell = cell_find(ledger, hints->item, hints->location);
}

/* Stage 7, for commands of claims (bits) alone: most touch none. */
static void prepare_cell_lines(const struct ledger *ledger, struct command *commands[], unsigned claims)
{
    const struct claim_line *lines = ledger->claims.lines;
    for (unsigned rest = claims; rest != 0; rest &= rest - 1) {
        uint32_t cell = commands[__builtin_ctz(rest)]->hints.cell;
        if (cell != NUMBER_NONE)
            __builtin_prefetch(&ledger->claims.cell_lines[cell]);
    }
    for (unsigned rest = claims; rest != 0; rest &= rest - 1) {
        uint32_t cell = commands[__builtin_ctz(rest)]->hints.cell;
        uint32_t first = cell == NUMBER_NONE ? 0 : ledger->claims.cell_lines[cell];
        if (first != 0)
            __builtin_prefetch(&lines[first - 1].cell_previous);
    }
}

void ledger_prepare(const struct ledger *ledger, struct command *commands[], uint32_t n)
{
    struct looked_up looked_up[PREPARE_MAX];
    CHECK(n <= PREPARE_MAX);
    unsigned claims = 0;
    for (uint32_t i = 0; i < n; i++)
        claims |= (unsigned)prepare_hashes(ledger, commands[i], &looked_up[i]) << i;
    for (uint32_t i = 0; i < n; i++)
        prepare_item(ledger, commands[i], &looked_up[i]);
    for (uint32_t i = 0; i < n; i++)
        prepare_item_name(ledger, &looked_up[i]);
    for (uint32_t i = 0; i < n; i++)
        prepare_numbers(ledger, commands[i], &looked_up[i]);
    for (uint32_t i = 0; i < n; i++)
        prepare_cell(ledger, commands[i]);
    for (uint32_t i = 0; i < n; i++)
        prepare_cell_number(ledger, commands[i]);
    if (claims != 0)
        prepare_cell_lines(ledger, commands, claims);
}

/*
 * Decisions that were read back: their names are numbers already. Of the longest, the first events are looked at; an item that
 * comes with the group has no cell yet.
 */
#define EVENTS_AHEAD 4

static uint32_t events_ahead(const struct decision *decision)
{
    return decision->event_count < EVENTS_AHEAD ? decision->event_count : EVENTS_AHEAD;
}

static void replay_hashes(const struct ledger *ledger, struct decision *decision)
{
    if (text_present(decision->id) && decision->source < ledger->names[NAME_SOURCE].count) {
        decision->id_hash = id_hash(ledger, ledger_name(ledger, NAME_SOURCE, decision->source), decision->id);
        decision->has_id_hash = true;
        table_prefetch(&ledger->ids.index, decision->id_hash.low);
    }
    for (uint32_t i = 0; i < events_ahead(decision); i++) {
        struct event *event = &decision->events[i];
        if (event->location != NUMBER_NONE)
            table_prefetch(&ledger->cell_index, cell_key_hash(ledger, event->item, event->location));
        if (event->claim == 0)
            continue;
        event->hints.hold = claim_name_hash(ledger, event->hold);
        table_prefetch(&ledger->claims.index, event->hints.hold);
    }
}

static void replay_entries(const struct ledger *ledger, const struct decision *decision)
{
    for (uint32_t i = 0; i < events_ahead(decision); i++) {
        const struct event *event = &decision->events[i];
        uint32_t cell = event->location == NUMBER_NONE
                            ? NUMBER_NONE
                            : table_guess(&ledger->cell_index, cell_key_hash(ledger, event->item, event->location));
        uint32_t claim = event->claim == 0 ? NUMBER_NONE : table_guess(&ledger->claims.index, event->hints.hold);
        if (cell != NUMBER_NONE) {
            __builtin_prefetch(&ledger->cells[cell]);
            __builtin_prefetch((const char *)&ledger->cells[cell + 1] - 1);
            __builtin_prefetch(&ledger->items[event->item]);
        }
        if (claim != NUMBER_NONE)
            __builtin_prefetch(&ledger->claims.entries[claim]);
    }
}

static void replay_numbers(const struct ledger *ledger, const struct decision *decision)
{
    for (uint32_t i = 0; i < events_ahead(decision); i++) {
        struct event *event = &decision->events[i];
        if (event->location != NUMBER_NONE)
            event->hints.cell = cell_find(ledger, event->item, event->location) + 1; /* of none 0 */
        if (event->hints.cell != 0 && event->claim != 0)
            __builtin_prefetch(&ledger->claims.cell_lines[event->hints.cell - 1]);
    }
}

void ledger_prepare_replay(const struct ledger *ledger, struct decision *decisions, uint32_t n)
{
    CHECK(n <= PREPARE_MAX);
    for (uint32_t i = 0; i < n; i++)
        replay_hashes(ledger, &decisions[i]);
    for (uint32_t i = 0; i < n; i++)
        replay_entries(ledger, &decisions[i]);
    for (uint32_t i = 0; i < n; i++)
        replay_numbers(ledger, &decisions[i]);
}
