/* START HERE: what a workload may call. One workload function runs, unchanged, as a coroutine on an
   event loop or as a pthread; which of the two is decided by the model that the process runs
   (common/model.h). The words are asyncio's; docs/concepts.md sets the two side by side.

   Errors are 0 or a negative errno; results come through the last parameter, set only on success.
   Durations and times are nanoseconds; a deadline is a time on the clock of common/clock.h. All
   calls may only be made from a task: from the main function given to model_run(), or from a
   function that it spawned, directly or not. Handles may be used by any task of the run.

   A call that waits suspends the calling task alone: a coroutine gives its loop to others, a thread
   blocks. Every call that waits is marked [waits], and may end for three reasons that are not its
   own: -ECANCELED when the task has been cancelled, before or while it waits, which is told once;
   -ETIMEDOUT when it has a deadline and that comes first; -EDEADLK when all tasks wait and nothing
   can wake any of them, which is also reported by name on standard error. */
#ifndef TVA_TASK_H
#define TVA_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One concurrent activity. Its handle is owned by whoever spawned it, until it is awaited, gathered
   or detached. A task whose handle is still owned when main returns is reported by name. */
struct task;

/* The body of a task. What it returns, 0 or a negative errno by custom, is what awaiting it gives.
 */
typedef int task_function(void *arg);

/* Starts function(arg) as a task of its own [asyncio.create_task]. It may run at once, later, or,
   in a pool, not before a worker is free or awaits it. `name` names it in reports and is not
   copied: it and `arg` must live until the task has ended. The caller owns *out. Returns 0; -EAGAIN
   or -ENOMEM if the machine allows no further task. */
int task_spawn(struct task **out, const char *name, task_function *function, void *arg);

/* Waits until the task has ended, stores what its function returned in *result (unless NULL) and
   frees the handle [await]. When the caller is cancelled meanwhile, the task is cancelled in its
   place and awaited to its end: then the handle is freed too, and -ECANCELED returned. [waits]
   Returns 0; -EDEADLK for the caller itself, -EBUSY for a task that another awaits: both are
   reported by name, and the handle is left as it was. */
int task_await(struct task *task, int *result);

/* The same, but if the deadline comes first the task is cancelled and awaited to its end, and
   -ETIMEDOUT returned [asyncio.wait_for]. The handle is freed in any case but misuse. In a pool
   without an idle worker the caller runs the task itself, and the deadline has no effect. [waits]
 */
int task_await_until(struct task *task, int64_t deadline, int *result);

/* The same without a deadline, but a caller that is cancelled leaves the task as it is: then
   -ECANCELED is returned and the handle is still the caller's [asyncio.shield]. [waits] */
int task_await_shielded(struct task *task, int *result);

/* Waits until all `count` tasks have ended, stores what each returned in results[i] (unless results
   is NULL), in the order of `tasks`, and frees the handles [asyncio.gather,
   return_exceptions=True]. A caller that is cancelled cancels them all, awaits them and gets
   -ECANCELED. [waits] Returns 0, or the first result in that order that is negative. */
int task_gather(struct task *const *tasks, size_t count, int *results);

/* The same, but returns as soon as one task has ended with a negative result, with that; the others
   go on, detached, and their results are lost [asyncio.gather]. Then results[] is not set. A caller
   that is cancelled cancels them all and awaits them. [waits] */
int task_gather_until_error(struct task *const *tasks, size_t count, int *results);

/* Waits until at least one of the tasks has ended and stores its index, the lowest if there are
   several; all handles stay the caller's [asyncio.wait, FIRST_COMPLETED]. [waits] */
int task_wait_any(struct task *const *tasks, size_t count, int64_t deadline, size_t *index);

/* Asks a task to end: the call at which it waits, or the next one at which it does, returns
   -ECANCELED; its cleanup runs as for any other error. A task that has not started never does: its
   result is -ECANCELED [task.cancel]. Returns false if it has ended already. The caller must know
   the handle to be valid; it may be its own. */
bool task_cancel(struct task *task);

/* Gives up the handle; the task frees itself at its end [fire and forget]. One that is still under
   way when main returns is cancelled. */
void task_detach(struct task *task);

/* Whether the task has ended, so that awaiting it would not wait [task.done]. */
bool task_is_done(const struct task *task);

/* Suspends the calling task for at least `duration_ns`; never less. Zero or less gives way once, as
   task_yield() does [asyncio.sleep]. [waits] */
int task_sleep(int64_t duration_ns);

/* Suspends the calling task until a time; never less. If that has passed, those that are due
   earlier still come first [loop.call_at]. [waits] */
int task_sleep_until(int64_t time_ns);

/* Lets the other tasks that are ready run first [asyncio.sleep(0)]. [waits] */
int task_yield(void);

/* The calling task [asyncio.current_task]; whoever does not own it may only compare and cancel it,
   until it ends. */
struct task *task_self(void);
const char *task_name(const struct task *task);

/* Runs a blocking call, function(arg), where it holds up nobody else, and stores what it returned
   in *result [asyncio.to_thread]: on a helper thread when the model is a loop; right here where the
   task has a thread to itself. A caller that is cancelled before the call began gets -ECANCELED and
   the call is not made; after that it is waited for, since it uses `arg`, and then -ECANCELED is
   returned. [waits] */
int task_offload(task_function *function, void *arg, int *result);

/* A deadline that never comes. */
#define TASK_NO_DEADLINE INT64_MAX

/* The time `after_ns` from now, to be given as a deadline to any number of calls. */
int64_t task_deadline(int64_t after_ns);

/* A lock for what several tasks use across a call that waits [asyncio.Lock]. Not recursive. In one
   loop it is needed only there; elsewhere for everything shared. */
struct task_mutex;

int task_mutex_create(struct task_mutex **out); /* -ENOMEM */
void task_mutex_destroy(struct task_mutex *mutex);
int task_mutex_lock(struct task_mutex *mutex, int64_t deadline); /* [waits] */

/* The same, but waits to the end whatever happens to the caller, for what is locked only shortly.
 */
void task_mutex_lock_finally(struct task_mutex *mutex);

/* Returns 0, or -EPERM, reported by name, for a mutex that the caller does not hold. */
int task_mutex_unlock(struct task_mutex *mutex);

/* Where tasks wait for something to change that a mutex guards [asyncio.Condition]. */
struct task_condition;

int task_condition_create(struct task_condition **out); /* -ENOMEM */
void task_condition_destroy(struct task_condition *condition);

/* Unlocks the mutex, waits to be notified, and locks it again, whatever the result; the wait for
   the lock itself cannot be cancelled. Callers check again what they wait for. [waits]
   Returns 0, or -EPERM as task_mutex_unlock(). */
int task_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                        int64_t deadline);

/* Wakes up to `count` tasks that wait, those first that wait longest. The mutex must be held. */
void task_condition_notify(struct task_condition *condition, size_t count);

/* A connected stream socket [asyncio.StreamReader and StreamWriter in one]. Owned by whoever
   opened it, until it is closed; one task at a time may use it. A read or write that is cancelled
   or timed out leaves it as it was, save for the part already moved. */
struct stream;

/* Connects to an address [asyncio.open_connection]. [waits] Returns 0; -ECONNREFUSED and what else
   connect(2) and socket(2) report, -EMFILE among them; -ENOMEM. */
int stream_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline);

/* Makes a stream of a connected socket, which it then owns. Returns 0 or -ENOMEM; then the socket
   is still the caller's. */
int stream_open(struct stream **out, int fd);

/* Reads what is there, at least 1 and at most `size` bytes, waiting for the first [reader.read].
   [waits] Returns the number of bytes; 0 when the peer has closed; -ECONNRESET and what else
   recv(2) reports. (A thread's deadlines here are the kernel's own socket timeouts, which are
   rounded up to its tick: they may be noticed some milliseconds late, and up to one eighth of the
   wait.) */
ptrdiff_t stream_read(struct stream *stream, void *buffer, size_t size, int64_t deadline);

/* Writes all `size` bytes, waiting as often as needed [writer.write, drain]. [waits] Returns 0;
   -EPIPE, -ECONNRESET and what else send(2) reports: then part may have been written. */
int stream_write(struct stream *stream, const void *data, size_t size, int64_t deadline);

/* Closes the connection and frees the stream. NULL is allowed. */
void stream_close(struct stream *stream);

/* A socket that others connect to [asyncio.start_server]. Several tasks may accept from it. */
struct listener;

/* Listens on an address; `backlog` as of listen(2). Returns 0; -EADDRINUSE and what else bind(2)
   and listen(2) report; -ENOMEM. */
int listener_open(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                  int backlog);

/* The address listened on, the port chosen by the kernel included. */
int listener_address(const struct listener *listener, struct sockaddr_storage *out);

/* Waits for a connection. [waits] The caller owns *out. Returns 0; what accept(2) reports. */
int listener_accept(struct listener *listener, int64_t deadline, struct stream **out);

void listener_close(struct listener *listener);

#endif
