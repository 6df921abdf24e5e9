/* The parts of a trial's wall time, as results/README.md defines them. */
#ifndef TVA_HARNESS_PHASES_H
#define TVA_HARNESS_PHASES_H

#include <stdint.h>

/* Times on the clock. */
struct phase_times {
    int64_t begin_ns;       /* main was called */
    int64_t all_spawned_ns; /* 0: main never said so */
    int64_t last_end_ns;    /* of an operation; 0: none ended */
    int64_t end_ns;         /* main had returned and no task was left */
};

/* wall = spawn + run + join, exactly. */
struct phases {
    int64_t wall_ns;
    int64_t spawn_ns;
    int64_t run_ns;
    int64_t join_ns;
};

/* Where main never said that all were spawned, all of the time counts as spawning. */
static inline struct phases phases_of(const struct phase_times *times) {
    int64_t spawned_ns = times->all_spawned_ns ? times->all_spawned_ns : times->end_ns;
    int64_t ended_ns = times->last_end_ns > spawned_ns ? times->last_end_ns : spawned_ns;
    return (struct phases){.wall_ns = times->end_ns - times->begin_ns,
                           .spawn_ns = spawned_ns - times->begin_ns,
                           .run_ns = ended_ns - spawned_ns,
                           .join_ns = times->end_ns - ended_ns};
}

#endif
