/* START HERE: what a workload may call. One workload function runs, unchanged, as a coroutine on an
   event loop or as a pthread; which of the two is decided by the model that the process runs
   (common/model.h). The words are asyncio's; docs/concepts.md sets the two side by side.

   Errors are 0 or a negative errno; results come through the last parameter, set only on success.
   Durations and times are nanoseconds; a deadline is a time on the clock of common/clock.h.
   Every call but task_deadline() may only be made from a task, that is from the main function
   given to model_run() or from a function that it spawned, directly or not. A call that waits
   suspends the calling task alone: a coroutine gives its loop to others, a thread blocks. */
#ifndef TVA_TASK_H
#define TVA_TASK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One concurrent activity. Its handle is owned by whoever spawned it, until it is awaited. */
struct task;

/* The body of a task. What it returns, 0 or a negative errno by custom, is what awaiting it gives.
 */
typedef int task_function(void *arg);

/* Starts function(arg) as a task of its own [asyncio.create_task]. It may run at once, later, or,
   in a pool, not before a worker is free or awaits it. `name` names it in reports and is not
   copied: it and `arg` must live until the task has ended. The caller owns *out and must await it.
   Returns 0; -EAGAIN or -ENOMEM if the machine allows no further task. */
int task_spawn(struct task **out, const char *name, task_function *function, void *arg);

/* Waits until the task has ended, stores what its function returned in *result (unless NULL) and
   frees the handle [await]. Returns 0. */
int task_await(struct task *task, int *result);

/* Waits until all `count` tasks have ended, stores what each returned in results[i] (unless results
   is NULL), in the order of `tasks`, and frees the handles [asyncio.gather, with
   return_exceptions]. Returns 0, or the first result in that order that is negative. */
int task_gather(struct task *const *tasks, size_t count, int *results);

/* Suspends the calling task for at least `duration_ns`; never less. Zero or less gives way once, as
   task_yield() does [asyncio.sleep]. Returns 0. */
int task_sleep(int64_t duration_ns);

/* Lets the other tasks that are ready run first [asyncio.sleep(0)]. */
void task_yield(void);

/* The calling task [asyncio.current_task]. The handle is good for comparing and, until the task
   ends, for nothing else. */
struct task *task_self(void);

/* A deadline that never comes. */
#define TASK_NO_DEADLINE INT64_MAX

/* The time `after_ns` from now, to be given as a deadline to any number of calls. */
int64_t task_deadline(int64_t after_ns);

/* A connected stream socket [asyncio.StreamReader and StreamWriter in one]. Owned by whoever
   opened it, until it is closed; one task at a time may use it. */
struct stream;

/* Connects to an address. Returns 0; -ETIMEDOUT when the deadline comes first; -ECONNREFUSED and
   what else connect(2) and socket(2) report, -EMFILE among them; -ENOMEM. */
int stream_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline);

/* Reads what is there, at least 1 and at most `size` bytes, waiting for the first [reader.read].
   Returns the number of bytes; 0 when the peer has closed; -ETIMEDOUT when the deadline comes first
   (the kernel's own timeouts, which a thread uses, are rounded up to its tick, so a deadline may be
   noticed some milliseconds late, and up to one eighth of the wait); -ECONNRESET and what else
   recv(2) reports. */
ptrdiff_t stream_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);

/* Writes all `size` bytes, waiting as often as needed [writer.write, drain]. Returns 0; -ETIMEDOUT;
   -EPIPE, -ECONNRESET and what else send(2) reports: then part may have been written. */
int stream_write(struct stream *stream, const void *data, size_t size, int64_t deadline);

/* Closes the connection and frees the stream. NULL is allowed. */
void stream_close(struct stream *stream);

#endif
