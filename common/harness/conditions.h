/* What surrounds a trial and belongs neither to the work nor to the model: where it runs and beside
   what. The objections to a benchmark are turned into these, one at a time (plan fairness). */
#ifndef TVA_HARNESS_CONDITIONS_H
#define TVA_HARNESS_CONDITIONS_H

#include "harness/message.h"
#include "parameter.h"

#include <stdint.h>

struct conditions {
    char *cpus;        /* cores that the trial is pinned to, "0" or "0-1"; NULL: all */
    char *origin_cpus; /* the same of the origin */
    int64_t load;      /* threads that compute beside it, at the trial's own priority */
    int64_t arenas;    /* malloc's arenas at most (M_ARENA_MAX); 0: as many as libc likes */
};

/* All of struct conditions; names are options of `tva run` and keys of a plan's cell. */
extern const struct parameter conditions_parameters[];

/* Sets the usual conditions: none. The caller destroys them. Returns 0 or -ENOMEM. */
int conditions_create(struct conditions *out);
void conditions_destroy(struct conditions *conditions);

/* Sets one by name. Returns 0; -EINVAL with a line in message; -ENOMEM. */
int conditions_set(struct conditions *conditions, const char *name, const char *text,
                   struct message *message);

/* The canonical string, "conditions:cpus=0,origin-cpus=,load=0,arenas=0", which conditions_parse
   reads. print returns NULL when memory is out; the caller frees it. parse returns as set does. */
char *conditions_print(const struct conditions *conditions);
int conditions_parse(struct conditions *out, const char *text, struct message *message);

/* Puts those that concern the calling process into force for it: it is pinned, and its malloc
   limited. Returns 0 or a negative errno with a line in message. */
int conditions_apply(const struct conditions *conditions, struct message *message);

#endif
