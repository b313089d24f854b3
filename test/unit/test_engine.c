/*
 * Goal: what the engine answers and keeps is a function of what its sequencer hands out, however that is cut and
 * grouped; nothing is answered before it is durable; and after a failed write nothing acknowledged is missing and
 * nothing else is believed. Method: a second, trivial sequencer plays recorded logs, random ones and hand-made ones,
 * into engines on real directories. An env between them and the disk notes when the frame of each event has been
 * written, and fails the n-th write in several ways.
 */
#include "engine_world.h"

#include "engine/standby.h"

/* ---- random logs ---- */

static uint32_t below(struct prng *prng, uint32_t bound)
{
    return (uint32_t)prng_below(prng, bound);
}

#define KINDS 19

/* One random command in near-prose; `read` now and then. Some of them are refused, some are no commands at all. */
static void random_prose(struct prng *prng, uint32_t *seq, char *out, size_t n)
{
    char cell[32];
    (void)snprintf(cell, sizeof(cell), "i%u@L%u", below(prng, 12), below(prng, 3));
    uint32_t units = 1 + below(prng, 20);
    uint32_t hold = below(prng, 150);
    switch (below(prng, KINDS)) {
    case 0:
    case 1:
        (void)snprintf(out, n, "receive %u %s source=s%u", units * 3, cell, below(prng, 4));
        break;
    case 2:
        (void)snprintf(out, n, "sale %u %s source=s%u", units, cell, below(prng, 4));
        break;
    case 3:
    case 4:
        (void)snprintf(out, n, "hold %u %s hold=h%u expires=%u", units, cell, hold, 1 + below(prng, 60));
        break;
    case 5:
        (void)snprintf(out, n, "hold %u %s %u i1@L0 partial hold=h%u expires=0", units, cell, units, hold);
        break;
    case 6:
        (void)snprintf(out, n, "commit hold=h%u", hold);
        break;
    case 7:
        (void)snprintf(out, n, "release hold=h%u", hold);
        break;
    case 8:
        (void)snprintf(out, n, "ship %u %s hold=h%u", units, cell, hold);
        break;
    case 9:
        (void)snprintf(out, n, "ship %u %s", units, cell);
        break;
    case 10:
        (void)snprintf(out, n, "transfer %u %s to=L%u", units, cell, below(prng, 3));
        break;
    case 11:
        (void)snprintf(out, n, "reclassify %u %s from=sellable to=damaged", units, cell);
        break;
    case 12:
        (void)snprintf(out, n, "adjust -%u %s", units, cell);
        break;
    case 13:
        (void)snprintf(out, n, "extend hold=h%u expires=%u", hold, 1 + below(prng, 60));
        break;
    case 14:
        (void)snprintf(out, n, "receive 1 %s source=ordered seq=%u", cell, ++*seq);
        break;
    case 15:
        (void)snprintf(out, n, "hold %u %s hold=h%u dry", units, cell, hold);
        break;
    case 16: /* of now: what it needs of the past is in memory, durable or not */
        (void)snprintf(out, n, "count %u %s occurred=0", units, cell);
        break;
    case 17: /* an id that was used, for another command */
        (void)snprintf(out, n, "receive %u %s id=same", units, cell);
        break;
    default:
        (void)snprintf(out, n, "%s", below(prng, 2) == 0 ? "read" : "receive 1.5 i1@L0");
        break;
    }
}

/* Fills a log; time passes now and then, and with it come ticks when there are to be any. */
static void log_random(struct recording *log, uint64_t seed, uint32_t count, bool ticks)
{
    struct prng prng = prng_of(seed);
    int64_t stamp_us = WORLD_START_US;
    log_clear(log);
    uint32_t seq = 0;
    while (log->count < count) {
        char prose[200];
        if (below(&prng, 30) == 0)
            stamp_us += (1 + below(&prng, 4000)) * INT64_C(1000);
        for (uint32_t n = ticks && below(&prng, 1000) == 0 ? 1 + below(&prng, 4) : 0; n > 0; n--) {
            stamp_us += below(&prng, 15) * SECOND_US;
            (void)log_add(log, stamp_us, "tick");
        }
        uint32_t again = log->count == 0 ? 0 : below(&prng, log->count);
        if (log->count > 0 && log->entries[again].form != NULL && below(&prng, 12) == 0) {
            struct entry *entry = &log->entries[log->count++]; /* sent once more */
            *entry = log->entries[again];
            entry->stamp_us = stamp_us;
            entry->form = malloc(entry->bytes);
            assert_non_null(entry->form);
            memcpy(entry->form, log->entries[again].form, entry->bytes);
            continue;
        }
        random_prose(&prng, &seq, prose, sizeof(prose));
        (void)log_add(log, stamp_us, prose);
    }
}

static void assert_same_answers(const struct recording *log, const struct play *a, const struct play *b)
{
    for (uint32_t i = 0; i < log->count; i++) {
        const struct answer *x = &a->answers[i], *y = &b->answers[i];
        if (x->status != y->status || x->code != y->code || x->last_seq != y->last_seq || x->replayed != y->replayed ||
            x->line != y->line || x->field != y->field || x->detail != y->detail || a->seen[i] != b->seen[i])
            fail_msg("entry %u: status %d and %d, code %s and %s, last_seq %llu and %llu", i, (int)x->status,
                     (int)y->status, code_name(x->code), code_name(y->code), (unsigned long long)x->last_seq,
                     (unsigned long long)y->last_seq);
    }
}

static unsigned count_status(const struct recording *log, const struct play *play, enum answer_status status)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < log->count; i++)
        n += log->entries[i].what <= ENTRY_READ && play->answers[i].status == status;
    return n;
}

static struct recording the_log;

/* ---- the seam ---- */

static void a_recorded_log_gives_the_same_answers_and_state_however_it_is_grouped(void **state)
{
    (void)state;
    static const struct {
        uint32_t cut_max;
        unsigned pause_one_in;
    } groupings[] = {{BATCH_REQUESTS_MAX, 0}, {1, 1}, {7, 3}, {100, 20}};
    const int64_t window_s = 30; /* so that ids and holds are forgotten on the way */
    log_random(&the_log, 30, 4500, true);
    struct play *first = NULL;
    uint64_t first_hash = 0;
    for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++) {
        static struct watched watched;
        struct place place = place_create();
        watched_init(&watched);
        struct shard *shard = shard_create(&place, &watched, window_s, 65536);
        struct play *play = play_create(groupings[i].cut_max, groupings[i].pause_one_in, i);
        play_run(play, &watched, shard, &the_log);
        uint64_t hash = shard_hash(shard);
        shard_close(shard);
        assert_int_equal(play->failed_calls, 0);
        if (first == NULL) {
            first = play;
            first_hash = hash;
            assert_true(watched.starts > 0); /* large groups went through two buffers */
            assert_true(count_status(&the_log, play, ANSWER_ACCEPTED) > 1500);
            assert_true(count_status(&the_log, play, ANSWER_REFUSED) > 200);
            assert_true(count_status(&the_log, play, ANSWER_INVALID) > 100);
            assert_true(count_status(&the_log, play, ANSWER_READ) > 50);
            assert_int_equal(count_status(&the_log, play, ANSWER_UNREAD), 0); /* the engine reads for counts itself */
        } else {
            assert_same_answers(&the_log, first, play);
            assert_true(hash == first_hash);
            free(play);
        }
        assert_true(shard_hash_on_disk(&place, window_s, 65536) == hash);
        place_destroy(&place);
    }
    free(first);
    log_clear(&the_log);
}

/* ---- durable before answered ---- */

static void a_batch_comes_back_only_when_its_group_is_durable(void **state)
{
    (void)state;
    /* play_check_durable does the work; here it is made sure that every way of flushing was met. */
    log_random(&the_log, 21, 3000, false);
    for (unsigned i = 0; i < 4; i++) {
        static struct watched watched;
        struct place place = place_create();
        watched_init(&watched);
        watched.hold_back = i == 1; /* a writer that is never done before it is waited for */
        struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
        struct play *play = play_create(i == 3 ? 3 : 200, i < 2 ? 0 : 2, i);
        play_run(play, &watched, shard, &the_log);
        assert_int_equal(play->back, the_log.count);
        if (i < 2)
            assert_true(watched.starts > 0);
        else
            assert_true(watched.writes > watched.starts + 10);
        shard_close(shard);
        free(play);
        place_destroy(&place);
    }
    log_clear(&the_log);
}

static void reads_wait_for_what_they_saw_and_cause_no_flush(void **state)
{
    (void)state;
    enum { HOLDS = 1500 };
    static struct watched watched;
    struct place place = place_create();
    watched_init(&watched);
    struct recording *log = &the_log;
    int64_t t = WORLD_START_US;
    log_clear(log);
    uint32_t alone = log_add(log, t, "read");
    (void)log_add(log, t, "pause");
    (void)log_add(log, t, "receive 10 A@L");
    uint32_t behind = log_add(log, t, "read"); /* in a batch of its own, before the flush */
    (void)log_add(log, t, "pause");
    uint32_t after = log_add(log, t, "read");
    (void)log_add(log, t, "pause");
    /* Large groups, with a read behind every command: some look while one is written and nothing else is open. */
    for (unsigned i = 0; i < 2000; i++) {
        (void)log_add(log, t + 1, "receive 1 A@L channel=a-channel-with-a-longish-name");
        (void)log_add(log, t + 1, "read");
    }
    uint32_t beside = log_add(log, t + 2, "read");
    uint32_t beside_too = log_add(log, t + 3, "read");
    /* Holds that end by a tick: a large group that no batch waits for, and a read while it is being written. */
    for (unsigned i = 0; i < HOLDS; i++) {
        char prose[64];
        (void)snprintf(prose, sizeof(prose), "hold 1 A@L hold=h%u expires=10", i);
        (void)log_add(log, t + 4, prose);
    }
    uint32_t held = log_add(log, t + 4, "read");
    (void)log_add(log, t + 20 * SECOND_US, "tick");
    (void)log_add(log, t + 20 * SECOND_US, "pause");
    uint32_t expired = log_add(log, t + 20 * SECOND_US, "read");
    struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
    watched.hold_back = true;
    struct play *play = play_create(1, 0, 1);
    play_run(play, &watched, shard, log);
    assert_int_equal(play->answers[alone].status, ANSWER_READ);
    assert_int_equal(play->writes_at[alone], 0);
    assert_int_equal(play->seen[behind], play->seen[alone] + 1);
    assert_int_equal(play->writes_at[behind], 1);
    assert_int_equal(play->seen[after], play->seen[behind]);
    assert_int_equal(play->writes_at[after], 1); /* no write of its own */
    assert_int_equal(play->seen[beside], play->seen[after] + 2000);
    assert_true(watched.starts > 0);
    assert_int_equal(play->seen[beside_too], play->seen[beside]);
    assert_int_equal(play->seen[expired], play->seen[held] + HOLDS);
    assert_int_equal(play->writes_at[expired], watched.writes);
    shard_close(shard);
    free(play);
    place_destroy(&place);
    log_clear(log);
}

/* ---- failures ---- */

/* The state hash after each decision, by its last event; 0 elsewhere. The caller's. */
static uint64_t *hashes_of(const struct recording *log)
{
    static struct watched watched;
    struct place place = place_create();
    watched_init(&watched);
    struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
    const struct ledger *ledger = shard_ledger(shard);
    uint64_t *hashes = calloc(LOG_MAX * 16, sizeof(uint64_t));
    static uint8_t dry[RECORD_BYTES_MAX];
    assert_non_null(hashes);
    hashes[ledger_last_seq(ledger)] = ledger_state_hash(ledger);
    for (uint32_t i = 0; i < log->count; i++) {
        const struct entry *entry = &log->entries[i];
        if (entry->what != ENTRY_COMMAND)
            continue;
        while (shard_due(shard, entry->stamp_us))
            hashes[ledger_last_seq(ledger)] = ledger_state_hash(ledger);
        struct request request = {.command = entry->form, .command_bytes = entry->bytes, .dry_bytes = dry};
        shard_prepare(shard, &request, 1);
        shard_request(shard, &request, entry->stamp_us);
        reading_destroy(request.reading);
        assert_true(ledger_last_seq(ledger) < LOG_MAX * 16);
        hashes[ledger_last_seq(ledger)] = ledger_state_hash(ledger);
        if (!shard_room(shard))
            assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
    }
    shard_close(shard);
    place_destroy(&place);
    return hashes;
}

/* Everything came back; decided, then unknown, then shed: never back again. Returns the last event acknowledged. */
static uint64_t check_answers_of_failed(const struct recording *log, const struct play *play)
{
    uint64_t acknowledged = 0;
    bool unknown = false, shed = false;
    for (uint32_t i = 0; i < log->count; i++) {
        const struct answer *answer = &play->answers[i];
        switch (answer->status) {
        case ANSWER_ACCEPTED:
        case ANSWER_REFUSED:
            assert_false(unknown || shed);
            acknowledged = answer->last_seq > acknowledged ? answer->last_seq : acknowledged;
            break;
        case ANSWER_READ:
        case ANSWER_UNREAD:
            assert_false(unknown || shed);
            break;
        case ANSWER_UNKNOWN:
            unknown = true;
            assert_false(shed);
            break;
        case ANSWER_RETRY:
            shed = true;
            break;
        case ANSWER_INVALID:
            assert_false(shed);
            break;
        case ANSWER_PENDING:
            fail_msg("entry %u was not given back", i);
        }
    }
    assert_true(unknown || shed);
    return acknowledged;
}

/* Opens what a failure left: a prefix, with everything acknowledged. Then the senders send it all again. */
static void check_recovery(const struct place *place, const struct recording *log, const struct play *failed,
                           const uint64_t *hashes, uint64_t acknowledged)
{
    static struct watched watched;
    watched_init(&watched);
    struct shard *shard = shard_create(place, &watched, WINDOW_LONG_S, 65536);
    uint64_t last_seq = ledger_last_seq(shard_ledger(shard));
    assert_true(last_seq >= acknowledged);
    assert_true(hashes[last_seq] == shard_hash(shard));
    struct play *again = play_create(64, 4, 5);
    play_run(again, &watched, shard, log);
    for (uint32_t i = 0; i < log->count; i++) {
        enum answer_status status = failed->answers[i].status;
        if (log->entries[i].dry || (status != ANSWER_ACCEPTED && status != ANSWER_REFUSED))
            continue;
        assert_true(again->answers[i].replayed);
        assert_int_equal(again->answers[i].last_seq, failed->answers[i].last_seq);
    }
    (void)shard_hash(shard);
    shard_close(shard);
    free(again);
}

static void a_failed_write_is_final_and_what_was_acknowledged_is_kept(void **state)
{
    (void)state;
    log_random(&the_log, 22, 1500, false);
    uint64_t *hashes = hashes_of(&the_log);
    for (unsigned large = 0; large < 2; large++) {
        bool done = false;
        unsigned failures = 0;
        for (unsigned fail_at = 1; !done; fail_at += 1 + fail_at / 3) {
            static struct watched watched;
            struct place place = place_create();
            watched_init(&watched);
            watched.failure = (enum failure)((fail_at + large) % FAILURE_COUNT);
            struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
            watched.fail_at = fail_at;
            struct play *play = play_create(large ? 300 : 20, large ? 0 : 1, fail_at);
            play_run(play, &watched, shard, &the_log);
            shard_close(shard);
            done = play->failed_calls == 0;
            if (!done) {
                failures++;
                assert_int_equal(play->failed_calls, 1);
                assert_int_equal(watched.writes, fail_at); /* none after it */
                uint64_t acknowledged = check_answers_of_failed(&the_log, play);
                check_recovery(&place, &the_log, play, hashes, acknowledged);
            }
            free(play);
            place_destroy(&place);
        }
        assert_true(failures >= 2);
    }
    free(hashes);
    log_clear(&the_log);
}

static void a_batch_wider_than_its_groups_is_answered_by_what_was_written(void **state)
{
    (void)state;
    enum { COUNT = 500, LINES = 240 }; /* some MB in one batch: it is flushed in the midst of it */
    struct recording *log = &the_log;
    char prose[8000] = "receive";
    log_clear(log);
    for (unsigned i = 0; i < LINES; i++)
        (void)snprintf(prose + strlen(prose), sizeof(prose) - strlen(prose), " 1 item-%u@L%u", i / 16, i % 16);
    for (unsigned i = 0; i < COUNT; i++)
        (void)log_add(log, WORLD_START_US, prose);
    unsigned unknown = 0, retry = 0;
    for (unsigned fail_at = 1; fail_at <= 2; fail_at++) {
        for (unsigned failure = 0; failure < FAILURE_COUNT; failure++) {
            static struct watched watched;
            struct place place = place_create();
            watched_init(&watched);
            struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
            watched.failure = (enum failure)failure;
            watched.fail_at = fail_at;
            struct play *play = play_create(0, 0, 1);
            play_run(play, &watched, shard, log);
            shard_close(shard);
            assert_int_equal(play->failed_calls, 1);
            (void)check_answers_of_failed(log, play);
            watched_init(&watched);
            shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
            struct play *again = play_create(0, 0, 1);
            play_run(again, &watched, shard, log);
            for (unsigned i = 0; i < COUNT; i++) {
                unknown += play->answers[i].status == ANSWER_UNKNOWN;
                retry += play->answers[i].status == ANSWER_RETRY;
                assert_true(play->answers[i].status != ANSWER_RETRY || !again->answers[i].replayed);
            }
            assert_int_equal(again->answers[COUNT - 1].status, ANSWER_ACCEPTED);
            shard_close(shard);
            free(again);
            free(play);
            place_destroy(&place);
        }
    }
    assert_true(unknown > 0 && retry > 0);
    log_clear(log);
}

/* ---- what waits for the past ---- */

/* A reversal needs its decision read. What stands behind it waits, too, and is read for beside it up to a bound. */
static void what_waits_in_a_stream_has_readings_of_so_many_cells(void **state)
{
    (void)state;
    enum { LINES = 240, COUNTS = 300 };
    static struct watched watched;
    struct place place = place_create();
    struct recording *log = &the_log;
    char lines[8000] = "";
    char prose[8100];
    log_clear(log);
    for (unsigned i = 0; i < LINES; i++)
        (void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), " 1 item-%u@L%u", i / 16, i % 16);
    (void)snprintf(prose, sizeof(prose), "receive id=r%s", lines);
    (void)log_add(log, WORLD_START_US, prose);
    (void)log_add(log, WORLD_START_US, "reverse of=r id=v");
    (void)snprintf(prose, sizeof(prose), "count occurred=0%s", lines);
    (void)log_add(log, WORLD_START_US, prose);
    watched_init(&watched);
    struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
    struct stream stream = {.shed = false};
    uint32_t cells = 0;
    for (unsigned i = 0; i < 2 + COUNTS; i++) {
        const struct entry *entry = &log->entries[i < 2 ? i : 2];
        struct request request = {.command = entry->form, .command_bytes = entry->bytes, .stream = &stream};
        shard_prepare(shard, &request, 1);
        shard_request(shard, &request, WORLD_START_US);
        assert_int_equal(request.answer.status, i == 0 ? ANSWER_ACCEPTED : ANSWER_UNREAD);
        assert_true(i != 1 || request.reading != NULL);
        cells += request.reading == NULL ? 0 : request.reading->cell_count;
        reading_destroy(request.reading);
    }
    assert_in_range(cells, PARKED_CELLS_MAX - LINES + 1, PARKED_CELLS_MAX);
    shard_close(shard);
    place_destroy(&place);
    log_clear(log);
}

/* What would keep a standby from beginning an epoch is told without beginning one. */
static void whether_it_could_be_promoted_is_told(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    watched_init(&watched);
    atomic_store(&watched.wall_us, WORLD_START_US);
    shard_close(shard_create(&place, &watched, WINDOW_LONG_S, 65536));
    const int64_t most_us = INT64_C(30) * 86400 * 1000000;
    const struct shard_options options = {
        .journal = {.env = &watched.env,
                    .path = place.path,
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)32 << 20,
                    .fill_on_writer = true,
                    .copy = true},
        .limits = engine_limits,
        .id_window_ms = WINDOW_LONG_S * 1000,
        .id_capacity = 65536,
        .clock_start_max_us = most_us,
    };
    struct shard *shard = NULL;
    struct journal_report report;
    assert_int_equal(shard_open(&options, &shard, &report), STATUS_OK);
    const uint32_t epoch = journal_epoch(shard_journal(shard));
    assert_int_equal(shard_may_promote(shard), STATUS_OK);
    atomic_store(&watched.wall_us, WORLD_START_US + most_us + 1);
    assert_int_equal(shard_may_promote(shard), STATUS_CLOCK);
    assert_int_equal(shard_promote(shard, WORLD_START_US), STATUS_CLOCK);
    atomic_store(&watched.wall_us, WORLD_START_US);
    assert_int_equal(shard_may_promote(shard), STATUS_OK);
    assert_int_equal(journal_epoch(shard_journal(shard)), epoch);
    assert_int_equal(shard_promote(shard, WORLD_START_US), STATUS_OK);
    assert_int_not_equal(journal_epoch(shard_journal(shard)), epoch);
    shard_close(shard);
    place_destroy(&place);
}

static void lag_is_of_the_last_mark_and_of_no_time_to_come(void **state)
{
    (void)state;
    static struct watched watched;
    struct standby standby;
    struct standby_report report;
    const int64_t s = 1000000;
    int64_t now = WORLD_START_US;
    watched_init(&watched);
    atomic_store(&watched.wall_us, now);
    standby_init(&standby, &watched.env, "http://x", now - 10 * s);
    standby_look(&standby, &report);
    assert_int_equal(report.lag_us, 10 * s);
    standby_current(&standby, now - 5 * s, 0, 1);
    standby_current(&standby, now - 7 * s, 0, 1);
    standby_look(&standby, &report);
    assert_int_equal(report.lag_us, 5 * s);
    /* The primary's clock stands an hour ahead: what it says is no older than now, and grows old. */
    standby_current(&standby, 0, now + 3600 * s, 1);
    standby_look(&standby, &report);
    assert_int_equal(report.lag_us, 0);
    atomic_store(&watched.wall_us, now += 3 * s);
    standby_look(&standby, &report);
    assert_int_equal(report.lag_us, 3 * s);
    /* It is set right. */
    standby_current(&standby, 0, now - 4 * s, 1);
    standby_look(&standby, &report);
    assert_int_equal(report.lag_us, 4 * s);
    assert_int_equal(report.as_of_us, now - 4 * s);
    standby_deinit(&standby);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_log_gives_the_same_answers_and_state_however_it_is_grouped),
        cmocka_unit_test(a_batch_comes_back_only_when_its_group_is_durable),
        cmocka_unit_test(reads_wait_for_what_they_saw_and_cause_no_flush),
        cmocka_unit_test(a_failed_write_is_final_and_what_was_acknowledged_is_kept),
        cmocka_unit_test(a_batch_wider_than_its_groups_is_answered_by_what_was_written),
        cmocka_unit_test(what_waits_in_a_stream_has_readings_of_so_many_cells),
        cmocka_unit_test(lag_is_of_the_last_mark_and_of_no_time_to_come),
        cmocka_unit_test(whether_it_could_be_promoted_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
