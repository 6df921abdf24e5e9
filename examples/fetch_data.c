/* Asks two sources at once; then does other work while it waits for a third.

     async def main():
         users, products = await asyncio.gather(fetch("users", 2), fetch("products", 3))
         print("results:", users, products)
         await asyncio.gather(fetch_data(), process_data()) */
#include "program.h"

struct source {
    const char *name;
    double seconds;
    const char *result;
};

static int fetch(void *arg) {
    struct source *source = arg;
    program_print("fetching %s", source->name);
    int err = task_sleep(program_seconds(source->seconds));
    if (err)
        return err;
    program_print("fetched %s", source->name);
    source->result = source->name;
    return 0;
}

static int fetch_sources(void) {
    struct source users = {"users", 2, NULL}, products = {"products", 3, NULL};
    const struct program_call calls[] = {{"users", fetch, &users}, {"products", fetch, &products}};
    struct task *tasks[2];
    int err = program_spawn_all(tasks, calls, 2);
    if (!err)
        err = task_gather(tasks, 2, NULL);
    if (!err)
        program_print("results: %s, %s", users.result, products.result);
    return err;
}

static int fetch_data(void *unused) {
    (void)unused;
    int err = task_sleep(program_seconds(1));
    if (!err)
        program_print("data fetched");
    return err;
}

static int process_data(void *unused) {
    (void)unused;
    int err = task_sleep(program_seconds(2));
    if (!err)
        program_print("data processed");
    return err;
}

static int fetch_data_main(void *unused) {
    (void)unused;
    const struct program_call calls[] = {{"fetch", fetch_data, NULL},
                                         {"process", process_data, NULL}};
    struct task *tasks[2];
    int err = fetch_sources();
    if (!err)
        err = program_spawn_all(tasks, calls, 2);
    return err ? err : task_gather(tasks, 2, NULL);
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Gathers users (2 s) and products (3 s), then fetches (1 s) while processing "
                   "(2 s)."};
    program_start(&program, argc, argv, NULL);
    return program_run(fetch_data_main, NULL);
}
