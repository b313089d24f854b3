/*
 * Shortfalls: where more is promised than there is, a rule of the location says whose units lose cover.
 *
 *     oversold 5        claims, as the rule ranks them       lose             the cell after it
 *                       O3  2 with cover                     2                backordered +5
 *                       O1  4 with cover                     3                oversold     0
 *                       O2  7 with cover                     -
 *
 * A decision of the ledger's own (serve.c) behind the one that made it so: a count, damage, a sale at the till, an order
 * that somebody else has sold already. It moves nothing and takes nobody's claim: units of claims become backordered, and
 * are covered again as all that lack cover are, the oldest claim first. What of a claim's backordered units once had cover
 * is its `short`; whatever lowers the former lowers the latter first.
 *
 * Units on trolleys are there, whatever the books say: they lose cover when nothing else in the cell has any.
 *
 * One walk over the cell's claims finds those that are first by the rule, as many as one decision may have; a rank is
 * made of each once and held against those that are kept. What exceeds one decision is for the next, which finds the
 * same order; n claims that all lose cover cost n / SERVED_MAX walks. Rejected: claims kept in the rule's order. Each hold
 * would pay for what is rare, and other_place changes with other cells.
 */
#include "ledger/decide.h"

const struct shortfall *shortfall_rule(const struct ledger *ledger, uint32_t location)
{
    for (; location != NUMBER_NONE; location = ledger_location_parent(ledger, location)) {
        if (ledger->locations[location].shortfall.count != 0)
            return &ledger->locations[location].shortfall;
    }
    return NULL;
}

int64_t shortfall_units(const struct ledger *ledger, uint32_t cell)
{
    struct figures figures = cell_figures(ledger, cell);
    int64_t units =
        min_i64(figures_oversold(&figures), figures_reserved(&figures) - figures.units[FIGURE_BACKORDERED]);
    return units > 0 && shortfall_rule(ledger, ledger->cells[cell].location) != NULL ? units : 0;
}

static int64_t with_cover(const struct claim_line *line)
{
    return line->units[CLAIM_HELD] + line->units[CLAIM_COMMITTED] - line->units[CLAIM_BACKORDERED];
}

/* What of them is on no trolley; what lacks cover never is, while there is other. */
static int64_t on_shelf(const struct claim_line *line)
{
    return max_i64(0, with_cover(line) - line->units[CLAIM_PICKED]);
}

/* ---- ranks ---- */

#define ELSEWHERE_UNKNOWN INT64_C(-1)

/* One cell whose claims are ranked. */
struct shortfall_judge {
    const struct ledger *ledger;
    uint32_t cell;
    const struct shortfall *rule;
    int64_t elsewhere[CHANNELS_MAX + 1]; /* the most that is free at one other location, by channel; through none, last */
};

/* Who loses cover first has the largest, by `rule`, then by `number`. */
struct rank {
    uint64_t rule;   /* the criteria before the first that makes all differ, the first one highest */
    uint64_t number; /* of the claim: all differ in it, and the newest is first */
    uint32_t line;
};
_Static_assert(CHANNEL_PRIORITY_NONE == 0, "a claim's none is the same");

static bool loses_before(const struct rank *a, const struct rank *b)
{
    return a->rule != b->rule ? a->rule > b->rule : a->number > b->number;
}

/* What is free of the item at one of the other locations that the channel, NUMBER_NONE for none, sells from: the most. */
static int64_t most_elsewhere(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    uint32_t item = ledger->cells[cell].item;
    bool anywhere = channel == NUMBER_NONE || ledger->channels[channel].place_count == 0;
    int64_t most = 0;
    for (uint32_t c = NUMBER_NONE; (c = ledger_cell_next(ledger, item, c)) != NUMBER_NONE;) {
        if (c == cell || (!anywhere && !channel_serves(ledger, channel, ledger->cells[c].location)))
            continue;
        struct figures figures = cell_figures(ledger, c);
        most = max_i64(most, channel_free(ledger, &figures, c, channel, 0));
    }
    return most;
}

/* Could what the line has with cover be had at one other location instead? Each claim is asked for itself. */
static bool has_other_place(struct shortfall_judge *judge, const struct claim_line *line)
{
    const struct claims *claims = &judge->ledger->claims;
    struct text name = textpool_text(&claims->texts, claims->entries[line->claim].channel);
    uint32_t channel = text_present(name) ? ledger_number(judge->ledger, NAME_CHANNEL, name) : NUMBER_NONE;
    int64_t *elsewhere = &judge->elsewhere[channel == NUMBER_NONE ? CHANNELS_MAX : channel];
    if (*elsewhere == ELSEWHERE_UNKNOWN)
        *elsewhere = most_elsewhere(judge->ledger, judge->cell, channel);
    return *elsewhere >= with_cover(line);
}

static struct rank rank_of(struct shortfall_judge *judge, uint32_t number)
{
    const struct claims *claims = &judge->ledger->claims;
    const struct claim_line *line = &claims->lines[number];
    const struct claim *claim = &claims->entries[line->claim];
    const struct shortfall *rule = judge->rule;
    struct rank rank = {0, claim->number, number};
    for (unsigned i = 0; i < rule->count && rule->criteria[i] != SHORTFALL_NEWEST; i++) {
        if (rule->criteria[i] == SHORTFALL_UNPAID)
            rank.rule = rank.rule << 1 | !claim->paid;
        else if (rule->criteria[i] == SHORTFALL_OTHER_PLACE)
            rank.rule = rank.rule << 1 | has_other_place(judge, line);
        else /* 0 for none comes last in all else, and loses first here */
            rank.rule = rank.rule << 32 | (claim->priority - 1);
    }
    return rank;
}

/* ---- the decision ---- */

/* Puts it among the first SERVED_MAX, which are in order. Returns how many there are. */
static uint32_t keep_rank(struct rank ranks[SERVED_MAX], uint32_t count, struct rank rank)
{
    if (count == SERVED_MAX && !loses_before(&rank, &ranks[count - 1]))
        return count;
    uint32_t place = count == SERVED_MAX ? count - 1 : count++;
    for (; place > 0 && loses_before(&rank, &ranks[place - 1]); place--)
        ranks[place] = ranks[place - 1];
    ranks[place] = rank;
    return count;
}

void decide_short(struct judge *judge, struct draft draft, int64_t units)
{
    const struct ledger *ledger = judge->ledger;
    const struct claims *claims = &ledger->claims;
    struct shortfall_judge ranking = {ledger, draft.cell, shortfall_rule(ledger, draft.location), {0}};
    struct rank ranks[SERVED_MAX];
    uint32_t count = 0;
    int64_t shelf = 0;
    for (unsigned i = 0; i <= CHANNELS_MAX; i++)
        ranking.elsewhere[i] = ELSEWHERE_UNKNOWN;
    for (uint32_t l = claims->cell_lines[draft.cell]; l != 0; l = claims->lines[l - 1].cell_next)
        shelf += on_shelf(&claims->lines[l - 1]); /* within what is reserved */
    int64_t of_shelf = min_i64(units, shelf);
    int64_t of_trolleys = units - of_shelf;
    for (uint32_t l = claims->cell_lines[draft.cell]; l != 0; l = claims->lines[l - 1].cell_next) {
        const struct claim_line *line = &claims->lines[l - 1];
        if ((of_trolleys != 0 ? with_cover(line) : on_shelf(line)) != 0)
            count = keep_rank(ranks, count, rank_of(&ranking, l - 1));
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct claim_line *line = &claims->lines[ranks[i].line];
        int64_t from_shelf = min_i64(of_shelf, on_shelf(line));
        int64_t from_trolleys = min_i64(of_trolleys, with_cover(line) - on_shelf(line));
        int64_t lost = from_shelf + from_trolleys;
        if (lost == 0)
            continue; /* all that is on trolleys, and others had to give up enough */
        struct event *event = judge_event(judge, EVENT_SHORT);
        event->quantity = lost;
        event->condition = CONDITION_SELLABLE;
        claim_fill(judge, line->claim, ranks[i].line, event);
        event->claim_units[CLAIM_SHORT] += lost;
        event->claim_units[CLAIM_BACKORDERED] += lost;
        event->delta.units[FIGURE_BACKORDERED] = lost;
        CHECK(judge_cell(judge, &draft, event, DISCREPANCY_NONE, 0)); /* within what is reserved: in range */
        of_shelf -= from_shelf;
        of_trolleys -= from_trolleys;
    }
}
