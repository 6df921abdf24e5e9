/* `tva run`: its options are made from the tables of the workload and of the models, and amount to
   a plan of one cell for each model. */
#ifndef TVA_HARNESS_OPTIONS_RUN_H
#define TVA_HARNESS_OPTIONS_RUN_H

#include "harness/plan.h"

#include <stdbool.h>

/* Reads what follows `tva run`; argv[0] is "run". The caller destroys *plan. Returns as
   options_parse does. */
int options_run_parse(struct plan *plan, bool *is_json, int argc, char **argv,
                      struct message *message);

#endif
