/*
 * Snapshots in the model: a figure as another system has it, compared with what was known of the moment that it saw. What
 * is booked of a time is a count like any other, what is booked of a position a movement of when that was told. Written from "Snapshots"
 * in docs/protocol.md.
 */
#include "model_work.h"

#include <assert.h>
#include <string.h>

#define SECONDS INT64_C(1000000)
#define EPOCH   1

/* Names are filled up with zeros. */
static bool is_same(const char *a, const char *b)
{
    return memcmp(a, b, sizeof(model_name)) == 0;
}

static const struct model_source *source_of(const struct work *w)
{
    const struct model_state *s = &w->model->now;
    for (int64_t i = 0; i < s->source_count; i++)
        if (is_same(s->sources[i].name, w->command->source))
            return &s->sources[i];
    return NULL;
}

/* "`contains` says which claims are off that figure." */
static int64_t contains_of(const struct model_command *c)
{
    if (c->contains != MODEL_CONTAINS_DEFAULT)
        return c->contains;
    return c->measure == MODEL_MEASURE_AVAILABLE ? MODEL_CONTAINS_COMMITTED : MODEL_CONTAINS_NONE;
}

static int64_t measured(const struct work *w, int64_t condition, int64_t on, int64_t picked, int64_t committed)
{
    int64_t contains = contains_of(w->command);
    if (condition != 0 || contains == MODEL_CONTAINS_NONE)
        return on;
    return on - (contains == MODEL_CONTAINS_SHIPPED ? picked : committed);
}

/*
 * "All up to a position, what it told itself by its own numbering, and what its earlier snapshots booked", and those of
 * others as of no later position.
 */
static bool has_seen(const struct work *w, int64_t seq, const char *source, int64_t own, int64_t stated, int64_t as_of)
{
    const struct model_command *c = w->command;
    return seq <= c->seen_position || (as_of != 0 && as_of <= c->seen_position) ||
           (is_same(source, c->source) && ((own != 0 && own <= c->seen_seq) || stated != 0));
}

static int64_t measured_then(const struct work *w, const struct sum *sum, int64_t condition)
{
    const struct model *model = w->model;
    const struct model_command *c = w->command;
    int64_t on = 0, picked = 0, committed = 0;
    for (int64_t i = 0; i < model->move_count; i++) {
        const struct model_move *move = &model->moves[i];
        if (!is_same(move->item, sum->item) || !is_same(move->location, sum->location) ||
            !(c->has_position ? has_seen(w, move->seq, move->source, move->own, move->stated, move->seen_position)
                              : move->occurred_us <= c->occurred_at_us))
            continue;
        on += move->on[condition];
        picked += move->picked;
        committed += move->committed;
    }
    for (int64_t i = 0; i < model->change_count; i++) {
        const struct model_change *change = &model->changes[i];
        if (is_same(change->item, sum->item) && is_same(change->location, sum->location) &&
            change->condition == condition &&
            (c->has_position ? has_seen(w, change->seq, change->source, change->own, change->stated, 0)
                             : change->to_us <= c->occurred_at_us))
            on += change->units;
    }
    return measured(w, condition, on, picked, committed);
}

static int64_t measured_now(const struct work *w, const struct sum *sum, int64_t condition)
{
    const struct model_state *s = &w->model->now;
    int64_t cell = find_cell(s, sum->item, sum->location);
    return cell < 0 ? 0 : measured(w, condition, s->cells[cell].on[condition], model_picked(s, cell),
                                   model_committed(s, cell));
}

static bool is_line(const struct work *w, const struct sum *sum, int64_t condition)
{
    for (int64_t i = 0; i < w->command->line_count; i++) {
        const struct model_line *line = &w->command->lines[i];
        if (is_same(line->item, sum->item) && is_same(line->location, sum->location) &&
            (line->condition == MODEL_CONDITIONS ? 0 : line->condition) == condition)
            return true;
    }
    return false;
}

static void name_lines(struct work *w)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
            w->named[i][k] = is_line(w, &w->sums[i], k);
}

static bool is_named(const struct work *w, const struct sum *sum, int64_t condition)
{
    return w->named[sum - w->sums][condition];
}

static bool is_changed(const struct work *w, const struct sum *sum)
{
    for (int64_t k = 0; k < MODEL_CONDITIONS; k++)
        if (is_named(w, sum, k) && measured_now(w, sum, k) != measured_then(w, sum, k))
            return true;
    return false;
}

static struct model_statement *said_of(const struct model *model, const char *source, const char *item,
                                       const char *location, int64_t condition)
{
    for (int64_t i = 0; i < model->statement_count; i++) {
        struct model_statement *said = &model->statements[i];
        if (is_same(said->source, source) && is_same(said->item, item) && is_same(said->location, location) &&
            said->condition == condition)
            return said;
    }
    return NULL;
}

/* "A position or a time that lies ahead, or a `seq` that has not come; a position of another epoch." */
static bool can_be_seen(struct work *w)
{
    const struct model_command *c = w->command;
    const struct model_source *source = source_of(w);
    if (!c->has_position && c->occurred_at_us > w->now_us + 300 * SECONDS)
        return refuse(w, "in_future");
    if (c->has_position && c->seen_epoch != EPOCH)
        return refuse(w, "seen_forked");
    if (c->has_position && (c->seen_position > w->model->now.seq ||
                            c->seen_seq > (source == NULL ? 0 : source->seq_mark)))
        return refuse(w, "in_future");
    return true;
}

/* When it saw what it saw. */
static int64_t seen_us(const struct work *w)
{
    const struct model_command *c = w->command;
    if (c->has_position)
        return c->seen_us;
    return c->occurred_at_us > w->now_us ? w->now_us : c->occurred_at_us;
}

/* "What is older than what the source said last of a cell." */
static bool is_newest(struct work *w)
{
    const struct model_command *c = w->command;
    for (int64_t i = 0; i < w->sum_count; i++)
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            const struct sum *sum = &w->sums[i];
            const struct model_statement *said =
                is_named(w, sum, k) ? said_of(w->model, c->source, sum->item, sum->location, k) : NULL;
            if (said != NULL && (c->has_position && said->seen_position != 0 ? said->seen_position > c->seen_position
                                                                             : said->seen_us > seen_us(w)))
                note_short(w, sum, 0, said->stated);
        }
    return !w->lacking || refuse(w, "snapshot_passed");
}

/* "A difference beyond the source's `max_change`": beyond each of its bounds. */
static bool is_beyond(const struct work *w, const struct model_source *source, const struct sum *sum, int64_t change,
                      int64_t books)
{
    const struct model_stating *stating = &source->stating;
    int64_t size = change < 0 ? -change : change, of = books < 0 ? -books : books;
    int64_t units = scaled(stating->units, w->next.items[find_item(&w->next, sum->item)].scale);
    return (stating->has_units || stating->has_percent) && (!stating->has_units || size > units) &&
           (!stating->has_percent || size * 100 > stating->percent * of);
}

static bool has_bins(const struct model_state *s, const char *location)
{
    for (int64_t i = 0; i < s->location_count; i++)
        if (s->bins[i] && is_same(node_of(s, s->locations[i]), location))
            return true;
    return false;
}

/* "Of a location that has bins nothing is told, and nothing of it is left out but where nothing is." */
static bool no_bins(struct work *w, const struct model_source *source)
{
    const struct model *model = w->model;
    const struct model_command *c = w->command;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (has_bins(&model->now, w->sums[i].location))
            note_short(w, &w->sums[i], w->sums[i].total, 0);
    for (int64_t i = 0; c->last && source != NULL && i < model->statement_count; i++) {
        const struct model_statement *said = &model->statements[i];
        struct sum there = {.item = "", .total = 0};
        memcpy(there.item, said->item, sizeof(model_name));
        memcpy(there.location, said->location, sizeof(model_name));
        int64_t cell = find_cell(&model->now, said->item, said->location);
        int64_t units = model->now.cells[cell].on[said->condition];
        bool named = false;
        for (int64_t n = 0; n < w->sum_count; n++)
            named = named || (is_same(w->sums[n].item, said->item) && is_same(w->sums[n].location, said->location) &&
                              w->named[n][said->condition]);
        if (is_same(said->source, c->source) && has_bins(&model->now, said->location) && units != 0 && !named &&
            !(said->in_set && is_same(source->set, c->set)) &&
            (said->stated != 0 || measured_now(w, &there, said->condition) != 0))
            note_short(w, &there, 0, units);
    }
    return !w->lacking || refuse(w, "has_bins");
}

/* "With `last` all that the source told of before and not in this set is 0." False when that is too much. */
static bool take_left_out(struct work *w, const struct model_source *source)
{
    const struct model *model = w->model;
    const struct model_command *c = w->command;
    int64_t all = 0, gone = 0, all_cells = 0, gone_cells = 0;
    for (int64_t i = 0; i < model->statement_count; i++) {
        const struct model_statement *said = &model->statements[i];
        if (!is_same(said->source, c->source))
            continue;
        if (has_bins(&model->now, said->location))
            continue;
        all += said->stated;
        all_cells += said->stated != 0;
        if (said->in_set && is_same(source->set, c->set))
            continue;
        struct sum *sum = NULL;
        for (int64_t n = 0; n < w->sum_count; n++)
            if (is_same(w->sums[n].item, said->item) && is_same(w->sums[n].location, said->location))
                sum = &w->sums[n];
        const struct sum of = {.item = "", .total = 0};
        struct sum there = sum == NULL ? of : *sum;
        memcpy(there.item, said->item, sizeof(model_name));
        memcpy(there.location, said->location, sizeof(model_name));
        int64_t now = measured_now(w, &there, said->condition);
        if ((sum != NULL && is_named(w, sum, said->condition)) || (said->stated == 0 && now == 0))
            continue;
        gone += said->stated;
        gone_cells += said->stated != 0;
        w->answer.left_out++;
        sum = sum_of(w, said->item, said->location);
        w->named[sum - w->sums][said->condition] = true;
        note_short(w, sum, -now, now);
    }
    int64_t percent = source->stating.has_percent ? source->stating.percent : 25;
    if (source->stating.policy != MODEL_REPORT &&
        (gone * 100 > all * percent || gone_cells * 100 > all_cells * percent))
        return refuse(w, "held");
    w->answer.shortage_count = 0;
    w->lacking = false;
    return true;
}

/* What is found of a time is a count, what is found of a position a movement of then. */
static void book_found(struct work *w, const struct sum *sum, struct model_statement *said)
{
    int64_t cell = touch(w, sum->item, sum->location), k = said->condition;
    if (!w->command->has_position) {
        struct model_count *count = &w->counts[w->count_count++];
        memset(count, 0, sizeof(*count));
        memcpy(count->item, sum->item, sizeof(model_name));
        memcpy(count->location, sum->location, sizeof(model_name));
        count->condition = k;
        count->from_us = count->to_us = seen_us(w);
        count->includes_picked = contains_of(w->command) != MODEL_CONTAINS_SHIPPED;
        count->net = said->net;
        count->snapshot = 1;
        count->counted = said->stated;
        count->recorded_us = w->now_us;
        count->order = w->model->order;
        return;
    }
    struct model_item *item = &w->next.items[find_item(&w->next, sum->item)];
    w->next.cells[cell].on[k] += said->booked;
    if (said->booked > 0)
        item->found -= said->booked;
    else
        item->loss -= said->booked;
}

/* The lines, and what a set leaves out. */
static bool sum_said(struct work *w, const struct model_source *source)
{
    const struct model_command *c = w->command;
    bool lines = c->line_count > 0 || !c->last;
    if (source != NULL && c->set[0] != '\0' && is_same(source->set, c->set) && source->set_closed)
        return refuse(w, "set_closed");
    if (lines ? !sum_lines(w, !w->request) : !command_if(w))
        return false;
    name_lines(w);
    if (!no_bins(w, source))
        return false;
    return !c->last || source == NULL || take_left_out(w, source);
}

bool do_snapshot(struct work *w)
{
    const struct model_command *c = w->command;
    const struct model_source *source = source_of(w);
    if (!can_be_seen(w) || !sum_said(w, source) || !is_newest(w))
        return false;
    int64_t policy = source == NULL ? MODEL_REBASE : source->stating.policy;
    for (int64_t i = 0; i < w->sum_count && source != NULL && policy != MODEL_REPORT; i++)
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            int64_t books = is_named(w, &w->sums[i], k) ? measured_then(w, &w->sums[i], k) : 0;
            if (is_named(w, &w->sums[i], k) && is_beyond(w, source, &w->sums[i], w->sums[i].by[k] - books, books))
                note_short(w, &w->sums[i], w->sums[i].by[k] - books, books);
        }
    if (w->lacking)
        return refuse(w, "held");
    for (int64_t i = 0; i < w->sum_count && policy == MODEL_COMPARE_AND_SET; i++)
        if (is_changed(w, &w->sums[i]))
            return refuse(w, "precondition_failed");
    if (!who_answers(w, 0, ""))
        return false;
    w->next.seq += c->last; /* the end of a set is an event, too */
    for (int64_t i = 0; i < w->sum_count; i++) {
        const struct sum *sum = &w->sums[i];
        bool changed = is_changed(w, sum), first = true;
        bool booked = policy != MODEL_REPORT && !(policy == MODEL_LATEST_EVENT_TIME && changed);
        w->answer.left += policy == MODEL_LATEST_EVENT_TIME && changed;
        for (int64_t k = 0; k < MODEL_CONDITIONS; k++) {
            if (!is_named(w, sum, k))
                continue;
            struct model_statement *said = &w->answer.said[w->answer.said_count++];
            memset(said, 0, sizeof(*said));
            memcpy(said->source, c->source, sizeof(model_name));
            memcpy(said->item, sum->item, sizeof(model_name));
            memcpy(said->location, sum->location, sizeof(model_name));
            said->condition = k;
            said->stated = sum->by[k];
            said->books = measured_then(w, sum, k);
            said->booked = booked ? said->stated - said->books : 0;
            said->policy = policy;
            said->in_set = 1;
            said->seen_position = c->has_position ? c->seen_position : 0;
            said->seen_us = seen_us(w);
            said->net = k == 0 && contains_of(c) == MODEL_CONTAINS_COMMITTED;
            said->shelf = k == 0 && contains_of(c) == MODEL_CONTAINS_SHIPPED;
            int64_t cell = touch(w, sum->item, sum->location);
            if (booked)
                book_found(w, sum, said);
            if (!booked || c->has_position) { /* else it is told as a count */
                w->more[cell] += !first;
                first = false;
            }
        }
    }
    return true;
}

void keep_statements(struct model *model, const struct work *w)
{
    const struct model_command *c = w->command;
    const struct model_source *source = source_of(w);
    bool begins = c->set[0] != '\0' && (source == NULL || !is_same(source->set, c->set));
    for (int64_t i = 0; i < model->statement_count && begins; i++)
        if (is_same(model->statements[i].source, c->source))
            model->statements[i].in_set = 0; /* of the one before */
    for (int64_t i = 0; i < w->answer.said_count; i++) {
        const struct model_statement *is = &w->answer.said[i];
        struct model_statement *was = said_of(model, is->source, is->item, is->location, is->condition);
        if (was == NULL) {
            assert(model->statement_count < MODEL_STATEMENTS_MAX);
            was = &model->statements[model->statement_count++];
        }
        *was = *is;
    }
}

void keep_set(struct model_source *source, const struct model_command *c)
{
    if (c->set[0] == '\0')
        return;
    memcpy(source->set, c->set, sizeof(model_name));
    source->set_closed = c->last;
}
