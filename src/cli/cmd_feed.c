/* onhand feed: what happened, page by page up to now, or followed as it happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/columns.h"
#include "cli/document.h"
#include "cli/progress.h"
#include "cli/sse.h"

#define PATH_BYTES_MAX     (64 * 1024)
#define POSITION_BYTES_MAX SSE_ID_BYTES_MAX
#define PAGE_EVENTS        "1000"
#define PATIENCE_S         60  /* without a connection, before a lost server is given up */
#define SILENCE_S          60L /* no event and no heartbeat: the connection is broken */
#define BACKOFF_MS_MIN     100
#define BACKOFF_MS_MAX     5000

struct feed {
    struct client client;
    struct client_answer answer; /* a page, or what a refused connection says */
    struct buffer path;
    struct args_list items, locations, kinds, sources, types;
    bool include_refused, include_reported;
    const char *channel; /* what it may sell, instead of events; NULL for events */
    bool json;
    int64_t limit;                     /* events still to print; INT64_MAX for all */
    char position[POSITION_BYTES_MAX]; /* resume behind this; empty: from the oldest kept */
    bool header_printed;
    bool heard;     /* the present connection brought something */
    bool connected; /* at least one connection stood */
    bool bad;       /* an event is not understood; a message is printed */
    struct sse sse;
};

static void append_list(struct feed *feed, bool *first, const char *key, const struct args_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        client_parameter(&feed->path, first, key, list->values[i]);
}

/* Builds the path. Returns false with a message when it is too long. */
static bool build_path(struct feed *feed, const char *after, const char *limit)
{
    bool first = true;
    buffer_reset(&feed->path);
    buffer_literal(&feed->path, "/v1/feed");
    client_parameter(&feed->path, &first, "after", after[0] == '\0' ? NULL : after);
    client_parameter(&feed->path, &first, "limit", limit);
    append_list(feed, &first, "item", &feed->items);
    append_list(feed, &first, "location", &feed->locations);
    append_list(feed, &first, "kind", &feed->kinds);
    append_list(feed, &first, "source", &feed->sources);
    append_list(feed, &first, "type", &feed->types);
    client_parameter(&feed->path, &first, "channel", feed->channel);
    client_parameter(&feed->path, &first, "include",
                     feed->include_refused && feed->include_reported ? "refused,reported"
                     : feed->include_refused                         ? "refused"
                     : feed->include_reported                        ? "reported"
                                                                     : NULL);
    buffer_byte(&feed->path, '\0');
    if (feed->path.failed)
        cli_error("feed", "the filters are longer than %d bytes", PATH_BYTES_MAX);
    return !feed->path.failed;
}

static bool keep_position(struct feed *feed, struct text position)
{
    if (position.length == 0 || position.length >= sizeof(feed->position))
        return false;
    memcpy(feed->position, position.bytes, position.length);
    feed->position[position.length] = '\0';
    return true;
}

/* ---- printing ---- */

static void print_safe(struct text text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        putchar(byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
}

static void print_cell(struct text text, int width, bool right, bool last)
{
    struct text shown = text_present(text) ? text : TEXT("-");
    int pad = width - (int)columns_width(shown);
    pad = pad > 0 ? pad : 0;
    if (right)
        printf("%*s", pad, "");
    print_safe(shown);
    if (!right && !last)
        printf("%*s", pad, "");
    if (!last)
        putchar(' ');
}

/* What a refusal is about: its code, and the name that is not there or the first of the cells that are short. */
static void print_refusal(const struct document *document, uint32_t event)
{
    static const char *const before[] = {" '", "' at '", "' asked ", " free "};
    static const char *const keys[] = {"item", "location", "asked", "free"};
    struct text code = document_text(document, event, TEXT("code"));
    struct text subject = document_text(document, event, TEXT("subject"));
    uint32_t cells = document_container(document, event, TEXT("cells"));
    if (!text_present(code))
        return;
    printf("  %.*s", (int)code.length, code.bytes);
    if (text_present(subject)) {
        fputs(" '", stdout);
        print_safe(subject);
        putchar('\'');
    }
    if (cells == 0 || document->nodes[cells].type != JSON_ARRAY || document->nodes[cells].count == 0)
        return;
    for (unsigned k = 0; k < 4; k++) {
        fputs(before[k], stdout);
        print_safe(document_text(document, cells + 1, text_of(keys[k], strlen(keys[k]))));
    }
    fputs(document->nodes[cells].count > 1 ? "; and more" : "", stdout);
}

static void print_change_line(struct feed *feed, const struct document *document, uint32_t change)
{
    if (!feed->header_printed)
        printf("%-14s %-12s %-20s %10s\n", "position", "channel", "item", "ats");
    feed->header_printed = true;
    print_cell(document_text(document, change, TEXT("position")), 14, false, false);
    print_cell(document_text(document, change, TEXT("channel")), 12, false, false);
    print_cell(document_text(document, change, TEXT("item")), 20, false, false);
    print_cell(document_text(document, change, TEXT("ats")), 10, true, true);
    putchar('\n');
}

static void print_event_line(struct feed *feed, const struct document *document, uint32_t event)
{
    if (feed->channel != NULL) {
        print_change_line(feed, document, event);
        return;
    }
    uint32_t figures = document_container(document, event, TEXT("figures"));
    if (!feed->header_printed)
        printf("%-27s %-14s %-13s %-20s %-12s %10s %10s %10s %s\n", "recorded at", "position", "type", "item",
               "location", "quantity", "on_hand", "available", "source");
    feed->header_printed = true;
    print_cell(document_text(document, event, TEXT("recorded_at")), 27, false, false);
    print_cell(document_text(document, event, TEXT("position")), 14, false, false);
    print_cell(document_text(document, event, TEXT("type")), 13, false, false);
    print_cell(document_text(document, event, TEXT("item")), 20, false, false);
    print_cell(document_text(document, event, TEXT("location")), 12, false, false);
    print_cell(document_text(document, event, TEXT("quantity")), 10, true, false);
    print_cell(figures == 0 ? TEXT_NONE : document_text(document, figures, TEXT("on_hand")), 10, true, false);
    print_cell(figures == 0 ? TEXT_NONE : document_text(document, figures, TEXT("available")), 10, true, false);
    print_cell(document_text(document, event, TEXT("source")), 0, false, true);
    print_refusal(document, event);
    putchar('\n');
}

static bool not_understood(struct feed *feed, struct text what)
{
    cli_error("feed", "%s sent what is not understood: %.*s", feed->client.base,
              (int)(what.length < 200 ? what.length : 200), what.length == 0 ? "" : what.bytes);
    feed->bad = true;
    return false;
}

/* ---- pages ---- */

/* The text of the element that begins at nodes[at]: up to the last '}' before whatever follows it. */
static struct text element_text(const struct document *document, struct text body, uint32_t at)
{
    uint32_t start = document->nodes[at].offset;
    uint32_t behind = document->nodes[at].next;
    uint32_t bound = body.length;
    if (behind < document->node_count) {
        bound = document->nodes[behind].offset;
    } else {
        while (bound > start && body.bytes[bound - 1] != '}')
            bound--;
        bound--; /* the root's own */
    }
    while (bound > start && body.bytes[bound - 1] != '}')
        bound--;
    return text_of(body.bytes + start, bound - start);
}

/* Prints a page's events. *out_end: nothing more is there now. */
static int print_page(struct feed *feed, bool *out_end)
{
    struct document document;
    struct text body = text_of(feed->answer.body.bytes, feed->answer.body.length);
    if (body.length == 0 || document_init(&document, body) != STATUS_OK) {
        not_understood(feed, body);
        return EXIT_ANSWER;
    }
    uint32_t events = document_container(&document, 0, TEXT("events"));
    struct text next = document_text(&document, 0, TEXT("next"));
    int code = EXIT_DONE;
    if (events == 0 || document.nodes[events].type != JSON_ARRAY) {
        not_understood(feed, body);
        code = EXIT_ANSWER;
    } else {
        uint32_t count = document.nodes[events].count;
        for (uint32_t i = 0, at = events + 1; i < count && feed->limit > 0; i++, feed->limit--) {
            if (feed->json) {
                struct text text = element_text(&document, body, at);
                printf("%.*s\n", (int)text.length, text.bytes);
            } else {
                print_event_line(feed, &document, at);
            }
            at = document.nodes[at].next;
        }
        bool same = next.length == strlen(feed->position) && memcmp(next.bytes, feed->position, next.length) == 0;
        /* Of a channel an empty page is the end, even when something else has happened meanwhile. */
        *out_end = !text_present(next) || (count == 0 && (same || feed->channel != NULL)) || feed->limit == 0;
        if (!*out_end && !keep_position(feed, next)) {
            not_understood(feed, body);
            code = EXIT_ANSWER;
        }
    }
    document_deinit(&document);
    return code;
}

static int fetch_page(struct feed *feed, const char *after, const char *limit)
{
    if (!build_path(feed, after, limit))
        return EXIT_USAGE;
    enum status status = client_get(&feed->client, feed->path.bytes, &feed->answer);
    if (status == STATUS_IO)
        return client_unreachable(&feed->client);
    if (status != STATUS_OK) {
        cli_error("feed", "a page is too large to be read: %s", status_text(status));
        return EXIT_ANSWER;
    }
    if (feed->answer.http == 200)
        return EXIT_DONE;
    return client_refused(&feed->client, feed->answer.http, text_of(feed->answer.body.bytes, feed->answer.body.length));
}

static int print_pages(struct feed *feed)
{
    bool end = false;
    int code = EXIT_DONE;
    while (code == EXIT_DONE && !end) {
        code = fetch_page(feed, feed->position, PAGE_EVENTS);
        if (code == EXIT_DONE)
            code = print_page(feed, &end);
    }
    return code;
}

/* Turns "now" into a position, so that nothing is missed when the first connection breaks at once. */
static int resolve_now(struct feed *feed)
{
    struct document document;
    int code = fetch_page(feed, "now", "1");
    if (code != EXIT_DONE)
        return code;
    struct text body = text_of(feed->answer.body.bytes, feed->answer.body.length);
    if (body.length == 0 || document_init(&document, body) != STATUS_OK) {
        not_understood(feed, body);
        return EXIT_ANSWER;
    }
    if (!keep_position(feed, document_text(&document, 0, TEXT("next")))) {
        not_understood(feed, body);
        code = EXIT_ANSWER;
    }
    document_deinit(&document);
    return code;
}

/* ---- following ---- */

static bool on_frame(void *context, struct text data, const char *id)
{
    struct feed *feed = context;
    struct document document;
    if (feed->json) {
        printf("%.*s\n", (int)data.length, data.bytes);
    } else {
        if (document_init(&document, data) != STATUS_OK)
            return not_understood(feed, data);
        if (document.nodes[0].type == JSON_OBJECT)
            print_event_line(feed, &document, 0);
        document_deinit(&document);
    }
    if (id[0] != '\0')
        (void)keep_position(feed, text_of(id, strlen(id))); /* bounded by the reader of frames */
    feed->limit--;
    return feed->limit > 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *argument)
{
    struct feed *feed = argument;
    long http = 0;
    curl_easy_getinfo(feed->client.easy, CURLINFO_RESPONSE_CODE, &http);
    if (http != 200) {
        buffer_append(&feed->answer.body, bytes, size * n);
        return feed->answer.body.failed ? 0 : size * n;
    }
    feed->heard = true;
    bool go_on = sse_take(&feed->sse, bytes, size * n);
    fflush(stdout);
    return go_on ? size * n : 0;
}

/* One connection, up to its end. */
static CURLcode listen_once(struct feed *feed, long *out_http)
{
    char resume[POSITION_BYTES_MAX + 32];
    snprintf(resume, sizeof(resume), "Last-Event-ID: %s", feed->position);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/event-stream");
    if (headers != NULL && feed->position[0] != '\0' && curl_slist_append(headers, resume) == NULL) {
        curl_slist_free_all(headers);
        headers = NULL;
    }
    CURL *easy = headers == NULL ? NULL : client_prepare(&feed->client, feed->path.bytes, headers);
    if (easy == NULL) {
        curl_slist_free_all(headers);
        return CURLE_OUT_OF_MEMORY;
    }
    buffer_reset(&feed->answer.body);
    sse_reset(&feed->sse);
    feed->heard = false;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, feed);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    CURLcode code = curl_easy_perform(easy);
    *out_http = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, out_http);
    curl_slist_free_all(headers);
    return code;
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

static int follow(struct feed *feed, int64_t patience_s, bool patient_at_start)
{
    int64_t backoff_ms = BACKOFF_MS_MIN;
    int64_t heard_mono_ns = progress_now_ns();
    for (;;) {
        long http = 0;
        if (!build_path(feed, feed->position, NULL))
            return EXIT_USAGE;
        CURLcode code = listen_once(feed, &http);
        if (feed->limit <= 0)
            return EXIT_DONE;
        if (feed->bad || code == CURLE_OUT_OF_MEMORY)
            return EXIT_ANSWER;
        if (http >= 400 && http < 500 && http != 429) {
            struct text body = text_of(feed->answer.body.bytes, feed->answer.body.length);
            if (body.length == 0 || buffer_room(&feed->answer.body, JSON_PADDING) == NULL)
                body.length = 0;
            return client_refused(&feed->client, http, text_of(feed->answer.body.bytes, body.length));
        }
        int64_t now_ns = progress_now_ns();
        feed->connected = feed->connected || http != 0;
        if (feed->heard) {
            backoff_ms = BACKOFF_MS_MIN;
            heard_mono_ns = now_ns;
        }
        if ((!feed->connected && !patient_at_start) || now_ns - heard_mono_ns > patience_s * INT64_C(1000000000))
            return client_unreachable(&feed->client);
        sleep_ms(backoff_ms);
        backoff_ms = backoff_ms * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : backoff_ms * 2;
    }
}

int cmd_feed(int argc, char **argv)
{
    struct feed feed = {.limit = INT64_MAX};
    const char *server = NULL, *after = "";
    bool follows = false;
    int64_t patience_s = -1;
    unsigned word_count = 0;
    int code = EXIT_DONE;
    const struct args_option options[] = {
        {"server", ARGS_TEXT, &server},
        {"json", ARGS_FLAG, &feed.json},
        {"after", ARGS_TEXT, &after},
        {"follow", ARGS_FLAG, &follows},
        {"limit", ARGS_NUMBER, &feed.limit},
        {"item", ARGS_LIST, &feed.items},
        {"location", ARGS_LIST, &feed.locations},
        {"kind", ARGS_LIST, &feed.kinds},
        {"source", ARGS_LIST, &feed.sources},
        {"type", ARGS_LIST, &feed.types},
        {"channel", ARGS_TEXT, &feed.channel},
        {"include-refused", ARGS_FLAG, &feed.include_refused},
        {"include-reported", ARGS_FLAG, &feed.include_reported},
        {"patience", ARGS_NUMBER, &patience_s},
        {NULL, ARGS_FLAG, NULL},
    };
    if (!args_parse(argc, argv, options, NULL, 0, &word_count, &code))
        return code;
    if (feed.limit == 0) {
        cli_error("feed", "--limit is 0, but must be 1 or more; leave it out for all events");
        return EXIT_USAGE;
    }
    if (strlen(after) >= sizeof(feed.position)) {
        cli_error("feed", "--after '%s' is no position; positions look like 1-12345", after);
        return EXIT_USAGE;
    }
    enum status status = client_init(&feed.client, "feed", args_server(server));
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_ANSWER;
    buffer_init(&feed.path, PATH_BYTES_MAX);
    buffer_init(&feed.answer.body, CLIENT_BODY_BYTES_MAX);
    sse_init(&feed.sse, &feed, on_frame);
    if (strcmp(after, "now") == 0)
        code = resolve_now(&feed);
    else
        (void)(after[0] != '\0' && keep_position(&feed, text_of(after, strlen(after)))); /* its length is checked */
    if (code == EXIT_DONE)
        code = follows ? follow(&feed, patience_s < 0 ? PATIENCE_S : patience_s, patience_s >= 0) : print_pages(&feed);
    sse_deinit(&feed.sse);
    buffer_deinit(&feed.answer.body);
    buffer_deinit(&feed.path);
    client_deinit(&feed.client);
    return cli_finish("feed", code);
}
