/* The limit on open files of the calling process. */
#ifndef TVA_DESCRIPTORS_H
#define TVA_DESCRIPTORS_H

#include <sys/resource.h>

/* Raises it as far as it may be raised: a task, or a connection, can hold a descriptor each. */
static inline void descriptors_raise(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
