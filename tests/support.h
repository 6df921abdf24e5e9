/* What the tests of tasks share: runs in every model, checks that any task may make, and scenarios
   in a child process whose standard error is kept. Include it first: it brings cmocka. */
#ifndef TVA_TESTS_SUPPORT_H
#define TVA_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "async/models.h"
#include "clock.h"
#include "report.h"
#include "threaded/models.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* Under what makes each task cost much more: crowds are smaller there, and no time is judged. */
#if IS_SANITIZED || defined(TVA_VALGRIND)
#define IS_INSTRUMENTED 1
#else
#define IS_INSTRUMENTED 0
#endif

/* Of a pool: more than any test has tasks that wait for one another otherwise than by awaiting. */
#define WORKERS 8

/* Of async-multi: more than a small machine has cores. TVA_LOOPS in the environment gives others.
 */
#define LOOPS 3

/* Longer than any test; what waits for it is ended by something else. */
#define LONG_NS (600 * NS_PER_S)

static const struct model *const models[] = {&model_threads, &model_pool, &model_async,
                                             &model_async_multi};
#define MODELS (sizeof models / sizeof *models)

/* The model of the run that is under way, for messages. */
static const struct model *running;

/* cmocka's assertions jump to the stack of the test, which a task must not; these end the process.
 */
static inline void expect_equal(const char *file, int line, const char *what, long long actual,
                                long long expected) {
    if (actual == expected)
        return;
    report_line("%s:%d: in %s: %s is %lld, expected %lld", file, line,
                running ? running->name : "no model", what, actual, expected);
    abort();
}

#define EXPECT(actual, expected)                                                                   \
    expect_equal(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

/* Runs with options of the test's own and returns what main did. */
static inline int run_with(const struct model *model, const struct model_options *options,
                           struct model_report *report, task_function *main_function, void *arg) {
    int result = INT32_MIN;
    running = model;
    EXPECT(model_run(model, options, main_function, arg, &result), 0);
    model->report(report);
    running = NULL;
    return result;
}

static inline int run_in(const struct model *model, int64_t workers, task_function *main_function,
                         void *arg) {
    const char *loops = getenv("TVA_LOOPS");
    struct model_options options = {.workers = workers,
                                    .helpers = 4,
                                    .loops = loops ? atoi(loops) : LOOPS,
                                    .task_stack_bytes = 16 * 1024};
    struct model_report report;
    return run_with(model, &options, &report, main_function, arg);
}

/* main_function returns 0 in every model. */
static inline void in_every_model(task_function *main_function, void *arg) {
    for (size_t i = 0; i < MODELS; i++) {
        print_message("           in %s\n", models[i]->name);
        assert_int_equal(run_in(models[i], WORKERS, main_function, arg), 0);
    }
}

/* Gives way until `condition` holds: what a test waits for that tells nobody of itself. */
#define YIELD_UNTIL(condition)                                                                     \
    do {                                                                                           \
        while (!(condition))                                                                       \
            task_yield();                                                                          \
    } while (0)

/* What a scenario wrote to standard error. */
struct told {
    char text[16 * 1024];
};

/* Runs scenario(model) in a child process, which must come to its end within a minute. */
static inline void in_child(void (*scenario)(const struct model *model), const struct model *model,
                            struct told *told) {
    int fds[2], status;
    size_t length = 0;
    ssize_t count;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        alarm(60);
        scenario(model);
        exit(0);
    }
    close(fds[1]);
    while ((count = read(fds[0], told->text + length, sizeof told->text - 1 - length)) > 0)
        length += (size_t)count;
    told->text[length] = '\0';
    close(fds[0]);
    waitpid(pid, &status, 0);
    if (status)
        print_message("in %s: status %x, standard error:\n%s", model->name, (unsigned)status,
                      told->text);
    assert_int_equal(status, 0);
}

static inline void assert_told(const struct told *told, const char *text) {
    if (!strstr(told->text, text))
        print_message("standard error, expected to hold \"%s\":\n%s", text, told->text);
    assert_non_null(strstr(told->text, text));
}

#endif
