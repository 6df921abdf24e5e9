/* Which limit of the machine stopped a trial. */
#ifndef TVA_HARNESS_LIMITS_H
#define TVA_HARNESS_LIMITS_H

#include <jansson.h>
#include <stdint.h>

/* The limits of this machine that bear on tasks, by name, for environment.json. A limit that there
   is not is null. The caller owns it. */
json_t *limits_json(void);

/* Names the limit that explains a negative errno met when there were `reached` tasks: of those that
   can cause it, the one that leaves room for the fewest tasks but not for fewer than there were.
   Returns {"name","value","reached"}, or NULL if none explains it. Call it once the tasks are gone,
   since what others take of a shared limit is read from the machine. The caller owns it. */
json_t *limits_explain(int error, int64_t reached);

#endif
