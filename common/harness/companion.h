/* A process of ours beside a trial, such as an origin: it prints one line when it is up, and when
   it is told to end, by SIGTERM, one JSON object on a line: what it counted. */
#ifndef TVA_HARNESS_COMPANION_H
#define TVA_HARNESS_COMPANION_H

#include "harness/process.h"

#include <jansson.h>
#include <stddef.h>

/* Starts this program with `arguments`, ended by NULL, and waits, five seconds at most, for its
   first line, which is stored without its line break. The caller ends it by companion_stop().
   Returns 0 or a negative errno. */
int companion_start(struct process *out, char *const arguments[], char *line, size_t size);

/* Ends the process and returns the object that it told, or NULL if it told none within five
   seconds. The caller owns it. */
json_t *companion_stop(struct process *process);

#endif
