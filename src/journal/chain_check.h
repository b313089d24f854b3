/*
 * The chain of a journal that is being read (chain.h), and heads that were written down held against it.
 *
 * Owner: one thread.
 */
#ifndef ONHAND_JOURNAL_CHAIN_CHECK_H
#define ONHAND_JOURNAL_CHAIN_CHECK_H

#include "journal/chain.h"
#include "journal/journal.h"

#define CHAIN_HEADS_MAX 64

enum chain_verdict {
    CHAIN_UNMET,  /* its event was not read */
    CHAIN_RIGHT,
    CHAIN_INSIDE, /* its event is not the last one of its frame: there is no such head */
    CHAIN_WRONG
};

struct chain_wanted {
    struct chain_head head;
    enum chain_verdict verdict;
    struct chain_head found; /* WRONG: what it is here; INSIDE: the next one */
};

struct chain_check {
    struct chain *chain;
    bool begun;    /* a frame was met */
    bool unknown;  /* the first frames are no longer kept, and their head is not known */
    bool failed;   /* memory was out */
    size_t count;
    struct chain_wanted list[CHAIN_HEADS_MAX];
};

/* MEMORY. */
MUST_USE enum status chain_check_init(struct chain_check *check);
void chain_check_deinit(struct chain_check *check);
/* The next frame that is read, from the first that is kept on. report: of the reading. */
void chain_check_meet(struct chain_check *check, const struct journal_met *met, const struct journal_report *report);
/* The head behind all that was met; NULL when it is not known. */
const struct chain_head *chain_check_head(const struct chain_check *check);
/* The last event up to which a head was right; 0 for none. */
uint64_t chain_check_right(const struct chain_check *check);

#endif
