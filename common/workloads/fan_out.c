#include "workloads/fan_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fan_out_arg {
    struct fan_out *fan_out;
    uint64_t number;
};

struct fan_out {
    uint64_t count;
    const char *name;
    fan_out_function *body;
    void *state;
    struct recorder *recorder;
    struct task **tasks;
    struct fan_out_arg *args;
};

static int fan_out_task(void *pointer) {
    const struct fan_out_arg *arg = pointer;
    const struct fan_out *fan_out = arg->fan_out;
    recorder_task_begin(fan_out->recorder);
    int result = fan_out->body(fan_out->state, arg->number);
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

int fan_out_run(struct fan_out *fan_out) {
    uint64_t spawned = 0;
    int stopped = 0;
    while (spawned < fan_out->count && !stopped) {
        stopped = task_spawn(&fan_out->tasks[spawned], fan_out->name, fan_out_task,
                             &fan_out->args[spawned]);
        if (!stopped)
            spawned++;
    }
    recorder_all_spawned(fan_out->recorder, spawned, stopped);
    int result = task_gather(fan_out->tasks, spawned, NULL);
    return stopped ? stopped : result;
}

void fan_out_destroy(struct fan_out *fan_out) {
    if (!fan_out)
        return;
    free(fan_out->args);
    free(fan_out->tasks);
    free(fan_out);
}
