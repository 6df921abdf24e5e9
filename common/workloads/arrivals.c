#include "workloads/arrivals.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "workloads/choice.h"
#include "workloads/random.h"

#define SECOND_NS INT64_C(1000000000)

#define LEAD_NS INT64_C(10000000)
#define LEAD_NS_PER_TASK INT64_C(100000)
/* What takes a tenth of a millisecond to spawn is a thread, and of those no more are to be had. */
#define LEAD_TASKS_MAX 32768

/* Sets the arrivals' random numbers apart from those of the operations, under the same seed. */
#define STREAM UINT64_C(0x6172726976616c73)

enum process { PROCESS_POISSON, PROCESS_FIXED };
static const char *const process_names[] = {"poisson", "fixed", NULL};

int arrivals_check(const struct arrivals_params *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    int err = choice_check("arrivals", process_names, params->process, message);
    if (err || params->rate || choice_index(process_names, params->process) == PROCESS_POISSON)
        return err;
    snprintf(message, WORKLOAD_MESSAGE_BYTES,
             "arrivals=%s is of an open loop, and rate=0 makes it a closed one (try --rate=1000)",
             params->process);
    return -EINVAL;
}

/* The times from one arrival to the next of a Poisson process are exponential: minus the logarithm
   of a number that is uniform in (0, 1], of 53 bits. */
static double exponential(int64_t seed, uint64_t number) {
    uint64_t random = random_at((uint64_t)seed ^ STREAM, number);
    return -log(((double)(random >> 11) + 1) * 0x1p-53);
}

static int64_t fixed_ns(int64_t rate, uint64_t number) {
    return (int64_t)((unsigned __int128)number * SECOND_NS / (uint64_t)rate);
}

/* The random times are added as doubles: exact to the nanosecond for over a hundred days. Stores
   all due times unless due_ns is NULL, and returns the last. */
static int64_t compute(const struct arrivals_params *params, int64_t seed, uint64_t count,
                       int64_t *due_ns) {
    bool is_fixed = choice_index(process_names, params->process) == PROCESS_FIXED;
    double mean_ns = (double)SECOND_NS / (double)params->rate, random_ns = 0;
    int64_t last_ns = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!is_fixed)
            random_ns += mean_ns * exponential(seed, i);
        last_ns = is_fixed ? fixed_ns(params->rate, i) : (int64_t)random_ns;
        if (due_ns)
            due_ns[i] = last_ns;
    }
    return last_ns;
}

int arrivals_init(struct arrivals *out, const struct arrivals_params *params, int64_t seed,
                  uint64_t count) {
    *out = (struct arrivals){0};
    if (!params->rate)
        return 0;
    out->due_ns = malloc(count * sizeof *out->due_ns);
    if (!out->due_ns)
        return -ENOMEM;
    compute(params, seed, count, out->due_ns);
    return 0;
}

void arrivals_destroy(struct arrivals *arrivals) {
    free(arrivals->due_ns);
}

int64_t arrivals_last_ns(const struct arrivals_params *params, int64_t seed, uint64_t count) {
    return compute(params, seed, count, NULL);
}

int64_t arrivals_lead_ns(int64_t tasks) {
    return LEAD_NS + (tasks < LEAD_TASKS_MAX ? tasks : LEAD_TASKS_MAX) * LEAD_NS_PER_TASK;
}

/* Where there are too few tasks, the waits of one after another take longer than the arrivals. */
int64_t arrivals_ideal_ns(const struct arrivals_params *params,
                          const struct workload_params *common, uint64_t count,
                          int64_t last_wait_ns, int64_t closed_ideal_ns) {
    int64_t open_ns = arrivals_last_ns(params, common->seed, count) + last_wait_ns;
    int64_t longer_ns = open_ns > closed_ideal_ns ? open_ns : closed_ideal_ns;
    int64_t ideal_ns;
    bool is_too_long =
        __builtin_add_overflow(arrivals_lead_ns(common->tasks), longer_ns, &ideal_ns);
    return is_too_long ? INT64_MAX : ideal_ns;
}

void arrivals_start(struct arrivals *arrivals, struct recorder *recorder, int64_t tasks) {
    if (arrivals->due_ns)
        arrivals->start_ns = recorder_start(recorder, arrivals_lead_ns(tasks));
}
