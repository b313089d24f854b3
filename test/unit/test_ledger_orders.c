/*
 * Goal: facts, counts, snapshots and what of claims was picked and shipped end in the same figures, accounts, counts and pasts on
 * the axis `occurred`, in whatever order they are told.
 * Method: a small world of two cells with a transfer between them, one for each order: they are items of one ledger.
 * What was so before is told in time; of up to seven things that are told late all orders are tried, some by hand and
 * some hundred at random. Each order is compared with the first of its set: the figures of both cells, the accounts, the
 * marks of the counts, and what was there at each moment.
 *
 * Where the rules say that the order does matter, these sets have none of it:
 *   - counts of a condition that end at the same moment: the one that is told last is the last;
 *   - windows that overlap: what comes late is uncertain in the first count behind it, what was there in both;
 *   - requests, and what a claim has: a hold takes what is free when it is told, and goods that are picked after their
 *     shipment was told stay picked. So each claim here has one thing that happens to it late;
 *   - a transfer_in before its transfer_out: it is refused;
 *   - what is older than the id window: it corrects the first count that is known by then.
 */
#include "ledger_world.h"

#include "base/prng.h"
#include "ledger/state.h"

#define THINGS_MAX  7
#define ORDERS_MAX  5040
#define MARKS_MAX   16 /* of one item */
#define SETUP_COUNT 14
#define MOMENTS     45 /* every five seconds */

/*
 * "#" is the order's own: its item, and a part of the names of its claims; "!" is the position behind this. Seconds are
 * from when the rest is told.
 */
static const char *const setup[SETUP_COUNT] = {
    "receive 60 #@L 10 damaged #@L 20 #@M occurred=-220",
    "hold hold=P# 4 #@L expires=0 occurred=-219",
    "hold hold=Q# 5 #@L expires=0 occurred=-219",
    "hold hold=R# 6 #@L expires=0 occurred=-219",
    "hold hold=S# 3 #@M expires=0 occurred=-219",
    "hold hold=U# 7 #@L expires=0 occurred=-219",
    "hold hold=V# 4 #@L expires=0 occurred=-219",
    "commit hold=P# occurred=-218",
    "commit hold=Q# occurred=-218",
    "commit hold=R# occurred=-218",
    "commit hold=S# occurred=-218",
    "commit hold=U# occurred=-218",
    "pick hold=R# 4 #@L occurred=-216",
    "transfer_out transfer=T# to=M 5 #@L occurred=-215",
};

struct outcome_of {
    struct figures cells[2], pasts[2][MOMENTS];
    int64_t accounts[ACCOUNT_COUNT];
    uint32_t mark_count;
    struct mark marks[MARKS_MAX]; /* by condition and end of window */
};

static struct world world;
static unsigned worlds, items; /* of the present world */
static uint64_t setup_end;
static int64_t begin_us;

static void fresh_world(void)
{
    struct ledger_limits limits = world_limits;
    limits.item_count_max = ORDERS_MAX;
    limits.cell_count_max = 2 * ORDERS_MAX;
    limits.claim_count_max = limits.claim_line_count_max = 6 * ORDERS_MAX;
    limits.transfer_count_max = limits.document_line_count_max = ORDERS_MAX;
    limits.mark_count_max = 8 * ORDERS_MAX;
    limits.source_count_max = 32;
    limits.statement_count_max = 4 * ORDERS_MAX;
    if (worlds++ > 0)
        world_deinit(&world);
    world_init(&world, &limits);
    items = 0;
}

/* Tells it, so many seconds after the beginning. */
static void tell(const char *prose, int64_t seconds)
{
    char text[200];
    size_t n = 0;
    for (; *prose != '\0'; prose++) {
        assert_true(n + 20 < sizeof(text));
        if (*prose == '#')
            n += (size_t)sprintf(text + n, "i%u", items);
        else if (*prose == '!')
            n += (size_t)sprintf(text + n, "%" PRIu64, setup_end);
        else
            text[n++] = *prose;
    }
    text[n] = '\0';
    world.now_us = begin_us;
    world_parse(&world, text);
    world.command.id = TEXT_NONE;
    world.now_us = begin_us + seconds * SECOND_US;
    world_decide_quickly(&world);
    if (strncmp(world.answer, "ok:", 3) != 0)
        fail_msg("%s: %s", text, world.answer);
}

static uint32_t cell_at(unsigned place)
{
    char item[20];
    (void)sprintf(item, "i%u", items);
    uint32_t i = ledger_number(world.ledger, NAME_ITEM, text_of(item, strlen(item)));
    uint32_t l = ledger_number(world.ledger, NAME_LOCATION, place == 0 ? TEXT("L") : TEXT("M"));
    return ledger_cell_find(world.ledger, i, l);
}

static void note_pasts(struct outcome_of *out, unsigned place, uint32_t location)
{
    for (size_t p = 0; p < world.past_count; p++) {
        const struct world_past *past = &world.past[p];
        for (unsigned m = 0; past->location == location && m < MOMENTS; m++) {
            int64_t at_us = begin_us - (int64_t)(MOMENTS - 1 - m) * 5 * SECOND_US;
            for (unsigned f = 0; past->occurred_us <= at_us && f < FIGURE_COUNT; f++)
                out->pasts[place][m].units[f] += past->delta.units[f];
        }
    }
}

static void note_marks(struct outcome_of *out, uint32_t cell)
{
    const struct cell_extra *extra = cell_extra(world.ledger, cell);
    for (unsigned c = 0; extra != NULL && c < CONDITION_COUNT; c++) {
        for (uint32_t m = extra->mark_first; m != 0; m = world.ledger->marks.entries[m - 1].next) {
            const struct mark *mark = &world.ledger->marks.entries[m - 1];
            if (mark->condition != (enum condition)c)
                continue;
            assert_true(out->mark_count < MARKS_MAX);
            out->marks[out->mark_count++] = (struct mark){.condition = mark->condition,
                                                          .includes_picked = mark->includes_picked,
                                                          .from_us = mark->from_us - begin_us,
                                                          .to_us = mark->to_us - begin_us,
                                                          .variance = mark->variance,
                                                          .uncertain = mark->uncertain};
        }
    }
}

static void play(const char *const *things, const uint8_t *order, unsigned count, struct outcome_of *out)
{
    if (worlds == 0 || items == ORDERS_MAX)
        fresh_world();
    begin_us = world.now_us + SECOND_US;
    world.past_count = 0; /* all others are of other items */
    for (unsigned i = 0; i < SETUP_COUNT; i++)
        tell(setup[i], 0);
    setup_end = ledger_last_seq(world.ledger);
    for (unsigned i = 0; i < count; i++)
        tell(things[order[i]], i + 1);
    memset(out, 0, sizeof(*out));
    for (unsigned place = 0; place < 2; place++) {
        struct cell_view view;
        uint32_t cell = cell_at(place);
        ledger_cell(world.ledger, cell, &view);
        out->cells[place] = view.figures;
        note_pasts(out, place, view.location);
        note_marks(out, cell);
        for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
            out->accounts[a] = ledger_account(world.ledger, view.item, (enum account)a);
    }
    items++;
}

/* The next order after this one; false after the last. */
static bool next_order(uint8_t *order, unsigned count)
{
    unsigned i = count - 1;
    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    unsigned k = count - 1;
    while (order[k] < order[i - 1])
        k--;
    uint8_t swapped = order[k];
    order[k] = order[i - 1];
    order[i - 1] = swapped;
    for (unsigned a = i, b = count - 1; a < b; a++, b--) {
        swapped = order[a];
        order[a] = order[b];
        order[b] = swapped;
    }
    return true;
}

_Noreturn static void differ(const char *const *things, const uint8_t *order, unsigned count, const char *what,
                             int64_t first, int64_t now)
{
    print_message("# told in this order:\n");
    for (unsigned i = 0; i < count; i++)
        print_message("#   %s\n", things[order[i]]);
    fail_msg("%s: %" PRId64 " in the first order, %" PRId64 " in this one", what, first, now);
    abort();
}

static void compare(const char *const *things, const uint8_t *order, unsigned count, const struct outcome_of *first,
                    const struct outcome_of *now)
{
#define SAME(what, field)                                                                                              \
    if (first->field != now->field)                                                                                    \
    differ(things, order, count, what, (int64_t)first->field, (int64_t)now->field)
    for (unsigned place = 0; place < 2; place++) {
        for (unsigned f = 0; f < FIGURE_COUNT; f++) {
            SAME(figure_name((enum figure)f), cells[place].units[f]);
            for (unsigned m = 0; m < MOMENTS; m++)
                SAME("what was there", pasts[place][m].units[f]);
        }
    }
    for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
        SAME("an account", accounts[a]);
    SAME("counts", mark_count);
    for (uint32_t m = 0; m < first->mark_count; m++) {
        SAME("condition", marks[m].condition);
        SAME("end of a window", marks[m].to_us);
        SAME("begin of a window", marks[m].from_us);
        SAME("includes_picked", marks[m].includes_picked);
        SAME("variance", marks[m].variance);
        SAME("uncertain", marks[m].uncertain);
    }
#undef SAME
}

/* All orders of them. Returns how many there were. */
static unsigned all_orders(const char *const *things, unsigned count)
{
    static struct outcome_of first, now;
    uint8_t order[THINGS_MAX];
    unsigned orders = 0;
    for (unsigned i = 0; i < count; i++)
        order[i] = (uint8_t)i;
    do {
        play(things, order, count, orders == 0 ? &first : &now);
        if (orders++ > 0)
            compare(things, order, count, &first, &now);
    } while (next_order(order, count));
    return orders;
}

/* ---- by hand ---- */

static void sets_by_hand_end_alike(void **state)
{
    (void)state;
    static const char *const sets[][THINGS_MAX] = {
        /* S2: a count while selling, what was before it, in its window, at its end, behind it; and another count. */
        {"sale 10 #@L occurred=-180", "sale 5 #@L occurred=-150", "count 30 #@L since=-120 occurred=-110",
         "sale 4 #@L occurred=-90", "sale 2 #@L occurred=-115", "sale 1 #@L occurred=-110",
         "count 20 #@L since=-60 occurred=-50"},
        /* With the trolleys, and without them, by turns; goods are picked, put back, and shipped, picked or not. */
        {"pick hold=P# 3 #@L occurred=-150", "unpick hold=R# 2 #@L occurred=-120",
         "ship fact hold=Q# 2 #@L occurred=-90", "count picked 50 #@L occurred=-130", "count 41 #@L occurred=-100",
         "count picked 44 #@L occurred=-80", "count 40 #@L occurred=-60"},
        /* What was picked is shipped between counts of either kind, before them and behind them. */
        {"ship fact hold=R# 3 #@L occurred=-105", "pick hold=U# 5 #@L occurred=-140",
         "count 44 #@L since=-125 occurred=-120", "count picked 48 #@L since=-115 occurred=-110",
         "count 41 #@L occurred=-100", "sale 2 #@L occurred=-122", "return 1 #@L occurred=-108"},
        /* Conditions: goods are damaged between two counts of both, and before them. */
        {"reclassify from=sellable to=damaged 4 #@L occurred=-140",
         "reclassify from=damaged to=sellable 2 #@L occurred=-90", "count 50 #@L 15 damaged #@L occurred=-120",
         "count 49 #@L 12 damaged #@L since=-75 occurred=-60", "adjust -3 damaged #@L occurred=-70",
         "adjust 2 #@L occurred=-125", "receive 7 #@L 1 expired #@L occurred=-65"},
        /* Two cells, counted at different times, with goods that go from one to the other, and are under way. */
        {"transfer to=M 6 #@L occurred=-140", "transfer to=L 2 #@M occurred=-100",
         "transfer_in transfer=T# 5 #@M occurred=-120", "count 48 #@L occurred=-130", "count 30 #@M occurred=-110",
         "count 40 #@L 28 #@M since=-95 occurred=-80", "ship fact hold=S# 3 #@M occurred=-90"},
        /* Signs turn: what was missing is found, and missing again. */
        {"count 57 #@L occurred=-100", "sale 9 #@L occurred=-150", "receive 20 #@L occurred=-140",
         "sale 30 #@L occurred=-130", "return 8 #@L occurred=-120", "adjust -6 #@L occurred=-110",
         "count 50 #@L occurred=-50"},
        /* Figures of two sources that have what is promised off them, and a count; what is promised, picked, shipped. */
        {"commit hold=V# 2 #@L occurred=-150", "pick hold=P# 3 #@L occurred=-145", "ship fact hold=R# 5 #@L occurred=-100",
         "snapshot available 30 #@L source=e1 occurred=-140", "count 44 #@L since=-125 occurred=-120",
         "snapshot available 28 #@L source=e2 occurred=-90", "sale 2 #@L occurred=-130"},
        /* Figures of a source that has read what was there in the beginning, among counts and what comes late. */
        {"snapshot available 40 #@L 8 damaged #@L source=e1 seen=!", "snapshot 19 #@M source=e2 seen=!",
         "sale 5 #@L occurred=-150", "count 43 #@L since=-125 occurred=-120", "pick hold=U# 5 #@L occurred=-140",
         "snapshot 41 #@L source=e3 occurred=-90", "ship fact hold=Q# 2 #@L occurred=-100"},
    };
    for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
        assert_int_equal(all_orders(sets[s], THINGS_MAX), ORDERS_MAX);
        ledger_check(world.ledger);
    }
}

/* ---- at random ---- */

static struct prng prng;

static unsigned below(unsigned bound)
{
    return (unsigned)prng_below(&prng, bound);
}

/* Each claim, and the transfer, at most once; counts, and what snapshots saw, end at different times. */
struct chosen {
    unsigned claims, ends;
};

static bool choose_count(struct chosen *chosen, char *text)
{
    unsigned end = below(18);
    if (chosen->ends >> end & 1)
        return false;
    chosen->ends |= 1u << end;
    int to = -190 + (int)end * 10;
    char *at = text + sprintf(text, "count %s", below(2) == 0 ? "picked " : "");
    const char *place = below(3) == 0 ? "M" : "L";
    if (below(3) != 0)
        at += sprintf(at, "%u #@%s ", 20 + below(40), place);
    if (below(3) == 0 || strchr(text, '#') == NULL)
        at += sprintf(at, "%u damaged #@%s ", below(20), place);
    if (below(2) == 0)
        at += sprintf(at, "since=%d ", to - (int)below(11));
    (void)sprintf(at, "occurred=%d", to);
    return true;
}

/* Of a source that says nothing else: what it said later of an earlier time is not taken. */
static bool choose_snapshot(struct chosen *chosen, char *text)
{
    static const char *const kinds[] = {"available ", "", ""}, *const contains[] = {"", " contains=none", " contains=shipped"};
    unsigned end = below(18);
    unsigned kind = below(3);
    if (chosen->ends >> end & 1)
        return false;
    chosen->ends |= 1u << end;
    (void)sprintf(text, "snapshot %s%u %s#@%s source=e%u occurred=%d%s", kinds[kind], 20 + below(40),
                  kind != 0 && below(3) == 0 ? "damaged " : "", below(3) == 0 ? "M" : "L", end, -190 + (int)end * 10,
                  contains[kind == 0 ? 0 : below(3)]);
    return true;
}

static bool choose_of_claim(struct chosen *chosen, int seconds, char *text)
{
    static const struct {
        const char *what, *place;
        unsigned claim;
    } all[] = {{"pick hold=P#", "L", 0},          {"ship fact hold=Q#", "L", 1}, {"ship fact hold=R#", "L", 2},
               {"ship fact hold=S#", "M", 3},     {"pick hold=U#", "L", 4},      {"unpick hold=R#", "L", 2},
               {"transfer_in transfer=T#", "M", 5}, {"release hold=R#", "L", 2}};
    unsigned which = below(8);
    if (chosen->claims >> all[which].claim & 1)
        return false;
    chosen->claims |= 1u << all[which].claim;
    (void)sprintf(text, "%s %u #@%s occurred=%d", all[which].what, 1 + below(3), all[which].place, seconds);
    return true;
}

static bool choose(struct chosen *chosen, char *text)
{
    int seconds = -200 + 5 * (int)below(40);
    const char *place = below(3) == 0 ? "M" : "L";
    const char *condition = below(4) == 0 ? "damaged " : "";
    unsigned units = 1 + below(9);
    switch (below(12)) {
    case 0:
        (void)sprintf(text, "receive %u %s#@%s occurred=%d", units, condition, place, seconds);
        return true;
    case 1:
        (void)sprintf(text, "sale %u %s#@%s occurred=%d", units, condition, place, seconds);
        return true;
    case 2:
        (void)sprintf(text, "adjust %d %s#@%s occurred=%d", (int)units - 12, condition, place, seconds);
        return true;
    case 3:
        (void)sprintf(text, "transfer to=%s %u %s#@%s occurred=%d", *place == 'L' ? "M" : "L", units, condition, place,
                      seconds);
        return true;
    case 4:
        (void)sprintf(text, "reclassify from=%s %u #@%s occurred=%d",
                      below(2) == 0 ? "sellable to=damaged" : "damaged to=sellable", units, place, seconds);
        return true;
    case 5:
    case 6:
        return choose_of_claim(chosen, seconds, text);
    case 7:
    case 8:
        return choose_snapshot(chosen, text);
    default:
        return choose_count(chosen, text);
    }
}

static void sets_at_random_end_alike(void **state)
{
    (void)state;
    static char texts[THINGS_MAX][120];
    const char *things[THINGS_MAX];
    unsigned orders = 0;
    for (unsigned s = 0; s < 400; s++) {
        struct chosen chosen = {0, 0};
        unsigned count = s % 8 == 0 ? 5 : 4;
        prng = prng_of(s);
        for (unsigned i = 0; i < count; i++) {
            while (!choose(&chosen, texts[i]))
                continue;
            things[i] = texts[i];
        }
        orders += all_orders(things, count);
    }
    ledger_check(world.ledger);
    print_message("# %u orders of random sets\n", orders);
    world_deinit(&world);
    worlds = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_by_hand_end_alike),
        cmocka_unit_test(sets_at_random_end_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
