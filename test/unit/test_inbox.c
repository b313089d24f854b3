/*
 * Goal: the embedded sequencer hands out what it took, in order, bounded, at a time that never goes back or leaps; time
 * that passes without traffic does what is due; and bounds that are reached shed, and lose nothing.
 * Method: tables of clock readings through an env whose clocks stand still until told; the inbox alone, then the engine
 * behind it on a thread of its own; recorded logs (engine_world.h) where the times are to be exact.
 */
#include "engine_world.h"

#include <pthread.h>

#include "ledger/state.h"

static const struct inbox_options inbox_defaults = {
    .batch_count_max = 4,
    .clock_step_max_us = INT64_C(60) * SECOND_US,
};

static struct inbox *inbox_of(struct watched *watched, int64_t spin_ns, int64_t log_time_us)
{
    struct inbox_options options = inbox_defaults;
    options.env = &watched->env;
    options.spin_ns = spin_ns;
    options.log_time_us = log_time_us;
    struct inbox *inbox = inbox_create(&options);
    assert_non_null(inbox);
    return inbox;
}

static enum status take(struct inbox *inbox, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
{
    struct sequencer sequencer = inbox_sequencer(inbox);
    *out_batch = NULL;
    return sequencer.next(sequencer.context, wait_ns, out_batch, out_stamp_us);
}

/* ---- the ring ---- */

static void the_ring_is_bounded_and_keeps_the_order(void **state)
{
    (void)state;
    static struct watched watched;
    static struct batch batches[5];
    struct batch *got;
    int64_t stamp_us;
    watched_init(&watched);
    struct inbox *inbox = inbox_of(&watched, 0, 0);
    assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK);
    assert_null(got);                           /* nothing came: time passes */
    for (unsigned turn = 0; turn < 3; turn++) { /* the ring comes round */
        for (unsigned i = 0; i < 4; i++)
            assert_true(inbox_submit(inbox, &batches[i]));
        assert_false(inbox_submit(inbox, &batches[4]));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK);
            assert_ptr_equal(got, &batches[i]);
        }
        assert_true(inbox_submit(inbox, &batches[4]));
        assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK);
        assert_ptr_equal(got, &batches[3]);
        assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK);
        assert_ptr_equal(got, &batches[4]);
    }
    assert_true(inbox_submit(inbox, &batches[0]));
    inbox_close(inbox);
    assert_false(inbox_submit(inbox, &batches[1]));
    assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK); /* what is inside is handed out */
    assert_ptr_equal(got, &batches[0]);
    assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_END);
    assert_int_equal(take(inbox, INT64_C(10) * 1000000000, &got, &stamp_us), STATUS_END); /* and does not wait */
    assert_null(got);
    inbox_destroy(inbox);
}

struct late {
    struct inbox *inbox;
    struct batch *batch; /* NULL: closes */
};

static void *submit_late(void *argument)
{
    const struct late *late = argument;
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
    if (late->batch == NULL)
        inbox_close(late->inbox);
    else
        assert_true(inbox_submit(late->inbox, late->batch));
    return NULL;
}

static void a_sleeper_is_woken_by_a_batch_and_by_the_end(void **state)
{
    (void)state;
    static const int64_t wait_ns = INT64_C(60) * 1000000000;
    static struct watched watched;
    static struct batch batch;
    watched_init(&watched);
    for (unsigned i = 0; i < 2; i++) {
        struct inbox *inbox = inbox_of(&watched, i * 1000 * 1000, 0); /* at once asleep, or after a look around */
        for (unsigned k = 0; k < 2; k++) {
            struct late late = {inbox, k == 0 ? &batch : NULL};
            struct batch *got;
            int64_t stamp_us;
            pthread_t thread;
            int64_t start_ns = linux_env()->monotonic_ns(NULL);
            assert_int_equal(pthread_create(&thread, NULL, submit_late, &late), 0);
            assert_int_equal(take(inbox, wait_ns, &got, &stamp_us), k == 0 ? STATUS_OK : STATUS_END);
            assert_ptr_equal(got, late.batch);
            assert_true(linux_env()->monotonic_ns(NULL) - start_ns < wait_ns / 2);
            assert_int_equal(pthread_join(thread, NULL), 0);
        }
        inbox_destroy(inbox);
    }
}

/* ---- the clock ---- */

static void the_clock_never_goes_back_and_never_leaps(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_s, mono_s; /* the clocks since the start */
        int64_t stamp_s;        /* expected; -1: no time is told */
    } rows[] = {
        {1000, 1, 1000},    /* the first stamp may be anywhere: the start has judged it */
        {1001, 2, 1001},    /* time passes */
        {1001, 3, 1001},    /* or stands */
        {990, 4, 1001},     /* set back: log time stands */
        {1000, 14, 1001},   /* until the clock has come again */
        {1002, 16, 1002},   /* */
        {1062, 16, 1062},   /* a step of as much as is allowed */
        {1123, 17, 1123},   /* a second more, while a second has passed */
        {1184, 17, -1},     /* a second too much */
        {1185, 18, -1},     /* and it stays too much */
        {5000, 100, -1},    /* however long it takes */
        {1206, 100, 1206},  /* until it is set right */
        {1205, 100, 1206},  /* */
        {4806, 3700, 4806}, /* an hour without traffic is no leap */
        {1000, 3701, 4806}, /* far back, */
        {4808, 3702, 4808}, /* right again, */
        {9999, 3703, -1},   /* far ahead, */
        {4000, 3704, 4808}, /* far back */
        {4811, 3705, 4811},
    };
    static struct watched watched;
    static struct batch batch;
    watched_init(&watched);
    atomic_store(&watched.mono_ns, 1);
    struct inbox *inbox = inbox_of(&watched, 0, WORLD_START_US);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        atomic_store(&watched.wall_us, WORLD_START_US + rows[i].wall_s * SECOND_US);
        atomic_store(&watched.mono_ns, rows[i].mono_s * 1000000000);
        for (unsigned with_batch = 0; with_batch < 2; with_batch++) {
            struct batch *got;
            int64_t stamp_us = 0;
            if (with_batch == 1)
                assert_true(inbox_submit(inbox, &batch));
            enum status status = take(inbox, 0, &got, &stamp_us);
            enum status jumped = with_batch == 1 ? STATUS_CLOCK : STATUS_AGAIN; /* there is something to shed, or not */
            if (status != (rows[i].stamp_s < 0 ? jumped : STATUS_OK) ||
                (status == STATUS_OK && stamp_us != WORLD_START_US + rows[i].stamp_s * SECOND_US))
                fail_msg("row %zu: %s, stamp %lld", i, status_text(status),
                         (long long)((stamp_us - WORLD_START_US) / SECOND_US));
            assert_ptr_equal(got, with_batch == 1 ? &batch : NULL);
            assert_int_equal(inbox_clock_jumped(inbox), rows[i].stamp_s < 0);
        }
    }
    inbox_close(inbox);
    inbox_destroy(inbox);
}

static int64_t stamp_at(struct inbox *inbox, struct watched *watched, int64_t wall_s, int64_t slept_s)
{
    struct batch *got;
    int64_t stamp_us = 0;
    atomic_store(&watched->wall_us, WORLD_START_US + wall_s * SECOND_US);
    atomic_store(&watched->slept_ns, slept_s * 1000000000);
    return take(inbox, 0, &got, &stamp_us) == STATUS_OK ? (stamp_us - WORLD_START_US) / SECOND_US : -1;
}

static void a_sleep_of_the_machine_is_no_leap(void **state)
{
    (void)state;
    static struct watched watched;
    watched_init(&watched);
    atomic_store(&watched.mono_ns, 1000000000);
    struct inbox *inbox = inbox_of(&watched, 0, WORLD_START_US);
    assert_int_equal(stamp_at(inbox, &watched, 10, 0), 10);
    assert_int_equal(stamp_at(inbox, &watched, 28810, 28800), 28810); /* a night */
    assert_int_equal(inbox_clock_ahead_us(inbox), 0);
    assert_int_equal(stamp_at(inbox, &watched, 36010, 32400), -1); /* it slept an hour, and the clock says two */
    assert_int_equal(inbox_clock_ahead_us(inbox), 3600 * SECOND_US);
    assert_int_equal(stamp_at(inbox, &watched, 32410, 32400), 32410);
    assert_int_equal(inbox_clock_ahead_us(inbox), 0);
    assert_int_equal(stamp_at(inbox, &watched, 32400, 32400), 32410); /* set back: by how much is told */
    assert_int_equal(inbox_clock_ahead_us(inbox), -10 * SECOND_US);
    assert_false(inbox_clock_jumped(inbox));
    inbox_close(inbox);
    inbox_destroy(inbox);
}

static void log_time_does_not_begin_before_the_log_ends(void **state)
{
    (void)state;
    static struct watched watched;
    struct batch *got;
    int64_t stamp_us;
    watched_init(&watched);
    struct inbox *inbox = inbox_of(&watched, 0, WORLD_START_US + 100 * SECOND_US);
    atomic_store(&watched.mono_ns, 1000);
    atomic_store(&watched.wall_us, WORLD_START_US); /* behind what the journal has */
    assert_int_equal(take(inbox, 0, &got, &stamp_us), STATUS_OK);
    assert_true(stamp_us == WORLD_START_US + 100 * SECOND_US);
    inbox_close(inbox);
    inbox_destroy(inbox);
}

/* ---- the engine behind it ---- */

struct running {
    struct watched watched;
    struct place place;
    struct shard *shard;
    struct inbox *inbox;
    struct engine *engine;
    struct done_queue done;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool back;
    unsigned contradictions; /* told */
    uint8_t form[512];
    struct world world; /* for its words */
};

static void running_wake(void *argument)
{
    struct running *running = argument;
    assert_int_equal(pthread_mutex_lock(&running->mutex), 0);
    running->back = true;
    assert_int_equal(pthread_mutex_unlock(&running->mutex), 0);
    assert_int_equal(pthread_cond_signal(&running->cond), 0);
}

static void running_failed(void *argument, enum status status)
{
    (void)argument;
    fail_msg("the journal failed: %s", status_text(status));
}

static void running_contradicted(void *argument, const char *problem)
{
    struct running *running = argument;
    running->contradictions++;
    assert_non_null(problem);
}

/* The wall clock stands at WORLD_START_US until it is set; the monotonic one runs. */
static void running_start(struct running *running, int64_t window_s)
{
    watched_init(&running->watched);
    atomic_store(&running->watched.wall_us, WORLD_START_US);
    running->place = place_create();
    running->shard = shard_create(&running->place, &running->watched, window_s, 65536);
    running->inbox = inbox_of(&running->watched, 0, ledger_now_us(shard_ledger(running->shard)));
    done_queue_init(&running->done, running_wake, running);
    assert_int_equal(pthread_mutex_init(&running->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&running->cond, NULL), 0);
    const struct engine_options options = {.env = &running->watched.env,
                                           .shard = running->shard,
                                           .sequencer = inbox_sequencer(running->inbox),
                                           .seal_after_ns = 1000 * 1000,
                                           .audit_rate = AUDITOR_RATE_MAX,
                                           .audit_pass_ns = 1000 * 1000,
                                           .failed = running_failed,
                                           .audit_failed = running_contradicted,
                                           .failed_argument = running};
    running->contradictions = 0;
    running->engine = engine_create(&options);
    assert_non_null(running->engine);
    assert_int_equal(engine_start(running->engine), STATUS_OK);
}

static void running_stop(struct running *running, int64_t window_s)
{
    inbox_close(running->inbox);
    engine_join(running->engine);
    engine_destroy(running->engine);
    inbox_destroy(running->inbox);
    uint64_t hash = shard_hash(running->shard);
    shard_close(running->shard);
    assert_true(shard_hash_on_disk(&running->place, window_s, 65536) == hash);
    done_queue_deinit(&running->done);
    assert_int_equal(pthread_cond_destroy(&running->cond), 0);
    assert_int_equal(pthread_mutex_destroy(&running->mutex), 0);
    place_destroy(&running->place);
}

/* Sends one request and waits for its answer. */
static struct answer ask(struct running *running, struct request request)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    assert_non_null(batch);
    batch->done = &running->done;
    batch->count = 1;
    batch->requests[0] = request;
    assert_true(inbox_submit(running->inbox, batch));
    assert_int_equal(pthread_mutex_lock(&running->mutex), 0);
    while (!running->back)
        assert_int_equal(pthread_cond_wait(&running->cond, &running->mutex), 0);
    running->back = false;
    assert_int_equal(pthread_mutex_unlock(&running->mutex), 0);
    assert_ptr_equal(done_queue_take(&running->done), batch);
    struct answer answer = batch->requests[0].answer;
    free(batch);
    return answer;
}

static struct answer command(struct running *running, const char *prose, struct stream *stream)
{
    running->world.now_us = WORLD_START_US;
    world_parse(&running->world, prose);
    size_t n = command_encode(&running->world.command, running->form, sizeof(running->form));
    assert_true(n > 0);
    return ask(running,
               (struct request){.command = running->form, .command_bytes = (uint32_t)n, .stream = stream});
}

static void take_counts(const struct ledger *ledger, struct request *request)
{
    *(struct ledger_counts *)request->detail = ledger_counts(ledger);
}

static struct ledger_counts counts(struct running *running)
{
    struct ledger_counts counts = {0};
    struct answer answer = ask(running, (struct request){.read = take_counts, .detail = &counts});
    assert_int_equal(answer.status, ANSWER_READ);
    return counts;
}

static void set_clock(struct running *running, int64_t seconds)
{
    atomic_store(&running->watched.wall_us, WORLD_START_US + seconds * SECOND_US);
}

static void pass(void)
{
    const struct timespec moment = {.tv_nsec = 2 * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
}

/* Far more than anything here takes, even on a busy machine. */
#define PATIENCE_NS (INT64_C(60) * 1000000000)

/* ---- the audit ---- */

/* Runs on the engine's thread, where nobody else looks. */
static void turn_a_bit(const struct ledger *ledger, struct request *request)
{
    (void)request;
    struct ledger *changed = (struct ledger *)(uintptr_t)ledger;
    changed->cells[0].units[FIGURE_HELD] ^= 1;
}

static void a_contradiction_stops_commands_and_no_reads(void **state)
{
    (void)state;
    static struct running running;
    struct stream stream = {.shed = false};
    struct audit_report report;
    running_start(&running, WINDOW_LONG_S);
    assert_int_equal(command(&running, "receive 5 A@L id=r", NULL).status, ANSWER_ACCEPTED);
    assert_int_equal(command(&running, "hold hold=H expires=5 2 A@L", NULL).status, ANSWER_ACCEPTED);
    const struct auditor *auditor = engine_auditor(running.engine);
    int64_t begin_ns = linux_env()->monotonic_ns(NULL);
    do {
        pass();
        auditor_look(auditor, &report);
    } while (report.checked[INVARIANT_I2] < 3 && linux_env()->monotonic_ns(NULL) - begin_ns < PATIENCE_NS);
    assert_int_equal(report.checked[INVARIANT_I2], 3); /* the cell, the claim, its line */
    assert_true(report.passes > 0 && report.entries > 3 && report.age_ns >= 0 && report.pass_ns >= 0);
    assert_null(auditor_problem(auditor));
    assert_int_equal(ask(&running, (struct request){.read = turn_a_bit}).status, ANSWER_READ);
    for (begin_ns = linux_env()->monotonic_ns(NULL); auditor_problem(auditor) == NULL && linux_env()->monotonic_ns(NULL) - begin_ns < PATIENCE_NS;)
        pass();
    assert_non_null(auditor_problem(auditor));
    assert_non_null(strstr(auditor_problem(auditor), "item A, location L"));
    auditor_look(auditor, &report);
    assert_int_equal(report.state, AUDITOR_FAILED);
    assert_string_equal(report.finding.table, "cells");
    /* A new command, a repeated one, one of a stream. */
    struct answer shed = command(&running, "receive 5 A@L", NULL);
    assert_int_equal(shed.status, ANSWER_RETRY);
    assert_int_equal(shed.code, CODE_audit_failed);
    assert_ptr_equal(shed.detail, auditor_problem(auditor));
    assert_int_equal(command(&running, "receive 5 A@L id=r", NULL).code, CODE_audit_failed);
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=1", &stream).code, CODE_audit_failed);
    assert_true(stream.shed);
    /* Nothing the ledger would do by itself. */
    set_clock(&running, 30);
    pass();
    assert_int_equal(counts(&running).claims_live, 1);
    assert_int_equal(counts(&running).ids, 1 + 1);
    assert_int_equal(ask(&running, (struct request){.read = turn_a_bit}).status, ANSWER_READ); /* for the end */
    assert_int_equal(command(&running, "receive 5 A@L", NULL).code, CODE_audit_failed);
    running_stop(&running, WINDOW_LONG_S);
    assert_int_equal(running.contradictions, 1);
}

static void a_leap_of_the_clock_sheds_until_it_is_set_right(void **state)
{
    (void)state;
    static struct running running;
    struct stream stream = {.shed = false};
    running_start(&running, WINDOW_LONG_S);
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=1", &stream).status, ANSWER_ACCEPTED);
    set_clock(&running, 59);
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=2", &stream).status, ANSWER_ACCEPTED);
    set_clock(&running, 3600);
    struct answer shed = command(&running, "receive 5 A@L source=o seq=3", &stream);
    assert_int_equal(shed.status, ANSWER_RETRY);
    assert_non_null(shed.detail);
    assert_true(stream.shed);
    assert_true(inbox_clock_jumped(running.inbox));
    assert_int_equal(command(&running, "receive 5 A@L", NULL).status, ANSWER_RETRY);
    set_clock(&running, 60);
    assert_int_equal(command(&running, "receive 5 A@L", NULL).status, ANSWER_ACCEPTED);
    assert_false(inbox_clock_jumped(running.inbox));
    /* The stream has a hole now: nothing behind it passes, or the source could not send it again. */
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=4", &stream).status, ANSWER_RETRY);
    struct stream fresh = {.shed = false};
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=3", &fresh).status, ANSWER_ACCEPTED);
    assert_int_equal(command(&running, "receive 5 A@L source=o seq=4", &fresh).status, ANSWER_ACCEPTED);
    running_stop(&running, WINDOW_LONG_S);
}

static void a_hold_expires_by_itself_in_a_quiet_hour(void **state)
{
    (void)state;
    static struct running running;
    running_start(&running, WINDOW_LONG_S);
    assert_int_equal(command(&running, "receive 5 A@L", NULL).status, ANSWER_ACCEPTED);
    struct answer held = command(&running, "hold 5 A@L hold=h expires=30", NULL);
    assert_int_equal(held.status, ANSWER_ACCEPTED);
    set_clock(&running, 29);
    pass();
    assert_int_equal(counts(&running).claims_live, 1);
    set_clock(&running, 31);
    /* Nobody asks anything: the event of the expiry is durable by itself. */
    int64_t start_ns = linux_env()->monotonic_ns(NULL);
    while (journal_durable_seq(shard_journal(running.shard)) == held.last_seq) {
        assert_true(linux_env()->monotonic_ns(NULL) - start_ns < PATIENCE_NS);
        pass();
    }
    assert_int_equal(shard_counters(running.shard).expired, 1);
    assert_int_equal(counts(&running).claims_live, 0);
    assert_int_equal(command(&running, "hold 5 A@L hold=h2", NULL).status, ANSWER_ACCEPTED);
    running_stop(&running, WINDOW_LONG_S);
}

static void a_full_disk_refuses_commands_and_holds_back_what_is_due(void **state)
{
    (void)state;
    static struct running running;
    running_start(&running, WINDOW_LONG_S);
    struct answer held = command(&running, "receive 5 A@L id=first", NULL);
    assert_int_equal(held.status, ANSWER_ACCEPTED);
    assert_int_equal(command(&running, "hold 5 A@L hold=h expires=30", NULL).status, ANSWER_ACCEPTED);
    atomic_store(&running.watched.full, true);
    struct stream stream = {.shed = false};
    struct answer answer = {.status = ANSWER_ACCEPTED};
    uint64_t last_seq = 0;
    for (unsigned i = 0; i < 100000 && answer.status == ANSWER_ACCEPTED; i++) {
        char prose[64];
        (void)snprintf(prose, sizeof(prose), "receive 1 B@L source=o seq=%u", i + 1);
        answer = command(&running, prose, &stream);
        last_seq = answer.status == ANSWER_ACCEPTED ? answer.last_seq : last_seq;
    }
    assert_int_equal(answer.status, ANSWER_RETRY);
    assert_int_equal(answer.code, CODE_disk_full);
    assert_true(stream.shed); /* what comes behind it waits, too */
    assert_true(journal_disk(shard_journal(running.shard)).full);
    /* What was decided before is answered again, reads are answered, and nothing is due: the hold stands over its time. */
    answer = command(&running, "receive 5 A@L id=first", NULL);
    assert_int_equal(answer.status, ANSWER_ACCEPTED);
    assert_true(answer.replayed);
    set_clock(&running, 31);
    for (unsigned i = 0; i < 20; i++)
        pass();
    assert_int_equal(counts(&running).claims_live, 1);
    assert_int_equal(command(&running, "hold 5 A@L hold=h2", NULL).code, CODE_disk_full);
    assert_int_equal(command(&running, "receive 5 A@L id=first", NULL).code, CODE_disk_full); /* behind what is due */
    assert_int_equal(journal_durable_seq(shard_journal(running.shard)), last_seq);
    assert_false(engine_failed(running.engine));
    /* Space is found, and all goes on. */
    atomic_store(&running.watched.full, false);
    int64_t start_ns = linux_env()->monotonic_ns(NULL);
    while (shard_counters(running.shard).expired == 0) {
        assert_true(linux_env()->monotonic_ns(NULL) - start_ns < PATIENCE_NS);
        pass();
    }
    assert_int_equal(command(&running, "hold 5 A@L hold=h2", NULL).status, ANSWER_ACCEPTED);
    assert_false(journal_disk(shard_journal(running.shard)).full);
    running_stop(&running, WINDOW_LONG_S);
}

static void settings_wait_for_space(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    watched_init(&watched);
    struct shard *shard = shard_create(&place, &watched, 20, 100);
    shard_close(shard);
    /* The segment has no room behind its first frames. */
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/00000000000000000001.journal", place.path);
    assert_int_equal(truncate(path, 8192), 0);
    atomic_store(&watched.full, true);
    watched_init(&watched);
    atomic_store(&watched.full, true);
    atomic_store(&watched.mono_ns, 1);
    const struct shard_options options = {
        .journal = {.env = &watched.env,
                    .path = place.path,
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)32 << 20,
                    .fill_on_writer = true},
        .limits = engine_limits,
        .id_window_ms = 77000,
        .id_capacity = 100,
        .clock_start_max_us = INT64_MAX,
    };
    struct journal_report report;
    assert_int_equal(shard_open(&options, &shard, &report), STATUS_OK);
    assert_int_equal(shard_settings(shard, WORLD_START_US), STATUS_NO_SPACE);
    assert_false(shard_due(shard, WORLD_START_US));
    assert_true(shard_blocked(shard));
    assert_int_equal(ledger_id_window_ms(shard_ledger(shard)), 20000);
    atomic_store(&watched.full, false);
    atomic_store(&watched.mono_ns, INT64_C(100) * 1000000000);
    assert_false(shard_due(shard, WORLD_START_US)); /* nothing is, but for them */
    assert_false(shard_blocked(shard));
    assert_int_equal(ledger_id_window_ms(shard_ledger(shard)), 77000);
    assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
    shard_close(shard);
    place_destroy(&place);
}

static void ids_and_ended_holds_leave_the_window_by_ticks(void **state)
{
    (void)state;
    static struct running running;
    const int64_t window_s = 20;
    running_start(&running, window_s);
    for (unsigned i = 0; i < 300; i++) { /* more than one tick forgets */
        char prose[64];
        (void)snprintf(prose, sizeof(prose), "receive 1 A@L id=n%u", i);
        assert_int_equal(command(&running, prose, NULL).status, ANSWER_ACCEPTED);
    }
    assert_int_equal(command(&running, "hold 5 A@L hold=h", NULL).status, ANSWER_ACCEPTED);
    assert_int_equal(command(&running, "release hold=h", NULL).status, ANSWER_ACCEPTED);
    assert_true(command(&running, "receive 1 A@L id=n0", NULL).replayed);
    assert_int_equal(counts(&running).ids, 302);
    assert_int_equal(counts(&running).claims_kept, 1);
    set_clock(&running, window_s + 1);
    int64_t start_ns = linux_env()->monotonic_ns(NULL);
    while (counts(&running).ids > 0) {
        assert_true(linux_env()->monotonic_ns(NULL) - start_ns < PATIENCE_NS);
        pass();
    }
    assert_int_equal(counts(&running).claims_kept, 0);
    struct answer anew = command(&running, "receive 1 A@L id=n0", NULL);
    assert_int_equal(anew.status, ANSWER_ACCEPTED);
    assert_false(anew.replayed);
    running_stop(&running, window_s);
}

/* ---- bounds, with exact times ---- */

static struct recording the_log;

static void a_full_id_table_sheds_and_loses_nothing(void **state)
{
    (void)state;
    enum { CAPACITY = 100 };
    static struct watched watched;
    const int64_t window_s = 20;
    struct place place = place_create();
    struct recording *log = &the_log;
    char prose[64];
    int64_t t = WORLD_START_US;
    watched_init(&watched);
    log_clear(log);
    for (unsigned i = 0; i < CAPACITY; i++) {
        (void)snprintf(prose, sizeof(prose), "receive 1 A@L id=n%u", i);
        (void)log_add(log, t, prose);
    }
    uint32_t before = log_add(log, t + 1, "read");
    uint32_t full = log_add(log, t + 1, "receive 1 A@L id=more");
    uint32_t known = log_add(log, t + 1, "receive 1 A@L id=n7");
    uint32_t after = log_add(log, t + 1, "read");
    uint32_t last_moment = log_add(log, t + window_s * SECOND_US, "receive 1 A@L id=more");
    uint32_t again = log_add(log, t + (window_s + 1) * SECOND_US, "receive 1 A@L id=more");
    uint32_t gone = log_add(log, t + (window_s + 1) * SECOND_US, "receive 1 A@L id=n0");
    struct shard *shard = shard_create(&place, &watched, window_s, CAPACITY);
    struct play *play = play_create(16, 3, 1);
    play_run(play, &watched, shard, log);
    for (unsigned i = 0; i < CAPACITY; i++)
        assert_int_equal(play->answers[i].status, ANSWER_ACCEPTED);
    assert_int_equal(play->answers[full].status, ANSWER_RETRY);
    assert_int_equal(play->answers[full].code, CODE_id_table_full);
    assert_int_equal(play->seen[after], play->seen[before]);
    assert_true(play->answers[known].replayed); /* a repeat needs no room */
    assert_int_equal(play->answers[known].last_seq, play->answers[7].last_seq);
    assert_int_equal(play->answers[last_moment].status, ANSWER_RETRY);
    assert_int_equal(play->answers[again].status, ANSWER_ACCEPTED);
    assert_false(play->answers[again].replayed);
    assert_int_equal(play->answers[gone].status, ANSWER_ACCEPTED);
    assert_false(play->answers[gone].replayed); /* left the window, to make room */
    assert_int_equal(shard_counters(shard).shed, 2);
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    assert_true(shard_hash_on_disk(&place, window_s, CAPACITY) == hash);
    free(play);
    place_destroy(&place);
    log_clear(log);
}

static void what_sheds_one_command_of_an_ordered_stream_sheds_the_rest(void **state)
{
    (void)state;
    enum { CAPACITY = 3 };
    static const struct {
        const char *prose;
        int64_t at_s;
        uint32_t stream;
        enum answer_status status;
        enum code code;
    } rows[] = {
        {"receive 1 A@L source=o seq=1", 0, 1, ANSWER_ACCEPTED, CODE_none},
        {"receive 1 A@L source=o seq=2", 0, 1, ANSWER_ACCEPTED, CODE_none},
        {"receive 1 A@L source=p", 0, 2, ANSWER_ACCEPTED, CODE_none},
        {"receive 1 A@L source=o seq=3", 1, 1, ANSWER_RETRY, CODE_id_table_full}, /* full: shed */
        {"receive 1 A@L source=p", 1, 2, ANSWER_RETRY, CODE_id_table_full},       /* of no ordered source */
        {"receive 1 A@L source=o seq=4", 30, 1, ANSWER_RETRY, CODE_none},         /* room again: it would pass 3 by */
        {"receive 1 A@L source=q", 30, 1, ANSWER_ACCEPTED, CODE_none},            /* no order, no harm */
        {"receive 1 A@L source=p", 30, 2, ANSWER_ACCEPTED, CODE_none},            /* another stream */
        {"receive 1 A@L source=o seq=3", 30, 3, ANSWER_ACCEPTED, CODE_none},      /* sent again, in a new stream */
        {"receive 1 A@L source=o seq=4", 60, 3, ANSWER_ACCEPTED, CODE_none},
        {"receive 1 A@L source=o seq=5", 60, 1, ANSWER_RETRY, CODE_none},    /* the old one stays shed */
        {"receive 1 A@L source=o seq=5", 60, 0, ANSWER_ACCEPTED, CODE_none}, /* a command on its own */
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    for (unsigned cut = 1; cut <= ROWS; cut += ROWS - 1) { /* one by one, and as many together as have one time */
        static struct watched watched;
        struct place place = place_create();
        watched_init(&watched);
        log_clear(&the_log);
        for (unsigned i = 0; i < ROWS; i++) {
            uint32_t n = log_add(&the_log, WORLD_START_US + rows[i].at_s * SECOND_US, rows[i].prose);
            the_log.entries[n].stream = rows[i].stream;
        }
        struct shard *shard = shard_create(&place, &watched, 20, CAPACITY);
        struct play *play = play_create(cut, 0, 1);
        play_run(play, &watched, shard, &the_log);
        for (unsigned i = 0; i < ROWS; i++) {
            if (play->answers[i].status != rows[i].status || play->answers[i].code != rows[i].code)
                fail_msg("row %u: %s: status %d, code %s", i, rows[i].prose, (int)play->answers[i].status,
                         code_name(play->answers[i].code));
        }
        assert_true(play->streams[0].shed);
        assert_false(play->streams[1].shed); /* nothing in it has an order */
        assert_false(play->streams[2].shed);
        (void)shard_hash(shard);
        shard_close(shard);
        free(play);
        place_destroy(&place);
    }
    log_clear(&the_log);
}

static void a_batch_without_a_time_is_shed_whole(void **state)
{
    (void)state;
    static struct watched watched;
    struct place place = place_create();
    watched_init(&watched);
    log_clear(&the_log);
    (void)log_add(&the_log, 0, "receive 1 A@L");
    uint32_t read = log_add(&the_log, 0, "read");
    uint32_t ordered = log_add(&the_log, 0, "receive 1 A@L source=o seq=1");
    the_log.entries[ordered].stream = 1;
    struct shard *shard = shard_create(&place, &watched, 20, 100);
    uint64_t hash = shard_hash(shard);
    struct play *play = play_create(3, 0, 2);
    play->clock_jumped = true;
    play_run(play, &watched, shard, &the_log);
    for (uint32_t i = 0; i < the_log.count; i++)
        assert_int_equal(play->answers[i].status, ANSWER_RETRY);
    assert_int_equal(play->seen[read], 0); /* a read has not run either */
    assert_true(play->streams[0].shed);
    assert_int_equal(watched.writes, 0);
    assert_true(shard_hash(shard) == hash);
    shard_close(shard);
    free(play);
    place_destroy(&place);
    log_clear(&the_log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_is_bounded_and_keeps_the_order),
        cmocka_unit_test(a_sleeper_is_woken_by_a_batch_and_by_the_end),
        cmocka_unit_test(the_clock_never_goes_back_and_never_leaps),
        cmocka_unit_test(a_sleep_of_the_machine_is_no_leap),
        cmocka_unit_test(log_time_does_not_begin_before_the_log_ends),
        cmocka_unit_test(a_leap_of_the_clock_sheds_until_it_is_set_right),
        cmocka_unit_test(a_contradiction_stops_commands_and_no_reads),
        cmocka_unit_test(a_hold_expires_by_itself_in_a_quiet_hour),
        cmocka_unit_test(a_full_disk_refuses_commands_and_holds_back_what_is_due),
        cmocka_unit_test(settings_wait_for_space),
        cmocka_unit_test(ids_and_ended_holds_leave_the_window_by_ticks),
        cmocka_unit_test(a_full_id_table_sheds_and_loses_nothing),
        cmocka_unit_test(what_sheds_one_command_of_an_ordered_stream_sheds_the_rest),
        cmocka_unit_test(a_batch_without_a_time_is_shed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
