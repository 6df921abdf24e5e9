#include "async/helpers.h"
#include "async/multi/engine.h"

#include <errno.h>

/* On the helper's thread. The job goes with the wait. */
static void wake_caller(struct job *job) {
    multi_wake(job->task);
}

/* The call uses what the caller gave it, so once begun it is waited for. */
static int await_job(struct job *job) {
    loop->waits_outside++;
    int err = loop_wait(loop, "an offloaded call", TASK_NO_DEADLINE);
    if (err && !helpers_withdraw(loop->helpers, job))
        multi_await_wake("an offloaded call");
    loop->waits_outside--;
    return err;
}

int multi_offload(task_function *function, void *arg, int *result) {
    struct task *self = loop->current;
    int err = async_take_cancellation(self); /* before a helper could begin */
    if (err)
        return err;
    struct job job = {.function = function, .arg = arg, .task = self, .on_done = wake_caller};
    err = async_offload_submit(&job);
    if (!err)
        err = await_job(&job);
    if (!err && result)
        *result = job.result;
    return err;
}
