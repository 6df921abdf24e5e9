#include "sync/future.h"

#include "sync/monitor.h"

#include <errno.h>
#include <stdlib.h>

struct future {
    struct monitor monitor;
    bool is_done;
    int error;
    void *value;
};

int future_create(struct future **out) {
    struct future *future = calloc(1, sizeof *future);
    if (!future)
        return -ENOMEM;
    int err = monitor_init(&future->monitor);
    if (err) {
        free(future);
        return err;
    }
    *out = future;
    return 0;
}

void future_destroy(struct future *future) {
    monitor_destroy(&future->monitor);
    free(future);
}

static int settle(struct future *future, void *value, int error) {
    int err = -EALREADY;
    monitor_enter(&future->monitor);
    if (!future->is_done) {
        err = 0;
        future->is_done = true;
        future->value = value;
        future->error = error;
        monitor_wake_all(&future->monitor);
    }
    monitor_leave(&future->monitor);
    return err;
}

int future_set(struct future *future, void *value) {
    return settle(future, value, 0);
}

int future_fail(struct future *future, int error) {
    return settle(future, NULL, error);
}

bool future_is_done(struct future *future) {
    monitor_enter(&future->monitor);
    bool is_done = future->is_done;
    monitor_leave(&future->monitor);
    return is_done;
}

int future_await(struct future *future, int64_t deadline, void **value) {
    int err = 0;
    monitor_enter(&future->monitor);
    while (!future->is_done && !err)
        err = monitor_wait(&future->monitor, deadline);
    if (future->is_done && !err) {
        err = future->error;
        if (!err && value)
            *value = future->value;
    }
    monitor_leave(&future->monitor);
    return err;
}
