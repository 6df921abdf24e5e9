#include "async/detector.h"
#include "async/helpers.h"
#include "async/models.h"
#include "async/multi/engine.h"
#include "async/overflow.h"
#include "clock.h"
#include "report.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOPS_MAX 1024

/* All stacks but main's. For each loop a pool that it takes from, and one for what it is dealt.
   Kept from the end of a run to its report. */
static struct stack_pool **pools;
static size_t pool_count;
static int64_t idle_ns; /* of the mean loop */

static size_t count_cores(void) {
    cpu_set_t cpus;
    return sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : (size_t)CPU_COUNT(&cpus);
}

static void destroy_pools(void) {
    for (size_t i = 0; i < pool_count; i++)
        stack_pool_destroy(pools[i]);
    free(pools);
    pools = NULL;
    pool_count = 0;
}

static int create_pools(size_t count, size_t stack_bytes) {
    struct stack_pool_options options = {.bytes = stack_bytes,
                                         .record_bytes = sizeof(struct multi_task)};
    int err = 0;
    pools = calloc(count, sizeof *pools);
    if (!pools)
        return -ENOMEM;
    while (pool_count < count && !err) {
        err = stack_pool_create(&pools[pool_count], &options);
        pool_count += !err;
    }
    return err;
}

/* Hearing of it is all: the inbox is looked at each time. */
static void on_told(int descriptor, short what, void *arg) {
    (void)descriptor;
    (void)what;
    (void)arg;
}

static void deliver_finish(struct loop *l, struct inbox_entry *entry) {
    (void)entry;
    loop_finish(l, multi_cancel);
}

static void deliver_go_on(struct loop *l, struct inbox_entry *entry) {
    (void)l;
    (void)entry;
}

static int add_loop(struct group *group, struct helpers *helpers) {
    size_t number = group->count;
    struct peer *peer = &group->peers[number];
    peer->group = group;
    peer->dealt_stacks = pools[2 * number];
    peer->finish.deliver = deliver_finish;
    peer->go_on.deliver = deliver_go_on;
    peer->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (peer->descriptor < 0)
        return -errno;
    struct loop_options loop_options = {.stacks = pools[2 * number + 1],
                                        .helpers = helpers,
                                        .descriptor = peer->descriptor,
                                        .on_told = on_told};
    int err = loop_create(&peer->loop, &loop_options);
    if (err) {
        close(peer->descriptor);
        return err;
    }
    peer->loop->peer = peer;
    peer->loop->number = number;
    group->count++;
    return 0;
}

static void group_destroy(struct group *group) {
    if (!group)
        return;
    idle_ns = 0;
    for (size_t i = 0; i < group->count; i++) {
        idle_ns += group->peers[i].loop->idle_ns / (int64_t)group->count;
        loop_destroy(group->peers[i].loop);
        close(group->peers[i].descriptor);
    }
    pthread_mutex_destroy(&group->gate);
    free(group);
}

/* Once it is known how many they are. */
static int watch_loops(const struct group *group, int64_t limit_ns) {
    int err = 0;
    for (size_t i = 0; i < group->count && !err; i++) {
        struct loop *l = group->peers[i].loop;
        l->loops = group->count;
        if (limit_ns)
            err = detector_create(&l->detector, l, limit_ns);
    }
    return err;
}

static int group_create(struct group **out, size_t count, struct helpers *helpers,
                        int64_t limit_ns) {
    size_t bytes = sizeof(struct group) + count * sizeof(struct peer);
    struct group *group = aligned_alloc(_Alignof(struct group), bytes);
    int err = 0;
    if (!group)
        return -ENOMEM;
    memset(group, 0, bytes);
    pthread_mutex_init(&group->gate, NULL);
    while (group->count < count && !err)
        err = add_loop(group, helpers);
    if (!err)
        err = watch_loops(group, limit_ns);
    if (err)
        group_destroy(group);
    else
        *out = group;
    return err;
}

/* What is left when all tasks have ended was owned, and never awaited. */
static void free_unowned(struct stack *stack) {
    struct task *task = (struct task *)stack;
    if (task->state == TASK_FREED)
        return;
    report_line("async: task '%s' was neither awaited nor detached", task->name);
    coroutine_destroy(&task->coroutine);
}

static int run_main(struct group *group, struct stack_pool *main_stacks,
                    task_function *main_function, void *arg, int *result) {
    struct loop *first = group->peers[0].loop;
    struct multi_task *main_task = NULL;
    if (!loop_make_timer_room(first))
        main_task = multi_task_create(first, first, main_stacks, "main", main_function, arg);
    if (!main_task)
        return -ENOMEM;
    loop_enter(first, &main_task->task);
    int err = group_run(group, &main_task->task);
    for (size_t i = 0; i < pool_count; i++)
        stack_pool_visit(pools[i], free_unowned);
    if (!err)
        *result = async_result(&main_task->task);
    coroutine_destroy(&main_task->task.coroutine);
    return err;
}

/* A helper that has woken a loop may be about to tell it so: the group outlives the helpers. */
static int run_with_helpers(const struct model_options *options, struct group **group, size_t loops,
                            struct stack_pool *main_stacks, task_function *main_function, void *arg,
                            int *result) {
    struct helpers *helpers;
    int err = helpers_create(&helpers, (size_t)options->helpers);
    if (err)
        return err;
    err = group_create(group, loops, helpers, options->detect_blocking_ns);
    if (!err)
        err = run_main(*group, main_stacks, main_function, arg, result);
    helpers_destroy(helpers);
    return err;
}

static int run_watched(const struct model_options *options, size_t loops,
                       struct stack_pool *main_stacks, task_function *main_function, void *arg,
                       int *result) {
    struct group *group = NULL;
    int err = overflow_watch(pools, pool_count);
    if (err)
        return err;
    err = run_with_helpers(options, &group, loops, main_stacks, main_function, arg, result);
    group_destroy(group);
    overflow_unwatch();
    return err;
}

static int run_async_multi(const struct model_options *options, task_function *main_function,
                           void *arg, int *result) {
    size_t loops = options->loops ? (size_t)options->loops : count_cores();
    struct stack_pool *main_stacks = NULL;
    struct stack_pool_options mains = {.bytes = async_main_stack_bytes(),
                                       .record_bytes = sizeof(struct multi_task)};
    int err = create_pools(2 * loops, async_task_stack_bytes(options));
    if (!err)
        err = stack_pool_create(&main_stacks, &mains);
    if (!err)
        err = run_watched(options, loops, main_stacks, main_function, arg, result);
    stack_pool_destroy(main_stacks);
    if (err)
        destroy_pools();
    return err;
}

static void report_run(struct model_report *report) {
    report->stack_bytes = (int64_t)stack_pool_stack_bytes(pools[0]);
    report->stack_used_peak_bytes = 0;
    report->idle_ns = idle_ns;
    for (size_t i = 0; i < pool_count; i++) {
        int64_t peak_bytes = (int64_t)stack_pool_used_peak_bytes(pools[i]);
        if (peak_bytes > report->stack_used_peak_bytes)
            report->stack_used_peak_bytes = peak_bytes;
    }
    destroy_pools();
}

static const struct task_calls multi_calls = {
    ASYNC_SHARED_CALLS,
    .spawn = multi_spawn,
    .cancel = multi_cancel,
    .detach = multi_detach,
    .is_done = multi_is_done,
    .reap = multi_reap,
    .watch_init = multi_watch_init,
    .watch_add = multi_watch_add,
    .watch_remove = multi_watch_remove,
    .watch_wait = multi_watch_wait,
    .watch_take = multi_watch_take,
    .offload = multi_offload,
    .mutex_create = multi_mutex_create,
    .mutex_destroy = multi_mutex_destroy,
    .mutex_lock = multi_mutex_lock,
    .mutex_lock_finally = multi_mutex_lock_finally,
    .mutex_unlock = multi_mutex_unlock,
    .condition_create = multi_condition_create,
    .condition_destroy = multi_condition_destroy,
    .condition_wait = multi_condition_wait,
    .condition_notify = multi_condition_notify,
};

static const struct parameter multi_parameters[] = {
    {"loops", PARAMETER_COUNT, offsetof(struct model_options, loops), "auto", 1, LOOPS_MAX, "COUNT",
     "loops, a thread each; auto: as many as cores"},
    ASYNC_PARAMETER_STACK,
    ASYNC_PARAMETER_HELPERS,
    ASYNC_PARAMETER_DETECT_BLOCKING,
    {0},
};

const struct model model_async_multi = {
    .name = "async-multi",
    .summary = "coroutine tasks on several libevent loops on a thread each; main's children are "
               "dealt out in turn, and theirs stay with them",
    .parameters = multi_parameters,
    .calls = &multi_calls,
    .in_flight_max = async_in_flight_max,
    .run = run_async_multi,
    .report = report_run,
};
