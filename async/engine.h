/* Inside the async engine: what a task is, and how one waits for the end of others. */
#ifndef TVA_ASYNC_ENGINE_H
#define TVA_ASYNC_ENGINE_H

#include "async/coroutine.h"
#include "async/stack.h"
#include "async/timers.h"
#include "task.h"

struct loop;

/* Counts down to zero, and makes the one task that waits for it ready, once. */
struct latch {
    uint32_t remaining;
    struct task *waiter; /* NULL while it does not wait */
};

/* Lies above the task's stack: what all tasks have is kept small. */
struct task {
    struct stack stack; /* first, so that a stack's record is its task */
    struct coroutine coroutine;
    struct timer timer; /* of what the task waits for, if that has a deadline */
    struct task *next_ready;
    const char *name;
    task_function *function;
    void *arg;
    struct latch *latch; /* to count down at the end; NULL: nobody waits yet */
    int result;
    bool has_ended;
    bool is_timed_out; /* the timer ended the wait */
};

/* Makes a task that has not started; it does when the loop comes to it. Returns 0 or -ENOMEM. */
int async_task_create(struct task **out, struct loop *l, struct stack_pool *stacks,
                      const char *name, task_function *function, void *arg);

/* Frees a task that has ended, or that the loop will not come to any more. */
void async_task_destroy(struct task *task);

void async_latch_init(struct latch *latch, uint32_t count);

/* Has the task count the latch down when it ends. Returns false if it has ended already: then it
   will not. A task counts down one latch at most. */
bool async_latch_attach(struct latch *latch, struct task *task);

/* Counts down by `count` on behalf of tasks that will not. */
void async_latch_count_down(struct latch *latch, uint32_t count);

void async_latch_wait(struct latch *latch);

/* async/task.c */
int async_spawn(struct task **out, const char *name, task_function *function, void *arg);
int async_await(struct task *task, int *result);
int async_gather(struct task *const *tasks, size_t count, int *results);
struct task *async_self(void);

/* async/sleep.c */
int async_sleep(int64_t duration_ns);
void async_yield(void);

/* async/stream.c */
int async_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                  int64_t deadline);
ptrdiff_t async_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);
int async_write(struct stream *stream, const void *data, size_t size, int64_t deadline);
void async_close(struct stream *stream);

#endif
