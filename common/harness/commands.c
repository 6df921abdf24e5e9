#include "harness/commands.h"

#include "harness/clients.h"
#include "harness/cpus.h"
#include "harness/doctor.h"
#include "harness/environment.h"
#include "harness/list.h"
#include "harness/results.h"
#include "harness/resume.h"
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

/* A further attempt takes the place of the one before it, which was disturbed. */
static int keep_row(void *rows, const struct cell *cell, const json_t *row,
                    struct message *message) {
    (void)cell;
    if (json_integer_value(json_object_get(row, "attempt")) > 1)
        json_array_remove(rows, json_array_size(rows) - 1);
    if (json_array_append(rows, (json_t *)row) < 0)
        return message_fail(message, -ENOMEM, "out of memory");
    return 0;
}

static int run_plan(const struct plan *plan, const char *name, const struct past *past,
                    const struct runner_sink *sink, struct runner_report *report,
                    struct message *message) {
    struct progress *progress;
    int err = progress_create(&progress, plan, stderr);
    if (err)
        return message_fail(message, err, "out of memory");
    err = runner_run(plan, name, past, progress, sink, report, message);
    progress_destroy(progress);
    return err;
}

static int run_run(const struct options *options, struct message *message) {
    struct runner_report report = {0};
    json_t *rows = json_array();
    struct runner_sink sink = {.row = options->is_json ? print_row : keep_row, .context = rows};
    int err = run_plan(&options->plan, "run", NULL, &sink, &report, message);
    if (!options->is_json)
        table_print(stdout, &options->plan, rows);
    json_decref(rows);
    return exit_status(err, &report);
}

/* A bench, whose folder is there. */
struct bench {
    struct results *results;
    json_t *environment;
    bool is_begun; /* this part of it */
};

static int append_row(void *context, const struct cell *cell, const json_t *row,
                      struct message *message) {
    (void)cell;
    const struct bench *bench = context;
    return results_append(bench->results, row, message);
}

/* The environment comes with the first round, so that a run of which nothing is missing stays as it
   is. */
static int append_round(void *context, int64_t round, int64_t control_spin_ns,
                        struct message *message) {
    struct bench *bench = context;
    int err = 0;
    if (!bench->is_begun)
        err = results_write_environment(bench->results, bench->environment, message);
    bench->is_begun = true;
    return err ? err : results_append_round(bench->results, round, control_spin_ns, message);
}

static void print_summary(const char *path, const struct plan *plan,
                          const struct runner_report *report) {
    fprintf(stderr, "%lld of %lld trials done, %lld of them failed or wrong",
            (long long)report->trials, (long long)plan_trial_count(plan), (long long)report->bad);
    if (report->repeated > 0)
        fprintf(stderr, "; %lld repeated, since disturbed", (long long)report->repeated);
    if (report->left_disturbed > 0)
        fprintf(stderr, "; %lld left disturbed", (long long)report->left_disturbed);
    if (report->stop_signal)
        fprintf(stderr, "; stopped, what was measured is kept: --resume=%s goes on", path);
    fputc('\n', stderr);
}

/* Runs what `past` leaves of a plan; NULL: all. */
static int run_into(struct results *results, const struct plan *plan, const struct past *past,
                    json_t *environment, struct message *message) {
    struct bench bench = {.results = results, .environment = environment};
    struct runner_report report = {0};
    struct runner_sink sink = {append_row, append_round, &bench};
    int err = run_plan(plan, results_name(results), past, &sink, &report, message);
    if (!err && bench.is_begun) {
        environment_finish(environment);
        err = results_write_environment(results, environment, message);
    }
    print_summary(results->path, plan, &report);
    printf("%s\n", results->path);
    return exit_status(err, &report);
}

static int begin_bench(const struct options *options, struct message *message) {
    struct results results;
    int err = results_create(&results, options->out, &options->plan, message);
    if (err)
        return err;
    json_t *environment = environment_json();
    int status = run_into(&results, &options->plan, NULL, environment, message);
    json_decref(environment);
    results_close(&results);
    return status;
}

static int resume_bench(const struct options *options, struct message *message) {
    struct resume resume;
    int err =
        resume_open(&resume, options->resume, options->plan.name ? &options->plan : NULL, message);
    if (err)
        return err;
    int status = run_into(&resume.results, &resume.plan, &resume.past, resume.environment, message);
    resume_close(&resume);
    return status;
}

static int run_bench(const struct options *options, struct message *message) {
    return options->resume ? resume_bench(options, message) : begin_bench(options, message);
}

static int run_doctor(const struct options *options, struct message *message) {
    int err = doctor_run(stdout, options->is_json);
    return err ? message_fail(message, err, "out of memory") : 0;
}

static int run_origin(const struct options *options, struct message *message) {
    struct origin_options origin = {.listen = options->listen, .output = stdout};
    char what[ORIGIN_MESSAGE_BYTES] = "";
    int err = cpus_pin(options->cpus, message);
    if (err)
        return err;
    err = origin_run(&origin, what);
    return err ? message_fail(message, err, "%s", what) : 0;
}

static int run_ticker(const struct options *options, struct message *message) {
    return ticker_run(&options->ticker, message);
}

static int run_clients(const struct options *options, struct message *message) {
    int err = cpus_pin(options->cpus, message);
    return err ? err : clients_run(stdout, message);
}

static int run_load(const struct options *options, struct message *message) {
    return load_run(&options->load, message);
}

static int run_trial(const struct options *options, struct message *message) {
    return trial_run(&options->trial, message);
}

int commands_run(const struct options *options, struct message *message) {
    static int (*const runs[])(const struct options *options, struct message *message) = {
        [COMMAND_LIST] = run_list,     [COMMAND_RUN] = run_run,         [COMMAND_BENCH] = run_bench,
        [COMMAND_DOCTOR] = run_doctor, [COMMAND_ORIGIN] = run_origin,   [COMMAND_TRIAL] = run_trial,
        [COMMAND_TICKER] = run_ticker, [COMMAND_CLIENTS] = run_clients, [COMMAND_LOAD] = run_load,
    };
    return runs[options->command](options, message);
}
