/* A task that yields values to a consumer, one at a time, and rests in between [async generator].
 */
#ifndef TVA_SYNC_GENERATOR_H
#define TVA_SYNC_GENERATOR_H

#include "task.h"

struct generator;

/* The body: yields values by generator_yield() and returns 0 or a negative errno at its end. */
typedef int generator_function(struct generator *generator, void *arg);

/* Returns 0, -ENOMEM or -EAGAIN. `name` and `arg` must outlive it. */
int generator_create(struct generator **out, const char *name, generator_function *function,
                     void *arg);

/* Ends the generator early, if it has not ended: its yield returns -ECANCELED, its cleanup runs,
   and its end is awaited. Returns what its body returned, 0 in place of -ECANCELED. */
int generator_close(struct generator *generator);

/* In the consumer: waits for the next value. [waits] Returns 1 with a value; 0 when the body has
   returned 0; the negative error that it returned. */
int generator_next(struct generator *generator, void **value);

/* In the body: gives a value and waits until the consumer asks for the next. [waits] Returns 0, or
   -ECANCELED when there will be none. */
int generator_yield(struct generator *generator, void *value);

#endif
