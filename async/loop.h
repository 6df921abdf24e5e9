/* The loop: runs the tasks of one thread, one at a time, and asks libevent what to wait for when
   none is ready. All of libevent runs on the thread's own stack, never on a task's: that is what
   lets a task's stack be small. One thread each; nothing here is locked. */
#ifndef TVA_ASYNC_LOOP_H
#define TVA_ASYNC_LOOP_H

#include "async/engine.h"

struct detector;
struct event_base;
struct helpers;
struct peer;

struct loop {
    struct event_base *base;
    struct event *timer_event; /* ends libevent's wait when the earliest of `timers` is due */
    int timer_descriptor;      /* of a timerfd; -1: libevent's usual timer */
    int64_t armed_ns;          /* when it does; INT64_MAX: not at all */
    struct event *told_event;  /* fires when another thread has something to tell */
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
    int64_t turn_began_ns;   /* 0: with a wait */
    int64_t idle_ns;         /* that it waited in all */
    void (*call)(void *arg); /* that the current task wants run on the thread's stack */
    void *call_arg;
    struct timers timers;
    struct detector *detector; /* tells who holds the loop; NULL: nobody asked */
    struct peer *peer;         /* as other loops see it (async/multi/); NULL: there are none */
    size_t number;             /* among the loops of the run */
    size_t loops;              /* how many these are */
};

/* The loop of the calling thread. */
extern _Thread_local struct loop *loop;

struct loop_options {
    struct stack_pool *stacks;
    struct helpers *helpers;
    int descriptor;
    void (*on_told)(int descriptor, short what, void *l);
    bool has_coarse_timer; /* waits by libevent's usual timer, which counts in milliseconds */
};

/* Other threads wake the loop by writing to `descriptor`, an eventfd; then on_told(descriptor,
   what, loop) is called on the thread's stack. Returns 0, -ENOMEM, or -EMFILE where libevent found
   no descriptor. The caller destroys *out, when no task is left; all that was given stays the
   caller's. */
int loop_create(struct loop **out, const struct loop_options *options);
void loop_destroy(struct loop *l);

/* Runs main_task to its end, cancels what is left then, and returns when no task is left: 0, or
   -EDEADLK if tasks are left that nothing can wake, not even to tell them so. */
int loop_run(struct loop *l, struct task *main_task);

/* Frees, and reports by name, the tasks that are left when all have ended: each was owned, and
   never awaited. */
void loop_free_unowned(struct loop *l);

/* Makes the loop that of the calling thread, which runs it. Returns the one that was. */
struct loop *loop_take_thread(struct loop *l);

/* The steps of loop_run(), for a thread whose loop is one of several. A turn runs ready tasks,
   wakes those whose time has come, and returns whether any is ready then; if so, it has heard of
   descriptors, too. */
bool loop_run_turn(struct loop *l);
void loop_wait_for_events(struct loop *l);

/* After a turn that left no task ready: whether nothing that the loop has, no timer and nothing
   outside, will wake one. */
bool loop_is_stuck(const struct loop *l);

/* Tells of every task that waits what for, and ends those waits that may end with -EDEADLK. Returns
   whether there is one. */
bool loop_break_waits(struct loop *l);

/* Cancels all tasks, and those that are spawned from now on. */
void loop_finish(struct loop *l, bool (*cancel)(struct task *task));

/* Makes room for the timer that one more task has. Returns 0 or -ENOMEM. */
int loop_make_timer_room(struct loop *l);

/* Puts the task at the end of those that are ready. */
void loop_make_ready(struct loop *l, struct task *task);

/* Enters a new task, which starts when the loop comes to it; takes out one that will not go on. */
static inline void loop_enter(struct loop *l, struct task *task) {
    task->is_cancelled |= l->is_finishing;
    task->newer = NULL;
    task->older = l->newest;
    if (l->newest)
        l->newest->newer = task;
    l->newest = task;
    l->tasks++;
    loop_make_ready(l, task);
}

static inline void loop_remove(struct loop *l, struct task *task) {
    if (task->newer)
        task->newer->older = task->older;
    else
        l->newest = task->older;
    if (task->older)
        task->older->newer = task->newer;
}

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

/* Runs the function of the current task and keeps what it returned. A task that was cancelled
   before it began never does. */
static inline void loop_run_function(struct loop *l) {
    struct task *task = l->current;
    int err = async_take_cancellation(task);
    task->result = err ? err : task->function(task->arg);
    if (!stack_is_intact(&task->stack))
        loop_call(l, async_report_overflow, task);
}

/* Ends the current task for good. */
_Noreturn void loop_exit_task(struct loop *l);

/* The same, and runs function(arg) on the thread's stack when the task's own is not used any more.
   It has to do all else that the task's end takes. */
_Noreturn void loop_exit_task_by(struct loop *l, void (*function)(void *arg), void *arg);

#endif
