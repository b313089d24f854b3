/*
 * The journal in JSON, a line each: what `onhand journal dump` and `onhand verify --diverged` print, and what `onhand repair` lists.
 * Events look as in the feed. Beside it a ledger is made of what is read, which knows the names.
 */
#ifndef ONHAND_CLI_DUMP_H
#define ONHAND_CLI_DUMP_H

#include <stdio.h>

#include "engine/rebuild.h"
#include "journal/frame.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "ledger/ledger.h"

/* What of it is printed: all that is within all bounds. */
struct dump_range {
    uint64_t from_seq, to_seq;
    int64_t from_us, to_us; /* recorded */
};
#define DUMP_ALL ((struct dump_range){0, UINT64_MAX, INT64_MIN, INT64_MAX})

struct dump {
    FILE *out;
    struct rebuild rebuild; /* of all before what is printed, and that */
    struct dump_range range;
    bool events_only; /* nothing but events */
    /* Of frames that are in no ledger: names are taken from their records, and others may be missing. */
    bool keep_names;
    bool mark, acknowledged; /* each event says whether it was acknowledged for sure */
    uint64_t *kind_counts;   /* decisions per kind, or NULL */
    uint64_t segment_number; /* the last one printed */
    int64_t log_us;          /* of the frame before */
    uint64_t event_count;    /* printed */
    /* Its own. */
    struct decision decision;
    struct new_name *names;
    uint32_t name_count, name_max;
    bool failed; /* memory, or out cannot be written */
};

/* False when memory cannot be had. */
MUST_USE bool dump_init(struct dump *dump, FILE *out);
void dump_deinit(struct dump *dump);

/* Prints what is in the range of a sound frame: its segment when that is a new one, the frame, its records, their events. */
void dump_frame(struct dump *dump, const struct journal_met *met);

/* Reads a data directory and prints it; of a damaged one all before the damage. Returns the exit code of the command, whose
 * error is printed. */
int dump_directory(struct dump *dump, const char *command, const char *path);
/* Says as `command` why a data directory cannot be read; its exit code. */
int dump_refused(const char *command, const char *path, const struct journal_report *report, enum status status);

#endif
