/* A bounded queue between tasks, first in, first out [asyncio.Queue]. */
#ifndef TVA_SYNC_QUEUE_H
#define TVA_SYNC_QUEUE_H

#include "task.h"

struct queue;

/* Room for `capacity` items, at least one. Returns 0 or -ENOMEM. */
int queue_create(struct queue **out, size_t capacity);

/* Nobody may be waiting; items that are left stay their owners'. */
void queue_destroy(struct queue *queue);

/* Adds an item, waiting while the queue is full. [waits] */
int queue_put(struct queue *queue, void *item, int64_t deadline);

/* Takes the item that is in it longest, waiting while the queue is empty. [waits] */
int queue_get(struct queue *queue, int64_t deadline, void **item);

/* Says that an item taken is done with. Returns 0, or -EINVAL if all were. */
int queue_task_done(struct queue *queue);

/* Waits until every item ever put has been taken and done with. [waits] */
int queue_join(struct queue *queue, int64_t deadline);

#endif
