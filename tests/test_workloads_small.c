/* What the workloads that measure one row of the textbook's table prove: run in every model, judged
   by their oracles, and told apart from runs that went wrong. */
#include "support.h"

#include "harness/spec.h"
#include "harness/verdict.h"
#include "measure/recorder.h"

/* A run of one spec in one model, and the verdict on it. */
struct judged {
    struct spec spec;
    struct recorder *recorder;
    struct histogram *latency;
    void *state;
    int main_result;
    struct verdict verdict;
};

static void parse(struct spec *spec, const char *text) {
    struct message message = {""};
    if (spec_parse(spec, text, &message))
        fail_msg("%s: %s", text, message.text);
}

static void prepare(struct judged *j, const char *text) {
    *j = (struct judged){0};
    parse(&j->spec, text);
    const struct workload *workload = j->spec.workload;
    struct recorder_options options = {.operations = workload->operations(j->spec.params),
                                       .plateau_tasks = (uint64_t)spec_tasks(&j->spec),
                                       .plateau_fd = -1};
    struct workload_input input = {.params = j->spec.params};
    char message[WORKLOAD_MESSAGE_BYTES] = "";
    assert_int_equal(recorder_create(&j->recorder, &options), 0);
    assert_int_equal(histogram_create(&j->latency), 0);
    input.recorder = j->recorder;
    assert_int_equal(workload->prepare(&input, &j->state, message), 0);
}

static void judge(struct judged *j) {
    if (j->spec.workload->settle)
        j->spec.workload->settle(j->state);
    verdict_reach(&j->verdict, &j->spec, j->state, j->recorder, 0, j->main_result, j->latency,
                  NULL);
}

static void run_spec(struct judged *j, const char *text, const struct model *model,
                     int64_t workers) {
    prepare(j, text);
    j->main_result = run_in(model, workers, j->spec.workload->main, j->state);
    judge(j);
}

static void release(struct judged *j) {
    j->spec.workload->destroy(j->state);
    verdict_destroy(&j->verdict);
    histogram_destroy(j->latency);
    recorder_destroy(j->recorder);
    spec_destroy(&j->spec);
}

static void assert_ok(const struct judged *j, const char *model) {
    if (strcmp(j->verdict.status, "ok") != 0)
        fail_msg("%s in %s: %s: %s", j->spec.text, model, j->verdict.status,
                 j->verdict.reason.text);
    assert_true(j->verdict.is_verified);
}

static void is_verified_in_every_model(const char *text) {
    for (size_t i = 0; i < MODELS; i++) {
        struct judged j;
        run_spec(&j, text, models[i], WORKERS);
        assert_ok(&j, models[i]->name);
        release(&j);
    }
}

static int64_t lost_updates(const struct judged *j) {
    struct workload_figure figures[WORKLOAD_FIGURES_MAX];
    assert_int_equal(j->spec.workload->figures(j->state, figures), 1);
    assert_string_equal(figures[0].name, "lost_updates_count");
    return figures[0].value;
}

static void spawned_tasks_sum_up_in_every_model(void **state) {
    (void)state;
    is_verified_in_every_model("spawn:tasks=50,batches=5");
    is_verified_in_every_model("spawn:tasks=1,batches=3,seed=7");
}

static void the_token_visits_the_ring_in_order_in_every_model(void **state) {
    (void)state;
    is_verified_in_every_model("switch:by=yield,switches=100,batches=5");
    is_verified_in_every_model("switch:by=semaphore,switches=100,batches=5");
    is_verified_in_every_model("switch:by=pipe,switches=100,batches=5");
    is_verified_in_every_model("switch:tasks=7,by=yield,switches=50,batches=2");
    is_verified_in_every_model("switch:tasks=7,by=semaphore,switches=50,batches=2");
    is_verified_in_every_model("switch:tasks=7,by=pipe,switches=50,batches=2");
}

static void switches_are_rounded_up_to_whole_laps(void **state) {
    (void)state;
    struct spec spec;
    parse(&spec, "switch:tasks=7,switches=50");
    assert_int_equal(spec_units(&spec), 56);
    spec_destroy(&spec);
}

static void hashes_are_the_oracles_in_every_model_and_with_yields(void **state) {
    (void)state;
    is_verified_in_every_model("cpu:tasks=10,work=10k");
    is_verified_in_every_model("cpu:tasks=10,work=10k,yield-every=3k");
    is_verified_in_every_model("cpu:tasks=2,work=1,yield-every=1");
}

static void a_task_that_yields_lets_the_others_compute_meanwhile(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "cpu:tasks=2,work=10k,yield-every=1k", &model_async, WORKERS);
    assert_ok(&j, "async");
    assert_true(j.recorder->records[1].begin_ns < j.recorder->records[0].end_ns);
    release(&j);
    run_spec(&j, "cpu:tasks=2,work=10k", &model_async, WORKERS);
    assert_ok(&j, "async");
    assert_true(j.recorder->records[1].begin_ns >= j.recorder->records[0].end_ns);
    release(&j);
}

static void no_update_is_lost_with_a_lock_in_any_model(void **state) {
    (void)state;
    static const char *const specs[] = {
        "shared:lock=atomic,batches=5",
        "shared:lock=mutex,batches=5,increments=200",
        "shared:lock=mutex,counters=3,batches=5,increments=200",
        "shared:lock=mutex,tasks=4,batches=2,increments=20,wait-inside=yes",
        "shared:lock=none,counters=8,batches=5",
    };
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        for (size_t i = 0; i < MODELS; i++) {
            struct judged j;
            run_spec(&j, specs[s], models[i], WORKERS);
            assert_ok(&j, models[i]->name);
            assert_int_equal(lost_updates(&j), 0);
            release(&j);
        }
    }
}

static void one_loop_loses_no_update_without_a_lock(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "shared:lock=none,batches=20", &model_async, WORKERS);
    assert_ok(&j, "async");
    assert_int_equal(lost_updates(&j), 0);
    release(&j);
}

/* All eight read the same value, give way to one another, and store the same one. */
static void one_loop_loses_updates_when_a_task_waits_inside(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "shared:lock=none,tasks=8,batches=2,increments=10,wait-inside=yes", &model_async,
             WORKERS);
    assert_ok(&j, "async");
    assert_int_equal(lost_updates(&j), 7 * 2 * 10);
    release(&j);
}

/* A switch between load and store is certain where the task gives way there. */
static void threads_lose_updates_without_a_lock(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "shared:lock=none,batches=50,increments=200,wait-inside=yes", &model_threads,
             WORKERS);
    assert_ok(&j, "threads");
    assert_true(lost_updates(&j) > 0);
    release(&j);
}

static void a_lost_update_under_a_lock_is_wrong(void **state) {
    (void)state;
    struct judged j;
    prepare(&j, "shared:lock=mutex,tasks=2,batches=2,increments=10");
    j.main_result = run_in(&model_async, WORKERS, j.spec.workload->main, j.state);
    j.spec.workload->settle(j.state);
    operation_set_value(j.recorder, 3, 39);
    verdict_reach(&j.verdict, &j.spec, j.state, j.recorder, 0, 0, j.latency, NULL);
    assert_string_equal(j.verdict.status, "wrong");
    release(&j);
}

static void each_item_is_taken_once_and_in_order_in_every_model(void **state) {
    (void)state;
    is_verified_in_every_model("queue:items=100,batches=10");
    is_verified_in_every_model("queue:producers=1,consumers=1,capacity=1,items=50,batches=3");
    is_verified_in_every_model("queue:producers=5,consumers=1,capacity=3,items=33,batches=7");
    is_verified_in_every_model("queue:producers=1,consumers=5,capacity=100,items=20,batches=3");
}

static void an_item_taken_twice_or_out_of_order_is_wrong(void **state) {
    (void)state;
    for (uint64_t operation = 0; operation < 4; operation++) {
        struct judged j;
        prepare(&j, "queue:producers=1,consumers=1,items=10,batches=2");
        j.main_result = run_in(&model_async, WORKERS, j.spec.workload->main, j.state);
        j.spec.workload->settle(j.state);
        operation_set_value(j.recorder, operation, j.recorder->records[operation].value + 1);
        verdict_reach(&j.verdict, &j.spec, j.state, j.recorder, 0, 0, j.latency, NULL);
        assert_string_equal(j.verdict.status, "wrong");
        release(&j);
    }
}

/* Without the wait for one another the two workers would run the ring's first two tasks for ever.
 */
static void a_pool_too_small_ends_as_a_deadlock(void **state) {
    (void)state;
    static const char *const specs[] = {"switch:tasks=4,by=yield", "switch:tasks=4,by=semaphore",
                                        "queue:producers=4,consumers=4"};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        struct judged j;
        run_spec(&j, specs[s], &model_pool, 2);
        assert_int_equal(j.main_result, -EDEADLK);
        assert_false(j.verdict.is_verified);
        release(&j);
    }
}

static void assert_refused(const char *text, const char *part) {
    struct spec spec;
    struct message message = {""};
    assert_int_equal(spec_parse(&spec, text, &message), -EINVAL);
    if (!strstr(message.text, part))
        fail_msg("%s: \"%s\" does not tell of \"%s\"", text, message.text, part);
    assert_null(strchr(message.text, '\n'));
}

static void parameters_that_do_not_fit_together_are_refused(void **state) {
    (void)state;
    assert_refused("switch:by=telepathy", "not one of yield, semaphore, pipe");
    assert_refused("switch:tasks=1", "tasks");
    assert_refused("shared:lock=hope", "not one of none, atomic, mutex");
    assert_refused("shared:lock=atomic,wait-inside=yes", "--lock=mutex");
    assert_refused("shared:tasks=8,counters=9", "--counters=8");
    assert_refused("queue:items=100k,batches=100k", "items");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spawned_tasks_sum_up_in_every_model),
        cmocka_unit_test(the_token_visits_the_ring_in_order_in_every_model),
        cmocka_unit_test(switches_are_rounded_up_to_whole_laps),
        cmocka_unit_test(hashes_are_the_oracles_in_every_model_and_with_yields),
        cmocka_unit_test(a_task_that_yields_lets_the_others_compute_meanwhile),
        cmocka_unit_test(no_update_is_lost_with_a_lock_in_any_model),
        cmocka_unit_test(one_loop_loses_no_update_without_a_lock),
        cmocka_unit_test(one_loop_loses_updates_when_a_task_waits_inside),
        cmocka_unit_test(threads_lose_updates_without_a_lock),
        cmocka_unit_test(a_lost_update_under_a_lock_is_wrong),
        cmocka_unit_test(each_item_is_taken_once_and_in_order_in_every_model),
        cmocka_unit_test(an_item_taken_twice_or_out_of_order_is_wrong),
        cmocka_unit_test(a_pool_too_small_ends_as_a_deadlock),
        cmocka_unit_test(parameters_that_do_not_fit_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
