/*
 * The tables behind struct ledger. Private to src/ledger.
 *
 * Each table is owned by one file: names.c, config_state.c, cell.c, skip.c, claim.c, document.c, mark.c, id.c. Every live entry
 * adds a hash of all its fields to state_hash; whoever changes an entry takes the old hash out and puts the new one in
 * (entry_hash, hash_out, hash_in).
 *
 * Functions named ..._hashed and ..._sound look at one entry for an audit, see audit.h; ..._check looks at what of a
 * table can be told of all of it alone, for ledger_check.
 */
#ifndef ONHAND_LEDGER_STATE_H
#define ONHAND_LEDGER_STATE_H

#include "base/blockpool.h"
#include "base/table.h"
#include "base/textpool.h"
#include "ledger/audit.h"
#include "ledger/config_form.h"
#include "ledger/reading.h"

/* What kind of entry a hash is of: equal fields in different tables must not cancel out. */
enum entry_tag { ENTRY_NAME = 1, ENTRY_ITEM, ENTRY_SOURCE, ENTRY_CELL, ENTRY_CLAIM, ENTRY_CLAIM_LINE, ENTRY_ID,
                 ENTRY_ID_BLOCK, ENTRY_LEDGER, ENTRY_CELL_EXTRA, ENTRY_CHANNEL, ENTRY_QUOTA, ENTRY_OFFER,
                 ENTRY_TRANSFER, ENTRY_EXPECTATION, ENTRY_TRANSFER_LINE, ENTRY_EXPECTATION_LINE,
                 ENTRY_CONFIG, ENTRY_LOCATION, ENTRY_LADDER, ENTRY_SILENCE, ENTRY_MARK,
                 ENTRY_REVIEW, ENTRY_STATEMENT };

/* XXH3 of the words in little-endian order: the same on every machine. */
uint64_t text_hash(const struct ledger *ledger, struct text text); /* of a text inside an entry; 0 for none */
uint64_t entry_hash(enum entry_tag tag, const uint64_t *words, size_t word_count);

/* Forgotten per decision: more than one can come, so that both tables shrink again after a burst. Bounded, so that no
 * single decision pays for the past. */
#define FORGET_IDS       4
#define FORGET_CLAIMS    4
#define FORGET_DOCUMENTS 4 /* of each kind */
#define FORGET_MARKS     4
#define FORGET_REVIEWS   4

#define CHANNEL_WORDS (CHANNELS_MAX / 64)

struct names {
    uint64_t *entries; /* offset << 8 | length, by number */
    uint8_t *bytes;
    uint64_t bytes_used;
    bool *retired; /* by number: given up, no longer in the index */
    uint32_t count, count_max;
    uint32_t retired_count;
    struct table index;
};

struct item {
    int64_t accounts[ACCOUNT_COUNT]; /* base units on the other side, I1 */
    uint64_t account_seq;            /* last event that changed them */
    uint64_t config_seq;             /* last PUT, 0 while provisional */
    uint32_t first_cell;             /* newest cell + 1, 0 for none */
    uint8_t scale;
    uint32_t first_part;             /* newest component + 1, 0 when it is no kit. Derived, as is the next */
    uint32_t first_use;              /* newest kit's part it is + 1 */
    struct blockref config;          /* in configs.bodies, as are the next two */
};
_Static_assert(sizeof(struct item) <= 64 + 16, "an item without configuration costs little");

struct location {
    uint64_t config_seq; /* as an item's, as is a source's */
    struct blockref config;
    uint32_t parent;   /* + 1, 0 at the top of a tree */
    uint32_t children; /* locations whose parent it is */
    uint32_t cells;    /* that it has. Derived, as is all below */
    uint32_t node;     /* of a bin: where its goods are promised, + 1; 0 for none, and for what is no bin (bin.c) */
    uint32_t bins;     /* of its children */
    bool no_promise;   /* it is a bin: from the configuration, where every movement needs it */
    struct shortfall shortfall; /* its own rule: from the configuration, too */
    int64_t withheld;  /* of what is shown of each item there, in whole units, while sources are silent (silence.c) */
};
#define WITHHELD_ALL INT64_MAX

struct source {
    uint64_t seq_mark; /* highest seq decided; 0 before the first */
    uint64_t config_seq;
    struct blockref config;
    uint32_t aliases; /* names that items have for it */
    /* From the configuration, where each command needs it. */
    bool ordered, strict, has_expires_in;
    uint8_t default_condition; /* enum condition + 1, 0 for none */
    int64_t expires_in_ms;
    int64_t age_limit_ms; /* 0 for none */
    struct limit count_limit, max_change;
    /* The set of snapshots it is telling, or told last (statement.c). */
    uint64_t set_name; /* a hash of it, 0 for none */
    uint64_t set_seq;  /* of its first event */
    bool set_closed;
    bool pair;         /* from the configuration: what it says without `seen` is a report (partner.c) */
    bool has_policies; /* the same: some locations have a snapshot_policy of their own */
    uint32_t statement_first; /* newest + 1, 0 for none. Derived, as is the next one */
    uint32_t drift_count;     /* of its snapshots, those that differ, where nothing was given up */
    enum snapshot_policy snapshot_policy;
    uint32_t silence_after_s; /* 0: it may be silent */
    /* What is 0 where that is 0 (silence.c). */
    uint32_t watch_place; /* + 1, 0 when not in the heap. Derived */
    int64_t heard_us;         /* log time of the last decision of it, or of when it began to be watched */
    /* Log time of its last decision, watched or not; 0 for none. It is told and nothing follows from it: no state. */
    int64_t decided_us;
    int64_t silent_since_us;  /* what that was when it fell silent; 0 while it is not */
};

/* The sources of which something is to be said when time comes. Derived */
struct watches {
    uint32_t *heap; /* by time, then number */
    uint32_t count;
    int64_t due_us;  /* when that is of the first; INT64_MAX for never */
    uint32_t of_all; /* sources that are watched, in the heap or not */
};

/* A name that an item has for one source, or for everybody. It is a part of the item's body. */
struct alias {
    uint32_t item;   /* also the link of the free list, + 1 */
    uint32_t source; /* NUMBER_NONE for everybody */
    uint16_t offset; /* of the name in the item's body */
    uint8_t length;
};

/* One component of a kit. A part of the kit's body. */
struct kit_part {
    uint32_t kit, component;
    uint32_t next_of_kit; /* + 1; also the link of the free list */
    uint32_t next_of_component;
    int64_t units; /* base units of the component in one kit, > 0 */
};

struct parts {
    struct kit_part *entries;
    uint32_t count, free_first, free_count; /* ever used; free list + 1 */
};

struct configs {
    struct blockpool bodies;
    struct alias *aliases;
    uint32_t alias_count, alias_free, alias_live; /* ever used; free list + 1; live */
    struct table alias_index;                     /* by name */
};

struct cell {
    uint32_t item, location;
    uint32_t next_of_item; /* older cell of the item + 1, 0 for none */
    uint32_t extra;        /* + 1, 0 while the cell has nothing but the figures of every cell */
    int64_t units[FIGURE_OF_EVERY_CELL];
    uint64_t version;
    uint64_t last_seq;
    int64_t oldest_us; /* the oldest time since the last version that is a multiple of 8, or SKIP_NOTHING_US */
    uint64_t hash;     /* what it and its extra add to entries_hash. Derived: spares taking the old one anew */
};
_Static_assert(sizeof(struct cell) == 128, "two cache lines, and both are fetched ahead");

/* What the next skips of a cell are made of (skip.c). Of cells with less than 8 events it is not touched. */
#define SKIP_NOTHING_US INT64_MAX /* the oldest of no events */
struct ladder {
    uint64_t seqs[SKIP_LEVELS];     /* of the last event whose version is a multiple of 8^(i + 1), 0 for none */
    int64_t oldest_us[SKIP_LEVELS]; /* of the complete blocks of that level since the last of the next one */
    uint64_t hash;                  /* as a cell's */
};

/* What documents announce in a cell, each list by its own times (due.c). */
enum due_list_name {
    DUE_IN_INSTANT,
    DUE_IN_DAY,
    DUE_OUT_INSTANT,
    DUE_OUT_DAY,
    DUE_UNDATED, /* under way without an eta: counts for nothing until it is here */
    DUE_LIST_COUNT
};
struct due_list {
    uint32_t first, last; /* document lines + 1, 0 for none */
};

/* What only some cells have: expected goods, policy, quotas, and claims that wait or lack cover. Made with the first of
 * them and never removed; a cell without one behaves as if all of it were 0. */
enum queue_kind {
    QUEUE_BACKORDERED, /* lines with CLAIM_BACKORDERED, by claim number */
    QUEUE_WAITING,     /* lines with CLAIM_WAITING, by priority, then claim number */
    QUEUE_COUNT
};
/* Lines of claims, linked in their order. */
struct queue {
    uint32_t first, last; /* + 1, 0 for none */
};
struct queue_link {
    uint32_t next, previous; /* + 1 */
    bool in;
};

#define FIGURES_APART (FIGURE_COUNT - FIGURE_OF_EVERY_CELL)
struct cell_extra {
    uint32_t cell;
    uint32_t quota_first;         /* newest + 1, 0 for none */
    int64_t units[FIGURES_APART]; /* from FIGURE_IN_TRANSIT on */
    struct due_list due[DUE_LIST_COUNT]; /* what documents announce here. Derived */
    struct queue queues[QUEUE_COUNT]; /* claims that need something of the cell, in the order they get it */
    uint32_t mark_first;          /* the newest count + 1, 0 for none. Derived */
    bool pending;                 /* in the heap of cells to be served */
    bool short_pending;           /* in the heap of cells where claims may lose cover */
    bool low;                     /* see struct event */
};

/* What channel c has left of what was set apart for it in a cell (DESIGN I3). Made by the first event that gives it
 * any, never removed. */
struct quota {
    uint32_t cell, channel;
    uint32_t next; /* older quota of the cell + 1 */
    int64_t units; /* >= 0 */
    uint64_t last_seq;
};

#define CHANNEL_PRIORITY_NONE 0 /* comes after all that have one */

/* A channel as configured; all defaults until it is. */
struct channel {
    uint64_t config_seq; /* of its last configuration, 0 for none */
    uint32_t priority;   /* 1 first */
    uint32_t rank;       /* its place among all channels by (priority, name): 0 is served first. Derived */
    bool shares_rest, has_cap;
    int64_t buffer, cap; /* whole units of each item, >= 0 */
    uint32_t place_count;
    uint32_t places[COMMAND_PLACES_MAX]; /* locations, in the order given */
    uint32_t offer_first, offer_last;    /* + 1, by the time the offer changed. Derived */
    uint32_t former, latter;             /* + 1: who had its name before it, and has had it since. Derived */
    uint32_t claims_live;                /* open claims through it. Derived */
};

/*
 * What one channel may sell of one item (DESIGN I4): kept up as cells change, so that a change can be told. Made by the
 * first event that makes it differ from nothing.
 */
struct offer {
    uint32_t channel, item;
    bool has_buffer, has_cap; /* set for this item; else the channel's */
    uint32_t changed_turn;    /* which of those of the channel that the same event changed: 0, 1, … Derived */
    int64_t buffer, cap;      /* base units of the item */
    uint64_t config_seq;      /* of the event that set them, 0 for none */
    int64_t free;             /* shown: the sum over the channel's locations. Derived, as is all below */
    int64_t ats;
    uint64_t changed_seq;     /* the event behind the present value */
    uint32_t next, previous;  /* + 1, in the channel's list */
};

/* Cells, the lowest number on top. */
struct cell_heap {
    uint32_t *cells;
    uint32_t count;
};
/* Cells where something can now be done for a claim, and those where more is promised than there is: served by number,
 * before anything else is decided. What is in it is a guess that ledger_due makes sure of: no state. */
struct pending {
    struct cell_heap served, shorts;
    uint64_t *unserved; /* of each claim: it could not be served after this event. Spares looking again, is no state */
};

struct claim {
    uint64_t number; /* sequence number of its first event, 0 for a free entry */
    struct textref name, holder, channel;
    int64_t expires_at_us; /* TIME_NONE for none */
    int64_t ended_at_us;   /* TIME_NONE while live */
    uint64_t last_seq;
    uint64_t texts_hash;   /* of name, holder and channel, which never change */
    uint32_t first_line;   /* + 1, 0 for none; also the link of the free list */
    uint32_t last_line;    /* + 1 */
    uint32_t heap_place;   /* + 1, 0 when not in the expiry heap */
    uint32_t ended_next, ended_previous; /* + 1 */
    enum claim_state state;
    uint32_t priority;     /* 1 first, 0 for none */
    bool paid, partial;
    struct moment at;      /* promised for then */
};

struct claim_line {
    uint32_t claim, cell;
    uint32_t next; /* + 1; also the link of the free list */
    uint32_t cell_next, cell_previous; /* + 1, among the open lines of its cell. Derived */
    int64_t units[CLAIM_FIGURE_COUNT];
    int64_t lapsed; /* what expired here with the whole claim; 0 unless the claim's state is expired */
    uint64_t last_seq;
    struct queue_link links[QUEUE_COUNT]; /* derived */
};
/* Does it have units, or wait for some? */
static inline bool claim_line_is_open(const struct claim_line *line)
{
    return (line->units[CLAIM_HELD] | line->units[CLAIM_COMMITTED] | line->units[CLAIM_WAITING]) != 0;
}

#define CLAIMS_MAX UINT32_C(39000000) /* as many as claim.c has numbers for their texts, rounded down */

struct claims {
    struct claim *entries;
    struct claim_line *lines;
    uint32_t entry_count, entry_free, entry_live, entry_kept; /* ever used; free list + 1; live; ended and kept */
    uint32_t line_count, line_free, line_free_count;
    struct table index; /* by name */
    struct textpool texts;
    uint32_t *cell_lines; /* by cell: the open line that came to it last + 1, 0 for none. Derived, apart from the cells:
                             goods alone do not touch it */
    uint32_t *heap; /* claims that expire, by (expires_at, number) */
    uint32_t heap_count;
    uint32_t ended_first, ended_last; /* + 1, by the time they ended */
};

/*
 * Documents: goods that are announced. A transfer has a line per item under way, in the cell it goes to; an expectation
 * a line per cell. A line stands while it has open units, a document is open while it has lines.
 */
enum document_kind { DOCUMENT_TRANSFER, DOCUMENT_EXPECTATION, DOCUMENT_KIND_COUNT };

struct document {
    uint64_t number; /* sequence number of its first event, 0 for a free entry */
    struct textref name;
    int64_t closed_at_us;     /* TIME_NONE while open */
    uint64_t last_seq;
    uint32_t from, to;        /* of a transfer; NUMBER_NONE for several places, and for an expectation */
    uint32_t first_line;      /* + 1, 0 for none; also the link of the free list */
    uint32_t last_line;       /* + 1 */
    uint32_t closed_next, closed_previous; /* + 1 */
    enum direction direction; /* of the goods: a transfer's come in */
};

struct document_line {
    uint32_t document, cell;
    uint32_t next;                   /* of the document, + 1; also the link of the free list */
    uint32_t due_next, due_previous; /* of the cell, + 1. Derived */
    enum due_list_name due_list;     /* Derived */
    enum document_kind kind;
    int64_t units;                   /* open, > 0; 0 for a free entry */
    struct moment when;              /* eta or due */
    uint64_t last_seq;
};

#define DOCUMENTS_MAX UINT32_C(100000000) /* of each kind: as many as document.c has numbers for their names */

struct documents {
    struct document *entries;
    uint32_t entry_count, entry_free, open, kept; /* ever used; free list + 1; open; closed and kept */
    uint32_t count_max;
    struct table index; /* by name */
    struct textpool names;
    uint32_t closed_first, closed_last; /* + 1, by the time they closed */
};

struct document_lines {
    struct document_line *entries;
    uint32_t count, free, free_count; /* ever used; free list + 1; its length */
};

/* A count of one condition of a cell (mark.c). */
struct mark {
    uint64_t seq; /* of its event, 0 for a free entry */
    uint32_t cell;
    uint32_t next; /* of the cell, older, + 1; also the link of the free list */
    uint32_t recent_next, recent_previous; /* + 1, in the order they were recorded */
    enum condition condition;
    bool includes_picked;
    bool net;    /* of a snapshot: what is committed is off it */
    bool recent; /* in that list: it is not kept for being the newest alone */
    int64_t from_us, to_us, recorded_us; /* UTC, log time */
    int64_t variance, uncertain;         /* base units */
};

struct marks {
    struct mark *entries;
    uint32_t count, free_first, live; /* ever used; free list + 1; live */
    uint32_t recent_first, recent_last; /* + 1 */
};

/* What a person was asked about (review.c). */
struct review {
    uint64_t number; /* sequence number of its first event, 0 for a free entry */
    uint32_t source;
    uint32_t next;   /* of the closed ones, + 1; also the link of the free list */
    enum command_kind kind;
    enum brake brake;
    bool accepted;
    int64_t recorded_us, closed_us; /* TIME_NONE while open */
    uint64_t last_seq;
};

/* When a source and the books last said the same, or came to: what differs is newer. */
struct agreement {
    uint64_t seq;           /* of the statement's event; 0 for never */
    uint64_t seen_position; /* as of a statement, as is the next one */
    int64_t seen_us;
};

/* How a source says a figure: in a snapshot, or, as a partner, in a report of either measure. Each is kept for itself. */
enum said { SAID_SNAPSHOT, SAID_ON_HAND, SAID_AVAILABLE };
static inline enum said said_by(enum measure measure)
{
    return measure == MEASURE_AVAILABLE ? SAID_AVAILABLE : SAID_ON_HAND;
}

/* What a source said last of a condition of a cell (statement.c). */
struct statement {
    uint64_t seq;  /* of the event */
    uint32_t source, cell;
    uint32_t next_of_source; /* older + 1. Derived */
    enum condition condition;
    enum said said;
    enum snapshot_policy policy;
    bool net, shelf;        /* what is committed is off the figure, or what is picked */
    bool settled;           /* the two were the same, or their difference was booked */
    uint64_t seen_position; /* 0 when it said a time; of a report the event it confirms, 0 for none */
    int64_t seen_us;        /* that time, else log time */
    int64_t stated, books;  /* base units */
    struct agreement agreed; /* before this statement */
    uint64_t asked_seq;      /* of the event by which a count was asked for, 0 for none */
    int64_t asked_us;        /* log time of it */
};

struct statements {
    struct statement *entries;
    uint32_t count;
    struct table index; /* by source, cell, condition and how it was said */
};

struct reviews {
    struct review *entries;
    uint32_t count, free_first, live, open; /* ever used; free list + 1; open and closed; open */
    uint32_t closed_first, closed_last;     /* + 1, by the time they closed */
    struct table index;                     /* by number */
};

/* 32 bytes, DESIGN section 3. */
struct id_entry {
    struct hash128 hash;
    uint64_t fingerprint;
    uint64_t last_seq; /* of the decision's last event; ID_REVERSED added when it was reversed */
};
#define ID_REVERSED (UINT64_C(1) << 63) /* numbers do not come that far */
static inline bool id_reversed(const struct id_entry *entry)
{
    return (entry->last_seq & ID_REVERSED) != 0;
}
static inline uint64_t id_last_seq(const struct id_entry *entry)
{
    return entry->last_seq & ~ID_REVERSED;
}

/* Times are kept per block: an entry is as old as the newest of its block. */
#define ID_BLOCK 1024

struct ids {
    struct id_entry *ring; /* entry n is at n % ring_count */
    int64_t *block_us;     /* log time of the newest entry of each block */
    uint64_t first, next;  /* entries first .. next-1 are kept */
    uint32_t ring_count;   /* a multiple of ID_BLOCK */
    struct table index;    /* to n % ring_count */
};

/* I3 for one cell: what of a new grant is covered, and what may go beyond that as a backorder. Base units. */
struct terms {
    int64_t free, room;
};

/* One cell of the command being judged: its lines summed. */
struct draft {
    uint32_t item, location; /* numbers, maybe of new names */
    uint32_t cell;           /* NUMBER_NONE when it does not exist yet */
    uint32_t line;           /* first command line on it */
    uint32_t claim_line;     /* of the claim in question, NUMBER_NONE for none */
    uint32_t last_event;     /* + 1, of this decision: the last one of the cell; 0 for none yet */
    uint8_t scale;
    int64_t asked;                    /* base units, all lines on the cell */
    int64_t granted;                  /* of them, when a claim may get less */
    struct terms terms;               /* what a claim may get here */
    int64_t asked_by[CONDITION_COUNT]; /* the same by condition */
    enum condition condition;         /* of all its lines, CONDITION_NONE where they differ */
    uint8_t named;                    /* the conditions that lines name, a bit each */
    enum snapshot_policy policy;      /* of a snapshot, at its location */
    bool booked;                      /* of a snapshot: what it found is booked */
    uint32_t count_event;             /* + 1, of this decision: the last one with a count of the cell; 0 for none yet */
    bool in_bin;                      /* its location is a bin: nothing is promised there */
    bool unnamed;                     /* no line names it: it is here for its bins alone */
    bool begins;                      /* its location ceases to be a bin with this decision */
    int64_t in_bins;                  /* change of what is sellable in its bins, until an event of the cell has it */
    int64_t below;                    /* of what the lines move in its bins: for the claim or document that is here */
};
/* A cell per line, where its goods go, and the nodes of both where they are bins. */
#define DRAFTS_MAX   (4 * COMMAND_LINES_MAX)
#define REPLACED_MAX (3 * COMMAND_LINES_MAX) /* of a change of the tree (bin.c) */

struct ledger {
    struct ledger_limits limits;
    struct siphash_key key;
    int64_t now_us;
    uint64_t last_seq;
    int64_t id_window_ms;
    uint32_t id_capacity;
    bool strict;
    uint32_t retired_count; /* names of all spaces */
    uint32_t bin_count;     /* locations that take no promises. Derived */
    uint32_t shortfall_count; /* locations with a rule of their own for who loses cover. Derived */
    uint64_t entries_hash; /* sum over all entries */
    uint64_t *block_hashes[PART_HASHED]; /* the same, for each block of each part. Derived */
    struct audit audit; /* no state */
    struct names names[NAME_SPACE_COUNT];
    struct item *items;
    struct location *locations;
    struct source *sources;
    int64_t closed_us;      /* what occurs before it is booked then (period.c); 0 while nothing is closed */
    uint64_t closed_seq;    /* of the event that says so */
    int64_t listening_us;   /* log time of the last settings: it was there since */
    struct watches watches;
    uint32_t silent_count;  /* sources that are silent. Derived */
    struct configs configs;
    struct cell *cells;
    uint32_t cell_count;
    struct ladder *ladders; /* by cell */
    struct cell_extra *extras; /* as many as cells at most */
    uint32_t extra_count;
    struct table cell_index;
    struct claims claims;
    struct parts parts;
    struct documents documents[DOCUMENT_KIND_COUNT];
    struct document_lines document_lines; /* of both kinds */
    struct marks marks;
    struct reviews reviews;
    struct statements statements;
    struct ids ids;
    /* Scratch of decide, not state. */
    struct draft *drafts;       /* DRAFTS_MAX of them */
    int64_t (*stated)[CONDITION_COUNT]; /* by draft: what a snapshot says of it */
    struct unread *unread;      /* what of the past the command needs; room for DRAFTS_MAX cells */
    uint8_t *held_room;              /* COMMAND_BYTES_MAX for the command in a review's event */
    struct command *held;            /* the command of a review that is resolved, and */
    struct command_line *held_lines; /* COMMAND_LINES_MAX of its lines */
    struct item_config *bodies; /* two */
    uint8_t *config_room;       /* CONFIG_BYTES_MAX for the body in a config event */
    struct channel *channels; /* CHANNELS_MAX */
    struct quota *quotas;
    uint32_t quota_count;
    struct offer *offers;
    uint32_t offer_count;
    struct table offer_index;
    uint64_t (*location_channels)[CHANNEL_WORDS]; /* which channels sell from a location: a bit each. Derived */
    struct pending *pending;
    bool image_begun; /* an image is being read into it (image.c) */
};

/* ---- image.c ---- */
struct image_form {
    const struct column *columns;
    size_t count;
    size_t struct_bytes; /* of which they are all fields; 0 when it has others, too */
};
/* What is written of tables. */
const struct image_form *image_forms(size_t *out_count);

/* ---- audit.c ---- */
size_t audit_bytes(const struct ledger_limits *limits);
/* Entries of a part, ever used; blocks there is room for. */
uint32_t part_count(const struct ledger *ledger, enum state_part part);
size_t part_blocks_max(const struct ledger_limits *limits, enum state_part part);
void audit_init(struct ledger *ledger, struct region *region);
/* A pass at once; ends the process when it finds something. */
void audit_whole(const struct ledger *ledger);
/* An entry's hash comes, or changes by so much; goes. */
static inline void hash_in(struct ledger *ledger, enum state_part part, uint32_t entry, uint64_t hash)
{
    ledger->entries_hash += hash;
    ledger->block_hashes[part][entry / BLOCK_ENTRIES] += hash;
}
static inline void hash_out(struct ledger *ledger, enum state_part part, uint32_t entry, uint64_t hash)
{
    hash_in(ledger, part, entry, 0 - hash);
}
/* Puts the terms of an entry into sums, sign times. */
void terms_add(const struct ledger *ledger, enum state_part part, uint32_t entry, uint64_t sign, uint64_t sums[SUM_COUNT]);
/* Around an event of a cell. */
void terms_before(struct ledger *ledger, const struct event *event);
void terms_behind(struct ledger *ledger, const struct event *event, uint32_t cell);
/* Around a change of another entry that has terms. One that is made in between had none. */
static inline void terms_out(struct ledger *ledger, enum state_part part, uint32_t entry)
{
    if (UNLIKELY(entry < ledger->audit.end[part]))
        terms_add(ledger, part, entry, UINT64_MAX, ledger->audit.sums);
}
static inline void terms_in(struct ledger *ledger, enum state_part part, uint32_t entry)
{
    if (UNLIKELY(entry < ledger->audit.end[part]))
        terms_add(ledger, part, entry, 1, ledger->audit.sums);
}

/* ---- names.c ---- */
size_t names_bytes(uint32_t count_max);
void names_init(struct names *names, struct region *region, uint32_t count_max);
/* The number of a name whose hash is known, or NUMBER_NONE. */
uint32_t name_find(const struct ledger *ledger, enum name_space space, struct text name, uint64_t hash);
void names_add(struct ledger *ledger, enum name_space space, struct text name);
uint64_t name_hash(const struct ledger *ledger, enum name_space space, uint32_t number);
/* The name leaves the index; its number is never given again and can still be turned into it. */
void name_retire(struct ledger *ledger, enum name_space space, uint32_t number);
/* Is its name where it says? */
bool name_held(const struct ledger *ledger, enum name_space space, uint32_t number);
bool name_hashed(const struct ledger *ledger, enum name_space space, uint32_t number, struct audit *audit);
bool name_sound(const struct ledger *ledger, enum name_space space, uint32_t number, struct audit *audit);

/* ---- config_state.c ---- */
size_t configs_bytes(const struct ledger_limits *limits);
void configs_init(struct configs *configs, struct region *region, const struct ledger_limits *limits);
/* The body of an item, location or source; absent for defaults. */
struct text config_body(const struct ledger *ledger, enum name_space space, uint32_t number);
/* The alias of this source and name, or NUMBER_NONE; source NUMBER_NONE: everybody's. */
uint32_t alias_find(const struct ledger *ledger, uint32_t source, struct text name);
/* An alias of this name, whosever it is, or NUMBER_NONE. */
uint32_t alias_find_any(const struct ledger *ledger, struct text name);
/* The item a name means for this source (NUMBER_NONE: for whoever has no aliases), or NUMBER_NONE: its own name first,
 * then an alias of the source, then a merged name. */
uint32_t item_find(const struct ledger *ledger, uint32_t source, struct text name);
/* What there is no room for of this decision. */
enum configs_lack { CONFIGS_FIT, CONFIGS_LACK_MEMORY, CONFIGS_LACK_ALIASES, CONFIGS_LACK_PARTS };
enum configs_lack configs_overflow(const struct ledger *ledger, const struct decision *decision);
/* Applies a config event of an item, a location or a source. */
void config_evolve(struct ledger *ledger, const struct event *event);
uint64_t location_hash(const struct ledger *ledger, uint32_t number);
uint64_t source_hash(const struct ledger *ledger, uint32_t number);
/* Of the bodies alone. */
uint64_t config_hash(const struct ledger *ledger, enum name_space space, uint32_t number);
bool item_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool item_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool location_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool location_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool source_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool source_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void configs_check(const struct ledger *ledger);

/* ---- bin.c ---- */
/* A location as it is to be configured, held against the tree as it is. number NUMBER_NONE: none. */
struct replaced {
    uint32_t number;
    uint32_t parent; /* NUMBER_NONE for none */
    bool no_promise;
};
/* Where the goods of a location would be promised: there, or at the nearest location above it that takes promises;
 * NUMBER_NONE for nowhere. */
uint32_t node_under(const struct ledger *ledger, uint32_t location, struct replaced replaced);
/* The same as it is now, from what is kept. */
static inline uint32_t node_of(const struct ledger *ledger, uint32_t location)
{
    if (!ledger->locations[location].no_promise)
        return location;
    return ledger->locations[location].node - 1; /* 0 - 1: NUMBER_NONE */
}
/* location may be one that is to be made. */
static inline bool is_bin(const struct ledger *ledger, uint32_t location)
{
    return UNLIKELY(ledger->bin_count != 0) && location < ledger->names[NAME_LOCATION].count &&
           ledger->locations[location].no_promise;
}
/* Does it take promises of what lies in bins? Of all bins of a node, one at least is a child of it. */
static inline bool has_bins(const struct ledger *ledger, uint32_t location)
{
    return UNLIKELY(ledger->bin_count != 0) && location < ledger->names[NAME_LOCATION].count &&
           ledger->locations[location].bins != 0 && !ledger->locations[location].no_promise;
}
/* Finds the nodes of a location and of all below it anew, after its place in the tree or its promise has changed. */
void nodes_derive(struct ledger *ledger, uint32_t location);
/* What is sellable of an item in the bins of one node. */
int64_t bins_sum(const struct ledger *ledger, uint32_t item, uint32_t node);
bool node_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void bins_check(const struct ledger *ledger);

/* ---- cell.c ---- */
uint64_t item_hash(uint32_t number, const struct item *item);
uint32_t cell_find(const struct ledger *ledger, uint32_t item, uint32_t location);
/* All figures of a cell. */
struct figures cell_figures(const struct ledger *ledger, uint32_t cell);
/* What it has beside those of every cell, or NULL. */
struct cell_extra *cell_extra(const struct ledger *ledger, uint32_t cell);
/* The same, made when there is none. */
struct cell_extra *cell_extra_make(struct ledger *ledger, uint32_t cell);
/* Applies an event of a cell, creating the cell with its first. Its number. Notes the event's skips in it. */
uint32_t cell_evolve(struct ledger *ledger, struct event *event, int64_t occurred_us);
bool cell_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool cell_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void cell_check(const struct ledger *ledger);

/* ---- skip.c ---- */
/* The skips of an event whose version is a multiple of 8, after its cell has its version and its time; they are noted
 * in it. The cell's own hash is the caller's. */
void skips_evolve(struct ledger *ledger, uint32_t cell, struct event *event);
/* The oldest time at which any of the cell's events after this version occurred, or one before it: not later, and seldom
 * earlier than that of the events of its block of 8, 64, … INT64_MAX for no such event. */
int64_t cell_oldest_since(const struct ledger *ledger, uint32_t cell, uint64_t version);
bool ladder_hashed(const struct ledger *ledger, uint32_t cell, struct audit *audit);
bool ladder_sound(const struct ledger *ledger, uint32_t cell, struct audit *audit);

/* ---- channel.c ---- */
/* A channel's first appearance, all defaults. */
void channel_create(struct ledger *ledger, uint32_t number);
/* Applies the configuration of a channel, or of one item in it. */
void channel_evolve(struct ledger *ledger, const struct event *event);
/* The quota of a channel in a cell, or NULL. */
struct quota *quota_find(const struct ledger *ledger, uint32_t cell, uint32_t channel);
/* Applies the quota part of an event of this cell. */
void quota_evolve(struct ledger *ledger, const struct event *event, uint32_t cell);
/*
 * free[c] of I3 in a cell with these figures: what a request through this channel may take, backorders aside.
 * cell: for its quotas, NUMBER_NONE for none. channel: NUMBER_NONE for a request without one.
 * quota_back: units counted as given back to that channel's quota first.
 */
int64_t channel_free(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t channel,
                     int64_t quota_back);
/* True when the channel sells from this location. */
bool channel_serves(const struct ledger *ledger, uint32_t channel, uint32_t location);
bool channel_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool channel_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool quota_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool quota_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void quotas_check(const struct ledger *ledger);

/* ---- offer.c ---- */
size_t offers_bytes(uint32_t count_max);
void offers_init(struct ledger *ledger, struct region *region);
/* Does any channel sell from the location? */
static inline bool offers_at(const struct ledger *ledger, uint32_t location)
{
    uint64_t any = 0;
    for (unsigned w = 0; w < CHANNEL_WORDS; w++)
        any |= ledger->location_channels[location][w];
    return any != 0;
}
/* Around an event of a cell where one does: takes what its channels have there out of their offers, and puts it back in. */
void offers_before(struct ledger *ledger, uint32_t item, uint32_t location, uint32_t cell); /* NUMBER_NONE: not yet */
void offers_after(struct ledger *ledger, uint32_t cell, uint64_t seq);
/* Around a change of a kit's components: the same for what can be put together of it. */
void offers_kit_before(struct ledger *ledger, uint32_t kit);
void offers_kit_after(struct ledger *ledger, uint32_t kit, uint64_t seq);
/* Applies an item's own buffer and cap. */
void offer_evolve(struct ledger *ledger, const struct event *event);
/* Around a change of a channel: take what it changes out of the offers, put it back in, and tell what has changed. */
void offers_channel_before(struct ledger *ledger, uint32_t channel, const struct channel *after);
void offers_channel_after(struct ledger *ledger, uint32_t channel, const struct channel *before, uint64_t seq);
/* Behind a change of what is withheld at these locations: puts in what is shown more there, and tells what has changed. */
struct withheld;
void offers_withheld(struct ledger *ledger, const struct withheld *withheld, uint64_t seq);
/* The offer of this channel and item, or NULL. */
struct offer *offer_find(const struct ledger *ledger, uint32_t channel, uint32_t item);
/* True when the offers that this decision makes fit. */
bool offers_room(const struct ledger *ledger, const struct decision *decision);
bool offer_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool offer_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
/* The ends of a channel's list; that every channel has an offer of what it sells in a cell. */
bool offer_list_sound(const struct ledger *ledger, uint32_t channel, struct audit *audit);
bool offers_made(const struct ledger *ledger, uint32_t cell, struct audit *audit);
void offers_check(const struct ledger *ledger);

/* ---- silence.c ---- */
size_t watches_bytes(uint32_t source_count_max);
void watches_init(struct watches *watches, struct region *region, uint32_t source_count_max);
/* What it adds to a source's hash. */
uint64_t silence_hash(const struct ledger *ledger, uint32_t number);
/* Something was decided of a source, which may be one that is watched. */
void silence_heard(struct ledger *ledger, uint32_t number);
/* The ledger was started: everybody's time begins anew. */
void silence_listen(struct ledger *ledger);
/* Applies an event of type silent or heard. */
void silence_evolve(struct ledger *ledger, const struct event *event);
/* Around a change of a source's configuration. The locations of which less, or more, is shown with it. */
struct withheld {
    uint32_t count;
    struct withheld_place {
        uint32_t location;
        int64_t before; /* what was withheld there */
    } places[2 * COMMAND_PLACES_MAX];
};
void silence_config_before(struct ledger *ledger, uint32_t number, const struct silence_config *after,
                           struct withheld *out_withheld);
void silence_config_after(struct ledger *ledger, uint32_t number, const struct silence_config *after,
                          const struct withheld *withheld, uint64_t seq);
bool silence_sound(const struct ledger *ledger, uint32_t number, const struct silence_config *config, struct audit *audit);
void silence_check(const struct ledger *ledger);

/* ---- serve.c ---- */
void pending_init(struct ledger *ledger, struct region *region);
/* Notes the cell when something can be done there for a claim that waits or lacks cover, or a claim is to lose it. */
void pending_look(struct ledger *ledger, uint32_t cell);
/* The same for each event of a cell: most have neither. */
static inline void pending_consider(struct ledger *ledger, uint32_t cell)
{
    if (UNLIKELY((ledger->cells[cell].extra | ledger->shortfall_count) != 0))
        pending_look(ledger, cell);
}
/* Notes all cells where claims are to lose cover, now that a rule holds where there was none. */
void pending_consider_shorts(struct ledger *ledger);
/* The same for the cells in which the claim waits: a whole that shrank may be had now, in any of them. */
void pending_consider_claim(struct ledger *ledger, uint32_t claim);
void pending_check(const struct ledger *ledger);

/* ---- shortfall.c ---- */
/* The rule for a location, its own or of the nearest above it that has one; NULL for none. */
const struct shortfall *shortfall_rule(const struct ledger *ledger, uint32_t location);
/* So many units that have cover in a cell are to lose it. */
int64_t shortfall_units(const struct ledger *ledger, uint32_t cell);

/* ---- kit.c ---- */
size_t parts_bytes(uint32_t count_max);
void parts_init(struct parts *parts, struct region *region, uint32_t count_max);
/* A component of a kit; all of a kit's. */
void part_add(struct ledger *ledger, uint32_t kit, uint32_t component, int64_t units);
void parts_drop(struct ledger *ledger, uint32_t kit);
static inline bool item_is_kit(const struct ledger *ledger, uint32_t item)
{
    return item < ledger->names[NAME_ITEM].count && ledger->items[item].first_part != 0;
}
/* How many of a kit can be put together there of what is free through the channel. */
int64_t kit_buildable(const struct ledger *ledger, uint32_t kit, uint32_t location, uint32_t channel);
void parts_check(const struct ledger *ledger);

/* ---- claim.c ---- */
size_t claims_bytes(const struct ledger_limits *limits);
void claims_init(struct claims *claims, struct region *region, const struct ledger_limits *limits);
/* The claim of this name, or NUMBER_NONE; an ended one past the window no longer counts. */
uint32_t claim_find(const struct ledger *ledger, struct text name, int64_t now_us);
/* The same for a name whose hash is known. */
uint32_t claim_find_hashed(const struct ledger *ledger, struct text name, uint64_t name_hash, int64_t now_us);
/* The hash it is found by. */
uint64_t claim_name_hash(const struct ledger *ledger, struct text name);
/* The key of a cell in the index. */
uint64_t cell_key_hash(const struct ledger *ledger, uint32_t item, uint32_t location);
/* The claim's line on this cell, or NUMBER_NONE. */
uint32_t claim_line_find(const struct ledger *ledger, uint32_t claim, uint32_t cell);
/* True when the claim that ended first has left the window. */
bool claims_stale(const struct ledger *ledger, int64_t now_us);
/* True when a new claim (or none) and this many new lines fit, now that everything older than the window may go. */
bool claims_room(const struct ledger *ledger, int64_t now_us, bool new_claim, uint32_t new_lines);
/* Open claims that carry this channel's name: facts may have, before there was one. Walks all claims. */
uint32_t claims_through(const struct ledger *ledger, struct text channel);
/* Applies the claim part of an event. cell: the event's, NUMBER_NONE for none. Returns the claim's entry. */
uint32_t claim_evolve(struct ledger *ledger, const struct event *event, uint32_t cell, int64_t now_us);
/* Drops up to `most` claims that ended before the window. */
void claims_forget(struct ledger *ledger, int64_t now_us, unsigned most);
bool claim_hashed(const struct ledger *ledger, uint32_t entry, struct audit *audit);
bool claim_sound(const struct ledger *ledger, uint32_t entry, struct audit *audit);
bool claim_line_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool claim_line_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
/* A place of the heap of those that expire; where the list of a cell's open lines begins; the ends of its queues. */
bool expiry_sound(const struct ledger *ledger, uint32_t place, struct audit *audit);
bool cell_lines_sound(const struct ledger *ledger, uint32_t cell, struct audit *audit);
bool queues_sound(const struct ledger *ledger, uint32_t extra, struct audit *audit);
void claims_check(const struct ledger *ledger);
/* Is there a claim in this entry, live or ended inside the window? */
bool claim_is_kept(const struct ledger *ledger, uint32_t entry, int64_t now_us);

/* ---- document.c ---- */
size_t documents_bytes(const struct ledger_limits *limits);
void documents_init(struct ledger *ledger, struct region *region);
/* The document of this name, open or closed inside the window, or NUMBER_NONE. */
uint32_t document_find(const struct ledger *ledger, enum document_kind kind, struct text name, int64_t now_us);
static inline bool document_is_open(const struct ledger *ledger, enum document_kind kind, uint32_t document)
{
    return ledger->documents[kind].entries[document].closed_at_us == TIME_NONE;
}
/* True for one that lookups find by its name. */
bool document_is_kept(const struct ledger *ledger, enum document_kind kind, uint32_t document, int64_t now_us);
/* Its line on this cell, or NUMBER_NONE. Walks its lines, COMMAND_LINES_MAX at most. */
uint32_t document_line_find(const struct ledger *ledger, enum document_kind kind, uint32_t document, uint32_t cell);
/* True when the document that closed first has left the window. */
bool documents_stale(const struct ledger *ledger, int64_t now_us);
/* NULL when what the decision adds fits, now that everything older than the window may go; else the option to raise. */
const char *documents_room(const struct ledger *ledger, const struct decision *decision);
/* Applies the transfer and expectation parts of an event. */
void document_evolve(struct ledger *ledger, const struct event *event, int64_t now_us);
/* Drops up to `most` documents of each kind that closed before the window: transfers, then expectations. */
void documents_forget(struct ledger *ledger, int64_t now_us, unsigned most);
bool document_hashed(const struct ledger *ledger, enum document_kind kind, uint32_t entry, struct audit *audit);
bool document_sound(const struct ledger *ledger, enum document_kind kind, uint32_t entry, struct audit *audit);
bool document_line_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
/* What a line of a claim for later waits for. */
bool promise_sound(const struct ledger *ledger, uint32_t claim_line, struct audit *audit);
void documents_check(const struct ledger *ledger);

/* ---- due.c ---- */
/* Puts a line, whose document and fields are set, in its place among those of its cell; takes it out. */
void due_add(struct ledger *ledger, uint32_t line);
void due_remove(struct ledger *ledger, uint32_t line);
/*
 * ATP as I5 has it, in a cell with these figures, which may be those a decision would leave. at absent: now. An
 * expectation of direction out can be left out of it; without: its entry, NUMBER_NONE for none.
 * One walk over the dated lines of the cell: O(1) for each, none is looked at twice.
 */
int64_t due_atp(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t without,
                struct moment at, int64_t now_us);
/* When goods promised for this time must be there: of a day, at its end, as the supply of that day is. */
struct moment due_promised(const struct ledger *ledger, uint32_t location, struct moment at);
bool document_line_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
/* The ends of the lists of a cell. */
bool due_lists_sound(const struct ledger *ledger, uint32_t extra, struct audit *audit);

/* ---- period.c ---- */
/* Applies a closing. */
void period_evolve(struct ledger *ledger, const struct event *event);
void period_check(const struct ledger *ledger);

/* ---- mark.c ---- */
size_t marks_bytes(uint32_t count_max);
void marks_init(struct ledger *ledger, struct region *region);
/* The count of this cell and condition whose window ends first from this time on, NUMBER_NONE for none; of those that end
 * right then, one with a number above `after`. One step for each count of the cell that ends from then on. */
uint32_t mark_behind(const struct ledger *ledger, uint32_t cell, enum condition condition, int64_t from_us,
                     uint64_t after, int64_t now_us);
/* The first count behind this one, of its cell and condition, that did not see the same: what is picked, or promised.
 * NUMBER_NONE for none. */
uint32_t mark_behind_other(const struct ledger *ledger, uint32_t number, int64_t now_us);
/* The count of this cell and condition whose window ended last, NUMBER_NONE for none. */
uint32_t mark_newest(const struct ledger *ledger, uint32_t cell, enum condition condition);
/* The count of this cell with this number, NUMBER_NONE when it is kept no more. */
uint32_t mark_of(const struct ledger *ledger, uint32_t cell, uint64_t seq);
/* Applies the count part of an event of this cell. */
void mark_evolve(struct ledger *ledger, const struct event *event, uint32_t cell, int64_t now_us);
/* True when the count that was recorded first has left the window. */
bool marks_stale(const struct ledger *ledger, int64_t now_us);
/* Drops up to `most` of those that were recorded before the window; the newest of its condition stays. */
void marks_forget(struct ledger *ledger, int64_t now_us, unsigned most);
/* True when the counts that this decision makes fit. */
bool marks_room(const struct ledger *ledger, const struct decision *decision);
bool mark_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool mark_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void marks_check(const struct ledger *ledger);

/* ---- statement.c ---- */
size_t statements_bytes(uint32_t count_max);
void statements_init(struct ledger *ledger, struct region *region);
/* The last one of a source about a condition of a cell, said so, or NUMBER_NONE. */
uint32_t statement_find(const struct ledger *ledger, uint32_t source, uint32_t cell, enum condition condition,
                        enum said said);
/* The number of the last event by which the source said something of the cell in a snapshot; 0 for none. */
uint64_t statement_last(const struct ledger *ledger, uint32_t source, uint32_t cell);
/* The number of the count that it asked for, 0 when there is none yet. */
uint64_t statement_counted(const struct ledger *ledger, const struct statement *statement);
/* Applies an event of a snapshot: what was said, or that a count is asked for; or a report. Others are nothing to it. cell: of
 * the event, NUMBER_NONE for the end of a set, and of a report. */
void statement_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event, uint32_t cell);
/* An item or a location is about to be given up: what is said of it is no drift any more. Costs a walk over the cells of the
 * item, or over all statements. */
void statements_give_up(struct ledger *ledger, enum name_space space, uint32_t number);
/* What names a set in its source. */
uint64_t set_name_hash(const struct ledger *ledger, struct text name);
/* True when the statements that this decision makes fit. */
bool statements_room(const struct ledger *ledger, const struct decision *decision);
bool statement_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit);
bool statement_sound(const struct ledger *ledger, uint32_t number, struct audit *audit);
void statements_check(const struct ledger *ledger);

/* ---- review.c ---- */
size_t reviews_bytes(uint32_t count_max);
void reviews_init(struct ledger *ledger, struct region *region);
/* Applies the review part of an event. */
void review_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event);
/* True when the one that was closed first has left the window. */
bool reviews_stale(const struct ledger *ledger, int64_t now_us);
/* Drops up to `most` that were closed before the window. */
void reviews_forget(struct ledger *ledger, int64_t now_us, unsigned most);
/* True when the review that this decision may make fits, now that one that has left the window may go. */
bool reviews_room(const struct ledger *ledger, const struct decision *decision);
/* The event of the oldest one, open or closed; UINT64_MAX for none. */
uint64_t reviews_oldest_seq(const struct reviews *reviews);
bool review_hashed(const struct ledger *ledger, uint32_t entry, struct audit *audit);
bool review_sound(const struct ledger *ledger, uint32_t entry, struct audit *audit);
void reviews_check(const struct ledger *ledger);

/* ---- id.c ---- */
size_t ids_bytes(uint32_t count_max);
/* Places of the ring. */
uint32_t id_places(uint32_t count_max);
void ids_init(struct ids *ids, struct region *region, uint32_t count_max);
struct hash128 id_hash(const struct ledger *ledger, struct text source, struct text id);
const struct id_entry *id_find(const struct ledger *ledger, struct hash128 hash);
/* The same, if it will be kept at this time. */
const struct id_entry *id_find_kept(const struct ledger *ledger, struct hash128 hash, int64_t now_us);
/* Notes that the decision with this id, which is there, was reversed. */
void id_reverse(struct ledger *ledger, struct hash128 hash);
/* True when the oldest has left the window. */
bool ids_stale(const struct ledger *ledger, int64_t now_us);
/* True when one more fits, now that everything older than the window may go. */
bool ids_room(const struct ledger *ledger, int64_t now_us);
void id_add(struct ledger *ledger, struct hash128 hash, uint64_t fingerprint, uint64_t last_seq, int64_t now_us);
void ids_forget(struct ledger *ledger, int64_t now_us, unsigned most);
/* Behind an image, which has the entries: makes the index and what the blocks' hashes say. */
void ids_index(struct ledger *ledger);
/* The event of the oldest one; UINT64_MAX for none. */
uint64_t ids_oldest_seq(const struct ids *ids);
bool id_hashed(const struct ledger *ledger, uint32_t place, struct audit *audit);
bool id_sound(const struct ledger *ledger, uint32_t place, struct audit *audit);
void ids_check(const struct ledger *ledger);

#endif
