/* onhand get: present figures, as tables for people or the server's JSON for programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/columns.h"
#include "cli/document.h"

#define PATH_BYTES_MAX (64 * 1024) /* filters included; the server takes heads of 16 KiB */

struct get {
    struct client client;
    struct client_answer answer;
    struct buffer path;
    bool json;
    const char *first_name, *second_name; /* of what is asked for; NULL for none */
};

/* Columns of a table: where each value comes from. A title that begins with '>' stands right. */
struct column {
    const char *title;
    const char *key;
};

static const struct column figure_columns[] = {
    {"item", "item"},          {"location", "location"},      {">on_hand", "on_hand"},   {">sellable", "sellable"},
    {">held", "held"},         {">committed", "committed"},   {">reserved", "reserved"}, {">available", "available"},
    {">oversold", "oversold"}, {">in_transit", "in_transit"}, {">version", "version"},
};
static const struct column claim_columns[] = {
    {"item", "item"},          {"location", "location"},    {">granted", "granted"},
    {">held", "held"},         {">committed", "committed"}, {">picked", "picked"},
    {">consumed", "consumed"}, {">released", "released"},   {">expired", "expired"},
    {">short", "short"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_row(struct columns *table, const struct document *document, uint32_t object,
                    const struct column *columns, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++) {
        struct text value = document_text(document, object, text_of(columns[i].key, strlen(columns[i].key)));
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

/* Every plain member of the root, one a line. */
static void print_members(const struct document *document)
{
    for (uint32_t i = 0, at = 1; i < document->nodes[0].count; i++) {
        struct text value = document_value(&document->nodes[at]);
        if (text_present(value))
            printf("%.*s: %.*s\n", (int)document->nodes[at].key.length, document->nodes[at].key.bytes,
                   (int)value.length, value.bytes);
        at = document->nodes[at].next;
    }
}

static int print_document(const struct document *document)
{
    uint32_t array = 0;
    if (document->nodes[0].type != JSON_OBJECT)
        return EXIT_ANSWER;
    if ((array = document_container(document, 0, TEXT("locations"))) != 0 ||
        (array = document_container(document, 0, TEXT("figures"))) != 0) {
        uint32_t total = document_container(document, 0, TEXT("total"));
        int code = print_table(document, array, total, figure_columns, COUNT(figure_columns));
        print_member(document, "position");
        print_member(document, "next");
        return code;
    }
    if ((array = document_container(document, 0, TEXT("lines"))) != 0) {
        print_members(document);
        return print_table(document, array, 0, claim_columns, COUNT(claim_columns));
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
        return printed ? EXIT_DONE : EXIT_ANSWER;
    }
    print_members(document);
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
        else if (text_equal(code, TEXT("unknown_location")))
            thing = "location", name = get->second_name;
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
        int printed = print_document(&document);
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

/* What can be got, and how many names each takes. */
static const struct {
    const char *name;
    const char *path;
    unsigned name_min, name_max;
    const char *usage;
} things[] = {
    {"stock", "/v1/stock", 1, 2, "get stock ITEM [LOCATION]"},
    {"hold", "/v1/holds", 1, 1, "get hold ID"},
    {"item", "/v1/items", 1, 1, "get item NAME"},
    {"figures", "/v1/figures", 0, 0, "get figures [--item ITEM]... [--location LOCATION]..."},
    {"ready", "/readyz", 0, 0, "get ready"},
};

int cmd_get(int argc, char **argv)
{
    struct get get = {.json = false};
    struct args_list items = {.count = 0}, locations = {.count = 0};
    const char *server = NULL, *words[3];
    unsigned word_count = 0;
    int code = EXIT_DONE;
    const struct args_option options[] = {
        {"server", ARGS_TEXT, &server},      {"json", ARGS_FLAG, &get.json}, {"item", ARGS_LIST, &items},
        {"location", ARGS_LIST, &locations}, {NULL, ARGS_FLAG, NULL},
    };
    if (!args_parse(argc, argv, options, words, 3, &word_count, &code))
        return code;
    size_t thing = 0;
    while (thing < COUNT(things) && (word_count == 0 || strcmp(words[0], things[thing].name) != 0))
        thing++;
    if (thing == COUNT(things)) {
        cli_error("get", "%s%s%s; there are: stock, hold, item, figures, ready; see onhand help get",
                  word_count == 0 ? "it is not said what to get" : "no '", word_count == 0 ? "" : words[0],
                  word_count == 0 ? "" : "' to get");
        return EXIT_USAGE;
    }
    unsigned name_count = word_count - 1;
    bool filters = items.count + locations.count != 0;
    if (name_count < things[thing].name_min || name_count > things[thing].name_max ||
        (filters && strcmp(things[thing].name, "figures") != 0)) {
        cli_error("get", "usage: onhand %s", things[thing].usage);
        return EXIT_USAGE;
    }
    enum status status = client_init(&get.client, "get", args_server(server));
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_ANSWER;
    buffer_init(&get.path, PATH_BYTES_MAX);
    buffer_init(&get.answer.body, CLIENT_BODY_BYTES_MAX);
    buffer_append(&get.path, things[thing].path, strlen(things[thing].path));
    for (unsigned i = 0; i < name_count; i++)
        append_name(&get.path, words[i + 1]);
    get.first_name = name_count > 0 ? words[1] : NULL;
    get.second_name = name_count > 1 ? words[2] : NULL;
    bool first = true;
    append_list(&get.path, &first, "item", &items);
    append_list(&get.path, &first, "location", &locations);
    code = fetch_and_print(&get, strcmp(things[thing].name, "ready") == 0);
    buffer_deinit(&get.answer.body);
    buffer_deinit(&get.path);
    client_deinit(&get.client);
    return cli_finish("get", code);
}
