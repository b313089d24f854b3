#include "engine/checkpointer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "journal/checkpoint.h"
#include "ledger/image.h"

#define LOOK_NS    (INT64_C(200) * 1000 * 1000)       /* from one look at the journal's growth to the next */
#define WAIT_NS    (INT64_C(5) * 1000 * 1000)         /* for a group to be durable */
#define REST_NS    (INT64_C(30) * 1000 * 1000 * 1000) /* behind one that failed */
#define SETTLE_BYTES (UINT64_C(8) << 20)              /* written and not yet on the disk, at most */
#define BEGIN_TRIES  3

struct checkpointer {
    struct checkpointer_options options;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_bool wanted;
    bool marked; /* under the mutex, as is the mark */
    struct checkpoint_mark mark;
    uint64_t journal_bytes; /* what the journal had written at the newest one; the thread's */
    atomic_uint_fast64_t made, failures, last_seq, last_bytes, behind_bytes;
    atomic_int_fast64_t last_took_ns;
};

static int64_t now_ns(const struct env *env)
{
    return env->monotonic_ns(env->context);
}

/* ---- one checkpoint ---- */

#define PROBLEM(...) (void)snprintf(problem, problem_bytes, __VA_ARGS__)

/* Brings the second ledger to the mark. */
static enum status bring_up(const struct checkpointer_options *options, const struct checkpoint_mark *mark,
                            struct rebuild *rebuild, struct journal_place *place, const atomic_bool *stop)
{
    const struct journal_replay replay = rebuild_replay(rebuild);
    enum status status = journal_replay_checkpoint(options->journal, place, mark->log_us, mark->last_seq, &replay);
    if (status == STATUS_NOT_FOUND) {
        *place = JOURNAL_BEGIN;
        status = rebuild_begin(rebuild, journal_genesis(options->journal)) ? STATUS_OK : STATUS_MEMORY;
    }
    if (status == STATUS_OK)
        status = journal_replay_to(options->journal, place, mark->last_seq, mark->log_us, &replay, stop);
    if (status == STATUS_OK && rebuild->ledger == NULL)
        status = STATUS_MEMORY; /* it was begun anew with the journal, and could not be */
    if (status == STATUS_OK && rebuild->limit_too_low != NULL)
        status = STATUS_FULL;
    return status;
}

/* Waits until no more than pace_bytes a second were written since begin_ns. */
static void keep_pace(const struct checkpointer_options *options, uint64_t bytes, int64_t begin_ns)
{
    if (options->pace_bytes == 0)
        return;
    int64_t due_ns = begin_ns + (int64_t)((double)bytes / (double)options->pace_bytes * 1e9);
    int64_t left_ns = due_ns - now_ns(options->env);
    if (left_ns <= 0)
        return;
    const struct timespec rest = {(time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000)};
    (void)nanosleep(&rest, NULL);
}

static enum status put_image(const struct checkpointer_options *options, const struct ledger *ledger,
                             struct checkpoint_writer *writer, const atomic_bool *stop)
{
    const struct env *env = options->env;
    uint8_t *bytes = env->memory_reserve(env->context, IMAGE_CHUNK_BYTES_MAX);
    if (bytes == NULL)
        return STATUS_MEMORY;
    struct image_place place = {0};
    uint64_t settled = 0;
    int64_t begin_ns = now_ns(env);
    size_t n;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (n = ledger_image_write(ledger, &place, bytes)) != 0) {
        status = checkpoint_put(writer, CHECKPOINT_IMAGE, bytes, n);
        if (status == STATUS_OK && checkpoint_bytes(writer) - settled >= SETTLE_BYTES) {
            status = checkpoint_settle(writer);
            settled = checkpoint_bytes(writer);
            keep_pace(options, settled, begin_ns);
        }
        if (status == STATUS_OK && stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
            status = STATUS_AGAIN;
    }
    env->memory_release(env->context, bytes, IMAGE_CHUNK_BYTES_MAX);
    return status;
}

static enum status write_out(const struct checkpointer_options *options, const struct ledger *ledger,
                             const struct journal_place *place, const atomic_bool *stop, uint64_t *out_bytes)
{
    struct checkpoint_writer *writer = NULL;
    enum status status = STATUS_AGAIN;
    for (unsigned i = 0; i < BEGIN_TRIES && status == STATUS_AGAIN; i++)
        status = journal_checkpoint_begin(options->journal, place, ledger_now_us(ledger), ledger_state_hash(ledger),
                                          IMAGE_LAYOUT, &writer);
    if (status != STATUS_OK)
        return status;
    status = put_image(options, ledger, writer, stop);
    if (status != STATUS_OK) {
        checkpoint_abandon(writer);
        return status;
    }
    *out_bytes = checkpoint_bytes(writer);
    return checkpoint_end(writer);
}

enum status checkpointer_make(const struct checkpointer_options *options, const struct checkpoint_mark *mark,
                              const atomic_bool *stop, uint64_t *out_bytes, char *problem, size_t problem_bytes)
{
    struct rebuild rebuild;
    struct journal_place place;
    enum status status = rebuild_init(&rebuild, options->env, &options->limits);
    if (status == STATUS_OK)
        status = bring_up(options, mark, &rebuild, &place, stop);
    if (status == STATUS_OK &&
        (ledger_last_seq(rebuild.ledger) != mark->last_seq || ledger_now_us(rebuild.ledger) != mark->log_us ||
         ledger_state_hash(rebuild.ledger) != mark->state_hash)) {
        PROBLEM("the journal makes another ledger than the one in memory: at event %llu its state hash is %016llx, in memory "
                "%016llx. No checkpoint is made. Stop the server, copy the data directory and run 'onhand verify' on the "
                "copy: when it says ok, the memory was wrong and the journal is right",
                (unsigned long long)ledger_last_seq(rebuild.ledger),
                (unsigned long long)ledger_state_hash(rebuild.ledger), (unsigned long long)mark->state_hash);
        rebuild_deinit(&rebuild);
        return STATUS_DAMAGED;
    }
    if (status == STATUS_OK)
        status = write_out(options, rebuild.ledger, &place, stop, out_bytes);
    if (status != STATUS_OK)
        PROBLEM("no checkpoint could be made of event %llu: %s (%s)", (unsigned long long)mark->last_seq,
                status_text(status), status == STATUS_IO || status == STATUS_NO_SPACE ? env_last_error() : status_remedy(status));
    rebuild_deinit(&rebuild);
    return status;
}

/* ---- the thread ---- */

/* Waits on the condition until then; false when it is to stop. Under the mutex. */
static bool rest(struct checkpointer *checkpointer, int64_t rest_ns)
{
    int64_t until_ns = now_ns(checkpointer->options.env) + rest_ns;
    const struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
    if (!atomic_load(&checkpointer->stop))
        (void)pthread_cond_timedwait(&checkpointer->changed, &checkpointer->mutex, &until);
    return !atomic_load(&checkpointer->stop);
}

/* The end of a group from now on. Under the mutex. */
static bool get_mark(struct checkpointer *checkpointer, struct checkpoint_mark *out_mark)
{
    checkpointer->marked = false;
    atomic_store(&checkpointer->wanted, true);
    while (!checkpointer->marked)
        if (!rest(checkpointer, LOOK_NS))
            return false;
    *out_mark = checkpointer->mark;
    return true;
}

/* Makes one. False when it is to stop. Under the mutex, which it lets go of meanwhile. */
static bool make(struct checkpointer *checkpointer)
{
    const struct checkpointer_options *options = &checkpointer->options;
    struct checkpoint_mark mark;
    uint64_t journal_bytes = journal_counters(options->journal).disk_bytes;
    if (!get_mark(checkpointer, &mark))
        return false;
    char problem[512];
    uint64_t bytes = 0;
    int64_t begin_ns = now_ns(options->env);
    enum status status = STATUS_AGAIN;
    for (bool go_on = true; go_on && status == STATUS_AGAIN;) {
        CHECK(pthread_mutex_unlock(&checkpointer->mutex) == 0);
        status = checkpointer_make(options, &mark, &checkpointer->stop, &bytes, problem, sizeof(problem));
        CHECK(pthread_mutex_lock(&checkpointer->mutex) == 0);
        go_on = status != STATUS_AGAIN || rest(checkpointer, WAIT_NS);
    }
    if (status == STATUS_AGAIN)
        return false;
    int64_t took_ns = now_ns(options->env) - begin_ns;
    if (status == STATUS_OK) {
        checkpointer->journal_bytes = journal_bytes;
        checkpointer->options.behind_bytes = 0;
        atomic_fetch_add(&checkpointer->made, 1);
        atomic_store(&checkpointer->last_seq, mark.last_seq);
        atomic_store(&checkpointer->last_bytes, bytes);
        atomic_store(&checkpointer->last_took_ns, took_ns);
        if (options->made != NULL)
            options->made(options->argument, mark.last_seq, bytes, took_ns);
        return true;
    }
    atomic_fetch_add(&checkpointer->failures, 1);
    if (options->failed != NULL)
        options->failed(options->argument, problem);
    return rest(checkpointer, REST_NS);
}

static void *checkpointer_main(void *argument)
{
    struct checkpointer *checkpointer = argument;
    (void)setpriority(PRIO_PROCESS, 0, 19); /* of this thread: what others wait for goes first */
    CHECK(pthread_mutex_lock(&checkpointer->mutex) == 0);
    while (rest(checkpointer, LOOK_NS)) {
        uint64_t behind = checkpointer->options.behind_bytes +
                          journal_counters(checkpointer->options.journal).disk_bytes - checkpointer->journal_bytes;
        atomic_store(&checkpointer->behind_bytes, behind);
        if (behind >= checkpointer->options.every_bytes && !make(checkpointer))
            break;
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
    CHECK(pthread_cond_destroy(&checkpointer->changed) == 0);
    CHECK(pthread_mutex_destroy(&checkpointer->mutex) == 0);
    free(checkpointer);
}

/* ---- the engine's thread ---- */

bool checkpointer_wants(const struct checkpointer *checkpointer)
{
    return checkpointer != NULL && atomic_load_explicit(&checkpointer->wanted, memory_order_relaxed);
}

void checkpointer_mark(struct checkpointer *checkpointer, const struct checkpoint_mark *mark)
{
    if (pthread_mutex_trylock(&checkpointer->mutex) != 0)
        return; /* a thread of low priority has it, and may have to wait for a processor: the next group does as well */
    atomic_store(&checkpointer->wanted, false);
    checkpointer->mark = *mark;
    checkpointer->marked = true;
    CHECK(pthread_mutex_unlock(&checkpointer->mutex) == 0);
    CHECK(pthread_cond_signal(&checkpointer->changed) == 0);
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
