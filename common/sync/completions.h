/* Tasks in the order in which they end [asyncio.as_completed]. */
#ifndef TVA_SYNC_COMPLETIONS_H
#define TVA_SYNC_COMPLETIONS_H

#include "task.h"

struct completions;

/* Watches the tasks, whose handles stay the caller's; nobody else may await one before it has come
   out. Returns 0; -ENOMEM; misuse as task_await(). */
int completions_create(struct completions **out, struct task *const *tasks, size_t count);

/* Tasks that have not come out may be awaited otherwise afterwards. */
void completions_destroy(struct completions *completions);

/* Waits for the next task to end and gives it: awaiting it, which frees it, does not wait. [waits]
   Returns 0, or -ENOENT when all have come out. */
int completions_next(struct completions *completions, int64_t deadline, struct task **task);

#endif
