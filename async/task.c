#include "async/loop.h"
#include "async/overflow.h"

#include <errno.h>

struct task *async_self(void) {
    return loop->current;
}

static void report_overflow(void *arg) {
    overflow_report(arg);
}

static void task_main(void *arg) {
    struct task *task = arg;
    task->result = task->function(task->arg);
    if (!stack_is_intact(&task->stack))
        loop_call(loop, report_overflow, task);
    task->has_ended = true;
    if (task->latch)
        async_latch_count_down(task->latch, 1);
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

/* Each task has a timer. Growing runs on the thread's stack, where there is room for realloc. */
static int make_timer_room(struct loop *l) {
    struct reservation reservation = {.loop = l};
    if (timers_have_room(&l->timers, l->tasks + 1))
        return 0;
    if (l->current)
        loop_call(l, reserve_timers, &reservation);
    else
        reserve_timers(&reservation);
    return reservation.err;
}

int async_task_create(struct task **out, struct loop *l, struct stack_pool *stacks,
                      const char *name, task_function *function, void *arg) {
    struct task *task = make_timer_room(l) ? NULL : (struct task *)stack_take(stacks);
    if (!task)
        return -ENOMEM;
    task->name = name;
    task->function = function;
    task->arg = arg;
    task->latch = NULL;
    task->timer.ticket = 0;
    task->has_ended = false;
    coroutine_init(&task->coroutine, stack_begin(&task->stack), stack_bytes(&task->stack),
                   task_main, task);
    l->tasks++;
    loop_make_ready(l, task);
    *out = task;
    return 0;
}

void async_task_destroy(struct task *task) {
    coroutine_destroy(&task->coroutine);
    stack_give(&task->stack);
}

void async_latch_init(struct latch *latch, uint32_t count) {
    *latch = (struct latch){.remaining = count};
}

bool async_latch_attach(struct latch *latch, struct task *task) {
    if (task->has_ended)
        return false;
    task->latch = latch;
    return true;
}

void async_latch_count_down(struct latch *latch, uint32_t count) {
    latch->remaining -= count;
    if (latch->remaining == 0 && latch->waiter)
        loop_make_ready(loop, latch->waiter);
}

void async_latch_wait(struct latch *latch) {
    latch->waiter = loop->current;
    if (latch->remaining)
        loop_wait(loop);
}

int async_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    return async_task_create(out, loop, loop->stacks, name, function, arg);
}

int async_gather(struct task *const *tasks, size_t count, int *results) {
    struct latch latch;
    async_latch_init(&latch, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        if (!async_latch_attach(&latch, tasks[i]))
            async_latch_count_down(&latch, 1);
    async_latch_wait(&latch);
    int first_error = 0;
    for (size_t i = 0; i < count; i++) {
        int result = tasks[i]->result;
        async_task_destroy(tasks[i]);
        if (results)
            results[i] = result;
        if (result < 0 && !first_error)
            first_error = result;
    }
    return first_error;
}

int async_await(struct task *task, int *result) {
    int awaited;
    async_gather(&task, 1, &awaited);
    if (result)
        *result = awaited;
    return 0;
}
