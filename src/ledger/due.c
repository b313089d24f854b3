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
 * The earliest time for so many is found from the end, by taking lines back: below.
 *
 * Rejected: a tree with sums and minima in its nodes. O(log n) a question, but it has to be built anew when a zone
 * changes, and pays from some hundred lines in one cell on.
 */
#include "ledger/config_form.h"
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
    uint32_t line;              /* the last one */
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

/* The next line's time, and what it adds. False at the end. The line itself is walk->line then. */
static bool walk_next(struct walk *walk, int64_t now_us, int64_t *out_us, int64_t *out_units)
{
    unsigned first = DATED_LISTS;
    for (unsigned list = 0; list < DATED_LISTS; list++) {
        if (walk->next[list] != 0 && (first == DATED_LISTS || walk->us[list] < walk->us[first]))
            first = list;
    }
    if (first == DATED_LISTS)
        return false;
    walk->line = walk->next[first] - 1;
    const struct document_line *line = &walk->ledger->document_lines.entries[walk->line];
    bool supply = first < DUE_OUT_INSTANT;
    *out_us = walk->us[first];
    if (supply)
        *out_units = *out_us < now_us ? 0 : line->units;
    else
        *out_units = line->document == walk->without ? 0 : -line->units; /* demand is of expectations alone */
    walk_to(walk, first, line->due_next);
    return true;
}

/* The least that there is at any time from `at` on. Sums stay in the range of the cell's figures, which are checked. */
int64_t due_atp(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t without,
                struct moment at, int64_t now_us)
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
    for (; more; more = walk_next(&walk, now_us, &us, &units)) {
        balance += units;
        least = min_i64(least, balance);
    }
    return least;
}

uint32_t ledger_atp_lines(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at, int64_t now_us,
                          struct atp_line *lines, uint32_t count_max, int64_t *out_rest)
{
    uint32_t cell = cell_find(ledger, item, location);
    uint32_t counted = 0;
    int64_t us;
    int64_t units;
    *out_rest = 0;
    if (cell == NUMBER_NONE || is_bin(ledger, location))
        return 0;
    int64_t from_us = moment_us(ledger, location, at, now_us);
    int64_t balance = 0;
    int64_t least = 0;
    struct walk walk = walk_begin(ledger, cell_extra(ledger, cell), NUMBER_NONE);
    for (uint32_t walked = 1; walk_next(&walk, now_us, &us, &units); walked++) {
        balance += units;
        if (us <= from_us || balance < least) {
            least = balance;
            counted = walked;
        }
    }
    walk = walk_begin(ledger, cell_extra(ledger, cell), NUMBER_NONE);
    for (uint32_t i = 0; i < counted; i++) {
        CHECK(walk_next(&walk, now_us, &us, &units)); /* as before */
        if (i >= count_max) {
            *out_rest += units;
            continue;
        }
        const struct document_line *line = &ledger->document_lines.entries[walk.line];
        const struct documents *documents = &ledger->documents[line->kind];
        lines[i] = (struct atp_line){
            .transfer = line->kind == DOCUMENT_TRANSFER,
            .name = textpool_text(&documents->names, documents->entries[line->document].name),
            .due_us = us,
            .units = line->units,
            .counted = units,
        };
    }
    return counted < count_max ? counted : count_max;
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

/* ---- the earliest time ---- */

/*
 * What can be promised never falls the later it is asked for, so the time is found from the end: with all lines counted
 * it is what there will be at last; then one line after the other is taken back, the latest first, until too little is
 * left. The built ones of a kit and its components are taken back together, by a heap of where each of their lists has
 * got to: each line is looked at once, and none but overdue ones that are due before the time that is found.
 *
 * Rejected: asking for one time after the other, by halving: a walk over all lines for each of 45.
 */

/* Goods that make up an item: itself, of a kit the built ones, and its components. */
struct goods {
    int64_t units;   /* of them in one of the item */
    int64_t balance; /* with the lines that are not taken back */
    int64_t least;   /* that it has been: there will be as many at any time from there on */
};

/* The latest line of a list that is not taken back. */
struct latest {
    int64_t key; /* its time and its list: at one time demand is taken back before supply, as it is counted behind it */
    uint32_t line; /* + 1 */
    uint32_t goods;
};

#define GOODS_MAX (1 + COMPONENTS_MAX)

struct unwind {
    const struct ledger *ledger;
    int64_t now_us;
    int64_t kits; /* that the components will do for; 0 of what is no kit */
    uint32_t goods_count;
    uint32_t latest_count;
    struct goods goods[GOODS_MAX];
    struct latest latest[GOODS_MAX * DATED_LISTS]; /* a heap, the latest on top */
};

/* The years have four digits: it fits. */
static int64_t latest_key(const struct ledger *ledger, uint32_t line)
{
    const struct document_line *entry = &ledger->document_lines.entries[line - 1];
    return due_us(ledger, entry) * DATED_LISTS + entry->due_list;
}

/* When the latest of all is due. */
static int64_t latest_us(const struct unwind *unwind)
{
    const struct latest *latest = &unwind->latest[0];
    return (latest->key - unwind->ledger->document_lines.entries[latest->line - 1].due_list) / DATED_LISTS;
}

/* Puts it at the place, or below it where others are later. */
static void sink(struct unwind *unwind, uint32_t place, struct latest latest)
{
    struct latest *heap = unwind->latest;
    for (uint32_t below = 2 * place + 1; below < unwind->latest_count; below = 2 * place + 1) {
        below += below + 1 < unwind->latest_count && heap[below + 1].key > heap[below].key;
        if (heap[below].key <= latest.key)
            break;
        heap[place] = heap[below];
        place = below;
    }
    heap[place] = latest;
}

static void add_goods(struct unwind *unwind, uint32_t item, uint32_t location, int64_t units)
{
    const struct ledger *ledger = unwind->ledger;
    const struct document_line *lines = ledger->document_lines.entries;
    uint32_t number = unwind->goods_count++;
    struct goods *goods = &unwind->goods[number];
    *goods = (struct goods){.units = units};
    uint32_t cell = cell_find(ledger, item, location);
    if (cell == NUMBER_NONE || is_bin(ledger, location)) /* of a bin, nothing: its node has it */
        return;
    struct figures figures = cell_figures(ledger, cell);
    const struct cell_extra *extra = cell_extra(ledger, cell);
    goods->balance = figures_available(&figures) - figures.units[FIGURE_SAFETY_STOCK] + figures.units[FIGURE_INCOMING] -
                     figures.units[FIGURE_OUTGOING];
    for (unsigned list = 0; extra != NULL && list < DATED_LISTS; list++) {
        uint32_t line = extra->due[list].first;
        for (; list < DUE_OUT_INSTANT && line != 0 && due_us(ledger, &lines[line - 1]) < unwind->now_us;
             line = lines[line - 1].due_next)
            goods->balance -= lines[line - 1].units; /* overdue */
        uint32_t last = extra->due[list].last;
        if (line != 0)
            unwind->latest[unwind->latest_count++] = (struct latest){latest_key(ledger, last), last, number};
    }
    goods->least = goods->balance;
}

static int64_t kits_of(const struct goods *goods)
{
    return max_i64(0, goods->least) / goods->units;
}

static void take_latest_back(struct unwind *unwind)
{
    struct latest latest = unwind->latest[0];
    const struct document_line *line = &unwind->ledger->document_lines.entries[latest.line - 1];
    struct goods *goods = &unwind->goods[latest.goods];
    if (line->due_list >= DUE_OUT_INSTANT)
        goods->balance += line->units;
    else if (latest_us(unwind) >= unwind->now_us) /* what is overdue was not counted */
        goods->balance -= line->units;
    if (goods->balance < goods->least) {
        goods->least = goods->balance;
        if (latest.goods != 0)
            unwind->kits = min_i64(unwind->kits, kits_of(goods));
    }
    latest.line = line->due_previous;
    if (latest.line != 0)
        latest.key = latest_key(unwind->ledger, latest.line);
    else
        latest = unwind->latest[--unwind->latest_count];
    sink(unwind, 0, latest);
}

static bool is_enough(const struct unwind *unwind, int64_t units)
{
    return max_i64(0, unwind->goods[0].least) + unwind->kits >= units;
}

bool ledger_atp_earliest(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at,
                         int64_t now_us, int64_t units, int64_t *out_us)
{
    struct unwind unwind = {.ledger = ledger, .now_us = now_us};
    add_goods(&unwind, item, location, 1);
    for (uint32_t p = ledger->items[item].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        const struct kit_part *part = &ledger->parts.entries[p - 1];
        add_goods(&unwind, part->component, location, part->units);
    }
    for (uint32_t i = 1; i < unwind.goods_count; i++)
        unwind.kits = i == 1 ? kits_of(&unwind.goods[i]) : min_i64(unwind.kits, kits_of(&unwind.goods[i]));
    for (uint32_t place = unwind.latest_count / 2; place-- > 0;)
        sink(&unwind, place, unwind.latest[place]);
    if (!is_enough(&unwind, units))
        return false;
    int64_t from_us = moment_us(ledger, location, at, now_us);
    int64_t earliest_us = from_us;
    while (unwind.latest_count != 0 && latest_us(&unwind) > from_us && earliest_us == from_us) {
        int64_t us = latest_us(&unwind);
        take_latest_back(&unwind);
        if (!is_enough(&unwind, units))
            earliest_us = us;
    }
    *out_us = earliest_us;
    return true;
}

/* ---- check ---- */

bool due_lists_sound(const struct ledger *ledger, uint32_t extra, struct audit *audit)
{
    static const char astray[] = "the list of what is announced there goes astray";
    const struct document_lines *lines = &ledger->document_lines;
    for (unsigned name = 0; name < DUE_LIST_COUNT; name++) {
        uint32_t ends[] = {ledger->extras[extra].due[name].first, ledger->extras[extra].due[name].last};
        AUDIT_CHECK(audit, I5, (ends[0] == 0) == (ends[1] == 0), astray);
        for (unsigned i = 0; i < 2 && ends[i] != 0; i++) {
            AUDIT_CHECK(audit, I5, ends[i] <= lines->count, astray);
            const struct document_line *line = &lines->entries[ends[i] - 1];
            AUDIT_CHECK(audit, I5, line->units > 0 && line->cell == ledger->extras[extra].cell && line->due_list == name, astray);
            AUDIT_CHECK(audit, I5, (i == 0 ? line->due_previous : line->due_next) == 0, astray);
        }
    }
    return true;
}

bool document_line_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char astray[] = "the list of what is announced in its cell goes astray";
    const struct document_lines *lines = &ledger->document_lines;
    const struct document_line *line = &lines->entries[number];
    if (line->units == 0)
        return true;
    AUDIT_CHECK(audit, I5, line->units > 0, "less than nothing is under way");
    AUDIT_CHECK(audit, I5, document_line_find(ledger, line->kind, line->document, line->cell) == number,
                "it is not among its document's lines");
    AUDIT_CHECK(audit, I5, line->due_list == list_of(ledger, line), "it is in the wrong list of its cell");
    const struct cell_extra *extra = cell_extra(ledger, line->cell);
    AUDIT_CHECK(audit, I5, extra != NULL && line->due_previous <= lines->count && line->due_next <= lines->count, astray);
    if (line->due_previous == 0) {
        AUDIT_CHECK(audit, I5, extra->due[line->due_list].first == number + 1, astray);
    } else {
        const struct document_line *previous = &lines->entries[line->due_previous - 1];
        AUDIT_CHECK(audit, I5, previous->due_next == number + 1 && previous->cell == line->cell &&
                                   previous->due_list == line->due_list && previous->when.us <= line->when.us, astray);
    }
    if (line->due_next == 0)
        AUDIT_CHECK(audit, I5, extra->due[line->due_list].last == number + 1, astray);
    else
        AUDIT_CHECK(audit, I5, lines->entries[line->due_next - 1].due_previous == number + 1, astray);
    return true;
}
