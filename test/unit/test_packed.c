/*
 * Goal: a packed segment says what the raw one said, byte for byte, and takes a fraction of its place; nothing in it can turn
 * unseen; and whenever packing ends, by failure or crash, the journal is what it was.
 * Method: journals of lonely commands and of large groups in a directory in memory. They are packed step by step, and read at
 * every layer beside copies that were not; bits are turned, files cut, the n-th call fails for every n. Then real files, with the
 * thread that packs, and readers beside it.
 */
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../world/memory_env.h"
#include "base/crc32c.h"
#include "base/prng.h"
#include "journal/cold.h"
#include "journal/index.h"
#include "journal/journal.h"
#include "journal/repair.h"
#include "journal/segment_file.h"

#define PATH    "journal"
#define LONELY  2100 /* commands that fill a segment of a megabyte alone */
#define GROUPED 220  /* commands of one large group */

static struct memory_file *must_find(struct memory_env *world, const char *name)
{
    struct memory_file *file = memory_find(world, name);
    CHECK(file != NULL);
    return file;
}

/* ---- journals ---- */

/* A decision that follows from its number alone, its meta from its length. */
static void append(struct journal *journal, uint64_t seq, uint32_t meta_bytes)
{
    static char meta[1024];
    char id[24];
    tail_offset offset;
    struct event event = {.seq = seq,
                          .type = EVENT_SALE,
                          .item = (uint32_t)(seq % 97),
                          .location = 1,
                          .other_location = NUMBER_NONE,
                          .quantity = 2,
                          .condition = CONDITION_SELLABLE,
                          .to_condition = CONDITION_NONE,
                          .account = ACCOUNT_CUSTOMER,
                          .version = seq,
                          .expires_at_us = TIME_NONE};
    event.figures.units[0] = (int64_t)seq;
    int n = snprintf(id, sizeof(id), "order-%llu", (unsigned long long)seq);
    struct decision decision = {.kind = KIND_SALE,
                                .source = 1,
                                .id = text_of(id, (size_t)n),
                                .fingerprint = (seq + 1) * UINT64_C(0x9e3779b97f4a7c15),
                                .recorded_at_us = (int64_t)seq * 731,
                                .occurred_at_us = (int64_t)seq * 731,
                                .first_seq = seq,
                                .event_count = 1,
                                .events = &event};
    memset(meta, 'a' + (int)(seq % 7), sizeof(meta));
    if (meta_bytes > 0)
        decision.meta = text_of(meta, meta_bytes);
    journal_append(journal, &decision, &offset);
}

static struct journal_options options_of(const struct env *env, size_t raw_segments)
{
    return (struct journal_options){.env = env,
                                    .path = PATH,
                                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                    .tail_bytes = 1,
                                    .raw_segments = raw_segments,
                                    .fill_on_writer = true};
}

static struct journal *must_open(const struct journal_options *options)
{
    struct journal_report report;
    struct journal *journal = NULL;
    enum status status = journal_open(options, NULL, &journal, &report);
    if (status != STATUS_OK)
        fail_msg("open: %s: %s", status_text(status), report.problem);
    return journal;
}

static void write_lonely(struct journal *journal, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        append(journal, journal_durable_seq(journal) + 1, 0);
        assert_int_equal(journal_flush(journal), STATUS_OK);
    }
}

static void write_grouped(struct journal *journal, unsigned groups)
{
    for (unsigned i = 0; i < groups; i++) {
        uint64_t seq = journal_durable_seq(journal) + 1;
        for (unsigned k = 0; k < GROUPED; k++)
            append(journal, seq + k, 900);
        journal_append_tick(journal, (int64_t)(seq + GROUPED) * 731);
        assert_int_equal(journal_flush(journal), STATUS_OK);
        if (journal_append_seal(journal))
            assert_int_equal(journal_flush(journal), STATUS_OK);
    }
}

/* Segments of large groups, one of lonely commands, and large groups again: five, the last not full. */
static void journal_make(struct memory_env *world)
{
    memory_env_init(world);
    const struct journal_options options = options_of(&world->env, 0);
    struct journal *journal = must_open(&options);
    write_grouped(journal, 6);
    write_lonely(journal, LONELY);
    write_grouped(journal, 8);
    assert_true(journal_counters(journal).segments >= 4);
    journal_close(journal);
}

/* ---- what a journal says ---- */

struct digest {
    uint64_t sum, decisions;
    uint8_t bytes[RECORD_BYTES_MAX];
};
static struct digest digest;

static void digest_bytes(const void *bytes, size_t n)
{
    const struct siphash_key key = {digest.sum, n};
    digest.sum = siphash64(&key, bytes, n);
}

static void digest_decision(void *context, const struct decision *decision)
{
    (void)context;
    struct writer w = writer_of(digest.bytes, sizeof(digest.bytes));
    if (decision->kind == KIND_TICK)
        record_write_tick(&w, decision->recorded_at_us);
    else
        record_write_decision(&w, decision);
    assert_false(w.full);
    digest_bytes(digest.bytes, writer_bytes(&w));
    digest.decisions++;
}

static const struct journal_replay digesting = {.decision = digest_decision};

static enum status look(struct memory_env *world, struct journal_report *report)
{
    digest.sum = digest.decisions = 0;
    return journal_verify(&world->env, PATH, &digesting, report);
}

static uint64_t must_look(struct memory_env *world)
{
    struct journal_report report;
    enum status status = look(world, &report);
    if (status != STATUS_OK)
        fail_msg("verify: %s: %s", status_text(status), report.problem);
    return digest.sum;
}

/* The names of the segments, in order. */
static unsigned segments_of(const struct memory_env *world, const char *out_names[MEMORY_FILES_MAX])
{
    unsigned count = 0;
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        const char *name = world->files[i].name;
        if (world->files[i].bytes == NULL || strlen(name) != SEGMENT_NAME_BYTES - 1)
            continue;
        unsigned at = count++;
        for (; at > 0 && strcmp(out_names[at - 1], name) > 0; at--)
            out_names[at] = out_names[at - 1];
        out_names[at] = name;
    }
    return count;
}

static bool is_packed(struct memory_env *world, const char *name)
{
    return packed_is(must_find(world, name)->bytes);
}

static struct env_directory *directory_of(struct memory_env *world)
{
    struct env_directory *directory = NULL;
    assert_int_equal(world->env.directory_open(world, PATH, false, false, &directory), STATUS_OK);
    return directory;
}

/* Reads decisions of events from `from` on, and checks that they are those of append. */
static void check_read(struct journal *journal, uint64_t from, size_t piece)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    size_t n = 0;
    uint64_t seq = from;
    assert_int_equal(journal_read(journal, from, TAIL_UNKNOWN, false, bytes, piece, &n), STATUS_OK);
    for (size_t at = 0; at < n; at += get_u32(bytes + at), seq++) {
        struct reader r = reader_of(bytes + at + 5, get_u32(bytes + at) - 5);
        assert_int_equal(read_varint(&r), 1);
        assert_int_equal(read_varint(&r), seq);
    }
    assert_true(seq > from);
}

/* ---- reading ---- */

static void a_packed_segment_says_what_the_raw_one_said(void **state)
{
    (void)state;
    static struct memory_env world, raw;
    const char *names[MEMORY_FILES_MAX];
    journal_make(&world);
    memory_env_init(&raw);
    memory_env_copy(&raw, &world);
    uint64_t before = must_look(&world);
    const struct journal_options options = options_of(&world.env, 1);
    struct journal *journal = must_open(&options);
    unsigned count = segments_of(&world, names);
    unsigned packed = 0;
    uint64_t last_seq = journal_durable_seq(journal);
    for (enum status status = STATUS_OK; (status = journal_pack(journal)) != STATUS_END; packed++) {
        assert_int_equal(status, STATUS_OK);
        for (uint64_t from = 1; from <= last_seq; from += 487) {
            check_read(journal, from, 8192);
            check_read(journal, last_seq + 1 - from, 300000);
        }
    }
    assert_int_equal(packed, count - 1);
    struct journal_counters counters = journal_counters(journal);
    assert_int_equal(counters.packed, packed);
    assert_int_equal(counters.pack_failures, 0);
    assert_true(counters.packed_bytes < counters.packed_raw_bytes / 4);
    /* A replay that goes on from one to the next, in pieces. */
    digest.sum = 0;
    struct journal_place place = JOURNAL_BEGIN;
    for (uint64_t until = 100; until < last_seq + 100; until += 100)
        assert_int_equal(journal_replay_until(journal, &place, INT64_MAX, until < last_seq ? until : UINT64_MAX, &digesting,
                                              NULL),
                         STATUS_OK);
    assert_int_equal(digest.sum, before);
    journal_close(journal);
    assert_int_equal(must_look(&world), before);

    struct env_directory *directory = directory_of(&world);
    assert_int_equal(segments_of(&world, names), count);
    for (unsigned i = 0; i < count; i++) {
        struct segment_file *file = NULL;
        uint64_t size = 0;
        static uint8_t bytes[3 << 20];
        size_t n = 0;
        assert_int_equal(segment_file_open(&world.env, directory, names[i], &file), STATUS_OK);
        assert_int_equal(segment_file_packed(file), i + 1 < count);
        assert_int_equal(segment_file_size(file, &size), STATUS_OK);
        const struct memory_file *was = must_find(&raw, names[i]);
        assert_int_equal(segment_file_read(file, 0, bytes, sizeof(bytes), &n), STATUS_OK);
        assert_int_equal(n, size);
        assert_memory_equal(bytes, was->bytes, n);
        for (size_t at = n; at < was->n; at++)
            assert_int_equal(was->bytes[at], 0);
        for (uint64_t at = 0; i + 1 < count && at < size; at += 4999) {
            assert_int_equal(segment_file_read(file, size - at - 1, bytes, 777, &n), STATUS_OK);
            assert_int_equal(n, at + 1 < 777 ? at + 1 : 777);
            assert_memory_equal(bytes, was->bytes + (size - at - 1), n);
        }
        if (i + 1 < count) { /* the blocks are an index */
            const struct packed_trailer *trailer = segment_file_trailer(file);
            struct frame frame;
            struct packed_entry entry = segment_file_find(file, trailer->last_seq);
            assert_true(entry.first_seq <= trailer->last_seq && entry.offset < size);
            assert_int_equal(frame_parse(was->bytes + entry.offset, was->bytes + 16, &frame), FRAME_OK);
            assert_int_equal(frame.first_seq, entry.first_seq);
        }
        segment_file_close(file);
    }
    world.env.directory_close(&world, directory);
    /* And the journal goes on. */
    journal = must_open(&options);
    write_lonely(journal, 3);
    journal_close(journal);
    must_look(&world);
    memory_env_deinit(&world);
    memory_env_deinit(&raw);
}

/* The share of records in a raw segment, in 1/1024. */
static size_t share_of(const struct memory_file *file)
{
    struct frame frame;
    size_t at = SEGMENT_HEADER_BYTES;
    size_t records = 0;
    for (; at < file->n && frame_parse(file->bytes + at, file->bytes + 16, &frame) == FRAME_OK; at += frame.frame_bytes)
        records += frame.record_bytes;
    return records * 1024 / at;
}

static void the_sparsest_is_packed_first(void **state)
{
    (void)state;
    static struct memory_env world;
    const char *names[MEMORY_FILES_MAX];
    char sparsest[MEMORY_NAME_MAX] = "";
    size_t share = SIZE_MAX;
    journal_make(&world);
    unsigned count = segments_of(&world, names);
    for (unsigned i = 0; i + 2 < count; i++) {
        size_t here = share_of(must_find(&world, names[i]));
        if (here < share)
            (void)strcpy(sparsest, names[i]);
        share = here < share ? here : share;
    }
    assert_string_not_equal(sparsest, names[0]); /* so that it tells */
    const struct journal_options options = options_of(&world.env, 2);
    for (unsigned turn = 1; turn <= count - 2; turn++) { /* each after a start, which has read all of them */
        unsigned packed = 0;
        struct journal *journal = must_open(&options);
        assert_int_equal(journal_pack(journal), STATUS_OK);
        journal_close(journal);
        (void)segments_of(&world, names);
        for (unsigned i = 0; i < count; i++)
            packed += is_packed(&world, names[i]);
        assert_int_equal(packed, turn);
        assert_true(is_packed(&world, sparsest));
        assert_false(is_packed(&world, names[count - 1]) || is_packed(&world, names[count - 2]));
    }
    memory_env_deinit(&world);
}

static void without_a_thread_a_segments_end_packs_one(void **state)
{
    (void)state;
    static struct memory_env world;
    memory_env_init(&world);
    const struct journal_options options = options_of(&world.env, 2);
    struct journal *journal = must_open(&options);
    while (journal_counters(journal).segments < 6)
        write_grouped(journal, 1);
    assert_int_equal(journal_counters(journal).packed, 4);
    assert_int_equal(journal_pack(journal), STATUS_END);
    check_read(journal, 1, 8192);
    journal_close(journal);
    must_look(&world);
    memory_env_deinit(&world);
}

static void a_packed_last_segment_is_made_raw_and_written_on(void **state)
{
    (void)state;
    static struct memory_env world;
    const char *names[MEMORY_FILES_MAX];
    journal_make(&world);
    const struct journal_options options = options_of(&world.env, 1);
    struct journal *journal = must_open(&options);
    while (journal_pack(journal) == STATUS_OK)
        ;
    journal_close(journal);
    unsigned count = segments_of(&world, names);
    memory_drop(must_find(&world, names[count - 1]));
    uint64_t writes = world.writes;
    uint64_t before = must_look(&world); /* as it is */
    assert_int_equal(world.writes, writes);
    assert_true(is_packed(&world, names[count - 2]));
    journal = must_open(&options);
    (void)segments_of(&world, names);
    assert_false(is_packed(&world, names[count - 2]));
    uint64_t seq = journal_durable_seq(journal);
    write_lonely(journal, 5);
    assert_int_equal(journal_durable_seq(journal), seq + 5);
    journal_close(journal);
    assert_int_not_equal(must_look(&world), before);
    memory_env_deinit(&world);
}

/* ---- damage ---- */

/* A journal of two segments, the first packed; its name. */
static const char *packed_journal(struct memory_env *world)
{
    const char *names[MEMORY_FILES_MAX];
    memory_env_init(world);
    const struct journal_options options = options_of(&world->env, 1);
    struct journal *journal = must_open(&options);
    write_lonely(journal, 100);
    while (journal_counters(journal).segments < 2)
        write_grouped(journal, 1);
    journal_close(journal);
    assert_int_equal(segments_of(world, names), 2);
    assert_true(is_packed(world, names[0]));
    return names[0];
}

static void no_bit_of_a_packed_segment_turns_unseen(void **state)
{
    (void)state;
    static struct memory_env world;
    struct journal_report report;
    struct prng prng = prng_of(11);
    struct memory_file *file = must_find(&world, packed_journal(&world));
    size_t table_at = file->n - PACKED_TRAILER_BYTES - PACKED_ENTRY_BYTES;
    for (unsigned i = 0; i < 500; i++) {
        static const size_t begins[] = {0, SEGMENT_HEADER_BYTES, PACKED_HEADER_BYTES};
        size_t byte = i < 192   ? begins[i / 64] + i % 64 /* the two headers and the first block's */
                      : i < 280 ? table_at + (i - 192)    /* the last of the table, and the trailer */
                                : (size_t)prng_below(&prng, file->n);
        uint8_t bit = (uint8_t)(1u << prng_below(&prng, 8));
        file->bytes[byte] ^= bit;
        enum status status = look(&world, &report);
        file->bytes[byte] ^= bit;
        if (status != STATUS_DAMAGED || strstr(report.problem, file->name) == NULL || strstr(report.problem, "offset") == NULL)
            fail_msg("byte %zu of %zu, bit %u: %s: %s", byte, file->n, bit, status_text(status), report.problem);
    }
    for (unsigned i = 0; i < 60; i++) { /* cut off, and with something behind it */
        size_t n = i < 30 ? (size_t)prng_below(&prng, file->n) : file->n - 1 - (i - 30);
        size_t whole = file->n;
        file->n = n;
        assert_int_equal(look(&world, &report), STATUS_DAMAGED);
        file->n = whole;
    }
    must_look(&world);
    memory_write(file, file->n, "", 1);
    assert_int_equal(look(&world, &report), STATUS_DAMAGED);
    memory_env_deinit(&world);
}

/* The blocks of a packed segment, in order. */
static unsigned blocks_of(struct memory_env *world, const char *name, struct packed_entry *out_entries, unsigned max)
{
    unsigned count = 0;
    struct segment_file *file = NULL;
    struct env_directory *directory = directory_of(world);
    assert_int_equal(segment_file_open(&world->env, directory, name, &file), STATUS_OK);
    uint64_t bytes = segment_file_trailer(file)->bytes;
    for (uint64_t seq = 1; seq <= 20000 && count < max; seq++) {
        struct packed_entry entry = segment_file_find(file, seq);
        if (count == 0 || entry.at != out_entries[count - 1].at)
            out_entries[count++] = entry;
        assert_true(segment_file_behind(file, entry.offset) > entry.offset);
        assert_true(segment_file_behind(file, entry.offset) <= bytes);
    }
    assert_int_equal(segment_file_behind(file, bytes), bytes);
    segment_file_close(file);
    world->env.directory_close(world, directory);
    return count;
}

static void count_lost(void *context, const struct journal_met *met)
{
    *(uint64_t *)context += met->frame->last_seq + 1 - met->frame->first_seq;
}

/* Of a damaged block only that block is lost: what is before it is kept, what is behind it is listed, and read meanwhile. */
static void what_is_around_a_damaged_block_is_read(void **state)
{
    (void)state;
    static struct memory_env world;
    static struct packed_entry entries[64];
    static uint8_t bytes[RECORD_BYTES_MAX];
    memory_env_init(&world);
    struct journal_options options = options_of(&world.env, 1);
    options.segment_bytes = 4 * JOURNAL_SEGMENT_BYTES_MIN;
    struct journal *journal = must_open(&options);
    while (journal_counters(journal).segments < 2)
        write_lonely(journal, 100);
    journal_close(journal);
    const char *names[MEMORY_FILES_MAX];
    assert_int_equal(segments_of(&world, names), 2);
    const char *name = names[0];
    unsigned count = blocks_of(&world, name, entries, 64);
    assert_true(count > 3);
    struct memory_file *file = must_find(&world, name);
    struct journal_report report;
    must_look(&world);
    uint64_t last = digest.decisions;
    for (unsigned i = 0; i < count; i++) {
        size_t byte = (size_t)entries[i].at + PACKED_BLOCK_HEADER + 5;
        journal = must_open(&options);
        file->bytes[byte] ^= 4;
        size_t n = 0;
        if (i > 0) {
            enum status status = journal_read(journal, entries[i].first_seq - 1, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n);
            assert_int_equal(status, STATUS_OK);
        }
        assert_int_equal(journal_read(journal, entries[i].first_seq, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n),
                         STATUS_DAMAGED);
        journal_close(journal);
        struct repair *repair = NULL;
        enum status status = repair_open(&world.env, PATH, &digesting, NULL, &repair, &report);
        assert_int_equal(status, i == 0 ? STATUS_INVALID : STATUS_OK);
        if (status == STATUS_OK) {
            uint64_t events = 0;
            struct repair_loss loss;
            const struct journal_frames lost = {.context = &events, .met = count_lost};
            assert_int_equal(repair_kept(repair)->last_seq, entries[i].first_seq - 1);
            assert_int_equal(repair_look(repair, &lost, &loss), STATUS_OK);
            uint64_t behind = i + 1 < count ? entries[i + 1].first_seq : strtoull(names[1], NULL, 10);
            assert_int_equal(events, last + 1 - behind);
            repair_close(repair);
        }
        file->bytes[byte] ^= 4;
    }
    must_look(&world);
    memory_env_deinit(&world);
}

static void what_turns_in_an_open_journal_is_not_read(void **state)
{
    (void)state;
    static struct memory_env world;
    static uint8_t bytes[RECORD_BYTES_MAX];
    const char *name = packed_journal(&world);
    const struct journal_options options = options_of(&world.env, 0);
    struct prng prng = prng_of(12);
    for (unsigned i = 0; i < 50; i++) {
        struct journal *journal = must_open(&options);
        struct memory_file *file = must_find(&world, name);
        size_t first = PACKED_BLOCK_HEADER + get_u32(file->bytes + PACKED_HEADER_BYTES + 8);
        size_t byte = PACKED_HEADER_BYTES + (size_t)prng_below(&prng, first);
        file->bytes[byte] ^= 4;
        size_t n = 0;
        assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, i % 2 == 0 ? 4096 : sizeof(bytes), &n),
                         STATUS_DAMAGED);
        file->bytes[byte] ^= 4;
        check_read(journal, 1, 4096);
        journal_close(journal);
    }
    memory_env_deinit(&world);
}

static void a_newer_version_is_refused(void **state)
{
    (void)state;
    static struct memory_env world;
    struct journal_report report;
    const char *name = packed_journal(&world);
    uint8_t *header = must_find(&world, name)->bytes;
    put_u16(header + 40, PACKED_VERSION + 1);
    put_u32(header + SEGMENT_HEADER_BYTES - 4, crc32c(0, header, SEGMENT_HEADER_BYTES - 4));
    assert_int_equal(look(&world, &report), STATUS_VERSION);
    assert_non_null(strstr(report.problem, "newer"));
    /* And a program that knows raw ones alone says the same of this one. */
    struct segment segment;
    put_u16(header + 40, PACKED_VERSION);
    put_u32(header + SEGMENT_HEADER_BYTES - 4, crc32c(0, header, SEGMENT_HEADER_BYTES - 4));
    assert_int_equal(segment_parse(header, &segment), SEGMENT_TOO_NEW);
    memory_env_deinit(&world);
}

static void what_does_not_read_as_it_should_stays_raw(void **state)
{
    (void)state;
    static struct memory_env world;
    const char *names[MEMORY_FILES_MAX];
    journal_make(&world);
    const struct journal_options options = options_of(&world.env, 1);
    struct journal *journal = must_open(&options);
    unsigned count = segments_of(&world, names);
    must_find(&world, names[0])->bytes[70000] ^= 1; /* since it was opened */
    unsigned damaged = 0;
    for (enum status status = STATUS_OK; (status = journal_pack(journal)) != STATUS_END;) {
        assert_true(status == STATUS_OK || status == STATUS_DAMAGED);
        damaged += status == STATUS_DAMAGED;
    }
    assert_int_equal(damaged, 1);
    assert_int_equal(journal_counters(journal).pack_failures, 1);
    assert_int_equal(journal_counters(journal).packed, count - 2);
    assert_false(is_packed(&world, names[0]));
    assert_null(memory_find(&world, COLD_NEW_NAME));
    journal_close(journal);
    must_find(&world, names[0])->bytes[70000] ^= 1;
    must_look(&world);
    memory_env_deinit(&world);
}

/* ---- crashes ---- */

/* The n-th call of packing fails, alone or with all behind it: a crash. True when there was none so late. */
static bool fail_nth(const struct memory_env *from, uint64_t n, enum memory_tear tear, bool crash, bool unpack)
{
    static struct memory_env world;
    const char *names[MEMORY_FILES_MAX];
    struct journal_report report;
    memory_env_init(&world);
    memory_env_copy(&world, from);
    uint64_t before = must_look(&world);
    const struct journal_options options = options_of(&world.env, 1);
    struct journal *journal = NULL;
    enum status status = STATUS_OK;
    world.tear = tear;
    world.fail_on = crash;
    world.fail_with = STATUS_IO;
    world.failed = 0;
    if (unpack) {
        world.fail_at = world.calls + n;
        status = journal_open(&options, NULL, &journal, &report);
    } else {
        journal = must_open(&options);
        world.fail_at = world.calls + n;
        status = journal_pack(journal);
    }
    bool late = world.failed == 0;
    assert_true(late ? status == STATUS_OK : status == STATUS_OK || status == STATUS_IO || status == STATUS_MEMORY);
    if (journal != NULL)
        journal_close(journal);
    world.fail_at = 0;
    assert_int_equal(must_look(&world), before);
    /* The next start finds it, removes what is left, and does it. */
    journal = must_open(&options);
    assert_null(memory_find(&world, COLD_NEW_NAME));
    while ((status = journal_pack(journal)) == STATUS_OK)
        ;
    assert_int_equal(status, STATUS_END);
    uint64_t seq = journal_durable_seq(journal);
    check_read(journal, 1, 4096);
    check_read(journal, seq, 4096);
    journal_close(journal);
    assert_int_equal(must_look(&world), before);
    unsigned count = segments_of(&world, names);
    for (unsigned i = 0; i + 1 < count; i++)
        assert_true(is_packed(&world, names[i]));
    memory_env_deinit(&world);
    return late;
}

static void fail_each(const struct memory_env *world, bool unpack)
{
    for (unsigned way = 0; way < TEAR_COUNT; way++) {
        uint64_t n = 1;
        while (!fail_nth(world, n, (enum memory_tear)way, way != TEAR_LOST, unpack))
            n++;
        assert_true(n > 10);
    }
}

static void whenever_packing_ends_the_journal_is_what_it_was(void **state)
{
    (void)state;
    static struct memory_env world;
    memory_env_init(&world);
    const struct journal_options options = options_of(&world.env, 0);
    struct journal *journal = must_open(&options);
    write_lonely(journal, 50);
    while (journal_counters(journal).segments < 2)
        write_grouped(journal, 1);
    journal_close(journal);
    fail_each(&world, false);
    memory_env_deinit(&world);
}

static void whenever_unpacking_ends_the_journal_is_what_it_was(void **state)
{
    (void)state;
    static struct memory_env world;
    const char *names[MEMORY_FILES_MAX];
    (void)packed_journal(&world);
    (void)segments_of(&world, names);
    memory_drop(must_find(&world, names[1]));
    fail_each(&world, true);
    memory_env_deinit(&world);
}

/* ---- blocks ---- */

/* A block with one frame, a seal, written by version 1: what was written once is read for ever. */
static const uint8_t golden[] = {
    0xff, 0x6f, 0x6e, 0x68, 0x62, 0x6c, 0x6b, 0x0a, 0x1d, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x29, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x78, 0x56, 0x34, 0x12, 0x7d, 0x39, 0xe7, 0x38, 0xb3, 0x12, 0x6b, 0xa9, 0x4c, 0x51, 0x0c, 0x16,
    0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x14, 0xa1, 0x00, 0x00, 0x05, 0x01, 0x00, 0x00, 0x00, 0x80, 0x80,
    0xf2, 0x81, 0x83, 0x89, 0x85, 0x06, 0x04, 0x02, 0x05, 0x00, 0x00, 0x00, 0x05,
};

static void seal_frame(uint8_t bytes[FRAME_STEP_BYTES], uint8_t ledger_id[16], struct packed_block *block)
{
    for (unsigned i = 0; i < 16; i++)
        ledger_id[i] = (uint8_t)(0xa0 + i);
    struct frame frame = {.level = 2,
                          .epoch = 1,
                          .frame_bytes = FRAME_STEP_BYTES,
                          .ordinal = 7,
                          .first_seq = 41,
                          .last_seq = 40,
                          .durable_ordinal = 6,
                          .durable_seq = 40,
                          .log_us = INT64_C(1700000000000000)};
    memcpy(frame.ledger_id, ledger_id, 16);
    struct writer w = writer_of(bytes + FRAME_HEADER_BYTES, FRAME_STEP_BYTES - FRAME_HEADER_BYTES);
    record_write_seal(&w);
    frame.record_bytes = (uint32_t)writer_bytes(&w);
    frame_finish(bytes, &frame, 0x12345678);
    *block = (struct packed_block){
        .offset = 8192, .first_ordinal = 7, .first_seq = 41, .previous_chain = 0x12345678};
}

static void a_block_of_the_first_version_is_read(void **state)
{
    (void)state;
    uint8_t frame[FRAME_STEP_BYTES], again[FRAME_STEP_BYTES], ledger_id[16];
    static uint8_t stored[PACKED_STORED_BYTES_MAX];
    struct packed_block block, parsed;
    size_t n = 0;
    seal_frame(frame, ledger_id, &block);
    struct packed_codec *codec = packed_codec_create();
    assert_int_equal(packed_block_encode(codec, frame, sizeof(frame), ledger_id, &block, stored, &n), STATUS_OK);
    /* What is written now; another zstd may find another form for the same. */
    assert_memory_equal(stored + 12, golden + 12, 56 - 12);
    assert_true(packed_block_parse(golden, &parsed));
    assert_int_equal(parsed.frames, 1);
    assert_int_equal(parsed.bytes, FRAME_STEP_BYTES);
    assert_int_equal(packed_block_decode(codec, &parsed, golden + PACKED_BLOCK_HEADER, ledger_id, again), STATUS_OK);
    assert_memory_equal(again, frame, sizeof(frame));
    packed_codec_destroy(codec);
}

static void what_is_no_run_of_frames_is_not_packed(void **state)
{
    (void)state;
    uint8_t frame[FRAME_STEP_BYTES], ledger_id[16];
    static uint8_t stored[PACKED_STORED_BYTES_MAX];
    struct packed_block block;
    size_t n = 0;
    struct packed_codec *codec = packed_codec_create();
    for (unsigned way = 0; way < 6; way++) {
        seal_frame(frame, ledger_id, &block);
        block.first_ordinal += way == 0;
        block.first_seq += way == 1;
        block.previous_chain += way == 2;
        ledger_id[0] ^= way == 3;
        frame[300] ^= way == 4;
        size_t bytes = way == 5 ? 100 : sizeof(frame);
        assert_int_equal(packed_block_encode(codec, frame, bytes, ledger_id, &block, stored, &n), STATUS_DAMAGED);
    }
    packed_codec_destroy(codec);
}

/* ---- the thread ---- */

struct race {
    struct journal *journal;
    atomic_bool stop;
    uint64_t seed, reads;
    bool bad;
};

static void *race_read(void *argument)
{
    struct race *race = argument;
    struct prng prng = prng_of(race->seed);
    static _Thread_local uint8_t bytes[64 << 10];
    while (!atomic_load(&race->stop)) {
        uint64_t from = 1 + prng_below(&prng, journal_durable_seq(race->journal));
        size_t n = 0;
        enum status status = journal_read(race->journal, from, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n);
        struct reader r = reader_of(bytes + 5, 20);
        race->bad = race->bad || status != STATUS_OK || read_varint(&r) != 1 || read_varint(&r) != from;
        race->reads++;
    }
    return NULL;
}

static void readers_do_not_notice_that_it_is_packed(void **state)
{
    (void)state;
    char path[] = "/tmp/onhand-packed-XXXXXX";
    assert_non_null(mkdtemp(path));
    struct journal_options options = options_of(linux_env(), 1);
    options.path = path;
    options.fill_on_writer = false;
    struct journal *journal = must_open(&options);
    write_grouped(journal, 1);
    struct race races[2];
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        races[i] = (struct race){.journal = journal, .seed = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, race_read, &races[i]), 0);
    }
    while (journal_counters(journal).segments < 6 || journal_counters(journal).packed < 3) {
        if (journal_counters(journal).segments < 6)
            write_grouped(journal, 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&races[i].stop, true);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(races[i].bad);
        assert_true(races[i].reads > 10);
    }
    uint64_t seq = journal_durable_seq(journal);
    journal_close(journal); /* whatever the thread is doing */
    journal = must_open(&options);
    assert_int_equal(journal_durable_seq(journal), seq);
    for (uint64_t from = 1; from <= seq; from += 101)
        check_read(journal, from, 8192);
    journal_close(journal);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    }
    closedir(directory);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packed_segment_says_what_the_raw_one_said),
        cmocka_unit_test(the_sparsest_is_packed_first),
        cmocka_unit_test(without_a_thread_a_segments_end_packs_one),
        cmocka_unit_test(a_packed_last_segment_is_made_raw_and_written_on),
        cmocka_unit_test(no_bit_of_a_packed_segment_turns_unseen),
        cmocka_unit_test(what_is_around_a_damaged_block_is_read),
        cmocka_unit_test(what_turns_in_an_open_journal_is_not_read),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(what_does_not_read_as_it_should_stays_raw),
        cmocka_unit_test(whenever_packing_ends_the_journal_is_what_it_was),
        cmocka_unit_test(whenever_unpacking_ends_the_journal_is_what_it_was),
        cmocka_unit_test(a_block_of_the_first_version_is_read),
        cmocka_unit_test(what_is_no_run_of_frames_is_not_packed),
        cmocka_unit_test(readers_do_not_notice_that_it_is_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
