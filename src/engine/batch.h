/*
 * A batch: what one submitter hands to the engine at once, and gets back answered.
 *
 * A batch belongs to its submitter until it is submitted, to the engine until it is given back through its `done`
 * queue, then to the submitter again. It is given back when everything its answers show is durable.
 */
#ifndef ONHAND_ENGINE_BATCH_H
#define ONHAND_ENGINE_BATCH_H

#include <pthread.h>

#include "journal/journal.h"
#include "ledger/reading.h"

enum answer_status {
    ANSWER_PENDING,
    ANSWER_ACCEPTED, /* decided; durable; the record is at last_seq */
    ANSWER_REFUSED,  /* decided; durable; code says why, the record has the details */
    ANSWER_INVALID,  /* 422: nothing decided; code, line, field and detail say why */
    ANSWER_RETRY,    /* shed: nothing happened; send it again */
    ANSWER_UNKNOWN,  /* a write failed: it may or may not be durable; send it again with the same id */
    ANSWER_READ,     /* a read has run, and what it saw is durable */
    ANSWER_UNREAD    /* nothing decided yet: see struct request, reading */
};

struct answer {
    enum answer_status status;
    bool replayed;      /* decided before: the first answer is in the journal at last_seq */
    enum code code;     /* CODE_none unless refused, invalid or shed by a bound */
    uint32_t line;      /* invalid: index of the line, or LINE_NONE */
    const char *field;  /* invalid: a constant, or NULL */
    const char *detail; /* invalid or retry: a constant, or NULL */
    uint64_t last_seq;  /* position of the decision's last event */
    tail_offset offset; /* where its record is in the tail, or TAIL_UNKNOWN */
};

struct batch;
struct request;

/* A read runs on the engine's thread, in its place among the commands, and must be short. It may look at the ledger and
 * write to its own memory, nothing else. */
typedef void (*read_function)(const struct ledger *ledger, struct request *request);

struct request {
    /* A command in canonical form (command_encode), borrowed until the batch is back; or NULL for a read. */
    const uint8_t *command;
    uint32_t command_bytes;
    read_function read;
    struct stream *stream; /* that the command is part of; NULL for one on its own */
    /*
     * What was found out about the past for it, NULL for nothing; freed by the submitter (reading_destroy). With ANSWER_UNREAD the command
     * is to be submitted again, in its place in the stream, and first, if this is there and not complete, the past of its
     * cells is to be read (history_read). It may be there already, or not needed: then the command only stands behind one
     * that was to wait.
     */
    struct reading *reading;
    uint32_t readings; /* begun for it so far, when nothing before it in its stream was to wait */
    /* Dry runs are answered from here: the record (with the names before it) of what would have been decided. */
    uint8_t *dry_bytes; /* the submitter's, RECORD_BYTES_MAX of it, or NULL when the command is no dry run */
    uint32_t dry_length;
    void *owner;     /* the submitter's, these four */
    void *detail;
    uint64_t number;
    bool of_source; /* it configures a source, which the submitter keeps a copy of */
    struct answer answer;
};

/*
 * Commands in an order of their own. The flags are the submitter's memory, live as long as the stream, and are touched by
 * the engine's thread alone while any of it is submitted.
 */
struct stream {
    /* An ordered source's command was shed: the later ones are shed, too, or they would make the shed one's `seq` pass
     * (API.md section 1). */
    bool shed;
    /* A command came back ANSWER_UNREAD: so do all behind it, until the submitter, when all are back, makes both anew. */
    bool parked;
    uint32_t parked_cells; /* of their readings */
};

/* Of the readings of a stream, some 33 MiB: what stands behind as many comes back without one, and is read for by itself
 * when they are decided. */
#define PARKED_CELLS_MAX 65536

/* A command is judged again so often: one whose past keeps changing is to be sent again. */
#define READINGS_MAX 16

#define BATCH_REQUESTS_MAX 512

/* Batches on their way back, for one submitter. */
struct done_queue {
    pthread_mutex_t mutex;
    struct batch *first, *last;
    void (*wake)(void *argument); /* called by the engine's thread after it has put something in */
    void *argument;
};

/* What the server itself has the engine do, in its place among the batches; the batch has no requests then. */
struct batch_act {
    enum {
        ACT_COPY,    /* of a standby: the primary's frames become durable here and are applied */
        ACT_PROMOTE, /* a standby begins an epoch and takes commands */
        ACT_FENCE    /* commands are taken in no more, for ever */
    } kind;
    const uint8_t *items; /* of a copy: segment headers and frames that follow, verified (stream.h); frames: at most FRAME_BYTES_MAX */
    size_t items_bytes;
    const char *refusal;  /* of a fence: what commands are told, a text that stays */
    bool ask;             /* of a promotion: only whether it could be */
    /* What became of it. */
    enum status status;
    uint64_t seq;         /* the last durable event */
    uint64_t ordinal;     /* and frame */
    uint32_t chain;       /* of that */
};

struct batch {
    struct batch *next;
    struct done_queue *done;
    struct batch_act *act; /* NULL: requests */
    uint64_t group; /* the engine's: number of the flush group that makes it durable */
    uint32_t count;
    struct request requests[BATCH_REQUESTS_MAX];
};

/* NULL is none. */
void reading_destroy(struct reading *reading);

void done_queue_init(struct done_queue *queue, void (*wake)(void *argument), void *argument);
void done_queue_deinit(struct done_queue *queue);
/* Everything that has come back, oldest first, linked by next; NULL for nothing. */
struct batch *done_queue_take(struct done_queue *queue);
/* The engine's side. Does not wake. */
void done_queue_put(struct done_queue *queue, struct batch *batch);

#endif
