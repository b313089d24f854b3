/* onhand verify --server: a running server proves itself (GET /v1/verify), while it goes on. */
#ifndef ONHAND_CLI_VERIFY_ONLINE_H
#define ONHAND_CLI_VERIFY_ONLINE_H

#include <stdbool.h>

/* Has the server begin it, unless it is at it, waits for the end and prints what came out. The exit code. */
int verify_online(const char *server, bool json);

#endif
