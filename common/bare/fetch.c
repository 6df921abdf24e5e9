#include "bare/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int prepare_clients(struct bare_fetch *floor) {
    const struct fetch_requests *requests = &floor->requests;
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    floor->clients = calloc(tasks, floor->client_bytes);
    int err = floor->clients ? 0 : -ENOMEM;
    for (uint64_t i = 0; !err && i < tasks; i++) {
        struct bare_client *client = bare_fetch_client(floor, i);
        client->fd = -1;
        memcpy(client->target, requests->target, sizeof client->target);
        err = http_exchange_create(&client->exchange, requests->target_bytes_max,
                                   requests->buffer_bytes, floor->params->is_kept_alive);
    }
    return err;
}

int bare_fetch_prepare(const struct workload_input *input, size_t client_bytes, void **state,
                       char message[WORKLOAD_MESSAGE_BYTES]) {
    struct bare_fetch *floor = calloc(1, sizeof *floor);
    if (!floor)
        return -ENOMEM;
    floor->params = input->params;
    floor->recorder = input->recorder;
    floor->client_bytes = client_bytes;
    int err = fetch_requests_init(&floor->requests, floor->params, input->origin_url, message);
    if (!err)
        err = prepare_clients(floor);
    if (err)
        bare_fetch_destroy(floor);
    else
        *state = floor;
    return err;
}

void bare_fetch_destroy(void *state) {
    struct bare_fetch *floor = state;
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    for (uint64_t i = 0; floor->clients && i < tasks; i++)
        http_exchange_destroy(((struct bare_client *)bare_fetch_client(floor, i))->exchange);
    free(floor->clients);
    fetch_requests_destroy(&floor->requests);
    free(floor);
}
