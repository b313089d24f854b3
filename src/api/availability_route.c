/*
 * GET /v1/availability?channel=&item=…: what a channel may sell of these items, now or as of a time. Without item= it
 * is a list of all the channel's items (list_route.c).
 *
 * One read in its place among the commands answers all items, so that they are of one moment. As of a time it is the
 * same read, of the ledger as it was (past_read.h).
 */
#include "api/explain_offer.h"
#include "api/past_read.h"
#include "api/routes.h"

#include <stdlib.h>

#define AVAILABILITY_ITEMS_MAX 1000
#define EXPLAINED_MAX          10 /* an explanation looks at each place of the channel */

enum {
    AVAILABILITY_CHANNEL,
    AVAILABILITY_EXPLAIN,
    AVAILABILITY_AS_OF,
    AVAILABILITY_AXIS,
    AVAILABILITY_PARAMETERS
};

struct availability {
    struct parameter parameters[AVAILABILITY_PARAMETERS];
    struct explain_offer *explain; /* one for each item; NULL when it is not asked for */
    struct {
        struct text name; /* as it was asked for */
        uint32_t item;
        uint8_t scale;
        int64_t ats;
    } items[AVAILABILITY_ITEMS_MAX];
    uint32_t item_count;
    size_t names_length;
    char names[HTTP1_TARGET_BYTES_MAX]; /* decoded, they are no longer than they were in the target */
    bool channel_found;
    uint64_t seq; /* of the ledger's last event when it was read */
    struct past_read read;
};

/* ---- engine thread; of the past on a worker ---- */

static void read_items(const struct ledger *ledger, struct request *request)
{
    struct availability *call = request->detail;
    uint32_t channel = ledger_number(ledger, NAME_CHANNEL, call->parameters[AVAILABILITY_CHANNEL].value);
    call->seq = ledger_last_seq(ledger);
    call->channel_found = channel != NUMBER_NONE;
    for (uint32_t i = 0; call->channel_found && i < call->item_count; i++) {
        uint32_t item = ledger_item_find(ledger, call->items[i].name);
        struct item_view view;
        call->items[i].item = NUMBER_NONE;
        if (!ledger_item(ledger, item, &view))
            continue; /* nothing of it ever came: 0 */
        call->items[i].item = item;
        call->items[i].scale = view.scale;
        call->items[i].ats = ledger_ats(ledger, channel, item);
        if (call->explain != NULL)
            explain_offer_read(call->explain, i, ledger, channel, item);
    }
}

/* ---- I/O thread ---- */

/* By the name of what it was then: it may have been asked for by one that was merged. */
static struct text item_name(const struct render *render, const struct availability *call, uint32_t i)
{
    return call->items[i].item == NUMBER_NONE ? call->items[i].name
                                              : render_name(render, NAME_ITEM, call->items[i].item);
}

static void answer(struct connection *connection)
{
    const struct availability *call = connection->state;
    if (!call->channel_found) {
        respond_problem(connection, 404, "unknown_channel", call->parameters[AVAILABILITY_CHANNEL].key,
                        call->read.as_of.past ? TEXT("no such name then") : TEXT("no such name"));
        return;
    }
    const struct render render = {connection->io->service->ledger, journal_epochs(connection->io->service->journal), 0,
                                  NULL};
    struct buffer out;
    buffer_init(&out, CONNECTION_OUT_BYTES);
    buffer_literal(&out, "{\"channel\":");
    json_string(&out, call->parameters[AVAILABILITY_CHANNEL].value);
    buffer_literal(&out, ",\"items\":[");
    for (uint32_t i = 0; i < call->item_count; i++) {
        if (i != 0)
            buffer_byte(&out, ',');
        render_availability_open(&out, item_name(&render, call, i), call->items[i].ats, call->items[i].scale);
        if (call->explain != NULL)
            explain_offer_render(&out, &render, call->explain, i, call->items[i].ats, call->items[i].scale);
        buffer_byte(&out, '}');
    }
    buffer_literal(&out, "],\"position\":");
    render_position(&out, render.epochs, call->seq);
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void on_answered(struct connection *connection, struct request *request)
{
    struct availability *call = connection->state;
    if (connection->closing)
        return;
    if (request->answer.status != ANSWER_READ)
        respond_unread(connection);
    else
        past_read_go_on(connection, &call->read, answer);
}

static void ask(struct connection *connection)
{
    struct availability *call = connection->state;
    past_read_ask(connection, &call->read);
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

static void take_explain(struct connection *connection)
{
    struct availability *call = connection->state;
    bool wanted;
    if (!route_flag(connection, TEXT("explain"), call->parameters[AVAILABILITY_EXPLAIN].value, &wanted) || !wanted)
        return;
    if (call->item_count > EXPLAINED_MAX) {
        respond_problem(connection, 422, "bad_value", TEXT("item"), TEXT("at most 10 items are explained at once"));
        return;
    }
    call->explain = explain_offers_create(call->item_count);
    if (call->explain == NULL)
        respond_unread(connection);
}

static void on_begin(struct connection *connection)
{
    if (!query_has(connection, TEXT("item"))) {
        if (query_has(connection, TEXT("as_of"))) {
            respond_problem(connection, 422, "missing_field", TEXT("item"),
                            TEXT("as_of= is for items that are named: say which with item="));
            return;
        }
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
    call->parameters[AVAILABILITY_CHANNEL].key = TEXT("channel");
    call->parameters[AVAILABILITY_EXPLAIN].key = TEXT("explain");
    call->parameters[AVAILABILITY_AS_OF].key = TEXT("as_of");
    call->parameters[AVAILABILITY_AXIS].key = TEXT("axis");
    call->read.read = read_items;
    call->read.detail = call;
    if (route_query(connection, call->parameters, AVAILABILITY_PARAMETERS, on_parameter) &&
        route_channel(connection, call->parameters[AVAILABILITY_CHANNEL].value) &&
        route_as_of_recorded(connection, call->parameters[AVAILABILITY_AS_OF].value,
                             call->parameters[AVAILABILITY_AXIS].value, &call->read.as_of))
        take_explain(connection);
}

static void on_end(struct connection *connection)
{
    struct availability *call = connection->state;
    explain_offers_destroy(call->explain);
    free(call);
}

const struct handler availability_handler = {
    .begin = on_begin,
    .body_end = ask,
    .answered = on_answered,
    .resume = ask,
    .end = on_end,
};
