/*
 * Goal: the demo reads the file it is given, not one that looks like it.
 * Method: a table of texts and the fields they hold, a vertical bar between fields and a slash between records.
 */
#include "../../test/unit/unit.h"

#include "csv.h"

static void records_hold_what_the_text_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *fields;
        uint64_t last_line;
    } rows[] = {
        {"a,b\nc,d\n", "a|b/c|d/", 2},
        {"a,b\r\nc,d", "a|b/c|d/", 2},
        {",\n", "|/", 1},
        {"\n", "/", 1},
        {"", "", 0},
        {"\"a,b\",c\n", "a,b|c/", 1},
        {"\"say \"\"so\"\"\",\"\"\n", "say \"so\"|/", 1},
        {"\"two\nlines\",x\ny,z\n", "two\nlines|x/y|z/", 3},
        {" a ,b c\n", " a |b c/", 1},
        {"\"quoted\"\r\n\"last\"", "quoted/last/", 2},
        {"a\xc2\xa3,b\n", "a\xc2\xa3|b/", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct csv csv = csv_of(rows[i].text, strlen(rows[i].text));
        struct bytequeue found = {0};
        struct text fields[CSV_FIELDS_MAX];
        unsigned count;
        bytequeue_reserve(&found, 1);
        while (csv_next(&csv, fields, &count)) {
            for (unsigned k = 0; k < count; k++) {
                bytequeue_append(&found, "|", k == 0 ? 0 : 1);
                bytequeue_append(&found, fields[k].bytes == NULL ? "" : fields[k].bytes, fields[k].length);
            }
            bytequeue_literal(&found, "/");
        }
        assert_int_equal(bytequeue_length(&found), strlen(rows[i].fields));
        assert_memory_equal(bytequeue_front(&found), rows[i].fields, bytequeue_length(&found));
        assert_int_equal(csv.line, rows[i].last_line);
        bytequeue_deinit(&found);
        csv_deinit(&csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_hold_what_the_text_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
