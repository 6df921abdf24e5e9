/* The row's `blocking` object: what a trial of ticks and blocks amounts to (results/README.md). */
#ifndef TVA_HARNESS_BLOCKING_RESULT_H
#define TVA_HARNESS_BLOCKING_RESULT_H

#include "harness/spec.h"
#include "measure/recorder.h"

#include <jansson.h>

/* `state` is the workload's. The caller owns it; null where the workload is none of this kind, or
   nothing of it ran. With `has_trace` it holds the picture of one block as well. Returns NULL when
   memory is out. */
json_t *blocking_result_json(const struct spec *spec, const void *state,
                             const struct recorder *recorder, bool has_trace);

#endif
