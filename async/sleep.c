#include "async/loop.h"

#include <errno.h>

/* A sleep is a wait that nobody ends before its deadline. One whose time has passed takes its turn
   among the timers all the same: going on at once would keep those that are due from ever being
   looked at. */
int async_sleep_until(int64_t time_ns) {
    int err = loop_wait(loop, "a sleep to end", time_ns);
    return err == -ETIMEDOUT ? 0 : err;
}

int async_yield(void) {
    return loop_yield(loop);
}
