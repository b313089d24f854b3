/*
 * GET /v1/availability?channel=&item=…: what a channel may sell of these items now. Without item= it is a list of all
 * the channel's items (list_route.c).
 *
 * One read in its place among the commands answers all items, so that they are of one moment.
 */
#include "api/routes.h"

#include <stdlib.h>

#define AVAILABILITY_ITEMS_MAX 1000

struct availability {
    struct parameter channel;
    struct {
        struct text name;
        uint8_t scale;
        int64_t ats;
    } items[AVAILABILITY_ITEMS_MAX];
    uint32_t item_count;
    size_t names_length;
    char names[HTTP1_TARGET_BYTES_MAX]; /* decoded, they are no longer than they were in the target */
    bool channel_found;
    uint64_t seq; /* of the ledger's last event when it was read */
};

/* ---- engine thread ---- */

static void read_items(const struct ledger *ledger, struct request *request)
{
    struct availability *call = request->detail;
    uint32_t channel = ledger_number(ledger, NAME_CHANNEL, call->channel.value);
    call->seq = ledger_last_seq(ledger);
    call->channel_found = channel != NUMBER_NONE;
    for (uint32_t i = 0; call->channel_found && i < call->item_count; i++) {
        uint32_t item = ledger_item_find(ledger, call->items[i].name);
        struct item_view view;
        if (!ledger_item(ledger, item, &view))
            continue; /* nothing of it ever came: 0 */
        call->items[i].name = ledger_name(ledger, NAME_ITEM, item); /* it may have been asked for by a merged name */
        call->items[i].scale = view.scale;
        call->items[i].ats = ledger_ats(ledger, channel, item);
    }
}

/* ---- I/O thread ---- */

static void on_answered(struct connection *connection, struct request *request)
{
    const struct availability *call = connection->state;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ) {
        respond_unread(connection);
        return;
    }
    if (!call->channel_found) {
        respond_problem(connection, 404, "unknown_channel", call->channel.key, TEXT("no such name"));
        return;
    }
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    buffer_literal(&out, "{\"channel\":");
    json_string(&out, call->channel.value);
    buffer_literal(&out, ",\"items\":[");
    for (uint32_t i = 0; i < call->item_count; i++) {
        if (i != 0)
            buffer_byte(&out, ',');
        render_availability(&out, call->items[i].name, call->items[i].ats, call->items[i].scale);
    }
    buffer_literal(&out, "],\"position\":");
    render_position(&out, journal_epoch(connection->io->service->journal), call->seq);
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void ask(struct connection *connection)
{
    io_read(connection->io, connection, read_items, connection->state); /* resumed when a batch is free */
}

static bool on_parameter(struct connection *connection, struct text key, struct text value, bool *out_known)
{
    struct availability *call = connection->state;
    *out_known = text_equal(key, TEXT("item"));
    if (text_equal(key, TEXT("q")) || text_equal(key, TEXT("limit")) || text_equal(key, TEXT("cursor"))) {
        respond_problem(connection, 422, "bad_value", key,
                        TEXT("is for the list of all items: it does not go with item="));
        return false;
    }
    if (!*out_known)
        return true;
    enum name_status status = name_check(value);
    if (status != NAME_OK) {
        const char *problem = name_problem(status);
        respond_problem(connection, 422, "bad_value", key, text_of(problem, strlen(problem)));
        return false;
    }
    if (call->item_count == AVAILABILITY_ITEMS_MAX) {
        respond_problem(connection, 422, "bad_value", key, TEXT("at most 1,000 items are answered at once"));
        return false;
    }
    char *name = call->names + call->names_length;
    memcpy(name, value.bytes, value.length);
    call->names_length += value.length;
    call->items[call->item_count++].name = text_of(name, value.length);
    return true;
}

static void on_begin(struct connection *connection)
{
    if (!query_has(connection, TEXT("item"))) {
        connection->handler = &list_handler;
        connection->call = LIST_OF_OFFERS;
        list_handler.begin(connection);
        return;
    }
    struct availability *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = call;
    call->channel.key = TEXT("channel");
    if (route_query(connection, &call->channel, 1, on_parameter))
        route_channel(connection, call->channel.value);
}

static void on_end(struct connection *connection)
{
    free(connection->state);
}

const struct handler availability_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
