#include "async/multi/engine.h"
#include "async/wait_list.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* A socket that does not block. It is registered with libevent once, edge-triggered, when it first
   has to be waited for; each operation is tried before it is waited for, so that an edge that
   nobody waited for is never missed, and a request on a kept-alive connection takes no epoll_ctl.
   All who wait are tasks of the loop that it is registered with. */
struct descriptor {
    int fd;
    _Atomic(struct loop *) registered_with; /* NULL: with none */
    struct event event;
    struct wait_list readers, writers;
};

/* Goes to the loop of the task that waits. One task at a time uses it. */
struct stream {
    struct descriptor descriptor;
};

/* Tasks of several loops may accept at once, so each loop has a descriptor of the same socket. */
struct listener {
    int fd;
    size_t count;
    struct descriptor descriptors[];
};

/* All of them, since one edge may stand for several connections to accept. */
static void wake_all(struct wait_list *list) {
    while (wait_list_wake_first(list))
        continue;
}

static void on_edge(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    struct descriptor *descriptor = arg;
    if (what & EV_READ)
        wake_all(&descriptor->readers);
    if (what & EV_WRITE)
        wake_all(&descriptor->writers);
}

struct registration {
    struct descriptor *descriptor;
    int err;
};

static void register_event(void *arg) {
    struct registration *registration = arg;
    struct descriptor *descriptor = registration->descriptor;
    event_assign(&descriptor->event, loop->base, descriptor->fd,
                 EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_edge, descriptor);
    if (event_add(&descriptor->event, NULL))
        registration->err = errno ? -errno : -ENOMEM;
    else
        descriptor->registered_with = loop;
}

static void unregister_event(void *arg) {
    struct descriptor *descriptor = arg;
    event_del(&descriptor->event);
    descriptor->registered_with = NULL;
}

/* libevent may be called by its loop's thread only. */
static void leave_loop(struct descriptor *descriptor) {
    struct loop *former = descriptor->registered_with;
    if (former == loop)
        loop_call(loop, unregister_event, descriptor);
    else if (former)
        multi_call(former, unregister_event, descriptor);
}

/* Unless another task waits, which would never be woken. */
static void unregister_unused(void *arg) {
    struct registration *registration = arg;
    struct descriptor *descriptor = registration->descriptor;
    if (descriptor->readers.first || descriptor->writers.first)
        registration->err = -EBUSY;
    else
        unregister_event(descriptor);
}

/* Registering reports an edge for what is there already, so none is missed on the way. */
static int come_to_loop(struct descriptor *descriptor, struct loop *former) {
    struct registration registration = {.descriptor = descriptor};
    if (former)
        multi_call(former, unregister_unused, &registration);
    if (!registration.err)
        loop_call(loop, register_event, &registration);
    return registration.err;
}

/* Waits for an edge. Returns what loop_wait() does, or why libevent cannot watch the descriptor. */
static int wait_for(struct descriptor *descriptor, short what, int64_t deadline) {
    struct loop *former = atomic_load_explicit(&descriptor->registered_with, memory_order_acquire);
    int err = former == loop ? 0 : come_to_loop(descriptor, former);
    if (err)
        return err;
    loop->waits_outside++;
    err = what == EV_READ
              ? wait_list_wait(&descriptor->readers, "a socket to be readable", deadline)
              : wait_list_wait(&descriptor->writers, "a socket to be writable", deadline);
    loop->waits_outside--;
    return err;
}

static void stream_free(struct stream *stream) {
    leave_loop(&stream->descriptor);
    close(stream->descriptor.fd);
    free(stream);
}

static int stream_create(struct stream **out, int fd) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->descriptor.fd = fd;
    *out = stream;
    return 0;
}

static void set_no_delay(int fd) {
    /* Fails, without harm, on a socket that is not TCP's. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

int async_open(struct stream **out, int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return -errno;
    set_no_delay(fd);
    return stream_create(out, fd);
}

static int open_socket(int *out, int family) {
    *out = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *out < 0 ? -errno : 0;
}

/* An edge may come before the connection stands (a socket that is not connected reports one when it
   is registered), so connect() is asked again until it says so. */
static int connect_until(struct stream *stream, const struct sockaddr *address,
                         socklen_t address_length, int64_t deadline) {
    while (connect(stream->descriptor.fd, address, address_length) && errno != EISCONN) {
        if (errno == EINTR)
            continue;
        if (errno != EINPROGRESS && errno != EALREADY)
            return -errno;
        int err = wait_for(&stream->descriptor, EV_WRITE, deadline);
        if (err)
            return err;
    }
    return 0;
}

int async_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                  int64_t deadline) {
    int fd;
    struct stream *stream = NULL;
    int err = open_socket(&fd, address->sa_family);
    if (err)
        return err;
    set_no_delay(fd);
    err = stream_create(&stream, fd);
    if (err) {
        close(fd);
        return err;
    }
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
        ssize_t count = recv(stream->descriptor.fd, buffer, size, 0);
        if (count >= 0)
            return count;
        if (errno == EINTR) /* which is no reason to wait for an edge */
            continue;
        if (errno != EAGAIN)
            return -errno;
        int err = wait_for(&stream->descriptor, EV_READ, deadline);
        if (err)
            return err;
    }
}

int async_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    const char *rest = data;
    while (size) {
        ssize_t count = send(stream->descriptor.fd, rest, size, MSG_NOSIGNAL);
        if (count >= 0) {
            rest += count;
            size -= (size_t)count;
            continue;
        }
        if (errno == EINTR) /* which is no reason to wait for an edge */
            continue;
        if (errno != EAGAIN)
            return -errno;
        int err = wait_for(&stream->descriptor, EV_WRITE, deadline);
        if (err)
            return err;
    }
    return 0;
}

void async_close(struct stream *stream) {
    if (stream)
        stream_free(stream);
}

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t address_length,
                           int backlog) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, address, address_length) || listen(fd, backlog))
        return -errno;
    return 0;
}

static struct listener *listener_create(int fd) {
    struct listener *listener =
        calloc(1, sizeof *listener + loop->loops * sizeof(struct descriptor));
    if (!listener)
        return NULL;
    listener->fd = fd;
    listener->count = loop->loops;
    for (size_t i = 0; i < listener->count; i++)
        listener->descriptors[i].fd = fd;
    return listener;
}

int async_listen(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                 int backlog) {
    int fd;
    int err = open_socket(&fd, address->sa_family);
    if (err)
        return err;
    err = bind_and_listen(fd, address, address_length, backlog);
    struct listener *listener = err ? NULL : listener_create(fd);
    if (!listener) {
        close(fd);
        return err ? err : -ENOMEM;
    }
    *out = listener;
    return 0;
}

int async_listener_address(const struct listener *listener, struct sockaddr_storage *out) {
    socklen_t length = sizeof *out;
    return getsockname(listener->fd, (struct sockaddr *)out, &length) ? -errno : 0;
}

int async_accept(struct listener *listener, int64_t deadline, struct stream **out) {
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            set_no_delay(fd);
            int err = stream_create(out, fd);
            if (err)
                close(fd);
            return err;
        }
        if (errno == EINTR ||
            errno == ECONNABORTED) /* others may be there, of which no edge tells again */
            continue;
        if (errno != EAGAIN)
            return -errno;
        int err = wait_for(&listener->descriptors[loop->number], EV_READ, deadline);
        if (err)
            return err;
    }
}

void async_listener_close(struct listener *listener) {
    if (!listener)
        return;
    for (size_t i = 0; i < listener->count; i++)
        leave_loop(&listener->descriptors[i]);
    close(listener->fd);
    free(listener);
}
