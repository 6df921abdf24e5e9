/* A workload: what the tasks do. One file each, written once for all models, with its oracle. It
   knows no engine, reads no clock, counts and prints nothing; what it does is a pure function of
   its spec (the parameters, the seed among them) and of the number of the operation. */
#ifndef TVA_WORKLOAD_H
#define TVA_WORKLOAD_H

#include "operation.h"
#include "parameter.h"
#include "task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_MESSAGE_BYTES 512

/* Begins the parameters of every workload. */
struct workload_params {
    int64_t tasks;
    int64_t seed;
};

/* What prepare is given: all of it outlives the state. */
struct workload_input {
    const void *params;        /* the workload's own struct, which begins with workload_params */
    struct recorder *recorder; /* to report operations to */
    const char *origin_url;    /* "http://127.0.0.1:PORT", or NULL where none was started */
    int clients_port;          /* of 127.0.0.1, where the clients are (workloads/echo.h); 0: none */
};

/* Of a workload in which tasks tick and others block. Tick k of victim v is operation v * ticks +
   k; its due_ns tells when. Call j of blocker b is block b * calls + j, due at quiet_ns + j *
   every_ns. */
struct workload_blocking {
    uint64_t victims;
    uint64_t ticks; /* of each victim */
    int64_t tick_ns;
    int64_t quiet_ns; /* from the start: the victims tick and nobody blocks */
    uint64_t blocks;  /* blocking calls in all */
    uint64_t calls;   /* of each blocker; 0: there are no blockers */
    int64_t every_ns;
};

/* What a workload found out beside its operations, for the row's `figures`. The name ends in the
   unit and is a literal. */
struct workload_figure {
    const char *name;
    int64_t value;
};
#define WORKLOAD_FIGURES_MAX 8

struct workload {
    const char *name;
    const char *summary;
    const char *operation; /* in words: "one sleep" */
    const struct parameter *parameters;
    size_t params_bytes;

    /* What one operation consists of, where that is too short to be timed alone, in words: "one
       switch"; NULL: nothing smaller. */
    const char *unit;
    int64_t (*units)(const void *params); /* in each operation; NULL: 1 */

    int64_t (*tasks)(const void *params); /* how many there are; NULL: what `tasks` says */

    /* The most stack that one of its tasks uses in an optimised build, and, where that depends on
       the parameters, with these: then no task may be given less than that. */
    size_t task_stack_bytes;
    size_t (*stack_bytes)(const void *params); /* not below task_stack_bytes; NULL: that */

    bool is_sleep; /* an operation only sleeps: what it takes beyond its wait is overshoot */

    /* What distinguishes a workload of ticks and blocks; NULL: it is none. */
    void (*blocking)(const void *params, struct workload_blocking *out);

    /* Whether these parameters need the harness to start an origin; NULL: never. */
    bool (*needs_origin)(const void *params);

    /* Whether the workload is a server and needs the harness to start clients; NULL: never. */
    bool (*needs_clients)(const void *params);

    /* Whether the parameters fit together; NULL: always. Returns 0, or -EINVAL with a line in
       message. */
    int (*check)(const void *params, char message[WORKLOAD_MESSAGE_BYTES]);

    /* Whether a floor (bare/bare.h) can do what these parameters ask for; NULL: any can. As check.
     */
    int (*check_floor)(const void *params, char message[WORKLOAD_MESSAGE_BYTES]);

    /* The oracle, computed serially from the parameters alone. */
    uint64_t (*operations)(const void *params);
    int64_t (*wait_ns)(const void *params, uint64_t operation); /* that the operation contains */
    bool (*is_right)(const void *params, uint64_t operation, uint64_t value);

    /* Whether an operation's latency is what the row's latency_ns is about; NULL: each one's. */
    bool (*is_timed)(const void *params, uint64_t operation);
    int64_t (*ideal_ns)(const void *params); /* the shortest wall time that the waits allow */

    /* When an operation is due, counted from recorder_start(); NULL: whenever its task comes to it.
       Asked only after a run that called that. */
    int64_t (*due_ns)(const void *state, uint64_t operation);

    /* Allocates and touches all that the run needs. Returns 0, or a negative errno with a line in
       message. main runs as the first task; what it returns is 0 or why the run was cut short. */
    int (*prepare)(const struct workload_input *input, void **state,
                   char message[WORKLOAD_MESSAGE_BYTES]);
    task_function *main;
    void (*destroy)(void *state);

    /* Called once no task is left, when no time is taken any more: sets, by operation_set_value(),
       the values that could not be known within the run; NULL: nothing. */
    void (*settle)(void *state);

    /* Writes up to WORKLOAD_FIGURES_MAX figures once no task is left, and returns how many; NULL:
       none. */
    size_t (*figures)(const void *state, struct workload_figure *out);

    /* Names an error of the workload's own; NULL where all are errnos. Returns NULL for an errno.
     */
    const char *(*error_name)(int error);
};

extern const struct workload workload_sleep;
extern const struct workload workload_fetch;
extern const struct workload workload_chain;
extern const struct workload workload_blocking;
extern const struct workload workload_files;
extern const struct workload workload_connections;
extern const struct workload workload_spawn;
extern const struct workload workload_switch;
extern const struct workload workload_cpu;
extern const struct workload workload_shared;
extern const struct workload workload_queue;

/* The first three parameters of every table that fans out. */
#define WORKLOAD_PARAMETER_TASKS(fallback)                                                         \
    {                                                                                              \
        "tasks", PARAMETER_COUNT, offsetof(struct workload_params, tasks), fallback, 1, 10000000,  \
            "COUNT", "tasks, all spawned at once"                                                  \
    }
#define WORKLOAD_PARAMETER_SEED                                                                    \
    {                                                                                              \
        "seed", PARAMETER_COUNT, offsetof(struct workload_params, seed), "1", 0, INT64_MAX,        \
            "COUNT", "seed of everything random"                                                   \
    }

#endif
