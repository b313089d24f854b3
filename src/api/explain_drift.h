/*
 * Why a source and the books differ: the documents that one side lacks.
 *
 *     said 7, books 10: -3        = twice        receive 3 of DN-7, booked under two ids
 *     said 12, books 10: 2        = not_here     2 expected of PO-9, which the source has
 *     said 11, books 10: 1        = lacks        a sale of 1 of which it has not heard
 *     said 9, books 10: -1        = unexplained  a loss that nobody told
 *
 * What differs has come since the two last agreed. What the source said in between divides that time: each change of the
 * difference is explained by what came to the books since the statement before, and what was explained goes when the
 * difference does. The values of what is found and of what is unexplained sum to the difference, always.
 *
 * A statement that books were behind and a document came in late are told apart by nothing but figures. So an explanation
 * is the likeliest that makes the sum exactly, and says how many others of its kind would do as well.
 *
 * A struct drift is used by one thread at a time.
 */
#ifndef ONHAND_API_EXPLAIN_DRIFT_H
#define ONHAND_API_EXPLAIN_DRIFT_H

#include "api/render.h"
#include "journal/history.h"

#define DRIFT_LOOK_MAX   1000 /* entries of the cell that are read for a row */
#define DRIFT_BEFORE_MAX 64   /* of these before the last agreement, for the first of what was booked twice */
#define DRIFT_OPEN_MAX   32   /* lines of open documents that are looked at */
#define DRIFT_NAMED_MAX  20   /* entries named of one part */

/* A statement and what its cell waits for, copied by the engine's thread. */
struct drift_row {
    struct statement_view view;
    uint32_t open_count;
    struct open_line open[DRIFT_OPEN_MAX];
    char names[DRIFT_OPEN_MAX][NAME_BYTES_MAX];
};
void drift_copy(const struct ledger *ledger, uint32_t statement, struct drift_row *out_row);

struct drift;
/* NULL when memory cannot be had. */
struct drift *drift_create(void);
void drift_destroy(struct drift *drift); /* NULL is none */

/* The row as a JSON object, with what explains it. As history_event. Worker. */
MUST_USE enum status drift_explain(struct drift *drift, struct history *history, const struct render *render,
                                   const struct drift_row *row, struct buffer *out);

#endif
