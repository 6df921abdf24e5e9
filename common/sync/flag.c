#include "sync/flag.h"

#include "sync/monitor.h"

#include <errno.h>
#include <stdlib.h>

struct flag {
    struct monitor monitor;
    bool is_set;
};

int flag_create(struct flag **out) {
    struct flag *flag = calloc(1, sizeof *flag);
    if (!flag)
        return -ENOMEM;
    int err = monitor_init(&flag->monitor);
    if (err) {
        free(flag);
        return err;
    }
    *out = flag;
    return 0;
}

void flag_destroy(struct flag *flag) {
    monitor_destroy(&flag->monitor);
    free(flag);
}

static void change(struct flag *flag, bool is_set) {
    monitor_enter(&flag->monitor);
    flag->is_set = is_set;
    if (is_set)
        monitor_wake_all(&flag->monitor);
    monitor_leave(&flag->monitor);
}

void flag_set(struct flag *flag) {
    change(flag, true);
}

void flag_clear(struct flag *flag) {
    change(flag, false);
}

bool flag_is_set(struct flag *flag) {
    monitor_enter(&flag->monitor);
    bool is_set = flag->is_set;
    monitor_leave(&flag->monitor);
    return is_set;
}

int flag_await(struct flag *flag, int64_t deadline) {
    int err = 0;
    monitor_enter(&flag->monitor);
    while (!flag->is_set && !err)
        err = monitor_wait(&flag->monitor, deadline);
    monitor_leave(&flag->monitor);
    return err;
}
