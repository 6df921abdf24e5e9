/* Background load: threads that do nothing but compute, in a process of their own beside a trial
   (`tva load`), so that models are also compared on a machine that others use. */
#ifndef TVA_HARNESS_LOAD_H
#define TVA_HARNESS_LOAD_H

#include "harness/message.h"

#include <stdint.h>
#include <stdio.h>

#define LOAD_THREADS_MAX 1024

struct load_options {
    int64_t threads;
    FILE *output;
};

/* Computes on so many threads, at normal priority and on any core, until SIGINT or SIGTERM comes.
   Prints, flushed, {"threads":2} when all are about to begin, and at the end {"cpu_ns":..}, the CPU
   time of the process. Returns 0 or a negative errno with a line in message. */
int load_run(const struct load_options *options, struct message *message);

#endif
