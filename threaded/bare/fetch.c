/* Each thread has a socket that blocks. Its deadline is the socket's own timeout, set once a
   connection to the whole time a request may take, so that a request is one send and, where the
   response fits the buffer, one recv. A response that comes in pieces may be noticed to be late
   only after that time again. */
#include "bare/fetch.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "threaded/bare/crowd.h"

static int fetch_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    return bare_fetch_prepare(input, sizeof(struct bare_client), state, message);
}

/* What a call on the socket reports when its timeout has passed is EAGAIN, or EINPROGRESS. */
static int socket_error(void) {
    return errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : -errno;
}

static void disconnect(struct bare_client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static int connect_to(struct bare_client *client, const struct http_url *url, int64_t timeout_ns) {
    int64_t us = (timeout_ns + NS_PER_US - 1) / NS_PER_US;
    struct timeval timeout = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    client->fd = socket(url->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    client->url = url;
    if (setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) ||
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) ||
        connect(client->fd, (const struct sockaddr *)&url->address, url->address_length))
        return socket_error();
    return 0;
}

static int send_request(const struct bare_client *client) {
    const struct http_exchange *exchange = client->exchange;
    for (size_t sent = 0; sent < exchange->request_bytes;) {
        ssize_t count = send(client->fd, exchange->request + sent, exchange->request_bytes - sent,
                             MSG_NOSIGNAL);
        if (count < 0)
            return socket_error();
        sent += (size_t)count;
    }
    return 0;
}

static int receive_response(const struct bare_client *client, int64_t deadline_ns) {
    struct http_exchange *exchange = client->exchange;
    for (;;) {
        ssize_t count = recv(client->fd, exchange->buffer, exchange->buffer_bytes, 0);
        int err = count < 0 ? socket_error() : http_exchange_take(exchange, (size_t)count);
        if (err || exchange->response.is_complete)
            return err;
        if (clock_now_ns() >= deadline_ns)
            return -ETIMEDOUT;
    }
}

static int exchange_with(struct bare_client *client, const struct http_url *url,
                         int64_t deadline_ns, int64_t timeout_ns) {
    int err = client->fd < 0 ? connect_to(client, url, timeout_ns) : 0;
    if (!err)
        err = send_request(client);
    if (!err)
        err = receive_response(client, deadline_ns);
    if (!http_exchange_keeps_connection(client->exchange, err))
        disconnect(client);
    return err;
}

static int fetch_one(struct bare_client *client, const struct http_url *url, const char *target,
                     int64_t timeout_ns) {
    int64_t deadline_ns = clock_now_ns() + timeout_ns;
    if (client->fd >= 0 && !http_url_is_same_host(client->url, url))
        disconnect(client);
    bool was_open = client->fd >= 0;
    int err = http_exchange_begin(client->exchange, url, target);
    if (err)
        return err;
    err = exchange_with(client, url, deadline_ns, timeout_ns);
    if (!was_open || !http_exchange_is_lost(client->exchange, err))
        return err;
    http_exchange_restart(client->exchange);
    return exchange_with(client, url, deadline_ns, timeout_ns);
}

static void fetch_body(void *state, uint64_t number) {
    const struct bare_fetch *floor = state;
    const struct fetch_params *p = floor->params;
    struct bare_client *client = bare_fetch_client(floor, number);
    const struct http_response *response = &client->exchange->response;
    for (uint64_t op = number; op < (uint64_t)p->requests; op += (uint64_t)p->common.tasks) {
        const struct http_url *url = fetch_url(&floor->requests, op);
        const char *target = fetch_target(&floor->requests, op, client->target);
        operation_begin(floor->recorder, op);
        int err = fetch_one(client, url, target, p->request_timeout_ns);
        operation_end(floor->recorder, op, fetch_error(err, response),
                      fetch_value(p, op, response));
    }
    disconnect(client);
}

static int fetch_main(void *state) {
    const struct bare_fetch *floor = state;
    return crowd_run(floor->recorder, (uint64_t)floor->params->common.tasks, fetch_body, state);
}

const struct bare_body bare_threads_fetch = {.workload = "fetch",
                                             .prepare = fetch_prepare,
                                             .main = fetch_main,
                                             .destroy = bare_fetch_destroy};
