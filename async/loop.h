/* The loop: runs the tasks of one thread, one at a time, and asks libevent what to wait for when
   none is ready. All of libevent runs on the thread's own stack, never on a task's: that is what
   lets a task's stack be small. One thread each; nothing here is locked. */
#ifndef TVA_ASYNC_LOOP_H
#define TVA_ASYNC_LOOP_H

#include "async/engine.h"

struct event_base;

struct loop {
    struct event_base *base;
    struct event *timer_event; /* ends libevent's wait when the earliest of `timers` is due */
    int64_t armed_ns;          /* when it does; INT64_MAX: not at all */
    struct coroutine thread;   /* the thread's own stack, where libevent runs */
    struct stack_pool *stacks; /* of all tasks but main */
    struct task *current;      /* the task that runs; NULL on the thread's stack */
    struct task *first_ready;  /* a queue, first in, first out */
    struct task *last_ready;
    size_t tasks;            /* that have not ended */
    size_t io_waiters;       /* tasks that wait for a descriptor */
    unsigned switches_left;  /* until the loop looks at timers and descriptors again */
    void (*call)(void *arg); /* that the current task wants run on the thread's stack */
    void *call_arg;
    struct timers timers;
};

/* The loop of the calling thread. */
extern _Thread_local struct loop *loop;

/* Returns 0, -ENOMEM, or -EMFILE where libevent found no descriptor. The caller destroys *out; the
   stacks stay the caller's. */
int loop_create(struct loop **out, struct stack_pool *stacks);
void loop_destroy(struct loop *l);

/* Runs until no task is left. Returns 0, or -EDEADLK if tasks are left and nothing can wake them.
 */
int loop_run(struct loop *l);

/* Puts the task at the end of those that are ready. */
void loop_make_ready(struct loop *l, struct task *task);

/* Suspends the current task until somebody makes it ready. */
void loop_wait(struct loop *l);

/* The same, but until `deadline` at the latest. Returns 0, or -ETIMEDOUT if that came first. */
int loop_wait_until(struct loop *l, int64_t deadline);

/* Runs function(arg) on the thread's stack, for the current task, and returns. */
void loop_call(struct loop *l, void (*function)(void *arg), void *arg);

/* Ends the current task for good. */
_Noreturn void loop_exit_task(struct loop *l);

#endif
