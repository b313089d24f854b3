/*
 * Goal: old segments go when they may, and never when a checkpoint, the ledger, the horizon or the archive still needs them; what is
 * kept starts, reads, verifies and goes on as before; and whatever a crash leaves is told from what is missing. Method: a shard
 * decides random commands over several segments, with checkpoints between them; each reason to keep a segment is given alone; files
 * are put back, damaged and taken away.
 */
#include "engine_world.h"

#include "base/bytes.h"
#include "engine/checkpointer.h"
#include "journal/beginning.h"
#include "journal/checkpoint.h"
#include "journal/segment.h"
#include "journal/stream.h"
#include "shard_walk.h"

static struct watched watched;
static struct prng prng;
static unsigned step;

/* ---- a directory and its shard ---- */

static enum status open_shard(const struct place *place, struct shard **out_shard, struct journal_report *out_report)
{
    const struct shard_options options = {
        .journal = {.env = &watched.env, .path = place->path, .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)16 << 20, .fill_on_writer = true},
        .limits = engine_limits,
        .id_window_ms = 30000,
        .id_capacity = 65536,
        .clock_start_max_us = INT64_MAX,
        .accept_clock = true,
    };
    enum status status = shard_open(&options, out_shard, out_report);
    if (status == STATUS_OK) {
        assert_int_equal(shard_settings(*out_shard, WORLD_START_US), STATUS_OK);
        assert_int_equal(journal_flush(shard_journal(*out_shard)), STATUS_OK);
    }
    return status;
}

static struct shard *opened(const struct place *place)
{
    struct shard *shard = NULL;
    struct journal_report report;
    if (open_shard(place, &shard, &report) != STATUS_OK)
        fail_msg("%s", report.problem);
    return shard;
}

static void refused(const struct place *place, const char *words)
{
    struct shard *shard = NULL;
    struct journal_report report;
    assert_int_equal(open_shard(place, &shard, &report), STATUS_DAMAGED);
    if (strstr(report.problem, words) == NULL)
        fail_msg("'%s' does not say '%s'", report.problem, words);
}

static uint64_t make(struct shard *shard)
{
    const struct ledger *ledger = shard_ledger(shard);
    const struct checkpointer_options options = {
        .env = &watched.env, .journal = shard_journal(shard), .limits = engine_limits};
    const struct group_mark mark = {
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
    char problem[512];
    uint64_t bytes = 0;
    if (checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)) != STATUS_OK)
        fail_msg("%s", problem);
    return mark.last_seq;
}

static void walk(struct shard *shard, unsigned steps)
{
    for (unsigned n; steps > 0; steps -= n) {
        n = steps < 1000 ? steps : 1000;
        noted_count = 0;
        go_on(shard, &prng, step, step + n);
        step += n;
    }
}

/* Names of segments, in order. */
static size_t segments_of(const struct place *place, uint64_t *out_seqs, size_t most)
{
    size_t count = 0;
    DIR *dir = opendir(place->path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        uint64_t seq = 0;
        if (strlen(entry->d_name) != SEGMENT_NAME_BYTES - 1 || !segment_name_parse(entry->d_name, &seq))
            continue;
        assert_true(count < most);
        size_t at = count++;
        for (; at > 0 && out_seqs[at - 1] > seq; at--)
            out_seqs[at] = out_seqs[at - 1];
        out_seqs[at] = seq;
    }
    (void)closedir(dir);
    return count;
}

/* Of a directory that nobody has open, newest first. */
static size_t checkpoints_of(const struct place *place, uint64_t out_seqs[4])
{
    struct env_directory *directory = NULL;
    size_t n = 0;
    assert_int_equal(linux_env()->directory_open(NULL, place->path, false, false, &directory), STATUS_OK);
    assert_int_equal(checkpoint_list(linux_env(), directory, out_seqs, 4, &n), STATUS_OK);
    linux_env()->directory_close(NULL, directory);
    return n;
}

#define SEGMENTS_MAX 32

/* Seven segments or so; checkpoints in the middle and at the end, the second of them last. */
static struct shard *begun(struct place *place, uint64_t seed, uint64_t out_seqs[SEGMENTS_MAX], size_t *out_count)
{
    *place = place_create();
    watched_init(&watched);
    prng = prng_of(seed);
    step = 0;
    struct shard *shard = opened(place);
    while ((*out_count = segments_of(place, out_seqs, SEGMENTS_MAX)) < 5)
        walk(shard, 500);
    (void)make(shard);
    while ((*out_count = segments_of(place, out_seqs, SEGMENTS_MAX)) < 7)
        walk(shard, 500);
    (void)make(shard);
    walk(shard, 100);
    return shard;
}

/* All may go that is not needed. */
static const struct journal_retention all = {
    .before_us = INT64_MAX, .most_bytes = UINT64_MAX, .horizon_us = INT64_MAX, .needed_seq = UINT64_MAX};

static struct journal_retained retain(struct shard *shard, const struct journal_retention *wanted)
{
    struct journal_retained retained;
    char problem[512] = "";
    if (journal_retain(shard_journal(shard), wanted, &retained, problem, sizeof(problem)) != STATUS_OK)
        fail_msg("%s", problem);
    return retained;
}

static void path_of(const struct place *place, const char *name, char out_path[160])
{
    snprintf(out_path, 160, "%s/%s", place->path, name);
}

static void move(const struct place *from, const struct place *to, const char *name)
{
    char a[160], b[160];
    path_of(from, name, a);
    path_of(to, name, b);
    assert_int_equal(rename(a, b), 0);
}

static void copy(const struct place *from, const struct place *to, const char *name)
{
    char a[160], b[160];
    static char bytes[4 << 20];
    path_of(from, name, a);
    path_of(to, name, b);
    int in = open(a, O_RDONLY), out = open(b, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n = read(in, bytes, sizeof(bytes));
    assert_true(n > 0 && (size_t)n < sizeof(bytes));
    assert_int_equal(write(out, bytes, (size_t)n), n);
    (void)close(in);
    (void)close(out);
}

/* ---- a ledger made of all that is there ---- */

static uint64_t verified(const struct place *place, struct journal_report *out_report)
{
    struct rebuild rebuild;
    assert_int_equal(rebuild_init(&rebuild, &watched.env, &engine_limits), STATUS_OK);
    struct journal_replay replay = rebuild_replay(&rebuild);
    replay.whole = true;
    if (journal_verify(&watched.env, place->path, &replay, out_report) != STATUS_OK)
        fail_msg("%s", out_report->problem);
    uint64_t hash = ledger_state_hash(rebuild.ledger);
    rebuild_deinit(&rebuild);
    return hash;
}

/* A copy from the beginning: what stands for it first, then each frame that is kept. */
static void check_stream(struct journal *journal)
{
    static uint8_t bytes[STREAM_ITEM_BYTES_MAX];
    struct stream_reader reader;
    struct stream_place nothing = {0};
    struct journal_cursor cursor;
    unsigned met[STREAM_PIECE + 1] = {0};
    size_t n = 0;
    stream_reader_init(&reader, &nothing);
    assert_int_equal(journal_copy_find(journal, 0, 0, 0, &cursor), STATUS_OK);
    enum status status;
    while ((status = journal_copy(journal, &cursor, UINT64_MAX, false, bytes, sizeof(bytes), &n)) == STATUS_OK) {
        for (size_t at = 0, used = 0; at < n; at += used) {
            enum stream_item item;
            if (bytes[4] == 'b' || bytes[4] == 'p') { /* each bit of what comes before is looked at */
                struct stream_reader before = reader;
                size_t bit = (size_t)prng_below(&prng, n * 8);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_not_equal(stream_reader_next(&reader, bytes, n, &item, &used), STATUS_OK);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                reader = before;
            }
            if (stream_reader_next(&reader, bytes + at, n - at, &item, &used) != STATUS_OK)
                fail_msg("behind frame %llu: %s", (unsigned long long)reader.place.ordinal, reader.problem);
            met[item]++;
        }
    }
    assert_int_equal(status, STATUS_END);
    assert_int_equal(met[STREAM_BEGINNING], 1);
    assert_true(met[STREAM_PIECE] >= 1);
    assert_int_equal(met[STREAM_SEGMENT], journal_counters(journal).segments);
    assert_int_equal(reader.place.seq, journal_durable_seq(journal));
}

/* ---- what goes, and what is left ---- */

static void what_is_not_needed_goes(void **state)
{
    (void)state;
    struct place place;
    uint64_t seqs[SEGMENTS_MAX], left[SEGMENTS_MAX];
    size_t count;
    static uint8_t bytes[RECORD_BYTES_MAX];
    struct shard *shard = begun(&place, 1, seqs, &count);
    struct journal *journal = shard_journal(shard);
    assert_int_equal(journal_oldest_seq(journal), 1);
    assert_true(journal_oldest_us(journal) == INT64_MIN);
    struct journal_retained retained = retain(shard, &all);
    assert_true(retained.segments >= 3 && retained.bytes >= retained.segments * JOURNAL_SEGMENT_BYTES_MIN / 2);
    assert_int_equal(retained.reason, RETAINED_CHECKPOINT);
    uint64_t oldest = seqs[retained.segments];
    assert_int_equal(journal_oldest_seq(journal), oldest);
    assert_int_equal(segments_of(&place, left, SEGMENTS_MAX), count - retained.segments);
    assert_int_equal(left[0], oldest);
    assert_int_equal(retain(shard, &all).segments, 0); /* and no more than that */

    /* Before a start and after it: what is left is read, what is gone is said to be, and the journal goes on. */
    for (unsigned round = 0; round < 3; round++) {
        size_t n = 0;
        struct journal_cursor cursor;
        struct journal_place begin = JOURNAL_BEGIN;
        struct journal_report report;
        const struct journal_replay nobody = {.context = NULL};
        journal = shard_journal(shard);
        assert_int_equal(journal_oldest_seq(journal), oldest);
        assert_true(journal_oldest_us(journal) > WORLD_START_US && journal_oldest_us(journal) <= ledger_now_us(shard_ledger(shard)));
        assert_int_equal(journal_counters(journal).segments, segments_of(&place, left, SEGMENTS_MAX));
        assert_int_equal(journal_read(journal, oldest - 1, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n), STATUS_NOT_FOUND);
        check_stream(journal);
        assert_int_equal(journal_copy_find(journal, oldest - 1, 0, 0, &cursor), STATUS_OK);
        assert_int_equal(journal_replay_until(journal, &begin, INT64_MAX, UINT64_MAX, &nobody, NULL), STATUS_NOT_FOUND);
        for (uint64_t seq = oldest; seq <= journal_durable_seq(journal); seq += 1 + prng_below(&prng, 400))
            assert_int_equal(journal_read(journal, seq, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n), STATUS_OK);
        cursor = (struct journal_cursor){.segment = 0, .header = true, .offset = SEGMENT_HEADER_BYTES};
        assert_int_equal(journal_copy(journal, &cursor, UINT64_MAX, false, bytes, sizeof(bytes), &n), STATUS_NOT_FOUND);
        uint64_t hash = shard_hash(shard);
        uint64_t last_seq = journal_durable_seq(journal);
        shard_close(shard);
        assert_true(verified(&place, &report) == hash);
        assert_int_equal(report.oldest_seq, oldest);
        assert_int_equal(report.last_seq, last_seq);
        assert_true(report.checkpoint_seq > oldest);
        shard = opened(&place);
        assert_true(shard_hash(shard) == hash);
        walk(shard, 700);
        (void)make(shard);
    }
    retained = retain(shard, &all);
    assert_true(retained.segments > 0);
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    shard = opened(&place);
    assert_true(shard_hash(shard) == hash);
    shard_close(shard);
    place_destroy(&place);
}

/* ---- what is needed ---- */

static size_t put_away_count, put_away_most;

static bool archive(void *context, const char *name)
{
    struct place *places = context;
    if (put_away_count == put_away_most)
        return false;
    put_away_count++;
    copy(&places[0], &places[1], name);
    return true;
}

static void each_reason_keeps_it(void **state)
{
    (void)state;
    struct place places[2];
    uint64_t seqs[SEGMENTS_MAX];
    size_t count;
    struct shard *shard = begun(&places[0], 2, seqs, &count);
    places[1] = place_create();
    struct journal_retention wanted = all;
    wanted.before_us = INT64_MIN;
    assert_int_equal(retain(shard, &wanted).segments, 0);
    wanted.before_us = WORLD_START_US;
    assert_int_equal(retain(shard, &wanted).reason, RETAINED_WANTED);

    wanted = all;
    wanted.needed_seq = seqs[1] - 1;
    struct journal_retained retained = retain(shard, &wanted);
    assert_int_equal(retained.segments, 0);
    assert_int_equal(retained.reason, RETAINED_LEDGER);
    wanted.needed_seq = seqs[1];
    assert_int_equal(retain(shard, &wanted).segments, 1);
    assert_int_equal(journal_oldest_seq(shard_journal(shard)), seqs[1]);
    int64_t oldest_us = journal_oldest_us(shard_journal(shard));

    wanted = all;
    wanted.horizon_us = oldest_us; /* the next one has later ones */
    retained = retain(shard, &wanted);
    assert_int_equal(retained.segments, 0);
    assert_int_equal(retained.reason, RETAINED_HORIZON);

    wanted = all;
    wanted.before_us = INT64_MIN;
    wanted.most_bytes = (uint64_t)(count - 2) * JOURNAL_SEGMENT_BYTES_MIN; /* one has to go, or two */
    retained = retain(shard, &wanted);
    assert_true(retained.segments >= 1 && retained.segments <= 2);
    assert_int_equal(retained.over_bytes, 0);
    wanted.most_bytes = 1;
    wanted.needed_seq = 0;
    retained = retain(shard, &wanted);
    assert_int_equal(retained.segments, 0);
    assert_true(retained.over_bytes > JOURNAL_SEGMENT_BYTES_MIN);

    wanted = all;
    wanted.archive = archive;
    wanted.context = places;
    put_away_count = put_away_most = 0;
    retained = retain(shard, &wanted);
    assert_int_equal(retained.segments, 0);
    assert_int_equal(retained.reason, RETAINED_ARCHIVE);
    put_away_most = 1;
    assert_int_equal(retain(shard, &wanted).segments, 1);
    uint64_t away[SEGMENTS_MAX];
    assert_int_equal(segments_of(&places[1], away, SEGMENTS_MAX), 1);
    assert_true(away[0] < journal_oldest_seq(shard_journal(shard)));
    shard_close(shard);
    place_destroy(&places[0]);
    place_destroy(&places[1]);
}

static void checkpoints_that_are_no_good_keep_everything(void **state)
{
    (void)state;
    struct place place;
    uint64_t seqs[SEGMENTS_MAX];
    size_t count, n;
    struct shard *shard = begun(&place, 3, seqs, &count);
    uint64_t checkpoints[4];
    shard_close(shard);
    n = checkpoints_of(&place, checkpoints);
    shard = opened(&place);
    assert_int_equal(n, 2);
    char name[CHECKPOINT_NAME_BYTES], path[160], problem[512];
    struct journal_retained retained;
    for (unsigned i = 0; i < 2; i++) {
        checkpoint_name(checkpoints[i], name);
        path_of(&place, name, path);
        int file = open(path, O_RDWR);
        uint8_t byte;
        off_t at = lseek(file, 0, SEEK_END) / 2;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        assert_int_equal(journal_retain(shard_journal(shard), &all, &retained, problem, sizeof(problem)), STATUS_DAMAGED);
        assert_non_null(strstr(problem, name));
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        (void)close(file);
    }
    checkpoint_name(checkpoints[1], name);
    path_of(&place, name, path);
    assert_int_equal(unlink(path), 0); /* one alone is not enough */
    assert_int_equal(retain(shard, &all).segments, 0);
    assert_int_equal(journal_oldest_seq(shard_journal(shard)), 1);
    shard_close(shard);
    place_destroy(&place);
}

/* ---- what a crash, or somebody, leaves ---- */

static void what_is_missing_is_told_from_what_was_dropped(void **state)
{
    (void)state;
    struct place place, away = place_create();
    uint64_t seqs[SEGMENTS_MAX], left[SEGMENTS_MAX];
    size_t count;
    char name[SEGMENT_NAME_BYTES], path[160];
    struct shard *shard = begun(&place, 4, seqs, &count);
    for (size_t i = 0; i < count; i++) {
        segment_name(seqs[i], name);
        copy(&place, &away, name);
    }
    size_t gone = (size_t)retain(shard, &all).segments;
    uint64_t hash = shard_hash(shard);
    shard_close(shard);

    /* A crash before all of them were removed: the start removes them. */
    segment_name(seqs[0], name);
    copy(&away, &place, name);
    segment_name(seqs[gone - 1], name);
    copy(&away, &place, name);
    shard = opened(&place);
    assert_true(shard_hash(shard) == hash);
    shard_close(shard);
    assert_int_equal(segments_of(&place, left, SEGMENTS_MAX), count - gone);

    /* The oldest that is kept is not there. */
    segment_name(seqs[gone], name);
    move(&place, &away, name);
    refused(&place, "the first segment is missing");
    move(&away, &place, name);

    /* One record of the two is enough, none is not, and nothing else will do. */
    path_of(&place, BEGINNING_NAME, path);
    int file = open(path, O_RDWR);
    for (unsigned bit = 0; bit < BEGINNING_BYTES * 8; bit += 1 + (unsigned)prng_below(&prng, 9)) {
        uint8_t bytes[2 * BEGINNING_BYTES];
        struct beginning beginning;
        assert_int_equal(pread(file, bytes, sizeof(bytes), 0), sizeof(bytes));
        assert_true(beginning_parse(bytes, &beginning));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(beginning_parse(bytes, &beginning));
        if (bit % 11 != 0)
            continue;
        assert_int_equal(pwrite(file, bytes, BEGINNING_BYTES, 0), BEGINNING_BYTES);
        shard = opened(&place);
        shard_close(shard);
        assert_int_equal(pwrite(file, bytes, BEGINNING_BYTES, BEGINNING_BYTES), BEGINNING_BYTES);
        refused(&place, BEGINNING_NAME);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(pwrite(file, bytes, BEGINNING_BYTES, 0), BEGINNING_BYTES);
        assert_int_equal(pwrite(file, bytes, BEGINNING_BYTES, BEGINNING_BYTES), BEGINNING_BYTES);
    }
    (void)close(file);

    /* Without a checkpoint, and without saying that it has no beginning. */
    move(&place, &away, BEGINNING_NAME);
    refused(&place, "the first segment is missing");
    move(&away, &place, BEGINNING_NAME);
    uint64_t checkpoints[4];
    size_t n = checkpoints_of(&place, checkpoints);
    for (size_t i = 0; i < n; i++) {
        char checkpoint[CHECKPOINT_NAME_BYTES];
        checkpoint_name(checkpoints[i], checkpoint);
        move(&place, &away, checkpoint);
    }
    refused(&place, "no checkpoint is good");

    /* What was put away is put back: it has its beginning again. */
    for (size_t i = 0; i < gone; i++) {
        segment_name(seqs[i], name);
        copy(&away, &place, name);
    }
    path_of(&place, BEGINNING_NAME, path);
    assert_int_equal(unlink(path), 0);
    struct journal_report report;
    assert_true(verified(&place, &report) == hash);
    assert_int_equal(report.oldest_seq, 1);
    shard = opened(&place);
    assert_true(shard_hash(shard) == hash);
    shard_close(shard);
    place_destroy(&place);
    place_destroy(&away);
}


static void the_beginning_of_another_journal_is_refused(void **state)
{
    (void)state;
    struct place places[2];
    uint64_t seqs[SEGMENTS_MAX];
    size_t count;
    for (unsigned i = 0; i < 2; i++) {
        struct shard *shard = begun(&places[i], 5 + i, seqs, &count);
        assert_true(retain(shard, &all).segments > 0);
        shard_close(shard);
    }
    copy(&places[1], &places[0], BEGINNING_NAME);
    struct shard *shard = NULL;
    struct journal_report report;
    assert_int_equal(open_shard(&places[0], &shard, &report), STATUS_DAMAGED);
    place_destroy(&places[0]);
    place_destroy(&places[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_needed_goes),
        cmocka_unit_test(each_reason_keeps_it),
        cmocka_unit_test(checkpoints_that_are_no_good_keep_everything),
        cmocka_unit_test(what_is_missing_is_told_from_what_was_dropped),
        cmocka_unit_test(the_beginning_of_another_journal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
