#include "server/watch.h"

#include "server/log.h"

#define PROBLEM_BYTES 512

static void look_at_disk(struct watch *watch, const struct service *service)
{
    const struct journal_disk disk = journal_disk(service->journal);
    char problem[PROBLEM_BYTES];
    journal_disk_problem(service->journal, problem, sizeof(problem));
    if (disk.low && !watch->disk_low && !disk.full)
        log_warning("the disk is nearly full: no space ahead of the journal (%s). Commands are taken in as long as what was "
                    "filled before lasts; free space on the file system of the data directory", problem);
    if (disk.full && !watch->disk_full)
        log_error("the disk is full (%s): commands are refused with 507 disk_full, reads are answered. Free space on the file "
                  "system of the data directory: it goes on by itself", problem);
    if (!disk.full && watch->disk_full)
        log_info("the disk has space again: commands are taken in");
    watch->disk_full = disk.full;
    watch->disk_low = disk.low;
}

static void look_at_reads(struct watch *watch, const struct service *service)
{
    uint64_t failures = journal_counters(service->journal).read_failures;
    if (failures == watch->read_failures)
        return;
    char problem[PROBLEM_BYTES];
    journal_read_failure(service->journal, problem, sizeof(problem));
    log_error("the journal could not be read back %llu times, the last time at %s. Who asked was answered 503 feed_unreadable, or "
              "that the outcome is unknown; look at the disk and the system log",
              (unsigned long long)(failures - watch->read_failures), problem);
    watch->read_failures = failures;
}

#define BEHIND_MIN_US (INT64_C(1000) * 1000) /* less is how clocks are kept right */

static void look_at_clock(struct watch *watch, const struct service *service)
{
    bool ahead = inbox_clock_jumped(service->inbox);
    int64_t ahead_us = inbox_clock_ahead_us(service->inbox);
    bool behind = ahead_us <= -BEHIND_MIN_US;
    if (ahead && !watch->clock_ahead)
        log_error("the clock has jumped ahead by %.1f s: nothing is taken in, or every hold would expire at once. Set it right and "
                  "it goes on; if it is right now, start again", (double)ahead_us / 1e6);
    if (!ahead && watch->clock_ahead)
        log_info("the clock is right again: commands are taken in");
    if (behind && !watch->clock_behind)
        log_warning("the clock stands %.1f s behind the log: log time stands still until it has come again, and nothing expires",
                    (double)-ahead_us / 1e6);
    if (!behind && !ahead && watch->clock_behind)
        log_info("the clock has come to the log again");
    watch->clock_ahead = ahead;
    watch->clock_behind = behind;
}

#define REFUSED_WAIT_S 60 /* who knocks too often is told of once a minute */

static void look_at_doors(struct watch *watch, const struct service *service)
{
    uint64_t refused = atomic_load(&service->connections_refused);
    uint64_t owed = atomic_load(&service->accepts_owed);
    watch->refused_wait_s -= watch->refused_wait_s > 0;
    if (watch->refused_wait_s > 0 || (refused == watch->refused && owed == watch->owed))
        return;
    if (refused != watch->refused)
        log_warning("%llu connections were closed: there are more than %u for each I/O thread (--connections-max, and ulimit -n)",
                    (unsigned long long)(refused - watch->refused), service->connection_count_max);
    if (owed != watch->owed)
        log_warning("memory for a connection could not be had %llu times: it waits, and is tried again",
                    (unsigned long long)(owed - watch->owed));
    watch->refused = refused;
    watch->owed = owed;
    watch->refused_wait_s = REFUSED_WAIT_S / WATCH_S;
}

void watch_look(struct watch *watch, const struct service *service)
{
    look_at_disk(watch, service);
    look_at_reads(watch, service);
    look_at_clock(watch, service);
    look_at_doors(watch, service);
}
