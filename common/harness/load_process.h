/* The background load of one trial (load.h) as a child process. */
#ifndef TVA_HARNESS_LOAD_PROCESS_H
#define TVA_HARNESS_LOAD_PROCESS_H

#include "harness/message.h"
#include "harness/process.h"

#include <stdint.h>

struct load_process {
    struct process process; /* pid 0: none */
};

/* Starts so many threads that compute and waits until they do. The caller ends them by
   load_process_stop(). Returns 0 or a negative errno with a line in message. */
int load_process_start(struct load_process *out, int64_t threads, struct message *message);

/* Ends the load, if there is one. */
void load_process_stop(struct load_process *load);

#endif
