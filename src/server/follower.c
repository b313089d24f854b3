/*
 * Frames gather in one of two blocks while the engine has the other: what has come while it wrote and applied is the next.
 *
 *     socket -> pull -> verified items -> block --submit--> engine: journal, ledger
 *                                         block <--done---
 *
 * The lag is told when a block comes back: marks are kept with the block whose frames are before them.
 */
#include "server/follower.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connect/pull.h"
#include "journal/checkpoint.h"
#include "journal/taker.h"
#include "server/log.h"
#include "server/peer.h"

#define BLOCK_BYTES    ((size_t)FRAME_BYTES_MAX)
#define BACKOFF_MS_MIN 100
#define BACKOFF_MS_MAX 5000
#define CATCH_UP_MS    10000 /* what the primary has is copied within so long, before it is fenced and after */
#define ANSWER_BYTES   4096

struct block {
    struct batch *batch;
    struct batch_act act;
    uint8_t *bytes;
    size_t n;
    /* Of what is in it: */
    int64_t log_us;    /* of the last decision; 0 for none */
    int64_t marked_us; /* as the last mark says that everything is in it; 0 for none */
    uint64_t primary_seq;
};

struct follower {
    struct follower_options options;
    pthread_t thread;
    atomic_bool stop; /* the thread is to end */
    struct done_queue done;
    struct block blocks[2];
    unsigned filling; /* which of them */
    bool following;   /* items come, and it is told */
    pthread_mutex_t lock;
    pthread_cond_t back;
    bool out; /* the other one is with the engine */
    enum status status; /* of what came back; not OK is for ever */
    uint64_t ordinal; /* of the last frame that came */
    /* Of a promotion: until when what the primary has is waited for, and its last frame, when it is fenced; else 0. */
    int64_t wanted_until_ms;
    uint64_t wanted_ordinal;
};

/* Where a fenced primary ended. */
struct primary_end {
    uint64_t ordinal;
    uint32_t chain;
};

/* ---- the engine's thread ---- */

static void on_done(void *argument)
{
    struct follower *follower = argument;
    CHECK(pthread_mutex_lock(&follower->lock) == 0);
    struct batch *batch = done_queue_take(&follower->done);
    if (batch != NULL) {
        struct block *block = &follower->blocks[batch == follower->blocks[1].batch];
        if (follower->status == STATUS_OK && block->act.kind == ACT_COPY)
            follower->status = block->act.status;
        if (block->act.status == STATUS_OK && block->act.kind == ACT_COPY)
            standby_current(follower->options.standby, block->log_us, block->marked_us, block->primary_seq);
        follower->out = false;
        CHECK(pthread_cond_broadcast(&follower->back) == 0);
    }
    CHECK(pthread_mutex_unlock(&follower->lock) == 0);
}

/* ---- blocks ---- */

/* Waits until the engine has given back what it had. */
static enum status wait_back(struct follower *follower)
{
    CHECK(pthread_mutex_lock(&follower->lock) == 0);
    while (follower->out)
        CHECK(pthread_cond_wait(&follower->back, &follower->lock) == 0);
    enum status status = follower->status;
    CHECK(pthread_mutex_unlock(&follower->lock) == 0);
    return status;
}

/* Gives the engine an act of the block that is being filled, when it has given back the one before. */
static enum status submit(struct follower *follower)
{
    struct block *block = &follower->blocks[follower->filling];
    enum status status = wait_back(follower);
    if (status != STATUS_OK)
        return status;
    block->batch->done = &follower->done;
    block->batch->act = &block->act;
    block->batch->count = 0;
    CHECK(pthread_mutex_lock(&follower->lock) == 0);
    follower->out = true;
    CHECK(pthread_mutex_unlock(&follower->lock) == 0);
    if (!inbox_submit(follower->options.inbox, block->batch)) {
        CHECK(pthread_mutex_lock(&follower->lock) == 0);
        follower->out = false; /* the server is stopping */
        CHECK(pthread_mutex_unlock(&follower->lock) == 0);
        return STATUS_AGAIN;
    }
    follower->filling = 1 - follower->filling;
    follower->blocks[follower->filling].n = 0;
    return STATUS_OK;
}

static enum status submit_copy(struct follower *follower)
{
    struct block *block = &follower->blocks[follower->filling];
    if (block->n == 0)
        return STATUS_OK;
    block->act = (struct batch_act){.kind = ACT_COPY, .items = block->bytes, .items_bytes = block->n};
    return submit(follower);
}

/* ---- what comes ---- */

static void take_mark(struct follower *follower, const struct stream_mark *mark)
{
    struct block *filling = &follower->blocks[follower->filling];
    struct block *other = &follower->blocks[1 - follower->filling];
    int64_t marked_us = mark->current ? mark->wall_us : 0;
    if (filling->n != 0) {
        filling->marked_us = marked_us != 0 ? marked_us : filling->marked_us;
        filling->primary_seq = mark->seq;
        return;
    }
    CHECK(pthread_mutex_lock(&follower->lock) == 0);
    if (follower->out) {
        other->marked_us = marked_us != 0 ? marked_us : other->marked_us;
        other->primary_seq = mark->seq;
    } else if (follower->status == STATUS_OK) {
        standby_current(follower->options.standby, 0, marked_us, mark->seq);
    }
    CHECK(pthread_mutex_unlock(&follower->lock) == 0);
}

static enum status on_item(void *context, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes,
                           size_t n)
{
    struct follower *follower = context;
    if (!follower->following)
        standby_state(follower->options.standby, true, false, "");
    follower->following = true;
    if (item == STREAM_MARK) {
        take_mark(follower, &reader->mark);
        return STATUS_OK;
    }
    if (follower->blocks[follower->filling].n + n > BLOCK_BYTES) {
        enum status status = submit_copy(follower);
        if (status != STATUS_OK)
            return status;
    }
    struct block *block = &follower->blocks[follower->filling];
    if (block->n == 0)
        block->log_us = block->marked_us = 0;
    memcpy(block->bytes + block->n, bytes, n);
    block->n += n;
    if (item == STREAM_FRAME) {
        block->log_us = reader->frame.log_us;
        block->primary_seq = reader->frame.last_seq;
        follower->ordinal = reader->frame.ordinal;
    }
    return STATUS_OK;
}

static enum status on_pause(void *context)
{
    struct follower *follower = context;
    enum status status = submit_copy(follower);
    bool enough = follower->wanted_ordinal != 0 && follower->ordinal >= follower->wanted_ordinal;
    return status == STATUS_OK && enough ? STATUS_END : status;
}

/* ---- following ---- */

static int64_t now_ms(const struct follower *follower)
{
    const struct env *env = follower->options.standby->env;
    return env->monotonic_ns(env->context) / 1000000;
}

static bool promotion_asked(struct follower *follower)
{
    bool fence;
    return standby_promotion(follower->options.standby, &fence);
}

static bool ends(void *context)
{
    struct follower *follower = context;
    if (atomic_load(&follower->stop))
        return true;
    return follower->wanted_until_ms != 0 ? now_ms(follower) > follower->wanted_until_ms : promotion_asked(follower);
}

/* Rests, unless there is something to do. */
static void rest(struct follower *follower, int64_t ms)
{
    for (int64_t end = now_ms(follower) + ms; now_ms(follower) < end && !atomic_load(&follower->stop) &&
                                              !promotion_asked(follower);)
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
}

/* until_now: what the primary has at this moment, and then it ends. */
static enum status pull_once(struct follower *follower, struct pull *pull, bool until_now)
{
    struct follower_options *options = &follower->options;
    *pull = (struct pull){.base = options->standby->primary,
                          .until_now = until_now,
                          .stop = ends,
                          .context = follower,
                          .item = on_item,
                          .pause = on_pause};
    journal_copied(options->journal, &pull->at);
    follower->blocks[follower->filling].n = 0;
    enum status status = pull_run(pull);
    follower->blocks[follower->filling].n = 0; /* asked for again */
    enum status back = wait_back(follower);
    return back != STATUS_OK ? back : status;
}

/*
 * Can nothing come of it any more? When the engine has failed, and when the server that is followed says that what is here is no beginning of what it has, or
 * sends what this version cannot read. All else may be of the network, or of what stands between: what was verified is kept, so trying again is safe.
 */
static bool is_final(const struct follower *follower, enum status status, const struct pull *pull)
{
    bool refused = pull->http == 0 || pull->http == 409 || pull->http == 410 || pull->http == 422;
    return follower->status != STATUS_OK || status == STATUS_VERSION || (status == STATUS_INVALID && refused);
}

static void give_up(struct follower *follower, const struct pull *pull)
{
    char text[STANDBY_TEXT_BYTES + 256];
    (void)snprintf(text, sizeof(text),
                   "following %s has ended for good: %s. What is here goes on being served as it is", pull->base,
                   pull->problem[0] != 0 ? pull->problem : "what was copied cannot be applied");
    standby_state(follower->options.standby, false, true, text);
    follower->options.gave_up(text);
}

static void follow(struct follower *follower)
{
    struct standby *standby = follower->options.standby;
    int64_t backoff_ms = BACKOFF_MS_MIN;
    bool told = false;
    while (!atomic_load(&follower->stop) && !promotion_asked(follower)) {
        struct pull pull;
        uint64_t ordinal = follower->ordinal;
        int64_t begin_ms = now_ms(follower);
        enum status status = pull_once(follower, &pull, false);
        if (atomic_load(&follower->stop) || promotion_asked(follower))
            return;
        if (is_final(follower, status, &pull)) {
            if (follower->status == STATUS_OK) /* else the engine has told it */
                give_up(follower, &pull);
            while (!atomic_load(&follower->stop) && !promotion_asked(follower))
                rest(follower, 1000);
            return;
        }
        /* One that begins and breaks off at once, again and again, is as none. */
        if (pull.connected && (follower->ordinal != ordinal || now_ms(follower) - begin_ms >= BACKOFF_MS_MAX)) {
            backoff_ms = BACKOFF_MS_MIN;
            told = false;
        }
        follower->following = false;
        standby_state(standby, false, false, pull.problem);
        if (!told)
            log_warning("nothing comes from %s (%s): trying again", pull.base, pull.problem);
        told = true;
        rest(follower, backoff_ms);
        backoff_ms = 2 * backoff_ms < BACKOFF_MS_MAX ? 2 * backoff_ms : BACKOFF_MS_MAX;
    }
}

/* ---- promotion ---- */

static const char *not_promoted(enum status status)
{
    switch ((unsigned)status) {
    case STATUS_CLOCK:
        return "the clock is more than 30 days ahead of the journal: every hold would expire. Set it right, or start with --accept-clock";
    case STATUS_INVALID:
        return "the audit found a contradiction in what is here: see /v1/audit";
    case STATUS_FULL:
        return "no more epochs can begin";
    case STATUS_NOT_FOUND:
        return "no event has come yet: there is nothing to go on with";
    case STATUS_AGAIN:
        return "the server is stopping";
    case STATUS_NO_SPACE:
        return "there is no space for the journal to go on in: see the log";
    default:
        return "the journal cannot be written: see the log";
    }
}

/* Has the engine promote, or only say whether it could. out_seq: the last event before it. */
static enum status act_promote(struct follower *follower, bool ask, uint64_t *out_seq)
{
    struct block *block = &follower->blocks[follower->filling];
    block->act = (struct batch_act){.kind = ACT_PROMOTE, .ask = ask};
    enum status status = submit(follower);
    if (status != STATUS_OK)
        return status;
    (void)wait_back(follower);
    *out_seq = block->act.seq;
    return block->act.status;
}

/*
 * Before the primary is told to take nothing in any more, which only an operator can undo: copies what it has by now, so that little is left, and is told when
 * the two have parted. False when that is so, or more is left than can be waited for: then the problem says it. True
 * also when it is not reached.
 */
static bool near_enough(struct follower *follower, char problem[STANDBY_TEXT_BYTES])
{
    struct pull pull;
    follower->wanted_until_ms = now_ms(follower) + CATCH_UP_MS;
    enum status status = pull_once(follower, &pull, true);
    bool late = pull.connected && status != STATUS_OK && now_ms(follower) > follower->wanted_until_ms;
    follower->wanted_until_ms = 0;
    if (is_final(follower, status, &pull))
        (void)snprintf(problem, STANDBY_TEXT_BYTES,
                       "what is here cannot be gone on with as %s has it (%.400s): what only that one has would be lost. It was not fenced. "
                       "With --no-fence this one goes on from what it has",
                       pull.base, pull.problem[0] != 0 ? pull.problem : "what was copied cannot be applied");
    else if (late)
        (void)snprintf(problem, STANDBY_TEXT_BYTES,
                       "what %s has does not come within %d seconds, and it was not fenced: wait until /v1/role says that this "
                       "one is near it, or give up what has not come with --no-fence",
                       pull.base, CATCH_UP_MS / 1000);
    return problem[0] == 0;
}

/* What the fenced primary has and this one has not, within a bounded time. False, and the problem says why, unless all that it had is here. */
static bool catch_up(struct follower *follower, const struct primary_end *end, char problem[STANDBY_TEXT_BYTES])
{
    const char *primary = follower->options.standby->primary;
    struct stream_place here;
    struct pull pull = {.problem = ""};
    journal_copied(follower->options.journal, &here);
    follower->wanted_ordinal = end->ordinal;
    follower->wanted_until_ms = now_ms(follower) + CATCH_UP_MS;
    while (here.ordinal < end->ordinal && !ends(follower)) {
        enum status status = pull_once(follower, &pull, false);
        journal_copied(follower->options.journal, &here);
        if (is_final(follower, status, &pull))
            break;
        if (here.ordinal < end->ordinal)
            (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    }
    follower->wanted_ordinal = 0;
    follower->wanted_until_ms = 0;
    if (here.ordinal < end->ordinal)
        (void)snprintf(problem, STANDBY_TEXT_BYTES,
                       "%s takes nothing in any more and has frames up to %" PRIu64 ", of which those behind %" PRIu64
                       " have not come (%.400s): try again, or give them up with --no-fence",
                       primary, end->ordinal, here.ordinal, pull.problem);
    else if (here.ordinal > end->ordinal || here.chain != end->chain)
        (void)snprintf(problem, STANDBY_TEXT_BYTES,
                       "%s takes nothing in any more, and its history has parted from what is here: what only that one has "
                       "would be lost. Give it up with --no-fence, or let that one go on: remove the file role in its directory and start it again",
                       primary);
    return problem[0] == 0;
}

/* Asks the primary to take nothing in any more. True with *out_end when it does not; else the problem says why. */
static bool fence_primary(struct follower *follower, struct primary_end *out_end, char problem[STANDBY_TEXT_BYTES])
{
    char answer[ANSWER_BYTES];
    char chain[9] = "";
    long http = 0;
    const struct standby *standby = follower->options.standby;
    enum status status = peer_fence(standby->primary, follower->options.journal, follower->options.address, answer,
                                    sizeof(answer), &http);
    const char *frame = status == STATUS_OK && http == 200 ? strstr(answer, "\"frame\":") : NULL;
    if (frame != NULL && pull_member(answer, "chain", chain, sizeof(chain))) {
        *out_end = (struct primary_end){strtoull(frame + strlen("\"frame\":"), NULL, 10), (uint32_t)strtoul(chain, NULL, 16)};
        return true;
    }
    char why[256] = "";
    if (status != STATUS_OK || !pull_member(answer, "detail", why, sizeof(why)))
        (void)snprintf(why, sizeof(why), "%.200s", answer);
    (void)snprintf(problem, STANDBY_TEXT_BYTES, "%s was not told to take nothing in any more (%s)", standby->primary, why);
    return false;
}

/* True when it is done: nothing is followed any more. */
static bool promote(struct follower *follower, bool fence)
{
    struct standby *standby = follower->options.standby;
    char problem[STANDBY_TEXT_BYTES] = "";
    struct primary_end end;
    uint64_t seq = 0;
    enum status status = act_promote(follower, true, &seq);
    if (status != STATUS_OK) {
        standby_promoted(standby, PROMOTION_FAILED, false, 0, not_promoted(status));
        return false;
    }
    if (fence && !near_enough(follower, problem)) {
        standby_promoted(standby, PROMOTION_FAILED, false, 0, problem);
        return false;
    }
    bool fenced = fence && fence_primary(follower, &end, problem);
    if (fenced && !catch_up(follower, &end, problem)) {
        standby_promoted(standby, PROMOTION_FAILED, true, 0, problem);
        return false;
    }
    if (!fence)
        (void)snprintf(problem, sizeof(problem), "%s was not asked to take nothing in any more", standby->primary);
    status = act_promote(follower, false, &seq);
    if (status != STATUS_OK) {
        standby_promoted(standby, PROMOTION_FAILED, fenced, 0, not_promoted(status));
        return false;
    }
    standby_promoted(standby, PROMOTION_DONE, fenced, seq, problem);
    return true;
}

/* ---- life ---- */

static void *follower_main(void *argument)
{
    struct follower *follower = argument;
    bool promoted = false;
    while (!promoted && !atomic_load(&follower->stop)) {
        bool fence = false;
        if (standby_promotion(follower->options.standby, &fence))
            promoted = promote(follower, fence);
        else
            follow(follower);
    }
    return NULL;
}

static void follower_free(struct follower *follower)
{
    for (unsigned i = 0; i < 2; i++) {
        free(follower->blocks[i].batch);
        free(follower->blocks[i].bytes);
    }
    done_queue_deinit(&follower->done);
    CHECK(pthread_cond_destroy(&follower->back) == 0);
    CHECK(pthread_mutex_destroy(&follower->lock) == 0);
    free(follower);
}

struct follower *follower_start(const struct follower_options *options)
{
    struct follower *follower = calloc(1, sizeof(*follower));
    if (follower == NULL)
        return NULL;
    follower->options = *options;
    CHECK(pthread_mutex_init(&follower->lock, NULL) == 0);
    CHECK(pthread_cond_init(&follower->back, NULL) == 0);
    done_queue_init(&follower->done, on_done, follower);
    bool memory = true;
    for (unsigned i = 0; i < 2; i++) {
        follower->blocks[i].batch = calloc(1, sizeof(struct batch));
        follower->blocks[i].bytes = malloc(BLOCK_BYTES);
        memory = memory && follower->blocks[i].batch != NULL && follower->blocks[i].bytes != NULL;
    }
    if (memory && pthread_create(&follower->thread, NULL, follower_main, follower) == 0)
        return follower;
    follower_free(follower);
    return NULL;
}

void follower_stop(struct follower *follower)
{
    if (follower == NULL)
        return;
    atomic_store(&follower->stop, true);
    CHECK(pthread_join(follower->thread, NULL) == 0);
    follower_free(follower);
}

/* ---- beginning ---- */

struct start {
    const atomic_bool *stop;
    struct taker taker;
};

static bool is_start_stopped(void *context)
{
    const struct start *start = context;
    return atomic_load(start->stop);
}

static enum status on_start_item(void *context, enum stream_item item, const struct stream_reader *reader,
                                 const uint8_t *bytes, size_t n)
{
    struct start *start = context;
    struct taker *taker = &start->taker;
    (void)n;
    taker_item(taker, item, reader, bytes);
    if (taker->status != STATUS_OK)
        return taker->status;
    /* From here on it can be started from, and goes on by itself. */
    return taker->journal != NULL && !journal_awaits_image(taker->journal) ? STATUS_END : STATUS_OK;
}

enum status follower_fetch_start(const char *primary, const char *path, const atomic_bool *stop, char *out_problem)
{
    struct start start = {.stop = stop};
    struct taker *taker = &start.taker;
    struct pull pull = {.base = primary, .context = &start, .item = on_start_item, .stop = is_start_stopped};
    enum status status = taker_init(taker, linux_env(), path);
    if (status == STATUS_OK)
        status = taker_resume(taker);
    if (status == STATUS_OK)
        journal_copied(taker->journal, &pull.at);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = pull_run(&pull);
    if (status == STATUS_END)
        status = taker_flush(taker);
    else if (status == STATUS_OK)
        status = STATUS_DAMAGED; /* it ended */
    if (status != STATUS_OK)
        (void)snprintf(out_problem, STANDBY_TEXT_BYTES, "%.*s", STANDBY_TEXT_BYTES - 1,
                       taker->problem[0] != 0 ? taker->problem : pull.problem);
    taker_deinit(taker);
    return status;
}

bool follower_start_unfinished(const char *path)
{
    char name[4096];
    int n = snprintf(name, sizeof(name), "%s/" CHECKPOINT_COPIED_NAME, path);
    return n > 0 && (size_t)n < sizeof(name) && access(name, F_OK) == 0;
}
