#include "measure/recorder.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not calloc: its zero pages would be faulted in by the run, and counted as the tasks'. */
static void *allocate_touched(uint64_t count, size_t size) {
    void *memory = malloc(count * size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

int recorder_create(struct recorder **out, const struct recorder_options *options) {
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return -ENOMEM;
    recorder->operations = options->operations;
    recorder->block_count = options->blocks;
    recorder->plateau_tasks = options->plateau_tasks;
    recorder->plateau_fd = options->plateau_fd;
    recorder->records = allocate_touched(options->operations, sizeof *recorder->records);
    recorder->blocks = allocate_touched(options->blocks, sizeof *recorder->blocks);
    if (!recorder->records || (options->blocks && !recorder->blocks)) {
        recorder_destroy(recorder);
        return -ENOMEM;
    }
    *out = recorder;
    return 0;
}

void recorder_destroy(struct recorder *recorder) {
    if (!recorder)
        return;
    free(recorder->blocks);
    free(recorder->records);
    free(recorder);
}

int64_t recorder_start(struct recorder *recorder, int64_t lead_ns) {
    recorder->start_ns = clock_now_ns() + lead_ns;
    return recorder->start_ns;
}

void recorder_block_begin(struct recorder *recorder, uint64_t block) {
    recorder->blocks[block].begin_ns = clock_now_ns();
}

void recorder_block_end(struct recorder *recorder, uint64_t block, int error) {
    recorder->blocks[block].end_ns = clock_now_ns();
    recorder->blocks[block].error = error;
}

void operation_begin(struct recorder *recorder, uint64_t operation) {
    recorder->records[operation].begin_ns = clock_now_ns();
}

void operation_end(struct recorder *recorder, uint64_t operation, int error, uint64_t value) {
    struct operation_record *record = &recorder->records[operation];
    record->end_ns = clock_now_ns();
    record->value = value;
    record->error = error;
}

void operation_set_value(struct recorder *recorder, uint64_t operation, uint64_t value) {
    recorder->records[operation].value = value;
}

static void report_plateau(struct recorder *recorder) {
    /* The load first: a task that comes later must not take the cache line from the others. */
    if (recorder->plateau_fd < 0 ||
        atomic_load_explicit(&recorder->is_plateau_reported, memory_order_relaxed) ||
        atomic_exchange(&recorder->is_plateau_reported, true))
        return;
    while (write(recorder->plateau_fd, "p", 1) < 0 && errno == EINTR)
        continue;
}

/* Whoever comes last, main or the task that completes the number, sees the other's store: both are
   sequentially consistent. */
static void check_plateau(struct recorder *recorder, uint64_t in_flight) {
    if (in_flight >= recorder->plateau_tasks && atomic_load(&recorder->is_all_spawned))
        report_plateau(recorder);
}

void recorder_task_begin(struct recorder *recorder) {
    uint64_t in_flight = atomic_fetch_add(&recorder->in_flight, 1) + 1;
    uint64_t peak = atomic_load_explicit(&recorder->in_flight_peak, memory_order_relaxed);
    while (in_flight > peak &&
           !atomic_compare_exchange_weak_explicit(&recorder->in_flight_peak, &peak, in_flight,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
    check_plateau(recorder, in_flight);
}

void recorder_task_end(struct recorder *recorder) {
    if (!atomic_load_explicit(&recorder->first_ended_ns, memory_order_relaxed)) {
        int64_t none = 0;
        atomic_compare_exchange_strong(&recorder->first_ended_ns, &none, clock_now_ns());
    }
    atomic_fetch_sub(&recorder->in_flight, 1);
}

void recorder_all_spawned(struct recorder *recorder, uint64_t spawned, int error) {
    recorder->all_spawned_ns = clock_now_ns();
    recorder->spawned = spawned;
    recorder->spawn_error = error;
    if (error)
        return;
    atomic_store(&recorder->is_all_spawned, true);
    check_plateau(recorder, atomic_load(&recorder->in_flight));
}

void recorder_summarise(const struct recorder *recorder, struct recorder_summary *out) {
    *out = (struct recorder_summary){0};
    for (uint64_t i = 0; i < recorder->operations; i++) {
        const struct operation_record *record = &recorder->records[i];
        if (!record->end_ns)
            continue;
        if (record->error)
            out->failed++;
        else
            out->ended++;
        if (record->end_ns > out->last_end_ns)
            out->last_end_ns = record->end_ns;
    }
}
