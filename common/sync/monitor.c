#include "sync/monitor.h"

#include <errno.h>

int monitor_init(struct monitor *monitor) {
    int err = task_mutex_create(&monitor->mutex);
    if (err)
        return err;
    err = task_condition_create(&monitor->changed);
    if (err)
        task_mutex_destroy(monitor->mutex);
    return err;
}

void monitor_destroy(struct monitor *monitor) {
    task_condition_destroy(monitor->changed);
    task_mutex_destroy(monitor->mutex);
}

void monitor_enter(struct monitor *monitor) {
    task_mutex_lock_finally(monitor->mutex);
}

void monitor_leave(struct monitor *monitor) {
    task_mutex_unlock(monitor->mutex);
}

int monitor_wait(struct monitor *monitor, int64_t deadline) {
    return task_condition_wait(monitor->changed, monitor->mutex, deadline);
}

void monitor_wake_one(struct monitor *monitor) {
    task_condition_notify(monitor->changed, 1);
}

void monitor_wake_all(struct monitor *monitor) {
    task_condition_notify(monitor->changed, SIZE_MAX);
}
