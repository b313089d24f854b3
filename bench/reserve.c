/*
 * Goal: the cost of "reserve if available, own id, event kept, flushed before the answer", seen by its callers, the
 * same for onhand and for Redis (DESIGN section 8).
 * Method: one thread, one epoll set, `callers` connections with at most `window` commands outstanding each. Window 1 is
 * a caller that waits; a wide window on a stream is a batch sender. Commands are built as they are sent. A latency is
 * the time from handing a command to the wire to having read its answer. Without --total, answers are counted from the
 * end of the warm-up for the time given, the server's processor time and the device's flushes between the same two
 * moments; with --total, from the first command to the last answer. One line of JSON at the end.
 */
#include "reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "mono.h"
#include "usage.h"

#define ASK_COUNT_MAX  400              /* commands built at a time: about 60 KB, a chunk */
#define OUT_BYTES_HIGH (128u * 1024)    /* a wire with more than this unsent gets nothing new */
#define RUN_NS_MAX     (600 * NS_PER_S) /* a run with --total ends by then, or fails */
#define STALL_NS_MAX   (20 * NS_PER_S)  /* a server that says nothing for so long has stopped */
#define DRAIN_NS_MAX   (20 * NS_PER_S)  /* for the last answers after the time is over */
#define WAIT_MS        10               /* how late the end of the time may be noticed */
#define TURNS          64               /* waits between two counts of who has ended */
#define ZIPF_THETA     0.99             /* DESIGN section 8 */
#define SEED           20101201

uint32_t run_item(struct run *run, const struct caller *caller, uint64_t n)
{
    if (run->plan->work == WORK_RECEIVE) /* the callers' budgets are equal, except the last one's */
        return (uint32_t)(caller->number * run->callers[0].budget + n);
    return run->plan->items == 1 ? 0 : zipf_next(&run->zipf, &run->prng);
}

void run_answered(struct run *run, struct caller *caller, uint64_t count, uint64_t refused)
{
    uint64_t window = run->plan->window;
    if (count > caller->sent - caller->answered)
        fail("more answers than commands");
    for (uint64_t left = count; left > 0;) {
        /* Commands handed over together have one time: count them together. */
        uint64_t asked_at_ns = caller->asked_at_ns[caller->answered % window];
        uint64_t same = 0;
        while (same < left && caller->asked_at_ns[(caller->answered + same) % window] == asked_at_ns)
            same++;
        histogram_add(&run->latency_ns, run->now_ns - asked_at_ns, same);
        caller->answered += same;
        left -= same;
    }
    run->answered += count;
    run->refused += refused;
}

/* Appends commands while the window, the budget and the buffer allow; false when there is nothing more to append. */
static bool append_more(struct run *run, struct caller *caller)
{
    uint64_t window = run->plan->window;
    /* A stream is topped up in runs worth a chunk, not line by line. */
    uint64_t least = window > 4 * ASK_COUNT_MAX ? ASK_COUNT_MAX : 1;
    while (bytequeue_length(&caller->wire.out) < OUT_BYTES_HIGH) {
        uint64_t count = window - (caller->sent - caller->answered);
        if (count < least)
            return false;
        if (count > caller->budget - caller->sent)
            count = caller->budget - caller->sent;
        if (count > ASK_COUNT_MAX)
            count = ASK_COUNT_MAX;
        if (count == 0)
            return false;
        run->protocol->ask(run, caller, (unsigned)count);
        uint64_t now_ns = mono_ns();
        for (uint64_t i = 0; i < count; i++)
            caller->asked_at_ns[(caller->sent + i) % window] = now_ns;
        caller->sent += count;
    }
    return true;
}

/* Sends what may be sent; when it returns either the socket is full (epoll will say more) or there is nothing left. */
static void pump(struct run *run, struct caller *caller, bool more)
{
    bool again;
    do {
        again = more && append_more(run, caller);
        if (!caller->finished && (!more || caller->sent == caller->budget)) {
            caller->finished = true;
            run->protocol->finish(run, caller);
        }
        if (!wire_send(&caller->wire))
            fail("caller %u: the server closed the connection (%s)", caller->number, strerror(errno));
    } while (again && bytequeue_length(&caller->wire.out) == 0);
}

static void callers_open(struct run *run, int epoll)
{
    const struct plan *plan = run->plan;
    run->callers = calloc(plan->callers, sizeof(*run->callers));
    if (run->callers == NULL)
        fail("no memory for %u callers", plan->callers);
    for (unsigned i = 0; i < plan->callers; i++) {
        struct caller *caller = &run->callers[i];
        caller->number = i;
        uint64_t share = plan->total / plan->callers;
        caller->budget = plan->total == 0 ? UINT64_MAX : i + 1 == plan->callers ? plan->total - share * i : share;
        caller->asked_at_ns = calloc(plan->window, sizeof(uint64_t));
        if (caller->asked_at_ns == NULL)
            fail("no memory for a window of %u commands", plan->window);
        if (!wire_open(&caller->wire, epoll, plan->port, caller))
            fail("nobody listens on port %u: %s", plan->port, strerror(errno));
        run->protocol->begin(run, caller);
    }
}

static void callers_close(struct run *run)
{
    for (unsigned i = 0; i < run->plan->callers; i++) {
        wire_deinit(&run->callers[i].wire);
        bytequeue_deinit(&run->callers[i].body);
        free(run->callers[i].asked_at_ns);
    }
    free(run->callers);
}

/* Runs until `until_ns` (`more`: commands follow) or until every caller has its last answer. */
static bool run_until(struct run *run, int epoll, uint64_t until_ns, bool more)
{
    for (;;) {
        unsigned ended = 0;
        for (unsigned i = 0; i < run->plan->callers; i++)
            ended += run->callers[i].ended ? 1 : 0;
        if (ended == run->plan->callers)
            return true;
        /* Counting all callers is dear with many of them: many events between two counts. */
        for (unsigned turn = 0; turn < TURNS; turn++) {
            void *owners[WIRE_EVENTS_MAX];
            int n = wire_wait(epoll, WAIT_MS, owners);
            if (n == 0)
                turn = TURNS;
            for (int i = 0; i < n; i++) {
                struct caller *caller = owners[i];
                if (!wire_receive(&caller->wire))
                    fail("caller %u: the server closed the connection", caller->number);
                run->now_ns = mono_ns();
                run->protocol->read(run, caller);
                if (!caller->ended)
                    pump(run, caller, more);
            }
            uint64_t now_ns = mono_ns();
            if (now_ns >= until_ns)
                return false;
            if (now_ns > run->now_ns && now_ns - run->now_ns > STALL_NS_MAX)
                fail("the server has said nothing for %llu s", (unsigned long long)(STALL_NS_MAX / NS_PER_S));
        }
    }
}

struct outcome {
    uint64_t elapsed_ns;
    struct usage usage, own;
};

static void run_work(struct run *run, int pid, const char *directory, struct outcome *out_outcome)
{
    const struct plan *plan = run->plan;
    int epoll = wire_epoll();
    run->protocol->prepare(run, epoll);
    callers_open(run, epoll);
    uint64_t from_ns = run->now_ns = mono_ns();
    struct usage before = usage_of(pid, directory), own = usage_of((int)getpid(), NULL);
    for (unsigned i = 0; i < plan->callers; i++)
        pump(run, &run->callers[i], true);
    uint64_t drain_ns = RUN_NS_MAX;
    if (plan->total == 0) {
        (void)run_until(run, epoll, from_ns + plan->warm_ns, true); /* callers without a budget do not end */
        histogram_reset(&run->latency_ns);
        run->answered = run->refused = 0;
        before = usage_of(pid, directory);
        own = usage_of((int)getpid(), NULL);
        from_ns = mono_ns();
        (void)run_until(run, epoll, from_ns + plan->measure_ns, true);
        drain_ns = DRAIN_NS_MAX;
    }
    bool complete = plan->total != 0 && run_until(run, epoll, mono_ns() + drain_ns, true);
    out_outcome->elapsed_ns = mono_ns() - from_ns;
    out_outcome->usage = usage_between(before, usage_of(pid, directory));
    out_outcome->own = usage_between(own, usage_of((int)getpid(), NULL));
    if (plan->total == 0) {
        struct run counted = *run; /* answers from here on are not counted */
        for (unsigned i = 0; i < plan->callers; i++)
            pump(run, &run->callers[i], false);
        complete = run_until(run, epoll, mono_ns() + drain_ns, false);
        run->latency_ns = counted.latency_ns;
        run->answered = counted.answered;
        run->refused = counted.refused;
    }
    if (!complete)
        fail("some answers did not come");
    callers_close(run);
    (void)close(epoll); /* nothing is lost with it */
}

static void report(const struct run *run, const struct outcome *outcome)
{
    double seconds = (double)outcome->elapsed_ns / 1e9, answered = (double)run->answered;
    const struct histogram *latency = &run->latency_ns;
    printf("{\"answered\":%llu,\"granted\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"ops_per_s\":%.0f,",
           (unsigned long long)run->answered, (unsigned long long)(run->answered - run->refused),
           (unsigned long long)run->refused, seconds, answered / seconds);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,", (double)histogram_quantile(latency, 500000) / 1e3,
           (double)histogram_quantile(latency, 990000) / 1e3, (double)latency->max / 1e3);
    printf("\"server_cpu_s\":%.2f,\"client_cpu_s\":%.2f,\"flushes\":%llu,\"written_bytes\":%llu}\n",
           (double)outcome->usage.cpu_ns / 1e9, (double)outcome->own.cpu_ns / 1e9,
           (unsigned long long)outcome->usage.flushes, (unsigned long long)outcome->usage.writes_bytes);
}

static const char usage_text[] =
    "usage: reserve --target onhand|redis --port N [--work reserve|receive] [--callers N] [--window N]\n"
    "               [--stream all|errors|summary] [--script take|look] [--items N] [--stock N] [--tag TEXT]\n"
    "               [--total N | --seconds S --warm S] [--pid N] [--directory DIR]";

static uint64_t number_option(const char *name, const char *value, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || *value == '-' || number < least || number > most)
        fail("%s wants a number from %llu to %llu, not '%s'", name, (unsigned long long)least, (unsigned long long)most,
             value);
    return number;
}

static uint64_t seconds_option(const char *name, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (*end != '\0' || end == value || !(seconds >= 0 && seconds <= 600))
        fail("%s wants seconds from 0 to 600, not '%s'", name, value);
    return (uint64_t)(seconds * 1e9);
}

int main(int argc, char **argv)
{
    struct plan plan = {.work = WORK_RESERVE,
                        .callers = 1,
                        .window = 1,
                        .answers = "",
                        .tag = "r",
                        .items = 100000,
                        .stock_units = 1000000000,
                        .warm_ns = NS_PER_S / 2,
                        .measure_ns = 3 * NS_PER_S};
    static struct run run;
    int pid = 0;
    const char *directory = NULL;
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            fail("%s", usage_text);
        if (strcmp(name, "--target") == 0)
            run.protocol = strcmp(value, "onhand") == 0  ? &protocol_onhand
                           : strcmp(value, "redis") == 0 ? &protocol_redis
                                                         : NULL;
        else if (strcmp(name, "--port") == 0)
            plan.port = (uint16_t)number_option(name, value, 1, UINT16_MAX);
        else if (strcmp(name, "--work") == 0)
            plan.work = strcmp(value, "receive") == 0 ? WORK_RECEIVE : WORK_RESERVE;
        else if (strcmp(name, "--callers") == 0)
            plan.callers = (unsigned)number_option(name, value, 1, CALLERS_MAX);
        else if (strcmp(name, "--window") == 0)
            plan.window = (unsigned)number_option(name, value, 1, 1u << 20);
        else if (strcmp(name, "--stream") == 0)
            plan.answers = value;
        else if (strcmp(name, "--script") == 0)
            plan.check_first = strcmp(value, "look") == 0;
        else if (strcmp(name, "--items") == 0)
            plan.items = (uint32_t)number_option(name, value, 1, 100000000);
        else if (strcmp(name, "--stock") == 0)
            plan.stock_units = number_option(name, value, 1, 1000000000000);
        else if (strcmp(name, "--tag") == 0 && strlen(value) <= 16)
            plan.tag = value;
        else if (strcmp(name, "--total") == 0)
            plan.total = number_option(name, value, 1, 1000000000);
        else if (strcmp(name, "--seconds") == 0)
            plan.measure_ns = seconds_option(name, value);
        else if (strcmp(name, "--warm") == 0)
            plan.warm_ns = seconds_option(name, value);
        else if (strcmp(name, "--pid") == 0)
            pid = (int)number_option(name, value, 1, 1 << 22);
        else if (strcmp(name, "--directory") == 0)
            directory = value;
        else
            fail("%s", usage_text);
    }
    plan.stream = plan.answers[0] != '\0';
    if (run.protocol == NULL || plan.port == 0 ||
        (plan.stream && strcmp(plan.answers, "all") != 0 && strcmp(plan.answers, "errors") != 0 &&
         strcmp(plan.answers, "summary") != 0))
        fail("%s", usage_text);
    if (plan.work == WORK_RECEIVE)
        plan.total = plan.items;
    run.plan = &plan;
    run.prng = prng_of(SEED);
    if (plan.work == WORK_RESERVE)
        zipf_init(&run.zipf, plan.items, ZIPF_THETA);
    static struct outcome outcome;
    run_work(&run, pid, directory, &outcome);
    report(&run, &outcome);
    zipf_deinit(&run.zipf);
    return 0;
}
