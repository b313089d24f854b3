/*
 * What PUT has set: bodies of items, locations and sources, and what follows from them (aliases, the tree of locations,
 * what a source asks of its commands). The rules are in config.c.
 *
 * A body is kept as it came (config_form.h) in a block of its own; an entry without one has no block. Everything else here
 * is taken from the bodies by evolve, and given back by it before the body changes.
 *
 *     item --config--> body: ... aliases: shop "X-1", till "4711" ...
 *                                                ^             ^
 *     alias_index: hash of the name --> alias {item, source, place in the body}
 */
#include "ledger/state.h"

size_t configs_bytes(const struct ledger_limits *limits)
{
    return region_round((size_t)limits->config_mib_max << 20) +
           region_round((size_t)limits->alias_count_max * sizeof(struct alias)) + table_bytes(limits->alias_count_max);
}

void configs_init(struct configs *configs, struct region *region, const struct ledger_limits *limits)
{
    CHECK(limits->config_mib_max <= CONFIG_MIB_MAX);
    blockpool_init(&configs->bodies, region, limits->config_mib_max * ((1U << 20) / BLOCKPOOL_UNIT_BYTES));
    configs->aliases = region_take(region, limits->alias_count_max, sizeof(struct alias));
    table_init(&configs->alias_index, region, limits->alias_count_max);
}

static struct blockref body_ref(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    if (space == NAME_ITEM)
        return ledger->items[number].config;
    return space == NAME_LOCATION ? ledger->locations[number].config : ledger->sources[number].config;
}

struct text config_body(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    return blockpool_text(&ledger->configs.bodies, body_ref(ledger, space, number));
}

uint64_t config_hash(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    struct text body = config_body(ledger, space, number);
    if (body.length == 0)
        return 0;
    const uint64_t words[] = {space, number, text_hash(ledger, body)};
    return entry_hash(ENTRY_CONFIG, words, 3);
}

uint64_t location_hash(const struct ledger *ledger, uint32_t number)
{
    const struct location *location = &ledger->locations[number];
    const uint64_t words[] = {number, location->config_seq, location->parent};
    return entry_hash(ENTRY_LOCATION, words, 3) + config_hash(ledger, NAME_LOCATION, number);
}

uint64_t source_hash(const struct ledger *ledger, uint32_t number)
{
    const struct source *source = &ledger->sources[number];
    const uint64_t words[] = {number, source->seq_mark, source->config_seq, source->set_name, source->set_seq,
                              source->set_closed};
    return entry_hash(ENTRY_SOURCE, words, sizeof(words) / sizeof(words[0])) + config_hash(ledger, NAME_SOURCE, number) + silence_hash(ledger, number);
}

/* ---- aliases ---- */

struct alias_key {
    uint32_t source;
    bool any_source;
    struct text name;
};

static struct text alias_name(const struct ledger *ledger, const struct alias *alias)
{
    return text_of(config_body(ledger, NAME_ITEM, alias->item).bytes + alias->offset, alias->length);
}

static bool alias_is(const void *owner, uint32_t entry, const void *key)
{
    const struct ledger *ledger = owner;
    const struct alias *alias = &ledger->configs.aliases[entry];
    const struct alias_key *wanted = key;
    return (wanted->any_source || alias->source == wanted->source) &&
           text_equal(alias_name(ledger, alias), wanted->name);
}

static uint64_t alias_hash(const struct ledger *ledger, struct text name)
{
    return siphash64(&ledger->key, name.bytes, name.length);
}

static uint32_t find(const struct ledger *ledger, const struct alias_key *key)
{
    return table_find(&ledger->configs.alias_index, alias_hash(ledger, key->name), alias_is, ledger, key);
}

uint32_t alias_find(const struct ledger *ledger, uint32_t source, struct text name)
{
    const struct alias_key key = {source, false, name};
    return find(ledger, &key);
}

uint32_t alias_find_any(const struct ledger *ledger, struct text name)
{
    const struct alias_key key = {NUMBER_NONE, true, name};
    return find(ledger, &key);
}

uint32_t item_find(const struct ledger *ledger, uint32_t source, struct text name)
{
    uint32_t number = ledger_number(ledger, NAME_ITEM, name);
    if (number != NUMBER_NONE || ledger->configs.alias_live == 0)
        return number;
    uint32_t alias = source == NUMBER_NONE ? NUMBER_NONE : alias_find(ledger, source, name);
    if (alias == NUMBER_NONE)
        alias = alias_find(ledger, NUMBER_NONE, name);
    return alias == NUMBER_NONE ? NUMBER_NONE : ledger->configs.aliases[alias].item;
}

static uint32_t alias_source(const struct ledger *ledger, const struct config_alias *alias)
{
    return text_present(alias->source) ? ledger_number(ledger, NAME_SOURCE, alias->source) : NUMBER_NONE;
}

/* Its source was made with the decision, and is not deleted while it has aliases. */
static bool alias_has_source(const struct config_alias *alias, uint32_t source)
{
    return !text_present(alias->source) || source != NUMBER_NONE;
}

static void alias_add(struct ledger *ledger, uint32_t item, struct text body, const struct config_alias *config)
{
    struct configs *configs = &ledger->configs;
    uint32_t entry = configs->alias_free != 0 ? configs->alias_free - 1 : configs->alias_count++;
    CHECK(entry < ledger->limits.alias_count_max);
    if (configs->alias_free != 0)
        configs->alias_free = configs->aliases[entry].item;
    uint32_t source = alias_source(ledger, config);
    CHECK(alias_has_source(config, source));
    configs->aliases[entry] = (struct alias){item, source, narrow_u16((uint64_t)(config->name.bytes - body.bytes)),
                                             narrow_u8(config->name.length)};
    configs->alias_live++;
    if (source != NUMBER_NONE)
        ledger->sources[source].aliases++;
    table_insert(&configs->alias_index, alias_hash(ledger, config->name), entry);
}

static void alias_remove(struct ledger *ledger, const struct config_alias *config)
{
    struct configs *configs = &ledger->configs;
    uint32_t source = alias_source(ledger, config);
    CHECK(alias_has_source(config, source));
    uint32_t entry = alias_find(ledger, source, config->name);
    CHECK(entry != NUMBER_NONE);
    table_remove(&configs->alias_index, alias_hash(ledger, config->name), entry);
    if (source != NUMBER_NONE)
        ledger->sources[source].aliases--;
    configs->aliases[entry] = (struct alias){.item = configs->alias_free}; /* no length: not live */
    configs->alias_free = entry + 1;
    configs->alias_live--;
}

/* ---- evolve ---- */

static void set_body(struct ledger *ledger, struct blockref *body, struct text form)
{
    blockpool_remove(&ledger->configs.bodies, *body);
    *body = blockpool_add(&ledger->configs.bodies, form);
}

/* What follows from an item's body: made, or given back before the body changes. */
static void item_follow(struct ledger *ledger, uint32_t number, bool make)
{
    struct item_config *config = &ledger->bodies[0];
    struct text body = config_body(ledger, NAME_ITEM, number);
    CHECK(item_config_read(body, config));
    for (uint32_t i = 0; i < config->alias_count; i++) {
        if (make)
            alias_add(ledger, number, body, &config->aliases[i]);
        else
            alias_remove(ledger, &config->aliases[i]);
    }
    if (!make)
        parts_drop(ledger, number);
    for (uint32_t i = make ? config->component_count : 0; i-- > 0;) { /* the last first: a list grows in front */
        uint32_t component = ledger_number(ledger, NAME_ITEM, config->components[i].item);
        int64_t units;
        CHECK(component != NUMBER_NONE); /* not deleted while it is a component */
        CHECK(decimal_to_units(config->components[i].quantity, ledger->items[component].scale, &units) == DECIMAL_OK);
        part_add(ledger, number, component, units);
    }
}

static void item_evolve(struct ledger *ledger, const struct event *event)
{
    CHECK(event->item < ledger->names[NAME_ITEM].count);
    struct item *item = &ledger->items[event->item];
    hash_out(ledger, PART_ITEM, event->item, item_hash(event->item, item) + config_hash(ledger, NAME_ITEM, event->item));
    offers_kit_before(ledger, event->item);
    if (item->config.length != 0)
        item_follow(ledger, event->item, false);
    set_body(ledger, &item->config, event->config_deleted ? TEXT_NONE : event->config);
    item->config_seq = event->seq;
    item->scale = event->scale;
    if (event->config_deleted) {
        CHECK(item->first_use == 0);
        statements_give_up(ledger, NAME_ITEM, event->item);
        name_retire(ledger, NAME_ITEM, event->item);
    } else if (item->config.length != 0) {
        item_follow(ledger, event->item, true);
    }
    offers_kit_after(ledger, event->item, event->seq);
    hash_in(ledger, PART_ITEM, event->item, item_hash(event->item, item) + config_hash(ledger, NAME_ITEM, event->item));
}

static void location_evolve(struct ledger *ledger, const struct event *event)
{
    struct location_config config;
    uint32_t number = event->config_number;
    CHECK(number < ledger->names[NAME_LOCATION].count);
    struct location *location = &ledger->locations[number];
    hash_out(ledger, PART_LOCATION, number, location_hash(ledger, number));
    if (location->parent != 0) {
        ledger->locations[location->parent - 1].children--;
        ledger->locations[location->parent - 1].bins -= location->no_promise;
    }
    set_body(ledger, &location->config, event->config_deleted ? TEXT_NONE : event->config);
    CHECK(location_config_read(config_body(ledger, NAME_LOCATION, number), &config));
    bool was_bin = location->no_promise;
    bool had_rule = shortfall_rule(ledger, number) != NULL;
    uint32_t old_parent = location->parent;
    location->parent = 0;
    location->no_promise = config.no_promise;
    ledger->shortfall_count += (uint32_t)(config.shortfall.count != 0) - (uint32_t)(location->shortfall.count != 0);
    location->shortfall = config.shortfall;
    ledger->bin_count += (uint32_t)config.no_promise - (uint32_t)was_bin;
    if (text_present(config.parent)) {
        uint32_t parent = ledger_number(ledger, NAME_LOCATION, config.parent);
        CHECK(parent != NUMBER_NONE);
        location->parent = parent + 1;
        ledger->locations[parent].children++;
        ledger->locations[parent].bins += config.no_promise;
    }
    if (location->no_promise != was_bin || location->parent != old_parent)
        nodes_derive(ledger, number);
    location->config_seq = event->seq;
    if (event->config_deleted) {
        CHECK(location->children == 0);
        statements_give_up(ledger, NAME_LOCATION, number);
        name_retire(ledger, NAME_LOCATION, number);
    }
    hash_in(ledger, PART_LOCATION, number, location_hash(ledger, number));
    if (!had_rule && shortfall_rule(ledger, number) != NULL)
        pending_consider_shorts(ledger);
}

static bool limit_same(const struct limit *a, const struct limit *b)
{
    return a->has_units == b->has_units && a->has_percent == b->has_percent && a->units == b->units &&
           a->percent == b->percent;
}

static void source_follow(struct source *source, const struct source_config *config)
{
    source->ordered = config->ordered;
    source->strict = config->strict;
    source->default_condition =
        (uint8_t)(config->default_condition == CONDITION_NONE ? 0 : (unsigned)config->default_condition + 1);
    source->has_expires_in = config->expires_in_ms != EXPIRES_DEFAULT;
    source->expires_in_ms = source->has_expires_in ? config->expires_in_ms : 0;
    source->age_limit_ms = config->age_limit_ms;
    source->count_limit = config->count_limit;
    source->max_change = config->max_change;
    source->snapshot_policy = (enum snapshot_policy)config->snapshot_policy;
    source->has_policies = config->policies.count != 0;
    source->pair = config->pair;
}

static void source_evolve(struct ledger *ledger, const struct event *event)
{
    struct source_config config;
    struct withheld withheld;
    uint32_t number = event->config_number;
    CHECK(number < ledger->names[NAME_SOURCE].count);
    struct source *source = &ledger->sources[number];
    struct text form = event->config_deleted ? TEXT_NONE : event->config;
    CHECK(source_config_read(form, &config));
    hash_out(ledger, PART_SOURCE, number, source_hash(ledger, number));
    silence_config_before(ledger, number, &config.silence, &withheld);
    set_body(ledger, &source->config, form);
    source_follow(source, &config);
    silence_config_after(ledger, number, &config.silence, &withheld, event->seq);
    source->config_seq = event->seq;
    if (event->config_deleted) {
        CHECK(source->aliases == 0);
        name_retire(ledger, NAME_SOURCE, number);
    }
    hash_in(ledger, PART_SOURCE, number, source_hash(ledger, number));
}

void config_evolve(struct ledger *ledger, const struct event *event)
{
    if (event->config_space == NAME_LOCATION)
        location_evolve(ledger, event);
    else if (event->config_space == NAME_SOURCE)
        source_evolve(ledger, event);
    else
        item_evolve(ledger, event);
}

/* ---- room ---- */

enum configs_lack configs_overflow(const struct ledger *ledger, const struct decision *decision)
{
    const struct configs *configs = &ledger->configs;
    bool any = false;
    int64_t aliases = configs->alias_live;
    int64_t parts = ledger->parts.count - ledger->parts.free_count;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->type != EVENT_CONFIG || event->config_space >= NAME_CHANNEL)
            continue;
        if (event->config_space == NAME_ITEM) {
            /* As evolve does it: what the old body has goes before the new one's comes. */
            struct item_config *config = &ledger->bodies[0];
            if (event->item < ledger->names[NAME_ITEM].count) {
                CHECK(item_config_read(config_body(ledger, NAME_ITEM, event->item), config));
                aliases -= config->alias_count;
                parts -= config->component_count;
            }
            if (!event->config_deleted) {
                CHECK(item_config_read(event->config, config)); /* or evolve would find it out */
                aliases += config->alias_count;
                parts += config->component_count;
            }
            if (aliases > ledger->limits.alias_count_max)
                return CONFIGS_LACK_ALIASES;
            if (parts > ledger->limits.part_count_max)
                return CONFIGS_LACK_PARTS;
        }
        if (event->config_deleted || event->config.length == 0)
            continue;
        CHECK(!any); /* a decision brings one body at most: the free block is counted on once */
        any = true;
        unsigned size_class = blockpool_class(event->config.length);
        if (configs->bodies.free_heads[size_class] == 0 &&
            blockpool_class_units(size_class) > configs->bodies.unit_count_max - configs->bodies.unit_count)
            return CONFIGS_LACK_MEMORY;
    }
    return CONFIGS_FIT;
}

/* ---- views ---- */

struct text ledger_config(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    return config_body(ledger, space, number);
}

uint64_t ledger_config_seq(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    if (space == NAME_ITEM)
        return ledger->items[number].config_seq;
    return space == NAME_LOCATION ? ledger->locations[number].config_seq : ledger->sources[number].config_seq;
}

uint32_t ledger_item_find(const struct ledger *ledger, struct text name)
{
    return item_find(ledger, NUMBER_NONE, name);
}

uint32_t ledger_location_parent(const struct ledger *ledger, uint32_t location)
{
    uint32_t parent = ledger->locations[location].parent;
    return parent == 0 ? NUMBER_NONE : parent - 1;
}

bool ledger_location_has_children(const struct ledger *ledger, uint32_t location)
{
    return ledger->locations[location].children != 0;
}

bool ledger_location_within(const struct ledger *ledger, uint32_t location, uint32_t ancestor)
{
    /* No circle can be made (config.c): the walk ends. */
    while (location != ancestor && location != NUMBER_NONE)
        location = ledger_location_parent(ledger, location);
    return location == ancestor;
}

bool ledger_location_promises(const struct ledger *ledger, uint32_t location)
{
    CHECK(location < ledger->names[NAME_LOCATION].count);
    return !ledger->locations[location].no_promise;
}

int64_t location_day_start_us(const struct ledger *ledger, uint32_t location, int64_t midnight_utc_us)
{
    struct location_config config;
    for (; location != NUMBER_NONE; location = ledger_location_parent(ledger, location)) {
        if (ledger->locations[location].config.length == 0)
            continue;
        CHECK(location_config_read(config_body(ledger, NAME_LOCATION, location), &config));
        if (text_present(config.zone.name))
            return zone_day_start_us(&config.zone, midnight_utc_us);
    }
    return midnight_utc_us;
}

/* ---- checks ---- */

static void aliases_check(const struct ledger *ledger)
{
    const struct configs *configs = &ledger->configs;
    uint32_t live = 0, unused = 0;
    for (uint32_t i = 0; i < configs->alias_count; i++) {
        const struct alias *alias = &configs->aliases[i];
        if (alias->length == 0)
            continue;
        CHECK(alias->item < ledger->names[NAME_ITEM].count);
        CHECK((uint32_t)alias->offset + alias->length <= ledger->items[alias->item].config.length);
        live++;
    }
    for (uint32_t i = configs->alias_free; i != 0; i = configs->aliases[i - 1].item) {
        CHECK(configs->aliases[i - 1].length == 0);
        CHECK(configs->aliases[i - 1].source == 0 && configs->aliases[i - 1].offset == 0);
        CHECK(++unused <= configs->alias_count);
    }
    CHECK(live == configs->alias_live);
    CHECK(live + unused == configs->alias_count);
}

/* Where a body is must be sure before it is read. */
static bool body_hashed(const struct ledger *ledger, enum name_space space, uint32_t number, struct audit *audit)
{
    static const char lost[] = "its configuration is not where it says";
    const struct blockpool *bodies = &ledger->configs.bodies;
    struct blockref body = body_ref(ledger, space, number);
    AUDIT_CHECK(audit, STATE, body.length <= CONFIG_BYTES_MAX, lost);
    AUDIT_CHECK(audit, STATE, body.length != 0 || body.unit == 0, lost);
    AUDIT_CHECK(audit, STATE, body.length == 0 || (uint64_t)body.unit + blockpool_class_units(blockpool_class(body.length)) <=
                                                      bodies->unit_count, lost);
    return name_hashed(ledger, space, number, audit);
}

bool item_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    if (!body_hashed(ledger, NAME_ITEM, number, audit))
        return false;
    audit->hash += item_hash(number, &ledger->items[number]) + config_hash(ledger, NAME_ITEM, number);
    return true;
}

bool location_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    if (!body_hashed(ledger, NAME_LOCATION, number, audit))
        return false;
    audit->hash += location_hash(ledger, number);
    return true;
}

bool source_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    if (!body_hashed(ledger, NAME_SOURCE, number, audit))
        return false;
    audit->hash += source_hash(ledger, number);
    return true;
}

/* A kit's parts are what its body says, in its order. */
static bool parts_match(const struct ledger *ledger, uint32_t kit, const struct item_config *config, struct audit *audit)
{
    static const char other[] = "its components are not those of its configuration";
    uint32_t p = ledger->items[kit].first_part;
    for (uint32_t i = 0; i < config->component_count; i++) {
        int64_t units;
        AUDIT_CHECK(audit, STATE, p != 0 && p <= ledger->parts.count, other);
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        AUDIT_CHECK(audit, STATE, part->kit == kit, other);
        AUDIT_CHECK(audit, STATE, part->component == ledger_number(ledger, NAME_ITEM, config->components[i].item), other);
        AUDIT_CHECK(audit, STATE, decimal_to_units(config->components[i].quantity, ledger->items[part->component].scale,
                                                   &units) == DECIMAL_OK, other);
        AUDIT_CHECK(audit, STATE, part->units == units, other);
        p = part->next_of_kit;
    }
    AUDIT_CHECK(audit, STATE, p == 0, other);
    audit->looked_at += config->component_count;
    return true;
}

bool item_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char other[] = "its aliases are not those of its configuration";
    const struct configs *configs = &ledger->configs;
    const struct item *item = &ledger->items[number];
    struct item_config *config = &ledger->bodies[0];
    bool retired = ledger->names[NAME_ITEM].retired[number];
    AUDIT_CHECK(audit, STATE, item->first_cell <= ledger->cell_count, "the list of its cells goes astray");
    AUDIT_CHECK(audit, STATE, item->first_cell == 0 || ledger->cells[item->first_cell - 1].item == number,
                "the list of its cells leads to another item's");
    AUDIT_CHECK(audit, STATE, !retired || (item->first_use | item->first_part | item->config.length) == 0,
                "its name was given up, and it has a configuration");
    if (!name_sound(ledger, NAME_ITEM, number, audit))
        return false;
    if (item->config.length == 0) {
        AUDIT_CHECK(audit, STATE, item->first_part == 0, "it has components that no configuration gave it");
        return true;
    }
    AUDIT_CHECK(audit, STATE, item_config_read(config_body(ledger, NAME_ITEM, number), config) &&
                                  !text_present(config->merge), "its configuration cannot be read");
    for (uint32_t a = 0; a < config->alias_count; a++) {
        uint32_t source = alias_source(ledger, &config->aliases[a]);
        AUDIT_CHECK(audit, STATE, alias_has_source(&config->aliases[a], source), other);
        uint32_t alias = alias_find(ledger, source, config->aliases[a].name);
        AUDIT_CHECK(audit, STATE, alias != NUMBER_NONE && configs->aliases[alias].item == number, other);
        uint32_t of_this_name = ledger_number(ledger, NAME_ITEM, config->aliases[a].name);
        AUDIT_CHECK(audit, STATE, of_this_name == NUMBER_NONE || of_this_name == number, "an alias of it is another's name");
    }
    audit->looked_at += config->alias_count;
    return parts_match(ledger, number, config, audit);
}

bool location_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char other[] = "it is not what its configuration says";
    const struct location *location = &ledger->locations[number];
    struct location_config config;
    AUDIT_CHECK(audit, STATE, location_config_read(config_body(ledger, NAME_LOCATION, number), &config), other);
    AUDIT_CHECK(audit, STATE, text_present(config.parent) == (location->parent != 0), other);
    AUDIT_CHECK(audit, STATE, config.no_promise == location->no_promise, other);
    AUDIT_CHECK(audit, STATE, memcmp(&config.shortfall, &location->shortfall, sizeof(config.shortfall)) == 0, other);
    AUDIT_CHECK(audit, STATE, location->parent == 0 ||
                                  ledger_number(ledger, NAME_LOCATION, config.parent) == location->parent - 1, other);
    AUDIT_CHECK(audit, STATE, location->children == 0 || !ledger->names[NAME_LOCATION].retired[number],
                "its name was given up, and there is something below it");
    return name_sound(ledger, NAME_LOCATION, number, audit) && node_sound(ledger, number, audit);
}

bool source_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char other[] = "it is not what its configuration says";
    const struct source *source = &ledger->sources[number];
    struct source followed = *source;
    struct source_config config;
    AUDIT_CHECK(audit, STATE, source_config_read(config_body(ledger, NAME_SOURCE, number), &config), other);
    source_follow(&followed, &config);
    AUDIT_CHECK(audit, STATE, followed.ordered == source->ordered && followed.strict == source->strict, other);
    AUDIT_CHECK(audit, STATE, followed.default_condition == source->default_condition, other);
    AUDIT_CHECK(audit, STATE, followed.has_expires_in == source->has_expires_in &&
                                  followed.expires_in_ms == source->expires_in_ms, other);
    AUDIT_CHECK(audit, STATE, followed.age_limit_ms == source->age_limit_ms, other);
    AUDIT_CHECK(audit, STATE, limit_same(&followed.count_limit, &source->count_limit) &&
                                  limit_same(&followed.max_change, &source->max_change), other);
    AUDIT_CHECK(audit, STATE, followed.snapshot_policy == source->snapshot_policy && followed.pair == source->pair &&
                                  followed.has_policies == source->has_policies, other);
    return silence_sound(ledger, number, &config.silence, audit) && name_sound(ledger, NAME_SOURCE, number, audit);
}

void configs_check(const struct ledger *ledger)
{
    const struct configs *configs = &ledger->configs;
    struct item_config *config = &ledger->bodies[0];
    uint64_t of_items = 0, components = 0, children = 0, with_parent = 0, with_shortfall = 0;
    uint64_t of_sources = 0, everybodys = 0;
    aliases_check(ledger);
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++) {
        CHECK(item_config_read(config_body(ledger, NAME_ITEM, i), config));
        of_items += config->alias_count;
        components += config->component_count;
    }
    CHECK(of_items == configs->alias_live);
    CHECK(of_items == configs->alias_index.count);
    CHECK(components == ledger->parts.count - ledger->parts.free_count);
    for (uint32_t i = 0; i < ledger->names[NAME_LOCATION].count; i++) {
        children += ledger->locations[i].children;
        with_parent += ledger->locations[i].parent != 0;
        with_shortfall += ledger->locations[i].shortfall.count != 0;
    }
    CHECK(children == with_parent);
    CHECK(with_shortfall == ledger->shortfall_count);
    for (uint32_t i = 0; i < ledger->names[NAME_SOURCE].count; i++)
        of_sources += ledger->sources[i].aliases;
    for (uint32_t i = 0; i < configs->alias_count; i++)
        everybodys += configs->aliases[i].length != 0 && configs->aliases[i].source == NUMBER_NONE;
    CHECK(of_sources + everybodys == configs->alias_live);
}
