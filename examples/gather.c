/* Two waits side by side: 3 s and 2 s are 3 s.

     async def main():
         print("main: start")
         result1, result2 = await asyncio.gather(f1(), f2())
         print("main: done") */
#include "program.h"

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

static int gather(void *unused) {
    (void)unused;
    const char *result1, *result2;
    const struct program_call calls[] = {{"f1", f1, &result1}, {"f2", f2, &result2}};
    struct task *tasks[2];
    program_print("main: start");
    int err = program_spawn_all(tasks, calls, 2);
    if (!err)
        err = task_gather(tasks, 2, NULL);
    if (err)
        return err;
    program_print("main: done");
    program_print("results: %s, %s", result1, result2);
    return 0;
}

int main(int argc, char **argv) {
    const struct program program = {.summary = "Gathers f1 (3 s) and f2 (2 s)."};
    program_start(&program, argc, argv, NULL);
    return program_run(gather, NULL);
}
