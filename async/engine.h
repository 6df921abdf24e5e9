/* Inside the async engine: what a task is, and how it waits. */
#ifndef TVA_ASYNC_ENGINE_H
#define TVA_ASYNC_ENGINE_H

#include "async/coroutine.h"
#include "async/stack.h"
#include "async/timers.h"
#include "model.h"

#include <errno.h>

struct job;
struct loop;

enum task_state {
    TASK_READY,   /* in the queue of ready tasks, or running */
    TASK_WAITING, /* until somebody calls loop_wake() */
    TASK_ENDED,
    TASK_FREED, /* kept in the record of a free stack, so that a stale handle is recognised */
};

/* Lies above the task's stack: what all tasks have is kept small. */
struct task {
    struct stack stack; /* first, so that a stack's record is its task */
    struct coroutine coroutine;
    struct timer timer;         /* of what the task waits for, if that has a deadline */
    struct task *next;          /* among those ready, or among those ended of its watch */
    struct task *newer, *older; /* all tasks of the loop that have not ended */
    const char *name;
    task_function *function;
    union {
        void *arg;               /* until it begins */
        const char *waiting_for; /* in words, while it waits */
    };
    struct task_watch *watch; /* told of the end; NULL: nobody awaits it yet */
    int result;
    int wake_error; /* why it woke: 0, -ETIMEDOUT, -ECANCELED, -EDEADLK */
    uint8_t state;
    bool is_final;     /* its wait cannot be cancelled */
    bool is_cancelled; /* to be delivered at the next wait */
    bool is_detached;
};

/* Makes the task on a stack just taken a new one, which begins with entry(task). */
void async_task_init(struct task *task, const char *name, task_function *function, void *arg,
                     void (*entry)(void *task));

/* Names the task, whose stack is not intact, and aborts. */
void async_report_overflow(void *task);

/* Makes a task that has not started; it does when the loop comes to it. Returns 0 or -ENOMEM. */
int async_task_create(struct task **out, struct loop *l, struct stack_pool *stacks,
                      const char *name, task_function *function, void *arg);

/* Frees a task that has ended, or that the loop will not come to any more. */
void async_task_destroy(struct loop *l, struct task *task);

/* What a wait returns at once when the task has been cancelled since the last one: -ECANCELED, told
   once; otherwise 0. */
static inline int async_take_cancellation(struct task *task) {
    int err = task->is_cancelled ? -ECANCELED : 0;
    task->is_cancelled = false;
    return err;
}

/* async/task.c */
int async_spawn(struct task **out, const char *name, task_function *function, void *arg);
bool async_cancel(struct task *task);
void async_detach(struct task *task);
bool async_is_done(const struct task *task);
int async_result(const struct task *task);
int async_reap(struct task *task);
struct task *async_self(void);
const char *async_name(const struct task *task);

/* async/watch.c */
void async_watch_init(struct task_watch *watch);
int async_watch_add(struct task_watch *watch, struct task *task);
bool async_watch_remove(struct task_watch *watch, struct task *task);
int async_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final);
struct task *async_watch_take(struct task_watch *watch);

/* Tells the watch, if there is one, that the task has ended. */
void async_watch_tell(struct task *task);

/* What watches of several loops do alike: takes the task in among those that have ended; reports a
   misuse of it by the current task, `text` between the two names, and returns `err`. */
void async_watch_append(struct task_watch *watch, struct task *task);
int async_watch_refuse(const struct task *task, const char *text, int err);

/* async/sleep.c */
int async_sleep_until(int64_t time_ns);
int async_yield(void);

/* async/sync.c */
int async_mutex_create(struct task_mutex **out);
void async_mutex_destroy(struct task_mutex *mutex);
int async_mutex_lock(struct task_mutex *mutex, int64_t deadline);
void async_mutex_lock_finally(struct task_mutex *mutex);
int async_mutex_unlock(struct task_mutex *mutex);
int async_condition_create(struct task_condition **out);
void async_condition_destroy(struct task_condition *condition);
int async_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                         int64_t deadline);
void async_condition_notify(struct task_condition *condition, size_t count);

/* async/offload.c */
int async_offload(task_function *function, void *arg, int *result);

/* Gives a job of the current task to the helpers. Returns as helpers_submit() does. */
int async_offload_submit(struct job *job);

/* What libevent calls, on the thread's stack, when the descriptor of the loop's helpers is
   readable. */
void async_offload_on_done(int descriptor, short what, void *l);

/* async/stream.c */
int async_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                  int64_t deadline);
int async_open(struct stream **out, int fd);
ptrdiff_t async_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);
int async_write(struct stream *stream, const void *data, size_t size, int64_t deadline);
void async_close(struct stream *stream);
int async_listen(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                 int backlog);
int async_listener_address(const struct listener *listener, struct sockaddr_storage *out);
int async_accept(struct listener *listener, int64_t deadline, struct stream **out);
void async_listener_close(struct listener *listener);

/* What a loop does alike whether it is the only one or not: what concerns its own tasks alone, and
   streams, which come to the loop of the task that uses them. */
#define ASYNC_SHARED_CALLS                                                                         \
    .result = async_result, .sleep_until = async_sleep_until, .yield = async_yield,                \
    .self = async_self, .name = async_name, .connect = async_connect, .open = async_open,          \
    .read = async_read, .write = async_write, .close = async_close, .listen = async_listen,        \
    .listener_address = async_listener_address, .accept = async_accept,                            \
    .listener_close = async_listener_close

/* async/models.c: what both models are given, and tell, alike. */
size_t async_main_stack_bytes(void);
size_t async_task_stack_bytes(const struct model_options *options);
int64_t async_in_flight_max(const struct model_options *options, int64_t tasks);

#define ASYNC_PARAMETER_STACK                                                                      \
    {                                                                                              \
        "stack", PARAMETER_SIZE, offsetof(struct model_options, stack_bytes), "auto", 256,         \
            INT64_C(1) << 30, "SIZE", "stack of each coroutine; auto: what the workload needs"     \
    }
#define ASYNC_PARAMETER_COARSE_TIMER                                                               \
    {                                                                                              \
        "coarse-timer", PARAMETER_FLAG, offsetof(struct model_options, coarse_timer), "no", 0, 1,  \
            "yes|no", "wait by libevent's usual timer, in milliseconds, not by a timerfd"          \
    }
#define ASYNC_PARAMETER_DETECT_BLOCKING                                                            \
    {                                                                                              \
        "detect-blocking", PARAMETER_DURATION, offsetof(struct model_options, detect_blocking_ns), \
            "0", 0, 600 * NS_PER_S, "DURATION",                                                    \
            "tell on standard error which task held its loop for longer, and where; 0: do not "    \
            "look"                                                                                 \
    }
#define ASYNC_PARAMETER_HELPERS                                                                    \
    {                                                                                              \
        "helpers", PARAMETER_COUNT, offsetof(struct model_options, helpers), "8", 1, 10000,        \
            "COUNT", "threads for offloaded calls, started when needed"                            \
    }

#endif
