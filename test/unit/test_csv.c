/*
 * Goal: rows of CSV are read exactly as RFC 4180 writes them, and what it does not allow is a bad row that costs its
 * own line only.
 * Method: tables of texts with the rows they hold, each read whole and in every possible two pieces.
 */
#include "unit.h"

#include "cli/csv.h"

/* Rows are written "field|field", bad ones "!problem", one after the other, each ended by LF. */
static void read_all(const char *bytes, size_t n, size_t first_piece, char separator, char *out_text, size_t capacity)
{
    static char scratch[CSV_ROW_BYTES_MAX];
    static struct csv_row row;
    size_t at = 0, used = 0, seen = first_piece;
    row.scratch = scratch;
    out_text[0] = '\0';
    for (;;) {
        enum csv_status status = csv_parse(bytes + at, seen - at, seen == n, separator, &row);
        if (status == CSV_MORE) {
            assert_true(seen < n);
            assert_int_equal(row.consumed_bytes, 0);
            seen = n;
            continue;
        }
        if (status == CSV_END)
            return;
        assert_true(row.consumed_bytes > 0);
        at += row.consumed_bytes;
        if (status == CSV_BLANK)
            continue;
        if (status == CSV_BAD) {
            used += (size_t)snprintf(out_text + used, capacity - used, "!#%u", row.problem_column);
            assert_non_null(row.problem);
        }
        for (uint32_t i = 0; status == CSV_ROW && i < row.field_count; i++)
            used += (size_t)snprintf(out_text + used, capacity - used, "%s%.*s", i == 0 ? "" : "|",
                                     (int)row.fields[i].length, row.fields[i].bytes);
        used += (size_t)snprintf(out_text + used, capacity - used, " (%u)\n", row.line_count);
        assert_true(used < capacity);
    }
}

static void rows_are_read_as_written(void **state)
{
    (void)state;
    /* Behind each row, in brackets, the lines it takes; "!#2" is a bad row whose second field is at fault. */
    static const struct {
        const char *text;
        const char *rows;
    } rows[] = {
        {"", ""},
        {"a\n", "a (1)\n"},
        {"a", "a (1)\n"},
        {"a,b,c\n1,2,3\n", "a|b|c (1)\n1|2|3 (1)\n"},
        {"a,b\r\n1,2\r\n", "a|b (1)\n1|2 (1)\n"},
        {"a,b\r\n1,2", "a|b (1)\n1|2 (1)\n"},
        {"a,\n,b\n,\n", "a| (1)\n|b (1)\n| (1)\n"},
        {"a,", "a| (1)\n"},
        {" a , b \n", " a | b  (1)\n"},
        {"\"a\"\n", "a (1)\n"},
        {"\"a\"", "a (1)\n"},
        {"\"\"\n", " (1)\n"},
        {"\"\",\"\"\n", "| (1)\n"},
        {"\"a,b\",c\n", "a,b|c (1)\n"},
        {"\"say \"\"hi\"\"\",c\n", "say \"hi\"|c (1)\n"},
        {"\"\"\"\"\n", "\" (1)\n"},
        {"\"\"\"a\"\"\",\"\"\"b\"\n", "\"a\"|\"b (1)\n"},
        {"\"two\nlines\",x\n1,2\n", "two\nlines|x (2)\n1|2 (1)\n"},
        {"\"two\r\nlines\",x\r\n1,2\r\n", "two\r\nlines|x (2)\n1|2 (1)\n"},
        {"x,\"ends\n\"\n", "x|ends\n (2)\n"},
        {"x,\"ends\n\"", "x|ends\n (2)\n"},
        {"\n\na,b\n\n1,2\n\r\n", "a|b (1)\n1|2 (1)\n"},
        /* A quote where none may be: the row is bad, the next one is not. */
        {"a,b\"c\n1,2\n", "!#2 (1)\n1|2 (1)\n"},
        {"a,\"b\"c\n1,2\n", "!#2 (1)\n1|2 (1)\n"},
        {"a,\"b\" \n1,2\n", "!#2 (1)\n1|2 (1)\n"},
        {"a,\"b\n1,2\n3,4\n", "!#2 (1)\n1|2 (1)\n3|4 (1)\n"},
        {"a,\"b", "!#2 (1)\n"},
        {"\"", "!#1 (1)\n"},
        {"a,5\" pipe\n\"7\"\" pipe\",1\n", "!#2 (1)\n7\" pipe|1 (1)\n"},
        /* A lone CR ends no line. */
        {"a\rb\n1\n", "!#1 (1)\n1 (1)\n"},
        {"\"a\"\rb\n1\n", "!#1 (1)\n1 (1)\n"},
        {"\"a\rb\"\n", "a\rb (1)\n"},
        {"a\r", "!#1 (1)\n"},
        /* Other bytes are the field's own. */
        {"\xc2\xa3,\xff\n", "\xc2\xa3|\xff (1)\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i].text);
        for (size_t piece = 0; piece <= n; piece++) {
            char seen[512];
            read_all(rows[i].text, n, piece, ',', seen, sizeof(seen));
            if (strcmp(seen, rows[i].rows) != 0)
                fail_msg("row %zu in pieces of %zu: wanted\n%sgot\n%s", i, piece, rows[i].rows, seen);
        }
    }
}

static void another_separator_leaves_commas_alone(void **state)
{
    (void)state;
    char seen[128];
    read_all("a;1,5\n", 6, 6, ';', seen, sizeof(seen));
    assert_string_equal(seen, "a|1,5 (1)\n");
    read_all("a\t\"b\tc\"\n", 8, 8, '\t', seen, sizeof(seen));
    assert_string_equal(seen, "a|b\tc (1)\n");
}

static void nul_bytes_make_a_bad_row(void **state)
{
    (void)state;
    static const char bare[] = "a,b\0c\n1,2\n", quoted[] = "a,\"b\0c\"\n1,2\n";
    for (size_t piece = 0; piece < sizeof(bare); piece++) {
        char seen[128];
        read_all(bare, sizeof(bare) - 1, piece, ',', seen, sizeof(seen));
        assert_string_equal(seen, "!#2 (1)\n1|2 (1)\n");
    }
    for (size_t piece = 0; piece < sizeof(quoted); piece++) {
        char seen[128];
        read_all(quoted, sizeof(quoted) - 1, piece, ',', seen, sizeof(seen));
        assert_string_equal(seen, "!#2 (1)\n1|2 (1)\n");
    }
}

/* Reads one row of n bytes of `fill` between head and tail. */
static enum csv_status read_long(const char *head, char fill, size_t n, const char *tail, bool last,
                                 struct csv_row *row)
{
    size_t head_bytes = strlen(head), tail_bytes = strlen(tail);
    char *bytes = malloc(head_bytes + n + tail_bytes);
    assert_non_null(bytes);
    memcpy(bytes, head, head_bytes);
    memset(bytes + head_bytes, fill, n);
    memcpy(bytes + head_bytes + n, tail, tail_bytes);
    enum csv_status status = csv_parse(bytes, head_bytes + n + tail_bytes, last, ',', row);
    free(bytes);
    return status;
}

static void bounds_are_kept(void **state)
{
    (void)state;
    static struct csv_row row;
    row.scratch = malloc(CSV_ROW_BYTES_MAX);
    assert_non_null(row.scratch);

    assert_int_equal(read_long("", 'x', CSV_FIELD_BYTES_MAX, ",1\n", true, &row), CSV_ROW);
    assert_int_equal(row.fields[0].length, CSV_FIELD_BYTES_MAX);
    assert_int_equal(read_long("1,", 'x', CSV_FIELD_BYTES_MAX + 1, "\n2,3\n", true, &row), CSV_BAD);
    assert_int_equal(row.problem_column, 2);
    assert_int_equal(row.consumed_bytes, 2 + CSV_FIELD_BYTES_MAX + 1 + 1);
    assert_int_equal(read_long("1,\"", 'x', CSV_FIELD_BYTES_MAX + 1, "\"\n2,3\n", true, &row), CSV_BAD);

    assert_int_equal(read_long("", ',', CSV_FIELDS_MAX - 1, "\n", true, &row), CSV_ROW);
    assert_int_equal(row.field_count, CSV_FIELDS_MAX);
    assert_int_equal(read_long("", ',', CSV_FIELDS_MAX, "\n", true, &row), CSV_BAD);
    assert_int_equal(row.problem_column, CSV_FIELDS_MAX + 1);

    /* A quote that is never closed in a file that goes on and on: more is asked for up to the bound, never beyond. */
    assert_int_equal(read_long("\"\n", 'x', CSV_ROW_BYTES_MAX - 3, "", false, &row), CSV_MORE);
    assert_int_equal(read_long("\"\n", 'x', CSV_ROW_BYTES_MAX, "", false, &row), CSV_BAD);
    assert_int_equal(row.consumed_bytes, 2);
    assert_int_equal(row.line_count, 1);

    /* A line without end: everything is consumed, and the line goes on behind it. */
    assert_int_equal(read_long("", 'x', CSV_ROW_BYTES_MAX, "", false, &row), CSV_BAD);
    assert_int_equal(row.consumed_bytes, CSV_ROW_BYTES_MAX);
    assert_int_equal(row.line_count, 0);
    free(row.scratch);
}

static void doubled_quotes_never_leave_scratch(void **state)
{
    (void)state;
    static struct csv_row row;
    row.scratch = malloc(CSV_ROW_BYTES_MAX);
    assert_non_null(row.scratch);
    assert_int_equal(read_long("\"", '"', 2 * CSV_FIELD_BYTES_MAX, "\"\n", true, &row), CSV_ROW);
    assert_int_equal(row.fields[0].length, CSV_FIELD_BYTES_MAX);
    assert_int_equal(read_long("\"", '"', CSV_ROW_BYTES_MAX, "\"\n", true, &row), CSV_BAD);
    free(row.scratch);
}

static void marks_at_the_start_are_known(void **state)
{
    (void)state;
    assert_int_equal(csv_mark_bytes("\xef\xbb\xbfitem", 7), 3);
    assert_int_equal(csv_mark_bytes("\xef\xbb", 2), 0);
    assert_int_equal(csv_mark_bytes("item", 4), 0);
    assert_true(csv_is_wide("\xff\xfei\0", 4));
    assert_true(csv_is_wide("\xfe\xff\0i", 4));
    assert_false(csv_is_wide("\xef\xbb\xbfi", 4));
    assert_false(csv_is_wide("i", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_written),           cmocka_unit_test(another_separator_leaves_commas_alone),
        cmocka_unit_test(nul_bytes_make_a_bad_row),           cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(doubled_quotes_never_leave_scratch), cmocka_unit_test(marks_at_the_start_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
