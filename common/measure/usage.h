/* What a process has used of the machine: CPU time, context switches, page faults. */
#ifndef TVA_MEASURE_USAGE_H
#define TVA_MEASURE_USAGE_H

#include <stdint.h>
#include <sys/resource.h>

/* Times in nanoseconds, which the kernel gives in whole microseconds; all threads together. */
struct usage {
    int64_t cpu_user_ns;
    int64_t cpu_system_ns;
    int64_t switches_voluntary;   /* it waited */
    int64_t switches_involuntary; /* another was given the core */
    int64_t faults_minor;
    int64_t faults_major;
};

/* What the calling process has used so far, its ended threads included, its children not. */
struct usage usage_now(void);

/* What was used between two snapshots. */
struct usage usage_between(const struct usage *before, const struct usage *after);

/* What wait4() or getrusage() told. */
struct usage usage_of(const struct rusage *rusage);

#endif
