#include "workloads/sleep.h"

#include <errno.h>
#include <stdlib.h>

#include "threaded/bare/crowd.h"

struct sleep_floor {
    const struct sleep_params *params;
    struct recorder *recorder;
};

static int sleep_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct sleep_floor *floor = malloc(sizeof *floor);
    if (!floor)
        return -ENOMEM;
    *floor = (struct sleep_floor){.params = input->params, .recorder = input->recorder};
    *state = floor;
    return 0;
}

static void sleep_body(void *state, uint64_t number) {
    const struct sleep_floor *floor = state;
    uint64_t repeat = (uint64_t)floor->params->repeat;
    for (uint64_t op = number * repeat; op < (number + 1) * repeat; op++) {
        int64_t wait_ns = sleep_wait_ns(floor->params, op);
        operation_begin(floor->recorder, op);
        crowd_sleep(wait_ns);
        operation_end(floor->recorder, op, 0, sleep_value(floor->params, op, wait_ns));
    }
}

static int sleep_main(void *state) {
    const struct sleep_floor *floor = state;
    return crowd_run(floor->recorder, (uint64_t)floor->params->common.tasks, sleep_body, state);
}

const struct bare_body bare_threads_sleep = {
    .workload = "sleep", .prepare = sleep_prepare, .main = sleep_main, .destroy = free};
