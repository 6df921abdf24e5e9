#include "measure/timeline.h"

#include "clock.h"
#include "model.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct watched_task {
    struct timeline *timeline;
    uint32_t number;
    task_function *function;
    void *arg;
    _Atomic(struct task *) self; /* known once it runs */
    int64_t running_since_ns;    /* used by the task alone */
};

struct timeline {
    int64_t start_ns;
    struct watched_task *tasks;
    size_t task_room;
    atomic_size_t task_count;
    struct timeline_span *spans;
    size_t span_room;
    atomic_size_t span_count;
};

/* The calls have no argument to carry these. */
static struct timeline *watching;
static const struct task_calls *inner;

int timeline_create(struct timeline **out, size_t tasks, size_t spans) {
    struct timeline *timeline = calloc(1, sizeof *timeline);
    if (!timeline)
        return -ENOMEM;
    timeline->tasks = calloc(tasks, sizeof *timeline->tasks);
    timeline->spans = calloc(spans, sizeof *timeline->spans);
    timeline->task_room = tasks;
    timeline->span_room = spans;
    if (!timeline->tasks || !timeline->spans) {
        timeline_destroy(timeline);
        return -ENOMEM;
    }
    *out = timeline;
    return 0;
}

void timeline_destroy(struct timeline *timeline) {
    if (!timeline)
        return;
    free(timeline->spans);
    free(timeline->tasks);
    free(timeline);
}

static void record(const struct watched_task *task, int is_wait, int64_t from_ns, int64_t to_ns) {
    struct timeline *timeline = task->timeline;
    size_t index = atomic_fetch_add(&timeline->span_count, 1);
    if (index < timeline->span_room)
        timeline->spans[index] = (struct timeline_span){.task = task->number,
                                                        .is_wait = is_wait,
                                                        .from_ns = from_ns - timeline->start_ns,
                                                        .to_ns = to_ns - timeline->start_ns};
}

/* A search, since a task is known by its handle alone; few tasks are watched. */
static struct watched_task *find_self(void) {
    const struct task *self = inner->self();
    size_t count = atomic_load(&watching->task_count);
    for (size_t i = 0; i < count && i < watching->task_room; i++)
        if (atomic_load(&watching->tasks[i].self) == self)
            return &watching->tasks[i];
    return NULL;
}

/* Ends the stretch in which the calling task ran. Returns it, or NULL if it is not watched. */
static struct watched_task *begin_wait(int64_t *since_ns) {
    struct watched_task *task = find_self();
    *since_ns = clock_now_ns();
    if (task)
        record(task, 0, task->running_since_ns, *since_ns);
    return task;
}

static void end_wait(struct watched_task *task, int64_t since_ns) {
    if (!task)
        return;
    task->running_since_ns = clock_now_ns();
    record(task, 1, since_ns, task->running_since_ns);
}

static int watched_main(void *arg) {
    struct watched_task *task = arg;
    atomic_store(&task->self, inner->self());
    task->running_since_ns = clock_now_ns();
    int result = task->function(task->arg);
    record(task, 0, task->running_since_ns, clock_now_ns());
    atomic_store(&task->self, NULL); /* the handle may be another task's next */
    return result;
}

static int watched_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    size_t number = atomic_fetch_add(&watching->task_count, 1);
    if (number >= watching->task_room)
        return inner->spawn(out, name, function, arg);
    struct watched_task *task = &watching->tasks[number];
    task->timeline = watching;
    task->number = (uint32_t)number;
    task->function = function;
    task->arg = arg;
    return inner->spawn(out, name, watched_main, task);
}

static int watched_watch_wait(struct task_watch *watch, size_t wanted, int64_t deadline,
                              bool is_final) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->watch_wait(watch, wanted, deadline, is_final);
    end_wait(task, since_ns);
    return err;
}

static int watched_sleep_until(int64_t time_ns) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->sleep_until(time_ns);
    end_wait(task, since_ns);
    return err;
}

static int watched_yield(void) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->yield();
    end_wait(task, since_ns);
    return err;
}

static int watched_offload(task_function *function, void *arg, int *result) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->offload(function, arg, result);
    end_wait(task, since_ns);
    return err;
}

static int watched_mutex_lock(struct task_mutex *mutex, int64_t deadline) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->mutex_lock(mutex, deadline);
    end_wait(task, since_ns);
    return err;
}

static int watched_condition_wait(struct task_condition *condition, struct task_mutex *mutex,
                                  int64_t deadline) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->condition_wait(condition, mutex, deadline);
    end_wait(task, since_ns);
    return err;
}

static int watched_connect(struct stream **out, const struct sockaddr *address,
                           socklen_t address_length, int64_t deadline) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->connect(out, address, address_length, deadline);
    end_wait(task, since_ns);
    return err;
}

static ptrdiff_t watched_read(struct stream *stream, void *buffer, size_t size, int64_t deadline) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    ptrdiff_t count = inner->read(stream, buffer, size, deadline);
    end_wait(task, since_ns);
    return count;
}

static int watched_write(struct stream *stream, const void *data, size_t size, int64_t deadline) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->write(stream, data, size, deadline);
    end_wait(task, since_ns);
    return err;
}

static int watched_accept(struct listener *listener, int64_t deadline, struct stream **out) {
    int64_t since_ns;
    struct watched_task *task = begin_wait(&since_ns);
    int err = inner->accept(listener, deadline, out);
    end_wait(task, since_ns);
    return err;
}

/* The calls that do not wait stay the engine's. */
void timeline_start(struct timeline *timeline) {
    static struct task_calls watched;
    watched = *task_calls;
    watched.spawn = watched_spawn;
    watched.watch_wait = watched_watch_wait;
    watched.sleep_until = watched_sleep_until;
    watched.yield = watched_yield;
    watched.offload = watched_offload;
    watched.mutex_lock = watched_mutex_lock;
    watched.condition_wait = watched_condition_wait;
    watched.connect = watched_connect;
    watched.read = watched_read;
    watched.write = watched_write;
    watched.accept = watched_accept;
    timeline->start_ns = clock_now_ns();
    watching = timeline;
    inner = model_replace_calls(&watched);
}

const struct timeline_span *timeline_spans(const struct timeline *timeline, size_t *count) {
    size_t recorded = atomic_load(&timeline->span_count);
    *count = recorded < timeline->span_room ? recorded : timeline->span_room;
    return timeline->spans;
}
