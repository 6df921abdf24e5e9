/* Runs the trials of a plan, round by round, one after the other, and hands each row on. A trial
   that was disturbed is run again at once, as often as the plan allows. */
#ifndef TVA_HARNESS_RUNNER_H
#define TVA_HARNESS_RUNNER_H

#include "harness/past.h"
#include "harness/plan.h"
#include "harness/progress.h"

#include <jansson.h>

/* Take a row, which stays the runner's, and when a round is begun or gone on with how long the
   control spin took (measure/spin.h). Return 0, or a negative errno with a line in message, which
   ends the run. */
typedef int runner_row_function(void *context, const struct cell *cell, const json_t *row,
                                struct message *message);
typedef int runner_round_function(void *context, int64_t round, int64_t control_spin_ns,
                                  struct message *message);

struct runner_sink {
    runner_row_function *row;
    runner_round_function *round; /* NULL: there is no control spin */
    void *context;
};

/* Repetitions of all trials together are at most this share of the plan's trials, or this many: a
   machine that is never quiet would otherwise make a run several times as long and no better. */
#define RUNNER_REPEATS_SHARE 0.25
#define RUNNER_REPEATS_MIN 10

struct runner_report {
    int64_t trials;         /* that ended with a row, repeated ones once */
    int64_t bad;            /* of those, neither ok nor limited */
    int64_t repeated;       /* rows that were followed by a further attempt */
    int64_t left_disturbed; /* trials whose last attempt was disturbed too */
    int stop_signal;        /* the run was cut short by it; 0: it was not */
};

/* Runs `plan`, or what its rows of before, `past`, leave of it; NULL: all. `run` is the name that
   rows carry. The report counts the rows of before too. Returns 0 also when trials failed or a
   signal stopped it, see *report; a negative errno with a line in message when it could not go on.
   No child is left in either case. */
int runner_run(const struct plan *plan, const char *run, const struct past *past,
               struct progress *progress, const struct runner_sink *sink,
               struct runner_report *report, struct message *message);

#endif
