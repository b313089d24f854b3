/*
 * Sourcing: where the lines of a hold come from when they name no location.
 *
 * The places asked are, in this order, those of `sourcing`, else the channel's, else every place where the item has a
 * cell, the oldest first. What is free there is judged as for any other line (I3), with what earlier lines of the command
 * have taken already; each line becomes one draft or several, and from there on nothing tells them from lines that named
 * their location.
 *
 *     priority        in the order of the places: take what is free
 *     most_stock      the places with most free first
 *     fewest_splits   one place that has every line whole; else again and again the place that has most of what is missing.
 *                     (The least number of places is a set cover, which nobody waits for; this is its greedy answer.)
 *
 * Of a kit, what is free is what is built and what can be put together there; what may be backordered is what can be
 * put together of components that may. That two lines want one component is seen when all are judged together, behind
 * this. With no places asked, a kit is looked for where it has a cell and then where its first component has one.
 *
 * What no place has free goes, in the order of the places, to where it may be backordered; then a hold that may wait waits
 * for the rest of a line at its first place, a partial one does without, and any other is refused with no_source.
 */
#include "ledger/decide.h"

#define PLACES_MAX  COMMAND_PLACES_MAX /* places asked; of an item's cells, the oldest so many */
#define SEEKERS_MAX 100 /* items that look for a place in one command: each is held against each place */

/* What a command wants of one item, wherever it is. */
struct seeker {
    uint32_t line, item; /* the first line */
    uint8_t scale;
    int64_t asked;
    int64_t units; /* still missing */
};

struct sourcing {
    struct judge *judge;
    uint32_t claim;
    bool own_cells; /* nothing says where: each item is looked for where it has cells */
    uint32_t place_count;
    uint32_t places[PLACES_MAX]; /* locations, in the order asked */
    uint32_t seeker_count;
    struct seeker seekers[SEEKERS_MAX];
};

/* ---- places ---- */

static void add_place(struct sourcing *sourcing, uint32_t location)
{
    if (!ledger_location_promises(sourcing->judge->ledger, location))
        return;
    for (uint32_t i = 0; i < sourcing->place_count; i++) {
        if (sourcing->places[i] == location)
            return;
    }
    if (sourcing->place_count < PLACES_MAX)
        sourcing->places[sourcing->place_count++] = location;
}

/* The places of an item's cells, the oldest cell first. The list is newest first: the last of it are kept, in a ring. */
static void add_cells(struct sourcing *sourcing, uint32_t item)
{
    const struct ledger *ledger = sourcing->judge->ledger;
    uint32_t ring[PLACES_MAX];
    uint32_t count = 0;
    for (uint32_t c = ledger_cell_next(ledger, item, NUMBER_NONE); c != NUMBER_NONE; c = ledger_cell_next(ledger, item, c))
        ring[count++ % PLACES_MAX] = ledger->cells[c].location;
    for (uint32_t kept = count < PLACES_MAX ? count : PLACES_MAX; kept > 0; kept--)
        add_place(sourcing, ring[--count % PLACES_MAX]);
}

/* Where an item is looked for when nothing says where. A kit is put together only where each of its components is. */
static void add_own_cells(struct sourcing *sourcing, uint32_t item)
{
    const struct ledger *ledger = sourcing->judge->ledger;
    add_cells(sourcing, item);
    if (item_is_kit(ledger, item))
        add_cells(sourcing, ledger->parts.entries[ledger->items[item].first_part - 1].component);
}

/* The places of one item, where none hold for all. */
static void find_own_places(struct sourcing *sourcing, const struct seeker *seeker)
{
    if (!sourcing->own_cells)
        return;
    sourcing->place_count = 0;
    add_own_cells(sourcing, seeker->item);
}

/* The places that hold for every item of the command; none where each is looked for in its own cells. */
static bool find_common_places(struct sourcing *sourcing)
{
    struct judge *judge = sourcing->judge;
    struct text places = judge->command->places;
    struct text name;
    while (command_place_next(&places, &name)) {
        uint32_t location = ledger_number(judge->ledger, NAME_LOCATION, name);
        if (location == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_location, name, TEXT("/sourcing/locations"));
        add_place(sourcing, location);
    }
    bool named = text_present(judge->command->places);
    if (!named && judge->channel != NUMBER_NONE) {
        const struct channel *channel = &judge->ledger->channels[judge->channel];
        named = channel->place_count != 0;
        for (uint32_t i = 0; i < channel->place_count; i++)
            add_place(sourcing, channel->places[i]);
    }
    sourcing->own_cells = !named;
    return true;
}

/* ---- taking ---- */

/* What the item can have there, kits put together counted, and what earlier lines of the command have taken of it. */
static struct terms terms_at(const struct sourcing *sourcing, const struct seeker *seeker, uint32_t location,
                             int64_t *out_taken)
{
    const struct judge *judge = sourcing->judge;
    struct terms terms = hold_terms_at(judge, sourcing->claim, seeker->item, location, out_taken);
    if (item_is_kit(judge->ledger, seeker->item)) {
        int64_t kits = kits_left(judge, sourcing->claim, seeker->item, location, false);
        terms.free += kits;
        terms.room = kits_left(judge, sourcing->claim, seeker->item, location, true) - kits;
    }
    return terms;
}

static int64_t free_at(const struct sourcing *sourcing, const struct seeker *seeker, uint32_t location)
{
    int64_t taken;
    struct terms terms = terms_at(sourcing, seeker, location, &taken);
    return max_i64(0, terms.free - taken);
}

static void take(struct sourcing *sourcing, struct seeker *seeker, uint32_t location, int64_t units)
{
    struct judge *judge = sourcing->judge;
    if (units <= 0 || judge->objected)
        return;
    if (judge->draft_count == COMMAND_LINES_MAX) {
        (void)judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "lines",
                            "they come from more than 1,000 cells: split the command");
        return;
    }
    struct draft *draft = judge_draft_of(judge, seeker->item, location, seeker->line);
    if (sourcing->claim != NUMBER_NONE && draft->cell != NUMBER_NONE)
        draft->claim_line = claim_line_find(judge->ledger, sourcing->claim, draft->cell);
    hold_terms(judge, sourcing->claim, draft);
    draft->condition = CONDITION_SELLABLE;
    draft->asked += units;
    draft->asked_by[CONDITION_SELLABLE] += units;
    seeker->units -= units;
    if (!quantity_in_range(draft->asked))
        (void)judge_invalid(judge, CODE_out_of_range, seeker->line, "quantity", "the lines of this cell sum beyond 2^53-1");
}

static void take_free(struct sourcing *sourcing, struct seeker *seeker, uint32_t location)
{
    take(sourcing, seeker, location, min_i64(seeker->units, free_at(sourcing, seeker, location)));
}

/* ---- rules ---- */

static void by_priority(struct sourcing *sourcing, struct seeker *seeker)
{
    for (uint32_t i = 0; i < sourcing->place_count && seeker->units > 0; i++)
        take_free(sourcing, seeker, sourcing->places[i]);
}

static void by_most_stock(struct sourcing *sourcing, struct seeker *seeker)
{
    while (seeker->units > 0 && !sourcing->judge->objected) {
        uint32_t best = NUMBER_NONE;
        int64_t most = 0;
        for (uint32_t i = 0; i < sourcing->place_count; i++) {
            int64_t free_units = free_at(sourcing, seeker, sourcing->places[i]);
            if (free_units > most) {
                most = free_units;
                best = sourcing->places[i];
            }
        }
        if (best == NUMBER_NONE)
            return;
        take_free(sourcing, seeker, best);
    }
}

/* What of all that is missing this place has. */
static int64_t covered_at(const struct sourcing *sourcing, uint32_t location, bool *out_whole)
{
    int64_t sum = 0;
    *out_whole = true;
    for (uint32_t i = 0; i < sourcing->seeker_count; i++) {
        const struct seeker *seeker = &sourcing->seekers[i];
        int64_t covered = min_i64(seeker->units, free_at(sourcing, seeker, location));
        *out_whole = *out_whole && covered == seeker->units;
        sum = min_i64(sum + covered, QUANTITY_UNITS_MAX);
    }
    return sum;
}

static void by_fewest_splits(struct sourcing *sourcing)
{
    for (uint32_t i = 0; i < sourcing->seeker_count && sourcing->own_cells; i++)
        add_own_cells(sourcing, sourcing->seekers[i].item);
    while (!sourcing->judge->objected) {
        uint32_t best = NUMBER_NONE;
        int64_t most = 0;
        for (uint32_t i = 0; i < sourcing->place_count; i++) {
            bool whole;
            int64_t covered = covered_at(sourcing, sourcing->places[i], &whole);
            if (covered > most) {
                most = covered;
                best = sourcing->places[i];
            }
            if (whole && covered > 0) {
                best = sourcing->places[i];
                break;
            }
        }
        if (best == NUMBER_NONE)
            return;
        for (uint32_t i = 0; i < sourcing->seeker_count; i++)
            take_free(sourcing, &sourcing->seekers[i], best);
    }
}

/* What may be had without cover, in the order of the places; what is left waits at the first one. */
static void place_rest(struct sourcing *sourcing, struct seeker *seeker, bool wait)
{
    for (uint32_t i = 0; i < sourcing->place_count && seeker->units > 0 && sourcing->judge->backorder; i++) {
        int64_t taken;
        struct terms terms = terms_at(sourcing, seeker, sourcing->places[i], &taken);
        take(sourcing, seeker, sourcing->places[i], min_i64(seeker->units, terms.free + terms.room - taken));
    }
    if (wait && sourcing->place_count != 0)
        take(sourcing, seeker, sourcing->places[0], seeker->units);
}

/* The items of the lines that name no location. */
static bool find_seekers(struct sourcing *sourcing)
{
    struct judge *judge = sourcing->judge;
    for (uint32_t i = 0; i < judge->command->line_count; i++) {
        const struct command_line *line = &judge->command->lines[i];
        if (line->location.length != 0)
            continue;
        uint32_t item = judge_item(judge, false, line->item);
        if (item == NUMBER_NONE)
            return judge_refuse(judge, CODE_unknown_item, line->item, TEXT_NONE);
        struct seeker *seeker = sourcing->seekers;
        while (seeker < sourcing->seekers + sourcing->seeker_count && seeker->item != item)
            seeker++;
        if (seeker == sourcing->seekers + sourcing->seeker_count) {
            if (sourcing->seeker_count == SEEKERS_MAX)
                return judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "lines",
                                     "at most 100 items can look for a location in one command: split it");
            *seeker = (struct seeker){.line = i, .item = item, .scale = judge->ledger->items[item].scale};
            sourcing->seeker_count++;
        }
        int64_t units;
        if (!judge_line_units(judge, i, item, seeker->scale, &units))
            return false;
        seeker->asked += units;
        seeker->units = seeker->asked;
        if (!quantity_in_range(seeker->asked))
            return judge_invalid(judge, CODE_out_of_range, i, "quantity", "the lines of this item sum beyond 2^53-1");
    }
    return true;
}

bool judge_sourcing(struct judge *judge, uint32_t claim, bool wait)
{
    if (!command_seeks(judge->command))
        return true; /* before the seekers: they are a few thousand bytes, and most commands name their locations */
    struct sourcing sourcing = {.judge = judge, .claim = claim};
    if (!find_seekers(&sourcing))
        return false;
    if (!find_common_places(&sourcing))
        return false;
    enum sourcing_rule rule = judge->command->sourcing;
    if (rule == SOURCING_FEWEST_SPLITS)
        by_fewest_splits(&sourcing);
    for (uint32_t i = 0; rule != SOURCING_FEWEST_SPLITS && i < sourcing.seeker_count; i++) {
        struct seeker *seeker = &sourcing.seekers[i];
        find_own_places(&sourcing, seeker);
        if (rule == SOURCING_MOST_STOCK)
            by_most_stock(&sourcing, seeker);
        else
            by_priority(&sourcing, seeker);
    }
    /* Behind all of it: a kit's rest would take of what is free of its components to other lines. */
    for (uint32_t i = 0; i < sourcing.seeker_count; i++) {
        find_own_places(&sourcing, &sourcing.seekers[i]);
        place_rest(&sourcing, &sourcing.seekers[i], wait);
    }
    for (uint32_t i = 0; i < sourcing.seeker_count && !judge->objected; i++) {
        const struct seeker *seeker = &sourcing.seekers[i];
        const struct draft row = {.item = seeker->item, .location = NUMBER_NONE, .scale = seeker->scale};
        if (seeker->units > 0)
            judge_short(judge, &row, seeker->asked, seeker->asked - seeker->units);
    }
    return !judge->objected;
}
