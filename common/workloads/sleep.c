/* N tasks sleep, once or several times in a row. The wake-up of each is all the work there is. */
#include "workloads/sleep.h"

#include <errno.h>
#include <stdlib.h>

#include "workloads/fan_out.h"
#include "workloads/random.h"

struct sleep_state {
    const struct sleep_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
};

int64_t sleep_wait_ns(const void *params, uint64_t operation) {
    const struct sleep_params *p = params;
    uint64_t random = random_at((uint64_t)p->common.seed, operation);
    return p->sleep_ns + random_up_to(random, p->jitter_ns);
}

uint64_t sleep_value(const struct sleep_params *params, uint64_t operation, int64_t slept_ns) {
    return random_at((uint64_t)params->common.seed ^ (uint64_t)slept_ns, operation);
}

static int sleep_task(void *state, uint64_t number) {
    const struct sleep_state *s = state;
    uint64_t repeat = (uint64_t)s->params->repeat;
    for (uint64_t op = number * repeat; op < (number + 1) * repeat; op++) {
        int64_t wait_ns = sleep_wait_ns(s->params, op);
        operation_begin(s->recorder, op);
        int err = task_sleep(wait_ns);
        operation_end(s->recorder, op, err, sleep_value(s->params, op, wait_ns));
    }
    return 0;
}

static uint64_t sleep_operations(const void *params) {
    const struct sleep_params *p = params;
    return (uint64_t)p->common.tasks * (uint64_t)p->repeat;
}

static bool sleep_is_right(const void *params, uint64_t operation, uint64_t value) {
    return value == sleep_value(params, operation, sleep_wait_ns(params, operation));
}

static int64_t sleep_ideal_ns(const void *params) {
    const struct sleep_params *p = params;
    int64_t longest_ns = 0;
    for (uint64_t task = 0; task < (uint64_t)p->common.tasks; task++) {
        int64_t total_ns = 0;
        for (uint64_t i = 0; i < (uint64_t)p->repeat; i++)
            total_ns += sleep_wait_ns(p, task * (uint64_t)p->repeat + i);
        if (total_ns > longest_ns)
            longest_ns = total_ns;
    }
    return longest_ns;
}

static void sleep_destroy(void *state) {
    struct sleep_state *s = state;
    if (!s)
        return;
    fan_out_destroy(s->fan_out);
    free(s);
}

static int sleep_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct sleep_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    int err = fan_out_create(&s->fan_out, (uint64_t)s->params->common.tasks, "sleep", sleep_task, s,
                             s->recorder);
    if (err) {
        sleep_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int sleep_main(void *state) {
    const struct sleep_state *s = state;
    return fan_out_run(s->fan_out);
}

static const struct parameter sleep_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("1000"),
    {"sleep", PARAMETER_DURATION, offsetof(struct sleep_params, sleep_ns), "100ms", 0,
     3600 * INT64_C(1000000000), "DURATION", "how long each sleep lasts"},
    {"jitter", PARAMETER_DURATION, offsetof(struct sleep_params, jitter_ns), "0", 0,
     3600 * INT64_C(1000000000), "DURATION", "adds a seeded 0..jitter to each sleep"},
    {"repeat", PARAMETER_COUNT, offsetof(struct sleep_params, repeat), "1", 1, 1000000, "COUNT",
     "sleeps of each task, one after the other"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_sleep = {
    .name = "sleep",
    .summary = "tasks that only wait: the cost of a waiting task and of a timer",
    .operation = "one sleep",
    .parameters = sleep_parameters,
    .params_bytes = sizeof(struct sleep_params),
    .task_stack_bytes = 512,
    .is_sleep = true,
    .operations = sleep_operations,
    .wait_ns = sleep_wait_ns,
    .is_right = sleep_is_right,
    .ideal_ns = sleep_ideal_ns,
    .prepare = sleep_prepare,
    .main = sleep_main,
    .destroy = sleep_destroy,
};
