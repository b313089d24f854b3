/*
 * Any bytes as rows of a CSV file, and each row as a command: the same rows however the bytes come, each within the file,
 * and every command is one JSON object. The first byte chooses pieces, separator and mapping.
 */
#include "fuzz.h"

#include "api/json.h"
#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/csv.h"
#include "cli/mapping.h"

/* The program has some; the library looks among them. */
const struct subcommand *cli_subcommands(void)
{
    static const struct subcommand none = {0};
    return &none;
}

static char scratch[CSV_ROW_BYTES_MAX];
static struct csv_row row;
static struct mapping mappings[2];
static struct json_node nodes[200];

static uint64_t fold(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static void command(const struct mapping *mapping)
{
    static struct json_parser *parser;
    static struct buffer out;
    static struct buffer problem;
    if (parser == NULL) {
        parser = json_parser_create(1 << 20);
        buffer_init(&out, 1 << 20);
        buffer_init(&problem, 1 << 20);
    }
    buffer_reset(&out);
    buffer_reset(&problem);
    struct mapping_oddity oddity;
    if (!mapping_command(mapping, &row, TEXT("import:f"), 7, &out, &problem, &oddity)) {
        CHECK(problem.length != 0);
        return;
    }
    char *bytes = malloc(out.length + JSON_PADDING);
    CHECK(!out.failed && bytes != NULL);
    memcpy(bytes, out.bytes, out.length);
    memset(bytes + out.length, 0, JSON_PADDING);
    uint32_t count = 0;
    struct json_error error;
    enum json_status status = json_parse(parser, bytes, out.length, nodes, 200, &count, &error);
    CHECK(status == JSON_OK && nodes[0].type == JSON_OBJECT);
    free(bytes);
}

static uint64_t rows(const char *bytes, size_t n, size_t step, char separator, const struct mapping *mapping)
{
    uint64_t sum = 1;
    size_t at = 0;
    for (size_t given = step < n ? step : n;;) {
        char *copy = fuzz_copy(bytes + at, given - at);
        row.scratch = scratch;
        enum csv_status status = csv_parse(copy, given - at, given == n, separator, &row);
        if (status == CSV_MORE) {
            CHECK(given < n);
            free(copy);
            given = n - given < step ? n : given + step;
            continue;
        }
        sum = fold(sum, &status, sizeof(status));
        if (status == CSV_END) {
            CHECK(at == n);
            free(copy);
            return sum;
        }
        CHECK(row.consumed_bytes != 0 && row.consumed_bytes <= given - at);
        if (status == CSV_ROW) {
            CHECK(row.field_count != 0 && row.field_count <= CSV_FIELDS_MAX);
            for (uint32_t i = 0; i < row.field_count; i++)
                sum = fold(fold(sum, row.fields[i].bytes, row.fields[i].length), "", 1);
            if (mapping != NULL)
                command(mapping);
        }
        if (status == CSV_BAD)
            CHECK(row.problem != NULL && row.problem_column != 0);
        at += row.consumed_bytes;
        free(copy);
        if (at >= given && given < n)
            given = n - given < step ? n : given + step;
    }
}

static void make_mappings(void)
{
    CHECK(mapping_add_columns(&mappings[0], "item=#1,quantity=#2,location=#3,occurred_at=#4,meta.note=#5"));
    CHECK(mapping_add_constant(&mappings[0], "kind=sale"));
    mappings[0].kind_negative = "return";
    mappings[0].zone = "+01:00";
    CHECK(mapping_add_columns(&mappings[1], "quantity=#1,item=#2,expires_in=#3,guard=#4,unit=#5"));
    CHECK(mapping_add_constant(&mappings[1], "location=LON"));
    mappings[1].kind_auto = true;
    row.field_count = 5;
    for (unsigned i = 0; i < 2; i++)
        CHECK(mapping_bind(&mappings[i], &row, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 14)
        return 0;
    if (mappings[0].field_count == 0)
        make_mappings();
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    char separator = data[0] % 2 == 0 ? ',' : ';';
    (void)csv_is_wide(bytes, n);
    size_t mark = csv_mark_bytes(bytes, n);
    CHECK(mark == 0 || (mark == 3 && n >= 3));
    uint64_t sum = rows(bytes, n, n, separator, &mappings[data[0] / 2 % 2]);
    CHECK(sum == rows(bytes, n, 1 + data[0] / 4, separator, NULL));
    return 0;
}
