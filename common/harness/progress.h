/* What runs now, how far, and how long it still takes; on a terminal one line that is refreshed,
   elsewhere a line for each trial that has ended. */
#ifndef TVA_HARNESS_PROGRESS_H
#define TVA_HARNESS_PROGRESS_H

#include "harness/plan.h"

#include <stdbool.h>
#include <stdio.h>

struct progress;

/* For a run of `plan`, which must outlive it, to `stream`. The caller destroys *out. Returns 0 or
   -ENOMEM. */
int progress_create(struct progress **out, const struct plan *plan, FILE *stream);

/* A trial of a cell begins in a round; it has ended with this row, and is repeated or done. */
void progress_begin(struct progress *progress, const struct cell *cell, int64_t round);
void progress_end(struct progress *progress, const struct cell *cell, int64_t round,
                  const json_t *row, bool is_repeated);

/* A trial was done before, and took that long as a process; all of those were told. */
void progress_count(struct progress *progress, const struct cell *cell, int64_t took_ns);
void progress_go_on(struct progress *progress);

/* Clears the line. NULL is allowed. */
void progress_destroy(struct progress *progress);

#endif
