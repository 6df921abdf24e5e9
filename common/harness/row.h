/* The result row: one JSON object with every key that results/README.md names, always, in that
   order; null where a figure could not be had. */
#ifndef TVA_HARNESS_ROW_H
#define TVA_HARNESS_ROW_H

#include "harness/supervisor.h"

#include <jansson.h>
#include <stdbool.h>

/* Merges what the trial told with what its parent saw; `attempt` counts from 1 the trials of one
   cell in one round. The caller owns the row; NULL when memory is out. Not for an outcome that was
   stopped, which is no result. */
json_t *row_create(const char *run, int64_t round, int64_t attempt, const struct cell *cell,
                   const struct trial_outcome *outcome);

/* Of a row. */
const char *row_status(const json_t *row);
bool row_is_disturbed(const json_t *row);

/* Whether a status is a result to go on with: ok, and limited, which is an answer too. */
bool row_status_is_good(const char *status);

#endif
