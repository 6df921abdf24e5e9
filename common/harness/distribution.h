/* A histogram as the row's JSON object of a distribution (results/README.md). */
#ifndef TVA_HARNESS_DISTRIBUTION_H
#define TVA_HARNESS_DISTRIBUTION_H

#include "measure/histogram.h"

#include <jansson.h>

/* The caller owns it; null for NULL. */
json_t *distribution_json(const struct histogram *histogram);

/* An integer, or null for a negative one, which stands for a figure that could not be had. */
json_t *figure_json(int64_t value);

#endif
