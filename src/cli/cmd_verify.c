/*
 * onhand verify: an offline check of a data directory, or with --server of a running server (verify_online.c). Reads every segment, frame and record, replays them into a ledger
 * of its own, checks its invariants and sums, holds the checkpoints against it, and prints the state hash. Changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/diverged.h"
#include "cli/dump.h"
#include "cli/verify_online.h"
#include "engine/checkpoint_check.h"
#include "feed/position.h"
#include "journal/chain_check.h"

struct work {
    struct rebuild rebuild;
    struct checkpoint_check check;
    struct chain_check chain;
    struct args_list heads; /* to be held against it, and where they are said to be */
    struct position positions[CHAIN_HEADS_MAX];
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

/* A head in text: the position of its last event, and 64 digits. False when it is not known. */
static bool chain_text(const struct work *work, const struct chain_head *head, char out_position[POSITION_TEXT_BYTES + 1],
                       char out_hex[CHAIN_HEX_BYTES])
{
    if (head == NULL)
        return false;
    const struct position position = {epochs_of(&work->report.epochs, head->seq), head->seq};
    out_position[position_format(position, out_position)] = 0;
    chain_format(head, out_hex);
    return true;
}

/* What is wrong with the heads that were to be held against it. Returns how many. */
static size_t say_heads(const struct work *work)
{
    const struct chain_check *check = &work->chain;
    char position[POSITION_TEXT_BYTES + 1], hex[CHAIN_HEX_BYTES];
    uint64_t right = chain_check_right(check);
    size_t wrong = 0;
    for (size_t i = 0; i < check->count; i++) {
        const struct chain_wanted *wanted = &check->list[i];
        const char *text = work->heads.values[i];
        const struct position *at = &work->positions[i];
        bool had = epochs_has(&work->report.epochs, at->epoch, at->seq);
        wrong += !had || wanted->verdict != CHAIN_RIGHT;
        if (wanted->verdict != CHAIN_UNMET)
            (void)chain_text(work, &wanted->found, position, hex);
        if (!had)
            cli_error("verify", "--chain %s: this directory never had that position", text);
        else if (check->unknown)
            cli_error("verify", "--chain %s: the beginning of this journal is no longer kept, and its head there is not known", text);
        else if (wanted->verdict == CHAIN_UNMET && wanted->head.seq < work->report.oldest_seq)
            cli_error("verify", "--chain %s: what was decided then is no longer kept: the oldest head that can be told is at event %llu", text,
                      (unsigned long long)work->report.oldest_seq - 1);
        else if (wanted->verdict == CHAIN_UNMET)
            cli_error("verify", "--chain %s: the journal ends before it, with event %llu", text,
                      (unsigned long long)work->report.last_seq);
        else if (wanted->verdict == CHAIN_INSIDE)
            cli_error("verify", "--chain %s: there is no head at that event, which is in the middle of a group; the next one is at %s. "
                                "Was it decided in another history?", text, position);
        else if (wanted->verdict == CHAIN_WRONG && right != 0 && right < wanted->head.seq)
            cli_error("verify", "--chain %s: the head there is %s: what was decided behind event %llu, where a head given is right, up to "
                                "there is not what it was. Restore a backup whose chain is right", text, hex, (unsigned long long)right);
        else if (wanted->verdict == CHAIN_WRONG)
            cli_error("verify", "--chain %s: the head there is %s: something that was decided up to there is not what it was. Earlier heads "
                                "tell where. Restore a backup whose chain is right", text, hex);
    }
    return wrong;
}

static void print_json(const struct work *work, bool right)
{
    const struct journal_report *report = &work->report;
    const struct ledger_counts counts = ledger_counts(work->rebuild.ledger);
    printf("{\"ok\":%s,\"ledger\":\"", right ? "true" : "false");
    print_hex(report->ledger_id, sizeof(report->ledger_id));
    printf("\",\"epoch\":%u,\"segments\":%llu,\"frames\":%llu,\"decisions\":%llu,\"oldest_seq\":%llu,\"last_seq\":%llu,"
           "\"torn_bytes\":%llu,\"items\":%u,\"locations\":%u,\"cells\":%u,\"holds\":%u,\"ids\":%u,"
           "\"state_hash\":\"%016llx\",\"checkpoints\":[",
           epoch_number(report->epochs.now), (unsigned long long)report->segment_count, (unsigned long long)report->frame_count,
           (unsigned long long)report->decision_count, (unsigned long long)report->oldest_seq, (unsigned long long)report->last_seq,
           (unsigned long long)report->cut_bytes, counts.items, counts.locations, counts.cells, counts.claims_live,
           counts.ids, (unsigned long long)ledger_state_hash(work->rebuild.ledger));
    for (size_t i = 0; i < work->check.count; i++) {
        const struct checkpoint_checked *checked = &work->check.list[i];
        printf("%s{\"name\":\"%s\",\"verdict\":\"%s\"}", i == 0 ? "" : ",", checked->name, checkpoint_verdict_name(checked->verdict));
    }
    char position[POSITION_TEXT_BYTES + 1], hex[CHAIN_HEX_BYTES];
    if (chain_text(work, chain_check_head(&work->chain), position, hex))
        printf("],\"chain\":{\"position\":\"%s\",\"head\":\"%s\"}}\n", position, hex);
    else
        printf("],\"chain\":null}\n");
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
    if (report->oldest_seq > 1)
        printf("oldest kept %llu: what was before it was dropped\n", (unsigned long long)report->oldest_seq);
    printf("items       %u\nlocations   %u\ncells       %u\nlive holds  %u\nids kept    %u\n", counts.items,
           counts.locations, counts.cells, counts.claims_live, counts.ids);
    printf("state hash  %016llx\n", (unsigned long long)ledger_state_hash(work->rebuild.ledger));
    printf("checkpoints %zu\n", work->check.count);
    char position[POSITION_TEXT_BYTES + 1], hex[CHAIN_HEX_BYTES];
    if (chain_text(work, chain_check_head(&work->chain), position, hex))
        printf("chain       %s %s\n", position, hex);
    else
        printf("chain       not known: it was not when the beginning of the journal was dropped\n");
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
    chain_check_meet(&work->chain, met, &work->report);
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
    if (work->chain.failed) {
        cli_error("verify", "there is no memory for the chain");
        return EXIT_FILES;
    }
    size_t heads = say_heads(work);
    if (json)
        print_json(work, wrong + heads == 0);
    else
        print_report(work, wrong);
    return wrong + heads == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* The heads to be held against the chain: POSITION:HEX each. */
static bool take_heads(struct work *work)
{
    for (unsigned i = 0; i < work->heads.count; i++) {
        const char *text = work->heads.values[i];
        const char *colon = strchr(text, ':');
        struct chain_wanted *wanted = &work->chain.list[i];
        if (colon == NULL || !position_parse(text_of(text, (size_t)(colon - text)), &work->positions[i]) ||
            !chain_parse(colon + 1, strlen(colon + 1), wanted->head.bytes)) {
            cli_error("verify", "--chain is '%s', but must be POSITION:HEX, as verify printed them: a position and 64 digits", text);
            return false;
        }
        wanted->head.seq = work->positions[i].seq;
    }
    work->chain.count = work->heads.count;
    return true;
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
                                        {"chain", ARGS_LIST, &work.heads},
                                        {NULL, ARGS_FLAG, NULL}};
    const char *words[1];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 1, &word_count, &code))
        return code;
    if (server != NULL && (word_count != 0 || other != NULL || work.heads.count != 0)) {
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
    if (chain_check_init(&work.chain) != STATUS_OK) {
        cli_error("verify", "there is no memory for the chain");
        return EXIT_FILES;
    }
    if (!take_heads(&work)) {
        chain_check_deinit(&work.chain);
        return EXIT_USAGE;
    }
    if (read_checkpoints(&work, words[0], &limits) != STATUS_OK ||
        rebuild_init(&work.rebuild, linux_env(), &limits) != STATUS_OK) {
        cli_error("verify", "address space for the tables cannot be had (%zu MiB)", ledger_bytes(&limits) >> 20);
        return EXIT_FILES;
    }
    code = run(&work, words[0], json);
    rebuild_deinit(&work.rebuild);
    chain_check_deinit(&work.chain);
    return cli_finish("verify", code);
}
