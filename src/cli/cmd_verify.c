/*
 * onhand verify: an offline check of a data directory. Reads every segment, frame and record, replays them into a ledger
 * of its own, checks its invariants and sums, and prints the state hash. Changes nothing.
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/diverged.h"
#include "cli/dump.h"

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

static int run(struct rebuild *rebuild, const char *path, bool json)
{
    const struct journal_replay replay = rebuild_replay_whole(rebuild);
    struct journal_report report = {0};
    enum status status = journal_verify(linux_env(), path, &replay, &report);
    if (status != STATUS_OK)
        return dump_refused("verify", path, &report, status);
    if (rebuild->limit_too_low != NULL) {
        cli_error("verify", "'%s': the state does not fit this version's limit of %s", path, rebuild->limit_too_low);
        return EXIT_FILES;
    }
    ledger_check(rebuild->ledger);
    print_report(&report, rebuild->ledger, json);
    return EXIT_DONE;
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
    struct rebuild rebuild;
    const struct ledger_limits limits = ledger_limits_most(); /* whatever the server was started with */
    if (rebuild_init(&rebuild, linux_env(), &limits) != STATUS_OK) {
        cli_error("verify", "address space for the tables cannot be had (%zu MiB)", ledger_bytes(&limits) >> 20);
        return EXIT_FILES;
    }
    code = run(&rebuild, words[0], json);
    rebuild_deinit(&rebuild);
    return cli_finish("verify", code);
}
