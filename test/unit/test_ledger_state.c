/*
 * Goal: the state is what its hash says. Changing any one field of any live entry of any table is noticed by the walk of
 * ledger_check, and within one pass by the audit, but for those named below; a field of the ledger itself changes the
 * state hash. Replay does the same again (ledger_world.h).
 * Method: a world with something in every table; one bit of one field is turned, the check must fail, and turned back.
 * The sizes of the fields are added up, so that a new field cannot be left out.
 */
#include "ledger_world.h"

#include "ledger/state.h"

/* True when ledger_check finds a contradiction. */
static bool check_fails(const struct ledger *ledger)
{
    global_expecting_assert = 1;
    bool failed = setjmp(global_expect_assert_env) != 0;
    if (!failed)
        ledger_check(ledger);
    global_expecting_assert = 0;
    return failed;
}

/* True when a pass of the audit finds one. */
static bool audit_finds(struct ledger *ledger)
{
    ledger->audit = (struct audit){.passes = 0};
    while (ledger_audit(ledger, 1) && ledger->audit.passes == 0)
        ;
    bool found = ledger->audit.found;
    ledger->audit = (struct audit){.passes = 0};
    return found;
}

struct field {
    const char *name;
    size_t offset, bytes;
};
#define FIELD(type, field) {#field, offsetof(struct type, field), sizeof(((struct type *)NULL)->field)}

static size_t changed; /* fields turned, over all tables */

/* Numbers are turned whole, references to texts and heads of lists in their two halves, bytes one by one. */
static size_t part_bytes(const struct field *field)
{
    static const char *const texts[] = {"name", "holder", "channel", "due", "config"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(field->name, texts[i]) == 0)
            return 4;
    }
    if (strcmp(field->name, "bytes") == 0 || field->bytes % 4 != 0)
        return 1;
    return field->bytes % 8 == 0 ? 8 : 4;
}

/* What only a walk over everything can tell: counters, free lists, and links of lists that lead one way. */
static bool is_for_the_whole(const char *table, const char *field)
{
    static const char *const names[] = {"cell_extra.pending", "source.aliases",       "item.first_use",
                                        "item.first_cell",    "location.children",    "location.cells",
                                        "cell.next_of_item",  "channel.claims_live",  "kit_part.next_of_component",
                                        "alias.item",         "alias.source",         "alias.offset",
                                        "alias.length",         "location.withheld",    "source.statement_first",
                                        "statement.next_of_source", "cell_extra.short_pending", "source.drift_count",
                                        "location.bins"};
    char name[64];
    snprintf(name, sizeof(name), "%s.%s", table, field);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Turns the lowest bit of each part of each field of one entry. */
static void turn_fields(struct ledger *ledger, const char *table, void *entry, size_t entry_bytes,
                        const struct field *fields, size_t count)
{
    size_t sum = 0;
    for (size_t f = 0; f < count; f++) {
        size_t step = part_bytes(&fields[f]);
        sum += fields[f].bytes;
        if (strcmp(fields[f].name, "decided_us") == 0)
            continue; /* it is told, and nothing follows from it */
        for (size_t at = 0; at < fields[f].bytes; at += step) {
            uint8_t *byte = (uint8_t *)entry + fields[f].offset + at;
            *byte ^= 1;
            if (!check_fails(ledger))
                fail_msg("%s.%s+%zu can change unnoticed", table, fields[f].name, at);
            if (!audit_finds(ledger) && !is_for_the_whole(table, fields[f].name))
                fail_msg("%s.%s+%zu can change unnoticed by an audit", table, fields[f].name, at);
            *byte ^= 1;
            changed++;
        }
    }
    assert_true(entry_bytes - sum < 8); /* padding; a field that is not listed is larger or makes a new listing due */
    ledger_check(ledger);
}
#define TURN(ledger, type, entry)                                                                                      \
    turn_fields((ledger), #type, (entry), sizeof(struct type), type##_fields, sizeof(type##_fields) / sizeof(struct field))

static const struct field item_fields[] = {FIELD(item, accounts), FIELD(item, account_seq), FIELD(item, config_seq),
                                           FIELD(item, first_cell), FIELD(item, scale), FIELD(item, first_part), FIELD(item, first_use),
                                           FIELD(item, config)};
static const struct field location_fields[] = {FIELD(location, config_seq), FIELD(location, config),
                                               FIELD(location, parent), FIELD(location, children),
                                               FIELD(location, cells), FIELD(location, node), FIELD(location, bins),
                                               FIELD(location, no_promise), FIELD(location, withheld),
                                               FIELD(location, shortfall)};
static const struct field source_fields[] = {
    FIELD(source, seq_mark), FIELD(source, config_seq), FIELD(source, config), FIELD(source, aliases),
    FIELD(source, ordered), FIELD(source, strict), FIELD(source, has_expires_in), FIELD(source, default_condition),
    FIELD(source, expires_in_ms), FIELD(source, age_limit_ms), FIELD(source, count_limit),
    FIELD(source, max_change), FIELD(source, snapshot_policy), FIELD(source, pair), FIELD(source, has_policies), FIELD(source, set_name), FIELD(source, set_seq), FIELD(source, set_closed),
    FIELD(source, statement_first), FIELD(source, drift_count),
    FIELD(source, silence_after_s), FIELD(source, watch_place), FIELD(source, heard_us),
    FIELD(source, silent_since_us), FIELD(source, decided_us)};
static const struct field alias_fields[] = {FIELD(alias, item), FIELD(alias, source), FIELD(alias, offset),
                                            FIELD(alias, length)};
static const struct field cell_fields[] = {FIELD(cell, item), FIELD(cell, location), FIELD(cell, next_of_item),
                                           FIELD(cell, extra), FIELD(cell, units), FIELD(cell, version), FIELD(cell, last_seq),
                                           FIELD(cell, oldest_us), FIELD(cell, hash)};
static const struct field ladder_fields[] = {FIELD(ladder, seqs), FIELD(ladder, oldest_us), FIELD(ladder, hash)};
static const struct field claim_fields[] = {
    FIELD(claim, number), FIELD(claim, name), FIELD(claim, holder), FIELD(claim, channel), FIELD(claim, expires_at_us),
    FIELD(claim, ended_at_us), FIELD(claim, last_seq), FIELD(claim, texts_hash), FIELD(claim, first_line), FIELD(claim, last_line),
    FIELD(claim, heap_place), FIELD(claim, ended_next), FIELD(claim, ended_previous), FIELD(claim, state), FIELD(claim, priority),
    FIELD(claim, at), FIELD(claim, paid), FIELD(claim, partial)};
static const struct field claim_line_fields[] = {FIELD(claim_line, claim), FIELD(claim_line, cell),
                                                 FIELD(claim_line, next), FIELD(claim_line, cell_next),
                                                 FIELD(claim_line, cell_previous), FIELD(claim_line, units),
                                                 FIELD(claim_line, lapsed), FIELD(claim_line, last_seq),
                                                 FIELD(claim_line, links)};
static const struct field cell_extra_fields[] = {FIELD(cell_extra, cell), FIELD(cell_extra, quota_first),
                                                 FIELD(cell_extra, units), FIELD(cell_extra, queues), FIELD(cell_extra, due),
                                                 FIELD(cell_extra, mark_first),
                                                 FIELD(cell_extra, pending), FIELD(cell_extra, short_pending),
                                                 FIELD(cell_extra, low)};
static const struct field channel_fields[] = {
    FIELD(channel, config_seq), FIELD(channel, priority), FIELD(channel, rank), FIELD(channel, shares_rest),
    FIELD(channel, has_cap), FIELD(channel, buffer), FIELD(channel, cap), FIELD(channel, place_count),
    FIELD(channel, offer_first), FIELD(channel, offer_last), FIELD(channel, claims_live),
    FIELD(channel, former), FIELD(channel, latter)};
static const struct field quota_fields[] = {FIELD(quota, cell), FIELD(quota, channel), FIELD(quota, next),
                                            FIELD(quota, units), FIELD(quota, last_seq)};
static const struct field offer_fields[] = {
    FIELD(offer, channel), FIELD(offer, item), FIELD(offer, has_buffer), FIELD(offer, has_cap), FIELD(offer, buffer),
    FIELD(offer, changed_turn), FIELD(offer, cap), FIELD(offer, config_seq), FIELD(offer, free), FIELD(offer, ats), FIELD(offer, changed_seq),
    FIELD(offer, next), FIELD(offer, previous)};
static const struct field document_fields[] = {
    FIELD(document, number), FIELD(document, name), FIELD(document, closed_at_us), FIELD(document, last_seq),
    FIELD(document, from), FIELD(document, to), FIELD(document, first_line), FIELD(document, last_line),
    FIELD(document, closed_next), FIELD(document, closed_previous), FIELD(document, direction)};
static const struct field document_line_fields[] = {
    FIELD(document_line, document), FIELD(document_line, cell), FIELD(document_line, next), FIELD(document_line, due_next),
    FIELD(document_line, due_previous), FIELD(document_line, due_list), FIELD(document_line, kind),
    FIELD(document_line, units), FIELD(document_line, when), FIELD(document_line, last_seq)};
static const struct field kit_part_fields[] = {FIELD(kit_part, kit), FIELD(kit_part, component),
                                               FIELD(kit_part, next_of_kit), FIELD(kit_part, next_of_component),
                                               FIELD(kit_part, units)};
static const struct field mark_fields[] = {
    FIELD(mark, seq), FIELD(mark, cell), FIELD(mark, next), FIELD(mark, recent_next), FIELD(mark, recent_previous),
    FIELD(mark, condition), FIELD(mark, includes_picked), FIELD(mark, net), FIELD(mark, recent), FIELD(mark, from_us), FIELD(mark, to_us),
    FIELD(mark, recorded_us), FIELD(mark, variance), FIELD(mark, uncertain)};
static const struct field statement_fields[] = {
    FIELD(statement, seq), FIELD(statement, source), FIELD(statement, cell), FIELD(statement, next_of_source), FIELD(statement, condition),
    FIELD(statement, policy), FIELD(statement, seen_position), FIELD(statement, seen_us), FIELD(statement, stated),
    FIELD(statement, books), FIELD(statement, net), FIELD(statement, shelf), FIELD(statement, settled),
    FIELD(statement, agreed), FIELD(statement, asked_seq), FIELD(statement, asked_us), FIELD(statement, said)};
static const struct field review_fields[] = {
    FIELD(review, number), FIELD(review, source), FIELD(review, next), FIELD(review, kind), FIELD(review, brake),
    FIELD(review, accepted), FIELD(review, recorded_us), FIELD(review, closed_us), FIELD(review, last_seq)};
static const struct field id_entry_fields[] = {FIELD(id_entry, hash), FIELD(id_entry, fingerprint),
                                               FIELD(id_entry, last_seq)};

/* Something in every table, and more than one of each, so that every link leads somewhere. */
static void fill(struct world *world)
{
    static const char *const steps[] = {
        "item item=B scale=2 unit:case=12 alias:web=b",
        "item item=K scale=0 alias:web=k alias:web=kk part:B=1",
        "item item=k2 merge=K",
        "item item=K scale=0 alias:web=k part:B=1",
        "location location=L",
        "location location=M parent=L zone=3600",
        "source name=shop ordered strict returns=damaged holds=60 age_limit=90 count_units=5 count_percent=7 change_units=3 policy=report",
        "source name=till silence=5 withhold=M keep=1",
        "source name=wms silence=900 withhold=L,M",
        "source name=erp silence=900",
        "wait 5",
        "item item=Z scale=0",
        "delete_item item=Z",
        "receive 20 A@L 10 A@M 10.25 B@L 4 damaged A@L",
        "set_channel channel=web locations=L,M priority=2 buffer=1 cap=90",
        "set_channel channel=amz locations=M shares=no",
        "item item=K2 scale=0 part:A=2 part:B=1",
        "set_channel channel=web item=A buffer=2 cap=8",
        "set_channel channel=amz item=A cap=8",
        "set_policy item=A location=L safety=1 backorders=5 reorder=3",
        "set_policy item=A location=M reorder=30",
        "allocate channel=web item=A location=L units=2",
        "allocate channel=amz item=A location=L units=1",
        "allocate channel=amz item=A location=M units=1",
        "sale source=web seq=3 1 A@L",
        "adjust 2 A@M -1 A@L",
        "hold hold=H1 holder=ann channel=web expires=50 1 A@L 1 A@M 1 B@L",
        "hold hold=H2 holder=ann channel=web expires=40 1 A@L",
        "hold hold=H3 holder=ann channel=web expires=0 1 A@L",
        "hold hold=H4 holder=bob channel=web 1 A@L 1 A@M",
        "hold hold=H5 holder=bob channel=web 1 A@L",
        "hold hold=H6 holder=bob channel=web 1 A@L",
        "hold hold=H7 holder=bob channel=web expires=60 2 A@L",
        "commit hold=H1 1 A@M",
        "release hold=H4",
        "ship hold=H5",
        "release hold=H6",
        "hold hold=H8 holder=bob channel=web backorder expires=0 13 A@L",
        "commit hold=H9 channel=web paid 1 A@L fact",
        "hold hold=H10 holder=cat channel=amz wait priority=3 expires=70 30 A@L",
        "hold hold=H11 holder=cat channel=amz wait partial expires=80 30 A@L 1 A@M",
        "transfer_out transfer=T1 to=M eta=2023-12-01 1 A@L 1 B@L",
        "transfer_out transfer=T2 to=M 1 A@L",
        "transfer_out transfer=T3 to=N 1 B@L",
        "transfer_out transfer=T4 to=N 1 B@L 1 B@M",
        "transfer_in transfer=T3 1 B@N",
        "transfer_loss transfer=T4",
        "expect expectation=E1 direction=in due=2023-12-01 1 A@L 1 B@L 1 A@M",
        "expect expectation=E2 direction=out due=+60 1 A@L 1 B@L",
        "expect expectation=E3 direction=in due=2023-12-02 1 A@L",
        "expect expectation=E4 direction=in due=+60 1 A@L",
        "expect expectation=E5 direction=out due=2023-12-01 1 A@L",
        "cancel_expected expectation=E4",
        "cancel_expected expectation=E3",
        "count 18 A@L since=-30 occurred=-20",
        "count 3 damaged A@L occurred=-10",
        "count 17 A@L occurred=-10",
        "count 9 A@M occurred=-10",
        "sale 1 A@L occurred=-25",
        "sale 1 A@L occurred=-700000",
        "snapshot 7 A@M 3 B@L seen=3 set=mon",
        "snapshot 7 A@M occurred=0",
        "sale 2 A@L occurred=-700000",
        "sale 3 A@L occurred=-700000",
        "sale 4 A@L occurred=-700000",
        "resolve review=92 reject",
        "resolve review=97 reject",
        "source name=shop pair=y",
        "snapshot report available 1 A@L 2 B@L source=shop",
        "snapshot report 3 B@L source=shop",
    };
    world_init(world, &world_limits);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        world_step(world, steps[i]);
        if (strncmp(world->answer, "ok:", 3) != 0)
            fail_msg("%s: %s (after event %d)", steps[i], world->answer, (int)ledger_last_seq(world->ledger));
    }
}

static void any_changed_field_is_noticed(void **state)
{
    (void)state;
    static struct world world;
    fill(&world);
    struct ledger *ledger = world.ledger;
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++) {
        struct names *names = &ledger->names[space];
        assert_true(names->count >= 2 || space == NAME_CHANNEL);
        static const struct field length[] = {{"length", 0, 1}, {"offset", 1, 7}};
        for (uint32_t i = 0; i < names->count; i++)
            turn_fields(ledger, "names", &names->entries[i], 8, length, 2);
        const struct field bytes[] = {{"bytes", 0, names->bytes_used}};
        turn_fields(ledger, "names", names->bytes, names->bytes_used, bytes, 1);
        const struct field retired[] = {{"bytes", 0, names->count}};
        turn_fields(ledger, "names", names->retired, names->count, retired, 1);
    }
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++)
        TURN(ledger, item, &ledger->items[i]);
    for (uint32_t i = 0; i < ledger->names[NAME_SOURCE].count; i++)
        TURN(ledger, source, &ledger->sources[i]);
    for (uint32_t i = 0; i < ledger->names[NAME_LOCATION].count; i++)
        TURN(ledger, location, &ledger->locations[i]);
    assert_true(ledger->configs.alias_free != 0 && ledger->configs.alias_live == 3);
    for (uint32_t i = 0; i < ledger->configs.alias_count; i++)
        TURN(ledger, alias, &ledger->configs.aliases[i]);
    assert_true(ledger->cell_count >= 3);
    for (uint32_t i = 0; i < ledger->cell_count; i++)
        TURN(ledger, cell, &ledger->cells[i]);
    uint32_t with_skips = 0;
    for (uint32_t i = 0; i < ledger->cell_count; i++) {
        if (ledger->cells[i].version < SKIP_STEP)
            continue;
        TURN(ledger, ladder, &ledger->ladders[i]);
        with_skips++;
    }
    assert_true(with_skips >= 1);
    assert_int_equal(ledger_counts(ledger).claims_live, 8);
    assert_int_equal(ledger_counts(ledger).claims_kept, 3);
    for (uint32_t i = 0; i < ledger->claims.entry_count; i++)
        TURN(ledger, claim, &ledger->claims.entries[i]);
    for (uint32_t i = 0; i < ledger->claims.line_count; i++)
        TURN(ledger, claim_line, &ledger->claims.lines[i]);
    assert_true(ledger->parts.count >= 2);
    for (uint32_t i = 0; i < ledger->parts.count; i++)
        TURN(ledger, kit_part, &ledger->parts.entries[i]);
    assert_true(ledger->extra_count >= 2);
    for (uint32_t i = 0; i < ledger->extra_count; i++)
        TURN(ledger, cell_extra, &ledger->extras[i]);
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        struct documents *documents = &ledger->documents[kind];
        assert_true(documents->open >= 2 && documents->kept == 2);
        for (uint32_t i = 0; i < documents->entry_count; i++)
            TURN(ledger, document, &documents->entries[i]);
    }
    for (uint32_t i = 0; i < ledger->document_lines.count; i++) {
        if (ledger->document_lines.entries[i].units != 0)
            TURN(ledger, document_line, &ledger->document_lines.entries[i]);
    }
    assert_int_equal(ledger->names[NAME_CHANNEL].count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        /* Locations beyond place_count are no field. */
        struct field places = {"places", offsetof(struct channel, places),
                               ledger->channels[i].place_count * sizeof(uint32_t)};
        turn_fields(ledger, "channel", &ledger->channels[i], places.bytes, &places, 1);
        turn_fields(ledger, "channel", &ledger->channels[i], sizeof(struct channel) - sizeof(ledger->channels[i].places),
                    channel_fields, sizeof(channel_fields) / sizeof(struct field));
    }
    assert_int_equal(ledger->quota_count, 3);
    for (uint32_t i = 0; i < ledger->quota_count; i++)
        TURN(ledger, quota, &ledger->quotas[i]);
    assert_true(ledger->offer_count >= 3);
    for (uint32_t i = 0; i < ledger->offer_count; i++)
        TURN(ledger, offer, &ledger->offers[i]);
    assert_int_equal(ledger->marks.live, 5);
    for (uint32_t i = 0; i < ledger->marks.count; i++)
        TURN(ledger, mark, &ledger->marks.entries[i]);
    assert_true(ledger->reviews.live == 4 && ledger->reviews.open == 2);
    for (uint32_t i = 0; i < ledger->reviews.count; i++)
        TURN(ledger, review, &ledger->reviews.entries[i]);
    assert_int_equal(ledger->statements.count, 5);
    for (uint32_t i = 0; i < ledger->statements.count; i++)
        TURN(ledger, statement, &ledger->statements.entries[i]);
    for (uint64_t n = ledger->ids.first; n != ledger->ids.next; n++)
        TURN(ledger, id_entry, &ledger->ids.ring[n % ledger->ids.ring_count]);
    const struct field block[] = {{"block_us", 0, 8}};
    turn_fields(ledger, "ids", &ledger->ids.block_us[0], 8, block, 1);
    print_message("# %zu fields changed, each noticed\n", changed);
    world_deinit(&world);
}

static void the_ledgers_own_fields_are_in_the_hash(void **state)
{
    (void)state;
    static struct world world;
    fill(&world);
    struct ledger *ledger = world.ledger;
    uint64_t hash = ledger_state_hash(ledger);
    void *const fields[] = {&ledger->now_us,      &ledger->last_seq, &ledger->id_window_ms,
                            &ledger->id_capacity, &ledger->strict,   &ledger->ids.next, &ledger->listening_us,
                            &ledger->closed_us,   &ledger->closed_seq};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        *(uint8_t *)fields[i] ^= 1;
        assert_true(ledger_state_hash(ledger) != hash);
        *(uint8_t *)fields[i] ^= 1;
    }
    assert_true(ledger_state_hash(ledger) == hash);
    world_deinit(&world);
}

/* A decision that does not follow the state is damage, never applied. */
static void refuses_damage(unsigned what)
{
    static struct world world;
    fill(&world);
    world_parse(&world, what == 7   ? "commit hold=H2 1 A@L"
                        : what == 8 ? "sale 1 A@L occurred=-25"
                                    : "receive 1 A@L");
    ledger_decide(world.ledger, &world.command, world.now_us, &world.decision, &world.verdict);
    assert_int_equal(world.verdict.outcome, OUTCOME_DECIDED);
    struct decision *decision = &world.decision;
    struct event *event = &decision->events[0];
    switch (what) {
    case 0:
        decision->recorded_at_us = 0;
        break;
    case 1:
        decision->first_seq++;
        break;
    case 2:
        event->seq++;
        break;
    case 3:
        event->version++;
        break;
    case 4:
        event->previous_seq++;
        break;
    case 5:
        event->item = 99;
        break;
    case 6:
        event->location = 99;
        break;
    case 7:
        event->claim_units[CLAIM_GRANTED]++;
        break;
    case 8:
        assert_int_equal(decision->events[1].type, EVENT_CORRECTION);
        decision->events[1].count_seq--;
        break;
    default:
        decision->event_count = 0;
        break;
    }
    global_expecting_assert = 1;
    if (setjmp(global_expect_assert_env) == 0) {
        ledger_evolve(world.ledger, decision);
        global_expecting_assert = 0;
        fail_msg("damage %u was applied", what);
    }
    global_expecting_assert = 0;
    world_deinit(&world);
}

static void a_decision_that_does_not_follow_ends_the_process(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 10; what++)
        refuses_damage(what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_changed_field_is_noticed),
        cmocka_unit_test(the_ledgers_own_fields_are_in_the_hash),
        cmocka_unit_test(a_decision_that_does_not_follow_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
