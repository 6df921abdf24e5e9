/* Three tasks count side by side; with --blocking, one call shows what a loop cannot bear.

     async def count():
         print("One")
         await asyncio.sleep(1)     # --blocking: time.sleep(1)
         print("Two")

     async def main():
         await asyncio.gather(count(), count(), count())

   A blocking call holds its thread. In a loop that is everybody's thread: the tasks run one after
   the other and take 3 s. Threads do not notice. The remedy is task_offload(), as in pipeline.c. */
#include "program.h"

#include "clock.h"

#include <errno.h>

struct options {
    int64_t is_blocking;
};

static const struct parameter parameters[] = {
    {"blocking", PARAMETER_FLAG, offsetof(struct options, is_blocking), "no", 0, 1, "yes|no",
     "sleep by nanosleep(2), which blocks the thread"},
    {0},
};

static int blocking_sleep(int64_t duration_ns) {
    struct timespec left = clock_timespec(duration_ns);
    while (nanosleep(&left, &left))
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int count(void *arg) {
    const struct options *options = arg;
    program_print("One");
    int err =
        options->is_blocking ? blocking_sleep(program_seconds(1)) : task_sleep(program_seconds(1));
    if (!err)
        program_print("Two");
    return err;
}

static int count_main(void *options) {
    const struct program_call calls[] = {
        {"count 1", count, options}, {"count 2", count, options}, {"count 3", count, options}};
    struct task *tasks[3];
    int err = program_spawn_all(tasks, calls, 3);
    return err ? err : task_gather(tasks, 3, NULL);
}

int main(int argc, char **argv) {
    const struct program program = {.summary = "Gathers three tasks: One, a second, Two.",
                                    .parameters = parameters};
    struct options options;
    program_start(&program, argc, argv, &options);
    return program_run(count_main, &options);
}
