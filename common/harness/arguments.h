/* Command lines by argp, made strict: argp prints its errors on two lines and takes abbreviated
   options, so arguments are looked over before it sees them. */
#ifndef TVA_HARNESS_ARGUMENTS_H
#define TVA_HARNESS_ARGUMENTS_H

#include "harness/message.h"

#include <argp.h>
#include <stdbool.h>

/* Parses argv, whose first element is the name that help shows ("tva run sleep"): option keys and
   other arguments go to argp->parser, which never sees an argument that argp would refuse. --help
   prints and exits. Returns 0; -EINVAL with a line in message, or what the parser returned. */
int arguments_parse(const struct argp *argp, int argc, char **argv, void *input,
                    struct message *message);

/* Whether an argument asks for help, usage or version. */
bool arguments_is_help(const char *argument);

#endif
