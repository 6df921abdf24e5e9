#include "harness/options.h"

#include "harness/arguments.h"
#include "harness/options_run.h"
#include "harness/plan_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_JSON = 0x1000,
    KEY_PLAN,
    KEY_OUT,
    KEY_RESUME,
    KEY_ONLY,
    KEY_LISTEN,
    KEY_CONTROL,
    KEY_ORIGIN,
    KEY_CLIENTS,
    KEY_CPUS,
    KEY_CONDITIONS,
    KEY_THREADS,
    KEY_TIMELINE,
    KEY_TICK,
};

/* A command line while it is read. */
struct line {
    struct options *options;
    const char *plan;
    const char *only;
    const char *positional[2]; /* of trial: spec and model spec */
    size_t positional_count;
    size_t positional_max;
    struct message *message;
};

static int take_control(struct line *line, const char *value) {
    char *end;
    long fd = strtol(value, &end, 10);
    if (!*value || *end || fd < 0 || fd > 1024)
        return message_fail(line->message, -EINVAL, "--control: \"%s\" is no descriptor", value);
    line->options->trial.control_fd = (int)fd;
    return 0;
}

/* Shorter than its own cost a tick would be late by itself. */
static const struct parameter ticker_parameters[] = {
    {"tick", PARAMETER_DURATION, offsetof(struct ticker_options, tick_ns), "1ms", 100000,
     1000000000, "DURATION", "between two ticks"},
    {0},
};

static int take_tick(struct line *line, const char *value) {
    char what[PARAMETER_MESSAGE_BYTES];
    int err = parameters_set(ticker_parameters, &line->options->ticker, "tick", value, 0, what);
    return err ? message_fail(line->message, err, "%s", what) : 0;
}

static const struct parameter load_parameters[] = {
    {"threads", PARAMETER_COUNT, offsetof(struct load_options, threads), "1", 1, LOAD_THREADS_MAX,
     "COUNT", "that compute"},
    {0},
};

static int take_threads(struct line *line, const char *value) {
    char what[PARAMETER_MESSAGE_BYTES];
    int err = parameters_set(load_parameters, &line->options->load, "threads", value, 0, what);
    return err ? message_fail(line->message, err, "%s", what) : 0;
}

static int take_clients(struct line *line, const char *value) {
    char *end;
    long port = strtol(value, &end, 10);
    if (!*value || *end || port < 1 || port > UINT16_MAX)
        return message_fail(line->message, -EINVAL, "--clients: \"%s\" is no port", value);
    line->options->trial.clients_port = (int)port;
    return 0;
}

static int take_positional(struct line *line, const char *command, const char *value) {
    if (line->positional_count == line->positional_max)
        return message_fail(line->message, -EINVAL, "what is \"%s\"? see %s --help", value,
                            command);
    line->positional[line->positional_count++] = value;
    return 0;
}

static error_t take_argument(int key, char *value, struct argp_state *state) {
    struct line *line = state->input;
    struct options *options = line->options;
    switch (key) {
    case KEY_JSON:
        options->is_json = true;
        return 0;
    case KEY_PLAN:
        line->plan = value;
        return 0;
    case KEY_OUT:
        options->out = value;
        return 0;
    case KEY_RESUME:
        options->resume = value;
        return 0;
    case KEY_ONLY:
        line->only = value;
        return 0;
    case KEY_LISTEN:
        options->listen = value;
        return 0;
    case KEY_CONTROL:
        return -take_control(line, value);
    case KEY_ORIGIN:
        options->trial.origin_url = value;
        return 0;
    case KEY_CLIENTS:
        return -take_clients(line, value);
    case KEY_CPUS:
        options->cpus = options->ticker.cpus = value;
        return 0;
    case KEY_CONDITIONS:
        options->trial.conditions = value;
        return 0;
    case KEY_THREADS:
        return -take_threads(line, value);
    case KEY_TICK:
        return -take_tick(line, value);
    case KEY_TIMELINE:
        options->trial.has_timeline = true;
        return 0;
    case ARGP_KEY_ARG:
        return -take_positional(line, state->name, value);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int parse_list(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"json", KEY_JSON, NULL, 0, "print one JSON object", 0}, {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Lists workloads and models, their parameters with units, ranges and defaults."};
    struct line line = {.options = out, .message = message};
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_doctor(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"json", KEY_JSON, NULL, 0, "print one JSON object", 0}, {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Examines this machine for a second: its limits and what they leave room for, its "
               "noise, and what to do about each."};
    struct line line = {.options = out, .message = message};
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_bench(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"plan", KEY_PLAN, "NAME|FILE", 0,
         "smoke (20 s), quick (90 s), standard (10 minutes), full (30 minutes); aa (90 s): how "
         "much is noise; fairness (3 minutes): what would change the answers; memory (3 minutes); "
         "engine (2 minutes); or a JSON file (default quick)",
         0},
        {"out", KEY_OUT, "DIR", 0, "folder to write, new or empty (default results/PLAN-TIME)", 0},
        {"resume", KEY_RESUME, "DIR", 0,
         "go on with what is missing of a run that was stopped or killed, by the same build on the "
         "same machine; its plan is in its folder, and --plan, if given, must be equal to it",
         0},
        {"only", KEY_ONLY, "REGEX", 0,
         "run only the cells whose \"MODEL SPEC\" text matches, such as '^async sleep:'", 0},
        {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Runs a plan and writes one row for each trial; prints the folder at the end."};
    struct line line = {.options = out, .message = message};
    int err = arguments_parse(&argp, argc, argv, &line, message);
    if (!err && out->resume && (line.only || out->out))
        err = message_fail(message, -EINVAL,
                           "--resume goes on in its own folder with all of its own plan: leave "
                           "--only and --out out");
    if (!err && !line.plan && !out->resume)
        line.plan = "quick";
    if (!err && line.plan)
        err = plan_load(&out->plan, line.plan, message);
    if (!err && line.only)
        err = plan_select(&out->plan, line.only, message);
    return err;
}

static int parse_origin(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"listen", KEY_LISTEN, "ADDR:PORT", 0,
         "where to listen; port 0 is any free one (default 127.0.0.1:0)", 0},
        {"cpus", KEY_CPUS, "LIST", 0, "cores to be pinned to (default all)", 0},
        {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Serves HTTP until it is stopped: /delay/SECONDS, /bytes/N, /status/CODE, "
               "/chunked/N, /close/N. Prints its URL first, and what it counted at the end."};
    struct line line = {.options = out, .message = message};
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_ticker(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"tick", KEY_TICK, "DURATION", 0, "between two ticks (default 1ms)", 0},
        {"cpus", KEY_CPUS, "LIST", 0, "cores to tick on (default all)", 0},
        {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Ticks on every core until it is stopped, and prints how late the ticks were."};
    struct line line = {.options = out, .message = message};
    parameters_set_defaults(ticker_parameters, &out->ticker);
    out->ticker.output = stdout;
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_load(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"threads", KEY_THREADS, "COUNT", 0, "that compute (default 1)", 0}, {0}};
    const struct argp argp = {.options = options,
                              .parser = take_argument,
                              .doc = "Computes until it is stopped, as background load."};
    struct line line = {.options = out, .message = message};
    parameters_set_defaults(load_parameters, &out->load);
    out->load.output = stdout;
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_clients(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"cpus", KEY_CPUS, "LIST", 0, "cores to be pinned to (default all)", 0}, {0}};
    const struct argp argp = {
        .options = options,
        .parser = take_argument,
        .doc = "Waits for a trial that is a server, is its clients, and prints what they counted."};
    struct line line = {.options = out, .message = message};
    return arguments_parse(&argp, argc, argv, &line, message);
}

static int parse_trial(struct options *out, int argc, char **argv, struct message *message) {
    static const struct argp_option options[] = {
        {"control", KEY_CONTROL, "FD", 0, "socket to the supervisor (default: print the result)",
         0},
        {"origin", KEY_ORIGIN, "URL", 0, "an origin that runs already", 0},
        {"clients", KEY_CLIENTS, "PORT", 0, "of clients that run already (tva clients)", 0},
        {"conditions", KEY_CONDITIONS, "TEXT", 0,
         "cores to be pinned to and malloc's arenas, such as cpus=0,arenas=1 (default neither)", 0},
        {"timeline", KEY_TIMELINE, NULL, 0, "record when each task waits", 0},
        {0}};
    const struct argp argp = {.options = options,
                              .parser = take_argument,
                              .args_doc = "SPEC MODEL_SPEC",
                              .doc = "Runs one trial in this process and prints its result."};
    struct line line = {.options = out, .positional_max = 2, .message = message};
    out->trial.control_fd = -1;
    out->trial.conditions = "";
    int err = arguments_parse(&argp, argc, argv, &line, message);
    if (!err && line.positional_count < 2)
        err = message_fail(message, -EINVAL,
                           "trial: needs SPEC and MODEL_SPEC, such as "
                           "sleep:tasks=10 async:");
    out->trial.spec = line.positional[0];
    out->trial.model_spec = line.positional[1];
    return err;
}

static int parse_run(struct options *out, int argc, char **argv, struct message *message) {
    return options_run_parse(&out->plan, &out->is_json, argc, argv, message);
}

static const struct {
    const char *name;
    char *title; /* what help calls it */
    enum command command;
    int (*parse)(struct options *out, int argc, char **argv, struct message *message);
} commands[] = {
    {"list", "tva list", COMMAND_LIST, parse_list},
    {"run", "tva run", COMMAND_RUN, parse_run},
    {"bench", "tva bench", COMMAND_BENCH, parse_bench},
    {"doctor", "tva doctor", COMMAND_DOCTOR, parse_doctor},
    {"origin", "tva origin", COMMAND_ORIGIN, parse_origin},
    {"ticker", "tva ticker", COMMAND_TICKER, parse_ticker},
    {"trial", "tva trial", COMMAND_TRIAL, parse_trial},
    {"clients", "tva clients", COMMAND_CLIENTS, parse_clients},
    {"load", "tva load", COMMAND_LOAD, parse_load},
};

/* Prints and exits. */
static void print_help(int argc, char **argv) {
    static const struct argp argp = {
        .args_doc = "COMMAND [OPTION...]",
        .doc = "Threads versus async: runs the same workload as pthreads and as coroutine tasks on "
               "an event loop, and measures time and memory.\v"
               "Commands (tva COMMAND --help):\n"
               "  list                  workloads, models, their parameters\n"
               "  run WORKLOAD          run a workload in each model and print a table\n"
               "  bench                 run a plan and keep its rows below results/\n"
               "  doctor                limits and noise of this machine, and what to do\n"
               "  origin                serve HTTP, for fetch\n\n"
               "Examples:\n"
               "  tva run sleep --model=threads,async --tasks=10k --sleep=1s\n"
               "  tva run fetch --tasks=200 --requests=2000 --delay=50ms\n"
               "  tva bench --plan=smoke\n"
               "  tva bench --resume=results/smoke-20260101-120000\n\n"
               "Units: counts take k and M, durations us, ms and s, sizes KiB and MiB.\n"
               "Exit status: 0 all trials ok or stopped by a limit of the machine; 1 some trial "
               "failed or was wrong; 2 the command line or a plan is wrong; 130 interrupted."};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
}

int options_parse(struct options *out, int argc, char **argv, struct message *message) {
    *out = (struct options){0};
    if (argc > 1 && arguments_is_help(argv[1]))
        print_help(argc, argv);
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        out->command = commands[i].command;
        argv[1] = commands[i].title;
        int err = commands[i].parse(out, argc - 1, argv + 1, message);
        if (err)
            options_destroy(out);
        return err;
    }
    return message_fail(message, -EINVAL,
                        "%s%s%s: there are list, run, bench, doctor, origin: see tva --help",
                        argc > 1 ? "unknown command \"" : "no command", argc > 1 ? argv[1] : "",
                        argc > 1 ? "\"" : "");
}

void options_destroy(struct options *options) {
    plan_destroy(&options->plan);
    *options = (struct options){0};
}
