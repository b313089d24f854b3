/*
 * The watch: tells the log of states that begin and end by themselves, and of what was counted meanwhile. The rings below
 * publish them and log nothing.
 *
 * Owner: the main thread.
 */
#ifndef ONHAND_SERVER_WATCH_H
#define ONHAND_SERVER_WATCH_H

#include "api/service.h"

#define WATCH_S 1 /* from one look to the next */

/* What the last look saw; all zeros before the first. */
struct watch {
    bool disk_full, disk_low;
    bool clock_ahead, clock_behind;
    uint64_t read_failures, refused, owed;
    unsigned refused_wait_s; /* until more of them are told of */
};

/* Says what has changed since the last look. */
void watch_look(struct watch *watch, const struct service *service);

#endif
