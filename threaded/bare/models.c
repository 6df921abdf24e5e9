#include "threaded/bare/models.h"

#include <sys/prctl.h>

#include "threaded/bare/crowd.h"

/* As the model threads has it. */
#define THREAD_STACK_BYTES (64 * 1024)

/* Timers are as precise as the models': new threads inherit the timer slack. */
static int run_bare(const struct model_options *options, task_function *main_function, void *arg,
                    int *result) {
    crowd_stack_bytes = options->stack_bytes ? options->stack_bytes : THREAD_STACK_BYTES;
    prctl(PR_SET_TIMERSLACK, 1UL);
    *result = main_function(arg);
    return 0;
}

static void report_stack(struct model_report *report) {
    report->stack_bytes = crowd_stack_bytes;
    report->stack_used_peak_bytes = -1;
}

static int64_t bare_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    return tasks;
}

static const struct parameter bare_parameters[] = {
    {"stack", PARAMETER_SIZE, offsetof(struct model_options, stack_bytes), "auto", 16 * 1024,
     INT64_C(1) << 30, "SIZE", "stack of each thread; auto: 64KiB"},
    {0},
};

static const struct bare_body *const bodies[] = {&bare_threads_sleep, &bare_threads_fetch,
                                                 &bare_threads_chain, NULL};

const struct model model_bare_threads = {
    .name = "bare-threads",
    .summary = "the floor under threads: pthreads by hand, without the common interface",
    .parameters = bare_parameters,
    .bare = bodies,
    .in_flight_max = bare_in_flight_max,
    .run = run_bare,
    .report = report_stack,
};
