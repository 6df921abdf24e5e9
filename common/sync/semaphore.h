/* A number of permits [asyncio.Semaphore]. */
#ifndef TVA_SYNC_SEMAPHORE_H
#define TVA_SYNC_SEMAPHORE_H

#include "task.h"

struct semaphore;

int semaphore_create(struct semaphore **out, size_t permits); /* -ENOMEM */
void semaphore_destroy(struct semaphore *semaphore);

/* Takes a permit, waiting while there is none. [waits] */
int semaphore_acquire(struct semaphore *semaphore, int64_t deadline);
void semaphore_release(struct semaphore *semaphore);

#endif
