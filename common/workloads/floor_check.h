/* What the bare floors leave out of the parameters that sleep, fetch and chain share. */
#ifndef TVA_WORKLOADS_FLOOR_CHECK_H
#define TVA_WORKLOADS_FLOOR_CHECK_H

#include <errno.h>
#include <stdio.h>

#include "workloads/arrivals.h"

/* Returns 0, or -EINVAL with a line in message. */
static inline int floor_check(const struct arrivals_params *arrivals, int64_t touch_bytes,
                              char message[WORKLOAD_MESSAGE_BYTES]) {
    const char *what = arrivals->rate ? "rate" : touch_bytes ? "touch" : NULL;
    if (!what)
        return 0;
    snprintf(message, WORKLOAD_MESSAGE_BYTES,
             "%s: a floor has none (leave it out, or the models that are floors)", what);
    return -EINVAL;
}

#endif
