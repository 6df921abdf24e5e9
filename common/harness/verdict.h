/* What a trial's records prove: every operation is held against the oracle, after the run. */
#ifndef TVA_HARNESS_VERDICT_H
#define TVA_HARNESS_VERDICT_H

#include "harness/message.h"
#include "harness/spec.h"
#include "measure/histogram.h"
#include "measure/recorder.h"

#include <jansson.h>
#include <stdbool.h>

struct verdict {
    const char *status;    /* ok, wrong, limited or failed */
    struct message reason; /* unless ok */
    bool is_verified;
    int limit_cause; /* for limited: the negative errno */
    json_t *errors;  /* count of failed operations by cause; owned by the verdict */
    struct recorder_summary summary;

    /* Of an open loop: latencies from when operations were due, of those in `latency`; otherwise,
       or when memory is out, NULL. Owned by the verdict. */
    struct histogram *intended;
};

/* Judges a run; `state` is the workload's. Latencies of the operations that ended without an error
   are recorded in `latency`, what they took beyond their waits in `overshoot`, unless that is NULL.
   run_error is what model_run() returned and main_result what main did. The caller destroys *out.
 */
void verdict_reach(struct verdict *out, const struct spec *spec, const void *state,
                   const struct recorder *recorder, int run_error, int main_result,
                   struct histogram *latency, struct histogram *overshoot);

/* Whether the machine's limits, and not a fault, cause this negative errno. */
bool verdict_is_limit(int error);

void verdict_destroy(struct verdict *verdict);

#endif
