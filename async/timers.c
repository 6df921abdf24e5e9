#include "async/timers.h"

#include <errno.h>
#include <stdlib.h>

#define CHILDREN 4

void timers_init(struct timers *timers) {
    *timers = (struct timers){0};
}

void timers_destroy(struct timers *timers) {
    free(timers->heap);
}

/* Twice the number of timers, so that half of the entries may be stale before they are swept out.
 */
int timers_reserve(struct timers *timers, size_t count) {
    size_t room = timers->heap_room ? timers->heap_room : 64;
    while (room < 2 * count)
        room *= 2;
    struct timer_entry *heap = realloc(timers->heap, room * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    timers->heap = heap;
    timers->heap_room = room;
    return 0;
}

static bool is_stale(const struct timer_entry *entry) {
    return entry->timer->ticket != entry->ticket;
}

static bool is_before(const struct timer_entry *left, const struct timer_entry *right) {
    if (left->deadline_ns != right->deadline_ns)
        return left->deadline_ns < right->deadline_ns;
    return left->ticket < right->ticket;
}

/* Puts the entry where it belongs between `at` and the root. */
static void sift_up(struct timer_entry *heap, size_t at, struct timer_entry entry) {
    while (at) {
        size_t parent = (at - 1) / CHILDREN;
        if (!is_before(&entry, &heap[parent]))
            break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = entry;
}

static size_t earliest_child(const struct timer_entry *heap, size_t count, size_t parent) {
    size_t first = parent * CHILDREN + 1;
    size_t end = first + CHILDREN < count ? first + CHILDREN : count;
    size_t earliest = first;
    for (size_t child = first + 1; child < end; child++)
        if (is_before(&heap[child], &heap[earliest]))
            earliest = child;
    return earliest;
}

/* Puts the entry where it belongs between `at` and the leaves. */
static void sift_down(struct timer_entry *heap, size_t count, size_t at, struct timer_entry entry) {
    while (at * CHILDREN + 1 < count) {
        size_t child = earliest_child(heap, count, at);
        if (!is_before(&heap[child], &entry))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

static void drop_root(struct timers *timers) {
    struct timer_entry last = timers->heap[--timers->heap_count];
    if (timers->heap_count)
        sift_down(timers->heap, timers->heap_count, 0, last);
}

static void sweep_out_stale(struct timers *timers) {
    size_t kept = 0;
    for (size_t i = 0; i < timers->heap_count; i++)
        if (!is_stale(&timers->heap[i]))
            timers->heap[kept++] = timers->heap[i];
    timers->heap_count = kept;
    for (size_t at = kept / CHILDREN + 1; at-- > 0;)
        if (at < kept)
            sift_down(timers->heap, kept, at, timers->heap[at]);
}

static void add_to_heap(struct timers *timers, struct timer *timer) {
    if (timers->heap_count == timers->heap_room)
        sweep_out_stale(timers);
    timer->ticket = ++timers->last_ticket;
    struct timer_entry entry = {
        .deadline_ns = timer->deadline_ns, .ticket = timer->ticket, .timer = timer};
    sift_up(timers->heap, timers->heap_count++, entry);
}

static void append_to_list(struct timers *timers, struct timer *timer) {
    timer->ticket = TIMER_IN_LIST;
    timer->next = NULL;
    timer->previous = timers->last;
    *(timers->last ? &timers->last->next : &timers->first) = timer;
    timers->last = timer;
}

void timers_add(struct timers *timers, struct timer *timer, int64_t deadline_ns) {
    timer->deadline_ns = deadline_ns;
    if (!timers->last || deadline_ns >= timers->last->deadline_ns)
        append_to_list(timers, timer);
    else
        add_to_heap(timers, timer);
}

void timers_remove(struct timers *timers, struct timer *timer) {
    bool is_in_list = timer->ticket == TIMER_IN_LIST;
    timer->ticket = 0;
    if (!is_in_list)
        return;
    *(timer->previous ? &timer->previous->next : &timers->first) = timer->next;
    *(timer->next ? &timer->next->previous : &timers->last) = timer->previous;
}

static int64_t list_next_ns(const struct timers *timers) {
    return timers->first ? timers->first->deadline_ns : INT64_MAX;
}

static int64_t heap_next_ns(const struct timers *timers) {
    return timers->heap_count ? timers->heap[0].deadline_ns : INT64_MAX;
}

int64_t timers_next_ns(const struct timers *timers) {
    int64_t list_ns = list_next_ns(timers);
    int64_t heap_ns = heap_next_ns(timers);
    return list_ns < heap_ns ? list_ns : heap_ns;
}

struct timer *timers_take_due(struct timers *timers, int64_t now_ns) {
    while (timers->heap_count && is_stale(&timers->heap[0]))
        drop_root(timers);
    if (timers_next_ns(timers) > now_ns)
        return NULL;
    struct timer *timer = timers->first;
    if (heap_next_ns(timers) < list_next_ns(timers)) {
        timer = timers->heap[0].timer;
        drop_root(timers);
    }
    timers_remove(timers, timer);
    return timer;
}
