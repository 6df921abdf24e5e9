#include "workloads/fan_out.h"

#include "sync/flag.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct fan_out_arg {
    struct fan_out *fan_out;
    uint64_t number;
};

struct fan_out {
    uint64_t count;
    const char *name;
    uint64_t first_count;
    const char *first_name;
    fan_out_function *body;
    void *state;
    struct recorder *recorder;
    struct task **tasks;
    struct fan_out_arg *args;
    struct flag *may_start; /* NULL: each task starts when it begins */
    _Atomic uint64_t begun;
    _Atomic int stopped; /* why not all can start; 0 if they can */
};

static void stop(struct fan_out *fan_out, int err) {
    atomic_store(&fan_out->stopped, err);
    flag_set(fan_out->may_start);
}

/* Waits until all tasks have begun, or are not going to. A wait that fails stops those too that
   begin only once this task has ended. */
static int await_others(struct fan_out *fan_out) {
    if (atomic_fetch_add(&fan_out->begun, 1) + 1 == fan_out->count)
        flag_set(fan_out->may_start);
    int err = flag_await(fan_out->may_start, TASK_NO_DEADLINE);
    if (err)
        stop(fan_out, err);
    return atomic_load(&fan_out->stopped);
}

static int fan_out_task(void *pointer) {
    const struct fan_out_arg *arg = pointer;
    struct fan_out *fan_out = arg->fan_out;
    recorder_task_begin(fan_out->recorder);
    int result = fan_out->may_start ? await_others(fan_out) : 0;
    if (!result)
        result = fan_out->body(fan_out->state, arg->number);
    recorder_task_end(fan_out->recorder);
    return result;
}

int fan_out_create(struct fan_out **out, uint64_t count, const char *name, fan_out_function *body,
                   void *state, struct recorder *recorder) {
    struct fan_out *fan_out = calloc(1, sizeof *fan_out);
    if (!fan_out)
        return -ENOMEM;
    *fan_out = (struct fan_out){.count = count,
                                .name = name,
                                .body = body,
                                .state = state,
                                .recorder = recorder,
                                .tasks = malloc(count * sizeof(struct task *)),
                                .args = malloc(count * sizeof(struct fan_out_arg))};
    if (!fan_out->tasks || !fan_out->args) {
        fan_out_destroy(fan_out);
        return -ENOMEM;
    }
    memset(fan_out->tasks, 0, count * sizeof(struct task *));
    for (uint64_t i = 0; i < count; i++)
        fan_out->args[i] = (struct fan_out_arg){.fan_out = fan_out, .number = i};
    *out = fan_out;
    return 0;
}

void fan_out_name_first(struct fan_out *fan_out, uint64_t count, const char *name) {
    fan_out->first_count = count;
    fan_out->first_name = name;
}

int fan_out_run(struct fan_out *fan_out) {
    uint64_t spawned = 0;
    int stopped = 0;
    while (spawned < fan_out->count && !stopped) {
        const char *name = spawned < fan_out->first_count ? fan_out->first_name : fan_out->name;
        stopped = task_spawn(&fan_out->tasks[spawned], name, fan_out_task, &fan_out->args[spawned]);
        if (!stopped)
            spawned++;
    }
    recorder_all_spawned(fan_out->recorder, spawned, stopped);
    if (stopped && fan_out->may_start)
        stop(fan_out, stopped);
    int result = task_gather(fan_out->tasks, spawned, NULL);
    return stopped ? stopped : result;
}

int fan_out_run_together(struct fan_out *fan_out) {
    int err = flag_create(&fan_out->may_start);
    if (err)
        return err;
    err = fan_out_run(fan_out);
    flag_destroy(fan_out->may_start);
    fan_out->may_start = NULL;
    return err;
}

void fan_out_destroy(struct fan_out *fan_out) {
    if (!fan_out)
        return;
    free(fan_out->args);
    free(fan_out->tasks);
    free(fan_out);
}
