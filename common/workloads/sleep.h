/* What a sleep is made of, for whatever runs it: the workload over the seam, and the bare floors.
 */
#ifndef TVA_WORKLOADS_SLEEP_H
#define TVA_WORKLOADS_SLEEP_H

#include "workloads/arrivals.h"
#include "workloads/workload.h"

struct sleep_params {
    struct workload_params common;
    struct arrivals_params arrivals;
    int64_t sleep_ns;
    int64_t jitter_ns;
    int64_t repeat;
    int64_t work; /* rounds of the hash after each sleep */
    int64_t touch_bytes;
};

/* Task t makes the sleeps t * repeat .. t * repeat + repeat - 1, one after the other. */
int64_t sleep_wait_ns(const void *params, uint64_t operation);

/* The value of a sleep ties its number to the duration slept, under the seed. Computing it is the
   sleep's work. */
uint64_t sleep_value(const struct sleep_params *params, uint64_t operation, int64_t slept_ns);

#endif
