/*
 * Reversals in the model. What a command moved goes back, as if the opposite had been told in that very moment; a count
 * is as if nobody had counted. What that makes of the counts behind it is summed anew, as ever. Written from
 * "Reversals" in docs/protocol.md.
 */
#include "model_work.h"

#include <string.h>

/* Names are filled up with zeros. */
static bool is_same(const char *a, const char *b)
{
    return memcmp(a, b, sizeof(model_name)) == 0;
}

/* Goods under way are their document's, nothing is reversed twice, and who said what is here says it anew. */
static bool is_final(int64_t kind)
{
    return kind == MODEL_TRANSFER_OUT || kind == MODEL_TRANSFER_IN || kind == MODEL_TRANSFER_LOSS ||
           kind == MODEL_REVERSE || kind == MODEL_SNAPSHOT;
}

/* The goods of one movement of the command. */
static bool goes_back(struct work *w, const struct model_move *move)
{
    bool any = false;
    for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
        any = any || move->on[k] != 0;
    if (!any)
        return false; /* what is picked is no movement of goods */
    w->then_us = move->occurred_us;
    w->then_late = move->late;
    struct sum *sum = sum_of(w, move->item, move->location);
    for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
        sum->by[k] -= move->on[k];
        sum->total -= move->on[k];
    }
    return true;
}

/* "A count, with the variance it has now." False when that is not known any more. */
static bool was_not_counted(struct work *w, const struct model_count *count)
{
    if (count->forgotten)
        return false;
    w->then_us = count->to_us;
    w->then_late = 0;
    struct sum *sum = sum_of(w, count->item, count->location);
    sum->by[count->condition] -= count->variance;
    sum->total -= count->variance;
    w->answer.undone[w->answer.undone_count++] = *count;
    return true;
}

/* What the command moved, or counted. False when that is nothing. */
static bool take_back(struct work *w, int64_t order)
{
    const struct model *model = w->model;
    bool any = false;
    for (int64_t i = 0; i < model->move_count; i++)
        if (model->moves[i].told == order)
            any = goes_back(w, &model->moves[i]) || any;
    for (int64_t i = 0; i < model->count_count; i++) {
        if (model->counts[i].order != order)
            continue;
        if (!was_not_counted(w, &model->counts[i]))
            return false;
        any = true;
    }
    return any;
}

bool model_moved(const struct model *model, const struct model_remembered *past)
{
    bool any = false;
    for (int64_t i = 0; i < model->move_count; i++)
        for (int64_t k = 0; k < MODEL_CONDITIONS && model->moves[i].told == past->order; k++)
            any = any || model->moves[i].on[k] != 0;
    for (int64_t i = 0; i < model->count_count; i++)
        any = any || model->counts[i].order == past->order;
    return any;
}

const struct model_remembered *model_named(const struct model *model, const char *source, const char *id)
{
    for (int64_t i = model->remembered_count - 1; i >= 0; i--)
        if (is_same(model->remembered[i].command.source, source) && is_same(model->remembered[i].command.id, id))
            return &model->remembered[i];
    return NULL;
}

bool do_reverse(struct work *w)
{
    const struct model_command *c = w->command;
    const struct model *model = w->model;
    const struct model_remembered *past = model_named(model, c->of_source, c->of_id);
    if (past == NULL || (past->at_us < w->now_us - model->window_us && !model->old_is_reversible))
        return refuse(w, "unknown_command");
    if (past->reversed)
        return refuse(w, "already_reversed");
    w->then_order = past->order;
    if (is_final(past->command.kind) || !take_back(w, past->order))
        return refuse(w, "not_reversible");
    if (!who_answers(w, 1, ""))
        return false;
    w->reversed = past - model->remembered;
    for (int64_t s = 0; s < w->sum_count; s++) {
        int64_t cell = touch(w, w->sums[s].item, w->sums[s].location);
        for (int64_t k = 0; k < MODEL_CONDITIONS && w->answer.undone_count == 0; k++)
            w->next.cells[cell].on[k] += w->sums[s].by[k];
    }
    for (int64_t k = 0; k < w->next.item_count; k++) {
        struct model_item *item = &w->next.items[k];
        item->supplier -= past->accounts[k].supplier;
        item->customer -= past->accounts[k].customer;
        item->loss -= past->accounts[k].loss;
        item->found -= past->accounts[k].found;
    }
    return true;
}
