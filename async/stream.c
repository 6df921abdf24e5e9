#include "async/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* A socket that does not block. It is registered with libevent once, edge-triggered, when it first
   has to wait; each operation is tried before it is waited for, so that an edge that nobody waited
   for is never missed, and a request on a kept-alive connection takes no epoll_ctl. */
struct stream {
    int fd;
    int register_error;
    struct event_base *base;
    struct event event;
    bool is_registered;
    short waiting_for; /* EV_READ or EV_WRITE, while somebody waits */
    struct task *waiter;
};

static void on_edge(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    struct stream *stream = arg;
    if (!stream->waiter || !(what & stream->waiting_for))
        return;
    struct task *waiter = stream->waiter;
    stream->waiter = NULL;
    loop_make_ready(loop, waiter);
}

static void register_event(void *arg) {
    struct stream *stream = arg;
    event_assign(&stream->event, stream->base, stream->fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST,
                 on_edge, stream);
    if (event_add(&stream->event, NULL))
        stream->register_error = errno ? -errno : -ENOMEM;
    else
        stream->is_registered = true;
}

static void unregister_event(void *arg) {
    struct stream *stream = arg;
    event_del(&stream->event);
}

/* Waits for an edge. Returns 0, -ETIMEDOUT, or why libevent cannot watch the descriptor. */
static int wait_for(struct stream *stream, short what, int64_t deadline) {
    if (!stream->is_registered) {
        loop_call(loop, register_event, stream);
        if (stream->register_error)
            return stream->register_error;
    }
    stream->waiting_for = what;
    stream->waiter = loop->current;
    loop->io_waiters++;
    int err = loop_wait_until(loop, deadline);
    loop->io_waiters--;
    stream->waiter = NULL;
    return err;
}

static void stream_free(struct stream *stream) {
    if (stream->is_registered)
        loop_call(loop, unregister_event, stream);
    close(stream->fd);
    free(stream);
}

static int stream_create(struct stream **out, int family) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->base = loop->base;
    stream->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (stream->fd < 0) {
        int err = -errno;
        free(stream);
        return err;
    }
    if (family == AF_INET || family == AF_INET6)
        setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *out = stream;
    return 0;
}

/* An edge may come before the connection stands (a socket that is not connected reports one when it
   is registered), so connect() is asked again until it says so. */
static int connect_until(struct stream *stream, const struct sockaddr *address,
                         socklen_t address_length, int64_t deadline) {
    while (connect(stream->fd, address, address_length) && errno != EISCONN) {
        if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
            return -errno;
        int err = wait_for(stream, EV_WRITE, deadline);
        if (err)
            return err;
    }
    return 0;
}

int async_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                  int64_t deadline) {
    struct stream *stream = NULL;
    int err = stream_create(&stream, address->sa_family);
    if (err)
        return err;
    err = connect_until(stream, address, address_length, deadline);
    if (err) {
        stream_free(stream);
        return err;
    }
    *out = stream;
    return 0;
}

ptrdiff_t async_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    for (;;) {
        ssize_t count = recv(stream->fd, buffer, size, 0);
        if (count >= 0)
            return count;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int err = wait_for(stream, EV_READ, deadline);
        if (err)
            return err;
    }
}

int async_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    const char *rest = data;
    while (size) {
        ssize_t count = send(stream->fd, rest, size, MSG_NOSIGNAL);
        if (count >= 0) {
            rest += count;
            size -= (size_t)count;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int err = wait_for(stream, EV_WRITE, deadline);
        if (err)
            return err;
    }
    return 0;
}

void async_close(struct stream *stream) {
    if (stream)
        stream_free(stream);
}
