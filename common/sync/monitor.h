/* What the shared things below are made of: a mutex, and a condition for each thing that a task may
   wait for. Engines give both (task.h), so these are written once for all models. */
#ifndef TVA_SYNC_MONITOR_H
#define TVA_SYNC_MONITOR_H

#include "task.h"

struct monitor {
    struct task_mutex *mutex;
    struct task_condition *changed;
};

/* Returns 0 or -ENOMEM. */
int monitor_init(struct monitor *monitor);
void monitor_destroy(struct monitor *monitor);

/* Enters for the short time of looking and changing, in which nobody waits. It waits for others
   that do the same, and no interruption of the caller is lost by it. */
void monitor_enter(struct monitor *monitor);
void monitor_leave(struct monitor *monitor);

/* Inside: waits until somebody else has changed something, or as [waits] says. */
int monitor_wait(struct monitor *monitor, int64_t deadline);

/* Inside: wakes one, or all, of those that wait. */
void monitor_wake_one(struct monitor *monitor);
void monitor_wake_all(struct monitor *monitor);

#endif
