/*
 * Walking back. From an event that has skips, the longest one is taken that does not lead past what is looked for:
 *
 *     seek       by number: a skip is taken when it leads to a number that is still too high
 *     recorded   by log time, which the skip does not say: where it leads is read. Numbers and log time grow together,
 *                so what was found too old once is known for all later skips, and for all other cells
 *     occurred   from the newest event back to the newest that was recorded by T, whose figures have all before it;
 *                what lies between counts if it occurred by T. A skip whose oldest time is after T is taken unread
 *     booked     the same: nothing is booked before it occurred, or after it was recorded
 *
 * An event that is gone is not read. All of them were recorded by oldest_us, so that for a time from then on the way leads no
 * further back than to the newest of them; and whoever names it as the one before (the oldest event kept, or the cell itself) has
 * the figures of then. A skip that leads to one is of no use: those are not known there, but where the shorter way ends.
 */
#include "journal/history.h"

#include <stdlib.h>

/* What is read at once: some events before the one that is wanted, if so many bytes hold them, because those are the next when the
 * last step was a short one. Behind a long one the next is far as well. */
#define BACK_EVENTS     8
#define BACK_BYTES      ((size_t)4 * 1024)
#define BACK_EVENTS_FAR 384
#define BACK_BYTES_FAR  ((size_t)32 * 1024)

void history_init(struct history *history, struct journal *journal, uint8_t *bytes, struct decision *decision,
                  const atomic_bool *stop)
{
    *history = (struct history){.journal = journal, .bytes = bytes, .decision = decision, .stop = stop,
                                .bytes_max = RECORD_BYTES_MAX, .known_us = INT64_MIN};
}

void history_init_appended(struct history *history, struct journal *journal, uint8_t *bytes, struct decision *decision)
{
    history_init(history, journal, bytes, decision, NULL);
    history->appended = true;
    history->bytes_max = HISTORY_APPENDED_BYTES;
}

void history_begin(struct history *history)
{
    /* In this order: what is gone before oldest_seq was recorded by oldest_us, also when more has gone in between. */
    history->oldest_seq = journal_oldest_seq(history->journal);
    history->oldest_us = journal_oldest_us(history->journal);
}

bool history_again(struct history *history, enum status status)
{
    if (status != STATUS_NOT_FOUND || journal_oldest_seq(history->journal) == history->oldest_seq)
        return false;
    history_begin(history);
    return true;
}

static bool is_gone(const struct history *history, uint64_t seq)
{
    return seq != 0 && seq < history->oldest_seq;
}

/* Takes so many steps; false when there are no more. */
static bool history_steps(struct history *history, uint64_t n)
{
    if (!history->appended)
        return true;
    bool enough = history->steps_left >= n;
    history->steps_left -= enough ? n : 0;
    return enough;
}

/* Which events the record at this place has; none when it is malformed. */
static uint64_t record_first(const struct history *history, uint32_t at, uint64_t *out_events)
{
    struct reader r = reader_of(history->bytes + at + 5, get_u32(history->bytes + at) - 5);
    *out_events = read_varint(&r);
    uint64_t first = read_varint(&r);
    if (r.bad)
        *out_events = 0;
    return first;
}

/* The record with the event among those that were read, or NULL. */
static const uint8_t *find_record(const struct history *history, uint64_t seq, size_t *out_bytes)
{
    uint64_t events = 0;
    uint32_t low = 0; /* records before low do not begin behind it */
    for (uint32_t high = history->record_count; low < high;) {
        uint32_t middle = (low + high) / 2;
        if (record_first(history, history->records[middle], &events) <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    uint32_t at = history->records[low - 1];
    uint64_t first = record_first(history, at, &events);
    if (seq - first >= events)
        return NULL;
    *out_bytes = get_u32(history->bytes + at);
    return history->bytes + at;
}

/* Reads records from an event on, for the sake of the one with this number, as long as they are no longer than n. */
static enum status read_from(struct history *history, uint64_t from_seq, uint64_t seq, size_t n)
{
    size_t length = 0;
    if (!history_steps(history, HISTORY_READ_STEPS))
        return STATUS_AGAIN;
    history->reads++;
    history->record_count = 0;
    enum status status = history->appended
                             ? journal_read_appended(history->journal, from_seq, seq, history->bytes, n, &length)
                             : journal_read_back(history->journal, from_seq, seq, history->bytes, n, &length);
    if (status != STATUS_OK)
        return status;
    for (size_t at = 0; length - at >= 5 && history->record_count < HISTORY_RECORDS_MAX;) {
        size_t bytes = get_u32(history->bytes + at);
        if (bytes < 5 || bytes > length - at)
            return STATUS_DAMAGED;
        history->records[history->record_count++] = (uint32_t)at;
        at += bytes;
    }
    return STATUS_OK;
}

enum status history_event(struct history *history, uint64_t seq, const struct event **out_event)
{
    struct decision *decision = history->decision;
    if (!history->read || seq - decision->first_seq >= decision->event_count) {
        history->read = false;
        if (history->stop != NULL && atomic_load_explicit(history->stop, memory_order_relaxed))
            return STATUS_AGAIN;
        size_t n = 0;
        enum status status = STATUS_OK;
        const uint8_t *bytes = find_record(history, seq, &n);
        uint64_t oldest = journal_oldest_seq(history->journal);
        if (bytes == NULL && seq > oldest) {
            bool near = seq < history->last_seq && history->last_seq - seq <= BACK_EVENTS_FAR;
            uint64_t back = near ? BACK_EVENTS_FAR : BACK_EVENTS;
            status = read_from(history, seq - oldest > back ? seq - back : oldest, seq,
                               near ? BACK_BYTES_FAR : BACK_BYTES);
            bytes = status == STATUS_OK ? find_record(history, seq, &n) : NULL;
        }
        if (bytes == NULL) { /* there is a large one among them, or it is itself */
            status = read_from(history, seq, seq, BACK_BYTES);
            if (status == STATUS_FULL)
                status = read_from(history, seq, seq, history->bytes_max);
            if (status != STATUS_OK)
                return history->appended ? STATUS_AGAIN : status;
            bytes = find_record(history, seq, &n);
        }
        struct record record;
        if (!history_steps(history, 1))
            return STATUS_AGAIN;
        if (bytes == NULL || record_decode(bytes, n, decision, &record) != STATUS_OK)
            return STATUS_DAMAGED;
        history->read = true;
        if (record.type != RECORD_DECISION || seq - decision->first_seq >= decision->event_count)
            return STATUS_DAMAGED;
    }
    history->last_seq = seq;
    *out_event = &decision->events[seq - decision->first_seq];
    return STATUS_OK;
}

/* The ways back from an event, or from the top: what is borrowed ends with the next read. */
struct ways {
    uint64_t previous_seq;
    unsigned count;
    struct skip skips[SKIP_LEVELS];
    struct history_figures before; /* with the previous event, when that is gone */
};

static struct ways ways_of_top(const struct history *history, const struct cell_top *top)
{
    struct ways ways = {.previous_seq = top->last_seq, .count = SKIP_LEVELS};
    memcpy(ways.skips, top->skips, sizeof(ways.skips));
    if (is_gone(history, ways.previous_seq))
        ways.before = (struct history_figures){top->figures, top->version, top->last_seq};
    return ways;
}

static struct ways ways_of(const struct history *history, const struct event *event)
{
    struct ways ways = {.previous_seq = event->previous_seq, .count = event->skip_count};
    memcpy(ways.skips, event->skips, ways.count * sizeof(ways.skips[0]));
    if (is_gone(history, ways.previous_seq)) {
        ways.before = (struct history_figures){event->figures, event->version - 1, event->previous_seq};
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            ways.before.figures.units[f] -= event->delta.units[f];
    }
    return ways;
}

/* As history_seek, for what is kept now; with the figures of the event found, when that is gone. */
static enum status seek(struct history *history, const struct cell_top *top, uint64_t below,
                        struct history_figures *out_before, uint64_t *out_seq)
{
    CHECK(below != 0);
    for (struct ways ways = ways_of_top(history, top);;) {
        const struct event *event;
        uint64_t seq = ways.previous_seq;
        for (unsigned k = ways.count; k-- > 0;) {
            if (ways.skips[k].seq >= below) {
                seq = ways.skips[k].seq;
                break;
            }
        }
        if (seq < below) {
            *out_seq = seq;
            *out_before = ways.before;
            return STATUS_OK;
        }
        enum status status = is_gone(history, seq) ? STATUS_NOT_FOUND : history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        ways = ways_of(history, event);
    }
}

enum status history_seek(struct history *history, const struct cell_top *top, uint64_t below, uint64_t *out_seq)
{
    struct history_figures before;
    enum status status;
    history_begin(history);
    do {
        status = seek(history, top, below, &before, out_seq);
    } while (history_again(history, status));
    return status;
}

/* Whether an event was recorded by at_us; one that is gone: whether it can be left alone. */
static enum status recorded_by(struct history *history, uint64_t seq, int64_t at_us, bool *out_by)
{
    const struct event *event;
    *out_by = seq <= history->known_seq || is_gone(history, seq);
    if (*out_by)
        return STATUS_OK;
    enum status status = history_event(history, seq, &event);
    if (status != STATUS_OK)
        return status;
    *out_by = history->decision->recorded_at_us <= at_us;
    if (*out_by)
        history->known_seq = seq;
    return STATUS_OK;
}

static enum status as_of_recorded(struct history *history, const struct cell_top *top, int64_t at_us,
                                  struct history_figures *out_figures)
{
    *out_figures = (struct history_figures){.seq = 0};
    if (history->known_us != at_us) {
        history->known_us = at_us;
        history->known_seq = 0;
    }
    for (struct ways ways = ways_of_top(history, top);;) {
        const struct event *event;
        enum status status;
        uint64_t seq = 0;
        bool by = true;
        for (unsigned k = ways.count; by && k-- > 0;) {
            seq = ways.skips[k].seq;
            status = recorded_by(history, seq, at_us, &by);
            if (status != STATUS_OK)
                return status;
        }
        if (by)
            seq = ways.previous_seq;
        if (seq == 0)
            return STATUS_OK;
        if (is_gone(history, seq)) {
            if (at_us < history->oldest_us)
                return STATUS_NOT_FOUND;
            *out_figures = ways.before;
            return STATUS_OK;
        }
        status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        if (history->decision->recorded_at_us <= at_us) {
            history->known_seq = seq > history->known_seq ? seq : history->known_seq;
            *out_figures = (struct history_figures){event->figures, event->version, event->seq};
            return STATUS_OK;
        }
        ways = ways_of(history, event);
    }
}

static bool is_policy(unsigned figure)
{
    return figure == FIGURE_SAFETY_STOCK || figure == FIGURE_BACKORDER_LIMIT || figure == FIGURE_REORDER_POINT;
}

/* Adds what moves, not policy. On the way a sum may be more than a figure can hold; false when it is more than any number
 * can. */
static bool figures_add(struct figures *sum, const struct figures *more)
{
    bool fits = true;
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        if (!is_policy(i))
            fits = checked_add(sum->units[i], more->units[i], &sum->units[i]) && fits;
    }
    return fits;
}

/* Whether each is what a figure can hold, and what is made of them as well. */
static bool figures_fit(const struct figures *figures)
{
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        if (!quantity_in_range(figures->units[i]))
            return false;
    }
    int64_t on_hand = figures_on_hand(figures);
    int64_t reserved = figures_reserved(figures);
    int64_t available = figures_available(figures);
    return quantity_in_range(on_hand) && quantity_in_range(on_hand - figures->units[CONDITION_SELLABLE]) &&
           quantity_in_range(reserved) && quantity_in_range(available);
}

/* The longest skip over nothing that occurred by at_us, to where an event is kept or the cell begins; 0 for none, else its level. */
static unsigned skip_over(const struct history *history, const struct ways *ways, int64_t at_us)
{
    unsigned k = ways->count;
    while (k > 0 && (ways->skips[k - 1].oldest_us <= at_us || is_gone(history, ways->skips[k - 1].seq)))
        k--;
    return k;
}

/* From when on an event counts; on `recorded` that is when its decision was. */
static int64_t counts_from_us(const struct history *history, enum time_axis axis, const struct event *event)
{
    return axis == AXIS_BOOKED ? event_booked_us(history->decision, event) : event_occurred_us(history->decision, event);
}

/* Or as booked, which is between occurred and recorded: what may be passed over by its oldest time may be so, too. */
static enum status as_of_occurred(struct history *history, enum time_axis axis, const struct cell_top *top, int64_t at_us,
                                  struct history_figures *out_figures)
{
    struct history_figures found;
    enum status status = as_of_recorded(history, top, at_us, &found);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        if (!is_policy(i))
            found.figures.units[i] = 0;
    }
    found.seq = found.version = 0;
    bool fits = true;
    struct ways ways = ways_of_top(history, top);
    unsigned over = skip_over(history, &ways, at_us);
    for (;;) {
        const struct event *event;
        uint64_t seq = over > 0 ? ways.skips[over - 1].seq : ways.previous_seq;
        if (seq == 0)
            break;
        if (is_gone(history, seq)) {
            if (at_us < history->oldest_us)
                return STATUS_NOT_FOUND;
            if (found.seq == 0) {
                found.seq = seq;
                found.version = ways.before.version;
            }
            fits = figures_add(&found.figures, &ways.before.figures) && fits;
            break;
        }
        status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        bool whole = history->decision->recorded_at_us <= at_us;
        ways = ways_of(history, event);
        over = whole ? 0 : skip_over(history, &ways, at_us);
        if (over > 0 || counts_from_us(history, axis, event) > at_us)
            continue;
        if (found.seq == 0) {
            found.seq = event->seq;
            found.version = event->version;
        }
        fits = figures_add(&found.figures, whole ? &event->figures : &event->delta) && fits;
        if (whole)
            break;
    }
    if (!fits || !figures_fit(&found.figures))
        return STATUS_FULL;
    *out_figures = found;
    return STATUS_OK;
}

enum status history_as_of(struct history *history, enum time_axis axis, const struct cell_top *top, int64_t at_us,
                          struct history_figures *out_figures)
{
    enum status status;
    history_begin(history);
    do {
        status = axis == AXIS_RECORDED ? as_of_recorded(history, top, at_us, out_figures)
                                       : as_of_occurred(history, axis, top, at_us, out_figures);
    } while (history_again(history, status));
    return status;
}

/* ---- readings ---- */

/* What counted goods moved by, whichever way. False beyond what a figure can hold. */
static bool moved_add(int64_t moved[CONDITION_COUNT], const struct figures *delta, bool includes_picked)
{
    bool fits = true;
    for (unsigned c = 0; c < CONDITION_COUNT; c++) {
        int64_t units = counted_units(delta, (enum condition)c, includes_picked);
        fits = checked_add(moved[c], units < 0 ? -units : units, &moved[c]) && quantity_in_range(moved[c]) && fits;
    }
    return fits;
}

/* A time by which all of the cell up to this event occurred. */
static int64_t occurred_by_us(const struct cell_reading *cell, uint64_t seq, int64_t recorded_us)
{
    int64_t by_us = recorded_us;
    for (unsigned i = 0; i < 2; i++) {
        if (seq <= cell->bounds[i].seq)
            by_us = min_i64(by_us, cell->bounds[i].us);
    }
    return by_us;
}

/*
 * What occurred by the end of the window, and what moved in it: back to what was read already, or to where both are known.
 * Nothing before the first event by which all before the window had occurred is in it, and the figures of one by which all had
 * that was before its end have all before it.
 */
static enum status read_occurred(struct history *history, const struct question *question, struct cell_reading *cell)
{
    struct figures as_of = {{0}};
    int64_t moved[CONDITION_COUNT];
    bool fits = true;
    bool whole = false; /* as_of has all before it */
    struct ways ways = ways_of_top(history, &cell->top);
    unsigned over = skip_over(history, &ways, question->to_us);
    bool unseen = over > 0 && ways.skips[over - 1].seq != cell->top.last_seq;
    int64_t newest_us = unseen ? INT64_MAX : INT64_MIN; /* of what occurred; INT64_MAX is not known */
    memcpy(moved, cell->moved, sizeof(moved));
    for (;;) {
        const struct event *event;
        uint64_t seq = over > 0 ? ways.skips[over - 1].seq : ways.previous_seq;
        if (seq <= cell->read_seq) {
            newest_us = max_i64(newest_us, seq <= cell->bounds[1].seq ? cell->bounds[1].us : INT64_MAX);
            break;
        }
        if (is_gone(history, seq)) { /* all that are must have been so before the window: what moved in it is not known */
            int64_t gone_us = occurred_by_us(cell, seq, history->oldest_us);
            if (gone_us > question->from_us)
                return STATUS_NOT_FOUND;
            if (!whole)
                fits = figures_add(&as_of, &ways.before.figures) && fits;
            whole = true;
            newest_us = max_i64(newest_us, gone_us);
            break;
        }
        enum status status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        int64_t by_us = occurred_by_us(cell, event->seq, history->decision->recorded_at_us);
        int64_t occurred_us = event_occurred_us(history->decision, event);
        ways = ways_of(history, event);
        over = skip_over(history, &ways, question->to_us);
        bool here = by_us <= question->to_us;
        bool last = over == 0 && (whole || here) && by_us <= question->from_us;
        newest_us = max_i64(newest_us, over > 0 || last ? by_us : occurred_us);
        if (over > 0 || occurred_us > question->to_us)
            continue;
        if (!whole)
            fits = figures_add(&as_of, here ? &event->figures : &event->delta) && fits;
        whole = whole || here;
        bool moves = event->count_seq == 0; /* what was counted, or said of a time, did not move then */
        if (moves && occurred_us > question->from_us)
            fits = moved_add(moved, &event->delta, question->includes_picked) && fits;
        if (last)
            break;
    }
    if (!whole)
        fits = figures_add(&as_of, &cell->as_of) && fits;
    if (!fits || !figures_fit(&as_of))
        return STATUS_FULL;
    cell->as_of = as_of;
    memcpy(cell->moved, moved, sizeof(moved));
    if (newest_us != INT64_MAX && cell->bounds[1].us <= question->from_us) {
        cell->bounds[0] = cell->bounds[1];
        cell->bounds[1] = (struct cell_bound){cell->top.last_seq, newest_us};
    }
    return STATUS_OK;
}

/* Takes the decision with this event, and the bytes its texts are in, into memory of the reading's own. */
static enum status read_decision(struct history *history, struct reading *reading, uint64_t seq)
{
    const struct event *event;
    size_t n = 0;
    struct record record;
    enum status status = history_event(history, seq, &event);
    if (status != STATUS_OK)
        return status;
    const uint8_t *bytes = find_record(history, seq, &n);
    CHECK(bytes != NULL);
    size_t events = history->decision->event_count * sizeof(struct event);
    size_t shortages = history->decision->shortage_count * sizeof(struct shortage);
    free(reading->memory);
    reading->memory_bytes = sizeof(struct decision) + events + shortages + n;
    struct decision *decision = malloc(reading->memory_bytes);
    reading->memory = decision;
    if (decision == NULL)
        return STATUS_MEMORY;
    char *rest = (char *)(decision + 1);
    uint8_t *copy = (uint8_t *)rest + events + shortages;
    memcpy(copy, bytes, n);
    *decision = (struct decision){.events = (void *)rest, .shortages = (void *)(rest + events)};
    if (record_decode(copy, n, decision, &record) != STATUS_OK)
        return STATUS_DAMAGED;
    reading->decision = decision;
    return STATUS_OK;
}

/* Is it booked by a snapshot that its source knows of, its own, or one as of no later position? */
static bool is_known_by(const struct event *event, const struct question *question)
{
    return event->type == EVENT_SNAPSHOT &&
           (event->stated_by == question->source ||
            (event->seen_position != 0 && event->seen_position <= question->at_seq));
}

/* When the position was recorded. */
static enum status read_seen_us(struct history *history, struct reading *reading)
{
    const struct event *event;
    uint64_t seq = reading->question.at_seq == 0 ? 1 : reading->question.at_seq; /* before all is with the first */
    enum status status = reading->seen_us != 0 ? STATUS_OK : history_event(history, seq, &event);
    if (status == STATUS_OK && reading->seen_us == 0)
        reading->seen_us = history->decision->recorded_at_us;
    return status;
}

/*
 * What a source has seen: all up to a position, what it told itself by its own numbering, and what it said of its stock. Of
 * what was read already the first does not change.
 */
static enum status read_seen(struct history *history, const struct question *question, struct cell_reading *cell)
{
    const struct event *event;
    uint64_t seen_seq = cell->read_seq;
    struct figures as_of = cell->as_of;
    enum status status = STATUS_OK;
    if (seen_seq == 0) {
        struct history_figures before;
        status = seek(history, &cell->top, question->at_seq + 1, &before, &seen_seq);
        if (status == STATUS_OK && is_gone(history, seen_seq)) {
            as_of = before.figures;
        } else if (status == STATUS_OK && seen_seq != 0) {
            status = history_event(history, seen_seq, &event);
            if (status == STATUS_OK)
                as_of = event->figures;
        }
    }
    bool fits = true;
    for (uint64_t seq = cell->top.last_seq; status == STATUS_OK && seq > seen_seq;) {
        status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            break;
        const struct decision *decision = history->decision;
        bool told = decision->has_seq && decision->source == question->source &&
                    decision->source_seq <= question->source_seq;
        if (told || is_known_by(event, question))
            fits = figures_add(&as_of, &event->delta) && fits;
        seq = event->previous_seq;
    }
    if (status != STATUS_OK)
        return status;
    cell->as_of = as_of;
    return fits ? STATUS_OK : STATUS_FULL;
}

/* The newest event that told a figure. What was told before the bound was so until the next event. Of those that are gone
 * the newest alone is known. */
static enum status read_told(struct history *history, const struct question *question, struct cell_reading *cell)
{
    const struct event *event;
    struct ways ways = ways_of_top(history, &cell->top);
    for (unsigned count = 0; ways.previous_seq > cell->read_seq && count < TOLD_EVENTS_MAX; count++) {
        uint64_t seq = ways.previous_seq;
        if (is_gone(history, seq)) {
            bool told = is_told(&ways.before.figures, question->measure, &cell->reported);
            cell->told_seq = told ? seq : cell->told_seq;
            return told || history->oldest_us < question->from_us ? STATUS_OK : STATUS_NOT_FOUND;
        }
        enum status status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        if (is_told(&event->figures, question->measure, &cell->reported)) {
            cell->told_seq = seq;
            break;
        }
        if (history->decision->recorded_at_us < question->from_us)
            break;
        ways = ways_of(history, event);
    }
    return STATUS_OK;
}

/* As history_read, for what is kept now; NOT_FOUND when something is gone. */
static enum status read_all(struct history *history, struct reading *reading)
{
    const struct question *question = &reading->question;
    if (question->decision_seq != 0 && reading->decision == NULL) {
        if (history->appended)
            return STATUS_AGAIN; /* it is a long time ago */
        enum status status = read_decision(history, reading, question->decision_seq);
        if (status != STATUS_OK)
            return status;
    }
    if (question->by_position) {
        enum status status = read_seen_us(history, reading);
        if (status != STATUS_OK)
            return status;
    }
    for (uint32_t i = 0; i < reading->cell_count; i++) {
        struct cell_reading *cell = &reading->cells[i];
        enum status status = question->told          ? read_told(history, question, cell)
                             : question->by_position ? read_seen(history, question, cell)
                                                     : read_occurred(history, question, cell);
        if (status != STATUS_OK && status != STATUS_FULL)
            return status;
        reading->too_large = reading->too_large || status == STATUS_FULL;
        cell->read_seq = cell->top.last_seq;
    }
    reading->complete = true;
    return STATUS_OK;
}

enum status history_read(struct history *history, struct reading *reading)
{
    enum status status;
    history_begin(history);
    do {
        status = read_all(history, reading);
    } while (history_again(history, status));
    if (status != STATUS_NOT_FOUND)
        return status;
    if (history->appended)
        return STATUS_AGAIN; /* a worker says so */
    reading->complete = reading->expired = true;
    return STATUS_OK;
}

/* ---- pages ---- */

/* The newest of the cells' next entries that is kept; NULL for none. */
static uint64_t *newest_head(const struct history *history, struct history_page *page, bool *gone)
{
    uint64_t *newest = NULL;
    for (uint32_t i = 0; i < page->top_count; i++) {
        uint64_t *head = &page->tops[i].last_seq;
        if (is_gone(history, *head)) {
            *gone = true;
            *head = 0;
        }
        if (*head != 0 && (newest == NULL || *head > *newest))
            newest = head;
    }
    return newest;
}

static enum status page_recorded(struct history *history, struct history_page *page)
{
    enum status status = STATUS_OK;
    bool gone = false; /* entries are that would come */
    for (uint32_t i = 0; i < page->top_count && status == STATUS_OK; i++) {
        uint64_t *head = &page->tops[i].last_seq;
        status = history_seek(history, &page->tops[i], page->before.seq, head);
        if (status == STATUS_NOT_FOUND) { /* and so is all below */
            gone = true;
            *head = 0;
            status = STATUS_OK;
        }
    }
    bool full = false;
    for (uint32_t count = 0; status == STATUS_OK;) {
        const struct event *event;
        uint64_t *newest = newest_head(history, page, &gone);
        page->more = newest != NULL;
        if (!page->more || full || count == page->limit)
            break;
        status = history_event(history, *newest, &event);
        if (history_again(history, status)) {
            status = STATUS_OK;
            continue;
        }
        if (status != STATUS_OK)
            break;
        count++;
        full = !page->entry(page->context, history->decision, (uint32_t)(event->seq - history->decision->first_seq));
        page->last = (struct history_place){0, event->seq};
        *newest = event->previous_seq;
    }
    page->expired_before = gone && !page->more ? history->oldest_seq : 0;
    return status;
}

static bool is_below(struct history_place a, struct history_place b)
{
    return a.us < b.us || (a.us == b.us && a.seq < b.seq);
}

/* The lowest of a heap of places goes down to where it belongs. */
static void heap_sink(struct history_place *heap, uint32_t count)
{
    struct history_place moved = heap[0];
    uint32_t at = 0;
    for (uint32_t child = 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && is_below(heap[child + 1], heap[child]);
        if (!is_below(heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static void heap_add(struct history_place *heap, uint32_t count, struct history_place place)
{
    uint32_t at = count;
    for (; at > 0 && is_below(place, heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = place;
}

/* Puts the highest places of a cell below page->before into the heap, of which the lowest is the first. gone: there were others,
 * of which nothing is known. */
static enum status collect(struct history *history, const struct history_page *page, const struct cell_top *top,
                           uint32_t *count, bool *gone)
{
    struct history_place *heap = page->places;
    struct ways ways = ways_of_top(history, top);
    for (;;) {
        const struct event *event;
        unsigned over = skip_over(history, &ways, page->before.us);
        uint64_t seq = over > 0 ? ways.skips[over - 1].seq : ways.previous_seq;
        if (seq == 0)
            break;
        bool full = *count == page->limit + 1;
        if (is_gone(history, seq)) {
            *gone = true;
            break;
        }
        enum status status = history_event(history, seq, &event);
        if (history_again(history, status))
            continue;
        if (status != STATUS_OK)
            return status;
        if (full && history->decision->recorded_at_us < heap[0].us)
            break; /* and all before it count from before that, too */
        struct history_place place = {counts_from_us(history, page->axis, event), seq};
        ways = ways_of(history, event);
        if (skip_over(history, &ways, page->before.us) > 0 || !is_below(place, page->before))
            continue;
        if (!full) {
            heap_add(heap, (*count)++, place);
        } else if (is_below(heap[0], place)) {
            heap[0] = place;
            heap_sink(heap, *count);
        }
    }
    return STATUS_OK;
}

static enum status page_occurred(struct history *history, struct history_page *page)
{
    struct history_place *places = page->places;
    uint32_t count = 0;
    bool gone = false;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < page->top_count && status == STATUS_OK; i++)
        status = collect(history, page, &page->tops[i], &count, &gone);
    for (uint32_t rest = count; rest > 1; rest--) { /* the lowest goes to the end */
        struct history_place lowest = places[0];
        places[0] = places[rest - 1];
        heap_sink(places, rest - 1);
        places[rest - 1] = lowest;
    }
    bool full = false;
    page->more = count > page->limit;
    for (uint32_t i = 0; status == STATUS_OK && i < count && i < page->limit; i++) {
        const struct event *event;
        page->more = page->more || full;
        if (full)
            break;
        status = history_event(history, places[i].seq, &event);
        if (status == STATUS_NOT_FOUND) { /* it was there a moment ago */
            (void)history_again(history, status);
            gone = true;
            status = STATUS_OK;
            page->last = places[i];
            continue;
        }
        if (status != STATUS_OK)
            break;
        full = !page->entry(page->context, history->decision, (uint32_t)(event->seq - history->decision->first_seq));
        page->last = places[i];
    }
    /* What is gone counts from oldest_us at the latest: it belongs below a page that ends behind that. */
    bool here = gone && (!page->more || page->last.us < history->oldest_us);
    page->expired_before = here ? history->oldest_seq : 0;
    return status;
}

enum status history_page(struct history *history, struct history_page *page)
{
    page->last = page->before;
    history_begin(history);
    return page->axis == AXIS_RECORDED ? page_recorded(history, page) : page_occurred(history, page);
}
