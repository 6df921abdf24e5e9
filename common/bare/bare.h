/* A floor: a workload that is written by hand for one way of running it, without the seam, so that
   it shows what the seam costs. It has the workload's spec and does its work, operation for
   operation, and is recorded, measured and judged by the same harness and oracle. */
#ifndef TVA_BARE_H
#define TVA_BARE_H

#include "workloads/workload.h"

/* Takes the place of the workload's own three; contracts as there. main runs on the calling thread,
   not as a task, and calls nothing of task.h. */
struct bare_body {
    const char *workload;
    int (*prepare)(const struct workload_input *input, void **state,
                   char message[WORKLOAD_MESSAGE_BYTES]);
    task_function *main;
    void (*destroy)(void *state);
};

#endif
