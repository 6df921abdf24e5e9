/* The open loop: operations that are due at times known beforehand, at a rate, as requests come
   from people who do not wait for one another's answers. A task takes its operations in turn, waits
   for the next one's due time, and begins at once where that has passed: none is left out because
   the one before took long (Tene, How NOT to Measure Latency, 2015: "coordinated omission"). A
   closed loop, the default, begins an operation when the one before has ended. */
#ifndef TVA_WORKLOADS_ARRIVALS_H
#define TVA_WORKLOADS_ARRIVALS_H

#include "workloads/workload.h"

/* Stands as `arrivals` in the parameters of a workload that has an open loop. */
struct arrivals_params {
    int64_t rate; /* operations a second; 0: a closed loop */
    char *process;
};

#define ARRIVALS_PARAMETERS(type)                                                                  \
    {"rate",                                                                                       \
     PARAMETER_COUNT,                                                                              \
     offsetof(type, arrivals.rate),                                                                \
     "0",                                                                                          \
     0,                                                                                            \
     10000000,                                                                                     \
     "COUNT",                                                                                      \
     "operations due a second, of all tasks together; 0: each begins when its task's last ended"}, \
    {                                                                                              \
        "arrivals", PARAMETER_TEXT, offsetof(type, arrivals.process), "poisson", 0, 0,             \
            "poisson|fixed", "with --rate: times between them are random, or all the same"         \
    }

/* Arrivals are numbered in the order in which they are due. The due times are allocated. */
struct arrivals {
    int64_t *due_ns; /* from start_ns; NULL: a closed loop */
    int64_t start_ns;
};

/* Whether the parameters fit together. Returns 0, or -EINVAL with a line in message. */
int arrivals_check(const struct arrivals_params *params, char message[WORKLOAD_MESSAGE_BYTES]);

/* Computes when `count` arrivals are due, a pure function of parameters and seed. The caller
   destroys it. Returns 0 or -ENOMEM: then there is nothing to destroy. */
int arrivals_init(struct arrivals *out, const struct arrivals_params *params, int64_t seed,
                  uint64_t count);
void arrivals_destroy(struct arrivals *arrivals);

/* When the last of `count` > 0 arrivals is due, from the start. */
int64_t arrivals_last_ns(const struct arrivals_params *params, int64_t seed, uint64_t count);

/* How long before the start main begins to spawn `tasks` tasks, so that all can be there by then.
 */
int64_t arrivals_lead_ns(int64_t tasks);

/* The shortest wall time that an open loop allows, lead included, whose last operation waits for
   last_wait_ns, given that of the closed loop. */
int64_t arrivals_ideal_ns(const struct arrivals_params *params,
                          const struct workload_params *common, uint64_t count,
                          int64_t last_wait_ns, int64_t closed_ideal_ns);

/* Sets the start, in an open loop; called by main before it spawns. */
void arrivals_start(struct arrivals *arrivals, struct recorder *recorder, int64_t tasks);

/* Waits until an arrival is due; in a closed loop it always is. [waits] Returns 0 or why the wait
   ended. */
static inline int arrivals_await(const struct arrivals *arrivals, uint64_t number) {
    return arrivals->due_ns ? task_sleep_until(arrivals->start_ns + arrivals->due_ns[number]) : 0;
}

#endif
