/* A plan: the cells to run and how many rounds of them. Built from a JSON file (plan_file.h) or
   from the command line of `tva run`. */
#ifndef TVA_HARNESS_PLAN_H
#define TVA_HARNESS_PLAN_H

#include "harness/conditions.h"
#include "harness/message.h"
#include "harness/spec.h"

#include <jansson.h>

#define PLAN_CELLS_MAX 10000
#define PLAN_ROUNDS_MAX 10000
#define PLAN_REPEATS_MAX 100
#define PLAN_COPIES_MAX 100
#define PLAN_REPEATS_DEFAULT 2

/* A model with a spec. */
struct cell {
    size_t index; /* in its plan */
    struct spec spec;
    struct model_spec model_spec;
    struct conditions conditions;
    int64_t rounds;   /* it is run in the first so many rounds; 0: in all */
    bool has_witness; /* hyperfine times it too */
    bool has_timeline;
    int64_t ideal_ns; /* of the spec */
};

struct plan {
    char *name;
    uint64_t seed; /* of the order of trials */
    int64_t rounds;
    int64_t timeout_ns; /* of a trial */
    int64_t repeats;    /* of a trial that was disturbed, at most */
    int64_t witness_ns; /* that hyperfine may take for the cells that have a witness */
    struct cell *cells;
    size_t cell_count;
};

/* What a cell is to be besides its parameters. */
struct cell_options {
    int64_t rounds;
    bool has_witness;
    bool has_timeline;
};

/* Makes an empty plan. The caller destroys it, also after an error in what follows. Returns 0 or
   -ENOMEM. */
int plan_create(struct plan *out, const char *name);

/* Adds a cell. Settings that neither the workload nor the model nor the conditions have are
   left out. Returns 0; -EINVAL with a line in message; -ENOMEM. */
int plan_add(struct plan *plan, const struct workload *workload, const struct model *model,
             const struct setting *settings, size_t count, const struct cell_options *options,
             struct message *message);

/* Keeps the cells whose "model spec" text matches a POSIX extended expression. Returns 0; -EINVAL
   with a line in message if the expression is malformed or matches none. */
int plan_select(struct plan *plan, const char *expression, struct message *message);

/* Whether the plan can be run: it has cells, and none of them must wait longer than its time limit.
   Returns 0 or -EINVAL with a line in message. */
int plan_check(const struct plan *plan, struct message *message);

/* Writes the indices of the cells of round `round`, counted from 1, into order[cell_count],
   shuffled by the plan's seed and the round. Returns how many there are. */
size_t plan_order(const struct plan *plan, int64_t round, size_t *order);

/* In how many rounds a cell is run. */
int64_t plan_cell_rounds(const struct plan *plan, const struct cell *cell);
int64_t plan_trial_count(const struct plan *plan);

/* The plan as results/README.md describes plan.json. The caller owns it; NULL when memory is out.
 */
json_t *plan_json(const struct plan *plan);

/* "sleep:tasks=10,seed=1", or the same without the owner, as {"tasks":"10","seed":"1"}. As above.
 */
json_t *plan_parameters_json(const char *text);

void plan_destroy(struct plan *plan);

#endif
