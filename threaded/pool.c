#include "threaded/pool.h"

#include "threaded/engine.h"
#include "threaded/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* One queue, first in, first out. A worker that awaits a task which is still queued takes it out
   and runs it, so that tasks which await tasks need no free worker and cannot deadlock. */
static struct pool {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t is_work;
    struct task *first, *last;
    size_t idle_workers;
    bool is_stopping;
} pool;

static void queue_append(struct task *task) {
    task->next = NULL;
    task->previous = pool.last;
    *(pool.last ? &pool.last->next : &pool.first) = task;
    pool.last = task;
    task->is_queued = true;
}

static void queue_remove(struct task *task) {
    *(task->previous ? &task->previous->next : &pool.first) = task->next;
    *(task->next ? &task->next->previous : &pool.last) = task->previous;
    task->is_queued = false;
}

/* Waits for a task and takes it. Returns NULL when the pool stops. */
static struct task *take_next(void) {
    pthread_mutex_lock(&pool.mutex);
    while (!pool.first && !pool.is_stopping) {
        pool.idle_workers++;
        pthread_cond_wait(&pool.is_work, &pool.mutex);
        pool.idle_workers--;
    }
    struct task *task = pool.first;
    if (task)
        queue_remove(task);
    pthread_mutex_unlock(&pool.mutex);
    return task;
}

static bool take_if_queued(struct task *task) {
    pthread_mutex_lock(&pool.mutex);
    bool is_taken = task->is_queued;
    if (is_taken)
        queue_remove(task);
    pthread_mutex_unlock(&pool.mutex);
    return is_taken;
}

static void *worker_main(void *unused) {
    (void)unused;
    struct task *task;
    while ((task = take_next()))
        threaded_task_execute(task);
    return NULL;
}

static void pool_submit(struct task *task) {
    pthread_mutex_lock(&pool.mutex);
    queue_append(task);
    bool is_idle = pool.idle_workers > 0;
    pthread_mutex_unlock(&pool.mutex);
    if (is_idle)
        pthread_cond_signal(&pool.is_work);
}

static int pool_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    int err = threaded_task_create(out, name, function, arg);
    if (!err)
        pool_submit(*out);
    return err;
}

static int pool_gather(struct task *const *tasks, size_t count, int *results) {
    struct latch latch;
    threaded_latch_init(&latch, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (take_if_queued(tasks[i]))
            threaded_task_execute(tasks[i]);
        if (!threaded_latch_attach(&latch, tasks[i]))
            threaded_latch_count_down(&latch, 1);
    }
    threaded_latch_wait(&latch);
    int first_error = 0;
    for (size_t i = 0; i < count; i++) {
        int result = tasks[i]->result;
        free(tasks[i]);
        if (results)
            results[i] = result;
        if (result < 0 && !first_error)
            first_error = result;
    }
    return first_error;
}

static int pool_await(struct task *task, int *result) {
    int first_error_or_result;
    pool_gather(&task, 1, &first_error_or_result);
    if (result)
        *result = first_error_or_result;
    return 0;
}

const struct task_calls pool_calls = {
    .spawn = pool_spawn,
    .await = pool_await,
    .gather = pool_gather,
    .sleep = threaded_sleep,
    .yield = threaded_yield,
    .self = threaded_self,
    .connect = threaded_connect,
    .read = threaded_read,
    .write = threaded_write,
    .close = threaded_close,
};

static void stop_workers(pthread_t *workers, size_t count) {
    pthread_mutex_lock(&pool.mutex);
    pool.is_stopping = true;
    pthread_mutex_unlock(&pool.mutex);
    pthread_cond_broadcast(&pool.is_work);
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i], NULL);
}

static int start_workers(pthread_t *workers, size_t count, int64_t stack_bytes) {
    pthread_attr_t attributes;
    int err = thread_attributes_init(&attributes, stack_bytes);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        err = -pthread_create(&workers[i], &attributes, worker_main, NULL);
        if (err)
            stop_workers(workers, i);
    }
    pthread_attr_destroy(&attributes);
    return err;
}

/* Main is a task like the others and takes a worker; the calling thread only waits. */
int pool_run(const struct model_options *options, task_function *main_function, void *arg,
             int *result) {
    size_t count = (size_t)options->workers;
    pthread_t *workers = malloc(count * sizeof *workers);
    if (!workers)
        return -ENOMEM;
    pool = (struct pool){.mutex = PTHREAD_MUTEX_INITIALIZER, .is_work = PTHREAD_COND_INITIALIZER};
    int err = start_workers(workers, count, options->stack_bytes);
    if (!err) {
        struct task main_task = {.name = "main", .function = main_function, .arg = arg};
        struct latch latch;
        threaded_latch_init(&latch, 1);
        threaded_latch_attach(&latch, &main_task);
        pool_submit(&main_task);
        threaded_latch_wait(&latch);
        *result = main_task.result;
        stop_workers(workers, count);
    }
    free(workers);
    return err;
}
