/*
 * Bodies of configuration: as PUT took them, from their binary form. What has its default is left out.
 */
#include "api/render.h"

#include "ledger/config_form.h"

static void render_member(struct buffer *out, const char *key)
{
    buffer_literal(out, ",\"");
    buffer_text(out, text_of(key, strlen(key)));
    buffer_literal(out, "\":");
}

static void comma_unless_first(struct buffer *out, bool *first)
{
    if (!*first)
        buffer_byte(out, ',');
    *first = false;
}

/* Canonical JSON already. */
static void render_attributes(struct buffer *out, struct text attributes)
{
    if (!text_present(attributes))
        return;
    render_member(out, "attributes");
    buffer_text(out, attributes);
}

static void render_zone(struct buffer *out, const struct zone *zone)
{
    if (!text_present(zone->name))
        return;
    render_member(out, "zone");
    json_string(out, zone->name);
}

/* A number where it has an end, "1/3" where it has none. */
static void render_ratio(struct buffer *out, const struct config_unit *unit)
{
    int64_t digits = unit->numerator;
    unsigned places = 0;
    for (int64_t power = 1; places <= DECIMAL_PLACES_MAX; places++, power *= 10) {
        if (power % unit->denominator == 0 && digits <= QUANTITY_UNITS_MAX / (power / unit->denominator)) {
            json_units(out, digits * (power / unit->denominator), places);
            return;
        }
    }
    buffer_byte(out, '"');
    json_i64(out, unit->numerator);
    buffer_byte(out, '/');
    json_i64(out, unit->denominator);
    buffer_byte(out, '"');
}

static void render_units(struct buffer *out, const struct item_config *config)
{
    if (config->unit_count == 0)
        return;
    bool first = true;
    render_member(out, "units");
    buffer_byte(out, '{');
    for (uint32_t i = 0; i < config->unit_count; i++) {
        comma_unless_first(out, &first);
        json_string(out, config->units[i].name);
        buffer_byte(out, ':');
        render_ratio(out, &config->units[i]);
    }
    buffer_byte(out, '}');
}

/* The names of one source, from `at` on; returns where the next source's begin. */
static uint32_t render_names(struct buffer *out, const struct item_config *config, uint32_t at)
{
    struct text source = config->aliases[at].source;
    bool first = true;
    buffer_byte(out, '[');
    for (; at < config->alias_count && text_equal(config->aliases[at].source, source); at++) {
        comma_unless_first(out, &first);
        json_string(out, config->aliases[at].name);
    }
    buffer_byte(out, ']');
    return at;
}

static void render_aliases(struct buffer *out, const struct item_config *config)
{
    uint32_t at = 0;
    bool first = true;
    if (config->alias_count != 0 && !text_present(config->aliases[0].source)) {
        render_member(out, "merged");
        at = render_names(out, config, 0);
    }
    if (at == config->alias_count)
        return;
    render_member(out, "aliases");
    buffer_byte(out, '{');
    while (at < config->alias_count) {
        comma_unless_first(out, &first);
        json_string(out, config->aliases[at].source);
        buffer_byte(out, ':');
        at = render_names(out, config, at);
    }
    buffer_byte(out, '}');
}

static void render_components(struct buffer *out, const struct item_config *config)
{
    if (config->component_count == 0)
        return;
    bool first = true;
    render_member(out, "components");
    buffer_byte(out, '[');
    for (uint32_t i = 0; i < config->component_count; i++) {
        const struct config_component *component = &config->components[i];
        comma_unless_first(out, &first);
        buffer_literal(out, "{\"item\":");
        json_string(out, component->item);
        buffer_literal(out, ",\"quantity\":");
        json_units(out, component->quantity.digits, component->quantity.places);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

static void render_item_config(struct buffer *out, struct text form)
{
    struct item_config config;
    if (!item_config_read(form, &config))
        return;
    render_units(out, &config);
    render_aliases(out, &config);
    render_components(out, &config);
    if (text_present(config.gtin)) {
        render_member(out, "gtin");
        json_string(out, config.gtin);
    }
    render_attributes(out, config.attributes);
    if (text_present(config.merge)) {
        render_member(out, "merge");
        json_string(out, config.merge);
    }
}

static void render_shortfall(struct buffer *out, const struct shortfall *shortfall)
{
    bool first = true;
    if (shortfall->count == 0)
        return;
    render_member(out, "shortfall");
    buffer_byte(out, '[');
    for (unsigned i = 0; i < shortfall->count; i++) {
        const char *name = shortfall_name((enum shortfall_criterion)shortfall->criteria[i]);
        comma_unless_first(out, &first);
        json_string(out, text_of(name, strlen(name)));
    }
    buffer_byte(out, ']');
}

static void render_location_config(struct buffer *out, struct text form)
{
    struct location_config config;
    if (!location_config_read(form, &config))
        return;
    if (text_present(config.parent)) {
        render_member(out, "parent");
        json_string(out, config.parent);
    }
    render_member(out, "promise");
    json_bool(out, !config.no_promise);
    render_zone(out, &config.zone);
    render_attributes(out, config.attributes);
    render_shortfall(out, &config.shortfall);
}

static void render_silence_config(struct buffer *out, const struct silence_config *silence)
{
    bool first = true;
    render_member(out, "silence");
    buffer_literal(out, "{\"after\":");
    json_i64(out, silence->after_s);
    if (silence->place_count != 0) {
        render_member(out, "locations");
        buffer_byte(out, '[');
        for (uint32_t i = 0; i < silence->place_count; i++) {
            comma_unless_first(out, &first);
            json_string(out, silence->places[i]);
        }
        buffer_byte(out, ']');
    }
    if (silence->buffer != 0) {
        render_member(out, "buffer");
        json_i64(out, silence->buffer);
    }
    buffer_byte(out, '}');
}

static void render_policies(struct buffer *out, const struct place_policies *policies)
{
    bool first = true;
    render_member(out, "snapshot_policies");
    buffer_byte(out, '{');
    for (uint32_t i = 0; i < policies->count; i++) {
        const char *policy = snapshot_policy_name((enum snapshot_policy)policies->policies[i]);
        comma_unless_first(out, &first);
        json_string(out, policies->places[i]);
        buffer_byte(out, ':');
        json_string(out, text_of(policy, strlen(policy)));
    }
    buffer_byte(out, '}');
}

static void render_limit(struct buffer *out, const char *name, const struct limit *limit)
{
    if (!limit->has_units && !limit->has_percent)
        return;
    render_member(out, name);
    buffer_byte(out, '{');
    if (limit->has_units) {
        buffer_literal(out, "\"units\":");
        json_i64(out, limit->units);
    }
    if (limit->has_percent) {
        if (limit->has_units)
            buffer_byte(out, ',');
        buffer_literal(out, "\"percent\":");
        json_u64(out, limit->percent);
    }
    buffer_byte(out, '}');
}

static void render_source_config(struct buffer *out, struct text form)
{
    struct source_config config;
    if (!source_config_read(form, &config))
        return;
    render_zone(out, &config.zone);
    render_member(out, "ordered");
    json_bool(out, config.ordered);
    render_member(out, "strict");
    json_bool(out, config.strict);
    if (config.default_condition != CONDITION_NONE) {
        const char *condition = condition_name(config.default_condition);
        render_member(out, "default_condition");
        json_string(out, text_of(condition, strlen(condition)));
    }
    if (config.expires_in_ms != EXPIRES_DEFAULT) {
        render_member(out, "expires_in");
        json_units(out, config.expires_in_ms, 3);
    }
    if (config.silence.after_s != 0)
        render_silence_config(out, &config.silence);
    if (config.age_limit_ms != 0) {
        render_member(out, "age_limit");
        json_i64(out, config.age_limit_ms / 1000);
    }
    render_limit(out, "count_limit", &config.count_limit);
    if (config.snapshot_policy != SNAPSHOT_REBASE) {
        const char *policy = snapshot_policy_name((enum snapshot_policy)config.snapshot_policy);
        render_member(out, "snapshot_policy");
        json_string(out, text_of(policy, strlen(policy)));
    }
    if (config.policies.count != 0)
        render_policies(out, &config.policies);
    render_limit(out, "max_change", &config.max_change);
    if (config.pair) {
        render_member(out, "pair");
        json_bool(out, true);
    }
}

/* The members of an item's, a location's or a source's body, each with a comma before it. */
static void render_form(struct buffer *out, enum name_space space, struct text form)
{
    if (space == NAME_ITEM)
        render_item_config(out, form);
    else if (space == NAME_LOCATION)
        render_location_config(out, form);
    else if (space == NAME_SOURCE)
        render_source_config(out, form);
}

/* The same of a channel. */
static void render_channel(struct buffer *out, const struct render *render, const struct channel_view *channel)
{
    bool first = true;
    render_member(out, "locations");
    buffer_byte(out, '[');
    for (uint32_t i = 0; i < channel->place_count; i++) {
        comma_unless_first(out, &first);
        json_string(out, render_name(render, NAME_LOCATION, channel->places[i]));
    }
    buffer_byte(out, ']');
    render_member(out, "priority");
    if (channel->priority == 0)
        buffer_literal(out, "null");
    else
        json_u64(out, channel->priority);
    render_member(out, "shares_rest");
    json_bool(out, channel->shares_rest);
    render_member(out, "buffer");
    json_i64(out, channel->buffer);
    render_member(out, "cap");
    if (channel->has_cap)
        json_i64(out, channel->cap);
    else
        buffer_literal(out, "null");
}

/* Microseconds in seconds. */
static void render_seconds(struct buffer *out, const char *key, uint64_t us)
{
    render_member(out, key);
    json_units(out, (int64_t)us, 6);
}

static void render_count(struct buffer *out, const char *key, uint64_t count)
{
    render_member(out, key);
    json_u64(out, count);
}

/* null for one of which nothing is counted. */
static void render_quality(struct buffer *out, const struct config_copy *config)
{
    const struct quality_counts *counts = &config->counts;
    render_member(out, "quality");
    if (!config->has_quality) {
        buffer_literal(out, "null");
        return;
    }
    buffer_literal(out, "{\"heard_at\":");
    if (counts->heard_us == 0)
        buffer_literal(out, "null");
    else
        json_time(out, counts->heard_us);
    render_count(out, "accepted", counts->accepted);
    render_count(out, "refused", counts->refused);
    render_count(out, "invalid", counts->invalid);
    render_count(out, "replayed", counts->replayed);
    render_count(out, "contradictions", counts->contradictions);
    render_count(out, "clock_skew", counts->clock_skew);
    render_member(out, "lateness");
    buffer_literal(out, "{\"commands\":");
    json_u64(out, config->lateness.count);
    render_seconds(out, "p50", config->lateness.p50_us);
    render_seconds(out, "p99", config->lateness.p99_us);
    render_seconds(out, "max", config->lateness.max_us);
    buffer_literal(out, "}}");
}

void render_config(struct buffer *out, const struct render *render, const struct config_copy *config)
{
    static const char *const words[NAME_SPACE_COUNT] = {"item", "location", "source", "channel"};
    buffer_literal(out, "{\"");
    buffer_append(out, words[config->space], strlen(words[config->space]));
    buffer_literal(out, "\":");
    json_string(out, config->name);
    if (config->space == NAME_ITEM) {
        render_member(out, "scale");
        json_u64(out, config->scale);
    }
    render_member(out, "provisional");
    json_bool(out, config->stamp == 0);
    if (config->space == NAME_CHANNEL)
        render_channel(out, render, &config->channel);
    else
        render_form(out, config->space, config->form);
    if (config->has_seq) {
        render_member(out, "seq");
        if (config->source_seq == 0)
            buffer_literal(out, "null");
        else
            json_u64(out, config->source_seq);
        render_member(out, "silent_since");
        if (config->silent_since_us == 0)
            buffer_literal(out, "null");
        else
            json_time(out, config->silent_since_us);
        render_count(out, "drift", config->drift);
        render_quality(out, config);
    }
    buffer_byte(out, '}');
}

/* An item's own bounds in a channel. */
static void render_offer(struct buffer *out, const struct event *event)
{
    struct offer_form offer;
    ledger_offer_form(event->config, &offer);
    if (offer.has_buffer) {
        render_member(out, "buffer");
        json_units(out, offer.buffer, event->scale);
    }
    if (offer.has_cap) {
        render_member(out, "cap");
        json_units(out, offer.cap, event->scale);
    }
}

void render_config_body(struct buffer *out, const struct render *render, const struct event *event)
{
    struct channel_view channel;
    if (event->config_space == NAME_CHANNEL && event->config.length == 0)
        return; /* none that this version knows */
    render_member(out, "body");
    size_t begin = out->length;
    if (event->config_space != NAME_CHANNEL) {
        render_form(out, event->config_space, event->config);
    } else if (event->item != NUMBER_NONE) {
        render_offer(out, event);
    } else {
        ledger_channel_form(event->config, &channel);
        render_channel(out, render, &channel);
    }
    /* Each member came with a comma before it; the first one's is where the brace belongs. */
    if (out->failed)
        return;
    if (out->length == begin)
        buffer_byte(out, '{');
    else
        out->bytes[begin] = '{';
    buffer_byte(out, '}');
}
