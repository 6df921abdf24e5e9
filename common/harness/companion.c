#include "harness/companion.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_LIMIT_NS (5 * NS_PER_S)
#define STOP_LIMIT_NS (5 * NS_PER_S)

/* Room for what a process tells at its end; the largest is a distribution with all its buckets. */
#define TOLD_BYTES (1024 * 1024)

/* Reads up to a line break, which is replaced by a zero, waiting until deadline_ns at most. Nothing
   must follow the line before the process is told something. */
static int read_line(int fd, char *line, size_t size, int64_t deadline_ns) {
    for (size_t length = 0; length + 1 < size;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MS;
        int ready = poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready < 0 ? -errno : -ETIMEDOUT;
        ssize_t count = read(fd, line + length, size - 1 - length);
        if (count <= 0)
            return -EPIPE;
        length += (size_t)count;
        if (line[length - 1] == '\n') {
            line[length - 1] = '\0';
            return 0;
        }
    }
    return -EMSGSIZE;
}

int companion_start(struct process *out, char *const arguments[], char *line, size_t size) {
    struct process process;
    int err = process_start(&process, arguments, STDOUT_FILENO);
    if (err)
        return err;
    err = read_line(process.fd, line, size, clock_now_ns() + START_LIMIT_NS);
    if (err) {
        process_signal(&process, SIGKILL);
        process_wait(&process);
        return err;
    }
    *out = process;
    return 0;
}

json_t *companion_stop(struct process *process) {
    json_t *told = NULL;
    char *line = malloc(TOLD_BYTES);
    process_signal(process, SIGTERM);
    if (line && read_line(process->fd, line, TOLD_BYTES, clock_now_ns() + STOP_LIMIT_NS) == 0)
        told = json_loads(line, 0, NULL);
    free(line);
    process_signal(process, SIGKILL); /* it has told all; nothing is lost */
    process_wait(process);
    return told;
}
