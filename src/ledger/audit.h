/*
 * What is looked at when the ledger audits itself. Private to src/ledger; what is offered is in ledger.h.
 *
 * Every table is a part, every part has entries numbered from 0. An entry is looked at alone, in bounded time:
 *
 *     hash     with those of its block: together they are what the block says, kept up by whoever changes one
 *     sound    what it says of itself, and of those it points at, holds; a list is followed by one link
 *     terms    what it adds to the sums below, in which what belongs together cancels out
 *
 * What a whole table says of another (I1, I2, I5) cannot be looked at in one step while commands go on between them.
 * A sum stands for all keys at once: each term is multiplied by an odd number that its key (a cell, an item) yields, so
 * that what is wrong in one key alone never cancels out, and what is wrong in several does once in 2^64 or so. What
 * changes of an entry that a pass has been at goes into the sums as it changes (terms_out, terms_in), so that at the end
 * of the pass they are of the last moment. Which key is wrong is found by halving, when something is.
 *
 * Rejected: sums per cell of their own (32 bytes a cell, for ever); a walk along the claims of a cell (there may be a
 * million, and they change meanwhile); copies to look at beside the engine.
 */
#ifndef ONHAND_LEDGER_AUDIT_H
#define ONHAND_LEDGER_AUDIT_H

#include "ledger/ledger.h"

/* The first four have the numbers of their name spaces. */
enum state_part {
    PART_ITEM = NAME_ITEM,
    PART_LOCATION = NAME_LOCATION,
    PART_SOURCE = NAME_SOURCE,
    PART_CHANNEL = NAME_CHANNEL,
    PART_CELL,
    PART_QUOTA,
    PART_OFFER,
    PART_CLAIM,
    PART_CLAIM_LINE,
    PART_TRANSFER,
    PART_EXPECTATION,
    PART_DOCUMENT_LINE,
    PART_MARK,
    PART_REVIEW,
    PART_STATEMENT,
    PART_ID,
    PART_HASHED, /* those before it are in the state hash */
    PART_EXPIRY = PART_HASHED,
    PART_COUNT
};

/* Entries whose hashes are summed together. */
#define BLOCK_ENTRIES 64

/* The index is asked for a bucket so many entries ahead: nearly all the time goes into waiting for it. */
#define AUDIT_AHEAD 8

enum sum {
    SUM_MOVED,    /* I1: what is in the cells of an item and on its accounts */
    SUM_IN_BINS,  /* what is sellable in bins and what their nodes say, by item and node; found by item */
    SUM_CLAIMED,  /* I2: by cell */
    SUM_EXPECTED, /* I5: by cell */
    SUM_COUNT
};

/* One walk over everything, in steps. All zero before its first. */
struct audit {
    bool hashed; /* all blocks: what is followed from now on leads somewhere */
    enum state_part part;
    uint32_t entry;           /* the next one */
    uint32_t end[PART_COUNT]; /* those before it have been looked at and their terms are in the sums */
    uint64_t sums[SUM_COUNT];
    uint64_t hash;       /* of the block that is being looked at */
    uint64_t looked_at;  /* entries, those that one leads to included */
    bool moved;          /* the tree of locations changed meanwhile: SUM_IN_BINS says nothing */
    bool found;
    struct finding finding;
    uint64_t passes;
    uint64_t checked[INVARIANT_COUNT]; /* in this pass */
    uint64_t checked_before[INVARIANT_COUNT];
};

/* Notes what is wrong with the entry that is looked at. False. */
bool audit_find(struct audit *audit, enum invariant invariant, const char *what);

/* Ends looking at an entry with false when the condition does not hold. `what`: what is wrong then. */
#define AUDIT_CHECK(audit, invariant, condition, what)                                                                 \
    do {                                                                                                               \
        if (UNLIKELY(!(condition)))                                                                                    \
            return audit_find((audit), INVARIANT_##invariant, (what));                                                 \
    } while (0)

#endif
