#include "async/models.h"

#include "async/detector.h"
#include "async/helpers.h"
#include "async/loop.h"
#include "async/overflow.h"
#include "clock.h"

#include <errno.h>

/* Of the one task that the workload's size does not speak for: it runs libc's printf, for instance.
 */
#define MAIN_STACK_BYTES ((size_t)64 << 10)

/* A workload tells what its tasks need in an optimised build; others have larger frames. */
#if COROUTINE_ASAN || COROUTINE_TSAN
#define STACK_FACTOR 64
#elif !defined(__OPTIMIZE__)
#define STACK_FACTOR 4
#else
#define STACK_FACTOR 1
#endif

/* What report_run tells of; kept from the end of a run to its report. */
static struct stack_pool *task_stacks;
static int64_t idle_ns;

size_t async_main_stack_bytes(void) {
    return MAIN_STACK_BYTES * STACK_FACTOR;
}

size_t async_task_stack_bytes(const struct model_options *options) {
    if (options->stack_bytes)
        return (size_t)options->stack_bytes;
    return (size_t)options->task_stack_bytes * STACK_FACTOR;
}

static int run_loop(const struct model_options *options, struct stack_pool *main_stacks,
                    struct helpers *helpers, task_function *main_function, void *arg, int *result) {
    struct loop *l;
    struct task *main_task;
    struct loop_options loop_options = {.stacks = task_stacks,
                                        .helpers = helpers,
                                        .descriptor = helpers_descriptor(helpers),
                                        .on_told = async_offload_on_done,
                                        .has_coarse_timer = options->coarse_timer};
    int err = loop_create(&l, &loop_options);
    if (err)
        return err;
    if (options->detect_blocking_ns)
        err = detector_create(&l->detector, l, options->detect_blocking_ns);
    if (!err)
        err = async_task_create(&main_task, l, main_stacks, "main", main_function, arg);
    if (!err)
        err = loop_run(l, main_task);
    if (!err)
        *result = async_result(main_task);
    idle_ns = l->idle_ns;
    loop_free_unowned(l);
    loop_destroy(l);
    return err;
}

static int run_watched(const struct model_options *options, struct stack_pool *main_stacks,
                       task_function *main_function, void *arg, int *result) {
    struct helpers *helpers;
    int err = helpers_create(&helpers, (size_t)options->helpers);
    if (err)
        return err;
    err = overflow_watch(&task_stacks, 1);
    if (!err) {
        err = run_loop(options, main_stacks, helpers, main_function, arg, result);
        overflow_unwatch();
    }
    helpers_destroy(helpers);
    return err;
}

static int run_async(const struct model_options *options, task_function *main_function, void *arg,
                     int *result) {
    struct stack_pool *main_stacks = NULL;
    struct stack_pool_options tasks = {.bytes = async_task_stack_bytes(options),
                                       .record_bytes = sizeof(struct task),
                                       .has_small_pages = options->small_pages};
    struct stack_pool_options mains = {.bytes = async_main_stack_bytes(),
                                       .record_bytes = sizeof(struct task)};
    int err = stack_pool_create(&task_stacks, &tasks);
    if (!err)
        err = stack_pool_create(&main_stacks, &mains);
    if (!err)
        err = run_watched(options, main_stacks, main_function, arg, result);
    stack_pool_destroy(main_stacks);
    if (err) {
        stack_pool_destroy(task_stacks);
        task_stacks = NULL;
    }
    return err;
}

static void report_run(struct model_report *report) {
    report->stack_bytes = (int64_t)stack_pool_stack_bytes(task_stacks);
    report->stack_used_peak_bytes = (int64_t)stack_pool_used_peak_bytes(task_stacks);
    report->idle_ns = idle_ns;
    stack_pool_destroy(task_stacks);
    task_stacks = NULL;
}

int64_t async_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    return tasks;
}

static const struct task_calls async_calls = {
    ASYNC_SHARED_CALLS,
    .spawn = async_spawn,
    .cancel = async_cancel,
    .detach = async_detach,
    .is_done = async_is_done,
    .reap = async_reap,
    .watch_init = async_watch_init,
    .watch_add = async_watch_add,
    .watch_remove = async_watch_remove,
    .watch_wait = async_watch_wait,
    .watch_take = async_watch_take,
    .offload = async_offload,
    .mutex_create = async_mutex_create,
    .mutex_destroy = async_mutex_destroy,
    .mutex_lock = async_mutex_lock,
    .mutex_lock_finally = async_mutex_lock_finally,
    .mutex_unlock = async_mutex_unlock,
    .condition_create = async_condition_create,
    .condition_destroy = async_condition_destroy,
    .condition_wait = async_condition_wait,
    .condition_notify = async_condition_notify,
};

static const struct parameter async_parameters[] = {
    ASYNC_PARAMETER_STACK,
    ASYNC_PARAMETER_HELPERS,
    ASYNC_PARAMETER_COARSE_TIMER,
    {"small-pages", PARAMETER_FLAG, offsetof(struct model_options, small_pages), "no", 0, 1,
     "yes|no", "keep stacks out of huge pages"},
    ASYNC_PARAMETER_DETECT_BLOCKING,
    {0},
};

const struct model model_async = {
    .name = "async",
    .summary = "coroutine tasks on one libevent loop on one thread",
    .parameters = async_parameters,
    .calls = &async_calls,
    .in_flight_max = async_in_flight_max,
    .run = run_async,
    .report = report_run,
};
