#include "async/wait_list.h"

static void append(struct wait_list *list, struct waiter *waiter) {
    *waiter = (struct waiter){.previous = list->last, .task = loop->current};
    *(list->last ? &list->last->next : &list->first) = waiter;
    list->last = waiter;
}

static void remove_waiter(struct wait_list *list, struct waiter *waiter) {
    *(waiter->previous ? &waiter->previous->next : &list->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &list->last) = waiter->previous;
}

/* Whoever wakes it removes it; what ends the wait otherwise does not know the list. */
int wait_list_wait(struct wait_list *list, const char *what, int64_t deadline) {
    struct waiter waiter;
    append(list, &waiter);
    int err = loop_wait(loop, what, deadline);
    if (err)
        remove_waiter(list, &waiter);
    return err;
}

void wait_list_wait_finally(struct wait_list *list, const char *what) {
    struct waiter waiter;
    append(list, &waiter);
    loop_wait_finally(loop, what);
}

/* One whose wait has been ended otherwise, and which has not run since, takes itself out. */
struct task *wait_list_wake_first(struct wait_list *list) {
    struct waiter *waiter = list->first;
    while (waiter && waiter->task->state != TASK_WAITING)
        waiter = waiter->next;
    if (!waiter)
        return NULL;
    struct task *task = waiter->task;
    remove_waiter(list, waiter);
    loop_wake(loop, task, 0);
    return task;
}
