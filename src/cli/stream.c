#include "cli/stream.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/json.h"
#include "cli/cli.h"
#include "cli/document.h"
#include "cli/progress.h"

#define ANSWER_BYTES_MAX (4 * 1024 * 1024)   /* one answer line: 1,000 lines' figures at 600 bytes, rounded up */
#define ANSWER_NODES_MAX (128 * 1024)        /* values of one answer: 1,000 lines' figures at 25, rounded up */
#define TRANSFER_BYTES   (512L * 1024)       /* what the library reads and sends at once */
#define IDLE_CLOSE_NS    INT64_C(1000000000) /* a pause this long ends the request, so that its answers come */
#define CELLS_TOLD_MAX   3                   /* of a refusal; enough to see which, a command may have a thousand */
#define CELLS_BYTES_MAX  4096
#define BACKOFF_MS_MIN   100
#define BACKOFF_MS_MAX   5000
#define POLL_MS          200

/* What stopped a request for good. */
enum failure { FAILURE_NONE, FAILURE_INPUT, FAILURE_OUTPUT, FAILURE_ANSWER, FAILURE_MEMORY };

struct stream {
    struct client *client;
    const struct stream_work *work;
    struct stream_totals *totals;
    struct outbox outbox;
    struct json_parser *parser;
    struct json_node *nodes;
    struct buffer received; /* answer bytes behind the last whole line */
    struct buffer cells;    /* what is told of a refusal's cells */
    enum failure failure;
    bool ended;               /* the input has no more */
    bool later;               /* the input has nothing now */
    bool closing;             /* no line is begun any more in this request */
    bool paused;              /* the library waits for curl_easy_pause */
    bool put_off;             /* a line of this request was answered `retry` or `unknown` */
    bool summary_seen;        /* the last line of the answers came */
    int64_t later_mono_ns;    /* since when */
    int64_t answered_mono_ns; /* when the last answer came, or the work began */
};

/* ---- answers ---- */

static bool stop(struct stream *s, enum failure failure)
{
    s->failure = failure;
    return false;
}

static bool report(struct stream *s, const struct stream_answer *answer)
{
    return s->work->answered(s->work->context, answer) || stop(s, FAILURE_OUTPUT);
}

/* Reports local entries whose turn has come. */
static bool pass_locals(struct stream *s)
{
    const struct outbox_entry *entry = NULL;
    while ((entry = outbox_next_local(&s->outbox)) != NULL) {
        struct stream_answer answer = {.verdict = STREAM_VERDICT_LOCAL, .entry = entry};
        answer.detail = outbox_text(&s->outbox, entry);
        s->totals->local++;
        if (!report(s, &answer))
            return false;
    }
    return true;
}

static bool contract_broken(struct stream *s, const char *what, struct text line)
{
    cli_error(s->client->subcommand, "%s answered what is not understood (%s): %.*s", s->client->base, what,
              (int)(line.length < 200 ? line.length : 200), line.bytes);
    return stop(s, FAILURE_ANSWER);
}

/* Lines of the request up to and including `line` that were not named are accepted. */
static bool accept_up_to(struct stream *s, uint64_t line)
{
    while (s->outbox.answered_line_count < line) {
        if (!pass_locals(s))
            return false;
        struct outbox_entry *entry = outbox_next_answered(&s->outbox);
        if (entry == NULL)
            return false;
        entry->state = OUTBOX_DONE;
        s->totals->accepted++;
    }
    return pass_locals(s);
}

static struct text member(const struct stream *s, uint32_t object, const char *key)
{
    uint32_t at = json_member(s->nodes, object, text_of(key, strlen(key)));
    return at == 0 ? TEXT_NONE : document_value(&s->nodes[at]);
}

/* A whole number at least 0, or false. */
static bool number(struct text text, uint64_t *out_number)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 18)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *out_number = value;
    return true;
}

static void remember_position(struct stream *s, struct text position)
{
    if (position.length != 0 && position.length < sizeof(s->totals->position))
        snprintf(s->totals->position, sizeof(s->totals->position), "%.*s", (int)position.length, position.bytes);
}

/* "A at LON: asked 12, free 10", for the first cells of a refusal; without cells the name it is about, "'A'". */
static void describe_cells(struct stream *s)
{
    static const char *const before[] = {"", " at ", ": asked ", ", free "};
    static const char *const keys[] = {"item", "location", "asked", "free"};
    uint32_t cells = json_member(s->nodes, 0, TEXT("cells"));
    struct text subject = member(s, 0, "subject");
    buffer_reset(&s->cells);
    if (subject.length != 0) {
        buffer_byte(&s->cells, '\'');
        buffer_text(&s->cells, subject);
        buffer_byte(&s->cells, '\'');
    }
    if (cells == 0 || s->nodes[cells].type != JSON_ARRAY)
        return;
    for (uint32_t i = 0, at = cells + 1; i < s->nodes[cells].count; i++, at = s->nodes[at].next) {
        if (i == CELLS_TOLD_MAX) {
            buffer_literal(&s->cells, "; and more");
            break;
        }
        if (s->nodes[at].type != JSON_OBJECT)
            continue;
        if (s->cells.length != 0)
            buffer_literal(&s->cells, "; ");
        for (unsigned k = 0; k < 4; k++) {
            buffer_append(&s->cells, before[k], strlen(before[k]));
            buffer_text(&s->cells, member(s, at, keys[k]));
        }
    }
}

static bool take_line_answer(struct stream *s, struct text json, uint64_t line)
{
    const struct outbox *outbox = &s->outbox;
    bool in_order = s->work->answers == STREAM_ANSWERS_ALL ? line == outbox->answered_line_count + 1
                                                           : line > outbox->answered_line_count;
    if (!in_order || line > outbox->sent_line_count)
        return contract_broken(s, "its line is not the next one", json);
    struct stream_answer answer = {.json = json};
    answer.code = member(s, 0, "code");
    answer.detail = member(s, 0, "detail");
    answer.field = member(s, 0, "field");
    answer.id = member(s, 0, "id");
    describe_cells(s);
    answer.cells = text_of(s->cells.bytes, s->cells.length);
    answer.position = member(s, 0, "position");
    uint32_t line_node = json_member(s->nodes, 0, TEXT("line"));
    answer.line_offset = s->nodes[line_node].offset;
    answer.line_bytes = s->nodes[line_node].text.length;
    answer.replayed = text_equal(member(s, 0, "replayed"), TEXT("true"));
    remember_position(s, answer.position);
    struct text status = member(s, 0, "status");
    if (!accept_up_to(s, line - 1))
        return false;
    struct outbox_entry *entry = outbox_next_answered(&s->outbox);
    CHECK(entry != NULL);
    if (text_equal(status, TEXT("retry")) || text_equal(status, TEXT("unknown"))) {
        s->totals->put_off++;
        s->put_off = true;
        s->closing = true;
        return pass_locals(s);
    }
    answer.entry = entry;
    s->totals->replayed += s->work->answers == STREAM_ANSWERS_ALL && answer.replayed; /* else the summary counts */
    if (text_equal(status, TEXT("accepted"))) {
        answer.verdict = STREAM_VERDICT_ACCEPTED;
        s->totals->accepted++;
    } else if (text_equal(status, TEXT("refused"))) {
        answer.verdict = STREAM_VERDICT_REFUSED;
        s->totals->refused++;
    } else if (text_equal(status, TEXT("invalid"))) {
        answer.verdict = STREAM_VERDICT_INVALID;
        s->totals->invalid++;
    } else {
        return contract_broken(s, "its status is unknown", json);
    }
    entry->state = OUTBOX_DONE;
    return report(s, &answer) && pass_locals(s);
}

static bool take_summary(struct stream *s, struct text json, uint32_t summary)
{
    uint64_t lines = 0, replayed = 0;
    /* Fewer lines than were sent: the server stopped reading; the rest is repeated. */
    if (!number(member(s, summary, "lines"), &lines) || lines > s->outbox.sent_line_count)
        return contract_broken(s, "it counts more lines than were sent", json);
    if (number(member(s, summary, "replayed"), &replayed) && s->work->answers == STREAM_ANSWERS_ERRORS)
        s->totals->replayed += replayed;
    remember_position(s, member(s, summary, "position"));
    s->summary_seen = true;
    return accept_up_to(s, lines);
}

static bool take_answer(struct stream *s, struct text json)
{
    uint32_t count = 0;
    uint64_t line = 0;
    if (json_parse(s->parser, json.bytes, json.length, s->nodes, ANSWER_NODES_MAX, &count, NULL) != JSON_OK ||
        s->nodes[0].type != JSON_OBJECT)
        return contract_broken(s, "a line is no JSON object", json);
    if (number(member(s, 0, "line"), &line))
        return take_line_answer(s, json, line);
    uint32_t summary = json_member(s->nodes, 0, TEXT("summary"));
    if (summary != 0 && s->nodes[summary].type == JSON_OBJECT)
        return take_summary(s, json, summary);
    uint32_t progress = json_member(s->nodes, 0, TEXT("progress"));
    if (progress != 0 && s->nodes[progress].type == JSON_OBJECT && number(member(s, progress, "line"), &line)) {
        if (line > s->outbox.sent_line_count)
            return contract_broken(s, "its line was not sent yet", json);
        return accept_up_to(s, line);
    }
    return contract_broken(s, "it is neither an answer, nor progress, nor a summary", json);
}

static size_t on_answer_bytes(char *bytes, size_t size, size_t n, void *argument)
{
    struct stream *s = argument;
    long http = 0;
    buffer_append(&s->received, bytes, size * n);
    if (buffer_room(&s->received, JSON_PADDING) == NULL) {
        s->failure = FAILURE_MEMORY;
        return 0;
    }
    curl_easy_getinfo(s->client->easy, CURLINFO_RESPONSE_CODE, &http);
    if (http != 200)
        return size * n; /* problem details, looked at when they are whole */
    size_t start = 0;
    for (;;) {
        char *line = s->received.bytes + start;
        const char *end = memchr(line, '\n', s->received.length - start);
        if (end == NULL)
            break;
        if (end != line && !take_answer(s, text_of(line, (size_t)(end - line))))
            return 0;
        start += (size_t)(end - line) + 1;
    }
    if (start != 0) {
        memmove(s->received.bytes, s->received.bytes + start, s->received.length - start);
        s->received.length -= start;
        s->answered_mono_ns = progress_now_ns();
        outbox_trim(&s->outbox);
    }
    return size * n;
}

/* ---- lines ---- */

/* Takes one line from the input into the outbox. False when there is none now, or no room. */
static bool fetch(struct stream *s)
{
    if (s->ended || s->failure != FAILURE_NONE || !outbox_room(&s->outbox))
        return false;
    struct stream_line line = {.number = 0};
    enum stream_next next = s->work->next(s->work->context, &line);
    struct outbox_entry entry = {.number = line.number,
                                 .origin_offset = line.origin_offset,
                                 .origin_bytes = line.origin_bytes};
    s->later = next == STREAM_LATER;
    switch (next) {
    case STREAM_LINE:
    case STREAM_LOCAL:
        outbox_add(&s->outbox, &entry, line.bytes, next == STREAM_LOCAL);
        return next == STREAM_LINE || pass_locals(s);
    case STREAM_LATER:
        if (s->later_mono_ns == 0)
            s->later_mono_ns = progress_now_ns();
        return false;
    case STREAM_END:
        s->ended = true;
        return false;
    case STREAM_FAILED:
        return stop(s, FAILURE_INPUT);
    }
    return false;
}

static size_t on_room_to_send(char *bytes, size_t size, size_t n, void *argument)
{
    struct stream *s = argument;
    size_t capacity = size * n;
    size_t filled = 0;
    while (filled < capacity) {
        filled += outbox_take(&s->outbox, s->closing, bytes + filled, capacity - filled);
        if (filled == capacity || s->closing || !fetch(s))
            break;
        s->later_mono_ns = 0;
    }
    if (s->failure != FAILURE_NONE)
        return CURL_READFUNC_ABORT;
    if (filled != 0)
        return filled;
    if (s->closing || s->ended)
        return 0;
    s->paused = true;
    return CURL_READFUNC_PAUSE;
}

/* ---- one request ---- */

/* Ends the request when nothing else brings the answers that are missing; wakes the library when it may go on. */
static void steer(struct stream *s, CURL *easy)
{
    int64_t now_ns = progress_now_ns();
    bool waiting = s->outbox.answered_line_count < s->outbox.sent_line_count;
    if (s->paused && !outbox_room(&s->outbox) && now_ns - s->answered_mono_ns > IDLE_CLOSE_NS)
        s->closing = true;
    if (s->paused && s->later && waiting && s->work->answers != STREAM_ANSWERS_ALL &&
        now_ns - s->later_mono_ns > IDLE_CLOSE_NS)
        s->closing = true;
    if (!s->paused)
        return;
    if (s->closing || s->ended || (outbox_room(&s->outbox) && (!s->later || fetch(s)))) {
        s->paused = false;
        s->later_mono_ns = 0;
        curl_easy_pause(easy, CURLPAUSE_CONT);
    }
}

static bool tell_advance(struct stream *s)
{
    outbox_trim(&s->outbox);
    s->totals->done_number = s->outbox.done_number;
    return s->work->advanced(s->work->context, s->totals, s->outbox.done_offset) || stop(s, FAILURE_OUTPUT);
}

/* Runs the transfer to its end. Silence after the whole upload is a broken connection. */
static CURLcode transfer(struct stream *s, CURLM *multi, CURL *easy)
{
    for (;;) {
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return CURLE_FAILED_INIT;
        int left = 0;
        const CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE)
            return message->data.result;
        if (!tell_advance(s))
            return CURLE_ABORTED_BY_CALLBACK;
        steer(s, easy);
        bool all_sent = (s->closing || s->ended) && !outbox_unsent(&s->outbox);
        if (all_sent && progress_now_ns() - s->answered_mono_ns > CLIENT_SILENCE_S * INT64_C(1000000000)) {
            snprintf(s->client->problem, sizeof(s->client->problem), "no answer for %d seconds", CLIENT_SILENCE_S);
            return CURLE_OPERATION_TIMEDOUT;
        }
        struct curl_waitfd input = {.fd = s->work->wait_file, .events = CURL_WAIT_POLLIN, .revents = 0};
        unsigned extra = s->paused && s->later && s->work->wait_file >= 0 ? 1 : 0;
        if (curl_multi_poll(multi, &input, extra, POLL_MS, NULL) != CURLM_OK)
            return CURLE_FAILED_INIT;
    }
}

static CURLcode request(struct stream *s, CURLM *multi, const struct curl_slist *headers, long *out_http)
{
    const char *path =
        s->work->answers == STREAM_ANSWERS_ALL ? "/v1/commands?answers=all" : "/v1/commands?answers=errors";
    CURL *easy = client_prepare(s->client, path, headers);
    if (easy == NULL)
        return CURLE_OUT_OF_MEMORY;
    outbox_begin(&s->outbox);
    buffer_reset(&s->received);
    s->closing = s->paused = s->put_off = s->summary_seen = s->later = false;
    s->later_mono_ns = 0;
    s->totals->requests++;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_room_to_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, TRANSFER_BYTES);
    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = transfer(s, multi, easy);
    *out_http = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, out_http);
    curl_multi_remove_handle(multi, easy);
    return code;
}

/* ---- all requests ---- */

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* Waits until there is a line to send. False when there is none any more, or the work failed. */
static bool wait_for_line(struct stream *s)
{
    while (!outbox_unsent(&s->outbox)) {
        if (fetch(s))
            continue;
        if (s->ended || s->failure != FAILURE_NONE)
            return false;
        outbox_trim(&s->outbox);
        if (!s->later)
            continue; /* local entries filled the outbox; they have left now */
        struct pollfd input = {.fd = s->work->wait_file, .events = POLLIN, .revents = 0};
        (void)poll(&input, 1, POLL_MS); /* an interruption is as good as an arrival: the input is asked again */
        if (!tell_advance(s))
            return false;
    }
    return true;
}

/* True when the request did all it was for: the answers of every line that was sent are here. */
static bool answers_are_whole(const struct stream *s, CURLcode code, long http)
{
    if (code != CURLE_OK || http != 200 || s->outbox.answered_line_count != s->outbox.sent_line_count)
        return false;
    return s->work->answers == STREAM_ANSWERS_ALL || s->summary_seen;
}

static int exit_of(enum failure failure)
{
    switch (failure) {
    case FAILURE_NONE:
        return EXIT_DONE;
    case FAILURE_INPUT:
    case FAILURE_OUTPUT:
        return EXIT_FILES;
    case FAILURE_ANSWER:
    case FAILURE_MEMORY:
        break;
    }
    return EXIT_ANSWER;
}

/* True when the failed request may be repeated: the server shed it, lost it, or went away. */
static bool repeatable(CURLcode code, long http)
{
    if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT || code == CURLE_UNSUPPORTED_PROTOCOL ||
        code == CURLE_URL_MALFORMAT || code == CURLE_PEER_FAILED_VERIFICATION)
        return false;
    return http == 0 || http == 200 || http == 429 || http >= 500;
}

/* Sees to it that the message has a reason when the work is given up. */
static void name_trouble(struct stream *s, bool whole, long http)
{
    char *problem = s->client->problem;
    if (whole)
        snprintf(problem, CURL_ERROR_SIZE, "it puts lines off: code retry or unknown");
    else if (http != 0 && http != 200)
        snprintf(problem, CURL_ERROR_SIZE, "it answers with status %ld", http);
    else if (problem[0] == '\0')
        snprintf(problem, CURL_ERROR_SIZE, "the connection broke");
}

static int run(struct stream *s, CURLM *multi, const struct curl_slist *headers)
{
    int64_t backoff_ms = BACKOFF_MS_MIN;
    int64_t trouble_mono_ns = 0; /* since when no request got anywhere; 0 for not */
    bool connected = false;
    while (outbox_begin(&s->outbox), wait_for_line(s)) {
        long http = 0;
        uint64_t done_before = s->totals->accepted + s->totals->refused + s->totals->invalid;
        s->answered_mono_ns = progress_now_ns();
        CURLcode code = request(s, multi, headers, &http);
        if (s->failure != FAILURE_NONE)
            break;
        connected = connected || http != 0;
        bool whole = answers_are_whole(s, code, http);
        bool moved = s->totals->accepted + s->totals->refused + s->totals->invalid != done_before;
        if (moved) {
            backoff_ms = BACKOFF_MS_MIN;
            trouble_mono_ns = 0;
        }
        if (whole && !s->put_off)
            continue;
        if (!whole && !repeatable(code, http)) {
            if (code != CURLE_OK && http < 400)
                return client_unreachable(s->client);
            return client_refused(s->client, http, text_of(s->received.bytes, s->received.length));
        }
        name_trouble(s, whole, http);
        int64_t now_ns = progress_now_ns();
        trouble_mono_ns = trouble_mono_ns == 0 ? now_ns : trouble_mono_ns;
        bool patient = connected || s->work->patient_at_start;
        if (!patient || now_ns - trouble_mono_ns > s->work->patience_s * INT64_C(1000000000))
            return client_unreachable(s->client);
        curl_off_t wait_s = 0;
        curl_easy_getinfo(s->client->easy, CURLINFO_RETRY_AFTER, &wait_s);
        int64_t pause_ms = wait_s > 0 && wait_s <= 60 ? (int64_t)wait_s * 1000 : backoff_ms;
        sleep_ms(pause_ms);
        backoff_ms = backoff_ms * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : backoff_ms * 2;
    }
    if (s->failure != FAILURE_NONE)
        return exit_of(s->failure);
    return s->totals->refused + s->totals->invalid + s->totals->local == 0 ? EXIT_DONE : EXIT_REFUSED;
}

static uint64_t count_unanswered(const struct outbox *outbox)
{
    uint64_t count = 0;
    for (uint64_t i = outbox->head; i != outbox->tail; i++)
        count += outbox->entries[i & (OUTBOX_ENTRIES_MAX - 1)].state != OUTBOX_DONE;
    return count;
}

int stream_run(struct client *client, const struct stream_work *work, struct stream_totals *out_totals)
{
    struct stream s = {.client = client, .work = work, .totals = out_totals};
    int code = EXIT_ANSWER;
    memset(out_totals, 0, sizeof(*out_totals));
    if (outbox_init(&s.outbox) != STATUS_OK) {
        cli_error(client->subcommand, "memory for unanswered lines cannot be had");
        return EXIT_ANSWER;
    }
    buffer_init(&s.received, 2 * ANSWER_BYTES_MAX);
    buffer_init(&s.cells, CELLS_BYTES_MAX);
    s.parser = json_parser_create(2 * ANSWER_BYTES_MAX);
    s.nodes = calloc(ANSWER_NODES_MAX, sizeof(*s.nodes));
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    struct curl_slist *more = headers == NULL ? NULL : curl_slist_append(headers, "Transfer-Encoding: chunked");
    more = more == NULL ? NULL : curl_slist_append(headers, "Expect:");
    if (s.parser == NULL || s.nodes == NULL || multi == NULL || more == NULL)
        cli_error(client->subcommand, "memory for answers cannot be had");
    else
        code = run(&s, multi, headers);
    if (code != EXIT_UNREACHABLE && code != EXIT_ANSWER && !tell_advance(&s))
        code = EXIT_FILES;
    else
        outbox_trim(&s.outbox);
    out_totals->done_number = s.outbox.done_number;
    out_totals->unanswered = count_unanswered(&s.outbox);
    curl_slist_free_all(headers);
    curl_multi_cleanup(multi);
    free(s.nodes);
    if (s.parser != NULL)
        json_parser_destroy(s.parser);
    buffer_deinit(&s.received);
    buffer_deinit(&s.cells);
    outbox_deinit(&s.outbox);
    return code;
}
