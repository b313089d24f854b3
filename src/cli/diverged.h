/* onhand verify DIR --diverged OTHER: what DIR has that is not in the history that goes on elsewhere. */
#ifndef ONHAND_CLI_DIVERGED_H
#define ONHAND_CLI_DIVERGED_H

/*
 * Prints the events of `path` behind where it parts from `other`, as the feed has them, a JSON line each, and to standard error
 * how many. other: a data directory, the address of a server, or the last common position. Returns an exit code: 0 when there
 * are none, 1 when there are or something is damaged.
 */
int diverged(const char *path, const char *other);

#endif
