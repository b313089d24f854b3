/*
 * The form of values: what each must be, said where it is not. Nothing here knows a kind or a field by name.
 */
#include "api/command_values.h"

#include "feed/position.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/rfc3339.h"
#include "base/utf8.h"

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

bool value_fail(struct command_error *error, enum code code, struct place place, const char *format, ...)
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

struct shown value_show(const struct json_node *node)
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

bool value_label(struct command_error *error, const struct json_node *node, struct place place,
                 enum name_status (*check)(struct text), struct text *out)
{
    if (node->type != JSON_STRING)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a text of 1 to 128 bytes",
                          value_show(node).text);
    enum name_status status = check(node->text);
    if (status != NAME_OK)
        return value_fail(error, CODE_bad_value, place, "%s", name_problem(status));
    *out = node->text;
    return true;
}

bool value_unit(struct command_error *error, const struct json_node *node, struct place place, struct text *out)
{
    if (!value_label(error, node, place, name_check_utf8, out))
        return false;
    if (out->length > UNIT_BYTES_MAX)
        return value_fail(error, CODE_bad_value, place, "is longer than %d bytes", UNIT_BYTES_MAX);
    return true;
}

bool value_decimal(struct command_error *error, const struct json_node *node, struct place place, struct decimal *out)
{
    if (node->type != JSON_NUMBER && node->type != JSON_STRING)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a number, or a decimal in a text",
                          value_show(node).text);
    switch (decimal_parse(node->text, out)) {
    case DECIMAL_OK:
        return true;
    case DECIMAL_TOO_LONG:
        return value_fail(error, CODE_too_many_decimals, place, "is %s, but has more than %d decimals",
                          value_show(node).text, DECIMAL_PLACES_MAX);
    case DECIMAL_OUT_OF_RANGE:
        return value_fail(error, CODE_out_of_range, place, "is %s, but must be within 2^53-1 of its last decimal",
                          value_show(node).text);
    case DECIMAL_BAD:
        break;
    }
    return value_fail(error, CODE_bad_value, place, "is %s, but must be a decimal number", value_show(node).text);
}

bool value_from_zero(struct command_error *error, const struct json_node *node, struct place place,
                     struct optional_decimal *out)
{
    if (!value_decimal(error, node, place, &out->value))
        return false;
    if (out->value.digits < 0)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be 0 or above", value_show(node).text);
    out->present = true;
    return true;
}

bool value_whole(struct command_error *error, const struct json_node *node, struct place place, int64_t low,
                 int64_t high, int64_t *out)
{
    struct decimal d;
    if (node->type != JSON_NUMBER || decimal_parse(node->text, &d) != DECIMAL_OK || d.places != 0 || d.digits < low ||
        d.digits > high)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a whole number from %lld to %lld",
                          value_show(node).text, (long long)low, (long long)high);
    *out = d.digits;
    return true;
}

bool value_position(struct command_error *error, const struct json_node *node, struct place place, uint32_t *out_epoch,
                    uint64_t *out_seq)
{
    struct position position;
    if (node->type != JSON_STRING || !position_parse(node->text, &position))
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a position of the feed, such as \"1-900\"",
                          value_show(node).text);
    *out_epoch = position.epoch;
    *out_seq = position.seq;
    return true;
}

bool value_review(struct command_error *error, const struct json_node *node, struct place place,
                  const struct epochs *epochs, uint64_t *out)
{
    struct position position;
    if (node->type != JSON_STRING || !position_parse(node->text, &position) || position.seq == 0)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a review as its answer names it, such as \"1-57\"",
                          value_show(node).text);
    if (epochs != NULL && !epochs_has(epochs, position.epoch, position.seq))
        return value_fail(error, CODE_bad_value, place, "is %s, a position of another epoch: read the reviews anew",
                          value_show(node).text);
    *out = position.seq;
    return true;
}

bool value_bool(struct command_error *error, const struct json_node *node, struct place place, bool *out)
{
    if (node->type != JSON_TRUE && node->type != JSON_FALSE)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be true or false", value_show(node).text);
    *out = node->type == JSON_TRUE;
    return true;
}

bool value_word(struct command_error *error, const struct json_node *node, struct place place, const struct text *words,
                unsigned count, const char *known, unsigned *out)
{
    for (unsigned i = 0; node->type == JSON_STRING && i < count; i++) {
        if (text_equal(node->text, words[i])) {
            *out = i;
            return true;
        }
    }
    return value_fail(error, CODE_bad_value, place, "is %s, but must be one of%s", value_show(node).text, known);
}

bool value_condition(struct command_error *error, const struct json_node *node, struct place place, enum condition *out)
{
    static const struct text words[CONDITION_COUNT] = {
#define X(upper, lower) [CONDITION_##upper] = {#lower, sizeof(#lower) - 1},
        CONDITION_MAP(X)
#undef X
    };
#define X(upper, lower) " " #lower
    static const char known[] = CONDITION_MAP(X);
#undef X
    unsigned word = 0;
    if (!value_word(error, node, place, words, CONDITION_COUNT, known, &word))
        return false;
    *out = (enum condition)word;
    return true;
}

/* wanted: what it must be, in words. */
static bool read_time(struct command_error *error, const struct json_node *node, struct place place, const char *wanted,
                      int64_t *out_us)
{
    switch (rfc3339_parse(node->text, out_us)) {
    case RFC3339_OK:
        return true;
    case RFC3339_NO_OFFSET:
        return value_fail(error, CODE_bad_value, place,
                          "is %s, which has no offset (such as Z or +01:00), and the source has no zone",
                          value_show(node).text);
    case RFC3339_BAD_LEAP:
        return value_fail(error, CODE_bad_value, place, "is %s, but there was no leap second", value_show(node).text);
    case RFC3339_BAD:
        break;
    }
    return value_fail(error, CODE_bad_value, place, "is %s, but must be %s (RFC 3339)", value_show(node).text, wanted);
}

bool value_time(struct command_error *error, const struct json_node *node, struct place place, int64_t *out_us)
{
    if (node->type != JSON_STRING)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a time (RFC 3339) in a text",
                          value_show(node).text);
    return read_time(error, node, place, "a time such as 2026-11-22T10:00:00Z", out_us);
}

/* "2026-12-01" is the midnight that rfc3339_parse finds behind it; ten bytes are no time with an offset. */
bool value_moment(struct command_error *error, const struct json_node *node, struct place place, struct moment *out)
{
    if (node->type != JSON_STRING)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a day or a time (RFC 3339) in a text",
                          value_show(node).text);
    if (node->text.length != DAY_BYTES) {
        out->form = MOMENT_INSTANT;
        return read_time(error, node, place, "a day such as 2026-12-01 or a time such as 2026-12-01T10:00:00Z",
                         &out->us);
    }
    char midnight[DAY_BYTES + 10];
    memcpy(midnight, node->text.bytes, DAY_BYTES);
    memcpy(midnight + DAY_BYTES, "T00:00:00Z", 10);
    out->form = MOMENT_DAY;
    if (rfc3339_parse(text_of(midnight, sizeof(midnight)), &out->us) != RFC3339_OK)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be a day such as 2026-12-01",
                          value_show(node).text);
    return true;
}

bool value_expires_in(struct command_error *error, const struct json_node *node, struct place place, int64_t *out_ms)
{
    struct decimal d;
    int64_t ms = 0;
    if (node->type != JSON_NUMBER || decimal_parse(node->text, &d) != DECIMAL_OK || d.digits < 0 ||
        decimal_to_units(d, 3, &ms) != DECIMAL_OK || ms > EXPIRES_IN_SECONDS_MAX * 1000)
        return value_fail(error, CODE_bad_value, place,
                          "is %s, but must be seconds from 0 (never) to %lld, with at most 3 decimals",
                          value_show(node).text, (long long)EXPIRES_IN_SECONDS_MAX);
    *out_ms = ms;
    return true;
}

/* ---- Places ---- */

static bool named_before(struct text places, struct text name)
{
    struct text earlier;
    while (command_place_next(&places, &earlier)) {
        if (text_equal(earlier, name))
            return true;
    }
    return false;
}

bool value_places(struct command_error *error, const struct json_node *nodes, uint32_t index, struct place place,
                  uint32_t least, uint8_t *bytes, uint32_t *out_count, struct text *out)
{
    const struct json_node *array = &nodes[index];
    if (array->type != JSON_ARRAY || array->count < least || array->count > COMMAND_PLACES_MAX)
        return value_fail(error, CODE_bad_value, place, "is %s%s, but must be an array of %u to %d locations",
                          value_show(array).text,
                          array->type != JSON_ARRAY ? ""
                          : array->count < least    ? " of none"
                                                    : " of more",
                          (unsigned)least, COMMAND_PLACES_MAX);
    char parent[64], key[12];
    (void)snprintf(parent, sizeof(parent), "%s%s%.*s", place.parent == NULL ? "" : place.parent,
                   place.parent == NULL ? "" : "/", (int)place.key.length, place.key.bytes);
    size_t n = 0;
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < array->count; i++, at = nodes[at].next) {
        int digits = snprintf(key, sizeof(key), "%u", (unsigned)i);
        struct place here = {place.line, parent, text_of(key, (size_t)digits)};
        struct text name;
        if (!value_label(error, &nodes[at], here, name_check_utf8, &name))
            return false;
        if (named_before(text_of((const char *)bytes, n), name))
            return value_fail(error, CODE_bad_value, here, "is %s, which stands there twice",
                              value_show(&nodes[at]).text);
        n += command_place_put(bytes + n, name);
    }
    *out_count = array->count;
    *out = text_of((const char *)bytes, n); /* present when empty too: no location is a value */
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

bool value_meta(struct command_error *error, const struct json_node *nodes, uint32_t index, struct place place,
                char *bytes, struct text *out)
{
    if (nodes[index].type != JSON_OBJECT)
        return value_fail(error, CODE_bad_value, place, "is %s, but must be an object", value_show(&nodes[index]).text);
    struct meta meta = {nodes, bytes, 0, false};
    meta_value(&meta, index);
    if (meta.full)
        return value_fail(error, CODE_bad_value, place, "is larger than %d bytes without blanks", META_BYTES_MAX);
    *out = text_of(meta.bytes, meta.length);
    return true;
}
