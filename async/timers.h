/* Timers by deadline, to the nanosecond, for one loop. A radix heap: a timer lies in one of 256
   slots of the level that is the highest byte in which its deadline differs from the base, and
   moves to a lower level when the base reaches its slot, so that the base itself only moves
   forward. Adding and removing are O(1) and touch only neighbours; over its life a timer moves at
   most as often as there are levels below it, usually three or four times, where a heap would touch
   a timer at each of its levels. After Ahuja, Mehlhorn, Orlin and Tarjan, "Faster Algorithms for
   the Shortest Path Problem", J. ACM 37 (1990), section 2; with slots of a byte it is the
   hierarchical wheel of Varghese and Lauck (1987) without ticks. */
#ifndef TVA_ASYNC_TIMERS_H
#define TVA_ASYNC_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#define TIMERS_LEVELS 8
#define TIMERS_SLOTS 256

struct timer_link {
    struct timer_link *next, *previous;
};

/* Embedded in what it wakes. */
struct timer {
    struct timer_link link; /* first, so that a link is its timer */
    int64_t deadline_ns;
};

struct timers {
    int64_t base_ns; /* no timer taken later is due before it */
    int64_t next_ns; /* no timer is due before it; INT64_MAX: there is none */
    uint64_t used[TIMERS_LEVELS][TIMERS_SLOTS / 64];
    struct timer_link slots[TIMERS_LEVELS][TIMERS_SLOTS];
};

void timers_init(struct timers *timers, int64_t now_ns);

/* The timer must not be in already; it stays in until it is taken or removed. */
void timers_add(struct timers *timers, struct timer *timer, int64_t deadline_ns);
void timers_remove(struct timers *timers, struct timer *timer);

/* Takes out and returns the timer with the earliest deadline, if that is not after now_ns, else
   NULL. Of equal deadlines the one added first comes first. */
struct timer *timers_take_due(struct timers *timers, int64_t now_ns);

/* When to call timers_take_due() next: INT64_MAX when there is no timer; never after the earliest
   deadline, but before it where that timer was removed. */
static inline int64_t timers_next_ns(const struct timers *timers) {
    return timers->next_ns;
}

#endif
