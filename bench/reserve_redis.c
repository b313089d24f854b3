/*
 * The same work for Redis, as its experts do it: one EVALSHA per command. The script is atomic; with `appendonly yes`
 * and `appendfsync always` its writes are in the file and flushed before the reply leaves.
 *
 *     id key     SET … NX: the command's identity and its answer, for repeats
 *     stock key  a plain string with a number, the cheapest there is
 *     events     a stream, the event kept
 *
 * Two forms of the script, the better one is used: take the unit and give it back when there was none (three calls when
 * granted), or look first (two calls that write nothing when refused).
 */
#include "reserve.h"

#include <stdio.h>

#include "fail.h"

#define SCRIPT_TAKE                                                                                                    \
    "if not redis.call('SET', KEYS[1], '1', 'NX') then return tonumber(redis.call('GET', KEYS[1])) end "               \
    "local left = redis.call('DECRBY', KEYS[2], ARGV[1]) "                                                             \
    "if left < 0 then redis.call('INCRBY', KEYS[2], ARGV[1]) redis.call('SET', KEYS[1], '0') return 0 end "            \
    "redis.call('XADD', KEYS[3], '*', 'id', KEYS[1], 'item', KEYS[2], 'quantity', ARGV[1], 'left', left) return 1"

#define SCRIPT_LOOK                                                                                                    \
    "local known = redis.call('GET', KEYS[1]) if known then return tonumber(known) end "                               \
    "local left = tonumber(redis.call('GET', KEYS[2]) or '0') - tonumber(ARGV[1]) "                                    \
    "if left < 0 then redis.call('SET', KEYS[1], '0') return 0 end "                                                   \
    "redis.call('DECRBY', KEYS[2], ARGV[1]) redis.call('SET', KEYS[1], '1') "                                          \
    "redis.call('XADD', KEYS[3], '*', 'id', KEYS[1], 'item', KEYS[2], 'quantity', ARGV[1], 'left', left) return 1"

#define PREPARE_MS_MAX 5000 /* one round trip on loopback */

static void prepare(struct run *run, int epoll)
{
    struct wire wire = {.fd = -1};
    if (!wire_open(&wire, epoll, run->plan->port, &wire))
        fail("redis does not listen on port %u", run->plan->port);
    resp_command(&wire.out, 3);
    resp_text(&wire.out, "SCRIPT");
    resp_text(&wire.out, "LOAD");
    resp_text(&wire.out, run->plan->check_first ? SCRIPT_LOOK : SCRIPT_TAKE);
    struct resp_reply reply;
    void *owners[WIRE_EVENTS_MAX];
    do {
        if (!wire_send(&wire) || wire_wait(epoll, PREPARE_MS_MAX, owners) == 0 || !wire_receive(&wire))
            fail("redis does not answer");
    } while (resp_read(&wire.in, &reply) == RESP_MORE);
    if (reply.kind != '$' || reply.text.length != 40)
        fail("redis refuses the script: %.*s", (int)reply.text.length, reply.text.bytes);
    memcpy(run->script, reply.text.bytes, 40);
    wire_deinit(&wire);
}

static void begin(struct run *run, struct caller *caller)
{
    (void)run;
    (void)caller;
}

static void append_command(struct bytequeue *out, struct run *run, const struct caller *caller, uint64_t n)
{
    const struct plan *plan = run->plan;
    char text[96];
    int length = snprintf(text, sizeof(text), "s:i%u", run_item(run, caller, n));
    if (plan->work == WORK_RECEIVE) {
        resp_command(out, 3);
        resp_text(out, "SET");
        resp_bytes(out, text, (size_t)length);
        length = snprintf(text, sizeof(text), "%llu", (unsigned long long)plan->stock_units);
        resp_bytes(out, text, (size_t)length);
        return;
    }
    char id[96];
    int id_length = snprintf(id, sizeof(id), "%s-%u-%llu", plan->tag, caller->number, (unsigned long long)n);
    resp_command(out, 7);
    resp_text(out, "EVALSHA");
    resp_bytes(out, run->script, 40);
    resp_text(out, "3");
    resp_bytes(out, id, (size_t)id_length);
    resp_bytes(out, text, (size_t)length);
    resp_text(out, "events");
    resp_text(out, "1");
}

static void ask(struct run *run, struct caller *caller, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        append_command(&caller->wire.out, run, caller, caller->sent + i);
}

static void finish(struct run *run, struct caller *caller)
{
    (void)run;
    caller->ended = caller->answered == caller->sent;
}

static void read_answers(struct run *run, struct caller *caller)
{
    for (;;) {
        struct resp_reply reply;
        switch (resp_read(&caller->wire.in, &reply)) {
        case RESP_MORE:
            caller->ended = caller->finished && caller->answered == caller->sent;
            return;
        case RESP_BAD:
            fail("redis's reply is not RESP");
        case RESP_REPLY:
            if (reply.kind != ':' && reply.kind != '+')
                fail("redis: %.*s", (int)reply.text.length, reply.text.bytes);
            run_answered(run, caller, 1, reply.kind == ':' && reply.text.bytes[0] == '0' ? 1 : 0);
        }
    }
}

const struct protocol protocol_redis = {prepare, begin, ask, finish, read_answers};
