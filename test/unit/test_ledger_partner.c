/*
 * Goal: partners (issue of two-way systems, docs/protocol.md): a figure that was told is a confirmation, another one a
 * difference until it is told; neither is booked, nor an event of the cell, whatever comes late, twice or out of order.
 * Method: tables in near-prose, see ledger_world.h. "reported(37 at 9)": event 9 told it; "reported(36 not 37)": it was never
 * told, the books have 37; "late": the partner has told of the cell as of later.
 */
#include "ledger_world.h"

#include "ledger/state.h"

static void reports(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what was told comes back: nothing happens to the cell", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"sale 3 A@L", "ok: sale", NULL},
        {"snapshot report available 37 A@L source=shop", "ok: reported(37 at 4)", "A@L: sellable 37 v2; drift:"},
        {"snapshot report available 40 A@L source=shop", "ok: reported(40 at 3 late)", "A@L: sellable 37 v2; drift:"},
        {"snapshot report available 37 A@L source=shop", "ok: reported(37 at 4)", "A@L: sellable 37 v2; drift:"},
        {"sale 1 A@L", "ok: sale", "A@L: sellable 36 v3; drift:"},
        {"snapshot report available 37 A@L source=shop", "ok: reported(37 at 4)", "drift:"},

        {"# what the partner sold is a difference until its order comes; it is taken off once", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"snapshot report available 38 A@L source=shop", "ok: reported(38 not 40)",
         "A@L: sellable 40 v1; drift: shop A@L 38 not 40"},
        {"commit hold=O 2 A@L source=shop", "ok: commit", "A@L: sellable 40 committed 2 v2; drift:"},
        {"snapshot report available 38 A@L source=shop", "ok: reported(38 at 5)", "A@L: sellable 40 committed 2 v2; drift:"},
        {"ship hold=O 2 A@L source=shop", "ok: ship", "A@L: sellable 38 v3; drift:"},

        {"# below nothing a shop shows 0, and can report nothing else", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"commit fact hold=O 5 A@L", "ok: commit oversold(3) out_of_stock", "A@L: sellable 2 committed 5 v4"},
        {"snapshot report available 0 A@L source=shop", "ok: reported(0 at 6)", "A@L: sellable 2 committed 5 v4; drift:"},
        {"snapshot report available 1 A@L source=shop", "ok: reported(1 not -3)", "drift: shop A@L 1 not -3 since 6"},
        {"snapshot report available 0 A@L source=shop", "ok: reported(0 at 6)", "drift:"},
        {"receive 7 A@L", "ok: receive back_in_stock", "A@L: sellable 9 committed 5 v6; drift:"},
        {"snapshot report available 0 A@L source=shop", "ok: reported(0 at 6)", "drift:"},
        {"snapshot report available 4 A@L source=shop", "ok: reported(4 at 11)", "drift:"},

        {"# a figure that nobody told: it shows until one that was is reported", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"snapshot report available 40 A@L source=shop", "ok: reported(40 at 3)", "drift:"},
        {"snapshot report available 50 A@L source=shop", "ok: reported(50 not 40)", "drift: shop A@L 50 not 40 since 3"},
        {"receive 1 A@L", "ok: receive", "drift: shop A@L 50 not 40 since 3"},
        {"snapshot report available 41 A@L source=shop", "ok: reported(41 at 6)", "A@L: sellable 41 v2; drift:"},

        {"# what an older one says when a newer one has come is no news, told or not", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"sale 3 A@L", "ok: sale", NULL},
        {"snapshot report available 36 A@L source=shop occurred=-10", "ok: reported(36 not 37)", "drift: shop A@L 36 not 37"},
        {"snapshot report available 40 A@L source=shop occurred=-20", "ok: reported(40 at 3 late)", "drift: shop A@L 36 not 37"},
        {"snapshot report available 39 A@L source=shop occurred=-15", "ok: reported(39 not 37 late)", "drift: shop A@L 36 not 37"},
        {"snapshot report available 37 A@L source=shop occurred=-10", "ok: reported(37 at 4)", "drift:"},
        {"snapshot report available 40 A@L source=shop occurred=-10", "ok: reported(40 at 3 late)", "drift:"},
        {"snapshot report available 40 A@L source=shop occurred=-9", "ok: reported(40 at 3)", "drift:"},
        {"snapshot report available 35 A@L source=shop", "ok: reported(35 not 37)", "drift: shop A@L 35 not 37 since 3"},
        {"snapshot report available 37 A@L source=shop occurred=301", "ok: reported(37 at 4) clock_skew", "drift:"},

        {"# both measures, and each condition, for themselves", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 10 A@L 4 damaged A@L", "ok: receive", NULL},
        {"hold hold=H 3 A@L", "ok: hold", "A@L: sellable 10 damaged 4 held 3 v2"},
        {"snapshot report available 7 A@L source=shop", "ok: reported(7 at 4)", NULL},
        {"snapshot report 10 A@L source=shop", "ok: reported(10 at 4)", NULL},
        {"snapshot report 4 damaged A@L source=shop", "ok: reported(4 at 4)", NULL},
        {"snapshot report 5 damaged A@L source=shop", "ok: reported(5 not 4)", "drift: shop A@L 5 not 4 since 4"},
        {"snapshot report available 4 damaged A@L source=shop", "invalid bad_value line 0 condition", NULL},
        {"snapshot report 10 A@L 4 damaged A@L source=shop", "invalid bad_value line 0 condition", NULL},
        {"snapshot report available 3 A@L 4 A@L source=shop", "ok: reported(7 at 4)", "drift: shop A@L 5 not 4 since 4"},

        {"# a report speaks of what was told: names and cells are known", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 10 A@L 1 B@M", "ok: receive receive", NULL},
        {"snapshot report available 7 C@L source=shop", "unknown_item C", NULL},
        {"snapshot report available 7 A@N source=shop", "unknown_location N", NULL},
        {"snapshot report available 10 A@L 7 A@M source=shop", "unknown_cell, A@M asked 7 free 0", "A@M: none"},
        {"snapshot report available 10 A@L 1 B@M source=shop", "ok: reported(10 at 3) reported(1 at 4)", NULL},
        {"snapshot report available 9 A@L 2 B@M source=shop", "ok: reported(9 not 10) reported(2 not 1)",
         "drift: shop A@L 9 not 10 since 3 shop B@M 2 not 1 since 4"},
        {"snapshot report dry available 8 A@L source=shop", "dry ok: reported(8 not 10)", NULL},

        {"# who is no pair says what it has seen, and a partner may", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot report available 10 A@L", "invalid missing_field seen", NULL},
        {"snapshot report available 10 A@L source=new", "invalid missing_field seen", NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"snapshot report available 10 A@L source=shop seen=2", "invalid missing_field seen", NULL},
        {"snapshot report available 10 A@L source=shop contains=none", "invalid missing_field seen", NULL},
        {"snapshot report available 10 A@L source=shop set=mon", "invalid missing_field seen", NULL},
        {"snapshot available 9 A@L source=shop seen=2", "ok: snapshot(9 not 10)", "A@L: sellable 9 v2"},
        {"source name=shop", "ok: config", NULL},
        {"snapshot report available 10 A@L source=shop", "invalid missing_field seen", NULL},

        {"# it books nothing, however old; what is below zero was told, too", NULL, NULL},
        {"source name=shop pair=y age_limit=60", "ok: config", NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot report available 7 A@L source=shop occurred=-700000", "ok: reported(7 not 10)", NULL},
        {"sale 9007199254740991 A@L", "ok: sale discrepancy(below_zero 9007199254740981) oversold(9007199254740981) out_of_stock",
         NULL},
        {"snapshot report available 9007199254740991 A@L source=shop", "invalid out_of_range line 0 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void reviews(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a difference is held, what was told is not, and accepting books nothing", NULL, NULL},
        {"source name=shop pair=y policy=review", "ok: config", NULL},
        {"receive 40 A@L 40 B@L", "ok: receive receive", NULL},
        {"sale 3 A@L", "ok: sale", NULL},
        {"snapshot report available 40 A@L 40 B@L source=shop", "ok: reported(40 at 3) reported(40 at 4)", NULL},
        {"snapshot report available 30 A@L 40 B@L source=shop occurred=-10", "ok: reported(30 not 37 late) reported(40 at 4 late)",
         NULL},
        {"snapshot report available 30 A@L 40 B@L source=shop", "ok: review(10 policy), A@L asked -7 free 37",
         "A@L: sellable 37 v2; drift:"},
        {"resolve review=10 accept", "ok: resolve(10 policy) reported(30 not 37) reported(40 at 4)",
         "A@L: sellable 37 v2; drift: shop A@L 30 not 37 since 3"},

        {"# accepted when its source is no partner any more, or is none", NULL, NULL},
        {"source name=shop pair=y policy=review", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"snapshot report available 30 A@L source=shop", "ok: review(4 policy), A@L asked -10 free 40", NULL},
        {"source name=shop", "ok: config", NULL},
        {"resolve review=4 accept", "ok: resolve(4 policy) reported(30 not 40)", "drift: shop A@L 30 not 40"},

        {"# the source was given up meanwhile", NULL, NULL},
        {"source name=shop pair=y policy=review", "ok: config", NULL},
        {"receive 40 A@L", "ok: receive", NULL},
        {"snapshot report available 30 A@L source=shop", "ok: review(4 policy), A@L asked -10 free 40", NULL},
        {"snapshot available 30 A@L source=shop seen=3", "ok: review(5 policy), A@L asked -10 free 40", NULL},
        {"delete_source name=shop", "ok: config", NULL},
        {"resolve review=5 accept", "unknown_source shop", NULL},
        {"resolve review=4 accept", "unknown_source shop", NULL},
        {"resolve review=4 reject", "ok: resolve(4 policy)", NULL},
    };
    WORLD_PLAY(rows);
}

/* Another entry than a snapshot's: it neither passes one, nor is told in a set, nor can be left out of one. */
static void snapshots(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a report does not pass a snapshot, and is no part of a set", NULL, NULL},
        {"source name=shop pair=y", "ok: config", NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"wait 10", "ok:", NULL},
        {"snapshot report 7 A@L source=shop", "ok: reported(7 not 10)", "drift: shop A@L 7 not 10"},
        {"snapshot 9 A@L source=shop occurred=-5", "ok: snapshot(9 not 10)", "A@L: sellable 9 v2; drift: shop A@L 7 not 10 shop A@L 9 not 10"},
        {"snapshot report 10 B@L source=shop", "ok: reported(10 at 4)", NULL},
        {"snapshot 9 A@L source=shop seen=7 set=mon last", "ok: snapshot(9 not 9) snapshot(last)", "B@L: sellable 10 v1"},
    };
    WORLD_PLAY(rows);
}

/* ---- how far back ---- */

static void play(struct world *world, const char *prose, const char *answer)
{
    world_step(world, prose);
    assert_string_equal(world->answer, answer);
}

/* What was told counts as long as reports may be late: by number of events, and by time since it was so. */
static void bounds(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    play(&world, "source name=shop pair=y", "ok: config");
    play(&world, "receive 1000 A@L", "ok: receive");
    for (unsigned i = 0; i < TOLD_EVENTS_MAX - 1; i++)
        play(&world, "sale 1 A@L", "ok: sale");
    play(&world, "snapshot report available 1000 A@L source=shop", "ok: reported(1000 at 3)");
    play(&world, "sale 1 A@L", "ok: sale");
    play(&world, "snapshot report available 1000 A@L source=shop", "ok: reported(1000 not 744)");
    world_deinit(&world);

    world_init(&world, &world_limits);
    play(&world, "source name=shop pair=y", "ok: config");
    play(&world, "receive 9 A@L", "ok: receive");
    play(&world, "sale 1 A@L", "ok: sale");
    play(&world, "wait 86400", "ok:");
    play(&world, "sale 2 A@L", "ok: sale");
    play(&world, "wait 3600", "ok:");
    play(&world, "snapshot report available 9 A@L source=shop", "ok: reported(9 not 6)");
    play(&world, "snapshot report available 8 A@L source=shop", "ok: reported(8 at 4)");
    play(&world, "wait 1", "ok:");
    play(&world, "sale 1 A@L", "ok: sale");
    play(&world, "snapshot report available 8 A@L source=shop", "ok: reported(8 not 5)");
    play(&world, "snapshot report available 6 A@L source=shop", "ok: reported(6 at 5)");
    world_deinit(&world);
}

/* ---- what changes between a reading and the decision ---- */

static const char *meanwhile;

static void change(struct world *world, unsigned time)
{
    if (time != 1 || meanwhile == NULL)
        return;
    /* The command is kept aside: what comes meanwhile is a decision of its own. */
    struct command command = world->command;
    struct command_line lines[2] = {world->lines[0], world->lines[1]};
    static char text[sizeof(world->text)];
    memcpy(text, world->text, sizeof(text));
    void (*read)(struct world *, unsigned) = world->read;
    world->read = NULL;
    const char *prose = meanwhile;
    meanwhile = NULL;
    char answer[sizeof(world->answer)];
    memcpy(answer, world->answer, sizeof(answer));
    world_parse(world, prose);
    world_decide(world);
    world->read = read;
    memcpy(world->text, text, sizeof(text));
    memcpy(world->answer, answer, sizeof(answer));
    world->command = command;
    world->lines[0] = lines[0];
    world->lines[1] = lines[1];
}

static void readings(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world.read = change;
    play(&world, "source name=shop pair=y", "ok: config");
    play(&world, "receive 40 A@L 5 B@L", "ok: receive receive");
    play(&world, "snapshot report available 40 A@L source=shop", "ok: reported(40 at 3)");
    assert_int_equal(world.readings, 0); /* what is so now needs none */
    meanwhile = "sale 4 A@L";
    play(&world, "snapshot report available 36 A@L source=shop", "ok: reported(36 at 6)");
    meanwhile = "sale 1 A@L";
    play(&world, "snapshot report available 40 A@L source=shop", "ok: reported(40 at 3 late)"); /* told is told */
    assert_int_equal(world.readings, 2);
    meanwhile = "sale 1 A@L";
    play(&world, "snapshot report available 20 A@L source=shop", "ok: reported(20 not 34)"); /* read anew */
    assert_int_equal(world.readings, 4);
    world_deinit(&world);
}

/* As a reader that could not finish, one that was asked something else, and what the figures of a unit or a name were. */
static void a_reading_of_something_else_is_none(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    play(&world, "source name=shop pair=y", "ok: config");
    play(&world, "receive 40 A@L 5 B@L", "ok: receive receive");
    play(&world, "sale 4 A@L", "ok: sale");
    world_parse(&world, "snapshot report available 40 A@L source=shop");
    struct cell_reading cells[2];
    struct reading reading;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.outcome, OUTCOME_UNREAD);
    const struct unread *unread = ledger_unread(world.ledger);
    assert_true(unread->cell_count == 1 && unread->question.told);
    assert_true(unread->question.from_us == world.now_us - TOLD_AGE_US);
    world_read(&world, &reading, cells);
    assert_int_equal(cells[0].told_seq, 3);
    for (unsigned what = 0; what < 6; what++) {
        struct reading other = reading;
        struct cell_reading cell = cells[0];
        other.cells = &cell;
        world.command.reading = &other;
        other.complete = what != 0;
        other.cell_count = what != 1;
        other.question.told = what != 2;
        cell.cell += what == 3;
        cell.reported.units += what == 4;
        ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
        assert_int_equal(world.verdict.outcome, what == 5 ? OUTCOME_DECIDED : OUTCOME_UNREAD);
    }
    world_deinit(&world);
}

/* An entry for each source, cell, condition and measure; none for what is refused, or is room for no more. */
static void a_full_table_takes_no_report(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world.ledger->limits.statement_count_max = world.twin->limits.statement_count_max = 3;
    play(&world, "source name=shop pair=y", "ok: config");
    play(&world, "receive 4 A@L 5 B@L 6 A@M", "ok: receive receive receive");
    play(&world, "snapshot report available 4 A@L 5 B@L source=shop", "ok: reported(4 at 3) reported(5 at 4)");
    play(&world, "snapshot report 4 A@L 6 A@M source=shop", "invalid limit_reached");
    play(&world, "snapshot report 4 A@L source=shop", "ok: reported(4 at 3)");
    play(&world, "snapshot report available 5 A@L 5 B@L source=shop", "ok: reported(5 not 4) reported(5 at 4)");
    play(&world, "snapshot report 5 B@L source=shop", "invalid limit_reached");
    assert_int_equal(world.ledger->statements.count, 3);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports), cmocka_unit_test(reviews),  cmocka_unit_test(snapshots),
        cmocka_unit_test(bounds),  cmocka_unit_test(readings),
        cmocka_unit_test(a_reading_of_something_else_is_none),
        cmocka_unit_test(a_full_table_takes_no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
