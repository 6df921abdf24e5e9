/* A task runs from when it is spawned, whenever it is awaited.

     async def main():
         task1 = asyncio.create_task(f1())
         task2 = asyncio.create_task(f2())
         result1 = await task1
         result2 = await task2
         results = await asyncio.gather(worker("A", 2), worker("B", 1), worker("C", 3)) */
#include "program.h"

#include <stdio.h>

static int f1(void *result) {
    program_print("f1: hello");
    int err = task_sleep(program_seconds(3));
    if (err)
        return err;
    program_print("f1: done");
    *(const char **)result = "f1 result";
    return 0;
}

static int f2(void *result) {
    program_print("f2: hello");
    int err = task_sleep(program_seconds(2));
    if (err)
        return err;
    program_print("f2: done");
    *(const char **)result = "f2 result";
    return 0;
}

/* Awaits both in any case: whoever spawned a task owns it. */
static int await_both(struct task *task1, struct task *task2) {
    int failure1 = 0, failure2 = 0;
    int err1 = task_await(task1, &failure1);
    if (err1 || failure1)
        task_cancel(task2);
    int err2 = task_await(task2, &failure2);
    return err1 ? err1 : failure1 ? failure1 : err2 ? err2 : failure2;
}

static int create_tasks(void) {
    const char *result1, *result2;
    const struct program_call calls[] = {{"f1", f1, &result1}, {"f2", f2, &result2}};
    struct task *tasks[2];
    program_print("main: start");
    int err = program_spawn_all(tasks, calls, 2);
    if (!err)
        err = await_both(tasks[0], tasks[1]);
    if (err)
        return err;
    program_print("main: done");
    program_print("results: %s, %s", result1, result2);
    return 0;
}

struct worker {
    const char *name;
    double seconds;
    char result[16];
};

static int work(void *arg) {
    struct worker *worker = arg;
    program_print("worker %s: starting", worker->name);
    int err = task_sleep(program_seconds(worker->seconds));
    if (err)
        return err;
    program_print("worker %s: finished", worker->name);
    snprintf(worker->result, sizeof worker->result, "%s done", worker->name);
    return 0;
}

static int gather_workers(void) {
    struct worker a = {.name = "A", .seconds = 2}, b = {.name = "B", .seconds = 1},
                  c = {.name = "C", .seconds = 3};
    const struct program_call calls[] = {
        {"worker A", work, &a}, {"worker B", work, &b}, {"worker C", work, &c}};
    struct task *tasks[3];
    int err = program_spawn_all(tasks, calls, 3);
    if (!err)
        err = task_gather(tasks, 3, NULL);
    if (!err)
        program_print("results: %s, %s, %s", a.result, b.result, c.result);
    return err;
}

static int tasks_main(void *unused) {
    (void)unused;
    int err = create_tasks();
    return err ? err : gather_workers();
}

int main(int argc, char **argv) {
    const struct program program = {.summary =
                                        "Spawns f1 (3 s) and f2 (2 s) and awaits one after the "
                                        "other; then gathers three workers (2, 1 and 3 s)."};
    program_start(&program, argc, argv, NULL);
    return program_run(tasks_main, NULL);
}
