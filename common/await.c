/* The forms of awaiting, written once over the engines' watch: one task, all, the first of several.
 */
#include "model.h"

#include <errno.h>

static void cancel_and_wait(struct task_watch *watch, struct task *const *tasks, size_t count) {
    for (size_t i = 0; i < count; i++)
        task_cancel(tasks[i]);
    task_calls->watch_wait(watch, count, TASK_NO_DEADLINE, true);
}

/* Leaves a watch that not all tasks have come to the end of: those that are just ending have to be
   let finish telling it. */
static void leave(struct task_watch *watch, struct task *const *tasks, size_t count) {
    size_t ended = 0;
    for (size_t i = 0; i < count; i++)
        ended += !task_calls->watch_remove(watch, tasks[i]);
    task_calls->watch_wait(watch, ended, TASK_NO_DEADLINE, true);
}

/* Adds the tasks. Misuse leaves none of them added. */
static int watch_all(struct task_watch *watch, struct task *const *tasks, size_t count) {
    task_calls->watch_init(watch);
    for (size_t i = 0; i < count; i++) {
        int err = task_calls->watch_add(watch, tasks[i]);
        if (err) {
            leave(watch, tasks, i);
            return err;
        }
    }
    return 0;
}

static int reap(struct task *task, int *result) {
    int value = task_calls->reap(task);
    if (result)
        *result = value;
    return value;
}

int task_await_until(struct task *task, int64_t deadline, int *result) {
    struct task_watch watch;
    int err = watch_all(&watch, &task, 1);
    if (err)
        return err;
    err = task_calls->watch_wait(&watch, 1, deadline, false);
    if (err)
        cancel_and_wait(&watch, &task, 1);
    int value = reap(task, NULL);
    if (!err && result)
        *result = value;
    return err;
}

int task_await(struct task *task, int *result) {
    return task_await_until(task, TASK_NO_DEADLINE, result);
}

int task_await_shielded(struct task *task, int *result) {
    struct task_watch watch;
    int err = watch_all(&watch, &task, 1);
    if (err)
        return err;
    watch.is_shielding = true;
    err = task_calls->watch_wait(&watch, 1, TASK_NO_DEADLINE, false);
    if (err)
        leave(&watch, &task, 1);
    else
        reap(task, result);
    return err;
}

int task_gather(struct task *const *tasks, size_t count, int *results) {
    struct task_watch watch;
    int err = watch_all(&watch, tasks, count);
    if (err)
        return err;
    err = task_calls->watch_wait(&watch, count, TASK_NO_DEADLINE, false);
    if (err)
        cancel_and_wait(&watch, tasks, count);
    int first_error = 0;
    for (size_t i = 0; i < count; i++) {
        int value = reap(tasks[i], results ? &results[i] : NULL);
        if (value < 0 && !first_error)
            first_error = value;
    }
    return err ? err : first_error;
}

/* The handles of a gather that gave up: what has ended is freed, the rest frees itself. */
static void detach_all(struct task *const *tasks, size_t count) {
    for (size_t i = 0; i < count; i++)
        task_detach(tasks[i]);
}

/* Waits for one end after the other, until one is an error, which it stores, or until all have
   ended. Returns what ended the wait itself. */
static int wait_until_error(struct task_watch *watch, size_t count, int *error) {
    *error = 0;
    for (size_t ended = 1; ended <= count && *error >= 0; ended++) {
        int err = task_calls->watch_wait(watch, ended, TASK_NO_DEADLINE, false);
        if (err)
            return err;
        *error = task_calls->result(task_calls->watch_take(watch));
    }
    return 0;
}

int task_gather_until_error(struct task *const *tasks, size_t count, int *results) {
    struct task_watch watch;
    int err = watch_all(&watch, tasks, count);
    if (err)
        return err;
    int error;
    err = wait_until_error(&watch, count, &error);
    if (err)
        cancel_and_wait(&watch, tasks, count);
    if (!err && error < 0) {
        leave(&watch, tasks, count);
        detach_all(tasks, count);
        return error;
    }
    for (size_t i = 0; i < count; i++)
        reap(tasks[i], results ? &results[i] : NULL);
    return err;
}

int task_wait_any(struct task *const *tasks, size_t count, int64_t deadline, size_t *index) {
    struct task_watch watch;
    int err = watch_all(&watch, tasks, count);
    if (err)
        return err;
    err = task_calls->watch_wait(&watch, 1, deadline, false);
    leave(&watch, tasks, count);
    if (err)
        return err;
    *index = 0;
    while (!task_is_done(tasks[*index]))
        ++*index;
    return 0;
}
