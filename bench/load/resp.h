/* Redis's protocol (RESP 2) as a load client needs it: commands out, flat replies in. */
#ifndef ONHAND_BENCH_RESP_H
#define ONHAND_BENCH_RESP_H

#include "bytequeue.h"

/* The head of a command with `count` arguments; resp_text or resp_bytes appends each. */
void resp_command(struct bytequeue *out, unsigned count);
void resp_bytes(struct bytequeue *out, const void *bytes, size_t n);
static inline void resp_text(struct bytequeue *out, const char *text)
{
    resp_bytes(out, text, strlen(text));
}

struct resp_reply {
    char kind;        /* '+' text, '-' error, ':' number, '$' bytes */
    struct text text; /* borrowed until the queue is next written to; TEXT_NONE for nil */
};

enum resp_step { RESP_MORE, RESP_REPLY, RESP_BAD };

/* Takes the next reply off the front of `in`. Arrays are not expected and are RESP_BAD. */
enum resp_step resp_read(struct bytequeue *in, struct resp_reply *out_reply);

#endif
