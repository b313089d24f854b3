/*
 * The HTTP client of the command line, over libcurl: plain requests, and the handle that streams are built on.
 * One thread at a time.
 */
#ifndef ONHAND_CLI_CLIENT_H
#define ONHAND_CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"

#define CLIENT_BODY_BYTES_MAX (1024u * 1024 * 1024) /* one answer read whole: figures of about three million cells */
#define CLIENT_CONNECT_MS     5000                  /* to connect; a healthy host answers within milliseconds */
#define CLIENT_SILENCE_S      60                    /* an answer that is due and does not come is a broken connection */

struct client {
    const char *subcommand;        /* borrowed; begins messages */
    char *base;                    /* owned: "http://host:port", no slash at its end */
    CURL *easy;                    /* owned */
    char problem[CURL_ERROR_SIZE]; /* what the library said about the last failure */
};

/*
 * server: "http://host:port", "https://…" or "host:port"; an address without a scheme is http.
 * STATUS_INVALID when it is no address, STATUS_MEMORY; a message is printed.
 */
MUST_USE enum status client_init(struct client *client, const char *subcommand, const char *server);
void client_deinit(struct client *client);

/*
 * The handle, set up for a request of `path` (with its query) and the client's common options: nothing of the request
 * before is left. headers: borrowed until the request is over, may be NULL. NULL when memory cannot be had.
 */
CURL *client_prepare(struct client *client, const char *path, const struct curl_slist *headers);

struct client_answer {
    long http;          /* status code */
    struct buffer body; /* owned; JSON_PADDING readable bytes follow it */
};

/*
 * GET path. body: reset and filled, initialised by the caller. Returns STATUS_OK with any HTTP status; STATUS_IO when
 * no whole answer came (client->problem says why), STATUS_FULL when it is larger than the body may be, STATUS_MEMORY.
 */
MUST_USE enum status client_get(struct client *client, const char *path, struct client_answer *out_answer);

/* Appends text percent-encoded (RFC 3986: everything but unreserved characters), fit for a segment or a parameter. */
void client_encode(struct buffer *out, struct text text);
/* Appends "?key=value" or "&key=value" (first is then false). A NULL value appends nothing. */
void client_parameter(struct buffer *out, bool *first, const char *key, const char *value);

/* Prints that the server cannot be reached, with the address and what to do; returns EXIT_UNREACHABLE. */
int client_unreachable(const struct client *client);
/* Prints what an answer other than 2xx says (problem details, RFC 9457). Returns the exit code that goes with it. */
int client_refused(const struct client *client, long http, struct text body);

#endif
