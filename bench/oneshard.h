/*
 * One shard with nobody between, for measurements: commands made in canonical form a block at a time, judged and written as the
 * engine does it. The tables' memory is warmed between blocks, as the engine's warmer does beside it.
 */
#ifndef ONHAND_BENCH_ONESHARD_H
#define ONHAND_BENCH_ONESHARD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/shard.h"
#include "fail.h"
#include "mono.h"

#define STOCK_UNITS 1000000000
#define GROUP       4096
/* Made at a time: some 13 MB, beyond the second cache and within the third, as what other threads have just made. */
#define BLOCK           (16 * GROUP)
#define FORM_BYTES_MAX  128u        /* any command below in canonical form */
#define HOLDS_MAX       (32u << 20) /* as the server's default; a run ends when they are used up */
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define WARM_BYTES      ((uintptr_t)16 << 20) /* more than a table grows by in a block */

struct bench {
    const struct env *env;
    struct shard *shard;
    uint64_t made;  /* commands, for their ids */
    bool without_ids;
    uint8_t *forms; /* of the block, one behind the other */
    size_t forms_bytes;
    struct request *requests;
    bool in_flight;
    uint64_t judged, refused;
    uint64_t spent_ns, spent_cpu_ns; /* on them, on the wall and by this thread */
};

static inline void must(enum status status, const char *what)
{
    if (status != STATUS_OK)
        fail("%s: %s", what, status_text(status));
}

static inline struct text print_name(char *out, size_t n, char letter, uint64_t number)
{
    size_t at = n;
    do
        out[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    out[--at] = letter;
    return text_of(out + at, n - at);
}

/* Request i of the block: a receipt of item `item`, or a hold of one unit of it. */
static inline void make(struct bench *bench, uint32_t i, enum command_kind kind, uint32_t item)
{
    char item_name[24], id[24];
    struct command_line line = {.item = print_name(item_name, sizeof(item_name), 'i', item),
                                .location = TEXT("DC"),
                                .quantity = {.digits = kind == KIND_HOLD ? 1 : STOCK_UNITS},
                                .condition = CONDITION_NONE};
    struct command command = {.kind = kind,
                              .source = TEXT("bench"),
                              .id = print_name(id, sizeof(id), kind == KIND_HOLD ? 'r' : 's', bench->made++),
                              .occurred_at_us = TIME_NONE,
                              .not_after_us = TIME_NONE,
                              .expires_in_ms = EXPIRES_DEFAULT,
                              .from = CONDITION_NONE,
                              .to_condition = CONDITION_NONE,
                              .line_count = 1,
                              .lines = &line};
    if (kind == KIND_HOLD)
        command.hold = command.id;
    if (bench->without_ids)
        command.id = TEXT_NONE;
    uint8_t *form = bench->forms + bench->forms_bytes;
    size_t n = command_encode(&command, form, FORM_BYTES_MAX);
    CHECK(n != 0);
    bench->forms_bytes += n;
    bench->requests[i] = (struct request){.command = form, .command_bytes = (uint32_t)n};
}

static inline void flush_wait(struct bench *bench)
{
    if (bench->in_flight)
        must(journal_flush_wait(shard_journal(bench->shard)), "flush");
    bench->in_flight = false;
}

/* As the engine writes a large group: the one before is durable, this one begins, the next can be filled. */
static inline void flush_start(struct bench *bench)
{
    flush_wait(bench);
    must(journal_flush_start(shard_journal(bench->shard)), "flush");
    bench->in_flight = true;
}

/* One flush group: one log time, as for a batch. */
static inline void judge_group(struct bench *bench, struct request *requests, uint32_t count)
{
    int64_t now_us = bench->env->wall_us(bench->env->context);
    for (uint32_t i = 0; i < count; i++) {
        if (!shard_room(bench->shard))
            flush_start(bench);
        while (shard_due(bench->shard, now_us)) {
        }
        if (i % PREPARE_MAX == 0)
            shard_prepare(bench->shard, &requests[i], count - i < PREPARE_MAX ? count - i : PREPARE_MAX);
        shard_request(bench->shard, &requests[i], now_us);
        enum answer_status status = requests[i].answer.status;
        if (status != ANSWER_ACCEPTED && status != ANSWER_REFUSED)
            fail("command %u of a group: answer %d, %s", i, (int)status, code_name(requests[i].answer.code));
        bench->refused += status == ANSWER_REFUSED;
    }
    bench->judged += count;
    flush_start(bench);
}

/*
 * What the warmer does beside the engine is done here between blocks: the system's fresh memory is not what is
 * measured.
 */
static inline void warm(struct bench *bench)
{
    struct ledger_frontier frontiers[LEDGER_FRONTIERS];
    ledger_frontiers(shard_ledger(bench->shard), frontiers);
    for (unsigned i = 0; i < LEDGER_FRONTIERS; i++) {
        uintptr_t at = (uintptr_t)frontiers[i].used_end & ~(HUGE_PAGE_BYTES - 1);
        uintptr_t end = (uintptr_t)frontiers[i].end & ~(HUGE_PAGE_BYTES - 1);
        if (end > at)
            bench->env->memory_warm(bench->env->context, at, end - at < WARM_BYTES ? end - at : WARM_BYTES);
    }
}

static inline uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline void play_block(struct bench *bench, uint32_t count)
{
    warm(bench);
    uint64_t start_ns = mono_ns(), start_cpu_ns = thread_cpu_ns();
    for (uint32_t i = 0; i < count; i += GROUP)
        judge_group(bench, &bench->requests[i], count - i < GROUP ? count - i : GROUP);
    flush_wait(bench);
    bench->spent_ns += mono_ns() - start_ns;
    bench->spent_cpu_ns += thread_cpu_ns() - start_cpu_ns;
    bench->forms_bytes = 0;
}

static inline struct shard_options bench_options(const char *data)
{
    return (struct shard_options){
        .journal = {.env = linux_env(),
                    .path = data,
                    .segment_bytes = JOURNAL_SEGMENT_BYTES,
                    .tail_bytes = JOURNAL_TAIL_BYTES},
        /* As the server's defaults. */
        .limits = {.item_count_max = 16u << 20,
                   .location_count_max = 64u << 10,
                   .source_count_max = 64u << 10,
                   .quota_count_max = 64u << 10,
                   .offer_count_max = 64u << 10,
                   .cell_count_max = 32u << 20,
                   .claim_count_max = HOLDS_MAX,
                   .claim_line_count_max = 2 * HOLDS_MAX,
                   .transfer_count_max = 1,
                   .expectation_count_max = 1,
                   .document_line_count_max = 1, .mark_count_max = 1, .statement_count_max = 1, .review_count_max = 1,
                   .id_count_max = 64u << 20,
                   .config_mib_max = 1,
                   .part_count_max = 1,
                   .alias_count_max = 1},
        .id_window_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
        .id_capacity = 64u << 20,
        .clock_start_max_us = INT64_MAX,
        .warm = true,
    };
}

static inline void open_shard(struct bench *bench, const char *data)
{
    const struct shard_options options = bench_options(data);
    struct journal_report report;
    bench->env = options.journal.env;
    if (shard_open(&options, &bench->shard, &report) != STATUS_OK)
        fail("%s: %s", data, report.problem);
    if (!report.created)
        fail("%s holds a journal already: give a new directory", data);
    must(shard_settings(bench->shard, bench->env->wall_us(bench->env->context)), "settings");
    must(journal_flush(shard_journal(bench->shard)), "flush");
}

#endif
