/* Records what operation.h reports: begin, end, value and error of each operation, and the tasks
   under way. All memory is allocated and touched by recorder_create, before anything is timed;
   what the records amount to is computed after. Knows no workload. */
#ifndef TVA_MEASURE_RECORDER_H
#define TVA_MEASURE_RECORDER_H

#include "operation.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* begin_ns is 0 for an operation that never began, end_ns for one that never ended. */
struct operation_record {
    int64_t begin_ns;
    int64_t end_ns;
    uint64_t value;
    int32_t error;
};

/* A blocking call, likewise. */
struct block_record {
    int64_t begin_ns;
    int64_t end_ns;
    int32_t error;
};

struct recorder {
    struct operation_record *records;
    uint64_t operations;
    struct block_record *blocks;
    uint64_t block_count;

    int64_t start_ns; /* from which due times count; 0: none was set */

    /* Set by main alone, in recorder_all_spawned. */
    int64_t all_spawned_ns;
    uint64_t spawned;
    int spawn_error;

    /* The plateau: all tasks are spawned and as many are under way as the model allows. At that
       moment one byte goes to plateau_fd, once, so that an observer in another process can take
       this one's memory without taking its time. */
    int plateau_fd;         /* -1: nobody asks */
    uint64_t plateau_tasks; /* under way, to make a plateau */
    atomic_bool is_plateau_reported;
    atomic_bool is_all_spawned;

    _Atomic uint64_t in_flight;
    _Atomic uint64_t in_flight_peak;
    _Atomic int64_t first_ended_ns; /* when the first task ended; 0: none has */
};

struct recorder_options {
    uint64_t operations;
    uint64_t blocks;
    uint64_t plateau_tasks;
    int plateau_fd;
};

/* The caller destroys *out. Returns 0 or -ENOMEM. */
int recorder_create(struct recorder **out, const struct recorder_options *options);
void recorder_destroy(struct recorder *recorder);

/* What the records amount to, once no task is left. */
struct recorder_summary {
    uint64_t ended;      /* operations that ended without an error */
    uint64_t failed;     /* operations that ended with one */
    int64_t last_end_ns; /* of an operation; 0 if none ended */
};
void recorder_summarise(const struct recorder *recorder, struct recorder_summary *out);

#endif
