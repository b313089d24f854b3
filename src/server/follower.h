/*
 * The follower: a thread that pulls the primary's journal and hands it to the engine, until the standby is promoted or told
 * to stop. When the connection breaks it is made anew, from where the copy ends; when the two have parted it says so and ends.
 */
#ifndef ONHAND_SERVER_FOLLOWER_H
#define ONHAND_SERVER_FOLLOWER_H

#include "base/status.h"
#include "engine/sequencer.h"
#include "engine/standby.h"
#include "journal/stream.h"

struct follower;

struct follower_options {
    struct inbox *inbox;       /* borrowed, all these */
    struct journal *journal;
    struct standby *standby;
    const char *address; /* of this server, for the primary that it takes over from */
    /* Follower thread: it cannot go on; said in words. The server goes on with what it has. */
    void (*gave_up)(const char *problem);
};

/*
 * Copies into a directory what a standby can be started from: the primary's first frame, or where its journal no longer has its beginning
 * what stands for that, and all up to there. The directory is empty, or has what came of that before. AGAIN when it is not reached, or *stop
 * becomes true; else as pull_run. out_problem: at least STANDBY_TEXT_BYTES.
 */
MUST_USE enum status follower_fetch_start(const char *primary, const char *path, const atomic_bool *stop, char *out_problem);

/* Does a directory have a beginning of such a copy, that it cannot be started from? */
bool follower_start_unfinished(const char *path);

/* NULL when memory or a thread cannot be had. */
struct follower *follower_start(const struct follower_options *options);
/* Asks it to end, waits, and frees it. NULL is none. Before the inbox is closed. */
void follower_stop(struct follower *follower);

#endif
