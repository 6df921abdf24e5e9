/* What a workload tells the harness while it runs: where each operation begins and ends, with which
   value, and how many tasks are under way. A workload reads no clock; these calls do it for it.
   They allocate nothing, lock nothing and print nothing; each takes some tens of nanoseconds.
   Implemented in measure/recorder.c. */
#ifndef TVA_OPERATION_H
#define TVA_OPERATION_H

#include <stdint.h>

struct recorder;

/* Operation `operation`, 0 <= operation < the workload's number of operations, begins or ends in
   the calling task. Every operation is begun once and ended once, by the same task, concurrently
   with other operations. `error` is 0 or a negative error (an errno, or one that the workload can
   name); `value` is what the oracle is asked about when there is no error. */
void operation_begin(struct recorder *recorder, uint64_t operation);
void operation_end(struct recorder *recorder, uint64_t operation, int error, uint64_t value);

/* Sets, once no task is left, the value of an operation that has ended without an error. */
void operation_set_value(struct recorder *recorder, uint64_t operation, uint64_t value);

/* The calling task is under way; the calling task is about to end. Called by tasks that count. */
void recorder_task_begin(struct recorder *recorder);
void recorder_task_end(struct recorder *recorder);

/* Sets, and returns, the time from which the operations' due times count: lead_ns from now, so that
   all tasks can be there by then. Called once, by main, before it spawns, by workloads whose
   operations are due at times known beforehand. */
int64_t recorder_start(struct recorder *recorder, int64_t lead_ns);

/* Blocking call `block`, 0 <= block < the workload's number of them, begins or ends, in whichever
   thread makes it. `error` is 0 or the negative errno that it failed with. */
void recorder_block_begin(struct recorder *recorder, uint64_t block);
void recorder_block_end(struct recorder *recorder, uint64_t block, int error);

/* All tasks are spawned, or, with a negative error, only `spawned` of them. Called once, by main.
 */
void recorder_all_spawned(struct recorder *recorder, uint64_t spawned, int error);

#endif
