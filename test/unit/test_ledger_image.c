/* Images of ledgers: every field is in them, and nothing that is no image is taken for one. That they say all there is to say is shown
 * wherever a world goes on as a copy (ledger_world.h, the model). */
#include "ledger_world.h"

#include "base/bytes.h"
#include "base/columns.h"
#include "ledger/image.h"
#include "ledger/state.h"

/* ---- columns ---- */

struct row {
    uint8_t one;
    uint16_t two;
    uint32_t four[2];
    int64_t eight;
};
static const struct column row_fields[] = {{offsetof(struct row, one), 1, 1},
                                           {offsetof(struct row, two), 2, 1},
                                           {offsetof(struct row, four), 4, 2},
                                           {offsetof(struct row, eight), 8, 1}};
#define ROW_FIELDS 4

static void columns_are_narrow(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        int64_t eight[3];
        size_t bytes; /* of the five columns: 4 of them a byte each */
    } rows[] = {
        {"nothing", {0, 0, 0}, 0},
        {"the same", {7, 7, 7}, 4 + 9},
        {"near each other", {1000000, 1000255, 1000000}, 4 + 9 + 3},
        {"a bit farther", {-1, 255, -1}, 4 + 9 + 6},
        {"far", {0, UINT32_MAX, 5}, 4 + 9 + 12},
        {"farther", {0, (int64_t)UINT32_MAX + 1, 5}, 4 + 1 + 24},
        {"ends", {INT64_MIN, INT64_MAX, 0}, 4 + 1 + 24},
        {"negative", {-3, -2, -1}, 4 + 9 + 3},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct row in[3] = {0}, out[3] = {0};
        uint8_t bytes[256];
        for (size_t i = 0; i < 3; i++)
            in[i].eight = rows[r].eight[i];
        assert_true(columns_bytes_max(row_fields, ROW_FIELDS, 3) <= sizeof(bytes));
        size_t n = columns_write(row_fields, ROW_FIELDS, in, sizeof(in[0]), 3, bytes);
        if (n != rows[r].bytes)
            fail_msg("%s: %zu bytes", rows[r].label, n);
        if (n == 0)
            continue;
        assert_true(columns_read(row_fields, ROW_FIELDS, out, sizeof(out[0]), 3, bytes, n));
        for (size_t i = 0; i < 3; i++)
            if (out[i].eight != rows[r].eight[i])
                fail_msg("%s: %zu is another", rows[r].label, i);
        for (size_t cut = 0; cut < n; cut++)
            assert_false(columns_read(row_fields, ROW_FIELDS, out, sizeof(out[0]), 3, bytes, cut));
        assert_false(columns_read(row_fields, ROW_FIELDS, out, sizeof(out[0]), 3, bytes, n + 1));
    }
}

static void columns_of_all_widths(void **state)
{
    (void)state;
    struct row in[2] = {{250, 60000, {4000000000, 1}, -5}, {3, 2, {1, 4000000000}, 6}}, out[2] = {0};
    uint8_t bytes[256];
    size_t n = columns_write(row_fields, ROW_FIELDS, in, sizeof(in[0]), 2, bytes);
    assert_true(columns_read(row_fields, ROW_FIELDS, out, sizeof(out[0]), 2, bytes, n));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(in[i].one, out[i].one);
        assert_int_equal(in[i].two, out[i].two);
        assert_int_equal(in[i].four[0], out[i].four[0]);
        assert_int_equal(in[i].four[1], out[i].four[1]);
        assert_int_equal(in[i].eight, out[i].eight);
    }
    static const uint8_t wide[] = {5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t large[] = {1, 0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t unknown[] = {6};
    assert_false(columns_read(row_fields, 1, out, sizeof(out[0]), 2, wide, sizeof(wide)));
    assert_false(columns_read(row_fields, 1, out, sizeof(out[0]), 2, large, sizeof(large)));
    assert_false(columns_read(row_fields, 1, out, sizeof(out[0]), 2, unknown, sizeof(unknown)));
}

/* ---- images ---- */

/* When this fails, a table has got or lost a field: an image of before cannot be read any more. Raise IMAGE_LAYOUT with it. */
static void the_layout_has_a_number(void **state)
{
    (void)state;
    assert_int_equal(IMAGE_LAYOUT, 1);
    assert_true(ledger_image_fields() == UINT64_C(0x728907ea64f38083));
}

static void fill(struct world *world)
{
    world_init(world, &world_limits);
    world_step(world, "receive 100 A@LON 20 B@LON");
    world_step(world, "hold hold=H1 5 A@LON");
    world_step(world, "commit hold=H2 3 A@LON 1 B@LON");
}

/* Fields that follow each other without a gap but what aligns the next one: none is left out. */
static void all_fields_are_in_it(void **state)
{
    (void)state;
    size_t count;
    const struct image_form *forms = image_forms(&count);
    for (size_t form = 0; form < count; form++) {
        static uint8_t known[4096];
        assert_true(forms[form].struct_bytes <= sizeof(known));
        memset(known, 0, sizeof(known));
        for (size_t i = 0; i < forms[form].count && forms[form].struct_bytes != 0; i++) {
            const struct column *column = &forms[form].columns[i];
            for (size_t at = column->offset; at < column->offset + column->bytes * column->count; at++) {
                assert_int_equal(known[at], 0); /* once each */
                known[at] = 1;
            }
        }
        size_t gap = 0;
        for (size_t at = 0; at < forms[form].struct_bytes; at++) {
            gap = known[at] ? 0 : gap + 1;
            bool ends = gap > 0 && (at + 1 == forms[form].struct_bytes || known[at + 1]);
            if (gap >= 8 || (ends && ((at + 1) % 4 != 0 || (gap >= 4 && (at + 1) % 8 != 0))))
                fail_msg("table %zu has a field at %zu that is not in its image", form, at + 1 - gap);
        }
    }
}

struct chunk {
    size_t n;
    uint8_t bytes[4096];
};

static size_t chunks_of(const struct ledger *ledger, struct chunk *chunks, size_t most)
{
    static uint8_t bytes[IMAGE_CHUNK_BYTES_MAX];
    struct image_place place = {0};
    size_t count = 0, n;
    while ((n = ledger_image_write(ledger, &place, bytes)) != 0) {
        assert_true(count < most && n <= sizeof(chunks[0].bytes));
        chunks[count].n = n;
        memcpy(chunks[count++].bytes, bytes, n);
    }
    return count;
}

/* Every chunk cut at every byte, with another table, another place or another number of entries; out of order, and twice. */
static void what_is_no_chunk_is_damaged(void **state)
{
    (void)state;
    struct world world = {0};
    fill(&world);
    static struct chunk chunks[64];
    size_t count = chunks_of(world.ledger, chunks, 64);
    assert_true(count > 10);
    const char *limit = NULL;
    void *memory;
    struct ledger *fresh = world_ledger(&world_limits, &memory);
    assert_int_equal(ledger_image_end(fresh), STATUS_DAMAGED);
    assert_int_equal(ledger_image_read(fresh, chunks[1].bytes, chunks[1].n, &limit), STATUS_DAMAGED);
    assert_int_equal(ledger_image_read(fresh, chunks[0].bytes, chunks[0].n, &limit), STATUS_OK);
    assert_int_equal(ledger_image_read(fresh, chunks[0].bytes, chunks[0].n, &limit), STATUS_DAMAGED);
    for (size_t i = 1; i < count; i++) {
        for (size_t cut = 0; cut < chunks[i].n; cut++)
            assert_int_equal(ledger_image_read(fresh, chunks[i].bytes, cut, &limit), STATUS_DAMAGED);
        for (size_t at = 0; at < 16; at++) {
            struct chunk other = chunks[i];
            other.bytes[at] ^= 0x80;
            assert_int_equal(ledger_image_read(fresh, other.bytes, other.n, &limit), STATUS_DAMAGED);
        }
        assert_int_equal(ledger_image_read(fresh, chunks[i].bytes, chunks[i].n, &limit), STATUS_OK);
    }
    assert_null(limit);
    assert_int_equal(ledger_image_end(fresh), STATUS_OK);
    ledger_check(fresh);
    assert_true(ledger_state_hash(fresh) == ledger_state_hash(world.ledger));
    free(memory);
    world_deinit(&world);
}

/* A ledger that has less room than the one of the image says which limit to raise. */
static void too_little_room_names_the_limit(void **state)
{
    (void)state;
    struct world world = {0};
    fill(&world);
    static struct chunk chunks[64];
    (void)chunks_of(world.ledger, chunks, 64);
    const struct {
        size_t offset;
        uint32_t most;
        const char *option;
    } rows[] = {{offsetof(struct ledger_limits, item_count_max), 1, "--items-max"},
                {offsetof(struct ledger_limits, cell_count_max), 1, "--cells-max"},
                {offsetof(struct ledger_limits, claim_count_max), 1, "--holds-max"},
                {offsetof(struct ledger_limits, claim_line_count_max), 2, "--hold-lines-max"},
                {offsetof(struct ledger_limits, id_count_max), 1023, "--id-capacity"}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct ledger_limits limits = world_limits;
        memcpy((uint8_t *)&limits + rows[r].offset, &rows[r].most, sizeof(uint32_t));
        const char *limit = NULL;
        void *memory;
        struct ledger *fresh = world_ledger(&limits, &memory);
        assert_int_equal(ledger_image_read(fresh, chunks[0].bytes, chunks[0].n, &limit), STATUS_FULL);
        assert_string_equal(limit, rows[r].option);
        free(memory);
    }
    world_deinit(&world);
}

static void an_empty_ledger_has_an_image(void **state)
{
    (void)state;
    void *memory, *copy_memory;
    struct ledger *ledger = world_ledger(&world_limits, &memory);
    struct ledger *copy = world_ledger(&world_limits, &copy_memory);
    const char *wrong = image_copy(ledger, copy);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    ledger_check(copy);
    free(memory);
    free(copy_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_narrow),
        cmocka_unit_test(columns_of_all_widths),
        cmocka_unit_test(the_layout_has_a_number),
        cmocka_unit_test(all_fields_are_in_it),
        cmocka_unit_test(what_is_no_chunk_is_damaged),
        cmocka_unit_test(too_little_room_names_the_limit),
        cmocka_unit_test(an_empty_ledger_has_an_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
