/*
 * The history of a cell: its events, read backwards by the ways that they name (ledger/skip.c), and the figures as they
 * were at a time.
 *
 * There are three time axes. On `recorded` the figures at T are what anyone who had asked at T would have been told. On
 * `occurred` they are what is known now of what was so at T: late facts are in it. Nothing occurs after it is recorded
 * (decision_occurred_us). On `booked` they are the same but for what came when its period was closed, which counts from the
 * end of that (ledger/period.c): for a T in a closed period they never change. Policy (safety stock, backorder limit,
 * reorder point) is no fact about goods: on all axes it is what was set by T.
 *
 * The journal's beginning may be gone (journal_oldest_us). Of events that are, it is known that they were recorded by then, and
 * what they made of their cell: the first one that is kept has the figures behind it and the change, and where none is kept they
 * are the present ones. So figures are known as of that time and any later one; what takes more is NOT_FOUND. More may go while a
 * question is answered: it is then asked again.
 *
 * Any thread; each struct history for one thread at a time. It allocates nothing.
 *
 * Cost: with n events of the cell, up to 8 records read for each power of 8 in n to find a recorded time; on
 * `occurred` and `booked` also those of the blocks in which something late occurred by T. Events that were
 * journalled before there were skips (format.md) are read one by one.
 */
#ifndef ONHAND_JOURNAL_HISTORY_H
#define ONHAND_JOURNAL_HISTORY_H

#include <stdatomic.h>

#include "journal/journal.h"
#include "ledger/reading.h"

enum time_axis { AXIS_RECORDED, AXIS_OCCURRED, AXIS_BOOKED, AXIS_COUNT };

#define HISTORY_RECORDS_MAX 1024 /* of those read at once; what is behind them is read again */

struct history {
    struct journal *journal;   /* borrowed, as are the next two */
    uint8_t *bytes;            /* RECORD_BYTES_MAX: records of some events that follow one another */
    uint32_t record_count;
    uint32_t records[HISTORY_RECORDS_MAX]; /* where each begins in bytes */
    struct decision *decision; /* of the event read last; with its events and shortages attached */
    bool read;                 /* decision holds one */
    uint64_t last_seq;         /* its number */
    uint64_t reads;            /* of the journal so far */
    const atomic_bool *stop;   /* when it becomes true nothing more is read; may be NULL */
    /* Engine thread: what was appended is read, too, and only what is in memory. */
    bool appended;
    size_t bytes_max;          /* of `bytes`: no longer record is read */
    uint64_t steps_left;       /* records to decode, and readings of the journal as HISTORY_READ_STEPS of them each */
    /* Log time never goes back: the newest event known to be recorded by known_us, of any cell. */
    int64_t known_us;
    uint64_t known_seq;
    /* What the journal keeps, as it was when the question began. */
    uint64_t oldest_seq;
    int64_t oldest_us;
};

void history_init(struct history *history, struct journal *journal, uint8_t *bytes, struct decision *decision,
                  const atomic_bool *stop);

#define HISTORY_READ_STEPS 4
#define HISTORY_APPENDED_BYTES ((size_t)64 * 1024)
/*
 * For the engine's thread: reads what was appended, with bytes of HISTORY_APPENDED_BYTES. Before each use, steps_left is set;
 * AGAIN also when they are used up, and for what is not in memory or longer than bytes.
 */
void history_init_appended(struct history *history, struct journal *journal, uint8_t *bytes, struct decision *decision);

/*
 * The event of this number; it, its decision and its texts are borrowed until the next call. As journal_read (NOT_FOUND when it
 * is gone), DAMAGED for what is no record, and AGAIN when it was to stop.
 */
MUST_USE enum status history_event(struct history *history, uint64_t seq, const struct event **out_event);

/* For who reads events one by one: takes note of what is kept (oldest_seq, oldest_us). Then whether a question that got this
 * status is to be asked again, because more went meanwhile; of that it takes note, too. */
void history_begin(struct history *history);
bool history_again(struct history *history, enum status status);

/*
 * The number of the cell's newest event with a number below `below`, 0 for none. top: of the cell, of events that are
 * durable now. As history_event.
 */
MUST_USE enum status history_seek(struct history *history, const struct cell_top *top, uint64_t below,
                                  uint64_t *out_seq);

/* A cell as it was. All 0 when there was nothing yet. */
struct history_figures {
    struct figures figures;
    uint64_t version; /* of the newest event that is in the figures */
    uint64_t seq;     /* its number */
};
/*
 * The cell with this top, as of at_us, UTC. As history_event; FULL when what occurred sums up beyond what a figure can
 * hold.
 */
MUST_USE enum status history_as_of(struct history *history, enum time_axis axis, const struct cell_top *top,
                                   int64_t at_us, struct history_figures *out_figures);

/*
 * Reads what a reading asks and makes it complete, or complete and expired when that is gone. Of what was read of a cell already (read_seq) only the events since are read; of
 * those before it, the decision asked for included, nothing is read again. As history_event, but never NOT_FOUND; MEMORY when there is none for a
 * decision.
 */
MUST_USE enum status history_read(struct history *history, struct reading *reading);

/*
 * A page of the entries of one cell or several, newest first: by number on `recorded`; on `occurred` by the time they
 * occurred, on `booked` by the time they are booked, and by number where that is the same. A place is that of an entry
 * in this order.
 */
struct history_place {
    int64_t us; /* 0 on recorded */
    uint64_t seq;
};
#define HISTORY_TOP ((struct history_place){INT64_MAX, UINT64_MAX}) /* above all entries */

struct history_page {
    enum time_axis axis;
    struct cell_top *tops; /* of the cells; overwritten */
    uint32_t top_count;
    struct history_place before;  /* entries below it */
    uint32_t limit;               /* of them at most */
    struct history_place *places; /* room for limit + 1 */
    /* Takes an entry, borrowed for the call. False when the page ends behind it. */
    bool (*entry)(void *context, const struct decision *decision, uint32_t index);
    void *context;
    /* Results. */
    struct history_place last; /* of the last entry; `before` when there was none */
    bool more;                 /* there are entries below it */
    uint64_t expired_before;   /* entries on this page, or below the last one, are gone: those before this event; 0 for none */
};
/*
 * As history_event. On `occurred` and `booked` it looks at what was recorded since the time of the oldest entry of the
 * page, but for blocks in which all occurred after the page.
 */
MUST_USE enum status history_page(struct history *history, struct history_page *page);

#endif
