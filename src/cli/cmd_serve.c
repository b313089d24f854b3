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
    *out_address = text;
    *out_port = (int)port;
    return *text != 0;
}

/* ONHAND_DATA for --data, and so on; a flag on the command line goes before it. */
static const char *from_environment(const char *option)
{
    char name[64] = "ONHAND_";
    size_t n = strlen(name);
    for (const char *at = option; *at != 0 && n + 1 < sizeof(name); at++)
        name[n++] = *at == '-' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    name[n] = 0;
    return getenv(name);
}

static bool in_range(const char *option, int64_t value, int64_t least, int64_t most)
{
    if (value >= least && value <= most)
        return true;
    cli_error("serve", "--%s is %lld, but must be %lld to %lld", option, (long long)value, (long long)least,
              (long long)most);
    return false;
}

int cmd_serve(int argc, char **argv)
{
    struct server_options options;
    server_options_init(&options);
    const char *listen = "127.0.0.1:4760";
    struct args_list hosts = {.count = 0};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t io_threads = processors > 4 ? processors / 4 : 1;
    options.spin_us = processors > 1 ? 50 : 0; /* alone on a processor, looking keeps the other side from working */
    int64_t segment_mib = (int64_t)(options.segment_bytes >> 20);
    int64_t connections = options.connections_max;
    int64_t id_capacity = options.id_capacity;
    int64_t items = options.limits.item_count_max;
    int64_t cells = options.limits.cell_count_max;
    int64_t holds = options.limits.claim_count_max;
    struct args_option table[] = {
        {"data", ARGS_TEXT, &options.data},
        {"listen", ARGS_TEXT, &listen},
        {"host", ARGS_LIST, &hosts},
        {"insecure", ARGS_FLAG, &options.insecure},
        {"io-threads", ARGS_NUMBER, &io_threads},
        {"connections-max", ARGS_NUMBER, &connections},
        {"segment-mib", ARGS_NUMBER, &segment_mib},
        {"id-window", ARGS_NUMBER, &options.id_window_s},
        {"id-capacity", ARGS_NUMBER, &id_capacity},
        {"items-max", ARGS_NUMBER, &items},
        {"cells-max", ARGS_NUMBER, &cells},
        {"holds-max", ARGS_NUMBER, &holds},
        {"strict", ARGS_FLAG, &options.strict},
        {"accept-clock", ARGS_FLAG, &options.accept_clock},
        {"clock-step", ARGS_NUMBER, &options.clock_step_s},
        {"spin", ARGS_NUMBER, &options.spin_us},
        {"fault-no-flush", ARGS_FLAG, &options.fault_no_flush},
        {NULL, ARGS_FLAG, NULL},
    };
    /* What the environment says comes first on the line, so that the line's own options win. */
    const char *words[1];
    unsigned word_count;
    int code;
    if (from_environment("data") != NULL)
        options.data = from_environment("data");
    if (from_environment("listen") != NULL)
        listen = from_environment("listen");
    if (!args_parse(argc, argv, table, words, 0, &word_count, &code))
        return code;
    if (options.data == NULL) {
        cli_error("serve", "which data directory? say --data DIR (it is created when it does not exist)");
        return EXIT_USAGE;
    }
    char *listen_copy = strdup(listen);
    if (listen_copy == NULL || !split_listen(listen_copy, &options.address, &options.port)) {
        cli_error("serve", "--listen is '%s', but must be ADDRESS:PORT, as 127.0.0.1:4760 or [::1]:4760", listen);
        free(listen_copy);
        return EXIT_USAGE;
    }
    code = EXIT_USAGE;
    if (in_range("io-threads", io_threads, 1, SERVER_IO_THREADS_MAX) &&
        in_range("connections-max", connections, 1, 1000000) && in_range("segment-mib", segment_mib, 8, 4096) &&
        in_range("id-window", options.id_window_s, 1, INT64_C(366) * 24 * 60 * 60) &&
        in_range("id-capacity", id_capacity, 1024, INT64_C(1) << 30) &&
        in_range("items-max", items, 1, INT64_C(1) << 30) && in_range("cells-max", cells, 1, INT64_C(1) << 30) &&
        in_range("holds-max", holds, 1, INT64_C(1) << 30) && in_range("spin", options.spin_us, 0, 1000) &&
        in_range("clock-step", options.clock_step_s, 1, 86400)) {
        options.io_threads = (uint32_t)io_threads;
        options.connections_max = (uint32_t)connections;
        options.segment_bytes = (uint64_t)segment_mib << 20;
        options.id_capacity = (uint32_t)id_capacity;
        options.limits.id_count_max = (uint32_t)id_capacity;
        options.limits.item_count_max = (uint32_t)items;
        options.limits.cell_count_max = (uint32_t)cells;
        options.limits.claim_count_max = (uint32_t)holds;
        options.limits.claim_line_count_max = (uint32_t)min_i64(2 * holds, INT64_C(1) << 31);
        options.host_count = hosts.count < SERVICE_HOSTS_MAX ? hosts.count : SERVICE_HOSTS_MAX;
        memcpy(options.hosts, hosts.values, options.host_count * sizeof(hosts.values[0]));
        options.version = ONHAND_VERSION;
        code = server_run(&options);
    }
    free(listen_copy);
    return code;
}
