/*
 * Goal: what is counted of a source is what was decided of it, within each bound of lateness, and of so many sources
 * only as there is room for.
 * Method: decisions made by hand; what is told of them afterwards.
 */
#include "unit.h"

#include "engine/quality.h"

#define START_US  INT64_C(1700000000000000)
#define SECOND_US INT64_C(1000000)

static struct event events[4];

static struct decision decision_of(uint32_t source, enum command_kind kind)
{
    event_reset(&events[0], 1);
    return (struct decision){.kind = kind, .source = source, .recorded_at_us = START_US, .occurred_at_us = START_US,
                             .event_count = 1, .events = events};
}

static void decisions_are_counted_by_source(void **state)
{
    (void)state;
    struct quality *quality = quality_create(linux_env());
    struct quality_counts counts;
    assert_non_null(quality);
    assert_int_equal(quality_count(quality), 0);
    struct decision decision = decision_of(5, KIND_SALE);
    quality_decided(quality, &decision, false);
    assert_int_equal(quality_count(quality), 6);
    events[0].type = EVENT_REFUSED;
    decision.recorded_at_us += 7;
    quality_decided(quality, &decision, false);
    quality_replayed(quality, 5);
    quality_replayed(quality, 5);
    quality_invalid(quality, 5);
    quality_invalid(quality, NUMBER_NONE);
    decision = decision_of(5, KIND_SALE);
    static const enum event_type types[] = {EVENT_SALE, EVENT_DISCREPANCY, EVENT_OVERSOLD, EVENT_OUT_OF_STOCK};
    for (unsigned i = 0; i < 4; i++) {
        event_reset(&events[i], i + 1);
        events[i].type = types[i];
    }
    decision.event_count = 4;
    decision.clock_skew = true;
    decision.recorded_at_us += 9;
    quality_decided(quality, &decision, false);
    assert_true(quality_counts(quality, 5, &counts));
    assert_int_equal(counts.accepted, 2);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(counts.replayed, 2);
    assert_int_equal(counts.invalid, 1);
    assert_int_equal(counts.contradictions, 2);
    assert_int_equal(counts.clock_skew, 1);
    assert_true(counts.heard_us == START_US + 9);
    assert_true(quality_counts(quality, 4, &counts));
    assert_true(counts.accepted == 0 && counts.heard_us == 0);
    quality_destroy(quality);
}

static void lateness_has_bounds(void **state)
{
    (void)state;
    static const struct {
        int64_t late_us;
        unsigned bound;
    } rows[] = {{-400 * SECOND_US, 0}, {0, 0}, {SECOND_US, 0}, {SECOND_US + 1, 1}, {10 * SECOND_US, 1},
                {60 * SECOND_US, 2}, {600 * SECOND_US, 3}, {3600 * SECOND_US, 4}, {86400 * SECOND_US, 5},
                {604800 * SECOND_US, 6}, {604800 * SECOND_US + 1, 7}, {INT64_C(1) << 50, 7}};
    struct quality *quality = quality_create(linux_env());
    struct quality_counts counts;
    struct quality_lateness lateness;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decision decision = decision_of((uint32_t)i, KIND_SALE);
        decision.occurred_at_us -= rows[i].late_us;
        quality_decided(quality, &decision, true);
        assert_true(quality_counts(quality, (uint32_t)i, &counts));
        for (unsigned bound = 0; bound <= QUALITY_LATENESS_COUNT; bound++)
            assert_int_equal(counts.late[bound], bound == rows[i].bound);
        assert_true(counts.late_sum_us == (uint64_t)max_i64(0, rows[i].late_us));
        assert_true(quality_lateness(quality, (uint32_t)i, &lateness));
        assert_int_equal(lateness.count, 1);
        assert_true(lateness.max_us == counts.late_sum_us && lateness.p50_us <= lateness.max_us);
    }
    for (unsigned i = 1; i <= 100; i++) {
        struct decision decision = decision_of(100, KIND_SALE);
        decision.occurred_at_us -= i * SECOND_US;
        quality_decided(quality, &decision, true);
    }
    assert_true(quality_lateness(quality, 100, &lateness));
    assert_int_equal(lateness.count, 100);
    assert_in_range(lateness.p50_us, 50 * SECOND_US, 51 * SECOND_US);
    assert_in_range(lateness.p99_us, 99 * SECOND_US, 100 * SECOND_US);
    assert_true(lateness.max_us == 100 * SECOND_US);
    quality_destroy(quality);
}

static void silence_and_names_given_up_are_followed(void **state)
{
    (void)state;
    struct quality *quality = quality_create(linux_env());
    struct quality_counts counts;
    struct decision decision = decision_of(0, KIND_SILENT);
    events[0].type = EVENT_SILENT;
    events[0].silent_source = 7;
    quality_follow(quality, &decision);
    assert_int_equal(quality_count(quality), 8);
    assert_true(quality_counts(quality, 7, &counts) && counts.silent && counts.heard_us == 0);
    /* A PUT with which it is silent no more. */
    decision = decision_of(1, KIND_PUT_SOURCE);
    events[0].type = EVENT_CONFIG;
    events[0].config_space = NAME_SOURCE;
    events[0].config_number = 7;
    event_reset(&events[1], 2);
    events[1].type = EVENT_HEARD;
    events[1].silent_source = 7;
    decision.event_count = 2;
    quality_follow(quality, &decision);
    assert_true(quality_counts(quality, 7, &counts) && !counts.silent);
    decision = decision_of(1, KIND_DELETE_SOURCE);
    events[0].type = EVENT_CONFIG;
    events[0].config_space = NAME_SOURCE;
    events[0].config_number = 7;
    events[0].config_deleted = true;
    quality_follow(quality, &decision);
    assert_false(quality_counts(quality, 7, &counts));
    assert_true(quality_counts(quality, 1, &counts) && counts.accepted == 0);
    quality_destroy(quality);
}

static void sources_beyond_the_bound_are_not_counted(void **state)
{
    (void)state;
    struct quality *quality = quality_create(linux_env());
    struct quality_counts counts;
    struct quality_lateness lateness;
    struct decision decision = decision_of(QUALITY_SOURCES_MAX, KIND_SALE);
    quality_decided(quality, &decision, true);
    quality_replayed(quality, QUALITY_SOURCES_MAX);
    quality_invalid(quality, QUALITY_SOURCES_MAX);
    decision = decision_of(QUALITY_SOURCES_MAX, KIND_HEARD);
    events[0].type = EVENT_HEARD;
    events[0].silent_source = QUALITY_SOURCES_MAX;
    quality_follow(quality, &decision);
    assert_int_equal(quality_count(quality), 0);
    assert_false(quality_counts(quality, QUALITY_SOURCES_MAX, &counts));
    assert_false(quality_lateness(quality, QUALITY_SOURCES_MAX, &lateness));
    decision = decision_of(QUALITY_SOURCES_MAX - 1, KIND_SALE);
    quality_decided(quality, &decision, true);
    assert_int_equal(quality_count(quality), QUALITY_SOURCES_MAX);
    quality_destroy(quality);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_counted_by_source),
        cmocka_unit_test(lateness_has_bounds),
        cmocka_unit_test(silence_and_names_given_up_are_followed),
        cmocka_unit_test(sources_beyond_the_bound_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
