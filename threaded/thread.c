#include "threaded/thread.h"

#include "threaded/engine.h"

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
    threaded_task_execute(arg, true);
    return NULL;
}

static int thread_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    struct task *task;
    int err = threaded_task_create(&task, name, function, arg);
    if (err)
        return err;
    registry_thread_resumes(1);
    err = pthread_create(&task->thread, &attributes, thread_main, task);
    if (err) {
        registry_thread_stays(1);
        registry_task_ended(false);
        threaded_task_free(task);
        return -err;
    }
    *out = task;
    return 0;
}

/* Joined, not only awaited: when this returns the thread is gone and its cost is paid. */
static int thread_reap(struct task *task) {
    int result = task->result;
    pthread_join(task->thread, NULL);
    threaded_task_free(task);
    return result;
}

/* The thread may end, and free its record, as soon as it is detached. */
static void thread_detach(struct task *task) {
    pthread_t thread = task->thread;
    if (threaded_try_detach(task))
        pthread_detach(thread);
    else
        thread_reap(task);
}

const struct task_calls thread_calls = {
    .spawn = thread_spawn,
    .detach = thread_detach,
    .reap = thread_reap,
    .cancel = threaded_cancel,
    .watch_add = threaded_watch_add,
    .watch_remove = threaded_watch_remove,
    .watch_wait = threaded_watch_wait,
    .watch_take = threaded_watch_take,
    THREADED_SHARED_CALLS,
};

/* Main is a task on the calling thread. */
int thread_run(const struct model_options *options, task_function *main_function, void *arg,
               int *result) {
    struct task *main_task;
    int err = thread_attributes_init(&attributes, options->stack_bytes);
    if (err)
        return err;
    block_start();
    registry_start(NULL);
    err = threaded_task_create(&main_task, "main", main_function, arg);
    if (!err) {
        registry_thread_resumes(1);
        threaded_task_execute(main_task, false);
        *result = main_task->result;
        threaded_task_free(main_task);
        registry_cancel_rest();
        registry_thread_pauses(false); /* from here on it only waits for the others */
        registry_finish();
    }
    block_finish();
    pthread_attr_destroy(&attributes);
    return err;
}
