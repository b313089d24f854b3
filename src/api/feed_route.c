/*
 * GET /v1/feed: pages, long polls and server-sent events. All are one cursor that reads on.
 *
 * Near the end of the journal a reader is served from the tail in memory, on its I/O thread; text rendered for one is
 * kept for the next who stands at the same place, so that fan-out costs a copy and a send. A reader that is behind is
 * served from disk by a worker thread. A reader that does not read keeps nothing but its cursor: it is offered more
 * only when its socket has drained, and then reads on from where it was.
 *
 * With channel= it is what the channel may sell that is read on, in the ledger instead of the journal (channel_feed.h).
 */
#include "api/channel_feed.h"
#include "api/routes.h"
#include "feed/position.h"

#include <stdlib.h>

#define PAGE_DEFAULT     100
#define PAGE_MAX         10000
#define WAIT_SECONDS_MAX 60
#define BLOCK_BYTES      ((size_t)256 * 1024) /* of text rendered at once */
#define BLOCKS_KEPT      4
#define HEARTBEAT_NS     (INT64_C(15) * 1000000000)
#define TEXT_BYTES_MAX   ((size_t)48 << 20) /* a page of the largest events, and one block */

struct feed_block {
    struct feed_block *next;
    uint64_t from, to; /* events from+1 .. to are in the text */
    bool refused, reported, stamps;
    struct buffer text;
};

struct feed {
    struct filter filter;
    bool sse, stamps;
    bool reading; /* a worker has it */
    bool names_wanted, names_asked; /* the filter's; asked: the ledger's thread has it */
    struct feed_cursor cursor;
    uint64_t limit;
    int64_t wait_until_ns; /* long poll; 0 for none */
    struct text began_with; /* the field or parameter that said where to begin */
    struct buffer page;
    struct channel_feed *channel; /* NULL for events */
    /* The worker's. */
    uv_work_t work;
    struct service *service;
    struct feed_scratch scratch;
    enum status status;
};

static void pump(struct connection *connection);

/* ---- rendered blocks, shared by the subscribers of this thread ---- */

/* The answer cursor's memory: between two answers nobody looks at it. */
static struct feed_scratch scratch_of(struct io *io)
{
    io->cursor.at = io->cursor.length = 0;
    return (struct feed_scratch){io->cursor.bytes, io->cursor.decision};
}

static enum status block_get(struct io *io, const struct feed *feed, struct feed_block **out_block)
{
    uint64_t from = feed->cursor.seq;
    uint32_t count = 0;
    struct feed_block **last = &io->blocks;
    for (struct feed_block **link = &io->blocks; *link != NULL; link = &(*link)->next) {
        struct feed_block *block = *link;
        if (block->from == from && block->refused == feed->filter.refused &&
            block->reported == feed->filter.reported && block->stamps == feed->stamps) {
            *out_block = block;
            return STATUS_OK;
        }
        last = link;
        count++;
    }
    struct feed_block *block = NULL;
    if (count >= BLOCKS_KEPT) { /* the oldest is used again */
        block = *last;
        *last = NULL;
        buffer_reset(&block->text);
    } else {
        block = calloc(1, sizeof(*block));
        if (block == NULL)
            return STATUS_MEMORY;
        buffer_init(&block->text, TEXT_BYTES_MAX);
    }
    struct feed_cursor cursor = {.seq = from};
    struct feed_scratch scratch = scratch_of(io);
    enum status status = feed_text(io->service, &feed->filter, FEED_SSE, feed->stamps, UINT64_MAX, BLOCK_BYTES, true,
                                   &scratch, &cursor, &block->text);
    block->next = io->blocks;
    io->blocks = block;
    block->from = status == STATUS_OK ? from : UINT64_MAX;
    block->to = cursor.seq;
    block->refused = feed->filter.refused;
    block->reported = feed->filter.reported;
    block->stamps = feed->stamps;
    *out_block = block;
    return status == STATUS_OK && block->text.failed ? STATUS_FULL : status;
}

/* ---- reading on a worker ---- */

static void work_run(uv_work_t *work)
{
    struct feed *feed = ((struct connection *)work->data)->state;
    if (feed->scratch.bytes == NULL && !feed_scratch_init(&feed->scratch)) {
        feed->status = STATUS_MEMORY;
        return;
    }
    feed->status = feed_text(feed->service, &feed->filter, feed->sse ? FEED_SSE : FEED_JSON, feed->stamps, feed->limit,
                             BLOCK_BYTES, false, &feed->scratch, &feed->cursor, &feed->page);
}

static void respond_gone(struct connection *connection, enum status status)
{
    struct feed *feed = connection->state;
    if (connection->streaming) {
        connection_close(connection); /* it comes back with its position and is told */
        return;
    }
    if (status == STATUS_NOT_FOUND) {
        char text[POSITION_TEXT_BYTES];
        struct journal *journal = feed->service->journal;
        uint64_t oldest = journal_oldest_seq(journal);
        unsigned n = position_format((struct position){epochs_of(journal_epochs(journal), oldest), oldest}, text);
        respond_problem(connection, 410, "feed_expired", text_of(text, n), TEXT("no longer kept; field has the oldest position"));
        return;
    }
    respond_unreadable(connection);
}

/* How far the reader is. */
static struct change_place place_of(const struct feed *feed)
{
    return feed->channel != NULL ? feed->channel->reader.place : place_at(feed->cursor.seq);
}

static void respond_page(struct connection *connection)
{
    struct feed *feed = connection->state;
    struct buffer body;
    buffer_init(&body, CONNECTION_OUT_BYTES);
    buffer_literal(&body, "{\"events\":[");
    (void)buffer_room(&body, feed->page.length + 2 * POSITION_TEXT_BYTES); /* all at once, not by doubling */
    buffer_append(&body, feed->page.bytes, feed->page.length);
    buffer_literal(&body, "],\"next\":");
    render_place(&body, journal_epochs(feed->service->journal), place_of(feed), true);
    buffer_literal(&body, "}\n");
    connection_watch(connection, false);
    connection->wake_at_ns = 0;
    buffer_deinit(&feed->page); /* the peer may take minutes to read: one copy of a page is enough */
    buffer_init(&feed->page, TEXT_BYTES_MAX);
    respond(connection, 200, "application/json", TEXT_NONE, text_of(body.bytes, body.length));
    buffer_deinit(&body);
}

static void work_done(uv_work_t *work, int result)
{
    struct connection *connection = work->data;
    struct feed *feed = connection->state;
    (void)result; /* never cancelled */
    feed->reading = false;
    connection->outstanding--;
    if (connection->closing) {
        connection_release(connection);
        return;
    }
    if (feed->status != STATUS_OK && feed->status != STATUS_END) {
        respond_gone(connection, feed->status);
        return;
    }
    if (feed->sse) {
        buffer_append(&connection->body, feed->page.bytes, feed->page.length);
        buffer_reset(&feed->page);
        feed->cursor.count = 0;
        connection_dirty(connection);
    }
    pump(connection);
}

static void start_reading(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (feed->reading)
        return;
    feed->reading = true;
    feed->work.data = connection;
    connection->outstanding++;
    CHECK(uv_queue_work(&connection->io->loop, &feed->work, work_run, work_done) == 0);
}

/* ---- going on ---- */

/* A subscriber: as much as the socket takes. */
static void pump_stream(struct connection *connection)
{
    struct feed *feed = connection->state;
    struct io *io = connection->io;
    while (!feed->reading && feed->cursor.seq < journal_durable_seq(feed->service->journal)) {
        if (connection_waiting(connection) > CONNECTION_OUT_HIGH) {
            connection->drained_wanted = true;
            return;
        }
        enum status status;
        size_t before = connection->body.length;
        if (filter_is_open(&feed->filter)) {
            struct feed_block *block;
            status = block_get(io, feed, &block);
            if (status == STATUS_OK) {
                buffer_append(&connection->body, block->text.bytes, block->text.length);
                feed->cursor.seq = block->to;
            }
        } else {
            struct feed_scratch scratch = scratch_of(io);
            status = feed_text(feed->service, &feed->filter, FEED_SSE, feed->stamps, UINT64_MAX, BLOCK_BYTES, true,
                               &scratch, &feed->cursor, &connection->body);
        }
        connection_dirty(connection);
        if (status == STATUS_AGAIN) {
            start_reading(connection);
        } else if (status != STATUS_OK && status != STATUS_END) {
            respond_gone(connection, status);
            return;
        }
        if (connection->body.length != before) /* what is filtered away is no sign of life */
            connection->wake_at_ns = io->now_ns + HEARTBEAT_NS;
    }
}

/* Nothing more for the page now: it waits, or goes as it is. */
static void end_page(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (feed->cursor.count == 0 && feed->wait_until_ns > connection->io->now_ns) {
        connection->wake_at_ns = feed->wait_until_ns;
        connection_watch(connection, true);
        return;
    }
    respond_page(connection);
}

/* A page: full, or as far as there is anything. */
static void pump_page(struct connection *connection)
{
    struct feed *feed = connection->state;
    struct io *io = connection->io;
    uint64_t durable = journal_durable_seq(feed->service->journal);
    while (!feed->reading && feed->cursor.seq < durable && feed->cursor.count < feed->limit &&
           feed->page.length < TEXT_BYTES_MAX / 4) {
        struct feed_scratch scratch = scratch_of(io);
        enum status status = feed_text(feed->service, &feed->filter, FEED_JSON, false, feed->limit, BLOCK_BYTES, true,
                                       &scratch, &feed->cursor, &feed->page);
        if (status == STATUS_AGAIN) {
            start_reading(connection);
        } else if (status != STATUS_OK && status != STATUS_END) {
            respond_gone(connection, status);
            return;
        }
    }
    if (!feed->reading)
        end_page(connection);
}

/* ---- a channel ---- */

static void begin_stream(struct connection *connection)
{
    stream_begin(connection, "text/event-stream");
    buffer_literal(&connection->body, ": onhand feed\n\n");
    connection->wake_at_ns = connection->io->now_ns + HEARTBEAT_NS;
    connection_watch(connection, true);
    connection_dirty(connection);
}

static void ask(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (!io_read(connection->io, connection, channel_feed_read, feed->channel))
        return; /* resumed when a batch is free */
    feed->channel->asking = true;
    feed->channel->wanted = feed->limit - feed->cursor.count;
}

/* True when the reader has everything: most of what happens changes nothing that the channel sells, and costs no read. */
static bool has_all(const struct feed *feed)
{
    struct channel_feed *channel = feed->channel;
    uint64_t durable = journal_durable_seq(feed->service->journal); /* before the other: see shard_publish */
    if (!channel->over)
        return false;
    if (channel->gone)
        return true; /* another one of its name has another number */
    if (channel->reader.place.at.seq < durable &&
        shard_channel_changed(feed->service->shard, channel->number) <= channel->reader.place.at.seq)
        channel->reader.place = place_at(durable);
    return channel->reader.place.at.seq >= durable;
}

static void pump_channel(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (feed->channel->asking)
        return;
    if (feed->sse && connection_waiting(connection) > CONNECTION_OUT_HIGH) {
        connection->drained_wanted = true;
        return;
    }
    bool full = !feed->sse && (feed->cursor.count == feed->limit || feed->page.length >= TEXT_BYTES_MAX / 4);
    if (!full && !has_all(feed))
        ask(connection);
    else if (!feed->sse)
        end_page(connection);
}

static void channel_answered(struct connection *connection, const struct request *request)
{
    struct feed *feed = connection->state;
    struct channel_feed *channel = feed->channel;
    /* That it is gone is told who has been told all else. */
    bool nothing = channel->gone && channel->over && channel->row_count == 0 && feed->cursor.count == 0 &&
                   !connection->streaming;
    if (request->answer.status != ANSWER_READ || channel->unknown || channel->foreign || nothing) {
        if (connection->streaming)
            connection_close(connection); /* it comes back with its position and is told */
        else if (request->answer.status != ANSWER_READ)
            respond_unread(connection);
        else if (channel->unknown || nothing)
            respond_problem(connection, 404, "unknown_channel", TEXT("channel"), TEXT("no such name"));
        else
            respond_problem(connection, 422, "bad_value", feed->began_with,
                            TEXT("is not a position this server gave for the channel"));
        return;
    }
    if (feed->sse && !connection->streaming)
        begin_stream(connection);
    if (channel->row_count != 0) {
        channel_feed_render(channel, feed->service, feed->sse ? FEED_SSE : FEED_JSON, feed->cursor.count,
                            feed->sse ? &connection->body : &feed->page);
        feed->cursor.count += feed->sse ? 0 : channel->row_count;
        if (feed->sse) {
            connection->wake_at_ns = connection->io->now_ns + HEARTBEAT_NS;
            connection_dirty(connection);
        }
    }
    if (!feed->sse || !channel->gone || !channel->over) {
        pump_channel(connection);
        return;
    }
    connection_watch(connection, false);
    connection->wake_at_ns = 0;
    stream_end(connection);
}

/* ---- the filter's locations, and all below them; its items, and what merged names mean ---- */

static void read_names(const struct ledger *ledger, struct request *request)
{
    filter_names_read(ledger, request->detail);
}

static void ask_names(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (!feed->names_asked) /* else it is resumed when a batch is free */
        feed->names_asked = io_read(connection->io, connection, read_names, &feed->filter);
}

static void names_answered(struct connection *connection, const struct request *request)
{
    struct feed *feed = connection->state;
    feed->names_asked = false;
    if (request->answer.status != ANSWER_READ || !filter_names_prepare(&feed->filter)) {
        respond_unread(connection);
        return;
    }
    feed->names_wanted = filter_names_wanted(&feed->filter);
    if (feed->sse && feed->channel == NULL && !feed->names_wanted)
        begin_stream(connection);
    pump(connection);
}

/* ---- going on, whatever it is ---- */

static void on_answered(struct connection *connection, struct request *request)
{
    struct feed *feed = connection->state;
    if (feed->channel != NULL)
        feed->channel->asking = false;
    if (connection->closing)
        return;
    if (feed->names_asked)
        names_answered(connection, request);
    else
        channel_answered(connection, request);
}

static void pump(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (connection->closing || feed->reading)
        return;
    if (feed->names_wanted)
        ask_names(connection);
    else if (feed->channel != NULL)
        pump_channel(connection);
    else if (feed->sse)
        pump_stream(connection);
    else
        pump_page(connection);
}

static void on_timeout(struct connection *connection)
{
    struct feed *feed = connection->state;
    if (!feed->sse) {
        feed->wait_until_ns = 0;
        pump(connection);
        return;
    }
    if (connection_waiting(connection) == 0) {
        /* The id moves a filtered reader's Last-Event-ID on; without data no event is made of it. */
        buffer_literal(&connection->body, ": still here\nid: ");
        render_place(&connection->body, journal_epochs(feed->service->journal), place_of(feed), false);
        buffer_literal(&connection->body, "\n\n");
        connection_dirty(connection);
    }
    connection->wake_at_ns = connection->io->now_ns + HEARTBEAT_NS;
}

/* ---- beginning ---- */

static bool on_parameter(struct connection *connection, struct text key, struct text value, bool *out_known)
{
    static const struct {
        struct text key;
        enum filter_field field;
    } keys[] = {{{"item", 4}, FILTER_ITEM},
                {{"location", 8}, FILTER_LOCATION},
                {{"kind", 4}, FILTER_KIND},
                {{"type", 4}, FILTER_TYPE},
                {{"source", 6}, FILTER_SOURCE}};
    struct feed *feed = connection->state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!text_equal(keys[i].key, key))
            continue;
        *out_known = true;
        switch (filter_add(&feed->filter, keys[i].field, value)) {
        case FILTER_OK:
            return true;
        case FILTER_TOO_MANY:
            respond_problem(connection, 422, "bad_value", key, TEXT("a filter has at most 64 values"));
            return false;
        case FILTER_TOO_LONG:
            respond_problem(connection, 422, "bad_value", key, TEXT("is longer than 128 bytes"));
            return false;
        case FILTER_UNKNOWN_VALUE:
            respond_problem(connection, 422, "bad_value", key, TEXT("there is no such kind or type of event"));
            return false;
        }
    }
    return true;
}

/* Where to begin: Last-Event-ID, else after=, else the oldest kept. False: answered. */
static bool find_begin(struct connection *connection, struct text after, struct change_place *out_place)
{
    struct feed *feed = connection->state;
    struct journal *journal = feed->service->journal;
    struct text last = connection->head.request.last_event_id;
    bool resumed = feed->sse && text_present(last) && last.length > 0;
    struct text from = resumed ? last : after;
    struct text field = resumed ? TEXT("Last-Event-ID") : TEXT("after");
    uint64_t durable = journal_durable_seq(journal);
    feed->began_with = field;
    *out_place = place_at(durable);
    if (text_present(from) && text_equal(from, TEXT("now")))
        return true;
    if (!text_present(from)) {
        out_place->at.seq = feed->channel != NULL ? 0 : journal_oldest_seq(journal) - 1;
        return true;
    }
    uint32_t epoch;
    if (!place_parse(from, &epoch, out_place) || (out_place->offer != NUMBER_NONE && feed->channel == NULL)) {
        respond_problem(connection, 422, "bad_value", field, TEXT("is not a position this server gave"));
        return false;
    }
    const struct epochs *epochs = journal_epochs(journal);
    uint64_t common = 0;
    bool known = epochs_common(epochs, epoch, &common);
    if (!known && epoch_number(epoch) > epoch_number(epochs->now)) {
        respond_problem(connection, 409, "epoch_ahead", field,
                        TEXT("is of a newer epoch than this server's: another one was promoted or restored since; ask that one"));
        return false;
    }
    if (!known || out_place->at.seq > common) {
        char text[POSITION_TEXT_BYTES];
        unsigned n = known ? position_format((struct position){epochs_of(epochs, common), common}, text) : 0;
        respond_forked(connection, field,
                       known ? TEXT("is of another epoch, behind where it parts from this one: the feed was restored, repaired "
                                    "or taken over since; `position` is the last that both have")
                             : TEXT("is of an epoch that this feed never had"),
                       known ? text_of(text, n) : TEXT_NONE);
        return false;
    }
    if (out_place->at.seq > durable) {
        respond_problem(connection, 422, "bad_value", field, TEXT("is beyond the end of the feed: of another ledger?"));
        return false;
    }
    return true;
}

static bool begin_cursor(struct connection *connection, struct text after)
{
    struct feed *feed = connection->state;
    struct change_place place;
    if (!find_begin(connection, after, &place))
        return false;
    feed->cursor.seq = place.at.seq;
    if (feed->channel != NULL)
        feed->channel->reader.place = place;
    return true;
}

/* With channel=: what it cannot be combined with is named. False: answered. */
static bool begin_channel(struct connection *connection, struct text name, bool include, bool stamps)
{
    static const struct {
        struct text key;
        enum filter_field field;
    } filters[] = {{{"kind", 4}, FILTER_KIND}, {{"type", 4}, FILTER_TYPE}, {{"location", 8}, FILTER_LOCATION},
                   {{"source", 6}, FILTER_SOURCE}};
    struct feed *feed = connection->state;
    struct text wrong = stamps ? TEXT("stamps") : include ? TEXT("include") : TEXT_NONE;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (filter_has(&feed->filter, filters[i].field))
            wrong = filters[i].key;
    }
    if (text_present(wrong)) {
        respond_problem(connection, 422, "bad_value", wrong,
                        TEXT("does not go with channel=, which sends what the channel may sell; only item= does"));
        return false;
    }
    if (!route_channel(connection, name))
        return false;
    feed->channel = calloc(1, sizeof(*feed->channel));
    if (feed->channel == NULL) {
        connection_close(connection);
        return false;
    }
    memcpy(feed->channel->channel_bytes, name.bytes, name.length);
    feed->channel->channel = text_of(feed->channel->channel_bytes, name.length);
    feed->channel->filter = &feed->filter;
    return true;
}

static bool accepts_events(struct text accept)
{
    static const char type[] = "text/event-stream";
    for (uint32_t i = 0; accept.length >= sizeof(type) - 1 && i <= accept.length - (sizeof(type) - 1); i++) {
        if (memcmp(accept.bytes + i, type, sizeof(type) - 1) == 0)
            return true;
    }
    return false;
}

/* What is left out unless it is asked for. */
static bool read_include(struct text value, struct filter *filter)
{
    bool both = text_equal(value, TEXT("refused,reported"));
    filter->refused = both || text_equal(value, TEXT("refused"));
    filter->reported = both || text_equal(value, TEXT("reported"));
    return filter->refused || filter->reported;
}

static void on_begin(struct connection *connection)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = feed;
    feed->service = connection->io->service;
    feed->sse = accepts_events(connection->head.request.accept);
    buffer_init(&feed->page, TEXT_BYTES_MAX);
    struct parameter parameters[] = {
        {.key = TEXT("after")},   {.key = TEXT("limit")},  {.key = TEXT("wait")},
        {.key = TEXT("include")}, {.key = TEXT("stamps")}, {.key = TEXT("channel")}};
    const struct text limit_key = parameters[1].key;
    if (!route_query(connection, parameters, sizeof(parameters) / sizeof(parameters[0]), on_parameter))
        return;
    struct text limit = parameters[1].value;
    struct text wait = parameters[2].value;
    struct text include = parameters[3].value;
    struct text stamps = parameters[4].value;
    struct text channel = parameters[5].value;
    uint64_t seconds = 0;
    feed->limit = feed->sse ? UINT64_MAX : PAGE_DEFAULT;
    if (text_present(limit) && (feed->sse || !parse_number(limit, 1, PAGE_MAX, &feed->limit))) {
        respond_problem(connection, 422, "bad_value", limit_key, TEXT("must be a whole number from 1 to 10000, for pages"));
    } else if (text_present(wait) && (feed->sse || !parse_number(wait, 0, WAIT_SECONDS_MAX, &seconds))) {
        respond_problem(connection, 422, "bad_value", TEXT("wait"), TEXT("must be 0 to 60 seconds, for pages"));
    } else if (text_present(include) && !read_include(include, &feed->filter)) {
        respond_problem(connection, 422, "bad_value", TEXT("include"),
                        TEXT("must be \"refused\", \"reported\", \"refused,reported\" or left out"));
    } else if (text_present(stamps) && (!feed->sse || !text_equal(stamps, TEXT("1")))) {
        respond_problem(connection, 422, "bad_value", TEXT("stamps"), TEXT("must be 1 or left out, for event streams"));
    } else if ((!text_present(channel) ||
                begin_channel(connection, channel, text_present(include), text_present(stamps))) &&
               begin_cursor(connection, parameters[0].value)) {
        feed->stamps = text_present(stamps);
        feed->wait_until_ns = seconds == 0 ? 0 : connection->io->now_ns + (int64_t)seconds * 1000000000;
    }
}

static void on_body_end(struct connection *connection)
{
    struct feed *feed = connection->state;
    feed->names_wanted = filter_names_wanted(&feed->filter);
    /* Of a channel we must know first whether there is one, of names what they mean. */
    if (feed->sse && feed->channel == NULL && !feed->names_wanted)
        begin_stream(connection);
    pump(connection);
}

static void on_end(struct connection *connection)
{
    struct feed *feed = connection->state;
    connection_watch(connection, false);
    feed_scratch_deinit(&feed->scratch);
    buffer_deinit(&feed->page);
    filter_deinit(&feed->filter);
    free(feed->channel);
    free(feed);
}

const struct handler feed_handler = {
    .begin = on_begin,
    .body_end = on_body_end,
    .answered = on_answered,
    .resume = pump,
    .durable = pump,
    .timeout = on_timeout,
    .end = on_end,
};

void feed_blocks_free(struct io *io)
{
    while (io->blocks != NULL) {
        struct feed_block *block = io->blocks;
        io->blocks = block->next;
        buffer_deinit(&block->text);
        free(block);
    }
}
