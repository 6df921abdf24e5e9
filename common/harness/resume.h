/* A run that was cut short, by a kill or a reboot, and is gone on with. */
#ifndef TVA_HARNESS_RESUME_H
#define TVA_HARNESS_RESUME_H

#include "harness/past.h"
#include "harness/plan.h"
#include "harness/results.h"

#include <jansson.h>

struct resume {
    struct results results;
    struct plan plan;
    json_t *environment; /* of the begin, this further part noted */
    struct past past;
};

/* Opens the folder `path` of a run, the plan being in it; `given` is one that it must be equal to,
   NULL: any. Refused, with the difference, where plan, build or machine is another one; then
   nothing in the folder is changed. The caller closes *out. Returns 0 or a negative errno with a
   line in message. */
int resume_open(struct resume *out, const char *path, const struct plan *given,
                struct message *message);
void resume_close(struct resume *resume);

#endif
