/* The plan of a run that is there, out of its plan.json. */
#ifndef TVA_HARNESS_PLAN_READ_H
#define TVA_HARNESS_PLAN_READ_H

#include "harness/plan.h"

/* Reads the file at `path`, as plan_json() made it, into the same plan: the same cells in the same
   order and the same order of trials. The caller destroys *out. Returns 0; a negative errno with a
   line in message, also where this build would make another plan of it. */
int plan_read(struct plan *out, const char *path, struct message *message);

/* Whether two plans are the same. Returns 0; -EINVAL with the first difference in message; -ENOMEM.
 */
int plan_compare(const struct plan *was, const struct plan *is, struct message *message);

#endif
