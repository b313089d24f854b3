/*
 * The problem: every kind has its own fields, and a field that is silently ignored is stock that is silently wrong.
 *
 * The idea: one table says for each kind which members it may have and which it must have, as bits. One loop over the
 * members judges each as it comes; what needs several of them (lines or a single line, `if` and its cell) is judged
 * behind the loop. Two kinds of errors cannot hide each other: the first one found ends it.
 *
 * Kinds and fields of API.md that are not in the table are not served yet: they are refused like any unknown name.
 */
#include "api/command_json.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/url.h"
#include "base/rfc3339.h"
#include "base/utf8.h"

/* Members of a command, in the order in which missing ones are named. X(enum, name) */
#define MEMBER_MAP(X)                                                                                                  \
    X(KIND, "kind")                                                                                                    \
    X(ID, "id")                                                                                                        \
    X(SOURCE, "source")                                                                                                \
    X(HOLD, "hold")                                                                                                    \
    X(ITEM, "item")                                                                                                    \
    X(LOCATION, "location")                                                                                            \
    X(QUANTITY, "quantity")                                                                                            \
    X(LINES, "lines")                                                                                                  \
    X(CONDITION, "condition")                                                                                          \
    X(FROM, "from")                                                                                                    \
    X(TO, "to")                                                                                                        \
    X(EXPIRES_IN, "expires_in")                                                                                        \
    X(HOLDER, "holder")                                                                                                \
    X(MODE, "mode")                                                                                                    \
    X(REASON, "reason")                                                                                                \
    X(ACTOR, "actor")                                                                                                  \
    X(DOCUMENT, "document")                                                                                            \
    X(LINE, "line")                                                                                                    \
    X(CHANNEL, "channel")                                                                                              \
    X(META, "meta")                                                                                                    \
    X(SEQ, "seq")                                                                                                      \
    X(OCCURRED_AT, "occurred_at")                                                                                      \
    X(NOT_AFTER, "not_after")                                                                                          \
    X(IF, "if")                                                                                                        \
    X(DRY_RUN, "dry_run")                                                                                              \
    X(GUARD, "guard")

enum member {
#define X(upper, name) MEMBER_##upper,
    MEMBER_MAP(X)
#undef X
        MEMBER_COUNT
};
#define BIT(upper) (UINT32_C(1) << MEMBER_##upper)
_Static_assert(MEMBER_COUNT <= 32, "one bit each");

#define COMMON                                                                                                         \
    (BIT(KIND) | BIT(ID) | BIT(SOURCE) | BIT(REASON) | BIT(ACTOR) | BIT(DOCUMENT) | BIT(LINE) | BIT(CHANNEL) |         \
     BIT(META) | BIT(SEQ) | BIT(OCCURRED_AT) | BIT(NOT_AFTER) | BIT(IF) | BIT(DRY_RUN) | BIT(GUARD))
#define ALWAYS (BIT(ID) | BIT(SOURCE))
#define SINGLE (BIT(ITEM) | BIT(LOCATION) | BIT(QUANTITY)) /* what makes a single line */
#define L      (SINGLE | BIT(CONDITION) | BIT(LINES))

enum lines_rule { LINES_NEVER, LINES_REQUIRED, LINES_OPTIONAL, LINES_OR_HOLD };

struct kind_rule {
    uint32_t allowed;
    uint32_t required;
    enum lines_rule lines;
    bool signed_quantity;
    bool sellable_only; /* it moves or claims sellable goods: another condition cannot be meant */
};

/* API.md section 3, as far as it is served. A kind with no allowed member is not taken from outside. */
static const struct kind_rule kind_rules[KIND_COUNT] = {
    [KIND_RECEIVE] = {COMMON | L, ALWAYS, LINES_REQUIRED, false, false},
    [KIND_SALE] = {COMMON | L | BIT(HOLD), ALWAYS, LINES_REQUIRED, false, false},
    [KIND_SHIP] = {COMMON | L | BIT(HOLD), ALWAYS, LINES_OR_HOLD, false, true},
    [KIND_RETURN] = {COMMON | L, ALWAYS, LINES_REQUIRED, false, false},
    [KIND_ADJUST] = {COMMON | L, ALWAYS | BIT(REASON), LINES_REQUIRED, true, false},
    [KIND_RECLASSIFY] = {(COMMON | L | BIT(FROM) | BIT(TO)) & ~BIT(CONDITION), ALWAYS | BIT(FROM) | BIT(TO),
                         LINES_REQUIRED, false, false},
    [KIND_TRANSFER] = {COMMON | L | BIT(TO), ALWAYS | BIT(TO), LINES_REQUIRED, false, false},
    [KIND_HOLD] = {COMMON | L | BIT(HOLD) | BIT(EXPIRES_IN) | BIT(HOLDER) | BIT(MODE), ALWAYS | BIT(HOLD),
                   LINES_REQUIRED, false, true},
    [KIND_EXTEND] = {COMMON | BIT(HOLD) | BIT(EXPIRES_IN), ALWAYS | BIT(HOLD) | BIT(EXPIRES_IN), LINES_NEVER, false,
                     true},
    [KIND_COMMIT] = {COMMON | L | BIT(HOLD), ALWAYS | BIT(HOLD), LINES_OPTIONAL, false, true},
    [KIND_RELEASE] = {COMMON | L | BIT(HOLD), ALWAYS | BIT(HOLD), LINES_OPTIONAL, false, true},
};

struct reading {
    const struct json_node *nodes;
    struct command_room *room;
    struct command *command;
    struct command_error *error;
    const struct kind_rule *rule;
    const char *kind;
};

/* Where we are in the document, for errors. */
struct place {
    int32_t line;       /* index into `lines`, or -1 */
    const char *parent; /* "if" or NULL */
    struct text key;    /* TEXT_NONE for the object itself */
};

static struct text member_name(enum member member)
{
    static const struct text names[MEMBER_COUNT] = {
#define X(upper, name) [MEMBER_##upper] = {name, sizeof(name) - 1},
        MEMBER_MAP(X)
#undef X
    };
    return names[member];
}

static enum member member_of(struct text key)
{
#define X(upper, name)                                                                                                 \
    if (key.length == sizeof(name) - 1 && memcmp(key.bytes, name, sizeof(name) - 1) == 0)                              \
        return MEMBER_##upper;
    MEMBER_MAP(X)
#undef X
    return MEMBER_COUNT;
}

/* ---- Errors ---- */

/* Ends the text in `out` (n bytes wanted, NUL included at most `capacity`) where a character ends. */
static void end_text(char *out, size_t n, size_t capacity)
{
    if (n >= capacity)
        n = capacity - 1;
    out[utf8_valid_prefix(out, n)] = '\0';
}

static void write_pointer(struct command_error *error, struct place place)
{
    size_t capacity = sizeof(error->field), n = 0;
    error->field[0] = '\0';
    if (place.line >= 0)
        n += (size_t)snprintf(error->field, capacity, "/lines/%d", (int)place.line);
    if (place.parent != NULL)
        n += (size_t)snprintf(error->field + n, capacity - n, "/%s", place.parent);
    if (text_present(place.key)) {
        error->field[n++] = '/';
        for (uint32_t i = 0; i < place.key.length && n + 2 < capacity; i++) {
            char c = place.key.bytes[i];
            if (c == '~' || c == '/') { /* RFC 6901 section 3 */
                error->field[n++] = '~';
                c = c == '~' ? '0' : '1';
            }
            error->field[n++] = c;
        }
    }
    end_text(error->field, n, capacity);
}

PRINTF_LIKE(4, 5)
static bool fail(struct command_error *error, enum code code, struct place place, const char *format, ...)
{
    error->code = code;
    error->line = place.line;
    write_pointer(error, place);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(error->detail, sizeof(error->detail), format, arguments);
    va_end(arguments);
    end_text(error->detail, n < 0 ? 0 : (size_t)n, sizeof(error->detail));
    return false;
}

#define SHOWN_BYTES 64 /* of a value, in an error's detail */

struct shown {
    char text[SHOWN_BYTES + 8];
};

/* A value as an error shows it: short, in one line, without control characters. */
static struct shown show(const struct json_node *node)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_FALSE] = "false",    [JSON_TRUE] = "true",       [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a text", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    struct shown shown;
    if (node->type != JSON_NUMBER && node->type != JSON_STRING) {
        (void)snprintf(shown.text, sizeof(shown.text), "%s", names[node->type]);
        return shown;
    }
    bool cut = node->text.length > SHOWN_BYTES;
    size_t bytes = utf8_valid_prefix(node->text.bytes, cut ? SHOWN_BYTES : node->text.length);
    const char *quote = node->type == JSON_STRING ? "'" : "";
    (void)snprintf(shown.text, sizeof(shown.text), "%s%.*s%s%s", quote, (int)bytes, node->text.bytes, cut ? "..." : "",
                   quote);
    for (size_t at = 0, n = strlen(shown.text); (at = utf8_first_control(shown.text, n)) < n;) {
        if ((unsigned char)shown.text[at] == 0xc2)
            shown.text[at + 1] = '?';
        shown.text[at] = '?';
    }
    return shown;
}

/* ---- Single values ---- */

static bool read_label(struct command_error *error, const struct json_node *node, struct place place,
                       enum name_status (*check)(struct text), struct text *out)
{
    if (node->type != JSON_STRING)
        return fail(error, CODE_bad_value, place, "is %s, but must be a text of 1 to 128 bytes", show(node).text);
    enum name_status status = check(node->text);
    if (status != NAME_OK)
        return fail(error, CODE_bad_value, place, "%s", name_problem(status));
    *out = node->text;
    return true;
}

static bool read_decimal(struct command_error *error, const struct json_node *node, struct place place,
                         struct decimal *out)
{
    if (node->type != JSON_NUMBER && node->type != JSON_STRING)
        return fail(error, CODE_bad_value, place, "is %s, but must be a number, or a decimal in a text",
                    show(node).text);
    switch (decimal_parse(node->text, out)) {
    case DECIMAL_OK:
        return true;
    case DECIMAL_TOO_LONG:
        return fail(error, CODE_too_many_decimals, place, "is %s, but has more than %d decimals", show(node).text,
                    DECIMAL_PLACES_MAX);
    case DECIMAL_OUT_OF_RANGE:
        return fail(error, CODE_out_of_range, place, "is %s, but must be within 2^53-1 of its last decimal",
                    show(node).text);
    case DECIMAL_BAD:
        break;
    }
    return fail(error, CODE_bad_value, place, "is %s, but must be a decimal number", show(node).text);
}

/* A whole JSON number from `low` to `high`. */
static bool read_whole(struct command_error *error, const struct json_node *node, struct place place, int64_t low,
                       int64_t high, int64_t *out)
{
    struct decimal d;
    if (node->type != JSON_NUMBER || decimal_parse(node->text, &d) != DECIMAL_OK || d.places != 0 || d.digits < low ||
        d.digits > high)
        return fail(error, CODE_bad_value, place, "is %s, but must be a whole number from %lld to %lld",
                    show(node).text, (long long)low, (long long)high);
    *out = d.digits;
    return true;
}

static bool read_bool(struct command_error *error, const struct json_node *node, struct place place, bool *out)
{
    if (node->type != JSON_TRUE && node->type != JSON_FALSE)
        return fail(error, CODE_bad_value, place, "is %s, but must be true or false", show(node).text);
    *out = node->type == JSON_TRUE;
    return true;
}

static bool read_condition(struct command_error *error, const struct json_node *node, struct place place,
                           enum condition *out)
{
    if (node->type == JSON_STRING) {
#define X(upper, lower)                                                                                                \
    if (text_equal(node->text, TEXT(#lower))) {                                                                        \
        *out = CONDITION_##upper;                                                                                      \
        return true;                                                                                                   \
    }
        CONDITION_MAP(X)
#undef X
    }
    return fail(error, CODE_bad_value, place,
                "is %s, but must be one of"
#define X(upper, lower) " " #lower
                CONDITION_MAP(X),
#undef X
                show(node).text);
}

static bool read_time(struct command_error *error, const struct json_node *node, struct place place, int64_t *out_us)
{
    if (node->type != JSON_STRING)
        return fail(error, CODE_bad_value, place, "is %s, but must be a time (RFC 3339) in a text", show(node).text);
    switch (rfc3339_parse(node->text, out_us)) {
    case RFC3339_OK:
        return true;
    case RFC3339_NO_OFFSET:
        return fail(error, CODE_bad_value, place,
                    "is %s, which has no offset (such as Z or +01:00), and the source has no zone", show(node).text);
    case RFC3339_BAD_LEAP:
        return fail(error, CODE_bad_value, place, "is %s, but there was no leap second", show(node).text);
    case RFC3339_BAD:
        break;
    }
    return fail(error, CODE_bad_value, place, "is %s, but must be a time such as 2026-11-22T10:00:00Z (RFC 3339)",
                show(node).text);
}

static bool read_expires_in(struct command_error *error, const struct json_node *node, struct place place,
                            int64_t *out_ms)
{
    struct decimal d;
    int64_t ms = 0;
    if (node->type != JSON_NUMBER || decimal_parse(node->text, &d) != DECIMAL_OK || d.digits < 0 ||
        decimal_to_units(d, 3, &ms) != DECIMAL_OK || ms > EXPIRES_IN_SECONDS_MAX * 1000)
        return fail(error, CODE_bad_value, place,
                    "is %s, but must be seconds from 0 (never) to %lld, with at most 3 decimals", show(node).text,
                    (long long)EXPIRES_IN_SECONDS_MAX);
    *out_ms = ms;
    return true;
}

static bool read_precondition(struct reading *r, uint32_t index, int32_t line, struct precondition *out)
{
    const struct json_node *node = &r->nodes[index];
    struct place place = {line, NULL, TEXT("if")};
    if (node->type != JSON_OBJECT || node->count == 0)
        return fail(r->error, CODE_bad_value, place,
                    "is %s, but must be an object with version, on_hand, available or reserved",
                    node->type == JSON_OBJECT ? "empty" : show(node).text);
    place.parent = "if";
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = r->nodes[at].next) {
        const struct json_node *value = &r->nodes[at];
        place.key = value->key;
        int64_t version = 0;
        if (text_equal(value->key, TEXT("version"))) {
            if (!read_whole(r->error, value, place, 0, QUANTITY_UNITS_MAX, &version))
                return false;
            out->version = (uint64_t)version;
            out->present |= PRECONDITION_VERSION;
        } else if (text_equal(value->key, TEXT("on_hand"))) {
            if (!read_decimal(r->error, value, place, &out->on_hand))
                return false;
            out->present |= PRECONDITION_ON_HAND;
        } else if (text_equal(value->key, TEXT("available"))) {
            if (!read_decimal(r->error, value, place, &out->available))
                return false;
            out->present |= PRECONDITION_AVAILABLE;
        } else if (text_equal(value->key, TEXT("reserved"))) {
            if (!read_decimal(r->error, value, place, &out->reserved))
                return false;
            out->present |= PRECONDITION_RESERVED;
        } else {
            return fail(r->error, CODE_unknown_field, place,
                        "is not known here; `if` has version, on_hand, available and reserved");
        }
    }
    return true;
}

/* ---- meta, in canonical form ---- */

struct meta {
    const struct json_node *nodes;
    char *bytes; /* META_BYTES_MAX of them */
    size_t length;
    bool full;
};

static void meta_put(struct meta *meta, const char *bytes, size_t n)
{
    if (meta->full || n > META_BYTES_MAX - meta->length) {
        meta->full = true;
        return;
    }
    if (n != 0)
        memcpy(meta->bytes + meta->length, bytes, n);
    meta->length += n;
}

/* Only what must be escaped is; the short form where JSON has one. */
static void meta_string(struct meta *meta, struct text text)
{
    meta_put(meta, "\"", 1);
    for (uint32_t i = 0; i < text.length && !meta->full; i++) {
        char c = text.bytes[i];
        const char *short_form = NULL;
        switch (c) {
        case '"':
            short_form = "\\\"";
            break;
        case '\\':
            short_form = "\\\\";
            break;
        case '\b':
            short_form = "\\b";
            break;
        case '\f':
            short_form = "\\f";
            break;
        case '\n':
            short_form = "\\n";
            break;
        case '\r':
            short_form = "\\r";
            break;
        case '\t':
            short_form = "\\t";
            break;
        default:
            break;
        }
        if (short_form != NULL) {
            meta_put(meta, short_form, 2);
        } else if ((unsigned char)c < 0x20) {
            char hex[7];
            (void)snprintf(hex, sizeof(hex), "\\u%04x", (unsigned)(unsigned char)c);
            meta_put(meta, hex, 6);
        } else {
            meta_put(meta, &c, 1);
        }
    }
    meta_put(meta, "\"", 1);
}

static bool key_before(struct text a, struct text b)
{
    uint32_t n = a.length < b.length ? a.length : b.length;
    int order = n == 0 ? 0 : memcmp(a.bytes, b.bytes, n);
    return order != 0 ? order < 0 : a.length < b.length;
}

/* Depth is bounded by JSON_DEPTH_MAX, the members of an object by JSON_KEYS_MAX. */
static void meta_value(struct meta *meta, uint32_t index)
{
    const struct json_node *node = &meta->nodes[index];
    if (meta->full)
        return;
    switch ((enum json_type)node->type) {
    case JSON_NULL:
        meta_put(meta, "null", 4);
        return;
    case JSON_FALSE:
        meta_put(meta, "false", 5);
        return;
    case JSON_TRUE:
        meta_put(meta, "true", 4);
        return;
    case JSON_NUMBER:
        meta_put(meta, node->text.bytes, node->text.length);
        return;
    case JSON_STRING:
        meta_string(meta, node->text);
        return;
    case JSON_ARRAY: {
        meta_put(meta, "[", 1);
        uint32_t at = index + 1;
        for (uint32_t k = 0; k < node->count && !meta->full; k++, at = meta->nodes[at].next) {
            if (k != 0)
                meta_put(meta, ",", 1);
            meta_value(meta, at);
        }
        meta_put(meta, "]", 1);
        return;
    }
    case JSON_OBJECT:
        break;
    }
    uint32_t sorted[JSON_KEYS_MAX];
    CHECK(node->count <= JSON_KEYS_MAX);
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = meta->nodes[at].next) {
        uint32_t place = k;
        for (; place > 0 && key_before(meta->nodes[at].key, meta->nodes[sorted[place - 1]].key); place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = at;
    }
    meta_put(meta, "{", 1);
    for (uint32_t k = 0; k < node->count && !meta->full; k++) {
        if (k != 0)
            meta_put(meta, ",", 1);
        meta_string(meta, meta->nodes[sorted[k]].key);
        meta_put(meta, ":", 1);
        meta_value(meta, sorted[k]);
    }
    meta_put(meta, "}", 1);
}

static bool read_meta(struct reading *r, uint32_t index, struct place place)
{
    if (r->nodes[index].type != JSON_OBJECT)
        return fail(r->error, CODE_bad_value, place, "is %s, but must be an object", show(&r->nodes[index]).text);
    struct meta meta = {r->nodes, r->room->meta, 0, false};
    meta_value(&meta, index);
    if (meta.full)
        return fail(r->error, CODE_bad_value, place, "is larger than %d bytes without blanks", META_BYTES_MAX);
    r->command->meta = text_of(meta.bytes, meta.length);
    return true;
}

/* ---- Lines ---- */

/* One member of a line. */
static bool read_line_member(struct reading *r, uint32_t index, enum member member, struct place place,
                             struct command_line *line)
{
    const struct json_node *node = &r->nodes[index];
    switch ((unsigned)member) {
    case MEMBER_ITEM:
        return read_label(r->error, node, place, name_check_utf8, &line->item);
    case MEMBER_LOCATION:
        return read_label(r->error, node, place, name_check_utf8, &line->location);
    case MEMBER_QUANTITY:
        if (!read_decimal(r->error, node, place, &line->quantity))
            return false;
        if (r->rule->signed_quantity ? line->quantity.digits == 0 : line->quantity.digits <= 0)
            return fail(r->error, CODE_bad_value, place, "is %s, but must be %s", show(node).text,
                        r->rule->signed_quantity ? "other than 0" : "above 0");
        return true;
    case MEMBER_CONDITION:
        if (!read_condition(r->error, node, place, &line->condition))
            return false;
        if (r->rule->sellable_only) {
            if (line->condition != CONDITION_SELLABLE)
                return fail(r->error, CODE_bad_value, place, "is %s, but %s is about sellable goods only",
                            show(node).text, r->kind);
            line->condition = CONDITION_NONE; /* said or not, it means the same */
        }
        return true;
    case MEMBER_IF:
        return read_precondition(r, index, place.line, &line->precondition);
    default:
        return fail(r->error, CODE_unknown_field, place, "is not a field of a line of %s", r->kind);
    }
}

static bool line_complete(struct reading *r, uint32_t seen, int32_t line)
{
    for (unsigned member = 0; member < MEMBER_COUNT; member++) {
        if ((SINGLE & ~seen & (UINT32_C(1) << member)) != 0)
            return fail(r->error, CODE_missing_field, (struct place){line, NULL, member_name((enum member)member)},
                        "is missing: a line has item, location and quantity");
    }
    return true;
}

static bool read_lines(struct reading *r, uint32_t index, struct place place)
{
    const struct json_node *array = &r->nodes[index];
    if (array->type != JSON_ARRAY || array->count == 0)
        return fail(r->error, CODE_bad_value, place, "is %s, but must be an array of lines",
                    array->type == JSON_ARRAY ? "empty" : show(array).text);
    if (array->count > COMMAND_LINES_MAX)
        return fail(r->error, CODE_too_many_lines, place, "has %u lines, but at most %d are possible",
                    (unsigned)array->count, COMMAND_LINES_MAX);
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < array->count; i++, at = r->nodes[at].next) {
        const struct json_node *node = &r->nodes[at];
        struct place here = {(int32_t)i, NULL, TEXT_NONE};
        if (node->type != JSON_OBJECT)
            return fail(r->error, CODE_bad_value, here, "is %s, but must be an object with item, location and quantity",
                        show(node).text);
        struct command_line *line = &r->room->lines[i];
        *line = (struct command_line){.condition = CONDITION_NONE};
        uint32_t seen = 0, value = at + 1;
        for (uint32_t k = 0; k < node->count; k++, value = r->nodes[value].next) {
            here.key = r->nodes[value].key;
            enum member member = member_of(here.key);
            uint32_t bit = member == MEMBER_COUNT ? 0 : UINT32_C(1) << member;
            if ((bit & ((SINGLE | BIT(CONDITION)) & r->rule->allowed)) == 0 && member != MEMBER_IF)
                return fail(r->error, CODE_unknown_field, here, "is not a field of a line of %s", r->kind);
            if (!read_line_member(r, value, member, here, line))
                return false;
            seen |= bit;
        }
        if (!line_complete(r, seen, (int32_t)i))
            return false;
    }
    r->command->line_count = array->count;
    return true;
}

/* ---- The command ---- */

static bool read_kind(struct reading *r, uint32_t root)
{
    uint32_t index = json_member(r->nodes, root, TEXT("kind"));
    struct place place = {-1, NULL, TEXT("kind")};
    char known[200] = "";
    size_t n = 0;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (kind_rules[kind].allowed == 0)
            continue;
        const char *name = kind_name((enum command_kind)kind);
        if (index != 0 && r->nodes[index].type == JSON_STRING &&
            text_equal(r->nodes[index].text, text_of(name, strlen(name)))) {
            r->command->kind = (enum command_kind)kind;
            r->kind = name;
            r->rule = &kind_rules[kind];
            return true;
        }
    }
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (kind_rules[kind].allowed != 0 && n < sizeof(known))
            n += (size_t)snprintf(known + n, sizeof(known) - n, " %s", kind_name((enum command_kind)kind));
    }
    if (index == 0)
        return fail(r->error, CODE_missing_field, place, "is missing: one of%s", known);
    return fail(r->error, CODE_bad_value, place, "is %s, but must be one of%s", show(&r->nodes[index]).text, known);
}

/* The members that the kind does have, so that a slip of the pen is seen: "is not a field of sale; there are: …". */
static bool unknown_member(struct reading *r, struct place place)
{
    char known[sizeof(r->error->detail)] = "";
    size_t n = 0;
    for (unsigned member = 0; member < MEMBER_COUNT && n < sizeof(known); member++) {
        struct text name = member_name((enum member)member);
        if ((r->rule->allowed & UINT32_C(1) << member) != 0)
            n += (size_t)snprintf(known + n, sizeof(known) - n, " %.*s", (int)name.length, name.bytes);
    }
    return fail(r->error, CODE_unknown_field, place, "is not a field of %s; there are:%s", r->kind, known);
}

static bool read_member(struct reading *r, uint32_t index, enum member member, struct place place)
{
    const struct json_node *node = &r->nodes[index];
    struct command *c = r->command;
    int64_t seq = 0;
    bool yes = false;
    switch (member) {
    case MEMBER_KIND:
        return true;
    case MEMBER_ID:
        return read_label(r->error, node, place, name_check_utf8, &c->id);
    case MEMBER_SOURCE:
        return read_label(r->error, node, place, name_check_utf8, &c->source);
    case MEMBER_HOLD:
        return read_label(r->error, node, place, name_check_utf8, &c->hold);
    case MEMBER_HOLDER:
        return read_label(r->error, node, place, name_check_utf8, &c->holder);
    case MEMBER_ACTOR:
        return read_label(r->error, node, place, name_check_utf8, &c->actor);
    case MEMBER_DOCUMENT:
        return read_label(r->error, node, place, name_check_utf8, &c->document);
    case MEMBER_CHANNEL:
        return read_label(r->error, node, place, name_check_utf8, &c->channel);
    case MEMBER_REASON:
        return read_label(r->error, node, place, label_check_utf8, &c->reason);
    case MEMBER_LINE:
        return read_label(r->error, node, place, label_check_utf8, &c->document_line);
    case MEMBER_META:
        return read_meta(r, index, place);
    case MEMBER_SEQ:
        if (!read_whole(r->error, node, place, 1, QUANTITY_UNITS_MAX, &seq))
            return false;
        c->has_seq = true;
        c->seq = (uint64_t)seq;
        return true;
    case MEMBER_OCCURRED_AT:
        return read_time(r->error, node, place, &c->occurred_at_us);
    case MEMBER_NOT_AFTER:
        return read_time(r->error, node, place, &c->not_after_us);
    case MEMBER_DRY_RUN:
        return read_bool(r->error, node, place, &c->dry_run);
    case MEMBER_GUARD:
        if (!read_bool(r->error, node, place, &yes))
            return false;
        c->guard = yes ? GUARD_ON : GUARD_OFF;
        return true;
    case MEMBER_IF:
        return read_precondition(r, index, -1, &c->precondition);
    case MEMBER_LINES:
        return read_lines(r, index, place);
    case MEMBER_EXPIRES_IN:
        return read_expires_in(r->error, node, place, &c->expires_in_ms);
    case MEMBER_MODE:
        c->mode =
            node->type == JSON_STRING && text_equal(node->text, TEXT("partial")) ? HOLD_PARTIAL : HOLD_ALL_OR_NOTHING;
        if (node->type != JSON_STRING || (c->mode != HOLD_PARTIAL && !text_equal(node->text, TEXT("all_or_nothing"))))
            return fail(r->error, CODE_bad_value, place, "is %s, but must be all_or_nothing or partial",
                        show(node).text);
        return true;
    case MEMBER_FROM:
        return read_condition(r->error, node, place, &c->from);
    case MEMBER_TO:
        return c->kind == KIND_RECLASSIFY ? read_condition(r->error, node, place, &c->to_condition)
                                          : read_label(r->error, node, place, name_check_utf8, &c->to_location);
    case MEMBER_ITEM:
    case MEMBER_LOCATION:
    case MEMBER_QUANTITY:
    case MEMBER_CONDITION:
    case MEMBER_COUNT:
        break;
    }
    CHECK(false); /* the caller took these */
    return false;
}

/* Lines, a single line, or neither: what was seen must fit the kind. */
static bool check_lines(struct reading *r, uint32_t seen, const struct command_line *single)
{
    struct command *c = r->command;
    if ((seen & (SINGLE | BIT(CONDITION))) != 0) {
        if ((seen & BIT(LINES)) != 0)
            return fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("lines")},
                        "stands beside item, location, quantity or condition: give one line or lines, not both");
        if (!line_complete(r, seen, -1))
            return false;
        r->room->lines[0] = *single;
        c->line_count = 1;
    }
    if (c->line_count != 0)
        return true;
    if (r->rule->lines == LINES_REQUIRED)
        return fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("item")},
                    "is missing: %s needs item, location and quantity, or lines", r->kind);
    if (r->rule->lines == LINES_OR_HOLD && (seen & BIT(HOLD)) == 0)
        return fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("hold")},
                    "is missing: %s needs a hold, or item, location and quantity, or lines", r->kind);
    return true;
}

/* A command's `if` speaks of one cell; with one line it is that line's. */
static bool check_precondition(struct reading *r)
{
    struct command *c = r->command;
    if (c->precondition.present == 0)
        return true;
    struct place place = {-1, NULL, TEXT("if")};
    if (c->line_count == 0)
        return true; /* all that is open: the ledger knows whether that is one cell */
    for (uint32_t i = 1; i < c->line_count; i++) {
        if (!text_equal(c->lines[i].item, c->lines[0].item) || !text_equal(c->lines[i].location, c->lines[0].location))
            return fail(r->error, CODE_bad_value, place,
                        "stands on a command that touches several cells; put it on the lines");
    }
    if (c->line_count == 1 && c->lines[0].precondition.present == 0) {
        c->lines[0].precondition = c->precondition;
        c->precondition = (struct precondition){0};
    }
    return true;
}

bool command_from_json(const struct json_node *nodes, uint32_t root, struct command_room *room,
                       struct command *out_command, struct command_error *out_error)
{
    struct reading r = {.nodes = nodes, .room = room, .command = out_command, .error = out_error};
    const struct json_node *object = &nodes[root];
    if (object->type != JSON_OBJECT)
        return fail(out_error, CODE_bad_value, (struct place){-1, NULL, TEXT_NONE},
                    "the command is %s, but must be an object", show(object).text);
    *out_command = (struct command){
        .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE,
        .expires_in_ms = EXPIRES_DEFAULT,
        .from = CONDITION_NONE,
        .to_condition = CONDITION_NONE,
        .lines = room->lines,
    };
    if (!read_kind(&r, root))
        return false;
    struct command_line single = {.condition = CONDITION_NONE};
    uint32_t seen = 0, at = root + 1;
    for (uint32_t k = 0; k < object->count; k++, at = nodes[at].next) {
        struct place place = {-1, NULL, nodes[at].key};
        enum member member = member_of(place.key);
        uint32_t bit = member == MEMBER_COUNT ? 0 : UINT32_C(1) << member;
        if ((bit & r.rule->allowed) == 0)
            return unknown_member(&r, place);
        bool read = (bit & (SINGLE | BIT(CONDITION))) != 0 ? read_line_member(&r, at, member, place, &single)
                                                           : read_member(&r, at, member, place);
        if (!read)
            return false;
        seen |= bit;
    }
    for (unsigned member = 0; member < MEMBER_COUNT; member++) {
        if ((r.rule->required & ~seen & (UINT32_C(1) << member)) != 0)
            return fail(out_error, CODE_missing_field, (struct place){-1, NULL, member_name((enum member)member)},
                        "is missing: %s needs it", r.kind);
    }
    return check_lines(&r, seen, &single) && check_precondition(&r);
}

bool item_body_from_json(const struct json_node *nodes, uint32_t root, uint8_t *out_scale,
                         struct command_error *out_error)
{
    const struct json_node *object = &nodes[root];
    if (object->type != JSON_OBJECT)
        return fail(out_error, CODE_bad_value, (struct place){-1, NULL, TEXT_NONE},
                    "the item is %s, but must be an object", show(object).text);
    bool seen = false;
    int64_t scale = 0;
    uint32_t at = root + 1;
    for (uint32_t k = 0; k < object->count; k++, at = nodes[at].next) {
        struct place place = {-1, NULL, nodes[at].key};
        if (!text_equal(place.key, TEXT("scale")))
            return fail(out_error, CODE_unknown_field, place, "is not a field of an item");
        if (!read_whole(out_error, &nodes[at], place, 0, DECIMAL_PLACES_MAX, &scale))
            return false;
        seen = true;
    }
    if (!seen)
        return fail(out_error, CODE_missing_field, (struct place){-1, NULL, TEXT("scale")},
                    "is missing: an item needs it");
    *out_scale = (uint8_t)scale;
    return true;
}
