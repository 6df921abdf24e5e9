/* The folder of one run: plan.json, environment.json, trials.jsonl and rounds.jsonl. */
#ifndef TVA_HARNESS_RESULTS_H
#define TVA_HARNESS_RESULTS_H

#include "harness/message.h"
#include "harness/plan.h"

#include <jansson.h>

struct results {
    char *path; /* of the folder */
    int trials_fd;
    int rounds_fd;
};

/* Makes the folder `path`, or where that is NULL one below results/ that is named after the plan
   and the time, and writes the plan into it. A folder that is there must be empty. The caller
   closes *out. Returns 0 or a negative errno with a line in message. */
int results_create(struct results *out, const char *path, const struct plan *plan,
                   struct message *message);

/* Opens the files of lines of a folder that is there. No other process may write it, from here and
   from results_create() on, until results_close(): -EBUSY. As above. */
int results_open(struct results *out, const char *path, struct message *message);

/* Removes last lines that were cut short, as by a fall of the power, before any is appended. As
   above. */
int results_cut(const struct results *results, struct message *message);

/* The last part of the path: the name of the run. */
const char *results_name(const struct results *results);

/* Appends a row by one write, so that even kill -9 leaves whole rows alone. Returns 0 or a negative
   errno with a line in message. */
int results_append(const struct results *results, const json_t *row, struct message *message);

/* The same of a round that is begun or gone on with, to rounds.jsonl. */
int results_append_round(const struct results *results, int64_t round, int64_t control_spin_ns,
                         struct message *message);

/* Puts environment.json in place, as a whole. As above. */
int results_write_environment(const struct results *results, const json_t *environment,
                              struct message *message);

void results_close(struct results *results);

#endif
