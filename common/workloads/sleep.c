/* N tasks sleep, once or several times in a row, and may compute after each sleep. Unless they are
   told to, the wake-up of each is all the work there is. */
#include "workloads/sleep.h"

#include <errno.h>
#include <stdlib.h>

#include "workloads/arrivals.h"
#include "workloads/fan_out.h"
#include "workloads/floor_check.h"
#include "workloads/random.h"
#include "workloads/touch.h"
#include "workloads/work.h"

#define TASK_STACK_BYTES 352

struct sleep_state {
    const struct sleep_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct arrivals arrivals;
};

/* Not inlined, nor is await_arrival: what sleep_task keeps on its stack while it sleeps decides on
   how many cache lines a coroutine's registers lie that are cold when it wakes, and one more costs
   a third of a microsecond for each of 100,000 tasks. */
__attribute__((noinline)) int64_t sleep_wait_ns(const void *params, uint64_t operation) {
    const struct sleep_params *p = params;
    uint64_t random = random_at((uint64_t)p->common.seed, operation);
    return p->sleep_ns + random_up_to(random, p->jitter_ns);
}

uint64_t sleep_value(const struct sleep_params *params, uint64_t operation, int64_t slept_ns) {
    uint64_t value = random_at((uint64_t)params->common.seed ^ (uint64_t)slept_ns, operation);
    return work_hash(value, params->work);
}

/* Sleep k of each task comes before sleep k + 1 of any. */
static uint64_t arrival_of(const struct sleep_params *p, uint64_t operation) {
    uint64_t repeat = (uint64_t)p->repeat;
    return operation % repeat * (uint64_t)p->common.tasks + operation / repeat;
}

static int64_t sleep_due_ns(const void *state, uint64_t operation) {
    const struct sleep_state *s = state;
    return s->arrivals.due_ns[arrival_of(s->params, operation)];
}

static __attribute__((noinline)) int await_arrival(const struct sleep_state *s, uint64_t op) {
    return arrivals_await(&s->arrivals, arrival_of(s->params, op));
}

static int sleep_task(void *state, uint64_t number) {
    const struct sleep_state *s = state;
    uint64_t repeat = (uint64_t)s->params->repeat;
    if (s->params->touch_bytes)
        touch_stack(s->params->touch_bytes);
    for (uint64_t op = number * repeat; op < (number + 1) * repeat; op++) {
        int err = s->arrivals.due_ns ? await_arrival(s, op) : 0;
        int64_t wait_ns = sleep_wait_ns(s->params, op);
        operation_begin(s->recorder, op);
        if (!err)
            err = task_sleep(wait_ns);
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

static int64_t closed_ideal_ns(const struct sleep_params *p) {
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

static int64_t sleep_ideal_ns(const void *params) {
    const struct sleep_params *p = params;
    uint64_t count = sleep_operations(p);
    if (!p->arrivals.rate)
        return closed_ideal_ns(p);
    return arrivals_ideal_ns(&p->arrivals, &p->common, count, sleep_wait_ns(p, count - 1),
                             closed_ideal_ns(p));
}

static size_t sleep_stack_bytes(const void *params) {
    return TASK_STACK_BYTES + (size_t)((const struct sleep_params *)params)->touch_bytes;
}

static int sleep_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    return arrivals_check(&((const struct sleep_params *)params)->arrivals, message);
}

static int sleep_check_floor(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct sleep_params *p = params;
    return floor_check(&p->arrivals, p->touch_bytes, message);
}

static void sleep_destroy(void *state) {
    struct sleep_state *s = state;
    if (!s)
        return;
    fan_out_destroy(s->fan_out);
    arrivals_destroy(&s->arrivals);
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
    const struct workload_params *common = &s->params->common;
    int err = arrivals_init(&s->arrivals, &s->params->arrivals, common->seed,
                            sleep_operations(s->params));
    if (!err)
        err = fan_out_create(&s->fan_out, (uint64_t)common->tasks, "sleep", sleep_task, s,
                             s->recorder);
    if (err) {
        sleep_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int sleep_main(void *state) {
    struct sleep_state *s = state;
    arrivals_start(&s->arrivals, s->recorder, s->params->common.tasks);
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
    ARRIVALS_PARAMETERS(struct sleep_params),
    WORK_PARAMETER(struct sleep_params),
    TOUCH_PARAMETER(struct sleep_params),
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_sleep = {
    .name = "sleep",
    .summary = "tasks that only wait: the cost of a waiting task and of a timer",
    .operation = "one sleep",
    .parameters = sleep_parameters,
    .params_bytes = sizeof(struct sleep_params),
    .task_stack_bytes = TASK_STACK_BYTES,
    .stack_bytes = sleep_stack_bytes,
    .is_sleep = true,
    .check = sleep_check,
    .check_floor = sleep_check_floor,
    .operations = sleep_operations,
    .wait_ns = sleep_wait_ns,
    .is_right = sleep_is_right,
    .ideal_ns = sleep_ideal_ns,
    .due_ns = sleep_due_ns,
    .prepare = sleep_prepare,
    .main = sleep_main,
    .destroy = sleep_destroy,
};
