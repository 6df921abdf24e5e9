#include "threaded/pool.h"

#include "threaded/engine.h"
#include "threaded/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* One queue, first in, first out. A worker that awaits a task which is still queued takes it out
   and runs it, so that tasks which await tasks need no free worker and cannot deadlock. Where idle
   workers are about to take all that is queued it leaves it to them, and can come back as soon as
   its wait is over. */
static struct pool {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t is_work;
    struct task *first, *last;
    size_t queued;       /* how many these are */
    size_t idle_workers; /* that wait for a task, or are about to look for one */
    bool is_stopping;
} pool;

static void queue_append(struct task *task) {
    task->next = NULL;
    task->previous = pool.last;
    *(pool.last ? &pool.last->next : &pool.first) = task;
    pool.last = task;
    pool.queued++;
    task->is_queued = true;
}

static void queue_remove(struct task *task) {
    *(task->previous ? &task->previous->next : &pool.first) = task->next;
    *(task->next ? &task->next->previous : &pool.last) = task->previous;
    pool.queued--;
    task->is_queued = false;
}

static void become_idle(void) {
    pthread_mutex_lock(&pool.mutex);
    pool.idle_workers++;
    pthread_mutex_unlock(&pool.mutex);
}

/* Waits for a task and takes it. Returns NULL when the pool stops. */
static struct task *take_next(void) {
    pthread_mutex_lock(&pool.mutex);
    while (!pool.first && !pool.is_stopping)
        pthread_cond_wait(&pool.is_work, &pool.mutex);
    struct task *task = pool.first;
    if (task) {
        queue_remove(task);
        pool.idle_workers--;
        registry_thread_resumes(1);
    }
    pthread_mutex_unlock(&pool.mutex);
    return task;
}

/* With no worker able to go on, one that is idle may still find a task. */
static bool is_hopeful(void) {
    pthread_mutex_lock(&pool.mutex);
    bool is_hopeful = pool.first && pool.idle_workers;
    pthread_mutex_unlock(&pool.mutex);
    return is_hopeful;
}

static void *worker_main(void *unused) {
    (void)unused;
    struct task *task;
    while ((task = take_next())) {
        threaded_task_execute(task, false);
        become_idle(); /* before it is counted out, so that a queued task is seen to have a taker */
        registry_thread_pauses(false);
    }
    return NULL;
}

static void submit(struct task *task) {
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
        submit(*out);
    return err;
}

static int pool_reap(struct task *task) {
    int result = task->result;
    threaded_task_free(task);
    return result;
}

static void pool_detach(struct task *task) {
    if (!threaded_try_detach(task))
        pool_reap(task);
}

/* A task that awaits another while it runs it cannot be asked to end itself: that one is, too. */
static bool pool_cancel(struct task *task) {
    registry_hold();
    bool is_under_way = threaded_cancel(task);
    pthread_mutex_lock(&pool.mutex);
    for (struct task *inner = task->running_inside; is_under_way && inner;
         inner = inner->running_inside)
        block_interrupt(inner, INTERRUPT_CANCEL);
    pthread_mutex_unlock(&pool.mutex);
    registry_release();
    return is_under_way;
}

/* Remembers the task, since it may still be queued. */
static int pool_watch_add(struct task_watch *watch, struct task *task) {
    int err = threaded_watch_add(watch, task);
    if (err)
        return err;
    task->next_watched = NULL;
    task->previous_watched = watch->first_watched ? watch->last_watched : NULL;
    *(watch->first_watched ? &watch->last_watched->next_watched : &watch->first_watched) = task;
    watch->last_watched = task;
    task->is_watched = true;
    return 0;
}

static void forget_watched(struct task_watch *watch, struct task *task) {
    struct task *previous = task->previous_watched, *next = task->next_watched;
    *(previous ? &previous->next_watched : &watch->first_watched) = next;
    *(next ? &next->previous_watched : &watch->last_watched) = previous;
    task->is_watched = false;
}

/* Takes the next of the watched tasks that is still queued, unless somebody has asked the waiter to
   end its wait, if that may be. Whoever asks from now on finds what runs inside. None that is not
   queued will be again. */
static struct task *take_watched(struct task_watch *watch, bool is_final) {
    struct task *self = threaded_self(), *taken = NULL;
    pthread_mutex_lock(&pool.mutex);
    bool is_interrupted = !is_final && atomic_load(&self->interrupts);
    while (!is_interrupted && pool.queued > pool.idle_workers && watch->first_watched && !taken) {
        struct task *task = watch->first_watched;
        forget_watched(watch, task);
        if (task->is_queued) {
            queue_remove(task);
            self->running_inside = watch->is_shielding ? NULL : task;
            taken = task;
        }
    }
    pthread_mutex_unlock(&pool.mutex);
    return taken;
}

static void run_inside(struct task *task) {
    struct task *self = threaded_self();
    threaded_task_execute(task, false);
    pthread_mutex_lock(&pool.mutex);
    self->running_inside = NULL;
    pthread_mutex_unlock(&pool.mutex);
}

/* Runs watched tasks that have not begun, until enough have ended. Returns whether it ran any. */
static bool run_watched(struct task_watch *watch, size_t wanted, bool is_final) {
    struct task *task;
    bool has_run = false;
    while (!threaded_watch_has(watch, wanted) && (task = take_watched(watch, is_final))) {
        run_inside(task);
        has_run = true;
    }
    return has_run;
}

/* Rather than wait for tasks that have not begun, the worker runs them. That is waiting, too: who
   was cancelled meanwhile is told so, though enough have ended. */
static int pool_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline,
                           bool is_final) {
    if (run_watched(watch, wanted, is_final) && !is_final) {
        int err = block_begin(threaded_self());
        if (err)
            return err;
        block_end(threaded_self());
    }
    return threaded_watch_wait(watch, wanted, deadline, is_final);
}

/* Whoever takes a task may free it. */
static struct task *pool_watch_take(struct task_watch *watch) {
    struct task *task = threaded_watch_take(watch);
    if (task && task->is_watched)
        forget_watched(watch, task);
    return task;
}

const struct task_calls pool_calls = {
    .spawn = pool_spawn,
    .detach = pool_detach,
    .reap = pool_reap,
    .cancel = pool_cancel,
    .watch_add = pool_watch_add,
    .watch_remove = threaded_watch_remove,
    .watch_wait = pool_watch_wait,
    .watch_take = pool_watch_take,
    THREADED_SHARED_CALLS,
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

/* After main, the tasks that were never begun: they are cancelled, so that each ends at once. */
static void run_queued(void) {
    struct task *task;
    pthread_mutex_lock(&pool.mutex);
    while ((task = pool.first)) {
        queue_remove(task);
        pthread_mutex_unlock(&pool.mutex);
        threaded_task_execute(task, false);
        pthread_mutex_lock(&pool.mutex);
    }
    pthread_mutex_unlock(&pool.mutex);
}

static int run_main(task_function *main_function, void *arg, int *result) {
    struct task *main_task;
    int err = threaded_task_create(&main_task, "main", main_function, arg);
    if (err)
        return err;
    registry_thread_resumes(1);
    threaded_task_execute(main_task, false);
    *result = pool_reap(main_task);
    registry_cancel_rest();
    run_queued();
    registry_thread_pauses(false); /* from here on it only waits for the others */
    registry_finish();
    return 0;
}

/* The calling thread is the first of the workers; it begins with main. */
int pool_run(const struct model_options *options, task_function *main_function, void *arg,
             int *result) {
    size_t others = (size_t)options->workers - 1;
    pthread_t *workers = malloc((others + 1) * sizeof *workers);
    if (!workers)
        return -ENOMEM;
    pool = (struct pool){.mutex = PTHREAD_MUTEX_INITIALIZER,
                         .is_work = PTHREAD_COND_INITIALIZER,
                         .idle_workers = others}; /* once they have begun */
    block_start();
    registry_start(is_hopeful);
    int err = start_workers(workers, others, options->stack_bytes);
    if (!err) {
        err = run_main(main_function, arg, result);
        stop_workers(workers, others);
    }
    block_finish();
    free(workers);
    return err;
}
