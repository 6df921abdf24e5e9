/* What there is to run: the models and the workloads. A table each, ended by NULL, in a file of its
   own (models.c, workloads.c), so that a test can link a scripted model in place of the real ones.
 */
#ifndef TVA_HARNESS_TABLES_H
#define TVA_HARNESS_TABLES_H

#include "harness/message.h"
#include "model.h"
#include "workloads/workload.h"

extern const struct model *const models[];
extern const struct workload *const workloads[];

/* Finds one by its name. Returns 0; -EINVAL with the known names in message. */
int tables_find_model(const char *name, const struct model **out, struct message *message);
int tables_find_workload(const char *name, const struct workload **out, struct message *message);

/* The parameter of a table with this name, or NULL. */
const struct parameter *tables_find_parameter(const struct parameter *table, const char *name);

/* The parameter of this name that the first of the models has, or NULL. */
const struct parameter *tables_find_model_parameter(const struct model *const *table, size_t count,
                                                    const char *name);

#endif
