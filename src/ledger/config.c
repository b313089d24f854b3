/*
 * Configuration as events: items, locations, sources, and the journalled settings of the ledger. What it is kept in is
 * config_state.c.
 *
 * A PUT replaces the whole body. The one thing it leaves are the merged names of an item: nobody who sends an item's
 * body each night knows of them. A DELETE retires the name: its number never comes back, and the name, used again,
 * begins with nothing.
 */
#include "ledger/decide.h"

/* ---- shared ---- */

/* `If-Match`: the sequence of the last configuration, 0 for none. */
static bool judge_match(struct judge *judge, struct text name, uint64_t config_seq)
{
    const struct precondition *wanted = &judge->command->precondition;
    if ((wanted->present & PRECONDITION_VERSION) == 0 || wanted->version == config_seq)
        return true;
    return judge_refuse(judge, CODE_precondition_failed, name, TEXT("If-Match"));
}

static struct event *config_event(struct judge *judge, enum name_space space, uint32_t number, struct text form)
{
    struct event *event = judge_event(judge, EVENT_CONFIG);
    event->config_space = space;
    event->config_number = number;
    event->config = form;
    return event;
}

static struct text name_of(const struct judge *judge, enum name_space space, uint32_t number)
{
    return ledger_name(judge->ledger, space, number);
}

/* Does the claim have anything open or waiting in a cell of this item (NUMBER_NONE: any) at this location (the same)? */
static bool claim_stands_on(const struct ledger *ledger, const struct claim *claim, uint32_t item, uint32_t location)
{
    for (uint32_t l = claim->first_line; l != 0; l = ledger->claims.lines[l - 1].next) {
        const struct claim_line *line = &ledger->claims.lines[l - 1];
        const struct cell *cell = &ledger->cells[line->cell];
        if ((item == NUMBER_NONE || cell->item == item) && (location == NUMBER_NONE || cell->location == location) &&
            (line->units[CLAIM_HELD] | line->units[CLAIM_COMMITTED] | line->units[CLAIM_WAITING]) != 0)
            return true;
    }
    return false;
}

/* Names the claims that stand on it. They are walked all: it is asked only when some cell says that there are claims. */
static void mention_claims(struct judge *judge, uint32_t item, uint32_t location)
{
    const struct claims *claims = &judge->ledger->claims;
    for (uint32_t c = 0; c < claims->entry_count; c++) {
        const struct claim *claim = &claims->entries[c];
        if (claim->number != 0 && !claim_state_ended(claim->state) &&
            claim_stands_on(judge->ledger, claim, item, location))
            judge_mention(judge, textpool_text(&claims->texts, claim->name));
    }
}

/* What is set apart for channels in a cell. */
static int64_t cell_quotas(const struct ledger *ledger, uint32_t number)
{
    const struct cell_extra *extra = cell_extra(ledger, number);
    int64_t sum = 0;
    for (uint32_t q = extra == NULL ? 0 : extra->quota_first; q != 0; q = ledger->quotas[q - 1].next)
        sum += ledger->quotas[q - 1].units; /* CHANNELS_MAX terms of 2^53 */
    return min_i64(sum, QUANTITY_UNITS_MAX);
}

/* What of a cell would be lost with its name. A policy goes with it and is nobody's loss. */
static int64_t cell_remains(const struct ledger *ledger, uint32_t number)
{
    struct figures figures = cell_figures(ledger, number);
    int64_t sum = 0;
    for (unsigned f = 0; f < FIGURE_SAFETY_STOCK; f++)
        sum += figures.units[f] < 0 ? -figures.units[f] : figures.units[f]; /* 13 terms of 2^53 at most */
    return min_i64(sum + cell_quotas(ledger, number), QUANTITY_UNITS_MAX);
}

/* Looks at one cell: notes what remains in it, and whether claims may stand on it. */
static void look_at_cell(struct judge *judge, uint32_t number, bool *claims)
{
    const struct ledger *ledger = judge->ledger;
    const struct cell *cell = &ledger->cells[number];
    int64_t remains = cell_remains(ledger, number);
    *claims = *claims || cell->extra != 0 || (cell->units[FIGURE_HELD] | cell->units[FIGURE_COMMITTED]) != 0;
    if (remains == 0 || judge->decision->shortage_count == COMMAND_LINES_MAX)
        return;
    const struct draft draft = {.item = cell->item, .location = cell->location, .scale = ledger->items[cell->item].scale};
    judge_short(judge, &draft, remains, 0);
}

/* 409 in_use, with one of the kits that contain the item. */
static bool is_component(struct judge *judge, uint32_t item)
{
    uint32_t use = judge->ledger->items[item].first_use;
    if (use == 0)
        return false;
    uint32_t kit = judge->ledger->parts.entries[use - 1].kit;
    (void)judge_refuse(judge, CODE_in_use, name_of(judge, NAME_ITEM, kit), TEXT("/components"));
    return true;
}

/* 409 claims_open or in_use when something is left in a cell of the name. claims_first: claims are named, whatever else
 * is there; else they are named when there is nothing else. */
static bool judge_cells_clear(struct judge *judge, enum name_space space, uint32_t number, bool claims_first)
{
    const struct ledger *ledger = judge->ledger;
    uint32_t item = space == NAME_ITEM ? number : NUMBER_NONE;
    uint32_t location = space == NAME_LOCATION ? number : NUMBER_NONE;
    bool claims = false;
    if (space == NAME_ITEM) {
        for (uint32_t c = ledger->items[number].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item)
            look_at_cell(judge, c - 1, &claims);
    } else {
        /* No list of a location's cells is kept, it would cost each of them: 10 million take some 0.1 s. */
        for (uint32_t c = 0; c < ledger->cell_count; c++) {
            if (ledger->cells[c].location == number)
                look_at_cell(judge, c, &claims);
        }
    }
    if (claims && (claims_first || judge->decision->shortage_count == 0))
        mention_claims(judge, item, location);
    if (judge->decision->mention_total != 0) {
        judge->decision->shortage_count = 0;
        return judge_refuse(judge, CODE_claims_open, name_of(judge, space, number), TEXT_NONE);
    }
    if (judge->decision->shortage_count != 0)
        return judge_refuse(judge, CODE_in_use, name_of(judge, space, number), TEXT_NONE);
    return true;
}

/* ---- items ---- */

static const struct item *item_or_blank(const struct ledger *ledger, uint32_t number)
{
    static const struct item blank = {0};
    return number < ledger->names[NAME_ITEM].count ? &ledger->items[number] : &blank;
}

/* Is this name another item's own, or another item's alias for this source or for everybody? */
static bool name_is_taken(const struct ledger *ledger, uint32_t item, uint32_t source, struct text name)
{
    const struct configs *configs = &ledger->configs;
    uint32_t number = ledger_number(ledger, NAME_ITEM, name);
    if (number != NUMBER_NONE)
        return number != item;
    uint32_t alias = source < ledger->names[NAME_SOURCE].count ? alias_find(ledger, source, name) : NUMBER_NONE;
    if (alias == NUMBER_NONE)
        alias = alias_find(ledger, NUMBER_NONE, name);
    return alias != NUMBER_NONE && configs->aliases[alias].item != item;
}

static bool judge_aliases(struct judge *judge, uint32_t item, const struct item_config *config)
{
    for (uint32_t i = 0; i < config->alias_count; i++) {
        const struct config_alias *alias = &config->aliases[i];
        if (!text_present(alias->source))
            return judge_invalid(judge, CODE_bad_value, LINE_NONE, "aliases", "a merged name is made by `merge` alone");
        uint32_t source = judge_name(judge, NAME_SOURCE, alias->source);
        if (source == NUMBER_NONE)
            return false;
        if (name_is_taken(judge->ledger, item, source, alias->name))
            return judge_refuse(judge, CODE_alias_in_use, alias->name, TEXT("/aliases"));
    }
    return true;
}

/* A merged name means the other item here, too. The body has that one's own name instead: it stays a component whatever
 * becomes of the other. *out_followed: the body has changed. */
static bool follow_components(struct judge *judge, struct item_config *config, bool *out_followed)
{
    *out_followed = false;
    for (uint32_t i = 0; i < config->component_count; i++) {
        struct config_component component = config->components[i];
        uint32_t item = ledger_item_find(judge->ledger, component.item);
        uint32_t place = i;
        if (item != NUMBER_NONE && !text_equal(name_of(judge, NAME_ITEM, item), component.item)) {
            component.item = name_of(judge, NAME_ITEM, item);
            *out_followed = true;
        }
        for (; place > 0; place--) {
            int order = config_compare(config->components[place - 1].item, component.item);
            if (order == 0)
                return judge_invalid(judge, CODE_bad_value, LINE_NONE, "components",
                                     "has an item twice, by two of its names; give its quantity once");
            if (order < 0)
                break;
            config->components[place] = config->components[place - 1];
        }
        config->components[place] = component;
    }
    return true;
}

static bool judge_components(struct judge *judge, uint32_t item, const struct item_config *config)
{
    const struct ledger *ledger = judge->ledger;
    for (uint32_t i = 0; i < config->component_count; i++) {
        const struct config_component *component = &config->components[i];
        int64_t units;
        if (text_equal(component->item, judge->command->item))
            return judge_refuse(judge, CODE_circular, component->item, TEXT("/components"));
        uint32_t part = ledger_number(ledger, NAME_ITEM, component->item);
        if (part == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_item, component->item, TEXT("/components"));
        if (item_is_kit(ledger, part))
            return judge_refuse(judge, CODE_kit_in_kit, component->item, TEXT("/components"));
        enum decimal_status status = decimal_to_units(component->quantity, ledger->items[part].scale, &units);
        if (status == DECIMAL_TOO_LONG)
            return judge_invalid(judge, CODE_too_many_decimals, LINE_NONE, "components",
                                 "a quantity has more decimals than the scale of its component");
        if (status != DECIMAL_OK)
            return judge_invalid(judge, CODE_out_of_range, LINE_NONE, "components",
                                 "a quantity is beyond 2^53-1 base units of its component");
    }
    const struct item *kit = item_or_blank(ledger, item);
    if (config->component_count != 0 && kit->first_use != 0)
        return judge_refuse(judge, CODE_kit_in_kit, judge->command->item, TEXT("/components"));
    if (config->component_count != 0 && judge->command->scale != 0)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "scale", "a kit is counted whole: its scale is 0");
    return true;
}

/* Adds the aliases, or the merged names among them alone, each at its place; false when they are too many. */
static bool add_aliases(struct item_config *to, const struct config_alias *aliases, uint32_t count, bool merged_only)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = to->alias_count;
        if (merged_only && text_present(aliases[i].source))
            continue;
        if (to->alias_count == ALIASES_MAX)
            return false;
        for (; place > 0; place--) {
            int order = config_compare(to->aliases[place - 1].source, aliases[i].source);
            if (order < 0 || (order == 0 && config_compare(to->aliases[place - 1].name, aliases[i].name) < 0))
                break;
            to->aliases[place] = to->aliases[place - 1];
        }
        to->aliases[place] = aliases[i];
        to->alias_count++;
    }
    return true;
}

/* The form of a body put together here, in the ledger's scratch. Absent after an objection. */
static struct text write_item(struct judge *judge, const struct item_config *config)
{
    bool fits;
    size_t n = item_config_write(config, judge->ledger->config_room, &fits);
    if (fits)
        return text_of((const char *)judge->ledger->config_room, n);
    (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "aliases", "the body would be larger than 16 KiB");
    return TEXT_NONE;
}

static bool too_many_aliases(struct judge *judge)
{
    return judge_invalid(judge, CODE_out_of_range, LINE_NONE, "aliases",
                         "the item would have more than 256 names, merged ones counted");
}

static struct event *item_event(struct judge *judge, uint32_t number, uint8_t scale, struct text form)
{
    struct event *event = form.length != 0 ? config_event(judge, NAME_ITEM, number, form)
                                           : judge_event(judge, EVENT_CONFIG);
    event->item = number;
    event->scale = scale;
    return event;
}

/* ---- PUT of an item with `merge` ---- */

/* The name becomes a name of the other item, and with it every name it had. */
static void decide_merge(struct judge *judge, struct text other_name)
{
    const struct ledger *ledger = judge->ledger;
    struct item_config *config = &ledger->bodies[0];
    struct item_config *gone = &ledger->bodies[1];
    struct text name = judge->command->item;
    uint32_t number = ledger_number(ledger, NAME_ITEM, name);
    uint32_t other = ledger_number(ledger, NAME_ITEM, other_name);
    uint32_t alias = alias_find(ledger, NUMBER_NONE, name);
    gone->alias_count = 0;
    if (text_equal(name, other_name)) {
        (void)judge_refuse(judge, CODE_circular, other_name, TEXT("/merge"));
        return;
    }
    if (other == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_item, other_name, TEXT("/merge"));
        return;
    }
    if (!judge_match(judge, name, number == NUMBER_NONE ? 0 : ledger->items[number].config_seq))
        return;
    if (number == NUMBER_NONE && alias_find_any(ledger, name) != NUMBER_NONE &&
        (alias == NUMBER_NONE || ledger->configs.aliases[alias].item != other)) {
        (void)judge_refuse(judge, CODE_alias_in_use, name, TEXT_NONE);
        return;
    }
    CHECK(item_config_read(config_body(ledger, NAME_ITEM, other), config));
    if (number != NUMBER_NONE) {
        if (is_component(judge, number))
            return;
        if (!judge_cells_clear(judge, NAME_ITEM, number, false))
            return;
        CHECK(item_config_read(config_body(ledger, NAME_ITEM, number), gone));
        struct event *event = config_event(judge, NAME_ITEM, number, judge->command->config);
        event->item = number;
        event->scale = ledger->items[number].scale;
        event->config_deleted = true;
    }
    const struct config_alias merged = {TEXT_NONE, name};
    bool already = number == NUMBER_NONE && alias != NUMBER_NONE; /* the same again: nothing is new */
    if (!add_aliases(config, gone->aliases, gone->alias_count, false) ||
        (!already && !add_aliases(config, &merged, 1, false))) {
        (void)too_many_aliases(judge);
        return;
    }
    struct text form = write_item(judge, config);
    if (!judge->objected)
        (void)item_event(judge, other, ledger->items[other].scale, form);
}

/* ---- PUT of an item ---- */

static void decide_item(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    struct item_config *config = &ledger->bodies[0];
    if (command->scale > DECIMAL_PLACES_MAX) {
        (void)judge_invalid(judge, CODE_out_of_range, LINE_NONE, "scale", "0 to 6");
        return;
    }
    if (!item_config_read(command->config, config)) {
        (void)judge_invalid(judge, CODE_bad_value, LINE_NONE, "config", "is not the body of an item");
        return;
    }
    if (text_present(config->merge)) {
        decide_merge(judge, config->merge);
        return;
    }
    uint32_t number = judge_new_item(judge, command->item);
    if (number == NUMBER_NONE)
        return;
    const struct item *item = item_or_blank(ledger, number);
    if (!judge_match(judge, command->item, item->config_seq))
        return;
    if (item->scale != command->scale && (item->first_cell != 0 || item->first_use != 0)) {
        (void)judge_refuse(judge, CODE_scale_in_use, command->item, TEXT("/scale"));
        return;
    }
    bool followed;
    if (!judge_aliases(judge, number, config) || !follow_components(judge, config, &followed) ||
        !judge_components(judge, number, config))
        return;
    struct text form = command->config;
    if (item->config.length != 0) {
        struct item_config *before = &ledger->bodies[1];
        CHECK(item_config_read(config_body(ledger, NAME_ITEM, number), before));
        if (!add_aliases(config, before->aliases, before->alias_count, true)) {
            (void)too_many_aliases(judge);
            return;
        }
    }
    if (item->config.length != 0 || followed)
        form = write_item(judge, config);
    if (!judge->objected)
        (void)item_event(judge, number, command->scale, form);
}

/* ---- DELETE of an item ---- */

/* DELETE of a merged name: it stops being one. */
static void decide_unmerge(struct judge *judge, uint32_t alias)
{
    const struct ledger *ledger = judge->ledger;
    struct item_config *config = &ledger->bodies[0];
    uint32_t number = ledger->configs.aliases[alias].item;
    if (!judge_match(judge, judge->command->item, ledger->items[number].config_seq))
        return;
    CHECK(item_config_read(config_body(ledger, NAME_ITEM, number), config));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < config->alias_count; i++) {
        if (text_present(config->aliases[i].source) || !text_equal(config->aliases[i].name, judge->command->item))
            config->aliases[kept++] = config->aliases[i];
    }
    config->alias_count = kept;
    struct text form = write_item(judge, config);
    (void)item_event(judge, number, ledger->items[number].scale, form);
}

static void decide_delete_item(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    struct text name = judge->command->item;
    uint32_t number = ledger_number(ledger, NAME_ITEM, name);
    uint32_t alias = number == NUMBER_NONE ? alias_find(ledger, NUMBER_NONE, name) : NUMBER_NONE;
    if (alias != NUMBER_NONE) {
        decide_unmerge(judge, alias);
        return;
    }
    if (number == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_item, name, TEXT_NONE);
        return;
    }
    if (!judge_match(judge, name, ledger->items[number].config_seq))
        return;
    if (is_component(judge, number))
        return;
    if (!judge_cells_clear(judge, NAME_ITEM, number, true))
        return;
    struct event *event = config_event(judge, NAME_ITEM, number, TEXT_NONE);
    event->item = number;
    event->scale = ledger->items[number].scale;
    event->config_deleted = true;
}

/* ---- locations ---- */

_Static_assert(LOCATION_LEVELS_MAX == 32, "the meaning of too_deep says it");

/* Levels from the top of the tree down to the location. */
static uint32_t levels_above(const struct ledger *ledger, uint32_t location)
{
    uint32_t levels = 0;
    for (; location != NUMBER_NONE; location = ledger_location_parent(ledger, location))
        levels++;
    return levels;
}

/* Levels from the location to the lowest one below it. All are walked, each up to it: a million take some 10 ms. */
static uint32_t levels_below(const struct ledger *ledger, uint32_t location)
{
    uint32_t most = 1;
    for (uint32_t l = 0; ledger->locations[location].children != 0 && l < ledger->names[NAME_LOCATION].count; l++) {
        uint32_t at = l;
        uint32_t levels = 1;
        for (; at != location && at != NUMBER_NONE; levels++)
            at = ledger_location_parent(ledger, at);
        if (at == location && levels > most)
            most = levels;
    }
    return most;
}

static bool is_listed(const struct text *places, uint32_t count, struct text name)
{
    uint32_t i = 0;
    while (i < count && !text_equal(places[i], name))
        i++;
    return i < count;
}

/* Where the configuration of a source names the location: for its silence, or its snapshots; NULL when it does not. */
static const char *named_by(const struct ledger *ledger, uint32_t source, uint32_t location)
{
    struct source_config config;
    struct text name = ledger_name(ledger, NAME_LOCATION, location);
    if (ledger->sources[source].silence_after_s == 0 && !ledger->sources[source].has_policies)
        return NULL;
    CHECK(source_config_read(config_body(ledger, NAME_SOURCE, source), &config));
    if (is_listed(config.silence.places, config.silence.place_count, name))
        return "/silence/locations";
    return is_listed(config.policies.places, config.policies.count, name) ? "/snapshot_policies" : NULL;
}

/* 409 in_use when a channel sells from it, or a source's silence or snapshots are about it. */
static bool judge_unlisted(struct judge *judge, uint32_t location)
{
    for (uint32_t c = 0; c < judge->ledger->names[NAME_CHANNEL].count; c++) {
        if (channel_serves(judge->ledger, c, location))
            return judge_refuse(judge, CODE_in_use, name_of(judge, NAME_CHANNEL, c), TEXT("/locations"));
    }
    for (uint32_t s = 0; s < judge->ledger->names[NAME_SOURCE].count; s++) {
        const char *where = named_by(judge->ledger, s, location);
        if (where != NULL)
            return judge_refuse(judge, CODE_in_use, name_of(judge, NAME_SOURCE, s), text_of(where, strlen(where)));
    }
    return true;
}

/* What of the cell is about promises: quotas, and how much is kept back or may lack cover. */
static int64_t cell_promises(const struct ledger *ledger, uint32_t cell)
{
    struct figures figures = cell_figures(ledger, cell);
    int64_t most = max_i64(figures.units[FIGURE_SAFETY_STOCK], figures.units[FIGURE_BACKORDER_LIMIT]);
    return max_i64(most, cell_quotas(ledger, cell));
}

/* May it become a bin? Nothing may be promised there: no claims, no quotas or policies of promises, no channel that sells
 * from it. */
static bool judge_promises_nothing(struct judge *judge, uint32_t number)
{
    const struct ledger *ledger = judge->ledger;
    bool claims = false;
    if (!judge_unlisted(judge, number))
        return false;
    for (uint32_t c = 0; ledger->locations[number].cells != 0 && c < ledger->cell_count; c++) {
        const struct cell *cell = &ledger->cells[c];
        if (cell->location != number)
            continue;
        const struct draft draft = {.item = cell->item, .location = number, .scale = ledger->items[cell->item].scale};
        if (cell_promises(ledger, c) != 0)
            judge_short(judge, &draft, cell_promises(ledger, c), 0);
        claims |= cell->extra != 0 || (cell->units[FIGURE_HELD] | cell->units[FIGURE_COMMITTED]) != 0;
    }
    if (claims)
        mention_claims(judge, NUMBER_NONE, number);
    if (judge->decision->mention_total != 0) {
        judge->decision->shortage_count = 0;
        return judge_refuse(judge, CODE_claims_open, name_of(judge, NAME_LOCATION, number), TEXT("/promise"));
    }
    return judge_shorts(judge, CODE_in_use, name_of(judge, NAME_LOCATION, number), TEXT("/promise"));
}

static void decide_location(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    struct location_config config;
    if (!location_config_read(command->config, &config)) {
        (void)judge_invalid(judge, CODE_bad_value, LINE_NONE, "config", "is not the body of a location");
        return;
    }
    uint32_t number = judge_name(judge, NAME_LOCATION, command->location);
    if (number == NUMBER_NONE)
        return;
    bool known = number < ledger->names[NAME_LOCATION].count;
    if (!judge_match(judge, command->location, known ? ledger->locations[number].config_seq : 0))
        return;
    uint32_t parent = NUMBER_NONE;
    if (text_present(config.parent)) {
        parent = ledger_number(ledger, NAME_LOCATION, config.parent);
        if (text_equal(config.parent, command->location) ||
            (known && parent != NUMBER_NONE && ledger_location_within(ledger, parent, number))) {
            (void)judge_refuse(judge, CODE_circular, config.parent, TEXT("/parent"));
            return;
        }
        if (parent == NUMBER_NONE) {
            (void)judge_refuse(judge, CODE_unknown_location, config.parent, TEXT("/parent"));
            return;
        }
        bool moves = !known || ledger_location_parent(ledger, number) != parent;
        if (moves && levels_above(ledger, parent) + (known ? levels_below(ledger, number) : 1) > LOCATION_LEVELS_MAX) {
            (void)judge_refuse(judge, CODE_too_deep, config.parent, TEXT("/parent"));
            return;
        }
    }
    if (known && config.no_promise && !ledger->locations[number].no_promise && !judge_promises_nothing(judge, number))
        return;
    if (known && !bins_replace(judge, (struct replaced){number, parent, config.no_promise}))
        return;
    (void)config_event(judge, NAME_LOCATION, number, command->config);
    bins_rest(judge);
}

static void decide_delete_location(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    struct text name = judge->command->location;
    uint32_t number = ledger_number(ledger, NAME_LOCATION, name);
    if (number == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_location, name, TEXT_NONE);
        return;
    }
    if (!judge_match(judge, name, ledger->locations[number].config_seq))
        return;
    if (ledger->locations[number].children != 0) {
        uint32_t child = 0;
        while (ledger->locations[child].parent != number + 1)
            child++;
        (void)judge_refuse(judge, CODE_in_use, name_of(judge, NAME_LOCATION, child), TEXT("/parent"));
        return;
    }
    if (judge_unlisted(judge, number) && judge_cells_clear(judge, NAME_LOCATION, number, true))
        config_event(judge, NAME_LOCATION, number, TEXT_NONE)->config_deleted = true;
}

/* ---- sources ---- */

/* Locations of a silence. As those of a channel, they may be new ones, but no bins: nothing is shown there. */
static bool judge_silence(struct judge *judge, const struct silence_config *silence)
{
    for (uint32_t i = 0; i < silence->place_count; i++) {
        uint32_t location = judge_name(judge, NAME_LOCATION, silence->places[i]);
        if (location == NUMBER_NONE)
            return false;
        if (is_bin(judge->ledger, location))
            return judge_refuse(judge, CODE_no_promise, silence->places[i], TEXT("/silence/locations"));
    }
    return true;
}

/* Locations that have a policy: they may be new ones, and bins. */
static bool judge_policies(struct judge *judge, const struct place_policies *policies)
{
    bool named = true;
    for (uint32_t i = 0; named && i < policies->count; i++)
        named = judge_name(judge, NAME_LOCATION, policies->places[i]) != NUMBER_NONE;
    return named;
}

static void decide_source(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    struct source_config config;
    if (!source_config_read(command->config, &config)) {
        (void)judge_invalid(judge, CODE_bad_value, LINE_NONE, "config", "is not the body of a source");
        return;
    }
    uint32_t number = judge_name(judge, NAME_SOURCE, command->source_name);
    if (number == NUMBER_NONE)
        return;
    bool known = number < ledger->names[NAME_SOURCE].count;
    if (!judge_match(judge, command->source_name, known ? ledger->sources[number].config_seq : 0) ||
        !judge_silence(judge, &config.silence) || !judge_policies(judge, &config.policies))
        return;
    (void)config_event(judge, NAME_SOURCE, number, command->config);
    if (known)
        silence_judge(judge, number, config.silence.after_s);
}

static void decide_delete_source(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    struct text name = judge->command->source_name;
    uint32_t number = ledger_number(ledger, NAME_SOURCE, name);
    if (number == NUMBER_NONE || name.bytes[0] == '@') { /* those are ours */
        (void)judge_refuse(judge, CODE_unknown_source, name, TEXT_NONE);
        return;
    }
    if (!judge_match(judge, name, ledger->sources[number].config_seq))
        return;
    if (ledger->sources[number].aliases != 0) {
        (void)judge_refuse(judge, CODE_in_use, name, TEXT("/aliases"));
        return;
    }
    config_event(judge, NAME_SOURCE, number, TEXT_NONE)->config_deleted = true;
    silence_judge(judge, number, 0);
}

/* ---- settings ---- */

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
    static void (*const config_rules[KIND_COUNT])(struct judge *judge) = {
        [KIND_PUT_ITEM] = decide_item,           [KIND_DELETE_ITEM] = decide_delete_item,
        [KIND_PUT_LOCATION] = decide_location,   [KIND_DELETE_LOCATION] = decide_delete_location,
        [KIND_PUT_SOURCE] = decide_source,       [KIND_DELETE_SOURCE] = decide_delete_source,
        [KIND_SETTINGS] = decide_settings,
    };
    config_rules[judge->command->kind](judge);
}
