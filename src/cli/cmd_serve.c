/* onhand serve: options from the command line and the environment, then the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "server/server.h"

/* Splits HOST:PORT or [V6]:PORT in place. */
static bool split_listen(char *text, const char **out_address, int *out_port)
{
    char *colon = strrchr(text, ':');
    char *end = NULL;
    if (colon == NULL || colon[1] == 0)
        return false;
    long port = strtol(colon + 1, &end, 10);
    if (*end != 0 || port < 0 || port > 65535)
        return false;
    *colon = 0;
    size_t n = strlen(text);
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text[n - 1] = 0;
        text++;
    }
    *out_address = strcmp(text, "localhost") == 0 ? "127.0.0.1" : text;
    *out_port = (int)port;
    return *text != 0;
}

#define OPTIONS_MAX 48 /* in the table below, and words the environment adds */

/*
 * ONHAND_DATA stands for --data, ONHAND_ID_WINDOW for --id-window, and so on; a flag is set by 1. What the environment
 * says goes in front of the line's own words, so that those win. *out_count words in out_words, which the caller frees.
 */
static bool add_environment(const struct args_option *table, int argc, char **argv, char **out_words, int *out_count)
{
    int count = 0;
    out_words[count++] = strdup(argv[0]);
    for (const struct args_option *option = table; option->name != NULL; option++) {
        char name[64] = "ONHAND_";
        size_t n = strlen(name);
        for (const char *at = option->name; *at != 0 && n + 1 < sizeof(name); at++)
            name[n++] = *at == '-' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        name[n] = 0;
        const char *value = getenv(name);
        if (value == NULL || (option->kind == ARGS_FLAG && strcmp(value, "1") != 0))
            continue;
        size_t bytes = strlen(option->name) + strlen(value) + 4;
        char *word = malloc(bytes);
        if (word != NULL)
            snprintf(word, bytes, option->kind == ARGS_FLAG ? "--%s" : "--%s=%s", option->name, value);
        out_words[count++] = word;
    }
    for (int i = 1; i < argc; i++)
        out_words[count++] = strdup(argv[i]);
    out_words[count] = NULL;
    *out_count = count;
    for (int i = 0; i < count; i++) {
        if (out_words[i] == NULL)
            return false;
    }
    return true;
}

static void free_words(char **words)
{
    for (char **word = words; *word != NULL; word++)
        free(*word);
    free(words);
}

static bool in_range(const char *option, int64_t value, int64_t least, int64_t most)
{
    if (value >= least && value <= most)
        return true;
    cli_error("serve", "--%s is %lld, but must be %lld to %lld", option, (long long)value, (long long)least,
              (long long)most);
    return false;
}

/* "host:port" or "http://host:port/" as "http://host:port". */
static bool read_primary(const char *word, char *out, size_t n)
{
    bool scheme = strstr(word, "://") != NULL;
    if (scheme && strncmp(word, "http://", 7) != 0 && strncmp(word, "https://", 8) != 0)
        return false;
    if ((size_t)snprintf(out, n, "%s%s", scheme ? "" : "http://", word) >= n)
        return false;
    for (size_t length = strlen(out); length > 0 && out[length - 1] == '/'; length--)
        out[length - 1] = 0;
    return strpbrk(out, " \t\r\n") == NULL && strlen(out) > 8;
}

/* What is said of the journal's past goes together; options->history_days is set. */
static bool retains_well(struct server_options *options, int64_t history_days)
{
    bool retains = options->retain_days != 0 || options->retain_mib != 0;
    if (options->retain_days != 0 && options->history_days > options->retain_days)
        options->history_days = options->retain_days; /* by itself */
    if (history_days >= 0)
        options->history_days = history_days;
    if (options->retain_days != 0 && history_days > options->retain_days)
        cli_error("serve", "--history-days %lld is more than --retain-days %lld: what is dropped cannot be asked for",
                  (long long)history_days, (long long)options->retain_days);
    else if (retains && options->checkpoint_mib == 0)
        cli_error("serve", "--retain-days and --retain-mib need checkpoints: --checkpoint-mib must not be 0");
    else if (!retains && (options->archive_command != NULL || history_days >= 0))
        cli_error("serve", "%s goes with --retain-days or --retain-mib: without them nothing is dropped",
                  options->archive_command != NULL ? "--archive-command" : "--history-days");
    else if (options->archive_command != NULL && options->archive_command[0] == '\0')
        cli_error("serve", "--archive-command is empty");
    else
        return true;
    return false;
}

/* follow: of a standby, whose primary's address is the word on the line. */
static int run(int argc, char **argv, bool follow)
{
    const char *name = follow ? "follow" : "serve";
    struct server_options options;
    server_options_init(&options);
    const char *listen = "127.0.0.1:4760";
    const char *peer = NULL;
    struct args_list hosts = {.count = 0};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t io_threads = processors > 4 ? processors / 4 : 1;
    int64_t segment_mib = (int64_t)(options.segment_bytes >> 20);
    int64_t raw_segments = (int64_t)options.raw_segments;
    int64_t connections = options.connections_max;
    int64_t id_capacity = options.id_capacity;
    int64_t items = options.limits.item_count_max;
    int64_t cells = options.limits.cell_count_max;
    int64_t holds = options.limits.claim_count_max;
    int64_t hold_lines = options.limits.claim_line_count_max;
    int64_t transfers = options.limits.transfer_count_max;
    int64_t expectations = options.limits.expectation_count_max;
    int64_t document_lines = options.limits.document_line_count_max;
    int64_t counts = options.limits.mark_count_max;
    int64_t reviews = options.limits.review_count_max;
    int64_t statements = options.limits.statement_count_max;
    int64_t locations = options.limits.location_count_max;
    int64_t sources = options.limits.source_count_max;
    int64_t config_mib = options.limits.config_mib_max;
    int64_t aliases = options.limits.alias_count_max;
    int64_t parts = options.limits.part_count_max;
    int64_t quotas = options.limits.quota_count_max;
    int64_t offers = options.limits.offer_count_max;
    int64_t audit_rate = options.audit_rate;
    int64_t history_days = -1; /* not said */
    struct args_option table[] = {
        {"data", ARGS_TEXT, &options.data},
        {"listen", ARGS_TEXT, &listen},
        {"host", ARGS_LIST, &hosts},
        {"peer", ARGS_TEXT, &peer},
        {"insecure", ARGS_FLAG, &options.insecure},
        {"io-threads", ARGS_NUMBER, &io_threads},
        {"connections-max", ARGS_NUMBER, &connections},
        {"segment-mib", ARGS_NUMBER, &segment_mib},
        {"raw-segments", ARGS_NUMBER, &raw_segments},
        {"id-window", ARGS_NUMBER, &options.id_window_s},
        {"id-capacity", ARGS_NUMBER, &id_capacity},
        {"items-max", ARGS_NUMBER, &items},
        {"cells-max", ARGS_NUMBER, &cells},
        {"holds-max", ARGS_NUMBER, &holds},
        {"hold-lines-max", ARGS_NUMBER, &hold_lines},
        {"transfers-max", ARGS_NUMBER, &transfers},
        {"expectations-max", ARGS_NUMBER, &expectations},
        {"document-lines-max", ARGS_NUMBER, &document_lines},
        {"counts-max", ARGS_NUMBER, &counts},
        {"reviews-max", ARGS_NUMBER, &reviews},
        {"statements-max", ARGS_NUMBER, &statements},
        {"locations-max", ARGS_NUMBER, &locations},
        {"sources-max", ARGS_NUMBER, &sources},
        {"config-mib", ARGS_NUMBER, &config_mib},
        {"aliases-max", ARGS_NUMBER, &aliases},
        {"parts-max", ARGS_NUMBER, &parts},
        {"quotas-max", ARGS_NUMBER, &quotas},
        {"offers-max", ARGS_NUMBER, &offers},
        {"strict", ARGS_FLAG, &options.strict},
        {"accept-clock", ARGS_FLAG, &options.accept_clock},
        {"clock-step", ARGS_NUMBER, &options.clock_step_s},
        {"spin", ARGS_NUMBER, &options.spin_us},
        {"audit-rate", ARGS_NUMBER, &audit_rate},
        {"checkpoint-mib", ARGS_NUMBER, &options.checkpoint_mib},
        {"retain-days", ARGS_NUMBER, &options.retain_days},
        {"retain-mib", ARGS_NUMBER, &options.retain_mib},
        {"history-days", ARGS_NUMBER, &history_days},
        {"archive-command", ARGS_TEXT, &options.archive_command},
        {"past-keep", ARGS_NUMBER, &options.past_keep_s},
        {"fault-no-flush", ARGS_FLAG, &options.fault_no_flush},
        {NULL, ARGS_FLAG, NULL},
    };
    _Static_assert(sizeof(table) / sizeof(table[0]) <= OPTIONS_MAX, "the environment's words have room");
    /* The words live as long as the server does: its options point into them. */
    char **line = calloc((size_t)argc + OPTIONS_MAX + 1, sizeof(*line));
    int line_count = 0;
    const char *words[1];
    unsigned word_count;
    int code;
    if (line == NULL || !add_environment(table, argc, argv, line, &line_count)) {
        cli_error(name, "memory for the options could not be had");
        return EXIT_FILES;
    }
    if (!args_parse(line_count, line, table, words, follow ? 1 : 0, &word_count, &code)) {
        free_words(line);
        return code;
    }
    char primary[256] = "";
    if (follow && (word_count != 1 || !read_primary(words[0], primary, sizeof(primary)))) {
        cli_error("follow", "which server? say its address: onhand follow http://HOST:PORT --data DIR");
        free_words(line);
        return EXIT_USAGE;
    }
    options.follow = follow ? primary : NULL;
    char peer_address[256] = "";
    if (peer != NULL && !read_primary(peer, peer_address, sizeof(peer_address))) {
        cli_error(name, "--peer is '%s', but must be the address of a server, as http://10.0.0.2:4760", peer);
        free_words(line);
        return EXIT_USAGE;
    }
    options.peer = peer != NULL ? peer_address : NULL;
    if (options.data == NULL) {
        cli_error(name, "which data directory? say --data DIR (it is created when it does not exist)");
        free_words(line);
        return EXIT_USAGE;
    }
    char *listen_copy = strdup(listen);
    if (listen_copy == NULL || !split_listen(listen_copy, &options.address, &options.port)) {
        cli_error(
            name,
            "--listen is '%s', but must be ADDRESS:PORT, as 127.0.0.1:4760 or [::1]:4760, with a port up to 65535",
            listen);
        free(listen_copy);
        free_words(line);
        return EXIT_USAGE;
    }
    code = EXIT_USAGE;
    const struct ledger_limits most = ledger_limits_most();
    if (in_range("io-threads", io_threads, 1, SERVER_IO_THREADS_MAX) &&
        in_range("connections-max", connections, 1, 1000000) && in_range("segment-mib", segment_mib, 8, 4096) &&
        in_range("id-window", options.id_window_s, 1, INT64_C(366) * 24 * 60 * 60) &&
        in_range("id-capacity", id_capacity, 1024, options.limits.id_count_max) &&
        in_range("items-max", items, 1, most.item_count_max) && in_range("cells-max", cells, 1, most.cell_count_max) &&
        in_range("holds-max", holds, 1, most.claim_count_max) &&
        in_range("hold-lines-max", hold_lines, 1000, most.claim_line_count_max) &&
        in_range("transfers-max", transfers, 1, most.transfer_count_max) &&
        in_range("expectations-max", expectations, 1, most.expectation_count_max) &&
        in_range("document-lines-max", document_lines, 1000, most.document_line_count_max) &&
        in_range("counts-max", counts, 1000, most.mark_count_max) &&
        in_range("reviews-max", reviews, 100, most.review_count_max) &&
        in_range("statements-max", statements, 1000, most.statement_count_max) &&
        in_range("locations-max", locations, 1, most.location_count_max) &&
        in_range("sources-max", sources, 2, most.source_count_max) &&
        in_range("config-mib", config_mib, 1, most.config_mib_max) &&
        in_range("aliases-max", aliases, 1, most.alias_count_max) &&
        in_range("parts-max", parts, 1, most.part_count_max) &&
        in_range("quotas-max", quotas, 1, most.quota_count_max) &&
        in_range("offers-max", offers, 1, most.offer_count_max) && in_range("spin", options.spin_us, 0, 1000) &&
        in_range("clock-step", options.clock_step_s, 1, 86400) &&
        in_range("audit-rate", audit_rate, 0, AUDITOR_RATE_MAX) &&
        in_range("past-keep", options.past_keep_s, 0, 86400) && in_range("raw-segments", raw_segments, 0, 1000000) &&
        in_range("checkpoint-mib", options.checkpoint_mib, 0, 1048576) &&
        in_range("retain-days", options.retain_days, 0, 36500) &&
        in_range("retain-mib", options.retain_mib, 0, 1 << 30) && in_range("history-days", history_days == -1 ? 0 : history_days, 0, 36500) &&
        retains_well(&options, history_days)) {
        options.io_threads = (uint32_t)io_threads;
        options.connections_max = (uint32_t)connections;
        options.segment_bytes = (uint64_t)segment_mib << 20;
        options.raw_segments = (size_t)raw_segments;
        options.id_capacity = (uint32_t)id_capacity;
        options.limits.item_count_max = (uint32_t)items;
        options.limits.cell_count_max = (uint32_t)cells;
        options.limits.claim_count_max = (uint32_t)holds;
        options.limits.claim_line_count_max = (uint32_t)hold_lines;
        options.limits.transfer_count_max = (uint32_t)transfers;
        options.limits.expectation_count_max = (uint32_t)expectations;
        options.limits.document_line_count_max = (uint32_t)document_lines;
        options.limits.mark_count_max = (uint32_t)counts;
        options.limits.review_count_max = (uint32_t)reviews;
        options.limits.statement_count_max = (uint32_t)statements;
        options.limits.location_count_max = (uint32_t)locations;
        options.limits.source_count_max = (uint32_t)sources;
        options.limits.config_mib_max = (uint32_t)config_mib;
        options.limits.alias_count_max = (uint32_t)aliases;
        options.limits.part_count_max = (uint32_t)parts;
        options.limits.quota_count_max = (uint32_t)quotas;
        options.limits.offer_count_max = (uint32_t)offers;
        options.audit_rate = (uint32_t)audit_rate;
        options.host_count = hosts.count < SERVICE_HOSTS_MAX ? hosts.count : SERVICE_HOSTS_MAX;
        memcpy(options.hosts, hosts.values, options.host_count * sizeof(hosts.values[0]));
        options.version = ONHAND_VERSION;
        code = server_run(&options);
    }
    free(listen_copy);
    free_words(line);
    return code;
}

int cmd_serve(int argc, char **argv)
{
    return run(argc, argv, false);
}

int cmd_follow(int argc, char **argv)
{
    return run(argc, argv, true);
}
