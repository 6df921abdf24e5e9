#include "clock.h"
#include "threaded/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* A blocking socket. Deadlines are the socket's own timeouts, so that a read is one system call
   with no poll before it. */
struct stream {
    int fd;
    int64_t read_timeout_ns;  /* as set on the socket; 0: none */
    int64_t write_timeout_ns; /* likewise */
};

struct listener {
    int fd;
};

/* Makes the socket's timeout fit the deadline. Setting it is a system call, so one that is near
   enough is kept: up to an eighth longer than what is left (the deadline is noticed that much
   late), down to half of it (the caller waits again). Returns 0 or -ETIMEDOUT. */
static int fit_timeout(int fd, int option, int64_t *set_ns, int64_t deadline) {
    int64_t wanted_ns = 0;
    if (deadline != TASK_NO_DEADLINE) {
        wanted_ns = deadline - clock_now_ns();
        if (wanted_ns <= 0)
            return -ETIMEDOUT;
        if (*set_ns <= wanted_ns + wanted_ns / 8 && *set_ns >= wanted_ns / 2)
            return 0;
    }
    if (*set_ns == wanted_ns)
        return 0;
    int64_t wanted_us = (wanted_ns + NS_PER_US - 1) / NS_PER_US;
    struct timeval timeout = {.tv_sec = wanted_us / 1000000, .tv_usec = wanted_us % 1000000};
    if (setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout))
        return -errno;
    *set_ns = wanted_ns;
    return 0;
}

static void stream_free(struct stream *stream) {
    close(stream->fd);
    free(stream);
}

static int stream_create(struct stream **out, int fd) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->fd = fd;
    *out = stream;
    return 0;
}

static void set_no_delay(int fd) {
    /* Fails, without harm, on a socket that is not TCP's. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

int threaded_open(struct stream **out, int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
        return -errno;
    set_no_delay(fd);
    return stream_create(out, fd);
}

static int open_socket(int *out, int family) {
    *out = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *out < 0 ? -errno : 0;
}

/* Before a system call that waits: the timeout fits, and nobody has asked the task to end. */
static int begin(int fd, int option, int64_t *set_ns, int64_t deadline) {
    int err = fit_timeout(fd, option, set_ns, deadline);
    return err ? err : block_begin(threaded_self());
}

/* A connect that its timeout or a signal ends says EINPROGRESS or EINTR, and EALREADY when it is
   called again. */
static int connect_until(struct stream *stream, const struct sockaddr *address,
                         socklen_t address_length, int64_t deadline) {
    for (;;) {
        int err = begin(stream->fd, SO_SNDTIMEO, &stream->write_timeout_ns, deadline);
        if (err)
            return err;
        err = connect(stream->fd, address, address_length) ? errno : 0;
        block_end(threaded_self());
        if (!err || err == EISCONN)
            return 0;
        if (err != EINPROGRESS && err != EALREADY && err != EINTR)
            return -err;
    }
}

int threaded_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
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

ptrdiff_t threaded_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    for (;;) {
        int err = begin(stream->fd, SO_RCVTIMEO, &stream->read_timeout_ns, deadline);
        if (err)
            return err;
        ssize_t count = recv(stream->fd, buffer, size, 0);
        err = errno;
        block_end(threaded_self());
        if (count >= 0)
            return count;
        if (err != EAGAIN && err != EINTR)
            return -err;
    }
}

int threaded_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    const char *rest = data;
    while (size) {
        int err = begin(stream->fd, SO_SNDTIMEO, &stream->write_timeout_ns, deadline);
        if (err)
            return err;
        ssize_t count = send(stream->fd, rest, size, MSG_NOSIGNAL);
        err = errno;
        block_end(threaded_self());
        if (count >= 0) {
            rest += count;
            size -= (size_t)count;
        } else if (err != EAGAIN && err != EINTR) {
            return -err;
        }
    }
    return 0;
}

void threaded_close(struct stream *stream) {
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

int threaded_listen(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                    int backlog) {
    int fd;
    int err = open_socket(&fd, address->sa_family);
    if (err)
        return err;
    err = bind_and_listen(fd, address, address_length, backlog);
    struct listener *listener = err ? NULL : calloc(1, sizeof *listener);
    if (!listener) {
        close(fd);
        return err ? err : -ENOMEM;
    }
    listener->fd = fd;
    *out = listener;
    return 0;
}

int threaded_listener_address(const struct listener *listener, struct sockaddr_storage *out) {
    socklen_t length = sizeof *out;
    return getsockname(listener->fd, (struct sockaddr *)out, &length) ? -errno : 0;
}

/* The timeout is the socket's, and several tasks may accept from it, so none can rely on what it
   set last: it is set each time there is a deadline. */
int threaded_accept(struct listener *listener, int64_t deadline, struct stream **out) {
    for (;;) {
        int64_t unset_ns = -1;
        int err = begin(listener->fd, SO_RCVTIMEO, &unset_ns, deadline);
        if (err)
            return err;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        err = errno;
        block_end(threaded_self());
        if (fd >= 0) {
            set_no_delay(fd);
            err = stream_create(out, fd);
            if (err)
                close(fd);
            return err;
        }
        if (err != EAGAIN && err != EINTR && err != ECONNABORTED)
            return -err;
    }
}

void threaded_listener_close(struct listener *listener) {
    if (!listener)
        return;
    close(listener->fd);
    free(listener);
}
