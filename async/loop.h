/* The loop: runs the tasks of one thread, one at a time, and asks libevent what to wait for when
   none is ready. All of libevent runs on the thread's own stack, never on a task's: that is what
   lets a task's stack be small. One thread each; nothing here is locked. */
#ifndef TVA_ASYNC_LOOP_H
#define TVA_ASYNC_LOOP_H

#include "async/engine.h"

struct detector;
struct event_base;
struct helpers;

struct loop {
    struct event_base *base;
    struct event *timer_event; /* ends libevent's wait when the earliest of `timers` is due */
    int64_t armed_ns;          /* when it does; INT64_MAX: not at all */
    struct event *job_event;   /* fires when offloaded calls are done */
    struct coroutine thread;   /* the thread's own stack, where libevent runs */
    struct stack_pool *stacks; /* of all tasks but main */
    struct helpers *helpers;   /* for offloaded calls */
    struct task *main_task;
    struct task *current;     /* the task that runs; NULL on the thread's stack */
    struct task *first_ready; /* a queue, first in, first out */
    struct task *last_ready;
    struct task *newest;         /* all tasks that are not freed */
    struct task *detached_ended; /* to be freed on the thread's stack */
    bool is_finishing;           /* main has ended: what is spawned is cancelled */
    size_t tasks;                /* that have not ended */
    size_t waits_outside;        /* tasks that wait for a descriptor or a helper */
    unsigned switches_left;      /* until the loop looks at timers and descriptors again; the
                                    detector may take what is left */
    unsigned turn_switches;      /* how many there are from one look to the next */
    unsigned yields_left;        /* likewise */
    unsigned turn_yields;
    int64_t turn_began_ns;       /* 0: with a wait */
    int64_t idle_ns;             /* that it waited in all */
    void (*call)(void *arg);     /* that the current task wants run on the thread's stack */
    void *call_arg;
    struct timers timers;
    struct detector *detector; /* tells who holds the loop; NULL: nobody asked */
};

/* The loop of the calling thread. */
extern _Thread_local struct loop *loop;

/* Returns 0, -ENOMEM, or -EMFILE where libevent found no descriptor. The caller destroys *out, when
   no task is left; the stacks stay the caller's. */
int loop_create(struct loop **out, struct stack_pool *stacks, struct helpers *helpers);
void loop_destroy(struct loop *l);

/* Runs main_task to its end, cancels what is left then, and returns when no task is left: 0, or
   -EDEADLK if tasks are left that nothing can wake, not even to tell them so. */
int loop_run(struct loop *l, struct task *main_task);

/* Puts the task at the end of those that are ready. */
void loop_make_ready(struct loop *l, struct task *task);

/* Suspends the current task until loop_wake(); `what` says in words what for. Returns what it was
   woken with: 0, -ETIMEDOUT at the deadline, -ECANCELED, -EDEADLK. */
int loop_wait(struct loop *l, const char *what, int64_t deadline);

/* The same for a wait that must come to its end: it returns when it is woken with 0. */
void loop_wait_finally(struct loop *l, const char *what);

/* Lets the other ready tasks run first. Returns 0, or -ECANCELED at once. */
int loop_yield(struct loop *l);

/* Ends the wait of a task that waits. */
void loop_wake(struct loop *l, struct task *task, int wake_error);

/* Runs function(arg) on the thread's stack, for the current task, and returns. */
void loop_call(struct loop *l, void (*function)(void *arg), void *arg);

/* Ends the current task for good. */
_Noreturn void loop_exit_task(struct loop *l);

#endif
