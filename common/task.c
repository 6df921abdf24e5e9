/* The seam: each call of task.h goes to the engine of the model that this process runs. The one
   indirect call is the whole cost of having a workload only once. */
#include "task.h"

#include "clock.h"
#include "model.h"

static const struct task_calls *calls;

int model_run(const struct model *model, const struct model_options *options,
              task_function *main_function, void *arg, int *result) {
    calls = model->calls;
    return model->run(options, main_function, arg, result);
}

const struct task_calls *model_replace_calls(const struct task_calls *replacement) {
    const struct task_calls *replaced = calls;
    calls = replacement;
    return replaced;
}

int task_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    return calls->spawn(out, name, function, arg);
}

int task_await(struct task *task, int *result) {
    return calls->await(task, result);
}

int task_gather(struct task *const *tasks, size_t count, int *results) {
    return calls->gather(tasks, count, results);
}

int task_sleep(int64_t duration_ns) {
    return calls->sleep(duration_ns);
}

void task_yield(void) {
    calls->yield();
}

struct task *task_self(void) {
    return calls->self();
}

int64_t task_deadline(int64_t after_ns) {
    int64_t now_ns = clock_now_ns();
    return after_ns > TASK_NO_DEADLINE - now_ns ? TASK_NO_DEADLINE : now_ns + after_ns;
}

int stream_connect(struct stream **out, const struct sockaddr *address, socklen_t address_length,
                   int64_t deadline) {
    return calls->connect(out, address, address_length, deadline);
}

ptrdiff_t stream_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    return calls->read(stream, buffer, size, deadline);
}

int stream_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    return calls->write(stream, data, size, deadline);
}

void stream_close(struct stream *stream) {
    calls->close(stream);
}
