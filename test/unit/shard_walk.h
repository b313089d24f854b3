/* A shard that decides random commands, with expiries and ticks between them; what it is after each is noted. */
#ifndef ONHAND_TEST_SHARD_WALK_H
#define ONHAND_TEST_SHARD_WALK_H

#include "engine_world.h"

#define MOMENTS_MAX 20000

static struct moment_noted {
    int64_t at_us;
    uint64_t seq, hash;
} noted[MOMENTS_MAX];
static size_t noted_count;

static inline void note(const struct shard *shard)
{
    const struct ledger *ledger = shard_ledger(shard);
    assert_true(noted_count < MOMENTS_MAX);
    noted[noted_count++] =
        (struct moment_noted){ledger_now_us(ledger), ledger_last_seq(ledger), ledger_state_hash(ledger)};
}

static inline void some_prose(struct prng *prng, unsigned step, char *prose, size_t n)
{
    unsigned a = (unsigned)prng_below(prng, 4);
    unsigned units = 1 + (unsigned)prng_below(prng, 9);
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        snprintf(prose, n, "receive %u A@L%u id=c%u", units, a, step);
        break;
    case 2:
        snprintf(prose, n, "sale %u A@L%u id=c%u", units, a, step);
        break;
    case 3: /* a name of its own */
        snprintf(prose, n, "receive %u N%u@L%u id=c%u", units, (step / 16) % 48, a, step);
        break;
    case 4:
        snprintf(prose, n, "transfer to=L%u 1 A@L%u 2 damaged A@L%u id=c%u", (a + 1) % 4, a, a, step);
        break;
    case 5:
        snprintf(prose, n, "set_policy item=A location=L%u safety=%u id=c%u", a, units, step);
        break;
    case 6:
        snprintf(prose, n, "hold hold=H%u expires=%u %u A@L%u id=c%u", step, (unsigned)prng_below(prng, 60), units, a,
                 step);
        break;
    default:
        snprintf(prose, n, "release hold=H%u id=c%u", step - (unsigned)prng_below(prng, 40), step);
        break;
    }
}

/* Steps of a shard; all are durable behind them. */
static inline void go_on(struct shard *shard, struct prng *prng, unsigned from, unsigned to)
{
    static struct recording log;
    static int64_t now_us;
    now_us = from == 0 ? WORLD_START_US : now_us;
    for (unsigned step = from; step < to; step++) {
        char prose[200];
        now_us += prng_below(prng, 3) == 0 ? (int64_t)prng_below(prng, 4000000) : 0;
        while (shard_due(shard, now_us))
            note(shard);
        while (shard_forget(shard, now_us))
            note(shard);
        some_prose(prng, step, prose, sizeof(prose));
        const struct entry *entry = &log.entries[log_add(&log, now_us, prose)];
        struct request request = {.command = entry->form, .command_bytes = entry->bytes};
        shard_prepare(shard, &request, 1);
        shard_request(shard, &request, now_us);
        assert_true(request.answer.status == ANSWER_ACCEPTED || request.answer.status == ANSWER_REFUSED);
        note(shard);
        log_clear(&log);
        if (!shard_room(shard) || prng_below(prng, 20) == 0)
            assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
    }
    assert_int_equal(journal_flush(shard_journal(shard)), STATUS_OK);
}

#endif
