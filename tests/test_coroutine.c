/* The switch between stacks, alone. Plain C without cmocka, so that scripts/check-ports can compile
   it for another processor and run it under an emulator, where no library of ours is. */
#include "async/coroutine.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES ((size_t)256 << 10)
#define RING 100
#define ROUNDS 1000

static int failures;

static void check(bool is_true, const char *fact) {
    if (is_true)
        return;
    fprintf(stderr, "not so: %s\n", fact);
    failures++;
}

/* A coroutine with its stack, and what it is to do. */
struct runner {
    struct coroutine coroutine;
    struct coroutine *back;
    void *stack;
    uint64_t number;
    uint64_t result;
    double real;
};

static struct coroutine thread;

static void create(struct runner *runner, uint64_t number, void (*entry)(void *arg)) {
    memset(runner, 0, sizeof *runner);
    if (posix_memalign(&runner->stack, 4096, STACK_BYTES))
        abort();
    runner->back = &thread;
    runner->number = number;
    coroutine_init(&runner->coroutine, runner->stack, STACK_BYTES, entry, runner);
}

static void destroy(struct runner *runner) {
    coroutine_destroy(&runner->coroutine);
    free(runner->stack);
}

static void enter(struct runner *runner) {
    coroutine_switch(&thread, &runner->coroutine);
}

static void leave(struct runner *runner) {
    coroutine_switch(&runner->coroutine, runner->back);
}

static _Noreturn void finish(struct runner *runner) {
    coroutine_exit(&runner->coroutine, runner->back);
}

/* More values at a time than there are registers that a callee preserves: each must survive. */
static void keep_values(void *arg) {
    struct runner *runner = arg;
    uint64_t a = runner->number, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13,
             g = a * 17;
    double p = (double)a / 3, q = (double)a / 5, r = (double)a / 7, s = (double)a / 9;
    for (int i = 0; i < ROUNDS; i++) {
        leave(runner);
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7;
        p += 1, q += 2, r += 3, s += 4;
    }
    runner->result = a ^ b ^ c ^ d ^ e ^ f ^ g;
    runner->real = p + q + r + s;
    finish(runner);
}

static void values_survive_the_switch(void) {
    static struct runner runners[RING];
    for (uint64_t i = 0; i < RING; i++)
        create(&runners[i], i + 1, keep_values);
    for (int round = 0; round <= ROUNDS; round++)
        for (uint64_t i = 0; i < RING; i++)
            enter(&runners[i]);
    for (uint64_t i = 0; i < RING; i++) {
        uint64_t n = i + 1, k = ROUNDS;
        uint64_t expected = (n + k) ^ (n * 3 + 2 * k) ^ (n * 5 + 3 * k) ^ (n * 7 + 4 * k) ^
                            (n * 11 + 5 * k) ^ (n * 13 + 6 * k) ^ (n * 17 + 7 * k);
        double m = (double)n, real = m / 3 + m / 5 + m / 7 + m / 9 + 10.0 * ROUNDS;
        check(runners[i].result == expected, "integers survive the switch");
        check(runners[i].real > real - 1e-6 && runners[i].real < real + 1e-6,
              "floating-point values survive the switch");
        destroy(&runners[i]);
    }
}

/* Vector instructions, which compilers use for copies, fault on a stack that is not aligned. */
static void look_at_alignment(void *arg) {
    struct runner *runner = arg;
    _Alignas(16) volatile char aligned[16];
    aligned[0] = 1;
    runner->result = (uintptr_t)aligned % 16 == 0 && aligned[0] == 1;
    finish(runner);
}

static void the_stack_is_aligned(void) {
    struct runner runner;
    create(&runner, 0, look_at_alignment);
    enter(&runner);
    check(runner.result == 1, "a coroutine's stack is aligned to 16 bytes");
    destroy(&runner);
}

static uint64_t descend(struct runner *runner, uint64_t depth) {
    volatile uint64_t here = depth;
    leave(runner);
    return depth ? descend(runner, depth - 1) + here : 0;
}

static void sum_deeply(void *arg) {
    struct runner *runner = arg;
    runner->result = descend(runner, runner->number);
    finish(runner);
}

static void frames_stay_where_they_are(void) {
    struct runner runners[2];
    create(&runners[0], 200, sum_deeply);
    create(&runners[1], 300, sum_deeply);
    for (int i = 0; i <= 301; i++) {
        if (i <= 201)
            enter(&runners[0]);
        enter(&runners[1]);
    }
    check(runners[0].result == 200 * 201 / 2, "200 frames keep their values");
    check(runners[1].result == 300 * 301 / 2, "300 frames keep their values");
    destroy(&runners[0]);
    destroy(&runners[1]);
}

static struct runner ring[3];
static uint64_t visited;

/* Straight on to the next one, never by way of the thread, which the last one goes back to. */
static void pass_on(void *arg) {
    struct runner *runner = arg;
    uint64_t next = (runner->number + 1) % 3;
    for (int i = 0; i < ROUNDS; i++) {
        visited = visited * 31 + runner->number;
        coroutine_switch(&runner->coroutine, &ring[next].coroutine);
    }
    coroutine_exit(&runner->coroutine, next ? &ring[next].coroutine : &thread);
}

static void coroutines_switch_among_themselves_in_order(void) {
    uint64_t expected = 0;
    for (uint64_t i = 0; i < 3; i++)
        create(&ring[i], i, pass_on);
    enter(&ring[0]);
    for (uint64_t i = 0; i < UINT64_C(3) * ROUNDS; i++)
        expected = expected * 31 + i % 3;
    check(visited == expected, "three coroutines take turns in order");
    for (uint64_t i = 0; i < 3; i++)
        destroy(&ring[i]);
}

int main(void) {
    coroutine_init_thread(&thread);
    the_stack_is_aligned();
    values_survive_the_switch();
    frames_stay_where_they_are();
    coroutines_switch_among_themselves_in_order();
    printf("%s\n", failures ? "coroutines: FAILED" : "coroutines: ok");
    return failures != 0;
}
