/*
 * A command: what a source reports or asks for, in the form the sequencer carries.
 *
 * Sources speak JSON (api/command_json.c). What travels to the ledger is the canonical binary form defined here: one
 * value has exactly one encoding, so that the fingerprint that recognises a reused id is a hash of these bytes, a
 * recorded log of them can be replayed into another engine, and an outside log (DESIGN section 6) can carry them.
 * The form has no clock in it: log time is given by the sequencer when it orders the command.
 *
 *     u8 kind | u8 flags | varint present (bit per optional field below, in enum order) | fields | varint n | n lines
 *     line: u8 present | item | location | zigzag digits, u8 places | condition | unit | precondition
 *
 * Texts are borrowed: after decoding they point into the encoded bytes.
 */
#ifndef ONHAND_LEDGER_COMMAND_H
#define ONHAND_LEDGER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/epochs.h"
#include "base/siphash.h"
#include "base/status.h"
#include "base/text.h"

#define COMMAND_LINES_MAX 1000 /* API.md section 1 */
#define NAME_BYTES_MAX    128  /* API.md section 1 */
#define META_BYTES_MAX    1024 /* API.md section 1 */
#define UNIT_BYTES_MAX    32   /* the name of a unit: ours, so that the largest command keeps its bound */
#define CONFIG_BYTES_MAX  16384 /* a configuration body in its own binary form */
#define COMMAND_PLACES_MAX 64   /* locations of `sourcing` or of a channel */
/* A thousand lines with the longest names, the longest texts around them, rounded up. */
#define COMMAND_BYTES_MAX (384 * 1024)
#define TIME_NONE         INT64_MIN
#define EXPIRES_DEFAULT   INT64_MIN /* `expires_in` left out */

/* X(enum, name on the wire, request? (marked G in API.md section 3)) */
#define KIND_MAP(X)                                                                                                    \
    X(RECEIVE, receive, false)                                                                                         \
    X(SALE, sale, false)                                                                                               \
    X(SHIP, ship, true)                                                                                                \
    X(RETURN, return, false)                                                                                           \
    X(ADJUST, adjust, false)                                                                                           \
    X(RECLASSIFY, reclassify, false)                                                                                   \
    X(TRANSFER, transfer, false)                                                                                       \
    X(HOLD, hold, true)                                                                                                \
    X(EXTEND, extend, true)                                                                                            \
    X(COMMIT, commit, true)                                                                                            \
    X(RELEASE, release, false)                                                                                         \
    X(EXPIRE, expire, false)   /* the ledger's own */                                                                  \
    X(TICK, tick, false)       /* the engine's own: time passes, nothing else */                                       \
    X(PUT_ITEM, item, false)   /* PUT /v1/items/{name} */                                                              \
    X(SETTINGS, settings, false) /* the server's own: journalled settings */                                           \
    X(AMEND, amend, true)                                                                                              \
    X(REASSIGN, reassign, true)                                                                                        \
    X(PICK, pick, true)                                                                                                \
    X(UNPICK, unpick, true)                                                                                            \
    X(COVER, cover, false) /* the ledger's own */                                                                      \
    X(SET_POLICY, set_policy, false)                                                                                   \
    X(SET_CHANNEL, set_channel, false)                                                                                 \
    X(ALLOCATE, allocate, false)                                                                                       \
    X(TRANSFER_OUT, transfer_out, false)                                                                               \
    X(TRANSFER_IN, transfer_in, false)                                                                                 \
    X(TRANSFER_LOSS, transfer_loss, false)                                                                             \
    X(EXPECT, expect, false)                                                                                           \
    X(REDATE, redate, false)                                                                                           \
    X(CANCEL_EXPECTED, cancel_expected, false)                                                                         \
    X(PUT_LOCATION, location, false)  /* PUT /v1/locations/{name} */                                                   \
    X(PUT_CHANNEL, channel, false)    /* PUT /v1/channels/{name} */                                                    \
    X(PUT_SOURCE, source, false)      /* PUT /v1/sources/{name} */                                                     \
    X(DELETE_ITEM, delete_item, false) /* DELETE of the four */                                                        \
    X(DELETE_LOCATION, delete_location, false)                                                                         \
    X(DELETE_CHANNEL, delete_channel, false)                                                                           \
    X(DELETE_SOURCE, delete_source, false)                                                                             \
    X(SILENT, silent, false) /* the ledger's own, as is the next */                                                    \
    X(HEARD, heard, false)                                                                                             \
    X(STOCK_COUNT, count, false)                                                                                       \
    X(RESOLVE, resolve, false)                                                                                         \
    X(SNAPSHOT, snapshot, false)                                                                                       \
    X(SHORT, short, false) /* the ledger's own */                                                                      \
    X(REVERSE, reverse, false)                                                                                         \
    X(CLOSE_PERIOD, close_period, false)

enum command_kind {
#define X(upper, lower, request) KIND_##upper,
    KIND_MAP(X)
#undef X
        KIND_COUNT
};

/* The name on the wire, a constant. */
const char *kind_name(enum command_kind kind);
/* Requests can be refused for want of stock, facts cannot, unless `guard` says otherwise. */
bool kind_is_request(enum command_kind kind);

#define CONDITION_MAP(X)                                                                                               \
    X(SELLABLE, sellable)                                                                                              \
    X(DAMAGED, damaged)                                                                                                \
    X(QUALITY_CONTROL, quality_control)                                                                                \
    X(QUARANTINED, quarantined)                                                                                        \
    X(RECALLED, recalled)                                                                                              \
    X(EXPIRED, expired)

enum condition {
#define X(upper, lower) CONDITION_##upper,
    CONDITION_MAP(X)
#undef X
        CONDITION_COUNT,
    CONDITION_NONE = CONDITION_COUNT /* left out */
};

const char *condition_name(enum condition condition);

enum guard { GUARD_DEFAULT, GUARD_ON, GUARD_OFF };
enum hold_mode { HOLD_ALL_OR_NOTHING, HOLD_PARTIAL };
/* How a line without a location finds one; NONE where `sourcing` was left out. */
enum sourcing_rule { SOURCING_NONE, SOURCING_PRIORITY, SOURCING_FEWEST_SPLITS, SOURCING_MOST_STOCK };
/* Which way expected goods go. */
enum direction { DIRECTION_NONE, DIRECTION_IN, DIRECTION_OUT };
/* Which figure a snapshot tells, and which claims that figure has in it (snapshot.c). */
enum measure { MEASURE_ON_HAND, MEASURE_AVAILABLE };
const char *measure_name(enum measure measure);
enum contains { CONTAINS_DEFAULT, CONTAINS_NONE, CONTAINS_SHIPPED, CONTAINS_COMMITTED };
/* What is to become of a review. */
enum verdict_word { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_REJECT };
/* A yes or no that can be left out. */
enum choice { CHOICE_ABSENT, CHOICE_NO, CHOICE_YES };

/*
 * A time as a document gives it: an instant, or a day of which the location's zone says when it begins and ends
 * (DESIGN I5). A day is kept as its midnight in UTC.
 */
enum moment_form { MOMENT_ABSENT, MOMENT_INSTANT, MOMENT_DAY };
struct moment {
    enum moment_form form;
    int64_t us; /* UTC; 0 when absent */
};

/* A decimal that can be left out. */
struct optional_decimal {
    bool present;
    struct decimal value;
};

/* `if`: what must hold for the cell, each only where its bit is set. */
enum precondition_bit {
    PRECONDITION_VERSION = 1,
    PRECONDITION_ON_HAND = 2,
    PRECONDITION_AVAILABLE = 4,
    PRECONDITION_RESERVED = 8
};
struct precondition {
    uint8_t present; /* bits of enum precondition_bit; 0 for no precondition */
    uint64_t version;
    struct decimal on_hand, available, reserved;
};

struct command_line {
    struct text item;           /* 1 to NAME_BYTES_MAX bytes */
    struct text location;       /* 1 to NAME_BYTES_MAX bytes; absent where sourcing finds it */
    struct decimal quantity;    /* > 0; signed for adjust; >= 0 for amend and count */
    struct text unit;           /* of the quantity, 1 to UNIT_BYTES_MAX bytes; absent for the item's own */
    enum condition condition;   /* CONDITION_NONE when left out */
    struct precondition precondition;
};

/*
 * What ledger_prepare found out ahead of the decision, so that it is not looked up twice; not part of the form. A number
 * stays until its name is retired: one that was known then is right later, unless a name was retired since; one that was
 * not (NUMBER_NONE) may be known by now.
 */
struct command_hints {
    bool ready;
    uint32_t retired;    /* names given up by then: once there are more, no number here is to be relied on */
    struct hash128 id;   /* of (source, id); nothing when the id is absent */
    uint64_t hold;       /* hash of the hold's name, 0 when it is absent */
    uint32_t source;
    uint32_t item, location, cell; /* of a single line */
};

struct reading;

struct command {
    enum command_kind kind;
    enum guard guard;
    bool dry_run;
    enum hold_mode mode;
    bool has_seq;
    uint64_t seq;                /* the source's own numbering */
    struct command_hints hints;
    uint64_t fingerprint;        /* not in the form: siphash64 of the form, set by whoever hands it to the ledger */
    struct text source;          /* always present */
    struct text id;              /* absent only for the server's own commands */
    const struct reading *reading; /* not in the form: what was found out about the past for it (reading.h), or NULL */
    const struct epochs *epochs; /* not in the form: of the journal that decides, set as the fingerprint is */
    int64_t occurred_at_us;      /* UTC, TIME_NONE when left out; of a count, the end of its window; of a snapshot, what it saw */
    int64_t not_after_us;        /* UTC log time, TIME_NONE when left out */
    struct text actor, reason, document, document_line, channel;
    struct text meta;            /* a JSON object in canonical form (keys sorted, no blanks), or absent */
    struct precondition precondition;
    struct text hold, holder;
    int64_t expires_in_ms;       /* EXPIRES_DEFAULT, or >= 0; 0 means until released */
    int64_t counted_from_us;     /* count: the beginning of its window, UTC; TIME_NONE for its end */
    bool includes_picked;        /* count: goods on trolleys were counted, too */
    /* snapshot: the position its source had read up to, unless it says a time; and its own `seq` it has in it, 0 for none. */
    bool has_position;
    uint32_t seen_epoch;
    uint64_t seen_position, seen_seq;
    bool report;                 /* or it says neither: a partner's report of what it has now, or had at occurred_at */
    enum measure measure;
    enum contains contains;
    struct text set;             /* snapshot: the set it is a part of, or absent */
    bool last;                   /* and its end: what the source told of before and not in it is 0 */
    enum condition from, to_condition; /* reclassify */
    struct text to_location;     /* transfer, transfer_out, reassign */
    bool backorder, wait, paid;
    uint32_t priority;           /* of a claim or a channel: 1 first; 0 when left out */
    struct moment at;            /* hold: promised for then; close_period: `until`, an instant */
    enum sourcing_rule sourcing;
    uint32_t place_count;        /* locations of sourcing or of a channel, COMMAND_PLACES_MAX at most */
    struct text places;          /* their names in the form of command_place_put; absent when left out */
    struct text transfer, expectation;
    uint64_t review;             /* resolve: sequence number of its first event */
    enum verdict_word verdict;   /* resolve */
    struct text of_source, of_id; /* reverse: the command that is reversed */
    enum direction direction;    /* expect */
    struct moment due;           /* expect, redate; eta of transfer_out */
    uint32_t line_count;         /* 0 where lines were left out */
    struct command_line *lines;  /* borrowed, line_count of them */

    /* set_policy, set_channel, allocate: what they speak of beside the channel above */
    struct text item, location;
    struct optional_decimal safety_stock, backorder_limit, reorder_point;
    struct optional_decimal buffer, cap;
    enum choice shares_rest;
    struct optional_decimal add, to; /* allocate */

    /* Configuration: the name is in item, location, channel, or source_name; config is the rest of its body. */
    uint8_t scale;
    struct text source_name;
    struct text config;          /* CONFIG_BYTES_MAX at most, in the form of ledger/config_form.h, or absent */
    /* SETTINGS */
    int64_t id_window_ms;
    uint32_t id_capacity;
    bool strict; /* facts do not create items and locations */
};

/*
 * Writes the canonical form. Returns its length, or 0 when it does not fit `capacity` (COMMAND_BYTES_MAX always does
 * for a command within its bounds).
 */
size_t command_encode(const struct command *command, uint8_t *out_bytes, size_t capacity);

/* Appends a name to `places` being built in a buffer of COMMAND_PLACES_BYTES; returns the bytes written. */
#define COMMAND_PLACES_BYTES (COMMAND_PLACES_MAX * (NAME_BYTES_MAX + 2))
size_t command_place_put(uint8_t *at, struct text name);
/* Takes the first name out of `places`; false at the end. */
bool command_place_next(struct text *places, struct text *out_name);

/* A command in which everything is left out, for whoever fills one. lines: see command_decode. */
struct command command_blank(enum command_kind kind, struct command_line *lines);

/*
 * Reads the canonical form. lines: caller's room for COMMAND_LINES_MAX lines, borrowed by the command.
 * STATUS_INVALID when the bytes are not exactly one canonical command within every bound; nothing is usable then.
 */
MUST_USE enum status command_decode(const uint8_t *bytes, size_t n, struct command_line *lines,
                                    struct command *out_command);

#endif
