/*
 * The chain of what was decided: a SHA-256 head for each frame with events, over its records and the head before. Whoever
 * wrote down a head can tell later that everything up to that event is still what it was, and who changes anything before
 * it, checksums and all, cannot make the same head.
 *
 *     head(1) = SHA-256(records of frame 1)                      the genesis
 *     head(n) = SHA-256(head before, 32 bytes | records of n)    for each frame n with events
 *
 * The records and nothing else: not the frames' headers, padding, segments, or the frames that have no event. So it is the same
 * for raw and packed segments, in a backup, a standby, and up to the point of a restore; and the number of its last event
 * names a head (docs/decisions/0033).
 *
 * Owner: one thread.
 */
#ifndef ONHAND_JOURNAL_CHAIN_H
#define ONHAND_JOURNAL_CHAIN_H

#include "journal/frame.h"

#define CHAIN_HEAD_BYTES 32
#define CHAIN_HEX_BYTES  (2 * CHAIN_HEAD_BYTES + 1) /* and a NUL */

struct chain_head {
    uint64_t seq; /* of the last event it covers */
    uint8_t bytes[CHAIN_HEAD_BYTES];
};

struct chain;

/* Before the first frame. NULL: no memory, or none for the library's. */
struct chain *chain_create(void);
void chain_destroy(struct chain *chain); /* NULL is allowed */
/* Goes on behind a head that is known. */
void chain_set(struct chain *chain, const struct chain_head *head);
/* The next frame, sound, and its records. Those without events change nothing. False: the library has no memory. */
MUST_USE bool chain_add(struct chain *chain, const struct frame *frame, const uint8_t *records);
/* The present head; NULL before the first. */
const struct chain_head *chain_head(const struct chain *chain);

void chain_format(const struct chain_head *head, char out_hex[CHAIN_HEX_BYTES]);
/* 64 hexadecimal digits, of either case. */
MUST_USE bool chain_parse(const char *hex, size_t n, uint8_t out_bytes[CHAIN_HEAD_BYTES]);

#endif
