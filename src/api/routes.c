#include "api/routes.h"

#include <strings.h>

/* ---- the door ---- */

/* Host: one of ours, whatever the port; a page that rebinds a name to loopback is turned away (DESIGN section 4). */
static bool host_is_ours(const struct service *service, struct text host)
{
    uint32_t length = host.length;
    if (length > 0 && host.bytes[0] == '[') { /* [::1]:4760 */
        const char *close = memchr(host.bytes, ']', length);
        length = close == NULL ? length : (uint32_t)(close - host.bytes) + 1;
    } else {
        const char *colon = memchr(host.bytes, ':', length);
        length = colon == NULL ? length : (uint32_t)(colon - host.bytes);
    }
    for (uint32_t i = 0; i < service->host_count; i++) {
        if (strlen(service->hosts[i]) == length && strncasecmp(service->hosts[i], host.bytes, length) == 0)
            return true;
    }
    return false;
}

/* The media type without parameters, and a charset that is UTF-8 or absent. */
static bool media_type_is(struct text content_type, const char *type)
{
    uint32_t length = content_type.length;
    const char *semicolon = memchr(content_type.bytes, ';', length);
    if (semicolon != NULL)
        length = (uint32_t)(semicolon - content_type.bytes);
    while (length > 0 && (content_type.bytes[length - 1] == ' ' || content_type.bytes[length - 1] == '\t'))
        length--;
    if (strlen(type) != length || strncasecmp(type, content_type.bytes, length) != 0)
        return false;
    if (semicolon == NULL)
        return true;
    struct text rest = text_of(semicolon + 1, content_type.length - (size_t)(semicolon + 1 - content_type.bytes));
    while (rest.length > 0 && *rest.bytes == ' ')
        rest = text_of(rest.bytes + 1, rest.length - 1);
    return (rest.length == 13 && strncasecmp(rest.bytes, "charset=utf-8", 13) == 0) ||
           (rest.length == 15 && strncasecmp(rest.bytes, "charset=\"utf-8\"", 15) == 0);
}

/* ---- names and parameters ---- */

bool route_name(struct connection *connection, struct text raw, const char *what, char *bytes, struct text *out_name)
{
    if (!url_decode(URL_SEGMENT, raw, bytes, 3 * NAME_BYTES_MAX, out_name)) {
        respond_problem(connection, 422, "bad_value", text_of(what, strlen(what)),
                        TEXT("is longer than 128 bytes, or not percent-encoded"));
        return false;
    }
    enum name_status status = name_check(*out_name);
    if (status == NAME_OK)
        return true;
    const char *problem = name_problem(status);
    respond_problem(connection, 422, "bad_value", text_of(what, strlen(what)), text_of(problem, strlen(problem)));
    return false;
}

bool route_query(struct connection *connection, struct parameter *parameters, uint32_t count,
                 bool (*each)(struct connection *connection, struct text key, struct text value, bool *out_known))
{
    struct text rest = connection->head.request.query;
    struct text raw_key;
    struct text raw_value;
    while (url_parameter_next(&rest, &raw_key, &raw_value)) {
        char key_bytes[64];
        char value_bytes[3 * NAME_BYTES_MAX];
        struct text key;
        struct text value = TEXT("");
        if (!url_decode(URL_PARAMETER, raw_key, key_bytes, sizeof(key_bytes), &key)) {
            respond_problem(connection, 422, "unknown_field", TEXT("query"), TEXT("a parameter that no call has"));
            return false;
        }
        if (text_present(raw_value) &&
            (!url_decode(URL_PARAMETER, raw_value, value_bytes, sizeof(value_bytes), &value) ||
             (value.length > 0 && label_check(value) == NAME_NOT_UTF8))) {
            respond_problem(connection, 422, "bad_value", key, TEXT("is too long, not percent-encoded, or not UTF-8"));
            return false;
        }
        bool known = false;
        for (uint32_t i = 0; i < count && !known; i++) {
            struct parameter *parameter = &parameters[i];
            if (!text_equal(parameter->key, key))
                continue;
            known = true;
            if (text_present(parameter->value)) {
                respond_problem(connection, 422, "bad_value", key, TEXT("came twice"));
                return false;
            }
            memcpy(parameter->bytes, value.bytes, value.length);
            parameter->value = text_of(parameter->bytes, value.length);
        }
        if (!known && each != NULL && !each(connection, key, value, &known))
            return false;
        if (!known) {
            respond_problem(connection, 422, "unknown_field", key, TEXT("this call has no such parameter"));
            return false;
        }
    }
    return true;
}

bool query_has(const struct connection *connection, struct text key)
{
    struct text rest = connection->head.request.query;
    struct text raw_key;
    struct text raw_value;
    while (url_parameter_next(&rest, &raw_key, &raw_value)) {
        char bytes[64];
        struct text decoded;
        if (url_decode(URL_PARAMETER, raw_key, bytes, sizeof(bytes), &decoded) && text_equal(decoded, key))
            return true;
    }
    return false;
}

bool route_channel(struct connection *connection, struct text channel)
{
    enum name_status status = text_present(channel) ? name_check(channel) : NAME_OK;
    if (!text_present(channel)) {
        respond_problem(connection, 422, "missing_field", TEXT("channel"), TEXT("say which channel"));
    } else if (status != NAME_OK) {
        const char *problem = name_problem(status);
        respond_problem(connection, 422, "bad_value", TEXT("channel"), text_of(problem, strlen(problem)));
    } else {
        return true;
    }
    return false;
}

bool route_axis(struct connection *connection, struct text axis, enum time_axis *out_axis)
{
    static const struct text names[AXIS_COUNT] = {
        [AXIS_RECORDED] = {"recorded", 8}, [AXIS_OCCURRED] = {"occurred", 8}, [AXIS_BOOKED] = {"booked", 6}};
    for (unsigned i = 0; i < AXIS_COUNT; i++) {
        *out_axis = text_present(axis) ? (enum time_axis)i : AXIS_RECORDED;
        if (!text_present(axis) || text_equal(axis, names[i]))
            return true;
    }
    respond_problem(connection, 422, "bad_value", TEXT("axis"), TEXT("is recorded (the default), occurred or booked"));
    return false;
}

bool route_flag(struct connection *connection, struct text key, struct text value, bool *out_true)
{
    *out_true = text_present(value) && text_equal(value, TEXT("true"));
    if (!text_present(value) || *out_true || text_equal(value, TEXT("false")))
        return true;
    respond_problem(connection, 422, "bad_value", key, TEXT("is true, or false (the default)"));
    return false;
}

bool parse_number(struct text text, uint64_t least, uint64_t most, uint64_t *out_number)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 19)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *out_number = value;
    return value >= least && value <= most;
}

/* ---- the table ---- */

enum path_shape {
    PATH_EXACT, /* the path alone */
    PATH_ONE,   /* one segment behind it */
    PATH_TWO    /* two segments behind it */
};

struct route_row {
    enum http1_method method;
    enum path_shape shape;
    struct text path;
    const struct handler *handler;
    int call;
    int subject; /* enum name_space, of configuration */
};

#define ROW(method, shape, path, handler, call) {method, shape, {path, sizeof(path) - 1}, handler, call, 0}
#define ROW_OF(method, shape, path, handler, call, subject)                                                            \
    {method, shape, {path, sizeof(path) - 1}, handler, call, subject}

static const struct route_row rows[] = {
    ROW(HTTP1_POST, PATH_EXACT, "/v1/commands", &commands_handler, 0),
    ROW(HTTP1_GET, PATH_ONE, "/v1/stock", &stock_handler, STOCK_ITEM),
    ROW(HTTP1_GET, PATH_TWO, "/v1/stock", &stock_handler, STOCK_CELL),
    ROW(HTTP1_GET, PATH_ONE, "/v1/holds", &stock_handler, STOCK_HOLD),
    ROW(HTTP1_GET, PATH_ONE, "/v1/history", &history_handler, 0),
    ROW(HTTP1_GET, PATH_ONE, "/v1/transfers", &document_handler, DOCUMENT_OF_TRANSFER),
    ROW(HTTP1_GET, PATH_ONE, "/v1/expectations", &document_handler, DOCUMENT_OF_EXPECTATION),
    ROW(HTTP1_GET, PATH_ONE, "/v1/atp", &document_handler, DOCUMENT_ATP),
    ROW(HTTP1_GET, PATH_ONE, "/v1/reviews", &document_handler, DOCUMENT_OF_REVIEW),
    ROW_OF(HTTP1_GET, PATH_ONE, "/v1/items", &config_handler, CONFIG_GET, NAME_ITEM),
    ROW_OF(HTTP1_PUT, PATH_ONE, "/v1/items", &config_handler, CONFIG_PUT, NAME_ITEM),
    ROW_OF(HTTP1_DELETE, PATH_ONE, "/v1/items", &config_handler, CONFIG_DELETE, NAME_ITEM),
    ROW_OF(HTTP1_PUT, PATH_EXACT, "/v1/items", &commands_handler, COMMANDS_COLLECTION, NAME_ITEM),
    ROW_OF(HTTP1_GET, PATH_ONE, "/v1/locations", &config_handler, CONFIG_GET, NAME_LOCATION),
    ROW_OF(HTTP1_PUT, PATH_ONE, "/v1/locations", &config_handler, CONFIG_PUT, NAME_LOCATION),
    ROW_OF(HTTP1_DELETE, PATH_ONE, "/v1/locations", &config_handler, CONFIG_DELETE, NAME_LOCATION),
    ROW_OF(HTTP1_PUT, PATH_EXACT, "/v1/locations", &commands_handler, COMMANDS_COLLECTION, NAME_LOCATION),
    ROW_OF(HTTP1_GET, PATH_ONE, "/v1/channels", &config_handler, CONFIG_GET, NAME_CHANNEL),
    ROW_OF(HTTP1_PUT, PATH_ONE, "/v1/channels", &config_handler, CONFIG_PUT, NAME_CHANNEL),
    ROW_OF(HTTP1_DELETE, PATH_ONE, "/v1/channels", &config_handler, CONFIG_DELETE, NAME_CHANNEL),
    ROW_OF(HTTP1_PUT, PATH_EXACT, "/v1/channels", &commands_handler, COMMANDS_COLLECTION, NAME_CHANNEL),
    ROW_OF(HTTP1_GET, PATH_ONE, "/v1/sources", &config_handler, CONFIG_GET, NAME_SOURCE),
    ROW_OF(HTTP1_PUT, PATH_ONE, "/v1/sources", &config_handler, CONFIG_PUT, NAME_SOURCE),
    ROW_OF(HTTP1_DELETE, PATH_ONE, "/v1/sources", &config_handler, CONFIG_DELETE, NAME_SOURCE),
    ROW_OF(HTTP1_PUT, PATH_EXACT, "/v1/sources", &commands_handler, COMMANDS_COLLECTION, NAME_SOURCE),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/stock", &list_handler, LIST_OF_STOCK),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/holds", &list_handler, LIST_OF_HOLDS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/waiting", &list_handler, LIST_OF_WAITING),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/transfers", &list_handler, LIST_OF_TRANSFERS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/expectations", &list_handler, LIST_OF_EXPECTATIONS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/reviews", &list_handler, LIST_OF_REVIEWS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/drift", &list_handler, LIST_OF_DRIFT),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/items", &list_handler, LIST_OF_ITEMS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/locations", &list_handler, LIST_OF_LOCATIONS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/channels", &list_handler, LIST_OF_CHANNELS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/sources", &list_handler, LIST_OF_SOURCES),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/availability", &availability_handler, 0),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/figures", &figures_handler, 0),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/feed", &feed_handler, 0),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/journal", &journal_handler, 0),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/role", &role_handler, ROLE_GET),
    ROW(HTTP1_POST, PATH_EXACT, "/v1/fence", &role_handler, ROLE_OF_FENCE),
    ROW(HTTP1_POST, PATH_EXACT, "/v1/promote", &role_handler, ROLE_OF_PROMOTE),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/periods", &document_handler, DOCUMENT_PERIODS),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/verify", &verify_handler, VERIFY_LOOK),
    ROW(HTTP1_POST, PATH_EXACT, "/v1/verify", &verify_handler, VERIFY_BEGIN),
    ROW(HTTP1_GET, PATH_EXACT, "/v1/audit", &operations_handler, OPERATIONS_AUDIT),
    ROW(HTTP1_GET, PATH_EXACT, "/livez", &operations_handler, OPERATIONS_LIVE),
    ROW(HTTP1_GET, PATH_EXACT, "/readyz", &operations_handler, OPERATIONS_READY),
    ROW(HTTP1_GET, PATH_EXACT, "/metrics", &operations_handler, OPERATIONS_METRICS),
    ROW(HTTP1_GET, PATH_EXACT, "/openapi.json", &operations_handler, OPERATIONS_OPENAPI),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool path_fits(const struct route_row *row, struct text path, struct text *out_first, struct text *out_second)
{
    if (path.length < row->path.length || memcmp(path.bytes, row->path.bytes, row->path.length) != 0)
        return false;
    struct text rest = text_of(path.bytes + row->path.length, path.length - row->path.length);
    *out_first = *out_second = TEXT_NONE;
    if (rest.length > 0 && rest.bytes[0] != '/')
        return false;
    if (row->shape == PATH_EXACT)
        return rest.length == 0;
    if (!url_segment_next(&rest, out_first))
        return false;
    if (row->shape == PATH_TWO && !url_segment_next(&rest, out_second))
        return false;
    return rest.length == 0;
}

/*
 * Calls of the contract that this version does not serve: said plainly, so that nobody looks for a slip of the
 * keyboard. Asked of paths that no row has.
 */
static bool is_for_later(struct text path)
{
    static const struct text calls[] = {
        {"/v1/feed/ws", 11}, {"/v1/reviews", 11}, {"/v1/drift", 9}, {"/v1/handlers", 12}, {"/asyncapi.json", 14}};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (path.length >= calls[i].length && memcmp(path.bytes, calls[i].bytes, calls[i].length) == 0 &&
            (path.length == calls[i].length || path.bytes[calls[i].length] == '/'))
            return true;
    }
    return false;
}

/* What this version has no meaning for is refused, not ignored: somebody relies on it. Answers and returns true then. */
static bool refuse_later(struct connection *connection)
{
    const struct http1_request *request = &connection->head.request;
    static const char cloudevents[] = "application/cloudevents";
    if (text_present(request->authorization)) {
        respond_problem(connection, 422, "not_in_this_version", TEXT("Authorization"),
                        TEXT("this version has no keys: it listens on loopback and lets everybody there in"));
    } else if (text_present(request->content_type) && request->content_type.length >= sizeof(cloudevents) - 1 &&
               strncasecmp(request->content_type.bytes, cloudevents, sizeof(cloudevents) - 1) == 0) {
        respond_problem(connection, 422, "not_in_this_version", TEXT("Content-Type"),
                        TEXT("this version takes no CloudEvents: send commands as application/json or NDJSON"));
    } else {
        return false;
    }
    return true;
}

static const char *method_name(enum http1_method method)
{
    if (method == HTTP1_DELETE)
        return "DELETE";
    return method == HTTP1_POST ? "POST" : method == HTTP1_PUT ? "PUT" : "GET";
}

static void method_not_allowed(struct connection *connection, struct text path)
{
    char allow[64] = "Allow: ";
    size_t n = 7;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct text first;
        struct text second;
        if (!path_fits(&rows[i], path, &first, &second))
            continue;
        const char *name = method_name(rows[i].method);
        if (n > 7) {
            memcpy(allow + n, ", ", 2);
            n += 2;
        }
        memcpy(allow + n, name, strlen(name));
        n += strlen(name);
    }
    memcpy(allow + n, "\r\n", 2);
    respond_problem_with(connection, 405, "method_not_allowed", TEXT_NONE,
                         TEXT("this path has no such method; see Allow"), text_of(allow, n + 2));
}

/* Is there a body where one belongs, of a type the call takes? Sets the call. False after an answer. */
static bool body_fits(struct connection *connection, const struct route_row *row)
{
    const struct http1_request *request = &connection->head.request;
    connection->call = row->call;
    if (request->method == HTTP1_GET || request->method == HTTP1_DELETE) {
        bool has_body = request->chunked || request->content_length != 0;
        if (has_body)
            respond_problem(connection, 400, "bad_request", TEXT_NONE, TEXT("a GET or DELETE has no body"));
        return !has_body;
    }
    bool collection = row->handler == &commands_handler && row->call == COMMANDS_COLLECTION;
    bool ndjson = row->handler == &commands_handler && text_present(request->content_type) &&
                  media_type_is(request->content_type, "application/x-ndjson");
    bool json = !collection && text_present(request->content_type) &&
                media_type_is(request->content_type, "application/json");
    if (!ndjson && !json) {
        respond_problem(connection, 415, "unsupported_media_type", TEXT("Content-Type"),
                        collection ? TEXT("send a collection as application/x-ndjson in UTF-8, an entry a line")
                                   : TEXT("send application/json, or application/x-ndjson to /v1/commands, in UTF-8"));
        return false;
    }
    if (text_present(request->content_encoding)) {
        respond_problem(connection, 415, "unsupported_media_type", TEXT("Content-Encoding"),
                        TEXT("bodies are taken as they are, without compression"));
        return false;
    }
    if (!request->chunked && !request->has_content_length) {
        respond_problem(connection, 411, "length_required", TEXT("Content-Length"),
                        TEXT("give the body's length, or send it in chunks"));
        return false;
    }
    if (ndjson && !collection)
        connection->call = COMMANDS_STREAM;
    return true;
}

/* What needs no shard. */
static bool is_served_early(const struct route_row *row)
{
    return row->handler == &operations_handler && (row->call == OPERATIONS_LIVE || row->call == OPERATIONS_OPENAPI);
}

void route(struct connection *connection)
{
    const struct http1_request *request = &connection->head.request;
    if (!host_is_ours(connection->io->service, request->host)) {
        respond_problem(connection, 421, "wrong_host", TEXT("Host"),
                        TEXT("this server does not go by that name; start it with --host NAME to add one"));
        return;
    }
    if (refuse_later(connection))
        return;
    const struct route_row *found = NULL;
    bool path_known = false;
    for (size_t i = 0; i < ROW_COUNT && found == NULL; i++) {
        struct text first;
        struct text second;
        if (!path_fits(&rows[i], request->path, &first, &second))
            continue;
        path_known = true;
        if (rows[i].method != request->method)
            continue;
        found = &rows[i];
        connection->path_first = first;
        connection->path_second = second;
    }
    if (found == NULL) {
        if (path_known)
            method_not_allowed(connection, request->path);
        else if (is_for_later(request->path))
            respond_problem(connection, 422, "not_in_this_version", TEXT_NONE,
                            TEXT("this version does not have this call; /openapi.json has those it has"));
        else
            respond_problem(connection, 404, "not_found", TEXT_NONE, TEXT("no such call; see /openapi.json"));
        return;
    }
    if (UNLIKELY(!service_is_open(connection->io->service)) && !is_served_early(found)) {
        connection->call = found->handler != &operations_handler ? STARTING_OTHER
                           : found->call == OPERATIONS_READY     ? STARTING_READY
                           : found->call == OPERATIONS_METRICS   ? STARTING_METRICS
                                                                 : STARTING_OTHER;
        connection->handler = &starting_handler;
        return;
    }
    if (!body_fits(connection, found))
        return;
    connection->subject = found->subject;
    connection->handler = found->handler;
}
