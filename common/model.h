/* A model: a way to run tasks. The harness picks one by name and runs a workload's main function in
   it; an engine (async/, threaded/) implements one or more. A process runs one model at a time. */
#ifndef TVA_MODEL_H
#define TVA_MODEL_H

#include "parameter.h"
#include "task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Fields are the engine's. It stands on the stack of the task that waits. */
struct task_watch {
    struct task *first_ended, *last_ended;     /* not taken yet, in the order of their ends */
    size_t ended;                              /* ever */
    size_t wanted;                             /* that the waiter waits for */
    bool is_shielding;                         /* cancelling the waiter leaves the tasks alone */
    struct task *waiter;                       /* NULL: nobody waits just now */
    pthread_mutex_t mutex;                     /* guards all of it where tasks are threads */
    _Atomic uint32_t is_satisfied;             /* there: what the waiter blocks on */
    struct task *first_watched, *last_watched; /* of a pool: those it may run itself */
};

/* The calls of task.h as one engine implements them. Contracts stand in task.h. */
struct task_calls {
    int (*spawn)(struct task **out, const char *name, task_function *function, void *arg);
    bool (*cancel)(struct task *task);
    void (*detach)(struct task *task);
    bool (*is_done)(const struct task *task);

    /* Of a task that has ended: what it returned. Freeing its handle returns that too. */
    int (*result)(const struct task *task);
    int (*reap)(struct task *task);

    /* What all forms of awaiting are made of (await.c). A watch is told of the end of the tasks
       added to it; one task waits on it. A task is in one watch at most: -EBUSY. Removing says
       whether the task had not ended: one that has will be among those ended, if it is not yet. */
    void (*watch_init)(struct task_watch *watch);
    int (*watch_add)(struct task_watch *watch, struct task *task);
    bool (*watch_remove)(struct task_watch *watch, struct task *task);
    /* Waits until `wanted` tasks of those added have ended. [waits], unless `is_final`: then it
       returns 0 in the end, whatever happens to the caller. */
    int (*watch_wait)(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final);
    /* The next task that has ended, in the order of ends, or NULL if there is none for now. */
    struct task *(*watch_take)(struct task_watch *watch);

    int (*sleep_until)(int64_t time_ns);
    int (*yield)(void);
    struct task *(*self)(void);
    const char *(*name)(const struct task *task);
    int (*offload)(task_function *function, void *arg, int *result);

    int (*mutex_create)(struct task_mutex **out);
    void (*mutex_destroy)(struct task_mutex *mutex);
    int (*mutex_lock)(struct task_mutex *mutex, int64_t deadline);
    void (*mutex_lock_finally)(struct task_mutex *mutex);
    int (*mutex_unlock)(struct task_mutex *mutex);
    int (*condition_create)(struct task_condition **out);
    void (*condition_destroy)(struct task_condition *condition);
    int (*condition_wait)(struct task_condition *condition, struct task_mutex *mutex,
                          int64_t deadline);
    void (*condition_notify)(struct task_condition *condition, size_t count);

    int (*connect)(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline);
    int (*open)(struct stream **out, int fd);
    ptrdiff_t (*read)(struct stream *stream, void *buffer, size_t size, int64_t deadline);
    int (*write)(struct stream *stream, const void *data, size_t size, int64_t deadline);
    void (*close)(struct stream *stream);
    int (*listen)(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                  int backlog);
    int (*listener_address)(const struct listener *listener, struct sockaddr_storage *out);
    int (*accept)(struct listener *listener, int64_t deadline, struct stream **out);
    void (*listener_close)(struct listener *listener);
};

/* How a model is to run: the values of its parameters, and what the workload asks of it. */
struct model_options {
    int64_t stack_bytes;        /* of each task; 0: the model chooses */
    int64_t workers;            /* of a pool */
    int64_t loops;              /* 0: as many as the process may use cores */
    int64_t helpers;            /* for the offloaded calls of loops */
    int64_t coarse_timer;       /* as the kernel, or libevent, has it by default, not as precise */
    int64_t small_pages;        /* stacks of coroutines never lie in huge pages */
    int64_t detect_blocking_ns; /* a task that holds its loop for longer is told of; 0: none */
    int64_t task_stack_bytes;   /* the most that a task of this workload uses, when optimised */
};

/* What a model tells of itself after a run. A figure that could not be had is -1. */
struct model_report {
    int64_t stack_bytes;           /* what each task was given */
    int64_t stack_used_peak_bytes; /* the most that any task used of it */
    int64_t idle_ns;               /* that the loop, or the mean one of several, waited */
};

struct bare_body;

struct model {
    const char *name;
    const char *summary;
    const struct parameter *parameters; /* into struct model_options */
    const struct task_calls *calls;

    /* Of each task's stack, what the model itself uses: a thread's record, signal handlers. */
    int64_t stack_own_bytes;

    /* NULL: any workload's main runs in it. Else it is a floor (bare/bare.h), of the workloads in
       this table, ended by NULL; it has no calls, and its main is no task. */
    const struct bare_body *const *bare;

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

/* The calls in force. */
extern const struct task_calls *task_calls;

/* Puts `calls` in place of the calls in force and returns those, so that an observer (the timeline)
   can stand between a workload and its engine. Call it inside model_run's main function before any
   task is spawned. */
const struct task_calls *model_replace_calls(const struct task_calls *calls);

#endif
