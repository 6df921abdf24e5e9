/* Main spawns a batch of tasks that do next to nothing and gathers them, again and again: what it
   costs to create, run and await a task. The tasks do not count themselves, since that would cost
   as much as a task may. */
#include "workloads/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/busy.h"
#include "workloads/random.h"

struct spawn_params {
    struct workload_params common;
    int64_t batches;
};

/* What one task of a batch is given. */
struct spawn_arg {
    const struct spawn_state *state;
    uint64_t number; /* within the batch */
};

struct spawn_state {
    const struct spawn_params *params;
    struct recorder *recorder;
    uint64_t batch_seed; /* set before the batch is spawned */
    struct task **tasks; /* of one batch, as what follows */
    struct spawn_arg *args;
    int *results;
};

static uint64_t batch_seed(const struct spawn_params *params, uint64_t batch) {
    return random_at((uint64_t)params->common.seed, batch);
}

/* Not negative, since that would be an error. */
static int task_result(uint64_t seed, uint64_t number) {
    return (int)(random_mix(seed ^ number) >> 33);
}

static int spawn_task(void *pointer) {
    const struct spawn_arg *arg = pointer;
    return task_result(arg->state->batch_seed, arg->number);
}

/* Returns why not all could be spawned, or 0. */
static int spawn_batch(struct spawn_state *s, uint64_t *spawned) {
    uint64_t tasks = (uint64_t)s->params->common.tasks;
    for (*spawned = 0; *spawned < tasks; ++*spawned) {
        int err = task_spawn(&s->tasks[*spawned], "spawn", spawn_task, &s->args[*spawned]);
        if (err)
            return err;
    }
    return 0;
}

static uint64_t sum_results(const struct spawn_state *s) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)s->params->common.tasks; i++)
        sum += (uint64_t)s->results[i];
    return sum;
}

/* Returns why the batch was cut short, or 0. */
static int run_batch(struct spawn_state *s, uint64_t batch) {
    uint64_t spawned;
    s->batch_seed = batch_seed(s->params, batch);
    operation_begin(s->recorder, batch);
    int stopped = spawn_batch(s, &spawned);
    if (stopped || batch + 1 == (uint64_t)s->params->batches)
        recorder_all_spawned(s->recorder, spawned, stopped);
    int err = task_gather(s->tasks, spawned, s->results);
    err = stopped ? stopped : err;
    operation_end(s->recorder, batch, err, err ? 0 : sum_results(s));
    return err;
}

static int spawn_main(void *state) {
    struct spawn_state *s = state;
    int err = 0;
    for (uint64_t batch = 0; batch < (uint64_t)s->params->batches && !err; batch++)
        err = run_batch(s, batch);
    return err;
}

static uint64_t spawn_operations(const void *params) {
    return (uint64_t)((const struct spawn_params *)params)->batches;
}

static int64_t spawn_units(const void *params) {
    return ((const struct spawn_params *)params)->common.tasks;
}

static bool spawn_is_right(const void *params, uint64_t batch, uint64_t value) {
    const struct spawn_params *p = params;
    uint64_t seed = batch_seed(p, batch), sum = 0;
    for (uint64_t i = 0; i < (uint64_t)p->common.tasks; i++)
        sum += (uint64_t)task_result(seed, i);
    return value == sum;
}

static void spawn_destroy(void *state) {
    struct spawn_state *s = state;
    free(s->results);
    free(s->args);
    free(s->tasks);
    free(s);
}

static int spawn_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct spawn_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    size_t tasks = (size_t)s->params->common.tasks;
    s->tasks = malloc(tasks * sizeof(struct task *));
    s->args = malloc(tasks * sizeof *s->args);
    s->results = malloc(tasks * sizeof *s->results);
    if (!s->tasks || !s->args || !s->results) {
        spawn_destroy(s);
        return -ENOMEM;
    }
    memset(s->tasks, 0, tasks * sizeof(struct task *));
    memset(s->results, 0, tasks * sizeof *s->results);
    for (size_t i = 0; i < tasks; i++)
        s->args[i] = (struct spawn_arg){.state = s, .number = i};
    *state = s;
    return 0;
}

static const struct parameter spawn_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("1000"),
    {"batches", PARAMETER_COUNT, offsetof(struct spawn_params, batches), "20", 1, 10000000, "COUNT",
     "times that so many tasks are spawned and gathered, one after the other"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_spawn = {
    .name = "spawn",
    .summary = "tasks that do next to nothing, in batches: the cost of creating and awaiting one",
    .operation = "one batch of tasks, spawned and gathered",
    .parameters = spawn_parameters,
    .params_bytes = sizeof(struct spawn_params),
    .unit = "one task",
    .units = spawn_units,
    .task_stack_bytes = 256,
    .operations = spawn_operations,
    .wait_ns = busy_wait_ns,
    .is_right = spawn_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = spawn_prepare,
    .main = spawn_main,
    .destroy = spawn_destroy,
};
