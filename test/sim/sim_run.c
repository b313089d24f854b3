#include "sim_run.h"

#include <stdarg.h>

const char fault_letters[FAULT_COUNT + 1] = {
#define X(letter, name, words) letter,
    FAULT_MAP(X)
#undef X
        '\0'};
const char *const path_words[PATH_COUNT] = {
#define X(name, words) words,
    PATH_MAP(X)
#undef X
};
uint64_t paths[PATH_COUNT];

struct sim_run sr;

void world_says(void)
{
    fprintf(stderr, "  run %" PRIu64 ": life %u, call %" PRIu64 ", %u answered, %u crashes, %u judged up to event %" PRIu64
            ", %.3f s simulated\n  faults:", sr.seed, sr.lives, sr.sim.calls, sr.answered, sr.crashes, sr.decided_count,
            sr.judged_seq, (double)sr.sim.now_ns / 1e9);
    static const char *const words[FAULT_COUNT] = {
#define X(letter, name, words) words,
        FAULT_MAP(X)
#undef X
    };
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        if (sr.has[f])
            fprintf(stderr, " %s,", words[f]);
    fprintf(stderr, "\n");
}

void violation(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "not ok - ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    world_says();
    exit(1);
}

void trace(const char *format, ...)
{
    if (!sr.trace)
        return;
    va_list arguments;
    printf("%" PRIu64 " %.6f ", sr.sim.calls, (double)sr.sim.now_ns / 1e9);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void digest(uint64_t value)
{
    sr.digest = (sr.digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    sr.digest ^= sr.digest >> 29;
}

uint64_t plan(uint64_t bound)
{
    return prng_below(&sr.plan, bound);
}

bool plan_one_in(uint64_t n)
{
    return plan(n) == 0;
}

struct quiet quiet_begin(void)
{
    struct quiet quiet = {sr.sim.faults, sr.sim.crash_in, sr.sim.calls, sr.sim.now_ns, sr.sim.disk, sr.sim.faulty,
                          sr.sim.dead};
    sr.sim.faults = (struct sim_faults){0};
    sr.sim.crash_in = 0;
    sr.sim.dead = false;
    return quiet;
}

void quiet_end(const struct quiet *quiet)
{
    sr.sim.faults = quiet->faults;
    sr.sim.crash_in = quiet->crash_in;
    sr.sim.calls = quiet->calls;
    sr.sim.now_ns = quiet->now_ns;
    sr.sim.disk = quiet->disk;
    sr.sim.faulty = quiet->faulty;
    sr.sim.dead = quiet->dead;
}
