/* Plans as JSON text: those built in (plans/, embedded when tva is built) and those of a user.

   {"name":"mine","seed":1,"rounds":5,"timeout":"30s","cells":[
     {"workload":"sleep","model":["threads","async"],"tasks":[10,"1k"],"sleep":"100ms","rounds":2}]}

   An array stands for one cell for each of its values; several arrays in one cell for all their
   combinations. Keys of a cell: workload, model, rounds (only in the first so many), copies (so
   many equal cells instead of one; two are an A/A pair), witness, timeline, note (ignored), the
   conditions (conditions.h; null: as usual), and any parameter of the workload or of a model; a
   parameter that only some of the models have applies to those. A witness goes with no load and no
   origin-cpus, since hyperfine starts trials by itself. Further keys of a plan: repeats,
   how often a disturbed trial is run again at most (2); witness, a duration, for hyperfine and its
   cells in all (30s), and note. */
#ifndef TVA_HARNESS_PLAN_FILE_H
#define TVA_HARNESS_PLAN_FILE_H

#include "harness/plan.h"

#include <stddef.h>

/* A built-in plan; the table ends with one without a name. Generated from plans/ by CMake. */
struct plan_source {
    const char *name;
    const char *text;
};
extern const struct plan_source plan_sources[];

/* Reads the built-in plan of that name, or else the file at that path. The caller destroys *out.
   Returns 0; a negative errno with a line in message: malformed JSON with its line and column, and
   a plan that makes no sense with the cell, counted from 1, and the key. */
int plan_load(struct plan *out, const char *name_or_path, struct message *message);

/* Reads a plan from text; `source` is what messages call it. As above. */
int plan_parse(struct plan *out, const char *source, const char *text, struct message *message);

#endif
