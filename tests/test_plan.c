/* Plans: what a file means, in which order it is expanded, and what is said of a wrong one. */
#include "clock.h"
#include "harness/plan_file.h"
#include "harness/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(struct plan *plan, const char *text) {
    struct message message = {""};
    if (plan_parse(plan, "test", text, &message) != 0)
        fail_msg("%s", message.text);
}

/* What follows are parameters that a test does not set, of which there may be more some day. */
static void assert_begins(const char *text, const char *beginning) {
    if (strncmp(text, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, beginning);
}

static void assert_refused(const char *text, const char *expected) {
    struct plan plan;
    struct message message = {""};
    assert_true(plan_parse(&plan, "test", text, &message) < 0);
    assert_string_equal(message.text, expected);
}

/* Where the message goes on with all the names that there are. */
static void assert_refused_beginning(const char *text, const char *expected) {
    struct plan plan;
    struct message message = {""};
    assert_true(plan_parse(&plan, "test", text, &message) < 0);
    message.text[strlen(expected)] = '\0';
    assert_string_equal(message.text, expected);
}

static void assert_cell(const struct plan *plan, size_t index, const char *model_spec,
                        const char *spec) {
    assert_true(index < plan->cell_count);
    assert_int_equal(plan->cells[index].index, index);
    assert_begins(plan->cells[index].model_spec.text, model_spec);
    assert_begins(plan->cells[index].spec.text, spec);
}

static void arrays_expand_to_all_combinations_the_last_key_fastest(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"cells\":[{\"workload\":\"sleep\",\"model\":[\"async\","
                 "\"threads\"],\"tasks\":[10,\"1k\"],\"sleep\":[\"1ms\",\"2ms\"]}]}");
    assert_int_equal(plan.cell_count, 8);
    assert_cell(&plan, 0, "async:", "sleep:tasks=10,sleep=1ms,");
    assert_cell(&plan, 1, "async:", "sleep:tasks=10,sleep=2ms,");
    assert_cell(&plan, 2, "async:", "sleep:tasks=1000,sleep=1ms,");
    assert_cell(&plan, 7, "threads:", "sleep:tasks=1000,sleep=2ms,");
    plan_destroy(&plan);
}

static void a_parameter_of_one_model_does_not_multiply_the_cells_of_another(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"cells\":[{\"workload\":\"chain\",\"model\":[\"threads\","
                 "\"pool\"],\"tasks\":8,\"workers\":[2,4]}]}");
    assert_int_equal(plan.cell_count, 3);
    assert_begins(plan.cells[0].model_spec.text, "threads:");
    assert_begins(plan.cells[1].model_spec.text, "pool:workers=2,");
    assert_begins(plan.cells[2].model_spec.text, "pool:workers=4,");
    plan_destroy(&plan);
}

static void equal_values_give_equal_specs(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"cells\":["
                 "{\"workload\":\"sleep\",\"model\":\"async\",\"tasks\":1000,\"sleep\":\"0.1s\"},"
                 "{\"workload\":\"sleep\",\"model\":\"async\",\"sleep\":\"100ms\",\"tasks\":\"1k\"}"
                 "]}");
    assert_string_equal(plan.cells[0].spec.text, plan.cells[1].spec.text);
    plan_destroy(&plan);
}

static void a_plan_keeps_seed_rounds_timeout_and_the_flags_of_its_cells(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"seed\":7,\"rounds\":5,\"timeout\":\"20s\",\"note\":\"x\","
                 "\"cells\":[{\"workload\":\"sleep\",\"model\":\"async\",\"rounds\":2,"
                 "\"witness\":true,\"timeline\":true,\"cpus\":[\"0\",null],\"note\":\"y\"}]}");
    assert_string_equal(plan.name, "mine");
    assert_int_equal(plan.seed, 7);
    assert_int_equal(plan.rounds, 5);
    assert_int_equal(plan.timeout_ns, 20 * NS_PER_S);
    assert_int_equal(plan.cell_count, 2);
    assert_string_equal(plan.cells[0].conditions.cpus, "0");
    assert_null(plan.cells[1].conditions.cpus);
    assert_true(plan.cells[0].has_witness && plan.cells[0].has_timeline);
    assert_int_equal(plan_cell_rounds(&plan, &plan.cells[0]), 2);
    assert_int_equal(plan_trial_count(&plan), 4);
    assert_int_equal(plan.cells[0].ideal_ns, 100 * NS_PER_MS);
    plan_destroy(&plan);
}

static void a_plan_may_list_conditions_of_which_null_is_none(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"cells\":[{\"workload\":\"fetch\",\"model\":\"async\","
                 "\"origin-cpus\":[null,\"first\"],\"load\":[0,2],\"arenas\":\"auto\"}]}");
    assert_int_equal(plan.cell_count, 4);
    assert_string_equal(plan.cells[0].conditions.text, "cpus=,origin-cpus=,load=0,arenas=auto");
    assert_string_equal(plan.cells[1].conditions.text, "cpus=,origin-cpus=,load=2,arenas=auto");
    assert_non_null(plan.cells[3].conditions.origin_cpus);
    assert_int_equal(plan.cells[3].conditions.load, 2);
    assert_string_equal(plan.cells[0].spec.text, plan.cells[3].spec.text);
    plan_destroy(&plan);
}

static void copies_are_cells_that_differ_in_their_index_alone(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"mine\",\"cells\":[{\"workload\":\"sleep\",\"model\":\"async\","
                 "\"tasks\":[1,2],\"rounds\":1,\"copies\":2}]}");
    assert_int_equal(plan.cell_count, 4);
    for (size_t i = 0; i < 4; i += 2) {
        assert_cell(&plan, i, "async:", plan.cells[i + 1].spec.text);
        assert_cell(&plan, i + 1, "async:", plan.cells[i].spec.text);
        assert_string_equal(plan.cells[i].model_spec.text, plan.cells[i + 1].model_spec.text);
        assert_string_equal(plan.cells[i].conditions.text, plan.cells[i + 1].conditions.text);
        assert_int_equal(plan.cells[i + 1].rounds, 1);
    }
    assert_string_not_equal(plan.cells[0].spec.text, plan.cells[2].spec.text);
    plan_destroy(&plan);
}

static void malformed_json_is_refused_with_line_and_column(void **state) {
    (void)state;
    struct plan plan;
    struct message message = {""};
    assert_true(plan_parse(&plan, "my.json", "{\"name\":\"x\",\n  \"cells\":[}\n", &message) < 0);
    assert_non_null(strstr(message.text, "plan my.json: line 2, column 12: "));
    assert_null(strchr(message.text, '\n'));
}

#define CELLS(cell)                                                                                \
    "{\"name\":\"x\",\"cells\":[{\"workload\":\"chain\",\"model\":\"pool\"}," cell "]}"

static void a_wrong_cell_is_refused_with_file_cell_and_key(void **state) {
    (void)state;
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"workers\":3}"),
                   "plan test: cell 2: key \"workers\": neither sleep nor its models have it: see "
                   "tva list");
    assert_refused_beginning(
        CELLS("{\"workload\":\"slep\",\"model\":\"async\"}"),
        "plan test: cell 2: key \"workload\": unknown workload \"slep\": there are "
        "sleep, fetch, chain");
    assert_refused_beginning(
        CELLS("{\"workload\":\"sleep\",\"model\":\"goroutines\"}"),
        "plan test: cell 2: key \"model\": unknown model \"goroutines\": there are "
        "threads, pool, async");
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"tasks\":1.5}"),
                   "plan test: cell 2: key \"tasks\": must be text, a whole number, true or false");
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"tasks\":0}"),
                   "plan test: cell 2: tasks: 0 is out of range (1 to 10M)");
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"tasks\":[]}"),
                   "plan test: cell 2: key \"tasks\": an empty array leaves nothing");
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"rounds\":0}"),
                   "plan test: cell 2: key \"rounds\": must be a whole number from 1 to 10000");
    assert_refused(CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"copies\":0}"),
                   "plan test: cell 2: key \"copies\": must be a whole number from 1 to 100");
    assert_refused(
        CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"load\":null,\"arenas\":2.5}"),
        "plan test: cell 2: key \"arenas\": must be text, a whole number, true or "
        "false");
    assert_refused(
        CELLS("{\"workload\":\"sleep\",\"model\":\"async\",\"load\":1,\"witness\":true}"),
        "plan test: cell 2: witness: hyperfine can time no trial under load: leave that "
        "out, or the witness");
    assert_refused(CELLS("7"), "plan test: cell 2: must be an object");
}

static void a_wrong_plan_is_refused_with_its_key(void **state) {
    (void)state;
    assert_refused("[]", "plan test: key \"name\": must be text without a slash");
    assert_refused("{\"name\":\"x\"}", "plan test: key \"cells\": must be an array of objects");
    assert_refused("{\"name\":\"x\",\"cells\":[]}", "plan x: it has no cells");
    assert_refused("{\"name\":\"x\",\"round\":2,\"cells\":[]}",
                   "plan test: key \"round\": a plan has name, seed, rounds, repeats, timeout, "
                   "witness, cells, note");
    assert_refused("{\"name\":\"x\",\"repeats\":-1,\"cells\":[]}",
                   "plan test: key \"repeats\": must be a whole number from 0 to 100");
    assert_refused("{\"name\":\"x\",\"timeout\":30,\"cells\":[]}",
                   "plan test: key \"timeout\": timeout: '30' has no unit (try 30us, 30ms or 30s)");
}

static void waits_longer_than_the_time_limit_are_refused(void **state) {
    (void)state;
    struct plan plan;
    struct message message = {""};
    const char *text = "{\"name\":\"x\",\"timeout\":\"1s\",\"cells\":[{\"workload\":\"sleep\","
                       "\"model\":\"async\",\"tasks\":1,\"sleep\":\"2s\"}]}";
    assert_true(plan_parse(&plan, "test", text, &message) < 0);
    assert_begins(message.text, "sleep:tasks=1,sleep=2s,");
    const char *why = strstr(message.text, ": its waits");
    assert_string_equal(why ? why : message.text,
                        ": its waits alone take 2 s, and a trial is killed after 1 s: shorten them "
                        "or raise the timeout");
}

static void only_selects_by_model_and_spec_and_numbers_anew(void **state) {
    (void)state;
    struct plan plan;
    struct message message = {""};
    parse(&plan, "{\"name\":\"x\",\"cells\":[{\"workload\":\"sleep\",\"model\":[\"threads\","
                 "\"async\"],\"tasks\":[10,100]}]}");
    assert_int_equal(plan_select(&plan, "^async sleep:tasks=100?,", &message), 0);
    assert_int_equal(plan.cell_count, 2);
    assert_cell(&plan, 0, "async:", "sleep:tasks=10,sleep=100ms,");
    assert_true(plan_select(&plan, "^threads ", &message) < 0);
    assert_int_equal(plan.cell_count, 0);
    plan_destroy(&plan);
}

static void a_round_is_a_permutation_that_the_seed_decides(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"x\",\"rounds\":3,\"cells\":["
                 "{\"workload\":\"sleep\",\"model\":\"async\",\"tasks\":[1,2,3,4,5,6,7,8,9]},"
                 "{\"workload\":\"chain\",\"model\":\"async\",\"rounds\":1}]}");
    size_t first[10], again[10], second[10];
    assert_int_equal(plan_order(&plan, 1, first), 10);
    assert_int_equal(plan_order(&plan, 1, again), 10);
    assert_int_equal(plan_order(&plan, 2, second), 9);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, second, 9 * sizeof *first);
    unsigned seen = 0;
    for (size_t i = 0; i < 10; i++)
        seen |= 1u << first[i];
    assert_int_equal(seen, 0x3ff);
    plan_destroy(&plan);
}

static void plan_json_holds_every_cell_with_its_single_values(void **state) {
    (void)state;
    struct plan plan;
    parse(&plan, "{\"name\":\"x\",\"rounds\":3,\"cells\":[{\"workload\":\"fetch\",\"model\":"
                 "\"pool\",\"url\":\"http://127.0.0.1:1/a,b\",\"rounds\":2}]}");
    json_t *json = plan_json(&plan);
    const json_t *cell = json_array_get(json_object_get(json, "cells"), 0);
    const json_t *params = json_object_get(cell, "params");
    const json_t *model_params = json_object_get(cell, "model_params");
    assert_int_equal(json_integer_value(json_object_get(cell, "rounds")), 2);
    assert_true(json_is_null(json_object_get(cell, "cpus")));
    assert_string_equal(json_string_value(json_object_get(cell, "conditions")),
                        "cpus=,origin-cpus=,load=0,arenas=auto");
    assert_string_equal(json_string_value(json_object_get(params, "url")),
                        "http://127.0.0.1:1/a,b");
    assert_string_equal(json_string_value(json_object_get(model_params, "workers")), "32");
    json_decref(json);
    plan_destroy(&plan);
}

static void all_built_in_plans_load(void **state) {
    (void)state;
    for (const struct plan_source *source = plan_sources; source->name; source++) {
        struct plan plan;
        struct message message = {""};
        if (plan_load(&plan, source->name, &message) != 0)
            fail_msg("%s", message.text);
        assert_string_equal(plan.name, source->name);
        plan_destroy(&plan);
    }
}

static bool are_equal(const struct cell *a, const struct cell *b) {
    return strcmp(a->spec.text, b->spec.text) == 0 &&
           strcmp(a->model_spec.text, b->model_spec.text) == 0 &&
           strcmp(a->conditions.text, b->conditions.text) == 0;
}

/* Whoever reads the rows takes equal cells for an A/A pair. */
static void assert_equal_cells_are_copies(const struct plan *plan) {
    size_t pairs = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        for (size_t j = i + 1; j < plan->cell_count; j++) {
            if (!are_equal(&plan->cells[i], &plan->cells[j]))
                continue;
            if (j != i + 1)
                fail_msg("plan %s: cells %zu and %zu are both %s", plan->name, i, j,
                         plan->cells[i].spec.text);
            pairs++;
        }
    if (pairs == 0)
        fail_msg("plan %s has no A/A pair", plan->name);
}

static void all_built_in_plans_have_pairs_and_no_other_equal_cells(void **state) {
    (void)state;
    for (const struct plan_source *source = plan_sources; source->name; source++) {
        struct plan plan;
        struct message message = {""};
        if (plan_load(&plan, source->name, &message) != 0)
            fail_msg("%s", message.text);
        assert_equal_cells_are_copies(&plan);
        plan_destroy(&plan);
    }
}

/* All are options of one command line and keys of one cell. */
static void no_two_of_workload_model_and_conditions_have_a_parameter_of_one_name(void **state) {
    (void)state;
    for (const struct parameter *p = conditions_parameters; p->name; p++) {
        for (size_t w = 0; workloads[w]; w++)
            assert_null(tables_find_parameter(workloads[w]->parameters, p->name));
        for (size_t m = 0; models[m]; m++)
            assert_null(tables_find_parameter(models[m]->parameters, p->name));
    }
    for (size_t w = 0; workloads[w]; w++)
        for (size_t m = 0; models[m]; m++)
            for (const struct parameter *p = models[m]->parameters; p->name; p++)
                assert_null(tables_find_parameter(workloads[w]->parameters, p->name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_expand_to_all_combinations_the_last_key_fastest),
        cmocka_unit_test(a_parameter_of_one_model_does_not_multiply_the_cells_of_another),
        cmocka_unit_test(equal_values_give_equal_specs),
        cmocka_unit_test(a_plan_keeps_seed_rounds_timeout_and_the_flags_of_its_cells),
        cmocka_unit_test(a_plan_may_list_conditions_of_which_null_is_none),
        cmocka_unit_test(copies_are_cells_that_differ_in_their_index_alone),
        cmocka_unit_test(malformed_json_is_refused_with_line_and_column),
        cmocka_unit_test(a_wrong_cell_is_refused_with_file_cell_and_key),
        cmocka_unit_test(a_wrong_plan_is_refused_with_its_key),
        cmocka_unit_test(waits_longer_than_the_time_limit_are_refused),
        cmocka_unit_test(only_selects_by_model_and_spec_and_numbers_anew),
        cmocka_unit_test(a_round_is_a_permutation_that_the_seed_decides),
        cmocka_unit_test(plan_json_holds_every_cell_with_its_single_values),
        cmocka_unit_test(all_built_in_plans_load),
        cmocka_unit_test(all_built_in_plans_have_pairs_and_no_other_equal_cells),
        cmocka_unit_test(no_two_of_workload_model_and_conditions_have_a_parameter_of_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
