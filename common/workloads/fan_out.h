/* The shape that most workloads share: main spawns N tasks, each with a number, and gathers them.
 */
#ifndef TVA_WORKLOADS_FAN_OUT_H
#define TVA_WORKLOADS_FAN_OUT_H

#include "operation.h"
#include "task.h"

/* The body of task `number`; `state` is the workload's. */
typedef int fan_out_function(void *state, uint64_t number);

struct fan_out;

/* Allocates and touches what spawning `count` tasks called `name` needs. The caller destroys it.
   `name`, `state` and `recorder` must outlive it. Returns 0 or -ENOMEM. */
int fan_out_create(struct fan_out **out, uint64_t count, const char *name, fan_out_function *body,
                   void *state, struct recorder *recorder);

/* Gives the first `count` tasks a name of their own, which must outlive it too. */
void fan_out_name_first(struct fan_out *fan_out, uint64_t count, const char *name);

/* Spawns the tasks and gathers them; called from main, once. Where the machine stops it before the
   last one it gathers those there are. Returns 0, why it was stopped (-EAGAIN, -ENOMEM), or the
   first negative result of a task. */
int fan_out_run(struct fan_out *fan_out);

/* The same for tasks that need one another: each waits until all have begun, and where the machine
   stops it no body runs at all. A model that cannot have all of them under way at once, such as a
   pool of fewer workers, ends it with -EDEADLK. */
int fan_out_run_together(struct fan_out *fan_out);

void fan_out_destroy(struct fan_out *fan_out);

#endif
