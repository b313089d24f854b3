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

void watch_look(struct watch *watch, const struct service *service)
{
    look_at_disk(watch, service);
}
