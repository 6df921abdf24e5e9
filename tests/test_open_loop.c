/* Operations that are due at a rate: when they are due, and what latencies from then show that
   latencies from their begin do not. And what else sleep, fetch and chain can be asked for. */
#include "support.h"

#include "harness/spec.h"
#include "harness/verdict.h"
#include "measure/recorder.h"
#include "workloads/sleep.h"

#include <math.h>
#include <time.h>

/* A run of one spec, and the verdict on it. */
struct judged {
    struct spec spec;
    struct recorder *recorder;
    struct histogram *latency;
    void *state;
    struct verdict verdict;
};

static struct spec parse(const char *text) {
    struct spec spec;
    struct message message = {""};
    if (spec_parse(&spec, text, &message))
        fail_msg("%s: %s", text, message.text);
    return spec;
}

static void prepare(struct judged *j, const char *text) {
    *j = (struct judged){.spec = parse(text)};
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
    verdict_reach(&j->verdict, &j->spec, j->state, j->recorder, 0, 0, j->latency, NULL);
    if (strcmp(j->verdict.status, "ok") != 0)
        fail_msg("%s: %s: %s", j->spec.text, j->verdict.status, j->verdict.reason.text);
}

static void run_spec(struct judged *j, const char *text, const struct model *model) {
    prepare(j, text);
    struct model_options options = {.workers = WORKERS,
                                    .helpers = 4,
                                    .loops = 2,
                                    .task_stack_bytes = spec_stack_bytes(&j->spec)};
    struct model_report report;
    assert_int_equal(run_with(model, &options, &report, j->spec.workload->main, j->state), 0);
    judge(j);
}

static void release(struct judged *j) {
    j->spec.workload->destroy(j->state);
    verdict_destroy(&j->verdict);
    histogram_destroy(j->latency);
    recorder_destroy(j->recorder);
    spec_destroy(&j->spec);
}

static struct arrivals arrivals_of(const char *process, int64_t rate, int64_t seed,
                                   uint64_t count) {
    char name[16];
    snprintf(name, sizeof name, "%s", process);
    struct arrivals_params params = {.rate = rate, .process = name};
    struct arrivals arrivals;
    assert_int_equal(arrivals_init(&arrivals, &params, seed, count), 0);
    assert_int_equal(arrivals.due_ns[count - 1], arrivals_last_ns(&params, seed, count));
    return arrivals;
}

static void fixed_arrivals_are_all_as_far_apart_to_the_nanosecond(void **state) {
    (void)state;
    struct arrivals a = arrivals_of("fixed", 1000, 1, 5000);
    for (int64_t i = 0; i < 5000; i++)
        assert_int_equal(a.due_ns[i], i * NS_PER_MS);
    arrivals_destroy(&a);
    a = arrivals_of("fixed", 3, 7, 3000001);
    assert_int_equal(a.due_ns[1], 333333333);
    assert_int_equal(a.due_ns[3000000], 1000000 * NS_PER_S);
    arrivals_destroy(&a);
}

/* Of an exponential, mean and deviation are equal, and 1/e is longer than the mean. With 100,000 of
   them each figure is within 2 %, six standard errors. */
static void poisson_arrivals_have_the_rate_and_the_shape_of_a_poisson_process(void **state) {
    (void)state;
    const int count = 100000;
    struct arrivals a = arrivals_of("poisson", 10000, 1, (uint64_t)count);
    double mean_ns = 1e5, squares = 0, last_ns = 0;
    int longer = 0;
    for (int i = 0; i < count; i++) {
        double gap_ns = (double)a.due_ns[i] - last_ns;
        last_ns = (double)a.due_ns[i];
        assert_true(gap_ns >= 0);
        squares += (gap_ns - mean_ns) * (gap_ns - mean_ns);
        longer += gap_ns > mean_ns;
    }
    assert_in_range((int64_t)(last_ns / count), 98000, 102000);
    assert_in_range((int64_t)sqrt(squares / count), 98000, 102000);
    assert_in_range(longer, 36052, 37524);
    arrivals_destroy(&a);
}

static void poisson_arrivals_are_a_function_of_their_seed(void **state) {
    (void)state;
    struct arrivals a = arrivals_of("poisson", 1000, 1, 100);
    struct arrivals same = arrivals_of("poisson", 1000, 1, 100);
    struct arrivals other = arrivals_of("poisson", 1000, 2, 100);
    struct arrivals longer = arrivals_of("poisson", 1000, 1, 200);
    assert_memory_equal(a.due_ns, same.due_ns, 100 * sizeof *a.due_ns);
    assert_memory_equal(a.due_ns, longer.due_ns, 100 * sizeof *a.due_ns);
    assert_memory_not_equal(a.due_ns, other.due_ns, 100 * sizeof *a.due_ns);
    arrivals_destroy(&a);
    arrivals_destroy(&same);
    arrivals_destroy(&other);
    arrivals_destroy(&longer);
}

/* Task t makes the sleeps 2t and 2t + 1; the first sleeps of all tasks are due before any second.
 */
static void the_sleeps_of_a_task_are_due_in_turn_with_those_of_the_others(void **state) {
    (void)state;
    struct judged j;
    prepare(&j, "sleep:tasks=3,repeat=2,rate=100,arrivals=fixed");
    static const int64_t due_ms[] = {0, 30, 10, 40, 20, 50};
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(j.spec.workload->due_ns(j.state, i), due_ms[i] * NS_PER_MS);
    release(&j);
}

/* The lead in which the tasks are spawned is 10 ms, and 0.1 ms for each. */
static void the_ideal_time_ends_with_the_last_arrival_or_with_what_one_task_has_to_do(void **s) {
    (void)s;
    struct spec enough = parse("sleep:tasks=10,sleep=20ms,rate=100,arrivals=fixed");
    assert_int_equal(enough.workload->ideal_ns(enough.params), (11 + 90 + 20) * NS_PER_MS);
    spec_destroy(&enough);
    struct spec few = parse("sleep:tasks=1,sleep=20ms,repeat=10,rate=100,arrivals=fixed");
    assert_int_equal(few.workload->ideal_ns(few.params), 10100 * NS_PER_US + 200 * NS_PER_MS);
    spec_destroy(&few);
    struct spec fetch = parse("fetch:tasks=10,requests=30,delay=5ms,rate=100,arrivals=fixed");
    assert_int_equal(fetch.workload->ideal_ns(fetch.params), (11 + 290 + 5) * NS_PER_MS);
    spec_destroy(&fetch);
    struct spec closed = parse("sleep:tasks=1,sleep=20ms,repeat=10");
    assert_int_equal(closed.workload->ideal_ns(closed.params), 200 * NS_PER_MS);
    spec_destroy(&closed);
}

/* Written by hand: one task, due every 10 ms, 1 ms each, but the second takes 101 ms. The nine that
   were due meanwhile follow at once, each 1 ms after the other, and so catch up by 9 ms each. */
static void one_slow_operation_is_in_the_intended_latency_of_all_that_it_held_up(void **state) {
    (void)state;
    struct judged j;
    prepare(&j, "sleep:tasks=1,repeat=30,sleep=1ms,rate=100,arrivals=fixed");
    j.recorder->start_ns = NS_PER_S;
    j.recorder->spawned = 1;
    int64_t end_ns = 0, expected_ms = 0;
    for (int64_t i = 0; i < 30; i++) {
        int64_t due_ns = NS_PER_S + i * 10 * NS_PER_MS;
        int64_t begin_ns = due_ns > end_ns ? due_ns : end_ns;
        end_ns = begin_ns + (i == 1 ? 101 : 1) * NS_PER_MS;
        j.recorder->records[i] =
            (struct operation_record){.begin_ns = begin_ns,
                                      .end_ns = end_ns,
                                      .value = sleep_value(j.spec.params, (uint64_t)i, NS_PER_MS)};
    }
    judge(&j);
    /* 101, 92, 83, ... 11, 2, and 18 more of 1 ms, and the first. */
    for (int64_t late = 101; late > 1; late -= 9)
        expected_ms += late;
    expected_ms += 18;
    assert_int_equal(histogram_count(j.verdict.intended), 30);
    assert_int_equal(histogram_max(j.verdict.intended), 101 * NS_PER_MS);
    assert_int_equal(histogram_mean(j.verdict.intended), (expected_ms * NS_PER_MS + 15) / 30);
    assert_int_equal(histogram_mean(j.latency), (29 + 101) * NS_PER_MS / 30);
    assert_in_range(histogram_percentile(j.latency, 66000), NS_PER_MS, 1010 * NS_PER_US);
    assert_in_range(histogram_percentile(j.verdict.intended, 66000), 2 * NS_PER_MS, 30 * NS_PER_MS);
    release(&j);
}

/* A loop that is held up for 100 ms while a workload of one task runs beside. */
struct hold_up {
    struct judged judged;
    int64_t begin_ns, end_ns;
};

static int hog(void *arg) {
    struct hold_up *h = arg;
    const struct timespec pause = {.tv_nsec = 100 * NS_PER_MS};
    int err = task_sleep(100 * NS_PER_MS);
    h->begin_ns = clock_now_ns();
    nanosleep(&pause, NULL);
    h->end_ns = clock_now_ns();
    return err;
}

static int hold_up_main(void *arg) {
    struct hold_up *h = arg;
    struct task *tasks[2];
    task_spawn(&tasks[0], "workload", h->judged.spec.workload->main, h->judged.state);
    task_spawn(&tasks[1], "hog", hog, h);
    return task_gather(tasks, 2, NULL);
}

/* Whatever the machine does besides: an operation that was due while the loop stood still ended
   after that, and its naive latency does not count the time before it began. */
static void a_loop_that_stands_still_delays_all_that_were_due_and_loses_none(void **state) {
    (void)state;
    struct hold_up h = {0};
    struct judged *j = &h.judged;
    prepare(j, "sleep:tasks=1,repeat=80,sleep=1ms,rate=100,arrivals=fixed");
    assert_int_equal(run_in(&model_async, 1, hold_up_main, &h), 0);
    judge(j);
    int held_up = 0;
    int64_t hidden_ns = 0;
    for (int64_t i = 0; i < 80; i++) {
        const struct operation_record *record = &j->recorder->records[i];
        int64_t due_ns = j->recorder->start_ns + i * 10 * NS_PER_MS;
        assert_true(record->begin_ns >= due_ns);
        if (due_ns <= h.begin_ns || due_ns >= h.end_ns)
            continue;
        held_up++;
        assert_true(record->end_ns - due_ns >= h.end_ns - due_ns + NS_PER_MS);
        hidden_ns += record->begin_ns - due_ns;
    }
    assert_true(held_up >= 9);
    assert_true(hidden_ns >= 320 * NS_PER_MS);
    assert_true(histogram_max(j->verdict.intended) >= 90 * NS_PER_MS);
    int64_t gap_ns = histogram_mean(j->verdict.intended) - histogram_mean(j->latency);
    assert_true(gap_ns >= hidden_ns / 80 - 2);
    release(j);
}

static void every_model_keeps_to_the_due_times(void **state) {
    (void)state;
    static const char *const texts[] = {"sleep:tasks=4,repeat=10,sleep=1ms,rate=500",
                                        "sleep:tasks=4,repeat=10,sleep=30ms,rate=1k,arrivals=fixed",
                                        "chain:tasks=20,max-wait=5ms,rate=500"};
    for (size_t m = 0; m < MODELS; m++)
        for (size_t t = 0; t < 3; t++) {
            struct judged j;
            run_spec(&j, texts[t], models[m]);
            for (uint64_t i = 0; i < j.recorder->operations; i++)
                assert_true(j.recorder->records[i].begin_ns >=
                            j.recorder->start_ns + j.spec.workload->due_ns(j.state, i));
            assert_true(histogram_min(j.verdict.intended) >= histogram_min(j.latency));
            release(&j);
        }
}

/* Four tasks of 10 sleeps of 30 ms, due within 40 ms: the last begins 270 ms after it was due. */
static void too_few_tasks_show_in_the_intended_latency_alone(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "sleep:tasks=4,repeat=10,sleep=30ms,rate=1k,arrivals=fixed", &model_async);
    assert_true(histogram_max(j.verdict.intended) >= (300 - 39) * NS_PER_MS);
    assert_true(histogram_mean(j.verdict.intended) >= 3 * histogram_mean(j.latency));
    release(&j);
}

static void a_closed_loop_has_no_intended_latency(void **state) {
    (void)state;
    struct judged j;
    run_spec(&j, "sleep:tasks=4,repeat=2,sleep=1ms", &model_async);
    assert_null(j.verdict.intended);
    release(&j);
}

static void work_is_verified_and_part_of_the_operation(void **state) {
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        struct judged j;
        run_spec(&j, "sleep:tasks=3,sleep=1ms,work=2M", models[m]);
        /* Two million multiplications, each of the one before: three cycles of at least 0.1 ns. */
        assert_true(histogram_min(j.latency) >= NS_PER_MS + 600 * NS_PER_US);
        release(&j);
    }
    struct judged j;
    run_spec(&j, "sleep:tasks=3,sleep=1ms,work=100", &model_async);
    j.recorder->records[1].value ^= 1;
    struct verdict verdict;
    verdict_reach(&verdict, &j.spec, j.state, j.recorder, 0, 0, j.latency, NULL);
    assert_string_equal(verdict.status, "wrong");
    verdict_destroy(&verdict);
    release(&j);
}

static void a_task_uses_as_much_of_its_stack_as_it_is_told_to(void **state) {
    (void)state;
    static const char *const texts[] = {"sleep:tasks=3,sleep=1ms,touch=100KiB",
                                        "chain:tasks=3,max-wait=1ms,touch=100KiB"};
    for (size_t t = 0; t < 2; t++) {
        struct judged j;
        prepare(&j, texts[t]);
        struct model_options options = {.helpers = 1,
                                        .task_stack_bytes = spec_stack_bytes(&j.spec)};
        struct model_report report;
        run_with(&model_async, &options, &report, j.spec.workload->main, j.state);
        assert_true(report.stack_used_peak_bytes >= 100 * 1024);
        assert_true(report.stack_used_peak_bytes <= report.stack_bytes);
        judge(&j);
        release(&j);
        run_spec(&j, texts[t], &model_threads);
        release(&j);
    }
}

static int check(const char *spec_text, const char *model_text, char message[MESSAGE_BYTES]) {
    struct spec spec = parse(spec_text);
    struct model_spec model_spec;
    struct message what = {""};
    assert_int_equal(model_spec_parse(&model_spec, model_text, &what), 0);
    int err = spec_check_model(&spec, &model_spec, &what);
    strcpy(message, what.text);
    model_spec_destroy(&model_spec);
    spec_destroy(&spec);
    return err;
}

static void what_a_model_cannot_run_is_refused_in_one_line(void **state) {
    (void)state;
    char message[MESSAGE_BYTES];
    assert_int_equal(check("sleep:touch=64KiB", "threads:stack=64KiB", message), -EINVAL);
    assert_non_null(strstr(message, "--stack=auto"));
    assert_int_equal(check("sleep:touch=64KiB", "async:stack=16KiB", message), -EINVAL);
    assert_int_equal(check("sleep:touch=64KiB", "async:stack=65KiB", message), 0);
    assert_int_equal(check("sleep:touch=64KiB", "threads:", message), 0);
    assert_int_equal(check("sleep:", "async:stack=256", message), 0);
    assert_int_equal(check("fetch:rate=10", "bare-threads:", message), -EINVAL);
    assert_int_equal(check("chain:touch=1KiB", "bare-callbacks:", message), -EINVAL);
    assert_int_equal(check("sleep:work=10", "bare-callbacks:", message), 0);
}

static void fixed_arrivals_need_a_rate(void **state) {
    (void)state;
    struct spec spec;
    struct message message = {""};
    assert_int_equal(spec_parse(&spec, "sleep:arrivals=fixed", &message), -EINVAL);
    assert_non_null(strstr(message.text, "--rate"));
    assert_int_equal(spec_parse(&spec, "fetch:rate=5,arrivals=never", &message), -EINVAL);
    assert_non_null(strstr(message.text, "poisson, fixed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_arrivals_are_all_as_far_apart_to_the_nanosecond),
        cmocka_unit_test(poisson_arrivals_have_the_rate_and_the_shape_of_a_poisson_process),
        cmocka_unit_test(poisson_arrivals_are_a_function_of_their_seed),
        cmocka_unit_test(the_sleeps_of_a_task_are_due_in_turn_with_those_of_the_others),
        cmocka_unit_test(the_ideal_time_ends_with_the_last_arrival_or_with_what_one_task_has_to_do),
        cmocka_unit_test(one_slow_operation_is_in_the_intended_latency_of_all_that_it_held_up),
        cmocka_unit_test(a_loop_that_stands_still_delays_all_that_were_due_and_loses_none),
        cmocka_unit_test(every_model_keeps_to_the_due_times),
        cmocka_unit_test(too_few_tasks_show_in_the_intended_latency_alone),
        cmocka_unit_test(a_closed_loop_has_no_intended_latency),
        cmocka_unit_test(work_is_verified_and_part_of_the_operation),
        cmocka_unit_test(a_task_uses_as_much_of_its_stack_as_it_is_told_to),
        cmocka_unit_test(what_a_model_cannot_run_is_refused_in_one_line),
        cmocka_unit_test(fixed_arrivals_need_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
