#include "clock.h"
#include "threaded/engine.h"

#include <errno.h>
#include <sched.h>

/* Until a time rather than for a duration: an interruption does not lengthen the sleep. */
int threaded_sleep_until(int64_t time_ns) {
    struct task *self = threaded_self();
    struct timespec due = clock_timespec(time_ns);
    int interrupted;
    do {
        int err = block_begin(self);
        if (err)
            return err;
        interrupted = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        block_end(self);
    } while (interrupted);
    return 0;
}

int threaded_yield(void) {
    struct task *self = threaded_self();
    int err = block_begin(self);
    if (err)
        return err;
    sched_yield();
    block_end(self);
    return 0;
}
