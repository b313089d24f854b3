/*
 * The lines a sender has not been answered yet: what is repeated after a broken connection.
 *
 *     head             answer              send               tail      (ordinals, counted up for ever)
 *      | done | again | waiting: sent       | waiting: unsent |
 *
 * A request sends its entries from `head` on. Answers come in the order of the lines, so the k-th line of the request
 * is found by moving a mark along. A line answered for good is done and leaves at the head; a line answered `retry` or
 * `unknown` stays, and outbox_begin makes it part of the next request, before everything that came after it: the order
 * within a source is kept. Local entries are never sent: they stand between the lines they came between, so that what
 * is wrong with them is reported in order.
 *
 * Bounded by OUTBOX_ENTRIES_MAX and OUTBOX_BYTES_MAX: a full outbox takes no more lines until answers come.
 */
#ifndef ONHAND_CLI_OUTBOX_H
#define ONHAND_CLI_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

#define OUTBOX_LINE_BYTES_MAX (1024 * 1024)      /* one line; the server takes no longer one */
#define OUTBOX_BYTES_MAX      (16 * 1024 * 1024) /* lines waiting for their answers: about 100,000 common ones */
#define OUTBOX_ENTRIES_MAX    (64 * 1024) /* a power of two, well above the 4,096 lines between signs of progress */

enum outbox_state { OUTBOX_WAITING, OUTBOX_LOCAL, OUTBOX_DONE };

struct outbox_entry {
    uint64_t number;        /* of the line in the input, from 1 */
    uint64_t origin_offset; /* where the input has it, in bytes */
    uint32_t origin_bytes;
    uint32_t line_bytes; /* without the LF */
    size_t at;           /* the line in outbox.bytes; for local entries what is wrong */
    uint8_t state;       /* enum outbox_state */
};

struct outbox {
    struct outbox_entry *entries; /* owned, a ring */
    char *bytes;                  /* owned, 2 * OUTBOX_BYTES_MAX */
    size_t bytes_tail;            /* where the next line goes */
    size_t bytes_live;            /* lines that have not left, with their LFs */
    uint64_t head, answer, send, tail;
    size_t send_part;             /* bytes of the line at `send` that went out */
    uint64_t sent_line_count;     /* lines of this request that went out whole */
    uint64_t answered_line_count; /* lines of this request that were answered */
    uint64_t done_number;         /* every line up to this one is answered for good */
    uint64_t done_offset;         /* the input's bytes up to here are answered for good */
    uint64_t last_number;         /* of the line added last, and where it ends in the input */
    uint64_t last_offset;
};

MUST_USE enum status outbox_init(struct outbox *outbox); /* STATUS_MEMORY */
void outbox_deinit(struct outbox *outbox);

static inline bool outbox_empty(const struct outbox *outbox)
{
    return outbox->head == outbox->tail;
}
/* True when a line of any length still fits. */
bool outbox_room(const struct outbox *outbox);
/* Adds a line (copied; at most OUTBOX_LINE_BYTES_MAX). The caller made sure of room. `entry` says number and origin. */
void outbox_add(struct outbox *outbox, const struct outbox_entry *entry, struct text line, bool local);

/* A new request: everything not done is to be sent, from the start. */
void outbox_begin(struct outbox *outbox);
/* True when something is still to be sent in this request. */
bool outbox_unsent(const struct outbox *outbox);
/* Copies what is to be sent next into out_bytes; at most `size` bytes, 0 when there is nothing. whole_lines_only: no
 * new line is begun. */
size_t outbox_take(struct outbox *outbox, bool whole_lines_only, char *out_bytes, size_t size);

/* The next local entry that is due (all before it is answered), now done, or NULL. Valid until something is added. */
const struct outbox_entry *outbox_next_local(struct outbox *outbox);
/* The next entry that waits for its answer and went out whole, or NULL; the mark moves behind it. Local ones first. */
struct outbox_entry *outbox_next_answered(struct outbox *outbox);
/* Takes entries that are done away from the head. */
void outbox_trim(struct outbox *outbox);

static inline struct text outbox_text(const struct outbox *outbox, const struct outbox_entry *entry)
{
    return text_of(outbox->bytes + entry->at, entry->line_bytes);
}

#endif
