/*
 * A shard: one ledger, one journal, one order. Judges requests one by one and appends what was decided to the open
 * flush group. No threads, no waiting: engine.c runs it, and so does a simulation or a test.
 *
 * Owner: one thread (the engine's).
 */
#ifndef ONHAND_ENGINE_SHARD_H
#define ONHAND_ENGINE_SHARD_H

#include "engine/batch.h"
#include "engine/quality.h"

struct shard_options {
    struct journal_options journal;
    struct ledger_limits limits;
    /* Journalled settings; when they differ from the ledger's they are set anew with the first decision. */
    int64_t id_window_ms;
    uint32_t id_capacity;
    bool strict;
    /* The wall clock may be this far ahead of the log at a start; beyond it needs accept_clock. Microseconds. */
    int64_t clock_start_max_us;
    bool accept_clock;
    const uint8_t *ledger_id; /* 16 bytes: of the only ledger that is opened; NULL for any. Borrowed while it is opened */
    /* The tables' memory is warmed by a thread while it is opened (warmer.h). */
    bool warm;
};

struct shard;

/*
 * Opens or creates the data directory and replays it. On failure out_report->problem says what, where and what to do.
 * CLOCK when the wall clock is too far ahead of the log; INVALID when it is another ledger than that of options; otherwise as journal_open.
 */
MUST_USE enum status shard_open(const struct shard_options *options, struct shard **out_shard,
                                struct journal_report *out_report);
/* Seals and closes. */
void shard_close(struct shard *shard);

/* Puts the settings into the journal's open group when they differ, when the journal wants an event (journal.h), or when a
 * source's silence would be noticed: its time begins anew with them. First thing after opening; nothing is decided before. NO_SPACE: not now, shard_due does it when there is
 * some. */
MUST_USE enum status shard_settings(struct shard *shard, int64_t now_us);

/*
 * Of a shard whose journal is a copy: applies items of the primary's stream and makes them durable. They are verified; act
 * has their form. IO and NO_SPACE when the journal fails; else, with *out_problem a constant or a text of the shard, when they cannot be applied: then the
 * ledger is not to be used any more.
 */
MUST_USE enum status shard_copy(struct shard *shard, const uint8_t *items, size_t n, const char **out_problem);
/* Whether shard_promote could begin an epoch now: OK, or what it would answer; NO_SPACE also when there is little space. Nothing is done. */
MUST_USE enum status shard_may_promote(const struct shard *shard);
/* Ends the copy: begins an epoch, durably, and puts the settings into the open group (shard_settings). CLOCK and nothing done
 * when the wall clock is too far ahead of the log; FULL; NOT_FOUND and nothing done when nothing was copied yet; IO and
 * NO_SPACE are final. */
MUST_USE enum status shard_promote(struct shard *shard, int64_t now_us);

/*
 * Does the next thing that is due by now_us; false when nothing is, or when it has no place on a full disk. Then nothing
 * is decided before it: commands are answered ANSWER_RETRY with CODE_disk_full. There is room: see shard_room.
 */
bool shard_due(struct shard *shard, int64_t now_us);
/* What is due waits for space on the disk. */
bool shard_blocked(const struct shard *shard);
/* Drops what has left the window, some at a time, when there is any; true when a tick was appended. */
bool shard_forget(struct shard *shard, int64_t now_us);
/* False when the open group must be flushed before the next decision. */
bool shard_room(const struct shard *shard);
/*
 * Decodes up to PREPARE_MAX requests and looks ahead for them (ledger_prepare). They are then judged one by one, in the
 * same order, before the next are prepared.
 */
void shard_prepare(struct shard *shard, struct request *requests, uint32_t n);
/*
 * Judges the next prepared request at this log time and fills its answer; nothing is due any more. The answer may be
 * given out when the open group is durable.
 */
void shard_request(struct shard *shard, struct request *request, int64_t now_us);

/* Answers a request ANSWER_RETRY without judging it. detail: a constant. Nothing is prepared. */
void shard_shed(struct shard *shard, struct request *request, enum code code, const char *detail);
/* Runs a read. Nothing needs to be prepared. */
void shard_read(struct shard *shard, struct request *request);

/* Looks further for contradictions in the ledger, see ledger_audit. */
bool shard_audit(struct shard *shard, uint32_t entries);

struct journal *shard_journal(struct shard *shard);
const struct ledger *shard_ledger(const struct shard *shard);

/* Counts since the start, by outcome, for metrics. Engine thread writes, any thread reads. */
struct shard_counters {
    uint64_t accepted[KIND_COUNT], refused[KIND_COUNT];
    uint64_t replayed, invalid, shed, reads;
    /* The ledger's own decisions: holds, backordered units, waiting holds, units that lost cover. */
    uint64_t expired, covered, served, shortened, silences;
};
struct shard_counters shard_counters(const struct shard *shard);

/* How good what the sources send is. The shard's; what may be asked from any thread is said there. */
const struct quality *shard_quality(const struct shard *shard);

/*
 * Makes what the two functions below tell as of now. Engine thread, before it starts and once a group, before that is
 * made durable: who has seen that an event is durable sees what was published with it.
 */
void shard_publish(struct shard *shard);
/* The event behind the latest change of what a channel may sell, or at which its name was given up, 0 for none; maybe
 * not durable yet. Any thread. */
uint64_t shard_channel_changed(const struct shard *shard, uint32_t channel);
/* The sizes last published. Any thread. */
struct ledger_counts shard_gauges(const struct shard *shard);

#endif
