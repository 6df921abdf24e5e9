/* What records prove: exact phases, and the verdict on hand-made records. */
#include "harness/limits.h"
#include "harness/phases.h"
#include "harness/verdict.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static void phases_add_up_to_the_wall_time(void **state) {
    (void)state;
    struct phase_times times = {1000, 1300, 2000, 2100};
    struct phases phases = phases_of(&times);
    assert_int_equal(phases.wall_ns, 1100);
    assert_int_equal(phases.spawn_ns, 300);
    assert_int_equal(phases.run_ns, 700);
    assert_int_equal(phases.join_ns, 100);
}

static void run_is_zero_when_the_last_operation_ended_before_the_last_spawn(void **state) {
    (void)state;
    struct phase_times times = {1000, 1900, 1800, 2100};
    struct phases phases = phases_of(&times);
    assert_int_equal(phases.spawn_ns, 900);
    assert_int_equal(phases.run_ns, 0);
    assert_int_equal(phases.join_ns, 200);
}

static void all_is_spawning_when_main_never_told_its_end(void **state) {
    (void)state;
    struct phase_times times = {1000, 0, 0, 2100};
    struct phases phases = phases_of(&times);
    assert_int_equal(phases.wall_ns, 1100);
    assert_int_equal(phases.spawn_ns, 1100);
    assert_int_equal(phases.run_ns, 0);
    assert_int_equal(phases.join_ns, 0);
}

/* A workload whose operation waits 10 ms and has its number as its value. */
static uint64_t operations(const void *params) {
    (void)params;
    return 3;
}

static int64_t wait_ns(const void *params, uint64_t operation) {
    (void)params;
    (void)operation;
    return 10 * MS;
}

static bool is_right(const void *params, uint64_t operation, uint64_t value) {
    (void)params;
    return value == operation;
}

static const struct workload ten_ms = {
    .name = "ten", .operations = operations, .wait_ns = wait_ns, .is_right = is_right};
static const struct spec spec = {.workload = &ten_ms};

struct fixture {
    struct recorder *recorder;
    struct histogram *latency;
    struct histogram *overshoot;
    struct verdict verdict;
};

/* Three operations of 11, 12 and 13 ms that all went well. */
static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f ||
        recorder_create(
            &f->recorder,
            &(struct recorder_options){.operations = 3, .plateau_tasks = 3, .plateau_fd = -1}) ||
        histogram_create(&f->latency) || histogram_create(&f->overshoot))
        return -1;
    for (uint64_t i = 0; i < 3; i++)
        f->recorder->records[i] = (struct operation_record){
            .begin_ns = 100 * MS, .end_ns = (111 + (int64_t)i) * MS, .value = i};
    f->recorder->spawned = 3;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    verdict_destroy(&f->verdict);
    histogram_destroy(f->overshoot);
    histogram_destroy(f->latency);
    recorder_destroy(f->recorder);
    free(f);
    return 0;
}

static void reach(struct fixture *f) {
    verdict_reach(&f->verdict, &spec, NULL, f->recorder, 0, 0, f->latency, f->overshoot);
}

static void right_values_after_their_waits_are_ok(void **state) {
    struct fixture *f = *state;
    reach(f);
    assert_string_equal(f->verdict.status, "ok");
    assert_string_equal(f->verdict.reason.text, "");
    assert_true(f->verdict.is_verified);
    assert_int_equal(f->verdict.summary.ended, 3);
    assert_int_equal(histogram_count(f->latency), 3);
    assert_int_equal(histogram_min(f->latency), 11 * MS);
    assert_int_equal(histogram_max(f->latency), 13 * MS);
    assert_int_equal(histogram_mean(f->overshoot), 2 * MS);
}

static void one_wrong_value_makes_the_trial_wrong(void **state) {
    struct fixture *f = *state;
    f->recorder->records[1].value = 99;
    reach(f);
    assert_string_equal(f->verdict.status, "wrong");
    assert_string_equal(f->verdict.reason.text,
                        "ten: operation 1: its value 99 is not what the oracle computes");
    assert_false(f->verdict.is_verified);
}

static void one_operation_shorter_than_its_wait_makes_the_trial_wrong(void **state) {
    struct fixture *f = *state;
    f->recorder->records[2].end_ns = f->recorder->records[2].begin_ns + 10 * MS - 1;
    reach(f);
    assert_string_equal(f->verdict.status, "wrong");
    assert_string_equal(f->verdict.reason.text,
                        "ten: operation 2 took 9999999 ns and contains waits of 10000000 ns");
}

static void an_operation_that_never_ended_makes_the_trial_wrong(void **state) {
    struct fixture *f = *state;
    f->recorder->records[0].end_ns = 0;
    reach(f);
    assert_string_equal(f->verdict.status, "wrong");
    assert_string_equal(f->verdict.reason.text, "2 of 3 operations ended");
}

static void failed_operations_are_counted_by_cause_and_not_timed(void **state) {
    struct fixture *f = *state;
    f->recorder->records[0].error = -ECONNRESET;
    f->recorder->records[2].error = -ECONNRESET;
    reach(f);
    assert_string_equal(f->verdict.status, "failed");
    assert_int_equal(json_integer_value(json_object_get(f->verdict.errors, "ECONNRESET")), 2);
    assert_int_equal(histogram_count(f->latency), 1);
    assert_int_equal(f->verdict.summary.ended, 1);
    assert_int_equal(f->verdict.summary.failed, 2);
}

static void a_descriptor_limit_makes_the_trial_limited(void **state) {
    struct fixture *f = *state;
    f->recorder->records[0].error = -EMFILE;
    reach(f);
    assert_string_equal(f->verdict.status, "limited");
    assert_int_equal(f->verdict.limit_cause, -EMFILE);
}

static void the_reason_names_the_limit_and_not_an_error_before_it(void **state) {
    struct fixture *f = *state;
    f->recorder->records[0].error = -ECONNRESET;
    f->recorder->records[1].error = -EMFILE;
    f->recorder->records[2].error = -ENOBUFS;
    reach(f);
    assert_string_equal(f->verdict.status, "limited");
    assert_string_equal(f->verdict.reason.text, "ten: operation 1: EMFILE");
    assert_int_equal(f->verdict.limit_cause, -EMFILE);
}

static void every_error_that_is_a_limit_has_one_that_explains_it(void **state) {
    (void)state;
    for (int error = -1; error > -4096; error--) {
        json_t *limit = verdict_is_limit(error) ? limits_explain(error, 1) : NULL;
        if (verdict_is_limit(error) && !limit && error != -EMFILE && error != -ENFILE)
            fail_msg("%s has none", strerrorname_np(-error));
        json_decref(limit);
    }
}

static void a_failed_spawn_makes_the_trial_limited(void **state) {
    struct fixture *f = *state;
    f->recorder->records[2] = (struct operation_record){0};
    f->recorder->spawned = 2;
    f->recorder->spawn_error = -EAGAIN;
    reach(f);
    assert_string_equal(f->verdict.status, "limited");
    assert_int_equal(f->verdict.limit_cause, -EAGAIN);
    assert_false(f->verdict.is_verified);
}

static void a_wrong_value_is_not_hidden_by_a_limit(void **state) {
    struct fixture *f = *state;
    f->recorder->records[0].value = 99;
    f->recorder->spawn_error = -EAGAIN;
    reach(f);
    assert_string_equal(f->verdict.status, "wrong");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_add_up_to_the_wall_time),
        cmocka_unit_test(run_is_zero_when_the_last_operation_ended_before_the_last_spawn),
        cmocka_unit_test(all_is_spawning_when_main_never_told_its_end),
        TEST(right_values_after_their_waits_are_ok),
        TEST(one_wrong_value_makes_the_trial_wrong),
        TEST(one_operation_shorter_than_its_wait_makes_the_trial_wrong),
        TEST(an_operation_that_never_ended_makes_the_trial_wrong),
        TEST(failed_operations_are_counted_by_cause_and_not_timed),
        TEST(a_descriptor_limit_makes_the_trial_limited),
        TEST(the_reason_names_the_limit_and_not_an_error_before_it),
        cmocka_unit_test(every_error_that_is_a_limit_has_one_that_explains_it),
        TEST(a_failed_spawn_makes_the_trial_limited),
        TEST(a_wrong_value_is_not_hidden_by_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
