#include "sync/completions.h"

#include "model.h"

#include <errno.h>
#include <stdlib.h>

struct completions {
    struct task_watch watch;
    size_t count;
    size_t out;          /* that have come out, the first of `tasks_out` */
    struct task **tasks; /* as given */
    struct task *tasks_out[];
};

/* Stops watching those of the tasks that have not come out; `tasks` and `tasks_out` are sorted by
   address for that, since the handles that have come out may be freed and must not be touched. */
static int by_address(const void *left, const void *right) {
    uintptr_t l = (uintptr_t) * (struct task *const *)left;
    uintptr_t r = (uintptr_t) * (struct task *const *)right;
    return (l > r) - (l < r);
}

static void leave(struct completions *completions) {
    size_t ended = completions->out;
    qsort(completions->tasks, completions->count, sizeof(struct task *), by_address);
    qsort(completions->tasks_out, completions->out, sizeof(struct task *), by_address);
    for (size_t i = 0, out = 0; i < completions->count; i++) {
        if (out < completions->out && completions->tasks[i] == completions->tasks_out[out])
            out++;
        else
            ended += !task_calls->watch_remove(&completions->watch, completions->tasks[i]);
    }
    task_calls->watch_wait(&completions->watch, ended, TASK_NO_DEADLINE, true);
}

int completions_create(struct completions **out, struct task *const *tasks, size_t count) {
    struct completions *completions =
        calloc(1, sizeof *completions + count * sizeof(struct task *));
    if (!completions)
        return -ENOMEM;
    completions->tasks = malloc((count + 1) * sizeof(struct task *));
    if (!completions->tasks) {
        free(completions);
        return -ENOMEM;
    }
    task_calls->watch_init(&completions->watch);
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        err = task_calls->watch_add(&completions->watch, tasks[i]);
        if (!err)
            completions->tasks[completions->count++] = tasks[i];
    }
    if (err) {
        completions_destroy(completions);
        return err;
    }
    *out = completions;
    return 0;
}

void completions_destroy(struct completions *completions) {
    leave(completions);
    free(completions->tasks);
    free(completions);
}

int completions_next(struct completions *completions, int64_t deadline, struct task **task) {
    if (completions->out == completions->count)
        return -ENOENT;
    int err = task_calls->watch_wait(&completions->watch, completions->out + 1, deadline, false);
    if (err)
        return err;
    *task = task_calls->watch_take(&completions->watch);
    completions->tasks_out[completions->out++] = *task;
    return 0;
}
