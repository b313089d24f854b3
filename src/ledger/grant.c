/*
 * Grants: what a claim gets in one cell, and what it gives back (DESIGN I3).
 *
 * A grant through a channel takes from the channel's quota first and the claim remembers how much, so that a release
 * gives back as much and no more, however often it comes. Beyond what is free it may be backordered, if the command says
 * so and the cell has room: those units are part of what the claim has and lack cover until goods come (serve.c).
 *
 * Giving back, uncovered units go first: they never were anybody else's loss. Using up, covered units go first.
 */
#include "ledger/decide.h"

struct terms grant_terms(const struct judge *judge, const struct draft *draft, const struct event *event)
{
    struct figures figures = draft_figures(judge, draft);
    int64_t quota_back = 0;
    if (event != NULL) {
        figures.units[FIGURE_HELD] += event->delta.units[FIGURE_HELD];
        figures.units[FIGURE_COMMITTED] += event->delta.units[FIGURE_COMMITTED];
        figures.units[FIGURE_BACKORDERED] += event->delta.units[FIGURE_BACKORDERED];
        quota_back = event->quota_delta;
    }
    struct terms terms = {channel_free(judge->ledger, &figures, draft->cell, judge->channel, quota_back), 0};
    if (judge->backorder) {
        int64_t uncovered = figures_available(&figures) + figures.units[FIGURE_BACKORDERED] -
                            figures.units[FIGURE_SAFETY_STOCK];
        terms.room = max_i64(0, figures.units[FIGURE_BACKORDER_LIMIT] - figures.units[FIGURE_BACKORDERED] +
                                    min_i64(0, uncovered));
    }
    return terms;
}

/* What of `units` the channel's quota covers. */
static int64_t quota_part(const struct judge *judge, const struct draft *draft, const struct event *event, int64_t units)
{
    const struct quota *quota =
        judge->channel == NUMBER_NONE ? NULL : quota_find(judge->ledger, draft->cell, judge->channel);
    return quota == NULL ? 0 : min_i64(units, quota->units + event->quota_delta);
}

static void quota_take(const struct judge *judge, struct event *event, int64_t units)
{
    if (units <= 0)
        return;
    event->channel_number = judge->channel;
    event->quota_delta -= units;
}

void grant_units(const struct judge *judge, const struct draft *draft, struct event *event, enum claim_figure into,
                 int64_t units, struct terms terms)
{
    int64_t from_quota = quota_part(judge, draft, event, units);
    int64_t uncovered = min_i64(max_i64(0, units - terms.free), terms.room);
    event->claim_units[into] += units;
    event->claim_units[CLAIM_QUOTA] += from_quota;
    event->claim_units[CLAIM_BACKORDERED] += uncovered;
    event->delta.units[into == CLAIM_HELD ? FIGURE_HELD : FIGURE_COMMITTED] += units;
    event->delta.units[FIGURE_BACKORDERED] += uncovered;
    quota_take(judge, event, from_quota);
}

void lack_less(struct event *event, int64_t units)
{
    event->claim_units[CLAIM_BACKORDERED] -= units;
    event->claim_units[CLAIM_SHORT] -= min_i64(units, event->claim_units[CLAIM_SHORT]);
    event->delta.units[FIGURE_BACKORDERED] -= units;
}

void give_back_units(const struct judge *judge, struct event *event, int64_t from_held, int64_t from_committed)
{
    int64_t units = from_held + from_committed;
    int64_t quota = min_i64(units, event->claim_units[CLAIM_QUOTA]);
    int64_t uncovered = min_i64(units, event->claim_units[CLAIM_BACKORDERED]);
    event->claim_units[CLAIM_HELD] -= from_held;
    event->claim_units[CLAIM_COMMITTED] -= from_committed;
    event->claim_units[CLAIM_QUOTA] -= quota;
    event->delta.units[FIGURE_HELD] -= from_held;
    event->delta.units[FIGURE_COMMITTED] -= from_committed;
    lack_less(event, uncovered);
    if (quota != 0) {
        event->channel_number = judge->channel;
        event->quota_delta += quota;
    }
    /* What was on a trolley goes back to its shelf last. */
    int64_t unpicked = max_i64(0, event->claim_units[CLAIM_PICKED] - event->claim_units[CLAIM_COMMITTED]);
    event->claim_units[CLAIM_PICKED] -= unpicked;
    event->delta.units[FIGURE_PICKED] -= unpicked;
}

int64_t claim_consume(struct event *event, int64_t units)
{
    int64_t from_committed = min_i64(units, event->claim_units[CLAIM_COMMITTED]);
    int64_t from_held = min_i64(units - from_committed, event->claim_units[CLAIM_HELD]);
    int64_t used = from_committed + from_held;
    /* Units already on a trolley go first. */
    int64_t from_picked = min_i64(from_committed, event->claim_units[CLAIM_PICKED]);
    event->claim_units[CLAIM_PICKED] -= from_picked;
    event->claim_units[CLAIM_COMMITTED] -= from_committed;
    event->claim_units[CLAIM_HELD] -= from_held;
    event->claim_units[CLAIM_CONSUMED] += used;
    event->claim_units[CLAIM_QUOTA] -= min_i64(used, event->claim_units[CLAIM_QUOTA]);
    int64_t covered = max_i64(0, event->claim_units[CLAIM_BACKORDERED] - event->claim_units[CLAIM_HELD] -
                                     event->claim_units[CLAIM_COMMITTED]);
    event->delta.units[FIGURE_PICKED] -= from_picked;
    event->delta.units[FIGURE_COMMITTED] -= from_committed;
    event->delta.units[FIGURE_HELD] -= from_held;
    lack_less(event, covered);
    return used;
}

void quota_use(const struct judge *judge, const struct draft *draft, struct event *event, int64_t units)
{
    quota_take(judge, event, quota_part(judge, draft, event, units));
}
