/* What stands between this machine and good figures: its limits and its noise, each with what can
   be done about it. Takes about a second. */
#ifndef TVA_HARNESS_DOCTOR_H
#define TVA_HARNESS_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

/* Examines the machine and prints what it found: a table for people, or with is_json one JSON
   object {"limits":[...],"noise":[...]}, whose entries have "name", "value", "unit", "room" (limits
   only: how many more of their kind), "is_good" and "advice" (null where nothing need be done).
   Returns 0 or -ENOMEM. */
int doctor_run(FILE *out, bool is_json);

#endif
