/* The model threads: one pthread for each task. */
#ifndef TVA_THREADED_THREAD_H
#define TVA_THREADED_THREAD_H

#include "model.h"

#include <pthread.h>

extern const struct task_calls thread_calls;

int thread_run(const struct model_options *options, task_function *main_function, void *arg,
               int *result);

/* Sets up the attributes of a thread that has `stack_bytes` of stack. The caller destroys them.
   Returns 0 or a negative errno. */
int thread_attributes_init(pthread_attr_t *attributes, int64_t stack_bytes);

#endif
