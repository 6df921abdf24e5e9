#include "report.h"
#include "threaded/engine.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The three states of Drepper's mutex ("Futexes Are Tricky", 2011, section 6). */
enum { UNLOCKED, LOCKED, LOCKED_AND_AWAITED };

struct task_mutex {
    _Atomic uint32_t state;
    _Atomic(struct task *) owner; /* for telling misuse; meaningful to the owner alone */
};

struct task_condition {
    _Atomic uint32_t notifications;
    _Atomic uint32_t waiters; /* raised while the mutex is held: who notifies sees them all */
};

int threaded_mutex_create(struct task_mutex **out) {
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void threaded_mutex_destroy(struct task_mutex *mutex) {
    free(mutex);
}

static bool try_lock(struct task_mutex *mutex) {
    uint32_t unlocked = UNLOCKED;
    return atomic_compare_exchange_strong(&mutex->state, &unlocked, LOCKED);
}

/* Whoever gives up may have been the one that was woken: it passes that on. */
static int lock_contended(struct task_mutex *mutex, int64_t deadline, bool is_final) {
    int err = 0;
    while (!err && atomic_exchange(&mutex->state, LOCKED_AND_AWAITED) != UNLOCKED) {
        if (is_final)
            block_wait_finally(&mutex->state, LOCKED_AND_AWAITED, "a mutex");
        else
            err = block_wait(&mutex->state, LOCKED_AND_AWAITED, "a mutex", deadline);
    }
    if (err)
        block_wake(&mutex->state, 1);
    return err;
}

int threaded_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    int err = try_lock(mutex) ? 0 : lock_contended(mutex, deadline, false);
    if (!err)
        atomic_store_explicit(&mutex->owner, threaded_self(), memory_order_relaxed);
    return err;
}

void threaded_mutex_lock_finally(struct task_mutex *mutex) {
    if (!try_lock(mutex))
        lock_contended(mutex, TASK_NO_DEADLINE, true);
    atomic_store_explicit(&mutex->owner, threaded_self(), memory_order_relaxed);
}

static int check_owner(struct task_mutex *mutex) {
    struct task *self = threaded_self();
    if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) == self)
        return 0;
    report_line("threads: task '%s' unlocks a mutex that it does not hold", self->name);
    return -EPERM;
}

static void unlock(struct task_mutex *mutex) {
    atomic_store_explicit(&mutex->owner, NULL, memory_order_relaxed);
    if (atomic_exchange(&mutex->state, UNLOCKED) == LOCKED_AND_AWAITED)
        block_wake(&mutex->state, 1);
}

int threaded_mutex_unlock(struct task_mutex *mutex) {
    int err = check_owner(mutex);
    if (!err)
        unlock(mutex);
    return err;
}

int threaded_condition_create(struct task_condition **out) {
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void threaded_condition_destroy(struct task_condition *condition) {
    free(condition);
}

/* A notification that comes between the unlock and the wait has changed the number, so that the
   wait does not begin. One that comes together with a cancellation wins: the cancellation is
   delivered by the next wait. */
int threaded_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                            int64_t deadline) {
    uint32_t seen = atomic_load(&condition->notifications);
    int err = check_owner(mutex);
    if (err)
        return err;
    atomic_fetch_add(&condition->waiters, 1);
    unlock(mutex);
    err = block_wait(&condition->notifications, seen, "a condition", deadline);
    atomic_fetch_sub(&condition->waiters, 1);
    threaded_mutex_lock_finally(mutex);
    return err;
}

/* A system call for nobody is most of what a queue would cost. */
void threaded_condition_notify(struct task_condition *condition, size_t count) {
    if (!atomic_load(&condition->waiters))
        return;
    atomic_fetch_add(&condition->notifications, 1);
    block_wake(&condition->notifications, count < INT_MAX ? (int)count : INT_MAX);
}
