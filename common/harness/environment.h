/* The machine and the build that rows come from, as environment.json: nothing that names a person
   or a host. What cannot be read is null. */
#ifndef TVA_HARNESS_ENVIRONMENT_H
#define TVA_HARNESS_ENVIRONMENT_H

#include "harness/message.h"

#include <jansson.h>

/* Before the first trial; load_after is null. The caller owns it; NULL when memory is out. */
json_t *environment_json(void);

/* Whether build and machine are still those that `was`, an environment of before, tells of. What
   comes and goes may differ: times, loads, boots, and a hundredth of an amount, such as of the
   memory that the kernel keeps. Returns 0; -EINVAL with the first difference in message; -ENOMEM.
 */
int environment_compare(const json_t *was, const json_t *is, struct message *message);

/* Notes that a run of before is gone on with under the environment `is`. */
void environment_resume(json_t *was, const json_t *is);

/* After the last trial: fills in load_after. */
void environment_finish(json_t *environment);

#endif
