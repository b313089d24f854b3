/*
 * Goal: every bound holds: scales and decimals, 2^53-1 of every figure, full tables, settings. What does not fit is
 * answered with its code and changes nothing; what needs no room is never refused for want of it.
 * Method: tables in near-prose and small worlds, see ledger_world.h.
 */
#include "ledger_world.h"

#define MAX "9007199254740991"

static void scales_are_declared(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# an undeclared item has scale 0; a declared one its own", NULL, NULL},
        {"receive 0.5 A@L", "invalid too_many_decimals line 0 quantity", "A@L: none"},
        {"item item=A scale=2", "ok: config", NULL},
        {"receive 0.5 A@L 1.25 A@L", "ok: receive", "A@L: sellable 175 v1"},
        {"receive 0.125 A@L", "invalid too_many_decimals line 0 quantity", NULL},
        {"receive 1 A@L 0.125 A@L", "invalid too_many_decimals line 1 quantity", "A@L: sellable 175 v1"},
        {"hold hold=H 1.75 A@L if:available=1.75", "ok: hold out_of_stock", NULL},
        {"ship 0.01 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},

        {"# a scale can change while the item has no entries", NULL, NULL},
        {"item item=A scale=2", "ok: config", NULL},
        {"item item=A scale=3", "ok: config", NULL},
        {"item item=A scale=6 IF:version=2", "precondition_failed A", NULL},
        {"item item=A scale=6 IF:version=3", "ok: config", NULL},
        {"item item=B IF:version=1", "precondition_failed B", NULL},
        {"item item=B IF:version=0", "ok: config", NULL},
        {"receive 0.000001 A@L", "ok: receive", "A@L: sellable 1 v1"},
        {"item item=A scale=5", "scale_in_use A", NULL},
        {"item item=A scale=6", "ok: config", NULL},
        {"receive 1 C@L", "ok: receive", NULL},
        {"item item=C scale=1", "scale_in_use C", NULL},
    };
    WORLD_PLAY(rows);
}

static void figures_stay_in_range(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# on_hand, of one condition and of all", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", "A@L: sellable " MAX " v1"},
        {"receive 1 A@L", "invalid out_of_range line 0 quantity", "A@L: sellable " MAX " v1"},
        {"receive 1 damaged A@L", "invalid out_of_range line 0 quantity", NULL},
        {"receive " MAX " B@L 1 B@L", "invalid out_of_range line 1 quantity", "B@L: none"},
        {"receive " MAX " damaged B@L 1 B@L", "invalid out_of_range line 1 quantity", NULL},
        {"adjust -1 damaged B@L " MAX " B@L 1 B@L", "invalid out_of_range line 2 quantity", NULL},
        {"item item=S scale=1", "ok: config", NULL},
        {"receive " MAX " S@L", "invalid out_of_range line 0 quantity", NULL},

        {"# a full cell can be held whole", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", NULL},
        {"hold hold=H " MAX " A@L", "ok: hold out_of_stock", NULL},
        {"hold fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"ship hold=H", "ok: ship", "A@L: v5; $A: supplier -" MAX " customer " MAX},

        {"# available and unavailable", NULL, NULL},
        {"sale " MAX " A@L", "ok: sale discrepancy(below_zero " MAX ") oversold(" MAX ")", NULL},
        {"hold fact hold=I 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"transfer to=M 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"receive " MAX " damaged A@L", "ok: receive", NULL},
        {"adjust 1 recalled A@L", "invalid out_of_range line 0 quantity", NULL},
        {"reclassify from=sellable to=recalled 1 A@L", "invalid out_of_range line 0 quantity", NULL},

        {"# what went outside", NULL, NULL},
        {"receive " MAX " A@L", "ok: receive", NULL},
        {"receive 1 A@M", "invalid out_of_range line 0 quantity", "A@M: none"},
        {"sale " MAX " A@L", "ok: sale out_of_stock", NULL},
        {"sale 1 A@M", "invalid out_of_range line 0 quantity", NULL},

        {"# what arrives", NULL, NULL},
        {"adjust " MAX " A@L", "ok: adjust", NULL},
        {"transfer to=N " MAX " A@L 1 A@M", "invalid out_of_range line 1 quantity", "A@N: none"},
        {"receive " MAX " A@N", "ok: receive", NULL},
        {"transfer to=N 1 A@L", "invalid out_of_range line 0 quantity", NULL},
        {"transfer to=M " MAX " A@L", "ok: transfer out_of_stock transfer", NULL},
        {"transfer to=L " MAX " A@M", "ok: transfer out_of_stock transfer back_in_stock", NULL},
        {"transfer to=M " MAX " A@L 1 A@N", "invalid out_of_range line 1 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void settings_are_bounded(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# settings", NULL, NULL},
        {"settings window=60 capacity=0", "invalid out_of_range id_capacity", NULL},
        {"settings window=60 capacity=4097", "invalid out_of_range id_capacity", NULL},
        {"settings window=0 capacity=4096", "invalid out_of_range id_window", NULL},
        {"settings window=9223372036854774 capacity=4096", "invalid out_of_range id_window", NULL},
        {"settings window=60 capacity=4096 strict", "ok: config", NULL},
    };
    WORLD_PLAY(rows);
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "settings window=60 capacity=100 strict");
    assert_int_equal(ledger_id_window_ms(world.ledger), 60000);
    assert_int_equal(ledger_id_capacity(world.ledger), 100);
    assert_true(ledger_strict(world.ledger));
    /* The canonical form has no such scale; decide does not rely on that. */
    world_parse(&world, "item item=A scale=6");
    world.command.scale = 7;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_out_of_range);
    world_step(&world, "settings window=60 capacity=100");
    world_step(&world, "receive 1 A@L");
    world_parse(&world, "hold hold=H 1 A@L");
    world.command.expires_in_ms = -1;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_out_of_range);
    world.command.kind = KIND_COUNT;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_bad_value);
    world_deinit(&world);
}

static void expect(struct world *world, const char *prose, const char *answer)
{
    world_step(world, prose);
    if (strcmp(world->answer, answer) != 0)
        fail_msg("%s\n  expected: %s\n  answered: %s", prose, answer, world->answer);
}

static void full_tables_refuse_what_needs_room(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {2, 2, 2, 3, 2, 3, 8, 8, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "receive 10 A@L 10 B@L", "ok: receive receive");
    expect(&world, "receive source=web 1 A@L", "invalid limit_reached");
    expect(&world, "receive 1 C@L", "invalid limit_reached");
    expect(&world, "item item=C", "invalid limit_reached");
    expect(&world, "receive 1 A@M", "ok: receive");
    expect(&world, "receive 1 A@N", "invalid limit_reached");
    expect(&world, "transfer to=N 1 A@L", "invalid limit_reached");
    expect(&world, "receive 1 B@M", "invalid limit_reached");
    expect(&world, "ship 11 B@L", "insufficient_stock, B@L asked 11 free 10");
    expect(&world, "hold hold=H1 1 A@L 1 B@L", "ok: hold hold");
    expect(&world, "hold hold=H2 1 A@L 1 B@L", "invalid limit_reached");
    expect(&world, "hold hold=H2 1 A@L", "ok: hold");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    expect(&world, "hold hold=H2 1 B@L", "invalid limit_reached");
    /* What a claim has already needs no room. */
    expect(&world, "hold hold=H2 2 A@L", "ok: hold");
    expect(&world, "commit hold=H2", "ok: commit");
    expect(&world, "extend hold=H1 expires=9", "ok: extend");
    expect(&world, "ship hold=H1 1 B@L", "ok: ship");
    expect(&world, "release hold=H2", "ok: release");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    /* The window makes room, at the time of the command. */
    expect(&world, "wait 604800", "ok: expire");
    expect(&world, "hold hold=H3 1 A@L", "invalid limit_reached");
    expect(&world, "wait 1", "ok:");
    expect(&world, "hold hold=H3 expires=0 1 A@L", "ok: hold");
    expect(&world, "hold hold=H4 1 A@L", "invalid limit_reached");
    expect(&world, "wait 604801", "ok:");
    /* H1 ended with its expiry and leaves with its two lines: three are free. */
    expect(&world, "hold hold=H4 1 A@L 1 B@L 1 A@M", "invalid limit_reached");
    expect(&world, "hold hold=H4 1 A@L 1 B@L", "ok: hold hold");
    world_deinit(&world);
}

/* A decision drops at most four claims past the window: no more than their lines are counted on. */
static void room_counts_on_what_leaves_in_time(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {6, 2, 2, 6, 6, 6, 8, 8, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "receive 9 A@L 9 B@L 9 C@L 9 D@L 9 E@L", "ok: receive receive receive receive receive");
    for (unsigned i = 0; i < 6; i++) {
        char prose[64];
        (void)sprintf(prose, "hold hold=H%u 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    expect(&world, "wait 900", "ok: expire expire expire expire expire expire");
    expect(&world, "wait 604801", "ok:");
    expect(&world, "hold hold=I 1 A@L 1 B@L 1 C@L 1 D@L 1 E@L", "invalid limit_reached");
    expect(&world, "hold hold=I 1 A@L 1 B@L 1 C@L 1 D@L", "ok: hold hold hold hold");
    expect(&world, "tick", "ok:");
    expect(&world, "hold hold=J 1 A@L 1 B@L", "ok: hold hold");
    world_deinit(&world);
}

/* Names of every length come and go for ever: the room for them is not used up. */
static void names_of_claims_reuse_their_room(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {2, 2, 2, 2, 3, 3, 8, 8, 1, 1, 1, 2048, 0, 0, 0};
    world_init(&world, &limits);
    expect(&world, "settings source=@ledger id= window=1 capacity=2048", "ok: config");
    expect(&world, "receive 10 A@L", "ok: receive");
    for (int length = 1; length <= 128; length++) {
        char prose[600];
        for (int i = 0; i < 3; i++) {
            (void)sprintf(prose, "hold hold=%c%0*d holder=%0*d channel=%0*d fact 1 A@L", 'a' + i, length - 1, 7, length, 7,
                          length, 7);
            if (length == 1)
                (void)sprintf(prose, "hold hold=%c holder=x channel=y fact 1 A@L", 'a' + i);
            expect(&world, prose, "ok: hold");
        }
        expect(&world, "wait 900", "ok: expire expire expire");
        expect(&world, "wait 2", "ok:");
    }
    world_deinit(&world);
}

/* A claim whose name is used again by another while the old entry still waits to be dropped. */
static void a_name_past_the_window_is_free_at_once(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive id= 50 A@L", "ok: receive");
    for (unsigned i = 0; i < 10; i++) {
        char prose[64];
        (void)sprintf(prose, "hold id= hold=H%u 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    for (unsigned i = 0; i < 10; i++) {
        char prose[64];
        (void)sprintf(prose, "release id= hold=H%u", (i * 3) % 10);
        expect(&world, prose, "ok: release");
    }
    assert_false(ledger_stale(world.ledger, world.now_us));
    expect(&world, "wait 604801", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us)); /* by its claims alone */
    expect(&world, "hold hold=H7 holder=ann 1 A@L", "ok: hold");
    expect(&world, "release hold=H1", "unknown_hold H1");
    assert_int_equal(ledger_counts(world.ledger).claims_live, 1);
    world_deinit(&world);
}

/* Ended claims leave the list from its middle when an expired one is had again. */
static void expired_claims_come_back_from_anywhere(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# first, last and between", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H1 expires=1 1 A@L", "ok: hold", NULL},
        {"hold hold=H2 expires=2 1 A@L", "ok: hold", NULL},
        {"hold hold=H3 expires=3 1 A@L", "ok: hold", NULL},
        {"wait 3", "ok: expire expire expire", NULL},
        {"commit hold=H2", "ok: commit", NULL},
        {"commit hold=H1", "ok: commit", NULL},
        {"commit hold=H3", "ok: commit", "A@L: sellable 10 committed 3 v10"},
        {"release hold=H2", "ok: release", NULL},
    };
    WORLD_PLAY(rows);
}

/* What an event says, field by field. */
static void events_carry_the_figures(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive 10 A@L", "ok: receive");
    expect(&world, "sale 12 A@L document=D", "ok: sale discrepancy(below_zero 2) oversold(2) out_of_stock");
    const struct decision *d = &world.decision;
    assert_true(text_equal(d->document, TEXT("D")));
    assert_true(d->first_seq == 3 && d->kind == KIND_SALE && !d->forced);
    const struct event *sale = &d->events[0];
    assert_true(sale->quantity == 12 && sale->delta.units[0] == -12 && sale->figures.units[0] == -2);
    assert_true(sale->account == ACCOUNT_CUSTOMER && sale->account_units == 12);
    assert_true(sale->version == 2 && sale->previous_seq == 2 && sale->seq == 3);
    const struct event *below = &d->events[1];
    assert_true(below->version == 3 && below->previous_seq == 3 && below->delta.units[0] == 0);
    assert_true(below->condition == CONDITION_SELLABLE && below->figures.units[0] == -2);
    assert_true(d->events[2].version == 4 && d->events[2].previous_seq == 4);
    expect(&world, "transfer fact to=M 1 A@L", "ok: transfer discrepancy(below_zero 3) oversold(3) transfer");
    assert_true(d->forced);
    assert_int_equal(d->events[0].other_location, ledger_number(world.ledger, NAME_LOCATION, TEXT("M")));
    assert_int_equal(d->events[3].other_location, ledger_number(world.ledger, NAME_LOCATION, TEXT("L")));
    expect(&world, "reclassify from=sellable to=damaged 1 A@M", "ok: reclassify out_of_stock");
    assert_true(d->events[0].condition == CONDITION_SELLABLE && d->events[0].to_condition == CONDITION_DAMAGED);
    expect(&world, "receive 1 A@L 1 damaged A@L 1 A@L", "ok: receive");
    assert_true(d->events[0].condition == CONDITION_NONE && d->events[0].quantity == 3);
    world_deinit(&world);
}

static void views_show_what_is_there(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive 10 A@L 3 B@L 2 A@M", "ok: receive receive receive");
    struct item_view item;
    assert_true(ledger_item(world.ledger, 0, &item));
    assert_false(item.declared);
    assert_false(ledger_item(world.ledger, 2, &item));
    assert_int_equal(ledger_cell_count(world.ledger), 3);
    uint32_t cell = ledger_cell_next(world.ledger, 0, NUMBER_NONE);
    assert_int_equal(cell, 2);
    cell = ledger_cell_next(world.ledger, 0, cell);
    assert_int_equal(cell, 0);
    assert_int_equal(ledger_cell_next(world.ledger, 0, cell), NUMBER_NONE);
    assert_true(ledger_next_due_us(world.ledger) == INT64_MAX);
    struct command nameless = {.id = TEXT_NONE};
    struct command *ahead[] = {&nameless};
    ledger_prepare(world.ledger, ahead, 1);
    struct ledger_counts counts = ledger_counts(world.ledger);
    assert_int_equal(counts.items, 2);
    assert_int_equal(counts.locations, 2);
    assert_int_equal(counts.sources, 2);
    assert_int_equal(counts.cells, 3);
    assert_int_equal(counts.ids, 1);
    world_deinit(&world);
    assert_string_equal(code_name(CODE_hold_ended), "hold_ended");
    assert_int_equal(code_http(CODE_hold_ended), 409);
    assert_int_equal(code_http(CODE_limit_reached), 503);
    assert_string_equal(code_meaning(CODE_unknown_hold), "no such hold");
    assert_string_equal(event_name(EVENT_CONFIG), "config");
}

/* The claims at all places, by name, for lists; "-" where there is none. */
static const char *claims_by_place(const struct world *world)
{
    static char names[256];
    size_t n = 0;
    for (uint32_t i = 0; i < ledger_claim_places(world->ledger); i++) {
        struct claim_view view;
        bool there = ledger_claim_at(world->ledger, i, &view);
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%.*s", i == 0 ? "" : " ",
                              there ? (int)view.hold.length : 1, there ? view.hold.bytes : "-");
        struct claim_view same;
        assert_true(!there || (ledger_claim(world->ledger, view.hold, &same) && same.claim == view.claim));
    }
    return names;
}

/* A claim keeps its place until it is forgotten; past the window it is not shown, dropped or not. */
static void places_of_claims_hold(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect(&world, "receive id= 50 A@L", "ok: receive");
    assert_int_equal(ledger_claim_places(world.ledger), 0);
    for (unsigned i = 0; i < 7; i++) {
        char prose[64];
        (void)sprintf(prose, "hold id= hold=H%u expires=0 1 A@L", i);
        expect(&world, prose, "ok: hold");
    }
    for (unsigned i = 0; i < 6; i++) {
        char prose[64];
        (void)sprintf(prose, "release id= hold=H%u", (i * 5) % 6);
        expect(&world, prose, "ok: release");
    }
    assert_string_equal(claims_by_place(&world), "H0 H1 H2 H3 H4 H5 H6"); /* ended, and kept */
    expect(&world, "wait 604801", "ok:");
    expect(&world, "receive 1 A@L", "ok: receive");
    assert_string_equal(claims_by_place(&world), "- - - - - - H6"); /* all at once, though only four were dropped */
    assert_int_equal(ledger_counts(world.ledger).claims_kept, 2);
    expect(&world, "hold hold=H1 expires=0 1 A@L", "ok: hold");
    expect(&world, "hold hold=K expires=0 1 A@L", "ok: hold");
    const char *places = claims_by_place(&world);
    assert_non_null(strstr(places, " H6")); /* where it was */
    assert_int_equal(strlen(places), strlen("- - - - - H1 K") + 1);
    assert_int_equal(ledger_claim_places(world.ledger), 7);
    assert_int_equal(ledger_name_count(world.ledger, NAME_ITEM), 1);
    assert_int_equal(ledger_source_seq(world.ledger, 0), 0);
    expect(&world, "receive seq=9 1 A@L", "ok: receive");
    uint64_t highest = 0;
    for (uint32_t i = 0; i < ledger_name_count(world.ledger, NAME_SOURCE); i++)
        highest = ledger_source_seq(world.ledger, i) > highest ? ledger_source_seq(world.ledger, i) : highest;
    assert_int_equal(highest, 9);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_are_declared),
        cmocka_unit_test(figures_stay_in_range),
        cmocka_unit_test(settings_are_bounded),
        cmocka_unit_test(full_tables_refuse_what_needs_room),
        cmocka_unit_test(room_counts_on_what_leaves_in_time),
        cmocka_unit_test(names_of_claims_reuse_their_room),
        cmocka_unit_test(a_name_past_the_window_is_free_at_once),
        cmocka_unit_test(expired_claims_come_back_from_anywhere),
        cmocka_unit_test(events_carry_the_figures),
        cmocka_unit_test(views_show_what_is_there),
        cmocka_unit_test(places_of_claims_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
