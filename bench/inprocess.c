/*
 * Goal: how many commands a second one shard decides and makes durable, with nobody between: no HTTP, no JSON, no other
 * thread than the journal's own (DESIGN section 8: decide, journal, flush in groups of 4,096, at least 2 M/s).
 * Method: the reserve work, "hold one unit if available, own id, event kept", on the items that hold a Zipf's sales.
 * Commands are made in canonical form a block at a time, with the clock stopped and nothing in flight; then the block
 * is judged and written as the engine does it: a group is written by the journal's helper while the next is judged. The
 * tables' memory is warmed between blocks, as the engine's warmer does beside it. The last line is
 * `inprocess_ops_per_s=N`.
 */
#include "oneshard.h"
#include "zipf.h"

#define ITEMS       100000
#define ZIPF_THETA  0.99 /* DESIGN section 8 */
#define SEED        20101201
#define SECONDS_MAX 60

static void load_stock(struct bench *bench)
{
    for (uint32_t item = 0; item < ITEMS;) {
        uint32_t count = 0;
        while (count < BLOCK && item < ITEMS)
            make(bench, count++, KIND_RECEIVE, item++);
        play_block(bench, count);
    }
    bench->made = bench->judged = bench->refused = bench->spent_ns = bench->spent_cpu_ns = 0;
}

int main(int argc, char **argv)
{
    const char *data = NULL;
    double seconds = 3;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0)
            data = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
        else
            data = NULL;
    }
    if (data == NULL || argc % 2 == 0 || !(seconds > 0 && seconds <= SECONDS_MAX))
        fail("usage: inprocess --data DIRECTORY [--seconds 3], up to %d", SECONDS_MAX);
    static struct bench bench;
    struct zipf zipf;
    struct prng prng = prng_of(SEED);
    bench.forms = calloc(BLOCK, FORM_BYTES_MAX);
    bench.requests = calloc(BLOCK, sizeof(*bench.requests));
    if (bench.forms == NULL || bench.requests == NULL)
        fail("no memory for %d commands", BLOCK);
    zipf_init(&zipf, ITEMS, ZIPF_THETA);
    open_shard(&bench, data);
    load_stock(&bench);

    struct journal_counters before = journal_counters(shard_journal(bench.shard));
    while ((double)bench.spent_ns < seconds * 1e9 && bench.judged + BLOCK <= HOLDS_MAX) {
        for (uint32_t i = 0; i < BLOCK; i++)
            make(&bench, i, KIND_HOLD, zipf_next(&zipf, &prng));
        play_block(&bench, BLOCK);
    }
    struct journal_counters after = journal_counters(shard_journal(bench.shard));
    double judged = (double)bench.judged;
    printf("%llu holds in groups of %d, %llu refused; %llu flushes, %.0f bytes a hold; %.0f ns of the thread a hold\n",
           (unsigned long long)bench.judged, GROUP, (unsigned long long)bench.refused,
           (unsigned long long)(after.flushes - before.flushes),
           (double)(after.disk_bytes - before.disk_bytes) / judged, (double)bench.spent_cpu_ns / judged);
    shard_close(bench.shard);
    zipf_deinit(&zipf);
    free(bench.requests);
    free(bench.forms);
    printf("inprocess_ops_per_s=%.0f\n", judged * 1e9 / (double)bench.spent_ns);
    return 0;
}
