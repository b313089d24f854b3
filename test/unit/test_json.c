/*
 * Goal: a document that gives nodes is right as a whole, whatever simdjson's version checks by itself; what is wrong is
 * named. And what we write comes back.
 * Method: tables of documents, each parsed from a buffer that ends exactly behind its padding, with two different
 * paddings; random documents built beside the nodes they must give; random damage.
 */
#include "unit.h"

#include "api/json.h"
#include "api/json_write.h"
#include "base/prng.h"
#include "base/utf8.h"
#include "json_oracle.h"

#define NODES_MAX 4096

static struct json_parser *parser;
static struct json_node nodes[NODES_MAX];
static uint32_t count;
static struct json_error error;
static char *document; /* kept until the next parse: the nodes borrow it */

static enum json_status parse_padded(const char *bytes, size_t n, uint32_t capacity, int padding)
{
    free(document);
    document = malloc(n + JSON_PADDING);
    memcpy(document, bytes, n);
    memset(document + n, padding, JSON_PADDING);
    return json_parse(parser, document, n, nodes, capacity, &count, &error);
}

/* What lies in the padding must not matter: brackets, quotes, digits and backslashes are the likeliest to. */
static enum json_status parse(const char *bytes, size_t n)
{
    static const char paddings[] = {']', '}', '"', '1', '\\', ' ', '\xff', ','};
    enum json_status status = parse_padded(bytes, n, NODES_MAX, 0);
    for (size_t i = 0; i < sizeof(paddings); i++) {
        if (parse_padded(bytes, n, NODES_MAX, paddings[i]) != status)
            fail_msg("padding '%c' changes '%.*s' from %s to %s", paddings[i], (int)n, bytes, json_status_text(status),
                     json_status_text(json_parse(parser, document, n, nodes, NODES_MAX, &count, &error)));
    }
    return status;
}

static void documents_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum json_status status;
    } rows[] = {
#define J(literal, status) {literal, sizeof(literal) - 1, JSON_##status}
        J("{}", OK),
        J("[]", OK),
        J(" [ ] ", OK),
        J("{\"a\":{\"b\":[1,2,{}]}}", OK),
        J("\t[\r\n1 , 2 ]\n", OK),
        J("true", OK),
        J(" null ", OK),
        J("-1.5e3", OK),
        J("\"x\"", OK),
        J(" \"\" ", OK),
        J("\"a\\\"\"", OK),
        J("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"]", OK),
        J("[\"\\ud83d\\ude00\"]", OK),
        J("[\"\\uD83D\\uDE00\"]", OK),
        J("[\"\x7f\"]", OK),
        J("{\"\":1}", OK),
        J("{\"a\":1,\"A\":2}", OK),
        J("{\"a\":{\"a\":1}}", OK),
        J("[{\"a\":1},{\"a\":1}]", OK),
        J("", EMPTY),
        J(" \n", EMPTY),
        J("[1] 2", TRAILING),
        J("[1]]", TRAILING),
        J("{}{}", TRAILING),
        J("[][]", TRAILING),
        J("[1]x]", TRAILING),
        J("\"x\"1", TRAILING),
        J("\"x\" \"y\"", TRAILING),
        J("\"a\\\"\"x", TRAILING),
        J("1 2", BAD_NUMBER),
        J("true false", SYNTAX),
        J("true}", SYNTAX),
        J("nul", SYNTAX),
        J("truex", SYNTAX),
        J("[", UNCLOSED),
        J("{", UNCLOSED),
        J("[1", UNCLOSED),
        J("[1,", UNCLOSED),
        J("{\"a\"", UNCLOSED),
        J("{\"a\":", UNCLOSED),
        J("{\"a\":1", UNCLOSED),
        J("[\"a", UNCLOSED),
        J("\"a", UNCLOSED),
        J("\"", UNCLOSED),
        J("\"\\\"", UNCLOSED),
        J("[\"\\\"]", UNCLOSED),
        J("[[]", UNCLOSED),
        J("[[[[[]]", UNCLOSED),
        J("[{\"a\":{\"a\":{\"a\":[]", UNCLOSED),
        J("{\"a\":[{}", UNCLOSED),
        J("{\"a\":[[[{}", UNCLOSED),
        J("{\"a\":[1}", UNCLOSED),
        J("[{\"a\":1]", UNCLOSED),
        J("[{\"a\"]", UNCLOSED),
        J("{\"a\":{}", UNCLOSED),
        J("{\"a\":[}", UNCLOSED),
        J("[{]}", SYNTAX),
        J("[}", SYNTAX),
        J("{]", SYNTAX),
        J("{\"a\":1]", SYNTAX),
        J("[1}", SYNTAX),
        J("]", SYNTAX),
        J("}", SYNTAX),
        J(",", SYNTAX),
        J(":", SYNTAX),
        J("[[1}]", SYNTAX),
        J("[1,]", SYNTAX),
        J("[,1]", SYNTAX),
        J("[1,,2]", SYNTAX),
        J("[1 2]", SYNTAX),
        J("[\"a\"\"b\"]", SYNTAX),
        J("[\"a\"b]", SYNTAX),
        J("[\"a\"1]", SYNTAX),
        J("[1\"a\"]", BAD_NUMBER),
        J("[[][]]", SYNTAX),
        J("[{}{}]", SYNTAX),
        J("[true false]", SYNTAX),
        J("[:]", SYNTAX),
        J("[1:2]", SYNTAX),
        J("{,}", SYNTAX),
        J("{\"a\":1,}", SYNTAX),
        J("{,\"a\":1}", SYNTAX),
        J("{\"a\" 1}", SYNTAX),
        J("{\"a\"}", SYNTAX),
        J("{\"a\":}", SYNTAX),
        J("{\"a\"::1}", SYNTAX),
        J("{\"a\":1 \"b\":2}", SYNTAX),
        J("{\"a\":1,,\"b\":2}", SYNTAX),
        J("{1:2}", SYNTAX),
        J("{a:1}", SYNTAX),
        J("{'a':1}", SYNTAX),
        J("{\"a\":1;\"b\":2}", BAD_NUMBER),
        J("{null:1}", SYNTAX),
        J("{\"a\":\"b\":1}", SYNTAX),
        J("{\"a\":\"b\":{}}", SYNTAX),
        J("[\"a\":1]", SYNTAX),
        J("{\"a\":1:2}", SYNTAX),
        J("{\"a\":\"b\\n\":1}", SYNTAX),
        J("{\"a\":[]:1}", SYNTAX),
        J("{\"a\":null:1}", SYNTAX),
        J("[\"a\":{}]", SYNTAX),
        /* Found by the fuzzer: skipping from a string before ':' to a later member. */
        J("{\"kind\":\"hold\",\"id\":\"2\",\"source\":\"s\",\"hold\":\"h\":{\"a\":[2,ed3d\\ude00\"}]},\"mode\":"
          "\"parrce\":\"s\",\"hold\":\"h\":"
          "{\"a\":[2,ed3d\\ude00\"}]},\"mode\":\"part0Z\"}",
          TRAILING),
        J("{\"a\":{}\"b\":2}", SYNTAX),
        J("{[]:1}", SYNTAX),
        J("[tru]", SYNTAX),
        J("[True]", SYNTAX),
        J("[truee]", SYNTAX),
        J("[falsy]", SYNTAX),
        J("[nul]", SYNTAX),
        J("[nullx]", SYNTAX),
        J("[NaN]", SYNTAX),
        J("[Infinity]", SYNTAX),
        J("[undefined]", SYNTAX),
        J("[tr ue]", SYNTAX),
        J("[01]", BAD_NUMBER),
        J("[-]", BAD_NUMBER),
        J("[-01]", BAD_NUMBER),
        J("[1.]", BAD_NUMBER),
        J("[1.e1]", BAD_NUMBER),
        J("[1e]", BAD_NUMBER),
        J("[1e+]", BAD_NUMBER),
        J("[1.2.3]", BAD_NUMBER),
        J("[0x10]", BAD_NUMBER),
        J("[1_000]", BAD_NUMBER),
        J("[1a]", BAD_NUMBER),
        J("[--1]", BAD_NUMBER),
        J("[-Infinity]", BAD_NUMBER),
        J("[+1]", SYNTAX),
        J("[.5]", SYNTAX),
        J("[1/*x*/]", BAD_NUMBER),
        J("[//x\n1]", SYNTAX),
        J("-", BAD_NUMBER),
        J("[1\0]", BAD_NUMBER),
        J("[\0]", SYNTAX),
        J("[1]\0", TRAILING),
        J("\0", SYNTAX),
        J("[1,\x0c\x32]", SYNTAX),
        J("[\"\x01\"]", BAD_STRING),
        J("[\"\n\"]", BAD_STRING),
        J("[\"\t\"]", BAD_STRING),
        J("[\"a\0b\"]", BAD_STRING),
        J("{\"a\x01\":1}", BAD_STRING),
        J("[\"\\x\"]", BAD_STRING),
        J("[\"\\u12\"]", BAD_STRING),
        J("[\"\\u12g4\"]", BAD_STRING),
        J("[\"\\u\"]", BAD_STRING),
        J("[\"\\U0041\"]", BAD_STRING),
        J("[\"\\'\"]", BAD_STRING),
        J("{\"\\x\":1}", BAD_STRING),
        J("[\"\\\0\"]", BAD_STRING),
        J("\"\\x\"", BAD_STRING),
        J("[\"\\ud800\"]", BAD_SURROGATE),
        J("[\"\\udc00\"]", BAD_SURROGATE),
        J("[\"\\ud800\\u0041\"]", BAD_SURROGATE),
        J("[\"\\ud800\\ud800\"]", BAD_SURROGATE),
        J("[\"\\ud800x\"]", BAD_SURROGATE),
        J("[\"\\ude00\\ud83d\"]", BAD_SURROGATE),
        J("[\"\\ud800\\n\"]", BAD_SURROGATE),
        J("{\"\\ud800\":1}", BAD_SURROGATE),
        J("\"\\udfff\"", BAD_SURROGATE),
        J("[\"\\u0000\"]", NUL),
        J("{\"a\\u0000\":1}", NUL),
        J("[\"\\u00e9\\u0000\"]", NUL),
        J("[\"\xff\"]", NOT_UTF8),
        J("[\"\xc0\x80\"]", NOT_UTF8),
        J("[\"\xed\xa0\x80\"]", NOT_UTF8),
        J("[\"\xc3\"]", NOT_UTF8),
        J("[\"\xf4\x90\x80\x80\"]", NOT_UTF8),
        J("{\"\xff\":1}", NOT_UTF8),
        J("[1,\xff]", NOT_UTF8),
        J("[]\xff", NOT_UTF8),
        J("\xff", NOT_UTF8),
        J("\"\xff\"", NOT_UTF8),
        J("\xef\xbb\xbf{}", SYNTAX),
        J("\xff\xfe{\0}\0", NOT_UTF8),
        J("[1\xc2\xa0]", BAD_NUMBER),
        J("{\"a\":1,\"a\":1}", DUPLICATE_KEY),
        J("{\"a\":1,\"b\":{},\"a\":2}", DUPLICATE_KEY),
        J("{\"a\":1,\"\\u0061\":2}", DUPLICATE_KEY),
        J("{\"\":1,\"\":2}", DUPLICATE_KEY),
        J("{\"x\":[{\"k\":[1,{\"a\":2}],\"k\":1}]}", DUPLICATE_KEY),
        J("{\"a\\n\":1,\"a\\u000a\":2}", DUPLICATE_KEY),
        J("{\"long-key-of-some-bytes\":1,\"long-key-of-some-bytes\":2}", DUPLICATE_KEY),
        J("{\"long-key-of-some-bytes\":1,\"long-kex-of-some-bytes\":2}", OK),
#undef J
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum json_status status = parse(rows[i].bytes, rows[i].n);
        if (status != rows[i].status)
            fail_msg("'%.*s': %s, expected %s", (int)rows[i].n, rows[i].bytes, json_status_text(status),
                     json_status_text(rows[i].status));
        assert_true(oracle_agrees(rows[i].bytes, rows[i].n, status));
        if (status != JSON_OK)
            assert_int_equal(error.status, status);
        assert_true(status == JSON_OK || error.offset == JSON_OFFSET_NONE || error.offset <= rows[i].n);
        /* Cut anywhere, it is judged by its own bytes. */
        for (size_t n = 0; n < rows[i].n; n++)
            assert_true(oracle_agrees(rows[i].bytes, n, parse_padded(rows[i].bytes, n, NODES_MAX, ']')));
    }
}

static void nodes_are_in_order(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,\"x\\n\"],\"\\u00e9\":true}";
    assert_int_equal(parse(text, sizeof(text) - 1), JSON_OK);
    assert_int_equal(count, 5);
    assert_int_equal(nodes[0].type, JSON_OBJECT);
    assert_int_equal(nodes[0].count, 2);
    assert_int_equal(nodes[0].next, 5);
    assert_false(text_present(nodes[0].key));
    assert_int_equal(nodes[1].type, JSON_ARRAY);
    assert_true(text_equal(nodes[1].key, TEXT("a")));
    assert_int_equal(nodes[1].count, 2);
    assert_int_equal(nodes[1].next, 4);
    assert_int_equal(nodes[1].offset, 5);
    assert_true(text_equal(nodes[2].text, TEXT("1")));
    assert_true(text_equal(nodes[3].text, TEXT("x\n")));
    assert_false(text_present(nodes[3].key));
    assert_int_equal(nodes[4].type, JSON_TRUE);
    assert_true(text_equal(nodes[4].key, TEXT("\xc3\xa9")));
    assert_int_equal(json_member(nodes, 0, TEXT("\xc3\xa9")), 4);
    assert_int_equal(json_member(nodes, 0, TEXT("b")), 0);
}

static void documents_are_bounded(void **state)
{
    (void)state;
    char text[4096];
    for (unsigned depth = JSON_DEPTH_MAX; depth <= 2000; depth = depth == JSON_DEPTH_MAX ? depth + 1 : depth * 2) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(parse(text, (size_t)2 * depth), depth <= JSON_DEPTH_MAX ? JSON_OK : JSON_TOO_DEEP);
        /* Never closed: simdjson says so before it is deep. */
        assert_int_not_equal(parse(text, depth), JSON_OK);
    }
    for (unsigned keys = JSON_KEYS_MAX; keys <= JSON_KEYS_MAX + 1; keys++) {
        size_t n = 0;
        for (unsigned i = 0; i < keys; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%c\"%u\":%u", i == 0 ? '{' : ',', i, i);
        text[n++] = '}';
        assert_int_equal(parse(text, n), keys <= JSON_KEYS_MAX ? JSON_OK : JSON_TOO_MANY_KEYS);
    }
    for (uint32_t capacity = 0; capacity < 6; capacity++)
        assert_int_equal(parse_padded("{\"a\":[1,\"x\"],\"b\":2}", 19, capacity, 0),
                         capacity == 5 ? JSON_OK : JSON_TOO_MANY_VALUES);
    assert_int_equal(parse_padded("1", 1, 0, 0), JSON_TOO_MANY_VALUES);
    assert_int_equal(parse_padded("\"\"", 2, 0, 0), JSON_TOO_MANY_VALUES);
    struct json_parser *small = json_parser_create(100);
    memset(text, ' ', sizeof(text));
    memcpy(text, "[]", 2);
    assert_int_equal(json_parse(small, text, 100, nodes, NODES_MAX, &count, NULL), JSON_OK);
    assert_int_equal(json_parse(small, text, 101, nodes, NODES_MAX, &count, &error), JSON_TOO_LONG);
    json_parser_destroy(small);
    assert_null(json_parser_create(UINT32_MAX));
}

/* ---- Random documents, written down together with what must come back ---- */

static struct buffer out;
static struct json_node expected[NODES_MAX];
static uint32_t expected_count;
static char strings[1 << 18]; /* what the expected nodes borrow */
static size_t strings_used;

static struct text random_string(struct prng *prng, uint32_t salt)
{
    char *start = strings + strings_used;
    size_t n = 0;
    static const char *const pieces[] = {"a",    "\"",   "\\",       "\n",
                                         "\x1f", "/",    "\xc3\xa9", "\xf0\x9f\x98\x80",
                                         "xyz",  "\x7f", "\b\f\r\t", "{}[],:"};
    for (uint64_t left = prng_below(prng, 12); left-- > 0;) {
        const char *piece = pieces[prng_below(prng, sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(start + n, piece, strlen(piece));
        n += strlen(piece);
    }
    if (salt != 0) /* keys must differ */
        n += (size_t)snprintf(start + n, 16, "%u", (unsigned)salt);
    strings_used += n;
    return text_of(start, n);
}

/* Writes the string with escapes chosen at random. */
static void write_string(struct prng *prng, struct text text)
{
    if (prng_below(prng, 2) == 0) {
        json_string(&out, text);
        return;
    }
    buffer_byte(&out, '"');
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        char hex[16];
        if (c < 0x20 || c == '"' || c == '\\' || (c < 0x80 && prng_below(prng, 3) == 0)) {
            (void)snprintf(hex, sizeof(hex), prng_below(prng, 2) ? "\\u%04x" : "\\u%04X", c);
            buffer_append(&out, hex, 6);
        } else if (c == 0xf0 && prng_below(prng, 2) == 0) {
            buffer_literal(&out, "\\ud83d\\ude00");
            i += 3;
        } else {
            buffer_byte(&out, (char)c);
        }
    }
    buffer_byte(&out, '"');
}

static void blanks(struct prng *prng)
{
    for (uint64_t n = prng_below(prng, 3); n-- > 0;)
        buffer_byte(&out, " \t\r\n"[prng_below(prng, 4)]);
}

static void random_value(struct prng *prng, unsigned depth, struct text key)
{
    uint32_t self = expected_count++;
    struct json_node node = {.key = key, .type = (uint8_t)prng_below(prng, depth > 5 || self > 3000 ? 5 : 7)};
    static const char *const numbers[] = {"0",    "-0",  "12", "-1.5", "1e400", "0.000001", "9007199254740993",
                                          "1E-7", "3.00"};
    blanks(prng);
    switch ((enum json_type)node.type) {
    case JSON_NULL:
        buffer_literal(&out, "null");
        break;
    case JSON_FALSE:
        json_bool(&out, false);
        break;
    case JSON_TRUE:
        json_bool(&out, true);
        break;
    case JSON_NUMBER: {
        const char *number = numbers[prng_below(prng, sizeof(numbers) / sizeof(numbers[0]))];
        node.text = text_of(number, strlen(number));
        buffer_text(&out, node.text);
        break;
    }
    case JSON_STRING:
        node.text = random_string(prng, 0);
        write_string(prng, node.text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buffer_byte(&out, node.type == JSON_ARRAY ? '[' : '{');
        node.count = (uint32_t)prng_below(prng, 8);
        for (uint32_t i = 0; i < node.count; i++) {
            if (i != 0)
                buffer_byte(&out, ',');
            struct text member = TEXT_NONE;
            if (node.type == JSON_OBJECT) {
                member = random_string(prng, i + 1);
                blanks(prng);
                write_string(prng, member);
                blanks(prng);
                buffer_byte(&out, ':');
            }
            random_value(prng, depth + 1, member);
        }
        blanks(prng);
        buffer_byte(&out, node.type == JSON_ARRAY ? ']' : '}');
        break;
    }
    blanks(prng);
    node.next = expected_count;
    expected[self] = node;
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    struct prng prng = prng_of(5);
    buffer_init(&out, 1 << 20);
    for (int round = 0; round < 3000; round++) {
        buffer_reset(&out);
        strings_used = 0;
        expected_count = 0;
        random_value(&prng, 0, TEXT_NONE);
        assert_false(out.failed);
        enum json_status status = parse_padded(out.bytes, out.length, NODES_MAX, 0xff);
        if (status != JSON_OK || count != expected_count)
            fail_msg("%s: %.*s", json_status_text(status), (int)out.length, out.bytes);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(nodes[i].type, expected[i].type);
            assert_int_equal(nodes[i].count, expected[i].count);
            assert_int_equal(nodes[i].next, expected[i].next);
            assert_int_equal(text_present(nodes[i].key), text_present(expected[i].key));
            assert_true(text_equal(nodes[i].key, expected[i].key));
            assert_true(text_equal(nodes[i].text, expected[i].text));
        }
        for (int damage = 0; damage < 3; damage++) {
            out.bytes[prng_below(&prng, out.length)] = "\"\\{}[],:0-e\xff\x01"[prng_below(&prng, 13)];
            status = parse_padded(out.bytes, out.length, NODES_MAX, '"');
            if (!oracle_agrees(out.bytes, out.length, status))
                fail_msg("%s: %.*s", json_status_text(status), (int)out.length, out.bytes);
            if (status != JSON_OK)
                continue;
            for (uint32_t i = 0; i < count; i++) { /* what is let through keeps its promises */
                assert_true(utf8_valid(nodes[i].text.bytes, nodes[i].text.length));
                assert_true(nodes[i].text.length == 0 || memchr(nodes[i].text.bytes, 0, nodes[i].text.length) == NULL);
                assert_true(nodes[i].next > i && nodes[i].next <= count);
            }
        }
    }
    buffer_deinit(&out);
}

static void values_are_written(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 4096);
    json_string(&b, TEXT("plain text of more than eight bytes"));
    json_string(&b, TEXT("q\" b\\ \b\f\n\r\t \x01\x1f \x7f \xc3\xa9 /"));
    json_string(&b, TEXT("12345678\""));
    json_string(&b, TEXT(""));
    json_string(&b, TEXT_NONE);
    json_i64(&b, INT64_MIN);
    buffer_byte(&b, ' ');
    json_u64(&b, UINT64_MAX);
    buffer_byte(&b, ' ');
    json_units(&b, -1250, 3);
    buffer_byte(&b, ' ');
    json_units(&b, -7, 0);
    json_time(&b, 1500000);
    static const char expected_text[] = "\"plain text of more than eight bytes\"\"q\\\" b\\\\ \\b\\f\\n\\r\\t "
                                        "\\u0001\\u001f \x7f \xc3\xa9 /\"\"12345678\\\"\"\"\"null"
                                        "-9223372036854775808 18446744073709551615 -1.25 -7\"1970-01-01T00:00:01.5Z\"";
    assert_int_equal(b.length, sizeof(expected_text) - 1);
    assert_memory_equal(b.bytes, expected_text, b.length);
    buffer_deinit(&b);
    /* Each byte at each place of the eight-byte steps; and a maximum that just fits, and just does not. */
    for (unsigned c = 1; c < 0x80; c++) {
        for (size_t place = 0; place < 20; place++) {
            char text[20], wrapped[64];
            memset(text, 'a', sizeof(text));
            text[place] = (char)c;
            for (int extra = 0; extra < 2; extra++) {
                size_t escape = c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11) ? 1 : c < 0x20 ? 5 : 0;
                buffer_init(&b, sizeof(text) + 2 + escape - (size_t)extra);
                json_string(&b, text_of(text, sizeof(text)));
                assert_int_equal(b.failed, extra);
                if (!extra) {
                    (void)snprintf(wrapped, sizeof(wrapped), "%.*s", (int)b.length, b.bytes);
                    assert_int_equal(parse_padded(wrapped, b.length, NODES_MAX, 0), JSON_OK);
                    assert_true(text_equal(nodes[0].text, text_of(text, sizeof(text))));
                }
                buffer_deinit(&b);
            }
        }
    }
}

int main(void)
{
    parser = json_parser_create(1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_judged),  cmocka_unit_test(nodes_are_in_order),
        cmocka_unit_test(documents_are_bounded), cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(values_are_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(document);
    json_parser_destroy(parser);
    return failed;
}
