/* The rows that a run has already, when it is gone on with. */
#ifndef TVA_HARNESS_PAST_H
#define TVA_HARNESS_PAST_H

#include "harness/plan.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the runner needs of a row. */
struct past_row {
    size_t cell; /* its index in the plan */
    int64_t round;
    int64_t attempt;
    int64_t took_ns; /* of the trial as a process */
    bool is_good;    /* row_status_is_good() */
    bool is_disturbed;
};

struct past {
    struct past_row *rows; /* in their order */
    size_t count;
};

/* What it needs of one row. */
struct past_row past_row_of(const json_t *row);

/* Reads all rows of an open file of whole lines, which must be of `plan` and of the run `name`. The
   caller destroys *out. Returns 0 or a negative errno with a line in message. */
int past_read(struct past *out, int fd, const struct plan *plan, const char *name,
              struct message *message);

void past_destroy(struct past *past);

#endif
