/* Lists of cores, as --cpus takes them and the kernel prints them: "0", "0-1", "0,2-3". */
#ifndef TVA_HARNESS_CPUS_H
#define TVA_HARNESS_CPUS_H

#include "harness/message.h"

#include <sched.h>

/* Reads a list into *out, unless that is NULL. Returns 0; -EINVAL with a line in message if it is
   malformed or names a core that this process may not use. */
int cpus_parse(const char *text, cpu_set_t *out, struct message *message);

#endif
