/* The clients: what they send, when, and what they make of answers. The clocks are theirs to wait by, and jump here. */
#include "sim_run.h"

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

void came_back(void *argument)
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

bool all_answered(void)
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

enum status clients_next(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us)
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
    checkpoints_turn();
    retention_turn();
    enum status status = clients_turn(wait_ns, out_batch, out_stamp_us);
    if (status == STATUS_OK)
        judge_stamp(*out_stamp_us);
    return status;
}

void woken(void *argument)
{
    (void)argument;
    if (sr.sim.dead)
        return;
    feed_read();
    if (++sr.wakes % 8 == 0 && !sr.sim.dead)
        judge_all();
}

void on_failed(void *argument, enum status status)
{
    (void)argument;
    trace("the engine failed: %s", status_text(status));
}

void on_audit_failed(void *argument, const char *problem)
{
    (void)argument;
    violation("the audit: %s", problem);
}
