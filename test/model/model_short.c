/*
 * Shortfalls in the model: whose units lose cover where more is promised than there is. Written from "Shortfalls" in
 * docs/protocol.md: the claims are looked through anew for each that loses.
 */
#include "model_work.h"

#include <string.h>

static const struct model_rule *rule_of(const struct model_state *s, const char *location)
{
    while (location[0] != '\0') {
        int64_t i = 0;
        while (i < s->location_count && strcmp(s->locations[i], location) != 0)
            i++;
        if (i == s->location_count)
            return NULL; /* a name that nobody has placed */
        if (s->rules[i].count != 0)
            return &s->rules[i];
        location = s->parents[i];
    }
    return NULL;
}

/* The claim's line in the cell, or NULL. */
static const struct model_claim_line *line_in(const struct model_claim *claim, int64_t cell)
{
    for (int64_t l = 0; l < claim->line_count; l++)
        if (claim->lines[l].cell == cell)
            return &claim->lines[l];
    return NULL;
}

static int64_t covered(const struct model_claim *claim, int64_t cell)
{
    const struct model_claim_line *line = line_in(claim, cell);
    return line == NULL ? 0 : line->held + line->committed - line->backordered;
}

static int64_t not_picked(const struct model_claim *claim, int64_t cell)
{
    int64_t units = covered(claim, cell);
    return units == 0 || units < line_in(claim, cell)->picked ? 0 : units - line_in(claim, cell)->picked;
}

static bool sells_at(const struct model_state *s, const char *channel, const char *location)
{
    for (int64_t c = 0; c < s->channel_count; c++) {
        if (strcmp(s->channels[c].name, channel) != 0 || s->channels[c].place_count == 0)
            continue;
        for (int64_t p = 0; p < s->channels[c].place_count; p++)
            if (strcmp(s->channels[c].places[p], location) == 0)
                return true;
        return false;
    }
    return true;
}

static bool has_other_place(const struct model_state *s, const struct model_claim *claim, int64_t cell)
{
    for (int64_t c = 0; c < s->cell_count; c++)
        if (c != cell && strcmp(s->cells[c].item, s->cells[cell].item) == 0 &&
            sells_at(s, claim->channel, s->cells[c].location) &&
            model_free(s, c, claim->channel) >= covered(claim, cell))
            return true;
    return false;
}

/* Does claim a lose cover before claim b, when each is as it was before any lost some? */
static bool loses_first(const struct model_state *s, const struct model_rule *rule, const struct model_claim *a,
                        const struct model_claim *b, int64_t cell)
{
    for (int64_t i = 0; i < rule->count; i++) {
        bool other_a = has_other_place(s, a, cell), other_b = has_other_place(s, b, cell);
        if (rule->by[i] == MODEL_NEWEST)
            break;
        if (rule->by[i] == MODEL_UNPAID && a->paid != b->paid)
            return !a->paid;
        if (rule->by[i] == MODEL_OTHER_PLACE && other_a != other_b)
            return other_a;
        if (rule->by[i] == MODEL_LOWEST_PRIORITY && a->priority != b->priority)
            return a->priority == 0 || (b->priority != 0 && a->priority > b->priority);
    }
    return a->made > b->made;
}

bool lacks_cover(const struct model_state *s, int64_t cell)
{
    if (cell < 0 || rule_of(s, s->cells[cell].location) == NULL)
        return false;
    int64_t promised = model_held(s, cell) + model_committed(s, cell);
    int64_t there = s->cells[cell].on[0] + model_in_bins(s, cell);
    return promised - model_backordered(s, cell) > there && promised > model_backordered(s, cell);
}

int64_t short_of(struct model_state *s, int64_t cell, int64_t *trolleys, int64_t *not_newest)
{
    struct model_state before = *s;
    bool lost[MODEL_CLAIMS_MAX] = {false};
    int64_t events = 0;
    while (lacks_cover(s, cell)) {
        int64_t first = -1, newest = -1;
        bool shelf = false;
        for (int64_t i = 0; i < s->claim_count; i++)
            shelf = shelf || not_picked(&s->claims[i], cell) > 0;
        for (int64_t i = 0; i < s->claim_count; i++) {
            if ((shelf ? not_picked(&s->claims[i], cell) : covered(&s->claims[i], cell)) == 0)
                continue;
            if (newest < 0 || s->claims[i].made > s->claims[newest].made)
                newest = i;
            if (first < 0 || loses_first(&before, rule_of(s, s->cells[cell].location), &before.claims[i],
                                         &before.claims[first], cell))
                first = i;
        }
        struct model_claim_line *line = &s->claims[first].lines[line_in(&s->claims[first], cell) - s->claims[first].lines];
        int64_t over = model_held(s, cell) + model_committed(s, cell) - model_backordered(s, cell) - s->cells[cell].on[0] -
                       model_in_bins(s, cell);
        int64_t most = shelf ? not_picked(&s->claims[first], cell) : covered(&s->claims[first], cell);
        int64_t units = over < most ? over : most;
        line->backordered += units;
        line->lost += units;
        *trolleys += !shelf;
        *not_newest += first != newest;
        events += !lost[first];
        lost[first] = true;
    }
    return events;
}
