/* A workload with all its parameters, and a model with all of its: parsed, checked, and printed as
   the canonical strings that results are paired by. */
#ifndef TVA_HARNESS_SPEC_H
#define TVA_HARNESS_SPEC_H

#include "bare/bare.h"
#include "harness/message.h"
#include "model.h"
#include "workloads/workload.h"

#include <stdbool.h>

/* A trial keeps a record of each operation, 32 bytes, in memory. */
#define SPEC_OPERATIONS_MAX 50000000

struct spec {
    const struct workload *workload;
    void *params; /* the workload's own struct */
    char *text;   /* "sleep:tasks=1000,..." */
};

struct model_spec {
    const struct model *model;
    struct model_options options;
    char *text; /* "pool:workers=32,..." */
};

/* A parameter as a user gave it. */
struct setting {
    const char *name;
    const char *text;
    bool is_further; /* a text parameter that was given before: joined to that value */
};

/* Sets those of the settings whose name is in the table; the others are somebody else's. Returns 0;
   -EINVAL with a line in message; -ENOMEM. */
int settings_apply(const struct parameter *table, void *values, const struct setting *settings,
                   size_t count, struct message *message);

/* Build from the defaults and from those settings whose name is in the table of the workload or of
   the model; the others are somebody else's. The caller destroys *out. Return 0; -EINVAL with a
   line in message; -ENOMEM. */
int spec_build(struct spec *out, const struct workload *workload, const struct setting *settings,
               size_t count, struct message *message);
int model_spec_build(struct model_spec *out, const struct model *model,
                     const struct setting *settings, size_t count, struct message *message);

/* Build from a canonical string, or from one that leaves parameters out. As above. */
int spec_parse(struct spec *out, const char *text, struct message *message);
int model_spec_parse(struct model_spec *out, const char *text, struct message *message);

/* What is run of a workload in a model: its own body, or the floor's in its place. Returns 0;
   -EINVAL with a line in message if the model is a floor and has none for it. */
int spec_find_body(struct bare_body *out, const struct workload *workload,
                   const struct model *model, struct message *message);

/* Whether a model can run a spec: a floor may lack something, and a stack that was asked for be too
   small for what the tasks are to do with it. Returns 0, or -EINVAL with a line in message. */
int spec_check_model(const struct spec *spec, const struct model_spec *model_spec,
                     struct message *message);

/* The parameters that all workloads have. */
const struct workload_params *spec_common(const struct spec *spec);

/* How many tasks there are, and how many units an operation has. */
int64_t spec_tasks(const struct spec *spec);
int64_t spec_units(const struct spec *spec);

/* The most stack that a task of it uses, in an optimised build. */
int64_t spec_stack_bytes(const struct spec *spec);

void spec_destroy(struct spec *spec);
void model_spec_destroy(struct model_spec *model_spec);

#endif
