#include "async/loop.h"

int async_sleep(int64_t duration_ns) {
    if (duration_ns <= 0)
        async_yield();
    else
        loop_wait_until(loop, task_deadline(duration_ns));
    return 0;
}

void async_yield(void) {
    loop_make_ready(loop, loop->current);
    loop_wait(loop);
}
