#include "async/timers.h"

#include <stddef.h>

#define SLOT_BITS 8

static struct timer *timer_of(struct timer_link *link) {
    return (struct timer *)link;
}

static bool is_single(const struct timer_link *slot) {
    return slot->next == slot->previous;
}

static void append(struct timer_link *slot, struct timer_link *link) {
    link->next = slot;
    link->previous = slot->previous;
    slot->previous->next = link;
    slot->previous = link;
}

static void set_used(struct timers *timers, unsigned level, unsigned slot) {
    timers->used[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

static void set_unused(struct timers *timers, const struct timer_link *slot) {
    size_t index = (size_t)(slot - &timers->slots[0][0]);
    timers->used[index / TIMERS_SLOTS][index % TIMERS_SLOTS / 64] &=
        ~(UINT64_C(1) << index % TIMERS_SLOTS % 64);
}

static void unlink_timer(struct timers *timers, struct timer *timer) {
    struct timer_link *next = timer->link.next;
    struct timer_link *previous = timer->link.previous;
    next->previous = previous;
    previous->next = next;
    if (next == previous) /* only a slot is its own neighbour */
        set_unused(timers, next);
}

/* A deadline that is past belongs to the base itself. */
static void place(struct timers *timers, struct timer *timer) {
    uint64_t base = (uint64_t)timers->base_ns;
    uint64_t key = timer->deadline_ns > timers->base_ns ? (uint64_t)timer->deadline_ns : base;
    uint64_t differing = key ^ base;
    unsigned level = differing ? (63U - (unsigned)__builtin_clzll(differing)) / SLOT_BITS : 0;
    unsigned slot = (unsigned)(key >> level * SLOT_BITS) % TIMERS_SLOTS;
    append(&timers->slots[level][slot], &timer->link);
    set_used(timers, level, slot);
}

void timers_init(struct timers *timers, int64_t now_ns) {
    *timers = (struct timers){.base_ns = now_ns, .next_ns = INT64_MAX};
    for (unsigned level = 0; level < TIMERS_LEVELS; level++)
        for (unsigned i = 0; i < TIMERS_SLOTS; i++) {
            struct timer_link *slot = &timers->slots[level][i];
            slot->next = slot->previous = slot;
        }
}

void timers_add(struct timers *timers, struct timer *timer, int64_t deadline_ns) {
    timer->deadline_ns = deadline_ns;
    if (deadline_ns < timers->next_ns)
        timers->next_ns = deadline_ns;
    place(timers, timer);
}

void timers_remove(struct timers *timers, struct timer *timer) {
    unlink_timer(timers, timer);
}

/* Finds the slot that holds the earliest timers: all others are later. */
static bool find_first_slot(const struct timers *timers, unsigned *level, unsigned *slot) {
    for (unsigned l = 0; l < TIMERS_LEVELS; l++)
        for (unsigned word = 0; word < TIMERS_SLOTS / 64; word++)
            if (timers->used[l][word]) {
                *level = l;
                *slot = word * 64 + (unsigned)__builtin_ctzll(timers->used[l][word]);
                return true;
            }
    return false;
}

/* The earliest time that belongs to a slot. */
static int64_t slot_begin_ns(const struct timers *timers, unsigned level, unsigned slot) {
    unsigned shift = level * SLOT_BITS;
    uint64_t above = ~UINT64_C(0) << shift << (SLOT_BITS - 1) << 1; /* two shifts: 64 is too far */
    return (int64_t)(((uint64_t)timers->base_ns & above) | (uint64_t)slot << shift);
}

/* Moves the timers of a slot that the base has reached to lower levels, in their order. */
static void redistribute(struct timers *timers, struct timer_link *slot) {
    struct timer_link *link = slot->next;
    slot->next = slot->previous = slot;
    set_unused(timers, slot);
    while (link != slot) {
        struct timer_link *next = link->next;
        place(timers, timer_of(link));
        link = next;
    }
}

static int64_t earliest_in(const struct timer_link *slot) {
    int64_t earliest_ns = INT64_MAX;
    for (struct timer_link *link = slot->next; link != slot; link = link->next)
        if (timer_of(link)->deadline_ns < earliest_ns)
            earliest_ns = timer_of(link)->deadline_ns;
    return earliest_ns;
}

struct timer *timers_take_due(struct timers *timers, int64_t now_ns) {
    unsigned level, index;
    if (now_ns < timers->next_ns)
        return NULL;
    while (find_first_slot(timers, &level, &index)) {
        struct timer_link *slot = &timers->slots[level][index];
        /* One alone need not go through the levels. */
        if (level == 0 || is_single(slot)) {
            struct timer *timer = timer_of(slot->next);
            timers->next_ns = timer->deadline_ns;
            if (timer->deadline_ns > now_ns)
                return NULL;
            unlink_timer(timers, timer);
            return timer;
        }
        int64_t begin_ns = slot_begin_ns(timers, level, index);
        if (begin_ns > now_ns) {
            timers->next_ns = earliest_in(slot);
            return NULL;
        }
        timers->base_ns = begin_ns;
        redistribute(timers, slot);
    }
    timers->next_ns = INT64_MAX;
    return NULL;
}
