/*
 * Goal: the audit, one entry a step, finds within one pass what is wrong, names it, and looks at nothing after it. It
 * says how much it has looked at. That it finds nothing while all is right, whatever is decided between its steps, is
 * for the model test; that it notices a change of any field, for test_ledger_state.c.
 * Method: a world with something in every table. A decision is altered before it is applied, as if a rule of decide were
 * wrong; or an entry is changed in memory.
 */
#include "ledger_world.h"

#include "ledger/state.h"

/* DC has the bin B. */
static const char *const steps[] = {
    "source name=shop ordered change_units=5",
    "item item=A scale=0 alias:shop=a",
    "location location=DC",
    "location location=B parent=DC no_promise",
    "set_channel channel=web locations=L,M buffer=1",
    "receive 20 A@L 10 A@M 30 X@L",
    "receive 5 A@B",
    "allocate channel=web item=A location=L units=2",
    "set_policy item=A location=M backorders=5",
    "hold hold=H1 channel=web expires=50 3 A@L 1 X@L",
    "hold hold=H2 expires=90 1 A@M",
    "hold hold=H3 1 A@M",
    "release hold=H3",
    "hold hold=H5 1 A@M",
    "commit hold=H5 1 A@M",
    "hold hold=H4 wait expires=0 99 X@L",
    "transfer_out transfer=T1 to=M eta=2023-12-01 1 A@L",
    "expect expectation=E1 direction=in due=2023-12-01 1 A@L",
    "expect expectation=E2 direction=in due=2023-12-01 1 A@L",
    "cancel_expected expectation=E2",
};

static void fill(struct world *world)
{
    world_init(world, &world_limits);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        world_step(world, steps[i]);
        assert_memory_equal(world->answer, "ok:", 3);
    }
}

/* Looks at one entry a step until a pass is complete or something is found. */
static bool pass(struct ledger *ledger)
{
    struct audit_view view;
    ledger_audit_look(ledger, &view);
    uint64_t passes = view.passes;
    while (ledger_audit(ledger, 1) && view.passes == passes)
        ledger_audit_look(ledger, &view);
    ledger_audit_look(ledger, &view);
    return !view.found;
}

/* INVARIANT TABLE [ITEM]@[LOCATION] [NAME]: WHAT [(EXPECTED, FOUND)] */
static const char *say(const struct finding *finding)
{
    static char text[512];
    struct text item = finding->item, location = finding->location;
    int n = snprintf(text, sizeof(text), "%s %s %.*s@%.*s %.*s: %s", invariant_name(finding->invariant), finding->table,
                     (int)item.length, item.bytes, (int)location.length, location.bytes, (int)finding->name.length,
                     finding->name.bytes, finding->what);
    if (finding->expected != finding->found)
        snprintf(text + n, sizeof(text) - (size_t)n, " (%" PRId64 ", %" PRId64 ")", finding->expected, finding->found);
    return text;
}

static void finds(struct ledger *ledger, unsigned passes, const char *row, const char *expected)
{
    struct audit_view view;
    bool right = true;
    for (unsigned n = 0; n < passes && right; n++)
        right = pass(ledger);
    if (right)
        fail_msg("%s: nothing is found", row);
    ledger_audit_look(ledger, &view);
    if (strcmp(say(&view.finding), expected) != 0)
        fail_msg("%s:\n  found    %s\n  expected %s", row, say(&view.finding), expected);
    assert_false(ledger_audit(ledger, UINT32_MAX));
    uint64_t entries = view.entries;
    ledger_audit_look(ledger, &view);
    assert_true(view.entries == entries && view.passes < passes);
}

/* ---- wrong decisions ---- */

#define FIGURE(name)        offsetof(struct event, figures.units) + 8 * FIGURE_##name
#define CLAIMED(name)       offsetof(struct event, claim_units) + 8 * CLAIM_##name
#define MEMBER(name)        offsetof(struct event, name)
#define DROP_LAST           UINT32_MAX       /* the decision's last event is lost */
#define TIMELESS            (UINT32_MAX - 1) /* nothing says when it occurred */

struct wrong {
    const char *command;
    uint32_t event;    /* which one of the decision */
    size_t members[2]; /* of it, that are one more than they should be; 0 for none */
    const char *finding;
};

#define ADDS_UP "what is in its cells and what came and went do not add up to 0"
static const struct wrong wrongs[] = {
    {"receive 1 A@L", 0, {offsetof(struct event, figures.units)}, "I1 items A@ : " ADDS_UP " (0, 1)"},
    {"receive 1 X@L", 0, {MEMBER(account_units)}, "I1 items X@ : " ADDS_UP " (0, 1)"},
    {"transfer_out transfer=T to=M 1 A@L", 1, {FIGURE(IN_TRANSIT)}, "I1 items A@ : " ADDS_UP " (0, 1)"},
    {"hold hold=H 1 A@L", 0, {FIGURE(HELD)}, "I2 cells A@L : held is not the sum over its holds (4, 5)"},
    {"hold hold=H 1 X@L", 0, {CLAIMED(HELD), CLAIMED(GRANTED)}, "I2 cells X@L : held is not the sum over its holds (3, 2)"},
    {"commit hold=H2 1 A@M", 0, {FIGURE(COMMITTED)}, "I2 cells A@M : committed is not the sum over its holds (2, 3)"},
    {"pick hold=H5 1 A@M", 0, {FIGURE(PICKED)}, "I2 cells A@M : picked is not the sum over its holds (1, 2)"},
    {"hold hold=H backorder 10 A@M", 1, {FIGURE(BACKORDERED)},
     "I2 cells A@M : backordered is not the sum over its holds (2, 3)"},
    {"transfer_out transfer=T to=M 1 A@L", 1, {MEMBER(transit), MEMBER(transit_delta)},
     "I5 cells A@M : in_transit is not the sum over its transfers (3, 2)"},
    {"expect expectation=E direction=in due=2023-12-01 1 A@M", 0, {MEMBER(expected), MEMBER(expected_delta)},
     "I5 cells A@M : incoming is not the sum over its transfers and expectations (3, 2)"},
    {"expect expectation=E direction=out due=2023-12-01 1 A@L", 0, {FIGURE(OUTGOING)},
     "I5 cells A@L : outgoing is not the sum over its expectations (1, 2)"},
    {"receive 1 A@B", 1, {FIGURE(IN_BINS)}, "I4 cells A@DC : in_bins is not the sum over its bins (6, 7)"},
    {"receive 1 X@N", TIMELESS, {0}, "I7 cells X@N : its ways back do not lead where they should"},
    {"receive 1 X@B", DROP_LAST, {0}, "I4 cells X@ : in_bins is not the sum over its bins"},
};

static void alter(struct world *world, const struct wrong *wrong)
{
    world_parse(world, wrong->command);
    ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
    assert_int_equal(world->verdict.outcome, OUTCOME_DECIDED);
    if (world->verdict.code != CODE_none)
        fail_msg("%s: %s", wrong->command, code_name(world->verdict.code));
    if (wrong->event == DROP_LAST) {
        world->decision.event_count--;
    } else if (wrong->event == TIMELESS) {
        world->decision.occurred_at_us = world->decision.recorded_at_us = SKIP_NOTHING_US;
    } else {
        assert_true(wrong->event < world->decision.event_count);
        for (unsigned m = 0; m < 2 && wrong->members[m] != 0; m++)
            ++*(int64_t *)(void *)((uint8_t *)&world->decision.events[wrong->event] + wrong->members[m]);
    }
    ledger_evolve(world->ledger, &world->decision);
}

static void a_wrong_decision_is_found(void **state)
{
    (void)state;
    static struct world world;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        fill(&world);
        alter(&world, &wrongs[i]);
        finds(world.ledger, 1, wrongs[i].command, wrongs[i].finding);
        world_deinit(&world);
    }
}

/* Entries that one pass looks at, and those that they lead to. */
static uint64_t entries_of_a_pass(struct world *world)
{
    struct audit_view view;
    fill(world);
    assert_true(pass(world->ledger));
    ledger_audit_look(world->ledger, &view);
    world_deinit(world);
    return view.entries;
}

static void it_is_found_by_a_pass_that_was_in_the_middle(void **state)
{
    (void)state;
    static struct world world;
    uint64_t entries = entries_of_a_pass(&world);
    assert_true(entries > 100);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        for (uint64_t before = 0; before < entries; before += 5 + i % 3) {
            fill(&world);
            for (uint64_t n = 0; n < before; n++)
                assert_true(ledger_audit(world.ledger, 1));
            world.ledger->audit.passes = 0; /* the last steps may be of the next one */
            alter(&world, &wrongs[i]);
            /* What an entry says is for the next pass, when it has been looked at; a sum is of the last moment. */
            finds(world.ledger, wrongs[i].event == TIMELESS ? 2 : 1, wrongs[i].command, wrongs[i].finding);
            world_deinit(&world);
        }
    }
}

/* ---- wrong entries ---- */

static uint32_t cell_of(const struct ledger *ledger, const char *item, const char *location)
{
    uint32_t cell = ledger_cell_find(ledger, ledger_number(ledger, NAME_ITEM, text_of(item, strlen(item))),
                                     ledger_number(ledger, NAME_LOCATION, text_of(location, strlen(location))));
    assert_true(cell != NUMBER_NONE);
    return cell;
}

static uint32_t claim_of(const struct ledger *ledger, const char *hold)
{
    uint32_t claim = claim_find(ledger, text_of(hold, strlen(hold)), ledger->now_us);
    assert_true(claim != NUMBER_NONE);
    return claim;
}

static uint32_t document_of(const struct ledger *ledger, enum document_kind kind, const char *name)
{
    uint32_t document = document_find(ledger, kind, text_of(name, strlen(name)), ledger->now_us);
    assert_true(document != NUMBER_NONE);
    return document;
}

#define CHANGED "they are not what their last events made them"
/* The later of two holds that expire, before the earlier one. */
static void swap_expiry(struct ledger *ledger, uint32_t first, uint32_t second)
{
    ledger->claims.heap[0] = second;
    ledger->claims.heap[1] = first;
    ledger->claims.entries[second].heap_place = 1;
    ledger->claims.entries[first].heap_place = 2;
}

#define DAMAGES(X)                                                                                                     \
    X(item_account, ledger->items[0].accounts[0]++, "state items @ : " CHANGED)                                        \
    X(item_cells, ledger->items[0].first_cell = 3, "state items A@ : the list of its cells leads to another item's")   \
    X(location_node, ledger->locations[1].node = 0,                                                                    \
      "state locations @B : what lies there counts for another location than it should")                               \
    X(location_seq, ledger->locations[1].config_seq++, "state locations @ : " CHANGED)                                 \
    X(source_mark, ledger->sources[1].seq_mark = 9, "state sources @ : " CHANGED)                                      \
    X(source_ordered, ledger->sources[ledger_number(ledger, NAME_SOURCE, TEXT("shop"))].ordered = false,               \
      "state sources @ shop: it is not what its configuration says")                                                   \
    X(source_policies, ledger->sources[ledger_number(ledger, NAME_SOURCE, TEXT("shop"))].has_policies = true,          \
      "state sources @ shop: it is not what its configuration says")                                                   \
    X(source_brake, ledger->sources[ledger_number(ledger, NAME_SOURCE, TEXT("shop"))].max_change.has_percent = true,   \
      "state sources @ shop: it is not what its configuration says")                                                   \
    X(channel_rank, ledger->channels[0].rank = 7, "I3 channels @ web: it is not in its place among the channels")      \
    X(channel_places, ledger->channels[0].place_count = 99, "state channels @ web: it has too many locations")         \
    X(name, ledger->names[NAME_ITEM].entries[1] += 1 << 20, "state items @ : its name is not among the names")         \
    X(item_index, ledger->names[NAME_ITEM].index = ledger->ids.index,                                                  \
      "state items A@ : the index does not find it by its name")                                                       \
    X(location_index, ledger->names[NAME_LOCATION].index = ledger->ids.index,                                          \
      "state locations @DC : the index does not find it by its name")                                                  \
    X(source_index, ledger->names[NAME_SOURCE].index = ledger->ids.index,                                              \
      "state items A@ : its aliases are not those of its configuration")                                               \
    X(own_source, table_remove(&ledger->names[NAME_SOURCE].index, siphash64(&ledger->key, "@ledger", 7), 0),           \
      "state sources @ @ledger: the index does not find it by its name")                                               \
    X(channel_index, ledger->names[NAME_CHANNEL].index = ledger->ids.index,                                            \
      "state channels @ web: the index does not find it by its name")                                                  \
    X(cell_figure, ledger->cells[cell_of(ledger,                                                                       \
      "A", "L")].units[0]++, "state cells A@L : it is not what its last event made it")                                \
    X(cell_extra, ledger->cells[cell_of(ledger,                                                                        \
      "A", "L")].extra = 99, "state cells A@L : its figures are not where it says")                                    \
    X(quota_units, ledger->quotas[0].units++, "state quotas A@L web: " CHANGED)                                        \
    X(quota_next, ledger->quotas[0].next = 1, "I3 quotas A@L web: the list of its cell's quotas goes astray")          \
    X(offer_free, ledger->offers[0].free++,                                                                            \
      "I4 offers A@ web: it is not the sum of what is shown at its channel's locations (24, 25)")                      \
    X(offer_ats, ledger->offers[0].ats++, "state offers @ : " CHANGED)                                                 \
    X(claim_seq, ledger->claims.entries[0].last_seq++, "state holds @ : " CHANGED)                                     \
    X(claim_name, ledger->claims.entries[claim_of(ledger, "H1")].name.unit = 1 << 30,                                  \
      "state holds @ : its name, holder or channel is not among the texts")                                            \
    X(claim_heap, ledger->claims.entries[claim_of(ledger, "H2")].heap_place = 1,                                       \
      "I6 holds @ H2: its place among those that expire is another's")                                                 \
    X(line_units, ledger->claims.lines[0].units[CLAIM_HELD]++, "state hold lines @ : " CHANGED)                        \
    X(line_cell, ledger->claims.lines[0].cell = 1 << 30, "state hold lines @ H1: it is on no cell")                    \
    X(line_claim, ledger->claims.lines[0].claim = 1 << 30, "state hold lines A@L : it is of no hold")                  \
    X(transfer_to, ledger->documents[DOCUMENT_TRANSFER].entries[0].to++, "state transfers @ T1: " CHANGED)             \
    X(transfer_line, ledger->documents[DOCUMENT_TRANSFER].entries[0].last_line++,                                      \
      "I5 transfers @ T1: its last line is another")                                                                   \
    X(expectation_list, ledger->documents[DOCUMENT_EXPECTATION].entries[document_of(ledger, DOCUMENT_EXPECTATION,      \
      "E2")]                                                                                                           \
                            .closed_previous = 1,                                                                      \
      "I6 expectations @ E2: the list of closed documents goes astray")                                                \
    X(expectation_name, ledger->documents[DOCUMENT_EXPECTATION].entries[0].name.length = 999,                          \
      "state expectations @ : its name is not among the names")                                                        \
    X(due_units, ledger->document_lines.entries[0].units++, "state document lines @ : " CHANGED)                       \
    X(due_cell, ledger->document_lines.entries[0].cell = 1 << 30, "state document lines @ T1: it is on no cell")       \
    X(due_document, ledger->document_lines.entries[0].document = 1 << 30,                                              \
      "state document lines A@M : it is of no document")                                                               \
    X(due_kind, ledger->document_lines.entries[0].kind = DOCUMENT_KIND_COUNT,                                          \
      "state document lines A@M : it is of no document")                                                               \
    X(due_list, ledger->document_lines.entries[0].due_next = 2,                                                        \
      "I5 cells A@M : the list of what is announced there goes astray")                                                \
    X(id_seq, ledger->ids.ring[3].last_seq++, "state ids @ : " CHANGED)                                                \
    X(id_index, ledger->ids.index = ledger->cell_index, "state ids @ : the index does not find it")                    \
    X(expiry, ledger->claims.heap[0] = 1 << 30, "I6 holds @ H1: its place among those that expire is another's")       \
    X(expiry_order, swap_expiry(ledger, claim_of(ledger, "H1"), claim_of(ledger, "H2")),                               \
      "I6 expiry @ H1: the holds that expire are out of order")

enum damage {
#define X(name, change, finding) DAMAGE_##name,
    DAMAGES(X)
#undef X
        DAMAGE_COUNT
};

static void damage(struct ledger *ledger, enum damage what)
{
    switch (what) {
#define X(name, change, finding)                                                                                       \
    case DAMAGE_##name:                                                                                                \
        change;                                                                                                        \
        return;
        DAMAGES(X)
#undef X
    case DAMAGE_COUNT:
        return;
    }
}

static void a_wrong_entry_is_found(void **state)
{
    (void)state;
    static struct world world;
    static const char *const changes[] = {
#define X(name, change, finding) #change,
        DAMAGES(X)
#undef X
    };
    static const char *const findings[] = {
#define X(name, change, finding) finding,
        DAMAGES(X)
#undef X
    };
    for (unsigned what = 0; what < DAMAGE_COUNT; what++) {
        fill(&world);
        damage(world.ledger, (enum damage)what);
        finds(world.ledger, 1, changes[what], findings[what]);
        world_deinit(&world);
    }
}

/* ---- what it says of itself ---- */

static void what_was_looked_at_is_counted(void **state)
{
    (void)state;
    static struct world world;
    struct audit_view view;
    fill(&world);
    ledger_audit_look(world.ledger, &view);
    assert_false(view.in_pass);
    assert_true(ledger_audit(world.ledger, 0));
    ledger_audit_look(world.ledger, &view);
    assert_true(!view.in_pass && view.entries == 0);
    assert_true(ledger_audit(world.ledger, 1));
    ledger_audit_look(world.ledger, &view);
    assert_true(view.in_pass && view.passes == 0 && view.checked[INVARIANT_I2] == 0);
    assert_true(ledger_audit(world.ledger, UINT32_MAX)); /* to the end of the pass, no further */
    ledger_audit_look(world.ledger, &view);
    assert_true(!view.in_pass && view.passes == 1);
    const struct ledger *ledger = world.ledger;
    assert_int_equal(view.checked[INVARIANT_I1], ledger->names[NAME_ITEM].count + ledger->cell_count);
    assert_int_equal(view.checked[INVARIANT_I2],
                     ledger->cell_count + ledger->claims.entry_count + ledger->claims.line_count);
    assert_int_equal(view.checked[INVARIANT_I3], 1 + ledger->quota_count + ledger->claims.line_count);
    assert_int_equal(view.checked[INVARIANT_I4], 1 + ledger->offer_count);
    assert_int_equal(view.checked[INVARIANT_I7], ledger->cell_count);
    assert_true(view.checked[INVARIANT_STATE] > view.checked[INVARIANT_I2]);
    world_deinit(&world);
}

static void what_was_wrong_for_a_while_is_told(void **state)
{
    (void)state;
    static struct world world;
    fill(&world);
    while (world.ledger->audit.end[PART_CELL] == 0)
        assert_true(ledger_audit(world.ledger, 1));
    world.ledger->audit.sums[SUM_CLAIMED]++;
    finds(world.ledger, 1, "a sum", "state cells @ : a sum over them did not come out at the end of a pass, and does now");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_decision_is_found),
        cmocka_unit_test(it_is_found_by_a_pass_that_was_in_the_middle),
        cmocka_unit_test(a_wrong_entry_is_found),
        cmocka_unit_test(what_was_looked_at_is_counted),
        cmocka_unit_test(what_was_wrong_for_a_while_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
