#include "threaded/engine.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Stands in task->waiter from the moment that the task has ended. */
static struct latch task_ended;

static _Thread_local struct task *current;

struct task *threaded_self(void) {
    return current;
}

int threaded_task_create(struct task **out, const char *name, task_function *function, void *arg) {
    struct task *task = malloc(sizeof *task);
    if (!task)
        return -ENOMEM;
    *task = (struct task){.name = name, .function = function, .arg = arg};
    *out = task;
    return 0;
}

void threaded_task_execute(struct task *task) {
    struct task *outer = current; /* a pool's worker runs the tasks that its own task awaits */
    current = task;
    task->result = task->function(task->arg);
    current = outer;
    struct latch *waiter = atomic_exchange(&task->waiter, &task_ended);
    if (waiter)
        threaded_latch_count_down(waiter, 1);
}

void threaded_latch_init(struct latch *latch, uint32_t count) {
    atomic_init(&latch->remaining, count);
}

int threaded_latch_attach(struct latch *latch, struct task *task) {
    struct latch *none = NULL;
    return atomic_compare_exchange_strong(&task->waiter, &none, latch);
}

/* The latch stands on the waiter's stack and may be gone once it is zero: after that only its
   address is used. Waking an address that nobody waits on, or that is no longer mapped, does
   nothing. */
void threaded_latch_count_down(struct latch *latch, uint32_t count) {
    if (atomic_fetch_sub(&latch->remaining, count) == count)
        syscall(SYS_futex, &latch->remaining, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void threaded_latch_wait(struct latch *latch) {
    uint32_t remaining;
    while ((remaining = atomic_load(&latch->remaining)) != 0)
        syscall(SYS_futex, &latch->remaining, FUTEX_WAIT_PRIVATE, remaining, NULL, NULL, 0);
}
