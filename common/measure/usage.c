#include "measure/usage.h"

#include "clock.h"

static int64_t timeval_ns(struct timeval time) {
    return time.tv_sec * NS_PER_S + time.tv_usec * NS_PER_US;
}

struct usage usage_of(const struct rusage *rusage) {
    return (struct usage){.cpu_user_ns = timeval_ns(rusage->ru_utime),
                          .cpu_system_ns = timeval_ns(rusage->ru_stime),
                          .switches_voluntary = rusage->ru_nvcsw,
                          .switches_involuntary = rusage->ru_nivcsw,
                          .faults_minor = rusage->ru_minflt,
                          .faults_major = rusage->ru_majflt};
}

struct usage usage_now(void) {
    struct rusage rusage;
    getrusage(RUSAGE_SELF, &rusage); /* cannot fail: the argument and the address are valid */
    return usage_of(&rusage);
}

struct usage usage_between(const struct usage *before, const struct usage *after) {
    return (struct usage){
        .cpu_user_ns = after->cpu_user_ns - before->cpu_user_ns,
        .cpu_system_ns = after->cpu_system_ns - before->cpu_system_ns,
        .switches_voluntary = after->switches_voluntary - before->switches_voluntary,
        .switches_involuntary = after->switches_involuntary - before->switches_involuntary,
        .faults_minor = after->faults_minor - before->faults_minor,
        .faults_major = after->faults_major - before->faults_major};
}
