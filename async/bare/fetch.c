/* Each task is a client: a socket that does not block, and callbacks that carry its requests on
   from where they had to wait. The socket is watched for reading as long as it is open, and read
   only when there is something; a request is written at once, also to a connection that does not
   stand yet, and waits to be written only if it must. */
#include "workloads/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/bare/base.h"
#include "http/exchange.h"

/* A request that could not be carried further yet: a callback will. */
#define WAITS (-EINPROGRESS)

struct client {
    struct event readable, writable, late;
    struct fetch_floor *floor;
    struct http_exchange *exchange;
    const struct http_url *url; /* that it is connected to */
    uint64_t operation;
    size_t sent;
    int fd;        /* -1: it is not connected */
    bool was_open; /* before this request, and has not been lost since */
    char target[FETCH_TARGET_BYTES];
};

struct fetch_floor {
    const struct fetch_params *params;
    struct recorder *recorder;
    struct fetch_requests requests;
    struct client *clients; /* one a task */
    struct event_base *base;
    const struct timeval *time_limit; /* of a request: a common timeout */
};

static void fetch_destroy(void *state) {
    struct fetch_floor *floor = state;
    for (int64_t i = 0; floor->clients && i < floor->params->common.tasks; i++)
        http_exchange_destroy(floor->clients[i].exchange);
    free(floor->clients);
    fetch_requests_destroy(&floor->requests);
    free(floor);
}

static int prepare_clients(struct fetch_floor *floor) {
    const struct fetch_requests *requests = &floor->requests;
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    floor->clients = calloc(tasks, sizeof *floor->clients);
    int err = floor->clients ? 0 : -ENOMEM;
    for (uint64_t i = 0; !err && i < tasks; i++) {
        struct client *client = &floor->clients[i];
        client->floor = floor;
        client->operation = i;
        client->fd = -1;
        memcpy(client->target, requests->target, sizeof client->target);
        err = http_exchange_create(&client->exchange, requests->target_bytes_max,
                                   requests->buffer_bytes, floor->params->is_kept_alive);
    }
    return err;
}

static int fetch_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    struct fetch_floor *floor = calloc(1, sizeof *floor);
    if (!floor)
        return -ENOMEM;
    floor->params = input->params;
    floor->recorder = input->recorder;
    int err = fetch_requests_init(&floor->requests, floor->params, input->origin_url, message);
    if (!err)
        err = prepare_clients(floor);
    if (err)
        fetch_destroy(floor);
    else
        *state = floor;
    return err;
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static void disconnect(struct client *client) {
    if (client->fd < 0)
        return;
    event_del(&client->readable);
    event_del(&client->writable);
    close(client->fd);
    client->fd = -1;
}

static int connect_to(struct client *client, const struct http_url *url) {
    struct event_base *base = client->floor->base;
    int fd = socket(url->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    client->fd = fd;
    client->url = url;
    event_assign(&client->readable, base, fd, EV_READ | EV_PERSIST, on_readable, client);
    event_assign(&client->writable, base, fd, EV_WRITE, on_writable, client);
    if (connect(fd, (const struct sockaddr *)&url->address, url->address_length) &&
        errno != EINPROGRESS)
        return -errno;
    return event_add(&client->readable, NULL) ? -ENOMEM : 0;
}

static int send_rest(struct client *client) {
    const struct http_exchange *exchange = client->exchange;
    while (client->sent < exchange->request_bytes) {
        ssize_t count = send(client->fd, exchange->request + client->sent,
                             exchange->request_bytes - client->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN)
            return event_add(&client->writable, NULL) ? -ENOMEM : WAITS;
        if (count < 0)
            return -errno;
        client->sent += (size_t)count;
    }
    return WAITS; /* for the response */
}

static int send_request(struct client *client, const struct http_url *url) {
    client->sent = 0;
    int err = client->fd < 0 ? connect_to(client, url) : 0;
    return err ? err : send_rest(client);
}

/* What has become of the request: WAITS; 0; or the error of which it fails, which a connection that
   was lost between two requests is not. */
static int settle(struct client *client, int err) {
    if (err == WAITS)
        return WAITS;
    bool is_lost = client->was_open && http_exchange_is_lost(client->exchange, err);
    if (!http_exchange_keeps_connection(client->exchange, err))
        disconnect(client);
    if (!is_lost)
        return err;
    client->was_open = false;
    http_exchange_restart(client->exchange);
    return settle(client, send_request(client, client->url));
}

static int begin_request(struct client *client) {
    const struct fetch_floor *floor = client->floor;
    const struct http_url *url = fetch_url(&floor->requests, client->operation);
    const char *target = fetch_target(&floor->requests, client->operation, client->target);
    operation_begin(floor->recorder, client->operation);
    int err = http_exchange_begin(client->exchange, url, target);
    if (!err && event_add(&client->late, floor->time_limit))
        err = -ENOMEM;
    if (err)
        return err;
    if (client->fd >= 0 && !http_url_is_same_host(client->url, url))
        disconnect(client);
    client->was_open = client->fd >= 0;
    return settle(client, send_request(client, url));
}

static void end_client(struct client *client) {
    disconnect(client);
    event_del(&client->late);
    recorder_task_end(client->floor->recorder);
}

/* Ends the client's request if it does not wait, and begins the next, until one waits. */
static void go_on(struct client *client, int err) {
    const struct fetch_floor *floor = client->floor;
    const struct fetch_params *p = floor->params;
    const struct http_response *response = &client->exchange->response;
    while (err != WAITS) {
        operation_end(floor->recorder, client->operation, fetch_error(err, response),
                      fetch_value(p, client->operation, response));
        client->operation += (uint64_t)p->common.tasks;
        if (client->operation >= (uint64_t)p->requests) {
            end_client(client);
            return;
        }
        err = begin_request(client);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct client *client = arg;
    struct http_exchange *exchange = client->exchange;
    ssize_t count = recv(fd, exchange->buffer, exchange->buffer_bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int err = count < 0 ? -errno : http_exchange_take(exchange, (size_t)count);
    bool is_over = err || exchange->response.is_complete;
    go_on(client, settle(client, is_over ? err : WAITS));
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct client *client = arg;
    go_on(client, settle(client, send_rest(client)));
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    go_on(arg, settle(arg, -ETIMEDOUT));
}

static void run_clients(struct fetch_floor *floor) {
    struct timeval time_limit = base_timeval(floor->params->request_timeout_ns);
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    const struct timeval *common = event_base_init_common_timeout(floor->base, &time_limit);
    floor->time_limit = common ? common : &time_limit;
    for (uint64_t i = 0; i < tasks; i++) {
        struct client *client = &floor->clients[i];
        evtimer_assign(&client->late, floor->base, on_late, client);
        recorder_task_begin(floor->recorder);
        go_on(client, begin_request(client));
    }
    recorder_all_spawned(floor->recorder, tasks, 0);
    event_base_dispatch(floor->base);
}

static int fetch_main(void *state) {
    struct fetch_floor *floor = state;
    floor->base = base_create(false);
    if (!floor->base) {
        recorder_all_spawned(floor->recorder, 0, -ENOMEM);
        return -ENOMEM;
    }
    run_clients(floor);
    event_base_free(floor->base);
    return 0;
}

const struct bare_body bare_callbacks_fetch = {
    .workload = "fetch", .prepare = fetch_prepare, .main = fetch_main, .destroy = fetch_destroy};
