/*
 * Goal: senders on many threads, the engine's own and a reader of the journal work beside each other: every answer is
 * right and durable when it is seen, every decision is in the journal once, names can be read beside the ledger.
 * Method: four threads send random batches to the embedded sequencer, repeats and reads among them, and look each
 * answer up; a fifth follows the journal from its beginning. Meant for the thread sanitizer, and checks without it too.
 */
#include "engine_world.h"

#include <pthread.h>

static uint32_t below(struct prng *prng, uint32_t bound)
{
    return (uint32_t)prng_below(prng, bound);
}

#define SUBMITTERS  4
#define ROUNDS      60
#define ROUND_MAX   40 /* commands of a batch */
#define OUTSTANDING 3

struct running {
    struct inbox *inbox;
    struct journal *journal;
    const struct ledger *ledger;
    atomic_uint woken; /* of the listener */
    atomic_bool over;
    uint64_t followed; /* the reader's: decisions with an id */
};

struct submitter {
    struct running *running;
    pthread_t thread;
    struct done_queue done;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool back; /* under the mutex: something is in the queue */
    unsigned number;
    uint64_t decided; /* for the first time */
    uint8_t *record;
    struct decision decision;
};

static void nap(void)
{
    const struct timespec moment = {.tv_nsec = 50000};
    (void)nanosleep(&moment, NULL);
}

static void submitter_wake(void *argument)
{
    struct submitter *submitter = argument;
    assert_int_equal(pthread_mutex_lock(&submitter->mutex), 0);
    submitter->back = true;
    assert_int_equal(pthread_mutex_unlock(&submitter->mutex), 0);
    assert_int_equal(pthread_cond_signal(&submitter->cond), 0);
}

static void decision_attach(struct decision *decision)
{
    decision->events = calloc(DECISION_EVENTS_MAX, sizeof(struct event));
    decision->names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name));
    decision->shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage));
}

static void decision_detach(struct decision *decision)
{
    free(decision->events);
    free(decision->names);
    free(decision->shortages);
}

/* The record an answer speaks of is there, and is this command's. */
static void submitter_check(struct submitter *submitter, const struct request *request)
{
    struct journal *journal = submitter->running->journal;
    const struct answer *answer = &request->answer;
    if (request->command == NULL) {
        assert_int_equal(answer->status, ANSWER_READ);
        assert_true(*(const uint64_t *)request->detail <= journal_durable_seq(journal));
        return;
    }
    assert_true(answer->status == ANSWER_ACCEPTED || answer->status == ANSWER_REFUSED);
    assert_true(answer->last_seq <= journal_durable_seq(journal));
    size_t bytes = 0;
    struct record record;
    assert_int_equal(journal_read(journal, answer->last_seq, answer->offset, false, submitter->record, RECORD_BYTES_MAX,
                                  &bytes),
                     STATUS_OK);
    assert_int_equal(record_decode(submitter->record, bytes, &submitter->decision, &record), STATUS_OK);
    assert_int_equal(record.decision->first_seq + record.decision->event_count - 1, answer->last_seq);
    char id[32];
    int n = snprintf(id, sizeof(id), "%u-%llu", submitter->number, (unsigned long long)request->number);
    assert_true(text_equal(record.decision->id, text_of(id, (size_t)n)));
    submitter->decided += !answer->replayed;
}

static void submitter_fill(const struct submitter *submitter, struct prng *prng, struct batch *batch, uint64_t *number,
                           uint8_t *forms, uint64_t *seen)
{
    static const size_t form_bytes = 256;
    batch->count = 1 + below(prng, ROUND_MAX);
    for (uint32_t i = 0; i < batch->count; i++) {
        bool is_read = below(prng, 10) == 0;
        char id[32], item[16], hold[32];
        /* Now and then one that was sent before. */
        uint64_t n = *number > 0 && below(prng, 20) == 0 ? *number - 1 : (*number)++;
        struct prng own = prng_of(n * SUBMITTERS + submitter->number);
        struct command_line line = {.location = TEXT("L"),
                                    .quantity = {.digits = 1 + below(&own, 9)},
                                    .condition = CONDITION_NONE};
        line.item = text_of(item, (size_t)snprintf(item, sizeof(item), "i%u", below(&own, 30)));
        struct command command = {.kind = below(&own, 3) == 0 ? KIND_HOLD : KIND_RECEIVE,
                                  .source = TEXT("threads"),
                                  .occurred_at_us = TIME_NONE,
                                  .not_after_us = TIME_NONE,
                                  .expires_in_ms = 1 + below(&own, 50), /* some end while this runs */
                                  .from = CONDITION_NONE,
                                  .to_condition = CONDITION_NONE,
                                  .line_count = 1,
                                  .lines = &line};
        command.id = text_of(id, (size_t)snprintf(id, sizeof(id), "%u-%llu", submitter->number, (unsigned long long)n));
        if (command.kind == KIND_HOLD)
            command.hold = text_of(hold, (size_t)snprintf(hold, sizeof(hold), "h%s", id));
        else
            command.expires_in_ms = EXPIRES_DEFAULT;
        uint8_t *form = forms + i * form_bytes;
        size_t bytes = command_encode(&command, form, form_bytes);
        assert_true(bytes > 0);
        batch->requests[i] = (struct request){.command = is_read ? NULL : form,
                                              .command_bytes = (uint32_t)bytes,
                                              .read = note_last_seq,
                                              .owner = forms,
                                              .detail = &seen[i],
                                              .number = n};
    }
}

static void *submitter_main(void *argument)
{
    struct submitter *submitter = argument;
    struct prng prng = prng_of(100 + submitter->number);
    uint64_t number = 0;
    unsigned outstanding = 0;
    for (unsigned sent = 0; sent < ROUNDS || outstanding > 0;) {
        if (sent < ROUNDS && outstanding < OUTSTANDING) {
            struct batch *batch = calloc(1, sizeof(*batch));
            uint8_t *forms = malloc(ROUND_MAX * (256 + sizeof(uint64_t)));
            submitter_fill(submitter, &prng, batch, &number, forms, (uint64_t *)(void *)(forms + ROUND_MAX * 256));
            batch->done = &submitter->done;
            while (!inbox_submit(submitter->running->inbox, batch))
                nap();
            sent++;
            outstanding++;
            if (below(&prng, 4) != 0)
                continue;
        }
        assert_int_equal(pthread_mutex_lock(&submitter->mutex), 0);
        while (!submitter->back)
            assert_int_equal(pthread_cond_wait(&submitter->cond, &submitter->mutex), 0);
        submitter->back = false;
        assert_int_equal(pthread_mutex_unlock(&submitter->mutex), 0);
        for (struct batch *batch = done_queue_take(&submitter->done), *next; batch != NULL; batch = next) {
            next = batch->next;
            for (uint32_t i = 0; i < batch->count; i++)
                submitter_check(submitter, &batch->requests[i]);
            free(batch->requests[0].owner);
            free(batch);
            outstanding--;
        }
    }
    return NULL;
}

/* Follows the journal from its beginning, and asks for every name it meets. */
static void *follow(void *argument)
{
    struct running *running = argument;
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    struct decision decision = {0};
    decision_attach(&decision);
    uint64_t next_seq = 1;
    for (;;) {
        bool over = atomic_load(&running->over);
        size_t n = 0;
        enum status status = journal_read(running->journal, next_seq, TAIL_UNKNOWN, false, bytes, RECORD_BYTES_MAX, &n);
        if (status == STATUS_END && over)
            break;
        if (status == STATUS_END) {
            nap();
            continue;
        }
        assert_int_equal(status, STATUS_OK);
        for (size_t at = 0; at < n;) {
            struct record record;
            assert_int_equal(record_decode(bytes + at, n - at, &decision, &record), STATUS_OK);
            at += record.bytes;
            assert_int_equal(decision.first_seq, next_seq);
            next_seq += decision.event_count;
            running->followed += text_present(decision.id);
            if (decision.source != NUMBER_NONE)
                assert_true(ledger_name(running->ledger, NAME_SOURCE, decision.source).length > 0);
            for (uint32_t i = 0; i < decision.event_count; i++) {
                if (decision.events[i].location == NUMBER_NONE)
                    continue;
                assert_int_equal(ledger_name(running->ledger, NAME_ITEM, decision.events[i].item).bytes[0], 'i');
                assert_int_equal(ledger_name(running->ledger, NAME_LOCATION, decision.events[i].location).length, 1);
            }
        }
    }
    decision_detach(&decision);
    free(bytes);
    return NULL;
}

static void listener_wake(void *argument)
{
    (void)atomic_fetch_add((atomic_uint *)argument, 1);
}

static void no_failure(void *argument, enum status status)
{
    (void)argument;
    fail_msg("the journal failed: %s", status_text(status));
}

static void many_threads_send_while_one_follows(void **state)
{
    (void)state;
    static struct watched watched; /* its wall clock and randomness alone: its notes are one thread's */
    struct place place = place_create();
    watched_init(&watched);
    struct shard *shard = shard_create(&place, &watched, WINDOW_LONG_S, 65536);
    const struct inbox_options inbox_options = {.env = &watched.env,
                                                .batch_count_max = 8,
                                                .clock_step_max_us = INT64_C(60) * SECOND_US,
                                                .spin_ns = 20000,
                                                .log_time_us = ledger_now_us(shard_ledger(shard))};
    struct running running = {.inbox = inbox_create(&inbox_options),
                              .journal = shard_journal(shard),
                              .ledger = shard_ledger(shard)};
    assert_non_null(running.inbox);
    struct engine_options options = {.env = &watched.env,
                                     .shard = shard,
                                     .sequencer = inbox_sequencer(running.inbox),
                                     .seal_after_ns = 1000 * 1000,
                                     .listener_count = 1,
                                     .listeners = {{listener_wake, &running.woken}},
                                     .failed = no_failure};
    struct engine *engine = engine_create(&options);
    assert_non_null(engine);
    assert_int_equal(engine_start(engine), STATUS_OK);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, follow, &running), 0);
    static struct submitter submitters[SUBMITTERS];
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        struct submitter *submitter = &submitters[i];
        *submitter = (struct submitter){.running = &running, .number = i, .record = malloc(RECORD_BYTES_MAX)};
        decision_attach(&submitter->decision);
        done_queue_init(&submitter->done, submitter_wake, submitter);
        assert_int_equal(pthread_mutex_init(&submitter->mutex, NULL), 0);
        assert_int_equal(pthread_cond_init(&submitter->cond, NULL), 0);
        assert_int_equal(pthread_create(&submitter->thread, NULL, submitter_main, submitter), 0);
    }
    uint64_t decided = 0;
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        struct submitter *submitter = &submitters[i];
        assert_int_equal(pthread_join(submitter->thread, NULL), 0);
        decided += submitter->decided;
    }
    inbox_close(running.inbox);
    engine_join(engine);
    for (unsigned i = 0; i < SUBMITTERS; i++) { /* the engine may wake them after they have their last answer */
        struct submitter *submitter = &submitters[i];
        done_queue_deinit(&submitter->done);
        assert_int_equal(pthread_mutex_destroy(&submitter->mutex), 0);
        assert_int_equal(pthread_cond_destroy(&submitter->cond), 0);
        decision_detach(&submitter->decision);
        free(submitter->record);
    }
    atomic_store(&running.over, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_false(engine_failed(engine));
    assert_int_equal(running.followed, decided); /* each once */
    assert_true(atomic_load(&running.woken) > 0);
    engine_destroy(engine);
    inbox_destroy(running.inbox);
    uint64_t hash = shard_hash(shard);
    shard_close(shard);
    assert_true(shard_hash_on_disk(&place, WINDOW_LONG_S, 65536) == hash);
    place_destroy(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_send_while_one_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
