/* The control ticker, a process of its own beside a trial: how late plain ticks are on the cores
   that the trial uses, whatever the model does. So the machine's own noise is told apart from the
   model's. */
#ifndef TVA_HARNESS_TICKER_H
#define TVA_HARNESS_TICKER_H

#include "harness/message.h"

#include <stdint.h>
#include <stdio.h>

struct ticker_options {
    int64_t tick_ns;
    const char *cpus; /* a list of cores (cpus.h); NULL: all that this process may use */
    FILE *output;
};

/* Ticks on every core at intended times until SIGTERM or SIGINT comes. Prints one line when all
   ticks are about to begin, {"tick_ns":1000000,"cores":2,"priority":"realtime"}, and at the end the
   distribution of their lateness (results/README.md), of all ticks that were due by then.

   Each core has a thread of the highest priority that may be had, so that it suffers from the
   machine and not from the trial: "realtime", else "nice" (-20), else "none"; a ticker without
   priority is late also where the trial's own threads keep the core busy.

   Returns 0 or a negative errno with a line in message. */
int ticker_run(const struct ticker_options *options, struct message *message);

#endif
