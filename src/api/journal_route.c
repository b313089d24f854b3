/*
 * GET /v1/journal: the journal as it is, for backups and standbys. A cursor over frames that reads on, as the feed's does over
 * events: near the end from the tail in memory, on this thread; behind it from disk, by a worker. The ledger's thread has no
 * part in it. Who does not read is sent no more, and after 30 seconds is closed: it comes back with what it has.
 *
 * Who reads the journal reads everything that is in it.
 */
#include "api/routes.h"
#include "feed/position.h"
#include "journal/stream.h"

#include <stdlib.h>

#define PIECE_BYTES ((size_t)256 * 1024) /* copied at once, when frames are not longer */
#define MARK_NS     (INT64_C(1000) * 1000 * 1000) /* at least one so often: a reader knows that the sender lives */

struct journal_stream {
    struct service *service;
    struct journal_cursor cursor;
    uint64_t until;     /* ordinal of the last frame wanted; UINT64_MAX to go on */
    bool found, ending; /* where to begin is known; the last mark is sent */
    /* Where the reader says it is. */
    struct position after;
    uint64_t ordinal, chain;
    /* The worker's. */
    bool reading;
    uv_work_t work;
    uint8_t *bytes;
    size_t room, copied;
    enum status status;
};

static void pump(struct connection *connection);

static void write_mark(struct connection *connection, bool current)
{
    struct journal_stream *stream = connection->state;
    struct journal *journal = stream->service->journal;
    const struct env *env = stream->service->env;
    uint8_t bytes[STREAM_MARK_BYTES];
    struct stream_mark mark = {.end = stream->ending, .current = current, .epoch = journal_epoch(journal)};
    memcpy(mark.ledger_id, journal_genesis(journal)->ledger_id, 16);
    /* In this order: what is durable after the clock was read is not said to have been before. */
    mark.wall_us = env->wall_us(env->context);
    uint64_t primary_seq = 0;
    if (engine_role(stream->service->engine) == ROLE_STANDBY) { /* what it knows of the primary, not what it has itself */
        struct standby_report report;
        standby_look(stream->service->standby, &report);
        mark.wall_us = report.as_of_us;
        primary_seq = report.primary_seq;
    }
    mark.ordinal = journal_durable_ordinal(journal);
    mark.seq = journal_durable_seq(journal);
    if (primary_seq > mark.seq)
        mark.seq = primary_seq;
    mark.current = current && stream->cursor.ordinal >= mark.ordinal;
    stream_mark_write(&mark, bytes);
    buffer_append(&connection->body, (const char *)bytes, sizeof(bytes));
    connection_dirty(connection);
    connection->wake_at_ns = connection->io->now_ns + MARK_NS;
}

/* ---- on a worker ---- */

static void find_run(struct journal_stream *stream)
{
    stream->status = journal_copy_find(stream->service->journal, stream->after.seq, stream->ordinal,
                                       (uint32_t)stream->chain, &stream->cursor);
}

static void copy_run(struct journal_stream *stream)
{
    for (size_t room = PIECE_BYTES;; room = STREAM_ITEM_BYTES_MAX) {
        if (stream->room < room) {
            free(stream->bytes);
            stream->bytes = malloc(room);
            stream->room = stream->bytes == NULL ? 0 : room;
        }
        if (stream->bytes == NULL) {
            stream->status = STATUS_MEMORY;
            return;
        }
        stream->status = journal_copy(stream->service->journal, &stream->cursor, stream->until, false, stream->bytes,
                                      stream->room, &stream->copied);
        if (stream->status != STATUS_FULL || room == STREAM_ITEM_BYTES_MAX)
            return;
    }
}

static void work_run(uv_work_t *work)
{
    struct journal_stream *stream = ((struct connection *)work->data)->state;
    stream->copied = 0;
    if (stream->found)
        copy_run(stream);
    else
        find_run(stream);
}

static void respond_place(struct connection *connection, enum status status)
{
    switch ((unsigned)status) {
    case STATUS_INVALID:
        respond_problem(connection, 409, "journal_diverged", TEXT("frame"),
                        TEXT("this journal has another frame of that number: the copy and it have parted. Keep the copy "
                             "for what only it has, and begin a new one"));
        return;
    case STATUS_END:
        if (engine_role(connection->io->service->engine) == ROLE_STANDBY) {
            respond_problem(connection, 503, "standby", TEXT("frame"), TEXT("this standby does not have that frame yet: come again"));
            return;
        }
        respond_problem(connection, 409, "journal_diverged", TEXT("frame"),
                        TEXT("this journal ends before that frame: it was restored, or the copy is of another one"));
        return;
    case STATUS_NOT_FOUND:
        respond_problem(connection, 410, "feed_expired", TEXT("after"), TEXT("no longer kept: begin a new copy"));
        return;
    default:
        respond_unreadable(connection);
    }
}

static void found(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    if (stream->status != STATUS_OK) {
        respond_place(connection, stream->status);
        return;
    }
    stream->found = true;
    stream_begin(connection, "application/vnd.onhand.journal");
    write_mark(connection, false);
    connection_watch(connection, true);
    pump(connection);
}

static void work_done(uv_work_t *work, int result)
{
    struct connection *connection = work->data;
    struct journal_stream *stream = connection->state;
    (void)result; /* never cancelled */
    stream->reading = false;
    connection->outstanding--;
    if (connection->closing) {
        connection_release(connection);
        return;
    }
    if (!stream->found) {
        found(connection);
        return;
    }
    if (stream->status != STATUS_OK && stream->status != STATUS_END) {
        connection_close(connection); /* it comes back with what it has, and is told */
        return;
    }
    buffer_append(&connection->body, (const char *)stream->bytes, stream->copied);
    connection_dirty(connection);
    pump(connection);
}

static void start_work(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    stream->reading = true;
    stream->work.data = connection;
    connection->outstanding++;
    CHECK(uv_queue_work(&connection->io->loop, &stream->work, work_run, work_done) == 0);
}

/* ---- going on ---- */

/* Everything asked for is sent. */
static void end(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    stream->ending = true;
    write_mark(connection, true);
    connection->wake_at_ns = 0;
    connection_watch(connection, false);
    stream_end(connection);
}

static void pump(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    struct journal *journal = stream->service->journal;
    bool sent = false;
    if (connection->closing || stream->reading || stream->ending || !stream->found)
        return;
    while (stream->cursor.ordinal < stream->until && stream->cursor.ordinal < journal_durable_ordinal(journal)) {
        if (connection_waiting(connection) > CONNECTION_OUT_HIGH) {
            connection->drained_wanted = true;
            return;
        }
        uint8_t *room = (uint8_t *)buffer_room(&connection->body, PIECE_BYTES);
        size_t copied = 0;
        if (room == NULL)
            return; /* the buffer has failed: the flush closes it */
        enum status status =
            journal_copy(journal, &stream->cursor, stream->until, true, room, PIECE_BYTES, &copied);
        if (status != STATUS_OK) {
            start_work(connection);
            return;
        }
        connection->body.length += copied;
        connection_dirty(connection);
        sent = true;
    }
    if (stream->cursor.ordinal >= stream->until)
        end(connection);
    else if (sent || stream->copied != 0)
        write_mark(connection, true);
    stream->copied = 0;
}

static void on_timeout(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    if (connection_waiting(connection) <= CONNECTION_OUT_HIGH)
        write_mark(connection, !stream->reading);
    else
        connection->wake_at_ns = connection->io->now_ns + MARK_NS;
}

/* ---- beginning ---- */

static bool parse_hex(struct text text, uint8_t *out_bytes, size_t n)
{
    if (text.length != 2 * n)
        return false;
    for (size_t i = 0; i < 2 * n; i++) {
        char c = text.bytes[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        out_bytes[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out_bytes[i / 2] | digit);
    }
    return true;
}

/* Of the ledger that the reader has a copy of. False: answered. */
static bool check_ledger(struct connection *connection, struct text ledger)
{
    uint8_t id[16];
    const struct journal *journal = connection->io->service->journal;
    if (!text_present(ledger))
        return true;
    if (!parse_hex(ledger, id, sizeof(id))) {
        respond_problem(connection, 422, "bad_value", TEXT("ledger"), TEXT("is 32 hexadecimal digits, as verify prints it"));
        return false;
    }
    if (memcmp(id, journal_genesis(journal)->ledger_id, sizeof(id)) == 0)
        return true;
    respond_problem(connection, 409, "other_ledger", TEXT("ledger"),
                    TEXT("this server has another ledger: name the server that the copy is of, or begin a new copy"));
    return false;
}

/* False: answered. */
static bool check_after(struct connection *connection, struct text after, struct text frame, struct text chain)
{
    struct journal_stream *stream = connection->state;
    const struct journal *journal = stream->service->journal;
    uint8_t bytes[4];
    if (!text_present(after)) {
        if (!text_present(frame) && !text_present(chain))
            return true;
        respond_problem(connection, 422, "missing_field", TEXT("after"), TEXT("`frame` and `chain` are of a position"));
        return false;
    }
    if (!position_parse(after, &stream->after)) {
        respond_problem(connection, 422, "bad_value", TEXT("after"), TEXT("is not a position this server gave"));
    } else if (text_present(frame) != text_present(chain)) {
        respond_problem(connection, 422, "missing_field", text_present(frame) ? TEXT("chain") : TEXT("frame"),
                        TEXT("the number of the last frame and its chain belong together"));
    } else if (text_present(frame) && !parse_number(frame, 1, INT64_MAX, &stream->ordinal)) {
        respond_problem(connection, 422, "bad_value", TEXT("frame"), TEXT("is the number of the last frame, from 1 on"));
    } else if (text_present(chain) && !parse_hex(chain, bytes, sizeof(bytes))) {
        respond_problem(connection, 422, "bad_value", TEXT("chain"), TEXT("is 8 hexadecimal digits, as in the frame's header"));
    } else if (epoch_number(stream->after.epoch) > epoch_number(journal_epoch(journal))) {
        respond_problem(connection, 409, "epoch_ahead", TEXT("after"),
                        TEXT("is of a newer epoch than this server's: another server was promoted or restored since"));
    } else if (!text_present(frame) && !epochs_has(journal_epochs(journal), stream->after.epoch, stream->after.seq)) {
        respond_problem(connection, 409, "feed_forked", TEXT("after"),
                        TEXT("is of another epoch, behind where it parts from this one, or of one that this journal never had"));
    } else {
        for (size_t i = 0; text_present(chain) && i < sizeof(bytes); i++)
            stream->chain = stream->chain << 8 | bytes[i];
        return true;
    }
    return false;
}

static void on_begin(struct connection *connection)
{
    struct journal_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = stream;
    stream->service = connection->io->service;
    stream->until = UINT64_MAX;
    struct parameter parameters[] = {
        {.key = TEXT("after")}, {.key = TEXT("frame")}, {.key = TEXT("chain")}, {.key = TEXT("ledger")}, {.key = TEXT("until")}};
    if (!route_query(connection, parameters, sizeof(parameters) / sizeof(parameters[0]), NULL))
        return;
    struct text until = parameters[4].value;
    if (text_present(until) && !text_equal(until, TEXT("now"))) {
        respond_problem(connection, 422, "bad_value", TEXT("until"), TEXT("is now, or left out to go on as the journal grows"));
    } else if (check_ledger(connection, parameters[3].value) &&
               check_after(connection, parameters[0].value, parameters[1].value, parameters[2].value) &&
               text_present(until)) {
        stream->until = journal_durable_ordinal(stream->service->journal);
    }
}

static void on_body_end(struct connection *connection)
{
    start_work(connection); /* where to begin may have to be read */
}

static void on_end(struct connection *connection)
{
    struct journal_stream *stream = connection->state;
    connection_watch(connection, false);
    free(stream->bytes);
    free(stream);
}

const struct handler journal_handler = {
    .begin = on_begin,
    .body_end = on_body_end,
    .resume = pump,
    .durable = pump,
    .timeout = on_timeout,
    .end = on_end,
};
