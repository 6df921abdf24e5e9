#include "async/loop.h"
#include "async/overflow.h"

#include <errno.h>

struct task *async_self(void) {
    return loop->current;
}

const char *async_name(const struct task *task) {
    return task->name;
}

void async_report_overflow(void *task) {
    overflow_report(task);
}

static void task_main(void *arg) {
    struct task *task = arg;
    loop_run_function(loop);
    task->state = TASK_ENDED;
    async_watch_tell(task);
    loop_exit_task(loop);
}

struct reservation {
    struct loop *loop;
    int err;
};

static void reserve_timers(void *arg) {
    struct reservation *reservation = arg;
    struct loop *l = reservation->loop;
    reservation->err = timers_reserve(&l->timers, l->tasks + 1);
}

/* Growing runs on the thread's stack, where there is room for realloc. */
int loop_make_timer_room(struct loop *l) {
    struct reservation reservation = {.loop = l};
    if (timers_have_room(&l->timers, l->tasks + 1))
        return 0;
    if (l->current)
        loop_call(l, reserve_timers, &reservation);
    else
        reserve_timers(&reservation);
    return reservation.err;
}

/* Its timer is not in any timers: a record is zero at first, and a task ends without. */
void async_task_init(struct task *task, const char *name, task_function *function, void *arg,
                     void (*entry)(void *task)) {
    task->name = name;
    task->function = function;
    task->arg = arg;
    task->watch = NULL;
    task->state = TASK_READY;
    task->is_final = task->is_detached = task->is_cancelled = false;
    coroutine_init(&task->coroutine, stack_begin(&task->stack), stack_bytes(&task->stack), entry,
                   task);
}

int async_task_create(struct task **out, struct loop *l, struct stack_pool *stacks,
                      const char *name, task_function *function, void *arg) {
    struct task *task = loop_make_timer_room(l) ? NULL : (struct task *)stack_take(stacks);
    if (!task)
        return -ENOMEM;
    async_task_init(task, name, function, arg, task_main);
    loop_enter(l, task);
    *out = task;
    return 0;
}

void async_task_destroy(struct loop *l, struct task *task) {
    loop_remove(l, task);
    task->state = TASK_FREED;
    coroutine_destroy(&task->coroutine);
    stack_give(&task->stack);
}

int async_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    return async_task_create(out, loop, loop->stacks, name, function, arg);
}

bool async_cancel(struct task *task) {
    if (task->state == TASK_ENDED)
        return false;
    if (task->state == TASK_WAITING && !task->is_final)
        loop_wake(loop, task, -ECANCELED);
    else
        task->is_cancelled = true;
    return true;
}

bool async_is_done(const struct task *task) {
    return task->state == TASK_ENDED;
}

void async_detach(struct task *task) {
    if (async_is_done(task))
        async_task_destroy(loop, task);
    else
        task->is_detached = true;
}

int async_result(const struct task *task) {
    return task->result;
}

int async_reap(struct task *task) {
    int result = task->result;
    async_task_destroy(loop, task);
    return result;
}
