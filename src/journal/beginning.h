/*
 * Where a journal begins that no longer has its first segments: retention dropped them (retention.h). A small file says so, so
 * that a segment that is missing by accident is told from one that was given up; docs/format.md has it byte by byte.
 *
 *     kept.beginning      what the oldest segment kept is, and all that its header cannot say of what was before it
 *     N.journal ...       N is that segment; segments with lower numbers are leftovers, and removed
 *
 * It is durable before the first segment it gives up is removed.
 */
#ifndef ONHAND_JOURNAL_BEGINNING_H
#define ONHAND_JOURNAL_BEGINNING_H

#include "env/env.h"
#include "journal/chain.h"
#include "journal/record.h"

#define BEGINNING_NAME     "kept.beginning"
#define BEGINNING_NEW_NAME "kept.beginning.new" /* one in the making; never read */
#define BEGINNING_BYTES    512                  /* of the record; the file has it twice: one of them is enough */

struct beginning {
    struct genesis genesis;  /* it was in the first frame */
    uint64_t number;         /* of the oldest segment kept; 1 when nothing was dropped */
    uint64_t first_seq;      /* its name, and the oldest event kept */
    uint64_t first_ordinal;  /* of its first frame */
    uint32_t previous_chain; /* of the frame before that */
    int64_t before_us;       /* log time by which all that was dropped was recorded; INT64_MIN when nothing was */
    bool has_head;           /* the chain (chain.h) is known up to there: */
    uint8_t head[CHAIN_HEAD_BYTES]; /* its head at the last event that was dropped */
};

/* Of a journal that has all it ever had; its genesis is in its first frame. */
#define BEGINNING_OF_ALL ((struct beginning){.number = 1, .first_seq = 1, .first_ordinal = 1, .before_us = INT64_MIN})

static inline bool beginning_is_of_all(const struct beginning *beginning)
{
    return beginning->number == 1;
}

void beginning_write_record(const struct beginning *beginning, uint8_t out_bytes[BEGINNING_BYTES]);
/* False when it is none, or damaged. */
bool beginning_parse(const uint8_t bytes[BEGINNING_BYTES], struct beginning *out_beginning);

/* What the directory says. OK, also without such a file; DAMAGED, VERSION, IO. */
MUST_USE enum status beginning_read(const struct env *env, struct env_directory *directory, struct beginning *out_beginning);
/* Durable on return. NO_SPACE, IO: the old one is still there. */
MUST_USE enum status beginning_write(const struct env *env, struct env_directory *directory,
                                     const struct beginning *beginning);

#endif
