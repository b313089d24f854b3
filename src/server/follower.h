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
 * What a copy begins with: the header of the primary's first segment and its first frame, in memory that the caller frees. AGAIN when it is not
 * reached, or *stop becomes true; else as pull_run. out_problem: at least STANDBY_TEXT_BYTES.
 */
MUST_USE enum status follower_fetch_start(const char *primary, const atomic_bool *stop, uint8_t **out_bytes, size_t *out_n,
                                          char *out_problem);

/* NULL when memory or a thread cannot be had. */
struct follower *follower_start(const struct follower_options *options);
/* Asks it to end, waits, and frees it. NULL is none. Before the inbox is closed. */
void follower_stop(struct follower *follower);

#endif
