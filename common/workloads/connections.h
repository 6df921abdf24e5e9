/* What the two sides of the workload "connections" share. Of `tasks` connections the first `active`
   are active; request r of connection c is operation echo_operation(c, r). */
#ifndef TVA_WORKLOADS_CONNECTIONS_H
#define TVA_WORKLOADS_CONNECTIONS_H

#include "http/exchange.h"
#include "workloads/echo.h"
#include "workloads/workload.h"

#include <stdatomic.h>

/* Longer than any answer takes; a trial's own time limit is mostly shorter. */
#define CONNECTIONS_PATIENCE_NS (600 * INT64_C(1000000000))

#define CONNECTIONS_TARGET_BYTES 96

struct connections_params {
    struct workload_params common;
    char *side;
    int64_t active;
    int64_t requests;
    int64_t pause_ns;
    int64_t hold_ns;
    int64_t bytes;
};

/* One connection, and what its task has to itself. */
struct connection {
    struct connections_state *state;
    uint64_t number;
    struct stream *stream;
    struct http_exchange *exchange; /* of the client's side */
    char *frame;                    /* of the server's side */
    char target[CONNECTIONS_TARGET_BYTES];
};

struct connections_state {
    const struct connections_params *params;
    struct recorder *recorder;
    struct echo_order order; /* what is to be done, for both sides */
    struct connection *connections;
    struct task **tasks; /* as many */

    /* Of the client's side. */
    struct http_url *url;
    size_t seed_offset;          /* of the seed's digits in a target of an active one */
    struct flag *all_open;       /* set when no idle connection is still to be opened */
    _Atomic uint64_t unopened;   /* idle ones that are still to be opened */
    _Atomic uint64_t active;     /* active ones that have not ended */
    _Atomic uint64_t idle_early; /* idle ones that were answered before all active ones had ended */

    /* Of the server's side. */
    int clients_port;
    char *frames; /* of all connections */
};

/* Each allocates what its side needs, in prepare, and is undone by connections_destroy(). Returns
   0, or a negative errno, with a line in message where errno does not say it all. */
int connections_client_prepare(struct connections_state *s, const struct workload_input *input,
                               char message[WORKLOAD_MESSAGE_BYTES]);
int connections_server_prepare(struct connections_state *s, const struct workload_input *input,
                               char message[WORKLOAD_MESSAGE_BYTES]);

/* The main functions; `arg` is the state. */
task_function connections_client_main;
task_function connections_server_main;

/* What an operation's value is for an answer whose payload has this checksum. */
static inline uint64_t connections_value(uint64_t checksum, uint64_t operation) {
    return random_at(checksum, operation);
}

#endif
