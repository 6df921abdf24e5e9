/* The table of workloads. A new workload is a file in workloads/ and one line here. */
#include "harness/tables.h"

const struct workload *const workloads[] = {
    &workload_sleep, &workload_fetch,       &workload_chain, &workload_blocking,
    &workload_files, &workload_connections, &workload_spawn, &workload_switch,
    &workload_cpu,   &workload_shared,      &workload_queue, NULL};
