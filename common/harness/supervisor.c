#include "harness/supervisor.h"

#include "clock.h"
#include "harness/cpus.h"
#include "harness/load_process.h"
#include "harness/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One trial under way. */
struct supervision {
    const struct cell *cell;
    struct origin_process origin;
    struct clients_process clients;
    struct load_process load;
    struct ticker_process ticker;
    struct process process;
    struct memory_cgroup cgroup;
    bool is_watched; /* from before it measures until it has told its result */
    struct disturbance_subject subject;
    struct machine_reading machine_before;
    int64_t deadline_ns;
    int stop_fd;
    char *text; /* of the result so far */
    size_t text_bytes;
    size_t text_room;
    struct trial_outcome *outcome;
};

static struct memory_reading read_memory(const struct supervision *s) {
    struct memory_reading reading = {0};
    memory_read_process(s->process.pid, &reading.process);
    reading.kernel = memory_read_kernel(&s->cgroup);
    reading.ended_ns = clock_now_ns();
    return reading;
}

static struct disturbance_subject subject_of(const struct supervision *s) {
    struct disturbance_subject subject = {.own = {s->process.pid, s->origin.process.pid,
                                                  s->ticker.process.pid, s->clients.process.pid,
                                                  s->load.process.pid}};
    struct message unused;
    const char *cpus = s->cell->conditions.cpus;
    if (!cpus || cpus_parse(cpus, &subject.cores, &unused) < 0)
        sched_getaffinity(0, sizeof subject.cores, &subject.cores);
    return subject;
}

/* The ticker comes before the memory's base, which may be of the whole machine. If it does not
   start, there is no control. */
static void begin_watch(struct supervision *s) {
    if (s->cell->spec.workload->blocking)
        ticker_process_start(&s->ticker, s->cell->conditions.cpus);
    s->outcome->base = read_memory(s);
    s->subject = subject_of(s);
    disturbance_read(&s->machine_before, &s->subject);
    s->is_watched = true;
}

/* Once, when the result begins to come, or at the end of a trial without one. */
static void end_watch(struct supervision *s) {
    struct machine_reading after;
    if (!s->is_watched)
        return;
    s->is_watched = false;
    disturbance_read(&after, &s->subject);
    disturbance_between(&s->outcome->disturbance, &s->subject, &s->machine_before, &after);
    s->outcome->has_disturbance = true;
    s->outcome->control = ticker_process_stop(&s->ticker);
}

/* The three bytes of the protocol before the result. */
static void take_signal(struct supervision *s, char byte) {
    if (byte == 'r') {
        begin_watch(s);
        send(s->process.fd, "g", 1, MSG_NOSIGNAL);
    } else if (byte == 'p') {
        s->outcome->plateau = read_memory(s);
    }
}

static int take_text(struct supervision *s, const char *bytes, size_t count) {
    if (count == 0)
        return 0;
    if (s->text_bytes + count > s->text_room) {
        size_t room = 2 * (s->text_bytes + count);
        char *text = realloc(s->text, room);
        if (!text)
            return -ENOMEM;
        s->text = text;
        s->text_room = room;
    }
    memcpy(s->text + s->text_bytes, bytes, count);
    s->text_bytes += count;
    return 0;
}

/* Takes what the trial sent. Returns 0 at the end of it, 1 if more may come, or a negative errno.
 */
static int take_bytes(struct supervision *s) {
    char bytes[65536];
    ssize_t count = recv(s->process.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0) /* ECONNRESET: it died and left bytes unread */
        return errno == EAGAIN || errno == EINTR ? 1 : 0;
    size_t at = 0;
    while (at < (size_t)count && !s->text_bytes && bytes[at] != '{')
        take_signal(s, bytes[at++]);
    if (at < (size_t)count)
        end_watch(s);
    int err = take_text(s, bytes + at, (size_t)count - at);
    return err ? err : count > 0;
}

/* Until the trial has closed its end of the socket, which its end does. */
static enum trial_end attend(struct supervision *s) {
    for (;;) {
        int64_t left_ns = s->deadline_ns - clock_now_ns();
        if (left_ns <= 0)
            return TRIAL_TIMED_OUT;
        struct timespec left = clock_timespec(left_ns);
        struct pollfd waits[] = {{.fd = s->process.fd, .events = POLLIN},
                                 {.fd = s->stop_fd, .events = POLLIN}};
        if (ppoll(waits, 2, &left, NULL) < 0 && errno != EINTR)
            return TRIAL_CRASHED;
        s->outcome->stop_signal = stop_signal(s->stop_fd);
        if (s->outcome->stop_signal)
            return TRIAL_STOPPED;
        int more = waits[0].revents ? take_bytes(s) : 1;
        if (more <= 0)
            return more < 0 ? TRIAL_CRASHED : TRIAL_ENDED;
    }
}

/* A trial whose socket ended well may still have died, or not have had a result. */
static enum trial_end judge_end(struct supervision *s) {
    struct trial_outcome *outcome = s->outcome;
    int status = outcome->process.status;
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        message_fail(&outcome->reason, 0, "the trial was ended by SIG%s", name ? name : "?");
        return TRIAL_CRASHED;
    }
    json_t *result = s->text_bytes ? json_loadb(s->text, s->text_bytes, 0, NULL) : NULL;
    if (result && status == 0) {
        outcome->result = result;
        return TRIAL_ENDED;
    }
    message_fail(&outcome->reason, 0, "the trial ended with status %d %s a result",
                 WEXITSTATUS(status), result ? "after" : "and without");
    json_decref(result);
    return TRIAL_CRASHED;
}

static void finish(struct supervision *s, enum trial_end end) {
    end_watch(s);
    if (end != TRIAL_ENDED)
        process_signal(&s->process, SIGKILL);
    s->outcome->process = process_wait(&s->process);
    s->outcome->has_process = true;
    memory_cgroup_destroy(&s->cgroup);
    s->outcome->end = end == TRIAL_ENDED ? judge_end(s) : end;
    free(s->text);
}

static int start_trial(struct supervision *s) {
    const struct cell *cell = s->cell;
    char control[16];
    snprintf(control, sizeof control, "%d", SUPERVISOR_CONTROL_FD);
    char *arguments[16];
    size_t count = 0;
    arguments[count++] = "tva";
    arguments[count++] = "trial";
    arguments[count++] = "--control";
    arguments[count++] = control;
    if (s->origin.process.pid) {
        arguments[count++] = "--origin";
        arguments[count++] = s->origin.url;
    }
    if (s->clients.process.pid) {
        arguments[count++] = "--clients";
        arguments[count++] = s->clients.port;
    }
    arguments[count++] = "--conditions";
    arguments[count++] = cell->conditions.text;
    if (cell->has_timeline)
        arguments[count++] = "--timeline";
    arguments[count++] = cell->spec.text;
    arguments[count++] = cell->model_spec.text;
    arguments[count] = NULL;
    return process_start(&s->process, arguments, SUPERVISOR_CONTROL_FD);
}

static void fail_start(struct trial_outcome *outcome, int err) {
    outcome->end = TRIAL_NOT_STARTED;
    outcome->start_error = err;
}

/* The trial between its start and its end, with the origin up if it has one. */
static void supervise(struct supervision *s, int64_t timeout_ns) {
    int err = start_trial(s);
    if (err) {
        fail_start(s->outcome, message_fail(&s->outcome->reason, err,
                                            "the trial could not be started: %s", strerror(-err)));
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "tva-trial-%d", (int)s->process.pid);
    if (memory_cgroup_create(&s->cgroup, name) == 0 &&
        memory_cgroup_add(&s->cgroup, s->process.pid) < 0)
        memory_cgroup_destroy(&s->cgroup);
    s->deadline_ns = s->process.begin_ns + timeout_ns;
    enum trial_end end = attend(s);
    if (end == TRIAL_TIMED_OUT)
        message_fail(&s->outcome->reason, 0,
                     "killed at the time limit of %.3g s: raise the timeout or shorten the spec",
                     (double)timeout_ns / 1e9);
    else if (end == TRIAL_CRASHED)
        message_fail(&s->outcome->reason, 0, "the trial's result could not be received");
    finish(s, end);
}

/* The load comes last, so that it slows down none of the others' starts. */
static int start_companions(struct supervision *s, struct message *message) {
    const struct workload *workload = s->cell->spec.workload;
    const void *params = s->cell->spec.params;
    const struct conditions *conditions = &s->cell->conditions;
    int err = 0;
    if (workload->needs_origin && workload->needs_origin(params))
        err = origin_process_start(&s->origin, conditions->origin_cpus, message);
    if (!err && workload->needs_clients && workload->needs_clients(params))
        err = clients_process_start(&s->clients, conditions->origin_cpus, message);
    if (!err && conditions->load)
        err = load_process_start(&s->load, conditions->load, message);
    return err;
}

/* Those that there are. */
static void stop_companions(struct supervision *s) {
    load_process_stop(&s->load);
    s->outcome->clients = clients_process_stop(&s->clients);
    s->outcome->origin = origin_process_stop(&s->origin);
}

void supervisor_run(const struct cell *cell, int64_t timeout_ns, int stop_fd,
                    struct trial_outcome *out) {
    *out = (struct trial_outcome){0};
    struct supervision s = {.cell = cell, .stop_fd = stop_fd, .outcome = out};
    int err = start_companions(&s, &out->reason);
    if (err)
        fail_start(out, err);
    else
        supervise(&s, timeout_ns);
    stop_companions(&s);
}

void trial_outcome_destroy(struct trial_outcome *outcome) {
    json_decref(outcome->result);
    control_ticks_destroy(&outcome->control);
    json_decref(outcome->clients);
    *outcome = (struct trial_outcome){0};
}
