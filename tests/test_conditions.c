/* Conditions of a trial: their text, what is refused, and that they come into force. */
#include "harness/conditions.h"

#include "harness/cpus.h"
#include "support.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Others bring a malloc of their own, which has no arenas. */
#define HAS_ARENAS (!IS_INSTRUMENTED)

static size_t first_core(void) {
    cpu_set_t cores;
    size_t core = 0;
    assert_int_equal(sched_getaffinity(0, sizeof cores, &cores), 0);
    while (!CPU_ISSET(core, &cores))
        core++;
    return core;
}

static void build(struct conditions *out, const struct setting *settings, size_t count) {
    struct message message = {""};
    if (conditions_build(out, settings, count, &message) != 0)
        fail_msg("%s", message.text);
}

static void the_usual_conditions_are_none(void **state) {
    (void)state;
    struct conditions conditions;
    build(&conditions, NULL, 0);
    assert_null(conditions.cpus);
    assert_null(conditions.origin_cpus);
    assert_int_equal(conditions.load, 0);
    assert_int_equal(conditions.arenas, 0);
    assert_string_equal(conditions.text, "cpus=,origin-cpus=,load=0,arenas=auto");
    conditions_destroy(&conditions);
}

static void what_was_printed_is_parsed_to_the_same(void **state) {
    (void)state;
    char core[16];
    snprintf(core, sizeof core, "%zu", first_core());
    struct setting settings[] = {{.name = "cpus", .text = core},
                                 {.name = "origin-cpus", .text = core},
                                 {.name = "load", .text = "2"},
                                 {.name = "arenas", .text = "1"},
                                 {.name = "tasks", .text = "of somebody else"}};
    struct conditions built, parsed;
    struct message message = {""};
    build(&built, settings, 5);
    assert_int_equal(conditions_parse(&parsed, built.text, &message), 0);
    assert_string_equal(parsed.text, built.text);
    assert_string_equal(parsed.cpus, core);
    assert_string_equal(parsed.origin_cpus, core);
    assert_int_equal(parsed.load, 2);
    assert_int_equal(parsed.arenas, 1);
    conditions_destroy(&parsed);
    conditions_destroy(&built);
}

static void equal_sets_of_cores_have_one_text(void **state) {
    (void)state;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t core = 2; core < 5; core++)
        CPU_SET(core, &set);
    CPU_SET(0, &set);
    CPU_SET(7, &set);
    char *text = cpus_print(&set);
    assert_string_equal(text, "0,2-4,7");
    free(text);
}

static void first_and_rest_are_all_cores_that_may_be_used(void **state) {
    (void)state;
    cpu_set_t allowed, first, rest, both;
    struct message message = {""};
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(cpus_parse("first", &first, &message), 0);
    assert_int_equal(CPU_COUNT(&first), 1);
    assert_true(CPU_ISSET(first_core(), &first));
    if (CPU_COUNT(&allowed) == 1) {
        assert_int_equal(cpus_parse("rest", &rest, &message), -EINVAL);
        return;
    }
    assert_int_equal(cpus_parse("rest", &rest, &message), 0);
    CPU_OR(&both, &first, &rest);
    assert_true(CPU_EQUAL(&both, &allowed));
    assert_false(CPU_ISSET(first_core(), &rest));
}

static void a_condition_names_the_cores_that_a_word_stands_for(void **state) {
    (void)state;
    char core[16];
    struct setting setting = {.name = "cpus", .text = "first"};
    struct conditions conditions;
    snprintf(core, sizeof core, "%zu", first_core());
    build(&conditions, &setting, 1);
    assert_string_equal(conditions.cpus, core);
    conditions_destroy(&conditions);
}

static void assert_refused(const char *text, const char *expected) {
    struct conditions conditions;
    struct message message = {""};
    assert_true(conditions_parse(&conditions, text, &message) < 0);
    assert_string_equal(message.text, expected);
}

static void wrong_conditions_are_refused_with_their_name(void **state) {
    (void)state;
    assert_refused("cpus=one",
                   "cpus: \"one\" is no list of cores: try 0, 0-1, 0,2-3, first or rest");
    assert_refused(
        "origin-cpus=-1",
        "origin-cpus: cpus: \"-1\" is no list of cores: try 0, 0-1, 0,2-3, first or rest");
    assert_refused("load=2000", "load: 2000 is out of range (0 to 1024)");
    assert_refused("arenas=0", "arenas: 0 is out of range (auto, or 1 to 1024)");
    assert_refused("noise=1", "unknown parameter 'noise' (known: cpus, origin-cpus, load, arenas)");
}

static void *allocate(void *block) {
    *(void **)block = malloc(100);
    return NULL;
}

/* Has four threads allocate, and returns how many arenas there are then. */
static int count_arenas(void) {
    pthread_t threads[4];
    void *blocks[4];
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, allocate, &blocks[i]);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        free(blocks[i]);
    }
    char *text = NULL;
    size_t text_bytes;
    FILE *stream = open_memstream(&text, &text_bytes);
    malloc_info(0, stream);
    fclose(stream);
    int count = 0;
    for (const char *heap = text; (heap = strstr(heap, "<heap nr=")); heap++)
        count++;
    free(text);
    return count;
}

/* In the child: 0, or which fact does not hold. */
static int check_applied(const struct conditions *conditions, size_t core) {
    struct message message;
    cpu_set_t cores;
    if (conditions_apply(conditions, &message) != 0)
        return 1;
    if (sched_getaffinity(0, sizeof cores, &cores) < 0 || CPU_COUNT(&cores) != 1 ||
        !CPU_ISSET(core, &cores))
        return 2;
    return conditions->arenas && count_arenas() != 1 ? 3 : 0;
}

static int status_of_child(const struct conditions *conditions, size_t core) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(check_applied(conditions, core));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void applied_conditions_pin_the_process_and_limit_its_arenas(void **state) {
    (void)state;
    char text[64];
    struct conditions conditions;
    struct message message = {""};
    snprintf(text, sizeof text, "cpus=%zu,arenas=%s", first_core(), HAS_ARENAS ? "1" : "auto");
    assert_int_equal(conditions_parse(&conditions, text, &message), 0);
    assert_int_equal(status_of_child(&conditions, first_core()), 0);
    conditions_destroy(&conditions);
}

static void without_a_limit_threads_have_arenas_of_their_own(void **state) {
    (void)state;
    if (!HAS_ARENAS)
        skip();
    assert_true(count_arenas() > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_conditions_are_none),
        cmocka_unit_test(what_was_printed_is_parsed_to_the_same),
        cmocka_unit_test(equal_sets_of_cores_have_one_text),
        cmocka_unit_test(first_and_rest_are_all_cores_that_may_be_used),
        cmocka_unit_test(a_condition_names_the_cores_that_a_word_stands_for),
        cmocka_unit_test(wrong_conditions_are_refused_with_their_name),
        cmocka_unit_test(applied_conditions_pin_the_process_and_limit_its_arenas),
        cmocka_unit_test(without_a_limit_threads_have_arenas_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
