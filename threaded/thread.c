#include "threaded/thread.h"

#include "threaded/engine.h"

#include <errno.h>
#include <stdlib.h>

/* Set while the model runs; read by every task that spawns another. */
static pthread_attr_t attributes;

int thread_attributes_init(pthread_attr_t *out, int64_t stack_bytes) {
    int err = pthread_attr_init(out);
    if (err)
        return -err;
    err = pthread_attr_setstacksize(out, (size_t)stack_bytes);
    if (err)
        pthread_attr_destroy(out);
    return -err;
}

static void *thread_main(void *arg) {
    threaded_task_execute(arg);
    return NULL;
}

static int thread_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    struct task *task;
    int err = threaded_task_create(&task, name, function, arg);
    if (err)
        return err;
    err = pthread_create(&task->thread, &attributes, thread_main, task);
    if (err) {
        free(task);
        return -err;
    }
    *out = task;
    return 0;
}

/* Joined, not only awaited: when this returns the thread is gone and its cost is paid. */
static int thread_await(struct task *task, int *result) {
    pthread_join(task->thread, NULL);
    if (result)
        *result = task->result;
    free(task);
    return 0;
}

/* Waits once for all, then joins: joining one after the other would wake the waiter for each
   thread that is still running. */
static int thread_gather(struct task *const *tasks, size_t count, int *results) {
    struct latch latch;
    threaded_latch_init(&latch, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        if (!threaded_latch_attach(&latch, tasks[i]))
            threaded_latch_count_down(&latch, 1);
    threaded_latch_wait(&latch);
    int first_error = 0;
    for (size_t i = 0; i < count; i++) {
        int result;
        thread_await(tasks[i], &result);
        if (results)
            results[i] = result;
        if (result < 0 && !first_error)
            first_error = result;
    }
    return first_error;
}

const struct task_calls thread_calls = {
    .spawn = thread_spawn,
    .await = thread_await,
    .gather = thread_gather,
    .sleep = threaded_sleep,
    .yield = threaded_yield,
    .self = threaded_self,
    .connect = threaded_connect,
    .read = threaded_read,
    .write = threaded_write,
    .close = threaded_close,
};

/* Main is a task on the calling thread. */
int thread_run(const struct model_options *options, task_function *main_function, void *arg,
               int *result) {
    int err = thread_attributes_init(&attributes, options->stack_bytes);
    if (err)
        return err;
    struct task main_task = {.name = "main", .function = main_function, .arg = arg};
    threaded_task_execute(&main_task);
    *result = main_task.result;
    pthread_attr_destroy(&attributes);
    return 0;
}
