#include "usage.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mono.h"

#define SECTOR_BYTES 512 /* the unit of /sys/dev/block/.../stat, whatever the device's own */

static uint64_t cpu_ns_of(int pid)
{
    char path[64], line[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid); /* fits */
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    unsigned long long user = 0, system = 0;
    if (fgets(line, sizeof(line), file) != NULL) {
        /* The name in brackets may hold anything; fields are counted from behind it (proc(5): utime is field 14). */
        const char *at = strrchr(line, ')');
        if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
            user = system = 0;
    }
    (void)fclose(file); /* only read */
    long ticks = sysconf(_SC_CLK_TCK);
    return ticks <= 0 ? 0 : (user + system) * (NS_PER_S / (uint64_t)ticks);
}

static void device_of(const char *directory, struct usage *usage)
{
    struct stat status;
    char path[80], line[512];
    if (stat(directory, &status) != 0)
        return;
    (void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(status.st_dev), minor(status.st_dev));
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    unsigned long long sectors = 0, flushes = 0;
    /* Kernel documentation, block/stat: field 7 is sectors written, field 16 flush requests completed. */
    if (fgets(line, sizeof(line), file) != NULL &&
        sscanf(line, "%*u %*u %*u %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u %*u %llu", &sectors, &flushes) == 2) {
        usage->flushes = flushes;
        usage->writes_bytes = sectors * SECTOR_BYTES;
    }
    (void)fclose(file); /* only read */
}

struct usage usage_of(int pid, const char *directory)
{
    struct usage usage = {0};
    if (pid > 0)
        usage.cpu_ns = cpu_ns_of(pid);
    if (directory != NULL)
        device_of(directory, &usage);
    return usage;
}

struct usage usage_between(struct usage before, struct usage after)
{
    return (struct usage){after.cpu_ns - before.cpu_ns, after.flushes - before.flushes,
                          after.writes_bytes - before.writes_bytes};
}
