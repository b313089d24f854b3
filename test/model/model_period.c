/*
 * Closed periods in the model. It keeps what moved, what counts found and changed, and when it was closed up to when.
 * Figures as booked at a time are what was known of that time when it was first closed: nothing is moved anywhere, what
 * was told afterwards is left out. Written from "Closed periods" in docs/protocol.md.
 */
#include "model_work.h"

#include <assert.h>
#include <string.h>

/* "`until` is not ahead of now and not before what is closed: nothing opens again." */
bool do_close_period(struct work *w)
{
    struct model_state *s = &w->next;
    int64_t until_us = w->command->at.us;
    int64_t closed_us = s->closing_count == 0 ? 0 : s->closings[s->closing_count - 1].until_us;
    if (until_us <= 0)
        return invalid(w, "bad_value");
    if (until_us > w->now_us)
        return refuse(w, "in_future");
    if (until_us < closed_us)
        return refuse(w, "period_closed");
    assert(s->closing_count < MODEL_CLOSINGS_MAX);
    if (until_us > closed_us)
        s->closings[s->closing_count++] = (struct model_closing){until_us, w->model->order};
    s->seq++;
    return true;
}

static void note_change(struct model *model, const struct work *w, const struct model_count *count, int64_t units,
                        int64_t stated)
{
    assert(model->change_count < MODEL_MOVES_MAX);
    struct model_change *change = &model->changes[model->change_count++];
    memcpy(change->item, count->item, sizeof(model_name));
    memcpy(change->location, count->location, sizeof(model_name));
    change->condition = count->condition;
    change->units = units;
    change->to_us = count->to_us;
    change->order = model->order;
    memcpy(change->source, w->command->source, sizeof(model_name));
    change->seq = w->next.seq;
    change->own = w->command->has_seq ? w->command->seq : 0;
    change->stated = stated;
}

void keep_changes(struct model *model, const struct work *w)
{
    for (int64_t i = 0; i < w->answer.told_count; i++) {
        const struct model_told *told = &w->answer.told[i];
        note_change(model, w, &told->after, told->after.variance - (told->made ? 0 : told->before.variance),
                    told->made && told->after.snapshot);
    }
    for (int64_t i = 0; i < w->answer.undone_count; i++)
        note_change(model, w, &w->answer.undone[i], -w->answer.undone[i].variance, 0);
}

/* Names are filled up with zeros. */
static bool is_there(const char *item, const char *location, const char *of_item, const char *of_location)
{
    return memcmp(item, of_item, sizeof(model_name)) == 0 && memcmp(location, of_location, sizeof(model_name)) == 0;
}

int64_t model_as_booked(const struct model *model, const char *item, const char *location, int64_t condition,
                        int64_t at_us)
{
    int64_t sum = 0, told_until = INT64_MAX;
    for (int64_t i = model->now.closing_count - 1; i >= 0; i--)
        if (model->now.closings[i].until_us > at_us)
            told_until = model->now.closings[i].order;
    for (int64_t i = 0; i < model->move_count; i++) {
        const struct model_move *move = &model->moves[i];
        if (is_there(move->item, move->location, item, location) && move->occurred_us <= at_us &&
            move->told < told_until)
            sum += move->on[condition];
    }
    for (int64_t i = 0; i < model->change_count; i++) {
        const struct model_change *change = &model->changes[i];
        if (is_there(change->item, change->location, item, location) && change->condition == condition &&
            change->to_us <= at_us && change->order < told_until)
            sum += change->units;
    }
    return sum;
}

int64_t model_closed_us(const struct model *model)
{
    int64_t count = model->now.closing_count;
    return count == 0 ? 0 : model->now.closings[count - 1].until_us;
}
