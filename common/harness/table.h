/* The table of `tva run`, for people: one line a model, its rounds together. */
#ifndef TVA_HARNESS_TABLE_H
#define TVA_HARNESS_TABLE_H

#include "harness/plan.h"

#include <stdio.h>

/* Prints `rows`, an array of result rows, of a plan whose cells all have the same spec. Figures are
   medians over the rounds that went well; of wall time the extremes too. */
void table_print(FILE *stream, const struct plan *plan, const json_t *rows);

#endif
