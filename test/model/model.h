/*
 * The model: a ledger as naive as it can be, written from API.md and DESIGN section 2 alone, to compare the real one
 * with. Names are strings, tables are arrays searched from the front, what can be summed is summed anew each time, and a
 * command works on a copy of everything that is thrown away when the command is refused.
 */
#ifndef ONHAND_TEST_MODEL_H
#define ONHAND_TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NAME_BYTES 8
#define MODEL_LINES_MAX  6
#define MODEL_NAMES_MAX  12
#define MODEL_CELLS_MAX  64
#define MODEL_CLAIMS_MAX 24
#define MODEL_TIME_NONE  INT64_MIN

typedef char model_name[MODEL_NAME_BYTES]; /* "" for absent */

enum model_kind {
    MODEL_RECEIVE, MODEL_SALE, MODEL_SHIP, MODEL_RETURN, MODEL_ADJUST, MODEL_RECLASSIFY, MODEL_TRANSFER,
    MODEL_HOLD, MODEL_EXTEND, MODEL_COMMIT, MODEL_RELEASE, MODEL_ITEM, MODEL_SETTINGS, MODEL_KIND_COUNT
};

/* sellable damaged quality_control quarantined recalled expired; MODEL_CONDITIONS when left out */
#define MODEL_CONDITIONS 6

struct model_decimal { int64_t digits, places; };

struct model_if { /* each pair: asked for, and what for */
    int64_t has_version, version;
    int64_t has_on_hand, has_available, has_reserved;
    struct model_decimal on_hand, available, reserved;
};

struct model_line {
    model_name item, location;
    struct model_decimal quantity;
    int64_t condition;
    struct model_if precondition;
};

enum { MODEL_GUARD_DEFAULT, MODEL_GUARD_ON, MODEL_GUARD_OFF };

/* Nothing but names and 64-bit numbers, so that two commands are the same exactly when their bytes are. */
struct model_command {
    int64_t kind, guard, dry_run, partial, strict;
    int64_t has_seq, seq;
    int64_t occurred_at_us, not_after_us; /* MODEL_TIME_NONE when left out */
    int64_t has_expires_in, expires_in_ms;
    int64_t from, to_condition, scale, line_count;
    model_name source, id, hold, holder, channel, to, item;
    struct model_if precondition;
    struct model_line lines[MODEL_LINES_MAX];
};

struct model_item { model_name name; int64_t scale, supplier, customer, loss, found, config_seq; };
struct model_source { model_name name; int64_t seq_mark; };
struct model_cell { model_name item, location; int64_t on[MODEL_CONDITIONS]; int64_t version; };

struct model_claim_line { int64_t cell, granted, held, committed, consumed, released, expired; };
struct model_claim {
    model_name name, holder, channel;
    const char *state; /* held committed released consumed expired */
    int64_t made, expires_at_us, ended_at_us;
    int64_t line_count;
    struct model_claim_line lines[MODEL_CELLS_MAX / 2];
};

struct model_state {
    int64_t seq; /* events so far */
    int64_t strict;
    int64_t item_count, location_count, source_count, cell_count, claim_count;
    struct model_item items[MODEL_NAMES_MAX];
    model_name locations[MODEL_NAMES_MAX];
    struct model_source sources[MODEL_NAMES_MAX];
    struct model_cell cells[MODEL_CELLS_MAX];
    struct model_claim claims[MODEL_CLAIMS_MAX];
};

struct model_shortage { model_name item, location; int64_t asked, free; };

struct model_answer {
    enum { MODEL_ACCEPTED, MODEL_REFUSED, MODEL_INVALID, MODEL_DUPLICATE } outcome;
    const char *code; /* "none" unless refused or invalid */
    bool clock_skew;
    int64_t seq; /* duplicate: the last event of the first answer */
    int64_t consumed, released; /* hold_ended */
    int64_t shortage_count;
    struct model_shortage shortages[MODEL_LINES_MAX];
};

struct model_remembered { struct model_command command; int64_t seq, at_us; };

struct model {
    int64_t window_us;
    struct model_state now;
    int64_t remembered_count, remembered_max;
    struct model_remembered *remembered; /* of the caller, room for remembered_max */
};

/* An empty ledger. The room for remembered commands is the caller's. */
void model_init(struct model *model, int64_t window_us, struct model_remembered *room, int64_t room_count);

/* Ends what is held of the one claim that is due first. Its name, or NULL when none is due by then. */
const char *model_expire(struct model *model, int64_t now_us);

/*
 * Decides and applies one command. A remembered id may be forgotten once it is older than the window, and nobody
 * promises when: old_is_known says whether the other side still knows it.
 */
struct model_answer model_command(struct model *model, const struct model_command *command, int64_t now_us,
                                  bool old_is_known);

/* The claim of this name at this time, or NULL. */
const struct model_claim *model_claim_named(const struct model *model, const char *name, int64_t now_us);
/* Figures that are sums over the claims. */
int64_t model_held(const struct model_state *state, int64_t cell);
int64_t model_committed(const struct model_state *state, int64_t cell);

#endif
