#include "sync/generator.h"

#include "sync/monitor.h"

#include <errno.h>
#include <stdlib.h>

enum generator_state {
    RESTING, /* until it is asked for a value */
    WANTED,
    YIELDED, /* a value that is not taken yet */
    ENDED,
};

struct generator {
    struct monitor monitor; /* guards all below */
    enum generator_state state;
    bool is_closing;
    void *value;
    int result;
    struct task *task;
    generator_function *function;
    void *arg;
};

static int rest(struct generator *generator) {
    int err = 0;
    while (generator->state != WANTED && !generator->is_closing && !err)
        err = monitor_wait(&generator->monitor, TASK_NO_DEADLINE);
    return generator->is_closing ? -ECANCELED : err;
}

/* The body begins when the first value is asked for. */
static int generator_main(void *arg) {
    struct generator *generator = arg;
    monitor_enter(&generator->monitor);
    int err = rest(generator);
    monitor_leave(&generator->monitor);
    if (!err)
        err = generator->function(generator, generator->arg);
    monitor_enter(&generator->monitor);
    generator->state = ENDED;
    generator->result = err;
    monitor_wake_all(&generator->monitor);
    monitor_leave(&generator->monitor);
    return err;
}

int generator_create(struct generator **out, const char *name, generator_function *function,
                     void *arg) {
    struct generator *generator = calloc(1, sizeof *generator);
    if (!generator)
        return -ENOMEM;
    generator->function = function;
    generator->arg = arg;
    int err = monitor_init(&generator->monitor);
    if (!err) {
        err = task_spawn(&generator->task, name, generator_main, generator);
        if (err)
            monitor_destroy(&generator->monitor);
    }
    if (err)
        free(generator);
    else
        *out = generator;
    return err;
}

/* Its cleanup is not to be cut short when the caller is cancelled meanwhile; that is told to the
   caller by its next wait. */
static void await_end(struct generator *generator) {
    bool is_cancelled = false;
    int err;
    while ((err = task_await_shielded(generator->task, NULL)))
        is_cancelled |= err == -ECANCELED;
    if (is_cancelled)
        task_cancel(task_self());
}

/* One that rests learns of the end from its yield; one that was left under way, when the consumer
   was cancelled, is cancelled. */
int generator_close(struct generator *generator) {
    monitor_enter(&generator->monitor);
    bool is_under_way = generator->state == WANTED;
    generator->is_closing = true;
    monitor_wake_all(&generator->monitor);
    monitor_leave(&generator->monitor);
    if (is_under_way)
        task_cancel(generator->task);
    await_end(generator);
    int result = generator->result;
    monitor_destroy(&generator->monitor);
    free(generator);
    return result == -ECANCELED ? 0 : result;
}

/* Takes what there is: a value, 1; the end, 0 or its error. */
static int take(struct generator *generator, void **value) {
    if (generator->state == ENDED)
        return generator->result;
    *value = generator->value;
    generator->state = RESTING;
    return 1;
}

int generator_next(struct generator *generator, void **value) {
    int err = 0;
    monitor_enter(&generator->monitor);
    if (generator->state == RESTING) {
        generator->state = WANTED;
        monitor_wake_all(&generator->monitor);
    }
    while (generator->state == WANTED && !err)
        err = monitor_wait(&generator->monitor, TASK_NO_DEADLINE);
    if (!err)
        err = take(generator, value);
    monitor_leave(&generator->monitor);
    return err;
}

int generator_yield(struct generator *generator, void *value) {
    monitor_enter(&generator->monitor);
    generator->value = value;
    generator->state = YIELDED;
    monitor_wake_all(&generator->monitor);
    int err = rest(generator);
    monitor_leave(&generator->monitor);
    return err;
}
