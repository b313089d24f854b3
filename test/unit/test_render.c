/*
 * Goal: what a decision says of quotas, claims, transfers, expectations and configuration is in its events and its
 * answer, and what it does not say is left out. Method: a decision made by hand, a part of it in each row; the text
 * must be JSON and have the fragments in it.
 */
#include "unit.h"

#include "api/json.h"
#include "api/render.h"

/* The names are those of a dry run: no ledger is asked. */
static const struct new_name names[] = {
    {NAME_ITEM, 0, {"A", 1}},      {NAME_ITEM, 1, {"B", 1}},      {NAME_LOCATION, 0, {"DC", 2}},
    {NAME_LOCATION, 1, {"S1", 2}}, {NAME_SOURCE, 0, {"shop", 4}}, {NAME_CHANNEL, 0, {"we\"b", 4}},
};
static const struct render render = {NULL, &epochs_first, sizeof(names) / sizeof(names[0]), names};

static struct event events[4];
static struct shortage shortages[2];
static struct text mentions[2];
static struct decision decision;
static struct buffer out;

/* One event per cell of item A: DC, S1, then item B of scale 2 at S1. */
static void begin(enum command_kind kind, enum event_type type, uint32_t count)
{
    static const uint32_t cells[][2] = {{0, 0}, {0, 1}, {1, 1}};
    decision =
        (struct decision){.kind = kind, .id = TEXT("c1"), .first_seq = 7, .event_count = count, .events = events};
    for (uint32_t i = 0; i < count; i++)
        events[i] = (struct event){
            .seq = 7 + i,
            .type = type,
            .item = cells[i][0],
            .location = cells[i][1],
            .scale = cells[i][0] == 1 ? 2 : 0,
            .quantity = 3,
            .condition = CONDITION_SELLABLE,
            .to_condition = CONDITION_NONE,
            .account = ACCOUNT_NONE,
            .other_location = NUMBER_NONE,
            .version = 1,
            .expires_at_us = TIME_NONE,
            .channel_number = NUMBER_NONE,
            .config_space = NAME_SPACE_COUNT,
        };
}

static void claim(struct event *event, enum claim_state state)
{
    event->claim = 7;
    event->hold = TEXT("h1");
    event->holder = TEXT("shop");
    event->claim_state = state;
}

static const char *text_out(void)
{
    static char text[8192];
    static char document[8192 + JSON_PADDING];
    static struct json_node nodes[1000];
    static struct json_parser *parser;
    if (parser == NULL)
        parser = json_parser_create(8192);
    assert_false(out.failed);
    assert_true(out.length < sizeof(text));
    memcpy(text, out.bytes, out.length);
    memcpy(document, out.bytes, out.length);
    text[out.length] = '\0';
    uint32_t count = 0;
    if (json_parse(parser, document, out.length, nodes, 1000, &count, NULL) != JSON_OK)
        fail_msg("no JSON: %s", text);
    return text;
}

static const char *event_text(uint32_t index)
{
    buffer_reset(&out);
    render_event(&out, &render, &decision, index);
    return text_out();
}

static const char *answer_text(void)
{
    buffer_reset(&out);
    buffer_byte(&out, '{');
    render_answer(&out, &render, &decision, TEXT_NONE, false, false, false);
    buffer_byte(&out, '}');
    return text_out();
}

static void has(const char *text, const char *fragment)
{
    bool there = strstr(text, fragment) != NULL;
    if (!there)
        print_error("%s\n", text);
    assert_true(there);
}
static void lacks(const char *text, const char *fragment)
{
    bool there = strstr(text, fragment) != NULL;
    if (there)
        print_error("%s\n", text);
    assert_false(there);
}

static void a_cell_says_its_quota_and_whether_it_is_low(void **state)
{
    (void)state;
    begin(KIND_ALLOCATE, EVENT_ALLOCATE, 3);
    const char *plain = event_text(2);
    lacks(plain, "quota\":{");
    lacks(plain, "low");
    lacks(plain, "transit\":{");
    lacks(plain, "expect");
    lacks(plain, "config");
    lacks(plain, "claim");
    events[2].channel_number = 0;
    events[2].quota = 4000;
    events[2].quota_delta = -25;
    events[2].low = true;
    has(event_text(2), ",\"low\":true,\"quota\":{\"channel\":\"we\\\"b\",\"units\":40,\"delta\":-0.25}");
    events[2].type = EVENT_LOW_STOCK;
    has(event_text(2), "\"type\":\"low_stock\",\"kind\":\"allocate\"");
}

static void a_claim_says_what_it_was_asked_with(void **state)
{
    (void)state;
    begin(KIND_HOLD, EVENT_HOLD, 2);
    claim(&events[0], CLAIM_STATE_WAITING);
    events[0].quantity = 0;
    events[0].claim_units[CLAIM_WAITING] = 5;
    events[0].claim_units[CLAIM_BACKORDERED] = 2;
    events[0].claim_units[CLAIM_QUOTA] = 1;
    const char *plain = event_text(0);
    has(plain, "\"state\":\"waiting\",\"claim\":{");
    has(plain, "\"short\":0,\"backordered\":2,\"quota\":1,\"waiting\":5}");
    lacks(plain, "paid");
    lacks(plain, "priority");
    lacks(plain, "\"at\":");
    events[0].claim_paid = true;
    events[0].claim_priority = 1u << 31;
    events[0].claim_at = (struct moment){MOMENT_DAY, INT64_C(1798070400000000)};
    has(event_text(0), "\"paid\":true,\"priority\":2147483648,\"at\":\"2026-12-24\",");
    events[0].claim_at.form = MOMENT_INSTANT;
    has(event_text(0), "\"at\":\"2026-12-24T00:00:00Z\"");
}

static void an_answer_says_what_was_granted_and_what_waits(void **state)
{
    (void)state;
    begin(KIND_HOLD, EVENT_HOLD, 3);
    for (int i = 0; i < 3; i++)
        claim(&events[i], CLAIM_STATE_HELD);
    events[1].quantity = 0;
    events[1].claim_units[CLAIM_WAITING] = 4;
    events[2].quantity = 150;
    events[2].claim_units[CLAIM_WAITING] = 50;
    has(answer_text(), "\"hold\":\"h1\",\"state\":\"held\",\"expires_at\":null,\"granted\":["
                       "{\"item\":\"A\",\"location\":\"DC\",\"granted\":3},"
                       "{\"item\":\"A\",\"location\":\"S1\",\"granted\":0,\"waiting\":4},"
                       "{\"item\":\"B\",\"location\":\"S1\",\"granted\":1.5,\"waiting\":0.5}],\"figures\":[");
    events[1].claim_units[CLAIM_WAITING] = 0; /* given back, and nothing asked there anew */
    has(answer_text(), "\"granted\":3},{\"item\":\"B\"");

    begin(KIND_AMEND, EVENT_AMEND, 2);
    claim(&events[0], CLAIM_STATE_COMMITTED);
    claim(&events[1], CLAIM_STATE_COMMITTED);
    events[1].quantity = 0;
    has(answer_text(), "\"granted\":[{\"item\":\"A\",\"location\":\"DC\",\"granted\":3},"
                       "{\"item\":\"A\",\"location\":\"S1\",\"granted\":0}]");
    begin(KIND_PICK, EVENT_PICK, 1);
    claim(&events[0], CLAIM_STATE_COMMITTED);
    lacks(answer_text(), "granted\":[");
}

static void a_transfer_is_named_with_what_is_under_way(void **state)
{
    (void)state;
    begin(KIND_TRANSFER_OUT, EVENT_TRANSFER_OUT, 3);
    for (int i = 0; i < 3; i++) {
        events[i].transfer_number = 7;
        events[i].transfer = TEXT("T1");
    }
    events[1].transit = events[1].transit_delta = 20;
    events[1].eta = (struct moment){MOMENT_DAY, INT64_C(1796083200000000)};
    events[2].transit = 125;
    events[2].transit_delta = -75;
    has(event_text(0), "\"transfer\":\"T1\",");
    lacks(event_text(0), "\"transit\":");
    has(event_text(1), "\"transfer\":\"T1\",\"eta\":\"2026-12-01\",\"transit\":{\"units\":20,\"delta\":20}");
    has(event_text(2), "\"transit\":{\"units\":1.25,\"delta\":-0.75}");
    const char *answer = answer_text();
    has(answer, "\"transfer\":\"T1\",\"transit\":[{\"item\":\"A\",\"location\":\"S1\",\"units\":20},"
                "{\"item\":\"B\",\"location\":\"S1\",\"units\":1.25}],\"figures\":[");
    lacks(answer, "hold");
    lacks(answer, "expect");
}

static void an_expectation_is_named_with_what_is_open(void **state)
{
    (void)state;
    begin(KIND_RECEIVE, EVENT_RECEIVE, 2);
    events[0].expectation_number = 3;
    events[0].expectation = TEXT("PO9/1");
    events[0].direction = DIRECTION_IN;
    events[0].due = (struct moment){MOMENT_INSTANT, INT64_C(1796083200500000)};
    events[0].expected_delta = -3;
    events[1].type = EVENT_DISCREPANCY;
    events[1].discrepancy = DISCREPANCY_EXCEEDS_EXPECTATION;
    has(event_text(0), "\"expectation\":\"PO9/1\",\"direction\":\"in\",\"due\":\"2026-12-01T00:00:00.5Z\","
                       "\"expected\":{\"units\":0,\"delta\":-3}");
    has(event_text(1), "\"discrepancy\":\"exceeds_expectation\"");
    lacks(event_text(1), "\"expectation\":");
    has(answer_text(), "\"expectation\":\"PO9/1\",\"expected\":[{\"item\":\"A\",\"location\":\"DC\",\"units\":0}],");
    events[0].direction = DIRECTION_OUT;
    has(event_text(0), "\"direction\":\"out\"");
}

static void a_refusal_names_the_claims_in_the_way(void **state)
{
    (void)state;
    begin(KIND_SET_CHANNEL, EVENT_REFUSED, 1);
    events[0].item = events[0].location = NUMBER_NONE;
    events[0].code = CODE_claims_open;
    lacks(event_text(0), "claims\":");
    mentions[0] = TEXT("h1");
    mentions[1] = TEXT("h\"2");
    events[0].mentions = mentions;
    events[0].mention_count = 2;
    events[0].mention_total = 40;
    has(event_text(0), "\"claims\":[\"h1\",\"h\\\"2\"],\"claims_total\":40");
    has(answer_text(), "\"claims\":[\"h1\",\"h\\\"2\"],\"claims_total\":40}");

    events[0].code = CODE_no_source;
    shortages[0] = (struct shortage){1, NUMBER_NONE, 2, 1000, 150};
    shortages[1] = (struct shortage){0, 1, 0, 3, 2};
    events[0].shortages = shortages;
    events[0].shortage_count = 2;
    has(answer_text(), "\"cells\":[{\"item\":\"B\",\"location\":null,\"asked\":10,\"free\":1.5},"
                       "{\"item\":\"A\",\"location\":\"S1\",\"asked\":3,\"free\":2}]");
}

static void configuration_says_what_was_set(void **state)
{
    (void)state;
    begin(KIND_SET_CHANNEL, EVENT_SET_CHANNEL, 1);
    events[0].item = events[0].location = NUMBER_NONE;
    events[0].config_space = NAME_CHANNEL;
    has(event_text(0), "\"config\":{\"space\":\"channel\",\"name\":\"we\\\"b\"");
    lacks(event_text(0), "deleted");
    events[0].config_deleted = true;
    has(event_text(0), "\"config\":{\"space\":\"channel\",\"name\":\"we\\\"b\",\"deleted\":true}");
    events[0].config_space = NAME_LOCATION;
    events[0].config_number = 1;
    has(event_text(0), "\"config\":{\"space\":\"location\",\"name\":\"S1\",");
    events[0].config_space = NAME_ITEM;
    has(event_text(0), "\"space\":\"item\",\"name\":\"B\"");
    events[0].config_space = NAME_SOURCE;
    events[0].config_number = 0;
    has(event_text(0), "\"space\":\"source\",\"name\":\"shop\"");
    has(answer_text(), "\"figures\":[]");
}

int main(void)
{
    buffer_init(&out, 1 << 16);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_says_its_quota_and_whether_it_is_low),
        cmocka_unit_test(a_claim_says_what_it_was_asked_with),
        cmocka_unit_test(an_answer_says_what_was_granted_and_what_waits),
        cmocka_unit_test(a_transfer_is_named_with_what_is_under_way),
        cmocka_unit_test(an_expectation_is_named_with_what_is_open),
        cmocka_unit_test(a_refusal_names_the_claims_in_the_way),
        cmocka_unit_test(configuration_says_what_was_set),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_deinit(&out);
    return failed;
}
