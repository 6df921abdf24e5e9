/* Inside the threaded engine: what a task is, and how it waits. */
#ifndef TVA_THREADED_ENGINE_H
#define TVA_THREADED_ENGINE_H

#include "model.h"

#include <stdatomic.h>

/* Why a wait may be ended by others: bits of task->interrupts. */
enum { INTERRUPT_CANCEL = 1, INTERRUPT_DEADLOCK = 2 };

struct task {
    const char *name;
    task_function *function;
    void *arg;
    int result;
    pthread_t thread; /* of the model threads: the one to join */
    pthread_t runner; /* the thread that runs it; set before is_blocked is */
    atomic_uint interrupts;
    atomic_bool is_blocked;             /* in a system call that a signal may end */
    _Atomic(const char *) waiting_for;  /* in words, while it is counted as waiting */
    _Atomic uint32_t *waiting_word;     /* and the futex, with the value that it waits to change; */
    uint32_t waiting_value;             /* set before waiting_for is */
    bool is_final;                      /* likewise: nobody may end the wait */
    _Atomic(struct task_watch *) watch; /* NULL; whom to tell of the end; or one of the two below */
    struct task *next_ended;            /* of its watch; guarded by the watch's mutex */
    struct task *newer, *older;   /* all tasks that are not freed; guarded by the registry's */
    struct task *next, *previous; /* in a pool's queue; guarded by the pool's mutex */
    struct task *next_watched;    /* of its watch; used by the waiter alone */
    struct task *previous_watched;
    bool is_watched;             /* likewise: it is among those of the watch */
    struct task *running_inside; /* the task that it runs while it awaits it; the pool's mutex */
    bool is_queued;              /* likewise */
};

/* Stand in task->watch once it has ended, or been detached. */
extern struct task_watch watch_ended, watch_detached;

/* threaded/registry.c: all tasks of the run, and how many threads can go on. */

/* Begins a run. `is_hopeful` says whether, with no thread able to go on, there is still work that
   an idle one will take up; NULL: never. */
void registry_start(bool (*is_hopeful)(void));

/* After main: cancels all tasks that are left, and those that they spawn from now on. */
void registry_cancel_rest(void);

/* Waits for the ends of all tasks, and frees, and reports, those that nobody awaited. */
void registry_finish(void);

/* Enters a new task; a run that is finishing has it cancelled from the start. */
void registry_add(struct task *task);
void registry_remove(struct task *task);

/* Between the two no task is freed: one that is detached frees itself, and may come to that while
   it is being cancelled. May be nested; the holder must not wait for a task. */
void registry_hold(void);
void registry_release(void);

/* Threads that can go on: one that begins or resumes work, and one that ends it or waits until
   another lets it go on. When none is left, and no wait has a deadline, it is a deadlock: it is
   reported, and the waits of all tasks end with -EDEADLK, save those that are final; if all are,
   the process ends. A thread that pauses until a deadline says so, and tells when that wait is
   over. */
void registry_thread_resumes(size_t count);
void registry_thread_pauses(bool has_deadline);
void registry_deadline_passed(void);

/* Takes back the part of a `resumes` that was counted in advance and did not come. */
void registry_thread_stays(size_t count);

/* To be called by a thread that has resumed, before what it waited on may be freed. */
void registry_thread_has_resumed(void);

/* A task has ended and will not be touched any more. With `is_thread_s_end` the calling thread has,
   too: it pauses, and touches the registry no more, which may be the next run's by then. */
void registry_task_ended(bool is_thread_s_end);

/* threaded/block.c: system calls that wait. */

/* Before and after a system call that a signal may end. begin returns 0, or the reason not to make
   it: -ECANCELED, -EDEADLK. After EINTR begin again. */
int block_begin(struct task *self);
void block_end(struct task *self);

/* Makes the task's wait end, or its next one. */
void block_interrupt(struct task *task, unsigned reason);

/* Waits while *word is `value`. Returns 0 when woken, or if it was not; -ETIMEDOUT at the deadline;
   -ECANCELED, -EDEADLK. Final: only 0. */
int block_wait(_Atomic uint32_t *word, uint32_t value, const char *what, int64_t deadline);
void block_wait_finally(_Atomic uint32_t *word, uint32_t value, const char *what);

/* Wakes up to `count` threads that wait on the word. */
void block_wake(_Atomic uint32_t *word, int count);

/* Installs, and removes, the signal that ends system calls. */
void block_start(void);
void block_finish(void);

/* threaded/task.c */

/* Allocates a task that has not started, and enters it. Returns 0 or -ENOMEM. */
int threaded_task_create(struct task **out, const char *name, task_function *function, void *arg);
void threaded_task_free(struct task *task);

/* Runs the task on the calling thread, whose last it may be, and tells of its end. It may be freed
   when this returns. */
void threaded_task_execute(struct task *task, bool is_thread_s_end);

bool threaded_cancel(struct task *task);
bool threaded_is_done(const struct task *task);
int threaded_result(const struct task *task);
struct task *threaded_self(void);
const char *threaded_name(const struct task *task);

/* Gives the task up. Returns false if it has ended already: then the caller frees it. */
bool threaded_try_detach(struct task *task);

/* threaded/watch.c */
void threaded_watch_init(struct task_watch *watch);
int threaded_watch_add(struct task_watch *watch, struct task *task);
bool threaded_watch_remove(struct task_watch *watch, struct task *task);
int threaded_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final);
struct task *threaded_watch_take(struct task_watch *watch);
bool threaded_watch_has(struct task_watch *watch, size_t wanted);
void threaded_watch_tell(struct task_watch *watch, struct task *task);

/* threaded/sleep.c */
int threaded_sleep_until(int64_t time_ns);
int threaded_yield(void);

/* threaded/sync.c */
int threaded_mutex_create(struct task_mutex **out);
void threaded_mutex_destroy(struct task_mutex *mutex);
int threaded_mutex_lock(struct task_mutex *mutex, int64_t deadline);
void threaded_mutex_lock_finally(struct task_mutex *mutex);
int threaded_mutex_unlock(struct task_mutex *mutex);
int threaded_condition_create(struct task_condition **out);
void threaded_condition_destroy(struct task_condition *condition);
int threaded_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                            int64_t deadline);
void threaded_condition_notify(struct task_condition *condition, size_t count);

/* threaded/offload.c */
int threaded_offload(task_function *function, void *arg, int *result);

/* threaded/stream.c */
int threaded_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                     int64_t deadline);
int threaded_open(struct stream **out, int fd);
ptrdiff_t threaded_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);
int threaded_write(struct stream *stream, const void *data, size_t size, int64_t deadline);
void threaded_close(struct stream *stream);
int threaded_listen(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                    int backlog);
int threaded_listener_address(const struct listener *listener, struct sockaddr_storage *out);
int threaded_accept(struct listener *listener, int64_t deadline, struct stream **out);
void threaded_listener_close(struct listener *listener);

/* What both models do alike. */
#define THREADED_SHARED_CALLS                                                                      \
    .is_done = threaded_is_done, .result = threaded_result, .watch_init = threaded_watch_init,     \
    .sleep_until = threaded_sleep_until, .yield = threaded_yield, .self = threaded_self,           \
    .name = threaded_name, .offload = threaded_offload, .mutex_create = threaded_mutex_create,     \
    .mutex_destroy = threaded_mutex_destroy, .mutex_lock = threaded_mutex_lock,                    \
    .mutex_lock_finally = threaded_mutex_lock_finally, .mutex_unlock = threaded_mutex_unlock,      \
    .condition_create = threaded_condition_create,                                                 \
    .condition_destroy = threaded_condition_destroy, .condition_wait = threaded_condition_wait,    \
    .condition_notify = threaded_condition_notify, .connect = threaded_connect,                    \
    .open = threaded_open, .read = threaded_read, .write = threaded_write,                         \
    .close = threaded_close, .listen = threaded_listen,                                            \
    .listener_address = threaded_listener_address, .accept = threaded_accept,                      \
    .listener_close = threaded_listener_close

#endif
