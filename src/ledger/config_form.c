/*
 *     item      u8 bits | units: varint n, n x (text name, varint numerator, varint denominator)
 *               | aliases: varint n, n x (text source, empty for a merged name; text name)
 *               | components: varint n, n x (text item, zigzag digits, u8 places) | gtin | attributes | merge
 *     location  u8 bits | text parent | zone | attributes | shortfall: u8 n, n x u8 criterion
 *     source    u8 bits | zone | u8 default condition | varint expires in
 *               | silence: varint after, varint n, n x text location; where there are any: varint buffer
 *               | brakes: u8 bits | varint age limit | limit of counts | max_change | u8 policy
 *                         | policies of locations: varint n, n x (text location, u8 policy)
 *     zone      text name | zigzag offset | varint n | n x (zigzag first from, varint later ones from the one before,
 *               zigzag offset)
 */
#include "ledger/config_form.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/checked.h"
#include "ledger/event.h"

/* Stored in journals: append only, never renumber (docs/format.md). */
enum { ITEM_UNITS = 1, ITEM_ALIASES = 2, ITEM_COMPONENTS = 4, ITEM_GTIN = 8, ITEM_ATTRIBUTES = 16, ITEM_MERGE = 32,
       ITEM_ALL = 63 };
enum { LOCATION_PARENT = 1, LOCATION_NO_PROMISE = 2, LOCATION_ZONE = 4, LOCATION_ATTRIBUTES = 8,
       LOCATION_SHORTFALL = 16, LOCATION_ALL = 31 };
enum { SOURCE_ZONE = 1, SOURCE_ORDERED = 2, SOURCE_STRICT = 4, SOURCE_CONDITION = 8, SOURCE_EXPIRES_IN = 16,
       SOURCE_SILENCE = 32, SOURCE_BRAKES = 64, SOURCE_ALL = 127 };
/* What its statements may change. */
enum { BRAKES_AGE = 1, BRAKES_COUNT = 2, BRAKES_CHANGE = 4, BRAKES_POLICY = 8, BRAKES_PAIR = 16, BRAKES_PLACES = 32, BRAKES_ALL = 63 };
enum { LIMIT_UNITS = 1, LIMIT_PERCENT = 2, LIMIT_ALL = 3 };

const char *shortfall_name(enum shortfall_criterion criterion)
{
    static const char *const names[SHORTFALL_COUNT] = {
#define X(upper, lower) #lower,
        SHORTFALL_MAP(X)
#undef X
    };
    return names[criterion];
}

int config_compare(struct text a, struct text b)
{
    uint32_t n = a.length < b.length ? a.length : b.length;
    int order = n == 0 ? 0 : memcmp(a.bytes, b.bytes, n);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

bool gtin_valid(struct text text)
{
    unsigned sum = 0;
    if (text.length != 8 && text.length != 12 && text.length != 13 && text.length != 14)
        return false;
    /* From the right, the check digit counts once, the next three times, and so on: the sum ends in 0. */
    for (uint32_t i = 0; i < text.length; i++) {
        char digit = text.bytes[text.length - 1 - i];
        if (digit < '0' || digit > '9')
            return false;
        sum += (unsigned)(digit - '0') * (i % 2 == 0 ? 1 : 3);
    }
    return sum % 10 == 0;
}

/* ---- writing ---- */

static void write_zone(struct writer *w, const struct zone *zone)
{
    CHECK(zone->change_count <= ZONE_CHANGES_MAX);
    write_text(w, zone->name);
    write_zigzag(w, zone->offset_s);
    write_varint(w, zone->change_count);
    for (uint32_t i = 0; i < zone->change_count; i++) {
        const struct zone_change *change = &zone->changes[i];
        if (i == 0)
            write_zigzag(w, change->from_s);
        else
            write_varint(w, (uint64_t)(change->from_s - change[-1].from_s));
        write_zigzag(w, change->offset_s);
    }
}

static void write_silence(struct writer *w, const struct silence_config *silence)
{
    write_varint(w, (uint64_t)silence->after_s);
    write_varint(w, silence->place_count);
    for (uint32_t i = 0; i < silence->place_count; i++)
        write_text(w, silence->places[i]);
    if (silence->place_count != 0)
        write_varint(w, (uint64_t)silence->buffer);
}

static size_t finish(const struct writer *w, unsigned bits, bool *out_fits)
{
    *out_fits = !w->full;
    return bits == 0 ? 0 : writer_bytes(w);
}

size_t item_config_write(const struct item_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits)
{
    struct writer w = writer_of(out_form, CONFIG_BYTES_MAX);
    unsigned bits = (config->unit_count != 0 ? ITEM_UNITS : 0u) | (config->alias_count != 0 ? ITEM_ALIASES : 0u) |
                    (config->component_count != 0 ? ITEM_COMPONENTS : 0u) |
                    (text_present(config->gtin) ? ITEM_GTIN : 0u) |
                    (text_present(config->attributes) ? ITEM_ATTRIBUTES : 0u) |
                    (text_present(config->merge) ? ITEM_MERGE : 0u);
    write_u8(&w, (uint8_t)bits);
    if (config->unit_count != 0)
        write_varint(&w, config->unit_count);
    for (uint32_t i = 0; i < config->unit_count; i++) {
        write_text(&w, config->units[i].name);
        write_varint(&w, (uint64_t)config->units[i].numerator);
        write_varint(&w, (uint64_t)config->units[i].denominator);
    }
    if (config->alias_count != 0)
        write_varint(&w, config->alias_count);
    for (uint32_t i = 0; i < config->alias_count; i++) {
        write_text(&w, config->aliases[i].source);
        write_text(&w, config->aliases[i].name);
    }
    if (config->component_count != 0)
        write_varint(&w, config->component_count);
    for (uint32_t i = 0; i < config->component_count; i++) {
        write_text(&w, config->components[i].item);
        write_zigzag(&w, config->components[i].quantity.digits);
        write_u8(&w, config->components[i].quantity.places);
    }
    if (text_present(config->gtin))
        write_text(&w, config->gtin);
    if (text_present(config->attributes))
        write_text(&w, config->attributes);
    if (text_present(config->merge))
        write_text(&w, config->merge);
    return finish(&w, bits, out_fits);
}

size_t location_config_write(const struct location_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits)
{
    struct writer w = writer_of(out_form, CONFIG_BYTES_MAX);
    unsigned bits = (text_present(config->parent) ? LOCATION_PARENT : 0u) |
                    (config->no_promise ? LOCATION_NO_PROMISE : 0u) |
                    (text_present(config->zone.name) ? LOCATION_ZONE : 0u) |
                    (text_present(config->attributes) ? LOCATION_ATTRIBUTES : 0u) |
                    (config->shortfall.count != 0 ? LOCATION_SHORTFALL : 0u);
    write_u8(&w, (uint8_t)bits);
    if (text_present(config->parent))
        write_text(&w, config->parent);
    if (text_present(config->zone.name))
        write_zone(&w, &config->zone);
    if (text_present(config->attributes))
        write_text(&w, config->attributes);
    if (config->shortfall.count != 0)
        write_u8(&w, config->shortfall.count);
    for (unsigned i = 0; i < config->shortfall.count; i++)
        write_u8(&w, config->shortfall.criteria[i]);
    return finish(&w, bits, out_fits);
}

static bool limit_is_set(const struct limit *limit)
{
    return limit->has_units || limit->has_percent;
}

static void write_limit(struct writer *w, const struct limit *limit)
{
    write_u8(w, (uint8_t)((limit->has_units ? LIMIT_UNITS : 0) | (limit->has_percent ? LIMIT_PERCENT : 0)));
    if (limit->has_units)
        write_varint(w, (uint64_t)limit->units);
    if (limit->has_percent)
        write_varint(w, limit->percent);
}

static void write_policies(struct writer *w, const struct place_policies *policies)
{
    write_varint(w, policies->count);
    for (uint32_t i = 0; i < policies->count; i++) {
        write_text(w, policies->places[i]);
        write_u8(w, policies->policies[i]);
    }
}

size_t source_config_write(const struct source_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits)
{
    struct writer w = writer_of(out_form, CONFIG_BYTES_MAX);
    unsigned bits = (text_present(config->zone.name) ? SOURCE_ZONE : 0u) | (config->ordered ? SOURCE_ORDERED : 0u) |
                    (config->strict ? SOURCE_STRICT : 0u) |
                    (config->default_condition != CONDITION_NONE ? SOURCE_CONDITION : 0u) |
                    (config->expires_in_ms != EXPIRES_DEFAULT ? SOURCE_EXPIRES_IN : 0u) |
                    (config->silence.after_s != 0 ? SOURCE_SILENCE : 0u);
    unsigned brakes = (config->age_limit_ms != 0 ? BRAKES_AGE : 0u) |
                      (limit_is_set(&config->count_limit) ? BRAKES_COUNT : 0u) |
                      (limit_is_set(&config->max_change) ? BRAKES_CHANGE : 0u) |
                      (config->snapshot_policy != 0 ? BRAKES_POLICY : 0u) | (config->pair ? BRAKES_PAIR : 0u) |
                      (config->policies.count != 0 ? BRAKES_PLACES : 0u);
    bits |= brakes != 0 ? SOURCE_BRAKES : 0u;
    write_u8(&w, (uint8_t)bits);
    if (text_present(config->zone.name))
        write_zone(&w, &config->zone);
    if (config->default_condition != CONDITION_NONE)
        write_u8(&w, (uint8_t)config->default_condition);
    if (config->expires_in_ms != EXPIRES_DEFAULT)
        write_varint(&w, (uint64_t)config->expires_in_ms);
    if (config->silence.after_s != 0)
        write_silence(&w, &config->silence);
    if (brakes != 0)
        write_u8(&w, (uint8_t)brakes);
    if (config->age_limit_ms != 0)
        write_varint(&w, (uint64_t)config->age_limit_ms);
    if (limit_is_set(&config->count_limit))
        write_limit(&w, &config->count_limit);
    if (limit_is_set(&config->max_change))
        write_limit(&w, &config->max_change);
    if (config->snapshot_policy != 0)
        write_u8(&w, (uint8_t)config->snapshot_policy);
    if (config->policies.count != 0)
        write_policies(&w, &config->policies);
    return finish(&w, bits, out_fits);
}

/* ---- reading ---- */

static void refuse(struct reader *r, bool bad)
{
    r->bad = r->bad || bad;
}

static struct text read_some(struct reader *r, uint32_t bytes_max)
{
    struct text text = read_text(r, bytes_max);
    refuse(r, text.length == 0);
    return text;
}

/* 1 to most. */
static uint32_t read_count(struct reader *r, uint32_t most)
{
    uint64_t count = read_varint(r);
    refuse(r, count == 0 || count > most);
    return r->bad ? 0 : (uint32_t)count;
}

static int64_t read_positive(struct reader *r, int64_t most)
{
    uint64_t value = read_varint(r);
    refuse(r, value == 0 || value > (uint64_t)most);
    return r->bad ? 1 : (int64_t)value;
}

static void read_unit(struct reader *r, struct config_unit *out_unit)
{
    out_unit->name = read_some(r, UNIT_BYTES_MAX);
    out_unit->numerator = read_positive(r, UNIT_NUMERATOR_MAX);
    out_unit->denominator = read_positive(r, UNIT_DENOMINATOR_MAX);
    refuse(r, greatest_common_divisor(out_unit->numerator, out_unit->denominator) != 1);
}

static void read_alias(struct reader *r, struct config_alias *out_alias)
{
    out_alias->source = read_text(r, NAME_BYTES_MAX);
    if (out_alias->source.length == 0)
        out_alias->source = TEXT_NONE;
    out_alias->name = read_some(r, NAME_BYTES_MAX);
}

static int compare_aliases(const struct config_alias *a, const struct config_alias *b)
{
    int order = config_compare(a->source, b->source);
    return order != 0 ? order : config_compare(a->name, b->name);
}

static void read_component(struct reader *r, struct config_component *out_component)
{
    out_component->item = read_some(r, NAME_BYTES_MAX);
    out_component->quantity.digits = read_zigzag(r);
    out_component->quantity.places = read_u8(r);
    struct decimal quantity = out_component->quantity;
    refuse(r, quantity.digits <= 0 || quantity.digits > QUANTITY_UNITS_MAX || quantity.places > DECIMAL_PLACES_MAX ||
                  (quantity.places != 0 && quantity.digits % 10 == 0));
}

static void read_zone(struct reader *r, struct zone *out_zone)
{
    out_zone->name = read_some(r, ZONE_NAME_BYTES_MAX);
    int64_t offset = read_zigzag(r);
    refuse(r, offset < -ZONE_OFFSET_S_MAX || offset > ZONE_OFFSET_S_MAX);
    out_zone->offset_s = r->bad ? 0 : (int32_t)offset;
    uint64_t count = read_varint(r);
    refuse(r, count > ZONE_CHANGES_MAX);
    out_zone->change_count = r->bad ? 0 : (uint32_t)count;
    int64_t before = offset, from_s = 0;
    for (uint32_t i = 0; i < out_zone->change_count && !r->bad; i++) {
        if (i == 0) {
            from_s = read_zigzag(r);
            refuse(r, from_s < -ZONE_TIME_S_MAX || from_s > ZONE_TIME_S_MAX);
        } else {
            uint64_t later = read_varint(r);
            refuse(r, later == 0 || later > (uint64_t)(ZONE_TIME_S_MAX - from_s));
            from_s = r->bad ? 0 : from_s + (int64_t)later;
        }
        offset = read_zigzag(r);
        refuse(r, offset < -ZONE_OFFSET_S_MAX || offset > ZONE_OFFSET_S_MAX || offset == before);
        out_zone->changes[i] = (struct zone_change){from_s, r->bad ? 0 : (int32_t)offset};
        before = offset;
    }
}

static void read_silence(struct reader *r, struct silence_config *out_silence)
{
    out_silence->after_s = read_positive(r, SILENCE_S_MAX);
    uint64_t count = read_varint(r);
    refuse(r, count > COMMAND_PLACES_MAX);
    out_silence->place_count = r->bad ? 0 : (uint32_t)count;
    for (uint32_t i = 0; i < out_silence->place_count && !r->bad; i++) {
        struct text *place = &out_silence->places[i];
        *place = read_some(r, NAME_BYTES_MAX);
        refuse(r, i > 0 && config_compare(place[-1], *place) >= 0);
    }
    if (out_silence->place_count == 0)
        return;
    uint64_t buffer = read_varint(r);
    refuse(r, buffer > (uint64_t)QUANTITY_UNITS_MAX);
    out_silence->buffer = r->bad ? 0 : (int64_t)buffer;
}

static void read_shortfall(struct reader *r, struct shortfall *out_shortfall)
{
    unsigned seen = 0;
    out_shortfall->count = read_u8(r);
    refuse(r, out_shortfall->count == 0 || out_shortfall->count > SHORTFALL_COUNT);
    for (unsigned i = 0; i < out_shortfall->count && !r->bad; i++) {
        unsigned criterion = read_u8(r);
        refuse(r, criterion >= SHORTFALL_COUNT || (seen >> criterion & 1) != 0);
        seen |= 1u << (criterion & 7);
        out_shortfall->criteria[i] = (uint8_t)criterion;
    }
}

/* Reads the bits. False when there is nothing to be read. */
static bool read_bits(struct reader *r, struct text form, unsigned all, unsigned *out_bits)
{
    *r = reader_of(form.bytes, form.length);
    *out_bits = 0;
    if (form.length == 0)
        return false;
    *out_bits = read_u8(r);
    refuse(r, *out_bits == 0 || (*out_bits & ~all) != 0);
    return true;
}

static bool is_whole(const struct reader *r)
{
    return !r->bad && reader_left(r) == 0;
}

bool item_config_read(struct text form, struct item_config *out_config)
{
    struct reader r;
    unsigned bits;
    out_config->unit_count = out_config->alias_count = out_config->component_count = 0;
    out_config->gtin = out_config->attributes = out_config->merge = TEXT_NONE;
    if (!read_bits(&r, form, ITEM_ALL, &bits))
        return true;
    refuse(&r, (bits & ITEM_MERGE) != 0 && bits != ITEM_MERGE);
    if ((bits & ITEM_UNITS) != 0)
        out_config->unit_count = read_count(&r, UNITS_MAX);
    for (uint32_t i = 0; i < out_config->unit_count && !r.bad; i++) {
        struct config_unit *unit = &out_config->units[i];
        read_unit(&r, unit);
        refuse(&r, i > 0 && config_compare(unit[-1].name, unit->name) >= 0);
    }
    if (!r.bad && (bits & ITEM_ALIASES) != 0)
        out_config->alias_count = read_count(&r, ALIASES_MAX);
    for (uint32_t i = 0; i < out_config->alias_count && !r.bad; i++) {
        struct config_alias *alias = &out_config->aliases[i];
        read_alias(&r, alias);
        refuse(&r, i > 0 && compare_aliases(alias - 1, alias) >= 0);
    }
    if (!r.bad && (bits & ITEM_COMPONENTS) != 0)
        out_config->component_count = read_count(&r, COMPONENTS_MAX);
    for (uint32_t i = 0; i < out_config->component_count && !r.bad; i++) {
        struct config_component *component = &out_config->components[i];
        read_component(&r, component);
        refuse(&r, i > 0 && config_compare(component[-1].item, component->item) >= 0);
    }
    if ((bits & ITEM_GTIN) != 0) {
        out_config->gtin = read_some(&r, GTIN_BYTES_MAX);
        refuse(&r, !r.bad && !gtin_valid(out_config->gtin));
    }
    if ((bits & ITEM_ATTRIBUTES) != 0)
        out_config->attributes = read_some(&r, ATTRIBUTES_BYTES_MAX);
    if ((bits & ITEM_MERGE) != 0)
        out_config->merge = read_some(&r, NAME_BYTES_MAX);
    return is_whole(&r);
}

bool location_config_read(struct text form, struct location_config *out_config)
{
    struct reader r;
    unsigned bits;
    out_config->parent = out_config->attributes = out_config->zone.name = TEXT_NONE;
    out_config->zone.offset_s = 0;
    out_config->zone.change_count = 0;
    out_config->no_promise = false;
    out_config->shortfall = (struct shortfall){0, {0}};
    if (!read_bits(&r, form, LOCATION_ALL, &bits))
        return true;
    out_config->no_promise = (bits & LOCATION_NO_PROMISE) != 0;
    if ((bits & LOCATION_PARENT) != 0)
        out_config->parent = read_some(&r, NAME_BYTES_MAX);
    if ((bits & LOCATION_ZONE) != 0)
        read_zone(&r, &out_config->zone);
    if ((bits & LOCATION_ATTRIBUTES) != 0)
        out_config->attributes = read_some(&r, ATTRIBUTES_BYTES_MAX);
    if ((bits & LOCATION_SHORTFALL) != 0)
        read_shortfall(&r, &out_config->shortfall);
    return is_whole(&r);
}

static void read_limit(struct reader *r, struct limit *limit)
{
    unsigned bits = read_u8(r);
    refuse(r, bits == 0 || bits > LIMIT_ALL);
    limit->has_units = (bits & LIMIT_UNITS) != 0;
    limit->has_percent = (bits & LIMIT_PERCENT) != 0;
    uint64_t units = limit->has_units ? read_varint(r) : 0;
    uint64_t percent = limit->has_percent ? read_varint(r) : 0;
    refuse(r, units > (uint64_t)QUANTITY_UNITS_MAX || percent > LIMIT_PERCENT_MAX);
    limit->units = (int64_t)units;
    limit->percent = (uint32_t)percent;
}

static void read_policies(struct reader *r, struct place_policies *out_policies)
{
    int64_t count = read_positive(r, COMMAND_PLACES_MAX);
    out_policies->count = r->bad ? 0 : (uint32_t)count;
    for (uint32_t i = 0; i < out_policies->count && !r->bad; i++) {
        struct text *place = &out_policies->places[i];
        *place = read_some(r, NAME_BYTES_MAX);
        refuse(r, i > 0 && config_compare(place[-1], *place) >= 0);
        out_policies->policies[i] = (uint8_t)read_u8(r);
        refuse(r, out_policies->policies[i] >= SNAPSHOT_POLICY_COUNT);
    }
}

static void read_brakes(struct reader *r, struct source_config *config)
{
    unsigned brakes = read_u8(r);
    refuse(r, brakes == 0 || brakes > BRAKES_ALL);
    config->pair = (brakes & BRAKES_PAIR) != 0;
    if ((brakes & BRAKES_AGE) != 0) {
        uint64_t ms = read_varint(r);
        refuse(r, ms == 0 || ms > AGE_LIMIT_MS_MAX);
        config->age_limit_ms = (int64_t)ms;
    }
    if ((brakes & BRAKES_COUNT) != 0)
        read_limit(r, &config->count_limit);
    if ((brakes & BRAKES_CHANGE) != 0)
        read_limit(r, &config->max_change);
    if ((brakes & BRAKES_POLICY) != 0) {
        config->snapshot_policy = read_u8(r);
        refuse(r, config->snapshot_policy == 0 || config->snapshot_policy >= SNAPSHOT_POLICY_COUNT);
    }
    if ((brakes & BRAKES_PLACES) != 0)
        read_policies(r, &config->policies);
}

bool source_config_read(struct text form, struct source_config *out_config)
{
    struct reader r;
    unsigned bits;
    out_config->zone.name = TEXT_NONE;
    out_config->zone.offset_s = 0;
    out_config->zone.change_count = 0;
    out_config->ordered = out_config->strict = false;
    out_config->default_condition = CONDITION_NONE;
    out_config->expires_in_ms = EXPIRES_DEFAULT;
    out_config->silence.after_s = out_config->silence.buffer = 0;
    out_config->silence.place_count = 0;
    out_config->age_limit_ms = 0;
    out_config->count_limit = out_config->max_change = (struct limit){.units = 0};
    out_config->snapshot_policy = 0;
    out_config->policies.count = 0;
    out_config->pair = false;
    if (!read_bits(&r, form, SOURCE_ALL, &bits))
        return true;
    out_config->ordered = (bits & SOURCE_ORDERED) != 0;
    out_config->strict = (bits & SOURCE_STRICT) != 0;
    if ((bits & SOURCE_ZONE) != 0)
        read_zone(&r, &out_config->zone);
    if ((bits & SOURCE_CONDITION) != 0) {
        unsigned condition = read_u8(&r);
        refuse(&r, condition >= CONDITION_COUNT);
        out_config->default_condition = r.bad ? CONDITION_NONE : (enum condition)condition;
    }
    if ((bits & SOURCE_EXPIRES_IN) != 0) {
        uint64_t ms = read_varint(&r);
        refuse(&r, ms > (uint64_t)INT64_MAX);
        out_config->expires_in_ms = r.bad ? EXPIRES_DEFAULT : (int64_t)ms;
    }
    if ((bits & SOURCE_SILENCE) != 0)
        read_silence(&r, &out_config->silence);
    if ((bits & SOURCE_BRAKES) != 0)
        read_brakes(&r, out_config);
    return is_whole(&r);
}

/* ---- units ---- */

bool item_config_unit(struct text form, struct text name, struct config_unit *out_unit)
{
    struct reader r;
    unsigned bits;
    if (!read_bits(&r, form, ITEM_ALL, &bits) || (bits & ITEM_UNITS) == 0)
        return false;
    uint32_t count = read_count(&r, UNITS_MAX);
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        read_unit(&r, out_unit);
        if (text_equal(out_unit->name, name))
            return !r.bad;
    }
    return false;
}

/* Takes what both have in common out of both. */
static void reduce(int64_t *a, int64_t *b)
{
    int64_t divisor = greatest_common_divisor(*a, *b);
    *a /= divisor;
    *b /= divisor;
}

enum unit_status unit_to_units(struct decimal quantity, const struct config_unit *unit, unsigned scale,
                               int64_t *out_units)
{
    int64_t powers[2] = {1, 1}; /* of 10, for the scale and for the quantity's places */
    for (unsigned i = 0; i < scale; i++)
        powers[0] *= 10;
    for (unsigned i = 0; i < quantity.places; i++)
        powers[1] *= 10;
    _Static_assert(UNIT_DENOMINATOR_MAX <= INT64_MAX / 1000000, "a denominator times 10^6 fits");
    int64_t digits = quantity.digits < 0 ? -quantity.digits : quantity.digits;
    int64_t numerator = unit->numerator;
    int64_t denominator = unit->denominator * powers[1];
    if (digits == 0) {
        *out_units = 0;
        return UNIT_OK;
    }
    reduce(&digits, &denominator);
    reduce(&numerator, &denominator);
    reduce(&powers[0], &denominator);
    if (denominator != 1)
        return UNIT_UNEVEN;
    int64_t units;
    if (!checked_mul(digits, numerator, &units) || !checked_mul(units, powers[0], &units) || !quantity_in_range(units))
        return UNIT_OUT_OF_RANGE;
    *out_units = quantity.digits < 0 ? -units : units;
    return UNIT_OK;
}

/* ---- zones ---- */

#define SECOND_US INT64_C(1000000)

/* The offset from change `index` on; 0 is the time before the first. */
static int64_t offset_us(const struct zone *zone, uint32_t index)
{
    return (index == 0 ? zone->offset_s : zone->changes[index - 1].offset_s) * SECOND_US;
}

static int64_t from_us(const struct zone *zone, uint32_t index)
{
    return index == 0 ? INT64_MIN : zone->changes[index - 1].from_s * SECOND_US;
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_us)
{
    uint32_t index = zone->change_count;
    while (index > 0 && from_us(zone, index) > utc_us)
        index--;
    return index == 0 ? zone->offset_s : zone->changes[index - 1].offset_s;
}

/* The first moment that shows this local time; when none does, the change that leaps over it, *out_leapt then. */
static int64_t first_moment_us(const struct zone *zone, int64_t local_us, uint32_t *out_leapt)
{
    *out_leapt = 0;
    for (uint32_t i = 0; i < zone->change_count; i++) {
        int64_t moment = local_us - offset_us(zone, i);
        int64_t change = from_us(zone, i + 1);
        if (moment < change) {
            if (moment >= from_us(zone, i))
                return moment;
            *out_leapt = i; /* already past it when this offset began */
            return from_us(zone, i);
        }
    }
    int64_t moment = local_us - offset_us(zone, zone->change_count);
    if (moment >= from_us(zone, zone->change_count))
        return moment;
    *out_leapt = zone->change_count;
    return from_us(zone, zone->change_count);
}

int64_t zone_to_utc_us(const struct zone *zone, int64_t local_us)
{
    uint32_t leapt;
    int64_t moment = first_moment_us(zone, local_us, &leapt);
    return leapt == 0 ? moment : local_us - offset_us(zone, leapt - 1);
}

int64_t zone_day_start_us(const struct zone *zone, int64_t midnight_utc_us)
{
    uint32_t leapt;
    return first_moment_us(zone, midnight_utc_us, &leapt);
}
