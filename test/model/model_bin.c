/*
 * Bins in the model: which location answers for goods in one, and what a command changes there. Written from "Bins" in
 * docs/protocol.md: whatever is asked of a node is summed anew over all cells.
 */
#include "model_work.h"

#include <assert.h>
#include <string.h>

static bool same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int64_t place_number(const struct model_state *s, const char *location)
{
    for (int64_t i = 0; i < s->location_count; i++)
        if (same_name(s->locations[i], location))
            return i;
    return -1;
}

bool is_bin(const struct model_state *s, const char *location)
{
    int64_t i = place_number(s, location);
    return i >= 0 && s->bins[i] != 0;
}

const char *node_of(const struct model_state *s, const char *location)
{
    while (is_bin(s, location))
        location = s->parents[place_number(s, location)];
    return location;
}

/* Sellable units in the bins that a location answers for. */
static int64_t sum_of_bins(const struct model_state *s, const char *item, const char *location)
{
    int64_t sum = 0;
    for (int64_t c = 0; s->tree != 0 && c < s->cell_count; c++)
        if (same_name(s->cells[c].item, item) && is_bin(s, s->cells[c].location) &&
            same_name(node_of(s, s->cells[c].location), location))
            sum += s->cells[c].on[0];
    return sum;
}

int64_t model_in_bins(const struct model_state *s, int64_t cell)
{
    return sum_of_bins(s, s->cells[cell].item, s->cells[cell].location);
}

bool bins_promise_nothing(struct work *w)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (is_bin(&w->next, w->sums[i].location))
            return refuse(w, "no_promise");
    return true;
}

/* ---- who answers ---- */

static struct answering *answering_at(struct work *w, const char *item, const char *location)
{
    for (int64_t i = 0; i < w->answering_count; i++)
        if (same_name(w->answering[i].sum.item, item) && same_name(w->answering[i].sum.location, location))
            return &w->answering[i];
    assert(w->answering_count < 2 * MODEL_CELLS_MAX);
    struct answering *at = &w->answering[w->answering_count++];
    memset(at, 0, sizeof(*at));
    memcpy(at->sum.item, item, sizeof(model_name));
    memcpy(at->sum.location, location, strlen(location));
    return at;
}

static bool changes(struct work *w, const char *item, const char *node, int64_t units, int64_t answers)
{
    struct answering *at = answering_at(w, item, node);
    at->change += units;
    at->sum.total += answers;
    if (at->change > RANGE || at->change < -RANGE)
        return invalid(w, "out_of_range");
    return true;
}

bool who_answers(struct work *w, int64_t sign, const char *to)
{
    const struct model_state *s = &w->next;
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        if (is_bin(s, sum->location) && node_of(s, sum->location)[0] != '\0')
            continue;
        struct answering *at = answering_at(w, sum->item, sum->location);
        at->sum = *sum;
        at->sum.total = sum->by[0];
        at->named = true;
    }
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        const char *node = node_of(s, sum->location);
        if (!is_bin(s, sum->location) || node[0] == '\0')
            continue;
        bool stays = corrects_count(w, sum->item, sum->location, 0);
        if (!changes(w, sum->item, node, stays ? 0 : sign * sum->by[0], sum->by[0]))
            return false;
    }
    for (int64_t i = 0; is_bin(s, to) && node_of(s, to)[0] != '\0' && i < w->sum_count; i++) {
        bool stays = corrects_count(w, w->sums[i].item, to, 0);
        if (!changes(w, w->sums[i].item, node_of(s, to), stays ? 0 : w->sums[i].by[0], 0))
            return false;
    }
    return true;
}

/* "Guarded, what is taken from a bin must lie there and be free at its node, all bins of it together, less what comes back
 * into them in the same command." One row per cell. */
static void judge_place(struct work *w, const struct sum *sum, const int64_t *takes, int64_t change, int64_t claim,
                        const char *channel)
{
    const struct model_state *s = &w->model->now;
    int64_t cell = find_cell(s, sum->item, sum->location);
    struct model_claim_line line = line_now(w, claim, sum);
    int64_t covered = line.held + line.committed - line.backordered;
    int64_t free = model_free(s, cell, channel);
    for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
        int64_t there = cell < 0 || s->cells[cell].on[k] < 0 ? 0 : s->cells[cell].on[k];
        if (takes[k] <= 0)
            continue;
        if (k == 0 && change == 0 && !is_bin(s, sum->location)) {
            int64_t may = (takes[0] < covered ? takes[0] : covered) + free;
            there = there < may ? there : may;
        }
        if (takes[k] > there) {
            note_short(w, sum, takes[k], there);
            return;
        }
    }
    int64_t net = takes[0] - change;
    int64_t may = (net < covered ? net : covered) + free;
    if (change != 0 && net > 0 && net > may)
        note_short(w, sum, net, may);
}

void note_taking(struct work *w, int64_t sign, int64_t claim, const char *channel)
{
    static const int64_t none[MODEL_CONDITIONS];
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        int64_t takes[MODEL_CONDITIONS];
        int64_t change = 0;
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            takes[k] = -sign * sum->by[k];
        for (int64_t a = 0; a < w->answering_count; a++)
            if (same_name(w->answering[a].sum.item, sum->item) &&
                same_name(w->answering[a].sum.location, sum->location))
                change = w->answering[a].change;
        judge_place(w, sum, takes, change, claim, channel);
    }
    for (int64_t a = 0; a < w->answering_count; a++) {
        const struct answering *at = &w->answering[a];
        int64_t takes[MODEL_CONDITIONS];
        memcpy(takes, none, sizeof(takes));
        for (int64_t i = 0; i < w->sum_count && w->command->kind == MODEL_TRANSFER; i++)
            if (same_name(at->sum.location, w->command->to) && same_name(at->sum.item, w->sums[i].item))
                takes[0] -= w->sums[i].by[0];
        if (!at->named)
            judge_place(w, &at->sum, takes, at->change, claim, channel);
    }
}

void touch_nodes(struct work *w)
{
    for (int64_t a = 0; a < w->answering_count; a++) {
        const struct sum *at = &w->answering[a].sum;
        if (sum_of_bins(&w->next, at->item, at->location) != sum_of_bins(&w->model->now, at->item, at->location))
            (void)touch(w, at->item, at->location);
    }
}

/* ---- the tree ---- */

/* What must not stand on a location that becomes a bin. */
static const char *in_the_way(const struct model_state *s, const char *location)
{
    bool policy = false;
    for (int64_t c = 0; c < s->channel_count; c++)
        for (int64_t p = 0; p < s->channels[c].place_count; p++)
            if (same_name(s->channels[c].places[p], location))
                return "in_use";
    if (silence_stands_on(s, location))
        return "in_use";
    for (int64_t c = 0; c < s->cell_count; c++) {
        if (!same_name(s->cells[c].location, location))
            continue;
        for (int64_t k = 0; k < s->channel_count; k++)
            policy = policy || s->cells[c].quota[k] != 0;
        policy = policy || s->cells[c].safety_stock != 0 || s->cells[c].backorder_limit != 0;
        for (int64_t i = 0; i < s->claim_count; i++)
            for (int64_t l = 0; l < s->claims[i].line_count; l++)
                if (s->claims[i].lines[l].cell == c &&
                    s->claims[i].lines[l].held + s->claims[i].lines[l].committed + s->claims[i].lines[l].waiting != 0)
                    return "claims_open";
    }
    return policy ? "in_use" : NULL;
}

const char *place_location(struct work *w, const char *location, const char *parent, bool bin,
                           const struct model_rule *rule)
{
    struct model_state *s = &w->next;
    int64_t i = place_number(s, location);
    if (i < 0) {
        i = s->location_count++;
        assert(i < MODEL_NAMES_MAX);
        memset(s->locations[i], 0, sizeof(model_name));
        memcpy(s->locations[i], location, strlen(location));
    }
    for (const char *up = parent; up[0] != '\0'; up = s->parents[place_number(s, up)])
        if (same_name(up, location))
            return "circular";
    const char *code = bin && !s->bins[i] ? in_the_way(s, location) : NULL;
    if (code != NULL)
        return code;
    for (int64_t c = 0; c < s->cell_count; c++)
        if (s->bins[i] && !bin && same_name(s->cells[c].location, location) && s->cells[c].on[0] != 0)
            w->touched[c] = true; /* it takes promises from now on, of what it has */
    struct model_state before = *s;
    memset(s->parents[i], 0, sizeof(model_name));
    memcpy(s->parents[i], parent, strlen(parent));
    s->bins[i] = bin;
    s->rules[i] = *rule;
    s->tree = s->tree || bin;
    s->seq++;
    for (int64_t c = 0; c < before.cell_count; c++) { /* in their order, from where and to where */
        const char *from = node_of(&before, s->cells[c].location);
        const char *to = node_of(s, s->cells[c].location);
        if (from[0] != '\0' && !same_name(from, to))
            (void)answering_at(w, s->cells[c].item, from);
        if (to[0] != '\0' && !same_name(from, to))
            (void)answering_at(w, s->cells[c].item, to);
    }
    return NULL;
}
