/*
 * Goal: a cell as of a time, on each axis, is what a naive look at all its events says; an event is found by number;
 * and neither reads more than a few records. So is what is read for a count, all at once or as more comes, and before it
 * is durable. Where the journal's beginning is gone the same is answered for every time since; for one before, the same or that
 * it is gone.
 * Method: a ledger's random decisions in a real journal, and the same events in a list. Times are drawn around those of
 * the events, to the microsecond. Once with the skips that evolve noted, once without, as older journals are; while the
 * tail has them and from the disk. A long history is counted. The journal is asked through functions of the linker, in which
 * its beginning can be gone up to any event, and more of it after any reading (test_retention.c has segments that are).
 */
#include "ledger_world.h"

#include <dirent.h>
#include <unistd.h>

#include "base/prng.h"
#include "env/env.h"
#include "journal/history.h"

#define CELLS      4
#define EVENTS_MAX 20000

/* All events of cells, in their order. */
struct seen {
    uint64_t seq, version;
    uint32_t cell; /* its location */
    int64_t when_us[AXIS_COUNT]; /* nothing occurs, or is booked, after it is recorded */
    struct figures delta, figures;
};
static struct seen seen[EVENTS_MAX];
static size_t seen_count;
static struct cell_top tops[CELLS]; /* as the ledger has them */
static struct journal *journal;
static bool with_skips;
static const struct world *telling;
static char path[64];
static size_t gone;          /* of seen, the first ones */
static uint64_t oldest_seq;  /* what was before it is gone, */
static int64_t oldest_us;    /* and was recorded by then */
static unsigned gone_count;  /* answers that it is */

static struct history history, appended;
static struct decision room;
static atomic_bool stop;

/* ---- the beginning that is gone ---- */

static unsigned reads_left; /* until more goes: this event, and all before it; 0 for nothing */
static size_t goes_next;

uint64_t __wrap_journal_oldest_seq(const struct journal *of);
int64_t __wrap_journal_oldest_us(const struct journal *of);
enum status __wrap_journal_read_back(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                     size_t *out_bytes);
enum status __real_journal_read_back(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                     size_t *out_bytes);
enum status __wrap_journal_read_appended(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                         size_t *out_bytes);
enum status __real_journal_read_appended(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                         size_t *out_bytes);

/* The first events are gone: up to this one. */
static void forget(size_t last, int64_t later_us)
{
    gone = last + 1;
    oldest_seq = seen[last].seq + 1;
    oldest_us = seen[last].when_us[AXIS_RECORDED] + later_us;
}

uint64_t __wrap_journal_oldest_seq(const struct journal *of)
{
    (void)of;
    return oldest_seq == 0 ? 1 : oldest_seq;
}

int64_t __wrap_journal_oldest_us(const struct journal *of)
{
    (void)of;
    return oldest_us;
}

enum status __wrap_journal_read_back(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                     size_t *out_bytes)
{
    if (reads_left != 0 && --reads_left == 0)
        forget(goes_next, 0);
    return from_seq < oldest_seq ? STATUS_NOT_FOUND
                                 : __real_journal_read_back(of, from_seq, seq, bytes, n, out_bytes);
}

enum status __wrap_journal_read_appended(struct journal *of, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                         size_t *out_bytes)
{
    return from_seq < oldest_seq ? STATUS_AGAIN
                                 : __real_journal_read_appended(of, from_seq, seq, bytes, n, out_bytes);
}

static void no_genesis(void *context, const struct genesis *genesis)
{
    (void)context;
    (void)genesis;
}

static void no_decision(void *context, const struct decision *decision)
{
    (void)context;
    (void)decision;
}

static void open_journal(void)
{
    struct journal_options options = {.env = linux_env(), .path = path, .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                      .fill_on_writer = true};
    const struct journal_replay replay = {.genesis = no_genesis, .decision = no_decision};
    struct journal_report report;
    if (journal_open(&options, &replay, &journal, &report) != STATUS_OK)
        fail_msg("%s", report.problem);
    history_init(&history, journal, history.bytes, &room, &stop);
    history_init_appended(&appended, journal, appended.bytes, &room);
}

static void create_journal(void)
{
    strcpy(path, "/tmp/onhand-history-XXXXXX");
    assert_non_null(mkdtemp(path));
    seen_count = 0;
    gone = 0;
    reads_left = 0;
    oldest_seq = 0;
    oldest_us = INT64_MIN;
    gone_count = 0;
    memset(tops, 0, sizeof(tops));
    room.events = malloc(DECISION_EVENTS_MAX * sizeof(struct event));
    room.shortages = malloc(COMMAND_LINES_MAX * sizeof(struct shortage));
    history.bytes = malloc(RECORD_BYTES_MAX);
    appended.bytes = malloc(HISTORY_APPENDED_BYTES);
    open_journal();
}

static void destroy_journal(void)
{
    journal_close(journal);
    free(room.events);
    free(room.shortages);
    free(history.bytes);
    free(appended.bytes);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(path), 0);
}

/* In groups of some size: a record is looked for from the begin of its group. */
static void flush_some(void)
{
    if (journal_group_bytes(journal) > 16 * 1024)
        assert_int_equal(journal_flush(journal), STATUS_OK);
}

static void append(const struct decision *decision)
{
    tail_offset offset;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct event *event = &decision->events[i];
        if (!with_skips)
            event->skip_count = 0;
        if (event->location == NUMBER_NONE)
            continue;
        assert_true(seen_count < EVENTS_MAX && event->location < CELLS);
        seen[seen_count++] = (struct seen){event->seq, event->version, event->location,
                                           {decision->recorded_at_us, decision_occurred_us(decision),
                                            event_booked_us(decision, event)},
                                           event->delta, event->figures};
        ledger_cell_top(telling->ledger, ledger_cell_find(telling->ledger, event->item, event->location),
                        &tops[event->location]);
    }
    journal_append(journal, decision, &offset);
    flush_some();
}

/* Any event; where some are gone half of the time one near the oldest that is kept. */
static const struct seen *some_seen(struct prng *prng)
{
    size_t some = prng_below(prng, seen_count);
    size_t near = gone + prng_below(prng, 16);
    bool is_near = gone != 0 && near >= 8 && near - 8 < seen_count && prng_below(prng, 2) == 0;
    return &seen[is_near ? near - 8 : some];
}

/* ---- the naive look ---- */

static bool is_policy(unsigned figure)
{
    return figure == FIGURE_SAFETY_STOCK || figure == FIGURE_BACKORDER_LIMIT || figure == FIGURE_REORDER_POINT;
}

static struct history_figures naive(enum time_axis axis, uint32_t cell, int64_t at_us)
{
    struct history_figures sum = {.seq = 0};
    for (size_t i = 0; i < seen_count; i++) {
        const struct seen *event = &seen[i];
        int64_t when_us = event->when_us[axis];
        if (event->cell != cell)
            continue;
        for (unsigned f = 0; f < FIGURE_COUNT; f++) {
            if (axis == AXIS_RECORDED || is_policy(f))
                sum.figures.units[f] =
                    event->when_us[AXIS_RECORDED] <= at_us ? event->figures.units[f] : sum.figures.units[f];
            else if (when_us <= at_us)
                sum.figures.units[f] += event->delta.units[f];
        }
        if (when_us <= at_us) {
            sum.seq = event->seq;
            sum.version = event->version;
        }
    }
    return sum;
}

static void compare(enum time_axis axis, uint32_t cell, int64_t at_us)
{
    struct history_figures expected = naive(axis, cell, at_us);
    struct history_figures found;
    enum status status = history_as_of(&history, axis, &tops[cell], at_us, &found);
    if (status == STATUS_NOT_FOUND && at_us < oldest_us) {
        gone_count++;
        return;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(found.seq, expected.seq);
    assert_int_equal(found.version, expected.version);
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        if (found.figures.units[f] != expected.figures.units[f])
            fail_msg("axis %d, cell %u: %s is %" PRId64 ", should be %" PRId64, (int)axis, cell,
                     figure_name((enum figure)f), found.figures.units[f], expected.figures.units[f]);
    }
}

static void compare_seek(uint32_t cell, uint64_t below)
{
    uint64_t expected = 0;
    for (size_t i = 0; i < seen_count && seen[i].seq < below; i++)
        expected = seen[i].cell == cell ? seen[i].seq : expected;
    uint64_t found = UINT64_MAX;
    enum status status = history_seek(&history, &tops[cell], below, &found);
    if (status == STATUS_NOT_FOUND && below < oldest_seq) {
        gone_count++;
        return;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(found, expected);
}

static void compare_all(struct prng *prng, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const struct seen *some = some_seen(prng);
        int64_t near_us = (int64_t)prng_below(prng, 3) - 1;
        uint32_t cell = (uint32_t)prng_below(prng, CELLS);
        for (unsigned axis = 0; axis < AXIS_COUNT; axis++) {
            for (unsigned at = 0; at < AXIS_COUNT; at++)
                compare((enum time_axis)axis, cell, some->when_us[at] + near_us);
        }
        compare_seek(cell, some->seq + prng_below(prng, 2));
    }
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        for (unsigned axis = 0; axis < AXIS_COUNT; axis++) {
            compare((enum time_axis)axis, cell, INT64_MIN / 2);
            compare((enum time_axis)axis, cell, INT64_MAX / 2);
        }
        compare_seek(cell, 1);
        compare_seek(cell, UINT64_MAX);
    }
}

/* ---- pages ---- */

struct paged {
    struct history_place places[EVENTS_MAX];
    uint32_t count, full_after; /* this many in a page, or 0 */
    enum time_axis axis;
};

static bool take_entry(void *context, const struct decision *decision, uint32_t index)
{
    struct paged *paged = context;
    const struct event *event = &decision->events[index];
    int64_t us = paged->axis == AXIS_BOOKED     ? event_booked_us(decision, event)
                 : paged->axis == AXIS_OCCURRED ? decision_occurred_us(decision)
                                                : 0;
    assert_true(paged->count < EVENTS_MAX && index < decision->event_count);
    paged->places[paged->count++] = (struct history_place){us, decision->events[index].seq};
    return paged->full_after == 0 || paged->count % paged->full_after != 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct history_place *left = a;
    const struct history_place *right = b;
    if (left->us != right->us)
        return left->us > right->us ? -1 : 1;
    return left->seq > right->seq ? -1 : left->seq < right->seq;
}

/* Is an entry of the cells gone that belongs between two places? */
static bool is_missing(enum time_axis axis, unsigned cells, struct history_place below, struct history_place above)
{
    for (size_t i = 0; i < seen_count && seen[i].seq < oldest_seq; i++) {
        const struct history_place place = {axis == AXIS_RECORDED ? 0 : seen[i].when_us[axis], seen[i].seq};
        if ((cells >> seen[i].cell & 1) != 0 && compare_places(&below, &place) < 0 && compare_places(&place, &above) < 0)
            return true;
    }
    return false;
}

/* All entries of the cells whose bits are set, page by page, against a sorted list of them. */
static void compare_pages(enum time_axis axis, unsigned cells, uint32_t limit, uint32_t full_after)
{
    static struct paged paged, expected;
    static struct history_place places[EVENTS_MAX + 1];
    paged.axis = axis;
    paged.full_after = full_after;
    paged.count = expected.count = 0;
    for (size_t i = 0; i < seen_count; i++) {
        if ((cells >> seen[i].cell & 1) != 0 && seen[i].seq >= oldest_seq)
            expected.places[expected.count++] =
                (struct history_place){axis == AXIS_RECORDED ? 0 : seen[i].when_us[axis], seen[i].seq};
    }
    qsort(expected.places, expected.count, sizeof(places[0]), compare_places);
    struct history_place before = HISTORY_TOP;
    bool more = true;
    for (uint32_t pages = 0; more; pages++) {
        struct cell_top heads[CELLS];
        uint32_t head_count = 0;
        uint32_t had = paged.count;
        for (unsigned c = 0; c < CELLS; c++) {
            if ((cells >> c & 1) != 0)
                heads[head_count++] = tops[c];
        }
        struct history_page page = {axis,   heads,      head_count, before,      limit,
                                    places, take_entry, &paged,     HISTORY_TOP, false, 1};
        assert_int_equal(history_page(&history, &page), STATUS_OK);
        more = page.more;
        assert_true(page.expired_before == 0 || page.expired_before == oldest_seq);
        if (is_missing(axis, cells, before, more ? page.last : (struct history_place){INT64_MIN, 0}))
            assert_int_equal(page.expired_before, oldest_seq);
        else if (!is_missing(axis, cells, HISTORY_TOP, (struct history_place){INT64_MIN, 0}))
            assert_int_equal(page.expired_before, 0);
        before = page.last;
        assert_true(paged.count - had <= limit);
        assert_true(!more || paged.count - had == limit || (full_after != 0 && paged.count % full_after == 0));
    }
    assert_int_equal(paged.count, expected.count);
    assert_memory_equal(paged.places, expected.places, expected.count * sizeof(places[0]));
}

/* Whatever goes while it is read: what is answered is right. */
static void compare_while_it_goes(struct prng *prng, unsigned times)
{
    static struct history_place places[EVENTS_MAX + 1];
    static struct paged paged;
    for (unsigned n = 0; n < times; n++) {
        size_t last = prng_below(prng, seen_count);
        forget(last, 0);
        goes_next = last + prng_below(prng, seen_count - last);
        reads_left = 1 + (unsigned)prng_below(prng, 6);
        history.read = false; /* of the record there it may have all */
        history.record_count = 0;
        uint32_t cell = (uint32_t)prng_below(prng, CELLS);
        if (n % 4 != 0) {
            compare((enum time_axis)prng_below(prng, AXIS_COUNT), cell, some_seen(prng)->when_us[AXIS_RECORDED]);
            continue;
        }
        struct cell_top top = tops[cell];
        paged.axis = (enum time_axis)prng_below(prng, AXIS_COUNT);
        paged.full_after = 0;
        paged.count = 0;
        struct history_page page = {paged.axis, &top, 1, HISTORY_TOP, 50, places, take_entry, &paged, HISTORY_TOP, false, 0};
        assert_int_equal(history_page(&history, &page), STATUS_OK);
        size_t kept = 0;
        for (size_t i = 0; i < seen_count; i++)
            kept += seen[i].cell == cell && seen[i].seq >= oldest_seq;
        assert_true(paged.count >= (kept < 50 ? kept : 0) && paged.count <= 50);
        assert_true(page.expired_before == 0 || page.expired_before == oldest_seq);
        assert_true(page.more || oldest_seq <= tops[cell].last_seq || page.expired_before != 0);
    }
    reads_left = 0;
}

static void pages_are_all_entries_in_their_order(bool skips)
{
    for (unsigned axis = 0; axis < AXIS_COUNT; axis++) {
        compare_pages((enum time_axis)axis, 1, skips ? 7 : 100, 0);
        compare_pages((enum time_axis)axis, 15, 100, 0);
        compare_pages((enum time_axis)axis, 6, 100, 11);
        compare_pages((enum time_axis)axis, 10, EVENTS_MAX, 0);
        compare_pages((enum time_axis)axis, 0, 1, 0);
    }
}

/* ---- readings ---- */

static struct cell_top tops_before[CELLS]; /* some time before, and how many had been seen then */
static size_t seen_before;

static struct cell_reading naive_reading(uint32_t cell, size_t count, const struct question *question)
{
    struct cell_reading sum = {.cell = cell};
    for (size_t i = 0; i < count; i++) {
        const struct seen *event = &seen[i];
        if (event->cell != cell || event->when_us[AXIS_OCCURRED] > question->to_us)
            continue;
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            sum.as_of.units[f] += event->delta.units[f];
        for (unsigned c = 0; c < CONDITION_COUNT && event->when_us[AXIS_OCCURRED] > question->from_us; c++) {
            int64_t units = counted_units(&event->delta, (enum condition)c, question->includes_picked);
            sum.moved[c] += units < 0 ? -units : units;
        }
    }
    return sum;
}

static void compare_reading(struct reading *reading, size_t count, struct history *from)
{
    reading->complete = reading->expired = false;
    from->steps_left = UINT64_MAX;
    enum status status = history_read(from, reading);
    if (reading->question.from_us < oldest_us && (from->appended ? status == STATUS_AGAIN : reading->expired)) {
        gone_count++;
        return;
    }
    assert_int_equal(status, STATUS_OK);
    assert_true(reading->complete && !reading->too_large && !reading->expired);
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        const struct cell_reading expected = naive_reading(cell, count, &reading->question);
        const struct cell_reading *found = &reading->cells[cell];
        assert_int_equal(found->read_seq, found->top.last_seq);
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            assert_true(is_policy(f) || found->as_of.units[f] == expected.as_of.units[f]);
        assert_memory_equal(found->moved, expected.moved, sizeof(expected.moved));
        for (unsigned b = 0; b < 2; b++) {
            for (size_t i = 0; i < count; i++)
                assert_true(seen[i].cell != cell || seen[i].seq > found->bounds[b].seq ||
                            seen[i].when_us[AXIS_OCCURRED] <= found->bounds[b].us);
        }
    }
}

/* At once, and in two parts; with what is known of the cells from reading before, and without. */
static void compare_readings(struct prng *prng, unsigned times, struct history *from)
{
    struct cell_bound known[CELLS][2];
    for (unsigned i = 0; i < 2 * CELLS; i++)
        known[i / 2][i % 2] = CELL_BOUND_NONE;
    for (unsigned n = 0; n < times; n++) {
        struct cell_reading cells[CELLS];
        struct question question = {.to_us = some_seen(prng)->when_us[gone == 0 ? AXIS_OCCURRED : AXIS_RECORDED] +
                                             (int64_t)prng_below(prng, 3) - 1,
                                    .includes_picked = prng_below(prng, 2) == 0};
        question.from_us = question.to_us - (int64_t)prng_below(prng, 4) * 100 * SECOND_US;
        struct reading reading = {.question = question, .cell_count = CELLS, .cells = cells};
        bool in_parts = prng_below(prng, 2) == 0;
        for (uint32_t cell = 0; cell < CELLS; cell++) {
            cells[cell] = (struct cell_reading){.cell = cell, .top = in_parts ? tops_before[cell] : tops[cell]};
            memcpy(cells[cell].bounds, known[cell], sizeof(known[cell]));
        }
        compare_reading(&reading, in_parts ? seen_before : seen_count, from);
        for (uint32_t cell = 0; cell < CELLS; cell++)
            cells[cell].top = tops[cell];
        compare_reading(&reading, seen_count, from);
        for (uint32_t cell = 0; cell < CELLS; cell++)
            memcpy(known[cell], cells[cell].bounds, sizeof(known[cell]));
    }
}

/* ---- random histories ---- */

static void some_step(struct world *world, struct prng *prng, unsigned step)
{
    char text[256];
    unsigned a = (unsigned)prng_below(prng, CELLS);
    unsigned units = 1 + (unsigned)prng_below(prng, 9);
    /* Most are in time; some are late, some ahead by their sender's clock, and a few by more than is believed. */
    int occurred = prng_below(prng, 3) == 0 ? 400 - (int)prng_below(prng, prng_below(prng, 2) == 0 ? 800 : 200000) : 0;
    world->now_us += (int64_t)prng_below(prng, 100) * SECOND_US * (prng_below(prng, 2) == 0);
    if (prng_below(prng, 60) == 0) { /* many late facts are from before it */
        snprintf(text, sizeof(text), "close_period until=-%u", (unsigned)prng_below(prng, 2000));
        world_step(world, text);
    }
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        snprintf(text, sizeof(text), "receive %u A@L%u occurred=%d", units, a, occurred);
        break;
    case 2: /* may go below zero: then it is several events of the cell */
        snprintf(text, sizeof(text), "sale %u A@L%u occurred=%d", units, a, occurred);
        break;
    case 3: /* two of the same cells */
        snprintf(text, sizeof(text), "transfer to=L%u 1 A@L%u 2 damaged A@L%u occurred=%d", (a + 1) % CELLS, a, a,
                 occurred);
        break;
    case 4:
        snprintf(text, sizeof(text), "set_policy item=A location=L%u safety=%u reorder=%u", a, units, 2 * units);
        break;
    case 5:
        snprintf(text, sizeof(text), "expect expectation=E%u direction=in due=+900 %u A@L%u", step % 8, units, a);
        break;
    case 6:
        snprintf(text, sizeof(text), "hold hold=H%u backorder expires=0 %u A@L%u", step % 32, units, a);
        break;
    default:
        snprintf(text, sizeof(text), "release hold=H%u", (step * 7) % 32);
        break;
    }
    world_step(world, text);
}

/* What a source has seen, and what was told, is read as it was before the beginning went, or not at all. */
static void compare_with_before(struct prng *prng, unsigned times)
{
    unsigned answered = 0;
    for (unsigned n = 0; n < times; n++) {
        struct cell_reading cells[2][CELLS];
        struct reading readings[2];
        gone = 1 + prng_below(prng, seen_count);
        size_t last = gone - 1;
        const struct seen *some = some_seen(prng);
        struct question question = {.from_us = some->when_us[AXIS_RECORDED] - (int64_t)prng_below(prng, 2)};
        question.told = n % 2 == 0;
        question.by_position = !question.told;
        question.at_seq = some->seq - prng_below(prng, 2);
        question.measure = (enum measure)prng_below(prng, MEASURE_AVAILABLE + 1);
        for (unsigned after = 0; after < 2; after++) {
            readings[after] = (struct reading){.question = question, .cell_count = CELLS, .cells = cells[after]};
            for (uint32_t c = 0; c < CELLS; c++) {
                cells[after][c] = (struct cell_reading){.cell = c, .top = tops[c]};
                cells[after][c].reported = (struct reported){
                    CONDITION_SELLABLE, told_units(&some->figures, question.measure, CONDITION_SELLABLE)};
            }
            oldest_seq = 0;
            oldest_us = INT64_MIN;
            if (after == 1)
                forget(last, 0);
            assert_int_equal(history_read(&history, &readings[after]), STATUS_OK);
        }
        assert_false(readings[0].expired);
        bool known = question.told ? question.from_us > oldest_us : question.at_seq >= oldest_seq;
        assert_true(!known || !readings[1].expired);
        if (readings[1].expired)
            continue;
        answered++;
        assert_int_equal(readings[1].seen_us, readings[0].seen_us);
        for (uint32_t c = 0; c < CELLS; c++) {
            assert_int_equal(cells[1][c].told_seq, cells[0][c].told_seq);
            assert_memory_equal(&cells[1][c].as_of, &cells[0][c].as_of, sizeof(cells[0][c].as_of));
        }
    }
    assert_true(answered > times / 8 && answered < times);
}

static void figures_are_what_a_naive_look_says(bool skips)
{
    static struct world world;
    struct prng prng = prng_of(skips ? 1 : 2);
    with_skips = skips;
    create_journal();
    world.told = append;
    telling = &world;
    world_init(&world, &world_limits);
    unsigned steps = skips ? 2500 : 400; /* without them each event is read, each time */
    for (unsigned step = 0; step < steps; step++) {
        some_step(&world, &prng, step);
        if (step == steps - 7) {
            seen_before = seen_count;
            memcpy(tops_before, tops, sizeof(tops));
        }
        if (step == steps - 20)
            assert_int_equal(journal_flush_start(journal), STATUS_OK);
    }
    assert_true(journal_group_bytes(journal) != 0);
    compare_readings(&prng, skips ? 100 : 10, &appended);
    assert_int_equal(journal_flush_wait(journal), STATUS_OK);
    assert_int_equal(journal_flush(journal), STATUS_OK);
    compare_readings(&prng, skips ? 50 : 5, &history);
    assert_true(seen[seen_count - 1].version > (skips ? 512 : 100));
    compare_all(&prng, skips ? 200 : 20);
    pages_are_all_entries_in_their_order(skips);
    compare_with_before(&prng, skips ? 100 : 10);
    compare_while_it_goes(&prng, skips ? 250 : 10);
    oldest_seq = 0;
    oldest_us = INT64_MIN;
    unsigned parts = skips ? 24 : 4;
    for (unsigned part = 1; part <= parts; part++) { /* more and more goes, in the end all */
        size_t last = seen_count * part / parts - 1 - (part < parts ? prng_below(&prng, 8) : 0);
        forget(last, (int64_t)prng_below(&prng, 2) * (int64_t)prng_below(&prng, 100) * SECOND_US);
        compare_readings(&prng, 4, prng_below(&prng, 2) == 0 ? &appended : &history);
        compare_all(&prng, 10);
        if (part % (parts / 2) == 0)
            pages_are_all_entries_in_their_order(skips);
    }
    assert_true(gone_count > 10);
    forget(seen_count / 2, 0);
    journal_close(journal); /* what it has from here on is on the disk alone */
    open_journal();
    compare_all(&prng, skips ? 20 : 4);
    destroy_journal();
    world_deinit(&world);
}

static void figures_are_found_by_skips(void **state)
{
    (void)state;
    figures_are_what_a_naive_look_says(true);
}

static void figures_are_found_where_a_journal_has_no_skips(void **state)
{
    (void)state;
    figures_are_what_a_naive_look_says(false);
}

/* ---- what it costs ---- */

#define LONG_EVENTS UINT64_C(100000)

static uint64_t reads_of(enum time_axis axis, const struct cell_top *top, int64_t at_us,
                         struct history_figures *out_found)
{
    uint64_t before = history.reads;
    assert_int_equal(history_as_of(&history, axis, top, at_us, out_found), STATUS_OK);
    return history.reads - before;
}

/* A receipt of 1 a second; every 10,000th is known only an hour later. */
static void a_long_history_is_walked_in_a_few_steps(void **state)
{
    (void)state;
    static struct world world;
    static struct event event;
    with_skips = true;
    create_journal();
    world.told = append;
    telling = &world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 1 A@L");
    struct decision decision = world.decision;
    uint64_t first = decision.events[0].seq; /* version v has number first + v - 1 */
    decision.events = &event;
    decision.name_count = 0;
    decision.id = TEXT_NONE;
    for (uint64_t v = 2; v <= LONG_EVENTS; v++) {
        tail_offset offset;
        event = world.decision.events[0];
        event.seq = decision.first_seq = first + v - 1;
        event.version = v;
        event.previous_seq = event.seq - 1;
        event.figures.units[CONDITION_SELLABLE] = (int64_t)v;
        event.account_units = -(int64_t)v;
        event.hints = (struct event_hints){0};
        decision.recorded_at_us = WORLD_START_US + (int64_t)v * SECOND_US;
        decision.occurred_at_us = decision.recorded_at_us - (v % 10000 == 0 ? 3600 * SECOND_US : 0);
        ledger_evolve(world.ledger, &decision);
        journal_append(journal, &decision, &offset);
        flush_some();
    }
    assert_int_equal(journal_flush(journal), STATUS_OK);
    struct cell_top top;
    ledger_cell_top(world.ledger, ledger_cell_find(world.ledger, world.decision.events[0].item, 0), &top);
    assert_int_equal(top.last_seq, first + LONG_EVENTS - 1);
    uint64_t most[2] = {0, 0};
    struct prng prng = prng_of(3);
    for (unsigned i = 0; i < 300; i++) {
        int64_t second = 1 + (int64_t)prng_below(&prng, LONG_EVENTS);
        int64_t at_us = WORLD_START_US + second * SECOND_US;
        struct history_figures found;
        uint64_t reads = reads_of(AXIS_RECORDED, &top, at_us, &found);
        assert_int_equal(found.version, second);
        most[0] = reads > most[0] ? reads : most[0];
        reads = reads_of(AXIS_OCCURRED, &top, at_us, &found);
        /* One known later counts from an hour before on. */
        int64_t late = 0;
        for (int64_t v = 10000; v <= (int64_t)LONG_EVENTS; v += 10000)
            late += v > second && v <= second + 3600;
        assert_int_equal(found.figures.units[CONDITION_SELLABLE], second + late);
        most[1] = reads > most[1] ? reads : most[1];
        uint64_t before = history.reads;
        uint64_t seq;
        assert_int_equal(history_seek(&history, &top, first + (uint64_t)second - 1, &seq), STATUS_OK);
        assert_int_equal(seq, second == 1 ? 0 : first + (uint64_t)second - 2);
        assert_true(history.reads - before <= 8 * 6);
    }
    /* Six levels, eight steps each; on `occurred` twice, and down to what is late. */
    print_message("# as of: at most %" PRIu64 " reads on recorded, %" PRIu64 " on occurred\n", most[0], most[1]);
    assert_true(most[0] <= 8 * 6);
    assert_true(most[1] <= 3 * 8 * 6);
    destroy_journal();
    world_deinit(&world);
}

/* A year that is told at once, almost in order, with a count behind every other fact: what was read for one count is not read
 * again for the next. */
static void what_is_told_at_once_is_not_read_again_for_each_count(void **state)
{
    (void)state;
    enum { FACTS = 4000 };
    static struct world world;
    struct prng prng = prng_of(4);
    with_skips = true;
    create_journal();
    world.told = append;
    telling = &world;
    world_init(&world, &world_limits);
    struct cell_bound known[2] = {CELL_BOUND_NONE, CELL_BOUND_NONE};
    uint64_t steps = 0;
    for (int fact = 0; fact < FACTS; fact++) {
        char text[64];
        int64_t at_us = world.now_us - (2 * FACTS - fact) * SECOND_US;
        snprintf(text, sizeof(text), "receive 1 A@L0 occurred=%d", fact - 2 * FACTS - (int)prng_below(&prng, 20));
        world_step(&world, text);
        if (fact % 2 == 0)
            continue;
        struct cell_reading cell = {.cell = 0, .top = tops[0], .bounds = {known[0], known[1]}};
        struct reading reading = {.question = {.from_us = at_us - 10 * SECOND_US, .to_us = at_us - 5 * SECOND_US},
                                  .cell_count = 1,
                                  .cells = &cell};
        appended.steps_left = UINT64_MAX;
        assert_int_equal(history_read(&appended, &reading), STATUS_OK);
        steps += UINT64_MAX - appended.steps_left;
        const struct cell_reading expected = naive_reading(0, seen_count, &reading.question);
        assert_memory_equal(cell.as_of.units, expected.as_of.units, sizeof(expected.as_of.units));
        assert_memory_equal(cell.moved, expected.moved, sizeof(expected.moved));
        memcpy(known, cell.bounds, sizeof(known));
    }
    print_message("# told at once: %" PRIu64 " steps for %d counts\n", steps, FACTS / 2);
    assert_true(steps < 100 * FACTS / 2);
    destroy_journal();
    world_deinit(&world);
}

/* What sums up beyond every figure is said, not wrapped around. And who is to stop says so. */
static void sums_beyond_all_figures_are_told_and_a_walk_can_be_stopped(void **state)
{
    (void)state;
    static struct world world;
    with_skips = true;
    create_journal();
    world.told = append;
    telling = &world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 9007199254740991 A@L0");
    /* What was so an hour before it is known, and with each of these: all of it there, twice, on the way back nothing, and
     * what fits in each condition and not in both. */
    static const struct {
        const char *first, *second;
        enum status status;
        int64_t units; /* of L1 then */
    } steps[] = {
        {"transfer to=L1 9007199254740991 A@L0 occurred=-3600", "transfer to=L0 9007199254740991 A@L1", STATUS_OK,
         QUANTITY_UNITS_MAX},
        {"transfer to=L1 9007199254740991 A@L0 occurred=-3600", "transfer to=L0 9007199254740991 A@L1", STATUS_FULL, 0},
        {"transfer to=L1 9007199254740991 A@L0", "transfer to=L0 9007199254740991 A@L1 occurred=-3600", STATUS_OK,
         QUANTITY_UNITS_MAX},
        {"transfer to=L1 9007199254740991 A@L0", "transfer to=L0 9007199254740991 A@L1 occurred=-3600", STATUS_OK, 0},
        {"transfer to=L1 9007199254740991 A@L0 occurred=-3600", "transfer to=L0 9007199254740991 A@L1", STATUS_OK,
         QUANTITY_UNITS_MAX},
        {"reclassify from=sellable to=damaged 9007199254740991 A@L0",
         "transfer to=L1 9007199254740991 damaged A@L0 occurred=-3600", STATUS_FULL, 0},
    };
    int64_t known_us = world.now_us;
    struct history_figures found;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        world_step(&world, steps[i].first);
        assert_memory_equal(world.answer, "ok:", 3);
        world_step(&world, steps[i].second);
        assert_memory_equal(world.answer, "ok:", 3);
        assert_int_equal(journal_flush(journal), STATUS_OK);
        for (uint32_t cell = 0; cell < 2; cell++) {
            assert_int_equal(history_as_of(&history, AXIS_OCCURRED, &tops[cell], known_us - 1800 * SECOND_US, &found),
                             steps[i].status);
            if (steps[i].status == STATUS_OK)
                assert_int_equal(found.figures.units[CONDITION_SELLABLE], cell == 0 ? -steps[i].units : steps[i].units);
        }
    }
    world_step(&world, "transfer to=L0 9007199254740991 damaged A@L1");
    for (unsigned i = 0; i < 70; i++) { /* more than 2^59 in a sum */
        world_step(&world, "transfer to=L1 9007199254740991 damaged A@L0 occurred=-3600");
        assert_memory_equal(world.answer, "ok:", 3);
        world_step(&world, "transfer to=L0 9007199254740991 damaged A@L1");
    }
    assert_int_equal(journal_flush(journal), STATUS_OK);
    stop = true;
    assert_int_equal(history_as_of(&history, AXIS_OCCURRED, &tops[0], world.now_us, &found), STATUS_AGAIN);
    stop = false;
    for (uint32_t cell = 0; cell < 2; cell++) {
        assert_int_equal(history_as_of(&history, AXIS_OCCURRED, &tops[cell], world.now_us - 3600 * SECOND_US, &found),
                         STATUS_FULL);
        assert_int_equal(history_as_of(&history, AXIS_OCCURRED, &tops[cell], world.now_us, &found), STATUS_OK);
        assert_int_equal(found.figures.units[CONDITION_DAMAGED], cell == 0 ? QUANTITY_UNITS_MAX : 0);
    }
    destroy_journal();
    world_deinit(&world);
}

/* ---- what was told ---- */

/* The newest of the last events above one and up to another with this figure, what was so at from_us among them. */
static uint64_t naive_told(const struct cell_reading *cell, enum measure measure, int64_t from_us, uint64_t above)
{
    struct reported asked = cell->reported;
    unsigned count = 0;
    for (size_t i = seen_count; i-- > 0 && seen[i].seq > above && count < TOLD_EVENTS_MAX;) {
        if (seen[i].cell != cell->cell || seen[i].seq > cell->top.last_seq)
            continue;
        count++;
        int64_t told = told_units(&seen[i].figures, measure, asked.condition);
        if (told == asked.units || (asked.units == 0 && told < 0))
            return seen[i].seq;
        if (seen[i].when_us[AXIS_RECORDED] < from_us)
            break;
    }
    return 0;
}

static uint64_t some_event_of(struct prng *prng, uint32_t cell)
{
    size_t i = prng_below(prng, seen_count);
    while (seen[i].cell != cell)
        i = (i + 1) % seen_count;
    return seen[i].seq;
}

static void what_was_told_is_found_within_its_bounds(void **state)
{
    (void)state;
    static struct world world;
    struct prng prng = prng_of(5);
    with_skips = true;
    create_journal();
    world.told = append;
    telling = &world;
    world_init(&world, &world_limits);
    for (unsigned step = 0; step < 2500; step++)
        some_step(&world, &prng, step);
    assert_int_equal(journal_flush(journal), STATUS_OK);
    unsigned found = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct cell_reading cells[CELLS];
        struct reading reading = {.cells = cells};
        reading.question.told = true;
        reading.question.measure = (enum measure)prng_below(&prng, MEASURE_AVAILABLE + 1);
        /* A figure that some event had, or one beside it; from a time at which one was recorded, or beside it. */
        const struct seen *some = &seen[prng_below(&prng, seen_count)];
        const struct seen *bound = &seen[prng_below(&prng, seen_count)];
        reading.question.from_us = bound->when_us[AXIS_RECORDED] + (int64_t)prng_below(&prng, 3) - 1;
        for (uint32_t c = 0; c < CELLS; c++) {
            if (tops[c].last_seq == 0)
                continue;
            cells[reading.cell_count] = (struct cell_reading){.cell = c, .top = tops[c]};
            cells[reading.cell_count++].reported = (struct reported){
                CONDITION_SELLABLE, told_units(&some->figures, reading.question.measure, CONDITION_SELLABLE) +
                                        (int64_t)prng_below(&prng, 2)};
        }
        assert_int_equal(history_read(&history, &reading), STATUS_OK);
        assert_true(reading.complete && !reading.too_large);
        for (uint32_t c = 0; c < reading.cell_count; c++) {
            uint64_t told = naive_told(&cells[c], reading.question.measure, reading.question.from_us, 0);
            assert_int_equal(cells[c].told_seq, told);
            assert_int_equal(cells[c].read_seq, cells[c].top.last_seq);
            found += told != 0;
        }
        /* Read up to an older event, and then what came since: the newest of both. */
        uint64_t told[CELLS], before[CELLS];
        for (uint32_t c = 0; c < reading.cell_count; c++) {
            cells[c].read_seq = cells[c].told_seq = 0;
            cells[c].top.last_seq = before[c] = some_event_of(&prng, cells[c].cell);
            told[c] = naive_told(&cells[c], reading.question.measure, reading.question.from_us, 0);
        }
        assert_int_equal(history_read(&history, &reading), STATUS_OK);
        for (uint32_t c = 0; c < reading.cell_count; c++) {
            assert_int_equal(cells[c].told_seq, told[c]);
            cells[c].top = tops[cells[c].cell];
        }
        assert_int_equal(history_read(&history, &reading), STATUS_OK);
        for (uint32_t c = 0; c < reading.cell_count; c++) {
            uint64_t since = naive_told(&cells[c], reading.question.measure, reading.question.from_us, before[c]);
            assert_int_equal(cells[c].told_seq, since != 0 ? since : told[c]);
        }
    }
    assert_true(found > 100);
    destroy_journal();
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_found_by_skips),
        cmocka_unit_test(figures_are_found_where_a_journal_has_no_skips),
        cmocka_unit_test(a_long_history_is_walked_in_a_few_steps),
        cmocka_unit_test(what_is_told_at_once_is_not_read_again_for_each_count),
        cmocka_unit_test(what_was_told_is_found_within_its_bounds),
        cmocka_unit_test(sums_beyond_all_figures_are_told_and_a_walk_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
