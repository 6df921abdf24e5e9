#include "harness/runner.h"

#include "harness/row.h"
#include "harness/stop.h"
#include "harness/supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What all trials of a run share. */
struct run {
    const struct plan *plan;
    const char *name;
    struct progress *progress;
    runner_sink *sink;
    void *context;
    int stop_fd;
    struct runner_report *report;
    struct message *message;
};

static int hand_on(struct run *run, const struct cell *cell, int64_t round,
                   const struct trial_outcome *outcome) {
    json_t *row = row_create(run->name, round, cell, outcome);
    if (!row)
        return message_fail(run->message, -ENOMEM, "out of memory");
    run->report->trials++;
    if (!row_status_is_good(row_status(row)))
        run->report->bad++;
    int err = run->sink(run->context, cell, row, run->message);
    progress_end(run->progress, cell, round, row);
    json_decref(row);
    return err;
}

static int run_trial(struct run *run, const struct cell *cell, int64_t round) {
    progress_begin(run->progress, cell, round);
    struct trial_outcome outcome;
    supervisor_run(cell, run->plan->timeout_ns, run->stop_fd, &outcome);
    int err = 0;
    if (outcome.end == TRIAL_STOPPED)
        run->report->stop_signal = outcome.stop_signal;
    else
        err = hand_on(run, cell, round, &outcome);
    trial_outcome_destroy(&outcome);
    return err;
}

static int run_round(struct run *run, int64_t round, size_t *order) {
    size_t count = plan_order(run->plan, round, order);
    int err = 0;
    for (size_t i = 0; i < count && !err && !run->report->stop_signal; i++)
        err = run_trial(run, &run->plan->cells[order[i]], round);
    return err;
}

int runner_run(const struct plan *plan, const char *name, struct progress *progress,
               runner_sink *sink, void *context, struct runner_report *report,
               struct message *message) {
    *report = (struct runner_report){0};
    struct run run = {.plan = plan,
                      .name = name,
                      .progress = progress,
                      .sink = sink,
                      .context = context,
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
