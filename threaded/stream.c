#include "clock.h"
#include "threaded/engine.h"

#include <errno.h>
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

static int stream_create(struct stream **out, int family) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

/* A connect that its timeout ends says EINPROGRESS, and EALREADY when it is called again. */
static int connect_until(struct stream *stream, const struct sockaddr *address,
                         socklen_t address_length, int64_t deadline) {
    for (;;) {
        int err = fit_timeout(stream->fd, SO_SNDTIMEO, &stream->write_timeout_ns, deadline);
        if (err)
            return err;
        if (!connect(stream->fd, address, address_length) || errno == EISCONN)
            return 0;
        if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
            return -errno;
    }
}

int threaded_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
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

ptrdiff_t threaded_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    for (;;) {
        int err = fit_timeout(stream->fd, SO_RCVTIMEO, &stream->read_timeout_ns, deadline);
        if (err)
            return err;
        ssize_t count = recv(stream->fd, buffer, size, 0);
        if (count >= 0)
            return count;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
}

int threaded_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    const char *rest = data;
    while (size) {
        int err = fit_timeout(stream->fd, SO_SNDTIMEO, &stream->write_timeout_ns, deadline);
        if (err)
            return err;
        ssize_t count = send(stream->fd, rest, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (count > 0) {
            rest += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

void threaded_close(struct stream *stream) {
    if (stream)
        stream_free(stream);
}
