/*
 * One TCP connection over loopback, non-blocking, with a buffer each way, watched by an epoll set. Protocols
 * (http.h, resp.h) read from `in` and append to `out`; nothing here knows what the bytes mean. Owner: one thread.
 */
#ifndef ONHAND_BENCH_WIRE_H
#define ONHAND_BENCH_WIRE_H

#include "bytequeue.h"

struct wire {
    int fd;    /* -1 when closed */
    int epoll; /* borrowed */
    bool waits_to_write;
    struct bytequeue in;
    struct bytequeue out;
    void *owner; /* the caller's; wire_next hands it out */
};

/* A new epoll set. Ends the program when there is none to be had. */
int wire_epoll(void);
/* Connects to 127.0.0.1:port and joins the epoll set. False, with errno set, when nobody listens there. */
MUST_USE bool wire_open(struct wire *wire, int epoll, uint16_t port, void *owner);
/* Closes and forgets what was buffered; the memory stays for the next wire_open. */
void wire_close(struct wire *wire);
void wire_deinit(struct wire *wire);

/* Sends what is in `out` as far as the socket takes it; epoll reports when it takes more. False when the peer is gone.
 */
MUST_USE bool wire_send(struct wire *wire);
/* Reads what is there, at most WIRE_READ_BYTES, into `in`. False when the peer closed or is gone. */
MUST_USE bool wire_receive(struct wire *wire);
#define WIRE_READ_BYTES (256u * 1024)

#define WIRE_EVENTS_MAX 256
/* Waits at most timeout_ms; writes the owners of the wires something happened on and returns how many. */
int wire_wait(int epoll, int timeout_ms, void *out_owners[WIRE_EVENTS_MAX]);

#endif
