#include "api/config_json.h"

#include "ledger/event.h"

#include "api/command_values.h"

struct body {
    const struct json_node *nodes;
    uint32_t root;
    struct config_room *room;
    struct command *command;
    struct command_error *error;
    struct text name;
    const char *what; /* "an item" */
};

static struct place at_key(struct text key)
{
    return (struct place){-1, NULL, key};
}

static struct place at_child(const char *parent, struct text key)
{
    return (struct place){-1, parent, key};
}

/* ---- parts of several bodies ---- */

static bool read_attributes(struct body *b, uint32_t index, struct text *out)
{
    return value_meta(b->error, b->nodes, index, at_key(TEXT("attributes")), b->room->attributes, out);
}

static bool read_zone(struct body *b, const struct json_node *node, struct zone *out_zone)
{
    struct place place = at_key(TEXT("zone"));
    if (node->type == JSON_STRING && b->room->find_zone(b->room->context, node->text, out_zone))
        return true;
    return value_fail(b->error, CODE_bad_value, place,
                      "is %s, but must be a zone that the server's system knows, such as Europe/Berlin, or an offset "
                      "such as +01:00",
                      value_show(node).text);
}

static bool write_form(struct body *b, size_t n, bool fits)
{
    if (!fits)
        return value_fail(b->error, CODE_out_of_range, at_key(TEXT_NONE), "the body of %s is larger than 16 KiB", b->what);
    b->command->config = n == 0 ? TEXT_NONE : text_of((const char *)b->room->form, n);
    return true;
}

static bool is_object(struct body *b, const struct json_node *node, struct place place)
{
    return node->type == JSON_OBJECT ||
           value_fail(b->error, CODE_bad_value, place, "is %s, but must be an object", value_show(node).text);
}

static bool too_many(struct body *b, struct place place, unsigned most)
{
    return value_fail(b->error, CODE_out_of_range, place, "has more than %u entries", most);
}

/* ---- items ---- */

/* A whole number from 1 on. */
static bool read_part(struct text text, int64_t *out)
{
    struct decimal d;
    if (decimal_parse(text, &d) != DECIMAL_OK || d.places != 0 || d.digits < 1)
        return false;
    *out = d.digits;
    return true;
}

/* 12, 0.5, "0.5" or "1/3". */
static bool read_ratio(struct body *b, const struct json_node *node, struct place place, struct config_unit *unit)
{
    struct decimal d;
    const char *slash = node->type == JSON_STRING ? memchr(node->text.bytes, '/', node->text.length) : NULL;
    bool good = false;
    if (slash != NULL) {
        size_t n = (size_t)(slash - node->text.bytes);
        good = read_part(text_of(node->text.bytes, n), &unit->numerator) &&
               read_part(text_of(slash + 1, node->text.length - n - 1), &unit->denominator);
    } else if ((node->type == JSON_NUMBER || node->type == JSON_STRING) && decimal_parse(node->text, &d) == DECIMAL_OK &&
               d.digits > 0) {
        good = true;
        unit->numerator = d.digits;
        unit->denominator = 1;
        for (unsigned i = 0; i < d.places; i++)
            unit->denominator *= 10;
    }
    if (good) {
        int64_t divisor = greatest_common_divisor(unit->numerator, unit->denominator);
        unit->numerator /= divisor;
        unit->denominator /= divisor;
    }
    if (!good || unit->denominator > UNIT_DENOMINATOR_MAX)
        return value_fail(b->error, CODE_bad_value, place,
                          "is %s, but must be how many of the item's own unit it is: a number above 0, or a fraction such "
                          "as \"1/12\"",
                          value_show(node).text);
    return true;
}

static bool read_units(struct body *b, uint32_t index)
{
    const struct json_node *object = &b->nodes[index];
    struct item_config *config = &b->room->item;
    if (!is_object(b, object, at_key(TEXT("units"))))
        return false;
    if (object->count > UNITS_MAX)
        return too_many(b, at_key(TEXT("units")), UNITS_MAX);
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < object->count; k++, at = b->nodes[at].next) {
        const struct json_node *node = &b->nodes[at];
        struct place place = at_child("units", node->key);
        struct config_unit unit = {.name = node->key};
        enum name_status status = name_check_utf8(unit.name);
        if (status != NAME_OK || unit.name.length > UNIT_BYTES_MAX)
            return value_fail(b->error, CODE_bad_value, place, "%s",
                              status != NAME_OK ? name_problem(status) : "is longer than 32 bytes");
        if (!read_ratio(b, node, place, &unit))
            return false;
        uint32_t to = config->unit_count++;
        for (; to > 0 && config_compare(config->units[to - 1].name, unit.name) > 0; to--)
            config->units[to] = config->units[to - 1];
        config->units[to] = unit;
    }
    return true;
}

/* Puts it where it belongs; false when it stands there already. */
static bool add_alias(struct item_config *config, const struct config_alias *alias)
{
    uint32_t to = config->alias_count;
    for (; to > 0; to--) {
        const struct config_alias *before = &config->aliases[to - 1];
        int order = config_compare(before->source, alias->source);
        order = order != 0 ? order : config_compare(before->name, alias->name);
        if (order == 0)
            return false;
        if (order < 0)
            break;
    }
    memmove(&config->aliases[to + 1], &config->aliases[to], (config->alias_count - to) * sizeof(*alias));
    config->aliases[to] = *alias;
    config->alias_count++;
    return true;
}

static bool read_aliases(struct body *b, uint32_t index)
{
    const struct json_node *object = &b->nodes[index];
    struct item_config *config = &b->room->item;
    if (!is_object(b, object, at_key(TEXT("aliases"))))
        return false;
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < object->count; k++, at = b->nodes[at].next) {
        const struct json_node *names = &b->nodes[at];
        struct place place = at_child("aliases", names->key);
        enum name_status status = name_check_utf8(names->key);
        if (status != NAME_OK)
            return value_fail(b->error, CODE_bad_value, place, "names a source, but %s", name_problem(status));
        if (names->type != JSON_ARRAY)
            return value_fail(b->error, CODE_bad_value, place, "is %s, but must be an array of names",
                              value_show(names).text);
        uint32_t name = at + 1;
        for (uint32_t i = 0; i < names->count; i++, name = b->nodes[name].next) {
            struct config_alias alias = {.source = names->key};
            if (config->alias_count == ALIASES_MAX)
                return too_many(b, at_key(TEXT("aliases")), ALIASES_MAX);
            if (!value_label(b->error, &b->nodes[name], place, name_check_utf8, &alias.name))
                return false;
            if (!add_alias(config, &alias))
                return value_fail(b->error, CODE_bad_value, place, "has %s twice", value_show(&b->nodes[name]).text);
        }
    }
    return true;
}

static bool read_component(struct body *b, uint32_t index, struct config_component *out)
{
    const struct json_node *object = &b->nodes[index];
    struct place place = at_key(TEXT("components"));
    uint32_t item = object->type == JSON_OBJECT ? json_member(b->nodes, index, TEXT("item")) : 0;
    uint32_t quantity = object->type == JSON_OBJECT ? json_member(b->nodes, index, TEXT("quantity")) : 0;
    if (item == 0 || quantity == 0 || object->count != 2)
        return value_fail(b->error, object->type == JSON_OBJECT && object->count > 2 ? CODE_unknown_field : CODE_bad_value,
                          place, "has an element that is not an object with item and quantity alone");
    place = at_child("components", TEXT("item"));
    if (!value_label(b->error, &b->nodes[item], place, name_check_utf8, &out->item))
        return false;
    place.key = TEXT("quantity");
    if (!value_decimal(b->error, &b->nodes[quantity], place, &out->quantity))
        return false;
    return out->quantity.digits > 0 || value_fail(b->error, CODE_bad_value, place, "is %s, but must be above 0",
                                                  value_show(&b->nodes[quantity]).text);
}

static bool read_components(struct body *b, uint32_t index)
{
    const struct json_node *array = &b->nodes[index];
    struct item_config *config = &b->room->item;
    struct place place = at_key(TEXT("components"));
    if (array->type != JSON_ARRAY)
        return value_fail(b->error, CODE_bad_value, place, "is %s, but must be an array", value_show(array).text);
    if (array->count > COMPONENTS_MAX)
        return too_many(b, place, COMPONENTS_MAX);
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < array->count; i++, at = b->nodes[at].next) {
        struct config_component component;
        if (!read_component(b, at, &component))
            return false;
        uint32_t to = config->component_count;
        for (; to > 0 && config_compare(config->components[to - 1].item, component.item) >= 0; to--) {
            if (text_equal(config->components[to - 1].item, component.item))
                return value_fail(b->error, CODE_bad_value, place, "has an item twice; give its quantity once");
            config->components[to] = config->components[to - 1];
        }
        config->components[to] = component;
        config->component_count++;
    }
    return true;
}

static bool read_gtin(struct body *b, const struct json_node *node)
{
    if (node->type != JSON_STRING || !gtin_valid(node->text))
        return value_fail(b->error, CODE_bad_value, at_key(TEXT("gtin")),
                          "is %s, but must be a text of 8, 12, 13 or 14 digits, the last of them the check digit",
                          value_show(node).text);
    b->room->item.gtin = node->text;
    return true;
}

static bool read_item_member(struct body *b, uint32_t index, bool *out_known)
{
    const struct json_node *node = &b->nodes[index];
    int64_t scale = 0;
    if (text_equal(node->key, TEXT("scale"))) {
        if (!value_whole(b->error, node, at_key(node->key), 0, DECIMAL_PLACES_MAX, &scale))
            return false;
        b->command->scale = (uint8_t)scale;
        return true;
    }
    if (text_equal(node->key, TEXT("units")))
        return node->type == JSON_NULL || read_units(b, index);
    if (text_equal(node->key, TEXT("aliases")))
        return node->type == JSON_NULL || read_aliases(b, index);
    if (text_equal(node->key, TEXT("components")))
        return node->type == JSON_NULL || read_components(b, index);
    if (text_equal(node->key, TEXT("gtin")))
        return node->type == JSON_NULL || read_gtin(b, node);
    if (text_equal(node->key, TEXT("attributes")))
        return node->type == JSON_NULL || read_attributes(b, index, &b->room->item.attributes);
    if (text_equal(node->key, TEXT("merge")))
        return value_label(b->error, node, at_key(node->key), name_check_utf8, &b->room->item.merge);
    *out_known = false;
    return true;
}

static bool finish_item(struct body *b)
{
    const struct item_config *config = &b->room->item;
    uint32_t merge = json_member(b->nodes, b->root, TEXT("merge"));
    uint32_t named = json_member(b->nodes, b->root, TEXT("name"));
    bool fits;
    b->command->item = b->name;
    if (merge != 0 && b->nodes[b->root].count != 1u + (named != 0))
        return value_fail(b->error, CODE_bad_value, at_key(TEXT("merge")),
                          "stands beside other fields, but a name that becomes another item's has nothing of its own");
    if (merge == 0 && json_member(b->nodes, b->root, TEXT("scale")) == 0)
        return value_fail(b->error, CODE_missing_field, at_key(TEXT("scale")), "is missing: an item needs it");
    size_t n = item_config_write(config, b->room->form, &fits);
    return write_form(b, n, fits);
}

/* ---- locations ---- */

static bool read_criterion(struct body *b, const struct json_node *node, struct shortfall *shortfall)
{
    static const struct text words[SHORTFALL_COUNT] = {
#define X(upper, lower) [SHORTFALL_##upper] = {#lower, sizeof(#lower) - 1},
        SHORTFALL_MAP(X)
#undef X
    };
#define X(upper, lower) " " #lower
    static const char known[] = SHORTFALL_MAP(X);
#undef X
    unsigned criterion = 0;
    if (!value_word(b->error, node, at_key(TEXT("shortfall")), words, SHORTFALL_COUNT, known, &criterion))
        return false;
    for (unsigned i = 0; i < shortfall->count; i++) {
        if (shortfall->criteria[i] == criterion)
            return value_fail(b->error, CODE_bad_value, at_key(TEXT("shortfall")), "has %s twice",
                              value_show(node).text);
    }
    shortfall->criteria[shortfall->count++] = (uint8_t)criterion;
    return true;
}

/* One criterion, or an array of them. */
static bool read_shortfall(struct body *b, uint32_t index)
{
    const struct json_node *node = &b->nodes[index];
    struct shortfall *shortfall = &b->room->location.shortfall;
    if (node->type == JSON_STRING)
        return read_criterion(b, node, shortfall);
    if (node->type != JSON_ARRAY || node->count == 0)
        return value_fail(b->error, CODE_bad_value, at_key(TEXT("shortfall")),
                          "is %s, but must be a criterion or an array of one or more; leave it out for no rule",
                          value_show(node).text);
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < node->count; i++, at = b->nodes[at].next) {
        if (!read_criterion(b, &b->nodes[at], shortfall))
            return false;
    }
    return true;
}

static bool read_location_member(struct body *b, uint32_t index, bool *out_known)
{
    const struct json_node *node = &b->nodes[index];
    struct location_config *config = &b->room->location;
    bool promise = true;
    if (text_equal(node->key, TEXT("parent")))
        return node->type == JSON_NULL ||
               value_label(b->error, node, at_key(node->key), name_check_utf8, &config->parent);
    if (text_equal(node->key, TEXT("promise"))) {
        if (node->type != JSON_NULL && !value_bool(b->error, node, at_key(node->key), &promise))
            return false;
        config->no_promise = !promise;
        return true;
    }
    if (text_equal(node->key, TEXT("zone")))
        return node->type == JSON_NULL || read_zone(b, node, &config->zone);
    if (text_equal(node->key, TEXT("attributes")))
        return node->type == JSON_NULL || read_attributes(b, index, &config->attributes);
    if (text_equal(node->key, TEXT("shortfall")))
        return node->type == JSON_NULL || read_shortfall(b, index);
    *out_known = false;
    return true;
}

static bool finish_location(struct body *b)
{
    bool fits;
    b->command->location = b->name;
    size_t n = location_config_write(&b->room->location, b->room->form, &fits);
    return write_form(b, n, fits);
}

/* ---- sources ---- */

/* The locations, sorted; value_places says that none is there twice. */
static bool read_withheld(struct body *b, uint32_t index)
{
    struct silence_config *silence = &b->room->source.silence;
    struct text places, name;
    uint32_t count;
    if (!value_places(b->error, b->nodes, index, at_child("silence", TEXT("locations")), 0, b->room->places, &count,
                      &places))
        return false;
    while (command_place_next(&places, &name)) {
        uint32_t to = silence->place_count++;
        for (; to > 0 && config_compare(silence->places[to - 1], name) > 0; to--)
            silence->places[to] = silence->places[to - 1];
        silence->places[to] = name;
    }
    return true;
}

static bool read_silence(struct body *b, uint32_t index)
{
    const struct json_node *object = &b->nodes[index];
    struct silence_config *silence = &b->room->source.silence;
    if (!is_object(b, object, at_key(TEXT("silence"))))
        return false;
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < object->count; k++, at = b->nodes[at].next) {
        const struct json_node *node = &b->nodes[at];
        struct place place = at_child("silence", node->key);
        bool good;
        if (text_equal(node->key, TEXT("after")))
            good = value_whole(b->error, node, place, 1, SILENCE_S_MAX, &silence->after_s);
        else if (text_equal(node->key, TEXT("locations")))
            good = node->type == JSON_NULL || read_withheld(b, at);
        else if (text_equal(node->key, TEXT("buffer")))
            good = node->type == JSON_NULL || value_whole(b->error, node, place, 1, QUANTITY_UNITS_MAX, &silence->buffer);
        else
            return value_fail(b->error, CODE_unknown_field, place,
                              "is not a field of a silence; there are: after locations buffer");
        if (!good)
            return false;
    }
    if (silence->after_s == 0)
        return value_fail(b->error, CODE_missing_field, at_child("silence", TEXT("after")),
                          "is missing: seconds after which the source counts as silent");
    if (silence->buffer != 0 && silence->place_count == 0)
        return value_fail(b->error, CODE_bad_value, at_child("silence", TEXT("buffer")),
                          "stands without locations, but is kept back from what is shown of those");
    return true;
}

/* {"units":…,"percent":…}, one of them at least. */
static bool read_limit(struct body *b, uint32_t index, struct limit *out)
{
    const struct json_node *node = &b->nodes[index];
    struct place place = at_key(node->key);
    if (node->type != JSON_OBJECT || node->count == 0)
        return value_fail(b->error, CODE_bad_value, place, "is %s, but must be an object with units or percent",
                          node->type == JSON_OBJECT ? "empty" : value_show(node).text);
    place = (struct place){-1, place.key.bytes[0] == 'c' ? "count_limit" : "max_change", TEXT_NONE};
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = b->nodes[at].next) {
        int64_t percent = 0;
        place.key = b->nodes[at].key;
        if (text_equal(place.key, TEXT("units"))) {
            if (!value_whole(b->error, &b->nodes[at], place, 0, QUANTITY_UNITS_MAX, &out->units))
                return false;
            out->has_units = true;
        } else if (text_equal(place.key, TEXT("percent"))) {
            if (!value_whole(b->error, &b->nodes[at], place, 0, LIMIT_PERCENT_MAX, &percent))
                return false;
            out->has_percent = true;
            out->percent = (uint32_t)percent;
        } else {
            return value_fail(b->error, CODE_unknown_field, place, "is not known here; a limit has units and percent");
        }
    }
    return true;
}

static bool read_policy(struct body *b, const struct json_node *node, struct place place, unsigned *out)
{
    static const struct text words[SNAPSHOT_POLICY_COUNT] = {
#define X(upper, lower) {#lower, sizeof(#lower) - 1},
        SNAPSHOT_POLICY_MAP(X)
#undef X
    };
#define X(upper, lower) " " #lower
    static const char known[] = SNAPSHOT_POLICY_MAP(X);
#undef X
    return value_word(b->error, node, place, words, SNAPSHOT_POLICY_COUNT, known, out);
}

/* {"<location>": <policy>}, sorted. */
static bool read_policies(struct body *b, uint32_t index)
{
    const struct json_node *object = &b->nodes[index];
    struct place_policies *out = &b->room->source.policies;
    if (object->type != JSON_OBJECT || object->count > COMMAND_PLACES_MAX)
        return value_fail(b->error, CODE_bad_value, at_key(object->key),
                          "is %s, but must be an object with a policy for each of at most %d locations",
                          object->type == JSON_OBJECT ? "of more" : value_show(object).text, COMMAND_PLACES_MAX);
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < object->count; k++, at = b->nodes[at].next) {
        struct json_node name = {.type = JSON_STRING, .text = b->nodes[at].key};
        struct place place = at_child("snapshot_policies", b->nodes[at].key);
        struct text location;
        unsigned policy = 0;
        if (!value_label(b->error, &name, place, name_check_utf8, &location) ||
            !read_policy(b, &b->nodes[at], place, &policy))
            return false;
        uint32_t to = out->count++;
        for (; to > 0 && config_compare(out->places[to - 1], location) > 0; to--) {
            out->places[to] = out->places[to - 1];
            out->policies[to] = out->policies[to - 1];
        }
        if (to > 0 && text_equal(out->places[to - 1], location))
            return value_fail(b->error, CODE_bad_value, place, "stands there twice");
        out->places[to] = location;
        out->policies[to] = (uint8_t)policy;
    }
    return true;
}

static bool read_source_member(struct body *b, uint32_t index, bool *out_known)
{
    const struct json_node *node = &b->nodes[index];
    struct source_config *config = &b->room->source;
    struct place place = at_key(node->key);
    if (text_equal(node->key, TEXT("zone")))
        return node->type == JSON_NULL || read_zone(b, node, &config->zone);
    if (text_equal(node->key, TEXT("ordered")))
        return node->type == JSON_NULL || value_bool(b->error, node, place, &config->ordered);
    if (text_equal(node->key, TEXT("strict")))
        return node->type == JSON_NULL || value_bool(b->error, node, place, &config->strict);
    if (text_equal(node->key, TEXT("default_condition"))) {
        if (node->type != JSON_NULL && !value_condition(b->error, node, place, &config->default_condition))
            return false;
        if (config->default_condition == CONDITION_SELLABLE)
            config->default_condition = CONDITION_NONE; /* said or not, it means the same */
        return true;
    }
    if (text_equal(node->key, TEXT("expires_in")))
        return node->type == JSON_NULL || value_expires_in(b->error, node, place, &config->expires_in_ms);
    if (text_equal(node->key, TEXT("silence")))
        return node->type == JSON_NULL || read_silence(b, index);
    if (text_equal(node->key, TEXT("count_limit")))
        return node->type == JSON_NULL || read_limit(b, index, &config->count_limit);
    if (text_equal(node->key, TEXT("max_change")))
        return node->type == JSON_NULL || read_limit(b, index, &config->max_change);
    if (text_equal(node->key, TEXT("snapshot_policy")))
        return node->type == JSON_NULL || read_policy(b, node, place, &config->snapshot_policy);
    if (text_equal(node->key, TEXT("snapshot_policies")))
        return node->type == JSON_NULL || read_policies(b, index);
    if (text_equal(node->key, TEXT("pair")))
        return node->type == JSON_NULL || value_bool(b->error, node, place, &config->pair);
    if (text_equal(node->key, TEXT("age_limit"))) {
        int64_t seconds = 0;
        if (node->type != JSON_NULL && !value_whole(b->error, node, place, 1, AGE_LIMIT_MS_MAX / 1000, &seconds))
            return false;
        config->age_limit_ms = seconds * 1000;
        return true;
    }
    *out_known = false;
    return true;
}

static bool finish_source(struct body *b)
{
    bool fits;
    b->command->source_name = b->name;
    size_t n = source_config_write(&b->room->source, b->room->form, &fits);
    return write_form(b, n, fits);
}

/* ---- channels ---- */

static bool read_bound(struct body *b, const struct json_node *node, struct optional_decimal *out)
{
    if (node->type == JSON_NULL)
        return true;
    if (!value_from_zero(b->error, node, at_key(node->key), out))
        return false;
    return out->value.places == 0 || value_fail(b->error, CODE_bad_value, at_key(node->key),
                                                "is %s, but must be whole units of every item", value_show(node).text);
}

static bool read_channel_member(struct body *b, uint32_t index, bool *out_known)
{
    const struct json_node *node = &b->nodes[index];
    struct command *command = b->command;
    struct place place = at_key(node->key);
    int64_t priority = 0;
    bool shares = true;
    if (text_equal(node->key, TEXT("locations")))
        return node->type == JSON_NULL || value_places(b->error, b->nodes, index, place, 0, b->room->places,
                                                       &command->place_count, &command->places);
    if (text_equal(node->key, TEXT("priority"))) {
        if (node->type != JSON_NULL && !value_whole(b->error, node, place, 1, PRIORITY_MAX, &priority))
            return false;
        command->priority = (uint32_t)priority;
        return true;
    }
    if (text_equal(node->key, TEXT("shares_rest"))) {
        if (node->type == JSON_NULL)
            return true;
        if (!value_bool(b->error, node, place, &shares))
            return false;
        command->shares_rest = shares ? CHOICE_YES : CHOICE_NO;
        return true;
    }
    if (text_equal(node->key, TEXT("buffer")))
        return read_bound(b, node, &command->buffer);
    if (text_equal(node->key, TEXT("cap")))
        return read_bound(b, node, &command->cap);
    *out_known = false;
    return true;
}

static bool finish_channel(struct body *b)
{
    b->command->channel = b->name;
    return true;
}

/* ---- all ---- */

static const struct kind_of_body {
    enum command_kind put, delete;
    const char *what, *fields;
    bool (*read_member)(struct body *b, uint32_t index, bool *out_known);
    bool (*finish)(struct body *b);
} bodies[NAME_SPACE_COUNT] = {
    [NAME_ITEM] = {KIND_PUT_ITEM, KIND_DELETE_ITEM, "an item",
                   "scale units aliases components gtin attributes merge", read_item_member, finish_item},
    [NAME_LOCATION] = {KIND_PUT_LOCATION, KIND_DELETE_LOCATION, "a location",
                       "parent promise zone attributes shortfall", read_location_member, finish_location},
    [NAME_SOURCE] = {KIND_PUT_SOURCE, KIND_DELETE_SOURCE, "a source",
                     "zone ordered strict default_condition expires_in silence age_limit count_limit snapshot_policy "
                     "snapshot_policies max_change pair",
                     read_source_member, finish_source},
    [NAME_CHANNEL] = {KIND_PUT_CHANNEL, KIND_DELETE_CHANNEL, "a channel",
                      "locations priority buffer cap shares_rest", read_channel_member, finish_channel},
};

/* The contract's fields that later versions will know. */
static bool is_for_later(enum name_space space, struct text key)
{
    return space == NAME_SOURCE && text_equal(key, TEXT("id_window"));
}

static void begin(struct config_room *room)
{
    /* Reading nothing leaves all defaults. */
    CHECK(item_config_read(TEXT_NONE, &room->item));
    CHECK(location_config_read(TEXT_NONE, &room->location));
    CHECK(source_config_read(TEXT_NONE, &room->source));
}

bool config_from_json(const struct json_node *nodes, uint32_t root, enum name_space space, struct text name,
                      struct config_room *room, struct command *out_command, struct command_error *out_error)
{
    const struct kind_of_body *kind = &bodies[space];
    const struct json_node *object = &nodes[root];
    struct body body = {nodes, root, room, out_command, out_error, name, kind->what};
    if (object->type != JSON_OBJECT)
        return value_fail(out_error, CODE_bad_value, at_key(TEXT_NONE), "the body of %s is %s, but must be an object",
                          kind->what, value_show(object).text);
    *out_command = command_blank(kind->put, NULL);
    out_command->source = TEXT("@api");
    begin(room);
    uint32_t at = root + 1;
    for (uint32_t k = 0; k < object->count; k++, at = nodes[at].next) {
        struct place place = at_key(nodes[at].key);
        bool known = true;
        if (!text_present(name) && text_equal(place.key, TEXT("name"))) {
            if (!value_label(out_error, &nodes[at], place, name_check_utf8, &body.name))
                return false;
            continue;
        }
        if (!kind->read_member(&body, at, &known))
            return false;
        if (!known && is_for_later(space, place.key))
            return value_fail(out_error, CODE_unknown_field, place,
                              "is a field of %s that this version has no meaning for; leave it out; there are: %s",
                              kind->what, kind->fields);
        if (!known)
            return value_fail(out_error, CODE_unknown_field, place, "is not a field of %s; there are: %s", kind->what,
                              kind->fields);
    }
    if (!text_present(body.name))
        return value_fail(out_error, CODE_missing_field, at_key(TEXT("name")), "is missing: in a stream each line has it");
    return kind->finish(&body);
}

bool config_is(enum command_kind kind)
{
    bool is = false;
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++)
        is = is || bodies[space].put == kind || bodies[space].delete == kind;
    return is;
}

struct text config_name(const struct command *command)
{
    switch ((unsigned)command->kind) {
    case KIND_PUT_ITEM:
    case KIND_DELETE_ITEM:
        return command->item;
    case KIND_PUT_LOCATION:
    case KIND_DELETE_LOCATION:
        return command->location;
    case KIND_PUT_SOURCE:
    case KIND_DELETE_SOURCE:
        return command->source_name;
    case KIND_PUT_CHANNEL:
    case KIND_DELETE_CHANNEL:
        return command->channel;
    default:
        return TEXT_NONE;
    }
}

struct command config_delete(enum name_space space, struct text name)
{
    struct command command = command_blank(bodies[space].delete, NULL);
    command.source = TEXT("@api");
    struct text *const fields[NAME_SPACE_COUNT] = {
        [NAME_ITEM] = &command.item,
        [NAME_LOCATION] = &command.location,
        [NAME_SOURCE] = &command.source_name,
        [NAME_CHANNEL] = &command.channel,
    };
    *fields[space] = name;
    return command;
}
