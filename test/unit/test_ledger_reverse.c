/*
 * Goal: what moved goods is reversed at its original time, once; counts that came after it are corrected; what has no
 * goods, or cannot be taken back soundly, is not (API.md section 3: reverse).
 * Method: tables in near-prose, see ledger_world.h.
 */
#include "ledger_world.h"

static void goods(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# keyed twice, taken back once, with the account", NULL, NULL},
        {"receive 10 A@L id=r", "ok: receive", "$A: supplier -10"},
        {"wait 60", "ok:", NULL},
        {"sale 4 A@L id=s1", "ok: sale", NULL},
        {"sale 4 A@L id=s2", "ok: sale", "$A: supplier -10 customer 8"},
        {"wait 60", "ok:", NULL},
        {"reverse of=s2", "ok: reverse", "A@L: sellable 6 v4; $A: supplier -10 customer 4; past A@L -60: sellable 6"},
        {"reverse of=s2", "already_reversed s2", "A@L: sellable 6 v4"},
        {"reverse of=s2 of_source=pos-2", "unknown_command s2", NULL},
        {"reverse of=s3", "unknown_command s3", NULL},
        {"reverse dry of=r", "dry ok: reverse discrepancy(below_zero 4) oversold(4) out_of_stock", "A@L: sellable 6 v4"},
        {"reverse of=r", "ok: reverse discrepancy(below_zero 4) oversold(4) out_of_stock",
         "A@L: sellable -4 v8; $A: customer 4; past A@L -60: sellable -4; past A@L -61:"},
        {"sale 4 A@L id=s2", "duplicate of 4", NULL},

        {"# as it is named: fields, and conditions on the one cell", NULL, NULL},
        {"receive 10 A@L 5 B@L id=r", "ok: receive receive", NULL},
        {"receive 10 A@L id=q", "ok: receive", NULL},
        {"reverse", "invalid missing_field of", NULL},
        {"reverse of=q of_source=", "invalid missing_field of", NULL},
        {"reverse of=q occurred=0", "invalid bad_value occurred_at", NULL},
        {"reverse of=r IF:version=1", "invalid bad_value if", NULL},
        {"reverse of=q IF:version=1", "precondition_failed", NULL},
        {"reverse of=q IF:version=2", "ok: reverse", "A@L: sellable 10 v3"},
        {"reverse of=r", "ok: reverse out_of_stock reverse out_of_stock", "A@L: v5; B@L: v3"},

        {"# of each kind", NULL, NULL},
        {"receive 10 A@L 2 damaged A@L 10 B@L id=r", "ok: receive receive", NULL},
        {"return 3 damaged A@L id=a", "ok: return", NULL},
        {"adjust -2 A@L 1 B@L 2 damaged B@L -2 C@L id=b", "ok: adjust adjust adjust discrepancy(below_zero 2) oversold(2)", "$A: supplier -12 customer -3 loss 2"},
        {"adjust 1 A@L -1 damaged A@L id=c", "ok: adjust", "A@L: sellable 9 damaged 4 v4"},
        {"reclassify 3 A@L from=sellable to=damaged id=d", "ok: reclassify", "A@L: sellable 6 damaged 7 v5"},
        {"transfer 4 A@L 1 damaged A@L 1 A@N to=M id=e", "ok: transfer transfer discrepancy(below_zero 1) oversold(1) transfer", NULL},
        {"ship fact 2 A@M id=f", "ok: ship", "A@L: sellable 2 damaged 6 v6; A@M: sellable 3 damaged 1 v2; A@N: sellable -1 v3"},
        {"reverse of=f", "ok: reverse", "A@M: sellable 5 damaged 1 v3"},
        {"reverse of=e", "ok: reverse reverse reverse out_of_stock", NULL},
        {"reverse of=d", "ok: reverse", NULL},
        {"reverse of=c", "ok: reverse", NULL},
        {"reverse of=b", "ok: reverse reverse reverse", "$A: supplier -12 customer -3; $B: supplier -10; $C:"},
        {"reverse of=a", "ok: reverse", "$A: supplier -12"},
        {"reverse of=r", "ok: reverse out_of_stock reverse out_of_stock", "A@L: v13; A@M: v5; $A:; $B:"},

        {"# claims, quotas and what is expected stay as they are", NULL, NULL},
        {"expect expectation=P direction=in due=+60 10 A@L", "ok: expect", NULL},
        {"receive expectation=P 10 A@L id=r", "ok: receive back_in_stock", NULL},
        {"hold hold=H 4 A@L id=h", "ok: hold", NULL},
        {"ship hold=H id=s", "ok: ship", "A@L: sellable 6 v5"},
        {"reverse of=s", "ok: reverse", "A@L: sellable 10 v6; H: consumed of pos-1, A@L granted 4 consumed 4"},
        {"reverse of=r", "ok: reverse out_of_stock", "A@L: v8; expectation P: closed in"},
        {"reverse of=h", "not_reversible h", NULL},
    };
    WORLD_PLAY(rows);
}

static void what_is_not_reversed(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# nothing moved, it was refused, is a reversal, or under way", NULL, NULL},
        {"receive 10 A@L id=r", "ok: receive", NULL},
        {"item item=B scale=0 id=c", "ok: config", NULL},
        {"reverse of=c", "not_reversible c", NULL},
        {"ship 20 A@L id=x", "insufficient_stock, A@L asked 20 free 10", NULL},
        {"reverse of=x", "not_reversible x", NULL},
        {"transfer_out transfer=T to=M 2 A@L id=o", "ok: transfer_out transfer_out", NULL},
        {"reverse of=o", "not_reversible o", NULL},
        {"transfer_in transfer=T 1 A@M id=i", "ok: transfer_in back_in_stock", NULL},
        {"reverse of=i", "not_reversible i", NULL},
        {"transfer_loss transfer=T id=l", "ok: transfer_loss", NULL},
        {"reverse of=l", "not_reversible l", NULL},
        {"reverse of=r id=v", "ok: reverse discrepancy(below_zero 2) oversold(2) out_of_stock", NULL},
        {"reverse of=v", "not_reversible v", NULL},

        {"# what a snapshot booked", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"snapshot 7 A@L seen=2 id=p", "ok: snapshot(7 not 10)", "A@L: sellable 7 v2"},
        {"reverse of=p", "not_reversible p", NULL},

        {"# what would leave the range", NULL, NULL},
        {"receive 9007199254740991 A@L", "ok: receive", NULL},
        {"sale 5 A@L id=s", "ok: sale", NULL},
        {"return 5 A@L", "ok: return", NULL},
        {"reverse of=s", "invalid out_of_range quantity", "A@L: sellable 9007199254740991 v3"},

        {"# what is gone", NULL, NULL},
        {"receive 1 A@L id=r", "ok: receive", NULL},
        {"sale 1 A@L id=s", "ok: sale out_of_stock", NULL},
        {"delete_item item=A", "ok: config", NULL},
        {"reverse of=s", "unknown_item A", NULL},
        {"receive 1 B@M id=q", "ok: receive", NULL},
        {"sale 1 B@M", "ok: sale out_of_stock", NULL},
        {"delete_location location=M", "ok: config", NULL},
        {"reverse of=q", "unknown_location M", NULL},

        {"# as long as its id is known", NULL, NULL},
        {"receive 5 A@L id=r", "ok: receive", NULL},
        {"wait 604800", "ok:", NULL},
        {"reverse dry of=r", "dry ok: reverse out_of_stock", NULL},
        {"wait 1", "ok:", NULL},
        {"reverse of=r", "unknown_command r", "A@L: sellable 5 v1"},

        {"# what was held is reversed by the id of its verdict", NULL, NULL},
        {"wait 700000", "ok:", NULL},
        {"receive 5 A@L occurred=-604801 id=r", "ok: review(2 too_late)", NULL},
        {"resolve review=2 accept id=v", "ok: resolve(2 too_late) receive", "past A@L -604801: sellable 5"},
        {"reverse of=r", "not_reversible r", NULL},
        {"reverse of=v", "ok: reverse out_of_stock", "A@L: v3; past A@L -604801:; past A@L 0:"},
    };
    WORLD_PLAY(rows);
}

static void counts(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# what was counted after it stays, and the count is corrected", NULL, NULL},
        {"receive 10 A@L id=r", "ok: receive", NULL},
        {"wait 60", "ok:", NULL},
        {"count 7 A@L occurred=0", "ok: count(-3)", NULL},
        {"wait 60", "ok:", NULL},
        {"sale 4 A@L id=s", "ok: sale", "A@L: sellable 3 v3"},
        {"wait 60", "ok:", NULL},
        {"reverse of=r", "ok: reverse correction(0) correction(7)",
         "A@L: sellable 3 v6; $A: customer 4 found -7; past A@L -121:; past A@L -120: sellable 7"},
        {"reverse of=s", "ok: reverse", "A@L: sellable 7 v7; $A: found -7"},

        {"# and once more by the reversal of what came late", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"wait 60", "ok:", NULL},
        {"count 7 A@L occurred=0", "ok: count(-3)", NULL},
        {"wait 60", "ok:", NULL},
        {"sale 2 A@L occurred=-60 id=s", "ok: sale correction(-1)", "A@L: sellable 7 v4"},
        {"reverse of=s", "ok: reverse correction(-3)", "A@L: sellable 7 v6; $A: supplier -10 loss 3"},

        {"# in one moment: a count that had it in its books, not the one before it", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"count 8 A@L occurred=0", "ok: count(-2)", NULL},
        {"sale 3 A@L id=s", "ok: sale", "A@L: sellable 5 v3"},
        {"reverse dry of=s", "dry ok: reverse", NULL},
        {"count 4 A@L occurred=0", "ok: count(-1)", NULL},
        {"reverse dry of=s", "dry ok: reverse correction(-4)", NULL},
        {"wait 1", "ok:", NULL},
        {"reverse of=s", "ok: reverse correction(-4)", "A@L: sellable 4 v6; $A: supplier -10 loss 6"},

        {"# a count, with the variance it has now; later ones are corrected, and it no more", NULL, NULL},
        {"receive 10 A@L 10 damaged A@L", "ok: receive", NULL},
        {"wait 60", "ok:", NULL},
        {"count 7 A@L 10 damaged A@L occurred=0 id=c", "ok: count(-3) count(0)", NULL},
        {"wait 60", "ok:", NULL},
        {"sale 1 A@L occurred=-100", "ok: sale correction(-2)", "A@L: sellable 7 damaged 10 v5"},
        {"reverse dry of=c", "dry ok: reverse(0) reverse(0)", NULL},
        {"count 8 A@L occurred=-30 id=d", "ok: count(1)", "A@L: sellable 8 damaged 10 v6; $A: supplier -20 customer 1 loss 2 found -1"},
        {"reverse of=c", "ok: reverse(0) correction(0) correction(-1) reverse(0)",
         "A@L: sellable 8 damaged 10 v10; $A: supplier -20 customer 1 loss 1; past A@L -31: sellable 9 damaged 10"},
        {"sale 2 A@L occurred=-90", "ok: sale correction(0) correction(1)", "A@L: sellable 8 damaged 10 v13"},
        {"reverse of=d", "ok: reverse(0)", "A@L: sellable 7 damaged 10 v14; $A: supplier -20 customer 3"},
        {"sale 1 A@L occurred=-90", "ok: sale", "A@L: sellable 6 damaged 10 v15"},
        {"reverse of=c", "already_reversed c", NULL},

        {"# the first, the last and one between of those of a cell", NULL, NULL},
        {"count 1 A@L occurred=0 id=a", "ok: count(1)", NULL},
        {"wait 1", "ok:", NULL},
        {"count 2 A@L occurred=0 id=b", "ok: count(1)", NULL},
        {"wait 1", "ok:", NULL},
        {"count 3 A@L occurred=0 id=c", "ok: count(1)", NULL},
        {"reverse of=b", "ok: reverse(0) correction(2)", "A@L: sellable 3 v5"},
        {"reverse of=a", "ok: reverse(0) correction(3)", "A@L: sellable 3 v7"},
        {"reverse of=c", "ok: reverse(0) out_of_stock", "A@L: v9; $A:"},

        {"# one that is kept because it is the newest; one that was forgotten", NULL, NULL},
        {"settings source=@ledger id= window=4 capacity=4096", "ok: config", NULL},
        {"count 1 A@L occurred=0 id=a", "ok: count(1)", NULL},
        {"wait 3", "ok:", NULL},
        {"receive 1 B@L", "ok: receive", NULL},
        {"wait 2", "ok:", NULL},
        {"receive 1 B@L", "ok: receive", NULL},
        {"reverse of=a", "ok: reverse(0) out_of_stock", "A@L: v3"},
        {"count 1 A@L occurred=0 id=b", "ok: count(1) back_in_stock", NULL},
        {"wait 3", "ok:", NULL},
        {"count 2 A@L occurred=0", "ok: count(1)", NULL},
        {"wait 2", "ok:", NULL},
        {"receive 1 B@L", "ok: receive", NULL},
        {"reverse of=b", "not_reversible b", NULL},
    };
    WORLD_PLAY(rows);
}

static void bins(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# goods of bins: their node follows, as the tree is now", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"location location=B parent=DC no_promise", "ok: config", NULL},
        {"location location=C parent=DC no_promise", "ok: config", NULL},
        {"receive 5 A@B id=r", "ok: receive bins", "A@DC: in_bins 5 v1"},
        {"transfer 2 A@B to=C id=t", "ok: transfer transfer", "A@B: sellable 3 v2; A@C: sellable 2 v1"},
        {"reverse of=t", "ok: reverse reverse", "A@B: sellable 5 v3; A@C: v2; A@DC: in_bins 5 v1"},
        {"transfer 2 A@B to=DC id=u", "ok: transfer transfer", "A@DC: sellable 2 in_bins 3 v2"},
        {"reverse of=u", "ok: reverse reverse", "A@B: sellable 5 v5; A@DC: in_bins 5 v3"},
        {"location location=B no_promise", "ok: config bins out_of_stock", NULL},
        {"reverse of=r", "ok: reverse", "A@B: v6; A@DC: v5"},
        {"# more than their node can say", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"location location=B no_promise", "ok: config", NULL},
        {"location location=C no_promise", "ok: config", NULL},
        {"receive 9007199254740991 A@B", "ok: receive", NULL},
        {"adjust 9007199254740991 A@C", "ok: adjust", NULL},
        {"reclassify 9007199254740991 A@B 9007199254740991 A@C from=sellable to=damaged id=d", "ok: reclassify reclassify", NULL},
        {"location location=B parent=DC no_promise", "ok: config", NULL},
        {"location location=C parent=DC no_promise", "ok: config", NULL},
        {"reverse of=d", "invalid out_of_range quantity", NULL},
        {"# counted since: nothing changes in its bins", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"location location=B parent=DC no_promise", "ok: config", NULL},
        {"receive 5 A@B id=r", "ok: receive bins", NULL},
        {"wait 1", "ok:", NULL},
        {"count 5 A@B occurred=0 id=c", "ok: count(0)", NULL},
        {"reverse of=r", "ok: reverse correction(5)", "A@B: sellable 5 v4; A@DC: in_bins 5 v1"},
        {"reverse of=c", "ok: reverse(0) bins out_of_stock", "A@B: v5; A@DC: v3"},
    };
    WORLD_PLAY(rows);
}

/* What was read of another decision is not what is asked: it is named again. */
static void only_what_it_names_is_reversed(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 1 A@L id=a");
    world_step(&world, "receive 2 A@L id=b");
    struct reading reading = {.complete = true, .decision = &world.done->decision};
    world_parse(&world, "reverse of=a");
    world.command.reading = &reading;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.outcome, OUTCOME_UNREAD);
    assert_int_equal(ledger_unread(world.ledger)->question.decision_seq, 2);
    world.command.id = TEXT("c");
    world_decide(&world);
    assert_string_equal(world.answer, "ok: reverse");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goods),
        cmocka_unit_test(what_is_not_reversed),
        cmocka_unit_test(counts),
        cmocka_unit_test(bins),
        cmocka_unit_test(only_what_it_names_is_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
