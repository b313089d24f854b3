/*
 * Marks: what is kept of the counts of a cell, so that what comes late can correct them.
 *
 * A count found 85 when the books said 90: five are missing. If a sale of five from before the count comes in a day later,
 * nothing was missing, and the sale must not take five off what was counted. So a movement that occurred before the end
 * of a count's window changes the books before it, and the count's variance by as much the other way: what is here now
 * stays. It is the first count behind the movement that is corrected; later ones were compared with books that had it.
 * But where goods were picked or what was picked has gone, what is on trolleys is another from then on, and a count
 * says nothing about that: then the next one that saw what the first did not, or not what it did, has to be corrected,
 * too, and so on. The same is so of what is promised and figures that do not have that (net).
 *
 *     08:00 +100   09:00 -10   [10:00 count 85: -5]   10:30 -4     here: 81
 *     09:30 -5 comes late:     the count's variance is 0 now        here: 81
 *
 * A mark is a count of one condition of one cell. Those of a cell are a list, newest end of window first, and of those
 * that end together the one that was recorded last. Whoever needs one looks at those behind the time it asks for.
 *
 * A mark that was recorded before the id window is forgotten, unless it is the newest of its condition: what is older
 * than that window comes seldom, and corrects the first count that is still known. Here and now is the same; between
 * the two counts the axis `occurred` then has it wrong. As with claims, lookups judge by time.
 *
 * A count that is reversed (reverse.c) has no mark from then on, nor has an older one of its condition that was dropped
 * because of it.
 *
 * Rejected: to have a reader find the count in the journal (each late movement of a busy day would wait for one, and the
 * next of its cell would make that stale).
 */
#include "ledger/state.h"

size_t marks_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(struct mark));
}

void marks_init(struct ledger *ledger, struct region *region)
{
    ledger->marks.entries = region_take(region, ledger->limits.mark_count_max, sizeof(struct mark));
}

static uint64_t mark_hash(const struct mark *mark)
{
    const uint64_t words[] = {mark->seq,
                              mark->cell,
                              mark->condition,
                              mark->includes_picked,
                              mark->net,
                              (uint64_t)mark->from_us,
                              (uint64_t)mark->to_us,
                              (uint64_t)mark->recorded_us,
                              (uint64_t)mark->variance,
                              (uint64_t)mark->uncertain};
    return entry_hash(ENTRY_MARK, words, sizeof(words) / sizeof(words[0]));
}

static bool is_before_window(const struct ledger *ledger, const struct mark *mark, int64_t now_us)
{
    return mark->recorded_us < now_us - ledger->id_window_ms * 1000;
}

static uint32_t first_of(const struct ledger *ledger, uint32_t cell)
{
    const struct cell_extra *extra = cell_extra(ledger, cell);
    return extra == NULL ? 0 : extra->mark_first;
}

uint32_t mark_behind(const struct ledger *ledger, uint32_t cell, enum condition condition, int64_t from_us,
                     uint64_t after, int64_t now_us)
{
    const struct mark *marks = ledger->marks.entries;
    uint32_t found = NUMBER_NONE;
    for (uint32_t m = first_of(ledger, cell); m != 0 && marks[m - 1].to_us >= from_us; m = marks[m - 1].next) {
        const struct mark *mark = &marks[m - 1];
        if (mark->to_us == from_us && mark->seq <= after)
            break; /* and so are those behind it */
        if (mark->condition == condition && (found == NUMBER_NONE || !is_before_window(ledger, mark, now_us)))
            found = m - 1;
    }
    return found;
}

uint32_t mark_behind_other(const struct ledger *ledger, uint32_t number, int64_t now_us)
{
    const struct mark *marks = ledger->marks.entries;
    const struct mark *from = &marks[number];
    uint32_t found = NUMBER_NONE;
    bool newest = true; /* it is known, however old */
    for (uint32_t m = first_of(ledger, from->cell); m - 1 != number; m = marks[m - 1].next) {
        const struct mark *mark = &marks[m - 1];
        if (mark->condition != from->condition)
            continue;
        bool other = mark->includes_picked != from->includes_picked || mark->net != from->net;
        if (other && (newest || !is_before_window(ledger, mark, now_us)))
            found = m - 1;
        newest = false;
    }
    return found;
}

uint32_t mark_of(const struct ledger *ledger, uint32_t cell, uint64_t seq)
{
    const struct mark *marks = ledger->marks.entries;
    uint32_t m = first_of(ledger, cell);
    while (m != 0 && marks[m - 1].seq != seq)
        m = marks[m - 1].next;
    return m == 0 ? NUMBER_NONE : m - 1;
}

uint32_t mark_newest(const struct ledger *ledger, uint32_t cell, enum condition condition)
{
    const struct mark *marks = ledger->marks.entries;
    uint32_t m = first_of(ledger, cell);
    while (m != 0 && marks[m - 1].condition != condition)
        m = marks[m - 1].next;
    return m == 0 ? NUMBER_NONE : m - 1;
}

/* ---- the list of those that will be forgotten, in the order they were recorded ---- */

static void recent_add(struct marks *marks, uint32_t number)
{
    struct mark *mark = &marks->entries[number];
    mark->recent_previous = marks->recent_last;
    if (marks->recent_last != 0)
        marks->entries[marks->recent_last - 1].recent_next = number + 1;
    else
        marks->recent_first = number + 1;
    marks->recent_last = number + 1;
    mark->recent = true;
}

static void recent_take(struct marks *marks, uint32_t number)
{
    struct mark *mark = &marks->entries[number];
    if (mark->recent_previous != 0)
        marks->entries[mark->recent_previous - 1].recent_next = mark->recent_next;
    else
        marks->recent_first = mark->recent_next;
    if (mark->recent_next != 0)
        marks->entries[mark->recent_next - 1].recent_previous = mark->recent_previous;
    else
        marks->recent_last = mark->recent_previous;
    mark->recent_next = mark->recent_previous = 0;
    mark->recent = false;
}

/* ---- evolve ---- */

static void drop(struct ledger *ledger, uint32_t number)
{
    struct marks *marks = &ledger->marks;
    struct mark *mark = &marks->entries[number];
    uint32_t *link = &cell_extra(ledger, mark->cell)->mark_first;
    while (*link != number + 1)
        link = &marks->entries[*link - 1].next;
    *link = mark->next;
    hash_out(ledger, PART_MARK, number, mark_hash(mark));
    *mark = (struct mark){.next = marks->free_first};
    marks->free_first = number + 1;
    marks->live--;
}

static void mark_add(struct ledger *ledger, const struct event *event, uint32_t cell, int64_t now_us)
{
    struct marks *marks = &ledger->marks;
    uint32_t number = marks->free_first != 0 ? marks->free_first - 1 : marks->count++;
    CHECK(number < ledger->limits.mark_count_max);
    struct mark *mark = &marks->entries[number];
    if (marks->free_first != 0)
        marks->free_first = mark->next;
    *mark = (struct mark){.cell = cell,
                          .seq = event->seq,
                          .condition = event->condition,
                          .includes_picked = event->count_picked,
                          .net = event->net,
                          .from_us = event->count_from_us,
                          .to_us = event->count_to_us,
                          .recorded_us = now_us,
                          .variance = event->variance,
                          .uncertain = event->uncertain};
    marks->live++;
    hash_in(ledger, PART_MARK, number, mark_hash(mark));
    uint32_t former = mark_newest(ledger, cell, event->condition);
    uint32_t *link = &cell_extra_make(ledger, cell)->mark_first;
    while (*link != 0 && marks->entries[*link - 1].to_us > mark->to_us)
        link = &marks->entries[*link - 1].next;
    mark->next = *link;
    *link = number + 1;
    recent_add(marks, number);
    /* One that was kept only because it was the newest. */
    if (former != NUMBER_NONE && !marks->entries[former].recent && mark_newest(ledger, cell, event->condition) == number)
        drop(ledger, former);
}

void mark_evolve(struct ledger *ledger, const struct event *event, uint32_t cell, int64_t now_us)
{
    if (event->count_seq == event->seq) {
        mark_add(ledger, event, cell, now_us);
        return;
    }
    uint32_t number = mark_of(ledger, cell, event->count_seq);
    CHECK(number != NUMBER_NONE);
    struct mark *mark = &ledger->marks.entries[number];
    if (event->type == EVENT_REVERSE) {
        if (mark->recent)
            recent_take(&ledger->marks, number);
        drop(ledger, number);
        return;
    }
    uint64_t hash_before = mark_hash(mark);
    mark->variance = event->variance;
    mark->uncertain = event->uncertain;
    hash_in(ledger, PART_MARK, number, mark_hash(mark) - hash_before);
}

bool marks_stale(const struct ledger *ledger, int64_t now_us)
{
    const struct marks *marks = &ledger->marks;
    return marks->recent_first != 0 && is_before_window(ledger, &marks->entries[marks->recent_first - 1], now_us);
}

void marks_forget(struct ledger *ledger, int64_t now_us, unsigned most)
{
    struct marks *marks = &ledger->marks;
    for (; most > 0 && marks_stale(ledger, now_us); most--) {
        uint32_t number = marks->recent_first - 1;
        const struct mark *mark = &marks->entries[number];
        recent_take(marks, number);
        if (mark_newest(ledger, mark->cell, mark->condition) != number)
            drop(ledger, number);
    }
}

bool marks_room(const struct ledger *ledger, const struct decision *decision)
{
    uint32_t left = ledger->limits.mark_count_max - ledger->marks.live;
    uint32_t added = 0;
    if (LIKELY(left >= decision->event_count))
        return true; /* far from full, nobody needs to count */
    for (uint32_t i = 0; i < decision->event_count; i++)
        added += decision->events[i].count_seq != 0 && decision->events[i].count_seq == decision->events[i].seq;
    return added <= left;
}

/* ---- check ---- */

bool mark_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct mark *mark = &ledger->marks.entries[number];
    if (mark->seq == 0)
        return true;
    AUDIT_CHECK(audit, STATE, mark->cell < ledger->cell_count, "it is of no cell");
    audit->hash += mark_hash(mark);
    return true;
}

/* Is it in the list of its cell? Those of a cell are few. */
static bool is_of_cell(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct marks *marks = &ledger->marks;
    uint32_t count = 0;
    uint32_t m = first_of(ledger, marks->entries[number].cell);
    for (; m != 0 && m != number + 1; m = marks->entries[m - 1].next)
        AUDIT_CHECK(audit, STATE, m <= marks->count && ++count <= marks->live, "the list of its cell's counts goes astray");
    audit->looked_at += count;
    AUDIT_CHECK(audit, STATE, m != 0, "it is not in the list of its cell's counts");
    return true;
}

bool mark_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char astray[] = "the list of the counts goes astray";
    static const char unordered[] = "the list of its cell's counts is out of order";
    const struct marks *marks = &ledger->marks;
    const struct mark *mark = &marks->entries[number];
    if (mark->seq == 0)
        return true;
    AUDIT_CHECK(audit, STATE, mark->seq <= ledger->cells[mark->cell].last_seq, "its event is yet to come");
    AUDIT_CHECK(audit, STATE, mark->from_us <= mark->to_us && mark->to_us <= mark->recorded_us, "its window has no end");
    AUDIT_CHECK(audit, STATE, mark->uncertain >= 0, "less than nothing of it is uncertain");
    AUDIT_CHECK(audit, STATE, mark->next <= marks->count && mark->recent_next <= marks->count &&
                                  mark->recent_previous <= marks->count, astray);
    if (mark->next != 0) {
        const struct mark *older = &marks->entries[mark->next - 1];
        AUDIT_CHECK(audit, STATE, older->cell == mark->cell, unordered);
        AUDIT_CHECK(audit, STATE, older->to_us < mark->to_us || (older->to_us == mark->to_us && older->seq < mark->seq), unordered);
    }
    if (!is_of_cell(ledger, number, audit))
        return false;
    AUDIT_CHECK(audit, STATE, mark->recent || mark_newest(ledger, mark->cell, mark->condition) == number,
                "it is kept, and neither recent nor the newest");
    if (!mark->recent) {
        AUDIT_CHECK(audit, STATE, (mark->recent_next | mark->recent_previous) == 0, astray);
        return true;
    }
    if (mark->recent_previous == 0)
        AUDIT_CHECK(audit, STATE, marks->recent_first == number + 1, astray);
    else
        AUDIT_CHECK(audit, STATE, marks->entries[mark->recent_previous - 1].recent_next == number + 1, astray);
    if (mark->recent_next == 0) {
        AUDIT_CHECK(audit, STATE, marks->recent_last == number + 1, astray);
        return true;
    }
    AUDIT_CHECK(audit, STATE, marks->entries[mark->recent_next - 1].recent_previous == number + 1, astray);
    AUDIT_CHECK(audit, I6, mark->recorded_us <= marks->entries[mark->recent_next - 1].recorded_us, astray);
    return true;
}

void marks_check(const struct ledger *ledger)
{
    const struct marks *marks = &ledger->marks;
    uint32_t live = 0;
    uint32_t recent = 0;
    uint32_t unused = 0;
    uint32_t listed = 0;
    for (uint32_t m = 0; m < marks->count; m++) {
        live += marks->entries[m].seq != 0;
        recent += marks->entries[m].recent;
    }
    CHECK(live == marks->live);
    for (uint32_t m = marks->recent_first; m != 0; m = marks->entries[m - 1].recent_next)
        CHECK(++listed <= recent);
    CHECK(listed == recent && (recent != 0 || marks->recent_last == 0));
    listed = 0;
    for (uint32_t i = 0; i < ledger->extra_count; i++) {
        for (uint32_t m = ledger->extras[i].mark_first; m != 0; m = marks->entries[m - 1].next)
            CHECK(++listed <= live);
    }
    CHECK(listed == live);
    for (uint32_t m = marks->free_first; m != 0; m = marks->entries[m - 1].next)
        CHECK(++unused <= marks->count - live && marks->entries[m - 1].seq == 0);
    CHECK(unused == marks->count - live);
}
