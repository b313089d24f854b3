/*
 * A reading: what was found out about the past of some cells, for a command that is judged by it.
 *
 * The ledger keeps the present. A count says what was there at a time that has passed, and what the books said of that
 * time is in the journal. So a decision that needs to know it names the cells (OUTCOME_UNREAD), somebody reads their
 * events (journal/history.h), and the command is judged again with what was read. It is decided when that is still so: an
 * entry that came to the cell since, and belongs to the time that was read, makes the reading stale, and it is named
 * again. Nothing is journalled until then, so that what decides is the log and the command alone. Where the journal no longer has
 * what it takes, the command is refused (history_expired), and nothing is decided.
 */
#ifndef ONHAND_LEDGER_READING_H
#define ONHAND_LEDGER_READING_H

#include "ledger/ledger.h"

/*
 * What is asked. About each of the cells: the figures on the axis `occurred`, and what moved in a window that ends there.
 * And a decision that was taken before.
 */
struct question {
    uint64_t decision_seq; /* of one of its events; 0 for none */
    /*
     * The figures of all events up to at_seq, instead; with what the source told by source_seq, what its snapshots booked
     * since, and what those of others did that had seen no more.
     */
    bool by_position;
    uint64_t at_seq, source_seq;
    uint32_t source;
    int64_t from_us, to_us; /* the window (from, to], UTC; empty when they are equal */
    bool includes_picked;   /* goods on trolleys are part of what moves */
    bool told;              /* when a figure of each cell was told, instead: one of these, not given up before from_us */
    enum measure measure;
};

/* Of a cell: none of its events up to a number occurred later than a time. */
struct cell_bound {
    uint64_t seq;
    int64_t us;
};
#define CELL_BOUND_NONE ((struct cell_bound){0, INT64_MIN})

/* A figure of a cell that a partner reports: of `available` the condition has no part in it. */
struct reported {
    enum condition condition;
    int64_t units;
};
/* That figure, as whoever follows the feed is told it. */
static inline int64_t told_units(const struct figures *figures, enum measure measure, enum condition condition)
{
    return measure == MEASURE_AVAILABLE ? figures_available(figures) : figures->units[condition];
}
/* Is it what follows from that? A figure that is below 0 is shown as 0 there, and cannot be reported. */
static inline bool is_told(const struct figures *figures, enum measure measure, const struct reported *reported)
{
    int64_t told = told_units(figures, measure, reported->condition);
    return told == reported->units || (told < 0 && reported->units == 0);
}
/* Reports are late: so many events of a cell, and so much log time, that a figure was told and is no more. */
#define TOLD_EVENTS_MAX 256
#define TOLD_AGE_US     (INT64_C(60) * 60 * 1000000)

struct cell_reading {
    /* Asked: the cell as it was when it was named. */
    uint32_t cell;
    uint64_t version;
    struct cell_top top;
    struct reported reported; /* where that is asked */
    /*
     * What is known of it, and more of that after reading. The figures of an event have all that occurred by the time of
     * its bound, as those of what was recorded by then, so that nothing before it is to be read: where a year is told at
     * once, in order, with its counts, that is all that was recorded since the last count. The second is the newer one,
     * and becomes the first when it was of use: what is not quite in order is later than the newest now and then.
     */
    struct cell_bound bounds[2];
    /* Read: with all events up to read_seq, which is top.last_seq when all of it was read. Base units. */
    uint64_t read_seq;
    struct figures as_of;                 /* what occurred by to_us, or was seen; without policy */
    int64_t moved[CONDITION_COUNT];       /* the sum of what counted goods moved by in the window, whichever way */
    uint64_t told_seq;                    /* the newest event with that figure; 0 for none within the bounds */
};

struct reading {
    struct question question;
    bool complete; /* the second half of each cell is there, */
    bool too_large; /* or is beyond what a figure can hold, */
    bool expired;   /* or not known: what it takes is no longer in the journal */
    int64_t seen_us;                 /* by position: when that was recorded, UTC */
    const struct decision *decision; /* NULL while it was not read; with its events and texts, in `memory` */
    void *memory;                    /* of the decision, from malloc; NULL for none */
    size_t memory_bytes;
    uint32_t cell_count;
    struct cell_reading *cells; /* in the order they were named */
};

/* Was all read that it asks, and was it there? NULL is none. */
static inline bool reading_is_known(const struct reading *reading)
{
    return reading != NULL && reading->complete && !reading->expired;
}

/* What is to be read, after OUTCOME_UNREAD. */
struct unread {
    struct question question;
    uint32_t cell_count;
    uint32_t *cells; /* each once */
    struct reported *reported; /* of each, where that is asked */
};
/* Until the next command is judged. */
const struct unread *ledger_unread(const struct ledger *ledger);

/* What one movement changes of the goods that a count of this condition sees, base units. */
static inline int64_t counted_units(const struct figures *delta, enum condition condition, bool includes_picked)
{
    bool shelf = condition == CONDITION_SELLABLE && !includes_picked;
    return delta->units[condition] - (shelf ? delta->units[FIGURE_PICKED] : 0);
}

#endif
