/* The contracts of task.h, each in every model. */
#include "async/models.h"
#include "clock.h"
#include "threaded/models.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct model *const models[] = {&model_threads, &model_pool, &model_async};

static struct model_report report;

static int run_with(const struct model *model, int64_t workers, int64_t stack_bytes,
                    task_function *main_function, void *arg) {
    struct model_options options = {
        .workers = workers, .stack_bytes = stack_bytes, .task_stack_bytes = 16 * 1024};
    int result = INT32_MIN;
    assert_int_equal(model_run(model, &options, main_function, arg, &result), 0);
    model->report(&report);
    return result;
}

static void in_every_model(task_function *main_function, int expected) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        print_message("           in %s\n", models[i]->name);
        assert_int_equal(run_with(models[i], 4, 0, main_function, NULL), expected);
    }
}

static int return_seven(void *arg) {
    (void)arg;
    return 7;
}

static void run_returns_what_main_returned(void **state) {
    (void)state;
    in_every_model(return_seven, 7);
}

static int return_arg(void *arg) {
    return *(int *)arg;
}

static int await_one(void *arg) {
    (void)arg;
    struct task *task;
    int value = 42, result = 0;
    assert_int_equal(task_spawn(&task, "one", return_arg, &value), 0);
    assert_int_equal(task_await(task, &result), 0);
    return result;
}

static void await_gives_what_the_task_returned(void **state) {
    (void)state;
    in_every_model(await_one, 42);
}

#define GATHERED 500

static int gather_many(void *arg) {
    (void)arg;
    static int values[GATHERED];
    static int results[GATHERED];
    struct task *tasks[GATHERED];
    for (int i = 0; i < GATHERED; i++) {
        values[i] = i == 300 || i == 400 ? -i : i;
        assert_int_equal(task_spawn(&tasks[i], "many", return_arg, &values[i]), 0);
    }
    int first_error = task_gather(tasks, GATHERED, results);
    assert_memory_equal(results, values, sizeof values);
    return first_error;
}

static void gather_gives_results_in_order_and_the_first_error(void **state) {
    (void)state;
    in_every_model(gather_many, -300);
}

static int sleep_some(void *arg) {
    int64_t duration_ns = *(int64_t *)arg;
    int64_t begin_ns = clock_now_ns();
    task_sleep(duration_ns);
    return clock_now_ns() - begin_ns >= duration_ns ? 0 : -1;
}

#define SLEEPERS 200

static int sleep_many(void *arg) {
    (void)arg;
    static int64_t durations_ns[SLEEPERS];
    struct task *tasks[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        durations_ns[i] = (i * 7919) % 20 * NS_PER_MS + i;
        assert_int_equal(task_spawn(&tasks[i], "sleeper", sleep_some, &durations_ns[i]), 0);
    }
    return task_gather(tasks, SLEEPERS, NULL);
}

static void no_sleep_ends_early(void **state) {
    (void)state;
    in_every_model(sleep_many, 0);
}

static int sleep_side_by_side(void *arg) {
    (void)arg;
    static int64_t duration_ns = 200 * NS_PER_MS;
    struct task *tasks[3];
    int64_t begin_ns = clock_now_ns();
    for (int i = 0; i < 3; i++)
        task_spawn(&tasks[i], "sleeper", sleep_some, &duration_ns);
    task_gather(tasks, 3, NULL);
    return clock_now_ns() - begin_ns < 2 * duration_ns ? 0 : -1;
}

static void sleeps_overlap(void **state) {
    (void)state;
    in_every_model(sleep_side_by_side, 0);
}

/* Each task spawns and awaits one of the next depth. */
static int nest(void *arg) {
    int depth = *(int *)arg;
    if (depth == 0)
        return 0;
    int next = depth - 1, result = 0;
    struct task *task;
    assert_int_equal(task_spawn(&task, "nested", nest, &next), 0);
    task_await(task, &result);
    return result + 1;
}

static int nest_twenty(void *arg) {
    (void)arg;
    return nest(&(int){20});
}

static void nested_awaits_end_with_one_worker_too(void **state) {
    (void)state;
    in_every_model(nest_twenty, 20);
    assert_int_equal(run_with(&model_pool, 1, 0, nest_twenty, NULL), 20);
}

static int yield_and_count(void *arg) {
    atomic_int *turns = arg;
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(turns, 1);
        task_yield();
    }
    return 0;
}

static int yield_in_turns(void *arg) {
    (void)arg;
    atomic_int turns = 0;
    struct task *tasks[3];
    for (int i = 0; i < 3; i++)
        task_spawn(&tasks[i], "yielder", yield_and_count, &turns);
    task_gather(tasks, 3, NULL);
    return turns;
}

static void yield_comes_back(void **state) {
    (void)state;
    in_every_model(yield_in_turns, 3000);
}

static char order[16];
static size_t order_length;

static int write_letters(void *arg) {
    for (int i = 0; i < 3; i++) {
        order[order_length++] = *(const char *)arg;
        task_yield();
    }
    return 0;
}

static int write_in_turns(void *arg) {
    (void)arg;
    struct task *tasks[2];
    order_length = 0;
    task_spawn(&tasks[0], "a", write_letters, "a");
    task_spawn(&tasks[1], "b", write_letters, "b");
    task_gather(tasks, 2, NULL);
    order[order_length] = '\0';
    return 0;
}

static void coroutines_that_yield_take_turns(void **state) {
    (void)state;
    run_with(&model_async, 0, 0, write_in_turns, NULL);
    assert_string_equal(order, "ababab");
}

static int self_is_own(void *arg) {
    struct task **self = arg;
    *self = task_self();
    task_sleep(NS_PER_MS);
    return *self == task_self() ? 0 : -1;
}

static int compare_selves(void *arg) {
    (void)arg;
    struct task *tasks[4], *selves[4];
    for (int i = 0; i < 4; i++)
        task_spawn(&tasks[i], "self", self_is_own, &selves[i]);
    struct task *main_self = task_self();
    for (int i = 0; i < 4; i++)
        assert_ptr_not_equal(tasks[i], main_self);
    return task_gather(tasks, 4, NULL);
}

static void each_task_knows_itself(void **state) {
    (void)state;
    in_every_model(compare_selves, 0);
}

/* A listening socket on loopback, at a port of the kernel's choice. */
static int listen_somewhere(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, length), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

/* Echoes one connection until the peer has closed it. */
static void *echo(void *arg) {
    int fd = accept(*(int *)arg, NULL, NULL);
    char buffer[4096];
    ssize_t count;
    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0; done < count;)
            done += write(fd, buffer + done, (size_t)(count - done));
    close(fd);
    return NULL;
}

static int talk_to_echo(void *arg) {
    struct stream *stream;
    char buffer[8];
    size_t received = 0;
    int err = stream_connect(&stream, arg, sizeof(struct sockaddr_in), task_deadline(5 * NS_PER_S));
    assert_int_equal(err, 0);
    assert_int_equal(stream_write(stream, "xxxx", 4, TASK_NO_DEADLINE), 0);
    while (received < 4) {
        ptrdiff_t count = stream_read(stream, buffer + received, sizeof buffer - received,
                                      task_deadline(5 * NS_PER_S));
        assert_true(count > 0);
        received += (size_t)count;
    }
    assert_memory_equal(buffer, "xxxx", 4);
    int64_t begin_ns = clock_now_ns();
    assert_int_equal(stream_read(stream, buffer, 8, task_deadline(30 * NS_PER_MS)), -ETIMEDOUT);
    assert_true(clock_now_ns() - begin_ns >= 30 * NS_PER_MS);
    stream_close(stream);
    return 0;
}

static void a_stream_carries_bytes_and_keeps_deadlines(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct sockaddr_in address;
        int fd = listen_somewhere(&address);
        pthread_t thread;
        pthread_create(&thread, NULL, echo, &fd);
        assert_int_equal(run_with(models[i], 4, 0, talk_to_echo, &address), 0);
        pthread_join(thread, NULL);
        close(fd);
    }
}

static int connect_to(void *arg) {
    struct stream *stream;
    return stream_connect(&stream, arg, sizeof(struct sockaddr_in), task_deadline(5 * NS_PER_S));
}

static void a_closed_port_refuses(void **state) {
    (void)state;
    struct sockaddr_in address;
    close(listen_somewhere(&address));
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        assert_int_equal(run_with(models[i], 4, 0, connect_to, &address), -ECONNREFUSED);
}

static int wait_for_ever(void *arg) {
    struct task **self = arg;
    int result;
    task_await(*self, &result);
    return 0;
}

static int await_in_a_ring(void *arg) {
    (void)arg;
    static struct task *first, *second;
    task_spawn(&first, "first", wait_for_ever, &second);
    task_spawn(&second, "second", wait_for_ever, &first);
    task_await(first, NULL);
    return 0;
}

static void a_loop_in_which_nothing_can_happen_ends(void **state) {
    (void)state;
    struct model_options options = {.task_stack_bytes = 16 * 1024};
    int result;
    assert_int_equal(model_run(&model_async, &options, await_in_a_ring, NULL, &result), -EDEADLK);
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

static int use_bytes(void *arg) {
    return use_stack(*(size_t *)arg) > 0 ? 0 : -1;
}

static int spawn_user_of(size_t bytes) {
    struct task *task;
    int result;
    assert_int_equal(task_spawn(&task, "glutton", use_bytes, &bytes), 0);
    task_await(task, &result);
    return result;
}

static int use_twenty_kib(void *arg) {
    (void)arg;
    return spawn_user_of(20 * 1024);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

static void the_most_stack_used_is_reported(void **state) {
    (void)state;
    run_with(&model_async, 0, 1 << 20, use_twenty_kib, NULL);
    assert_true(report.stack_bytes >= 1 << 20);
    assert_true(report.stack_used_peak_bytes >= 20 * 1024);
    if (!IS_SANITIZED)
        assert_true(report.stack_used_peak_bytes < 40 * 1024);
}

/* Runs main with a small stack in a process of its own and returns its standard error. */
static void overflow_in_child(size_t stack_bytes, char *output, size_t size) {
    int fds[2];
    int status;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        struct model_options options = {.stack_bytes = (int64_t)stack_bytes};
        int result;
        model_run(&model_async, &options, use_twenty_kib, NULL, &result);
        _exit(0);
    }
    close(fds[1]);
    size_t length = 0;
    ssize_t count;
    while ((count = read(fds[0], output + length, size - 1 - length)) > 0)
        length += (size_t)count;
    output[length] = '\0';
    close(fds[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
}

static void an_overflow_is_reported_by_the_task_s_name(void **state) {
    (void)state;
    char output[4096];
    if (IS_SANITIZED)
        skip(); /* the sanitizer itself reports, and its frames do not fit the small stack */
    overflow_in_child(16 * 1024, output, sizeof output);
    assert_non_null(strstr(output, "task 'glutton' overflowed its stack"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_returns_what_main_returned),
        cmocka_unit_test(await_gives_what_the_task_returned),
        cmocka_unit_test(gather_gives_results_in_order_and_the_first_error),
        cmocka_unit_test(no_sleep_ends_early),
        cmocka_unit_test(sleeps_overlap),
        cmocka_unit_test(nested_awaits_end_with_one_worker_too),
        cmocka_unit_test(yield_comes_back),
        cmocka_unit_test(coroutines_that_yield_take_turns),
        cmocka_unit_test(each_task_knows_itself),
        cmocka_unit_test(a_stream_carries_bytes_and_keeps_deadlines),
        cmocka_unit_test(a_closed_port_refuses),
        cmocka_unit_test(a_loop_in_which_nothing_can_happen_ends),
        cmocka_unit_test(the_most_stack_used_is_reported),
        cmocka_unit_test(an_overflow_is_reported_by_the_task_s_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
