#include "async/bare/models.h"

#include "async/bare/base.h"

static int run_bare(const struct model_options *options, task_function *main_function, void *arg,
                    int *result) {
    (void)options;
    *result = main_function(arg);
    return 0;
}

/* The one stack is the process's own. */
static void report_stack(struct model_report *report) {
    report->stack_bytes = -1;
    report->stack_used_peak_bytes = -1;
}

static int64_t bare_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    return tasks;
}

static const struct parameter bare_parameters[] = {{0}};

static const struct bare_body *const bodies[] = {&bare_callbacks_sleep, &bare_callbacks_fetch,
                                                 &bare_callbacks_chain, NULL};

const struct model model_bare_callbacks = {
    .name = "bare-callbacks",
    .summary = "the floor under async: libevent callbacks by hand, without the common interface",
    .parameters = bare_parameters,
    .bare = bodies,
    .in_flight_max = bare_in_flight_max,
    .run = run_bare,
    .report = report_stack,
};
