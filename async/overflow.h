/* A task that overflows its stack is named, never silently wrong: by a fault in the guard page
   below a large stack, by the bytes written below a small one. */
#ifndef TVA_ASYNC_OVERFLOW_H
#define TVA_ASYNC_OVERFLOW_H

#include "async/engine.h"

/* Catches faults in guard pages, on a signal stack of its own, until overflow_unwatch(). For the
   whole process and the calling thread. Returns 0 or -ENOMEM. */
int overflow_watch(void);
void overflow_unwatch(void);

/* Names the task on standard error and aborts: what else was written over cannot be known. To be
   called on a stack that has room. */
_Noreturn void overflow_report(const struct task *task);

#endif
