#include "async/helpers.h"
#include "async/loop.h"

#include <errno.h>

struct submission {
    struct job *job; /* once submitted, the helpers' */
    int err;
};

/* Runs on the loop's stack: starting a thread needs room. */
static void submit(void *arg) {
    struct submission *submission = arg;
    submission->err = helpers_submit(loop->helpers, submission->job);
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
    struct submission submission = {.job = &job};
    loop_call(loop, submit, &submission);
    if (submission.err)
        return submission.err;
    err = await_job(&job);
    if (!err && result)
        *result = job.result;
    return err;
}
