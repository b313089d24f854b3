/*
 * onhand verify: an offline check of a data directory, or with --server of a running server (verify_online.c). Reads every segment, frame and record, replays them into a ledger
 * of its own, checks its invariants and sums, holds the checkpoints against it, and prints the state hash. Changes nothing.
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/diverged.h"
#include "cli/dump.h"
#include "cli/verify_online.h"
#include "engine/checkpoint_check.h"

struct work {
    struct rebuild rebuild;
    struct checkpoint_check check;
    struct journal_report report;
};

static void print_hex(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
}

/* What is wrong with checkpoints, and what is not wrong and yet to be known. */
static void say_checkpoints(const struct checkpoint_check *check)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->list[i].problem[0] != 0)
            cli_error("verify", "%s: %s", check->list[i].name, check->list[i].problem);
}

static void print_json(const struct work *work, bool right)
{
    const struct journal_report *report = &work->report;
    const struct ledger_counts counts = ledger_counts(work->rebuild.ledger);
    printf("{\"ok\":%s,\"ledger\":\"", right ? "true" : "false");
    print_hex(report->ledger_id, sizeof(report->ledger_id));
    printf("\",\"epoch\":%u,\"segments\":%llu,\"frames\":%llu,\"decisions\":%llu,\"last_seq\":%llu,"
           "\"torn_bytes\":%llu,\"items\":%u,\"locations\":%u,\"cells\":%u,\"holds\":%u,\"ids\":%u,"
           "\"state_hash\":\"%016llx\",\"checkpoints\":[",
           epoch_number(report->epochs.now), (unsigned long long)report->segment_count, (unsigned long long)report->frame_count,
           (unsigned long long)report->decision_count, (unsigned long long)report->last_seq,
           (unsigned long long)report->cut_bytes, counts.items, counts.locations, counts.cells, counts.claims_live,
           counts.ids, (unsigned long long)ledger_state_hash(work->rebuild.ledger));
    for (size_t i = 0; i < work->check.count; i++) {
        const struct checkpoint_checked *checked = &work->check.list[i];
        printf("%s{\"name\":\"%s\",\"verdict\":\"%s\"}", i == 0 ? "" : ",", checked->name, checkpoint_verdict_name(checked->verdict));
    }
    printf("]}\n");
}

static void print_report(const struct work *work, size_t wrong)
{
    const struct journal_report *report = &work->report;
    const struct ledger_counts counts = ledger_counts(work->rebuild.ledger);
    printf("ledger      ");
    print_hex(report->ledger_id, sizeof(report->ledger_id));
    printf("\nepoch       %u\nsegments    %llu\nframes      %llu\ndecisions   %llu\nlast event  %llu\n", epoch_number(report->epochs.now),
           (unsigned long long)report->segment_count, (unsigned long long)report->frame_count,
           (unsigned long long)report->decision_count, (unsigned long long)report->last_seq);
    printf("items       %u\nlocations   %u\ncells       %u\nlive holds  %u\nids kept    %u\n", counts.items,
           counts.locations, counts.cells, counts.claims_live, counts.ids);
    printf("state hash  %016llx\n", (unsigned long long)ledger_state_hash(work->rebuild.ledger));
    printf("checkpoints %zu\n", work->check.count);
    if (report->cut_bytes != 0)
        printf("torn tail   %llu bytes at %s, never acknowledged: the next start cuts them\n",
               (unsigned long long)report->cut_bytes, report->cut_where);
    if (wrong == 0)
        printf("checksums, chain, order, sums and invariants are right\n");
    else
        printf("checksums, chain, order, sums and invariants of the journal are right; %zu of the checkpoints are wrong\n", wrong);
}

/* The checkpoints first: of their ledgers and that of the journal only one is in memory at a time. */
static enum status read_checkpoints(struct work *work, const char *path, const struct ledger_limits *limits)
{
    const struct env *env = linux_env();
    struct env_directory *directory = NULL;
    enum status status = env->directory_open(env->context, path, false, false, &directory);
    if (status != STATUS_OK)
        return STATUS_OK; /* the journal is not to be had either, which says it better */
    status = checkpoint_check_read(&work->check, env, directory, limits);
    env->directory_close(env->context, directory);
    return status;
}

static void on_frame(void *context, const struct journal_met *met)
{
    struct work *work = context;
    if (work->rebuild.limit_too_low == NULL)
        checkpoint_check_meet(&work->check, met, work->rebuild.ledger);
}

static int run(struct work *work, const char *path, bool json)
{
    const struct journal_replay replay = rebuild_replay_whole(&work->rebuild);
    const struct journal_frames frames = {.context = work, .met = on_frame};
    enum status status = journal_walk(linux_env(), path, &replay, &frames, &work->report);
    if (status != STATUS_OK)
        return dump_refused("verify", path, &work->report, status);
    if (work->rebuild.limit_too_low != NULL) {
        cli_error("verify", "'%s': the state does not fit this version's limit of %s", path, work->rebuild.limit_too_low);
        return EXIT_FILES;
    }
    ledger_check(work->rebuild.ledger);
    size_t wrong = checkpoint_check_end(&work->check, &work->report, UINT64_MAX);
    say_checkpoints(&work->check);
    if (json)
        print_json(work, wrong == 0);
    else
        print_report(work, wrong);
    return wrong == 0 ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_verify(int argc, char **argv)
{
    static struct work work;
    bool json = false;
    const char *other = NULL;
    const char *server = NULL;
    const struct args_option table[] = {{"json", ARGS_FLAG, &json},
                                        {"diverged", ARGS_TEXT, &other},
                                        {"server", ARGS_TEXT, &server},
                                        {NULL, ARGS_FLAG, NULL}};
    const char *words[1];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 1, &word_count, &code))
        return code;
    if (server != NULL && (word_count != 0 || other != NULL)) {
        cli_error("verify", "--server is for a running server, instead of a data directory");
        return EXIT_USAGE;
    }
    if (server != NULL)
        return cli_finish("verify", verify_online(server, json));
    if (word_count != 1) {
        cli_error("verify", "which data directory? say: onhand verify DIR, or onhand verify --server ADDRESS");
        return EXIT_USAGE;
    }
    if (other != NULL)
        return cli_finish("verify", diverged(words[0], other));
    const struct ledger_limits limits = ledger_limits_most(); /* whatever the server was started with */
    if (read_checkpoints(&work, words[0], &limits) != STATUS_OK ||
        rebuild_init(&work.rebuild, linux_env(), &limits) != STATUS_OK) {
        cli_error("verify", "address space for the tables cannot be had (%zu MiB)", ledger_bytes(&limits) >> 20);
        return EXIT_FILES;
    }
    code = run(&work, words[0], json);
    rebuild_deinit(&work.rebuild);
    return cli_finish("verify", code);
}
