#include "harness/options_run.h"

#include "harness/arguments.h"
#include "harness/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options in all, headers among them; parameters given; models chosen. */
#define OPTIONS_MAX 64
#define SETTINGS_MAX 128
#define MODELS_MAX 32

/* Keys of the options that are no parameters; those of parameters follow. */
enum {
    KEY_MODEL = 0x1000,
    KEY_ROUNDS,
    KEY_TIMEOUT,
    KEY_JSON,
    KEY_PARAMETER,
};

struct numbers {
    int64_t rounds;
    int64_t timeout_ns;
};

static const struct parameter number_parameters[] = {
    {"rounds", PARAMETER_COUNT, offsetof(struct numbers, rounds), "1", 1, PLAN_ROUNDS_MAX, "COUNT",
     "run each model so many times, the models in shuffled order"},
    {"timeout", PARAMETER_DURATION, offsetof(struct numbers, timeout_ns), "120s", 1000000,
     INT64_C(86400000000000), "DURATION", "kill a trial that takes longer"},
    {0},
};

/* A command line of `tva run WORKLOAD` while it is read. */
struct run_line {
    const struct workload *workload;
    struct argp_option options[OPTIONS_MAX + 1];
    char *docs[OPTIONS_MAX]; /* allocated texts of options */
    size_t option_count;
    struct setting settings[SETTINGS_MAX];
    size_t setting_count;
    struct numbers numbers;
    const char *model_names;
    bool is_json;
    struct message *message;
};

static const char units_doc[] =
    "Units: COUNT takes k and M (10k), DURATION us, ms and s (100ms), SIZE KiB and MiB (64KiB).";

static void add_option(struct run_line *line, const char *name, int key, const char *value,
                       int group, char *doc) {
    if (line->option_count == OPTIONS_MAX || !doc) {
        free(doc);
        return;
    }
    line->docs[line->option_count] = doc;
    line->options[line->option_count++] =
        (struct argp_option){.name = name, .key = key, .arg = value, .doc = doc, .group = group};
}

static __attribute__((format(printf, 1, 2))) char *text(const char *format, ...) {
    va_list arguments;
    char *made = NULL;
    va_start(arguments, format);
    if (vasprintf(&made, format, arguments) < 0)
        made = NULL;
    va_end(arguments);
    return made;
}

static void add_parameter(struct run_line *line, const struct parameter *parameter, int key,
                          int group, const char *whose) {
    const char *fallback = *parameter->fallback ? parameter->fallback : "none";
    add_option(line, parameter->name, key, parameter->unit_help, group,
               text("%s%s (default %s)", whose, parameter->help, fallback));
}

/* Parameters of the same name, of several models, are one option; each model's help stands in it
   once. */
static void add_model_parameter(struct run_line *line, const char *name) {
    char *doc = NULL;
    const struct parameter *first = NULL;
    for (size_t i = 0; models[i]; i++) {
        const struct parameter *p = tables_find_parameter(models[i]->parameters, name);
        if (!p)
            continue;
        first = first ? first : p;
        char *longer = text("%s%s%s: %s (default %s)", doc ? doc : "", doc ? "; " : "",
                            models[i]->name, p->help, p->fallback);
        free(doc);
        doc = longer;
    }
    int key = KEY_PARAMETER + (int)line->option_count;
    add_option(line, name, key, first->unit_help, 2, doc);
}

static bool has_option(const struct run_line *line, const char *name) {
    for (size_t i = 0; i < line->option_count; i++)
        if (line->options[i].name && strcmp(line->options[i].name, name) == 0)
            return true;
    return false;
}

static void add_header(struct run_line *line, int group, char *doc) {
    add_option(line, NULL, 0, NULL, group, doc);
}

static void build_options(struct run_line *line) {
    add_header(line, 1, text("The work, the same for all models:"));
    for (const struct parameter *p = line->workload->parameters; p->name; p++)
        add_parameter(line, p, KEY_PARAMETER + (int)line->option_count, 1, "");
    add_header(line, 2, text("How the models run it:"));
    for (size_t i = 0; models[i]; i++)
        for (const struct parameter *p = models[i]->parameters; p->name; p++)
            if (!has_option(line, p->name))
                add_model_parameter(line, p->name);
    add_header(line, 3, text("How it is measured:"));
    add_option(line, "model", KEY_MODEL, "M[,M...]", 3,
               text("models to compare (default all but the floors)"));
    add_parameter(line, &number_parameters[0], KEY_ROUNDS, 3, "");
    add_parameter(line, &number_parameters[1], KEY_TIMEOUT, 3, "");
    for (const struct parameter *p = conditions_parameters; p->name; p++)
        add_parameter(line, p, KEY_PARAMETER + (int)line->option_count, 3, "");
    add_option(line, "json", KEY_JSON, NULL, 3,
               text("print result rows alone, a JSON object a line"));
}

static int add_setting(struct run_line *line, const char *name, const char *value) {
    if (line->setting_count == SETTINGS_MAX)
        return message_fail(line->message, -EINVAL, "more than %d parameters", SETTINGS_MAX);
    bool is_further = false;
    for (size_t i = 0; i < line->setting_count; i++)
        is_further = is_further || strcmp(line->settings[i].name, name) == 0;
    line->settings[line->setting_count++] = (struct setting){name, value, is_further};
    return 0;
}

static int set_number(struct run_line *line, const char *name, const char *value) {
    char what[PARAMETER_MESSAGE_BYTES];
    int err = parameters_set(number_parameters, &line->numbers, name, value, 0, what);
    return err ? message_fail(line->message, err, "%s", what) : 0;
}

static error_t take_argument(int key, char *value, struct argp_state *state) {
    struct run_line *line = state->input;
    switch (key) {
    case KEY_MODEL:
        line->model_names = value;
        return 0;
    case KEY_ROUNDS:
        return -set_number(line, "rounds", value);
    case KEY_TIMEOUT:
        return -set_number(line, "timeout", value);
    case KEY_JSON:
        line->is_json = true;
        return 0;
    case ARGP_KEY_ARG:
        return -message_fail(line->message, -EINVAL,
                             "what is \"%s\"? %s is the workload, and all else is --PARAM=VALUE",
                             value, line->workload->name);
    default:
        if (key < KEY_PARAMETER || key >= KEY_PARAMETER + (int)line->option_count)
            return ARGP_ERR_UNKNOWN;
        return -add_setting(line, line->options[key - KEY_PARAMETER].name, value);
    }
}

static int find_models(const struct run_line *line, const struct model *chosen[MODELS_MAX],
                       size_t *count) {
    char names[256];
    *count = 0;
    if (!line->model_names) {
        for (size_t i = 0; models[i] && *count < MODELS_MAX; i++)
            if (!models[i]->bare)
                chosen[(*count)++] = models[i];
        return 0;
    }
    if ((size_t)snprintf(names, sizeof names, "%s", line->model_names) >= sizeof names)
        return message_fail(line->message, -EINVAL, "--model: too long");
    char *rest = names;
    for (char *name; (name = strsep(&rest, ","));) {
        if (*count == MODELS_MAX)
            return message_fail(line->message, -EINVAL, "--model: more than %d", MODELS_MAX);
        int err = tables_find_model(name, &chosen[(*count)++], line->message);
        if (err)
            return err;
    }
    return 0;
}

/* A parameter that only some of the chosen models have applies to those; one that none of them has
   is a mistake. */
static int check_settings(const struct run_line *line, const struct model *const *chosen,
                          size_t count) {
    for (size_t i = 0; i < line->setting_count; i++) {
        const char *name = line->settings[i].name;
        if (tables_find_parameter(line->workload->parameters, name) ||
            tables_find_parameter(conditions_parameters, name) ||
            tables_find_model_parameter(chosen, count, name))
            continue;
        const char *owner = "another model";
        for (size_t m = 0; models[m]; m++)
            if (tables_find_parameter(models[m]->parameters, name))
                owner = models[m]->name;
        return message_fail(line->message, -EINVAL,
                            "--%s: none of the chosen models (%s) has it, %s does: leave it out or "
                            "add that model",
                            name, line->model_names, owner);
    }
    return 0;
}

static int build_plan(struct plan *plan, const struct run_line *line) {
    const struct model *chosen[MODELS_MAX];
    size_t count;
    int err = find_models(line, chosen, &count);
    if (!err)
        err = check_settings(line, chosen, count);
    plan->rounds = line->numbers.rounds;
    plan->timeout_ns = line->numbers.timeout_ns;
    plan->repeats = line->workload->blocking ? PLAN_REPEATS_DEFAULT : 0;
    struct cell_options options = {0};
    for (size_t i = 0; i < count && !err; i++)
        err = plan_add(plan, line->workload, chosen[i], line->settings, line->setting_count,
                       &options, line->message);
    if (!err)
        err = plan_check(plan, line->message);
    return err;
}

/* `tva run --help`, before a workload is named. */
static void print_help(int argc, char **argv) {
    char *doc = NULL;
    size_t doc_bytes = 0;
    FILE *stream = open_memstream(&doc, &doc_bytes);
    if (!stream)
        return;
    fputs("Runs a workload once, or a few times, in each model and prints a table.\v"
          "Workloads, each with parameters of its own (tva run WORKLOAD --help):\n",
          stream);
    for (size_t i = 0; workloads[i]; i++)
        fprintf(stream, "  %-8s %s\n", workloads[i]->name, workloads[i]->summary);
    fprintf(stream,
            "\nExample: tva run sleep --model=threads,async --tasks=1000 --sleep=100ms\n\n%s",
            units_doc);
    fclose(stream);
    const struct argp argp = {.args_doc = "WORKLOAD [--PARAM=VALUE...]", .doc = doc};
    argv[0] = "tva run";
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    free(doc);
}

static int parse_line(struct run_line *line, int argc, char **argv) {
    char name[64];
    char *doc = text("%s.\v%s", line->workload->summary, units_doc);
    build_options(line);
    parameters_set_defaults(number_parameters, &line->numbers);
    snprintf(name, sizeof name, "tva run %s", line->workload->name);
    argv[0] = name;
    const struct argp argp = {.options = line->options, .parser = take_argument, .doc = doc};
    int err = arguments_parse(&argp, argc, argv, line, line->message);
    free(doc);
    return err;
}

int options_run_parse(struct plan *plan, bool *is_json, int argc, char **argv,
                      struct message *message) {
    struct run_line line = {.message = message};
    if (argc > 1 && arguments_is_help(argv[1]))
        print_help(argc, argv); /* exits */
    if (argc < 2 || argv[1][0] == '-')
        return message_fail(message, -EINVAL,
                            "the workload comes first: tva run WORKLOAD [--PARAM=VALUE...]; tva "
                            "list tells which there are");
    int err = tables_find_workload(argv[1], &line.workload, message);
    if (!err)
        err = plan_create(plan, "run");
    if (!err)
        err = parse_line(&line, argc - 1, argv + 1);
    if (!err)
        err = build_plan(plan, &line);
    *is_json = line.is_json;
    for (size_t i = 0; i < line.option_count; i++)
        free(line.docs[i]);
    return err;
}
