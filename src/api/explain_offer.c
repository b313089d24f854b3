#include "api/explain_offer.h"

#include <stdlib.h>

#include "api/explain.h"

#define QUOTAS_NAMED_MAX 16 /* of a cell; a business has a handful of channels */

struct explain_quota {
    uint32_t channel;
    int64_t units;
};

struct explain_place {
    uint32_t location;
    bool in_bin, shares_rest;
    struct figures figures;
    int64_t free, shown; /* of the item's own cell */
    uint32_t quota_count;
    struct explain_quota quotas[QUOTAS_NAMED_MAX];
    int64_t kits, kits_shown;
    /* The component that there is too little of for one more kit. */
    uint32_t component;
    uint8_t component_scale;
    int64_t component_free, component_units;
};

struct explain_offer {
    struct offer_terms terms;
    uint32_t place_count; /* of those where there is anything to tell of */
    struct explain_place places[COMMAND_PLACES_MAX];
};

struct explain_offer *explain_offers_create(uint32_t count)
{
    return calloc(count, sizeof(struct explain_offer));
}

void explain_offers_destroy(struct explain_offer *offers)
{
    free(offers);
}

/* ---- engine thread ---- */

static void read_cell(struct explain_place *place, const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    struct cell_view view;
    ledger_cell(ledger, cell, &view);
    place->figures = view.figures;
    place->in_bin = view.in_bin;
    place->free = ledger_free(ledger, cell, channel);
    place->shown = ledger_shown(ledger, cell, channel);
    uint32_t q = ledger_quota_next(ledger, cell, NUMBER_NONE);
    for (; q != NUMBER_NONE && place->quota_count < QUOTAS_NAMED_MAX; q = ledger_quota_next(ledger, cell, q)) {
        struct explain_quota *quota = &place->quotas[place->quota_count];
        ledger_quota_at(ledger, q, &quota->channel, &quota->units);
        place->quota_count += quota->units != 0;
    }
}

static void read_kits(struct explain_place *place, const struct ledger *ledger, uint32_t kit, uint32_t channel)
{
    place->kits = ledger_kits(ledger, kit, place->location, channel, &place->kits_shown);
    place->component = NUMBER_NONE;
    for (uint32_t p = ledger_kit_next(ledger, kit, NUMBER_NONE); p != NUMBER_NONE; p = ledger_kit_next(ledger, kit, p)) {
        uint32_t component;
        int64_t units;
        ledger_kit_part(ledger, p, &component, &units);
        uint32_t cell = ledger_cell_find(ledger, component, place->location);
        int64_t units_free = cell == NUMBER_NONE ? 0 : ledger_free(ledger, cell, channel);
        if (units_free / units != place->kits)
            continue;
        struct item_view view = {.scale = 0};
        (void)ledger_item(ledger, component, &view); /* it is among the parts: it is there */
        place->component = component;
        place->component_scale = view.scale;
        place->component_free = units_free;
        place->component_units = units;
    }
}

void explain_offer_read(struct explain_offer *offers, uint32_t i, const struct ledger *ledger, uint32_t channel,
                        uint32_t item)
{
    struct explain_offer *offer = &offers[i];
    struct channel_view view;
    if (!ledger_channel(ledger, channel, &view) || !ledger_offer_terms(ledger, channel, item, &offer->terms))
        return;
    for (uint32_t p = 0; p < view.place_count; p++) {
        struct explain_place *place = &offer->places[offer->place_count];
        uint32_t cell = ledger_cell_find(ledger, item, view.places[p]);
        *place = (struct explain_place){.location = view.places[p], .shares_rest = view.shares_rest};
        read_kits(place, ledger, item, channel);
        if (cell != NUMBER_NONE)
            read_cell(place, ledger, cell, channel);
        offer->place_count += cell != NUMBER_NONE || place->component != NUMBER_NONE;
    }
}

/* ---- I/O thread ---- */

static void render_quotas(const struct tree *tree, bool *comma, const struct explain_place *place, int64_t units)
{
    tree_begin(tree, comma, "rule", TEXT("quotas"));
    tree_value(tree, units);
    buffer_literal(tree->out, ",\"shares_rest\":");
    json_bool(tree->out, place->shares_rest);
    buffer_literal(tree->out, ",\"quotas\":[");
    for (uint32_t i = 0; i < place->quota_count; i++) {
        if (i != 0)
            buffer_byte(tree->out, ',');
        buffer_literal(tree->out, "{\"channel\":");
        json_string(tree->out, render_name(tree->render, NAME_CHANNEL, place->quotas[i].channel));
        buffer_literal(tree->out, ",\"quota\":");
        json_units(tree->out, place->quotas[i].units, tree->scale);
        buffer_byte(tree->out, '}');
    }
    buffer_literal(tree->out, "]}");
}

static void render_goods(const struct tree *tree, bool *comma, const struct explain_place *place)
{
    static const enum figure claimed[] = {FIGURE_HELD, FIGURE_COMMITTED};
    const int64_t *units = place->figures.units;
    int64_t left = figures_available(&place->figures) + units[FIGURE_BACKORDERED] - units[FIGURE_SAFETY_STOCK];
    bool part = false;
    tree_begin(tree, comma, "figure", TEXT("available"));
    tree_value(tree, figures_available(&place->figures));
    buffer_literal(tree->out, ",\"sum\":[");
    tree_leaf(tree, &part, "figure", "sellable", units[CONDITION_SELLABLE]);
    if (units[FIGURE_IN_BINS] != 0)
        tree_leaf(tree, &part, "figure", "in_bins", units[FIGURE_IN_BINS]);
    for (unsigned i = 0; i < sizeof(claimed) / sizeof(claimed[0]); i++) {
        if (units[claimed[i]] != 0)
            tree_leaf(tree, &part, "figure", figure_name(claimed[i]), -units[claimed[i]]);
    }
    buffer_literal(tree->out, "]}");
    if (units[FIGURE_BACKORDERED] != 0)
        tree_leaf(tree, comma, "figure", "backordered", units[FIGURE_BACKORDERED]);
    if (units[FIGURE_SAFETY_STOCK] != 0)
        tree_leaf(tree, comma, "figure", "safety_stock", -units[FIGURE_SAFETY_STOCK]);
    if (place->in_bin) {
        tree_leaf(tree, comma, "rule", "promised_at_node", -left);
        return;
    }
    int64_t pool = max_i64(0, left);
    if (pool != left)
        tree_leaf(tree, comma, "rule", "not_below_zero", pool - left);
    if (place->quota_count != 0 || place->free != pool)
        render_quotas(tree, comma, place, place->free - pool);
}

static void render_place(const struct tree *tree, bool *comma, const struct explain_place *place)
{
    int64_t withheld = place->free - place->shown + place->kits - place->kits_shown;
    bool part = false;
    tree_begin(tree, comma, "location", render_name(tree->render, NAME_LOCATION, place->location));
    tree_value(tree, place->shown + place->kits_shown);
    buffer_literal(tree->out, ",\"sum\":[");
    render_goods(tree, &part, place);
    if (place->component != NUMBER_NONE) {
        tree_begin(tree, &part, "rule", TEXT("kits"));
        tree_value(tree, place->kits);
        buffer_literal(tree->out, ",\"component\":");
        json_string(tree->out, render_name(tree->render, NAME_ITEM, place->component));
        buffer_literal(tree->out, ",\"component_free\":");
        json_units(tree->out, place->component_free, place->component_scale);
        buffer_literal(tree->out, ",\"component_units\":");
        json_units(tree->out, place->component_units, place->component_scale);
        buffer_byte(tree->out, '}');
    }
    if (withheld != 0)
        tree_leaf(tree, &part, "rule", "withheld", -withheld);
    buffer_literal(tree->out, "]}");
}

/* A rule of the channel or of the item in it. */
static void render_rule(const struct tree *tree, bool *comma, const char *rule, bool own, int64_t set, int64_t units)
{
    tree_begin(tree, comma, "rule", text_of(rule, strlen(rule)));
    tree_value(tree, units);
    buffer_literal(tree->out, ",\"of\":");
    json_string(tree->out, own ? TEXT("item") : TEXT("channel"));
    buffer_literal(tree->out, ",\"set\":");
    json_units(tree->out, set, tree->scale);
    buffer_byte(tree->out, '}');
}

void explain_offer_render(struct buffer *out, const struct render *render, const struct explain_offer *offers, uint32_t i,
                          int64_t ats, unsigned scale)
{
    const struct explain_offer *offer = &offers[i];
    const struct offer_terms *terms = &offer->terms;
    const struct tree tree = {out, render, scale};
    bool comma = false;
    bool part = false;
    buffer_literal(out, ",\"explain\":[");
    tree_begin(&tree, &comma, "figure", TEXT("ats"));
    tree_value(&tree, ats);
    buffer_literal(out, ",\"sum\":[");
    int64_t left = -terms->buffer;
    for (uint32_t p = 0; p < offer->place_count; p++) {
        render_place(&tree, &part, &offer->places[p]);
        left += offer->places[p].shown + offer->places[p].kits_shown;
    }
    if (terms->buffer != 0)
        render_rule(&tree, &part, "buffer", terms->own_buffer, terms->buffer, -terms->buffer);
    if (left > terms->cap)
        render_rule(&tree, &part, "cap", terms->own_cap, terms->cap, terms->cap - left);
    if (left < 0)
        tree_leaf(&tree, &part, "rule", "not_below_zero", -left);
    buffer_literal(out, "]}]");
}
