/* Several loops on as many threads. What one loop does alone (async/) is as it is there: each task
   has a home, the loop that runs it from its beginning to its end, and only the home's thread
   changes its state. Children of main are dealt out to the loops in turn; all others stay with the
   task that spawns them, so that what belongs together meets on one loop.

   Another thread that wants something of a task leaves a mark in the task's mail and puts the task
   into its home's inbox (inbox.c). A task's end closes its mail and takes out what is there, so
   that no entry of an inbox is of a task that is over. What tasks of several loops share (watches,
   mutexes, conditions) is guarded by a mutex that is held for some instructions only. There the
   waker takes the waiter out and marks it granted, and then posts MAIL_WAKE; a waiter that comes
   back otherwise, by its deadline or a cancellation, looks under the same mutex whether it was: if
   so, the wake is on its way, and it waits for that (multi_await_wake). So no wake is ever of a
   wait that is over, and what it stood for is not lost. */
#ifndef TVA_ASYNC_MULTI_ENGINE_H
#define TVA_ASYNC_MULTI_ENGINE_H

#include "async/loop.h"

#include <pthread.h>
#include <stdatomic.h>

/* One thing that another thread has for a loop. It is put in once until it is delivered. */
struct inbox_entry {
    struct inbox_entry *next;
    void (*deliver)(struct loop *l, struct inbox_entry *entry); /* on the loop's thread stack */
};

/* The record of a task. One record is always of the same home. */
struct multi_task {
    struct task task; /* first */
    struct loop *home;
    struct loop *spawned_by;            /* which takes from the pool that the stack is of */
    _Atomic(struct task_watch *) watch; /* NULL; whom to tell of the end; or one of those below */
    _Atomic unsigned mail;              /* bits; while there is any, the entry is in the inbox */
    struct inbox_entry entry;
    bool is_woken; /* a wake came when its wait had been ended otherwise; the home's */
};

/* Stand in the record's watch once the task has ended, been detached, or been freed. */
extern struct task_watch multi_watch_ended, multi_watch_detached, multi_watch_freed;

static inline struct multi_task *multi_task_of(const struct task *task) {
    return (struct multi_task *)(uintptr_t)task;
}

/* async/multi/inbox.c */

/* A loop as the others see it. */
struct peer {
    _Alignas(64) _Atomic(struct inbox_entry *) inbox; /* the newest; or why there is none */
    _Alignas(64) struct loop *loop;
    struct group *group;
    int descriptor; /* an eventfd that ends libevent's wait */
    pthread_t thread;
    struct inbox_entry finish, go_on;
    struct stack_pool *dealt_stacks; /* of the tasks that main has it run */
};

/* Puts the entry into the loop's inbox and wakes the loop if it sleeps. From any thread. */
void inbox_put(struct loop *to, struct inbox_entry *entry);

/* Delivers all that is in the inbox of the calling thread's loop. */
void inbox_deliver(struct loop *l);

/* Notes in an empty inbox that the loop sleeps, so that whoever puts something in wakes it. `is_
   parked`: nothing else will; see group.c. Returns false if the inbox is not empty. */
bool inbox_fall_asleep(struct loop *l, bool is_parked);
void inbox_wake_up(struct loop *l);

/* async/multi/group.c: the loops of a run, from its beginning to its end. */

struct group {
    _Alignas(64) _Atomic size_t active; /* loops that are not parked */
    _Alignas(64) pthread_mutex_t gate;  /* held while the loops that are parked must stay so */
    bool is_over;                       /* changed while all are */
    int err;
    size_t next; /* loop to deal a child of main to */
    size_t count;
    struct peer peers[];
};

/* Runs main_task, entered into the first of the loops, to its end, and all else. Returns 0;
   -EDEADLK as loop_run(); -EAGAIN if a thread could not be started: then nothing has run. */
int group_run(struct group *group, struct task *main_task);

/* Main has ended: cancels all tasks that are left. */
void group_finish(struct group *group);

/* async/multi/task.c */

/* Takes a stack from the pool for a task of `home`, which has not been entered there. Returns NULL
   when memory is out. */
struct multi_task *multi_task_create(struct loop *home, struct loop *spawned_by,
                                     struct stack_pool *stacks, const char *name,
                                     task_function *function, void *arg);

/* Ends the wait of a task that waits to be woken by others. From any thread. */
void multi_wake(struct task *task);

/* For a task whose wait has been ended otherwise when it had been granted what it waits for: waits
   until the wake has come. */
void multi_await_wake(const char *what);

/* The same, after a wait that counts as successful then: that it was cancelled, too, is told by
   the next wait. */
void multi_accept_wake(const char *what, int err);

/* Runs function(arg) on the thread's stack of another loop, and waits, to the end, until it has. */
void multi_call(struct loop *at, void (*function)(void *arg), void *arg);

int multi_spawn(struct task **out, const char *name, task_function *function, void *arg);
bool multi_cancel(struct task *task);
void multi_detach(struct task *task);
bool multi_is_done(const struct task *task);
int multi_reap(struct task *task);

/* async/multi/watch.c */
void multi_watch_init(struct task_watch *watch);
int multi_watch_add(struct task_watch *watch, struct task *task);
bool multi_watch_remove(struct task_watch *watch, struct task *task);
int multi_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final);
struct task *multi_watch_take(struct task_watch *watch);
void multi_watch_tell(struct task_watch *watch, struct task *task);

/* async/multi/sync.c */
int multi_mutex_create(struct task_mutex **out);
void multi_mutex_destroy(struct task_mutex *mutex);
int multi_mutex_lock(struct task_mutex *mutex, int64_t deadline);
void multi_mutex_lock_finally(struct task_mutex *mutex);
int multi_mutex_unlock(struct task_mutex *mutex);
int multi_condition_create(struct task_condition **out);
void multi_condition_destroy(struct task_condition *condition);
int multi_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                         int64_t deadline);
void multi_condition_notify(struct task_condition *condition, size_t count);

/* async/multi/offload.c */
int multi_offload(task_function *function, void *arg, int *result);

#endif
