/* The workload "blocking" in the real models, with few victims: who is held up by whom. Lower
   bounds hold on any machine; where noise could reverse an order, some tries are allowed. */
#include "support.h"

#include "harness/blocking_result.h"
#include "harness/spec.h"
#include "measure/recorder.h"

#include <signal.h>
#include <sys/resource.h>

#define TRIES 8
#define BLOCK_NS (60 * NS_PER_MS)
#define SMALL "victims=20,tick=10ms,quiet=100ms,for=400ms,every=200ms,block=60ms"

/* What one run of a spec in a model came to. */
struct outcome {
    int result;
    int64_t calls;
    uint64_t wrong; /* ticks that did not end, or with another value than the oracle's */
    json_t *blocking;
};

static struct spec parse(const char *text) {
    struct spec spec;
    struct message message = {""};
    if (spec_parse(&spec, text, &message))
        fail_msg("%s: %s", text, message.text);
    return spec;
}

static void *prepare(const struct spec *spec, struct recorder *recorder) {
    struct workload_input input = {.params = spec->params, .recorder = recorder};
    char message[WORKLOAD_MESSAGE_BYTES] = "";
    void *state;
    int err = spec->workload->prepare(&input, &state, message);
    if (err)
        fail_msg("prepare: %d: %s", err, message);
    return state;
}

static void run_prepared(const struct spec *spec, const struct model *model, int64_t workers,
                         struct recorder *recorder, struct outcome *out) {
    const struct workload *workload = spec->workload;
    struct model_options options = {
        .workers = workers, .helpers = 8, .task_stack_bytes = spec_stack_bytes(spec)};
    struct model_report report;
    void *state = prepare(spec, recorder);
    out->result = run_with(model, &options, &report, workload->main, state);
    struct workload_figure figures[WORKLOAD_FIGURES_MAX];
    assert_int_equal(workload->figures(state, figures), 1);
    out->calls = figures[0].value;
    out->blocking = blocking_result_json(spec, state, recorder, false);
    workload->destroy(state);
}

static struct outcome run_spec(const char *text, const struct model *model, int64_t workers) {
    struct spec spec = parse(text);
    struct workload_blocking shape;
    struct outcome out = {0};
    spec.workload->blocking(spec.params, &shape);
    struct recorder_options options = {.operations = spec.workload->operations(spec.params),
                                       .blocks = shape.blocks,
                                       .plateau_fd = -1};
    struct recorder *recorder;
    assert_int_equal(recorder_create(&recorder, &options), 0);
    run_prepared(&spec, model, workers, recorder, &out);
    for (uint64_t i = 0; i < options.operations; i++)
        out.wrong += !recorder->records[i].end_ns || recorder->records[i].error ||
                     !spec.workload->is_right(spec.params, i, recorder->records[i].value);
    assert_non_null(out.blocking);
    recorder_destroy(recorder);
    spec_destroy(&spec);
    return out;
}

static int64_t figure(const struct outcome *outcome, const char *name) {
    return json_integer_value(json_object_get(outcome->blocking, name));
}

static int64_t lateness(const struct outcome *outcome, const char *name) {
    return json_integer_value(
        json_object_get(json_object_get(outcome->blocking, "lateness_ns"), name));
}

/* Runs until `holds` or the tries are used up; the last outcome is then told. */
static void some_time(const char *text, const struct model *model,
                      bool (*holds)(const struct outcome *outcome)) {
    for (int i = 1; i <= TRIES; i++) {
        struct outcome outcome = run_spec(text, model, 64);
        bool does_hold = holds(&outcome);
        if (!does_hold && i == TRIES)
            print_message("%s in %s: %lld delayed, at most by %lld ns\n", text, model->name,
                          (long long)figure(&outcome, "victims_delayed"),
                          (long long)lateness(&outcome, "max"));
        json_decref(outcome.blocking);
        if (does_hold || IS_INSTRUMENTED)
            return;
    }
    fail();
}

static bool is_nearly_all(const struct outcome *outcome) {
    return figure(outcome, "victims_delayed") >= 19 &&
           lateness(outcome, "max") < 3 * BLOCK_NS / 2 &&
           figure(outcome, "stolen_ns_per_blocked_s") > NS_PER_S / 2;
}

static bool is_none(const struct outcome *outcome) {
    return figure(outcome, "victims_delayed") == 0;
}

static bool is_little(const struct outcome *outcome) {
    return lateness(outcome, "max") < BLOCK_NS / 2;
}

static void in_async_a_call_made_in_place_holds_up_nearly_all_for_its_length(void **state) {
    (void)state;
    some_time("blocking:" SMALL, &model_async, is_nearly_all);
}

/* Whatever the noise: somebody was due when the call began and waited to its end. */
static void in_async_somebody_is_late_by_nearly_the_whole_call(void **state) {
    (void)state;
    struct outcome outcome = run_spec("blocking:" SMALL, &model_async, 1);
    assert_true(lateness(&outcome, "max") > BLOCK_NS - 10 * NS_PER_MS);
    json_decref(outcome.blocking);
}

static void in_threads_it_holds_up_nobody(void **state) {
    (void)state;
    some_time("blocking:" SMALL, &model_threads, is_none);
}

static void in_a_pool_of_enough_workers_it_holds_up_nobody(void **state) {
    (void)state;
    some_time("blocking:" SMALL, &model_pool, is_none);
}

static void offloaded_it_holds_up_nobody_in_async_either(void **state) {
    (void)state;
    some_time("blocking:" SMALL ",remedy=offload", &model_async, is_none);
}

static void what_computes_and_yields_holds_up_others_for_less_than_it_takes(void **state) {
    (void)state;
    some_time("blocking:" SMALL ",kind=spin,remedy=yield", &model_async, is_little);
}

/* Both workers are the blockers', from before the first tick to after the last call. */
static void a_pool_with_as_many_blockers_as_workers_starves(void **state) {
    (void)state;
    struct outcome outcome = run_spec("blocking:" SMALL ",blockers=2", &model_pool, 2);
    assert_int_equal(outcome.result, 0);
    assert_int_equal(figure(&outcome, "victims_delayed"), 20);
    assert_true(lateness(&outcome, "max") > 200 * NS_PER_MS);
    json_decref(outcome.blocking);
}

static void every_kind_blocks_as_long_as_told_in_every_model(void **state) {
    (void)state;
    static const char *const kinds[] = {"sleep", "spin", "getaddrinfo", "lock",
                                        "spin,remedy=yield"};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        char text[200];
        snprintf(text, sizeof text, "blocking:" SMALL ",block=30ms,blockers=2,kind=%s",
                 kinds[kind]);
        for (size_t i = 0; i < MODELS; i++) {
            struct outcome outcome = run_spec(text, models[i], 64);
            print_message("           %s in %s: %lld ns\n", kinds[kind], models[i]->name,
                          (long long)figure(&outcome, "blocked_ns"));
            assert_int_equal(outcome.result, 0);
            assert_int_equal(outcome.calls, 4);
            assert_int_equal(outcome.wrong, 0);
            /* A lock is held from before it is asked for: some microseconds pass between. */
            assert_true(figure(&outcome, "blocked_ns") >= 4 * 30 * NS_PER_MS - NS_PER_MS);
            json_decref(outcome.blocking);
        }
    }
}

static void every_kind_can_be_offloaded_in_every_model(void **state) {
    (void)state;
    static const char *const kinds[] = {"sleep", "spin", "getaddrinfo", "fsync", "lock"};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        char text[200];
        snprintf(text, sizeof text, "blocking:" SMALL ",blockers=3,remedy=offload,kind=%s",
                 kinds[kind]);
        for (size_t i = 0; i < MODELS; i++) {
            struct outcome outcome = run_spec(text, models[i], 64);
            assert_int_equal(outcome.result, 0);
            assert_int_equal(outcome.calls, 6);
            assert_int_equal(outcome.wrong, 0);
            json_decref(outcome.blocking);
        }
    }
}

static void without_blockers_nobody_blocks(void **state) {
    (void)state;
    struct outcome outcome = run_spec("blocking:" SMALL ",blockers=0", &model_async, 1);
    assert_int_equal(outcome.result, 0);
    assert_int_equal(outcome.calls, 0);
    assert_true(json_is_null(json_object_get(outcome.blocking, "blocked_ns")));
    assert_int_equal(figure(&outcome, "ticks_due"), 20 * 40);
    json_decref(outcome.blocking);
}

/* No file may grow: what the fsync is to write cannot be written. */
static void fail_to_write(const struct model *model) {
    struct rlimit none = {0, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    EXPECT(setrlimit(RLIMIT_FSIZE, &none), 0);
    struct outcome outcome = run_spec("blocking:" SMALL ",kind=fsync", model, 64);
    EXPECT(outcome.result, -EFBIG);
    EXPECT(outcome.calls, 0);
    json_decref(outcome.blocking);
}

static void the_error_of_a_call_is_what_main_returns(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        struct told told;
        in_child(fail_to_write, models[i], &told);
    }
}

static void victims_are_due_one_after_the_other_within_a_tick(void **state) {
    (void)state;
    struct spec spec = parse("blocking:victims=4,tick=8ms,quiet=16ms,for=24ms");
    const struct workload *workload = spec.workload;
    void *prepared = prepare(&spec, NULL);
    assert_int_equal(workload->operations(spec.params), 4 * 5);
    assert_int_equal(workload->due_ns(prepared, 0), 0);
    assert_int_equal(workload->due_ns(prepared, 1), 8 * NS_PER_MS);
    assert_int_equal(workload->due_ns(prepared, 5), 2 * NS_PER_MS);
    assert_int_equal(workload->due_ns(prepared, 19), (32 + 6) * NS_PER_MS);
    workload->destroy(prepared);
    spec_destroy(&spec);
}

/* 10 ms and 0.1 ms a task are the lead in which the tasks are spawned. */
static void the_ideal_time_ends_with_the_last_tick_or_the_last_call(void **state) {
    (void)state;
    struct spec ticks = parse("blocking:victims=4,tick=8ms,quiet=16ms,for=24ms,block=1ms");
    assert_int_equal(ticks.workload->ideal_ns(ticks.params), 10500 * NS_PER_US + 38 * NS_PER_MS);
    spec_destroy(&ticks);
    struct spec calls = parse("blocking:victims=4,tick=8ms,quiet=16ms,for=24ms,every=12ms,"
                              "block=40ms");
    assert_int_equal(calls.workload->ideal_ns(calls.params), 10500 * NS_PER_US + 96 * NS_PER_MS);
    spec_destroy(&calls);
}

static void a_tick_has_a_value_of_its_victim_its_number_and_the_seed(void **state) {
    (void)state;
    struct outcome outcome = run_spec("blocking:" SMALL ",blockers=0", &model_threads, 1);
    assert_int_equal(outcome.wrong, 0);
    json_decref(outcome.blocking);
    struct spec one = parse("blocking:victims=1,tick=10ms,quiet=0,for=10ms");
    struct spec other = parse("blocking:victims=1,tick=10ms,quiet=0,for=10ms,seed=2");
    struct recorder *recorder;
    struct recorder_options options = {.operations = 1, .blocks = 1, .plateau_fd = -1};
    struct outcome again;
    assert_int_equal(recorder_create(&recorder, &options), 0);
    run_prepared(&one, &model_async, 1, recorder, &again);
    uint64_t value = recorder->records[0].value;
    assert_true(one.workload->is_right(one.params, 0, value));
    assert_false(one.workload->is_right(one.params, 1, value));
    assert_false(one.workload->is_right(one.params, 0, value + 1));
    assert_false(other.workload->is_right(other.params, 0, value));
    json_decref(again.blocking);
    recorder_destroy(recorder);
    spec_destroy(&other);
    spec_destroy(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(victims_are_due_one_after_the_other_within_a_tick),
        cmocka_unit_test(the_ideal_time_ends_with_the_last_tick_or_the_last_call),
        cmocka_unit_test(a_tick_has_a_value_of_its_victim_its_number_and_the_seed),
        cmocka_unit_test(in_async_a_call_made_in_place_holds_up_nearly_all_for_its_length),
        cmocka_unit_test(in_async_somebody_is_late_by_nearly_the_whole_call),
        cmocka_unit_test(in_threads_it_holds_up_nobody),
        cmocka_unit_test(in_a_pool_of_enough_workers_it_holds_up_nobody),
        cmocka_unit_test(offloaded_it_holds_up_nobody_in_async_either),
        cmocka_unit_test(what_computes_and_yields_holds_up_others_for_less_than_it_takes),
        cmocka_unit_test(a_pool_with_as_many_blockers_as_workers_starves),
        cmocka_unit_test(every_kind_blocks_as_long_as_told_in_every_model),
        cmocka_unit_test(every_kind_can_be_offloaded_in_every_model),
        cmocka_unit_test(without_blockers_nobody_blocks),
        cmocka_unit_test(the_error_of_a_call_is_what_main_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
