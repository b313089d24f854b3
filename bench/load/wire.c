#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"

int wire_epoll(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail("epoll_create1: %s", strerror(errno));
    return epoll;
}

bool wire_open(struct wire *wire, int epoll, uint16_t port, void *owner)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = owner}};
    /* Over loopback a connect that must wait has a full backlog before it; blocking is right. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        int error = errno;
        (void)close(fd); /* nothing was written */
        errno = error;
        return false;
    }
    wire->fd = fd;
    wire->epoll = epoll;
    wire->waits_to_write = false;
    wire->owner = owner;
    wire->in.start = wire->in.end = 0;
    wire->out.start = wire->out.end = 0;
    return true;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        (void)close(wire->fd); /* a socket: nothing to lose */
    wire->fd = -1;
    wire->in.start = wire->in.end = 0;
    wire->out.start = wire->out.end = 0;
}

void wire_deinit(struct wire *wire)
{
    wire_close(wire);
    bytequeue_deinit(&wire->in);
    bytequeue_deinit(&wire->out);
}

bool wire_send(struct wire *wire)
{
    while (bytequeue_length(&wire->out) > 0) {
        ssize_t n = send(wire->fd, bytequeue_front(&wire->out), bytequeue_length(&wire->out), MSG_NOSIGNAL);
        if (n > 0) {
            bytequeue_take(&wire->out, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            break;
        } else {
            return false;
        }
    }
    bool waits = bytequeue_length(&wire->out) > 0;
    if (waits != wire->waits_to_write) {
        struct epoll_event event = {.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = wire->owner}};
        if (epoll_ctl(wire->epoll, EPOLL_CTL_MOD, wire->fd, &event) != 0)
            fail("epoll_ctl: %s", strerror(errno));
        wire->waits_to_write = waits;
    }
    return true;
}

bool wire_receive(struct wire *wire)
{
    bytequeue_reserve(&wire->in, WIRE_READ_BYTES);
    ssize_t n;
    do
        n = recv(wire->fd, wire->in.bytes + wire->in.end, WIRE_READ_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        wire->in.end += (size_t)n;
        return true;
    }
    return n < 0 && errno == EAGAIN;
}

int wire_wait(int epoll, int timeout_ms, void *out_owners[WIRE_EVENTS_MAX])
{
    struct epoll_event events[WIRE_EVENTS_MAX];
    int n = epoll_wait(epoll, events, WIRE_EVENTS_MAX, timeout_ms);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n < 0)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++)
        out_owners[i] = events[i].data.ptr;
    return n;
}
