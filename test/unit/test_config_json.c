/*
 * Goal: bodies of configuration in JSON become the form that the ledger keeps, or are refused with the field and what it
 * must be; zones are read from the system's descriptions as they are written by different systems.
 * Method: tables of bodies, rendered back from their form; descriptions made here byte by byte, and a few of the system's.
 */
#include "unit.h"

#include "api/config_json.h"
#include "api/zone_file.h"
#include "env/env.h"

#define NODES_MAX 4096
static struct json_node nodes[NODES_MAX];
static struct json_parser *parser;
static char document[64 * 1024 + JSON_PADDING];
static struct command command;
static struct command_error error;

static bool find_zone(void *context, struct text name, struct zone *out_zone)
{
    (void)context;
    if (zone_offset_read(name, out_zone))
        return true;
    *out_zone = (struct zone){.name = name, .offset_s = 3600};
    return text_equal(name, TEXT("Europe/Berlin"));
}
static struct config_room room = {.find_zone = find_zone};

static bool read_body(enum name_space space, const char *json, bool named)
{
    uint32_t count = 0;
    assert_true(strlen(json) + JSON_PADDING < sizeof(document));
    memcpy(document, json, strlen(json) + 1);
    assert_int_equal(json_parse(parser, document, strlen(document), nodes, NODES_MAX, &count, NULL), JSON_OK);
    return config_from_json(nodes, 0, space, named ? TEXT_NONE : TEXT("X"), &room, &command, &error);
}

struct refusal {
    enum name_space space;
    const char *json;
    enum code code;
    const char *field;
};

static void bad_bodies_are_refused_by_name(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {NAME_ITEM, "[]", CODE_bad_value, ""},
        {NAME_ITEM, "{}", CODE_missing_field, "/scale"},
        {NAME_ITEM, "{\"scale\":7}", CODE_bad_value, "/scale"},
        {NAME_ITEM, "{\"scale\":-1}", CODE_bad_value, "/scale"},
        {NAME_ITEM, "{\"scale\":\"3\"}", CODE_bad_value, "/scale"},
        {NAME_ITEM, "{\"scale\":1.5}", CODE_bad_value, "/scale"},
        {NAME_ITEM, "{\"scale\":null}", CODE_bad_value, "/scale"},
        {NAME_ITEM, "{\"scale\":0,\"colour\":1}", CODE_unknown_field, "/colour"},
        {NAME_ITEM, "{\"scale\":0,\"name\":\"Y\"}", CODE_unknown_field, "/name"},
        {NAME_ITEM, "{\"scale\":0,\"merged\":[\"Y\"]}", CODE_unknown_field, "/merged"},
        {NAME_ITEM, "{\"scale\":0,\"units\":[]}", CODE_bad_value, "/units"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":0}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":-1}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":true}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":\"1/0\"}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":\"1/2/3\"}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":\"1.5/2\"}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"case\":\"1/1000000000001\"}}", CODE_bad_value, "/units/case"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"\":1}}", CODE_bad_value, "/units/"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"123456789012345678901234567890123\":1}}", CODE_bad_value,
         "/units/123456789012345678901234567890123"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":[]}", CODE_bad_value, "/aliases"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"shop\":\"x\"}}", CODE_bad_value, "/aliases/shop"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"shop\":[\"\"]}}", CODE_bad_value, "/aliases/shop"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"shop\":[\"x\",\"y\",\"x\"]}}", CODE_bad_value, "/aliases/shop"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"@all\":[\"x\"]}}", CODE_bad_value, "/aliases/@all"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"\":[\"x\"]}}", CODE_bad_value, "/aliases/"},
        {NAME_ITEM, "{\"scale\":0,\"components\":{}}", CODE_bad_value, "/components"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[1]}", CODE_bad_value, "/components"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"P\"}]}", CODE_bad_value, "/components"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"P\",\"quantity\":1,\"unit\":\"c\"}]}", CODE_unknown_field,
         "/components"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"P\",\"quantity\":0}]}", CODE_bad_value, "/components/quantity"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"@P\",\"quantity\":1}]}", CODE_bad_value, "/components/item"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"P\",\"quantity\":1},{\"item\":\"P\",\"quantity\":2}]}",
         CODE_bad_value, "/components"},
        {NAME_ITEM, "{\"scale\":0,\"gtin\":4006381333931}", CODE_bad_value, "/gtin"},
        {NAME_ITEM, "{\"scale\":0,\"gtin\":\"4006381333932\"}", CODE_bad_value, "/gtin"},
        {NAME_ITEM, "{\"scale\":0,\"attributes\":[]}", CODE_bad_value, "/attributes"},
        {NAME_ITEM, "{\"merge\":\"A\",\"scale\":0}", CODE_bad_value, "/merge"},
        {NAME_ITEM, "{\"merge\":null}", CODE_bad_value, "/merge"},
        {NAME_LOCATION, "1", CODE_bad_value, ""},
        {NAME_LOCATION, "{\"parent\":\"\"}", CODE_bad_value, "/parent"},
        {NAME_LOCATION, "{\"promise\":1}", CODE_bad_value, "/promise"},
        {NAME_LOCATION, "{\"zone\":1}", CODE_bad_value, "/zone"},
        {NAME_LOCATION, "{\"shortfall\":\"oldest\"}", CODE_bad_value, "/shortfall"},
        {NAME_LOCATION, "{\"shortfall\":[]}", CODE_bad_value, "/shortfall"},
        {NAME_LOCATION, "{\"shortfall\":{}}", CODE_bad_value, "/shortfall"},
        {NAME_LOCATION, "{\"shortfall\":[1]}", CODE_bad_value, "/shortfall"},
        {NAME_LOCATION, "{\"shortfall\":[\"unpaid\",\"newest\",\"unpaid\"]}", CODE_bad_value, "/shortfall"},
        {NAME_LOCATION, "{\"zone\":\"Mars\"}", CODE_bad_value, "/zone"},
        {NAME_LOCATION, "{\"zone\":\"+25:00\"}", CODE_bad_value, "/zone"},
        {NAME_LOCATION, "{\"scale\":0}", CODE_unknown_field, "/scale"},
        {NAME_SOURCE, "{\"ordered\":\"yes\"}", CODE_bad_value, "/ordered"},
        {NAME_SOURCE, "{\"strict\":0}", CODE_bad_value, "/strict"},
        {NAME_SOURCE, "{\"default_condition\":\"new\"}", CODE_bad_value, "/default_condition"},
        {NAME_SOURCE, "{\"expires_in\":-1}", CODE_bad_value, "/expires_in"},
        {NAME_SOURCE, "{\"id_window\":1}", CODE_unknown_field, "/id_window"},
        {NAME_SOURCE, "{\"snapshot_policy\":\"merge\"}", CODE_bad_value, "/snapshot_policy"},
        {NAME_SOURCE, "{\"snapshot_policies\":[\"L\"]}", CODE_bad_value, "/snapshot_policies"},
        {NAME_SOURCE, "{\"snapshot_policies\":{\"L\":\"merge\"}}", CODE_bad_value, "/snapshot_policies/L"},
        {NAME_SOURCE, "{\"snapshot_policies\":{\"\":\"report\"}}", CODE_bad_value, "/snapshot_policies/"},
        {NAME_SOURCE, "{\"max_change\":{\"units\":0.5}}", CODE_bad_value, "/max_change/units"},
        {NAME_SOURCE, "{\"count_limit\":1}", CODE_bad_value, "/count_limit"},
        {NAME_SOURCE, "{\"count_limit\":{}}", CODE_bad_value, "/count_limit"},
        {NAME_SOURCE, "{\"count_limit\":{\"units\":-1}}", CODE_bad_value, "/count_limit/units"},
        {NAME_SOURCE, "{\"count_limit\":{\"percent\":1.5}}", CODE_bad_value, "/count_limit/percent"},
        {NAME_SOURCE, "{\"age_limit\":0}", CODE_bad_value, "/age_limit"},
        {NAME_SOURCE, "{\"silence\":1}", CODE_bad_value, "/silence"},
        {NAME_SOURCE, "{\"silence\":{}}", CODE_missing_field, "/silence/after"},
        {NAME_SOURCE, "{\"silence\":{\"after\":0}}", CODE_bad_value, "/silence/after"},
        {NAME_SOURCE, "{\"silence\":{\"after\":31622401}}", CODE_bad_value, "/silence/after"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1.5}}", CODE_bad_value, "/silence/after"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"till\":2}}", CODE_unknown_field, "/silence/till"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"locations\":\"L\"}}", CODE_bad_value, "/silence/locations"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"locations\":[\"L\",\"L\"]}}", CODE_bad_value, "/silence/locations/1"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"locations\":[\"\"]}}", CODE_bad_value, "/silence/locations/0"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"locations\":[\"L\"],\"buffer\":0}}", CODE_bad_value, "/silence/buffer"},
        {NAME_SOURCE, "{\"silence\":{\"after\":1,\"buffer\":1}}", CODE_bad_value, "/silence/buffer"},
        {NAME_SOURCE, "{\"pair\":\"x\"}", CODE_bad_value, "/pair"},
        {NAME_CHANNEL, "{\"locations\":\"L\"}", CODE_bad_value, "/locations"},
        {NAME_CHANNEL, "{\"locations\":[\"L\",\"L\"]}", CODE_bad_value, "/locations/1"},
        {NAME_CHANNEL, "{\"priority\":0}", CODE_bad_value, "/priority"},
        {NAME_CHANNEL, "{\"shares_rest\":0}", CODE_bad_value, "/shares_rest"},
        {NAME_CHANNEL, "{\"buffer\":-1}", CODE_bad_value, "/buffer"},
        {NAME_CHANNEL, "{\"cap\":1.5}", CODE_bad_value, "/cap"},
        {NAME_CHANNEL, "{\"item\":\"A\"}", CODE_unknown_field, "/item"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (read_body(rows[i].space, rows[i].json, false))
            fail_msg("%s was taken", rows[i].json);
        if (error.code != rows[i].code || strcmp(error.field, rows[i].field) != 0)
            fail_msg("%s: %s at '%s': %s", rows[i].json, code_name(error.code), error.field, error.detail);
        assert_true(strlen(error.detail) > 5);
        /* What a later version will know is told from what nobody knows. */
        bool later = rows[i].space == NAME_SOURCE && rows[i].code == CODE_unknown_field &&
                     strncmp(rows[i].field, "/silence", 8) != 0;
        if ((strstr(error.detail, "this version has no meaning for") != NULL) != later)
            fail_msg("%s: %s", rows[i].json, error.detail);
    }
    assert_false(read_body(NAME_SOURCE, "{\"silent\":1}", false));
    assert_string_equal(error.detail, "is not a field of a source; there are: zone ordered strict default_condition expires_in "
                                      "silence age_limit count_limit snapshot_policy snapshot_policies max_change pair");
    assert_false(read_body(NAME_ITEM, "{\"scale\":0}", true));
    assert_string_equal(error.field, "/name");
    assert_int_equal(error.code, CODE_missing_field);
    assert_false(read_body(NAME_ITEM, "{\"scale\":0,\"name\":\"@x\"}", true));
    assert_string_equal(error.field, "/name");
}

static void lists_have_their_bounds(void **state)
{
    (void)state;
    static char json[32 * 1024];
    for (unsigned over = 0; over < 2; over++) {
        size_t n = (size_t)sprintf(json, "{\"scale\":0,\"units\":{");
        for (unsigned i = 0; i < UNITS_MAX + over; i++)
            n += (size_t)sprintf(json + n, "%s\"u%u\":%u", i == 0 ? "" : ",", i, i + 1);
        (void)sprintf(json + n, "}}");
        assert_int_equal(read_body(NAME_ITEM, json, false), over == 0);
        n = (size_t)sprintf(json, "{\"scale\":0,\"aliases\":{\"s\":[");
        for (unsigned i = 0; i < ALIASES_MAX + over; i++)
            n += (size_t)sprintf(json + n, "%s\"a%u\"", i == 0 ? "" : ",", i);
        (void)sprintf(json + n, "]}}");
        assert_int_equal(read_body(NAME_ITEM, json, false), over == 0);
        n = (size_t)sprintf(json, "{\"scale\":0,\"components\":[");
        for (unsigned i = 0; i < COMPONENTS_MAX + over; i++)
            n += (size_t)sprintf(json + n, "%s{\"item\":\"p%u\",\"quantity\":1}", i == 0 ? "" : ",", i);
        (void)sprintf(json + n, "]}");
        assert_int_equal(read_body(NAME_ITEM, json, false), over == 0);
    }
    assert_int_equal(error.code, CODE_out_of_range);
    /* Each list within its bounds, and yet more than 16 KiB together. */
    size_t n = (size_t)sprintf(json, "{\"scale\":0,\"aliases\":{\"s\":[");
    for (unsigned i = 0; i < 140; i++)
        n += (size_t)sprintf(json + n, "%s\"%0120u\"", i == 0 ? "" : ",", i);
    (void)sprintf(json + n, "]}}");
    assert_false(read_body(NAME_ITEM, json, false));
    assert_int_equal(error.code, CODE_out_of_range);
}

static void one_meaning_gives_one_form(void **state)
{
    (void)state;
    static const struct {
        enum name_space space;
        const char *a, *b;
    } rows[] = {
        {NAME_ITEM, "{\"scale\":0}",
         "{\"scale\":0,\"units\":{},\"aliases\":{\"s\":[]},\"components\":[],\"gtin\":null,\"attributes\":null}"},
        {NAME_ITEM, "{\"scale\":0,\"units\":{\"b\":12,\"a\":\"0.50\",\"ab\":\"3/9\"}}",
         "{\"units\":{\"ab\":\"1/3\",\"a\":0.5,\"b\":\"24/2\"},\"scale\":0}"},
        {NAME_ITEM, "{\"scale\":0,\"aliases\":{\"s\":[\"y\",\"x\"],\"r\":[\"z\"]}}",
         "{\"aliases\":{\"r\":[\"z\"],\"s\":[\"x\",\"y\"]},\"scale\":0}"},
        {NAME_ITEM, "{\"scale\":0,\"components\":[{\"item\":\"Q\",\"quantity\":\"1.50\"},{\"quantity\":2,\"item\":\"P\"}]}",
         "{\"components\":[{\"item\":\"P\",\"quantity\":2.0},{\"item\":\"Q\",\"quantity\":1.5}],\"scale\":0}"},
        {NAME_ITEM, "{\"scale\":0,\"attributes\":{\"b\":1,\"a\":[ ]}}", "{\"scale\":0,\"attributes\":{\"a\":[],\"b\":1}}"},
        {NAME_LOCATION, "{}",
         "{\"parent\":null,\"promise\":true,\"zone\":null,\"attributes\":null,\"shortfall\":null}"},
        {NAME_LOCATION, "{\"shortfall\":\"newest\"}", "{\"shortfall\":[\"newest\"]}"},
        {NAME_SOURCE, "{}",
         "{\"zone\":null,\"ordered\":null,\"strict\":false,\"default_condition\":\"sellable\",\"expires_in\":null,"
         "\"silence\":null}"},
        {NAME_SOURCE, "{\"silence\":{\"after\":60,\"locations\":[\"M\",\"L1\",\"L\"],\"buffer\":2}}",
         "{\"silence\":{\"buffer\":2,\"locations\":[\"L\",\"M\",\"L1\"],\"after\":60}}"},
        {NAME_SOURCE, "{\"silence\":{\"after\":60}}", "{\"silence\":{\"after\":60,\"locations\":[],\"buffer\":null}}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static uint8_t first[CONFIG_BYTES_MAX];
        assert_true(read_body(rows[i].space, rows[i].a, false));
        uint32_t n = command.config.length;
        memcpy(first, room.form, n);
        assert_true(read_body(rows[i].space, rows[i].b, false));
        assert_int_equal(command.config.length, n);
        if (n != 0)
            assert_memory_equal(first, command.config.bytes, n);
    }
}

static void what_is_read_is_what_was_meant(void **state)
{
    (void)state;
    static struct item_config item;
    struct location_config location;
    struct source_config source;
    assert_true(read_body(NAME_ITEM, "{\"name\":\"Y\",\"scale\":3,\"units\":{\"case\":\"0.125\"},\"gtin\":\"96385074\"}", true));
    assert_int_equal(command.kind, KIND_PUT_ITEM);
    assert_true(text_equal(command.item, TEXT("Y")) && text_equal(command.source, TEXT("@api")));
    assert_int_equal(command.scale, 3);
    assert_true(item_config_read(command.config, &item));
    assert_int_equal(item.units[0].numerator, 1);
    assert_int_equal(item.units[0].denominator, 8);
    assert_true(read_body(NAME_ITEM, "{\"merge\":\"A\"}", false));
    assert_true(item_config_read(command.config, &item) && text_equal(item.merge, TEXT("A")));
    assert_true(read_body(NAME_LOCATION, "{\"parent\":\"P\",\"promise\":false,\"zone\":\"-05:30\"}", false));
    assert_true(location_config_read(command.config, &location));
    assert_true(location.no_promise && location.zone.offset_s == -19800 && location.shortfall.count == 0);
    assert_true(read_body(NAME_LOCATION, "{\"shortfall\":[\"other_place\",\"unpaid\"],\"attributes\":{}}", false));
    assert_true(location_config_read(command.config, &location));
    assert_int_equal(location.shortfall.count, 2);
    assert_int_equal(location.shortfall.criteria[0], SHORTFALL_OTHER_PLACE);
    assert_int_equal(location.shortfall.criteria[1], SHORTFALL_UNPAID);
    assert_true(read_body(NAME_SOURCE, "{\"zone\":\"Europe/Berlin\",\"ordered\":true,\"strict\":true,"
                                       "\"default_condition\":\"damaged\",\"expires_in\":0.5}", false));
    assert_true(source_config_read(command.config, &source));
    assert_true(source.ordered && source.strict && source.expires_in_ms == 500);
    assert_int_equal(source.default_condition, CONDITION_DAMAGED);
    assert_true(source.silence.after_s == 0 && source.silence.place_count == 0);
    assert_true(read_body(NAME_SOURCE, "{\"silence\":{\"after\":31622400,\"locations\":[\"M\",\"L\"]}}", false));
    assert_true(source_config_read(command.config, &source));
    assert_true(source.silence.after_s == SILENCE_S_MAX && source.silence.place_count == 2 && source.silence.buffer == 0);
    assert_true(text_equal(source.silence.places[0], TEXT("L")) && text_equal(source.silence.places[1], TEXT("M")));
    assert_true(read_body(NAME_CHANNEL, "{\"locations\":[],\"priority\":2,\"cap\":5,\"buffer\":null,\"shares_rest\":false}",
                          false));
    assert_true(text_present(command.places) && command.place_count == 0 && command.priority == 2);
    assert_true(command.cap.present && command.cap.value.digits == 5 && !command.buffer.present);
    assert_int_equal(command.shares_rest, CHOICE_NO);
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++) {
        command = config_delete((enum name_space)space, TEXT("N"));
        assert_true(text_equal(config_name(&command), TEXT("N")));
        static uint8_t form[COMMAND_BYTES_MAX];
        assert_int_not_equal(command_encode(&command, form, sizeof(form)), 0);
    }
    command = command_blank(KIND_HOLD, NULL);
    assert_false(text_present(config_name(&command)));
}

/* ---- zones ---- */

static void put_big(uint8_t **at, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *(*at)++ = (uint8_t)(value >> 8 * bytes);
}

/* A description with these changes (time, index of a type), types (offsets) and rule. */
static size_t describe(uint8_t *bytes, const int64_t *times, const uint8_t *indexes, uint32_t count,
                       const int32_t *offsets, uint32_t types, const char *rule)
{
    uint8_t *at = bytes;
    for (unsigned part = 0; part < 2; part++) {
        uint32_t changes = part == 0 ? 0 : count;
        memcpy(at, "TZif2", 5);
        memset(at + 5, 0, 15);
        at += 20;
        put_big(&at, 0, 4);
        put_big(&at, 0, 4);
        put_big(&at, 0, 4);
        put_big(&at, changes, 4);
        put_big(&at, types, 4);
        put_big(&at, 4, 4);
        for (uint32_t i = 0; i < changes; i++)
            put_big(&at, (uint64_t)times[i], 8);
        for (uint32_t i = 0; i < changes; i++)
            *at++ = indexes[i];
        for (uint32_t i = 0; i < types; i++) {
            put_big(&at, (uint32_t)offsets[i], 4);
            put_big(&at, 0, 2);
        }
        memcpy(at, "LMT", 4);
        at += 4;
    }
    return (size_t)(at - bytes) + (size_t)sprintf((char *)at, "\n%s\n", rule);
}

#define Y2026 INT64_C(1767225600)
#define Y2028 INT64_C(1830297600)

static void rules_are_followed_behind_what_is_written(void **state)
{
    (void)state;
    static const int32_t offsets[] = {3600, 7200};
    static uint8_t bytes[4096];
    static const struct {
        const char *rule;
        int32_t before;
        unsigned count;
        struct zone_change first, second;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 4, {1774746000, 7200}, {1792890000, 3600}},
        {"EST5EDT,M3.2.0,M11.1.0", -18000, 4, {1772953200, -14400}, {1793512800, -18000}},
        /* In the south summer goes over the new year; Ireland says that winter is the exception. */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 4, {1775318400, 36000}, {1791043200, 39600}},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 4, {1774746000, 3600}, {1792890000, 0}},
        {"<-03>3", -10800, 0, {0, 0}, {0, 0}},
        {"IST-5:30DST,J60/0,J300/0", 19800, 4, {1772303400, 23400}, {1793035800, 19800}},
        {"XXX0YYY,59/0,299/0", 0, 4, {1772323200, 3600}, {1793055600, 0}},
        /* Summer time that ends when that of the next year begins is all there is. */
        {"EST5EDT,0/0,J365/25", -14400, 0, {0, 0}, {0, 0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone zone;
        size_t n = describe(bytes, NULL, NULL, 0, offsets, 1, rows[i].rule);
        if (!zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone))
            fail_msg("%s is not read", rows[i].rule);
        if (zone.offset_s != rows[i].before || zone.change_count != rows[i].count ||
            (rows[i].count != 0 && (memcmp(&zone.changes[0], &rows[i].first, sizeof(rows[i].first)) != 0 ||
                                    memcmp(&zone.changes[1], &rows[i].second, sizeof(rows[i].second)) != 0)))
            fail_msg("%s: %d, %u changes, %lld %d, %lld %d", rows[i].rule, zone.offset_s, zone.change_count,
                     (long long)zone.changes[0].from_s, zone.changes[0].offset_s, (long long)zone.changes[1].from_s,
                     zone.changes[1].offset_s);
        /* And it is a body the ledger takes. */
        struct location_config config = {.zone = zone};
        bool fits;
        static uint8_t form[CONFIG_BYTES_MAX];
        size_t m = location_config_write(&config, form, &fits);
        assert_true(location_config_read(text_of((const char *)form, m), &config));
    }
    /* What is written out comes first; the rule begins behind it. */
    static const int64_t times[] = {1774746000, 1792890000};
    static const uint8_t indexes[] = {1, 0};
    struct zone zone;
    size_t n = describe(bytes, times, indexes, 2, offsets, 2, "CET-1CEST,M3.5.0,M10.5.0/3");
    assert_true(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone));
    assert_int_equal(zone.change_count, 4);
    n = describe(bytes, times, indexes, 2, offsets, 2, "");
    assert_true(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone));
    assert_int_equal(zone.change_count, 2);
    assert_true(zone_file_read(bytes, n, TEXT("Z"), Y2026 + 86400 * 180, Y2028, &zone));
    assert_int_equal(zone.change_count, 1);
    assert_int_equal(zone.offset_s, 7200);
}

static void what_is_no_description_is_refused(void **state)
{
    (void)state;
    static const int32_t offsets[] = {3600, 7200};
    static const int64_t times[] = {1774746000, 1792890000}, back[] = {1792890000, 1774746000},
                         same[] = {1774746000, 1774746000};
    static const uint8_t indexes[] = {1, 0}, beyond[] = {1, 2};
    static uint8_t bytes[4096];
    struct zone zone;
    size_t n = describe(bytes, times, indexes, 2, offsets, 2, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t length = 0; length < n; length++) {
        uint8_t *cut = malloc(length == 0 ? 1 : length);
        assert_non_null(cut);
        memcpy(cut, bytes, length);
        assert_false(zone_file_read(cut, length, TEXT("Z"), Y2026, Y2028, &zone));
        free(cut);
    }
    /* Any bit turned: refused, or something that is still a zone. */
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone)) {
            struct location_config config = {.zone = zone};
            bool fits;
            static uint8_t form[CONFIG_BYTES_MAX];
            size_t m = location_config_write(&config, form, &fits);
            assert_true(location_config_read(text_of((const char *)form, m), &config));
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    n = describe(bytes, back, indexes, 2, offsets, 2, "");
    assert_false(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone));
    n = describe(bytes, same, indexes, 2, offsets, 2, "");
    assert_false(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone));
    n = describe(bytes, times, beyond, 2, offsets, 2, "");
    assert_false(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone));
    static const char *const rules[] = {"C-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M13.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300",
                                        "CET-1CEST,J366,J300", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0x",
                                        "<CET-1", "CET-1:60", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,x,J3",
                                        "CET-1CEST,J1/-30,J365/40" /* the next summer begins before this one ends */};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        n = describe(bytes, NULL, NULL, 0, offsets, 1, rules[i]);
        if (zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2028, &zone))
            fail_msg("%s was read", rules[i]);
    }
}

static void names_of_zones_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"};
    static const char *const bad[] = {"", "/etc/passwd", "../x", "Europe/../x", "Europe//Berlin", "Europe/", "a b", "x.y"};
    struct zone zone;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(zone_name_valid(text_of(good[i], strlen(good[i]))));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(zone_name_valid(text_of(bad[i], strlen(bad[i]))));
    static const char *const offsets[] = {"+1:00", "01:00", "+01:60", "+19:00", "+01.00", "+0a:00", "+01:000"};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
        assert_false(zone_offset_read(text_of(offsets[i], strlen(offsets[i])), &zone));
}

/* The system's own, where it has them: in summer and winter as everybody knows. */
static void the_systems_zones_are_read(void **state)
{
    (void)state;
    static uint8_t bytes[ZONE_FILE_BYTES_MAX];
    static const struct {
        const char *name;
        int32_t winter_s, summer_s;
    } rows[] = {{"Europe/Berlin", 3600, 7200}, {"America/New_York", -18000, -14400}, {"Asia/Kolkata", 19800, 19800},
                {"Australia/Sydney", 39600, 36000}, {"Europe/Dublin", 0, 3600}, {"UTC", 0, 0}};
    const struct env *env = linux_env();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone zone;
        size_t n;
        enum status status = env->zone_read(env->context, rows[i].name, bytes, sizeof(bytes), &n);
        if (status == STATUS_NOT_FOUND) {
            print_message("# %s is not on this system\n", rows[i].name);
            continue;
        }
        assert_int_equal(status, STATUS_OK);
        assert_true(zone_file_read(bytes, n, TEXT("Z"), Y2026, Y2026 + INT64_C(20) * 366 * 86400, &zone));
        for (int64_t year = 0; year < 19; year++) {
            int64_t january_us = (Y2026 + year * 31556952 + 15 * 86400) * 1000000;
            assert_int_equal(zone_offset_s(&zone, january_us), rows[i].winter_s);
            assert_int_equal(zone_offset_s(&zone, january_us + INT64_C(180) * 86400 * 1000000), rows[i].summer_s);
        }
    }
    size_t n;
    assert_int_equal(env->zone_read(env->context, "No/Where", bytes, sizeof(bytes), &n), STATUS_NOT_FOUND);
    assert_int_equal(env->zone_read(env->context, "Europe", bytes, sizeof(bytes), &n), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_bodies_are_refused_by_name),
        cmocka_unit_test(lists_have_their_bounds),
        cmocka_unit_test(one_meaning_gives_one_form),
        cmocka_unit_test(what_is_read_is_what_was_meant),
        cmocka_unit_test(rules_are_followed_behind_what_is_written),
        cmocka_unit_test(what_is_no_description_is_refused),
        cmocka_unit_test(names_of_zones_lead_nowhere_else),
        cmocka_unit_test(the_systems_zones_are_read),
    };
    parser = json_parser_create(64 * 1024);
    assert_non_null(parser);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_parser_destroy(parser);
    return failed;
}
