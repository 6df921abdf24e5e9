/* A value that somebody will set, once, and that any number of tasks await [asyncio.Future]. */
#ifndef TVA_SYNC_FUTURE_H
#define TVA_SYNC_FUTURE_H

#include "task.h"

struct future;

int future_create(struct future **out); /* -ENOMEM */

/* Nobody may be awaiting it. */
void future_destroy(struct future *future);

/* Settles it with a value, which stays the setter's, or with an error, a negative errno. Returns 0,
   or -EALREADY if it is settled. */
int future_set(struct future *future, void *value);
int future_fail(struct future *future, int error);
bool future_is_done(struct future *future);

/* Waits until it is settled and stores the value. [waits] Returns 0, or the error that it was
   failed with. */
int future_await(struct future *future, int64_t deadline, void **value);

#endif
