#include "engine/checkpointer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "journal/checkpoint.h"
#include "ledger/image.h"

#define LOOK_NS      (INT64_C(200) * 1000 * 1000)       /* from one look at the journal's growth to the next */
#define WAIT_NS      (INT64_C(5) * 1000 * 1000)         /* for the end of a group, and for it to be durable */
#define REST_NS      (INT64_C(30) * 1000 * 1000 * 1000) /* behind one that failed */
#define SETTLE_BYTES (UINT64_C(8) << 20)                /* written and not yet on the disk, at most */
#define SLICE_EVENTS UINT64_C(65536)                    /* replayed between two looks at whether to end */

/* One in the making, a piece at a time. */
struct making {
    const struct checkpointer_options *options;
    const atomic_bool *stop; /* NULL for none */
    struct group_mark mark;
    struct rebuild rebuild;
    struct journal_place place; /* so far the second ledger is */
    bool begun;                 /* it has what it begins with, */
    bool known;                 /* a checkpoint of the mark itself */
    struct checkpoint_writer *writer; /* when it is at the mark */
    uint8_t *chunk;
    struct image_place image;
    uint64_t bytes, settled; /* written; and on the disk */
    int64_t begin_ns;        /* of writing */
    char problem[512];
};

struct checkpointer {
    struct checkpointer_options options;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* The thread's. */
    bool asked;              /* for a mark */
    uint64_t ticket;         /* for it */
    bool makes;              /* of one, which it has */
    struct making making;
    uint64_t journal_bytes;  /* what the journal had written at the newest one */
    uint64_t asked_bytes;    /* at the one that is made */
    int64_t asked_ns;
    atomic_uint_fast64_t made, failures, last_seq, last_bytes, behind_bytes;
    atomic_int_fast64_t last_took_ns;
};

static int64_t now_ns(const struct env *env)
{
    return env->monotonic_ns(env->context);
}

/* ---- one checkpoint ---- */

static void making_end(struct making *making)
{
    const struct env *env = making->options->env;
    checkpoint_abandon(making->writer);
    if (making->chunk != NULL)
        env->memory_release(env->context, making->chunk, IMAGE_CHUNK_BYTES_MAX);
    rebuild_deinit(&making->rebuild);
}

static bool is_at_mark(const struct making *making)
{
    const struct ledger *ledger = making->rebuild.ledger;
    return making->place.ordinal != 0 && making->place.seq > making->mark.last_seq &&
           ledger_now_us(ledger) >= making->mark.log_us && making->place.ordinal >= making->mark.ordinal;
}

/* A second ledger, with what the last checkpoint has. */
static enum status ledger_begin(struct making *making)
{
    const struct checkpointer_options *options = making->options;
    const struct group_mark *mark = &making->mark;
    enum status status = rebuild_init(&making->rebuild, options->env, &options->limits);
    if (status != STATUS_OK)
        return status;
    const struct journal_replay replay = rebuild_replay(&making->rebuild);
    status = journal_replay_checkpoint(options->journal, &making->place, mark->log_us, mark->last_seq, &replay);
    if (status == STATUS_NOT_FOUND && journal_oldest_us(options->journal) != INT64_MIN) {
        (void)snprintf(making->problem, sizeof(making->problem),
                       "no checkpoint could be made of event %llu: it is a replay from an older one, none is good any more, and the "
                       "beginning of the journal is no longer kept. What the server has in memory is right: keep it running, and "
                       "put archived segments back, or restore a backup, before it is started again",
                       (unsigned long long)mark->last_seq);
        return STATUS_DAMAGED;
    }
    if (status == STATUS_NOT_FOUND) {
        making->place = JOURNAL_BEGIN;
        status = rebuild_begin(&making->rebuild, journal_genesis(options->journal)) ? STATUS_OK : STATUS_MEMORY;
    }
    making->begun = status == STATUS_OK;
    making->known = making->begun && is_at_mark(making);
    return status;
}

/* A slice of what the journal has behind it. END: it is not there yet. */
static enum status ledger_replay(struct making *making)
{
    const struct checkpointer_options *options = making->options;
    const struct group_mark *mark = &making->mark;
    const struct journal_replay replay = rebuild_replay(&making->rebuild);
    uint64_t slice = options->slice_events == 0 ? SLICE_EVENTS : options->slice_events;
    bool last = mark->last_seq < making->place.seq + slice;
    enum status status =
        journal_replay_to(options->journal, &making->place, last ? mark->last_seq : making->place.seq + slice - 1,
                          last ? mark->log_us : INT64_MIN, last ? mark->ordinal : 0, &replay, making->stop);
    if (making->rebuild.ledger == NULL)
        return STATUS_MEMORY; /* it was begun anew with the journal, and could not be */
    if (making->rebuild.limit_too_low != NULL)
        return STATUS_FULL;
    return status == STATUS_AGAIN ? STATUS_END : status;
}

/* Is the second ledger, at the mark, what the engine's was there? */
static enum status ledger_compare(struct making *making)
{
    const struct group_mark *mark = &making->mark;
    const struct ledger *ledger = making->rebuild.ledger;
    if (ledger_last_seq(ledger) != mark->last_seq || ledger_now_us(ledger) != mark->log_us ||
        ledger_state_hash(ledger) != mark->state_hash) {
        (void)snprintf(making->problem, sizeof(making->problem),
                       "the journal makes another ledger than the one in memory: at event %llu its state hash is %016llx, "
                       "in memory %016llx. No checkpoint is made. Stop the server, copy the data directory and run 'onhand "
                       "verify' on the copy: when it says ok, the memory was wrong and the journal is right",
                       (unsigned long long)ledger_last_seq(ledger), (unsigned long long)ledger_state_hash(ledger),
                       (unsigned long long)mark->state_hash);
        return STATUS_DAMAGED;
    }
    return STATUS_OK;
}

static enum status file_begin(struct making *making)
{
    const struct checkpointer_options *options = making->options;
    making->begin_ns = now_ns(options->env);
    making->chunk = options->env->memory_reserve(options->env->context, IMAGE_CHUNK_BYTES_MAX);
    if (making->chunk == NULL)
        return STATUS_MEMORY;
    return journal_checkpoint_begin(options->journal, &making->place, making->mark.log_us, making->mark.state_hash,
                                    IMAGE_LAYOUT, &making->writer);
}

/* How long to wait so that no more than pace_bytes a second were written. */
static int64_t pace(const struct making *making)
{
    const struct checkpointer_options *options = making->options;
    if (options->pace_bytes == 0)
        return 0;
    int64_t due_ns = making->begin_ns + (int64_t)((double)making->settled / (double)options->pace_bytes * 1e9);
    return max_i64(due_ns - now_ns(options->env), 0);
}

/* The next chunk of the image; behind the last one the file gets its name, and that is the end: OK. AGAIN else. */
static enum status file_write(struct making *making, int64_t *out_rest_ns)
{
    size_t n = ledger_image_write(making->rebuild.ledger, &making->image, making->chunk);
    if (n == 0) {
        struct checkpoint_writer *writer = making->writer;
        making->writer = NULL;
        making->bytes = checkpoint_bytes(writer);
        return checkpoint_end(writer);
    }
    enum status status = checkpoint_put(making->writer, CHECKPOINT_IMAGE, making->chunk, n);
    if (status == STATUS_OK && checkpoint_bytes(making->writer) - making->settled >= SETTLE_BYTES) {
        status = checkpoint_settle(making->writer);
        making->settled = checkpoint_bytes(making->writer);
        *out_rest_ns = pace(making);
    }
    return status == STATUS_OK ? STATUS_AGAIN : status;
}

/*
 * The next piece. AGAIN: there is more, after *out_rest_ns. END: the journal does not have the mark durably yet. Anything
 * else is its end: OK, or why there is none, which making->problem says.
 */
static enum status making_step(struct making *making, int64_t *out_rest_ns)
{
    enum status status;
    *out_rest_ns = 0;
    if (making->writer != NULL) {
        status = file_write(making, out_rest_ns);
    } else {
        bool at_mark = making->begun && is_at_mark(making);
        status = !making->begun ? ledger_begin(making) : at_mark ? ledger_compare(making) : ledger_replay(making);
        if (status == STATUS_OK && at_mark && making->known)
            return STATUS_OK; /* it is there */
        if (status == STATUS_OK && at_mark)
            status = file_begin(making);
        if (status == STATUS_OK)
            status = STATUS_AGAIN;
    }
    if (status != STATUS_OK && status != STATUS_AGAIN && status != STATUS_END && making->problem[0] == '\0')
        (void)snprintf(making->problem, sizeof(making->problem), "no checkpoint could be made of event %llu: %s (%s)",
                       (unsigned long long)making->mark.last_seq, status_text(status),
                       status == STATUS_IO || status == STATUS_NO_SPACE ? env_last_error() : status_remedy(status));
    return status;
}

static void rest_here(int64_t rest_ns)
{
    const struct timespec rest = {(time_t)(rest_ns / 1000000000), (long)(rest_ns % 1000000000)};
    if (rest_ns > 0)
        (void)nanosleep(&rest, NULL);
}

enum status checkpointer_make(const struct checkpointer_options *options, const struct group_mark *mark,
                              const atomic_bool *stop, uint64_t *out_bytes, char *problem, size_t problem_bytes)
{
    struct making making = {.options = options, .stop = stop, .mark = *mark};
    int64_t rest_ns = 0;
    enum status status = STATUS_AGAIN;
    while (status == STATUS_AGAIN && (stop == NULL || !atomic_load_explicit(stop, memory_order_relaxed))) {
        rest_here(rest_ns);
        status = making_step(&making, &rest_ns);
    }
    if (status == STATUS_END)
        status = STATUS_AGAIN;
    if (status == STATUS_AGAIN)
        (void)snprintf(making.problem, sizeof(making.problem),
                       "the journal does not have event %llu durably, or the end was asked for",
                       (unsigned long long)mark->last_seq);
    if (status != STATUS_OK)
        (void)snprintf(problem, problem_bytes, "%s", making.problem);
    *out_bytes = making.bytes;
    making_end(&making);
    return status;
}

/* ---- one after the other ---- */

/* Has the journal grown by so much? Then the end of a group is asked for. */
static void look(struct checkpointer *checkpointer)
{
    const struct checkpointer_options *options = &checkpointer->options;
    uint64_t bytes = journal_counters(options->journal).disk_bytes;
    uint64_t behind = options->behind_bytes + bytes - checkpointer->journal_bytes;
    atomic_store(&checkpointer->behind_bytes, behind);
    if (behind < options->every_bytes)
        return;
    checkpointer->asked = true;
    checkpointer->asked_bytes = bytes;
    checkpointer->ticket = marker_ask(options->marker);
}

/* With the mark that was asked for, when it is there. */
static void make_begin(struct checkpointer *checkpointer)
{
    struct group_mark mark;
    checkpointer->makes = marker_take(checkpointer->options.marker, checkpointer->ticket, &mark);
    if (checkpointer->makes)
        checkpointer->making =
            (struct making){.options = &checkpointer->options, .stop = &checkpointer->stop, .mark = mark};
    checkpointer->asked_ns = now_ns(checkpointer->options.env);
}

/* It is there, or not to be had. Returns for how long to rest. */
static int64_t make_end(struct checkpointer *checkpointer, enum status status)
{
    const struct checkpointer_options *options = &checkpointer->options;
    struct making *making = &checkpointer->making;
    if (status == STATUS_OK && options->retainer != NULL)
        retainer_run(options->retainer, options->journal, making->rebuild.ledger, &checkpointer->stop);
    making_end(making);
    checkpointer->asked = checkpointer->makes = false;
    if (status != STATUS_OK) {
        atomic_fetch_add(&checkpointer->failures, 1);
        if (options->failed != NULL)
            options->failed(options->argument, status, making->problem);
        return REST_NS;
    }
    int64_t took_ns = now_ns(options->env) - checkpointer->asked_ns;
    checkpointer->journal_bytes = checkpointer->asked_bytes;
    checkpointer->options.behind_bytes = 0;
    if (making->known)
        return LOOK_NS;
    atomic_fetch_add(&checkpointer->made, 1);
    atomic_store(&checkpointer->last_seq, making->mark.last_seq);
    atomic_store(&checkpointer->last_bytes, making->bytes);
    atomic_store(&checkpointer->last_took_ns, took_ns);
    if (options->made != NULL)
        options->made(options->argument, making->mark.last_seq, making->bytes, took_ns);
    return LOOK_NS;
}

int64_t checkpointer_step(struct checkpointer *checkpointer)
{
    int64_t rest_ns = 0;
    if (!checkpointer->asked)
        look(checkpointer);
    else if (!checkpointer->makes)
        make_begin(checkpointer);
    if (!checkpointer->makes)
        return checkpointer->asked ? WAIT_NS : LOOK_NS;
    enum status status = making_step(&checkpointer->making, &rest_ns);
    if (status == STATUS_END)
        return WAIT_NS;
    return status == STATUS_AGAIN ? rest_ns : make_end(checkpointer, status);
}

/* ---- the thread ---- */

/* Waits until then; false when it is to stop. Under the mutex. */
static bool rest(struct checkpointer *checkpointer, int64_t rest_ns)
{
    int64_t until_ns = now_ns(checkpointer->options.env) + rest_ns;
    const struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
    if (rest_ns > 0 && !atomic_load(&checkpointer->stop))
        (void)pthread_cond_timedwait(&checkpointer->changed, &checkpointer->mutex, &until);
    return !atomic_load(&checkpointer->stop);
}

static void *checkpointer_main(void *argument)
{
    struct checkpointer *checkpointer = argument;
    int64_t rest_ns = LOOK_NS;
    (void)setpriority(PRIO_PROCESS, 0, 19); /* of this thread: what others wait for goes first */
    CHECK(pthread_mutex_lock(&checkpointer->mutex) == 0);
    while (rest(checkpointer, rest_ns)) {
        CHECK(pthread_mutex_unlock(&checkpointer->mutex) == 0);
        rest_ns = checkpointer_step(checkpointer);
        CHECK(pthread_mutex_lock(&checkpointer->mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&checkpointer->mutex) == 0);
    return NULL;
}

struct checkpointer *checkpointer_create(const struct checkpointer_options *options)
{
    struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
    if (checkpointer == NULL)
        return NULL;
    checkpointer->options = *options;
    checkpointer->journal_bytes = journal_counters(options->journal).disk_bytes;
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&checkpointer->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    CHECK(pthread_mutex_init(&checkpointer->mutex, NULL) == 0);
    return checkpointer;
}

enum status checkpointer_start(struct checkpointer *checkpointer)
{
    checkpointer->started = pthread_create(&checkpointer->thread, NULL, checkpointer_main, checkpointer) == 0;
    return checkpointer->started ? STATUS_OK : STATUS_MEMORY;
}

void checkpointer_destroy(struct checkpointer *checkpointer)
{
    if (checkpointer == NULL)
        return;
    CHECK(pthread_mutex_lock(&checkpointer->mutex) == 0);
    atomic_store(&checkpointer->stop, true);
    CHECK(pthread_mutex_unlock(&checkpointer->mutex) == 0);
    CHECK(pthread_cond_signal(&checkpointer->changed) == 0);
    if (checkpointer->started)
        CHECK(pthread_join(checkpointer->thread, NULL) == 0);
    if (checkpointer->makes)
        making_end(&checkpointer->making);
    CHECK(pthread_cond_destroy(&checkpointer->changed) == 0);
    CHECK(pthread_mutex_destroy(&checkpointer->mutex) == 0);
    free(checkpointer);
}

struct checkpointer_counters checkpointer_counters(const struct checkpointer *checkpointer)
{
    return (struct checkpointer_counters){.made = atomic_load(&checkpointer->made),
                                          .failures = atomic_load(&checkpointer->failures),
                                          .last_seq = atomic_load(&checkpointer->last_seq),
                                          .last_bytes = atomic_load(&checkpointer->last_bytes),
                                          .last_took_ns = atomic_load(&checkpointer->last_took_ns),
                                          .behind_bytes = atomic_load(&checkpointer->behind_bytes)};
}
