#include "sync/semaphore.h"

#include "sync/monitor.h"

#include <errno.h>
#include <stdlib.h>

struct semaphore {
    struct monitor monitor;
    size_t permits;
};

int semaphore_create(struct semaphore **out, size_t permits) {
    struct semaphore *semaphore = calloc(1, sizeof *semaphore);
    if (!semaphore)
        return -ENOMEM;
    int err = monitor_init(&semaphore->monitor);
    if (err) {
        free(semaphore);
        return err;
    }
    semaphore->permits = permits;
    *out = semaphore;
    return 0;
}

void semaphore_destroy(struct semaphore *semaphore) {
    monitor_destroy(&semaphore->monitor);
    free(semaphore);
}

int semaphore_acquire(struct semaphore *semaphore, int64_t deadline) {
    int err = 0;
    monitor_enter(&semaphore->monitor);
    while (!semaphore->permits && !err)
        err = monitor_wait(&semaphore->monitor, deadline);
    if (!err)
        semaphore->permits--;
    monitor_leave(&semaphore->monitor);
    return err;
}

void semaphore_release(struct semaphore *semaphore) {
    monitor_enter(&semaphore->monitor);
    semaphore->permits++;
    monitor_wake_one(&semaphore->monitor);
    monitor_leave(&semaphore->monitor);
}
