/*
 * onhand verify: an offline check of a data directory. Reads every segment, frame and record, replays them into a ledger
 * of its own, checks its invariants and sums, and prints the state hash. Changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/diverged.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

struct replayed {
    struct region region;
    struct ledger_limits limits;
    struct ledger *ledger;
};

static void on_genesis(void *context, const struct genesis *genesis)
{
    struct replayed *replayed = context;
    const struct siphash_key key = {genesis->key[0], genesis->key[1]};
    replayed->ledger = ledger_init(&replayed->region, &replayed->limits, &key);
}

static void on_decision(void *context, const struct decision *decision)
{
    struct replayed *replayed = context;
    ledger_evolve(replayed->ledger, decision);
}

static void print_hex(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
}

static void print_report(const struct journal_report *report, const struct ledger *ledger, bool json)
{
    const struct ledger_counts counts = ledger_counts(ledger);
    if (json) {
        printf("{\"ok\":true,\"ledger\":\"");
        print_hex(report->ledger_id, sizeof(report->ledger_id));
        printf("\",\"epoch\":%u,\"segments\":%llu,\"frames\":%llu,\"decisions\":%llu,\"last_seq\":%llu,"
               "\"torn_bytes\":%llu,\"items\":%u,\"locations\":%u,\"cells\":%u,\"holds\":%u,\"ids\":%u,"
               "\"state_hash\":\"%016llx\"}\n",
               epoch_number(report->epochs.now), (unsigned long long)report->segment_count, (unsigned long long)report->frame_count,
               (unsigned long long)report->decision_count, (unsigned long long)report->last_seq,
               (unsigned long long)report->cut_bytes, counts.items, counts.locations, counts.cells, counts.claims_live,
               counts.ids, (unsigned long long)ledger_state_hash(ledger));
        return;
    }
    printf("ledger      ");
    print_hex(report->ledger_id, sizeof(report->ledger_id));
    printf("\nepoch       %u\nsegments    %llu\nframes      %llu\ndecisions   %llu\nlast event  %llu\n", epoch_number(report->epochs.now),
           (unsigned long long)report->segment_count, (unsigned long long)report->frame_count,
           (unsigned long long)report->decision_count, (unsigned long long)report->last_seq);
    printf("items       %u\nlocations   %u\ncells       %u\nlive holds  %u\nids kept    %u\n", counts.items,
           counts.locations, counts.cells, counts.claims_live, counts.ids);
    printf("state hash  %016llx\n", (unsigned long long)ledger_state_hash(ledger));
    if (report->cut_bytes != 0)
        printf("torn tail   %llu bytes at %s, never acknowledged: the next start cuts them\n",
               (unsigned long long)report->cut_bytes, report->cut_where);
    printf("checksums, chain, order, sums and invariants are right\n");
}

int cmd_verify(int argc, char **argv)
{
    bool json = false;
    const char *other = NULL;
    const struct args_option table[] = {{"json", ARGS_FLAG, &json}, {"diverged", ARGS_TEXT, &other}, {NULL, ARGS_FLAG, NULL}};
    const char *words[1];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 1, &word_count, &code))
        return code;
    if (word_count != 1) {
        cli_error("verify", "which data directory? say: onhand verify DIR");
        return EXIT_USAGE;
    }
    if (other != NULL)
        return cli_finish("verify", diverged(words[0], other));
    const struct env *env = linux_env();
    struct replayed replayed = {.limits = ledger_limits_most()}; /* whatever the server was started with */
    size_t bytes = ledger_bytes(&replayed.limits);
    replayed.region = (struct region){env->memory_reserve(env->context, bytes), bytes, 0};
    if (replayed.region.base == NULL) {
        cli_error("verify", "address space for the tables cannot be had (%zu MiB)", bytes >> 20);
        return EXIT_FILES;
    }
    const struct journal_replay replay = {
        .context = &replayed, .genesis = on_genesis, .decision = on_decision};
    struct journal_report report = {0};
    enum status status = journal_verify(env, words[0], &replay, &report);
    if (status == STATUS_OK) {
        ledger_check(replayed.ledger);
        print_report(&report, replayed.ledger, json);
        code = EXIT_DONE;
    } else {
        cli_error("verify", "'%s': %s", words[0], report.problem[0] != 0 ? report.problem : status_text(status));
        code = status == STATUS_DAMAGED || status == STATUS_VERSION ? EXIT_REFUSED : EXIT_FILES;
    }
    env->memory_release(env->context, replayed.region.base, bytes);
    return cli_finish("verify", code);
}
