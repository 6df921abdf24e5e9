/* Work for the processor: rounds of a hash, each of which needs the one before it. */
#ifndef TVA_WORKLOADS_WORK_H
#define TVA_WORKLOADS_WORK_H

#include "workloads/random.h"

#define WORK_PARAMETER(type)                                                                       \
    {                                                                                              \
        "work", PARAMETER_COUNT, offsetof(type, work), "0", 0, INT64_C(1000000000000), "COUNT",    \
            "rounds of a hash that each operation computes at its end"                             \
    }

static inline uint64_t work_hash(uint64_t value, int64_t rounds) {
    for (; rounds > 0; rounds--)
        value = random_mix(value);
    return value;
}

#endif
