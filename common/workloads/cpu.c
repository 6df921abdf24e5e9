/* N tasks that only compute: rounds of a hash, each of which needs the one before it. How much
   faster more cores make that is the ratio of two wall times: of this spec pinned to one core and
   on all, or of async, which has one core, and threads. (CPU time over wall time tells how many
   cores were busy, which is more than the gain where they share what they compute with.) What such
   a task does to others that only want to tick is another workload's: blocking, with --kind=spin.
 */
#include "workloads/workload.h"

#include <errno.h>
#include <stdlib.h>

#include "workloads/busy.h"
#include "workloads/fan_out.h"
#include "workloads/random.h"
#include "workloads/work.h"

struct cpu_params {
    struct workload_params common;
    int64_t work;
    int64_t yield_every;
};

struct cpu_state {
    const struct cpu_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
};

static int compute(const struct cpu_params *params, uint64_t *value) {
    int64_t part = params->yield_every ? params->yield_every : params->work;
    int err = 0;
    for (int64_t left = params->work; left > 0 && !err; left -= part) {
        *value = work_hash(*value, part < left ? part : left);
        if (left > part)
            err = task_yield();
    }
    return err;
}

static int cpu_task(void *state, uint64_t number) {
    const struct cpu_state *s = state;
    uint64_t value = random_at((uint64_t)s->params->common.seed, number);
    operation_begin(s->recorder, number);
    int err = compute(s->params, &value);
    operation_end(s->recorder, number, err, value);
    return 0;
}

static uint64_t cpu_operations(const void *params) {
    return (uint64_t)((const struct cpu_params *)params)->common.tasks;
}

static int64_t cpu_units(const void *params) {
    return ((const struct cpu_params *)params)->work;
}

static bool cpu_is_right(const void *params, uint64_t number, uint64_t value) {
    const struct cpu_params *p = params;
    return value == work_hash(random_at((uint64_t)p->common.seed, number), p->work);
}

static void cpu_destroy(void *state) {
    struct cpu_state *s = state;
    fan_out_destroy(s->fan_out);
    free(s);
}

static int cpu_prepare(const struct workload_input *input, void **state,
                       char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct cpu_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    int err =
        fan_out_create(&s->fan_out, cpu_operations(s->params), "cpu", cpu_task, s, s->recorder);
    if (err) {
        cpu_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int cpu_main(void *state) {
    const struct cpu_state *s = state;
    return fan_out_run(s->fan_out);
}

static const struct parameter cpu_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("100"),
    {"work", PARAMETER_COUNT, offsetof(struct cpu_params, work), "500k", 1, INT64_C(1000000000000),
     "COUNT", "rounds of the hash that each task computes"},
    {"yield-every", PARAMETER_COUNT, offsetof(struct cpu_params, yield_every), "0", 0,
     INT64_C(1000000000000), "COUNT", "a task gives way after so many rounds; 0: never"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_cpu = {
    .name = "cpu",
    .summary = "tasks that only compute: what a model makes of several cores",
    .operation = "the whole computation of one task",
    .parameters = cpu_parameters,
    .params_bytes = sizeof(struct cpu_params),
    .unit = "one round of the hash",
    .units = cpu_units,
    .task_stack_bytes = 448,
    .operations = cpu_operations,
    .wait_ns = busy_wait_ns,
    .is_right = cpu_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = cpu_prepare,
    .main = cpu_main,
    .destroy = cpu_destroy,
};
