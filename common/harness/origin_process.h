/* An origin of a trial's own: `tva origin` as a child process, and what it counted. */
#ifndef TVA_HARNESS_ORIGIN_PROCESS_H
#define TVA_HARNESS_ORIGIN_PROCESS_H

#include "harness/message.h"
#include "harness/process.h"

#include <stdbool.h>

#define ORIGIN_URL_BYTES 128

struct origin_process {
    struct process process; /* pid 0: none */
    char url[ORIGIN_URL_BYTES];
};

struct origin_counts {
    bool has_counts;
    int64_t requests;
    int64_t bytes; /* of bodies */
    int64_t cpu_ns;
};

/* Starts an origin on a free port of loopback, pinned to the cores of a list (cpus.h) unless that
   is NULL, and waits until it prints its URL. The caller ends it by origin_process_stop(). Returns
   0 or a negative errno with a line in message. */
int origin_process_start(struct origin_process *out, const char *cpus, struct message *message);

/* Ends the origin and returns what it counted, if it told within five seconds. */
struct origin_counts origin_process_stop(struct origin_process *origin);

#endif
