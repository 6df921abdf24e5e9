/* A task that overflows its stack is named, never silently wrong: by a fault in the guard page
   below a large stack, by the bytes written below a small one. */
#ifndef TVA_ASYNC_OVERFLOW_H
#define TVA_ASYNC_OVERFLOW_H

#include "async/engine.h"

/* Catches the faults of tasks with stacks of these pools, until overflow_unwatch(). For the whole
   process and the calling thread. The pools must stay until then. Returns 0 or -ENOMEM. */
int overflow_watch(struct stack_pool *const *pools, size_t count);
void overflow_unwatch(void);

/* The same for a further thread: signals get a stack of their own there. Returns 0 or -ENOMEM. */
int overflow_watch_thread(void);
void overflow_unwatch_thread(void);

/* Names the task on standard error and aborts: what else was written over cannot be known. To be
   called on a stack that has room. */
_Noreturn void overflow_report(const struct task *task);

#endif
