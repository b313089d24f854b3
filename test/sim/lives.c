/* A run: what it is drawn to be, and its lives from a start to their end. */
#include "sim_run.h"

#include "journal/beginning.h"
#include "journal/checkpoint.h"
#include "journal/cold.h"

#define LIVES_MAX 200
#define CALM_S    120 /* all is answered by then */

static void draw_run(void)
{
    sr.plan = prng_of(sr.seed ^ UINT64_C(0x706c616e));
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        sr.has[f] = plan_one_in(2);
    if (!sr.has[FAULT_POWER])
        sr.has[FAULT_KILLS] = true;
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        sr.has[f] = sr.has[f] && !(sr.without >> f & 1);
    static const uint32_t rates[] = {40, 200, 1000, 4000};
    struct sim_faults *faults = &sr.faults;
    uint32_t rate[FAULT_COUNT];
    for (unsigned f = 0; f < FAULT_COUNT; f++) {
        rate[f] = rates[plan(4)];
        rate[f] = sr.has[f] ? rate[f] : 0;
    }
    *faults = (struct sim_faults){.read = rate[FAULT_READS],
                                  .write = rate[FAULT_WRITES],
                                  .sync = rate[FAULT_SYNCS],
                                  .durable = rate[FAULT_DURABLES] * 4,
                                  .names = rate[FAULT_NAMES],
                                  .open = rate[FAULT_OPENS],
                                  .memory = rate[FAULT_MEMORY],
                                  .misdirect = rate[FAULT_ASTRAY] * 4,
                                  .write_back = sr.has[FAULT_BACK] ? 1 + (uint32_t)plan(8) : 0,
                                  .buffered = plan_one_in(2),
                                  .names_in_any_order = sr.has[FAULT_ORDER]};
    static const uint32_t fats[] = {0, 60, META_BYTES_MAX, META_BYTES_MAX};
    sr.fat = fats[plan(4)];
    sr.client_count = 1 + (uint32_t)plan(CLIENTS_MAX);
    sr.batch_max = 1 + (uint32_t)plan(plan_one_in(3) ? 240 : 8);
    sr.inbox_max = 1 + (uint32_t)plan(16);
    sr.think_us = (uint32_t)plan(plan_one_in(2) ? 10000 : 4000000);
    sr.reads_one_in = plan_one_in(3) ? 0 : 1 + (uint32_t)plan(8);
    sr.pauses = plan_one_in(3);
    sr.audit_rate = plan_one_in(4) ? 20000 : 0;
    sr.seal_after_ns = (int64_t)(plan_one_in(3) ? 1 : 50) * 1000000;
    sr.crash_most = 80 + plan(plan_one_in(2) ? 300 : 1500) / (1 + sr.batch_max / 16);
    sr.judge_every = 24;
    static const uint64_t every[] = {0, 4 << 10, 32 << 10, 128 << 10};
    sr.checkpoint_every = every[plan(4)];
    static const size_t raw[] = {0, 0, 1, 3};
    sr.raw_segments = raw[plan(4)];
    sr.checkpoint_slice = 1 + plan(400);
    sr.keep_bytes = sr.checkpoint_every != 0 && plan_one_in(2) ? (64 << 10) + plan(256 << 10) : 0;
    sr.keeps_ids = plan_one_in(2);
    sr.checkpoint_one_in = 1 + (uint32_t)plan(8);
    if (sr.checkpoint_every != 0 || sr.raw_segments != 0)
        sr.crash_most += sr.crash_most / 2; /* they take calls, too */
    if (sr.batch_max > 100)
        sr.fat = META_BYTES_MAX; /* groups so long that they are written beside the next */
    sim_begin(&sr.sim, sr.seed);
    sr.sim.aside[0] = CHECKPOINT_NEXT_NAME;
    sr.sim.aside[1] = COLD_NEW_NAME;
    sr.sim.aside[2] = BEGINNING_NEW_NAME;
    sr.sim.block_bytes = plan_one_in(2) ? 512 : 4096;
    sr.sim.flush_min_us = 30;
    sr.sim.flush_max_us = 300;
    if (sr.has[FAULT_SLOW]) {
        sr.sim.flush_min_us = 1000;
        sr.sim.flush_max_us = 500000;
    }
    run.seed = sr.seed;
    run.plain = true;
    run.prng = prng_of(sr.seed ^ UINT64_C(0x776f726b));
    run.huge = one_in(8);
    run.kits = !one_in(3);
    run.tree = run.rules = run.late = false;
    run.command_number = 0;
    run.disagreed = world_says;
    play_begin();
    for (unsigned i = 0; i < sr.client_count; i++)
        sr.clients[i].streams = plan_one_in(2);
}

/* The process has ended, the machine perhaps with it. */
static void world_ends(void)
{
    if (sr.sim.memory_held != 0)
        violation("%u pieces of memory were not given back", sr.sim.memory_held);
    bool power = sr.has[FAULT_POWER] && (!sr.has[FAULT_KILLS] || plan_one_in(2));
    if (!sr.has[FAULT_POWER] && !sr.has[FAULT_KILLS])
        power = true;
    trace(power ? "power cut" : "kill");
    if (power)
        sim_power_cut(&sr.sim);
    else
        sim_kill(&sr.sim);
    sr.sim.now_ns += (int64_t)plan(plan_one_in(4) ? 600 : 5) * 1000000000;
    if (sr.has[FAULT_CLOCKS] && !sr.calm && plan_one_in(16))
        sr.sim.wall_offset_us += 40 * DAY_US;
    if (!sr.calm && sr.sim.block_bytes == SIM_SECTOR_BYTES && plan_one_in(32)) {
        sr.sim.block_bytes = 8 * SIM_SECTOR_BYTES; /* the directory was copied to another disk */
        paths[PATH_LARGER_BLOCKS]++;
    }
    for (unsigned i = 0; i < sr.client_count; i++)
        sr.clients[i].next_ns = sr.sim.now_ns;
}

static void plan_crash(void)
{
    sr.sim.crash_in = sr.crash_later = 0;
    sr.stop_clean = false;
    if (sr.calm)
        return;
    if (plan_one_in(6)) {
        sr.stop_clean = true;
        sr.stop_at = plan(sr.crash_most);
        return;
    }
    if (sr.has[FAULT_RECOVERIES] && plan_one_in(3))
        sr.sim.crash_in = 1 + plan(24); /* of the start */
    else
        sr.crash_later = 1 + plan(sr.crash_most); /* behind it */
}

static void judge_parts(const struct journal_report *report, bool faults)
{
    checkpoint_judge_start(report, faults);
    retention_judge_start(report);
}

/* A start, with what an operator does about it. False when the world ended in it. */
static bool start(struct journal_report *report)
{
    struct shard_options options = shard_options();
    for (unsigned tries = 0;; tries++) {
        sr.sim.faults = sr.calm || tries > 6 ? (struct sim_faults){.buffered = sr.faults.buffered} : sr.faults;
        sr.sim.faults.capacity_bytes = 0;
        if (sr.has[FAULT_FULL] && !sr.calm && tries <= 6)
            sr.sim.faults.capacity_bytes = sim_used(&sr.sim) + plan(300 << 10);
        sr.sim.failed = false;
        uint64_t faults_before = 0, faults_after = 0;
        for (unsigned m = SIM_READ_FAILED; m <= SIM_NO_MEMORY; m++)
            faults_before += sim_marks[m];
        enum status status = shard_open(&options, &sr.shard, report);
        for (unsigned m = SIM_READ_FAILED; m <= SIM_NO_MEMORY; m++)
            faults_after += sim_marks[m];
        if (status == STATUS_OK)
            judge_parts(report, faults_before != faults_after);
        if (status == STATUS_OK)
            return true;
        trace("start: %s: %s", status_text(status), report->problem);
        if (sr.sim.memory_held != 0)
            violation("a failed start did not give back %u pieces of memory", sr.sim.memory_held);
        if (sr.sim.dead) {
            paths[PATH_RECOVERY_CUT]++;
            return false;
        }
        if (report->problem[0] == 0)
            violation("a start fails without a word: %s", status_text(status));
        if (status == STATUS_CLOCK) {
            paths[PATH_CLOCK_REFUSED]++;
            if (plan_one_in(2))
                options.accept_clock = true; /* it is right now */
            else
                sr.sim.wall_offset_us -= 40 * DAY_US;
            continue;
        }
        if (faults_before == faults_after || (status != STATUS_IO && status != STATUS_MEMORY && status != STATUS_NO_SPACE))
            violation("a sound journal is refused: %s: %s", status_text(status), report->problem);
        paths[PATH_RECOVERY_FAILED]++;
        world_ends(); /* the process ended, and is started again */
    }
}

static bool any_packed(void)
{
    for (const char *name = NULL; (name = sim_file_next(&sr.sim, name)) != NULL;)
        if (segment_packed(name))
            return true;
    return false;
}

static void judge_start(const struct journal_report *report)
{
    paths[report->created ? PATH_CREATED : PATH_RECOVERED]++;
    paths[PATH_TAIL_CUT] += report->cut_bytes > 0;
    if (report->created && sr.judged_seq > 0)
        violation("the journal is gone");
    const struct ledger *ledger = shard_ledger(sr.shard);
    uint64_t least = sr.feed_seq > sr.read_seq ? sr.feed_seq : sr.read_seq;
    if (ledger_last_seq(ledger) < least)
        violation("event %" PRIu64 " was told, and the journal ends at %" PRIu64, least, ledger_last_seq(ledger));
    if (!plan_one_in(3) || !feed_compare())
        feed_compare_all();
    paths[PATH_PACKED_START] += any_packed();
    compare_live("after the start");
    judge_told(true);
    if (plan_one_in(4))
        ledger_check(ledger);
    digest(ledger_state_hash(ledger));
}

/* What failed so far: a full disk is no failure. */
static uint64_t strikes_count(void)
{
    uint64_t count = sim_marks[SIM_NO_MEMORY];
    for (unsigned m = SIM_READ_FAILED; m <= SIM_OPEN_FAILED; m++)
        count += sim_marks[m];
    return count;
}

static void live(void)
{
    sr.lives++;
    sr.ended = sr.closed = false;
    struct journal_report report;
    bool extra = !sr.calm && sr.answered >= sr.commands; /* for the crashes that are still wanted */
    sr.commands += extra ? 40 : 0;
    plan_crash();
    if (extra && sr.crash_later != 0)
        sr.crash_later = 1 + plan(10);
    strays_judge();
    struct last_frame last;
    if (sr.stopped_clean && last_frame_find(&last) && last.last_seq >= last.first_seq)
        violation("after a clean stop nothing vouches for event %" PRIu64, last.last_seq);
    sr.stopped_clean = false;
    sr.stamp_us = sr.stamp_ns = 0;
    if (sr.has[FAULT_ROT] && plan_one_in(3))
        rot_probe();
    if (sr.has[FAULT_ROT] && plan_one_in(3))
        checkpoint_rot();
    if (sr.has[FAULT_ROT] && plan_one_in(3))
        beginning_rot();
    if (sr.has[FAULT_ROT] && plan_one_in(6))
        end_probe();
    uint64_t strikes_before = strikes_count();
    if (!start(&report)) {
        sr.crashes++;
        world_ends();
        return;
    }
    sr.journal = shard_journal(sr.shard);
    sr.stop_at += sr.sim.calls;
    if (sr.crash_later != 0)
        sr.sim.crash_in = sr.crash_later;
    judge_start(&report);
    enum status status = shard_settings(sr.shard, sr.sim.now_ns / 1000 + sr.sim.wall_offset_us);
    if (status == STATUS_OK || status == STATUS_NO_SPACE)
        status = journal_flush(sr.journal);
    uint64_t segments = journal_counters(sr.journal).segments;
    if (status == STATUS_OK) {
        const struct inbox_options inbox_options = {.env = &sr.sim.env,
                                                    .batch_count_max = sr.inbox_max,
                                                    .clock_step_max_us = CLOCK_STEP_US,
                                                    .log_time_us = ledger_now_us(shard_ledger(sr.shard))};
        sr.inbox = inbox_create(&inbox_options);
        done_queue_init(&sr.done, came_back, NULL);
        struct engine_options options = {.env = &sr.sim.env,
                                         .shard = sr.shard,
                                         .sequencer = {NULL, clients_next},
                                         .seal_after_ns = sr.seal_after_ns,
                                         .audit_rate = sr.audit_rate,
                                         .audit_pass_ns = 1000000000,
                                         .listener_count = 1,
                                         .failed = on_failed,
                                         .audit_failed = on_audit_failed};
        options.listeners[0].wake = woken;
        checkpoints_begin(&report);
        options.marker = sr.checkpointer == NULL ? NULL : &sr.marker;
        sr.engine = engine_create(&options);
        if (sr.inbox == NULL || sr.engine == NULL)
            exit(2);
        engine_run(sr.engine);
        checkpoints_end();
        if (engine_failed(sr.engine) && !sr.sim.dead && strikes_count() == strikes_before)
            violation("the server ended, and nothing failed: %s", journal_failure(sr.journal));
        if (engine_failed(sr.engine) && !sr.sim.dead)
            paths[PATH_FAILED_LIFE]++;
        else if (!sr.sim.dead)
            feed_read();
    }
    bool dead = sr.sim.dead;
    bool failed = status != STATUS_OK || engine_failed(sr.engine);
    const struct journal_counters counters = journal_counters(sr.journal);
    paths[PATH_ROLLED] += counters.segments > segments;
    paths[PATH_PACKED] += counters.packed;
    paths[PATH_PACK_FAILED] += counters.pack_failures;
    paths[PATH_PACKED_CUT] += dead && sim_has(&sr.sim, COLD_NEW_NAME);
    if (counters.pack_failures > 0 && !dead && strikes_count() == strikes_before && sr.sim.faults.capacity_bytes == 0 &&
        sr.sim.stray_count == 0)
        violation("a segment could not be packed, and nothing failed");
    if (!dead && !failed)
        compare_live("at the stop");
    if (!dead && !failed && sr.has[FAULT_ROT] && plan_one_in(2))
        rot_live();
    sr.ended = true;
    shard_close(sr.shard); /* seals: the world may end in it */
    if (sr.engine != NULL)
        engine_destroy(sr.engine);
    if (sr.inbox != NULL) {
        inbox_destroy(sr.inbox);
        done_queue_deinit(&sr.done);
    }
    sr.engine = NULL;
    sr.inbox = NULL;
    sr.journal = NULL;
    sr.shard = NULL;
    dead = dead || sr.sim.dead;
    sr.stopped_clean = !dead && !failed && strikes_count() == strikes_before && sr.sim.faults.capacity_bytes == 0 &&
                       sr.sim.stray_count == 0;
    sr.crashes += dead;
    paths[PATH_CLEAN_STOP] += !dead && !failed;
    digest((uint64_t)sr.sim.now_ns);
    world_ends();
}

uint64_t run_seed(uint64_t seed, uint32_t commands, uint32_t without, bool traced)
{
    struct sent *sent = sr.sent;
    struct batch *batches[CLIENTS_MAX];
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        batches[i] = sr.clients[i].batch;
    struct sim sim = sr.sim;
    memset(&sr, 0, offsetof(struct sim_run, feed));
    memset(&sr.place, 0, sizeof(sr) - offsetof(struct sim_run, place));
    sr.sim = sim;
    sr.sim.env.context = &sr.sim;
    sr.sent = sent != NULL ? sent : calloc(SENT_MAX, sizeof(*sent));
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        sr.clients[i].batch = batches[i] != NULL ? batches[i] : calloc(1, sizeof(struct batch));
        if (sr.clients[i].batch == NULL || sr.sent == NULL)
            exit(2);
    }
    sr.seed = seed;
    sr.commands = commands;
    sr.without = without;
    sr.trace = traced;
    sr.place = JOURNAL_BEGIN;
    draw_run();
    while (sr.lives < LIVES_MAX && (sr.answered < sr.commands || sr.crashes < CRASHES_LEAST))
        live();
    sr.calm = true;
    sr.commands = sr.sent_count;
    int64_t begin_ns = sr.sim.now_ns;
    sr.crashes += CRASHES_LEAST; /* none is wanted any more */
    live();
    if (!all_answered())
        violation("nothing fails any more, and not all is answered");
    if (sr.sim.now_ns - begin_ns > (int64_t)CALM_S * 1000 * 1000000000)
        violation("nothing fails any more, and answers take %.0f s", (double)(sr.sim.now_ns - begin_ns) / 1e9);
    live(); /* and once more, only to look */
    play_compare_state();
    for (uint32_t i = 0; i < sr.sent_count; i++)
        free(sr.sent[i].form);
    digest(ledger_state_hash(run.ledger));
    return sr.digest;
}
