/* What passes between a trial that is a server (connections_server.c) and its clients, in another
   process of this program on the same machine (harness/clients.c).

   The trial connects to the clients and sends its order. Then it grants them, again and again, a
   number of connections to open, at most ECHO_GRANT_MAX; they open those, in the order of their
   numbers, and answer with how many they could open, or, where not even one, with a negative errno.
   So no queue overflows and both know what there is. A grant of 0 starts the requests: connections
   0 .. active - 1 send theirs, one after the other, with pauses; when all of them have been
   answered, each of the others sends one. A connection that has been answered to the end is closed;
   when none is left, the clients close the one that the order came by. If the trial closes that
   before, they close all. */
#ifndef TVA_WORKLOADS_ECHO_H
#define TVA_WORKLOADS_ECHO_H

#include "http/body.h"
#include "workloads/random.h"

#include <stddef.h>
#include <stdint.h>

#define ECHO_GRANT_MAX 256

/* A frame and its echo always fit what a connection's sockets hold, so that sending never waits. */
#define ECHO_BYTES_MAX (INT64_C(16) << 10)

struct echo_order {
    uint64_t port; /* of 127.0.0.1, where the trial listens */
    uint64_t connections;
    uint64_t active;
    uint64_t requests; /* of each active connection */
    int64_t pause_ns;  /* between an answer and the next request of its connection */
    uint64_t bytes;    /* of each payload */
    uint64_t seed;
};

typedef int64_t echo_grant;

/* A request, and its answer, is this with the payload behind it. */
struct echo_frame {
    uint64_t operation;
    uint64_t bytes; /* of the payload */
};

/* Request `number` of a connection is this operation. */
static inline uint64_t echo_operation(const struct echo_order *order, uint64_t connection,
                                      uint64_t number) {
    return connection < order->active
               ? connection * order->requests + number
               : order->active * order->requests + connection - order->active;
}

static inline uint64_t echo_seed(uint64_t seed, uint64_t operation) {
    return random_at(seed, operation);
}

/* When an active connection's first request is due, from the start: spread over a pause. */
static inline int64_t echo_lead_ns(const struct echo_order *order, uint64_t connection) {
    return (int64_t)((__int128)order->pause_ns * (__int128)connection / (__int128)order->active);
}

#endif
