#include "workloads/connections.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sync/flag.h"
#include "workloads/digits.h"

#define SECOND_NS INT64_C(1000000000)

static int connect_to_origin(struct connection *c) {
    const struct http_url *url = c->state->url;
    return stream_connect(&c->stream, (const struct sockaddr *)&url->address, url->address_length,
                          task_deadline(CONNECTIONS_PATIENCE_NS));
}

static int read_answer(struct connection *c, int64_t deadline) {
    struct http_exchange *exchange = c->exchange;
    while (!exchange->response.is_complete) {
        ptrdiff_t bytes =
            stream_read(c->stream, exchange->buffer, exchange->buffer_bytes, deadline);
        int err = bytes < 0 ? (int)bytes : http_exchange_take(exchange, (size_t)bytes);
        if (err)
            return err;
    }
    return http_exchange_keeps_connection(exchange, 0) ? 0 : -EPROTO;
}

/* Begins and ends the operation; `connect_error` is why there is no connection to make it on. */
static void make_request(struct connection *c, uint64_t operation, int connect_error) {
    struct http_exchange *exchange = c->exchange;
    operation_begin(c->state->recorder, operation);
    int64_t deadline = task_deadline(CONNECTIONS_PATIENCE_NS);
    int err = connect_error;
    if (!err)
        err = http_exchange_begin(exchange, c->state->url, c->target);
    if (!err)
        err = stream_write(c->stream, exchange->request, exchange->request_bytes, deadline);
    if (!err)
        err = read_answer(c, deadline);
    if (!err && exchange->response.status != 200)
        err = -EBADMSG;
    operation_end(c->state->recorder, operation, err,
                  connections_value(exchange->response.body_checksum, operation));
}

/* A task counts as under way while its connection is open. */
static int open_connection(struct connection *c) {
    int err = connect_to_origin(c);
    if (!err)
        recorder_task_begin(c->state->recorder);
    return err;
}

static void close_connection(struct connection *c) {
    if (!c->stream)
        return;
    stream_close(c->stream);
    c->stream = NULL;
    recorder_task_end(c->state->recorder);
}

static int idle_task(void *arg) {
    struct connection *c = arg;
    struct connections_state *s = c->state;
    int err = open_connection(c);
    if (atomic_fetch_sub(&s->unopened, 1) == 1)
        flag_set(s->all_open);
    make_request(c, echo_operation(&s->order, c->number, 0), err);
    if (atomic_load(&s->active) > 0)
        atomic_fetch_add(&s->idle_early, 1);
    close_connection(c);
    return 0;
}

static int active_task(void *arg) {
    struct connection *c = arg;
    struct connections_state *s = c->state;
    int err = open_connection(c);
    for (uint64_t i = 0; i < s->order.requests; i++) {
        uint64_t operation = echo_operation(&s->order, c->number, i);
        uint64_t seed = echo_seed(s->order.seed, operation);
        int64_t pause_ns = i ? s->order.pause_ns : echo_lead_ns(&s->order, c->number);
        if (pause_ns)
            task_sleep(pause_ns);
        digits_write(c->target + s->seed_offset + DIGITS_MAX, seed, DIGITS_MAX);
        make_request(c, operation, err);
    }
    atomic_fetch_sub(&s->active, 1);
    close_connection(c);
    return 0;
}

/* Spawns the tasks of connections from .. to - 1; *spawned counts all there are. */
static int spawn_tasks(struct connections_state *s, const char *name, task_function *function,
                       uint64_t from, uint64_t to, uint64_t *spawned) {
    int err = 0;
    for (uint64_t i = from; i < to && !err; i++) {
        err = task_spawn(&s->tasks[*spawned], name, function, &s->connections[i]);
        if (!err)
            ++*spawned;
    }
    return err;
}

/* The active ones are spawned only when all idle connections are open: so a pool, too, comes to the
   end, though it can hold no more of these than it has workers; only with a single one, which main
   has while it waits, it ends with -EDEADLK. */
static int spawn_all(struct connections_state *s, uint64_t *spawned) {
    int err = spawn_tasks(s, "idle", idle_task, s->order.active, s->order.connections, spawned);
    if (!err && *spawned)
        err = flag_await(s->all_open, TASK_NO_DEADLINE);
    return err ? err : spawn_tasks(s, "active", active_task, 0, s->order.active, spawned);
}

int connections_client_main(void *state) {
    struct connections_state *s = state;
    uint64_t spawned = 0;
    int err = flag_create(&s->all_open);
    if (err)
        return err;
    err = spawn_all(s, &spawned);
    recorder_all_spawned(s->recorder, spawned, err);
    int result = task_gather(s->tasks, spawned, NULL);
    flag_destroy(s->all_open);
    return err ? err : result;
}

/* Returns the length; the seed's digits are the last. */
static int write_target(struct connection *c) {
    const struct connections_state *s = c->state;
    uint64_t seed = echo_seed(s->order.seed, echo_operation(&s->order, c->number, 0));
    int64_t hold_ns = c->number < s->order.active ? 0 : s->params->hold_ns;
    return snprintf(c->target, sizeof c->target, "/delay/%lld.%09lld?bytes=%lld&seed=%0*llu",
                    (long long)(hold_ns / SECOND_NS), (long long)(hold_ns % SECOND_NS),
                    (long long)s->params->bytes, DIGITS_MAX, (unsigned long long)seed);
}

int connections_client_prepare(struct connections_state *s, const struct workload_input *input,
                               char message[WORKLOAD_MESSAGE_BYTES]) {
    if (!input->origin_url) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES, "no origin was started");
        return -EINVAL;
    }
    s->unopened = s->order.connections - s->order.active;
    s->active = s->order.active;
    int err = http_url_create(&s->url, input->origin_url, message);
    if (!err)
        err = http_url_resolve(s->url, message);
    size_t buffer_bytes = (size_t)s->order.bytes + 512; /* an answer with its headers */
    for (uint64_t i = 0; i < s->order.connections && !err; i++) {
        struct connection *c = &s->connections[i];
        err = http_exchange_create(&c->exchange, CONNECTIONS_TARGET_BYTES, buffer_bytes, true);
        if (!err && i == 0)
            s->seed_offset = (size_t)write_target(c) - DIGITS_MAX;
        else if (!err)
            write_target(c);
    }
    return err;
}
