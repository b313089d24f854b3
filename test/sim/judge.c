/* The judge: it follows the feed, see test_sim.c. */
#include "sim_run.h"

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

void judge_told(bool all)
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

void judge_all(void)
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

uint8_t feed_bytes[RECORD_BYTES_MAX];

size_t feed_room(void)
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

void feed_read(void)
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

bool feed_compare(void)
{
    uint32_t at = 0;
    uint64_t seq = journal_oldest_seq(sr.journal);
    uint64_t told = sr.feed_seq;
    while (at < sr.feed_count && sr.feed[at].last_seq < seq)
        at++;
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

void feed_compare_all(void)
{
    struct quiet quiet = quiet_begin();
    if (!feed_compare())
        violation("the feed cannot be read after the start");
    quiet_end(&quiet);
}

void compare_live(const char *when)
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
