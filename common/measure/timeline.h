/* Watches a small run from between the workload and its engine: when each task waits and when it
   may run. It stands in the seam, so the engines know nothing of it and no other run pays for it.
 */
#ifndef TVA_MEASURE_TIMELINE_H
#define TVA_MEASURE_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

struct timeline;

/* One stretch of one task's life. Tasks are numbered from 0 in the order spawned; times count from
   timeline_start(). */
struct timeline_span {
    uint32_t task;
    int is_wait; /* in a call that waits; otherwise running, or ready to */
    int64_t from_ns;
    int64_t to_ns;
};

/* Room for `tasks` tasks and `spans` spans; what goes beyond is not recorded. The caller destroys
 *out. Returns 0 or -ENOMEM. */
int timeline_create(struct timeline **out, size_t tasks, size_t spans);
void timeline_destroy(struct timeline *timeline);

/* From here on all tasks spawned are watched, until the process ends. Call it in the main task
   before any other is spawned; one timeline a process. */
void timeline_start(struct timeline *timeline);

/* The spans recorded, in no order, once no task is left. */
const struct timeline_span *timeline_spans(const struct timeline *timeline, size_t *count);

#endif
