/*
 * The reserve work: what is asked (struct plan), who asks (struct caller) and what came of it (struct run). The two
 * servers differ only in struct protocol. Owner of everything: the one thread of the program.
 */
#ifndef ONHAND_BENCH_RESERVE_H
#define ONHAND_BENCH_RESERVE_H

#include "base/histogram.h"
#include "http.h"
#include "resp.h"
#include "wire.h"
#include "zipf.h"

#define CALLERS_MAX 1024

enum work {
    WORK_RECEIVE, /* stock for each item once, in order; nothing is measured but the time of the whole */
    WORK_RESERVE  /* one unit of a drawn item, if available */
};

struct plan {
    enum work work;
    uint16_t port;
    unsigned callers;     /* connections, 1 to CALLERS_MAX */
    unsigned window;      /* commands a caller has outstanding at most */
    bool stream;          /* onhand: one NDJSON body per caller instead of one request per command */
    const char *answers;  /* onhand, stream: all, errors or summary */
    const char *tag;      /* begins every id, so that runs on one server do not repeat each other's */
    uint32_t items;       /* names i0 to i<items-1> */
    uint64_t stock_units; /* WORK_RECEIVE: of each item */
    uint64_t total;       /* commands in all, split evenly; 0: until the time is over */
    uint64_t warm_ns;     /* before counting begins; only without total */
    uint64_t measure_ns;  /* counting; only without total */
    bool check_first;     /* redis: the script looks at the stock before it takes from it */
};

struct caller {
    struct wire wire;
    struct http_reader http;
    struct bytequeue body; /* onhand: decoded body not yet split into lines */
    unsigned number;
    uint64_t sent;         /* commands handed to the wire */
    uint64_t answered;     /* of them */
    uint64_t budget;       /* commands this caller sends at most */
    uint64_t *asked_at_ns; /* owned; ring of `window`: when each outstanding command was handed to the wire */
    bool finished;         /* has said that nothing follows */
    bool ended;            /* has its last answer */
};

struct run {
    const struct plan *plan;
    const struct protocol *protocol;
    struct caller *callers; /* owned */
    struct zipf zipf;
    struct prng prng;
    char script[48]; /* redis: hash of the loaded script */
    uint64_t now_ns; /* when the answers now being read arrived */
    uint64_t refused;
    uint64_t answered;
    struct histogram latency_ns;
};

struct protocol {
    /* Once, before any caller connects. */
    void (*prepare)(struct run *run, int epoll);
    /* A caller has connected. */
    void (*begin)(struct run *run, struct caller *caller);
    /* Appends `count` commands to the caller's wire. */
    void (*ask)(struct run *run, struct caller *caller, unsigned count);
    /* Nothing follows. */
    void (*finish)(struct run *run, struct caller *caller);
    /* Takes what has arrived, calls run_answered; sets caller->ended with the last answer. */
    void (*read)(struct run *run, struct caller *caller);
};

extern const struct protocol protocol_onhand, protocol_redis;

/* The next `count` commands of this caller have their answers, `refused` of them a no. */
void run_answered(struct run *run, struct caller *caller, uint64_t count, uint64_t refused);
/* The item of the caller's command number `n`. */
uint32_t run_item(struct run *run, const struct caller *caller, uint64_t n);

#endif
