/*
 * The model: a ledger as naive as it can be, written from API.md and DESIGN section 2 alone, to compare the real one
 * with. Names are strings, tables are arrays searched from the front, what can be summed is summed anew each time, and
 * a command works on a copy of everything that is thrown away when the command is refused.
 */
#ifndef ONHAND_TEST_MODEL_H
#define ONHAND_TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NAME_BYTES   8
#define MODEL_LINES_MAX    6
#define MODEL_NAMES_MAX    8
#define MODEL_CELLS_MAX    24
#define MODEL_CLAIMS_MAX   12
#define MODEL_CHANNELS_MAX 4
#define MODEL_PLACES_MAX   4
#define MODEL_PARTS_MAX    3 /* components of a kit */
#define MODEL_PAPERS_MAX   16 /* transfers, and expectations: those of the holds' names among them */
#define MODEL_TIME_NONE    INT64_MIN

typedef char model_name[MODEL_NAME_BYTES]; /* "" for absent */

enum model_kind {
    MODEL_RECEIVE, MODEL_SALE, MODEL_SHIP, MODEL_RETURN, MODEL_ADJUST, MODEL_RECLASSIFY, MODEL_TRANSFER,
    MODEL_HOLD, MODEL_EXTEND, MODEL_COMMIT, MODEL_RELEASE, MODEL_ITEM, MODEL_SETTINGS, MODEL_AMEND, MODEL_REASSIGN,
    MODEL_PICK, MODEL_UNPICK, MODEL_SET_POLICY, MODEL_SET_CHANNEL, MODEL_ALLOCATE, MODEL_TRANSFER_OUT,
    MODEL_TRANSFER_IN, MODEL_TRANSFER_LOSS, MODEL_EXPECT, MODEL_REDATE, MODEL_CANCEL_EXPECTED, MODEL_COUNT,
    MODEL_CLOSE_PERIOD, MODEL_REVERSE, MODEL_SNAPSHOT, MODEL_KIND_COUNT
};

/* sellable damaged quality_control quarantined recalled expired; MODEL_CONDITIONS when left out */
#define MODEL_CONDITIONS 6

struct model_decimal { int64_t digits, places; };
struct model_option { int64_t given; struct model_decimal value; }; /* a decimal that can be left out */

/* An instant, or a day by its midnight. */
enum { MODEL_MOMENT_NONE, MODEL_MOMENT_INSTANT, MODEL_MOMENT_DAY };
struct model_moment { int64_t form, us; };

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

struct model_command_part { model_name item; struct model_decimal quantity; };

enum { MODEL_GUARD_DEFAULT, MODEL_GUARD_ON, MODEL_GUARD_OFF };
enum { MODEL_SOURCING_NONE, MODEL_SOURCING_PRIORITY, MODEL_SOURCING_FEWEST_SPLITS, MODEL_SOURCING_MOST_STOCK };
enum { MODEL_DIRECTION_NONE, MODEL_DIRECTION_IN, MODEL_DIRECTION_OUT };
enum { MODEL_MEASURE_ON_HAND, MODEL_MEASURE_AVAILABLE };
enum { MODEL_CONTAINS_DEFAULT, MODEL_CONTAINS_NONE, MODEL_CONTAINS_SHIPPED, MODEL_CONTAINS_COMMITTED };
enum { MODEL_REBASE, MODEL_COMPARE_AND_SET, MODEL_LATEST_EVENT_TIME, MODEL_REPORT, MODEL_POLICIES }; /* of snapshots */
enum { MODEL_CHOICE_NONE, MODEL_CHOICE_NO, MODEL_CHOICE_YES };

/* Nothing but names and 64-bit numbers, so that two commands are the same exactly when their bytes are. */
struct model_command {
    int64_t kind, guard, dry_run, partial, strict;
    int64_t has_seq, seq;
    int64_t occurred_at_us, not_after_us; /* MODEL_TIME_NONE when left out */
    int64_t has_expires_in, expires_in_ms;
    int64_t from, to_condition, scale, line_count;
    int64_t backorder, wait, paid, priority; /* priority: 1 first, 0 when left out */
    int64_t sourcing, shares_rest, place_count;
    model_name places[MODEL_PLACES_MAX]; /* of sourcing or of a channel */
    int64_t direction;
    struct model_moment at, due; /* at: until when it closes, too; due: the eta of a transfer, too */
    struct model_option safety_stock, backorder_limit, reorder_point, buffer, cap, add, set_to;
    model_name of_source, of_id; /* what is reversed */
    model_name source, id, hold, holder, channel, to, item, location, transfer, expectation;
    struct model_if precondition;
    struct model_line lines[MODEL_LINES_MAX];
    int64_t counted_from_us, includes_picked; /* of a count; occurred_at_us is when its window ends */
    int64_t has_position, seen_epoch, seen_position, seen_seq; /* of a snapshot; without, it saw occurred_at_us */
    int64_t measure, contains, last; /* last: of a set, of this name */
    model_name set;
    int64_t part_count;
    struct model_command_part parts[MODEL_PARTS_MAX]; /* PUT of an item: its components, by name */
    /* No part of the command: when the position was told that it saw, and by which command. */
    int64_t seen_us, seen_order;
};

struct model_part { model_name item; int64_t units; }; /* of one kit */
struct model_item {
    model_name name;
    int64_t scale, supplier, customer, loss, found, config_seq;
    int64_t part_count; /* 0: no kit */
    struct model_part parts[MODEL_PARTS_MAX];
};
/* Who loses cover first: by the first criterion that differs. */
enum { MODEL_NEWEST, MODEL_LOWEST_PRIORITY, MODEL_UNPAID, MODEL_OTHER_PLACE, MODEL_CRITERIA };
struct model_rule { int64_t count, by[MODEL_CRITERIA]; };
struct model_silence {
    int64_t after_s; /* 0: it may be silent */
    int64_t buffer;  /* kept back of each item at each place, whole units; 0: all */
    int64_t place_count;
    model_name places[MODEL_PLACES_MAX];
};
/* What becomes of its snapshots: `policy`; and by how much they may change anything, in whole units and percent. */
struct model_stating { int64_t policy, has_units, units, has_percent, percent; };
struct model_source {
    model_name name;
    int64_t seq_mark;
    struct model_stating stating;
    model_name set; /* of snapshots, that is told, or was last */
    int64_t set_closed;
    struct model_silence silence;
    int64_t heard_us, silent_since_us; /* the latter 0 while it is not */
};
struct model_cell {
    model_name item, location;
    int64_t on[MODEL_CONDITIONS];
    int64_t version;
    int64_t safety_stock, backorder_limit, reorder_point, low;
    int64_t quota[MODEL_CHANNELS_MAX]; /* of each channel: what it has left */
};

struct model_offer { int64_t has_buffer, buffer, has_cap, cap; }; /* of one item in one channel, base units */
struct model_channel {
    model_name name;
    int64_t priority, shares_rest, buffer, has_cap, cap; /* buffer, cap: whole units of each item */
    int64_t place_count;
    model_name places[MODEL_PLACES_MAX];
    struct model_offer offers[MODEL_NAMES_MAX]; /* one per item, in the order of the items */
};

struct model_claim_line {
    int64_t cell, granted, held, committed, picked, consumed, released, expired, backordered, quota, waiting, lapsed;
    int64_t lost; /* of what is backordered: had cover once */
};
struct model_claim {
    model_name name, holder, channel;
    const char *state; /* held committed waiting released consumed expired */
    int64_t made, expires_at_us, ended_at_us;
    int64_t partial, priority, paid;
    struct model_moment at;
    int64_t line_count;
    struct model_claim_line lines[MODEL_CELLS_MAX];
};

/* A transfer under way, or an expected document: what is open of it in each cell. */
struct model_paper_line { int64_t cell, open; struct model_moment due; };
struct model_paper {
    model_name name;
    int64_t direction;    /* of what is expected */
    int64_t closed_at_us; /* MODEL_TIME_NONE while anything is open */
    int64_t line_count;
    struct model_paper_line lines[MODEL_CELLS_MAX];
};

/* All before until_us is closed, from this command on. */
struct model_closing { int64_t until_us, order; };
#define MODEL_CLOSINGS_MAX 64

struct model_state {
    int64_t seq; /* events so far */
    int64_t listening_us; /* when the ledger was started last */
    int64_t strict;
    int64_t item_count, location_count, source_count, channel_count, cell_count, claim_count;
    int64_t transfer_count, expectation_count;
    struct model_item items[MODEL_NAMES_MAX];
    model_name locations[MODEL_NAMES_MAX], parents[MODEL_NAMES_MAX]; /* "" at the top */
    int64_t bins[MODEL_NAMES_MAX], tree; /* which take no promises; there is one, or was */
    struct model_rule rules[MODEL_NAMES_MAX]; /* of shortfalls */
    struct model_source sources[MODEL_NAMES_MAX];
    struct model_channel channels[MODEL_CHANNELS_MAX];
    struct model_cell cells[MODEL_CELLS_MAX];
    struct model_claim claims[MODEL_CLAIMS_MAX];
    struct model_paper transfers[MODEL_PAPERS_MAX], expectations[MODEL_PAPERS_MAX];
    int64_t closing_count;
    struct model_closing closings[MODEL_CLOSINGS_MAX]; /* each later than the one before */
};

/* What one command changed of the goods in one cell, less what counts found. */
struct model_move {
    model_name item, location;
    /* told: by which command; late: it occurred before that; order: told, but of a reversal that of what it reverses */
    int64_t occurred_us, order, late, told;
    int64_t on[MODEL_CONDITIONS], picked, committed;
    /* seq: of the last event; own: what its source numbered it, 0 for none; stated: it is of a snapshot */
    model_name source;
    int64_t seq, own, stated, seen_position;
};
/* A count of one condition of a cell. */
struct model_count {
    model_name item, location;
    int64_t condition, from_us, to_us, includes_picked, counted, recorded_us, order;
    int64_t variance, uncertain;
    int64_t forgotten; /* its variance stays what it is */
    int64_t reversed;  /* nothing of it is left */
    int64_t net, snapshot; /* what is committed is off it; it is of a snapshot */
    int64_t seq;       /* of its event: the other side says it */
};
/* What a command changed of what a count found. */
struct model_change {
    model_name item, location, source;
    int64_t condition, units, to_us, order, seq, own, stated;
};
/* What a source said last of one condition of a cell, and what the books said of the same moment. */
struct model_statement {
    model_name source, item, location;
    int64_t condition, stated, books, booked, policy, seen_position, seen_us, net, shelf;
    int64_t in_set; /* said since its source's set began */
};
#define MODEL_TOLD_MAX 128
/* A count that was made, or changed. */
struct model_told { int64_t number, made, events; struct model_count before, after; };

struct model_shortage { model_name item, location; int64_t asked, free; };

struct model_taken { model_name item, location; int64_t units; };

#define MODEL_SAID_MAX (MODEL_CELLS_MAX * MODEL_CONDITIONS) /* all that a source can say */

struct model_answer {
    /* refused: also what is held for a person, which is "too_late" or "held" */
    enum { MODEL_ACCEPTED, MODEL_REFUSED, MODEL_INVALID, MODEL_DUPLICATE } outcome;
    const char *code; /* "none" unless refused or invalid */
    bool clock_skew;
    int64_t seq; /* duplicate: the last event of the first answer */
    int64_t consumed, released; /* hold_ended */
    int64_t mentions;           /* claims_open */
    int64_t built, put_together; /* of kits that lines asked for */
    int64_t shared;             /* components that other lines ask for, too */
    int64_t taken_count;
    struct model_taken taken[MODEL_CELLS_MAX]; /* accepted: what the lines came to in each cell */
    int64_t shortage_count;
    struct model_shortage shortages[MODEL_SAID_MAX]; /* a claim's cells; what has no place; what is left out */
    int64_t told_count;
    struct model_told told[MODEL_TOLD_MAX]; /* accepted */
    int64_t said_count, left; /* accepted; cells that are left as they are, for they changed */
    int64_t left_out;         /* of a set: what its source told before */
    struct model_statement said[MODEL_SAID_MAX];
    int64_t undone_count;
    struct model_count undone[MODEL_LINES_MAX]; /* counts that are reversed, as they were */
};

/* What a command took from, and gave to, the accounts of one item, less what counts found. */
struct model_accounts { int64_t supplier, customer, loss, found; };
struct model_remembered {
    struct model_command command;
    int64_t seq, at_us, order, reversed;
    struct model_accounts accounts[MODEL_NAMES_MAX]; /* one per item, in their order */
};

struct model {
    int64_t window_us;
    struct model_state now;
    int64_t remembered_count, remembered_max;
    struct model_remembered *remembered; /* of the caller, room for remembered_max */
    int64_t order; /* commands so far */
    bool old_is_reversible; /* the other side still knows what is to be reversed, however old it is */
    int64_t move_count, count_count, change_count, statement_count;
    struct model_move *moves;     /* of the caller, room for MODEL_MOVES_MAX */
    struct model_count *counts;   /* of the caller, room for MODEL_COUNTS_MAX */
    struct model_change *changes; /* of the caller, room for MODEL_MOVES_MAX */
    struct model_statement *statements; /* of the caller, room for MODEL_STATEMENTS_MAX */
};
#define MODEL_STATEMENTS_MAX (4 * MODEL_SAID_MAX)
#define MODEL_MOVES_MAX  16384
#define MODEL_COUNTS_MAX 1024

/* An empty ledger. The room for all that is remembered is the caller's. */
void model_init(struct model *model, int64_t window_us, struct model_remembered *room, int64_t room_count,
                struct model_move *moves, struct model_count *counts, struct model_change *changes,
                struct model_statement *statements);

/*
 * What the ledger itself must do before the next command: shortfalls, covers, service of waiting claims, then expiries.
 * Where the texts leave an order open (which cell comes first), the other side chooses and the model says whether it may:
 * false when this is not what may be done now. A claim with `partial` is served in this cell, where it is first; any
 * other as a whole.
 */
bool model_short(struct model *model, const char *item, const char *location, int64_t *trolleys, int64_t *not_newest);
bool model_cover(struct model *model, const char *item, const char *location);
bool model_serve(struct model *model, const char *hold, const char *item, const char *location, int64_t now_us);
/* Ends what is held and waited for of the one claim that is due first. Its name, or NULL when none may end now. */
const char *model_expire(struct model *model, int64_t now_us);
/* What is to be said of a source by then, told to nobody yet: silent, or heard again, and since when it was not. NULL
 * when nothing is, or something else comes first. */
const char *model_say(struct model *model, int64_t now_us, bool *out_silent, int64_t *out_since_us);
/* Nothing of it is left to do by then. */
bool model_idle(const struct model *model, int64_t now_us);

/*
 * Decides and applies one command. A remembered id may be forgotten once it is older than the window, and nobody
 * promises when: old_is_known says whether the other side still knows it.
 */
struct model_answer model_command(struct model *model, const struct model_command *command, int64_t now_us,
                                  bool old_is_known);

/* A command with this one's source and id was decided before, however long ago. */
bool model_remembers(const struct model *model, const struct model_command *command);
/* It moved goods, or counted some. */
bool model_moved(const struct model *model, const struct model_remembered *past);
/* What is to be reversed: NULL when no command had this name. */
const struct model_remembered *model_named(const struct model *model, const char *source, const char *id);
/* What was there of a condition at a time that has passed, as far as is known now. */
int64_t model_as_of(const struct model *model, const char *item, const char *location, int64_t condition,
                    int64_t at_us);
/* The same, but what was told when that time was closed does not count. */
int64_t model_as_booked(const struct model *model, const char *item, const char *location, int64_t condition,
                        int64_t at_us);
/* Up to when it is closed; 0 while nothing is. */
int64_t model_closed_us(const struct model *model);
/* The transfer, or the expected document, of this name at this time, or NULL. */
const struct model_paper *model_paper_named(const struct model *model, bool transfer, const char *name, int64_t now_us);
/* PUT of a location, by configuration: the code of its refusal, or "none". */
const char *model_place(struct model *model, const char *location, const char *parent, bool bin,
                        const struct model_rule *rule, int64_t now_us);
/* PUT of a source, by configuration: the code of its refusal, or "none"; ended: it is silent no more with it. */
const char *model_listen(struct model *model, const char *source, const struct model_silence *silence,
                         const struct model_stating *stating, int64_t now_us, bool *out_ended);
/* The claim of this name at this time, or NULL. */
const struct model_claim *model_claim_named(const struct model *model, const char *name, int64_t now_us);
/* Figures that are sums over the claims. */
int64_t model_held(const struct model_state *state, int64_t cell);
int64_t model_committed(const struct model_state *state, int64_t cell);
int64_t model_picked(const struct model_state *state, int64_t cell);
int64_t model_backordered(const struct model_state *state, int64_t cell);
/* What is sellable in the bins below a cell's location. */
int64_t model_in_bins(const struct model_state *state, int64_t cell);
/* Figures that are sums over transfers and expected documents. */
int64_t model_in_transit(const struct model_state *state, int64_t cell);
int64_t model_incoming(const struct model_state *state, int64_t cell);
int64_t model_outgoing(const struct model_state *state, int64_t cell);
/* What can be promised in a cell for a time (I5). */
int64_t model_atp(const struct model_state *state, int64_t cell, const struct model_moment *at, int64_t now_us);
/* What a request through the channel, or through none (""), may take in a cell (I3). */
int64_t model_free(const struct model_state *state, int64_t cell, const char *channel);
bool model_is_kit(const struct model_state *state, const char *item);
bool model_is_component(const struct model_state *state, const char *item);
/* What a channel may sell of an item (I4). */
int64_t model_ats(const struct model_state *state, int64_t channel, int64_t item);

#endif
