/* What surrounds a trial and belongs neither to the work nor to the model: where it runs and beside
   what. The objections to a benchmark are turned into these, one at a time (plan fairness). */
#ifndef TVA_HARNESS_CONDITIONS_H
#define TVA_HARNESS_CONDITIONS_H

#include "harness/message.h"
#include "harness/spec.h"
#include "parameter.h"

#include <stdint.h>

struct conditions {
    char *cpus;        /* cores that the trial is pinned to, "0" or "0-1"; NULL: all */
    char *origin_cpus; /* the same of the origin and of clients; NULL: all */
    int64_t load;      /* threads that compute beside it, at the trial's own priority */
    int64_t arenas;    /* malloc's arenas at most (M_ARENA_MAX); 0: as many as libc likes */
    char *text;        /* "cpus=0,origin-cpus=,load=0,arenas=auto" */
};

/* All of struct conditions; names are options of `tva run` and keys of a plan's cell. */
extern const struct parameter conditions_parameters[];

/* Builds from the usual conditions, which are none, and from those settings whose name is in the
   table. The caller destroys *out. Returns 0; -EINVAL with a line in message; -ENOMEM. */
int conditions_build(struct conditions *out, const struct setting *settings, size_t count,
                     struct message *message);

/* Builds from a canonical text, or from one that leaves conditions out. As above. */
int conditions_parse(struct conditions *out, const char *text, struct message *message);

/* Puts those that concern the calling process into force for it: it is pinned, and its malloc
   limited. Returns 0 or a negative errno with a line in message. */
int conditions_apply(const struct conditions *conditions, struct message *message);

void conditions_destroy(struct conditions *conditions);

#endif
