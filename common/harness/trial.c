#include "harness/trial.h"

#include "clock.h"
#include "descriptors.h"
#include "harness/conditions.h"
#include "harness/row.h"
#include "harness/trial_result.h"
#include "measure/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room in a timeline for each task and each operation. */
#define SPANS_EACH 64
#define SPANS_MAX 200000

/* The observer's own frames on a task's stack. */
#define OBSERVER_STACK_BYTES 256

struct trial {
    const struct trial_options *options;
    struct spec spec;
    struct model_spec model_spec;
    struct conditions conditions;
    struct recorder *recorder;
    struct bare_body body; /* what is run: the workload's own, or a floor's in its place */
    void *state;           /* of the body */
    struct histogram *latency;
    struct histogram *overshoot;
    struct timeline *timeline;

    /* Measured. */
    int run_error;
    int main_result;
    int64_t begin_ns;
    int64_t end_ns;
    struct usage used;
    struct process_memory memory;
    struct model_report report;
};

static int create_timeline(struct trial *t, uint64_t operations) {
    size_t tasks = (size_t)spec_tasks(&t->spec);
    size_t spans = (tasks + operations) * SPANS_EACH;
    return timeline_create(&t->timeline, tasks, spans < SPANS_MAX ? spans : SPANS_MAX);
}

/* Allocates what the measuring needs, before anything is measured. */
static int create_instruments(struct trial *t) {
    const struct workload *workload = t->spec.workload;
    const struct model *model = t->model_spec.model;
    uint64_t operations = workload->operations(t->spec.params);
    int64_t plateau = model->in_flight_max(&t->model_spec.options, spec_tasks(&t->spec));
    struct workload_blocking blocking = {0};
    if (workload->blocking)
        workload->blocking(t->spec.params, &blocking);
    struct recorder_options options = {.operations = operations,
                                       .blocks = blocking.blocks,
                                       .plateau_tasks = (uint64_t)plateau,
                                       .plateau_fd = t->options->control_fd};
    int err = recorder_create(&t->recorder, &options);
    if (!err)
        err = histogram_create(&t->latency);
    if (!err && workload->is_sleep)
        err = histogram_create(&t->overshoot);
    if (!err && t->options->has_timeline && !model->bare)
        err = create_timeline(t, operations);
    return err;
}

static int prepare(struct trial *t, struct message *message) {
    const struct workload *workload = t->spec.workload;
    int err = conditions_apply(&t->conditions, message);
    if (err)
        return err;
    descriptors_raise();
    t->model_spec.options.task_stack_bytes =
        spec_stack_bytes(&t->spec) + (t->options->has_timeline ? OBSERVER_STACK_BYTES : 0);
    err = create_instruments(t);
    if (err)
        return message_fail(message, err, "the trial could not be prepared: %s", strerror(-err));
    struct workload_input input = {.params = t->spec.params,
                                   .recorder = t->recorder,
                                   .origin_url = t->options->origin_url,
                                   .clients_port = t->options->clients_port};
    char what[WORKLOAD_MESSAGE_BYTES] = "";
    err = t->body.prepare(&input, &t->state, what);
    if (err)
        return message_fail(message, err, "%s: %s", workload->name, *what ? what : strerror(-err));
    return 0;
}

/* Tells the supervisor that all is ready and waits until it has looked. */
static void await_go(const struct trial *t) {
    char go;
    if (t->options->control_fd < 0)
        return;
    while (write(t->options->control_fd, "r", 1) < 0 && errno == EINTR)
        continue;
    while (read(t->options->control_fd, &go, 1) < 0 && errno == EINTR)
        continue;
}

static int watched_main(void *arg) {
    const struct trial *t = arg;
    timeline_start(t->timeline);
    return t->body.main(t->state);
}

static void measure(struct trial *t) {
    const struct model *model = t->model_spec.model;
    task_function *function = t->timeline ? watched_main : t->body.main;
    void *arg = t->timeline ? t : t->state;
    struct usage before = usage_now();
    t->begin_ns = clock_now_ns();
    t->run_error = model_run(model, &t->model_spec.options, function, arg, &t->main_result);
    t->end_ns = clock_now_ns();
    struct usage after = usage_now();
    memory_read_process(0, &t->memory);
    if (t->spec.workload->settle)
        t->spec.workload->settle(t->state);
    t->used = usage_between(&before, &after);
    t->report = (struct model_report){-1, -1, -1};
    if (!t->run_error)
        model->report(&t->report);
}

static json_t *report(const struct trial *t, const struct verdict *verdict) {
    struct phase_times times = {.begin_ns = t->begin_ns,
                                .all_spawned_ns = t->recorder->all_spawned_ns,
                                .last_end_ns = verdict->summary.last_end_ns,
                                .end_ns = t->end_ns};
    struct trial_result result = {.spec = &t->spec,
                                  .state = t->state,
                                  .verdict = verdict,
                                  .recorder = t->recorder,
                                  .phases = phases_of(&times),
                                  .used = t->used,
                                  .memory = t->memory,
                                  .report = t->report,
                                  .latency = t->latency,
                                  .overshoot = t->overshoot,
                                  .timeline = t->timeline};
    return trial_result_json(&result);
}

static json_t *run(struct trial *t) {
    struct message reason = {""};
    int err = prepare(t, &reason);
    if (err)
        return trial_result_unprepared_json(err, &reason);
    await_go(t);
    measure(t);
    struct verdict verdict;
    verdict_reach(&verdict, &t->spec, t->state, t->recorder, t->run_error, t->main_result,
                  t->latency, t->overshoot);
    json_t *result = report(t, &verdict);
    verdict_destroy(&verdict);
    return result;
}

static int write_all(int fd, const char *text, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, text, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        text += written;
        count -= (size_t)written;
    }
    return 0;
}

static int send_result(int fd, const json_t *result) {
    char *text = json_dumps(result, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    int err = write_all(fd, text, strlen(text));
    if (!err)
        err = write_all(fd, "\n", 1);
    free(text);
    return err;
}

static void destroy(struct trial *t) {
    if (t->state)
        t->body.destroy(t->state);
    if (t->timeline)
        timeline_destroy(t->timeline);
    histogram_destroy(t->overshoot);
    histogram_destroy(t->latency);
    recorder_destroy(t->recorder);
    conditions_destroy(&t->conditions);
    model_spec_destroy(&t->model_spec);
    spec_destroy(&t->spec);
}

/* Sends the result. Returns the exit status; with a supervisor the row tells how it went. */
static int deliver(const struct trial_options *options, const json_t *result,
                   struct message *message) {
    bool has_supervisor = options->control_fd >= 0;
    int fd = has_supervisor ? options->control_fd : STDOUT_FILENO;
    int err = result ? send_result(fd, result) : -ENOMEM;
    if (err)
        return message_fail(message, err, "the result could not be sent: %s", strerror(-err));
    return has_supervisor || row_status_is_good(row_status(result)) ? 0 : 1;
}

int trial_run(const struct trial_options *options, struct message *message) {
    struct trial t = {.options = options};
    int status = spec_parse(&t.spec, options->spec, message);
    if (!status)
        status = model_spec_parse(&t.model_spec, options->model_spec, message);
    if (!status)
        status = spec_find_body(&t.body, t.spec.workload, t.model_spec.model, message);
    if (!status)
        status = spec_check_model(&t.spec, &t.model_spec, message);
    if (!status)
        status = conditions_parse(&t.conditions, options->conditions, message);
    if (!status) {
        json_t *result = run(&t);
        status = deliver(options, result, message);
        json_decref(result);
    }
    destroy(&t);
    return status;
}
