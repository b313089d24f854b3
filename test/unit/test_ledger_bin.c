/*
 * Goal: bins, locations that take no promises, count for the location above them that does: what comes, goes and moves in
 * them is promised there, once, and each threshold is crossed once.
 * Method: tables in near-prose, a row per rule and per refusal; ledger_world.h checks the ledger after each step.
 */
#include "ledger/state.h" /* REPLACED_MAX */
#include "ledger_world.h"

/* DC with the bins B and C, S with none. */
#define TREE                                                                                                           \
    {"location location=DC", "ok: config", NULL}, {"location location=B parent=DC no_promise", "ok: config", NULL},      \
        {"location location=C parent=B no_promise", "ok: config", NULL}, {"location location=S", "ok: config", NULL}

static void goods_of_bins_are_promised_at_their_node(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# received in a bin, held at its node", NULL, NULL},
        TREE,
        {"receive 5 A@B 4 A@C", "ok: receive receive bins", "A@B: sellable 5 v1; A@C: sellable 4 v1; A@DC: in_bins 9 v1"},
        {"hold hold=H 10 A@DC", "insufficient_stock, A@DC asked 10 free 9", NULL},
        {"hold hold=H 9 A@DC", "ok: hold out_of_stock", "A@DC: held 9 in_bins 9 v3"},
        {"hold hold=I 1 A@B", "no_promise B", NULL},
        {"hold fact hold=I 1 A@B", "no_promise B", NULL},
        {"# what comes is told once, of the goods and of the node each", NULL, NULL},
        TREE,
        {"receive 2 A@B", "ok: receive bins", NULL},
        {"sale 2 A@B", "ok: sale bins out_of_stock", "A@B: v2; A@DC: v3"},
        {"receive 1 A@NEW", "ok: receive", NULL},
        {"return 1 A@B", "ok: return bins back_in_stock", "A@DC: in_bins 1 v5"},
        {"adjust -1 A@B", "ok: adjust bins out_of_stock", NULL},
        {"# what is not sellable is not promised", NULL, NULL},
        TREE,
        {"receive 3 damaged A@B", "ok: receive", "A@B: damaged 3 v1"},
        {"reclassify from=damaged to=sellable 2 A@B", "ok: reclassify bins", "A@B: sellable 2 damaged 1 v2; A@DC: in_bins 2 v1"},
        {"reclassify from=sellable to=expired 1 A@B", "ok: reclassify bins", "A@DC: in_bins 1 v2"},
        {"reclassify from=damaged to=expired 1 A@B", "ok: reclassify", "A@DC: in_bins 1 v2"},
        {"sale 1 damaged A@B", "ok: sale discrepancy(below_zero 1)", "A@DC: in_bins 1 v2"},
        {"# a bin without a node is in nobody's availability", NULL, NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"receive 3 A@X", "ok: receive", "A@X: sellable 3 v1"},
        {"sale guard 4 A@X", "insufficient_stock, A@X asked 4 free 3", NULL},
        {"sale guard 2 A@X", "ok: sale", "A@X: sellable 1 v2"},
        {"adjust -3 A@X", "ok: adjust discrepancy(below_zero 2)", "A@X: sellable -2 v4"},
        {"# thresholds of a bin are those of its shelf", NULL, NULL},
        TREE,
        {"set_policy item=A location=B reorder=2", "ok: set_policy low_stock", NULL},
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"sale 4 A@B", "ok: sale low_stock bins", NULL},
        {"# two items of one bin have their nodes' cells each", NULL, NULL},
        TREE,
        {"receive 5 A@B 6 X@B", "ok: receive receive bins bins", "A@DC: in_bins 5 v1; X@DC: in_bins 6 v1"},
    };
    WORLD_PLAY(rows);
}

static void a_bin_below_zero_is_its_nodes_trouble(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# oversold at the node, by an adjustment in a bin", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H 4 A@DC", "ok: hold", NULL},
        {"adjust -3 A@B", "ok: adjust bins oversold(2) out_of_stock", "A@B: sellable 2 v2; A@DC: held 4 in_bins 2 v5"},
        {"adjust -3 A@B", "ok: adjust discrepancy(below_zero 1) bins oversold(5)", "A@B: sellable -1 v4; A@DC: held 4 in_bins -1 v7"},
    };
    WORLD_PLAY(rows);
}

static void what_is_picked_from_bins_is_the_claims(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a hold shipped from two bins of its node, in one event there", NULL, NULL},
        TREE,
        {"receive 5 A@B 4 A@C", "ok: receive receive bins", NULL},
        {"hold hold=H 8 A@DC", "ok: hold", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"ship hold=H", "insufficient_stock, A@DC asked 8 free 0", NULL},
        {"ship hold=H 5 A@B 4 A@C", "exceeds_claim H, A@DC asked 9 free 8", NULL},
        {"ship hold=H 3 A@B 4 A@C", "ok: ship ship bins",
         "A@B: sellable 2 v2; A@C: v2; A@DC: committed 1 in_bins 2 v4; H: committed of pos-1, A@DC granted 8 committed 1 consumed 7"},
        {"ship hold=H 1 A@C", "insufficient_stock, A@C asked 1 free 0", NULL},
        {"ship hold=H 1 A@B", "ok: ship bins", "A@DC: in_bins 1 v5; H: consumed of pos-1, A@DC granted 8 consumed 8"},
        {"# the node's own goods and its bins' in one command", NULL, NULL},
        TREE,
        {"receive 5 A@DC 4 A@B", "ok: receive receive", "A@DC: sellable 5 in_bins 4 v1"},
        {"hold hold=H 9 A@DC", "ok: hold out_of_stock", NULL},
        {"ship hold=H 4 A@B 5 A@DC", "ok: ship ship", "A@DC: v4; A@B: v2; H: consumed of pos-1, A@DC granted 9 consumed 9"},
        {"# goods in bins are not where the claim stands", NULL, NULL},
        TREE,
        {"receive 2 A@DC 9 A@B", "ok: receive receive", NULL},
        {"hold hold=H 6 A@DC", "ok: hold", NULL},
        {"ship hold=H", "insufficient_stock, A@DC asked 6 free 2", NULL},
        {"ship hold=H 2 A@DC 4 A@B", "ok: ship ship", "A@DC: in_bins 5 v3"},
        {"# a till sale of more than the claim, from a bin", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H 2 A@DC", "ok: hold", NULL},
        {"sale hold=H 3 A@B", "ok: sale bins discrepancy(exceeds_claim 1)",
         "A@DC: in_bins 2 v4; H: consumed of pos-1, A@DC granted 2 consumed 2"},
        {"sale hold=N 1 A@B", "ok: sale bins discrepancy(no_claim 1)", NULL},
        {"# a bin without a node has no claims", NULL, NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"receive 2 A@X", "ok: receive", NULL},
        {"hold hold=H 2 A@L", "ok: hold out_of_stock", NULL},
        {"ship hold=H 1 A@X", "exceeds_claim H, A@X asked 1 free 0", NULL},
        {"# claims speak of the node", NULL, NULL},
        TREE,
        {"receive 5 A@B 5 A@S", "ok: receive receive bins", NULL},
        {"hold hold=H 3 A@DC", "ok: hold", NULL},
        {"commit hold=H 1 A@B", "no_promise B", NULL},
        {"commit hold=H", "ok: commit", NULL},
        {"pick hold=H 1 A@B", "no_promise B", NULL},
        {"release hold=H 1 A@B", "no_promise B", NULL},
        {"amend hold=H 1 A@B", "no_promise B", NULL},
        {"reassign hold=H to=S 1 A@B", "no_promise B", NULL},
        {"reassign hold=H to=B 1 A@DC", "no_promise B", NULL},
        {"commit fact hold=O 1 A@B", "no_promise B", NULL},
        {"pick hold=H 2 A@DC", "ok: pick", NULL},
        {"ship hold=H 3 A@B", "ok: ship bins", "A@DC: in_bins 2 v5"},
        {"# what a claim had of a quota is used by what leaves the bins", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"set_channel channel=web locations=DC", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=DC add=3", "ok: allocate", "A@DC: in_bins 5 v2"},
        {"sale channel=web 2 A@B", "ok: sale bins", "A@DC: in_bins 3 v3"},
        {"sale guard 3 A@B", "insufficient_stock, A@DC asked 3 free 2", NULL},
        {"sale guard channel=web 3 A@B", "ok: sale bins out_of_stock", NULL},
        {"allocate channel=web item=A location=B add=3", "no_promise B", NULL},
    };
    WORLD_PLAY(rows);
}

static void what_is_taken_from_a_bin_is_free_at_its_node(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# physically there and free, summed over the bins of the node", NULL, NULL},
        TREE,
        {"receive 5 A@B 5 A@C", "ok: receive receive bins", NULL},
        {"hold hold=H 6 A@DC", "ok: hold", NULL},
        {"sale guard 6 A@B", "insufficient_stock, A@B asked 6 free 5, A@DC asked 6 free 4", NULL},
        {"sale guard 3 A@B 2 A@C", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"adjust guard -5 A@B", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"reclassify guard from=sellable to=damaged 5 A@B", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"transfer guard to=S 5 A@B", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"transfer_out guard transfer=T to=S 5 A@B", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"sale guard 2 A@B 2 A@C", "ok: sale sale bins out_of_stock", NULL},
        {"# what comes back into the same node is no taking", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H 5 A@DC", "ok: hold out_of_stock", NULL},
        {"adjust guard -5 A@B 5 A@C", "ok: adjust adjust", "A@C: sellable 5 v1; A@DC: held 5 in_bins 5 v3"},
        {"transfer guard to=B 4 A@C", "ok: transfer transfer", "A@B: sellable 4 v3; A@C: sellable 1 v2; A@DC: held 5 in_bins 5 v3"},
        {"transfer guard to=DC 4 A@B", "ok: transfer transfer", "A@DC: sellable 4 held 5 in_bins 1 v4"},
        {"transfer guard to=B 3 A@DC", "ok: transfer transfer", "A@DC: sellable 1 held 5 in_bins 4 v5"},
        {"transfer guard to=S 1 A@B", "insufficient_stock, A@DC asked 1 free 0", NULL},
        {"receive 2 X@B", "ok: receive bins", NULL},
        {"transfer guard to=DC 1 X@B 1 A@B", "ok: transfer transfer transfer transfer", "A@DC: sellable 2 held 5 in_bins 3 v6"},
        {"transfer_out guard transfer=T to=DC 1 A@B", "insufficient_stock, A@DC asked 1 free 0", NULL},
        {"# of another condition, there", NULL, NULL},
        TREE,
        {"receive 5 damaged A@B", "ok: receive", NULL},
        {"sale guard 6 damaged A@B", "insufficient_stock, A@B asked 6 free 5", NULL},
        {"sale guard 5 damaged A@B", "ok: sale", NULL},
        {"# what a claim covers", NULL, NULL},
        TREE,
        {"receive 5 A@B 3 A@DC", "ok: receive receive", NULL},
        {"hold hold=H 6 A@DC", "ok: hold", NULL},
        {"sale guard hold=H 5 A@B 2 A@DC", "ok: sale sale", "A@DC: sellable 1 v3; H: consumed of pos-1, A@DC granted 6 consumed 6"},
    };
    WORLD_PLAY(rows);
}

static void goods_move_through_bins(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# putaway is no change", NULL, NULL},
        TREE,
        {"receive 5 A@DC", "ok: receive", NULL},
        {"hold hold=H 5 A@DC", "ok: hold out_of_stock", NULL},
        {"transfer to=B 5 A@DC", "ok: transfer transfer", "A@DC: held 5 in_bins 5 v4; A@B: sellable 5 v1"},
        {"transfer to=C 5 A@B", "ok: transfer transfer", "A@DC: held 5 in_bins 5 v4; A@C: sellable 5 v1"},
        {"transfer to=DC 5 A@C", "ok: transfer transfer", "A@DC: sellable 5 held 5 v5"},
        {"transfer to=B 3 A@DC 2 damaged A@DC", "ok: transfer discrepancy(below_zero 2) transfer", "A@DC: sellable 2 damaged -2 held 5 in_bins 3 v7"},
        {"# to a bin of another node, and out of two", NULL, NULL},
        TREE,
        {"location location=T parent=S no_promise", "ok: config", NULL},
        {"receive 5 A@B 5 A@C", "ok: receive receive bins", NULL},
        {"transfer to=T 5 A@B 4 A@C", "ok: transfer transfer transfer bins bins", "A@DC: in_bins 1 v2; A@S: in_bins 9 v1"},
        {"transfer to=DC 9 A@T", "ok: transfer transfer bins out_of_stock", "A@DC: sellable 9 in_bins 1 v3"},
        {"# under way", NULL, NULL},
        TREE,
        {"receive 9 A@B", "ok: receive bins", NULL},
        {"hold hold=H 3 A@DC", "ok: hold", NULL},
        {"transfer_out transfer=T to=S hold=H 4 A@B", "ok: transfer_out bins discrepancy(exceeds_claim 1) transfer_out",
         "A@DC: in_bins 5 v4; A@S: in_transit 4 v1; H: consumed of pos-1, A@DC granted 3 consumed 3"},
        {"transfer_out transfer=U to=DC 2 A@B 1 damaged A@B", "invalid bad_value line 1 condition", NULL},
        {"transfer_out transfer=U to=DC 2 A@B", "ok: transfer_out bins transfer_out", "A@DC: in_transit 2 in_bins 3 v6"},
        {"transfer_in transfer=U 2 A@B", "ok: transfer_in transfer_in", "A@DC: in_bins 5 v7; A@B: sellable 5 v4"},
        {"transfer_in transfer=U 1 A@B", "ok: transfer_in discrepancy(exceeds_transfer 1) bins", "A@DC: in_bins 6 v8"},
        {"transfer_in transfer=T 1 A@S 2 A@B", "ok: transfer_in back_in_stock transfer_in bins", "A@S: sellable 1 in_transit 1 v3; A@DC: in_bins 8 v9"},
        {"transfer_in transfer=T 1 damaged A@B", "ok: transfer_in transfer_in", "A@DC: in_bins 8 v9"},
        {"# back where they came from, partly into the bin", NULL, NULL},
        TREE,
        {"receive 9 A@S", "ok: receive", NULL},
        {"transfer_out transfer=T to=DC 9 A@S", "ok: transfer_out out_of_stock transfer_out", NULL},
        {"transfer_in transfer=T 4 A@DC 5 A@B", "ok: transfer_in back_in_stock transfer_in", "A@DC: sellable 4 in_bins 5 v3"},
    };
    WORLD_PLAY(rows);
}

static void what_follows_from_availability_follows(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a channel's offer", NULL, NULL},
        TREE,
        {"set_channel channel=web locations=DC", "ok: set_channel", NULL},
        {"receive 5 A@B", "ok: receive bins", "web/A: ats 5; web/A@DC: free 5 quota 0; web/A@B: free 0 quota 0"},
        {"set_channel channel=web locations=DC,B", "no_promise B", NULL},
        {"transfer to=S 2 A@B", "ok: transfer transfer bins", "web/A: ats 3"},
        {"# backorders are covered by what comes to a bin", NULL, NULL},
        TREE,
        {"set_policy item=A location=DC backorders=5", "ok: set_policy", NULL},
        {"commit hold=O backorder 3 A@DC", "ok: commit", "A@DC: committed 3 backordered 3 backorder_limit 5 v2"},
        {"receive 2 A@B", "ok: receive bins | cover", "A@DC: committed 3 backordered 1 backorder_limit 5 in_bins 2 v4"},
        {"# who waits is served", NULL, NULL},
        TREE,
        {"receive 1 A@B", "ok: receive bins", NULL},
        {"hold hold=W wait 3 A@DC", "ok: hold, A@DC asked 3 free 1", "W: waiting of pos-1, A@DC waiting 3, ends +900"},
        {"receive 2 A@C", "ok: receive bins | hold out_of_stock", "W: held of pos-1, A@DC granted 3 held 3, ends +900"},
        {"# low stock of the node", NULL, NULL},
        TREE,
        {"set_policy item=A location=DC reorder=2 safety=1", "ok: set_policy low_stock", NULL},
        {"receive 5 A@B", "ok: receive bins back_in_stock", NULL},
        {"hold hold=H 5 A@DC", "insufficient_stock, A@DC asked 5 free 4", NULL},
        {"sale 3 A@B", "ok: sale bins low_stock", NULL},
        {"# a line finds its place at the node", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H 3 A@", "ok: hold", "H: held of pos-1, A@DC granted 3 held 3, ends +900"},
        {"# what can be promised for a time", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", "atp A@DC now 5: 5 from +0; atp A@B now 5: 0 never"},
        {"# a precondition of the node counts its bins", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"hold hold=H 1 A@DC if:available=4", "precondition_failed", NULL},
        {"hold hold=H 1 A@DC if:available=5", "ok: hold", NULL},
    };
    WORLD_PLAY(rows);
}

static void kits_are_put_together_of_what_lies_in_bins(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# components and built ones in bins", NULL, NULL},
        TREE,
        {"item item=P scale=0", "ok: config", NULL},
        {"item item=K scale=0 part:P=2", "ok: config", NULL},
        {"receive 5 P@B 1 K@B", "ok: receive receive bins bins", NULL},
        {"hold hold=H 4 K@DC", "insufficient_stock, K@DC asked 4 free 3", NULL},
        {"hold hold=H 3 K@DC", "ok: hold out_of_stock hold", "K@DC: held 1 in_bins 1 v3; P@DC: held 4 in_bins 5 v2"},
        {"ship hold=H 1 K@B 1 K@C", "insufficient_stock, P@C asked 2 free 0", NULL},
        {"ship hold=H 5 P@B 1 K@B", "exceeds_claim H, P@DC asked 5 free 4", NULL},
        {"ship hold=H 2 K@B", "ok: ship ship bins bins", "K@B: v2; P@B: sellable 3 v2; K@DC: v4; P@DC: held 2 in_bins 3 v3"},
        {"ship hold=H 1 K@B", "ok: ship bins", "H: consumed of pos-1, K@DC granted 1 consumed 1, P@DC granted 4 consumed 4"},
        {"# a sale takes the built ones that lie there and are free", NULL, NULL},
        TREE,
        {"item item=P scale=0", "ok: config", NULL},
        {"item item=K scale=0 part:P=2", "ok: config", NULL},
        {"receive 6 P@B 2 K@B 1 K@C", "ok: receive receive receive bins bins", NULL},
        {"hold hold=H 2 K@DC", "ok: hold", NULL},
        {"sale 2 K@B", "ok: sale sale bins out_of_stock bins", "K@DC: held 2 in_bins 2 v4; P@DC: in_bins 4 v2"},
        {"# what lies in the bins of a node comes to nothing", NULL, NULL},
        TREE,
        {"item item=P scale=0", "ok: config", NULL},
        {"item item=K scale=0 part:P=2", "ok: config", NULL},
        {"adjust 1 K@B -1 K@C 2 P@B", "ok: adjust adjust discrepancy(below_zero 1) adjust bins", "K@DC: none"},
        {"sale 1 K@B", "ok: sale bins out_of_stock", "K@B: sellable 1 v1; P@B: v2"},
        {"# of a bin without a node, what lies there", NULL, NULL},
        {"item item=P scale=0", "ok: config", NULL},
        {"item item=K scale=0 part:P=2", "ok: config", NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"receive 6 P@X 2 K@X", "ok: receive receive", NULL},
        {"sale 3 K@X", "ok: sale sale", "K@X: v2; P@X: sellable 4 v2"},
    };
    WORLD_PLAY(rows);
}

static void expectations_of_the_node_are_met_in_bins(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# closed by a receipt into a bin", NULL, NULL},
        TREE,
        {"expect expectation=E direction=in due=+60 5 A@DC", "ok: expect", "A@DC: incoming 5 v1"},
        {"receive expectation=E 3 A@B", "ok: receive bins back_in_stock", "A@DC: incoming 2 in_bins 3 v3"},
        {"receive expectation=E 1 damaged A@B", "ok: receive bins", "A@DC: incoming 1 in_bins 3 v4; A@B: sellable 3 damaged 1 v2"},
        {"receive expectation=E 2 A@B", "ok: receive bins discrepancy(exceeds_expectation 1)", "A@DC: in_bins 5 v6; A@B: sellable 5 damaged 1 v3"},
        {"# a line of the bin itself comes first", NULL, NULL},
        TREE,
        {"expect expectation=E direction=in due=+60 5 A@DC 2 A@B", "ok: expect expect", NULL},
        {"receive expectation=E 3 A@B 1 A@DC", "ok: receive receive back_in_stock", "A@B: sellable 3 v2; A@DC: sellable 1 incoming 3 in_bins 3 v3"},
        {"# an order's outgoing is met by what leaves the bins", NULL, NULL},
        TREE,
        {"receive 5 A@B", "ok: receive bins", NULL},
        {"expect expectation=H direction=out due=+60 2 A@DC", "ok: expect", "A@DC: outgoing 2 in_bins 5 v2"},
        {"hold hold=H 2 A@DC", "ok: hold", NULL},
        {"ship hold=H 2 A@B", "ok: ship bins", "A@DC: in_bins 3 v4"},
    };
    WORLD_PLAY(rows);
}

static void the_tree_changes(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a location with goods becomes a bin, and a node again", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"receive 5 A@B 2 X@B", "ok: receive receive", NULL},
        {"location location=B parent=DC no_promise", "ok: config bins bins", "A@DC: in_bins 5 v1; X@DC: in_bins 2 v1"},
        {"hold hold=H 4 A@DC", "ok: hold", NULL},
        {"location location=B parent=DC no_promise attributes={}", "ok: config", NULL},
        {"location location=B parent=DC", "ok: config bins oversold(4) out_of_stock bins back_in_stock bins out_of_stock bins back_in_stock",
         "A@DC: held 4 v5; A@B: sellable 5 v3"},
        {"# with bins below it", NULL, NULL},
        TREE,
        {"receive 5 A@B 4 A@C", "ok: receive receive bins", NULL},
        {"location location=B parent=DC", "ok: config bins out_of_stock bins back_in_stock", "A@DC: v3; A@B: sellable 5 in_bins 4 v3"},
        {"location location=C parent=DC no_promise", "ok: config bins bins back_in_stock", NULL},
        {"# under another node", NULL, NULL},
        TREE,
        {"receive 5 A@B 4 A@C", "ok: receive receive bins", NULL},
        {"location location=B parent=S no_promise", "ok: config bins out_of_stock bins", "A@DC: v3; A@S: in_bins 9 v1"},
        {"location location=B no_promise", "ok: config bins out_of_stock", "A@S: v3"},
        {"location location=B parent=DC no_promise", "ok: config bins back_in_stock", "A@DC: in_bins 9 v5"},
        {"# claims stay where promises are taken", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"receive 5 A@B", "ok: receive", NULL},
        {"hold hold=H 4 A@B", "ok: hold", NULL},
        {"location location=B parent=DC no_promise", "claims_open B, claims 1: H", NULL},
        {"release hold=H", "ok: release", NULL},
        {"set_policy item=A location=B reorder=1", "ok: set_policy", NULL},
        {"receive 1 X@B", "ok: receive", NULL},
        {"commit hold=O 5 A@B 1 X@B", "ok: commit low_stock out_of_stock commit out_of_stock", NULL},
        {"location location=B parent=DC no_promise", "claims_open B, claims 1: O", NULL},
        {"ship hold=O 5 A@B", "ok: ship", NULL},
        {"location location=B parent=DC no_promise", "claims_open B, claims 1: O", NULL},
        {"release hold=O", "ok: release back_in_stock", NULL},
        {"location location=B parent=DC no_promise", "ok: config bins", "A@DC: none; X@DC: in_bins 1 v1"},
        {"location location=DC no_promise", "ok: config bins", NULL},
        {"# a node with its bins goes elsewhere", NULL, NULL},
        TREE,
        {"location location=B parent=DC", "ok: config", NULL},
        {"receive 5 A@C", "ok: receive bins", "A@B: in_bins 5 v1"},
        {"location location=B parent=S", "ok: config", "A@B: in_bins 5 v1"},
        {"location location=S no_promise", "ok: config", NULL},
        {"# who waits there", NULL, NULL},
        {"receive 1 A@B", "ok: receive", NULL},
        {"hold hold=W wait 4 A@B", "ok: hold, A@B asked 4 free 1", NULL},
        {"location location=B no_promise", "claims_open B, claims 1: W", NULL},
        {"# quotas and channels", NULL, NULL},
        {"receive 5 A@B", "ok: receive", NULL},
        {"set_channel channel=web locations=B", "ok: set_channel", NULL},
        {"location location=B no_promise", "in_use web", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=B add=3", "ok: allocate", NULL},
        {"location location=B no_promise", "in_use B, A@B asked 3 free 0", NULL},
        {"allocate channel=web item=A location=B units=0", "ok: allocate", NULL},
        {"location location=B no_promise", "ok: config", NULL},
        {"# figures stay in range", NULL, NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"location location=Y parent=X no_promise", "ok: config", NULL},
        {"location location=DC", "ok: config", NULL},
        {"receive 9007199254740991 A@X", "ok: receive", NULL},
        {"return 1 A@Y", "ok: return", NULL},
        {"location location=X parent=DC no_promise", "invalid out_of_range quantity", NULL},
        {"# on the way, too", NULL, NULL},
        TREE,
        {"location location=D parent=B no_promise", "ok: config", NULL},
        {"receive 1 A@B 1 A@C", "ok: receive receive bins", NULL},
        {"adjust -1 A@D", "ok: adjust discrepancy(below_zero 1) bins", NULL},
        {"return 9007199254740990 A@B", "ok: return bins", NULL},
        {"location location=B no_promise", "invalid out_of_range quantity", NULL},
        {"# the node's own goods with them", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"receive 9007199254740991 A@DC", "ok: receive", NULL},
        {"return 1 A@B", "ok: return", NULL},
        {"location location=B parent=DC no_promise", "invalid out_of_range quantity", NULL},
    };
    WORLD_PLAY(rows);
}

static void figures_stay_in_range(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# two bins of one node", NULL, NULL},
        TREE,
        {"receive 9007199254740991 A@B 1 A@C", "invalid out_of_range line 1 quantity", NULL},
        {"receive 9007199254740991 A@B", "ok: receive bins", NULL},
        {"return 1 A@C", "invalid out_of_range line 0 quantity", NULL},
        {"transfer to=C 9007199254740991 A@S 1 A@L", "invalid out_of_range line 1 quantity", NULL},
        {"transfer_out transfer=T to=DC 1 A@S", "ok: transfer_out discrepancy(below_zero 1) oversold(1) transfer_out", NULL},
        {"transfer_in transfer=T 9007199254740991 A@B 1 A@C", "invalid out_of_range line 1 quantity", NULL},
        {"transfer_in transfer=T 1 A@C", "invalid out_of_range line 0 quantity", NULL},
        {"expect expectation=E direction=in due=+60 5 A@DC", "ok: expect", NULL},
        {"commit hold=H 9 A@DC", "ok: commit", NULL},
        {"return 1 A@DC", "invalid out_of_range line 0 quantity", NULL},
        {"release hold=H", "ok: release", NULL},
        {"receive expectation=E 9007199254740991 damaged A@B 1 damaged A@C", "invalid out_of_range line 1 quantity", NULL},
        {"transfer to=C 9007199254740991 A@B 1 A@DC", "invalid out_of_range line 1 quantity", NULL},
        {"transfer_out transfer=U to=S 9007199254740991 A@B 1 A@C", "invalid out_of_range line 1 quantity", NULL},
        {"transfer to=S 9007199254740991 A@B 1 A@C", "invalid out_of_range line 1 quantity", NULL},
        {"reclassify from=sellable to=expired 9007199254740991 A@B 1 A@C", "invalid out_of_range line 1 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

/* So many items, from `first` on, a unit each in B. */
static void receive_items(struct world *world, unsigned first, unsigned count)
{
    static char prose[COMMAND_LINES_MAX * 16];
    size_t n = (size_t)sprintf(prose, "receive");
    for (unsigned i = first; i < first + count; i++)
        n += (size_t)sprintf(prose + n, " 1 i%u@B", i);
    world_step(world, prose);
}

static void a_step_moves_so_many_cells(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.item_count_max = limits.cell_count_max = 7 * COMMAND_LINES_MAX;
    world_init(&world, &limits);
    world_step(&world, "location location=DC");
    for (unsigned first = 0; first < REPLACED_MAX; first += COMMAND_LINES_MAX)
        receive_items(&world, first, COMMAND_LINES_MAX);
    world_step(&world, "location location=B parent=DC no_promise");
    assert_true(strncmp(world.answer, "in_use B, i0@B asked 1 free 0, i1@B asked 1 free 0", 50) == 0);
    world_step(&world, "sale 1 i7@B 1 i8@B");
    world_step(&world, "location location=B parent=DC no_promise");
    assert_true(strncmp(world.answer, "ok: config bins bins", 20) == 0);
    assert_int_equal(world.decision.event_count, 1 + REPLACED_MAX - 2);
    world_deinit(&world);
    /* New cells need room like any others. */
    limits.cell_count_max = 12;
    world_init(&world, &limits);
    world_step(&world, "location location=DC");
    receive_items(&world, 0, 7);
    world_step(&world, "location location=B parent=DC no_promise");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_deinit(&world);
}

static void what_a_location_becomes_is_told_as_such(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a bin that becomes a node is oversold by what its own bins lack", NULL, NULL},
        TREE,
        {"adjust -5 A@C", "ok: adjust discrepancy(below_zero 5) bins oversold(5)", NULL},
        {"location location=B parent=DC", "ok: config bins bins oversold(5)", "A@B: in_bins -5 v2"},
        {"# it is back in stock by what they have", NULL, NULL},
        TREE,
        {"receive 1 A@B 5 A@C", "ok: receive receive bins", NULL},
        {"sale 1 A@B", "ok: sale bins", NULL},
        {"location location=B parent=DC", "ok: config bins out_of_stock bins back_in_stock", NULL},
        {"# so is what lies in itself, and a cell that is new is back from nowhere", NULL, NULL},
        TREE,
        {"receive 3 A@B 2 X@C", "ok: receive receive bins bins", NULL},
        {"adjust -2 Y@B", "ok: adjust discrepancy(below_zero 2) bins oversold(2)", NULL},
        {"location location=B parent=DC", "ok: config bins out_of_stock bins back_in_stock bins out_of_stock bins bins bins oversold(2)", "A@B: sellable 3 v3"},
        {"hold hold=H 3 A@B 2 X@B", "ok: hold out_of_stock hold out_of_stock", NULL},
        {"# a cell with nothing, and bins with nothing in all, has nothing to tell", NULL, NULL},
        TREE,
        {"location location=E parent=B no_promise", "ok: config", NULL},
        {"receive 1 A@B 2 A@C", "ok: receive receive bins", NULL},
        {"sale 1 A@B 2 A@E", "ok: sale sale discrepancy(below_zero 2) bins out_of_stock", NULL},
        {"location location=B parent=DC", "ok: config", "A@B: v2"},
        {"# a node that becomes a bin is out of stock for nobody", NULL, NULL},
        {"location location=DC", "ok: config", NULL},
        {"location location=B parent=DC", "ok: config", NULL},
        {"location location=C parent=B no_promise", "ok: config", NULL},
        {"receive 2 A@C", "ok: receive bins", NULL},
        {"location location=B parent=DC no_promise", "ok: config bins bins", "A@DC: in_bins 2 v1"},
        {"# what is kept back, or may lack cover, is about promises", NULL, NULL},
        TREE,
        {"receive 5 A@S", "ok: receive", NULL},
        {"set_policy item=A location=B safety=1", "no_promise B", NULL},
        {"set_policy item=A location=B backorders=1", "no_promise B", NULL},
        {"set_policy item=A location=S safety=2 backorders=1", "ok: set_policy", NULL},
        {"location location=S parent=DC no_promise", "in_use S, A@S asked 2 free 0", NULL},
        {"set_policy item=A location=S safety=0", "ok: set_policy", NULL},
        {"location location=S parent=DC no_promise", "in_use S, A@S asked 1 free 0", NULL},
        {"set_policy item=A location=S backorders=0 reorder=9", "ok: set_policy low_stock", NULL},
        {"location location=S parent=DC no_promise", "ok: config bins", NULL},
        {"# where promises are taken before and after, nothing moves", NULL, NULL},
        TREE,
        {"receive 5 A@C 1 A@S", "ok: receive receive bins", NULL},
        {"location location=S parent=DC", "ok: config", "A@DC: in_bins 5 v1"},
    };
    WORLD_PLAY(rows);
}

/* Two of P make a K. */
#define BOXES                                                                                                          \
    {"item item=P scale=0", "ok: config", NULL}, {"item item=K scale=0 part:P=2", "ok: config", NULL}

static void built_kits_in_bins_are_free_once(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# two bins: what is promised is not sold while others can be put together", NULL, NULL},
        TREE,
        BOXES,
        {"receive 6 P@B 6 P@C 2 K@B 2 K@C", "ok: receive receive receive receive bins bins", NULL},
        {"hold hold=H 2 K@DC", "ok: hold", NULL},
        {"sale 2 K@B 2 K@C", "ok: sale sale bins out_of_stock bins",
         "K@B: v2; K@C: sellable 2 v1; P@B: sellable 6 v1; P@C: sellable 2 v2; K@DC: held 2 in_bins 2 v4"},
        {"# the same asked for", NULL, NULL},
        TREE,
        BOXES,
        {"receive 6 P@B 6 P@C 2 K@B 2 K@C", "ok: receive receive receive receive bins bins", NULL},
        {"hold hold=H 2 K@DC", "ok: hold", NULL},
        {"sale guard 2 K@B 2 K@C", "ok: sale sale bins out_of_stock bins", "K@B: v2; K@C: sellable 2 v1; P@C: sellable 2 v2"},
        {"# a node and its bin", NULL, NULL},
        TREE,
        BOXES,
        {"receive 6 P@DC 6 P@B 3 K@DC 2 K@B", "ok: receive receive receive receive", NULL},
        {"hold hold=H 3 K@DC", "ok: hold", NULL},
        {"sale guard 2 K@DC 2 K@B", "ok: sale out_of_stock sale bins",
         "K@DC: sellable 1 held 3 in_bins 2 v4; K@B: sellable 2 v1; P@B: sellable 2 v2; P@DC: sellable 6 in_bins 2 v2"},
        {"# what lies in a bin is not sold at its node", NULL, NULL},
        TREE,
        BOXES,
        {"receive 6 P@DC 3 K@B", "ok: receive receive bins", NULL},
        {"sale 2 K@DC", "ok: sale", "K@DC: in_bins 3 v1; P@DC: sellable 2 v2"},
        {"sale guard 1 K@DC", "ok: sale out_of_stock", "K@DC: in_bins 3 v1; P@DC: v4"},
        {"sale guard 1 K@DC", "insufficient_stock, P@DC asked 2 free 0", NULL},
        {"receive 1 K@DC 2 P@DC", "ok: receive receive back_in_stock", NULL},
        {"sale guard 2 K@DC", "ok: sale sale out_of_stock", "K@DC: in_bins 3 v3; P@DC: v8"},
        {"# as much as is free of another item is in nobody's way", NULL, NULL},
        TREE,
        BOXES,
        {"item item=L scale=0 part:P=1", "ok: config", NULL},
        {"receive 3 K@B 3 L@B 3 K@S", "ok: receive receive receive bins bins", NULL},
        {"sale guard 3 L@B 3 K@S 3 K@B", "ok: sale sale out_of_stock sale bins out_of_stock bins out_of_stock", NULL},
        {"# a bin that answers to nobody sells what lies there", NULL, NULL},
        {"location location=X no_promise", "ok: config", NULL},
        {"location location=Y no_promise", "ok: config", NULL},
        BOXES,
        {"receive 3 K@X 3 K@Y", "ok: receive receive", NULL},
        {"sale guard 3 K@X 3 K@Y", "ok: sale sale", "K@X: v2; K@Y: v2"},
    };
    WORLD_PLAY(rows);
}

static void what_is_wrong_in_a_bin_is_oversold_at_its_node(void **state)
{
    (void)state;
    static struct world world;
    struct cell_view bin, node;
    world_init(&world, &world_limits);
    world_step(&world, "location location=N");
    world_step(&world, "location location=b parent=N no_promise");
    world_step(&world, "receive 1 A@N");
    world_step(&world, "sale 3 A@b");
    uint32_t item = ledger_number(world.ledger, NAME_ITEM, TEXT("A"));
    uint32_t b = ledger_number(world.ledger, NAME_LOCATION, TEXT("b"));
    uint32_t n = ledger_number(world.ledger, NAME_LOCATION, TEXT("N"));
    ledger_cell(world.ledger, ledger_cell_find(world.ledger, item, b), &bin);
    ledger_cell(world.ledger, ledger_cell_find(world.ledger, item, n), &node);
    assert_int_equal(cell_oversold(&bin), 0);
    assert_int_equal(cell_oversold(&node), 2);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goods_of_bins_are_promised_at_their_node),
        cmocka_unit_test(a_bin_below_zero_is_its_nodes_trouble),
        cmocka_unit_test(what_is_picked_from_bins_is_the_claims),
        cmocka_unit_test(what_is_taken_from_a_bin_is_free_at_its_node),
        cmocka_unit_test(goods_move_through_bins),
        cmocka_unit_test(what_follows_from_availability_follows),
        cmocka_unit_test(kits_are_put_together_of_what_lies_in_bins),
        cmocka_unit_test(expectations_of_the_node_are_met_in_bins),
        cmocka_unit_test(the_tree_changes),
        cmocka_unit_test(figures_stay_in_range),
        cmocka_unit_test(a_step_moves_so_many_cells),
        cmocka_unit_test(what_a_location_becomes_is_told_as_such),
        cmocka_unit_test(built_kits_in_bins_are_free_once),
        cmocka_unit_test(what_is_wrong_in_a_bin_is_oversold_at_its_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
