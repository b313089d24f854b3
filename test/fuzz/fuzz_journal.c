/*
 * Any bytes as the files of a journal, as they are or with their checksums and chain set right: recovery says OK, DAMAGED or
 * VERSION, the last two in words, and touches nothing. What is OK can be opened for writing, written on, and is OK then. The
 * input is short: flags, how many blocks are in the first file, the fields of the first segment's header, and blocks of 512
 * bytes; the rest of the headers is made of them.
 */
#include "fuzz.h"

#include "../world/memory_env.h"
#include "base/crc32c.h"
#include "journal/journal.h"
#include "journal/segment.h"

#define PATH         "journal"
#define FIELDS_BYTES 72

enum { FLAG_SIGN = 1, FLAG_CHAIN = 2, FLAG_TWO = 4, FLAG_SHORT = 8 };

static struct memory_env world;

/* The checksums, and the chain, of what looks like frames. */
static void sign(uint8_t *bytes, size_t n, unsigned flags, uint32_t *chain, uint64_t *ordinal, uint64_t *next_seq)
{
    for (size_t at = 0; at + FRAME_HEADER_BYTES <= n;) {
        uint8_t *frame = bytes + at;
        uint32_t frame_bytes = get_u32(frame + 32);
        if (frame[0] != 0xff || frame_bytes < FRAME_STEP_BYTES || frame_bytes % FRAME_STEP_BYTES != 0 ||
            frame_bytes > n - at) {
            at += FRAME_STEP_BYTES;
            continue;
        }
        put_u32(frame + 36, crc32c(0, frame + FRAME_HEADER_BYTES, frame_bytes - FRAME_HEADER_BYTES));
        if ((flags & FLAG_CHAIN) != 0) {
            uint8_t seed[4];
            put_u32(seed, *chain);
            *chain = crc32c(crc32c(0, seed, sizeof(seed)), frame, 120);
            put_u32(frame + 120, *chain);
        }
        put_u32(frame + 124, crc32c(0, frame, 124));
        *ordinal = get_u64(frame + 40);
        *next_seq = get_u64(frame + 56) + 1;
        at += frame_bytes;
    }
}

static struct memory_file *file_of(const uint8_t *header, const uint8_t *blocks, size_t n, bool is_short)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(get_u64(header + 44), name);
    if (memory_find(&world, name) != NULL)
        return NULL;
    struct memory_file *file = memory_put(&world, name, SEGMENT_HEADER_BYTES + n + (is_short ? 0 : 1024));
    CHECK(file != NULL);
    memcpy(file->bytes, header, FIELDS_BYTES);
    put_u32(file->bytes + SEGMENT_HEADER_BYTES - 4, crc32c(0, file->bytes, SEGMENT_HEADER_BYTES - 4));
    if (n != 0)
        memcpy(file->bytes + SEGMENT_HEADER_BYTES, blocks, n);
    return file;
}

static void make(const uint8_t *data, size_t size)
{
    unsigned flags = data[0];
    const uint8_t *fields = data + 2;
    const uint8_t *blocks = fields + FIELDS_BYTES;
    size_t n = size - 2 - FIELDS_BYTES;
    size_t first = (flags & FLAG_TWO) != 0 ? (size_t)data[1] * FRAME_STEP_BYTES : n;
    first = first < n ? first : n;
    uint32_t chain = get_u32(fields + 60);
    uint64_t ordinal = get_u64(fields + 52) - 1;
    uint64_t next_seq = get_u64(fields + 44);
    uint8_t *copy = fuzz_copy(blocks, n);
    if ((flags & FLAG_SIGN) != 0)
        sign(copy, first, flags, &chain, &ordinal, &next_seq);
    world.exists = true;
    (void)file_of(fields, copy, first, (flags & FLAG_SHORT) != 0);
    if (first < n) {
        uint8_t second[FIELDS_BYTES];
        memcpy(second, fields, sizeof(second));
        put_u64(second + 36, get_u64(fields + 36) + 1);
        put_u64(second + 44, next_seq);
        put_u64(second + 52, ordinal + 1);
        put_u32(second + 60, chain);
        if ((flags & FLAG_SIGN) != 0)
            sign(copy + first, n - first, flags, &chain, &ordinal, &next_seq);
        (void)file_of(second, copy + first, n - first, (flags & FLAG_SHORT) != 0);
    }
    free(copy);
}

static void write_on(struct journal *journal)
{
    uint64_t seq = journal_durable_seq(journal) + 1;
    struct event event = {.seq = seq,
                          .type = EVENT_REFUSED,
                          .item = NUMBER_NONE,
                          .location = NUMBER_NONE,
                          .other_location = NUMBER_NONE,
                          .code = CODE_unknown_item};
    const struct decision decision = {.kind = KIND_SALE,
                                      .source = NUMBER_NONE,
                                      .recorded_at_us = 1,
                                      .occurred_at_us = 1,
                                      .first_seq = seq,
                                      .event_count = 1,
                                      .events = &event};
    tail_offset offset;
    journal_append(journal, &decision, &offset);
    CHECK(journal_flush(journal) == STATUS_OK);
}

/* Each event that is there can be read, or there is none. */
static void read_all(struct journal *journal)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    size_t n = 0;
    uint64_t last = journal_durable_seq(journal);
    for (uint64_t from = 1, steps = 0; from <= last && steps < 50; steps++) {
        CHECK(journal_read(journal, from, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n) == STATUS_OK);
        for (size_t at = 0; at < n; at += get_u32(bytes + at)) {
            struct reader r = reader_of(bytes + at + 5, get_u32(bytes + at) - 5);
            uint64_t events = read_varint(&r);
            from = read_varint(&r) + events;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 + FIELDS_BYTES || size > 1 << 16)
        return 0;
    if (world.env.context == NULL)
        memory_env_init(&world);
    make(data, size);
    struct journal_report report;
    enum status status = journal_verify(&world.env, PATH, NULL, &report);
    CHECK(status == STATUS_OK || status == STATUS_DAMAGED || status == STATUS_VERSION);
    CHECK((status == STATUS_OK) == (report.problem[0] == 0));
    CHECK(world.writes == 0);
    struct journal *journal = NULL;
    const struct journal_options options = {.env = &world.env,
                                            .path = PATH,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .tail_bytes = 1,
                                            .fill_on_writer = true};
    uint64_t last_seq = report.last_seq;
    enum status opened = STATUS_OK;
    /* What 2^64 events are followed by, nobody needs to know. */
    if (status == STATUS_OK && last_seq < UINT64_MAX / 2) {
        opened = journal_open(&options, NULL, &journal, &report);
        CHECK(opened == STATUS_OK && journal_durable_seq(journal) == last_seq);
        read_all(journal);
        write_on(journal);
        journal_close(journal);
        CHECK(journal_verify(&world.env, PATH, NULL, &report) == STATUS_OK);
        CHECK(report.last_seq == last_seq + 1 && report.cut_bytes == 0);
    } else if (status != STATUS_OK) {
        opened = journal_open(&options, NULL, &journal, &report);
        CHECK(opened == status && world.writes == 0);
    }
    memory_env_deinit(&world);
    memory_env_init(&world);
    return 0;
}
