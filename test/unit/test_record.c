/*
 * Goal: records are exact: what is decoded is what was encoded, one decision has one encoding, and no bytes whatever
 * harm the decoder.
 * Method: random decisions of every shape there and back; the longest decision; every bit of a record flipped, every
 * prefix of it, random bytes: either refused, or decoded to something that encodes to the same bytes again.
 */
#include "unit.h"

#include "base/prng.h"
#include "journal/record.h"
#include "ledger/ledger.h"

struct room {
    struct decision decision;
    struct event *events;
    struct shortage *shortages;
    struct new_name *names;
    uint8_t *bytes;
};

static struct room room_create(void)
{
    struct room room = {.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event)),
                        .shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage)),
                        .names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name)),
                        .bytes = malloc(RECORD_BYTES_MAX)};
    room.decision = (struct decision){.events = room.events, .shortages = room.shortages, .names = room.names};
    return room;
}

static void room_destroy(struct room *room)
{
    free(room->events);
    free(room->shortages);
    free(room->names);
    free(room->bytes);
}

static const char letters[2048] =
    "a long row of bytes that texts of every length are cut from, its content is of no matter";

static struct text some_text(struct prng *prng, uint32_t length_max)
{
    switch (prng_below(prng, 4)) {
    case 0:
        return TEXT_NONE;
    case 1:
        return text_of(letters, 0);
    default:
        return text_of(letters + prng_below(prng, 64), prng_below(prng, length_max) + 1);
    }
}

static int64_t some_units(struct prng *prng)
{
    static const int64_t edges[] = {
        0, 0, 1, -1, 63, 64, -64, -65, 8191, 8192, QUANTITY_UNITS_MAX, -QUANTITY_UNITS_MAX, INT64_MAX, INT64_MIN};
    uint64_t k = prng_below(prng, 2 * sizeof(edges) / sizeof(edges[0]));
    return k < sizeof(edges) / sizeof(edges[0]) ? edges[k] : (int64_t)prng_below(prng, 2000) - 1000;
}

static struct moment some_moment(struct prng *prng)
{
    enum moment_form form = (enum moment_form)prng_below(prng, MOMENT_DAY + 1);
    return (struct moment){form, form == MOMENT_ABSENT ? 0 : (int64_t)prng_next(prng)};
}

/* Back further with each level, and to older times. The previous event is the one before: any level is beyond it. */
static void some_skips(struct prng *prng, const struct decision *decision, struct event *event)
{
    uint64_t levels = 1 + prng_below(prng, SKIP_LEVELS);
    if (event->seq < 64)
        return;
    event->version = (1 + prng_below(prng, 7)) << levels * SKIP_STEP_BITS;
    event->previous_seq = event->seq - 1;
    event->skip_count = (uint8_t)levels;
    uint64_t seq = event->previous_seq;
    int64_t oldest_us = event_occurred_us(decision, event);
    for (uint64_t i = 0; i < levels; i++) {
        bool none = event->version >> (i + 1) * SKIP_STEP_BITS == 1;
        seq -= 1 + prng_below(prng, 5);
        oldest_us -= oldest_us < 0 ? 0 : (int64_t)prng_below(prng, (uint64_t)oldest_us + 1);
        event->skips[i] = (struct skip){none ? 0 : seq, oldest_us};
    }
}

static void some_count(struct prng *prng, const struct decision *decision, struct event *event)
{
    event->count_seq = 1 + prng_below(prng, event->seq);
    event->count_to_us = decision->recorded_at_us - (int64_t)prng_below(prng, 1000000);
    event->count_from_us = event->count_to_us - (int64_t)prng_below(prng, 1000000);
    event->count_picked = prng_below(prng, 2) == 0;
    event->variance = some_units(prng);
    event->uncertain = (int64_t)prng_below(prng, QUANTITY_UNITS_MAX + 1);
}

/* When it is booked: behind the time an event of a cell occurred, and not after it was recorded. */
static void some_booking(struct prng *prng, const struct decision *decision, struct event *event)
{
    int64_t recorded_us = decision->recorded_at_us;
    uint64_t late_us = (uint64_t)recorded_us - (uint64_t)event_occurred_us(decision, event);
    if (event->type == EVENT_CLOSE_PERIOD) {
        event->location = NUMBER_NONE;
        event->booked_us = recorded_us < 0 ? recorded_us : 1 + (int64_t)prng_below(prng, (uint64_t)recorded_us + 1);
    } else if (event->location != NUMBER_NONE && event_occurred_us(decision, event) < recorded_us) {
        event->booked_us = (int64_t)((uint64_t)recorded_us - prng_below(prng, late_us));
    }
}

/* The fields of the second word. */
static void some_also(struct prng *prng, struct decision *decision, struct event *event)
{
    event->low = prng_below(prng, 4) == 0;
    if (prng_below(prng, 3) == 0) {
        event->channel_number = (uint32_t)prng_below(prng, CHANNELS_MAX);
        event->quota_delta = some_units(prng);
        event->quota = some_units(prng);
    }
    if (prng_below(prng, 4) == 0) {
        event->config_space = (enum name_space)prng_below(prng, NAME_SPACE_COUNT);
        event->config_number = (uint32_t)prng_below(prng, NUMBER_NONE);
        event->config_deleted = prng_below(prng, 2) == 0;
        event->config = some_text(prng, NAME_BYTES_MAX);
    }
    if (prng_below(prng, 4) == 0) {
        event->transfer_number = 1 + prng_below(prng, event->seq);
        event->transfer = text_of("T1T2" + 2 * prng_below(prng, 2), 2);
        event->transit_delta = some_units(prng);
        event->transit = some_units(prng);
        event->eta = some_moment(prng);
    }
    if (prng_below(prng, 4) == 0) {
        event->expectation_number = 1 + prng_below(prng, event->seq);
        event->expectation = text_of("E1E2" + 2 * prng_below(prng, 2), 2);
        event->direction = (enum direction)prng_below(prng, DIRECTION_OUT + 1);
        event->due = some_moment(prng);
        event->expected_delta = some_units(prng);
        event->expected = some_units(prng);
    }
    if (prng_below(prng, 4) == 0)
        some_count(prng, decision, event);
    if (event->type == EVENT_COUNT_ASKED)
        event->stated_by = (uint32_t)prng_below(prng, NUMBER_NONE);
    if (event->type == EVENT_REPORTED) {
        event->stated_by = (uint32_t)prng_below(prng, NUMBER_NONE);
        event->measure = (enum measure)prng_below(prng, MEASURE_AVAILABLE + 1);
        event->late = prng_below(prng, 2) == 0;
        event->confirmed_seq = prng_below(prng, 2) == 0 ? 0 : prng_below(prng, event->seq);
        event->books = event->confirmed_seq != 0 ? event->quantity : some_units(prng);
    }
    if (event->type == EVENT_SNAPSHOT) {
        event->stated_by = (uint32_t)prng_below(prng, NUMBER_NONE);
        event->books = some_units(prng);
        event->net = prng_below(prng, 2) == 0;
        event->shelf = prng_below(prng, 2) == 0;
        event->policy = (enum snapshot_policy)prng_below(prng, SNAPSHOT_POLICY_COUNT);
        event->seen_position = prng_next(prng);
        event->set_name = prng_below(prng, 2) == 0 ? 0 : 1 | prng_next(prng);
        event->set_closed = event->set_name != 0 && prng_below(prng, 2) == 0;
    }
    if (prng_below(prng, 4) == 0) {
        event->review = 1 + prng_below(prng, event->seq);
        event->brake = (enum brake)prng_below(prng, BRAKE_COUNT);
        event->accepted = prng_below(prng, 2) == 0;
        event->held = prng_below(prng, 2) == 0 ? TEXT_NONE : text_of(letters, 1 + prng_below(prng, NAME_BYTES_MAX));
    }
    if (prng_below(prng, 4) == 0) {
        event->reversed_seq = 1 + prng_below(prng, event->seq);
        event->of_source = text_of("S1S2" + 2 * prng_below(prng, 2), 2);
        event->of_id = text_of(letters, 1 + prng_below(prng, NAME_BYTES_MAX));
    }
    if (prng_below(prng, 4) == 0 || event->type == EVENT_CLOSE_PERIOD)
        some_booking(prng, decision, event);
    if (prng_below(prng, 4) == 0)
        some_skips(prng, decision, event);
    if (event_of_silence(event)) {
        event->silent_source = (uint32_t)prng_below(prng, NUMBER_NONE);
        event->silent_since_us = (int64_t)prng_next(prng);
    }
    if (decision->mention_total == 0 && prng_below(prng, 8) == 0) {
        event->mention_total = decision->mention_total = 1 + (uint32_t)prng_below(prng, 100);
        event->mention_count = decision->mention_count =
            (uint32_t)prng_below(prng, 1 + (event->mention_total < MENTIONS_MAX ? event->mention_total : MENTIONS_MAX));
        event->mentions = decision->mentions;
        for (uint32_t i = 0; i < event->mention_count; i++)
            decision->mentions[i] = text_of("H1H2" + 2 * prng_below(prng, 2), 2);
    }
}

static void some_event(struct prng *prng, struct decision *decision, struct event *event)
{
    uint64_t seq = event->seq;
    *event = (struct event){.seq = seq,
                            .type = (enum event_type)prng_below(prng, EVENT_COUNT),
                            .item = NUMBER_NONE,
                            .location = NUMBER_NONE,
                            .other_location = NUMBER_NONE,
                            .condition = (enum condition)prng_below(prng, CONDITION_COUNT + 1),
                            .to_condition = (enum condition)prng_below(prng, CONDITION_COUNT + 1),
                            .account =
                                prng_below(prng, 2) == 0 ? ACCOUNT_NONE : (enum account)prng_below(prng, ACCOUNT_COUNT),
                            .scale = (uint8_t)prng_below(prng, DECIMAL_PLACES_MAX + 1),
                            .quantity = some_units(prng),
                            .account_units = some_units(prng),
                            .version = prng_below(prng, 3) == 0 ? prng_next(prng) : prng_below(prng, 300),
                            .previous_seq = prng_below(prng, 2) == 0 ? prng_below(prng, seq) : 0,
                            .discrepancy = (enum discrepancy)prng_below(prng, DISCREPANCY_EXCEEDS_EXPECTATION + 1),
                            .expires_at_us = TIME_NONE,
                            .channel_number = NUMBER_NONE,
                            .config_space = NAME_SPACE_COUNT};
    if (prng_below(prng, 4) != 0) {
        event->item = (uint32_t)prng_below(prng, NUMBER_NONE);
        if (prng_below(prng, 4) != 0)
            event->location = (uint32_t)prng_below(prng, 1000);
    }
    if (prng_below(prng, 4) == 0)
        event->other_location = (uint32_t)prng_below(prng, 1000);
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        event->delta.units[i] = prng_below(prng, 3) == 0 ? some_units(prng) : 0;
        event->figures.units[i] = prng_below(prng, 2) == 0 ? some_units(prng) : 0;
    }
    if (prng_below(prng, 2) == 0) {
        event->claim = 1 + prng_below(prng, seq);
        event->hold = some_text(prng, 3);
        event->holder = some_text(prng, 3);
        event->channel = some_text(prng, NAME_BYTES_MAX);
        event->claim_state = (enum claim_state)prng_below(prng, CLAIM_STATE_WAITING + 1);
        event->expires_at_us = prng_below(prng, 2) == 0 ? TIME_NONE : (int64_t)prng_next(prng);
        for (unsigned i = 0; i < CLAIM_FIGURE_COUNT; i++)
            event->claim_units[i] = some_units(prng);
        event->claim_paid = prng_below(prng, 2) == 0;
        event->claim_partial = prng_below(prng, 2) == 0;
        event->claim_priority = prng_below(prng, 2) == 0 ? 0 : (uint32_t)prng_next(prng);
        event->claim_at = some_moment(prng);
    }
    some_also(prng, decision, event);
    if (prng_below(prng, 3) == 0) {
        event->code = (enum code)prng_below(prng, CODE_COUNT);
        event->subject = some_text(prng, NAME_BYTES_MAX);
        event->field = some_text(prng, 20);
        event->consumed = some_units(prng);
        event->released = some_units(prng);
        uint32_t count = (uint32_t)prng_below(prng, 4);
        if (count > COMMAND_LINES_MAX - decision->shortage_count)
            count = 0;
        event->shortage_count = count;
        event->shortages = count == 0 ? NULL : decision->shortages + decision->shortage_count;
        for (uint32_t i = 0; i < count; i++)
            decision->shortages[decision->shortage_count++] =
                (struct shortage){(uint32_t)prng_next(prng), (uint32_t)prng_next(prng),
                                  (uint8_t)prng_below(prng, DECIMAL_PLACES_MAX + 1), some_units(prng),
                                  some_units(prng)};
    }
}

static void some_decision(struct prng *prng, struct room *room, uint32_t events_max)
{
    struct decision *d = &room->decision;
    *d = (struct decision){.events = room->events,
                           .names = room->names,
                           .shortages = room->shortages,
                           .kind = (enum command_kind)prng_below(prng, KIND_COUNT),
                           .clock_skew = prng_below(prng, 2) == 0,
                           .forced = prng_below(prng, 2) == 0,
                           .strict = prng_below(prng, 2) == 0,
                           .has_seq = prng_below(prng, 2) == 0,
                           .source = prng_below(prng, 2) == 0 ? NUMBER_NONE : (uint32_t)prng_below(prng, 300),
                           .id = some_text(prng, NAME_BYTES_MAX),
                           .fingerprint = prng_below(prng, 2) == 0 ? 0 : prng_next(prng),
                           .recorded_at_us = (int64_t)prng_next(prng),
                           .actor = some_text(prng, NAME_BYTES_MAX),
                           .reason = some_text(prng, META_BYTES_MAX),
                           .document = some_text(prng, NAME_BYTES_MAX),
                           .document_line = some_text(prng, NAME_BYTES_MAX),
                           .channel = some_text(prng, NAME_BYTES_MAX),
                           .meta = some_text(prng, META_BYTES_MAX),
                           .id_window_ms = prng_below(prng, 2) == 0 ? 0 : some_units(prng),
                           .id_capacity = prng_below(prng, 2) == 0 ? 0 : (uint32_t)prng_next(prng),
                           .first_seq = 1 + prng_below(prng, prng_below(prng, 2) == 0 ? 100 : (uint64_t)1 << 50)};
    d->occurred_at_us = prng_below(prng, 2) == 0 ? d->recorded_at_us : (int64_t)prng_next(prng);
    if (d->has_seq)
        d->source_seq = prng_next(prng);
    d->event_count = 1 + (uint32_t)prng_below(prng, events_max);
    for (uint32_t i = 0; i < d->event_count; i++) {
        d->events[i].seq = d->first_seq + i;
        some_event(prng, d, &d->events[i]);
    }
    d->name_count = (uint32_t)prng_below(prng, 4);
    for (uint32_t i = 0; i < d->name_count; i++)
        d->names[i] = (struct new_name){(enum name_space)prng_below(prng, NAME_SPACE_COUNT),
                                        (uint32_t)prng_below(prng, NUMBER_NONE),
                                        text_of(letters, 1 + prng_below(prng, NAME_BYTES_MAX))};
}

static void assert_text(struct text a, struct text b)
{
    assert_int_equal(text_present(a), text_present(b));
    assert_true(text_equal(a, b));
}

static bool same_moment(struct moment a, struct moment b)
{
    return a.form == b.form && a.us == b.us;
}

static void assert_also(const struct event *a, const struct event *b)
{
    assert_true(a->claim_partial == b->claim_partial && a->claim_paid == b->claim_paid && a->claim_priority == b->claim_priority && a->low == b->low);
    assert_true(same_moment(a->claim_at, b->claim_at) && same_moment(a->eta, b->eta) && same_moment(a->due, b->due));
    assert_true(a->channel_number == b->channel_number && a->quota_delta == b->quota_delta && a->quota == b->quota);
    assert_true(a->config_space == b->config_space && a->config_number == b->config_number);
    assert_true(a->config_deleted == b->config_deleted && text_equal(a->config, b->config));
    assert_true(a->transfer_number == b->transfer_number && a->transit_delta == b->transit_delta);
    assert_text(a->transfer, b->transfer);
    assert_true(a->transit == b->transit && a->expectation_number == b->expectation_number);
    assert_text(a->expectation, b->expectation);
    assert_true(a->direction == b->direction && a->expected_delta == b->expected_delta && a->expected == b->expected);
    assert_true(a->mention_total == b->mention_total && a->mention_count == b->mention_count);
    assert_true(a->silent_source == b->silent_source && a->silent_since_us == b->silent_since_us);
    for (uint32_t i = 0; i < a->mention_count; i++)
        assert_text(a->mentions[i], b->mentions[i]);
    assert_true(a->count_seq == b->count_seq && a->count_from_us == b->count_from_us);
    assert_true(a->count_to_us == b->count_to_us && a->count_picked == b->count_picked);
    assert_true(a->variance == b->variance && a->uncertain == b->uncertain);
    assert_true(a->review == b->review && a->brake == b->brake && a->accepted == b->accepted);
    assert_text(a->held, b->held);
    assert_true(a->stated_by == b->stated_by && a->books == b->books && a->policy == b->policy);
    assert_true(a->net == b->net && a->shelf == b->shelf);
    assert_true(a->measure == b->measure && a->late == b->late && a->confirmed_seq == b->confirmed_seq);
    assert_true(a->seen_position == b->seen_position && a->set_name == b->set_name && a->set_closed == b->set_closed);
    assert_true(a->reversed_seq == b->reversed_seq);
    assert_text(a->of_source, b->of_source);
    assert_text(a->of_id, b->of_id);
    assert_true(a->booked_us == b->booked_us);
    assert_int_equal(a->skip_count, b->skip_count);
    for (uint32_t i = 0; i < a->skip_count; i++)
        assert_true(a->skips[i].seq == b->skips[i].seq && a->skips[i].oldest_us == b->skips[i].oldest_us);
}

static void assert_event(const struct event *a, const struct event *b)
{
    assert_true(a->seq == b->seq && a->type == b->type && a->item == b->item && a->location == b->location);
    assert_true(a->scale == b->scale && a->quantity == b->quantity && a->condition == b->condition);
    assert_true(a->to_condition == b->to_condition && a->account == b->account);
    assert_true(a->account_units == b->account_units && a->other_location == b->other_location);
    assert_memory_equal(&a->delta, &b->delta, sizeof(a->delta));
    assert_memory_equal(&a->figures, &b->figures, sizeof(a->figures));
    assert_true(a->version == b->version && a->previous_seq == b->previous_seq && a->discrepancy == b->discrepancy);
    assert_true(a->claim == b->claim && a->claim_state == b->claim_state && a->expires_at_us == b->expires_at_us);
    assert_text(a->hold, b->hold);
    assert_text(a->holder, b->holder);
    assert_text(a->channel, b->channel);
    assert_memory_equal(a->claim_units, b->claim_units, sizeof(a->claim_units));
    assert_int_equal(a->code, b->code);
    assert_text(a->subject, b->subject);
    assert_text(a->field, b->field);
    assert_true(a->consumed == b->consumed && a->released == b->released && a->shortage_count == b->shortage_count);
    for (uint32_t i = 0; i < a->shortage_count; i++) {
        const struct shortage *x = &a->shortages[i];
        const struct shortage *y = &b->shortages[i];
        assert_true(x->item == y->item && x->location == y->location && x->scale == y->scale && x->asked == y->asked &&
                    x->free == y->free);
    }
    assert_also(a, b);
}

static void assert_decision(const struct decision *a, const struct decision *b)
{
    assert_true(a->kind == b->kind && a->clock_skew == b->clock_skew && a->forced == b->forced);
    assert_true(a->has_seq == b->has_seq && a->source_seq == b->source_seq && a->source == b->source);
    assert_text(a->id, b->id);
    assert_true(a->fingerprint == b->fingerprint && a->recorded_at_us == b->recorded_at_us);
    assert_true(a->occurred_at_us == b->occurred_at_us);
    assert_text(a->actor, b->actor);
    assert_text(a->reason, b->reason);
    assert_text(a->document, b->document);
    assert_text(a->document_line, b->document_line);
    assert_text(a->channel, b->channel);
    assert_text(a->meta, b->meta);
    assert_true(a->id_window_ms == b->id_window_ms && a->id_capacity == b->id_capacity && a->strict == b->strict);
    assert_true(a->first_seq == b->first_seq && a->event_count == b->event_count);
    assert_int_equal(a->shortage_count, b->shortage_count);
    for (uint32_t i = 0; i < a->event_count; i++)
        assert_event(&a->events[i], &b->events[i]);
}

/* Encodes; returns the bytes of all records and, in *out_decision_at, where the decision's own record begins. */
static size_t encode(struct room *room, size_t *out_decision_at)
{
    struct writer w = writer_of(room->bytes, RECORD_BYTES_MAX);
    record_write_decision(&w, &room->decision);
    assert_false(w.full);
    size_t at = 0;
    for (uint32_t i = 0; i < room->decision.name_count; i++)
        at += get_u32(room->bytes + at);
    *out_decision_at = at;
    return writer_bytes(&w);
}

static void decisions_come_back_as_they_were(void **state)
{
    (void)state;
    struct prng prng = prng_of(1);
    struct room there = room_create();
    struct room back = room_create();
    for (int round = 0; round < 20000; round++) {
        some_decision(&prng, &there, round % 100 == 0 ? 300 : 4);
        size_t decision_at = 0;
        size_t n = encode(&there, &decision_at);
        struct record record;
        size_t at = 0;
        for (uint32_t i = 0; i < there.decision.name_count; i++) {
            assert_int_equal(record_decode(there.bytes + at, n - at, &back.decision, &record), STATUS_OK);
            assert_int_equal(record.type, RECORD_NAME);
            assert_int_equal(record.name.space, there.names[i].space);
            assert_int_equal(record.name.number, there.names[i].number);
            assert_text(record.name.name, there.names[i].name);
            at += record.bytes;
        }
        assert_int_equal(at, decision_at);
        assert_int_equal(record_decode(there.bytes + at, n - at, &back.decision, &record), STATUS_OK);
        assert_int_equal(record.type, RECORD_DECISION);
        assert_int_equal(record.bytes, n - at);
        assert_ptr_equal(record.decision, &back.decision);
        assert_decision(&there.decision, &back.decision);
    }
    room_destroy(&there);
    room_destroy(&back);
}

static void small_records_come_back(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct genesis genesis = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {UINT64_MAX, 42}};
    record_write_genesis(&w, &genesis);
    record_write_tick(&w, INT64_C(-5));
    record_write_seal(&w);
    assert_false(w.full);
    struct record record;
    size_t n = writer_bytes(&w);
    size_t at = 0;
    assert_int_equal(record_decode(bytes, n, NULL, &record), STATUS_OK);
    assert_int_equal(record.type, RECORD_GENESIS);
    assert_memory_equal(record.genesis.ledger_id, genesis.ledger_id, 16);
    assert_memory_equal(record.genesis.key, genesis.key, 16);
    at += record.bytes;
    assert_int_equal(record_decode(bytes + at, n - at, NULL, &record), STATUS_OK);
    assert_int_equal(record.type, RECORD_TICK);
    assert_int_equal(record.tick_us, -5);
    at += record.bytes;
    assert_int_equal(record_decode(bytes + at, n - at, NULL, &record), STATUS_OK);
    assert_int_equal(record.type, RECORD_SEAL);
    assert_int_equal(at + record.bytes, n);
}

/* The golden bytes of docs/format.md: a sale of 2 from 10, by source 1, id "s-1". */
static void a_sale_has_these_bytes(void **state)
{
    (void)state;
    struct event event = {.seq = 300,
                          .type = EVENT_SALE,
                          .item = 5,
                          .location = 1,
                          .quantity = 2,
                          .condition = CONDITION_SELLABLE,
                          .to_condition = CONDITION_NONE,
                          .account = ACCOUNT_CUSTOMER,
                          .account_units = 90,
                          .other_location = NUMBER_NONE,
                          .version = 7,
                          .previous_seq = 299,
                          .channel_number = NUMBER_NONE,
                          .config_space = NAME_SPACE_COUNT,
                          .expires_at_us = TIME_NONE};
    event.delta.units[CONDITION_SELLABLE] = -2;
    event.figures.units[CONDITION_SELLABLE] = 8;
    struct decision decision = {.kind = KIND_SALE,
                                .source = 1,
                                .id = TEXT("s-1"),
                                .fingerprint = UINT64_C(0x1122334455667788),
                                .recorded_at_us = 1000000,
                                .occurred_at_us = 999999,
                                .first_seq = 300,
                                .event_count = 1,
                                .events = &event};
    static const uint8_t expected[] = {
        0x3c, 0,    0,    0,    3,                      /* length, type */
        1,    0xac, 0x02,                               /* one event, number 300 */
        1,    0xf0, 0x00,                               /* sale; source, id, fingerprint, occurred */
        0x40, 0x42, 0x0f, 0,    0,    0,    0,    0,    /* recorded at */
        1,    3,    's',  '-',  '1',                    /* source, id */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* fingerprint */
        1,                                              /* occurred one microsecond before */
        1,    0xdb, 0x1e,                               /* sale; what is present */
        5,    1,    4,    0,    1,    0xb4, 0x01,       /* item, location, 2, sellable, @customer, 90 */
        1,    0,    3,                                  /* delta: sellable -2 */
        1,    0,    16,                                 /* figures: sellable 8 */
        7,    1                                         /* version, previous one back */
    };
    uint8_t bytes[4096];
    struct writer w = writer_of(bytes, sizeof(bytes));
    record_write_decision(&w, &decision);
    assert_false(w.full);
    for (size_t i = 0; i < sizeof(expected) && i < writer_bytes(&w); i++) {
        if (i >= 4 && bytes[i] != expected[i])
            fail_msg("byte %zu is %02x, expected %02x", i, bytes[i], expected[i]);
    }
    assert_int_equal(writer_bytes(&w), sizeof(expected));
    assert_int_equal(get_u32(bytes), sizeof(expected));
}

/* An event of version 16 whose skip goes 10 back, to where the oldest occurred 3 us before it was recorded. */
static struct decision a_decision_with_a_skip(struct event *event)
{
    *event = (struct event){.seq = 300,
                            .item = 5,
                            .location = 1,
                            .condition = CONDITION_NONE,
                            .to_condition = CONDITION_NONE,
                            .account = ACCOUNT_NONE,
                            .other_location = NUMBER_NONE,
                            .version = 16,
                            .previous_seq = 299,
                            .channel_number = NUMBER_NONE,
                            .config_space = NAME_SPACE_COUNT,
                            .expires_at_us = TIME_NONE,
                            .skip_count = 1,
                            .skips = {{290, 999997}}};
    return (struct decision){.source = 1,
                             .recorded_at_us = 1000000,
                             .occurred_at_us = 999999,
                             .first_seq = 300,
                             .event_count = 1,
                             .events = event};
}

static void skips_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t version, back, oldest; /* as they are written, a byte each */
        enum status status;
    } rows[] = {
        {16, 10, 6, STATUS_OK},
        {16, 2, 6, STATUS_OK},
        {16, 10, 2, STATUS_OK},
        {16, 1, 6, STATUS_DAMAGED}, /* no further than the event before */
        {16, 0, 6, STATUS_DAMAGED}, /* to nothing, from a version that is not the first */
        {16, 10, 0, STATUS_DAMAGED}, /* the oldest is younger than the event itself */
        {8, 10, 6, STATUS_DAMAGED}, /* from the first to something */
        {8, 0, 6, STATUS_OK},
        {15, 10, 6, STATUS_DAMAGED}, /* from a version without skips */
        {64, 10, 6, STATUS_DAMAGED}, /* a level is missing */
    };
    struct event event;
    struct decision decision = a_decision_with_a_skip(&event);
    struct room room = room_create();
    struct writer w = writer_of(room.bytes, RECORD_BYTES_MAX);
    record_write_decision(&w, &decision);
    size_t n = writer_bytes(&w);
    static const uint8_t end[] = {16, 1, 10, 6}; /* version, previous one back, skip */
    assert_memory_equal(room.bytes + n - sizeof(end), end, sizeof(end));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record record;
        room.bytes[n - 4] = rows[i].version;
        room.bytes[n - 2] = rows[i].back;
        room.bytes[n - 1] = rows[i].oldest;
        enum status status = record_decode(room.bytes, n, &room.decision, &record);
        if (status != rows[i].status)
            fail_msg("row %zu: %d", i, (int)status);
    }
    room_destroy(&room);
}

static void the_longest_decision_fits(void **state)
{
    (void)state;
    struct room there = room_create();
    struct room back = room_create();
    struct prng prng = prng_of(2);
    some_decision(&prng, &there, 1);
    struct decision *d = &there.decision;
    struct text longest = text_of(letters, NAME_BYTES_MAX);
    d->id = d->actor = d->document = d->document_line = d->channel = longest;
    d->reason = d->meta = text_of(letters, META_BYTES_MAX);
    d->event_count = DECISION_EVENTS_MAX;
    d->shortage_count = 0;
    d->first_seq = (uint64_t)1 << 55;
    d->recorded_at_us = d->occurred_at_us = INT64_C(1) << 50;
    for (uint32_t i = 0; i < d->event_count; i++) {
        struct event *event = &d->events[i];
        *event = (struct event){.seq = d->first_seq + i,
                                .item = NUMBER_NONE - 1,
                                .location = NUMBER_NONE - 1,
                                .other_location = NUMBER_NONE - 1,
                                .scale = 6,
                                .quantity = -QUANTITY_UNITS_MAX,
                                .account_units = -QUANTITY_UNITS_MAX,
                                .version = (uint64_t)1 << 34,
                                .previous_seq = (uint64_t)1 << 54,
                                .discrepancy = DISCREPANCY_NO_CLAIM,
                                .channel_number = NUMBER_NONE,
                                .config_space = NAME_SPACE_COUNT,
                                .claim = 1,
                                .hold = longest,
                                .holder = longest,
                                .channel = longest,
                                .expires_at_us = d->recorded_at_us + INT64_C(0x7fffffffffff)};
        for (unsigned k = 0; k < FIGURE_COUNT; k++)
            event->figures.units[k] = -QUANTITY_UNITS_MAX;
        if (i >= 2 * COMMAND_LINES_MAX + 8) {
            event->claim = 0; /* it follows one that changed something */
            event->hold = event->holder = event->channel = TEXT_NONE;
            event->expires_at_us = TIME_NONE;
            event->other_location = NUMBER_NONE;
            event->account = ACCOUNT_NONE;
            event->account_units = 0;
            continue;
        }
        event->skip_count = SKIP_LEVELS;
        for (unsigned k = 0; k < SKIP_LEVELS; k++)
            event->skips[k] = (struct skip){event->previous_seq - 1 - k, -d->recorded_at_us};
        event->claim_priority = UINT32_MAX;
        event->claim_at = (struct moment){MOMENT_DAY, INT64_MAX};
        event->channel_number = CHANNELS_MAX - 1;
        event->quota_delta = event->quota = QUANTITY_UNITS_MAX;
        for (unsigned k = 0; k < FIGURE_COUNT; k++)
            event->delta.units[k] = -QUANTITY_UNITS_MAX;
        for (unsigned k = 0; k < CLAIM_FIGURE_COUNT; k++)
            event->claim_units[k] = QUANTITY_UNITS_MAX;
    }
    d->name_count = DECISION_NAMES_MAX;
    for (uint32_t i = 0; i < d->name_count; i++)
        d->names[i] = (struct new_name){NAME_ITEM, NUMBER_NONE - 1, longest};
    size_t decision_at = 0;
    size_t n = encode(&there, &decision_at);
    struct record record;
    assert_int_equal(record_decode(there.bytes + decision_at, n - decision_at, &back.decision, &record), STATUS_OK);
    assert_decision(d, &back.decision);

    /* Too little room is said, and nothing is written beyond it. */
    struct writer w = writer_of(there.bytes, n - 1);
    record_write_decision(&w, d);
    assert_true(w.full);
    room_destroy(&there);
    room_destroy(&back);
}

/* Either refused, or canonical: it encodes to the same bytes. */
static bool refused_or_canonical(struct room *back, const uint8_t *bytes, size_t n, struct room *again)
{
    struct record record;
    enum status status = record_decode(bytes, n, &back->decision, &record);
    if (status != STATUS_OK) {
        assert_true(status == STATUS_DAMAGED || status == STATUS_VERSION);
        return true;
    }
    struct writer w = writer_of(again->bytes, RECORD_BYTES_MAX);
    switch (record.type) {
    case RECORD_DECISION:
        record_write_decision(&w, record.decision);
        break;
    case RECORD_GENESIS:
        record_write_genesis(&w, &record.genesis);
        break;
    case RECORD_TICK:
        record_write_tick(&w, record.tick_us);
        break;
    case RECORD_SEAL:
        record_write_seal(&w);
        break;
    case RECORD_NAME:
        return true; /* has no writer of its own */
    case RECORD_SKIP:
        return false;
    }
    return !w.full && writer_bytes(&w) == record.bytes && memcmp(again->bytes, bytes, record.bytes) == 0;
}

static void hostile_bytes_do_no_harm(void **state)
{
    (void)state;
    struct prng prng = prng_of(3);
    struct room there = room_create();
    struct room back = room_create();
    struct room again = room_create();
    for (int round = 0; round < 300; round++) {
        some_decision(&prng, &there, 3);
        size_t at = 0;
        size_t n = encode(&there, &at);
        n -= at;
        /* A copy of exactly this length, so that a sanitizer sees a read beyond it. */
        uint8_t *copy = malloc(n);
        memcpy(copy, there.bytes + at, n);
        for (size_t bit = 0; bit < n * 8; bit++) {
            copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (!refused_or_canonical(&back, copy, n, &again))
                fail_msg("round %d: bit %zu flipped gives a second encoding", round, bit);
            copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        for (int flips = 0; flips < 300; flips++) {
            memcpy(copy, there.bytes + at, n);
            for (uint64_t k = 1 + prng_below(&prng, 6); k > 0; k--)
                copy[5 + prng_below(&prng, n - 5)] = (uint8_t)prng_next(&prng);
            if (!refused_or_canonical(&back, copy, n, &again))
                fail_msg("round %d: changed bytes give a second encoding", round);
        }
        free(copy);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *prefix = malloc(cut == 0 ? 1 : cut);
            memcpy(prefix, there.bytes + at, cut);
            struct record record;
            assert_int_equal(record_decode(prefix, cut, &back.decision, &record), STATUS_DAMAGED);
            if (cut >= 5) { /* with a length that claims to be right */
                put_u32(prefix, (uint32_t)cut);
                assert_true(refused_or_canonical(&back, prefix, cut, &again));
            }
            free(prefix);
        }
    }
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)(prng_next(&prng) >> (prng_below(&prng, 2) * 6));
        put_u32(bytes, (uint32_t)sizeof(bytes));
        bytes[4] = (uint8_t)prng_below(&prng, 8);
        assert_true(refused_or_canonical(&back, bytes, sizeof(bytes), &again));
    }
    room_destroy(&there);
    room_destroy(&back);
    room_destroy(&again);
}

static void what_a_newer_version_writes_is_told_from_damage(void **state)
{
    (void)state;
    struct record record;
    uint8_t skip[] = {5, 0, 0, 0, RECORD_SKIP};
    assert_int_equal(record_decode(skip, sizeof(skip), NULL, &record), STATUS_VERSION);
    uint8_t unknown[] = {5, 0, 0, 0, 77};
    assert_int_equal(record_decode(unknown, sizeof(unknown), NULL, &record), STATUS_VERSION);
    uint8_t zero[] = {5, 0, 0, 0, 0};
    assert_int_equal(record_decode(zero, sizeof(zero), NULL, &record), STATUS_DAMAGED);
    uint8_t left_over[] = {6, 0, 0, 0, RECORD_SEAL, 0};
    assert_int_equal(record_decode(left_over, sizeof(left_over), NULL, &record), STATUS_DAMAGED);
    uint8_t space[] = {9, 0, 0, 0, RECORD_NAME, NAME_SPACE_COUNT, 0, 1, 'a'};
    assert_int_equal(record_decode(space, sizeof(space), NULL, &record), STATUS_VERSION);
    uint8_t no_name[] = {8, 0, 0, 0, RECORD_NAME, NAME_ITEM, 0, 0};
    assert_int_equal(record_decode(no_name, sizeof(no_name), NULL, &record), STATUS_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_come_back_as_they_were),
        cmocka_unit_test(small_records_come_back),
        cmocka_unit_test(a_sale_has_these_bytes),
        cmocka_unit_test(skips_that_cannot_be_are_refused),
        cmocka_unit_test(the_longest_decision_fits),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(what_a_newer_version_writes_is_told_from_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
