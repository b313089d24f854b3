/*
 * Repair: makes a damaged journal end before the damage, for an operator who has decided to give up what is behind it.
 * Nothing is deleted: files are renamed. An epoch begins there (base/epochs.h).
 *
 * What is to be done is prepared in files of other names, then written down in a file (REPAIR_LOG_NAME), then done by renames
 * alone. A start is refused as long as that file is there; a repair that was interrupted is gone on with by the next one.
 *
 * Owner: one thread. The directory is locked exclusively from repair_open to repair_close.
 */
#ifndef ONHAND_JOURNAL_REPAIR_H
#define ONHAND_JOURNAL_REPAIR_H

#include "journal/recovery.h"

#define REPAIR_LOG_NAME "repair.journal" /* like a segment's, and none: whatever version starts refuses */

struct repair;

/* What is behind the damage. */
struct repair_loss {
    uint64_t files;         /* that are given up whole */
    uint64_t bytes;         /* that are not zero */
    uint64_t frames;        /* whole and sound, but not in their place any more; each is handed on */
    uint64_t last_seq;      /* the last event that any sound header speaks of; 0 for none */
    uint64_t durable_frame; /* up to here frames were acknowledged for sure; more may have been */
};

/*
 * Opens a directory and reads its journal up to the damage, as recovery does; replay and frames are handed what is sound.
 * OK: it is damaged, and can be repaired; out_report->problem says where. END: nothing is damaged. AGAIN: a repair was begun
 * and not ended; repair_end goes on. INVALID: nothing of it can be kept. DAMAGED: a file is in the way, which
 * out_report->problem names; and the statuses of journal_open. *out_repair on OK and AGAIN.
 */
MUST_USE enum status repair_open(const struct env *env, const char *path, const struct journal_replay *replay,
                                 const struct journal_frames *frames, struct repair **out_repair,
                                 struct journal_report *out_report);
void repair_close(struct repair *repair);
/* Where what is kept ends. */
const struct recovery_end *repair_kept(const struct repair *repair);

/* Reads what is behind it. lost: told of each sound frame, in the order of files; met->segment is the last that is kept. NULL
 * only to count. */
MUST_USE enum status repair_look(struct repair *repair, const struct journal_frames *lost, struct repair_loss *out_loss);

/* Gives it up. stamp: ends the names of what is put aside, "20261127T050000Z". IO, NO_SPACE, FULL, MEMORY: begin again. */
MUST_USE enum status repair_begin(struct repair *repair, const char *stamp);
/* The renames; after it the directory is a journal. */
MUST_USE enum status repair_end(struct repair *repair);

#endif
