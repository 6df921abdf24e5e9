/* Work until a signal comes, then an orderly end: the last that was started is stopped first, and
   each is awaited before the next.

     async def main():
         stop = asyncio.Event()
         for number in (signal.SIGINT, signal.SIGTERM):
             asyncio.get_running_loop().add_signal_handler(number, stop.set)
         workers = [asyncio.create_task(worker(name)) for name in "ABC"]
         await stop.wait()
         for task in reversed(workers):
             task.cancel()
             await asyncio.gather(task, return_exceptions=True) */
#include "program.h"

#include "sync/signal_watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3

/* Cancellation is an error of the call that waits, so the cleanup is that of any other error. */
static int work(void *name) {
    int err;
    for (int tick = 1; !(err = task_sleep(program_seconds(1))); tick++)
        program_print("worker %s: tick %d", (const char *)name, tick);
    program_print("worker %s: stopped", (const char *)name);
    return err;
}

/* Returns 0 if all ended by being cancelled. */
static int stop_in_order(struct task *const *workers) {
    int first_error = 0;
    for (size_t i = WORKERS; i-- > 0;) {
        int result = 0;
        task_cancel(workers[i]);
        int err = task_await(workers[i], &result);
        if (!err && result != -ECANCELED)
            err = result;
        if (err && !first_error)
            first_error = err;
    }
    return first_error;
}

static int work_until_signal(struct signal_watch *watch) {
    const struct program_call calls[WORKERS] = {
        {"worker A", work, "A"}, {"worker B", work, "B"}, {"worker C", work, "C"}};
    struct task *workers[WORKERS];
    int number;
    int err = program_spawn_all(workers, calls, WORKERS);
    if (err)
        return err;
    program_print("main: process %d works until SIGINT (Ctrl-C) or SIGTERM", (int)getpid());
    err = signal_watch_await(watch, TASK_NO_DEADLINE, &number);
    if (!err)
        program_print("main: SIG%s, stopping", sigabbrev_np(number));
    int stop_err = stop_in_order(workers);
    return err ? err : stop_err;
}

static int signal_main(void *unused) {
    (void)unused;
    struct signal_watch *watch;
    int err = signal_watch_create(&watch, (const int[]){SIGINT, SIGTERM}, 2);
    if (err)
        return err;
    err = work_until_signal(watch);
    signal_watch_destroy(watch);
    if (!err)
        program_print("main: done");
    return err;
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Three workers tick every second until SIGINT or SIGTERM, which stops them in "
                   "order."};
    program_start(&program, argc, argv, NULL);
    return program_run(signal_main, NULL);
}
