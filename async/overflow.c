#include "async/overflow.h"

#include "async/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNAL_STACK_BYTES ((size_t)64 << 10)

static _Thread_local void *signal_stack;
static _Thread_local stack_t former_stack;
static struct sigaction former_action;
static struct stack_pool *const *watched_pools;
static size_t watched_pool_count;

/* Formats into a buffer of its own and writes at once, since it also runs in a signal handler that
   has interrupted arbitrary code of this process, which is about to end. */
static void write_report(const struct task *task) {
    char line[256];
    size_t bytes = stack_bytes(&task->stack);
    int length =
        snprintf(line, sizeof line,
                 "async: task '%s' overflowed its stack of %zu bytes (try --stack=%zuKiB)\n",
                 task->name, bytes, 2 * bytes / 1024 + 1);
    if (length > 0)
        (void)!write(STDERR_FILENO, line, strnlen(line, sizeof line));
}

#define FRAMES_BYTES_MAX ((ptrdiff_t)64 << 10)

/* A large stack faults in its guard page, the lowest of a slab in what is not mapped below. Any
   other small one writes over its neighbour's record, and that one's task may be the first to
   fault. */
static const struct task *find_culprit(const void *address) {
    if (!loop || !loop->current)
        return NULL;
    ptrdiff_t below_bytes = (char *)stack_begin(&loop->current->stack) - (const char *)address;
    if (below_bytes > 0 && below_bytes <= FRAMES_BYTES_MAX)
        return loop->current;
    const struct stack *broken = NULL;
    for (size_t i = 0; i < watched_pool_count && !broken; i++)
        broken = stack_pool_find_broken(watched_pools[i]);
    return (const struct task *)broken;
}

/* Any other fault is left to what handled it before: it happens again when this returns. */
static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    const struct task *culprit = find_culprit(info->si_addr);
    if (culprit)
        write_report(culprit);
    sigaction(number, &former_action, NULL);
}

int overflow_watch_thread(void) {
    signal_stack = malloc(SIGNAL_STACK_BYTES);
    if (!signal_stack)
        return -ENOMEM;
    stack_t stack = {.ss_sp = signal_stack, .ss_size = SIGNAL_STACK_BYTES};
    sigaltstack(&stack, &former_stack);
    return 0;
}

void overflow_unwatch_thread(void) {
    sigaltstack(&former_stack, NULL);
    free(signal_stack);
}

int overflow_watch(struct stack_pool *const *pools, size_t count) {
    int err = overflow_watch_thread();
    if (err)
        return err;
    watched_pools = pools;
    watched_pool_count = count;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &former_action);
    return 0;
}

void overflow_unwatch(void) {
    sigaction(SIGSEGV, &former_action, NULL);
    overflow_unwatch_thread();
}

void overflow_report(const struct task *task) {
    write_report(task);
    abort();
}
