/* Who held the loop, from where, how often and how long: told on standard error, in full for the
   first time of a task at a place, all others in a summary, so that thousands do not drown it. */
#ifndef TVA_ASYNC_OFFENCES_H
#define TVA_ASYNC_OFFENCES_H

#include "async/backtrace.h"

#define OFFENCES_MAX 32
#define OFFENCE_NAME_BYTES 64

/* One time that a task held the loop. */
struct offence {
    char task_name[OFFENCE_NAME_BYTES];
    int64_t held_ns;
    int place_error; /* why the place is not known: -ESRCH, the task let go; else as of
                        snapshot_take() */
    struct backtrace place;
};

struct offence_total {
    struct offence first;
    int64_t count, held_ns, longest_ns;
};

struct offences {
    char loop_name[24];
    size_t count;
    struct offence_total totals[OFFENCES_MAX];
    struct offence_total others; /* for which there was no room */
};

/* Empties it. The loop has a number among `loops`. */
void offences_init(struct offences *offences, size_t number, size_t loops);

void offences_add(struct offences *offences, const struct offence *offence);

/* Tells of one that goes on. */
void offences_tell_unfinished(const struct offences *offences, const struct offence *offence);

/* Tells of those that were more than one. */
void offences_summarise(const struct offences *offences);

#endif
