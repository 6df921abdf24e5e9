#include "clock.h"
#include "threaded/engine.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Ignored unless somebody wants to know of urgent data, which nobody here does. */
#define INTERRUPT_SIGNAL SIGURG

static struct sigaction former_action;

static void on_interrupt(int number) {
    (void)number; /* that the system call ends is all there is to it */
}

/* Without SA_RESTART: the call is to end, not to go on. */
void block_start(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(INTERRUPT_SIGNAL, &action, &former_action);
}

void block_finish(void) {
    sigaction(INTERRUPT_SIGNAL, &former_action, NULL);
}

/* Takes the first of the reasons that are there. */
static int take_interrupt(struct task *self) {
    if (!atomic_load(&self->interrupts))
        return 0;
    if (atomic_fetch_and(&self->interrupts, ~(unsigned)INTERRUPT_CANCEL) & INTERRUPT_CANCEL)
        return -ECANCELED;
    if (atomic_fetch_and(&self->interrupts, ~(unsigned)INTERRUPT_DEADLOCK) & INTERRUPT_DEADLOCK)
        return -EDEADLK;
    return 0;
}

/* Whoever interrupts stores the reason first and looks at is_blocked then; here it is the other way
   round, so that one of the two sees the other. */
int block_begin(struct task *self) {
    atomic_store(&self->is_blocked, true);
    int err = take_interrupt(self);
    if (err)
        block_end(self);
    return err;
}

void block_end(struct task *self) {
    atomic_store(&self->is_blocked, false);
}

/* A signal that comes after is_blocked was set but before the system call began is lost, so it is
   sent until the task has come out. */
void block_interrupt(struct task *task, unsigned reason) {
    atomic_fetch_or(&task->interrupts, reason);
    if (task == threaded_self()) /* it looks before it waits */
        return;
    while (atomic_load(&task->is_blocked) && atomic_load(&task->interrupts) & reason) {
        pthread_kill(task->runner, INTERRUPT_SIGNAL);
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_US}, NULL);
    }
}

/* Returns 0 if woken by block_wake(), else the errno. */
static int futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline) {
    struct timespec until = clock_timespec(deadline);
    bool is_forever = deadline == TASK_NO_DEADLINE;
    long err = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
                       is_forever ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return err ? errno : 0;
}

/* From here on the thread cannot go on until another lets it, or its deadline comes. Comes before
   block_begin(), since it may wait for the registry's mutex, whose holder may be waiting for all
   who are blocked to come out. */
static void pause_thread(struct task *self, _Atomic uint32_t *word, uint32_t value,
                         const char *what, bool has_deadline) {
    self->waiting_word = word;
    self->waiting_value = value;
    atomic_store(&self->waiting_for, what);
    registry_thread_pauses(has_deadline);
}

/* Whoever wakes a thread has counted it as going on again; one that comes back otherwise counts
   itself. */
static void resume_thread(struct task *self, bool has_deadline, bool is_woken) {
    if (!is_woken)
        registry_thread_resumes(1);
    registry_thread_has_resumed();
    if (has_deadline)
        registry_deadline_passed();
    atomic_store(&self->waiting_for, NULL);
}

/* Returns 0 or the errno. An interruption is only looked at: until the thread has resumed, others
   must see that it is about to. */
static int wait_once(struct task *self, _Atomic uint32_t *word, uint32_t value, const char *what,
                     int64_t deadline) {
    bool has_deadline = deadline != TASK_NO_DEADLINE;
    pause_thread(self, word, value, what, has_deadline);
    atomic_store(&self->is_blocked, true);
    int err = atomic_load(&self->interrupts) ? EINTR : futex_wait(word, value, deadline);
    block_end(self);
    resume_thread(self, has_deadline, err == 0);
    return err;
}

/* A wait that comes to an end in a deadlock, but not of it, is not told of it later. */
int block_wait(_Atomic uint32_t *word, uint32_t value, const char *what, int64_t deadline) {
    struct task *self = threaded_self();
    int err, interrupt = 0;
    self->is_final = false;
    do {
        err = wait_once(self, word, value, what, deadline);
        if (err == EINTR)
            interrupt = take_interrupt(self);
    } while (err == EINTR && !interrupt);
    if (atomic_load(&self->interrupts) & INTERRUPT_DEADLOCK)
        atomic_fetch_and(&self->interrupts, ~(unsigned)INTERRUPT_DEADLOCK);
    if (interrupt)
        return interrupt;
    return err == ETIMEDOUT ? -ETIMEDOUT : 0;
}

void block_wait_finally(_Atomic uint32_t *word, uint32_t value, const char *what) {
    struct task *self = threaded_self();
    int err;
    self->is_final = true;
    do {
        pause_thread(self, word, value, what, false);
        err = futex_wait(word, value, TASK_NO_DEADLINE);
        resume_thread(self, false, err == 0);
    } while (err == EINTR);
}

/* They are counted before they are woken: one that runs, and waits again, before the caller goes on
   would otherwise seem to be the last that could. */
void block_wake(_Atomic uint32_t *word, int count) {
    registry_thread_resumes((size_t)count);
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    registry_thread_stays((size_t)count - (size_t)(woken > 0 ? woken : 0));
}
