/* A ring of tasks hands a token round: what it costs to give way to one certain other task. By
   yield, who has not the token gives way until it has; by semaphore, it waits for its own one,
   which the task before it releases; by pipe, for a byte from that task, so that I/O wakes it. */
#include "workloads/workload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sync/semaphore.h"
#include "workloads/busy.h"
#include "workloads/choice.h"
#include "workloads/fan_out.h"
#include "workloads/random.h"

#define CACHE_LINE_BYTES 64

enum way { BY_YIELD, BY_SEMAPHORE, BY_PIPE };
static const char *const way_names[] = {"yield", "semaphore", "pipe", NULL};

struct switch_params {
    struct workload_params common;
    char *by;
    int64_t switches;
    int64_t batches;
};

/* A task's place in the ring; what its way does not need is NULL. */
struct place {
    struct semaphore *semaphore;
    struct stream *from_previous;
    struct stream *to_next;
};

/* Only who has the token may touch it, but for the steps. */
struct token {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t steps; /* made since the start, by yield alone */
    uint64_t visits;                                   /* checksum of those who had it, in order */
};

struct switch_state {
    const struct switch_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    enum way way;
    uint64_t tasks;
    uint64_t laps; /* of the token in each operation */
    struct place *places;
    struct token token;
};

static struct place *next_place(const struct switch_state *s, uint64_t number) {
    return &s->places[number + 1 < s->tasks ? number + 1 : 0];
}

/* Makes streams of both ends of a pair, or of none. */
static int open_pair(struct stream **first, struct stream **second) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    int err = stream_open(first, ends[0]);
    if (err) {
        close(ends[0]);
    } else if ((err = stream_open(second, ends[1]))) {
        stream_close(*first);
        *first = NULL;
    }
    if (err)
        close(ends[1]);
    return err;
}

static int open_place(struct switch_state *s, uint64_t number) {
    struct place *place = &s->places[number];
    if (s->way == BY_SEMAPHORE)
        return semaphore_create(&place->semaphore, 0);
    return s->way == BY_PIPE ? open_pair(&place->to_next, &next_place(s, number)->from_previous)
                             : 0;
}

static void close_places(struct switch_state *s) {
    for (uint64_t i = 0; i < s->tasks; i++) {
        if (s->places[i].semaphore)
            semaphore_destroy(s->places[i].semaphore);
        stream_close(s->places[i].from_previous);
        stream_close(s->places[i].to_next);
        s->places[i] = (struct place){0};
    }
}

static int open_places(struct switch_state *s) {
    int err = 0;
    for (uint64_t i = 0; i < s->tasks && !err; i++)
        err = open_place(s, i);
    if (err)
        close_places(s);
    return err;
}

static int yield_until(const struct token *token, uint64_t step) {
    int err = 0;
    while (atomic_load_explicit(&token->steps, memory_order_acquire) != step && !err)
        err = task_yield();
    return err;
}

static int read_byte(struct stream *stream) {
    char byte;
    ptrdiff_t count = stream_read(stream, &byte, 1, TASK_NO_DEADLINE);
    return count == 1 ? 0 : count < 0 ? (int)count : -EPIPE;
}

/* `step` counts the hand-overs: the token is with task step % tasks. */
static int receive(struct switch_state *s, uint64_t number, uint64_t step) {
    if (s->way == BY_YIELD)
        return yield_until(&s->token, step);
    if (s->way == BY_SEMAPHORE)
        return semaphore_acquire(s->places[number].semaphore, TASK_NO_DEADLINE);
    return read_byte(s->places[number].from_previous);
}

static int pass(struct switch_state *s, uint64_t number, uint64_t step) {
    if (s->way == BY_PIPE)
        return stream_write(s->places[number].to_next, "t", 1, TASK_NO_DEADLINE);
    if (s->way == BY_SEMAPHORE)
        semaphore_release(next_place(s, number)->semaphore);
    else
        atomic_store_explicit(&s->token.steps, step + 1, memory_order_release);
    return 0;
}

/* FNV-1a's step, a task's number in place of a byte. */
static uint64_t visit(uint64_t visits, uint64_t number) {
    return (visits ^ number) * UINT64_C(0x100000001b3);
}

static uint64_t first_visits(const struct switch_params *params, uint64_t operation) {
    return random_at((uint64_t)params->common.seed, operation);
}

static int visit_and_pass(struct switch_state *s, uint64_t number, uint64_t step) {
    s->token.visits = visit(s->token.visits, number);
    return pass(s, number, step);
}

/* Task 0 has the token at first, and times its laps. */
static int lead(struct switch_state *s) {
    uint64_t step = 0;
    int err = 0;
    for (uint64_t op = 0; op < (uint64_t)s->params->batches && !err; op++) {
        s->token.visits = first_visits(s->params, op);
        operation_begin(s->recorder, op);
        for (uint64_t lap = 0; lap < s->laps && !err; lap++) {
            err = visit_and_pass(s, 0, step);
            step += s->tasks;
            if (!err)
                err = receive(s, 0, step);
        }
        operation_end(s->recorder, op, err, s->token.visits);
    }
    return err;
}

static int follow(struct switch_state *s, uint64_t number) {
    uint64_t end = s->laps * (uint64_t)s->params->batches * s->tasks;
    int err = 0;
    for (uint64_t step = number; step < end && !err; step += s->tasks) {
        err = receive(s, number, step);
        if (!err)
            err = visit_and_pass(s, number, step);
    }
    return err;
}

static int switch_task(void *state, uint64_t number) {
    struct switch_state *s = state;
    return number == 0 ? lead(s) : follow(s, number);
}

static int switch_main(void *state) {
    struct switch_state *s = state;
    int err = open_places(s);
    if (err) {
        recorder_all_spawned(s->recorder, 0, err);
        return err;
    }
    err = fan_out_run_together(s->fan_out);
    close_places(s);
    return err;
}

static uint64_t laps_of(const struct switch_params *params) {
    return (uint64_t)((params->switches + params->common.tasks - 1) / params->common.tasks);
}

static uint64_t switch_operations(const void *params) {
    return (uint64_t)((const struct switch_params *)params)->batches;
}

static int64_t switch_units(const void *params) {
    const struct switch_params *p = params;
    return (int64_t)laps_of(p) * p->common.tasks;
}

static bool switch_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct switch_params *p = params;
    uint64_t visits = first_visits(p, operation);
    for (uint64_t step = 0; step < (uint64_t)switch_units(p); step++)
        visits = visit(visits, step % (uint64_t)p->common.tasks);
    return value == visits;
}

static int switch_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    return choice_check("by", way_names, ((const struct switch_params *)params)->by, message);
}

static void switch_destroy(void *state) {
    struct switch_state *s = state;
    fan_out_destroy(s->fan_out);
    free(s->places);
    free(s);
}

static int switch_prepare(const struct workload_input *input, void **state,
                          char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct switch_state *s = aligned_alloc(CACHE_LINE_BYTES, sizeof *s);
    if (!s)
        return -ENOMEM;
    const struct switch_params *p = input->params;
    *s = (struct switch_state){.params = p,
                               .recorder = input->recorder,
                               .way = (enum way)choice_index(way_names, p->by),
                               .tasks = (uint64_t)p->common.tasks,
                               .laps = laps_of(p)};
    s->places = malloc(s->tasks * sizeof *s->places);
    int err = s->places
                  ? fan_out_create(&s->fan_out, s->tasks, "switch", switch_task, s, s->recorder)
                  : -ENOMEM;
    if (err) {
        switch_destroy(s);
        return err;
    }
    memset(s->places, 0, s->tasks * sizeof *s->places);
    *state = s;
    return 0;
}

static const struct parameter switch_parameters[] = {
    {"tasks", PARAMETER_COUNT, offsetof(struct workload_params, tasks), "2", 2, 10000000, "COUNT",
     "tasks in the ring; a pool needs as many workers"},
    {"by", PARAMETER_TEXT, offsetof(struct switch_params, by), "yield", 0, 0,
     "yield|semaphore|pipe", "how the token is handed over"},
    {"switches", PARAMETER_COUNT, offsetof(struct switch_params, switches), "1000", 1, 1000000000,
     "COUNT", "hand-overs in each operation, rounded up to whole laps of the ring"},
    {"batches", PARAMETER_COUNT, offsetof(struct switch_params, batches), "100", 1, 10000000,
     "COUNT", "operations, one after the other"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_switch = {
    .name = "switch",
    .summary = "a ring of tasks hands a token round: the cost of a switch between tasks",
    .operation = "one batch of hand-overs",
    .parameters = switch_parameters,
    .params_bytes = sizeof(struct switch_params),
    .unit = "one switch",
    .units = switch_units,
    .task_stack_bytes = 640,
    .check = switch_check,
    .operations = switch_operations,
    .wait_ns = busy_wait_ns,
    .is_right = switch_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = switch_prepare,
    .main = switch_main,
    .destroy = switch_destroy,
};
