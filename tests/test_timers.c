/* The timers against a sorted array of the same deadlines. */
#include "async/timers.h"

#include "workloads/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define START_NS INT64_C(123456789012345)

static struct timers timers;

static int setup(void **state) {
    (void)state;
    timers_init(&timers);
    return timers_reserve(&timers, 64);
}

static int teardown(void **state) {
    (void)state;
    timers_destroy(&timers);
    return 0;
}

static void without_timers_nothing_is_due(void **state) {
    (void)state;
    assert_null(timers_take_due(&timers, INT64_MAX - 1));
    assert_true(timers_next_ns(&timers) == INT64_MAX);
}

static void a_timer_is_due_at_its_deadline_and_not_before(void **state) {
    (void)state;
    struct timer timer = {0};
    timers_add(&timers, &timer, START_NS + 1000000);
    assert_true(timers_next_ns(&timers) == START_NS + 1000000);
    assert_null(timers_take_due(&timers, START_NS + 999999));
    assert_ptr_equal(timers_take_due(&timers, START_NS + 1000000), &timer);
    assert_null(timers_take_due(&timers, START_NS + 1000000));
    assert_true(timers_next_ns(&timers) == INT64_MAX);
}

static void a_deadline_in_the_past_is_due_at_once(void **state) {
    (void)state;
    struct timer timer = {0};
    timers_add(&timers, &timer, START_NS - 5);
    assert_ptr_equal(timers_take_due(&timers, START_NS), &timer);
}

static void equal_deadlines_come_in_the_order_added(void **state) {
    (void)state;
    struct timer first = {0}, second = {0}, third = {0}, early = {0};
    timers_add(&timers, &first, START_NS + 70000);
    timers_add(&timers, &second, START_NS + 70000);
    timers_add(&timers, &early, START_NS + 65000);
    assert_ptr_equal(timers_take_due(&timers, START_NS + 66000), &early);
    timers_add(&timers, &third, START_NS + 70000);
    assert_ptr_equal(timers_take_due(&timers, START_NS + 80000), &first);
    assert_ptr_equal(timers_take_due(&timers, START_NS + 80000), &second);
    assert_ptr_equal(timers_take_due(&timers, START_NS + 80000), &third);
}

static void a_removed_timer_is_never_due(void **state) {
    (void)state;
    struct timer removed = {0}, kept = {0};
    timers_add(&timers, &removed, START_NS + 10);
    timers_add(&timers, &kept, START_NS + 20);
    timers_remove(&timers, &removed);
    assert_true(timers_next_ns(&timers) <= START_NS + 20);
    assert_ptr_equal(timers_take_due(&timers, START_NS + 30), &kept);
    assert_null(timers_take_due(&timers, START_NS + 30));
}

/* Each is armed again with the deadline that it had, as the deadline of a request is for each read,
   so that the heap would overflow with entries left behind. */
static void entries_left_behind_are_swept_out(void **state) {
    (void)state;
    struct timer few[8] = {{0}}, last = {0};
    timers_add(&timers, &last, START_NS + 1000000);
    for (int i = 0; i < 100000; i++) {
        struct timer *timer = &few[i % 8];
        if (timer->ticket)
            timers_remove(&timers, timer);
        timers_add(&timers, timer, START_NS + i % 8);
    }
    for (int i = 0; i < 8; i++)
        assert_ptr_equal(timers_take_due(&timers, START_NS + 10), &few[i]);
    assert_null(timers_take_due(&timers, START_NS + 10));
    assert_ptr_equal(timers_take_due(&timers, START_NS + 1000000), &last);
}

#define COUNT 20000

/* Deadlines of every magnitude: from nanoseconds to days ahead. */
static int64_t some_deadline_ns(uint64_t seed, uint64_t i, int64_t now_ns) {
    uint64_t random = random_at(seed, i);
    return now_ns + (int64_t)((random >> 8) % (UINT64_C(1) << (random % 50)));
}

/* Adds, removes and takes at random, with the clock going on, and compares each timer taken with
   the earliest of those that are in. */
static void random_use_gives_the_order_of_deadlines(void **state) {
    (void)state;
    static struct timer all[COUNT];
    static bool is_in[COUNT];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        int64_t now_ns = START_NS;
        size_t in = 0, taken = 0, removed = 0;
        timers_init(&timers);
        assert_int_equal(timers_reserve(&timers, COUNT), 0);
        for (size_t i = 0; i < COUNT; i++) {
            timers_add(&timers, &all[i], some_deadline_ns(seed, i, now_ns));
            is_in[i] = true;
            in++;
            uint64_t other = random_at(seed + 77, i) % (i + 1);
            if (is_in[other] && random_at(seed + 99, i) % 3 == 0) {
                timers_remove(&timers, &all[other]);
                is_in[other] = false;
                in--;
                removed++;
            }
            if (i % 16)
                continue;
            now_ns += (int64_t)(random_at(seed + 55, i) % 1000000);
            struct timer *due;
            int64_t last_ns = 0;
            while ((due = timers_take_due(&timers, now_ns))) {
                assert_true(is_in[due - all]);
                assert_true(due->deadline_ns <= now_ns);
                assert_true(due->deadline_ns >= last_ns);
                last_ns = due->deadline_ns;
                is_in[due - all] = false;
                in--;
                taken++;
            }
            assert_true(timers_next_ns(&timers) > now_ns);
        }
        int64_t last_ns = 0;
        struct timer *due;
        while ((due = timers_take_due(&timers, INT64_MAX - 1))) {
            assert_true(is_in[due - all]);
            assert_true(due->deadline_ns >= last_ns);
            last_ns = due->deadline_ns;
            is_in[due - all] = false;
            in--;
            taken++;
        }
        timers_destroy(&timers);
        assert_int_equal(in, 0);
        assert_int_equal(taken + removed, COUNT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_timers_nothing_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_is_due_at_its_deadline_and_not_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_past_is_due_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_deadlines_come_in_the_order_added, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removed_timer_is_never_due, setup, teardown),
        cmocka_unit_test_setup_teardown(entries_left_behind_are_swept_out, setup, teardown),
        cmocka_unit_test(random_use_gives_the_order_of_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
