#include "harness/runner.h"

#include "harness/row.h"
#include "harness/stop.h"
#include "harness/supervisor.h"
#include "measure/spin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What all trials of a run share. */
struct run {
    const struct plan *plan;
    const char *name;
    struct progress *progress;
    const struct runner_sink *sink;
    int64_t repeats_max; /* of all trials together */
    int stop_fd;
    struct runner_report *report;
    struct message *message;
};

/* Only a result is repeated: a failure that went away by itself would be hidden. */
static bool is_to_be_repeated(const struct run *run, const json_t *row, int64_t attempt) {
    return row_is_disturbed(row) && row_status_is_good(row_status(row)) &&
           attempt <= run->plan->repeats && run->report->repeated < run->repeats_max;
}

static void count(struct runner_report *report, const json_t *row, bool is_repeated) {
    report->repeated += is_repeated;
    report->trials += !is_repeated;
    report->bad += !row_status_is_good(row_status(row));
    report->left_disturbed += !is_repeated && row_is_disturbed(row);
}

static int hand_on(struct run *run, const struct cell *cell, int64_t round, int64_t attempt,
                   const struct trial_outcome *outcome, bool *is_repeated) {
    json_t *row = row_create(run->name, round, attempt, cell, outcome);
    if (!row)
        return message_fail(run->message, -ENOMEM, "out of memory");
    *is_repeated = is_to_be_repeated(run, row, attempt);
    count(run->report, row, *is_repeated);
    int err = run->sink->row(run->sink->context, cell, row, run->message);
    progress_end(run->progress, cell, round, row, *is_repeated);
    json_decref(row);
    return err;
}

static int run_attempt(struct run *run, const struct cell *cell, int64_t round, int64_t attempt,
                       bool *is_repeated) {
    progress_begin(run->progress, cell, round);
    struct trial_outcome outcome;
    supervisor_run(cell, run->plan->timeout_ns, run->stop_fd, &outcome);
    int err = 0;
    if (outcome.end == TRIAL_STOPPED)
        run->report->stop_signal = outcome.stop_signal;
    else
        err = hand_on(run, cell, round, attempt, &outcome, is_repeated);
    trial_outcome_destroy(&outcome);
    return err;
}

static int run_trial(struct run *run, const struct cell *cell, int64_t round) {
    bool is_repeated;
    int64_t attempt = 1;
    int err;
    do {
        is_repeated = false;
        err = run_attempt(run, cell, round, attempt++, &is_repeated);
    } while (!err && is_repeated);
    return err;
}

static int begin_round(struct run *run, int64_t round) {
    if (!run->sink->round)
        return 0;
    return run->sink->round(run->sink->context, round, spin_measure_ns(), run->message);
}

static int run_round(struct run *run, int64_t round, size_t *order) {
    size_t trials = plan_order(run->plan, round, order);
    int err = begin_round(run, round);
    for (size_t i = 0; i < trials && !err && !run->report->stop_signal; i++)
        err = run_trial(run, &run->plan->cells[order[i]], round);
    return err;
}

static int64_t repeats_max(const struct plan *plan) {
    int64_t share = (int64_t)(RUNNER_REPEATS_SHARE * (double)plan_trial_count(plan));
    return share > RUNNER_REPEATS_MIN ? share : RUNNER_REPEATS_MIN;
}

int runner_run(const struct plan *plan, const char *name, struct progress *progress,
               const struct runner_sink *sink, struct runner_report *report,
               struct message *message) {
    *report = (struct runner_report){0};
    struct run run = {.plan = plan,
                      .name = name,
                      .progress = progress,
                      .sink = sink,
                      .repeats_max = repeats_max(plan),
                      .report = report,
                      .message = message};
    size_t *order = malloc(plan->cell_count * sizeof *order);
    if (!order)
        return message_fail(message, -ENOMEM, "out of memory");
    run.stop_fd = stop_open();
    int err = run.stop_fd < 0
                  ? message_fail(message, run.stop_fd, "signals cannot be waited for: %s",
                                 strerror(-run.stop_fd))
                  : 0;
    for (int64_t round = 1; round <= plan->rounds && !err && !report->stop_signal; round++)
        err = run_round(&run, round, order);
    if (run.stop_fd >= 0)
        close(run.stop_fd);
    free(order);
    return err;
}
