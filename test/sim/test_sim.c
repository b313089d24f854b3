/*
 * Goal: nothing that was acknowledged is lost, doubled, oversold or changed, whatever the disk, the clock and the memory do
 * and wherever the process ends; and the engine works on afterwards.
 * Method: the whole engine (inbox, shard, ledger, journal) on one thread in a simulated world (env_sim.h). A run is many lives
 * of a server over one data directory: clients send what the model's test makes up (play.h), repeat by its id what was not
 * answered, and the world fails now and then and ends at any call on the disk. A run draws which faults there are and how often
 * (swarm), from one seed split per subsystem.
 *
 * The judge follows the feed. Every decision told is decided by the naive model too, and applied to a second ledger:
 *
 *     answers    only when durable; each is the decision of this very command in the feed, after any number of crashes
 *     feed       what was told is there after a crash, byte for byte
 *     once       a command decided twice within the window of ids is refused by the model
 *     figures    of model, second ledger and engine are the same; state hash after recovery is that of the second ledger
 *     damage     bits, sectors and writes that went astray: refused as DAMAGED, nothing modified; cut only what no later frame
 *                vouches for
 *     failure    after a failed flush nothing is acknowledged before the next start
 *     at last    when nothing fails any more all is answered
 *
 * test_sim [--seeds N] [--first S] [--jobs J]   many runs; a failure is shrunk, and printed with the command that repeats it
 *     --find: only that
 * test_sim --seed S [--commands N] [--without LETTERS] [--trace]   one run
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, mallopt */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../model/play.h"
#include "engine/engine.h"
#include "env_sim.h"
#include "journal/frame.h"
#include "journal/segment.h"

#define SENT_MAX        4096
#define DECIDED_MAX     16384
#define CLIENTS_MAX     8
#define CRASHES_LEAST   3
#define LIVES_MAX       200
#define CALM_S          120 /* all is answered by then */
#define CLOCK_STEP_US   (INT64_C(60) * SECOND_US)
#define CLOCK_START_US  (INT64_C(30) * DAY_US)
#define TWICE_ONE_IN    64 /* runs are repeated, and must be the same */
#define JOBS_MAX        64
#define SHRINK_S        30   /* a run that takes longer has failed */
#define SEEDS_FOR_MARKS 5000 /* so many meet every mark, but perhaps the three that are rarest */
#define MARKS_MISSED    3

/* Kinds of faults that a run may have. X(letter, name, words) */
#define FAULT_MAP(X)                                                                                                   \
    X('p', POWER, "power cuts")                                                                                        \
    X('k', KILLS, "kills of the process")                                                                              \
    X('r', READS, "failing reads")                                                                                     \
    X('w', WRITES, "failing writes")                                                                                   \
    X('s', SYNCS, "failing flushes")                                                                                   \
    X('d', DURABLES, "failing durable writes")                                                                         \
    X('n', NAMES, "failing changes of names")                                                                          \
    X('o', OPENS, "failing opens")                                                                                     \
    X('m', MEMORY, "no memory")                                                                                        \
    X('f', FULL, "a full disk")                                                                                        \
    X('a', ASTRAY, "writes that go astray")                                                                            \
    X('t', ROT, "rot at rest")                                                                                         \
    X('c', CLOCKS, "clocks that jump")                                                                                 \
    X('l', SLOW, "a slow disk")                                                                                        \
    X('b', BACK, "pages written back unasked")                                                                         \
    X('y', ORDER, "names that survive in any order")                                                                   \
    X('v', RECOVERIES, "crashes in recovery")

enum {
#define X(letter, name, words) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULT_COUNT
};
static const char fault_letters[FAULT_COUNT + 1] = {
#define X(letter, name, words) letter,
    FAULT_MAP(X)
#undef X
        '\0'};

/* Rare ways that were taken. X(name, words) */
#define PATH_MAP(X)                                                                                                    \
    X(CREATED, "journal created")                                                                                      \
    X(RECOVERED, "recovered")                                                                                          \
    X(RECOVERY_CUT, "crash in recovery")                                                                               \
    X(RECOVERY_FAILED, "recovery failed by a fault")                                                                   \
    X(TAIL_CUT, "torn tail cut")                                                                                       \
    X(UNKNOWN_THERE, "unanswered, found decided")                                                                      \
    X(UNKNOWN_GONE, "unanswered, found lost, sent again")                                                              \
    X(REPEATED, "answered as a repeat")                                                                                \
    X(FAILED_LIFE, "life ended by a fault")                                                                            \
    X(CLEAN_STOP, "clean stop")                                                                                        \
    X(ROLLED, "segment rolled")                                                                                        \
    X(TICKED, "tick journalled")                                                                                       \
    X(EXPIRED, "hold expired")                                                                                         \
    X(OWN, "other decision of the ledger")                                                                             \
    X(REFUSED, "refused")                                                                                              \
    X(CLOCK_SHED, "shed for the clock")                                                                                \
    X(FULL_SHED, "shed for the full disk")                                                                             \
    X(CLOCK_REFUSED, "start refused for the clock")                                                                    \
    X(CLOCK_BACK, "clock set back")                                                                                    \
    X(INBOX_FULL, "inbox full")                                                                                        \
    X(ROT_REFUSED, "rot refused")                                                                                      \
    X(ROT_CUT, "rot of what nothing vouches for cut")                                                                  \
    X(ROT_OUTSIDE, "rot behind the end")                                                                               \
    X(ROT_WRITABLE, "refused start modified nothing")                                                                  \
    X(ROT_READ, "rot met by a reader")                                                                                 \
    X(STRAY_REFUSED, "write astray refused")                                                                           \
    X(STRAY_HARMLESS, "write astray did no harm")                                                                      \
    X(STRAY_CUT, "write astray of the last frame cut")                                                                 \
    X(FEED_FAILED, "feed read failed, read again")                                                                     \
    X(FEED_FROM_DISK, "feed read from disk")                                                                           \
    X(STATE_COMPARED, "live state compared")                                                                           \
    X(LARGER_BLOCKS, "opened with larger blocks")

enum {
#define X(name, words) PATH_##name,
    PATH_MAP(X)
#undef X
        PATH_COUNT
};
static const char *const path_words[PATH_COUNT] = {
#define X(name, words) words,
    PATH_MAP(X)
#undef X
};
static uint64_t paths[PATH_COUNT];

/* ---- the run ---- */

/* A command as it was sent, again and again until it was answered. */
struct sent {
    struct model_command command;
    uint8_t *form; /* owned */
    uint32_t bytes;
    bool answered;
    bool unknown; /* it may have been decided */
};

struct decided {
    uint64_t last_seq;
    uint32_t sent;
    bool refused;
};

/* An answer whose decision is still to be met in the feed. */
struct told {
    uint32_t sent;
    uint64_t last_seq;
    bool refused, replayed;
};

struct client {
    struct batch *batch; /* owned */
    bool out;            /* it is at the engine */
    int64_t next_ns;     /* not before */
    uint32_t count;
    uint32_t of[BATCH_REQUESTS_MAX]; /* sent, not all answered */
    bool streams;
    struct stream stream;
};

struct sim_run {
    uint64_t seed;
    uint32_t commands;  /* wanted */
    uint32_t without;   /* bits of faults that are off */
    bool trace;
    /* Drawn. */
    struct prng plan;
    bool has[FAULT_COUNT];
    struct sim_faults faults;
    uint32_t client_count, batch_max, inbox_max, think_us, fat, reads_one_in, audit_rate;
    int64_t seal_after_ns;
    uint64_t crash_most;
    uint32_t judge_every;
    bool pauses; /* clients rest, longer than ids are remembered */

    struct sim sim;
    struct shard *shard;
    struct journal *journal;
    struct engine *engine;
    struct inbox *inbox;
    struct done_queue done;
    bool closed;      /* the inbox is */
    bool calm;        /* nothing fails any more */
    bool stop_clean;  /* this life ends by itself after so many calls */
    uint64_t stop_at, crash_later;
    bool ended;       /* the process is: what it says now, nobody hears */
    uint32_t lives, crashes, answered;
    int64_t clock_right_ns; /* when somebody sets the clock right; 0: it is right */

    uint32_t sent_count;
    struct sent *sent;
    struct client clients[CLIENTS_MAX];

    /* The judge. */
    bool known;       /* the genesis */
    struct genesis genesis;
    uint32_t wakes;
    uint64_t feed_seq; /* last told */
    uint32_t feed_count;
    struct feed {
        uint64_t last_seq, hash;
        uint32_t bytes;
    } feed[DECIDED_MAX];
    struct journal_place place;
    uint64_t judged_seq;
    uint32_t decided_count;
    struct decided decided[DECIDED_MAX];
    uint32_t told_count;
    struct told told[SENT_MAX * 4];
    uint64_t read_seq; /* the last event that a read saw that was answered */
    bool stopped_clean;    /* the last life ended by itself */
    int64_t stamp_us, stamp_ns; /* the last log time handed out in this life, and when; 0 before the first */
    uint64_t digest;   /* of all that happened */
};

static struct sim_run sr;

static void world_says(void)
{
    fprintf(stderr, "  run %" PRIu64 ": life %u, call %" PRIu64 ", %u answered, %u crashes, %u judged up to event %" PRIu64
            ", %.3f s simulated\n  faults:", sr.seed, sr.lives, sr.sim.calls, sr.answered, sr.crashes, sr.decided_count,
            sr.judged_seq, (double)sr.sim.now_ns / 1e9);
    static const char *const words[FAULT_COUNT] = {
#define X(letter, name, words) words,
        FAULT_MAP(X)
#undef X
    };
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        if (sr.has[f])
            fprintf(stderr, " %s,", words[f]);
    fprintf(stderr, "\n");
}

_Noreturn PRINTF_LIKE(1, 2) static void violation(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "not ok - ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    world_says();
    exit(1);
}

PRINTF_LIKE(1, 2) static void trace(const char *format, ...)
{
    if (!sr.trace)
        return;
    va_list arguments;
    printf("%" PRIu64 " %.6f ", sr.sim.calls, (double)sr.sim.now_ns / 1e9);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

static void digest(uint64_t value)
{
    sr.digest = (sr.digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    sr.digest ^= sr.digest >> 29;
}

static uint64_t plan(uint64_t bound)
{
    return prng_below(&sr.plan, bound);
}

static bool plan_one_in(uint64_t n)
{
    return plan(n) == 0;
}

/* Nothing fails and no time passes while the judge looks. */
struct quiet {
    struct sim_faults faults;
    uint64_t crash_in, calls;
    int64_t now_ns;
    struct prng disk, faulty;
    bool dead;
};

static struct quiet quiet_begin(void)
{
    struct quiet quiet = {sr.sim.faults, sr.sim.crash_in, sr.sim.calls, sr.sim.now_ns, sr.sim.disk, sr.sim.faulty,
                          sr.sim.dead};
    sr.sim.faults = (struct sim_faults){0};
    sr.sim.crash_in = 0;
    sr.sim.dead = false;
    return quiet;
}

static void quiet_end(const struct quiet *quiet)
{
    sr.sim.faults = quiet->faults;
    sr.sim.crash_in = quiet->crash_in;
    sr.sim.calls = quiet->calls;
    sr.sim.now_ns = quiet->now_ns;
    sr.sim.disk = quiet->disk;
    sr.sim.faulty = quiet->faulty;
    sr.sim.dead = quiet->dead;
}

/* ---- the judge ---- */

static uint32_t sent_find(const struct decision *d)
{
    model_name source, id;
    struct text name = play_decision_name(NAME_SOURCE, d->source);
    if (name.length >= sizeof(source) || d->id.length >= sizeof(id))
        violation("a decision of nobody");
    memset(source, 0, sizeof(source));
    memset(id, 0, sizeof(id));
    memcpy(source, name.bytes, name.length);
    memcpy(id, d->id.bytes, d->id.length);
    const struct siphash_key key = {sr.genesis.key[0], sr.genesis.key[1]};
    for (uint32_t i = sr.sent_count; i > 0; i--) {
        const struct sent *sent = &sr.sent[i - 1];
        if (strcmp(sent->command.id, id) == 0 && strcmp(sent->command.source, source) == 0 &&
            siphash64(&key, sent->form, sent->bytes) == d->fingerprint)
            return i - 1;
    }
    violation("decided what nobody sent: %s of %s", id, source);
}

static void judge_command(const struct decision *d)
{
    uint32_t number = sent_find(d);
    const struct model_command *c = &sr.sent[number].command;
    if (!model_idle(&run.model, run.now_us))
        violation("something was due before command %s of %s and was not done", c->id, c->source);
    bool refused = d->events[0].type == EVENT_REFUSED;
    run.verdict = (struct verdict){.outcome = OUTCOME_DECIDED, .code = refused ? d->events[0].code : CODE_none};
    run.model.old_is_reversible = true;
    struct model_answer answer = model_command(&run.model, c, run.now_us, false);
    if (answer.outcome == MODEL_DUPLICATE)
        violation("command %s of %s is decided twice: at event %" PRId64 " and at event %" PRIu64, c->id, c->source,
                  answer.seq, d->first_seq);
    play_compare_answer(c, &answer);
    play_evolve();
    if (run.command_number++ % sr.judge_every == 0)
        play_compare_state();
    paths[PATH_REFUSED] += refused;
    if (sr.decided_count == DECIDED_MAX)
        violation("more decisions than there is room for");
    sr.decided[sr.decided_count++] =
        (struct decided){d->first_seq + d->event_count - 1, number, answer.outcome != MODEL_ACCEPTED && refused};
}

static void judge_genesis(void *context, const struct genesis *genesis)
{
    (void)context;
    if (sr.known && memcmp(&sr.genesis, genesis, sizeof(*genesis)) != 0)
        violation("the journal has become another one");
    if (sr.known)
        return;
    sr.known = true;
    sr.genesis = *genesis;
    run.key = (struct siphash_key){genesis->key[0], genesis->key[1]};
    uint64_t ids = run.ids; /* what was sent stays sent */
    uint64_t history_count = run.history_count;
    play_begin();
    run.ids = ids;
    run.history_count = history_count;
}

static void judge_decision(void *context, const struct decision *d)
{
    (void)context;
    run.decision = *d;
    int64_t log_us = ledger_now_us(run.ledger);
    if (d->recorded_at_us < log_us)
        violation("time goes back in the log: %" PRId64 " after %" PRId64, d->recorded_at_us, log_us);
    int64_t now_us = run.now_us;
    run.now_us = d->recorded_at_us;
    digest((uint64_t)d->recorded_at_us ^ d->first_seq ^ (uint64_t)d->kind << 56);
    if (d->kind == KIND_TICK) {
        paths[PATH_TICKED]++;
        play_evolve();
    } else if (text_present(d->id)) {
        judge_command(d);
    } else if (d->kind == KIND_SETTINGS) {
        run.model.now.seq += d->event_count;
        play_evolve();
    } else {
        paths[d->kind == KIND_EXPIRE ? PATH_EXPIRED : PATH_OWN]++;
        play_follow();
    }
    if (d->event_count > 0)
        sr.judged_seq = d->first_seq + d->event_count - 1;
    run.now_us = now_us;
    run.decision.event_count = run.decision.name_count = 0; /* its events are lent */
}

static const struct decided *decided_at(uint64_t last_seq)
{
    uint32_t low = 0;
    for (uint32_t high = sr.decided_count; low < high;) {
        uint32_t middle = (low + high) / 2;
        if (sr.decided[middle].last_seq < last_seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sr.decided_count && sr.decided[low].last_seq == last_seq ? &sr.decided[low] : NULL;
}

/* Each answer is a decision of its command, in what was judged. */
static void judge_told(bool all)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < sr.told_count; i++) {
        const struct told told = sr.told[i];
        const struct sent *sent = &sr.sent[told.sent];
        if (told.last_seq > sr.judged_seq && !all) {
            sr.told[left++] = told;
            continue;
        }
        if (told.last_seq > sr.judged_seq)
            violation("command %s of %s was answered at event %" PRIu64 ", and the journal ends at %" PRIu64, sent->command.id,
                      sent->command.source, told.last_seq, sr.judged_seq);
        const struct decided *decided = decided_at(told.last_seq);
        if (decided == NULL)
            violation("command %s of %s was answered at event %" PRIu64 ", where no decision ends", sent->command.id,
                      sent->command.source, told.last_seq);
        const struct sent *of = &sr.sent[decided->sent];
        if (of->bytes != sent->bytes || memcmp(of->form, sent->form, of->bytes) != 0)
            violation("command %s of %s was answered with the decision of %s of %s", sent->command.id,
                      sent->command.source, of->command.id, of->command.source);
        if (!told.replayed && told.refused != decided->refused)
            violation("command %s of %s was answered otherwise than decided", sent->command.id, sent->command.source);
    }
    sr.told_count = left;
}

/* Catches up with all that is durable. The disk is sound. */
static void judge_all(void)
{
    if (sr.sim.stray_count > 0)
        return; /* what is on the disk is looked at when it was put right */
    struct quiet quiet = quiet_begin();
    const struct journal_replay replay = {.genesis = judge_genesis, .decision = judge_decision};
    enum status status = journal_replay_until(sr.journal, &sr.place, INT64_MAX, journal_durable_seq(sr.journal), &replay, NULL);
    quiet_end(&quiet);
    if (status != STATUS_OK)
        violation("the journal cannot be replayed from where it was: %s", status_text(status));
    judge_told(false);
}

static uint8_t feed_bytes[RECORD_BYTES_MAX];

/* Room for much or for little, as readers have. */
static size_t feed_room(void)
{
    static const size_t rooms[] = {2048, 32768, 65536, sizeof(feed_bytes)};
    return rooms[plan(4)];
}

/* Hands each record to the feed: new ones are noted, old ones compared. */
static void feed_take(const uint8_t *bytes, size_t n, uint32_t *at)
{
    static const struct siphash_key key = {7, 8};
    for (size_t used = 0; used < n;) {
        uint32_t length = get_u32(bytes + used);
        struct reader r = reader_of(bytes + used + 5, length - 5);
        uint64_t events = read_varint(&r);
        uint64_t first_seq = read_varint(&r);
        struct feed feed = {first_seq + events - 1, siphash64(&key, bytes + used, length), length};
        if (*at < sr.feed_count) {
            const struct feed *before = &sr.feed[*at];
            if (before->last_seq != feed.last_seq || before->hash != feed.hash || before->bytes != feed.bytes)
                violation("the feed has changed: what ends at event %" PRIu64 " ended at %" PRIu64 " before, or says another thing",
                          feed.last_seq, before->last_seq);
        } else {
            if (sr.feed_count == DECIDED_MAX)
                violation("more decisions than there is room for");
            if (first_seq != sr.feed_seq + 1)
                violation("the feed leaps from event %" PRIu64 " to %" PRIu64, sr.feed_seq, first_seq);
            sr.feed[sr.feed_count++] = feed;
            sr.feed_seq = feed.last_seq;
            digest(feed.hash);
        }
        ++*at;
        used += length;
    }
}

/* Reads on in the feed, as a subscriber does. */
static void feed_read(void)
{
    uint64_t durable = journal_durable_seq(sr.journal);
    while (sr.feed_seq < durable) {
        size_t n = 0;
        bool memory_only = plan_one_in(2);
        enum status status = journal_read(sr.journal, sr.feed_seq + 1, TAIL_UNKNOWN, memory_only, feed_bytes, feed_room(), &n);
        if (status == STATUS_FULL)
            continue;
        if (status == STATUS_AGAIN && memory_only) {
            paths[PATH_FEED_FROM_DISK]++;
            status = journal_read(sr.journal, sr.feed_seq + 1, TAIL_UNKNOWN, false, feed_bytes, sizeof(feed_bytes), &n);
        }
        if (status != STATUS_OK) {
            if (status != STATUS_IO && !(status == STATUS_DAMAGED && sr.sim.stray_count > 0))
                violation("the feed cannot be read from event %" PRIu64 ": %s", sr.feed_seq + 1, status_text(status));
            paths[PATH_FEED_FAILED]++;
            return;
        }
        uint32_t at = sr.feed_count;
        feed_take(feed_bytes, n, &at);
        if (sr.feed_seq > durable && sr.feed_seq > journal_durable_seq(sr.journal))
            violation("the feed tells what is not durable: event %" PRIu64, sr.feed_seq);
    }
}

/* After a start: all that was told is there, byte for byte. False when a read failed. */
static bool feed_compare(void)
{
    uint32_t at = 0;
    uint64_t seq = 1;
    uint64_t told = sr.feed_seq;
    while (seq <= told) {
        size_t n = 0;
        enum status status = journal_read(sr.journal, seq, TAIL_UNKNOWN, false, feed_bytes, feed_room(), &n);
        if (status == STATUS_FULL)
            continue;
        if (status == STATUS_IO && (sr.sim.dead || sr.sim.faults.read != 0 || sr.sim.faults.open != 0)) {
            paths[PATH_FEED_FAILED]++;
            return false;
        }
        if (status == STATUS_END)
            violation("the feed was told up to event %" PRIu64 ", and ends at %" PRIu64 " after the start", told, seq - 1);
        if (status != STATUS_OK)
            violation("the feed cannot be read from event %" PRIu64 " after the start: %s", seq, status_text(status));
        feed_take(feed_bytes, n, &at);
        seq = sr.feed[at - 1].last_seq + 1;
    }
    return true;
}

static void feed_compare_all(void)
{
    struct quiet quiet = quiet_begin();
    if (!feed_compare())
        violation("the feed cannot be read after the start");
    quiet_end(&quiet);
}

static void compare_live(const char *when)
{
    judge_all();
    if (sr.sim.stray_count > 0)
        return;
    const struct ledger *ledger = shard_ledger(sr.shard);
    if (ledger_last_seq(ledger) != sr.judged_seq)
        violation("%s the engine is at event %" PRIu64 ", its journal at %" PRIu64, when, ledger_last_seq(ledger), sr.judged_seq);
    if (ledger_state_hash(ledger) != ledger_state_hash(run.ledger))
        violation("%s the engine's state is not that of its journal", when);
    paths[PATH_STATE_COMPARED]++;
}

/* ---- clients ---- */

static void note_seen(const struct ledger *ledger, struct request *request)
{
    *(uint64_t *)request->detail = ledger_last_seq(ledger);
}

/* The record is where the answer says, while it is in memory. */
static void judge_offset(const struct answer *answer)
{
    size_t n = 0;
    if (answer->offset == TAIL_UNKNOWN || answer->last_seq > journal_durable_seq(sr.journal))
        return;
    enum status status = journal_read(sr.journal, answer->last_seq, answer->offset, true, feed_bytes, sizeof(feed_bytes), &n);
    if (status == STATUS_AGAIN)
        return;
    if (status != STATUS_OK)
        violation("the record of event %" PRIu64 " is not where the answer says: %s", answer->last_seq, status_text(status));
    struct reader r = reader_of(feed_bytes + 5, get_u32(feed_bytes) - 5);
    uint64_t events = read_varint(&r);
    uint64_t first_seq = read_varint(&r);
    if (first_seq + events - 1 != answer->last_seq)
        violation("where the answer says is not the record of event %" PRIu64 ", but that of %" PRIu64, answer->last_seq, first_seq);
}

static void take_answer(struct client *client, struct request *request)
{
    const struct answer *answer = &request->answer;
    uint64_t durable = journal_durable_seq(sr.journal);
    bool claims = answer->status == ANSWER_ACCEPTED || answer->status == ANSWER_REFUSED;
    digest((uint64_t)answer->status ^ answer->last_seq << 8);
    if (sr.sim.failed && (claims || answer->status == ANSWER_READ))
        violation("answered after a failed flush");
    if (request->command == NULL) {
        uint64_t seen = *(uint64_t *)request->detail;
        free(request->detail);
        if (answer->status != ANSWER_READ)
            return;
        if (seen > durable)
            violation("a read was answered that saw event %" PRIu64 ", and %" PRIu64 " is durable", seen, durable);
        sr.read_seq = seen > sr.read_seq ? seen : sr.read_seq;
        return;
    }
    uint32_t number = client->of[request->number];
    struct sent *sent = &sr.sent[number];
    trace("answer of %s of %s: %d at %" PRIu64, sent->command.id, sent->command.source, (int)answer->status, answer->last_seq);
    switch (answer->status) {
    case ANSWER_ACCEPTED:
    case ANSWER_REFUSED:
        judge_offset(answer);
        if (answer->last_seq > durable)
            violation("command %s of %s was answered at event %" PRIu64 ", and %" PRIu64 " is durable", sent->command.id,
                      sent->command.source, answer->last_seq, durable);
        if (sr.told_count == sizeof(sr.told) / sizeof(sr.told[0]))
            violation("more answers than there is room for");
        sr.told[sr.told_count++] =
            (struct told){number, answer->last_seq, answer->status == ANSWER_REFUSED, answer->replayed};
        paths[PATH_REPEATED] += answer->replayed;
        paths[PATH_UNKNOWN_THERE] += answer->replayed && sent->unknown;
        paths[PATH_UNKNOWN_GONE] += !answer->replayed && sent->unknown;
        sr.answered += !sent->answered;
        sent->answered = true;
        break;
    case ANSWER_INVALID:
        sr.answered += !sent->answered;
        sent->answered = true;
        break;
    case ANSWER_RETRY:
        paths[PATH_CLOCK_SHED] += sr.clock_right_ns != 0;
        paths[PATH_FULL_SHED] += answer->code == CODE_disk_full;
        break;
    case ANSWER_UNKNOWN:
        if (!sr.sim.failed && !engine_failed(sr.engine))
            violation("answered unknown, and nothing failed");
        sent->unknown = true;
        break;
    case ANSWER_PENDING:
    case ANSWER_READ:
    case ANSWER_UNREAD:
    default:
        violation("an answer of no kind: %d", (int)answer->status);
    }
}

static void came_back(void *argument)
{
    (void)argument;
    for (struct batch *batch = done_queue_take(&sr.done), *next; batch != NULL; batch = next) {
        next = batch->next;
        struct client *client = NULL;
        for (unsigned i = 0; i < sr.client_count; i++)
            if (sr.clients[i].batch == batch)
                client = &sr.clients[i];
        if (client == NULL || !client->out)
            violation("a batch came back that was not out");
        client->out = false;
        bool heard = !sr.sim.dead && !sr.ended;
        for (uint32_t i = 0; i < batch->count; i++) {
            struct request *request = &batch->requests[i];
            reading_destroy(request->reading);
            if (heard)
                take_answer(client, request);
            else if (request->command == NULL)
                free(request->detail);
            else if (!sr.sent[client->of[request->number]].answered)
                sr.sent[client->of[request->number]].unknown = true;
        }
        /* What was not answered stays for the next time. */
        uint32_t left = 0;
        bool shed = heard && batch->count > 0 && batch->requests[0].answer.status == ANSWER_RETRY;
        for (uint32_t i = 0; i < client->count; i++)
            if (!sr.sent[client->of[i]].answered)
                client->of[left++] = client->of[i];
        client->count = left;
        client->next_ns = sr.sim.now_ns + (int64_t)plan(sr.think_us + 1) * 1000 + (shed ? 500000000 : 0);
        if (sr.pauses && plan_one_in(20))
            client->next_ns += (int64_t)plan(2000) * 1000000000;
    }
}

/* The same text of the same id, whenever it is sent. */
static struct text fat_text(const struct model_command *c)
{
    static char bytes[META_BYTES_MAX];
    if (sr.fat == 0)
        return TEXT_NONE;
    uint64_t h = (uint64_t)atoi(c->id) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 31;
    struct prng letters = prng_of(h); /* no two sectors are the same */
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + prng_below(&letters, 26));
    return h % 4 == 0 ? TEXT_NONE : text_of(bytes, 1 + (size_t)(h >> 8) % sr.fat);
}

static uint32_t send_new(void)
{
    if (sr.sent_count == SENT_MAX)
        violation("more commands than there is room for");
    struct sent *sent = &sr.sent[sr.sent_count];
    *sent = (struct sent){.answered = false};
    run.now_us = sr.sim.now_ns / 1000 + sr.sim.wall_offset_us;
    play_command(&sent->command);
    sent->command.dry_run = 0;
    play_remember(&sent->command);
    struct command command = play_adapt(&sent->command);
    command.meta = fat_text(&sent->command);
    static uint8_t form[COMMAND_BYTES_MAX];
    sent->bytes = (uint32_t)command_encode(&command, form, sizeof(form));
    if (sent->bytes == 0)
        violation("a command has no form");
    sent->form = malloc(sent->bytes);
    if (sent->form == NULL)
        exit(2);
    memcpy(sent->form, form, sent->bytes);
    return sr.sent_count++;
}

static void client_send(struct client *client)
{
    bool wants = sr.sent_count < sr.commands;
    bool looks = sr.reads_one_in != 0 && plan_one_in(sr.reads_one_in);
    bool only_looks = client->count == 0 && looks && plan_one_in(2);
    if (client->count == 0 && !only_looks) {
        uint32_t count = 1 + (uint32_t)plan(plan_one_in(4) ? sr.batch_max : 2);
        while (wants && client->count < count) {
            client->of[client->count++] = send_new();
            wants = sr.sent_count < sr.commands;
        }
    }
    if (client->count == 0 && !(only_looks && wants))
        return;
    struct batch *batch = client->batch;
    batch->done = &sr.done;
    batch->count = 0;
    client->stream = (struct stream){.shed = false};
    for (uint32_t i = 0; i < client->count; i++) {
        const struct sent *sent = &sr.sent[client->of[i]];
        batch->requests[batch->count++] = (struct request){.command = sent->form,
                                                           .command_bytes = sent->bytes,
                                                           .stream = client->streams ? &client->stream : NULL,
                                                           .number = i};
    }
    if (batch->count < BATCH_REQUESTS_MAX && looks) {
        uint64_t *seen = calloc(1, sizeof(*seen));
        if (seen == NULL)
            exit(2);
        batch->requests[batch->count++] = (struct request){.read = note_seen, .detail = seen};
    }
    client->out = true;
    if (inbox_submit(sr.inbox, batch))
        return;
    client->out = false;
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->requests[i].command == NULL)
            free(batch->requests[i].detail);
    paths[PATH_INBOX_FULL]++;
    client->next_ns = sr.sim.now_ns + 1000000;
}

static bool all_answered(void)
{
    for (unsigned i = 0; i < sr.client_count; i++)
        if (sr.clients[i].out || sr.clients[i].count > 0)
            return false;
    return true;
}

static void clocks_jump(void)
{
    if (sr.clock_right_ns != 0 && sr.sim.now_ns >= sr.clock_right_ns) {
        sr.clock_right_ns = 0;
        int64_t wall_us = sr.sim.now_ns / 1000 + sr.sim.wall_offset_us;
        int64_t log_us = ledger_now_us(shard_ledger(sr.shard));
        if (wall_us > log_us) /* set right: to where the log stands */
            sr.sim.wall_offset_us -= wall_us - log_us;
    }
    if (!sr.has[FAULT_CLOCKS] || sr.calm || !plan_one_in(400))
        return;
    static const int64_t jumps_s[] = {-7200, -60, -1, 1, 30, 59, 61, 3700, 86400 * 2, 86400 * 40};
    int64_t jump_s = jumps_s[plan(sizeof(jumps_s) / sizeof(jumps_s[0]))];
    if (plan_one_in(4)) {
        sr.sim.now_ns += (int64_t)plan(600) * 1000000000; /* the machine slept */
        return;
    }
    sr.sim.wall_offset_us += jump_s * SECOND_US;
    paths[PATH_CLOCK_BACK] += jump_s < 0;
    if (jump_s > 60)
        sr.clock_right_ns = sr.sim.now_ns + (int64_t)plan(20) * 1000000000 + 1;
}

static void inbox_end(void)
{
    if (!sr.closed)
        inbox_close(sr.inbox);
    sr.closed = true;
}

/* Log time does not go back, nor ahead of what has passed by more than a step. */
static void judge_stamp(int64_t stamp_us)
{
    int64_t passed_us = (sr.sim.now_ns - sr.stamp_ns) / 1000 + 1;
    if (sr.stamp_us != 0 && stamp_us < sr.stamp_us)
        violation("the log's time goes back by %" PRId64 " us", sr.stamp_us - stamp_us);
    if (stamp_us < ledger_now_us(shard_ledger(sr.shard)))
        violation("the log's time begins before the last entry of the log");
    if (sr.stamp_us != 0 && stamp_us - sr.stamp_us > passed_us + CLOCK_STEP_US)
        violation("the log's time leaps by %" PRId64 " s", (stamp_us - sr.stamp_us) / SECOND_US);
    if (stamp_us == sr.stamp_us)
        return; /* the clock was set back: the time stands */
    sr.stamp_us = stamp_us;
    sr.stamp_ns = sr.sim.now_ns;
}

/* They send what they have, when they want to; time passes until then. */
static enum status clients_turn(int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
{
    const struct sequencer sequencer = inbox_sequencer(sr.inbox);
    if (sr.sim.faults.capacity_bytes != 0 && plan_one_in(100))
        sr.sim.faults.capacity_bytes += 1 + plan(1 << 20); /* somebody has made room */
    if (wait_ns > 0) {
        if (plan_one_in(64))
            compare_live("idle,");
        /* Now and then it sleeps on, until somebody wants something. */
        int64_t until_ns = plan_one_in(32) ? INT64_MAX : sr.sim.now_ns + wait_ns;
        for (unsigned i = 0; i < sr.client_count; i++)
            if (!sr.clients[i].out && (sr.clients[i].count > 0 || sr.sent_count < sr.commands) &&
                sr.clients[i].next_ns < until_ns)
                until_ns = sr.clients[i].next_ns;
        if (until_ns > sr.sim.now_ns)
            sr.sim.now_ns = until_ns == INT64_MAX ? sr.sim.now_ns + wait_ns : until_ns;
    }
    for (unsigned i = 0; i < sr.client_count; i++)
        if (!sr.clients[i].out && sr.clients[i].next_ns <= sr.sim.now_ns)
            client_send(&sr.clients[i]);
    return sequencer.next(sequencer.context, 0, out_batch, out_stamp_us);
}

/* What the engine's thread asks for more: the clients' turn, and the time's. */
static enum status next(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
{
    (void)context;
    const struct sequencer sequencer = inbox_sequencer(sr.inbox);
    *out_batch = NULL;
    bool over = sr.sim.dead || engine_failed(sr.engine);
    bool done = sr.sent_count >= sr.commands && all_answered();
    if (over || (sr.stop_clean && sr.sim.calls >= sr.stop_at) || done)
        inbox_end();
    if (sr.closed)
        return sequencer.next(sequencer.context, 0, out_batch, out_stamp_us);
    sr.sim.now_ns += 1000 + (int64_t)plan(20000);
    clocks_jump();
    enum status status = clients_turn(wait_ns, out_batch, out_stamp_us);
    if (status == STATUS_OK)
        judge_stamp(*out_stamp_us);
    return status;
}

static void woken(void *argument)
{
    (void)argument;
    if (sr.sim.dead)
        return;
    feed_read();
    if (++sr.wakes % 8 == 0 && !sr.sim.dead)
        judge_all();
}

static void on_failed(void *argument, enum status status)
{
    (void)argument;
    trace("the engine failed: %s", status_text(status));
}

static void on_audit_failed(void *argument, const char *problem)
{
    (void)argument;
    violation("the audit: %s", problem);
}

/* ---- rot ---- */

struct last_frame {
    char name[64];
    uint64_t begin, end; /* in the file; where the sound frames end */
    uint64_t first_seq, last_seq;
};

static bool is_segment(const char *name)
{
    uint64_t first_seq;
    return strlen(name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(name, &first_seq);
}

/* The last sound frame of the journal, found without its code for recovery. False when there is none. */
static bool last_frame_find(struct last_frame *out)
{
    const char *name, *last = NULL;
    for (unsigned n = 0; (name = sim_file_name(&sr.sim, n)) != NULL; n++)
        if (is_segment(name))
            last = name;
    if (last == NULL)
        return false;
    static uint8_t header[SEGMENT_HEADER_BYTES];
    struct segment segment;
    sim_peek(&sr.sim, last, 0, header, sizeof(header));
    if (segment_parse(header, &segment) != SEGMENT_OK)
        return false;
    *out = (struct last_frame){.begin = SEGMENT_HEADER_BYTES, .end = SEGMENT_HEADER_BYTES,
                               .first_seq = segment.first_seq, .last_seq = segment.first_seq - 1};
    (void)snprintf(out->name, sizeof(out->name), "%s", last);
    uint64_t ordinal = segment.first_ordinal;
    uint64_t size = sim_file_bytes(&sr.sim, last);
    static uint8_t bytes[FRAME_BYTES_MAX];
    for (struct frame frame; out->end + FRAME_STEP_BYTES <= size; ordinal++) {
        sim_peek(&sr.sim, last, out->end, bytes, FRAME_STEP_BYTES);
        if (frame_parse(bytes, segment.ledger_id, &frame) != FRAME_OK || frame.ordinal != ordinal ||
            out->end + frame.frame_bytes > size)
            break;
        sim_peek(&sr.sim, last, out->end, bytes, frame.frame_bytes);
        if (!frame_payload_sound(&frame, bytes))
            break;
        out->begin = out->end;
        out->end += frame.frame_bytes;
        out->first_seq = frame.first_seq;
        out->last_seq = frame.last_seq;
    }
    return true;
}

static enum status verify(struct journal_report *report)
{
    const struct journal_replay replay = {.context = NULL};
    return journal_verify(&sr.sim.env, "data", &replay, report);
}

static struct shard_options shard_options(void)
{
    return (struct shard_options){
        .journal = {.env = &sr.sim.env,
                    .path = "data",
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)32 << 20,
                    .fill_on_writer = true},
        .limits = play_limits,
        .id_window_ms = WINDOW_US / 1000,
        .id_capacity = 4096,
        .clock_start_max_us = CLOCK_START_US,
    };
}

/* A start on what is damaged is refused, and modifies nothing. */
static void refused_start(void)
{
    struct shard_options options = shard_options();
    struct shard *shard = NULL;
    struct journal_report report;
    uint64_t before = sim_hash(&sr.sim);
    enum status status = shard_open(&options, &shard, &report);
    if (status != STATUS_DAMAGED)
        violation("a start on a damaged journal: %s: %s", status_text(status), report.problem);
    if (report.problem[0] == 0)
        violation("a start on a damaged journal says nothing");
    if (sim_hash(&sr.sim) != before)
        violation("a refused start modified the data directory");
    paths[PATH_ROT_WRITABLE]++;
}

/* Harm is done to some place at rest, looked at, and taken back. */
static void rot_probe(void)
{
    struct last_frame last;
    struct journal_report report;
    if (!last_frame_find(&last))
        return;
    struct quiet quiet = quiet_begin();
    enum status status = verify(&report);
    if (status != STATUS_OK)
        violation("a sound journal is refused: %s", report.problem);
    uint64_t last_seq = report.last_seq;
    if (last.last_seq < last_seq)
        violation("recovery finds event %" PRIu64 ", the last sound frame has %" PRIu64, last_seq, last.last_seq);
    const char *name = last.name, *other;
    for (unsigned n = 0; (other = sim_file_name(&sr.sim, n)) != NULL; n++)
        if (plan_one_in(3) && is_segment(other))
            name = other;
    bool in_last = strcmp(name, last.name) == 0;
    uint64_t size = sim_file_bytes(&sr.sim, name);
    uint64_t used = in_last ? last.end : size;
    uint64_t at = plan(plan_one_in(8) ? size : plan_one_in(4) ? SEGMENT_HEADER_BYTES : used);
    if (in_last && plan_one_in(4))
        at = last.begin + plan(last.end - last.begin + 1);
    uint64_t sector = at / SIM_SECTOR_BYTES * SIM_SECTOR_BYTES;
    uint8_t before[SIM_SECTOR_BYTES], after[SIM_SECTOR_BYTES];
    sim_peek(&sr.sim, name, sector, before, sizeof(before));
    memcpy(after, before, sizeof(after));
    switch (plan(5)) {
    case 0:
        memset(after, 0, sizeof(after));
        break;
    case 1:
        for (unsigned i = 0; i < sizeof(after); i++)
            after[i] = (uint8_t)prng_next(&sr.plan);
        break;
    case 2: /* what lies elsewhere in the file */
        sim_peek(&sr.sim, name, plan(used / SIM_SECTOR_BYTES) * SIM_SECTOR_BYTES, after, sizeof(after));
        break;
    default:
        after[at - sector] ^= (uint8_t)(1u << plan(8));
    }
    if (memcmp(before, after, sizeof(after)) != 0 && sector < size) {
        sim_poke(&sr.sim, name, sector, after, sizeof(after));
        status = verify(&report);
        /* Of a segment that is not the last, what is behind its last frame counts for nothing. */
        static const uint8_t zeros[SIM_SECTOR_BYTES];
        bool behind = (in_last && sector >= last.end) || (!in_last && memcmp(before, zeros, sizeof(zeros)) == 0);
        bool unvouched = in_last && sector >= last.begin && sector < last.end;
        if (behind && status == STATUS_OK && report.last_seq == last_seq) {
            paths[PATH_ROT_OUTSIDE]++;
        } else if (unvouched && status == STATUS_OK && report.last_seq == last.first_seq - 1) {
            if (report.cut_bytes == 0 && memcmp(after, zeros, sizeof(zeros)) != 0)
                violation("rot of the last frame is cut and not reported");
            paths[PATH_ROT_CUT]++;
        } else if (status == STATUS_DAMAGED && (!behind || !in_last)) {
            if (report.problem[0] == 0)
                violation("damage is refused without a word");
            paths[PATH_ROT_REFUSED]++;
            if (plan_one_in(4))
                refused_start();
        } else {
            violation("rot in %s at %" PRIu64 " (last frame %" PRIu64 " to %" PRIu64 " of %s): %s, ends at event %" PRIu64
                      " of %" PRIu64 ", %s", name, sector, last.begin, last.end, last.name, status_text(status),
                      report.last_seq, last_seq, report.problem);
        }
        sim_poke(&sr.sim, name, sector, before, sizeof(before));
    }
    quiet_end(&quiet);
}

/* From the disk, by one way or the other. */
static enum status reader_read(uint64_t seq, size_t *out_bytes)
{
    for (;;) {
        size_t room = feed_room();
        enum status status = plan_one_in(2) ? journal_read_back(sr.journal, seq, seq, feed_bytes, room, out_bytes)
                                            : journal_read(sr.journal, seq, TAIL_UNKNOWN, false, feed_bytes, room, out_bytes);
        if (status != STATUS_FULL)
            return status;
    }
}

/* What rots while the server runs is read as damaged, or as it was: never as something else. */
static void rot_live(void)
{
    struct last_frame last;
    if (sr.feed_seq == 0 || sr.sim.stray_count > 0 || !last_frame_find(&last))
        return;
    struct quiet quiet = quiet_begin();
    uint64_t sector = plan(last.end / SIM_SECTOR_BYTES) * SIM_SECTOR_BYTES;
    uint8_t before[SIM_SECTOR_BYTES], after[SIM_SECTOR_BYTES];
    sim_peek(&sr.sim, last.name, sector, before, sizeof(before));
    memcpy(after, before, sizeof(after));
    after[plan(sizeof(after))] ^= (uint8_t)(1u << plan(8));
    sim_poke(&sr.sim, last.name, sector, after, sizeof(after));
    static const struct siphash_key key = {7, 8};
    for (uint32_t i = 0; i < sr.feed_count; i++) {
        size_t n = 0;
        uint64_t seq = sr.feed[i].last_seq;
        enum status status = reader_read(seq, &n);
        if (status == STATUS_OK && (n < sr.feed[i].bytes || siphash64(&key, feed_bytes, sr.feed[i].bytes) != sr.feed[i].hash))
            violation("rot in %s at %" PRIu64 " is read as event %" PRIu64, last.name, sector, seq);
        paths[PATH_ROT_READ] += status == STATUS_DAMAGED;
        i += (uint32_t)plan(1 + sr.feed_count / 16);
    }
    sim_poke(&sr.sim, last.name, sector, before, sizeof(before));
    quiet_end(&quiet);
}

/* Writes went astray in the last life: this is found out, or took back only what nothing vouches for. */
static void strays_judge(void)
{
    if (sr.sim.stray_count == 0)
        return;
    struct journal_report report;
    struct quiet quiet = quiet_begin();
    enum status status = verify(&report);
    uint64_t least = sr.feed_seq > sr.read_seq ? sr.feed_seq : sr.read_seq;
    /* The last frame of all may be among them. */
    uint64_t last_seq = 0;
    for (uint32_t i = 0; i < sr.sim.stray_count; i++) {
        struct frame frame;
        if (sr.sim.strays[i].n >= FRAME_HEADER_BYTES &&
            frame_parse(sr.sim.strays[i].bytes, sr.genesis.ledger_id, &frame) == FRAME_OK && frame.first_seq > last_seq)
            last_seq = frame.first_seq;
    }
    if (status == STATUS_DAMAGED) {
        paths[PATH_STRAY_REFUSED]++;
        if (plan_one_in(2))
            refused_start();
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        violation("after a write that went astray: %s: %s", status_text(status), report.problem);
    } else if (report.last_seq >= least) {
        paths[PATH_STRAY_HARMLESS]++;
    } else if (report.last_seq + 1 == last_seq) {
        paths[PATH_STRAY_CUT]++; /* nothing behind it vouches for it */
    } else {
        violation("a write went astray, and the journal ends silently at event %" PRIu64 ", %" PRIu64 " was told",
                  report.last_seq, least);
    }
    quiet_end(&quiet);
    for (uint32_t i = 0; i < sr.sim.stray_count; i++) {
        const struct sim_stray *stray = &sr.sim.strays[i];
        const char *right = sim_name_of(&sr.sim, stray->right), *wrong = sim_name_of(&sr.sim, stray->wrong);
        trace("%zu bytes went to %s at %" PRIu64 " instead of %s at %" PRIu64 ": %s", stray->n, wrong == NULL ? "?" : wrong,
              stray->wrong_offset, right == NULL ? "?" : right, stray->right_offset, status_text(status));
    }
    sim_heal(&sr.sim);
}

/* ---- lives ---- */

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
    if (sr.batch_max > 100)
        sr.fat = META_BYTES_MAX; /* groups so long that they are written beside the next */
    sim_begin(&sr.sim, sr.seed);
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
                                         .sequencer = {NULL, next},
                                         .seal_after_ns = sr.seal_after_ns,
                                         .audit_rate = sr.audit_rate,
                                         .audit_pass_ns = 1000000000,
                                         .listener_count = 1,
                                         .failed = on_failed,
                                         .audit_failed = on_audit_failed};
        options.listeners[0].wake = woken;
        sr.engine = engine_create(&options);
        if (sr.inbox == NULL || sr.engine == NULL)
            exit(2);
        engine_run(sr.engine);
        if (engine_failed(sr.engine) && !sr.sim.dead && strikes_count() == strikes_before)
            violation("the server ended, and nothing failed: %s", journal_failure(sr.journal));
        if (engine_failed(sr.engine) && !sr.sim.dead)
            paths[PATH_FAILED_LIFE]++;
        else if (!sr.sim.dead)
            feed_read();
    }
    bool dead = sr.sim.dead;
    bool failed = status != STATUS_OK || engine_failed(sr.engine);
    paths[PATH_ROLLED] += journal_counters(sr.journal).segments > segments;
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

/* One run, from an empty world to where all is answered. Returns its digest. */
static uint64_t run_seed(uint64_t seed, uint32_t commands, uint32_t without, bool traced)
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

/* ---- many ---- */

/* Of all processes, in memory that they share. */
struct tally {
    _Atomic uint64_t next, runs, answered, crashes, lives, simulated_s, repeated;
    _Atomic uint64_t marks[SIM_MARK_COUNT], paths[PATH_COUNT];
    uint64_t seed_of[JOBS_MAX]; /* that the process is at */
};

struct wish {
    uint64_t first, seeds, jobs;
    uint32_t commands, without;
    bool one, traced;
    bool find; /* the first that fails is all that is asked for: nothing is shrunk, nor need all be met */
};

static void run_counted(const struct wish *wish, uint64_t seed, struct tally *tally)
{
    uint64_t result = run_seed(seed, wish->commands, wish->without, wish->traced);
    tally->runs++;
    tally->answered += sr.answered;
    tally->crashes += sr.crashes - CRASHES_LEAST;
    tally->lives += sr.lives;
    tally->simulated_s += (uint64_t)(sr.sim.now_ns / 1000000000);
    if (wish->traced || seed % TWICE_ONE_IN != 0)
        return;
    if (run_seed(seed, wish->commands, wish->without, false) != result)
        violation("the same seed gives another result");
    tally->repeated++;
}

/* A process's part: the next seed that nobody has, until there is none. */
static void work(const struct wish *wish, unsigned job, struct tally *tally)
{
    static char said[8192]; /* whatever it says comes in one piece */
    (void)setvbuf(stderr, said, _IOFBF, sizeof(said));
    pid_t parent = getppid();
    for (uint64_t n; (n = tally->next++) < wish->seeds;) {
        if (getppid() != parent)
            exit(2); /* nobody waits any more */
        tally->seed_of[job] = wish->first + n;
        run_counted(wish, wish->first + n, tally);
    }
    for (unsigned m = 0; m < SIM_MARK_COUNT; m++)
        tally->marks[m] += sim_marks[m];
    for (unsigned p = 0; p < PATH_COUNT; p++)
        tally->paths[p] += paths[p];
}

/* Does the run fail, in a process of its own that says nothing? */
static bool fails(uint64_t seed, uint32_t commands, uint32_t without)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL || freopen("/dev/null", "w", stdout) == NULL)
            _exit(2);
        (void)alarm(SHRINK_S);
        uint64_t result = run_seed(seed, commands, without, false);
        _exit(run_seed(seed, commands, without, false) == result ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

/* Takes away what is not needed for it to fail: kinds of faults, then commands. */
static void shrink(uint64_t seed, uint32_t commands, uint32_t without)
{
    if (!fails(seed, commands, without)) {
        fprintf(stderr, "  alone it does not fail: what it fails by is not in the seed\n");
        return;
    }
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        if (fails(seed, commands, without | 1u << f))
            without |= 1u << f;
    for (uint32_t step = commands / 2; step > 0; step /= 2)
        while (commands > step && fails(seed, commands - step, without))
            commands -= step;
    char letters[FAULT_COUNT + 1] = "";
    for (unsigned f = 0, n = 0; f < FAULT_COUNT; f++)
        if (without >> f & 1)
            letters[n++] = fault_letters[f];
    fprintf(stderr, "  shrunk; to repeat it: test_sim --seed %" PRIu64 " --commands %u%s%s\n", seed, commands,
            without != 0 ? " --without " : "", letters);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(SHRINK_S);
        (void)run_seed(seed, commands, without, false);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0); /* which says it once more, shrunk */
}

static int run_many(const struct wish *wish, struct tally *tally)
{
    pid_t children[JOBS_MAX];
    for (unsigned j = 0; j < wish->jobs; j++) {
        children[j] = fork();
        if (children[j] == 0) {
            work(wish, j, tally);
            exit(0);
        }
        if (children[j] < 0)
            exit(2);
    }
    uint64_t failed = 0;
    bool good = true;
    for (unsigned left = (unsigned)wish->jobs; left > 0; left--) {
        int status = 0;
        pid_t child = wait(&status);
        for (unsigned j = 0; j < wish->jobs; j++)
            if (children[j] == child && status != 0 && good) {
                good = false;
                failed = tally->seed_of[j];
                tally->next = wish->seeds; /* the others end with what they are at */
            }
    }
    if (!good) {
        fprintf(stderr, "  seed %" PRIu64 " fails: test_sim --seed %" PRIu64 " --commands %u\n", failed, failed,
                wish->commands);
        if (!wish->find)
            shrink(failed, wish->commands, wish->without);
    }
    return good ? 0 : 1;
}

static bool report(const struct wish *wish, const struct tally *tally, double s)
{
    bool good = true;
    unsigned met = 0;
    printf("# met, in all runs:\n");
    for (unsigned m = 0; m < SIM_MARK_COUNT; m++) {
        printf("# %-40s%12" PRIu64 "\n", sim_mark_words[m], tally->marks[m]);
        met += tally->marks[m] > 0;
    }
    for (unsigned p = 0; p < PATH_COUNT; p++) {
        printf("# %-40s%12" PRIu64 "\n", path_words[p], tally->paths[p]);
        met += tally->paths[p] > 0;
    }
    printf("# %u of %u marks met\n", met, SIM_MARK_COUNT + PATH_COUNT);
    if (!wish->find && wish->seeds >= SEEDS_FOR_MARKS && met + MARKS_MISSED < SIM_MARK_COUNT + PATH_COUNT) {
        printf("# not all was met: the simulation does not test what it says\n");
        good = false;
    }
    printf("# %" PRIu64 " runs (%" PRIu64 " of them twice, with the same result), %" PRIu64 " lives, %" PRIu64 " crashes, %" PRIu64
           " commands answered\n", tally->runs, tally->repeated, tally->lives, tally->crashes, tally->answered);
    printf("# %.1f days simulated in %.1f s: %.0f x real time; %.1f runs/s\n", (double)tally->simulated_s / 86400, s,
           (double)tally->simulated_s / s, (double)tally->runs / s);
    return good;
}

static uint64_t number_of(const char *argument)
{
    char *end;
    uint64_t value = strtoull(argument, &end, 10);
    if (*argument == '\0' || *end != '\0') {
        fprintf(stderr, "not a number: %s\n", argument);
        exit(2);
    }
    return value;
}

static void read_arguments(int argc, char **argv, struct wish *wish)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            wish->traced = true;
            continue;
        }
        if (strcmp(argv[i], "--find") == 0) {
            wish->find = true;
            continue;
        }
        if (i + 1 == argc) {
            fprintf(stderr, "usage: test_sim [--seeds N] [--first S] [--jobs J] [--commands N]\n"
                            "       test_sim --seed S [--commands N] [--without LETTERS] [--trace]\n");
            exit(2);
        }
        const char *value = argv[++i];
        if (strcmp(argv[i - 1], "--without") == 0) {
            for (unsigned f = 0; f < FAULT_COUNT; f++)
                wish->without |= strchr(value, fault_letters[f]) != NULL ? 1u << f : 0;
            continue;
        }
        uint64_t number = number_of(value);
        if (strcmp(argv[i - 1], "--seeds") == 0)
            wish->seeds = number;
        else if (strcmp(argv[i - 1], "--first") == 0)
            wish->first = number;
        else if (strcmp(argv[i - 1], "--jobs") == 0 && number >= 1 && number <= JOBS_MAX)
            wish->jobs = number;
        else if (strcmp(argv[i - 1], "--commands") == 0 && number <= 1200)
            wish->commands = (uint32_t)number;
        else if (strcmp(argv[i - 1], "--seed") == 0) {
            wish->first = number;
            wish->seeds = 1;
            wish->one = true;
        } else {
            fprintf(stderr, "no such option or value: %s %s\n", argv[i - 1], value);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct wish wish = {.first = 1, .seeds = 100, .jobs = 1, .commands = 1000};
    read_arguments(argc, argv, &wish);
    /* Large pieces are had from the system each time: it gives zeros without touching them. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return 2;
    printf("1..1\n# seeds %" PRIu64 " to %" PRIu64 ", %u commands each\n", wish.first, wish.first + wish.seeds - 1,
           wish.commands);
    (void)fflush(stdout);
    struct timespec begin, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    int code = 0;
    if (wish.one)
        work(&wish, 0, tally);
    else
        code = run_many(&wish, tally);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    if (code == 0 && !report(&wish, tally, s))
        code = 1;
    printf("%s 1 - nothing acknowledged is lost, doubled, oversold or changed\n", code == 0 ? "ok" : "not ok");
    return code;
}
