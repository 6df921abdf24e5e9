/* Lists of cores, as --cpus takes them and the kernel prints them: "0", "0-1", "0,2-3"; or, for
   plans that fit any machine, "first", of the cores that this process may use, and "rest", all of
   them but the first. */
#ifndef TVA_HARNESS_CPUS_H
#define TVA_HARNESS_CPUS_H

#include "harness/message.h"

#include <sched.h>

/* Reads a list into *out, unless that is NULL. Returns 0; -EINVAL with a line in message if it is
   malformed or names a core that this process may not use. */
int cpus_parse(const char *text, cpu_set_t *out, struct message *message);

/* The list of a set as the kernel prints it, so that equal sets give equal texts. Returns NULL when
   memory is out; the caller frees it. */
char *cpus_print(const cpu_set_t *set);

/* Pins the calling thread, and so those that it starts from then on, to the cores of a list; NULL:
   leaves it where it is. Returns 0 or a negative errno with a line in message. */
int cpus_pin(const char *text, struct message *message);

#endif
