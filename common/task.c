/* The seam: each call of task.h goes to the engine of the model that this process runs. The one
   indirect call is the whole cost of having a workload only once. */
#include "task.h"

#include "clock.h"
#include "model.h"

const struct task_calls *task_calls;

int model_run(const struct model *model, const struct model_options *options,
              task_function *main_function, void *arg, int *result) {
    task_calls = model->calls;
    return model->run(options, main_function, arg, result);
}

const struct task_calls *model_replace_calls(const struct task_calls *replacement) {
    const struct task_calls *replaced = task_calls;
    task_calls = replacement;
    return replaced;
}

int task_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    return task_calls->spawn(out, name, function, arg);
}

bool task_cancel(struct task *task) {
    return task_calls->cancel(task);
}

void task_detach(struct task *task) {
    task_calls->detach(task);
}

bool task_is_done(const struct task *task) {
    return task_calls->is_done(task);
}

int task_sleep(int64_t duration_ns) {
    return duration_ns > 0 ? task_sleep_until(task_deadline(duration_ns)) : task_yield();
}

int task_sleep_until(int64_t time_ns) {
    return task_calls->sleep_until(time_ns);
}

int task_yield(void) {
    return task_calls->yield();
}

struct task *task_self(void) {
    return task_calls->self();
}

const char *task_name(const struct task *task) {
    return task_calls->name(task);
}

int task_offload(task_function *function, void *arg, int *result) {
    return task_calls->offload(function, arg, result);
}

int64_t task_deadline(int64_t after_ns) {
    int64_t now_ns = clock_now_ns();
    return after_ns > TASK_NO_DEADLINE - now_ns ? TASK_NO_DEADLINE : now_ns + after_ns;
}

int task_mutex_create(struct task_mutex **out) {
    return task_calls->mutex_create(out);
}

void task_mutex_destroy(struct task_mutex *mutex) {
    task_calls->mutex_destroy(mutex);
}

int task_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    return task_calls->mutex_lock(mutex, deadline);
}

void task_mutex_lock_finally(struct task_mutex *mutex) {
    task_calls->mutex_lock_finally(mutex);
}

int task_mutex_unlock(struct task_mutex *mutex) {
    return task_calls->mutex_unlock(mutex);
}

int task_condition_create(struct task_condition **out) {
    return task_calls->condition_create(out);
}

void task_condition_destroy(struct task_condition *condition) {
    task_calls->condition_destroy(condition);
}

int task_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                        int64_t deadline) {
    return task_calls->condition_wait(condition, mutex, deadline);
}

void task_condition_notify(struct task_condition *condition, size_t count) {
    task_calls->condition_notify(condition, count);
}

int stream_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline) {
    return task_calls->connect(out, address, address_length, deadline);
}

int stream_open(struct stream **out, int fd) {
    return task_calls->open(out, fd);
}

ptrdiff_t stream_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    return task_calls->read(stream, buffer, size, deadline);
}

int stream_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    return task_calls->write(stream, data, size, deadline);
}

void stream_close(struct stream *stream) {
    task_calls->close(stream);
}

int listener_open(struct listener **out, const struct sockaddr *address, socklen_t address_length,
                  int backlog) {
    return task_calls->listen(out, address, address_length, backlog);
}

int listener_address(const struct listener *listener, struct sockaddr_storage *out) {
    return task_calls->listener_address(listener, out);
}

int listener_accept(struct listener *listener, int64_t deadline, struct stream **out) {
    return task_calls->accept(listener, deadline, out);
}

void listener_close(struct listener *listener) {
    task_calls->listener_close(listener);
}
