#include "connect/pull.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/bytes.h"
#include "feed/position.h"

#define READ_BYTES   ((size_t)512 * 1024) /* of the socket at once */
#define CONNECT_MS   5000
#define SILENCE_S    10 /* a mark comes every second: then the connection is broken */
#define ERROR_BYTES  4096 /* of an answer that is no stream */
#define PATH_BYTES   512

struct receiver {
    struct pull *pull;
    CURL *easy;
    struct stream_reader reader;
    uint8_t *bytes; /* STREAM_ITEM_BYTES_MAX + READ_BYTES */
    size_t length;
    long http;
    char error[ERROR_BYTES];
    size_t error_length;
    enum status status; /* why it ended itself */
};

/* ---- what came ---- */

static enum status take(struct receiver *receiver)
{
    struct pull *pull = receiver->pull;
    size_t at = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !pull->complete) {
        enum stream_item item;
        size_t n = 0;
        status = stream_reader_next(&receiver->reader, receiver->bytes + at, receiver->length - at, &item, &n);
        if (status != STATUS_OK)
            break;
        status = pull->item(pull->context, item, &receiver->reader, receiver->bytes + at, n);
        if (status != STATUS_OK)
            return status;
        pull->place = receiver->reader.place;
        pull->bytes += n;
        pull->complete = item == STREAM_MARK && receiver->reader.mark.end;
        at += n;
    }
    receiver->length -= at;
    memmove(receiver->bytes, receiver->bytes + at, receiver->length);
    if (status != STATUS_OK && status != STATUS_AGAIN) {
        (void)snprintf(pull->problem, sizeof(pull->problem), "behind frame %" PRIu64 ": %s", pull->place.ordinal,
                       receiver->reader.problem);
        return status;
    }
    return pull->pause != NULL ? pull->pause(pull->context) : STATUS_OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *argument)
{
    struct receiver *receiver = argument;
    size_t n = size * count;
    if (receiver->http == 0)
        curl_easy_getinfo(receiver->easy, CURLINFO_RESPONSE_CODE, &receiver->http);
    if (receiver->http != 200) {
        size_t room = ERROR_BYTES - 1 - receiver->error_length;
        memcpy(receiver->error + receiver->error_length, bytes, n < room ? n : room);
        receiver->error_length += n < room ? n : room;
        return n;
    }
    receiver->pull->connected = true;
    if (receiver->pull->complete)
        return 0; /* nothing belongs behind its end: enough */
    for (size_t at = 0; at < n && receiver->status == STATUS_OK && !receiver->pull->complete;) {
        size_t room = STREAM_ITEM_BYTES_MAX + READ_BYTES - receiver->length;
        size_t piece = n - at < room ? n - at : room;
        memcpy(receiver->bytes + receiver->length, bytes + at, piece);
        receiver->length += piece;
        at += piece;
        receiver->status = take(receiver);
    }
    return receiver->status == STATUS_OK ? n : 0;
}

static int on_progress(void *argument, curl_off_t total_down, curl_off_t down, curl_off_t total_up, curl_off_t up)
{
    const struct receiver *receiver = argument;
    (void)total_down;
    (void)down;
    (void)total_up;
    (void)up;
    return receiver->pull->stop != NULL && receiver->pull->stop(receiver->pull->context);
}

/* ---- asking ---- */

static void build_path(const struct pull *pull, char out_path[PATH_BYTES])
{
    const struct stream_place *at = &pull->at;
    char ledger[33];
    char after[POSITION_TEXT_BYTES];
    unsigned length = position_format((struct position){at->epoch, at->seq}, after);
    bytes_hex(at->ledger_id, 16, ledger);
    int n = snprintf(out_path, PATH_BYTES, "/v1/journal%s", pull->until_now ? "?until=now" : "");
    if (at->begun)
        (void)snprintf(out_path + n, PATH_BYTES - (size_t)n,
                       "%cafter=%.*s&frame=%" PRIu64 "&chain=%08" PRIx32 "&ledger=%s",
                       pull->until_now ? '&' : '?', (int)length, after, at->ordinal, at->chain, ledger);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT; /* threads that begin at once */
static bool curl_begun;

static void begin_curl(void)
{
    curl_begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static CURL *prepare(const char *base, const char *path, char *error)
{
    (void)pthread_once(&curl_once, begin_curl);
    if (!curl_begun)
        return NULL;
    size_t n = strlen(base) + strlen(path) + 1;
    char *url = malloc(n);
    CURL *easy = curl_easy_init();
    if (url == NULL || easy == NULL) {
        free(url);
        if (easy != NULL)
            curl_easy_cleanup(easy);
        return NULL;
    }
    (void)snprintf(url, n, "%s%s", base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* one meant for the web would buffer streams */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    return easy;
}

bool pull_member(const char *json, const char *name, char *out, size_t n)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "\"%s\":\"", name);
    const char *at = strstr(json, key);
    size_t length = 0;
    if (at == NULL)
        return false;
    for (at += strlen(key); *at != 0 && *at != '"' && length + 1 < n; at++) {
        if (*at == '\\' && at[1] != 0)
            at++;
        out[length++] = *at;
    }
    out[length] = 0;
    return true;
}

static enum status refused(struct receiver *receiver)
{
    struct pull *pull = receiver->pull;
    char detail[384] = "";
    pull->http = receiver->http;
    (void)pull_member(receiver->error, "code", pull->code, sizeof(pull->code));
    if (!pull_member(receiver->error, "detail", detail, sizeof(detail)))
        (void)snprintf(detail, sizeof(detail), "%.200s", receiver->error);
    (void)snprintf(pull->problem, sizeof(pull->problem), "it answered %ld %s: %s", receiver->http, pull->code, detail);
    return receiver->http == 503 ? STATUS_AGAIN : STATUS_INVALID;
}

enum status pull_run(struct pull *pull)
{
    char path[PATH_BYTES];
    char error[CURL_ERROR_SIZE] = "";
    struct receiver receiver = {.pull = pull, .bytes = malloc(STREAM_ITEM_BYTES_MAX + READ_BYTES)};
    pull->connected = pull->complete = false;
    pull->http = 0;
    pull->code[0] = pull->problem[0] = 0;
    pull->place = pull->at;
    build_path(pull, path);
    stream_reader_init(&receiver.reader, &pull->at);
    receiver.easy = prepare(pull->base, path, error);
    if (receiver.easy == NULL || receiver.bytes == NULL) {
        free(receiver.bytes);
        if (receiver.easy != NULL)
            curl_easy_cleanup(receiver.easy);
        return STATUS_MEMORY;
    }
    curl_easy_setopt(receiver.easy, CURLOPT_BUFFERSIZE, (long)READ_BYTES);
    curl_easy_setopt(receiver.easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(receiver.easy, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(receiver.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(receiver.easy, CURLOPT_XFERINFODATA, &receiver);
    curl_easy_setopt(receiver.easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(receiver.easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(receiver.easy, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    CURLcode code = curl_easy_perform(receiver.easy);
    enum status status = STATUS_OK;
    curl_easy_getinfo(receiver.easy, CURLINFO_RESPONSE_CODE, &receiver.http);
    if (receiver.status != STATUS_OK) {
        status = receiver.status;
    } else if (code == CURLE_OK && receiver.http != 200) {
        status = refused(&receiver);
    } else if (!pull->complete) {
        (void)snprintf(pull->problem, sizeof(pull->problem), "%s",
                       error[0] != 0         ? error
                       : code != CURLE_OK    ? curl_easy_strerror(code)
                                             : "the stream was cut off");
        status = STATUS_AGAIN;
    }
    curl_easy_cleanup(receiver.easy);
    free(receiver.bytes);
    return status;
}

/* ---- small calls ---- */

struct small {
    char *out;
    size_t n, length;
};

static size_t on_small(char *bytes, size_t size, size_t count, void *argument)
{
    struct small *small = argument;
    size_t n = size * count;
    size_t room = small->n - 1 - small->length;
    memcpy(small->out + small->length, bytes, n < room ? n : room);
    small->length += n < room ? n : room;
    return n;
}

enum status pull_call(const char *base, const char *path, const char *body, long timeout_ms, char *out, size_t n,
                      long *out_http)
{
    char error[CURL_ERROR_SIZE] = "";
    struct small small = {out, n, 0};
    CURL *easy = prepare(base, path, error);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (easy == NULL || headers == NULL) {
        curl_slist_free_all(headers);
        if (easy != NULL)
            curl_easy_cleanup(easy);
        return STATUS_MEMORY;
    }
    if (body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    }
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_small);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &small);
    CURLcode code = curl_easy_perform(easy);
    out[small.length] = 0;
    if (code == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, out_http);
    else
        (void)snprintf(out, n, "%s", error[0] != 0 ? error : curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return code == CURLE_OK ? STATUS_OK : STATUS_AGAIN;
}
