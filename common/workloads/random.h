/* Seeded values that are a pure function of (seed, stream, number), never of a shared generator, so
   that the order in which tasks run cannot change what they do. */
#ifndef TVA_WORKLOADS_RANDOM_H
#define TVA_WORKLOADS_RANDOM_H

#include <stdint.h>

/* The finaliser of SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
   Generators", OOPSLA 2014. A bijection of 64 bits in which each input bit flips each output bit
   with a probability near one half. */
static inline uint64_t random_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t random_at(uint64_t seed, uint64_t number) {
    return random_mix(random_mix(seed) ^ number);
}

/* Uniform in 0..max, both inclusive, max >= 0; the bias is below max / 2^64. */
static inline int64_t random_up_to(uint64_t random, int64_t max) {
    return (int64_t)(((unsigned __int128)random * ((unsigned __int128)max + 1)) >> 64);
}

#endif
