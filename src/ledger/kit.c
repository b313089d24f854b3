/*
 * Kits: items that are put together from components when they are ordered, beside those that lie there built already.
 *
 * A kit is counted whole and its components are no kits themselves: then what can be had of it is exact, a minimum of
 * quotients over what is free of its components, plus what is built. A line of a kit becomes what it takes: built ones
 * first, the rest as lines of its components, before anything is judged. So a kit and its component in one order, or two
 * kits that share one, meet in the sums per cell like any other lines, and a claim on a kit is a claim on goods.
 *
 *     hold 3 KIT   built: 1 free    ->  1 KIT, 2 x 4 screws, 2 x 1 board
 *
 * A line that speaks of a claim already made (ship, release, pick) takes the built ones the claim has first, then by the
 * components. Goods that come, go by an adjustment or move are the built ones: the kit's own cell.
 *
 *     item.first_part -> part {kit, component, units} -> next_of_kit
 *     item.first_use  -> part                         -> next_of_component
 */
#include "ledger/decide.h"

/* ---- the parts ---- */

size_t parts_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(struct kit_part));
}

void parts_init(struct parts *parts, struct region *region, uint32_t count_max)
{
    *parts = (struct parts){.entries = region_take(region, count_max, sizeof(struct kit_part))};
}

void part_add(struct ledger *ledger, uint32_t kit, uint32_t component, int64_t units)
{
    struct parts *parts = &ledger->parts;
    uint32_t number = parts->free_first;
    if (number != 0) {
        parts->free_first = parts->entries[number - 1].next_of_kit;
        parts->free_count--;
    } else {
        CHECK(parts->count < ledger->limits.part_count_max);
        number = ++parts->count;
    }
    struct item *items = ledger->items;
    parts->entries[number - 1] = (struct kit_part){kit, component, items[kit].first_part, items[component].first_use, units};
    items[kit].first_part = number;
    items[component].first_use = number;
}

void parts_drop(struct ledger *ledger, uint32_t kit)
{
    struct parts *parts = &ledger->parts;
    while (ledger->items[kit].first_part != 0) {
        uint32_t number = ledger->items[kit].first_part;
        struct kit_part *part = &parts->entries[number - 1];
        ledger->items[kit].first_part = part->next_of_kit;
        uint32_t *from = &ledger->items[part->component].first_use;
        while (*from != number)
            from = &parts->entries[*from - 1].next_of_component;
        *from = part->next_of_component;
        *part = (struct kit_part){.next_of_kit = parts->free_first};
        parts->free_first = number;
        parts->free_count++;
    }
}

uint32_t ledger_kit_next(const struct ledger *ledger, uint32_t kit, uint32_t part)
{
    return (part == NUMBER_NONE ? ledger->items[kit].first_part : ledger->parts.entries[part].next_of_kit) - 1;
}

void ledger_kit_part(const struct ledger *ledger, uint32_t part, uint32_t *out_component, int64_t *out_units)
{
    *out_component = ledger->parts.entries[part].component;
    *out_units = ledger->parts.entries[part].units;
}

/* What is free in this cell, maybe one that does not exist yet. */
static int64_t free_in(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    if (cell == NUMBER_NONE)
        return 0;
    struct figures figures = cell_figures(ledger, cell);
    return channel_free(ledger, &figures, cell, channel, 0);
}

int64_t kit_buildable(const struct ledger *ledger, uint32_t kit, uint32_t location, uint32_t channel)
{
    int64_t least = QUANTITY_UNITS_MAX;
    for (uint32_t p = ledger->items[kit].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        int64_t free_units = free_in(ledger, cell_find(ledger, part->component, location), channel);
        least = min_i64(least, free_units / part->units);
    }
    return least;
}

/* ---- lines of kits ---- */

/* Removes the kits' drafts of which nothing is left: what they asked for stands in others. No other draft is empty. */
static void drop_empty(struct judge *judge)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (draft->asked != 0)
            *judge_draft(judge, kept++) = *draft;
    }
    judge->draft_count = kept;
}

int64_t kits_left(const struct judge *judge, uint32_t claim, uint32_t kit, uint32_t location, bool with_room)
{
    const struct ledger *ledger = judge->ledger;
    int64_t least = QUANTITY_UNITS_MAX;
    for (uint32_t p = ledger->items[kit].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        int64_t taken;
        struct terms terms = hold_terms_at(judge, claim, part->component, location, &taken);
        least = min_i64(least, max_i64(0, terms.free + (with_room ? terms.room : 0) - taken) / part->units);
    }
    return least;
}

/* Adds what so many kits of this draft take of their components. */
static bool add_components(struct judge *judge, const struct draft *kit, int64_t kits, uint32_t claim, bool with_terms)
{
    const struct ledger *ledger = judge->ledger;
    /* The drafts move no more than their count grows: what is needed of the kit's is kept. */
    const struct draft whole = *kit;
    for (uint32_t p = ledger->items[whole.item].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        int64_t units;
        if (!checked_mul(kits, part->units, &units) || !quantity_in_range(units))
            return judge_invalid(judge, CODE_out_of_range, whole.line, "quantity",
                                 "what the kit takes of a component is beyond 2^53-1");
        if (judge->draft_count == COMMAND_LINES_MAX)
            return judge_invalid(judge, CODE_too_many_lines, LINE_NONE, "lines",
                                 "with the components of its kits it is on more than 1,000 cells: split the command");
        uint32_t before = judge->draft_count;
        struct draft *draft = judge_draft_of(judge, part->component, whole.location, whole.line);
        if (judge->draft_count != before) {
            draft->condition = CONDITION_SELLABLE;
            if (claim != NUMBER_NONE)
                draft->claim_line = draft_claim_line(judge, claim, draft);
            if (with_terms)
                hold_terms(judge, claim, draft);
        }
        draft->asked += units;
        draft->asked_by[CONDITION_SELLABLE] += units;
        if (!quantity_in_range(draft->asked))
            return judge_invalid(judge, CODE_out_of_range, whole.line, "quantity",
                                 "the lines of this cell sum beyond 2^53-1");
    }
    return true;
}

/* What follows when there is a kit is kept out of the way of the commands that have none. */
bool judge_has_kits(const struct judge *judge)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        if (UNLIKELY(item_is_kit(judge->ledger, judge->ledger->drafts[i].item)))
            return true;
    }
    return false;
}

static NEVER_INLINE bool kits_granted(struct judge *judge, uint32_t claim, enum kit_fit fit)
{
    uint32_t count = judge->draft_count;
    for (uint32_t i = 0; i < count; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (LIKELY(!item_is_kit(judge->ledger, draft->item)))
            continue;
        int64_t had = fit == KIT_LATER ? draft_promisable(judge, draft) : draft->terms.free;
        int64_t built = min_i64(draft->asked, had);
        int64_t kits = draft->asked - built;
        int64_t most = kits;
        if (kits != 0 && (fit == KIT_WHOLE || fit == KIT_PART)) /* a hold for later may also lack cover now */
            most = kits_left(judge, claim, draft->item, draft->location, true);
        if (kits > most) {
            judge_short(judge, draft, draft->asked, built + most);
            if (fit == KIT_WHOLE)
                return judge_refuse(judge, CODE_insufficient_stock, TEXT_NONE, TEXT_NONE);
            kits = most;
        }
        draft->asked = draft->asked_by[CONDITION_SELLABLE] = built;
        if (kits > 0 && !add_components(judge, draft, kits, claim, true))
            return false;
    }
    drop_empty(judge);
    return true;
}

bool judge_kits_granted(struct judge *judge, uint32_t claim, enum kit_fit fit)
{
    return !judge_has_kits(judge) || kits_granted(judge, claim, fit);
}

/* Takes so many sellable units out of a draft; what is left may be of one condition now. */
static void less_sellable(struct draft *draft, int64_t units)
{
    draft->asked -= units;
    draft->asked_by[CONDITION_SELLABLE] -= units;
    if (draft->asked_by[CONDITION_SELLABLE] != 0)
        return;
    unsigned conditions = 0;
    unsigned last = CONDITION_NONE;
    for (unsigned c = 0; c < CONDITION_COUNT; c++) {
        if (draft->asked_by[c] != 0) {
            conditions++;
            last = c;
        }
    }
    if (conditions == 1)
        draft->condition = (enum condition)last;
}

/* The built ones that a draft takes without a claim: they lie there and are free, of a bin at its node, where each is
 * free to one draft alone. */
static int64_t built_free(const struct judge *judge, uint32_t index)
{
    const struct ledger *ledger = judge->ledger;
    const struct draft *draft = judge_draft(judge, index);
    int64_t there = max_i64(0, draft_figures(judge, draft).units[CONDITION_SELLABLE]);
    uint32_t node = draft->in_bin ? node_of(ledger, draft->location) : draft->location;
    if (there == 0 || node == NUMBER_NONE)
        return there; /* no claim stands on a bin without a node; without goods the location may be yet to come */
    int64_t free_units = free_in(ledger, cell_find(ledger, draft->item, node), judge->channel);
    for (uint32_t i = 0; i < index; i++) {
        const struct draft *other = judge_draft(judge, i);
        if (other->item == draft->item && (other->in_bin ? node_of(ledger, other->location) : other->location) == node)
            free_units -= other->asked_by[CONDITION_SELLABLE];
    }
    return min_i64(there, max_i64(0, free_units));
}

static NEVER_INLINE bool kits_claimed(struct judge *judge, uint32_t claim, unsigned figures)
{
    uint32_t count = judge->draft_count;
    bool stays_picked = judge->command->kind == KIND_PICK || judge->command->kind == KIND_REASSIGN;
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        struct draft *draft = judge_draft(judge, i);
        int64_t asked = draft->asked_by[CONDITION_SELLABLE]; /* what is damaged is a built one */
        if (LIKELY(!item_is_kit(judge->ledger, draft->item)) || asked == 0)
            continue;
        any = true;
        int64_t has = 0;
        for (unsigned rest = figures; rest != 0; rest &= rest - 1)
            has += draft_claimed(judge, draft, (enum claim_figure)__builtin_ctz(rest));
        if (stays_picked) /* what is on a trolley already is not meant */
            has -= draft_claimed(judge, draft, CLAIM_PICKED);
        if (claim == NUMBER_NONE)
            has = built_free(judge, i);
        for (uint32_t k = 0; draft->claim_line != NUMBER_NONE && k < i; k++) { /* a node's, or of another bin of it */
            if (judge_draft(judge, k)->claim_line == draft->claim_line)
                has -= judge_draft(judge, k)->asked_by[CONDITION_SELLABLE];
        }
        int64_t kits = asked - min_i64(asked, max_i64(0, has));
        less_sellable(draft, kits);
        if (kits > 0 && !add_components(judge, draft, kits, claim, false))
            return false;
    }
    if (any)
        drop_empty(judge);
    return true;
}

bool judge_kits_claimed(struct judge *judge, uint32_t claim, unsigned figures)
{
    return !judge_has_kits(judge) || kits_claimed(judge, claim, figures);
}

/* ---- check ---- */

void parts_check(const struct ledger *ledger)
{
    const struct parts *parts = &ledger->parts;
    uint32_t of_kits = 0;
    uint32_t of_components = 0;
    uint32_t unused = 0;
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++) {
        for (uint32_t p = ledger->items[i].first_part; p != 0; p = parts->entries[p - 1].next_of_kit) {
            CHECK(++of_kits <= parts->count);
            CHECK(parts->entries[p - 1].kit == i);
            CHECK(parts->entries[p - 1].units > 0);
            CHECK(!item_is_kit(ledger, parts->entries[p - 1].component));
        }
        for (uint32_t p = ledger->items[i].first_use; p != 0; p = parts->entries[p - 1].next_of_component) {
            CHECK(++of_components <= parts->count);
            CHECK(parts->entries[p - 1].component == i);
        }
    }
    for (uint32_t p = parts->free_first; p != 0; p = parts->entries[p - 1].next_of_kit) {
        const struct kit_part *part = &parts->entries[p - 1];
        CHECK(++unused <= parts->count);
        CHECK((part->units | part->kit | part->component | part->next_of_component) == 0);
    }
    CHECK(of_kits == of_components);
    CHECK(unused == parts->free_count);
    CHECK(of_kits + unused == parts->count);
}
