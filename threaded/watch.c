#include "report.h"
#include "threaded/engine.h"

#include <errno.h>

/* watch->is_satisfied is the futex; the rest is guarded by the mutex. */

void threaded_watch_init(struct task_watch *watch) {
    pthread_mutex_init(&watch->mutex, NULL);
    watch->first_ended = watch->last_ended = NULL;
    watch->ended = 0;
    watch->wanted = SIZE_MAX;
    watch->is_shielding = false;
    watch->first_watched = watch->last_watched = NULL;
}

/* With the mutex held. */
static void append_ended(struct task_watch *watch, struct task *task) {
    task->next_ended = NULL;
    if (watch->first_ended)
        watch->last_ended->next_ended = task;
    else
        watch->first_ended = task;
    watch->last_ended = task;
    watch->ended++;
}

static int refuse(const struct task *task, const char *text, int err) {
    report_line("threads: task '%s': %s '%s'", threaded_self()->name, text, task->name);
    return err;
}

int threaded_watch_add(struct task_watch *watch, struct task *task) {
    struct task_watch *former = NULL;
    if (task == threaded_self())
        return refuse(task, "awaits itself:", -EDEADLK);
    if (atomic_compare_exchange_strong(&task->watch, &former, watch))
        return 0;
    if (former != &watch_ended)
        return refuse(task, "awaits a task that another awaits:", -EBUSY);
    pthread_mutex_lock(&watch->mutex);
    append_ended(watch, task);
    pthread_mutex_unlock(&watch->mutex);
    return 0;
}

bool threaded_watch_remove(struct task_watch *watch, struct task *task) {
    return atomic_compare_exchange_strong(&task->watch, &watch, NULL);
}

/* The watch stands on the waiter's stack and may be gone once the mutex is unlocked: after that
   only the futex's address is used, and waking an address that nobody waits on does nothing. */
void threaded_watch_tell(struct task_watch *watch, struct task *task) {
    pthread_mutex_lock(&watch->mutex);
    append_ended(watch, task);
    bool is_satisfied = watch->ended == watch->wanted;
    if (is_satisfied)
        atomic_store(&watch->is_satisfied, 1);
    pthread_mutex_unlock(&watch->mutex);
    if (is_satisfied)
        block_wake(&watch->is_satisfied, 1);
}

bool threaded_watch_has(struct task_watch *watch, size_t wanted) {
    pthread_mutex_lock(&watch->mutex);
    bool has_wanted = watch->ended >= wanted;
    watch->wanted = wanted;
    atomic_store(&watch->is_satisfied, has_wanted);
    pthread_mutex_unlock(&watch->mutex);
    return has_wanted;
}

int threaded_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final) {
    int err = 0;
    if (threaded_watch_has(watch, wanted))
        return 0;
    while (!atomic_load(&watch->is_satisfied) && !err) {
        if (is_final)
            block_wait_finally(&watch->is_satisfied, 0, "tasks to end");
        else
            err = block_wait(&watch->is_satisfied, 0, "tasks to end", deadline);
    }
    if (!err)
        threaded_watch_has(watch, wanted); /* whoever satisfied it has unlocked it by then */
    return err;
}

struct task *threaded_watch_take(struct task_watch *watch) {
    pthread_mutex_lock(&watch->mutex);
    struct task *task = watch->first_ended;
    if (task)
        watch->first_ended = task->next_ended;
    pthread_mutex_unlock(&watch->mutex);
    return task;
}
