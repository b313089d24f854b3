/*
 * Are the checkpoints of a directory what they say? Each is read whole into a ledger of its own, which is audited; then the replay
 * of the journal is met where it ends, and must have the same state there.
 *
 *     read    every block, the image, its state hash, an audit      before the replay: one ledger at a time
 *     meet    the same frame, the same state hash                   as the replay comes by
 *
 * A start would pass over a damaged one by itself; one that is false it would believe.
 *
 * Owner: one thread.
 */
#ifndef ONHAND_ENGINE_CHECKPOINT_CHECK_H
#define ONHAND_ENGINE_CHECKPOINT_CHECK_H

#include "engine/rebuild.h"
#include "journal/checkpoint.h"

#define CHECKPOINTS_CHECKED_MAX 64 /* the newest so many; a server keeps two */

enum checkpoint_verdict {
    CHECKPOINT_UNMET, /* sound in itself; no frame where it ends was met (yet) */
    CHECKPOINT_RIGHT,
    CHECKPOINT_SOUND, /* in itself; the journal before it is no longer kept, so there is nothing to compare it with */
    CHECKPOINT_OTHER_VERSION, /* of a version whose starts can read it; this one passes it over */
    CHECKPOINT_WRONG          /* damaged, or false */
};

/* "right", "sound", "wrong", "other_version", "unmet". */
const char *checkpoint_verdict_name(enum checkpoint_verdict verdict);

struct checkpoint_checked {
    char name[CHECKPOINT_NAME_BYTES];
    struct checkpoint head; /* when it could be read */
    enum checkpoint_verdict verdict;
    char problem[512]; /* WRONG: what, where, and what to do; OTHER_VERSION: what */
};

struct checkpoint_check {
    size_t count;
    struct checkpoint_checked list[CHECKPOINTS_CHECKED_MAX]; /* newest first */
};

/* Reads all in a directory. MEMORY; IO when it cannot be listed. */
MUST_USE enum status checkpoint_check_read(struct checkpoint_check *check, const struct env *env,
                                           struct env_directory *directory, const struct ledger_limits *limits);
/* A frame of the journal was replayed into this ledger. */
void checkpoint_check_meet(struct checkpoint_check *check, const struct journal_met *met, const struct ledger *ledger);
/* All frames were met, up to this one; those that end later stay UNMET. report: of that reading. Returns how many checkpoints are WRONG. */
size_t checkpoint_check_end(struct checkpoint_check *check, const struct journal_report *report, uint64_t until_ordinal);

#endif
