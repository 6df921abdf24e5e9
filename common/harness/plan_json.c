/* The plan as plan.json tells it: every cell expanded, so that whoever reads the rows needs no
   parser of ours. */
#include "harness/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Undoes the %XX of parameters_print, in place. */
static void unescape(char *text) {
    char *to = text;
    for (; *text; text++) {
        unsigned code;
        if (*text == '%' && sscanf(text, "%%%2x", &code) == 1) {
            *to++ = (char)code;
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

json_t *plan_parameters_json(const char *text) {
    json_t *object = json_object();
    const char *colon = strchr(text, ':');
    char *copy = strdup(colon ? colon + 1 : text);
    char *rest = copy;
    for (char *pair = strtok_r(copy, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(pair, '=');
        if (!value)
            continue;
        *value++ = '\0';
        unescape(value);
        json_object_set_new(object, pair, json_string(value));
    }
    free(copy);
    return object;
}

static json_t *cell_json(const struct plan *plan, const struct cell *cell) {
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s?, s:s, s:I, s:b, s:b, s:o, s:o}", "cell",
                     (json_int_t)cell->index, "workload", cell->spec.workload->name, "model",
                     cell->model_spec.model->name, "spec", cell->spec.text, "model_spec",
                     cell->model_spec.text, "cpus", cell->conditions.cpus, "conditions",
                     cell->conditions.text, "rounds", (json_int_t)plan_cell_rounds(plan, cell),
                     "timeline", cell->has_timeline, "witness", cell->has_witness, "params",
                     plan_parameters_json(cell->spec.text), "model_params",
                     plan_parameters_json(cell->model_spec.text));
}

json_t *plan_json(const struct plan *plan) {
    json_t *cells = json_array();
    for (size_t i = 0; i < plan->cell_count; i++)
        json_array_append_new(cells, cell_json(plan, &plan->cells[i]));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "name", plan->name, "seed",
                     (json_int_t)plan->seed, "rounds", (json_int_t)plan->rounds, "repeats",
                     (json_int_t)plan->repeats, "timeout_ns", (json_int_t)plan->timeout_ns,
                     "witness_ns", (json_int_t)plan->witness_ns, "cells", cells);
}
