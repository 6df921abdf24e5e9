#include "async/wait_list.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>

/* Nothing here is locked: between two waits a task has the loop to itself. */
struct task_mutex {
    struct task *owner;
    struct wait_list waiters;
};

struct task_condition {
    struct wait_list waiters;
};

int async_mutex_create(struct task_mutex **out) {
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void async_mutex_destroy(struct task_mutex *mutex) {
    free(mutex);
}

static void report_not_owner(void *arg) {
    const struct task_mutex *mutex = arg;
    report_line("async: task '%s' unlocks a mutex that %s%s holds", loop->current->name,
                mutex->owner ? "task " : "no task", mutex->owner ? mutex->owner->name : "");
}

static int check_owner(struct task_mutex *mutex) {
    if (mutex->owner == loop->current)
        return 0;
    loop_call(loop, report_not_owner, mutex);
    return -EPERM;
}

/* Whoever unlocks hands the mutex over, so that nobody comes in between. */
int async_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    if (!mutex->owner) {
        mutex->owner = loop->current;
        return 0;
    }
    return wait_list_wait(&mutex->waiters, "a mutex", deadline);
}

void async_mutex_lock_finally(struct task_mutex *mutex) {
    if (mutex->owner)
        wait_list_wait_finally(&mutex->waiters, "a mutex");
    else
        mutex->owner = loop->current;
}

int async_mutex_unlock(struct task_mutex *mutex) {
    int err = check_owner(mutex);
    if (!err)
        mutex->owner = wait_list_wake_first(&mutex->waiters);
    return err;
}

int async_condition_create(struct task_condition **out) {
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void async_condition_destroy(struct task_condition *condition) {
    free(condition);
}

int async_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                         int64_t deadline) {
    int err = async_mutex_unlock(mutex);
    if (err)
        return err;
    err = wait_list_wait(&condition->waiters, "a condition", deadline);
    async_mutex_lock_finally(mutex);
    return err;
}

void async_condition_notify(struct task_condition *condition, size_t count) {
    while (count-- && wait_list_wake_first(&condition->waiters))
        continue;
}
