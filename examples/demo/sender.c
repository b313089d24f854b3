#include "sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "mono.h"

#define WINDOW_LINES   32768           /* outstanding; progress comes at least every 4,096 lines */
#define CHUNK_BYTES    (48u * 1024)    /* of commands per chunk */
#define OUT_BYTES_HIGH (128u * 1024)   /* a wire with more than this unsent gets nothing new */
#define RETRY_NS       (NS_PER_S / 10) /* between two attempts to connect */
#define GONE_NS_MAX    (60 * NS_PER_S) /* a server that is away for longer does not come back */
#define SHOWN_MAX      5               /* lines not accepted that are printed, per source */

void sender_init(struct sender *sender, const char *name, uint16_t port)
{
    *sender = (struct sender){.name = name, .port = port, .wire = {.fd = -1}, .again = SIZE_MAX};
}

void sender_deinit(struct sender *sender)
{
    wire_deinit(&sender->wire);
    bytequeue_deinit(&sender->body);
    bytequeue_deinit(&sender->commands);
    free(sender->ends);
}

void sender_command_end(struct sender *sender)
{
    bytequeue_literal(&sender->commands, "\n");
    if (sender->count == sender->capacity) {
        sender->capacity = sender->capacity == 0 ? 4096 : sender->capacity * 2;
        sender->ends = realloc(sender->ends, sender->capacity * sizeof(*sender->ends));
        if (sender->ends == NULL)
            fail("no memory for %zu commands", sender->capacity);
    }
    sender->ends[sender->count++] = sender->commands.end;
}

static void hang_up(struct sender *sender, uint64_t now_ns)
{
    wire_close(&sender->wire);
    sender->retry_at_ns = now_ns + RETRY_NS;
    sender->gone_since_ns = now_ns;
}

static bool connect_again(struct sender *sender, int epoll, uint64_t now_ns)
{
    if (now_ns < sender->retry_at_ns)
        return false;
    if (!wire_open(&sender->wire, epoll, sender->port, sender)) {
        if (sender->gone_since_ns == 0)
            sender->gone_since_ns = now_ns;
        if (now_ns - sender->gone_since_ns > GONE_NS_MAX)
            fail("%s: nobody listens on port %u", sender->name, sender->port);
        sender->retry_at_ns = now_ns + RETRY_NS;
        return false;
    }
    sender->http = (struct http_reader){0};
    sender->body.start = sender->body.end = 0;
    sender->base = sender->sent = sender->answered;
    sender->again = SIZE_MAX;
    sender->finished = false;
    sender->requests++;
    http_post_chunked(&sender->wire.out, "/v1/commands?answers=errors", sender->port, "application/x-ndjson");
    return true;
}

void sender_pump(struct sender *sender, int epoll, uint64_t now_ns, size_t allowed)
{
    if (sender_done(sender) || (sender->wire.fd < 0 && !connect_again(sender, epoll, now_ns)))
        return;
    struct bytequeue *out = &sender->wire.out;
    if (allowed > sender->count)
        allowed = sender->count;
    if (allowed > sender->answered + WINDOW_LINES)
        allowed = sender->answered + WINDOW_LINES;
    /* Straight on while the socket takes everything: nothing would wake a sender that has room and waits. */
    bool open = true;
    while (open && sender->sent < allowed && bytequeue_length(out) < OUT_BYTES_HIGH) {
        size_t from = sender->sent == 0 ? 0 : sender->ends[sender->sent - 1];
        size_t last = sender->sent;
        while (last + 1 < allowed && sender->ends[last + 1] - from <= CHUNK_BYTES)
            last++;
        size_t mark = http_chunk_open(out);
        bytequeue_append(out, sender->commands.bytes + from, sender->ends[last] - from);
        http_chunk_close(out, mark);
        sender->sent = last + 1;
        open = wire_send(&sender->wire);
    }
    if (open && sender->sent == sender->count && !sender->finished) {
        http_chunk_last(out);
        sender->finished = true;
    }
    if (!open || !wire_send(&sender->wire))
        hang_up(sender, now_ns);
}

static bool contains(struct text text, const char *part)
{
    return memmem(text.bytes, text.length, part, strlen(part)) != NULL;
}

/* The number behind `"name":`. */
static uint64_t number_of(const struct sender *sender, struct text line, const char *name)
{
    const char *at = memmem(line.bytes, line.length, name, strlen(name));
    if (at == NULL)
        fail("%s: no %s in the answer %.*s", sender->name, name, (int)line.length, line.bytes);
    uint64_t number = 0;
    for (at += strlen(name); at < line.bytes + line.length && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static void answered_through(struct sender *sender, size_t through)
{
    if (through > sender->sent)
        fail("%s: %zu answers to %zu commands", sender->name, through, sender->sent);
    if (through > sender->again)
        through = sender->again;
    if (through > sender->answered)
        sender->answered = through;
}

static void read_line(struct sender *sender, struct text line)
{
    if (contains(line, "{\"progress\"")) {
        answered_through(sender, sender->base + (size_t)number_of(sender, line, "\"line\":"));
    } else if (contains(line, "{\"summary\"")) {
        sender->replayed += number_of(sender, line, "\"replayed\":");
        answered_through(sender, sender->base + (size_t)number_of(sender, line, "\"lines\":"));
    } else {
        size_t at = sender->base + (size_t)number_of(sender, line, "\"line\":") - 1;
        if (contains(line, "\"status\":\"retry\"") || contains(line, "\"status\":\"unknown\"")) {
            if (at < sender->again)
                sender->again = at;
            return;
        }
        uint64_t *counter = contains(line, "\"status\":\"refused\"") ? &sender->refused : &sender->invalid;
        if (sender->refused + sender->invalid < SHOWN_MAX)
            (void)fprintf(stderr, "%s: %.*s\n", sender->name, (int)line.length, line.bytes);
        ++*counter;
    }
}

void sender_readable(struct sender *sender, uint64_t now_ns)
{
    if (sender->wire.fd < 0)
        return;
    bool open = wire_receive(&sender->wire);
    for (;;) {
        struct text piece, line;
        enum http_step step = http_read(&sender->http, &sender->wire.in, &piece);
        if (step == HTTP_BODY) {
            bytequeue_append(&sender->body, piece.bytes, piece.length);
            while (sender->http.status == 200 && bytequeue_line(&sender->body, &line))
                read_line(sender, line);
        } else if (step == HTTP_END) {
            if (sender->http.status != 200 && sender->http.status != 503 && sender->http.status != 429)
                fail("%s: answer %u: %.*s", sender->name, sender->http.status, (int)bytequeue_length(&sender->body),
                     bytequeue_length(&sender->body) == 0 ? "" : bytequeue_front(&sender->body));
            open = false;
        } else if (step == HTTP_BAD) {
            fail("%s: the server's answer is not HTTP", sender->name);
        } else {
            break;
        }
    }
    if (!open || sender->again != SIZE_MAX)
        hang_up(sender, now_ns);
}
