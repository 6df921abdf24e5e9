/* The process that runs one model with one spec once: `tva trial`, started by the supervisor with a
   control socket, or by hyperfine and by hand without one. */
#ifndef TVA_HARNESS_TRIAL_H
#define TVA_HARNESS_TRIAL_H

#include "harness/message.h"

#include <stdbool.h>

struct trial_options {
    const char *spec; /* canonical texts, as spec.h parses them */
    const char *model_spec;
    int control_fd;         /* -1: none; then the result goes to standard output */
    const char *origin_url; /* NULL: none */
    int clients_port;       /* 0: none */
    const char *conditions; /* as conditions.h parses them; "": the usual ones */
    bool has_timeline;
};

/* Runs the trial and sends its result: one JSON object on one line, with the row's keys that the
   trial itself can know, and first_ended_ns, when the first of its tasks ended (0: none did).
   Returns the process's exit status, 0 or, without a control socket, 1 if the trial went wrong; or
   a negative errno with a line in message if the options make no sense. */
int trial_run(const struct trial_options *options, struct message *message);

#endif
