/*
 * Goal: how long a start takes that replays N decisions, and one from a checkpoint of as many cells; and what the deciding thread
 * notices while the checkpoint is made (DESIGN section 8: 10 M events in 4 s at most, 10 M cells in 2 s; 0.3 ms p99, 5 ms at worst).
 * Method: N receipts, each of a cell of its own (with --ids each with an id of its own, too). Then groups of 256 receipts are
 * judged and written one after another, some seconds without and then while the checkpointer works, and the time of each is
 * taken. Then the shard is closed and opened: from the checkpoint, and from the journal alone. The files were just written: they are read
 * from the page cache, as after a restart of the program. With --starts a directory that is there is opened so often. A probe copies as much memory as the checkpoint's tables have.
 */
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "engine/checkpointer.h"
#include "oneshard.h"

#define SMALL_GROUP  256
#define SAMPLES_MAX  (1 << 20)
#define CELLS_MAX    20000000
#define BESIDE_S     3

static struct bench bench;
static uint32_t samples_ns[SAMPLES_MAX];
static size_t sample_count;

static int by_size(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static void print_samples(const char *what)
{
    if (sample_count == 0)
        return;
    qsort(samples_ns, sample_count, sizeof(samples_ns[0]), by_size);
    printf("groups of %d %s: %zu, p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, worst %.3f ms\n", SMALL_GROUP, what, sample_count,
           samples_ns[sample_count / 2] / 1e6, samples_ns[sample_count * 99 / 100] / 1e6,
           samples_ns[sample_count * 999 / 1000] / 1e6, samples_ns[sample_count - 1] / 1e6);
    sample_count = 0;
}

/* Groups of receipts at some of the cells; what the deciding thread does for each, without the write. */
static void some_groups(uint32_t cells, struct marker *marker)
{
    static uint32_t next;
    for (uint32_t i = 0; i < SMALL_GROUP; i++)
        make(&bench, i, KIND_RECEIVE, (next += 104729) % cells);
    uint64_t begin_ns = mono_ns();
    int64_t now_us = bench.env->wall_us(bench.env->context);
    shard_prepare(bench.shard, bench.requests, PREPARE_MAX);
    for (uint32_t i = 0; i < SMALL_GROUP; i++) {
        if (i % PREPARE_MAX == 0 && i != 0)
            shard_prepare(bench.shard, &bench.requests[i], PREPARE_MAX);
        shard_request(bench.shard, &bench.requests[i], now_us);
    }
    if (marker_wants(marker)) {
        const struct ledger *ledger = shard_ledger(bench.shard);
        marker_put(marker, &(struct group_mark){.last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger),
                                                .state_hash = ledger_state_hash(ledger)});
    }
    uint64_t judged_ns = mono_ns();
    must(journal_flush(shard_journal(bench.shard)), "flush");
    if (sample_count < SAMPLES_MAX)
        samples_ns[sample_count++] = (uint32_t)(judged_ns - begin_ns);
    bench.forms_bytes = 0;
}

static void on_failed(void *argument, enum status status, const char *problem)
{
    (void)argument;
    (void)status;
    fail("%s", problem);
}

static double open_again(const char *data, struct journal_report *out_report)
{
    struct shard_options options = bench_options(data);
    uint64_t begin_ns = mono_ns();
    if (shard_open(&options, &bench.shard, out_report) != STATUS_OK)
        fail("%s: %s", data, out_report->problem);
    return (double)(mono_ns() - begin_ns) / 1e9;
}

static void remove_checkpoints(const char *data)
{
    DIR *dir = opendir(data);
    if (dir == NULL)
        fail("%s cannot be read", data);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (strstr(entry->d_name, ".checkpoint") != NULL)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* Of a directory that is there. CPU time is told, too: of it nothing is what ran beside. */
static void start_again(const char *data, uint32_t times)
{
    struct journal_report report;
    for (uint32_t i = 0; i < times; i++) {
        struct timespec before, after;
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before); /* cannot fail for this clock */
        uint64_t before_ns = thread_cpu_ns();
        double seconds = open_again(data, &report);
        double own = (double)(thread_cpu_ns() - before_ns) / 1e9;
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        double cpu = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        printf("start: %llu decisions in %.3f s, %.2f M/s; %.3f s of CPU, %.3f s of them the replaying thread's; state hash %016llx\n",
               (unsigned long long)report.decision_count, seconds, (double)report.decision_count / seconds / 1e6, cpu, own,
               (unsigned long long)ledger_state_hash(shard_ledger(bench.shard)));
        fflush(stdout);
        shard_close(bench.shard);
    }
}

/* Copies n bytes through memory that is touched for the first time. */
static double probe(size_t n)
{
    uint8_t *from = malloc(1 << 20), *to = malloc(n);
    if (from == NULL || to == NULL)
        fail("no memory for the probe");
    memset(from, 1, 1 << 20);
    uint64_t begin_ns = mono_ns();
    for (size_t at = 0; at + (1 << 20) <= n; at += 1 << 20)
        memcpy(to + at, from, 1 << 20);
    double seconds = (double)(mono_ns() - begin_ns) / 1e9;
    free(from);
    free(to);
    return seconds;
}

int main(int argc, char **argv)
{
    const char *data = NULL;
    uint32_t cells = 1000000;
    uint32_t starts = 0;
    bool ids = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            data = argv[++i];
        else if (strcmp(argv[i], "--cells") == 0 && i + 1 < argc)
            cells = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--ids") == 0)
            ids = true;
        else if (strcmp(argv[i], "--starts") == 0 && i + 1 < argc)
            starts = (uint32_t)strtoul(argv[++i], NULL, 10);
        else
            data = NULL;
    }
    if (data == NULL || cells < BLOCK || cells > CELLS_MAX)
        fail("usage: recovery --data DIRECTORY [--cells 1000000] [--ids], %d to %d cells; or [--starts N] of one that is there", BLOCK,
             CELLS_MAX);
    if (starts != 0) {
        start_again(data, starts);
        return 0;
    }
    bench.forms = calloc(BLOCK, FORM_BYTES_MAX);
    bench.requests = calloc(BLOCK, sizeof(*bench.requests));
    if (bench.forms == NULL || bench.requests == NULL)
        fail("no memory for %d commands", BLOCK);
    bench.without_ids = !ids;
    open_shard(&bench, data);
    for (uint32_t cell = 0; cell < cells;) {
        uint32_t count = 0;
        while (count < BLOCK && cell < cells)
            make(&bench, count++, KIND_RECEIVE, cell++);
        play_block(&bench, count);
    }
    const struct shard_options options = bench_options(data);
    struct marker marker;
    marker_init(&marker);
    struct checkpointer_options checkpoint = {.env = bench.env,
                                              .marker = &marker,
                                              .journal = shard_journal(bench.shard),
                                              .limits = options.limits,
                                              .every_bytes = UINT64_MAX,
                                              .pace_bytes = CHECKPOINTER_PACE_DEFAULT,
                                              .failed = on_failed};
    for (uint64_t end_ns = mono_ns() + BESIDE_S * NS_PER_S; mono_ns() < end_ns;)
        some_groups(cells, NULL);
    print_samples("alone");
    checkpoint.every_bytes = 1;
    checkpoint.behind_bytes = 1;
    struct checkpointer *checkpointer = checkpointer_create(&checkpoint);
    if (checkpointer == NULL || checkpointer_start(checkpointer) != STATUS_OK)
        fail("no memory for the checkpointer");
    while (checkpointer_counters(checkpointer).made == 0)
        some_groups(cells, &marker);
    struct checkpointer_counters made = checkpointer_counters(checkpointer);
    print_samples("while a checkpoint is made");
    checkpointer_destroy(checkpointer);
    marker_deinit(&marker);
    uint64_t last_seq = journal_durable_seq(shard_journal(bench.shard));
    uint64_t hash = ledger_state_hash(shard_ledger(bench.shard));
    shard_close(bench.shard);
    printf("checkpoint of %u cells%s: %.1f MiB in %.2f s\n", cells, ids ? " and as many ids" : "",
           (double)made.last_bytes / (1 << 20), (double)made.last_took_ns / 1e9);

    struct journal_report report;
    double from_checkpoint = open_again(data, &report);
    if (report.checkpoint_seq == 0 || ledger_state_hash(shard_ledger(bench.shard)) != hash)
        fail("the start did not come to the same ledger from the checkpoint");
    printf("start from that checkpoint, and %llu decisions behind it: %.3f s\n",
           (unsigned long long)(last_seq - report.checkpoint_seq), from_checkpoint);
    checkpoint.journal = shard_journal(bench.shard);
    checkpoint.pace_bytes = 0;
    const struct ledger *ledger = shard_ledger(bench.shard);
    const struct group_mark mark = {
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
    char problem[512];
    uint64_t bytes;
    uint64_t begin_ns = mono_ns();
    if (checkpointer_make(&checkpoint, &mark, NULL, &bytes, problem, sizeof(problem)) != STATUS_OK)
        fail("%s", problem);
    printf("another one, with nothing beside it: %.1f MiB in %.2f s\n", (double)bytes / (1 << 20),
           (double)(mono_ns() - begin_ns) / 1e9);
    shard_close(bench.shard);
    from_checkpoint = open_again(data, &report);
    if (report.checkpoint_seq != mark.last_seq || ledger_state_hash(shard_ledger(bench.shard)) != hash)
        fail("the start did not come to the same ledger from the last checkpoint");
    shard_close(bench.shard);
    printf("start from it alone: %.3f s\n", from_checkpoint);
    remove_checkpoints(data);
    double from_journal = open_again(data, &report);
    if (ledger_state_hash(shard_ledger(bench.shard)) != hash)
        fail("the start did not come to the same ledger from the journal");
    shard_close(bench.shard);
    printf("start from the journal: %llu decisions in %.3f s, %.2f M/s\n", (unsigned long long)report.decision_count,
           from_journal, (double)report.decision_count / from_journal / 1e6);
    printf("probe: 128 bytes for each cell copied to fresh memory in %.3f s\n", probe((size_t)cells * 128));
    free(bench.requests);
    free(bench.forms);
    return 0;
}
