/* Recovery: reads every segment, hands what it holds to replay, and finds out where and how the journal ends. Changes
 * nothing on disk: recovery_mend does, when the journal is to be written. */
#ifndef ONHAND_JOURNAL_RECOVERY_H
#define ONHAND_JOURNAL_RECOVERY_H

#include "journal/beginning.h"
#include "journal/index.h"
#include "journal/journal.h"
#include "journal/segment.h"

/* Where the journal ends, and all that the next frame needs to know. */
struct recovery_end {
    bool empty; /* no segments: a journal has to be created */
    bool in_the_way; /* a file is there that is none of the journal's: nothing was read */
    struct genesis genesis;
    struct beginning beginning;
    struct segment segment; /* the last one */
    uint64_t offset;        /* of the next frame in it */
    uint64_t size_bytes;    /* of its file */
    bool packed;            /* it is packed: it has to be raw to be written on */
    uint64_t ordinal;       /* of the last frame */
    uint32_t chain;         /* of it */
    uint64_t image_ordinal; /* the checkpoint that replay began with has all frames up to it; 0 for none */
    uint64_t last_seq;
    int64_t log_us;
    bool sealed;               /* the last frame is a seal */
    uint64_t uncovered_offset; /* frames of the last segment from here on are not covered by a later durable_through */
    uint64_t cut_end;          /* bytes from offset to here are not zero: a torn tail. offset when there is none */
};

/* NOT_FOUND when there is no directory; else as journal_open. Fills the index, when given. frames and progress may be NULL. When it is
 * DAMAGED, *out_end is where what is sound ends. */
enum status recovery_run(const struct env *env, struct env_directory *directory, const struct journal_replay *replay,
                         const struct journal_frames *frames, struct journal_progress *progress, struct index *index,
                         struct recovery_end *out_end, struct journal_report *report);

/*
 * Makes the tail what recovery took it for, durably, before anything is acknowledged on top of it: zeros over the torn
 * part, and the uncovered frames written anew, because they may have been read from a cache that the disk never saw.
 */
enum status recovery_mend(const struct env *env, struct env_file *file, const struct recovery_end *end,
                          struct journal_report *report);

#endif
