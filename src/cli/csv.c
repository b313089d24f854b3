#include "cli/csv.h"

/* Where the parser stands in a row. */
struct cursor {
    const char *bytes;
    size_t n;
    size_t at;
    bool last;
    size_t scratch_used;
    uint32_t line_count;
};

enum field_status { FIELD_NEXT, FIELD_ROW_ENDS, FIELD_BAD, FIELD_MORE };

static enum field_status field_bad(struct csv_row *row, const char *problem)
{
    row->problem = problem;
    row->problem_column = row->field_count + 1;
    return FIELD_BAD;
}

/* Adds the field and looks at what follows it: a separator, a line end, or the end of the bytes. */
static enum field_status field_end(struct cursor *c, char separator, struct text field, struct csv_row *row)
{
    if (field.length > CSV_FIELD_BYTES_MAX)
        return field_bad(row, "the field is longer than 64 KiB");
    if (row->field_count == CSV_FIELDS_MAX)
        return field_bad(row, "the row has more than 512 columns");
    if (c->at == c->n && !c->last)
        return FIELD_MORE;
    if (c->at < c->n && c->bytes[c->at] == '\r' && c->at + 1 == c->n && !c->last)
        return FIELD_MORE;
    row->fields[row->field_count++] = field;
    if (c->at == c->n)
        return FIELD_ROW_ENDS;
    if (c->bytes[c->at] == separator) {
        c->at++;
        return FIELD_NEXT;
    }
    if (c->bytes[c->at] == '\r')
        c->at++;
    c->at++; /* LF */
    c->line_count++;
    return FIELD_ROW_ENDS;
}

static enum field_status bare_field(struct cursor *c, char separator, struct csv_row *row)
{
    size_t start = c->at;
    while (c->at < c->n) {
        char byte = c->bytes[c->at];
        if (byte == separator || byte == '\n')
            break;
        if (byte == '\r') {
            if (c->at + 1 == c->n ? !c->last : c->bytes[c->at + 1] == '\n')
                break;
            return field_bad(row, "a CR without LF; lines end with LF or CRLF");
        }
        if (byte == '"')
            return field_bad(row, "a quote inside a field that is not quoted; quote the field and double the quote");
        if (byte == '\0')
            return field_bad(row, "a NUL byte");
        c->at++;
    }
    return field_end(c, separator, text_of(c->bytes + start, c->at - start), row);
}

/* True when a field may end before the byte at c->at. */
static bool boundary(const struct cursor *c, char separator)
{
    if (c->at == c->n || c->bytes[c->at] == separator || c->bytes[c->at] == '\n')
        return true;
    if (c->bytes[c->at] != '\r')
        return false;
    return c->at + 1 == c->n ? !c->last : c->bytes[c->at + 1] == '\n';
}

/* A field in quotes; c->at is at the opening one. Text with doubled quotes is copied to scratch, other text is not. */
static enum field_status quoted_field(struct cursor *c, char separator, struct csv_row *row)
{
    size_t start = ++c->at;
    char *copy = NULL;
    size_t copy_bytes = 0;
    for (;;) {
        size_t run = c->at;
        while (c->at < c->n && c->bytes[c->at] != '"' && c->bytes[c->at] != '\0') {
            c->line_count += c->bytes[c->at] == '\n';
            c->at++;
        }
        size_t run_bytes = c->at - run;
        if (c->at == c->n)
            return c->last ? field_bad(row, "a quote is opened and never closed") : FIELD_MORE;
        if (c->bytes[c->at] == '\0')
            return field_bad(row, "a NUL byte");
        if (c->at + 1 == c->n && !c->last)
            return FIELD_MORE; /* is the quote doubled? */
        bool doubled = c->at + 1 < c->n && c->bytes[c->at + 1] == '"';
        if (doubled && copy == NULL)
            copy = row->scratch + c->scratch_used;
        if (copy != NULL) {
            /* The copy is shorter than what was read, and rows are bounded by the size of scratch. */
            memcpy(copy + copy_bytes, c->bytes + run, run_bytes);
            copy_bytes += run_bytes;
        }
        c->at++;
        if (!doubled) {
            if (!boundary(c, separator))
                return field_bad(row, "text after the closing quote; a quote inside a field is doubled");
            struct text field = text_of(c->bytes + start, c->at - 1 - start);
            if (copy != NULL) {
                c->scratch_used += copy_bytes;
                field = text_of(copy, copy_bytes);
            }
            return field_end(c, separator, field, row);
        }
        copy[copy_bytes++] = '"';
        c->at++;
    }
}

/* A bad row ends at its first LF. CSV_MORE when that is not here yet. */
static enum csv_status bad_row(const char *bytes, size_t n, bool last, struct csv_row *row)
{
    const char *end = memchr(bytes, '\n', n);
    if (end == NULL && !last && n < CSV_ROW_BYTES_MAX)
        return CSV_MORE;
    row->consumed_bytes = end == NULL ? n : (size_t)(end - bytes) + 1;
    row->line_count = end != NULL || last ? 1 : 0;
    return CSV_BAD;
}

enum csv_status csv_parse(const char *bytes, size_t n, bool last, char separator, struct csv_row *row)
{
    row->field_count = 0;
    row->consumed_bytes = 0;
    row->line_count = 0;
    row->problem = NULL;
    row->problem_column = 0;
    if (n == 0)
        return last ? CSV_END : CSV_MORE;
    bool whole = last && n <= CSV_ROW_BYTES_MAX;
    size_t window = n < CSV_ROW_BYTES_MAX ? n : CSV_ROW_BYTES_MAX;
    if (bytes[0] == '\n' || (bytes[0] == '\r' && window > 1 && bytes[1] == '\n')) {
        row->consumed_bytes = bytes[0] == '\n' ? 1 : 2;
        row->line_count = 1;
        return CSV_BLANK;
    }
    struct cursor c = {bytes, window, 0, whole, 0, 0};
    for (;;) {
        /* After a separator the end of the bytes is one more, empty field. */
        bool quoted = c.at < c.n && bytes[c.at] == '"';
        enum field_status status = quoted ? quoted_field(&c, separator, row) : bare_field(&c, separator, row);
        if (status == FIELD_NEXT)
            continue;
        if (status == FIELD_ROW_ENDS) {
            row->consumed_bytes = c.at;
            row->line_count = c.line_count == 0 || bytes[c.at - 1] != '\n' ? c.line_count + 1 : c.line_count;
            return CSV_ROW;
        }
        if (status == FIELD_MORE) {
            if (window < CSV_ROW_BYTES_MAX)
                return CSV_MORE;
            field_bad(row, "the row is longer than 1 MiB; is a quote never closed?");
        }
        return bad_row(bytes, n, last, row);
    }
}

size_t csv_mark_bytes(const char *bytes, size_t n)
{
    return n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool csv_is_wide(const char *bytes, size_t n)
{
    return n >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
}
