#include "engine/verifier.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "journal/frame.h"
#include "journal/segment.h"

#define WAIT_NS (INT64_C(5) * 1000 * 1000) /* for the end of a group, and for it to be durable */
#define TRIES   3 /* when old segments are dropped meanwhile */

struct verifier {
    struct verifier_options options;
    pthread_mutex_t mutex; /* for all up to the next blank line */
    struct verifier_report report;
    bool started;          /* there is a thread to be joined */
    int64_t began_ns, ended_ns;

    /* Its thread's. */
    pthread_t thread;
    struct journal_progress progress; /* its stop is the verifier's */
    struct group_mark mark;
    struct rebuild rebuild;
    struct checkpoint_check check;
    struct chain_check chain;
    struct journal_report read;
    bool has_head;
    struct chain_head head;
    uint64_t segment_number; /* of the segment of the last frame */
    /* Its progress, which it tells without the mutex. */
    atomic_uint_fast64_t ordinal, last_seq, segments, frames, bytes, decisions;
};

static int64_t now_ns(const struct verifier *verifier)
{
    return verifier->options.env->monotonic_ns(verifier->options.env->context);
}

static void lock(struct verifier *verifier)
{
    CHECK(pthread_mutex_lock(&verifier->mutex) == 0);
}

static void unlock(struct verifier *verifier)
{
    CHECK(pthread_mutex_unlock(&verifier->mutex) == 0);
}

static void enter(struct verifier *verifier, enum verifier_phase phase)
{
    lock(verifier);
    verifier->report.phase = phase;
    verifier->report.until_ordinal = verifier->mark.ordinal;
    verifier->report.until_seq = verifier->mark.last_seq;
    unlock(verifier);
}

/* ---- one run ---- */

#define PROBLEM(...) (void)snprintf(problem, problem_bytes, __VA_ARGS__)

/* The end of a group, durable. AGAIN when it is to stop. */
static enum status get_mark(struct verifier *verifier)
{
    const struct timespec rest = {0, WAIT_NS};
    uint64_t ticket = marker_ask(verifier->options.marker);
    while (!marker_take(verifier->options.marker, ticket, &verifier->mark) ||
           journal_durable_ordinal(verifier->options.journal) < verifier->mark.ordinal) {
        if (atomic_load(&verifier->progress.stop))
            return STATUS_AGAIN;
        (void)nanosleep(&rest, NULL);
    }
    return STATUS_OK;
}

static void on_frame(void *context, const struct journal_met *met)
{
    struct verifier *verifier = context;
    chain_check_meet(&verifier->chain, met, &verifier->read);
    if (verifier->rebuild.limit_too_low == NULL)
        checkpoint_check_meet(&verifier->check, met, verifier->rebuild.ledger);
    atomic_fetch_add(&verifier->segments, met->segment->number != verifier->segment_number);
    verifier->segment_number = met->segment->number;
    atomic_fetch_add(&verifier->frames, 1);
    atomic_fetch_add(&verifier->bytes, met->frame->frame_bytes);
    atomic_store(&verifier->decisions, verifier->rebuild.decision_count);
    atomic_store(&verifier->last_seq, met->frame->last_seq);
    atomic_store(&verifier->ordinal, met->frame->ordinal);
}

/* Is the ledger that the journal makes the one that the engine has? DAMAGED: problem says how not. */
static enum status compare(struct verifier *verifier, char *problem, size_t problem_bytes)
{
    struct ledger *ledger = verifier->rebuild.ledger;
    const struct group_mark *mark = &verifier->mark;
    char finding[384];
    if (ledger_last_seq(ledger) != mark->last_seq || ledger_now_us(ledger) != mark->log_us ||
        ledger_state_hash(ledger) != mark->state_hash) {
        PROBLEM("the journal makes another ledger than the one in memory: at event %" PRIu64 " its state hash is %016" PRIx64
                ", in memory %016" PRIx64 " at event %" PRIu64 ". Stop the server, copy the data directory and run 'onhand verify' on the "
                "copy: when it says ok, the memory was wrong and the journal is right",
                ledger_last_seq(ledger), ledger_state_hash(ledger), mark->state_hash, mark->last_seq);
        return STATUS_DAMAGED;
    }
    enter(verifier, VERIFIER_OF_SUMS);
    if (rebuild_audit(&verifier->rebuild, finding, sizeof(finding)))
        return STATUS_OK;
    PROBLEM("the journal makes a ledger that contradicts itself: %s. Stop the server, copy the data directory and run 'onhand verify' on "
            "the copy; restore a backup from before it", finding);
    return STATUS_DAMAGED;
}

/* The first checkpoint that is wrong, if any. */
static enum status judge_checkpoints(struct verifier *verifier, char *problem, size_t problem_bytes)
{
    size_t wrong = checkpoint_check_end(&verifier->check, &verifier->read, verifier->mark.ordinal);
    for (size_t i = 0; wrong != 0 && i < verifier->check.count; i++) {
        const struct checkpoint_checked *checked = &verifier->check.list[i];
        if (checked->verdict != CHECKPOINT_WRONG)
            continue;
        PROBLEM("the journal and the memory are right, %zu of the checkpoints are not. %s: %s", wrong, checked->name,
                checked->problem);
        return STATUS_DAMAGED;
    }
    return STATUS_OK;
}

static enum status read_back(struct verifier *verifier, char *problem, size_t problem_bytes)
{
    const struct journal_replay replay = rebuild_replay_whole(&verifier->rebuild);
    const struct journal_frames frames = {
        .context = verifier, .met = on_frame, .until_ordinal = verifier->mark.ordinal};
    enter(verifier, VERIFIER_OF_JOURNAL);
    enum status status =
        journal_reread(verifier->options.journal, &replay, &frames, &verifier->progress, &verifier->read);
    if (status == STATUS_OK && verifier->rebuild.limit_too_low != NULL) {
        PROBLEM("the state does not fit the limit of %s", verifier->rebuild.limit_too_low);
        return STATUS_FULL;
    }
    if (status != STATUS_OK && status != STATUS_AGAIN)
        PROBLEM("%s", verifier->read.problem[0] != 0 ? verifier->read.problem : status_text(status));
    return status;
}

/* From the beginning. NOT_FOUND also when the oldest segments were dropped meanwhile. */
static enum status run_once(struct verifier *verifier, char *problem, size_t problem_bytes)
{
    const struct verifier_options *options = &verifier->options;
    verifier->segment_number = 0;
    atomic_store(&verifier->segments, 0);
    atomic_store(&verifier->frames, 0);
    atomic_store(&verifier->bytes, 0);
    enter(verifier, VERIFIER_OF_CHECKPOINTS);
    enum status status =
        checkpoint_check_read(&verifier->check, options->env, journal_directory(options->journal), &options->limits);
    if (status == STATUS_OK)
        status = rebuild_init(&verifier->rebuild, options->env, &options->limits);
    if (status == STATUS_OK) {
        status = chain_check_init(&verifier->chain);
        if (status != STATUS_OK)
            rebuild_deinit(&verifier->rebuild);
    }
    if (status != STATUS_OK) {
        PROBLEM("%s. To mend it: %s", status_text(status), status_remedy(status));
        return status;
    }
    status = read_back(verifier, problem, problem_bytes);
    if (status == STATUS_OK)
        status = compare(verifier, problem, problem_bytes);
    if (status == STATUS_OK)
        status = judge_checkpoints(verifier, problem, problem_bytes);
    const struct chain_head *head = chain_check_head(&verifier->chain);
    verifier->has_head = status == STATUS_OK && head != NULL;
    if (verifier->has_head)
        verifier->head = *head;
    chain_check_deinit(&verifier->chain);
    rebuild_deinit(&verifier->rebuild);
    return status;
}

/* OK: all is right. DAMAGED, VERSION: it is not. AGAIN: it was stopped. MEMORY, FULL, IO, NOT_FOUND: it could not be done. */
static enum status run(struct verifier *verifier, char *problem, size_t problem_bytes)
{
    const struct journal *journal = verifier->options.journal;
    enum status status = get_mark(verifier);
    if (status != STATUS_OK)
        return status;
    uint64_t oldest = 0;
    for (unsigned i = 0; i < TRIES && journal_oldest_seq(journal) != oldest; i++) {
        oldest = journal_oldest_seq(journal);
        problem[0] = '\0'; /* of a try during which something was dropped */
        status = run_once(verifier, problem, problem_bytes);
        if (status != STATUS_NOT_FOUND)
            break;
    }
    return status;
}

/* Under the mutex. */
static struct verifier_report look(struct verifier *verifier)
{
    struct verifier_report report = verifier->report;
    int64_t here_ns = now_ns(verifier);
    bool ended = report.state != VERIFIER_NEVER && report.state != VERIFIER_RUNNING;
    report.age_ns = ended ? here_ns - verifier->ended_ns : -1;
    if (report.state == VERIFIER_NEVER)
        return report;
    report.took_ns = (ended ? verifier->ended_ns : here_ns) - verifier->began_ns;
    report.ordinal = atomic_load(&verifier->ordinal);
    report.last_seq = atomic_load(&verifier->last_seq);
    report.segments = atomic_load(&verifier->segments);
    report.frames = atomic_load(&verifier->frames);
    report.bytes = atomic_load(&verifier->bytes);
    report.decisions = atomic_load(&verifier->decisions);
    return report;
}

static enum verifier_state state_of(enum status status)
{
    if (status == STATUS_OK)
        return VERIFIER_RIGHT;
    return status == STATUS_DAMAGED || status == STATUS_VERSION ? VERIFIER_WRONG : VERIFIER_UNDONE;
}

static void *verifier_main(void *argument)
{
    struct verifier *verifier = argument;
    struct verifier_report *report = &verifier->report;
    char problem[sizeof(report->problem)] = "";
    (void)setpriority(PRIO_PROCESS, 0, 19); /* of this thread: what others wait for goes first */
    enum status status = run(verifier, problem, sizeof(problem));
    if (status == STATUS_AGAIN)
        (void)snprintf(problem, sizeof(problem), "it was stopped with the server");
    lock(verifier);
    report->state = state_of(status);
    report->state_hash = status == STATUS_OK ? verifier->mark.state_hash : 0;
    report->has_chain = status == STATUS_OK && verifier->has_head;
    report->chain = verifier->head;
    memcpy(report->problem, problem, sizeof(problem));
    for (size_t i = 0; i < verifier->check.count; i++) {
        const struct checkpoint_checked *checked = &verifier->check.list[i];
        if (checked->verdict == CHECKPOINT_UNMET)
            continue; /* made meanwhile, or what it was to be held against was not read */
        memcpy(report->checkpoints[report->checkpoint_count].name, checked->name, sizeof(checked->name));
        report->checkpoints[report->checkpoint_count++].verdict = checked->verdict;
    }
    report->runs++;
    report->runs_wrong += report->state == VERIFIER_WRONG;
    verifier->ended_ns = now_ns(verifier);
    struct verifier_report told = look(verifier);
    unlock(verifier); /* from here on another one may begin, which waits for this thread */
    if (verifier->options.ended != NULL && status != STATUS_AGAIN)
        verifier->options.ended(verifier->options.argument, &told);
    return NULL;
}

/* ---- life ---- */

struct verifier *verifier_create(const struct verifier_options *options)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    if (verifier == NULL)
        return NULL;
    verifier->options = *options;
    CHECK(pthread_mutex_init(&verifier->mutex, NULL) == 0);
    return verifier;
}

void verifier_destroy(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    atomic_store(&verifier->progress.stop, true);
    if (verifier->started)
        CHECK(pthread_join(verifier->thread, NULL) == 0);
    CHECK(pthread_mutex_destroy(&verifier->mutex) == 0);
    free(verifier);
}

void verifier_begin(struct verifier *verifier)
{
    struct verifier_report *report = &verifier->report;
    lock(verifier);
    if (report->state == VERIFIER_RUNNING) {
        unlock(verifier);
        return;
    }
    if (verifier->started)
        CHECK(pthread_join(verifier->thread, NULL) == 0); /* it has told its end, or is telling the log */
    const struct verifier_report before = *report;
    const struct env *env = verifier->options.env;
    *report = (struct verifier_report){.state = VERIFIER_RUNNING,
                                       .runs = before.runs,
                                       .runs_wrong = before.runs_wrong,
                                       .began_us = env->wall_us(env->context)};
    verifier->began_ns = now_ns(verifier);
    verifier->check.count = 0;
    verifier->mark = (struct group_mark){0};
    atomic_store(&verifier->ordinal, 0);
    atomic_store(&verifier->last_seq, 0);
    atomic_store(&verifier->segments, 0);
    atomic_store(&verifier->frames, 0);
    atomic_store(&verifier->bytes, 0);
    atomic_store(&verifier->decisions, 0);
    verifier->started = pthread_create(&verifier->thread, NULL, verifier_main, verifier) == 0;
    if (!verifier->started) {
        report->state = VERIFIER_UNDONE;
        verifier->ended_ns = verifier->began_ns;
        (void)snprintf(report->problem, sizeof(report->problem), "there is no thread to do it with");
    }
    unlock(verifier);
}

void verifier_look(struct verifier *verifier, struct verifier_report *out_report)
{
    lock(verifier);
    *out_report = look(verifier);
    unlock(verifier);
}
