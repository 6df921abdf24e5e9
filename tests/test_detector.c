/* Who held the loop: named with the time and the place, and not disturbed by being looked at. */
#include "support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define LIMIT_NS (20 * NS_PER_MS)
#define HOLD_MS 300 /* so long that on a busy machine the watchdog gets a processor meanwhile */
#define HOLD_NS (HOLD_MS * NS_PER_MS)

/* Else the compiler would make one function of two, or none of one that does nothing. */
#define IN_A_FUNCTION_OF_ITS_OWN __attribute__((noipa))

static int run_detecting(const struct model *model, int64_t limit_ns, task_function *main_function,
                         void *arg) {
    struct model_options options = {
        .workers = WORKERS, .helpers = 4, .task_stack_bytes = 8192, .detect_blocking_ns = limit_ns};
    struct model_report report;
    return run_with(model, &options, &report, main_function, arg);
}

IN_A_FUNCTION_OF_ITS_OWN static int hold_by_nanosleep(void) {
    struct timespec duration = clock_timespec(HOLD_NS);
    return nanosleep(&duration, NULL) ? -errno : 0;
}

IN_A_FUNCTION_OF_ITS_OWN static int hold_by_poll(void) {
    return poll(NULL, 0, HOLD_MS) ? -errno : 0;
}

IN_A_FUNCTION_OF_ITS_OWN static int hold_by_epoll(void) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    int err = epoll_wait(epoll, &event, 1, HOLD_MS) ? -errno : 0;
    close(epoll);
    return err;
}

IN_A_FUNCTION_OF_ITS_OWN static int hold_by_receive_timeout(void) {
    int fds[2];
    char byte;
    struct timeval timeout = {.tv_usec = HOLD_MS * 1000};
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    EXPECT(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    EXPECT(recv(fds[0], &byte, 1, 0), -1);
    int err = errno == EAGAIN ? 0 : -errno;
    close(fds[0]);
    close(fds[1]);
    return err;
}

/* Under valgrind one thread runs at a time, and one that spins keeps the others from it. */
#ifndef TVA_VALGRIND
IN_A_FUNCTION_OF_ITS_OWN static int hold_by_spinning(void) {
    int64_t until_ns = clock_now_ns() + HOLD_NS;
    while (clock_now_ns() < until_ns) {
    }
    return 0;
}
#endif

struct shared {
    pthread_mutex_t mutex;
    _Atomic bool is_held;
};

static void *hold_mutex(void *arg) {
    struct shared *shared = arg;
    pthread_mutex_lock(&shared->mutex);
    shared->is_held = true;
    int err = hold_by_nanosleep();
    pthread_mutex_unlock(&shared->mutex);
    return (void *)(intptr_t)err;
}

struct hold {
    const char *name; /* of the function, and of the task */
    int (*function)(void);
    int64_t held_ns; /* by the task's own clock */
};

static struct hold holds[] = {
    {"hold_by_nanosleep", hold_by_nanosleep, 0},
    {"hold_by_poll", hold_by_poll, 0},
    {"hold_by_epoll", hold_by_epoll, 0},
    {"hold_by_receive_timeout", hold_by_receive_timeout, 0},
#ifndef TVA_VALGRIND
    {"hold_by_spinning", hold_by_spinning, 0},
#endif
};

static int hold_task(void *arg) {
    struct hold *hold = arg;
    int64_t from_ns = clock_now_ns();
    EXPECT(hold->function(), 0);
    hold->held_ns = clock_now_ns() - from_ns;
    EXPECT(hold->held_ns >= HOLD_NS, 1);
    return 0;
}

static int hold_once_main(void *arg) {
    struct hold *hold = arg;
    struct task *task;
    int result;
    EXPECT(task_spawn(&task, hold->name, hold_task, hold), 0);
    EXPECT(task_await(task, &result), 0);
    return result;
}

static struct hold *chosen;

static void hold_once(const struct model *model) {
    EXPECT(run_detecting(model, LIMIT_NS, hold_once_main, chosen), 0);
    report_line("by its own clock %.1f ms", (double)chosen->held_ns / (double)NS_PER_MS);
}

/* Where the kernel lets nobody look there is no place, and the report says so. */
static void assert_place(const struct told *told, const char *function) {
    if (strstr(told->text, "a place unknown (Operation not"))
        print_message("the place cannot be looked at here\n");
    else
        assert_told(told, function);
}

static double number_after(const struct told *told, const char *text) {
    const char *at = strstr(told->text, text);
    assert_non_null(at);
    return strtod(at + strlen(text), NULL);
}

static void a_task_that_holds_the_loop_is_named_and_its_call_ends_as_without(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        struct told told;
        char named[64];
        chosen = &holds[i];
        snprintf(named, sizeof named, "async: task '%s' held the loop for ", chosen->name);
        in_child(hold_once, &model_async, &told);
        double told_ms = number_after(&told, named);
        double own_ms = number_after(&told, "by its own clock ");
        print_message("           %s: told %.1f ms, by its own clock %.1f ms\n", chosen->name,
                      told_ms, own_ms);
        assert_true(told_ms >= own_ms - 1 && told_ms <= own_ms + HOLD_MS);
    }
}

static void the_place_is_told_by_the_functions_that_lead_to_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        struct told told;
        chosen = &holds[i];
        if (chosen->function == hold_by_epoll || chosen->function == hold_by_receive_timeout)
            continue; /* even a debugger would end them */
        in_child(hold_once, &model_async, &told);
        char line[64];
        snprintf(line, sizeof line, "\n    %s", chosen->name);
        assert_place(&told, line);
        assert_place(&told, "\n    hold_task");
        assert_null(strstr(told.text, "loop_run")); /* what called the task is no news */
    }
}

static int await_mutex_task(void *arg) {
    EXPECT(pthread_mutex_lock(arg), 0);
    return pthread_mutex_unlock(arg);
}

static int await_mutex_main(void *arg) {
    (void)arg;
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t holder;
    void *err;
    struct task *task;
    int result;
    EXPECT(pthread_create(&holder, NULL, hold_mutex, &shared), 0);
    YIELD_UNTIL(shared.is_held);
    EXPECT(task_spawn(&task, "waiter", await_mutex_task, &shared.mutex), 0);
    EXPECT(task_await(task, &result), 0);
    EXPECT(pthread_join(holder, &err), 0);
    EXPECT((intptr_t)err, 0);
    return result;
}

static void await_mutex(const struct model *model) {
    EXPECT(run_detecting(model, LIMIT_NS, await_mutex_main, NULL), 0);
}

static void a_task_that_waits_for_a_threads_mutex_is_named(void **state) {
    (void)state;
    struct told told;
    in_child(await_mutex, &model_async, &told);
    assert_told(&told, "async: task 'waiter' held the loop for ");
    assert_place(&told, "\n    await_mutex_task");
}

static int hold_often_task(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) {
        EXPECT(hold_by_nanosleep(), 0);
        task_yield();
    }
    return 0;
}

static int hold_often_main(void *arg) {
    struct task *task;
    EXPECT(task_spawn(&task, "often", hold_often_task, arg), 0);
    return task_await(task, NULL);
}

static void hold_often(const struct model *model) {
    EXPECT(run_detecting(model, LIMIT_NS, hold_often_main, NULL), 0);
}

static size_t count_of(const struct told *told, const char *text) {
    size_t count = 0;
    for (const char *at = told->text; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void what_happens_often_is_told_once_and_counted(void **state) {
    (void)state;
    struct told told;
    in_child(hold_often, &model_async, &told);
    assert_int_equal(count_of(&told, "task 'often' held the loop for "), 1);
    const char *summary = strstr(told.text, " times, ");
    assert_non_null(summary);
    assert_in_range(summary[-1], '2', '5'); /* one may be missed when the machine is very busy */
    assert_place(&told, "ms at most, from hold_by_nanosleep");
}

#define CROWD 40
#define TOLD_OF 32 /* main may be among them where spawning is slow */

static int hold_in_crowd_task(void *arg) {
    (void)arg;
    struct timespec duration = clock_timespec(5 * LIMIT_NS);
    return nanosleep(&duration, NULL);
}

static int crowd_main(void *arg) {
    (void)arg;
    static char names[CROWD][24];
    struct task *tasks[CROWD];
    for (int i = 0; i < CROWD; i++) {
        snprintf(names[i], sizeof names[i], "member %d", i);
        EXPECT(task_spawn(&tasks[i], names[i], hold_in_crowd_task, NULL), 0);
    }
    return task_gather(tasks, CROWD, NULL);
}

static void hold_in_crowd(const struct model *model) {
    EXPECT(run_detecting(model, LIMIT_NS, crowd_main, NULL), 0);
}

static void a_crowd_that_holds_the_loop_is_told_of_in_part_and_counted(void **state) {
    (void)state;
    struct told told;
    in_child(hold_in_crowd, &model_async, &told);
    assert_told(&told, "async: task 'member ");
    assert_int_equal(count_of(&told, "held the loop for "), TOLD_OF);
    assert_true(number_after(&told, "async: other tasks held the loop ") >= 1);
}

/* Busy for longer than the limit, alone and with others, but never one without giving way. */
static int give_way_task(void *arg) {
    (void)arg;
    int64_t until_ns = clock_now_ns() + 1500 * NS_PER_MS;
    while (clock_now_ns() < until_ns)
        EXPECT(task_yield(), 0);
    return 0;
}

static int give_way_main(void *arg) {
    struct task *tasks[3];
    EXPECT(give_way_task(arg), 0);
    for (int i = 0; i < 3; i++)
        EXPECT(task_spawn(&tasks[i], "polite", give_way_task, NULL), 0);
    return task_gather(tasks, 3, NULL);
}

static void give_way(const struct model *model) {
    EXPECT(run_detecting(model, NS_PER_S, give_way_main, NULL), 0);
}

static int sleep_main(void *arg) {
    (void)arg;
    return task_sleep(600 * NS_PER_MS);
}

static void sleep_as_a_task(const struct model *model) {
    EXPECT(run_detecting(model, 200 * NS_PER_MS, sleep_main, NULL), 0);
}

static void tasks_that_give_way_or_wait_are_not_accused(void **state) {
    (void)state;
    struct told told;
    in_child(give_way, &model_async, &told);
    assert_string_equal(told.text, "");
    in_child(sleep_as_a_task, &model_async, &told);
    assert_null(strstr(told.text, "held the loop"));
}

/* No process is left behind, not even one that a wait for any child does not find. */
static void expect_no_child(void) {
    EXPECT(waitpid(-1, NULL, __WALL | WNOHANG), -1);
    EXPECT(errno, ECHILD);
}

/* As many containers do. */
static void forbid_looking(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void hold_where_nobody_may_look(const struct model *model) {
    forbid_looking();
    chosen = &holds[0];
    hold_once(model);
    expect_no_child();
    _exit(0); /* the leak sanitizer would have to look, too, and fail */
}

static void where_nobody_may_look_the_task_and_the_time_are_told(void **state) {
    (void)state;
    struct told told;
#ifdef TVA_VALGRIND
    skip(); /* it needs what is forbidden here */
#endif
    in_child(hold_where_nobody_may_look, &model_async, &told);
    double told_ms = number_after(&told, "async: task 'hold_by_nanosleep' held the loop for ");
    assert_true(told_ms >= number_after(&told, "by its own clock ") - 1);
    assert_told(&told, "from a place unknown (Operation not permitted)");
    assert_int_equal(count_of(&told, "unknown"), 1);
}

/* Traces its parent until that ends, as a debugger does. */
static void debug_parent(int ready) {
    int status;
    pid_t parent = getppid();
    EXPECT(ptrace(PTRACE_SEIZE, parent, NULL, NULL), 0);
    EXPECT(write(ready, "", 1), 1);
    while (waitpid(parent, &status, __WALL) == parent && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, parent, NULL, NULL);
    _exit(0);
}

static void hold_when_debugged(const struct model *model) {
    int fds[2];
    char byte;
    EXPECT(pipe(fds), 0);
    pid_t debugger = fork();
    if (!debugger)
        debug_parent(fds[1]);
    EXPECT(read(fds[0], &byte, 1), 1);
    chosen = &holds[0];
    hold_once(model);
    EXPECT(waitpid(-1, NULL, __WALL | WNOHANG), 0); /* the debugger, and no other */
    _exit(0);                                       /* as above */
}

static void beside_a_debugger_the_task_and_the_time_are_told(void **state) {
    (void)state;
    struct told told;
#ifdef TVA_VALGRIND
    skip(); /* what it runs cannot be traced as if it ran by itself */
#endif
    in_child(hold_when_debugged, &model_async, &told);
    assert_told(&told, "async: task 'hold_by_nanosleep' held the loop for ");
    assert_told(&told, "from a place unknown (Operation not permitted)");
}

static int hold_on_two_loops_main(void *arg) {
    struct task *tasks[2];
    for (int i = 0; i < 2; i++)
        EXPECT(task_spawn(&tasks[i], i ? "second" : "first", hold_often_task, arg), 0);
    return task_gather(tasks, 2, NULL);
}

static void hold_on_two_loops(const struct model *model) {
    struct model_options options = {
        .helpers = 1, .loops = 2, .task_stack_bytes = 8192, .detect_blocking_ns = LIMIT_NS};
    struct model_report report;
    EXPECT(run_with(model, &options, &report, hold_on_two_loops_main, NULL), 0);
    expect_no_child();
}

static void of_several_loops_each_is_watched(void **state) {
    (void)state;
    struct told told;
    in_child(hold_on_two_loops, &model_async_multi, &told);
    assert_told(&told, "async: task 'first' held loop 0 for ");
    assert_told(&told, "async: task 'second' held loop 1 for ");
    assert_place(&told, "\n    hold_by_nanosleep");
    assert_int_equal(count_of(&told, " times, "), 2);
}

static int hold_long_main(void *arg) {
    (void)arg;
    struct timespec duration = clock_timespec(2500 * NS_PER_MS);
    return nanosleep(&duration, NULL);
}

static void hold_long(const struct model *model) {
    EXPECT(run_detecting(model, LIMIT_NS, hold_long_main, NULL), 0);
}

static void a_task_that_does_not_let_go_is_told_of_while_it_holds_the_loop(void **state) {
    (void)state;
    struct told told;
    in_child(hold_long, &model_async, &told);
    assert_told(&told, "async: task 'main' still holds the loop for 2");
    assert_told(&told, "async: task 'main' held the loop for 2");
}

static void hold_unwatched(const struct model *model) {
    EXPECT(run_detecting(model, 0, hold_once_main, &holds[0]), 0);
}

static void nothing_is_told_where_nobody_asked(void **state) {
    (void)state;
    struct told told;
    in_child(hold_unwatched, &model_async, &told);
    assert_string_equal(told.text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_holds_the_loop_is_named_and_its_call_ends_as_without),
        cmocka_unit_test(the_place_is_told_by_the_functions_that_lead_to_it),
        cmocka_unit_test(a_task_that_waits_for_a_threads_mutex_is_named),
        cmocka_unit_test(what_happens_often_is_told_once_and_counted),
        cmocka_unit_test(a_crowd_that_holds_the_loop_is_told_of_in_part_and_counted),
        cmocka_unit_test(tasks_that_give_way_or_wait_are_not_accused),
        cmocka_unit_test(a_task_that_does_not_let_go_is_told_of_while_it_holds_the_loop),
        cmocka_unit_test(where_nobody_may_look_the_task_and_the_time_are_told),
        cmocka_unit_test(beside_a_debugger_the_task_and_the_time_are_told),
        cmocka_unit_test(of_several_loops_each_is_watched),
        cmocka_unit_test(nothing_is_told_where_nobody_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
