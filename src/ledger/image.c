#include "ledger/image.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.h"
#include "base/columns.h"
#include "ledger/state.h"

/* u16 table, u16 0, u32 entries, u64 the first of them. */
#define CHUNK_HEADER_BYTES 16
/* Of structs in one chunk: they stay in the nearer caches while column after column is taken from them. */
#define CHUNK_STRUCT_BYTES ((size_t)256 << 10)
#define CHUNK_ENTRIES_MAX  8192

/* ---- fields ---- */

#define SIZE(type, member) ((uint32_t)sizeof(((struct type *)0)->member))
#define F(type, member) {(uint32_t)offsetof(struct type, member), SIZE(type, member), 1}
/* All elements of an array. */
#define A(type, member)                                                                                                \
    {(uint32_t)offsetof(struct type, member), SIZE(type, member[0]), SIZE(type, member) / SIZE(type, member[0])}
/* A struct of 32-bit numbers alone, or an array of such. */
#define W(type, member) {(uint32_t)offsetof(struct type, member), 4, SIZE(type, member) / 4}

/* Of a part of struct ledger. */
#define INDEX(member)                                                                                                  \
    F(ledger, member.overflow_count), F(ledger, member.overflow_free), F(ledger, member.level), F(ledger, member.split), \
        F(ledger, member.count)
#define POOL(member)  F(ledger, member.unit_count), A(ledger, member.free_heads)
#define NAMES(space)                                                                                                   \
    F(ledger, names[space].bytes_used), F(ledger, names[space].count), F(ledger, names[space].retired_count),          \
        INDEX(names[space].index)
#define DOCUMENTS(kind)                                                                                                \
    F(ledger, documents[kind].entry_count), F(ledger, documents[kind].entry_free), F(ledger, documents[kind].open),    \
        F(ledger, documents[kind].kept), INDEX(documents[kind].index), POOL(documents[kind].names),                    \
        F(ledger, documents[kind].closed_first), F(ledger, documents[kind].closed_last)

/* The ledger's own: above all how many entries the tables have. */
static const struct column ledger_fields[] = {
    F(ledger, now_us), F(ledger, last_seq), F(ledger, id_window_ms), F(ledger, id_capacity), F(ledger, strict),
    F(ledger, retired_count), F(ledger, bin_count), F(ledger, shortfall_count), F(ledger, entries_hash),
    NAMES(NAME_ITEM), NAMES(NAME_LOCATION), NAMES(NAME_SOURCE), NAMES(NAME_CHANNEL),
    F(ledger, closed_us), F(ledger, closed_seq), F(ledger, listening_us),
    F(ledger, watches.count), F(ledger, watches.due_us), F(ledger, watches.of_all), F(ledger, silent_count),
    POOL(configs.bodies), F(ledger, configs.alias_count), F(ledger, configs.alias_free), F(ledger, configs.alias_live),
    INDEX(configs.alias_index),
    F(ledger, cell_count), F(ledger, extra_count), INDEX(cell_index),
    F(ledger, claims.entry_count), F(ledger, claims.entry_free), F(ledger, claims.entry_live), F(ledger, claims.entry_kept),
    F(ledger, claims.line_count), F(ledger, claims.line_free), F(ledger, claims.line_free_count), INDEX(claims.index),
    POOL(claims.texts), F(ledger, claims.heap_count), F(ledger, claims.ended_first), F(ledger, claims.ended_last),
    F(ledger, parts.count), F(ledger, parts.free_first), F(ledger, parts.free_count),
    DOCUMENTS(DOCUMENT_TRANSFER), DOCUMENTS(DOCUMENT_EXPECTATION),
    F(ledger, document_lines.count), F(ledger, document_lines.free), F(ledger, document_lines.free_count),
    F(ledger, marks.count), F(ledger, marks.free_first), F(ledger, marks.live), F(ledger, marks.recent_first),
    F(ledger, marks.recent_last),
    F(ledger, reviews.count), F(ledger, reviews.free_first), F(ledger, reviews.live), F(ledger, reviews.open),
    F(ledger, reviews.closed_first), F(ledger, reviews.closed_last), INDEX(reviews.index),
    F(ledger, statements.count), INDEX(statements.index),
    F(ledger, ids.first), F(ledger, ids.next),
    F(ledger, quota_count), F(ledger, offer_count), INDEX(offer_index),
};
/* Behind a pointer of the ledger. */
static const struct column pending_fields[] = {F(pending, served.count), F(pending, shorts.count)};

static const struct column item_fields[] = {
    A(item, accounts), F(item, account_seq), F(item, config_seq), F(item, first_cell), F(item, scale), F(item, first_part),
    F(item, first_use), W(item, config),
};
static const struct column location_fields[] = {
    F(location, config_seq), W(location, config), F(location, parent), F(location, children), F(location, cells),
    F(location, node), F(location, bins), F(location, no_promise), F(location, shortfall.count),
    A(location, shortfall.criteria), F(location, withheld),
};
static const struct column source_fields[] = {
    F(source, seq_mark), F(source, config_seq), W(source, config), F(source, aliases), F(source, ordered), F(source, strict),
    F(source, has_expires_in), F(source, default_condition), F(source, expires_in_ms), F(source, age_limit_ms),
    F(source, count_limit.has_units), F(source, count_limit.has_percent), F(source, count_limit.units),
    F(source, count_limit.percent), F(source, max_change.has_units), F(source, max_change.has_percent),
    F(source, max_change.units), F(source, max_change.percent), F(source, set_name), F(source, set_seq),
    F(source, set_closed), F(source, pair), F(source, has_policies), F(source, statement_first), F(source, drift_count),
    F(source, snapshot_policy), F(source, silence_after_s), F(source, watch_place), F(source, heard_us),
    F(source, silent_since_us), F(source, decided_us),
};
static const struct column alias_fields[] = {F(alias, item), F(alias, source), F(alias, offset), F(alias, length)};
static const struct column part_fields[] = {
    F(kit_part, kit), F(kit_part, component), F(kit_part, next_of_kit), F(kit_part, next_of_component), F(kit_part, units),
};
static const struct column cell_fields[] = {
    F(cell, item), F(cell, location), F(cell, next_of_item), F(cell, extra), A(cell, units), F(cell, version),
    F(cell, last_seq), F(cell, oldest_us), F(cell, hash),
};
static const struct column ladder_fields[] = {A(ladder, seqs), A(ladder, oldest_us), F(ladder, hash)};
_Static_assert(QUEUE_COUNT == 2, "the links of both queues are named below");
#define LINKS(i)                                                                                                       \
    F(claim_line, links[i].next), F(claim_line, links[i].previous), F(claim_line, links[i].in)
static const struct column extra_fields[] = {
    F(cell_extra, cell), F(cell_extra, quota_first), A(cell_extra, units), W(cell_extra, due), W(cell_extra, queues),
    F(cell_extra, mark_first), F(cell_extra, pending), F(cell_extra, short_pending), F(cell_extra, low),
};
static const struct column quota_fields[] = {
    F(quota, cell), F(quota, channel), F(quota, next), F(quota, units), F(quota, last_seq),
};
static const struct column channel_fields[] = {
    F(channel, config_seq), F(channel, priority), F(channel, rank), F(channel, shares_rest), F(channel, has_cap),
    F(channel, buffer), F(channel, cap), F(channel, place_count), A(channel, places), F(channel, offer_first),
    F(channel, offer_last), F(channel, former), F(channel, latter), F(channel, claims_live),
};
static const struct column offer_fields[] = {
    F(offer, channel), F(offer, item), F(offer, has_buffer), F(offer, has_cap), F(offer, changed_turn), F(offer, buffer),
    F(offer, cap), F(offer, config_seq), F(offer, free), F(offer, ats), F(offer, changed_seq), F(offer, next),
    F(offer, previous),
};
static const struct column claim_fields[] = {
    F(claim, number), W(claim, name), W(claim, holder), W(claim, channel), F(claim, expires_at_us), F(claim, ended_at_us),
    F(claim, last_seq), F(claim, texts_hash), F(claim, first_line), F(claim, last_line), F(claim, heap_place),
    F(claim, ended_next), F(claim, ended_previous), F(claim, state), F(claim, priority), F(claim, paid), F(claim, partial),
    F(claim, at.form), F(claim, at.us),
};
static const struct column claim_line_fields[] = {
    F(claim_line, claim), F(claim_line, cell), F(claim_line, next), F(claim_line, cell_next), F(claim_line, cell_previous),
    A(claim_line, units), F(claim_line, lapsed), F(claim_line, last_seq), LINKS(QUEUE_BACKORDERED), LINKS(QUEUE_WAITING),
};
static const struct column document_fields[] = {
    F(document, number), W(document, name), F(document, closed_at_us), F(document, last_seq), F(document, from),
    F(document, to), F(document, first_line), F(document, last_line), F(document, closed_next),
    F(document, closed_previous), F(document, direction),
};
static const struct column document_line_fields[] = {
    F(document_line, document), F(document_line, cell), F(document_line, next), F(document_line, due_next),
    F(document_line, due_previous), F(document_line, due_list), F(document_line, kind), F(document_line, units),
    F(document_line, when.form), F(document_line, when.us), F(document_line, last_seq),
};
static const struct column mark_fields[] = {
    F(mark, seq), F(mark, cell), F(mark, next), F(mark, recent_next), F(mark, recent_previous), F(mark, condition),
    F(mark, includes_picked), F(mark, net), F(mark, recent), F(mark, from_us), F(mark, to_us), F(mark, recorded_us),
    F(mark, variance), F(mark, uncertain),
};
static const struct column review_fields[] = {
    F(review, number), F(review, source), F(review, next), F(review, kind), F(review, brake), F(review, accepted),
    F(review, recorded_us), F(review, closed_us), F(review, last_seq),
};
static const struct column statement_fields[] = {
    F(statement, seq), F(statement, source), F(statement, cell), F(statement, next_of_source), F(statement, condition),
    F(statement, said), F(statement, policy), F(statement, net), F(statement, shelf), F(statement, settled),
    F(statement, seen_position), F(statement, seen_us), F(statement, stated), F(statement, books), F(statement, agreed.seq),
    F(statement, agreed.seen_position), F(statement, agreed.seen_us), F(statement, asked_seq), F(statement, asked_us),
};
static const struct column id_fields[] = {
    F(id_entry, hash.low), F(id_entry, hash.high), F(id_entry, fingerprint), F(id_entry, last_seq),
};
/* Tables of plain numbers. */
static const struct column bytes_field[] = {{0, 1, 1}};
static const struct column number_field[] = {{0, 4, 1}};
static const struct column long_field[] = {{0, 8, 1}};
static const struct column unit_fields[] = {{0, 8, BLOCKPOOL_UNIT_BYTES / 8}};
_Static_assert(BLOCKPOOL_UNIT_BYTES == TEXTPOOL_UNIT_BYTES && BLOCKPOOL_UNIT_BYTES % 8 == 0, "one form serves both pools");
static const struct column bucket_fields[] = {{0, 4, TABLE_BUCKET_BYTES / 4}};
static const struct column places_fields[] = {{0, 8, CHANNEL_WORDS}};

/* ---- tables ---- */

/* X(name, fields, bytes of the struct; 0: it has more than these) */
#define FORM_MAP(X)                                                                                                    \
    X(LEDGER, ledger_fields, 0)                                                                                        \
    X(PENDING, pending_fields, 0)                                                                                      \
    X(ITEM, item_fields, sizeof(struct item))                                                                          \
    X(LOCATION, location_fields, sizeof(struct location))                                                              \
    X(SOURCE, source_fields, sizeof(struct source))                                                                    \
    X(ALIAS, alias_fields, sizeof(struct alias))                                                                       \
    X(PART, part_fields, sizeof(struct kit_part))                                                                      \
    X(CELL, cell_fields, sizeof(struct cell))                                                                          \
    X(LADDER, ladder_fields, sizeof(struct ladder))                                                                    \
    X(EXTRA, extra_fields, sizeof(struct cell_extra))                                                                  \
    X(QUOTA, quota_fields, sizeof(struct quota))                                                                       \
    X(CHANNEL, channel_fields, sizeof(struct channel))                                                                 \
    X(OFFER, offer_fields, sizeof(struct offer))                                                                       \
    X(CLAIM, claim_fields, sizeof(struct claim))                                                                       \
    X(CLAIM_LINE, claim_line_fields, sizeof(struct claim_line))                                                        \
    X(DOCUMENT, document_fields, sizeof(struct document))                                                              \
    X(DOCUMENT_LINE, document_line_fields, sizeof(struct document_line))                                               \
    X(MARK, mark_fields, sizeof(struct mark))                                                                          \
    X(REVIEW, review_fields, sizeof(struct review))                                                                    \
    X(STATEMENT, statement_fields, sizeof(struct statement))                                                           \
    X(ID, id_fields, sizeof(struct id_entry))                                                                          \
    X(BYTES, bytes_field, 1)                                                                                           \
    X(NUMBER, number_field, 4)                                                                                         \
    X(LONG, long_field, 8)                                                                                             \
    X(UNIT, unit_fields, BLOCKPOOL_UNIT_BYTES)                                                                         \
    X(BUCKET, bucket_fields, TABLE_BUCKET_BYTES)                                                                       \
    X(PLACES, places_fields, CHANNEL_WORDS * 8)
enum form {
#define X(name, fields, bytes) FORM_##name,
    FORM_MAP(X)
#undef X
        FORM_COUNT
};
static const struct image_form forms[FORM_COUNT] = {
#define X(name, fields, bytes) {fields, sizeof(fields) / sizeof((fields)[0]), bytes},
    FORM_MAP(X)
#undef X
};

#define X(name, fields, bytes) _Static_assert((bytes) <= CHUNK_STRUCT_BYTES, "a chunk has room for one entry at least");
FORM_MAP(X)
#undef X
_Static_assert(sizeof(struct ledger) <= CHUNK_STRUCT_BYTES && sizeof(struct pending) <= CHUNK_STRUCT_BYTES,
               "and for the ledger's own fields");

const struct image_form *image_forms(size_t *out_count)
{
    *out_count = FORM_COUNT;
    return forms;
}

#define INDEX_TABLES  2 /* of an index: its buckets, and those that continue them */
#define NAME_TABLES   (3 + INDEX_TABLES)
#define TABLES_BEFORE (2 + NAME_SPACE_COUNT * NAME_TABLES + 35 + 7 * INDEX_TABLES)
#define TABLES_MAX    (TABLES_BEFORE + PART_HASHED)

struct image_table {
    enum form form;
    void *entries;
    size_t stride;
    uint64_t count, count_max;
    const char *limit; /* the option that names count_max */
    /* Of a ring, else 0: where entry 0 lies, and how many places there are. It has a multiple of `step` places, and a chunk does not go
     * over such a multiple, so that where chunks end does not depend on its size. */
    uint64_t start, places, step;
};

struct image_tables {
    struct image_table tables[TABLES_MAX];
    uint32_t count;
};

static void add(struct image_tables *to, enum form form, void *entries, size_t stride, uint64_t count, uint64_t count_max,
                const char *limit)
{
    CHECK(to->count < TABLES_MAX);
    to->tables[to->count++] = (struct image_table){form, entries, stride, count, count_max, limit, 0, 0, 0};
}

/* An array of the form's own structs. */
#define ADD(form, array, count, most, limit) add(to, FORM_##form, (array), sizeof(*(array)), (count), (most), (limit))

static void add_index(struct image_tables *to, const struct table *index, const char *limit)
{
    struct table_memory memory = table_memory(index);
    add(to, FORM_BUCKET, memory.buckets, TABLE_BUCKET_BYTES, memory.bucket_count, memory.bucket_count_max, limit);
    add(to, FORM_BUCKET, memory.overflow, TABLE_BUCKET_BYTES, index->overflow_count, index->overflow_max, limit);
}

static void add_names(struct image_tables *to, struct names *names, const char *limit)
{
    ADD(LONG, names->entries, names->count, names->count_max, limit);
    ADD(BYTES, names->bytes, names->bytes_used, (uint64_t)names->count_max * NAME_BYTES_MAX, limit);
    ADD(BYTES, (uint8_t *)names->retired, names->count, names->count_max, limit);
    add_index(to, &names->index, limit);
}

static void add_claims(struct image_tables *to, struct ledger *ledger)
{
    struct claims *claims = &ledger->claims;
    const struct ledger_limits *limits = &ledger->limits;
    ADD(CLAIM, claims->entries, claims->entry_count, limits->claim_count_max, "--holds-max");
    ADD(CLAIM_LINE, claims->lines, claims->line_count, limits->claim_line_count_max, "--hold-lines-max");
    add_index(to, &claims->index, "--holds-max");
    add(to, FORM_UNIT, claims->texts.units, TEXTPOOL_UNIT_BYTES, claims->texts.unit_count, claims->texts.unit_count_max,
        "--holds-max");
    ADD(NUMBER, claims->cell_lines, ledger->cell_count, limits->cell_count_max, "--cells-max");
    ADD(NUMBER, claims->heap, claims->heap_count, limits->claim_count_max, "--holds-max");
    ADD(LONG, ledger->pending->unserved, claims->entry_count, limits->claim_count_max, "--holds-max");
}

static void add_documents(struct image_tables *to, struct documents *documents, const char *limit)
{
    ADD(DOCUMENT, documents->entries, documents->entry_count, documents->count_max, limit);
    add_index(to, &documents->index, limit);
    add(to, FORM_UNIT, documents->names.units, TEXTPOOL_UNIT_BYTES, documents->names.unit_count,
        documents->names.unit_count_max, limit);
}

/* Of the table added last. */
static void make_ring(struct image_tables *to, uint64_t start, uint64_t places, uint64_t step)
{
    struct image_table *table = &to->tables[to->count - 1];
    table->start = start;
    table->places = places;
    table->step = step;
}

/* The ids that are kept, oldest first, wherever in the ring they lie: its size is the program's. */
static void add_ids(struct image_tables *to, struct ledger *ledger)
{
    struct ids *ids = &ledger->ids;
    uint64_t blocks = ids->first == ids->next ? 0 : (ids->next - 1) / ID_BLOCK - ids->first / ID_BLOCK + 1;
    uint64_t ring_blocks = ids->ring_count / ID_BLOCK;
    ADD(ID, ids->ring, ids->next - ids->first, ids->ring_count - ID_BLOCK, "--id-capacity");
    make_ring(to, ids->first % ids->ring_count, ids->ring_count, ID_BLOCK);
    ADD(LONG, ids->block_us, blocks, ring_blocks, "--id-capacity");
    make_ring(to, ids->first / ID_BLOCK % ring_blocks, ring_blocks, 1);
}

/* The tables with entries: how many, the ledger's own fields say. */
static void add_tables(struct image_tables *to, struct ledger *ledger)
{
    const struct ledger_limits *limits = &ledger->limits;
    static const char *const name_limits[NAME_SPACE_COUNT] = {
        [NAME_ITEM] = "--items-max", [NAME_LOCATION] = "--locations-max", [NAME_SOURCE] = "--sources-max",
        [NAME_CHANNEL] = "the number of channels"};
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++)
        add_names(to, &ledger->names[space], name_limits[space]);
    uint32_t items = ledger->names[NAME_ITEM].count;
    uint32_t locations = ledger->names[NAME_LOCATION].count;
    uint32_t sources = ledger->names[NAME_SOURCE].count;
    ADD(ITEM, ledger->items, items, limits->item_count_max, "--items-max");
    ADD(LOCATION, ledger->locations, locations, limits->location_count_max, "--locations-max");
    add(to, FORM_PLACES, ledger->location_channels, CHANNEL_WORDS * sizeof(uint64_t), locations,
        limits->location_count_max, "--locations-max");
    ADD(SOURCE, ledger->sources, sources, limits->source_count_max, "--sources-max");
    ADD(NUMBER, ledger->watches.heap, ledger->watches.count, limits->source_count_max, "--sources-max");
    add(to, FORM_UNIT, ledger->configs.bodies.units, BLOCKPOOL_UNIT_BYTES, ledger->configs.bodies.unit_count,
        ledger->configs.bodies.unit_count_max, "--config-mib");
    ADD(ALIAS, ledger->configs.aliases, ledger->configs.alias_count, limits->alias_count_max, "--aliases-max");
    add_index(to, &ledger->configs.alias_index, "--aliases-max");
    ADD(PART, ledger->parts.entries, ledger->parts.count, limits->part_count_max, "--parts-max");
    ADD(CELL, ledger->cells, ledger->cell_count, limits->cell_count_max, "--cells-max");
    ADD(LADDER, ledger->ladders, ledger->cell_count, limits->cell_count_max, "--cells-max");
    ADD(EXTRA, ledger->extras, ledger->extra_count, limits->cell_count_max, "--cells-max");
    add_index(to, &ledger->cell_index, "--cells-max");
    ADD(CHANNEL, ledger->channels, ledger->names[NAME_CHANNEL].count, CHANNELS_MAX, "the number of channels");
    ADD(QUOTA, ledger->quotas, ledger->quota_count, limits->quota_count_max, "--quotas-max");
    ADD(OFFER, ledger->offers, ledger->offer_count, limits->offer_count_max, "--offers-max");
    add_index(to, &ledger->offer_index, "--offers-max");
    add_claims(to, ledger);
    add_documents(to, &ledger->documents[DOCUMENT_TRANSFER], "--transfers-max");
    add_documents(to, &ledger->documents[DOCUMENT_EXPECTATION], "--expectations-max");
    ADD(DOCUMENT_LINE, ledger->document_lines.entries, ledger->document_lines.count, limits->document_line_count_max,
        "--document-lines-max");
    ADD(MARK, ledger->marks.entries, ledger->marks.count, limits->mark_count_max, "--counts-max");
    ADD(REVIEW, ledger->reviews.entries, ledger->reviews.count, limits->review_count_max, "--reviews-max");
    add_index(to, &ledger->reviews.index, "--reviews-max");
    ADD(STATEMENT, ledger->statements.entries, ledger->statements.count, limits->statement_count_max, "--statements-max");
    add_index(to, &ledger->statements.index, "--statements-max");
    ADD(NUMBER, ledger->pending->served.cells, ledger->pending->served.count, limits->cell_count_max, "--cells-max");
    ADD(NUMBER, ledger->pending->shorts.cells, ledger->pending->shorts.count, limits->cell_count_max, "--cells-max");
    add_ids(to, ledger);
    for (unsigned part = 0; part < PART_ID; part++) {
        uint64_t most = part_blocks_max(limits, (enum state_part)part);
        ADD(LONG, ledger->block_hashes[part],
            ((uint64_t)part_count(ledger, (enum state_part)part) + BLOCK_ENTRIES - 1) / BLOCK_ENTRIES, most, "a table");
    }
}

/* Of the whole ledger, by its present counts. The ledger's own fields come first, for the others need them. */
static void image_tables(const struct ledger *ledger, struct image_tables *out_tables)
{
    struct ledger *l = (struct ledger *)(uintptr_t)ledger; /* who writes an image changes nothing */
    out_tables->count = 0;
    struct image_tables *to = out_tables;
    ADD(LEDGER, l, 1, 1, NULL);
    ADD(PENDING, l->pending, 1, 1, NULL);
    add_tables(out_tables, l);
}

/* ---- writing ---- */

static uint64_t chunk_entries(const struct image_table *table, uint64_t first)
{
    uint64_t n = CHUNK_STRUCT_BYTES / table->stride;
    n = n > CHUNK_ENTRIES_MAX ? CHUNK_ENTRIES_MAX : n;
    n = n > table->count - first ? table->count - first : n;
    if (table->places != 0) {
        uint64_t to_end = table->step - (table->start + first) % table->step;
        n = n > to_end ? to_end : n;
    }
    return n;
}

static void *entry_at(const struct image_table *table, uint64_t entry)
{
    uint64_t at = table->places == 0 ? entry : (table->start + entry) % table->places;
    return (uint8_t *)table->entries + at * table->stride;
}

size_t ledger_image_write(const struct ledger *ledger, struct image_place *place, uint8_t *out_bytes)
{
    struct image_tables tables;
    image_tables(ledger, &tables);
    while (place->table < tables.count) {
        const struct image_table *table = &tables.tables[place->table];
        if (place->entry >= table->count) {
            *place = (struct image_place){place->table + 1, 0};
            continue;
        }
        uint64_t n = chunk_entries(table, place->entry);
        size_t bytes = columns_write(forms[table->form].columns, forms[table->form].count, entry_at(table, place->entry),
                                     table->stride, n, out_bytes + CHUNK_HEADER_BYTES);
        put_u16(out_bytes, (uint16_t)place->table);
        put_u16(out_bytes + 2, 0);
        put_u32(out_bytes + 4, (uint32_t)n);
        put_u64(out_bytes + 8, place->entry);
        place->entry += n;
        if (bytes != 0)
            return CHUNK_HEADER_BYTES + bytes;
    }
    return 0;
}

/* ---- reading ---- */

/* NULL when all that the ledger's own fields count has room; else the limit that is too low. */
static const char *limit_too_low(const struct image_tables *tables, const struct ledger *ledger)
{
    for (uint32_t i = 0; i < tables->count; i++)
        if (tables->tables[i].count > tables->tables[i].count_max)
            return tables->tables[i].limit;
    return ledger->id_capacity > ledger->limits.id_count_max ? "--id-capacity" : NULL;
}

/* Some are not 0 in a ledger that was just made. */
static void clear_fields(struct ledger *ledger)
{
    for (size_t i = 0; i < forms[FORM_LEDGER].count; i++) {
        const struct column *column = &ledger_fields[i];
        memset((uint8_t *)ledger + column->offset, 0, (size_t)column->bytes * column->count);
    }
}

enum status ledger_image_read(struct ledger *ledger, const uint8_t *bytes, size_t n, const char **out_limit)
{
    if (n < CHUNK_HEADER_BYTES)
        return STATUS_DAMAGED;
    uint32_t number = get_u16(bytes);
    uint64_t count = get_u32(bytes + 4);
    uint64_t first = get_u64(bytes + 8);
    bool begun = ledger->image_begun; /* what the tables have is known */
    if (begun == (number == 0))
        return STATUS_DAMAGED;
    struct image_tables tables;
    image_tables(ledger, &tables);
    if (number >= tables.count || get_u16(bytes + 2) != 0)
        return STATUS_DAMAGED;
    const struct image_table *table = &tables.tables[number];
    if (first >= table->count || count != chunk_entries(table, first))
        return STATUS_DAMAGED;
    if (number == 0)
        clear_fields(ledger);
    if (!columns_read(forms[table->form].columns, forms[table->form].count, entry_at(table, first), table->stride, count,
                      bytes + CHUNK_HEADER_BYTES, n - CHUNK_HEADER_BYTES))
        return STATUS_DAMAGED;
    if (number > 1)
        return STATUS_OK;
    /* They say how many entries there are to come: all others are held against it. */
    ledger->image_begun = true;
    image_tables(ledger, &tables);
    *out_limit = limit_too_low(&tables, ledger);
    return *out_limit == NULL ? STATUS_OK : STATUS_FULL;
}

enum status ledger_image_end(struct ledger *ledger)
{
    if (!ledger->image_begun)
        return STATUS_DAMAGED;
    ledger->image_begun = false;
    ids_index(ledger);
    return STATUS_OK;
}

/* ---- the layout ---- */

uint64_t ledger_image_fields(void)
{
    uint64_t sum = 0;
    for (size_t form = 0; form < FORM_COUNT; form++) {
        for (size_t i = 0; i < forms[form].count; i++) {
            const struct column *column = &forms[form].columns[i];
            const uint64_t words[] = {form, i, column->bytes, column->count};
            uint8_t bytes[sizeof(words)];
            for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
                put_u64(bytes + 8 * k, words[k]);
            sum = XXH3_64bits_withSeed(bytes, sizeof(bytes), sum);
        }
    }
    return sum;
}
