/* What the machine did beside a trial: read in the trial's parent before and after it, never while
   the trial measures, and judged by a few rules. All figures are of the kernel's own counting. */
#ifndef TVA_MEASURE_DISTURBANCE_H
#define TVA_MEASURE_DISTURBANCE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The processes beside the calling one that belong to the trial. */
#define DISTURBANCE_OWN_MAX 5

/* Whose disturbance: filled by the caller. */
struct disturbance_subject {
    cpu_set_t cores;                /* that the trial may use */
    pid_t own[DISTURBANCE_OWN_MAX]; /* unused places are 0 */
};

/* The machine's counters at one moment; -1: not to be had. */
struct machine_reading {
    int64_t time_ns;
    int64_t machine_cores;
    int64_t idle_ns; /* of all cores together: idle, waiting for input or output, or stolen */
    int64_t own_cpu_ns;
    int64_t steal_ns;          /* of the trial's cores */
    int64_t run_queue_wait_ns; /* of the trial's cores */
    int64_t cpu_pressure_ns;
    int64_t io_pressure_ns;
    int64_t memory_pressure_ns;
    int64_t throttled_ns;
    int64_t frequency_min_hz; /* of the trial's cores */
    double load_1min;
};

/* What happened between two readings; the keys of the row's `disturbance` (results/README.md).
   -1: not to be had. */
struct disturbance {
    int64_t wall_ns;
    int64_t trial_cores;
    int64_t machine_cores;
    int64_t steal_ns;
    int64_t cpu_pressure_ns;
    int64_t io_pressure_ns;
    int64_t memory_pressure_ns;
    int64_t run_queue_wait_ns;
    int64_t throttled_ns;
    int64_t others_cpu_ns;
    int64_t frequency_min_hz;
    double load_1min; /* at the first reading */
};

/* Takes some 0.1 ms on a machine of few cores. A process of subject->own that is gone makes the CPU
   time of the others unknown. */
void disturbance_read(struct machine_reading *out, const struct disturbance_subject *subject);

void disturbance_between(struct disturbance *out, const struct disturbance_subject *subject,
                         const struct machine_reading *before, const struct machine_reading *after);

/* Why a trial counts as disturbed: bits. The rules with their thresholds, and why so, stand in
   disturbance.c and results/README.md. */
enum disturbance_reason {
    DISTURBED_STEAL = 1 << 0,
    DISTURBED_THROTTLED = 1 << 1,
    DISTURBED_OTHERS = 1 << 2,
    DISTURBED_CONTROL = 1 << 3,
    DISTURBED_QUIET = 1 << 4,
};

/* The greatest lateness of the control ticker, and the lateness from which a victim of the trial
   counts as delayed; -1, -1: no such trial. And whether that is so great, by the trial's own quiet
   part, that it says nothing of the calls. */
struct disturbance_control {
    int64_t lateness_max_ns;
    int64_t threshold_ns;
    bool is_quiet_uneven;
};

/* Returns the reasons, 0 if none. */
unsigned disturbance_judge(const struct disturbance *disturbance,
                           const struct disturbance_control *control);

/* Walks through the names of reasons: the name of the lowest bit of *reasons, which is cleared;
   NULL when none is left. */
const char *disturbance_next_reason(unsigned *reasons);

#endif
