/*
 * The block of frames that a copy of a journal took last. A copy makes many frames durable with one write; in a power cut any part of
 * it may be lost, yet each frame says that the one before it was durable, which it was where it was written first. A small
 * file says which frames those are, so that a hole among them is told from damage: what is behind it comes again.
 *
 *     | 41 | 42 | ?? | 44, durable through 43 |     and copied.block says "those behind 41, up to 44": ?? is torn
 *     | 41 | 42 | ?? | 44, durable through 43 |     else ?? is damage
 *     | 41 | 42 | ?? | 44 | 45, durable through 44  45 came when the block was whole: ?? is damage
 *
 * It is durable before the block is begun. docs/format.md has it byte by byte. Owner: one thread.
 */
#ifndef ONHAND_JOURNAL_COPIED_H
#define ONHAND_JOURNAL_COPIED_H

#include "env/env.h"

#define COPIED_NAME  "copied.block"
#define COPIED_BYTES 512

/* Frames of this ledger and epoch with a number > after and <= last. All zero: none. */
struct copied {
    uint8_t ledger_id[16];
    uint32_t epoch;
    uint64_t after, last;
};

/* What the directory says; none when it has no such file, or a damaged one. IO, MEMORY. */
MUST_USE enum status copied_read(const struct env *env, struct env_directory *directory, struct copied *out_copied);
/* Durable on return. *file: NULL at first; it stays open, and is the caller's to close. IO, NO_SPACE, DENIED. */
MUST_USE enum status copied_write(const struct env *env, struct env_directory *directory, const struct copied *copied,
                                  struct env_file **file);

#endif
