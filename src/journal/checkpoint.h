/*
 * Checkpoints: what a ledger was at the end of a frame, so that a start replays only what came behind it. A file each,
 * named by the last event in it; docs/format.md has it byte by byte.
 *
 * The journal is the truth, a checkpoint a shortcut: one that is damaged, or written by another version, is passed over for an
 * older one or for the journal's beginning, as long as the journal has what lies between.
 *
 *     head | segments | places of the index | image of the ledger ... | end
 *
 * Each block has a checksum over its number, kind and bytes. A file has its name only when all of it is durable. The two
 * newest are kept.
 *
 * What an image is, the ledger knows (ledger/image.h); here it is bytes.
 *
 * Owner of a writer or reader: one thread.
 */
#ifndef ONHAND_JOURNAL_CHECKPOINT_H
#define ONHAND_JOURNAL_CHECKPOINT_H

#include "env/env.h"
#include "journal/frame.h"
#include "journal/record.h"

#define CHECKPOINT_FORMAT          1
#define CHECKPOINT_SUFFIX          ".checkpoint"
#define CHECKPOINT_NAME_BYTES      32 /* 20 digits, the suffix, NUL */
#define CHECKPOINT_NEXT_NAME       "next.checkpoint.new" /* one in the making; never read */
#define CHECKPOINT_COPIED_NAME     "copied.checkpoint.new" /* came with a copy that has not reached what it is of */
#define CHECKPOINT_KEPT            2
#define CHECKPOINT_LISTED          (CHECKPOINT_KEPT + 2) /* tried: a crash may leave more than are kept */
#define CHECKPOINT_BLOCK_BYTES_MAX ((size_t)1 << 20)

/* Is another one to be tried? Not for want of memory or files, nor when there is no room for what it has. */
static inline bool checkpoint_is_bad(enum status status)
{
    return status != STATUS_OK && status != STATUS_MEMORY && status != STATUS_FULL;
}

/* Of these: one that may be good, and was not read. */
static inline bool checkpoint_is_unread(enum status status)
{
    return checkpoint_is_bad(status) && status != STATUS_DAMAGED && status != STATUS_VERSION && status != STATUS_NOT_FOUND;
}

/* What its head says. */
struct checkpoint {
    struct genesis genesis;
    uint32_t epoch;
    uint32_t layout;         /* of the image */
    uint64_t last_seq;       /* of the last event in it */
    int64_t log_us;          /* log time of the ledger */
    uint64_t state_hash;     /* of it */
    /* Where the journal goes on. */
    uint64_t segment_seq;    /* the segment's name */
    uint64_t frame_offset;   /* of the last frame before it, in that segment */
    uint64_t offset;         /* of the next frame */
    uint64_t ordinal;        /* of the last frame */
    uint32_t chain;          /* of it */
    uint64_t spacing_bytes;  /* of the index */
    uint64_t segment_first;  /* number, from 0, of the oldest segment in it */
    int64_t created_us;      /* UTC wall time, for people */
};

enum checkpoint_block {
    CHECKPOINT_SEGMENTS = 1, /* struct index_segment, as columns */
    CHECKPOINT_PLACES,       /* struct index_place */
    CHECKPOINT_IMAGE,        /* a chunk of the image */
    CHECKPOINT_END           /* how many blocks there are; the file ends behind it */
};

void checkpoint_name(uint64_t last_seq, char out_name[CHECKPOINT_NAME_BYTES]);
/* True for the name of one; *out_last_seq is written then. */
bool checkpoint_name_parse(const char *name, uint64_t *out_last_seq);
/* The newest ones, newest first: up to `most`. Returns how many. IO when the directory cannot be read. */
MUST_USE enum status checkpoint_list(const struct env *env, struct env_directory *directory, uint64_t *out_seqs, size_t most,
                                     size_t *out_count);

/*
 * A checkpoint that came with a copy of a journal stands for its beginning as soon as the copy has all up to it: what it is of, by its head;
 * NOT_FOUND, VERSION, DAMAGED, IO, MEMORY. Then it gets its name, durably. IO, NO_SPACE.
 */
MUST_USE enum status checkpoint_copied(const struct env *env, struct env_directory *directory,
                                       struct checkpoint *out_checkpoint);
MUST_USE enum status checkpoint_adopt(const struct env *env, struct env_directory *directory, uint64_t last_seq);

/* ---- writing ---- */

struct checkpoint_writer;

/* Begins a file. MEMORY, NO_SPACE, IO. */
MUST_USE enum status checkpoint_begin(const struct env *env, struct env_directory *directory,
                                      const struct checkpoint *checkpoint, struct checkpoint_writer **out_writer);
/* Appends a block of n bytes, CHECKPOINT_BLOCK_BYTES_MAX at most. NO_SPACE, IO: it is good for checkpoint_abandon only. */
MUST_USE enum status checkpoint_put(struct checkpoint_writer *writer, enum checkpoint_block kind, const uint8_t *bytes,
                                    size_t n);
/* Bytes written so far, for pacing. */
uint64_t checkpoint_bytes(const struct checkpoint_writer *writer);
/* Has what was written so far reach the disk, so that little is left for the end. NO_SPACE, IO. */
MUST_USE enum status checkpoint_settle(struct checkpoint_writer *writer);
/* The last block; then the file is made durable and gets its name, and those beyond CHECKPOINT_KEPT go. Frees the writer in any case.
 * NO_SPACE, IO. */
MUST_USE enum status checkpoint_end(struct checkpoint_writer *writer);
/* Removes what was written. NULL is allowed. */
void checkpoint_abandon(struct checkpoint_writer *writer);

/* ---- reading ---- */

struct checkpoint_reader;

/* NOT_FOUND, MEMORY, IO, VERSION, DAMAGED. problem: room for what is wrong, where, in words; written unless OK. */
MUST_USE enum status checkpoint_open(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                                     struct checkpoint *out_checkpoint, struct checkpoint_reader **out_reader, char *problem,
                                     size_t problem_bytes);
/* The next block, borrowed until the next call; END behind the last, when the file was whole. IO, DAMAGED. */
MUST_USE enum status checkpoint_next(struct checkpoint_reader *reader, enum checkpoint_block *out_kind,
                                     const uint8_t **out_bytes, size_t *out_n, char *problem, size_t problem_bytes);
void checkpoint_close(struct checkpoint_reader *reader);
/* Reads all of it: OK when it is there and sound. As checkpoint_open. */
MUST_USE enum status checkpoint_sound(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                                      struct checkpoint *out_checkpoint, char *problem, size_t problem_bytes);

#endif
