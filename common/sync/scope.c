#include "sync/scope.h"

#include "model.h"

#include <errno.h>
#include <stdlib.h>

struct scope {
    struct task_watch watch;
    struct task **tasks;
    size_t count;
    size_t room;
    size_t ended; /* that scope_await() has seen */
};

int scope_create(struct scope **out) {
    struct scope *scope = calloc(1, sizeof *scope);
    if (!scope)
        return -ENOMEM;
    task_calls->watch_init(&scope->watch);
    *out = scope;
    return 0;
}

static int make_room(struct scope *scope) {
    if (scope->count < scope->room)
        return 0;
    size_t room = scope->room ? 2 * scope->room : 8;
    struct task **tasks = realloc(scope->tasks, room * sizeof *tasks);
    if (!tasks)
        return -ENOMEM;
    scope->tasks = tasks;
    scope->room = room;
    return 0;
}

int scope_spawn(struct scope *scope, const char *name, task_function *function, void *arg) {
    int err = make_room(scope);
    if (err)
        return err;
    err = task_spawn(&scope->tasks[scope->count], name, function, arg);
    if (err)
        return err;
    task_calls->watch_add(&scope->watch, scope->tasks[scope->count++]);
    return 0;
}

static void cancel_rest(struct scope *scope) {
    for (size_t i = 0; i < scope->count; i++)
        task_cancel(scope->tasks[i]);
}

/* Waits for the next end. Returns what ended the wait, or the task, with a negative errno. */
static int await_next(struct scope *scope, bool is_final) {
    int err = task_calls->watch_wait(&scope->watch, scope->ended + 1, TASK_NO_DEADLINE, is_final);
    if (err)
        return err;
    scope->ended++;
    int result = task_calls->result(task_calls->watch_take(&scope->watch));
    return result < 0 ? result : 0;
}

static void reap_all(struct scope *scope) {
    for (size_t i = 0; i < scope->count; i++)
        task_calls->reap(scope->tasks[i]);
    scope->count = scope->ended = 0;
    task_calls->watch_init(&scope->watch);
}

int scope_await(struct scope *scope) {
    int first_error = 0;
    while (scope->ended < scope->count) {
        int err = await_next(scope, first_error);
        if (err && !first_error) {
            first_error = err;
            cancel_rest(scope);
        }
    }
    reap_all(scope);
    return first_error;
}

void scope_destroy(struct scope *scope) {
    cancel_rest(scope);
    while (scope->ended < scope->count)
        await_next(scope, true);
    reap_all(scope);
    free(scope->tasks);
    free(scope);
}
