/* Known times in, exact figures out. Two victims tick every 10 ms; what is due before 20 ms is the
   quiet part. Victim 1 is due 5 ms after victim 0. */
#include "measure/lateness.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS NS_PER_MS
#define VICTIMS 2
#define TICKS 10
#define BASE_NS NS_PER_S /* a time of 0 says that a tick never began */
#define BLOCKS_MAX 4

struct fixture {
    int64_t due_ns[VICTIMS * TICKS];
    int64_t began_ns[VICTIMS * TICKS];
    struct block_record blocks[BLOCKS_MAX];
    struct lateness_input input;
    struct histogram *quiet;
    struct histogram *blocked;
    struct lateness lateness;
};

static struct fixture fixture;

/* All ticks are on time and nobody blocks. */
static int set_up(void **state) {
    struct fixture *f = &fixture;
    *f = (struct fixture){.input = {.victims = VICTIMS,
                                    .ticks = TICKS,
                                    .tick_ns = 10 * MS,
                                    .quiet_until_ns = BASE_NS + 20 * MS,
                                    .due_ns = f->due_ns,
                                    .began_ns = f->began_ns,
                                    .blocks = f->blocks}};
    for (int64_t i = 0; i < VICTIMS * TICKS; i++)
        f->due_ns[i] = f->began_ns[i] = BASE_NS + i % TICKS * 10 * MS + i / TICKS * 5 * MS;
    *state = f;
    return 0;
}

static void begin_at(struct fixture *f, int victim, int tick, int64_t at_ns) {
    f->began_ns[victim * TICKS + tick] = BASE_NS + at_ns;
}

static void add_block(struct fixture *f, int64_t begin_ns, int64_t end_ns) {
    f->blocks[f->input.block_count++] =
        (struct block_record){.begin_ns = BASE_NS + begin_ns, .end_ns = BASE_NS + end_ns};
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    histogram_destroy(f->blocked);
    histogram_destroy(f->quiet);
    f->blocked = f->quiet = NULL;
    return 0;
}

/* May be called again when a test has changed something. */
static void measure(struct fixture *f) {
    tear_down((void **)(void *)&f);
    assert_int_equal(histogram_create(&f->quiet) || histogram_create(&f->blocked), 0);
    lateness_measure(&f->input, f->quiet, f->blocked, &f->lateness);
}

static void ticks_that_are_on_time_delay_nobody(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 50 * MS);
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 0);
    assert_int_equal(f->lateness.ticks_due, 16);
    assert_int_equal(f->lateness.ticks_missed, 0);
    assert_int_equal(f->lateness.blocked_ns, 20 * MS);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, 0);
    assert_int_equal(f->lateness.recovery_ns, 0);
    assert_int_equal(histogram_count(f->quiet), 4);
    assert_int_equal(histogram_count(f->blocked), 16);
}

static void the_threshold_is_one_tick_at_least(void **state) {
    struct fixture *f = *state;
    begin_at(f, 0, 1, 19 * MS); /* 9 late */
    measure(f);
    assert_int_equal(f->lateness.threshold_ns, 10 * MS);
}

static void the_threshold_is_the_worst_of_the_quiet_part(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 70 * MS);
    begin_at(f, 1, 0, 18 * MS); /* 13 late */
    begin_at(f, 0, 4, 53 * MS); /* as late, and no later */
    measure(f);
    assert_int_equal(f->lateness.threshold_ns, 13 * MS);
    assert_int_equal(histogram_max(f->quiet), 13 * MS);
    assert_int_equal(f->lateness.victims_delayed, 0);
    begin_at(f, 0, 4, 53 * MS + 1);
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 1);
}

/* As where the blockers have all workers of a pool, and the victims begin when they have gone. */
static void a_tick_of_the_quiet_part_that_began_after_it_is_no_control(void **state) {
    struct fixture *f = *state;
    add_block(f, 20 * MS, 200 * MS);
    for (int tick = 0; tick < TICKS; tick++)
        for (int victim = 0; victim < VICTIMS; victim++)
            begin_at(f, victim, tick, 200 * MS + tick);
    measure(f);
    assert_int_equal(histogram_count(f->quiet), 0);
    assert_int_equal(f->lateness.threshold_ns, 10 * MS);
    assert_int_equal(f->lateness.victims_delayed, 2);
    assert_int_equal(f->lateness.ticks_due, 16);
    assert_int_equal(f->lateness.ticks_missed, 16);
}

/* A call from 30 to 65 ms holds up victim 0: its ticks of 30, 40, 50 and 60 ms begin at 65 and just
   after, 35, 25, 15 and 5 ms late. */
static void block_victim_0(struct fixture *f) {
    add_block(f, 30 * MS, 65 * MS);
    for (int tick = 3; tick <= 6; tick++)
        begin_at(f, 0, tick, 65 * MS + tick);
}

static void ticks_caught_up_are_late_each_by_its_own_due_time(void **state) {
    struct fixture *f = *state;
    block_victim_0(f);
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 1);
    assert_int_equal(histogram_count(f->blocked), 16);
    assert_int_equal(histogram_max(f->blocked), 35 * MS + 3);
    assert_int_equal(histogram_mean(f->blocked), (80 * MS + 3 + 4 + 5 + 6) / 16);
}

static void a_tick_is_missed_that_began_when_the_next_was_due(void **state) {
    struct fixture *f = *state;
    block_victim_0(f);
    measure(f);
    assert_int_equal(f->lateness.ticks_missed, 3);
    begin_at(f, 1, 5, 65 * MS - 1);
    measure(f);
    assert_int_equal(f->lateness.ticks_missed, 3);
    begin_at(f, 1, 5, 65 * MS);
    measure(f);
    assert_int_equal(f->lateness.ticks_missed, 4);
}

static void a_tick_that_never_began_is_missed_and_has_no_lateness(void **state) {
    struct fixture *f = *state;
    f->began_ns[1 * TICKS + 9] = 0;
    f->began_ns[0] = 0;
    measure(f);
    assert_int_equal(f->lateness.ticks_missed, 1);
    assert_int_equal(f->lateness.ticks_due, 16);
    assert_int_equal(histogram_count(f->blocked), 15);
    assert_int_equal(histogram_count(f->quiet), 3);
}

/* From 30 to 65 ms, and no longer: the late ticks' times overlap. Of the mean of two victims that
   is half, for 35 ms blocked. */
static void time_in_which_several_ticks_were_late_is_stolen_once(void **state) {
    struct fixture *f = *state;
    block_victim_0(f);
    begin_at(f, 0, 3, 65 * MS);
    begin_at(f, 0, 4, 65 * MS);
    begin_at(f, 0, 5, 65 * MS);
    measure(f);
    assert_int_equal(f->lateness.blocked_ns, 35 * MS);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, NS_PER_S / 2);
}

/* 11 ms from 30 on, 12 ms from 60 on, beside calls of 20 ms. */
static void times_stolen_apart_are_added(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 50 * MS);
    add_block(f, 55 * MS, 75 * MS);
    begin_at(f, 0, 3, 41 * MS);
    begin_at(f, 0, 6, 72 * MS);
    measure(f);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, 23 * NS_PER_S / 2 / 40);
}

static void what_is_late_between_the_calls_is_not_their_doing(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 50 * MS);
    begin_at(f, 0, 5, 65 * MS); /* due when the call ended */
    measure(f);
    assert_int_equal(histogram_max(f->blocked), 15 * MS);
    assert_int_equal(f->lateness.victims_delayed, 0);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, 0);
    begin_at(f, 1, 4, 65 * MS); /* due 5 ms before */
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 1);
}

static void a_threshold_as_long_as_the_mean_call_tells_nothing(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 42 * MS);
    add_block(f, 60 * MS, 68 * MS);
    begin_at(f, 0, 3, 42 * MS);
    measure(f);
    assert_int_equal(f->lateness.threshold_ns, 10 * MS);
    assert_int_equal(f->lateness.blocked_ns, 20 * MS);
    assert_int_equal(f->lateness.victims_delayed, -1);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, -1);
    f->blocks[1].end_ns++;
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 1);
}

static void the_calls_of_all_blockers_are_added(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 50 * MS);
    add_block(f, 30 * MS, 45 * MS);
    add_block(f, 60 * MS, 61 * MS);
    measure(f);
    assert_int_equal(f->lateness.blocked_ns, 36 * MS);
}

/* Victim 0 is late across the end of the last call, at 60 ms; its tick of 60 ms is on time. */
static void recovery_lasts_from_the_last_end_to_the_last_late_tick(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 60 * MS);
    add_block(f, 30 * MS, 45 * MS);
    begin_at(f, 0, 3, 62 * MS);
    begin_at(f, 0, 4, 63 * MS);
    begin_at(f, 0, 5, 64 * MS);
    begin_at(f, 0, 6, 65 * MS);
    measure(f);
    assert_int_equal(f->lateness.recovery_ns, 4 * MS);
}

static void what_is_late_after_a_victim_was_on_time_again_is_no_recovery(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 45 * MS);
    begin_at(f, 0, 3, 47 * MS);
    begin_at(f, 0, 4, 48 * MS);
    begin_at(f, 0, 8, 95 * MS);
    measure(f);
    assert_int_equal(f->lateness.recovery_ns, 2 * MS);
}

static void calls_that_take_no_time_blocked_nothing_that_could_be_measured(void **state) {
    struct fixture *f = *state;
    add_block(f, 30 * MS, 30 * MS + LATENESS_BLOCK_MIN_NS - 1);
    begin_at(f, 0, 3, 45 * MS);
    measure(f);
    assert_int_equal(f->lateness.blocked_ns, -1);
    assert_int_equal(f->lateness.stolen_ns_per_blocked_s, -1);
    assert_int_equal(f->lateness.recovery_ns, -1);
    assert_int_equal(f->lateness.victims_delayed, -1);
    add_block(f, 50 * MS, 50 * MS + LATENESS_BLOCK_MIN_NS);
    measure(f);
    assert_int_equal(f->lateness.blocked_ns, LATENESS_BLOCK_MIN_NS);
}

static void a_call_that_was_never_made_did_not_block(void **state) {
    struct fixture *f = *state;
    f->input.block_count = 1;
    measure(f);
    assert_int_equal(f->lateness.blocked_ns, -1);
    assert_int_equal(f->lateness.recovery_ns, -1);
}

static void where_nobody_blocks_only_the_ticks_are_told(void **state) {
    struct fixture *f = *state;
    begin_at(f, 1, 5, 70 * MS);
    measure(f);
    assert_int_equal(f->lateness.victims_delayed, 0);
    assert_int_equal(f->lateness.ticks_missed, 1);
    assert_int_equal(f->lateness.blocked_ns, -1);
}

static void without_a_quiet_part_the_threshold_is_one_tick(void **state) {
    struct fixture *f = *state;
    f->input.quiet_until_ns = BASE_NS;
    measure(f);
    assert_int_equal(f->lateness.threshold_ns, 10 * MS);
    assert_int_equal(f->lateness.ticks_due, 20);
    assert_int_equal(histogram_count(f->quiet), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ticks_that_are_on_time_delay_nobody),
        TEST(the_threshold_is_one_tick_at_least),
        TEST(the_threshold_is_the_worst_of_the_quiet_part),
        TEST(a_tick_of_the_quiet_part_that_began_after_it_is_no_control),
        TEST(ticks_caught_up_are_late_each_by_its_own_due_time),
        TEST(a_tick_is_missed_that_began_when_the_next_was_due),
        TEST(a_tick_that_never_began_is_missed_and_has_no_lateness),
        TEST(time_in_which_several_ticks_were_late_is_stolen_once),
        TEST(times_stolen_apart_are_added),
        TEST(what_is_late_between_the_calls_is_not_their_doing),
        TEST(a_threshold_as_long_as_the_mean_call_tells_nothing),
        TEST(the_calls_of_all_blockers_are_added),
        TEST(recovery_lasts_from_the_last_end_to_the_last_late_tick),
        TEST(what_is_late_after_a_victim_was_on_time_again_is_no_recovery),
        TEST(calls_that_take_no_time_blocked_nothing_that_could_be_measured),
        TEST(a_call_that_was_never_made_did_not_block),
        TEST(where_nobody_blocks_only_the_ticks_are_told),
        TEST(without_a_quiet_part_the_threshold_is_one_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
