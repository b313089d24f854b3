/*
 * Goal: every rule and every refusal of transfer_out, transfer_in and transfer_loss holds (API.md section 3, story S5,
 * DESIGN invariants I1 and I5): goods under way are nobody's until they arrive, a transfer closes to exactly nothing.
 * Method: tables in near-prose, see ledger_world.h. Each step is also replayed into a second ledger, and ledger_check
 * compares in_transit and incoming of every cell with the open transfers.
 */
#include "ledger_world.h"

static void story_s5(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S5: DC 200, S1 2, the 29th of November", NULL, NULL},
        {"until 2023-11-29", "ok:", NULL},
        {"receive 200 A@DC 2 A@S1", "ok: receive receive", NULL},
        {"transfer_out transfer=T1 to=S1 eta=2023-12-01 20 A@DC", "ok: transfer_out transfer_out",
         "A@DC: sellable 180 v2; A@S1: sellable 2 in_transit 20 incoming 20 v2; $A: supplier -202;"
         "transfer T1: open from DC to S1, A@S1 20 2023-12-01"},
        {"expect expectation=E1 direction=out due=2023-12-03 5 A@S1", "ok: expect",
         "atp A@S1 2023-11-30: 2; atp A@S1 2023-12-01: 17; A@S1: sellable 2 in_transit 20 incoming 20 outgoing 5 v3"},
        {"transfer_in transfer=T1 15 A@S1", "ok: transfer_in",
         "A@S1: sellable 17 in_transit 5 incoming 5 outgoing 5 v4; transfer T1: open from DC to S1, A@S1 5 2023-12-01"},
        {"transfer_loss transfer=T1 3 A@S1", "ok: transfer_loss",
         "A@S1: sellable 17 in_transit 2 incoming 2 outgoing 5 v5; $A: supplier -202 loss 3"},
        {"transfer_in transfer=T1 4 A@S1", "ok: transfer_in discrepancy(exceeds_transfer 2)",
         "A@S1: sellable 21 outgoing 5 v7; A@DC: sellable 180 v2; transfer T1: closed from DC to S1;"
         "$A: supplier -202 loss 3 found -2"}, /* 180 + 21 + 3 - 2 - 202 = 0 */
    };
    WORLD_PLAY(rows);
}

static void goods_go_under_way(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# without an eta they are in transit, and nobody counts on them", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M 4 A@L", "ok: transfer_out transfer_out",
         "A@L: sellable 6 v2; A@M: in_transit 4 v1; transfer T: open from L to M, A@M 4; atp A@M 2099-01-01: 0"},
        {"transfer_in transfer=T 4 A@M", "ok: transfer_in back_in_stock",
         "A@M: sellable 4 v3; transfer T: closed from L to M"},

        {"# a fact makes its places and its item", NULL, NULL},
        {"transfer_out transfer=T to=M 4 A@L", "ok: transfer_out discrepancy(below_zero 4) oversold(4) transfer_out",
         "A@L: sellable -4 v3; A@M: in_transit 4 v1"},

        {"# lines of one item from several places are under way together; a line per item", NULL, NULL},
        {"receive 5 A@L 5 A@M 5 B@M", "ok: receive receive receive", NULL},
        {"transfer_out transfer=T to=N eta=+60 1 A@L 2 B@M 3 A@M 1 A@L",
         "ok: transfer_out transfer_out transfer_out transfer_out transfer_out",
         "A@L: sellable 3 v2; A@M: sellable 2 v2; B@M: sellable 3 v2; A@N: in_transit 5 incoming 5 v1;"
         "transfer T: open to N, A@N 5 +60, B@N 2 +60"},
        {"transfer_in transfer=T 5 A@N", "ok: transfer_in back_in_stock", "transfer T: open to N, B@N 2 +60"},
        {"transfer_in transfer=T 2 B@N", "ok: transfer_in back_in_stock", "transfer T: closed to N"},

        {"# two transfers to one cell are told apart", NULL, NULL},
        {"receive 9 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T1 to=M 4 A@L", "ok: transfer_out transfer_out", NULL},
        {"transfer_out transfer=T2 to=M eta=+60 3 A@L", "ok: transfer_out transfer_out",
         "A@M: in_transit 7 incoming 3 v2; transfer T1: open from L to M, A@M 4"},
        {"transfer_in transfer=T2 3 A@M", "ok: transfer_in back_in_stock", "A@M: sellable 3 in_transit 4 v4"},
        {"transfer_loss transfer=T1", "ok: transfer_loss", "A@M: sellable 3 v5; $A: supplier -9 loss 4"},

        {"# a second transfer_out of the same name is no addition, open or closed", NULL, NULL},
        {"receive 9 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M 4 A@L", "ok: transfer_out transfer_out", NULL},
        {"transfer_out transfer=T to=M 4 A@L", "transfer_exists T", "A@M: in_transit 4 v1"},
        {"transfer_in transfer=T 4 A@M", "ok: transfer_in back_in_stock", NULL},
        {"transfer_out transfer=T to=M 4 A@L", "transfer_exists T", NULL},
        {"wait 604801", "ok:", NULL},
        {"tick", "ok:", "transfer T: none"},
        {"transfer_out transfer=T to=N 4 A@L", "ok: transfer_out transfer_out", "transfer T: open from L to N, A@N 4"},

        {"# nothing goes where it is", NULL, NULL},
        {"receive 9 A@L 9 A@M", "ok: receive receive", NULL},
        {"transfer_out transfer=T to=L 4 A@L", "same_location L", NULL},
        {"transfer_out transfer=T to=L 4 A@M 1 A@L", "same_location L", "A@M: sellable 9 v1; transfer T: none"},

        {"# guarded, it takes what is free and knows its names", NULL, NULL},
        {"receive 5 A@L 1 A@M", "ok: receive receive", NULL},
        {"hold hold=H 3 A@L", "ok: hold", NULL},
        {"transfer_out guard transfer=T to=N 1 A@L", "unknown_location N", NULL},
        {"transfer_out guard transfer=T to=M 1 B@L", "unknown_item B", NULL},
        {"transfer_out guard transfer=T to=M 3 A@L", "insufficient_stock, A@L asked 3 free 2", "transfer T: none"},
        {"transfer_out guard transfer=T to=M 2 A@L", "ok: transfer_out out_of_stock transfer_out",
         "A@L: sellable 3 held 3 v4"},
        {"transfer_out transfer=U to=M 1 A@L", "ok: transfer_out oversold(1) transfer_out", NULL},

        {"# a strict ledger makes no names for it", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"settings source=@ledger strict window=604800 capacity=4096", "ok: config", NULL},
        {"transfer_out transfer=T to=M 1 A@L", "unknown_location M", "transfer T: none"},
    };
    WORLD_PLAY(rows);
}

static void a_hold_can_go_along(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# units of the hold go first: picked, committed, then held", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 5 A@L", "ok: hold", NULL},
        {"commit hold=H 2 A@L", "ok: commit", NULL},
        {"transfer_out transfer=T to=M hold=H 3 A@L", "ok: transfer_out transfer_out",
         "A@L: sellable 7 held 2 v4; H: held of pos-1, A@L granted 5 held 2 consumed 3, ends +900"},
        {"transfer_out transfer=U to=M hold=H", "ok: transfer_out transfer_out",
         "A@L: sellable 5 v5; H: consumed of pos-1, A@L granted 5 consumed 5; A@M: in_transit 5 v2"},

        {"# it happened, whatever became of the hold: what the hold does not cover is flagged", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 2 A@L", "ok: hold", NULL},
        {"transfer_out transfer=T to=M hold=H 3 A@L", "ok: transfer_out discrepancy(exceeds_claim 1) transfer_out",
         "A@L: sellable 7 v4; A@M: in_transit 3 v1"},
        {"transfer_out transfer=U to=M hold=H 1 A@L", "ok: transfer_out discrepancy(no_claim 1) transfer_out", NULL},
        {"transfer_out transfer=V to=M hold=none 1 A@L", "ok: transfer_out discrepancy(no_claim 1) transfer_out", NULL},
        {"transfer_out transfer=W to=M hold=none", "invalid missing_field lines", "transfer W: none"},

        {"# a hold that waits has nothing yet", NULL, NULL},
        {"receive 1 A@L", "ok: receive", NULL},
        {"hold hold=H wait 5 A@L", "ok: hold, A@L asked 5 free 1", NULL},
        {"transfer_out transfer=T to=M hold=H", "exceeds_claim H", "transfer T: none"},
        {"ship hold=H", "exceeds_claim H", NULL},
        {"sale hold=H", "exceeds_claim H", "A@L: sellable 1 v2"},

        {"# what goes to another place is not sold: it uses no quota", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=L units=4", "ok: allocate", "web/A@L: free 10 quota 4"},
        {"transfer_out guard channel=web transfer=T to=M 8 A@L", "unknown_location M", NULL},
        {"receive 1 A@M", "ok: receive", NULL},
        {"transfer_out guard transfer=T to=M 8 A@L", "insufficient_stock, A@L asked 8 free 6", NULL},
        {"transfer_out guard channel=none transfer=T to=M 7 A@L", "insufficient_stock, A@L asked 7 free 6", NULL},
        {"transfer_out guard channel=web transfer=T to=M 8 A@L", "ok: transfer_out transfer_out",
         "web/A@L: free 2 quota 4; A@L: sellable 2 v3"},

        {"# guarded, what exceeds the hold must be free", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"receive 1 A@M", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"hold hold=I 4 A@L", "ok: hold", NULL},
        {"transfer_out guard transfer=T to=M hold=H 7 A@L", "insufficient_stock, A@L asked 7 free 6", NULL},
        {"transfer_out guard transfer=T to=M hold=H 6 A@L", "ok: transfer_out out_of_stock transfer_out",
         "A@L: sellable 4 held 4 v5"},
        {"transfer_out guard transfer=U to=M 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},

        {"# what a hold is expected to take stays expected: goods that go to another place are not sold", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 4 A@L", "ok: hold", NULL},
        {"expect expectation=H direction=out due=+60 4 A@L", "ok: expect", NULL},
        {"transfer_out transfer=T to=M hold=H", "ok: transfer_out transfer_out", "A@L: sellable 6 outgoing 4 v4"},
    };
    WORLD_PLAY(rows);
}

static void goods_arrive(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# partly, in whatever condition, until nothing is under way", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M eta=2023-12-01 10 A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_in transfer=T 3 A@M 2 damaged A@M", "ok: transfer_in back_in_stock",
         "A@M: sellable 3 damaged 2 in_transit 5 incoming 5 v3; transfer T: open from L to M, A@M 5 2023-12-01"},
        {"transfer_in transfer=T 5 A@M", "ok: transfer_in",
         "A@M: sellable 8 damaged 2 v4; $A: supplier -10; transfer T: closed from L to M"},

        {"# more than is under way was found, and is flagged", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M 10 A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_in transfer=T 12 A@M", "ok: transfer_in discrepancy(exceeds_transfer 2) back_in_stock",
         "A@M: sellable 12 v4; $A: supplier -10 found -2; transfer T: closed from L to M"},
        {"transfer_in transfer=T 1 A@M", "ok: transfer_in discrepancy(exceeds_transfer 1)",
         "A@M: sellable 13 v6; $A: supplier -10 found -3; transfer T: closed from L to M"},

        {"# an item that was never sent is too much as a whole, and may be new", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M 10 A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_in transfer=T 1 B@M", "ok: transfer_in discrepancy(exceeds_transfer 1)",
         "B@M: sellable 1 v2; $B: found -1; transfer T: open from L to M, A@M 10"},
        {"receive 1 C@L", "ok: receive", NULL},
        {"transfer_in transfer=T 1 C@M 4 A@M",
         "ok: transfer_in discrepancy(exceeds_transfer 1) transfer_in back_in_stock", NULL},

        {"# goods that arrive elsewhere come off what the destination waits for", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_out transfer=T to=M eta=+60 10 A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_in transfer=T 4 A@N", "ok: transfer_in transfer_in",
         "A@N: sellable 4 v1; A@M: in_transit 6 incoming 6 v2; transfer T: open from L to M, A@M 6 +60"},
        {"transfer_in transfer=T 1 A@N 2 A@O", "ok: transfer_in transfer_in transfer_in",
         "A@N: sellable 5 v2; A@O: sellable 2 v1; A@M: in_transit 3 incoming 3 v3"},
        {"transfer_in transfer=T 1 A@N 4 A@M",
         "ok: transfer_in transfer_in discrepancy(exceeds_transfer 2) back_in_stock",
         "A@N: sellable 6 v3; A@M: sellable 4 v6; $A: supplier -10 found -2; transfer T: closed from L to M"},
        {"transfer_in transfer=T 1 A@N", "ok: transfer_in discrepancy(exceeds_transfer 1)",
         "A@N: sellable 7 v5; A@M: sellable 4 v6; $A: supplier -10 found -3"},

        {"# back at its origin, and two items at once", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"transfer_out transfer=T to=M 4 A@L 2 B@L",
         "ok: transfer_out transfer_out transfer_out transfer_out", NULL},
        {"transfer_in transfer=T 4 A@L 2 B@L", "ok: transfer_in transfer_in transfer_in transfer_in",
         "A@L: sellable 10 v3; A@M: v2; B@M: v2; transfer T: closed from L to M"},

        {"# guarded, it knows its names; unknown transfers are refused either way", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"transfer_in transfer=T 1 A@M", "unknown_transfer T", NULL},
        {"transfer_out transfer=T to=M 4 A@L", "ok: transfer_out transfer_out", NULL},
        {"transfer_in guard transfer=T 1 A@N", "unknown_location N", NULL},
        {"transfer_in transfer=T", "invalid missing_field lines", NULL},
        {"transfer_in guard transfer=T 5 A@M", "ok: transfer_in discrepancy(exceeds_transfer 1) back_in_stock", NULL},
        {"wait 604801", "ok:", NULL},
        {"tick", "ok:", "transfer T: none"},
        {"transfer_in transfer=T 1 A@M", "unknown_transfer T", NULL},
    };
    WORLD_PLAY(rows);
}

static void goods_are_lost(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# some, then the rest", NULL, NULL},
        {"receive 10 A@L 10 B@L", "ok: receive receive", NULL},
        {"transfer_out transfer=T to=M eta=2023-12-01 6 A@L 4 B@L",
         "ok: transfer_out transfer_out transfer_out transfer_out", NULL},
        {"transfer_loss transfer=T 2 A@M", "ok: transfer_loss",
         "A@M: in_transit 4 incoming 4 v2; $A: supplier -10 loss 2"},
        {"transfer_loss transfer=T", "ok: transfer_loss transfer_loss",
         "A@M: v3; B@M: v2; $A: supplier -10 loss 6; $B: supplier -10 loss 4; transfer T: closed from L to M"},
        {"transfer_loss transfer=T", "unknown_transfer T", NULL},
        {"transfer_loss transfer=T 1 A@M", "unknown_transfer T", NULL},
        {"transfer_loss transfer=U", "unknown_transfer U", NULL},

        {"# never more than is under way, and only where it is under way to", NULL, NULL},
        {"receive 10 A@L 10 B@L 1 B@M", "ok: receive receive receive", NULL},
        {"transfer_out transfer=T to=M 6 A@L", "ok: transfer_out transfer_out", NULL},
        {"transfer_loss transfer=T 7 A@M 1 B@M", "exceeds_transit T, A@M asked 7 free 6, B@M asked 1 free 0", NULL},
        {"transfer_loss transfer=T 1 A@L", "exceeds_transit T, A@L asked 1 free 0", NULL},
        {"transfer_loss transfer=T 1 B@L", "exceeds_transit T, B@L asked 1 free 0", NULL},
        {"transfer_loss transfer=T 1 C@M", "unknown_item C", NULL},
        {"transfer_loss transfer=T 1 damaged A@M", "invalid bad_value line 0 condition", NULL},
        {"transfer_loss transfer=T 6 A@M IF:version=2", "precondition_failed", NULL},
        {"transfer_loss transfer=T IF:version=2", "precondition_failed", "A@M: in_transit 6 v1"},
        {"transfer_loss transfer=T IF:version=1", "ok: transfer_loss", "A@M: v2"},
    };
    WORLD_PLAY(rows);
}

#define MAX "9007199254740991"

static void what_is_malformed_or_too_much(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# fields that the kinds need", NULL, NULL},
        {"transfer_out to=M 1 A@L", "invalid missing_field transfer", NULL},
        {"transfer_out transfer=T 1 A@L", "invalid missing_field to", NULL},
        {"transfer_in 1 A@L", "invalid missing_field transfer", NULL},
        {"transfer_loss 1 A@L", "invalid missing_field transfer", NULL},
        {"transfer_out transfer=T to=M 1 damaged A@L", "invalid bad_value line 0 condition", NULL},
        {"transfer_out transfer=T to=M", "invalid missing_field lines", NULL},

        {"# figures and accounts stay in range", NULL, NULL},
        {"adjust " MAX " A@L reason=x", "ok: adjust", NULL},
        {"transfer_out transfer=T to=M " MAX " A@L", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_out transfer=U to=M 1 A@L", "invalid out_of_range line 0 quantity", "transfer U: none"},
        {"transfer_out transfer=U to=N " MAX " A@L 1 A@P", "invalid out_of_range line 1 quantity", NULL},
        {"transfer_in transfer=T 1 A@M " MAX " A@N", "invalid out_of_range line 1 quantity", NULL},
        {"receive 1 B@L", "ok: receive", NULL},
        {"adjust -" MAX " B@L reason=x",
         "ok: adjust discrepancy(below_zero 9007199254740990) oversold(9007199254740990) out_of_stock",
         NULL},
        {"transfer_out transfer=U to=N 1 B@L", "ok: transfer_out discrepancy(below_zero " MAX ") oversold(" MAX ")"
         " transfer_out", NULL},
        {"transfer_out transfer=V to=N 1 B@L", "invalid out_of_range line 0 quantity", NULL},
        {"transfer_loss transfer=U", "invalid out_of_range quantity", NULL},
    };
    WORLD_PLAY(rows);
    static struct world world;
    world_init(&world, &world_limits);
    world_parse(&world, "transfer_out transfer=T to=M 1 A@L");
    world.lines[0].location = TEXT_NONE; /* sourcing finds none for goods on the move */
    world_decide(&world);
    assert_string_equal(world.answer, "invalid missing_field line 0 location");
    world_deinit(&world);
}

static void expect_answer(struct world *world, const char *prose, const char *answer)
{
    world_step(world, prose);
    if (strcmp(world->answer, answer) != 0)
        fail_msg("%s\n  expected: %s\n  answered: %s", prose, answer, world->answer);
}

static void a_full_table_takes_no_transfer(void **state)
{
    (void)state;
    static struct world world;
    static const struct ledger_limits limits = {8, 4, 2, 16, 1, 1, 1, 1, 2, 1, 3, 1, 1, 1, 64, 0, 0, 0};
    world_init(&world, &limits);
    expect_answer(&world, "receive 10 A@L 10 B@L 10 C@L 10 D@L", "ok: receive receive receive receive");
    expect_answer(&world, "transfer_out transfer=T to=M 1 A@L 1 B@L 1 C@L 1 D@L", "invalid limit_reached");
    expect_answer(&world, "transfer_out transfer=T to=M 1 A@L 1 B@L",
     "ok: transfer_out transfer_out transfer_out transfer_out");
    expect_answer(&world, "transfer_out transfer=U to=M 1 A@L 1 B@L", "invalid limit_reached");
    expect_answer(&world, "transfer_out transfer=U to=M 1 A@L", "ok: transfer_out transfer_out");
    expect_answer(&world, "transfer_in transfer=U 1 A@M", "ok: transfer_in back_in_stock");
    expect_answer(&world, "transfer_out transfer=V to=M 1 A@L", "invalid limit_reached");
    /* What is there already needs no room. */
    expect_answer(&world, "transfer_in transfer=T 1 A@M", "ok: transfer_in");
    expect_answer(&world, "transfer_in transfer=U 1 A@M", "ok: transfer_in discrepancy(exceeds_transfer 1)");
    /* The window makes room, at the time of the command. */
    assert_false(ledger_stale(world.ledger, world.now_us));
    expect_answer(&world, "wait 604800", "ok:");
    expect_answer(&world, "transfer_out transfer=V to=M 1 A@L", "invalid limit_reached");
    expect_answer(&world, "wait 1", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us));
    expect_answer(&world, "transfer_out transfer=V to=M 1 A@L", "ok: transfer_out transfer_out");
    world_deinit(&world);
}

/* Closed ones are dropped a few at a time; a name past the window is free at once, wherever its entry stands. */
static void closed_ones_are_forgotten_in_steps(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect_answer(&world, "receive id= 50 A@L 1 A@M", "ok: receive receive");
    char prose[100];
    for (unsigned i = 0; i < 10; i++) {
        (void)sprintf(prose, "transfer_out id= transfer=T%u to=M 1 A@L", i);
        expect_answer(&world, prose, "ok: transfer_out transfer_out");
    }
    for (unsigned i = 0; i < 10; i++) {
        (void)sprintf(prose, "transfer_in id= transfer=T%u 1 A@M", (i * 3) % 10);
        expect_answer(&world, prose, "ok: transfer_in");
    }
    assert_int_equal(ledger_transfer_places(world.ledger), 10);
    struct transfer_view view;
    assert_true(ledger_transfer_at(world.ledger, 9, &view));
    assert_true(text_equal(view.name, TEXT("T9")));
    expect_answer(&world, "wait 604801", "ok:");
    assert_true(ledger_stale(world.ledger, world.now_us));
    /* Four leave before: T0 T3 T6 T9; T5 stands among those that are left. */
    expect_answer(&world, "transfer_out id= transfer=T5 to=N 1 A@L", "ok: transfer_out transfer_out");
    assert_int_equal(ledger_transfer_places(world.ledger), 10);
    unsigned kept = 0;
    for (uint32_t i = 0; i < 10; i++)
        kept += ledger_transfer_at(world.ledger, i, &view);
    assert_int_equal(kept, 1);
    expect_answer(&world, "transfer_in id= transfer=T1 1 A@M", "unknown_transfer T1");
    expect_answer(&world, "tick", "ok:");
    assert_false(ledger_stale(world.ledger, world.now_us));
    expect_answer(&world, "transfer_out id= transfer=T6 to=N 1 A@L", "ok: transfer_out transfer_out");
    assert_int_equal(ledger_transfer_places(world.ledger), 10); /* places are used again */
    world_deinit(&world);
}

/* What an event says, field by field. */
static void events_name_their_transfer(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    expect_answer(&world, "receive 10 A@L", "ok: receive");
    expect_answer(&world, "transfer_out transfer=T to=M eta=2023-12-01 4 A@L", "ok: transfer_out transfer_out");
    uint32_t l = ledger_number(world.ledger, NAME_LOCATION, TEXT("L"));
    uint32_t m = ledger_number(world.ledger, NAME_LOCATION, TEXT("M"));
    const struct event *events = world.decision.events;
    uint64_t number = events[0].seq;
    assert_true(events[0].location == l && events[0].other_location == m && events[0].transfer_number == number);
    assert_true(events[0].transit == 0 && events[0].transit_delta == 0 && events[0].account == ACCOUNT_NONE);
    assert_true(events[1].location == m && events[1].other_location == l && events[1].transfer_number == number);
    assert_true(events[1].transit == 4 && events[1].transit_delta == 4 && events[1].eta.form == MOMENT_DAY);
    assert_true(text_equal(events[0].transfer, TEXT("T")) && text_equal(events[1].transfer, TEXT("T")));
    expect_answer(&world, "transfer_in transfer=T 3 A@N", "ok: transfer_in transfer_in");
    assert_true(events[0].other_location == m && events[0].transit == 0 && events[0].quantity == 3);
    assert_true(events[1].location == m && events[1].transit == 1 && events[1].transit_delta == -3);
    assert_true(events[1].other_location == ledger_number(world.ledger, NAME_LOCATION, TEXT("N")));
    assert_true(events[1].transfer_number == number && events[1].eta.form == MOMENT_DAY);
    expect_answer(&world, "transfer_in transfer=T 1 A@N 1 A@O",
     "ok: transfer_in transfer_in discrepancy(exceeds_transfer 1)"
                          " transfer_in");
    assert_int_equal(events[3].other_location, NUMBER_NONE); /* from several places */
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story_s5),
        cmocka_unit_test(goods_go_under_way),
        cmocka_unit_test(a_hold_can_go_along),
        cmocka_unit_test(goods_arrive),
        cmocka_unit_test(goods_are_lost),
        cmocka_unit_test(what_is_malformed_or_too_much),
        cmocka_unit_test(a_full_table_takes_no_transfer),
        cmocka_unit_test(closed_ones_are_forgotten_in_steps),
        cmocka_unit_test(events_name_their_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
