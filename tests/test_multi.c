/* What several loops do that one does not: tasks on several threads, and what passes between them.
   That they do all that a model does is tested where all models are. */
#include "support.h"

#include "async/stack.h"
#include "sync/queue.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static int run_on(int64_t loops, task_function *main_function, void *arg) {
    struct model_options options = {.helpers = 2, .loops = loops, .task_stack_bytes = 16 * 1024};
    struct model_report report;
    return run_with(&model_async_multi, &options, &report, main_function, arg);
}

static pthread_t runners[8];

static int note_runner(void *arg) {
    *(pthread_t *)arg = pthread_self();
    return 0;
}

static int spawn_four(void *arg) {
    pthread_t *noted = arg;
    struct task *tasks[4];
    for (int i = 0; i < 4; i++)
        EXPECT(task_spawn(&tasks[i], "child", note_runner, &noted[i]), 0);
    return task_gather(tasks, 4, NULL);
}

static int spawn_from_main(void *arg) {
    (void)arg;
    EXPECT(spawn_four(runners), 0);
    EXPECT(runners[0], pthread_self());
    for (int i = 1; i < 4; i++)
        for (int other = 0; other < i; other++)
            EXPECT(pthread_equal(runners[i], runners[other]), false);
    return 0;
}

static void main_s_children_are_dealt_out_in_turn(void **state) {
    (void)state;
    assert_int_equal(run_on(4, spawn_from_main, NULL), 0);
}

static int spawn_from_child(void *arg) {
    (void)arg;
    pthread_t noted[4];
    EXPECT(spawn_four(noted), 0);
    for (int i = 0; i < 4; i++)
        EXPECT(pthread_equal(noted[i], pthread_self()), true);
    return 0;
}

static int spawn_children_that_spawn(void *arg) {
    (void)arg;
    struct task *tasks[4];
    for (int i = 0; i < 4; i++)
        EXPECT(task_spawn(&tasks[i], "parent", spawn_from_child, NULL), 0);
    return task_gather(tasks, 4, NULL);
}

static void a_child_s_children_stay_with_it(void **state) {
    (void)state;
    assert_int_equal(run_on(4, spawn_children_that_spawn, NULL), 0);
}

static int yield_until(void *arg) {
    atomic_bool *is_over = arg;
    YIELD_UNTIL(atomic_load(is_over));
    return 0;
}

static int end_it(void *arg) {
    atomic_store((atomic_bool *)arg, true);
    return 0;
}

/* The first never sleeps, and its loop must hear of the ends of the others all the same. */
static int gather_beside_a_busy_task(void *arg) {
    (void)arg;
    struct task *tasks[2];
    atomic_bool is_over = false;
    EXPECT(task_spawn(&tasks[0], "busy", yield_until, &is_over), 0);
    EXPECT(task_spawn(&tasks[1], "other", end_it, &is_over), 0);
    return task_gather(tasks, 2, NULL);
}

static void a_busy_loop_hears_of_others(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_on(2, gather_beside_a_busy_task, NULL), 0);
}

/* A loop that is never idle, and where no timer and no descriptor is waited for. */
struct busy {
    struct queue *there, *back;
    atomic_bool is_over;
    atomic_long yields;
};

static int compute_and_yield(void *arg) {
    struct busy *busy = arg;
    while (!atomic_load(&busy->is_over)) {
        int64_t until_ns = clock_now_ns() + 100 * NS_PER_US;
        while (clock_now_ns() < until_ns) {
        }
        busy->yields++;
        EXPECT(task_yield(), 0);
    }
    return 0;
}

static int answer(void *arg) {
    struct busy *busy = arg;
    void *item;
    while (queue_get(busy->there, TASK_NO_DEADLINE, &item) == 0 && item != busy)
        EXPECT(queue_put(busy->back, item, TASK_NO_DEADLINE), 0);
    return 0;
}

static int answer_beside_busy_task(void *arg) {
    struct task *task;
    EXPECT(task_spawn(&task, "computes", compute_and_yield, arg), 0);
    EXPECT(answer(arg), 0);
    return task_await(task, NULL);
}

#define QUESTIONS 11

static int compare_longs(const void *left, const void *right) {
    long a = *(const long *)left, b = *(const long *)right;
    return (a > b) - (a < b);
}

static int ask_busy_loop(void *arg) {
    struct busy busy = {.is_over = false};
    struct task *tasks[2];
    long waited[QUESTIONS];
    void *item;
    EXPECT(queue_create(&busy.there, 1), 0);
    EXPECT(queue_create(&busy.back, 1), 0);
    EXPECT(task_spawn(&tasks[0], "unused", end_it, &(atomic_bool){false}), 0);
    EXPECT(task_spawn(&tasks[1], "answers", answer_beside_busy_task, &busy), 0);
    for (int i = 0; i < QUESTIONS; i++) {
        EXPECT(task_sleep(3 * NS_PER_MS), 0); /* until that loop has long heard of nothing */
        waited[i] = -busy.yields;
        EXPECT(queue_put(busy.there, arg, TASK_NO_DEADLINE), 0);
        EXPECT(queue_get(busy.back, TASK_NO_DEADLINE, &item), 0);
        waited[i] += busy.yields;
    }
    busy.is_over = true;
    EXPECT(queue_put(busy.there, &busy, TASK_NO_DEADLINE), 0);
    EXPECT(task_gather(tasks, 2, NULL), 0);
    queue_destroy(busy.there);
    queue_destroy(busy.back);
    qsort(waited, QUESTIONS, sizeof *waited, compare_longs);
    return (int)waited[QUESTIONS / 2];
}

static void a_loop_whose_tasks_compute_and_yield_hears_of_others_within_few_yields(void **state) {
    (void)state;
    int yields = run_on(2, ask_busy_loop, NULL);
    print_message("           %d yields\n", yields);
    assert_in_range(yields, 0, 100);
}

#define ROUNDS (IS_INSTRUMENTED ? 500 : 5000)

struct table {
    struct queue *there, *back;
};

/* Every item waits for the one before: a lost wake-up would end it for ever. */
static int return_items(void *arg) {
    struct table *table = arg;
    void *item;
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(queue_get(table->there, TASK_NO_DEADLINE, &item), 0);
        EXPECT(queue_put(table->back, item, TASK_NO_DEADLINE), 0);
    }
    return 0;
}

static int play(void *arg) {
    (void)arg;
    struct table table;
    struct task *tasks[2];
    void *item;
    EXPECT(queue_create(&table.there, 1), 0);
    EXPECT(queue_create(&table.back, 1), 0);
    EXPECT(task_spawn(&tasks[0], "unused", end_it, &(atomic_bool){false}), 0);
    EXPECT(task_spawn(&tasks[1], "partner", return_items, &table), 0);
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(queue_put(table.there, &runners[i % 8], TASK_NO_DEADLINE), 0);
        EXPECT(queue_get(table.back, TASK_NO_DEADLINE, &item), 0);
        EXPECT((pthread_t *)item - runners, i % 8);
    }
    EXPECT(task_gather(tasks, 2, NULL), 0);
    queue_destroy(table.there);
    queue_destroy(table.back);
    return 0;
}

static void two_loops_answer_each_other(void **state) {
    (void)state;
    assert_int_equal(run_on(2, play, NULL), 0);
}

/* Streams. */

static void open_pair(struct stream **left, struct stream **right) {
    int fds[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT(stream_open(left, fds[0]), 0);
    EXPECT(stream_open(right, fds[1]), 0);
}

static int read_one(void *arg) {
    char byte = 0;
    EXPECT(stream_read(arg, &byte, 1, TASK_NO_DEADLINE), 1);
    return byte;
}

/* Each byte is waited for by a task of the next loop, the last by main, which closes what another
   loop has registered. */
static int hand_round(void *arg) {
    (void)arg;
    struct stream *near, *far;
    struct task *reader;
    char byte;
    int result = 0;
    open_pair(&near, &far);
    for (char i = 1; i <= 100; i++) {
        EXPECT(task_spawn(&reader, "reader", read_one, near), 0);
        if (i % 3)
            task_sleep(20 * NS_PER_US);
        EXPECT(stream_write(far, &i, 1, TASK_NO_DEADLINE), 0);
        EXPECT(task_await(reader, &result), 0);
        EXPECT(result, i);
    }
    EXPECT(stream_read(near, &byte, 1, task_deadline(NS_PER_MS)), -ETIMEDOUT);
    EXPECT(task_spawn(&reader, "reader", read_one, near), 0);
    EXPECT(stream_write(far, "z", 1, TASK_NO_DEADLINE), 0);
    EXPECT(task_await(reader, NULL), 0);
    stream_close(near);
    stream_close(far);
    return 0;
}

static void a_stream_goes_to_the_loop_of_the_task_that_waits(void **state) {
    (void)state;
    assert_int_equal(run_on(3, hand_round, NULL), 0);
}

static int read_in_vain(void *arg) {
    char byte;
    return (int)stream_read(arg, &byte, 1, TASK_NO_DEADLINE);
}

/* Against the contract; the first must not be left without anybody who wakes it. */
static int read_by_two(void *arg) {
    (void)arg;
    struct stream *near, *far;
    struct task *first;
    char byte;
    int result = 0;
    open_pair(&near, &far);
    EXPECT(task_spawn(&first, "unused", end_it, &(atomic_bool){false}), 0);
    EXPECT(task_await(first, NULL), 0);
    EXPECT(task_spawn(&first, "first", read_in_vain, near), 0);
    task_sleep(20 * NS_PER_MS);
    int count = (int)stream_read(near, &byte, 1, task_deadline(NS_PER_MS));
    EXPECT(count == -EBUSY || count == -ETIMEDOUT, true); /* the first may not have come to it */
    EXPECT(stream_write(far, "z", 1, TASK_NO_DEADLINE), 0);
    EXPECT(task_await(first, &result), 0);
    EXPECT(result, 1);
    stream_close(near);
    stream_close(far);
    return 0;
}

static void a_stream_that_a_task_of_another_loop_waits_for_is_busy(void **state) {
    (void)state;
    assert_int_equal(run_on(2, read_by_two, NULL), 0);
}

/* Deadlocks. */

static int get_from_nobody(void *arg) {
    void *item;
    return queue_get(arg, TASK_NO_DEADLINE, &item);
}

#define HUNGRY 6

static int starve(void *arg) {
    (void)arg;
    struct queue *queue;
    struct task *tasks[HUNGRY];
    static const char *const names[HUNGRY] = {"one", "two", "three", "four", "five", "six"};
    int result = 0;
    EXPECT(queue_create(&queue, 1), 0);
    for (int i = 0; i < HUNGRY; i++)
        EXPECT(task_spawn(&tasks[i], names[i], get_from_nobody, queue), 0);
    for (int i = 0; i < HUNGRY; i++) {
        while (task_await_shielded(tasks[i], &result))
            continue;
        EXPECT(result, -EDEADLK);
    }
    queue_destroy(queue);
    return 0;
}

static void starve_on_three_loops(const struct model *model) {
    (void)model;
    EXPECT(run_on(3, starve, NULL), 0);
}

static void a_deadlock_of_several_loops_names_the_tasks_of_all(void **state) {
    (void)state;
    static struct told told;
    in_child(starve_on_three_loops, &model_async_multi, &told);
    assert_told(&told, "deadlock: all 7 tasks wait");
    assert_told(&told, "'one' waits for a condition");
    assert_told(&told, "'two' waits for a condition");
    assert_told(&told, "'six' waits for a condition");
    assert_told(&told, "'main' waits for tasks to end");
    assert_null(strstr(strstr(told.text, "deadlock") + 1, "deadlock"));
}

/* A long sleep on one loop, whose wake would be what the others wait for. */
static int sleep_and_put(void *arg) {
    EXPECT(task_sleep(30 * NS_PER_MS), 0);
    return queue_put(arg, arg, TASK_NO_DEADLINE);
}

static int wait_for_a_sleeper(void *arg) {
    (void)arg;
    struct queue *queue;
    struct task *tasks[2];
    EXPECT(queue_create(&queue, 1), 0);
    EXPECT(task_spawn(&tasks[0], "getter", get_from_nobody, queue), 0);
    EXPECT(task_spawn(&tasks[1], "sleeper", sleep_and_put, queue), 0);
    EXPECT(task_gather(tasks, 2, NULL), 0);
    queue_destroy(queue);
    return 0;
}

static void a_loop_that_sleeps_for_a_time_is_no_deadlock(void **state) {
    (void)state;
    assert_int_equal(run_on(3, wait_for_a_sleeper, NULL), 0);
}

/* The timer of a wait that has ended goes off when its loop waits for another, which is just about
   to send it something and to wait itself. */
static int get_soon_and_later(void *arg) {
    struct table *table = arg;
    void *item;
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(queue_get(table->there, task_deadline(NS_PER_S), &item), 0);
        EXPECT(queue_put(table->back, item, TASK_NO_DEADLINE), 0);
        while (queue_get(table->there, task_deadline(30 * NS_PER_US), &item))
            continue;
        EXPECT(queue_get(table->there, TASK_NO_DEADLINE, &item), 0);
        EXPECT(queue_put(table->back, item, TASK_NO_DEADLINE), 0);
    }
    return 0;
}

static int send_when_timer_is_due(void *arg) {
    struct table table;
    struct task *tasks[2];
    void *item;
    EXPECT(queue_create(&table.there, 1), 0);
    EXPECT(queue_create(&table.back, 1), 0);
    EXPECT(task_spawn(&tasks[0], "unused", end_it, &(atomic_bool){false}), 0);
    EXPECT(task_spawn(&tasks[1], "gets", get_soon_and_later, &table), 0);
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(queue_put(table.there, &table, TASK_NO_DEADLINE), 0);
        EXPECT(queue_get(table.back, TASK_NO_DEADLINE, &item), 0);
        EXPECT(queue_put(table.there, &table, TASK_NO_DEADLINE), 0);
        int64_t until_ns = clock_now_ns() + i % 60 * NS_PER_US;
        while (clock_now_ns() < until_ns) {
        }
        EXPECT(queue_put(table.there, arg, TASK_NO_DEADLINE), 0);
        EXPECT(queue_get(table.back, TASK_NO_DEADLINE, &item), 0);
    }
    EXPECT(task_gather(tasks, 2, NULL), 0);
    queue_destroy(table.there);
    queue_destroy(table.back);
    return 0;
}

static void a_loop_that_a_stale_timer_wakes_is_no_deadlock(void **state) {
    (void)state;
    assert_int_equal(run_on(2, send_when_timer_is_due, NULL), 0);
}

/* A signal that is raised on any of the threads is handled there. */

static volatile sig_atomic_t signals_handled;

static void count_signal(int number) {
    (void)number;
    signals_handled++;
}

static int raise_it(void *arg) {
    (void)arg;
    raise(SIGUSR1);
    return 0;
}

static int raise_everywhere(void *arg) {
    (void)arg;
    struct task *task;
    for (int i = 1; i <= 4; i++) {
        EXPECT(task_spawn(&task, "raiser", raise_it, NULL), 0);
        EXPECT(task_await(task, NULL), 0);
        EXPECT(signals_handled, i);
    }
    return 0;
}

static void a_task_may_raise_a_signal_on_any_loop(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_ONSTACK}, former;
    sigaction(SIGUSR1, &action, &former);
    assert_int_equal(run_on(4, raise_everywhere, NULL), 0);
    sigaction(SIGUSR1, &former, NULL);
}

/* Uses `bytes` of stack for certain. */
static __attribute__((noinline)) int use_stack(size_t bytes) {
    volatile char frame[1024];
    memset((char *)frame, 1, sizeof frame);
    if (bytes > sizeof frame)
        return use_stack(bytes - sizeof frame) + frame[0];
    task_yield();
    return frame[17];
}

static int use_twenty_kib(void *arg) {
    (void)arg;
    return use_stack((size_t)20 * 1024) > 0 ? 0 : -1;
}

/* On a loop that is not main's. */
static int spawn_glutton(void *arg) {
    (void)arg;
    struct task *tasks[2];
    atomic_bool is_over = false;
    EXPECT(task_spawn(&tasks[0], "unused", end_it, &is_over), 0);
    EXPECT(task_spawn(&tasks[1], "glutton", use_twenty_kib, NULL), 0);
    return task_gather(tasks, 2, NULL);
}

static void overflow_in_child(int64_t stack_bytes, struct told *told) {
    int fds[2], status;
    ssize_t count;
    size_t length = 0;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        struct model_options options = {.stack_bytes = stack_bytes, .helpers = 1, .loops = 2};
        int result;
        model_run(&model_async_multi, &options, spawn_glutton, NULL, &result);
        _exit(0);
    }
    close(fds[1]);
    while ((count = read(fds[0], told->text + length, sizeof told->text - 1 - length)) > 0)
        length += (size_t)count;
    told->text[length] = '\0';
    close(fds[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
}

static void an_overflow_on_any_loop_is_reported_by_name(void **state) {
    (void)state;
    static struct told told;
    if (IS_SANITIZED)
        skip(); /* the sanitizer itself reports, and its frames do not fit the small stack */
    overflow_in_child(16 * 1024, &told);
    assert_told(&told, "task 'glutton' overflowed its stack");
    overflow_in_child(1024, &told);
    assert_told(&told, "task 'glutton' overflowed its stack");
}

static size_t count_maps(void) {
    size_t lines = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

/* Each loop has pools of its own, but the kernel counts the maps of the process. */
static void all_pools_together_leave_half_of_the_maps_to_others(void **state) {
    (void)state;
    struct stack_pool_options options = {.bytes = 16 * 1024, .record_bytes = 64};
    struct stack_pool *of_loops[4];
    size_t maps_max = 65530;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (!file || fscanf(file, "%zu", &maps_max) != 1 || maps_max > 100000)
        skip(); /* so many stacks would take too much memory */
#ifdef TVA_VALGRIND
    skip(); /* it has a limit of its own */
#endif
    fclose(file);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(stack_pool_create(&of_loops[i], &options), 0);
        for (size_t taken = 0; taken < maps_max / 6; taken++)
            assert_non_null(stack_take(of_loops[i]));
    }
    assert_true(count_maps() < maps_max / 2 + 2000);
    for (size_t i = 0; i < 4; i++)
        stack_pool_destroy(of_loops[i]);
}

static void a_run_has_as_many_loops_as_it_is_told(void **state) {
    (void)state;
    for (int64_t loops = 1; loops <= 16; loops *= 2)
        assert_int_equal(run_on(loops, wait_for_a_sleeper, NULL), 0);
    assert_int_equal(run_on(0, wait_for_a_sleeper, NULL), 0); /* as many as cores */
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_s_children_are_dealt_out_in_turn),
        cmocka_unit_test(a_child_s_children_stay_with_it),
        cmocka_unit_test(a_busy_loop_hears_of_others),
        cmocka_unit_test(a_loop_whose_tasks_compute_and_yield_hears_of_others_within_few_yields),
        cmocka_unit_test(two_loops_answer_each_other),
        cmocka_unit_test(a_stream_goes_to_the_loop_of_the_task_that_waits),
        cmocka_unit_test(a_stream_that_a_task_of_another_loop_waits_for_is_busy),
        cmocka_unit_test(a_deadlock_of_several_loops_names_the_tasks_of_all),
        cmocka_unit_test(a_loop_that_sleeps_for_a_time_is_no_deadlock),
        cmocka_unit_test(a_loop_that_a_stale_timer_wakes_is_no_deadlock),
        cmocka_unit_test(a_task_may_raise_a_signal_on_any_loop),
        cmocka_unit_test(an_overflow_on_any_loop_is_reported_by_name),
        cmocka_unit_test(all_pools_together_leave_half_of_the_maps_to_others),
        cmocka_unit_test(a_run_has_as_many_loops_as_it_is_told),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
