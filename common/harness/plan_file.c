#include "harness/plan_file.h"

#include "harness/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys of a cell and models in one, at most; more are refused. */
#define KEYS_MAX 32
#define NUMBER_BYTES 24

/* A key whose value is one of several; one of the dimensions that a cell is expanded along. */
struct axis {
    const char *key;
    json_t *values; /* an array */
    size_t at;
};

/* One object of "cells", while it is expanded. */
struct entry {
    json_t *object;
    struct cell_options options;
    int64_t copies;
    const struct workload *workload;
    const struct model *models[KEYS_MAX];
    size_t model_count;
};

static bool is_reserved(const char *key) {
    static const char *const reserved[] = {"workload", "model",    "rounds", "copies",
                                           "witness",  "timeline", "note"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(key, reserved[i]) == 0)
            return true;
    return false;
}

/* A value as the text that the command line would have, or NULL if it can be none. */
static const char *value_text(const json_t *value, char number[NUMBER_BYTES]) {
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (!json_is_integer(value))
        return NULL;
    snprintf(number, NUMBER_BYTES, "%lld", (long long)json_integer_value(value));
    return number;
}

static int read_count(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                      struct message *message) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return message_fail(message, -EINVAL,
                            "key \"%s\": must be a whole number from %lld to %lld", key,
                            (long long)min, (long long)max);
    *out = json_integer_value(value);
    return 0;
}

static int read_flag(const json_t *object, const char *key, bool *out, struct message *message) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return message_fail(message, -EINVAL, "key \"%s\": must be true or false", key);
    *out = json_is_true(value);
    return 0;
}

static int read_models(struct entry *entry, struct message *message) {
    json_t *value = json_object_get(entry->object, "model");
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    if (!value || count == 0 || count > KEYS_MAX)
        return message_fail(message, -EINVAL, "key \"model\": must name a model or a few");
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(name))
            return message_fail(message, -EINVAL, "key \"model\": must be names, as text");
        int err = tables_find_model(json_string_value(name), &entry->models[i], message);
        if (err)
            return message_prefix(message, err, "key \"model\"");
    }
    entry->model_count = count;
    return 0;
}

static int check_keys(const struct entry *entry, struct message *message) {
    const char *key;
    json_t *value;
    if (json_object_size(entry->object) > KEYS_MAX)
        return message_fail(message, -EINVAL, "it has more than %d keys", KEYS_MAX);
    json_object_foreach(entry->object, key, value) {
        if (json_is_array(value) && json_array_size(value) == 0)
            return message_fail(message, -EINVAL, "key \"%s\": an empty array leaves nothing", key);
        if (!is_reserved(key) && !tables_find_parameter(conditions_parameters, key) &&
            !tables_find_parameter(entry->workload->parameters, key) &&
            !tables_find_model_parameter(entry->models, entry->model_count, key))
            return message_fail(message, -EINVAL,
                                "key \"%s\": neither %s nor its models have it: see tva list", key,
                                entry->workload->name);
    }
    return 0;
}

static int read_entry(struct entry *entry, struct message *message) {
    if (!json_is_object(entry->object))
        return message_fail(message, -EINVAL, "must be an object");
    const char *name = json_string_value(json_object_get(entry->object, "workload"));
    if (!name)
        return message_fail(message, -EINVAL, "key \"workload\": must name one, as text");
    int err = tables_find_workload(name, &entry->workload, message);
    if (err)
        return message_prefix(message, err, "key \"workload\"");
    err = read_models(entry, message);
    if (!err)
        err = check_keys(entry, message);
    if (!err)
        err = read_count(entry->object, "rounds", 1, PLAN_ROUNDS_MAX, &entry->options.rounds,
                         message);
    if (!err)
        err = read_count(entry->object, "copies", 1, PLAN_COPIES_MAX, &entry->copies, message);
    if (!err)
        err = read_flag(entry->object, "witness", &entry->options.has_witness, message);
    if (!err)
        err = read_flag(entry->object, "timeline", &entry->options.has_timeline, message);
    return err;
}

/* The axes of a model: the conditions and the parameters that it or the workload has, in the file's
   order. The arrays are the caller's to drop. */
static size_t find_axes(const struct entry *entry, const struct model *model,
                        struct axis axes[KEYS_MAX]) {
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(entry->object, key, value) {
        if (!tables_find_parameter(conditions_parameters, key) &&
            !tables_find_parameter(entry->workload->parameters, key) &&
            !tables_find_parameter(model->parameters, key))
            continue;
        json_t *values = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
        axes[count++] = (struct axis){.key = key, .values = values};
    }
    return count;
}

/* Moves to the next combination, the last axis fastest. Returns false after the last one. */
static bool next_combination(struct axis *axes, size_t count) {
    while (count-- > 0) {
        if (++axes[count].at < json_array_size(axes[count].values))
            return true;
        axes[count].at = 0;
    }
    return false;
}

/* Adds the cell that the axes stand at, as often as the entry says. null leaves a condition as
   usual. */
static int add_combination(struct plan *plan, const struct entry *entry, const struct model *model,
                           const struct axis *axes, size_t count, struct message *message) {
    struct setting settings[KEYS_MAX];
    char numbers[KEYS_MAX][NUMBER_BYTES];
    size_t setting_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(axes[i].values, axes[i].at);
        if (json_is_null(value) && tables_find_parameter(conditions_parameters, axes[i].key))
            continue;
        const char *text = value_text(value, numbers[i]);
        if (!text)
            return message_fail(message, -EINVAL,
                                "key \"%s\": must be text, a whole number, true or false",
                                axes[i].key);
        settings[setting_count++] = (struct setting){.name = axes[i].key, .text = text};
    }
    int err = 0;
    for (int64_t copy = 0; copy < entry->copies && !err; copy++)
        err = plan_add(plan, entry->workload, model, settings, setting_count, &entry->options,
                       message);
    return err;
}

static int expand_model(struct plan *plan, const struct entry *entry, const struct model *model,
                        struct message *message) {
    struct axis axes[KEYS_MAX];
    size_t count = find_axes(entry, model, axes);
    int err;
    do
        err = add_combination(plan, entry, model, axes, count, message);
    while (!err && next_combination(axes, count));
    for (size_t i = 0; i < count; i++)
        json_decref(axes[i].values);
    return err;
}

static int expand_entry(struct plan *plan, json_t *object, struct message *message) {
    struct entry entry = {.object = object, .copies = 1};
    int err = read_entry(&entry, message);
    for (size_t i = 0; i < entry.model_count && !err; i++)
        err = expand_model(plan, &entry, entry.models[i], message);
    return err;
}

#define DURATION_MAX_NS INT64_C(86400000000000)

/* The durations are read like parameters, so that they take the same units. */
static const struct parameter durations[] = {
    {"timeout", PARAMETER_DURATION, offsetof(struct plan, timeout_ns), "60s", 1000000,
     DURATION_MAX_NS, "DURATION", "of a trial"},
    {"witness", PARAMETER_DURATION, offsetof(struct plan, witness_ns), "30s", 1000000,
     DURATION_MAX_NS, "DURATION", "that hyperfine may take in all"},
    {0},
};

static int read_duration(struct plan *plan, const json_t *root, const char *name,
                         struct message *message) {
    const json_t *value = json_object_get(root, name);
    if (!value)
        return 0;
    char number[NUMBER_BYTES], what[PARAMETER_MESSAGE_BYTES];
    const char *text = value_text(value, number);
    if (text && parameters_set(durations, plan, name, text, 0, what) == 0)
        return 0;
    return message_fail(message, -EINVAL, "key \"%s\": %s", name,
                        text ? what : "must be a duration, as text, such as \"30s\"");
}

static int read_head(struct plan *plan, const json_t *root, struct message *message) {
    static const char *const known[] = {"name",    "seed",    "rounds", "repeats",
                                        "timeout", "witness", "cells",  "note"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return message_fail(message, -EINVAL,
                                "key \"%s\": a plan has name, seed, rounds, repeats, "
                                "timeout, witness, cells, note",
                                key);
    }
    int64_t seed = 1;
    int err = read_count(root, "seed", 1, INT64_MAX, &seed, message);
    plan->seed = (uint64_t)seed;
    if (!err)
        err = read_count(root, "rounds", 1, PLAN_ROUNDS_MAX, &plan->rounds, message);
    if (!err)
        err = read_count(root, "repeats", 0, PLAN_REPEATS_MAX, &plan->repeats, message);
    for (const struct parameter *duration = durations; duration->name && !err; duration++)
        err = read_duration(plan, root, duration->name, message);
    return err;
}

static int read_plan(struct plan *plan, const json_t *root, struct message *message) {
    int err = read_head(plan, root, message);
    if (err)
        return err;
    const json_t *cells = json_object_get(root, "cells");
    if (!json_is_array(cells))
        return message_fail(message, -EINVAL, "key \"cells\": must be an array of objects");
    for (size_t i = 0; i < json_array_size(cells) && !err; i++) {
        err = expand_entry(plan, json_array_get(cells, i), message);
        if (err)
            err = message_prefix(message, err, "cell %zu", i + 1);
    }
    return err;
}

int plan_parse(struct plan *out, const char *source, const char *text, struct message *message) {
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return message_fail(message, -EINVAL, "plan %s: line %d, column %d: %s", source, error.line,
                            error.column, error.text);
    const char *name = json_string_value(json_object_get(root, "name"));
    struct plan plan;
    int err;
    if (!json_is_object(root) || !name || !*name || strchr(name, '/'))
        err = message_fail(message, -EINVAL, "plan %s: key \"name\": must be text without a slash",
                           source);
    else if ((err = plan_create(&plan, name)))
        message_fail(message, err, "out of memory");
    else {
        err = read_plan(&plan, root, message);
        if (err)
            message_prefix(message, err, "plan %s", source);
        if (!err)
            err = plan_check(&plan, message);
        if (err)
            plan_destroy(&plan);
        else
            *out = plan;
    }
    json_decref(root);
    return err;
}

static char *read_file(const char *path, struct message *message) {
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t text_bytes = 0;
    /* getdelim() of a byte that JSON cannot contain reads all, and says so for a folder too. */
    if (!file || getdelim(&text, &text_bytes, '\0', file) < 0) {
        int err = file && feof(file) ? ENODATA : errno;
        message_fail(message, -err, "plan %s: cannot read it: %s", path,
                     err == ENODATA ? "it is empty" : strerror(err));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

int plan_load(struct plan *out, const char *name_or_path, struct message *message) {
    char known[256] = "";
    for (const struct plan_source *source = plan_sources; source->name; source++) {
        if (strcmp(source->name, name_or_path) == 0)
            return plan_parse(out, source->name, source->text, message);
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s, ", source->name);
    }
    if (!strpbrk(name_or_path, "./"))
        return message_fail(message, -EINVAL,
                            "unknown plan \"%s\": there are %sor the path of a JSON file (./%s)",
                            name_or_path, known, name_or_path);
    char *text = read_file(name_or_path, message);
    if (!text)
        return -EINVAL;
    int err = plan_parse(out, name_or_path, text, message);
    free(text);
    return err;
}
