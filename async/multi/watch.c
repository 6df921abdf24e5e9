#include "async/multi/engine.h"

#include <errno.h>

/* All of a watch is guarded by its mutex. It stands on the stack of the waiter, who goes on when
   whoever told it last has unlocked it. */

void multi_watch_init(struct task_watch *watch) {
    pthread_mutex_init(&watch->mutex, NULL);
    watch->first_ended = watch->last_ended = NULL;
    watch->ended = 0;
    watch->is_shielding = false;
    watch->waiter = NULL;
}

int multi_watch_add(struct task_watch *watch, struct task *task) {
    struct task_watch *former = NULL;
    if (task == loop->current)
        return async_watch_refuse(task, "awaits itself:", -EDEADLK);
    if (atomic_compare_exchange_strong(&multi_task_of(task)->watch, &former, watch))
        return 0;
    if (former == &multi_watch_freed)
        return async_watch_refuse(task, "awaits a task that was awaited before:", -EINVAL);
    if (former != &multi_watch_ended)
        return async_watch_refuse(task, "awaits a task that another awaits:", -EBUSY);
    pthread_mutex_lock(&watch->mutex);
    async_watch_append(watch, task);
    pthread_mutex_unlock(&watch->mutex);
    return 0;
}

bool multi_watch_remove(struct task_watch *watch, struct task *task) {
    return atomic_compare_exchange_strong(&multi_task_of(task)->watch, &watch, NULL);
}

/* Whoever tells the last end that is waited for takes the waiter out: it is woken once. */
void multi_watch_tell(struct task_watch *watch, struct task *task) {
    struct task *waiter = NULL;
    pthread_mutex_lock(&watch->mutex);
    async_watch_append(watch, task);
    if (watch->waiter && watch->ended >= watch->wanted) {
        waiter = watch->waiter;
        watch->waiter = NULL;
    }
    pthread_mutex_unlock(&watch->mutex);
    if (waiter)
        multi_wake(waiter);
}

/* Returns whether there is something to wait for. */
static bool begin_wait(struct task_watch *watch, size_t wanted) {
    pthread_mutex_lock(&watch->mutex);
    bool is_wanting = watch->ended < wanted;
    watch->wanted = wanted;
    watch->waiter = is_wanting ? loop->current : NULL;
    pthread_mutex_unlock(&watch->mutex);
    return is_wanting;
}

/* Returns whether the wait has been ended by whoever took the waiter out, too. */
static bool end_wait(struct task_watch *watch) {
    pthread_mutex_lock(&watch->mutex);
    bool is_granted = !watch->waiter;
    watch->waiter = NULL;
    pthread_mutex_unlock(&watch->mutex);
    return is_granted;
}

int multi_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final) {
    static const char what[] = "tasks to end";
    if (!begin_wait(watch, wanted))
        return 0;
    if (is_final) {
        loop_wait_finally(loop, what);
        return 0;
    }
    int err = loop_wait(loop, what, deadline);
    if (!err || !end_wait(watch))
        return err;
    multi_accept_wake(what, err);
    return 0;
}

struct task *multi_watch_take(struct task_watch *watch) {
    pthread_mutex_lock(&watch->mutex);
    struct task *task = watch->first_ended;
    if (task)
        watch->first_ended = task->next;
    pthread_mutex_unlock(&watch->mutex);
    return task;
}
