/* What each command of the command line does. */
#ifndef TVA_HARNESS_COMMANDS_H
#define TVA_HARNESS_COMMANDS_H

#include "harness/options.h"

/* Carries the command out. Returns the exit status, 0, 1 or 128 + the signal that stopped it; a
   line in message then is a fault met on the way. Or a negative errno with a line in message: the
   command line cannot be carried out. */
int commands_run(const struct options *options, struct message *message);

#endif
