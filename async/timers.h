/* Timers by deadline, to the nanosecond, for one loop. Two structures share the work. A timer that
   is not due before the last of the list goes to its end: sleeps of the same length, and deadlines
   of requests, always do, and cost nothing but two links. Any other goes to a heap of four children
   a node (LaMarca and Ladner, "The Influence of Caches on the Performance of Heaps", 1996), an
   array that holds the deadlines themselves, so that sorting it does not touch the timers, which
   lie scattered over all tasks. A timer that is removed from the heap leaves its entry behind, to
   be passed over; entries are swept out when the array is full of them. */
#ifndef TVA_ASYNC_TIMERS_H
#define TVA_ASYNC_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what it wakes; not in any timers at first: all zero. Its memory must stay readable as
   long as the timers are in use, also after it was removed. */
struct timer {
    int64_t deadline_ns;
    uint64_t ticket; /* 0: not in; TIMER_IN_LIST; else that of its entry in the heap */
    struct timer *next, *previous; /* in the list */
};

#define TIMER_IN_LIST UINT64_MAX

struct timer_entry {
    int64_t deadline_ns;
    uint64_t ticket; /* stale if its timer has another */
    struct timer *timer;
};

struct timers {
    struct timer *first, *last; /* the list, by deadline */
    struct timer_entry *heap;
    size_t heap_count;
    size_t heap_room;
    uint64_t last_ticket;
};

/* The caller destroys it; no timer need be taken out before. */
void timers_init(struct timers *timers);
void timers_destroy(struct timers *timers);

/* Makes room so that `count` timers may be in at once. To be called before the first of them is
   added: adding itself allocates nothing, since it runs on small stacks. Returns 0 or -ENOMEM. */
int timers_reserve(struct timers *timers, size_t count);
static inline bool timers_have_room(const struct timers *timers, size_t count) {
    return timers->heap_room >= 2 * count;
}

/* The timer must not be in already; it stays in until it is taken or removed. */
void timers_add(struct timers *timers, struct timer *timer, int64_t deadline_ns);
void timers_remove(struct timers *timers, struct timer *timer);

/* Takes out and returns the timer with the earliest deadline, if that is not after now_ns, else
   NULL. Of equal deadlines in the same structure the one added first comes first. */
struct timer *timers_take_due(struct timers *timers, int64_t now_ns);

/* When to call timers_take_due() next: INT64_MAX when there is no timer; never after the earliest
   deadline, but before it where a timer was removed. */
int64_t timers_next_ns(const struct timers *timers);

#endif
