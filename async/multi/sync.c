#include "async/multi/engine.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>

/* Stands on the stack of the task that waits. */
struct waiter {
    struct waiter *next, *previous;
    struct task *task;
    bool is_granted; /* taken out by whoever wakes it */
};

/* Tasks of all loops that wait for the same thing, those first that wait longest. */
struct waiters {
    pthread_mutex_t mutex; /* guards all, the waiters and what they wait for */
    struct waiter *first, *last;
};

struct task_mutex {
    struct waiters waiters;
    struct task *owner;
};

struct task_condition {
    struct waiters waiters;
};

/* With the mutex held, like the next two. */
static void append(struct waiters *waiters, struct waiter *waiter) {
    *waiter = (struct waiter){.previous = waiters->last, .task = loop->current};
    *(waiters->last ? &waiters->last->next : &waiters->first) = waiter;
    waiters->last = waiter;
}

static void take_out(struct waiters *waiters, struct waiter *waiter) {
    *(waiter->previous ? &waiter->previous->next : &waiters->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &waiters->last) = waiter->previous;
}

/* Returns the first, which the caller has to wake, or NULL. */
static struct waiter *grant_first(struct waiters *waiters) {
    struct waiter *waiter = waiters->first;
    if (waiter) {
        take_out(waiters, waiter);
        waiter->is_granted = true;
    }
    return waiter;
}

/* After a wait that ended with `err`. Returns what it counts as having ended with. */
static int leave(struct waiters *waiters, struct waiter *waiter, const char *what, int err) {
    if (!err)
        return 0;
    pthread_mutex_lock(&waiters->mutex);
    bool is_granted = waiter->is_granted;
    if (!is_granted)
        take_out(waiters, waiter);
    pthread_mutex_unlock(&waiters->mutex);
    if (!is_granted)
        return err;
    multi_accept_wake(what, err);
    return 0;
}

int multi_mutex_create(struct task_mutex **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return -ENOMEM;
    (*out)->waiters.mutex = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
    return 0;
}

void multi_mutex_destroy(struct task_mutex *mutex) {
    free(mutex);
}

/* Whoever unlocks hands the mutex over, so that nobody comes in between. */
static bool take_or_append(struct task_mutex *mutex, struct waiter *waiter) {
    pthread_mutex_lock(&mutex->waiters.mutex);
    bool is_free = !mutex->owner;
    if (is_free)
        mutex->owner = loop->current;
    else
        append(&mutex->waiters, waiter);
    pthread_mutex_unlock(&mutex->waiters.mutex);
    return is_free;
}

int multi_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    struct waiter waiter;
    if (take_or_append(mutex, &waiter))
        return 0;
    int err = loop_wait(loop, "a mutex", deadline);
    return leave(&mutex->waiters, &waiter, "a mutex", err);
}

void multi_mutex_lock_finally(struct task_mutex *mutex) {
    struct waiter waiter;
    if (!take_or_append(mutex, &waiter))
        loop_wait_finally(loop, "a mutex");
}

static void report_not_owner(void *arg) {
    (void)arg;
    report_line("async: task '%s' unlocks a mutex that it does not hold", loop->current->name);
}

int multi_mutex_unlock(struct task_mutex *mutex) {
    struct waiter *next = NULL;
    struct task *heir = NULL;
    pthread_mutex_lock(&mutex->waiters.mutex);
    bool is_owner = mutex->owner == loop->current;
    if (is_owner) {
        next = grant_first(&mutex->waiters);
        heir = next ? next->task : NULL;
        mutex->owner = heir;
    }
    pthread_mutex_unlock(&mutex->waiters.mutex);
    if (heir)
        multi_wake(heir);
    if (!is_owner)
        loop_call(loop, report_not_owner, NULL);
    return is_owner ? 0 : -EPERM;
}

int multi_condition_create(struct task_condition **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return -ENOMEM;
    (*out)->waiters.mutex = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
    return 0;
}

void multi_condition_destroy(struct task_condition *condition) {
    free(condition);
}

/* In line before the mutex is unlocked, since from then on another loop may notify. */
int multi_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                         int64_t deadline) {
    static const char what[] = "a condition";
    struct waiter waiter;
    pthread_mutex_lock(&condition->waiters.mutex);
    append(&condition->waiters, &waiter);
    pthread_mutex_unlock(&condition->waiters.mutex);
    int misuse = multi_mutex_unlock(mutex);
    int err = misuse ? misuse : loop_wait(loop, what, deadline);
    err = leave(&condition->waiters, &waiter, what, err);
    if (misuse)
        return misuse;
    multi_mutex_lock_finally(mutex);
    return err;
}

/* A waiter that is taken out stays on its stack until it is woken. */
void multi_condition_notify(struct task_condition *condition, size_t count) {
    struct waiter *granted = NULL, **end = &granted;
    pthread_mutex_lock(&condition->waiters.mutex);
    while (count--) {
        struct waiter *waiter = grant_first(&condition->waiters);
        if (!waiter)
            break;
        waiter->next = NULL;
        *end = waiter;
        end = &waiter->next;
    }
    pthread_mutex_unlock(&condition->waiters.mutex);
    while (granted) {
        struct waiter *next = granted->next;
        multi_wake(granted->task);
        granted = next;
    }
}
