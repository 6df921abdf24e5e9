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

#define DONE (-1)
_Static_assert(PLAN_REPEATS_MAX < INT8_MAX, "attempts are counted in an int8_t");

/* What all trials of a run share. */
struct run {
    const struct plan *plan;
    const char *name;
    struct progress *progress;
    const struct runner_sink *sink;
    int64_t repeats_max; /* of all trials together */
    int stop_fd;
    int8_t *attempts; /* of each cell in each round so far; DONE: no further one follows */
    struct runner_report *report;
    struct message *message;
};

static int8_t *attempts_of(const struct run *run, size_t cell, int64_t round) {
    return &run->attempts[(size_t)(round - 1) * run->plan->cell_count + cell];
}

/* Only a result is repeated: a failure that went away by itself would be hidden. */
static bool is_to_be_repeated(const struct run *run, const struct past_row *row) {
    return row->is_disturbed && row->is_good && row->attempt <= run->plan->repeats &&
           run->report->repeated < run->repeats_max;
}

/* Enters a row, of now or of before. Returns whether its trial is repeated. */
static bool count(struct run *run, const struct past_row *row) {
    struct runner_report *report = run->report;
    bool is_repeated = is_to_be_repeated(run, row);
    report->repeated += is_repeated;
    report->trials += !is_repeated;
    report->bad += !row->is_good;
    report->left_disturbed += !is_repeated && row->is_disturbed;
    *attempts_of(run, row->cell, row->round) = is_repeated ? (int8_t)row->attempt : DONE;
    return is_repeated;
}

/* What was repeated then is repeated now: the same rule, on the same rows in the same order. */
static void replay(struct run *run, const struct past *past) {
    for (size_t i = 0; i < past->count; i++) {
        const struct past_row *row = &past->rows[i];
        if (!count(run, row))
            progress_count(run->progress, &run->plan->cells[row->cell], row->took_ns);
    }
    progress_go_on(run->progress);
}

static int hand_on(struct run *run, const struct cell *cell, int64_t round, int64_t attempt,
                   const struct trial_outcome *outcome, bool *is_repeated) {
    json_t *row = row_create(run->name, round, attempt, cell, outcome);
    if (!row)
        return message_fail(run->message, -ENOMEM, "out of memory");
    struct past_row facts = past_row_of(row);
    *is_repeated = count(run, &facts);
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
    int8_t attempts = *attempts_of(run, cell->index, round);
    if (attempts == DONE)
        return 0;
    bool is_repeated;
    int64_t attempt = attempts + 1;
    int err;
    do {
        is_repeated = false;
        err = run_attempt(run, cell, round, attempt++, &is_repeated);
    } while (!err && is_repeated);
    return err;
}

static bool is_round_done(const struct run *run, int64_t round, const size_t *order,
                          size_t trials) {
    size_t done = 0;
    while (done < trials && *attempts_of(run, order[done], round) == DONE)
        done++;
    return done == trials;
}

static int begin_round(struct run *run, int64_t round) {
    if (!run->sink->round)
        return 0;
    return run->sink->round(run->sink->context, round, spin_measure_ns(), run->message);
}

static int run_round(struct run *run, int64_t round, size_t *order) {
    size_t trials = plan_order(run->plan, round, order);
    if (is_round_done(run, round, order, trials))
        return 0;
    int err = begin_round(run, round);
    for (size_t i = 0; i < trials && !err && !run->report->stop_signal; i++)
        err = run_trial(run, &run->plan->cells[order[i]], round);
    return err;
}

static int64_t repeats_max(const struct plan *plan) {
    int64_t share = (int64_t)(RUNNER_REPEATS_SHARE * (double)plan_trial_count(plan));
    return share > RUNNER_REPEATS_MIN ? share : RUNNER_REPEATS_MIN;
}

/* From the first round that is not done to the end. */
static int run_rounds(struct run *run, size_t *order) {
    run->stop_fd = stop_open();
    if (run->stop_fd < 0)
        return message_fail(run->message, run->stop_fd, "signals cannot be waited for: %s",
                            strerror(-run->stop_fd));
    int err = 0;
    for (int64_t round = 1; round <= run->plan->rounds && !err && !run->report->stop_signal;
         round++)
        err = run_round(run, round, order);
    close(run->stop_fd);
    return err;
}

int runner_run(const struct plan *plan, const char *name, const struct past *past,
               struct progress *progress, const struct runner_sink *sink,
               struct runner_report *report, struct message *message) {
    *report = (struct runner_report){0};
    struct run run = {.plan = plan,
                      .name = name,
                      .progress = progress,
                      .sink = sink,
                      .repeats_max = repeats_max(plan),
                      .attempts = calloc((size_t)plan->rounds, plan->cell_count),
                      .report = report,
                      .message = message};
    size_t *order = malloc(plan->cell_count * sizeof *order);
    int err = run.attempts && order ? 0 : message_fail(message, -ENOMEM, "out of memory");
    if (!err && past)
        replay(&run, past);
    if (!err)
        err = run_rounds(&run, order);
    free(order);
    free(run.attempts);
    return err;
}
