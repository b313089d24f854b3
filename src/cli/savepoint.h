/*
 * Where a sender stands, kept in a file so that it can be resumed after a kill: how many lines of its input are
 * answered, and where the next one begins. Replaced as a whole (written beside, flushed, renamed).
 *
 *     onhand-send 1
 *     lines 1200
 *     bytes 187654
 */
#ifndef ONHAND_CLI_SAVEPOINT_H
#define ONHAND_CLI_SAVEPOINT_H

#include <stdint.h>

#include "base/status.h"

struct savepoint {
    uint64_t line_count; /* every line up to this one is answered */
    uint64_t bytes;      /* where the next one begins */
};

/* STATUS_NOT_FOUND when there is no such file, STATUS_INVALID when it is something else, STATUS_IO (errno says why). */
MUST_USE enum status savepoint_read(const char *path, struct savepoint *out_savepoint);
/* STATUS_IO when it cannot be written (errno says why), STATUS_INVALID when the path is too long. */
MUST_USE enum status savepoint_write(const char *path, const struct savepoint *savepoint);

#endif
