/*
 * The server: wires env, shard, engine and I/O threads together, and runs until it is told to stop.
 */
#ifndef ONHAND_SERVER_SERVER_H
#define ONHAND_SERVER_SERVER_H

#include "api/service.h"

#define SERVER_IO_THREADS_MAX 32

/* Defaults are in server_options_init. */
struct server_options {
    const char *data;        /* data directory, created when absent */
    const char *follow;      /* address of the primary that it is a standby of, as http://host:port; NULL: it is none */
    const char *peer;        /* address of a server that may have taken over from this one, or this one from it; NULL for none */
    const char *address;     /* IPv4 or IPv6 address to listen on */
    int port;                /* 0: any free one */
    bool insecure;           /* an address that is not loopback is allowed */
    uint32_t host_count;
    const char *hosts[SERVICE_HOSTS_MAX]; /* names beside localhost and the address */
    uint32_t io_threads;     /* 0: by the number of processors */
    uint32_t connections_max;
    uint64_t segment_bytes;
    size_t raw_segments;     /* the newest segments of the journal that are not packed; 0: none is */
    int64_t id_window_s;
    uint32_t id_capacity;
    bool strict;
    bool accept_clock;
    int64_t clock_step_s;
    int64_t spin_us;
    uint32_t audit_rate;     /* entries a second, 0 for no audit */
    int64_t checkpoint_mib;  /* of journal from one checkpoint to the next; 0: none is made */
    int64_t retain_days;     /* of journal; 0: age is no reason to drop any */
    int64_t retain_mib;      /* of journal on disk; 0: size is no reason */
    int64_t history_days;    /* that stay, whatever the size */
    const char *archive_command; /* for each segment before it is dropped; NULL: none */
    int64_t past_keep_s;     /* the ledger of the past, behind the last question; 0: it is never made */
    struct ledger_limits limits;
    bool fault_no_flush;     /* tests only, see journal.h */
    const char *version;
};

void server_options_init(struct server_options *options);

/*
 * Runs until SIGINT or SIGTERM, or a failure. Prints "listening on http://…" to standard output when it is ready, what an
 * operator must know to standard error. Returns the exit code: 0 stopped as asked, 4 the data directory or address cannot
 * be used, 70 the journal failed while running (start again: it recovers from disk).
 */
int server_run(const struct server_options *options);

#endif
