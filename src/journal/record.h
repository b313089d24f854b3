/*
 * Records: the journal's content. A decision is one record (context and events together, so that it is whole or
 * absent); names that get numbers precede it as dictionary records. docs/format.md has the layout byte by byte.
 *
 *     u32 length of the whole record | u8 type | ...
 *
 * Encoding and decoding are exact inverses; unknown types, tags or trailing bytes are STATUS_VERSION or
 * STATUS_DAMAGED, never skipped.
 */
#ifndef ONHAND_JOURNAL_RECORD_H
#define ONHAND_JOURNAL_RECORD_H

#include "base/bytes.h"
#include "ledger/event.h"

enum record_type {
    RECORD_GENESIS = 1, /* the ledger's identity and hash key: the first record of the first segment */
    RECORD_NAME = 2,    /* a dictionary entry */
    RECORD_DECISION = 3,
    RECORD_TICK = 4, /* time passed */
    RECORD_SEAL = 5, /* covers the frames before it */
    RECORD_SKIP = 6  /* reserved, never written: skips are fields of events */
};

/* A decision of the largest command, with its names: no group's record is longer. */
#define RECORD_BYTES_MAX (5632 * 1024)

struct genesis {
    uint8_t ledger_id[16];
    uint64_t key[2]; /* SipHash key of names and ids */
};

struct record {
    enum record_type type;
    uint32_t bytes;            /* length of the whole record */
    struct new_name name;      /* RECORD_NAME; text borrowed from the bytes */
    struct genesis genesis;    /* RECORD_GENESIS */
    int64_t tick_us;           /* RECORD_TICK: log time */
    struct decision *decision; /* RECORD_DECISION: filled by record_decode; texts borrowed from the bytes */
};

/* What record_write_decision writes is not longer. */
size_t record_bytes_bound(const struct decision *decision);
/* Appends the dictionary records and the decision record of a decision. Sets w->full when it does not fit. */
void record_write_decision(struct writer *w, const struct decision *decision);
void record_write_genesis(struct writer *w, const struct genesis *genesis);
void record_write_tick(struct writer *w, int64_t now_us);
void record_write_seal(struct writer *w);

/*
 * Decodes the record at the start of n bytes. decision: the caller's, with its events and shortages arrays attached;
 * used for RECORD_DECISION.
 * STATUS_DAMAGED when the bytes are not a record; STATUS_VERSION for a type or tag this version does not know.
 */
MUST_USE enum status record_decode(const uint8_t *bytes, size_t n, struct decision *decision,
                                   struct record *out_record);

#endif
