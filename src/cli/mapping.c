#include "cli/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_write.h"
#include "base/decimal.h"
#include "base/utf8.h"

enum field_type { TYPE_TEXT, TYPE_QUANTITY, TYPE_INTEGER, TYPE_BOOLEAN, TYPE_TIME, TYPE_META };

/* Fields of a command (API.md sections 1 and 3) that one value of a row can fill. */
static const struct {
    const char *name;
    enum field_type type;
    bool required; /* an empty value is a bad row */
} known_fields[] = {
    {"item", TYPE_TEXT, true},         {"location", TYPE_TEXT, true},       {"quantity", TYPE_QUANTITY, true},
    {"kind", TYPE_TEXT, true},         {"condition", TYPE_TEXT, false},     {"unit", TYPE_TEXT, false},
    {"to", TYPE_TEXT, false},          {"from", TYPE_TEXT, false},          {"reason", TYPE_TEXT, false},
    {"actor", TYPE_TEXT, false},       {"document", TYPE_TEXT, false},      {"line", TYPE_TEXT, false},
    {"channel", TYPE_TEXT, false},     {"hold", TYPE_TEXT, false},          {"holder", TYPE_TEXT, false},
    {"mode", TYPE_TEXT, false},        {"expires_in", TYPE_INTEGER, false}, {"transfer", TYPE_TEXT, false},
    {"expectation", TYPE_TEXT, false}, {"direction", TYPE_TEXT, false},     {"guard", TYPE_BOOLEAN, false},
    {"occurred_at", TYPE_TIME, false}, {"not_after", TYPE_TIME, false},     {"due", TYPE_TIME, false},
    {"eta", TYPE_TIME, false},         {"counted_from", TYPE_TIME, false},  {"counted_to", TYPE_TIME, false},
};
#define KNOWN_COUNT (sizeof(known_fields) / sizeof(known_fields[0]))

static size_t find_known(const char *name)
{
    size_t i = 0;
    while (i < KNOWN_COUNT && strcmp(known_fields[i].name, name) != 0)
        i++;
    return i;
}

static bool is_field(const struct mapping_field *field, const char *name)
{
    return strcmp(field->name, name) == 0;
}

static const struct mapping_field *find_field(const struct mapping *mapping, const char *name)
{
    for (unsigned i = 0; i < mapping->field_count; i++) {
        if (is_field(&mapping->fields[i], name))
            return &mapping->fields[i];
    }
    return NULL;
}

static bool unknown_field(const char *name)
{
    cli_error("import", "commands have no field '%s' that a row could fill", name);
    fputs("  fields:", stderr);
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        fprintf(stderr, " %s", known_fields[i].name);
    fputs(" meta.NAME\n", stderr);
    return false;
}

static bool add_field(struct mapping *mapping, const char *option, const char *text, size_t length, bool constant)
{
    const char *equals = memchr(text, '=', length);
    size_t name_bytes = equals == NULL ? 0 : (size_t)(equals - text);
    size_t value_bytes = equals == NULL ? 0 : length - name_bytes - 1;
    if (name_bytes == 0 || value_bytes == 0 || name_bytes >= MAPPING_NAME_BYTES_MAX ||
        value_bytes >= MAPPING_NAME_BYTES_MAX) {
        cli_error("import", "%s takes %s, not '%.*s'", option, constant ? "FIELD=VALUE" : "FIELD=COLUMN,...",
                  (int)length, text);
        return false;
    }
    if (mapping->field_count == MAPPING_FIELDS_MAX) {
        cli_error("import", "more than %d fields are mapped", MAPPING_FIELDS_MAX);
        return false;
    }
    struct mapping_field *field = &mapping->fields[mapping->field_count];
    memset(field, 0, sizeof(*field));
    memcpy(field->name, text, name_bytes);
    memcpy(field->value, equals + 1, value_bytes);
    field->constant = constant;
    if (is_field(field, "id") || is_field(field, "source") || is_field(field, "seq")) {
        cli_error("import",
                  "'%s' comes from the file itself: its hash is the source, the line number id and seq; see "
                  "--source-prefix",
                  field->name);
        return false;
    }
    if (find_field(mapping, field->name) != NULL) {
        cli_error("import", "the field '%s' is given twice", field->name);
        return false;
    }
    size_t known = find_known(field->name);
    if (strncmp(field->name, "meta.", 5) == 0 && field->name[5] != '\0')
        field->type = TYPE_META;
    else if (known < KNOWN_COUNT)
        field->type = (uint8_t)known_fields[known].type;
    else
        return unknown_field(field->name);
    mapping->field_count++;
    return true;
}

bool mapping_add_columns(struct mapping *mapping, const char *text)
{
    for (;;) {
        const char *comma = strchr(text, ',');
        size_t length = comma == NULL ? strlen(text) : (size_t)(comma - text);
        if (!add_field(mapping, "--map", text, length, false))
            return false;
        if (comma == NULL)
            return true;
        text = comma + 1;
    }
}

bool mapping_add_constant(struct mapping *mapping, const char *text)
{
    return add_field(mapping, "--set", text, strlen(text), true);
}

static bool bind_by_number(struct mapping_field *field, uint32_t column_count)
{
    char *end = NULL;
    unsigned long number = strtoul(field->value + 1, &end, 10);
    if (end == field->value + 1 || *end != '\0' || number == 0 || number > column_count) {
        cli_error("import", "there is no column '%s' for %s; the file has #1 to #%u", field->value, field->name,
                  column_count);
        return false;
    }
    field->column = (uint32_t)number - 1;
    return true;
}

static bool bind_by_name(struct mapping_field *field, const struct csv_row *header)
{
    unsigned found = 0;
    struct text name = text_of(field->value, strlen(field->value));
    for (uint32_t i = header->field_count; i-- > 0;) {
        if (text_equal(header->fields[i], name)) {
            field->column = i;
            found++;
        }
    }
    if (found == 1)
        return true;
    if (found > 1) {
        cli_error("import", "the header has %u columns '%s'; name the one for %s by its number, the first is #%u",
                  found, field->value, field->name, field->column + 1);
        return false;
    }
    cli_error("import", "the header has no column '%s' for %s (names are compared byte for byte)", field->value,
              field->name);
    fputs("  columns:", stderr);
    for (uint32_t i = 0; i < header->field_count; i++)
        fprintf(stderr, "%s #%u %.*s", i == 0 ? "" : ",", i + 1, (int)header->fields[i].length,
                header->fields[i].bytes);
    fputs("\n", stderr);
    return false;
}

bool mapping_bind(struct mapping *mapping, const struct csv_row *header, bool has_header)
{
    mapping->column_count = header->field_count;
    for (unsigned i = 0; i < mapping->field_count; i++) {
        struct mapping_field *field = &mapping->fields[i];
        if (field->constant)
            continue;
        if (field->value[0] == '#') {
            if (!bind_by_number(field, header->field_count))
                return false;
        } else if (!has_header) {
            cli_error("import", "with --no-header columns are named by number: --map %s=#1, not '%s'", field->name,
                      field->value);
            return false;
        } else if (!bind_by_name(field, header)) {
            return false;
        }
    }
    static const char *const needed[] = {"item", "location", "quantity"};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (find_field(mapping, needed[i]) == NULL) {
            cli_error("import", "no column gives the field '%s'; add --map %s=COLUMN or --set %s=VALUE", needed[i],
                      needed[i], needed[i]);
            return false;
        }
    }
    if (find_field(mapping, "kind") == NULL && !mapping->kind_auto) {
        cli_error("import",
                  "no kind of command is given; add --kind KIND (receive, sale, return, adjust, ... or auto), "
                  "or --map kind=COLUMN");
        return false;
    }
    return true;
}

/* ---- one row ---- */

static bool problem(struct buffer *out, const struct mapping_field *field, const char *what, struct text value)
{
    buffer_append(out, field->name, strlen(field->name));
    if (!field->constant) {
        buffer_literal(out, " (column ");
        buffer_append(out, field->value, strlen(field->value));
        buffer_literal(out, ")");
    }
    buffer_literal(out, " ");
    buffer_append(out, what, strlen(what));
    if (value.length != 0) {
        buffer_literal(out, ": '");
        buffer_append(out, value.bytes, value.length < 100 ? value.length : 100);
        buffer_literal(out, "'");
    }
    return false;
}

static struct text without_blanks(struct text text)
{
    while (text.length != 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.length--;
    }
    while (text.length != 0 && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static struct text value_of(const struct mapping_field *field, const struct csv_row *row)
{
    return field->constant ? text_of(field->value, strlen(field->value)) : row->fields[field->column];
}

/*
 * "2010-12-01 08:26" becomes "2010-12-01T08:26:00" and the zone; what has an offset keeps it. Anything else goes out as
 * it is: the server judges.
 */
static void write_time(struct buffer *out, struct text value, const char *zone)
{
    char text[64];
    size_t length = value.length;
    bool is_ascii = true; /* else a character would be cut in two */
    for (size_t i = 0; i < length; i++)
        is_ascii = is_ascii && (unsigned char)value.bytes[i] < 0x80;
    if (length < 16 || length > sizeof(text) - 16 || value.bytes[13] != ':' || !is_ascii) {
        json_string(out, value);
        return;
    }
    memcpy(text, value.bytes, length);
    if (text[10] == ' ')
        text[10] = 'T';
    if (length == 16 || text[16] != ':') { /* without seconds */
        memmove(text + 19, text + 16, length - 16);
        memcpy(text + 16, ":00", 3);
        length += 3;
    }
    bool has_offset = false;
    for (size_t i = 19; i < length; i++)
        has_offset = has_offset || text[i] == '+' || text[i] == '-' || text[i] == 'Z' || text[i] == 'z';
    if (zone != NULL && !has_offset) {
        size_t zone_bytes = strlen(zone) < 8 ? strlen(zone) : 8;
        memcpy(text + length, zone, zone_bytes);
        length += zone_bytes;
    }
    json_string(out, text_of(text, length));
}

static bool is_integer(struct text text)
{
    bool digits = text.length != 0 && text.length <= 18;
    for (uint32_t i = 0; digits && i < text.length; i++)
        digits = text.bytes[i] >= '0' && text.bytes[i] <= '9';
    return digits && (text.length == 1 || text.bytes[0] != '0');
}

/* Writes ,"name":value; nothing for an optional field that is empty. */
static bool write_field(const struct mapping *mapping, const struct mapping_field *field, struct text value,
                        struct buffer *out, struct buffer *out_problem)
{
    size_t known = find_known(field->name);
    if (!utf8_valid(value.bytes, value.length))
        return problem(out_problem, field, "is not UTF-8; save the file as UTF-8", TEXT_NONE);
    if (value.length == 0)
        return !known_fields[known].required || problem(out_problem, field, "is empty", TEXT_NONE);
    buffer_literal(out, ",\"");
    buffer_append(out, field->name, strlen(field->name));
    buffer_literal(out, "\":");
    switch ((enum field_type)field->type) {
    case TYPE_TEXT:
        json_string(out, value);
        return true;
    case TYPE_TIME:
        write_time(out, without_blanks(value), mapping->zone);
        return true;
    case TYPE_INTEGER:
        value = without_blanks(value);
        if (!is_integer(value))
            return problem(out_problem, field, "is not a whole number", value);
        buffer_text(out, value);
        return true;
    case TYPE_BOOLEAN:
        value = without_blanks(value);
        if (!text_equal(value, TEXT("true")) && !text_equal(value, TEXT("false")))
            return problem(out_problem, field, "is neither true nor false", value);
        buffer_text(out, value);
        return true;
    case TYPE_QUANTITY:
    case TYPE_META:
        break; /* written by others */
    }
    return true;
}

static bool write_meta(const struct mapping *mapping, const struct csv_row *row, struct buffer *out,
                       struct buffer *out_problem)
{
    bool first = true;
    for (unsigned i = 0; i < mapping->field_count; i++) {
        const struct mapping_field *field = &mapping->fields[i];
        if (field->type != TYPE_META)
            continue;
        struct text value = value_of(field, row);
        if (!utf8_valid(value.bytes, value.length))
            return problem(out_problem, field, "is not UTF-8; save the file as UTF-8", TEXT_NONE);
        if (value.length == 0)
            continue;
        if (first)
            buffer_literal(out, ",\"meta\":{");
        else
            buffer_byte(out, ',');
        first = false;
        json_string(out, text_of(field->name + 5, strlen(field->name) - 5));
        buffer_byte(out, ':');
        json_string(out, value);
    }
    if (!first)
        buffer_byte(out, '}');
    return true;
}

/* Writes quantity and kind: the sign of the one chooses the other. */
static bool write_quantity(const struct mapping *mapping, const struct csv_row *row, struct buffer *out,
                           struct buffer *out_problem, struct mapping_oddity *oddity)
{
    const struct mapping_field *field = find_field(mapping, "quantity");
    const struct mapping_field *kind_field = find_field(mapping, "kind");
    struct text kind = kind_field == NULL ? TEXT_NONE : value_of(kind_field, row);
    struct text value = without_blanks(value_of(field, row));
    struct decimal decimal;
    if (value.length == 0) {
        oddity->empty_field = true;
        return problem(out_problem, field, "is empty", TEXT_NONE);
    }
    enum decimal_status status = decimal_parse(value, &decimal);
    if (status != DECIMAL_OK) {
        oddity->bad_quantity = true;
        const char *what = status == DECIMAL_BAD        ? "is not a number (plain digits, a point before decimals)"
                           : status == DECIMAL_TOO_LONG ? "has more than 6 decimals"
                                                        : "is out of range";
        return problem(out_problem, field, what, value);
    }
    bool negative = decimal.digits < 0;
    oddity->negative = negative;
    oddity->zero = decimal.digits == 0;
    if (mapping->kind_auto && kind_field == NULL)
        kind = negative ? TEXT("sale") : TEXT("receive");
    bool flip = mapping->kind_auto && kind_field == NULL;
    if (negative && mapping->kind_negative != NULL) {
        kind = text_of(mapping->kind_negative, strlen(mapping->kind_negative));
        flip = true;
    }
    bool is_signed = text_equal(kind, TEXT("adjust"));
    if (negative && !flip && !is_signed)
        return problem(out_problem, field, "is below 0; --kind-negative names the kind of such rows", value);
    if (flip && !is_signed && value.bytes[0] == '-') {
        value.bytes++;
        value.length--;
    }
    buffer_literal(out, ",\"quantity\":");
    buffer_text(out, value);
    if (!utf8_valid(kind.bytes, kind.length) || kind.length == 0) {
        oddity->empty_field = kind.length == 0;
        return problem(out_problem, kind_field == NULL ? field : kind_field,
                       kind.length == 0 ? "is empty" : "is not UTF-8; save the file as UTF-8", TEXT_NONE);
    }
    buffer_literal(out, ",\"kind\":");
    json_string(out, kind);
    return true;
}

bool mapping_command(const struct mapping *mapping, const struct csv_row *row, struct text source, uint64_t number,
                     struct buffer *out_command, struct buffer *out_problem, struct mapping_oddity *oddity)
{
    struct mapping_oddity unused;
    oddity = oddity == NULL ? &unused : oddity;
    memset(oddity, 0, sizeof(*oddity));
    buffer_reset(out_command);
    buffer_reset(out_problem);
    if (row->field_count != mapping->column_count) {
        char text[96];
        snprintf(text, sizeof(text), "the row has %u columns where the first row has %u; are quotes missing?",
                 row->field_count, mapping->column_count);
        buffer_append(out_problem, text, strlen(text));
        return false;
    }
    buffer_literal(out_command, "{\"source\":");
    json_string(out_command, source);
    buffer_literal(out_command, ",\"id\":\"");
    json_u64(out_command, number);
    buffer_literal(out_command, "\",\"seq\":");
    json_u64(out_command, number);
    if (!write_quantity(mapping, row, out_command, out_problem, oddity))
        return false;
    for (unsigned i = 0; i < mapping->field_count; i++) {
        const struct mapping_field *field = &mapping->fields[i];
        if (field->type == TYPE_META || field->type == TYPE_QUANTITY || is_field(field, "kind"))
            continue;
        struct text value = value_of(field, row);
        if (!write_field(mapping, field, value, out_command, out_problem)) {
            oddity->empty_field = value.length == 0;
            return false;
        }
    }
    if (!write_meta(mapping, row, out_command, out_problem))
        return false;
    buffer_byte(out_command, '}');
    if (out_command->failed)
        buffer_literal(out_problem, "the row makes too long a command");
    return !out_command->failed;
}
