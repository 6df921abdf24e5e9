/* The machine and the build that rows come from, as environment.json: nothing that names a person
   or a host. What cannot be read is null. */
#ifndef TVA_HARNESS_ENVIRONMENT_H
#define TVA_HARNESS_ENVIRONMENT_H

#include <jansson.h>

/* Before the first trial; load_after is null. The caller owns it; NULL when memory is out. */
json_t *environment_json(void);

/* After the last trial: fills in load_after. */
void environment_finish(json_t *environment);

#endif
