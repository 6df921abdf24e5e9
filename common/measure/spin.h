/* A fixed amount of work, timed before each round: the machine's drift, be it frequency, heat or
   neighbours, shows in how long the same work takes. */
#ifndef TVA_MEASURE_SPIN_H
#define TVA_MEASURE_SPIN_H

#include <stdint.h>

/* Hashes a number over and over, each time what came before. Returns the last. */
uint64_t spin_work(uint64_t times);

/* Does work of some 20 ms on a core of 3 GHz, on the first core that the calling thread may use,
   and returns how long it took in nanoseconds. */
int64_t spin_measure_ns(void);

#endif
