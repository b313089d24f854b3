/* onhand get: present figures and lists, as tables for people or the server's JSON for programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/columns.h"
#include "cli/document.h"

#define PATH_BYTES_MAX (64 * 1024) /* filters included; the server takes heads of 16 KiB */

/* Columns of a table: where each value comes from. A title that begins with '>' stands right. */
struct column {
    const char *title;
    const char *key;
};

static const struct column figure_columns[] = {
    {"item", "item"},          {"location", "location"},      {">on_hand", "on_hand"},   {">sellable", "sellable"},
    {">in_bins", "in_bins"},
    {">held", "held"},         {">committed", "committed"},   {">reserved", "reserved"}, {">available", "available"},
    {">oversold", "oversold"}, {">in_transit", "in_transit"}, {">version", "version"},
};
static const struct column claim_columns[] = {
    {"item", "item"},          {"location", "location"},    {">granted", "granted"},
    {">held", "held"},         {">committed", "committed"}, {">picked", "picked"},
    {">consumed", "consumed"}, {">released", "released"},   {">expired", "expired"},
    {">short", "short"},
};
static const struct column hold_columns[] = {
    {"hold", "hold"}, {"state", "state"}, {"holder", "holder"}, {"channel", "channel"}, {"expires_at", "expires_at"},
};
static const struct column waiting_columns[] = {
    {"hold", "hold"},       {"state", "state"},           {"holder", "holder"}, {"channel", "channel"},
    {">priority", "priority"}, {"expires_at", "expires_at"},
};
static const struct column channel_columns[] = {
    {"channel", "channel"}, {">priority", "priority"}, {"shares_rest", "shares_rest"}, {">buffer", "buffer"},
    {">cap", "cap"},        {"locations", "locations"},
};
static const struct column availability_columns[] = {{"item", "item"}, {">ats", "ats"}};
static const struct column free_columns[] = {
    {"item", "item"},           {"location", "location"}, {">on_hand", "on_hand"}, {">reserved", "reserved"},
    {">available", "available"}, {">free", "free"},        {">version", "version"},
};
static const struct column transfer_columns[] = {
    {"transfer", "transfer"}, {"state", "state"}, {"from", "from"}, {"to", "to"}, {"eta", "eta"},
};
static const struct column expectation_columns[] = {
    {"expectation", "expectation"}, {"state", "state"}, {"direction", "direction"},
};
static const struct column document_line_columns[] = {
    {"item", "item"}, {"location", "location"}, {">units", "units"}, {"due", "due"},
};
static const struct column review_columns[] = {
    {"review", "review"}, {"state", "state"}, {"brake", "brake"}, {"kind", "kind"}, {"source", "source"},
    {"recorded_at", "recorded_at"},
};
static const struct column drift_columns[] = {
    {"source", "source"}, {"item", "item"}, {"location", "location"}, {">stated", "stated"}, {">books", "books"},
    {">difference", "difference"}, {"policy", "policy"}, {"count_asked", "count_asked"},
    {"counted", "counted"},
};
static const struct column item_columns[] = {
    {"item", "item"}, {">scale", "scale"}, {"provisional", "provisional"},
};
static const struct column location_columns[] = {
    {"location", "location"}, {"parent", "parent"}, {"promise", "promise"}, {"zone", "zone"},
};
static const struct column history_columns[] = {
    {">seq", "seq"},           {"type", "type"}, {"location", "location"},       {">quantity", "quantity"},
    {">version", "version"},   {"source", "source"}, {"id", "id"},               {"occurred_at", "occurred_at"},
    {"recorded_at", "recorded_at"},
};
static const struct column audit_columns[] = {{"invariant", "invariant"}, {">checked", "checked"}};
static const struct column source_columns[] = {{"source", "source"}, {"ordered", "ordered"}, {">seq", "seq"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Filters by the names of their options; the server's are the same, with _ for -. */
enum get_filter { GET_ITEM, GET_LOCATION, GET_CONDITION, GET_STATE, GET_HOLDER, GET_CHANNEL, GET_DIRECTION, GET_Q,
                  GET_AS_OF, GET_AXIS, GET_LIMIT, GET_CURSOR, GET_FILTER_COUNT };
#define GET_EXPLAIN GET_FILTER_COUNT /* a flag, and no filter */
static const char *const filter_names[GET_FILTER_COUNT] = {
    "item", "location", "condition", "state", "holder", "channel", "direction", "q", "as-of", "axis", "limit",
    "cursor"};
#define HAS(filter) (1U << (filter))
#define HAS_PAGES   (HAS(GET_LIMIT) | HAS(GET_CURSOR))
#define PAGES       "[--limit COUNT] [--cursor CURSOR]"
#define NAMES_MAX   64 /* behind what is to be got */
#define ROWS(member, columns) member, columns, COUNT(columns)
#define NO_ROWS     NULL, NULL, 0

/* What can be got: how many names it takes, which filters, and where the rows of a list are. Names are parts of the
 * path, or with name_key parameters. */
struct thing {
    const char *name;
    const char *path;
    unsigned name_min, name_max;
    unsigned filters;
    const char *rows;
    const struct column *columns;
    size_t column_count;
    const char *usage;
    const char *name_key;
};

static const struct thing things[] = {
    {"stock", "/v1/stock", 1, 2, HAS(GET_AS_OF) | HAS(GET_AXIS) | HAS(GET_EXPLAIN), NO_ROWS,
     "get stock ITEM [LOCATION] [--as-of TIME [--axis recorded|occurred|booked]] [--explain]", NULL},
    {"stock", "/v1/stock", 0, 0,
     HAS(GET_LOCATION) | HAS(GET_CHANNEL) | HAS(GET_CONDITION) | HAS(GET_STATE) | HAS(GET_Q) | HAS_PAGES,
     ROWS("stock", figure_columns),
     "get stock [--location LOCATION] [--channel CHANNEL] [--condition CONDITION] [--state STATE] [--q TEXT] " PAGES,
     NULL},
    {"availability", "/v1/availability", 1, NAMES_MAX, HAS(GET_CHANNEL) | HAS(GET_AS_OF) | HAS(GET_EXPLAIN),
     ROWS("items", availability_columns), "get availability --channel CHANNEL ITEM... [--as-of TIME] [--explain]", "item"},
    {"availability", "/v1/availability", 0, 0, HAS(GET_CHANNEL) | HAS(GET_Q) | HAS_PAGES,
     ROWS("items", availability_columns), "get availability --channel CHANNEL [ITEM... | [--q TEXT] " PAGES "]", NULL},
    {"history", "/v1/history", 1, 1, HAS(GET_LOCATION) | HAS(GET_AXIS) | HAS_PAGES, ROWS("entries", history_columns),
     "get history ITEM [--location LOCATION] [--axis recorded|occurred|booked] " PAGES, NULL},
    {"hold", "/v1/holds", 1, 1, HAS(GET_AS_OF), NO_ROWS, "get hold ID [--as-of TIME]", NULL},
    {"holds", "/v1/holds", 0, 0,
     HAS(GET_ITEM) | HAS(GET_LOCATION) | HAS(GET_STATE) | HAS(GET_HOLDER) | HAS(GET_CHANNEL) | HAS_PAGES,
     ROWS("holds", hold_columns),
     "get holds [--item ITEM] [--location LOCATION] [--state STATE] [--holder HOLDER] [--channel CHANNEL] " PAGES, NULL},
    {"waiting", "/v1/waiting", 0, 0,
     HAS(GET_ITEM) | HAS(GET_LOCATION) | HAS(GET_HOLDER) | HAS(GET_CHANNEL) | HAS_PAGES,
     ROWS("waiting", waiting_columns),
     "get waiting [--item ITEM] [--location LOCATION] [--holder HOLDER] [--channel CHANNEL] " PAGES, NULL},
    {"transfer", "/v1/transfers", 1, 1, HAS(GET_AS_OF), NO_ROWS, "get transfer NAME [--as-of TIME]", NULL},
    {"transfers", "/v1/transfers", 0, 0, HAS(GET_ITEM) | HAS(GET_LOCATION) | HAS(GET_STATE) | HAS_PAGES,
     ROWS("transfers", transfer_columns), "get transfers [--item ITEM] [--location LOCATION] [--state STATE] " PAGES, NULL},
    {"expectation", "/v1/expectations", 1, 1, HAS(GET_AS_OF), NO_ROWS, "get expectation NAME [--as-of TIME]", NULL},
    {"expectations", "/v1/expectations", 0, 0,
     HAS(GET_ITEM) | HAS(GET_LOCATION) | HAS(GET_STATE) | HAS(GET_DIRECTION) | HAS_PAGES,
     ROWS("expectations", expectation_columns),
     "get expectations [--item ITEM] [--location LOCATION] [--state STATE] [--direction in|out] " PAGES, NULL},
    {"review", "/v1/reviews", 1, 1, 0, NO_ROWS, "get review NAME", NULL},
    {"reviews", "/v1/reviews", 0, 0, HAS(GET_STATE) | HAS_PAGES, ROWS("reviews", review_columns),
     "get reviews [--state STATE] " PAGES, NULL},
    {"periods", "/v1/periods", 0, 0, 0, NO_ROWS, "get periods", NULL},
    {"drift", "/v1/drift", 0, 0, HAS(GET_ITEM) | HAS(GET_LOCATION) | HAS(GET_STATE) | HAS_PAGES | HAS(GET_EXPLAIN),
     ROWS("drift", drift_columns), "get drift [--item ITEM] [--location LOCATION] [--state STATE] [--explain] " PAGES, NULL},
    {"item", "/v1/items", 1, 1, 0, NO_ROWS, "get item NAME", NULL},
    {"items", "/v1/items", 0, 0, HAS(GET_Q) | HAS_PAGES, ROWS("items", item_columns), "get items [--q TEXT] " PAGES,
     NULL},
    {"location", "/v1/locations", 1, 1, 0, NO_ROWS, "get location NAME", NULL},
    {"locations", "/v1/locations", 0, 0, HAS(GET_Q) | HAS_PAGES, ROWS("locations", location_columns),
     "get locations [--q TEXT] " PAGES, NULL},
    {"channel", "/v1/channels", 1, 1, 0, NO_ROWS, "get channel NAME", NULL},
    {"channels", "/v1/channels", 0, 0, HAS(GET_Q) | HAS_PAGES, ROWS("channels", channel_columns),
     "get channels [--q TEXT] " PAGES, NULL},
    {"source", "/v1/sources", 1, 1, 0, NO_ROWS, "get source NAME", NULL},
    {"sources", "/v1/sources", 0, 0, HAS(GET_Q) | HAS_PAGES, ROWS("sources", source_columns),
     "get sources [--q TEXT] " PAGES, NULL},
    {"audit", "/v1/audit", 0, 0, 0, NO_ROWS, "get audit", NULL},
    {"figures", "/v1/figures", 0, 0, HAS(GET_ITEM) | HAS(GET_LOCATION), ROWS("figures", figure_columns),
     "get figures [--item ITEM]... [--location LOCATION]...", NULL},
    {"ready", "/readyz", 0, 0, 0, NO_ROWS, "get ready", NULL},
};

struct get {
    struct client client;
    struct client_answer answer;
    struct buffer path;
    bool json;
    const struct thing *thing;
    const char *first_name, *second_name; /* of what is asked for; NULL for none */
    const char *channel, *location;       /* the filters'; NULL for none */
};

/* The strings of an array, with commas between, as much as fits. */
static struct text join(const struct document *document, uint32_t array, char *bytes, size_t capacity)
{
    size_t n = 0;
    for (uint32_t i = 0, at = array + 1; i < document->nodes[array].count; i++) {
        struct text value = document_value(&document->nodes[at]);
        if (!text_present(value) || n + value.length + 1 > capacity)
            break;
        if (n != 0)
            bytes[n++] = ',';
        memcpy(bytes + n, value.bytes, value.length);
        n += value.length;
        at = document->nodes[at].next;
    }
    return n == 0 ? TEXT_NONE : text_of(bytes, n);
}

static void add_row(struct columns *table, const struct document *document, uint32_t object,
                    const struct column *columns, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++) {
        char joined[1024];
        struct text key = text_of(columns[i].key, strlen(columns[i].key));
        struct text value = document_text(document, object, key);
        uint32_t array = text_present(value) ? 0 : document_container(document, object, key);
        if (array != 0 && document->nodes[array].type == JSON_ARRAY)
            value = join(document, array, joined, sizeof(joined));
        columns_add(table, text_present(value) ? value : TEXT("-"));
    }
}

/* Prints the objects of an array (0 for none) as rows, and after them the object `total` (0 for none). */
static int print_table(const struct document *document, uint32_t array, uint32_t total, const struct column *columns,
                       size_t column_count)
{
    const char *titles[COLUMNS_MAX];
    struct columns table;
    for (size_t i = 0; i < column_count; i++)
        titles[i] = columns[i].title;
    columns_init(&table, titles, (unsigned)column_count);
    for (uint32_t i = 0, at = array + 1; array != 0 && i < document->nodes[array].count; i++) {
        add_row(&table, document, at, columns, column_count);
        at = document->nodes[at].next;
    }
    if (total != 0) {
        columns_add(&table, TEXT("total"));
        columns_add(&table, TEXT(""));
        add_row(&table, document, total, columns + 2, column_count - 2);
    }
    bool printed = columns_print(&table, stdout);
    columns_deinit(&table);
    if (!printed)
        cli_error("get", "memory for the table cannot be had; --json needs less");
    return printed ? EXIT_DONE : EXIT_ANSWER;
}

static void print_member(const struct document *document, const char *key)
{
    struct text value = document_text(document, 0, text_of(key, strlen(key)));
    if (text_present(value))
        printf("%s: %.*s\n", key, (int)value.length, value.bytes);
}

/* Every plain member of the root, and every list of plain ones, one a line. */
static void print_members(const struct document *document)
{
    for (uint32_t i = 0, at = 1; i < document->nodes[0].count; i++) {
        char joined[1024];
        struct text value = document_value(&document->nodes[at]);
        if (document->nodes[at].type == JSON_ARRAY)
            value = join(document, at, joined, sizeof(joined));
        if (text_present(value))
            printf("%.*s: %.*s\n", (int)document->nodes[at].key.length, document->nodes[at].key.bytes,
                   (int)value.length, value.bytes);
        at = document->nodes[at].next;
    }
}

/* A node of a tree: its value, what it is, and below it, indented, what it is made of. */
static void print_node(const struct document *document, uint32_t object, unsigned depth)
{
    struct text units = document_text(document, object, TEXT("value"));
    printf("%*s%.*s", (int)(2 * depth), "", (int)units.length, text_present(units) ? units.bytes : "");
    for (uint32_t i = 0, at = object + 1; i < document->nodes[object].count; i++) {
        const struct json_node *node = &document->nodes[at];
        struct text value = document_value(node);
        bool name = i == 0 || text_equal(node->key, TEXT("type"));
        if (text_present(value) && !text_equal(node->key, TEXT("value"))) {
            if (name)
                printf("  %.*s", (int)value.length, value.bytes);
            else
                printf("  %.*s=%.*s", (int)node->key.length, node->key.bytes, (int)value.length, value.bytes);
        }
        at = node->next;
    }
    putchar('\n');
    uint32_t parts = document_container(document, object, TEXT("sum"));
    for (uint32_t i = 0, at = parts + 1; parts != 0 && i < document->nodes[parts].count; i++) {
        print_node(document, at, depth + 1);
        at = document->nodes[at].next;
    }
}

static void print_trees(const struct document *document, uint32_t object)
{
    uint32_t trees = document_container(document, object, TEXT("explain"));
    for (uint32_t i = 0, at = trees + 1; trees != 0 && i < document->nodes[trees].count; i++) {
        print_node(document, at, 0);
        at = document->nodes[at].next;
    }
}

/* The trees of each row that has some, below what the row is of. */
static void print_row_trees(const struct document *document, uint32_t array)
{
    for (uint32_t i = 0, at = array + 1; array != 0 && i < document->nodes[array].count; i++) {
        if (document_container(document, at, TEXT("explain")) != 0) {
            struct text source = document_text(document, at, TEXT("source"));
            struct text item = document_text(document, at, TEXT("item"));
            struct text location = document_text(document, at, TEXT("location"));
            putchar('\n');
            if (text_present(source))
                printf("%.*s: %.*s at %.*s\n", (int)source.length, source.bytes, (int)item.length, item.bytes,
                       (int)location.length, location.bytes);
            else
                printf("%.*s\n", (int)item.length, item.bytes);
            print_trees(document, at);
        }
        at = document->nodes[at].next;
    }
}

static int print_document(const struct document *document, const struct thing *thing, bool of_channel)
{
    uint32_t array = 0;
    if (document->nodes[0].type != JSON_OBJECT)
        return EXIT_ANSWER;
    if (thing->rows != NULL) {
        array = document_container(document, 0, text_of(thing->rows, strlen(thing->rows)));
        bool with_free = of_channel && thing->columns == figure_columns;
        int code = with_free ? print_table(document, array, 0, free_columns, COUNT(free_columns))
                             : print_table(document, array, 0, thing->columns, thing->column_count);
        print_member(document, "position");
        print_member(document, "next");
        print_row_trees(document, array);
        return code;
    }
    uint32_t total = document_container(document, 0, TEXT("total"));
    if (total != 0 && (array = document_container(document, 0, TEXT("locations"))) != 0) {
        int code = print_table(document, array, total, figure_columns, COUNT(figure_columns));
        print_member(document, "position");
        print_trees(document, 0);
        return code;
    }
    if ((array = document_container(document, 0, TEXT("invariants"))) != 0) {
        print_members(document);
        return print_table(document, array, 0, audit_columns, COUNT(audit_columns));
    }
    if ((array = document_container(document, 0, TEXT("lines"))) != 0) {
        bool claim = strcmp(thing->name, "hold") == 0;
        print_members(document);
        return print_table(document, array, 0, claim ? claim_columns : document_line_columns,
                           claim ? COUNT(claim_columns) : COUNT(document_line_columns));
    }
    if (text_present(document_text(document, 0, TEXT("on_hand")))) {
        const char *titles[COLUMNS_MAX];
        struct columns table;
        for (size_t i = 0; i < COUNT(figure_columns); i++)
            titles[i] = figure_columns[i].title;
        columns_init(&table, titles, COUNT(figure_columns));
        add_row(&table, document, 0, figure_columns, COUNT(figure_columns));
        bool printed = columns_print(&table, stdout);
        columns_deinit(&table);
        print_trees(document, 0);
        return printed ? EXIT_DONE : EXIT_ANSWER;
    }
    print_members(document);
    print_trees(document, 0);
    return EXIT_DONE;
}

/* An answer that is no 200. A name that is not there is named as it was given. */
static int refused(const struct get *get, struct text body)
{
    struct document document;
    const char *thing = NULL, *name = NULL;
    if (get->answer.http == 404 && body.length != 0 && document_init(&document, body) == STATUS_OK) {
        struct text code = document_text(&document, 0, TEXT("code"));
        if (text_equal(code, TEXT("unknown_item")))
            thing = "item", name = get->first_name;
        else if (text_equal(code, TEXT("unknown_hold")))
            thing = "hold", name = get->first_name;
        else if (text_equal(code, TEXT("unknown_transfer")))
            thing = "transfer", name = get->first_name;
        else if (text_equal(code, TEXT("unknown_expectation")))
            thing = "expectation", name = get->first_name;
        else if (text_equal(code, TEXT("unknown_review")))
            thing = "review", name = get->first_name;
        else if (text_equal(code, TEXT("unknown_location")))
            thing = "location", name = get->second_name != NULL ? get->second_name
                                      : get->location != NULL  ? get->location
                                                               : get->first_name;
        else if (text_equal(code, TEXT("unknown_channel")))
            thing = "channel", name = get->channel != NULL ? get->channel : get->first_name;
        else if (text_equal(code, TEXT("unknown_source")))
            thing = "source", name = get->first_name;
        document_deinit(&document);
    }
    if (name == NULL)
        return client_refused(&get->client, get->answer.http, body);
    cli_error("get", "%s has no %s '%s' (404, unknown_%s)", get->client.base, thing, name, thing);
    return EXIT_REFUSED;
}

/* Fetches get->path and prints the answer. ready: 503 with a body is an answer, too. */
static int fetch_and_print(struct get *get, bool ready)
{
    struct document document;
    if (get->path.failed) {
        cli_error("get", "the names and filters are longer than %d bytes", PATH_BYTES_MAX);
        return EXIT_USAGE;
    }
    buffer_byte(&get->path, '\0');
    enum status status = client_get(&get->client, get->path.bytes, &get->answer);
    if (status == STATUS_FULL || status == STATUS_MEMORY) {
        cli_error("get", "the answer is too large to be read whole; use filters");
        return EXIT_ANSWER;
    }
    if (status != STATUS_OK)
        return client_unreachable(&get->client);
    struct text body = text_of(get->answer.body.bytes, get->answer.body.length);
    bool shown = get->answer.http == 200 || (ready && get->answer.http == 503);
    if (!shown)
        return refused(get, body);
    int code = get->answer.http == 200 ? EXIT_DONE : EXIT_REFUSED;
    status = body.length == 0 ? STATUS_INVALID : document_init(&document, body);
    if (get->json || (ready && status != STATUS_OK)) {
        fwrite(body.bytes, 1, body.length, stdout);
        if (body.length != 0 && body.bytes[body.length - 1] != '\n')
            putchar('\n');
    } else if (status == STATUS_OK) {
        int printed = print_document(&document, get->thing, get->channel != NULL);
        code = printed == EXIT_DONE ? code : printed;
    }
    if (status == STATUS_OK) {
        document_deinit(&document);
    } else if (!ready) {
        cli_error("get", "%s answered what is no JSON: %.*s", get->client.base,
                  (int)(body.length < 200 ? body.length : 200), body.length == 0 ? "" : body.bytes);
        code = EXIT_ANSWER;
    }
    return code;
}

static void append_name(struct buffer *path, const char *name)
{
    buffer_byte(path, '/');
    client_encode(path, text_of(name, strlen(name)));
}

static void append_list(struct buffer *path, bool *first, const char *key, const struct args_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        client_parameter(path, first, key, list->values[i]);
}

/* The thing of this name that takes so many names; else the one that takes most, else NULL. */
static const struct thing *find_thing(const char *name, unsigned name_count)
{
    const struct thing *most = NULL;
    for (size_t i = 0; i < COUNT(things); i++) {
        if (strcmp(name, things[i].name) != 0)
            continue;
        if (name_count >= things[i].name_min && name_count <= things[i].name_max)
            return &things[i];
        if (most == NULL || things[i].name_max > most->name_max)
            most = &things[i];
    }
    return most;
}

static bool has_others(const struct args_list filters[GET_FILTER_COUNT], unsigned taken)
{
    for (unsigned i = 0; i < GET_FILTER_COUNT; i++) {
        if (filters[i].count != 0 && (taken & HAS(i)) == 0)
            return true;
    }
    return false;
}

int cmd_get(int argc, char **argv)
{
    struct get get = {.json = false};
    struct args_list filters[GET_FILTER_COUNT] = {{.count = 0}};
    struct args_option options[GET_FILTER_COUNT + 4];
    bool explain = false;
    const char *server = NULL, *words[1 + NAMES_MAX];
    unsigned word_count = 0;
    int code = EXIT_DONE;
    for (unsigned i = 0; i < GET_FILTER_COUNT; i++)
        options[i] = (struct args_option){filter_names[i], ARGS_LIST, &filters[i]};
    options[GET_FILTER_COUNT] = (struct args_option){"server", ARGS_TEXT, &server};
    options[GET_FILTER_COUNT + 1] = (struct args_option){"json", ARGS_FLAG, &get.json};
    options[GET_FILTER_COUNT + 2] = (struct args_option){"explain", ARGS_FLAG, &explain};
    options[GET_FILTER_COUNT + 3] = (struct args_option){NULL, ARGS_FLAG, NULL};
    if (!args_parse(argc, argv, options, words, 1 + NAMES_MAX, &word_count, &code))
        return code;
    get.thing = word_count == 0 ? NULL : find_thing(words[0], word_count - 1);
    if (get.thing == NULL) {
        cli_error("get",
                  "%s%s%s; there are: stock, history, availability, hold, holds, waiting, transfer, transfers, review, reviews, periods, drift, expectation, "
                  "expectations, item, items, locations, channels, sources, figures, audit, ready; see onhand help get",
                  word_count == 0 ? "it is not said what to get" : "no '", word_count == 0 ? "" : words[0],
                  word_count == 0 ? "" : "' to get");
        return EXIT_USAGE;
    }
    unsigned name_count = word_count - 1;
    if (name_count > get.thing->name_max) {
        cli_error("get", "'%s' is one name too many; usage: onhand %s", words[1 + get.thing->name_max],
                  get.thing->usage);
        return EXIT_USAGE;
    }
    bool channel_missing = strcmp(get.thing->name, "availability") == 0 && filters[GET_CHANNEL].count == 0;
    bool unexplained = explain && (get.thing->filters & HAS(GET_EXPLAIN)) == 0;
    if (name_count < get.thing->name_min || channel_missing || unexplained || has_others(filters, get.thing->filters)) {
        cli_error("get", "usage: onhand %s", get.thing->usage);
        return EXIT_USAGE;
    }
    enum status status = client_init(&get.client, "get", args_server(server));
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_ANSWER;
    buffer_init(&get.path, PATH_BYTES_MAX);
    buffer_init(&get.answer.body, CLIENT_BODY_BYTES_MAX);
    buffer_append(&get.path, get.thing->path, strlen(get.thing->path));
    for (unsigned i = 0; i < name_count && get.thing->name_key == NULL; i++)
        append_name(&get.path, words[i + 1]);
    get.first_name = name_count > 0 ? words[1] : NULL;
    get.second_name = name_count > 1 ? words[2] : NULL;
    get.channel = filters[GET_CHANNEL].count != 0 ? filters[GET_CHANNEL].values[0] : NULL;
    get.location = filters[GET_LOCATION].count != 0 ? filters[GET_LOCATION].values[0] : NULL;
    bool first = true;
    for (unsigned i = 0; i < name_count && get.thing->name_key != NULL; i++)
        client_parameter(&get.path, &first, get.thing->name_key, words[i + 1]);
    for (unsigned i = 0; i < GET_FILTER_COUNT; i++)
        append_list(&get.path, &first, i == GET_AS_OF ? "as_of" : filter_names[i], &filters[i]);
    if (explain)
        client_parameter(&get.path, &first, "explain", "true");
    code = fetch_and_print(&get, strcmp(get.thing->name, "ready") == 0);
    buffer_deinit(&get.answer.body);
    buffer_deinit(&get.path);
    client_deinit(&get.client);
    return cli_finish("get", code);
}
