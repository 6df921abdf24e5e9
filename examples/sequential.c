/* Two waits, one after the other: 3 s and 2 s are 5 s.

     async def main():
         print("main: start")
         result1 = await f1()
         result2 = await f2()
         print("main: done")

   Awaiting a coroutine that was not made a task runs it in the task that awaits: in C, a call. */
#include "program.h"

static int f1(const char **result) {
    program_print("f1: hello");
    int err = task_sleep(program_seconds(3));
    if (err)
        return err;
    program_print("f1: done");
    *result = "f1 result";
    return 0;
}

static int f2(const char **result) {
    program_print("f2: hello");
    int err = task_sleep(program_seconds(2));
    if (err)
        return err;
    program_print("f2: done");
    *result = "f2 result";
    return 0;
}

static int sequential(void *unused) {
    (void)unused;
    const char *result1, *result2;
    program_print("main: start");
    int err = f1(&result1);
    if (!err)
        err = f2(&result2);
    if (err)
        return err;
    program_print("main: done");
    program_print("results: %s, %s", result1, result2);
    return 0;
}

int main(int argc, char **argv) {
    const struct program program = {.summary = "Awaits f1 (3 s), then f2 (2 s)."};
    program_start(&program, argc, argv, NULL);
    return program_run(sequential, NULL);
}
