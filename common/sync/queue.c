#include "sync/queue.h"

#include "sync/monitor.h"

#include <errno.h>
#include <stdlib.h>

/* Three things to wait for, each with a condition of its own, so that each change wakes one task
   that it concerns. */
struct queue {
    struct monitor monitor; /* its condition: all done */
    struct task_condition *has_item;
    struct task_condition *has_room;
    size_t capacity;
    size_t first;
    size_t count;
    size_t unfinished; /* put, and not done with */
    void *items[];
};

int queue_create(struct queue **out, size_t capacity) {
    if (capacity < 1)
        capacity = 1;
    struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof(void *));
    if (!queue)
        return -ENOMEM;
    queue->capacity = capacity;
    if (monitor_init(&queue->monitor) == 0) {
        if (task_condition_create(&queue->has_item) == 0) {
            if (task_condition_create(&queue->has_room) == 0) {
                *out = queue;
                return 0;
            }
            task_condition_destroy(queue->has_item);
        }
        monitor_destroy(&queue->monitor);
    }
    free(queue);
    return -ENOMEM;
}

void queue_destroy(struct queue *queue) {
    task_condition_destroy(queue->has_room);
    task_condition_destroy(queue->has_item);
    monitor_destroy(&queue->monitor);
    free(queue);
}

int queue_put(struct queue *queue, void *item, int64_t deadline) {
    int err = 0;
    monitor_enter(&queue->monitor);
    while (queue->count == queue->capacity && !err)
        err = task_condition_wait(queue->has_room, queue->monitor.mutex, deadline);
    if (!err) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        queue->unfinished++;
        task_condition_notify(queue->has_item, 1);
    }
    monitor_leave(&queue->monitor);
    return err;
}

int queue_get(struct queue *queue, int64_t deadline, void **item) {
    int err = 0;
    monitor_enter(&queue->monitor);
    while (!queue->count && !err)
        err = task_condition_wait(queue->has_item, queue->monitor.mutex, deadline);
    if (!err) {
        *item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        task_condition_notify(queue->has_room, 1);
    }
    monitor_leave(&queue->monitor);
    return err;
}

int queue_task_done(struct queue *queue) {
    int err = -EINVAL;
    monitor_enter(&queue->monitor);
    if (queue->unfinished > queue->count) {
        err = 0;
        if (--queue->unfinished == 0)
            monitor_wake_all(&queue->monitor);
    }
    monitor_leave(&queue->monitor);
    return err;
}

int queue_join(struct queue *queue, int64_t deadline) {
    int err = 0;
    monitor_enter(&queue->monitor);
    while (queue->unfinished && !err)
        err = monitor_wait(&queue->monitor, deadline);
    monitor_leave(&queue->monitor);
    return err;
}
