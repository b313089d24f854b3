/*
 * One ordered source: its commands in memory, one NDJSON request that carries them, and how far they are answered.
 *
 * The whole protocol of a careful sender is here. Commands have an id and a rising `seq`. `?answers=errors` tells what
 * was not accepted, and `progress` says through which line everything is durable. When the connection breaks, or the
 * server answers `retry` or `unknown`, the sender begins a new request with the first command it has no certain answer
 * for; what had been applied already is recognised by its id and not applied again. Owner: one thread.
 */
#ifndef ONHAND_DEMO_SENDER_H
#define ONHAND_DEMO_SENDER_H

#include "http.h"
#include "wire.h"

struct sender {
    const char *name;          /* of the source */
    struct bytequeue commands; /* NDJSON */
    size_t *ends;              /* owned; command i ends at commands[ends[i]] */
    size_t count;
    size_t capacity;

    struct wire wire;
    struct http_reader http;
    struct bytequeue body;
    uint16_t port;
    size_t base;          /* the command that is line 1 of the present request */
    size_t sent;          /* commands handed to the wire */
    size_t answered;      /* commands with a certain answer: what lies before has its place in the ledger */
    size_t again;         /* the first command the server wants repeated; SIZE_MAX for none */
    bool finished;        /* the body of the present request is complete */
    uint64_t retry_at_ns; /* when not connected: the next attempt */
    uint64_t gone_since_ns;

    uint64_t refused;
    uint64_t invalid;
    uint64_t replayed; /* accepted lines that the server had seen before */
    uint64_t requests;
};

void sender_init(struct sender *sender, const char *name, uint16_t port);
void sender_deinit(struct sender *sender);
/* The command appended to `commands` is complete (without its LF). */
void sender_command_end(struct sender *sender);

static inline bool sender_done(const struct sender *sender)
{
    return sender->answered == sender->count;
}

/* Connects if it is time to, and sends commands up to number `allowed` as window and socket allow. */
void sender_pump(struct sender *sender, int epoll, uint64_t now_ns, size_t allowed);
/* Something happened on the connection: reads answers. */
void sender_readable(struct sender *sender, uint64_t now_ns);

#endif
