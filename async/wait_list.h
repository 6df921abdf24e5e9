/* Tasks that wait for the same thing, those first that wait longest. */
#ifndef TVA_ASYNC_WAIT_LIST_H
#define TVA_ASYNC_WAIT_LIST_H

#include "async/loop.h"

/* Stands on the stack of the task that waits. */
struct waiter {
    struct waiter *next, *previous;
    struct task *task;
};

struct wait_list {
    struct waiter *first, *last;
};

/* Suspends the current task as loop_wait() does, until it is its turn. */
int wait_list_wait(struct wait_list *list, const char *what, int64_t deadline);
void wait_list_wait_finally(struct wait_list *list, const char *what);

/* Wakes the first and returns it, or NULL if nobody waits. */
struct task *wait_list_wake_first(struct wait_list *list);

#endif
