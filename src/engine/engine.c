#include "engine/engine.h"

#include "engine/warmer.h"
#include "journal/stream.h"

#include <stdatomic.h>
#include <stdlib.h>

/* From here on a group is handed to the journal's writer while the next is filled: below, the hand-over costs more than
 * it hides (measured: 12-20 k/s against 11 k/s at one event a group, 12 M/s against 6.6 M/s at 8,192). */
#define LARGE_GROUP_BYTES ((size_t)64 * 1024)

/* The engine looks up at least so often. */
#define IDLE_NS (INT64_C(1000) * 1000 * 1000)

struct engine {
    struct engine_options options;
    struct shard *shard;
    struct journal *journal;
    pthread_t thread;
    struct warmer *warmer; /* NULL without one */
    atomic_bool failed;
    _Atomic enum engine_role role;
    struct auditor auditor;
    const char *refusal; /* engine thread, as all below */
    /* Engine thread only. */
    struct batch *waiting_first, *waiting_last; /* judged, not yet durable */
    uint64_t group_open;   /* number of the group being filled */
    uint64_t group_durable;
    bool in_flight;        /* group_open - 1 is being written */
    int64_t written_ns;    /* when something was last made durable, for the seal */
    bool sealed;
    bool clockless; /* the time could not be told at the last look */
};

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return NULL;
    engine->options = *options;
    engine->shard = options->shard;
    engine->journal = shard_journal(options->shard);
    engine->group_open = 1;
    engine->refusal = options->refusal;
    atomic_init(&engine->role, options->role);
    auditor_init(&engine->auditor, options->env, options->shard, options->audit_rate, options->audit_pass_ns);
    shard_publish(options->shard); /* for who asks before the first group */
    return engine;
}

void engine_destroy(struct engine *engine)
{
    CHECK(engine->waiting_first == NULL);
    free(engine);
}

enum engine_role engine_role(const struct engine *engine)
{
    return atomic_load(&engine->role);
}

/* Are commands decided? */
static bool decides(const struct engine *engine)
{
    return engine_role(engine) == ROLE_PRIMARY && auditor_problem(&engine->auditor) == NULL;
}

bool engine_failed(const struct engine *engine)
{
    return atomic_load(&engine->failed);
}

const struct auditor *engine_auditor(const struct engine *engine)
{
    return &engine->auditor;
}

static int64_t now_ns(const struct engine *engine)
{
    return engine->options.env->monotonic_ns(engine->options.env->context);
}

/* ---- giving back ---- */

static void give_back(struct batch *batch)
{
    struct done_queue *done = batch->done;
    done_queue_put(done, batch);
    done->wake(done->argument);
}

static void give_back_durable(struct engine *engine)
{
    while (engine->waiting_first != NULL && engine->waiting_first->group <= engine->group_durable) {
        struct batch *batch = engine->waiting_first;
        engine->waiting_first = batch->next;
        give_back(batch);
    }
    if (engine->waiting_first == NULL)
        engine->waiting_last = NULL;
}

/* Gives a batch back without judging it. */
static void shed_batch(struct engine *engine, struct batch *batch, const char *detail)
{
    for (uint32_t i = 0; i < batch->count; i++)
        shard_shed(engine->shard, &batch->requests[i], CODE_none, detail);
    give_back(batch);
}

/* What a command is told when the journal has failed. */
static struct answer lost(bool decided)
{
    return (struct answer){
        .status = decided ? ANSWER_UNKNOWN : ANSWER_RETRY, .line = LINE_NONE, .offset = TAIL_UNKNOWN};
}

static void fail(struct engine *engine, enum status status)
{
    atomic_store(&engine->failed, true);
    while (engine->waiting_first != NULL) {
        struct batch *batch = engine->waiting_first;
        engine->waiting_first = batch->next;
        for (uint32_t i = 0; i < batch->count; i++) {
            struct answer *answer = &batch->requests[i].answer;
            if (answer->status != ANSWER_RETRY && answer->status != ANSWER_INVALID)
                *answer = lost(answer->status != ANSWER_UNREAD);
        }
        give_back(batch);
    }
    engine->waiting_last = NULL;
    engine->options.failed(engine->options.failed_argument, status);
}

/* ---- flushing ---- */

static void made_durable(struct engine *engine, uint64_t group)
{
    engine->group_durable = group;
    engine->written_ns = now_ns(engine);
    if (engine->warmer != NULL)
        warmer_tell(engine->warmer, shard_ledger(engine->shard));
    give_back_durable(engine);
    for (uint32_t i = 0; i < engine->options.listener_count; i++)
        engine->options.listeners[i].wake(engine->options.listeners[i].argument);
}

static void finish_flight(struct engine *engine)
{
    engine->in_flight = false;
    enum status status = journal_flush_wait(engine->journal);
    if (status != STATUS_OK)
        fail(engine, status);
    else
        made_durable(engine, engine->group_open - 1);
}

/* Says that all there is belongs to groups that are durable, or to the one that is written next. */
static void mark(struct engine *engine)
{
    const struct ledger *ledger = shard_ledger(engine->shard);
    const struct group_mark mark = {ledger_last_seq(ledger), ledger_now_us(ledger), ledger_state_hash(ledger),
                                    journal_durable_ordinal(engine->journal) + (journal_group_bytes(engine->journal) != 0)};
    marker_put(engine->options.marker, &mark);
}

/* Writes the open group, here or beside the next. */
static void flush_open(struct engine *engine)
{
    if (engine->in_flight)
        finish_flight(engine);
    if (engine_failed(engine))
        return;
    shard_publish(engine->shard); /* before the group is durable: see there */
    if (UNLIKELY(marker_wants(engine->options.marker)))
        mark(engine);
    bool large = journal_group_bytes(engine->journal) >= LARGE_GROUP_BYTES;
    uint64_t group = engine->group_open++;
    enum status status = large ? journal_flush_start(engine->journal) : journal_flush(engine->journal);
    engine->in_flight = large && status == STATUS_OK;
    if (status != STATUS_OK)
        fail(engine, status);
    else if (!large)
        made_durable(engine, group);
}

static bool group_filled(const struct engine *engine)
{
    return journal_group_bytes(engine->journal) != 0;
}

/* ---- judging ---- */

/* Does what is due, then makes room for one more decision. False after a failure. */
static bool prepare(struct engine *engine, int64_t stamp_us)
{
    do {
        if (!shard_room(engine->shard))
            flush_open(engine);
    } while (!engine_failed(engine) && shard_due(engine->shard, stamp_us));
    if (UNLIKELY(journal_failed(engine->journal)) && !engine_failed(engine))
        flush_open(engine); /* which says so */
    return !engine_failed(engine);
}

/* The journal failed. What this batch decided before may not be durable. */
static void give_up(struct batch *batch, uint32_t decided)
{
    for (uint32_t i = 0; i < batch->count; i++)
        batch->requests[i].answer = lost(i < decided && batch->requests[i].answer.status != ANSWER_UNREAD);
    give_back(batch);
}

/* Gives the batch back when all that it saw is durable. */
static void wait_for_group(struct engine *engine, struct batch *batch)
{
    batch->next = NULL;
    /* Reads alone cause no flush, but wait for the one that covers what they saw. */
    batch->group = group_filled(engine) ? engine->group_open : engine->group_open - 1;
    if (engine->waiting_last != NULL)
        engine->waiting_last->next = batch;
    else
        engine->waiting_first = batch;
    engine->waiting_last = batch;
    give_back_durable(engine);
}

static void judge_batch(struct engine *engine, struct batch *batch, int64_t stamp_us)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!prepare(engine, stamp_us)) {
            give_up(batch, i);
            return;
        }
        if (i % PREPARE_MAX == 0)
            shard_prepare(engine->shard, &batch->requests[i], batch->count - i < PREPARE_MAX ? batch->count - i : PREPARE_MAX);
        shard_request(engine->shard, &batch->requests[i], stamp_us);
    }
    /* What the last command made possible is done with it, not with the next one. */
    if (!prepare(engine, stamp_us)) {
        give_up(batch, batch->count);
        return;
    }
    wait_for_group(engine, batch);
}

/* Nothing is decided: the audit found something, or another server decides. */
static void read_batch(struct engine *engine, struct batch *batch)
{
    enum engine_role role = engine_role(engine);
    enum code code = role == ROLE_STANDBY ? CODE_standby : role == ROLE_FENCED ? CODE_fenced : CODE_audit_failed;
    const char *detail = role == ROLE_PRIMARY ? auditor_problem(&engine->auditor) : engine->refusal;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = &batch->requests[i];
        if (request->command == NULL)
            shard_read(engine->shard, request);
        else
            shard_shed(engine->shard, request, code, detail);
    }
    wait_for_group(engine, batch);
}

/* ---- what the server itself has it do ---- */

static void copy(struct engine *engine, struct batch_act *act)
{
    const char *problem = NULL;
    act->status = engine_role(engine) == ROLE_STANDBY ? shard_copy(engine->shard, act->items, act->items_bytes, &problem)
                                                      : STATUS_INVALID;
    if (act->status == STATUS_OK) {
        made_durable(engine, engine->group_durable);
        if (UNLIKELY(marker_wants(engine->options.marker)))
            mark(engine);
    } else if (problem != NULL) {
        /* The ledger may have a part of what the journal has not: nothing can go on from here. */
        atomic_store(&engine->failed, true);
        engine->options.copy_failed(engine->options.failed_argument, problem);
    } else if (act->status != STATUS_INVALID) {
        fail(engine, act->status);
    }
}

static void promote(struct engine *engine, struct batch_act *act, int64_t stamp_us)
{
    act->status = auditor_problem(&engine->auditor) != NULL ? STATUS_INVALID : STATUS_OK;
    if (engine_role(engine) != ROLE_STANDBY || act->status != STATUS_OK)
        return;
    act->seq = journal_durable_seq(engine->journal);
    act->status = act->ask ? shard_may_promote(engine->shard) : shard_promote(engine->shard, stamp_us);
    if (act->ask)
        return;
    if (act->status != STATUS_OK) {
        if (act->status == STATUS_IO || act->status == STATUS_NO_SPACE)
            fail(engine, act->status);
        return;
    }
    flush_open(engine);
    if (engine->in_flight)
        finish_flight(engine);
    act->status = engine_failed(engine) ? STATUS_IO : STATUS_OK;
    if (act->status != STATUS_OK)
        return;
    engine->options.promoted(engine->options.failed_argument);
    atomic_store(&engine->role, ROLE_PRIMARY);
    engine->sealed = false;
}

/* Makes durable what was decided, and decides no more. */
static void fence(struct engine *engine, struct batch_act *act)
{
    if (engine->in_flight)
        finish_flight(engine);
    if (!engine_failed(engine) && group_filled(engine))
        flush_open(engine);
    if (engine->in_flight)
        finish_flight(engine);
    /* The last frame there will be: who takes over has it, and this journal stays the beginning of that one's. */
    if (!engine_failed(engine) && journal_append_seal(engine->journal))
        flush_open(engine);
    act->status = engine_failed(engine) ? STATUS_IO : STATUS_OK;
    if (act->status != STATUS_OK)
        return;
    journal_set_copy(engine->journal, true);
    engine->refusal = act->refusal;
    atomic_store(&engine->role, ROLE_FENCED);
    struct stream_place last;
    journal_copied(engine->journal, &last);
    act->seq = last.seq;
    act->ordinal = last.ordinal;
    act->chain = last.chain;
}

static void act_batch(struct engine *engine, struct batch *batch, int64_t stamp_us)
{
    struct batch_act *act = batch->act;
    switch (act->kind) {
    case ACT_COPY:
        copy(engine, act);
        break;
    case ACT_PROMOTE:
        promote(engine, act, stamp_us);
        break;
    case ACT_FENCE:
        fence(engine, act);
        break;
    }
    give_back(batch);
}

/* Looks further for contradictions, while nothing waits to be written. */
static void audit(struct engine *engine, bool busy)
{
    if (engine_failed(engine) || group_filled(engine) || auditor_problem(&engine->auditor) != NULL)
        return;
    if (!auditor_step(&engine->auditor, busy))
        engine->options.audit_failed(engine->options.failed_argument, auditor_problem(&engine->auditor));
}

/* Nothing came: time passes. */
static void tick(struct engine *engine, int64_t stamp_us)
{
    bool deciding = decides(engine);
    if (deciding && !prepare(engine, stamp_us))
        return;
    if (deciding)
        (void)shard_forget(engine->shard, stamp_us); /* a tick is all it writes */
    if (group_filled(engine)) {
        engine->sealed = false;
        return; /* the loop flushes it */
    }
    if (!engine->sealed && now_ns(engine) - engine->written_ns >= engine->options.seal_after_ns) {
        engine->sealed = true; /* a copy has none of its own: then nothing is appended */
        if (journal_append_seal(engine->journal))
            flush_open(engine);
    }
}

static int64_t idle_ns(const struct engine *engine)
{
    const struct env *env = engine->options.env;
    bool audited = auditor_problem(&engine->auditor) == NULL;
    int64_t due_us = decides(engine) ? ledger_next_due_us(shard_ledger(engine->shard)) : INT64_MAX;
    int64_t wait_ns = audited ? auditor_wait_ns(&engine->auditor, IDLE_NS) : IDLE_NS;
    /* What is due waits for a clock that can be told, or for space; otherwise this much lateness keeps it from spinning. */
    const int64_t least_ns = engine->clockless || engine_failed(engine) ? 10 * 1000 * 1000
                             : shard_blocked(engine->shard)            ? 100 * 1000 * 1000
                                                                       : 50 * 1000;
    if (due_us != INT64_MAX) {
        int64_t left_us = max_i64(0, due_us - env->wall_us(env->context));
        wait_ns = min_i64(wait_ns, left_us >= IDLE_NS / 1000 ? IDLE_NS : left_us * 1000 + 1);
    }
    if (!engine->sealed)
        wait_ns = min_i64(wait_ns, engine->options.seal_after_ns);
    return max_i64(wait_ns, least_ns);
}

void engine_run(struct engine *engine)
{
    engine->written_ns = now_ns(engine);
    struct batch *batch = NULL;
    for (;;) {
        audit(engine, batch != NULL);
        bool busy = engine->in_flight || group_filled(engine);
        batch = NULL;
        int64_t stamp_us = 0;
        const struct sequencer *sequencer = &engine->options.sequencer;
        enum status status = sequencer->next(sequencer->context, busy ? 0 : idle_ns(engine), &batch, &stamp_us);
        engine->clockless = status == STATUS_CLOCK || (status == STATUS_AGAIN && !busy);
        /* A standby's log may be ahead of its own clock. */
        stamp_us = max_i64(stamp_us, ledger_now_us(shard_ledger(engine->shard)));
        if (batch != NULL && batch->act != NULL && engine_failed(engine)) {
            batch->act->status = STATUS_IO;
            give_back(batch);
            continue;
        }
        if (batch != NULL && batch->act != NULL) {
            act_batch(engine, batch, stamp_us);
            continue;
        }
        if (batch != NULL && (status != STATUS_OK || engine_failed(engine))) {
            shed_batch(engine, batch, status == STATUS_CLOCK
                                  ? "the server's clock has jumped ahead: nothing is taken in until it is set right"
                                  : "the journal cannot be written: the server is stopping");
            continue;
        }
        if (engine_failed(engine)) {
            if (status == STATUS_END)
                break;
            continue;
        }
        if (batch != NULL) {
            engine->sealed = false;
            if (decides(engine))
                judge_batch(engine, batch, stamp_us);
            else
                read_batch(engine, batch);
            bool writer_free = !engine->in_flight || journal_flush_done(engine->journal);
            if (!engine_failed(engine) && writer_free &&
                (engine->in_flight || journal_group_bytes(engine->journal) >= LARGE_GROUP_BYTES)) {
                if (journal_group_bytes(engine->journal) >= LARGE_GROUP_BYTES)
                    flush_open(engine);
                else
                    finish_flight(engine);
            }
            continue;
        }
        /* Nothing more has gathered: what there is goes now. */
        if (engine->in_flight)
            finish_flight(engine);
        else if (group_filled(engine))
            flush_open(engine);
        else if (status == STATUS_END)
            break;
        else if (status == STATUS_OK)
            tick(engine, stamp_us);
        if (!engine->in_flight && !group_filled(engine) && marker_wants(engine->options.marker))
            mark(engine);
    }
}

static void *engine_thread(void *argument)
{
    engine_run(argument);
    return NULL;
}

enum status engine_start(struct engine *engine)
{
    engine->warmer = warmer_start(engine->options.env, shard_ledger(engine->shard));
    if (pthread_create(&engine->thread, NULL, engine_thread, engine) == 0)
        return STATUS_OK;
    warmer_stop(engine->warmer);
    engine->warmer = NULL;
    return STATUS_MEMORY;
}

void engine_join(struct engine *engine)
{
    CHECK(pthread_join(engine->thread, NULL) == 0);
    warmer_stop(engine->warmer);
    engine->warmer = NULL;
}
