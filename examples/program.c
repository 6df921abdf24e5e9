#include "program.h"

#include "clock.h"
#include "harness/arguments.h"
#include "harness/tables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_COMMAND_LINE 2
#define LINE_BYTES 1024
#define OPTIONS_MAX 8
#define HELP_BYTES 160

/* Room for a line by printf, which libc formats on the task's stack. */
#define TASK_STACK_BYTES (32 * 1024)

struct settings {
    char *model;
    int64_t second_ns;
    int64_t detect_blocking_ns;
};

static const struct parameter common_parameters[] = {
    {"model", PARAMETER_TEXT, offsetof(struct settings, model), "async", 0, 0, "NAME",
     "how tasks run: async, threads or pool"},
    {"second", PARAMETER_DURATION, offsetof(struct settings, second_ns), "1s", NS_PER_MS,
     60 * NS_PER_S, "DURATION", "how long a second of the program lasts: 10ms, 1.5s"},
    {"detect-blocking", PARAMETER_DURATION, offsetof(struct settings, detect_blocking_ns), "0", 0,
     600 * NS_PER_S, "DURATION",
     "in async, tell which task held the loop for longer, and where; 0: do not look"},
    {0},
};

/* A command line while it is read. */
struct line {
    const struct program *program;
    void *values;
    struct settings settings;
    char **argv;
    int argument_count;
    const struct parameter *parameters[OPTIONS_MAX]; /* of both tables; the key is the index */
    struct argp_option options[OPTIONS_MAX + 1];
    char help[OPTIONS_MAX][HELP_BYTES];
};

/* Of the run; set before it begins. */
static const struct model *model;
static int64_t second_ns = NS_PER_S;
static int64_t detect_blocking_ns;
static int64_t begin_ns;
static _Atomic int output_error;

/* Keys are above all characters, since argp takes a character for a short option. */
#define FIRST_KEY 0x1000

static void add_options(struct line *line, const struct parameter *table, size_t *count) {
    for (; table && table->name; table++, ++*count) {
        bool has_default = table->kind != PARAMETER_FLAG && *table->fallback;
        snprintf(line->help[*count], HELP_BYTES, "%s%s%s%s", table->help,
                 has_default ? " (default " : "", has_default ? table->fallback : "",
                 has_default ? ")" : "");
        line->parameters[*count] = table;
        line->options[*count] =
            (struct argp_option){.name = table->name,
                                 .key = FIRST_KEY + (int)*count,
                                 .arg = table->kind == PARAMETER_FLAG ? NULL : table->unit_help,
                                 .doc = line->help[*count]};
    }
}

static void set_option(struct line *line, const struct parameter *parameter, const char *text) {
    char message[PARAMETER_MESSAGE_BYTES];
    bool is_common = parameter >= common_parameters &&
                     parameter < common_parameters + sizeof common_parameters / sizeof *parameter;
    const struct parameter *table = is_common ? common_parameters : line->program->parameters;
    void *values = is_common ? &line->settings : line->values;
    int err = parameters_set(table, values, parameter->name, text,
                             !is_common && line->program->has_lists, message);
    if (err == -EINVAL)
        program_refuse("--%s", message);
    if (err)
        program_refuse("%s", strerror(-err));
}

static error_t take_argument(int key, char *value, struct argp_state *state) {
    struct line *line = state->input;
    if (key == ARGP_KEY_ARG) {
        if (!line->program->arguments_help)
            program_refuse("what is \"%s\"? see --help", value);
        line->argv[++line->argument_count] = value; /* argp is past that place */
        return 0;
    }
    if (key < FIRST_KEY || key >= FIRST_KEY + OPTIONS_MAX)
        return ARGP_ERR_UNKNOWN;
    set_option(line, line->parameters[key - FIRST_KEY], value ? value : "yes");
    return 0;
}

static void set_defaults(struct line *line) {
    int err = parameters_set_defaults(common_parameters, &line->settings);
    if (!err && line->program->parameters)
        err = parameters_set_defaults(line->program->parameters, line->values);
    if (err)
        program_refuse("%s", strerror(-err));
}

static void parse(struct line *line, int argc) {
    const struct argp argp = {.options = line->options,
                              .parser = take_argument,
                              .args_doc = line->program->arguments_help,
                              .doc = line->program->summary};
    struct message message = {""};
    line->argv[0] = program_invocation_short_name;
    if (arguments_parse(&argp, argc, line->argv, line, &message))
        program_refuse("%s", message.text);
    if (tables_find_model(line->settings.model, &model, &message))
        program_refuse("--model: %s", message.text);
}

int program_start(const struct program *program, int argc, char **argv, void *values) {
    struct line line = {.program = program, .values = values, .argv = argv};
    size_t count = 0;
    add_options(&line, common_parameters, &count);
    add_options(&line, program->parameters, &count);
    set_defaults(&line);
    parse(&line, argc);
    second_ns = line.settings.second_ns;
    detect_blocking_ns = line.settings.detect_blocking_ns;
    parameters_destroy(common_parameters, &line.settings);
    return line.argument_count;
}

static void complain(const char *format, va_list arguments) {
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void program_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
}

void program_refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    exit(EXIT_COMMAND_LINE);
}

struct main_call {
    task_function *function;
    void *arg;
};

/* The time begins here: before, a pool started its threads. */
static int run_timed(void *arg) {
    const struct main_call *call = arg;
    begin_ns = clock_now_ns();
    return call->function(call->arg);
}

static int run_in_model(struct main_call *call, int *result) {
    struct model_options options = {.task_stack_bytes = TASK_STACK_BYTES};
    struct model_report report;
    int err = parameters_set_defaults(model->parameters, &options);
    options.detect_blocking_ns = detect_blocking_ns;
    if (!err)
        err = model_run(model, &options, run_timed, call, result);
    if (!err)
        model->report(&report);
    return err;
}

int program_run(task_function *main_function, void *arg) {
    struct main_call call = {main_function, arg};
    int result = 0;
    int err = run_in_model(&call, &result);
    if (!err) {
        program_print("total: %.2f s", program_in_seconds(clock_now_ns() - begin_ns));
        err = result < 0 ? result : output_error;
    }
    if (err)
        program_complain("%s", strerror(-err));
    return err ? EXIT_FAILURE : result;
}

int64_t program_seconds(double seconds) {
    return (int64_t)(seconds * (double)second_ns);
}

double program_in_seconds(int64_t duration_ns) {
    return (double)duration_ns / (double)second_ns;
}

void program_print(const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t count = length < LINE_BYTES ? (size_t)length : LINE_BYTES - 1;
    line[count++] = '\n';
    ssize_t written;
    do
        written = write(STDOUT_FILENO, line, count);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)count)
        output_error = written < 0 ? -errno : -EIO;
}

int program_spawn_all(struct task **tasks, const struct program_call *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int err = task_spawn(&tasks[i], calls[i].name, calls[i].function, calls[i].arg);
        if (err) {
            for (size_t j = 0; j < i; j++)
                task_cancel(tasks[j]);
            task_gather(tasks, i, NULL);
            return err;
        }
    }
    return 0;
}
