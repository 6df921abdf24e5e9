#include "threaded/engine.h"

#include <errno.h>
#include <stdlib.h>

struct task_watch watch_ended, watch_detached;

static _Thread_local struct task *current;

struct task *threaded_self(void) {
    return current;
}

const char *threaded_name(const struct task *task) {
    return task->name;
}

int threaded_task_create(struct task **out, const char *name, task_function *function, void *arg) {
    struct task *task = malloc(sizeof *task);
    if (!task)
        return -ENOMEM;
    *task = (struct task){.name = name, .function = function, .arg = arg};
    registry_add(task);
    *out = task;
    return 0;
}

void threaded_task_free(struct task *task) {
    registry_remove(task);
    free(task);
}

/* A task that was cancelled before it began never does. */
static int run_function(struct task *task) {
    if (atomic_fetch_and(&task->interrupts, ~(unsigned)INTERRUPT_CANCEL) & INTERRUPT_CANCEL)
        return -ECANCELED;
    return task->function(task->arg);
}

/* From the exchange on the task is its owner's, to be freed at any time, unless it is detached. */
static void tell_end(struct task *task) {
    struct task_watch *watch = atomic_exchange(&task->watch, &watch_ended);
    if (watch == &watch_detached)
        threaded_task_free(task);
    else if (watch)
        threaded_watch_tell(watch, task);
}

void threaded_task_execute(struct task *task, bool is_thread_s_end) {
    struct task *outer = current; /* a pool's worker runs the tasks that its own task awaits */
    current = task;
    task->runner = pthread_self();
    task->result = run_function(task);
    current = outer;
    tell_end(task);
    registry_task_ended(is_thread_s_end);
}

bool threaded_cancel(struct task *task) {
    registry_hold();
    bool is_under_way = !threaded_is_done(task);
    if (is_under_way)
        block_interrupt(task, INTERRUPT_CANCEL);
    registry_release();
    return is_under_way;
}

bool threaded_is_done(const struct task *task) {
    return atomic_load(&task->watch) == &watch_ended;
}

int threaded_result(const struct task *task) {
    return task->result;
}

bool threaded_try_detach(struct task *task) {
    struct task_watch *none = NULL;
    return atomic_compare_exchange_strong(&task->watch, &none, &watch_detached);
}
