/* The oracle's answers for workloads whose tasks never wait for time to pass. */
#ifndef TVA_WORKLOADS_BUSY_H
#define TVA_WORKLOADS_BUSY_H

#include <stdint.h>

static inline int64_t busy_wait_ns(const void *params, uint64_t operation) {
    (void)params;
    (void)operation;
    return 0;
}

static inline int64_t busy_ideal_ns(const void *params) {
    (void)params;
    return 0;
}

#endif
