/* Tasks that nobody awaits run on beside main, but not beyond its end: what is still under way then
   is cancelled, as asyncio.run() does.

     async def main():
         print("main: start")
         asyncio.create_task(f1())
         asyncio.create_task(f2())
         print("main: doing other work")
         await asyncio.sleep(3)
         print("main: done") */
#include "program.h"

struct options {
    int64_t is_early;
};

static const struct parameter parameters[] = {
    {"early", PARAMETER_FLAG, offsetof(struct options, is_early), "no", 0, 1, "yes|no",
     "main ends after 1.5 s, while f1 still waits"},
    {0},
};

static int f1(void *unused) {
    (void)unused;
    program_print("f1: hello");
    int err = task_sleep(program_seconds(2));
    program_print(err ? "f1: cancelled" : "f1: done");
    return err;
}

static int f2(void *unused) {
    (void)unused;
    program_print("f2: hello");
    int err = task_sleep(program_seconds(1));
    program_print(err ? "f2: cancelled" : "f2: done");
    return err;
}

/* A task is owned until it is awaited or detached: here, fire and forget. */
static int start(const char *name, task_function *function) {
    struct task *task;
    int err = task_spawn(&task, name, function, NULL);
    if (!err)
        task_detach(task);
    return err;
}

static int dont_wait(void *arg) {
    const struct options *options = arg;
    program_print("main: start");
    int err = start("f1", f1);
    if (!err)
        err = start("f2", f2);
    if (err)
        return err;
    program_print("main: doing other work");
    err = task_sleep(program_seconds(options->is_early ? 1.5 : 3));
    if (!err)
        program_print("main: done");
    return err;
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Starts f1 (2 s) and f2 (1 s), awaits neither, and ends after 3 s.",
        .parameters = parameters};
    struct options options;
    program_start(&program, argc, argv, &options);
    return program_run(dont_wait, &options);
}
