/* Tasks that belong together: none outlives the scope, and when one fails the others are cancelled
   [asyncio.TaskGroup]. Used by one task. */
#ifndef TVA_SYNC_SCOPE_H
#define TVA_SYNC_SCOPE_H

#include "task.h"

struct scope;

int scope_create(struct scope **out); /* -ENOMEM */

/* Spawns a task that the scope owns. Returns as task_spawn() does. */
int scope_spawn(struct scope *scope, const char *name, task_function *function, void *arg);

/* Waits until all tasks of the scope have ended, cancelling the rest when one has failed or the
   caller is cancelled; tasks may go on spawning others into it meanwhile only where they are
   awaited by those. [waits] Returns 0, the first failure, or -ECANCELED. */
int scope_await(struct scope *scope);

/* Cancels and awaits what is left. */
void scope_destroy(struct scope *scope);

#endif
