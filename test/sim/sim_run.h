/*
 * One run of the simulation: many lives of a server over one data directory, in a world that fails (env_sim.h). What its
 * parts share: the run itself, which faults it has, what was met, chance, and how a violation is told.
 *
 *     lives.c      a run from an empty world to where all is answered: starts, lives, ends
 *     clients.c    who sends commands, and repeats what was not answered
 *     judge.c      decisions, the feed and figures against the model's
 *     checkpoints.c  those that are made, and what a start takes of them
 *     retention.c  old segments that are dropped
 *     harm.c       rot, and writes that went astray
 *     test_sim.c   many runs, and what to do when one fails
 *
 * There is one run at a time in a process, `sr`.
 */
#ifndef ONHAND_TEST_SIM_RUN_H
#define ONHAND_TEST_SIM_RUN_H

#include "../model/play.h"
#include "engine/engine.h"
#include "env_sim.h"

#define SENT_MAX       4096
#define DECIDED_MAX    16384
#define CLIENTS_MAX    8
#define CRASHES_LEAST  3
#define CLOCK_STEP_US  (INT64_C(60) * SECOND_US)
#define CLOCK_START_US (INT64_C(30) * DAY_US)

/* Kinds of faults that a run may have. X(letter, name, words) */
#define FAULT_MAP(X)                                                                                                   \
    X('p', POWER, "power cuts")                                                                                        \
    X('k', KILLS, "kills of the process")                                                                              \
    X('r', READS, "failing reads")                                                                                     \
    X('w', WRITES, "failing writes")                                                                                   \
    X('s', SYNCS, "failing flushes")                                                                                   \
    X('d', DURABLES, "failing durable writes")                                                                         \
    X('n', NAMES, "failing changes of names")                                                                          \
    X('o', OPENS, "failing opens")                                                                                     \
    X('m', MEMORY, "no memory")                                                                                        \
    X('f', FULL, "a full disk")                                                                                        \
    X('a', ASTRAY, "writes that go astray")                                                                            \
    X('t', ROT, "rot at rest")                                                                                         \
    X('c', CLOCKS, "clocks that jump")                                                                                 \
    X('l', SLOW, "a slow disk")                                                                                        \
    X('b', BACK, "pages written back unasked")                                                                         \
    X('y', ORDER, "names that survive in any order")                                                                   \
    X('v', RECOVERIES, "crashes in recovery")

enum {
#define X(letter, name, words) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULT_COUNT
};
extern const char fault_letters[FAULT_COUNT + 1];

/* Rare ways that were taken. X(name, words) */
#define PATH_MAP(X)                                                                                                    \
    X(CREATED, "journal created")                                                                                      \
    X(RECOVERED, "recovered")                                                                                          \
    X(RECOVERY_CUT, "crash in recovery")                                                                               \
    X(RECOVERY_FAILED, "recovery failed by a fault")                                                                   \
    X(TAIL_CUT, "torn tail cut")                                                                                       \
    X(UNKNOWN_THERE, "unanswered, found decided")                                                                      \
    X(UNKNOWN_GONE, "unanswered, found lost, sent again")                                                              \
    X(REPEATED, "answered as a repeat")                                                                                \
    X(FAILED_LIFE, "life ended by a fault")                                                                            \
    X(CLEAN_STOP, "clean stop")                                                                                        \
    X(ROLLED, "segment rolled")                                                                                        \
    X(TICKED, "tick journalled")                                                                                       \
    X(EXPIRED, "hold expired")                                                                                         \
    X(OWN, "other decision of the ledger")                                                                             \
    X(REFUSED, "refused")                                                                                              \
    X(CLOCK_SHED, "shed for the clock")                                                                                \
    X(FULL_SHED, "shed for the full disk")                                                                             \
    X(CLOCK_REFUSED, "start refused for the clock")                                                                    \
    X(CLOCK_BACK, "clock set back")                                                                                    \
    X(INBOX_FULL, "inbox full")                                                                                        \
    X(ROT_REFUSED, "rot refused")                                                                                      \
    X(ROT_CUT, "rot of what nothing vouches for cut")                                                                  \
    X(ROT_OUTSIDE, "rot behind the end")                                                                               \
    X(ROT_WRITABLE, "refused start modified nothing")                                                                  \
    X(ROT_READ, "rot met by a reader")                                                                                 \
    X(STRAY_REFUSED, "write astray refused")                                                                           \
    X(STRAY_HARMLESS, "write astray did no harm")                                                                      \
    X(STRAY_CUT, "write astray of the last frame cut")                                                                 \
    X(FEED_FAILED, "feed read failed, read again")                                                                     \
    X(FEED_FROM_DISK, "feed read from disk")                                                                           \
    X(STATE_COMPARED, "live state compared")                                                                           \
    X(LARGER_BLOCKS, "opened with larger blocks")                                                                      \
    X(CHECKPOINT_MADE, "checkpoint made")                                                                              \
    X(CHECKPOINT_FAILED, "checkpoint failed by a fault")                                                               \
    X(CHECKPOINT_CUT, "crash while a checkpoint was written")                                                          \
    X(CHECKPOINT_DROPPED, "checkpoint deleted")                                                                        \
    X(CHECKPOINT_START, "started from a checkpoint")                                                                   \
    X(CHECKPOINT_PASSED, "damaged checkpoint passed over")                                                             \
    X(CHECKPOINT_OLDER, "started from an older checkpoint")                                                            \
    X(CHECKPOINT_NONE, "all checkpoints damaged, all replayed")                                                        \
    X(IMAGE_REFUSED, "image of another ledger refused")                                                                \
    X(CHECKPOINT_VOUCHED, "loss refused that a checkpoint vouches for")                                                \
    X(END_CUT, "end lost that nothing vouches for")                                                                    \
    X(ROT_BEFORE, "rot before the checkpoint, started")                                                                \
    X(DROPPED, "segments dropped")                                                                                     \
    X(DROP_FAILED, "dropping failed by a fault")                                                                       \
    X(DROP_CUT, "crash while segments were dropped")                                                                   \
    X(DROP_START, "started without the journal's beginning")                                                           \
    X(DROP_REFUSED, "no checkpoint and no beginning, refused")                                                         \
    X(BEGINNING_ONE, "one record of where it begins is enough")                                                        \
    X(BEGINNING_REFUSED, "where it begins is not known, refused")                                                      \
    X(PACKED, "segment packed")                                                                                        \
    X(PACK_FAILED, "packing failed by a fault")                                                                        \
    X(PACKED_CUT, "crash while a segment was packed")                                                                  \
    X(PACKED_START, "started with packed segments, read from them")                                                    \
    X(ROT_READ_PACKED, "rot of a packed segment met by a reader")

enum {
#define X(name, words) PATH_##name,
    PATH_MAP(X)
#undef X
        PATH_COUNT
};
extern const char *const path_words[PATH_COUNT];
extern uint64_t paths[PATH_COUNT];

/* ---- the run ---- */

/* A command as it was sent, again and again until it was answered. */
struct sent {
    struct model_command command;
    uint8_t *form; /* owned */
    uint32_t bytes;
    bool answered;
    bool unknown; /* it may have been decided */
};

struct decided {
    uint64_t last_seq;
    uint32_t sent;
    bool refused;
};

/* An answer whose decision is still to be met in the feed. */
struct told {
    uint32_t sent;
    uint64_t last_seq;
    bool refused, replayed;
};

struct client {
    struct batch *batch; /* owned */
    bool out;            /* it is at the engine */
    int64_t next_ns;     /* not before */
    uint32_t count;
    uint32_t of[BATCH_REQUESTS_MAX]; /* sent, not all answered */
    bool streams;
    struct stream stream;
};

struct sim_run {
    uint64_t seed;
    uint32_t commands;  /* wanted */
    uint32_t without;   /* bits of faults that are off */
    bool trace;
    /* Drawn. */
    struct prng plan;
    bool has[FAULT_COUNT];
    struct sim_faults faults;
    uint32_t client_count, batch_max, inbox_max, think_us, fat, reads_one_in, audit_rate;
    int64_t seal_after_ns;
    uint64_t crash_most;
    uint32_t judge_every;
    bool pauses; /* clients rest, longer than ids are remembered */
    size_t raw_segments; /* 0: none is packed */
    uint64_t keep_bytes; /* 0: nothing is dropped */
    bool keeps_ids;      /* the checkpointer has them dropped, but not what the ledger may need */
    uint64_t checkpoint_every, checkpoint_slice; /* bytes of journal, 0 for none; events */
    uint32_t checkpoint_one_in; /* turns of the clients is one of the checkpointer's */

    struct sim sim;
    struct shard *shard;
    struct journal *journal;
    struct engine *engine;
    struct inbox *inbox;
    struct checkpointer *checkpointer; /* NULL for none */
    struct marker marker;              /* of it */
    int64_t checkpoint_ns;             /* its next turn is not before */
    struct done_queue done;
    bool closed;      /* the inbox is */
    bool calm;        /* nothing fails any more */
    bool stop_clean;  /* this life ends by itself after so many calls */
    uint64_t stop_at, crash_later;
    bool ended;       /* the process is: what it says now, nobody hears */
    uint32_t lives, crashes, answered;
    int64_t clock_right_ns; /* when somebody sets the clock right; 0: it is right */

    uint32_t sent_count;
    struct sent *sent;
    struct client clients[CLIENTS_MAX];

    /* The judge. */
    bool known;       /* the genesis */
    struct genesis genesis;
    uint32_t wakes;
    uint64_t feed_seq; /* last told */
    uint32_t feed_count;
    struct feed {
        uint64_t last_seq, hash;
        uint32_t bytes;
    } feed[DECIDED_MAX];
    struct journal_place place;
    uint64_t judged_seq;
    uint32_t decided_count;
    struct decided decided[DECIDED_MAX];
    uint32_t told_count;
    struct told told[SENT_MAX * 4];
    uint64_t read_seq; /* the last event that a read saw that was answered */
    bool stopped_clean;    /* the last life ended by itself */
    uint64_t oldest_seq;       /* the oldest event kept */
    uint64_t checkpoint_seq;   /* the newest that was made */
    unsigned checkpoint_count; /* there, when the last one was made */
    uint32_t damaged_count;    /* of those that are there, or were */
    uint64_t damaged[256];
    int64_t stamp_us, stamp_ns; /* the last log time handed out in this life, and when; 0 before the first */
    uint64_t digest;   /* of all that happened */
};

extern struct sim_run sr;

/* One run, from an empty world to where all is answered. Returns its digest. */
uint64_t run_seed(uint64_t seed, uint32_t commands, uint32_t without, bool traced);

void world_says(void);
/* Ends the process: what was promised does not hold. */
_Noreturn PRINTF_LIKE(1, 2) void violation(const char *format, ...);
PRINTF_LIKE(1, 2) void trace(const char *format, ...);
/* Of all that happened: the same seed gives the same. */
void digest(uint64_t value);
uint64_t plan(uint64_t bound);
bool plan_one_in(uint64_t n);

/* Nothing fails and no time passes while the judge looks. */
struct quiet {
    struct sim_faults faults;
    uint64_t crash_in, calls;
    int64_t now_ns;
    struct prng disk, faulty;
    bool dead;
};
struct quiet quiet_begin(void);
void quiet_end(const struct quiet *quiet);

/* ---- the judge ---- */

/* Catches up with all that is durable. The disk is sound. */
void judge_all(void);
/* Each answer is a decision of its command, in what was judged; `all`: none is behind that. */
void judge_told(bool all);
/* The engine's state is that of its journal. */
void compare_live(const char *when);

extern uint8_t feed_bytes[RECORD_BYTES_MAX];
/* Room for much or for little, as readers have. */
size_t feed_room(void);
/* Reads on in the feed, as a subscriber does. */
void feed_read(void);
/* After a start: all that was told is there, byte for byte. False when a read failed. */
bool feed_compare(void);
/* The same, and nothing fails. */
void feed_compare_all(void);

/* ---- clients ---- */

/* What the engine's thread asks for more: the clients' turn, and the time's. A sequencer. */
enum status clients_next(void *context, int64_t wait_ns, struct batch **out_batch, int64_t *out_stamp_us);
bool all_answered(void);
/* What the engine calls. */
void came_back(void *argument);
void woken(void *argument);
void on_failed(void *argument, enum status status);
void on_audit_failed(void *argument, const char *problem);

/* ---- checkpoints ---- */

/* Of a life: the checkpointer begins, has its turn among the clients, and ends. */
void checkpoints_begin(const struct journal_report *report);
void checkpoints_turn(void);
void checkpoints_end(void);
/* The newest one that is there, was not damaged, and has what is behind it; 0 for none. */
uint64_t checkpoint_newest(void);
/* A start began with it; one that could not be read, with faults, it may have passed over. */
void checkpoint_judge_start(const struct journal_report *report, bool faults);
/* One of them rots: a start passes it over. It stays so, or not. */
void checkpoint_rot(void);

/* ---- retention ---- */

/* The oldest event kept, by the file that says so. */
uint64_t retention_oldest(void);
/* Is all judged that there is? What is dropped then was needed by nobody. */
bool retention_ready(void);
/* Some were dropped, or not. */
void retention_judge(void);
/* What the checkpointer has them dropped by, as the server's does; NULL for nothing. */
const struct retainer *retention_retainer(void);
/* Without it they are dropped now and then between the commands, also those that ids may need: nobody asks for those here. */
void retention_turn(void);
/* What was dropped stays so, and nothing is left of it. */
void retention_judge_start(const struct journal_report *report);
/* The file that says where the journal begins rots. Taken back. */
void beginning_rot(void);

/* ---- harm ---- */

struct shard_options shard_options(void);
/* What a start would find, by one that changes nothing; the state hash of its ledger when OK. */
enum status start_look(struct journal_report *report, uint64_t *out_hash);
struct last_frame {
    char name[64];
    uint64_t begin, end; /* in the file; where the sound frames end */
    uint64_t first_seq, last_seq;
};
bool segment_packed(const char *name);
/* The last sound frame of the journal, found without its code for recovery. False when there is none. */
bool last_frame_find(struct last_frame *out);
/* Harm is done to some place at rest, looked at, and taken back. */
void rot_probe(void);
void end_probe(void);
/* What rots while the server runs is read as damaged, or as it was: never as something else. */
void rot_live(void);
/* Writes went astray in the last life: this is found out, or took back only what nothing vouches for. */
void strays_judge(void);

#endif
