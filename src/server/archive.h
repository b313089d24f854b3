/* The archive command: what an operator has done with each segment of the journal before it is dropped. */
#ifndef ONHAND_SERVER_ARCHIVE_H
#define ONHAND_SERVER_ARCHIVE_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Has /bin/sh run the command, with the segment's path in ONHAND_SEGMENT and its name in ONHAND_SEGMENT_NAME, and waits for its end,
 * for as long as it takes. True when it ended with 0. When *stop becomes true it is ended, with all it started, and that is false. Its
 * output is the server's. The log says what went wrong. Any thread but one that others wait for.
 */
bool archive_run(const char *command, const char *directory, const char *name, const atomic_bool *stop);

#endif
