/* The command line, a contract that `tva --help` tells, turned into what to do. */
#ifndef TVA_HARNESS_OPTIONS_H
#define TVA_HARNESS_OPTIONS_H

#include "harness/load.h"
#include "harness/plan.h"
#include "harness/ticker.h"
#include "harness/trial.h"

#include <stdbool.h>

enum command {
    COMMAND_LIST,
    COMMAND_RUN,
    COMMAND_BENCH,
    COMMAND_DOCTOR,
    COMMAND_ORIGIN,
    COMMAND_TICKER,
    COMMAND_TRIAL,
    COMMAND_CLIENTS,
    COMMAND_LOAD,
};

struct options {
    enum command command;
    bool is_json;       /* of list, run and doctor */
    struct plan plan;   /* of run and bench; owned */
    const char *out;    /* of bench; NULL: a folder below results/ */
    const char *resume; /* of bench: the folder to go on in; without --plan there is no plan then */
    const char *listen; /* of origin; NULL: a free port of loopback */
    const char *cpus;   /* of origin and clients: to be pinned to; NULL: all */
    struct load_options load;
    struct ticker_options ticker;
    struct trial_options trial; /* of trial */
};

/* Reads the command line. Texts in *out point into argv; the caller destroys *out. Returns 0;
   -EINVAL with one line in message; another negative errno. --help prints and exits. */
int options_parse(struct options *out, int argc, char **argv, struct message *message);

void options_destroy(struct options *options);

#endif
