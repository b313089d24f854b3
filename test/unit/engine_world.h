/*
 * A world for tests of the engine: data directories, an env that watches what is written and fails on demand, logs of
 * commands in near-prose (ledger_world.h), and a sequencer that plays such a log.
 *
 * A log is a list of entries with their log times. It is played in batches cut anywhere (never across two times), and
 * may pause between them, which makes the engine flush: the groups differ, the entries and times do not. A tick of the
 * log is handed out when the engine has nothing else to do; until then the sequencer has nothing.
 */
#ifndef ONHAND_TEST_ENGINE_WORLD_H
#define ONHAND_TEST_ENGINE_WORLD_H

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/prng.h"
#include "engine/engine.h"
#include "journal/frame.h"
#include "ledger_world.h"

/* ---- directories ---- */

struct place {
    char path[64];
};

static inline struct place place_create(void)
{
    struct place place;
    strcpy(place.path, "/tmp/onhand-engine-XXXXXX");
    assert_non_null(mkdtemp(place.path));
    return place;
}

static inline void place_destroy(const struct place *place)
{
    DIR *dir = opendir(place->path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(place->path), 0);
}

/* ---- an env that watches ---- */

/* What a write that fails leaves on the disk. */
enum failure { FAIL_LOST, FAIL_TORN, FAIL_WRITTEN, FAIL_REFUSED, FAILURE_COUNT };

struct watched {
    struct env env;
    uint8_t ledger_id[16];   /* all zeros until the journal is open: nothing is noted before */
    unsigned writes, starts; /* begun, all and those through write_start */
    unsigned fail_at;        /* this one fails; 0 for none */
    enum failure failure;
    bool hold_back;       /* write_done says no */
    uint64_t written_seq; /* last event in a frame whose write has been finished */
    uint64_t flying_seq;
    bool flying_fails;
    atomic_bool full;            /* no file grows */
    atomic_int_fast64_t wall_us; /* 0: the real one */
    atomic_int_fast64_t mono_ns; /* 0: the real one */
    atomic_int_fast64_t slept_ns; /* which that one has not counted */
};

static inline uint64_t watched_frame(const struct watched *watched, const void *bytes)
{
    struct frame frame;
    return frame_parse(bytes, watched->ledger_id, &frame) == FRAME_OK ? frame.last_seq : 0;
}

static inline bool watched_fails(struct watched *watched, struct env_file *file, uint64_t offset, const void *bytes,
                                 size_t n)
{
    if (++watched->writes != watched->fail_at)
        return false;
    if (watched->failure == FAIL_TORN)
        (void)linux_env()->file_write(NULL, file, offset, bytes, n / 2);
    if (watched->failure == FAIL_WRITTEN)
        assert_int_equal(linux_env()->file_write(NULL, file, offset, bytes, n), STATUS_OK);
    return true;
}

static inline enum status watched_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                          size_t n)
{
    struct watched *watched = context;
    if (watched_fails(watched, file, offset, bytes, n))
        return STATUS_IO;
    enum status status = linux_env()->write_durable(NULL, file, offset, bytes, n);
    watched->written_seq = watched_frame(watched, bytes);
    return status;
}

static inline enum status watched_start(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                        size_t n)
{
    struct watched *watched = context;
    watched->starts++;
    watched->flying_fails = watched_fails(watched, file, offset, bytes, n);
    watched->flying_seq = watched_frame(watched, bytes);
    if (watched->flying_fails)
        return watched->failure == FAIL_REFUSED ? STATUS_IO : STATUS_OK;
    return linux_env()->write_start(NULL, file, offset, bytes, n);
}

static inline enum status watched_wait(void *context, struct env_file *file)
{
    struct watched *watched = context;
    if (watched->flying_fails)
        return STATUS_IO;
    enum status status = linux_env()->write_wait(NULL, file);
    watched->written_seq = watched->flying_seq;
    return status;
}

static inline bool watched_done(void *context, struct env_file *file)
{
    const struct watched *watched = context;
    return !watched->hold_back && (watched->flying_fails || linux_env()->write_done(NULL, file));
}

static inline enum status watched_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    const struct watched *watched = context;
    uint64_t size = 0;
    if (atomic_load(&watched->full) && linux_env()->file_size(NULL, file, &size) == STATUS_OK && offset + n > size)
        return STATUS_NO_SPACE;
    return linux_env()->file_write(NULL, file, offset, bytes, n);
}

static inline int64_t watched_wall(void *context)
{
    struct watched *watched = context;
    int64_t us = atomic_load(&watched->wall_us);
    return us != 0 ? us : linux_env()->wall_us(NULL);
}

static inline int64_t watched_mono(void *context)
{
    struct watched *watched = context;
    int64_t ns = atomic_load(&watched->mono_ns);
    return ns != 0 ? ns : linux_env()->monotonic_ns(NULL);
}

static inline int64_t watched_elapsed(void *context)
{
    struct watched *watched = context;
    return watched_mono(context) + atomic_load(&watched->slept_ns);
}

/* The same in every directory: the keys of the hashes are. */
static inline void watched_random(void *context, void *out_bytes, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out_bytes)[i] = (uint8_t)(i + 1);
}

static inline void watched_init(struct watched *watched)
{
    *watched = (struct watched){.env = *linux_env()};
    watched->env.context = watched;
    watched->env.write_durable = watched_durable;
    watched->env.write_start = watched_start;
    watched->env.write_wait = watched_wait;
    watched->env.write_done = watched_done;
    watched->env.file_write = watched_write;
    watched->env.wall_us = watched_wall;
    watched->env.monotonic_ns = watched_mono;
    watched->env.elapsed_ns = watched_elapsed;
    watched->env.random_bytes = watched_random;
}

/* ---- a shard ---- */

static const struct ledger_limits engine_limits = {
    .item_count_max = 64,
    .location_count_max = 16,
    .source_count_max = 16,
    .quota_count_max = 64,
    .offer_count_max = 64,
    .cell_count_max = 1024,
    .claim_count_max = 8192,
    .claim_line_count_max = 16384,
    .transfer_count_max = 1024,
    .expectation_count_max = 1024,
    .document_line_count_max = 16384, .mark_count_max = 16384, .statement_count_max = 256, .review_count_max = 256,
    .id_count_max = 65536,
    .config_mib_max = 1,
    .part_count_max = 64,
    .alias_count_max = 64,
};

#define WINDOW_LONG_S INT64_C(604800)

static inline struct shard *shard_create(const struct place *place, struct watched *watched, int64_t window_s,
                                         uint32_t id_capacity)
{
    const struct shard_options options = {
        .journal = {.env = &watched->env,
                    .path = place->path,
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)32 << 20},
        .limits = engine_limits,
        .id_window_ms = window_s * 1000,
        .id_capacity = id_capacity,
        .clock_start_max_us = INT64_MAX,
        .accept_clock = true,
    };
    struct shard *shard = NULL;
    struct journal_report report;
    if (shard_open(&options, &shard, &report) != STATUS_OK)
        fail_msg("%s: %s", place->path, report.problem);
    memcpy(watched->ledger_id, report.ledger_id, sizeof(watched->ledger_id));
    assert_int_equal(shard_settings(shard, WORLD_START_US), STATUS_OK);
    assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
    watched->written_seq = journal_durable_seq(shard_journal(shard));
    watched->writes = watched->starts = 0;
    return shard;
}

static inline uint64_t shard_hash(const struct shard *shard)
{
    ledger_check(shard_ledger(shard));
    return ledger_state_hash(shard_ledger(shard));
}

/* Closes, opens anew, and gives the state hash found. */
static inline uint64_t shard_hash_on_disk(const struct place *place, int64_t window_s, uint32_t id_capacity)
{
    static struct watched watched;
    watched_init(&watched);
    struct shard *shard = shard_create(place, &watched, window_s, id_capacity);
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    return hash;
}

/* ---- a log ---- */

struct entry {
    enum { ENTRY_COMMAND, ENTRY_READ, ENTRY_PAUSE, ENTRY_TICK_TIME } what;
    uint8_t *form; /* owned */
    uint32_t bytes;
    bool dry;
    int64_t stamp_us;
    uint32_t stream; /* index of its flag + 1, 0 for none */
};

#define LOG_MAX     8192
#define STREAMS_MAX 8

struct recording {
    uint32_t count;
    struct entry entries[LOG_MAX];
};

/* Adds a command, or `read`, `pause` (the engine finds nothing) or `tick`. Returns its index. */
static inline uint32_t log_add(struct recording *log, int64_t stamp_us, const char *prose)
{
    static struct world world;
    static uint8_t form[COMMAND_BYTES_MAX];
    assert_true(log->count < LOG_MAX);
    struct entry *entry = &log->entries[log->count];
    *entry = (struct entry){.stamp_us = stamp_us};
    if (strcmp(prose, "read") == 0) {
        entry->what = ENTRY_READ;
    } else if (strcmp(prose, "pause") == 0) {
        entry->what = ENTRY_PAUSE;
    } else if (strcmp(prose, "tick") == 0) {
        entry->what = ENTRY_TICK_TIME;
    } else {
        world.now_us = stamp_us;
        world_parse(&world, prose);
        size_t n = command_encode(&world.command, form, sizeof(form));
        assert_true(n > 0);
        entry->form = malloc(n);
        assert_non_null(entry->form);
        memcpy(entry->form, form, n);
        entry->bytes = (uint32_t)n;
        entry->dry = world.command.dry_run;
    }
    return log->count++;
}

static inline void log_clear(struct recording *log)
{
    for (uint32_t i = 0; i < log->count; i++)
        free(log->entries[i].form);
    log->count = 0;
}

/* ---- playing it ---- */

struct play {
    struct watched *watched;
    struct shard *shard;
    const struct recording *log;
    uint32_t cut_max;      /* entries in a batch at most; 0: as many as there are */
    unsigned pause_one_in; /* a pause behind one batch of so many; 0 never */
    struct prng prng;
    bool pause;
    bool clock_jumped; /* batches are handed out without a time */
    uint32_t next;
    uint32_t batches_out; /* at the engine */
    struct done_queue done;
    struct stream streams[STREAMS_MAX];
    unsigned failed_calls;
    uint32_t back; /* requests given back */
    /* By index of the entry. */
    struct answer answers[LOG_MAX];
    uint64_t seen[LOG_MAX];      /* reads: last event seen. Dry runs: hash of the record */
    unsigned writes_at[LOG_MAX]; /* writes begun when it came back */
};

static inline void note_last_seq(const struct ledger *ledger, struct request *request)
{
    *(uint64_t *)request->detail = ledger_last_seq(ledger);
}

/* The promise itself: what an answer shows is durable when it comes back. */
static inline void play_check_durable(const struct play *play, const struct request *request)
{
    enum answer_status status = request->answer.status;
    if (status == ANSWER_ACCEPTED || status == ANSWER_REFUSED)
        assert_true(request->answer.last_seq <= play->watched->written_seq);
    if (status == ANSWER_READ)
        assert_true(*(const uint64_t *)request->detail <= play->watched->written_seq);
}

/* Called by the engine with each batch it gives back. */
static inline void play_came_back(void *argument)
{
    struct play *play = argument;
    for (struct batch *batch = done_queue_take(&play->done), *next; batch != NULL; batch = next) {
        next = batch->next;
        for (uint32_t i = 0; i < batch->count; i++) {
            struct request *request = &batch->requests[i];
            uint32_t n = (uint32_t)request->number;
            assert_int_not_equal(request->answer.status, ANSWER_PENDING);
            assert_int_equal(play->answers[n].status, ANSWER_PENDING); /* once */
            play_check_durable(play, request);
            play->answers[n] = request->answer;
            reading_destroy(request->reading);
            play->writes_at[n] = play->watched->writes;
            if (request->dry_bytes != NULL && request->dry_length > 0)
                play->seen[n] = siphash64(&world_key, request->dry_bytes, request->dry_length);
            free(request->dry_bytes);
            play->back++;
        }
        play->batches_out--;
        free(batch);
    }
}

static inline struct batch *play_batch(struct play *play)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    assert_non_null(batch);
    batch->done = &play->done;
    batch->count = 0;
    uint32_t most = play->cut_max == 0 ? BATCH_REQUESTS_MAX : 1 + (uint32_t)prng_below(&play->prng, play->cut_max);
    int64_t stamp_us = play->log->entries[play->next].stamp_us;
    while (batch->count < most && play->next < play->log->count) {
        const struct entry *entry = &play->log->entries[play->next];
        if (entry->stamp_us != stamp_us || entry->what == ENTRY_PAUSE || entry->what == ENTRY_TICK_TIME)
            break;
        batch->requests[batch->count++] = (struct request){
            .command = entry->form,
            .command_bytes = entry->bytes,
            .read = note_last_seq,
            .stream = entry->stream == 0 ? NULL : &play->streams[entry->stream - 1],
            .dry_bytes = entry->dry ? malloc(RECORD_BYTES_MAX) : NULL,
            .detail = &play->seen[play->next],
            .number = play->next,
        };
        play->next++;
    }
    play->batches_out++;
    return batch;
}

static inline enum status play_next(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
{
    struct play *play = context;
    const struct recording *log = play->log;
    if (play->pause) {
        play->pause = false;
        return STATUS_AGAIN;
    }
    if (play->next == log->count)
        return STATUS_END;
    const struct entry *entry = &log->entries[play->next];
    *out_stamp_us = entry->stamp_us;
    if (entry->what == ENTRY_PAUSE) {
        play->next++;
        return STATUS_AGAIN;
    }
    if (entry->what == ENTRY_TICK_TIME) {
        if (wait_ns == 0)
            return STATUS_AGAIN; /* the engine is busy: this time comes when it is not */
        play->next++;
        *out_batch = NULL;
        return STATUS_OK;
    }
    *out_batch = play_batch(play);
    play->pause = play->pause_one_in != 0 && prng_below(&play->prng, play->pause_one_in) == 0;
    return play->clock_jumped ? STATUS_CLOCK : STATUS_OK;
}

static inline void play_failed(void *argument, enum status status)
{
    struct play *play = argument;
    assert_int_not_equal(status, STATUS_OK);
    play->failed_calls++;
}

/* Plays the log to its end on this thread. The shard stays open. */
static inline void play_run(struct play *play, struct watched *watched, struct shard *shard,
                            const struct recording *log)
{
    play->watched = watched;
    play->shard = shard;
    play->log = log;
    done_queue_init(&play->done, play_came_back, play);
    const struct engine_options options = {
        .env = &watched->env,
        .shard = shard,
        .sequencer = {play, play_next},
        .seal_after_ns = INT64_C(3600) * 1000 * 1000 * 1000, /* a seal is a write of its own: not counted here */
        .failed = play_failed,
        .failed_argument = play,
    };
    struct engine *engine = engine_create(&options);
    assert_non_null(engine);
    engine_run(engine);
    assert_int_equal(engine_failed(engine), play->failed_calls > 0);
    engine_destroy(engine);
    done_queue_deinit(&play->done);
    assert_int_equal(play->batches_out, 0);
}

static inline struct play *play_create(uint32_t cut_max, unsigned pause_one_in, uint64_t seed)
{
    struct play *play = calloc(1, sizeof(*play));
    assert_non_null(play);
    play->cut_max = cut_max;
    play->pause_one_in = pause_one_in;
    play->prng = prng_of(seed);
    return play;
}

#endif
