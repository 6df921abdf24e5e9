/* Inside the threaded engine: what a task is, and how one waits for the end of others. */
#ifndef TVA_THREADED_ENGINE_H
#define TVA_THREADED_ENGINE_H

#include "task.h"

#include <pthread.h>
#include <stdatomic.h>

/* Counts down to zero, and wakes the one thread that waits for it, once. */
struct latch {
    _Atomic uint32_t remaining; /* the futex */
};

struct task {
    const char *name;
    task_function *function;
    void *arg;
    int result;
    _Atomic(struct latch *) waiter; /* NULL: nobody waits yet; &task_ended: it has ended */
    pthread_t thread;               /* of the model threads */
    struct task *next, *previous;   /* in a pool's queue; guarded by its mutex */
    int is_queued;                  /* likewise */
};

/* Allocates a task that has not started. The caller frees it. Returns 0 or -ENOMEM. */
int threaded_task_create(struct task **out, const char *name, task_function *function, void *arg);

/* Runs the task's function on the calling thread, then wakes whoever waits. The task may be gone
   when this returns, if it had been given to another thread to await. */
void threaded_task_execute(struct task *task);

void threaded_latch_init(struct latch *latch, uint32_t count);

/* Has the task count the latch down when it ends. Returns 0 if it has ended already: then it will
   not. A task counts down one latch at most. */
int threaded_latch_attach(struct latch *latch, struct task *task);

/* Counts down by `count` on behalf of tasks that will not. */
void threaded_latch_count_down(struct latch *latch, uint32_t count);

void threaded_latch_wait(struct latch *latch);

struct task *threaded_self(void);

/* threaded/sleep.c */
int threaded_sleep(int64_t duration_ns);
void threaded_yield(void);

/* threaded/stream.c */
int threaded_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                     int64_t deadline);
ptrdiff_t threaded_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);
int threaded_write(struct stream *stream, const void *data, size_t size, int64_t deadline);
void threaded_close(struct stream *stream);

#endif
