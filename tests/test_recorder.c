/* The recorder: what is recorded of operations and tasks, and when the plateau is reported. */
#include "measure/recorder.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static int plateau_pipe[2];

static int open_pipe(void **state) {
    (void)state;
    return pipe2(plateau_pipe, O_NONBLOCK | O_CLOEXEC);
}

static int close_pipe(void **state) {
    (void)state;
    close(plateau_pipe[0]);
    close(plateau_pipe[1]);
    return 0;
}

static struct recorder *create(uint64_t operations, uint64_t plateau_tasks) {
    struct recorder *recorder = NULL;
    assert_int_equal(
        recorder_create(&recorder, &(struct recorder_options){.operations = operations,
                                                              .plateau_tasks = plateau_tasks,
                                                              .plateau_fd = plateau_pipe[1]}),
        0);
    return recorder;
}

/* How many times the plateau was reported since this was last asked. */
static long plateau_reports(void) {
    char bytes[16];
    ssize_t count = read(plateau_pipe[0], bytes, sizeof bytes);
    return count < 0 && errno == EAGAIN ? 0 : count;
}

static void an_operation_keeps_its_times_value_and_error(void **state) {
    (void)state;
    struct recorder *recorder = create(3, 1);
    int64_t before_ns = clock_now_ns();
    operation_begin(recorder, 1);
    int64_t between_ns = clock_now_ns();
    operation_end(recorder, 1, -ECONNRESET, 42);
    int64_t after_ns = clock_now_ns();
    const struct operation_record *record = &recorder->records[1];
    assert_in_range(record->begin_ns, before_ns, between_ns);
    assert_in_range(record->end_ns, between_ns, after_ns);
    assert_int_equal(record->value, 42);
    assert_int_equal(record->error, -ECONNRESET);
    assert_int_equal(recorder->records[0].begin_ns, 0);
    assert_int_equal(recorder->records[2].end_ns, 0);
    recorder_destroy(recorder);
}

static void the_summary_tells_ended_failed_and_unended_operations_apart(void **state) {
    (void)state;
    struct recorder *recorder = create(5, 1);
    for (uint64_t operation = 0; operation < 4; operation++)
        operation_begin(recorder, operation);
    operation_end(recorder, 2, 0, 0);
    operation_end(recorder, 0, 0, 0);
    operation_end(recorder, 1, -ETIMEDOUT, 0);
    struct recorder_summary summary;
    recorder_summarise(recorder, &summary);
    assert_int_equal(summary.ended, 2);
    assert_int_equal(summary.failed, 1);
    assert_int_equal(summary.last_end_ns, recorder->records[1].end_ns);
    recorder_destroy(recorder);
}

static void the_summary_of_no_operation_is_zero(void **state) {
    (void)state;
    struct recorder *recorder = create(2, 1);
    operation_begin(recorder, 0);
    struct recorder_summary summary;
    recorder_summarise(recorder, &summary);
    assert_int_equal(summary.ended, 0);
    assert_int_equal(summary.failed, 0);
    assert_int_equal(summary.last_end_ns, 0);
    recorder_destroy(recorder);
}

static void the_peak_is_the_most_tasks_at_once(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 10);
    recorder_task_begin(recorder);
    recorder_task_begin(recorder);
    recorder_task_begin(recorder);
    recorder_task_end(recorder);
    recorder_task_end(recorder);
    recorder_task_begin(recorder);
    assert_int_equal(atomic_load(&recorder->in_flight), 2);
    assert_int_equal(atomic_load(&recorder->in_flight_peak), 3);
    recorder_destroy(recorder);
}

static void the_first_end_of_a_task_is_kept(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 10);
    recorder_task_begin(recorder);
    recorder_task_begin(recorder);
    assert_int_equal(atomic_load(&recorder->first_ended_ns), 0);
    int64_t before_ns = clock_now_ns();
    recorder_task_end(recorder);
    int64_t after_ns = clock_now_ns();
    recorder_task_end(recorder);
    assert_in_range(atomic_load(&recorder->first_ended_ns), before_ns, after_ns);
    recorder_destroy(recorder);
}

static void the_plateau_is_reported_by_main_when_the_tasks_came_first(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 2);
    recorder_task_begin(recorder);
    recorder_task_begin(recorder);
    assert_int_equal(plateau_reports(), 0);
    recorder_all_spawned(recorder, 2, 0);
    assert_int_equal(plateau_reports(), 1);
    recorder_destroy(recorder);
}

static void the_plateau_is_reported_by_the_last_task_when_main_came_first(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 2);
    recorder_all_spawned(recorder, 2, 0);
    recorder_task_begin(recorder);
    assert_int_equal(plateau_reports(), 0);
    recorder_task_begin(recorder);
    assert_int_equal(plateau_reports(), 1);
    recorder_destroy(recorder);
}

static void the_plateau_is_reported_once(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 1); /* a pool of one worker that runs three tasks */
    recorder_all_spawned(recorder, 3, 0);
    for (int task = 0; task < 3; task++) {
        recorder_task_begin(recorder);
        recorder_task_end(recorder);
    }
    assert_int_equal(plateau_reports(), 1);
    recorder_destroy(recorder);
}

static void there_is_no_plateau_when_not_all_could_be_spawned(void **state) {
    (void)state;
    struct recorder *recorder = create(1, 1);
    recorder_task_begin(recorder);
    recorder_all_spawned(recorder, 1, -EAGAIN);
    assert_int_equal(plateau_reports(), 0);
    assert_int_equal(recorder->spawned, 1);
    assert_int_equal(recorder->spawn_error, -EAGAIN);
    recorder_destroy(recorder);
}

static void a_plateau_that_nobody_asked_for_is_not_reported(void **state) {
    (void)state;
    struct recorder *recorder;
    assert_int_equal(recorder_create(&recorder, &(struct recorder_options){.operations = 1,
                                                                           .plateau_tasks = 1,
                                                                           .plateau_fd = -1}),
                     0);
    recorder_task_begin(recorder);
    recorder_all_spawned(recorder, 1, 0);
    assert_false(atomic_load(&recorder->is_plateau_reported));
    recorder_destroy(recorder);
}

enum { THREADS = 4, OPERATIONS_OF_EACH = 10000 };

struct worker {
    struct recorder *recorder;
    uint64_t number;
};

static void *record_operations(void *arg) {
    const struct worker *worker = arg;
    uint64_t first = worker->number * OPERATIONS_OF_EACH;
    for (uint64_t operation = first; operation < first + OPERATIONS_OF_EACH; operation++) {
        recorder_task_begin(worker->recorder);
        operation_begin(worker->recorder, operation);
        operation_end(worker->recorder, operation, 0, operation);
        recorder_task_end(worker->recorder);
    }
    return NULL;
}

static void threads_record_side_by_side_without_loss(void **state) {
    (void)state;
    struct recorder *recorder = create(THREADS * OPERATIONS_OF_EACH, 1);
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.recorder = recorder, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, record_operations, &workers[i]), 0);
    }
    recorder_all_spawned(recorder, THREADS, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct recorder_summary summary;
    recorder_summarise(recorder, &summary);
    assert_int_equal(summary.ended, THREADS * OPERATIONS_OF_EACH);
    assert_int_equal(atomic_load(&recorder->in_flight), 0);
    assert_in_range(atomic_load(&recorder->in_flight_peak), 1, THREADS);
    for (uint64_t operation = 0; operation < recorder->operations; operation++)
        assert_int_equal(recorder->records[operation].value, operation);
    assert_in_range(plateau_reports(), 0, 1);
    recorder_destroy(recorder);
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_PIPE(an_operation_keeps_its_times_value_and_error),
        WITH_PIPE(the_summary_tells_ended_failed_and_unended_operations_apart),
        WITH_PIPE(the_summary_of_no_operation_is_zero),
        WITH_PIPE(the_peak_is_the_most_tasks_at_once),
        WITH_PIPE(the_first_end_of_a_task_is_kept),
        WITH_PIPE(the_plateau_is_reported_by_main_when_the_tasks_came_first),
        WITH_PIPE(the_plateau_is_reported_by_the_last_task_when_main_came_first),
        WITH_PIPE(the_plateau_is_reported_once),
        WITH_PIPE(there_is_no_plateau_when_not_all_could_be_spawned),
        WITH_PIPE(a_plateau_that_nobody_asked_for_is_not_reported),
        WITH_PIPE(threads_record_side_by_side_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
