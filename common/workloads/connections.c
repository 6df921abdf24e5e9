/* N connections are held open while a few of them are active: what an idle connection costs, and
   what the active ones feel of it. As a client, the idle ones wait for an answer that our origin
   gives late; as a server, for a request of clients in another process. */
#include "workloads/connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "workloads/choice.h"

#define SECOND_NS INT64_C(1000000000)

enum side { SIDE_CLIENT, SIDE_SERVER };
static const char *const sides[] = {"client", "server", NULL};

static enum side side_of(const void *params) {
    return (enum side)choice_index(sides, ((const struct connections_params *)params)->side);
}

static bool connections_needs_origin(const void *params) {
    return side_of(params) == SIDE_CLIENT;
}

static bool connections_needs_clients(const void *params) {
    return side_of(params) == SIDE_SERVER;
}

static struct echo_order make_order(const struct connections_params *p) {
    return (struct echo_order){.connections = (uint64_t)p->common.tasks,
                               .active = (uint64_t)p->active,
                               .requests = (uint64_t)p->requests,
                               .pause_ns = p->pause_ns,
                               .bytes = (uint64_t)p->bytes,
                               .seed = (uint64_t)p->common.seed};
}

/* From the first request of all active connections to the last, by their pauses alone. */
static int64_t active_ns(const struct connections_params *p) {
    struct echo_order order = make_order(p);
    int64_t pauses_ns;
    if (__builtin_mul_overflow(p->requests - 1, p->pause_ns, &pauses_ns))
        return INT64_MAX / 2; /* longer than any time limit */
    return pauses_ns + echo_lead_ns(&order, order.active - 1);
}

static int connections_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct connections_params *p = params;
    int err = choice_check("side", sides, p->side, message);
    if (err)
        return err;
    if (p->active > p->common.tasks) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "active=%lld is more than tasks=%lld (try --active=%lld)", (long long)p->active,
                 (long long)p->common.tasks, (long long)p->common.tasks);
        return -EINVAL;
    }
    if (side_of(p) == SIDE_CLIENT && p->active < p->common.tasks && active_ns(p) >= p->hold_ns) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "the idle connections would be answered before the active ones have ended, which "
                 "takes %.3g s (try a longer --hold, fewer --requests or a shorter --pause)",
                 (double)active_ns(p) / 1e9);
        return -EINVAL;
    }
    return 0;
}

static uint64_t active_operations(const struct connections_params *p) {
    return (uint64_t)p->active * (uint64_t)p->requests;
}

static uint64_t connections_operations(const void *params) {
    const struct connections_params *p = params;
    return active_operations(p) + (uint64_t)(p->common.tasks - p->active);
}

static bool connections_is_timed(const void *params, uint64_t operation) {
    return operation < active_operations(params);
}

static int64_t connections_wait_ns(const void *params, uint64_t operation) {
    const struct connections_params *p = params;
    bool is_held = side_of(p) == SIDE_CLIENT && !connections_is_timed(p, operation);
    return is_held ? p->hold_ns : 0;
}

static int64_t connections_ideal_ns(const void *params) {
    const struct connections_params *p = params;
    bool has_held = side_of(p) == SIDE_CLIENT && p->active < p->common.tasks;
    return has_held ? p->hold_ns : active_ns(p); /* see connections_check() */
}

static bool connections_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct connections_params *p = params;
    uint64_t seed = echo_seed((uint64_t)p->common.seed, operation);
    return value == connections_value(body_checksum(seed, (uint64_t)p->bytes), operation);
}

static void connections_destroy(void *state) {
    struct connections_state *s = state;
    if (!s)
        return;
    for (uint64_t i = 0; s->connections && i < s->order.connections; i++)
        http_exchange_destroy(s->connections[i].exchange);
    http_url_destroy(s->url);
    free(s->frames);
    free(s->tasks);
    free(s->connections);
    free(s);
}

static int create_connections(struct connections_state *s) {
    size_t count = (size_t)s->order.connections;
    s->connections = malloc(count * sizeof *s->connections);
    s->tasks = malloc(count * sizeof(struct task *));
    if (!s->connections || !s->tasks)
        return -ENOMEM;
    memset(s->tasks, 0, count * sizeof(struct task *));
    for (size_t i = 0; i < count; i++)
        s->connections[i] = (struct connection){.state = s, .number = i};
    return 0;
}

static int connections_prepare(const struct workload_input *input, void **state,
                               char message[WORKLOAD_MESSAGE_BYTES]) {
    struct connections_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    s->order = make_order(s->params);
    int err = create_connections(s);
    if (!err)
        err = side_of(s->params) == SIDE_CLIENT ? connections_client_prepare(s, input, message)
                                                : connections_server_prepare(s, input, message);
    if (err) {
        connections_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int connections_main(void *state) {
    struct connections_state *s = state;
    return side_of(s->params) == SIDE_CLIENT ? connections_client_main(s)
                                             : connections_server_main(s);
}

static size_t connections_figures(const void *state, struct workload_figure *out) {
    const struct connections_state *s = state;
    if (side_of(s->params) == SIDE_SERVER)
        return 0;
    out[0] = (struct workload_figure){"idle_answered_early", (int64_t)s->idle_early};
    return 1;
}

static const struct parameter connections_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("1000"),
    {"side", PARAMETER_TEXT, offsetof(struct connections_params, side), "client", 0, 0,
     "client|server", "connect to our origin, or be the server of clients in another process"},
    {"active", PARAMETER_COUNT, offsetof(struct connections_params, active), "20", 1, 10000000,
     "COUNT", "connections, of all, that make requests while the others are idle"},
    {"requests", PARAMETER_COUNT, offsetof(struct connections_params, requests), "50", 1, 1000000,
     "COUNT", "requests of each active connection, one after the other"},
    {"pause", PARAMETER_DURATION, offsetof(struct connections_params, pause_ns), "5ms", 0,
     3600 * SECOND_NS, "DURATION", "between an answer and the next request of its connection"},
    {"hold", PARAMETER_DURATION, offsetof(struct connections_params, hold_ns), "400ms", 0,
     3600 * SECOND_NS, "DURATION",
     "how long our origin lets an idle connection of a client wait for its answer"},
    {"bytes", PARAMETER_SIZE, offsetof(struct connections_params, bytes), "64", 8, ECHO_BYTES_MAX,
     "SIZE", "body of an answer; of a server, payload of a request and of its answer"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_connections = {
    .name = "connections",
    .summary = "idle connections held open while a few are active, as a client or as a server",
    .operation = "one request",
    .parameters = connections_parameters,
    .params_bytes = sizeof(struct connections_params),
    .task_stack_bytes = 768,
    .needs_origin = connections_needs_origin,
    .needs_clients = connections_needs_clients,
    .check = connections_check,
    .operations = connections_operations,
    .wait_ns = connections_wait_ns,
    .is_right = connections_is_right,
    .is_timed = connections_is_timed,
    .ideal_ns = connections_ideal_ns,
    .prepare = connections_prepare,
    .main = connections_main,
    .destroy = connections_destroy,
    .figures = connections_figures,
};
