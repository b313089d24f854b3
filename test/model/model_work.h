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
/* What the present claim has in this cell; zeros for none. */
struct model_claim_line line_now(const struct work *w, int64_t claim, const struct sum *sum);
/* Parsed exactly, in base units of the item. */
bool to_units(struct work *w, struct model_decimal decimal, const char *item, int64_t *units);
/* What is free to the hold that is judged, and what it may have there without cover. */
int64_t free_to_hold(const struct work *w, const char *item, const char *location);
int64_t room_to_hold(const struct work *w, const char *item, const char *location);

/* ---- model_kit.c ---- */

/* So many of a kit can be put together there of what is free through the channel. 0 of what is no kit, as below. */
int64_t kits_in_channel(const struct model_state *s, const char *item, const char *location, const char *channel);
/* The same of what is free to the hold that is judged, beside what the sums have; with_room: without cover, too. */
int64_t kits_beside(const struct work *w, const char *item, const char *location, bool with_room);

enum kit_whole {
    KITS_WHOLE,  /* refused when they cannot all be had */
    KITS_PART,   /* as many as can be had */
    KITS_ANYHOW  /* each component is a line like any other */
};
/* The sums of kits become sums of goods: those of a new grant through the channel, and those a claim has (-1: none). */
bool kits_granted(struct work *w, const char *channel, enum kit_whole whole);
bool kits_claimed(struct work *w, int64_t claim, const char *channel);

/* PUT of an item: its components, judged and set. */
bool kit_config(struct work *w);

#endif
