/*
 * What is behind figures: trees in which the values of a node's parts sum to its own, down to entries, claims and rules.
 *
 *     available 6 = sellable 10 - held 4
 *         sellable 10 = receive 12, sale -2
 *         held 4 = hold cart9 4
 *
 * Of a cell the newest entries are named, and at present the newest claims; what is not named is one part more. Of several
 * cells the parts are what each of them has.
 *
 * A struct explain is filled by the engine's thread (claims), then by a worker (entries), then read: by one at a time.
 */
#ifndef ONHAND_API_EXPLAIN_H
#define ONHAND_API_EXPLAIN_H

#include "api/render.h"
#include "journal/history.h"

#define EXPLAIN_ENTRIES_MAX 20   /* named of a figure */
#define EXPLAIN_LOOK_MAX    100  /* entries of the cell looked at for it: some figures change seldom */
#define EXPLAIN_CLAIMS_MAX  20
#define EXPLAIN_LINES_MAX   1024 /* lines of claims looked at for these; as many as a list looks at */

/* ---- the parts of any tree ---- */

struct tree {
    struct buffer *out;
    const struct render *render;
    unsigned scale;
};
/* Begins a node, behind a comma when one is there; its value and what else there is to say follow, and its brace. */
void tree_begin(const struct tree *tree, bool *comma, const char *key, struct text name);
void tree_value(const struct tree *tree, int64_t units);
/* A whole node without parts. */
void tree_leaf(const struct tree *tree, bool *comma, const char *key, const char *name, int64_t units);

/* The members that name an entry: where it is, what it was, who said it, when. Without a comma before them. */
void explain_members(struct buffer *out, const struct render *render, const struct decision *decision,
                     const struct event *event);

/* ---- figures of cells ---- */

struct explain;

/* NULL when memory cannot be had. */
struct explain *explain_create(void);
void explain_destroy(struct explain *explain); /* NULL is none */

/* The claims that have something in the cell. Engine thread. */
void explain_claims(struct explain *explain, const struct ledger *ledger, uint32_t cell);
/* The newest entries of the cell below a place, see struct history_page. top: of the cell. As history_page. */
MUST_USE enum status explain_entries(struct explain *explain, struct history *history, const struct render *render,
                                     enum time_axis axis, const struct cell_top *top, struct history_place before);

/* `,"explain":[…]` of one cell with what was found for it. */
void explain_cell(struct buffer *out, const struct render *render, const struct explain *explain,
                  const struct cell_view *cell);
/* The same of several: the sums of what each has, but for in_bins, which is among what is sellable below. */
void explain_cells(struct buffer *out, const struct render *render, const struct cell_view *cells, uint32_t count);

#endif
