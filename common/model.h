/* A model: a way to run tasks. The harness picks one by name and runs a workload's main function in
   it; an engine (async/, threaded/) implements one or more. A process runs one model at a time. */
#ifndef TVA_MODEL_H
#define TVA_MODEL_H

#include "parameter.h"
#include "task.h"

#include <stdbool.h>

/* The calls of task.h as one engine implements them. Contracts stand in task.h. */
struct task_calls {
    int (*spawn)(struct task **out, const char *name, task_function *function, void *arg);
    int (*await)(struct task *task, int *result);
    int (*gather)(struct task *const *tasks, size_t count, int *results);
    int (*sleep)(int64_t duration_ns);
    void (*yield)(void);
    struct task *(*self)(void);
    int (*connect)(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline);
    ptrdiff_t (*read)(struct stream *stream, void *buffer, size_t size, int64_t deadline);
    int (*write)(struct stream *stream, const void *data, size_t size, int64_t deadline);
    void (*close)(struct stream *stream);
};

/* How a model is to run: the values of its parameters, and what the workload asks of it. */
struct model_options {
    int64_t stack_bytes; /* of each task; 0: the model chooses */
    int64_t workers;     /* of a pool */
    int64_t
        task_stack_bytes; /* the most that a task of this workload uses, in an optimised build */
};

/* What a model tells of itself after a run. A figure that could not be had is -1. */
struct model_report {
    int64_t stack_bytes;           /* what each task was given */
    int64_t stack_used_peak_bytes; /* the most that any task used of it */
};

struct model {
    const char *name;
    const char *summary;
    const struct parameter *parameters; /* into struct model_options */
    const struct task_calls *calls;

    /* The most tasks that can be under way at once when `tasks` are spawned. */
    int64_t (*in_flight_max)(const struct model_options *options, int64_t tasks);

    /* Runs main_function(arg) as the first task, stores what it returned in *result, and returns
       when no task is left. Called by model_run() alone. Returns 0 or a negative errno if the
       model could not be set up; then *result is not set. */
    int (*run)(const struct model_options *options, task_function *main_function, void *arg,
               int *result);

    /* Tells of the run before and frees what the model kept of it. Apart from run, since looking at
       stacks takes time that is not the tasks'. Called once after each run that returned 0. */
    void (*report)(struct model_report *report);
};

/* Runs main_function(arg) as the first task of `model` [asyncio.run]. From here to the return, the
   calls of task.h are those of this model. Returns as model->run does; after 0 the caller calls
   model->report. */
int model_run(const struct model *model, const struct model_options *options,
              task_function *main_function, void *arg, int *result);

/* Puts `calls` in place of the calls in force and returns those, so that an observer (the timeline)
   can stand between a workload and its engine. Call it inside model_run's main function before any
   task is spawned. */
const struct task_calls *model_replace_calls(const struct task_calls *calls);

#endif
