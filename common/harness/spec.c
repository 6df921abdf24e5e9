#include "harness/spec.h"

#include "harness/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int settings_apply(const struct parameter *table, void *values, const struct setting *settings,
                   size_t count, struct message *message) {
    for (size_t i = 0; i < count; i++) {
        if (!tables_find_parameter(table, settings[i].name))
            continue;
        char what[PARAMETER_MESSAGE_BYTES] = "out of memory";
        int err = parameters_set(table, values, settings[i].name, settings[i].text,
                                 settings[i].is_further, what);
        if (err)
            return message_fail(message, err, "%s", what);
    }
    return 0;
}

static int check_spec(const struct spec *spec, struct message *message) {
    const struct workload *workload = spec->workload;
    char what[WORKLOAD_MESSAGE_BYTES] = "";
    int err = workload->check ? workload->check(spec->params, what) : 0;
    if (err)
        return message_fail(message, err, "%s", what);
    uint64_t operations = workload->operations(spec->params);
    if (operations > SPEC_OPERATIONS_MAX)
        return message_fail(message, -EINVAL,
                            "%s: these parameters make %llu operations, and a trial holds at most "
                            "%d: ask for fewer",
                            workload->name, (unsigned long long)operations, SPEC_OPERATIONS_MAX);
    return 0;
}

static int print_spec(struct spec *spec, struct message *message) {
    spec->text = parameters_print(spec->workload->name, spec->workload->parameters, spec->params);
    return spec->text ? 0 : message_fail(message, -ENOMEM, "out of memory");
}

/* Checks and prints a spec whose parameters are set, and hands it over or destroys it. */
static int finish_spec(struct spec *out, struct spec *spec, struct message *message) {
    int err = check_spec(spec, message);
    if (!err)
        err = print_spec(spec, message);
    if (err)
        spec_destroy(spec);
    else
        *out = *spec;
    return err;
}

int spec_build(struct spec *out, const struct workload *workload, const struct setting *settings,
               size_t count, struct message *message) {
    struct spec spec = {.workload = workload, .params = calloc(1, workload->params_bytes)};
    if (!spec.params || parameters_set_defaults(workload->parameters, spec.params) < 0) {
        free(spec.params);
        return message_fail(message, -ENOMEM, "out of memory");
    }
    int err = settings_apply(workload->parameters, spec.params, settings, count, message);
    if (err) {
        spec_destroy(&spec);
        return err;
    }
    return finish_spec(out, &spec, message);
}

int model_spec_build(struct model_spec *out, const struct model *model,
                     const struct setting *settings, size_t count, struct message *message) {
    struct model_spec built = {.model = model};
    if (parameters_set_defaults(model->parameters, &built.options) < 0)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = settings_apply(model->parameters, &built.options, settings, count, message);
    if (err)
        return err;
    built.text = parameters_print(model->name, model->parameters, &built.options);
    if (!built.text)
        return message_fail(message, -ENOMEM, "out of memory");
    *out = built;
    return 0;
}

/* Splits "owner:rest" into an allocated owner and the rest, which may be empty. */
static char *split_owner(const char *text, const char **rest) {
    size_t length = strcspn(text, ":");
    *rest = text[length] ? text + length + 1 : text + length;
    return strndup(text, length);
}

int spec_parse(struct spec *out, const char *text, struct message *message) {
    const char *rest;
    char *owner = split_owner(text, &rest);
    if (!owner)
        return message_fail(message, -ENOMEM, "out of memory");
    struct spec spec = {0};
    int err = tables_find_workload(owner, &spec.workload, message);
    free(owner);
    if (err)
        return err;
    spec.params = calloc(1, spec.workload->params_bytes);
    char what[PARAMETER_MESSAGE_BYTES] = "out of memory";
    err = spec.params ? parameters_parse(spec.workload->parameters, spec.params, rest, what)
                      : -ENOMEM;
    if (err) {
        free(spec.params);
        return message_fail(message, err, "%s", what);
    }
    return finish_spec(out, &spec, message);
}

int model_spec_parse(struct model_spec *out, const char *text, struct message *message) {
    const char *rest;
    char *owner = split_owner(text, &rest);
    if (!owner)
        return message_fail(message, -ENOMEM, "out of memory");
    struct model_spec parsed = {0};
    int err = tables_find_model(owner, &parsed.model, message);
    free(owner);
    if (err)
        return err;
    char what[PARAMETER_MESSAGE_BYTES] = "out of memory";
    err = parameters_parse(parsed.model->parameters, &parsed.options, rest, what);
    if (err)
        return message_fail(message, err, "%s", what);
    parsed.text = parameters_print(parsed.model->name, parsed.model->parameters, &parsed.options);
    if (!parsed.text)
        return message_fail(message, -ENOMEM, "out of memory");
    *out = parsed;
    return 0;
}

int spec_find_body(struct bare_body *out, const struct workload *workload,
                   const struct model *model, struct message *message) {
    char known[256] = "";
    if (!model->bare) {
        *out = (struct bare_body){.workload = workload->name,
                                  .prepare = workload->prepare,
                                  .main = workload->main,
                                  .destroy = workload->destroy};
        return 0;
    }
    for (size_t i = 0; model->bare[i]; i++) {
        if (strcmp(model->bare[i]->workload, workload->name) == 0) {
            *out = *model->bare[i];
            return 0;
        }
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                 model->bare[i]->workload);
    }
    return message_fail(message, -EINVAL, "%s: there is no floor for \"%s\": there are %s",
                        model->name, workload->name, known);
}

static int check_stack(const struct spec *spec, const struct model_spec *model_spec,
                       struct message *message) {
    int64_t given_bytes = model_spec->options.stack_bytes;
    int64_t least_bytes = spec_stack_bytes(spec) + model_spec->model->stack_own_bytes;
    bool is_plain = spec_stack_bytes(spec) <= (int64_t)spec->workload->task_stack_bytes;
    if (!given_bytes || is_plain || given_bytes >= least_bytes)
        return 0;
    return message_fail(message, -EINVAL,
                        "stack: each task of %s uses up to %lld bytes of its stack with these "
                        "parameters, and %s gives it %lld (try --stack=auto or --stack=%lldKiB)",
                        spec->workload->name, (long long)least_bytes, model_spec->model->name,
                        (long long)given_bytes, (long long)(least_bytes + 1023) / 1024);
}

int spec_check_model(const struct spec *spec, const struct model_spec *model_spec,
                     struct message *message) {
    const struct workload *workload = spec->workload;
    char what[WORKLOAD_MESSAGE_BYTES] = "";
    int err = model_spec->model->bare && workload->check_floor
                  ? workload->check_floor(spec->params, what)
                  : 0;
    if (err)
        return message_fail(message, err, "%s: %s", model_spec->model->name, what);
    return check_stack(spec, model_spec, message);
}

const struct workload_params *spec_common(const struct spec *spec) {
    return spec->params;
}

int64_t spec_tasks(const struct spec *spec) {
    const struct workload *workload = spec->workload;
    return workload->tasks ? workload->tasks(spec->params) : spec_common(spec)->tasks;
}

int64_t spec_units(const struct spec *spec) {
    const struct workload *workload = spec->workload;
    return workload->units ? workload->units(spec->params) : 1;
}

int64_t spec_stack_bytes(const struct spec *spec) {
    const struct workload *workload = spec->workload;
    return (int64_t)(workload->stack_bytes ? workload->stack_bytes(spec->params)
                                           : workload->task_stack_bytes);
}

void spec_destroy(struct spec *spec) {
    if (spec->params) {
        parameters_destroy(spec->workload->parameters, spec->params);
        free(spec->params);
    }
    free(spec->text);
    *spec = (struct spec){0};
}

void model_spec_destroy(struct model_spec *model_spec) {
    free(model_spec->text);
    *model_spec = (struct model_spec){0};
}
