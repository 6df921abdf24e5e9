/* `tva list`: what there is to run. */
#ifndef TVA_HARNESS_LIST_H
#define TVA_HARNESS_LIST_H

#include <stdbool.h>
#include <stdio.h>

/* Prints workloads and models with their parameters, for people or as one JSON object. */
void list_print(FILE *stream, bool is_json);

#endif
