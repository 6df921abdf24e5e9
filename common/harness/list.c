#include "harness/list.h"

#include "harness/conditions.h"
#include "harness/spec.h"
#include "harness/tables.h"

#include <jansson.h>

static const char *kind_name(enum parameter_kind kind) {
    static const char *const names[] = {
        [PARAMETER_COUNT] = "count", [PARAMETER_DURATION] = "duration", [PARAMETER_SIZE] = "size",
        [PARAMETER_FLAG] = "flag",   [PARAMETER_TEXT] = "text",
    };
    return names[kind];
}

/* What numbers of a kind are kept in: min and max are in it. */
static const char *unit_name(enum parameter_kind kind) {
    return kind == PARAMETER_DURATION ? "ns" : kind == PARAMETER_SIZE ? "bytes" : NULL;
}

static json_t *parameters_json(const struct parameter *table) {
    json_t *array = json_array();
    for (; table->name; table++) {
        bool has_range = table->kind <= PARAMETER_SIZE;
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:s?, s:s, s:o, s:o, s:s}", "name", table->name,
                                        "kind", kind_name(table->kind), "unit",
                                        unit_name(table->kind), "default", table->fallback, "min",
                                        has_range ? json_integer(table->min) : json_null(), "max",
                                        has_range ? json_integer(table->max) : json_null(), "help",
                                        table->help));
    }
    return array;
}

/* The workloads that run in a model. */
static json_t *model_workloads_json(const struct model *model) {
    json_t *array = json_array();
    struct message message;
    struct bare_body body;
    for (size_t i = 0; workloads[i]; i++)
        if (!spec_find_body(&body, workloads[i], model, &message))
            json_array_append_new(array, json_string(workloads[i]->name));
    return array;
}

static void print_json(FILE *stream) {
    json_t *workload_array = json_array(), *model_array = json_array();
    for (size_t i = 0; workloads[i]; i++)
        json_array_append_new(workload_array,
                              json_pack("{s:s, s:s, s:s, s:s?, s:o}", "name", workloads[i]->name,
                                        "summary", workloads[i]->summary, "operation",
                                        workloads[i]->operation, "unit", workloads[i]->unit,
                                        "parameters", parameters_json(workloads[i]->parameters)));
    for (size_t i = 0; models[i]; i++)
        json_array_append_new(
            model_array, json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", models[i]->name, "summary",
                                   models[i]->summary, "is_floor", models[i]->bare != NULL,
                                   "workloads", model_workloads_json(models[i]), "parameters",
                                   parameters_json(models[i]->parameters)));
    json_t *all = json_pack("{s:o, s:o, s:o}", "workloads", workload_array, "models", model_array,
                            "conditions", parameters_json(conditions_parameters));
    json_dumpf(all, stream, JSON_INDENT(2));
    fputc('\n', stream);
    json_decref(all);
}

static void print_parameters(FILE *stream, const struct parameter *table) {
    for (; table->name; table++) {
        char usage[64];
        snprintf(usage, sizeof usage, "--%s=%s", table->name, table->unit_help);
        fprintf(stream, "      %-28s %s (default %s)\n", usage, table->help,
                *table->fallback ? table->fallback : "none");
    }
}

static void print_workload(FILE *stream, const struct workload *workload) {
    fprintf(stream, "  %s: %s; an operation is %s", workload->name, workload->summary,
            workload->operation);
    if (workload->unit)
        fprintf(stream, ", its unit %s", workload->unit);
    fputc('\n', stream);
    print_parameters(stream, workload->parameters);
}

void list_print(FILE *stream, bool is_json) {
    if (is_json) {
        print_json(stream);
        return;
    }
    fputs("Workloads\n", stream);
    for (size_t i = 0; workloads[i]; i++) {
        print_workload(stream, workloads[i]);
    }
    fputs("\nModels\n", stream);
    for (size_t i = 0; models[i]; i++) {
        fprintf(stream, "  %s: %s\n", models[i]->name, models[i]->summary);
        print_parameters(stream, models[i]->parameters);
        for (size_t b = 0; models[i]->bare && models[i]->bare[b]; b++)
            fprintf(stream, "%s%s", b ? ", " : "      runs only: ", models[i]->bare[b]->workload);
        fputs(models[i]->bare ? "\n" : "", stream);
    }
    fputs("\nConditions of a trial\n", stream);
    print_parameters(stream, conditions_parameters);
    fputs("\nUnits: COUNT takes k and M, DURATION us, ms and s, SIZE KiB and MiB.\n", stream);
}
