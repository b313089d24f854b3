/*
 * Bins: locations that take no promises. Their goods count for the location above them that does, their node.
 *
 *     DC            takes promises: the node          sellable 4   in_bins 9   reserved 6   available 7
 *     ├── A1        promise: false, a bin             sellable 5
 *     └── A         promise: false, a bin             sellable 0
 *         └── A2    promise: false, a bin             sellable 4
 *
 * A node's cell has what is sellable in its bins as a figure of its own, in_bins, and it is a part of what is available
 * there: pool, quotas, covers, those who wait, thresholds, offers, kits and ATP follow without a rule of their own.
 * Claims stand at the node alone. What lies where stays with the cells of the bins.
 *
 * A decision that changes what is sellable in a bin changes its node's cell with it. The node gets a draft of its own
 * behind those of the lines, or is one of them, and its first event has all that its bins gain and lose together: what
 * goes from bin to bin of one node is no change, and crosses no threshold. An event that is there for the bins alone is
 * of type `bins`, so that who sums up receipts counts none twice.
 *
 * Goods that leave a bin are their node's claim's, goods that come to it its node's expectation's: the node's draft
 * says how many (below), the bin's that they are not its own.
 *
 * When a location moves in the tree, or begins or ceases to be a bin, what it and its bins have changes nodes in the
 * same decision.
 */
#include "ledger/decide.h"

/* ---- the tree ---- */

uint32_t node_under(const struct ledger *ledger, uint32_t location, struct replaced replaced)
{
    /* No circle can be made (config.c): the walk ends. */
    while (location != NUMBER_NONE) {
        bool here = location == replaced.number;
        if (!(here ? replaced.no_promise : ledger->locations[location].no_promise))
            break;
        location = here ? replaced.parent : ledger_location_parent(ledger, location);
    }
    return location;
}

void nodes_derive(struct ledger *ledger, uint32_t location)
{
    /* No list of what is below is kept: a tree is made from the top, so that one with children seldom changes. */
    ledger->audit.moved = true; /* what it has summed up of the bins */
    bool alone = ledger->locations[location].children == 0 || ledger->bin_count == 0;
    uint32_t first = alone ? location : 0;
    uint32_t end = alone ? location + 1 : ledger->names[NAME_LOCATION].count;
    for (uint32_t l = first; l < end; l++) {
        bool bin = ledger->locations[l].no_promise;
        ledger->locations[l].node = bin ? node_under(ledger, l, (struct replaced){.number = NUMBER_NONE}) + 1 : 0;
    }
}

/* ---- what a command changes ---- */

/* Notes a change of what is sellable in the bins of a node: of the item of a draft, whose lines cause it. The node's draft,
 * NULL after an objection. */
static struct draft *note(struct judge *judge, const struct draft *cause, uint32_t node, int64_t units, int64_t below)
{
    uint32_t before = judge->draft_count;
    struct draft *draft = judge_draft_of(judge, cause->item, node, cause->line);
    draft->unnamed = draft->unnamed || judge->draft_count > before;
    draft->in_bins += units;
    draft->below += below;
    /* Sums of 2,000 terms of 2^53 at most, each in range. */
    if (quantity_in_range(draft->in_bins) && quantity_in_range(draft->below))
        return draft;
    (void)judge_invalid(judge, CODE_out_of_range, cause->line, "quantity",
                        "the lines of the bins of one location sum beyond 2^53-1");
    return NULL;
}

bool bins_gather(struct judge *judge, int sign)
{
    uint32_t count = judge->draft_count;
    for (uint32_t i = 0; i < count; i++) {
        struct draft *draft = judge_draft(judge, i);
        uint32_t node = draft->in_bin ? node_of(judge->ledger, draft->location) : NUMBER_NONE;
        int64_t units = draft->asked_by[CONDITION_SELLABLE];
        if (node == NUMBER_NONE)
            continue;
        int64_t change = count_corrects(judge, draft->cell, CONDITION_SELLABLE) ? 0 : sign * units;
        struct draft *above = note(judge, draft, node, change, sign < 0 ? units : 0);
        if (above == NULL)
            return false;
        if (sign < 0)
            draft->below = -units;
        above->claim_line = draft->claim_line;
        draft->claim_line = NUMBER_NONE;
    }
    return true;
}

bool bins_arrive(struct judge *judge, uint32_t to, uint32_t count)
{
    uint32_t node = is_bin(judge->ledger, to) ? node_of(judge->ledger, to) : NUMBER_NONE;
    for (uint32_t i = 0; node != NUMBER_NONE && i < count; i++) {
        const struct draft *draft = judge_draft(judge, i);
        if (count_corrects(judge, cell_find(judge->ledger, draft->item, to), CONDITION_SELLABLE))
            continue;
        if (note(judge, draft, node, draft->asked_by[CONDITION_SELLABLE], 0) == NULL)
            return false;
    }
    return true;
}

bool bins_expect(struct judge *judge, uint32_t expectation)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        uint32_t node = draft->in_bin ? node_of(judge->ledger, draft->location) : NUMBER_NONE;
        int64_t rest = max_i64(0, draft->asked - expectation_in_open(judge, draft, expectation));
        if (node == NUMBER_NONE)
            continue;
        draft->below = -rest;
        if (note(judge, draft, node, 0, rest) == NULL)
            return false;
    }
    return true;
}

uint32_t draft_claim_line(const struct judge *judge, uint32_t claim, const struct draft *draft)
{
    const struct ledger *ledger = judge->ledger;
    uint32_t cell = draft->cell;
    if (draft->in_bin) {
        uint32_t node = node_of(ledger, draft->location);
        cell = node == NUMBER_NONE ? NUMBER_NONE : cell_find(ledger, draft->item, node);
    }
    return cell == NUMBER_NONE ? NUMBER_NONE : claim_line_find(ledger, claim, cell);
}

struct event *bins_event(struct judge *judge, const struct draft *draft)
{
    struct event *event = judge_event(judge, EVENT_BINS);
    event->quantity = draft->in_bins;
    event->condition = CONDITION_SELLABLE;
    return event;
}

NEVER_INLINE bool bins_tell(struct judge *judge, struct draft *draft, struct event *event)
{
    int64_t after = event->figures.units[FIGURE_IN_BINS] + draft->in_bins; /* both within 2^53: fits */
    event->delta.units[FIGURE_IN_BINS] = draft->in_bins;
    event->figures.units[FIGURE_IN_BINS] = after;
    draft->in_bins = 0;
    if (!quantity_in_range(after))
        return judge_invalid(judge, CODE_out_of_range, draft->line, "quantity",
                             "what lies in the bins of the location would leave the range of 2^53-1 base units");
    return true;
}

void bins_rest(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        bool starts = draft->begins && draft_figures(judge, draft).units[CONDITION_SELLABLE] != 0;
        if (!draft->unnamed || (draft->in_bins == 0 && !starts))
            continue;
        struct event *event = bins_event(judge, draft);
        if (!judge_cell(judge, draft, event, DISCREPANCY_NONE, 0))
            return;
        if (draft->begins)
            judge_begins(judge, event);
    }
}

/* ---- what a change of the tree moves ---- */

/* The goods of one cell go from one node to another. */
static bool move_cell(struct judge *judge, uint32_t cell, struct replaced replaced)
{
    const struct ledger *ledger = judge->ledger;
    uint32_t location = ledger->cells[cell].location;
    int64_t units = ledger->cells[cell].units[CONDITION_SELLABLE];
    uint32_t before = node_of(ledger, location);
    uint32_t after = node_under(ledger, location, replaced);
    if (before == after || units == 0)
        return true;
    const struct draft moved = {.item = ledger->cells[cell].item, .location = location, .line = LINE_NONE,
                                .scale = ledger->items[ledger->cells[cell].item].scale};
    judge_short(judge, &moved, units, 0);
    if (judge->draft_count + 2 > REPLACED_MAX)
        return true; /* too many: it is refused, and the first of them are named */
    /* A bin no longer: it has its goods already, and they begin to be promised. */
    int64_t gained = after == location ? 0 : units;
    return (before == location || before == NUMBER_NONE || note(judge, &moved, before, -units, 0) != NULL) &&
           (after == NUMBER_NONE || note(judge, &moved, after, gained, 0) != NULL);
}

bool bins_replace(struct judge *judge, struct replaced replaced)
{
    const struct ledger *ledger = judge->ledger;
    const struct location *location = &ledger->locations[replaced.number];
    /* What takes promises before and after is the node of all that counted for it, wherever it hangs. */
    bool same = location->no_promise == replaced.no_promise &&
                (!replaced.no_promise || ledger_location_parent(ledger, replaced.number) == replaced.parent);
    bool empty = location->cells == 0 && location->children == 0;
    /* As for a location that is deleted, all cells are looked at. */
    for (uint32_t c = 0; !same && !empty && c < ledger->cell_count; c++) {
        if (ledger_location_within(ledger, ledger->cells[c].location, replaced.number) &&
            !move_cell(judge, c, replaced))
            return false;
    }
    if (judge->draft_count + 2 > REPLACED_MAX)
        return judge_refuse(judge, CODE_in_use, ledger_name(ledger, NAME_LOCATION, replaced.number), TEXT_NONE);
    /* Of what becomes a bin nothing is told any more; of what becomes a node, all that is there, as if it came now. */
    for (uint32_t i = 0; i < judge->draft_count; i++) {
        struct draft *draft = judge_draft(judge, i);
        if (draft->location != replaced.number)
            continue;
        draft->in_bin = true;
        draft->begins = !replaced.no_promise;
    }
    judge->decision->shortage_count = 0;
    return true;
}

/* ---- check ---- */

/* What is sellable of an item in the bins of one node. */
int64_t bins_sum(const struct ledger *ledger, uint32_t item, uint32_t node)
{
    int64_t sum = 0;
    for (uint32_t c = ledger->items[item].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item) {
        uint32_t location = ledger->cells[c - 1].location;
        if (location != node && node_of(ledger, location) == node)
            sum += ledger->cells[c - 1].units[CONDITION_SELLABLE];
    }
    return sum;
}

bool node_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct location *location = &ledger->locations[number];
    uint32_t node = node_under(ledger, number, (struct replaced){.number = NUMBER_NONE});
    AUDIT_CHECK(audit, STATE, location->node == (location->no_promise ? node + 1 : 0),
                "what lies there counts for another location than it should");
    return true;
}

void bins_check(const struct ledger *ledger)
{
    uint32_t bins = 0;
    uint64_t below = 0;
    uint64_t cells = 0;
    uint64_t places = 0;
    for (uint32_t l = 0; l < ledger->names[NAME_LOCATION].count; l++) {
        const struct location *location = &ledger->locations[l];
        bins += location->no_promise;
        below += location->bins;
        below -= location->no_promise && location->parent != 0;
        cells += location->cells;
        places += (uint64_t)location->cells * l;
    }
    CHECK(bins == ledger->bin_count && below == 0);
    for (uint32_t c = 0; c < ledger->cell_count; c++)
        places -= ledger->cells[c].location;
    CHECK(cells == ledger->cell_count && places == 0);
}
