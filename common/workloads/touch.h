/* Use of a task's stack beyond what its own work needs, as programs that are not benchmarks make
   of it: --touch=SIZE. The pages stay resident after the call, as they do after any deep one. */
#ifndef TVA_WORKLOADS_TOUCH_H
#define TVA_WORKLOADS_TOUCH_H

#include <stdint.h>

#define TOUCH_PARAMETER(type)                                                                      \
    {                                                                                              \
        "touch", PARAMETER_SIZE, offsetof(type, touch_bytes), "0", 0, INT64_C(256) << 20, "SIZE",  \
            "stack that each task uses before it first waits"                                      \
    }

/* Writes to `bytes` of the calling task's stack and gives them back; it must be as large. */
void touch_stack(int64_t bytes);

#endif
