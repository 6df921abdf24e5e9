#include "threaded/engine.h"

/* The task has a thread to itself: the call holds up nobody else where it stands. */
int threaded_offload(task_function *function, void *arg, int *result) {
    struct task *self = threaded_self();
    int err = block_begin(self);
    if (err)
        return err;
    block_end(self); /* the call is not ours to interrupt */
    int value = function(arg);
    err = block_begin(self);
    if (err)
        return err;
    block_end(self);
    if (result)
        *result = value;
    return 0;
}
