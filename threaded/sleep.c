#include "clock.h"
#include "threaded/engine.h"

#include <errno.h>
#include <sched.h>

/* Until a time rather than for a duration: an interruption does not lengthen the sleep. */
int threaded_sleep(int64_t duration_ns) {
    if (duration_ns <= 0) {
        threaded_yield();
        return 0;
    }
    struct timespec due = clock_timespec(task_deadline(duration_ns));
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        continue;
    return 0;
}

void threaded_yield(void) {
    sched_yield();
}
