#include "sync/signal_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SIGNALS_MAX 8

/* The handler may do little, so it sends the signal's number to a socket of our own, which a task
   reads as it would any other: the self-pipe of D. J. Bernstein. */
struct signal_watch {
    struct stream *stream;
    size_t count;
    int signals[SIGNALS_MAX];
    struct sigaction former[SIGNALS_MAX];
};

static volatile sig_atomic_t handler_fd = -1;

static void on_signal(int number) {
    int saved_errno = errno;
    unsigned char byte = (unsigned char)number;
    (void)!send(handler_fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    errno = saved_errno;
}

/* ThreadSanitizer puts a handler off until the system call that it came in has returned, which one
   that is restarted never does. */
#ifdef __SANITIZE_THREAD__
#define WATCH_FLAGS SA_ONSTACK
#else
#define WATCH_FLAGS (SA_RESTART | SA_ONSTACK)
#endif

static void install(struct signal_watch *watch, const int *signals, size_t count) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = WATCH_FLAGS};
    sigemptyset(&action.sa_mask);
    watch->count = count;
    for (size_t i = 0; i < count; i++) {
        watch->signals[i] = signals[i];
        sigaction(signals[i], &action, &watch->former[i]);
    }
}

static int open_stream(struct stream **out) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        return -errno;
    int err = stream_open(out, fds[0]);
    if (err) {
        close(fds[0]);
        close(fds[1]);
        return err;
    }
    handler_fd = fds[1];
    return 0;
}

int signal_watch_create(struct signal_watch **out, const int *signals, size_t count) {
    if (handler_fd >= 0)
        return -EBUSY;
    if (count > SIGNALS_MAX)
        return -EINVAL;
    struct signal_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return -ENOMEM;
    int err = open_stream(&watch->stream);
    if (err) {
        free(watch);
        return err;
    }
    install(watch, signals, count);
    *out = watch;
    return 0;
}

void signal_watch_destroy(struct signal_watch *watch) {
    for (size_t i = 0; i < watch->count; i++)
        sigaction(watch->signals[i], &watch->former[i], NULL);
    close(handler_fd);
    handler_fd = -1;
    stream_close(watch->stream);
    free(watch);
}

int signal_watch_await(struct signal_watch *watch, int64_t deadline, int *number) {
    unsigned char byte;
    ptrdiff_t count = stream_read(watch->stream, &byte, 1, deadline);
    if (count < 0)
        return (int)count;
    if (count == 0)
        return -EPIPE;
    *number = byte;
    return 0;
}
