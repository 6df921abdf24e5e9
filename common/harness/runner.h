/* Runs the trials of a plan, round by round, one after the other, and hands each row on. */
#ifndef TVA_HARNESS_RUNNER_H
#define TVA_HARNESS_RUNNER_H

#include "harness/plan.h"
#include "harness/progress.h"

#include <jansson.h>

/* Takes a row, which stays the runner's. Returns 0, or a negative errno with a line in message,
   which ends the run. */
typedef int runner_sink(void *context, const struct cell *cell, const json_t *row,
                        struct message *message);

struct runner_report {
    int64_t trials;  /* that ended with a row */
    int64_t bad;     /* of those, neither ok nor limited */
    int stop_signal; /* the run was cut short by it; 0: it was not */
};

/* Runs `plan`; `run` is the name that rows carry. Returns 0 also when trials failed or a signal
   stopped it, see *report; a negative errno with a line in message when it could not go on. No
   child is left in either case. */
int runner_run(const struct plan *plan, const char *run, struct progress *progress,
               runner_sink *sink, void *context, struct runner_report *report,
               struct message *message);

#endif
