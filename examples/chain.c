/* Chains of two parts, the second of which needs what the first returned; the chains run side by
   side. They take as long as the longest, 4 + 7 s, not as all together.

     async def chain(n):
         start = time.perf_counter()
         result1 = await part1(n)
         result2 = await part2(n, result1)
         print(f"chain({n}): {result2} (took {time.perf_counter() - start:.2f} s)")

     async def main():
         await asyncio.gather(chain(9), chain(6), chain(3)) */
#include "program.h"

#include "clock.h"

#include <stdio.h>

#define RESULT1_BYTES 32
#define RESULT2_BYTES 96

struct chain {
    int number;
    int seconds1, seconds2; /* that the parts wait */
};

static int part1(const struct chain *chain, char result[RESULT1_BYTES]) {
    int n = chain->number;
    program_print("part1(%d): sleeping for %d s", n, chain->seconds1);
    int err = task_sleep(program_seconds(chain->seconds1));
    if (err)
        return err;
    snprintf(result, RESULT1_BYTES, "result%d-1", n);
    program_print("part1(%d): returning %s", n, result);
    return 0;
}

static int part2(const struct chain *chain, const char result1[RESULT1_BYTES],
                 char result[RESULT2_BYTES]) {
    int n = chain->number;
    program_print("part2(%d, %s): sleeping for %d s", n, result1, chain->seconds2);
    int err = task_sleep(program_seconds(chain->seconds2));
    if (err)
        return err;
    snprintf(result, RESULT2_BYTES, "result%d-2 derived from %s", n, result1);
    program_print("part2(%d, %s): returning %s", n, result1, result);
    return 0;
}

static int run_chain(void *arg) {
    const struct chain *chain = arg;
    char result1[RESULT1_BYTES], result2[RESULT2_BYTES];
    int64_t begin_ns = clock_now_ns();
    int err = part1(chain, result1);
    if (!err)
        err = part2(chain, result1, result2);
    if (!err)
        program_print("chain(%d): %s (took %.2f s)", chain->number, result2,
                      program_in_seconds(clock_now_ns() - begin_ns));
    return err;
}

static int chain_main(void *unused) {
    (void)unused;
    struct chain nine = {9, 4, 7}, six = {6, 4, 4}, three = {3, 0, 4};
    const struct program_call calls[] = {{"chain 9", run_chain, &nine},
                                         {"chain 6", run_chain, &six},
                                         {"chain 3", run_chain, &three}};
    struct task *tasks[3];
    int err = program_spawn_all(tasks, calls, 3);
    return err ? err : task_gather(tasks, 3, NULL);
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Gathers the chains 9, 6 and 3, each of two parts in sequence."};
    program_start(&program, argc, argv, NULL);
    return program_run(chain_main, NULL);
}
