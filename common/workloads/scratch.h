/* A folder of the trial's own for files that last no longer than it: below TMPDIR, /var/tmp (on a
   disk, where /tmp often is not) or the working folder, whichever is the first that can be had. */
#ifndef TVA_WORKLOADS_SCRATCH_H
#define TVA_WORKLOADS_SCRATCH_H

#include <limits.h>

struct scratch {
    int fd; /* of the folder; 0: none */
    char path[PATH_MAX];
};

/* Creates the folder, and removes those that a killed trial of this user left there. The caller
   destroys it. Returns 0, or why none could be created, -ENOSPC among others. */
int scratch_create(struct scratch *out);

/* Removes the folder with the files in it. One that was not created is allowed. */
void scratch_destroy(struct scratch *scratch);

#endif
