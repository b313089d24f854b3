/*
 * Dated supply and demand of a cell, and what can be promised from it (ATP, DESIGN I5).
 *
 *     atp(t) = min over u >= t of (available - safety_stock + incoming by u - outgoing by u)
 *
 * Supply is what transfers with an eta and expectations of direction in bring; demand is what expectations of direction
 * out take. An instant is itself; a day counts for supply from its end at the location, its last microsecond, and for
 * demand from its start. Supply that should have been here before now is overdue: it counts for nothing until it is
 * re-dated. Demand that is overdue still counts.
 *
 * When a day begins depends on the location's zone, which can change, so instants and days cannot share one order. A cell
 * has a list for each of the four, and each is in the order of its own times whatever the zone: a walk merges them.
 * It takes O(1) for each dated line of the cell and keeps nothing; a cell has as many as open documents name it, a
 * handful as a rule. A line is put in place from the later end: O(1) when announcements come in the order of their
 * times, else O(lines behind it).
 *
 * Rejected: a tree with sums and minima in its nodes. O(log n) a question, but it has to be built anew when a zone
 * changes, and pays from some hundred lines in one cell on.
 */
#include "ledger/state.h"

#define DAY_US (INT64_C(24) * 60 * 60 * 1000000)

#define DATED_LISTS DUE_UNDATED /* the lists before it */

/* ---- the lists ---- */

static enum due_list_name list_of(const struct ledger *ledger, const struct document_line *line)
{
    if (line->when.form == MOMENT_ABSENT)
        return DUE_UNDATED;
    bool out = ledger->documents[line->kind].entries[line->document].direction == DIRECTION_OUT;
    bool day = line->when.form == MOMENT_DAY;
    return out ? (day ? DUE_OUT_DAY : DUE_OUT_INSTANT) : (day ? DUE_IN_DAY : DUE_IN_INSTANT);
}

void due_add(struct ledger *ledger, uint32_t number)
{
    struct document_line *lines = ledger->document_lines.entries;
    struct document_line *line = &lines[number];
    line->due_list = list_of(ledger, line);
    struct cell_extra *extra = cell_extra(ledger, line->cell);
    CHECK(extra != NULL); /* the cell's event came first, and what is expected is among its figures */
    struct due_list *list = &extra->due[line->due_list];
    uint32_t before = list->last;
    while (before != 0 && lines[before - 1].when.us > line->when.us)
        before = lines[before - 1].due_previous;
    line->due_previous = before;
    line->due_next = before == 0 ? list->first : lines[before - 1].due_next;
    if (before == 0)
        list->first = number + 1;
    else
        lines[before - 1].due_next = number + 1;
    if (line->due_next == 0)
        list->last = number + 1;
    else
        lines[line->due_next - 1].due_previous = number + 1;
}

void due_remove(struct ledger *ledger, uint32_t number)
{
    struct document_line *lines = ledger->document_lines.entries;
    const struct document_line *line = &lines[number];
    struct due_list *list = &cell_extra(ledger, line->cell)->due[line->due_list];
    if (line->due_previous == 0)
        list->first = line->due_next;
    else
        lines[line->due_previous - 1].due_next = line->due_next;
    if (line->due_next == 0)
        list->last = line->due_previous;
    else
        lines[line->due_next - 1].due_previous = line->due_previous;
}

/* ---- ATP ---- */

/* The last microsecond of a day. */
static int64_t day_end_us(const struct ledger *ledger, uint32_t location, int64_t midnight_utc_us)
{
    return location_day_start_us(ledger, location, midnight_utc_us + DAY_US) - 1;
}

/* The instant that is asked for: of a day its end, now when there is none. */
static int64_t moment_us(const struct ledger *ledger, uint32_t location, struct moment at, int64_t now_us)
{
    return at.form == MOMENT_ABSENT ? now_us : at.form == MOMENT_DAY ? day_end_us(ledger, location, at.us) : at.us;
}

static int64_t due_us(const struct ledger *ledger, const struct document_line *line)
{
    uint32_t location = ledger->cells[line->cell].location;
    if (line->due_list == DUE_IN_DAY)
        return day_end_us(ledger, location, line->when.us);
    if (line->due_list == DUE_OUT_DAY)
        return location_day_start_us(ledger, location, line->when.us);
    return line->when.us;
}

/* The dated lines of a cell by time; at one time supply before demand. */
struct walk {
    const struct ledger *ledger;
    uint32_t without;           /* an expectation of direction out whose lines count for nothing, or NUMBER_NONE */
    uint32_t next[DATED_LISTS]; /* + 1, 0 for none */
    int64_t us[DATED_LISTS];    /* of those */
};

static void walk_to(struct walk *walk, unsigned list, uint32_t line)
{
    walk->next[list] = line;
    if (line != 0)
        walk->us[list] = due_us(walk->ledger, &walk->ledger->document_lines.entries[line - 1]);
}

static struct walk walk_begin(const struct ledger *ledger, const struct cell_extra *extra, uint32_t without)
{
    struct walk walk = {.ledger = ledger, .without = without};
    for (unsigned list = 0; list < DATED_LISTS; list++)
        walk_to(&walk, list, extra == NULL ? 0 : extra->due[list].first);
    return walk;
}

/* The next line's time, and what it adds. False at the end. */
static bool walk_next(struct walk *walk, int64_t now_us, int64_t *out_us, int64_t *out_units)
{
    unsigned first = DATED_LISTS;
    for (unsigned list = 0; list < DATED_LISTS; list++) {
        if (walk->next[list] != 0 && (first == DATED_LISTS || walk->us[list] < walk->us[first]))
            first = list;
    }
    if (first == DATED_LISTS)
        return false;
    const struct document_line *line = &walk->ledger->document_lines.entries[walk->next[first] - 1];
    bool supply = first < DUE_OUT_INSTANT;
    *out_us = walk->us[first];
    if (supply)
        *out_units = *out_us < now_us ? 0 : line->units;
    else
        *out_units = line->document == walk->without ? 0 : -line->units; /* demand is of expectations alone */
    walk_to(walk, first, line->due_next);
    return true;
}

/*
 * The least that there is at any time from `at` on, and the first time from which there are always `wanted` (INT64_MAX
 * for never). Sums stay within the range of the cell's figures, which are checked.
 */
static int64_t atp(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t without,
                   struct moment at, int64_t now_us, int64_t wanted, int64_t *out_earliest_us)
{
    int64_t from_us = moment_us(ledger, ledger->cells[cell].location, at, now_us);
    int64_t balance = figures_available(figures) - figures->units[FIGURE_SAFETY_STOCK];
    struct walk walk = walk_begin(ledger, cell_extra(ledger, cell), without);
    int64_t us;
    int64_t units;
    bool more = walk_next(&walk, now_us, &us, &units);
    for (; more && us <= from_us; more = walk_next(&walk, now_us, &us, &units))
        balance += units;
    int64_t least = balance;
    int64_t earliest_us = balance >= wanted ? from_us : INT64_MAX;
    for (; more; more = walk_next(&walk, now_us, &us, &units)) {
        balance += units;
        least = min_i64(least, balance);
        if (balance < wanted)
            earliest_us = INT64_MAX;
        else if (earliest_us == INT64_MAX)
            earliest_us = us;
    }
    *out_earliest_us = earliest_us;
    return least;
}

int64_t due_atp(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t without,
                struct moment at, int64_t now_us)
{
    int64_t earliest_us;
    return atp(ledger, figures, cell, without, at, now_us, 0, &earliest_us);
}

struct moment due_promised(const struct ledger *ledger, uint32_t location, struct moment at)
{
    if (at.form == MOMENT_DAY)
        return (struct moment){MOMENT_INSTANT, day_end_us(ledger, location, at.us)};
    return at;
}

/* Of the goods of this name alone: of a kit, of the built ones. */
static int64_t goods_atp(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at, int64_t now_us)
{
    uint32_t cell = cell_find(ledger, item, location);
    if (cell == NUMBER_NONE || is_bin(ledger, location)) /* of a bin, nothing: its node has it */
        return 0;
    struct figures figures = cell_figures(ledger, cell);
    return due_atp(ledger, &figures, cell, NUMBER_NONE, at, now_us);
}

int64_t ledger_atp(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at, int64_t now_us)
{
    int64_t built = goods_atp(ledger, item, location, at, now_us);
    int64_t kits = QUANTITY_UNITS_MAX;
    if (!item_is_kit(ledger, item))
        return built;
    for (uint32_t p = ledger->items[item].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        int64_t units = max_i64(0, goods_atp(ledger, part->component, location, at, now_us));
        kits = min_i64(kits, units / part->units);
    }
    /* Too many built ones may be promised: the components are other goods, and are not theirs. */
    return kits == 0 ? built : min_i64(max_i64(0, built) + kits, QUANTITY_UNITS_MAX);
}

static bool goods_earliest(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at,
                           int64_t now_us, int64_t units, int64_t *out_us)
{
    uint32_t cell = cell_find(ledger, item, location);
    if (cell == NUMBER_NONE || is_bin(ledger, location)) /* of a bin, nothing: its node has it */
        return false;
    struct figures figures = cell_figures(ledger, cell);
    int64_t earliest_us;
    (void)atp(ledger, &figures, cell, NUMBER_NONE, at, now_us, units, &earliest_us);
    if (earliest_us == INT64_MAX)
        return false;
    *out_us = earliest_us;
    return true;
}

/* When the last dated line of the item at the location is due, or `us` when that is later. */
static int64_t last_due_us(const struct ledger *ledger, uint32_t item, uint32_t location, int64_t us)
{
    uint32_t cell = cell_find(ledger, item, location);
    const struct cell_extra *extra = cell == NUMBER_NONE ? NULL : cell_extra(ledger, cell);
    for (unsigned list = 0; extra != NULL && list < DATED_LISTS; list++) {
        uint32_t last = extra->due[list].last;
        if (last != 0)
            us = max_i64(us, due_us(ledger, &ledger->document_lines.entries[last - 1]));
    }
    return us;
}

/* What can be promised never falls the later it is asked for, so the time is found by halving: some 45 questions. */
static bool kit_earliest(const struct ledger *ledger, uint32_t kit, uint32_t location, struct moment at, int64_t now_us,
                         int64_t units, int64_t *out_us)
{
    int64_t first_us = moment_us(ledger, location, at, now_us);
    int64_t last_us = last_due_us(ledger, kit, location, first_us);
    for (uint32_t p = ledger->items[kit].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit)
        last_us = last_due_us(ledger, ledger->parts.entries[p - 1].component, location, last_us);
    if (ledger_atp(ledger, kit, location, (struct moment){MOMENT_INSTANT, last_us}, now_us) < units)
        return false;
    while (first_us < last_us) {
        const struct moment half = {MOMENT_INSTANT, first_us + (last_us - first_us) / 2};
        if (ledger_atp(ledger, kit, location, half, now_us) < units)
            first_us = half.us + 1;
        else
            last_us = half.us;
    }
    *out_us = first_us;
    return true;
}

bool ledger_atp_earliest(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at,
                         int64_t now_us, int64_t units, int64_t *out_us)
{
    return item_is_kit(ledger, item) ? kit_earliest(ledger, item, location, at, now_us, units, out_us)
                                     : goods_earliest(ledger, item, location, at, now_us, units, out_us);
}

/* ---- check ---- */

/* Each list is in order and linked both ways, and each line is in the list of its cell where it belongs. */
static uint32_t list_check(const struct ledger *ledger, const struct cell_extra *extra, enum due_list_name name,
                           struct figures *sums)
{
    const struct document_line *lines = ledger->document_lines.entries;
    uint32_t previous = 0;
    uint32_t walked = 0;
    for (uint32_t l = extra->due[name].first; l != 0; l = lines[l - 1].due_next) {
        const struct document_line *line = &lines[l - 1];
        CHECK(++walked <= ledger->document_lines.count);
        CHECK(line->units > 0);
        CHECK(line->cell == extra->cell);
        CHECK(line->due_list == name);
        CHECK(name == list_of(ledger, line));
        CHECK(line->due_previous == previous);
        CHECK(previous == 0 || lines[previous - 1].when.us <= line->when.us);
        previous = l;
        if (line->kind == DOCUMENT_TRANSFER)
            sums->units[FIGURE_IN_TRANSIT] += line->units;
        if (name < DUE_OUT_INSTANT)
            sums->units[FIGURE_INCOMING] += line->units;
        else if (name < DUE_UNDATED)
            sums->units[FIGURE_OUTGOING] += line->units;
    }
    CHECK(extra->due[name].last == previous);
    return walked;
}

void due_check(const struct ledger *ledger)
{
    uint32_t walked = 0;
    for (uint32_t e = 0; e < ledger->extra_count; e++) {
        const struct cell_extra *extra = &ledger->extras[e];
        struct figures sums = {{0}};
        for (unsigned name = 0; name < DUE_LIST_COUNT; name++)
            walked += list_check(ledger, extra, (enum due_list_name)name, &sums);
        /* What the cell says is under way and expected is what the open documents say. */
        for (unsigned f = FIGURE_IN_TRANSIT; f <= FIGURE_OUTGOING; f++)
            CHECK(extra->units[f - FIGURE_OF_EVERY_CELL] == sums.units[f]);
    }
    CHECK(walked == ledger->document_lines.count - ledger->document_lines.free_count);
}
