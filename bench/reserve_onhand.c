#include "reserve.h"

#include <stdio.h>

#include "fail.h"

#define COMMAND_TYPE "application/json"
#define STREAM_TYPE  "application/x-ndjson"

static void prepare(struct run *run, int epoll)
{
    (void)run;
    (void)epoll;
}

static void begin(struct run *run, struct caller *caller)
{
    if (!run->plan->stream)
        return;
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/commands?answers=%s", run->plan->answers); /* checked at start */
    http_post_chunked(&caller->wire.out, target, run->plan->port, STREAM_TYPE);
}

/* <tag>-<caller>-<n> */
static void append_name(struct bytequeue *out, const struct run *run, const struct caller *caller, uint64_t n)
{
    bytequeue_append(out, run->plan->tag, strlen(run->plan->tag));
    bytequeue_literal(out, "-");
    bytequeue_number(out, caller->number);
    bytequeue_literal(out, "-");
    bytequeue_number(out, n);
}

static void append_command(struct bytequeue *out, struct run *run, const struct caller *caller, uint64_t n)
{
    uint32_t item = run_item(run, caller, n);
    if (run->plan->work == WORK_RECEIVE) {
        bytequeue_literal(out, "{\"kind\":\"receive\",\"id\":\"");
        append_name(out, run, caller, n);
        bytequeue_literal(out, "\",\"source\":\"bench\",\"item\":\"i");
        bytequeue_number(out, item);
        bytequeue_literal(out, "\",\"location\":\"DC\",\"quantity\":");
        bytequeue_number(out, run->plan->stock_units);
        bytequeue_literal(out, "}");
        return;
    }
    bytequeue_literal(out, "{\"kind\":\"hold\",\"id\":\"");
    append_name(out, run, caller, n);
    bytequeue_literal(out, "\",\"source\":\"bench\",\"hold\":\"");
    append_name(out, run, caller, n);
    bytequeue_literal(out, "\",\"lines\":[{\"item\":\"i");
    bytequeue_number(out, item);
    bytequeue_literal(out, "\",\"location\":\"DC\",\"quantity\":1}]}");
}

#define COMMAND_BYTES_MAX 512 /* any command above, with the longest numbers */

static void ask(struct run *run, struct caller *caller, unsigned count)
{
    struct bytequeue *out = &caller->wire.out;
    if (run->plan->stream) {
        bytequeue_reserve(out, (size_t)count * COMMAND_BYTES_MAX / 2);
        size_t mark = http_chunk_open(out);
        for (unsigned i = 0; i < count; i++) {
            append_command(out, run, caller, caller->sent + i);
            bytequeue_literal(out, "\n");
        }
        http_chunk_close(out, mark);
        return;
    }
    static struct bytequeue command; /* scratch, emptied by every use */
    for (unsigned i = 0; i < count; i++) {
        append_command(&command, run, caller, caller->sent + i);
        http_post(out, "/v1/commands", run->plan->port, COMMAND_TYPE, bytequeue_length(&command));
        bytequeue_append(out, bytequeue_front(&command), bytequeue_length(&command));
        bytequeue_take(&command, bytequeue_length(&command));
    }
}

static void finish(struct run *run, struct caller *caller)
{
    if (run->plan->stream)
        http_chunk_last(&caller->wire.out);
    else
        caller->ended = caller->answered == caller->sent;
}

static bool begins(struct text text, const char *with)
{
    size_t n = strlen(with);
    return text.length >= n && memcmp(text.bytes, with, n) == 0;
}

/* The number behind the first `"name":` of a line of ours. */
static uint64_t number_of(struct text line, const char *name)
{
    const char *at = memmem(line.bytes, line.length, name, strlen(name));
    if (at == NULL)
        fail("no %s in: %.*s", name, (int)line.length, line.bytes);
    uint64_t number = 0;
    for (at += strlen(name); at < line.bytes + line.length && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static bool is_refused(struct text answer)
{
    static const char accepted[] = "\"status\":\"accepted\"", refused[] = "\"status\":\"refused\"";
    if (memmem(answer.bytes, answer.length, accepted, sizeof(accepted) - 1) != NULL)
        return false;
    if (memmem(answer.bytes, answer.length, refused, sizeof(refused) - 1) == NULL)
        fail("neither accepted nor refused: %.*s", (int)answer.length, answer.bytes);
    return true;
}

static void read_stream_line(struct run *run, struct caller *caller, struct text line)
{
    bool all = run->plan->answers[0] == 'a';
    if (begins(line, "{\"progress\"")) {
        uint64_t through = number_of(line, "\"line\":");
        if (through > caller->sent)
            fail("progress to line %llu, sent were %llu", (unsigned long long)through,
                 (unsigned long long)caller->sent);
        if (!all && through > caller->answered)
            run_answered(run, caller, through - caller->answered, 0);
    } else if (begins(line, "{\"summary\"")) {
        if (number_of(line, "\"lines\":") != caller->sent ||
            number_of(line, "\"accepted\":") + number_of(line, "\"refused\":") != caller->sent)
            fail("sent %llu: %.*s", (unsigned long long)caller->sent, (int)line.length, line.bytes);
        if (run->plan->answers[0] == 's')
            run->refused += number_of(line, "\"refused\":");
        if (!all)
            run_answered(run, caller, caller->sent - caller->answered, 0);
    } else if (all) {
        run_answered(run, caller, 1, is_refused(line) ? 1 : 0);
    } else if (is_refused(line)) {
        run->refused++;
    }
}

static void read_answers(struct run *run, struct caller *caller)
{
    for (;;) {
        struct text piece, line;
        switch (http_read(&caller->http, &caller->wire.in, &piece)) {
        case HTTP_MORE:
            return;
        case HTTP_BAD:
            fail("the server's answer is not HTTP");
        case HTTP_BODY:
            bytequeue_append(&caller->body, piece.bytes, piece.length);
            while (run->plan->stream && caller->http.status == 200 && bytequeue_line(&caller->body, &line))
                read_stream_line(run, caller, line);
            break;
        case HTTP_END: {
            unsigned status = caller->http.status;
            size_t left = bytequeue_length(&caller->body);
            if (run->plan->stream ? status != 200 || left > 0 : status != 200 && status != 409)
                fail("answer %u: %.*s", status, (int)left, left == 0 ? "" : bytequeue_front(&caller->body));
            bytequeue_take(&caller->body, left);
            if (!run->plan->stream)
                run_answered(run, caller, 1, status == 409 ? 1 : 0);
            if (run->plan->stream && caller->answered != caller->sent)
                fail("the stream ended after %llu of %llu answers", (unsigned long long)caller->answered,
                     (unsigned long long)caller->sent);
            caller->ended = caller->finished && caller->answered == caller->sent;
            break;
        }
        }
    }
}

const struct protocol protocol_onhand = {prepare, begin, ask, finish, read_answers};
