#include "harness/origin_process.h"

#include "clock.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define START_LIMIT_NS (5 * NS_PER_S)
#define STOP_LIMIT_NS (5 * NS_PER_S)

/* Reads up to a line break, which is not stored, waiting until deadline_ns at most. Byte by byte: a
   line comes once a trial and what follows it must stay unread. */
static int read_line(int fd, char *line, size_t size, int64_t deadline_ns) {
    for (size_t length = 0; length + 1 < size; length++) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MS;
        int ready = poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready < 0 && errno == EINTR) {
            length--;
            continue;
        }
        if (ready <= 0)
            return ready < 0 ? -errno : -ETIMEDOUT;
        if (read(fd, line + length, 1) != 1)
            return -EPIPE;
        if (line[length] == '\n') {
            line[length] = '\0';
            return 0;
        }
    }
    return -EMSGSIZE;
}

int origin_process_start(struct origin_process *out, struct message *message) {
    char *arguments[] = {"tva", "origin", NULL};
    struct origin_process origin = {0};
    int err = process_start(&origin.process, arguments, STDOUT_FILENO);
    if (err)
        return message_fail(message, err, "the origin could not be started: %s", strerror(-err));
    err = read_line(origin.process.fd, origin.url, sizeof origin.url,
                    clock_now_ns() + START_LIMIT_NS);
    if (err) {
        process_signal(&origin.process, SIGKILL);
        process_wait(&origin.process);
        return message_fail(message, err, "the origin did not start: %s", strerror(-err));
    }
    *out = origin;
    return 0;
}

struct origin_counts origin_process_stop(struct origin_process *origin) {
    struct origin_counts counts = {0};
    if (!origin->process.pid)
        return counts;
    process_signal(&origin->process, SIGTERM);
    char line[256];
    if (read_line(origin->process.fd, line, sizeof line, clock_now_ns() + STOP_LIMIT_NS) == 0) {
        json_t *object = json_loads(line, 0, NULL);
        json_int_t requests, bytes, cpu_ns;
        if (object && json_unpack(object, "{s:I, s:I, s:I}", "requests", &requests, "bytes", &bytes,
                                  "cpu_ns", &cpu_ns) == 0)
            counts = (struct origin_counts){true, requests, bytes, cpu_ns};
        json_decref(object);
    }
    process_signal(&origin->process, SIGKILL); /* it has told all; nothing is lost */
    process_wait(&origin->process);
    return counts;
}
