/* The model pool: M workers over one queue of tasks. */
#ifndef TVA_THREADED_POOL_H
#define TVA_THREADED_POOL_H

#include "model.h"

extern const struct task_calls pool_calls;

int pool_run(const struct model_options *options, task_function *main_function, void *arg,
             int *result);

#endif
