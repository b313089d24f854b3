/*
 * Goal: a command in JSON becomes exactly what API.md says or a named error; its binary form has one encoding per
 * value. Method: a table of JSON bodies with the code and field each must give; commands of one meaning written
 * differently; random commands there and back; every single-bit damage of an encoding either refused or an encoding of
 * its own.
 */
#include "unit.h"

#include "api/command_json.h"
#include "base/prng.h"
#include "base/utf8.h"

#define NODES_MAX 8192

static struct json_parser *parser;
static struct json_node nodes[NODES_MAX];
static struct command_room room;
static struct command command;
static struct command_error error;
static char document[1 << 20];

static bool read_command(const char *json)
{
    uint32_t count = 0;
    size_t n = strlen(json);
    assert_true(n + JSON_PADDING <= sizeof(document));
    memcpy(document, json, n + 1);
    struct json_error json_error = {JSON_OK, 0};
    if (json_parse(parser, document, n, nodes, NODES_MAX, &count, &json_error) != JSON_OK)
        fail_msg("%s: %s", json_status_text(json_error.status), json);
    memset(&error, 0x7e, sizeof(error));
    return command_from_json(nodes, 0, &room, &command, &error);
}

#define ID    "\"id\":\"1\",\"source\":\"s\""
#define LINE1 "\"item\":\"A\",\"location\":\"X\",\"quantity\":1"
#define SALE  "{\"kind\":\"sale\"," ID ","

struct judged_row {
    const char *json;
    enum code code;
    const char *field;
    int line;
};

static void judge_rows(const struct judged_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool right = read_command(rows[i].json);
        if (right != (rows[i].code == CODE_none))
            fail_msg("%s: %s", rows[i].json, right ? "accepted" : error.detail);
        if (right)
            continue;
        if (error.code != rows[i].code || strcmp(error.field, rows[i].field) != 0 || error.line != rows[i].line)
            fail_msg("%s: %s at '%s' line %d (%s)", rows[i].json, code_name(error.code), error.field, (int)error.line,
                     error.detail);
        assert_int_equal(code_http(error.code), 422);
        assert_true(strlen(error.detail) > 5);
    }
}

static void commands_are_judged(void **state)
{
    (void)state;
    static const struct judged_row rows[] = {
        /* Right ones of every kind. */
        {"{\"kind\":\"receive\"," ID "," LINE1 "}", CODE_none, "", -1},
        {SALE LINE1 ",\"hold\":\"h\",\"condition\":\"damaged\"}", CODE_none, "", -1},
        {"{\"kind\":\"ship\"," ID ",\"hold\":\"h\"}", CODE_none, "", -1},
        {"{\"kind\":\"ship\"," ID "," LINE1 "}", CODE_none, "", -1},
        {"{\"kind\":\"ship\"," ID ",\"hold\":\"h\",\"lines\":[{" LINE1 "}]}", CODE_none, "", -1},
        {"{\"kind\":\"return\"," ID "," LINE1 ",\"condition\":\"quality_control\"}", CODE_none, "", -1},
        {"{\"kind\":\"adjust\"," ID ",\"reason\":\"@r\",\"item\":\"A\",\"location\":\"X\",\"quantity\":-1}", CODE_none,
         "", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1 ",\"from\":\"sellable\",\"to\":\"damaged\"}", CODE_none, "", -1},
        {"{\"kind\":\"transfer\"," ID "," LINE1 ",\"to\":\"Y\"}", CODE_none, "", -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"mode\":\"partial\",\"holder\":\"w\",\"expires_in\":0}",
         CODE_none, "", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":0.001}", CODE_none, "", -1},
        {"{\"kind\":\"commit\"," ID ",\"hold\":\"h\"}", CODE_none, "", -1},
        {"{\"kind\":\"release\"," ID ",\"hold\":\"h\",\"lines\":[{" LINE1 "},{" LINE1 "}]}", CODE_none, "", -1},
        /* Not a command, and kinds. */
        {"[]", CODE_bad_value, "", -1},
        {"42", CODE_bad_value, "", -1},
        {"\"sale\"", CODE_bad_value, "", -1},
        {"null", CODE_bad_value, "", -1},
        {"{}", CODE_missing_field, "/kind", -1},
        {"{\"kind\":1}", CODE_bad_value, "/kind", -1},
        {"{\"kind\":\"reverse\"," ID "," LINE1 "}", CODE_unknown_field, "/item", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":7}", CODE_bad_value, "/of", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":{\"source\":\"s\"}}", CODE_missing_field, "/of/id", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":{\"id\":\"1\"}}", CODE_missing_field, "/of/source", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":{\"source\":\"s\",\"id\":\"1\",\"seq\":1}}", CODE_unknown_field, "/of/seq", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":{\"source\":\"s\",\"id\":1}}", CODE_bad_value, "/of/id", -1},
        {"{\"kind\":\"reverse\"," ID ",\"of\":{\"source\":\"s\",\"id\":\"1\"}}", CODE_none, "", -1},
        {"{\"kind\":\"close_period\"," ID "}", CODE_missing_field, "/until", -1},
        {"{\"kind\":\"close_period\"," ID ",\"until\":\"2026-11-01\"}", CODE_bad_value, "/until", -1},
        {"{\"kind\":\"close_period\"," ID ",\"until\":\"2026-11-01T00:00:00\"}", CODE_bad_value, "/until", -1},
        {"{\"kind\":\"close_period\"," ID ",\"until\":1793491200}", CODE_bad_value, "/until", -1},
        {"{\"kind\":\"close_period\"," ID ",\"until\":\"2026-11-01T00:00:00Z\",\"channel\":\"c\"}", CODE_unknown_field, "/channel", -1},
        {"{\"kind\":\"close_period\"," ID ",\"until\":\"2026-11-01T00:00:00Z\"}", CODE_none, "", -1},
        {"{\"kind\":\"Sale\"," ID "," LINE1 "}", CODE_bad_value, "/kind", -1},
        {"{\"kind\":\"expire\"," ID "}", CODE_bad_value, "/kind", -1},
        {"{\"kind\":\"tick\"," ID "}", CODE_bad_value, "/kind", -1},
        {"{\"kind\":\"item\"," ID "}", CODE_bad_value, "/kind", -1},
        {"{\"kind\":\"settings\"," ID "}", CODE_bad_value, "/kind", -1},
        /* Unknown fields, those of later work, and those of other kinds. */
        {SALE LINE1 ",\"x\":1}", CODE_unknown_field, "/x", -1},
        {SALE LINE1 ",\"Item\":\"A\"}", CODE_unknown_field, "/Item", -1},
        {SALE LINE1 ",\"a/b~c\":1}", CODE_unknown_field, "/a~1b~0c", -1},
        {SALE LINE1 ",\"\":1}", CODE_unknown_field, "/", -1},
        {SALE LINE1 ",\"to\":\"Y\"}", CODE_unknown_field, "/to", -1},
        {SALE LINE1 ",\"expires_in\":1}", CODE_unknown_field, "/expires_in", -1},
        {SALE "\"lines\":[{" LINE1 "},{" LINE1 ",\"colour\":\"red\"}]}", CODE_unknown_field, "/lines/1/colour", 1},
        {"{\"kind\":\"sale\"," ID "," LINE1 ",\"expectation\":\"PO\"}", CODE_unknown_field, "/expectation", -1},
        {"{\"kind\":\"ship\"," ID ",\"hold\":\"h\",\"paid\":true}", CODE_unknown_field, "/paid", -1},
        {"{\"kind\":\"release\"," ID ",\"hold\":\"h\",\"backorder\":true}", CODE_unknown_field, "/backorder", -1},
        {SALE "\"lines\":[{" LINE1 ",\"kind\":\"sale\"}]}", CODE_unknown_field, "/lines/0/kind", 0},
        {SALE "\"lines\":[{" LINE1 ",\"lines\":[]}]}", CODE_unknown_field, "/lines/0/lines", 0},
        {"{\"kind\":\"receive\"," ID "," LINE1 ",\"hold\":\"h\"}", CODE_unknown_field, "/hold", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":1,\"lines\":[]}", CODE_unknown_field, "/lines", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1
         ",\"from\":\"sellable\",\"to\":\"damaged\",\"condition\":\"damaged\"}",
         CODE_unknown_field, "/condition", -1},
        /* Missing ones. */
        {"{\"kind\":\"sale\",\"source\":\"s\"," LINE1 "}", CODE_missing_field, "/id", -1},
        {"{\"kind\":\"sale\",\"id\":\"1\"," LINE1 "}", CODE_missing_field, "/source", -1},
        {"{\"kind\":\"sale\"," ID "}", CODE_missing_field, "/item", -1},
        {SALE "\"item\":\"A\",\"quantity\":1}", CODE_missing_field, "/location", -1},
        {SALE "\"item\":\"A\",\"location\":\"X\"}", CODE_missing_field, "/quantity", -1},
        {SALE "\"condition\":\"damaged\"}", CODE_missing_field, "/item", -1},
        {SALE "\"lines\":[{" LINE1 "},{\"item\":\"A\",\"location\":\"X\"}]}", CODE_missing_field, "/lines/1/quantity",
         1},
        {SALE "\"lines\":[{}]}", CODE_missing_field, "/lines/0/item", 0},
        {"{\"kind\":\"ship\"," ID "}", CODE_missing_field, "/hold", -1},
        {"{\"kind\":\"adjust\"," ID "," LINE1 "}", CODE_missing_field, "/reason", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1 ",\"to\":\"damaged\"}", CODE_missing_field, "/from", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1 ",\"from\":\"damaged\"}", CODE_missing_field, "/to", -1},
        {"{\"kind\":\"transfer\"," ID "," LINE1 "}", CODE_missing_field, "/to", -1},
        {"{\"kind\":\"hold\"," ID "," LINE1 "}", CODE_missing_field, "/hold", -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"}", CODE_missing_field, "/item", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\"}", CODE_missing_field, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"expires_in\":1}", CODE_missing_field, "/hold", -1},
        {"{\"kind\":\"commit\"," ID "," LINE1 "}", CODE_missing_field, "/hold", -1},
        {"{\"kind\":\"release\"," ID "}", CODE_missing_field, "/hold", -1},
        /* Lines. */
        {SALE LINE1 ",\"lines\":[{" LINE1 "}]}", CODE_bad_value, "/lines", -1},
        {SALE "\"lines\":[{" LINE1 "}],\"condition\":\"damaged\"}", CODE_bad_value, "/lines", -1},
        {SALE "\"lines\":[]}", CODE_bad_value, "/lines", -1},
        {"{\"kind\":\"commit\"," ID ",\"hold\":\"h\",\"lines\":[]}", CODE_bad_value, "/lines", -1},
        {SALE "\"lines\":{}}", CODE_bad_value, "/lines", -1},
        {SALE "\"lines\":[1]}", CODE_bad_value, "/lines/0", 0},
        {SALE "\"lines\":[{" LINE1 "},[]]}", CODE_bad_value, "/lines/1", 1},
        {SALE "\"lines\":null}", CODE_bad_value, "/lines", -1},
        /* Names. */
        {"{\"kind\":\"sale\",\"id\":\"\",\"source\":\"s\"," LINE1 "}", CODE_bad_value, "/id", -1},
        {"{\"kind\":\"sale\",\"id\":1,\"source\":\"s\"," LINE1 "}", CODE_bad_value, "/id", -1},
        {"{\"kind\":\"sale\",\"id\":null,\"source\":\"s\"," LINE1 "}", CODE_bad_value, "/id", -1},
        {"{\"kind\":\"sale\",\"id\":\"1\",\"source\":\"@ledger\"," LINE1 "}", CODE_bad_value, "/source", -1},
        {SALE "\"item\":\"@A\",\"location\":\"X\",\"quantity\":1}", CODE_bad_value, "/item", -1},
        {SALE "\"item\":\"A\\n\",\"location\":\"X\",\"quantity\":1}", CODE_bad_value, "/item", -1},
        {SALE "\"item\":\"A\\u007f\",\"location\":\"X\",\"quantity\":1}", CODE_bad_value, "/item", -1},
        {SALE "\"item\":\"A\\u0085\",\"location\":\"X\",\"quantity\":1}", CODE_bad_value, "/item", -1},
        {SALE LINE1 ",\"reason\":\"a\\tb\"}", CODE_bad_value, "/reason", -1},
        {SALE LINE1 ",\"channel\":\"@web\"}", CODE_bad_value, "/channel", -1},
        {SALE LINE1 ",\"actor\":[]}", CODE_bad_value, "/actor", -1},
        {SALE LINE1 ",\"document\":{}}", CODE_bad_value, "/document", -1},
        {SALE LINE1 ",\"line\":3}", CODE_bad_value, "/line", -1},
    /* Quantities. */
#define Q(value) SALE "\"item\":\"A\",\"location\":\"X\",\"quantity\":" value "}"
        {Q("0"), CODE_bad_value, "/quantity", -1},
        {Q("-0"), CODE_bad_value, "/quantity", -1},
        {Q("0.0"), CODE_bad_value, "/quantity", -1},
        {Q("-1"), CODE_bad_value, "/quantity", -1},
        {Q("\"-1\""), CODE_bad_value, "/quantity", -1},
        {Q("\"\""), CODE_bad_value, "/quantity", -1},
        {Q("\"1 \""), CODE_bad_value, "/quantity", -1},
        {Q("\"0x10\""), CODE_bad_value, "/quantity", -1},
        {Q("\"1,5\""), CODE_bad_value, "/quantity", -1},
        {Q("\"NaN\""), CODE_bad_value, "/quantity", -1},
        {Q("true"), CODE_bad_value, "/quantity", -1},
        {Q("null"), CODE_bad_value, "/quantity", -1},
        {Q("[1]"), CODE_bad_value, "/quantity", -1},
        {Q("{}"), CODE_bad_value, "/quantity", -1},
        {Q("1.0000001"), CODE_too_many_decimals, "/quantity", -1},
        {Q("1e-7"), CODE_too_many_decimals, "/quantity", -1},
        {Q("9007199254740992"), CODE_out_of_range, "/quantity", -1},
        {Q("1.5e400"), CODE_out_of_range, "/quantity", -1},
        {Q("99999999999999999999999999"), CODE_out_of_range, "/quantity", -1},
        {Q("\"9007199254740992\""), CODE_out_of_range, "/quantity", -1},
        {Q("9007199254740991"), CODE_none, "", -1},
        {Q("1e3"), CODE_none, "", -1},
        {Q("\"1.25\""), CODE_none, "", -1},
        {Q("0.000001"), CODE_none, "", -1},
#undef Q
        {"{\"kind\":\"adjust\"," ID ",\"reason\":\"r\",\"item\":\"A\",\"location\":\"X\",\"quantity\":0}",
         CODE_bad_value, "/quantity", -1},
        {SALE "\"lines\":[{" LINE1 "},{" LINE1 "},{\"item\":\"A\",\"location\":\"X\",\"quantity\":-3}]}",
         CODE_bad_value, "/lines/2/quantity", 2},
        /* Conditions, modes, times, numbers. */
        {SALE LINE1 ",\"condition\":\"broken\"}", CODE_bad_value, "/condition", -1},
        {SALE LINE1 ",\"condition\":\"\"}", CODE_bad_value, "/condition", -1},
        {SALE LINE1 ",\"condition\":null}", CODE_bad_value, "/condition", -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"condition\":\"damaged\"}", CODE_bad_value, "/condition",
         -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"condition\":\"sellable\"}", CODE_none, "", -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"mode\":\"some\"}", CODE_bad_value, "/mode", -1},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"mode\":true}", CODE_bad_value, "/mode", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1 ",\"from\":\"x\",\"to\":\"damaged\"}", CODE_bad_value, "/from", -1},
        {"{\"kind\":\"reclassify\"," ID "," LINE1 ",\"from\":\"damaged\",\"to\":\"Y\"}", CODE_bad_value, "/to", -1},
        {"{\"kind\":\"transfer\"," ID "," LINE1 ",\"to\":\"\"}", CODE_bad_value, "/to", -1},
        {SALE LINE1 ",\"occurred_at\":\"2026-11-22\"}", CODE_bad_value, "/occurred_at", -1},
        {SALE LINE1 ",\"occurred_at\":\"2026-11-22T10:00:00\"}", CODE_bad_value, "/occurred_at", -1},
        {SALE LINE1 ",\"occurred_at\":\"2026-11-31T10:00:00Z\"}", CODE_bad_value, "/occurred_at", -1},
        {SALE LINE1 ",\"occurred_at\":1795341600}", CODE_bad_value, "/occurred_at", -1},
        {SALE LINE1 ",\"not_after\":\"now\"}", CODE_bad_value, "/not_after", -1},
        {SALE LINE1 ",\"dry_run\":\"true\"}", CODE_bad_value, "/dry_run", -1},
        {SALE LINE1 ",\"guard\":1}", CODE_bad_value, "/guard", -1},
        {SALE LINE1 ",\"seq\":0}", CODE_bad_value, "/seq", -1},
        {SALE LINE1 ",\"seq\":-1}", CODE_bad_value, "/seq", -1},
        {SALE LINE1 ",\"seq\":1.5}", CODE_bad_value, "/seq", -1},
        {SALE LINE1 ",\"seq\":\"1\"}", CODE_bad_value, "/seq", -1},
        {SALE LINE1 ",\"seq\":9007199254740992}", CODE_bad_value, "/seq", -1},
        {SALE LINE1 ",\"seq\":9007199254740991}", CODE_none, "", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":-1}", CODE_bad_value, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":0.0001}", CODE_bad_value, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":\"60\"}", CODE_bad_value, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":1e400}", CODE_bad_value, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":315576001}", CODE_bad_value, "/expires_in", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":315576000}", CODE_none, "", -1},
        /* if. */
        {SALE LINE1 ",\"if\":{}}", CODE_bad_value, "/if", -1},
        {SALE LINE1 ",\"if\":7}", CODE_bad_value, "/if", -1},
        {SALE LINE1 ",\"if\":{\"versions\":7}}", CODE_unknown_field, "/if/versions", -1},
        {SALE LINE1 ",\"if\":{\"version\":-1}}", CODE_bad_value, "/if/version", -1},
        {SALE LINE1 ",\"if\":{\"version\":\"7\"}}", CODE_bad_value, "/if/version", -1},
        {SALE LINE1 ",\"if\":{\"available\":true}}", CODE_bad_value, "/if/available", -1},
        {SALE "\"lines\":[{" LINE1 "},{" LINE1 ",\"if\":{\"on_hand\":\"x\"}}]}", CODE_bad_value, "/lines/1/if/on_hand",
         1},
        {SALE "\"if\":{\"version\":7},\"lines\":[{" LINE1 "},{\"item\":\"B\",\"location\":\"X\",\"quantity\":1}]}",
         CODE_bad_value, "/if", -1},
        {SALE "\"if\":{\"version\":7},\"lines\":[{" LINE1 "},{" LINE1 "}]}", CODE_none, "", -1},
        {"{\"kind\":\"commit\"," ID ",\"hold\":\"h\",\"if\":{\"version\":7}}", CODE_none, "", -1},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":1,\"if\":{\"version\":7}}", CODE_none, "", -1},
        {SALE LINE1 ",\"if\":{\"version\":0,\"on_hand\":\"1.5\",\"available\":-3,\"reserved\":0}}", CODE_none, "", -1},
        /* meta. */
        {SALE LINE1 ",\"meta\":[]}", CODE_bad_value, "/meta", -1},
        {SALE LINE1 ",\"meta\":\"x\"}", CODE_bad_value, "/meta", -1},
        {SALE LINE1 ",\"meta\":{}}", CODE_none, "", -1},
        /* The first error wins. */
        {SALE LINE1 ",\"x\":1,\"seq\":0}", CODE_unknown_field, "/x", -1},
        {SALE LINE1 ",\"seq\":0,\"x\":1}", CODE_bad_value, "/seq", -1},
    };
    judge_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* What claims, channels, transfers and expectations add. */
static void kinds_beyond_movements_are_judged(void **state)
{
    (void)state;
#define KIND(name) "{\"kind\":\"" name "\"," ID ","
#define HOLD       KIND("hold") "\"hold\":\"h\","
#define NOWHERE    "\"item\":\"A\",\"quantity\":1"
#define CELL       "\"item\":\"A\",\"location\":\"X\""
    static const struct judged_row rows[] = {
        /* Right ones of every kind. */
        {KIND("receive") LINE1 ",\"expectation\":\"PO\",\"unit\":\"case\"}", CODE_none, "", -1},
        {KIND("commit") "\"hold\":\"h\",\"paid\":true,\"backorder\":true," LINE1 "}", CODE_none, "", -1},
        {KIND("amend") "\"hold\":\"h\",\"backorder\":false," CELL ",\"quantity\":0}", CODE_none, "", -1},
        {KIND("reassign") "\"hold\":\"h\",\"to\":\"Y\",\"backorder\":true," LINE1 "}", CODE_none, "", -1},
        {KIND("pick") "\"hold\":\"h\"," LINE1 "}", CODE_none, "", -1},
        {KIND("unpick") "\"hold\":\"h\",\"lines\":[{" LINE1 ",\"unit\":\"case\"}]}", CODE_none, "", -1},
        {KIND("set_policy") CELL ",\"safety_stock\":0,\"backorder_limit\":\"1.5\",\"reorder_point\":7}", CODE_none, "",
         -1},
        {KIND("set_channel") "\"channel\":\"web\"}", CODE_none, "", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"locations\":[],\"priority\":2147483648,\"shares_rest\":false,"
                             "\"buffer\":3,\"cap\":20}",
         CODE_none, "", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"item\":\"A\",\"buffer\":1.5}", CODE_none, "", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"to\":0}", CODE_none, "", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"add\":-3,\"if\":{\"version\":1}}", CODE_none, "", -1},
        {KIND("transfer_out") "\"transfer\":\"T\",\"to\":\"Y\"," LINE1 ",\"eta\":\"2026-12-01\",\"hold\":\"h\"}",
         CODE_none, "", -1},
        {KIND("transfer_in") "\"transfer\":\"T\"," LINE1 ",\"condition\":\"damaged\"}", CODE_none, "", -1},
        {KIND("transfer_loss") "\"transfer\":\"T\"}", CODE_none, "", -1},
        {KIND("transfer_loss") "\"transfer\":\"T\"," LINE1 "}", CODE_none, "", -1},
        {KIND("expect") "\"expectation\":\"PO9/1\",\"direction\":\"in\",\"due\":\"2026-12-01T08:00:00+01:00\"," LINE1
                        "}",
         CODE_none, "", -1},
        {KIND("redate") "\"expectation\":\"PO\",\"due\":\"2026-12-01\"}", CODE_none, "", -1},
        {KIND("redate") "\"expectation\":\"PO\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_none, "", -1},
        {KIND("cancel_expected") "\"expectation\":\"PO\"}", CODE_none, "", -1},
        {KIND("cancel_expected") "\"expectation\":\"PO\",\"lines\":[{" LINE1 "}]}", CODE_none, "", -1},
        {HOLD NOWHERE "}", CODE_none, "", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"rule\":\"most_stock\"}}", CODE_none, "", -1},
        {HOLD "\"lines\":[{" LINE1 "},{" NOWHERE "}],\"sourcing\":{\"locations\":[\"Y\",\"X\"]},\"priority\":1,"
              "\"backorder\":true,\"wait\":true,\"mode\":\"partial\"}",
         CODE_none, "", -1},
        {HOLD LINE1 ",\"at\":\"2026-12-24\"}", CODE_none, "", -1},
        {HOLD LINE1 ",\"wait\":false,\"guard\":false}", CODE_none, "", -1},
        /* Missing. */
        {KIND("amend") LINE1 "}", CODE_missing_field, "/hold", -1},
        {KIND("amend") "\"hold\":\"h\"}", CODE_missing_field, "/item", -1},
        {KIND("reassign") "\"hold\":\"h\"," LINE1 "}", CODE_missing_field, "/to", -1},
        {KIND("reassign") "\"hold\":\"h\",\"to\":\"Y\"}", CODE_missing_field, "/item", -1},
        {KIND("pick") "\"hold\":\"h\"}", CODE_missing_field, "/item", -1},
        {KIND("unpick") LINE1 "}", CODE_missing_field, "/hold", -1},
        {KIND("set_policy") "\"item\":\"A\",\"safety_stock\":1}", CODE_missing_field, "/location", -1},
        {KIND("set_policy") "\"location\":\"X\",\"safety_stock\":1}", CODE_missing_field, "/item", -1},
        {KIND("set_policy") CELL "}", CODE_missing_field, "/safety_stock", -1},
        {KIND("set_channel") "\"buffer\":1}", CODE_missing_field, "/channel", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"item\":\"A\"}", CODE_missing_field, "/buffer", -1},
        {KIND("allocate") CELL ",\"to\":1}", CODE_missing_field, "/channel", -1},
        {KIND("allocate") "\"channel\":\"web\",\"item\":\"A\",\"to\":1}", CODE_missing_field, "/location", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL "}", CODE_missing_field, "/to", -1},
        {KIND("transfer_out") "\"to\":\"Y\"," LINE1 "}", CODE_missing_field, "/transfer", -1},
        {KIND("transfer_out") "\"transfer\":\"T\"," LINE1 "}", CODE_missing_field, "/to", -1},
        {KIND("transfer_out") "\"transfer\":\"T\",\"to\":\"Y\",\"hold\":\"h\"}", CODE_missing_field, "/item", -1},
        {KIND("transfer_in") "\"transfer\":\"T\"}", CODE_missing_field, "/item", -1},
        {KIND("transfer_in") LINE1 "}", CODE_missing_field, "/transfer", -1},
        {KIND("transfer_loss") LINE1 "}", CODE_missing_field, "/transfer", -1},
        {KIND("expect") "\"direction\":\"in\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_missing_field, "/expectation",
         -1},
        {KIND("expect") "\"expectation\":\"P\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_missing_field, "/direction",
         -1},
        {KIND("expect") "\"expectation\":\"P\",\"direction\":\"in\"," LINE1 "}", CODE_missing_field, "/due", -1},
        {KIND("expect") "\"expectation\":\"P\",\"direction\":\"in\",\"due\":\"2026-12-01\"}", CODE_missing_field,
         "/item", -1},
        {KIND("redate") "\"expectation\":\"P\"}", CODE_missing_field, "/due", -1},
        {KIND("redate") "\"due\":\"2026-12-01\"}", CODE_missing_field, "/expectation", -1},
        {KIND("cancel_expected") LINE1 "}", CODE_missing_field, "/expectation", -1},
        /* Only a hold leaves a location to the ledger. */
        {KIND("commit") "\"hold\":\"h\"," NOWHERE "}", CODE_missing_field, "/location", -1},
        {KIND("amend") "\"hold\":\"h\",\"lines\":[{" NOWHERE "}]}", CODE_missing_field, "/lines/0/location", 0},
        {HOLD NOWHERE ",\"guard\":false}", CODE_missing_field, "/location", -1},
        {HOLD "\"guard\":false,\"lines\":[{" LINE1 "},{" NOWHERE "}]}", CODE_missing_field, "/lines/1/location", 1},
        {HOLD "\"item\":\"A\"}", CODE_missing_field, "/quantity", -1},
        {HOLD "\"lines\":[{\"quantity\":1}]}", CODE_missing_field, "/lines/0/item", 0},
        /* Of another kind. */
        {KIND("extend") "\"hold\":\"h\",\"expires_in\":1,\"item\":\"A\"}", CODE_unknown_field, "/item", -1},
        {KIND("pick") "\"hold\":\"h\"," LINE1 ",\"backorder\":true}", CODE_unknown_field, "/backorder", -1},
        {KIND("set_policy") CELL ",\"safety_stock\":1,\"quantity\":1}", CODE_unknown_field, "/quantity", -1},
        {KIND("set_policy") CELL ",\"safety_stock\":1,\"lines\":[]}", CODE_unknown_field, "/lines", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"location\":\"X\"}", CODE_unknown_field, "/location", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"if\":{\"version\":1}}", CODE_unknown_field, "/if", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"quantity\":1}", CODE_unknown_field, "/quantity", -1},
        {KIND("transfer_in") "\"transfer\":\"T\"," LINE1 ",\"to\":\"Y\"}", CODE_unknown_field, "/to", -1},
        {KIND("transfer") "\"transfer\":\"T\"," LINE1 ",\"to\":\"Y\"}", CODE_unknown_field, "/transfer", -1},
        {KIND("transfer_out") "\"transfer\":\"T\",\"to\":\"Y\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_unknown_field,
         "/due", -1},
        {KIND("cancel_expected") "\"expectation\":\"P\",\"due\":\"2026-12-01\"}", CODE_unknown_field, "/due", -1},
        /* Quantities and conditions. */
        {KIND("amend") "\"hold\":\"h\"," CELL ",\"quantity\":-1}", CODE_bad_value, "/quantity", -1},
        {KIND("pick") "\"hold\":\"h\"," CELL ",\"quantity\":0}", CODE_bad_value, "/quantity", -1},
        {KIND("pick") "\"hold\":\"h\"," LINE1 ",\"condition\":\"damaged\"}", CODE_bad_value, "/condition", -1},
        {KIND("transfer_loss") "\"transfer\":\"T\"," LINE1 ",\"condition\":\"damaged\"}", CODE_bad_value, "/condition",
         -1},
        {SALE LINE1 ",\"unit\":\"\"}", CODE_bad_value, "/unit", -1},
        {SALE LINE1 ",\"unit\":12}", CODE_bad_value, "/unit", -1},
        {SALE LINE1 ",\"unit\":\"123456789012345678901234567890123\"}", CODE_bad_value, "/unit", -1},
        {SALE LINE1 ",\"unit\":\"12345678901234567890123456789012\"}", CODE_none, "", -1},
        {SALE "\"lines\":[{" LINE1 ",\"unit\":\"@case\"}]}", CODE_bad_value, "/lines/0/unit", 0},
        {SALE "\"lines\":[{" LINE1 "}],\"unit\":\"case\"}", CODE_bad_value, "/lines", -1},
        /* Days and times. */
        {HOLD LINE1 ",\"at\":\"2026-02-29\"}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":\"2028-02-29\"}", CODE_none, "", -1},
        {HOLD LINE1 ",\"at\":\"2026-12\"}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":\"2026-12-1x\"}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":\"26-12-2412\"}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":\"2026-12-24T10:00:00\"}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":20261224}", CODE_bad_value, "/at", -1},
        {HOLD LINE1 ",\"at\":null}", CODE_bad_value, "/at", -1},
        {KIND("redate") "\"expectation\":\"P\",\"due\":\"tomorrow\"}", CODE_bad_value, "/due", -1},
        {KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-13-01\"}", CODE_bad_value, "/due", -1},
        {KIND("transfer_out") "\"transfer\":\"T\",\"to\":\"Y\"," LINE1 ",\"eta\":\"2026-12-32\"}", CODE_bad_value,
         "/eta", -1},
        /* Sourcing. */
        {HOLD NOWHERE ",\"sourcing\":{}}", CODE_bad_value, "/sourcing", -1},
        {HOLD NOWHERE ",\"sourcing\":\"priority\"}", CODE_bad_value, "/sourcing", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"rule\":\"nearest\"}}", CODE_bad_value, "/sourcing/rule", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"rule\":1}}", CODE_bad_value, "/sourcing/rule", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"locations\":[]}}", CODE_bad_value, "/sourcing/locations", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"locations\":\"X\"}}", CODE_bad_value, "/sourcing/locations", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"locations\":[\"X\",\"\"]}}", CODE_bad_value, "/sourcing/locations/1", -1},
        {HOLD NOWHERE ",\"sourcing\":{\"locations\":[\"X\",\"Y\",\"X\"]}}", CODE_bad_value, "/sourcing/locations/2",
         -1},
        {HOLD NOWHERE ",\"sourcing\":{\"where\":1}}", CODE_unknown_field, "/sourcing/where", -1},
        {HOLD LINE1 ",\"sourcing\":{\"rule\":\"priority\"}}", CODE_bad_value, "/sourcing", -1},
        {HOLD NOWHERE ",\"if\":{\"version\":1}}", CODE_bad_value, "/if", -1},
        {HOLD "\"lines\":[{" NOWHERE ",\"if\":{\"version\":1}}]}", CODE_bad_value, "/lines/0/if", 0},
        {HOLD "\"lines\":[{" NOWHERE "},{" NOWHERE "}],\"if\":{\"version\":1}}", CODE_bad_value, "/if", -1},
        /* What a claim can say besides. */
        {HOLD LINE1 ",\"priority\":0}", CODE_bad_value, "/priority", -1},
        {HOLD LINE1 ",\"priority\":2147483649}", CODE_bad_value, "/priority", -1},
        {HOLD LINE1 ",\"priority\":\"1\"}", CODE_bad_value, "/priority", -1},
        {HOLD LINE1 ",\"backorder\":1}", CODE_bad_value, "/backorder", -1},
        {HOLD LINE1 ",\"wait\":\"yes\"}", CODE_bad_value, "/wait", -1},
        {HOLD LINE1 ",\"wait\":true,\"guard\":false}", CODE_bad_value, "/wait", -1},
        {HOLD LINE1 ",\"at\":\"2026-12-24\",\"guard\":false}", CODE_bad_value, "/at", -1},
        {KIND("commit") "\"hold\":\"h\",\"paid\":null}", CODE_bad_value, "/paid", -1},
        /* Policy, channels, quotas. */
        {KIND("set_policy") CELL ",\"safety_stock\":-1}", CODE_bad_value, "/safety_stock", -1},
        {KIND("set_policy") CELL ",\"backorder_limit\":null}", CODE_bad_value, "/backorder_limit", -1},
        {KIND("set_policy") CELL ",\"reorder_point\":1e-9}", CODE_too_many_decimals, "/reorder_point", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"locations\":\"X\"}", CODE_bad_value, "/locations", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"locations\":[\"X\",1]}", CODE_bad_value, "/locations/1", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"locations\":[\"X\",\"X\"]}", CODE_bad_value, "/locations/1", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"shares_rest\":0}", CODE_bad_value, "/shares_rest", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"priority\":1.5}", CODE_bad_value, "/priority", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"buffer\":-1}", CODE_bad_value, "/buffer", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"buffer\":1.5}", CODE_bad_value, "/buffer", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"buffer\":1,\"cap\":1.5}", CODE_bad_value, "/cap", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"item\":\"A\",\"buffer\":1,\"priority\":1}", CODE_bad_value,
         "/priority", -1},
        {KIND("set_channel") "\"channel\":\"web\",\"locations\":[\"X\"],\"item\":\"A\",\"cap\":1}", CODE_bad_value,
         "/locations", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"to\":-1}", CODE_bad_value, "/to", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"add\":0}", CODE_bad_value, "/add", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"add\":1,\"to\":1}", CODE_bad_value, "/to", -1},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"to\":\"Y\"}", CODE_bad_value, "/to", -1},
        {KIND("expect") "\"expectation\":\"P\",\"direction\":\"up\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_bad_value,
         "/direction", -1},
        {KIND("expect") "\"expectation\":7,\"direction\":\"in\",\"due\":\"2026-12-01\"," LINE1 "}", CODE_bad_value,
         "/expectation", -1},
        {KIND("transfer_in") "\"transfer\":\"\"," LINE1 "}", CODE_bad_value, "/transfer", -1},
    };
    judge_rows(rows, sizeof(rows) / sizeof(rows[0]));
    /* Where a day will do, it is said. */
    assert_false(read_command(KIND("redate") "\"expectation\":\"P\",\"due\":\"tomorrow\"}"));
    assert_non_null(strstr(error.detail, "a day such as"));
    assert_false(read_command(KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-12-01\",\"occurred_at\":\"now\"}"));
    assert_null(strstr(error.detail, "a day"));
}

static void their_values_arrive_whole(void **state)
{
    (void)state;
    struct text places, name;
    assert_true(read_command(HOLD "\"lines\":[{" NOWHERE ",\"unit\":\"case\"},{" LINE1 "}],\"sourcing\":{\"rule\":"
                                  "\"fewest_splits\",\"locations\":[\"DC\",\"S1\"]},\"priority\":7,\"backorder\":true,"
                                  "\"wait\":true,\"at\":\"2026-12-24\"}"));
    assert_int_equal(command.sourcing, SOURCING_FEWEST_SPLITS);
    assert_int_equal(command.place_count, 2);
    places = command.places;
    assert_true(command_place_next(&places, &name) && text_equal(name, TEXT("DC")));
    assert_true(command_place_next(&places, &name) && text_equal(name, TEXT("S1")));
    assert_false(command_place_next(&places, &name));
    assert_true(command.priority == 7 && command.backorder && command.wait && !command.paid);
    assert_int_equal(command.at.form, MOMENT_DAY);
    assert_true(command.at.us == INT64_C(1798070400000000));
    assert_false(text_present(command.lines[0].location));
    assert_true(text_equal(command.lines[0].unit, TEXT("case")));
    assert_false(text_present(command.lines[1].unit));

    assert_true(read_command(HOLD LINE1 "}"));
    assert_int_equal(command.sourcing, SOURCING_NONE);
    assert_false(text_present(command.places));
    assert_true(read_command(HOLD NOWHERE ",\"sourcing\":{\"locations\":[\"DC\"]}}"));
    assert_int_equal(command.sourcing, SOURCING_PRIORITY);

    assert_true(read_command(KIND("set_policy") CELL ",\"safety_stock\":5,\"reorder_point\":\"0.5\"}"));
    assert_true(text_equal(command.item, TEXT("A")) && text_equal(command.location, TEXT("X")));
    assert_true(command.safety_stock.present && command.safety_stock.value.digits == 5);
    assert_false(command.backorder_limit.present);
    assert_true(command.reorder_point.present && command.reorder_point.value.places == 1);
    assert_int_equal(command.line_count, 0);

    assert_true(read_command(KIND("set_channel") "\"channel\":\"web\",\"locations\":[],\"shares_rest\":false}"));
    assert_true(text_present(command.places) && command.places.length == 0 && command.place_count == 0);
    assert_int_equal(command.shares_rest, CHOICE_NO);
    assert_true(text_equal(command.channel, TEXT("web")) && !command.buffer.present && !command.cap.present);
    assert_true(read_command(KIND("set_channel") "\"channel\":\"web\",\"item\":\"A\",\"cap\":\"2.5\"}"));
    assert_false(text_present(command.places));
    assert_int_equal(command.shares_rest, CHOICE_ABSENT);
    assert_true(text_equal(command.item, TEXT("A")) && command.cap.present && command.cap.value.digits == 25);

    assert_true(read_command(KIND("allocate") "\"channel\":\"web\"," CELL ",\"add\":-3}"));
    assert_true(command.add.present && command.add.value.digits == -3 && !command.to.present);
    assert_true(read_command(KIND("allocate") "\"channel\":\"web\"," CELL ",\"to\":40}"));
    assert_true(command.to.present && command.to.value.digits == 40 && !command.add.present);
    assert_false(text_present(command.to_location));

    assert_true(read_command(KIND("transfer_out") "\"transfer\":\"T1\",\"to\":\"S1\",\"hold\":\"h\"," LINE1
                                                  ",\"eta\":\"2026-12-01T08:00:00+01:00\"}"));
    assert_true(text_equal(command.transfer, TEXT("T1")) && text_equal(command.to_location, TEXT("S1")));
    assert_int_equal(command.due.form, MOMENT_INSTANT);
    assert_true(command.due.us == INT64_C(1796108400000000));
    assert_true(text_equal(command.hold, TEXT("h")));

    assert_true(read_command(
        KIND("expect") "\"expectation\":\"PO9/1\",\"direction\":\"out\",\"due\":\"2026-12-01\"," LINE1 "}"));
    assert_true(text_equal(command.expectation, TEXT("PO9/1")));
    assert_int_equal(command.direction, DIRECTION_OUT);
    assert_int_equal(command.due.form, MOMENT_DAY);
    assert_true(read_command(KIND("commit") "\"hold\":\"h\",\"paid\":true}"));
    assert_true(command.paid && command.line_count == 0);
    assert_true(read_command(KIND("amend") "\"hold\":\"h\"," CELL ",\"quantity\":0,\"condition\":\"sellable\"}"));
    assert_int_equal(command.lines[0].quantity.digits, 0);
    assert_int_equal(command.lines[0].condition, CONDITION_NONE);
    assert_true(read_command(KIND("transfer_in") "\"transfer\":\"T\"," LINE1 ",\"condition\":\"damaged\"}"));
    assert_int_equal(command.lines[0].condition, CONDITION_DAMAGED);
}

/* 64 locations with the longest names are the most that there is room for. */
static void places_are_bounded(void **state)
{
    (void)state;
    static char json[20000];
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(json, sizeof(json), HOLD NOWHERE ",\"sourcing\":{\"locations\":[");
        for (int i = 0; i < COMMAND_PLACES_MAX + extra; i++)
            n += (size_t)snprintf(json + n, sizeof(json) - n, "%s\"%0*d\"", i == 0 ? "" : ",", NAME_BYTES_MAX, i);
        (void)snprintf(json + n, sizeof(json) - n, "]}}");
        assert_int_equal(read_command(json), !extra);
        if (extra) {
            assert_int_equal(error.code, CODE_bad_value);
            assert_string_equal(error.field, "/sourcing/locations");
        } else {
            static uint8_t bytes[COMMAND_BYTES_MAX];
            assert_int_equal(command.place_count, COMMAND_PLACES_MAX);
            assert_true(command_encode(&command, bytes, sizeof(bytes)) != 0);
        }
    }
}

static void values_arrive_whole(void **state)
{
    (void)state;
    assert_true(read_command(
        "{\"kind\":\"hold\",\"id\":\"\\u00e9\",\"source\":\"web\",\"seq\":77,\"actor\":\"a\",\"reason\":\"r\","
        "\"document\":\"d\","
        "\"line\":\"3\",\"channel\":\"c\",\"meta\":{ \"b\" : [1.0, "
        "{\"z\":null,\"y\":\"\\/\\u0041\\u001f\\n\"}],\"a\":-0, \"aa\":true},"
        "\"occurred_at\":\"2026-11-22T11:00:00.5+01:00\",\"not_after\":\"2026-11-22T10:00:01Z\",\"dry_run\":true,"
        "\"guard\":false,\"hold\":\"h\",\"holder\":\"w\",\"expires_in\":1.5,\"mode\":\"partial\",\"lines\":[{\"item\":"
        "\"A\","
        "\"location\":\"X\",\"quantity\":\"1.50\",\"if\":{\"version\":7,\"available\":-3}},{\"item\":\"B\","
        "\"location\":\"X\",\"quantity\":1e2}]}"));
    assert_int_equal(command.kind, KIND_HOLD);
    assert_true(text_equal(command.id, TEXT("\xc3\xa9")));
    assert_true(text_equal(command.source, TEXT("web")));
    assert_true(command.has_seq && command.seq == 77 && command.dry_run);
    assert_true(text_equal(command.actor, TEXT("a")) && text_equal(command.reason, TEXT("r")));
    assert_true(text_equal(command.document, TEXT("d")) && text_equal(command.document_line, TEXT("3")));
    assert_true(text_equal(command.channel, TEXT("c")));
    assert_true(
        text_equal(command.meta, TEXT("{\"a\":-0,\"aa\":true,\"b\":[1.0,{\"y\":\"/A\\u001f\\n\",\"z\":null}]}")));
    assert_true(command.occurred_at_us == INT64_C(1795341600500000));
    assert_true(command.not_after_us == INT64_C(1795341601000000));
    assert_int_equal(command.guard, GUARD_OFF);
    assert_int_equal(command.mode, HOLD_PARTIAL);
    assert_int_equal(command.expires_in_ms, 1500);
    assert_true(text_equal(command.hold, TEXT("h")) && text_equal(command.holder, TEXT("w")));
    assert_int_equal(command.line_count, 2);
    assert_int_equal(command.lines[0].quantity.digits, 15);
    assert_int_equal(command.lines[0].quantity.places, 1);
    assert_int_equal(command.lines[0].precondition.present, PRECONDITION_VERSION | PRECONDITION_AVAILABLE);
    assert_true(command.lines[0].precondition.version == 7);
    assert_int_equal(command.lines[0].precondition.available.digits, -3);
    assert_int_equal(command.lines[1].quantity.digits, 100);
    assert_int_equal(command.lines[1].condition, CONDITION_NONE);
    assert_int_equal(command.lines[1].precondition.present, 0);
    assert_int_equal(command.from, CONDITION_NONE);
    assert_false(text_present(command.to_location));

    assert_true(read_command("{\"kind\":\"transfer\"," ID "," LINE1 ",\"to\":\"Y\",\"guard\":true}"));
    assert_true(text_equal(command.to_location, TEXT("Y")));
    assert_int_equal(command.to_condition, CONDITION_NONE);
    assert_int_equal(command.guard, GUARD_ON);
    assert_true(command.occurred_at_us == TIME_NONE && command.not_after_us == TIME_NONE);
    assert_true(command.expires_in_ms == EXPIRES_DEFAULT && !command.has_seq && !command.dry_run);
    assert_true(
        read_command("{\"kind\":\"reclassify\"," ID "," LINE1 ",\"from\":\"quarantined\",\"to\":\"recalled\"}"));
    assert_int_equal(command.from, CONDITION_QUARANTINED);
    assert_int_equal(command.to_condition, CONDITION_RECALLED);
    assert_false(text_present(command.to_location));
}

static void one_meaning_has_one_form(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {SALE LINE1 "}", "{ "
                         "\"lines\":[{\"quantity\":\"1.0\",\"location\":\"X\",\"item\":\"\\u0041\"}],\"source\":\"s\","
                         "\"id\":\"1\",\"kind\":\"sale\"}"},
        {SALE LINE1 ",\"if\":{\"version\":1}}", SALE "\"lines\":[{" LINE1 ",\"if\":{\"version\":1}}]}"},
        {SALE LINE1 ",\"if\":{\"version\":1}}", SALE "\"if\":{\"version\":1},\"lines\":[{" LINE1 "}]}"},
        {SALE LINE1 ",\"meta\":{\"b\":1,\"a\":{\"d\":2,\"c\":3}}}",
         SALE LINE1 ",\"meta\":{\"a\" : {\"c\":3,\"d\":2},\"b\":1}}"},
        {SALE LINE1 ",\"occurred_at\":\"2026-11-22T10:00:00Z\"}",
         SALE LINE1 ",\"occurred_at\":\"2026-11-22T11:00:00.000+01:00\"}"},
        {"{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 "}",
         "{\"kind\":\"hold\"," ID ",\"hold\":\"h\"," LINE1 ",\"mode\":\"all_or_nothing\",\"condition\":\"sellable\"}"},
        {HOLD LINE1 "}", HOLD LINE1 ",\"wait\":false,\"backorder\":false}"},
        {HOLD NOWHERE ",\"sourcing\":{\"locations\":[\"X\"],\"rule\":\"priority\"}}",
         HOLD NOWHERE ",\"sourcing\":{\"locations\":[\"X\"]}}"},
        {KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-12-01T00:00:00Z\"}",
         KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-12-01T01:00:00+01:00\"}"},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":60}",
         "{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":6.0e1}"},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        uint8_t bytes[2][1024];
        size_t n[2];
        for (int k = 0; k < 2; k++) {
            if (!read_command(same[i][k]))
                fail_msg("%s: %s", same[i][k], error.detail);
            n[k] = command_encode(&command, bytes[k], sizeof(bytes[k]));
            assert_true(n[k] != 0);
        }
        if (n[0] != n[1] || memcmp(bytes[0], bytes[1], n[0]) != 0)
            fail_msg("%s differs from %s", same[i][0], same[i][1]);
    }
    /* And what differs in a value differs in its form. */
    static const char *const different[][2] = {
        {SALE LINE1 "}", SALE LINE1 ",\"guard\":false}"},
        {SALE LINE1 "}", SALE LINE1 ",\"dry_run\":true}"},
        {SALE LINE1 "}", "{\"kind\":\"receive\"," ID "," LINE1 "}"},
        {SALE LINE1 ",\"guard\":true}", SALE LINE1 ",\"guard\":false}"},
        {SALE LINE1 ",\"meta\":{\"a\":1}}", SALE LINE1 ",\"meta\":{\"a\":1.0}}"},
        {SALE LINE1 ",\"actor\":\"x\"}", SALE LINE1 ",\"document\":\"x\"}"},
        {SALE LINE1 "}", SALE LINE1 ",\"condition\":\"sellable\"}"},
        {SALE LINE1 "}", SALE LINE1 ",\"unit\":\"case\"}"},
        {HOLD NOWHERE "}", HOLD NOWHERE ",\"sourcing\":{\"rule\":\"priority\"}}"},
        {HOLD LINE1 "}", HOLD LINE1 ",\"wait\":true}"},
        /* A day is not its midnight in UTC. */
        {KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-12-01T00:00:00Z\"}",
         KIND("redate") "\"expectation\":\"P\",\"due\":\"2026-12-01\"}"},
        /* No location is not the same as nothing said about them. */
        {KIND("set_channel") "\"channel\":\"web\"}", KIND("set_channel") "\"channel\":\"web\",\"locations\":[]}"},
        {KIND("allocate") "\"channel\":\"web\"," CELL ",\"to\":1}",
         KIND("allocate") "\"channel\":\"web\"," CELL ",\"add\":1}"},
        {"{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":0}",
         "{\"kind\":\"extend\"," ID ",\"hold\":\"h\",\"expires_in\":1}"},
    };
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++) {
        uint8_t bytes[2][1024];
        size_t n[2];
        for (int k = 0; k < 2; k++) {
            assert_true(read_command(different[i][k]));
            n[k] = command_encode(&command, bytes[k], sizeof(bytes[k]));
        }
        assert_false(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
    }
}

static void commands_are_bounded(void **state)
{
    (void)state;
    static char json[400000];
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(json, sizeof(json), SALE "\"lines\":[");
        for (int i = 0; i < COMMAND_LINES_MAX + extra; i++)
            n += (size_t)snprintf(json + n, sizeof(json) - n, "%s{" LINE1 "}", i == 0 ? "" : ",");
        (void)snprintf(json + n, sizeof(json) - n, "]}");
        assert_int_equal(read_command(json), !extra);
        if (extra) {
            assert_int_equal(error.code, CODE_too_many_lines);
            assert_string_equal(error.field, "/lines");
        }
    }
    for (int extra = 0; extra < 2; extra++) { /* names of 128 bytes, meta of 1,024 */
        char name[200], meta[1200];
        memset(name, 'n', sizeof(name));
        name[NAME_BYTES_MAX + extra] = '\0';
        (void)snprintf(json, sizeof(json), SALE LINE1 ",\"reason\":\"%s\"}", name);
        assert_int_equal(read_command(json), !extra);
        memset(meta, 'm', sizeof(meta));
        meta[META_BYTES_MAX - 8 + extra] = '\0';
        (void)snprintf(json, sizeof(json), SALE LINE1 ",\"meta\":  {  \"a\" :\t\"%s\" }}", meta);
        assert_int_equal(read_command(json), !extra);
        if (!extra)
            assert_int_equal(command.meta.length, META_BYTES_MAX);
        else
            assert_string_equal(error.field, "/meta");
    }
    /* Long hostile values and keys give bounded, well-formed errors. */
    size_t n = (size_t)snprintf(json, sizeof(json), SALE LINE1 ",\"");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(json + n, sizeof(json) - n, "\xf0\x9f\x98\x80/");
    (void)snprintf(json + n, sizeof(json) - n, "\":1}");
    assert_false(read_command(json));
    assert_int_equal(error.code, CODE_unknown_field);
    assert_true(strlen(error.field) < sizeof(error.field) && strlen(error.field) > 180);
    assert_true(utf8_valid(error.field, strlen(error.field)));
    n = (size_t)snprintf(json, sizeof(json), "{\"kind\":\"x\\n\\u0085");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(json + n, sizeof(json) - n, "\xf0\x9f\x98\x80");
    (void)snprintf(json + n, sizeof(json) - n, "\"}");
    assert_false(read_command(json));
    assert_true(strlen(error.detail) < sizeof(error.detail));
    assert_true(utf8_valid(error.detail, strlen(error.detail)));
    assert_int_equal(utf8_first_control(error.detail, strlen(error.detail)), strlen(error.detail));
}

/* ---- The binary form ---- */

static char name_bytes[NAME_BYTES_MAX];

static struct text random_name(struct prng *prng, bool may_be_absent)
{
    if (may_be_absent && prng_below(prng, 2) == 0)
        return TEXT_NONE;
    return text_of(name_bytes, prng_below(prng, 20) == 0 ? NAME_BYTES_MAX : 1 + prng_below(prng, 20));
}
static struct decimal random_decimal(struct prng *prng)
{
    struct decimal d = {(int64_t)(prng_next(prng) >> (11 + prng_below(prng, 50))), (uint8_t)prng_below(prng, 7)};
    if (prng_below(prng, 2))
        d.digits = -d.digits;
    if (d.digits % 10 == 0)
        d.places = 0;
    return d;
}
static struct precondition random_precondition(struct prng *prng)
{
    struct precondition p = {.present = (uint8_t)(prng_below(prng, 3) == 0 ? prng_below(prng, 16) : 0)};
    if (p.present & PRECONDITION_VERSION)
        p.version = prng_next(prng) >> prng_below(prng, 64);
    if (p.present & PRECONDITION_ON_HAND)
        p.on_hand = random_decimal(prng);
    if (p.present & PRECONDITION_AVAILABLE)
        p.available = random_decimal(prng);
    if (p.present & PRECONDITION_RESERVED)
        p.reserved = random_decimal(prng);
    return p;
}
static int64_t random_i64(struct prng *prng, int64_t absent)
{
    return prng_below(prng, 2) ? absent : (int64_t)(prng_next(prng) >> (1 + prng_below(prng, 62)));
}

static struct text random_unit(struct prng *prng)
{
    return prng_below(prng, 4) == 0 ? text_of(name_bytes, 1 + prng_below(prng, UNIT_BYTES_MAX)) : TEXT_NONE;
}
static struct moment random_moment(struct prng *prng)
{
    enum moment_form form = (enum moment_form)prng_below(prng, MOMENT_DAY + 1);
    return (struct moment){form, form == MOMENT_ABSENT ? 0 : random_i64(prng, 0)};
}
static struct optional_decimal random_optional(struct prng *prng)
{
    if (prng_below(prng, 2) == 0)
        return (struct optional_decimal){false, {0, 0}};
    return (struct optional_decimal){true, random_decimal(prng)};
}

static void random_claim_fields(struct prng *prng, struct command *c)
{
    static uint8_t places[COMMAND_PLACES_BYTES];
    c->backorder = prng_below(prng, 2) == 0;
    c->wait = prng_below(prng, 2) == 0;
    c->paid = prng_below(prng, 2) == 0;
    c->priority = prng_below(prng, 2) == 0 ? 0 : (uint32_t)prng_next(prng);
    c->at = random_moment(prng);
    c->sourcing = (enum sourcing_rule)prng_below(prng, SOURCING_MOST_STOCK + 1);
    if (prng_below(prng, 3) != 0)
        return;
    c->place_count = prng_below(prng, 50) == 0 ? COMMAND_PLACES_MAX : (uint32_t)prng_below(prng, 4);
    size_t n = 0;
    for (uint32_t i = 0; i < c->place_count; i++)
        n += command_place_put(places + n, random_name(prng, false));
    c->places = text_of((const char *)places, n);
}

static void random_other_fields(struct prng *prng, struct command *c)
{
    static char config[CONFIG_BYTES_MAX];
    c->transfer = random_name(prng, true);
    c->expectation = random_name(prng, true);
    c->direction = (enum direction)prng_below(prng, DIRECTION_OUT + 1);
    c->due = random_moment(prng);
    c->location = random_name(prng, true);
    c->safety_stock = random_optional(prng);
    c->backorder_limit = random_optional(prng);
    c->reorder_point = random_optional(prng);
    c->buffer = random_optional(prng);
    c->cap = random_optional(prng);
    c->shares_rest = (enum choice)prng_below(prng, CHOICE_YES + 1);
    c->add = random_optional(prng);
    c->to = random_optional(prng);
    c->source_name = random_name(prng, true);
    c->counted_from_us = random_i64(prng, TIME_NONE);
    c->includes_picked = prng_below(prng, 2) == 0;
    c->set = random_name(prng, true);
    c->last = prng_below(prng, 2) == 0;
    c->has_position = prng_below(prng, 2) == 0;
    c->seen_epoch = c->has_position ? (uint32_t)prng_next(prng) : 0;
    c->seen_position = c->has_position ? prng_below(prng, INT64_MAX) : 0;
    c->seen_seq = c->has_position ? prng_below(prng, INT64_MAX) : 0;
    c->measure = (enum measure)prng_below(prng, MEASURE_AVAILABLE + 1);
    c->report = prng_below(prng, 2) == 0;
    c->contains = (enum contains)prng_below(prng, CONTAINS_COMMITTED + 1);
    c->review = prng_below(prng, 2) ? 0 : prng_next(prng);
    c->verdict = (enum verdict_word)prng_below(prng, VERDICT_REJECT + 1);
    c->of_source = random_name(prng, true);
    c->of_id = random_name(prng, true);
    if (prng_below(prng, 10) == 0)
        c->config = text_of(config, prng_below(prng, 20) == 0 ? CONFIG_BYTES_MAX : 1 + prng_below(prng, 50));
}

static bool same_moment(struct moment a, struct moment b)
{
    return a.form == b.form && a.us == b.us;
}
static bool same_optional(struct optional_decimal a, struct optional_decimal b)
{
    return a.present == b.present && a.value.digits == b.value.digits && a.value.places == b.value.places;
}

static void same_other_fields(const struct command *d, const struct command *c)
{
    assert_true(d->backorder == c->backorder && d->wait == c->wait && d->paid == c->paid);
    assert_true(d->priority == c->priority && d->sourcing == c->sourcing && d->place_count == c->place_count);
    assert_true(same_moment(d->at, c->at) && same_moment(d->due, c->due) && d->direction == c->direction);
    assert_true(same_optional(d->safety_stock, c->safety_stock));
    assert_true(same_optional(d->backorder_limit, c->backorder_limit));
    assert_true(same_optional(d->reorder_point, c->reorder_point));
    assert_true(same_optional(d->buffer, c->buffer) && same_optional(d->cap, c->cap));
    assert_true(d->shares_rest == c->shares_rest);
    assert_true(d->counted_from_us == c->counted_from_us && d->includes_picked == c->includes_picked);
    assert_true(d->review == c->review && d->verdict == c->verdict);
    assert_true(text_equal(d->set, c->set) && d->last == c->last);
    assert_true(d->has_position == c->has_position && d->seen_epoch == c->seen_epoch && d->seen_seq == c->seen_seq);
    assert_true(d->report == c->report);
    assert_true(d->seen_position == c->seen_position && d->measure == c->measure && d->contains == c->contains);
    assert_true(same_optional(d->add, c->add) && same_optional(d->to, c->to));
    /* The names come out as they went in. */
    struct text places = d->places;
    struct text name;
    uint32_t count = 0;
    while (command_place_next(&places, &name))
        count += memcmp(name.bytes, name_bytes, name.length) == 0;
    assert_int_equal(count, c->place_count);
}

static void same_precondition(const struct precondition *a, const struct precondition *b)
{
    assert_int_equal(a->present, b->present);
    assert_true(a->version == b->version);
    assert_true(a->on_hand.digits == b->on_hand.digits && a->on_hand.places == b->on_hand.places);
    assert_true(a->available.digits == b->available.digits && a->available.places == b->available.places);
    assert_true(a->reserved.digits == b->reserved.digits && a->reserved.places == b->reserved.places);
}

static void encodings_come_back(void **state)
{
    (void)state;
    struct prng prng = prng_of(7);
    static struct command_line lines[COMMAND_LINES_MAX], decoded_lines[COMMAND_LINES_MAX];
    static uint8_t bytes[COMMAND_BYTES_MAX], again[COMMAND_BYTES_MAX];
    for (size_t i = 0; i < sizeof(name_bytes); i++)
        name_bytes[i] = (char)('a' + i % 26);
    char meta[META_BYTES_MAX];
    memset(meta, 'm', sizeof(meta));
    for (int round = 0; round < 5000; round++) {
        struct command c = {
            .kind = (enum command_kind)prng_below(&prng, KIND_COUNT),
            .guard = (enum guard)prng_below(&prng, 3),
            .dry_run = prng_below(&prng, 2) == 0,
            .mode = (enum hold_mode)prng_below(&prng, 2),
            .has_seq = prng_below(&prng, 2) == 0,
            .source = random_name(&prng, false),
            .id = random_name(&prng, true),
            .occurred_at_us = random_i64(&prng, TIME_NONE),
            .not_after_us = random_i64(&prng, TIME_NONE),
            .actor = random_name(&prng, true),
            .reason = random_name(&prng, true),
            .document = random_name(&prng, true),
            .document_line = random_name(&prng, true),
            .channel = random_name(&prng, true),
            .meta = prng_below(&prng, 2) ? TEXT_NONE : text_of(meta, 1 + prng_below(&prng, META_BYTES_MAX)),
            .precondition = random_precondition(&prng),
            .hold = random_name(&prng, true),
            .holder = random_name(&prng, true),
            .expires_in_ms = random_i64(&prng, EXPIRES_DEFAULT),
            .from = (enum condition)prng_below(&prng, CONDITION_COUNT + 1),
            .to_condition = (enum condition)prng_below(&prng, CONDITION_COUNT + 1),
            .to_location = random_name(&prng, true),
            .line_count = round % 500 == 0 ? COMMAND_LINES_MAX : (uint32_t)prng_below(&prng, 4),
            .lines = lines,
            .item = random_name(&prng, true),
            .scale = (uint8_t)prng_below(&prng, 7),
            .id_window_ms = random_i64(&prng, 0),
            .id_capacity = prng_below(&prng, 2) ? 0 : (uint32_t)prng_next(&prng),
            .strict = prng_below(&prng, 2) == 0,
        };
        c.seq = c.has_seq ? prng_next(&prng) : 0;
        for (uint32_t i = 0; i < c.line_count; i++)
            lines[i] = (struct command_line){.item = random_name(&prng, false),
                                             .location = random_name(&prng, prng_below(&prng, 8) == 0),
                                             .quantity = random_decimal(&prng),
                                             .unit = random_unit(&prng),
                                             .condition = (enum condition)prng_below(&prng, CONDITION_COUNT + 1),
                                             .precondition = random_precondition(&prng)};
        random_claim_fields(&prng, &c);
        random_other_fields(&prng, &c);
        size_t n = command_encode(&c, bytes, sizeof(bytes));
        assert_true(n != 0);
        /* A capacity below it says so; exactly it is enough. */
        assert_int_equal(command_encode(&c, again, n - 1), 0);
        assert_int_equal(command_encode(&c, again, n), n);
        uint8_t *exact = malloc(n); /* for the address sanitizer */
        memcpy(exact, bytes, n);
        struct command d;
        assert_int_equal(command_decode(exact, n, decoded_lines, &d), STATUS_OK);
        assert_int_equal(d.kind, c.kind);
        assert_int_equal(d.guard, c.guard);
        assert_int_equal(d.mode, c.mode);
        assert_true(d.dry_run == c.dry_run && d.strict == c.strict && d.has_seq == c.has_seq && d.seq == c.seq);
        assert_true(d.occurred_at_us == c.occurred_at_us && d.not_after_us == c.not_after_us);
        assert_true(d.expires_in_ms == c.expires_in_ms && d.id_window_ms == c.id_window_ms);
        assert_true(d.id_capacity == c.id_capacity && d.scale == c.scale);
        assert_true(d.from == c.from && d.to_condition == c.to_condition);
        const struct text *texts[][2] = {{&d.source, &c.source},
                                         {&d.id, &c.id},
                                         {&d.actor, &c.actor},
                                         {&d.reason, &c.reason},
                                         {&d.document, &c.document},
                                         {&d.document_line, &c.document_line},
                                         {&d.channel, &c.channel},
                                         {&d.meta, &c.meta},
                                         {&d.hold, &c.hold},
                                         {&d.holder, &c.holder},
                                         {&d.to_location, &c.to_location},
                                         {&d.item, &c.item},
                                         {&d.places, &c.places},
                                         {&d.transfer, &c.transfer},
                                         {&d.expectation, &c.expectation},
                                         {&d.location, &c.location},
                                         {&d.source_name, &c.source_name},
                                         {&d.of_source, &c.of_source},
                                         {&d.of_id, &c.of_id},
                                         {&d.config, &c.config}};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            assert_true(text_equal(*texts[i][0], *texts[i][1]));
            assert_int_equal(text_present(*texts[i][0]), text_present(*texts[i][1]));
        }
        same_other_fields(&d, &c);
        same_precondition(&d.precondition, &c.precondition);
        assert_int_equal(d.line_count, c.line_count);
        for (uint32_t i = 0; i < c.line_count; i++) {
            assert_true(text_equal(d.lines[i].item, lines[i].item) &&
                        text_equal(d.lines[i].location, lines[i].location));
            assert_true(d.lines[i].quantity.digits == lines[i].quantity.digits);
            assert_int_equal(d.lines[i].quantity.places, lines[i].quantity.places);
            assert_int_equal(d.lines[i].condition, lines[i].condition);
            assert_true(text_equal(d.lines[i].unit, lines[i].unit));
            same_precondition(&d.lines[i].precondition, &lines[i].precondition);
        }
        /* Cut short, or with something behind it, it is none. */
        size_t cut = round < 500 && n < 2000 ? 0 : prng_below(&prng, n);
        for (size_t end = n < 2000 ? n : cut + 1; cut < end; cut++) {
            uint8_t *shorter = malloc(cut + (cut == 0));
            memcpy(shorter, bytes, cut);
            assert_int_equal(command_decode(shorter, cut, decoded_lines, &d), STATUS_INVALID);
            free(shorter);
        }
        if (n < sizeof(bytes)) {
            bytes[n] = 0;
            assert_int_equal(command_decode(bytes, n + 1, decoded_lines, &d), STATUS_INVALID);
        }
        /* Whatever is accepted after damage is its own, only encoding. */
        for (int damage = 0; damage < 200; damage++) {
            uint64_t bit = prng_below(&prng, n * 8);
            exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (command_decode(exact, n, decoded_lines, &d) == STATUS_OK) {
                assert_int_equal(command_encode(&d, again, sizeof(again)), n);
                assert_memory_equal(again, exact, n);
            }
            exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        free(exact);
    }
}

static void names_of_enums(void **state)
{
    (void)state;
    assert_string_equal(kind_name(KIND_RETURN), "return");
    assert_string_equal(kind_name(KIND_PUT_ITEM), "item");
    assert_string_equal(condition_name(CONDITION_QUALITY_CONTROL), "quality_control");
    assert_string_equal(condition_name(CONDITION_NONE), "");
    assert_true(kind_is_request(KIND_SHIP) && kind_is_request(KIND_HOLD) && kind_is_request(KIND_COMMIT));
    assert_false(kind_is_request(KIND_SALE) || kind_is_request(KIND_RELEASE) || kind_is_request(KIND_TRANSFER));
}

int main(void)
{
    parser = json_parser_create(1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_judged),  cmocka_unit_test(values_arrive_whole),
        cmocka_unit_test(kinds_beyond_movements_are_judged), cmocka_unit_test(their_values_arrive_whole),
        cmocka_unit_test(places_are_bounded),   cmocka_unit_test(one_meaning_has_one_form),
        cmocka_unit_test(commands_are_bounded),
        cmocka_unit_test(encodings_come_back),  cmocka_unit_test(names_of_enums),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_parser_destroy(parser);
    return failed;
}
