/*
 * Goal: configuration of items, locations and sources: units, aliases, merged names, components, the tree, zones, what
 * a source asks of its commands; and names that are given up and begin anew.
 * Method: tables in near-prose (ledger_world.h); each step is checked against a twin and by ledger_check. Forms are
 * written, read back, and read with every byte changed.
 */
#include "ledger_world.h"

static void quantities_in_units_are_exact(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# a case is 12, a dozen the same, a gram a thousandth of the item's kilogram", NULL, NULL},
        {"item item=A scale=0 unit:case=12 unit:third=1/3", "ok: config", ""},
        {"receive 2 A@L unit=case", "ok: receive", "A@L: sellable 24 v1"},
        {"receive 2 A@L unit=case 1 A@L", "ok: receive", "A@L: sellable 49 v2"},
        {"receive 6 A@L unit=third", "ok: receive", "A@L: sellable 51 v3"},
        {"adjust -1.5 A@L unit=case reason=x", "ok: adjust", "A@L: sellable 33 v4"},
        {"# what does not come out even is refused, and nothing is rounded", NULL, NULL},
        {"item item=A scale=1 unit:case=12 unit:third=1/3", "ok: config", ""},
        {"receive 1 A@L unit=third", "invalid uneven_unit line 0 quantity", "A@L: none"},
        {"receive 0.15 A@L unit=case", "ok: receive", "A@L: sellable 18 v1"},
        {"receive 0.01 A@L unit=case", "invalid uneven_unit line 0 quantity", "A@L: sellable 18 v1"},
        {"receive 1 A@L 9007199254740991 A@L unit=case", "invalid out_of_range line 1 quantity", ""},
        {"receive 3 A@L unit=third", "ok: receive", "A@L: sellable 28 v2"},
        {"# a unit is the item's, not anybody's", NULL, NULL},
        {"receive 1 A@L unit=case", "invalid unknown_unit line 0 unit", "A@L: none"},
        {"item item=A scale=0 unit:case=12", "ok: config", ""},
        {"receive 1 A@L unit=Case", "invalid unknown_unit line 0 unit", ""},
        {"receive 1 A@L unit=case", "ok: receive", "A@L: sellable 12 v1"},
        {"item item=A scale=0", "ok: config", ""},
        {"sale 1 A@L unit=case", "invalid unknown_unit line 0 unit", "A@L: sellable 12 v1"},
        {"item item=A scale=0 attributes={}", "ok: config", ""},
        {"sale 1 A@L unit=case", "invalid unknown_unit line 0 unit", "A@L: sellable 12 v1"},
        {"# nothing is nothing in any unit", NULL, NULL},
        {"item item=A scale=0 unit:case=12", "ok: config", ""},
        {"receive 1 A@L unit=case", "ok: receive", ""},
        {"commit hold=O 1 A@L unit=case", "ok: commit out_of_stock", ""},
        {"amend hold=O 0 A@L unit=case", "ok: amend back_in_stock", "O: released of pos-1, A@L granted 12 released 12"},
    };
    WORLD_PLAY(rows);
}

static void an_alias_is_its_sources_name_for_an_item(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# it resolves for that source alone", NULL, NULL},
        {"item item=A scale=0 alias:shop=X-1 alias:till=4711", "ok: config", ""},
        {"receive 5 X-1@L source=shop", "ok: receive", "A@L: sellable 5 v1; X-1@L: none"},
        {"sale 2 4711@L source=till", "ok: sale", "A@L: sellable 3 v2"},
        {"hold 1 X-1@L source=shop hold=H", "ok: hold", "H: held of shop, A@L granted 1 held 1, ends +900"},
        {"hold 1 X-1@L source=till hold=H2", "unknown_item X-1", ""},
        {"sale 1 A@L source=shop", "ok: sale", "A@L: sellable 2 held 1 v4"},
        {"# the same cell by both names is one cell", NULL, NULL},
        {"item item=A scale=0 alias:shop=X-1", "ok: config", ""},
        {"receive 5 A@L", "ok: receive", ""},
        {"hold 3 X-1@L 3 A@L source=shop hold=H", "insufficient_stock, A@L asked 6 free 5", ""},
        {"# one name means different items to different sources", NULL, NULL},
        {"item item=A scale=0 alias:shop=1", "ok: config", ""},
        {"item item=B scale=0 alias:till=1", "ok: config", ""},
        {"receive 5 1@L source=shop", "ok: receive", "A@L: sellable 5 v1"},
        {"receive 7 1@L source=till", "ok: receive", "B@L: sellable 7 v1"},
        {"# no item may come to be that has somebody's alias as its name", NULL, NULL},
        {"item item=A scale=0 alias:shop=X-1", "ok: config", ""},
        {"receive 1 X-1@L source=till", "alias_in_use X-1", "X-1@L: none"},
        {"item item=X-1 scale=0", "alias_in_use X-1", ""},
        {"receive 1 B@L source=till", "ok: receive", ""},
        {"# no alias may be another item's name or the same source's alias", NULL, NULL},
        {"item item=A scale=0 alias:shop=X-1", "ok: config", ""},
        {"item item=B scale=0 alias:shop=A", "alias_in_use A", ""},
        {"item item=B scale=0 alias:shop=X-1", "alias_in_use X-1", ""},
        {"item item=B scale=0 alias:shop=B", "ok: config", ""},
        {"item item=A scale=0 alias:shop=X-1 alias:shop=X-2", "ok: config", ""},
        {"# a PUT replaces the aliases; the name is free then", NULL, NULL},
        {"item item=A scale=0 alias:shop=X-1", "ok: config", ""},
        {"item item=A scale=0", "ok: config", ""},
        {"receive 1 X-1@L source=shop", "ok: receive", "X-1@L: sellable 1 v1"},
        {"# nobody but the ledger makes merged names", NULL, NULL},
        {"item item=A scale=0 alias:=X", "invalid bad_value aliases", ""},
        {"# a refused body leaves no source behind", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=B scale=0 alias:new=A", "alias_in_use A", ""},
        {"delete_source name=new", "unknown_source new", ""},
    };
    WORLD_PLAY(rows);
}

static void merged_names_are_everybodys(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# the name goes over, with the names it had", NULL, NULL},
        {"item item=A scale=0 alias:till=1", "ok: config", ""},
        {"item item=a scale=0 alias:shop=x", "ok: config", ""},
        {"item item=a merge=A", "ok: config config", ""},
        {"receive 5 a@L source=any", "ok: receive", "A@L: sellable 5 v1; a@L: none"},
        {"receive 5 x@L source=shop", "ok: receive", "A@L: sellable 10 v2"},
        {"hold 1 a@L hold=H", "ok: hold", ""},
        {"item item=a merge=A", "ok: config", ""},
        {"# a PUT of the other leaves its merged names, and replaces the rest", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=a merge=A", "ok: config", ""},
        {"item item=b merge=A", "ok: config", ""},
        {"item item=A scale=1 unit:case=12 alias:shop=x", "ok: config", ""},
        {"receive 0.5 a@L", "ok: receive", "A@L: sellable 5 v1"},
        {"receive 1 b@L unit=case", "ok: receive", "A@L: sellable 125 v2"},
        {"item item=a scale=0", "alias_in_use a", ""},
        {"item item=B scale=0 alias:shop=a", "alias_in_use a", ""},
        {"delete_item item=a", "ok: config", ""},
        {"receive 1 a@L", "ok: receive", "a@L: sellable 1 v1; A@L: sellable 125 v2"},
        {"receive 1 b@L unit=case", "ok: receive", "A@L: sellable 245 v3"},
        {"# a name that still has something is not merged", NULL, NULL},
        {"receive 5 A@L 3 a@L", "ok: receive receive", ""},
        {"hold 1 a@L hold=H", "ok: hold", ""},
        {"item item=a merge=A", "in_use a, a@L asked 4 free 0", ""},
        {"release hold=H", "ok: release", ""},
        {"transfer 3 a@L to=M", "ok: transfer out_of_stock transfer", ""},
        {"item item=a merge=A", "in_use a, a@M asked 3 free 0", ""},
        {"sale 3 a@M", "ok: sale out_of_stock", ""},
        {"item item=a merge=A IF:version=1", "precondition_failed a", ""},
        {"item item=a merge=A", "ok: config config", "a@L: none"},
        {"sale 1 a@L", "ok: sale", "A@L: sellable 4 v2"},
        {"# it must have somewhere to go", NULL, NULL},
        {"item item=a scale=0", "ok: config", ""},
        {"item item=a merge=a", "circular a", ""},
        {"item item=a merge=A", "unknown_item A", ""},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=K scale=0 part:a=1", "ok: config", ""},
        {"item item=a merge=A", "in_use K", ""},
        {"item item=B scale=0 alias:shop=z", "ok: config", ""},
        {"item item=z merge=A", "alias_in_use z", ""},
        {"# a merged name is one item's, and given up as it was seen", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=B scale=0", "ok: config", ""},
        {"item item=a merge=A", "ok: config", ""},
        {"item item=a merge=B", "alias_in_use a", ""},
        {"delete_item item=a IF:version=2", "precondition_failed a", ""},
        {"delete_item item=a IF:version=4", "ok: config", ""},
        {"# its names find their places among those of the other", NULL, NULL},
        {"item item=A scale=0 alias:shop=m alias:till=1", "ok: config", ""},
        {"item item=a scale=0 alias:abc=q alias:shop=a alias:shop=z alias:zzz=y", "ok: config", ""},
        {"item item=a merge=A", "ok: config config", ""},
        {"receive 1 z@L source=shop 1 a@L source=shop 1 m@L", "ok: receive", "A@L: sellable 3 v1"},
    };
    WORLD_PLAY(rows);
}

static void a_name_given_up_begins_anew(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# mistake: a SKU re-created: its number, figures, versions, scale, units and aliases stay behind", NULL, NULL},
        {"item item=A scale=2 unit:case=12 alias:shop=x", "ok: config", ""},
        {"receive 5 A@L", "ok: receive", "$A: supplier -500"},
        {"sale 5 A@L", "ok: sale out_of_stock", "A@L: v3"},
        {"delete_item item=A", "ok: config", "A@L: none"},
        {"sale 1 A@L guard", "unknown_item A", ""},
        {"delete_item item=A", "unknown_item A", ""},
        {"receive 7 A@L", "ok: receive", "A@L: sellable 7 v1; $A: supplier -7"},
        {"receive 1 A@L unit=case", "invalid unknown_unit line 0 unit", ""},
        {"receive 1 x@L source=shop", "ok: receive", "x@L: sellable 1 v1"},
        {"# what it still has is in the way", NULL, NULL},
        {"receive 5 A@L 2 A@M", "ok: receive receive", ""},
        {"receive 1 damaged A@N", "ok: receive", ""},
        {"delete_item item=A", "in_use A, A@N asked 1 free 0, A@M asked 2 free 0, A@L asked 5 free 0", ""},
        {"adjust -6 A@L reason=x", "ok: adjust discrepancy(below_zero 1) oversold(1) out_of_stock", ""},
        {"sale 2 A@M", "ok: sale out_of_stock", ""},
        {"adjust -1 damaged A@N reason=x", "ok: adjust", ""},
        {"delete_item item=A", "in_use A, A@L asked 1 free 0", ""},
        {"adjust 1 A@L reason=x", "ok: adjust", ""},
        {"delete_item item=A IF:version=1", "precondition_failed A", ""},
        {"delete_item item=A", "ok: config", ""},
        {"# nothing is found at a location that was given up, whatever its policy was", NULL, NULL},
        {"receive 1 A@L", "ok: receive", ""},
        {"set_policy item=A location=L backorders=9", "ok: set_policy", ""},
        {"transfer 1 A@L to=M", "ok: transfer out_of_stock transfer", ""},
        {"delete_location location=L", "ok: config", ""},
        {"hold 5 A@ hold=H backorder", "no_source, A@? asked 5 free 1", ""},
        {"# claims that stand on it are named", NULL, NULL},
        {"receive 5 A@L 5 B@L", "ok: receive receive", ""},
        {"hold 1 A@L hold=H1", "ok: hold", ""},
        {"hold 1 B@L hold=H2", "ok: hold", ""},
        {"hold 1 A@L 1 B@L hold=H3", "ok: hold hold", ""},
        {"commit hold=H3", "ok: commit commit", ""},
        {"delete_item item=A", "claims_open A, claims 2: H1 H3", ""},
        {"delete_location location=L", "claims_open L, claims 3: H1 H2 H3", ""},
        {"receive 5 A@M", "ok: receive", ""},
        {"hold 1 A@M hold=H4", "ok: hold", ""},
        {"commit 1 A@M 1 B@L hold=H5", "ok: commit commit", ""},
        {"ship 1 B@L hold=H5", "ok: ship", ""},
        {"delete_location location=L", "claims_open L, claims 3: H1 H2 H3", ""},
        {"release hold=H4", "ok: release", ""},
        {"ship hold=H5", "ok: ship", ""},
        {"sale 4 A@M", "ok: sale out_of_stock", ""},
        {"release hold=H1", "ok: release", ""},
        {"ship hold=H3", "ok: ship ship", ""},
        {"delete_item item=A", "in_use A, A@L asked 4 free 0", ""},
        {"sale 4 A@L", "ok: sale out_of_stock", ""},
        {"delete_item item=A", "ok: config", "H3: consumed of pos-1, A@L granted 1 consumed 1, B@L granted 1 consumed 1"},
        {"# those that were forgotten are not", NULL, NULL},
        {"receive 5 A@L", "ok: receive", ""},
        {"hold 1 A@L hold=H1", "ok: hold", ""},
        {"hold 1 A@L hold=H2", "ok: hold", ""},
        {"hold 1 A@L hold=H3 expires=0", "ok: hold", ""},
        {"wait 900", "ok: expire expire", ""},
        {"wait 604801", "ok:", ""},
        {"tick", "ok:", "H1: none"},
        {"delete_item item=A", "claims_open A, claims 1: H3", ""},
        {"# a location", NULL, NULL},
        {"receive 5 A@L", "ok: receive", ""},
        {"receive 1 A@M", "ok: receive", ""},
        {"delete_location location=L", "in_use L, A@L asked 5 free 0", ""},
        {"transfer 5 A@L to=M", "ok: transfer out_of_stock transfer", ""},
        {"delete_location location=L IF:version=9", "precondition_failed L", ""},
        {"delete_location location=L", "ok: config", "A@L: none; A@M: sellable 6 v2"},
        {"delete_location location=L", "unknown_location L", ""},
        {"sale 1 A@L guard", "unknown_location L", ""},
        {"receive 1 A@L", "ok: receive", "A@L: sellable 1 v1"},
        {"# quotas are in the way, policies are not; a channel that sells from there is", NULL, NULL},
        {"receive 5 A@L", "ok: receive", ""},
        {"sale 5 A@L", "ok: sale out_of_stock", ""},
        {"set_policy item=A location=L safety=3 reorder=9", "ok: set_policy low_stock", ""},
        {"set_channel channel=web locations=L", "ok: set_channel", ""},
        {"allocate channel=web item=A location=L units=4", "ok: allocate", ""},
        {"delete_item item=A", "in_use A, A@L asked 4 free 0", ""},
        {"allocate channel=web item=A location=L units=0", "ok: allocate", ""},
        {"delete_location location=L", "in_use web", ""},
        {"set_channel channel=web locations=", "ok: set_channel", ""},
        {"delete_item item=A", "ok: config", ""},
        {"delete_location location=L", "ok: config", ""},
        {"receive 5 A@L", "ok: receive", "A@L: sellable 5 v1"},
        {"# who waits for it is named too", NULL, NULL},
        {"receive 1 A@L", "ok: receive", ""},
        {"sale 1 A@L", "ok: sale out_of_stock", ""},
        {"hold 1 A@L hold=H1 wait", "ok: hold, A@L asked 1 free 0", ""},
        {"delete_item item=A", "claims_open A, claims 1: H1", ""},
        {"item item=B scale=0", "ok: config", ""},
        {"item item=A merge=B", "claims_open A, claims 1: H1", ""},
        {"release hold=H1", "ok: release", ""},
        {"delete_item item=A", "ok: config", ""},
        {"# a source: its mark stays behind, the ids it gave are still remembered", NULL, NULL},
        {"receive 1 A@L source=wms seq=9 id=one", "ok: receive", ""},
        {"receive 1 A@L source=wms seq=9 id=two", "seq_passed", ""},
        {"delete_source name=wms", "ok: config", ""},
        {"receive 1 A@L source=wms seq=9 id=one", "duplicate of 2", ""},
        {"receive 1 A@L source=wms seq=3 id=three", "ok: receive", "A@L: sellable 2 v2"},
        {"delete_source name=@ledger", "unknown_source @ledger", ""},
        {"item item=A scale=0 alias:wms=x", "ok: config", ""},
        {"delete_source name=wms", "in_use wms", ""},
        {"item item=A scale=0", "ok: config", ""},
        {"delete_source name=wms", "ok: config", ""},
    };
    WORLD_PLAY(rows);
}

static void a_kit_contains_no_kit(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# neither itself nor another", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=B scale=2", "ok: config", ""},
        {"item item=K scale=0 part:A=2 part:B=0.25", "ok: config", ""},
        {"item item=K scale=0 part:K=1", "circular K", ""},
        {"item item=A scale=0 part:B=1", "kit_in_kit A", ""},
        {"item item=KK scale=0 part:A=1 part:K=1", "kit_in_kit K", ""},
        {"# a merged name means the other item, and goes without it", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=B scale=0", "ok: config", ""},
        {"item item=z merge=A", "ok: config", ""},
        {"item item=K scale=0 part:B=1 part:z=2", "ok: config", ""},
        {"item item=k merge=K", "ok: config", ""},
        {"item item=K scale=0 part:A=2 part:z=2", "invalid bad_value components", ""},
        {"item item=K scale=0 part:A=2 part:k=2", "circular K", ""},
        {"item item=C scale=0 part:k=1", "kit_in_kit K", ""},
        {"delete_item item=z", "ok: config", ""},
        {"item item=K scale=0 part:B=1 part:z=2", "unknown_item z", ""},
        {"delete_item item=A", "in_use K", ""},
        {"receive 4 A@L 3 B@L", "ok: receive receive", ""},
        {"sale 1 K@L source=till", "ok: sale sale", "A@L: sellable 2 v2; B@L: sellable 2 v2"},
        {"# its components are there, and stay", NULL, NULL},
        {"item item=K scale=0 part:A=1", "unknown_item A", ""},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=K scale=0 part:A=0.5", "invalid too_many_decimals components", ""},
        {"item item=B scale=1", "ok: config", ""},
        {"item item=K scale=0 part:B=9007199254740991", "invalid out_of_range components", ""},
        {"item item=K scale=0 part:A=1", "ok: config", ""},
        {"item item=A scale=1", "scale_in_use A", ""},
        {"delete_item item=A", "in_use K", ""},
        {"item item=K scale=0", "ok: config", ""},
        {"delete_item item=A", "ok: config", ""},
    };
    WORLD_PLAY(rows);
}

static void locations_form_trees(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# no location is above itself", NULL, NULL},
        {"location location=A", "ok: config", ""},
        {"location location=B parent=A", "ok: config", ""},
        {"location location=C parent=B no_promise", "ok: config", ""},
        {"location location=A parent=A", "circular A", ""},
        {"location location=A parent=C", "circular C", ""},
        {"location location=N parent=N", "circular N", ""},
        {"location location=D parent=X", "unknown_location X", ""},
        {"location location=B parent=A IF:version=1", "precondition_failed B", ""},
        {"location location=B", "ok: config", ""},
        {"location location=A parent=C", "ok: config", ""},
        {"# what has children stays", NULL, NULL},
        {"location location=A", "ok: config", ""},
        {"location location=B parent=A", "ok: config", ""},
        {"delete_location location=A", "in_use B", ""},
        {"delete_location location=B", "ok: config", ""},
        {"delete_location location=A", "ok: config", ""},
    };
    WORLD_PLAY(rows);
}

/* Each level one below the other, from `first` on: PREFIX0, PREFIX1 ... The first is below `above`, if any. */
static void locations_below(struct world *world, const char *prefix, const char *above, unsigned count)
{
    char command[64];
    for (unsigned n = 0; n < count; n++) {
        if (n == 0)
            (void)snprintf(command, sizeof(command), "location location=%s0%s%s", prefix, above ? " parent=" : "",
                           above ? above : "");
        else
            (void)snprintf(command, sizeof(command), "location location=%s%u parent=%s%u", prefix, n, prefix, n - 1);
        world_step(world, command);
        assert_string_equal(world->answer, "ok: config");
    }
}

static void trees_have_a_bounded_depth(void **state)
{
    (void)state;
    static struct world world;
    static const char *const rows[][2] = {
        {"location location=deeper parent=A31", "too_deep A31"},
        {"location location=A31 parent=A30", "ok: config"}, /* as it is */
        {"location location=B0 parent=A28", "ok: config"},  /* three levels below 29 */
        {"location location=B0 parent=A29", "too_deep A29"},
        {"location location=side parent=B2", "too_deep B2"},
        {"location location=side parent=B1", "ok: config"},
        {"location location=B1 parent=A29", "ok: config"}, /* two below 30 */
        {"location location=B1 parent=A30", "too_deep A30"},
        {"location location=side", "ok: config"},
        {"location location=A0 parent=side", "too_deep side"},
        {"location location=A0 parent=A31", "circular A31"},
        {"delete_location location=A31", "ok: config"},
        {"location location=A0 parent=side", "too_deep side"}, /* B2 is as far down */
        {"location location=B1", "ok: config"},
        {"location location=A0 parent=side", "ok: config"},
    };
    world_init(&world, &world_limits);
    locations_below(&world, "A", NULL, LOCATION_LEVELS_MAX);
    locations_below(&world, "B", NULL, 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_step(&world, rows[i][0]);
        assert_string_equal(world.answer, rows[i][1]);
    }
    world_deinit(&world);
}

static void a_source_asks_things_of_its_commands(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# ordered: every command is numbered", NULL, NULL},
        {"source name=wms ordered", "ok: config", ""},
        {"receive 1 A@L source=wms", "invalid missing_field seq", ""},
        {"receive 1 A@L source=wms seq=1", "ok: receive", ""},
        {"receive 1 A@L source=shop", "ok: receive", ""},
        {"source name=wms", "ok: config", ""},
        {"receive 1 A@L source=wms", "ok: receive", ""},
        {"# strict: it makes no names", NULL, NULL},
        {"source name=wms strict", "ok: config", ""},
        {"receive 1 A@L source=wms", "unknown_item A", ""},
        {"receive 1 A@L", "ok: receive", ""},
        {"transfer 1 A@L to=M source=wms", "unknown_location M", ""},
        {"receive 1 A@L source=wms", "ok: receive", ""},
        {"# what comes back is in this condition", NULL, NULL},
        {"source name=shop returns=quality_control", "ok: config", ""},
        {"return 1 A@L source=shop", "ok: return", "A@L: quality_control 1 v1"},
        {"return 1 damaged A@L source=shop", "ok: return", "A@L: damaged 1 quality_control 1 v2"},
        {"return 1 A@L", "ok: return back_in_stock", "A@L: sellable 1 damaged 1 quality_control 1 v4"},
        {"receive 1 A@L source=shop", "ok: receive", "A@L: sellable 2 damaged 1 quality_control 1 v5"},
        {"# its holds last so long", NULL, NULL},
        {"source name=shop holds=60", "ok: config", ""},
        {"receive 9 A@L", "ok: receive", ""},
        {"hold 1 A@L source=shop hold=H1", "ok: hold", "H1: held of shop, A@L granted 1 held 1, ends +60"},
        {"hold 1 A@L source=shop hold=H2 expires=5", "ok: hold", "H2: held of shop, A@L granted 1 held 1, ends +5"},
        {"hold 1 A@L hold=H3", "ok: hold", "H3: held of pos-1, A@L granted 1 held 1, ends +900"},
        {"source name=shop holds=0", "ok: config", ""},
        {"hold 1 A@L source=shop hold=H4", "ok: hold", "H4: held of shop, A@L granted 1 held 1"},
        {"source name=shop IF:version=1", "precondition_failed shop", ""},
        {"delete_source name=shop IF:version=1", "precondition_failed shop", ""},
    };
    WORLD_PLAY(rows);
}

static void the_reader_can_still_name_what_was_given_up(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 5 A@L");
    world_step(&world, "location location=L parent=P");
    world_step(&world, "sale 5 A@L");
    uint32_t item = ledger_number(world.ledger, NAME_ITEM, TEXT("A"));
    uint32_t location = ledger_number(world.ledger, NAME_LOCATION, TEXT("L"));
    world_step(&world, "delete_item item=A");
    world_step(&world, "delete_location location=L");
    assert_true(ledger_retired(world.ledger, NAME_ITEM, item));
    assert_true(text_equal(ledger_name(world.ledger, NAME_ITEM, item), TEXT("A")));
    assert_true(text_equal(ledger_name(world.ledger, NAME_LOCATION, location), TEXT("L")));
    struct item_view view;
    assert_false(ledger_item(world.ledger, item, &view));
    world_step(&world, "receive 1 A@L");
    assert_int_not_equal(ledger_number(world.ledger, NAME_ITEM, TEXT("A")), item);
    assert_int_equal(ledger_counts(world.ledger).items, 1);
    /* A new item at an old place, and the other way round: neither sees the other's cell. */
    world_step(&world, "receive 1 A@M");
    world_step(&world, "sale 1 A@M");
    world_step(&world, "delete_location location=M");
    uint32_t again = ledger_number(world.ledger, NAME_ITEM, TEXT("A"));
    uint32_t cells = 0;
    for (uint32_t c = NUMBER_NONE; (c = ledger_cell_next(world.ledger, again, c)) != NUMBER_NONE;)
        cells++;
    assert_int_equal(cells, 1);
    world_deinit(&world);
}

/* What was looked up ahead of a DELETE does not reach what the old name had. */
static void names_looked_up_ahead_are_looked_up_again(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "receive 5 A@L");
    world_step(&world, "sale 5 A@L");
    world_parse(&world, "receive 1 A@L source=pos-1");
    struct command *ahead[] = {&world.command};
    ledger_prepare(world.ledger, ahead, 1);
    struct command prepared = world.command;
    char text[sizeof(world.text)];
    memcpy(text, world.text, sizeof(text));
    struct command_line line = world.lines[0];
    world_step(&world, "delete_item item=A");
    memcpy(world.text, text, sizeof(text));
    world.lines[0] = line;
    world.command = prepared;
    world.command.fingerprint = 1;
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.code, CODE_none);
    world_evolve(&world);
    ledger_check(world.ledger);
    world_say_state(&world, "A@L");
    assert_string_equal(world.answer, "A@L: sellable 1 v1");
    world_deinit(&world);
}

static void limits_are_named(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.alias_count_max = 2;
    world_init(&world, &limits);
    world_step(&world, "item item=A scale=0 alias:s=1 alias:s=2 alias:s=3");
    assert_string_equal(world.answer, "invalid limit_reached");
    assert_non_null(strstr(world.verdict.detail, "--aliases-max"));
    world_step(&world, "item item=A scale=0 alias:s=1 alias:s=2");
    assert_string_equal(world.answer, "ok: config");
    /* Its own names make room for those that replace them. */
    world_step(&world, "item item=A scale=0 alias:s=3 alias:s=4");
    assert_string_equal(world.answer, "ok: config");
    world_step(&world, "item item=B scale=0 alias:s=1");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_step(&world, "item item=b merge=A");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_deinit(&world);

    limits = world_limits;
    limits.config_mib_max = 0;
    world_init(&world, &limits);
    world_step(&world, "item item=A scale=0");
    assert_string_equal(world.answer, "ok: config");
    world_step(&world, "item item=A scale=0 unit:case=12");
    assert_string_equal(world.answer, "invalid limit_reached");
    assert_non_null(strstr(world.verdict.detail, "--config-mib"));
    world_deinit(&world);
}

/* Bodies come and go for as long as one likes: their memory is used again. */
static void memory_of_bodies_is_used_again(void **state)
{
    (void)state;
    static struct world world;
    char prose[1200];
    char padding[1025];
    memset(padding, 'x', sizeof(padding));
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 3000; i++) {
        padding[1000 - i % 7 * 100] = '\0';
        (void)snprintf(prose, sizeof(prose), "item id= item=I%u scale=0 attributes=%s", i % 40, padding);
        padding[1000 - i % 7 * 100] = 'x';
        world_parse(&world, prose);
        ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
        assert_int_equal(world.verdict.code, CODE_none);
        world_evolve(&world);
    }
    ledger_check(world.ledger);
    world_deinit(&world);
}

/* ---- forms ---- */

static const struct zone berlin = {
    .name = {"Europe/Berlin", 13},
    .offset_s = 3600,
    .change_count = 2,
    /* 2026-03-29T01:00Z to summer time, 2026-10-25T01:00Z back */
    .changes = {{1774746000, 7200}, {1792890000, 3600}},
};

static int64_t utc(int64_t seconds)
{
    return seconds * SECOND_US;
}

static void zones_turn_local_times_into_moments(void **state)
{
    (void)state;
    const struct {
        int64_t local_s, utc_s;
        const char *what;
    } rows[] = {
        {1767225600, 1767222000, "2026-01-01T00:00 in winter"},
        {1782864000, 1782856800, "2026-07-01T00:00 in summer"},
        {1774749599, 1774745999, "01:59:59, the last second before the leap"},
        {1774751400, 1774747800, "02:30 does not exist: as 03:30"},
        {1774753200, 1774746000, "03:00, the first second after it"},
        {1792891800, 1792884600 , "02:30 comes twice: the first"},
        {1792897200, 1792893600, "03:00 after going back"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = zone_to_utc_us(&berlin, utc(rows[i].local_s));
        if (got != utc(rows[i].utc_s))
            fail_msg("%s: %" PRId64 ", not %" PRId64, rows[i].what, got / SECOND_US, rows[i].utc_s);
    }
    assert_int_equal(zone_offset_s(&berlin, utc(1774745999)), 3600);
    assert_int_equal(zone_offset_s(&berlin, utc(1774746000)), 7200);
    assert_int_equal(zone_offset_s(&berlin, utc(1792890000)), 3600);
    /* A zone whose clocks leap over midnight: that day begins with the leap. */
    const struct zone leaping = {.name = {"x", 1}, .change_count = 2, .changes = {{86400, 3600}, {2 * 86400 - 3600 + 1800, 0}}};
    assert_int_equal(zone_day_start_us(&leaping, utc(86400)), utc(86400));
    /* And one whose midnight comes twice: the first. */
    assert_int_equal(zone_day_start_us(&leaping, utc(2 * 86400)), utc(2 * 86400 - 3600));
    assert_int_equal(zone_day_start_us(&leaping, utc(3 * 86400)), utc(3 * 86400));
    /* Nothing comes behind the last change: it may leap as well. */
    const struct zone last = {.name = {"x", 1}, .change_count = 1, .changes = {{86400, 3600}}};
    assert_int_equal(zone_day_start_us(&last, utc(86400)), utc(86400));
    assert_int_equal(zone_to_utc_us(&last, utc(86400 + 1800)), utc(86400 + 1800));
}

static void days_begin_by_the_nearest_zone_above(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    world_step(&world, "location location=DE zone=3600");
    world_step(&world, "location location=BER parent=DE");
    world_step(&world, "location location=BIN parent=BER no_promise");
    world_step(&world, "location location=NYC parent=DE zone=-18000");
    world_step(&world, "location location=SEA");
    const struct {
        struct text name;
        int64_t start_s;
    } rows[] = {{TEXT("DE"), 82800}, {TEXT("BER"), 82800}, {TEXT("BIN"), 82800}, {TEXT("NYC"), 104400},
                {TEXT("SEA"), 86400}};
    for (size_t i = 0; i < 5; i++) {
        uint32_t number = ledger_number(world.ledger, NAME_LOCATION, rows[i].name);
        assert_int_equal(location_day_start_us(world.ledger, number, utc(86400)), utc(rows[i].start_s));
        assert_int_equal(ledger_location_within(world.ledger, number, ledger_number(world.ledger, NAME_LOCATION, TEXT("DE"))),
                         i < 4);
        assert_int_equal(ledger_location_promises(world.ledger, number), i != 2);
        assert_int_equal(ledger_location_has_children(world.ledger, number), i < 2);
    }
    world_deinit(&world);
}

static size_t whole_item(uint8_t *form)
{
    static struct item_config config;
    bool fits;
    config = (struct item_config){.unit_count = 2, .alias_count = 3, .component_count = 1,
                                  .gtin = TEXT("4006381333931"), .attributes = TEXT("{\"a\":1}")};
    config.units[0] = (struct config_unit){TEXT("case"), 12, 1};
    config.units[1] = (struct config_unit){TEXT("third"), 1, 3};
    config.aliases[0] = (struct config_alias){TEXT_NONE, TEXT("old")};
    config.aliases[1] = (struct config_alias){TEXT("shop"), TEXT("x")};
    config.aliases[2] = (struct config_alias){TEXT("shop"), TEXT("xx")};
    config.components[0] = (struct config_component){TEXT("P"), {25, 1}};
    size_t n = item_config_write(&config, form, &fits);
    assert_true(fits);
    return n;
}

/* One value has one form: whatever bytes are accepted are those the writer makes of what was read. */
static void only_what_is_written_is_read(void **state)
{
    (void)state;
    static uint8_t form[CONFIG_BYTES_MAX], again[CONFIG_BYTES_MAX];
    static struct item_config item;
    static struct location_config location;
    static struct source_config source;
    location = (struct location_config){.parent = TEXT("P"), .no_promise = true, .zone = berlin, .attributes = TEXT("{}"),
                                        .shortfall = {2, {SHORTFALL_UNPAID, SHORTFALL_NEWEST}}};
    source = (struct source_config){.zone = berlin, .ordered = true, .strict = true,
                                    .default_condition = CONDITION_DAMAGED, .expires_in_ms = 300,
                                    .silence = {.after_s = 600, .buffer = 2, .place_count = 2},
                                    .age_limit_ms = 90000, .count_limit = {true, true, 300, 200},
                                    .max_change = {true, false, 5, 0}, .snapshot_policy = 4, .pair = true,
                                    .policies = {2, {TEXT("A"), TEXT("B")}, {0, 3}}};
    source.silence.places[0] = TEXT("L1");
    source.silence.places[1] = TEXT("L2");
    for (unsigned which = 0; which < 3; which++) {
        bool fits = true;
        size_t n = which == 0 ? whole_item(form)
                   : which == 1 ? location_config_write(&location, form, &fits)
                                : source_config_write(&source, form, &fits);
        assert_true(fits && n > 10);
        unsigned accepted = 0;
        for (size_t length = 0; length <= n; length++) {
            for (size_t at = 0; at < (length == n ? n : 1); at++) {
                for (unsigned change = 0; change < (length == n ? 256u : 1u); change++) {
                    form[at] ^= (uint8_t)change;
                    struct text text = text_of((const char *)form, length);
                    bool ok = which == 0 ? item_config_read(text, &item)
                              : which == 1 ? location_config_read(text, &location)
                                           : source_config_read(text, &source);
                    if (ok) {
                        size_t m = which == 0 ? item_config_write(&item, again, &fits)
                                   : which == 1 ? location_config_write(&location, again, &fits)
                                                : source_config_write(&source, again, &fits);
                        assert_int_equal(m, length);
                        assert_memory_equal(again, form, m);
                        accepted++;
                    }
                    form[at] ^= (uint8_t)change;
                }
            }
        }
        assert_true(accepted > n);
    }
}

/* A criterion of a shortfall stands there once, and there is one at least. */
static void criteria_are_not_repeated(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        size_t length;
        bool good;
    } rows[] = {
        {"\x10\x01\x03", 3, true},  {"\x10\x04\x03\x00\x01\x02", 6, true}, {"\x10\x00", 2, false}, {"\x10", 1, false},
        {"\x10\x01\x04", 3, false}, {"\x10\x02\x01\x01", 4, false},         {"\x10\x02\x01", 3, false},
        {"\x10\x05\x03\x00\x01\x02\x02", 7, false},
    };
    struct location_config location;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(location_config_read(text_of(rows[i].form, rows[i].length), &location), rows[i].good);
}

/* Numbers beyond what the model allows can be written, and are not read. */
static void forms_are_bounded(void **state)
{
    (void)state;
    static uint8_t form[CONFIG_BYTES_MAX];
    static struct item_config item, read_item;
    static struct location_config location, read_location;
    static const struct {
        int64_t numerator, denominator, digits, from_s;
        bool good;
    } rows[] = {
        {UNIT_NUMERATOR_MAX, UNIT_DENOMINATOR_MAX - 1, QUANTITY_UNITS_MAX, -ZONE_TIME_S_MAX, true},
        {UNIT_NUMERATOR_MAX + 1, 1, 1, -ZONE_TIME_S_MAX - 1, false},
        {1, UNIT_DENOMINATOR_MAX + 1, 1, ZONE_TIME_S_MAX + 1, false},
        {1, 1, QUANTITY_UNITS_MAX + 1, -ZONE_TIME_S_MAX - 1, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool fits;
        item = (struct item_config){.unit_count = 1, .component_count = 1};
        item.units[0] = (struct config_unit){TEXT("u"), rows[i].numerator, rows[i].denominator};
        item.components[0] = (struct config_component){TEXT("P"), {rows[i].digits, 0}};
        size_t n = item_config_write(&item, form, &fits);
        assert_int_equal(item_config_read(text_of((const char *)form, n), &read_item), rows[i].good);
        location = (struct location_config){.zone = {.name = TEXT("z"), .change_count = 1}};
        location.zone.changes[0] = (struct zone_change){rows[i].from_s, 60};
        n = location_config_write(&location, form, &fits);
        assert_int_equal(location_config_read(text_of((const char *)form, n), &read_location), rows[i].good);
    }
}

/* The largest quantity that a unit can make is the largest there is, whatever is multiplied on the way. */
static void units_stay_in_range(void **state)
{
    (void)state;
    static const struct {
        struct decimal quantity;
        int64_t numerator;
        unsigned scale;
        enum unit_status status;
    } rows[] = {
        {{QUANTITY_UNITS_MAX, 0}, 1, 0, UNIT_OK},
        {{QUANTITY_UNITS_MAX, 0}, 2, 0, UNIT_OUT_OF_RANGE},
        {{QUANTITY_UNITS_MAX, 0}, UNIT_NUMERATOR_MAX, 0, UNIT_OUT_OF_RANGE}, /* beyond 2^63 */
        {{QUANTITY_UNITS_MAX, 0}, 1000, 6, UNIT_OUT_OF_RANGE},               /* beyond it with the scale alone */
        {{-QUANTITY_UNITS_MAX, 0}, 1, 0, UNIT_OK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_unit unit = {TEXT("u"), rows[i].numerator, 1};
        int64_t units = 0;
        assert_int_equal(unit_to_units(rows[i].quantity, &unit, rows[i].scale, &units), rows[i].status);
        assert_true(rows[i].status != UNIT_OK || units == rows[i].quantity.digits);
    }
}

/* A body cut short has none of the units behind the cut. */
static void a_form_cut_short_has_no_unit(void **state)
{
    (void)state;
    static uint8_t form[CONFIG_BYTES_MAX];
    struct config_unit unit;
    size_t n = whole_item(form);
    assert_true(item_config_unit(text_of((const char *)form, n), TEXT("third"), &unit));
    assert_true(unit.numerator == 1 && unit.denominator == 3);
    for (size_t length = 0; length < n; length++) {
        bool found = item_config_unit(text_of((const char *)form, length), TEXT("third"), &unit);
        assert_int_equal(found, length >= 17); /* bits, count, "case" 12 1, "third" 1 3 */
    }
}

static void check_digits_are_checked(void **state)
{
    (void)state;
    const struct {
        struct text text;
        bool valid;
    } rows[] = {
        {TEXT("96385074"), true},        {TEXT("036000291452"), true},    {TEXT("4006381333931"), true},
        {TEXT("10614141543219"), true},  {TEXT("4006381333932"), false},  {TEXT("400638133393"), false},
        {TEXT("4006381333931 "), false}, {TEXT("400638133393x"), false},  {TEXT(""), false},
        {TEXT("00000000"), true},        {TEXT("123456789012345"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(gtin_valid(rows[i].text), rows[i].valid);
}

static void a_form_that_is_none_is_refused(void **state)
{
    (void)state;
    static struct world world;
    static const char *const prose[] = {"item item=A scale=0", "location location=L", "source name=S"};
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 3; i++) {
        world_parse(&world, prose[i]);
        world.command.config = TEXT("\xff");
        world_decide(&world);
        assert_string_equal(world.answer, "invalid bad_value config");
    }
    static const char *const nameless[] = {"item scale=0", "location", "source", "delete_item", "delete_location",
                                           "delete_source"};
    static const char *const fields[] = {"item", "location", "source"};
    for (unsigned i = 0; i < 6; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "invalid missing_field %s", fields[i % 3]);
        world_step(&world, nameless[i]);
        assert_string_equal(world.answer, expected);
    }
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_in_units_are_exact),
        cmocka_unit_test(an_alias_is_its_sources_name_for_an_item),
        cmocka_unit_test(merged_names_are_everybodys),
        cmocka_unit_test(a_name_given_up_begins_anew),
        cmocka_unit_test(a_kit_contains_no_kit),
        cmocka_unit_test(locations_form_trees),
        cmocka_unit_test(trees_have_a_bounded_depth),
        cmocka_unit_test(a_source_asks_things_of_its_commands),
        cmocka_unit_test(the_reader_can_still_name_what_was_given_up),
        cmocka_unit_test(names_looked_up_ahead_are_looked_up_again),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(memory_of_bodies_is_used_again),
        cmocka_unit_test(zones_turn_local_times_into_moments),
        cmocka_unit_test(days_begin_by_the_nearest_zone_above),
        cmocka_unit_test(only_what_is_written_is_read),
        cmocka_unit_test(criteria_are_not_repeated),
        cmocka_unit_test(forms_are_bounded),
        cmocka_unit_test(units_stay_in_range),
        cmocka_unit_test(a_form_cut_short_has_no_unit),
        cmocka_unit_test(check_digits_are_checked),
        cmocka_unit_test(a_form_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
