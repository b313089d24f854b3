/*
 * Goal: claims and availability, rule by rule: quotas, backorders and their cover, waiting, orders and their changes,
 * thresholds. Method: tables in near-prose (ledger_world.h); what the ledger does by itself stands behind a bar.
 * Mistakes others made carry the name of the mistake.
 */
#include "ledger_world.h"

static void story_s4_channels(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# S4 channels, at DC", NULL, NULL},
        {"receive 100 A@DC", "ok: receive", NULL},
        {"set_policy item=A location=DC safety=5", "ok: set_policy", "A@DC: sellable 100 safety_stock 5 v2"},
        {"set_channel channel=web locations=DC priority=1", "ok: set_channel", "web/A: ats 95"},
        {"set_channel channel=amz locations=DC priority=2", "ok: set_channel", "amz/A: ats 95"},
        {"set_channel channel=amz item=A buffer=3 cap=20", "ok: set_channel", "amz/A: ats 20"},
        {"allocate channel=web item=A location=DC units=40", "ok: allocate", "web/A@DC: free 95 quota 40"},
        {"allocate channel=amz item=A location=DC units=30", "ok: allocate",
         "web/A: ats 65; amz/A: ats 20; web/A@DC: free 65 quota 40; amz/A@DC: free 55 quota 30"},
        {"hold hold=W channel=web 66 A@DC", "insufficient_stock, A@DC asked 66 free 65", NULL},
        {"hold hold=W channel=web 50 A@DC", "ok: hold",
         "web/A: ats 15; amz/A: ats 20; web/A@DC: free 15 quota 0; W: held of pos-1 through web, A@DC granted 50 held 50 "
         "quota 40, ends +900"},
        {"adjust -40 A@DC reason=fire", "ok: adjust",
         "A@DC: sellable 60 held 50 safety_stock 5 v6; web/A: ats 0; amz/A: ats 2; amz/A@DC: free 5 quota 30"},
        {"commit fact hold=Z channel=amz 12 A@DC", "ok: commit oversold(2) out_of_stock",
         "web/A: ats 0; amz/A: ats 0; amz/A@DC: free 0 quota 18; A@DC: sellable 60 held 50 committed 12 safety_stock 5 v9"},
    };
    WORLD_PLAY(rows);
}

static void quotas_are_used_once_and_given_back_once(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# mistake: quota returned twice", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=L units=8", "ok: allocate", "web/A@L: free 20 quota 8"},
        {"hold hold=H channel=web 10 A@L", "ok: hold", "web/A@L: free 10 quota 0"},
        {"release hold=H 3 A@L", "ok: release", "web/A@L: free 13 quota 3"},
        {"ship hold=H 4 A@L guard", "ok: ship", "web/A@L: free 13 quota 3"}, /* consumption uses the quota's part first */
        {"release hold=H", "ok: release",
         "web/A@L: free 16 quota 4; H: released of pos-1 through web, A@L granted 10 consumed 4 released 6"},
        {"release hold=H", "hold_ended H, consumed 4 released 6", "web/A@L: free 16 quota 4"},
        {"hold hold=X channel=web expires=5 4 A@L", "ok: hold", "web/A@L: free 12 quota 0"},
        {"wait 6", "ok: expire", "web/A@L: free 16 quota 4"},
        {"# a sale through a channel takes from its quota what no claim covers", NULL, NULL},
        {"receive 20 A@L", "ok: receive", NULL},
        {"set_channel channel=web", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=L units=8", "ok: allocate", NULL},
        {"sale channel=web 3 A@L", "ok: sale", "web/A@L: free 17 quota 5"},
        {"hold hold=H channel=web 2 A@L", "ok: hold", "web/A@L: free 15 quota 3"},
        {"sale hold=H 4 A@L", "ok: sale discrepancy(exceeds_claim 2)", "web/A@L: free 13 quota 1"},
        {"sale channel=web 9 A@L", "ok: sale", "web/A@L: free 4 quota 0"},
        {"# what is set apart for one is not free to others; what is left is shared", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_channel channel=web priority=1", "ok: set_channel", NULL},
        {"set_channel channel=amz priority=2 shares=no", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=L units=6", "ok: allocate", NULL},
        {"allocate channel=amz item=A location=L add=3", "ok: allocate",
         "web/A@L: free 7 quota 6; amz/A@L: free 3 quota 3"},
        {"hold hold=N 2 A@L", "insufficient_stock, A@L asked 2 free 1", NULL},
        {"sale guard channel=amz 4 A@L", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"adjust guard -2 A@L reason=x", "insufficient_stock, A@L asked 2 free 1", NULL},
        {"transfer guard to=L 2 A@L channel=nobody", "same_location L", NULL},
        {"adjust guard channel=amz -3 A@L reason=x dry", "dry ok: adjust", NULL},
        {"adjust guard channel=amz -4 A@L reason=x", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"reclassify guard channel=nobody from=sellable to=damaged 2 A@L", "insufficient_stock, A@L asked 2 free 1", NULL},
        {"adjust -3 A@L reason=x", "ok: adjust", "web/A@L: free 6 quota 6; amz/A@L: free 1 quota 3"},
        {"adjust -3 A@L reason=x", "ok: adjust", "web/A@L: free 4 quota 6; amz/A@L: free 0 quota 3"},
        {"allocate channel=amz item=A location=L add=-4", "negative_quota amz, A@L asked 4 free 3", NULL},
        {"allocate channel=nobody item=A location=L add=1", "unknown_channel nobody", NULL},
        {"allocate channel=web item=A location=L add=9007199254740991", "invalid out_of_range add", NULL},
        {"hold hold=N channel=nobody 1 A@L", "unknown_channel nobody", NULL},
        {"hold fact hold=N channel=nobody 1 A@L", "ok: hold", "N: held of pos-1 through nobody, A@L granted 1 held 1, ends +900"},
        {"# a hold that is replaced has given back what it took, quota and all", NULL, NULL},
        {"receive 10 A@L 5 A@M", "ok: receive receive", NULL},
        {"set_channel channel=web shares=no", "ok: set_channel", NULL},
        {"allocate channel=web item=A location=L units=6", "ok: allocate", NULL},
        {"allocate channel=web item=A location=M units=4", "ok: allocate", NULL},
        {"hold hold=H channel=web 6 A@L", "ok: hold", "web/A@L: free 0 quota 0"},
        {"hold hold=H channel=web 6 A@L", "ok: hold", "web/A@L: free 0 quota 0"}, /* mistake: blocked by its own holder */
        {"hold hold=H channel=web 7 A@L", "insufficient_stock, A@L asked 7 free 6", NULL},
        {"hold hold=H channel=web 2 A@L 3 A@M", "ok: hold hold",
         "web/A@L: free 4 quota 4; web/A@M: free 1 quota 1; H: held of pos-1 through web, A@L granted 6 held 2 released 4 "
         "quota 2, A@M granted 3 held 3 quota 3, ends +900"},
        {"hold hold=H channel=web 1 A@M", "ok: hold hold", "web/A@L: free 6 quota 6; web/A@M: free 3 quota 3"},
    };
    WORLD_PLAY(rows);
}

static void availability_is_per_channel(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# mistake: buffer applied per location", NULL, NULL},
        {"receive 10 A@L 10 A@M", "ok: receive receive", NULL},
        {"set_channel channel=web locations=L,M buffer=4", "ok: set_channel", "web/A: ats 16"},
        {"set_channel channel=web item=A buffer=7", "ok: set_channel", "web/A: ats 13"},
        {"set_channel channel=web cap=12", "ok: set_channel", "web/A: ats 12"},
        {"set_channel channel=web item=A cap=11", "ok: set_channel", "web/A: ats 11"},
        {"sale 25 A@L", "ok: sale discrepancy(below_zero 15) oversold(15) out_of_stock", "web/A: ats 3"},
        {"# mistake: two channels sharing one location", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", NULL},
        {"set_channel channel=amz locations=L", "ok: set_channel", "web/A: ats 10; amz/A: ats 10"},
        {"hold hold=H1 channel=web 10 A@L", "ok: hold out_of_stock", "web/A: ats 0; amz/A: ats 0"},
        {"hold hold=H2 channel=amz 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"# mistake: a removed channel with claims open", NULL, NULL},
        {"receive 10 A@L 10 A@M", "ok: receive receive", NULL},
        {"set_channel channel=web locations=L,M", "ok: set_channel", "web/A: ats 20"},
        {"hold hold=H1 channel=web 1 A@L", "ok: hold", NULL},
        {"hold hold=H2 channel=web 1 A@M", "ok: hold", NULL},
        {"set_channel channel=web locations=M", "claims_open web, claims 1: H1", "web/A: ats 18"},
        {"set_channel channel=web locations=", "claims_open web, claims 2: H1 H2", NULL},
        {"release hold=H1", "ok: release", NULL},
        {"set_channel channel=web locations=M", "ok: set_channel", "web/A: ats 9"},
        {"set_channel channel=web locations=M,M", "invalid bad_value locations", NULL},
        {"set_channel channel=web buffer=0.5", "invalid bad_value buffer", NULL},
        {"set_channel channel=web cap=0.5", "invalid bad_value cap", NULL},
        {"set_channel channel=web item=A buffer=0.5", "invalid too_many_decimals buffer", NULL},
        {"set_channel channel=web item=A cap=0.5", "invalid too_many_decimals cap", NULL},
        {"set_channel channel=web item=Z cap=5", "unknown_item Z", NULL},
        {"# mistake: a channel made again has what the old one had", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"set_channel channel=web locations=L priority=1 buffer=2", "ok: set_channel", "web/A: ats 8"},
        {"allocate channel=web item=A location=L units=4", "ok: allocate", NULL},
        {"hold hold=H channel=web 1 A@M", "unknown_location M", NULL},
        {"hold hold=H channel=web 1 A@L", "ok: hold", NULL},
        {"delete_channel channel=amz", "unknown_channel amz", NULL},
        {"delete_channel channel=web IF:version=1", "precondition_failed web", NULL},
        {"delete_channel channel=web", "claims_open web, claims 1: H", NULL},
        {"release hold=H", "ok: release", NULL},
        {"delete_channel channel=web", "in_use web, A@L asked 4 free 0", NULL},
        {"allocate channel=web item=A location=L units=0", "ok: allocate", NULL},
        {"delete_channel channel=web", "ok: config", NULL},
        {"delete_channel channel=web", "unknown_channel web", NULL},
        {"hold hold=I channel=web 1 A@L", "unknown_channel web", NULL},
        {"set_channel channel=web", "ok: set_channel", "web/A: ats 0; web/A@L: free 10 quota 0"},
        {"hold hold=I channel=web 1 A@L", "ok: hold", NULL},
        {"delete_channel channel=web", "claims_open web, claims 1: I", NULL}, /* outside its locations too */
        {"# a label that becomes a channel's name is counted with it", NULL, NULL},
        {"commit fact hold=H channel=web 1 A@L", "ok: commit oversold(1)", NULL},
        {"set_channel channel=web locations=L", "ok: set_channel", NULL},
        {"set_channel channel=web locations=", "claims_open web, claims 1: H", NULL},
        {"release hold=H", "ok: release", NULL},
        {"# buffers of whole units are of each item's scale", NULL, NULL},
        {"item item=A scale=2", "ok: config", NULL},
        {"receive 10.5 A@L", "ok: receive", NULL},
        {"set_channel channel=web locations=L buffer=2 cap=8", "ok: set_channel", "web/A: ats 800"},
        {"set_channel channel=web item=A buffer=9.75", "ok: set_channel", "web/A: ats 75"},
        {"item item=B scale=6", "ok: config", NULL},
        {"receive 3 B@L", "ok: receive", NULL},
        {"set_channel channel=web buffer=0 cap=9007199254740991", "ok: set_channel", "web/B: ats 3000000"},
    };
    WORLD_PLAY(rows);
}

static void backorders_are_covered_oldest_first(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# backorders within the cell's limit, covered in the step that brings the stock", NULL, NULL},
        {"set_policy item=A location=L backorders=10 safety=2", "ok: set_policy", NULL},
        {"receive 5 A@L", "ok: receive back_in_stock", "A@L: sellable 5 safety_stock 2 backorder_limit 10 v3"},
        {"hold hold=H1 4 A@L", "insufficient_stock, A@L asked 4 free 3", NULL},
        {"hold hold=H1 backorder expires=0 6 A@L", "ok: hold out_of_stock",
         "H1: held of pos-1, A@L granted 6 held 6 backordered 3; A@L: sellable 5 held 6 backordered 3 safety_stock 2 "
         "backorder_limit 10 v5"},
        {"hold hold=H2 backorder 8 A@L", "insufficient_stock, A@L asked 8 free 7", NULL},
        {"hold hold=H2 backorder partial expires=0 8 A@L", "ok: hold, A@L asked 8 free 7", "H2: held of pos-1, A@L granted 7 held 7 backordered 7"},
        {"receive 4 A@L", "ok: receive | cover cover", "H1: held of pos-1, A@L granted 6 held 6; H2: held of pos-1, A@L granted 7 "
         "held 7 backordered 6"},
        {"release hold=H1 2 A@L", "ok: release | cover", "H2: held of pos-1, A@L granted 7 held 7 backordered 4"},
        {"release hold=H2 3 A@L", "ok: release back_in_stock", "H2: held of pos-1, A@L granted 7 held 4 released 3 backordered 1"},
        {"ship guard hold=H2 4 A@L", "insufficient_stock, A@L asked 4 free 3", NULL}, /* covered is not available > 0 */
        {"commit hold=H2", "ok: commit", "H2: committed of pos-1, A@L granted 7 committed 4 released 3 backordered 1"},
        {"pick hold=H2 4 A@L", "exceeds_claim H2, A@L asked 4 free 3", NULL},
        {"pick hold=H2 3 A@L", "ok: pick", NULL},
        {"set_policy item=A location=L safety=1", "ok: set_policy | cover", "H2: committed of pos-1, A@L granted 7 committed 4 "
         "picked 3 released 3"},
        {"ship hold=H2", "ok: ship", "H2: consumed of pos-1, A@L granted 7 consumed 4 released 3"},
        {"# oversold is what is promised without cover and without permission", NULL, NULL},
        {"set_policy item=A location=L backorders=5", "ok: set_policy", NULL},
        {"commit hold=O backorder 3 A@L", "ok: commit", "A@L: committed 3 backordered 3 backorder_limit 5 v2"},
        {"sale 2 A@L", "ok: sale discrepancy(below_zero 2) oversold(2)", NULL},
        {"commit hold=P backorder 1 A@L", "insufficient_stock, A@L asked 1 free 0", NULL},
        {"receive 4 A@L", "ok: receive | cover", "O: committed of pos-1, A@L granted 3 committed 3 backordered 1"},
    };
    WORLD_PLAY(rows);
}

static void who_waits_is_served_in_order(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a fair waiting list, served in the step that frees units", NULL, NULL},
        {"receive 4 A@L 1 B@L", "ok: receive receive", NULL},
        {"hold hold=H expires=0 4 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=W1 wait 3 A@L", "ok: hold, A@L asked 3 free 0", "W1: waiting of pos-1, A@L waiting 3, ends +900; A@L: sellable 4 held 4 v4"},
        {"hold hold=W2 wait 1 A@L", "ok: hold, A@L asked 1 free 0", NULL},
        {"hold hold=W3 wait priority=1 2 A@L", "ok: hold, A@L asked 2 free 0", NULL},
        {"release hold=H 1 A@L", "ok: release back_in_stock | hold out_of_stock",
         "W2: held of pos-1, A@L granted 1 held 1, ends +900; W1: waiting of pos-1, A@L waiting 3, ends +900"},
        {"receive 2 A@L", "ok: receive back_in_stock | hold out_of_stock", "W3: held of pos-1, A@L granted 2 held 2, ends +900"},
        {"commit hold=W1", "exceeds_claim W1", NULL},
        {"extend hold=W1 expires=100", "ok: extend", "W1: waiting of pos-1, A@L waiting 3, ends +100"},
        {"wait 101", "ok: expire", "W1: expired of pos-1, A@L"},
        {"release hold=W1", "hold_ended W1, consumed 0 released 0", NULL},
        {"# all of its cells at once, and never a part of it unless it says so", NULL, NULL},
        {"receive 2 A@L 2 B@L", "ok: receive receive", NULL},
        {"hold hold=H1 2 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=H2 2 B@L", "ok: hold out_of_stock", NULL},
        {"hold hold=W wait 2 A@L 1 B@L", "ok: hold hold, A@L asked 2 free 0, B@L asked 1 free 0", NULL},
        {"hold hold=P wait partial 3 A@L", "ok: hold, A@L asked 3 free 0", NULL},
        {"release hold=H2", "ok: release back_in_stock", NULL},
        {"release hold=H1 1 A@L", "ok: release back_in_stock | hold out_of_stock",
         "P: held of pos-1, A@L granted 1 held 1 waiting 2, ends +900"},
        {"release hold=H1", "ok: release back_in_stock | hold out_of_stock", "P: held of pos-1, A@L granted 2 held 2 waiting 1, ends +900"},
        {"receive 3 A@L", "ok: receive back_in_stock | hold hold | hold out_of_stock",
         "W: held of pos-1, A@L granted 2 held 2, B@L granted 1 held 1, ends +900"},
        {"release hold=P 1 A@L", "ok: release back_in_stock", "P: held of pos-1, A@L granted 3 held 2 released 1, ends +900"},
        {"hold hold=P wait partial 5 A@L", "ok: hold out_of_stock, A@L asked 5 free 3", "P: held of pos-1, A@L granted 4 held 3 released 1 waiting 2, ends +900"},
        {"release hold=P 1 A@L", "ok: release", "P: held of pos-1, A@L granted 4 held 3 released 1 waiting 1, ends +900"},
        {"# who waits and asks again keeps the place; who has something does not lose it by waiting", NULL, NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"hold hold=H expires=0 2 A@L", "ok: hold out_of_stock", NULL},
        {"hold hold=W wait 2 A@L", "ok: hold, A@L asked 2 free 0", NULL},
        {"hold hold=V wait 1 A@L", "ok: hold, A@L asked 1 free 0", NULL},
        {"hold hold=W wait 1 A@L", "ok: hold, A@L asked 1 free 0", "W: waiting of pos-1, A@L waiting 1, ends +900"},
        {"hold hold=H wait 3 A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"release hold=H 1 A@L", "ok: release back_in_stock | hold out_of_stock", "W: held of pos-1, A@L granted 1 held 1, ends +900"},
        {"release hold=V", "ok: release", "V: released of pos-1, A@L"},
        {"# a channel that shares again frees what was kept from it", NULL, NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"set_channel channel=web shares=no", "ok: set_channel", NULL},
        {"hold hold=W channel=web wait 2 A@L", "ok: hold, A@L asked 2 free 0", NULL},
        {"set_channel channel=web shares=yes", "ok: set_channel | hold out_of_stock", NULL},
        {"allocate channel=web item=A location=L units=1", "ok: allocate", NULL},
    };
    WORLD_PLAY(rows);
}

static void orders_change(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# amend: new totals, up and down", NULL, NULL},
        {"receive 10 A@L 5 B@L", "ok: receive receive", NULL},
        {"commit hold=O paid 4 A@L 2 B@L", "ok: commit commit", NULL},
        {"amend hold=O 12 A@L", "insufficient_stock, A@L asked 8 free 6", NULL},
        {"amend hold=O 7 A@L 0 B@L", "ok: amend amend",
         "O: committed of pos-1, A@L granted 7 committed 7, B@L granted 2 released 2"},
        {"ship hold=O 3 A@L", "ok: ship", NULL},
        {"pick hold=O 2 A@L", "ok: pick", NULL},
        {"amend hold=O 4 A@L", "below_consumed O, A@L asked 4 free 5", NULL},
        {"amend hold=O 5 A@L", "ok: amend", "O: committed of pos-1, A@L granted 7 committed 2 picked 2 consumed 3 released 2, "
         "B@L granted 2 released 2"},
        {"amend fact hold=O 30 A@L", "ok: amend oversold(20) out_of_stock", NULL},
        {"amend hold=N 1 A@L", "unknown_hold N", NULL},
        {"release hold=O", "ok: release back_in_stock", NULL},
        {"amend hold=O 1 A@L", "hold_ended O, consumed 3 released 31", NULL},
        {"amend hold=O -1 A@L", "invalid bad_value line 0 quantity", NULL},
        {"# pick and unpick inside what is committed", NULL, NULL},
        {"receive 10 A@L", "ok: receive", NULL},
        {"hold hold=H 5 A@L", "ok: hold", NULL},
        {"pick hold=H 1 A@L", "exceeds_claim H, A@L asked 1 free 0", NULL},
        {"commit hold=H 4 A@L", "ok: commit", NULL},
        {"pick hold=H 3 A@L", "ok: pick", "A@L: sellable 10 held 1 committed 4 picked 3 v4"},
        {"pick hold=H 2 A@L", "exceeds_claim H, A@L asked 2 free 1", NULL},
        {"unpick hold=H 4 A@L", "exceeds_claim H, A@L asked 4 free 3", NULL},
        {"unpick hold=H 1 A@L", "ok: unpick", "A@L: sellable 10 held 1 committed 4 picked 2 v5"},
        {"unpick hold=H 1 A@M", "unknown_location M", NULL},
        {"pick hold=N 1 A@L", "unknown_hold N", NULL},
        {"release hold=H 4 A@L", "ok: release", "H: committed of pos-1, A@L granted 5 committed 1 picked 1 released 4"},
        {"# reassign: reserved here, then there", NULL, NULL},
        {"receive 5 A@L 3 A@M 3 B@M", "ok: receive receive receive", NULL},
        {"hold hold=H 2 A@L", "ok: hold", NULL},
        {"commit fact hold=H 2 A@L", "ok: commit", NULL},
        {"commit fact hold=H 3 A@L", "ok: commit out_of_stock", "H: committed of pos-1, A@L granted 5 committed 5"},
        {"reassign hold=H to=M 6 A@L", "exceeds_claim H, A@L asked 6 free 5", NULL},
        {"reassign hold=H to=M 4 A@L", "insufficient_stock, A@M asked 4 free 3", NULL},
        {"reassign hold=H to=L 1 A@L", "same_location L", NULL},
        {"reassign hold=H to=Q 1 A@L", "unknown_location Q", NULL},
        {"reassign hold=H to=N 1 A@L 1 A@M", "unknown_location N", NULL},
        {"reassign hold=H to=M 3 A@L", "ok: reassign back_in_stock reassign out_of_stock",
         "H: committed of pos-1, A@L granted 2 committed 2, A@M granted 3 committed 3; A@L: sellable 5 committed 2 v7"},
        {"reassign fact hold=H to=Q 1 A@L 1 A@M", "invalid bad_value line 1 location", NULL},
        {"reassign fact hold=H to=Q 1 A@L", "ok: reassign reassign oversold(1)", NULL},
        {"reassign hold=N to=M 1 A@L", "unknown_hold N", NULL},
        {"# mistake: a commit after expiry takes the units twice", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"hold hold=H expires=10 3 A@L", "ok: hold", NULL},
        {"wait 11", "ok: expire", NULL},
        {"commit hold=H", "ok: commit", "H: committed of pos-1, A@L granted 6 committed 3 expired 3; A@L: sellable 5 committed 3 v4"},
        {"# mistake: a cancel retried after a shipment", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"commit hold=O 3 A@L", "ok: commit", NULL},
        {"ship hold=O", "ok: ship", NULL},
        {"release hold=O", "hold_ended O, consumed 3 released 0", "A@L: sellable 2 v3"},
        {"# mistake: two lines on one item in one order", NULL, NULL},
        {"receive 5 A@L", "ok: receive", NULL},
        {"commit hold=O 3 A@L 3 A@L", "insufficient_stock, A@L asked 6 free 5", NULL},
    };
    WORLD_PLAY(rows);
}

static void thresholds_are_crossed_on_every_path(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# low stock once, until clearly above the reorder point", NULL, NULL},
        {"set_policy item=A location=L reorder=20", "ok: set_policy low_stock", NULL},
        {"receive 40 A@L", "ok: receive back_in_stock", NULL},
        {"sale 19 A@L", "ok: sale", NULL},
        {"sale 1 A@L", "ok: sale low_stock", NULL},
        {"receive 1 A@L", "ok: receive", NULL}, /* 21 is not a tenth above 20 */
        {"sale 1 A@L", "ok: sale", NULL},
        {"return 2 A@L", "ok: return", NULL}, /* 22 is */
        {"sale 2 A@L", "ok: sale low_stock", NULL},
        {"set_policy item=A location=L reorder=15", "ok: set_policy", NULL},
        {"sale 5 A@L", "ok: sale low_stock", NULL},
        {"set_policy item=A location=L reorder=0", "ok: set_policy", NULL},
        {"# a threshold crossed by every path there is", NULL, NULL},
        {"receive 10 A@L 100 A@M", "ok: receive receive", NULL},
        {"set_policy item=A location=L reorder=5", "ok: set_policy", NULL},
        {"sale 10 A@L", "ok: sale low_stock out_of_stock", NULL},
        {"return 10 A@L", "ok: return back_in_stock", NULL},
        {"ship 10 A@L", "ok: ship low_stock out_of_stock", NULL},
        {"receive 10 A@L", "ok: receive back_in_stock", NULL},
        {"adjust -10 A@L reason=x", "ok: adjust low_stock out_of_stock", NULL},
        {"adjust 10 A@L reason=x", "ok: adjust back_in_stock", NULL},
        {"reclassify from=sellable to=damaged 10 A@L", "ok: reclassify low_stock out_of_stock", NULL},
        {"reclassify from=damaged to=sellable 10 A@L", "ok: reclassify back_in_stock", NULL},
        {"transfer to=M 10 A@L", "ok: transfer low_stock out_of_stock transfer", NULL},
        {"transfer to=L 10 A@M", "ok: transfer transfer back_in_stock", NULL},
        {"hold hold=H expires=10 10 A@L", "ok: hold low_stock out_of_stock", NULL},
        {"wait 11", "ok: expire back_in_stock", NULL},
        {"hold hold=I 10 A@L", "ok: hold low_stock out_of_stock", NULL},
        {"release hold=I", "ok: release back_in_stock", NULL},
        {"commit hold=J 10 A@L", "ok: commit low_stock out_of_stock", NULL},
        {"amend hold=J 4 A@L", "ok: amend back_in_stock", NULL},
        {"amend hold=J 10 A@L", "ok: amend low_stock out_of_stock", NULL},
        {"reassign hold=J to=M 10 A@L", "ok: reassign back_in_stock reassign", NULL},
        {"reassign hold=J to=L 10 A@M", "ok: reassign reassign low_stock out_of_stock", NULL},
    };
    WORLD_PLAY(rows);
}

static void lines_find_their_places(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# priority: in the order asked", NULL, NULL},
        {"receive 3 A@L 5 A@M 9 A@N 4 B@M", "ok: receive receive receive receive", NULL},
        {"hold hold=H locations=M,L rule=priority 6 A@", "ok: hold out_of_stock hold",
         "H: held of pos-1, A@M granted 5 held 5, A@L granted 1 held 1, ends +900"},
        {"hold hold=I locations=M,L 3 A@", "no_source, A@? asked 3 free 2", NULL},
        {"hold hold=I locations=M,Q 3 A@", "unknown_location Q", NULL},
        {"hold hold=I locations=M,L 3 Z@", "unknown_item Z", NULL},
        {"hold hold=I locations=M,L partial 3 A@", "ok: hold out_of_stock, A@? asked 3 free 2", NULL},
        {"hold hold=J partial locations=L 3 A@", "no_source, A@? asked 3 free 0", NULL},
        {"# its own holder finds its own units there", NULL, NULL},
        {"receive 3 A@L 5 A@M", "ok: receive receive", NULL},
        {"hold hold=H 3 A@L 5 A@M", "ok: hold out_of_stock hold out_of_stock", NULL},
        {"hold hold=H locations=M,L 6 A@", "ok: hold hold back_in_stock", "H: held of pos-1, A@L granted 3 held 1 released 2, A@M "
         "granted 5 held 5, ends +900"},
        {"# without a list: the channel's places, else where the item has cells, the oldest first", NULL, NULL},
        {"receive 3 A@L 5 A@M 9 A@N", "ok: receive receive receive", NULL},
        {"set_channel channel=web locations=N,M", "ok: set_channel", NULL},
        {"hold hold=H channel=web 2 A@", "ok: hold", "H: held of pos-1 through web, A@N granted 2 held 2, ends +900"},
        {"hold hold=I 4 A@", "ok: hold out_of_stock hold", "I: held of pos-1, A@L granted 3 held 3, A@M granted 1 held 1, ends +900"},
        {"hold hold=J fact 4 A@", "invalid missing_field line 0 location", NULL},
        {"commit hold=J 4 A@", "invalid missing_field line 0 location", NULL},
        {"hold hold=J IF:version=1 4 A@", "invalid bad_value if", NULL},
        {"hold hold=J 4 A@ if:version=1", "invalid missing_field line 0 location", NULL},
        {"# most stock first", NULL, NULL},
        {"receive 3 A@L 5 A@M 5 A@N", "ok: receive receive receive", NULL},
        {"hold hold=H locations=L,N,M rule=most_stock 7 A@", "ok: hold out_of_stock hold",
         "H: held of pos-1, A@N granted 5 held 5, A@M granted 2 held 2, ends +900"},
        {"# fewest splits: one place for everything, or those that cover most", NULL, NULL},
        {"receive 9 A@L 2 B@M 3 A@M 1 A@N 2 B@N 1 C@N", "ok: receive receive receive receive receive receive", NULL},
        {"hold hold=H locations=L,N,M rule=fewest_splits 2 A@ 1 B@ 1 A@", "ok: hold out_of_stock hold",
         "H: held of pos-1, A@M granted 3 held 3, B@M granted 1 held 1, ends +900"},
        {"hold hold=I locations=L,N,M rule=fewest_splits 1 A@ 2 B@ 1 C@", "ok: hold out_of_stock hold out_of_stock hold out_of_stock",
         "I: held of pos-1, A@N granted 1 held 1, B@N granted 2 held 2, C@N granted 1 held 1, ends +900"},
        {"hold hold=J locations=L,N,M rule=fewest_splits 3 A@ 1 B@ 1 B@N", "insufficient_stock, B@N asked 1 free 0", NULL},
        {"hold hold=J locations=N,M,L rule=fewest_splits 3 A@ 1 B@", "ok: hold hold out_of_stock",
         "J: held of pos-1, A@L granted 3 held 3, B@M granted 1 held 1, ends +900"},
        {"hold hold=K rule=fewest_splits 3 A@ 1 B@", "no_source, B@? asked 1 free 0", NULL},
        {"# bins take no promises", NULL, NULL},
        {"receive 3 A@L 5 A@BIN", "ok: receive receive", NULL},
        {"location location=BIN parent=L no_promise", "ok: config", NULL},
        {"hold hold=H 1 A@BIN", "no_promise BIN", NULL},
        {"commit hold=H 1 A@BIN", "no_promise BIN", NULL},
        {"hold hold=H 4 A@", "no_source, A@? asked 4 free 3", NULL},
        {"hold hold=H 2 A@", "ok: hold", NULL},
        {"reassign hold=H to=BIN 1 A@L", "no_promise BIN", NULL},
        {"commit fact hold=F 1 A@BIN", "ok: commit", NULL},
        {"sale 1 A@BIN", "ok: sale", NULL},
        {"# lines that name their place go first; what they take is gone", NULL, NULL},
        {"receive 3 A@L 5 A@M", "ok: receive receive", NULL},
        {"hold hold=H locations=L,M 2 A@L 3 A@", "ok: hold out_of_stock hold",
         "H: held of pos-1, A@L granted 3 held 3, A@M granted 2 held 2, ends +900"},
        {"# the rest without cover, where it may be; or it waits at the first place", NULL, NULL},
        {"receive 3 A@L 5 A@M", "ok: receive receive", NULL},
        {"set_policy item=A location=M backorders=4", "ok: set_policy", NULL},
        {"hold hold=H locations=L,M backorder 10 A@", "ok: hold out_of_stock hold out_of_stock",
         "H: held of pos-1, A@L granted 3 held 3, A@M granted 7 held 7 backordered 2, ends +900"},
        {"hold hold=I locations=L,M backorder 3 A@", "no_source, A@? asked 3 free 2", NULL},
        {"hold hold=W locations=L,M wait 2 A@", "ok: hold, A@L asked 2 free 0", "W: waiting of pos-1, A@L waiting 2, ends +900"},
        {"hold hold=W locations=L wait 9007199254740991 A@ 1 A@", "invalid out_of_range line 1 quantity", NULL},
        {"hold hold=W locations=L wait 0.5 A@", "invalid too_many_decimals line 0 quantity", NULL},
    };
    WORLD_PLAY(rows);
}

/* The world begins on 2023-11-14 at 22:13:20. */
static void what_comes_can_be_promised(void **state)
{
    (void)state;
    static const struct world_row rows[] = {
        {"# a hold for later is judged by what can be promised, and counts as going out until it is covered", NULL, NULL},
        {"receive 2 A@L", "ok: receive", NULL},
        {"expect expectation=PO direction=in due=2023-12-01 10 A@L", "ok: expect", "atp A@L 2023-11-30: 2; atp A@L 2023-12-01: 12"},
        {"hold hold=P at=2023-11-30 expires=0 3 A@L", "insufficient_stock, A@L asked 3 free 2", NULL},
        {"hold hold=P at=2023-12-01 expires=0 13 A@L", "insufficient_stock, A@L asked 13 free 12", NULL},
        {"hold hold=P at=2023-12-01 expires=0 7 A@L", "ok: hold",
         "P: waiting of pos-1, A@L waiting 7; A@L: sellable 2 incoming 10 outgoing 7 v3; atp A@L 2023-12-01: 5; atp A@L now: 2"},
        {"hold hold=Q at=2023-12-01 expires=0 6 A@L", "insufficient_stock, A@L asked 6 free 5", NULL},
        {"hold hold=P at=2023-12-01 expires=0 9 A@L", "ok: hold", "atp A@L 2023-12-01: 3"},
        {"hold hold=N at=2023-12-01 expires=0 1 A@L", "ok: hold", "N: held of pos-1, A@L granted 1 held 1"},
        {"receive expectation=PO 10 A@L", "ok: receive | hold",
         "P: held of pos-1, A@L granted 9 held 9; A@L: sellable 12 held 10 v7; atp A@L now: 2; expectation P: closed out"},
        {"# what is given up goes out no more", NULL, NULL},
        {"receive 1 A@L 1 B@L", "ok: receive receive", NULL},
        {"expect expectation=PO direction=in due=+3600 10 A@L 5 B@L", "ok: expect expect", NULL},
        {"hold hold=P at=+3600 expires=100 4 A@L 1 B@L", "ok: hold hold",
         "A@L: sellable 1 incoming 10 outgoing 4 v3; B@L: sellable 1 incoming 5 outgoing 1 v3"},
        {"release hold=P 1 A@L", "ok: release", "A@L: sellable 1 incoming 10 outgoing 3 v4"},
        {"hold hold=P at=+3600 expires=100 2 A@L", "ok: hold hold",
         "A@L: sellable 1 incoming 10 outgoing 2 v5; B@L: sellable 1 incoming 5 v4"},
        {"hold hold=P expires=100 wait 3 A@L", "ok: hold, A@L asked 3 free 1", "A@L: sellable 1 incoming 10 v6"},
        {"hold hold=Q at=+3600 expires=100 2 A@L", "ok: hold", "A@L: sellable 1 incoming 10 outgoing 2 v7"},
        {"wait 101", "ok: expire expire", "A@L: sellable 1 incoming 10 v9"},
        {"hold hold=Q at=+3600 expires=100 2 A@L", "hold_ended Q, consumed 0 released 0", NULL},
        {"# all that it names must be had then", NULL, NULL},
        {"receive 5 A@L 1 B@L", "ok: receive receive", NULL},
        {"hold hold=P at=+3600 5 A@L 2 B@L", "insufficient_stock, B@L asked 2 free 1", NULL},
        {"expect expectation=S direction=out due=+60 5 A@L", "ok: expect", NULL},
        {"expect expectation=I direction=in due=+60 5 B@L", "ok: expect", NULL},
        {"hold hold=P at=+3600 5 A@L 2 B@L", "insufficient_stock, A@L asked 5 free 0", NULL},
        {"expect expectation=T direction=in due=+60 5 B@L", "ok: expect", NULL},
        {"hold hold=T at=+3600 20 B@L", "expectation_closed T", NULL},
        {"hold hold=P at=+3600 partial 12 B@L", "insufficient_stock, B@L asked 12 free 11", NULL},
        {"hold hold=P at=+3600 12 C@M", "unknown_item C", NULL},
        {"hold hold=P at=+3600 12 A@", "insufficient_stock, A@L asked 12 free 0", NULL},
    };
    WORLD_PLAY(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story_s4_channels),
        cmocka_unit_test(quotas_are_used_once_and_given_back_once),
        cmocka_unit_test(availability_is_per_channel),
        cmocka_unit_test(backorders_are_covered_oldest_first),
        cmocka_unit_test(who_waits_is_served_in_order),
        cmocka_unit_test(orders_change),
        cmocka_unit_test(thresholds_are_crossed_on_every_path),
        cmocka_unit_test(lines_find_their_places),
        cmocka_unit_test(what_comes_can_be_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
