#include "measure/spin.h"

#include "clock.h"

#include <sched.h>
#include <stdbool.h>

#define MEASURED_TIMES UINT64_C(10000000)

/* The work is asked for, so that the compiler cannot leave it out. */
static volatile uint64_t last;

uint64_t spin_work(uint64_t times) {
    uint64_t x = 1;
    while (times-- > 0) {
        x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
        x ^= x >> 29;
    }
    return x;
}

/* Narrows the thread to the first of its cores. Returns whether it did. */
static bool pin_to_first(const cpu_set_t *cores) {
    cpu_set_t first;
    size_t core = 0;
    while (core < CPU_SETSIZE && !CPU_ISSET(core, cores))
        core++;
    CPU_ZERO(&first);
    CPU_SET(core, &first);
    return sched_setaffinity(0, sizeof first, &first) == 0;
}

int64_t spin_measure_ns(void) {
    cpu_set_t cores;
    bool is_pinned = sched_getaffinity(0, sizeof cores, &cores) == 0 && pin_to_first(&cores);
    int64_t begin_ns = clock_now_ns();
    last = spin_work(MEASURED_TIMES);
    int64_t took_ns = clock_now_ns() - begin_ns;
    if (is_pinned)
        sched_setaffinity(0, sizeof cores, &cores);
    return took_ns;
}
