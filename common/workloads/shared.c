/* Tasks increment counters that they share. Without a lock an increment is a load and a store, and
   where two tasks run at once, or a switch comes between the two, one of their updates is lost. In
   one loop a switch comes only where the task waits, so none is lost, unless it waits inside. */
#include "workloads/workload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "workloads/busy.h"
#include "workloads/choice.h"
#include "workloads/fan_out.h"

/* Two cache lines: a processor that fetches lines in pairs must not make two counters contend. */
#define COUNTER_BYTES 128

enum lock { LOCK_NONE, LOCK_ATOMIC, LOCK_MUTEX };
static const char *const lock_names[] = {"none", "atomic", "mutex", NULL};

struct shared_params {
    struct workload_params common;
    char *lock;
    int64_t counters;
    int64_t increments;
    int64_t batches;
    int64_t is_waiting_inside;
};

/* Atomic for all locks, so that the lost updates of none are no undefined behaviour; but its load
   and its store are two. */
struct counter {
    _Alignas(COUNTER_BYTES) _Atomic uint64_t value;
    struct task_mutex *mutex; /* NULL for the other locks */
};

struct shared_state {
    const struct shared_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    enum lock lock;
    struct counter *counters;
    bool is_whole; /* all tasks came to their end */
    uint64_t sum;  /* of all counters at the end */
};

static uint64_t shared_operations(const void *params) {
    const struct shared_params *p = params;
    return (uint64_t)p->common.tasks * (uint64_t)p->batches;
}

static uint64_t expected_sum(const struct shared_params *params) {
    return shared_operations(params) * (uint64_t)params->increments;
}

static int load_and_store(struct counter *counter, bool is_waiting_inside) {
    uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
    int err = is_waiting_inside ? task_yield() : 0;
    if (!err)
        atomic_store_explicit(&counter->value, value + 1, memory_order_relaxed);
    return err;
}

static int load_and_store_locked(struct counter *counter, bool is_waiting_inside) {
    int err = task_mutex_lock(counter->mutex, TASK_NO_DEADLINE);
    if (err)
        return err;
    err = load_and_store(counter, is_waiting_inside);
    task_mutex_unlock(counter->mutex);
    return err;
}

static int increment(const struct shared_state *s, struct counter *counter) {
    bool is_waiting_inside = s->params->is_waiting_inside;
    int err = 0;
    for (int64_t i = 0; i < s->params->increments && !err; i++) {
        if (s->lock == LOCK_NONE)
            err = load_and_store(counter, is_waiting_inside);
        else if (s->lock == LOCK_ATOMIC)
            atomic_fetch_add_explicit(&counter->value, 1, memory_order_relaxed);
        else
            err = load_and_store_locked(counter, is_waiting_inside);
    }
    return err;
}

/* The value of an operation is the counter after it. */
static int shared_task(void *state, uint64_t number) {
    const struct shared_state *s = state;
    struct counter *counter = &s->counters[number % (uint64_t)s->params->counters];
    uint64_t batches = (uint64_t)s->params->batches;
    int err = 0;
    for (uint64_t op = number * batches; op < (number + 1) * batches && !err; op++) {
        operation_begin(s->recorder, op);
        err = increment(s, counter);
        operation_end(s->recorder, op, err, atomic_load(&counter->value));
    }
    return err;
}

static void destroy_mutexes(struct shared_state *s) {
    for (int64_t i = 0; i < s->params->counters; i++)
        if (s->counters[i].mutex)
            task_mutex_destroy(s->counters[i].mutex);
}

static int create_mutexes(struct shared_state *s) {
    int err = 0;
    for (int64_t i = 0; i < s->params->counters && s->lock == LOCK_MUTEX && !err; i++)
        err = task_mutex_create(&s->counters[i].mutex);
    if (err)
        destroy_mutexes(s);
    return err;
}

static int shared_main(void *state) {
    struct shared_state *s = state;
    int err = create_mutexes(s);
    if (err)
        return err;
    err = fan_out_run(s->fan_out);
    s->is_whole = !err;
    destroy_mutexes(s);
    return err;
}

/* The value of the last operation is, instead, what all of them came to. */
static void shared_settle(void *state) {
    struct shared_state *s = state;
    for (int64_t i = 0; i < s->params->counters; i++)
        s->sum += atomic_load(&s->counters[i].value);
    operation_set_value(s->recorder, shared_operations(s->params) - 1, s->sum);
}

static int64_t shared_units(const void *params) {
    return ((const struct shared_params *)params)->increments;
}

/* With a lock a task's own increments are all there, and in the end everybody's. */
static bool shared_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct shared_params *p = params;
    uint64_t most = expected_sum(p), least = 1;
    if (choice_index(lock_names, p->lock) != LOCK_NONE)
        least = (operation % (uint64_t)p->batches + 1) * (uint64_t)p->increments;
    if (choice_index(lock_names, p->lock) != LOCK_NONE && operation + 1 == shared_operations(p))
        least = most;
    return value >= least && value <= most;
}

static size_t shared_figures(const void *state, struct workload_figure *out) {
    const struct shared_state *s = state;
    if (!s->is_whole)
        return 0;
    out[0] =
        (struct workload_figure){"lost_updates_count", (int64_t)(expected_sum(s->params) - s->sum)};
    return 1;
}

static int shared_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct shared_params *p = params;
    int err = choice_check("lock", lock_names, p->lock, message);
    if (err)
        return err;
    if (p->counters > p->common.tasks) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "counters=%lld is more than tasks=%lld (try --counters=%lld: each task its own)",
                 (long long)p->counters, (long long)p->common.tasks, (long long)p->common.tasks);
        return -EINVAL;
    }
    if (p->is_waiting_inside && choice_index(lock_names, p->lock) == LOCK_ATOMIC) {
        snprintf(
            message, WORKLOAD_MESSAGE_BYTES,
            "wait-inside=yes: an atomic increment has no inside to wait in (try --lock=none or "
            "--lock=mutex)");
        return -EINVAL;
    }
    return 0;
}

static void shared_destroy(void *state) {
    struct shared_state *s = state;
    fan_out_destroy(s->fan_out);
    free(s->counters);
    free(s);
}

static int shared_prepare(const struct workload_input *input, void **state,
                          char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct shared_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    s->lock = (enum lock)choice_index(lock_names, s->params->lock);
    size_t counters = (size_t)s->params->counters;
    s->counters = aligned_alloc(COUNTER_BYTES, counters * sizeof *s->counters);
    int err = s->counters ? fan_out_create(&s->fan_out, (uint64_t)s->params->common.tasks, "shared",
                                           shared_task, s, s->recorder)
                          : -ENOMEM;
    if (err) {
        shared_destroy(s);
        return err;
    }
    for (size_t i = 0; i < counters; i++)
        s->counters[i] = (struct counter){0};
    *state = s;
    return 0;
}

static const struct parameter shared_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("8"),
    {"lock", PARAMETER_TEXT, offsetof(struct shared_params, lock), "mutex", 0, 0,
     "none|atomic|mutex", "what guards each counter"},
    {"counters", PARAMETER_COUNT, offsetof(struct shared_params, counters), "1", 1, 10000000,
     "COUNT", "counters that the tasks are spread over; as many as tasks: nothing is shared"},
    {"increments", PARAMETER_COUNT, offsetof(struct shared_params, increments), "1000", 1,
     1000000000, "COUNT", "increments in each operation"},
    {"batches", PARAMETER_COUNT, offsetof(struct shared_params, batches), "1000", 1, 10000000,
     "COUNT", "operations of each task, one after the other"},
    {"wait-inside", PARAMETER_FLAG, offsetof(struct shared_params, is_waiting_inside), "no", 0, 0,
     "yes|no", "each increment gives way between its load and its store"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_shared = {
    .name = "shared",
    .summary = "tasks increment shared counters: lost updates, and what a lock costs",
    .operation = "one batch of increments",
    .parameters = shared_parameters,
    .params_bytes = sizeof(struct shared_params),
    .unit = "one increment",
    .units = shared_units,
    .task_stack_bytes = 512,
    .check = shared_check,
    .operations = shared_operations,
    .wait_ns = busy_wait_ns,
    .is_right = shared_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = shared_prepare,
    .main = shared_main,
    .destroy = shared_destroy,
    .settle = shared_settle,
    .figures = shared_figures,
};
