/*
 * The ledger: who has what, who was promised what, decided one command at a time. Pure: no I/O, clock, threads,
 * allocation, floats or randomness. All memory comes from one region given at start.
 *
 *     decide(state, command, time) -> decision      reads, writes nothing
 *     evolve(state, decision)                        writes, refuses nothing
 *     due(state, time) -> decision                   what the ledger itself must do by then (expiry)
 *
 * The owner (engine) runs, for each command in order: due + evolve until nothing is due, then decide, then evolve, and
 * hands each decision to the journal. Recovery is evolve over the journal's decisions.
 *
 * Owner: one thread. The exception is ledger_name, see there.
 */
#ifndef ONHAND_LEDGER_LEDGER_H
#define ONHAND_LEDGER_LEDGER_H

#include "base/region.h"
#include "base/siphash.h"
#include "ledger/event.h"

/* Bounds of the tables. Address space is reserved for all of it, memory is used as it fills. */
struct ledger_limits {
    uint32_t item_count_max;
    uint32_t location_count_max;
    uint32_t source_count_max;
    uint32_t cell_count_max;
    uint32_t claim_count_max;      /* live ones and ended ones inside the id window */
    uint32_t claim_line_count_max; /* cells named by those claims */
    uint32_t quota_count_max;      /* quotas of channels in cells */
    uint32_t offer_count_max;      /* items x channels that sell them */
    uint32_t transfer_count_max;      /* open ones and closed ones inside the id window */
    uint32_t expectation_count_max;   /* the same */
    uint32_t document_line_count_max; /* cells named by those that are open, of both kinds */
    uint32_t mark_count_max;       /* counts inside the id window, and the last of each cell and condition */
    uint32_t statement_count_max;  /* what each source said last of each cell and condition */
    uint32_t review_count_max;     /* open ones, and closed ones inside the id window */
    uint32_t id_count_max;         /* the journalled id capacity may be smaller, never larger */
    uint32_t config_mib_max;       /* memory of configuration bodies, CONFIG_MIB_MAX at most */
    uint32_t part_count_max;       /* components of kits */
    uint32_t alias_count_max;      /* names that items have for sources, and merged ones */
};

#define CONFIG_MIB_MAX 65535 /* its blocks are numbered with 32 bits */

#define CHANNELS_MAX 256 /* a business has tens; their quotas and availability are walked one by one */

#define LOCATION_LEVELS_MAX 32 /* real trees have below 10; the way up is walked often */

struct ledger;

/* The largest limits there can be: whatever a journal holds, it fits them. */
struct ledger_limits ledger_limits_most(void);
/* Bytes of the region ledger_init takes. */
size_t ledger_bytes(const struct ledger_limits *limits);
/* An empty ledger in a zeroed region. key: from the journal's first record. The region outlives the ledger. */
struct ledger *ledger_init(struct region *region, const struct ledger_limits *limits, const struct siphash_key *key);

enum outcome {
    OUTCOME_DECIDED,   /* accepted or refused: evolve, journal, answer when durable */
    OUTCOME_DRY,       /* as above but dry_run: answer and forget */
    OUTCOME_DUPLICATE, /* decided before: the answer is in the journal at duplicate_seq */
    OUTCOME_INVALID,   /* 422 or 503 code: nothing decided, nothing remembered */
    OUTCOME_UNREAD     /* nothing decided: first the past of some cells is to be read (reading.h) */
};

#define LINE_NONE UINT32_MAX

struct verdict {
    enum outcome outcome;
    enum code code;         /* OUTCOME_INVALID: why. OUTCOME_DECIDED and DRY: CODE_none, or the refusal's code */
    uint32_t line;          /* OUTCOME_INVALID: index of the line it speaks of, or LINE_NONE */
    const char *field;      /* OUTCOME_INVALID: the field it speaks of, a constant, or NULL */
    const char *detail;     /* OUTCOME_INVALID: what is wrong, a constant, or NULL */
    uint64_t duplicate_seq; /* OUTCOME_DUPLICATE: position of the last event of the first decision */
};

/*
 * Judges one command at log time now_us (>= ledger_now_us). Everything due by then has been evolved.
 * out_decision: the caller's, with its arrays attached; filled for OUTCOME_DECIDED and OUTCOME_DRY, borrowing texts of
 * the command and, for holds, of the ledger (valid until the next evolve).
 * Reads the state, writes nothing.
 */
void ledger_decide(const struct ledger *ledger, const struct command *command, int64_t now_us,
                   struct decision *out_decision, struct verdict *out_verdict);

/* The next thing the ledger itself must do by now_us: serving, one claim's expiry, one source's silence. False when nothing is due. */
bool ledger_due(const struct ledger *ledger, int64_t now_us, struct decision *out_decision);
/* When the next thing falls due, or INT64_MAX. */
int64_t ledger_next_due_us(const struct ledger *ledger);

/* True when something remembered has left the window by now_us: a tick would forget it. */
bool ledger_stale(const struct ledger *ledger, int64_t now_us);

/*
 * NULL when the tables have room for what this decision, read back from a journal, adds; else the option that names the
 * limit to raise. A smaller ledger than the one that wrote the journal must find out before evolve does.
 */
const char *ledger_overflow(const struct ledger *ledger, const struct decision *decision);

/*
 * Applies a decision: the next in sequence, made by this ledger's decide or due, or read back from its journal.
 * Never refuses; a decision that does not follow is a bug or damage and ends the process. Notes in the events what it
 * found for them (struct skip), so that it is in the record that is written afterwards.
 */
void ledger_evolve(struct ledger *ledger, const struct decision *decision);

/* At most so many commands are prepared together: more would push each other out of the first cache again. */
#define PREPARE_MAX 16
/*
 * Looks up ahead what these commands will touch (their hints) and brings it towards the cache: n commands in turn, stage
 * by stage, so that their misses overlap. Optional; changes nothing in the ledger, and no outcome.
 */
void ledger_prepare(const struct ledger *ledger, struct command *commands[], uint32_t n);

/*
 * The same for decisions that were read back and are evolved next, in this order, with nothing between: PREPARE_MAX at most. What it
 * finds is noted in them (has_id_hash, the hints of their events).
 */
void ledger_prepare_replay(const struct ledger *ledger, struct decision *decisions, uint32_t n);

/* Sum of hashes over the live entries: equal exactly when every field of every live entry is equal (DESIGN section 1). */
uint64_t ledger_state_hash(const struct ledger *ledger);
int64_t ledger_now_us(const struct ledger *ledger);  /* log time, 0 before the first decision */
uint64_t ledger_last_seq(const struct ledger *ledger); /* 0 before the first event */
int64_t ledger_id_window_ms(const struct ledger *ledger);
uint32_t ledger_id_capacity(const struct ledger *ledger);
/*
 * The oldest event that must stay in the journal for what the ledger has now: of ids that are remembered, whose answers are
 * there and which may be reversed, and of reviews, whose commands are there. An event of the decision, not always its first. One behind
 * the last event when there is nothing. What asks for the past by time or by a position of its own (counts, snapshots, reports) is no part of
 * it: that is refused when it is gone. Costs a step for each review there ever was room taken for.
 */
uint64_t ledger_oldest_needed_seq(const struct ledger *ledger);
/*
 * The log time since which the books of any time must be known, for reviews of counts and snapshots that are open: who accepts one has
 * it compared with the books of its time. That is within the id window before the review, but for an ordered source, which may be
 * later: its review can be refused then. INT64_MAX for none. Costs as much.
 */
int64_t ledger_books_needed_us(const struct ledger *ledger);
bool ledger_strict(const struct ledger *ledger);

/* Walks everything: an audit at once, and what of a table can be told of all of it alone. Ends the process on a
 * contradiction. */
void ledger_check(const struct ledger *ledger);

/* ---- audit: the invariants, looked at in small steps between decisions ---- */

/* I1 to I7 are DESIGN section 1's; state: the state hash, the indexes and what follows from configuration. */
#define INVARIANT_MAP(X) X(I1) X(I2) X(I3) X(I4) X(I5) X(I6) X(I7) X(STATE)
enum invariant {
#define X(name) INVARIANT_##name,
    INVARIANT_MAP(X)
#undef X
        INVARIANT_COUNT
};
const char *invariant_name(enum invariant invariant);

/* A contradiction: what an entry of a table says cannot be. */
struct finding {
    enum invariant invariant;
    const char *what;        /* a constant, in words, of the entry */
    const char *table;       /* a constant, plural */
    uint32_t entry, entries; /* its number; of a hash how many from there on, else 1 */
    struct text item, location; /* of which it speaks, or absent */
    struct text name;        /* of the source, channel, hold or document, or absent */
    int64_t expected, found; /* base units; equal when it is not a matter of figures */
    uint8_t scale;           /* of the item */
};

/*
 * Looks at some entries more, `entries` or a few beyond, and begins anew after the last; with 0 at none. One entry costs
 * what it leads to: a hold its lines, an offer the locations of its channel. False when a contradiction was found, now
 * or before: then nothing more is looked at, and nothing should be decided. The first takes as long as some dozen walks
 * over all cells and claims when it is in a sum over a whole table.
 */
bool ledger_audit(struct ledger *ledger, uint32_t entries);

struct audit_view {
    uint64_t passes;                   /* complete ones */
    uint64_t entries;                  /* looked at, since the start */
    uint64_t checked[INVARIANT_COUNT]; /* entries that the last complete pass held against it */
    bool in_pass;                      /* one has begun */
    bool found;
    struct finding finding;            /* its texts last as long as the ledger */
};
void ledger_audit_look(const struct ledger *ledger, struct audit_view *out_view);

/* Where the tables grow: the first byte not used yet, and the end of the space reserved. */
#define LEDGER_FRONTIERS 19
struct ledger_frontier {
    const void *used_end;
    const void *end;
};
void ledger_frontiers(const struct ledger *ledger, struct ledger_frontier out_frontiers[LEDGER_FRONTIERS]);

/* Counts for metrics. */
struct ledger_counts {
    uint32_t items, locations, sources, channels, cells, quotas, offers, claims_live, claims_kept, ids, reviews_open;
};
struct ledger_counts ledger_counts(const struct ledger *ledger);

/*
 * The name with this number. May be called from any thread for a number that thread read from a durable record (names
 * never move or change, and publication of the record orders the write before the read).
 */
struct text ledger_name(const struct ledger *ledger, enum name_space space, uint32_t number);
/* The number of a name, or NUMBER_NONE. A name that was given up has none. Ledger thread only. */
uint32_t ledger_number(const struct ledger *ledger, enum name_space space, struct text name);
/* The item of this name, be it a merged one, or NUMBER_NONE. */
uint32_t ledger_item_find(const struct ledger *ledger, struct text name);
/* True when the name of this number was given up. What it had is still there, with all figures 0. */
bool ledger_retired(const struct ledger *ledger, enum name_space space, uint32_t number);
/* The channel of this name, be it given up: the last that had it; NUMBER_NONE for none ever. CHANNELS_MAX steps. */
uint32_t ledger_channel_last(const struct ledger *ledger, struct text name);

/* ---- Reading for point reads, ledger thread only ---- */

struct item_view {
    uint32_t item;
    uint8_t scale;
    bool declared;   /* by PUT, not provisional */
    uint64_t stamp;  /* sequence of its last configuration, 0 when provisional: the ETag */
};
bool ledger_item(const struct ledger *ledger, uint32_t item, struct item_view *out_view);

/* The body of an item, location or source in the form of config_form.h, absent for defaults; until the next evolve. */
struct text ledger_config(const struct ledger *ledger, enum name_space space, uint32_t number);
/* Sequence of its last configuration, 0 when provisional. */
uint64_t ledger_config_seq(const struct ledger *ledger, enum name_space space, uint32_t number);

/* The tree of locations: a location is within itself and within all above it. NUMBER_NONE at the top. */
uint32_t ledger_location_parent(const struct ledger *ledger, uint32_t location);
bool ledger_location_has_children(const struct ledger *ledger, uint32_t location);
bool ledger_location_within(const struct ledger *ledger, uint32_t location, uint32_t ancestor);
/* Does it take promises (`promise`, the default)? */
bool ledger_location_promises(const struct ledger *ledger, uint32_t location);
/*
 * When the day whose midnight this would be in UTC begins at the location: by its zone, else that of the nearest above it
 * that has one, else UTC. Where clocks leap over midnight, the leap itself (DESIGN I5).
 */
int64_t location_day_start_us(const struct ledger *ledger, uint32_t location, int64_t midnight_utc_us);

struct cell_view {
    uint32_t item, location;
    uint8_t scale;
    bool in_bin; /* nothing is promised there */
    struct figures figures;
    uint64_t version;
    uint64_t last_seq;
};
/* What is oversold is so where it was promised: at a bin nothing is, whatever is wrong with its goods. */
static inline int64_t cell_oversold(const struct cell_view *cell)
{
    return cell->in_bin ? 0 : figures_oversold(&cell->figures);
}
/* Cells are numbered densely from 0 in order of creation and never removed. */
uint32_t ledger_cell_count(const struct ledger *ledger);
void ledger_cell(const struct ledger *ledger, uint32_t cell, struct cell_view *out_view);
/* Where a walk back over a cell's events begins: what an event behind its newest would name. Each of the skips is to the
 * newest event that is the end of one of its level, 0 for none, over all events behind that one. With what the newest one made
 * of the cell: its own record may be gone. */
struct cell_top {
    uint64_t last_seq;
    uint64_t version;
    struct skip skips[SKIP_LEVELS];
    struct figures figures;
};
void ledger_cell_top(const struct ledger *ledger, uint32_t cell, struct cell_top *out_top);
/* The cell of an item at a location, or NUMBER_NONE. */
uint32_t ledger_cell_find(const struct ledger *ledger, uint32_t item, uint32_t location);
/* The item's cells, newest first, but for those at locations given up: pass NUMBER_NONE to begin; NUMBER_NONE ends. */
uint32_t ledger_cell_next(const struct ledger *ledger, uint32_t item, uint32_t cell);

struct claim_view {
    uint64_t claim;
    struct text hold, holder, channel; /* borrowed until the next evolve */
    enum claim_state state;
    bool paid;
    uint32_t priority; /* 1 first, 0 for none */
    struct moment at;  /* promised for then */
    int64_t expires_at_us; /* TIME_NONE for none */
    uint32_t line;         /* first line, for ledger_claim_line */
};
/* The claim of this name, live or ended inside the window. */
bool ledger_claim(const struct ledger *ledger, struct text hold, struct claim_view *out_view);
struct claim_line_view {
    uint32_t claim; /* its place, for ledger_claim_at */
    uint32_t item, location;
    uint8_t scale;
    int64_t units[CLAIM_FIGURE_COUNT];
    uint32_t next; /* next line or NUMBER_NONE */
};
void ledger_claim_line(const struct ledger *ledger, uint32_t line, struct claim_line_view *out_view);
/*
 * The lines of claims in a cell that have units held or committed, or wait for some: pass NUMBER_NONE to begin;
 * NUMBER_NONE ends. Their order means nothing; it is the same after a restart. A walk ends with the next evolve.
 */
uint32_t ledger_cell_claim_next(const struct ledger *ledger, uint32_t cell, uint32_t line);

struct transfer_view {
    uint64_t transfer;        /* sequence number of its first event */
    struct text name;         /* borrowed until the next evolve */
    uint32_t from;            /* where it came from, NUMBER_NONE for several places */
    uint32_t to;
    bool open;
    uint32_t line; /* first line, for ledger_document_line, or NUMBER_NONE when it is closed */
};
/* The transfer of this name, open or closed inside the window. */
bool ledger_transfer(const struct ledger *ledger, struct text name, struct transfer_view *out_view);
struct expectation_view {
    uint64_t expectation;
    struct text name;
    enum direction direction;
    bool open;
    uint32_t line;
};
bool ledger_expectation(const struct ledger *ledger, struct text name, struct expectation_view *out_view);
struct document_line_view {
    uint32_t item, location; /* of a transfer: where it goes */
    uint8_t scale;
    int64_t units;      /* still under way, still expected */
    struct moment when; /* eta, absent for none; due */
    uint32_t next;      /* next line or NUMBER_NONE */
};
void ledger_document_line(const struct ledger *ledger, uint32_t line, struct document_line_view *out_view);
/*
 * Places of transfers and of expectations, numbered from 0; the counts never fall. A document keeps its place until it
 * is forgotten, then another may get it. Which place one gets depends on the log alone.
 */
uint32_t ledger_transfer_places(const struct ledger *ledger);
bool ledger_transfer_at(const struct ledger *ledger, uint32_t place, struct transfer_view *out_view);
uint32_t ledger_expectation_places(const struct ledger *ledger);
bool ledger_expectation_at(const struct ledger *ledger, uint32_t place, struct expectation_view *out_view);

/*
 * What can be promised for a time in a cell (DESIGN I5), base units; below 0 when too much is promised already. at: an
 * instant; a day means its end at the location; absent means now. now_us: supply due before it is overdue and counts
 * for nothing. A cell that does not exist has 0. One walk over the dated lines of the cell. Of a kit: the built ones,
 * and what can be put together of its components at that time; a walk for each of them.
 */
int64_t ledger_atp(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at, int64_t now_us);
/*
 * The dated lines that this counts of the goods of this name alone, by time: all up to the moment at which there is least.
 * What is available, less the safety stock, and their `counted` sum to it. Those beyond count_max are summed in *out_rest.
 * Returns how many are there; the names until the next evolve. Two walks over the dated lines of the cell.
 */
struct atp_line {
    bool transfer; /* else an expectation */
    struct text name;
    int64_t due_us;
    int64_t units;   /* open */
    int64_t counted; /* 0 for what is overdue, below 0 for what goes out */
};
uint32_t ledger_atp_lines(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at, int64_t now_us,
                          struct atp_line *lines, uint32_t count_max, int64_t *out_rest);
/* The first time, from `at` on, for which this many (> 0) can be promised. False for never. Each dated line, of a kit
 * also of its components, is looked at once at most. */
bool ledger_atp_earliest(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at,
                         int64_t now_us, int64_t units, int64_t *out_us);

/* What occurs before closed_us is booked then; 0 while nothing is closed. closed_seq: of the event that says so. */
struct period_view {
    int64_t closed_us;
    uint64_t closed_seq;
};
struct period_view ledger_period(const struct ledger *ledger);

/* What a source said last of a condition of a cell, in a snapshot or a report. Numbered densely from 0, never removed. */
struct statement_view {
    uint64_t seq;           /* of its event */
    uint32_t source, item, location;
    uint8_t scale;
    enum condition condition;
    enum snapshot_policy policy;
    uint64_t seen_position; /* 0 when it said a time */
    int64_t seen_us;        /* that time, else log time */
    int64_t stated, books;  /* base units */
    bool net, shelf;        /* what is committed is off both, or what is picked */
    /* The last statement before it with which the two agreed, of themselves or by a booking; 0 for none. */
    uint64_t agreed_seq, agreed_position; /* of its event; as seen_position, as is the next one */
    int64_t agreed_us;
    uint64_t asked_seq, counted_seq; /* of the event that asked for a count, and of that count; 0 for none */
    /* Of a partner (partner.c): what it has seen is the event it confirms, and no difference when the cell has it now. */
    bool report;
    bool paired; /* its source is a partner now */
    enum measure measure;
    uint64_t last_seq; /* of the cell's events */
};
uint32_t ledger_statement_count(const struct ledger *ledger);
void ledger_statement(const struct ledger *ledger, uint32_t statement, struct statement_view *out_view);
/* How many of a source's statements differ from the books, of items and locations that were not given up. */
uint32_t ledger_drift(const struct ledger *ledger, uint32_t source);
/*
 * What the cell of a statement still expects and what is under way to it, of documents that were there when it was made.
 * Copies count_max lines at most and returns how many; the names until the next evolve.
 */
struct open_line {
    bool transfer; /* else an expectation */
    enum direction direction;
    struct text name;
    struct moment when; /* eta or due; absent for none */
    int64_t units;      /* open, base units */
};
uint32_t ledger_statement_open(const struct ledger *ledger, uint32_t statement, struct open_line *lines, uint32_t count_max);

struct review_view {
    uint64_t review;       /* sequence number of its first event, in which its command is */
    uint32_t source;
    enum command_kind kind; /* of that command */
    enum brake brake;
    int64_t recorded_us, closed_us; /* TIME_NONE while it is open */
    bool accepted;
    uint64_t last_seq;
};
/* The review of this number, open or closed inside the window. */
bool ledger_review(const struct ledger *ledger, uint64_t number, struct review_view *out_view);
/* As for documents: places from 0, whose count never falls. */
uint32_t ledger_review_places(const struct ledger *ledger);
bool ledger_review_at(const struct ledger *ledger, uint32_t place, struct review_view *out_view);

/* ---- sources ---- */

struct silence_view {
    bool watched;      /* it counts as silent when nothing is decided of it for long enough */
    int64_t since_us;  /* nothing was since, log time; 0 while it is not silent */
    int64_t heard_us;  /* log time of its last decision; 0 for none */
};
struct silence_view ledger_silence(const struct ledger *ledger, uint32_t source);
/* Is there a source whose silence would be noticed? Then a start is journalled: KIND_SETTINGS. */
bool ledger_watches(const struct ledger *ledger);

/* ---- channels ---- */

struct channel_view {
    uint64_t stamp;      /* sequence of its last configuration: the ETag; 0 when it only has a name */
    uint32_t priority;   /* 1 first; 0 for none */
    bool shares_rest, has_cap;
    int64_t buffer, cap; /* whole units of each item */
    uint32_t place_count;
    uint32_t places[COMMAND_PLACES_MAX]; /* locations */
};
bool ledger_channel(const struct ledger *ledger, uint32_t channel, struct channel_view *out_view);
/* What a config event set, from its form: of a channel (the stamp is 0), of an item in one. Any thread. */
void ledger_channel_form(struct text form, struct channel_view *out_view);
struct offer_form {
    bool has_buffer, has_cap;
    int64_t buffer, cap; /* base units of the item */
};
void ledger_offer_form(struct text form, struct offer_form *out_form);
/* Does the channel sell from this location? */
bool ledger_channel_serves(const struct ledger *ledger, uint32_t channel, uint32_t location);
/* What a channel has left of what was set apart for it in a cell; 0 for none. Base units. */
int64_t ledger_quota(const struct ledger *ledger, uint32_t cell, uint32_t channel);
/* free[c] of a cell (DESIGN I3): what a request through the channel may take. channel NUMBER_NONE: through none. */
int64_t ledger_free(const struct ledger *ledger, uint32_t cell, uint32_t channel);
/* The quotas in a cell: pass NUMBER_NONE to begin; NUMBER_NONE ends. Base units. */
uint32_t ledger_quota_next(const struct ledger *ledger, uint32_t cell, uint32_t quota);
void ledger_quota_at(const struct ledger *ledger, uint32_t quota, uint32_t *out_channel, int64_t *out_units);
/* What the channel shows of what is free for it in a cell: less what silent sources withhold there. Base units. */
int64_t ledger_shown(const struct ledger *ledger, uint32_t cell, uint32_t channel);
/* How many of a kit can be put together there through the channel, and how many of them are shown; 0 of what is no kit. */
int64_t ledger_kits(const struct ledger *ledger, uint32_t kit, uint32_t location, uint32_t channel, int64_t *out_shown);
/* The components of a kit: pass NUMBER_NONE to begin; NUMBER_NONE ends. Base units of the component in one kit. */
uint32_t ledger_kit_next(const struct ledger *ledger, uint32_t kit, uint32_t part);
void ledger_kit_part(const struct ledger *ledger, uint32_t part, uint32_t *out_component, int64_t *out_units);
/*
 * What makes an offer of what is shown at the channel's places: max(0, min(their sum - buffer, cap)), base units. False when
 * the channel has no offer of the item: then nothing is shown anywhere.
 */
struct offer_terms {
    bool own_buffer, own_cap; /* set for the item, not for the channel */
    int64_t buffer;
    int64_t cap; /* QUANTITY_UNITS_MAX for none */
};
bool ledger_offer_terms(const struct ledger *ledger, uint32_t channel, uint32_t item, struct offer_terms *out_terms);
/* What the channel may sell of the item (ATS, DESIGN I4). Base units, >= 0. */
int64_t ledger_ats(const struct ledger *ledger, uint32_t channel, uint32_t item);

/* What a channel may sell of an item, as it is kept up. Numbered densely from 0 in order of creation, never removed. */
struct offer_turn {
    uint64_t seq;  /* the event behind the value; 0 when it was never anything but 0 */
    uint32_t turn; /* which of the channel's offers that this event changed */
};
struct offer_view {
    uint32_t channel, item;
    uint8_t scale;
    int64_t ats;
    struct offer_turn changed;
};
uint32_t ledger_offer_count(const struct ledger *ledger);
void ledger_offer(const struct ledger *ledger, uint32_t offer, struct offer_view *out_view);
/* Its `changed` alone: walks look at many. */
struct offer_turn ledger_offer_turn(const struct ledger *ledger, uint32_t offer);
/* The event behind the last change of what the channel may sell, or at which its name was given up; 0 for none. */
uint64_t ledger_offers_changed(const struct ledger *ledger, uint32_t channel);
/*
 * The offers of a channel, the last of its name, and of those that had the name before and were given up (theirs are 0
 * for good): all that ever changed, in the order of their last change, by event, then turn. The neighbour before or
 * behind an offer that is among them, NUMBER_NONE for none; of NUMBER_NONE, the last and the first of them all. One
 * step, and one for each time the name was given up.
 */
uint32_t ledger_offer_before(const struct ledger *ledger, uint32_t channel, uint32_t offer);
uint32_t ledger_offer_behind(const struct ledger *ledger, uint32_t channel, uint32_t offer);
/* False when a later channel of the name has an offer of the item that ever changed: that one is behind it. */
bool ledger_offer_stands(const struct ledger *ledger, uint32_t offer);

/* Sum of an outside account of an item, base units (I1: cells + accounts = 0). */
int64_t ledger_account(const struct ledger *ledger, uint32_t item, enum account account);

/* ---- Walking whole tables for lists, ledger thread only ---- */

/* Names of a space are numbered densely from 0 in the order they appeared and never removed. */
uint32_t ledger_name_count(const struct ledger *ledger, enum name_space space);
/* The highest seq decided of a source, 0 while it is not ordered. */
uint64_t ledger_source_seq(const struct ledger *ledger, uint32_t source);
/*
 * Places of claims, numbered from 0; the count never falls. A claim keeps its place until it is forgotten, then another
 * one may get it. Which place a claim gets depends on the log alone, so that it is the same after a restart.
 */
uint32_t ledger_claim_places(const struct ledger *ledger);
/* The claim at a place, live or ended inside the window; false when there is none. */
bool ledger_claim_at(const struct ledger *ledger, uint32_t place, struct claim_view *out_view);

#endif
