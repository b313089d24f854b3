#include "api/connection.h"
#include "api/zone_file.h"

#include <errno.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- batches ---- */

static struct io_batch *batch_take(struct io *io)
{
    if (io->pool_count == 0)
        return NULL;
    struct io_batch *batch = io->pool[--io->pool_count];
    batch->batch.count = 0;
    batch->batch.act = NULL;
    batch->batch.done = &io->done;
    batch->used = 0;
    return batch;
}

static void batch_free(struct io *io, struct io_batch *batch)
{
    io->pool[io->pool_count++] = batch;
}

/* A source was configured: its zone is in force for times without an offset before its sender is told. */
static void learn_source(struct io *io, const struct request *request)
{
    const struct decision *decision;
    if (request->answer.status != ANSWER_ACCEPTED ||
        io_record(io, request->answer.last_seq, request->answer.offset, &decision) != STATUS_OK)
        return;
    const struct event *event = &decision->events[0];
    source_zones_set(io->service->zones, ledger_name(io->service->ledger, NAME_SOURCE, event->config_number), event->seq,
                     event->config_deleted ? TEXT_NONE : event->config);
}

static void answer_batch(struct io *io, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = &batch->requests[i];
        if (UNLIKELY(request->of_source))
            learn_source(io, request);
        struct connection *connection = request->owner;
        connection->outstanding--;
        if (!connection->closing)
            connection->handler->answered(connection, request);
        else if (request->detail != NULL && connection->handler != NULL)
            connection->handler->answered(connection, request); /* it owns the detail */
        free(request->dry_bytes);
        reading_destroy(request->reading);
        connection_release(connection);
    }
}

static void submit_open(struct io *io)
{
    struct io_batch *batch = io->open;
    if (batch == NULL)
        return;
    io->open = NULL;
    if (inbox_submit(io->service->inbox, &batch->batch)) {
        io->batches_out++;
        io->spin_until_ns = io->now_ns + io->service->spin_ns;
        return;
    }
    /* The server is stopping: nothing happened to any of it. */
    for (uint32_t i = 0; i < batch->batch.count; i++)
        batch->batch.requests[i].answer = (struct answer){
            .status = ANSWER_RETRY, .line = LINE_NONE, .offset = TAIL_UNKNOWN, .detail = "the server is stopping"};
    answer_batch(io, &batch->batch);
    batch_free(io, batch);
}

/* A blank request behind all others, its command in this encoding, or encoded here; NULL as io_request. */
static struct request *request_add(struct io *io, struct connection *connection, const struct command *command,
                                   struct text encoded)
{
    for (;;) {
        if (io->open == NULL)
            io->open = batch_take(io);
        struct io_batch *batch = io->open;
        if (batch == NULL) {
            if (!connection->is_starved) {
                connection->is_starved = true;
                connection->starved_next = io->starved;
                io->starved = connection;
            }
            return NULL;
        }
        size_t room = IO_BATCH_BYTES - batch->used;
        size_t n = command != NULL ? command_encode(command, batch->bytes + batch->used, room) : encoded.length;
        if (batch->batch.count == BATCH_REQUESTS_MAX || (command != NULL && n == 0) || n > room) {
            CHECK(batch->batch.count > 0); /* the largest command fits an empty batch */
            submit_open(io);
            continue;
        }
        struct request *request = &batch->batch.requests[batch->batch.count++];
        *request = (struct request){.owner = connection};
        request->of_source =
            command != NULL && (command->kind == KIND_PUT_SOURCE || command->kind == KIND_DELETE_SOURCE);
        if (command == NULL && n != 0)
            memcpy(batch->bytes + batch->used, encoded.bytes, n);
        if (n != 0) {
            request->command = batch->bytes + batch->used;
            request->command_bytes = (uint32_t)n;
            batch->used += n;
        }
        connection->outstanding++;
        return request;
    }
}

struct request *io_request(struct io *io, struct connection *connection, const struct command *command)
{
    uint8_t *dry_bytes = NULL;
    if (command != NULL && command->dry_run) {
        dry_bytes = malloc(RECORD_BYTES_MAX);
        if (dry_bytes == NULL) {
            connection_close(connection);
            return NULL;
        }
    }
    struct request *request = request_add(io, connection, command, TEXT_NONE);
    if (request == NULL)
        free(dry_bytes);
    else
        request->dry_bytes = dry_bytes;
    return request;
}

struct request *io_request_again(struct io *io, struct connection *connection, const struct request *like)
{
    struct request *request =
        request_add(io, connection, NULL, text_of((const char *)like->command, like->command_bytes));
    if (request == NULL)
        return NULL;
    struct request fresh = *request;
    *request = *like;
    request->command = fresh.command;
    request->command_bytes = fresh.command_bytes;
    return request;
}

bool io_read(struct io *io, struct connection *connection, read_function read, void *detail)
{
    struct request *request = io_request(io, connection, NULL);
    if (request == NULL)
        return false;
    request->read = read;
    request->detail = detail;
    return true;
}

static void resume_starved(struct io *io)
{
    struct connection *list = io->starved;
    io->starved = NULL;
    while (list != NULL) {
        struct connection *connection = list;
        list = connection->starved_next;
        connection->is_starved = false;
        if (connection->closing)
            connection_release(connection);
        else if (connection->handler != NULL)
            connection->handler->resume(connection);
    }
}

static void take_done(struct io *io)
{
    struct batch *batch = done_queue_take(&io->done);
    bool any = batch != NULL;
    while (batch != NULL) {
        struct batch *next = batch->next;
        io->batches_out--;
        answer_batch(io, batch);
        batch_free(io, (struct io_batch *)batch);
        batch = next;
    }
    if (any)
        resume_starved(io);
}

/* ---- records ---- */

/* Enough for many records of one batch; a larger record takes the whole capacity. */
#define CURSOR_BYTES ((size_t)256 * 1024)

static bool cursor_next(struct record_cursor *cursor)
{
    struct record record;
    if (cursor->at == cursor->length ||
        record_decode(cursor->bytes + cursor->at, cursor->length - cursor->at, &cursor->decision, &record) != STATUS_OK)
        return false;
    cursor->at += record.bytes;
    return true;
}

enum status io_record(struct io *io, uint64_t last_seq, tail_offset offset, const struct decision **out_decision)
{
    struct record_cursor *cursor = &io->cursor;
    struct journal *journal = io->service->journal;
    *out_decision = &cursor->decision;
    for (int attempt = 0; attempt < 2; attempt++) {
        while (cursor_next(cursor)) {
            uint64_t seq = cursor->decision.first_seq + cursor->decision.event_count - 1;
            if (seq == last_seq)
                return STATUS_OK;
            if (seq > last_seq)
                break;
        }
        cursor->at = cursor->length = 0;
        enum status status =
            journal_read(journal, last_seq, offset, false, cursor->bytes, CURSOR_BYTES, &cursor->length);
        if (status == STATUS_FULL)
            status = journal_read(journal, last_seq, offset, false, cursor->bytes, RECORD_BYTES_MAX, &cursor->length);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_DAMAGED;
}

/* ---- zones ---- */

#define ZONE_PAST_S   (INT64_C(366) * 86400)      /* a zone is journalled from a year ago */
#define ZONE_FUTURE_S (INT64_C(3653) * 86400)     /* to ten years ahead */
#define ZONE_KEPT_US  (INT64_C(3600) * 1000000)   /* one looked up is as good as new for so long */

/* A zone by its name: a stream may name one a million times. */
static bool find_zone(void *context, struct text name, struct zone *out_zone)
{
    struct io *io = context;
    const struct env *env = io->service->env;
    int64_t now_us = env->wall_us(env->context);
    char path[ZONE_NAME_BYTES_MAX + 1];
    size_t n = 0;
    if (zone_offset_read(name, out_zone))
        return true;
    if (!zone_name_valid(name))
        return false;
    bool kept = io->zone_kept_us != 0 && now_us - io->zone_kept_us < ZONE_KEPT_US && now_us >= io->zone_kept_us &&
                text_equal(io->zone_kept->name, name);
    if (!kept) {
        io->zone_kept_us = 0;
        memcpy(path, name.bytes, name.length);
        path[name.length] = '\0';
        memcpy(io->zone_name, name.bytes, name.length);
        if (env->zone_read(env->context, path, io->zone_bytes, ZONE_FILE_BYTES_MAX, &n) != STATUS_OK ||
            !zone_file_read(io->zone_bytes, n, text_of(io->zone_name, name.length), now_us / 1000000 - ZONE_PAST_S,
                            now_us / 1000000 + ZONE_FUTURE_S, io->zone_kept))
            return false;
        io->zone_kept_us = now_us;
    }
    *out_zone = *io->zone_kept;
    return true;
}

static bool local_to_utc(void *context, struct text source, int64_t local_us, int64_t *out_utc_us)
{
    const struct io *io = context;
    return source_zones_to_utc(io->service->zones, source, local_us, out_utc_us);
}

/* ---- the loop ---- */

static void flush_dirty(struct io *io)
{
    while (io->dirty != NULL) {
        struct connection *connection = io->dirty;
        io->dirty = connection->dirty_next;
        connection->is_dirty = false;
        if (connection->closing)
            connection_release(connection);
        else
            connection_flush(connection);
    }
}

static void tell_watchers(struct io *io)
{
    if (!service_is_open(io->service))
        return;
    uint64_t durable = journal_durable_ordinal(io->service->journal); /* of frames: some have no events */
    if (durable == io->durable_seen)
        return;
    io->durable_seen = durable;
    struct connection *next;
    for (struct connection *connection = io->watchers; connection != NULL; connection = next) {
        next = connection->watch_next;
        connection->handler->durable(connection);
    }
}

/* Who is not done by then is closed: a server that is told to stop stops. */
#define STOP_NS (INT64_C(5) * 1000000000)

static void finish_stop(struct io *io)
{
    bool late = io->now_ns - io->stop_ns > STOP_NS;
    if (!io->stopping || ((io->batches_out != 0 || io->open != NULL) && !late))
        return;
    struct connection *next;
    for (struct connection *connection = io->connections; connection != NULL; connection = next) {
        next = connection->next;
        /* What is answered still leaves; who is in the middle of something is told by the close. */
        if (late || connection_waiting(connection) == 0)
            connection_close(connection);
    }
    if (io->connections == NULL && io->batches_out == 0 && !uv_is_closing((uv_handle_t *)&io->wake)) {
        uv_close((uv_handle_t *)&io->wake, NULL);
        uv_close((uv_handle_t *)&io->prepare, NULL);
        uv_close((uv_handle_t *)&io->tick, NULL);
        uv_close((uv_handle_t *)&io->spin, NULL);
    }
}

static void begin_stop(struct io *io)
{
    io->stopping = true;
    io->stop_ns = io->now_ns;
    uv_close((uv_handle_t *)&io->listener, NULL);
    for (struct connection *connection = io->connections; connection != NULL; connection = connection->next)
        connection_stop(connection);
}

/*
 * An answer is one flush away, and waking a sleeping thread costs a tenth of a flush: while batches are out, the loop looks
 * for them for a moment before it sleeps. An active idle handle makes libuv poll without waiting.
 */
static void on_spin(uv_idle_t *spin)
{
    (void)spin; /* the poll that follows is what counts */
}

static void spin_or_sleep(struct io *io)
{
    bool spin = io->batches_out != 0 && io->now_ns < io->spin_until_ns;
    if (spin == io->spinning)
        return;
    io->spinning = spin;
    if (spin)
        CHECK(uv_idle_start(&io->spin, on_spin) == 0);
    else
        CHECK(uv_idle_stop(&io->spin) == 0);
}

/* Before the loop sleeps: everything of this turn goes on its way. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct io *io = prepare->data;
    io->now_ns = io->service->env->monotonic_ns(io->service->env->context);
    flush_dirty(io);
    submit_open(io);
    flush_dirty(io); /* a batch that could not be submitted was answered at once */
    finish_stop(io);
    spin_or_sleep(io);
}

static void on_wake(uv_async_t *wake)
{
    struct io *io = wake->data;
    io->now_ns = io->service->env->monotonic_ns(io->service->env->context);
    if (atomic_load(&io->stop_asked) && !io->stopping)
        begin_stop(io);
    take_done(io);
    tell_watchers(io);
    past_works_go_on(io);
}

static void on_tick(uv_timer_t *tick)
{
    struct io *io = tick->data;
    io->now_ns = io->service->env->monotonic_ns(io->service->env->context);
    struct connection *next;
    for (struct connection *connection = io->connections; connection != NULL; connection = next) {
        next = connection->next;
        connection_tick(connection);
    }
    if (io->accept_owed && !io->stopping)
        connection_accept(io);
    resume_starved(io);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        connection_accept(listener->data);
}

void io_wake(void *argument)
{
    struct io *io = argument;
    (void)uv_async_send(&io->wake); /* fails only for a closed handle, when nobody waits any more */
}

static void io_thread(void *argument)
{
    struct io *io = argument;
    (void)uv_run(&io->loop, UV_RUN_DEFAULT); /* until every handle is closed */
}

/* ---- life ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum status read_address(const char *address, int port, union address *out, const char **out_problem)
{
    if (uv_ip4_addr(address, port, &out->v4) == 0 || uv_ip6_addr(address, port, &out->v6) == 0)
        return STATUS_OK;
    *out_problem = "it is not an IPv4 or IPv6 address";
    return STATUS_INVALID;
}

enum status io_probe(const char *address, int port, const char **out_problem)
{
    union address name;
    enum status status = read_address(address, port, &name, out_problem);
    if (status != STATUS_OK)
        return status;
    const int on = 1; /* as libuv does: what is left of connections is in nobody's way */
    socklen_t length = name.any.sa_family == AF_INET ? sizeof(name.v4) : sizeof(name.v6);
    int fd = socket(name.any.sa_family, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 || bind(fd, &name.any, length) != 0 ||
        listen(fd, 1) != 0) {
        *out_problem = uv_strerror(uv_translate_sys_error(errno));
        status = STATUS_IO;
    }
    if (fd >= 0)
        (void)close(fd);
    return status;
}

static enum status listen_on(struct io *io, const char *address, int *port, bool share, const char **out_problem)
{
    union address name;
    enum status status = read_address(address, *port, &name, out_problem);
    if (status != STATUS_OK)
        return status;
    int family = name.any.sa_family;
    int result = uv_tcp_init_ex(&io->loop, &io->listener, (unsigned)family);
    io->listener.data = io;
    uv_os_fd_t fd = -1;
    const int on = 1;
    if (result == 0 && share && uv_fileno((const uv_handle_t *)&io->listener, &fd) == 0)
        result = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (result == 0)
        result = uv_tcp_bind(&io->listener, &name.any, 0);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&io->listener, 1024, on_connection);
    struct sockaddr_storage taken;
    int length = sizeof(taken);
    if (result == 0)
        result = uv_tcp_getsockname(&io->listener, (struct sockaddr *)&taken, &length);
    if (result != 0) {
        *out_problem = uv_strerror(result);
        return STATUS_IO;
    }
    *port = ntohs(family == AF_INET ? ((const struct sockaddr_in *)&taken)->sin_port
                                    : ((const struct sockaddr_in6 *)&taken)->sin6_port);
    return STATUS_OK;
}

static bool allocate(struct io *io)
{
    for (uint32_t i = 0; i < IO_BATCHES; i++) {
        struct io_batch *batch = malloc(sizeof(*batch));
        if (batch == NULL)
            return false;
        batch_free(io, batch);
    }
    io->parser = json_parser_create(IO_ARRAY_BYTES);
    io->nodes = malloc(IO_NODES * sizeof(*io->nodes));
    io->room = malloc(sizeof(*io->room));
    io->config_room = malloc(sizeof(*io->config_room));
    io->zone_kept = malloc(sizeof(*io->zone_kept));
    io->zone_bytes = malloc(ZONE_FILE_BYTES_MAX);
    io->lines = malloc(COMMAND_LINES_MAX * sizeof(*io->lines));
    io->cursor.bytes = malloc(RECORD_BYTES_MAX);
    io->cursor.decision.events = malloc(DECISION_EVENTS_MAX * sizeof(struct event));
    io->cursor.decision.names = malloc(DECISION_NAMES_MAX * sizeof(struct new_name));
    io->cursor.decision.shortages = malloc(COMMAND_LINES_MAX * sizeof(struct shortage));
    if (io->room != NULL && io->config_room != NULL) {
        io->room->to_utc = local_to_utc;
        io->room->context = io;
        io->config_room->find_zone = find_zone;
        io->config_room->context = io;
    }
    return io->parser != NULL && io->nodes != NULL && io->room != NULL && io->config_room != NULL &&
           io->zone_kept != NULL && io->zone_bytes != NULL && io->lines != NULL &&
           io->cursor.bytes != NULL && io->cursor.decision.events != NULL && io->cursor.decision.names != NULL &&
           io->cursor.decision.shortages != NULL;
}

static void release_memory(struct io *io)
{
    done_queue_deinit(&io->done);
    while (io->pool_count > 0)
        free(io->pool[--io->pool_count]);
    feed_blocks_free(io);
    json_parser_destroy(io->parser);
    free(io->nodes);
    free(io->room);
    free(io->config_room);
    free(io->zone_kept);
    free(io->zone_bytes);
    free(io->lines);
    free(io->cursor.bytes);
    free(io->cursor.decision.events);
    free(io->cursor.decision.names);
    free(io->cursor.decision.shortages);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* A loop that ran has closed its handles itself; one that never did still has them. */
static void close_loop(struct io *io)
{
    uv_walk(&io->loop, close_handle, NULL);
    (void)uv_run(&io->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&io->loop) == 0);
}

enum status io_init(struct io *io, struct service *service, const char *address, int *port, bool share,
                    const char **out_problem)
{
    *io = (struct io){.service = service};
    done_queue_init(&io->done, io_wake, io);
    if (!allocate(io) || uv_loop_init(&io->loop) != 0) {
        *out_problem = "memory for an I/O thread could not be had";
        release_memory(io);
        return STATUS_MEMORY;
    }
    enum status status = listen_on(io, address, port, share, out_problem);
    if (status != STATUS_OK) {
        close_loop(io);
        release_memory(io);
        return status;
    }
    io->wake.data = io->prepare.data = io->tick.data = io;
    io->now_ns = service->env->monotonic_ns(service->env->context);
    CHECK(uv_async_init(&io->loop, &io->wake, on_wake) == 0);
    CHECK(uv_prepare_init(&io->loop, &io->prepare) == 0);
    CHECK(uv_prepare_start(&io->prepare, on_prepare) == 0);
    CHECK(uv_idle_init(&io->loop, &io->spin) == 0);
    CHECK(uv_timer_init(&io->loop, &io->tick) == 0);
    CHECK(uv_timer_start(&io->tick, on_tick, IO_TICK_MS, IO_TICK_MS) == 0);
    return STATUS_OK;
}

enum status io_start(struct io *io)
{
    return uv_thread_create(&io->thread, io_thread, io) == 0 ? STATUS_OK : STATUS_MEMORY;
}

void io_stop(struct io *io)
{
    atomic_store(&io->stop_asked, true);
    io_wake(io);
}

void io_join(struct io *io)
{
    CHECK(uv_thread_join(&io->thread) == 0);
}

void io_deinit(struct io *io)
{
    close_loop(io);
    release_memory(io);
}
