/* The runner, end to end, with a scripted model and a scripted workload in place of the real ones:
   this program links tables of its own, and is its own trial process, since the runner starts
   /proc/self/exe. */
#include "clock.h"
#include "harness/commands.h"
#include "harness/row.h"
#include "harness/runner.h"
#include "harness/tables.h"
#include "measure/kernel_text.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS (20 * NS_PER_MS)

/* A model that runs each task to its end when it is spawned. */

static int serial_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    (void)name;
    *out = NULL;
    return function(arg);
}

static int serial_sleep_until(int64_t time_ns) {
    struct timespec due = clock_timespec(time_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL))
        continue;
    return 0;
}

static int serial_yield(void) {
    return 0;
}

static const struct task_calls serial_calls = {
    .spawn = serial_spawn, .sleep_until = serial_sleep_until, .yield = serial_yield};

static int64_t serial_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    (void)tasks;
    return 1;
}

static int serial_run(const struct model_options *options, task_function *main_function, void *arg,
                      int *result) {
    (void)options;
    *result = main_function(arg);
    return 0;
}

static void serial_report(struct model_report *report) {
    *report =
        (struct model_report){.stack_bytes = 4096, .stack_used_peak_bytes = -1, .idle_ns = -1};
}

static const struct parameter serial_parameters[] = {{0}};

static const struct model model_serial = {
    .name = "serial",
    .summary = "one after the other",
    .parameters = serial_parameters,
    .calls = &serial_calls,
    .in_flight_max = serial_in_flight_max,
    .run = serial_run,
    .report = serial_report,
};

/* A workload of two operations that does what its parameter says. */

enum script {
    SCRIPT_WELL,
    SCRIPT_WRONG,
    SCRIPT_SHORT,
    SCRIPT_CRASH,
    SCRIPT_HANG,
    SCRIPT_LIMITED,
    SCRIPT_ERROR,
    SCRIPT_EXIT,
    SCRIPT_UNPREPARED,
    SCRIPT_STATUS,
};

struct script_params {
    struct workload_params common;
    int64_t script;
};

struct script_state {
    const struct script_params *params;
    struct recorder *recorder;
};

static uint64_t script_operations(const void *params) {
    (void)params;
    return 2;
}

static int64_t script_wait_ns(const void *params, uint64_t operation) {
    (void)params;
    (void)operation;
    return WAIT_NS;
}

static bool script_is_right(const void *params, uint64_t operation, uint64_t value) {
    (void)params;
    return value == operation;
}

static int64_t script_ideal_ns(const void *params) {
    (void)params;
    return WAIT_NS;
}

static int script_prepare(const struct workload_input *input, void **state,
                          char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct script_params *params = input->params;
    if (params->script == SCRIPT_UNPREPARED) {
        strcpy(message, "it is not to be");
        return -EHOSTUNREACH;
    }
    struct script_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct script_state){.params = params, .recorder = input->recorder};
    *state = s;
    return 0;
}

/* As a leak checker does. */
static void leave_with_status_4(void) {
    _exit(4);
}

/* The second operation, where the script has its effect. */
static int64_t act(int64_t script, uint64_t *value, int *error) {
    switch (script) {
    case SCRIPT_WRONG:
        *value = 77;
        return WAIT_NS;
    case SCRIPT_SHORT:
        return WAIT_NS / 2;
    case SCRIPT_CRASH:
        signal(SIGSEGV, SIG_DFL); /* past a sanitizer, which would print and exit */
        raise(SIGSEGV);
        return 0;
    case SCRIPT_HANG:
        return 3600 * NS_PER_S;
    case SCRIPT_ERROR:
        *error = -ECONNRESET;
        return 0;
    case SCRIPT_EXIT:
        _exit(3);
    case SCRIPT_STATUS:
        atexit(leave_with_status_4);
        return WAIT_NS;
    default:
        return WAIT_NS;
    }
}

static int script_main(void *state) {
    const struct script_state *s = state;
    int64_t script = s->params->script;
    recorder_task_begin(s->recorder);
    operation_begin(s->recorder, 0);
    task_sleep(WAIT_NS);
    operation_end(s->recorder, 0, 0, 0);
    if (script == SCRIPT_LIMITED) {
        recorder_all_spawned(s->recorder, 1, -EAGAIN);
        return -EAGAIN;
    }
    recorder_all_spawned(s->recorder, 2, 0);
    uint64_t value = 1;
    int error = 0;
    operation_begin(s->recorder, 1);
    task_sleep(act(script, &value, &error));
    operation_end(s->recorder, 1, error, value);
    recorder_task_end(s->recorder);
    return 0;
}

static const struct parameter script_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("2"),
    {"script", PARAMETER_COUNT, offsetof(struct script_params, script), "0", 0, 100, "COUNT",
     "what goes wrong"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

static const struct workload workload_script = {
    .name = "script",
    .summary = "does what it is told",
    .operation = "one wait",
    .parameters = script_parameters,
    .params_bytes = sizeof(struct script_params),
    .operations = script_operations,
    .wait_ns = script_wait_ns,
    .is_right = script_is_right,
    .ideal_ns = script_ideal_ns,
    .prepare = script_prepare,
    .main = script_main,
    .destroy = free,
};

const struct model *const models[] = {&model_serial, NULL};
/* The same, its two waits being the ticks of one victim, so that a control ticker runs beside it.
 */

static void ticks_shape(const void *params, struct workload_blocking *out) {
    (void)params;
    *out = (struct workload_blocking){
        .victims = 1, .ticks = 2, .tick_ns = NS_PER_MS, .quiet_ns = 3600 * NS_PER_S};
}

static int64_t ticks_due_ns(const void *state, uint64_t operation) {
    (void)state;
    return (int64_t)operation * WAIT_NS;
}

static int ticks_main(void *state) {
    const struct script_state *s = state;
    recorder_start(s->recorder, 0);
    return script_main(state);
}

static const struct workload workload_ticks = {
    .name = "ticks",
    .summary = "does what it is told",
    .operation = "one wait",
    .parameters = script_parameters,
    .params_bytes = sizeof(struct script_params),
    .blocking = ticks_shape,
    .due_ns = ticks_due_ns,
    .operations = script_operations,
    .wait_ns = script_wait_ns,
    .is_right = script_is_right,
    .ideal_ns = script_ideal_ns,
    .prepare = script_prepare,
    .main = ticks_main,
    .destroy = free,
};

const struct workload *const workloads[] = {&workload_script, &workload_ticks, NULL};

/* Running plans of scripts. */

static void add_cell(struct plan *plan, const struct workload *workload, enum script script) {
    char text[16];
    snprintf(text, sizeof text, "%d", script);
    struct setting setting = {.name = "script", .text = text};
    struct cell_options options = {0};
    struct message message = {""};
    if (plan_add(plan, workload, &model_serial, &setting, 1, &options, &message) != 0)
        fail_msg("%s", message.text);
}

static void add_script(struct plan *plan, enum script script) {
    add_cell(plan, &workload_script, script);
}

static int keep_row(void *rows, const struct cell *cell, const json_t *row,
                    struct message *message) {
    (void)cell;
    (void)message;
    return json_array_append_new(rows, json_deep_copy(row));
}

static json_t *run_plan_into(const struct plan *plan, runner_row_function *sink_row,
                             struct runner_report *report) {
    struct progress *progress;
    struct message message = {""};
    json_t *rows = json_array();
    FILE *nowhere = fopen("/dev/null", "we");
    assert_non_null(nowhere);
    assert_int_equal(progress_create(&progress, plan, nowhere), 0);
    struct runner_sink sink = {.row = sink_row, .context = rows};
    int err = runner_run(plan, "test", NULL, progress, &sink, report, &message);
    progress_destroy(progress);
    fclose(nowhere);
    if (err)
        fail_msg("%s", message.text);
    return rows;
}

static json_t *run_plan(const struct plan *plan, struct runner_report *report) {
    return run_plan_into(plan, keep_row, report);
}

/* The row of one trial of one script; the caller frees it. */
static json_t *run_script(enum script script, struct runner_report *report) {
    struct plan plan;
    assert_int_equal(plan_create(&plan, "test"), 0);
    plan.timeout_ns = 500 * NS_PER_MS;
    add_script(&plan, script);
    json_t *rows = run_plan(&plan, report);
    assert_int_equal(json_array_size(rows), 1);
    json_t *row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    plan_destroy(&plan);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
    return row;
}

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "(null)";
}

static int64_t integer_of(const json_t *row, const char *key) {
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void a_trial_that_goes_well_is_ok_and_measured(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_WELL, &report);
    assert_string_equal(text_of(row, "status"), "ok");
    assert_true(json_is_null(json_object_get(row, "reason")));
    assert_true(json_is_true(json_object_get(row, "verified")));
    assert_string_equal(text_of(row, "spec"), "script:tasks=2,script=0,seed=1");
    assert_int_equal(integer_of(row, "operations"), 2);
    assert_int_equal(integer_of(row, "ideal_ns"), WAIT_NS);
    assert_true(integer_of(row, "wall_ns") >= 2 * WAIT_NS);
    assert_int_equal(integer_of(row, "wall_ns"), integer_of(row, "spawn_ns") +
                                                     integer_of(row, "run_ns") +
                                                     integer_of(row, "join_ns"));
    assert_true(integer_of(row, "run_ns") >= WAIT_NS);
    const json_t *memory = json_object_get(row, "memory");
    assert_true(integer_of(memory, "rss_base_bytes") > 0);
    assert_true(integer_of(memory, "rss_plateau_bytes") >= integer_of(memory, "rss_base_bytes"));
    const json_t *stack = json_object_get(row, "stack");
    assert_int_equal(integer_of(stack, "size_bytes"), 4096);
    assert_true(json_is_null(json_object_get(stack, "used_peak_bytes")));
    assert_true(integer_of(json_object_get(row, "process"), "wall_ns") >
                integer_of(row, "wall_ns"));
    assert_int_equal(report.trials, 1);
    assert_int_equal(report.bad, 0);
    json_decref(row);
}

static void a_wrong_value_makes_a_wrong_row(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_WRONG, &report);
    assert_string_equal(text_of(row, "status"), "wrong");
    assert_string_equal(text_of(row, "reason"),
                        "script: operation 1: its value 77 is not what the oracle computes");
    assert_true(json_is_false(json_object_get(row, "verified")));
    assert_int_equal(report.bad, 1);
    json_decref(row);
}

static void a_wait_cut_short_makes_a_wrong_row(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_SHORT, &report);
    assert_string_equal(text_of(row, "status"), "wrong");
    json_decref(row);
}

static void a_signal_makes_a_crashed_row_that_names_it(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_CRASH, &report);
    assert_string_equal(text_of(row, "status"), "crashed");
    assert_string_equal(text_of(row, "reason"), "the trial was ended by SIGSEGV");
    assert_true(json_is_null(json_object_get(row, "wall_ns")));
    assert_true(json_is_null(json_object_get(row, "operations")));
    assert_true(integer_of(json_object_get(row, "process"), "wall_ns") > 0);
    assert_int_equal(report.bad, 1);
    json_decref(row);
}

static void an_exit_without_a_result_makes_a_crashed_row(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_EXIT, &report);
    assert_string_equal(text_of(row, "status"), "crashed");
    assert_string_equal(text_of(row, "reason"),
                        "the trial ended with status 3 and without a result");
    json_decref(row);
}

static void a_status_that_is_not_0_makes_a_crashed_row_for_all_its_result(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_STATUS, &report);
    assert_string_equal(text_of(row, "status"), "crashed");
    assert_string_equal(text_of(row, "reason"), "the trial ended with status 4 after a result");
    assert_true(json_is_null(json_object_get(row, "wall_ns")));
    json_decref(row);
}

static void a_hang_is_killed_at_the_time_limit(void **state) {
    (void)state;
    struct runner_report report;
    int64_t begin_ns = clock_now_ns();
    json_t *row = run_script(SCRIPT_HANG, &report);
    int64_t took_ns = clock_now_ns() - begin_ns;
    assert_string_equal(text_of(row, "status"), "timeout");
    assert_in_range(took_ns, 500 * NS_PER_MS, 5 * NS_PER_S);
    assert_int_equal(report.bad, 1);
    json_decref(row);
}

static void a_spawn_that_the_machine_refuses_is_limited_and_no_failure(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_LIMITED, &report);
    assert_string_equal(text_of(row, "status"), "limited");
    assert_int_equal(integer_of(row, "operations"), 1);
    const json_t *limit = json_object_get(row, "limit");
    assert_int_equal(integer_of(limit, "reached"), 1);
    assert_true(integer_of(limit, "value") > 1);
    assert_int_equal(report.bad, 0);
    json_decref(row);
}

static void an_error_is_counted_by_its_name(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_ERROR, &report);
    assert_string_equal(text_of(row, "status"), "failed");
    assert_int_equal(integer_of(json_object_get(row, "errors"), "ECONNRESET"), 1);
    assert_int_equal(integer_of(row, "operations"), 1);
    json_decref(row);
}

static void a_trial_that_cannot_be_prepared_fails_with_the_reason(void **state) {
    (void)state;
    struct runner_report report;
    json_t *row = run_script(SCRIPT_UNPREPARED, &report);
    assert_string_equal(text_of(row, "status"), "failed");
    assert_string_equal(text_of(row, "reason"), "script: it is not to be");
    assert_true(json_is_null(json_object_get(row, "wall_ns")));
    json_decref(row);
}

/* Leaves room for the progress and the signals of the run, and none for a trial's socket. */
static void a_trial_that_a_limit_keeps_from_starting_is_limited_and_names_it(void **state) {
    (void)state;
    struct rlimit usual;
    struct runner_report report;
    int next_fd = dup(STDERR_FILENO);
    assert_int_equal(close(next_fd), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    const struct rlimit tight = {.rlim_cur = (rlim_t)next_fd + 2, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    json_t *row = run_script(SCRIPT_WELL, &report);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_string_equal(text_of(row, "status"), "limited");
    assert_string_equal(text_of(row, "reason"),
                        "the trial could not be started: Too many open files");
    assert_string_equal(text_of(json_object_get(row, "limit"), "name"), "RLIMIT_NOFILE");
    assert_int_equal(report.bad, 0);
    json_decref(row);
}

static void the_run_goes_on_after_a_crash_round_by_round(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    assert_int_equal(plan_create(&plan, "test"), 0);
    plan.rounds = 2;
    add_script(&plan, SCRIPT_CRASH);
    add_script(&plan, SCRIPT_WELL);
    json_t *rows = run_plan(&plan, &report);
    assert_int_equal(report.trials, 4);
    assert_int_equal(report.bad, 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(integer_of(json_array_get(rows, i), "round"), i / 2 + 1);
    json_decref(rows);
    plan_destroy(&plan);
}

static void every_row_has_the_same_keys_in_the_same_order(void **state) {
    (void)state;
    struct runner_report report;
    json_t *well = run_script(SCRIPT_WELL, &report);
    json_t *crashed = run_script(SCRIPT_CRASH, &report);
    void *left = json_object_iter(well), *right = json_object_iter(crashed);
    while (left && right) {
        assert_string_equal(json_object_iter_key(left), json_object_iter_key(right));
        left = json_object_iter_next(well, left);
        right = json_object_iter_next(crashed, right);
    }
    assert_true(!left && !right);
    json_decref(well);
    json_decref(crashed);
}

static void kernel_memory_that_could_not_be_read_is_null(void **state) {
    (void)state;
    struct plan plan;
    assert_int_equal(plan_create(&plan, "test"), 0);
    add_script(&plan, SCRIPT_WELL);
    struct trial_outcome outcome = {
        .result = json_object(),
        .base = {1, {1000, 1000, 100}, {KERNEL_MEMORY_MEMINFO, -1, 50}},
        .plateau = {2, {3000, 3000, 400}, {KERNEL_MEMORY_MEMINFO, -1, 70}},
    };
    json_t *row = row_create("test", 1, 1, &plan.cells[0], &outcome);
    const json_t *memory = json_object_get(row, "memory");
    assert_int_equal(integer_of(memory, "page_tables_bytes"), 300);
    assert_true(json_is_null(json_object_get(memory, "kernel_stack_bytes")));
    assert_int_equal(integer_of(memory, "slab_bytes"), 20);
    assert_true(json_is_null(json_object_get(memory, "whole_plateau_bytes")));
    json_decref(row);
    trial_outcome_destroy(&outcome);
    plan_destroy(&plan);
}

static int stop_after_row(void *rows, const struct cell *cell, const json_t *row,
                          struct message *message) {
    kill(getpid(), SIGTERM); /* blocked by now: the runner looks for it */
    return keep_row(rows, cell, row, message);
}

static void a_signal_stops_the_run_keeps_its_rows_and_leaves_no_child(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    assert_int_equal(plan_create(&plan, "test"), 0);
    plan.rounds = 3;
    add_script(&plan, SCRIPT_WELL);
    json_t *rows = run_plan_into(&plan, stop_after_row, &report);
    assert_int_equal(report.stop_signal, SIGTERM);
    assert_int_equal(json_array_size(rows), 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    json_decref(rows);
    plan_destroy(&plan);
}

/* Names a file of digits: how many seconds late the scripted tickers tell to have been, one digit
   each, the last one for all further ones. */
#define TICKER_SCRIPT "TVA_TEST_TICKER"

/* Runs the cells of a plan with tickers as scripted. */
static json_t *run_with_tickers(const struct plan *plan, const char *script,
                                struct runner_report *report) {
    char path[] = "/tmp/tva-test-runner-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), strlen(script));
    close(fd);
    setenv(TICKER_SCRIPT, path, 1);
    json_t *rows = run_plan(plan, report);
    unlink(path);
    return rows;
}

static void plan_ticks(struct plan *plan, enum script script) {
    assert_int_equal(plan_create(plan, "test"), 0);
    add_cell(plan, &workload_ticks, script);
}

static const char *only_reason(const json_t *row) {
    const json_t *reasons = json_object_get(row, "disturbed");
    assert_int_equal(json_array_size(reasons), 1);
    return json_string_value(json_array_get(reasons, 0));
}

static void a_trial_whose_control_was_late_is_marked_and_repeated_until_it_was_not(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    plan_ticks(&plan, SCRIPT_WELL);
    json_t *rows = run_with_tickers(&plan, "90", &report);
    assert_int_equal(json_array_size(rows), 2);
    json_t *first = json_array_get(rows, 0), *second = json_array_get(rows, 1);
    assert_int_equal(integer_of(first, "attempt"), 1);
    assert_int_equal(integer_of(second, "attempt"), 2);
    assert_int_equal(integer_of(second, "round"), 1);
    assert_string_equal(only_reason(first), "control");
    assert_int_equal(json_array_size(json_object_get(second, "disturbed")), 0);
    const json_t *control =
        json_object_get(json_object_get(first, "blocking"), "control_lateness_ns");
    assert_int_equal(integer_of(control, "max"), 9 * NS_PER_S);
    assert_int_equal(report.trials, 1);
    assert_int_equal(report.repeated, 1);
    assert_int_equal(report.left_disturbed, 0);
    json_decref(rows);
    plan_destroy(&plan);
}

static void a_trial_is_repeated_no_oftener_than_the_plan_says(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    plan_ticks(&plan, SCRIPT_WELL);
    json_t *rows = run_with_tickers(&plan, "9", &report);
    assert_int_equal(json_array_size(rows), 1 + PLAN_REPEATS_DEFAULT);
    assert_int_equal(report.left_disturbed, 1);
    json_decref(rows);
    plan.repeats = 0;
    rows = run_with_tickers(&plan, "9", &report);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(only_reason(json_array_get(rows, 0)), "control");
    json_decref(rows);
    plan_destroy(&plan);
}

static void a_machine_that_is_never_quiet_makes_a_run_a_quarter_longer_at_most(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    plan_ticks(&plan, SCRIPT_WELL);
    plan.rounds = 44;
    json_t *rows = run_with_tickers(&plan, "9", &report);
    assert_int_equal(json_array_size(rows), 44 + 11);
    assert_int_equal(report.trials, 44);
    assert_int_equal(report.repeated, 11);
    json_decref(rows);
    plan_destroy(&plan);
}

static void a_disturbed_failure_is_not_repeated(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    plan_ticks(&plan, SCRIPT_WRONG);
    json_t *rows = run_with_tickers(&plan, "9", &report);
    assert_int_equal(json_array_size(rows), 1);
    assert_int_equal(report.bad, 1);
    json_decref(rows);
    plan_destroy(&plan);
}

static void a_workload_without_blocking_has_no_ticker(void **state) {
    (void)state;
    struct plan plan;
    struct runner_report report;
    assert_int_equal(plan_create(&plan, "test"), 0);
    add_script(&plan, SCRIPT_WELL);
    json_t *rows = run_with_tickers(&plan, "9", &report);
    assert_int_equal(json_array_size(rows), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(rows, 0), "disturbed")), 0);
    json_decref(rows);
    plan_destroy(&plan);
}

struct seen_rounds {
    int64_t rounds;
    int64_t rows;
};

static int see_row(void *seen, const struct cell *cell, const json_t *row,
                   struct message *message) {
    (void)cell, (void)row, (void)message;
    ((struct seen_rounds *)seen)->rows++;
    return 0;
}

static int see_round(void *context, int64_t round, int64_t control_spin_ns,
                     struct message *message) {
    (void)message;
    struct seen_rounds *seen = context;
    assert_int_equal(seen->rounds, seen->rows); /* each round has one trial */
    assert_int_equal(round, ++seen->rounds);
    assert_true(control_spin_ns > NS_PER_MS);
    return 0;
}

static void a_control_spin_is_told_before_the_trials_of_each_round(void **state) {
    (void)state;
    struct plan plan;
    struct progress *progress;
    struct runner_report report;
    struct message message;
    struct seen_rounds seen = {0};
    struct runner_sink sink = {see_row, see_round, &seen};
    assert_int_equal(plan_create(&plan, "test"), 0);
    plan.rounds = 2;
    add_script(&plan, SCRIPT_WELL);
    FILE *nowhere = fopen("/dev/null", "we");
    assert_int_equal(progress_create(&progress, &plan, nowhere), 0);
    assert_int_equal(runner_run(&plan, "test", NULL, progress, &sink, &report, &message), 0);
    assert_int_equal(seen.rounds, 2);
    assert_int_equal(seen.rows, 2);
    progress_destroy(progress);
    fclose(nowhere);
    plan_destroy(&plan);
}

/* The next digit of the script, which is removed from it unless it is the last. */
static int take_digit(void) {
    char digits[16] = "";
    FILE *file = fopen(getenv(TICKER_SCRIPT), "r+e");
    if (!file || !fgets(digits, sizeof digits, file))
        return 0;
    rewind(file);
    if (digits[1] &&
        (fputs(digits + 1, file) < 0 || ftruncate(fileno(file), (off_t)strlen(digits) - 1) < 0))
        return 0;
    fclose(file);
    return digits[0] - '0';
}

static int be_ticker(void) {
    sigset_t end;
    int received, late_s = take_digit();
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    printf("{\"tick_ns\":1000000,\"cores\":1,\"priority\":\"realtime\"}\n");
    fflush(stdout);
    sigwait(&end, &received);
    printf("{\"count\":1,\"max\":%lld}\n", (long long)(late_s * NS_PER_S));
    return 0;
}

/* As main.c: this program is `tva trial` to its own runner. */
static int be_trial(int argc, char **argv) {
    struct message message = {""};
    struct options options;
    int status = options_parse(&options, argc, argv, &message);
    if (status == 0)
        status = commands_run(&options, &message);
    if (message.text[0])
        fprintf(stderr, "%s\n", message.text);
    return status;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "trial") == 0)
        return be_trial(argc, argv);
    if (argc > 1 && strcmp(argv[1], "ticker") == 0)
        return be_ticker();
    kernel_text_set_root("/nowhere"); /* what the machine does meanwhile disturbs no test */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_that_goes_well_is_ok_and_measured),
        cmocka_unit_test(a_wrong_value_makes_a_wrong_row),
        cmocka_unit_test(a_wait_cut_short_makes_a_wrong_row),
        cmocka_unit_test(a_signal_makes_a_crashed_row_that_names_it),
        cmocka_unit_test(an_exit_without_a_result_makes_a_crashed_row),
        cmocka_unit_test(a_status_that_is_not_0_makes_a_crashed_row_for_all_its_result),
        cmocka_unit_test(kernel_memory_that_could_not_be_read_is_null),
        cmocka_unit_test(a_hang_is_killed_at_the_time_limit),
        cmocka_unit_test(a_spawn_that_the_machine_refuses_is_limited_and_no_failure),
        cmocka_unit_test(an_error_is_counted_by_its_name),
        cmocka_unit_test(a_trial_that_cannot_be_prepared_fails_with_the_reason),
        cmocka_unit_test(a_trial_that_a_limit_keeps_from_starting_is_limited_and_names_it),
        cmocka_unit_test(the_run_goes_on_after_a_crash_round_by_round),
        cmocka_unit_test(every_row_has_the_same_keys_in_the_same_order),
        cmocka_unit_test(a_signal_stops_the_run_keeps_its_rows_and_leaves_no_child),
        cmocka_unit_test(a_trial_whose_control_was_late_is_marked_and_repeated_until_it_was_not),
        cmocka_unit_test(a_trial_is_repeated_no_oftener_than_the_plan_says),
        cmocka_unit_test(a_machine_that_is_never_quiet_makes_a_run_a_quarter_longer_at_most),
        cmocka_unit_test(a_disturbed_failure_is_not_repeated),
        cmocka_unit_test(a_workload_without_blocking_has_no_ticker),
        cmocka_unit_test(a_control_spin_is_told_before_the_trials_of_each_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
