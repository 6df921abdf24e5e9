/* A trial's result as the JSON object that it sends. */
#ifndef TVA_HARNESS_TRIAL_RESULT_H
#define TVA_HARNESS_TRIAL_RESULT_H

#include "harness/phases.h"
#include "harness/verdict.h"
#include "measure/memory.h"
#include "measure/timeline.h"
#include "measure/usage.h"
#include "model.h"

#include <jansson.h>

/* What one run amounted to. */
struct trial_result {
    const struct spec *spec;
    const void *state; /* the workload's */
    const struct verdict *verdict;
    const struct recorder *recorder;
    struct phases phases;
    struct usage used;
    struct process_memory memory; /* when main had returned */
    struct model_report report;
    const struct histogram *latency;
    const struct histogram *overshoot; /* NULL: not a workload of sleeps alone */
    const struct timeline *timeline;   /* NULL: none was asked for */
};

/* The caller owns it; NULL when memory is out. */
json_t *trial_result_json(const struct trial_result *result);

/* A trial that ended before its run began. `error` is the negative errno. As above. */
json_t *trial_result_unprepared_json(int error, const struct message *reason);

#endif
