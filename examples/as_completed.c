/* Results in the order in which they come, not in which they were asked for.

     async def main():
         for completed in asyncio.as_completed([f1(), f2()]):
             print("result:", await completed) */
#include "program.h"

#include "sync/completions.h"

#include <errno.h>

#define TASKS 2

static int f1(void *result) {
    int err = task_sleep(program_seconds(2));
    if (!err)
        *(const char **)result = "f1 result";
    return err;
}

static int f2(void *result) {
    int err = task_sleep(program_seconds(1));
    if (!err)
        *(const char **)result = "f2 result";
    return err;
}

static size_t find(struct task *const *tasks, const struct task *task) {
    size_t i = 0;
    while (tasks[i] != task)
        i++;
    return i;
}

/* Takes them as they end. A task that has come out is marked as no longer ours by NULL. */
static int print_as_completed(struct task **tasks, const char *const *results) {
    struct completions *completions;
    struct task *task;
    int failure = 0;
    int err = completions_create(&completions, tasks, TASKS);
    if (err)
        return err;
    while (!failure && !(err = completions_next(completions, TASK_NO_DEADLINE, &task))) {
        size_t i = find(tasks, task);
        tasks[i] = NULL;
        task_await(task, &failure);
        if (!failure)
            program_print("result: %s", results[i]);
    }
    completions_destroy(completions);
    return err == -ENOENT ? 0 : err ? err : failure;
}

static int as_completed(void *unused) {
    (void)unused;
    const char *results[TASKS];
    const struct program_call calls[TASKS] = {{"f1", f1, &results[0]}, {"f2", f2, &results[1]}};
    struct task *tasks[TASKS];
    int err = program_spawn_all(tasks, calls, TASKS);
    if (err)
        return err;
    err = print_as_completed(tasks, results);
    for (size_t i = 0; i < TASKS; i++) { /* after an error alone */
        if (tasks[i]) {
            task_cancel(tasks[i]);
            task_await(tasks[i], NULL);
        }
    }
    return err;
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Prints the results of f1 (2 s) and f2 (1 s) as they complete."};
    program_start(&program, argc, argv, NULL);
    return program_run(as_completed, NULL);
}
