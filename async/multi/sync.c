#include "async/multi/engine.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>

/* Between two looks at what another thread is about to change. */
#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("isb")
#else
#define RELAX() ((void)0)
#endif

/* How often a task looks again whether a mutex that another loop's task holds is free: most are
   held for less than it takes to wake somebody. */
#define SPINS 100

/* Stands on the stack of the task that waits. */
struct waiter {
    struct waiter *next, *previous;
    struct task *task;
    struct task_mutex *mutex; /* of a condition's: which it needs when it has been notified */
    bool is_notified;         /* it has gone over from the condition's line to the mutex's */
    bool is_granted;          /* taken out by whoever wakes it: it owns the mutex, or has to try */
    bool is_owner;
    bool is_overtaken; /* it was woken to try, and another had the mutex */
};

/* Tasks of all loops that wait for the same thing, those first that wait longest. */
struct waiters {
    pthread_mutex_t guard; /* of all here, and of the waiters */
    struct waiter *first, *last;
    atomic_size_t count;
};

/* A mutex is locked and unlocked by one atomic step each while nobody waits. Waking a task of
   another loop takes as long as hundreds of such steps: so the first of them is woken to try, and
   meanwhile others may come before it, once; then the mutex is handed over. Whoever unlocks does
   not touch the mutex afterwards, since its next owner may destroy it. */
struct task_mutex {
    atomic_uintptr_t state; /* the owner's address, and the bit below; changed by the owner, by who
                               takes it when it has none, and with the guard held */
    struct waiters waiters;
    bool is_heir_coming; /* one has been woken to try and has not tried yet; guarded */
};

#define IS_AWAITED ((uintptr_t)1)

static const char mutex_words[] = "a mutex";

struct task_condition {
    struct waiters waiters;
};

static void waiters_init(struct waiters *waiters) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&waiters->guard, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/* With the guard held, like the next two. */
static void append(struct waiters *waiters, struct waiter *waiter) {
    waiter->next = NULL;
    waiter->previous = waiters->last;
    *(waiters->last ? &waiters->last->next : &waiters->first) = waiter;
    waiters->last = waiter;
    waiters->count++;
}

static void prepend(struct waiters *waiters, struct waiter *waiter) {
    waiter->previous = NULL;
    waiter->next = waiters->first;
    *(waiters->first ? &waiters->first->previous : &waiters->last) = waiter;
    waiters->first = waiter;
    waiters->count++;
}

static void take_out(struct waiters *waiters, struct waiter *waiter) {
    *(waiter->previous ? &waiter->previous->next : &waiters->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &waiters->last) = waiter->previous;
    waiters->count--;
}

int multi_mutex_create(struct task_mutex **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return -ENOMEM;
    waiters_init(&(*out)->waiters);
    return 0;
}

/* Whoever unlocked it last may still hold the guard. */
void multi_mutex_destroy(struct task_mutex *mutex) {
    pthread_mutex_lock(&mutex->waiters.guard);
    pthread_mutex_unlock(&mutex->waiters.guard);
    free(mutex);
}

static struct task *owner_of(uintptr_t state) {
    return (struct task *)(state & ~IS_AWAITED);
}

/* *state is what was found. */
static bool try_take(struct task_mutex *mutex, uintptr_t *state) {
    *state = atomic_load(&mutex->state);
    while (!owner_of(*state))
        if (atomic_compare_exchange_weak(&mutex->state, state, *state | (uintptr_t)loop->current))
            return true;
    return false;
}

/* While the owner may be running, and about to unlock. */
static bool try_take_for_long(struct task_mutex *mutex) {
    uintptr_t state;
    for (int i = 0; i < SPINS; i++) {
        if (try_take(mutex, &state))
            return true;
        if (multi_task_of(owner_of(state))->home == loop)
            return false;
        RELAX();
    }
    return false;
}

/* Takes it, or, if it has an owner, marks it as awaited. Returns whether it was taken. */
static bool take_or_mark(struct task_mutex *mutex) {
    uintptr_t state;
    do {
        if (try_take(mutex, &state))
            return true;
    } while (!atomic_compare_exchange_weak(&mutex->state, &state, state | IS_AWAITED));
    return false;
}

/* Returns whether the mutex was taken; else the waiter is in line, and the owner will see so. */
static bool take_or_line_up(struct task_mutex *mutex, struct waiter *waiter) {
    pthread_mutex_lock(&mutex->waiters.guard);
    if (waiter->is_granted)
        mutex->is_heir_coming = false;
    bool is_taken = take_or_mark(mutex);
    waiter->is_overtaken = waiter->is_granted;
    waiter->is_granted = false;
    if (!is_taken && waiter->is_overtaken)
        prepend(&mutex->waiters, waiter);
    else if (!is_taken)
        append(&mutex->waiters, waiter);
    pthread_mutex_unlock(&mutex->waiters.guard);
    return is_taken;
}

/* After a wait in line that ended with `err`. Returns what it counts as having ended with. */
static int leave_line(struct task_mutex *mutex, struct waiter *waiter, int err) {
    pthread_mutex_lock(&mutex->waiters.guard);
    bool is_granted = waiter->is_granted;
    if (!is_granted)
        take_out(&mutex->waiters, waiter);
    pthread_mutex_unlock(&mutex->waiters.guard);
    if (!is_granted)
        return err;
    multi_accept_wake(mutex_words, err);
    return 0;
}

static int lock(struct task_mutex *mutex, int64_t deadline) {
    struct waiter waiter = {.task = loop->current};
    int err = 0;
    if (try_take_for_long(mutex))
        return 0;
    while (!err && !waiter.is_owner && !take_or_line_up(mutex, &waiter)) {
        err = loop_wait(loop, mutex_words, deadline);
        if (err)
            err = leave_line(mutex, &waiter, err);
    }
    return err;
}

/* Of one that has not been in line, or has been woken since. */
static void lock_finally(struct task_mutex *mutex, struct waiter *waiter) {
    while (!waiter->is_owner && !take_or_line_up(mutex, waiter))
        loop_wait_finally(loop, mutex_words);
}

int multi_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    return lock(mutex, deadline);
}

void multi_mutex_lock_finally(struct task_mutex *mutex) {
    struct waiter waiter = {.task = loop->current};
    if (!try_take_for_long(mutex))
        lock_finally(mutex, &waiter);
}

/* With the guard held, by the owner. Returns the one to wake, or NULL. One of the same loop is
   handed the mutex, too: it takes no time to wake. */
static struct task *release(struct task_mutex *mutex) {
    struct waiter *first = mutex->is_heir_coming ? NULL : mutex->waiters.first;
    uintptr_t owner = 0;
    if (first) {
        take_out(&mutex->waiters, first);
        first->is_granted = true;
        first->is_owner = first->is_overtaken || multi_task_of(first->task)->home == loop;
        mutex->is_heir_coming = !first->is_owner;
        owner = first->is_owner ? (uintptr_t)first->task : 0;
    }
    struct task *woken = first ? first->task : NULL;
    atomic_store(&mutex->state, owner | (mutex->waiters.first ? IS_AWAITED : 0));
    return woken;
}

static void report_not_owner(void *arg) {
    (void)arg;
    report_line("async: task '%s' unlocks a mutex that it does not hold", loop->current->name);
}

int multi_mutex_unlock(struct task_mutex *mutex) {
    uintptr_t state = (uintptr_t)loop->current;
    if (atomic_compare_exchange_strong(&mutex->state, &state, 0))
        return 0;
    if (owner_of(state) != loop->current) {
        loop_call(loop, report_not_owner, NULL);
        return -EPERM;
    }
    pthread_mutex_lock(&mutex->waiters.guard);
    struct task *next = release(mutex);
    pthread_mutex_unlock(&mutex->waiters.guard);
    if (next)
        multi_wake(next);
    return 0;
}

int multi_condition_create(struct task_condition **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return -ENOMEM;
    waiters_init(&(*out)->waiters);
    return 0;
}

void multi_condition_destroy(struct task_condition *condition) {
    free(condition);
}

/* Returns whether the waiter, whose wait did not end by a wake, has been notified all the same. */
static bool leave_condition(struct task_condition *condition, struct waiter *waiter) {
    pthread_mutex_lock(&condition->waiters.guard);
    bool is_notified = waiter->is_notified;
    if (!is_notified)
        take_out(&condition->waiters, waiter);
    pthread_mutex_unlock(&condition->waiters.guard);
    return is_notified;
}

/* In line before the mutex is unlocked, since from then on another loop may notify. */
int multi_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                         int64_t deadline) {
    static const char words[] = "a condition";
    struct waiter waiter = {.task = loop->current, .mutex = mutex};
    if (owner_of(atomic_load(&mutex->state)) != loop->current)
        return multi_mutex_unlock(mutex);
    pthread_mutex_lock(&condition->waiters.guard);
    append(&condition->waiters, &waiter);
    pthread_mutex_unlock(&condition->waiters.guard);
    multi_mutex_unlock(mutex);
    int err = loop_wait(loop, words, deadline);
    if (err && leave_condition(condition, &waiter)) {
        multi_accept_wake(mutex_words, err);
        err = 0;
    }
    lock_finally(mutex, &waiter);
    return err;
}

/* Takes out the first of those that wait, and marks it, or returns NULL. */
static struct waiter *notify_first(struct task_condition *condition) {
    pthread_mutex_lock(&condition->waiters.guard);
    struct waiter *waiter = condition->waiters.first;
    if (waiter) {
        take_out(&condition->waiters, waiter);
        waiter->is_notified = true;
    }
    pthread_mutex_unlock(&condition->waiters.guard);
    return waiter;
}

/* What is notified needs the mutex first of all, which the caller holds: woken now, it would have
   to wait again. (A caller that does not hold it wakes it all the same.) */
static void line_up_for_mutex(struct waiter *waiter) {
    struct task_mutex *mutex = waiter->mutex;
    struct task *woken = NULL;
    pthread_mutex_lock(&mutex->waiters.guard);
    append(&mutex->waiters, waiter);
    if (take_or_mark(mutex))
        woken = release(mutex);
    pthread_mutex_unlock(&mutex->waiters.guard);
    if (woken)
        multi_wake(woken);
}

/* Whoever began to wait did so with the mutex that the caller holds, so is seen without the guard.
 */
void multi_condition_notify(struct task_condition *condition, size_t count) {
    struct waiter *waiter;
    while (count-- && atomic_load_explicit(&condition->waiters.count, memory_order_relaxed) &&
           (waiter = notify_first(condition)))
        line_up_for_mutex(waiter);
}
