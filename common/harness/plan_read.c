#include "harness/plan_read.h"

#include "harness/json_difference.h"
#include "harness/plan_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void copy(json_t *to, const char *to_key, const json_t *from, const char *from_key) {
    json_object_set(to, to_key, json_object_get(from, from_key));
}

static void copy_duration(json_t *to, const char *to_key, const json_t *from,
                          const char *from_key) {
    json_int_t ns = json_integer_value(json_object_get(from, from_key));
    json_object_set_new(to, to_key, json_sprintf("%lld.%03lldus", ns / 1000, ns % 1000));
}

static void add_parameters(json_t *source, json_t *parameters) {
    json_object_update(source, parameters);
    json_decref(parameters);
}

/* A cell as a plan file has it. */
static json_t *cell_source(const json_t *cell) {
    static const char *const keys[] = {"workload", "model", "rounds", "timeline", "witness"};
    static const char *const texts[] = {"spec", "model_spec", "conditions"};
    json_t *source = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        copy(source, keys[i], cell, keys[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = json_string_value(json_object_get(cell, texts[i]));
        add_parameters(source, plan_parameters_json(text ? text : ""));
    }
    return source;
}

/* plan.json turned back into a plan file, so that one reader checks both. The caller owns it. */
static json_t *plan_source(const json_t *expanded) {
    static const char *const keys[] = {"name", "seed", "rounds", "repeats"};
    json_t *source = json_object(), *cells = json_array(), *cell;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        copy(source, keys[i], expanded, keys[i]);
    copy_duration(source, "timeout", expanded, "timeout_ns");
    copy_duration(source, "witness", expanded, "witness_ns");
    size_t i;
    json_array_foreach(json_object_get(expanded, "cells"), i, cell) {
        json_array_append_new(cells, cell_source(cell));
    }
    json_object_set_new(source, "cells", cells);
    return source;
}

static int compare_json(const json_t *was, const struct plan *plan, struct message *message) {
    json_t *is = plan_json(plan);
    if (!is)
        return message_fail(message, -ENOMEM, "out of memory");
    char text[JSON_DIFFERENCE_BYTES];
    int err = json_difference(was, is, 0, text) ? message_fail(message, -EINVAL, "%s", text) : 0;
    json_decref(is);
    return err;
}

/* Whatever the way back lost shows here. */
static int parse(struct plan *out, const char *path, const json_t *expanded,
                 struct message *message) {
    json_t *source = plan_source(expanded);
    char *text = json_dumps(source, 0);
    json_decref(source);
    if (!text)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = plan_parse(out, path, text, message);
    free(text);
    if (err)
        return err;
    err = compare_json(expanded, out, message);
    if (err) {
        message_prefix(message, err, "%s: this build reads another plan", path);
        plan_destroy(out);
    }
    return err;
}

int plan_read(struct plan *out, const char *path, struct message *message) {
    json_error_t error;
    json_t *expanded = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!expanded)
        return message_fail(message, -EINVAL, "%s: line %d: %s", path, error.line, error.text);
    int err = parse(out, path, expanded, message);
    json_decref(expanded);
    return err;
}

int plan_compare(const struct plan *was, const struct plan *is, struct message *message) {
    json_t *json = plan_json(was);
    int err =
        json ? compare_json(json, is, message) : message_fail(message, -ENOMEM, "out of memory");
    json_decref(json);
    return err;
}
