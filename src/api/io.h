/*
 * An I/O thread: a libuv loop with its connections, the batches it fills and the feed blocks it shares.
 *
 *     socket -> connection -> handler -> request in the open batch --submit--> engine
 *     socket <- connection <- handler <- answered request <-- done queue <----
 *
 * Batches are submitted at the end of each turn of the loop, so that everything that was readable in one turn shares one
 * hand-over. Owner of everything here: this thread.
 */
#ifndef ONHAND_API_IO_H
#define ONHAND_API_IO_H

#include <uv.h>

#include "api/command_json.h"
#include "api/config_json.h"
#include "api/render.h"
#include "api/service.h"

#define IO_BATCHES      64              /* per thread; when all are out, connections wait */
#define IO_BATCH_BYTES  (512 * 1024)    /* of commands in one batch; holds the largest command */
#define IO_OBJECT_BYTES ((size_t)1 << 20) /* a command in JSON, also one NDJSON line */
#define IO_ARRAY_BYTES  ((size_t)8 << 20) /* an array of commands in JSON */
#define IO_NODES        (512 * 1024)    /* JSON values of one document */
#define IO_TICK_MS      250             /* deadlines are looked at so often */

struct io_batch {
    struct batch batch; /* first: the engine knows only this */
    size_t used;        /* of bytes */
    uint8_t bytes[IO_BATCH_BYTES];
};

struct connection;
struct feed_block;

/* Decisions read back in order: the answers of a batch are consecutive records. */
struct record_cursor {
    uint8_t *bytes;
    size_t at, length;
    struct decision decision; /* the record last found, with its arrays */
};

struct io {
    struct service *service;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t wake;
    uv_prepare_t prepare; /* the end of a turn: submit, flush */
    uv_timer_t tick;
    uv_idle_t spin;         /* active while answers are looked for without sleeping */
    bool spinning;
    int64_t spin_until_ns;
    uv_thread_t thread;
    bool accept_owed; /* a connection waits in libuv for memory */
    bool stopping;
    int64_t stop_ns; /* when stopping began */
    atomic_bool stop_asked;

    struct io_batch *pool[IO_BATCHES]; /* free batches */
    uint32_t pool_count;
    struct io_batch *open; /* being filled, or NULL */
    uint32_t batches_out;
    struct done_queue done;

    struct json_parser *parser;
    struct json_node *nodes; /* IO_NODES of them */
    struct command_room *room;
    struct config_room *config_room;
    struct zone *zone_kept;   /* the zone last looked up, by its name in zone_name; */
    int64_t zone_kept_us;     /* when that was; 0 for none */
    char zone_name[ZONE_NAME_BYTES_MAX];
    uint8_t *zone_bytes;      /* ZONE_FILE_BYTES_MAX */
    struct command_line *lines; /* to decode a command again */
    struct record_cursor cursor;

    struct connection *connections; /* list */
    uint32_t connection_count;
    struct connection *dirty;   /* list: have output to flush */
    struct connection *starved; /* list: wait for a batch */
    struct connection *watchers; /* list: wait for durable events */
    uint64_t durable_seen;      /* watchers have been told of every frame up to this one */
    struct feed_block *blocks;  /* rendered parts of the feed, newest first */
    int64_t now_ns;             /* of this turn */
};

/* Is nobody else listening there? Whoever shares an address would not be told: for the first thread of several. port: not 0. As
 * io_init. */
MUST_USE enum status io_probe(const char *address, int port, const char **out_problem);
/*
 * Opens the listener and prepares the thread. port: in, or 0; out, the port taken. share: more threads will listen there.
 * On failure *out_problem is a text for an operator.
 */
MUST_USE enum status io_init(struct io *io, struct service *service, const char *address, int *port, bool share,
                             const char **out_problem);
MUST_USE enum status io_start(struct io *io);
/* Asks the thread to take no more connections, answer what is under way and end. Any thread. */
void io_stop(struct io *io);
void io_join(struct io *io);
/* After io_join (or a failed start): gives everything back. */
void io_deinit(struct io *io);

/* The engine's listener: more is durable. Any thread. */
void io_wake(void *io);

/* Gives back the feed's rendered blocks (feed_route.c). */
void feed_blocks_free(struct io *io);

/*
 * A blank request at the end of the open batch, owned by the connection; its command, if any, is encoded here.
 * NULL when no batch is free: the connection is put among the starved, and its handler's resume is called later; or when
 * there is no memory for a dry run: then the connection is closed.
 */
struct request *io_request(struct io *io, struct connection *connection, const struct command *command);
/* The same for a command that is encoded already; what else is in `like` stays with the submitter. */
struct request *io_request_again(struct io *io, struct connection *connection, const struct request *like);
/* The same for a read, which finds `detail` in its request. False when no batch is free. */
bool io_read(struct io *io, struct connection *connection, read_function read, void *detail);

/* The decision whose last event is last_seq, decoded into the cursor (valid until the next call). */
MUST_USE enum status io_record(struct io *io, uint64_t last_seq, tail_offset offset, const struct decision **out_decision);

#endif
