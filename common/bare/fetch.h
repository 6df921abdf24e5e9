/* What the floors of fetch have in common: the requests, and a client for each task with its
   exchange; not how its bytes are moved and waited for. */
#ifndef TVA_BARE_FETCH_H
#define TVA_BARE_FETCH_H

#include "http/exchange.h"
#include "workloads/fetch.h"

/* Begins the client of each floor. */
struct bare_client {
    struct http_exchange *exchange;
    const struct http_url *url; /* that it is connected to */
    int fd;                     /* -1: it is not */
    char target[FETCH_TARGET_BYTES];
};

struct bare_fetch {
    const struct fetch_params *params;
    struct recorder *recorder;
    struct fetch_requests requests;
    size_t client_bytes;
    char *clients; /* one a task */
};

/* For a floor whose clients have client_bytes each, zero but for what begins them; as a struct
   bare_body's prepare, whose state is a struct bare_fetch. */
int bare_fetch_prepare(const struct workload_input *input, size_t client_bytes, void **state,
                       char message[WORKLOAD_MESSAGE_BYTES]);
void bare_fetch_destroy(void *state);

/* The client of task `number`. */
static inline void *bare_fetch_client(const struct bare_fetch *floor, uint64_t number) {
    return floor->clients + number * floor->client_bytes;
}

#endif
