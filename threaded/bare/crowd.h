/* What the three floors share: a pthread for each task, created in a row and joined. */
#ifndef TVA_THREADED_BARE_CROWD_H
#define TVA_THREADED_BARE_CROWD_H

#include "bare/bare.h"

/* The work of task `number`, on its thread. */
typedef void crowd_function(void *state, uint64_t number);

/* Of each thread; set before crowd_run(). */
extern int64_t crowd_stack_bytes;

/* Runs body(state, 0), ... body(state, count - 1), each on a thread of its own, and joins them.
   Returns 0, or why no further thread could be created (-EAGAIN, -ENOMEM). */
int crowd_run(struct recorder *recorder, uint64_t count, crowd_function *body, void *state);

/* Blocks the calling thread; never less. */
void crowd_sleep(int64_t duration_ns);

extern const struct bare_body bare_threads_sleep;
extern const struct bare_body bare_threads_chain;
extern const struct bare_body bare_threads_fetch;

#endif
