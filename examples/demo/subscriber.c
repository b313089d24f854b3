/*
 * Goal: whoever follows the feed has the truth, event by event, without ever asking for it.
 * Method: follow /v1/feed as Server-Sent Events from the oldest event on. Per cell, sum `delta.on_hand`, and after
 * every event compare the sum with `figures.on_hand`, and the version with the one before plus one. After a broken
 * connection go on behind the last event seen (`Last-Event-ID`). End with the event that `--until` names by its id;
 * write one line `item TAB on_hand` per item to --out and one summary line to standard output.
 *
 * With `stamps=1` the server says ahead of the events of each flush when that flush was complete, in nanoseconds of the
 * clock this machine's processes share. The latency of an event is from there to having its last byte here; --without
 * leaves out a source that is not part of what is measured (the opening stock comes in one burst).
 */
#include "books.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/json.h"
#include "base/histogram.h"
#include "fail.h"
#include "http.h"
#include "mono.h"
#include "usage.h"
#include "wire.h"

#define EVENT_BYTES_MAX (256u * 1024) /* far above any event: names of 128 bytes, meta of 1 KiB */
#define NODES_MAX       4096
#define POSITION_BYTES  128
#define RETRY_MS        50
#define SHOWN_MAX       5 /* contradictions printed one by one */

struct subscriber {
    uint16_t port;
    const char *until;   /* id of the last event */
    const char *without; /* a source whose events are not measured, NULL for none */
    struct wire wire;
    struct http_reader http;
    struct bytequeue body;
    struct json_parser *parser;
    struct json_node *nodes; /* owned; NODES_MAX */
    struct books books;
    char position[POSITION_BYTES]; /* of the last event taken, "" before the first */
    char next[POSITION_BYTES];     /* of the event whose `id` was read, its data not yet */
    uint64_t arrived_ns;           /* when the bytes now being read came */
    uint64_t flushed_ns;           /* the stamp above the present events, 0 for none */
    bool refused; /* not yet: again, after a pause */
    bool ended;
    uint64_t events, mismatches, gaps, connects;
    struct histogram latency_ns;
};

static struct text member(const struct subscriber *s, uint32_t object, struct text key)
{
    uint32_t at = json_member(s->nodes, object, key);
    return at == 0 ? TEXT_NONE : s->nodes[at].text;
}

/* A whole number of units; the items of the demo have scale 0. */
static bool integer(struct text text, int64_t *out_number)
{
    uint32_t i = text.length > 0 && text.bytes[0] == '-' ? 1 : 0;
    if (text.length == i || text.length - i > 16)
        return false;
    int64_t number = 0;
    for (uint32_t k = i; k < text.length; k++) {
        if (text.bytes[k] < '0' || text.bytes[k] > '9')
            return false;
        number = number * 10 + (text.bytes[k] - '0');
    }
    *out_number = i == 1 ? -number : number;
    return true;
}

static void contradiction(struct subscriber *s, uint64_t *counter, const char *what, struct text data)
{
    if (s->mismatches + s->gaps < SHOWN_MAX)
        (void)fprintf(stderr, "%s: %.*s\n", what, (int)data.length, data.bytes);
    ++*counter;
}

static void take_event(struct subscriber *s, struct text data)
{
    uint32_t count;
    if (json_parse(s->parser, data.bytes, data.length, s->nodes, NODES_MAX, &count, NULL) != JSON_OK ||
        s->nodes[0].type != JSON_OBJECT)
        fail("the feed sends something that is not a JSON object: %.*s", (int)data.length, data.bytes);
    s->events++;
    if (s->flushed_ns != 0 &&
        (s->without == NULL || !text_equal(member(s, 0, TEXT("source")), text_of(s->without, strlen(s->without)))))
        histogram_add(&s->latency_ns, s->arrived_ns > s->flushed_ns ? s->arrived_ns - s->flushed_ns : 0, 1);
    if (s->until != NULL && text_equal(member(s, 0, TEXT("id")), text_of(s->until, strlen(s->until)))) {
        s->ended = true;
        return;
    }
    struct text item = member(s, 0, TEXT("item")), location = member(s, 0, TEXT("location"));
    if (item.length == 0 || location.length == 0)
        return; /* configuration and the like: no cell */
    struct book *book = books_of(&s->books, item, location);
    int64_t version = 0, on_hand_units = 0, moved_units = 0;
    uint32_t figures = json_member(s->nodes, 0, TEXT("figures")), delta = json_member(s->nodes, 0, TEXT("delta"));
    uint32_t moved = delta == 0 ? 0 : json_member(s->nodes, delta, TEXT("on_hand"));
    if (!integer(member(s, 0, TEXT("version")), &version) || figures == 0 ||
        !integer(member(s, figures, TEXT("on_hand")), &on_hand_units) ||
        (moved != 0 && !integer(s->nodes[moved].text, &moved_units)))
        fail("an event without figures: %.*s", (int)data.length, data.bytes);
    book->on_hand_units += moved_units;
    if (book->on_hand_units != on_hand_units)
        contradiction(s, &s->mismatches, "figures differ from the sum", data);
    if ((uint64_t)version != book->version + 1)
        contradiction(s, &s->gaps, "a version is missing or comes twice", data);
    book->version = (uint64_t)version;
}

static bool begins(struct text line, const char *with)
{
    size_t n = strlen(with);
    return line.length >= n && memcmp(line.bytes, with, n) == 0;
}

/* `id`, `event` and one `data` line per event, in this order; comments between events. */
static void take_line(struct subscriber *s, struct text line)
{
    if (begins(line, "data: ")) {
        take_event(s, text_of(line.bytes + 6, line.length - 6));
        /* Only now: after a break between `id` and `data` this event must come again. */
        memcpy(s->position, s->next, POSITION_BYTES);
    } else if (begins(line, "id: ")) {
        if (line.length - 4 >= POSITION_BYTES)
            fail("a position of %u bytes", line.length - 4);
        memcpy(s->next, line.bytes + 4, line.length - 4);
        s->next[line.length - 4] = '\0';
    } else if (begins(line, ": flushed ")) {
        int64_t stamp_ns;
        s->flushed_ns = 0;
        char digits[24] = {0};
        uint32_t n = line.length - 10;
        if (n < sizeof(digits)) {
            memcpy(digits, line.bytes + 10, n);
            stamp_ns = strtoll(digits, NULL, 10);
            s->flushed_ns = stamp_ns > 0 ? (uint64_t)stamp_ns : 0;
        }
    }
}

static bool open_feed(struct subscriber *s, int epoll)
{
    if (!wire_open(&s->wire, epoll, s->port, s))
        return false;
    s->http = (struct http_reader){0};
    s->body.start = s->body.end = 0;
    s->flushed_ns = 0;
    s->connects++;
    bytequeue_print(&s->wire.out,
                    "GET /v1/feed?stamps=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: text/event-stream\r\n", s->port);
    if (s->position[0] != '\0')
        bytequeue_print(&s->wire.out, "Last-Event-ID: %s\r\n", s->position);
    bytequeue_literal(&s->wire.out, "\r\n");
    if (wire_send(&s->wire))
        return true;
    wire_close(&s->wire);
    return false;
}

/* What has arrived; false when the connection is over. A line cut off by that is not used: its event comes again. */
static bool take_arrived(struct subscriber *s)
{
    bool open = wire_receive(&s->wire);
    s->arrived_ns = mono_ns();
    while (!s->ended) {
        struct text piece, line;
        enum http_step step = http_read(&s->http, &s->wire.in, &piece);
        if (step == HTTP_MORE)
            break;
        if (step == HTTP_BAD)
            fail("the server's answer is not HTTP");
        if (step == HTTP_END)
            return false;
        s->refused = s->http.status == 503; /* it reads its journal */
        if (s->refused)
            return false;
        if (s->http.status != 200)
            fail("answer %u: %.*s", s->http.status, (int)piece.length, piece.bytes);
        /* The JSON reader looks ahead: readable bytes behind every line. */
        bytequeue_reserve(&s->body, (size_t)piece.length + JSON_PADDING);
        bytequeue_append(&s->body, piece.bytes, piece.length);
        while (!s->ended && bytequeue_line(&s->body, &line))
            take_line(s, line);
        if (bytequeue_length(&s->body) > EVENT_BYTES_MAX)
            fail("an event of more than %u bytes", EVENT_BYTES_MAX);
    }
    return open;
}

static void follow(struct subscriber *s, uint64_t until_ns)
{
    int epoll = wire_epoll();
    while (!s->ended) {
        if (mono_ns() > until_ns)
            fail("the last event did not come in time; seen were %llu, through %s", (unsigned long long)s->events,
                 s->position);
        void *owners[WIRE_EVENTS_MAX];
        if (s->wire.fd < 0 && !open_feed(s, epoll))
            (void)wire_wait(epoll, RETRY_MS, owners); /* nobody there yet: only the pause is wanted */
        else if (wire_wait(epoll, RETRY_MS, owners) > 0 && !take_arrived(s))
            wire_close(&s->wire);
        if (s->refused)
            (void)wire_wait(epoll, RETRY_MS, owners);
        s->refused = false;
    }
    (void)close(epoll); /* nothing is lost with it */
}

int main(int argc, char **argv)
{
    static struct subscriber s;
    const char *out = NULL;
    uint64_t seconds = 600;
    s.wire.fd = -1;
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--port") == 0)
            s.port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--until") == 0)
            s.until = value;
        else if (strcmp(name, "--out") == 0)
            out = value;
        else if (strcmp(name, "--without") == 0)
            s.without = value;
        else if (strcmp(name, "--seconds") == 0)
            seconds = strtoul(value, NULL, 10);
        else
            s.port = 0;
        if (s.port == 0)
            fail("usage: demo_subscriber --port N --until ID [--without SOURCE] [--out FILE] [--seconds N]");
    }
    s.parser = json_parser_create(EVENT_BYTES_MAX);
    s.nodes = calloc(NODES_MAX, sizeof(*s.nodes));
    if (s.parser == NULL || s.nodes == NULL)
        fail("no memory");
    uint64_t from_ns = mono_ns();
    follow(&s, from_ns + seconds * NS_PER_S);
    if (out != NULL) {
        FILE *file = fopen(out, "we");
        if (file == NULL)
            fail("%s: %s", out, strerror(errno));
        books_write(&s.books, file);
        if (ferror(file) || fclose(file) != 0)
            fail("%s could not be written", out);
    }
    printf("{\"events\":%llu,\"cells\":%zu,\"mismatches\":%llu,\"gaps\":%llu,\"connects\":%llu,\"stamped\":%llu,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"cpu_s\":%.2f}\n",
           (unsigned long long)s.events, s.books.count, (unsigned long long)s.mismatches, (unsigned long long)s.gaps,
           (unsigned long long)s.connects, (unsigned long long)s.latency_ns.count,
           (double)histogram_quantile(&s.latency_ns, 500000) / 1e3,
           (double)histogram_quantile(&s.latency_ns, 990000) / 1e3, (double)s.latency_ns.max / 1e3,
           (double)usage_of((int)getpid(), NULL).cpu_ns / 1e9);
    books_deinit(&s.books);
    wire_deinit(&s.wire);
    bytequeue_deinit(&s.body);
    free(s.nodes);
    json_parser_destroy(s.parser);
    return s.mismatches + s.gaps == 0 ? 0 : 1;
}
