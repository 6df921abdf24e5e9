/* Helper threads that make blocking calls for the tasks of loops. */
#ifndef TVA_ASYNC_HELPERS_H
#define TVA_ASYNC_HELPERS_H

#include "task.h"

struct helpers;

/* One call. Stands on the stack of the task that waits for it. */
struct job {
    task_function *function;
    void *arg;
    int result;
    bool is_done;                     /* as far as the loop has heard */
    void (*on_done)(struct job *job); /* the helper's last touch; NULL: it is put with those done */
    struct task *task;
    struct job *next;
};

/* At most `count` threads, started when there is work. The caller destroys *out. Returns 0,
   -ENOMEM, or -EMFILE. */
int helpers_create(struct helpers **out, size_t count);

/* No job may be left. */
void helpers_destroy(struct helpers *helpers);

/* A descriptor that is readable when jobs are done. */
int helpers_descriptor(const struct helpers *helpers);

/* Gives the job to a thread. Returns 0, or -EAGAIN if there is none and none could be started. */
int helpers_submit(struct helpers *helpers, struct job *job);

/* Takes a job back; returns false if it has begun. */
bool helpers_withdraw(struct helpers *helpers, struct job *job);

/* Takes all jobs that are done, linked by `next`, in no order, and resets the descriptor. */
struct job *helpers_take_done(struct helpers *helpers);

#endif
