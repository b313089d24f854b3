/*
 * Goal: a start from a checkpoint comes to the ledger that was there, to its state hash, and its journal is read as before; a
 * checkpoint that is no good is passed over, or stops the start when what it vouches for is missing; and what fails while one is made
 * harms nothing. Method: a shard decides random commands; checkpoints are made between them; it is closed and opened
 * again, with files damaged in every way.
 */
#include "engine_world.h"

#include "base/bytes.h"
#include "engine/checkpoint_check.h"
#include "engine/checkpointer.h"
#include "engine/past_ledger.h"
#include "journal/checkpoint.h"
#include "ledger/image.h"
#include "shard_walk.h"

/* ---- a directory and its shard ---- */

static struct watched watched;
static struct prng prng;
static unsigned step;

static enum status open_shard(const struct place *place, struct shard **out_shard, struct journal_report *out_report)
{
    const struct shard_options options = {
        .journal = {.env = &watched.env, .path = place->path, .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)16 << 20},
        .limits = engine_limits,
        .id_window_ms = 30000,
        .id_capacity = 65536,
        .clock_start_max_us = INT64_MAX,
        .accept_clock = true,
    };
    enum status status = shard_open(&options, out_shard, out_report);
    if (status == STATUS_OK) {
        memcpy(watched.ledger_id, out_report->ledger_id, sizeof(watched.ledger_id));
        assert_int_equal(shard_settings(*out_shard, WORLD_START_US), STATUS_OK);
        assert_int_equal(journal_flush(shard_journal(*out_shard)), STATUS_OK);
    }
    return status;
}

static struct shard *opened(const struct place *place, struct journal_report *out_report)
{
    struct shard *shard = NULL;
    if (open_shard(place, &shard, out_report) != STATUS_OK)
        fail_msg("%s", out_report->problem);
    return shard;
}

static struct shard *begun(struct place *place, uint64_t seed)
{
    struct journal_report report;
    *place = place_create();
    watched_init(&watched);
    prng = prng_of(seed);
    step = 0;
    noted_count = 0;
    return opened(place, &report);
}

static void walk(struct shard *shard, unsigned steps)
{
    go_on(shard, &prng, step, step + steps);
    step += steps;
}

static struct checkpointer_options options_of(struct shard *shard, const struct env *env)
{
    return (struct checkpointer_options){.env = env, .journal = shard_journal(shard), .limits = engine_limits};
}

static struct group_mark mark_of(const struct shard *shard)
{
    const struct ledger *ledger = shard_ledger(shard);
    return (struct group_mark){
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
}

static uint64_t make(struct shard *shard)
{
    const struct checkpointer_options options = options_of(shard, &watched.env);
    const struct group_mark mark = mark_of(shard);
    char problem[512];
    uint64_t bytes = 0;
    if (checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)) != STATUS_OK)
        fail_msg("%s", problem);
    return mark.last_seq;
}

static size_t files_of(const struct place *place, uint64_t out_seqs[8])
{
    struct env_directory *directory = NULL;
    size_t count = 0;
    assert_int_equal(linux_env()->directory_open(NULL, place->path, false, false, &directory), STATUS_OK);
    assert_int_equal(checkpoint_list(linux_env(), directory, out_seqs, 8, &count), STATUS_OK);
    linux_env()->directory_close(NULL, directory);
    return count;
}

static int file_of(const struct place *place, uint64_t seq)
{
    char name[CHECKPOINT_NAME_BYTES], path[160];
    checkpoint_name(seq, name);
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    return file;
}

/* Turns one bit, and back. */
static void turn(int file, uint64_t bit)
{
    uint8_t byte;
    assert_int_equal(pread(file, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)(bit / 8)), 1);
}

/* ---- starts ---- */

static void a_start_from_one_is_what_was_there(void **state)
{
    (void)state;
    struct place place;
    struct journal_report report;
    struct shard *shard = begun(&place, 1);
    uint64_t newest = 0;
    for (unsigned round = 0; round < 12; round++) {
        walk(shard, 1 + (unsigned)prng_below(&prng, 600));
        if (prng_below(&prng, 3) != 0)
            newest = make(shard);
        walk(shard, (unsigned)prng_below(&prng, 200));
        uint64_t hash = shard_hash(shard);
        uint64_t last_seq = ledger_last_seq(shard_ledger(shard));
        shard_close(shard);
        shard = opened(&place, &report);
        assert_int_equal(report.checkpoint_seq, newest);
        assert_string_equal(report.checkpoint_problem, "");
        assert_int_equal(report.last_seq, last_seq);
        assert_true(shard_hash(shard) == hash);
    }
    /* All that came before is read as ever, and replayed from the beginning it is the same. */
    static uint8_t bytes[RECORD_BYTES_MAX];
    for (uint64_t seq = 1; seq <= ledger_last_seq(shard_ledger(shard)); seq += 1 + prng_below(&prng, 50)) {
        size_t n = 0;
        assert_int_equal(journal_read(shard_journal(shard), seq, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n), STATUS_OK);
    }
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    uint64_t seqs[8];
    assert_int_equal(files_of(&place, seqs), CHECKPOINT_KEPT);
    assert_int_equal(seqs[0], newest);
    for (size_t i = 0; i < CHECKPOINT_KEPT; i++) {
        char name[CHECKPOINT_NAME_BYTES], path[160];
        checkpoint_name(seqs[i], name);
        snprintf(path, sizeof(path), "%s/%s", place.path, name);
        assert_int_equal(unlink(path), 0);
    }
    shard = opened(&place, &report);
    assert_int_equal(report.checkpoint_seq, 0);
    assert_true(shard_hash(shard) == hash);
    shard_close(shard);
    place_destroy(&place);
}

/* Who asks about the past begins with one, too. */
static void the_past_begins_with_one(void **state)
{
    (void)state;
    struct place place;
    struct shard *shard = begun(&place, 2);
    struct past_ledger *past =
        past_ledger_create(&watched.env, shard_journal(shard), &engine_limits, INT64_C(60) * 1000000000);
    assert_non_null(past);
    for (unsigned round = 0; round < 4; round++) {
        walk(shard, 400);
        (void)make(shard);
    }
    walk(shard, 100);
    for (unsigned i = 0; i < 200; i++) {
        const struct moment_noted *at = &noted[prng_below(&prng, noted_count)];
        const struct ledger *ledger = NULL;
        assert_int_equal(past_ledger_take(past, at->at_us, at->seq, NULL, &ledger), STATUS_OK);
        assert_int_equal(ledger_last_seq(ledger), at->seq);
        ledger_check(ledger);
        past_ledger_give(past);
    }
    past_ledger_destroy(past);
    shard_close(shard);
    place_destroy(&place);
}

/* ---- files that are no good ---- */

static enum status read_whole(const struct place *place, uint64_t seq)
{
    struct env_directory *directory = NULL;
    struct checkpoint checkpoint;
    struct checkpoint_reader *reader = NULL;
    char problem[256] = "";
    assert_int_equal(linux_env()->directory_open(NULL, place->path, false, false, &directory), STATUS_OK);
    enum status status =
        checkpoint_open(linux_env(), directory, seq, &checkpoint, &reader, problem, sizeof(problem));
    if (status == STATUS_OK) {
        enum checkpoint_block kind;
        const uint8_t *bytes;
        size_t n;
        do
            status = checkpoint_next(reader, &kind, &bytes, &n, problem, sizeof(problem));
        while (status == STATUS_OK);
        checkpoint_close(reader);
    }
    assert_true(status == STATUS_END || strlen(problem) > 20);
    linux_env()->directory_close(NULL, directory);
    return status;
}

static void what_is_changed_or_cut_is_noticed(void **state)
{
    (void)state;
    struct place place;
    struct shard *shard = begun(&place, 3);
    walk(shard, 300);
    uint64_t seq = make(shard);
    shard_close(shard);
    int file = file_of(&place, seq);
    off_t bytes = lseek(file, 0, SEEK_END);
    assert_true(bytes > 4096);
    assert_int_equal(read_whole(&place, seq), STATUS_END);
    for (unsigned i = 0; i < 4000; i++) {
        uint64_t bit = i < 2048 ? i : prng_below(&prng, (uint64_t)bytes * 8);
        turn(file, bit);
        enum status status = read_whole(&place, seq);
        if (status != STATUS_DAMAGED)
            fail_msg("bit %llu is turned, and the file is %s", (unsigned long long)bit, status_text(status));
        turn(file, bit);
    }
    assert_int_equal(read_whole(&place, seq), STATUS_END);
    assert_int_equal(ftruncate(file, bytes + 1), 0);
    assert_int_equal(read_whole(&place, seq), STATUS_DAMAGED);
    for (off_t n = bytes - 1; n >= 0; n -= 1 + (off_t)prng_below(&prng, 60)) {
        assert_int_equal(ftruncate(file, n), 0);
        assert_int_equal(read_whole(&place, seq), STATUS_DAMAGED);
    }
    (void)close(file);
    place_destroy(&place);
}

static void one_that_is_damaged_is_passed_over(void **state)
{
    (void)state;
    struct place place;
    struct journal_report report;
    struct shard *shard = begun(&place, 4);
    uint64_t seqs[3];
    for (unsigned i = 0; i < 3; i++) {
        walk(shard, 300);
        seqs[i] = make(shard);
    }
    walk(shard, 50);
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    for (unsigned bad = 0; bad < 4; bad++) { /* the newest one, the one before it */
        const uint64_t kept[2] = {seqs[2], seqs[1]};
        int files[2];
        uint64_t bits[2];
        for (unsigned i = 0; i < 2; i++) {
            files[i] = file_of(&place, kept[i]);
            bits[i] = prng_below(&prng, (uint64_t)lseek(files[i], 0, SEEK_END) * 8);
            if ((bad & 1u << i) != 0)
                turn(files[i], bits[i]);
        }
        shard = opened(&place, &report);
        assert_int_equal(report.checkpoint_seq, (bad & 1) == 0 ? seqs[2] : (bad & 2) == 0 ? seqs[1] : 0);
        assert_int_equal(report.checkpoint_problem[0] != '\0', bad & 1);
        assert_true(shard_hash(shard) == hash);
        shard_close(shard);
        for (unsigned i = 0; i < 2; i++) {
            if ((bad & 1u << i) != 0)
                turn(files[i], bits[i]);
            (void)close(files[i]);
        }
    }
    place_destroy(&place);
}

/* The journal lost its end, and the checkpoint knows what was there. */
static void one_that_knows_more_than_the_journal_stops_the_start(void **state)
{
    (void)state;
    struct place place;
    struct journal_report report;
    struct shard *shard = begun(&place, 5);
    walk(shard, 200);
    (void)make(shard);
    shard_close(shard);
    uint64_t seqs[8];
    assert_int_equal(files_of(&place, seqs), 1);
    int file = file_of(&place, seqs[0]);
    uint8_t head[512];
    assert_int_equal(pread(file, head, sizeof(head), 0), sizeof(head));
    (void)close(file);
    uint64_t offset = get_u64(head + 88); /* of the last frame in it */
    char path[160];
    snprintf(path, sizeof(path), "%s/%020u.journal", place.path, 1);
    file = open(path, O_RDWR);
    assert_true(file >= 0);
    off_t bytes = lseek(file, 0, SEEK_END);
    assert_int_equal(ftruncate(file, (off_t)offset), 0);
    assert_int_equal(ftruncate(file, bytes), 0);
    (void)close(file);
    assert_int_equal(open_shard(&place, &shard, &report), STATUS_DAMAGED);
    assert_non_null(strstr(report.problem, "damaged or missing"));
    place_destroy(&place);
}

/* ---- what fails while one is made ---- */

static struct {
    unsigned calls, fail_at;
} faulty;

static bool fails(void)
{
    return ++faulty.calls == faulty.fail_at;
}

static void *faulty_reserve(void *context, size_t n)
{
    return fails() ? NULL : linux_env()->memory_reserve(context, n);
}

static enum status faulty_open(void *context, struct env_directory *directory, const char *name, enum env_open how,
                               struct env_file **out_file)
{
    return fails() ? STATUS_IO : linux_env()->file_open(context, directory, name, how, out_file);
}

static enum status faulty_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    return fails() ? STATUS_NO_SPACE : linux_env()->file_write(context, file, offset, bytes, n);
}

static enum status faulty_sync(void *context, struct env_file *file)
{
    return fails() ? STATUS_IO : linux_env()->file_sync(context, file);
}

static enum status faulty_rename(void *context, struct env_directory *directory, const char *from, const char *to)
{
    return fails() ? STATUS_IO : linux_env()->file_rename(context, directory, from, to);
}

static enum status faulty_directory_sync(void *context, struct env_directory *directory)
{
    return fails() ? STATUS_IO : linux_env()->directory_sync(context, directory);
}

static enum status faulty_remove(void *context, struct env_directory *directory, const char *name)
{
    return fails() ? STATUS_IO : linux_env()->file_remove(context, directory, name);
}

static enum status faulty_read(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n, size_t *out_bytes)
{
    return fails() ? STATUS_IO : linux_env()->file_read(context, file, offset, bytes, n, out_bytes);
}

/* The journal's env is this one, too. */
static void fail_call(unsigned n)
{
    const struct env *whole = linux_env();
    bool armed = n != 0;
    faulty.calls = 0;
    faulty.fail_at = n;
    watched.env.memory_reserve = armed ? faulty_reserve : whole->memory_reserve;
    watched.env.file_open = armed ? faulty_open : whole->file_open;
    watched.env.file_write = armed ? faulty_write : whole->file_write;
    watched.env.file_sync = armed ? faulty_sync : whole->file_sync;
    watched.env.file_rename = armed ? faulty_rename : whole->file_rename;
    watched.env.directory_sync = armed ? faulty_directory_sync : whole->directory_sync;
    watched.env.file_remove = armed ? faulty_remove : whole->file_remove;
    watched.env.file_read = armed ? faulty_read : whole->file_read;
}

static void what_fails_meanwhile_harms_nothing(void **state)
{
    (void)state;
    struct place place;
    struct journal_report report;
    struct shard *shard = begun(&place, 6);
    walk(shard, 300);
    (void)make(shard);
    walk(shard, 300);
    unsigned failed = 0;
    for (unsigned n = 1;; n++) {
        const struct group_mark mark = mark_of(shard);
        const struct checkpointer_options options = options_of(shard, &watched.env);
        char problem[512] = "";
        uint64_t bytes = 0;
        fail_call(n);
        enum status status = checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem));
        bool met = faulty.calls >= n;
        fail_call(0);
        if (!met) {
            assert_int_equal(status, STATUS_OK);
            break;
        }
        failed += status != STATUS_OK;
        assert_true(status == STATUS_OK || strlen(problem) > 20);
        uint64_t hash = shard_hash(shard);
        shard_close(shard);
        shard = opened(&place, &report);
        assert_true(shard_hash(shard) == hash);
        assert_int_not_equal(report.checkpoint_seq, 0);
        walk(shard, 5);
    }
    assert_true(failed > 10);
    shard_close(shard);
    place_destroy(&place);
}

/* Also when nothing, or a seal alone, is behind it. */
static void one_that_is_there_is_not_made_again(void **state)
{
    (void)state;
    struct place place;
    struct journal_report report;
    struct shard *shard = begun(&place, 9);
    walk(shard, 100);
    for (unsigned i = 0; i < 3; i++) {
        const struct checkpointer_options options = options_of(shard, &watched.env);
        struct group_mark mark = mark_of(shard);
        char problem[512];
        uint64_t bytes = 0;
        assert_int_equal(checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)), STATUS_OK);
        assert_int_equal(bytes != 0, i == 0);
        mark.state_hash++;
        assert_int_equal(checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)), STATUS_DAMAGED);
        shard_close(shard);
        shard = opened(&place, &report);
        assert_true(report.bytes_read <= 16384); /* a header, and seals */
    }
    shard_close(shard);
    place_destroy(&place);
}

static void one_that_is_not_what_the_engine_has_is_not_made(void **state)
{
    (void)state;
    struct place place;
    struct shard *shard = begun(&place, 7);
    walk(shard, 100);
    const struct checkpointer_options options = options_of(shard, &watched.env);
    struct group_mark mark = mark_of(shard);
    char problem[512];
    uint64_t bytes;
    mark.state_hash++;
    assert_int_equal(checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)), STATUS_DAMAGED);
    assert_non_null(strstr(problem, "onhand verify"));
    mark.state_hash--;
    mark.last_seq++; /* not there yet */
    assert_int_equal(checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)), STATUS_AGAIN);
    shard_close(shard);
    uint64_t seqs[8];
    assert_int_equal(files_of(&place, seqs), 0);
    place_destroy(&place);
}

/* ---- verify ---- */

struct checked_walk {
    struct rebuild rebuild;
    struct checkpoint_check check;
};

static void on_frame(void *context, const struct journal_met *met)
{
    struct checked_walk *walked = context;
    checkpoint_check_meet(&walked->check, met, walked->rebuild.ledger);
}

/* As onhand verify does it. Returns how many are wrong. */
static size_t check_all(const struct place *place, struct checked_walk *walked)
{
    struct env_directory *directory = NULL;
    struct journal_report report;
    const struct journal_frames frames = {.context = walked, .met = on_frame};
    assert_int_equal(linux_env()->directory_open(NULL, place->path, false, false, &directory), STATUS_OK);
    assert_int_equal(checkpoint_check_read(&walked->check, linux_env(), directory, &engine_limits), STATUS_OK);
    linux_env()->directory_close(NULL, directory);
    assert_int_equal(rebuild_init(&walked->rebuild, linux_env(), &engine_limits), STATUS_OK);
    const struct journal_replay replay = rebuild_replay_whole(&walked->rebuild);
    assert_int_equal(journal_walk(linux_env(), place->path, &replay, &frames, &report), STATUS_OK);
    rebuild_deinit(&walked->rebuild);
    return checkpoint_check_end(&walked->check, &report, UINT64_MAX);
}

/* Remembers another command than the one that was decided. */
static void another_command(void *context, const struct decision *decision)
{
    struct decision other = *decision;
    if (other.fingerprint != 0)
        other.fingerprint = other.fingerprint == 1 ? 2 : other.fingerprint - 1;
    assert_true(rebuild_apply(context, &other));
}

/* While log time stands, frames end at one event and time; the one that was named counts. */
static void it_is_made_of_the_frame_that_was_named(void **state)
{
    (void)state;
    struct place place;
    struct shard *shard = begun(&place, 12);
    struct journal *journal = shard_journal(shard);
    walk(shard, 200);
    for (unsigned i = 0; i < 4; i++) {
        journal_append_tick(journal, ledger_now_us(shard_ledger(shard)));
        assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    const struct checkpointer_options options = options_of(shard, &watched.env);
    struct group_mark mark = mark_of(shard);
    struct checkpoint checkpoint;
    char problem[512];
    uint64_t bytes = 0;
    mark.ordinal = journal_durable_ordinal(journal) - 1;
    if (checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)) != STATUS_OK)
        fail_msg("%s", problem);
    shard_close(shard);
    struct env_directory *directory = NULL;
    assert_int_equal(linux_env()->directory_open(NULL, place.path, false, false, &directory), STATUS_OK);
    assert_int_equal(checkpoint_sound(linux_env(), directory, mark.last_seq, &checkpoint, problem, sizeof(problem)), STATUS_OK);
    linux_env()->directory_close(NULL, directory);
    assert_int_equal(checkpoint.ordinal, mark.ordinal);
    place_destroy(&place);
}

/* A checkpoint that is sound in itself, of a ledger that the journal does not make. */
static void make_false(struct shard *shard)
{
    const struct group_mark mark = mark_of(shard);
    struct rebuild rebuild;
    struct journal_place place = JOURNAL_BEGIN;
    struct image_place at = {0};
    struct checkpoint_writer *writer = NULL;
    static uint8_t bytes[IMAGE_CHUNK_BYTES_MAX];
    size_t n;
    assert_int_equal(rebuild_init(&rebuild, &watched.env, &engine_limits), STATUS_OK);
    assert_true(rebuild_begin(&rebuild, journal_genesis(shard_journal(shard))));
    const struct journal_replay replay = {.context = &rebuild, .decision = another_command};
    assert_int_equal(journal_replay_to(shard_journal(shard), &place, mark.last_seq, mark.log_us, 0, &replay, NULL), STATUS_OK);
    assert_true(ledger_state_hash(rebuild.ledger) != mark.state_hash);
    assert_int_equal(journal_checkpoint_begin(shard_journal(shard), &place, mark.log_us, ledger_state_hash(rebuild.ledger),
                                              IMAGE_LAYOUT, &writer), STATUS_OK);
    while ((n = ledger_image_write(rebuild.ledger, &at, bytes)) != 0)
        assert_int_equal(checkpoint_put(writer, CHECKPOINT_IMAGE, bytes, n), STATUS_OK);
    assert_int_equal(checkpoint_end(writer), STATUS_OK);
    rebuild_deinit(&rebuild);
}

static void verify_finds_the_false_one(void **state)
{
    (void)state;
    struct place place;
    static struct checked_walk walked;
    struct shard *shard = begun(&place, 9);
    walk(shard, 500);
    uint64_t right = make(shard);
    walk(shard, 500);
    make_false(shard);
    walk(shard, 100);
    shard_close(shard);
    assert_int_equal(check_all(&place, &walked), 1);
    assert_int_equal(walked.check.count, 2);
    assert_int_equal(walked.check.list[0].verdict, CHECKPOINT_WRONG);
    assert_non_null(strstr(walked.check.list[0].problem, "it is false"));
    assert_int_equal(walked.check.list[1].verdict, CHECKPOINT_RIGHT);
    assert_int_equal(walked.check.list[1].head.last_seq, right);
    /* What is turned is damaged. */
    int file = file_of(&place, right);
    turn(file, 8 * (512 + 24) + 3);
    assert_int_equal(check_all(&place, &walked), 2);
    assert_int_equal(walked.check.list[1].verdict, CHECKPOINT_WRONG);
    assert_non_null(strstr(walked.check.list[1].problem, "offset 512"));
    turn(file, 8 * (512 + 24) + 3);
    (void)close(file);
    assert_int_equal(check_all(&place, &walked), 1);
    place_destroy(&place);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t seq; /* 0: it is none */
    } rows[] = {{"00000000000000000017.checkpoint", 17},
                {"18446744073709551615.checkpoint", UINT64_MAX},
                {"18446744073709551616.checkpoint", 0},
                {"0000000000000000017.checkpoint", 0},
                {"0000000000000000001x.checkpoint", 0},
                {"00000000000000000017.checkpoinu", 0},
                {"next.checkpoint.new", 0},
                {"", 0}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint64_t seq = 0;
        assert_int_equal(checkpoint_name_parse(rows[r].name, &seq), rows[r].seq != 0);
        assert_true(seq == rows[r].seq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_start_from_one_is_what_was_there),
        cmocka_unit_test(the_past_begins_with_one),
        cmocka_unit_test(what_is_changed_or_cut_is_noticed),
        cmocka_unit_test(one_that_is_damaged_is_passed_over),
        cmocka_unit_test(one_that_knows_more_than_the_journal_stops_the_start),
        cmocka_unit_test(what_fails_meanwhile_harms_nothing),
        cmocka_unit_test(one_that_is_there_is_not_made_again),
        cmocka_unit_test(one_that_is_not_what_the_engine_has_is_not_made),
        cmocka_unit_test(verify_finds_the_false_one),
        cmocka_unit_test(it_is_made_of_the_frame_that_was_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
