/*
 * The client's side of GET /v1/journal: asks a server for the journal from a place on, verifies each item of the stream
 * (stream.h), and hands it on. What a backup and a standby are made of.
 *
 * One thread at a time; nothing here is kept between two pulls.
 */
#ifndef ONHAND_CONNECT_PULL_H
#define ONHAND_CONNECT_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/status.h"
#include "env/env.h"
#include "journal/stream.h"

struct pull {
    const char *base;        /* "http://host:port"; of pull_directory its path */
    struct stream_place at;  /* behind it; all zero: from the beginning */
    bool until_now;
    bool (*stop)(void *context); /* asked every second at least: ends when it is true; may be NULL */
    void *context;
    /* An item, verified; borrowed for the call. Anything but OK ends the pull with that status. */
    enum status (*item)(void *context, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes,
                        size_t n);
    /* All items that came with one read of the socket were handed on; may be NULL. */
    enum status (*pause)(void *context);

    /* What became of it. */
    bool connected;       /* a stream began */
    bool complete;        /* it ended with the mark that says so */
    long http;            /* of an answer that is none, 0 for no answer */
    char code[64];        /* of its problem details, "" for none */
    char problem[1024];   /* for an operator */
    uint64_t bytes;       /* of items */
    struct stream_place place; /* behind the last item */
    struct epochs epochs; /* of pull_directory: all that its journal has */
};

/*
 * OK: the stream ended as asked (until_now). AGAIN: no connection, or it broke off, or was stopped: try again later, from pull->place.
 * INVALID: the server refused (http, code, problem), or what it sent is another ledger's. DAMAGED, VERSION: what came is
 * not right. MEMORY. Else what item or pause returned.
 */
MUST_USE enum status pull_run(struct pull *pull);

/*
 * The same of a directory whose server is stopped: until its end. It is locked against a server meanwhile, and not written. OK;
 * INVALID: the copy has parted from it, or it is another ledger's, or ends before the copy; AGAIN when it was stopped. DAMAGED,
 * VERSION, LOCKED, DENIED, NOT_FOUND, IO: it cannot be read as a whole, and nothing was handed on; problem says what, where, what to do.
 * MEMORY. Else what item returned.
 */
MUST_USE enum status pull_directory(struct pull *pull, const struct env *env);

/* One request with a small answer: POST of JSON when body is not NULL, else GET. out: NUL-terminated, cut. Statuses as above;
 * OK with any HTTP status, which *out_http is. */
MUST_USE enum status pull_call(const char *base, const char *path, const char *body, long timeout_ms, char *out, size_t n,
                               long *out_http);
/* The text member of this name in JSON that a server of ours wrote, cut to n. False when there is none. */
bool pull_member(const char *json, const char *name, char *out, size_t n);

#endif
