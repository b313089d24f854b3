/* What the files of the model share: the work on one command, and the little functions that all rules need. */
#ifndef ONHAND_TEST_MODEL_WORK_H
#define ONHAND_TEST_MODEL_WORK_H

#include "model.h"

#define RANGE INT64_C(9007199254740991) /* "magnitude <= 2^53-1 base units" */

/* "quantities summed per cell before anything is judged" */
struct sum {
    model_name item, location;
    int64_t total, by[MODEL_CONDITIONS];
    int64_t exceeds; /* units beyond the document, flagged */
};

/* A cell that answers for what the sums move: its own, and what is sellable in the bins below it. */
struct answering {
    struct sum sum; /* by: what its own line moves; total: sellable units, of its bins too */
    int64_t change; /* of what lies in its bins */
    bool named;     /* a line names it */
};

struct work {
    const struct model *model;
    const struct model_command *command;
    int64_t now_us;
    bool request;
    struct model_state next; /* the copy */
    struct model_answer answer;
    int64_t sum_count, open_count;
    struct sum sums[MODEL_CELLS_MAX];
    struct sum open[MODEL_LINES_MAX]; /* without a location, still to be sourced */
    int64_t place_count;
    model_name places[MODEL_NAMES_MAX]; /* where from, in order */
    const struct model_claim *holding;  /* hold: the claim, */
    int64_t had[MODEL_CELLS_MAX];       /* and what it held with cover in each cell before */
    bool touched[MODEL_CELLS_MAX]; /* cells that get an event */
    int64_t exceeds[MODEL_CELLS_MAX];
    int64_t more[MODEL_CELLS_MAX]; /* events beside the first and those that follow it */
    int64_t answering_count;
    struct answering answering[2 * MODEL_CELLS_MAX];
    int64_t move_count, count_count;
    struct model_move moves[MODEL_CELLS_MAX];
    struct model_count counts[MODEL_SAID_MAX]; /* that it makes */
    bool named[MODEL_CELLS_MAX][MODEL_CONDITIONS]; /* of each sum: what a snapshot tells of */
    int64_t then_us, then_late, then_order; /* of a reversal: when what it reverses occurred */
    int64_t reversed;                       /* which of the remembered that is; -1 for none */
    struct model_accounts accounts[MODEL_NAMES_MAX]; /* what it moves */
    bool lacking; /* some cell has less than asked: there is a row of it, where it can be named */
};

/* Numbers in the tables, -1 for none. */
int64_t find_item(const struct model_state *s, const char *name);
int64_t find_cell(const struct model_state *s, const char *item, const char *location);

/* Both are false, for a rule to return. */
bool refuse(struct work *w, const char *code);
bool invalid(struct work *w, const char *code);
/* A row of a refusal. */
void note_short(struct work *w, const struct sum *sum, int64_t asked, int64_t free);
/* The sum of the lines of a cell, made when it is not there. */
struct sum *sum_of(struct work *w, const char *item, const char *location);
/* The sums of all lines; false when there are none, or they name what is not known. */
bool sum_lines(struct work *w, bool may_create);
/* "if" of the command. */
bool command_if(struct work *w);
/* What the present claim has in this cell; zeros for none. */
struct model_claim_line line_now(const struct work *w, int64_t claim, const struct sum *sum);
/* Parsed exactly, in base units of the item. */
bool to_units(struct work *w, struct model_decimal decimal, const char *item, int64_t *units);
/* What is free to the hold that is judged, and what it may have there without cover. */
int64_t free_to_hold(const struct work *w, const char *item, const char *location);
int64_t room_to_hold(const struct work *w, const char *item, const char *location);

/* What can be promised of it for the command's time, as if nothing had been promised to its hold. */
int64_t promised_then(const struct work *w, const char *item, const char *location);

/* The cell of a sum in the copy, made when it is not there; it gets an event. */
int64_t touch(struct work *w, const char *item, const char *location);

/* Whole units in the item's decimals, as far as anybody could count. */
int64_t scaled(int64_t whole, int64_t scale);

/* ---- model_silence.c ---- */

/* What is shown of units that are free there. */
int64_t shown_of(const struct model_state *s, const char *item, const char *location, int64_t units);
/* Is some source's silence about the location? */
bool silence_stands_on(const struct model_state *s, const char *location);
/* The source of which something is to be said next by this time, and when that was so; -1 for none. */
int64_t next_say(const struct model_state *s, int64_t now_us, int64_t *out_at_us);
/* It is silent from now on, or heard again; and since when nothing was, or had been, decided of it. */
void say(struct model_state *s, int64_t source, bool *out_silent, int64_t *out_since_us);
/* PUT of a source. True when it is silent no more with it. */
bool listen_to(struct model_state *s, int64_t source, const struct model_silence *silence, int64_t now_us);

/* ---- model_count.c ---- */

/* Counts that will not be corrected any more. */
void forget_counts(struct model *model, int64_t now_us);
/* Does what the command moves in this cell and condition change a count, and so nothing of what is there? */
bool corrects_count(const struct work *w, const char *item, const char *location, int64_t condition);
/* The counts of the command, after its lines were summed. */
void make_counts(struct work *w);
/* What all that moved makes of the counts, and that of the cells and accounts. */
void tell_counts(struct work *w);
void keep_counts(struct model *model, const struct work *w);

/* ---- model_snapshot.c ---- */

/* As do_reverse. */
bool do_snapshot(struct work *w);
void keep_statements(struct model *model, const struct work *w);
void keep_set(struct model_source *source, const struct model_command *c);

/* ---- model_reverse.c ---- */

/* The cells have what they had before; finish_cells is left to do. */
bool do_reverse(struct work *w);

/* ---- model_period.c ---- */

bool do_close_period(struct work *w);
void keep_changes(struct model *model, const struct work *w);

/* ---- model_bin.c ---- */

bool is_bin(const struct model_state *s, const char *location);
/* The location that answers for goods there: itself, of a bin the nearest one above that is none; "" for none. */
const char *node_of(const struct model_state *s, const char *location);
/* Refuses what speaks of promises in a bin. */
bool bins_promise_nothing(struct work *w);
/* Who answers for the sums, which come (1) or go (-1), at once to this location where it is given. */
bool who_answers(struct work *w, int64_t sign, const char *to);
/* Guarded taking: what is not there or not free, noted. */
void note_taking(struct work *w, int64_t sign, int64_t claim, const char *channel);
/* What changes in bins is an event of their node. */
void touch_nodes(struct work *w);
/* PUT of a location: the code of its refusal, or NULL. */
const char *place_location(struct work *w, const char *location, const char *parent, bool bin,
                           const struct model_rule *rule);

/* ---- model_short.c ---- */

/* Is more promised in the cell than there is, so that some of it is to lose cover? */
bool lacks_cover(const struct model_state *s, int64_t cell);
/* Takes cover from claims until that is so no more. How many claims lost some; counts those who lost what is picked, and
 * those who were not the newest. */
int64_t short_of(struct model_state *s, int64_t cell, int64_t *trolleys, int64_t *not_newest);

/* ---- model_kit.c ---- */

/* So many of a kit can be put together there of what is free through the channel. 0 of what is no kit, as below. */
int64_t kits_in_channel(const struct model_state *s, const char *item, const char *location, const char *channel);
/* The same of what is free to the hold that is judged, beside what the sums have; with_room: without cover, too. */
int64_t kits_beside(const struct work *w, const char *item, const char *location, bool with_room);

enum kit_whole {
    KITS_WHOLE,  /* refused when they cannot all be had */
    KITS_PART,   /* as many as can be had */
    KITS_ANYHOW, /* each component is a line like any other */
    KITS_LATER   /* the same, with the built ones that can be promised for the command's time */
};
/* The sums of kits become sums of goods: those of a new grant through the channel, and those a claim has (-1: none). */
bool kits_granted(struct work *w, const char *channel, enum kit_whole whole);
bool kits_claimed(struct work *w, int64_t claim, const char *channel);

/* PUT of an item: its components, judged and set. */
bool kit_config(struct work *w);

#endif
