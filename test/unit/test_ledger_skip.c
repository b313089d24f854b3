/*
 * Goal: the skips of every event are what a naive look at all events of its cell says: where they lead, and the oldest
 * time of what lies between. Also where one decision has several events of a cell, and for each level there is.
 * Method: a list of all events, kept beside; random commands in a few cells, with facts of any age. The last level is
 * reached by one cell with two million plain events.
 */
#include "ledger_world.h"

#include "base/prng.h"
#include "ledger/state.h"

#define CELLS  4
#define EVENTS 6000

struct seen {
    uint64_t seq;
    int64_t occurred_at_us;
};

/* The events of a cell, by version. */
static struct seen *cells[CELLS];
static uint64_t versions[CELLS];

static void look_at_skips(const struct event *event, const struct seen *all)
{
    uint64_t v = event->version;
    uint64_t step = SKIP_STEP;
    unsigned level = 0;
    for (; level < SKIP_LEVELS && v % step == 0; level++, step *= SKIP_STEP) {
        int64_t oldest_us = INT64_MAX;
        for (uint64_t i = v - step + 1; i <= v; i++)
            oldest_us = all[i].occurred_at_us < oldest_us ? all[i].occurred_at_us : oldest_us;
        assert_true(level < event->skip_count);
        assert_int_equal(event->skips[level].seq, all[v - step].seq);
        assert_int_equal(event->skips[level].oldest_us, oldest_us);
    }
    assert_int_equal(event->skip_count, level);
}

/* And where a walk begins. */
static void look_at_top(const struct ledger *ledger, uint32_t location, const struct seen *all, uint64_t version)
{
    struct cell_top top;
    uint64_t step = SKIP_STEP;
    ledger_cell_top(ledger, ledger_cell_find(ledger, 0, location), &top);
    assert_int_equal(top.last_seq, all[version].seq);
    for (unsigned level = 0; level < SKIP_LEVELS; level++, step *= SKIP_STEP) {
        uint64_t end = version - version % step;
        int64_t oldest_us = INT64_MAX;
        for (uint64_t i = end + 1; i <= version; i++)
            oldest_us = all[i].occurred_at_us < oldest_us ? all[i].occurred_at_us : oldest_us;
        assert_int_equal(top.skips[level].seq, all[end].seq);
        assert_int_equal(top.skips[level].oldest_us, oldest_us);
    }
}

/* Notes the decision's events, and looks at their skips. */
static void note(const struct world *world, unsigned *most)
{
    const struct decision *decision = &world->decision;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->location == NUMBER_NONE)
            continue;
        assert_true(event->location < CELLS);
        uint64_t *version = &versions[event->location];
        assert_true(++*version < EVENTS);
        assert_int_equal(event->version, *version);
        assert_int_equal(event->previous_seq, cells[event->location][*version - 1].seq);
        cells[event->location][*version] = (struct seen){event->seq, decision_occurred_us(decision)};
        look_at_skips(event, cells[event->location]);
        *most = event->skip_count > *most ? event->skip_count : *most;
        if (i + 1 == decision->event_count)
            look_at_top(world->ledger, event->location, cells[event->location], *version);
    }
}

static void skips_are_what_a_naive_look_says(void **state)
{
    (void)state;
    static struct world world;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct prng prng = prng_of(seed);
        unsigned most = 0;
        unsigned largest = 0;
        world_init(&world, &world_limits);
        for (unsigned c = 0; c < CELLS; c++) {
            cells[c] = calloc(EVENTS, sizeof(struct seen));
            versions[c] = 0;
        }
        for (unsigned step = 0; step < 1200; step++) {
            char text[256];
            unsigned a = (unsigned)prng_below(&prng, CELLS);
            unsigned units = 1 + (unsigned)prng_below(&prng, 9);
            int age = prng_below(&prng, 3) == 0 ? (int)prng_below(&prng, 100000) - 200 : 0; /* some of the future */
            switch (prng_below(&prng, 4)) {
            case 0:
                snprintf(text, sizeof(text), "receive %u A@L%u occurred=%d", units, a, -age);
                break;
            case 1: /* may be short: then it is several events of the cell */
                snprintf(text, sizeof(text), "sale %u A@L%u occurred=%d", units, a, -age);
                break;
            case 2: /* to another cell, and back: two lines of the same cells */
                snprintf(text, sizeof(text), "transfer to=L%u 1 A@L%u 2 damaged A@L%u occurred=%d", (a + 1) % CELLS, a,
                         a, -age);
                break;
            default:
                snprintf(text, sizeof(text), "hold hold=H%u expires=0 1 A@L%u", step, a);
                break;
            }
            world_step(&world, text);
            if (world.verdict.outcome != OUTCOME_DECIDED)
                continue;
            note(&world, &most);
            largest = world.decision.event_count > largest ? world.decision.event_count : largest;
            if (world.verdict.code == CODE_none && world.command.kind == KIND_HOLD) {
                snprintf(text, sizeof(text), "release hold=H%u", step);
                world_step(&world, text);
                note(&world, &most);
            }
        }
        assert_true(most >= 3); /* beyond 8^3 events of a cell */
        assert_true(largest >= 4);
        ledger_check(world.ledger);
        for (unsigned c = 0; c < CELLS; c++)
            free(cells[c]);
        world_deinit(&world);
    }
}

/* Two late facts, of known ages. */
static void every_level_is_reached(void **state)
{
    (void)state;
    static struct world world;
    static struct event event;
    world_init(&world, &world_limits);
    world_step(&world, "receive 1 A@L");
    const uint64_t end = UINT64_C(1) << SKIP_LEVELS * SKIP_STEP_BITS;
    uint64_t first = world.decision.events[0].seq; /* version v has number first + v - 1 */
    struct decision decision = world.decision;
    decision.events = &event;
    decision.name_count = 0;
    decision.id = TEXT_NONE;
    for (uint64_t v = 2; v <= end; v++) {
        event = world.decision.events[0];
        event.seq = decision.first_seq = first + v - 1;
        event.version = v;
        event.previous_seq = event.seq - 1;
        event.skip_count = 0;
        event.hints = (struct event_hints){0};
        decision.recorded_at_us = world.now_us;
        decision.occurred_at_us = world.now_us - (v == 100 ? 7 : v == end - 9 ? 5 : 0);
        ledger_evolve(world.ledger, &decision);
        for (unsigned k = 1; k <= event.skip_count; k++) {
            uint64_t step = UINT64_C(1) << k * SKIP_STEP_BITS;
            assert_int_equal(event.skips[k - 1].seq, v == step ? 0 : first + v - step - 1);
            int64_t age = v >= 100 && v - step < 100 ? 7 : v >= end - 9 && v - step < end - 9 ? 5 : 0;
            assert_int_equal(event.skips[k - 1].oldest_us, world.now_us - age);
        }
        assert_int_equal(event.skip_count, v % SKIP_STEP == 0 ? skip_levels(v) : 0);
    }
    assert_int_equal(event.skip_count, SKIP_LEVELS);
    /* The block of the last level is complete: of no earlier version can it be told what came since. */
    assert_true(cell_oldest_since(world.ledger, 0, end) == INT64_MAX);
    assert_true(cell_oldest_since(world.ledger, 0, end - 1) == INT64_MIN);
    ledger_check(world.ledger);
    world_deinit(&world);
}

/* What a journal says of its skips and what the ledger finds is the same, or the journal is damaged. */
static void skips_differ(unsigned what)
{
    static struct world world;
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 7; i++)
        world_step(&world, "receive 1 A@L");
    world_parse(&world, "receive 1 A@L");
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    struct event *event = &world.decision.events[0];
    event->skip_count = what == 0 ? 2 : 1;
    event->skips[0] = (struct skip){what == 1 ? 1 : 0, world.now_us - (what == 2 ? 1 : 0)};
    global_expecting_assert = 1;
    if (setjmp(global_expect_assert_env) == 0) {
        ledger_evolve(world.ledger, &world.decision);
        global_expecting_assert = 0;
        fail_msg("skips %u were applied", what);
    }
    global_expecting_assert = 0;
    world_deinit(&world);
}

static void skips_that_differ_end_the_process(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 3; what++)
        skips_differ(what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_are_what_a_naive_look_says),
        cmocka_unit_test(every_level_is_reached),
        cmocka_unit_test(skips_that_differ_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
