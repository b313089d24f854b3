/*
 * Goal: no bit of a journal can turn without being seen, unless it lies where nothing was written.
 * Method: a journal of the story (test/world/story.h), in three segments, sealed and as a crash leaves it, is offered to
 * verify with each of its bits turned in turn; and one of five segments of a megabyte with bits drawn from a seed. What
 * has to come out follows from the place alone:
 *
 *     header of a segment, frame that a later one or a segment vouches for    damaged, with file and offset
 *     last frame (sealed: the seal)     cut and reported; all before it is there, byte for byte (sealed: all there is)
 *     behind the last frame of all      reported as cut; all is there
 *     behind the last frame of a segment with a successor   nothing was written there and nobody reads it: all is there
 *
 * For some of them the journal is opened for writing, too: one that is refused stays as it is; one that is cut is
 * written on, and then holds what was there and what came. And some are turned in a journal that is open: whoever reads
 * gets what was written, or DAMAGED.
 *
 * The bits of a checkpoint are turned in turn, too, and those of the journal it is of: a start passes it over, says so, and
 * comes to the same ledger; or, of a journal that has lost something, it is refused.
 *
 * And those of packed segments: the same journals, with all but the last of their segments packed. No byte of those is spare, so each
 * is damaged, and read so while the journal is open, or as it was where it was not read.
 *
 * flips [--every N] [--flips N] [--seed S]: each N-th bit of the short journal (1), so many of the long one (20,000),
 * the seed of both (1). The same arguments make the same run.
 */
#define UNIT_ALONE
#include <time.h>

#include "../world/memory_env.h"
#include "../world/story.h"
#include "base/prng.h"
#include "engine/checkpointer.h"
#include "journal/checkpoint.h"
#include "journal/segment.h"

#define PATH           "journal"
#define FRAMES_PER     6    /* of the short journal's segments */
#define ZEROS_BEHIND   2048 /* and zeros behind them */
#define LONG_COMMANDS  3900
#define LONG_GROUP     290  /* some 300 KiB */
#define WRITE_ONE_IN   16   /* flips that are opened for writing, too */
#define READ_ONE_IN    16   /* and those turned in an open journal */
#define FRAMES_MAX     64

enum where { IN_HEADER, IN_FRAME, IN_LAST, IN_BETWEEN, IN_BEHIND, WHERE_COUNT };

static const char *const where_names[WHERE_COUNT] = {"header of a segment", "frame vouched for", "last frame",
                                                       "behind a full segment", "behind the end"};

/* A journal whose bits are turned, and what it says. */
struct subject {
    const char *name;
    struct memory_env world;
    struct memory_file *files[MEMORY_FILES_MAX]; /* in their order */
    size_t file_count;
    size_t ends[MEMORY_FILES_MAX]; /* of the last frame of each */
    size_t last_start;             /* of the last frame of all */
    uint64_t digest, digest_before_last, digest_read; /* the last of what readers get */
    uint64_t last_seq, last_seq_before_last;
    uint64_t counts[WHERE_COUNT], bits;
    uint64_t written, read, read_damaged; /* bits tried so */
};

static struct subject sealed, unsealed, large;
static struct story story;
static unsigned failures;

/* ---- what a journal says, as a number ---- */

struct digest {
    uint64_t sum;
    uint8_t bytes[RECORD_BYTES_MAX];
};
static struct digest digest;

static void digest_bytes(const void *bytes, size_t n)
{
    const struct siphash_key key = {digest.sum, n};
    digest.sum = siphash64(&key, bytes, n);
}

static void digest_genesis(void *context, const struct genesis *genesis)
{
    (void)context;
    digest_bytes(genesis->ledger_id, sizeof(genesis->ledger_id));
    digest_bytes(genesis->key, sizeof(genesis->key));
}

static void digest_decision(void *context, const struct decision *decision)
{
    (void)context;
    struct writer w = writer_of(digest.bytes, sizeof(digest.bytes));
    if (decision->kind == KIND_TICK)
        record_write_tick(&w, decision->recorded_at_us);
    else
        record_write_decision(&w, decision);
    CHECK(!w.full);
    digest_bytes(digest.bytes, writer_bytes(&w));
}

static enum status look(struct memory_env *world, struct journal_report *report)
{
    const struct journal_replay replay = {.genesis = digest_genesis, .decision = digest_decision};
    digest.sum = 0;
    return journal_verify(&world->env, PATH, &replay, report);
}

/* Reads all events in pieces. */
static enum status read_all(struct journal *journal, uint64_t last_seq, size_t piece)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    digest.sum = 0;
    enum status status = STATUS_OK;
    for (uint64_t from = 1; from <= last_seq && status == STATUS_OK;) {
        size_t n = 0;
        status = journal_read(journal, from, TAIL_UNKNOWN, false, bytes, piece, &n);
        for (size_t at = 0; status == STATUS_OK && at < n; at += get_u32(bytes + at)) {
            struct reader r = reader_of(bytes + at + 5, get_u32(bytes + at) - 5);
            uint64_t events = read_varint(&r);
            digest_bytes(bytes + at, get_u32(bytes + at));
            from = read_varint(&r) + events;
        }
    }
    return status;
}

/* ---- making them ---- */

static void must(bool done, const char *what)
{
    if (done)
        return;
    (void)fprintf(stderr, "flips: %s\n", what);
    exit(1);
}

static struct journal *must_open(struct memory_env *world)
{
    const struct journal_options options = {.env = &world->env, .path = PATH, .read_only = true};
    struct journal_report report;
    struct journal *journal = NULL;
    must(journal_open(&options, NULL, &journal, &report) == STATUS_OK, report.problem);
    return journal;
}

/* Where a subject's frames are, and what it says. */
static void subject_learn(struct subject *subject)
{
    struct journal_report report;
    struct memory_env *world = &subject->world;
    subject->file_count = 0;
    for (uint64_t next = 1; subject->file_count < MEMORY_FILES_MAX;) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(next, name);
        struct memory_file *file = memory_find(world, name);
        if (file == NULL)
            break;
        struct segment segment;
        struct frame frame;
        must(segment_parse(file->bytes, &segment) == SEGMENT_OK, "the segment's header is sound");
        size_t at = SEGMENT_HEADER_BYTES;
        while (at < file->n && frame_parse(file->bytes + at, segment.ledger_id, &frame) == FRAME_OK) {
            subject->last_start = at;
            at += frame.frame_bytes;
            next = frame.last_seq + 1;
        }
        subject->ends[subject->file_count] = at;
        subject->files[subject->file_count++] = file;
        subject->bits += file->n * 8;
    }
    must(look(world, &report) == STATUS_OK && report.cut_bytes == 0, "the journal is sound");
    subject->digest = digest.sum;
    subject->last_seq = report.last_seq;
    struct memory_file *last = subject->files[subject->file_count - 1];
    last->bytes[subject->last_start] ^= 1;
    must(look(world, &report) == STATUS_OK && report.cut_bytes != 0, "its last frame is cut");
    subject->digest_before_last = digest.sum;
    subject->last_seq_before_last = report.last_seq;
    last->bytes[subject->last_start] ^= 1;
    struct journal *journal = must_open(world);
    must(read_all(journal, subject->last_seq, RECORD_BYTES_MAX) == STATUS_OK, "what is sound is read");
    subject->digest_read = digest.sum;
    journal_close(journal);
}

/* The frames of one segment in several: each header says what the writer's would have, had it begun a new one there. */
static void lay_out(struct memory_env *to, const struct memory_file *from)
{
    struct segment segment;
    struct frame frame;
    char name[SEGMENT_NAME_BYTES];
    struct memory_file *file = NULL;
    must(segment_parse(from->bytes, &segment) == SEGMENT_OK, "the segment's header is sound");
    size_t at = SEGMENT_HEADER_BYTES;
    unsigned frames = 0;
    memory_env_init(to);
    to->exists = true;
    for (; frame_parse(from->bytes + at, segment.ledger_id, &frame) == FRAME_OK; at += frame.frame_bytes, frames++) {
        bool empty = file == NULL || frame.first_seq == segment.first_seq; /* a segment holds an event */
        if (file == NULL || (frames >= FRAMES_PER && !empty)) {
            uint8_t header[SEGMENT_HEADER_BYTES];
            segment.number += file != NULL;
            segment.first_seq = frame.first_seq;
            segment.first_ordinal = frame.ordinal;
            segment_write_header(&segment, header);
            segment_name(segment.first_seq, name);
            file = memory_put(to, name, SEGMENT_HEADER_BYTES);
            must(file != NULL, "there is room for a segment");
            memcpy(file->bytes, header, sizeof(header));
            frames = 0;
        }
        size_t end = file->n - (frames == 0 ? 0 : ZEROS_BEHIND);
        memory_write(file, end, from->bytes + at, frame.frame_bytes);
        memory_write(file, end + frame.frame_bytes, (uint8_t[ZEROS_BEHIND]){0}, ZEROS_BEHIND);
        segment.previous_chain = frame.chain;
    }
    must(to->files[2].bytes != NULL, "there are three segments");
}

static struct shard_options options_of(const struct memory_env *world)
{
    struct shard_options options = story_options(&world->env, PATH);
    options.id_capacity = 8192;
    options.limits.id_count_max = 8192;
    return options;
}

static struct shard *begin(struct memory_env *world)
{
    const struct shard_options options = options_of(world);
    struct journal_report report;
    struct shard *shard = NULL;
    memory_env_init(world);
    must(shard_open(&options, &shard, &report) == STATUS_OK, report.problem);
    must(story_begin(&story, shard) == STATUS_OK, "the story begins");
    return shard;
}

static void make_short(void)
{
    static struct memory_env world;
    static struct memory_env copy;
    struct shard *shard = begin(&world);
    enum status status = STATUS_OK;
    while ((status = story_step(&story)) == STATUS_OK)
        ;
    must(status == STATUS_END, "the story is told");
    memory_env_copy(&copy, &world); /* as a crash leaves it */
    shard_close(shard);
    lay_out(&sealed.world, memory_find(&world, "00000000000000000001.journal"));
    lay_out(&unsealed.world, memory_find(&copy, "00000000000000000001.journal"));
    memory_env_deinit(&world);
    memory_env_deinit(&copy);
    sealed.name = "short, sealed";
    unsealed.name = "short, not sealed";
    subject_learn(&sealed);
    subject_learn(&unsealed);
    must(sealed.digest == unsealed.digest && sealed.digest == sealed.digest_before_last, "the seal says nothing");
    must(unsealed.digest != unsealed.digest_before_last, "the last frame says something");
}

static void make_large(void)
{
    static char meta[900];
    struct shard *shard = begin(&large.world);
    memset(meta, 'm', sizeof(meta));
    story.meta = text_of(meta, sizeof(meta));
    enum status status = story_command(&story, "item item=A scale=0");
    for (unsigned i = 0; i < LONG_COMMANDS && status == STATUS_OK; i++) {
        status = story_command(&story, "receive 1 A@L");
        if (status == STATUS_OK && i % LONG_GROUP == 0)
            status = story_flush(&story);
    }
    must(status == STATUS_OK, "the long journal is written");
    shard_close(shard);
    large.name = "long, sealed";
    subject_learn(&large);
    must(large.file_count >= 4, "there are several segments");
}

/* ---- turning bits ---- */

static enum where where_is(const struct subject *subject, size_t file, size_t byte)
{
    bool last = file + 1 == subject->file_count;
    if (byte < SEGMENT_HEADER_BYTES)
        return IN_HEADER;
    if (byte >= subject->ends[file])
        return last ? IN_BEHIND : IN_BETWEEN;
    return last && byte >= subject->last_start ? IN_LAST : IN_FRAME;
}

static void fails(const struct subject *subject, size_t file, size_t byte, unsigned bit, const char *what,
                  enum status status, const struct journal_report *report)
{
    if (failures++ < 20)
        (void)fprintf(stderr, "flips: %s, %s, byte %zu, bit %u: %s: %s, last %llu, cut %llu %s\n", subject->name,
                      subject->files[file]->name, byte, bit, what, status_text(status),
                      (unsigned long long)report->last_seq, (unsigned long long)report->cut_bytes, report->problem);
}

/* Is that what has to come out? */
static bool is_right(const struct subject *subject, enum where where, const char *name, enum status status,
                     const struct journal_report *report)
{
    bool whole = digest.sum == subject->digest && report->last_seq == subject->last_seq;
    switch (where) {
    case IN_HEADER:
    case IN_FRAME:
        return status == STATUS_DAMAGED && strstr(report->problem, name) != NULL &&
               strstr(report->problem, "offset") != NULL;
    case IN_LAST:
        return status == STATUS_OK && report->cut_bytes != 0 && report->cut_where[0] != 0 &&
               digest.sum == subject->digest_before_last && report->last_seq == subject->last_seq_before_last;
    case IN_BETWEEN:
        return status == STATUS_OK && report->cut_bytes == 0 && whole;
    case IN_BEHIND:
        return status == STATUS_OK && report->cut_bytes != 0 && whole;
    case WHERE_COUNT:
        break;
    }
    return false;
}

/* Opens it for writing, and writes when it may. The journal is a copy. */
static void try_writing(struct subject *subject, enum where where, size_t file, size_t byte, unsigned bit)
{
    static struct memory_env copy;
    struct journal_report report;
    struct journal *journal = NULL;
    memory_env_copy(&copy, &subject->world);
    const struct journal_options options = {.env = &copy.env,
                                            .path = PATH,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .tail_bytes = 1,
                                            .fill_on_writer = true};
    enum status status = journal_open(&options, NULL, &journal, &report);
    subject->written++;
    if (where == IN_HEADER || where == IN_FRAME) {
        if (status != STATUS_DAMAGED || copy.writes != 0)
            fails(subject, file, byte, bit, "opened for writing", status, &report);
        if (status == STATUS_OK)
            journal_close(journal);
        return;
    }
    if (status != STATUS_OK) {
        fails(subject, file, byte, bit, "opened for writing", status, &report);
        return;
    }
    uint64_t seq = journal_durable_seq(journal);
    struct event event = {.seq = seq + 1,
                          .type = EVENT_REFUSED,
                          .item = NUMBER_NONE,
                          .location = NUMBER_NONE,
                          .other_location = NUMBER_NONE,
                          .code = CODE_unknown_item};
    const struct decision decision = {.kind = KIND_SALE,
                                      .source = NUMBER_NONE,
                                      .recorded_at_us = 1,
                                      .occurred_at_us = 1,
                                      .first_seq = seq + 1,
                                      .event_count = 1,
                                      .events = &event};
    tail_offset offset;
    journal_append(journal, &decision, &offset);
    status = journal_flush(journal);
    journal_close(journal);
    enum status after = look(&copy, &report);
    uint64_t before = where == IN_LAST ? subject->last_seq_before_last : subject->last_seq;
    bool right = seq == before && report.last_seq == seq + 1 && report.cut_bytes == 0;
    if (status != STATUS_OK || after != STATUS_OK || !right)
        fails(subject, file, byte, bit, "written on", after, &report);
}

/* Turns the bit, which is turned, under a journal that was opened when it was not. */
static void try_reading(struct subject *subject, size_t file, size_t byte, unsigned bit)
{
    uint8_t *at = &subject->files[file]->bytes[byte];
    *at ^= (uint8_t)(1u << bit);
    struct journal *journal = must_open(&subject->world);
    *at ^= (uint8_t)(1u << bit);
    enum status status = read_all(journal, subject->last_seq, byte % 3 == 0 ? 8192 : RECORD_BYTES_MAX);
    journal_close(journal);
    subject->read++;
    subject->read_damaged += status == STATUS_DAMAGED;
    if (status != STATUS_DAMAGED && (status != STATUS_OK || digest.sum != subject->digest_read))
        fails(subject, file, byte, bit, "read while open", status, &(struct journal_report){.last_seq = 0});
}

static void flip(struct subject *subject, size_t file, size_t byte, unsigned bit, uint64_t number)
{
    struct journal_report report;
    enum where where = where_is(subject, file, byte);
    uint8_t *at = &subject->files[file]->bytes[byte];
    *at ^= (uint8_t)(1u << bit);
    enum status status = look(&subject->world, &report);
    subject->counts[where]++;
    if (!is_right(subject, where, subject->files[file]->name, status, &report))
        fails(subject, file, byte, bit, where_names[where], status, &report);
    if (number % WRITE_ONE_IN == 0)
        try_writing(subject, where, file, byte, bit);
    if (number % READ_ONE_IN == 1)
        try_reading(subject, file, byte, bit);
    *at ^= (uint8_t)(1u << bit);
}

static void flip_all(struct subject *subject, uint64_t every, uint64_t seed)
{
    uint64_t at = every == 1 ? 0 : seed % every;
    uint64_t number = 0;
    uint64_t begins = 0; /* bits in the files before */
    for (size_t file = 0; file < subject->file_count; file++) {
        uint64_t bits = subject->files[file]->n * 8;
        for (; at < begins + bits; at += every)
            flip(subject, file, (size_t)((at - begins) / 8), (unsigned)((at - begins) % 8), number++);
        begins += bits;
    }
}

/* Half of them anywhere, half of them in a header, where a frame is long. */
static void flip_some(struct subject *subject, uint64_t count, uint64_t seed)
{
    struct prng prng = prng_of(seed);
    for (uint64_t i = 0; i < count; i++) {
        size_t file = (size_t)prng_below(&prng, subject->file_count);
        size_t byte = (size_t)prng_below(&prng, subject->files[file]->n);
        if (i % 4 == 3)
            byte = byte / FRAME_STEP_BYTES * FRAME_STEP_BYTES + byte % FRAME_HEADER_BYTES;
        flip(subject, file, byte, (unsigned)prng_below(&prng, 8), i);
    }
}

/* ---- checkpoints ---- */

static struct {
    struct memory_env world;
    struct memory_file *file, *journal;
    uint64_t seq, hash;
    uint64_t bits, journal_bits, damaged;
} checkpoint;

/* The ledger that a start makes. */
static enum status start(uint64_t *out_hash, struct journal_report *report)
{
    struct shard_options options = options_of(&checkpoint.world);
    struct shard *shard = NULL;
    options.journal.read_only = true;
    enum status status = shard_open(&options, &shard, report);
    if (status != STATUS_OK)
        return status;
    *out_hash = ledger_state_hash(shard_ledger(shard));
    shard_close(shard);
    return STATUS_OK;
}

static void make_checkpoint(void)
{
    struct shard *shard = begin(&checkpoint.world);
    const struct shard_options options = options_of(&checkpoint.world);
    enum status status = STATUS_OK;
    char name[CHECKPOINT_NAME_BYTES];
    char problem[512] = "";
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 50 && status == STATUS_OK; i++)
        status = story_step(&story);
    must(status == STATUS_OK && story_flush(&story) == STATUS_OK, "half the story is told");
    const struct ledger *ledger = shard_ledger(shard);
    const struct group_mark mark = {
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
    const struct checkpointer_options how = {
        .env = &checkpoint.world.env, .journal = shard_journal(shard), .limits = options.limits};
    must(checkpointer_make(&how, &mark, NULL, &bytes, problem, sizeof(problem)) == STATUS_OK, problem);
    while ((status = story_step(&story)) == STATUS_OK)
        ;
    must(status == STATUS_END, "the story is told");
    checkpoint.seq = mark.last_seq;
    checkpoint.hash = ledger_state_hash(ledger);
    shard_close(shard);
    checkpoint_name(mark.last_seq, name);
    checkpoint.file = memory_find(&checkpoint.world, name);
    checkpoint.journal = memory_find(&checkpoint.world, "00000000000000000001.journal");
    must(checkpoint.file != NULL, "there is a checkpoint");
    struct journal_report report;
    uint64_t hash = 0;
    must(start(&hash, &report) == STATUS_OK && hash == checkpoint.hash, "a start comes to the same ledger");
    must(report.checkpoint_seq == checkpoint.seq, "it begins with the checkpoint");
}

static void checkpoint_fails(const struct memory_file *file, uint64_t bit, enum status status,
                             const struct journal_report *report)
{
    if (failures++ < 20)
        (void)fprintf(stderr, "flips: checkpoint, %s, bit %llu: %s, from %llu, %s%s\n", file->name,
                      (unsigned long long)bit, status_text(status), (unsigned long long)report->checkpoint_seq,
                      report->checkpoint_problem, report->problem);
}

static void flip_checkpoint(uint64_t every, uint64_t seed)
{
    struct journal_report report;
    for (uint64_t at = seed % every; at < checkpoint.file->n * 8; at += every) {
        uint64_t hash = 0;
        checkpoint.file->bytes[at / 8] ^= (uint8_t)(1u << at % 8);
        enum status status = start(&hash, &report);
        if (status != STATUS_OK || hash != checkpoint.hash || report.checkpoint_seq != 0 ||
            report.checkpoint_problem[0] == 0)
            checkpoint_fails(checkpoint.file, at, status, &report);
        checkpoint.file->bytes[at / 8] ^= (uint8_t)(1u << at % 8);
        checkpoint.bits++;
    }
    /* Of the journal, whose zeros are one behind the other: some of each block. */
    for (uint64_t at = seed % every; at < (uint64_t)32 << 13; at += every + 6) {
        uint64_t hash = 0;
        checkpoint.journal->bytes[at / 8] ^= (uint8_t)(1u << at % 8);
        enum status status = start(&hash, &report);
        if (status != STATUS_DAMAGED && (status != STATUS_OK || hash != checkpoint.hash))
            checkpoint_fails(checkpoint.journal, at, status, &report);
        checkpoint.journal->bytes[at / 8] ^= (uint8_t)(1u << at % 8);
        checkpoint.journal_bits++;
        checkpoint.damaged += status == STATUS_DAMAGED;
    }
}

/* ---- packed segments ---- */

static struct {
    struct memory_env world;
    struct memory_file *files[MEMORY_FILES_MAX]; /* that are packed */
    size_t file_count, bytes;
    uint64_t last_seq, digest_read, bits, read, read_damaged;
} packed[2]; /* the short journal, the long one */

static void make_packed(unsigned number, const struct subject *from)
{
    const struct journal_options options = {.env = &packed[number].world.env,
                                            .path = PATH,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .raw_segments = 1,
                                            .fill_on_writer = true};
    struct journal_report report;
    struct journal *journal = NULL;
    enum status status;
    memory_env_init(&packed[number].world);
    memory_env_copy(&packed[number].world, &from->world);
    must(journal_open(&options, NULL, &journal, &report) == STATUS_OK, report.problem);
    while ((status = journal_pack(journal)) == STATUS_OK)
        ;
    must(status == STATUS_END && journal_counters(journal).packed == from->file_count - 1, "all but the last are packed");
    journal_close(journal);
    for (size_t file = 0; file + 1 < from->file_count; file++) {
        struct memory_file *of = memory_find(&packed[number].world, from->files[file]->name);
        must(of != NULL && of->n < from->files[file]->n, "a packed one is shorter");
        packed[number].files[packed[number].file_count++] = of;
        packed[number].bytes += of->n;
    }
    must(look(&packed[number].world, &report) == STATUS_OK && digest.sum == from->digest, "they say what they said");
    packed[number].last_seq = from->last_seq;
    packed[number].digest_read = from->digest_read;
}

static void flip_packed(unsigned number, struct memory_file *file, uint64_t bit, bool open)
{
    struct memory_env *world = &packed[number].world;
    struct journal_report report;
    uint8_t *at = &file->bytes[bit / 8];
    struct journal *journal = open ? must_open(world) : NULL;
    *at ^= (uint8_t)(1u << bit % 8);
    enum status status = look(world, &report);
    bool right = status == STATUS_DAMAGED && strstr(report.problem, file->name) != NULL;
    if (status == STATUS_VERSION) /* a version that is not known is no damage */
        right = bit / 8 < SEGMENT_HEADER_BYTES && strstr(report.problem, file->name) != NULL;
    packed[number].bits++;
    if (open) {
        status = read_all(journal, packed[number].last_seq, RECORD_BYTES_MAX);
        right = right && (status == STATUS_DAMAGED || (status == STATUS_OK && digest.sum == packed[number].digest_read));
        packed[number].read++;
        packed[number].read_damaged += status == STATUS_DAMAGED;
        journal_close(journal);
    }
    if (!right && failures++ < 20)
        (void)fprintf(stderr, "flips: packed %s, bit %llu: %s, %s\n", file->name, (unsigned long long)bit, status_text(status),
                      report.problem);
    *at ^= (uint8_t)(1u << bit % 8);
}

static void flip_packed_all(uint64_t every, uint64_t seed)
{
    uint64_t number = 0;
    for (size_t file = 0; file < packed[0].file_count; file++)
        for (uint64_t bit = seed % every; bit < packed[0].files[file]->n * 8; bit += every, number++)
            flip_packed(0, packed[0].files[file], bit, number % READ_ONE_IN == 1);
}

static void flip_packed_some(uint64_t count, uint64_t seed)
{
    struct prng prng = prng_of(seed);
    for (uint64_t i = 0; i < count; i++) {
        struct memory_file *file = packed[1].files[prng_below(&prng, packed[1].file_count)];
        flip_packed(1, file, prng_below(&prng, file->n * 8), i % READ_ONE_IN == 1);
    }
}

static void tell(const struct subject *subject)
{
    uint64_t sum = 0;
    printf("# %s: %zu segments, %llu bits, last event %llu\n", subject->name, subject->file_count,
           (unsigned long long)subject->bits, (unsigned long long)subject->last_seq);
    for (unsigned where = 0; where < WHERE_COUNT; where++) {
        sum += subject->counts[where];
        printf("#   %-22s %8llu\n", where_names[where], (unsigned long long)subject->counts[where]);
    }
    printf("#   of %llu: %llu opened for writing, %llu turned in an open journal, which found %llu\n",
           (unsigned long long)sum, (unsigned long long)subject->written, (unsigned long long)subject->read,
           (unsigned long long)subject->read_damaged);
}

int main(int argc, char **argv)
{
    uint64_t every = 1;
    uint64_t flips = 20000;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *number = strcmp(argv[i], "--every") == 0   ? &every
                           : strcmp(argv[i], "--flips") == 0 ? &flips
                           : strcmp(argv[i], "--seed") == 0  ? &seed
                                                             : NULL;
        must(number != NULL && i + 1 < argc, "usage: flips [--every N] [--flips N] [--seed S]");
        if (number != NULL)
            *number = strtoull(argv[i + 1], NULL, 10);
    }
    must(every != 0, "--every is 1 or more");
    struct timespec before;
    struct timespec after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    make_short();
    make_large();
    make_checkpoint();
    flip_checkpoint(every, seed);
    flip_all(&sealed, every, seed);
    flip_all(&unsealed, every, seed + 1);
    flip_some(&large, flips, seed);
    make_packed(0, &sealed);
    make_packed(1, &large);
    flip_packed_all(every, seed);
    flip_packed_some(flips / 8, seed);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    uint64_t total = checkpoint.bits + checkpoint.journal_bits + packed[0].bits + packed[1].bits;
    for (unsigned where = 0; where < WHERE_COUNT; where++)
        total += sealed.counts[where] + unsealed.counts[where] + large.counts[where];
    double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("TAP version 13\n1..1\n");
    tell(&sealed);
    tell(&unsealed);
    tell(&large);
    printf("# a checkpoint of %zu bytes: %llu bits; its journal: %llu bits, of which %llu stop a start\n",
           checkpoint.file->n, (unsigned long long)checkpoint.bits, (unsigned long long)checkpoint.journal_bits,
           (unsigned long long)checkpoint.damaged);
    for (unsigned i = 0; i < 2; i++)
        printf("# %s, packed: %zu segments of %zu bytes: %llu bits, %llu of them turned in an open journal, which found %llu\n",
               i == 0 ? "short" : "long", packed[i].file_count, packed[i].bytes, (unsigned long long)packed[i].bits,
               (unsigned long long)packed[i].read, (unsigned long long)packed[i].read_damaged);
    printf("# seed %llu, %llu bits turned, %u not as they should be, %.1f s\n", (unsigned long long)seed,
           (unsigned long long)total, failures, seconds);
    printf("%s 1 - every bit that turns is seen\n", failures == 0 ? "ok" : "not ok");
    memory_env_deinit(&sealed.world);
    memory_env_deinit(&unsealed.world);
    memory_env_deinit(&large.world);
    memory_env_deinit(&checkpoint.world);
    memory_env_deinit(&packed[0].world);
    memory_env_deinit(&packed[1].world);
    return failures != 0;
}
