#include "harness/commands.h"

#include "harness/environment.h"
#include "harness/list.h"
#include "harness/results.h"
#include "harness/runner.h"
#include "harness/table.h"
#include "origin/origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As `tva --help` tells it. `err` is what the runner returned. */
static int exit_status(int err, const struct runner_report *report) {
    if (report->stop_signal)
        return 128 + report->stop_signal;
    return err || report->bad > 0 ? 1 : 0;
}

static int run_list(const struct options *options, struct message *message) {
    (void)message;
    list_print(stdout, options->is_json);
    return 0;
}

static int print_row(void *context, const struct cell *cell, const json_t *row,
                     struct message *message) {
    (void)context;
    (void)cell;
    if (json_dumpf(row, stdout, JSON_COMPACT) < 0 || fputc('\n', stdout) < 0 || fflush(stdout))
        return message_fail(message, -EIO, "a row cannot be printed: %s", strerror(errno));
    return 0;
}

static int keep_row(void *rows, const struct cell *cell, const json_t *row,
                    struct message *message) {
    (void)cell;
    if (json_array_append(rows, (json_t *)row) < 0)
        return message_fail(message, -ENOMEM, "out of memory");
    return 0;
}

static int run_plan(const struct plan *plan, const char *name, runner_sink *sink, void *context,
                    struct runner_report *report, struct message *message) {
    struct progress *progress;
    int err = progress_create(&progress, plan, stderr);
    if (err)
        return message_fail(message, err, "out of memory");
    err = runner_run(plan, name, progress, sink, context, report, message);
    progress_destroy(progress);
    return err;
}

static int run_run(const struct options *options, struct message *message) {
    struct runner_report report = {0};
    json_t *rows = json_array();
    int err = run_plan(&options->plan, "run", options->is_json ? print_row : keep_row, rows,
                       &report, message);
    if (!options->is_json)
        table_print(stdout, &options->plan, rows);
    json_decref(rows);
    return exit_status(err, &report);
}

static int append_row(void *results, const struct cell *cell, const json_t *row,
                      struct message *message) {
    (void)cell;
    return results_append(results, row, message);
}

/* A bench whose folder is there. */
static int run_into(struct results *results, const struct plan *plan, struct message *message) {
    json_t *environment = environment_json();
    int err = results_write_environment(results, environment, message);
    struct runner_report report = {0};
    if (!err)
        err = run_plan(plan, results_name(results), append_row, results, &report, message);
    if (!err) {
        environment_finish(environment);
        err = results_write_environment(results, environment, message);
    }
    json_decref(environment);
    fprintf(stderr, "%lld of %lld trials done, %lld of them failed or wrong%s\n",
            (long long)report.trials, (long long)plan_trial_count(plan), (long long)report.bad,
            report.stop_signal ? "; stopped, what was measured is kept" : "");
    printf("%s\n", results->path);
    return exit_status(err, &report);
}

static int run_bench(const struct options *options, struct message *message) {
    struct results results;
    int err = results_create(&results, options->out, &options->plan, message);
    if (err)
        return err;
    int status = run_into(&results, &options->plan, message);
    results_close(&results);
    return status;
}

static int run_origin(const struct options *options, struct message *message) {
    struct origin_options origin = {.listen = options->listen, .output = stdout};
    char what[ORIGIN_MESSAGE_BYTES] = "";
    int err = origin_run(&origin, what);
    return err ? message_fail(message, err, "%s", what) : 0;
}

static int run_trial(const struct options *options, struct message *message) {
    return trial_run(&options->trial, message);
}

int commands_run(const struct options *options, struct message *message) {
    static int (*const runs[])(const struct options *options, struct message *message) = {
        [COMMAND_LIST] = run_list,     [COMMAND_RUN] = run_run,     [COMMAND_BENCH] = run_bench,
        [COMMAND_ORIGIN] = run_origin, [COMMAND_TRIAL] = run_trial,
    };
    return runs[options->command](options, message);
}
