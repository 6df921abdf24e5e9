#include "threaded/models.h"

#include "threaded/pool.h"
#include "threaded/thread.h"

#include <sys/prctl.h>

/* Each thread's stack unless --stack says otherwise: what a workload needs with room for what libc
   may, yet small enough that the address space and the page tables allow for many. */
#define THREAD_STACK_BYTES (64 * 1024)

/* glibc keeps a thread's record and its thread-local data at the upper end of its stack, and the
   signal that cancels a wait is handled on it. */
#define THREAD_OWN_BYTES (8 * 1024)

static int64_t stack_bytes;

/* Precise timers, as libevent's are made for the other engine: the kernel may delay a thread's
   wake-up by its timer slack, 50 us unless told otherwise (0 stands for that). New threads inherit
   it. */
static struct model_options prepare_options(const struct model_options *options) {
    struct model_options prepared = *options;
    int64_t needed_bytes = options->task_stack_bytes + THREAD_OWN_BYTES;
    if (!prepared.stack_bytes)
        prepared.stack_bytes =
            needed_bytes > THREAD_STACK_BYTES ? needed_bytes : THREAD_STACK_BYTES;
    stack_bytes = prepared.stack_bytes;
    prctl(PR_SET_TIMERSLACK, options->coarse_timer ? 0UL : 1UL);
    return prepared;
}

static int run_threads(const struct model_options *options, task_function *main_function, void *arg,
                       int *result) {
    struct model_options prepared = prepare_options(options);
    return thread_run(&prepared, main_function, arg, result);
}

static int run_pool(const struct model_options *options, task_function *main_function, void *arg,
                    int *result) {
    struct model_options prepared = prepare_options(options);
    return pool_run(&prepared, main_function, arg, result);
}

/* How much of its stack a thread used is not told: the stacks are glibc's to reuse and to unmap,
   and to look before a thread ends would cost time that is then taken for the task's. */
static void report_stack(struct model_report *report) {
    report->stack_bytes = stack_bytes;
    report->stack_used_peak_bytes = -1;
    report->idle_ns = -1;
}

static int64_t threads_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    return tasks;
}

static int64_t pool_in_flight_max(const struct model_options *options, int64_t tasks) {
    return tasks < options->workers ? tasks : options->workers;
}

#define PARAMETER_STACK                                                                            \
    {                                                                                              \
        "stack", PARAMETER_SIZE, offsetof(struct model_options, stack_bytes), "auto", 16 * 1024,   \
            INT64_C(1) << 30, "SIZE",                                                              \
            "stack of each thread; auto: 64KiB, more where the workload needs it"                  \
    }

#define PARAMETER_COARSE_TIMER                                                                     \
    {                                                                                              \
        "coarse-timer", PARAMETER_FLAG, offsetof(struct model_options, coarse_timer), "no", 0, 1,  \
            "yes|no", "leave the kernel's usual timer slack of 50us, instead of 1 ns"              \
    }

static const struct parameter threads_parameters[] = {PARAMETER_STACK, PARAMETER_COARSE_TIMER, {0}};

static const struct parameter pool_parameters[] = {
    {"workers", PARAMETER_COUNT, offsetof(struct model_options, workers), "32", 1, 30000, "COUNT",
     "threads of the pool"},
    PARAMETER_STACK,
    PARAMETER_COARSE_TIMER,
    {0},
};

const struct model model_threads = {
    .name = "threads",
    .summary = "one pthread for each task",
    .parameters = threads_parameters,
    .calls = &thread_calls,
    .stack_own_bytes = THREAD_OWN_BYTES,
    .in_flight_max = threads_in_flight_max,
    .run = run_threads,
    .report = report_stack,
};

const struct model model_pool = {
    .name = "pool",
    .summary = "a fixed number of pthread workers over one queue of tasks",
    .parameters = pool_parameters,
    .calls = &pool_calls,
    .stack_own_bytes = THREAD_OWN_BYTES,
    .in_flight_max = pool_in_flight_max,
    .run = run_pool,
    .report = report_stack,
};
