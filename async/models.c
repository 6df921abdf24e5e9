#include "async/models.h"

#include "async/loop.h"
#include "async/overflow.h"

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

static size_t choose_stack_bytes(const struct model_options *options) {
    if (options->stack_bytes)
        return (size_t)options->stack_bytes;
    return (size_t)options->task_stack_bytes * STACK_FACTOR;
}

static int run_loop(struct stack_pool *main_stacks, task_function *main_function, void *arg,
                    int *result) {
    struct loop *l;
    struct task *main_task;
    int err = loop_create(&l, task_stacks);
    if (err)
        return err;
    err = async_task_create(&main_task, l, main_stacks, "main", main_function, arg);
    if (!err) {
        err = loop_run(l);
        if (!err)
            *result = main_task->result;
        async_task_destroy(main_task);
    }
    loop_destroy(l);
    return err;
}

static int run_async(const struct model_options *options, task_function *main_function, void *arg,
                     int *result) {
    struct stack_pool *main_stacks = NULL;
    int err = overflow_watch();
    if (err)
        return err;
    err = stack_pool_create(&task_stacks, choose_stack_bytes(options), sizeof(struct task));
    if (!err)
        err = stack_pool_create(&main_stacks, MAIN_STACK_BYTES * STACK_FACTOR, sizeof(struct task));
    if (!err)
        err = run_loop(main_stacks, main_function, arg, result);
    stack_pool_destroy(main_stacks);
    if (err) {
        stack_pool_destroy(task_stacks);
        task_stacks = NULL;
    }
    overflow_unwatch();
    return err;
}

static void report_run(struct model_report *report) {
    report->stack_bytes = (int64_t)stack_pool_stack_bytes(task_stacks);
    report->stack_used_peak_bytes = (int64_t)stack_pool_used_peak_bytes(task_stacks);
    stack_pool_destroy(task_stacks);
    task_stacks = NULL;
}

static int64_t async_in_flight_max(const struct model_options *options, int64_t tasks) {
    (void)options;
    return tasks;
}

static const struct task_calls async_calls = {
    .spawn = async_spawn,
    .await = async_await,
    .gather = async_gather,
    .sleep = async_sleep,
    .yield = async_yield,
    .self = async_self,
    .connect = async_connect,
    .read = async_read,
    .write = async_write,
    .close = async_close,
};

static const struct parameter async_parameters[] = {
    {"stack", PARAMETER_SIZE, offsetof(struct model_options, stack_bytes), "auto", 256,
     INT64_C(1) << 30, "SIZE", "stack of each coroutine; auto: what the workload needs"},
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
