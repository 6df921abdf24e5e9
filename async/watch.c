#include "async/loop.h"
#include "report.h"

#include <errno.h>

void async_watch_append(struct task_watch *watch, struct task *task) {
    task->next = NULL;
    if (watch->first_ended)
        watch->last_ended->next = task;
    else
        watch->first_ended = task;
    watch->last_ended = task;
    watch->ended++;
}

void async_watch_init(struct task_watch *watch) {
    watch->first_ended = watch->last_ended = NULL;
    watch->ended = watch->wanted = 0;
    watch->is_shielding = false;
    watch->waiter = NULL;
}

struct misuse {
    const struct task *task;
    const char *text;
};

static void report_misuse(void *arg) {
    const struct misuse *misuse = arg;
    report_line("async: task '%s': %s '%s'", loop->current->name, misuse->text, misuse->task->name);
}

int async_watch_refuse(const struct task *task, const char *text, int err) {
    struct misuse misuse = {task, text};
    loop_call(loop, report_misuse, &misuse);
    return err;
}

int async_watch_add(struct task_watch *watch, struct task *task) {
    if (task == loop->current)
        return async_watch_refuse(task, "awaits itself:", -EDEADLK);
    if (task->state == TASK_FREED)
        return async_watch_refuse(task, "awaits a task that was awaited before:", -EINVAL);
    if (task->watch && task->state != TASK_ENDED)
        return async_watch_refuse(task, "awaits a task that another awaits:", -EBUSY);
    task->watch = watch;
    if (task->state == TASK_ENDED)
        async_watch_append(watch, task);
    return 0;
}

bool async_watch_remove(struct task_watch *watch, struct task *task) {
    (void)watch;
    if (task->state == TASK_ENDED)
        return false;
    task->watch = NULL;
    return true;
}

void async_watch_tell(struct task *task) {
    struct task_watch *watch = task->watch;
    if (!watch)
        return;
    async_watch_append(watch, task);
    struct task *waiter = watch->waiter;
    if (waiter && waiter->state == TASK_WAITING && watch->ended >= watch->wanted)
        loop_wake(loop, waiter, 0);
}

int async_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline, bool is_final) {
    int err = 0;
    if (watch->ended >= wanted)
        return 0;
    watch->wanted = wanted;
    watch->waiter = loop->current;
    if (is_final)
        loop_wait_finally(loop, "tasks to end");
    else
        err = loop_wait(loop, "tasks to end", deadline);
    watch->waiter = NULL;
    return err;
}

struct task *async_watch_take(struct task_watch *watch) {
    struct task *task = watch->first_ended;
    if (task)
        watch->first_ended = task->next;
    return task;
}
