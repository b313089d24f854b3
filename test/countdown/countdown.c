/*
 * Goal: whatever call fails, and whenever, the answer is a status, nothing is kept that should be given back, and what
 * was acknowledged is there.
 * Method: each scenario of a table is played again and again on a data directory in memory (test/world/memory_env.h);
 * first the first call that can fail does, then the second, until it passes without a failure. Calls are those of env.h
 * and, at another countdown, allocations: this program is linked with malloc and its kin wrapped (--wrap). A call fails
 * alone, or with all that follow; a write that fails leaves nothing, half, or all. After each run
 *
 *     memory, mappings, files and the directory are given back: all are counted
 *     a start that was refused says why
 *     the directory is opened anew, without failures: every event that a flush acknowledged is there, and what is there is
 *     what the run without failures wrote, byte for byte; the ledger made of it is sound; it can be written on
 *
 * countdown [--every N] [--seed S]: every N-th of the failures (1), counted from a place that the seed gives. The same
 * arguments make the same run.
 */
#define UNIT_ALONE
#include <stdatomic.h>
#include <time.h>

#include "../world/memory_env.h"
#include "../world/story.h"
#include "engine/checkpointer.h"
#include "engine/past_ledger.h"
#include "journal/checkpoint.h"
#include "journal/segment.h"

#define PATH     "journal"
#define SEQ_MAX  4096
#define FAILURES_SHOWN 20

/* ---- allocations ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *old, size_t n);
void __real_free(void *memory);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *old, size_t n);
void __wrap_free(void *memory);

static struct {
    atomic_long live; /* blocks not given back */
    bool armed;
    uint64_t calls, fail_at, failed;
    bool fail_on;
} heap;

static bool heap_fails(void)
{
    if (!heap.armed)
        return false;
    heap.calls++;
    bool fails = heap.fail_at != 0 && (heap.fail_on ? heap.calls >= heap.fail_at : heap.calls == heap.fail_at);
    heap.failed += fails;
    return fails;
}

static void *heap_given(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add(&heap.live, 1);
    return memory;
}

void *__wrap_malloc(size_t n)
{
    return heap_fails() ? NULL : heap_given(__real_malloc(n));
}

void *__wrap_calloc(size_t count, size_t n)
{
    return heap_fails() ? NULL : heap_given(__real_calloc(count, n));
}

void *__wrap_realloc(void *old, size_t n)
{
    if (heap_fails())
        return NULL;
    void *memory = __real_realloc(old, n);
    return old == NULL ? heap_given(memory) : memory;
}

void __wrap_free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&heap.live, 1);
    __real_free(memory);
}

/* ---- a run ---- */

struct run {
    struct memory_env *world;
    struct journal_report report;
    uint64_t told;  /* last event that was acknowledged */
    bool refused;   /* it was an open that failed: report says why */
    const char *at; /* what failed, for people */
};

/* Plays it; what it has open it closes whatever happens. */
typedef enum status (*play_function)(struct run *run);

struct scenario {
    const char *name;
    play_function play;
    const struct memory_env *before; /* the directory it begins with; NULL for none */
    bool reads;                      /* it changes nothing */
};

static struct story story;

static enum status open_shard(struct run *run, struct shard **out_shard)
{
    const struct shard_options options = story_options(&run->world->env, PATH);
    enum status status = shard_open(&options, out_shard, &run->report);
    run->refused = status != STATUS_OK;
    return status;
}

static enum status open_packing(struct run *run, bool read_only, size_t raw_segments, struct journal **out_journal)
{
    const struct journal_options options = {.env = &run->world->env,
                                            .path = PATH,
                                            .read_only = read_only,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .tail_bytes = 1,
                                            .raw_segments = raw_segments,
                                            .fill_on_writer = true};
    enum status status = journal_open(&options, NULL, out_journal, &run->report);
    run->refused = status != STATUS_OK;
    return status;
}

static enum status open_journal(struct run *run, bool read_only, struct journal **out_journal)
{
    return open_packing(run, read_only, 0, out_journal);
}

/* An empty directory; the story, to its end; closed. */
static enum status play_story(struct run *run)
{
    struct shard *shard = NULL;
    enum status status = open_shard(run, &shard);
    if (status != STATUS_OK)
        return status;
    status = story_begin(&story, shard);
    while (status == STATUS_OK)
        status = story_step(&story);
    run->told = story.told;
    shard_close(shard);
    return status == STATUS_END ? STATUS_OK : status;
}

/* A start, a command, a seal, an end. */
static enum status play_restart(struct run *run)
{
    struct shard *shard = NULL;
    enum status status = open_shard(run, &shard);
    if (status != STATUS_OK)
        return status;
    run->told = journal_durable_seq(shard_journal(shard));
    story.shard = shard;
    story.world.now_us = ledger_now_us(shard_ledger(shard));
    story.world.ids = 1000;
    status = shard_settings(shard, story.world.now_us);
    if (status == STATUS_OK)
        status = story_command(&story, "receive 1 A@L");
    if (status == STATUS_OK)
        status = story_flush(&story);
    if (status == STATUS_OK)
        run->told = story.told;
    if (status == STATUS_OK && journal_append_seal(shard_journal(shard)))
        status = journal_flush(shard_journal(shard));
    shard_close(shard);
    return status;
}

/* A start, a command, a checkpoint of it, an end. */
static enum status play_checkpoint(struct run *run)
{
    struct shard *shard = NULL;
    enum status status = open_shard(run, &shard);
    if (status != STATUS_OK)
        return status;
    run->told = journal_durable_seq(shard_journal(shard));
    story.shard = shard;
    story.world.now_us = ledger_now_us(shard_ledger(shard));
    story.world.ids = 1000;
    status = story_command(&story, "receive 1 A@L");
    if (status == STATUS_OK)
        status = story_flush(&story);
    if (status == STATUS_OK) {
        const struct ledger *ledger = shard_ledger(shard);
        const struct checkpointer_options options = {
            .env = &run->world->env, .journal = shard_journal(shard), .limits = story_limits, .slice_events = 20};
        const struct group_mark mark = {.last_seq = ledger_last_seq(ledger),
                                        .log_us = ledger_now_us(ledger),
                                        .state_hash = ledger_state_hash(ledger)};
        char problem[512] = "";
        uint64_t bytes = 0;
        run->told = story.told;
        status = checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem));
        CHECK(status == STATUS_OK || problem[0] != '\0');
    }
    shard_close(shard);
    return status;
}

static const char large_text[1000] = "large";

/* Refused sales from a sequence number on, which say all by it. */
static void append_some(struct journal *journal, uint64_t *seq, unsigned count)
{
    for (unsigned i = 0; i < count; i++, ++*seq) {
        struct event event = {.seq = *seq,
                              .type = EVENT_REFUSED,
                              .item = NUMBER_NONE,
                              .location = NUMBER_NONE,
                              .other_location = NUMBER_NONE,
                              .code = CODE_unknown_item};
        const struct decision decision = {.kind = KIND_SALE,
                                          .source = NUMBER_NONE,
                                          .recorded_at_us = (int64_t)*seq,
                                          .occurred_at_us = (int64_t)*seq,
                                          .meta = text_of(large_text, sizeof(large_text)),
                                          .first_seq = *seq,
                                          .event_count = 1,
                                          .events = &event};
        tail_offset offset;
        journal_append(journal, &decision, &offset);
    }
}

/* Groups of 300 KiB, both ways of flushing, until there are three segments. */
static enum status play_segments(struct run *run)
{
    struct journal *journal = NULL;
    enum status status = open_journal(run, false, &journal);
    if (status != STATUS_OK)
        return status;
    uint64_t seq = journal_durable_seq(journal) + 1;
    run->told = seq - 1;
    for (unsigned group = 0; group < 8 && status == STATUS_OK; group++) {
        append_some(journal, &seq, 300);
        if (group % 2 == 0) {
            status = journal_flush(journal);
        } else {
            status = journal_flush_start(journal);
            if (status == STATUS_OK)
                status = journal_flush_wait(journal);
        }
        if (status == STATUS_OK)
            run->told = seq - 1;
        CHECK(journal_durable_seq(journal) == run->told);
    }
    /* When the next one cannot be had, a segment grows. */
    bool failed = run->world->failed + heap.failed != 0;
    CHECK(status != STATUS_OK || failed || journal_counters(journal).segments == 3);
    if (status == STATUS_OK)
        append_some(journal, &seq, 1); /* written by close, or not */
    journal_close(journal);
    return status;
}

/* Everything, in pieces, from the files; forwards and back. */
static enum status play_reading(struct run *run)
{
    struct journal *journal = NULL;
    enum status status = open_journal(run, true, &journal);
    if (status != STATUS_OK)
        return status;
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    uint64_t last = journal_durable_seq(journal);
    size_t n = 0;
    if (bytes == NULL)
        status = STATUS_MEMORY;
    for (uint64_t from = 1; from <= last && status == STATUS_OK;) {
        status = journal_read(journal, from, TAIL_UNKNOWN, false, bytes, from % 2 == 0 ? 200000 : 8192, &n);
        for (size_t at = 0; status == STATUS_OK && at < n; at += get_u32(bytes + at)) {
            struct reader r = reader_of(bytes + at + 5, get_u32(bytes + at) - 5);
            uint64_t events = read_varint(&r);
            from = read_varint(&r) + events;
        }
    }
    for (uint64_t seq = last; seq > 0 && status == STATUS_OK; seq -= seq > 300 ? 300 : seq)
        status = journal_read_back(journal, seq > 20 ? seq - 20 : 1, seq, bytes, RECORD_BYTES_MAX, &n);
    free(bytes);
    journal_close(journal);
    return status;
}

/* All old segments are packed. */
static enum status play_packing(struct run *run)
{
    struct journal *journal = NULL;
    enum status status = open_packing(run, false, 1, &journal);
    if (status != STATUS_OK)
        return status;
    run->told = journal_durable_seq(journal);
    while (status == STATUS_OK)
        status = journal_pack(journal);
    journal_close(journal);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status play_replay(struct run *run)
{
    struct journal *journal = NULL;
    enum status status = open_journal(run, true, &journal);
    if (status != STATUS_OK)
        return status;
    struct journal_place place = JOURNAL_BEGIN;
    const struct journal_replay nobody = {0};
    uint64_t last = journal_durable_seq(journal);
    for (uint64_t until = last / 3; until <= last && status == STATUS_OK; until += last / 3)
        status = journal_replay_until(journal, &place, INT64_MAX, until, &nobody, NULL);
    CHECK(status != STATUS_OK || place.seq > last / 3);
    journal_close(journal);
    return status;
}

static enum status play_verify(struct run *run)
{
    enum status status = journal_verify(&run->world->env, PATH, NULL, &run->report);
    run->refused = status != STATUS_OK;
    return status;
}

/* The ledger as it was, twice. */
static enum status play_past(struct run *run)
{
    struct shard *shard = NULL;
    enum status status = open_shard(run, &shard);
    if (status != STATUS_OK)
        return status;
    run->told = journal_durable_seq(shard_journal(shard));
    struct past_ledger *past =
        past_ledger_create(&run->world->env, shard_journal(shard), &story_limits, INT64_C(3600) * 1000000000);
    status = past == NULL ? STATUS_MEMORY : STATUS_OK;
    for (uint64_t seq = 60; seq >= 30 && status == STATUS_OK; seq -= 30) {
        const struct ledger *ledger = NULL;
        status = past_ledger_take(past, INT64_MAX, seq, NULL, &ledger);
        if (status == STATUS_OK) {
            CHECK(ledger_last_seq(ledger) <= seq && ledger_last_seq(ledger) + 5 > seq);
            past_ledger_give(past);
        }
    }
    past_ledger_destroy(past);
    shard_close(shard);
    return status;
}

/* The history of a cell, from the files. */
static enum status play_history(struct run *run)
{
    struct shard *shard = NULL;
    enum status status = open_shard(run, &shard);
    if (status != STATUS_OK)
        return status;
    run->told = journal_durable_seq(shard_journal(shard));
    static struct history history;
    struct decision decision = {.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event)),
                                .names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name)),
                                .shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage))};
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    bool there = decision.events != NULL && decision.names != NULL && decision.shortages != NULL && bytes != NULL;
    status = there ? STATUS_OK : STATUS_MEMORY;
    if (there)
        history_init(&history, shard_journal(shard), bytes, &decision, NULL);
    struct cell_top top;
    ledger_cell_top(shard_ledger(shard), 0, &top);
    for (unsigned axis = 0; axis < AXIS_COUNT && status == STATUS_OK; axis++) {
        struct history_figures figures;
        status = history_as_of(&history, (enum time_axis)axis, &top, WORLD_START_US + 3 * SECOND_US, &figures);
    }
    free(bytes);
    free(decision.events);
    free(decision.names);
    free(decision.shortages);
    shard_close(shard);
    return status;
}

/* ---- directories to begin with ---- */

static struct memory_env told;   /* the story, closed */
static struct memory_env torn;   /* the story, its last frame half written */
static struct memory_env large;  /* three segments */
static struct memory_env halved; /* the story, with a segment in the making that a crash left */
static struct memory_env marked; /* the story, with two checkpoints */
static struct memory_env rotten; /* the same, and the newer is damaged */
static struct memory_env packed; /* three segments, two of them packed */

static const struct scenario scenarios[] = {
    {"a story from the first start to its end", play_story, NULL, false},
    {"a start, a command, an end", play_restart, &told, false},
    {"a start after a crash, with a torn tail", play_restart, &torn, false},
    {"a new journal of three segments", play_segments, NULL, false},
    {"more segments behind others", play_segments, &halved, false},
    {"reading from the files", play_reading, &large, true},
    {"replaying up to an event", play_replay, &large, true},
    {"verifying", play_verify, &large, true},
    {"verifying a torn tail", play_verify, &torn, true},
    {"the ledger as it was", play_past, &told, false},
    {"the history of a cell", play_history, &told, false},
    {"a checkpoint", play_checkpoint, &told, false},
    {"a start from a checkpoint, and the next one", play_checkpoint, &marked, false},
    {"a start that passes over a damaged checkpoint", play_restart, &rotten, false},
    {"the ledger as it was, from a checkpoint", play_past, &marked, false},
    {"packing segments", play_packing, &large, false},
    {"reading from packed segments", play_reading, &packed, true},
};
#define SCENARIO_COUNT (sizeof(scenarios) / sizeof(scenarios[0]))

/* ---- what a directory holds ---- */

struct content {
    uint64_t last_seq;
    uint64_t sums[SEQ_MAX]; /* of the decisions up to the one that ends with this event; 0 for none */
    uint64_t sum;
    uint8_t bytes[RECORD_BYTES_MAX];
};
static struct content found, right;

static void take_decision(void *context, const struct decision *decision)
{
    struct content *content = context;
    if (decision->kind == KIND_TICK)
        return;
    struct writer w = writer_of(content->bytes, sizeof(content->bytes));
    record_write_decision(&w, decision);
    CHECK(!w.full);
    const struct siphash_key key = {content->sum, 1};
    content->sum = siphash64(&key, content->bytes, writer_bytes(&w));
    content->last_seq = decision->first_seq + decision->event_count - 1;
    CHECK(content->last_seq < SEQ_MAX);
    content->sums[content->last_seq] = content->sum;
}

static enum status take_content(struct memory_env *world, struct content *content, struct journal_report *report)
{
    const struct journal_replay replay = {.context = content, .decision = take_decision};
    memset(content->sums, 0, sizeof(content->sums));
    content->sum = content->last_seq = 0;
    return journal_verify(&world->env, PATH, &replay, report);
}

/* ---- counting down ---- */

struct fault {
    const char *name;
    bool of_heap, on;
    enum status status;
    enum memory_tear tear;
};

static const struct fault faults[] = {
    {"an error, nothing written", false, false, STATUS_IO, TEAR_LOST},
    {"an error, half written", false, false, STATUS_IO, TEAR_HALF},
    {"an error, all written", false, false, STATUS_IO, TEAR_WRITTEN},
    {"errors from then on", false, true, STATUS_IO, TEAR_HALF},
    {"no space", false, false, STATUS_NO_SPACE, TEAR_HALF},
    {"no space from then on", false, true, STATUS_NO_SPACE, TEAR_HALF},
    {"the system has no memory", false, false, STATUS_MEMORY, TEAR_LOST},
    {"an allocation", true, false, STATUS_MEMORY, TEAR_LOST},
    {"allocations from then on", true, true, STATUS_MEMORY, TEAR_LOST},
};
#define FAULT_COUNT (sizeof(faults) / sizeof(faults[0]))

static struct memory_env world;
static struct run run;
static uint64_t told_before; /* last event that was acknowledged when the scenario begins */
static const struct scenario *scenario;
static const struct fault *fault;
static uint64_t fault_at;
static unsigned failures;

static bool expect(bool is_so, const char *what)
{
    if (!is_so && failures++ < FAILURES_SHOWN)
        (void)fprintf(stderr, "countdown: %s; %s, number %llu (%s): %s: %s\n", scenario->name, fault->name,
                      (unsigned long long)fault_at, world.failed_in, what, run.report.problem);
    return is_so;
}

/* The directory opened anew, without failures. */
static void check_directory(void)
{
    struct journal_report report;
    bool began = false;
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++)
        began = began || (world.files[i].bytes != NULL && strstr(world.files[i].name, SEGMENT_SUFFIX) != NULL &&
                          strcmp(world.files[i].name, SEGMENT_NEXT_NAME) != 0);
    if (!began) {
        (void)expect(run.told == 0, "the journal is gone");
        return;
    }
    enum status status = take_content(&world, &found, &report);
    if (!expect(status == STATUS_OK, "it is not sound any more"))
        return;
    if (right.last_seq == UINT64_MAX)
        right = found;
    (void)expect(found.last_seq >= run.told, "what was acknowledged is lost");
    (void)expect(found.last_seq <= right.last_seq, "there is more than was written");
    (void)expect(found.last_seq == 0 || right.sums[found.last_seq] == found.sum, "other events than were written");
    /* Written on. */
    struct run after = {.world = &world};
    struct journal *journal = NULL;
    status = open_journal(&after, false, &journal);
    if (!expect(status == STATUS_OK, "it cannot be opened"))
        return;
    uint64_t seq = journal_durable_seq(journal) + 1;
    append_some(journal, &seq, 1);
    status = journal_flush(journal);
    journal_close(journal);
    (void)expect(status == STATUS_OK, "it cannot be written on");
    status = take_content(&world, &found, &report);
    (void)expect(status == STATUS_OK && found.last_seq == seq - 1, "what was written on is not there");
}

/* One run with the fault_at-th call failing; false when there are not so many. */
static bool count_down(void)
{
    memory_env_deinit(&world);
    memory_env_init(&world);
    if (scenario->before != NULL)
        memory_env_copy(&world, scenario->before);
    run = (struct run){.world = &world, .told = told_before};
    long live = atomic_load(&heap.live);
    world.fail_with = fault->status;
    world.fail_on = fault->on;
    world.tear = fault->tear;
    world.fail_at = fault->of_heap ? 0 : fault_at;
    heap.calls = heap.failed = 0;
    heap.fail_on = fault->on;
    heap.fail_at = fault->of_heap ? fault_at : 0;
    heap.armed = true;
    enum status status = scenario->play(&run);
    heap.armed = false;
    world.fail_at = 0;
    bool failed = world.failed + heap.failed != 0;
    (void)expect(status == STATUS_OK || failed, "it fails without a failure");
    (void)expect(status != STATUS_DAMAGED && status != STATUS_VERSION && status != STATUS_CLOCK, status_text(status));
    (void)expect(!run.refused || run.report.problem[0] != 0, "refused without a word");
    (void)expect(atomic_load(&heap.live) == live, "memory is not given back");
    (void)expect(world.directories_open == 0, "the directory stays open");
    (void)expect(world.files_open == 0, "a file stays open");
    (void)expect(world.reservations == 0, "a mapping is not given back");
    (void)expect(!scenario->reads || world.writes == 0, "it was written");
    world.directories_open = world.files_open = world.reservations = 0;
    world.locked = false;
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++)
        world.files[i].opened = 0;
    check_directory();
    return failed;
}

/* ---- the table ---- */

static void must(bool done, const char *what)
{
    if (done)
        return;
    (void)fprintf(stderr, "countdown: %s\n", what);
    exit(1);
}

static void make(play_function play, struct memory_env *out_world)
{
    run = (struct run){.world = out_world};
    must(play(&run) == STATUS_OK, run.report.problem);
}

static void make_directories(void)
{
    memory_env_init(&told);
    make(play_story, &told);
    memory_env_init(&torn);
    memory_env_copy(&torn, &told);
    struct memory_file *file = memory_find(&torn, "00000000000000000001.journal");
    struct segment segment;
    struct frame frame;
    size_t at = SEGMENT_HEADER_BYTES;
    size_t last = at;
    size_t before = at;
    must(segment_parse(file->bytes, &segment) == SEGMENT_OK, "the segment is sound");
    for (; frame_parse(file->bytes + at, segment.ledger_id, &frame) == FRAME_OK; at += frame.frame_bytes) {
        before = last;
        last = at;
    }
    memset(file->bytes + last, 0, at - last); /* the seal */
    memset(file->bytes + (before + last) / 2, 0, last - (before + last) / 2);
    memory_env_init(&large);
    make(play_segments, &large);
    memory_env_init(&halved);
    memory_env_copy(&halved, &told);
    memset(memory_put(&halved, SEGMENT_NEXT_NAME, 5000)->bytes, 'x', 5000);
    memory_env_init(&marked);
    memory_env_copy(&marked, &told);
    make(play_checkpoint, &marked);
    make(play_checkpoint, &marked);
    memory_env_init(&rotten);
    memory_env_copy(&rotten, &marked);
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(run.told, name);
    file = memory_find(&rotten, name);
    must(file != NULL, "there is a checkpoint of the last event");
    file->bytes[file->n / 2] ^= 1;
    memory_env_init(&packed);
    memory_env_copy(&packed, &large);
    make(play_packing, &packed);
}

int main(int argc, char **argv)
{
    uint64_t every = 1;
    uint64_t seed = 1;
    memory_disk_realloc = __real_realloc;
    memory_disk_free = __real_free;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *number = strcmp(argv[i], "--every") == 0  ? &every
                           : strcmp(argv[i], "--seed") == 0 ? &seed
                                                            : NULL;
        must(number != NULL && i + 1 < argc, "usage: countdown [--every N] [--seed S]");
        if (number != NULL)
            *number = strtoull(argv[i + 1], NULL, 10);
    }
    must(every != 0, "--every is 1 or more");
    make_directories();
    printf("TAP version 13\n1..%zu\n# seed %llu, every %llu\n", SCENARIO_COUNT, (unsigned long long)seed,
           (unsigned long long)every);
    memory_env_init(&world);
    for (size_t s = 0; s < SCENARIO_COUNT; s++) {
        struct timespec before;
        struct timespec after;
        unsigned failures_before = failures;
        uint64_t runs = 0;
        uint64_t calls[2] = {0, 0};
        scenario = &scenarios[s];
        (void)clock_gettime(CLOCK_MONOTONIC, &before);
        told_before = 0;
        if (scenario->before != NULL) {
            memory_env_copy(&world, scenario->before);
            must(take_content(&world, &found, &run.report) == STATUS_OK, run.report.problem);
            told_before = found.last_seq;
        }
        /* Without a failure: what is right. */
        fault = &faults[0];
        fault_at = UINT64_MAX;
        right.last_seq = UINT64_MAX;
        must(!count_down() || failures == failures_before, "it fails by itself");
        calls[0] = world.calls;
        calls[1] = heap.calls;
        for (size_t f = 0; f < FAULT_COUNT; f++) {
            fault = &faults[f];
            for (fault_at = 1 + (seed + f) % every; count_down(); fault_at += every)
                runs++;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &after);
        printf("%s %zu - %s: %llu calls, %llu allocations, %llu runs, %.1f s\n",
               failures == failures_before ? "ok" : "not ok", s + 1, scenario->name, (unsigned long long)calls[0],
               (unsigned long long)calls[1], (unsigned long long)runs,
               (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9);
        (void)fflush(stdout);
    }
    memory_env_deinit(&world);
    memory_env_deinit(&told);
    memory_env_deinit(&torn);
    memory_env_deinit(&large);
    memory_env_deinit(&halved);
    memory_env_deinit(&marked);
    memory_env_deinit(&rotten);
    memory_env_deinit(&packed);
    return failures != 0;
}
