/*
 * Any bytes as one JSON document, then as a command and as bodies of configuration: no crash, no dependence on what lies behind the
 * document, and every accepted command has a canonical encoding that decodes to itself.
 */
#include "fuzz.h"

#include "api/config_json.h"
#include "base/utf8.h"
#include "../unit/json_oracle.h"

#define NODES_MAX 2000
static struct json_node nodes[NODES_MAX];
static struct command_room room;

static bool find_some_zone(void *context, struct text name, struct zone *out_zone)
{
    (void)context;
    *out_zone = (struct zone){.name = name};
    return name.length != 0 && name.length <= ZONE_NAME_BYTES_MAX && name.bytes[0] == '+';
}
static struct config_room config_room = {.find_zone = find_some_zone};
static struct command_line lines[COMMAND_LINES_MAX];
static uint8_t encoded[COMMAND_BYTES_MAX], again[COMMAND_BYTES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    if (parser == NULL)
        parser = json_parser_create(1 << 16);
    static const char paddings[] = {0, ']', '}', '"', ',', '1', '\\'};
    char *bytes = malloc(size + JSON_PADDING);
    CHECK(bytes != NULL);
    if (size != 0)
        memcpy(bytes, data, size);
    uint32_t count = 0;
    struct json_error json_error = {JSON_OK, 0};
    enum json_status first = JSON_OK;
    for (size_t i = 0; i < sizeof(paddings); i++) {
        memset(bytes + size, paddings[i], JSON_PADDING);
        enum json_status status = json_parse(parser, bytes, size, nodes, NODES_MAX, &count, &json_error);
        CHECK(i == 0 || status == first);
        CHECK(oracle_agrees(bytes, size, status));
        first = status;
    }
    if (first != JSON_OK) {
        CHECK(json_error.offset == JSON_OFFSET_NONE || json_error.offset <= size);
        free(bytes);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        CHECK(nodes[i].next > i && nodes[i].next <= count);
        CHECK(utf8_valid(nodes[i].text.bytes, nodes[i].text.length));
        CHECK(utf8_valid(nodes[i].key.bytes, nodes[i].key.length));
        CHECK(nodes[i].type != JSON_NUMBER || json_number_valid(nodes[i].text.bytes, nodes[i].text.length));
    }
    struct command command, decoded;
    struct command_error error;
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++) {
        if (config_from_json(nodes, 0, (enum name_space)space, space % 2 == 0 ? TEXT("X") : TEXT_NONE, &config_room,
                             &command, &error)) {
            size_t n = command_encode(&command, encoded, sizeof(encoded));
            CHECK(n != 0 && command_decode(encoded, n, lines, &decoded) == STATUS_OK);
            CHECK(space != NAME_ITEM || item_config_read(decoded.config, &config_room.item));
            CHECK(space != NAME_LOCATION || location_config_read(decoded.config, &config_room.location));
            CHECK(space != NAME_SOURCE || source_config_read(decoded.config, &config_room.source));
        } else {
            CHECK(utf8_valid(error.detail, strlen(error.detail)) && utf8_valid(error.field, strlen(error.field)));
        }
    }
    if (command_from_json(nodes, 0, &room, &command, &error)) {
        size_t n = command_encode(&command, encoded, sizeof(encoded));
        CHECK(n != 0);
        CHECK(command_decode(encoded, n, lines, &decoded) == STATUS_OK);
        CHECK(command_encode(&decoded, again, sizeof(again)) == n && memcmp(encoded, again, n) == 0);
    } else {
        CHECK(code_http(error.code) == 422);
        CHECK(utf8_valid(error.detail, strlen(error.detail)) && utf8_valid(error.field, strlen(error.field)));
        CHECK(utf8_first_control(error.detail, strlen(error.detail)) == strlen(error.detail));
    }
    free(bytes);
    return 0;
}
