/*
 * What the two halves of the codec share (record_encode.c, record_decode.c), and nobody else: which bit says what, and
 * the limits.
 *
 * Problem: an event has some sixty figures, of which a sale changes four. Written out it would be 500 bytes, and every
 * byte is written, checksummed, flushed, replayed and sent. So a record names what is there by bits and writes only
 * that, as variable-length integers; what an event shares with its decision (time, source, id, reason) is written once,
 * and its sequence number not at all, because the events of a decision are consecutive.
 *
 *     decision   u32 bytes | u8 type | varint events | varint first seq | u8 kind | u16 present | u64 recorded at
 *                | fields that are present | events
 *     event      u8 type | u16 present | fields that are present, in the order of their bits
 *
 * docs/format.md has every bit. A one-line sale is 60 to 80 bytes.
 *
 * Names of claims repeat: all events of a command speak of one hold, its holder and its channel. A name equal to that
 * of the claim event before it (in the same decision) is written as two bits. This is also what bounds the longest
 * record: see the assertion in record_encode.c.
 */
#ifndef ONHAND_JOURNAL_RECORD_BITS_H
#define ONHAND_JOURNAL_RECORD_BITS_H

#include "journal/record.h"

/* Fields of the decision: bits of `present`. */
enum {
    HAS_CLOCK_SKEW = 1 << 0,
    HAS_FORCED = 1 << 1,
    HAS_STRICT = 1 << 2,
    HAS_SEQ = 1 << 3,         /* varint */
    HAS_SOURCE = 1 << 4,      /* varint */
    HAS_ID = 1 << 5,          /* text */
    HAS_FINGERPRINT = 1 << 6, /* u64 */
    HAS_OCCURRED = 1 << 7,    /* zigzag, from recorded at; absent when equal */
    HAS_ACTOR = 1 << 8,       /* text, as are the next five */
    HAS_REASON = 1 << 9,
    HAS_DOCUMENT = 1 << 10,
    HAS_DOCUMENT_LINE = 1 << 11,
    HAS_CHANNEL = 1 << 12,
    HAS_META = 1 << 13,
    HAS_SETTINGS = 1 << 14, /* zigzag window, varint capacity */
    DECISION_UNKNOWN = 1 << 15
};

/* Fields of the event: bits of `present`. */
enum {
    WITH_ITEM = 1 << 0,     /* varint */
    WITH_LOCATION = 1 << 1, /* varint */
    WITH_SCALE = 1 << 2,    /* u8 */
    WITH_QUANTITY = 1 << 3, /* zigzag */
    WITH_CONDITION = 1 << 4,
    WITH_TO_CONDITION = 1 << 5,
    WITH_ACCOUNT = 1 << 6,        /* u8 */
    WITH_ACCOUNT_UNITS = 1 << 7,  /* zigzag */
    WITH_OTHER_LOCATION = 1 << 8, /* varint */
    WITH_DELTA = 1 << 9,          /* u16 bit per figure, zigzag each */
    WITH_FIGURES = 1 << 10,       /* the same */
    WITH_VERSION = 1 << 11,       /* varint */
    WITH_PREVIOUS = 1 << 12,      /* varint, back from this event */
    WITH_CLAIM = 1 << 13,
    WITH_REFUSAL = 1 << 14,
    WITH_DISCREPANCY = 1 << 15 /* u8 */
};

/* The type's byte says whether a second word of bits follows the first. */
#define TYPE_EXTENDED 0x80u

/* Further fields of the event, behind those above: bits of the second word. */
enum {
    ALSO_QUOTA = 1 << 0, /* varint channel, zigzag delta, zigzag after */
    ALSO_LOW = 1 << 1,   /* the bit is the value */
    ALSO_CONFIG = 1 << 2,
    ALSO_TRANSFER = 1 << 3,
    ALSO_EXPECTATION = 1 << 4,
    ALSO_MENTIONS = 1 << 5, /* varint total, varint count, texts */
    ALSO_IN_BINS = 1 << 6,  /* zigzag delta, zigzag after: a figure for which `delta` and `figures` have no bit */
    ALSO_COUNT = 1 << 7,    /* of goods: varint back, u8 flags, zigzag from its end to recorded at, varint from its
                             * beginning to its end, zigzag variance, varint uncertain */
    ALSO_SILENCE = 1 << 8,  /* of the types silent and heard: varint source, zigzag from its begin to recorded at */
    ALSO_REVIEW = 1 << 9,   /* varint back, u8 brake, u8 flags, the command where they say so */
    ALSO_REVERSE = 1 << 10, /* varint back, u8 form and text of the source, the same of the id */
    ALSO_STATED = 1 << 11,  /* of the type snapshot: varint source, zigzag books, u8 policy and flags, varint position,
                             * u64 set where a flag says so */
    ALSO_REPORTED = 1 << 12, /* of the type reported: varint source, u8 flags, then varint back to what it confirms, or
                              * zigzag books */
    ALSO_ASKED = 1 << 13,   /* of the type count_asked: varint source */
    ALSO_BOOKED = 1 << 14,  /* varint from it to recorded at */
    ALSO_SKIPS = 1 << 15,   /* of each level the version has: varint back, zigzag from the oldest to recorded at */
};
#define CONFIG_DELETED 0x80u /* beside the space */
#define COUNT_PICKED   1u    /* of the count's flags, the only one */
/* Beside the policy. */
enum { STATED_NET = 0x80, STATED_IN_SET = 0x40, STATED_CLOSES = 0x20, STATED_SHELF = 0x10, STATED_FLAGS = 0xf0 };
/* The report's. */
enum { REPORTED_AVAILABLE = 1, REPORTED_LATE = 2, REPORTED_CONFIRMS = 4, REPORTED_UNKNOWN = 0xf8 };
/* The review's. */
enum { REVIEW_ACCEPTED = 1, REVIEW_COMMAND = 2, REVIEW_UNKNOWN = 0xfc };

/* The claim's flags: two bits for each name, then its end. */
enum { NAME_ABSENT, NAME_GIVEN, NAME_SAME };
enum { CLAIM_HOLD_SHIFT = 0, CLAIM_HOLDER_SHIFT = 2, CLAIM_CHANNEL_SHIFT = 4, CLAIM_EXPIRES = 64, CLAIM_EXTENDED = 128 };
/* More of the claim, when its flags say so. */
enum {
    CLAIM_WIDE = 1,
    CLAIM_PAID = 2,
    CLAIM_PRIORITY = 4,
    CLAIM_AT = 8,
    CLAIM_PARTIAL = 16,
    CLAIM_MORE_UNKNOWN = 0xe0
};

/* The refusal's flags. */
enum {
    REFUSAL_SUBJECT = 1,
    REFUSAL_FIELD = 2,
    REFUSAL_CONSUMED = 4,
    REFUSAL_RELEASED = 8,
    REFUSAL_SHORTAGES = 16,
    REFUSAL_UNKNOWN = 224
};

#define RECORD_HEAD_BYTES 5
#define TEXT_BYTES_MAX    META_BYTES_MAX /* the longest text of a decision */

#define FIGURES_BY_BITS FIGURE_IN_BINS /* those before it have a bit each in `delta` and `figures` */
_Static_assert(FIGURES_BY_BITS <= 16 && CLAIM_FIGURE_COUNT <= 16, "a bit for each figure");
_Static_assert(FIGURE_COUNT == FIGURES_BY_BITS + 1, "and a field for the one that has none");

/* The names of the claim, transfer and expectation events before, within one decision. */
struct claim_names {
    bool any;
    struct text hold, holder, channel;
    struct text transfer, expectation;
    struct text of_source, of_id;
};

#endif
