#include "async/loop.h"

#include <errno.h>

/* A sleep is a wait that nobody ends before its deadline. */
int async_sleep(int64_t duration_ns) {
    if (duration_ns <= 0)
        return async_yield();
    int err = loop_wait(loop, "a sleep to end", task_deadline(duration_ns));
    return err == -ETIMEDOUT ? 0 : err;
}

int async_yield(void) {
    return loop_yield(loop);
}
