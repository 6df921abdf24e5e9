#include "async/multi/engine.h"

#include <unistd.h>

/* Stand in an inbox that is empty while its loop sleeps, or is about to: the next entry has to be
   told of. One that is parked is not counted among the active. */
static struct inbox_entry asleep, parked;

static bool is_mark(const struct inbox_entry *entry) {
    return entry == &asleep || entry == &parked;
}

/* A loop that is parked is counted as active before it gets something to do, on its behalf: so the
   count is never 0 while there is something to do. Whoever puts something into the inbox of a
   parked loop is active itself, so what is taken back here is never the last. */
void inbox_put(struct loop *to, struct inbox_entry *entry) {
    struct peer *peer = to->peer;
    struct inbox_entry *newest = atomic_load(&peer->inbox);
    bool is_counted = false;
    do {
        if (newest == &parked && !is_counted) {
            atomic_fetch_add(&peer->group->active, 1);
            is_counted = true;
        }
        entry->next = is_mark(newest) ? NULL : newest;
    } while (!atomic_compare_exchange_weak(&peer->inbox, &newest, entry));
    if (is_counted && newest != &parked)
        atomic_fetch_sub(&peer->group->active, 1);
    if (is_mark(newest))
        (void)!write(peer->descriptor, &(uint64_t){1}, sizeof(uint64_t));
}

static struct inbox_entry *oldest_first(struct inbox_entry *newest) {
    struct inbox_entry *oldest = NULL;
    while (newest) {
        struct inbox_entry *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

/* An entry may be put in again as soon as it is delivered. */
void inbox_deliver(struct loop *l) {
    if (!atomic_load_explicit(&l->peer->inbox, memory_order_relaxed))
        return;
    struct inbox_entry *entry = oldest_first(atomic_exchange(&l->peer->inbox, NULL));
    while (entry) {
        struct inbox_entry *next = entry->next;
        entry->deliver(l, entry);
        entry = next;
    }
}

bool inbox_fall_asleep(struct loop *l, bool is_parked) {
    struct inbox_entry *empty = NULL;
    return atomic_compare_exchange_strong(&l->peer->inbox, &empty, is_parked ? &parked : &asleep);
}

void inbox_wake_up(struct loop *l) {
    struct inbox_entry *mark = atomic_load(&l->peer->inbox);
    bool is_parked = mark == &parked;
    if (!is_mark(mark))
        return;
    if (is_parked)
        atomic_fetch_add(&l->peer->group->active, 1);
    if (!atomic_compare_exchange_strong(&l->peer->inbox, &mark, NULL) && is_parked)
        atomic_fetch_sub(&l->peer->group->active, 1); /* whoever put something in has counted it */
}
