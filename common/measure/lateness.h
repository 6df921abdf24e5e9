/* How late ticks were while others made blocking calls, and what that cost: arithmetic on times
   that were recorded. A tick that could not begin in time is late, however many ticks are late
   behind it, since each has its own due time; so nothing is omitted where a model stands still
   (Tene, How NOT to Measure Latency, 2015: "coordinated omission"). */
#ifndef TVA_MEASURE_LATENESS_H
#define TVA_MEASURE_LATENESS_H

#include "measure/histogram.h"
#include "measure/recorder.h"

/* A call shorter than this blocked nothing worth the name: an fsync where it is free. */
#define LATENESS_BLOCK_MIN_NS 100000

/* All times are of common/clock.h. Tick k of victim v stands at [v * ticks + k], in order of k. */
struct lateness_input {
    uint64_t victims;
    uint64_t ticks; /* of each victim */
    int64_t tick_ns;
    int64_t quiet_until_ns;  /* ticks due and begun before are the control: nobody blocks */
    const int64_t *due_ns;   /* [victims * ticks] */
    const int64_t *began_ns; /* [victims * ticks]; 0: it never began */
    const struct block_record *blocks;
    uint64_t block_count;
};

/* What follows is of the ticks that were due after the quiet part. */
struct lateness {
    int64_t threshold_ns; /* the greatest lateness of the quiet part, but at least one tick */
    uint64_t ticks_due;
    uint64_t ticks_missed; /* not begun before the victim's next one was due */
    int64_t blocked_ns;    /* the durations of all calls, added; -1: none was long enough */

    /* A tick counts as delayed if it was later than the threshold and a call was under way while it
       waited: what happens between calls is not their doing. All are -1 where calls were made, but
       none long enough, or the mean one not longer than the threshold: then nothing can be told. */
    int64_t victims_delayed; /* that had such a tick */
    /* How long the mean victim stood still, a tick of it being due and later than the threshold,
       for each second in blocked_ns; -1 where nobody blocked, too. */
    int64_t stolen_ns_per_blocked_s;
    /* From the end of the last call (likewise) until the last victim was no longer late. */
    int64_t recovery_ns;
};

/* Counts the lateness of the ticks that began into `quiet` and `blocked`, empty histograms, and
   computes the rest. */
void lateness_measure(const struct lateness_input *input, struct histogram *quiet,
                      struct histogram *blocked, struct lateness *out);

#endif
