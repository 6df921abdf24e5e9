#include "threaded/bare/crowd.h"

#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct crowd {
    struct recorder *recorder;
    crowd_function *body;
    void *state;
};

struct member {
    pthread_t thread;
    const struct crowd *crowd;
    uint64_t number;
};

int64_t crowd_stack_bytes;

static void *member_main(void *arg) {
    const struct member *member = arg;
    const struct crowd *crowd = member->crowd;
    recorder_task_begin(crowd->recorder);
    crowd->body(crowd->state, member->number);
    recorder_task_end(crowd->recorder);
    return NULL;
}

static int create_all(const struct crowd *crowd, struct member *members, uint64_t count,
                      uint64_t *created) {
    pthread_attr_t attributes;
    int err = pthread_attr_init(&attributes);
    if (err)
        return -err;
    err = pthread_attr_setstacksize(&attributes, (size_t)crowd_stack_bytes);
    while (!err && *created < count) {
        struct member *member = &members[*created];
        member->crowd = crowd;
        member->number = *created;
        err = pthread_create(&member->thread, &attributes, member_main, member);
        if (!err)
            ++*created;
    }
    pthread_attr_destroy(&attributes);
    return -err;
}

/* The last one first: where all are alike it ends last, and the main thread is woken once, not by
   each. */
static void join_all(const struct member *members, uint64_t created) {
    while (created)
        pthread_join(members[--created].thread, NULL);
}

int crowd_run(struct recorder *recorder, uint64_t count, crowd_function *body, void *state) {
    const struct crowd crowd = {.recorder = recorder, .body = body, .state = state};
    struct member *members = malloc(count * sizeof *members);
    uint64_t created = 0;
    int err = members ? create_all(&crowd, members, count, &created) : -ENOMEM;
    recorder_all_spawned(recorder, created, err);
    join_all(members, created);
    free(members);
    return err;
}

void crowd_sleep(int64_t duration_ns) {
    struct timespec left = clock_timespec(duration_ns);
    if (duration_ns <= 0)
        sched_yield();
    else
        while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left))
            continue;
}
