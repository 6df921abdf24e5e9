/* What going on with a run rests on: a plan read back from its plan.json, and differences told. */
#include "harness/environment.h"
#include "harness/json_difference.h"
#include "harness/plan_file.h"
#include "harness/plan_read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Writes a plan's plan.json to a file that has no other name, and reads it back. */
static int read_back(struct plan *out, const struct plan *plan, struct message *message) {
    char path[64];
    FILE *file = tmpfile();
    assert_non_null(file);
    json_t *json = plan_json(plan);
    assert_int_equal(json_dumpf(json, file, JSON_INDENT(2)), 0);
    json_decref(json);
    assert_int_equal(fflush(file), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
    int err = plan_read(out, path, message);
    fclose(file);
    return err;
}

static void assert_same_order(const struct plan *a, const struct plan *b) {
    size_t *a_order = calloc(a->cell_count, sizeof *a_order);
    size_t *b_order = calloc(b->cell_count, sizeof *b_order);
    for (int64_t round = 1; round <= a->rounds; round++) {
        size_t count = plan_order(a, round, a_order);
        assert_int_equal(plan_order(b, round, b_order), count);
        assert_memory_equal(a_order, b_order, count * sizeof *a_order);
    }
    free(a_order);
    free(b_order);
}

static void assert_reads_back(struct plan *plan) {
    struct plan again;
    struct message message = {""};
    int err = read_back(&again, plan, &message);
    assert_string_equal(message.text, "");
    assert_int_equal(err, 0);
    assert_int_equal(plan_compare(plan, &again, &message), 0);
    assert_same_order(plan, &again);
    plan_destroy(&again);
    plan_destroy(plan);
}

static void every_built_in_plan_is_read_back_with_the_same_order(void **state) {
    (void)state;
    for (const struct plan_source *source = plan_sources; source->name; source++) {
        struct plan plan;
        struct message message = {""};
        assert_int_equal(plan_load(&plan, source->name, &message), 0);
        assert_reads_back(&plan);
    }
}

static void a_plan_of_odd_values_is_read_back(void **state) {
    (void)state;
    struct plan plan;
    struct message message = {""};
    static const char text[] =
        "{\"name\":\"odd\",\"seed\":77,\"rounds\":9,\"repeats\":0,\"timeout\":\"1234.567ms\","
        "\"witness\":\"1.0015ms\",\"cells\":["
        "{\"workload\":\"fetch\",\"model\":[\"pool\",\"async\"],\"rounds\":2,\"witness\":true,"
        "\"url\":\"http://localhost:1/a,b%20c=d|http://localhost:2/\\u00e9\"},"
        "{\"workload\":\"sleep\",\"model\":\"threads\",\"cpus\":[\"0\",null],\"sleep\":\"1.5us\","
        "\"copies\":2,\"timeline\":true,\"load\":3,\"arenas\":1,\"origin-cpus\":\"0\"}]}";
    int err = plan_parse(&plan, "odd", text, &message);
    assert_string_equal(message.text, "");
    assert_int_equal(err, 0);
    assert_int_equal(plan.cell_count, 6);
    assert_reads_back(&plan);
}

static void a_plan_that_this_build_reads_otherwise_is_refused_with_the_difference(void **state) {
    (void)state;
    struct plan plan;
    struct message message = {""};
    char path[] = "/tmp/tva-plan-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(plan_load(&plan, "smoke", &message), 0);
    json_t *json = plan_json(&plan);
    json_t *cell = json_array_get(json_object_get(json, "cells"), 1);
    json_object_set_new(cell, "future", json_true());
    assert_int_equal(json_dump_file(json, path, 0), 0);
    struct plan again;
    assert_int_equal(plan_read(&again, path, &message), -EINVAL);
    assert_non_null(strstr(message.text, "cells[1].future: was true, is nothing"));
    unlink(path);
    json_decref(json);
    plan_destroy(&plan);
}

static bool differs(const char *was, const char *is, int64_t tolerance_percent, char *text) {
    json_t *was_json = json_loads(was, 0, NULL), *is_json = json_loads(is, 0, NULL);
    assert_non_null(was_json);
    assert_non_null(is_json);
    bool found = json_difference(was_json, is_json, tolerance_percent, text);
    json_decref(was_json);
    json_decref(is_json);
    return found;
}

static void the_first_difference_is_told_with_its_place_and_both_values(void **state) {
    (void)state;
    char text[JSON_DIFFERENCE_BYTES];
    assert_true(differs("{\"a\":{\"b\":[1,2]},\"c\":1}", "{\"a\":{\"b\":[1,3]},\"c\":2}", 0, text));
    assert_string_equal(text, "a.b[1]: was 2, is 3");
    assert_true(differs("{\"a\":1}", "{\"a\":1,\"b\":\"x\"}", 0, text));
    assert_string_equal(text, "b: was nothing, is \"x\"");
    assert_true(differs("[1,2]", "[1]", 0, text));
    assert_string_equal(text, "[1]: was 2, is nothing");
    assert_true(differs("{\"a\":null}", "{\"a\":0}", 1, text));
    assert_false(differs("{\"a\":[1,{\"b\":2.5}]}", "{\"a\":[1,{\"b\":2.5}]}", 0, text));
}

static void whole_numbers_may_be_apart_by_the_tolerance(void **state) {
    (void)state;
    char text[JSON_DIFFERENCE_BYTES];
    assert_false(differs("[1000]", "[990]", 1, text));
    assert_true(differs("[1000]", "[989]", 1, text));
    assert_true(differs("[1000]", "[999]", 0, text));
    assert_true(differs("[2]", "[3]", 1, text));
    assert_true(differs("[\"1000\"]", "[\"999\"]", 1, text));
}

static void an_environment_has_a_build_id_and_equals_one_taken_later(void **state) {
    (void)state;
    struct message message = {""};
    json_t *was = environment_json(), *is = environment_json();
    const json_t *id = json_object_get(json_object_get(was, "build"), "id");
    assert_true(json_is_string(id));
    assert_true(json_string_length(id) >= 16);
    environment_finish(was);
    environment_resume(was, is);
    assert_int_equal(environment_compare(was, is, &message), 0);
    json_object_set_new(was, "kernel", json_string("another"));
    assert_int_equal(environment_compare(was, is, &message), -EINVAL);
    assert_non_null(strstr(message.text, "kernel: was \"another\", is \""));
    json_decref(was);
    json_decref(is);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_plan_is_read_back_with_the_same_order),
        cmocka_unit_test(a_plan_of_odd_values_is_read_back),
        cmocka_unit_test(a_plan_that_this_build_reads_otherwise_is_refused_with_the_difference),
        cmocka_unit_test(the_first_difference_is_told_with_its_place_and_both_values),
        cmocka_unit_test(whole_numbers_may_be_apart_by_the_tolerance),
        cmocka_unit_test(an_environment_has_a_build_id_and_equals_one_taken_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
