/*
 * What a server under load uses: processor time of a process, and flushes of the device under a directory. Both are
 * the kernel's own counts, read before and after.
 */
#ifndef ONHAND_BENCH_USAGE_H
#define ONHAND_BENCH_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t cpu_ns;       /* user and system, all threads, in steps of the kernel's tick (10 ms) */
    uint64_t flushes;      /* completed flush requests of the device */
    uint64_t writes_bytes; /* written to the device */
};

/*
 * Of process `pid` (0: none, figure 0) and of the device of the file system `directory` is on (NULL: none, figures 0).
 * Where the kernel does not show a device its figures are 0. The device's figures include those of everybody else.
 */
struct usage usage_of(int pid, const char *directory);
struct usage usage_between(struct usage before, struct usage after);

#endif
