/*
 * Events: what a decision changed. And the decision that carries them.
 *
 * A command becomes one decision: a context (who, when, why) and one event or more, which are numbered consecutively
 * and become durable together. Events carry absolute results (the figures after the change), so that evolve never
 * computes and old facts stay facts when rules change (DESIGN section 1).
 *
 * The numbers of the enums are stored in journals: append only, never renumber (docs/format.md).
 */
#ifndef ONHAND_LEDGER_EVENT_H
#define ONHAND_LEDGER_EVENT_H

#include "base/bytes.h"
#include "ledger/code.h"
#include "ledger/command.h"

#define NUMBER_NONE UINT32_MAX /* no item, location or source */

/* X(enum, name on the wire). */
#define EVENT_MAP(X)                                                                                                   \
    X(RECEIVE, receive)                                                                                                \
    X(SALE, sale)                                                                                                      \
    X(SHIP, ship)                                                                                                      \
    X(RETURN, return)                                                                                                  \
    X(ADJUST, adjust)                                                                                                  \
    X(RECLASSIFY, reclassify)                                                                                          \
    X(TRANSFER, transfer)                                                                                              \
    X(HOLD, hold)                                                                                                      \
    X(EXTEND, extend)                                                                                                  \
    X(COMMIT, commit)                                                                                                  \
    X(RELEASE, release)                                                                                                \
    X(EXPIRE, expire)                                                                                                  \
    X(REFUSED, refused)                                                                                                \
    X(OVERSOLD, oversold)                                                                                              \
    X(DISCREPANCY, discrepancy)                                                                                        \
    X(CONFIG, config)                                                                                                  \
    X(AMEND, amend)                                                                                                    \
    X(REASSIGN, reassign)                                                                                              \
    X(PICK, pick)                                                                                                      \
    X(UNPICK, unpick)                                                                                                  \
    X(COVER, cover)                                                                                                    \
    X(SET_POLICY, set_policy)                                                                                          \
    X(SET_CHANNEL, set_channel)                                                                                        \
    X(ALLOCATE, allocate)                                                                                              \
    X(TRANSFER_OUT, transfer_out)                                                                                      \
    X(TRANSFER_IN, transfer_in)                                                                                        \
    X(TRANSFER_LOSS, transfer_loss)                                                                                    \
    X(EXPECT, expect)                                                                                                  \
    X(REDATE, redate)                                                                                                  \
    X(CANCEL_EXPECTED, cancel_expected)                                                                                \
    X(LOW_STOCK, low_stock)                                                                                            \
    X(OUT_OF_STOCK, out_of_stock)                                                                                      \
    X(BACK_IN_STOCK, back_in_stock)                                                                                    \
    X(BINS, bins)                                                                                                      \
    X(SILENT, silent)                                                                                                  \
    X(HEARD, heard)                                                                                                    \
    X(STOCK_COUNT, count)                                                                                              \
    X(CORRECTION, correction)                                                                                          \
    X(REVIEW, review)                                                                                                  \
    X(RESOLVE, resolve)                                                                                                \
    X(SNAPSHOT, snapshot)                                                                                              \
    X(SHORT, short)                                                                                                    \
    X(REVERSE, reverse)                                                                                                \
    X(CLOSE_PERIOD, close_period)                                                                                      \
    X(COUNT_ASKED, count_asked)                                                                                        \
    X(REPORTED, reported)

enum event_type {
#define X(upper, lower) EVENT_##upper,
    EVENT_MAP(X)
#undef X
        EVENT_COUNT
};

const char *event_name(enum event_type type);

/*
 * Figures kept of a cell: the conditions first, in the order of enum condition, then the claims on it. Every cell has
 * those; the rest (what is expected, then the policy) is 0 in most cells and kept apart (state.h).
 */
enum figure {
    FIGURE_HELD = CONDITION_COUNT,
    FIGURE_COMMITTED,
    FIGURE_PICKED,
    FIGURE_BACKORDERED,
    FIGURE_OF_EVERY_CELL, /* below it: each cell has them */
    FIGURE_IN_TRANSIT = FIGURE_OF_EVERY_CELL, /* under way to here, all transfers */
    FIGURE_INCOMING,                          /* expected, all documents; transfers with an eta among them */
    FIGURE_OUTGOING,
    FIGURE_SAFETY_STOCK,
    FIGURE_BACKORDER_LIMIT,
    FIGURE_REORDER_POINT,
    FIGURE_IN_BINS, /* sellable units in the bins of this location (bin.c): they are promised here */
    FIGURE_COUNT
};
/* The name on the wire; of a condition, its own. */
const char *figure_name(enum figure figure);
struct figures {
    int64_t units[FIGURE_COUNT]; /* base units; each within QUANTITY_UNITS_MAX, and so are the sums below */
};

/* Which figures before FIGURE_IN_BINS are not 0, a bit each; few are, so that a branch for each costs less than making
 * its bit. */
static inline unsigned figures_bits(const struct figures *figures)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < FIGURE_IN_BINS; i++) {
        if (UNLIKELY(figures->units[i] != 0))
            bits |= 1u << i;
    }
    return bits;
}
static inline int64_t figures_on_hand(const struct figures *figures)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < CONDITION_COUNT; i++)
        sum += figures->units[i];
    return sum;
}
static inline int64_t figures_reserved(const struct figures *figures)
{
    return figures->units[FIGURE_HELD] + figures->units[FIGURE_COMMITTED];
}
/* What is sellable here and in the bins below, less what is reserved; may be negative. */
static inline int64_t figures_available(const struct figures *figures)
{
    return figures->units[CONDITION_SELLABLE] + figures->units[FIGURE_IN_BINS] - figures_reserved(figures);
}
/* What is promised without cover and without permission: max(0, -available - backordered). */
static inline int64_t figures_oversold(const struct figures *figures)
{
    return max_i64(0, -figures_available(figures) - figures->units[FIGURE_BACKORDERED]);
}

/* The other side of a movement (invariant I1): outside accounts per item, or another location. */
enum account { ACCOUNT_SUPPLIER, ACCOUNT_CUSTOMER, ACCOUNT_LOSS, ACCOUNT_FOUND, ACCOUNT_COUNT, ACCOUNT_NONE = 255 };

/* Counters of one claim in one cell; granted = consumed + released + expired + held + committed (I2). */
enum claim_figure {
    CLAIM_GRANTED,
    CLAIM_HELD,
    CLAIM_COMMITTED,
    CLAIM_PICKED, /* part of committed */
    CLAIM_CONSUMED,
    CLAIM_RELEASED,
    CLAIM_EXPIRED,
    CLAIM_SHORT,       /* part of backordered: had cover once and lost it */
    CLAIM_BACKORDERED, /* part of held + committed: without cover */
    CLAIM_QUOTA,       /* what the claim still has of its channel's quota */
    CLAIM_WAITING,     /* asked for and not granted: not part of granted */
    CLAIM_FIGURE_COUNT
};

const char *claim_figure_name(enum claim_figure figure);

/*
 * A claim is held (any unit held), committed (any committed, none held), waiting (nothing held or committed, some
 * waited for), or has ended in one of three ways.
 */
enum claim_state { CLAIM_STATE_HELD, CLAIM_STATE_COMMITTED, CLAIM_STATE_RELEASED, CLAIM_STATE_CONSUMED,
                   CLAIM_STATE_EXPIRED, CLAIM_STATE_WAITING };
const char *claim_state_name(enum claim_state state);
static inline bool claim_state_ended(enum claim_state state)
{
    return state >= CLAIM_STATE_RELEASED && state <= CLAIM_STATE_EXPIRED;
}

/* What held a command, so that a person decides (review.c). X(enum, name on the wire, what is said of it) */
#define BRAKE_MAP(X)                                                                                                   \
    X(TOO_LATE, too_late,                                                                                              \
      "it occurred before the id window, and has no seq by which it could be told from one that came")                 \
    X(AGE_LIMIT, age_limit, "it occurred longer ago than the age_limit of its source")                                 \
    X(COUNT_LIMIT, count_limit, "it finds more beyond the books than the count_limit of its source")                   \
    X(POLICY, policy, "it differs from the books, and the snapshot_policy of its source leaves that to a person")      \
    X(MAX_CHANGE, max_change,                                                                                          \
      "it would change more, or a set leave out more, than its source may; a file may be cut off or of another place")
enum brake {
#define X(upper, lower, said) BRAKE_##upper,
    BRAKE_MAP(X)
#undef X
        BRAKE_COUNT
};
const char *brake_name(enum brake brake);
const char *brake_text(enum brake brake);

/* What becomes of a source's snapshots. X(enum, name on the wire) */
#define SNAPSHOT_POLICY_MAP(X)                                                                                         \
    X(REBASE, rebase)                       /* the difference is booked: what is newer stays on top */                 \
    X(COMPARE_AND_SET, compare_and_set)     /* the same, refused when something is newer */                            \
    X(LATEST_EVENT_TIME, latest_event_time) /* the same, nothing when something is newer */                            \
    X(REVIEW, review)                       /* a person decides */                                                     \
    X(REPORT, report)                       /* nothing is booked, the difference is kept */                           \
    X(COUNT, count)                         /* the same, and somebody is asked to count */
enum snapshot_policy {
#define X(upper, lower) SNAPSHOT_##upper,
    SNAPSHOT_POLICY_MAP(X)
#undef X
        SNAPSHOT_POLICY_COUNT
};
const char *snapshot_policy_name(enum snapshot_policy policy);

/* Why a discrepancy event was made. */
enum discrepancy { DISCREPANCY_NONE, DISCREPANCY_BELOW_ZERO, DISCREPANCY_EXCEEDS_CLAIM, DISCREPANCY_NO_CLAIM,
                   DISCREPANCY_EXCEEDS_TRANSFER, DISCREPANCY_EXCEEDS_EXPECTATION };
const char *discrepancy_name(enum discrepancy discrepancy);

/* A cell of a refused command that was short. Base units. */
struct shortage {
    uint32_t item, location; /* location NUMBER_NONE: all that were asked, together */
    uint8_t scale;
    int64_t asked, free;
};

/* Stored in journals, like the enums above. */
enum name_space { NAME_ITEM, NAME_LOCATION, NAME_SOURCE, NAME_CHANNEL, NAME_SPACE_COUNT };

#define MENTIONS_MAX 16 /* claims named in a refusal; the event says how many there are */

/*
 * A way back over many events of a cell (skip.c). The event of version v has one for each level k from 1 on for which v
 * is a multiple of 8^k: to the event of version v - 8^k, and what lies between.
 */
#define SKIP_STEP_BITS 3
#define SKIP_STEP      (UINT64_C(1) << SKIP_STEP_BITS)
#define SKIP_LEVELS    7 /* 2 million events in a step: a cell of a thousand million is walked in 500 of them */
struct skip {
    uint64_t seq;      /* of the event of version v - 8^k, 0 when that is version 0 */
    int64_t oldest_us; /* the oldest decision_occurred_us of the 8^k events behind it, up to and with this one */
};
/* How many skips the event of this version, not 0, has. */
static inline unsigned skip_levels(uint64_t version)
{
    return (unsigned)__builtin_ctzll(version | UINT64_C(1) << SKIP_LEVELS * SKIP_STEP_BITS) / SKIP_STEP_BITS;
}

/*
 * What decide found out, so that evolve does not look it up again. Not part of the record: all 0 in an event that was
 * read back, and then evolve looks.
 */
struct event_hints {
    uint64_t hold; /* hash of the claim's name, 0 for not known */
    uint32_t cell; /* + 1, 0 for not known or not there yet */
};

struct event {
    uint64_t seq;
    enum event_type type;
    uint32_t item, location; /* the cell, or NUMBER_NONE in both; a config event of an item has the item alone */
    uint8_t scale;           /* of the item, so that a reader needs nothing but the record */

    /* The cell after the event. Present when location != NUMBER_NONE. */
    int64_t quantity;            /* base units moved or claimed, as the command gave it (signed for adjust) */
    enum condition condition;    /* of the movement; the origin for reclassify; CONDITION_NONE where several or none */
    enum condition to_condition; /* reclassify, else CONDITION_NONE */
    enum account account;        /* the other side, or ACCOUNT_NONE */
    int64_t account_units;       /* that account of the item after the event */
    uint32_t other_location;     /* transfer: the other cell's location; reported: that of the cell, which stays as it is;
                                    else NUMBER_NONE */
    struct figures delta;
    struct figures figures;
    uint64_t version;      /* of the cell, 1 for its first event */
    uint64_t previous_seq; /* of the cell's event before, 0 for none */
    enum discrepancy discrepancy;

    /* The claim after the event. Present when claim != 0. */
    uint64_t claim;   /* the sequence number of the claim's first event: unambiguous when a name is used again */
    struct text hold; /* its name */
    struct text holder, channel; /* as at its creation */
    enum claim_state claim_state;
    int64_t expires_at_us;                      /* UTC, TIME_NONE when it does not expire */
    int64_t claim_units[CLAIM_FIGURE_COUNT];    /* of the claim in this cell */
    bool claim_paid;
    bool claim_partial;                         /* what it waits for may come piece by piece */
    uint32_t claim_priority;                    /* 1 first; 0 for none, which comes last */
    struct moment claim_at;                     /* promised for then */

    /* The quota of a channel in this cell after the event. Present when channel_number != NUMBER_NONE. */
    uint32_t channel_number;
    int64_t quota_delta, quota;
    bool low; /* the cell is at or below its reorder point, and has not been clearly above it since */

    /* Configuration: what was set, and its new value as a whole. Present when config_space != NAME_SPACE_COUNT. A
     * config event of an item's scale alone has the item and no config. */
    enum name_space config_space;
    uint32_t config_number;
    bool config_deleted;   /* the name was given up: its number never comes back */
    struct text config;    /* in the form of the file that owns it; absent for all defaults */

    /* The transfer after the event: its units under way to this cell. Present when transfer_number != 0. */
    uint64_t transfer_number;            /* of its first event */
    struct text transfer;                /* its name */
    int64_t transit_delta, transit;      /* of this transfer, on the way to this cell */
    struct moment eta;

    /* The expected document after the event, in this cell. Present when expectation_number != 0. */
    uint64_t expectation_number; /* of its first event */
    struct text expectation;     /* its name */
    enum direction direction;
    struct moment due;
    int64_t expected_delta, expected; /* still open */

    /* A source falls silent, or is silent no more (silence.c). Present in events of these two types. */
    uint32_t silent_source;
    int64_t silent_since_us; /* UTC, log time, not 0: nothing was decided of it since */

    /* The count (of goods) after the event: a statement about one condition of the cell. Present when count_seq != 0. */
    uint64_t count_seq;        /* of its event */
    int64_t count_from_us, count_to_us; /* its window, UTC, log time: what occurred in (from, to] is counted as before it */
    bool count_picked;         /* what was picked was counted, too */
    int64_t variance;          /* what it found beyond the books, as far as is known now */
    int64_t uncertain;         /* units that moved inside its window, whichever way */

    /* What a snapshot said of a condition of the cell: `quantity` is its figure. Present in events of this type; the first one
     * in those of count_asked, too, whose `quantity` is the difference. */
    uint32_t stated_by;       /* the source that said it; another than the decision's when it was held */
    int64_t books;            /* the same figure as of what its source had seen, by the books */
    bool net;                 /* what is committed is off it, */
    bool shelf;               /* or what is picked */
    enum snapshot_policy policy;
    uint64_t set_name;        /* the set it is a part of (a hash), 0 for none */
    bool set_closed;          /* that is complete with this decision */
    uint64_t seen_position;   /* what its source had read up to; 0 when it said a time, which is the event's */

    /* What a partner reported of a condition of a cell (partner.c). Present in events of the type reported, which change
     * nothing of the cell and are none of its events: `quantity` is its figure, `stated_by` who, `books` what the cell
     * has, or the same figure where it was told. */
    enum measure measure;
    bool late;               /* it has told of the cell as of later */
    uint64_t confirmed_seq;  /* the event of the cell that told this figure; 0 for none: a difference */

    /* The review that was made or resolved. Present when review != 0. */
    uint64_t review;  /* sequence number of its first event */
    enum brake brake;
    bool accepted;    /* it was resolved, and its command is decided behind this event */
    struct text held; /* of the first event: the command, in canonical form (command.h) */

    /* The command that the event reverses. Present when reversed_seq != 0. */
    uint64_t reversed_seq;        /* of its last event */
    struct text of_source, of_id; /* how it is named */

    /* Of an event of a cell that occurred in a closed period: the first moment of what was open (period.c), never after it
     * was recorded. Of the type close_period: that moment from then on. 0 for none. */
    int64_t booked_us;

    /* Refused. And of a review, what was found in which cells: `asked` is the change, `free` what the books say. */
    enum code code;
    struct text subject;   /* the name the code speaks of, or absent */
    struct text field;     /* the field the code speaks of, or absent */
    int64_t consumed, released; /* hold_ended: what became of it, over all its cells, else 0 */
    uint32_t shortage_count;
    const struct shortage *shortages; /* borrowed from the decision */
    uint32_t mention_total, mention_count; /* open claims in the way; how many of them are named here */
    const struct text *mentions;           /* borrowed from the decision */

    struct event_hints hints;

    /* Found by evolve, and by evolve alone: decide leaves them out. 0 for an event that has none, and for one that was
     * read back from a journal that has none. */
    uint8_t skip_count;
    struct skip skips[SKIP_LEVELS]; /* the first skip_count of them */
};

/* Does the event say that a source is silent, or is so no more? */
static inline bool event_of_silence(const struct event *event)
{
    return event->type == EVENT_SILENT || event->type == EVENT_HEARD;
}

/* An event of nothing. Set in place: it is large, and a value of it would be written twice. Its skips are not touched:
 * few have any. */
static inline void event_reset(struct event *event, uint64_t seq)
{
    bytes_clear(event, offsetof(struct event, skips));
    event->seq = seq;
    event->item = NUMBER_NONE;
    event->location = NUMBER_NONE;
    event->condition = CONDITION_NONE;
    event->to_condition = CONDITION_NONE;
    event->account = ACCOUNT_NONE;
    event->other_location = NUMBER_NONE;
    event->expires_at_us = TIME_NONE;
    event->channel_number = NUMBER_NONE;
    event->config_space = NAME_SPACE_COUNT;
}

/* A name that gets its number with this decision. */
struct new_name {
    enum name_space space;
    uint32_t number; /* the next free one of its space */
    struct text name;
};

/* One command: at most a release and a grant per line for a replaced hold, two cells per line for a transfer, each with
 * a discrepancy of the goods and one of the document, oversold, low stock, and out of or back in stock behind it. From
 * bin to bin it is four cells, with less behind each: what is promised is the nodes', and goods that come cross less.
 * Late ones correct a count in each of the two cells that lines name, or one of each condition, by two accounts; and
 * where trolleys were counted here and not there, some more of one cell (counts_correct). */
#define CORRECTIONS_MORE_MAX 256
#define CORRECTIONS_MAX     (4 * COMMAND_LINES_MAX + 2 * CORRECTIONS_MORE_MAX)
#define DECISION_EVENTS_MAX (12 * COMMAND_LINES_MAX + CORRECTIONS_MAX + 8)
/* A decision of the ledger itself serves at most so many claims: more are served by the next one. */
#define SERVED_MAX 256
/* An item and a location per line, the destination, the source, the channel. */
#define DECISION_NAMES_MAX  (2 * COMMAND_LINES_MAX + 3)

struct decision {
    enum command_kind kind;
    bool clock_skew;  /* occurred_at was more than 5 minutes ahead and was placed at recorded_at */
    bool forced;      /* the command had guard: false */
    bool has_seq;
    uint64_t source_seq;
    uint32_t source;  /* number */
    struct text id;   /* absent for decisions of the ledger and the server themselves */
    uint64_t fingerprint;
    bool has_id_hash;        /* made by decide, absent when read back: spares evolve the hash */
    struct hash128 id_hash;
    int64_t recorded_at_us; /* UTC log time */
    int64_t occurred_at_us; /* UTC */
    struct text actor, reason, document, document_line, channel, meta;
    /* PUT_ITEM: the event has the item and its scale. SETTINGS: */
    int64_t id_window_ms;
    uint32_t id_capacity;
    bool strict;

    uint64_t first_seq; /* of its first event; the others follow */
    uint32_t event_count; /* 0 only for a tick */
    struct event *events; /* borrowed: the caller's room for DECISION_EVENTS_MAX; evolve notes their skips there */
    uint32_t name_count;
    struct new_name *names; /* borrowed: the caller's room for DECISION_NAMES_MAX */
    uint32_t shortage_count;
    struct shortage *shortages; /* borrowed: the caller's room for COMMAND_LINES_MAX */
    uint32_t mention_total, mention_count;
    struct text mentions[MENTIONS_MAX]; /* the first mention_count of them */
};

/* A decision of nothing in which the caller's arrays stay. What is beyond a count is not touched: it is half of it. */
static inline void decision_reset(struct decision *decision)
{
    struct event *events = decision->events;
    struct new_name *names = decision->names;
    struct shortage *shortages = decision->shortages;
    bytes_clear(decision, offsetof(struct decision, mentions));
    decision->source = NUMBER_NONE;
    decision->events = events;
    decision->names = names;
    decision->shortages = shortages;
}

/* When it occurred, on the time axis: nothing does after it is recorded, whatever its sender's clock says. */
static inline int64_t decision_occurred_us(const struct decision *decision)
{
    return min_i64(decision->occurred_at_us, decision->recorded_at_us);
}

/* The same of one of its events: what corrects a count belongs to the end of that one's window. */
static inline int64_t event_occurred_us(const struct decision *decision, const struct event *event)
{
    return event->type == EVENT_CORRECTION ? event->count_to_us : decision_occurred_us(decision);
}

/* When an event of a cell is booked: when it occurred, or later when that period was closed. */
static inline int64_t event_booked_us(const struct decision *decision, const struct event *event)
{
    return event->booked_us != 0 ? event->booked_us : event_occurred_us(decision, event);
}

/* Log time more than this behind `occurred_at` is clock skew, API.md section 1. */
#define CLOCK_SKEW_MAX_US (INT64_C(5) * 60 * 1000 * 1000)

#endif
