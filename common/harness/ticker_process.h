/* The control ticker of a trial (ticker.h) as a child process, and what it counted. */
#ifndef TVA_HARNESS_TICKER_PROCESS_H
#define TVA_HARNESS_TICKER_PROCESS_H

#include "harness/process.h"

#include <jansson.h>

struct ticker_process {
    struct process process; /* pid 0: none */
    json_t *told;           /* its first line; owned */
};

/* What a ticker counted. */
struct control_ticks {
    json_t *lateness; /* a distribution, or NULL: there was no ticker, or it told nothing; owned */
    json_t *priority; /* as text, likewise */
};

/* Starts a ticker on the cores of a list (cpus.h), or on all, and waits until it ticks. The caller
   ends it by ticker_process_stop(). Returns 0 or a negative errno. */
int ticker_process_start(struct ticker_process *out, const char *cpus);

/* Ends the ticker, if there is one. The caller destroys what it counted. */
struct control_ticks ticker_process_stop(struct ticker_process *ticker);

void control_ticks_destroy(struct control_ticks *ticks);

#endif
