/*
 * JSON in through simdjson On-Demand: the only C++ in the tree, behind the C face of json.h.
 *
 * The problem: simdjson finds the structure of a document at gigabytes a second, but its On-Demand front checks only
 * what is visited, keeps the last of duplicate keys and, in the version of Debian 12 (3.0.1), lets single surrogates
 * through.
 *
 * The idea: its first stage runs over the whole document (UTF-8, control bytes and closing quotes of strings, positions
 * of all structural bytes). Then we walk every value in order, once, and write down a node for each. On-Demand checks
 * commas, colons and brackets on the way. Scalars we judge ourselves from their raw token, so that nothing depends
 * on what simdjson's getters accept: literals by comparison, numbers by RFC 8259's grammar, strings as follows.
 *
 *     no backslash in it (nearly always): the text is borrowed from the document, nothing is copied;
 *     with one: escapes are checked here (surrogates in pairs, no NUL), then simdjson unescapes it into its own buffer.
 *
 * Where brackets stay open, On-Demand walks on into the padding (by at most three sentinels of its index): a value or
 * key that would begin at or behind the end of the document is refused before anything of it is looked at.
 *
 * Recursion is bounded by JSON_DEPTH_MAX. Nothing throws: simdjson is used through its error codes.
 * Rejected: the DOM front (a tree we would walk again), raw stage-1 indexes (not a public interface).
 */
#include <cstring>
#include <memory>
#include <new>

#define SIMDJSON_EXCEPTIONS         0
#define SIMDJSON_DEVELOPMENT_CHECKS 0 /* same layout and behaviour in every build */
#include <simdjson.h>

#include "api/json.h"

extern "C" {
#include "base/utf8.h"
}

namespace od = simdjson::ondemand;

static_assert(simdjson::SIMDJSON_PADDING <= JSON_PADDING, "callers give JSON_PADDING bytes");

struct json_parser {
    od::parser parser;
    size_t document_bytes_max;
};

namespace
{

/* A set of keys that may have been seen: 256 bits, so that an object without duplicates rarely looks back. */
struct key_filter {
    uint64_t bits[4];
};

constexpr text no_text = {nullptr, 0};

struct walk {
    const char *document;
    const char *document_end;
    json_node *nodes;
    uint32_t capacity;
    uint32_t count;
    bool has_escapes; /* a backslash somewhere in the document */
    json_error error;
};

json_status fail(walk &w, json_status status, const char *at)
{
    w.error.status = status;
    w.error.offset = at == nullptr ? JSON_OFFSET_NONE : static_cast<uint32_t>(at - w.document);
    return status;
}

json_status status_of(simdjson::error_code code)
{
    switch (code) {
    case simdjson::EMPTY:
        return JSON_EMPTY;
    case simdjson::UTF8_ERROR:
        return JSON_NOT_UTF8;
    case simdjson::UNESCAPED_CHARS:
    case simdjson::STRING_ERROR:
        return JSON_BAD_STRING;
    case simdjson::UNCLOSED_STRING:
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
        return JSON_UNCLOSED;
    case simdjson::NUMBER_ERROR:
        return JSON_BAD_NUMBER;
    case simdjson::CAPACITY:
        return JSON_TOO_LONG;
    case simdjson::MEMALLOC:
        return JSON_MEMORY;
    default:
        return JSON_SYNTAX;
    }
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The four hex digits at p as a number, or -1. */
int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Escapes of the string between the quotes, checked one by one. */
json_status check_escapes(walk &w, const char *p, const char *end)
{
    while ((p = static_cast<const char *>(std::memchr(p, '\\', static_cast<size_t>(end - p)))) != nullptr) {
        const char *at = p++;
        if (p == end || std::strchr("\"\\/bfnrtu", *p) == nullptr || *p == '\0')
            return fail(w, JSON_BAD_STRING, at);
        if (*p++ != 'u')
            continue;
        int unit = hex4(p, end);
        if (unit < 0)
            return fail(w, JSON_BAD_STRING, at);
        p += 4;
        if (unit == 0)
            return fail(w, JSON_NUL, at);
        if (unit >= 0xdc00 && unit <= 0xdfff)
            return fail(w, JSON_BAD_SURROGATE, at);
        if (unit >= 0xd800 && unit <= 0xdbff) {
            int low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
            if (low < 0xdc00 || low > 0xdfff)
                return fail(w, JSON_BAD_SURROGATE, at);
            p += 6;
        }
    }
    return JSON_OK;
}

/* The closing quote of the string whose first byte behind the quote is p. Stage 1 has seen that there is one. */
const char *closing_quote(const walk &w, const char *p)
{
    if (!w.has_escapes)
        return static_cast<const char *>(std::memchr(p, '"', static_cast<size_t>(w.document_end - p)));
    while (*p != '"')
        p += *p == '\\' ? 2 : 1;
    return p;
}

json_status key_of(walk &w, od::field &field, text *out)
{
    const char *start = field.key().raw();
    const char *end = closing_quote(w, start);
    if (w.has_escapes && std::memchr(start, '\\', static_cast<size_t>(end - start)) != nullptr) {
        json_status status = check_escapes(w, start, end);
        if (status != JSON_OK)
            return status;
        std::string_view unescaped;
        if (field.unescaped_key().get(unescaped) != simdjson::SUCCESS)
            return fail(w, JSON_BAD_STRING, start);
        *out = text_of(unescaped.data(), unescaped.size());
        return JSON_OK;
    }
    *out = text_of(start, static_cast<size_t>(end - start));
    return JSON_OK;
}

/* Length, first and last bytes of a key, mixed to 8 bits. Keys made to collide cost at most JSON_KEYS_MAX comparisons
 * each. */
unsigned key_hash(text key)
{
    uint64_t first = 0, last = 0;
    if (key.length >= 8) {
        std::memcpy(&first, key.bytes, 8);
        std::memcpy(&last, key.bytes + key.length - 8, 8);
    } else {
        for (uint32_t i = 0; i < key.length; i++)
            first = first << 8 | static_cast<unsigned char>(key.bytes[i]);
    }
    return static_cast<unsigned>(((first ^ (last << 1 | last >> 63) ^ key.length) * UINT64_C(0x9e3779b97f4a7c15)) >>
                                 56);
}

bool key_seen(const walk &w, uint32_t object, uint32_t members, text key)
{
    for (uint32_t i = object + 1, k = 0; k < members; k++, i = w.nodes[i].next) {
        if (text_equal(w.nodes[i].key, key))
            return true;
    }
    return false;
}

/* The token without the blanks behind it. simdjson gives it up to the next structural byte. */
std::string_view trimmed(std::string_view token)
{
    while (!token.empty() && is_blank(token.back()))
        token.remove_suffix(1);
    return token;
}

json_status scalar(walk &w, json_node &node, std::string_view token)
{
    token = trimmed(token);
    const char *at = token.data();
    size_t n = token.size();
    switch (n == 0 ? '\0' : *at) {
    case 't':
        node.type = JSON_TRUE;
        return n == 4 && std::memcmp(at, "true", 4) == 0 ? JSON_OK : fail(w, JSON_SYNTAX, at);
    case 'f':
        node.type = JSON_FALSE;
        return n == 5 && std::memcmp(at, "false", 5) == 0 ? JSON_OK : fail(w, JSON_SYNTAX, at);
    case 'n':
        node.type = JSON_NULL;
        return n == 4 && std::memcmp(at, "null", 4) == 0 ? JSON_OK : fail(w, JSON_SYNTAX, at);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        node.type = JSON_NUMBER;
        node.text = text_of(at, n);
        return json_number_valid(at, n) ? JSON_OK : fail(w, JSON_BAD_NUMBER, at);
    default:
        return fail(w, JSON_SYNTAX, at);
    }
}

/* value is od::value or, for a scalar at the root, od::document: both have these members. */
template <typename V> json_status string(walk &w, V &value, json_node &node, std::string_view token)
{
    token = trimmed(token);
    if (token.size() < 2 || token.back() != '"')
        return fail(w, JSON_SYNTAX, token.data());
    const char *start = token.data() + 1, *end = token.data() + token.size() - 1;
    node.type = JSON_STRING;
    node.text = text_of(start, static_cast<size_t>(end - start));
    if (!w.has_escapes || std::memchr(start, '\\', static_cast<size_t>(end - start)) == nullptr) {
        /* Taken, or simdjson would skip it, and take a string before a ':' for a key ({"a":"b":1} would pass). */
        if (value.get_raw_json_string().error() != simdjson::SUCCESS)
            return fail(w, JSON_SYNTAX, token.data());
        return JSON_OK;
    }
    json_status status = check_escapes(w, start, end);
    if (status != JSON_OK)
        return status;
    std::string_view unescaped;
    if (value.get_string().get(unescaped) != simdjson::SUCCESS)
        return fail(w, JSON_BAD_STRING, start);
    node.text = text_of(unescaped.data(), unescaped.size());
    return JSON_OK;
}

template <typename V> json_status visit(walk &w, V &value, const char *first, unsigned depth, text key);

/* First byte of a value. (Its token's length is not to be trusted before visit has looked at this.) */
const char *location(od::value &value)
{
    return value.raw_json_token().data();
}

json_status children_of_array(walk &w, od::array array, uint32_t self, unsigned depth)
{
    uint32_t count = 0;
    for (auto element : array) {
        od::value value;
        simdjson::error_code code = element.get(value);
        if (code != simdjson::SUCCESS)
            return fail(w, status_of(code), nullptr);
        json_status status = visit(w, value, location(value), depth, no_text);
        if (status != JSON_OK)
            return status;
        count++;
    }
    w.nodes[self].count = count;
    return JSON_OK;
}

json_status children_of_object(walk &w, od::object object, uint32_t self, unsigned depth)
{
    uint32_t count = 0;
    key_filter filter = {};
    for (auto member : object) {
        od::field field;
        simdjson::error_code code = std::move(member).get(field);
        if (code != simdjson::SUCCESS)
            return fail(w, status_of(code), nullptr);
        const char *at = field.key().raw();
        if (at >= w.document_end)
            return fail(w, JSON_UNCLOSED, w.document_end);
        text key;
        json_status status = key_of(w, field, &key);
        if (status != JSON_OK)
            return status;
        if (count == JSON_KEYS_MAX)
            return fail(w, JSON_TOO_MANY_KEYS, at);
        unsigned hash = key_hash(key);
        uint64_t bit = UINT64_C(1) << (hash & 63);
        if ((filter.bits[hash >> 6] & bit) != 0 && key_seen(w, self, count, key))
            return fail(w, JSON_DUPLICATE_KEY, at);
        filter.bits[hash >> 6] |= bit;
        od::value value = field.value();
        status = visit(w, value, location(value), depth, key);
        if (status != JSON_OK)
            return status;
        count++;
    }
    w.nodes[self].count = count;
    return JSON_OK;
}

template <typename V> json_status visit(walk &w, V &value, const char *first, unsigned depth, text key)
{
    if (first >= w.document_end)
        return fail(w, JSON_UNCLOSED, w.document_end);
    if (w.count == w.capacity)
        return fail(w, JSON_TOO_MANY_VALUES, first);
    uint32_t self = w.count++;
    json_node &node = w.nodes[self];
    node = json_node{};
    node.key = key;
    node.offset = static_cast<uint32_t>(first - w.document);
    json_status status = JSON_OK;
    if (*first == '{' || *first == '[') {
        if (depth == JSON_DEPTH_MAX)
            return fail(w, JSON_TOO_DEEP, first);
        if (*first == '{') {
            node.type = JSON_OBJECT;
            od::object object;
            simdjson::error_code code = value.get_object().get(object);
            status = code == simdjson::SUCCESS ? children_of_object(w, object, self, depth + 1)
                                               : fail(w, status_of(code), first);
        } else {
            node.type = JSON_ARRAY;
            od::array array;
            simdjson::error_code code = value.get_array().get(array);
            status = code == simdjson::SUCCESS ? children_of_array(w, array, self, depth + 1)
                                               : fail(w, status_of(code), first);
        }
    } else {
        std::string_view token;
        if (simdjson::simdjson_result<std::string_view>(value.raw_json_token()).get(token) != simdjson::SUCCESS)
            return fail(w, JSON_SYNTAX, first);
        status = *first == '"' ? string(w, value, node, token) : scalar(w, node, token);
    }
    node.next = w.count;
    return status;
}

/*
 * Does an array or object at the root end where the text does? Where it does not, what simdjson says depends on the
 * padding, which it reads as if it were text. So after every error the brackets are counted, and speak first.
 */
json_status wrong_end(walk &w, const char *first, const char *last)
{
    unsigned depth = 0;
    for (const char *p = first; p < last; p++) {
        if (*p == '"') {
            for (p++; p < last && *p != '"'; p++)
                p += *p == '\\' ? 1 : 0;
        } else if (*p == '[' || *p == '{') {
            depth++;
        } else if ((*p == ']' || *p == '}') && --depth == 0) {
            return p + 1 == last ? JSON_OK : fail(w, JSON_TRAILING, p + 1);
        }
    }
    return fail(w, JSON_UNCLOSED, last);
}

json_status parse(json_parser *parser, walk &w, const char *bytes, size_t n)
{
    const char *first = bytes, *last = bytes + n;
    while (first < last && is_blank(*first))
        first++;
    while (last > first && is_blank(last[-1]))
        last--;
    if (first == last)
        return fail(w, JSON_EMPTY, bytes);
    if (n > parser->document_bytes_max)
        return fail(w, JSON_TOO_LONG, nullptr);
    w.has_escapes = std::memchr(first, '\\', static_cast<size_t>(last - first)) != nullptr;
    od::document document;
    simdjson::error_code code =
        parser->parser.iterate(simdjson::padded_string_view(bytes, n, n + JSON_PADDING)).get(document);
    if (code == simdjson::UTF8_ERROR)
        return fail(w, JSON_NOT_UTF8, bytes + utf8_valid_prefix(bytes, n));
    if (code != simdjson::SUCCESS)
        return fail(w, status_of(code), nullptr);
    json_status status;
    if (*first == '{' || *first == '[') {
        status = visit(w, document, first, 0, no_text);
        /* Behind the last structural byte there is no location any more. */
        const char *rest;
        if (status == JSON_OK && document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS)
            return JSON_OK;
        json_status end = wrong_end(w, first, last);
        if (end != JSON_OK)
            return end;
        /* Brackets of two kinds that only count as pairs, say. */
        return status == JSON_OK || status == JSON_UNCLOSED
                   ? fail(w, JSON_SYNTAX, w.error.status == JSON_OK ? last : nullptr)
                   : status;
    }
    /* A scalar alone: what lies between the blanks must be all of it. */
    if (*first == '"') {
        status = visit(w, document, first, 0, no_text);
        if (status == JSON_OK && first + 1 + (closing_quote(w, first + 1) - (first + 1)) + 1 != last)
            status = fail(w, JSON_TRAILING, closing_quote(w, first + 1) + 1);
        return status;
    }
    if (w.capacity == 0)
        return fail(w, JSON_TOO_MANY_VALUES, first);
    json_node &node = w.nodes[w.count++];
    node = json_node{};
    node.offset = static_cast<uint32_t>(first - bytes);
    node.next = 1;
    return scalar(w, node, std::string_view(first, static_cast<size_t>(last - first)));
}

walk walk_of(const char *bytes, size_t n, json_node *nodes, uint32_t capacity)
{
    return {bytes, bytes + n, nodes, capacity, 0, false, {JSON_OK, JSON_OFFSET_NONE}};
}

/*
 * Why a document that does not hold is refused: what is found first with nothing but zeros behind it. simdjson may have
 * met its mistake by way of the padding (a backslash outside of a string takes the next byte along), and the same
 * document has to be refused in the same words wherever it lies. Refusals are rare: the copy costs nobody.
 */
json_status reason(json_parser *parser, walk &w, const char *bytes, size_t n, json_status status)
{
    static const char zeros[JSON_PADDING] = {};
    if (n > parser->document_bytes_max || std::memcmp(bytes + n, zeros, JSON_PADDING) == 0)
        return status;
    std::unique_ptr<char[]> copy(new (std::nothrow) char[n + JSON_PADDING]());
    if (copy == nullptr)
        return status;
    if (n != 0)
        std::memcpy(copy.get(), bytes, n);
    walk again = walk_of(copy.get(), n, w.nodes, w.capacity);
    json_status said = parse(parser, again, copy.get(), n);
    if (said == JSON_OK)
        return status;
    w.error = again.error;
    return said;
}

} // namespace

extern "C" struct json_parser *json_parser_create(size_t document_bytes_max)
{
    if (document_bytes_max >= UINT32_MAX)
        return nullptr;
    json_parser *parser = new (std::nothrow) json_parser;
    if (parser == nullptr)
        return nullptr;
    parser->document_bytes_max = document_bytes_max < JSON_PADDING ? JSON_PADDING : document_bytes_max;
    if (parser->parser.allocate(parser->document_bytes_max, JSON_DEPTH_MAX + 1) != simdjson::SUCCESS) {
        delete parser;
        return nullptr;
    }
    return parser;
}

extern "C" void json_parser_destroy(struct json_parser *parser)
{
    delete parser;
}

extern "C" enum json_status json_parse(struct json_parser *parser, const char *bytes, size_t n, struct json_node *nodes,
                                       uint32_t node_capacity, uint32_t *out_count, struct json_error *out_error)
{
    walk w = walk_of(bytes, n, nodes, node_capacity);
    json_status status = parse(parser, w, bytes, n);
    if (status == JSON_OK)
        *out_count = w.count;
    else
        status = reason(parser, w, bytes, n, status);
    if (status != JSON_OK && out_error != nullptr)
        *out_error = w.error;
    return status;
}

extern "C" bool json_number_valid(const char *bytes, size_t n)
{
    size_t at = 0;
    auto digits = [&] {
        size_t start = at;
        while (at < n && bytes[at] >= '0' && bytes[at] <= '9')
            at++;
        return at - start;
    };
    if (at < n && bytes[at] == '-')
        at++;
    size_t whole_at = at;
    size_t whole = digits();
    if (whole == 0 || (whole > 1 && bytes[whole_at] == '0'))
        return false;
    if (at < n && bytes[at] == '.') {
        at++;
        if (digits() == 0)
            return false;
    }
    if (at < n && (bytes[at] == 'e' || bytes[at] == 'E')) {
        at++;
        if (at < n && (bytes[at] == '+' || bytes[at] == '-'))
            at++;
        if (digits() == 0)
            return false;
    }
    return at == n;
}

extern "C" const char *json_status_text(enum json_status status)
{
    switch (status) {
#define X(name, text)                                                                                                  \
    case JSON_##name:                                                                                                  \
        return text;
        JSON_STATUS_MAP(X)
#undef X
    }
    return "?";
}

extern "C" uint32_t json_member(const struct json_node *nodes, uint32_t object, struct text key)
{
    uint32_t index = object + 1;
    for (uint32_t k = 0; k < nodes[object].count; k++, index = nodes[index].next) {
        if (text_equal(nodes[index].key, key))
            return index;
    }
    return 0;
}
