#include "report.h"
#include "threaded/engine.h"

#include <errno.h>
#include <stdlib.h>

/* Of registry.going: one thread that can go on, and one wait that a deadline ends. They share a
   word so that it can be seen at once that there is neither; there is room for more than Linux has.
 */
#define ONE_ACTIVE UINT64_C(1)
#define ONE_TIMED (UINT64_C(1) << 40)

static struct registry {
    pthread_mutex_t mutex; /* guards the list and what follows it; recursive: see registry_hold() */
    pthread_cond_t is_empty;
    struct task *newest; /* that is not freed */
    size_t tasks;        /* that have not ended, main apart */
    bool is_finishing;
    bool (*is_hopeful)(void);
    pthread_mutex_t check_mutex; /* held while the words that tasks wait on are looked at */
    atomic_bool is_checking;
    _Atomic uint64_t going;
} registry;

void registry_start(bool (*is_hopeful)(void)) {
    registry = (struct registry){.mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
                                 .is_empty = PTHREAD_COND_INITIALIZER,
                                 .check_mutex = PTHREAD_MUTEX_INITIALIZER,
                                 .is_hopeful = is_hopeful};
}

void registry_add(struct task *task) {
    pthread_mutex_lock(&registry.mutex);
    if (registry.is_finishing) /* cancelled before it begins */
        atomic_fetch_or(&task->interrupts, INTERRUPT_CANCEL);
    registry.tasks++;
    task->newer = NULL;
    task->older = registry.newest;
    if (registry.newest)
        registry.newest->newer = task;
    registry.newest = task;
    pthread_mutex_unlock(&registry.mutex);
}

void registry_remove(struct task *task) {
    pthread_mutex_lock(&registry.mutex);
    *(task->newer ? &task->newer->older : &registry.newest) = task->older;
    if (task->older)
        task->older->newer = task->newer;
    pthread_mutex_unlock(&registry.mutex);
}

/* With the mutex held, like all that follows. Whether others can end the task's wait. */
static bool is_interruptible(const struct task *task) {
    return atomic_load(&task->waiting_for) && !task->is_final;
}

/* Whether a task that is counted as waiting is only about to, or about to come out: what it waits
   on has changed since it looked, or it has been told to end its wait. */
static bool will_any_go_on(void) {
    for (struct task *task = registry.newest; task; task = task->older) {
        if (!atomic_load(&task->waiting_for))
            continue;
        if (atomic_load(task->waiting_word) != task->waiting_value)
            return true;
        if (is_interruptible(task) && atomic_load(&task->interrupts))
            return true;
    }
    return false;
}

/* A thread that resumes is counted first and asks is_checking then; here it is the other way round,
   so that what a task waits on stays while it is looked at. */
static bool is_deadlocked(void) {
    if (registry.is_hopeful && registry.is_hopeful())
        return false;
    pthread_mutex_lock(&registry.check_mutex);
    atomic_store(&registry.is_checking, true);
    bool is_deadlocked = !atomic_load(&registry.going) && registry.tasks && !will_any_go_on();
    atomic_store(&registry.is_checking, false);
    pthread_mutex_unlock(&registry.check_mutex);
    return is_deadlocked;
}

/* Tells of every task what it waits for, and marks the waits that may end: all, before the first of
   them does and things change. Returns whether there is one. */
static bool mark_deadlocked(void) {
    bool is_any = false;
    report_line("threads: deadlock: all tasks wait and nothing can wake them");
    for (struct task *task = registry.newest; task; task = task->older) {
        const char *what = atomic_load(&task->waiting_for);
        if (!what)
            continue;
        report_line("threads: task '%s' waits for %s", task->name, what);
        if (is_interruptible(task)) {
            atomic_fetch_or(&task->interrupts, INTERRUPT_DEADLOCK);
            is_any = true;
        }
    }
    return is_any;
}

/* A thread cannot be ended from outside, so where no wait may end there is nothing left to do. */
static void break_deadlock(void) {
    if (!mark_deadlocked()) {
        report_line("threads: none of these waits can be ended: aborting");
        abort();
    }
    for (struct task *task = registry.newest; task; task = task->older)
        if (atomic_load(&task->interrupts) & INTERRUPT_DEADLOCK)
            block_interrupt(task, INTERRUPT_DEADLOCK);
}

void registry_thread_resumes(size_t count) {
    atomic_fetch_add(&registry.going, count * ONE_ACTIVE);
}

void registry_thread_stays(size_t count) {
    atomic_fetch_sub(&registry.going, count * ONE_ACTIVE);
}

void registry_thread_has_resumed(void) {
    if (!atomic_load(&registry.is_checking))
        return;
    pthread_mutex_lock(&registry.check_mutex);
    pthread_mutex_unlock(&registry.check_mutex);
}

/* Returns whether it was the last that could go on. */
static bool pause_one(bool has_deadline) {
    uint64_t change = (has_deadline ? ONE_TIMED : 0) - ONE_ACTIVE;
    return atomic_fetch_add(&registry.going, change) + change == 0;
}

void registry_thread_pauses(bool has_deadline) {
    if (!pause_one(has_deadline))
        return;
    pthread_mutex_lock(&registry.mutex);
    if (is_deadlocked())
        break_deadlock();
    pthread_mutex_unlock(&registry.mutex);
}

void registry_deadline_passed(void) {
    atomic_fetch_sub(&registry.going, ONE_TIMED);
}

void registry_task_ended(bool is_thread_s_end) {
    pthread_mutex_lock(&registry.mutex);
    registry.tasks--;
    if (is_thread_s_end && pause_one(false) && is_deadlocked())
        break_deadlock();
    if (registry.tasks == 0)
        pthread_cond_signal(&registry.is_empty);
    pthread_mutex_unlock(&registry.mutex);
}

void registry_hold(void) {
    pthread_mutex_lock(&registry.mutex);
}

void registry_release(void) {
    pthread_mutex_unlock(&registry.mutex);
}

void registry_cancel_rest(void) {
    pthread_mutex_lock(&registry.mutex);
    registry.is_finishing = true;
    for (struct task *task = registry.newest; task; task = task->older)
        if (!threaded_is_done(task))
            task_calls->cancel(task);
    pthread_mutex_unlock(&registry.mutex);
}

/* What is left when all tasks have ended was owned, and never awaited. */
static void free_unowned(void) {
    while (registry.newest) {
        struct task *task = registry.newest;
        report_line("threads: task '%s' was neither awaited nor detached", task->name);
        task_calls->reap(task);
    }
}

void registry_finish(void) {
    pthread_mutex_lock(&registry.mutex);
    while (registry.tasks)
        pthread_cond_wait(&registry.is_empty, &registry.mutex);
    pthread_mutex_unlock(&registry.mutex);
    free_unowned();
}
