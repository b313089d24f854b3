/*
 * Counts in the model. Nothing is kept but what moved and what was counted: what a count found beyond the books is
 * summed anew, from the first movement on, after each command that moves anything there. Written from "Counts" in
 * docs/protocol.md.
 */
#include "model_work.h"

#include <assert.h>
#include <string.h>

/* "In the window that ends with counted_to": a movement that occurs as it ends is in it, but for one that is told in
 * that very moment behind the count. */
static bool moved_before(const struct model_move *move, const struct model_count *count)
{
    return move->occurred_us < count->to_us ||
           (move->occurred_us == count->to_us && (move->late != 0 || move->order < count->order));
}

/* "Of two with the same end the one recorded last is the last." */
static bool counted_before(const struct model_count *a, const struct model_count *b)
{
    return a->to_us < b->to_us || (a->to_us == b->to_us && a->order < b->order);
}

/* Names are filled up with zeros. */
static bool is_same(const char *a, const char *b)
{
    return memcmp(a, b, sizeof(model_name)) == 0;
}

static bool same_place(const struct model_count *count, const char *item, const char *location, int64_t condition)
{
    return count->condition == condition && is_same(count->item, item) && is_same(count->location, location);
}

/* "Who counts a shelf does not see what lies on trolleys." And another system may have what is committed off. */
static int64_t seen(const struct model_count *count, int64_t on, int64_t picked, int64_t committed)
{
    return on - (count->condition == 0 && !count->includes_picked ? picked : 0) -
           (count->condition == 0 && count->net ? committed : 0);
}

/* The command's own time, and whether it is late; of a reversal those of what it reverses. */
static int64_t occurred(const struct work *w, int64_t *out_late)
{
    if (w->command->kind == MODEL_REVERSE) {
        *out_late = w->then_late;
        return w->then_us;
    }
    if (w->command->kind == MODEL_SNAPSHOT && w->command->has_position) {
        *out_late = 0;
        return w->command->seen_us;
    }
    int64_t us = w->command->occurred_at_us;
    *out_late = us != MODEL_TIME_NONE && us < w->now_us;
    return *out_late ? us : w->now_us;
}

/* What it stands behind among what occurs at the same moment: of a reversal, and of a snapshot, another command's. */
static int64_t order_of(const struct work *w)
{
    if (w->command->kind == MODEL_REVERSE)
        return w->then_order;
    bool seen = w->command->kind == MODEL_SNAPSHOT && w->command->has_position;
    return seen ? w->command->seen_order : w->model->order;
}

/* "Those of the last window, and the last of each cell and condition": all others are as they are. */
void forget_counts(struct model *model, int64_t now_us)
{
    for (int64_t i = 0; i < model->count_count; i++) {
        struct model_count *count = &model->counts[i];
        bool last = true;
        if (count->reversed)
            continue;
        for (int64_t k = 0; k < model->count_count; k++)
            last = last && !(counted_before(count, &model->counts[k]) && !model->counts[k].reversed &&
                             same_place(&model->counts[k], count->item, count->location, count->condition));
        if (count->recorded_us < now_us - model->window_us && !last)
            count->forgotten = 1;
    }
}

/* It was reversed, or is by this command. */
static bool is_undone(const struct work *w, const struct model_count *count)
{
    return count->reversed || (w->command->kind == MODEL_REVERSE && count->order == w->then_order);
}

bool corrects_count(const struct work *w, const char *item, const char *location, int64_t condition)
{
    struct model_move move = {.order = order_of(w)};
    move.occurred_us = occurred(w, &move.late);
    for (int64_t i = 0; i < w->model->count_count; i++) {
        const struct model_count *count = &w->model->counts[i];
        if (same_place(count, item, location, condition) && !count->forgotten && !is_undone(w, count) &&
            moved_before(&move, count))
            return true;
    }
    return false;
}

void make_counts(struct work *w)
{
    const struct model_command *c = w->command;
    int64_t late;
    int64_t to_us = occurred(w, &late);
    int64_t from_us = c->counted_from_us == MODEL_TIME_NONE || c->counted_from_us > to_us ? to_us : c->counted_from_us;
    for (int64_t i = 0; i < c->line_count; i++) {
        const struct model_line *line = &c->lines[i];
        int64_t condition = line->condition == MODEL_CONDITIONS ? 0 : line->condition;
        bool is_there = false;
        for (int64_t k = 0; k < w->count_count; k++)
            is_there = is_there || same_place(&w->counts[k], line->item, line->location, condition);
        if (is_there)
            continue; /* lines of a cell are summed */
        struct model_count *count = &w->counts[w->count_count++];
        memset(count, 0, sizeof(*count));
        memcpy(count->item, line->item, sizeof(model_name));
        memcpy(count->location, line->location, sizeof(model_name));
        count->condition = condition;
        count->from_us = from_us;
        count->to_us = to_us;
        count->includes_picked = c->includes_picked;
        count->counted = sum_of(w, line->item, line->location)->by[condition];
        count->recorded_us = w->now_us;
        count->order = w->model->order;
        (void)touch(w, line->item, line->location);
    }
}

/* What the command moved, by cell: what there is now, less what there was. */
static void note_moves(struct work *w)
{
    const struct model_state *s = &w->next;
    for (int64_t c = 0; c < s->cell_count; c++) {
        struct model_move move;
        bool any;
        if (!w->touched[c])
            continue;
        memset(&move, 0, sizeof(move));
        memcpy(move.item, s->cells[c].item, sizeof(model_name));
        memcpy(move.location, s->cells[c].location, sizeof(model_name));
        move.occurred_us = occurred(w, &move.late);
        move.told = w->model->order;
        move.order = order_of(w);
        bool was = c < w->model->now.cell_count;
        move.picked = model_picked(s, c) - (was ? model_picked(&w->model->now, c) : 0);
        move.committed = model_committed(s, c) - (was ? model_committed(&w->model->now, c) : 0);
        any = move.picked != 0 || move.committed != 0;
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            move.on[k] = s->cells[c].on[k] - (was ? w->model->now.cells[c].on[k] : 0);
            any = any || move.on[k] != 0;
        }
        if (any)
            w->moves[w->move_count++] = move;
    }
}

/* All that moved so far, this command's own behind. */
static const struct model_move *move_at(const struct work *w, int64_t i)
{
    return i < w->model->move_count ? &w->model->moves[i] : &w->moves[i - w->model->move_count];
}

static bool moved_here(const struct model_move *move, const struct model_count *count)
{
    return is_same(move->item, count->item) && is_same(move->location, count->location);
}

/* What it found beyond the books, when those before it have found what they have. */
static int64_t sum_anew(const struct work *w, const struct model_told *counts, int64_t index)
{
    const struct model_count *count = &counts[index].after;
    int64_t on = 0, picked = 0, committed = 0;
    for (int64_t i = 0; i < w->model->move_count + w->move_count; i++) {
        const struct model_move *move = move_at(w, i);
        if (!moved_here(move, count) || !moved_before(move, count))
            continue;
        on += move->on[count->condition];
        picked += move->picked;
        committed += move->committed;
    }
    for (int64_t i = 0; i < index; i++)
        on += counts[i].after.variance;
    return count->counted - seen(count, on, picked, committed);
}

/* What moved in the window of a count that is made. */
static int64_t moved_inside(const struct work *w, const struct model_count *count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < w->model->move_count; i++) {
        const struct model_move *move = &w->model->moves[i];
        int64_t units = seen(count, move->on[count->condition], move->picked, move->committed);
        if (moved_here(move, count) && moved_before(move, count) && move->occurred_us > count->from_us)
            sum += units < 0 ? -units : units;
    }
    return sum;
}

/* What moves late inside the window of the first count behind it is uncertain there. */
static void note_uncertain(const struct work *w, struct model_told *counts, int64_t count_count)
{
    for (int64_t m = 0; m < w->move_count; m++) {
        const struct model_move *move = &w->moves[m];
        for (int64_t i = 0; i < count_count; i++) {
            struct model_count *count = &counts[i].after;
            int64_t units = seen(count, move->on[count->condition], move->picked, move->committed);
            if (!moved_here(move, count) || !moved_before(move, count) || count->forgotten)
                continue;
            if (move->occurred_us > count->from_us)
                count->uncertain += units < 0 ? -units : units;
            break;
        }
    }
}

/* "Its variance is booked from @found, or to @loss": what it was comes back from there first. */
static void book(struct work *w, const struct model_told *told)
{
    struct model_item *item = &w->next.items[find_item(&w->next, told->after.item)];
    int64_t was = told->made ? 0 : told->before.variance, is = told->after.variance;
    if (was > 0)
        item->found += was;
    else
        item->loss += was;
    if (is > 0)
        item->found -= is;
    else
        item->loss -= is;
    int64_t cell = find_cell(&w->next, told->after.item, told->after.location);
    w->next.cells[cell].on[told->after.condition] += is - was;
}

static void tell(struct work *w, struct model_told *told)
{
    int64_t was = told->before.variance, is = told->after.variance;
    bool turns = (was < 0 && is > 0) || (was > 0 && is < 0);
    told->events = told->made ? 1 : was == is ? 0 : turns ? 2 : 1;
    if (told->events == 0)
        return;
    book(w, told);
    w->more[find_cell(&w->next, told->after.item, told->after.location)] += told->events;
    assert(w->answer.told_count < MODEL_TOLD_MAX);
    w->answer.told[w->answer.told_count++] = *told;
}

/* One condition of a cell: its counts in the order of their ends. */
static void tell_place(struct work *w, const char *item, const char *location, int64_t condition)
{
    static struct model_told counts[MODEL_COUNTS_MAX];
    int64_t count_count = 0;
    const struct model *model = w->model;
    for (int64_t i = 0; i < model->count_count + w->count_count; i++) {
        bool made = i >= model->count_count;
        const struct model_count *count = made ? &w->counts[i - model->count_count] : &model->counts[i];
        if (!same_place(count, item, location, condition) || is_undone(w, count))
            continue;
        int64_t at = count_count++;
        for (; at > 0 && counted_before(count, &counts[at - 1].after); at--)
            counts[at] = counts[at - 1];
        counts[at] = (struct model_told){.number = i, .made = made, .before = *count, .after = *count};
    }
    for (int64_t i = 0; i < count_count; i++) {
        if (!counts[i].after.forgotten)
            counts[i].after.variance = sum_anew(w, counts, i);
        if (counts[i].made)
            counts[i].after.uncertain = moved_inside(w, &counts[i].after);
    }
    note_uncertain(w, counts, count_count);
    for (int64_t i = 0; i < count_count; i++)
        tell(w, &counts[i]);
}

/* What the command takes from the accounts, and gives to them. */
static void note_accounts(struct work *w)
{
    for (int64_t i = 0; i < w->next.item_count; i++) {
        const struct model_item *is = &w->next.items[i], *was = &w->model->now.items[i];
        if (i < w->model->now.item_count)
            w->accounts[i] = (struct model_accounts){is->supplier - was->supplier, is->customer - was->customer,
                                                     is->loss - was->loss, is->found - was->found};
        else
            w->accounts[i] = (struct model_accounts){is->supplier, is->customer, is->loss, is->found};
    }
}

/* Counts that are reversed: an event of each, whatever it found. */
static void undo_counts(struct work *w)
{
    for (int64_t i = 0; i < w->answer.undone_count; i++) {
        struct model_told undone = {.before = w->answer.undone[i], .after = w->answer.undone[i]};
        undone.after.variance = 0;
        book(w, &undone);
        w->more[find_cell(&w->next, undone.after.item, undone.after.location)]++;
    }
}

void tell_counts(struct work *w)
{
    bool first[MODEL_CELLS_MAX];
    memset(first, 1, sizeof(first));
    note_moves(w);
    note_accounts(w);
    undo_counts(w);
    for (int64_t i = 0; i < w->answer.undone_count; i++) {
        int64_t cell = find_cell(&w->next, w->answer.undone[i].item, w->answer.undone[i].location);
        w->more[cell] -= first[cell]; /* it is the event of its cell */
        first[cell] = false;
    }
    for (int64_t i = 0; i < w->count_count; i++) {
        int64_t cell = find_cell(&w->next, w->counts[i].item, w->counts[i].location);
        w->more[cell] -= first[cell]; /* it is the event of its cell */
        first[cell] = false;
    }
    for (int64_t c = 0; c < w->next.cell_count; c++)
        for (int64_t k = 0; k < MODEL_CONDITIONS && w->touched[c]; k++)
            tell_place(w, w->next.cells[c].item, w->next.cells[c].location, k);
}

void keep_counts(struct model *model, const struct work *w)
{
    assert(model->move_count + w->move_count <= MODEL_MOVES_MAX);
    assert(model->count_count + w->count_count <= MODEL_COUNTS_MAX);
    for (int64_t i = 0; i < w->move_count; i++) {
        struct model_move *move = &model->moves[model->move_count++];
        *move = w->moves[i];
        memcpy(move->source, w->command->source, sizeof(model_name));
        move->seq = w->next.seq;
        move->own = w->command->has_seq ? w->command->seq : 0;
        move->stated = w->command->kind == MODEL_SNAPSHOT;
        move->seen_position = move->stated != 0 && w->command->has_position ? w->command->seen_position : 0;
    }
    for (int64_t i = 0; i < w->count_count; i++)
        model->counts[model->count_count++] = w->counts[i];
    for (int64_t i = 0; i < w->answer.told_count; i++)
        model->counts[w->answer.told[i].number] = w->answer.told[i].after;
    for (int64_t i = 0; i < model->count_count; i++)
        model->counts[i].reversed = is_undone(w, &model->counts[i]);
}

int64_t model_as_of(const struct model *model, const char *item, const char *location, int64_t condition,
                    int64_t at_us)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < model->move_count; i++) {
        const struct model_move *move = &model->moves[i];
        if (is_same(move->item, item) && is_same(move->location, location) && move->occurred_us <= at_us)
            sum += move->on[condition];
    }
    for (int64_t i = 0; i < model->count_count; i++)
        if (same_place(&model->counts[i], item, location, condition) && model->counts[i].to_us <= at_us &&
            !model->counts[i].reversed)
            sum += model->counts[i].variance;
    return sum;
}
