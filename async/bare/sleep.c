#include "workloads/sleep.h"

#include <errno.h>
#include <stdlib.h>

#include "async/bare/base.h"

struct sleep_floor {
    const struct sleep_params *params;
    struct recorder *recorder;
    struct timeval wait;
    const struct timeval *common; /* of all sleeps, where they are equal; else NULL */
};

/* One task. */
struct sleeper {
    struct event timer;
    const struct sleep_floor *floor;
    uint64_t operation;
    int64_t wait_ns; /* of the operation */
};

static int sleep_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct sleep_floor *floor = calloc(1, sizeof *floor);
    if (!floor)
        return -ENOMEM;
    floor->params = input->params;
    floor->recorder = input->recorder;
    *state = floor;
    return 0;
}

static void end_sleep(const struct sleeper *sleeper, int err) {
    const struct sleep_floor *floor = sleeper->floor;
    uint64_t value = sleep_value(floor->params, sleeper->operation, sleeper->wait_ns);
    operation_end(floor->recorder, sleeper->operation, err, value);
}

/* Begins the sleeper's sleeps from `operation` on; it is done when one could be begun. */
static void begin_sleep(struct sleeper *sleeper) {
    const struct sleep_floor *floor = sleeper->floor;
    uint64_t repeat = (uint64_t)floor->params->repeat;
    int err;
    do {
        sleeper->wait_ns = sleep_wait_ns(floor->params, sleeper->operation);
        operation_begin(floor->recorder, sleeper->operation);
        err = base_wait(&sleeper->timer, sleeper->wait_ns, floor->common);
        if (err)
            end_sleep(sleeper, err);
    } while (err && ++sleeper->operation % repeat != 0);
    if (err)
        recorder_task_end(floor->recorder);
}

static void on_awake(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct sleeper *sleeper = arg;
    end_sleep(sleeper, 0);
    if (++sleeper->operation % (uint64_t)sleeper->floor->params->repeat != 0)
        begin_sleep(sleeper);
    else
        recorder_task_end(sleeper->floor->recorder);
}

/* Timers of one duration need no heap. */
static void choose_timeout(struct sleep_floor *floor, struct event_base *base) {
    floor->wait = base_timeval(floor->params->sleep_ns);
    floor->common =
        floor->params->jitter_ns ? NULL : event_base_init_common_timeout(base, &floor->wait);
}

static void run_sleepers(struct sleep_floor *floor, struct event_base *base,
                         struct sleeper *sleepers) {
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    choose_timeout(floor, base);
    for (uint64_t i = 0; i < tasks; i++) {
        struct sleeper *sleeper = &sleepers[i];
        sleeper->floor = floor;
        sleeper->operation = i * (uint64_t)floor->params->repeat;
        evtimer_assign(&sleeper->timer, base, on_awake, sleeper);
        recorder_task_begin(floor->recorder);
        begin_sleep(sleeper);
    }
    recorder_all_spawned(floor->recorder, tasks, 0);
    event_base_dispatch(base);
}

static int sleep_main(void *state) {
    struct sleep_floor *floor = state;
    struct event_base *base = base_create(true);
    struct sleeper *sleepers = malloc((size_t)floor->params->common.tasks * sizeof *sleepers);
    int err = base && sleepers ? 0 : -ENOMEM;
    if (err)
        recorder_all_spawned(floor->recorder, 0, err);
    else
        run_sleepers(floor, base, sleepers);
    free(sleepers);
    if (base)
        event_base_free(base);
    return err;
}

const struct bare_body bare_callbacks_sleep = {
    .workload = "sleep", .prepare = sleep_prepare, .main = sleep_main, .destroy = free};
