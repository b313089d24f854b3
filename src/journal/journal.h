/*
 * The journal: every decision, durable, in order. The only truth on disk; everything else is derived from it.
 *
 * Writing (engine thread only): decisions are appended to the open group; a group is one frame on disk, aligned to the
 * device's block and flushed as a whole. Groups alternate between buffers, so that one can be filled while another is
 * being written:
 *
 *     append ... append, flush_start -> [in flight] -> flush_wait -> durable
 *
 * The buffers are the tail: the newest tail_bytes of the journal, kept in memory for readers.
 *
 * Reading (any thread): durable records from a sequence number on, from the tail while it reaches back that far, from
 * the segment files otherwise.
 */
#ifndef ONHAND_JOURNAL_JOURNAL_H
#define ONHAND_JOURNAL_JOURNAL_H

#include <stdatomic.h>

#include "base/epochs.h"
#include "env/env.h"
#include "journal/progress.h"
#include "journal/record.h"

struct journal;
struct frame;        /* frame.h */
struct segment;      /* segment.h */
struct stream_place; /* stream.h */
struct checkpoint_writer;

/* A frame that recovery met, whole and sound, after its records were handed on. Borrowed for the call. */
struct journal_met {
    const char *name; /* of its file */
    uint64_t offset;  /* in it */
    const struct segment *segment;
    const struct frame *frame;
    const uint8_t *bytes; /* all of it */
};

/* Who wants the frames, too: a restore, a dump, a backup. */
struct journal_frames {
    void *context;
    void (*met)(void *context, const struct journal_met *met);
    uint64_t until_ordinal; /* reading ends behind this frame, which is there; 0: at the journal's end */
};

struct journal_options {
    const struct env *env;     /* borrowed for the journal's life */
    const char *path;          /* the data directory */
    bool read_only;            /* verify and dump: locks shared, writes nothing, cuts nothing */
    bool copy;                 /* of another journal: nothing is appended but what journal_take brings, not even a seal */
    /* What a copy begins with in an empty directory: the header of the first segment, and the journal's first frame; or what
     * its beginning is (beginning.h), and the header of the oldest segment. */
    const uint8_t *copy_start; /* NULL: an empty directory is NOT_FOUND */
    size_t copy_start_bytes;
    uint64_t segment_bytes;    /* default JOURNAL_SEGMENT_BYTES; fixed per file, may differ between starts */
    size_t tail_bytes;         /* default JOURNAL_TAIL_BYTES */
    const struct journal_frames *frames; /* told of each that is read when it is opened; may be NULL */
    struct journal_progress *progress;   /* of its opening; may be NULL */
    size_t raw_segments;       /* the newest so many, with the one in use, stay raw, older ones are packed (cold.h); 0: all stay */
    bool fill_on_writer;       /* simulation: no threads; zeros are written when they are needed, old segments packed at a
                                * segment's end, one each time */
    bool fault_no_flush;       /* tests only: acknowledges without flushing, to show that the power-cut test sees it */
};

#define JOURNAL_SEGMENT_BYTES     (UINT64_C(256) << 20)
#ifndef JOURNAL_SEGMENT_BYTES_MIN /* the simulation's are smaller, and so are its steps: its segments end often */
#define JOURNAL_SEGMENT_BYTES_MIN (UINT64_C(1) << 20)
#endif
#define JOURNAL_TAIL_BYTES        ((size_t)64 << 20)

/* What recovery found, for the log and for verify. */
struct journal_report {
    bool created;           /* the directory was empty */
    uint8_t ledger_id[16];
    struct epochs epochs;
    uint64_t segment_count;
    uint64_t frame_count;
    uint64_t decision_count;
    uint64_t last_seq;
    uint64_t bytes_read;     /* of headers and frames; not what was looked through behind the last of them */
    uint64_t oldest_seq;     /* the oldest event kept */
    bool has_oldest_head;    /* the head of the chain (chain.h) at the event before it is known: */
    uint8_t oldest_head[32];
    uint64_t checkpoint_seq; /* of the last event in the checkpoint it began with; 0 for none */
    char checkpoint_problem[512]; /* why a newer one was passed over; "" for none */
    uint64_t cut_bytes;     /* of a torn tail: never acknowledged, cut */
    char cut_where[256];    /* segment and offset of the cut, "" for none */
    char problem[1024];     /* on failure: what, where (file, offset) and what to do, for an operator; "" otherwise */
};

/* Receives what recovery reads, in order. */
struct journal_replay {
    void *context;
    /* Before anything else; again when what followed turned out to be no good and all begins anew. */
    void (*genesis)(void *context, const struct genesis *genesis);
    /* Every decision, with the names that precede it attached, and every tick (a decision of kind KIND_TICK with no
     * events). Texts are borrowed for the call. */
    void (*decision)(void *context, const struct decision *decision);
    /* Before a few decisions are handed on: those, in their order, so that what they will touch can be brought near. Changes nothing but
     * what is left to be found of a decision (ledger_prepare_replay). NULL: not wanted. */
    void (*prepare)(void *context, struct decision *decisions, uint32_t n);
    /* When all was read, before anything is written: what is not OK refuses to open it, for a reason that it says in
     * report->problem, and nothing is changed. NULL: no objection. */
    enum status (*admit)(void *context, struct journal_report *report);
    /*
     * What stands for all decisions up to a place, when it is taken: chunks of an image of this layout, in their order; then its end,
     * with the state hash it must have. NULL: every decision is wanted. DAMAGED: it is none, something else is tried; FULL: it is good,
     * but there is no room for it.
     */
    enum status (*image)(void *context, const uint8_t *bytes, size_t n);
    enum status (*image_end)(void *context, uint64_t state_hash);
    uint32_t image_layout;
    /* All that is kept is read and checked, and handed on from the beginning. Where that is no longer kept, an image stands for it,
     * of the oldest checkpoint that is good; what is recorded before that is checked, and not handed on. */
    bool whole;
};

/*
 * Opens or creates a journal and replays it. Recovery tells a torn tail (cut, reported, written anew) from damage to
 * what was acknowledged (STATUS_DAMAGED, nothing changed). LOCKED, VERSION, IO, NO_SPACE, DAMAGED: out_report->problem
 * says what, where and what to do; *out_journal is not set. AGAIN: progress->stop, nothing changed.
 */
MUST_USE enum status journal_open(const struct journal_options *options, const struct journal_replay *replay,
                                  struct journal **out_journal, struct journal_report *out_report);
/* Seals when anything was written since the last seal, then closes. Safe after a failed flush (then nothing is written). */
void journal_close(struct journal *journal);

/* ---- writing: engine thread ---- */

/* A place in the tail: where a record of the open or an earlier group begins. Monotone, never reused. */
typedef uint64_t tail_offset;

/* Bytes appended to the open group, 0 when it is empty. */
size_t journal_group_bytes(const struct journal *journal);
/* False when the open group has no sure room for another decision: flush it first. */
bool journal_group_room(const struct journal *journal);
/*
 * Whether this decision's place on disk is surely there, or with NULL that of a tick; to be asked before it is applied. When
 * it is, so is that of a seal behind it. False: the disk is full (journal_disk), ask again, or a write failed and the
 * next flush says so.
 */
MUST_USE bool journal_has_place(struct journal *journal, const struct decision *decision);
/* Appends a decision (with its dictionary records); out_offset is where its own record begins in the tail. One whose place
 * was not asked for fails the journal when it is not there. */
void journal_append(struct journal *journal, const struct decision *decision, tail_offset *out_offset);
/* Appends a tick record. */
void journal_append_tick(struct journal *journal, int64_t now_us);
/*
 * True when the segment in use has no event, appended ones included: at the beginning of an epoch, and after a crash right behind the
 * name of a segment. What is appended next has to be a decision with an event, no tick: the first frame of a segment has one.
 */
bool journal_wants_event(const struct journal *journal);
/* Appends a seal record when frames were written since the last one; returns whether it did. A seal is a frame of its
 * own that covers the durable ones before it: nothing is appended while the open group holds something or a flush runs,
 * nothing where an event is wanted, and nothing on a full disk that has no place for it. */
bool journal_append_seal(struct journal *journal);

/*
 * As journal_read, of all that was appended, durable or not: the record of this event, and those before it from from_seq on
 * that are in the same group, or as it durable. OK, FULL, or AGAIN when it is not in memory (any more). What is read may be lost
 * in a crash, so nothing of it may be told to anyone before it is durable.
 */
MUST_USE enum status journal_read_appended(struct journal *journal, uint64_t from_seq, uint64_t seq, uint8_t *bytes,
                                           size_t n, size_t *out_bytes);

/* Writes the open group durably on this thread. IO is final. */
MUST_USE enum status journal_flush(struct journal *journal);
/* Begins writing the open group and opens the next. At most one group is in flight. */
MUST_USE enum status journal_flush_start(struct journal *journal);
bool journal_flush_done(const struct journal *journal);
/* Ends the flush begun before. On return what it held is durable and readable. IO is final. */
MUST_USE enum status journal_flush_wait(struct journal *journal);
/* What is left to do before the end: flushes, and seals. For who wants to know whether it went well; journal_close does it, too. */
MUST_USE enum status journal_finish(struct journal *journal);
/* True when a write or flush has failed: nothing is written any more. */
bool journal_failed(const struct journal *journal);
/* The first failure in words: file, offset, and what the system said; "" for none. */
const char *journal_failure(const struct journal *journal);

/* ---- a copy of another journal: engine thread, of a journal opened so ---- */

/* Is it a copy from here on? Then nothing is appended to it but what journal_take brings. Nothing is open or in flight. */
void journal_set_copy(struct journal *journal, bool copy);
/* Is there a checkpoint that came with the copy and stands for its beginning, and is not reached? It cannot be started from before. */
bool journal_awaits_image(const struct journal *journal);
/* Where it ends, for the request for what follows. */
void journal_copied(const struct journal *journal, struct stream_place *out_place);
/*
 * Appends items of the stream (stream.h) that follow: the header of the next segment, or whole frames, none of them longer
 * than FRAME_BYTES_MAX together; a header that is there already is passed over. They are verified before, by
 * stream_reader_next, and durable and readable on return. IO and NO_SPACE are final.
 */
MUST_USE enum status journal_take_segment(struct journal *journal, const uint8_t *header);
MUST_USE enum status journal_take(struct journal *journal, const uint8_t *frames, size_t n);

/*
 * Begins an epoch (base/epochs.h) behind the last event: what is written from here on is of it, in a segment of its own, and begins
 * with an event (journal_wants_event). With nothing appended that is not durable, and no flush running; durable on return. known: the epochs that the new one is to
 * come after, when there are others than this journal's, which they extend: of what was behind the point of a restore; else
 * NULL. A copy of another journal is one of its own from here on.
 * FULL, and nothing done, when there were EPOCH_NUMBER_MAX; NOT_FOUND, and nothing done, when the journal has no event
 * yet; MEMORY, IO and NO_SPACE are final.
 */
MUST_USE enum status journal_begin_epoch(struct journal *journal, enum epoch_reason reason, const struct epochs *known);

/* ---- any thread ---- */

/* Last durable sequence number; acquires what was written before it. */
uint64_t journal_durable_seq(const struct journal *journal);
/* Number of the last durable frame, the same. Frames without events have a number, too. */
uint64_t journal_durable_ordinal(const struct journal *journal);
/* The oldest event kept; only grows. */
uint64_t journal_oldest_seq(const struct journal *journal);
/* Log time by which all events before that one were recorded; INT64_MIN while there are none. Ask after journal_oldest_seq. */
int64_t journal_oldest_us(const struct journal *journal);
/* The epochs of the journal. Lives as long as it does; when one begins, there is another one from then on. */
const struct epochs *journal_epochs(const struct journal *journal);
static inline uint32_t journal_epoch(const struct journal *journal)
{
    return journal_epochs(journal)->now;
}
const struct genesis *journal_genesis(const struct journal *journal);
/* Where its files are, for who reads others that are beside them. */
struct env_directory *journal_directory(const struct journal *journal);
const struct env *journal_env(const struct journal *journal);

/*
 * Copies whole decision records (only those: no names, ticks or seals) with events of sequence >= from_seq and <=
 * journal_durable_seq into bytes, as many as fit; a record that contains from_seq in its middle is copied whole.
 * hint: the record's tail offset when known, else TAIL_UNKNOWN.
 * Returns OK (at least one record), END (nothing durable from from_seq on), NOT_FOUND (older than the oldest kept),
 * FULL (the first record does not fit n: RECORD_BYTES_MAX always does), AGAIN (only when memory_only: it is no longer in
 * the tail and would need the disk), IO or DAMAGED.
 */
#define TAIL_UNKNOWN UINT64_MAX
MUST_USE enum status journal_read(struct journal *journal, uint64_t from_seq, tail_offset hint, bool memory_only,
                                  uint8_t *bytes, size_t n, size_t *out_bytes);
/*
 * As journal_read, for the sake of the record of the event seq: of those before it, from from_seq on, only what costs nothing more
 * is there, all that is in memory, or what is behind the same place of the index.
 */
MUST_USE enum status journal_read_back(struct journal *journal, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                       size_t *out_bytes);

/* Where a replay goes on: at a record of a frame. */
struct journal_place {
    uint32_t segment; /* which of them, from 0 */
    uint64_t offset;  /* of the frame; 0 for the first of the segment */
    size_t record;    /* where among its records */
    uint64_t seq;     /* of the next event */
    /* The frame before it, when replay came by there: where in the segment, its number and chain. Else 0. */
    uint64_t frame_offset, ordinal;
    uint32_t chain;
};
#define JOURNAL_BEGIN ((struct journal_place){.seq = 1})

/*
 * Hands on, from a place on, what is durable and was recorded until until_us, as journal_open does, up to the event
 * until_seq at most. place: JOURNAL_BEGIN, or where the last one ended; where this one ended, and on failure a place that
 * means nothing. Any thread; the callbacks are called from it. OK when all was handed on; AGAIN when it was stopped, and
 * may go on; NOT_FOUND when it is no longer kept; IO, DAMAGED, VERSION or MEMORY.
 */
MUST_USE enum status journal_replay_until(struct journal *journal, struct journal_place *place, int64_t until_us,
                                          uint64_t until_seq, const struct journal_replay *replay, const atomic_bool *stop);

/*
 * The same, in whole frames: up to the end of the first one that ends at the event last_seq and the log time log_us, or behind
 * them, and has the number ordinal or a higher one: while log time stands, several frames may end at one event and time. AGAIN also
 * when there is none yet.
 */
MUST_USE enum status journal_replay_to(struct journal *journal, struct journal_place *place, uint64_t last_seq,
                                       int64_t log_us, uint64_t ordinal, const struct journal_replay *replay,
                                       const atomic_bool *stop);

/* Where a copy of the journal goes on: behind a frame. */
struct journal_cursor {
    bool beginning;        /* what the journal begins with comes first (beginning.h), */
    uint64_t image_seq;    /* then the checkpoint of this event, 0 for none or no more, */
    uint64_t image_offset; /* from here on in its file */
    uint32_t segment; /* which of them, from 0 */
    bool header;      /* its header comes first */
    uint64_t offset;  /* of the next frame in it */
    uint64_t ordinal; /* of the frame before, 0 for none */
    uint32_t chain;   /* of that */
};

/*
 * Finds where a copy goes on that has the frame `ordinal`, with this chain, and all before it; seq is the last event that
 * was in it or before it. ordinal 0: the first frame with an event behind seq, or the next frame that there will be; with
 * seq 0 all that is kept, with what stands for the beginning where that is no longer: the oldest checkpoint.
 *
 * OK; INVALID when that frame is another one here: the two have parted; END when there is no such frame (yet); NOT_FOUND
 * when it is no longer kept; IO or DAMAGED. Any thread; may read the disk.
 */
MUST_USE enum status journal_copy_find(struct journal *journal, uint64_t seq, uint64_t ordinal, uint32_t chain,
                                       struct journal_cursor *out_cursor);
/*
 * Copies durable frames as they are, with the header of each segment before its first one, and before all what stands for the
 * beginning, as items of a stream (stream.h), from the cursor up to the frame
 * until_ordinal: as many as fit. Verified where they are read from disk.
 *
 * Returns OK (at least one), END (nothing more that is durable), FULL (the next does not fit n: FRAME_BYTES_MAX always does), AGAIN
 * (only when memory_only: it would need the disk), NOT_FOUND when it is no longer kept, IO or DAMAGED. Any thread.
 */
MUST_USE enum status journal_copy(struct journal *journal, struct journal_cursor *cursor, uint64_t until_ordinal,
                                  bool memory_only, uint8_t *bytes, size_t n, size_t *out_bytes);
/* The last read that failed, in words: file, offset, why; "" for none. */
void journal_read_failure(struct journal *journal, char *out_text, size_t n);

/* How it stands with the disk. */
struct journal_disk {
    bool full; /* something had no place since the last time there was some */
    bool low;  /* space ahead could not be had when it was last tried, which is done every second */
};
struct journal_disk journal_disk(const struct journal *journal);
/* What the last attempt to have space said, in words; "" for nothing. */
void journal_disk_problem(struct journal *journal, char *out_text, size_t n);

/*
 * Begins a replay with the newest checkpoint that has nothing recorded after until_us, nor an event after until_seq: hands it on, and
 * says where the journal goes on behind it. NOT_FOUND when there is none that is good; IO when one could not be read, and the
 * journal's beginning is no longer kept. Any thread. FULL, IO, MEMORY.
 */
MUST_USE enum status journal_replay_checkpoint(struct journal *journal, struct journal_place *out_place, int64_t until_us,
                                               uint64_t until_seq, const struct journal_replay *replay);

/*
 * Begins the checkpoint of a ledger that has all up to place, the end of a frame; the caller puts the image in and ends it. AGAIN
 * when the index changed its form meanwhile: begin anew. Any thread, one at a time. MEMORY, NO_SPACE, IO.
 */
MUST_USE enum status journal_checkpoint_begin(struct journal *journal, const struct journal_place *place, int64_t log_us,
                                              uint64_t state_hash, uint32_t image_layout,
                                              struct checkpoint_writer **out_writer);

/* Packs the sparsest old segment on this thread, of a journal without the thread that does it: as cold_step (cold.h). */
enum status journal_pack(struct journal *journal);

/* What is wanted of the past, and what is needed. */
struct journal_retention {
    int64_t before_us;   /* all that was recorded by then may go; INT64_MIN: age is no reason */
    uint64_t most_bytes; /* on disk: beyond it the oldest may go, whatever its age; UINT64_MAX: size is no reason */
    int64_t horizon_us;  /* what was recorded after it stays, whatever the size: questions about the past reach there */
    uint64_t needed_seq; /* the ledger may ask for the events from this one on */
    /* Has the segment of this name, which is complete, put away; false: not now, so it stays. May be NULL. */
    bool (*archive)(void *context, const char *name);
    void *context;
    const atomic_bool *stop; /* ends it before anything went, with AGAIN; may be NULL */
};

/* Why the oldest segment stays. */
enum retained_for { RETAINED_NOT, RETAINED_WANTED, RETAINED_CHECKPOINT, RETAINED_LEDGER, RETAINED_HORIZON, RETAINED_ARCHIVE };

struct journal_retained {
    uint64_t segments, bytes; /* that went, now */
    uint64_t over_bytes;      /* by so much the journal is still larger than is wanted */
    enum retained_for reason;
};

/*
 * Drops old segments (retention.h). OK, also when none went; MEMORY, IO, NO_SPACE: none did, it may be tried again. DAMAGED: none did,
 * because a checkpoint, without which the rest is of no use, is not good. problem: in words, unless OK. Any thread, one at a time.
 */
MUST_USE enum status journal_retain(struct journal *journal, const struct journal_retention *wanted,
                                    struct journal_retained *out_retained, char *problem, size_t problem_bytes);

struct journal_counters {
    uint64_t flushes, frames, record_bytes, disk_bytes, segments;
    uint64_t packed, packed_raw_bytes, packed_bytes, pack_failures; /* old segments: cold.h */
    uint64_t dropped, dropped_bytes; /* old segments: retention.h */
    uint64_t read_failures; /* reads of the segments that failed or found damage */
};
struct journal_counters journal_counters(const struct journal *journal);
/* Monotonic nanoseconds at which the group holding this durable sequence number finished its flush, or 0 when no longer
 * known (kept for the groups in the tail). */
int64_t journal_flushed_at_ns(struct journal *journal, uint64_t seq);

/*
 * Offline check of a data directory: every segment and frame (checksums, chain, order, torn tail), every record decoded
 * and handed to replay. Nothing is modified. Same statuses and report as journal_open.
 */
MUST_USE enum status journal_verify(const struct env *env, const char *path, const struct journal_replay *replay,
                                    struct journal_report *out_report);
/* The same, with the frames. Of a damaged journal all that is before the damage was handed on. */
MUST_USE enum status journal_walk(const struct env *env, const char *path, const struct journal_replay *replay,
                                  const struct journal_frames *frames, struct journal_report *out_report);
/*
 * The same of a journal that is open, from disk, while it is written on: up to frames->until_ordinal, which is durable. Any thread. AGAIN:
 * progress->stop. NOT_FOUND also when what was to be read was dropped meanwhile.
 */
MUST_USE enum status journal_reread(struct journal *journal, const struct journal_replay *replay,
                                    const struct journal_frames *frames, struct journal_progress *progress,
                                    struct journal_report *out_report);

#endif
