/*
 * Goal: what a brake holds is a review, nothing changes, and a verdict decides it as if it came now, at its own time
 * (API.md sections 1 and 3: too_late, limits of a source, resolve).
 * Method: tables in near-prose, see ledger_world.h.
 */
#include "ledger_world.h"

static void brakes(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a fact older than the window without seq is held; accepted, it is decided at its own time", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(2 too_late)", "A@L: none"},
        {"receive 5 A@L occurred=-604800", "ok: receive", "A@L: sellable 5 v1"},
        {"receive 5 A@L occurred=-604801 source=o seq=1", "ok: receive", "A@L: sellable 10 v2"},
        {"resolve review=2 accept", "ok: resolve(2 too_late) receive", "A@L: sellable 15 v3; past A@L -604801: sellable 10"},
        {"resolve review=2 accept", "already_resolved", NULL},
        {"resolve review=1 reject", "unknown_review", NULL},
        {"resolve review=2", "invalid missing_field verdict", NULL},
        {"resolve accept", "invalid missing_field review", NULL},

        {"# to be a report is of snapshots alone: what moves goods passes no brake by it", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"source name=pos-1 age_limit=60", "ok: config", NULL},
        {"receive 5 A@L report occurred=-604801", "ok: review(3 too_late)", "A@L: none"},
        {"receive 5 A@L report occurred=-61 seq=1", "ok: review(4 age_limit)", "A@L: none"},

        {"# rejected, it is dropped; a verdict can be tried", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"sale 5 B@L occurred=-604801 hold=H", "ok: review(2 too_late)", NULL},
        {"resolve dry review=2 accept", "dry ok: resolve(2 too_late) sale discrepancy(no_claim 5) discrepancy(below_zero 5) oversold(5)", "B@L: none"},
        {"resolve review=2 reject", "ok: resolve(2 too_late)", "B@L: none"},
        {"resolve review=2 accept", "already_resolved", NULL},
        {"wait 604801", "ok:", NULL},
        {"resolve review=2 accept", "unknown_review", NULL},

        {"# a source may be late by so much and no more, also with seq", NULL, NULL},
        {"source name=pos-1 age_limit=60", "ok: config", NULL},
        {"receive 1 A@L occurred=-60", "ok: receive", NULL},
        {"receive 1 A@L occurred=-61 seq=1", "ok: review(4 age_limit)", "A@L: sellable 1 v1"},
        {"hold hold=H 1 A@L occurred=-61 seq=2", "ok: hold out_of_stock", NULL},

        {"# a count that finds too much is held: beyond all bounds that are there", NULL, NULL},
        {"source name=pos-1 count_units=5 count_percent=10", "ok: config", NULL},
        {"receive 100 A@L 20 B@L", "ok: receive receive", NULL},
        {"wait 10", "ok:", NULL},
        {"count 90 A@L 15 B@L occurred=0", "ok: count(-10) count(-5)", "A@L: sellable 90 v2; B@L: sellable 15 v2"},
        {"count 80 A@L 15 B@L occurred=0", "ok: review(7 count_limit), A@L asked -10 free 90", "A@L: sellable 90 v2"},
        {"wait 5", "ok:", NULL},
        {"sale 2 A@L", "ok: sale", NULL},
        {"resolve review=7 accept", "ok: resolve(7 count_limit) count(-10) count(0)", "A@L: sellable 78 v4"},
        {"count 6 C@L occurred=0", "ok: review(12 count_limit)", NULL},

        {"# what resolve says of the context stands in its command's stead; a source that was given up is none", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801 source=old reason=x document=D", "ok: review(2 too_late)", NULL},
        {"delete_source name=old", "ok: config", NULL},
        {"resolve review=2 accept reason=y", "ok: resolve(2 too_late) receive", "A@L: sellable 5 v1"},

        {"# the table is full of open ones; closed ones that have left the window make room", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(2 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(3 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(4 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(5 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(6 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(7 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(8 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(9 too_late)", NULL},
        {"receive 1 A@L occurred=-700000", "invalid limit_reached", NULL},
        {"resolve review=3 reject", "ok: resolve(3 too_late)", NULL},
        {"resolve review=2 reject", "ok: resolve(2 too_late)", NULL},
        {"resolve review=4 reject", "ok: resolve(4 too_late)", NULL},
        {"resolve review=5 reject", "ok: resolve(5 too_late)", NULL},
        {"resolve review=6 reject", "ok: resolve(6 too_late)", NULL},
        {"resolve review=7 reject", "ok: resolve(7 too_late)", NULL},
        {"wait 604801", "ok:", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(16 too_late)", NULL},
        {"tick", "ok:", NULL},
        {"receive 1 A@L occurred=-700000", "ok: review(17 too_late)", NULL},

        {"# a limit that is beyond all numbers holds nothing", NULL, NULL},
        {"item item=A scale=6", "ok: config", NULL},
        {"source name=pos-1 count_units=9007199254740991", "ok: config", NULL},
        {"receive 1000 A@L", "ok: receive", NULL},
        {"wait 1", "ok:", NULL},
        {"count 5 A@L occurred=0", "ok: count(-995000000)", NULL},
        {"source name=pos-1 count_percent=1000000", "ok: config", NULL},
        {"adjust 9007198254 A@L reason=x", "ok: adjust", NULL},
        {"wait 1", "ok:", NULL},
        {"count 5 A@L occurred=0", "ok: count(-9007198254000000)", NULL},
        {"source name=pos-1 count_percent=10", "ok: config", NULL},
        {"count 4 A@L occurred=0", "ok: review(10 count_limit), A@L asked -1000000 free 5000000", NULL},

        {"# a ledger that is strict creates nothing for it either", NULL, NULL},
        {"settings source=@ledger id= window=604800 capacity=4096 strict", "ok: config", NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(3 too_late)", NULL},
        {"resolve review=3 accept", "unknown_item A", NULL},

        {"# a command that is refused when it is accepted leaves its review open", NULL, NULL},
        {"source name=pos-1 strict", "ok: config", NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801", "ok: review(3 too_late)", NULL},
        {"resolve review=3 accept source=boss", "unknown_item A", NULL},
        {"item item=A scale=0", "ok: config", NULL},
        {"location location=L", "ok: config", NULL},
        {"resolve review=3 accept source=boss", "ok: resolve(3 too_late) receive", "A@L: sellable 5 v1"},
    };
    WORLD_PLAY(rows);
}

/* Views are for readers: what is past the window is not there for them, forgotten or not yet. */
static void a_review_is_seen_until_it_leaves_the_window(void **state)
{
    (void)state;
    static struct world world;
    struct review_view view;
    world_init(&world, &world_limits);
    world_step(&world, "wait 700000");
    world_step(&world, "receive id= 5 A@L occurred=-604801");
    assert_string_equal(world.answer, "ok: review(2 too_late)");
    assert_true(ledger_review(world.ledger, 2, &view) && view.closed_us == TIME_NONE && view.kind == KIND_RECEIVE);
    assert_false(ledger_review(world.ledger, 3, &view));
    world_step(&world, "resolve id= review=2 reject");
    assert_true(ledger_review_places(world.ledger) == 1 && ledger_review_at(world.ledger, 0, &view) && !view.accepted);
    for (unsigned number = 4; number < 14; number += 2) {
        char text[40];
        world_step(&world, "receive id= 5 A@L occurred=-604801");
        (void)sprintf(text, "resolve id= review=%u reject", number);
        world_step(&world, text);
    }
    assert_false(ledger_stale(world.ledger, world.now_us));
    world_step(&world, "wait 604801");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* by these alone */
    world_step(&world, "receive id= 5 A@L");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* four of six are forgotten */
    assert_int_equal(ledger_review_places(world.ledger), 6);
    for (uint32_t place = 0; place < 6; place++)
        assert_false(ledger_review_at(world.ledger, place, &view));
    world_step(&world, "tick");
    assert_false(ledger_stale(world.ledger, world.now_us));
    world_deinit(&world);
}

/* What is read back is not what this version wrote: nothing is decided. */
static void a_held_command_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "wait 700000");
    world_step(&world, "receive 5 A@L occurred=-604801");
    world.done->held[0] = (char)255;
    world_step(&world, "resolve review=2 accept");
    assert_string_equal(world.answer, "invalid bad_value review");
    world_step(&world, "resolve review=2 reject");
    assert_string_equal(world.answer, "ok: resolve(2 too_late)");
    world_deinit(&world);
}

/* What the ledger may ask its journal for by number: the oldest id that is remembered, and reviews, closed ones as well. */
static void what_the_journal_must_keep(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        const char *step, *answer;
        uint64_t oldest;
    } rows[] = {
        {"wait 700000", "ok:", 2}, /* the settings had no id */
        {"receive id= 5 A@L", "ok: receive", 3},
        {"receive id=a 5 A@L 5 B@L", "ok: receive receive", 4}, /* its answer is where its last event is */
        {"receive id=b 5 A@L", "ok: receive", 4},
        {"receive id= 5 A@L occurred=-604801", "ok: review(6 too_late)", 4},
        {"receive id= 5 A@L occurred=-604801", "ok: review(7 too_late)", 4},
        {"wait 604801", "ok:", 4}, /* not forgotten yet */
        {"tick", "ok:", 6},
        {"resolve id= review=6 reject", "ok: resolve(6 too_late)", 6}, /* who resolves it again is told */
        {"wait 604801", "ok:", 6},
        {"receive id=c 5 A@L", "ok: receive", 7},
        {"resolve id= review=7 reject", "ok: resolve(7 too_late)", 7},
        {"wait 604801", "ok:", 7},
        {"tick", "ok:", 11},
    };
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_step(&world, rows[i].step);
        assert_string_equal(world.answer, rows[i].answer);
        if (ledger_oldest_needed_seq(world.ledger) != rows[i].oldest)
            fail_msg("%s: %llu", rows[i].step, (unsigned long long)ledger_oldest_needed_seq(world.ledger));
    }
    world_deinit(&world);
}

/* Of which times it may ask for the books: of what was counted, or seen, and waits for a person. */
static void what_the_books_must_reach(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        const char *step, *answer;
        int64_t needed_s; /* before the review that was begun here; 0 for none, -1 as it was */
    } rows[] = {
        {"source name=pos-1 count_units=5 change_units=5", "ok: config", 0},
        {"wait 700000", "ok:", 0},
        {"receive id= 5 A@L occurred=-604801", "ok: review(3 too_late)", 0}, /* compares nothing */
        {"count 90 A@L occurred=0", "ok: review(4 count_limit)", 604800},
        {"wait 10", "ok:", -1},
        {"snapshot 90 A@L seen=3", "ok: review(5 max_change)", -1},
        {"resolve review=4 reject", "ok: resolve(4 count_limit)", 604800},
        {"resolve review=5 reject", "ok: resolve(5 max_change)", 0},
        {"wait 604801", "ok:", 0},
        {"tick", "ok:", 0}, /* two are forgotten */
    };
    int64_t needed_us = INT64_MAX;
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_step(&world, rows[i].step);
        if (strncmp(world.answer, rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s: %s", rows[i].step, world.answer);
        if (rows[i].needed_s >= 0)
            needed_us = rows[i].needed_s == 0 ? INT64_MAX : world.now_us - rows[i].needed_s * SECOND_US;
        assert_true(ledger_books_needed_us(world.ledger) == needed_us);
    }
    world_deinit(&world);
}

/* Where the journal no longer has what a command must know, it is refused and nothing is decided: it can come again as it is. */
static void what_is_gone_decides_nothing(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        unsigned expired;
        const char *step, *answer;
    } rows[] = {
        {0, "source name=shop pair=y", "ok: config"},
        {0, "receive id=r 10 A@L", "ok: receive"},
        {0, "wait 10", "ok:"},
        {0, "sale id=s 2 A@L", "ok: sale"},
        {1, "count id=c 9 A@L occurred=-5", "invalid history_expired"},
        {1, "count dry 9 A@L occurred=-5", "invalid history_expired"},
        {0, "count id=c 9 A@L occurred=-5", "ok: count(-1)"},
        {1, "count id=c 9 A@L occurred=-5", "duplicate of 5"},
        {1, "snapshot 7 A@L seen=3", "invalid history_expired"},
        {1, "snapshot 7 B@L seen=3", "invalid history_expired"}, /* when it saw that is needed, whatever there was */
        {1, "snapshot 7 A@L occurred=-3", "invalid history_expired"},
        {0, "snapshot 7 A@L seen=5", "ok: snapshot(7 not 7)"},
        {1, "snapshot report 8 A@L source=shop", "invalid history_expired"},
        {1, "snapshot report 7 A@L source=shop", "ok: reported(7 at 6)"}, /* it is so now */
        {0, "snapshot report 8 A@L source=shop", "ok: reported(8 at 4 late)"},
        {1, "reverse of=s", "invalid history_expired"},
        {1, "reverse of=none", "unknown_command none"},
        {0, "reverse of=s", "ok: reverse"},

        /* A review stays open. */
        {0, "source name=pos-1 count_units=5", "ok: config"},
        {0, "wait 10", "ok:"},
        {0, "count 90 A@L occurred=-5", "ok: review(12 count_limit), A@L asked 81 free 9"},
        {1, "resolve review=12 accept", "invalid history_expired"},
        {2, "resolve review=12 accept", "invalid history_expired"},
        {0, "resolve review=12 accept", "ok: resolve(12 count_limit) count(81)"},
    };
    world_init(&world, &world_limits);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world.expired = rows[i].expired;
        world_step(&world, rows[i].step);
        if (strcmp(world.answer, rows[i].answer) != 0)
            fail_msg("%s: %s, should be %s", rows[i].step, world.answer, rows[i].answer);
    }
    world_deinit(&world);
}

/* What of a source's brakes is not set is not in its form, and bits of nothing are none. */
static void brakes_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        size_t length;
        bool good;
    } rows[] = {
        {"\x40\x01\x05", 3, true},      {"\x40\x00", 2, false},         {"\x40", 1, false},
        {"\x40\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 11, false},
        {"\x40\x02\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 12, false},
        {"\x40\x02\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 12, false},
        {"\x40\x20", 2, false},         {"\x40\x10", 2, true},         {"\x40\x01\x00", 3, false},     {"\x40\x02\x01\x05", 4, true},
        {"\x40\x02\x00", 3, false},     {"\x40\x02", 2, false},         {"\x40\x02\x04", 3, false},
        {"\x40\x20\x01\x01L\x04", 6, true}, {"\x40\x20\x01\x01L\x09", 6, false}, {"\x40\x20\x00", 3, false},
        {"\x40\x20\x01\x00\x04", 5, false}, {"\x40\x20\x02\x01L\x04\x01L\x04", 9, false},
        {"\x40\x20\x02\x01L\x04\x01M\x03", 9, true},
        {"\x40\x02\x03\x05\x06", 5, true}, {"\x40\x02\x03\x05", 4, false}, {"\x40\x08\x00", 3, false},
    };
    struct source_config source;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(source_config_read(text_of(rows[i].form, rows[i].length), &source), rows[i].good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brakes),
        cmocka_unit_test(brakes_have_one_form),
        cmocka_unit_test(a_review_is_seen_until_it_leaves_the_window),
        cmocka_unit_test(what_the_journal_must_keep),
        cmocka_unit_test(what_the_books_must_reach),
        cmocka_unit_test(what_is_gone_decides_nothing),
        cmocka_unit_test(a_held_command_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
