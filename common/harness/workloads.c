/* The table of workloads. A new workload is a file in workloads/ and one line here. */
#include "harness/tables.h"

const struct workload *const workloads[] = {&workload_sleep, &workload_fetch, &workload_chain,
                                            NULL};
