#include "async/helpers.h"
#include "async/loop.h"

#include <errno.h>

void async_offload_on_done(int descriptor, short what, void *arg) {
    (void)descriptor;
    (void)what;
    struct loop *l = arg;
    struct job *job = helpers_take_done(l->helpers);
    while (job) {
        struct job *next = job->next; /* the job goes with the wait */
        job->is_done = true;
        if (job->task->state == TASK_WAITING) /* not just being cancelled */
            loop_wake(l, job->task, 0);
        job = next;
    }
}

struct submission {
    struct job *job; /* once submitted, the helpers' */
    int err;
};

static void submit(void *arg) {
    struct submission *submission = arg;
    submission->err = helpers_submit(loop->helpers, submission->job);
}

/* On the loop's stack: starting a thread needs room. */
int async_offload_submit(struct job *job) {
    struct submission submission = {.job = job};
    loop_call(loop, submit, &submission);
    return submission.err;
}

/* The call uses what the caller gave it, so once begun it is waited for. */
static int await_job(struct job *job) {
    loop->waits_outside++;
    int err = loop_wait(loop, "an offloaded call", TASK_NO_DEADLINE);
    if (err && !job->is_done && !helpers_withdraw(loop->helpers, job))
        loop_wait_finally(loop, "an offloaded call");
    loop->waits_outside--;
    return err;
}

int async_offload(task_function *function, void *arg, int *result) {
    struct task *self = loop->current;
    int err = async_take_cancellation(self); /* before a helper could begin */
    if (err)
        return err;
    struct job job = {.function = function, .arg = arg, .task = self};
    err = async_offload_submit(&job);
    if (!err)
        err = await_job(&job);
    if (!err && result)
        *result = job.result;
    return err;
}
